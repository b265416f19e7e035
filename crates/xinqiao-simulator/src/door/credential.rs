//! Who calls. A caller is a value; how one is found is declared by the products whose endpoints it may call.
//!
//! An endpoint says in the catalog how its caller proves itself. Where no product knows such callers the call is
//! refused: nobody gets in because nobody looked.

use std::{collections::BTreeMap, net::IpAddr};

use xinqiao_catalog::{
    AuthKind, Endpoint, Product, code,
    surface::{Call, Credential},
};
use xinqiao_types::AccountKind;

use super::{Refusal, body::Parsed, call::PlatformCall};
use crate::{
    accounts::{
        ACCOUNTS,
        account::{Account, SecretState},
        tokens::Standing,
    },
    kernel::{Id, Turn, World, chance::looks_like_our_token},
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
    /// An application of a corporation, by its account `corpid:agentid`.
    CorpApp { corp: Id, account: Id },
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
            | Self::Component(account)
            | Self::Authorizer { account, .. }
            | Self::CorpApp { account, .. }
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
    /// The same at this endpoint only, whose id and secret are of another kind than its neighbours'.
    SecretAt(&'static str),
    /// The same, with an id that has a name of its own: the field's name.
    SecretOf(&'static str),
    /// As the catalog says of the endpoint.
    Auth(AuthKind),
}

/// How callers of some products are found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finder {
    pub(crate) proof: Proof,
    pub(crate) products: &'static [Product],
    /// Whom the credential claims to be, valid or not: for faults and rows, and where several finders fit.
    pub(crate) claimed: fn(&World, &Credential) -> Option<Caller>,
    /// Who it is. Whoever is known before the proof fails is noted for the row.
    pub(crate) find: fn(&Turn<'_>, &Asking<'_>, &mut Option<Caller>) -> Result<Caller, Refusal>,
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
    if !seen.issues() {
        return Proof::Auth(endpoint.auth.kind);
    }
    let id = { endpoint.query.fields.iter() }
        .chain(&endpoint.request.fields)
        .find(|field| field.credential.ends_with("id"));
    match id {
        Some(id) if id.name != id.credential => Proof::SecretOf(id.name),
        _ => Proof::Secret,
    }
}

impl Asking<'_> {
    /// The token of the call; without one it is refused with this code.
    pub(crate) fn token(&self, missing: i64) -> Result<&str, Refusal> {
        match &self.seen.credential {
            Credential::Token { value, .. } if !value.expose().is_empty() => Ok(value.expose()),
            _ => Err(Refusal::code(missing)),
        }
    }
}

/// Nobody has this token. One of an earlier world is one that was replaced; any other is foreign.
pub(crate) fn of_nobody(token: &str) -> Refusal {
    let (code, rule) = if looks_like_our_token(token) {
        (code::INVALID_CREDENTIAL, "credential.token.earlier_world")
    } else {
        (code::INVALID_ACCESS_TOKEN, "credential.token.unknown")
    };
    Refusal::code(code).because(rule, None, None)
}

/// A token that stands: replaced 40001, past its lifetime 42001, of nobody 40014.
pub(crate) fn must_stand(standing: Option<Standing>) -> Result<(), Refusal> {
    match standing {
        Some(Standing::Good) => Ok(()),
        Some(Standing::Expired) => Err(Refusal::code(code::ACCESS_TOKEN_EXPIRED).because(
            "credential.token.expired",
            None,
            None,
        )),
        Some(Standing::Replaced) => Err(Refusal::code(code::INVALID_CREDENTIAL).because(
            "credential.token.replaced",
            None,
            None,
        )),
        None => Err(Refusal::code(code::INVALID_ACCESS_TOKEN)),
    }
}

/// Who may stand behind an id and a secret.
#[derive(Debug)]
pub(crate) struct Holders {
    pub(crate) kinds: fn(AccountKind) -> bool,
    pub(crate) caller: fn(Id) -> Caller,
    /// The id is missing.
    pub(crate) nameless: i64,
    /// The address is not on the holder's list.
    pub(crate) not_listed: fn(IpAddr) -> Refusal,
}

