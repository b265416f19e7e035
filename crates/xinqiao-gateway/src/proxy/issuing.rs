//! Calls that fetch tokens: answered here instead of passed on.
//!
//! * With an issued key in the place of the secret: a virtual token of the centre, or the call with
//!   the real secret, whose answer then hides what the catalog's list says; or a refusal. The real
//!   secret and token stay here.
//! * With the real secret (adopt), on the proxy's ports: the one real token that the centre holds, so
//!   that apps never end each other's, and leaving us costs nothing.
//! * A token that is given for a ticket comes from the centre only for whoever brings the ticket, too.
//! * With anything else: passed on, and the platform decides; on the first port, refused.

use std::sync::Arc;

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header, uri::PathAndQuery};
use serde_json::Value;
use xinqiao_catalog::{
    code,
    id::{official_account::base, work::base::GET_TOKEN},
    model::{Endpoint, IssuedKey},
    surface::{self, Call, Credential},
};

use super::{
    Passing, Scrubber, Sending, body::Gathered, holds_key, is_encoded, is_plain, readable, refuse,
    seal, sending::join, token_failure, unreadable,
};
use crate::{
    APP_KEY_PREFIX,
    directory::Account,
    held::Held,
    issued_key,
    shared::Shared,
    token_center::{self, TokenError},
};
use xinqiao_store::StoredKey;
use xinqiao_types::{AppId, percent};

/// What an app with an issued key calls with.
struct Caller<'a> {
    key: &'a StoredKey,
    account: &'a Account,
    /// The account's id and the key as the app sent them.
    id: &'a str,
    text: &'a str,
    place: surface::Place,
}

/// The answer, if the call is one of these.
pub(super) async fn answer(
    shared: &Arc<Shared>,
    passing: &mut Passing,
    call: &Call,
) -> Option<Response> {
    if !call.issues() {
        return None;
    }
    let endpoint = call.endpoint()?;
    let Credential::Secret { id, secret, place } = &call.credential else {
        return None;
    };
    let text = secret.as_ref()?.expose();
    if !text.starts_with(APP_KEY_PREFIX) {
        return adopted(shared, passing, call, endpoint, id.as_deref()?, text).await;
    }
    // From here on, an app with an issued key: nothing of it may reach the platform.
    let path = passing.path().to_owned();
    let refused = |code: i64, rule: &'static str| refuse(shared, call, &path, code, "", rule);
    let Some(key) = issued_key::find(shared, text) else {
        return Some(wrong_key(shared, passing, call));
    };
    if is_encoded(&passing.headers) {
        return Some(refused(code::INVALID_SECRET, "proxy.encoded"));
    }
    let Some(id) = id.as_deref() else {
        return Some(refused(code::APPID_MISSING, "key.appid"));
    };
    let account = match account_of(shared, &key, endpoint, id) {
        Ok(account) => account,
        Err(rule) => return Some(refused(code::INVALID_APPID, rule)),
    };
    let caller = Caller {
        key: &key,
        account,
        id,
        text,
        place: *place,
    };
    let Some(issuing) = xinqiao_catalog::issuing(endpoint.id) else {
        // The catalog's check lets no such endpoint be missing; what is not listed is not passed on.
        return Some(refused(code::INVALID_SECRET, "key.place"));
    };
    Some(match issuing.issued_key {
        IssuedKey::Virtual => {
            let held =
                Held::of(&account.config).filter(|held| Held::issued_at(endpoint) == Some(*held));
            match held {
                Some(held) if brings_ticket(shared, passing, held, &account.config.appid).await => {
                    virtual_token(shared, passing, call, &caller, held).await
                }
                // The platform judges secret and ticket; its token becomes virtual on the way.
                _ if !issuing.seals.is_empty() => {
                    with_real_secret(shared, passing, call, &caller).await
                }
                _ => refused(code::INVALID_APPID, "key.scope"),
            }
        }
        IssuedKey::Swapped => with_real_secret(shared, passing, call, &caller).await,
        IssuedKey::Refused => refused(code::INVALID_SECRET, "key.refused"),
    })
}

/// The answer to an app with a real secret, if the centre has it to give.
async fn adopted(
    shared: &Arc<Shared>,
    passing: &Passing,
    call: &Call,
    endpoint: &Endpoint,
    id: &str,
    secret: &str,
) -> Option<Response> {
    if !passing.face.is_proxy() || !shared.config.adopt {
        return None;
    }
    let held = Held::issued_at(endpoint)?;
    let appid = shared.tokens.holder(held, id, secret)?;
    if !brings_ticket(shared, passing, held, appid).await {
        return None;
    }
    let forced = endpoint.id == base::STABLE_TOKEN
        && json_body(passing).is_some_and(|body| body["force_refresh"] == true);
    Some(real_token(shared, passing, call, held, appid, forced).await)
}

