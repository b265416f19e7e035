//! The platform's face: any platform path, passed on to the upstream.
//!
//! What it does not know goes through byte for byte. A virtual token is swapped for the real one on
//! the way in, and nothing real comes out: bodies and headers of the answer are searched for the
//! token and the secret. Calls that fetch tokens are answered here ([`issuing`]).
//!
//! A call is repeated in one case only: the platform refused the current token, so it did nothing,
//! and the centre has a newer one.

mod body;
mod issuing;
mod preflight;
mod refusal;
mod scrub;

use std::sync::Arc;

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use serde::Deserialize;
use xinqiao_catalog::{
    code,
    surface::{self, Call, Credential},
};
use xinqiao_http::{BodyError, peer_of};
use xinqiao_types::AppId;

pub(crate) use self::body::KEPT_BYTES;
use self::{
    body::{Gathered, Reply},
    refusal::{refuse, token_failure, unreachable},
};
use crate::{
    APP_KEY_PREFIX, issued_key, platform,
    problem::{Problem, RULE_HEADER},
    shared::Shared,
    token_center::VirtualToken,
};

/// A platform call on its way through.
struct Passing {
    host: &'static str,
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Gathered,
}

/// Whose token a call carries.
enum Bearer {
    /// One of ours: the app holds an issued key.
    Virtual {
        token: VirtualToken,
        text: String,
        param: &'static str,
    },
    /// The real one that the centre holds: the app has the real secret.
    Real { appid: AppId, text: String },
    /// None, or one that we know nothing of.
    Foreign,
}

/// Handles a request for a platform host.
pub(crate) async fn handle(shared: &Arc<Shared>, host: &'static str, request: Request) -> Response {
    let peer = peer_of(&request);
    let response = answer(shared, host, request).await;
    if let Some(rule) = response.headers().get(RULE_HEADER)
        && let Some(rule) = rule.to_str().ok().and_then(xinqiao_catalog::diagnosis)
        && shared.refusals.admits(rule.rule, peer)
    {
        let status = response.status().as_u16();
        tracing::warn!(rule = rule.rule, status, %peer, "A platform call was refused.");
    }
    response
}

async fn answer(shared: &Arc<Shared>, host: &'static str, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = match Gathered::read(body).await {
        Ok(body) => body,
        Err(error) => {
            let rule = match error {
                BodyError::NoRoom => "server.overloaded",
                _ => "proxy.body",
            };
            return Problem::new(error.status(), rule, error.to_string(), "").into_response();
        }
    };
    // Taken when the body is there: who sends it slowly holds none.
    let Ok(_place) = shared.calls.try_acquire() else {
        let cause = "too many calls to the platform are being worked on";
        let overloaded = StatusCode::SERVICE_UNAVAILABLE;
        return Problem::new(overloaded, "server.overloaded", cause, "").into_response();
    };
    let passing = Passing {
        host,
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or("").to_owned(),
        headers: end_to_end(&parts.headers),
        body,
    };
    let call = recognise(&passing);
    let response = match issuing::answer(shared, &passing, &call).await {
        Some(response) => response,
        None if passing.query.contains(APP_KEY_PREFIX) => {
            // A key of ours where we do not expect one: the platform must not see it.
            refuse(
                shared,
                &call,
                &passing.path,
                code::INVALID_SECRET,
                "",
                "key.place",
            )
        }
        None => pass(shared, passing, &call).await,
    };
    tracing::debug!(
        endpoint = call.endpoint().map_or("unknown", |endpoint| endpoint.id),
        status = response.status().as_u16(),
        "A platform call passed."
    );
    response
}

fn recognise(passing: &Passing) -> Call {
    let text = |name: HeaderName| {
        passing
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    };
    surface::recognise(&surface::Request {
        host: passing.host,
        method: passing.method.as_str(),
        path: &passing.path,
        query: &passing.query,
        content_type: text(header::CONTENT_TYPE),
        authorization: text(header::AUTHORIZATION),
        body: passing.body.seen(),
    })
}

