//! Lists that come in pages: by which fields one goes on, and how these are read and set in any record.
//!
//! What they mean is decided by who walks; here they are only found. Paths are wire names from the outside in, joined
//! by dots; an empty one stands for a field that the endpoint has not.

use serde_json::Value;

use crate::codec;
use crate::endpoint::Endpoint;
use crate::input::DecodeError;
use crate::record::{Field, Record};
use crate::slot::{Slot, View, ViewMut, items};
use crate::value::{self, Reader};

/// How one goes from page to page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advance {
    /// Each answer gives the cursor of the next request.
    Cursor,
    /// The request says how many items come before.
    Offset,
    /// The request says the page's number.
    Page {
        /// The first page's.
        first: i64,
    },
}

/// The fields by which a list in pages is read.
#[derive(Debug, Clone, Copy)]
pub struct Paging {
    /// How one goes on.
    pub advance: Advance,
    /// The request's field that moves.
    pub at: &'static str,
    /// The answer's field with the next value of it.
    pub next: &'static str,
    /// The answer's field that is true if there is more.
    pub more: &'static str,
    /// The answer's field that is true at the end.
    pub end: &'static str,
    /// The answer's field with the number of all items.
    pub total: &'static str,
    /// The answer's field with the number of all pages.
    pub pages: &'static str,
    /// The answer's lists.
    pub lists: &'static [&'static str],
}

/// A request whose answers are pages.
pub trait Paged: Endpoint {
    /// By which fields one goes on.
    const PAGING: &'static Paging;
}

/// A request whose answers are pages of one list.
pub trait Listed: Paged {
    /// What the list holds.
    type Item;
    /// The page's items.
    fn items(answer: Self::Response) -> Vec<Self::Item>;
}

/// What a field holds; nothing if it is absent or not there at all.
#[must_use]
pub fn get(record: &dyn Record, path: &str) -> Option<Value> {
    let (slot, field) = find(record, path)?;
    value::slot_value(slot, field)
}

/// How many items a list has.
#[must_use]
pub fn count(record: &dyn Record, path: &str) -> usize {
    match find(record, path).map(|(slot, _)| slot.view()) {
        Some(View::List(list)) => items(list).count(),
        _ => 0,
    }
}

/// Sets a field.
///
/// # Errors
/// There is no such field, or the value is none for it.
pub fn set(record: &mut dyn Record, path: &str, to: &Value) -> Result<(), DecodeError> {
    let (name, below) = path.split_once('.').unwrap_or((path, ""));
    let missing = || DecodeError::new("has no such field", 0).under(name);
    let shape = record.shape();
    let at = shape.position(name, 0).ok_or_else(missing)?;
    let slot = record.slot_mut(at).ok_or_else(missing)?;
    if below.is_empty() {
        let read = codec::decode_slot(slot, &shape.fields[at], &mut Reader::new(to, false));
        return read.map_err(|error| error.under(name));
    }
    match slot.view_mut() {
        ViewMut::Record(inner) => set(inner, below, to).map_err(|error| error.under(name)),
        _ => Err(missing()),
    }
}

fn find<'r>(record: &'r dyn Record, path: &str) -> Option<(&'r dyn Slot, &'static Field)> {
    let (name, below) = path.split_once('.').unwrap_or((path, ""));
    let at = record.shape().position(name, 0)?;
    let slot = record.slot(at)?;
    if below.is_empty() {
        return Some((slot, &record.shape().fields[at]));
    }
    match slot.view() {
        View::Record(inner) => find(inner, below),
        _ => None,
    }
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "the macro makes public types")]
mod tests {
    use serde_json::json;

    use super::*;
    use crate as w;

    w::record! {
        /// Where a page begins.
        pub struct Place {
            /// Items before it.
            0 offset: Option<String> => "offset",
        }
    }

    w::record! {
        /// One of each.
        pub struct Both {
            /// Below.
            0 place: Option<Place> => "place",
            /// A list.
            1 list: Option<Vec<i64>> => "list",
            /// A number.
            2 page: i64 => "page: must",
        }
    }

    #[test]
    fn fields_are_found_and_set_by_their_paths() {
        let mut both = Both::default();
        assert_eq!(
            (get(&both, "place.offset"), count(&both, "list")),
            (None, 0)
        );
        assert_eq!(get(&both, ""), None);
        set(&mut both, "place.offset", &json!(20)).unwrap();
        set(&mut both, "page", &json!("3")).unwrap();
        set(&mut both, "list", &json!([1, 2])).unwrap();
        assert_eq!(get(&both, "place.offset"), Some(json!("20")));
        assert_eq!((both.page, count(&both, "list")), (3, 2));
        let error = set(&mut both, "place.limit", &json!(1)).unwrap_err();
        assert_eq!(error.path, "place.limit");
    }
}
