//! Slots of single values.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use xinqiao_types::{AppId, CorpId, Fen, MchId, MediaId, OpenId, UnionId, UnixSeconds};

use super::Slot;
use crate::file::{Download, FilePart};
use crate::input::{DecodeError, Input, Token};
use crate::output::Output;
use crate::record::{Field, Spelling};

fn wrong(expected: &'static str, offset: usize) -> DecodeError {
    DecodeError::new(expected, offset)
}

/// The text of a scalar; `None` for `null`.
fn scalar<'a>(
    input: &'a mut dyn Input,
    expected: &'static str,
) -> Result<Option<Cow<'a, str>>, DecodeError> {
    let offset = input.offset();
    match input.next()? {
        Token::Null => Ok(None),
        Token::Bool(true) => Ok(Some(Cow::Borrowed("true"))),
        Token::Bool(false) => Ok(Some(Cow::Borrowed("false"))),
        Token::Number(text) | Token::Text(text) => Ok(Some(text)),
        Token::List | Token::Map => Err(wrong(expected, offset)),
    }
}

impl Slot for String {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        out.text(self, field.cdata);
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        let offset = input.offset();
        *self = match input.next()? {
            Token::Text(text) | Token::Number(text) => text.into_owned(),
            Token::Null => String::new(),
            Token::Bool(value) => value.to_string(),
            Token::List | Token::Map => return Err(wrong("is not text", offset)),
        };
        Ok(())
    }
    fn reset(&mut self) {
        self.clear();
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

fn write_number(text: &str, field: &Field, out: &mut dyn Output) {
    if field.spelling == Spelling::NumericText {
        out.text(text, false);
    } else {
        out.number(text);
    }
}

/// A whole number, however it is written: `5`, `"5"`, `5.0`, `true`, `""`.
fn whole(text: &str) -> Option<i128> {
    let text = text.trim();
    match text {
        "" => Some(0),
        "true" => Some(1),
        "false" => Some(0),
        _ => text.parse().ok().or_else(|| {
            let float: f64 = text.parse().ok()?;
            (float.fract() == 0.0 && float.abs() < 1e18).then_some(float as i128)
        }),
    }
}

macro_rules! whole_number {
    ($($ty:ty),+) => {$(
        impl Slot for $ty {
            fn encode(&self, field: &Field, out: &mut dyn Output) {
                write_number(&self.to_string(), field, out);
            }
            fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
                let offset = input.offset();
                let text = scalar(input, "is not a whole number")?;
                if let Some(text) = text {
                    *self = whole(&text)
                        .and_then(|value| <$ty>::try_from(value).ok())
                        .ok_or_else(|| wrong("is not a whole number", offset))?;
                }
                Ok(())
            }
            fn reset(&mut self) {
                *self = 0;
            }
            fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    )+};
}

whole_number!(i32, i64, u64);

impl Slot for f64 {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        let text = if self.fract() == 0.0 && self.abs() < 1e15 {
            format!("{self:.0}")
        } else {
            format!("{self}")
        };
        write_number(&text, field, out);
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        let offset = input.offset();
        if let Some(text) = scalar(input, "is not a number")? {
            let text = text.trim();
            *self = if text.is_empty() {
                0.0
            } else {
                let value = text.parse::<f64>().ok().filter(|value| value.is_finite());
                value.ok_or_else(|| wrong("is not a number", offset))?
            };
        }
        Ok(())
    }
    fn reset(&mut self) {
        *self = 0.0;
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Slot for bool {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        match field.spelling {
            Spelling::BoolInt => out.number(if *self { "1" } else { "0" }),
            Spelling::BoolYn => out.text(if *self { "Y" } else { "N" }, field.cdata),
            Spelling::BoolText => out.text(if *self { "true" } else { "false" }, field.cdata),
            _ => out.bool(*self),
        }
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        let offset = input.offset();
        if let Some(text) = scalar(input, "is not a truth value")? {
            *self = match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "y" | "yes" => true,
                "false" | "0" | "n" | "no" | "" => false,
                _ => return Err(wrong("is not a truth value", offset)),
            };
        }
        Ok(())
    }
    fn reset(&mut self) {
        *self = false;
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Slot for Value {
    fn encode(&self, _: &Field, out: &mut dyn Output) {
        out.value(self);
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        *self = input.value()?;
        Ok(())
    }
    fn reset(&mut self) {
        *self = Value::Null;
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! number_wrapper {
    ($($ty:ident),+) => {$(
        impl Slot for $ty {
            fn encode(&self, field: &Field, out: &mut dyn Output) {
                self.0.encode(field, out);
            }
            fn decode(&mut self, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
                self.0.decode(field, input)
            }
            fn reset(&mut self) {
                self.0 = 0;
            }
            fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    )+};
}

number_wrapper!(Fen, UnixSeconds);

macro_rules! identifier {
    ($($ty:ident),+) => {$(
        impl Slot for $ty {
            fn encode(&self, field: &Field, out: &mut dyn Output) {
                out.text(self.as_str(), field.cdata);
            }
            fn decode(&mut self, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
                let mut text = String::new();
                text.decode(field, input)?;
                *self = $ty::from(text);
                Ok(())
            }
            fn reset(&mut self) {
                *self = $ty::default();
            }
            fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
    )+};
}

identifier!(AppId, CorpId, MchId, MediaId, OpenId, UnionId);

/// A value that is text in some answers and a number in others.
#[derive(Debug, Clone, PartialEq)]
pub enum TextOrNumber {
    /// Text.
    Text(String),
    /// A number.
    Number(serde_json::Number),
}

impl Default for TextOrNumber {
    fn default() -> Self {
        TextOrNumber::Text(String::new())
    }
}

impl fmt::Display for TextOrNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TextOrNumber::Text(text) => f.write_str(text),
            TextOrNumber::Number(number) => fmt::Display::fmt(number, f),
        }
    }
}

impl From<String> for TextOrNumber {
    fn from(text: String) -> Self {
        TextOrNumber::Text(text)
    }
}

impl From<&str> for TextOrNumber {
    fn from(text: &str) -> Self {
        TextOrNumber::Text(text.to_owned())
    }
}

impl From<i64> for TextOrNumber {
    fn from(number: i64) -> Self {
        TextOrNumber::Number(number.into())
    }
}

impl Slot for TextOrNumber {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        match self {
            TextOrNumber::Text(text) => out.text(text, field.cdata),
            TextOrNumber::Number(number) => out.number(&number.to_string()),
        }
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        let offset = input.offset();
        *self = match input.next()? {
            Token::Text(text) => TextOrNumber::Text(text.into_owned()),
            Token::Number(text) => match serde_json::from_str(&text) {
                Ok(number) => TextOrNumber::Number(number),
                Err(_) => TextOrNumber::Text(text.into_owned()),
            },
            Token::Bool(value) => TextOrNumber::Text(value.to_string()),
            Token::Null => TextOrNumber::default(),
            Token::List | Token::Map => return Err(wrong("is neither text nor number", offset)),
        };
        Ok(())
    }
    fn reset(&mut self) {
        *self = TextOrNumber::default();
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Slot for FilePart {
    fn encode(&self, _: &Field, out: &mut dyn Output) {
        out.text(&self.file_name, true);
    }
    fn decode(&mut self, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        self.file_name.decode(field, input)
    }
    fn reset(&mut self) {
        *self = FilePart::default();
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
    fn file(&self) -> Option<&FilePart> {
        Some(self)
    }
}

impl Slot for Download {
    fn is_absent(&self) -> bool {
        true
    }
    fn encode(&self, _: &Field, out: &mut dyn Output) {
        out.null();
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        input.skip()
    }
    fn reset(&mut self) {
        *self = Download::default();
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
    fn take_body(&mut self, content_type: &str, file_name: Option<&str>, bytes: &[u8]) -> bool {
        content_type.clone_into(&mut self.content_type);
        self.file_name = file_name.map(str::to_owned);
        bytes.clone_into(&mut self.bytes);
        true
    }
}
