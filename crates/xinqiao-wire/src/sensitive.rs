//! Finds the fields that travel encrypted (敏感信息), within a record that was written as JSON.
//!
//! The record says where such fields are, the JSON holds their texts; this module walks both side by side
//! and knows no cipher.

use serde_json::Value;

use crate::record::{Record, Spelling};
use crate::slot::{Slot, View, items};

/// Whether the record holds a text that must travel encrypted.
#[must_use]
pub fn is_in(record: &dyn Record) -> bool {
    record
        .shape()
        .fields
        .iter()
        .enumerate()
        .any(|(index, field)| {
            record.slot(index).is_some_and(|slot| {
                !slot.is_absent() && (field.encrypted || slots(slot).into_iter().any(is_in))
            })
        })
}

/// Calls `with` for every text of `value` that the record marks as encrypted, in the record's order.
pub fn visit(record: &dyn Record, value: &mut Value, with: &mut dyn FnMut(&mut String)) {
    for (index, field) in record.shape().fields.iter().enumerate() {
        let Some(slot) = record.slot(index) else {
            continue;
        };
        if field.spelling == Spelling::JsonText {
            continue;
        }
        if field.bare {
            below(slot, field.encrypted, value, with);
        } else if field.flat {
            if let View::Union(union) = slot.view()
                && let Some((name, body)) = union.body()
                && let Some(value) = value.get_mut(name)
            {
                below(body, false, value, with);
            }
        } else if let Some(value) = value.get_mut(field.name) {
            below(slot, field.encrypted, value, with);
        }
    }
}

fn below(slot: &dyn Slot, encrypted: bool, value: &mut Value, with: &mut dyn FnMut(&mut String)) {
    match (slot.view(), value) {
        (View::List(list), Value::Array(values)) => {
            for (item, value) in items(list).zip(values) {
                below(item, encrypted, value, with);
            }
        }
        (_, Value::String(text)) if encrypted && !text.is_empty() => with(text),
        (View::Record(record), value @ Value::Object(_)) => visit(record, value, with),
        _ => {}
    }
}

/// The records directly below a slot.
fn slots(slot: &dyn Slot) -> Vec<&dyn Record> {
    match slot.view() {
        View::List(list) => items(list).flat_map(slots).collect(),
        View::Record(record) => vec![record],
        View::Union(union) => match union.body().map(|(_, body)| body.view()) {
            Some(View::Record(record)) => vec![record],
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro makes public types")]
mod tests {
    use serde_json::json;

    use crate as w;

    w::record! {
        /// Inner.
        pub struct Inner {
            /// Open.
            0 bank: String => "bank: must",
            /// Sealed.
            1 number: Option<String> => "number: encrypted",
        }
    }

    w::built! {
        Inner
        new(bank: impl Into<String>)
        text(number: String)
    }

    w::record! {
        /// Outer.
        pub struct Outer {
            /// Sealed.
            0 name: String => "name: must encrypted",
            /// Below.
            1 card: Option<Inner> => "card",
            /// Several below.
            2 cards: Option<Vec<Inner>> => "cards",
            /// Sealed texts.
            3 phones: Option<Vec<String>> => "phones: encrypted",
        }
    }

    w::built! {
        Outer
        new(name: impl Into<String>)
        set(card: Inner, cards: Vec<Inner>, phones: Vec<String>)
    }

    #[test]
    fn every_encrypted_text_is_found_and_nothing_else() {
        let outer = Outer::new("林")
            .card(Inner::new("b").number("1"))
            .cards(vec![Inner::new("b"), Inner::new("b").number("2")])
            .phones(vec!["3".to_owned(), "4".to_owned()]);
        assert!(super::is_in(&outer));
        let text = w::json::encode(&outer);
        let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
        super::visit(&outer, &mut value, &mut |text| text.insert(0, '*'));
        assert_eq!(
            value,
            json!({
                "name": "*林",
                "card": {"bank": "b", "number": "*1"},
                "cards": [{"bank": "b"}, {"bank": "b", "number": "*2"}],
                "phones": ["*3", "*4"],
            })
        );
    }

    #[test]
    fn a_record_without_such_texts_needs_no_key() {
        assert!(!super::is_in(&Inner::new("b")));
    }
}
