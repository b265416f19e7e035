//! The pull reader: strict about JSON's grammar, lenient about what stands inside strings.

use std::borrow::Cow;

use serde_json::{Map, Number, Value};

use super::Keep;
use crate::input::{DecodeError, Input, Token};

const MAX_DEPTH: u32 = 100;

/// Pulls values out of JSON text.
///
/// The grammar is that of RFC 8259, with two leniencies: a string may hold control characters, and half of a
/// surrogate pair is read as U+FFFD. Brackets nest 100 deep at most.
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
        let text = simdutf8::basic::from_utf8(json).map_err(|_| {
            let valid =
                std::str::from_utf8(json).map_or_else(|error| error.valid_up_to(), str::len);
            DecodeError::new("is not UTF-8", valid)
        })?;
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

    #[cold]
    fn error(&self, reason: &'static str) -> DecodeError {
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
    #[inline]
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
            out.push(self.escape()?);
        }
    }

    /// The character of an escape; the reader stands behind its backslash.
    fn escape(&mut self) -> Result<char, DecodeError> {
        let Some(escape) = self.text.as_bytes().get(self.at).copied() else {
            return Err(self.error("a string does not end"));
        };
        let character = match escape {
            b'"' | b'\\' | b'/' => escape as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.error("an unknown escape in a string")),
        };
        self.at += 1;
        Ok(character)
    }

    fn hex(&mut self) -> Result<u32, DecodeError> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let mut value = 0;
        for digit in digits.unwrap_or(b"?") {
            let Some(digit) = char::from(*digit).to_digit(16) else {
                return Err(self.error("a \\u escape needs four hexadecimal digits"));
            };
            value = value << 4 | digit;
        }
        self.at += 4;
        Ok(value)
    }

    fn unicode(&mut self) -> Result<char, DecodeError> {
        let first = self.hex()?;
        if (0xd800..0xdc00).contains(&first) {
            if self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                let before = self.at;
                self.at += 2;
                let second = self.hex()?;
                if (0xdc00..0xe000).contains(&second) {
                    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                    return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                }
                self.at = before;
            }
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// Passes over a string; the reader stands behind its opening quote.
    fn pass_string(&mut self) -> Result<(), DecodeError> {
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(end) = memchr::memchr2(b'"', b'\\', rest) else {
                return Err(self.error("a string does not end"));
            };
            self.at += end + 1;
            if rest[end] == b'"' {
                return Ok(());
            }
            self.escape()?;
        }
    }

    fn word(&mut self, word: &str) -> Result<(), DecodeError> {
        if self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.error("is not JSON"))
        }
    }

    fn digits(&mut self) -> bool {
        let rest = &self.text.as_bytes()[self.at..];
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count > 0
    }

    fn step(&mut self, expected: &[u8]) -> bool {
        let found = self.text.as_bytes().get(self.at);
        let found = found.is_some_and(|byte| expected.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn number(&mut self) -> Result<&'a str, DecodeError> {
        let start = self.at;
        self.step(b"-");
        // A leading zero stands alone.
        let whole = self.step(b"0") || self.digits();
        let fraction = !self.step(b".") || self.digits();
        let exponent = !self.step(b"eE") || {
            self.step(b"+-");
            self.digits()
        };
        if whole && fraction && exponent {
            Ok(&self.text[start..self.at])
        } else {
            Err(self.error("is not a number"))
        }
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
    #[inline]
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

    #[inline]
    fn token(&mut self) -> Result<Token<'a>, DecodeError> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.string().map(Token::Text)
            }
            Some(b'-' | b'0'..=b'9') => Ok(Token::Number(Cow::Borrowed(self.number()?))),
            Some(b'{') => self.enter().map(|()| Token::Map),
            Some(b'[') => self.enter().map(|()| Token::List),
            Some(b't') => self.word("true").map(|()| Token::Bool(true)),
            Some(b'f') => self.word("false").map(|()| Token::Bool(false)),
            Some(b'n') => self.word("null").map(|()| Token::Null),
            Some(_) => Err(self.error("is not JSON")),
            None => Err(self.error("ends too early")),
        }
    }

    fn quote(&mut self) -> Result<(), DecodeError> {
        if self.peek() != Some(b'"') {
            return Err(self.error("a key is missing"));
        }
        self.at += 1;
        Ok(())
    }

    fn colon(&mut self) -> Result<(), DecodeError> {
        if self.peek() != Some(b':') {
            return Err(self.error("a colon is missing"));
        }
        self.at += 1;
        Ok(())
    }

    /// The next value whole; recursion is bounded by the depth of brackets.
    fn build(&mut self) -> Result<Value, DecodeError> {
        Ok(match self.token()? {
            Token::Null => Value::Null,
            Token::Bool(value) => Value::Bool(value),
            Token::Text(text) => Value::String(text.into_owned()),
            Token::Number(text) => match number_value(&text) {
                Some(number) => Value::Number(number),
                None => return Err(self.error("is a number out of range")),
            },
            Token::List => {
                let mut items = Vec::new();
                while self.more(b']')? {
                    items.push(self.build()?);
                }
                Value::Array(items)
            }
            Token::Map => {
                let mut map = Map::new();
                while self.more(b'}')? {
                    self.quote()?;
                    let key = self.string()?;
                    self.colon()?;
                    map.insert(key.into_owned(), self.build()?);
                }
                Value::Object(map)
            }
        })
    }
}

