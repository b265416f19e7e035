//! Fields of messages and events: read leniently from XML or JSON, written as the platform writes them.
//!
//! Lists and groups are decided by their type, never by how many came: a group that repeats is one group,
//! a list may stand with or without its group, one object is a list of one, white space is nothing.

use std::borrow::Cow;

use serde_json::{Map, Value};
use xinqiao_wire::xml::{Element, Writer};

use super::unknown::object_of;

/// A piece of what came in, in either form.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// An element with its children.
    Xml(Element<'a, 'a>),
    /// A value.
    Json(&'a Value),
    /// Several that are one.
    Several(&'a [Source<'a>]),
}

impl<'a> Source<'a> {
    /// The first field of this name.
    ///
    /// WECHAT: pages and pushes disagree on `MenuId` and `MenuID`, `MsgId` and `MsgID`.
    pub fn get(self, name: &str) -> Option<Self> {
        self.exactly(name).or_else(|| {
            let (stem, end) = match name.strip_suffix("ID") {
                Some(stem) => (stem, "Id"),
                None => (name.strip_suffix("Id")?, "ID"),
            };
            self.first(&|found| found.strip_suffix(end) == Some(stem))
        })
    }

    /// The first field whose name is wanted.
    fn first(self, wanted: &dyn Fn(&str) -> bool) -> Option<Self> {
        match self {
            Self::Xml(element) => element
                .children()
                .find(|child| wanted(child.name()))
                .map(Self::Xml),
            Self::Json(value) => value
                .as_object()?
                .iter()
                .find(|(name, found)| wanted(name) && !found.is_null())
                .map(|(_, found)| Self::Json(found)),
            Self::Several(sources) => sources.iter().find_map(|source| source.first(wanted)),
        }
    }

    pub(super) fn exactly(self, name: &str) -> Option<Self> {
        match self {
            Self::Xml(element) => element.child(name).map(Self::Xml),
            Self::Json(value) => value
                .get(name)
                .filter(|found| !found.is_null())
                .map(Self::Json),
            Self::Several(sources) => sources.iter().find_map(|source| source.exactly(name)),
        }
    }

    /// Its text; numbers as they are written.
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Self::Xml(element) => element.text(),
            Self::Json(Value::String(text)) => Cow::Borrowed(text),
            Self::Json(Value::Null) => Cow::Borrowed(""),
            Self::Json(other) => Cow::Owned(other.to_string()),
            Self::Several(sources) => sources
                .first()
                .map(|first| first.text())
                .unwrap_or_default(),
        }
    }

    /// All fields of this name. A JSON list counts as many, anything else as one.
    fn each(self, name: &str, mut visit: impl FnMut(Self)) {
        self.visit(name, &mut visit);
    }

    fn visit(self, name: &str, visit: &mut dyn FnMut(Self)) {
        match self {
            Self::Xml(element) => element
                .children()
                .filter(|child| child.is(name))
                .for_each(|child| visit(Self::Xml(child))),
            Self::Json(value) => match value.get(name) {
                None | Some(Value::Null) => {}
                Some(Value::Array(list)) => list.iter().for_each(|item| visit(Self::Json(item))),
                Some(one) => visit(Self::Json(one)),
            },
            Self::Several(sources) => {
                for source in sources {
                    source.visit(name, visit);
                }
            }
        }
    }

    /// Everything within it, whatever the name.
    fn visit_all(self, visit: &mut dyn FnMut(Self)) {
        match self {
            Self::Xml(element) => element.children().for_each(|child| visit(Self::Xml(child))),
            Self::Json(Value::Object(object)) => {
                object.keys().for_each(|name| self.visit(name, visit));
            }
            Self::Json(Value::Array(list)) => list.iter().for_each(|item| visit(Self::Json(item))),
            Self::Json(_) => {}
            Self::Several(sources) => sources.iter().for_each(|source| source.visit_all(visit)),
        }
    }

    /// Whether nothing stands there but white space.
    fn is_blank(self) -> bool {
        match self {
            Self::Xml(element) => !element.has_children() && element.text().trim().is_empty(),
            Self::Json(Value::String(text)) => text.trim().is_empty(),
            Self::Json(value) => value.is_null(),
            Self::Several(sources) => sources.iter().all(|source| source.is_blank()),
        }
    }

    /// Whether one of these fields is there.
    fn has_any(self, names: &[&str]) -> bool {
        names.iter().any(|name| self.get(name).is_some())
    }
}

/// What a field can hold.
pub trait Wire: Sized + Default {
    /// Reads a value that is there.
    fn read(from: Source<'_>) -> Self;

    /// Whether it is a list, so that a group which holds nothing else may be left out around it.
    const IS_LIST: bool = false;

    /// Reads the field of this name; what is missing takes its default.
    fn read_field(parent: Source<'_>, name: &str) -> Self {
        parent.get(name).map(Self::read).unwrap_or_default()
    }

    /// Reads the field of this name if it is there, maybe without the group around it.
    fn read_present(parent: Source<'_>, name: &str) -> Option<Self> {
        parent.get(name).map(Self::read)
    }

    /// The fields that a value of it may have; none if it is no group.
    fn names() -> &'static [&'static str] {
        &[]
    }

