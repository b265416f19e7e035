//! A slot: one value of a record, read and written without knowing its record.

use std::any::Any;
use std::fmt;

use crate::input::{DecodeError, Input};
use crate::output::Output;
use crate::record::{Field, Record};
use crate::union::Union;

/// One value. Implemented by hand for the ~25 types that generated records are made of.
pub trait Slot: Copied + Send + Sync {
    /// Nothing to write.
    fn is_absent(&self) -> bool {
        false
    }
    /// Writes the value.
    fn encode(&self, field: &Field, out: &mut dyn Output);
    /// Reads the value, leniently. Called again for each repeat of an XML element.
    fn decode(&mut self, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError>;
    /// Back to the value of a new record.
    fn reset(&mut self);
    /// `Debug`, masked where the field says so.
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    /// The nested record, if it is one.
    fn record(&self) -> Option<&dyn Record> {
        None
    }
    /// The union, if it is one.
    fn union(&self) -> Option<&dyn Union> {
        None
    }
    /// The union for writing.
    fn union_mut(&mut self) -> Option<&mut dyn Union> {
        None
    }
    /// The items one by one, for numbered fields.
    fn items(&self) -> Option<Vec<&dyn Slot>> {
        None
    }
    /// A new last item, for numbered fields.
    fn push(&mut self) -> Option<&mut dyn Slot> {
        None
    }
    /// Drops the last item, for numbered fields.
    fn pop(&mut self) {}
    /// The last item for writing, for fields with two numbers.
    fn last(&mut self) -> Option<&mut dyn Slot> {
        None
    }
    /// The file, if it is one.
    fn file(&self) -> Option<&crate::file::FilePart> {
        None
    }
    /// Takes the raw body of an answer, if the slot is made for it.
    fn take_body(&mut self, content_type: &str, file_name: Option<&str>, bytes: &[u8]) -> bool {
        let _ = (content_type, file_name, bytes);
        false
    }
}

/// Copies between slots of one type that only their owner knows.
pub trait Copied: 'static {
    /// The value itself.
    fn as_any(&self) -> &dyn Any;
    /// The value itself, for writing.
    fn as_any_mut(&mut self) -> &mut dyn Any;
    /// Becomes a copy of `from`, if that is of the same type.
    fn copy(&mut self, from: &dyn Any);
}

impl<T: Clone + 'static> Copied for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
    fn copy(&mut self, from: &dyn Any) {
        if let Some(from) = from.downcast_ref::<T>() {
            self.clone_from(from);
        }
    }
}

mod containers;
mod scalars;

pub use self::containers::Nested;
pub use self::scalars::TextOrNumber;
