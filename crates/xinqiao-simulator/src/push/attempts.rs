//! Attempts of a push: begun, repeated, given up. The turn decides what comes next; somebody else carries it out.
//!
//! Source: doc pages "接收普通消息", "消息推送失败告警指引".

use serde_json::{Value, json};
use xinqiao_message::push::Judgement;
use xinqiao_types::shanghai::DAY;

use super::{
    FAILED, Kinds, MARKED, NAME,
    deliveries::{self, Attempt, DELIVERIES, Delivery, keep},
    envelope::{Answered, PushKind, Replied},
    faults::{self, Harm},
    order::{Judged, PushOrder, PushOutcome, PushResult},
    receivers,
};
use crate::{
    accounts::{
        ACCOUNTS,
        rules::{self, Rule},
    },
    kernel::{
        Effect, Id, Turn,
        row::{Diagnosed, RowState, Words, diagnose},
    },
    people,
};

/// What is pushed, before it knows to whom.
#[derive(Debug, Clone)]
pub(crate) struct Content {
    pub(crate) plain: String,
    pub(crate) msg_type: String,
    pub(crate) event: Option<String>,
    pub(crate) msg_id: Option<String>,
    /// Whether the phone shows a notice when all attempts fail.
    pub(crate) notice: bool,
    /// Whether a reply may come back.
    pub(crate) replyable: bool,
}

/// To whom something is pushed.
#[derive(Debug, Clone)]
pub(crate) struct Addressee {
    pub(crate) id: Id,
    /// Who receives it in its place.
    pub(crate) receiver: Option<Id>,
    pub(crate) name: String,
    pub(crate) url: String,
}

/// What an answer was taken for.
#[derive(Debug)]
pub(crate) enum Taken {
    /// Silence, or a reply that was taken.
    Fine { judged: Judged, reply: Value },
    /// Not retried: the user sees the notice.
    Illegal {
        diagnosis: Diagnosed,
        detail: String,
    },
    /// Retried while attempts are left.
    Failed {
        diagnosis: Diagnosed,
        detail: String,
    },
}

/// Pushes something to an account's server, or to who receives it in its place. None if there is no server.
pub(crate) fn start(
    turn: &mut Turn<'_>,
    kind: &PushKind,
    appid: &Id,
    openid: &Id,
    content: Content,
) -> Option<u64> {
    let account = ACCOUNTS.get(turn.world, &**appid)?;
    let Some((receiver, url)) = receivers::address(turn.world, account) else {
        if let Some(receiver) = receivers::of(turn.world, appid).cloned() {
            nobody_there(turn, appid, &receiver);
        }
        return None;
    };
    let paused = account
        .callback
        .paused_until
        .is_some_and(|until| turn.now.0 < until);
    let to = Addressee {
        id: appid.clone(),
        receiver,
        name: account.name.clone(),
        url,
    };
    let user = people::user::behind(turn.world, appid, openid);
    let order = order(turn, kind, to, user, openid, &content);
    let number = order.delivery;
    begin(turn, order.clone(), &content, paused);
    if paused {
        not_pushed(turn, kind, &order, content.notice);
    }
    Some(number)
}

/// Pushes something about a person to an address that is no account's server.
pub(crate) fn start_to(
    turn: &mut Turn<'_>,
    kind: &PushKind,
    to: Addressee,
    person: (u64, &Id),
    content: Content,
) -> u64 {
    let (user, openid) = person;
    let nickname = people::user(turn.world, user).map(|user| user.nickname.to_string());
    let user = nickname.ok().map(|nickname| (user, nickname));
    let order = order(turn, kind, to, user, openid, &content);
    let number = order.delivery;
    begin(turn, order, &content, false);
    number
}

