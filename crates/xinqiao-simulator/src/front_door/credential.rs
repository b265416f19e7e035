//! Who calls: the secret of issuing endpoints, the token of all others.

use std::{collections::BTreeMap, net::IpAddr};

use xinqiao_catalog::{
    AuthKind, Endpoint, code,
    surface::{Call, Credential},
};

use super::{Refuse, body::Parsed};
use crate::world::{
    Turn,
    account::SecretState,
    chance::looks_like_our_token,
    command::PlatformCall,
    official_account::token::{Standing, standing},
};

/// The grant type that issuing endpoints want.
const CLIENT_CREDENTIAL: &str = "client_credential";

/// Whose credential a call claims to carry, valid or not: for faults and rows.
pub(super) fn claimed(turn: &Turn<'_>, seen: &Call) -> Option<String> {
    match &seen.credential {
        Credential::Token { value, .. } => turn.world.token_owners.get(value.expose()).cloned(),
        Credential::Secret { id: Some(id), .. } => {
            turn.world.accounts.contains_key(id).then(|| id.clone())
        }
        _ => None,
    }
}

/// appid → secret → list of addresses.
pub(super) fn secret(
    turn: &Turn<'_>,
    seen: &Call,
    query: &BTreeMap<String, String>,
    parsed: &Parsed,
    call: &PlatformCall,
    whose: &mut Option<String>,
) -> Result<String, Refuse> {
    let Credential::Secret { id, secret, .. } = &seen.credential else {
        return Err(Refuse::code(code::APPID_MISSING));
    };
    let wants_grant_type = seen.endpoint().is_some_and(|endpoint| {
        endpoint.query.field("grant_type").is_some()
            || endpoint.request.field("grant_type").is_some()
    });
    if wants_grant_type {
        let given = query.get("grant_type").map(String::as_str).or_else(|| {
            parsed
                .value
                .get("grant_type")
                .and_then(serde_json::Value::as_str)
        });
        if given != Some(CLIENT_CREDENTIAL) {
            return Err(Refuse::code(code::INVALID_GRANT_TYPE));
        }
    }
    let Some(appid) = id.as_ref().filter(|id| !id.is_empty()) else {
        return Err(Refuse::code(code::APPID_MISSING));
    };
    let Some(account) = turn.world.accounts.get(appid) else {
        let refuse = Refuse::code(code::INVALID_APPID);
        return Err(refuse.because("credential.appid", Some(appid.clone()), None));
    };
    *whose = Some(appid.clone());
    let Some(secret) = secret.as_ref().filter(|secret| !secret.is_empty()) else {
        return Err(Refuse::code(code::SECRET_MISSING));
    };
    if !xinqiao_crypto::constant_time_eq(secret.expose().as_bytes(), account.secret.as_bytes()) {
        return Err(Refuse::code(code::INVALID_SECRET).because("credential.secret", None, None));
    }
    if account.secret_state == SecretState::Frozen {
        return Err(Refuse::code(code::SECRET_FROZEN));
    }
    let peer = call.peer.to_canonical();
    if !account.ip_whitelist.is_empty() && !listed(&account.ip_whitelist, peer) {
        let text = format!("invalid ip {peer} ipv6 {}, not in whitelist", mapped(peer));
        return Err(Refuse::text(code::IP_NOT_LISTED, text).because(
            "egress.not_whitelisted",
            Some(peer.to_string()),
            Some(account.ip_whitelist.join(", ")),
        ));
    }
    Ok(appid.clone())
}

fn listed(list: &[String], peer: IpAddr) -> bool {
    list.iter().any(|entry| {
        entry
            .parse::<xinqiao_http::Cidr>()
            .is_ok_and(|range| range.contains(peer))
    })
}

fn mapped(peer: IpAddr) -> String {
    match peer {
        IpAddr::V4(peer) => format!("::ffff:{peer}"),
        IpAddr::V6(peer) => peer.to_string(),
    }
}

/// The token: missing 41001, odd or foreign 40014, replaced 40001, past its lifetime 42001.
pub(super) fn token(
    turn: &Turn<'_>,
    endpoint: &Endpoint,
    seen: &Call,
    whose: &mut Option<String>,
) -> Result<String, Refuse> {
    if endpoint.auth.kind == AuthKind::None {
        return Ok(String::new());
    }
    let Credential::Token { value, .. } = &seen.credential else {
        if endpoint.auth.kind == AuthKind::AccessToken {
            return Err(Refuse::code(code::ACCESS_TOKEN_MISSING));
        }
        // Signatures and other tokens are judged by their own products' doors, which are not built: the schema
        // answers, and says that it does.
        return Ok(String::new());
    };
    let text = value.expose();
    if text.is_empty() {
        return Err(Refuse::code(code::ACCESS_TOKEN_MISSING));
    }
    let Some(appid) = turn.world.token_owners.get(text) else {
        // A token of another life of this world is one that was replaced; any other is foreign.
        let code = if looks_like_our_token(text) {
            code::INVALID_CREDENTIAL
        } else {
            code::INVALID_ACCESS_TOKEN
        };
        return Err(Refuse::code(code).because("credential.token.unknown", None, None));
    };
    *whose = Some(appid.clone());
    let account = turn.world.accounts.get(appid);
    match account.and_then(|account| standing(account, text, turn.now.0)) {
        Some(Standing::Good) => Ok(appid.clone()),
        Some(Standing::Expired) => Err(Refuse::code(code::ACCESS_TOKEN_EXPIRED).because(
            "credential.token.expired",
            None,
            None,
        )),
        Some(Standing::Replaced) => Err(Refuse::code(code::INVALID_CREDENTIAL).because(
            "credential.token.replaced",
            None,
            None,
        )),
        None => Err(Refuse::code(code::INVALID_ACCESS_TOKEN)),
    }
}
