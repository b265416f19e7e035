//! `xinqiao resend`: a callback once more, as it was or edited, signed anew.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Control, logs};
use crate::fail::{Fail, Outcome};
use crate::lang::{Lang, either};
use crate::talk;

/// `xinqiao resend`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ResendOptions {
    /// Which callback: its delivery (d12, as `logs` shows it) or the id of its row (default: the latest)
    #[arg(value_name = "ROW")]
    row: Option<String>,
    /// Edit the decrypted text first, with VISUAL or EDITOR
    #[arg(long)]
    edit: bool,
    /// Give it a new MsgId and the time of now: it happens again, instead of being repeated
    #[arg(long)]
    new_id: bool,
    /// As JSON: the deliveries
    #[arg(long)]
    json: bool,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Sends a callback again and says how it went.
pub(crate) async fn resend(options: ResendOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    let id = delivery(&control, options.row.as_deref(), lang).await?;
    let known = known(&control, &id).await?;
    let mut body = json!({ "msg_id": if options.new_id { "new" } else { "same" } });
    if options.edit {
        let plain = known.get("plain").and_then(Value::as_str);
        let plain = plain.unwrap_or_default();
        let edited = edit(plain, lang).await?;
        if edited.trim().is_empty() {
            return Err(Fail::failed(lang.pick(
                "内容是空的，没有重发",
                "nothing is left, so nothing was sent",
            )));
        }
        body["plain"] = edited.into();
    }
    let path = format!("/deliveries/{id}/resend");
    let answer = control.call(Method::POST, &path, Some(body)).await?;
    if !options.json {
        talk::say(match lang {
            Lang::Zh => format!("重发 {id}"),
            Lang::En => format!("sending {id} again"),
        });
    }
    let account = known.get("account").and_then(Value::as_str);
    control
        .tell(account.unwrap_or_default(), answer, options.json)
        .await
}

/// The delivery that is meant: by itself, by a row of the timeline that tells of it, or the latest.
async fn delivery(control: &Control, wanted: Option<&str>, lang: Lang) -> Result<String, Fail> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some(id) = wanted.filter(|id| id.strip_prefix('d').is_some_and(is_number)) {
        return Ok(id.to_owned());
    }
    if let Some(row) = wanted.filter(|row| !is_number(row)) {
        return Err(Fail::usage(match lang {
            Lang::Zh => format!("{row} 不是投递（d12）也不是行号（57）；xinqiao logs 里看得到"),
            Lang::En => {
                format!(
                    "{row} is neither a delivery (d12) nor a row (57); `xinqiao logs` shows them"
                )
            }
        }));
    }
    let answer = control.call(Method::GET, "/timeline", None).await?;
    let rows = answer.get("items").and_then(Value::as_array);
    let mut rows = rows.into_iter().flatten().rev();
    let found = rows.find_map(|row| {
        let delivery = logs::delivery(row)?;
        let is_it =
            wanted.is_none_or(|wanted| row.get("id").and_then(Value::as_str) == Some(wanted));
        is_it.then(|| delivery.to_owned())
    });
    found.ok_or_else(|| {
        Fail::usage(match (wanted, lang) {
            (None, _) => lang
                .pick("还没有推送过什么", "nothing was pushed yet")
                .to_owned(),
            (Some(row), Lang::Zh) => format!("第 {row} 行不是回调；xinqiao logs 里看得到哪些是"),
            (Some(row), Lang::En) => {
                format!("row {row} is no callback; `xinqiao logs` shows which are")
            }
        })
    })
}

/// A delivery as the control interface shows it; nothing where it is forgotten, which the call itself refuses.
async fn known(control: &Control, id: &str) -> Result<Value, Fail> {
    let number = id
        .trim_start_matches('d')
        .parse::<u64>()
        .unwrap_or_default();
    let before = number.saturating_sub(1);
    let path = format!("/deliveries?after=d{before}&limit=1");
    let answer = control.call(Method::GET, &path, None).await?;
    let found = answer.pointer("/items/0");
    let found = found.filter(|one| one.get("id").and_then(Value::as_str) == Some(id));
    Ok(found.cloned().unwrap_or_default())
}

/// Lets a person change a text in their editor.
async fn edit(text: &str, lang: Lang) -> Result<String, Fail> {
    let ends = if text.trim_start().starts_with('{') {
        ".json"
    } else {
        ".xml"
    };
    let mut file = tempfile::Builder::new()
        .suffix(ends)
        .tempfile()
        .context(either("临时文件", "a temporary file"))?;
    file.write_all(text.as_bytes())
        .context(either("临时文件", "a temporary file"))?;
    let editor = ["VISUAL", "EDITOR"]
        .iter()
        .filter_map(|name| std::env::var(name).ok())
        .find(|editor| !editor.trim().is_empty())
        .unwrap_or_else(|| if cfg!(windows) { "notepad" } else { "vi" }.to_owned());
    // `code --wait` is an editor, too.
    let mut words = editor.split_whitespace();
    let program = words.next().unwrap_or_default();
    let status = tokio::process::Command::new(program)
        .args(words)
        .arg(file.path())
        .status()
        .await
        .map_err(|error| Fail::failed(format!("{program}: {}", lang.io(&error))))?;
    if !status.success() {
        return Err(Fail::failed(match lang {
            Lang::Zh => format!("{program} 没有正常结束，没有重发"),
            Lang::En => format!("{program} did not end well, so nothing was sent"),
        }));
    }
    let edited = std::fs::read_to_string(file.path());
    // Editors end files with a line feed that was not there.
    let edited = edited.map_err(|error| Fail::failed(lang.io(&error)))?;
    Ok(edited.trim_end_matches(['\r', '\n']).to_owned())
}
