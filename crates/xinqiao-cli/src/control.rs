//! The verbs that act on a running simulator through its control interface: `clock`, `trigger`,
//! `fault`, `logs`. They hold no state: each is one or a few calls, and prints what came back.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::local::Local;
use crate::project::{self, Ready};
use crate::talk;

/// `xinqiao clock`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ClockOptions {
    /// Move forward by this long: 7201, 90m, 48h, 2d
    #[arg(long, value_parser = seconds, group = "change")]
    advance: Option<i64>,
    /// Jump to this time, seconds since 1970
    #[arg(long, group = "change")]
    now: Option<i64>,
    /// Stop the clock
    #[arg(long, group = "change")]
    freeze: bool,
    /// Let it run again
    #[arg(long, group = "change")]
    run: bool,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// `xinqiao trigger`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TriggerOptions {
    /// The event, by its catalog id or its name on the wire
    #[arg(add = clap_complete::ArgValueCandidates::new(crate::complete::events))]
    event: String,
    /// Account (appid; default: the first)
    #[arg(long)]
    account: Option<String>,
    /// User that causes it
    #[arg(long)]
    user: Option<String>,
    /// Set a field: name=value, may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// `xinqiao fault`
#[derive(Clone, Debug, clap::Args)]
#[group(id = "effect", required = true, multiple = false)]
pub(crate) struct FaultEffect {
    /// Answer with this error code, e.g. 45009 or -1
    #[arg(long, allow_negative_numbers = true)]
    errcode: Option<i64>,
    /// Answer with this HTTP status
    #[arg(long)]
    http_status: Option<u16>,
    /// Answer late, milliseconds
    #[arg(long)]
    delay_ms: Option<u64>,
    /// Close the connection without an answer
    #[arg(long)]
    drop: bool,
    /// Take this fault away again
    #[arg(long, value_name = "ID")]
    remove: Option<String>,
}

/// `xinqiao fault`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct FaultOptions {
    /// Path of the calls that fail, e.g. /cgi-bin/menu/get
    #[arg(required_unless_present = "remove")]
    path: Option<String>,
    #[command(flatten)]
    effect: FaultEffect,
    /// Only this account
    #[arg(long)]
    account: Option<String>,
    /// How many calls fail
    #[arg(long)]
    times: Option<u32>,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// `xinqiao logs`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LogsOptions {
    /// Keep printing what happens
    #[arg(short, long)]
    follow: bool,
    /// Only this account
    #[arg(long)]
    account: Option<String>,
    /// Only this user
    #[arg(long)]
    user: Option<String>,
    /// Rows as JSON, one a line
    #[arg(long)]
    json: bool,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Reads or moves the clock and prints what it shows then.
pub(crate) async fn clock(options: ClockOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    let change = if let Some(advance) = options.advance {
        Some(json!({ "advance": advance }))
    } else if let Some(now) = options.now {
        Some(json!({ "now": now }))
    } else if options.freeze || options.run {
        Some(json!({ "freeze": options.freeze }))
    } else {
        None
    };
    let method = if change.is_some() {
        Method::POST
    } else {
        Method::GET
    };
    talk::data(control.call(method, "/clock", change).await?);
    Ok(())
}

/// Pushes an event and prints the deliveries.
pub(crate) async fn trigger(options: TriggerOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    let account = match options.account {
        Some(account) => account,
        None => control
            .ready
            .accounts
            .first()
            .map(|account| account.appid.clone())
            .ok_or_else(|| {
                Fail::usage(lang.pick(
                    "世界里没有预置账号，请用 --account 指定 appid",
                    "the world has no seeded account; name an appid with --account",
                ))
            })?,
    };
    let mut body = json!({ "account": account, "event": options.event });
    if let Some(user) = options.user {
        body["user"] = user.into();
    }
    if !options.set.is_empty() {
        body["set"] = options
            .set
            .into_iter()
            .map(|(name, value)| (name, Value::from(value)))
            .collect::<serde_json::Map<_, _>>()
            .into();
    }
    talk::data(control.call(Method::POST, "/trigger", Some(body)).await?);
    Ok(())
}

