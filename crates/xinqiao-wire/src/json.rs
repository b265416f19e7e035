//! JSON: a pull reader and a push writer for the record codec.

use std::borrow::Cow;

use serde_json::Value;

use crate::codec;
use crate::input::{DecodeError, Input, Token};
use crate::output::Output;
use crate::record::Record;

/// Whether a reader keeps what the typed slots cannot hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// Typed slots only.
    #[default]
    Typed,
    /// Everything: a round trip loses nothing.
    Raw,
}

const MAX_DEPTH: u32 = 100;

/// Reads a record from JSON text.
pub fn decode(record: &mut dyn Record, json: &[u8], keep: Keep) -> Result<(), DecodeError> {
    let mut reader = Reader::new(json, keep)?;
    codec::decode_record(record, &mut reader)?;
    reader.end()
}

/// Writes a record's body as JSON text.
pub fn encode(record: &dyn Record) -> String {
    let mut writer = Writer::default();
    codec::encode_body(record, &mut writer);
    writer.out
}

/// Writes a record with its path, query and header fields too.
pub fn encode_all(record: &dyn Record) -> String {
    let mut writer = Writer::default();
    codec::encode_record(record, &mut writer);
    writer.out
}

/// Pulls values out of JSON text.
#[derive(Debug)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    fresh: bool,
    depth: u32,
    keep: bool,
}

impl<'a> Reader<'a> {
    /// A reader at the beginning. A byte order mark is passed over.
    pub fn new(json: &'a [u8], keep: Keep) -> Result<Self, DecodeError> {
        let text = std::str::from_utf8(json)
            .map_err(|error| DecodeError::new("is not UTF-8", error.valid_up_to()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Ok(Reader {
            text,
            at: 0,
            fresh: false,
            depth: 0,
            keep: keep == Keep::Raw,
        })
    }

    /// Checks that nothing follows.
    pub fn end(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error("something follows the value")),
        }
    }

    fn error(&self, reason: impl Into<Cow<'static, str>>) -> DecodeError {
        DecodeError::new(reason, self.at)
    }

    #[inline]
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(*byte);
            }
            self.at += 1;
        }
        None
    }

    /// The text of a string; the reader stands behind its opening quote.
    fn string(&mut self) -> Result<Cow<'a, str>, DecodeError> {
        let rest = &self.text.as_bytes()[self.at..];
        match memchr::memchr2(b'"', b'\\', rest) {
            Some(end) if rest[end] == b'"' => {
                let text = &self.text[self.at..self.at + end];
                self.at += end + 1;
                Ok(Cow::Borrowed(text))
            }
            Some(_) => self.escaped().map(Cow::Owned),
            None => Err(self.error("a string does not end")),
        }
    }

    fn escaped(&mut self) -> Result<String, DecodeError> {
        let mut out = String::new();
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(end) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err(self.error("a string does not end"));
            };
            out.push_str(&self.text[self.at..self.at + end]);
            self.at += end + 1;
            if rest[end] == b'"' {
                return Ok(out);
            }
            let Some(escape) = self.text.as_bytes().get(self.at).copied() else {
                return Err(self.error("a string does not end"));
            };
            self.at += 1;
            match escape {
                b'"' | b'\\' | b'/' => out.push(escape as char),
                b'b' => out.push('\u{8}'),
                b'f' => out.push('\u{c}'),
                b'n' => out.push('\n'),
                b'r' => out.push('\r'),
                b't' => out.push('\t'),
                b'u' => out.push(self.unicode()?),
                _ => return Err(self.error("an unknown escape in a string")),
            }
        }
    }

    fn hex(&mut self) -> Result<u32, DecodeError> {
        let digits = self.text.get(self.at..self.at + 4);
        let value = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.at += 4;
        value.ok_or_else(|| self.error("a \\u escape needs four hexadecimal digits"))
    }

    fn unicode(&mut self) -> Result<char, DecodeError> {
        let first = self.hex()?;
        if (0xd800..0xdc00).contains(&first) {
            if self.text.get(self.at..self.at + 2) == Some("\\u") {
                let before = self.at;
                self.at += 2;
                let second = self.hex()?;
                if (0xdc00..0xe000).contains(&second) {
                    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
                }
                self.at = before;
            }
            return Ok('\u{fffd}');
        }
        Ok(char::from_u32(first).unwrap_or('\u{fffd}'))
    }

    fn word(&mut self, word: &str) -> Result<(), DecodeError> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.error("is not JSON"))
        }
    }

    fn number(&mut self) -> &'a str {
        let bytes = self.text.as_bytes();
        let start = self.at;
        while bytes
            .get(self.at)
            .is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E'))
        {
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    fn enter(&mut self) -> Result<(), DecodeError> {
        self.at += 1;
        self.fresh = true;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            Err(self.error("is nested too deeply"))
        } else {
            Ok(())
        }
    }

    /// Steps over a comma or the closing bracket; whether something follows.
    fn more(&mut self, close: u8) -> Result<bool, DecodeError> {
        let fresh = std::mem::replace(&mut self.fresh, false);
        match self.peek() {
            Some(byte) if byte == close => {
                self.at += 1;
                self.depth -= 1;
                Ok(false)
            }
            Some(b',') if !fresh => {
                self.at += 1;
                Ok(true)
            }
            Some(_) if fresh => Ok(true),
            _ => Err(self.error("a comma or a closing bracket is missing")),
        }
    }
}

