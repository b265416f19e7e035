//! Telling a repeated callback from a new one (排重).
//!
//! The platform repeats a callback when no answer comes in time. A message keeps its `MsgId`. Events have
//! none, and no list of fields knows what tells two of one second apart, so everything that came takes part:
//! a repeat carries the same plaintext, whatever its ciphertext.
//!
//! Nothing of the URL takes part: the signature sorts timestamp and nonce, so that one callback has two URLs.
//!
//! This module only makes keys; whoever stores them does so together with the event.

use std::fmt::Write;

use memchr::memmem;
use serde_json::Value;
use sha2::{Digest, Sha256};
use xinqiao_wire::xml::{Document, Element};

use crate::inbound::{Form, Kind, Message, Reading};

/// The key of a callback: equal for repeats, different for different things.
///
/// It contains openids in the clear: it belongs into a store, not into a log. Keys are stored, so they must
/// stay the same in every release.
pub fn key(message: &Message) -> String {
    let head = &message.head;
    let kind = match message.kind() {
        _ if !message.reading().is_read() => "unread",
        Kind::Content => "message",
        Kind::Event => "event",
        Kind::Info => "info",
    };
    let mut key = String::with_capacity(128);
    // With their lengths: two sets of values never make one key.
    let _ = write!(key, "{kind}|{}:{}", head.to.len(), head.to);
    let _ = write!(key, "|{}:{}", head.from.len(), head.from);
    // WECHAT: events may have a `MsgId` too: of the message that they are about.
    let is_message = message.kind() == Kind::Content;
    let id = head.msg_id.filter(|id| is_message && *id != 0);
    if let Some(id) = id {
        let _ = write!(key, "|id:{id}");
    } else if let Some(id) = bots_id(message) {
        let _ = write!(key, "|id:{id}");
    } else {
        let _ = write!(key, "|{}|{:032x}", head.time, Print::of(message));
    }
    key
}

/// The id of a bot's callback, of whatever kind.
///
/// WECHAT: it is a word, and the address to reply to, which stands beside it, may change.
fn bots_id(message: &Message) -> Option<String> {
    let source = message.source();
    if message.form() != Form::Json || memmem::find(source, b"\"msgid\"").is_none() {
        return None;
    }
    let value: Value = serde_json::from_slice(source).ok()?;
    if value.get("msgtype").is_none() || value.get("MsgType").is_some() {
        return None;
    }
    let id = match value.get("msgid")? {
        Value::String(id) => id.clone(),
        Value::Number(id) => id.to_string(),
        _ => return None,
    };
    (!matches!(id.trim(), "" | "0")).then_some(id)
}

/// A print of everything that a message says, of fields that nobody knows too.
///
/// A repeat has the bytes of the first, so how the same is spelled counts only where it would be hard to
/// say what is the same. In compatible mode the ciphertext beside the fields is another one every time.
struct Print(Sha256);

impl Print {
    fn of(message: &Message) -> u128 {
        let mut print = Self(Sha256::new());
        let raw = message.raw();
        if raw.is_empty() {
            print.json(Value::Object(message.to_json()).to_string().as_bytes());
        } else if Form::of(raw) == Form::Json {
            print.json(raw);
        } else {
            let document = match message.reading() {
                Reading::Clean => Document::parse(raw).ok(),
                // What was mended reads alike where the bytes differed: U+FFFD stands for all of them.
                _ => None,
            };
            match document {
                Some(document) => {
                    let fields = document.root().children();
                    fields
                        .filter(|field| !field.is("Encrypt"))
                        .for_each(|field| print.element(field));
                }
                None => print.bytes(raw),
            }
        }
        let digest = print.0.finalize();
        digest[..16]
            .iter()
            .fold(0, |all, byte| all << 8 | u128::from(*byte))
    }

    fn part(&mut self, kind: u8, text: &str) {
        let mut head = [kind; 9];
        head[1..].copy_from_slice(&(text.len() as u64).to_be_bytes());
        self.0.update(head);
        self.0.update(text);
    }

    fn element(&mut self, element: Element<'_, '_>) {
        self.part(b'<', element.name());
        let text = element.text();
        if element.has_children() {
            self.part(b'=', text.trim());
            element.children().for_each(|child| self.element(child));
        } else {
            self.part(b'=', &text);
        }
        self.0.update(b">");
    }

