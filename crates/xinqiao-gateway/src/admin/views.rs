//! What the interface shows.

use std::sync::{Arc, PoisonError};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use futures_util::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};
use xinqiao_store::{Event, EventRef, Mark, StoreError, StoredKey};

use super::{Query, error};
use crate::{directory::Account, held::Held, shared::Shared};

fn refused(broken: &StoreError) -> Response {
    error(
        StatusCode::SERVICE_UNAVAILABLE,
        "store.refused",
        &broken.to_string(),
    )
}

pub(super) fn about(shared: &Shared) -> Response {
    Json(json!({
        "name": "xinqiao-gateway",
        "version": env!("CARGO_PKG_VERSION"),
        "endpoints": shared.endpoints(),
        "paths": [
            "GET /healthz", "GET /readyz", "GET /metrics", "GET /v1/endpoints", "GET /v1/accounts",
            "GET /v1/events", "GET /v1/events/{id}", "GET /v1/deliveries",
            "POST /v1/deliveries/{id}/retry", "GET /v1/keys", "POST /v1/keys", "DELETE /v1/keys/{id}",
        ],
    }))
    .into_response()
}

/// A rule's cause and remedy in both languages.
fn diagnosis(rule: &str) -> Option<Value> {
    let diagnosis = xinqiao_catalog::diagnosis(rule)?;
    Some(json!({
        "rule": rule,
        "cause": { "zh": diagnosis.cause.zh, "en": diagnosis.cause.en },
        "remedy": { "zh": diagnosis.remedy_zh, "en": diagnosis.remedy_en },
    }))
}

/// Why something is as it is: what happened here, and what the rule says about it.
fn reason(rule: &str, cause: &str) -> Value {
    json!({ "rule": rule, "cause": cause, "diagnosis": diagnosis(rule) })
}

/// Why an account cannot be used, if it cannot: rule and cause.
fn unusable(shared: &Shared, account: &Account) -> Option<(String, String)> {
    if account.config.secret.is_none() && account.closed.is_some() {
        let cause = "neither an AppSecret nor a callback Token is configured".to_owned();
        return Some(("account.empty".to_owned(), cause));
    }
    let problem = shared
        .tokens
        .status(account.config.appid.as_str())
        .problem?;
    Some((problem.rule.to_owned(), problem.cause))
}

fn account_view(shared: &Shared, account: &Account) -> Value {
    let config = &account.config;
    let unusable = unusable(shared, account);
    let last_problem = account
        .last_problem
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let last_callback = *account
        .last_callback
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    json!({
        "appid": config.appid,
        "name": config.name,
        "kind": config.kind,
        "verified": config.verified,
        "mode": config.mode,
        "callback": {
            "url": format!("{}/callback/{}", shared.origin(crate::platform::Face::Native), config.appid),
            "path": config.path,
            "receiver": {
                "check": config.provider.as_ref().map_or(config.receiver_id(), |id| id.as_str()),
                "push": config.receiver_id(),
                "others": config.has_others(),
            },
            "last": last_callback,
            "last_problem": last_problem,
        },
        "token": (config.secret.is_some() && Held::of(config).is_some()).then(|| token_view(shared, account)),
        "apps": account.routes.iter().map(|route| json!({
            "name": route.app,
            "url": without_query(&route.url),
            "role": if route.primary { "primary" } else { "watcher" },
        })).collect::<Vec<_>>(),
        "ready": unusable.is_none(),
        "reason": unusable.map(|(rule, cause)| reason(&rule, &cause)),
    })
}

fn token_view(shared: &Shared, account: &Account) -> Value {
    let status = shared.tokens.status(account.config.appid.as_str());
    let mut view = json!(status);
    view["state"] = json!(status.state());
    view
}

/// Queries of app URLs often hold keys.
fn without_query(url: &str) -> &str {
    url.split_once('?').map_or(url, |(url, _)| url)
}

pub(super) fn accounts(shared: &Shared) -> Response {
    let items: Vec<Value> = shared
        .directory
        .accounts()
        .map(|account| account_view(shared, account))
        .collect();
    Json(json!({ "items": items })).into_response()
}

/// All that a stranger learns: whether the store takes writes. It makes nobody work.
pub(super) async fn ready_or_not(shared: &Shared) -> Response {
    match shared.store.probe().await {
        Ok(()) => Json(json!({ "status": "ready" })).into_response(),
        Err(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            Json(json!({ "status": "not ready" })),
        )
            .into_response(),
    }
}

