//! A slot: one value of a record, read and written without knowing its record.
//!
//! A slot only says what it is; everything that walks it is written once, in [`crate::codec`]. So a type of a
//! generated crate costs three small functions for itself, its option and its list, not a set of derives.

use std::any::Any;
use std::fmt;

use crate::file::{Download, FilePart};
use crate::input::{DecodeError, Input};
use crate::output::Output;
use crate::record::{Field, Record, Rest};
use crate::union::Union;

mod containers;
mod scalars;

pub use self::containers::Nested;
pub use self::scalars::TextOrNumber;
pub(crate) use self::scalars::text_of;

/// One value. Implemented by hand for the ~25 types that generated records are made of.
pub trait Slot: Send + Sync + 'static {
    /// What is there.
    fn view(&self) -> View<'_>;
    /// The same for writing: an absent option becomes its empty value.
    fn view_mut(&mut self) -> ViewMut<'_>;
    /// Back to the value of a new record.
    fn reset(&mut self);
}

impl dyn Slot + '_ {
    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_absent(&self) -> bool {
        self.view().is_absent()
    }
}

impl View<'_> {
    /// Whether there is nothing to write.
    #[must_use]
    pub const fn is_absent(&self) -> bool {
        matches!(self, View::Absent | View::Download(_) | View::Hidden(_))
    }
}

/// Makes one slot a copy of another of the same type, by what they hold: a generated type needs no code for that.
pub(crate) fn copy(from: &dyn Slot, to: &mut dyn Slot) {
    to.reset();
    match from.view() {
        View::Absent => {}
        View::Scalar(from) => {
            if let ViewMut::Scalar(to) = to.view_mut() {
                to.copy(from.as_any());
            }
        }
        View::Record(from) => {
            if let ViewMut::Record(to) = to.view_mut() {
                crate::record::copy_slots(from, to);
            }
        }
        View::List(from) => {
            if let ViewMut::List(to) = to.view_mut() {
                for item in items(from) {
                    copy(item, to.push());
                }
            }
        }
        View::Map(from) => {
            if let ViewMut::Map(to) = to.view_mut() {
                from.each(&mut |name, slot| copy(slot, to.put(name.to_owned())));
            }
        }
        View::Union(from) => {
            if let ViewMut::Union(to) = to.view_mut() {
                crate::union::copy(from, to);
            }
        }
        View::File(from) => {
            if let ViewMut::File(to) = to.view_mut() {
                to.clone_from(from);
            }
        }
        View::Download(from) => {
            if let ViewMut::Download(to) = to.view_mut() {
                to.clone_from(from);
            }
        }
        View::Hidden(from) => {
            if let ViewMut::Hidden(to) = to.view_mut() {
                to.clone_from(from);
            }
        }
    }
}

/// Copies between values of one type that only their owner knows.
pub trait Copied: 'static {
    /// The value itself.
    fn as_any(&self) -> &dyn Any;
    /// Becomes a copy of `from`, if that is of the same type.
    fn copy(&mut self, from: &dyn Any);
}

impl<T: Clone + 'static> Copied for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn copy(&mut self, from: &dyn Any) {
        if let Some(from) = from.downcast_ref::<T>() {
            self.clone_from(from);
        }
    }
}

/// What a slot holds.
#[derive(Clone, Copy)]
pub enum View<'a> {
    /// Nothing to write.
    Absent,
    /// A single value.
    Scalar(&'a dyn Scalar),
    /// A record.
    Record(&'a dyn Record),
    /// Several values.
    List(&'a dyn List),
    /// Values by name.
    Map(&'a dyn Keyed),
    /// A tagged union.
    Union(&'a dyn Union),
    /// A file to upload.
    File(&'a FilePart),
    /// An answer that is a file; not written.
    Download(&'a Download),
    /// What is not written as a field.
    Hidden(&'a Rest),
}

impl fmt::Debug for View<'_> {
    /// As the slot is shown in its record.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            View::Absent | View::Download(_) | View::Hidden(_) => f.write_str("None"),
            View::Scalar(scalar) => scalar.debug(f),
            View::Record(record) => record.fmt(f),
            View::List(list) => f.debug_list().entries(items(list).map(Slot::view)).finish(),
            View::Map(map) => {
                let mut out = f.debug_map();
                map.each(&mut |name, slot| {
                    out.entry(&name, &slot.view());
                });
                out.finish()
            }
            View::Union(union) => crate::union::debug(union, f),
            View::File(file) => file.fmt(f),
        }
    }
}

/// What a slot holds, for writing.
pub enum ViewMut<'a> {
    /// A single value.
    Scalar(&'a mut dyn Scalar),
    /// A record.
    Record(&'a mut dyn Record),
    /// Several values.
    List(&'a mut dyn List),
    /// Values by name.
    Map(&'a mut dyn Keyed),
    /// A tagged union.
    Union(&'a mut dyn Union),
    /// A file to upload.
    File(&'a mut FilePart),
    /// An answer that is a file.
    Download(&'a mut Download),
    /// What is neither written nor read as a field.
    Hidden(&'a mut Rest),
}

impl fmt::Debug for ViewMut<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            ViewMut::Scalar(_) => "Scalar",
            ViewMut::Record(_) => "Record",
            ViewMut::List(_) => "List",
            ViewMut::Map(_) => "Map",
            ViewMut::Union(_) => "Union",
            ViewMut::File(_) => "File",
            ViewMut::Download(_) => "Download",
            ViewMut::Hidden(_) => "Hidden",
        })
    }
}

/// A single value.
pub trait Scalar: Copied + Send + Sync {
    /// Writes the value.
    fn encode(&self, field: &Field, out: &mut dyn Output);
    /// Reads the value, leniently; `null` leaves it as it is.
    fn decode(&mut self, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError>;
    /// `Debug`.
    fn debug(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// Several values of one type.
pub trait List: Send + Sync {
    /// The item at a position.
    fn item(&self, at: usize) -> Option<&dyn Slot>;
    /// A new last item.
    fn push(&mut self) -> &mut dyn Slot;
    /// Drops the last item.
    fn pop(&mut self);
    /// The last item for writing.
    fn last(&mut self) -> Option<&mut dyn Slot>;
}

/// The items of a list one by one.
pub(crate) fn items(list: &dyn List) -> impl Iterator<Item = &dyn Slot> {
    (0..).map_while(|at| list.item(at))
}

/// Values of one type by name.
pub trait Keyed: Send + Sync {
    /// Calls `with` for each name and value.
    fn each<'a>(&'a self, with: &mut dyn FnMut(&'a str, &'a dyn Slot));
    /// A new empty value of that name; an older one is dropped.
    fn put(&mut self, name: String) -> &mut dyn Slot;
}
