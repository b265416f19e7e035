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
    component::load,
    vault::{Vault, VaultKey},
};
use crate::error::Error;

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

    /// Waits for a ticket that came after `since`, or is another than `old`; whether one came in time.
    pub(super) async fn wait(
        &self,
        since: u64,
        (vault, key): (&dyn Vault, &VaultKey),
        old: Option<&AppSecret>,
        patience: Duration,
    ) -> Result<bool, Error> {
        let end = Instant::now() + patience;
        loop {
            let bell = self.bell.notified();
            if self.count() != since {
                return Ok(true);
            }
            let kept = load(vault, key).await?;
            if let Some(kept) = kept
                && old.is_none_or(|old| old.expose() != kept.expose())
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

    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Acquire)
    }
}
