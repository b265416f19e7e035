//! Input made to hurt: it is refused or read, never with a panic, a broken stack or more than linear work.

use std::fmt::Write as _;

use xinqiao_wire::{Free, Keep, Record, json as codec, markup, value};

use crate::shapes::{Coupons, Message, Scalars, Spelled, Tree};

/// Bytes of one attack: quadratic work over them would take minutes.
const SIZE: usize = 1 << 18;

fn read_all(json: &[u8]) -> Vec<bool> {
    let mut outcomes = Vec::new();
    for keep in [Keep::Typed, Keep::Raw] {
        let records: [Box<dyn Record>; 6] = [
            Box::new(Scalars::default()),
            Box::new(Spelled::default()),
            Box::new(Tree::default()),
            Box::new(Message::default()),
            Box::new(Coupons::default()),
            Box::new(Free::default()),
        ];
        for mut record in records {
            let read = codec::decode(record.as_mut(), json, keep);
            if read.is_ok() {
                let written = codec::encode_all(record.as_ref());
                codec::text_value(&written).expect("what was read can be written");
            }
            outcomes.push(read.is_ok());
        }
    }
    outcomes
}

#[track_caller]
fn refused(json: &str) {
    assert!(!read_all(json.as_bytes()).contains(&true));
}

#[track_caller]
fn taken(json: &str) {
    let outcomes = read_all(json.as_bytes());
    assert!(!outcomes.contains(&false), "{outcomes:?}");
}

#[test]
fn brackets_without_end() {
    refused(&"[".repeat(SIZE));
    refused(&"{\"twin\":".repeat(SIZE / 8));
    refused(&format!("{{\"new\":{}", "[".repeat(SIZE)));
    refused(&format!("{{\"new\":{}", "{\"a\":".repeat(SIZE / 5)));
    refused(&format!(
        "{{\"name\":{}{}}}",
        "[".repeat(101),
        "]".repeat(101)
    ));
}

#[test]
fn a_hundred_brackets_are_read() {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = format!("{{\"new\":{}1{}}}", open.repeat(99), close.repeat(99));
        taken(&deep);
        let deeper = format!("{{\"new\":{}1{}}}", open.repeat(100), close.repeat(100));
        refused(&deeper);
    }
}

#[test]
fn many_unknown_fields() {
    let mut text = String::from("{");
    let mut number = 0;
    while text.len() < SIZE {
        let _ = write!(text, "\"n{number}\":[{{\"a\":1}},2],");
        number += 1;
    }
    text.push_str("\"end\":0}");
    taken(&text);
}

#[test]
fn one_key_again_and_again() {
    for key in [
        "new",
        "name",
        "kind",
        "coupon_id_0",
        "text",
        "branches",
        "leaves",
        "ids",
    ] {
        let mut text = format!("{{{}", format!("\"{key}\":\"x\",").repeat(SIZE / 12));
        let _ = write!(text, "\"{key}\":null}}");
        let read = read_all(text.as_bytes());
        assert!(read.contains(&true), "{key}: {read:?}");
    }
}

#[test]
fn numbered_keys_in_a_bad_order() {
    let mut text = String::from("{");
    for at in 0..SIZE / 64 {
        let _ = write!(
            text,
            "\"refund_fee_0_{at}\":1,\"a{at}\":2,\"coupon_id_{at}\":\"x\","
        );
    }
    text.push_str("\"coupon_count\":1}");
    taken(&text);
}

#[test]
fn long_strings_of_escapes() {
    let escapes = "\\ud83d\\n\\u0041\\/".repeat(SIZE / 16);
    taken(&format!("{{\"new\":\"{escapes}\"}}"));
    taken(&format!("{{\"name\":\"{escapes}\"}}"));
    refused(&format!("{{\"name\":\"{}", "\\".repeat(SIZE)));
    refused(&format!("{{\"name\":\"{escapes}"));
}

#[test]
fn texts_in_texts() {
    // Each level of JSON in text doubles its escapes: the size bounds the depth.
    let mut inner = String::from("1");
    while inner.len() < SIZE {
        inner = serde_json::to_string(&format!("{{\"inner\":{inner}}}")).expect("is JSON");
    }
    let mut record = Spelled::default();
    let text = format!("{{\"inner\":{inner}}}");
    codec::decode(&mut record, text.as_bytes(), Keep::Raw).expect("is kept as it came");
    let deep = "[".repeat(SIZE);
    let text = format!("{{\"inner\":\"{deep}\"}}");
    assert!(codec::decode(&mut record, text.as_bytes(), Keep::Typed).is_err());
}

#[test]
fn xml_elements_without_number() {
    let element = |at: usize| format!("<e{at}>1</e{at}>");
    let mut distinct = String::from("<xml>");
    let mut at = 0;
    while distinct.len() < SIZE / 2 && at < 30_000 {
        distinct.push_str(&element(at));
        at += 1;
    }
    distinct.push_str("</xml>");
    let same = format!("<xml>{}</xml>", "<name>1</name>".repeat(30_000));
    let listed = format!(
        "<xml>{}</xml>",
        "<branches><name>1</name></branches>".repeat(15_000)
    );
    let deep = format!("<xml>{}", "<twin>".repeat(SIZE / 8));
    for keep in [Keep::Typed, Keep::Raw] {
        for (xml, good) in [
            (&distinct, true),
            (&same, true),
            (&listed, true),
            (&deep, false),
        ] {
            let mut record = Tree::default();
            let read = markup::decode(&mut record, xml.as_bytes(), keep);
            assert_eq!(read.is_ok(), good, "{read:?}");
        }
    }
}

#[test]
fn every_cut_and_every_changed_byte_is_survived() {
    let seed = r#"{"text":"a\ud83d\ude00\n","number":-12,"fraction":1.5e-3,"maybe":null,"branches":[{"name":"b","leaves":{"x":{"name":"l"}}}],"kind":"leaf","leaf":{"name":"x"},"coupon_id_0":"a","refund_fee_0_0":1,"inner":"{\"name\":\"i\"}","ids":"a|b"}"#;
    for at in 0..seed.len() {
        read_all(&seed.as_bytes()[..at]);
        for new in [b'"', b'\\', b'[', b'}', b',', b'0', b' ', 0xff] {
            let mut bytes = seed.as_bytes().to_vec();
            bytes[at] = new;
            read_all(&bytes);
        }
    }
}

#[test]
fn a_value_of_the_callers_own_is_read_at_any_size() {
    let wide = serde_json::Value::Array(vec![serde_json::json!({"name": "a"}); 100_000]);
    let mut tree = Tree::default();
    let input = serde_json::json!({"name": "root", "branches": wide});
    value::from_value(&mut tree, &input, Keep::Raw).expect("decodes");
    assert_eq!(value::to_value(&tree), input);
}
