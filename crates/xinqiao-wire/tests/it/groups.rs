//! Lists and groups: the type decides, never how many came.

use serde_json::{Value, json};
use xinqiao_wire::{self as w, Keep, json as codec, markup, value};

w::record! {
    /// An item.
    pub struct Pic {
        /// Its sum.
        0 sum: String => "Sum: must",
    }
}

w::record! {
    /// A group that is a list.
    pub struct Pics {
        /// Items.
        0 item: Vec<Pic> => "item: must",
    }
}

w::record! {
    /// A group with a list and more.
    pub struct Sent {
        /// Count.
        0 count: i64 => "Count: must",
        /// The list in its group.
        1 pics: Pics => "PicList: must",
    }
}

w::record! {
    /// A group whose list may be absent.
    pub struct Attributes {
        /// Items.
        0 item: Option<Vec<Pic>> => "Item",
    }
}

w::record! {
    /// An event.
    pub struct Event {
        /// Name.
        0 name: Option<String> => "Name",
        /// A group.
        1 sent: Option<Sent> => "Sent",
        /// Repeats.
        2 records: Vec<Pic> => "Record: must",
        /// Texts.
        3 words: Vec<String> => "Word: must",
        /// Numbers.
        4 numbers: Vec<i64> => "Number: must",
        /// Joined numbers.
        5 joined: Vec<i64> => "Joined: must comma",
        /// A group that may be left out.
        6 list: Option<Pics> => "List",
        /// A group whose list may be absent.
        7 attributes: Option<Attributes> => "ExtAttr",
    }
}

fn sums(pics: &[Pic]) -> Vec<&str> {
    pics.iter().map(|pic| pic.sum.as_str()).collect()
}

/// Reads XML both ways and checks that nothing gets lost in keeping all.
#[track_caller]
fn xml(inner: &str) -> Event {
    let text = format!("<xml>{inner}</xml>");
    let mut typed = Event::default();
    markup::decode(&mut typed, text.as_bytes(), Keep::Typed).expect("is read");
    let mut kept = Event::default();
    markup::decode(&mut kept, text.as_bytes(), Keep::Raw).expect("is read");
    assert_eq!(
        value::to_typed_value(&typed),
        value::to_typed_value(&kept),
        "{inner}"
    );
    let again = markup::encode(&kept, "xml");
    let mut back = Event::default();
    markup::decode(&mut back, again.as_bytes(), Keep::Raw).expect("is read back");
    assert_eq!(markup::encode(&back, "xml"), again);
    assert_eq!(
        value::to_typed_value(&back),
        value::to_typed_value(&kept),
        "{inner} → {again}"
    );
    typed
}

fn json(from: &Value) -> Event {
    let mut typed = Event::default();
    codec::decode(&mut typed, from.to_string().as_bytes(), Keep::Typed).expect("is read");
    let mut kept = Event::default();
    codec::decode(&mut kept, from.to_string().as_bytes(), Keep::Raw).expect("is read");
    assert_eq!(value::to_typed_value(&typed), value::to_typed_value(&kept));
    assert_eq!(&value::to_value(&kept), from, "nothing is lost");
    typed
}

const LISTS: [(&str, &[&str]); 10] = [
    (
        "<Sent><Count>0</Count>\n<PicList>\n</PicList>\n</Sent>",
        &[],
    ),
    ("<Sent>\n</Sent>", &[]),
    ("<Sent><PicList/></Sent>", &[]),
    (
        "<Sent><PicList><item><Sum>a</Sum></item></PicList></Sent>",
        &["a"],
    ),
    (
        "<Sent><PicList><item><Sum>a</Sum></item></PicList><PicList><item><Sum>b</Sum></item></PicList></Sent>",
        &["a", "b"],
    ),
    (
        "<Sent><PicList><Item><Sum>a</Sum></Item><Item><Sum>b</Sum></Item></PicList></Sent>",
        &["a", "b"],
    ),
    (
        "<Sent><item><Sum>a</Sum></item><item><Sum>b</Sum></item></Sent>",
        &["a", "b"],
    ),
    (
        "<Sent><PicList><item><Sum>a</Sum></item></PicList><item><Sum>b</Sum></item></Sent>",
        &["a", "b"],
    ),
    ("<Sent><PicList><Sum>a</Sum></PicList></Sent>", &["a"]),
    (
        "<Sent><Count>1</Count></Sent><Sent><PicList><item><Sum>a</Sum></item></PicList></Sent>",
        &["a"],
    ),
];

#[test]
fn a_list_in_a_group_is_the_same_list_however_it_comes() {
    for (inner, want) in LISTS {
        let sent = xml(inner).sent.expect("the group is there");
        assert_eq!(sums(&sent.pics.item), want, "{inner}");
    }
}

#[test]
fn a_group_may_be_left_out() {
    let items = "<item><Sum>a</Sum></item><item><Sum>b</Sum></item>";
    for inner in [items.to_owned(), format!("<List>{items}</List>")] {
        let list = xml(&inner).list.expect("the list is there");
        assert_eq!(sums(&list.item), ["a", "b"], "{inner}");
    }
    assert_eq!(xml("<Name>x</Name>").list.map(|_| ()), None);
    let items = json!([{"Sum": "a"}, {"Sum": "b"}]);
    for from in [
        json!({ "item": items }),
        json!({ "List": items }),
        json!({"List": {"item": items}}),
        json!({"List": [{"item": items}]}),
        json!({"List": {"item": [items[0]]}, "item": items[1]}),
    ] {
        let list = json(&from).list.expect("the list is there");
        assert_eq!(sums(&list.item), ["a", "b"], "{from}");
    }
    let one = json(&json!({"item": {"Sum": "a"}})).list;
    assert_eq!(sums(&one.expect("is there").item), ["a"]);
}

