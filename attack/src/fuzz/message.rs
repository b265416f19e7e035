//! What is fuzzed. Stable tests feed the seeds through the same functions.

use xinqiao_crypto::AesKey;
use xinqiao_message::{
    Message,
    envelope::{CallbackQuery, Keys, OpenedReply, Push, open, open_reply, seal_push, verify_url},
    push::{Answer, Context, Speaker, judge},
    reply,
};
use xinqiao_types::CallbackMode;
use xinqiao_wire::xml::{Document, Element, Writer};
use xinqiao_wire::{
    Auth, Content, EndpointInfo, Free, Keep, Record, Retry, json, markup,
    request::{self, Body},
    serial::Value,
    value,
};

mod records;

/// Any bytes as XML, as a message and as a reply.
pub(crate) fn xml(data: &[u8]) {
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
pub(crate) fn envelope(data: &[u8]) {
    let (query, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (&[][..], data),
    };
    let keys =
        Keys::new("AAAAA".into(), "wxba5fad812f8e6fb9").with_aes_key(&AesKey::from_bytes([0; 32]));
    let raw = String::from_utf8_lossy(query);
    let parsed = CallbackQuery::parse(&raw);
    for mode in CallbackMode::ALL {
        let keys = keys.clone().with_mode(*mode);
        if let Ok(opened) = open(&keys, &parsed, body) {
            let _ = Message::parse(opened.xml);
        }
        let _ = verify_url(&keys, &parsed);
        let _ = open_reply(&keys, body);
        let context = Context {
            keys: &keys,
            openid: "o1",
            account: "gh_1",
            speaker: Speaker::OfficialAccountToMessage,
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
        let sealed = seal_push(&keys, &push, 1, "2", [3; 16]).expect("there is a key");
        let opened = open(
            &keys,
            &CallbackQuery::parse(&sealed.query),
            sealed.body.as_bytes(),
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

/// Any bytes as JSON and as XML, through records of every sort: what is read is written, and read again to the same.
pub(crate) fn codec(data: &[u8]) {
    through::<records::Scalars>(data);
    through::<records::Spelled>(data);
    through::<records::Tree>(data);
    through::<records::Message>(data);
    through::<records::Coupons>(data);
    through::<Free>(data);
    form(data);
}

fn through<T: Record + Default + PartialEq>(data: &[u8]) {
    let mut typed = T::default();
    if json::decode(&mut typed, data, Keep::Typed).is_ok() {
        let written = json::encode_all(&typed);
        let mut again = T::default();
        json::decode(&mut again, written.as_bytes(), Keep::Typed).expect("reads what it writes");
        assert_eq!(json::encode_all(&again), written);
        assert!(again == typed);
        let _ = format!("{typed:?}");
    }
    if let Ok(came) = serde_json::from_slice::<Value>(data)
        && !matches!(came, Value::Array(_))
    {
        let mut kept = T::default();
        if json::decode(&mut kept, data, Keep::Raw).is_ok() {
            let written: Value =
                serde_json::from_str(&json::encode_all(&kept)).expect("writes JSON");
            // A text or `null` in an object's place is read as an empty object, which is what is written.
            assert!(written == came || !came.is_object());
            assert_eq!(value::to_value(&kept), written);
        }
    }
    for keep in [Keep::Typed, Keep::Raw] {
        let mut record = T::default();
        if markup::decode(&mut record, data, keep).is_ok() {
            let written = markup::encode(&record, "xml");
            let mut again = T::default();
            // What is written may be longer than what is read at once.
            if written.len() < 1 << 20 {
                markup::decode(&mut again, written.as_bytes(), keep).expect("reads what it writes");
                assert_eq!(markup::encode(&again, "xml"), written);
            }
        }
    }
}

const FORM: EndpointInfo = EndpointInfo {
    id: "fuzz.form",
    method: "POST",
    host: "example.invalid",
    path: "/form",
    when: None,
    auth: Auth::None,
    content: Content::Form,
    answer: Content::Json,
    retry: Retry::Never,
    code_field: "errcode",
    message_field: "errmsg",
    client_cert: false,
    permissions: &[],
};

/// A record of scalars as a form, and back.
fn form(data: &[u8]) {
    let mut record = records::Scalars::default();
    if json::decode(&mut record, data, Keep::Typed).is_err() {
        return;
    }
    let encoded = request::encode(&record, &FORM).expect("there is nothing in its path");
    let Body::Form(form) = encoded.body else {
        panic!("a form was asked for");
    };
    let fields = form.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, text) = pair.split_once('=').expect("a pair");
        (unescape(name), Value::String(unescape(text)))
    });
    let mut again = records::Scalars::default();
    value::from_value(&mut again, &Value::Object(fields.collect()), Keep::Typed)
        .expect("reads what it writes");
    assert!(again == record, "{form}");
}

fn unescape(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        assert!(byte.is_ascii_graphic() && byte != b'+');
        rest = tail;
        out.push(if byte == b'%' {
            let digits = std::str::from_utf8(&tail[..2]).expect("two digits");
            rest = &tail[2..];
            u8::from_str_radix(digits, 16).expect("two digits")
        } else {
            byte
        });
    }
    String::from_utf8(out).expect("the text was UTF-8")
}