fn order(
    turn: &mut Turn<'_>,
    kind: &PushKind,
    to: Addressee,
    user: Option<(u64, String)>,
    openid: &Id,
    content: &Content,
) -> PushOrder {
    let delivery = turn.world.traffic_serial("delivery");
    if turn.cause.is_empty() {
        // What no act began is its own cause, so that its attempts and what the app does then stand together.
        turn.cause = deliveries::name(delivery);
    }
    PushOrder {
        delivery,
        attempt: 1,
        of: kind.envelope.attempts,
        cause: turn.cause.clone(),
        kind: kind.name.to_owned(),
        appid: to.id,
        receiver: to.receiver,
        account_name: to.name,
        user: user.as_ref().map(|(number, _)| people::user::name(*number)),
        user_name: user.map(|(_, nickname)| nickname),
        openid: openid.clone(),
        url: to.url,
        plain: content.plain.clone(),
        msg_type: content.msg_type.clone(),
        event: content.event.clone(),
        msg_id: content.msg_id.clone(),
        patient: turn.world.is_patient(),
        time: turn.now.0,
        fault: None,
    }
}

/// Keeps a delivery, and begins with its first attempt unless nothing is pushed for now.
fn begin(turn: &mut Turn<'_>, order: PushOrder, content: &Content, paused: bool) {
    let delivery = order.delivery;
    let kept = Delivery {
        order,
        attempts: Vec::new(),
        settled: paused,
        next_at: None,
        held: false,
        notice: content.notice,
        replyable: content.replyable,
        request: Value::Null,
        response: Value::Null,
        reply: Value::Null,
    };
    keep(turn.world, kept);
    if !paused {
        send(turn, delivery, 1);
    }
}

/// An attempt is due: it begins, unless a fault holds it up.
fn send(turn: &mut Turn<'_>, delivery: u64, attempt: u8) {
    let fault = faults::hit(turn, delivery);
    match fault.map(|fault| (fault.push, fault.delay_seconds)) {
        Some((Harm::Reorder, _)) => {
            deliveries::hold(turn.world, delivery, true);
            deliveries::note_handled(turn.world, delivery);
            turn.effects.push(Effect::Settled);
        }
        Some((Harm::Late, Some(seconds))) => {
            put_off(turn, delivery, attempt, turn.now.0 + i64::from(seconds));
        }
        _ => leave(turn, delivery, attempt),
    }
}

/// An attempt begins: the app is handling the push from now on.
fn leave(turn: &mut Turn<'_>, delivery: u64, attempt: u8) {
    deliveries::note_handled(turn.world, delivery);
    turn.effects.push(Effect::Send { delivery, attempt });
}

/// An attempt begins at this second only.
fn put_off(turn: &mut Turn<'_>, delivery: u64, attempt: u8, at: i64) {
    if let Some(kept) = DELIVERIES.get_mut(turn.world, &delivery) {
        kept.next_at = Some(at);
    }
    deliveries::note_handled(turn.world, delivery);
    turn.later(at, NAME, json!({"delivery": delivery, "attempt": attempt}));
    turn.effects.push(Effect::Settled);
}

/// What was answered already is sent once more, as a delivery of its own that is not tried again.
fn repeat(turn: &mut Turn<'_>, answered: u64) {
    let Some(old) = DELIVERIES.get(turn.world, &answered).cloned() else {
        return;
    };
    let number = turn.world.traffic_serial("delivery");
    let order = PushOrder {
        delivery: number,
        attempt: 1,
        of: 1,
        fault: None,
        ..old.order
    };
    let again = Delivery {
        order,
        attempts: Vec::new(),
        settled: false,
        notice: false,
        request: Value::Null,
        response: Value::Null,
        reply: Value::Null,
        ..old
    };
    keep(turn.world, again);
    leave(turn, number, 1);
}

/// A push went: those that faults held back for it follow.
fn release(turn: &mut Turn<'_>, gone: &PushOrder) {
    for number in deliveries::held_before(turn.world, &gone.appid, gone.delivery) {
        deliveries::hold(turn.world, number, false);
        if let Some(held) = DELIVERIES.get(turn.world, &number) {
            leave(turn, number, held.order.attempt);
        }
    }
}

