//! Every push of every product, as XML and as JSON, with none, one and many at each repeated place.

use serde_json::Value;
use xinqiao_catalog::{Event, EventKind, EventWire, Product, Spelling};
use xinqiao_message::{
    Message,
    events::{channels, chatbot, mini_program, official_account, open_platform, work},
    inbound::Reading,
};
use xinqiao_wire::{Pushes, Record, value};

use crate::forms::{Count, json_of, xml_of};

/// The pushes that come in an envelope.
fn pushes() -> impl Iterator<Item = &'static Event> {
    xinqiao_catalog::events()
        .filter(|event| !matches!(event.kind, EventKind::Reply | EventKind::Notify))
}

/// All forms of a push with so many items, by what they are.
fn forms(event: &Event, count: Count) -> Vec<(String, String)> {
    let mut out = Vec::new();
    if event.wire != EventWire::Xml {
        let json = Value::Object(json_of(event, count)).to_string();
        out.push((format!("{} {count:?} JSON", event.id), json));
    }
    if event.wire != EventWire::Json {
        out.push((format!("{} {count:?} XML", event.id), xml_of(event, count)));
    }
    out
}

/// What a type holds.
#[derive(Debug, Clone, PartialEq)]
struct Held {
    id: &'static str,
    typed: Value,
    /// Whether it has a slot for everything.
    whole: bool,
}

fn held<E: Pushes<Other = Message>>(message: &Message) -> Option<Held> {
    let push: E = message.typed()?;
    let record: &dyn Record = push.record()?;
    let typed = value::to_typed_value(record);
    Some(Held {
        id: push.id()?,
        whole: typed == value::to_value(record),
        typed,
    })
}

fn typed(product: Product, message: &Message) -> Option<Held> {
    match product {
        Product::OfficialAccount => held::<official_account::Push>(message),
        Product::MiniProgram => held::<mini_program::Push>(message),
        Product::OpenPlatform => held::<open_platform::Push>(message),
        Product::Channels => held::<channels::Push>(message),
        Product::Work => held::<work::Push>(message),
        Product::Chatbot => held::<chatbot::Push>(message),
        other => panic!("{other} pushes nothing in an envelope"),
    }
}

/// Whether a list of it is written in one text: the type writes it so again.
fn is_joined(event: &Event) -> bool {
    event.shape.fields.iter().any(|field| {
        matches!(
            field.wire,
            Spelling::Comma | Spelling::Pipe | Spelling::Semicolon
        )
    })
}

#[test]
fn every_form_of_a_push_says_the_same() {
    let (mut events, mut read) = (0, 0);
    for event in pushes() {
        events += 1;
        for same in Count::SAME {
            let mut first: Option<(String, Value, Held)> = None;
            for (form, bytes) in same.iter().flat_map(|count| forms(event, *count)) {
                read += 1;
                let message = Message::read(bytes.clone());
                assert!(
                    message.reading() == Reading::Clean || event.product == Product::Chatbot,
                    "{form}: {bytes}"
                );
                let json = Value::Object(message.to_json());
                let held = typed(event.product, &message);
                let held = held.unwrap_or_else(|| panic!("{form} has no type: {bytes}"));
                assert_eq!(held.id, event.id, "{form}: {bytes}");
                assert!(
                    held.whole || is_joined(event),
                    "{form}: {bytes}\n{}",
                    held.typed
                );
                if event.presence && same.contains(&Count::Absent) {
                    // Absent is not empty, see below.
                    continue;
                }
                match &first {
                    None => first = Some((form, json, held)),
                    Some((other, known, same)) => {
                        assert_eq!(&json, known, "{form} and {other}");
                        assert_eq!(&held, same, "{form} and {other}");
                    }
                }
            }
        }
    }
    assert!(
        events > 300 && read > events * 6,
        "{events} events, {read} forms"
    );
}

#[test]
fn an_absent_list_is_an_empty_one_unless_presence_says_something() {
    for event in pushes() {
        let lists = event
            .shape
            .fields
            .iter()
            .filter(|field| matches!(field.ty, xinqiao_catalog::TypeRef::List(_)));
        for field in lists {
            for (count, present) in [(Count::Absent, !event.presence), (Count::Empty, true)] {
                for (form, bytes) in forms(event, count) {
                    let message = Message::read(bytes);
                    let empty = Value::Array(Vec::new());
                    let want = present.then_some(&empty);
                    if event
                        .shape
                        .fields
                        .iter()
                        .any(|group| group.xml_only && field.json_only && group.name != field.name)
                    {
                        continue;
                    }
                    assert_eq!(
                        message.fields().get(field.name),
                        want,
                        "{form} {}",
                        field.name
                    );
                }
            }
        }
    }
}

