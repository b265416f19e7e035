//! Fields of messages and events: read leniently from XML or JSON, written as the platform writes them.

use std::borrow::Cow;

use serde_json::{Map, Value};
use xinqiao_wire::xml::{Element, Writer};

/// A piece of what came in, in either form.
#[derive(Debug, Clone, Copy)]
pub enum Source<'a> {
    /// An element with its children.
    Xml(Element<'a, 'a>),
    /// A value.
    Json(&'a Value),
}

impl<'a> Source<'a> {
    /// The first field of this name.
    pub fn get(self, name: &str) -> Option<Self> {
        match self {
            Self::Xml(element) => element.child(name).map(Self::Xml),
            Self::Json(value) => value
                .get(name)
                .filter(|found| !found.is_null())
                .map(Self::Json),
        }
    }

    /// Its text; numbers as they are written.
    pub fn text(self) -> Cow<'a, str> {
        match self {
            Self::Xml(element) => element.text(),
            Self::Json(Value::String(text)) => Cow::Borrowed(text),
            Self::Json(Value::Null) => Cow::Borrowed(""),
            Self::Json(other) => Cow::Owned(other.to_string()),
        }
    }

    /// All fields of this name. A JSON list counts as many, anything else as one.
    fn each(self, name: &str, mut visit: impl FnMut(Self)) {
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
        }
    }
}

/// What a field can hold.
pub trait Wire: Sized + Default {
    /// Reads a value that is there.
    fn read(from: Source<'_>) -> Self;

    /// Reads the field of this name; what is missing takes its default.
    fn read_field(parent: Source<'_>, name: &str) -> Self {
        parent.get(name).map(Self::read).unwrap_or_default()
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
                from.text().trim().parse().unwrap_or_default()
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
    fn read(from: Source<'_>) -> Self {
        vec![T::read(from)]
    }

    fn read_field(parent: Source<'_>, name: &str) -> Self {
        let mut list = Self::new();
        parent.each(name, |item| list.push(T::read(item)));
        list
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
        if let Source::Json(Value::Array(list)) = from {
            return Self(
                list.iter()
                    .map(|item| T::read(Source::Json(item)))
                    .collect(),
            );
        }
        Self(Vec::read_field(from, ITEM))
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

    /// Reads all fields.
    fn read_group(from: Source<'_>) -> Self;

    /// Writes all fields as elements.
    fn write_fields(&self, out: &mut Writer);

    /// Writes all fields into a JSON object.
    fn write_object(&self, out: &mut Map<String, Value>);
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
