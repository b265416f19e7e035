//! Who calls. A caller is a value; how one is found is declared by the products whose endpoints it may call.
//!
//! An endpoint says in the catalog how its caller proves itself. Where no product knows such callers the call is
//! refused: nobody gets in because nobody looked.

use std::{collections::BTreeMap, net::IpAddr};

use xinqiao_catalog::{
    AuthKind, Endpoint, Product, code,
    surface::{Call, Credential},
};

use super::{Refuse, body::Parsed, call::PlatformCall};
use crate::{
    accounts::{ACCOUNTS, account::SecretState},
    kernel::{Id, Turn, World},
};

/// The grant type that issuing endpoints want.
const CLIENT_CREDENTIAL: &str = "client_credential";

/// Who calls.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(dead_code, reason = "kinds come with the products that have them")]
pub(crate) enum Caller {
    /// The endpoint asks nobody.
    Nobody,
    /// An account with its own credential.
    Account(Id),
    /// An account, spoken for by a third-party platform.
    Authorizer { component: Id, account: Id },
    /// A third-party platform.
    Component(Id),
    /// A corporation as a whole.
    Corp(Id),
    /// An application of a corporation.
    CorpApp { corp: Id, agent: u64 },
    /// A suite of applications.
    Suite(Id),
    /// A provider of suites.
    Provider(Id),
    /// A merchant, with the serial number of the certificate whose key signed; empty where a shared key did.
    Merchant { mchid: Id, serial: Id },
    /// A person who let an account look.
    User { account: Id, openid: Id },
}

impl Caller {
    /// The account or merchant that the call counts for.
    pub(crate) fn account(&self) -> Option<&Id> {
        match self {
            Self::Merchant { mchid, .. } => Some(mchid),
            Self::Account(account)
            | Self::Authorizer { account, .. }
            | Self::User { account, .. } => Some(account),
            _ => None,
        }
    }
}

/// How a caller proves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// With id and secret: the endpoint hands out a credential.
    Secret,
    /// As the catalog says of the endpoint.
    Auth(AuthKind),
}

/// How callers of some products are found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finder {
    pub(crate) proof: Proof,
    pub(crate) products: &'static [Product],
    /// Whom the credential claims to be, valid or not: for faults and rows.
    pub(crate) claimed: fn(&World, &Credential) -> Option<Caller>,
    /// Who it is. Whoever is known before the proof fails is noted for the row.
    pub(crate) find: fn(&Turn<'_>, &Asking<'_>, &mut Option<Caller>) -> Result<Caller, Refuse>,
}

/// What a finder looks at.
#[derive(Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) call: &'a PlatformCall,
    pub(crate) seen: &'a Call,
    pub(crate) endpoint: &'static Endpoint,
    pub(crate) query: &'a BTreeMap<String, String>,
    /// The body, where the proof may stand in it.
    pub(crate) parsed: Option<&'a Parsed>,
}

/// How the caller of this call proves itself.
pub(crate) fn proof(seen: &Call, endpoint: &Endpoint) -> Proof {
    if seen.issues() {
        Proof::Secret
    } else {
        Proof::Auth(endpoint.auth.kind)
    }
}

/// Whose appid stands in the call.
pub(crate) fn claimed_by_secret(world: &World, credential: &Credential) -> Option<Caller> {
    let Credential::Secret { id: Some(id), .. } = credential else {
        return None;
    };
    let (appid, _) = ACCOUNTS.entry(world, id.as_str())?;
    Some(Caller::Account(appid.clone()))
}

/// appid → secret → list of addresses.
pub(crate) fn by_secret(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refuse> {
    let Credential::Secret { id, secret, .. } = &asking.seen.credential else {
        return Err(Refuse::code(code::APPID_MISSING));
    };
    let wants_grant_type = asking.endpoint.query.field("grant_type").is_some()
        || asking.endpoint.request.field("grant_type").is_some();
    if wants_grant_type {
        let given = asking
            .query
            .get("grant_type")
            .map(String::as_str)
            .or_else(|| asking.parsed?.value.get("grant_type")?.as_str());
        if given != Some(CLIENT_CREDENTIAL) {
            return Err(Refuse::code(code::INVALID_GRANT_TYPE));
        }
    }
    let Some(appid) = id.as_ref().filter(|id| !id.is_empty()) else {
        return Err(Refuse::code(code::APPID_MISSING));
    };
    let Some((known, account)) = ACCOUNTS.entry(turn.world, appid.as_str()) else {
        let refuse = Refuse::code(code::INVALID_APPID);
        return Err(refuse.because("credential.appid", Some(appid.clone()), None));
    };
    let caller = Caller::Account(known.clone());
    *whose = Some(caller.clone());
    let Some(secret) = secret.as_ref().filter(|secret| !secret.is_empty()) else {
        return Err(Refuse::code(code::SECRET_MISSING));
    };
    if !xinqiao_crypto::constant_time_eq(secret.expose().as_bytes(), account.secret.as_bytes()) {
        return Err(Refuse::code(code::INVALID_SECRET).because("credential.secret", None, None));
    }
    if account.secret_state == SecretState::Frozen {
        return Err(Refuse::code(code::SECRET_FROZEN));
    }
    let peer = asking.call.peer.to_canonical();
    if !account.ip_whitelist.is_empty() && !listed(&account.ip_whitelist, peer) {
        let text = format!("invalid ip {peer} ipv6 {}, not in whitelist", mapped(peer));
        return Err(Refuse::text(code::IP_NOT_LISTED, text).because(
            "egress.not_whitelisted",
            Some(peer.to_string()),
            Some(account.ip_whitelist.join(", ")),
        ));
    }
    Ok(caller)
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
