//! Keeps web pages of other sites away from what listens on this machine.
//!
//! A browser sends `Origin` with every request that another site's page can make with a body, `Sec-Fetch-Site` with
//! all others, and a page that rebinds its own name to loopback still sends its own name in `Host`. Programs send
//! neither of the first two.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc};

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
    open: Arc<[&'static str]>,
}

/// Why a request was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trespass {
    /// Another site's page asked: 403.
    ForeignOrigin,
    /// The `Host` is neither loopback nor listed: 421.
    ForeignHost,
    /// Another site's page asked for more than a page or a picture: 403.
    CrossSite,
    /// The body is not `application/json`: 415.
    NotJson,
}

impl OriginGuard {
    /// A guard that takes loopback names and the listed ones.
    pub fn new(hosts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let hosts = hosts.into_iter().map(|host| {
            let host = host.as_ref();
            plain(host_name(host).unwrap_or(host)).into_owned()
        });
        Self {
            hosts: Arc::new(hosts.collect()),
            open: Arc::default(),
        }
    }

    /// Pages of any site may use what lies at these paths; who answers there looks at `Origin`.
    #[must_use]
    pub fn open_at(self, paths: &[&'static str]) -> Self {
        Self {
            open: paths.into(),
            ..self
        }
    }

    /// Checks `Host` and `Origin`: one host that is ours, and no origin but the same.
    ///
    /// # Errors
    /// [`Trespass`] says which one is foreign.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Trespass> {
        let host = only(headers, &header::HOST)
            .filter(|host| self.is_ours(host))
            .ok_or(Trespass::ForeignHost)?;
        if !headers.contains_key(header::ORIGIN) {
            return Ok(());
        }
        let origin = only(headers, &header::ORIGIN).ok_or(Trespass::ForeignOrigin)?;
        let name = origin
            .strip_prefix("http://")
            .or_else(|| origin.strip_prefix("https://"));
        match name {
            // The page and the interface share an origin: same name, same port.
            Some(name) if name.eq_ignore_ascii_case(host) => Ok(()),
            _ => Err(Trespass::ForeignOrigin),
        }
    }

    /// Checks a whole request: [`Self::check`], the host in the request line if there is one, and that a page of
    /// another site only leads to a page or shows a picture.
    ///
    /// # Errors
    /// [`Trespass`] says what is foreign.
    pub fn check_request<B>(&self, request: &http::Request<B>) -> Result<(), Trespass> {
        let named = request.uri().authority();
        if named.is_some_and(|named| !self.is_ours(named.as_str())) {
            return Err(Trespass::ForeignHost);
        }
        let headers = request.headers();
        if self.open.contains(&request.uri().path()) {
            return only(headers, &header::HOST)
                .filter(|host| self.is_ours(host))
                .map(|_| ())
                .ok_or(Trespass::ForeignHost);
        }
        self.check(headers)?;
        let told = |name, value| headers.get(name).is_some_and(|told| told == value);
        let shown = told(FETCH_MODE, "navigate") || told(FETCH_DEST, "image");
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if is_cross_site(headers) && !(reads && shown) {
            return Err(Trespass::CrossSite);
        }
        Ok(())
    }

    /// Whether a `Host` value names this machine or a listed name, with or without a port.
    pub fn is_ours(&self, host: &str) -> bool {
        let Some(name) = host_name(host) else {
            return false;
        };
        let name = plain(name);
        if name == "localhost" || name.ends_with(".localhost") || self.hosts.contains(&*name) {
            return true;
        }
        let address = name.parse::<std::net::IpAddr>();
        address.is_ok_and(|address| address.to_canonical().is_loopback())
    }
}

/// A name as it is compared: `localhost.` is `localhost`.
fn plain(name: &str) -> Cow<'_, str> {
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// What a browser says of a request: the site that it comes from, how, and what for.
const FETCH_SITE: &str = "sec-fetch-site";
const FETCH_MODE: &str = "sec-fetch-mode";
const FETCH_DEST: &str = "sec-fetch-dest";

/// Whether a browser says that a page of another site asks.
pub fn is_cross_site(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all(FETCH_SITE).iter();
    sites.any(|site| site == "cross-site")
}

/// The header's value, if it comes once and is text.
fn only<'h>(headers: &'h HeaderMap, name: &header::HeaderName) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let first = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(first)
}

/// The name in a `Host` value, without port and brackets; `None` if it is no such value.
pub fn host_name(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?,
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let port = port.strip_prefix(':').unwrap_or(port);
    let fits = !name.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    fits.then_some(name)
}

impl Trespass {
    /// The HTTP status.
    pub fn status(self) -> StatusCode {
        match self {
            Self::ForeignOrigin | Self::CrossSite => StatusCode::FORBIDDEN,
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
                "the Host header names neither this machine nor a listed name; use the address that was printed, or allow the name: --host NAME, for serve listen.hosts",
            ),
            Self::CrossSite => (
                "cross_site",
                "a page of another site may only lead to a page here, or show a picture",
            ),
            Self::NotJson => (
                "not_json",
                "send the body as application/json: content-type is missing or different",
            ),
        }
    }
}

impl IntoResponse for Trespass {
    fn into_response(self) -> Response {
        let (code, message) = self.code_and_message();
        let body = serde_json::json!({"error": {"code": code, "message": message}});
        (self.status(), Json(body)).into_response()
    }
}