    /// Writes it as an element.
    fn write_xml(&self, name: &str, out: &mut Writer);

    /// Writes it as a JSON value, unless it is to be left out.
    fn to_json(&self) -> Option<Value>;
}

impl Wire for String {
    fn read(from: Source<'_>) -> Self {
        from.text().into_owned()
    }

    fn write_xml(&self, name: &str, out: &mut Writer) {
        out.cdata(name, self);
    }

    fn to_json(&self) -> Option<Value> {
        Some(Value::String(self.clone()))
    }
}

macro_rules! number {
    ($($type:ty),+) => {$(
        impl Wire for $type {
            fn read(from: Source<'_>) -> Self {
                let text = from.text();
                let text = text.trim();
                match text.parse() {
                    Ok(number) => number,
                    Err(_) => text.parse::<f64>().map_or(0 as $type, |number| number as $type),
                }
            }

            fn write_xml(&self, name: &str, out: &mut Writer) {
                out.number(name, self);
            }

            fn to_json(&self) -> Option<Value> {
                Some(Value::from(*self))
            }
        }
    )+};
}

number!(i64, u64, f64);

impl<T: Wire> Wire for Option<T> {
    fn read(from: Source<'_>) -> Self {
        Some(T::read(from))
    }

    fn read_field(parent: Source<'_>, name: &str) -> Self {
        T::read_present(parent, name)
    }

    fn write_xml(&self, name: &str, out: &mut Writer) {
        if let Some(value) = self {
            value.write_xml(name, out);
        }
    }

    fn to_json(&self) -> Option<Value> {
        self.as_ref().and_then(T::to_json)
    }
}

/// An element that repeats.
impl<T: Wire> Wire for Vec<T> {
    const IS_LIST: bool = true;

    fn read(from: Source<'_>) -> Self {
        vec![T::read(from)]
    }

    fn read_field(parent: Source<'_>, name: &str) -> Self {
        let mut list = Self::new();
        let mut blank = false;
        parent.each(name, |item| {
            blank = item.is_blank();
            list.push(T::read(item));
        });
        // An empty element is an empty list; among several, each counts.
        if blank && list.len() == 1 {
            list.clear();
        }
        list
    }

    fn read_present(parent: Source<'_>, name: &str) -> Option<Self> {
        let found = parent.get(name);
        found.map(|_| Self::read_field(parent, name))
    }

    fn write_xml(&self, name: &str, out: &mut Writer) {
        for item in self {
            item.write_xml(name, out);
        }
    }

    fn to_json(&self) -> Option<Value> {
        Some(self.iter().filter_map(T::to_json).collect())
    }
}

/// A list whose entries are `item` elements within one element.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Items<T>(pub Vec<T>);

impl<T> std::ops::Deref for Items<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> From<Vec<T>> for Items<T> {
    fn from(list: Vec<T>) -> Self {
        Self(list)
    }
}

const ITEM: &str = "item";

impl<T: Wire> Wire for Items<T> {
    fn read(from: Source<'_>) -> Self {
        let mut list = Vec::new();
        // One item may come without an element of its own.
        if from.has_any(T::names()) {
            list.push(T::read(from));
            return Self(list);
        }
        let list_of_groups = |value: &Value| value.get(ITEM).is_some();
        if let Source::Json(Value::Array(groups)) = from
            && groups.iter().any(list_of_groups)
        {
            let groups: Vec<_> = groups.iter().map(Source::Json).collect();
            return Self::read(Source::Several(&groups));
        }
        from.visit_all(&mut |item| {
            if !item.is_blank() {
                list.push(T::read(item));
            }
        });
        Self(list)
    }

    /// WECHAT: WeCom repeats the group instead of its items; the group may also be left out.
    fn read_field(parent: Source<'_>, name: &str) -> Self {
        let mut list = Vec::new();
        match parent.get(name) {
            Some(whole @ Source::Json(Value::Array(_))) => list.extend(Self::read(whole).0),
            _ => parent.each(name, |group| list.extend(Self::read(group).0)),
        }
        list.extend(Vec::read_field(parent, ITEM));
        Self(list)
    }

    fn read_present(parent: Source<'_>, name: &str) -> Option<Self> {
        let found = parent.has_any(&[name, ITEM]);
        found.then(|| Self::read_field(parent, name))
    }

    fn write_xml(&self, name: &str, out: &mut Writer) {
        out.open(name);
        self.0.write_xml(ITEM, out);
        out.close(name);
    }

    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(Map::from_iter([(
            ITEM.to_owned(),
            self.0.to_json()?,
        )])))
    }
}

