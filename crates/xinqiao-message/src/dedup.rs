//! Telling a repeated callback from a new one (排重).
//!
//! The platform repeats a callback when no answer comes in time. A message keeps its `MsgId`. Events
//! have none; sender and time alone collide when two things happen within one second, so the key
//! takes what tells events of one kind apart as well.
//!
//! This module only makes keys; whoever stores them does so together with the event.

use std::fmt::Write;

use serde_json::Value;
use xinqiao_catalog::dedup_recipe;

use crate::inbound::{Body, Event, Info, Message};

/// Between two values: none of them has a line break in it.
const SEPARATOR: char = '\n';

/// The key of a callback: equal for repeats, different for different things.
///
/// The catalog's recipes say which fields take part. It contains openids in the clear: it belongs into
/// a store, not into a log.
pub fn key(message: &Message) -> String {
    let head = &message.head;
    let mut key = String::with_capacity(96);
    if !message.reading().is_read() {
        // Nothing is known of it but its bytes, which are the same on every try.
        let raw = message.raw();
        let _ = write!(key, "unread{SEPARATOR}{}{SEPARATOR}", raw.len());
        for part in raw.chunks(64) {
            let _ = write!(key, "{:016x}", fnv(part));
        }
        return key;
    }
    let recipe = match &message.body {
        Body::Content(_) => "message",
        Body::Event(_) => "event",
        Body::Info(_) => "info",
    };
    let _ = write!(key, "{recipe}{SEPARATOR}{}", head.to);
    if let (Body::Content(_), Some(id)) = (&message.body, head.msg_id) {
        let _ = write!(key, "{SEPARATOR}{}{SEPARATOR}{id}", head.from);
        return key;
    }
    let fields = message.to_json();
    // WECHAT: a bot's callbacks have an id that is a word, and an address to reply to that may change.
    if let (None, Some(Value::String(id))) = (head.msg_id, fields.get("msgid")) {
        let _ = write!(key, "{SEPARATOR}{}{SEPARATOR}{id}", head.from);
        return key;
    }
    for name in dedup_recipe(recipe).map_or(&[][..], |recipe| &recipe.fields) {
        key.push(SEPARATOR);
        match fields.get(*name) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) => key.push_str(text),
            Some(other) => {
                let _ = write!(key, "{other}");
            }
        }
    }
    if needs_print(&message.body)
        || fields
            .values()
            .any(|value| value.is_object() || value.is_array())
    {
        let print = fnv(Value::Object(fields).to_string().as_bytes());
        let _ = write!(key, "{SEPARATOR}{print:016x}");
    }
    key
}

/// Whether the recipe may not know what tells two of them apart, so that everything takes part. Groups
/// of fields are never in a recipe: two results of one second differ only there.
const fn needs_print(body: &Body) -> bool {
    matches!(
        body,
        Body::Content(_) | Body::Event(Event::Unknown(_)) | Body::Info(Info::Unknown(_))
    )
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
    fn two_results_of_one_second_are_two_events() {
        // WECHAT: what tells them apart stands in a group, which no recipe names.
        let sent = |id: &str| {
            let item = crate::inbound::event::SubscribeMessageSentItem {
                msg_id: id.into(),
                ..Default::default()
            };
            let list = crate::inbound::event::SubscribeMessageSentList { list: vec![item] };
            at(
                1,
                Event::from(crate::inbound::event::SubscribeMessageSent {
                    subscribe_msg_sent_event: list,
                }),
            )
        };
        assert_eq!(key(&sent("1")), key(&sent("1")));
        assert_ne!(key(&sent("1")), key(&sent("2")));
    }

    #[test]
    fn a_bots_message_is_told_by_its_word() {
        let bot = |id: &str, url: &str| {
            let json = format!(
                r#"{{"msgid":"{id}","aibotid":"aibX","from":{{"userid":"u1"}},"msgtype":"text",
                "text":{{"content":"a"}},"response_url":"{url}"}}"#
            );
            key(&Message::parse(json).unwrap())
        };
        assert_eq!(bot("m1", "https://a/1"), bot("m1", "https://a/2"));
        assert_ne!(bot("m1", "https://a/1"), bot("m2", "https://a/1"));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_its_bytes() {
        let one = Message::read("<xml><a>");
        assert_eq!(key(&one), key(&Message::read("<xml><a>")));
        assert_ne!(key(&one), key(&Message::read("<xml><b>")));
    }

    #[test]
    fn the_catalog_has_the_recipes() {
        for recipe in ["message", "event", "info"] {
            assert!(
                dedup_recipe(recipe).is_some_and(|recipe| !recipe.fields.is_empty()),
                "{recipe}"
            );
        }
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
