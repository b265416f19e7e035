//! The platform's face: any platform path, passed on to the upstream.
//!
//! What it does not know goes through byte for byte. A virtual token is swapped for the real one on
//! the way in, and only where the catalog says that the endpoint takes such a token; nothing real
//! comes out: bodies and headers of the answer are searched for the token and the secret as they
//! come. Calls that fetch tokens are answered here ([`issuing`]), and fields that hand one out become
//! virtual ([`seal`]).
//!
//! On the first port only calls with a key of ours, or with a token made for one, are passed on; all
//! others get the same refusal. On the proxy's own ports, which are for the apps' network, calls
//! without a key pass as they are.
//!
//! Invariant: no key of ours reaches the platform, wherever it stands and however it is spelled.
//!
//! A call is repeated in one case only: the platform refused the current token, so it did nothing,
//! and the centre has a newer one.

mod body;
pub mod fuzzed;
mod headers;
mod issuing;
mod key_scan;
mod preflight;
mod refusal;
mod scrub;
mod seal;
mod sending;

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use axum::{
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, Method, StatusCode, header, request::Parts, uri::PathAndQuery};
use xinqiao_catalog::{
    code,
    model::{AuthKind, Endpoint, IssuedKey, Issuing},
    surface::{self, Call, Credential, Target},
};
use xinqiao_http::{BodyError, peer_of};
use xinqiao_types::{AppId, percent};

pub(crate) use self::body::KEPT_BYTES;
use self::{
    body::{Gathered, Reply, SMALL_BYTES},
    headers::{end_to_end, is_encoded, is_transfer_encoded},
    refusal::{refuse, token_failure, unreachable},
    scrub::Scrubber,
    sending::{Sending, is_plain, readable, unreadable},
};
use crate::{
    held::Held,
    issued_key,
    platform::{self, Face},
    problem::{Problem, RULE_HEADER, stranger},
    shared::Shared,
    token_center::{self, VirtualToken},
};

/// A platform call on its way through.
struct Passing {
    face: Face,
    host: &'static str,
    peer: IpAddr,
    method: Method,
    /// Path and query as they came.
    target: PathAndQuery,
    headers: HeaderMap,
    body: Gathered,
}

impl Passing {
    fn path(&self) -> &str {
        self.target.path()
    }

    fn query(&self) -> &str {
        self.target.query().unwrap_or("")
    }
}

/// Whose token a call carries.
enum Bearer {
    /// One of ours: the app holds an issued key.
    Virtual(Virtual),
    /// One of ours, where no such call takes it.
    Misplaced,
    /// The real one that the centre holds: the app has the real secret.
    Real(Real),
    /// None, or one that we know nothing of.
    Foreign,
}

/// A real token that the centre holds.
struct Real {
    appid: AppId,
    held: Held,
    text: String,
}

/// A virtual token in a call that takes one.
struct Virtual {
    token: VirtualToken,
    text: String,
    param: &'static str,
}

/// Handles a request for a platform host.
pub(crate) async fn handle(
    shared: &Arc<Shared>,
    face: Face,
    host: &'static str,
    request: Request,
) -> Response {
    let peer = peer_of(&request);
    let (response, asked) = match arrived(shared, face, host, peer, request).await {
        Ok(passing) => {
            let (call, target) = (recognise(&passing), passing.target.clone());
            (answer(shared, passing, &call).await, Some((call, target)))
        }
        Err(refused) => (*refused, None),
    };
    if let Some(rule) = response.headers().get(RULE_HEADER)
        && let Some(rule) = rule.to_str().ok().and_then(xinqiao_catalog::diagnosis)
        && shared.refusals.admits(rule.rule, peer)
    {
        let (rule, status) = (rule.rule, response.status().as_u16());
        let who = asked.map(|(call, target)| {
            let query = target.query().unwrap_or("");
            refusal::known(shared, &call, query)
        });
        let refusal::Known {
            endpoint,
            key,
            app,
            appid,
        } = who.unwrap_or_default();
        tracing::warn!(
            rule,
            status,
            endpoint,
            key,
            app,
            appid,
            %peer,
            "A platform call was refused."
        );
    }
    response
}

