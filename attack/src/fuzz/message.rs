//! Callbacks: XML, messages, envelopes and answers.

use xinqiao_crypto::AesKey;
use xinqiao_message::{
    Message,
    envelope::{
        CallbackQuery, Keys, OpenedReply, Push, Wrapping, open, open_reply, seal_push, verify_url,
    },
    inbound::Reading,
    push::{Answer, Context, Speaker, judge},
    reply,
};
use xinqiao_types::{CallbackMode, UnixSeconds};
use xinqiao_wire::xml::{Document, Element, Writer};
/// Any bytes as XML, as a message and as a reply.
pub(super) fn xml(data: &[u8]) {
    if let Ok(document) = Document::parse(data) {
        let mut out = Writer::new();
        let elements = rewrite(document.root(), &mut out);
        let written = out.finish();
        // What was read can be written, and says the same.
        let again = Document::parse_within(written.as_bytes(), usize::MAX)
            .expect("what the writer writes is well-formed");
        let mut out = Writer::new();
        assert_eq!(rewrite(again.root(), &mut out), elements);
        assert_eq!(out.finish(), written);
    }
    if let Ok(message) = Message::parse(data) {
        let xml = message.to_xml();
        if let Err(error) = Document::parse_within(xml.as_bytes(), usize::MAX) {
            panic!("a message was written that cannot be read: {error}");
        }
        let _ = (
            message.to_json(),
            message.rest(),
            xinqiao_message::dedup::key(&message),
        );
    }
    let message = Message::read(data);
    let _ = (message.to_xml(), xinqiao_message::dedup::key(&message));
    if let (Reading::Repaired { .. }, Some(bytes)) = (message.reading(), message.handed_on())
        && let Err(error) = Message::parse(bytes)
    {
        panic!("a message was mended that cannot be read: {error}");
    }
    if let Ok(read) = reply::decode(data) {
        let xml = reply::encode(&read.reply, &read.to, &read.from, read.time);
        assert_eq!(reply::decode(xml.as_bytes()).as_ref(), Ok(&read));
    }
}

/// Writes an element's texts and children again; returns how many elements there were.
fn rewrite(element: Element<'_, '_>, out: &mut Writer) -> usize {
    if !element.has_children() {
        out.cdata(element.name(), &element.text());
        return 1;
    }
    out.open(element.name());
    let inner: usize = element.children().map(|child| rewrite(child, out)).sum();
    out.close(element.name());
    inner + 1
}

/// A query in the first line and a body behind it, from anywhere; and the body as a message of ours.
pub(super) fn envelope(data: &[u8]) {
    let (query, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (&[][..], data),
    };
    let keys =
        Keys::new("AAAAA".into(), "wxba5fad812f8e6fb9").with_aes_key(&AesKey::from_bytes([0; 32]));
    let raw = String::from_utf8_lossy(query);
    let parsed = CallbackQuery::parse(&raw);
    let now = UnixSeconds(1_714_112_445);
    for mode in CallbackMode::ALL {
        let keys = keys.clone().with_mode(*mode);
        if let Ok(opened) = open(&keys, &parsed, body, now) {
            let _ = Message::parse(opened.xml);
        }
        let _ = verify_url(&keys, &parsed, now);
        let _ = open_reply(&keys, body);
        let context = Context {
            keys: &keys,
            openid: "o1",
            account: "gh_1",
            speaker: Speaker::OfficialAccountToMessage,
            wrapping: Wrapping::of(body),
        };
        let _ = judge(
            &context,
            &Answer {
                status: 200,
                content_type: None,
                body,
            },
        );
    }
    if let Ok(plain) = std::str::from_utf8(body)
        && plain.len() < 1 << 16
    {
        let keys = keys.with_mode(CallbackMode::Safe);
        let push = Push {
            plain,
            to_user_name: "gh_1",
            openid: "o1",
        };
        let sealed = seal_push(&keys, &push, now.0, "2", [3; 16]).expect("there is a key");
        let opened = open(
            &keys,
            &CallbackQuery::parse(&sealed.query),
            sealed.body.as_bytes(),
            now,
        )
        .expect("what was sealed opens");
        assert_eq!(opened.xml, body);
        let reply = xinqiao_message::envelope::seal_reply(
            &keys,
            CallbackMode::Safe,
            plain,
            1,
            "2",
            [3; 16],
        )
        .expect("there is a key");
        assert_eq!(
            open_reply(&keys, reply.as_bytes()),
            Ok(OpenedReply::Sealed(body.to_vec()))
        );
    }
}
