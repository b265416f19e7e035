//! Tagged unions whose tag and body stand among the owner's own keys.

use serde_json::{Map, Value};

use crate::slot::Slot;

/// One case: value of the tag, and the field that carries the body (empty = none).
pub type Case = (&'static str, &'static str);

/// A generated enum: one variant a case, and `Other` for tags that we don't know.
pub trait Union: Send + Sync {
    /// Name of the tag field.
    fn tag_field(&self) -> &'static str;
    /// Cases.
    fn cases(&self) -> &'static [Case];
    /// The present tag; empty = unset.
    fn tag(&self) -> &str;
    /// Field and slot of the present body.
    fn body(&self) -> Option<(&'static str, &dyn Slot)>;
    /// Switches to the case of that tag, with an empty body; unknown tags become `Other`.
    fn set(&mut self, tag: &str) -> Option<(&'static str, &mut dyn Slot)>;
    /// Switches to `Other`, whatever the tag.
    fn set_other(&mut self, tag: &str);
    /// Everything beside the tag, where the tag is unknown.
    fn other(&self) -> Option<&Map<String, Value>>;
    /// The same for writing.
    fn other_mut(&mut self) -> Option<&mut Map<String, Value>>;
}

/// `Debug` of a union: tag and body.
pub fn debug(union: &dyn Union, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    match union.body() {
        Some((_, body)) => f.debug_tuple(union.tag()).field(&body.view()).finish(),
        None => f.write_str(union.tag()),
    }
}

/// Makes one union a copy of another of the same type.
pub(crate) fn copy(from: &dyn Union, to: &mut dyn Union) {
    if let Some(fields) = from.other() {
        to.set_other(from.tag());
        if let Some(other) = to.other_mut() {
            other.clone_from(fields);
        }
        return;
    }
    let body = to.set(from.tag());
    if let (Some((_, from)), Some((_, to))) = (from.body(), body) {
        crate::slot::copy(from, to);
    }
}
