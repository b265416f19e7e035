//! Where callbacks arrive: verify, decrypt, decode, write down, hand on, answer.
//!
//! Nothing is stored or forwarded that was not verified, and nothing is acknowledged that is not
//! stored. Every answer leaves within [`ANSWER_BUDGET`]; a reply that comes later is recorded and
//! not shown.

mod in_flight;

use std::{borrow::Cow, sync::Arc, time::Duration};

use axum::{extract::Request, response::Response};
use http::{HeaderValue, Method, StatusCode, header};
use tokio::time::Instant;
use xinqiao_http::{BodyError, BodyLimit, read_body};
use xinqiao_message::{
    dedup,
    envelope::{self, CallbackQuery, EnvelopeError, Keys, Opened, Wrapping},
    inbound::{Form, Message},
};
use xinqiao_store::{Answer, Appended, DedupKey, EventRef, NewEvent, StoreError};
use xinqiao_types::{AppId, CallbackMode};

pub(crate) use self::in_flight::{Entry, InFlight, Lead, Outcome};
use crate::{
    deliver::{self, Parcel},
    directory::{Account, LastProblem},
    problem::{Problem, plain},
    shared::Shared,
};

/// The platform waits five seconds; the answer leaves well before, on a busy machine too.
pub(crate) const ANSWER_BUDGET: Duration = Duration::from_millis(4_500);
/// Callbacks are small; the platform's largest are far below this.
const BODY_BYTES: usize = 1 << 20;
/// How long a callback's body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(4);
/// How often the store is asked for an answer that somebody else works on.
const POLL: Duration = Duration::from_millis(150);

/// Handles a request to an account's callback address.
pub(crate) async fn handle(
    shared: &Arc<Shared>,
    account: &Arc<Account>,
    request: Request,
) -> Response {
    let arrived = Instant::now();
    let method = request.method().clone();
    let result = match method {
        Method::GET => handshake(shared, account, &request),
        Method::POST => callback(shared, account, request, arrived).await,
        _ => Err(Problem::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "callback.method",
            "a callback address takes GET (the check of the URL) and POST (callbacks)",
            "",
        )),
    };
    shared.metrics.answer_time.record(arrived.elapsed());
    result.unwrap_or_else(|problem| refuse(shared, account, problem))
}

/// The answer to a callback for an appid that is not configured.
pub(crate) fn unknown_account(appid: &str) -> Problem {
    let appid: String = appid
        .chars()
        .take(64)
        .filter(char::is_ascii_graphic)
        .collect();
    Problem::new(
        StatusCode::NOT_FOUND,
        "callback.account.unknown",
        format!("no account {appid} is configured here"),
        "Add an [[account]] with this appid to the configuration, or correct the URL in the console.",
    )
}

fn refuse(shared: &Shared, account: &Account, problem: Problem) -> Response {
    if problem.status == StatusCode::SERVICE_UNAVAILABLE {
        shared.metrics.callbacks_shed.add();
    } else {
        shared.metrics.callbacks_refused.add();
    }
    let appid = &account.config.appid;
    tracing::warn!(%appid, rule = problem.rule, cause = %problem.cause, "A callback was refused.");
    account.note_problem(LastProblem {
        time: shared.now(),
        rule: problem.rule,
        cause: problem.cause.clone().into_owned(),
    });
    axum::response::IntoResponse::into_response(problem)
}

fn keys(account: &Account) -> Result<&Keys, Problem> {
    account.keys.as_ref().ok_or_else(|| {
        Problem::new(
            StatusCode::FORBIDDEN,
            "callback.token.missing",
            format!(
                "no callback Token is configured for {}",
                account.config.appid
            ),
            "Set token (and aes_key) of this [[account]] to the values in the console.",
        )
    })
}

fn handshake(shared: &Shared, account: &Account, request: &Request) -> Result<Response, Problem> {
    let query = CallbackQuery::parse(request.uri().query().unwrap_or(""));
    let echo = envelope::verify_url(keys(account)?, &query, shared.context.clock.unix())
        .map_err(|error| envelope_problem(&error))?;
    tracing::info!(appid = %account.config.appid, "The callback URL was checked.");
    Ok(plain(StatusCode::OK, echo.body().to_owned()))
}

async fn callback(
    shared: &Arc<Shared>,
    account: &Arc<Account>,
    request: Request,
    arrived: Instant,
) -> Result<Response, Problem> {
    let keys = keys(account)?;
    let (parts, body) = request.into_parts();
    let limit = BodyLimit {
        bytes: BODY_BYTES,
        time: BODY_TIME,
    };
    let body = read_body(body, limit)
        .await
        .map_err(|error| body_problem(&error))?;
    let query = CallbackQuery::parse(parts.uri.query().unwrap_or(""));
    let opened = envelope::open(keys, &query, &body, shared.context.clock.unix())
        .map_err(|error| envelope_problem(&error))?;
    let Opened {
        xml,
        mode,
        wrapping,
        ..
    } = opened;
    if mode == CallbackMode::Plain && !account.config.allow_plain {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "callback.mode.plain",
            "the callback came in plain mode, where the signature does not cover the body",
            "Choose safe mode in the console, or set allow_plain = true for this account.",
        ));
    }
    let message = Message::parse(xml).map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            error.rule(),
            error.to_string(),
            "The decrypted body is not a WeChat message; check which program sent it.",
        )
    })?;
    let now = shared.now();
    account.note_callback(now);
    // A repeat has the same MsgId, or the same time; both grow.
    let order = message.head.msg_id.unwrap_or(message.head.time.0 as u64);
    let recipe = dedup::key(&message);
    let dedup = shared
        .store
        .dedup_key(&account.config.appid, order, &recipe);
    let answer = if account.routes.is_empty() {
        settle(shared, account, message, dedup, arrived).await?
    } else {
        // A platform that hangs up in the middle must not leave a stored event without its delivery.
        let (shared, account) = (Arc::clone(shared), Arc::clone(account));
        let tasks = shared.tasks.clone();
        tasks
            .spawn(async move { settle(&shared, &account, message, dedup, arrived).await })
            .await
            .map_err(|_| shed("the gateway is stopping"))??
    };
    Ok(answer_response(shared, keys, mode, wrapping, &answer))
}

