//! Fields of answers that hand out a credential become virtual, and are put back where a request
//! carries them.
//!
//! Which ones, says the catalog's list of issuing endpoints. A field that is a credential at another
//! endpoint is one here too, unless the catalog knows it as part of this answer. An answer that hands
//! out a credential and cannot be read goes to nobody.

use bytes::Bytes;
use http::header;
use serde_json::{Value, json};
use xinqiao_catalog::{
    model::{Bearing, Issuing},
    surface,
};
use xinqiao_types::AppId;
use xinqiao_wire::response;

use super::{
    body::{Answer, Gathered, Reply},
    scrub::Scrubber,
};
use crate::{platform, shared::Shared, token_center};

/// The answer cannot be read, or a field of it cannot be hidden.
pub(super) struct Unreadable;

/// The answer with its fields virtual.
pub(super) fn seal(
    shared: &Shared,
    issuing: Option<&'static Issuing>,
    key: &[u8; 32],
    appid: &AppId,
    reply: Reply,
) -> Result<Reply, Unreadable> {
    let Some(issuing) = issuing else {
        return Ok(reply);
    };
    let body = reply.whole().cloned().unwrap_or_default();
    if body.is_empty() {
        return Ok(reply);
    }
    let Ok(value) = response::value(&body) else {
        if issuing.seals.is_empty() {
            return Ok(reply);
        }
        return only_refusal(reply, &body).ok_or(Unreadable);
    };
    let seals = Seals::of(issuing);
    let mut found = Vec::new();
    seals.find(&value, 0, &mut found);
    // The longest first: one may be the beginning of another.
    found.sort_by_key(|(real, _)| std::cmp::Reverse(real.len()));
    found.dedup();
    let mut reply = reply;
    let mut sealed: Bytes = body;
    for (real, bearing) in &found {
        let text = shared
            .virtual_tokens
            .carry(key, appid, *bearing, real, shared.world());
        let scrubber = Scrubber::of_handed_out(real, &text);
        sealed = scrubber.bytes(sealed);
        scrubber.headers(&mut reply.headers);
    }
    if !found.is_empty() {
        // Proof rather than trust: what is passed on is read again.
        let value = response::value(&sealed).map_err(|_| Unreadable)?;
        let mut left = Vec::new();
        seals.find(&value, 0, &mut left);
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

/// Of an answer that cannot be read: the platform's refusal, which is never lost, and nothing else.
fn only_refusal(mut reply: Reply, body: &[u8]) -> Option<Reply> {
    let (errcode, errmsg) = platform::envelope(body)?;
    if platform::errcode(body)? == 0 {
        return None;
    }
    let refusal = json!({ "errcode": errcode, "errmsg": errmsg }).to_string();
    reply.headers.remove(header::CONTENT_LENGTH);
    reply.body = Answer::Whole(refusal.into());
    Some(reply)
}

/// The fields of one endpoint's answer that become virtual.
struct Seals {
    own: &'static [(&'static str, Bearing)],
    /// Names that the catalog knows in the answer itself, and lets pass there.
    passing: Vec<&'static str>,
}

impl Seals {
    fn of(issuing: &'static Issuing) -> Self {
        let endpoint = xinqiao_catalog::endpoint(issuing.id);
        let fields = endpoint
            .into_iter()
            .flat_map(|endpoint| &endpoint.response.fields);
        Self {
            own: &issuing.seals,
            passing: fields.map(|field| field.name).collect(),
        }
    }

    fn bearing(&self, name: &str, depth: usize) -> Option<Bearing> {
        let named = |seals: &[(&str, Bearing)]| {
            let found = seals.iter().find(|(field, _)| *field == name);
            found.map(|(_, bearing)| *bearing)
        };
        named(self.own).or_else(|| {
            if depth == 0 && self.passing.contains(&name) {
                return None;
            }
            let others = xinqiao_catalog::issuing_endpoints().iter();
            others.into_iter().find_map(|other| named(&other.seals))
        })
    }

    /// The values of those fields, at any depth.
    fn find<'a>(&self, value: &'a Value, depth: usize, found: &mut Vec<(&'a str, Bearing)>) {
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    match value {
                        Value::String(text) if !text.is_empty() => {
                            if let Some(bearing) = self.bearing(name, depth) {
                                found.push((text, bearing));
                            }
                        }
                        _ => self.find(value, depth + 1, found),
                    }
                }
            }
            Value::Array(items) => {
                for item in items {
                    self.find(item, depth + 1, found);
                }
            }
            _ => {}
        }
    }
}

/// A field that carries something of ours stands there twice, or the body is too large to be read.
pub(super) struct Ambiguous;

/// The body with the real values in the place of what was made virtual, and those values.
pub(super) fn open(
    shared: &Shared,
    issuing: Option<&Issuing>,
    appid: &AppId,
    body: Gathered,
) -> Result<(Gathered, Vec<String>), Ambiguous> {
    let Some(issuing) = issuing.filter(|issuing| !issuing.opens.is_empty()) else {
        return Ok((body, Vec::new()));
    };
    if matches!(body, Gathered::Begun(..)) {
        return Err(Ambiguous);
    }
    let mut opened = Vec::new();
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
        opened.push(real.expose().to_owned());
    }
    let body = match body {
        Gathered::Whole(_) => Gathered::Whole(bytes.into()),
        body => body,
    };
    Ok((body, opened))
}
