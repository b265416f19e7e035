//! A callback once more, by hand: as it was or edited, sealed anew with the keys and the address of now.
//!
//! With the same MsgId an app sees a repeat, as after an attempt that the platform took for lost; with a new one (and
//! the time of now) it sees something that happened again.

use serde::Deserialize;
use serde_json::{Value, json};
use xinqiao_message::{
    Message,
    inbound::{Form, Kind},
};

use super::{
    Kinds,
    attempts::{self, Addressee, Content, numbers},
    deliveries::{self, DELIVERIES, Delivery},
    order::PushOrder,
};
use crate::{
    accounts::{ACCOUNTS, merchant::MERCHANTS},
    kernel::{
        Refused, Turn,
        command::no_other_fields,
        route::{Handler, Request, Route},
        row::{self, RowState, Words, diagnose},
    },
    people::{causes, user},
};

pub(super) const ROUTE: Route = Route {
    method: "POST",
    path: "/deliveries/{id}/resend",
    run: Handler::Change(resend),
};

/// What the body may say.
const FIELDS: &[&str] = &["plain", "msg_id"];

/// The least number that the simulator gives a message.
const OWN: u64 = 90_000_000_000_000_000;

/// `POST /deliveries/{id}/resend`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Wanted {
    /// The text before it is sealed; as it was where nothing is given.
    plain: Option<String>,
    msg_id: MsgId,
}

/// Which number a message gets that is sent again.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MsgId {
    #[default]
    Same,
    New,
}

fn resend(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let fields = request
        .body
        .as_object()
        .into_iter()
        .flat_map(|own| own.keys());
    no_other_fields(fields, FIELDS)?;
    let wanted: Wanted = request.body()?;
    let name = request.part("id");
    let known = deliveries::number(name).and_then(|number| DELIVERIES.get(turn.world, &number));
    let old = known
        .ok_or_else(|| Refused::unknown("delivery", name))?
        .clone();
    let kind = { turn.world.house.part::<Kinds>().of(&old.order) }.ok_or_else(|| {
        Refused::unwilling(format!("nothing is known of pushes `{}`", old.order.kind))
    })?;
    let edited = wanted
        .plain
        .as_ref()
        .is_some_and(|plain| *plain != old.order.plain);
    let content = content(turn, &old, wanted)?;
    turn.cause = format!("a{}", turn.world.traffic_serial("act"));
    let (appid, openid) = (old.order.appid.clone(), old.order.openid.clone());
    let delivery = if kind.to_server && ACCOUNTS.has(turn.world, &*appid) {
        if !openid.is_empty() {
            causes::acted(turn, &appid, &openid);
        }
        attempts::start(turn, kind, &appid, &openid, content)
    } else if !kind.to_server || MERCHANTS.has(turn.world, &*appid) {
        let person = old
            .order
            .user
            .as_deref()
            .and_then(user::number)
            .unwrap_or(0);
        let to = Addressee {
            id: appid,
            receiver: None,
            name: old.order.account_name.clone(),
            url: old.order.url.clone(),
        };
        Some(attempts::start_to(
            turn,
            kind,
            to,
            (person, &openid),
            content,
        ))
    } else {
        return Err(Refused::unwilling(format!("`{appid}` is no longer there")));
    };
    show(turn, &old, edited, delivery.is_some());
    let begun: Vec<u64> = delivery.into_iter().collect();
    Ok(json!({"resent": old.name(), "deliveries": numbers(&begun)}))
}

/// What is pushed: the old content with another text, told what that says of itself.
fn content(turn: &mut Turn<'_>, old: &Delivery, wanted: Wanted) -> Result<Content, Refused> {
    let order = &old.order;
    let mut plain = wanted.plain.unwrap_or_else(|| order.plain.clone());
    if plain.trim().is_empty() {
        return Err(Refused::invalid(
            "`plain` is empty: there is nothing to push",
        ));
    }
    // What cannot be read is pushed all the same: an app should bear it. Notices are put together from JSON.
    let message = Message::parse(plain.clone()).ok();
    if wanted.msg_id == MsgId::New {
        let message = message.as_ref().ok_or_else(|| {
            Refused::unwilling("a new MsgId needs a message: this text cannot be read as one")
        })?;
        plain = renewed(turn, message, &plain);
    } else if message.is_none() && is_object(&order.plain) && !is_object(&plain) {
        return Err(Refused::invalid("`plain` must be a JSON object, as it was"));
    }
    let message = Message::parse(plain.clone()).ok();
    let (msg_type, event, msg_id) = match &message {
        Some(message) => said(message),
        None => (
            order.msg_type.clone(),
            order.event.clone(),
            order.msg_id.clone(),
        ),
    };
    Ok(Content {
        plain,
        msg_type,
        event,
        msg_id,
        notice: old.notice,
        replyable: old.replyable,
    })
}

