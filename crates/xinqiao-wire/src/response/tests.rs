use proptest::prelude::*;
use serde_json::json;

use super::*;

#[track_caller]
fn check(body: &[u8], want: Option<(Value, Value)>) {
    let text = String::from_utf8_lossy(body);
    assert_eq!(envelope(body, "errcode", "errmsg"), want, "{text}");
}

fn bad(message: &str) -> (Value, Value) {
    (json!(40001), json!(message))
}

#[test]
fn an_envelope_is_found_wherever_it_stands() {
    check(br#"{"errcode":40001,"errmsg":"bad"}"#, Some(bad("bad")));
    check(
        br#" {"errmsg" : "bad", "a":[{"errcode":1}], "errcode": 40001 }"#,
        Some(bad("bad")),
    );
    check(
        "\u{feff}{\"errmsg\":\"bad\",\"errcode\":40001}".as_bytes(),
        Some(bad("bad")),
    );
    check(br#"{"errcode":1}"#, Some((json!(1), json!(null))));
}

#[test]
fn a_code_is_found_whatever_bytes_stand_beside_it() {
    // Control characters, halves of characters, another encoding (GBK, whose second byte may be a backslash).
    check(
        b"{\"errcode\":40001,\"errmsg\":\"a\x0bb\"}",
        Some(bad("a b")),
    );
    check(
        b"{\"errcode\":40001,\"errmsg\":\"\xff\"}",
        Some(bad("\u{fffd}")),
    );
    check(
        b"{\"errmsg\":\"\xe6\x9f\",\"errcode\":40001}",
        Some(bad("\u{fffd}")),
    );
    check(
        b"{\"errcode\":40001,\"errmsg\":\"a\x00\"}\x00",
        Some(bad("a ")),
    );
    check(
        b"{\"errmsg\":\"\xb2\xce\x5cx\",\"errcode\":40001}",
        Some(bad("\u{fffd}\u{fffd}\\x")),
    );
    check(
        b"{\"errmsg\":\"\xc1\x5c\",\"errcode\":40001}",
        Some(bad("\u{fffd}\\\",\"errcode\":40001}")),
    );
}

#[test]
fn a_code_is_found_in_an_answer_that_is_broken() {
    check(br#"{"errcode":40001,"errmsg":"bad"#, Some(bad("bad")));
    check(
        br#"{"errcode":40001,"errmsg":"bad "token" here"}"#,
        Some(bad("bad ")),
    );
    check(
        br#"{"errmsg":"bad "token" here","errcode":40001}"#,
        Some(bad("bad \"token\" here")),
    );
    check(
        br#"{"errmsg":"bad",,"errcode":"40001",}"#,
        Some((json!("40001"), json!("bad"))),
    );
    check(
        br#"{"data":{"errcode":1},"x":NaN,"errcode":40001,"errmsg":"bad"}"#,
        Some(bad("bad")),
    );
    check(
        br#"{"errcode":40001,"errmsg":"bad"}{"errcode":0}"#,
        Some(bad("bad")),
    );
    check(
        br#"{"errcode":40001,"items":[{"a":"#,
        Some((json!(40001), json!(null))),
    );
}

#[test]
fn what_is_no_envelope_is_none() {
    for body in [
        "",
        "errcode",
        "[\"errcode\"]",
        r#"{"data":{"errcode":1,"errmsg":"inner"}}"#,
        r#"{"data":{"errcode":1,"errmsg":"cut"#,
        r#"{"note":"errcode","errmsg":"x"}"#,
        r#"{"note":"\"errcode\":1","errmsg":"cut"#,
        r#"{"errmsg":"cut","errcode":"#,
        r#"{"errmsg":"cut","errcode":4000"#,
    ] {
        check(body.as_bytes(), None);
    }
}

#[test]
fn several_objects_after_one_another_are_a_file() {
    let lines = b"{\"errcode\":40001,\"errmsg\":\"x\"}\n{\"errcode\":0}\n";
    assert_eq!(file_envelope(lines, "errcode", "errmsg"), None);
    let one = b"{\"errcode\":40001,\"errmsg\":\"\xff\"}\n";
    assert!(file_envelope(one, "errcode", "errmsg").is_some());
    let cut = b"{\"errcode\":40001,\"errmsg\":\"a";
    assert!(file_envelope(cut, "errcode", "errmsg").is_some());
    let long = format!("{{\"errcode\":1,\"x\":\"{}\"}}", "x".repeat(LONGEST_OBJECT));
    assert_eq!(file_envelope(long.as_bytes(), "errcode", "errmsg"), None);
}

#[test]
fn escapes_stay_as_they_are() {
    let text = br#"{"a":"http:\/\/x\/\u0007\ud83d\ude00\\\"","b":"\ud83d"}"#;
    assert!(matches!(mend(text), Cow::Borrowed(_)));
    let read = value(text).unwrap();
    assert_eq!(read["a"], "http://x/\u{7}\u{1f600}\\\"");
    assert_eq!(read["b"], "\u{fffd}");
    // Beside what must be mended too.
    let read = value(b"{\"a\":\"\\u0007\\/\\x\x01\\u12\"}").unwrap();
    assert_eq!(read["a"], "\u{7}/\\x \\u12");
}

#[test]
fn blanks_between_values_are_no_control_characters_of_a_name() {
    let text = b"{\r\n\t\"a\": \"x\ty\"\r\n}\n\0";
    assert_eq!(value(text).unwrap(), json!({"a": "x y"}));
}

#[track_caller]
fn came_as(body: &str, kind: &str, name: Option<&str>, want: &str) {
    let known = |name: &str| name == "title";
    let found = match came(body.as_bytes(), kind, name, ["errcode", "errmsg"], &known) {
        Came::File => "file",
        Came::Fields(_) => "fields",
        Came::Nothing => "nothing",
    };
    assert_eq!(found, want, "{body} as {kind}");
}

#[test]
fn content_decides_between_file_pointer_and_nothing() {
    for kind in [
        "text/plain",
        "image/jpeg",
        "application/json; encoding=utf-8",
        "",
    ] {
        came_as(r#"{"video_url":"http://v/x"}"#, kind, None, "fields");
        came_as(r#"{"title":"t"}"#, kind, None, "fields");
        came_as(r#"{"title":"t"}"#, kind, Some("t.json"), "fields");
        came_as(r#"{"errcode":0}"#, kind, None, "nothing");
        came_as(r#"{"errcode":0,"errmsg":"ok"}"#, kind, None, "nothing");
        came_as("\u{feff} {\"errcode\":0}", kind, None, "nothing");
        came_as("\u{89}PNG", kind, None, "file");
        came_as("{no json}", kind, None, "file");
        came_as("[1]", kind, None, "file");
        came_as("", kind, None, "file");
        came_as(r#"{"a":1}{"a":2}"#, kind, None, "file");
        came_as(r#"{"bills":[]}"#, kind, Some("bill.json"), "file");
    }
    came_as(r#"{"bills":[]}"#, "text/plain", None, "file");
    came_as(r#"{"bills":[]}"#, "application/json", None, "fields");
    came_as(r#"{"url":"x"}"#, "text/plain", None, "file");
}

fn damage() -> impl Strategy<Value = Vec<(usize, u8)>> {
    proptest::collection::vec((0..60_usize, any::<u8>()), 0..8)
}

proptest! {
    /// Whatever stands in the message, and behind it: the code is found.
    #[test]
    fn no_bytes_in_a_message_cost_its_code(
        message in proptest::collection::vec(any::<u8>(), 0..40), first in any::<bool>(),
    ) {
        let mut body = b"{".to_vec();
        let code = b"\"errcode\":40001";
        if first {
            body.extend_from_slice(code);
            body.extend_from_slice(b",\"errmsg\":\"");
            body.extend_from_slice(&message);
            body.extend_from_slice(b"\"}");
        } else {
            // Braces would move the code into another object.
            let message = message.iter().map(|byte| if matches!(byte, b'{' | b'}') { b'.' } else { *byte });
            body.extend_from_slice(b"\"errmsg\":\"");
            body.extend(message);
            body.extend_from_slice(b"\",");
            body.extend_from_slice(code);
            body.extend_from_slice(b"}");
        }
        let found = envelope(&body, "errcode", "errmsg").map(|(code, _)| code);
        prop_assert_eq!(found, Some(json!(40001)), "{}", String::from_utf8_lossy(&body));
    }

    /// Bytes that JSON forbids inside a string never cost the answer.
    #[test]
    fn no_forbidden_byte_costs_an_answer(
        name in proptest::collection::vec(any::<u8>().prop_filter("ends the string", |byte| !matches!(byte, b'"' | b'\\')), 0..40),
    ) {
        let body = [&b"{\"nickname\":\""[..], &name, b"\",\"sex\":1}"].concat();
        let read = value(&body).unwrap();
        prop_assert_eq!(&read["sex"], 1);
        let name = read["nickname"].as_str().unwrap();
        prop_assert!(!name.chars().any(|character| character < ' '));
    }

    /// Garbage is refused or read, and never more than that.
    #[test]
    fn garbage_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200), hits in damage()) {
        let mut near = br#"{"errcode":40001,"errmsg":"a\u0007\/b","list":[{"x":"\ud83d"}]}"#.to_vec();
        for (at, byte) in hits {
            let length = near.len();
            near[at % length] = byte;
        }
        for body in [body, near] {
            let _ = (value(&body), envelope(&body, "errcode", "errmsg"));
            let _ = file_envelope(&body, "errcode", "errmsg");
            let _ = came(&body, "text/plain", None, ["errcode", "errmsg"], &|_| false);
        }
    }
}