/// A group of fields: the content of a message or an event, or a part of it.
pub trait Group: Sized + Default {
    /// The names of the fields on the wire, in their order.
    const FIELDS: &'static [&'static str];
    /// The name of the list that the group holds, if it holds nothing else.
    const LIST: Option<&'static str>;

    /// Reads all fields.
    fn read_group(from: Source<'_>) -> Self;

    /// Writes all fields as elements.
    fn write_fields(&self, out: &mut Writer);

    /// Writes all fields into a JSON object.
    fn write_object(&self, out: &mut Map<String, Value>);
}

/// Reads a group that may repeat, and whose list may stand in its place.
pub(crate) fn read_group_field<G: Group>(parent: Source<'_>, name: &str) -> G {
    let mut parts = Vec::new();
    // The items of a group that is a list may stand in it without a name of their own.
    let mut items = Vec::new();
    parent.each(name, |part| match (G::LIST, part) {
        (Some(list), Source::Json(item @ Value::Object(_))) if part.get(list).is_none() => {
            items.push(Value::Object(Map::from_iter([(
                list.to_owned(),
                item.clone(),
            )])));
        }
        (Some(list), Source::Xml(item)) if item.has_children() && part.get(list).is_none() => {
            let item = Value::Object(object_of(item));
            items.push(Value::Object(Map::from_iter([(list.to_owned(), item)])));
        }
        _ => parts.push(part),
    });
    parts.extend(items.iter().map(Source::Json));
    if G::LIST.is_some_and(|list| parent.get(list).is_some()) {
        parts.push(parent);
    }
    match parts.as_slice() {
        [] => G::default(),
        [one] => G::read_group(*one),
        several => G::read_group(Source::Several(several)),
    }
}

pub(crate) fn is_group_there<G: Group>(parent: Source<'_>, name: &str) -> bool {
    parent.get(name).is_some() || G::LIST.is_some_and(|list| parent.get(list).is_some())
}

/// The name of the only field, if that is a list.
pub(crate) const fn only_list(
    fields: &'static [&'static str],
    is_list: &[bool],
) -> Option<&'static str> {
    match (fields, is_list) {
        ([name], [true]) => Some(*name),
        _ => None,
    }
}

/// Declares a group of fields.
macro_rules! record {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $($(#[$field_meta:meta])* $field:ident: $type:ty = $wire:literal,)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Default)]
        pub struct $name {
            $(
                #[doc = concat!("`", $wire, "`.")]
                $(#[$field_meta])*
                pub $field: $type,
            )*
        }

        impl $crate::inbound::field::Group for $name {
            const FIELDS: &'static [&'static str] = &[$($wire),*];
            const LIST: Option<&'static str> = $crate::inbound::field::only_list(
                &[$($wire),*],
                &[$(<$type as $crate::inbound::field::Wire>::IS_LIST),*],
            );

            fn read_group(from: $crate::inbound::field::Source<'_>) -> Self {
                let _ = from;
                Self {
                    $($field: <$type as $crate::inbound::field::Wire>::read_field(from, $wire),)*
                }
            }

            fn write_fields(&self, out: &mut xinqiao_wire::xml::Writer) {
                let _ = &out;
                $($crate::inbound::field::Wire::write_xml(&self.$field, $wire, out);)*
            }

            fn write_object(&self, out: &mut serde_json::Map<String, serde_json::Value>) {
                let _ = &out;
                $(
                    if let Some(value) = $crate::inbound::field::Wire::to_json(&self.$field) {
                        out.insert($wire.to_owned(), value);
                    }
                )*
            }
        }

        impl $crate::inbound::field::Wire for $name {
            fn read(from: $crate::inbound::field::Source<'_>) -> Self {
                <Self as $crate::inbound::field::Group>::read_group(from)
            }

            fn read_field(parent: $crate::inbound::field::Source<'_>, name: &str) -> Self {
                $crate::inbound::field::read_group_field(parent, name)
            }

            fn read_present(
                parent: $crate::inbound::field::Source<'_>,
                name: &str,
            ) -> Option<Self> {
                $crate::inbound::field::is_group_there::<Self>(parent, name)
                    .then(|| $crate::inbound::field::read_group_field(parent, name))
            }

            fn names() -> &'static [&'static str] {
                <Self as $crate::inbound::field::Group>::FIELDS
            }

            fn write_xml(&self, name: &str, out: &mut xinqiao_wire::xml::Writer) {
                out.open(name);
                $crate::inbound::field::Group::write_fields(self, out);
                out.close(name);
            }

            fn to_json(&self) -> Option<serde_json::Value> {
                let mut object = serde_json::Map::new();
                $crate::inbound::field::Group::write_object(self, &mut object);
                Some(serde_json::Value::Object(object))
            }
        }
    };
}

pub(crate) use record;