fn bearer(shared: &Shared, call: &Call, passing: &Passing) -> Bearer {
    let Credential::Token { param, value, .. } = &call.credential else {
        return Bearer::Foreign;
    };
    let text = value.expose();
    if !platform::knows_tokens(passing.host) {
        return Bearer::Foreign;
    }
    if let Some(token) = shared.virtual_tokens.read(text) {
        return Bearer::Virtual {
            token,
            text: text.to_owned(),
            param,
        };
    }
    match shared.tokens.owner(text) {
        Some(appid) => Bearer::Real {
            appid,
            text: text.to_owned(),
        },
        None => Bearer::Foreign,
    }
}

async fn pass(shared: &Arc<Shared>, passing: Passing, call: &Call) -> Response {
    let bearer = bearer(shared, call, &passing);
    let appid = match &bearer {
        Bearer::Virtual { token, .. } => Some(&token.appid),
        Bearer::Real { appid, .. } => Some(appid),
        Bearer::Foreign => None,
    };
    let warning = match preflight::check(shared, call, appid) {
        preflight::Verdict::Pass => None,
        preflight::Verdict::Warn(warning) => Some(warning),
        preflight::Verdict::Refuse(denied) => {
            return refuse(
                shared,
                call,
                &passing.path,
                denied.code.0,
                "",
                "permission.denied",
            );
        }
    };
    let mut response = match bearer {
        Bearer::Virtual { token, text, param } => {
            pass_swapped(shared, passing, call, &token, &text, param).await
        }
        Bearer::Real { appid, text } => pass_real(shared, passing, call, &appid, &text).await,
        Bearer::Foreign if !shared.config.adopt && carries_token(call) => {
            let rule = "token.unknown";
            refuse(
                shared,
                call,
                &passing.path,
                code::INVALID_CREDENTIAL,
                "",
                rule,
            )
        }
        Bearer::Foreign => pass_unchanged(shared, passing, call).await,
    };
    if let Some(warning) = warning {
        response
            .headers_mut()
            .insert("x-xinqiao-preflight", warning);
    }
    response
}

fn carries_token(call: &Call) -> bool {
    matches!(call.credential, Credential::Token { .. })
}

/// Passes a call on as it came.
async fn pass_unchanged(shared: &Arc<Shared>, passing: Passing, call: &Call) -> Response {
    let path = passing.path.clone();
    let Passing {
        host,
        method,
        query,
        headers,
        body,
        ..
    } = passing;
    let target = join(&path, &query);
    match shared
        .outbound
        .platform(host, method, &target, headers, body.into_body())
        .await
    {
        Ok(response) => {
            shared.metrics.calls_passed.add();
            Reply::Stream(response).into_response()
        }
        Err(error) => unreachable(shared, call, &path, &error),
    }
}

/// Passes a call with the real token on. If the platform refuses it, the centre heals itself; the
/// app learns of the refusal as it would without us, and fetches the new token from us.
async fn pass_real(
    shared: &Arc<Shared>,
    passing: Passing,
    call: &Call,
    appid: &AppId,
    token: &str,
) -> Response {
    let path = passing.path.clone();
    let Passing {
        host,
        method,
        query,
        headers,
        body,
        ..
    } = passing;
    let target = join(&path, &query);
    let response = match shared
        .outbound
        .platform(host, method, &target, headers, body.into_body())
        .await
    {
        Ok(response) => response,
        Err(error) => return unreachable(shared, call, &path, &error),
    };
    shared.metrics.calls_passed.add();
    let reply = match Reply::small(response).await {
        Ok(reply) => reply,
        Err(error) => return unreachable(shared, call, &path, &error),
    };
    if let Some(refusal) = token_refusal(&reply)
        && let Err(error) = shared
            .tokens
            .refused(shared, appid.as_str(), token, refusal)
            .await
    {
        tracing::warn!(
            %appid, %error, rule = error.rule(),
            "A refused token could not be replaced."
        );
    }
    reply.into_response()
}