    /// Everything but the blanks between the tokens: numbers keep their digits, and what is said twice counts
    /// twice.
    fn json(&mut self, mut rest: &[u8]) {
        let mut depth = 0_usize;
        while let Some(first) = rest.first() {
            let mut length = 1;
            match first {
                b'"' => {
                    length = text_length(rest);
                    let after = rest[length..].trim_ascii_start();
                    if depth == 1
                        && rest[..length] == *b"\"Encrypt\""
                        && let Some(value) = after.strip_prefix(b":")
                        && let value = value.trim_ascii_start()
                        && value.starts_with(b"\"")
                    {
                        rest = &value[text_length(value)..];
                        continue;
                    }
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                blank if blank.is_ascii_whitespace() => {
                    rest = &rest[1..];
                    continue;
                }
                _ => {
                    let ends = |byte: &u8| b"\"{}[]".contains(byte) || byte.is_ascii_whitespace();
                    length = rest.iter().position(ends).unwrap_or(rest.len());
                }
            }
            self.0.update(&rest[..length]);
            rest = &rest[length..];
        }
    }

    /// The bytes as they came, without a ciphertext.
    fn bytes(&mut self, raw: &[u8]) {
        const OPEN: &[u8] = b"<Encrypt>";
        let sealed = memmem::find(raw, OPEN).and_then(|begin| {
            let begin = begin + OPEN.len();
            let end = begin + memmem::find(&raw[begin..], b"</Encrypt>")?;
            Some((begin, end))
        });
        let (begin, end) = sealed.unwrap_or((raw.len(), raw.len()));
        self.0.update(&raw[..begin]);
        self.0.update(&raw[end..]);
    }
}

/// The length of the text in quotes at the beginning.
fn text_length(json: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = memchr::memchr2(b'"', b'\\', json.get(at..).unwrap_or_default()) {
        at += found + 1;
        if json[at - 1] == b'"' {
            return at;
        }
        at += 1;
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::inbound::Head;

    fn at(time: i64, kind: Kind, name: &str, fields: Value) -> Message {
        let head = Head {
            to: "gh_1".into(),
            from: "o1".into(),
            time: xinqiao_types::UnixSeconds(time),
            ..Head::default()
        };
        let Value::Object(fields) = fields else {
            panic!("{fields}")
        };
        Message::new(head, kind, name, fields)
    }

    #[test]
    fn a_message_is_told_by_its_id() {
        let text =
            |time, content: &str| at(time, Kind::Content, "text", json!({"Content": content}));
        let mut one = text(1, "a");
        one.head.msg_id = Some(7);
        let mut two = text(2, "b");
        two.head.msg_id = Some(7);
        assert_eq!(key(&one), key(&two));
        two.head.to = "gh_2".into();
        assert_ne!(key(&one), key(&two));
    }

    #[test]
    fn two_taps_on_two_buttons_in_one_second_are_two_events() {
        let click = |key: &str| at(1, Kind::Event, "CLICK", json!({"EventKey": key}));
        assert_eq!(key(&click("a")), key(&click("a")));
        assert_ne!(key(&click("a")), key(&click("b")));
    }

    #[test]
    fn two_results_of_one_second_are_two_events() {
        // WECHAT: what tells them apart stands in a group, which no recipe names.
        let sent = |id: &str| {
            let list = json!({"SubscribeMsgSentEvent": {"List": [{"MsgID": id}]}});
            at(1, Kind::Event, "subscribe_msg_sent_event", list)
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

    fn told(bytes: impl Into<Vec<u8>>) -> String {
        key(&Message::read(bytes))
    }

    fn event(name: &str, rest: &str) -> String {
        format!(
            "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>\
             <MsgType>event</MsgType><Event>{name}</Event>{rest}</xml>"
        )
    }

    #[test]
    fn every_field_tells_two_events_apart() {
        // WECHAT: typed and untyped, known and unknown fields, groups and lists, blank and mixed texts.
        let fields = |value: &str| {
            [
                format!("<TransId>{value}</TransId>"),
                format!("<A><B><C>{value}</C></B></A>"),
                format!("<A><B>1</B><B>{value}</B></A>"),
                format!("<A>{value}<B>1</B></A>"),
                format!("<EventKey>k</EventKey><MenuId>{value}</MenuId>"),
                format!("<MsgID>{value}</MsgID>"),
                format!("<msgid>m</msgid><x>{value}</x>"),
                format!("<MsgId>7</MsgId><x>{value}</x>"),
                format!(
                    "<SubscribeMsgPopupEvent><List><TemplateId>{value}</TemplateId></List>\
                    </SubscribeMsgPopupEvent>"
                ),
            ]
        };
        for name in [
            "CLICK",
            "VIEW",
            "LOCATION",
            "user_gifting_card",
            "brand_new",
            "subscribe_msg_popup_event",
        ] {
            for (one, two) in fields("1").iter().zip(&fields("2")) {
                assert_eq!(told(event(name, one)), told(event(name, one)));
                assert_ne!(
                    told(event(name, one)),
                    told(event(name, two)),
                    "{name} {one}"
                );
            }
        }
        let info = |value| {
            format!(
                "<xml><AppId>wx1</AppId><CreateTime>1</CreateTime><InfoType>authorized\
            </InfoType><PreAuthCode>{value}</PreAuthCode></xml>"
            )
        };
        assert_ne!(told(info("1")), told(info("2")));
    }

    #[test]
    fn every_value_of_json_tells_two_events_apart() {
        let json = |value: &str| {
            format!(
                r#"{{"ToUserName":"g","MsgType":"event","Event":"x","CreateTime":1,"a":{{"b":[1,{value}]}}}}"#
            )
        };
        let values = [
            "1",
            "2",
            "123456789012345678901",
            "123456789012345678902",
            r#""a \" b""#,
            r#""a \"  b""#,
        ];
        let keys: std::collections::BTreeSet<_> =
            values.iter().map(|value| told(json(value))).collect();
        assert_eq!(keys.len(), values.len());
        assert_eq!(told(json("1")), told(json(" 1\n ")));
        let nested = |value| json(&format!(r#"{{"Encrypt":"{value}"}}"#));
        assert_ne!(told(nested("1")), told(nested("2")));
    }

    #[test]
    fn a_message_without_an_id_is_told_by_everything() {
        for id in [
            "<MsgId>0</MsgId>",
            "",
            "<MsgId>word</MsgId>",
            "<MsgId>-1</MsgId>",
        ] {
            let say = |text: &str| {
                format!(
                    "<xml><ToUserName>g</ToUserName><FromUserName>o</FromUserName><CreateTime>1</CreateTime>\
                     <MsgType>text</MsgType><Content>{text}</Content>{id}</xml>"
                )
            };
            assert_eq!(told(say("a")), told(say("a")));
            assert_ne!(told(say("a")), told(say("b")), "{id}");
            assert_ne!(told(say("a ")), told(say("a")), "{id}");
        }
    }

    #[test]
    fn bytes_that_cannot_be_read_alike_are_not_alike() {
        let event = |word: &[u8]| {
            let mut bytes = event("x", "<Word>?</Word>").into_bytes();
            let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
            bytes.splice(at..=at, word.iter().copied());
            bytes
        };
        assert_ne!(told(event(b"\xc4\xe3")), told(event(b"\xba\xc3")));
        assert_ne!(told(event(b"\x01")), told(event(b"\x02")));
    }

    #[test]
    fn the_ciphertext_beside_a_message_says_nothing() {
        let xml = |text: &str, sealed: &str| {
            event("x", &format!("<A>{text}</A><Encrypt>{sealed}</Encrypt>"))
        };
        for text in ["1", "a & b"] {
            assert_eq!(told(xml(text, "AAAA")), told(xml(text, "BBBB")));
        }
        let json = |text: &str, sealed: &str| {
            format!(r#"{{"MsgType":"event","Event":"x","Encrypt" : "{sealed}","A":"{text}"}}"#)
        };
        assert_eq!(told(json("1", "AAAA")), told(json("1", "B\\/BB")));
        assert_ne!(told(json("1", "AAAA")), told(json("2", "AAAA")));
    }

    #[test]
    fn spelling_does_not_make_another_event() {
        let plain = event("x", "<A>a &amp; b</A>");
        let spelled = event("x", "\n  <A><![CDATA[a & b]]></A>\n");
        assert_eq!(told(plain), told(spelled));
    }

    proptest! {
        #[test]
        fn different_contents_make_different_keys(one in "[a-c<>/]{0,6}", two in "[a-c<>/]{0,6}") {
            let bytes = |text: &str| event("x", &format!("<A><![CDATA[{text}]]></A>"));
            prop_assert_eq!(told(bytes(&one)) == told(bytes(&two)), one == two);
        }
    }
}
