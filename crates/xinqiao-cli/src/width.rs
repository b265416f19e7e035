//! How wide a text is on a terminal, and where its lines may break.
//!
//! A Chinese character takes two columns and may end a line; a word of letters may not be broken. Punctuation that
//! closes stays with what it closes.

/// Columns of a text.
pub(crate) fn of(text: &str) -> usize {
    text.chars().map(columns).sum()
}

fn columns(c: char) -> usize {
    match u32::from(c) {
        0x20..=0x7e => 1,
        0x0..=0x1f | 0x7f | 0x300..=0x36f | 0x200b..=0x200f | 0xfe00..=0xfe0f => 0,
        0x1100..=0x115f
        | 0x2e80..=0x303e
        | 0x3041..=0xa4cf
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff00..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}

/// The text with blanks behind it, up to so many columns; at least one.
pub(crate) fn padded(text: &str, width: usize) -> String {
    let gap = width.saturating_sub(of(text)).max(1);
    format!("{text}{}", " ".repeat(gap))
}

/// The text cut to so many columns, `…` in the place of what is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if of(text) <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += columns(c);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}

/// The text in lines of at most so many columns; a single word that is longer has a line of its own.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        for piece in pieces(paragraph) {
            if of(line.as_str()) + of(piece.trim_end()) > width && !line.is_empty() {
                lines.push(line.trim_end().to_owned());
                piece.trim_start().clone_into(&mut line);
            } else {
                line.push_str(piece);
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// What must stay together, in order.
fn pieces(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let may_break = before.is_some_and(|before| {
            let after_blank = before == ' ' && c != ' ';
            let between = (columns(before) == 2 || columns(c) == 2) && before != ' ' && c != ' ';
            (after_blank || between) && !closes(c) && !opens(before)
        });
        if may_break {
            found.push(&text[from..at]);
            from = at;
        }
        before = Some(c);
    }
    found.push(&text[from..]);
    found
}

fn closes(c: char) -> bool {
    "，。；：、！？）》」』”’…,.;:!?)]}>`".contains(c)
}

fn opens(c: char) -> bool {
    "（《「『“‘([{<`".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chinese_character_is_two_columns_wide() {
        assert_eq!(of("a公b"), 4);
        assert_eq!(padded("公众号", 8), "公众号  ");
        assert_eq!(cut("公众号 appid", 8), "公众号 …");
    }

    #[test]
    fn lines_break_between_characters_and_at_blanks_only() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("微信公众号，服务号", 10), ["微信公众", "号，服务号"]);
        assert_eq!(wrap("用 --lang 选语言", 8), ["用", "--lang", "选语言"]);
        assert_eq!(wrap("unbreakable", 4), ["unbreakable"]);
    }
}
