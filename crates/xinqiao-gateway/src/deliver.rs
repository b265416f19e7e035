//! Handing a stored event to an app: over the WeChat face, signed and encrypted with the app's own
//! keys, exactly as the platform would.
//!
//! A delivery is at least once: it is finished only when the app took it, and that is written down.
//! While the platform waits, failures are tried again within its time; after that on the schedule,
//! to about 72 hours.

mod attempt;
mod push;
mod schedule;
mod worker;

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::time::Instant;
use xinqiao_message::{inbound::Message, push::Speaker};
use xinqiao_store::{Answer, EventRef, Finish, Held, Verdict};
use xinqiao_types::AppId;

use self::attempt::{Attempted, attempt};
pub(crate) use self::worker::worker;
use crate::{
    SlowReply,
    directory::{Place, Route},
    in_flight::Lead,
    shared::Shared,
};

/// Pauses between attempts while the platform waits: an app that restarts is back in time.
const QUICK_PAUSES_MS: [u64; 4] = [150, 400, 900, 1500];
/// An attempt is only begun if the app has this long for an answer that still counts.
const QUICK_MARGIN: Duration = Duration::from_millis(400);

/// An event on its way, shared by its deliveries.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) place: Place,
    pub(crate) appid: AppId,
    pub(crate) event: EventRef,
    pub(crate) message: Message,
    /// Who a reply speaks for.
    pub(crate) speaker: Speaker,
}

impl Parcel {
    pub(crate) fn new(place: Place, event: EventRef, message: Message) -> Self {
        let speaker = place.account.speaker(&message);
        Self {
            appid: place.appid().into_owned(),
            place,
            event,
            message,
            speaker,
        }
    }
}

/// How long a delivery whose app may take `timeout` is held before somebody else may take it up.
pub(crate) fn hold_ms(timeout: Duration) -> i64 {
    timeout.as_millis() as i64 + 30_000
}

/// Carries out one delivery beside the request. With a `lead`, the app's reply settles the
/// platform's answer; with a `deadline`, quick repeats end there.
pub(crate) fn spawn(
    shared: &Arc<Shared>,
    route: &Arc<Route>,
    parcel: &Arc<Parcel>,
    held: Held,
    attempts: u32,
    lead: Option<Lead>,
    deadline: Option<Instant>,
) {
    let (shared, route, parcel) = (Arc::clone(shared), Arc::clone(route), Arc::clone(parcel));
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        run(&shared, &route, &parcel, held, attempts, lead, deadline).await;
    });
}

/// What an attempt came to. One that panics has failed like any other: it is counted, and tried again.
async fn ended(attempt: impl Future<Output = Attempted>) -> Attempted {
    let ended = AssertUnwindSafe(attempt).catch_unwind().await;
    ended.unwrap_or_else(|_| Attempted::Failed {
        status: None,
        rule: "delivery.panicked",
        detail: "the gateway itself failed; its log says where".to_owned(),
    })
}

