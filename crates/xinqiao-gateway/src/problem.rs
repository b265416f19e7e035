//! An answer to bad input: the rule that was broken, its cause, the remedy.

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::shared::Shared;

/// Names the rule that a refused request broke.
pub(crate) const RULE_HEADER: HeaderName = HeaderName::from_static("x-xinqiao-rule");

/// What was wrong with a request, and what to do about it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) rule: &'static str,
    pub(crate) cause: Cow<'static, str>,
    pub(crate) remedy: Cow<'static, str>,
}

impl Problem {
    pub(crate) fn new(
        status: StatusCode,
        rule: &'static str,
        cause: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            rule,
            cause: cause.into(),
            remedy: remedy.into(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut text = format!("{}\n{}\n", self.rule, self.cause);
        if !self.remedy.is_empty() {
            text.push_str(&self.remedy);
            text.push('\n');
        }
        if let Some(diagnosis) = xinqiao_catalog::diagnosis(self.rule) {
            text.push_str(diagnosis.cause.zh);
            text.push('\n');
            for step in &diagnosis.remedy_zh {
                text.push_str(step);
                text.push('\n');
            }
        }
        let mut response = plain(self.status, text);
        let headers = response.headers_mut();
        headers.insert(RULE_HEADER, HeaderValue::from_static(self.rule));
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// What a stranger gets on the first port, whatever was asked for and whatever is wrong with it: it tells
/// neither which accounts and keys there are, nor which addresses. Byte for byte the same.
pub(crate) fn forbidden() -> Response {
    plain(StatusCode::FORBIDDEN, "forbidden\n")
}

/// [`forbidden`] for what is no callback of anybody, counted.
pub(crate) fn stranger(shared: &Shared) -> Response {
    shared.metrics.strangers_refused.add();
    forbidden()
}

/// A text answer that no browser takes for a page.
pub(crate) fn plain(status: StatusCode, text: impl Into<Body>) -> Response {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    /// Every rule that this crate names in its sources: whatever stands in quotes and has the form of one
    /// whose first word is a rule's.
    fn rules(folder: &Path, found: &mut BTreeSet<String>) {
        const WORDS: [&str; 14] = [
            "account",
            "admin",
            "answer",
            "app",
            "callback",
            "decrypt",
            "delivery",
            "key",
            "permission",
            "proxy",
            "server",
            "store",
            "token",
            "upstream",
        ];
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                rules(&path, found);
                continue;
            }
            let text = fs::read_to_string(&path).expect("a source");
            let text = text.split("#[cfg(test)]").next().expect("a first part");
            for quoted in text.split('"') {
                // Names of the configuration.
                let is_other = matches!(quoted, "admin.listen" | "admin.read_key");
                let is_rule = !is_other
                    && quoted
                        .split_once('.')
                        .is_some_and(|(word, rest)| WORDS.contains(&word) && !rest.is_empty())
                    && quoted
                        .bytes()
                        .all(|b| matches!(b, b'a'..=b'z' | b'.' | b'_'));
                if is_rule {
                    found.insert(quoted.to_owned());
                }
            }
        }
    }

    #[test]
    fn every_rule_has_a_diagnosis() {
        let mut found = BTreeSet::new();
        rules(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
            &mut found,
        );
        assert!(found.len() > 45, "{found:?}");
        let missing: Vec<_> = found
            .iter()
            .filter(|rule| {
                xinqiao_catalog::diagnosis(rule)
                    .is_none_or(|found| found.remedy_zh.is_empty() || found.remedy_en.is_empty())
            })
            .collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
