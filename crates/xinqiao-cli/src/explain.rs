//! `xinqiao explain`: what a word of the platform or of this program means, and what to do about it.
//!
//! A rule of a diagnosis, an error code or its name, an event, an endpoint by id or route, a field: every name that stands
//! in an answer, a log or a page. What is not there is answered with what is near.

mod field;
mod near;

use serde_json::json;
use xinqiao_catalog as catalog;

pub(crate) use self::field::names as field_names;
use crate::api::{self, Found};
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::talk;

pub(crate) const EXAMPLES: &str = "xinqiao explain 45015
xinqiao explain OUT_OF_RESPONSE_WINDOW
xinqiao explain callback.signature.token
xinqiao explain subscribe
xinqiao explain POST /cgi-bin/menu/create
xinqiao explain '<err_code>ORDERPAID</err_code>'";

/// Explains `what`.
pub(crate) fn run(what: &str, as_json: bool, lang: Lang) -> Outcome {
    let what = what.trim();
    if let Some(rule) = catalog::diagnosis(what) {
        if as_json {
            talk::data(json!(rule));
        } else {
            print_rule(rule, lang);
        }
        return Ok(());
    }
    let mut blocks = Blocks::default();
    for code in codes(what) {
        blocks.next(as_json);
        if as_json {
            talk::data(json!(code));
        } else {
            print_code(code, lang);
        }
    }
    match api::exactly(what) {
        Some(Found::Endpoints(endpoints)) => {
            for endpoint in endpoints {
                blocks.next(as_json);
                print_endpoint(endpoint, as_json, lang);
            }
        }
        Some(Found::Event(event)) => {
            blocks.next(as_json);
            print_event(event, as_json, lang);
        }
        None => {
            for event in events(what) {
                blocks.next(as_json);
                print_event(event, as_json, lang);
            }
        }
    }
    if let Some(field) = field::find(what) {
        blocks.next(as_json);
        field.print(as_json, lang);
    }
    if blocks.any {
        return Ok(());
    }
    let found: Vec<_> = inside(what).iter().flat_map(|code| codes(code)).collect();
    if found.is_empty() {
        return Err(Fail::usage(near::unknown(what, lang)));
    }
    for code in found {
        blocks.next(as_json);
        if as_json {
            talk::data(json!(code));
        } else {
            print_code(code, lang);
        }
    }
    Ok(())
}

/// What was printed so far: texts stand apart, objects one a line.
#[derive(Debug, Default)]
struct Blocks {
    any: bool,
}

impl Blocks {
    fn next(&mut self, as_json: bool) {
        if self.any && !as_json {
            talk::data("");
        }
        self.any = true;
    }
}

/// The callbacks with this name on the wire.
fn events(what: &str) -> Vec<&'static catalog::Event> {
    catalog::events()
        .filter(|event| {
            let named = [event.event, event.info_type, event.event_type];
            let is_event = named.iter().any(|name| name.eq_ignore_ascii_case(what));
            let is_message = event.event.is_empty() && event.msg_type.eq_ignore_ascii_case(what);
            !what.is_empty()
                && (is_event || (is_message && event.kind != catalog::EventKind::Reply))
        })
        .collect()
}

fn print_event(event: &catalog::Event, as_json: bool, lang: Lang) {
    if as_json {
        talk::data(json!({
            "kind": event.kind, "id": event.id, "title": event.title, "trigger": event.trigger,
            "reply": event.reply,
        }));
        return;
    }
    let chinese = lang == Lang::Zh;
    talk::data(format_args!("{}  {}", event.id, event.title.get(chinese)));
    for (name, value) in [
        ("MsgType", event.msg_type),
        ("Event", event.event),
        ("InfoType", event.info_type),
        ("event_type", event.event_type),
    ] {
        if !value.is_empty() {
            talk::data(format_args!("  {name}: {value}"));
        }
    }
    talk::data(match lang {
        Lang::Zh => format!(
            "  → 字段：xinqiao api show {0}；推送一个：xinqiao trigger {0}",
            event.id
        ),
        Lang::En => format!(
            "  → fields: `xinqiao api show {0}`; push one: `xinqiao trigger {0}`",
            event.id
        ),
    });
}

