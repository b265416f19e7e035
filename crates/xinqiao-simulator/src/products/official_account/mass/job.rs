//! Sends a mass message, piece by piece: who gets it, who is filtered, and the event at the end.
//!
//! A piece a second, so that a million followers are done in nine and nobody else waits for long.
//!
//! Source: doc page "群发接口和原创校验", section on the event of the result.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::rules::quota;
use xinqiao_message::names::event;
use xinqiao_types::{AccountKind, shanghai};

use super::{
    super::{
        articles, message,
        push_xml::{Draft, elements},
        tags,
    },
    MESSAGES, Mass, NAME, ORIGINAL, REVIEW, State,
};
use crate::{
    accounts::ACCOUNTS,
    kernel::{
        Effect, Id, Turn, World,
        row::{RowState, Words},
    },
    people::{self, CONTACTS, broadcast, bubbles::preview, contact::Contact},
    push,
};

/// So many people are looked at in one piece.
const PIECE: usize = 120_000;
/// Phones that are told of a message at once; the others see it when they look.
const TOLD: usize = 500;
/// The row of a person's messages of one month.
const PERSONS_ROW: &str = "mass.svc.user_month";

/// For whom a message is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Audience {
    All,
    Tag(u64),
    People(Vec<Id>),
}

/// How far a job is: the last person, or the last openid, or how many of a list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Place {
    person: u64,
    openid: Id,
    of_list: usize,
}

/// What a piece was about.
#[derive(Default)]
struct Piece {
    people: Vec<u64>,
    place: Place,
    more: bool,
}

/// How many it is for, before anybody is filtered.
pub(super) fn total(world: &World, appid: &Id, audience: &Audience) -> u64 {
    match audience {
        Audience::All => people::follower_count(world, appid),
        Audience::Tag(tag) => tags::count(world, appid, *tag),
        Audience::People(list) => list.len() as u64,
    }
}

/// Does the next piece of what was put off.
pub(super) fn go_on(turn: &mut Turn<'_>, appid: &Id, number: u64, what: &Value) {
    let key = (appid.clone(), number);
    let Some(mass) = MESSAGES.get(turn.world, &key).cloned() else {
        return;
    };
    if mass.state != State::Sending {
        return;
    }
    if mass.item.is_none()
        && let Some(reason) = refused(turn.world, appid, &mass)
    {
        finish(turn, appid, number, State::Failed(reason));
        return;
    }
    let item = mass
        .item
        .unwrap_or_else(|| broadcast::begin(turn, appid, "mass", &mass.kind, mass.fields.clone()));
    let place = serde_json::from_value(what["place"].clone()).unwrap_or_default();
    let piece = next(turn.world, appid, &mass.audience, &place);
    let reached = reach(turn, appid, item, &piece.people);
    if let Some(mass) = MESSAGES.get_mut(turn.world, &key) {
        mass.item = Some(item);
        mass.sent += reached;
    }
    if piece.more {
        let rest = json!({"account": &**appid, "message": number, "place": piece.place});
        turn.later(turn.now.0 + 1, NAME, rest);
    } else {
        finish(turn, appid, number, State::Sent);
    }
}

/// Why nothing is sent: the words of the event's `Status`.
///
/// WECHAT: err(30002) is an article that may not be sent, err(30003) a reprint whose sender wanted to stop at one.
fn refused(world: &World, appid: &Id, mass: &Mass) -> Option<String> {
    let rules = &ACCOUNTS.get(world, &**appid)?.rules;
    let verdict = REVIEW.word(Some(rules));
    if verdict != "pass" {
        return Some(verdict.to_owned());
    }
    match ORIGINAL.word(Some(rules)) {
        "barred" if mass.articles > 0 => Some("err(30002)".to_owned()),
        "reprint" if mass.articles > 0 && !mass.goes_on => Some("err(30003)".to_owned()),
        _ => None,
    }
}

