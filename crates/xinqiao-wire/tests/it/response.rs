//! Answers of every form: JSON, XML, files, and JSON where a file was expected.

use xinqiao_wire::{Auth, Blob, Content, Empty, EndpointInfo, Keep, Retry, json, response};

use crate::shapes::{Leaf, Scalars};

fn info(answer: Content) -> EndpointInfo {
    EndpointInfo {
        id: "test.get",
        method: "GET",
        host: "example.invalid",
        path: "/get",
        when: None,
        auth: Auth::None,
        content: Content::None,
        answer,
        retry: Retry::Safe,
        code_field: "errcode",
        message_field: "errmsg",
        client_cert: false,
        permissions: &[],
    }
}

fn file(answer: Content, kind: &str, body: &[u8]) -> Blob {
    let mut blob = Blob::default();
    let name = Some("bill.csv");
    response::decode(&mut blob, &info(answer), kind, name, body, Keep::Typed).expect("decodes");
    blob
}

#[test]
fn a_file_is_copied_and_not_written() {
    let blob = file(Content::Binary, "image/png", b"png");
    assert_eq!(blob.clone().file, blob.file);
    assert_eq!(json::encode_all(&blob), "{}");
}

#[test]
fn a_file_keeps_its_bytes_name_and_charset() {
    // GBK: no UTF-8, and none of our business.
    let bytes = b"\xbd\xbb\xd2\xd7,1\r\n`2,3\r\n";
    for answer in [Content::Binary, Content::Csv, Content::Raw] {
        for kind in [
            "text/csv; charset=gbk",
            "image/jpeg",
            "application/octet-stream",
            "text/plain",
            "",
        ] {
            let blob = file(answer, kind, bytes);
            assert_eq!(blob.file.bytes, bytes);
            assert_eq!(blob.file.content_type, kind);
            assert_eq!(blob.file.file_name.as_deref(), Some("bill.csv"));
        }
    }
    assert!(
        file(Content::Binary, "image/png", b"")
            .file
            .bytes
            .is_empty()
    );
    assert_eq!(
        file(Content::Csv, "text/plain", b"{no, json}").file.bytes,
        b"{no, json}"
    );
    assert_eq!(
        file(Content::Binary, "image/png", b"{\"a\":1}").file.bytes,
        b"{\"a\":1}"
    );
}

#[test]
fn json_instead_of_a_file_is_no_file() {
    for kind in [
        "application/json; charset=utf-8",
        "Application/JSON",
        "text/plain;charset=utf-8",
        "image/jpeg",
        "",
        "application/octet-stream",
    ] {
        for (body, reason) in [
            (&b"{\"errcode\":0}"[..], "no file"),
            (b"\n {\"errcode\":0, \"errmsg\":\"a\x0bb\"}", "no file"),
            (b"\xef\xbb\xbf{\"errcode\":0}", "no file"),
            (b"{\"video_url\":\"http://v/\xff\"}", "`video_url` instead"),
        ] {
            let mut blob = Blob::default();
            let info = info(Content::Binary);
            let read = response::decode(&mut blob, &info, kind, None, body, Keep::Typed);
            let error = read.expect_err("no file came");
            assert!(error.reason.contains(reason), "{kind}: {error}");
            assert!(blob.file.bytes.is_empty(), "{kind}");
        }
    }
}

#[test]
fn control_and_broken_characters_cost_no_answer() {
    let mut record = Leaf::default();
    let body = b"\xef\xbb\xbf{\"name\":\"a\x07b\xff\\u0007\",\"size\":2}\0";
    response::decode(
        &mut record,
        &info(Content::Json),
        "text/plain",
        None,
        body,
        Keep::Typed,
    )
    .expect("decodes");
    assert_eq!(
        (record.name.as_str(), record.size),
        ("a b\u{fffd}\u{7}", Some(2))
    );
}

#[test]
fn an_answer_with_fields_beside_its_file_takes_json() {
    let mut leaf = Leaf::default();
    let body = b"{\"name\":\"x\",\"size\":2}";
    response::decode(
        &mut leaf,
        &info(Content::Binary),
        "text/plain",
        None,
        body,
        Keep::Typed,
    )
    .expect("decodes");
    assert_eq!((leaf.name.as_str(), leaf.size), ("x", Some(2)));
}

#[test]
fn blank_answers_are_empty_ones() {
    for answer in [Content::Json, Content::Xml, Content::None] {
        for body in [&b""[..], b"\r\n "] {
            let mut empty = Empty::default();
            response::decode(&mut empty, &info(answer), "", None, body, Keep::Raw)
                .expect("decodes");
        }
    }
}

#[test]
fn json_and_xml_answers_are_read_and_named_in_errors() {
    let mut record = Scalars::default();
    let xml = b"<xml><text><![CDATA[t]]></text><number>3</number></xml>";
    response::decode(
        &mut record,
        &info(Content::Xml),
        "text/xml",
        None,
        xml,
        Keep::Typed,
    )
    .expect("decodes");
    assert_eq!((record.text.as_str(), record.number), ("t", 3));
    let json = b"\xef\xbb\xbf{\"text\":\"t\",\"number\":[]}";
    let error = response::decode(
        &mut record,
        &info(Content::Json),
        "",
        None,
        json,
        Keep::Typed,
    )
    .expect_err("a list is no number");
    assert_eq!(error.path, "number");
    let error = response::decode(
        &mut record,
        &info(Content::Json),
        "",
        None,
        b"\"\xff\"",
        Keep::Typed,
    )
    .expect_err("no object");
    assert!(!error.reason.contains("UTF-8"), "{error}");
}
