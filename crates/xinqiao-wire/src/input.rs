//! Where values are read from: one pull interface over JSON, XML, forms and `Value`s.

use std::borrow::Cow;

use serde_json::Value;

/// What the next value is.
#[derive(Debug, Clone, PartialEq)]
pub enum Token<'a> {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number, as written.
    Number(Cow<'a, str>),
    /// Text.
    Text(Cow<'a, str>),
    /// A list begins: ask [`Input::item`] before each of its values.
    List,
    /// An object begins: ask [`Input::key`] before each of its values.
    Map,
}

/// A value that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at `{path}` (byte {offset})")]
pub struct DecodeError {
    /// Where, as a path of names: `button[0].name`; empty = the whole body.
    pub path: String,
    /// Byte in the body, 0 where the input has none.
    pub offset: usize,
    /// What.
    pub reason: Cow<'static, str>,
}

impl DecodeError {
    /// An error at a byte.
    pub fn new(reason: impl Into<Cow<'static, str>>, offset: usize) -> Self {
        DecodeError {
            path: String::new(),
            offset,
            reason: reason.into(),
        }
    }

    /// The same error, one level further out.
    #[must_use]
    pub fn under(mut self, name: &str) -> Self {
        if self.path.is_empty() {
            name.clone_into(&mut self.path);
        } else if self.path.starts_with('[') {
            self.path.insert_str(0, name);
        } else {
            self.path.insert(0, '.');
            self.path.insert_str(0, name);
        }
        self
    }
}

/// Pulls values. After [`Token::List`] or [`Token::Map`] the content must be read to its end.
pub trait Input {
    /// The next value, or the beginning of one.
    fn next(&mut self) -> Result<Token<'_>, DecodeError>;
    /// Whether the list goes on.
    fn item(&mut self) -> Result<bool, DecodeError>;
    /// The next key, or nothing at the end of the object.
    fn key(&mut self) -> Result<Option<Cow<'_, str>>, DecodeError>;
    /// The next value whole.
    fn value(&mut self) -> Result<Value, DecodeError>;
    /// Passes over the next value.
    fn skip(&mut self) -> Result<(), DecodeError>;
    /// Whether the next value is a list; consumes nothing.
    fn is_list(&mut self) -> bool;
    /// Whether the next value is `null`; consumes nothing.
    fn is_null(&mut self) -> bool;
    /// Whether the next value is a text of nothing but white space; consumes nothing.
    fn is_blank(&mut self) -> bool {
        false
    }
    /// Whether everything must be kept for a lossless round trip.
    fn keep(&self) -> bool;
    /// Keys may repeat instead of holding a list (XML).
    fn repeats(&self) -> bool {
        false
    }
    /// Whether names and values are those of XML: elements may have names of their own, all scalars are text.
    fn is_xml(&self) -> bool {
        self.repeats()
    }
    /// Byte position, for errors.
    fn offset(&self) -> usize {
        0
    }
}