fn print_endpoint(endpoint: &catalog::Endpoint, as_json: bool, lang: Lang) {
    if as_json {
        talk::data(json!({
            "kind": "endpoint", "id": endpoint.id, "title": endpoint.title,
            "method": endpoint.method.name(), "host": endpoint.host, "path": endpoint.path,
            "about": endpoint.about,
        }));
        return;
    }
    let chinese = lang == Lang::Zh;
    talk::data(format_args!(
        "{}  {}",
        endpoint.id,
        endpoint.title.get(chinese)
    ));
    talk::data(format_args!(
        "  {} https://{}{}",
        endpoint.method, endpoint.host, endpoint.path
    ));
    let about = endpoint.about.get(chinese);
    if !about.is_empty() {
        talk::data(format_args!("  {about}"));
    }
    if !endpoint.deprecated.is_empty() {
        let word = lang.pick("已停用", "shut down");
        talk::data(format_args!("  {word}: {}", endpoint.deprecated));
    }
    talk::data(match lang {
        Lang::Zh => format!(
            "  → 字段：xinqiao api show {0}；调用：xinqiao api call {0}",
            endpoint.id
        ),
        Lang::En => format!(
            "  → fields: `xinqiao api show {0}`; call it: `xinqiao api call {0}`",
            endpoint.id
        ),
    });
}

/// The code, by number, word or name, in every table that has it; one table serves several products.
fn codes(what: &str) -> Vec<&'static catalog::ErrorCode> {
    let mut found: Vec<&'static catalog::ErrorCode> = Vec::new();
    for family in FAMILIES {
        found.extend(
            catalog::errors(family)
                .iter()
                .filter(|error| match error.code {
                    catalog::Code::Number(number) => {
                        what.parse() == Ok(number)
                            || (!error.name.is_empty() && error.name.eq_ignore_ascii_case(what))
                    }
                    catalog::Code::Word(word) => word.eq_ignore_ascii_case(what),
                }),
        );
    }
    found.extend(catalog::error_of(catalog::ErrorFamily::SampleCode, what));
    found
}

/// The tables of codes; several products share one.
pub(crate) const FAMILIES: [catalog::ErrorFamily; 5] = [
    catalog::ErrorFamily::Weixin,
    catalog::ErrorFamily::Work,
    catalog::ErrorFamily::PayV2,
    catalog::ErrorFamily::PayV3,
    catalog::ErrorFamily::PayBusiness,
];

/// The code inside an answer or a line of a log: `{"errcode":40001,…}`, `errcode=45015`, `err_code ORDERPAID`.
fn inside(text: &str) -> Option<String> {
    const KEYS: [&str; 5] = ["errcode", "err_code", "error_code", "code", "ret"];
    let lower = text.to_ascii_lowercase();
    let token = |rest: &str| -> Option<String> {
        let rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || matches!(c, '"' | '\'' | ':' | '=' | '>' | '[' | '(')
        });
        let rest = rest.strip_prefix("<![CDATA[").unwrap_or(rest);
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
            .unwrap_or(rest.len());
        (end > 0).then(|| rest[..end].to_owned())
    };
    let named = KEYS.iter().find_map(|key| {
        let at = lower.find(key)?;
        token(text.get(at + key.len()..)?).filter(|found| !codes(found).is_empty())
    });
    named.or_else(|| {
        text.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-')))
            .find(|word| word.len() >= 4 && !codes(word).is_empty())
            .map(str::to_owned)
    })
}

fn print_rule(rule: &catalog::Diagnosis, lang: Lang) {
    let chinese = lang == Lang::Zh;
    talk::data(rule.rule);
    talk::data(format_args!("  {}", rule.cause.get(chinese)));
    for step in lang.pick(&rule.remedy_zh, &rule.remedy_en) {
        talk::data(format_args!("  → {step}"));
    }
}

fn print_code(code: &catalog::ErrorCode, lang: Lang) {
    let chinese = lang == Lang::Zh;
    talk::data(format_args!(
        "{} {} [{}]",
        code.code,
        code.text,
        products(code.family)
    ));
    let derived = if code.derived {
        lang.pick(
            "（由程序归类，尚无人工说明）",
            " (classified by a program; nobody has written about it yet)",
        )
    } else {
        ""
    };
    if !code.meaning.is_empty() {
        talk::data(format_args!("  {}{derived}", code.meaning.get(chinese)));
    }
    if !code.remedy.is_empty() {
        talk::data(format_args!("  → {}", code.remedy.get(chinese)));
    }
    if OF_GRANTS.contains(&code.name) {
        for grant in catalog::grants() {
            talk::data(format_args!("  · {}", allowed(grant, lang)));
        }
    }
    talk::data(format_args!("  {}", retry(code.retry, lang)));
    for path in code.paths.iter().take(PATHS) {
        talk::data(format_args!("  · {path}"));
    }
}

