//! Tickets (component_verify_ticket): pushed every ten minutes, each another and good for twelve hours.
//!
//! A platform gets the first one when its event address is stored, since nobody reviews it here. Of the tickets that one
//! jump of the clock passes only the last is pushed.
//!
//! Source: doc pages "验证票据", "启动票据推送服务", error codes 61005 and 61006.

use serde_json::{Value, json};
use xinqiao_catalog::{code, event_id::open_platform::info as events, id::open_platform as op};

use super::{event_push, is_component, named};
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        feature::id_in,
        route::{Handler, Nothing, Request, Route},
    },
    products::Feature,
    push::attempts::numbers,
};

/// When a ticket was pushed, by platform and ticket.
static TICKETS: Table<(Id, Id), i64> = Table::new("component.tickets", 1);
/// Which round of pushes is going on: what an earlier one put off no longer counts.
static ROUNDS: Table<Id, u64> = Table::new("component.ticket_rounds", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&TICKETS, &ROUNDS],
    behaviours: &[stateful(
        op::component::API_START_PUSH_TICKET,
        "a_ticket_is_pushed_again_when_the_platform_asks_for_it",
        start_push,
    )],
    routes: &[Route {
        method: "POST",
        path: "/accounts/{appid}/tickets",
        run: Handler::Change(push_now),
    }],
    due: Some(due),
    topics: &[
        (accounts::CONNECTED, connected),
        (accounts::DELETED, account_deleted),
    ],
    ..Feature::EMPTY
};
const NAME: &str = "component.ticket";

/// From one ticket to the next.
const PERIOD: i64 = 600;
/// How long a ticket is good.
const LIFETIME: i64 = 12 * 3600;
/// So long after it was pushed a ticket is still known as one that was.
const REMEMBERED: i64 = 24 * 3600;

/// A ticket of the platform, not necessarily the newest: 61006, and 61005 where its time is over.
pub(super) fn check(world: &World, component: &Id, ticket: &str, now: i64) -> Result<(), Refusal> {
    let pushed = TICKETS.get(world, &(component.clone(), ticket.into()));
    match pushed {
        None => Err(Refusal::code(code::COMPONENT_TICKET_INVALID)),
        Some(at) if now - at >= LIFETIME => Err(Refusal::code(code::COMPONENT_TICKET_EXPIRED)),
        Some(_) => Ok(()),
    }
}

/// Pushes a ticket now and one every ten minutes from now on.
fn start(turn: &mut Turn<'_>, component: &Id) -> Option<u64> {
    let round = ROUNDS.or_default(turn.world, component.clone());
    *round += 1;
    let next = json!({"component": &**component, "round": *round});
    turn.later(turn.now.0 + PERIOD, NAME, next);
    push(turn, component)
}

fn push(turn: &mut Turn<'_>, component: &Id) -> Option<u64> {
    let account = accounts::ACCOUNTS.get(turn.world, &**component)?;
    if account.callback.url.is_empty() {
        return None;
    }
    let ticket = turn.world.next("ticket").named_value("ticket");
    let key = (component.clone(), ticket.as_str().into());
    TICKETS.put(turn.world, key, turn.now.0);
    let over = json!({"component": &**component, "ticket": ticket});
    turn.later(turn.now.0 + REMEMBERED, NAME, over);
    let fields = [("ComponentVerifyTicket", json!(ticket))];
    event_push::push(turn, component, events::COMPONENT_VERIFY_TICKET, fields)
}

fn due(turn: &mut Turn<'_>, what: &Value) {
    let Some(component) = id_in(what, "component") else {
        return;
    };
    if let Some(ticket) = id_in(what, "ticket") {
        TICKETS.remove(turn.world, &(component, ticket));
        return;
    }
    if ROUNDS.get(turn.world, &*component).copied() != what["round"].as_u64() {
        return;
    }
    let passed = (turn.until.0 - turn.now.0) / PERIOD;
    if passed > 0 {
        turn.later(turn.now.0 + passed * PERIOD, NAME, what.clone());
        return;
    }
    turn.later(turn.now.0 + PERIOD, NAME, what.clone());
    push(turn, &component);
}

fn connected(turn: &mut Turn<'_>, what: &Value) {
    if let Some(component) = id_in(what, "account")
        && is_component(turn.world, &component)
    {
        start(turn, &component);
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(component) = id_in(what, "account") {
        TICKETS.remove_under(turn.world, &component);
        ROUNDS.remove(turn.world, &*component);
    }
}

/// `api_start_push_ticket`.
#[expect(clippy::unnecessary_wraps, reason = "a behaviour's type")]
fn start_push(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    start(turn, &asked.appid);
    Ok(Reply::Acknowledged)
}

/// `POST /accounts/{appid}/tickets`.
fn push_now(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let component = named(turn.world, request.part("appid"))?;
    request.body::<Nothing>()?;
    let Some(delivery) = push(turn, &component) else {
        return Err(Refused::unwilling(
            "the platform has no event address: PUT /accounts/{appid}/callback",
        ));
    };
    Ok(json!({"deliveries": numbers(&[delivery])}))
}