/// The next people of an audience, who follow.
fn next(world: &World, appid: &Id, audience: &Audience, place: &Place) -> Piece {
    let mut piece = Piece {
        place: place.clone(),
        ..Piece::default()
    };
    let mut looked = 0;
    let follower = |openid: &Id| {
        let person = people::person(world, appid, openid)?;
        let contact = CONTACTS.get(world, &(appid.clone(), person))?;
        contact.followed.then_some(person)
    };
    match audience {
        Audience::All => {
            let rest = CONTACTS.after(world, (appid.clone(), place.person));
            for (person, contact) in rest.take(PIECE) {
                looked += 1;
                piece.place.person = *person;
                piece.people.extend(contact.followed.then_some(*person));
            }
        }
        Audience::Tag(tag) => {
            let rest = tags::wearers_after(world, appid, *tag, place.openid.clone());
            for openid in rest.take(PIECE) {
                looked += 1;
                piece.place.openid = openid.clone();
                piece.people.extend(follower(openid));
            }
        }
        Audience::People(list) => {
            let rest = list.get(place.of_list..).unwrap_or_default();
            for openid in rest.iter().take(PIECE) {
                looked += 1;
                piece.place.of_list += 1;
                piece.people.extend(follower(openid));
            }
        }
    }
    piece.more = looked == PIECE;
    piece
}

/// Brings a message to those of a piece who get it, and says how many these are.
///
/// WECHAT: who refuses messages, who is on the blacklist, and who got four from a service account in this month is
/// filtered without a word.
fn reach(turn: &mut Turn<'_>, appid: &Id, item: u64, piece: &[u64]) -> u64 {
    let most = match ACCOUNTS.get(turn.world, &**appid) {
        Some(account) if account.kind == AccountKind::Service => a_month(),
        _ => None,
    };
    let since = shanghai::month(turn.now).0;
    let gets = |world: &World, person: u64, contact: &Contact| {
        let received = || {
            broadcast::received(world, appid, person)
                .rev()
                .take_while(|(_, item)| item.time >= since)
                .count() as u64
        };
        !contact.refuses
            && !tags::is_blacklisted(world, appid, &contact.openid)
            && most.is_none_or(|most| received() < most)
    };
    let mut reached = 0;
    for person in piece {
        let world = &mut *turn.world;
        let contact = CONTACTS.get(world, &(appid.clone(), *person));
        if !contact.is_some_and(|contact| gets(world, *person, contact)) {
            continue;
        }
        broadcast::reach(world, appid, *person, item);
        if reached < TOLD as u64 {
            turn.effects.push(Effect::Chat {
                user: people::user::name(*person),
                account: appid.to_string(),
            });
        }
        reached += 1;
    }
    reached
}

fn a_month() -> Option<u64> {
    quota::row(PERSONS_ROW).map(|row| row.max)
}

/// The job is done: says so in the timeline, and to the app.
pub(super) fn finish(turn: &mut Turn<'_>, appid: &Id, number: u64, state: State) {
    let Some(mass) = MESSAGES.get_mut(turn.world, &(appid.clone(), number)) else {
        return;
    };
    mass.state = state;
    let mass = mass.clone();
    if mass.state == State::Sent {
        put_out(turn, appid, number, &mass);
    }
    show(turn, appid, &mass);
    let status = match &mass.state {
        State::Failed(reason) => reason.as_str(),
        _ => "send success",
    };
    let mut fields = elements([
        ("MsgID", json!(number)),
        ("Status", json!(status)),
        ("TotalCount", json!(mass.total)),
        // WECHAT: the count after filtering, so that it is the sum of the two below.
        ("FilterCount", json!(mass.sent)),
        ("SentCount", json!(mass.sent)),
        ("ErrorCount", json!(0)),
    ]);
    if mass.articles > 0 {
        fields.insert(
            "CopyrightCheckResult".to_owned(),
            copyright(turn.world, appid, mass.articles),
        );
        let urls: Vec<Value> = (1..=mass.articles)
            .map(|at| json!({"ArticleIdx": at, "ArticleUrl": url(turn.world, mass.data_id, at)}))
            .collect();
        let urls = json!({"Count": mass.articles, "ResultList": {"item": urls}});
        fields.insert("ArticleUrlResult".to_owned(), urls);
    }
    // WECHAT: the event is about no user: it comes from an openid of the platform's own.
    let from: Id = turn.world.named("openid", "platform").openid().into();
    let draft = Draft::event(event::MASS_SEND_JOB_FINISH, fields).told();
    message::push(turn, appid, &from, &draft);
}

