//! Every notice of every payment product, with none, one and many at each repeated place.

use serde_json::Value;
use xinqiao_catalog::{Event, EventKind, EventWire, Product};
use xinqiao_wire::{Pushes, value};

use crate::forms::{Count, json_of, xml_of};

/// Its id, what its type holds, and whether that is everything.
fn held<E: Pushes>(push: &E) -> Option<(&'static str, Value, bool)> {
    let record = push.record()?;
    let typed = value::to_typed_value(record);
    let whole = typed == value::to_value(record);
    Some((push.id()?, typed, whole))
}

fn read(event: &Event, event_type: &str, content: &[u8]) -> Option<(&'static str, Value, bool)> {
    match event.product {
        Product::PayV2 => held(&xinqiao_pay_v2::events::read(event_type, content)),
        Product::PayV3 => held(&xinqiao_pay_v3::events::read(event_type, content)),
        Product::PayGlobal => held(&xinqiao_pay_global::events::read(event_type, content)),
        Product::PayBusiness => held(&xinqiao_pay_business::events::read(event_type, content)),
        other => panic!("{other} sends no notices"),
    }
}

#[test]
fn every_form_of_a_notice_says_the_same() {
    let mut notices = 0;
    let all = xinqiao_catalog::events().filter(|event| event.kind == EventKind::Notify);
    for event in all {
        notices += 1;
        for event_type in event.event_type.split(' ') {
            for same in Count::SAME {
                let mut first = None;
                for count in same {
                    let content = match event.wire {
                        EventWire::Xml => xml_of(event, *count),
                        _ => Value::Object(json_of(event, *count)).to_string(),
                    };
                    let found = read(event, event_type, content.as_bytes());
                    let (id, typed, whole) =
                        found.unwrap_or_else(|| panic!("{} has no type: {content}", event.id));
                    assert_eq!(id, event.id, "{event_type} {content}");
                    // XML has texts only, and JSON may have one where a list is meant.
                    let is_usual = event.wire != EventWire::Xml && matches!(count, Count::Many(_));
                    assert!(
                        whole || !is_usual,
                        "{} {count:?} {content}\n{typed}",
                        event.id
                    );
                    let known = first.get_or_insert_with(|| typed.clone());
                    assert_eq!(known, &typed, "{} {count:?}", event.id);
                }
            }
        }
    }
    assert!(notices >= 60, "{notices}");
}

#[test]
fn an_unknown_notice_is_kept() {
    let xinqiao_pay_v3::events::Notify::Other(other) =
        xinqiao_pay_v3::events::read("BRAND.NEW", br#"{"a":1}"#)
    else {
        panic!()
    };
    assert_eq!(
        (other.event_type.as_str(), &other.fields["a"]),
        ("BRAND.NEW", &1.into())
    );
    for content in ["", "{", "<xml>", "text"] {
        let notice = xinqiao_pay_v2::events::read("", content.as_bytes());
        assert!(
            matches!(notice, xinqiao_pay_v2::events::Notify::PayResult(_)),
            "{content}"
        );
    }
}
