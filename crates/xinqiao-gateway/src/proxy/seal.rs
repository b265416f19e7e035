//! Fields of answers that hand out a credential become virtual, and are put back where a request
//! carries them.
//!
//! Which ones, says the catalog's list of issuing endpoints. An answer of such an endpoint that
//! cannot be read goes to nobody.

use bytes::Bytes;
use http::header;
use serde_json::Value;
use xinqiao_catalog::{
    model::{Bearing, Issuing},
    surface,
};
use xinqiao_types::AppId;

use super::{
    body::{Answer, Gathered, Reply},
    scrub::Scrubber,
};
use crate::{shared::Shared, token_center};

/// The answer cannot be read, or a field of it cannot be hidden.
pub(super) struct Unreadable;

/// The answer with its fields virtual.
pub(super) fn seal(
    shared: &Shared,
    issuing: Option<&Issuing>,
    key: &[u8; 32],
    appid: &AppId,
    reply: Reply,
) -> Result<Reply, Unreadable> {
    let Some(issuing) = issuing.filter(|issuing| !issuing.seals.is_empty()) else {
        return Ok(reply);
    };
    let Some(body) = reply.whole().cloned() else {
        return Err(Unreadable);
    };
    if body.is_empty() {
        return Ok(reply);
    }
    let value: Value = serde_json::from_slice(&body).map_err(|_| Unreadable)?;
    let mut found = Vec::new();
    real_values(&value, &issuing.seals, &mut found);
    // The longest first: one may be the beginning of another.
    found.sort_by_key(|(real, _)| std::cmp::Reverse(real.len()));
    found.dedup();
    let mut reply = reply;
    let mut sealed: Bytes = body;
    for (real, bearing) in &found {
        let text = shared
            .virtual_tokens
            .carry(key, appid, *bearing, real, shared.world());
        let scrubber = Scrubber::new([real], &text);
        sealed = scrubber.bytes(sealed);
        scrubber.headers(&mut reply.headers);
    }
    if !found.is_empty() {
        // Proof rather than trust: what is passed on is read again.
        let value: Value = serde_json::from_slice(&sealed).map_err(|_| Unreadable)?;
        let mut left = Vec::new();
        real_values(&value, &issuing.seals, &mut left);
        let hidden = (left.iter()).all(|(text, _)| !found.iter().any(|(real, _)| real == text));
        if !hidden {
            return Err(Unreadable);
        }
        shared.metrics.tokens_virtual.add();
        reply.headers.remove(header::CONTENT_LENGTH);
    }
    reply.body = Answer::Whole(sealed);
    Ok(reply)
}

/// The values of the fields that become virtual, at any depth.
fn real_values<'a>(
    value: &'a Value,
    seals: &[(&'static str, Bearing)],
    found: &mut Vec<(&'a str, Bearing)>,
) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (value, seals.iter().find(|(field, _)| field == name)) {
                    (Value::String(text), Some((_, bearing))) if !text.is_empty() => {
                        found.push((text, *bearing));
                    }
                    _ => real_values(value, seals, found),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                real_values(item, seals, found);
            }
        }
        _ => {}
    }
}

/// A field that carries something of ours stands there twice, or the body is too large to say.
pub(super) struct Ambiguous;

/// The body with the real values in the place of what was made virtual.
pub(super) fn open(
    shared: &Shared,
    issuing: Option<&Issuing>,
    appid: &AppId,
    body: Gathered,
) -> Result<Gathered, Ambiguous> {
    let Some(issuing) = issuing.filter(|issuing| !issuing.opens.is_empty()) else {
        return Ok(body);
    };
    let mut bytes = body.seen().to_vec();
    let fields: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    for field in &issuing.opens {
        let Some(text) = fields.get(field).and_then(Value::as_str) else {
            continue;
        };
        if !token_center::looks_virtual(text) {
            continue;
        }
        let Some(token) = shared.virtual_tokens.read(text) else {
            continue;
        };
        let Some(real) = token
            .real
            .filter(|_| token.bearing == Bearing::Carried && token.appid == *appid)
        else {
            return Err(Ambiguous);
        };
        bytes = surface::swap_field(&bytes, field, text, real.expose()).ok_or(Ambiguous)?;
    }
    Ok(match body {
        Gathered::Whole(_) => Gathered::Whole(bytes.into()),
        body => body,
    })
}
