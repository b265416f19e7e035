//! What comes twice, and records with more fields than one word of memory remembers.

use std::fmt::Write as _;
use std::sync::OnceLock;

use serde_json::{Value, json};
use xinqiao_wire::{Field, Free, Keep, Record, Rest, Shape, Slot, json as codec, markup, value};

use crate::shapes::{Coupons, Message, Scalars, Tree};

/// A record of 300 optional numbers, made without the macro.
#[derive(Debug)]
struct Wide {
    values: Vec<Option<i64>>,
    rest: Rest,
}

impl Default for Wide {
    fn default() -> Self {
        Wide {
            values: vec![None; 300],
            rest: Rest::default(),
        }
    }
}

impl Record for Wide {
    fn shape(&self) -> &'static Shape {
        static SHAPE: OnceLock<Shape> = OnceLock::new();
        SHAPE.get_or_init(|| {
            let name = |at: usize| -> &'static str { Box::leak(format!("f{at}").into_boxed_str()) };
            Shape::new("Wide", (0..300).map(|at| Field::new(name(at))).collect())
        })
    }
    fn at(&self, index: usize) -> &dyn Slot {
        match self.values.get(index) {
            Some(value) => value,
            None => &self.rest,
        }
    }
    fn at_mut(&mut self, index: usize) -> &mut dyn Slot {
        match self.values.get_mut(index) {
            Some(value) => value,
            None => &mut self.rest,
        }
    }
}

#[test]
fn three_hundred_fields_twice_and_backwards() {
    let mut text = String::from("{");
    for at in (0..300).rev().chain((0..300).step_by(3)) {
        let _ = write!(text, "\"f{at}\":{},", text.len());
    }
    text.push_str("\"f299\":null}");
    let came: Value = serde_json::from_str(&text).expect("is JSON");
    for keep in [Keep::Typed, Keep::Raw] {
        let mut wide = Wide::default();
        codec::decode(&mut wide, text.as_bytes(), keep).expect("decodes");
        let mut said = value::to_value(&wide);
        if keep == Keep::Typed {
            said["f299"] = Value::Null;
        }
        assert_eq!(said, came);
    }
}

#[test]
fn the_last_of_two_keys_counts() {
    for (text, want) in [
        (r#"{"name":"a","name":"b"}"#, json!({"name": "b"})),
        (
            r#"{"name":"","branches":[{"name":"a"}],"branches":[{"name":"b","name":"c"}]}"#,
            json!({"name": "", "branches": [{"name": "c"}]}),
        ),
        (
            r#"{"name":"","twin":{"name":"a","branches":[]},"twin":{"name":"b"}}"#,
            json!({"name": "", "twin": {"name": "b"}}),
        ),
        (
            r#"{"name":"","leaves":{"x":{"name":"a","size":1},"x":{"name":"b"}}}"#,
            json!({"name": "", "leaves": {"x": {"name": "b"}}}),
        ),
    ] {
        for keep in [Keep::Typed, Keep::Raw] {
            let mut tree = Tree::default();
            codec::decode(&mut tree, text.as_bytes(), keep).expect("decodes");
            assert_eq!(value::to_value(&tree), want, "{text}");
        }
    }
}

#[test]
fn an_unusual_first_and_a_usual_last_leave_no_mark() {
    let mut record = Scalars::default();
    codec::decode(
        &mut record,
        br#"{"number":"7","number":8,"text":1,"text":"x"}"#,
        Keep::Raw,
    )
    .expect("decodes");
    assert_eq!(value::to_value(&record), json!({"text": "x", "number": 8}));
}

#[test]
fn repeats_of_an_element_are_a_list_or_the_last_one() {
    let xml = "<xml><name>a</name><branches><name>b</name></branches><name>c</name>\
               <branches><name>d</name></branches></xml>";
    let mut tree = Tree::default();
    markup::decode(&mut tree, xml.as_bytes(), Keep::Typed).expect("decodes");
    assert_eq!(
        (tree.name.as_str(), tree.branches.map(|list| list.len())),
        ("c", Some(2))
    );
    let mut tree = Tree::default();
    markup::decode(&mut tree, xml.as_bytes(), Keep::Raw).expect("decodes");
    assert_eq!(tree.branches.as_ref().map(Vec::len), Some(2));
    let written = markup::encode(&tree, "xml");
    assert_eq!(written.matches("<name>").count(), 4, "{written}");
}

#[test]
fn numbers_that_are_no_json_are_written_as_null() {
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let text = codec::encode(&Scalars::new("", 0, value, false));
        assert!(text.contains("\"fraction\":null"), "{text}");
    }
    for value in [1e300, -1e-300, 5e-324, 1e15, 123_456_789.125, -0.0_f64] {
        let text = codec::encode(&Scalars::new("", 0, value, false));
        let mut back = Scalars::default();
        codec::decode(&mut back, text.as_bytes(), Keep::Typed).expect("decodes");
        assert_eq!(back.fraction.to_bits(), value.to_bits(), "{text}");
        assert!(text.len() < 80, "{text}");
    }
}

#[test]
fn an_item_that_does_not_fit_ends_a_numbered_list() {
    let xml = "<xml><refund_fee_0_0>1</refund_fee_0_0><refund_fee_0_1>x</refund_fee_0_1></xml>";
    let mut record = Coupons::default();
    markup::decode(&mut record, xml.as_bytes(), Keep::Raw).expect("keeps anything");
    assert_eq!(record.refunds, Some(vec![vec![Some(1)]]));
    assert!(markup::encode(&record, "xml").contains("<refund_fee_0_1><![CDATA[x]]>"));
    let error = markup::decode(&mut Coupons::default(), xml.as_bytes(), Keep::Typed)
        .expect_err("x is no number");
    assert!(error.path.contains("refund_fee"), "{error}");
}

#[test]
fn a_field_without_a_name_is_met_by_no_key() {
    let input = json!({"": 1, "to": "me", "kind": "leaf", "leaf": {"name": "x"}, "coupon_id_$n": ["a"], "any": {"": 2}});
    let text = input.to_string();
    let records: [Box<dyn Record>; 3] = [
        Box::new(Message::default()),
        Box::new(Coupons::default()),
        Box::new(Free::default()),
    ];
    for mut record in records {
        codec::decode(record.as_mut(), text.as_bytes(), Keep::Raw).expect("keeps anything");
        assert_eq!(value::to_value(record.as_ref()), input);
    }
}
