//! A reader of Chinese meets no English sentence of ours: in the sources every sentence stands beside its other.

use std::path::{Path, PathBuf};

/// Files whose English goes to programs only, or is the platform's own.
const SPARED: [(&str, &str); 4] = [
    (
        "args/zh.rs",
        "the Chinese of what the options say in English",
    ),
    ("chinese.rs", "the table itself"),
    ("exec/environment.rs", "variables, no words"),
    (
        "exec/proxy.rs",
        "answers to programs over HTTP, not to the person; talk is checked by `either`",
    ),
];

/// A literal of a source, and the line it stands in.
struct Literal {
    line: usize,
    text: String,
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            found.push(path);
        }
    }
}

/// The string literals of a source before its tests, without those of attributes and assertions.
fn literals(source: &str) -> Vec<Literal> {
    let mut found = Vec::new();
    let source = source.split("#[cfg(test)]").next().unwrap_or(source);
    let mut rest = source;
    let mut line = 1;
    let mut before = String::new();
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("//") {
            let end = rest.find('\n').unwrap_or(rest.len());
            rest = &rest[end..];
            continue;
        }
        if rest.starts_with("'\"'") {
            rest = &rest[3..];
            continue;
        }
        if rest.starts_with("r#\"") {
            let end = rest[3..].find("\"#").map_or(rest.len(), |at| at + 5);
            line += rest[..end].matches('\n').count();
            rest = &rest[end..];
            continue;
        }
        if c == '"' {
            let mut end = 1;
            let bytes = rest.as_bytes();
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            let text = rest[1..end].to_owned();
            let statement = before.trim_end();
            let is_talk = !statement.ends_with("expect(")
                && !statement.ends_with("reason =")
                && !statement.ends_with("tracing::debug!(")
                && !before
                    .lines()
                    .next_back()
                    .unwrap_or_default()
                    .contains("tracing::");
            if is_talk {
                found.push(Literal {
                    line,
                    text: text.clone(),
                });
            }
            line += rest[..=end].matches('\n').count();
            rest = &rest[end + 1..];
            before.clear();
            continue;
        }
        if c == '\n' {
            line += 1;
        }
        before.push(c);
        rest = &rest[c.len_utf8()..];
    }
    found
}

fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// Three words of small letters in a row, and no command line.
fn is_english_sentence(text: &str) -> bool {
    if text.starts_with("xinqiao ") {
        return false;
    }
    let text = text.replace("\\n", " ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let small =
        |word: &&str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase() || b == b',');
    words.windows(3).any(|three| three.iter().all(small)) && !is_chinese(&text)
}

#[test]
fn every_sentence_stands_beside_its_chinese() {
    /// A match over four cases says the Chinese first; its English is not further away.
    const NEAR: usize = 14;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    sources(&root, &mut paths);
    assert!(paths.len() > 30);
    let mut lonely = Vec::new();
    let mut sentences = 0;
    for path in paths {
        let name = path
            .strip_prefix(&root)
            .expect("inside")
            .to_string_lossy()
            .into_owned();
        if SPARED.iter().any(|(spared, _)| *spared == name) {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("a source");
        let all = literals(&source);
        for (at, literal) in all.iter().enumerate() {
            if !is_english_sentence(&literal.text) {
                continue;
            }
            sentences += 1;
            let beside = all.iter().enumerate().any(|(other, near)| {
                other != at && is_chinese(&near.text) && near.line.abs_diff(literal.line) <= NEAR
            });
            if !beside {
                lonely.push(format!("{name}:{}: {}", literal.line, literal.text));
            }
        }
    }
    assert!(sentences > 80, "{sentences}");
    assert!(lonely.is_empty(), "no Chinese beside: {lonely:#?}");
}
