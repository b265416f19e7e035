//! Tokens that the client fetches itself, with id and secret.
//!
//! By default they are stable tokens: fetching one never kills another program's. One fetch is under
//! way at a time; while it is, callers get the old token as long as it lives.
//!
//! Invariants: a token is renewed only if the one that failed is still the current one; a forced
//! renewal happens only if the platform hands out the refused token again, at most as often as the
//! quota table allows and 30 s apart.
//!
//! Source: tokens of the catalog (`base.token`, `base.stable_token`), quota row `stable_token.force`.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use tokio::sync::Semaphore;
use xinqiao_catalog::{
    QuotaWindow, code,
    id::official_account::base,
    rules::quota::{Ledger, Limit},
};
use xinqiao_types::{AccessToken, AppSecret, ErrCode, UnixSeconds};

use super::TokenSource;
use crate::{client::Client, error::Error, transport::BoxFuture};

/// Seconds before its end at which a token is replaced. The platform hands out a new stable token
/// during the last five minutes of the old one; a minute of those is left to clocks that differ.
const MARGIN: i64 = 240;
/// WECHAT: a second forced refresh within 30 s does not refresh.
const FORCED_APART: i64 = 30;
/// A token that dies earlier than this before its end was replaced by somebody else.
const EARLY: i64 = 300;
/// How many tokens one client replaces in a minute after refusals; more would be a storm that another
/// program's refreshes keep alive.
const RENEWALS: Limit = Limit {
    max: 5,
    window: QuotaWindow::Minute,
    code: ErrCode(code::INVALID_CREDENTIAL),
};
/// The row of the quota table that limits forced refreshes.
const FORCE_QUOTA: &str = "stable_token.force";

/// Which of the two kinds of token to fetch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// The stable token: several programs may fetch it without disturbing each other.
    #[default]
    Stable,
    /// The ordinary token: each fetch kills the one before the last.
    Plain,
}

/// Fetches tokens with the account's own secret, or with a key that a gateway issued.
#[derive(Debug)]
pub struct OwnTokens {
    secret: AppSecret,
    kind: Kind,
    /// One permit: who has it fetches.
    turn: Semaphore,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Option<Held>,
    /// Counts renewals by the minute and forced ones by the day.
    counts: Ledger,
    last_forced: Option<UnixSeconds>,
}

#[derive(Debug, Clone)]
struct Held {
    token: AccessToken,
    expires: UnixSeconds,
}

impl OwnTokens {
    /// Stable tokens for this secret.
    pub fn new(secret: impl Into<AppSecret>) -> Self {
        Self::of_kind(secret, Kind::Stable)
    }

    /// Tokens of this kind for this secret.
    pub fn of_kind(secret: impl Into<AppSecret>, kind: Kind) -> Self {
        Self {
            secret: secret.into(),
            kind,
            turn: Semaphore::new(1),
            state: Mutex::default(),
        }
    }

    fn with_state<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        // Nothing in here panics half-way, so the state of a poisoned lock is whole.
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn held(&self) -> Option<Held> {
        self.with_state(|state| state.held.clone())
    }

    async fn current(&self, client: &Client) -> Result<AccessToken, Error> {
        let left = |held: &Held| held.expires.since(client.clock().unix());
        if let Some(held) = self.held() {
            if left(&held) > MARGIN {
                return Ok(held.token);
            }
            if left(&held) > 0 {
                // Still good: one caller fetches the next token, the others go on with this one.
                let Ok(_turn) = self.turn.try_acquire() else {
                    return Ok(held.token);
                };
                return match self.fetch(client, false).await {
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
            Some(held) if left(&held) > 0 => Ok(held.token),
            _ => self.fetch(client, false).await,
        }
    }

    async fn replace(
        &self,
        client: &Client,
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
        let token = self.fetch(client, false).await?;
        if !same(&token, failed) {
            return Ok(Some(token));
        }
        // The platform insists on the token that it refuses: only a forced refresh helps.
        if self.kind == Kind::Plain || !self.may_force(now) {
            tracing::warn!(
                appid = %client.appid(), rule = "token.force_budget",
                "The same token came back and may not be forced now."
            );
            return Ok(None);
        }
        self.fetch(client, true).await.map(Some)
    }

    /// Whether a forced refresh is within its budget; counts it if so.
    fn may_force(&self, now: UnixSeconds) -> bool {
        self.with_state(|state| {
            if state
                .last_forced
                .is_some_and(|last| now.since(last) < FORCED_APART)
            {
                return false;
            }
            let mut limits = xinqiao_catalog::quotas_of(FORCE_QUOTA).map(Limit::from);
            let within =
                limits.all(|limit| state.counts.spend_limit(FORCE_QUOTA, limit, now).is_ok());
            if within {
                state.last_forced = Some(now);
            }
            within
        })
    }

    /// Fetches a token and keeps it. The caller has the turn.
    async fn fetch(&self, client: &Client, force: bool) -> Result<AccessToken, Error> {
        let endpoint = match self.kind {
            Kind::Stable => base::STABLE_TOKEN,
            Kind::Plain => base::TOKEN,
        };
        let mut request = json!({
            "grant_type": "client_credential",
            "appid": client.appid().as_str(),
            "secret": self.secret.expose(),
        });
        if force {
            request["force_refresh"] = Value::Bool(true);
        }
        let answer = client.call(endpoint, request).await?;
        let missing = |name: &str| Error::Decode {
            endpoint,
            path: name.into(),
            source: "the field is missing".into(),
        };
        let token = answer.get("access_token").and_then(Value::as_str);
        let token = AccessToken::new(token.ok_or_else(|| missing("access_token"))?);
        let lifetime = answer.get("expires_in").and_then(Value::as_i64);
        let lifetime = lifetime.ok_or_else(|| missing("expires_in"))?;
        let expires = client.clock().unix() + lifetime;
        let held = Held {
            token: token.clone(),
            expires,
        };
        self.with_state(|state| state.held = Some(held));
        tracing::info!(appid = %client.appid(), lifetime_s = lifetime, force, "Token fetched.");
        Ok(token)
    }
}

fn same(a: &AccessToken, b: &AccessToken) -> bool {
    xinqiao_crypto::constant_time_eq(a.expose().as_bytes(), b.expose().as_bytes())
}

impl TokenSource for OwnTokens {
    fn token<'a>(&'a self, client: &'a Client) -> BoxFuture<'a, Result<AccessToken, Error>> {
        Box::pin(self.current(client))
    }

    fn renew<'a>(
        &'a self,
        client: &'a Client,
        failed: &'a AccessToken,
    ) -> BoxFuture<'a, Result<Option<AccessToken>, Error>> {
        Box::pin(self.replace(client, failed))
    }
}
