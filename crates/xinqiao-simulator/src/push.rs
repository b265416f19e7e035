//! Callbacks on their way: ordered, sealed, tried, judged, given up.
//!
//! A turn orders a push ([`attempts::start`]); somebody else carries the attempts out, with an envelope
//! ([`envelope::Envelope`]) that is sealed when it is sent, and reports back ([`order::PushOutcome`]). What becomes of
//! an app's reply, and of a user who waits in vain, is the feature's that declared the kind of push.

pub(crate) mod attempts;
pub(crate) mod deliveries;
pub(crate) mod envelope;
pub(crate) mod faults;
mod gone;
pub(crate) mod order;
pub(crate) mod receivers;
mod resend;

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    accounts::{self, rules::Rule},
    kernel::{
        Feature, Id, Turn, World,
        command::verb,
        declared::{
            Choice, DiagnosisKind, Facts, Holds, RowKind, Shown, Side, choice, field, said, text,
        },
        feature::id_in,
    },
};

pub(crate) use self::attempts::{Addressee, Content, Taken, start, start_to};
use self::{
    deliveries::DELIVERIES,
    envelope::PushKind,
    order::{PushOrder, PushOutcome},
};

pub(crate) const FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&DELIVERIES, &receivers::RECEIVERS, &faults::FAULTS],
    verbs: &[
        verb::<Box<PushOutcome>>(),
        verb::<faults::Add>(),
        verb::<faults::Delete>(),
    ],
    routes: &[resend::ROUTE],
    due: Some(attempts::due),
    topics: &[(accounts::DELETED, account_deleted)],
    index: Some(deliveries::index),
    earlier: Some(earlier),
    shows: &[
        Shown::Row(&CALLBACK),
        Shown::Row(&REPLY),
        Shown::Facts(&FACTS),
        Shown::Diagnosis(&DIAGNOSIS),
    ],
    ..Feature::EMPTY
};

const NAME: &str = "push";

/// An attempt came to its end: `{"account", "ms", "failed"}`.
pub(crate) const ATTEMPTED: &str = "push.attempted";
/// An attempt at an account's server failed: `{"account", "delivery", "rule"}`.
pub(crate) const FAILED: &str = "push.failed";
/// So many failed in a row that nothing is pushed for a while: the same, and `times`.
pub(crate) const MARKED: &str = "push.marked";

/// What may be switched about every push.
pub(crate) static RULES: &[&Rule] = &[
    &attempts::MARK_FAIL_AFTER,
    &attempts::MARK_FAIL_SECONDS,
    &envelope::sealed_message::BLANK_BEFORE_REPLY,
];

/// The platform called the app's server.
pub(crate) static CALLBACK: RowKind = RowKind {
    name: "callback",
    title: said("推送", "Callback"),
    sign: "→",
    side: Side::Push,
};
/// The app answered, or wrote to people.
pub(crate) static REPLY: RowKind = RowKind {
    name: "reply",
    title: said("回复", "Reply"),
    sign: "⤷",
    side: Side::Answer,
};
/// Of a callback ([`crate::kernel::row::CallbackFacts`]).
static FACTS: Facts = Facts {
    name: "callback",
    title: said("推送", "Callback"),
    fields: &[
        text("delivery", "投递", "Delivery"),
        field("attempt", "第几次", "Attempt", Holds::Number),
        field("of", "最多几次", "Of", Holds::Number),
        text("url", "回调地址", "Callback URL"),
        field("mode", "加密方式", "Encryption", Holds::Choice(MODES)),
        text("msg_type", "消息类型", "Message type"),
        text("event", "事件", "Event").optional(),
        text("msg_id", "MsgId", "MsgId").optional(),
    ],
};
const MODES: &[Choice] = &[
    choice("plain", "明文模式", "Plain"),
    choice("compat", "兼容模式", "Compatible"),
    choice("safe", "安全模式", "Safe"),
];

static DIAGNOSIS: DiagnosisKind = DiagnosisKind {
    name: "callback",
    title: said("推送与回复", "Callback and reply"),
    rules: &["callback", "reply"],
    fields: &[
        text("received", "应用回答", "The app answered").optional(),
        text("expected", "应该是", "Should be").optional(),
    ],
};

/// Every kind of push, by name.
#[derive(Debug, Default)]
pub(crate) struct Kinds(BTreeMap<&'static str, &'static PushKind>);

impl Kinds {
    pub(crate) fn new(kinds: impl Iterator<Item = &'static PushKind>) -> Self {
        Self(kinds.map(|kind| (kind.name, kind)).collect())
    }

    pub(crate) fn of(&self, order: &PushOrder) -> Option<&'static PushKind> {
        self.0.get(order.kind.as_str()).copied()
    }
}

/// Who is no longer there is pushed nothing more.
fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    let open: Vec<PushOrder> = deliveries::of(turn.world, Some(&appid), 0)
        .filter(|delivery| !delivery.settled)
        .map(|delivery| delivery.order.clone())
        .collect();
    for order in open {
        attempts::settle(turn, order.delivery, Value::Null);
        let whom = (order.appid.clone(), Some(order.account_name));
        gone::show(turn, whom, (order.user, order.user_name), order.url);
    }
}

/// Who was to be told is no longer there.
pub(crate) fn nobody_to_tell(turn: &mut Turn<'_>, id: &Id, url: &str) {
    gone::show(turn, (id.clone(), None), (None, None), url.to_owned());
}

/// Format 1 knew one kind of push only.
fn earlier(world: &mut World, kept: &Value) -> Result<(), String> {
    let kinds = world.house.part::<Kinds>();
    let kind = kinds.0.values().find(|kind| kind.of_format_1);
    let kind = kind.map_or("", |kind| kind.name);
    let read: BTreeMap<u64, Value> =
        serde_json::from_value(kept["traffic"]["deliveries"].clone()).unwrap_or_default();
    for (number, mut value) in read {
        value["order"]["kind"] = json!(kind);
        let delivery = serde_json::from_value(value).map_err(|error| error.to_string())?;
        DELIVERIES.put(world, number, delivery);
    }
    Ok(())
}
