//! Tokens of `token` (获取 access_token): each call issues a new one beside the one before ([`accounts::tokens`]).
//!
//! What `stable_token` issues is kept elsewhere: the two never touch each other.
//!
//! Source: doc pages "获取 access_token", "接口调用凭据".

use serde_json::{Value, json};
use xinqiao_catalog::{AuthKind, code, id::official_account as oa, surface::Credential};

use super::{WITH_ACCOUNT_TOKEN, stable_token::STABLE};
use crate::{
    accounts::{
        self, ACCOUNTS,
        tokens::{LIFETIME, REMEMBERED, Standing, TokenBook},
    },
    door::{
        Asked, Refusal, Reply, Verdict,
        credential::{
            Asking, Caller, Finder, Proof, by_secret, claimed_by_secret, must_stand, of_nobody,
        },
        stateful,
    },
    kernel::{Id, Table, Turn, World, feature::id_in, time::put_off},
    products::Feature,
};

/// Tokens of `token` by account.
static TOKENS: Table<Id, TokenBook> = Table::new("official_account.tokens", 1);
/// Who owns a token, whichever endpoint issued it.
static OWNERS: Table<Id, Id> = Table::memory("official_account.token_owners");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&TOKENS],
    behaviours: &[stateful(
        oa::base::TOKEN,
        "a_second_token_kills_the_first_after_the_overlap",
        get,
    )],
    finders: &[
        Finder {
            proof: Proof::Secret,
            products: WITH_ACCOUNT_TOKEN,
            claimed: claimed_by_secret,
            find: by_secret,
        },
        Finder {
            proof: Proof::Auth(AuthKind::AccessToken),
            products: WITH_ACCOUNT_TOKEN,
            claimed: |world, credential| match credential {
                Credential::Token { value, .. } => OWNERS
                    .get(world, value.expose())
                    .cloned()
                    .map(Caller::Account),
                _ => None,
            },
            find: by_token,
        },
    ],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    index: Some(index),
    earlier: Some(earlier),
    ..Feature::EMPTY
};
const NAME: &str = "official_account.token";

fn index(world: &mut World) {
    let mut known: Vec<(Id, Id)> = Vec::new();
    for (appid, book) in TOKENS.all(world) {
        known.extend(book.known().map(|token| (token.into(), appid.clone())));
    }
    for (appid, book) in STABLE.all(world) {
        known.extend(book.known().map(|token| (token.into(), appid.clone())));
    }
    for (token, appid) in known {
        OWNERS.put(world, token, appid);
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    TOKENS.remove(turn.world, &*appid);
    STABLE.remove(turn.world, &*appid);
    let own: Vec<Id> = OWNERS
        .all(turn.world)
        .filter(|(_, owner)| **owner == appid)
        .map(|(token, _)| token.clone())
        .collect();
    for token in own {
        OWNERS.remove(turn.world, &*token);
    }
}

/// A token's owner is forgotten, a day after its end: until then it is 42001, then 40014.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let Some(token) = id_in(what, "token") else {
        return;
    };
    let Some(appid) = OWNERS.remove(turn.world, &*token) else {
        return;
    };
    if let Some(book) = TOKENS.get_mut(turn.world, &*appid) {
        book.forget(&token);
    }
    if let Some(book) = STABLE.get_mut(turn.world, &*appid) {
        book.forget(&token);
    }
}

fn earlier(world: &mut World, kept: &Value) -> Result<(), String> {
    let read = |value: &Value| serde_json::from_value(value.clone()).map_err(|e| e.to_string());
    for (appid, account) in kept["world"]["accounts"].as_object().into_iter().flatten() {
        TOKENS.put(world, appid.as_str().into(), read(&account["tokens"])?);
    }
    for due in kept["world"]["due"].as_array().into_iter().flatten() {
        if let (Some(at), Some(token)) =
            (due["at"].as_i64(), due["what"]["token_forgotten"].as_str())
        {
            put_off(world, at, NAME, json!({"token": token}));
        }
    }
    Ok(())
}

/// The token: missing 41001, odd or foreign 40014, replaced 40001, past its lifetime 42001.
fn by_token(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    let text = asking.token(code::ACCESS_TOKEN_MISSING)?;
    let Some(appid) = OWNERS.get(turn.world, text) else {
        return Err(of_nobody(text));
    };
    let caller = Caller::Account(appid.clone());
    *whose = Some(caller.clone());
    if !ACCOUNTS.has(turn.world, &**appid) {
        return Err(Refusal::code(code::INVALID_ACCESS_TOKEN));
    }
    must_stand(standing(turn.world, appid, text, turn.now.0))?;
    Ok(caller)
}

/// How a token of this account stands, whichever endpoint issued it.
fn standing(world: &World, appid: &Id, token: &str, now: i64) -> Option<Standing> {
    let of_token = TOKENS
        .get(world, &**appid)
        .and_then(|book| book.find(token));
    let issued = of_token.or_else(|| STABLE.get(world, &**appid)?.find(token))?;
    Some(issued.standing(now))
}

/// Writes down who owns a new token, and until when that is remembered.
pub(super) fn remember(turn: &mut Turn<'_>, token: &str, appid: &Id) {
    OWNERS.put(turn.world, token.into(), appid.clone());
    let at = turn.now.0 + LIFETIME + REMEMBERED;
    turn.later(at, NAME, json!({"token": token}));
}

/// `token`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let value = turn.world.next("token").access_token();
    let now = turn.now.0;
    TOKENS
        .or_default(turn.world, asked.appid.clone())
        .issue(value.clone(), now);
    remember(turn, &value, &asked.appid);
    Ok(Reply::Json(
        json!({"access_token": value, "expires_in": LIFETIME}),
    ))
}
