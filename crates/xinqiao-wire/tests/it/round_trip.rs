//! With keep-raw nothing gets lost, whatever came.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use xinqiao_wire::{FilePart, Keep, Record, json as codec, markup, value};

use crate::shapes::{Body, Coupons, Leaf, Message, Scalars, Spelled, States, Tree, Upload};

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i32>().prop_map(Value::from),
        "[a-z0-9|]{0,8}".prop_map(Value::String),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::vec(("[a-z]{1,6}", inner), 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn objects(names: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let name = proptest::sample::select(names).prop_map(str::to_owned);
    proptest::collection::vec((name, any_json()), 0..6)
        .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>()))
}

fn lossless<T: Record + Default + Clone + PartialEq>(input: &Value) {
    let mut record = T::default();
    codec::decode(&mut record, input.to_string().as_bytes(), Keep::Raw).expect("keeps anything");
    let output: Value = serde_json::from_str(&codec::encode_all(&record)).expect("is JSON");
    assert_eq!(&output, input);
    let copy = record.clone();
    assert_eq!(copy, record);
    assert_eq!(codec::encode_all(&copy), codec::encode_all(&record));
    (&mut record as &mut dyn Record).clear();
    assert_eq!(record, T::default());
}

proptest! {
    #[test]
    fn scalars_keep_anything(
        input in objects(&["text", "number", "fraction", "truth", "maybe", "count", "time", "new"]),
    ) {
        lossless::<Scalars>(&input);
    }

    #[test]
    fn spellings_keep_anything(
        input in objects(&["flag", "yes", "total", "ids", "inner", "either", "new"]),
    ) {
        lossless::<Spelled>(&input);
    }

    #[test]
    fn enumerations_keep_anything(
        input in objects(&["state", "more", "joined", "day", "days", "new"]),
    ) {
        lossless::<States>(&input);
    }

    #[test]
    fn trees_keep_anything(input in objects(&["name", "branches", "twin", "leaves", "new"])) {
        lossless::<Tree>(&input);
    }

    #[test]
    fn text_survives_xml(text in "[^\\x00-\\x08\\x0b\\x0c\\x0d\\x0e-\\x1f\\u{fffe}\\u{ffff}]{0,40}") {
        let xml = markup::encode(&Leaf::new(text.clone()), "xml");
        let mut back = Leaf::default();
        markup::decode(&mut back, xml.as_bytes(), Keep::Typed).expect("our own XML");
        prop_assert_eq!(back.name, text);
    }
}

#[test]
fn a_union_lies_flat_beside_the_other_keys() {
    let message = Message::new("me", Body::Leaf(Leaf::new("x").size(3)));
    let text = codec::encode(&message);
    assert_eq!(
        text,
        r#"{"to":"me","kind":"leaf","leaf":{"name":"x","size":3}}"#
    );
    for input in [
        json!({"to": "me", "kind": "leaf", "leaf": {"name": "x", "new": 1}, "tree": 5}),
        json!({"to": "me", "kind": "leaf", "leaf": [1]}),
        json!({"to": "me", "kind": "leaf"}),
        json!({"to": "me", "kind": "smell", "smell": {"of": "tea"}}),
        json!({"leaf": {"name": "x"}, "kind": "leaf", "to": "me"}),
        json!({"to": "me", "kind": "silence"}),
        json!({"to": "me", "kind": 7, "leaf": {}}),
        json!({"to": "me", "kind": "", "leaf": {}}),
        json!({"to": "me"}),
    ] {
        lossless::<Message>(&input);
    }
}

#[test]
fn numbered_fields_become_lists() {
    let input = json!({
        "coupon_count": 2, "coupon_id_0": "a", "coupon_id_1": "b",
        "refund_fee_0_0": 1, "refund_fee_0_1": 2, "refund_fee_1_0": 3,
    });
    let mut record = Coupons::default();
    value::from_value(&mut record, &input, Keep::Typed).expect("decodes");
    let id = |id: &str| Some(id.to_owned());
    assert_eq!(record.ids, Some(vec![id("a"), id("b")]));
    assert_eq!(
        record.refunds,
        Some(vec![vec![Some(1), Some(2)], vec![Some(3)]])
    );
    assert_eq!(value::to_value(&record), input);
    lossless::<Coupons>(&json!({"coupon_id_5": "x", "coupon_id_0": "a"}));
    lossless::<Coupons>(&json!({"coupon_id_00": "x", "coupon_id_01": "a", "refund_fee_0_+0": 1}));

    let xml = "<xml><coupon_count>1</coupon_count><coupon_id_0><![CDATA[a]]></coupon_id_0></xml>";
    let mut record = Coupons::default();
    markup::decode(&mut record, xml.as_bytes(), Keep::Raw).expect("decodes");
    assert_eq!(record.ids, Some(vec![id("a")]));
    assert_eq!(markup::encode(&record, "xml"), xml);
}

/// A number that came without one of its fields leaves that place empty, and nothing moves up.
#[test]
fn each_number_keeps_its_own_fields() {
    let id = |id: &str| Some(id.to_owned());
    let input = json!({
        "coupon_id_1": "b", "coupon_id_3": "d",
        "refund_fee_1_1": 5, "refund_fee_2_0": 6, "refund_fee_2_2": 7,
    });
    let mut record = Coupons::default();
    value::from_value(&mut record, &input, Keep::Typed).expect("decodes");
    assert_eq!(record.ids, Some(vec![None, id("b"), None, id("d")]));
    assert_eq!(
        record.refunds,
        Some(vec![
            vec![],
            vec![None, Some(5)],
            vec![Some(6), None, Some(7)]
        ])
    );
    assert_eq!(value::to_value(&record), input);
    assert_eq!(record.clone(), record);
    lossless::<Coupons>(&input);
    // What no list can hold stays as it came.
    for far in ["coupon_id_999", "coupon_id_1000", "refund_fee_0_70"] {
        lossless::<Coupons>(&json!({"coupon_id_0": "a", "refund_fee_0_0": 1, far: 2}));
    }
}

#[test]
fn changing_a_field_forgets_how_it_was_written() {
    let mut record = Scalars::default();
    codec::decode(&mut record, br#"{"number":"7","text":null}"#, Keep::Raw).expect("decodes");
    assert_eq!(
        value::to_value(&record),
        json!({"number": "7", "text": null})
    );
    record.number = 8;
    record.text = "now".into();
    assert_eq!(
        value::to_value(&record),
        json!({"text": "now", "number": 8})
    );
}

#[test]
fn files_are_copied() {
    let upload = Upload::new("image", FilePart::new("桥.png", &b"png"[..]));
    let copy = upload.clone();
    assert_eq!(copy.media.file_name, "桥.png");
    assert_eq!(copy.media, upload.media);
}