/// From now on its articles are read and commented.
fn put_out(turn: &mut Turn<'_>, appid: &Id, number: u64, mass: &Mass) {
    let list = mass.fields.get("articles").and_then(Value::as_array);
    let out = { list.into_iter().flatten().zip(1..).take(mass.articles) }
        .map(|(card, at)| articles::Article {
            title: card["title"].as_str().unwrap_or_default().to_owned(),
            url: url(turn.world, mass.data_id, at),
            message: number,
            receivers: Some(mass.sent),
            at: turn.now.0,
            comments: card["comments"] == true,
            fans_only: card["fans_only"] == true,
            gone: false,
        })
        .collect();
    articles::put_out(turn.world, appid, mass.data_id, out);
}

/// Where an article of a mass message is read.
pub(super) fn url(world: &World, data_id: u64, at: usize) -> String {
    format!("{}/s?mid={data_id}&idx={at}", world.origins.pages)
}

/// What the check for reprints found.
fn copyright(world: &World, appid: &Id, articles: usize) -> Value {
    let rules = ACCOUNTS.get(world, &**appid).map(|account| &account.rules);
    let (state, reprint, allowed) = match ORIGINAL.word(rules) {
        "reprint" => (2, 2, 1),
        "barred" => (3, 2, 0),
        _ => (1, 0, 1),
    };
    let original = match reprint {
        0 => String::new(),
        _ => format!("{}/s?mid=1&idx=1", world.origins.pages),
    };
    let items: Vec<Value> = (1..=articles)
        .map(|at| {
            json!({
                "ArticleIdx": at, "UserDeclareState": 0, "AuditState": reprint,
                "OriginalArticleUrl": original, "OriginalArticleType": u8::from(reprint > 0),
                "CanReprint": allowed, "NeedReplaceContent": u8::from(reprint > 0),
                "NeedShowReprintSource": u8::from(reprint > 0),
            })
        })
        .collect();
    let items = match reprint {
        0 => Vec::new(),
        _ => items,
    };
    json!({"Count": items.len(), "ResultList": {"item": items}, "CheckState": state})
}

fn show(turn: &mut Turn<'_>, appid: &Id, mass: &Mass) {
    let Some(account) = ACCOUNTS.get(turn.world, &**appid) else {
        return;
    };
    let name = account.name.clone();
    let item = mass
        .item
        .and_then(|item| broadcast::bubble_mut(turn.world, appid, item).cloned());
    let shown = { item.as_ref() }.map_or_else(String::new, |item| preview(turn.world.house, item));
    let (state, sent) = match &mass.state {
        State::Failed(_) => (RowState::Warn, 0),
        _ => (RowState::Ok, mass.sent),
    };
    let mut row = turn.row(&push::REPLY, state);
    row.account = Some(appid.to_string());
    row.account_name = Some(name.clone());
    row.title = match &mass.state {
        State::Failed(reason) => Words::new(
            format!("{name} 的群发没有发出：{reason}"),
            format!("{name}'s mass message was not sent: {reason}"),
        ),
        _ => Words::new(
            format!("{name} 群发“{shown}”，{sent} 人收到"),
            format!("{name} sends “{shown}” to {sent} people"),
        ),
    };
    let filtered = mass.total.saturating_sub(mass.sent);
    row.subtitle = Words::new(
        format!("群发 {} 人，过滤 {filtered} 人", mass.total),
        format!(
            "mass message for {}, {filtered} of them filtered",
            mass.total
        ),
    );
    row.label = Words::new("群发", "mass");
    turn.show(row);
}
