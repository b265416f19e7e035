//! Answers that the gateway itself gives on the platform's face: in the platform's own form, with a
//! header that names the rule.

use std::net::Ipv4Addr;

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use xinqiao_catalog::{
    code,
    model::{Code, Product},
    surface::{self, Call, Credential},
};
use xinqiao_types::AppId;

use super::{Scrubber, virtual_in};
use crate::{
    issued_key, outbound::OutboundError, problem::RULE_HEADER, shared::Shared,
    token_center::TokenError,
};

/// What the log may say of a refused call: names that the gateway itself gave or was given, and nothing that the
/// caller wrote.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) endpoint: Option<&'static str>,
    /// The key's id.
    pub(super) key: Option<String>,
    pub(super) app: Option<String>,
    pub(super) appid: Option<String>,
}

/// Who made a call, and which, as far as its credential tells.
pub(super) fn known(shared: &Shared, call: &Call, query: &str) -> Known {
    let endpoint = call.endpoint().map(|endpoint| endpoint.id);
    let of_virtual = || {
        let token = virtual_in(shared, query)?;
        let key = shared.keys.load().of_token(&token.key).cloned();
        Some((key, Some(token.appid)))
    };
    let (key, appid) = match &call.credential {
        Credential::Secret { id, secret, .. } => {
            let key = secret.as_ref();
            let key = key.and_then(|secret| issued_key::find(shared, secret.expose()));
            let account = id.as_deref().and_then(|id| shared.directory.account(id));
            (key, account.map(|account| account.config.appid.clone()))
        }
        Credential::Token { value, .. } => of_virtual().unwrap_or_else(|| {
            let text = value.expose();
            (issued_key::find(shared, text), shared.tokens.owner(text))
        }),
        _ => of_virtual().unwrap_or_default(),
    };
    Known {
        endpoint,
        app: key.as_ref().map(|key| key.app.clone()),
        key: key.map(|key| key.id.clone()),
        appid: appid.map(|appid| appid.to_string()),
    }
}

/// Refuses with the platform's own error, and says in a header that it was us.
pub(super) fn refuse(
    shared: &Shared,
    call: &Call,
    path: &str,
    errcode: i64,
    text: &str,
    rule: &'static str,
) -> Response {
    shared.metrics.calls_refused.add();
    let trace = surface::trace(
        call.product,
        shared.context.clock.unix(),
        &*shared.context.entropy,
    );
    // WeCom has other numbers for what is not the secret's or the token's.
    let errcode = match (call.product, errcode) {
        (Product::Work, code::INVALID_SECRET) => code::INVALID_CREDENTIAL,
        (Product::Work, code::INVALID_CREDENTIAL) => code::INVALID_ACCESS_TOKEN,
        _ => errcode,
    };
    let answer = surface::refusal(&surface::Refusal {
        product: call.product,
        path,
        code: Code::Number(errcode),
        text,
        trace: &trace,
        caller: "",
    });
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(answer.content_type),
    );
    headers.insert(RULE_HEADER, HeaderValue::from_static(rule));
    response
}

/// The upstream gave no answer: a 502 whose body an SDK reads as "system busy".
pub(super) fn unreachable(
    shared: &Shared,
    call: &Call,
    path: &str,
    error: &OutboundError,
) -> Response {
    if let OutboundError::Key(_) = error {
        return refuse(shared, call, path, code::INVALID_SECRET, "", "key.place");
    }
    shared.metrics.calls_unreachable.add();
    let rule = "upstream.unreachable";
    // Of all peers together: what is wrong is the platform, or the way there.
    if shared.refusals.admits(rule, Ipv4Addr::UNSPECIFIED.into()) {
        tracing::warn!(%error, rule, "The platform did not answer.");
    }
    let text = format!("system error: {error}");
    let mut response = refuse(
        shared,
        call,
        path,
        code::SYSTEM_BUSY,
        &text,
        "upstream.unreachable",
    );
    *response.status_mut() = match error {
        OutboundError::Timeout(_) => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::BAD_GATEWAY,
    };
    response
}

/// There is no token for the call: the platform's own refusal, without what is secret in it, or
/// ours.
pub(super) fn token_failure(
    shared: &Shared,
    call: &Call,
    path: &str,
    appid: &AppId,
    error: &TokenError,
) -> Response {
    let rule = error.rule();
    match error {
        TokenError::Refused {
            status,
            content_type,
            body,
            ..
        } => {
            shared.metrics.calls_refused.add();
            let mut response = Response::new(Body::empty());
            *response.status_mut() = *status;
            if let Ok(content_type) = HeaderValue::from_str(content_type) {
                response
                    .headers_mut()
                    .insert(header::CONTENT_TYPE, content_type);
            }
            let secrets = shared.tokens.secrets(appid.as_str());
            *response.body_mut() = Body::from(Scrubber::new(secrets, "***").bytes(body.clone()));
            response
                .headers_mut()
                .insert(RULE_HEADER, HeaderValue::from_static(rule));
            response
        }
        TokenError::NoSecret(_) => refuse(shared, call, path, code::INVALID_APPID, "", rule),
        _ => {
            let text = format!("system error: {error}");
            refuse(shared, call, path, code::SYSTEM_BUSY, &text, rule)
        }
    }
}
