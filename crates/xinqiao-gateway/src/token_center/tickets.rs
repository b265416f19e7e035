//! Tickets that the platform pushes and wants back with the secret (`component_verify_ticket`, `suite_ticket`): the
//! newest of each account is kept, so that a token can be fetched without the app.
//!
//! Invariants: what is kept came in a callback that was verified and is stored; it is not of a time that is still
//! far off; and an older one never takes the place of a newer one, in memory or in the store.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use xinqiao_store::{Millis, StoreError, StoredToken};
use xinqiao_types::{AccessToken, UnixSeconds};

use super::Cell;
use crate::shared::Shared;

/// How many are known beside the newest: those of the last hour and more, one each ten minutes.
const EARLIER: usize = 8;
/// How long writing one down may hold its lease.
const LEASE_MS: i64 = 5_000;

/// The tickets of one account.
#[derive(Debug, Default)]
pub(super) struct Tickets(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    /// Whether the store was looked at.
    loaded: bool,
    newest: Option<Pushed>,
    /// Whether the newest is written down.
    written: bool,
    /// Others that were pushed, the latest first: the platform takes a ticket for twelve hours, and one that was
    /// delivered late is the app's newest.
    earlier: VecDeque<AccessToken>,
}

#[derive(Debug, Clone)]
struct Pushed {
    text: AccessToken,
    time: UnixSeconds,
}

impl Pushed {
    fn is(&self, text: &AccessToken) -> bool {
        self.text.expose() == text.expose()
    }
}

impl Kept {
    /// Takes a ticket, unless it is older than what is there, or is there.
    fn take(&mut self, pushed: Pushed) -> bool {
        if let Some(newest) = &mut self.newest {
            if newest.time > pushed.time {
                self.know(pushed.text);
                return false;
            }
            let is_same_time = newest.time == pushed.time;
            if pushed.is(&newest.text) {
                if is_same_time {
                    return false;
                }
                newest.time = pushed.time;
                self.written = false;
                return true;
            }
            // Two of one second that are repeated in turn would change places for ever.
            if is_same_time && self.earlier.iter().any(|own| pushed.is(own)) {
                return false;
            }
        }
        self.written = false;
        if let Some(newest) = self.newest.replace(pushed) {
            self.know(newest.text);
        }
        true
    }

    /// An app may call with this one too.
    fn know(&mut self, text: AccessToken) {
        self.earlier.retain(|own| own.expose() != text.expose());
        self.earlier.push_front(text);
        self.earlier.truncate(EARLIER);
    }

    /// Puts what the store has before what came until it was read.
    fn load(&mut self, stored: Option<Pushed>) {
        if std::mem::replace(&mut self.loaded, true) {
            return;
        }
        let came = self.newest.take();
        if let Some(stored) = stored {
            self.take(stored);
            self.written = true;
        }
        if let Some(came) = came {
            self.take(came);
        }
    }

    fn all(&self) -> impl Iterator<Item = &AccessToken> {
        let newest = self.newest.iter().map(|newest| &newest.text);
        newest.chain(&self.earlier)
    }

    /// The newest, if it is not written down.
    fn unwritten(&self) -> Option<Pushed> {
        self.newest.clone().filter(|_| !self.written)
    }

    /// A ticket is written down; a newer one may have come meanwhile.
    fn wrote(&mut self, pushed: &Pushed) {
        let newest = self.newest.as_ref();
        self.written |=
            newest.is_some_and(|newest| newest.time == pushed.time && newest.is(&pushed.text));
    }
}

/// Whether a time is later than a callback may be. Such a ticket would be the newest for ever.
fn is_far_off(shared: &Shared, time: UnixSeconds) -> bool {
    let window = i64::try_from(shared.config.callback_window).unwrap_or(i64::MAX);
    time.since(shared.world()) > window
}

impl Cell {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.tickets
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A ticket was pushed, perhaps again.
    pub(super) async fn keep_ticket(&self, shared: &Arc<Shared>, text: &str, time: UnixSeconds) {
        if is_far_off(shared, time) {
            tracing::warn!(appid = %self.appid, %time, "A ticket of a time to come was not kept.");
            return;
        }
        self.kept().take(Pushed {
            text: AccessToken::from(text),
            time,
        });
        // WECHAT: the next one comes in ten minutes: one that cannot be written down is missed only after a restart.
        if let Err(error) = self.write_down(shared).await {
            tracing::error!(appid = %self.appid, %error, "A ticket could not be stored.");
        }
    }

    async fn write_down(&self, shared: &Arc<Shared>) -> Result<(), StoreError> {
        // Where the store cannot be read it may have a newer one.
        self.load_tickets(shared).await?;
        if self.kept().unwritten().is_none() {
            return Ok(());
        }
        let (name, now) = (self.ticket_name(), shared.now());
        let lease = shared
            .store
            .lease(&name, &shared.node, now, now.plus(LEASE_MS));
        let Some(fence) = lease.await? else {
            return Ok(());
        };
        // Looked at under the lease: of two at a time the later fence has the newer ticket.
        let Some(pushed) = self.kept().unwritten() else {
            return Ok(());
        };
        let at = Millis(pushed.time.0.saturating_mul(1000));
        let row = StoredToken {
            token: pushed.text.expose().to_owned(),
            obtained: at,
            expires: at,
        };
        if shared.store.put_token(&name, fence, row).await? {
            self.kept().wrote(&pushed);
        }
        Ok(())
    }

