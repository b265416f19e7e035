//! What is near a word that is not there.

use std::collections::BTreeSet;

use xinqiao_catalog as catalog;

use super::{FAMILIES, field};
use crate::api;
use crate::lang::Lang;

/// How many are named.
const NEAR: usize = 8;

/// Says that a word is not known, and what is near it.
pub(super) fn unknown(what: &str, lang: Lang) -> String {
    // A whole answer is not repeated: it may hold a token.
    let is_text = what.chars().count() > 60 || what.contains(['{', '<']);
    let near = if is_text { Vec::new() } else { nearest(what) };
    let what = if is_text {
        lang.pick("（在这段文字里）", "in this text")
    } else {
        what
    };
    let said = match lang {
        Lang::Zh => format!("目录里没有错误码、诊断、事件、接口或字段 {what}"),
        Lang::En => format!("the catalog has no code, rule, event, endpoint or field {what}"),
    };
    if near.is_empty() {
        return said;
    }
    match lang {
        Lang::Zh => format!("{said}；相近的：{}", near.join("、")),
        Lang::En => format!("{said}; near: {}", near.join(", ")),
    }
}

/// Names that look alike, rules of the same part first, then codes whose text holds the word.
fn nearest(what: &str) -> Vec<String> {
    let lower = what.to_ascii_lowercase();
    let head = what.split('.').next().unwrap_or(what);
    let looks =
        |name: &str| strsim::normalized_damerau_levenshtein(&name.to_ascii_lowercase(), &lower);
    let mut near: Vec<(f64, String)> = Vec::new();
    for rule in catalog::diagnoses() {
        let same = if what.contains('.') && rule.rule.starts_with(head) {
            0.3
        } else {
            0.0
        };
        near.push((same + looks(rule.rule), rule.rule.to_owned()));
    }
    if lower.parse::<i64>().is_err() {
        for error in FAMILIES.into_iter().flat_map(catalog::errors) {
            let code = error.code.to_string();
            let shown = if error.name.is_empty() {
                code.clone()
            } else {
                format!("{code} {}", error.name)
            };
            let says = lower.chars().count() >= 2
                && (error.text.to_ascii_lowercase().contains(&lower)
                    || error.meaning.zh.contains(&lower)
                    || error.meaning.en.to_ascii_lowercase().contains(&lower));
            let score = looks(&code).max(looks(error.name));
            near.push((score.max(if says { 0.7 } else { 0.0 }), shown));
        }
        let mut names: BTreeSet<&str> = BTreeSet::new();
        for event in catalog::events() {
            names.extend([event.id, event.event, event.info_type, event.event_type]);
        }
        if what.contains('.') {
            names.extend(api::all().map(|endpoint| endpoint.id));
        } else {
            names.extend(field::names());
        }
        near.extend(names.into_iter().map(|name| (looks(name), name.to_owned())));
    }
    near.retain(|(score, name)| *score > 0.6 && !name.is_empty());
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let mut seen = BTreeSet::new();
    // One spelling of `openid` is enough.
    near.retain(|(_, name)| seen.insert(name.to_ascii_lowercase().replace('_', "")));
    near.into_iter().take(NEAR).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(what: &str, want: &str) {
        let near = nearest(what);
        assert!(near.iter().any(|name| name == want), "{what}: {near:?}");
    }

    #[test]
    fn what_is_not_there_has_neighbours() {
        check("callback.signature.tokn", "callback.signature.token");
        check("PARAM_EROR", "PARAM_ERROR");
        check(
            "official_account.menu.creat",
            "official_account.menu.create",
        );
        check("subscirbe", "subscribe");
        assert!(
            nearest("opnid")
                .iter()
                .any(|name| name.eq_ignore_ascii_case("openid"))
        );
        assert!(nearest("99999999").is_empty());
    }
}
