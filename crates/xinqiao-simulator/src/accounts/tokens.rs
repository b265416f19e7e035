//! Tokens that somebody holds: the present one, the one before it, and those that are remembered as dead.
//!
//! A new token takes the place of the one before, which stays good for five minutes; a third one inside these five
//! minutes kills the oldest at once.
//!
//! Source: doc pages "获取 access_token", "接口调用凭据".

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use xinqiao_types::shanghai::DAY;

/// How long a token lives.
pub(crate) const LIFETIME: i64 = 7200;
/// How long the token before goes on.
pub(crate) const OVERLAP: i64 = 300;
/// After its end, this long the platform still knows that it was a token.
pub(crate) const REMEMBERED: i64 = DAY;

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

/// The tokens of one holder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TokenBook {
    pub(crate) current: Option<Issued>,
    pub(crate) previous: Option<Issued>,
    #[serde(default)]
    pub(crate) dead: BTreeMap<String, Issued>,
}

impl TokenBook {
    pub(crate) fn issue(&mut self, value: String, now: i64) {
        self.issue_beside(value, now, OVERLAP);
    }

    /// A new token, beside which the one before stays good for so many seconds.
    pub(crate) fn issue_beside(&mut self, value: String, now: i64, overlap: i64) {
        if let Some(oldest) = self.previous.take() {
            // Only one old token is kept: a third one kills it at once.
            self.bury(oldest, now);
        }
        if let Some(mut old) = self.current.take() {
            if old.standing(now) == Standing::Good {
                // WECHAT: "both work for five minutes", even past the old one's own lifetime.
                old.replaced = Some(now.saturating_add(overlap));
            }
            self.previous = Some(old);
        }
        self.current = Some(Issued::new(value, now));
    }

    /// A new token, and every older one dies now.
    pub(crate) fn replace_all(&mut self, value: String, now: i64) {
        self.kill_all(now);
        self.current = Some(Issued::new(value, now));
    }

    /// Every token dies now.
    pub(crate) fn kill_all(&mut self, now: i64) {
        for old in [self.previous.take(), self.current.take()]
            .into_iter()
            .flatten()
        {
            self.bury(old, now);
        }
    }

    fn bury(&mut self, mut old: Issued, now: i64) {
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
    fn without_an_overlap_the_token_before_dies_at_once() {
        let mut book = TokenBook::default();
        book.issue("a".into(), 0);
        book.issue_beside("b".into(), 1000, 0);
        assert_eq!(standing_of(&book, "a", 1000), Standing::Replaced);
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
