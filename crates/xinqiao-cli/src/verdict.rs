//! What a check found: the rule that failed, its cause and remedy, and what was compared.

use serde_json::{Map, Value, json};
use xinqiao_catalog as catalog;

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::talk;

/// Something worth showing beside a result, under a name in both languages and one for programs.
#[derive(Debug)]
pub(crate) struct Fact {
    key: &'static str,
    zh: &'static str,
    en: &'static str,
    value: Value,
}

/// A fact.
pub(crate) fn fact(
    key: &'static str,
    zh: &'static str,
    en: &'static str,
    value: impl Into<Value>,
) -> Fact {
    Fact {
        key,
        zh,
        en,
        value: value.into(),
    }
}

/// The string that a signature is of; secrets in it are marked, not shown.
pub(crate) fn string_to_sign(text: impl Into<Value>) -> Fact {
    fact(
        "string_to_sign",
        "被签名的串",
        "string that was signed",
        text,
    )
}

/// A fact as one line.
fn line(fact: &Fact, lang: Lang) -> String {
    let value = match &fact.value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!(
        "{}{}{value}",
        lang.pick(fact.zh, fact.en),
        lang.pick("：", ": ")
    )
}

/// Facts as an object.
pub(crate) fn object(facts: &[Fact]) -> Map<String, Value> {
    facts
        .iter()
        .map(|fact| (fact.key.to_owned(), fact.value.clone()))
        .collect()
}

/// Prints facts one a line.
pub(crate) fn print(facts: &[Fact], lang: Lang) {
    for fact in facts {
        talk::data(line(fact, lang));
    }
}

/// A check failed: its rule with cause and remedy. With `--json` the same is data.
pub(crate) fn failed(rule: &str, facts: &[Fact], as_json: bool, lang: Lang) -> Outcome {
    let known = catalog::diagnosis(rule);
    if as_json {
        let mut out = Map::new();
        out.insert("ok".into(), false.into());
        out.insert("rule".into(), rule.into());
        if let Some(known) = known {
            out.insert("cause".into(), json!(known.cause));
            let remedy = json!({"zh": known.remedy_zh, "en": known.remedy_en});
            out.insert("remedy".into(), remedy);
        }
        out.extend(object(facts));
        talk::data(Value::Object(out));
        return Err(Fail::silent(1));
    }
    let mut text = rule.to_owned();
    if let Some(known) = known {
        text.push_str(lang.pick("：", ": "));
        text.push_str(known.cause.get(lang == Lang::Zh));
        for step in lang.pick(&known.remedy_zh, &known.remedy_en) {
            text.push_str("\n  → ");
            text.push_str(step);
        }
    }
    for fact in facts {
        text.push_str("\n  ");
        text.push_str(&line(fact, lang));
    }
    Err(Fail::failed(text))
}

/// A check held.
pub(crate) fn held(said: &str, facts: &[Fact], as_json: bool, lang: Lang) {
    if as_json {
        let mut out = Map::new();
        out.insert("ok".into(), true.into());
        out.extend(object(facts));
        talk::data(Value::Object(out));
    } else {
        talk::data(format_args!("✓ {said}"));
        print(facts, lang);
    }
}
