//! Tokens that the client fetches itself, with id and secret.
//!
//! By default they are stable tokens: fetching one never kills another program's.
//!
//! Invariant: a forced renewal happens only if the platform hands out the refused token again, at most as
//! often as the quota table allows and 30 s apart.
//!
//! Source: tokens of the catalog (`base.token`, `base.stable_token`), quota row `stable_token.force`.

use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use xinqiao_catalog::{
    id::{official_account::base, work},
    rules::quota::{Ledger, Limit},
};
use xinqiao_types::{AppSecret, UnixSeconds};

use super::{
    flight::{Fetch, Fetched, Flies, Flight, Want},
    read,
};
use crate::{client::Client, error::Error};

/// WECHAT: a second forced refresh within 30 s does not refresh.
const FORCED_APART: i64 = 30;
/// The row of the quota table that limits forced refreshes.
const FORCE_QUOTA: &str = "stable_token.force";

/// Which kind of token to fetch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The stable token: several programs may fetch it without disturbing each other.
    #[default]
    Stable,
    /// The ordinary token: each fetch kills the one before the last.
    Plain,
    /// A WeCom (企业微信) agent's: the client's id is the corpid, the secret the agent's.
    ///
    /// WECHAT: within its life, repeated fetches bring the same token; there is no forced refresh.
    Corp,
}

/// Fetches tokens with the account's own secret, or with a key that a gateway issued.
#[derive(Debug)]
pub struct OwnTokens {
    flight: Flight,
    own: Own,
}

#[derive(Debug)]
struct Own {
    secret: AppSecret,
    kind: Kind,
    forced: Mutex<Forced>,
}

#[derive(Debug, Default)]
struct Forced {
    /// Counts forced refreshes by the day.
    counts: Ledger,
    last: Option<UnixSeconds>,
}

impl OwnTokens {
    /// Stable tokens for this secret.
    pub fn new(secret: impl Into<AppSecret>) -> Self {
        Self::of_kind(secret, Kind::Stable)
    }

    /// Tokens of this kind for this secret.
    pub fn of_kind(secret: impl Into<AppSecret>, kind: Kind) -> Self {
        Self {
            flight: Flight::default(),
            own: Own {
                secret: secret.into(),
                kind,
                forced: Mutex::default(),
            },
        }
    }
}

fn own(appid: &str, secret: &str) -> Value {
    json!({"grant_type": "client_credential", "appid": appid, "secret": secret})
}

impl Fetch for Own {
    async fn fetch(&self, client: &Client, want: Want) -> Result<Fetched, Error> {
        let id = client.appid().as_str();
        let secret = self.secret.expose();
        let (endpoint, mut request) = match self.kind {
            Kind::Stable => (base::STABLE_TOKEN, own(id, secret)),
            Kind::Plain => (base::TOKEN, own(id, secret)),
            Kind::Corp => (
                work::base::GET_TOKEN,
                json!({"corpid": id, "corpsecret": secret}),
            ),
        };
        if want == Want::Forced {
            request["force_refresh"] = Value::Bool(true);
        }
        let answer = client.call(endpoint, request).await?;
        read(endpoint, &answer, "access_token")
    }

    fn may_force(&self, now: UnixSeconds) -> bool {
        if self.kind != Kind::Stable {
            return false;
        }
        // Nothing in here panics half-way, so the state of a poisoned lock is whole.
        let mut forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        if forced
            .last
            .is_some_and(|last| now.since(last) < FORCED_APART)
        {
            return false;
        }
        let mut limits = xinqiao_catalog::quotas_of(FORCE_QUOTA).map(Limit::from);
        let within = limits.all(|limit| forced.counts.spend_limit(FORCE_QUOTA, limit, now).is_ok());
        if within {
            forced.last = Some(now);
        }
        within
    }
}

impl Flies for OwnTokens {
    fn flight(&self) -> (&Flight, &impl Fetch) {
        (&self.flight, &self.own)
    }
}