impl Input for Reader<'_> {
    fn next(&mut self) -> Result<Token<'_>, DecodeError> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string().map(Token::Text)
            }
            Some(b'{') => self.enter().map(|()| Token::Map),
            Some(b'[') => self.enter().map(|()| Token::List),
            Some(b't') => self.word("true").map(|()| Token::Bool(true)),
            Some(b'f') => self.word("false").map(|()| Token::Bool(false)),
            Some(b'n') => self.word("null").map(|()| Token::Null),
            Some(b'-' | b'0'..=b'9') => Ok(Token::Number(Cow::Borrowed(self.number()))),
            Some(_) => Err(self.error("is not JSON")),
            None => Err(self.error("ends too early")),
        }
    }

    fn item(&mut self) -> Result<bool, DecodeError> {
        self.more(b']')
    }

    fn key(&mut self) -> Result<Option<Cow<'_, str>>, DecodeError> {
        if !self.more(b'}')? {
            return Ok(None);
        }
        if self.peek() != Some(b'"') {
            return Err(self.error("a key is missing"));
        }
        self.at += 1;
        let key = self.string()?;
        if self.peek() != Some(b':') {
            return Err(self.error("a colon is missing"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    fn value(&mut self) -> Result<Value, DecodeError> {
        self.peek();
        let start = self.at;
        self.skip()?;
        serde_json::from_str(&self.text[start..self.at])
            .map_err(|error| DecodeError::new(error.to_string(), start))
    }

    fn skip(&mut self) -> Result<(), DecodeError> {
        let outer = self.depth;
        loop {
            let opened = matches!(self.next()?, Token::List | Token::Map);
            if !opened && self.depth == outer {
                return Ok(());
            }
            // Walk on to the next value of the innermost open bracket, closing those that end.
            while self.depth > outer {
                let bytes = self.text.as_bytes();
                self.peek();
                match bytes.get(self.at) {
                    Some(b'}' | b']') => {
                        self.at += 1;
                        self.depth -= 1;
                        self.fresh = false;
                        if self.depth == outer {
                            return Ok(());
                        }
                    }
                    Some(b',' | b':') => self.at += 1,
                    Some(_) => break,
                    None => return Err(self.error("ends too early")),
                }
            }
        }
    }

    fn is_list(&mut self) -> bool {
        self.peek() == Some(b'[')
    }

    fn is_null(&mut self) -> bool {
        self.peek() == Some(b'n')
    }

    fn keep(&self) -> bool {
        self.keep
    }

    fn offset(&self) -> usize {
        self.at
    }
}

/// Pushes values into JSON text.
#[derive(Debug, Default)]
pub struct Writer {
    out: String,
    comma: bool,
}

impl Writer {
    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        self.out
    }

    fn before(&mut self) {
        if self.comma {
            self.out.push(',');
        }
        self.comma = true;
    }
}

/// Writes a JSON string with its quotes.
pub fn write_string(out: &mut String, text: &str) {
    out.push('"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[start..at]);
        if escape.is_empty() {
            out.push_str("\\u00");
            out.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
            out.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
        } else {
            out.push_str(escape);
        }
        start = at + 1;
    }
    out.push_str(&text[start..]);
    out.push('"');
}

impl Output for Writer {
    fn null(&mut self) {
        self.before();
        self.out.push_str("null");
    }

    fn bool(&mut self, value: bool) {
        self.before();
        self.out.push_str(if value { "true" } else { "false" });
    }

    fn number(&mut self, text: &str) {
        self.before();
        self.out.push_str(text);
    }

    fn text(&mut self, text: &str, _cdata: bool) {
        self.before();
        write_string(&mut self.out, text);
    }

    fn begin_list(&mut self) {
        self.before();
        self.out.push('[');
        self.comma = false;
    }

    fn end_list(&mut self) {
        self.out.push(']');
        self.comma = true;
    }

    fn begin_map(&mut self) {
        self.before();
        self.out.push('{');
        self.comma = false;
    }

    fn key(&mut self, name: &str) {
        self.before();
        write_string(&mut self.out, name);
        self.out.push(':');
        self.comma = false;
    }

    fn end_map(&mut self) {
        self.out.push('}');
        self.comma = true;
    }
}
