//! Keeps web pages of other sites away from the control interface.
//!
//! A browser sends `Origin` with every request that another site's page can make with consequences, and a page
//! that rebinds its own name to loopback still sends its own name in `Host`. Programs send no `Origin`.

use std::{collections::BTreeSet, sync::Arc};

use axum::{
    Json,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header};

/// Which names count as ourselves.
#[derive(Debug, Clone, Default)]
pub struct OriginGuard {
    hosts: Arc<BTreeSet<String>>,
}

/// Why a request was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Another site's page asked: 403.
    ForeignOrigin,
    /// The `Host` is neither loopback nor listed: 421.
    ForeignHost,
    /// The body is not `application/json`: 415.
    NotJson,
}

impl OriginGuard {
    /// A guard that takes loopback names and the listed ones (without port).
    pub fn new(hosts: impl IntoIterator<Item = String>) -> Self {
        Self {
            hosts: Arc::new(
                hosts
                    .into_iter()
                    .map(|host| host.to_ascii_lowercase())
                    .collect(),
            ),
        }
    }

    /// Checks `Host` and `Origin`.
    ///
    /// # Errors
    /// [`Refusal`] says which one is foreign.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = headers
            .get(header::HOST)
            .map_or(Ok(""), |host| host.to_str().map_err(|_| ()));
        let Ok(host) = host else {
            return Err(Refusal::ForeignHost);
        };
        if !self.is_ours(host) {
            return Err(Refusal::ForeignHost);
        }
        let Some(origin) = headers.get(header::ORIGIN) else {
            return Ok(());
        };
        let Ok(origin) = origin.to_str() else {
            return Err(Refusal::ForeignOrigin);
        };
        let name = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        match name {
            // The page and the interface share an origin: same name, same port.
            Some(name) if name.eq_ignore_ascii_case(host) => Ok(()),
            _ => Err(Refusal::ForeignOrigin),
        }
    }

    /// Whether a `Host` value names this machine or a listed name.
    pub fn is_ours(&self, host: &str) -> bool {
        let name = host_name(host).to_ascii_lowercase();
        if name.is_empty() || name == "localhost" || name.ends_with(".localhost") {
            return true;
        }
        if let Ok(address) = name.parse::<std::net::IpAddr>() {
            return address.to_canonical().is_loopback() || self.hosts.contains(&name);
        }
        self.hosts.contains(&name)
    }
}

/// The name in a `Host` value, without port and brackets.
fn host_name(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

impl Refusal {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::ForeignHost => StatusCode::MISDIRECTED_REQUEST,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        }
    }

    fn code_and_message(self) -> (&'static str, &'static str) {
        match self {
            Self::ForeignOrigin => (
                "foreign_origin",
                "a page of another site may not use this interface; call it without an Origin header",
            ),
            Self::ForeignHost => (
                "foreign_host",
                "the Host header names neither this machine nor a listed name; use the address that was printed",
            ),
            Self::NotJson => (
                "not_json",
                "send the body as application/json: content-type is missing or different",
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, message) = self.code_and_message();
        let body = serde_json::json!({"error": {"code": code, "message": message}});
        (self.status(), Json(body)).into_response()
    }
}

/// Middleware: [`OriginGuard::check`], and bodies of changing calls must be `application/json`, which another
/// site's form cannot send. Empty bodies need no type.
///
/// ```ignore
/// router.layer(axum::middleware::from_fn_with_state(OriginGuard::default(), xinqiao_http::guard))
/// ```
pub async fn guard(State(own): State<OriginGuard>, request: Request, next: Next) -> Response {
    if let Err(refusal) = own.check(request.headers()) {
        return refusal.into_response();
    }
    if has_body(request.method(), request.headers())
        && !is_json(request.headers())
        && !takes_raw_body(&request)
    {
        return Refusal::NotJson.into_response();
    }
    next.run(request).await
}

/// Whether the body of a changing call, if there is one, is `application/json`: for interfaces that take
/// nothing else.
///
/// # Errors
/// [`Refusal::NotJson`].
pub fn json_only(method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    if has_body(method, headers) && !is_json(headers) {
        return Err(Refusal::NotJson);
    }
    Ok(())
}

fn has_body(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD) {
        return false;
    }
    headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| length != "0")
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// Uploads say what they are: a type that no HTML form can send.
fn takes_raw_body(request: &Request) -> bool {
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| {
        ["image/", "audio/", "video/"]
            .iter()
            .any(|prefix| kind.starts_with(prefix))
            || kind.starts_with("application/octet-stream")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(host: &str, origin: Option<&str>, want: Result<(), Refusal>) {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        let guard = OriginGuard::new(["sim.test".to_owned()]);
        assert_eq!(guard.check(&headers), want);
    }

    #[test]
    fn programs_and_our_own_page_pass() {
        check("127.0.0.1:8600", None, Ok(()));
        check("localhost:8600", Some("http://localhost:8600"), Ok(()));
        check("[::1]:8600", None, Ok(()));
        check("sim.test:80", None, Ok(()));
    }

    #[test]
    fn another_site_is_turned_away() {
        check(
            "127.0.0.1:8600",
            Some("https://evil.example"),
            Err(Refusal::ForeignOrigin),
        );
        check("127.0.0.1:8600", Some("null"), Err(Refusal::ForeignOrigin));
        check(
            "127.0.0.1:8600",
            Some("http://127.0.0.1:9999"),
            Err(Refusal::ForeignOrigin),
        );
    }

    #[test]
    fn a_rebound_name_is_turned_away() {
        check("evil.example:8600", None, Err(Refusal::ForeignHost));
        check("192.168.1.9:8600", None, Err(Refusal::ForeignHost));
    }
}
