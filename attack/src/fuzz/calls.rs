//! The head of a platform call, as proxy and simulator read it, and addresses.

use http::{HeaderMap, HeaderValue};
use xinqiao_catalog::surface::{self, Credential, Place, Request};
use xinqiao_http::{Cidr, CidrList, vouched};
use xinqiao_types::{AppSecret, percent};

const HOSTS: [&str; 5] = [
    "api.weixin.qq.com",
    "qyapi.weixin.qq.com",
    "api.mch.weixin.qq.com",
    "open.weixin.qq.com",
    "",
];
const NEW: &str = "xinqiao-new-value";

/// Lines: method, target (path and query), `Content-Type`, `Authorization`, and a body from there on.
pub(super) fn call(data: &[u8]) {
    let mut parts = data.splitn(5, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let (method, target, content_type, authorization) = (next(), next(), next(), next());
    let body = parts.next().unwrap_or_default();
    let [method, target, content_type, authorization] =
        [method, target, content_type, authorization].map(String::from_utf8_lossy);
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let host = HOSTS[data.len() % HOSTS.len()];
    let request = Request {
        host,
        method: &method,
        path,
        query,
        content_type: &content_type,
        authorization: &authorization,
        body,
    };
    // The nearest path of an unknown one is looked for at length: now and then only.
    let recognise = if data.len().is_multiple_of(64) {
        surface::recognise
    } else {
        surface::recognise_known
    };
    let call = recognise(&request);
    let _ = surface::product_of(host, path);
    match &call.credential {
        Credential::Token { param, .. } => swapped(query, param),
        Credential::Secret {
            secret: Some(old),
            place,
            ..
        } => {
            let endpoint = call.endpoint().expect("a secret belongs to an endpoint");
            let (old, new) = (old.expose(), AppSecret::new(NEW));
            let swapped = surface::swap_secret(endpoint, *place, query, body, old, &new);
            if let Some((new_query, new_body)) = swapped {
                match place {
                    Place::Query => assert_eq!(new_body, body),
                    _ => assert_eq!(new_query, query),
                }
                let again = surface::recognise_known(&Request {
                    query: &new_query,
                    body: &new_body,
                    ..request
                });
                let Credential::Secret { secret, .. } = again.credential else {
                    panic!("the call is another one with another secret");
                };
                assert_eq!(secret.as_ref().map(AppSecret::expose), Some(NEW));
            }
        }
        _ => {}
    }
}

/// Only the parameter changes, and it is there once.
fn swapped(query: &str, param: &str) {
    let Some(new) = surface::swap_param(query, param, NEW) else {
        return;
    };
    let pairs = |text: &str| percent::pairs(text).collect::<Vec<_>>();
    let (before, after) = (pairs(query), pairs(&new));
    assert_eq!(before.len(), after.len());
    for ((name, value), (new_name, new_value)) in before.iter().zip(&after) {
        assert_eq!(name, new_name);
        assert_eq!(new_value, if name == param { NEW } else { value });
    }
    assert_eq!(after.iter().filter(|(name, _)| name == param).count(), 1);
}

/// An address range; and the same lines as what proxies say of whom they stand for.
pub(super) fn address(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let trusted: CidrList = ["10.0.0.0/8", "::1"]
        .map(|range| range.parse::<Cidr>().expect("a range"))
        .into_iter()
        .collect();
    for name in ["x-forwarded-for", "forwarded"] {
        let mut headers = HeaderMap::new();
        for line in data.split(|byte| *byte == b'\n') {
            if let Ok(value) = HeaderValue::from_bytes(line) {
                headers.append(name, value);
            }
        }
        let connected = "10.1.2.3".parse().expect("an address");
        let _ = vouched(connected, &headers, &trusted);
        let stranger = "203.0.113.9".parse().expect("an address");
        assert_eq!(vouched(stranger, &headers, &trusted), None);
    }
    for word in text.split([',', '\n']) {
        let Ok(range) = word.trim().parse::<Cidr>() else {
            continue;
        };
        let again: Cidr = range.to_string().parse().expect("reads what it writes");
        assert_eq!(again, range);
        for address in ["127.0.0.1", "::1", "::ffff:10.0.0.1", "203.0.113.9"] {
            let _ = range.contains(address.parse().expect("an address"));
        }
    }
}
