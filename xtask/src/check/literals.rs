//! Paths, endpoint ids and error codes stand in the catalog only; code names them by constants.

use std::collections::BTreeSet;

use xinqiao_catalog as catalog;

use super::sources::{Kind, Source};

/// Crates that may spell the platform out: its data, what is made from it, and what makes it.
const EXEMPT: [&str; 3] = [
    "crates/xinqiao-catalog/",
    "crates/xinqiao-samples/",
    "xtask/",
];

pub(crate) fn complaints(sources: &[Source]) -> Vec<String> {
    let known = Known::new();
    sources
        .iter()
        .filter(|source| source.kind == Kind::Code)
        .filter(|source| !EXEMPT.iter().any(|prefix| source.path.starts_with(prefix)))
        .flat_map(|source| {
            source.code_lines().filter_map(|(at, line)| {
                let what = known.find(line)?;
                Some(format!("{}:{at}: {what}", source.path))
            })
        })
        .collect()
}

struct Known {
    paths: BTreeSet<&'static str>,
    ids: BTreeSet<&'static str>,
    codes: BTreeSet<String>,
}

impl Known {
    fn new() -> Self {
        let endpoints = || {
            catalog::Product::ALL
                .into_iter()
                .flat_map(catalog::endpoints)
        };
        let codes = catalog::errors(catalog::ErrorFamily::Weixin)
            .iter()
            .filter_map(|error| {
                match error.code {
                    // Smaller numbers mean other things too.
                    catalog::Code::Number(code) if code >= 40_000 => Some(code.to_string()),
                    _ => None,
                }
            });
        Self {
            paths: endpoints()
                .map(|endpoint| endpoint.path)
                .filter(|path| path.len() > 3)
                .collect(),
            ids: endpoints().map(|endpoint| endpoint.id).collect(),
            codes: codes.collect(),
        }
    }

    fn find(&self, line: &str) -> Option<String> {
        let mut outside = String::new();
        for (at, part) in line.split('"').enumerate() {
            if at % 2 == 0 {
                outside.push_str(part.split("//").next().unwrap_or(part));
                outside.push(' ');
            } else if self.paths.contains(part) {
                return Some(format!("path {part:?}: ask the catalog for the endpoint"));
            } else if self.ids.contains(part) {
                return Some(format!(
                    "endpoint {part:?}: use the constant in catalog::id"
                ));
            }
        }
        outside
            .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .map(|word| word.replace('_', "").trim_end_matches("i64").to_owned())
            .find(|word| self.codes.contains(word))
            .map(|code| format!("error code {code}: use the constant in catalog::code"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_ids_and_codes_are_found_and_other_numbers_are_not() {
        let known = Known::new();
        assert!(known.find(r#"get("/cgi-bin/menu/create")"#).is_some());
        assert!(
            known
                .find(r#"call("official_account.menu.create")"#)
                .is_some()
        );
        assert!(known.find("if code == 45_015 {").is_some());
        assert!(known.find("let port = 8600; // 45015").is_none());
        assert!(known.find(r#"say("45015 means …")"#).is_none());
    }
}
