//! The gateway's own interface: state, lists, keys. JSON, for programs and the console.
//!
//! On the first port it is there for whoever brings the configured key. Without one it is only on
//! its own port or socket, which nobody else's network reaches. No header but the key gives a right,
//! and where a request seems to come from gives none either: an ordinary reverse proxy makes the
//! internet look like this machine.

mod views;

use std::sync::Arc;

use axum::{
    Json,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::json;
use xinqiao_http::{BodyLimit, OriginGuard, Trespass, read_body};
use xinqiao_store::EventRef;
use xinqiao_types::{AppId, AppKey, percent};

use crate::{
    IssueError, admin_socket::OverSocket, issued_key, platform::Face, problem, shared::Shared,
};

/// Whether a path belongs to this interface.
pub(crate) fn is_ours(path: &str) -> bool {
    matches!(path, "/" | "/healthz" | "/readyz" | "/metrics")
        || path == "/v1"
        || path.starts_with("/v1/")
}

/// What whoever asks may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rights {
    /// Everything.
    All,
    /// Metrics, readiness, lists.
    Read,
    /// Nothing.
    None,
    /// Nothing yet: too many wrong keys came from there.
    Later,
    /// Nothing: a page of another site asks.
    Foreign(Trespass),
}

pub(crate) async fn handle(shared: &Arc<Shared>, face: Face, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let method = request.method().clone();
    // Probes come from orchestrators that have no key, and tell nothing secret.
    if path == "/healthz" {
        return health(shared).await;
    }
    match rights(shared, face, &request) {
        Rights::All => {}
        Rights::Foreign(refusal) => return refusal.into_response(),
        Rights::None | Rights::Later if path == "/readyz" => {
            return views::ready_or_not(shared).await;
        }
        // The first port answers as if there were nothing.
        Rights::None | Rights::Later if face == Face::Native => return problem::stranger(shared),
        Rights::Later => {
            return error(
                StatusCode::TOO_MANY_REQUESTS,
                "admin.slow",
                "too many wrong keys from this address; wait a little",
            );
        }
        Rights::Read => {
            if !is_reading(&method, &path) {
                return error(
                    StatusCode::FORBIDDEN,
                    "admin.read_only",
                    "admin.read_key reads metrics, readiness and lists; use admin.key for the rest",
                );
            }
        }
        Rights::None => {
            return error(
                StatusCode::UNAUTHORIZED,
                "admin.key",
                "send the administration key as Authorization: Bearer …",
            );
        }
    }
    if let Err(refusal) = xinqiao_http::json_only(&method, request.headers()) {
        return refusal.into_response();
    }
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let asked = request.uri().query().unwrap_or("").to_owned();
    match (&method, segments.as_slice()) {
        (&Method::GET, [] | ["v1"]) => views::about(shared),
        (&Method::GET, ["v1", "endpoints"]) => {
            Json(json!({ "endpoints": shared.endpoints() })).into_response()
        }
        (&Method::GET, ["readyz"]) => views::ready(shared).await,
        (&Method::GET, ["metrics"]) => {
            let mut response = shared.metrics.render().into_response();
            let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, text);
            response
        }
        (&Method::GET, ["v1", "accounts"]) => views::accounts(shared),
        (&Method::GET, ["v1", "events"]) => match Query::parse(&asked, &["account"]) {
            Ok(query) => views::events(shared, &query).await,
            Err(bad) => error(StatusCode::BAD_REQUEST, "admin.query", &bad),
        },
        (&Method::GET, ["v1", "events", id]) => match id.parse::<EventRef>() {
            Ok(event) => views::event(shared, event).await,
            Err(bad) => error(StatusCode::BAD_REQUEST, "admin.event_id", &bad.to_string()),
        },
        (&Method::GET, ["v1", "deliveries"]) => match Query::parse(&asked, &["account", "event"]) {
            Ok(query) => views::deliveries(shared, &query).await,
            Err(bad) => error(StatusCode::BAD_REQUEST, "admin.query", &bad),
        },
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
    /// Most items of a list.
    const ITEMS: u32 = 1000;

    /// Reads `after`, `limit` and the filters that a list has. Nothing is guessed: an error names what is
    /// not known or cannot be used.
    fn parse(raw: &str, filters: &[&str]) -> Result<Self, String> {
        let mut query = Self {
            limit: 100,
            ..Self::default()
        };
        let mut seen = Vec::new();
        for (name, value) in percent::pairs(raw) {
            if !filters.contains(&&*name) && !["after", "limit"].contains(&&*name) {
                let known = filters.join(", ");
                return Err(format!(
                    "unknown parameter `{name}`; known are after, limit, {known}"
                ));
            }
            if seen.contains(&name) {
                return Err(format!("the parameter `{name}` comes twice"));
            }
            match &*name {
                "limit" => {
                    let limit = value.parse().ok();
                    query.limit = limit
                        .filter(|limit| (1..=Self::ITEMS).contains(limit))
                        .ok_or_else(|| format!("`limit` is a number from 1 to {}", Self::ITEMS))?;
                }
                // A page whose `next` is empty leads to the first one.
                "after" => query.after = Some(value).filter(|after| !after.is_empty()),
                "account" => query.account = Some(AppId::from(value)),
                _ => query.event = Some(value),
            }
            seen.push(name);
        }
        Ok(query)
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
        Err(broken) => {
            tracing::error!(error = %broken, rule = "store.refused", "The store does not answer.");
            error(
                StatusCode::SERVICE_UNAVAILABLE,
                "store.refused",
                "the store does not answer",
            )
        }
    }
}

