//! Tickets that sign pages and cards: one stays the same until shortly before its end.
//!
//! `jsapi` signs `wx.config`, `wx_card` signs cards, and `2` signs the QR code with which people log in to a mobile
//! application. None takes another's place.
//!
//! Source: doc pages "JS-SDK 使用步骤", appendix 1 and 4; "移动应用扫码登录".

use serde::{Deserialize, Serialize};
use serde_json::json;
use xinqiao_catalog::{code, id::official_account as oa};
use xinqiao_types::AccountKind;

use super::super::KINDS;
use crate::{
    accounts::{
        self,
        account::Account,
        tokens::{LIFETIME, OVERLAP},
    },
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// By account and type.
static TICKETS: Table<(Id, Id), Tickets> = Table::new("official_account.js_tickets", 1);

pub(in super::super) static FEATURE: Feature = Feature {
    name: "official_account.js_ticket",
    tables: &[&TICKETS],
    behaviours: &[stateful(
        oa::ticket::GET_TICKET,
        "a_ticket_stays_the_same_until_shortly_before_its_end",
        get,
    )],
    topics: &[(accounts::DELETED, |turn, what| {
        if let Some(appid) = id_in(what, "account") {
            TICKETS.remove_under(turn.world, &appid);
        }
    })],
    ..Feature::EMPTY
};

/// Signs pages.
pub(super) const OF_PAGES: &str = "jsapi";
/// Signs cards.
pub(super) const OF_CARDS: &str = "wx_card";
/// Signs the QR code of a mobile application.
const OF_APPS: &str = "2";

/// The ticket of the day, and the one before it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Tickets {
    present: Ticket,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<Ticket>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Ticket {
    value: String,
    expires: i64,
}

/// `ticket/getticket`.
///
/// WECHAT: how it is renewed is not told. Here it goes as with `stable_token`: in the last five minutes a call gives the
/// next one, and both sign until their own end.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let what: Id = asked.text("type")?.into();
    must_have(asked.account(turn.world)?, &what)?;
    let (now, key) = (turn.now.0, (asked.appid.clone(), what));
    let known = TICKETS.get(turn.world, &key);
    if let Some(present) = known.map(|tickets| &tickets.present)
        // Beyond its life it is of before the clock was set back.
        && (OVERLAP + 1..=LIFETIME).contains(&(present.expires - now))
    {
        return Ok(told(&present.value, present.expires - now));
    }
    let before = known.map(|tickets| tickets.present.clone());
    let present = Ticket {
        value: turn.world.next("js_ticket").js_ticket(),
        expires: now + LIFETIME,
    };
    let answer = told(&present.value, LIFETIME);
    TICKETS.put(turn.world, key, Tickets { present, before });
    Ok(answer)
}

/// WECHAT: unlike a token, a ticket comes with `errcode` 0 and `ok`; old clients look for them.
fn told(ticket: &str, expires_in: i64) -> Reply {
    Reply::Json(json!({
        "errcode": 0,
        "errmsg": "ok",
        "ticket": ticket,
        "expires_in": expires_in,
    }))
}

/// The right to each type the door asks for.
fn must_have(account: &Account, what: &str) -> Result<(), Refusal> {
    let own: &[&str] = match account.kind {
        AccountKind::MobileApp => &[OF_APPS],
        kind if KINDS.contains(&kind) => &[OF_PAGES, OF_CARDS],
        _ => &[],
    };
    if own.contains(&what) {
        return Ok(());
    }
    Err(Refusal::code(code::INVALID_ARGS).because(
        "call.parameter",
        Some(format!("type={what} ({})", account.kind)),
        (!own.is_empty()).then(|| format!("type={}", own.join(" | "))),
    ))
}

/// Tickets of an account that sign now.
pub(super) fn good<'w>(
    world: &'w World,
    appid: &Id,
    what: &str,
    now: i64,
) -> impl Iterator<Item = &'w str> {
    all(world, appid, what)
        .filter(move |ticket| now < ticket.expires)
        .map(|ticket| &*ticket.value)
}

/// Tickets of an account that signed once.
pub(super) fn over<'w>(
    world: &'w World,
    appid: &Id,
    what: &str,
    now: i64,
) -> impl Iterator<Item = &'w str> {
    all(world, appid, what)
        .filter(move |ticket| now >= ticket.expires)
        .map(|ticket| &*ticket.value)
}

fn all<'w>(world: &'w World, appid: &Id, what: &str) -> impl Iterator<Item = &'w Ticket> {
    let known = TICKETS.get(world, &(appid.clone(), Id::from(what)));
    known
        .into_iter()
        .flat_map(|tickets| std::iter::once(&tickets.present).chain(&tickets.before))
}
