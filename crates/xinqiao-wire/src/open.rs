//! Open enumerations: values that the catalog knows, and whatever else the platform sends.
//!
//! A generated enumeration costs a name and a reading of its values; everything else is written here once, for all.

use std::fmt;

use crate::input::{DecodeError, Input};
use crate::output::Output;
use crate::record::{Field, Spelling};
use crate::slot::{Scalar, text_of};

/// An enumeration that keeps what it doesn't know. Made by [`open_enum!`](crate::open_enum).
pub trait Open: Clone + Send + Sync + 'static {
    /// The value of that text.
    fn of(text: &str) -> Self;
    /// The value as it stands on the wire.
    fn text(&self) -> &str;
}

impl<T: Open> Scalar for T {
    fn encode(&self, field: &Field, out: &mut dyn Output) {
        encode(self.text(), field, out);
    }
    fn decode(&mut self, _: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
        if let Some(text) = text_of(input)? {
            *self = T::of(&text);
        }
        Ok(())
    }
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.text(), f)
    }
}

fn encode(text: &str, field: &Field, out: &mut dyn Output) {
    if field.spelling == Spelling::Number && text.parse::<i64>().is_ok() {
        out.number(text);
    } else {
        out.text(text, field.cdata);
    }
}
