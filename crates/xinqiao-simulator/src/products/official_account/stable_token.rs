//! Tokens of `stable_token` (获取稳定版 access_token): the same one until shortly before its end.
//!
//! Fully isolated from `token`. In the last five minutes a call gives a new one and both work for five minutes. A
//! forced refresh kills the old one at once; it works twenty times a day and not twice within thirty seconds.
//!
//! Source: doc page "获取稳定版接口调用凭据".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::id::official_account as oa;

use super::{quota, token::remember};
use crate::{
    accounts::tokens::{Issued, LIFETIME, OVERLAP, Standing, TokenBook},
    door::{Asked, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, World},
    products::Feature,
};

/// Tokens of `stable_token` by account.
pub(super) static STABLE: Table<Id, StableBook> = Table::new("official_account.stable_tokens", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.stable_token",
    tables: &[&STABLE],
    behaviours: &[stateful(
        oa::base::STABLE_TOKEN,
        "a_forced_refresh_kills_at_once_and_not_twice_in_thirty_seconds",
        get,
    )],
    earlier: Some(earlier),
    ..Feature::EMPTY
};

fn earlier(world: &mut World, kept: &Value) -> Result<(), String> {
    for (appid, account) in kept["world"]["accounts"].as_object().into_iter().flatten() {
        let book = serde_json::from_value(account["stable"].clone()).map_err(|e| e.to_string())?;
        STABLE.put(world, appid.as_str().into(), book);
    }
    Ok(())
}

/// Forced refreshes closer together than this do nothing.
const FORCE_APART: i64 = 30;
/// The row of the quota table that counts forced refreshes.
const FORCE_ROW: &str = "stable_token.force";

/// The stable tokens of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StableBook {
    #[serde(flatten)]
    book: TokenBook,
    /// When it was last refreshed by force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forced: Option<i64>,
}

/// What a call is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// The present token, with its remaining seconds.
    Present,
    /// A new one beside the old.
    Beside,
    /// A new one at once.
    Instead,
}

impl StableBook {
    pub(crate) fn find(&self, token: &str) -> Option<&Issued> {
        self.book.find(token)
    }

    pub(crate) fn known(&self) -> impl Iterator<Item = &str> {
        self.book.known()
    }

    pub(crate) fn forget(&mut self, token: &str) {
        self.book.forget(token);
    }

    fn good(&self, now: i64) -> Option<&Issued> {
        self.book
            .current
            .as_ref()
            .filter(|issued| issued.standing(now) == Standing::Good)
    }

    fn wanted(&self, force: bool, now: i64) -> Wanted {
        let Some(current) = self.good(now) else {
            return Wanted::Beside;
        };
        if force {
            let soon = self.forced.is_some_and(|at| now - at < FORCE_APART);
            return if soon {
                Wanted::Present
            } else {
                Wanted::Instead
            };
        }
        if current.expires - now > OVERLAP {
            Wanted::Present
        } else {
            Wanted::Beside
        }
    }

    fn issue_beside(&mut self, value: String, now: i64) {
        self.book.issue(value, now);
    }
}

/// `stable_token`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let force = asked.body.get("force_refresh").and_then(Value::as_bool) == Some(true);
    let now = turn.now.0;
    let none = StableBook::default();
    let book = STABLE.get(turn.world, &*asked.appid).unwrap_or(&none);
    let wanted = book.wanted(force, now);
    if let (Wanted::Present, Some(current)) = (wanted, book.good(now)) {
        let left = current.expires - now;
        return Ok(Reply::Json(
            json!({"access_token": current.value, "expires_in": left}),
        ));
    }
    if wanted == Wanted::Instead {
        quota::spend(turn, asked, FORCE_ROW)?;
    }
    let value = turn.world.next("stable_token").access_token();
    let book = STABLE.or_default(turn.world, asked.appid.clone());
    if wanted == Wanted::Instead {
        book.book.replace_all(value.clone(), now);
    } else {
        book.issue_beside(value.clone(), now);
    }
    if force {
        book.forced = Some(now);
    }
    remember(turn, &value, &asked.appid);
    Ok(Reply::Json(
        json!({"access_token": value, "expires_in": LIFETIME}),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book_at(now: i64) -> StableBook {
        let mut book = StableBook::default();
        book.issue_beside("a".into(), now);
        book
    }

    #[test]
    fn the_same_token_until_five_minutes_before_its_end() {
        let book = book_at(0);
        assert_eq!(book.wanted(false, 6899), Wanted::Present);
        assert_eq!(book.wanted(false, 6900), Wanted::Beside);
    }

    #[test]
    fn in_the_last_minutes_both_work_for_five_minutes() {
        let mut book = book_at(0);
        book.issue_beside("b".into(), 7000);
        assert_eq!(book.find("a").unwrap().standing(7299), Standing::Good);
        assert_eq!(book.find("a").unwrap().standing(7300), Standing::Replaced);
        assert_eq!(book.find("b").unwrap().standing(7300), Standing::Good);
    }

    #[test]
    fn a_forced_refresh_kills_the_old_one_at_once_and_not_twice_in_thirty_seconds() {
        let mut book = book_at(0);
        assert_eq!(book.wanted(true, 5), Wanted::Instead);
        book.book.replace_all("b".into(), 5);
        book.forced = Some(5);
        assert_eq!(book.find("a").unwrap().standing(5), Standing::Replaced);
        assert_eq!(book.wanted(true, 34), Wanted::Present);
        assert_eq!(book.wanted(true, 35), Wanted::Instead);
    }
}
