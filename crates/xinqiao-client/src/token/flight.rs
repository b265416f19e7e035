//! One credential's token: who fetches, who waits, when it is replaced.
//!
//! Every kind of token lives by the same rules. One fetch is under way at a time; while it is, callers get
//! the old token as long as it lives. A token is renewed only if the one that failed is still current.
//!
//! Invariant: a flight never fetches more than [`RENEWALS`] times a minute after refusals.

use std::{
    fmt,
    future::Future,
    sync::{Mutex, PoisonError},
};

use tokio::sync::Semaphore;
use xinqiao_catalog::{
    QuotaWindow, code,
    rules::quota::{Ledger, Limit},
};
use xinqiao_types::{AccessToken, ErrCode, UnixSeconds};

use super::TokenSource;
use crate::{client::Client, error::Error, transport::BoxFuture};

/// Seconds before its end at which a token is replaced. The platform hands out a new stable token
/// during the last five minutes of the old one; a minute of those is left to clocks that differ.
const MARGIN: i64 = 240;
/// A token that dies earlier than this before its end was replaced by somebody else.
const EARLY: i64 = 300;
/// How many tokens one client replaces in a minute after refusals; more would be a storm that another
/// program's refreshes keep alive.
const RENEWALS: Limit = Limit {
    max: 5,
    window: QuotaWindow::Minute,
    code: ErrCode(code::INVALID_CREDENTIAL),
};

/// What a fetch brought.
pub(crate) struct Fetched {
    pub(crate) token: AccessToken,
    /// Seconds.
    pub(crate) lifetime: i64,
}

/// How much a fetch may disturb others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Want {
    /// Whatever the platform hands out.
    Current,
    /// A new token, the old one dies.
    Forced,
}

/// Gets a token from the platform.
pub(crate) trait Fetch: fmt::Debug + Send + Sync {
    /// Fetches. The caller has the turn.
    fn fetch(
        &self,
        client: &Client,
        want: Want,
    ) -> impl Future<Output = Result<Fetched, Error>> + Send;

    /// Whether a forced fetch exists and is within its budget; counts it if so.
    fn may_force(&self, _now: UnixSeconds) -> bool {
        false
    }
}

/// A source of tokens that lives by the rules of a [`Flight`].
pub(crate) trait Flies: fmt::Debug + Send + Sync {
    /// The token's state, and what fetches it.
    fn flight(&self) -> (&Flight, &impl Fetch);
}

impl<S: Flies> TokenSource for S {
    fn token<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<AccessToken, Error>> {
        let (flight, own) = self.flight();
        Box::pin(flight.current(client, own))
    }

    fn renew<'a>(
        &'a self,
        client: &'a Client,
        failed: &'a AccessToken,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, Error>> {
        let (flight, own) = self.flight();
        Box::pin(flight.replace(client, own, failed))
    }
}

/// The state of one token.
#[derive(Debug)]
pub(crate) struct Flight {
    /// One permit: who has it fetches.
    turn: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// Counts renewals by the minute.
    counts: Ledger,
}

#[derive(Debug, Clone)]
struct Held {
    token: AccessToken,
    expires: UnixSeconds,
    /// When to replace it.
    soon: UnixSeconds,
}

impl Default for Flight {
    fn default() -> Self {
        Self {
            turn: Semaphore::new(1),
            state: Mutex::default(),
        }
    }
}

impl Flight {
    fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // Nothing in here panics half-way, so the state of a poisoned lock is whole.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn held(&self) -> Option<Held> {
        self.with_state(|state| state.held.clone())
    }

    /// Keeps a token that came another way, for instance with a permanent code.
    pub(crate) fn keep(&self, fetched: &Fetched, now: UnixSeconds) {
        let held = Held {
            token: fetched.token.clone(),
            expires: now + fetched.lifetime,
            // A token that lives shorter than the margin would be replaced at every call.
            soon: now + (fetched.lifetime - MARGIN).max(fetched.lifetime / 2),
        };
        self.with_state(|state| state.held = Some(held));
    }

    /// Forgets the token, because what it was made from has changed.
    pub(crate) fn forget(&self) {
        self.with_state(|state| state.held = None);
    }

    /// The token to use now.
    pub(crate) async fn current(
        &self,
        client: &Client,
        source: &impl Fetch,
    ) -> Result<AccessToken, Error> {
        let now = || client.clock().unix();
        if let Some(held) = self.held() {
            if now() < held.soon {
                return Ok(held.token);
            }
            if now() < held.expires {
                // Still good: one caller fetches the next token, the others go on with this one.
                let Ok(_turn) = self.turn.try_acquire() else {
                    return Ok(held.token);
                };
                return match self.fetch(client, source, Want::Current).await {
                    Ok(token) => Ok(token),
                    Err(error) => {
                        tracing::warn!(
                            appid = %client.appid(), error = %error,
                            "Token could not be replaced before its end, will retry."
                        );
                        Ok(held.token)
                    }
                };
            }
        }
        let _turn = self.turn.acquire().await;
        match self.held() {
            Some(held) if now() < held.expires => Ok(held.token),
            _ => self.fetch(client, source, Want::Current).await,
        }
    }

    /// A token instead of `failed`; none if there is no other.
    pub(crate) async fn replace(
        &self,
        client: &Client,
        source: &impl Fetch,
        failed: &AccessToken,
    ) -> Result<Option<AccessToken>, Error> {
        let other = || self.held().filter(|held| !same(&held.token, failed));
        if let Some(held) = other() {
            return Ok(Some(held.token));
        }
        let _turn = self.turn.acquire().await;
        if let Some(held) = other() {
            return Ok(Some(held.token));
        }
        let now = client.clock().unix();
        if let Some(held) = self.held()
            && held.expires.since(now) > EARLY
        {
            tracing::warn!(
                appid = %client.appid(), rule = "token.foreign_refresh",
                left_s = held.expires.since(now),
                "Token died before its time: another program uses this secret."
            );
        }
        let counted = self.with_state(|state| state.counts.spend_limit("renewal", RENEWALS, now));
        if counted.is_err() {
            tracing::warn!(appid = %client.appid(), "Tokens die too fast, no more renewals now.");
            return Ok(None);
        }
        let token = self.fetch(client, source, Want::Current).await?;
        if !same(&token, failed) {
            return Ok(Some(token));
        }
        // The platform insists on the token that it refuses: only a forced refresh helps.
        if !source.may_force(now) {
            tracing::warn!(
                appid = %client.appid(), rule = "token.force_budget",
                "The same token came back and may not be forced now."
            );
            return Ok(None);
        }
        self.fetch(client, source, Want::Forced).await.map(Some)
    }

    async fn fetch(
        &self,
        client: &Client,
        source: &impl Fetch,
        want: Want,
    ) -> Result<AccessToken, Error> {
        let fetched = source.fetch(client, want).await?;
        self.keep(&fetched, client.clock().unix());
        tracing::info!(
            appid = %client.appid(), lifetime_s = fetched.lifetime, want = ?want, "Token fetched."
        );
        Ok(fetched.token)
    }
}

pub(crate) fn same(a: &AccessToken, b: &AccessToken) -> bool {
    xinqiao_crypto::constant_time_eq(a.expose().as_bytes(), b.expose().as_bytes())
}
