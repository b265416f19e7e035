//! Callbacks on their way: pushed, repeated, given up.
//!
//! One push has at most three attempts of five seconds with one MsgId. The world decides what comes next; somebody
//! else carries the attempts out and reports back ([`conclude`]).
//!
//! Source: doc pages "接收普通消息", "消息推送失败告警指引".

use serde_json::{Value, json};
use xinqiao_crypto::AesKey;
use xinqiao_message::{
    envelope::{Keys, Wrapping},
    push::{self, Context, Judgement, Speaker},
};
use xinqiao_types::{CallbackMode, CallbackToken};

use super::{passive_reply, push_xml::Draft};
use crate::world::{
    Turn,
    account::Account,
    command::{Answer, Effect, Judged, PushOrder, PushOutcome, PushResult},
    contact,
    row::{Diagnosed, RowKind, RowState, Words, diagnose},
    rules,
    traffic::{Attempt, Delivery},
};

/// "Three tries in all" is read as three deliveries.
pub(crate) const ATTEMPTS: u8 = 3;
/// Message ids are numbers of 17 digits that begin with 9.
const FIRST_MSG_ID: u64 = 90_000_000_000_000_000;

/// Pushes something to an account's server. None if the account has no server.
pub(crate) fn start(turn: &mut Turn<'_>, appid: &str, openid: &str, draft: &Draft) -> Option<u64> {
    let msg_id = draft
        .event
        .is_none()
        .then(|| FIRST_MSG_ID + turn.world.chance.serial("message") * 1009);
    let account = turn.world.accounts.get(appid)?;
    if account.callback.url.is_empty() {
        return None;
    }
    let paused = account
        .callback
        .paused_until
        .is_some_and(|until| turn.now.0 < until);
    let user = account
        .contacts
        .get(openid)
        .map(|contact| contact.user.clone());
    let order = PushOrder {
        delivery: turn.world.traffic.new_delivery(),
        attempt: 1,
        of: ATTEMPTS,
        cause: turn.cause.clone(),
        appid: appid.to_owned(),
        account_name: account.name.clone(),
        user_name: user
            .as_ref()
            .and_then(|user| turn.world.users.get(user))
            .map(|user| user.nickname.clone()),
        user,
        openid: openid.to_owned(),
        original_id: account.original_id.clone(),
        url: account.callback.url.clone(),
        token: account.callback.token.clone(),
        aes_key: account.callback.aes_key.clone(),
        mode: account.callback.mode,
        xml: draft.write(&account.original_id, openid, turn.now, msg_id),
        msg_type: draft.msg_type.clone(),
        event: draft.event.clone(),
        msg_id: msg_id.map(|id| id.to_string()),
        patient: turn.world.patient,
        time: turn.now.0,
    };
    let number = order.delivery;
    let delivery = Delivery {
        order: order.clone(),
        attempts: Vec::new(),
        settled: paused,
        notice: draft.notice,
        replyable: draft.replyable,
        request: Value::Null,
        response: Value::Null,
        reply: Value::Null,
    };
    turn.world.traffic.keep(delivery);
    if paused {
        not_pushed(turn, &order, draft.notice);
    } else {
        turn.effects.push(Effect::Push(Box::new(order)));
    }
    Some(number)
}

/// MarkFail: after many failures nothing is pushed for a while.
fn not_pushed(turn: &mut Turn<'_>, order: &PushOrder, notice: bool) {
    let mut row = turn.row(RowKind::Callback, RowState::Error);
    row.account = Some(order.appid.clone());
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
        show_notice(turn, order);
    }
    turn.effects.push(Effect::Settled);
}

/// The keys that an order is sealed and judged with.
pub(crate) fn keys(order: &PushOrder) -> Keys {
    let keys = Keys::new(CallbackToken::new(order.token.clone()), order.appid.clone());
    match AesKey::parse(&order.aes_key) {
        Ok(key) => keys.with_aes_key(&key).with_mode(order.mode),
        // Keys are checked when they are set; without one only plain text can be spoken.
        Err(_) => keys.with_mode(CallbackMode::Plain),
    }
}

/// What came of an attempt: the reply is applied, or the next attempt begins, or the push is given up.
pub(crate) fn conclude(turn: &mut Turn<'_>, outcome: PushOutcome) -> Answer {
    let Some(delivery) = turn.world.traffic.deliveries.get_mut(&outcome.delivery) else {
        return Answer::Done;
    };
    if delivery.settled || delivery.order.attempt != outcome.attempt {
        return Answer::Done;
    }
    let order = delivery.order.clone();
    let replyable = delivery.replyable;
    turn.cause.clone_from(&order.cause);
    delivery.request =
        json!({"query": outcome.query, "headers": outcome.headers, "body": outcome.body});
    let (status, body) = match &outcome.result {
        PushResult::Answered { status, body, .. } => {
            (*status, String::from_utf8_lossy(body).into_owned())
        }
        PushResult::Failed { .. } => (0, String::new()),
    };
    delivery.response = json!({"status": status, "body": body});
    let verdict = passive_reply::take(turn, &order, replyable, &outcome.result);
    let time = turn.world.now(outcome.started_ms).0;
    let (error, rule) = match &verdict {
        passive_reply::Taken::Fine { .. } => (None, None),
        passive_reply::Taken::Illegal { diagnosis, detail }
        | passive_reply::Taken::Failed { diagnosis, detail } => {
            (Some(detail.clone()), Some(diagnosis.rule.clone()))
        }
    };
    let attempt = Attempt {
        time,
        status,
        ms: outcome.ms,
        error,
        rule,
    };
    if let Some(delivery) = turn.world.traffic.deliveries.get_mut(&outcome.delivery) {
        delivery.attempts.push(attempt);
    }
    match verdict {
        passive_reply::Taken::Fine { judged, reply } => {
            settle(turn, &order, reply);
            if let Some(account) = turn.world.accounts.get_mut(&order.appid) {
                account.callback.failures = 0;
            }
            Answer::Judged(Box::new(judged))
        }
        passive_reply::Taken::Illegal { diagnosis, detail } => {
            count_failure(turn, &order.appid);
            give_up(turn, &order);
            Answer::Judged(Box::new(red(diagnosis, &detail, None)))
        }
        passive_reply::Taken::Failed { diagnosis, detail } => {
            count_failure(turn, &order.appid);
            let next = order.attempt + 1;
            if next <= order.of {
                again(turn, order, next);
                Answer::Judged(Box::new(red(diagnosis, &detail, Some(next))))
            } else {
                give_up(turn, &order);
                Answer::Judged(Box::new(red(diagnosis, &detail, None)))
            }
        }
    }
}

