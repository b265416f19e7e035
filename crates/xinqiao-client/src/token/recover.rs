//! When the platform's ticket was lost, or its pushes stopped.
//!
//! What can be done differs: a third-party platform may ask for the pushes to start again, a WeCom application can only
//! wait for the next one or have it pushed by hand in the provider's console. Both then wait for the ticket, which comes
//! to this process or, through the [`Vault`], to another one.
//!
//! Source: `open_platform.component.api_start_push_ticket`; doc pages "启动票据推送服务", "推送suite_ticket".

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};
use xinqiao_types::AppSecret;

use super::{
    TokenSource as _,
    component::load,
    flight::Flies,
    vault::{Vault, VaultKey},
};
use crate::{
    client::Client,
    error::{ApiError, Error},
};

/// How long a ticket may take: they are pushed every ten minutes.
pub const TICKET_PATIENCE: Duration = Duration::from_mins(11);
/// How often the vault is asked whether another process got the ticket.
const POLL: Duration = Duration::from_secs(1);

/// How a ticket was recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// The ticket that is kept still gives a token: nothing was lost.
    StillGood,
    /// A new ticket came, and gives a token.
    NewTicket,
}

/// Tells those who wait that a ticket came.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    count: AtomicU64,
    bell: Notify,
}

impl Arrivals {
    pub(super) fn note(&self) {
        self.count.fetch_add(1, Ordering::Release);
        self.bell.notify_waiters();
    }

    /// What is there before anything is done about it.
    pub(super) async fn before<'a>(
        &'a self,
        vault: &'a dyn Vault,
        key: VaultKey,
    ) -> Result<Before<'a>, Error> {
        Ok(Before {
            since: self.count(),
            old: load(vault, &key).await?,
            arrivals: self,
            vault,
            key,
        })
    }

    fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }
}

/// The ticket that was kept, and which of those that came was the last.
pub(super) struct Before<'a> {
    arrivals: &'a Arrivals,
    since: u64,
    old: Option<AppSecret>,
    vault: &'a dyn Vault,
    key: VaultKey,
}

impl Before<'_> {
    /// Tries the ticket that was kept, else waits for another, and proves it by a new token; none: no other came in time.
    /// `dead` hears why the old one gave no token.
    pub(super) async fn recover(
        &self,
        source: &impl Flies,
        client: &Client,
        patience: Duration,
        dead: impl FnOnce(&ApiError),
    ) -> Result<Option<Recovery>, Error> {
        let (flight, _) = source.flight();
        if self.old.is_some() {
            flight.forget();
            match source.token(client).await {
                Ok(_) => return Ok(Some(Recovery::StillGood)),
                Err(Error::Api(error)) => dead(&error),
                Err(other) => return Err(other),
            }
        }
        if !self.wait(patience).await? {
            return Ok(None);
        }
        flight.forget();
        source.token(client).await?;
        Ok(Some(Recovery::NewTicket))
    }

    /// Waits for a ticket that came since, or is another than the old one; whether one came in time.
    async fn wait(&self, patience: Duration) -> Result<bool, Error> {
        let end = Instant::now() + patience;
        loop {
            let bell = self.arrivals.bell.notified();
            if self.arrivals.count() != self.since {
                return Ok(true);
            }
            let kept = load(self.vault, &self.key).await?;
            if let Some(kept) = kept
                && (self.old.as_ref()).is_none_or(|old| old.expose() != kept.expose())
            {
                return Ok(true);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(false);
            }
            // Whichever comes first; both lead to another look.
            let _ = tokio::time::timeout(left.min(POLL), bell).await;
        }
    }
}