/// A request with its body, as far as that is kept; or its refusal.
async fn arrived(
    shared: &Arc<Shared>,
    face: Face,
    host: &'static str,
    peer: IpAddr,
    request: Request,
) -> Result<Passing, Box<Response>> {
    let (parts, body) = request.into_parts();
    let refused = |status, rule, cause| {
        Err(Box::new(if face.is_proxy() {
            problem(shared, status, rule, cause)
        } else {
            stranger(shared)
        }))
    };
    let Some(target) = target_of(&parts) else {
        let cause = "CONNECT, TRACE and requests for no path are not passed on";
        return refused(StatusCode::METHOD_NOT_ALLOWED, "proxy.method", cause);
    };
    if is_transfer_encoded(&parts.headers) {
        let cause = "a body is sent as it is, or chunked";
        return refused(StatusCode::NOT_IMPLEMENTED, "proxy.encoded", cause);
    }
    let mut passing = Passing {
        face,
        host,
        peer,
        method: parts.method,
        target,
        headers: end_to_end(&parts.headers),
        body: Gathered::Empty,
    };
    // A stranger's body is not waited for.
    if !face.is_proxy() && !may_be_ours(shared, &passing) {
        return Err(Box::new(stranger(shared)));
    }
    passing.body = Gathered::read(body).await.map_err(|error| {
        Box::new(match error {
            BodyError::NoRoom => overloaded(shared, error.to_string()),
            _ if !face.is_proxy() => stranger(shared),
            error => problem(shared, error.status(), "proxy.body", error.to_string()),
        })
    })?;
    Ok(passing)
}

async fn answer(shared: &Arc<Shared>, mut passing: Passing, call: &Call) -> Response {
    // Taken when the body is there: who sends it slowly holds none.
    let Ok(_place) = shared.calls.try_acquire() else {
        return overloaded(shared, "too many calls to the platform are being worked on");
    };
    let response = match issuing::answer(shared, &mut passing, call).await {
        Some(response) => response,
        None => pass(shared, passing, call).await,
    };
    tracing::debug!(
        endpoint = call.endpoint().map_or("unknown", |endpoint| endpoint.id),
        status = response.status().as_u16(),
        "A platform call passed."
    );
    response
}

/// A refusal that is not the platform's to give.
fn problem(
    shared: &Shared,
    status: StatusCode,
    rule: &'static str,
    cause: impl Into<Cow<'static, str>>,
) -> Response {
    shared.metrics.calls_refused.add();
    Problem::new(status, rule, cause, "").into_response()
}

fn overloaded(shared: &Shared, cause: impl Into<Cow<'static, str>>) -> Response {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    problem(shared, status, "server.overloaded", cause)
}

/// A request line that names a host which is nobody's here.
pub(crate) fn unknown_host(shared: &Shared) -> Response {
    let cause = "this proxy leads to the platform's hosts and nowhere else";
    problem(shared, StatusCode::MISDIRECTED_REQUEST, "proxy.host", cause)
}

/// Path and query of a request that may be passed on.
fn target_of(parts: &Parts) -> Option<PathAndQuery> {
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        return None;
    }
    let target = parts.uri.path_and_query()?;
    target.as_str().starts_with('/').then(|| target.clone())
}

/// Whether a request on the first port, without its body, may come from an app with a key of ours: it
/// brings a token that we made, or is for an endpoint that takes a secret.
fn may_be_ours(shared: &Shared, passing: &Passing) -> bool {
    virtual_in(shared, passing.query()).is_some() || recognise(passing).issues()
}

/// The first virtual token in a query, whatever its parameter's name.
fn virtual_in(shared: &Shared, query: &str) -> Option<VirtualToken> {
    percent::pairs(query)
        .filter(|(_, value)| token_center::looks_virtual(value))
        .find_map(|(_, value)| shared.virtual_tokens.read(&value))
}

fn recognise(passing: &Passing) -> Call {
    let text = |name: HeaderName| {
        passing
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    };
    surface::recognise_known(&surface::Request {
        host: passing.host,
        method: passing.method.as_str(),
        path: passing.path(),
        query: passing.query(),
        content_type: text(header::CONTENT_TYPE),
        authorization: text(header::AUTHORIZATION),
        body: passing.body.seen(),
    })
}

fn bearer(shared: &Shared, call: &Call, passing: &Passing) -> Bearer {
    if let Credential::Token { kind, param, value } = &call.credential {
        let text = value.expose();
        if let Some(token) = shared.virtual_tokens.read(text) {
            if !fits(call, passing, &token, *kind) {
                return Bearer::Misplaced;
            }
            return Bearer::Virtual(Virtual {
                token,
                text: text.to_owned(),
                param,
            });
        }
        if let Some(appid) = shared.tokens.owner(text)
            && let Some(held) = shared.tokens.held(appid.as_str())
            && platform::knows(passing.host, held.bearing())
        {
            return Bearer::Real(Real {
                appid,
                held,
                text: text.to_owned(),
            });
        }
    }
    match virtual_in(shared, passing.query()) {
        Some(_) => Bearer::Misplaced,
        None => Bearer::Foreign,
    }
}

