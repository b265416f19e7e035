//! How deliveries went, in sentences.

use std::fmt::Write as _;

use serde_json::{Value, json};
use xinqiao_catalog as catalog;

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::project::Via;
use crate::talk;

/// What is known beside the deliveries themselves.
#[derive(Debug, Default)]
pub(super) struct Beside<'c> {
    /// The address of the account's app, where `--app` named one.
    pub(super) app: Option<&'c str>,
    /// Nobody accepts connections there.
    pub(super) is_down: bool,
    /// How it is reached: the gateway answers in its place.
    pub(super) via: Via,
    /// Diagnoses of deliveries that arrived, of which something is to be said all the same.
    pub(super) warnings: Vec<Value>,
}

/// The diagnoses of rows that warn of one of these deliveries.
pub(super) fn warnings(answer: &Value, rows: &Value) -> Vec<Value> {
    let list = |value: &Value, name: &str| value.get(name)?.as_array().cloned();
    let deliveries = list(answer, "deliveries").unwrap_or_default();
    let rows = list(rows, "items").unwrap_or_default();
    let is_ours = |row: &&Value| {
        let id = row.pointer("/callback/delivery");
        id.is_some() && deliveries.iter().any(|one| one.get("id") == id)
    };
    let warns = |row: &&Value| row.get("state").and_then(Value::as_str) == Some("warn");
    let diagnosis = |row: &Value| row.get("diagnosis").cloned();
    rows.iter()
        .filter(warns)
        .filter(is_ours)
        .filter_map(diagnosis)
        .collect()
}

/// Says how the deliveries of an answer went; one that failed, or none at all, is a failure, and so is one that the
/// gateway took for an app that is down.
pub(super) fn tell(answer: Value, beside: &Beside<'_>, as_json: bool, lang: Lang) -> Outcome {
    let deliveries = answer.get("deliveries").and_then(Value::as_array).cloned();
    let deliveries = deliveries.unwrap_or_default();
    let kept = beside.is_down && beside.via == Via::Gateway;
    let failed = kept || deliveries.is_empty() || deliveries.iter().any(|one| fault(one).is_some());
    if as_json {
        let mut answer = answer;
        if !beside.warnings.is_empty() {
            answer["warnings"] = beside.warnings.clone().into();
        }
        if beside.is_down {
            answer["app"] = json!({ "url": beside.app, "state": "down" });
        }
        talk::data(answer);
        return if failed { Err(Fail::silent(1)) } else { Ok(()) };
    }
    if deliveries.is_empty() {
        return Err(Fail::failed(no_address(beside, lang)));
    }
    let mut failures = Vec::new();
    for delivery in &deliveries {
        let name = name(delivery);
        match fault(delivery) {
            None if kept => failures.push(kept_for(beside.app.unwrap_or_default(), &name, lang)),
            None => drop(talk::data(arrived(delivery, &name, lang))),
            Some(fault) => failures.push(fault.said(delivery, &name, lang)),
        }
    }
    for warning in &beside.warnings {
        talk::data(format_args!("! {}", warned(warning, lang)));
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(Fail::failed(failures.join("\n")))
}

/// Why nothing was pushed.
fn no_address(beside: &Beside<'_>, lang: Lang) -> String {
    match (beside.app, lang) {
        (None, _) => lang
            .pick(
                "什么也没有推送：这个账号没有配置服务器地址；在控制台的“接入”页配置，或用 xinqiao dev --app 启动",
                "nothing was pushed: the account has no server address; set one on the console's connect page, or start with `xinqiao dev --app`",
            )
            .to_owned(),
        (Some(url), Lang::Zh) => format!(
            "什么也没有推送：应用 {url} 还没有通过服务器地址的校验；启动它即可，xinqiao status 说明它缺什么"
        ),
        (Some(url), Lang::En) => format!(
            "nothing was pushed: the app at {url} has not passed the check of the server address yet; start it, `xinqiao status` says what is missing"
        ),
    }
}

/// The gateway acknowledged in the app's place.
fn kept_for(app: &str, name: &str, lang: Lang) -> String {
    match lang {
        Lang::Zh => format!("{name} 由网关收下了，但应用 {app} 没有在运行；应用启动后网关会补投"),
        Lang::En => format!(
            "the gateway took {name}, but the app at {app} is down; the gateway delivers it when the app is up"
        ),
    }
}

/// Rule, cause and what to do.
fn warned(diagnosis: &Value, lang: Lang) -> String {
    let language = lang.pick("zh", "en");
    let text = |name: &str| diagnosis.get(name).and_then(Value::as_str);
    let rule = text("rule").unwrap_or_default();
    let cause = diagnosis.pointer(&format!("/cause/{language}"));
    let mut out = cause.and_then(Value::as_str).unwrap_or(rule).to_owned();
    if let Some(received) = text("received") {
        let _ = write!(out, "{}{received}", lang.pick("：", ": "));
    }
    let _ = write!(out, " [{rule}]");
    let steps = diagnosis.pointer(&format!("/remedy/{language}"));
    for step in steps.and_then(Value::as_array).into_iter().flatten() {
        let _ = write!(out, "\n  → {}", step.as_str().unwrap_or_default());
    }
    out
}

/// Why a delivery failed.
struct Fault<'d> {
    rule: &'d str,
    words: &'d str,
}

