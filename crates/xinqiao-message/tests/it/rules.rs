//! Every rule that this crate can name has a cause and a remedy in the catalog.

use std::collections::BTreeSet;

/// The rules in the sources: quoted names that begin with one of our subjects.
fn named_in_sources() -> BTreeSet<String> {
    let sources = [
        include_str!("../../src/envelope/error.rs"),
        include_str!("../../src/inbound.rs"),
        include_str!("../../src/push/attempts.rs"),
        include_str!("../../src/push/judge.rs"),
        include_str!("../../src/reply.rs"),
    ];
    let subjects = [
        "callback.",
        "decrypt.",
        "json.",
        "message.",
        "reply.",
        "xml.",
    ];
    sources
        .iter()
        .flat_map(|source| source.split('"').skip(1).step_by(2))
        .filter(|text| subjects.iter().any(|subject| text.starts_with(subject)))
        .filter(|text| {
            text.bytes()
                .all(|b| b.is_ascii_lowercase() || matches!(b, b'.' | b'_' | b'0'..=b'9'))
        })
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_rule_has_its_diagnosis() {
    let named = named_in_sources();
    assert!(named.len() > 50, "the rules were found: {named:?}");
    let missing: Vec<_> = named
        .iter()
        .filter(|rule| {
            xinqiao_catalog::diagnosis(rule).is_none_or(|diagnosis| {
                diagnosis.cause.zh.is_empty()
                    || diagnosis.cause.en.is_empty()
                    || diagnosis.remedy_zh.is_empty()
                    || diagnosis.remedy_en.is_empty()
            })
        })
        .collect();
    assert!(missing.is_empty(), "no diagnosis for {missing:?}");
}
