//! Slots that hold other slots: options, lists, maps, nested records.

use std::collections::BTreeMap;

use super::{Keyed, List, Slot, View, ViewMut};
use crate::record::Record;

impl<T: Record + Default> Slot for T {
    fn view(&self) -> View<'_> {
        View::Record(self)
    }
    fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::Record(self)
    }
    fn reset(&mut self) {
        *self = T::default();
    }
}

impl<T: Slot + Default> Slot for Option<T> {
    fn view(&self) -> View<'_> {
        match self {
            Some(value) => value.view(),
            None => View::Absent,
        }
    }
    fn view_mut(&mut self) -> ViewMut<'_> {
        self.get_or_insert_default().view_mut()
    }
    fn reset(&mut self) {
        *self = None;
    }
}

impl<T: Slot + Default> Slot for Vec<T> {
    fn view(&self) -> View<'_> {
        View::List(self)
    }
    fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::List(self)
    }
    fn reset(&mut self) {
        self.clear();
    }
}

impl<T: Slot + Default> List for Vec<T> {
    fn item(&self, at: usize) -> Option<&dyn Slot> {
        match self.get(at) {
            Some(item) => Some(item),
            None => None,
        }
    }
    fn push(&mut self) -> &mut dyn Slot {
        self.push_mut(T::default())
    }
    fn pop(&mut self) {
        Vec::pop(self);
    }
    fn last(&mut self) -> Option<&mut dyn Slot> {
        match self.last_mut() {
            Some(item) => Some(item),
            None => None,
        }
    }
}

impl<T: Slot + Default> Slot for BTreeMap<String, T> {
    fn view(&self) -> View<'_> {
        View::Map(self)
    }
    fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::Map(self)
    }
    fn reset(&mut self) {
        self.clear();
    }
}

impl<T: Slot + Default> Keyed for BTreeMap<String, T> {
    fn each<'a>(&'a self, with: &mut dyn FnMut(&'a str, &'a dyn Slot)) {
        for (name, value) in self {
            with(name, value);
        }
    }
    fn put(&mut self, name: String) -> &mut dyn Slot {
        let slot = self.entry(name).or_default();
        slot.reset();
        slot
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

impl<T: Record + Default> Slot for Nested<T> {
    fn view(&self) -> View<'_> {
        View::Record(self.0.as_ref())
    }
    fn view_mut(&mut self) -> ViewMut<'_> {
        ViewMut::Record(self.0.as_mut())
    }
    fn reset(&mut self) {
        *self = Nested(Box::default());
    }
}
