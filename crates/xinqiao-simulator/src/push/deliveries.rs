//! Deliveries with their attempts. Bounded, kept over a restart, not part of an export.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::order::PushOrder;
use crate::{
    kernel::{Id, Table, World},
    people::causes,
};

/// Most deliveries that are remembered.
const MOST: usize = 2000;

/// Deliveries by number.
pub(crate) static DELIVERIES: Table<u64, Delivery> = Table::traffic("push.deliveries", 1);
/// Which deliveries an account has.
static BY_ACCOUNT: Table<(Id, u64), ()> = Table::memory("push.deliveries_by_account");
/// Which of them a fault holds back.
static HELD: Table<(Id, u64), ()> = Table::memory("push.deliveries_held");

/// One callback on its way, with its attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Delivery {
    /// The order of the latest attempt.
    pub(crate) order: PushOrder,
    /// Attempts so far.
    pub(crate) attempts: Vec<Attempt>,
    /// Whether it came to its end.
    pub(crate) settled: bool,
    /// The simulated second at which the next attempt begins, if it is put off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_at: Option<i64>,
    /// Whether a fault holds it back until a later push of the account has gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) held: bool,
    /// Whether the phone shows the platform's notice when all attempts fail.
    pub(crate) notice: bool,
    /// Whether a reply may come back.
    pub(crate) replyable: bool,
    /// What the latest attempt sent: query, headers, body.
    pub(crate) request: Value,
    /// What came back last.
    pub(crate) response: Value,
    /// The inbox item it became.
    pub(crate) reply: Value,
}

/// One attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) time: i64,
    pub(crate) status: u16,
    pub(crate) ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
}

/// The id of a delivery in the control interface.
pub(crate) fn name(number: u64) -> String {
    format!("d{number}")
}

/// The delivery that such an id names.
pub(super) fn number(name: &str) -> Option<u64> {
    name.strip_prefix('d')?.parse().ok()
}

impl Delivery {
    /// Whether an attempt is being made.
    pub(crate) fn is_under_way(&self) -> bool {
        !self.settled && self.next_at.is_none() && !self.held
    }

    /// Its id in the control interface.
    pub(crate) fn name(&self) -> String {
        name(self.order.delivery)
    }

    /// The object of the control interface.
    pub(crate) fn view(&self) -> Value {
        json!({
            "id": self.name(),
            "account": &*self.order.appid,
            "url": self.order.url,
            "msg_type": self.order.msg_type,
            "event": self.order.event,
            "msg_id": self.order.msg_id,
            "settled": self.settled,
            "next_at": self.next_at,
            "held": self.held,
            "request": self.request,
            "plain": self.order.plain,
            "attempts": self.attempts,
            "response": self.response,
            "reply": self.reply,
        })
    }
}

pub(crate) fn keep(world: &mut World, delivery: Delivery) {
    let number = delivery.order.delivery;
    BY_ACCOUNT.put(world, (delivery.order.appid.clone(), number), ());
    DELIVERIES.put(world, number, delivery);
    while DELIVERIES.len(world) > MOST {
        let settled = DELIVERIES
            .all(world)
            .find(|(_, delivery)| delivery.settled)
            .map(|(number, delivery)| (*number, delivery.order.appid.clone()));
        let Some((oldest, appid)) = settled else {
            break;
        };
        DELIVERIES.remove(world, &oldest);
        BY_ACCOUNT.remove(world, &(appid, oldest));
    }
}

/// Remembers who is handling a delivery while an attempt of it is being made, and forgets it then.
pub(super) fn note_handled(world: &mut World, number: u64) {
    let Some(delivery) = DELIVERIES.get(world, &number) else {
        return;
    };
    let (order, under_way) = (&delivery.order, delivery.is_under_way());
    let (appid, openid, cause) = (
        order.appid.clone(),
        order.openid.clone(),
        order.cause.clone(),
    );
    let receiver = order.receiver.clone();
    for account in std::iter::once(appid).chain(receiver) {
        if under_way {
            causes::begins(world, &account, &openid, number, &cause);
        } else {
            causes::ends(world, &account, &openid, number);
        }
    }
}

/// Holds a delivery back, or lets it go.
pub(super) fn hold(world: &mut World, number: u64, held: bool) {
    let Some(delivery) = DELIVERIES.get_mut(world, &number) else {
        return;
    };
    delivery.held = held;
    let at = (delivery.order.appid.clone(), number);
    if held {
        HELD.put(world, at, ());
    } else {
        HELD.remove(world, &at);
    }
}

/// Whether a delivery of this account is held back.
pub(super) fn is_any_held(world: &World, account: &Id) -> bool {
    HELD.under(world, account).next().is_some()
}

/// Deliveries of this account that are held back and older than this one.
pub(super) fn held_before(world: &World, account: &Id, number: u64) -> Vec<u64> {
    let held = HELD.under(world, account).map(|(held, ())| *held);
    held.filter(|held| *held < number).collect()
}

pub(crate) fn index(world: &mut World) {
    let numbers: Vec<((Id, u64), bool)> = DELIVERIES
        .all(world)
        .map(|(number, own)| ((own.order.appid.clone(), *number), own.held))
        .collect();
    for (at, held) in numbers {
        note_handled(world, at.1);
        if held {
            HELD.put(world, at.clone(), ());
        }
        BY_ACCOUNT.put(world, at, ());
    }
}

/// Deliveries of an account or of all behind one of them, oldest first.
pub(crate) fn of<'w>(
    world: &'w World,
    account: Option<&Id>,
    after: u64,
) -> Box<dyn Iterator<Item = &'w Delivery> + 'w> {
    match account {
        Some(appid) => Box::new(
            BY_ACCOUNT
                .after(world, (appid.clone(), after))
                .filter_map(|(number, ())| DELIVERIES.get(world, number)),
        ),
        None => Box::new(
            DELIVERIES
                .range(world, after.saturating_add(1)..)
                .map(|(_, delivery)| delivery),
        ),
    }
}