/// The codes that say that no action of the user allows the message.
const OF_GRANTS: [&str; 2] = ["OUT_OF_RESPONSE_WINDOW", "TOO_MANY_CUSTOM_MESSAGES"];

/// What an action of a user allows, and how long.
fn allowed(grant: &catalog::Grant, lang: Lang) -> String {
    let (product, title) = (grant.product.name(), grant.title.get(lang == Lang::Zh));
    let (time, unit) = match grant.seconds {
        seconds if seconds % 3600 == 0 => (seconds / 3600, lang.pick("小时", "h")),
        seconds if seconds % 60 == 0 => (seconds / 60, lang.pick("分钟", "min")),
        seconds => (seconds, lang.pick("秒", "s")),
    };
    match (grant.messages, lang) {
        (0, Lang::Zh) => format!("{title}（{product}）：{time} {unit}内，条数不限"),
        (0, Lang::En) => format!("{title} ({product}): without limit within {time} {unit}"),
        (messages, Lang::Zh) => format!("{title}（{product}）：{time} {unit}内 {messages} 条"),
        (messages, Lang::En) => format!("{title} ({product}): {messages} within {time} {unit}"),
    }
}

/// How many of the paths that list a code are shown.
const PATHS: usize = 8;

/// The products whose answers use a table.
fn products(family: catalog::ErrorFamily) -> String {
    let all: Vec<&str> = catalog::Product::ALL
        .into_iter()
        .filter(|product| product.errors() == family)
        .map(catalog::Product::name)
        .collect();
    all.join(" ")
}

fn retry(class: catalog::RetryClass, lang: Lang) -> &'static str {
    use catalog::RetryClass as Class;
    match class {
        Class::Never => lang.pick(
            "重试无用：同样的请求还会失败",
            "never retry: the same request fails again",
        ),
        Class::Now => lang.pick("可以立即再试一次", "try once more at once"),
        Class::Later => lang.pick("稍后再试：平台繁忙", "try later: the platform is busy"),
        Class::RefreshToken => {
            lang.pick("换新的 access_token 后再试", "try again with a new token")
        }
        Class::NextQuotaWindow => lang.pick(
            "等下一个配额周期（上海时间）",
            "wait for the next quota window (Shanghai time)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn families(what: &str) -> Vec<&'static str> {
        codes(what).iter().map(|code| code.family.name()).collect()
    }

    #[test]
    fn a_code_is_found_in_every_table_that_has_it() {
        assert_eq!(families("40001"), ["weixin", "work"]);
        assert_eq!(families("-1"), ["weixin", "work"]);
        assert_eq!(families("ORDERPAID"), ["pay_v2", "pay_v3"]);
        assert_eq!(families("param_error"), families("PARAM_ERROR"));
        assert_eq!(codes("OUT_OF_RESPONSE_WINDOW")[0].code, 45015.into());
        assert!(families("nonsense").is_empty());
    }

    #[test]
    fn a_code_is_found_inside_an_answer() {
        for (text, code) in [
            (
                r#"{"errcode":45015,"errmsg":"response out of time limit rid: 1-2"}"#,
                "45015",
            ),
            (
                "wechatpy.exceptions: Error code: 40001, message: invalid credential",
                "40001",
            ),
            ("errcode=-1 system error", "-1"),
            ("<err_code><![CDATA[ORDERPAID]]></err_code>", "ORDERPAID"),
            (r#"{"code":"PARAM_ERROR","message":"x"}"#, "PARAM_ERROR"),
        ] {
            assert_eq!(inside(text).as_deref(), Some(code), "{text}");
        }
    }

    #[test]
    fn an_event_is_found_by_its_name_on_the_wire() {
        let ids = |what: &str| {
            events(what)
                .iter()
                .map(|event| event.id)
                .collect::<Vec<_>>()
        };
        assert!(ids("subscribe").contains(&"official_account.event.subscribe"));
        assert!(ids("SUBSCRIBE").contains(&"official_account.event.subscribe"));
        assert!(ids("image").contains(&"official_account.message.image"));
        assert!(ids("").is_empty());
    }
}
