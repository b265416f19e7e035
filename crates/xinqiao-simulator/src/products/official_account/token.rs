//! Tokens of `token` (获取 access_token): each call issues a new one.
//!
//! The token before stays good for five minutes; a third one inside these five minutes kills the oldest at once.
//! What `stable_token` issues is kept elsewhere: the two never touch each other.
//!
//! Source: doc pages "获取 access_token", "接口调用凭据".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{AuthKind, code, id::official_account as oa, surface::Credential};

use super::{WITH_ACCOUNT_TOKEN, stable_token::STABLE};
use crate::{
    accounts::{self, ACCOUNTS},
    door::{
        Asked, Refuse, Reply, Verdict,
        credential::{Asking, Caller, Finder, Proof, by_secret, claimed_by_secret},
        stateful,
    },
    kernel::{Id, Table, Turn, World, chance::looks_like_our_token, feature::id_in, time::put_off},
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
) -> Result<Caller, Refuse> {
    let text = match &asking.seen.credential {
        Credential::Token { value, .. } => value.expose(),
        _ => "",
    };
    if text.is_empty() {
        return Err(Refuse::code(code::ACCESS_TOKEN_MISSING));
    }
    let Some(appid) = OWNERS.get(turn.world, text) else {
        // A token of another life of this world is one that was replaced; any other is foreign.
        let code = if looks_like_our_token(text) {
            code::INVALID_CREDENTIAL
        } else {
            code::INVALID_ACCESS_TOKEN
        };
        return Err(Refuse::code(code).because("credential.token.unknown", None, None));
    };
    let caller = Caller::Account(appid.clone());
    *whose = Some(caller.clone());
    if !ACCOUNTS.has(turn.world, &**appid) {
        return Err(Refuse::code(code::INVALID_ACCESS_TOKEN));
    }
    match standing(turn.world, appid, text, turn.now.0) {
        Some(Standing::Good) => Ok(caller),
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

/// How long a token lives.
pub(crate) const LIFETIME: i64 = 7200;
/// How long the token before goes on.
pub(crate) const OVERLAP: i64 = 300;
/// After its end, this long the platform still knows that it was a token.
const REMEMBERED: i64 = 86_400;

/// One issued token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Issued {
    pub(crate) value: String,
    /// End of its lifetime.
    pub(crate) expires: i64,
    /// When another one took its place for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaced: Option<i64>,
}

/// How a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Good,
    /// 40001.
    Replaced,
    /// 42001.
    Expired,
}

impl Issued {
    pub(crate) fn new(value: String, now: i64) -> Self {
        Self {
            value,
            expires: now + LIFETIME,
            replaced: None,
        }
    }

    pub(crate) fn standing(&self, now: i64) -> Standing {
        match self.replaced {
            Some(at) if now >= at => Standing::Replaced,
            Some(_) => Standing::Good,
            None if now >= self.expires => Standing::Expired,
            None => Standing::Good,
        }
    }
}

/// The tokens of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenBook {
    pub(crate) current: Option<Issued>,
    pub(crate) previous: Option<Issued>,
    #[serde(default)]
    pub(crate) dead: BTreeMap<String, Issued>,
}

impl TokenBook {
    pub(crate) fn issue(&mut self, value: String, now: i64) {
        if let Some(oldest) = self.previous.take() {
            // Only one old token is kept: a third one kills it at once.
            self.bury(oldest, now);
        }
        if let Some(mut old) = self.current.take() {
            if old.standing(now) == Standing::Good {
                // WECHAT: "both work for five minutes", even past the old one's own lifetime.
                old.replaced = Some(now + OVERLAP);
            }
            self.previous = Some(old);
        }
        self.current = Some(Issued::new(value, now));
    }

    /// A new token, and every older one dies now.
    pub(crate) fn replace_all(&mut self, value: String, now: i64) {
        for old in [self.previous.take(), self.current.take()]
            .into_iter()
            .flatten()
        {
            self.bury(old, now);
        }
        self.current = Some(Issued::new(value, now));
    }

    pub(crate) fn bury(&mut self, mut old: Issued, now: i64) {
        if old.standing(now) == Standing::Good {
            old.replaced = Some(now);
        }
        self.dead.insert(old.value.clone(), old);
    }

    pub(crate) fn find(&self, token: &str) -> Option<&Issued> {
        let live = [&self.current, &self.previous];
        live.into_iter()
            .flatten()
            .find(|issued| issued.value == token)
            .or_else(|| self.dead.get(token))
    }

    pub(crate) fn known(&self) -> impl Iterator<Item = &str> {
        [&self.current, &self.previous]
            .into_iter()
            .flatten()
            .map(|issued| issued.value.as_str())
            .chain(self.dead.keys().map(String::as_str))
    }

    pub(crate) fn forget(&mut self, token: &str) {
        self.dead.remove(token);
        for slot in [&mut self.current, &mut self.previous] {
            if slot.as_ref().is_some_and(|issued| issued.value == token) {
                *slot = None;
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn standing_of(book: &TokenBook, token: &str, now: i64) -> Standing {
        book.find(token).unwrap().standing(now)
    }

    #[test]
    fn a_token_ends_after_two_hours() {
        let mut book = TokenBook::default();
        book.issue("a".into(), 0);
        assert_eq!(standing_of(&book, "a", 7199), Standing::Good);
        assert_eq!(standing_of(&book, "a", 7200), Standing::Expired);
    }

    #[test]
    fn the_token_before_works_for_five_minutes() {
        let mut book = TokenBook::default();
        book.issue("a".into(), 0);
        book.issue("b".into(), 1000);
        assert_eq!(standing_of(&book, "a", 1299), Standing::Good);
        assert_eq!(standing_of(&book, "a", 1300), Standing::Replaced);
        assert_eq!(standing_of(&book, "b", 1300), Standing::Good);
    }

    #[test]
    fn a_third_token_inside_the_overlap_kills_the_oldest_at_once() {
        let mut book = TokenBook::default();
        book.issue("a".into(), 0);
        book.issue("b".into(), 10);
        book.issue("c".into(), 20);
        assert_eq!(standing_of(&book, "a", 20), Standing::Replaced);
        assert_eq!(standing_of(&book, "b", 20), Standing::Good);
        assert_eq!(standing_of(&book, "c", 20), Standing::Good);
    }
}
