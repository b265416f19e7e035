//! Records from and to `serde_json::Value`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::codec;
use crate::input::{DecodeError, Input, Token};
use crate::json::{Keep, number_value};
use crate::output::Output;
use crate::record::{Field, Record};
use crate::slot::Slot;

/// The record with all its fields.
pub fn to_value(record: &dyn Record) -> Value {
    let mut writer = Writer::default();
    codec::encode_record(record, &mut writer);
    writer.finish().unwrap_or_default()
}

/// What the typed slots of the record hold by themselves, without what keep-raw kept beside them.
pub fn to_typed_value(record: &dyn Record) -> Value {
    let mut writer = Writer {
        typed: true,
        ..Writer::default()
    };
    codec::encode_record(record, &mut writer);
    writer.finish().unwrap_or_default()
}

/// One slot, or nothing if it is absent.
pub(crate) fn slot_value(slot: &dyn Slot, field: &Field) -> Option<Value> {
    if slot.is_absent() {
        return None;
    }
    let mut writer = Writer::default();
    codec::encode_slot(slot, field, &mut writer);
    writer.finish()
}

/// Reads a record.
pub fn from_value(record: &mut dyn Record, value: &Value, keep: Keep) -> Result<(), DecodeError> {
    codec::decode_record(record, &mut Reader::new(value, keep == Keep::Raw))
}

enum Frame<'a> {
    List(std::slice::Iter<'a, Value>),
    Map(serde_json::map::Iter<'a>),
}

/// Pulls values out of a `Value`.
pub struct Reader<'a> {
    next: Option<&'a Value>,
    frames: Vec<Frame<'a>>,
    keep: bool,
    xml: bool,
}

impl<'a> Reader<'a> {
    /// A reader of that value.
    #[must_use]
    pub fn new(value: &'a Value, keep: bool) -> Self {
        Reader {
            next: Some(value),
            frames: Vec::new(),
            keep,
            xml: false,
        }
    }

    /// Says whether the value was gathered from XML.
    #[must_use]
    pub fn xml(mut self, xml: bool) -> Self {
        self.xml = xml;
        self
    }

    fn take(&mut self) -> Result<&'a Value, DecodeError> {
        self.next
            .take()
            .ok_or_else(|| DecodeError::new("ends too early", 0))
    }
}

impl std::fmt::Debug for Reader<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("depth", &self.frames.len())
            .finish_non_exhaustive()
    }
}

impl Input for Reader<'_> {
    fn next(&mut self) -> Result<Token<'_>, DecodeError> {
        Ok(match self.take()? {
            Value::Null => Token::Null,
            Value::Bool(value) => Token::Bool(*value),
            Value::Number(number) => Token::Number(Cow::Owned(number.to_string())),
            Value::String(text) => Token::Text(Cow::Borrowed(text)),
            Value::Array(items) => {
                self.frames.push(Frame::List(items.iter()));
                Token::List
            }
            Value::Object(map) => {
                self.frames.push(Frame::Map(map.iter()));
                Token::Map
            }
        })
    }

    fn item(&mut self) -> Result<bool, DecodeError> {
        let Some(Frame::List(items)) = self.frames.last_mut() else {
            return Err(DecodeError::new("is not in a list", 0));
        };
        self.next = items.next();
        if self.next.is_none() {
            self.frames.pop();
        }
        Ok(self.next.is_some())
    }

    fn key(&mut self) -> Result<Option<Cow<'_, str>>, DecodeError> {
        let Some(Frame::Map(map)) = self.frames.last_mut() else {
            return Err(DecodeError::new("is not in an object", 0));
        };
        if let Some((key, value)) = map.next() {
            self.next = Some(value);
            Ok(Some(Cow::Borrowed(key)))
        } else {
            self.frames.pop();
            Ok(None)
        }
    }

    fn value(&mut self) -> Result<Value, DecodeError> {
        self.take().cloned()
    }

    fn skip(&mut self) -> Result<(), DecodeError> {
        self.take().map(|_| ())
    }

    fn is_list(&mut self) -> bool {
        self.next.is_some_and(Value::is_array)
    }

    fn is_null(&mut self) -> bool {
        self.next.is_some_and(Value::is_null)
    }

    fn is_blank(&mut self) -> bool {
        let text = self.next.and_then(Value::as_str);
        text.is_some_and(|text| text.trim().is_empty())
    }

    fn keep(&self) -> bool {
        self.keep
    }

    fn is_xml(&self) -> bool {
        self.xml
    }
}

enum Open {
    List(Vec<Value>),
    Map(Map<String, Value>, String),
}

/// Pushes values into a `Value`.
#[derive(Default)]
pub struct Writer {
    open: Vec<Open>,
    done: Option<Value>,
    typed: bool,
}

impl Writer {
    /// The value; nothing if none was written.
    #[must_use]
    pub fn finish(self) -> Option<Value> {
        self.done
    }

    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            Some(Open::List(items)) => items.push(value),
            Some(Open::Map(map, key)) => {
                map.insert(std::mem::take(key), value);
            }
            None => self.done = Some(value),
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("depth", &self.open.len())
            .finish_non_exhaustive()
    }
}

impl Output for Writer {
    fn null(&mut self) {
        self.put(Value::Null);
    }

    fn bool(&mut self, value: bool) {
        self.put(Value::Bool(value));
    }

    fn number(&mut self, text: &str) {
        let number = number_value(text).map(Value::Number);
        self.put(number.unwrap_or_else(|| Value::String(text.to_owned())));
    }

    fn text(&mut self, text: &str, _cdata: bool) {
        self.put(Value::String(text.to_owned()));
    }

    fn begin_list(&mut self) {
        self.open.push(Open::List(Vec::new()));
    }

    fn end_list(&mut self) {
        if let Some(Open::List(items)) = self.open.pop() {
            self.put(Value::Array(items));
        }
    }

    fn begin_map(&mut self) {
        self.open.push(Open::Map(Map::new(), String::new()));
    }

    fn key(&mut self, name: &str) {
        if let Some(Open::Map(_, key)) = self.open.last_mut() {
            name.clone_into(key);
        }
    }

    fn end_map(&mut self) {
        if let Some(Open::Map(map, _)) = self.open.pop() {
            self.put(Value::Object(map));
        }
    }

    fn kept(&self) -> bool {
        !self.typed
    }

    fn value(&mut self, value: &Value) {
        self.put(value.clone());
    }
}
