//! Words, and how text of the catalog becomes Markdown.

use xinqiao_catalog::Text;

/// A language of the book.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    Chinese,
    English,
}

impl Language {
    pub(super) const ALL: [Language; 2] = [Language::Chinese, Language::English];

    /// Name of its folder.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Language::Chinese => "zh",
            Language::English => "en",
        }
    }

    /// One of two wordings.
    pub(super) const fn say(self, chinese: &'static str, english: &'static str) -> &'static str {
        match self {
            Language::Chinese => chinese,
            Language::English => english,
        }
    }

    /// The catalog's text.
    pub(super) fn of(self, text: Text) -> &'static str {
        text.get(self == Language::Chinese)
    }
}

/// Text as a part of a line or of a table's cell: nothing in it is Markdown or HTML.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => out.push(' '),
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            '|' | '[' | ']' | '*' | '_' | '`' | '\\' | '#' | '{' | '}' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out
}

/// Text as code within a line or a table's cell.
pub(super) fn code(text: &str) -> String {
    let text = text.replace(['\n', '\r'], " ").replace('|', "\\|");
    if text.contains('`') {
        format!("`` {text} ``")
    } else {
        format!("`{text}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_a_table() {
        assert_eq!(plain("a|b\n<c> [d]"), "a\\|b &lt;c> \\[d\\]");
        assert_eq!(code("a|`b"), "`` a\\|`b ``");
    }
}
