//! Where callbacks arrive: verify, decrypt, decode, write down, hand on, answer.
//!
//! Nothing is stored or forwarded that was not verified, and nothing is acknowledged that is not
//! stored. Every answer leaves within [`ANSWER_BUDGET`]; a reply that comes later is recorded and
//! not shown.

mod refusal;
mod ticket;

use std::{borrow::Cow, net::IpAddr, sync::Arc, time::Duration};

use axum::{extract::Request, response::Response};
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use tokio::time::Instant;
use xinqiao_http::{BodyError, BodyLimit, peer_in, peer_of, read_body};
use xinqiao_message::{
    dedup,
    envelope::{self, CallbackQuery, Keys, Opened, Wrapping},
    inbound::{Form, Message},
};
use xinqiao_store::{
    Answer, Appended, DedupKey, EventRef, Mark, Millis, NewEvent, Proof, StoreError,
};
use xinqiao_types::{AppId, CallbackMode};

use crate::{
    deliver::{self, Parcel},
    directory::{Account, Place},
    in_flight::{Entry, Outcome},
    problem::{Problem, forbidden, plain},
    shared::Shared,
};

/// The platform waits five seconds; the answer leaves well before, on a busy machine too.
pub(crate) const ANSWER_BUDGET: Duration = Duration::from_millis(4_500);
/// Callbacks are small; the platform's largest are far below this.
const BODY_BYTES: usize = 1 << 20;
/// How long a callback's body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(4);
/// What is left for a store that answers at the last moment.
const STORE_MARGIN: Duration = Duration::from_millis(150);
/// How long a store may take that nobody waits for any more.
const STORE_TIME: Duration = Duration::from_secs(30);
/// How often the store is asked for an answer that somebody else works on.
const POLL: Duration = Duration::from_millis(150);

/// Handles a request to a callback address.
pub(crate) async fn handle(shared: &Arc<Shared>, place: Place, request: Request) -> Response {
    let arrived = Instant::now();
    let peer = peer_of(&request);
    let account = Arc::clone(&place.account);
    let result = match *request.method() {
        Method::GET => Ok(handshake(shared, &place, &request)),
        Method::POST => callback(shared, place, request, arrived).await,
        _ => Err(Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "callback.method",
            "a callback address takes GET (the check of the URL) and POST (callbacks)",
            "",
        )),
    };
    shared.metrics.answer_time.record(arrived.elapsed());
    result.unwrap_or_else(|problem| refuse(shared, &account, peer, problem))
}

/// Refuses what was not looked at: its method, size or time is wrong, or there is no room. It says nothing of
/// how the account is set up, so it does not stand in the way of an explanation that does.
fn refuse(shared: &Shared, account: &Account, peer: IpAddr, problem: Problem) -> Response {
    let shed = problem.status == StatusCode::SERVICE_UNAVAILABLE;
    if shed {
        shared.metrics.callbacks_shed.add();
    } else {
        shared.metrics.callbacks_refused.add();
    }
    let (appid, rule, cause) = (&account.config.appid, problem.rule, &*problem.cause);
    if shared.refusals.admits(rule, peer) {
        if rule == "store.overloaded" {
            tracing::error!(%appid, rule, cause, %peer, "A callback could not be taken.");
        } else {
            tracing::warn!(%appid, rule, cause, %peer, "A callback was refused.");
        }
    }
    if shed {
        axum::response::IntoResponse::into_response(problem)
    } else {
        forbidden()
    }
}

fn handshake(shared: &Arc<Shared>, place: &Place, request: &Request) -> Response {
    let raw = request.uri().query().unwrap_or("");
    let query = CallbackQuery::parse(raw);
    let now = shared.context.clock.unix();
    match envelope::verify_url(&place.account.keys, &query, now) {
        Ok(echo) => {
            tracing::info!(appid = %place.appid(), "The callback URL was checked.");
            plain(StatusCode::OK, echo.into_body())
        }
        Err(error) => {
            let address = request.uri().path();
            let from = refusal::Sender {
                peer: peer_of(request),
                address,
            };
            refusal::refuse(shared, place, &from, raw, Bytes::new(), error)
        }
    }
}

