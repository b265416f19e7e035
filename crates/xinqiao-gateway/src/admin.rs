//! The gateway's own interface: state, lists, keys. JSON, for programs and the console.
//!
//! Served to loopback, or to whoever brings the configured key. A request that came through a proxy
//! is not from loopback, whatever its connection says.

mod views;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use xinqiao_http::{BodyLimit, OriginGuard, read_body};
use xinqiao_store::EventRef;
use xinqiao_types::AppId;

use crate::{IssueError, issued_key, shared::Shared};

/// Whether a path belongs to this interface.
pub(crate) fn is_ours(path: &str) -> bool {
    matches!(path, "/" | "/healthz" | "/readyz" | "/metrics")
        || path == "/v1"
        || path.starts_with("/v1/")
}

pub(crate) async fn handle(
    shared: &Arc<Shared>,
    peer: Option<SocketAddr>,
    request: Request,
) -> Response {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    // Probes come from orchestrators that have neither the key nor a loopback address, and tell
    // nothing secret.
    if path == "/healthz" {
        return health(shared).await;
    }
    let guard = OriginGuard::new(shared.config.listen.hosts.iter().cloned());
    let has_key = brings_key(shared, request.headers());
    if !has_key && let Err(refusal) = guard.check(request.headers()) {
        return refusal.into_response();
    }
    if path == "/v1/endpoints" {
        return Json(json!({ "endpoints": shared.endpoints() })).into_response();
    }
    if !has_key && !is_local(shared, peer, request.headers()) {
        return error(
            StatusCode::UNAUTHORIZED,
            "admin.key",
            "send the administration key as Authorization: Bearer …, or ask from this machine",
        );
    }
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let query = Query::parse(request.uri().query().unwrap_or(""));
    match (&method, segments.as_slice()) {
        (&Method::GET, [] | ["v1"]) => views::about(shared),
        (&Method::GET, ["readyz"]) => views::ready(shared).await,
        (&Method::GET, ["metrics"]) => {
            let mut response = shared.metrics.render().into_response();
            let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, text);
            response
        }
        (&Method::GET, ["v1", "accounts"]) => views::accounts(shared),
        (&Method::GET, ["v1", "events"]) => views::events(shared, &query).await,
        (&Method::GET, ["v1", "events", id]) => match id.parse::<EventRef>() {
            Ok(event) => views::event(shared, event).await,
            Err(bad) => error(StatusCode::BAD_REQUEST, "admin.event_id", &bad.to_string()),
        },
        (&Method::GET, ["v1", "deliveries"]) => views::deliveries(shared, &query).await,
        (&Method::POST, ["v1", "deliveries", id, "retry"]) => match id.parse() {
            Ok(id) => views::redeliver(shared, id).await,
            Err(_) => error(
                StatusCode::BAD_REQUEST,
                "admin.delivery_id",
                "a delivery id is a number",
            ),
        },
        (&Method::GET, ["v1", "keys"]) => {
            Json(json!({ "items": views::keys(shared) })).into_response()
        }
        (&Method::POST, ["v1", "keys"]) => issue(shared, request).await,
        (&Method::DELETE, ["v1", "keys", id]) => views::revoke(shared, id).await,
        _ => error(
            StatusCode::NOT_FOUND,
            "admin.path",
            "no such path here; GET /v1 lists them",
        ),
    }
}

/// What a list is asked for.
#[derive(Debug, Default)]
struct Query {
    after: Option<String>,
    account: Option<AppId>,
    event: Option<String>,
    limit: u32,
}

impl Query {
    fn parse(raw: &str) -> Self {
        let mut query = Self {
            limit: 100,
            ..Self::default()
        };
        for pair in raw.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "after" => query.after = Some(value.to_owned()),
                "account" => query.account = Some(AppId::from(value)),
                "event" => query.event = Some(value.to_owned()),
                "limit" => query.limit = value.parse().unwrap_or(100).clamp(1, 1000),
                _ => {}
            }
        }
        query
    }
}

/// An error as JSON.
fn error(status: StatusCode, code: &str, message: &str) -> Response {
    (
        status,
        Json(json!({ "error": { "code": code, "message": message } })),
    )
        .into_response()
}

async fn health(shared: &Shared) -> Response {
    match shared.store.probe().await {
        Ok(()) => Json(json!({ "status": "ok" })).into_response(),
        Err(broken) => error(
            StatusCode::SERVICE_UNAVAILABLE,
            "store.refused",
            &broken.to_string(),
        ),
    }
}

fn brings_key(shared: &Shared, headers: &HeaderMap) -> bool {
    let Some(key) = &shared.config.admin.key else {
        return false;
    };
    headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Bearer "))
        .is_some_and(|given| {
            xinqiao_crypto::constant_time_eq(given.trim().as_bytes(), key.expose().as_bytes())
        })
}

fn is_local(shared: &Shared, peer: Option<SocketAddr>, headers: &HeaderMap) -> bool {
    const FORWARDED: [&str; 4] = ["forwarded", "x-forwarded-for", "x-real-ip", "via"];
    shared.config.admin.key.is_none()
        && peer.is_some_and(|peer| peer.ip().to_canonical().is_loopback())
        && !FORWARDED.iter().any(|name| headers.contains_key(*name))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    app: String,
    #[serde(default)]
    accounts: Vec<AppId>,
}

async fn issue(shared: &Arc<Shared>, request: Request) -> Response {
    let body = match read_body(request.into_body(), BodyLimit::bytes(64 * 1024)).await {
        Ok(body) => body,
        Err(broken) => return error(broken.status(), "admin.body", &broken.to_string()),
    };
    let wanted: NewKey = match serde_json::from_slice(&body) {
        Ok(wanted) => wanted,
        Err(bad) => return error(StatusCode::BAD_REQUEST, "admin.body", &bad.to_string()),
    };
    match issued_key::issue(shared, &wanted.app, &wanted.accounts).await {
        Ok(issued) => {
            let body = json!({
                "id": issued.id,
                "key": issued.key.expose(),
                "app": issued.app,
                "accounts": issued.accounts,
            });
            (StatusCode::CREATED, Json(body)).into_response()
        }
        Err(refused @ (IssueError::Name | IssueError::Account { .. })) => {
            error(StatusCode::BAD_REQUEST, "key.invalid", &refused.to_string())
        }
        Err(refused) => error(
            StatusCode::SERVICE_UNAVAILABLE,
            "store.refused",
            &refused.to_string(),
        ),
    }
}
