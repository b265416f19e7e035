//! What a third-party platform is told at its event address: tickets, and who authorizes it.
//!
//! Source: doc pages "验证票据", "授权变更通知推送".

use xinqiao_message::{
    Message,
    inbound::{Head, info::Info},
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

/// Tells a platform something. None if it has no event address.
pub(super) fn push(turn: &mut Turn<'_>, component: &Id, info: Info) -> Option<u64> {
    let name = info.name().to_owned();
    let head = Head {
        to: component.to_string(),
        time: turn.now,
        ..Head::default()
    };
    let content = Content {
        plain: Message::new(head, info).to_xml(),
        msg_type: name.clone(),
        event: Some(name),
        msg_id: None,
        notice: false,
        replyable: false,
    };
    push::start(turn, &INFO, component, &"".into(), content)
}