async fn run(
    shared: &Arc<Shared>,
    route: &Route,
    parcel: &Parcel,
    held: Held,
    mut attempts: u32,
    lead: Option<Lead>,
    deadline: Option<Instant>,
) {
    let mut pauses = QUICK_PAUSES_MS.into_iter();
    let (attempted, elapsed_ms) = loop {
        attempts += 1;
        let begun = Instant::now();
        let attempted = ended(attempt(shared, route, parcel)).await;
        let elapsed_ms = begun.elapsed().as_millis() as i64;
        if !matches!(attempted, Attempted::Failed { .. }) {
            break (attempted, elapsed_ms);
        }
        let pause = pauses.next().map(Duration::from_millis);
        match (pause, deadline) {
            (Some(pause), Some(deadline)) if Instant::now() + pause + QUICK_MARGIN < deadline => {
                tokio::time::sleep(pause).await;
            }
            _ => break (attempted, elapsed_ms),
        }
    };
    let at = shared.now();
    let (event_id, appid, app) = (parcel.event, &parcel.appid, &*route.app);
    let mut finish = Finish {
        held,
        event: parcel.event,
        appid: parcel.appid.clone(),
        at,
        attempts,
        verdict: Verdict::Delivered,
        answer: None,
        status: None,
        elapsed_ms,
        rule: None,
        detail: None,
    };
    let answer = match attempted {
        Attempted::Taken { status, answer } => {
            finish.status = Some(status);
            shared.metrics.deliveries_done.add();
            answer
        }
        Attempted::Illegal {
            status,
            rule,
            detail,
        } => {
            // The app took it; what it said cannot be shown. Trying again would not change that.
            tracing::warn!(
                %event_id, %appid, app, rule, detail,
                "The app's reply cannot be shown."
            );
            shared.metrics.deliveries_illegal.add();
            finish.status = Some(status);
            finish.rule = Some(rule);
            finish.detail = Some(detail);
            Answer::Silent
        }
        Attempted::Withheld => {
            tracing::warn!(
                %event_id, %appid, app, rule = "delivery.withheld",
                "A message with a document type is kept from the app."
            );
            shared.metrics.deliveries_dead.add();
            finish.verdict = Verdict::Dead;
            finish.rule = Some("delivery.withheld");
            finish.detail = Some("the message has a DOCTYPE; it is kept here".to_owned());
            Answer::Silent
        }
        Attempted::Failed {
            status,
            rule,
            detail,
        } => {
            shared.metrics.deliveries_failed.add();
            finish.verdict = match schedule::next(attempts, &*shared.context.entropy) {
                Some(pause_ms) => Verdict::Again(at.plus(pause_ms)),
                None => {
                    shared.metrics.deliveries_dead.add();
                    Verdict::Dead
                }
            };
            tracing::warn!(
                %event_id, %appid, app, attempt = attempts, rule, detail, again = ?finish.verdict,
                "A delivery failed."
            );
            finish.status = status;
            finish.rule = Some(rule);
            finish.detail = Some(detail);
            Answer::Silent
        }
    };
    let mut late = None;
    if route.primary {
        let in_time = lead.as_ref().is_none_or(|lead| lead.settle(answer.clone()));
        if in_time {
            finish.answer = Some(answer);
        } else if matches!(finish.verdict, Verdict::Delivered) {
            tracing::warn!(
                %event_id, %appid, app, elapsed_ms, rule = "callback.slow",
                "The app's reply came too late to be shown."
            );
            finish.verdict = Verdict::Late;
            finish.rule = finish.rule.or(Some("callback.slow"));
            finish
                .detail
                .get_or_insert_with(|| late_detail(&answer, elapsed_ms));
            // Only what was delivered beside the request: of a later attempt the user may have the reply already.
            if let (Answer::Reply(xml), SlowReply::Push, Some(_)) = (answer, route.slow, deadline) {
                finish.rule = Some(push::BEGUN);
                finish.detail = Some("sending began, and its end is not written down".to_owned());
                // Whatever asks for it from now on gets silence: the user has the reply from us.
                finish.answer = Some(Answer::Silent);
                late = Some((finish.clone(), xml));
            }
        }
    }
    match shared.store.finish(finish).await {
        Ok(true) => {
            if let Some((finish, xml)) = late {
                let pushed = push::push(shared, parcel, &xml).await;
                finish_pushed(shared, finish, pushed).await;
            }
        }
        Ok(false) => tracing::info!(
            %event_id, %appid, app,
            "A delivery was taken up again before this attempt ended; what came of it does not count."
        ),
        // It stays pending and is delivered again: twice is better than never.
        Err(error) => {
            tracing::error!(%event_id, %error, "The end of a delivery could not be stored.");
        }
    }
    shared.due.notify_one();
    // Only now do repeats of the event ask the store.
    drop(lead);
}

/// Writes down what came of sending a late reply.
async fn finish_pushed(shared: &Shared, mut finish: Finish, pushed: push::Pushed) {
    let event_id = finish.event;
    finish.at = shared.now();
    finish.rule = Some(pushed.rule);
    finish.detail = Some(pushed.detail).filter(|detail| !detail.is_empty());
    if let Err(error) = shared.store.finish(finish).await {
        tracing::error!(%event_id, %error, "What came of a customer message could not be stored.");
    }
}

fn late_detail(answer: &Answer, elapsed_ms: i64) -> String {
    match answer {
        Answer::Silent => format!("the app answered after {elapsed_ms} ms, with nothing to show"),
        Answer::Reply(xml) => format!(
            "the app answered after {elapsed_ms} ms with a reply of {} bytes that was not shown; \
             answer success at once and send a customer message instead",
            xml.len()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_attempt_that_panics_is_a_failed_attempt() {
        let attempted = ended(async { panic!("on purpose") }).await;
        let Attempted::Failed { rule, .. } = attempted else {
            panic!("{attempted:?}");
        };
        assert_eq!(rule, "delivery.panicked");
    }
}