/// Stores the event, or finds it stored, and waits for its answer as long as there is time.
async fn settle(
    shared: &Arc<Shared>,
    account: &Arc<Account>,
    message: Message,
    dedup: DedupKey,
    arrived: Instant,
) -> Result<Answer, Problem> {
    let deadline = arrived + ANSWER_BUDGET;
    if account.routes.is_empty() {
        // Nobody answers: stored is done. The store tells repeats apart.
        append(shared, account, &message, dedup, &[], deadline).await?;
        return Ok(Answer::Silent);
    }
    let lead = match shared.in_flight.enter(dedup) {
        Entry::First(lead) => lead,
        Entry::Joined(slot) => {
            shared.metrics.callbacks_repeat.add();
            return match slot.wait(deadline).await {
                Outcome::Settled(answer) => Ok(answer),
                Outcome::TooLate | Outcome::Pending => Ok(Answer::Silent),
                Outcome::Failed => Err(shed("the first of this event could not be stored")),
            };
        }
    };
    let apps: Vec<&str> = account.routes.iter().map(|route| &*route.app).collect();
    let appended = append(shared, account, &message, dedup, &apps, deadline).await?;
    let (event, deliveries) = match appended {
        Appended::Repeat { event, answer } => {
            let answer = match answer {
                Some(answer) => answer,
                None => await_stored(shared, &account.config.appid, event, deadline).await,
            };
            lead.settle(answer.clone());
            return Ok(answer);
        }
        Appended::New { event, deliveries } => (event, deliveries),
    };
    let slot = lead.slot();
    let parcel = Arc::new(Parcel::new(account, event, message));
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
        store_silence(shared, &account.config.appid, event);
        return Ok(Answer::Silent);
    }
    match slot.wait(deadline).await {
        Outcome::Settled(answer) => Ok(answer),
        Outcome::TooLate | Outcome::Failed => Ok(Answer::Silent),
        Outcome::Pending => match slot.expire() {
            Some(answer) => Ok(answer),
            None => {
                shared.metrics.callbacks_late.add();
                let appid = &account.config.appid;
                tracing::warn!(%appid, event_id = %event, rule = "callback.slow",
                    "The app was too slow; the platform got silence.");
                store_silence(shared, appid, event);
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
    account: &Account,
    message: &Message,
    dedup: DedupKey,
    apps: &[&str],
    deadline: Instant,
) -> Result<Appended, Problem> {
    let now = shared.now();
    let kind = match (message.event(), message.info_type()) {
        (Some(event), _) => Cow::Owned(format!("event.{event}")),
        (None, Some(info)) => Cow::Owned(format!("info.{info}")),
        (None, None) => Cow::Borrowed(message.msg_type()),
    };
    let hold = account
        .routes
        .iter()
        .map(|route| route.timeout)
        .max()
        .unwrap_or_default();
    let event = NewEvent {
        appid: &account.config.appid,
        dedup,
        kind: &kind,
        received: now,
        body: message.raw(),
        apps,
        held_until: now.plus(deliver::hold_ms(hold)),
    };
    // Not acknowledged in time is not acknowledged; what was written after all is found by the repeat.
    let appended = tokio::time::timeout_at(deadline, shared.store.append(event))
        .await
        .map_err(|_| shed("the store took too long"))?
        .map_err(|error| store_problem(&error))?;
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
        match shared.store.answer(appid, event).await {
            Ok(Some(answer)) => return answer,
            Ok(None) if Instant::now() + POLL < deadline => tokio::time::sleep(POLL).await,
            Ok(None) => return Answer::Silent,
            Err(error) => {
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
    let (nonce, random) = deliver::nonce(&*shared.context.entropy);
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
        _ => (
            "callback.body",
            "The sender broke off or is very slow; check the way between.",
        ),
    };
    Problem::new(error.status(), rule, error.to_string(), remedy)
}

fn envelope_problem(error: &EnvelopeError) -> Problem {
    let rule = error.rule();
    let status = match error {
        EnvelopeError::Signature { .. }
        | EnvelopeError::MissingSignature { .. }
        | EnvelopeError::ReceiverId { .. }
        | EnvelopeError::PlainRefused => StatusCode::FORBIDDEN,
        EnvelopeError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        _ => StatusCode::BAD_REQUEST,
    };
    let remedy = xinqiao_catalog::diagnosis(rule)
        .map(|diagnosis| diagnosis.remedy_en.join(" "))
        .unwrap_or_default();
    Problem::new(status, rule, error.to_string(), remedy)
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
    tracing::error!(%error, "A callback could not be stored.");
    shed(error.to_string())
}
