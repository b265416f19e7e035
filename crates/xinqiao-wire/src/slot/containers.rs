//! Slots that hold other slots: options, lists, maps, nested records.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use super::Slot;
use crate::codec;
use crate::input::{DecodeError, Input, Token};
use crate::output::Output;
use crate::record::{Field, Record, Spelling};
use crate::union::Union;
use crate::value;

struct Shown<'a, T: Slot>(&'a T);

impl<T: Slot> fmt::Debug for Shown<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.debug(f)
    }
}

impl<T: Record + Default + Clone> Slot for T {
    fn encode(&self, _: &Field, out: &mut dyn Output) {
        codec::encode_record(self, out);
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        codec::decode_record(self, input)
    }
    fn reset(&mut self) {
        *self = T::default();
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
    fn record(&self) -> Option<&dyn Record> {
        Some(self)
    }
}

impl<T: Slot + Default + Clone> Slot for Option<T> {
    fn is_absent(&self) -> bool {
        self.as_ref().is_none_or(Slot::is_absent)
    }
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        match self {
            Some(value) => value.encode(field, out),
            None => out.null(),
        }
    }
    fn decode(&mut self, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        if input.is_null() {
            return input.skip();
        }
        self.get_or_insert_default().decode(field, input)
    }
    fn reset(&mut self) {
        *self = None;
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Some(value) => value.debug(f),
            None => f.write_str("None"),
        }
    }
    fn record(&self) -> Option<&dyn Record> {
        self.as_ref().and_then(Slot::record)
    }
    fn union(&self) -> Option<&dyn Union> {
        self.as_ref().and_then(Slot::union)
    }
    fn items(&self) -> Option<Vec<&dyn Slot>> {
        self.as_ref().and_then(Slot::items)
    }
    fn push(&mut self) -> Option<&mut dyn Slot> {
        self.get_or_insert_default().push()
    }
    fn pop(&mut self) {
        if let Some(inner) = self {
            inner.pop();
        }
    }
    fn last(&mut self) -> Option<&mut dyn Slot> {
        self.as_mut().and_then(Slot::last)
    }
    fn file(&self) -> Option<&crate::file::FilePart> {
        self.as_ref().and_then(Slot::file)
    }
}

fn joined<T: Slot>(items: &[T], field: &Field, separator: char) -> String {
    let plain = Field {
        spelling: Spelling::Plain,
        ..*field
    };
    let mut out = String::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(separator);
        }
        let mut writer = value::Writer::default();
        item.encode(&plain, &mut writer);
        match writer.finish() {
            Some(Value::String(text)) => out.push_str(&text),
            Some(other) => out.push_str(&other.to_string()),
            None => {}
        }
    }
    out
}

impl<T: Slot + Default + Clone> Slot for Vec<T> {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        if let Spelling::Joined(separator) = field.spelling {
            out.text(&joined(self, field, separator), field.cdata);
            return;
        }
        out.begin_list();
        for item in self {
            item.encode(field, out);
        }
        out.end_list();
    }
    fn decode(&mut self, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        if input.is_null() {
            return input.skip();
        }
        if input.is_list() {
            input.next()?;
            while input.item()? {
                let mut item = T::default();
                let at = self.len();
                item.decode(field, input)
                    .map_err(|error| error.under(&format!("[{at}]")))?;
                self.push(item);
            }
            return Ok(());
        }
        if let Spelling::Joined(separator) = field.spelling {
            let plain = Field {
                spelling: Spelling::Plain,
                ..*field
            };
            let whole = input.value()?;
            let text = whole
                .as_str()
                .map_or_else(|| whole.to_string(), str::to_owned);
            for part in text.split(separator).filter(|_| !text.is_empty()) {
                let mut item = T::default();
                let part = Value::String(part.to_owned());
                item.decode(&plain, &mut value::Reader::new(&part, false))?;
                self.push(item);
            }
            return Ok(());
        }
        // WECHAT: one item may come without its list, and an empty list as an empty text.
        if input.repeats() {
            let mut item = T::default();
            item.decode(field, input)?;
            self.push(item);
            return Ok(());
        }
        let one = input.value()?;
        if one.as_str() != Some("") {
            let mut item = T::default();
            item.decode(field, &mut value::Reader::new(&one, input.keep()))?;
            self.push(item);
        }
        Ok(())
    }
    fn reset(&mut self) {
        self.clear();
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(Shown)).finish()
    }
    fn items(&self) -> Option<Vec<&dyn Slot>> {
        Some(self.iter().map(|item| item as &dyn Slot).collect())
    }
    fn push(&mut self) -> Option<&mut dyn Slot> {
        Vec::push(self, T::default());
        self.last_mut().map(|item| item as &mut dyn Slot)
    }
    fn pop(&mut self) {
        Vec::pop(self);
    }
    fn last(&mut self) -> Option<&mut dyn Slot> {
        self.last_mut().map(|item| item as &mut dyn Slot)
    }
}

impl<T: Slot + Default + Clone> Slot for BTreeMap<String, T> {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        out.begin_map();
        for (name, value) in self {
            out.key(name);
            value.encode(field, out);
        }
        out.end_map();
    }
    fn decode(&mut self, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        let offset = input.offset();
        match input.next()? {
            Token::Map => {}
            Token::Null => return Ok(()),
            Token::Text(text) if text.is_empty() => return Ok(()),
            Token::List => {
                return if input.item()? {
                    Err(DecodeError::new("is a list, an object is expected", offset))
                } else {
                    Ok(())
                };
            }
            _ => return Err(DecodeError::new("is not an object", offset)),
        }
        loop {
            let Some(name) = input.key()?.map(std::borrow::Cow::into_owned) else {
                return Ok(());
            };
            let mut value = T::default();
            value
                .decode(field, input)
                .map_err(|error| error.under(&name))?;
            self.insert(name, value);
        }
    }
    fn reset(&mut self) {
        self.clear();
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|(name, value)| (name, Shown(value))))
            .finish()
    }
}

/// A record inside a record of the same type.
#[derive(Debug, Clone, Default)]
pub struct Nested<T>(pub Box<T>);

impl<T> From<T> for Nested<T> {
    fn from(value: T) -> Self {
        Nested(Box::new(value))
    }
}

impl<T> std::ops::Deref for Nested<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> std::ops::DerefMut for Nested<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Record + Default + Clone> Slot for Nested<T> {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        self.0.as_ref().encode(field, out);
    }
    fn decode(&mut self, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        self.0.as_mut().decode(field, input)
    }
    fn reset(&mut self) {
        *self = Nested(Box::default());
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.0.as_ref(), f)
    }
    fn record(&self) -> Option<&dyn Record> {
        Some(self.0.as_ref())
    }
}