/// Who receives an account's callbacks in its place has no address for them.
fn nobody_there(turn: &mut Turn<'_>, appid: &Id, receiver: &Id) {
    let name = |id: &Id| ACCOUNTS.get(turn.world, &**id).map(|own| own.name.clone());
    let (own, other) = (name(appid), name(receiver).unwrap_or_default());
    let mut row = turn.row(&super::CALLBACK, RowState::Warn);
    row.account = Some(appid.to_string());
    row.account_name = own;
    row.title = Words::new(
        format!("没有推送：{other} 代收消息，但没有接收地址"),
        format!("Not pushed: {other} receives the messages and has no address for them"),
    );
    row.subtitle = Words::same(format!(
        "PUT /_sim/v1/accounts/{receiver}/callback: message_url"
    ));
    row.label = Words::new("无地址", "no address");
    row.diagnosis = Some(diagnose("callback.no_server", None, None));
    turn.show(row);
}

/// MarkFail: after many failures nothing is pushed for a while.
fn not_pushed(turn: &mut Turn<'_>, kind: &PushKind, order: &PushOrder, notice: bool) {
    let mut row = turn.row(&super::CALLBACK, RowState::Error);
    row.account = Some(order.appid.to_string());
    row.account_name = Some(order.account_name.clone());
    row.user.clone_from(&order.user);
    row.user_name.clone_from(&order.user_name);
    row.title = Words::new(
        "没有推送：连续失败太多次",
        "Not pushed: too many failures in a row",
    );
    row.subtitle = Words::same(order.url.clone());
    row.label = Words::same("MarkFail");
    row.diagnosis = Some(diagnose("callback.mark_fail", None, None));
    turn.show(row);
    if notice {
        (kind.given_up)(turn, order);
    }
    turn.effects.push(Effect::Settled);
}

/// What came of an attempt: the reply is taken, or the next attempt begins, or the push is given up.
pub(crate) fn conclude(turn: &mut Turn<'_>, outcome: PushOutcome) -> Option<Judged> {
    let number = outcome.delivery;
    let delivery = DELIVERIES.get(turn.world, &number)?;
    if delivery.settled || delivery.order.attempt != outcome.attempt {
        return None;
    }
    let (order, replyable, notice) = (delivery.order.clone(), delivery.replyable, delivery.notice);
    let kind = turn.world.house.part::<Kinds>().of(&order)?;
    turn.cause.clone_from(&order.cause);
    let taken = take(turn, kind, &order, replyable, &outcome.result);
    let failed = !matches!(taken, Taken::Fine { .. });
    let what = json!({"account": &*order.appid, "ms": outcome.ms, "failed": failed});
    note(turn, outcome, &taken);
    turn.publish(super::ATTEMPTED, &what);
    if !order.meets(Harm::Drop) {
        release(turn, &order);
    }
    match taken {
        Taken::Fine { judged, reply } => {
            settle(turn, number, reply);
            if kind.to_server
                && let Some(account) = ACCOUNTS.get(turn.world, &*order.appid)
                && account.callback.failures > 0
                && let Some(account) = ACCOUNTS.get_mut(turn.world, &*order.appid)
            {
                account.callback.failures = 0;
            }
            if order.meets(Harm::Duplicate) {
                repeat(turn, number);
            }
            Some(judged)
        }
        Taken::Failed { diagnosis, detail } if order.attempt < order.of => {
            count_failure(turn, kind, &order, &diagnosis.rule);
            let next = order.attempt + 1;
            let wait = again(turn, kind, &order);
            Some(red(diagnosis, &detail, Some((next, wait))))
        }
        Taken::Illegal { diagnosis, detail } | Taken::Failed { diagnosis, detail } => {
            count_failure(turn, kind, &order, &diagnosis.rule);
            settle(turn, number, Value::Null);
            if notice {
                (kind.given_up)(turn, &order);
            }
            Some(red(diagnosis, &detail, None))
        }
    }
}

