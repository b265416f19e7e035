//! Where in a configuration's text something is wrong, and what may be said of it.

use std::sync::LazyLock;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, Visitor, value::Error},
    forward_to_deserialize_any,
};

use super::{AccountConfig, Admin, AppConfig, Config, KeyConfig, Listen, Proxy, Seal};

/// The reason with the key on whose line it arose, unless it names it already. What is no key of a configuration may
/// be anything, a piece of a secret too.
pub(super) fn with_key(text: &str, at: usize, message: &str) -> String {
    let line = text[..at.min(text.len())].rsplit('\n').next().unwrap_or("");
    // The last key before the place: a line may hold an inline table with several.
    let key = line.rsplit_once('=').map_or("", |(before, _)| {
        let before = before.trim_end();
        let start = before.rfind([' ', '{', ',', '\t']).map_or(0, |at| at + 1);
        &before[start..]
    });
    if !KEYS.contains(&key) || message.contains(&format!("`{key}`")) {
        return message.to_owned();
    }
    format!("{key}: {message}")
}

/// The reason without the text that stood there: in another place it may be a secret.
pub(super) fn without_texts(message: &str) -> String {
    let mut rest = message;
    let mut out = String::with_capacity(message.len());
    // serde's words for a text are `string "…"`, as Rust writes it: a quotation mark inside has a backslash.
    while let Some((before, after)) = rest.split_once("string \"") {
        let mut escaped = false;
        let end = after.find(|c| {
            let ends = c == '"' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        out.push_str(before);
        out.push_str("a string");
        rest = end.map_or("", |end| &after[end + 1..]);
    }
    out.push_str(rest);
    out
}

/// The keys that a configuration may have, in any table.
static KEYS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    [
        keys::<Config>(),
        keys::<Listen>(),
        keys::<Proxy>(),
        keys::<Seal>(),
        keys::<Admin>(),
        keys::<AccountConfig>(),
        keys::<AppConfig>(),
        keys::<KeyConfig>(),
    ]
    .concat()
});

/// The keys of a table, as serde reads them.
fn keys<T: Deserialize<'static>>() -> &'static [&'static str] {
    let mut names: &[&str] = &[];
    // It tells the names and refuses: there is nothing to read.
    let _ = T::deserialize(Names(&mut names));
    names
}

struct Names<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("only names are asked for"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        *self.0 = fields;
        Err(Error::custom("only names are asked for"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// The tables of a configuration. A header that is none of these may be anything, a secret too.
const TABLES: [&str; 7] = ["listen", "proxy", "seal", "admin", "account", "app", "key"];

/// The header of the table that a place in the text belongs to.
pub(super) fn table_of(text: &str, at: usize) -> String {
    let end = text[at.min(text.len())..]
        .find('\n')
        .map_or(text.len(), |more| at + more);
    let header = text[..end]
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.starts_with('['));
    let Some(header) = header else {
        return "top level".to_owned();
    };
    let name = header.trim_start_matches('[').split(']').next();
    match TABLES.iter().find(|table| name == Some(**table)) {
        Some(name) if header.starts_with("[[") => format!("[[{name}]]"),
        Some(name) => format!("[{name}]"),
        None => "an unknown table".to_owned(),
    }
}