async fn callback(
    shared: &Arc<Shared>,
    mut place: Place,
    request: Request,
    arrived: Instant,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let limit = BodyLimit {
        bytes: BODY_BYTES,
        time: BODY_TIME,
    };
    let body = read_body(body, limit)
        .await
        .map_err(|error| body_problem(&error))?;
    let raw = parts.uri.query().unwrap_or("");
    let query = CallbackQuery::parse(raw);
    let refused = |place: &Place, error| {
        let from = refusal::Sender {
            peer: peer_in(&parts.extensions),
            address: parts.uri.path(),
        };
        Ok(refusal::refuse(
            shared,
            place,
            &from,
            raw,
            body.clone(),
            error,
        ))
    };
    let account = Arc::clone(&place.account);
    let keys = &account.keys;
    let now = shared.context.clock.now();
    let opened = match envelope::open(keys, &query, &body, now.into()) {
        Ok(opened) => opened,
        Err(error) => return refused(&place, error),
    };
    let Opened {
        xml,
        mode,
        wrapping,
        receiver,
        proof,
        ..
    } = opened;
    // It was verified: whatever it is, it is kept.
    let message = Message::read(xml);
    if let Err(error) = place.settle(receiver.as_deref(), &message) {
        return refused(&place, error);
    }
    let now = Millis(now.as_millisecond());
    account.note_callback(now);
    // A repeat has the same MsgId, or the same time; both grow.
    let order = message.head.msg_id.unwrap_or(message.head.time.0 as u64);
    let recipe = dedup::key(&message);
    // By the account: no signature covers the rest of the address, so what was captured must not become
    // another event by being sent to another one.
    let dedup = shared
        .store
        .dedup_key(&account.config.appid, order, &recipe);
    let verified = Verified {
        place,
        message,
        dedup,
        received: now,
        mode,
        proof: proof.into(),
    };
    let answer = if account.routes.is_empty() {
        settle(shared, verified, arrived).await?
    } else {
        // A platform that hangs up in the middle must not leave a stored event without its delivery.
        let shared = Arc::clone(shared);
        let tasks = shared.tasks.clone();
        let settled = tasks.spawn(async move { settle(&shared, verified, arrived).await });
        // Not acknowledged in time is not acknowledged; what is written after all is delivered, and the repeat joins.
        tokio::time::timeout_at(arrived + ANSWER_BUDGET + STORE_MARGIN, settled)
            .await
            .map_err(|_| shed("the store took too long"))?
            .map_err(|_| shed("the gateway is stopping"))??
    };
    let other = receiver.map(|receiver| keys.for_receiver(&receiver));
    let keys = other.as_ref().unwrap_or(keys);
    Ok(answer_response(shared, keys, mode, wrapping, &answer))
}

/// A callback that was verified, and whose.
struct Verified {
    place: Place,
    message: Message,
    dedup: DedupKey,
    received: Millis,
    mode: CallbackMode,
    proof: Proof,
}

/// Stores the event, or finds it stored, and waits for its answer as long as there is time.
async fn settle(
    shared: &Arc<Shared>,
    verified: Verified,
    arrived: Instant,
) -> Result<Answer, Problem> {
    let deadline = arrived + ANSWER_BUDGET;
    let account = &Arc::clone(&verified.place.account);
    if account.routes.is_empty() {
        // Nobody answers: stored is done. The store tells repeats apart.
        append(shared, &verified, &[], deadline).await?;
        return Ok(Answer::Silent);
    }
    let dedup = verified.dedup;
    let appid = verified.place.appid().into_owned();
    let lead = match shared.in_flight.enter(dedup) {
        Entry::First(lead) => lead,
        Entry::Joined(slot) => {
            shared.metrics.callbacks_repeat.add();
            let answer = slot.joined(deadline).await;
            return answer.ok_or_else(|| shed("the first of this event is not stored"));
        }
    };
    let apps: Vec<&str> = account.routes.iter().map(|route| &*route.app).collect();
    let appended = append(shared, &verified, &apps, deadline).await?;
    lead.stored();
    let (event, deliveries) = match appended {
        Appended::Repeat { event, answer } => {
            let answer = match answer {
                Some(answer) => answer,
                None => await_stored(shared, &appid, event, deadline).await,
            };
            lead.settle(answer.clone());
            return Ok(answer);
        }
        Appended::New { event, deliveries } => (event, deliveries),
    };
    // Nobody listens any more: the answer is the repeat's.
    let is_late = Instant::now() >= deadline;
    let slot = lead.slot();
    let parcel = Arc::new(Parcel::new(verified.place, event, verified.message));
    let mut lead = Some(lead);
    for (route, delivery) in account.routes.iter().zip(deliveries) {
        let lead = if route.primary { lead.take() } else { None };
        deliver::spawn(shared, route, &parcel, delivery, 0, lead, Some(deadline));
    }
    if !account.has_primary {
        // Watchers only: nobody settles the answer but we.
        if let Some(lead) = lead {
            lead.settle(Answer::Silent);
        }
        store_silence(shared, &appid, event);
        return Ok(Answer::Silent);
    }
    if is_late {
        return Err(shed("the store took too long"));
    }
    match slot.wait(deadline).await {
        Outcome::Settled(answer) => Ok(answer),
        Outcome::TooLate | Outcome::Failed => Ok(Answer::Silent),
        Outcome::Pending | Outcome::Stored => match slot.expire() {
            Some(answer) => Ok(answer),
            None => {
                shared.metrics.callbacks_late.add();
                tracing::warn!(%appid, event_id = %event, rule = "callback.slow",
                    "The app was too slow; the platform got silence.");
                store_silence(shared, &appid, event);
                Ok(Answer::Silent)
            }
        },
    }
}

