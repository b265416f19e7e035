//! Calls that fetch tokens: answered here instead of passed on.
//!
//! * With an issued key in the place of the secret: a virtual token. The real secret and token stay
//!   here.
//! * With the real secret (adopt): the one real stable token that the centre holds, so that apps
//!   never end each other's, and leaving us costs nothing.
//! * With anything else: passed on, and the platform decides.

use std::sync::Arc;

use axum::{body::Body, response::Response};
use http::{HeaderValue, header};
use serde_json::{Value, json};
use xinqiao_catalog::{
    code,
    surface::{self, Call, Credential},
};

use super::{
    Passing,
    body::{Gathered, Reply},
    join, refuse, scrub, token_failure, unreachable,
};
use crate::{
    APP_KEY_PREFIX, issued_key,
    platform::{self, Issuing},
    shared::Shared,
    token_center::{self, TokenError},
};
use xinqiao_store::AppKey;
use xinqiao_types::AppId;

/// The answer, if the call is one of these.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    passing: &Passing,
    call: &Call,
) -> Option<Response> {
    if !call.issues() {
        return None;
    }
    let Credential::Secret { id, secret, place } = &call.credential else {
        return None;
    };
    let path = passing.path.as_str();
    let secret = secret.as_ref()?.expose();
    if !secret.starts_with(APP_KEY_PREFIX) {
        let appid = id.as_deref()?;
        let adopted = shared.config.adopt && shared.tokens.knows_secret(appid, secret);
        return match (platform::issuing(call.endpoint()?)?, adopted) {
            (issuing, true) => Some(real_token(shared, passing, call, issuing, appid).await),
            (_, false) => None,
        };
    }
    // From here on, an app with an issued key: nothing of it may reach the platform.
    let Some(appid) = id.as_deref() else {
        return Some(refuse(
            shared,
            call,
            path,
            code::APPID_MISSING,
            "",
            "key.appid",
        ));
    };
    let Some(key) = issued_key::find(shared, secret) else {
        return Some(refuse(
            shared,
            call,
            path,
            code::INVALID_SECRET,
            "",
            "key.unknown",
        ));
    };
    if shared.directory.account(appid).is_none() || !issued_key::opens(&key, appid) {
        return Some(refuse(
            shared,
            call,
            path,
            code::INVALID_APPID,
            "",
            "key.scope",
        ));
    }
    let appid = AppId::from(appid);
    Some(match platform::issuing(call.endpoint()?) {
        Some(_) => virtual_token(shared, passing, call, &key, &appid).await,
        None => with_real_secret(shared, passing, call, &appid, secret, *place).await,
    })
}

/// A virtual token for an app with an issued key.
async fn virtual_token(
    shared: &Arc<Shared>,
    passing: &Passing,
    call: &Call,
    key: &AppKey,
    appid: &AppId,
) -> Response {
    if grant_type(passing).as_deref() != Some("client_credential") {
        return refuse(
            shared,
            call,
            &passing.path,
            code::INVALID_GRANT_TYPE,
            "",
            "token.grant_type",
        );
    }
    // The app learns now, not at its first call, that its account cannot be used.
    if let Err(error) = shared.tokens.token(shared, appid.as_str()).await {
        return token_failure(shared, call, &passing.path, appid, &error);
    }
    let text = shared.virtual_tokens.make(&key.hash, appid, shared.world());
    shared.metrics.tokens_virtual.add();
    tracing::info!(%appid, key = key.id, app = key.app, "A virtual token was handed out.");
    token_answer(&text, token_center::EXPIRES_IN)
}

/// The one real token for an app with the real secret.
async fn real_token(
    shared: &Arc<Shared>,
    passing: &Passing,
    call: &Call,
    issuing: Issuing,
    appid: &str,
) -> Response {
    if grant_type(passing).as_deref() != Some("client_credential") {
        return refuse(
            shared,
            call,
            &passing.path,
            code::INVALID_GRANT_TYPE,
            "",
            "token.grant_type",
        );
    }
    let forced = issuing == Issuing::StableToken
        && json_body(passing).is_some_and(|body| body["force_refresh"] == true);
    let token = if forced {
        match shared.tokens.force(shared, appid).await {
            // WECHAT: a forced call beyond the limits does not refresh; it returns the current
            // token.
            Err(TokenError::Budget) => shared.tokens.fresh(shared, appid).await,
            result => result,
        }
    } else {
        shared.tokens.fresh(shared, appid).await
    };
    match token {
        Ok(token) => {
            let left = token.expires.since(shared.world());
            tracing::info!(
                appid,
                "The stable token was handed out to an app with the real secret."
            );
            token_answer(token.text.expose(), left)
        }
        Err(error) => token_failure(shared, call, &passing.path, &AppId::from(appid), &error),
    }
}

/// Other calls that take the secret (log-in codes, quota resets): passed on with the real one.
async fn with_real_secret(
    shared: &Arc<Shared>,
    passing: &Passing,
    call: &Call,
    appid: &AppId,
    key: &str,
    place: surface::Place,
) -> Response {
    let path = passing.path.as_str();
    let account = shared.directory.account(appid.as_str());
    let secret = account.and_then(|account| account.config.secret.as_ref());
    let (Some(secret), Some(endpoint)) = (secret, call.endpoint()) else {
        return token_failure(
            shared,
            call,
            path,
            appid,
            &TokenError::NoSecret(appid.clone()),
        );
    };
    let (query, body) =
        surface::swap_secret(endpoint, place, &passing.query, passing.body.seen(), secret);
    let mut headers = passing.headers.clone();
    headers.remove(header::ACCEPT_ENCODING);
    headers.remove(header::CONTENT_LENGTH);
    let body = if body.is_empty() {
        Gathered::Empty
    } else {
        Gathered::Whole(body.into())
    };
    let sent = shared
        .outbound
        .platform(
            passing.host,
            passing.method.clone(),
            &join(path, &query),
            headers,
            body.into_body(),
        )
        .await;
    let reply = match sent {
        Ok(response) => Reply::readable(response).await,
        Err(error) => Err(error),
    };
    match reply {
        Ok(reply) => {
            shared.metrics.calls_swapped.add();
            let secrets = shared.tokens.secrets(appid.as_str());
            axum::response::IntoResponse::into_response(scrub::clean(reply, &secrets, key))
        }
        Err(error) => unreachable(shared, call, path, &error),
    }
}

fn json_body(passing: &Passing) -> Option<Value> {
    serde_json::from_slice(passing.body.seen()).ok()
}

fn grant_type(passing: &Passing) -> Option<String> {
    let query = passing
        .query
        .split('&')
        .find_map(|pair| pair.strip_prefix("grant_type="));
    query
        .map(ToOwned::to_owned)
        .or_else(|| Some(json_body(passing)?["grant_type"].as_str()?.to_owned()))
}

/// What the platform answers, in its order and type.
fn token_answer(token: &str, expires_in: i64) -> Response {
    let body = json!({ "access_token": token, "expires_in": expires_in }).to_string();
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json; encoding=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
