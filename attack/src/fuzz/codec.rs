//! The record codec: JSON, XML and forms.

use xinqiao_wire::{
    Auth, Content, EndpointInfo, Free, Keep, Record, Retry, json, markup,
    request::{self, Body},
    serial::Value,
    value,
};

use super::records;

/// Any bytes as JSON and as XML, through records of every sort: what is read is written, and read again to the same.
pub(super) fn codec(data: &[u8]) {
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
