//! What went over the wire: deliveries and trace ids. Not part of the export, bounded, kept over a restart.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::command::PushOrder;

/// Most deliveries that are remembered.
const DELIVERIES: usize = 2000;
/// Most users whose latest act is remembered.
const ACTS: usize = 10_000;
/// Most trace ids that are remembered.
const RIDS: usize = 4000;

/// Deliveries, trace ids, numbers of acts.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Traffic {
    /// By number.
    pub(crate) deliveries: BTreeMap<u64, Delivery>,
    next_delivery: u64,
    next_act: u64,
    rids: VecDeque<Traced>,
    /// The latest act of each user with an account, by openid.
    #[serde(default)]
    acts: BTreeMap<String, String>,
}

/// A call that can be looked up by its trace id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Traced {
    pub(crate) rid: String,
    pub(crate) appid: String,
    pub(crate) time: i64,
    pub(crate) url: String,
    pub(crate) request: String,
    pub(crate) response: String,
    pub(crate) client: String,
    pub(crate) ms: u64,
}

/// One callback on its way, with its attempts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// The order of the latest attempt.
    pub(crate) order: PushOrder,
    /// Attempts so far.
    pub(crate) attempts: Vec<Attempt>,
    /// Whether it came to its end.
    pub(crate) settled: bool,
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

impl Delivery {
    /// The object of the control interface.
    pub fn view(&self) -> Value {
        json!({
            "id": format!("d{}", self.order.delivery),
            "account": self.order.appid,
            "url": self.order.url,
            "msg_type": self.order.msg_type,
            "event": self.order.event,
            "msg_id": self.order.msg_id,
            "settled": self.settled,
            "request": self.request,
            "plain": self.order.xml,
            "attempts": self.attempts,
            "response": self.response,
            "reply": self.reply,
        })
    }
}

impl Traffic {
    pub(crate) fn new_act(&mut self) -> String {
        self.next_act += 1;
        format!("a{}", self.next_act)
    }

    /// Remembers what a user did last: what the app does for this user afterwards follows from it.
    pub(crate) fn acted(&mut self, openid: &str, act: &str) {
        if self.acts.len() >= ACTS {
            self.acts.clear();
        }
        self.acts.insert(openid.to_owned(), act.to_owned());
    }

    pub(crate) fn latest_act(&self, openid: &str) -> Option<&str> {
        self.acts.get(openid).map(String::as_str)
    }

    pub(crate) fn new_delivery(&mut self) -> u64 {
        self.next_delivery += 1;
        self.next_delivery
    }

    pub(crate) fn keep(&mut self, delivery: Delivery) {
        self.deliveries.insert(delivery.order.delivery, delivery);
        while self.deliveries.len() > DELIVERIES {
            let settled = self
                .deliveries
                .iter()
                .find(|(_, delivery)| delivery.settled);
            let Some(oldest) = settled.map(|(number, _)| *number) else {
                break;
            };
            self.deliveries.remove(&oldest);
        }
    }

    pub(crate) fn trace(&mut self, call: Traced) {
        if self.rids.len() >= RIDS {
            self.rids.pop_front();
        }
        self.rids.push_back(call);
    }

    pub(crate) fn traced(&self, rid: &str) -> Option<&Traced> {
        self.rids.iter().rev().find(|call| call.rid == rid)
    }

    /// Deliveries of an account, oldest first.
    pub(crate) fn of(&self, account: Option<&str>) -> impl Iterator<Item = &Delivery> {
        self.deliveries
            .values()
            .filter(move |delivery| account.is_none_or(|appid| delivery.order.appid == appid))
    }

    /// Forgets what was said, but goes on numbering, so that late outcomes find nothing.
    pub(crate) fn forget(&mut self) {
        self.deliveries.clear();
        self.rids.clear();
        self.acts.clear();
    }
}