fn has_keys(shared: &Shared) -> bool {
    shared.config.admin.key.is_some() || shared.config.admin.read_key.is_some()
}

/// What a request may do: by the key that it brings, or because the port is administration's own and
/// no key is configured.
fn rights(shared: &Shared, face: Face, request: &Request) -> Rights {
    let headers = request.headers();
    let admin = &shared.config.admin;
    if has_keys(shared)
        && let Some(given) = bearer(headers)
    {
        let is = |key: &Option<AppKey>| {
            key.as_ref().is_some_and(|key| {
                xinqiao_crypto::constant_time_eq(given.as_bytes(), key.expose().as_bytes())
            })
        };
        if is(&admin.key) {
            return Rights::All;
        }
        if is(&admin.read_key) {
            return Rights::Read;
        }
        let peer = xinqiao_http::peer_of(request);
        let now = tokio::time::Instant::now();
        if !shared.wrong_admin_keys.wrong(peer, now) {
            return Rights::Later;
        }
        let rule = "admin.key";
        if shared.refusals.admits(rule, peer) {
            tracing::warn!(%peer, rule, "A wrong administration key was refused.");
        }
        return Rights::None;
    }
    if face != Face::Admin || admin.key.is_some() {
        return Rights::None;
    }
    // A client of the socket may call the host what it likes.
    if request.extensions().get::<OverSocket>().is_some() {
        return Rights::All;
    }
    // Pages of other sites, which a browser on this machine may show, are turned away.
    let guard = OriginGuard::new(shared.config.listen.hosts.iter().cloned());
    match guard.check(headers) {
        Ok(()) => Rights::All,
        Err(refusal) => Rights::Foreign(refusal),
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// What the read-only key opens. Not single events: they show what users wrote.
fn is_reading(method: &Method, path: &str) -> bool {
    *method == Method::GET
        && matches!(
            path.trim_end_matches('/'),
            "" | "/readyz"
                | "/metrics"
                | "/v1"
                | "/v1/endpoints"
                | "/v1/accounts"
                | "/v1/events"
                | "/v1/deliveries"
                | "/v1/keys"
        )
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
        Err(refused @ (IssueError::Name | IssueError::App { .. } | IssueError::Account { .. })) => {
            error(StatusCode::BAD_REQUEST, "key.invalid", &refused.to_string())
        }
        Err(refused) => error(
            StatusCode::SERVICE_UNAVAILABLE,
            "store.refused",
            &refused.to_string(),
        ),
    }
}