    async fn load_tickets(&self, shared: &Arc<Shared>) -> Result<(), StoreError> {
        if self.kept().loaded {
            return Ok(());
        }
        let stored = shared.store.token(&self.ticket_name()).await?;
        let stored = stored.map(|stored| Pushed {
            text: AccessToken::from(stored.token),
            time: UnixSeconds(stored.obtained.0 / 1000),
        });
        // An earlier version kept every time.
        let stored = stored.filter(|stored| !is_far_off(shared, stored.time));
        self.kept().load(stored);
        Ok(())
    }

    /// Another node kept a ticket.
    pub(super) async fn ticket_kept(&self, shared: &Arc<Shared>) -> Result<(), StoreError> {
        self.kept().loaded = false;
        self.load_tickets(shared).await
    }

    /// The newest ticket, if one was pushed.
    pub(super) async fn ticket(
        &self,
        shared: &Arc<Shared>,
    ) -> Result<Option<AccessToken>, StoreError> {
        self.load_tickets(shared).await?;
        Ok(self
            .kept()
            .newest
            .as_ref()
            .map(|newest| newest.text.clone()))
    }

    /// Whether a text is a ticket that was pushed lately. In constant time.
    pub(super) async fn is_ticket(&self, shared: &Arc<Shared>, given: &str) -> bool {
        if let Err(error) = self.ticket(shared).await {
            tracing::warn!(appid = %self.appid, %error, "A ticket could not be read.");
        }
        self.kept().all().fold(false, |found, own| {
            found | xinqiao_crypto::constant_time_eq(own.expose().as_bytes(), given.as_bytes())
        })
    }

    /// The tickets that are in memory: what the platform may say again of a call that was made with one.
    pub(super) fn tickets_in_memory(&self) -> Vec<String> {
        let kept = self.kept();
        kept.all().map(|own| own.expose().to_owned()).collect()
    }

    pub(super) fn ticket_name(&self) -> String {
        format!("ticket {}", self.appid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(text: &str, time: i64) -> Pushed {
        Pushed {
            text: AccessToken::from(text),
            time: UnixSeconds(time),
        }
    }

    #[test]
    fn the_newest_ticket_stays_however_they_arrive() {
        let mut kept = Kept::default();
        assert!(kept.take(pushed("a", 100)));
        assert!(kept.take(pushed("b", 700)));
        assert!(
            !kept.take(pushed("late", 400)),
            "an old one that comes late is no news"
        );
        assert_eq!(kept.newest.as_ref().unwrap().text.expose(), "b");
        // The app that gets it late calls with it.
        assert_eq!(texts(&kept), ["b", "late", "a"]);
        for time in 0..20 {
            kept.take(pushed(&format!("t{time}"), 1000 + time));
        }
        assert_eq!(texts(&kept).len(), 1 + EARLIER);
    }

    fn texts(kept: &Kept) -> Vec<&str> {
        kept.all().map(AccessToken::expose).collect()
    }

    #[test]
    fn what_is_pushed_again_changes_nothing() {
        let mut kept = Kept::default();
        for text in ["a", "b"] {
            assert!(kept.take(pushed(text, 100)));
        }
        for text in ["a", "b", "a", "b"] {
            assert!(!kept.take(pushed(text, 100)), "{text}");
        }
        assert_eq!(texts(&kept), ["b", "a"]);
        assert!(kept.take(pushed("b", 700)), "the same one, later");
        assert_eq!(texts(&kept), ["b", "a"]);
    }

    #[test]
    fn what_came_before_the_store_was_read_stands_in_its_order() {
        for (came, stored, now, is_written) in [
            (100, 700, &["stored", "came"][..], true),
            (700, 100, &["came", "stored"][..], false),
        ] {
            let mut kept = Kept::default();
            kept.take(pushed("came", came));
            kept.load(Some(pushed("stored", stored)));
            assert_eq!(texts(&kept), now);
            assert_eq!(kept.unwritten().is_none(), is_written);
            // It is read once.
            kept.load(Some(pushed("other", 900)));
            assert_eq!(texts(&kept), now);
        }
    }

    #[test]
    fn a_ticket_is_to_be_written_until_it_is() {
        let mut kept = Kept::default();
        kept.take(pushed("a", 100));
        let a = kept.unwritten().unwrap();
        // Pushed again after it could not be stored.
        kept.take(pushed("a", 100));
        assert!(kept.unwritten().is_some());
        kept.take(pushed("b", 700));
        kept.wrote(&a);
        let b = kept.unwritten().unwrap();
        assert_eq!(b.text.expose(), "b", "a newer one came meanwhile");
        kept.wrote(&b);
        assert!(kept.unwritten().is_none());
    }
}
