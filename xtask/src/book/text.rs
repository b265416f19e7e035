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

/// Text in which what stands between backticks is code.
pub(super) fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return plain(text);
    }
    let parts = parts.iter().enumerate().map(|(at, part)| match at % 2 {
        0 => plain(part),
        _ => code(part),
    });
    parts.collect()
}

/// Joins lines that are broken between two Chinese characters: a browser would show a space there.
pub(super) fn join_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut fenced = false;
    for line in text.lines() {
        let fence = line.starts_with("```");
        let start = line.trim_start().chars().next();
        let joins = !fenced && !fence && out.chars().next_back().is_some_and(chinese);
        if joins && start.is_some_and(chinese) {
            out.push_str(line.trim_start());
        } else {
            if !out.is_empty() {
                out.push('\n');
            }
            out.push_str(line);
        }
        fenced ^= fence;
    }
    out.push('\n');
    out
}

/// Ideographs and the punctuation between them.
fn chinese(character: char) -> bool {
    matches!(character, '\u{3000}'..='\u{303f}' | '\u{3400}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}')
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
    fn lines_join_between_chinese_characters_only() {
        assert_eq!(
            join_lines("一行，\n又一行\n\n新段\n"),
            "一行，又一行\n\n新段\n"
        );
        assert_eq!(join_lines("一行\nand more\n"), "一行\nand more\n");
        assert_eq!(join_lines("* 一\n* 二\n  三\n"), "* 一\n* 二三\n");
        assert_eq!(
            join_lines("说：\n```\n一\n二\n```\n"),
            "说：\n```\n一\n二\n```\n"
        );
    }

    #[test]
    fn text_cannot_break_a_table() {
        assert_eq!(plain("a|b\n<c> [d]"), "a\\|b &lt;c> \\[d\\]");
        assert_eq!(code("a|`b"), "`` a\\|`b ``");
        assert_eq!(prose("<a>: `b_c|d`, e_f"), "&lt;a>: `b_c\\|d`, e\\_f");
        assert_eq!(prose("a `b"), "a \\`b");
    }
}
