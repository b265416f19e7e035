//! Tokens of `gettoken`: one a secret, the same for whoever asks again while it lives.
//!
//! Source: doc page 91039 ("获取access_token"); that a wrong secret is 40001 and a wrong corporation 40013 is observed.

use serde_json::{Value, json};
use xinqiao_catalog::{
    AuthKind, Product, code::work as code, id::work as wecom, surface::Credential,
};

use super::corps::{self, DISSOLVED};
use crate::{
    accounts::{
        self, ACCOUNTS,
        account::SecretState,
        tokens::{LIFETIME, REMEMBERED},
    },
    door::{
        Asked, Refuse, Reply, Verdict,
        credential::{Asking, Caller, Finder, Proof, listed},
        dialect::errcode_json,
        stateful,
    },
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// Tokens with the second of their end, by owner: an application's account, or a corporation for its contacts.
static TOKENS: Table<(Id, Id), i64> = Table::new("work.tokens", 1);
/// Whose a token is.
static OWNERS: Table<Id, Id> = Table::memory("work.token_owners");

const PRODUCTS: &[Product] = &[Product::Work];

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&TOKENS],
    behaviours: &[stateful(
        wecom::base::GET_TOKEN,
        "a_secret_has_one_token_while_it_lives",
        get,
    )],
    finders: &[
        Finder {
            proof: Proof::SecretAt(wecom::base::GET_TOKEN),
            products: PRODUCTS,
            claimed: |world, credential| match credential {
                Credential::Secret {
                    id: Some(id),
                    secret: Some(secret),
                    ..
                } => owner(world, id, secret.expose()).map(|owner| caller(&owner)),
                _ => None,
            },
            find: by_secret,
        },
        Finder {
            proof: Proof::Auth(AuthKind::AccessToken),
            products: PRODUCTS,
            claimed: |world, credential| match credential {
                Credential::Token { value, .. } => OWNERS.get(world, value.expose()).map(caller),
                _ => None,
            },
            find: by_token,
        },
    ],
    dialects: &[(PRODUCTS, &errcode_json::ALWAYS)],
    due: Some(due),
    topics: &[
        (accounts::DELETED, |turn, what| gone(turn, what, "account")),
        (DISSOLVED, |turn, what| gone(turn, what, "corp")),
    ],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "work.token";

/// Who is behind an owner of tokens.
fn caller(owner: &Id) -> Caller {
    match owner.split_once(':') {
        Some((corp, _)) => Caller::CorpApp {
            corp: corp.into(),
            account: owner.clone(),
        },
        None => Caller::Corp(owner.clone()),
    }
}

