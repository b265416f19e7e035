//! Sorts requests: the gateway's own interface, callbacks, and calls to the platform.
//!
//! The first port may face the internet. It serves callbacks, a word on health, calls of apps that
//! hold an issued key, and administration for whoever brings its key; everybody else gets one and
//! the same refusal. What trusts its network is on ports of its own.

use std::sync::Arc;

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use xinqiao_http::{OriginGuard, Respond, peer_of};
use xinqiao_types::percent;

use crate::{
    admin, inlet,
    platform::{self, Face},
    proxy,
    shared::Shared,
};

/// Callbacks arrive under this path, followed by the appid.
const CALLBACK: &str = "/callback/";

/// Everything that one port serves. A guard looks at each request first.
pub(crate) fn service(shared: Arc<Shared>, face: Face, guard: Option<OriginGuard>) -> impl Respond {
    let front = Arc::new((shared, guard));
    tower::service_fn(move |request: Request| {
        let front = Arc::clone(&front);
        async move {
            let (shared, guard) = &*front;
            if let Some(guard) = guard
                && let Err(refusal) = guard.check_request(&request)
            {
                return Ok(refusal.into_response());
            }
            Ok(dispatch(shared, face, request).await)
        }
    })
}

/// What is not a callback is put on the heap: its state is many times as large, and all of it is moved where a
/// request begins.
async fn dispatch(shared: &Arc<Shared>, face: Face, request: Request) -> Response {
    if face.is_proxy() {
        return match proxy_host(shared, &request, face) {
            Some(host) => Box::pin(proxy::handle(shared, face, host, request)).await,
            None => proxy::unknown_host(shared),
        };
    }
    let path = request.uri().path();
    if let Some(name) = path.strip_prefix(CALLBACK) {
        let place = shared.directory.addressed(name);
        return inlet::handle(shared, place, request).await;
    }
    if let Some(host) = named_host(&request) {
        return Box::pin(proxy::handle(shared, face, host, request)).await;
    }
    if let Some(place) = shared.directory.by_path(path) {
        return inlet::handle(shared, place, request).await;
    }
    if admin::is_ours(path) {
        return Box::pin(admin::handle(shared, face, request)).await;
    }
    let lost = is_callback(&request).then(|| (peer_of(&request), path.to_owned()));
    let response = Box::pin(proxy::handle(shared, face, face.default_host(), request)).await;
    if let Some((peer, path)) = lost
        && response.status() == StatusCode::FORBIDDEN
    {
        let rule = "callback.path.unknown";
        if shared.refusals.admits(rule, peer) {
            let address = shown(&path);
            tracing::warn!(address, rule, %peer, "A callback came to an address that no account has.");
        }
    }
    response
}

/// Whether a request's query has what the platform signs a callback with.
fn is_callback(request: &Request) -> bool {
    let query = request.uri().query().unwrap_or("");
    let has = |wanted: &[&str]| percent::pairs(query).any(|(name, _)| wanted.contains(&&*name));
    has(&["nonce"]) && has(&["timestamp"]) && has(&["signature", "msg_signature"])
}

/// As much of a sender's address as the log shows.
pub(crate) fn shown(address: &str) -> String {
    address
        .chars()
        .take(80)
        .filter(char::is_ascii_graphic)
        .collect()
}

/// The platform host that the request line or the `Host` header names.
fn named_host(request: &Request) -> Option<&'static str> {
    // A client that takes us for its HTTP proxy writes the whole URL into the request line.
    if let Some(host) = request.uri().host() {
        return platform::platform_host(host);
    }
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    platform::platform_host(host)
}

/// The platform host that a request on a port of the proxy is for. A request line that names another
/// host than the platform's and this machine is for nobody here.
fn proxy_host(shared: &Shared, request: &Request, face: Face) -> Option<&'static str> {
    let ours = |host: &str| {
        platform::is_address(host)
            || (shared.config.listen.hosts.iter()).any(|own| own.eq_ignore_ascii_case(host))
    };
    match named_host(request) {
        Some(host) => Some(host),
        None if request.uri().host().is_none_or(ours) => Some(face.default_host()),
        None => None,
    }
}