/// Whether a call brings the ticket that its token is given for, as it was pushed through here. The secret alone
/// opens nothing.
async fn brings_ticket(shared: &Arc<Shared>, passing: &Passing, held: Held, appid: &AppId) -> bool {
    let Some(ticket) = held.ticket() else {
        return true;
    };
    let body = json_body(passing).unwrap_or_default();
    match body[ticket.asked].as_str() {
        Some(given) => {
            shared
                .tokens
                .knows_ticket(shared, appid.as_str(), given)
                .await
        }
        None => false,
    }
}

/// A key that we did not issue. Who tries many is slowed down.
fn wrong_key(shared: &Shared, passing: &Passing, call: &Call) -> Response {
    let now = tokio::time::Instant::now();
    let patient = shared.wrong_keys.wrong(passing.peer, now);
    let mut response = if passing.face.is_proxy() {
        let rule = if patient { "key.unknown" } else { "key.slow" };
        refuse(shared, call, passing.path(), code::INVALID_SECRET, "", rule)
    } else {
        shared.metrics.calls_refused.add();
        not_ours()
    };
    if !patient {
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        let a_second = HeaderValue::from_static("1");
        response.headers_mut().insert(header::RETRY_AFTER, a_second);
    }
    response
}

/// What a key that is not ours gets on the first port: the same whatever was asked for with it, in a form that
/// SDKs show as an error of the platform.
fn not_ours() -> Response {
    const TEXT: &str = r#"{"errcode":-1,"errmsg":"this port serves callbacks, and calls with a key of the gateway"}"#;
    let mut response = Response::new(Body::from(TEXT));
    *response.status_mut() = StatusCode::FORBIDDEN;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

/// The account of that id that the key opens. A corp's id alone names it if the key opens one agent
/// of it: the real secret would have told which.
fn account_of<'a>(
    shared: &'a Shared,
    key: &StoredKey,
    endpoint: &Endpoint,
    id: &str,
) -> Result<&'a Account, &'static str> {
    let opened = |account: &&Account| issued_key::opens(key, account.config.appid.as_str());
    if let Some(account) = shared.directory.account(id) {
        return Some(&**account).filter(opened).ok_or("key.scope");
    }
    if endpoint.id != GET_TOKEN {
        return Err("key.scope");
    }
    let mut agents = shared
        .directory
        .accounts()
        .map(|account| &**account)
        .filter(|account| {
            let corp = account.config.corpid.as_ref();
            corp.is_some_and(|corp| corp == id) && account.config.secret.is_some()
        })
        .filter(opened);
    match (agents.next(), agents.next()) {
        (Some(account), None) => Ok(account),
        (Some(_), Some(_)) => Err("key.ambiguous"),
        (None, _) => Err("key.scope"),
    }
}

/// A virtual token for an app with an issued key.
async fn virtual_token(
    shared: &Arc<Shared>,
    passing: &Passing,
    call: &Call,
    caller: &Caller<'_>,
    held: Held,
) -> Response {
    if let Some(refused) = wrong_grant(shared, passing, call, held) {
        return refused;
    }
    let Caller { key, account, .. } = caller;
    let appid = &account.config.appid;
    // The app learns now, not at its first call, that its account cannot be used.
    if let Err(error) = shared.tokens.token(shared, appid.as_str()).await {
        return token_failure(shared, call, passing.path(), appid, &error);
    }
    let text = (shared.virtual_tokens).make(&key.hash, appid, held.bearing(), shared.world());
    shared.metrics.tokens_virtual.add();
    tracing::info!(%appid, key = key.id, app = key.app, "A virtual token was handed out.");
    token_answer(held, &text, token_center::EXPIRES_IN)
}

