//! What needs a server's crate: a configuration, an upload.

use xinqiao_gateway::{Config, fuzzed};

use crate::merchant::now;

/// A configuration: read or refused, and no refusal repeats a secret.
pub(super) fn configuration(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Err(error) = Config::from_toml(&text) {
        let error = error.to_string();
        // What is no secret's place is named, as is a key that is not known.
        let names = error.contains("unknown ") || error.contains("is not known");
        let named = || text.parse().is_ok_and(|table| stands_elsewhere(&table));
        assert!(names || !error.contains("CANARY") || named(), "{error}");
    }
}

/// Whether a canary stands where no secret belongs: ids, names and addresses are told.
fn stands_elsewhere(table: &toml::Table) -> bool {
    fn holds(key: &str, value: &toml::Value) -> bool {
        let is_secret = ["secret", "token", "aes_key", "key", "read_key"].contains(&key);
        match value {
            toml::Value::String(text) => !is_secret && text.contains("CANARY"),
            toml::Value::Array(items) => items.iter().any(|item| holds(key, item)),
            toml::Value::Table(table) => stands_elsewhere(table),
            _ => false,
        }
    }
    table
        .iter()
        .any(|(key, value)| key.contains("CANARY") || holds(key, value))
}

/// A header's value in the first line, a body behind it.
pub(super) fn multipart(data: &[u8]) {
    let (head, body) = match data.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&data[..end], &data[end + 1..]),
        None => (&[][..], data),
    };
    let _ = xinqiao_simulator::read_multipart(&String::from_utf8_lossy(head), body);
}

const SECRET: &str = "77_CANARY+TOKEN/of-an_account";

/// Pieces of a body, cut where the first byte says; each 0xff becomes a secret and each 0xfe a key of ours, so that they
/// turn up anywhere.
pub(super) fn relay(data: &[u8]) {
    let Some((cut, rest)) = data.split_first() else {
        return;
    };
    let mut text = Vec::new();
    for byte in rest {
        match byte {
            0xff => text.extend_from_slice(SECRET.as_bytes()),
            0xfe => text.extend_from_slice(b"xqk_0123456789abcdefghijklmn"),
            byte => text.push(*byte),
        }
    }
    let pieces = || {
        text.chunks(usize::from(*cut).max(1))
            .map(<[u8]>::to_vec)
            .collect()
    };
    let holds = |text: &[u8], what: &[u8]| text.windows(what.len()).any(|window| window == what);
    let answered = now(fuzzed::answered(SECRET, pieces()));
    assert!(
        !holds(&answered, SECRET.as_bytes()),
        "a secret came through"
    );
    if !rest.contains(&0xff) && !holds(&text, b"CANARY") && !holds(&text, b"%") {
        assert_eq!(answered, text);
    }
    let (relayed, ended_well) = now(fuzzed::relayed(pieces()));
    assert!(text.starts_with(&relayed), "the body changed on its way");
    assert!(!fuzzed::holds_key(&relayed), "a key went out");
    assert!(!ended_well || (relayed == text && !rest.contains(&0xfe)));
}
