//! Answers bad requests: what says nothing about anybody's keys with its rule, everything else alike.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

/// Carries the name of the rule.
pub(crate) const RULE_HEADER: &str = "x-xinqiao-rule";

/// Writes an answer of plain text that no browser takes for a page.
pub(crate) fn plain(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    typed(status, "text/plain; charset=utf-8", body)
}

pub(crate) fn typed(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    response
}

/// The one answer to whatever is not verified.
pub(crate) fn forbidden() -> Response<Full<Bytes>> {
    plain(StatusCode::FORBIDDEN, "forbidden\n")
}

/// Refuses a request: which rule it broke, why, and what to do.
pub(crate) fn refuse(status: StatusCode, rule: &'static str, cause: &str) -> Response<Full<Bytes>> {
    let mut body = format!("{rule}: {cause}\n");
    if let Some(diagnosis) = xinqiao_catalog::diagnosis(rule) {
        for step in diagnosis.remedy_en.iter().chain(&diagnosis.remedy_zh) {
            let _ = writeln!(body, "- {step}");
        }
    }
    tracing::warn!(rule, status = status.as_u16(), "Callback refused.");
    let mut response = plain(status, body);
    response
        .headers_mut()
        .insert(RULE_HEADER, HeaderValue::from_static(rule));
    response
}
