//! An answer to bad input: the rule that was broken, its cause, the remedy.

use std::borrow::Cow;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};

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
    /// Every rule that this crate names in its sources.
    const RULES: [&str; 47] = [
        "account.empty",
        "admin.key",
        "admin.read_only",
        "admin.slow",
        "answer.encoded",
        "answer.unreadable",
        "app.connection",
        "app.reply.too_large",
        "app.timeout",
        "app.unreachable",
        "callback.account.unknown",
        "callback.body",
        "callback.method",
        "callback.mode.plain",
        "callback.slow",
        "callback.token.missing",
        "callback.too_large",
        "delivery.app.unknown",
        "key.ambiguous",
        "key.appid",
        "key.place",
        "key.refused",
        "key.revoked",
        "key.scope",
        "key.slow",
        "key.unknown",
        "permission.denied",
        "proxy.body",
        "proxy.encoded",
        "proxy.host",
        "proxy.method",
        "proxy.path",
        "server.overloaded",
        "store.overloaded",
        "store.refused",
        "token.conflict",
        "token.endpoint",
        "token.expired",
        "token.force_budget",
        "token.foreign_refresh",
        "token.grant_type",
        "token.no_secret",
        "token.refused",
        "token.storm",
        "token.twice",
        "token.unknown",
        "upstream.unreachable",
    ];

    #[test]
    fn every_rule_has_a_diagnosis() {
        for rule in RULES {
            let diagnosis = xinqiao_catalog::diagnosis(rule).expect(rule);
            assert!(
                !diagnosis.remedy_zh.is_empty() && !diagnosis.remedy_en.is_empty(),
                "{rule}"
            );
        }
    }
}