/// Sets or removes a fault.
pub(crate) async fn fault(options: FaultOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    if let Some(id) = options.effect.remove {
        control
            .call(Method::DELETE, &format!("/faults/{id}"), None)
            .await?;
        return Ok(());
    }
    let mut body = json!({ "path": options.path });
    if let Some(account) = options.account {
        body["account"] = account.into();
    }
    if let Some(times) = options.times {
        body["times"] = times.into();
    }
    let effect = options.effect;
    if let Some(code) = effect.errcode {
        body["errcode"] = code.into();
    } else if let Some(status) = effect.http_status {
        body["http_status"] = status.into();
    } else if let Some(delay) = effect.delay_ms {
        body["delay_ms"] = delay.into();
    } else {
        body["drop"] = true.into();
    }
    talk::data(control.call(Method::POST, "/faults", Some(body)).await?);
    Ok(())
}

/// Prints the timeline, oldest first.
pub(crate) async fn logs(options: LogsOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    let mut after = String::new();
    loop {
        let mut path = format!("/timeline?after={after}");
        for (name, value) in [("account", &options.account), ("user", &options.user)] {
            if let Some(value) = value {
                let _ = write!(path, "&{name}={value}");
            }
        }
        let answer = control.call(Method::GET, &path, None).await?;
        let rows = answer
            .get("items")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        for row in &rows {
            if let Some(id) = row.get("id").and_then(Value::as_str) {
                id.clone_into(&mut after);
            }
            talk::data(if options.json {
                row.to_string()
            } else {
                line(row, lang)
            });
        }
        if !options.follow && rows.is_empty() {
            return Ok(());
        }
        if rows.is_empty() {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                () = tokio::time::sleep(Duration::from_millis(250)) => {}
            }
        }
    }
}

/// One row as a line: state, title, subtitle, verdict, milliseconds, and the diagnosis under it.
fn line(row: &Value, lang: Lang) -> String {
    let text = |value: Option<&Value>| {
        value
            .and_then(|both| both.get(lang.pick("zh", "en")))
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let mark = match row.get("state").and_then(Value::as_str) {
        Some("ok") => "✓",
        Some("warn") => "!",
        Some("error") => "✗",
        _ => "…",
    };
    let mut parts = vec![mark.to_owned()];
    for name in ["title", "subtitle", "label"] {
        let part = text(row.get(name));
        if !part.is_empty() {
            parts.push(part);
        }
    }
    if let Some(ms) = row.get("ms").and_then(Value::as_f64) {
        parts.push(format!("{ms:.0} ms"));
    }
    let mut all = parts.join("  ");
    if let Some(diagnosis) = row.get("diagnosis") {
        let rule = diagnosis
            .get("rule")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let _ = write!(all, "\n    {rule}: {}", text(diagnosis.get("cause")));
    }
    all
}

/// A running simulator's control interface.
struct Control {
    ready: Ready,
    local: Local,
}

impl Control {
    async fn open(ready_file: Option<PathBuf>, lang: Lang) -> Result<Self, Fail> {
        let (ready, _) = project::find_running(ready_file.as_deref(), lang).await?;
        Ok(Self {
            ready,
            local: Local::new()?,
        })
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value, Fail> {
        let url = format!("{}{path}", self.ready.control);
        self.local.call(method, &url, body.as_ref()).await
    }
}

/// A number of seconds, or one with a unit.
fn seconds(text: &str) -> Result<i64, String> {
    let (number, unit) = match text.chars().last() {
        Some('s') => (&text[..text.len() - 1], 1),
        Some('m') => (&text[..text.len() - 1], 60),
        Some('h') => (&text[..text.len() - 1], 3_600),
        Some('d') => (&text[..text.len() - 1], 86_400),
        _ => (text, 1),
    };
    number
        .trim_start_matches('+')
        .parse::<i64>()
        .ok()
        .and_then(|n| n.checked_mul(unit))
        .ok_or_else(|| "a number of seconds, or one with s, m, h or d".to_owned())
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "name=value".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(seconds("7201"), Ok(7201));
        assert_eq!(seconds("+48h"), Ok(172_800));
        assert_eq!(seconds("2d"), Ok(172_800));
        assert!(seconds("soon").is_err());
        assert!(seconds("").is_err());
    }

    #[test]
    fn a_row_is_one_line_and_its_diagnosis_another() {
        let row = json!({
            "id": "1", "state": "error", "ms": 12.4,
            "title": {"zh": "回调", "en": "Callback"}, "subtitle": {"zh": "", "en": ""},
            "label": {"zh": "签名不对", "en": "bad signature"},
            "diagnosis": {"rule": "callback.signature.token", "cause": {"zh": "Token 不同", "en": "other token"}},
        });
        assert_eq!(
            line(&row, Lang::Zh),
            "✗  回调  签名不对  12 ms\n    callback.signature.token: Token 不同"
        );
    }
}