#[test]
fn what_several_products_push_is_one_type() {
    // The same type under each name: this would not compile otherwise.
    let text: official_account::message::Text = work::message::Text::default();
    let _: mini_program::message::Text = text;
    let _: channels::event::AfterSaleNewOrder = mini_program::event::AfterSaleNewOrder::default();
    let xml = "<xml><ToUserName>ww1</ToUserName><FromUserName>u</FromUserName><CreateTime>1</CreateTime>\
               <MsgType>text</MsgType><Content>a</Content><MsgId>5</MsgId><AgentID>7</AgentID></xml>";
    let message = Message::parse(xml).unwrap();
    let text: work::message::Text = message.get().unwrap();
    assert_eq!((text.content.as_str(), text.agent_id), ("a", Some(7)));
    assert_eq!(message.get::<work::message::Image>(), None);
}

#[test]
fn what_a_type_does_not_know_is_kept_and_never_an_error() {
    let around = |fields: &str| {
        format!(
            "<xml><ToUserName>ww1</ToUserName><FromUserName>u</FromUserName><CreateTime>1</CreateTime>{fields}</xml>"
        )
    };
    let new = around("<MsgType>event</MsgType><Event>brand_new</Event><A>1</A>");
    let work::Push::Other(other) = work::read(new) else {
        panic!()
    };
    assert_eq!(other.event(), Some("brand_new"));
    assert_eq!(other.field("A").as_deref(), Some("1"));
    let more = around(
        "<MsgType>event</MsgType><Event>change_external_contact</Event><ChangeType>add_external_contact</ChangeType>\
         <UserID>u</UserID><New><A>1</A></New>",
    );
    let work::Push::ChangeExternalContact(change) = work::read(more) else {
        panic!()
    };
    use xinqiao_wire::RecordExt as _;
    let kept: Vec<_> = change
        .rest()
        .unwrap()
        .unknown()
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    assert_eq!(kept, [("New".to_owned(), serde_json::json!({"A": "1"}))]);
    assert_eq!(
        (
            change.user_id.as_ref().map(xinqiao_types::UserId::as_str),
            change.state
        ),
        (Some("u"), None)
    );
    // A text where a number is meant, a list where a group is.
    let odd = around(
        "<MsgType>event</MsgType><Event>LOCATION</Event><Latitude>north</Latitude><Precision><A>1</A></Precision>",
    );
    let official_account::Push::LocationEvent(place) = official_account::read(odd) else {
        panic!()
    };
    assert!(place.latitude.abs() < 1e-9);
    for bytes in [
        "",
        "<xml>",
        "{",
        "[]",
        "\u{0}",
        "<!DOCTYPE a><xml><MsgType>text</MsgType></xml>",
    ] {
        assert!(matches!(work::read(bytes), work::Push::Other(_)), "{bytes}");
    }
}

#[test]
fn a_suites_change_of_contacts_is_the_same_event() {
    // WECHAT: a suite hears with an `InfoType` what an agent hears with an `Event`.
    let xml = "<xml><SuiteId>ww4</SuiteId><AuthCorpId>wx1</AuthCorpId><InfoType>change_contact</InfoType>\
               <TimeStamp>1403610513</TimeStamp><ChangeType>create_user</ChangeType><UserID>u</UserID>\
               <Department>1,2,3</Department></xml>";
    let work::Push::ChangeContact(change) = work::read(xml) else {
        panic!()
    };
    assert_eq!(change.suite_id.as_deref(), Some("ww4"));
    assert_eq!(change.department, Some(vec![1, 2, 3]));
    assert_eq!(change.is_leader_in_dept, None);
}

#[test]
fn the_chatbots_events_have_no_type_of_message() {
    let xml = "<xml><userid>u1</userid><appid>a</appid><event>userEnter</event><from>0</from>\
               <content><msg>hi</msg></content><kfstate>1</kfstate><channel>2</channel></xml>";
    let chatbot::Push::UserEnter(enter) = chatbot::read(xml) else {
        panic!()
    };
    assert_eq!(
        (enter.userid.as_str(), enter.content.unwrap().msg.as_str()),
        ("u1", "hi")
    );
}
