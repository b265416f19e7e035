//! Where a request carries its credential, and how to put another one there.

use serde_json::Value;
use xinqiao_types::{AccessToken, AppSecret, percent};

use super::Request;
use crate::model::{AuthKind, Endpoint, Field};

/// What proves who calls.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Nothing: the endpoint needs nothing, or the request lacks it.
    None,
    /// A token in the query.
    Token {
        /// Whose token it should be.
        kind: AuthKind,
        /// The parameter that carries it.
        param: &'static str,
        /// The token.
        value: AccessToken,
    },
    /// An id with its secret, as issuing endpoints take them. Either may be missing.
    Secret {
        /// The id: appid, corpid, suite id.
        id: Option<String>,
        /// The secret.
        secret: Option<AppSecret>,
        /// Where they stand.
        place: Place,
    },
    /// A merchant's signature in the `Authorization` header.
    Signature {
        /// The scheme, for instance `WECHATPAY2-SHA256-RSA2048`.
        scheme: String,
        /// The merchant's number.
        mchid: Option<String>,
        /// The serial number of the key that signed.
        serial: Option<String>,
    },
    /// A signature among the fields of the body (pay v2), or another that is checked elsewhere.
    Elsewhere,
}

/// Where an id and its secret stand in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the query.
    Query,
    /// In a JSON body.
    Json,
    /// In a form body.
    Form,
}

/// Names of token parameters, for requests whose endpoint is not known.
const TOKEN_PARAMS: [(&str, AuthKind); 4] = [
    ("access_token", AuthKind::AccessToken),
    ("component_access_token", AuthKind::ComponentAccessToken),
    ("suite_access_token", AuthKind::SuiteAccessToken),
    ("provider_access_token", AuthKind::ProviderAccessToken),
];

const FORM: &str = "application/x-www-form-urlencoded";

/// A credential field of the catalog is a secret if its name says so (`appsecret`, `suitesecret` …).
fn is_secret(field: &Field) -> bool {
    field.credential.ends_with("secret")
}

fn is_id(field: &Field) -> bool {
    field.credential.ends_with("id") && field.credential != "agentid"
}

fn fields(endpoint: &Endpoint) -> impl Iterator<Item = &Field> {
    endpoint.query.fields.iter().chain(&endpoint.request.fields)
}

/// Whether an endpoint is called with an id and a secret instead of a token.
pub(super) fn takes_secret(endpoint: &Endpoint) -> bool {
    endpoint.auth.kind == AuthKind::None && fields(endpoint).any(is_secret)
}

pub(super) fn take(endpoint: &Endpoint, request: &Request<'_>) -> Credential {
    if takes_secret(endpoint) {
        return take_secret(endpoint, request);
    }
    match endpoint.auth.kind {
        AuthKind::None => Credential::None,
        AuthKind::Merchant => signature(request.authorization).unwrap_or(Credential::Elsewhere),
        AuthKind::Chatbot | AuthKind::Openai => Credential::Elsewhere,
        kind => {
            let param = endpoint.auth.param;
            let own = (!param.is_empty()).then_some((param, kind));
            // WECHAT: the pages renamed `component_access_token` to `access_token`, released clients send
            // either, and both are taken (sources of WxJava and EasyWeChat beside the pages): whose token it
            // is the endpoint says, not the name.
            let named = |wanted| TOKEN_PARAMS.into_iter().find(|(_, kind)| *kind == wanted);
            let renamed = named(kind).map(|_| ("access_token", kind));
            own.into_iter()
                .chain(named(kind))
                .chain(renamed)
                .find_map(|(param, kind)| token(request.query, param, kind))
                .unwrap_or(Credential::None)
        }
    }
}

pub(super) fn take_unknown(request: &Request<'_>) -> Credential {
    TOKEN_PARAMS
        .into_iter()
        .find_map(|(param, kind)| token(request.query, param, kind))
        .or_else(|| signature(request.authorization))
        .unwrap_or(Credential::None)
}

fn token(query: &str, param: &'static str, kind: AuthKind) -> Option<Credential> {
    let (_, value) = percent::pairs(query).find(|(name, _)| name == param)?;
    Some(Credential::Token {
        kind,
        param,
        value: AccessToken::new(value),
    })
}

