//! The allowances that a user's act opens for customer messages (客服消息).
//!
//! An account may not write to a user out of the blue: each message, click, follow or scan of the user
//! opens an allowance of so many messages for so long. This module keeps the allowances of one user
//! with one account and spends them; the numbers are rows of `grants.toml`.
//!
//! Invariants: the allowance that ends first is spent first; a new act of the same kind replaces the
//! old allowance and never adds to it; an allowance is open up to, not at, the second it ends; typing
//! notices spend nothing.
//!
//! Source: doc page "客服消息", section on the number and time of messages; catalog table `grants`.

use std::fmt;

use serde::{Deserialize, Serialize};
use xinqiao_types::{ErrCode, UnixSeconds};

use crate::code;
use crate::model::Grant;

/// One open allowance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowance {
    /// The row of `grants.toml` that opened it.
    pub grant: String,
    /// How many messages are left; none = no limit.
    pub remaining: Option<u32>,
    /// The second at which it ends.
    pub expires: UnixSeconds,
}

impl Allowance {
    fn open(&self, now: UnixSeconds) -> bool {
        now < self.expires
    }

    fn left(&self) -> bool {
        self.remaining != Some(0)
    }
}

/// All allowances of one user with one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowances {
    list: Vec<Allowance>,
}

/// How the user stands to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// Follows, or is of a product where nobody follows (mini programs).
    Follows,
    /// Does not follow, or no longer.
    DoesNotFollow,
    /// Has switched off messages of the account (拒收).
    RefusesMessages,
}

/// What may be sent at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// When the last usable allowance ends.
    pub expires: UnixSeconds,
    /// How many messages are left in all; none = no limit.
    pub remaining: Option<u32>,
}

/// A message that may not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Barred {
    /// The user's last act is too long ago, or there was none.
    OutOfWindow,
    /// All messages of the open allowances are spent; `again` is when the last of them ends.
    TooMany {
        /// When the last open allowance ends.
        until: UnixSeconds,
    },
    /// The user does not follow the account.
    NotFollowing,
    /// The user has switched off messages of the account.
    RefusedByUser,
}

impl Barred {
    /// What the platform answers.
    pub const fn code(self) -> ErrCode {
        match self {
            Self::OutOfWindow => ErrCode(code::OUT_OF_RESPONSE_WINDOW),
            Self::TooMany { .. } => ErrCode(code::TOO_MANY_CUSTOM_MESSAGES),
            Self::NotFollowing => ErrCode(code::NOT_FOLLOWING),
            Self::RefusedByUser => ErrCode(code::REFUSED_BY_USER),
        }
    }

    /// The diagnosis that explains this refusal at length.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::OutOfWindow => "interaction.window",
            Self::TooMany { .. } => "interaction.count",
            Self::NotFollowing => "interaction.not_following",
            Self::RefusedByUser => "interaction.refused",
        }
    }
}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OutOfWindow => {
                "no act of the user is recent enough; wait until the user writes, taps or scans again"
            }
            Self::TooMany { .. } => {
                "all messages that the user's acts allowed are sent; wait for the next act"
            }
            Self::NotFollowing => "the user does not follow the account",
            Self::RefusedByUser => "the user has switched off messages of the account",
        })
    }
}

impl std::error::Error for Barred {}

impl Allowances {
    /// Opens what a callback event gives, by the event's catalog id. Says whether it gave anything.
    pub fn grant(&mut self, event_id: &str, now: UnixSeconds) -> bool {
        let mut any = false;
        for grant in crate::grants()
            .iter()
            .filter(|grant| grant.events.contains(&event_id))
        {
            self.open(grant, now);
            any = true;
        }
        any
    }

    /// Opens one allowance; an older one of the same grant is replaced.
    pub fn open(&mut self, grant: &Grant, now: UnixSeconds) {
        self.list
            .retain(|allowance| allowance.open(now) && allowance.grant != grant.id);
        self.list.push(Allowance {
            grant: grant.id.to_owned(),
            remaining: (grant.messages > 0).then_some(grant.messages),
            expires: now + i64::from(grant.seconds),
        });
        // By end, so that the one that ends first is found first. Stable: equal ends stay in order.
        self.list.sort_by_key(|allowance| allowance.expires);
    }

    /// Whether a message may be sent; changes nothing.
    ///
    /// # Errors
    /// What the platform would say.
    pub fn check(&self, relation: Relation, now: UnixSeconds) -> Result<Window, Barred> {
        match relation {
            Relation::Follows => {}
            Relation::DoesNotFollow => return Err(Barred::NotFollowing),
            Relation::RefusesMessages => return Err(Barred::RefusedByUser),
        }
        if let Some(window) = self.window(now) {
            return Ok(window);
        }
        match self.list.iter().rfind(|allowance| allowance.open(now)) {
            Some(spent) => Err(Barred::TooMany {
                until: spent.expires,
            }),
            None => Err(Barred::OutOfWindow),
        }
    }

    /// Sends one message: takes it from the allowance that ends first.
    ///
    /// # Errors
    /// What the platform says; then nothing is spent.
    pub fn spend(&mut self, relation: Relation, now: UnixSeconds) -> Result<(), Barred> {
        self.check(relation, now)?;
        let allowance = self
            .list
            .iter_mut()
            .find(|allowance| allowance.open(now) && allowance.left());
        if let Some(Allowance {
            remaining: Some(remaining),
            ..
        }) = allowance
        {
            *remaining -= 1;
        }
        Ok(())
    }

    /// What may be sent at present, without regard to following.
    pub fn window(&self, now: UnixSeconds) -> Option<Window> {
        let usable = || {
            self.list
                .iter()
                .filter(|allowance| allowance.open(now) && allowance.left())
        };
        let expires = usable().map(|allowance| allowance.expires).max()?;
        let remaining = usable()
            .map(|allowance| allowance.remaining)
            .try_fold(0_u32, |sum, remaining| Some(sum.saturating_add(remaining?)));
        Some(Window { expires, remaining })
    }

    /// The allowances that are still open, the one that ends first in front.
    pub fn list(&self, now: UnixSeconds) -> impl Iterator<Item = &Allowance> {
        self.list
            .iter()
            .filter(move |allowance| allowance.open(now))
    }

    /// Forgets everything, as when the user stops following.
    pub fn clear(&mut self) {
        self.list.clear();
    }
}

#[cfg(test)]
mod tests;
