//! Takes up deliveries that are due: what failed before, and what an earlier run left behind.

use std::{sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use xinqiao_message::inbound::Message;
use xinqiao_store::{Claimed, Finish, Verdict};

use super::{Parcel, hold_ms};
use crate::{
    in_flight::{Entry, Lead},
    shared::Shared,
};

/// Deliveries taken up at once; more wait for the next round.
const CLAIM: u32 = 64;
/// Deliveries and refreshes that are under way when no more are taken up.
const AT_ONCE: usize = 512;
/// A round is made at least this often: what another node that is gone has left is due some time.
const ROUND: Duration = Duration::from_secs(5);
/// A claimed delivery is held for the longest time that any app may take.
const HOLD: Duration = Duration::from_mins(5);

/// Runs until told to stop.
pub(crate) async fn worker(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let claimed = tokio::select! {
            () = stop.cancelled() => return,
            claimed = round(&shared) => claimed,
        };
        if claimed == CLAIM as usize {
            continue;
        }
        let pause = pause(&shared).await;
        tokio::select! {
            () = stop.cancelled() => return,
            () = shared.due.notified() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// How long until something is due.
async fn pause(shared: &Shared) -> Duration {
    match shared.store.next_due(shared.now()).await {
        Ok(Some(due)) => {
            let ms = due.0.saturating_sub(shared.now().0).max(0) as u64;
            Duration::from_millis(ms).min(ROUND)
        }
        Ok(None) => ROUND,
        Err(error) => {
            tracing::error!(%error, "The store does not say what is due.");
            Duration::from_secs(1)
        }
    }
}

/// Takes up what is due now. Returns how many.
async fn round(shared: &Arc<Shared>) -> usize {
    // What hangs at apps must not take every socket: what is left stays in the store, where it is safe.
    let room = AT_ONCE.saturating_sub(shared.tasks.len());
    if room == 0 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        return 0;
    }
    let now = shared.now();
    let many = CLAIM.min(u32::try_from(room).unwrap_or(CLAIM));
    let claimed = match shared.store.claim(now, many, now.plus(hold_ms(HOLD))).await {
        Ok(claimed) => claimed,
        Err(error) => {
            tracing::error!(%error, "Due deliveries could not be taken up.");
            tokio::time::sleep(Duration::from_secs(1)).await;
            return 0;
        }
    };
    let count = claimed.len();
    for delivery in claimed {
        take_up(shared, delivery).await;
    }
    count
}

async fn take_up(shared: &Arc<Shared>, claimed: Claimed) {
    let place = shared.directory.place(claimed.appid.as_str());
    let found = place.and_then(|place| {
        let route = Arc::clone(place.account.route(&claimed.app)?);
        Some((place, route))
    });
    let Some((place, route)) = found else {
        let reason = "this app is no longer configured for the account";
        return give_up(shared, &claimed, "delivery.app.unknown", reason).await;
    };
    let message = Message::read(claimed.body);
    // A repeat from the platform that comes meanwhile joins this delivery.
    let lead: Option<Lead> = match shared.in_flight.enter(claimed.dedup) {
        Entry::First(lead) if route.primary => {
            lead.stored();
            Some(lead)
        }
        Entry::First(_) | Entry::Joined(_) => None,
    };
    let parcel = Parcel::new(place, claimed.event, message);
    super::spawn(
        shared,
        &route,
        &Arc::new(parcel),
        claimed.held,
        claimed.attempts,
        lead,
        None,
    );
}

async fn give_up(shared: &Shared, claimed: &Claimed, rule: &'static str, detail: &str) {
    tracing::warn!(event_id = %claimed.event, app = claimed.app, rule, "A delivery is given up.");
    let finish = Finish {
        held: claimed.held,
        event: claimed.event,
        appid: claimed.appid.clone(),
        at: shared.now(),
        attempts: claimed.attempts,
        verdict: Verdict::Dead,
        answer: None,
        status: None,
        elapsed_ms: 0,
        rule: Some(rule),
        detail: Some(detail.to_owned()),
    };
    shared.metrics.deliveries_dead.add();
    if let Err(error) = shared.store.finish(finish).await {
        tracing::error!(
            event_id = %claimed.event, %error,
            "The end of a delivery could not be stored."
        );
    }
}
