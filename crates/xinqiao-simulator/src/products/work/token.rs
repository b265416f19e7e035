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
        rules::{self, Rule},
        tokens::{LIFETIME, REMEMBERED},
    },
    door::{
        Asked, Refusal, Reply, Verdict,
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
    rules: &[&ASKED_AGAIN],
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
) -> Result<Caller, Refusal> {
    let Credential::Secret { id, secret, .. } = &asking.seen.credential else {
        return Err(Refusal::code(code::CORPID_MISSING));
    };
    let Some(corpid) = id.as_ref().filter(|id| !id.is_empty()) else {
        return Err(Refusal::code(code::CORPID_MISSING));
    };
    let Some((corp, _)) = corps::corp(turn.world, corpid) else {
        return Err(Refusal::code(code::INVALID_CORPID));
    };
    *whose = Some(Caller::Corp(corp.clone()));
    let Some(secret) = secret.as_ref().filter(|secret| !secret.is_empty()) else {
        return Err(Refusal::code(code::CORPSECRET_MISSING));
    };
    let Some(owner) = owner(turn.world, corpid, secret.expose()) else {
        return Err(Refusal::code(code::INVALID_CREDENTIAL));
    };
    let caller = caller(&owner);
    *whose = Some(caller.clone());
    let frozen = ACCOUNTS
        .get(turn.world, &*owner)
        .is_some_and(|account| account.secret_state == SecretState::Frozen);
    if frozen {
        return Err(Refusal::code(code::INVALID_CREDENTIAL));
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
) -> Result<Caller, Refusal> {
    let text = asking.token(code::ACCESS_TOKEN_MISSING)?;
    let Some((token, owner)) = OWNERS.entry(turn.world, text) else {
        return Err(Refusal::code(code::INVALID_ACCESS_TOKEN));
    };
    let caller = caller(owner);
    *whose = Some(caller.clone());
    let ends = TOKENS.get(turn.world, &(owner.clone(), token.clone()));
    if ends.is_none_or(|ends| turn.now.0 >= *ends) {
        return Err(Refusal::code(code::ACCESS_TOKEN_EXPIRED));
    }
    // WECHAT: tokens are given to any address; it is the call with one that a strange address is refused (60020).
    let trusted = ACCOUNTS.get(turn.world, &**owner);
    let trusted = trusted.map_or(&[][..], |account| &account.ip_whitelist);
    let peer = asking.call.peer.to_canonical();
    if !trusted.is_empty() && !listed(trusted, peer) {
        return Err(Refusal::code(code::IP_NOT_LISTED).because(
            "egress.not_whitelisted",
            Some(peer.to_string()),
            Some(trusted.join(", ")),
        ));
    }
    Ok(caller)
}

/// What `expires_in` says to whoever asks while a token lives, and whether asking lengthens its life.
static ASKED_AGAIN: Rule = Rule {
    name: "work.token_asked_again",
    default: rules::Preset::Word("remaining", &["remaining", "full", "renewed"]),
    about: (
        "有效期内再次 gettoken 得到同一个 access_token：remaining 的 expires_in 为剩余秒数，full 总说 7200 而到期时间不变，renewed 从头计时；设在应用上",
        "gettoken again gives the same token: `remaining` says how long it still lives, `full` always says 7200 though it \
         ends when it did, `renewed` begins its life anew; set on the application",
    ),
    source: "page 91039 until 2024: the same result while it lives. Users report a constant 7200; enterprise accounts were renewed",
};

/// `gettoken`.
///
/// WECHAT: whoever asks again gets the same token; a new one is only given when the old one has ended.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let owner = match &asked.caller {
        Caller::CorpApp { account, .. } => account,
        _ => corps::called(asked)?,
    };
    let now = turn.now.0;
    let living = { TOKENS.under(turn.world, owner) }
        .find(|(_, ends)| now < **ends)
        .map(|(token, ends)| (token.clone(), *ends));
    let switched = ACCOUNTS.get(turn.world, &**owner);
    let switched = switched.map(|account| &account.rules);
    let (token, lives) = match (living, ASKED_AGAIN.word(switched)) {
        (None, _) => (issue(turn, owner), LIFETIME),
        (Some((token, _)), "full") => (token, LIFETIME),
        (Some((token, _)), "renewed") => {
            live_on(turn, owner, &token);
            (token, LIFETIME)
        }
        (Some((token, ends)), _) => (token, ends - now),
    };
    Ok(Reply::Json(
        json!({"access_token": &*token, "expires_in": lives}),
    ))
}

fn issue(turn: &mut Turn<'_>, owner: &Id) -> Id {
    let token: Id = turn.world.next("work.token").access_token().into();
    OWNERS.put(turn.world, token.clone(), owner.clone());
    live_on(turn, owner, &token);
    token
}

/// From now on a token lives its whole life.
fn live_on(turn: &mut Turn<'_>, owner: &Id, token: &Id) {
    let ends = turn.now.0 + LIFETIME;
    TOKENS.put(turn.world, (owner.clone(), token.clone()), ends);
    turn.later(ends + REMEMBERED, NAME, json!({"token": &**token}));
}

/// A token is forgotten a day after its end: until then it is 42001, then 40014.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let Some(token) = id_in(what, "token") else {
        return;
    };
    let Some(owner) = OWNERS.get(turn.world, &*token).cloned() else {
        return;
    };
    let key = (owner, token);
    // One that was renewed meanwhile is forgotten later.
    let ended = TOKENS.get(turn.world, &key).copied().unwrap_or_default();
    if turn.now.0 >= ended + REMEMBERED {
        TOKENS.remove(turn.world, &key);
        OWNERS.remove(turn.world, &*key.1);
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