/// Middleware: [`OriginGuard::check_request`].
pub async fn own_names_only(
    State(own): State<OriginGuard>,
    request: Request,
    next: Next,
) -> Response {
    match own.check_request(&request) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// Middleware: [`OriginGuard::check_request`], and bodies of changing calls must be `application/json`, which another
/// site's form cannot send. Empty bodies need no type.
///
/// ```ignore
/// router.layer(axum::middleware::from_fn_with_state(OriginGuard::default(), xinqiao_http::guard))
/// ```
pub async fn guard(State(own): State<OriginGuard>, request: Request, next: Next) -> Response {
    if let Err(refusal) = own.check_request(&request) {
        return refusal.into_response();
    }
    if has_body(request.method(), request.headers())
        && !is_json(request.headers())
        && !takes_raw_body(&request)
    {
        return Trespass::NotJson.into_response();
    }
    next.run(request).await
}

/// Whether the body of a changing call, if there is one, is `application/json`: for interfaces that take
/// nothing else.
///
/// # Errors
/// [`Trespass::NotJson`].
pub fn json_only(method: &Method, headers: &HeaderMap) -> Result<(), Trespass> {
    if has_body(method, headers) && !is_json(headers) {
        return Err(Trespass::NotJson);
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
    fn check(host: &str, origin: Option<&str>, want: Result<(), Trespass>) {
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
    fn an_open_path_is_for_every_site_under_our_names() {
        let guard = OriginGuard::default().open_at(&["/open/a"]);
        let check = |host: &str, path: &str| {
            let request = http::Request::builder()
                .uri(path)
                .header(header::HOST, host)
                .header(header::ORIGIN, "https://evil.example");
            guard.check_request(&request.body(()).unwrap())
        };
        assert_eq!(check("127.0.0.1:1", "/open/a"), Ok(()));
        assert_eq!(
            check("127.0.0.1:1", "/open/other"),
            Err(Trespass::ForeignOrigin)
        );
        assert_eq!(check("evil.example", "/open/a"), Err(Trespass::ForeignHost));
    }

    #[test]
    fn another_site_is_turned_away() {
        check(
            "127.0.0.1:8600",
            Some("https://evil.example"),
            Err(Trespass::ForeignOrigin),
        );
        check("127.0.0.1:8600", Some("null"), Err(Trespass::ForeignOrigin));
        check(
            "127.0.0.1:8600",
            Some("http://127.0.0.1:9999"),
            Err(Trespass::ForeignOrigin),
        );
    }

    #[test]
    fn a_rebound_name_is_turned_away() {
        for host in [
            "evil.example:8600",
            "evil.example",
            "EVIL.example.",
            "evil.example.:8600",
            "localhost.evil.example",
            "localhost:8600.evil.example",
            "localhost:8600:8600",
            "localhost,evil.example",
            "evil@localhost",
            "127.0.0.1.evil.example",
            "sim.test.evil.example",
            "192.168.1.9:8600",
            "0.0.0.0:8600",
            "[2001:db8::1]:8600",
            "[::1].evil.example",
            "[::1",
            "::1",
            "",
            ":8600",
        ] {
            check(host, None, Err(Trespass::ForeignHost));
        }
        let two = |first: &'static str, second: &'static str| {
            let mut headers = HeaderMap::new();
            headers.append(header::HOST, first.parse().unwrap());
            headers.append(header::HOST, second.parse().unwrap());
            OriginGuard::default().check(&headers)
        };
        assert_eq!(two("localhost", "evil.example"), Err(Trespass::ForeignHost));
        assert_eq!(two("evil.example", "localhost"), Err(Trespass::ForeignHost));
        let none = OriginGuard::default().check(&HeaderMap::new());
        assert_eq!(none, Err(Trespass::ForeignHost));
    }

    #[test]
    fn loopback_and_listed_names_are_ours_however_they_are_spelled() {
        for host in [
            "localhost",
            "LocalHost:8600",
            "localhost.:8600",
            "a.localhost",
            "127.9.9.9",
            "[::1]",
            "[::ffff:127.0.0.1]:8600",
            "SIM.test.:8600",
        ] {
            check(host, None, Ok(()));
        }
    }

    #[track_caller]
    fn check_browser(method: &str, uri: &str, told: &[(&str, &str)], want: Result<(), Trespass>) {
        let mut request = http::Request::builder().method(method).uri(uri);
        request = request.header(header::HOST, "127.0.0.1:8600");
        for (name, value) in told {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        assert_eq!(OriginGuard::default().check_request(&request), want);
    }

    #[test]
    fn another_sites_page_may_lead_here_or_show_a_picture_and_nothing_else() {
        let site = ("sec-fetch-site", "cross-site");
        let mode = ("sec-fetch-mode", "navigate");
        let image = ("sec-fetch-dest", "image");
        check_browser("GET", "/", &[site, mode], Ok(()));
        check_browser("GET", "/mmbiz/a/0", &[site, image], Ok(()));
        check_browser("GET", "/", &[site], Err(Trespass::CrossSite));
        check_browser("POST", "/", &[site, mode], Err(Trespass::CrossSite));
        check_browser("POST", "/", &[site, image], Err(Trespass::CrossSite));
        check_browser("POST", "/", &[("sec-fetch-site", "same-origin")], Ok(()));
        check_browser("GET", "/", &[("sec-fetch-site", "none")], Ok(()));
    }

    #[test]
    fn the_host_in_the_request_line_counts_too() {
        check_browser(
            "GET",
            "http://evil.example/",
            &[],
            Err(Trespass::ForeignHost),
        );
        check_browser("GET", "http://localhost:8600/", &[], Ok(()));
    }
}
