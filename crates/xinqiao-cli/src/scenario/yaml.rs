//! YAML as a tree that knows its lines, so that whatever is wrong with a scenario can be pointed at.
//!
//! The core schema of YAML 1.2, without anchors, tags and second documents: none of them helps a scenario, and each is
//! refused by name. A number is what says all of itself again: ids with a leading zero, or longer than 64 bits, are texts.

use std::collections::HashSet;

use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use serde_json::{Map, Number, Value};

use crate::lang::Lang;

/// How deep lists and mappings may nest.
const DEPTH: usize = 64;

/// Something wrong, and in which line.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) words: String,
}

impl Wrong {
    pub(super) fn new(line: usize, words: impl Into<String>) -> Self {
        Self {
            line,
            words: words.into(),
        }
    }
}

/// A value and the line on which it begins.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// A text, a number, a flag or nothing; and how it is written.
    Scalar(Value, String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a mapping and what it holds.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: Node,
}

impl Node {
    /// The same as JSON, as the control interface takes it.
    pub(super) fn json(&self) -> Value {
        match &self.kind {
            Kind::Scalar(value, _) => value.clone(),
            Kind::List(items) => items.iter().map(Self::json).collect(),
            Kind::Map(entries) => {
                let pairs = entries.iter();
                let pairs = pairs.map(|entry| (entry.key.clone(), entry.value.json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }

    /// The text, where it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(Value::String(text), _) => Some(text),
            _ => None,
        }
    }

    /// A word of any kind, as it is written.
    pub(super) fn word(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar(_, written) => Some(written),
            _ => None,
        }
    }
}

/// Reads one document.
pub(super) fn read(text: &str, lang: Lang) -> Result<Node, Wrong> {
    // WECHAT: editors on Windows begin files with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        lang,
        line: 1,
    };
    let mut root = None;
    loop {
        let event = reader.next()?;
        match event {
            Event::StreamEnd => break,
            Event::Nothing | Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd => {}
            _ if root.is_some() => {
                return Err(reader.refuse("一个文件里只能有一个文档", "a file holds one document"));
            }
            first => root = Some(reader.node(first, 0)?),
        }
    }
    root.ok_or_else(|| Wrong::new(1, lang.pick("文件是空的", "the file is empty")))
}

struct Reader<'t> {
    parser: Parser<'t, StrInput<'t>>,
    lang: Lang,
    /// Of the latest event.
    line: usize,
}

impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<Event<'t>, Wrong> {
        match self.parser.next() {
            Some(Ok((event, span))) => {
                self.line = span.start.line();
                Ok(event)
            }
            Some(Err(error)) => {
                let line = error.marker().line();
                Err(Wrong::new(
                    line,
                    match self.lang {
                        Lang::Zh => format!("不是 YAML（第 {} 列）", error.marker().col() + 1),
                        Lang::En => format!("this is no YAML: {}", error.info()),
                    },
                ))
            }
            None => Ok(Event::StreamEnd),
        }
    }

    fn refuse(&self, zh: &str, en: &str) -> Wrong {
        Wrong::new(self.line, self.lang.pick(zh, en))
    }

    fn node(&mut self, event: Event<'t>, depth: usize) -> Result<Node, Wrong> {
        if depth > DEPTH {
            return Err(self.refuse("嵌套太深", "this is nested too deeply"));
        }
        let line = self.line;
        let kind = match event {
            Event::Scalar(text, style, 0, None) => {
                Kind::Scalar(scalar(&text, style), text.into_owned())
            }
            Event::SequenceStart(0, None) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break Kind::List(items),
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(0, None) => {
                let mut entries: Vec<Entry> = Vec::new();
                let mut known = HashSet::new();
                loop {
                    let event = self.next()?;
                    let line = self.line;
                    let key = match event {
                        Event::MappingEnd => break Kind::Map(entries),
                        Event::Scalar(text, _, 0, None) => text.into_owned(),
                        _ => return Err(self.refuse("键要是一个词", "a key is a word")),
                    };
                    if !known.insert(key.clone()) {
                        return Err(Wrong::new(
                            line,
                            match self.lang {
                                Lang::Zh => format!("{key} 写了两次"),
                                Lang::En => format!("`{key}` stands here twice"),
                            },
                        ));
                    }
                    let event = self.next()?;
                    let value = self.node(event, depth + 1)?;
                    entries.push(Entry { line, key, value });
                }
            }
            _ => {
                return Err(self.refuse(
                    "锚点、别名和标签在这里不用",
                    "anchors, aliases and tags are not for scenarios",
                ));
            }
        };
        Ok(Node { line, kind })
    }
}

