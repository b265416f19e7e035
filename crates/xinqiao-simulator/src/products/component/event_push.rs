//! What a third-party platform is told at its event address: tickets, and who authorizes it.
//!
//! Source: doc pages "验证票据", "授权变更通知推送".

use serde_json::{Map, Value};
use xinqiao_message::{
    Message,
    inbound::{Head, Kind},
    push::Speaker,
};

use crate::{
    kernel::{
        Id, Turn,
        row::{RowState, Words},
    },
    products::Feature,
    push::{
        self, Content, Taken,
        envelope::{PushKind, sealed_info},
        order::Judged,
    },
};

static INFO: PushKind = PushKind {
    name: "component.info",
    envelope: &sealed_info::ENVELOPE,
    to_server: true,
    speaker: |_| Speaker::Component,
    // The envelope takes `success` only, so there is no reply to take.
    replied: |_, _, replied| Taken::Fine {
        judged: Judged {
            state: RowState::Ok,
            label: Words::new("已收到", "accepted"),
            subtitle: Words::default(),
            diagnosis: None,
            plain: Some(replied.xml.to_owned()),
        },
        reply: serde_json::Value::Null,
    },
    given_up: |_, _| {},
    of_format_1: false,
};

pub(super) static FEATURE: Feature = Feature {
    name: "component.info",
    pushes: &[&INFO],
    ..Feature::EMPTY
};

/// Tells a platform something: an event by its id, and its fields. None if it has no event address.
pub(super) fn push<const N: usize>(
    turn: &mut Turn<'_>,
    component: &Id,
    event: &str,
    fields: [(&str, Value); N],
) -> Option<u64> {
    let name = xinqiao_catalog::event(event)?.info_type.to_owned();
    let fields: Map<String, Value> = fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let head = Head {
        to: component.to_string(),
        time: turn.now,
        ..Head::default()
    };
    let content = Content {
        plain: Message::new(head, Kind::Info, name.clone(), fields).to_xml(),
        msg_type: name.clone(),
        event: Some(name),
        msg_id: None,
        notice: false,
        replyable: false,
    };
    push::start(turn, &INFO, component, &"".into(), content)
}
