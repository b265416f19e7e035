//! Callbacks: messages, events, component pushes, payment notices, and the passive replies to them.

use serde::{Deserialize, Serialize};

use super::{Product, Shape, Text};

/// What a callback is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// An event (`MsgType` = `event`).
    Event,
    /// A user's message.
    Message,
    /// A component or suite push (`InfoType`).
    Info,
    /// A payment notice.
    Notify,
    /// A passive reply.
    Reply,
}

/// Forms in which it comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventWire {
    /// XML only.
    Xml,
    /// JSON only.
    Json,
    /// Whichever the account chose.
    Both,
}

/// One callback.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// `official_account.event.subscribe`, `official_account.message.text`, `….reply.news`.
    pub id: &'static str,
    /// Product.
    pub product: Product,
    /// Kind.
    pub kind: EventKind,
    /// Form.
    pub wire: EventWire,
    /// Value of `MsgType`; empty = none.
    pub msg_type: &'static str,
    /// Value of `Event`; empty = none.
    pub event: &'static str,
    /// Value of `InfoType`; empty = none.
    pub info_type: &'static str,
    /// Value of `event_type` (pay); empty = none.
    pub event_type: &'static str,
    /// Field that tells it apart from others with the same names: its name and its value, `*` = any.
    pub when: Option<(&'static str, &'static str)>,
    /// A field that is not there was not changed, one that is there and empty was cleared.
    pub presence: bool,
    /// Name of its type in Rust: the last part of its id with its words apart, or a shorter one.
    pub rust: &'static str,
    /// Title.
    pub title: Text,
    /// Its fields, the envelope (ToUserName, FromUserName, CreateTime, MsgType, Event) first, in wire order.
    pub shape: Shape,
    /// What makes the platform send it.
    pub trigger: &'static str,
    /// What may be answered (`passive reply allowed` …).
    pub reply: &'static str,
    /// Interaction grant: row of `grants.toml`; empty = none.
    pub grant: &'static str,
    /// Dedup recipe: row of `dedup.toml`.
    pub dedup: &'static str,
    /// How sure the facts are.
    pub confidence: &'static str,
    /// Official pages.
    pub doc: Vec<&'static str>,
}

/// How a callback is recognised as a repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DedupRecipe {
    /// `message`, `event`, `event.user_get_card` …
    pub id: &'static str,
    /// Fields whose values make the key, in this order; absent ones count as empty.
    pub fields: Vec<&'static str>,
    /// Hours for which the key must be remembered.
    pub keep_hours: u32,
}
