//! Round trips through XML, forms and multipart.

use proptest::prelude::*;
use serde_json::{Map, Value};
use xinqiao_wire::request::{self, Body, PartContent};
use xinqiao_wire::xml::{Document, Element, Writer};
use xinqiao_wire::{
    Auth, Content, EndpointInfo, FilePart, Keep, Record, Retry, json, markup, value,
};

use crate::shapes::{Coupons, Leaf, Message, Scalars, Spelled, Tree, Upload};

const INFO: EndpointInfo = EndpointInfo {
    id: "test.forms",
    method: "POST",
    host: "example.invalid",
    path: "/forms",
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

/// An element tree: a name, and a text or children.
#[derive(Debug, Clone)]
enum Tag {
    Text(String, String),
    Children(String, Vec<Tag>),
}

fn tags() -> impl Strategy<Value = Vec<Tag>> {
    let name = proptest::sample::select(vec![
        "text",
        "number",
        "truth",
        "name",
        "branches",
        "twin",
        "leaves",
        "ids",
        "flag",
        "inner",
        "kind",
        "leaf",
        "coupon_id_0",
        "coupon_id_1",
        "refund_fee_0_0",
        "coupon_count",
        "new",
        "other",
    ]);
    let text = prop_oneof![
        "[a-z0-9|]{0,6}",
        "[ -~林\u{1f600}]{0,12}",
        Just("1".to_owned()),
        Just("007".to_owned()),
        Just("{\"name\":\"x\"}".to_owned()),
    ];
    let leaf = (name.clone(), text).prop_map(|(name, text)| Tag::Text(name.to_owned(), text));
    let tag = leaf.prop_recursive(3, 24, 5, move |inner| {
        let children = proptest::collection::vec(inner, 1..5);
        (name.clone(), children).prop_map(|(name, tags)| Tag::Children(name.to_owned(), tags))
    });
    proptest::collection::vec(tag, 0..6)
}

fn write(tags: &[Tag], out: &mut Writer) {
    for tag in tags {
        match tag {
            Tag::Text(name, text) => {
                out.cdata(name, text);
            }
            Tag::Children(name, tags) => {
                out.open(name);
                write(tags, out);
                out.close(name);
            }
        }
    }
}

/// What an element says: texts and children by name, repeats as lists. White space around texts does not count.
fn elements(element: Element<'_, '_>) -> Value {
    if !element.has_children() {
        return Value::String(element.text().into_owned());
    }
    let mut map = Map::new();
    for child in element.children() {
        let value = elements(child);
        match map.get_mut(child.name()) {
            Some(Value::Array(items)) => items.push(value),
            Some(other) => *other = Value::Array(vec![other.take(), value]),
            None => {
                map.insert(child.name().to_owned(), value);
            }
        }
    }
    Value::Object(map)
}

fn says(xml: &str) -> Value {
    elements(Document::parse(xml.as_bytes()).expect("well-formed").root())
}

fn keeps_everything<T: Record + Default>(xml: &str) {
    let mut record = T::default();
    markup::decode(&mut record, xml.as_bytes(), Keep::Raw).expect("keeps anything");
    let written = markup::encode(&record, "xml");
    assert_eq!(says(&written), says(xml), "{xml}\n{written}");
}

/// What a record of ours says in XML is read back to a record that says the same.
fn comes_back<T: Record + Default>(record: &T) {
    let xml = markup::encode(record, "xml");
    let mut again = T::default();
    markup::decode(&mut again, xml.as_bytes(), Keep::Typed).expect("our own XML");
    assert_eq!(markup::encode(&again, "xml"), xml);
}

fn text() -> impl Strategy<Value = String> {
    "[^\\x00-\\x1f\\u{fffe}\\u{ffff}]{0,20}"
}

proptest! {
    #[test]
    fn xml_is_kept_whole(tags in tags()) {
        let mut out = Writer::new();
        out.open("xml");
        write(&tags, &mut out);
        out.close("xml");
        let xml = out.finish();
        keeps_everything::<Scalars>(&xml);
        keeps_everything::<Spelled>(&xml);
        keeps_everything::<Tree>(&xml);
        keeps_everything::<Message>(&xml);
        keeps_everything::<Coupons>(&xml);
    }

    #[test]
    fn records_survive_xml(
        texts in proptest::collection::vec(text(), 3),
        number in any::<i64>(),
        fraction in any::<f64>().prop_filter("finite", |value| value.is_finite()),
        truth in any::<bool>(),
    ) {
        let [a, b, c] = texts.try_into().expect("three");
        comes_back(&Scalars::new(a.clone(), number, fraction, truth).maybe(b.clone()).openid(c.as_str()));
        let leaf = Leaf::new(a.clone()).size(number);
        comes_back(&Spelled::new().flag(truth).total(number).ids(vec!["x".to_owned(); 2]).inner(leaf));
        let branch = Tree::new(b).branches(vec![Tree::new(c.clone())]);
        comes_back(&Tree::new(a).branches(vec![branch.clone(), Tree::new(c)]).twin(branch.into()));
    }

    #[test]
    fn scalars_survive_a_form(
        texts in proptest::collection::vec(any::<String>(), 3),
        number in any::<i64>(),
        fraction in any::<f64>().prop_filter("finite", |value| value.is_finite()),
        truth in any::<bool>(),
    ) {
        let [a, b, c] = texts.try_into().expect("three");
        let record = Scalars::new(a, number, fraction, truth).maybe(b).openid(c.as_str());
        let Body::Form(form) = request::encode(&record, &INFO).expect("encodes").body else {
            panic!("a form was asked for");
        };
        let pairs = form.split('&').map(|pair| {
            let (name, text) = pair.split_once('=').expect("a pair");
            (decode(name), Value::String(decode(text)))
        });
        let mut again = Scalars::default();
        value::from_value(&mut again, &Value::Object(pairs.collect()), Keep::Typed).expect("decodes");
        prop_assert_eq!(again, record);
    }

    #[test]
    fn an_upload_survives_its_parts(
        name in any::<String>(),
        kind in "[a-z]{1,8}",
        bytes in any::<Vec<u8>>(),
        size in any::<i64>(),
    ) {
        let leaf = Leaf::new(name.clone()).size(size);
        let record = Upload::new(kind.clone(), FilePart::new(name, bytes.clone())).description(leaf.clone());
        let info = EndpointInfo { content: Content::Multipart, ..INFO };
        let encoded = request::encode(&record, &info).expect("encodes");
        prop_assert_eq!(encoded.query, vec![("type".to_owned(), kind)]);
        let Body::Multipart(parts) = encoded.body else {
            panic!("parts were asked for");
        };
        let names: Vec<_> = parts.iter().map(|part| part.name).collect();
        prop_assert_eq!(names, vec!["media", "description"]);
        for part in parts {
            match part.content {
                PartContent::File(file) => prop_assert_eq!(file, record.media.clone()),
                PartContent::Json(text) => {
                    let mut again = Leaf::default();
                    json::decode(&mut again, text.as_bytes(), Keep::Typed).expect("is JSON");
                    prop_assert_eq!(again, leaf.clone());
                }
                PartContent::Text(text) => panic!("no part is text: {text}"),
            }
        }
    }
}

/// Undoes percent-encoding, and checks that nothing else was left to undo.
fn decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        assert!(
            byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte),
            "{text}"
        );
        let mut digit = || {
            char::from(bytes.next().expect("a digit"))
                .to_digit(16)
                .expect("a digit")
        };
        out.push(if byte == b'%' {
            (digit() << 4 | digit()) as u8
        } else {
            byte
        });
    }
    String::from_utf8(out).expect("the text was UTF-8")
}
