//! Answers that the gateway itself gives on the platform's face: in the platform's own form, with a
//! header that names the rule.

use std::net::Ipv4Addr;

use axum::{body::Body, response::Response};
use http::{HeaderValue, StatusCode, header};
use xinqiao_catalog::{
    code,
    model::{Code, Product},
    surface::{self, Call},
};
use xinqiao_types::AppId;

use super::Scrubber;
use crate::{
    outbound::OutboundError, problem::RULE_HEADER, shared::Shared, token_center::TokenError,
};

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
