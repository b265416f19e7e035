//! Where in a configuration's text something is wrong, and what may be said of it.

/// The reason with the key on whose line it arose, unless it names it already.
pub(super) fn with_key(text: &str, at: usize, message: &str) -> String {
    let line = text[..at.min(text.len())].rsplit('\n').next().unwrap_or("");
    // The last key before the place: a line may hold an inline table with several.
    let key = line.rsplit_once('=').map_or("", |(before, _)| {
        let before = before.trim_end();
        let start = before.rfind([' ', '{', ',', '\t']).map_or(0, |at| at + 1);
        &before[start..]
    });
    if key.is_empty() || message.contains(&format!("`{key}`")) {
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