/// Writes an attempt down in its delivery.
fn note(turn: &mut Turn<'_>, outcome: PushOutcome, taken: &Taken) {
    let time = turn.world.now(outcome.started_ms).0;
    let (error, rule) = match taken {
        Taken::Fine { .. } => (None, None),
        Taken::Illegal { diagnosis, detail } | Taken::Failed { diagnosis, detail } => {
            (Some(detail.clone()), Some(diagnosis.rule.clone()))
        }
    };
    let (status, body) = match &outcome.result {
        PushResult::Answered { status, body, .. } => {
            (*status, String::from_utf8_lossy(body).into_owned())
        }
        PushResult::Failed { .. } => (0, String::new()),
    };
    let Some(delivery) = DELIVERIES.get_mut(turn.world, &outcome.delivery) else {
        return;
    };
    delivery.request =
        json!({"query": outcome.query, "headers": outcome.headers, "body": outcome.body});
    delivery.response = json!({"status": status, "body": body});
    delivery.attempts.push(Attempt {
        time,
        status,
        ms: outcome.ms,
        error,
        rule,
    });
}

fn take(
    turn: &mut Turn<'_>,
    kind: &PushKind,
    order: &PushOrder,
    replyable: bool,
    result: &PushResult,
) -> Taken {
    let answer = match result {
        PushResult::Failed { rule, message } => {
            return Taken::Failed {
                diagnosis: diagnose(rule, Some(message.clone()), None),
                detail: message.clone(),
            };
        }
        PushResult::Answered {
            status,
            content_type,
            body,
        } => Answered {
            status: *status,
            content_type,
            body,
        },
    };
    match (kind.envelope.judge)(turn.world, kind, order, &answer) {
        Judgement::Silent => accepted(),
        Judgement::Reply {
            reply,
            xml,
            warnings,
        } => {
            let replied = Replied {
                reply: &reply,
                xml: &xml,
                warnings: &warnings,
                replyable,
            };
            (kind.replied)(turn, order, &replied)
        }
        Judgement::Illegal { rule, detail } => Taken::Illegal {
            diagnosis: diagnose(rule, Some(excerpt(answer.body)), None),
            detail,
        },
        Judgement::Failed { rule, detail } => {
            let rule = by_status(answer.status).unwrap_or(rule);
            Taken::Failed {
                diagnosis: diagnose(rule, Some(excerpt(answer.body)), None),
                detail,
            }
        }
    }
}

/// Frameworks say with their status what is wrong: each has its own remedy.
fn by_status(status: u16) -> Option<&'static str> {
    Some(match status {
        401 => "callback.status.unauthorized",
        403 => "callback.status.forbidden",
        404 => "callback.status.not_found",
        405 => "callback.status.method",
        413 => "callback.status.too_large",
        419 => "callback.status.csrf",
        500..=599 => "callback.status.server_error",
        _ => return None,
    })
}

fn excerpt(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(300).collect()
}

/// What an answer is taken for that says no more than that the push arrived.
pub(super) fn accepted() -> Taken {
    Taken::Fine {
        judged: silent(),
        reply: Value::Null,
    }
}

fn silent() -> Judged {
    Judged {
        state: RowState::Ok,
        label: Words::new("已收到", "accepted"),
        subtitle: Words::new(
            "应用收到了，没有回复",
            "The app accepted it and says nothing",
        ),
        diagnosis: None,
        plain: None,
    }
}

fn red(diagnosis: Diagnosed, detail: &str, next: Option<(u8, i64)>) -> Judged {
    // The detail is English, with addresses and numbers in it; the catalog says the same in Chinese.
    let zh = if diagnosis.cause.zh == diagnosis.rule {
        detail
    } else {
        &diagnosis.cause.zh
    };
    let then = match next {
        Some((next, 0)) => Words::new(
            format!("{zh}；马上推送第 {next} 次"),
            format!("{detail}; attempt {next} follows"),
        ),
        Some((next, wait)) => Words::new(
            format!("{zh}；{wait} 秒后推送第 {next} 次"),
            format!("{detail}; attempt {next} follows in {wait} s"),
        ),
        None => Words::new(format!("{zh}；不再重试"), format!("{detail}; given up")),
    };
    Judged {
        state: RowState::Error,
        label: Words::new("失败", "failed"),
        subtitle: then,
        diagnosis: Some(diagnosis),
        plain: None,
    }
}

