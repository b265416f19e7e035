//! `xinqiao api call`: one call of the running dev, checked against the schema before it leaves.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use clap_complete::ArgValueCandidates;
use serde_json::{Map, Value};
use xinqiao_catalog as catalog;
use xinqiao_client::{Client, FilePart};

use super::{find, pretty};
use crate::control::{FALLBACK, schema_only};
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::project::{self, Via};
use crate::{chinese, complete, exec, talk};

pub(super) const EXAMPLES: &str = "xinqiao api call official_account.menu.get
xinqiao api call official_account.user.info '{\"openid\": \"…\"}'
xinqiao api call official_account.menu.create @menu.json
jq … | xinqiao api call official_account.menu.create -
xinqiao api call official_account.media.upload '{\"type\": \"image\"}' \\
    --file media=photo.jpg";

/// One call.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Call {
    /// Endpoint id, or a route that only one endpoint has
    #[arg(add = ArgValueCandidates::new(complete::endpoints))]
    id: String,
    /// Parameters of path, query and body as one JSON object; `@FILE` reads a file, `-` standard input
    #[arg(default_value = "{}", hide_default_value = true)]
    parameters: String,
    /// A file to send: the part's name and the path
    #[arg(long, value_name = "NAME=PATH")]
    file: Vec<String>,
    /// Write the answer to this file (pictures, bills)
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Send it even if it does not fit the schema
    #[arg(long)]
    force: bool,
    /// Account that calls (appid or name; default: the first)
    #[arg(long)]
    account: Option<String>,
    /// Call the simulator directly or through the gateway
    #[arg(long, value_enum)]
    via: Option<Via>,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Calls an endpoint as a seeded account and prints the answer.
pub(super) async fn run(call: Call, lang: Lang) -> Outcome {
    let endpoint = find::one(&call.id, lang)?;
    let parameters = parameters(&call.parameters, lang)?;
    let files = files(&call.file, lang)?;
    if !call.force {
        check(endpoint, &parameters, &files, lang)?;
    }
    let (ready, _) = project::find_running(call.ready_file.as_deref(), lang).await?;
    let endpoints = ready.endpoints(call.via.unwrap_or(ready.via), lang)?;
    let account = exec::choose(&ready, call.account.as_deref(), lang)?.ok_or_else(|| {
        Fail::usage(lang.pick(
            "世界里没有预置账号可用来调用",
            "the world has no seeded account to call with",
        ))
    })?;
    let client = Client::builder(account.appid.as_str())
        .secret(account.secret.as_str())
        .endpoints(endpoints.clone())
        .build()
        .map_err(|error| Fail::failed(chain(error, lang)))?;
    let mut request = client.call(endpoint.id, Value::Object(parameters));
    for (name, file) in files {
        request = request.file(name, file);
    }
    if let Some(path) = &call.output {
        // Written beside and renamed: for an error, or fields that only tell where the file lies, nothing is written.
        let saved = async { request.stream().await?.save(path).await };
        return match saved.await {
            Ok(size) => {
                let path = path.display();
                talk::say(match lang {
                    Lang::Zh => format!("已写入 {path}（{size} 字节）"),
                    Lang::En => format!("written to {path} ({size} bytes)"),
                });
                Ok(())
            }
            Err(error) => Err(unsaved(error, path, lang)),
        };
    }
    let answer = request
        .answer()
        .await
        .map_err(|error| Fail::failed(chain(error, lang)))?;
    // How the simulator marks what it answers (docs/control.md).
    let fidelity = answer.headers.get("x-xinqiao-fidelity");
    if fidelity.is_some_and(|fidelity| fidelity == FALLBACK) {
        talk::say(format_args!("! {}: {}", endpoint.id, schema_only(lang)));
    }
    match answer.json() {
        Ok(json) => {
            talk::data(pretty(&json));
            Ok(())
        }
        Err(_) => bytes(&answer.body, lang),
    }
}

/// An answer that is not JSON: text is shown, other bytes go where a program takes them.
fn bytes(body: &[u8], lang: Lang) -> Outcome {
    let mut out = std::io::stdout().lock();
    if out.is_terminal() && std::str::from_utf8(body).is_err() {
        return Err(Fail::usage(match lang {
            Lang::Zh => format!(
                "应答是 {} 字节的文件；用 --output 文件名 存下来",
                body.len()
            ),
            Lang::En => format!(
                "the answer is a file of {} bytes; --output FILE keeps it",
                body.len()
            ),
        }));
    }
    // A closed pipe is not an error of ours.
    let _ = out.write_all(body).and_then(|()| out.flush());
    Ok(())
}

/// Why there is no file; where the answer says where it lies, that too.
fn unsaved(error: xinqiao_client::Error, path: &Path, lang: Lang) -> Fail {
    let url = error.url().map(str::to_owned);
    let text = match &error {
        xinqiao_client::Error::Write { .. } => {
            format!("{}: {}", path.display(), chain(error, lang))
        }
        _ => chain(error, lang),
    };
    Fail::failed(match url {
        Some(url) => format!("{text}{}{url}", lang.pick("；文件在 ", "; it lies at ")),
        None => text,
    })
}