/// What is wrong with the latest attempt; nothing if the platform would be content.
fn fault(delivery: &Value) -> Option<Fault<'_>> {
    let attempt = delivery.get("attempts")?.as_array()?.last();
    let text = |name: &str| {
        attempt
            .and_then(|attempt| attempt.get(name)?.as_str())
            .unwrap_or_default()
    };
    let status = attempt.and_then(|attempt| attempt.get("status")?.as_u64());
    let fine = status == Some(200) && text("rule").is_empty() && text("error").is_empty();
    (!fine).then(|| Fault {
        rule: text("rule"),
        words: text("error"),
    })
}

impl Fault<'_> {
    fn said(&self, delivery: &Value, name: &str, lang: Lang) -> String {
        let attempts = delivery.get("attempts").and_then(Value::as_array);
        let attempts = attempts.map_or(0, Vec::len);
        let url = delivery
            .get("url")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let mut out = match lang {
            Lang::Zh => format!("推送 {name} 到 {url} 失败（{attempts} 次）"),
            Lang::En => format!("pushing {name} to {url} failed ({attempts} attempts)"),
        };
        match catalog::diagnosis(self.rule) {
            Some(known) => {
                let colon = lang.pick("：", ": ");
                let cause = known.cause.get(lang == Lang::Zh);
                let _ = write!(out, "{colon}{cause} [{}]", self.rule);
                for step in lang.pick(&known.remedy_zh, &known.remedy_en) {
                    let _ = write!(out, "\n  → {step}");
                }
            }
            None if !self.words.is_empty() && lang == Lang::En => {
                let _ = write!(out, ": {}", self.words);
            }
            None => {}
        }
        out
    }
}

/// `subscribe`, `text`.
fn name(delivery: &Value) -> String {
    let word = |name: &str| delivery.get(name).and_then(Value::as_str);
    word("event")
        .or_else(|| word("msg_type"))
        .unwrap_or_default()
        .to_owned()
}

fn arrived(delivery: &Value, name: &str, lang: Lang) -> String {
    let ms = delivery
        .pointer("/attempts/0/ms")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let reply = delivery.get("reply").filter(|reply| reply.is_object());
    let Some(reply) = reply else {
        return match lang {
            Lang::Zh => format!("✓ {name} 已送达，应用没有回复内容（{ms} 毫秒）"),
            Lang::En => format!("✓ {name} arrived, the app said nothing ({ms} ms)"),
        };
    };
    let text = |name: &str| reply.get(name).and_then(Value::as_str).unwrap_or_default();
    let (kind, content) = (text("type"), text("content"));
    match (content.is_empty(), lang) {
        (false, Lang::Zh) => format!("✓ {name} 已送达（{ms} 毫秒），应用回复：{content}"),
        (false, Lang::En) => format!("✓ {name} arrived ({ms} ms), the app replies: {content}"),
        (true, Lang::Zh) => format!("✓ {name} 已送达（{ms} 毫秒），应用回复了 {kind}"),
        (true, Lang::En) => format!("✓ {name} arrived ({ms} ms), the app replies with {kind}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(answer: &Value, beside: &Beside<'_>, lang: Lang) -> Outcome {
        tell(answer.clone(), beside, false, lang)
    }

    #[test]
    fn a_delivery_that_failed_is_a_failure_with_its_rule() {
        let answer = json!({"deliveries": [{
            "url": "http://127.0.0.1:1/wx", "event": "subscribe", "msg_type": "event",
            "attempts": [{"time": 1, "status": 0, "ms": 1, "rule": "callback.refused", "error": "refused"}],
        }]});
        for lang in [Lang::Zh, Lang::En] {
            let fail = told(&answer, &Beside::default(), lang).expect_err("failed");
            assert_eq!(fail.code, 1);
            assert!(
                fail.message.contains("callback.refused"),
                "{}",
                fail.message
            );
        }
        assert_eq!(
            told(&json!({"deliveries": []}), &Beside::default(), Lang::En).map_err(|f| f.code),
            Err(1)
        );
        let fine =
            json!({"deliveries": [{"msg_type": "text", "attempts": [{"status": 200, "ms": 1}]}]});
        assert!(told(&fine, &Beside::default(), Lang::En).is_ok());
        // The gateway acknowledges for an app that is not there.
        let beside = Beside {
            app: Some("http://127.0.0.1:1/wx"),
            is_down: true,
            via: Via::Gateway,
            warnings: Vec::new(),
        };
        for lang in [Lang::Zh, Lang::En] {
            let fail = told(&fine, &beside, lang).expect_err("kept");
            assert!(fail.message.contains("http://127.0.0.1:1/wx"), "{fail:?}");
        }
    }

    #[test]
    fn a_warning_of_a_delivery_is_told_and_that_of_another_is_not() {
        let row = |delivery: &str, state: &str| {
            json!({"state": state, "callback": {"delivery": delivery}, "diagnosis": {
                "rule": "reply.not_allowed", "cause": {"zh": "不接受回复", "en": "takes no reply"},
                "remedy": {"zh": ["回 success"], "en": ["answer success"]}, "received": "text"}})
        };
        let rows = json!({"items": [row("d1", "warn"), row("d2", "warn"), row("d1", "ok"), {"state": "warn"}]});
        let found = warnings(&json!({"deliveries": [{"id": "d1"}]}), &rows);
        assert_eq!(found.len(), 1, "{found:?}");
        let said = warned(&found[0], Lang::Zh);
        assert_eq!(said, "不接受回复：text [reply.not_allowed]\n  → 回 success");
    }
}