/// A scalar of the core schema; what is quoted is always a text.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return text.into();
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return true.into(),
        "false" | "False" | "FALSE" => return false.into(),
        _ => {}
    }
    number(text).map_or_else(|| text.into(), Value::Number)
}

/// A number without an exponent: `0755`, `12e5` and what 64 bits do not hold are ids.
fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let all_digits =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || (whole.len() > 1 && whole.starts_with('0')) {
        return None;
    }
    match fraction {
        Some(fraction) if all_digits(fraction) => Number::from_f64(text.parse().ok()?),
        Some(_) => None,
        None if text == "-0" => None,
        None => { text.parse::<i64>().map(Number::from) }
            .or_else(|_| text.parse::<u64>().map(Number::from))
            .ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_file_is_read_as_the_core_schema_says() {
        let text = "a: 你好\nb: [1, -2, 2.5, '3', true, ~]\nc:\n  d: |\n    x\n    y\n  e: 1.2.3\n  f: nan\n";
        let node = read(text, Lang::En).expect("YAML");
        assert_eq!(
            node.json(),
            json!({"a": "你好", "b": [1, -2, 2.5, "3", true, null],
                "c": {"d": "x\ny\n", "e": "1.2.3", "f": "nan"}})
        );
        let Kind::Map(entries) = node.kind else {
            panic!("a mapping")
        };
        assert_eq!(entries[2].line, 3);
        assert_eq!(entries[2].value.line, 4);
    }

    #[test]
    fn what_is_no_number_stays_as_it_is_written() {
        for text in [
            "0755",
            "+5",
            "-0",
            "00.5",
            "12e5",
            "1e400",
            ".5",
            "5.",
            "1.2.3",
            "18446744073709551616",
        ] {
            let node = read(&format!("a: {text}\n"), Lang::En).expect("YAML");
            assert_eq!(node.json(), json!({"a": text}));
        }
        for number in [
            json!(0),
            json!(-5),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(0.5),
            json!(-1.25),
        ] {
            let node = read(&format!("a: {number}\n"), Lang::En).expect("YAML");
            assert_eq!(node.json(), json!({"a": number}));
        }
        let node = read("a: 1.50\n", Lang::En).expect("YAML");
        let Kind::Map(entries) = node.kind else {
            panic!("a mapping")
        };
        assert_eq!(entries[0].value.word(), Some("1.50"));
    }

    #[test]
    fn many_keys_are_read_in_one_go() {
        let text: String =
            (0..20_000).fold(String::new(), |all, key| all + &format!("k{key}: 1\n"));
        let Kind::Map(entries) = read(&text, Lang::En).expect("YAML").kind else {
            panic!("a mapping")
        };
        assert_eq!(entries.len(), 20_000);
        assert!(read(&(text + "k7: 1\n"), Lang::En).is_err());
    }

    #[test]
    fn what_is_wrong_is_pointed_at() {
        for (text, line) in [
            ("a: 1\nb: [1, 2\n", 3),
            ("a: 1\na: 2\n", 2),
            ("a: &x 1\nb: *x\n", 1),
            ("a: 1\n---\nb: 2\n", 3),
            ("a: 1\n[b]: 2\n", 2),
            ("", 1),
        ] {
            let wrong = read(text, Lang::Zh).expect_err(text);
            assert_eq!(wrong.line, line, "{text:?}: {wrong:?}");
        }
        assert!(read(&"[".repeat(1000), Lang::En).is_err());
    }
}