/// corpid → corpsecret, of an application or of the contacts.
fn by_secret(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refuse> {
    let Credential::Secret { id, secret, .. } = &asking.seen.credential else {
        return Err(Refuse::code(code::CORPID_MISSING));
    };
    let Some(corpid) = id.as_ref().filter(|id| !id.is_empty()) else {
        return Err(Refuse::code(code::CORPID_MISSING));
    };
    let Some((corp, _)) = corps::corp(turn.world, corpid) else {
        return Err(Refuse::code(code::INVALID_CORPID));
    };
    *whose = Some(Caller::Corp(corp.clone()));
    let Some(secret) = secret.as_ref().filter(|secret| !secret.is_empty()) else {
        return Err(Refuse::code(code::CORPSECRET_MISSING));
    };
    let Some(owner) = owner(turn.world, corpid, secret.expose()) else {
        return Err(Refuse::code(code::INVALID_CREDENTIAL));
    };
    let caller = caller(&owner);
    *whose = Some(caller.clone());
    let frozen = ACCOUNTS
        .get(turn.world, &*owner)
        .is_some_and(|account| account.secret_state == SecretState::Frozen);
    if frozen {
        return Err(Refuse::code(code::INVALID_CREDENTIAL));
    }
    Ok(caller)
}

/// Whose secret this is: an application's account, or the corporation for its contacts.
fn owner(world: &World, corpid: &str, secret: &str) -> Option<Id> {
    let (corp, known) = corps::corp(world, corpid)?;
    let is = |own: &str| xinqiao_crypto::constant_time_eq(secret.as_bytes(), own.as_bytes());
    if is(&known.contacts_secret) {
        return Some(corp.clone());
    }
    // A corporation has some hundred applications at most, and a secret may change: they are asked one by one.
    let mut agents = corps::agents(world, corp);
    agents
        .find(|(_, account)| is(&account.secret))
        .map(|(id, _)| id.clone())
}

/// The token: missing 41001, unknown 40014, past its lifetime 42001; then the caller's address.
fn by_token(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refuse> {
    let text = asking.token(code::ACCESS_TOKEN_MISSING)?;
    let Some((token, owner)) = OWNERS.entry(turn.world, text) else {
        return Err(Refuse::code(code::INVALID_ACCESS_TOKEN));
    };
    let caller = caller(owner);
    *whose = Some(caller.clone());
    let ends = TOKENS.get(turn.world, &(owner.clone(), token.clone()));
    if ends.is_none_or(|ends| turn.now.0 >= *ends) {
        return Err(Refuse::code(code::ACCESS_TOKEN_EXPIRED));
    }
    // WECHAT: tokens are given to any address; it is the call with one that a strange address is refused (60020).
    let trusted = ACCOUNTS.get(turn.world, &**owner);
    let trusted = trusted.map_or(&[][..], |account| &account.ip_whitelist);
    let peer = asking.call.peer.to_canonical();
    if !trusted.is_empty() && !listed(trusted, peer) {
        return Err(Refuse::code(code::IP_NOT_LISTED).because(
            "egress.not_whitelisted",
            Some(peer.to_string()),
            Some(trusted.join(", ")),
        ));
    }
    Ok(caller)
}

/// `gettoken`.
///
/// WECHAT: whoever asks again gets the same token, and `expires_in` says how long it still lives; a new one is only
/// given when the old one has ended.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let owner = match &asked.caller {
        Caller::CorpApp { account, .. } => account,
        _ => corps::called(asked)?,
    };
    let now = turn.now.0;
    let living = { TOKENS.under(turn.world, owner) }
        .find(|(_, ends)| now < **ends)
        .map(|(token, ends)| (token.clone(), *ends));
    let (token, ends) = match living {
        Some(living) => living,
        None => issue(turn, owner),
    };
    Ok(Reply::Json(
        json!({"access_token": &*token, "expires_in": ends - now}),
    ))
}

fn issue(turn: &mut Turn<'_>, owner: &Id) -> (Id, i64) {
    let token: Id = turn.world.next("work.token").access_token().into();
    let ends = turn.now.0 + LIFETIME;
    TOKENS.put(turn.world, (owner.clone(), token.clone()), ends);
    OWNERS.put(turn.world, token.clone(), owner.clone());
    turn.later(ends + REMEMBERED, NAME, json!({"token": &*token}));
    (token, ends)
}

/// A token is forgotten a day after its end: until then it is 42001, then 40014.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let Some(token) = id_in(what, "token") else {
        return;
    };
    if let Some(owner) = OWNERS.remove(turn.world, &*token) {
        TOKENS.remove(turn.world, &(owner, token));
    }
}

fn gone(turn: &mut Turn<'_>, what: &Value, name: &str) {
    let Some(owner) = id_in(what, name) else {
        return;
    };
    for (token, _) in TOKENS.remove_under(turn.world, &owner) {
        OWNERS.remove(turn.world, &*token);
    }
}

fn index(world: &mut World) {
    let known: Vec<(Id, Id)> = TOKENS.all(world).map(|(key, _)| key.clone()).collect();
    for (owner, token) in known {
        OWNERS.put(world, token, owner);
    }
}
