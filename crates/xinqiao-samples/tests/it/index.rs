//! Whatever an index and its files hold: each file is judged, with a reason.

use std::path::Path;

use serde_json::json;
use xinqiao_samples::index::{self, Kind};
use xinqiao_samples::{Report, trip};
use xinqiao_wire::{self as w, Free, Record};

w::record! {
    /// A page of users.
    pub struct Page {
        /// How many.
        0 total: i64 => "total: must",
        /// Ids.
        1 ids: Option<Vec<String>> => "ids",
        /// Rate.
        2 rate: Option<f64> => "rate",
        /// Below.
        3 next: Option<w::Nested<Page>> => "next",
        /// Content.
        4 content: Option<String> => "Content",
    }
}

fn make(kind: Kind, id: &str) -> Option<Box<dyn Record>> {
    match (kind, id) {
        (Kind::Request, "official_account.user.get") => Some(Box::new(Free::default())),
        (_, "official_account.user.get" | "official_account.message.text") => {
            Some(Box::new(Page::default()))
        }
        _ => None,
    }
}

fn run(lines: &[serde_json::Value], files: &[(&str, &[u8])]) -> Report {
    let folder = tempfile::tempdir().expect("a folder");
    let put = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("."))).expect("a folder");
        std::fs::write(path, content).expect("a file");
    };
    for (name, content) in files {
        put(name, content);
    }
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            line.as_str()
                .map_or_else(|| line.to_string(), str::to_owned)
        })
        .collect();
    put(
        "index.jsonl",
        format!("\u{feff}{}\r\n\n", lines.join("\r\n")).as_bytes(),
    );
    index::run(&folder.path().join("index.jsonl"), &make).expect("the index is readable")
}

fn answer(file: &str) -> serde_json::Value {
    json!({"file": file, "kind": "response", "family": "official-account", "endpoint": "cgi-bin.user.get"})
}

#[test]
fn what_can_be_judged_passes_whatever_its_form() {
    let report = run(
        &[
            answer("a/bom.json"),
            answer("a/numbers.json"),
            answer("a/strange.json"),
            answer("b/twice.json"),
            answer("b/envelope.json"),
            json!({"file": "b/xml.txt", "kind": "message", "family": "official-account", "event": "official-account.message.text"}),
            json!({"file": "b/free.json", "kind": "request", "family": "official-account", "endpoint": "cgi-bin.user.get"}),
        ],
        &[
            ("a/bom.json", b"\xef\xbb\xbf{\r\n \"total\": 1,\r\n \"ids\": [\"x\"]\r\n}\r\n"),
            ("a/numbers.json", b"{\"total\":\"7\",\"rate\":\"1e3\",\"next\":{\"total\":1.0,\"rate\":18446744073709551616}}"),
            ("a/strange.json", b"{\"total\":null,\"ids\":{},\"rate\":[],\"next\":[],\"new\":[{},[],null]}"),
            ("b/twice.json", b"{\"total\":1,\"total\":2,\"new\":1,\"new\":{\"a\":1,\"a\":2}}"),
            ("b/envelope.json", b"{\"errcode\":0,\"errmsg\":\"ok\",\"total\":3}"),
            ("b/xml.txt", b"\n<xml><total>2</total><Content><![CDATA[x]]></Content><new>1</new><new>2</new></xml>"),
            ("b/free.json", b"{\"any\":{\"thing\":[1,\"2\",null]}}"),
        ],
    );
    assert!(report.failures.is_empty(), "{report}");
    assert_eq!(report.samples(), (7, 7));
    assert_eq!(report.projects["a"], (3, 3));
    assert_eq!(report.refused, 1, "only `strange` does not fit: {report}");
    let places: Vec<_> = report.untyped.keys().map(String::as_str).collect();
    assert!(
        places.iter().all(|place| place.contains("new")),
        "{places:?}"
    );
}

#[test]
fn what_cannot_be_judged_fails_with_its_reason() {
    let report = run(
        &[
            answer("a/missing.json"),
            answer("a/broken.json"),
            answer("a/latin.json"),
            answer("a/empty.json"),
            answer("a/broken.xml"),
            answer("a/deep.json"),
            json!("{not json"),
            json!({"kind": "response"}),
            json!({"file": "a/good.json", "kind": "riddle", "family": "official-account", "endpoint": "cgi-bin.user.get"}),
            json!({"file": "a/good.json", "kind": "response", "family": "official-account", "endpoint": "cgi-bin.nobody.knows"}),
            json!({"file": "a/good.json", "kind": "response", "family": "nobody", "endpoint": "cgi-bin.user.get"}),
            json!({"file": "a/good.json", "kind": "event", "family": "official-account"}),
            json!({"file": 5}),
        ],
        &[
            ("a/broken.json", b"{\"total\":1,}"),
            ("a/latin.json", b"{\"total\":\"\xe9\"}"),
            ("a/empty.json", b""),
            ("a/broken.xml", b"<xml><a></xml>"),
            (
                "a/deep.json",
                format!("{}{}", "[".repeat(5000), "]".repeat(5000)).as_bytes(),
            ),
            ("a/good.json", b"{\"total\":1}"),
        ],
    );
    assert_eq!(report.samples(), (0, 13), "{report}");
    let reasons: Vec<_> = report
        .failures
        .iter()
        .map(|(_, reason)| reason.as_str())
        .collect();
    for (reason, part) in reasons.iter().zip([
        "No such file",
        "trailing comma",
        "unicode",
        "EOF",
        "tag",
        "recursion",
        "is not JSON",
        "no file",
        "riddle",
        "no type",
        "no type",
        "no type",
        "no file",
    ]) {
        assert!(reason.contains(part), "{reason}: {part}");
    }
    assert!(!report.is_good());
    assert!(!Report::default().is_good(), "nothing is no success");
}

#[test]
fn the_best_of_several_ids_counts() {
    let line = json!({
        "file": "a/x.json", "kind": "response", "family": "official-account", "endpoint": "cgi-bin.nobody",
        "also": ["official-account:cgi-bin.user.get", "other:thing", 5],
    });
    let report = run(&[line], &[("a/x.json", b"{\"total\":1,\"ids\":[]}")]);
    assert_eq!(
        (report.samples(), report.values),
        ((1, 1), (1, 1)),
        "{report}"
    );
}

#[test]
fn a_value_that_no_slot_holds_is_no_typed_one() {
    let make = || make(Kind::Response, "official_account.user.get");
    let text = br#"{"total":"many","ids":["a",1],"rate":"0.50","next":{"total":true,"new":5}}"#;
    let trip = trip::through(&make, text, &[]).expect("there is a type");
    assert_eq!((trip.failure, trip.refused), (None, true));
    assert_eq!((trip.values, trip.typed), (6, 4), "{:?}", trip.untyped);
}
