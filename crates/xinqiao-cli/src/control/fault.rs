//! `xinqiao fault`: calls that fail, callbacks that go wrong; set, listed, taken away.

use std::path::PathBuf;

use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};

use super::Control;
use crate::fail::Outcome;
use crate::lang::Lang;
use crate::talk;

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
    /// Do this to callbacks instead of calls
    #[arg(long, value_enum)]
    push: Option<Harm>,
    /// Take this fault away again
    #[arg(long, value_name = "ID")]
    remove: Option<String>,
    /// List the faults that there are
    #[arg(long)]
    list: bool,
}

/// What only faults of callbacks take.
#[derive(Clone, Debug, clap::Args)]
struct FaultOfPushes {
    /// Only callbacks of this message type, e.g. text
    #[arg(long, requires = "push")]
    msg_type: Option<String>,
    /// Only callbacks of this event, e.g. CLICK
    #[arg(long, requires = "push")]
    event: Option<String>,
    /// With `late`: so many milliseconds
    #[arg(long, requires = "push", conflicts_with = "late_seconds")]
    late_ms: Option<u64>,
    /// With `late`: so many seconds of the simulated clock
    #[arg(long, requires = "push")]
    late_seconds: Option<u32>,
}

/// What happens to a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
enum Harm {
    Duplicate,
    Drop,
    Late,
    Reorder,
    WrongSignature,
    TornBody,
}

impl Harm {
    fn will(self, lang: Lang) -> &'static str {
        match self {
            Self::Duplicate => lang.pick("得到回答后再推一次", "be sent again once answered"),
            Self::Drop => lang.pick("不会发出", "not leave"),
            Self::Late => lang.pick("晚到", "leave late"),
            Self::Reorder => lang.pick("排到下一次推送之后", "wait for the next one"),
            Self::WrongSignature => lang.pick("签名是错的", "be signed wrongly"),
            Self::TornBody => lang.pick("正文只有一半", "lose half of their bodies"),
        }
    }
}

/// `xinqiao fault`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct FaultOptions {
    /// Path of the calls that fail, e.g. /cgi-bin/menu/get
    #[arg(required_unless_present_any = ["push", "remove", "list"], conflicts_with = "push")]
    path: Option<String>,
    #[command(flatten)]
    effect: FaultEffect,
    /// Only this account
    #[arg(long)]
    account: Option<String>,
    /// How many calls or attempts it hits
    #[arg(long)]
    times: Option<u32>,
    #[command(flatten)]
    pushes: FaultOfPushes,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Sets or removes a fault.
pub(crate) async fn fault(options: FaultOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    if options.effect.list {
        return list_faults(&control, options.json, lang).await;
    }
    if let Some(id) = options.effect.remove {
        control
            .call(Method::DELETE, &format!("/faults/{id}"), None)
            .await?;
        if !options.json {
            talk::data(match lang {
                Lang::Zh => format!("故障 {id} 已取消"),
                Lang::En => format!("fault {id} is taken away"),
            });
        }
        return Ok(());
    }
    let path = options.path.unwrap_or_default();
    let mut body = match options.effect.push {
        Some(harm) => of_pushes(harm, &options.pushes),
        None => json!({ "path": path }),
    };
    if let Some(account) = options.account {
        body["account"] = control.account(Some(&account), lang)?.into();
    }
    if let Some(times) = options.times {
        body["times"] = times.into();
    }
    let effect = options.effect;
    let what = match (lang, effect.push) {
        (Lang::Zh, None) => format!("对 {path} 的调用"),
        (Lang::En, None) => format!("calls of {path}"),
        (_, Some(_)) => lang.pick("推送", "pushes").to_owned(),
    };
    let will = if let Some(harm) = effect.push {
        harm.will(lang).to_owned()
    } else if let Some(code) = effect.errcode {
        body["errcode"] = code.into();
        match lang {
            Lang::Zh => format!("返回错误码 {code}"),
            Lang::En => format!("answer with error code {code}"),
        }
    } else if let Some(status) = effect.http_status {
        body["http_status"] = status.into();
        match lang {
            Lang::Zh => format!("返回 HTTP {status}"),
            Lang::En => format!("answer with HTTP {status}"),
        }
    } else if let Some(delay) = effect.delay_ms {
        body["delay_ms"] = delay.into();
        match lang {
            Lang::Zh => format!("晚 {delay} 毫秒应答"),
            Lang::En => format!("answer {delay} ms late"),
        }
    } else {
        body["drop"] = true.into();
        lang.pick("直接断开连接", "close the connection").to_owned()
    };
    let answer = control.call(Method::POST, "/faults", Some(body)).await?;
    if options.json {
        talk::data(answer);
        return Ok(());
    }
    let id = answer.get("id").and_then(Value::as_str).unwrap_or_default();
    let times = options.times;
    talk::data(match (lang, times) {
        (Lang::Zh, Some(times)) => {
            format!("故障 {id}：接下来 {times} 次{what}{will}；取消：xinqiao fault --remove {id}")
        }
        (Lang::Zh, None) => {
            format!("故障 {id}：{what}都{will}；取消：xinqiao fault --remove {id}")
        }
        (Lang::En, Some(times)) => format!(
            "fault {id}: the next {times} {what} {will}; take it away: `xinqiao fault --remove {id}`"
        ),
        (Lang::En, None) => {
            format!("fault {id}: {what} {will}; take it away: `xinqiao fault --remove {id}`")
        }
    });
    Ok(())
}

/// The body of a fault of callbacks, without whose and how often.
fn of_pushes(harm: Harm, of: &FaultOfPushes) -> Value {
    let mut body = json!({ "push": harm });
    let fields = [
        ("msg_type", of.msg_type.as_deref().map(Value::from)),
        ("event", of.event.as_deref().map(Value::from)),
        ("delay_ms", of.late_ms.map(Value::from)),
        ("delay_seconds", of.late_seconds.map(Value::from)),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    body
}

async fn list_faults(control: &Control, as_json: bool, lang: Lang) -> Outcome {
    let mut items = Vec::new();
    let mut path = "/faults".to_owned();
    loop {
        let mut page = control.call(Method::GET, &path, None).await?;
        if let Some(Value::Array(more)) = page.get_mut("items").map(Value::take) {
            items.extend(more);
        }
        match page.get("next").and_then(Value::as_str) {
            Some(next) => path = format!("/faults?after={next}"),
            None => break,
        }
    }
    if as_json {
        talk::data(json!({"items": items}));
        return Ok(());
    }
    if items.is_empty() {
        talk::data(lang.pick("没有故障", "there are no faults"));
    }
    for fault in items {
        let parts = fault
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                match name.as_str() {
                    "id" | "path" => value,
                    name => format!("{name}={value}"),
                }
            });
        talk::data(parts.collect::<Vec<_>>().join("  "));
    }
    Ok(())
}