/// Orders the next attempt, and gives the seconds until then. Pauses count from the first attempt, so that a clock
/// that was moved finds all the attempts that it passed over.
fn again(turn: &mut Turn<'_>, kind: &PushKind, order: &PushOrder) -> i64 {
    let (delivery, attempt) = (order.delivery, order.attempt + 1);
    let pauses = { kind.envelope.pauses.iter() }.take(usize::from(order.attempt));
    let wait = (order.time + pauses.sum::<i64>() - turn.now.0).max(0);
    let until = (wait > 0 && !kind.envelope.pauses.is_empty()).then_some(turn.now.0 + wait);
    let patient = turn.world.is_patient();
    if let Some(delivery) = DELIVERIES.get_mut(turn.world, &delivery) {
        delivery.order.attempt = attempt;
        delivery.order.patient = patient;
        delivery.next_at = None;
        // What is to be repeated once it is answered waits for the answer.
        if !delivery.order.meets(Harm::Duplicate) {
            delivery.order.fault = None;
        }
    }
    match until {
        Some(at) => {
            put_off(turn, delivery, attempt, at);
            wait
        }
        None => {
            send(turn, delivery, attempt);
            0
        }
    }
}

/// An attempt that was put off begins.
pub(super) fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(delivery), Some(attempt)) = (what["delivery"].as_u64(), what["attempt"].as_u64())
    else {
        return;
    };
    let Some(kept) = DELIVERIES.get_mut(turn.world, &delivery) else {
        return;
    };
    let attempt = u8::try_from(attempt).unwrap_or(u8::MAX);
    if !kept.settled && kept.order.attempt == attempt {
        kept.next_at = None;
        if kept.order.fault.is_some() {
            leave(turn, delivery, attempt);
        } else {
            send(turn, delivery, attempt);
        }
    }
}

/// A delivery came to its end.
pub(crate) fn settle(turn: &mut Turn<'_>, number: u64, reply: Value) {
    if let Some(delivery) = DELIVERIES.get_mut(turn.world, &number) {
        delivery.settled = true;
        delivery.reply = reply;
    }
    deliveries::hold(turn.world, number, false);
    deliveries::note_handled(turn.world, number);
    turn.effects.push(Effect::Settled);
}

/// After how many failed attempts in a row pushing stops.
pub(super) static MARK_FAIL_AFTER: Rule = Rule {
    name: "callback.mark_fail_after",
    default: rules::Preset::Number(60, 1_000_000),
    about: (
        "连续多少次推送失败后暂停推送（MarkFail）",
        "after how many failed attempts in a row pushing pauses (MarkFail)",
    ),
    source: "inferred: the documentation only says `many`",
};

/// For how long pushing stops.
pub(super) static MARK_FAIL_SECONDS: Rule = Rule {
    name: "callback.mark_fail_seconds",
    default: rules::Preset::Number(60, 365 * DAY),
    about: (
        "MarkFail 暂停多少秒",
        "for how many seconds MarkFail pauses pushing",
    ),
    source: "documented (alarm guide)",
};

/// An attempt failed, for this rule's reason.
fn count_failure(turn: &mut Turn<'_>, kind: &PushKind, order: &PushOrder, rule: &str) {
    let now = turn.now.0;
    if !kind.to_server {
        return;
    }
    let Some(account) = ACCOUNTS.get_mut(turn.world, &*order.appid) else {
        return;
    };
    account.callback.failures += 1;
    let times = account.callback.failures;
    let most = MARK_FAIL_AFTER.number(&account.rules);
    let pauses = most > 0 && i64::from(times) >= most;
    if pauses {
        account.callback.failures = 0;
        let seconds = MARK_FAIL_SECONDS.number(&account.rules);
        account.callback.paused_until = Some(now + seconds);
    }
    let mut what = json!({"account": &*order.appid, "delivery": order.delivery, "rule": rule});
    turn.publish(FAILED, &what);
    if pauses {
        what["times"] = json!(times);
        turn.publish(MARKED, &what);
    }
}

/// The deliveries that an act began, for its answer.
pub(crate) fn numbers(deliveries: &[u64]) -> Value {
    deliveries
        .iter()
        .map(|number| json!(deliveries::name(*number)))
        .collect()
}