fn red(diagnosis: Diagnosed, detail: &str, next: Option<u8>) -> Judged {
    // The detail is English, with addresses and numbers in it; the catalog says the same in Chinese.
    let zh = if diagnosis.cause.zh == diagnosis.rule {
        detail
    } else {
        &diagnosis.cause.zh
    };
    let then = match next {
        Some(next) => Words::new(
            format!("{zh}；马上推送第 {next} 次"),
            format!("{detail}; attempt {next} follows"),
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

fn again(turn: &mut Turn<'_>, mut order: PushOrder, next: u8) {
    order.attempt = next;
    order.patient = turn.world.patient;
    if let Some(delivery) = turn.world.traffic.deliveries.get_mut(&order.delivery) {
        delivery.order = order.clone();
    }
    turn.effects.push(Effect::Push(Box::new(order)));
}

fn settle(turn: &mut Turn<'_>, order: &PushOrder, reply: Value) {
    if let Some(delivery) = turn.world.traffic.deliveries.get_mut(&order.delivery) {
        delivery.settled = true;
        delivery.reply = reply;
    }
    turn.effects.push(Effect::Settled);
}

fn give_up(turn: &mut Turn<'_>, order: &PushOrder) {
    settle(turn, order, Value::Null);
    let notice = turn
        .world
        .traffic
        .deliveries
        .get(&order.delivery)
        .is_some_and(|delivery| delivery.notice);
    if notice {
        show_notice(turn, order);
    }
}

/// The notice that the user sees when the account's server failed.
fn show_notice(turn: &mut Turn<'_>, order: &PushOrder) {
    let Some(account) = turn.world.accounts.get(&order.appid) else {
        return;
    };
    // WECHAT: the documentation has 该公众号暂时无法提供服务，请稍后再试; clients show another text.
    let text = match rules::word(account, rules::NOTICE_TEXT).as_str() {
        "documentation" => "该公众号暂时无法提供服务，请稍后再试",
        _ => "该公众号提供的服务出现故障，请稍后再试",
    };
    let fields = super::push_xml::elements([("content", json!(text))]);
    turn.say(
        &order.appid,
        &order.openid,
        contact::Speaker::System,
        "system",
        "text",
        fields,
    );
    let mut row = turn.row(RowKind::System, RowState::Error);
    row.account = Some(order.appid.clone());
    row.account_name = Some(order.account_name.clone());
    row.user.clone_from(&order.user);
    row.user_name.clone_from(&order.user_name);
    row.openid = Some(order.openid.clone());
    let name = order.user_name.clone().unwrap_or_default();
    row.title = Words::new(
        format!("{name} 看到故障提示"),
        format!("{name} sees the platform's failure notice"),
    );
    row.subtitle = Words::same(text);
    row.label = Words::new("提示", "notice");
    turn.show(row);
}

fn count_failure(turn: &mut Turn<'_>, appid: &str) {
    let now = turn.now.0;
    let Some(account) = turn.world.accounts.get_mut(appid) else {
        return;
    };
    account.callback.failures += 1;
    let most = rules::number(account, rules::MARK_FAIL_AFTER);
    if most > 0 && i64::from(account.callback.failures) >= most {
        account.callback.failures = 0;
        let seconds = rules::number(account, rules::MARK_FAIL_SECONDS);
        account.callback.paused_until = Some(now + seconds);
    }
}

/// After a restart: attempts that were open begin anew.
pub(crate) fn resume(turn: &mut Turn<'_>) {
    let open: Vec<PushOrder> = turn
        .world
        .traffic
        .deliveries
        .values()
        .filter(|delivery| !delivery.settled)
        .map(|delivery| delivery.order.clone())
        .collect();
    turn.effects
        .extend(open.into_iter().map(|order| Effect::Push(Box::new(order))));
}

/// Judges an answer; pure, on the keys of the order.
pub(super) fn judge(order: &PushOrder, status: u16, content_type: &str, body: &[u8]) -> Judgement {
    let keys = keys(order);
    let speaker = match order.event {
        Some(_) => Speaker::OfficialAccountToEvent,
        None => Speaker::OfficialAccountToMessage,
    };
    let context = Context {
        keys: &keys,
        openid: &order.openid,
        account: &order.original_id,
        speaker,
        wrapping: Wrapping::Xml,
    };
    push::judge(
        &context,
        &push::Answer {
            status,
            content_type: Some(content_type),
            body,
        },
    )
}

/// The deliveries that an act began, for its answer.
pub(crate) fn numbers(deliveries: &[u64]) -> Value {
    deliveries
        .iter()
        .map(|number| json!(format!("d{number}")))
        .collect()
}

/// Whether an account has a server.
pub(crate) fn has_server(account: &Account) -> bool {
    !account.callback.url.is_empty()
}