/// A number as `serde_json` would read it: whole within 64 bits, else a finite float.
pub(crate) fn number_value(text: &str) -> Option<Number> {
    if let Ok(number) = text.parse::<i64>()
        && text != "-0"
    {
        return Some(number.into());
    }
    if let Ok(number) = text.parse::<u64>() {
        return Some(number.into());
    }
    Number::from_f64(text.parse().ok()?)
}

impl Input for Reader<'_> {
    fn next(&mut self) -> Result<Token<'_>, DecodeError> {
        self.token()
    }

    fn item(&mut self) -> Result<bool, DecodeError> {
        self.more(b']')
    }

    fn key(&mut self) -> Result<Option<Cow<'_, str>>, DecodeError> {
        if !self.more(b'}')? {
            return Ok(None);
        }
        self.quote()?;
        let key = self.string()?;
        self.colon()?;
        Ok(Some(key))
    }

    fn value(&mut self) -> Result<Value, DecodeError> {
        self.build()
    }

    fn skip(&mut self) -> Result<(), DecodeError> {
        let outer = self.depth;
        // One bit for each open bracket, the innermost last: whether it is an object's.
        let mut maps = 0u128;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.pass_string()?;
                }
                Some(open @ (b'{' | b'[')) => {
                    self.enter()?;
                    maps = maps << 1 | u128::from(open == b'{');
                }
                _ => {
                    self.token()?;
                }
            }
            // Walk on to the next value of the innermost open bracket, closing those that end.
            loop {
                if self.depth == outer {
                    return Ok(());
                }
                let map = maps & 1 == 1;
                if self.more(if map { b'}' } else { b']' })? {
                    if map {
                        self.quote()?;
                        self.pass_string()?;
                        self.colon()?;
                    }
                    break;
                }
                maps >>= 1;
            }
        }
    }

    fn is_list(&mut self) -> bool {
        self.peek() == Some(b'[')
    }

    fn is_null(&mut self) -> bool {
        self.peek() == Some(b'n')
    }

    fn is_blank(&mut self) -> bool {
        self.peek() == Some(b'"') && {
            let mut text = self.text.as_bytes()[self.at + 1..].iter();
            text.find(|byte| !byte.is_ascii_whitespace()) == Some(&b'"')
        }
    }

    fn keep(&self) -> bool {
        self.keep
    }

    fn offset(&self) -> usize {
        self.at
    }
}