/// What went wrong with a call, with what the catalog says about its code.
fn chain(error: xinqiao_client::Error, lang: Lang) -> String {
    use xinqiao_client::{Error, TransportReason};

    if lang == Lang::En {
        return format!("{:#}", anyhow::Error::new(error));
    }
    match &error {
        Error::Api(api) => {
            let product = catalog::Product::of_id(api.endpoint);
            let known = product.and_then(|product| catalog::error(product, api.code.as_code()));
            let mut out = format!("{} 返回 {}：{}", api.endpoint, api.code, api.message);
            for text in known
                .into_iter()
                .flat_map(|known| [known.meaning, known.remedy])
            {
                if !text.zh.is_empty() {
                    let _ = write!(out, "\n  → {}", text.zh);
                }
            }
            out
        }
        Error::Transport {
            endpoint,
            host,
            reason,
            ..
        } => {
            let reason = match reason {
                TransportReason::Connect => "连接不上".to_owned(),
                TransportReason::Timeout => "超时".to_owned(),
                TransportReason::TooLarge => "应答超过了大小限制".to_owned(),
                TransportReason::Status(status) => format!("HTTP 状态 {status}"),
                _ => "连接中断".to_owned(),
            };
            format!("调用 {endpoint} 时 {host} 没有应答：{reason}")
        }
        Error::Decode { endpoint, path, .. } => {
            format!("{endpoint} 的应答与目录不符，在 `{path}` 处")
        }
        Error::Fields { endpoint, .. } => {
            format!("{endpoint} 没有给出文件：应答只有字段；去掉 -o 可以看到")
        }
        Error::Preflight { endpoint, reason } => format!("没有发送 {endpoint}：{reason}"),
        Error::Signature { endpoint, source } => {
            let cause = catalog::diagnosis(source.rule()).map_or("", |rule| rule.cause.zh);
            format!(
                "{endpoint} 的应答不能证明来自平台：{cause} [{}]",
                source.rule()
            )
        }
        Error::Credential { endpoint, .. } => {
            format!("没有调用 {endpoint} 所需的凭据：预置账号只有 appid 和 secret")
        }
        Error::Write { source, .. } => lang.io(source),
        _ => error.to_string(),
    }
}

/// The parameters of a call: a JSON object, from the command line, a file or standard input.
fn parameters(text: &str, lang: Lang) -> Result<Map<String, Value>, Fail> {
    let mut input = String::new();
    let text = if text == "-" {
        std::io::stdin()
            .read_to_string(&mut input)
            .map_err(|error| {
                let what = lang.pick("标准输入", "standard input");
                Fail::failed(format!("{what}: {}", lang.io(&error)))
            })?;
        input.as_str()
    } else if let Some(path) = text.strip_prefix('@') {
        input = std::fs::read_to_string(path)
            .map_err(|error| Fail::usage(format!("{path}: {}", lang.io(&error))))?;
        input.as_str()
    } else {
        text
    };
    // WECHAT: exports of other tools begin with a byte order mark.
    match serde_json::from_str(text.trim_start_matches('\u{feff}')) {
        Ok(Value::Object(parameters)) => Ok(parameters),
        Ok(_) => Err(Fail::usage(
            lang.pick("参数要是 JSON 对象", "parameters are a JSON object"),
        )),
        Err(error) => Err(Fail::usage(match lang {
            Lang::Zh => format!(
                "参数不是 JSON（第 {} 行第 {} 列）",
                error.line(),
                error.column()
            ),
            Lang::En => format!("parameters are not JSON: {error}"),
        })),
    }
}

fn files(pairs: &[String], lang: Lang) -> Result<Vec<(String, FilePart)>, Fail> {
    pairs
        .iter()
        .map(|pair| {
            let (name, path) = pair.split_once('=').ok_or_else(|| {
                Fail::usage(match lang {
                    Lang::Zh => format!("--file 要写成 名字=路径，不是 {pair}"),
                    Lang::En => format!("--file takes NAME=PATH, not {pair}"),
                })
            })?;
            let bytes = std::fs::read(path)
                .map_err(|error| Fail::usage(format!("{path}: {}", lang.io(&error))))?;
            let shown = Path::new(path).file_name().map_or_else(
                || path.to_owned(),
                |name| name.to_string_lossy().into_owned(),
            );
            Ok((name.to_owned(), FilePart::new(shown, bytes)))
        })
        .collect()
}

/// Holds the parameters against the schema, so that a mistake is named before anything is sent.
fn check(
    endpoint: &catalog::Endpoint,
    parameters: &Map<String, Value>,
    files: &[(String, FilePart)],
    lang: Lang,
) -> Outcome {
    let refuse = |path: &str, reason: &str| {
        let chinese = chinese::sentence(reason).filter(|_| lang == Lang::Zh);
        let reason = chinese.as_deref().unwrap_or(reason);
        let rule = if path.is_empty() {
            reason.to_owned()
        } else {
            format!("{path} {reason}")
        };
        let id = endpoint.id;
        Fail::usage(match lang {
            Lang::Zh => format!(
                "没有发送，参数与结构不符：{rule}；xinqiao api show {id} 列出字段，--force 照样发送"
            ),
            Lang::En => format!(
                "not sent, the parameters do not fit: {rule}; `xinqiao api show {id}` lists the fields, --force sends it anyway"
            ),
        })
    };
    let mut body = parameters.clone();
    for field in &endpoint.path_params.fields {
        if body.shift_remove(field.name).is_none()
            && endpoint.path.contains(&format!("{{{}}}", field.name))
        {
            return Err(refuse(field.name, "is required"));
        }
    }
    let query: Vec<(String, String)> = endpoint
        .query
        .fields
        .iter()
        .filter_map(|field| {
            let value = match parameters.get(field.name)? {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Some((field.name.to_owned(), value))
        })
        .collect();
    catalog::validate_query(endpoint, &query)
        .map_err(|violation| refuse(&violation.path, &violation.reason))?;
    if endpoint.content == catalog::Content::None {
        return Ok(());
    }
    for field in &endpoint.query.fields {
        if endpoint.request.field(field.name).is_none() {
            body.shift_remove(field.name);
        }
    }
    for (name, _) in files {
        body.insert(name.clone(), "file".into());
    }
    catalog::validate(endpoint, &Value::Object(body))
        .map_err(|violation| refuse(&violation.path, &violation.reason))
}
