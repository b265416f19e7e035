//! How deliveries went, in sentences.

use std::fmt::Write as _;

use serde_json::Value;
use xinqiao_catalog as catalog;

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::talk;

/// Says how the deliveries of an answer went; one that failed, or none at all, is a failure.
pub(super) fn tell(answer: &Value, as_json: bool, lang: Lang) -> Outcome {
    let deliveries = answer.get("deliveries").and_then(Value::as_array);
    let deliveries: &[Value] = deliveries.map_or(&[], Vec::as_slice);
    let failed = deliveries.is_empty() || deliveries.iter().any(|one| fault(one).is_some());
    if as_json {
        talk::data(answer);
        return if failed { Err(Fail::silent(1)) } else { Ok(()) };
    }
    if deliveries.is_empty() {
        return Err(Fail::failed(lang.pick(
            "什么也没有推送：这个账号没有配置服务器地址；在控制台的“接入”页配置，或用 xinqiao dev --app 启动",
            "nothing was pushed: the account has no server address; set one on the console's connect page, or start with `xinqiao dev --app`",
        )));
    }
    let mut failures = Vec::new();
    for delivery in deliveries {
        let name = name(delivery);
        match fault(delivery) {
            None => drop(talk::data(arrived(delivery, &name, lang))),
            Some(fault) => failures.push(fault.said(delivery, &name, lang)),
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    Err(Fail::failed(failures.join("\n")))
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
    use serde_json::json;

    use super::*;

    #[test]
    fn a_delivery_that_failed_is_a_failure_with_its_rule() {
        let answer = json!({"deliveries": [{
            "url": "http://127.0.0.1:1/wx", "event": "subscribe", "msg_type": "event",
            "attempts": [{"time": 1, "status": 0, "ms": 1, "rule": "callback.refused", "error": "refused"}],
        }]});
        for lang in [Lang::Zh, Lang::En] {
            let fail = tell(&answer, false, lang).expect_err("failed");
            assert_eq!(fail.code, 1);
            assert!(
                fail.message.contains("callback.refused"),
                "{}",
                fail.message
            );
        }
        assert_eq!(
            tell(&json!({"deliveries": []}), false, Lang::En).map_err(|f| f.code),
            Err(1)
        );
        let fine =
            json!({"deliveries": [{"msg_type": "text", "attempts": [{"status": 200, "ms": 1}]}]});
        assert!(tell(&fine, false, Lang::En).is_ok());
    }
}
