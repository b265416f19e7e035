//! Open enumerations: known values are variants, all others are kept and written back.

use std::collections::HashSet;

use serde_json::json;
use xinqiao_wire::request::{self, Body};
use xinqiao_wire::{Auth, Content, EndpointInfo, Keep, Retry, json as codec, markup, value};

use crate::shapes::{Day, State, States};

fn states(state: &str) -> States {
    States::new(state)
        .more(vec![State::NotPay, state.into()])
        .joined(vec![state.into(), State::Success])
        .day(9)
        .days(vec![Day::N1, 9.into()])
}

#[test]
fn an_unknown_value_is_kept_and_written_back() {
    let json = json!({
        "state": "MELTED", "more": ["NOTPAY", "MELTED"], "joined": "MELTED,SUCCESS",
        "day": 9, "days": [1, 9],
    });
    let mut read = States::default();
    codec::decode(&mut read, json.to_string().as_bytes(), Keep::Typed).unwrap();
    assert_eq!(read, states("MELTED"));
    assert!(matches!(&read.state, State::Other(text) if &**text == "MELTED"));
    assert_eq!(value::to_typed_value(&read), json);

    let xml = markup::encode(&states("MELTED"), "xml");
    assert!(xml.contains("<state><![CDATA[MELTED]]></state>"), "{xml}");
    assert!(xml.contains("<day>9</day>"), "{xml}");
    let mut back = States::default();
    markup::decode(&mut back, xml.as_bytes(), Keep::Typed).unwrap();
    assert_eq!(back, states("MELTED"));
    assert_eq!(markup::encode(&back, "xml"), xml);
}

#[test]
fn a_form_carries_the_text_of_a_value() {
    const INFO: EndpointInfo = EndpointInfo {
        id: "test.open",
        method: "POST",
        host: "example.invalid",
        path: "/open",
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
    let request = States::new("MELTED").day(2);
    let encoded = request::encode(&request, &INFO).unwrap();
    let Body::Form(form) = encoded.body else {
        panic!("{:?}", encoded.body)
    };
    assert_eq!(form, "state=MELTED&day=2");
}

#[test]
fn a_value_is_a_variant_a_text_and_a_number() {
    assert_eq!(State::from("SUCCESS"), State::Success);
    assert_eq!(State::Success, "SUCCESS");
    assert_ne!(State::NotPay, "SUCCESS");
    assert_eq!(State::NotPay.to_string(), "NOTPAY");
    assert_eq!(format!("{:?}", State::Success), "\"SUCCESS\"");
    assert_eq!(State::default(), "");
    // What the catalog learns later stays equal to what was written before.
    assert_eq!(State::Other("SUCCESS".into()), State::Success);
    let both = HashSet::from([State::Other("SUCCESS".into()), State::Success]);
    assert_eq!(both.len(), 1);
    assert_eq!(Day::from(2), Day::N2);
    assert_eq!(Day::N1, 1);
    assert_eq!(Day::from("x"), "x");
}

#[test]
fn a_number_may_come_as_text_and_the_reverse() {
    let mut read = States::default();
    let json = json!({"state": 7, "day": "2", "days": ["1", 2]});
    codec::decode(&mut read, json.to_string().as_bytes(), Keep::Typed).unwrap();
    assert_eq!(read.state, "7");
    assert_eq!(read.day, Some(Day::N2));
    assert_eq!(read.days, Some(vec![Day::N1, Day::N2]));
    let written = value::to_typed_value(&read);
    assert_eq!(written, json!({"state": "7", "day": 2, "days": [1, 2]}));
    // A text that is no number is no number in JSON either.
    let odd = States::new("SUCCESS").day("x");
    assert_eq!(value::to_typed_value(&odd)["day"], "x");
}
