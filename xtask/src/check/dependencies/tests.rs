use super::*;

fn of(manifest: &str, shipped: &str, all: &str, build: &str) -> Member {
    Member {
        name: "xinqiao-a".to_owned(),
        manifest: manifest.parse().expect("a manifest"),
        shipped: shipped.to_owned(),
        all: all.to_owned(),
        build: build.to_owned(),
    }
}

#[test]
fn a_name_that_begins_a_path_is_named() {
    for text in [
        "use serde_json::Value;",
        "use ::serde_json::Value;",
        "use serde_json;",
        "pub use serde_json as json;",
        "extern crate serde_json;",
        "    serde_json::json!({})",
        "#[derive(serde_json::X)]",
        "#[serde_json::main]",
        "#[serde(with = \"serde_json::x\")]",
        "fn a() -> Option<serde_json::Value>",
        "use {bytes::Bytes, serde_json::Value};",
    ] {
        assert!(is_named(text, "serde_json"), "{text}");
    }
}

#[test]
fn a_name_elsewhere_is_not() {
    for text in [
        "let bytes = 1;",
        "use bytes_more::A;",
        "use more_bytes::A;",
        "use http::bytes::A;",
        "self.bytes::<4>()",
        "use axum::{bytes, http};",
        "<A as B>::bytes::c()",
        "mod bytes;",
        "",
    ] {
        assert!(!is_named(text, "bytes"), "{text}");
    }
}

#[test]
fn what_nothing_names_is_found_in_each_table() {
    let manifest = "[dependencies]\nbytes.workspace = true\nhttp.workspace = true\n\
        [dev-dependencies]\ninsta.workspace = true\nproptest.workspace = true\n\
        [build-dependencies]\ncc = \"1\"\n\
        [target.'cfg(unix)'.dependencies]\nrustix.workspace = true\n";
    let all = "use http::A; use bytes::B; use proptest::prelude;";
    assert_eq!(
        unused(&of(manifest, "use http::A;", all, ""), &[]),
        [
            "xinqiao-a: bytes stands in [dependencies], and nothing in src, outside its tests names it",
            "xinqiao-a: insta stands in [dev-dependencies], and nothing in src, tests, benches or examples names it",
            "xinqiao-a: cc stands in [build-dependencies], and nothing in build.rs names it",
            "xinqiao-a: rustix stands in [dependencies], and nothing in src, outside its tests names it",
        ]
    );
    let shipped = "use http::A; use bytes::B; use rustix::C;";
    let all = "use insta::A; use proptest::B;";
    assert!(unused(&of(manifest, shipped, all, "cc::Build"), &[]).is_empty());
}

#[test]
fn a_library_of_another_name_is_found_by_it() {
    let manifest = "[dependencies]\nmd-5.workspace = true\n";
    assert!(unused(&of(manifest, "use md5::Md5;", "", ""), &[]).is_empty());
    assert_eq!(
        unused(&of(manifest, "use md_5::Md5;", "", ""), &[]).len(),
        1
    );
}

#[test]
fn an_excuse_holds_as_long_as_it_is_needed() {
    let manifest = "[dependencies]\nbytes.workspace = true\n";
    let excused = [("xinqiao-a", "bytes", "turns on `serde` for others")];
    assert!(unused(&of(manifest, "", "", ""), &excused).is_empty());
    assert_eq!(unused(&of(manifest, "bytes::A", "", ""), &excused).len(), 1);
    let of_others = [("xinqiao-b", "bytes", "")];
    assert_eq!(unused(&of(manifest, "", "", ""), &of_others).len(), 1);
}

#[test]
fn the_table_holds_nothing_that_nobody_asks_for() {
    let root: Table = "[workspace.dependencies]\nbytes = \"1\"\nuuid = \"1\"\n"
        .parse()
        .expect("a manifest");
    let member = of("[dev-dependencies]\nbytes.workspace = true\n", "", "", "");
    assert_eq!(
        unasked(&root, &[member]),
        ["Cargo.toml: no crate of the workspace asks for uuid"]
    );
}

#[test]
fn comments_and_unit_tests_are_not_what_is_shipped() {
    let source = Source {
        path: String::new(),
        text:
            "//! use a::B;\nfn f() {} // c::d\nuse e::F;\n#[cfg(test)]\nmod tests { use g::H; }\n"
                .to_owned(),
        kind: super::super::sources::Kind::Code,
    };
    assert_eq!(code(&source), "fn f() {}\nuse e::F;\n");
    assert!(is_test("src/a/tests.rs") && is_test("src/tests/b.rs") && !is_test("src/testsuite.rs"));
}
