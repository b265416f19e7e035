//! Messages and events that have no type here, and fields that have no place.

use serde_json::{Map, Value};
use xinqiao_wire::xml::{Element, Writer};

use super::field::Source;

/// A message or an event that has no type here.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unknown {
    /// Its name on the wire.
    pub name: String,
    /// Its fields, without those of the head. Texts of XML are strings, elements are objects, and what
    /// repeats is a list.
    pub fields: Map<String, Value>,
}

impl Unknown {
    pub(super) fn read(name: &str, from: Source<'_>, head: &[&str]) -> Self {
        let mut fields = match from {
            Source::Xml(element) => object_of(element),
            Source::Json(Value::Object(object)) => object.clone(),
            Source::Json(_) => Map::new(),
        };
        fields.retain(|name, _| !head.contains(&name.as_str()));
        Self {
            name: name.to_owned(),
            fields,
        }
    }

    pub(super) fn write_fields(&self, out: &mut Writer) {
        for (name, value) in &self.fields {
            write_xml(name, value, out);
        }
    }

    pub(super) fn write_object(&self, out: &mut Map<String, Value>) {
        out.extend(
            self.fields
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
    }
}

/// An element's children as an object.
pub(crate) fn object_of(element: Element<'_, '_>) -> Map<String, Value> {
    let mut object = Map::new();
    for child in element.children() {
        let value = if child.has_children() {
            Value::Object(object_of(child))
        } else {
            Value::String(child.text().into_owned())
        };
        match object.get_mut(child.name()) {
            None => {
                object.insert(child.name().to_owned(), value);
            }
            Some(Value::Array(list)) => list.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    object
}

/// Writes a value as elements: strings in CDATA, numbers bare, lists as repeated elements.
pub(crate) fn write_xml(name: &str, value: &Value, out: &mut Writer) {
    if !is_element_name(name) {
        return;
    }
    match value {
        Value::Null => {}
        Value::Bool(flag) => {
            out.number(name, flag);
        }
        Value::Number(number) => {
            out.number(name, number);
        }
        Value::String(text) => {
            out.cdata(name, text);
        }
        Value::Array(list) => list.iter().for_each(|item| write_xml(name, item, out)),
        Value::Object(object) => {
            out.open(name);
            for (name, value) in object {
                write_xml(name, value, out);
            }
            out.close(name);
        }
    }
}

/// Names that come from JSON may be anything: only those that XML can hold are written.
fn is_element_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}
