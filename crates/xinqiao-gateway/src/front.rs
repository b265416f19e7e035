//! Sorts requests: the gateway's own interface, callbacks, and calls to the platform.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, Request},
    response::Response,
};
use http::header;

use crate::{
    admin, inlet,
    platform::{self, Face},
    proxy,
    shared::Shared,
};

/// Callbacks arrive under this path, followed by the appid.
const CALLBACK: &str = "/callback/";

/// Everything that one port serves.
pub(crate) fn router(shared: Arc<Shared>, face: Face) -> Router {
    let dispatch = move |request: Request| {
        let shared = Arc::clone(&shared);
        async move { dispatch(&shared, face, request).await }
    };
    Router::new().fallback(dispatch)
}

async fn dispatch(shared: &Arc<Shared>, face: Face, request: Request) -> Response {
    if face != Face::Native {
        return proxy::handle(shared, host_of(&request, face), request).await;
    }
    let path = request.uri().path();
    if let Some(name) = path.strip_prefix(CALLBACK) {
        let place = shared.directory.addressed(name);
        return inlet::handle(shared, place, request).await;
    }
    if let Some(host) = named_host(&request) {
        return proxy::handle(shared, host, request).await;
    }
    if let Some(place) = shared.directory.by_path(path) {
        return inlet::handle(shared, place, request).await;
    }
    if admin::is_ours(path) {
        let peer = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0);
        return admin::handle(shared, peer, request).await;
    }
    proxy::handle(shared, face.default_host(), request).await
}

/// The platform host that the `Host` header names.
fn named_host(request: &Request) -> Option<&'static str> {
    // A client that takes us for its HTTP proxy writes the whole URL into the request line.
    if let Some(host) = request.uri().host() {
        return platform::platform_host(host);
    }
    let host = request.headers().get(header::HOST)?.to_str().ok()?;
    platform::platform_host(host)
}

fn host_of(request: &Request, face: Face) -> &'static str {
    named_host(request).unwrap_or_else(|| face.default_host())
}