/// Accounts that call with a token of their own.
static ACCOUNT_HOLDERS: Holders = Holders {
    kinds: |kind| kind != AccountKind::Component,
    caller: Caller::Account,
    nameless: code::APPID_MISSING,
    not_listed: |peer| {
        let text = format!("invalid ip {peer} ipv6 {}, not in whitelist", mapped(peer));
        Refusal::text(code::IP_NOT_LISTED, text)
    },
};

/// Whose appid stands in the call.
pub(crate) fn claimed_by_secret(world: &World, credential: &Credential) -> Option<Caller> {
    claimed_by(world, credential, &ACCOUNT_HOLDERS)
}

/// appid → secret → list of addresses.
pub(crate) fn by_secret(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    by_secret_of(turn, asking, whose, &ACCOUNT_HOLDERS)
}

/// [`claimed_by_secret`] for other holders.
pub(crate) fn claimed_by(
    world: &World,
    credential: &Credential,
    holders: &Holders,
) -> Option<Caller> {
    let Credential::Secret { id: Some(id), .. } = credential else {
        return None;
    };
    let (appid, account) = ACCOUNTS.entry(world, id.as_str())?;
    (holders.kinds)(account.kind).then(|| (holders.caller)(appid.clone()))
}

/// [`by_secret`] for other holders.
pub(crate) fn by_secret_of(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
    holders: &Holders,
) -> Result<Caller, Refusal> {
    if !matches!(asking.seen.credential, Credential::Secret { .. }) {
        return Err(Refusal::code(holders.nameless));
    }
    let wants_grant_type = asking.endpoint.query.field("grant_type").is_some()
        || asking.endpoint.request.field("grant_type").is_some();
    if wants_grant_type {
        let given = asking
            .query
            .get("grant_type")
            .map(String::as_str)
            .or_else(|| asking.parsed?.value.get("grant_type")?.as_str());
        if given != Some(CLIENT_CREDENTIAL) {
            return Err(Refusal::code(code::INVALID_GRANT_TYPE));
        }
    }
    let (caller, account) = holder(turn.world, asking, whose, holders)?;
    let peer = asking.call.peer.to_canonical();
    if !account.ip_whitelist.is_empty() && !listed(&account.ip_whitelist, peer) {
        return Err((holders.not_listed)(peer).because(
            "egress.not_whitelisted",
            Some(peer.to_string()),
            Some(account.ip_whitelist.join(", ")),
        ));
    }
    Ok(caller)
}

/// appid → secret, for calls that have no list of addresses.
pub(crate) fn by_secret_alone(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    holder(turn.world, asking, whose, &ACCOUNT_HOLDERS).map(|(caller, _)| caller)
}

/// Who stands behind id and secret, and its account.
fn holder<'w>(
    world: &'w World,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
    holders: &Holders,
) -> Result<(Caller, &'w Account), Refusal> {
    let Credential::Secret { id, secret, .. } = &asking.seen.credential else {
        return Err(Refusal::code(holders.nameless));
    };
    let Some(appid) = id.as_ref().filter(|id| !id.is_empty()) else {
        return Err(Refusal::code(holders.nameless));
    };
    let known = { ACCOUNTS.entry(world, appid.as_str()) }
        .filter(|(_, account)| (holders.kinds)(account.kind));
    let Some((known, account)) = known else {
        let refuse = Refusal::code(code::INVALID_APPID);
        return Err(refuse.because("credential.appid", Some(appid.clone()), None));
    };
    let caller = (holders.caller)(known.clone());
    *whose = Some(caller.clone());
    let Some(secret) = secret.as_ref().filter(|secret| !secret.is_empty()) else {
        return Err(Refusal::code(code::SECRET_MISSING));
    };
    if !xinqiao_crypto::constant_time_eq(secret.expose().as_bytes(), account.secret.as_bytes()) {
        return Err(Refusal::code(code::INVALID_SECRET).because("credential.secret", None, None));
    }
    if account.secret_state == SecretState::Frozen {
        return Err(Refusal::code(code::SECRET_FROZEN));
    }
    Ok((caller, account))
}

pub(crate) fn listed(list: &[String], peer: IpAddr) -> bool {
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