/// Settles an event's answer as silence, beside the request.
fn store_silence(shared: &Arc<Shared>, appid: &AppId, event: EventRef) {
    let (shared, appid) = (Arc::clone(shared), appid.clone());
    let tasks = shared.tasks.clone();
    tasks.spawn(async move {
        let now = shared.now();
        if let Err(error) = shared
            .store
            .set_answer(&appid, event, Answer::Silent, now)
            .await
        {
            tracing::error!(event_id = %event, %error, "An answer could not be stored.");
        }
    });
}

async fn append(
    shared: &Arc<Shared>,
    verified: &Verified,
    apps: &[&str],
    deadline: Instant,
) -> Result<Appended, Problem> {
    let (account, message) = (&verified.place.account, &verified.message);
    let appid = &*verified.place.appid();
    let kind = match (message.event(), message.info_type()) {
        (Some(event), _) => Cow::Owned(format!("event.{event}")),
        (None, Some(info)) => Cow::Owned(format!("info.{info}")),
        (None, None) if !message.reading().is_read() => Cow::Borrowed(message.reading().name()),
        (None, None) => Cow::Borrowed(message.msg_type()),
    };
    let mark = message.reading().rule().map(|rule| Mark {
        reading: message.reading().name(),
        rule,
    });
    let hold = account
        .routes
        .iter()
        .map(|route| route.timeout)
        .max()
        .unwrap_or_default();
    let event = NewEvent {
        proof: verified.proof,
        appid,
        dedup: verified.dedup,
        kind: &kind,
        received: verified.received,
        body: message.raw(),
        mark,
        apps,
        held_until: verified.received.plus(deliver::hold_ms(hold)),
    };
    // Where somebody waits for it beside the request, it may come late.
    let until = if apps.is_empty() {
        deadline
    } else {
        deadline + STORE_TIME
    };
    let appended = tokio::time::timeout_at(until, shared.store.append(event))
        .await
        .map_err(|_| shed("the store took too long"))?
        .map_err(|error| store_problem(&error))?;
    // A repeat, too: it may be that the first of it was stored, and its ticket was not.
    ticket::keep(shared, account, message, verified.mode, deadline).await;
    if let Some(mark) = mark {
        tracing::warn!(%appid, reading = mark.reading, rule = mark.rule, "A message is not well-formed.");
    }
    match &appended {
        Appended::New { .. } => shared.metrics.callbacks_new.add(),
        Appended::Repeat { .. } => shared.metrics.callbacks_repeat.add(),
    }
    Ok(appended)
}

/// The event was stored by an earlier run or another node, and is being delivered: its answer will
/// be in the store.
async fn await_stored(
    shared: &Arc<Shared>,
    appid: &AppId,
    event: EventRef,
    deadline: Instant,
) -> Answer {
    shared.due.notify_one();
    loop {
        let answer = tokio::time::timeout_at(deadline, shared.store.answer(appid, event)).await;
        match answer {
            Ok(Ok(Some(answer))) => return answer,
            Ok(Ok(None)) if Instant::now() + POLL < deadline => tokio::time::sleep(POLL).await,
            Ok(Ok(None)) | Err(_) => return Answer::Silent,
            Ok(Err(error)) => {
                tracing::warn!(event_id = %event, %error, "A stored answer could not be read.");
                return Answer::Silent;
            }
        }
    }
}

/// What the platform gets: `success`, or the reply under the account's own keys.
fn answer_response(
    shared: &Shared,
    keys: &Keys,
    mode: CallbackMode,
    wrapping: Wrapping,
    answer: &Answer,
) -> Response {
    let xml = match answer {
        Answer::Silent => return plain(StatusCode::OK, "success"),
        Answer::Reply(xml) => xml,
    };
    let Ok(xml) = std::str::from_utf8(xml) else {
        return plain(StatusCode::OK, "success");
    };
    let (nonce, random) = envelope::chance(&*shared.context.entropy);
    let now = shared.context.clock.unix().0;
    match envelope::seal_reply_as(wrapping, keys, mode, xml, now, &nonce, random) {
        Ok(body) => {
            let mut response = plain(StatusCode::OK, body);
            let kind = HeaderValue::from_static(match wrapping.form() {
                Form::Xml => "text/xml; charset=utf-8",
                Form::Json => "application/json; charset=utf-8",
            });
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(error) => {
            tracing::error!(%error, rule = error.rule(), "A reply could not be sealed.");
            plain(StatusCode::OK, "success")
        }
    }
}

fn body_problem(error: &BodyError) -> Problem {
    let (rule, remedy) = match error {
        BodyError::TooLarge { .. } => (
            "callback.too_large",
            "No callback of the platform is this large; check who sends it.",
        ),
        BodyError::NoRoom => (
            "server.overloaded",
            "Nothing was acknowledged; the platform sends it again.",
        ),
        _ => (
            "callback.body",
            "The sender broke off or is very slow; check the way between.",
        ),
    };
    Problem::new(error.status(), rule, error.to_string(), remedy)
}

fn shed(cause: impl Into<Cow<'static, str>>) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "store.overloaded",
        cause,
        "Nothing was acknowledged; the platform sends it again.",
    )
}

fn store_problem(error: &StoreError) -> Problem {
    shed(error.to_string())
}