#[test]
fn a_list_that_may_be_absent_is_a_list_all_the_same() {
    let item = "<Item><Sum>a</Sum></Item>";
    for (inner, want) in [
        (String::new(), None),
        ("<ExtAttr>\n</ExtAttr>".to_owned(), Some(0)),
        (format!("<ExtAttr>{item}</ExtAttr>"), Some(1)),
        (format!("<ExtAttr>{item}{item}</ExtAttr>"), Some(2)),
        (
            format!("<ExtAttr>{item}</ExtAttr><ExtAttr>{item}</ExtAttr>"),
            Some(2),
        ),
        (format!("{item}{item}"), Some(2)),
        (
            "<ExtAttr><Attr><Sum>a</Sum></Attr></ExtAttr>".to_owned(),
            Some(1),
        ),
    ] {
        let found = xml(&inner).attributes;
        let found = found.map(|found| found.item.map_or(0, |items| items.len()));
        assert_eq!(found, want, "{inner}");
    }
}

#[test]
fn what_does_not_fit_into_a_group_is_left_out_of_it_and_kept() {
    let from = json!({"item": ["x", {"Sum": "a"}]});
    let list = json(&from).list.expect("is there");
    assert_eq!(sums(&list.item), ["a"]);
}

#[test]
fn a_list_of_none_one_and_more_is_a_list() {
    for (inner, want) in [
        ("", 0),
        ("<Record></Record>", 0),
        ("<Record>\n</Record>", 0),
        ("<Record><Sum/></Record>", 1),
        ("<Record><Sum>a</Sum></Record><Record></Record>", 2),
        ("<Record></Record><Record><Sum>a</Sum></Record>", 2),
    ] {
        assert_eq!(xml(inner).records.len(), want, "{inner}");
    }
    for (inner, want) in [
        ("<Word></Word>", &[][..]),
        ("<Word>a</Word>", &["a"]),
        ("<Word>a</Word><Name/><Word></Word>", &["a", ""]),
        ("<Word></Word><Word>a</Word>", &["", "a"]),
        ("<Word></Word><Word></Word>", &["", ""]),
    ] {
        assert_eq!(xml(inner).words, want, "{inner}");
    }
    for (from, want) in [
        (json!({"Word": ""}), &[][..]),
        (json!({"Word": []}), &[]),
        (json!({"Word": [""]}), &[""]),
        (json!({"Word": "a"}), &["a"]),
    ] {
        assert_eq!(json(&from).words, want, "{from}");
    }
}

#[test]
fn numbers_in_one_text_are_a_list() {
    for name in ["Number", "Joined"] {
        for (text, want) in [
            ("", &[][..]),
            (" ", &[]),
            ("6", &[6]),
            ("6,1", &[6, 1]),
            ("6, 1,", &[6, 1]),
        ] {
            let event = xml(&format!("<{name}><![CDATA[{text}]]></{name}>"));
            let found = [event.numbers, event.joined].concat();
            assert_eq!(found, want, "{name} {text:?}");
            let event = json(&json!({ name: text }));
            assert_eq!([event.numbers, event.joined].concat(), want);
        }
        let event = xml(&format!("<{name}>6</{name}><{name}>1</{name}>"));
        assert_eq!([event.numbers, event.joined].concat(), [6, 1]);
        for from in [json!({name: [6, 1]}), json!({name: ["6", 1]})] {
            let event = json(&from);
            assert_eq!([event.numbers, event.joined].concat(), [6, 1]);
        }
        let event = json(&json!({name: 6}));
        assert_eq!([event.numbers, event.joined].concat(), [6]);
    }
}

#[test]
fn absent_is_not_empty() {
    let event = xml("<Number>1</Number>");
    assert!(event.name.is_none() && event.sent.is_none() && event.list.is_none());
    assert_eq!(xml("<Name></Name>").name.as_deref(), Some(""));
}

w::record! {
    /// What happened.
    pub struct Happened {
        /// Name.
        0 name: Option<String> => "Name",
        /// Around its fields in XML, and beside them in JSON.
        1 sent: Sent => "Sent: must beside",
    }
}

#[test]
fn a_group_may_be_left_out_around_its_fields() {
    let around = json!({"Name": "n", "Sent": {"Count": 2, "PicList": {"item": [{"Sum": "a"}]}}});
    let without = json!({"Name": "n", "Count": "2", "PicList": {"item": [{"Sum": "a"}]}, "New": 1});
    let read = |from: &Value, keep| {
        let mut record = Happened::default();
        codec::decode(&mut record, from.to_string().as_bytes(), keep).expect("is read");
        record
    };
    let whole = read(&around, Keep::Typed);
    assert_eq!(
        (whole.sent.count, sums(&whole.sent.pics.item)),
        (2, vec!["a"])
    );
    for keep in [Keep::Typed, Keep::Raw] {
        let found = read(&without, keep);
        assert_eq!(
            value::to_typed_value(&found),
            value::to_typed_value(&whole),
            "{keep:?}"
        );
    }
    assert_eq!(
        value::to_value(&read(&without, Keep::Raw)),
        without,
        "nothing is lost"
    );
    let odd = read(&json!({"Count": {"a": 1}}), Keep::Typed);
    assert_eq!(odd.sent.count, 0);
}
