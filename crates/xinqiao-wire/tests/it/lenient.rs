//! What the platform gets wrong and we take all the same; how requests are taken apart.

use serde_json::json;
use xinqiao_wire::request::{self, Body, PartContent};
use xinqiao_wire::{
    Auth, Content, EndpointInfo, FilePart, Keep, Retry, TextOrNumber, json as codec, value,
};

use crate::shapes::{Leaf, Scalars, Spelled, Tree, Upload};

fn scalars(input: &serde_json::Value) -> Scalars {
    let mut record = Scalars::default();
    value::from_value(&mut record, input, Keep::Typed).expect("decodes leniently");
    record
}

#[test]
fn numbers_may_be_text_and_text_a_number() {
    let record =
        scalars(&json!({"number": "7", "text": 5, "fraction": "0.5", "truth": 1, "count": ""}));
    assert_eq!(
        (record.number, record.text.as_str(), record.truth),
        (7, "5", true)
    );
    assert!((record.fraction - 0.5).abs() < f64::EPSILON);
    assert_eq!(scalars(&json!({"number": 7.0})).number, 7);
}

#[test]
fn null_is_absent() {
    assert_eq!(scalars(&json!({"maybe": null, "text": null})).maybe, None);
}

#[test]
fn one_object_stands_for_a_list_and_an_empty_list_for_an_object() {
    let mut tree = Tree::default();
    let input = json!({"name": "a", "branches": {"name": "b"}, "twin": []});
    value::from_value(&mut tree, &input, Keep::Typed).expect("decodes leniently");
    assert_eq!(tree.branches.map(|branches| branches.len()), Some(1));
}

#[test]
fn errors_name_the_place() {
    let mut tree = Tree::default();
    let text = br#"{"branches":[{"name":"a"},{"leaves":{"x":{"size":"big"}}}]}"#;
    let error = codec::decode(&mut tree, text, Keep::Typed).expect_err("size is no number");
    assert_eq!(error.path, "branches[1].leaves.x.size");
}

#[test]
fn depth_is_bounded() {
    let deep = format!("{}1{}", "{\"twin\":".repeat(200), "}".repeat(200));
    let mut tree = Tree::default();
    let error = codec::decode(&mut tree, deep.as_bytes(), Keep::Typed).expect_err("too deep");
    assert!(error.reason.contains("deep"), "{error}");
}

#[test]
fn spellings_on_the_wire() {
    let record = Spelled::new()
        .flag(true)
        .yes(false)
        .total(12)
        .ids(vec!["a".to_owned(), "b".to_owned()])
        .inner(Leaf::new("x"))
        .either(TextOrNumber::from(5));
    let wire = json!({
        "flag": 1, "yes": "N", "total": "12", "ids": "a|b", "inner": "{\"name\":\"x\"}", "either": 5,
    });
    assert_eq!(value::to_value(&record), wire);
    let mut back = Spelled::default();
    value::from_value(&mut back, &wire, Keep::Typed).expect("decodes");
    assert_eq!(back, record);
}

#[test]
fn debug_masks() {
    let record = Scalars::new("t", 1, 0.5, true).openid("oSecret");
    let shown = format!("{record:?}");
    assert!(
        shown.contains("***") && !shown.contains("oSecret"),
        "{shown}"
    );
}

const INFO: EndpointInfo = EndpointInfo {
    id: "test.media.upload",
    method: "POST",
    host: "example.invalid",
    path: "/media/{type}/upload",
    when: Some(("action", "put")),
    auth: Auth::None,
    content: Content::Multipart,
    answer: Content::Json,
    retry: Retry::Never,
    code_field: "errcode",
    message_field: "errmsg",
    client_cert: false,
    permissions: &[],
};

#[test]
fn a_multipart_request_comes_apart() {
    let file = FilePart::new("图片.png", b"png".to_vec());
    let upload = Upload::new("image", file).description(Leaf::new("x"));
    let info = EndpointInfo {
        path: "/media/upload",
        ..INFO
    };
    let encoded = request::encode(&upload, &info).expect("encodes");
    assert_eq!(
        encoded.query,
        [("action", "put"), ("type", "image")].map(|(a, b)| (a.into(), b.into()))
    );
    let Body::Multipart(parts) = encoded.body else {
        panic!("multipart expected")
    };
    assert!(
        matches!(&parts[0].content, PartContent::File(file) if file.media_type() == "image/png")
    );
    assert!(matches!(&parts[1].content, PartContent::Json(text) if text == r#"{"name":"x"}"#));
    assert!(
        request::encode(&upload, &INFO).is_err(),
        "`type` travels in the query, not the path"
    );
}