/// Passes a call with a virtual token on, with the real one in its place.
async fn pass_swapped(
    shared: &Arc<Shared>,
    passing: Passing,
    call: &Call,
    virtual_token: &VirtualToken,
    virtual_text: &str,
    param: &'static str,
) -> Response {
    let path = passing.path.clone();
    let appid = &virtual_token.appid;
    let keys = shared.keys.load();
    let key = keys
        .values()
        .find(|key| key.hash[..16] == virtual_token.key);
    let Some(key) = key.filter(|key| issued_key::opens(key, appid.as_str())) else {
        return refuse(
            shared,
            call,
            &path,
            code::INVALID_CREDENTIAL,
            "",
            "key.revoked",
        );
    };
    tracing::debug!(%appid, key = key.id, "A virtual token is swapped for the real one.");
    if shared.world() > virtual_token.ends {
        return refuse(
            shared,
            call,
            &path,
            code::ACCESS_TOKEN_EXPIRED,
            "",
            "token.expired",
        );
    }
    let mut token = match shared.tokens.token(shared, appid.as_str()).await {
        Ok(token) => token,
        Err(error) => return token_failure(shared, call, &path, appid, &error),
    };
    let Passing {
        host,
        method,
        query,
        mut headers,
        body,
        ..
    } = passing;
    // The answer must be readable here: nothing real may hide in it.
    headers.remove(header::ACCEPT_ENCODING);
    let again = body.again();
    let mut body = Some(body);
    let mut used = Vec::with_capacity(2);
    loop {
        used.push(token.text.expose().to_owned());
        let target = join(
            &path,
            &surface::swap_token(&query, param, token.text.expose()),
        );
        let sent = body
            .take()
            .or_else(|| again.clone().map(Gathered::from))
            .unwrap_or_default();
        let response = shared
            .outbound
            .platform(
                host,
                method.clone(),
                &target,
                headers.clone(),
                sent.into_body(),
            )
            .await;
        let reply = match response {
            Ok(response) => Reply::readable(response).await,
            Err(error) => Err(error),
        };
        let reply = match reply {
            Ok(reply) => reply,
            Err(error) => return unreachable(shared, call, &path, &error),
        };
        shared.metrics.calls_swapped.add();
        if let Some(refusal) = token_refusal(&reply) {
            let current = token.text.expose();
            match shared
                .tokens
                .refused(shared, appid.as_str(), current, refusal)
                .await
            {
                Ok(fresh)
                    if used.len() == 1 && again.is_some() && fresh.text.expose() != current =>
                {
                    shared.metrics.calls_retried.add();
                    token = fresh;
                    continue;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(
                        %appid, %error, rule = error.rule(),
                        "A refused token could not be replaced."
                    );
                }
            }
        }
        used.extend(shared.tokens.secrets(appid.as_str()));
        return scrub::clean(reply, &used, virtual_text).into_response();
    }
}

/// The platform's word that a token is not valid, out of a small JSON answer.
fn token_refusal(reply: &Reply) -> Option<i64> {
    #[derive(Deserialize)]
    struct Errcode {
        errcode: i64,
    }
    let body = reply.whole()?;
    if body.len() > 4096 || !body.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    let Errcode { errcode } = serde_json::from_slice(body).ok()?;
    let refusals = [
        code::INVALID_CREDENTIAL,
        code::INVALID_ACCESS_TOKEN,
        code::ACCESS_TOKEN_EXPIRED,
    ];
    refusals.contains(&errcode).then_some(errcode)
}

fn join(path: &str, query: &str) -> String {
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// Headers that belong to the message, not to the connection.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let named: Vec<String> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let own = matches!(
            name.as_str(),
            "connection"
                | "keep-alive"
                | "proxy-authenticate"
                | "proxy-authorization"
                | "proxy-connection"
                | "te"
                | "trailer"
                | "transfer-encoding"
                | "upgrade"
                | "host"
        );
        if !own && !named.iter().any(|named| named == name.as_str()) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}