/// Ready: the store takes writes. Accounts that cannot be used are named; they do not stop the
/// others.
pub(super) async fn ready(shared: &Arc<Shared>) -> Response {
    // A failure is remembered by the centre, and shown below.
    let asked = shared
        .directory
        .accounts()
        .filter(|account| {
            let held = Held::of(&account.config);
            account.config.secret.is_some() && held.is_some_and(Held::disturbs_nobody)
        })
        .map(|account| shared.tokens.token(shared, account.config.appid.as_str()));
    drop(join_all(asked).await);
    let store = shared.store.probe().await;
    let accounts: Vec<Value> = shared
        .directory
        .accounts()
        .map(|account| {
            let unusable = unusable(shared, account);
            json!({
                "appid": account.config.appid,
                "ready": unusable.is_none(),
                "reason": unusable.map(|(rule, cause)| reason(&rule, &cause)),
            })
        })
        .collect();
    let all = accounts.iter().all(|account| account["ready"] == true);
    let status = match &store {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    let state = if store.is_err() {
        "failed"
    } else if all {
        "ready"
    } else {
        "degraded"
    };
    let body = json!({
        "status": state,
        "store": store.err().map_or_else(|| "ok".to_owned(), |broken| broken.to_string()),
        "accounts": accounts,
    });
    (status, Json(body)).into_response()
}

/// How a body was read that is not well-formed.
fn mark_view(mark: &Mark) -> Value {
    json!({ "name": mark.reading, "rule": mark.rule, "diagnosis": diagnosis(&mark.rule) })
}

fn event_view(event: &Event) -> Value {
    json!({
        "id": event.event.to_string(),
        "account": event.appid,
        "kind": event.kind,
        "received_ms": event.received,
        "answered_ms": event.answered,
        "reading": event.mark.as_ref().map(mark_view),
    })
}

pub(super) async fn events(shared: &Shared, query: &Query) -> Response {
    let after = match query.after.as_deref().map(str::parse) {
        None => None,
        Some(Ok(after)) => Some(after),
        Some(Err(bad)) => {
            let bad: xinqiao_store::EventRefError = bad;
            return error(StatusCode::BAD_REQUEST, "admin.event_id", &bad.to_string());
        }
    };
    match shared
        .store
        .events(after, query.account.as_ref(), query.limit)
        .await
    {
        Ok(events) => {
            let items: Vec<Value> = events.iter().map(event_view).collect();
            let next = events.last().map(|event| event.event.to_string());
            Json(json!({ "items": items, "next": next })).into_response()
        }
        Err(broken) => refused(&broken),
    }
}

pub(super) async fn event(shared: &Shared, event: EventRef) -> Response {
    let found = match shared.store.event(event).await {
        Ok(found) => found,
        Err(broken) => return refused(&broken),
    };
    let Some(found) = found else {
        return error(
            StatusCode::NOT_FOUND,
            "admin.event_id",
            "no such event, or past its retention",
        );
    };
    let mut view = event_view(&found);
    let body = found.body.as_deref().map(String::from_utf8_lossy);
    view["body"] = json!(body);
    match shared.store.deliveries(0, Some(event), None, 100).await {
        Ok(deliveries) => {
            view["deliveries"] = deliveries.iter().map(delivery_view).collect();
            Json(view).into_response()
        }
        Err(broken) => refused(&broken),
    }
}

fn delivery_view(delivery: &xinqiao_store::Delivery) -> Value {
    json!({
        "id": delivery.id.to_string(),
        "event": delivery.event.to_string(),
        "account": delivery.appid,
        "app": delivery.app,
        "reading": delivery.mark.as_ref().map(mark_view),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "due_ms": delivery.due,
        "updated_ms": delivery.updated,
        "last": {
            "status": delivery.status,
            "ms": delivery.elapsed_ms,
            "rule": delivery.rule,
            "detail": delivery.detail,
            "diagnosis": delivery.rule.as_deref().and_then(diagnosis),
        },
    })
}

pub(super) async fn deliveries(shared: &Shared, query: &Query) -> Response {
    let after = match query.after.as_deref().map(str::parse) {
        None => 0,
        Some(Ok(after)) => after,
        Some(Err(_)) => {
            let bad = "`after` is the id of a delivery, a number";
            return error(StatusCode::BAD_REQUEST, "admin.delivery_id", bad);
        }
    };
    let event = match query.event.as_deref().map(str::parse::<EventRef>) {
        None => None,
        Some(Ok(event)) => Some(event),
        Some(Err(bad)) => {
            return error(StatusCode::BAD_REQUEST, "admin.event_id", &bad.to_string());
        }
    };
    match shared
        .store
        .deliveries(after, event, query.account.as_ref(), query.limit)
        .await
    {
        Ok(deliveries) => {
            let items: Vec<Value> = deliveries.iter().map(delivery_view).collect();
            let next = deliveries.last().map(|delivery| delivery.id.to_string());
            Json(json!({ "items": items, "next": next })).into_response()
        }
        Err(broken) => refused(&broken),
    }
}

pub(super) async fn redeliver(shared: &Shared, id: i64) -> Response {
    match shared.store.redeliver(id, shared.now()).await {
        Ok(true) => {
            shared.due.notify_one();
            StatusCode::ACCEPTED.into_response()
        }
        Ok(false) => error(
            StatusCode::NOT_FOUND,
            "admin.delivery_id",
            "no such delivery",
        ),
        Err(broken) => refused(&broken),
    }
}

pub(super) fn keys(shared: &Shared) -> Vec<Value> {
    let keys = shared.keys.load();
    let mut keys: Vec<_> = keys.iter().collect();
    keys.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
    let view = |key: &&Arc<StoredKey>| {
        let mut view = json!(***key);
        if is_configured(shared, &key.id) {
            view["configured"] = json!(true);
            view["created"] = Value::Null;
        }
        view
    };
    keys.iter().map(view).collect()
}

/// Whether a key stands in the configuration.
fn is_configured(shared: &Shared, id: &str) -> bool {
    shared.config.keys.iter().any(|key| key.id == id)
}

pub(super) async fn revoke(shared: &Shared, id: &str) -> Response {
    if is_configured(shared, id) {
        return error(
            StatusCode::CONFLICT,
            "key.configured",
            "this key stands in the configuration; remove it from the file and start again",
        );
    }
    match shared.store.revoke_key(id, shared.now()).await {
        Ok(true) => match shared.load_keys().await {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(broken) => refused(&broken),
        },
        Ok(false) => error(StatusCode::NOT_FOUND, "key.unknown", "no such key"),
        Err(broken) => refused(&broken),
    }
}
