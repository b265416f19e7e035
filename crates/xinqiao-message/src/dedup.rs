//! Telling a repeated callback from a new one (排重).
//!
//! The platform repeats a callback when no answer comes in time. A message keeps its `MsgId`. Events
//! have none; sender and time alone collide when two things happen within one second, so the key
//! takes what tells events of one kind apart as well.
//!
//! This module only makes keys; whoever stores them does so together with the event.

use std::fmt::Write;

use crate::inbound::{Body, Event, Info, Message};

/// The key of a callback: equal for repeats, different for different things.
///
/// It contains openids in the clear: it belongs into a store, not into a log.
pub fn key(message: &Message) -> String {
    let head = &message.head;
    let mut key = String::with_capacity(96);
    let _ = match &message.body {
        Body::Content(content) => match head.msg_id {
            Some(id) => write!(key, "m:{}:{id}", head.to),
            None => write!(
                key,
                "c:{}:{}:{}:{}",
                head.to,
                head.from,
                head.time,
                content.name()
            ),
        },
        Body::Event(event) => {
            let _ = write!(
                key,
                "e:{}:{}:{}:{}",
                head.to,
                head.from,
                head.time,
                event.name()
            );
            event_parts(message, event, &mut key);
            Ok(())
        }
        Body::Info(info) => {
            let _ = write!(key, "i:{}:{}:{}", head.to, head.time, info.name());
            info_parts(info, &mut key);
            Ok(())
        }
    };
    key
}

/// What tells events of one kind, one sender and one second apart.
fn event_parts(message: &Message, event: &Event, key: &mut String) {
    let mut part = |value: &dyn std::fmt::Display| {
        let _ = write!(key, ":{value}");
    };
    match event {
        Event::Subscribe(event) => part(&event.event_key.as_deref().unwrap_or_default()),
        Event::Scan(event) => part(&event.event_key),
        Event::Click(event) => part(&event.event_key),
        Event::View(event) => part(&event.event_key),
        Event::LocationReport(event) => {
            part(&event.latitude);
            part(&event.longitude);
        }
        Event::TemplateSendFinished(event) => part(&event.msg_id),
        Event::MassSendFinished(event) => part(&event.msg_id),
        Event::PublishFinished(event) => part(&event.publish_event_info.publish_id),
        Event::UserGetCard(event) => part(&event.user_card_code),
        Event::UserConsumeCard(event) => part(&event.user_card_code),
        Event::UserDelCard(event) => part(&event.user_card_code),
        Event::UserGiftingCard(event) => part(&event.user_card_code),
        Event::UserViewCard(event) => part(&event.user_card_code),
        Event::UserAuthorizationRevoke(event) => {
            part(&event.openid);
            part(&event.revoke_info.as_deref().unwrap_or_default());
        }
        Event::UserAuthorizationCancellation(event) => part(&event.openid),
        Event::UserInfoModified(event) => part(&event.openid),
        // Everything that is written takes part: two such events in one second differ in something.
        _ => part(&Fingerprint(message)),
    }
}

fn info_parts(info: &Info, key: &mut String) {
    let _ = match info {
        Info::ComponentVerifyTicket(info) => {
            write!(
                key,
                ":{:016x}",
                fnv(info.component_verify_ticket.as_bytes())
            )
        }
        Info::Authorized(info) => write!(key, ":{}", info.authorizer_appid),
        Info::UpdateAuthorized(info) => write!(key, ":{}", info.authorizer_appid),
        Info::Unauthorized(info) => write!(key, ":{}", info.authorizer_appid),
        other => {
            let mut object = serde_json::Map::new();
            other.write_object(&mut object);
            write!(
                key,
                ":{:016x}",
                fnv(serde_json::Value::Object(object).to_string().as_bytes())
            )
        }
    };
}

/// A short print of all fields of an event.
struct Fingerprint<'a>(&'a Message);

impl std::fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let fields = serde_json::Value::Object(self.0.to_json()).to_string();
        write!(f, "{:016x}", fnv(fields.as_bytes()))
    }
}

/// FNV-1a. Keys are stored, so it must stay the same in every release.
fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inbound::{Click, Content, Head, Text};

    fn at(time: i64, body: impl Into<Body>) -> Message {
        let head = Head {
            to: "gh_1".into(),
            from: "o1".into(),
            time: xinqiao_types::UnixSeconds(time),
            ..Head::default()
        };
        Message::new(head, body)
    }

    #[test]
    fn a_message_is_told_by_its_id() {
        let mut one = at(
            1,
            Content::from(Text {
                content: "a".into(),
                ..Text::default()
            }),
        );
        one.head.msg_id = Some(7);
        let mut two = at(
            2,
            Content::from(Text {
                content: "b".into(),
                ..Text::default()
            }),
        );
        two.head.msg_id = Some(7);
        assert_eq!(key(&one), key(&two));
        two.head.to = "gh_2".into();
        assert_ne!(key(&one), key(&two));
    }

    #[test]
    fn two_taps_on_two_buttons_in_one_second_are_two_events() {
        let click = |key: &str| {
            at(
                1,
                Event::from(Click {
                    event_key: key.into(),
                }),
            )
        };
        assert_eq!(key(&click("a")), key(&click("a")));
        assert_ne!(key(&click("a")), key(&click("b")));
    }

    #[test]
    fn an_unknown_event_is_told_by_its_fields() {
        let xml = |code: u8| {
            format!(
                "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName>\
                 <CreateTime>1</CreateTime><MsgType>event</MsgType><Event>brand_new</Event>\
                 <Code>{code}</Code></xml>"
            )
        };
        let one = Message::parse(xml(1)).unwrap();
        assert_eq!(key(&one), key(&Message::parse(xml(1)).unwrap()));
        assert_ne!(key(&one), key(&Message::parse(xml(2)).unwrap()));
    }
}