/// Whether a call takes a token of ours. One whose method is another than the catalog's does if every
/// endpoint on its path does, and none of them hands something out.
fn fits(call: &Call, passing: &Passing, token: &VirtualToken, kind: AuthKind) -> bool {
    let takes = |endpoint: &Endpoint| platform::takes(endpoint, passing.host, token.bearing, kind);
    match &call.target {
        Target::Endpoint { endpoint, .. } => takes(endpoint),
        Target::WrongMethod { .. } => {
            let mut candidates = xinqiao_catalog::route::candidates(None, passing.path())
                .into_iter()
                .filter_map(|route| xinqiao_catalog::endpoint(route.id))
                .filter(|endpoint| platform::is_on(endpoint, passing.host))
                .peekable();
            candidates.peek().is_some()
                && candidates.all(|endpoint| {
                    takes(endpoint) && xinqiao_catalog::issuing(endpoint.id).is_none()
                })
        }
        Target::Unknown { .. } => false,
    }
}

/// What is to be known of the endpoint's answer.
fn issuing_at(call: &Call) -> Option<&'static Issuing> {
    xinqiao_catalog::issuing(call.endpoint()?.id)
}

async fn pass(shared: &Arc<Shared>, passing: Passing, call: &Call) -> Response {
    let refused =
        |code: i64, rule: &'static str| refuse(shared, call, passing.path(), code, "", rule);
    let bearer = bearer(shared, call, &passing);
    if !passing.face.is_proxy() && !matches!(bearer, Bearer::Virtual(_) | Bearer::Misplaced) {
        return stranger(shared);
    }
    if holds_key(&passing) {
        return refused(code::INVALID_SECRET, "key.place");
    }
    // Nobody here can say that no key of ours is in it.
    if is_encoded(&passing.headers) {
        return refused(code::INVALID_CREDENTIAL, "proxy.encoded");
    }
    let appid = match &bearer {
        Bearer::Virtual(Virtual { token, .. }) if token.real.is_none() => Some(&token.appid),
        Bearer::Real(Real { appid, .. }) => Some(appid),
        _ => None,
    };
    let warning = match preflight::check(shared, call, appid) {
        preflight::Verdict::Pass => None,
        preflight::Verdict::Warn(warning) => Some(warning),
        preflight::Verdict::Refuse(denied) => {
            return refused(denied.code.0, "permission.denied");
        }
    };
    let mut response = match bearer {
        Bearer::Virtual(bearer) => pass_swapped(shared, passing, call, &bearer).await,
        Bearer::Misplaced => refused(code::INVALID_CREDENTIAL, "token.endpoint"),
        Bearer::Real(real) => pass_real(shared, passing, call, &real).await,
        Bearer::Foreign if !shared.config.adopt && carries_account_token(call) => {
            refused(code::INVALID_CREDENTIAL, "token.unknown")
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

/// Whether a key of ours stands in what would go out, as far as it is there.
fn holds_key(passing: &Passing) -> bool {
    key_scan::holds_key(passing.target.as_str().as_bytes())
        || key_scan::in_headers(&passing.headers)
        || key_scan::holds_key(passing.body.seen())
}

/// A user's own token is not the gateway's to judge.
fn carries_account_token(call: &Call) -> bool {
    matches!(&call.credential, Credential::Token { kind, .. } if *kind != AuthKind::Sns)
}

/// Sends a call that carries nothing of ours.
async fn send_as_it_is(
    shared: &Arc<Shared>,
    passing: Passing,
    call: &Call,
) -> Result<http::Response<axum::body::Body>, Box<Response>> {
    let path = passing.path().to_owned();
    let sent = shared
        .outbound
        .platform(
            passing.host,
            passing.method,
            passing.target.as_str(),
            passing.headers,
            passing.body.into_body(),
        )
        .await;
    match sent {
        Ok(response) => {
            shared.metrics.calls_passed.add();
            Ok(response)
        }
        Err(error) => Err(Box::new(unreachable(shared, call, &path, &error))),
    }
}

/// Passes a call on as it came.
async fn pass_unchanged(shared: &Arc<Shared>, passing: Passing, call: &Call) -> Response {
    match send_as_it_is(shared, passing, call).await {
        Ok(response) => Reply::new(response).into_response(),
        Err(refused) => *refused,
    }
}

/// Passes a call with the real token on. If the platform refuses it, the centre heals itself; the
/// app learns of the refusal as it would without us, and fetches the new token from us.
async fn pass_real(shared: &Arc<Shared>, passing: Passing, call: &Call, real: &Real) -> Response {
    let Real { appid, held, text } = real;
    let path = passing.path().to_owned();
    let response = match send_as_it_is(shared, passing, call).await {
        Ok(response) => response,
        Err(refused) => return *refused,
    };
    let reply = match Reply::looked_at(response).await {
        Ok(reply) => reply,
        Err(error) => return unreachable(shared, call, &path, &error),
    };
    if let Some(refusal) = token_refusal(&reply, *held)
        && let Err(error) = shared
            .tokens
            .refused(shared, appid.as_str(), text, refusal)
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
    bearer: &Virtual,
) -> Response {
    let Virtual { token, text, param } = bearer;
    let path = passing.path().to_owned();
    let refused = |code: i64, rule: &'static str| refuse(shared, call, &path, code, "", rule);
    let appid = &token.appid;
    let keys = shared.keys.load();
    let key = keys.of_token(&token.key);
    let Some(key) = key.filter(|key| issued_key::opens(key, appid.as_str())) else {
        return refused(code::INVALID_CREDENTIAL, "key.revoked");
    };
    tracing::debug!(%appid, key = key.id, "A virtual token is swapped for the real one.");
    if shared.world() > token.ends {
        return refused(code::ACCESS_TOKEN_EXPIRED, "token.expired");
    }
    let issuing = issuing_at(call);
    if issuing.is_some_and(|issuing| issuing.issued_key == IssuedKey::Refused) {
        return refused(code::INVALID_CREDENTIAL, "key.refused");
    }
    if !is_plain(&path) {
        return refused(code::INVALID_CREDENTIAL, "proxy.path");
    }
    let Ok((body, opened)) = seal::open(shared, issuing, appid, passing.body) else {
        return refused(code::INVALID_CREDENTIAL, "token.twice");
    };
    let sending = Sending {
        host: passing.host,
        method: passing.method,
        path: &path,
        headers: readable(passing.headers),
    };
    // What the centre does not hold is inside the token, and the app fetches the next one itself.
    let mut held = match &token.real {
        Some(_) => None,
        None => match shared.tokens.token(shared, appid.as_str()).await {
            Ok(held) => Some(held),
            Err(error) => return token_failure(shared, call, &path, appid, &error),
        },
    };
    let query = passing.target.query().unwrap_or("");
    let again = body.again();
    let mut body = Some(body);
    let mut used: Vec<String> = Vec::with_capacity(4);
    loop {
        let real = match (&held, &token.real) {
            (Some(held), _) => held.text.expose(),
            (None, Some(real)) => real.expose(),
            (None, None) => return refused(code::SYSTEM_BUSY, "token.conflict"),
        };
        used.push(real.to_owned());
        let Some(query) = surface::swap_param(query, param, real) else {
            return refused(code::INVALID_CREDENTIAL, "token.twice");
        };
        let sent = body
            .take()
            .or_else(|| again.clone().map(Gathered::from))
            .unwrap_or_default();
        let reply = match sending.send(shared, call, &query, sent, issuing).await {
            Ok(reply) => reply,
            Err(refused) => return *refused,
        };
        if let Some(held) = &mut held
            && let Some(kind) = shared.tokens.held(appid.as_str())
            && let Some(refusal) = token_refusal(&reply, kind)
        {
            let current = held.text.expose();
            match shared
                .tokens
                .refused(shared, appid.as_str(), current, refusal)
                .await
            {
                Ok(fresh)
                    if used.len() == 1 && again.is_some() && fresh.text.expose() != current =>
                {
                    shared.metrics.calls_retried.add();
                    *held = fresh;
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
        used.extend(opened);
        let reply = match seal::seal(shared, issuing, &key.hash, appid, reply) {
            Ok(reply) => reply,
            Err(seal::Unreadable) => return unreadable(shared, call, &path, "answer.unreadable"),
        };
        return reply.without(Scrubber::new(used, text)).into_response();
    }
}

/// The platform's word that a token is not valid, out of a small JSON answer.
fn token_refusal(reply: &Reply, held: Held) -> Option<i64> {
    let body = reply.whole()?;
    if body.len() > SMALL_BYTES || !body.trim_ascii_start().starts_with(b"{") {
        return None;
    }
    platform::errcode(body).filter(|errcode| held.refused_by(*errcode))
}