/// The one real token for an app with the real secret.
async fn real_token(
    shared: &Arc<Shared>,
    passing: &Passing,
    call: &Call,
    held: Held,
    appid: &AppId,
    forced: bool,
) -> Response {
    if let Some(refused) = wrong_grant(shared, passing, call, held) {
        return refused;
    }
    let token = if forced {
        match shared.tokens.force(shared, appid.as_str()).await {
            // WECHAT: a forced call beyond the limits does not refresh; it returns the current
            // token.
            Err(TokenError::Budget) => shared.tokens.fresh(shared, appid.as_str()).await,
            result => result,
        }
    } else {
        shared.tokens.fresh(shared, appid.as_str()).await
    };
    match token {
        Ok(token) => {
            let left = token.expires.since(shared.world());
            tracing::info!(%appid, "The real token was handed out to an app with the real secret.");
            token_answer(held, token.text.expose(), left)
        }
        Err(error) => token_failure(shared, call, passing.path(), appid, &error),
    }
}

/// Other calls that take the secret (log-in codes, quota resets, tokens that the centre does not
/// hold): passed on with the real one.
async fn with_real_secret(
    shared: &Arc<Shared>,
    passing: &mut Passing,
    call: &Call,
    caller: &Caller<'_>,
) -> Response {
    let path = passing.path().to_owned();
    let Caller { account, text, .. } = caller;
    let appid = &account.config.appid;
    let refused = |code: i64, rule: &'static str| refuse(shared, call, &path, code, "", rule);
    let (Some(secret), Some(endpoint)) = (account.config.secret.as_ref(), call.endpoint()) else {
        let error = TokenError::NoSecret(appid.clone());
        return token_failure(shared, call, &path, appid, &error);
    };
    if !is_plain(&path) {
        return refused(code::INVALID_SECRET, "proxy.path");
    }
    let swapped = surface::swap_secret(
        endpoint,
        caller.place,
        passing.query(),
        passing.body.seen(),
        text,
        secret,
    );
    // The platform knows a corp by its own id; `corpid:agentid` is ours.
    let swapped = match &account.config.corpid {
        Some(corp) if *corp != caller.id => swapped.and_then(|(query, body)| {
            let (id, corp) = (caller.id, corp.as_str());
            surface::swap_id(endpoint, caller.place, &query, &body, id, corp)
        }),
        _ => swapped,
    };
    // Twice, or in two spellings: what the platform would read of it nobody knows.
    let Some((query, body)) = swapped else {
        return refused(code::INVALID_SECRET, "key.place");
    };
    passing.headers = readable(std::mem::take(&mut passing.headers));
    passing.body = if body.is_empty() {
        Gathered::Empty
    } else {
        Gathered::Whole(body.into())
    };
    let target = join(&path, &query);
    let Ok(target) = PathAndQuery::try_from(target) else {
        return refused(code::INVALID_SECRET, "key.place");
    };
    passing.target = target;
    if holds_key(passing) {
        return refused(code::INVALID_SECRET, "key.place");
    }
    let issuing = xinqiao_catalog::issuing(endpoint.id);
    let sending = Sending {
        host: passing.host,
        method: passing.method.clone(),
        path: &path,
        headers: std::mem::take(&mut passing.headers),
    };
    let body = std::mem::take(&mut passing.body);
    let reply = match sending
        .send(shared, call, passing.query(), body, issuing)
        .await
    {
        Ok(reply) => reply,
        Err(refused) => return *refused,
    };
    let secrets = shared.tokens.secrets(appid.as_str());
    let key = caller.key;
    match seal::seal(shared, issuing, &key.hash, appid, reply) {
        Ok(reply) => reply.without(Scrubber::new(secrets, text)).into_response(),
        Err(seal::Unreadable) => unreadable(shared, call, &path, "answer.unreadable"),
    }
}

/// The refusal of a call for a token that names no grant, or one that nobody gives here.
fn wrong_grant(shared: &Shared, passing: &Passing, call: &Call, held: Held) -> Option<Response> {
    if held != Held::Account {
        return None;
    }
    let (path, errcode) = (passing.path(), code::INVALID_GRANT_TYPE);
    let given = grant_type(passing);
    (given.as_deref() != Some("client_credential"))
        .then(|| refuse(shared, call, path, errcode, "", "token.grant_type"))
}

fn json_body(passing: &Passing) -> Option<Value> {
    serde_json::from_slice(passing.body.seen()).ok()
}

fn grant_type(passing: &Passing) -> Option<String> {
    percent::pairs(passing.query())
        .find(|(name, _)| name == "grant_type")
        .map(|(_, value)| value)
        .or_else(|| Some(json_body(passing)?["grant_type"].as_str()?.to_owned()))
}

/// What the platform answers.
fn token_answer(held: Held, token: &str, expires_in: i64) -> Response {
    let mut response = Response::new(Body::from(held.answer(token, expires_in)));
    let json = HeaderValue::from_static(held.content_type());
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
