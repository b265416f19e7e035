//! Where in a configuration's text something is wrong.

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

/// The header of the table that a place in the text belongs to.
pub(super) fn table_of(text: &str, at: usize) -> String {
    let end = text[at.min(text.len())..]
        .find('\n')
        .map_or(text.len(), |more| at + more);
    text[..end]
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.starts_with('['))
        .map_or_else(|| "top level".to_owned(), ToOwned::to_owned)
}