fn is_object(text: &str) -> bool {
    serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object())
}

/// Type, event and number, as a message says them.
fn said(message: &Message) -> (String, Option<String>, Option<String>) {
    let number = message.head.msg_id.map(|number| number.to_string());
    match message.kind() {
        Kind::Info => {
            let name = message.info_type().unwrap_or_default().to_owned();
            (name.clone(), Some(name), number)
        }
        _ => {
            let event = message.event().map(str::to_owned);
            (message.msg_type().to_owned(), event, number)
        }
    }
}

/// The same text with a number of its own, where it has one, and the time of now. Events have none: apps tell them
/// apart by sender and time.
///
/// Source: doc page "接收事件推送": "FromUserName + CreateTime".
fn renewed(turn: &mut Turn<'_>, message: &Message, text: &str) -> String {
    let number = message
        .head
        .msg_id
        .map(|old| another(turn, old).to_string());
    let now = turn.now.0.to_string();
    if message.form() == Form::Json {
        let mut fields: Value = serde_json::from_str(text).unwrap_or_default();
        let changes = [("CreateTime", Some(now)), ("MsgId", number)];
        for (name, new) in changes {
            let (Some(own), Some(new)) = (fields.get_mut(name), new) else {
                continue;
            };
            *own = match new.parse::<u64>() {
                Ok(number) if own.is_number() => json!(number),
                _ => json!(new),
            };
        }
        return fields.to_string();
    }
    // The time stands before what a user wrote and the number behind it, so words that look like them stay.
    let text = replaced(text, "<CreateTime>", &now, |text, tag| text.find(tag));
    match number {
        Some(number) => replaced(&text, "<MsgId>", &number, |text, tag| text.rfind(tag)),
        None => text,
    }
}

/// Another number, as long as the old one and with its first digit, as all of its kind begin. Of short ones there are too
/// few: theirs is as long as the simulator's own.
fn another(turn: &mut Turn<'_>, old: u64) -> u64 {
    let old = old.max(OWN);
    let unit = 10_u64.pow(old.ilog10());
    let begin = old / unit * unit;
    // Of those with twenty digits not all are numbers of 64 bits.
    let room = unit.min(u64::MAX - begin);
    let digits = usize::try_from(old.ilog10()).unwrap_or_default();
    let drawn = turn.world.next("push.msg_id").digits(digits);
    begin + drawn.parse::<u64>().unwrap_or_default() % room
}

/// The text with another content behind a tag, which is found so.
fn replaced(
    text: &str,
    tag: &str,
    new: &str,
    find: impl Fn(&str, &str) -> Option<usize>,
) -> String {
    let from = find(text, tag).map(|at| at + tag.len());
    let to = from.and_then(|from| Some(from + text[from..].find("</")?));
    match (from, to) {
        (Some(from), Some(to)) => format!("{}{new}{}", &text[..from], &text[to..]),
        _ => text.to_owned(),
    }
}

fn show(turn: &mut Turn<'_>, old: &Delivery, edited: bool, sent: bool) {
    let order: &PushOrder = &old.order;
    let what = order.event.as_deref().unwrap_or(&order.msg_type);
    let state = if sent { RowState::Ok } else { RowState::Warn };
    let mut row = turn.row(&row::ACT, state);
    row.account = Some(order.appid.to_string());
    row.account_name = Some(order.account_name.clone());
    row.user.clone_from(&order.user);
    row.user_name.clone_from(&order.user_name);
    row.openid = (!order.openid.is_empty()).then(|| order.openid.to_string());
    row.title = if edited {
        Words::new(
            format!("改后重发 {what}"),
            format!("Resends {what}, edited"),
        )
    } else {
        Words::new(format!("重发 {what}"), format!("Resends {what}"))
    };
    row.subtitle = Words::new(
        format!("原来的推送是 {}", old.name()),
        format!("It was {}", old.name()),
    );
    row.label = Words::new("重发", "resend");
    if !sent {
        row.diagnosis = Some(diagnose("callback.no_server", None, None));
    }
    turn.show(row);
}
