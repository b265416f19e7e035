//! Slots of single values.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;
use xinqiao_types::{
    AppId, CorpId, ExternalUserId, Fen, MchId, MediaId, OpenId, UnionId, UnixSeconds, UserId,
};

use super::{Scalar, Slot, View, ViewMut};
use crate::file::{Download, FilePart};
use crate::input::{DecodeError, Input, Token};
use crate::json::number_value;
use crate::output::Output;
use crate::record::{Field, Spelling};

macro_rules! scalar_slot {
    ($($ty:ty),+ $(,)?) => {$(
        impl Slot for $ty {
            fn view(&self) -> View<'_> {
                View::Scalar(self)
            }
            fn view_mut(&mut self) -> ViewMut<'_> {
                ViewMut::Scalar(self)
            }
            fn reset(&mut self) {
                *self = <$ty>::default();
            }
        }
    )+};
}

scalar_slot!(
    String,
    bool,
    i32,
    i64,
    u64,
    f64,
    Value,
    TextOrNumber,
    Fen,
    UnixSeconds
);

#[cold]
fn wrong(expected: &'static str, input: &dyn Input) -> DecodeError {
    DecodeError::new(expected, input.offset())
}

/// The text of a scalar; `None` for `null`. A bracket is answered with `Err(None)`.
fn scalar(input: &mut dyn Input) -> Result<Option<Cow<'_, str>>, Option<DecodeError>> {
    match input.next() {
        Ok(Token::Text(text) | Token::Number(text)) => Ok(Some(text)),
        Ok(Token::Null) => Ok(None),
        Ok(Token::Bool(true)) => Ok(Some(Cow::Borrowed("true"))),
        Ok(Token::Bool(false)) => Ok(Some(Cow::Borrowed("false"))),
        Ok(Token::List | Token::Map) => Err(None),
        Err(error) => Err(Some(error)),
    }
}

/// Reads a scalar with a function that may refuse its text.
fn read<T>(
    input: &mut dyn Input,
    expected: &'static str,
    with: impl FnOnce(Cow<'_, str>) -> Option<T>,
) -> Result<Option<T>, DecodeError> {
    let read = match scalar(input) {
        Ok(None) => return Ok(None),
        Ok(Some(text)) => with(text),
        Err(Some(error)) => return Err(error),
        Err(None) => None,
    };
    read.map(Some).ok_or_else(|| wrong(expected, input))
}

/// The text of a scalar of any kind; none for `null`.
pub(crate) fn text_of(input: &mut dyn Input) -> Result<Option<Cow<'_, str>>, DecodeError> {
    // Not by `read`: what it returns borrows from the input, which the error would need too.
    let at = input.offset();
    match scalar(input) {
        Ok(text) => Ok(text),
        Err(Some(error)) => Err(error),
        Err(None) => Err(DecodeError::new("is not text", at)),
    }
}

impl Scalar for String {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        out.text(self, field.cdata);
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        if let Some(text) = read(input, "is not text", |text| Some(text.into_owned()))? {
            *self = text;
        }
        Ok(())
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
    if let Ok(number) = text.parse::<i64>() {
        return Some(number.into());
    }
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
        impl Scalar for $ty {
            fn encode(&self, field: &Field, out: &mut dyn Output) {
                write_number(itoa::Buffer::new().format(*self), field, out);
            }
            fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
                let number = read(input, "is not a whole number", |text| {
                    whole(&text).and_then(|value| <$ty>::try_from(value).ok())
                })?;
                if let Some(number) = number {
                    *self = number;
                }
                Ok(())
            }
            fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self, f)
            }
        }
    )+};
}

whole_number!(i32, i64, u64);

impl Scalar for f64 {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        if !self.is_finite() {
            // No JSON for it; serde_json does the same.
            out.null();
        } else if self.fract() == 0.0 && self.abs() < 1e15 {
            write_number(&format!("{self:.0}"), field, out);
        } else if self.abs() < 1e-5 || self.abs() >= 1e15 {
            write_number(&format!("{self:e}"), field, out);
        } else {
            write_number(&format!("{self}"), field, out);
        }
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        let number = read(input, "is not a number", |text| match text.trim() {
            "" => Some(0.0),
            text => text.parse().ok().filter(|value: &f64| value.is_finite()),
        })?;
        if let Some(number) = number {
            *self = number;
        }
        Ok(())
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Scalar for bool {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        match field.spelling {
            Spelling::BoolInt => out.number(if *self { "1" } else { "0" }),
            Spelling::BoolYn => out.text(if *self { "Y" } else { "N" }, field.cdata),
            Spelling::BoolText => out.text(if *self { "true" } else { "false" }, field.cdata),
            _ => out.bool(*self),
        }
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        let truth = read(input, "is not a truth value", |text| {
            match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "y" | "yes" => Some(true),
                "false" | "0" | "n" | "no" | "" => Some(false),
                // WECHAT: a flag may be a count.
                text => whole(text).map(|number| number != 0),
            }
        })?;
        if let Some(truth) = truth {
            *self = truth;
        }
        Ok(())
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Scalar for Value {
    fn encode(&self, _: &Field, out: &mut dyn Output) {
        out.value(self);
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        *self = input.value()?;
        Ok(())
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! number_wrapper {
    ($($ty:ident),+) => {$(
        impl Scalar for $ty {
            fn encode(&self, field: &Field, out: &mut dyn Output) {
                self.0.encode(field, out);
            }
            fn decode(&mut self, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
                self.0.decode(field, input)
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
        scalar_slot!($ty);

        impl Scalar for $ty {
            fn encode(&self, field: &Field, out: &mut dyn Output) {
                out.text(self.as_str(), field.cdata);
            }
            fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
                if let Some(id) = read(input, "is not text", |text| Some($ty::new(text)))? {
                    *self = id;
                }
                Ok(())
            }
            fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
    )+};
}

identifier!(
    AppId,
    CorpId,
    ExternalUserId,
    MchId,
    MediaId,
    OpenId,
    UnionId,
    UserId
);

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

impl Scalar for TextOrNumber {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        match self {
            TextOrNumber::Text(text) => out.text(text, field.cdata),
            TextOrNumber::Number(number) => out.number(&number.to_string()),
        }
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        *self = match input.next()? {
            Token::Text(text) => TextOrNumber::Text(text.into_owned()),
            Token::Number(text) => match number_value(&text) {
                Some(number) => TextOrNumber::Number(number),
                None => TextOrNumber::Text(text.into_owned()),
            },
            Token::Bool(value) => TextOrNumber::Text(value.to_string()),
            Token::Null => TextOrNumber::default(),
            Token::List | Token::Map => return Err(wrong("is neither text nor number", input)),
        };
        Ok(())
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Slot for FilePart {
    fn view(&self) -> View<'_> {
        View::File(self)
    }
    fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::File(self)
    }
    fn reset(&mut self) {
        *self = FilePart::default();
    }
}

impl Slot for Download {
    fn view(&self) -> View<'_> {
        View::Download(self)
    }
    fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::Download(self)
    }
    fn reset(&mut self) {
        *self = Download::default();
    }
}