fn take_secret(endpoint: &Endpoint, request: &Request<'_>) -> Credential {
    let id = fields(endpoint)
        .find(|field| is_id(field))
        .map_or("", |field| field.name);
    let secret = fields(endpoint)
        .find(|field| is_secret(field))
        .map_or("", |field| field.name);
    let from_pairs = |pairs: &str| {
        let find = |wanted: &str| {
            percent::pairs(pairs)
                .find(|(name, _)| name == wanted)
                .map(|(_, value)| value)
        };
        (find(id), find(secret))
    };
    let json = || {
        let body: Option<Value> = serde_json::from_slice(request.body).ok();
        let text = |name: &str| Some(body.as_ref()?.get(name)?.as_str()?.to_owned());
        (text(id), text(secret))
    };
    let form = || {
        std::str::from_utf8(request.body)
            .map(from_pairs)
            .unwrap_or_default()
    };
    let is_form = request
        .content_type
        .trim_start()
        .get(..FORM.len())
        .is_some_and(|kind| kind.eq_ignore_ascii_case(FORM));
    let (found, place) = match from_pairs(request.query) {
        (None, None) if is_form => (form(), Place::Form),
        (None, None) if !request.body.is_empty() => (json(), Place::Json),
        pair => (pair, Place::Query),
    };
    let secret = found.1.map(AppSecret::new);
    Credential::Secret {
        id: found.0,
        secret,
        place,
    }
}

/// Reads `WECHATPAY2-SHA256-RSA2048 mchid="…",nonce_str="…",signature="…",timestamp="…",serial_no="…"`.
fn signature(authorization: &str) -> Option<Credential> {
    let (scheme, pairs) = authorization.trim().split_once(' ')?;
    if !scheme.starts_with("WECHATPAY2-") {
        return None;
    }
    let field = |wanted: &str| {
        pairs.split(',').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            (name == wanted).then(|| value.trim_matches('"').to_owned())
        })
    };
    Some(Credential::Signature {
        scheme: scheme.to_owned(),
        mchid: field("mchid"),
        serial: field("serial_no"),
    })
}

/// Puts another value into the one parameter of that name, however the name is spelled; every other byte stays as it
/// was. `None` if the name does not stand there exactly once.
pub fn swap_param(pairs: &str, param: &str, new: &str) -> Option<String> {
    let mut out = String::with_capacity(pairs.len() + new.len());
    let mut swapped = 0;
    for (at, pair) in pairs.split('&').enumerate() {
        if at > 0 {
            out.push('&');
        }
        if percent::pairs(pair).any(|(name, _)| name == param) {
            swapped += 1;
            out.push_str(param);
            out.push('=');
            percent::encode_into(new, &mut out);
        } else {
            out.push_str(pair);
        }
    }
    (swapped == 1).then_some(out)
}

/// Puts another text in the place of `old` in a field of a JSON object; every other byte stays as it was, unless the old
/// text is spelled with escapes. `None` if the body is no object with that text in that field, or has the text twice.
pub fn swap_field(body: &[u8], field: &str, old: &str, new: &str) -> Option<Vec<u8>> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let slot = value.as_object_mut()?.get_mut(field)?;
    if slot.as_str() != Some(old) || old.is_empty() {
        return None;
    }
    *slot = Value::from(new);
    let text = std::str::from_utf8(body).ok()?;
    let Some((before, after)) = text.split_once(old) else {
        return Some(value.to_string().into_bytes());
    };
    let new = Value::from(new).to_string();
    let new = new.strip_prefix('"')?.strip_suffix('"')?;
    let swapped = [before, new, after].concat().into_bytes();
    // It may stand elsewhere too, or there only and in the field with escapes.
    let same = serde_json::from_slice::<Value>(&swapped).is_ok_and(|swapped| swapped == value);
    (same && !after.contains(old)).then_some(swapped)
}

/// Puts another secret in the place of `old` into a request of an issuing endpoint. Gives the new query and body; `None`
/// if the old one does not stand there exactly once.
pub fn swap_secret(
    endpoint: &Endpoint,
    place: Place,
    query: &str,
    body: &[u8],
    old: &str,
    new: &AppSecret,
) -> Option<(String, Vec<u8>)> {
    let name = fields(endpoint).find(|field| is_secret(field))?.name;
    swap_at(place, query, body, name, (old, new.expose()))
}

/// Puts another id in the place of `old`, as [`swap_secret`] does with the secret beside it.
pub fn swap_id(
    endpoint: &Endpoint,
    place: Place,
    query: &str,
    body: &[u8],
    old: &str,
    new: &str,
) -> Option<(String, Vec<u8>)> {
    let name = fields(endpoint).find(|field| is_id(field))?.name;
    swap_at(place, query, body, name, (old, new))
}

fn swap_at(
    place: Place,
    query: &str,
    body: &[u8],
    name: &str,
    (old, new): (&str, &str),
) -> Option<(String, Vec<u8>)> {
    match place {
        Place::Query => Some((swap_param(query, name, new)?, body.to_vec())),
        Place::Form => {
            let text = std::str::from_utf8(body).ok()?;
            let body = swap_param(text, name, new)?;
            Some((query.to_owned(), body.into_bytes()))
        }
        Place::Json => Some((query.to_owned(), swap_field(body, name, old, new)?)),
    }
}
