//! Records over XML: `<xml><ToUserName><![CDATA[…]]></ToUserName>…</xml>`.
//!
//! A list is written as repeated elements; text goes into CDATA unless its field says otherwise.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::codec;
use crate::input::{DecodeError, Input, Token};
use crate::json::Keep;
use crate::output::Output;
use crate::record::Record;
use crate::value;
use crate::xml::{Children, Document, Element, Writer as XmlWriter, XmlError};

/// Reads a record from an XML document, whatever its root is called.
pub fn decode(record: &mut dyn Record, xml: &[u8], keep: Keep) -> Result<(), DecodeError> {
    let document =
        Document::parse(xml).map_err(|error| DecodeError::new(error.to_string(), error.at))?;
    decode_element(record, document.root(), keep)
}

/// Reads a record from an element.
pub fn decode_element(
    record: &mut dyn Record,
    element: Element<'_, '_>,
    keep: Keep,
) -> Result<(), DecodeError> {
    if keep == Keep::Typed {
        return codec::decode_record(record, &mut Reader::new(element));
    }
    // Repeats of an element may stand apart: what must not get lost is gathered first.
    let whole = if element.has_children() {
        element_value(element)
    } else {
        Value::Object(Map::new())
    };
    codec::decode_record(record, &mut value::Reader::new(&whole, true).xml(true))
}

/// Writes a record's body under a root element.
pub fn encode(record: &dyn Record, root: &str) -> String {
    let mut writer = Writer::new(root);
    codec::encode_body(record, &mut writer);
    writer.xml.finish()
}

/// Writes what the typed slots of a record hold by themselves, without what keep-raw kept beside them.
pub fn encode_typed(record: &dyn Record, root: &str) -> String {
    let mut writer = Writer::new(root);
    writer.typed = true;
    codec::encode_body(record, &mut writer);
    writer.xml.finish()
}

/// Pulls values out of an element, for typed slots only.
pub struct Reader<'a, 'd> {
    next: Option<Element<'a, 'd>>,
    frames: Vec<Children<'a, 'd>>,
}

impl<'a, 'd> Reader<'a, 'd> {
    /// A reader of that element.
    #[must_use]
    pub fn new(element: Element<'a, 'd>) -> Self {
        Reader {
            next: Some(element),
            frames: Vec::new(),
        }
    }
}

impl std::fmt::Debug for Reader<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader")
            .field("depth", &self.frames.len())
            .finish_non_exhaustive()
    }
}

/// An XML document as free JSON: texts, objects, and a list of what repeats.
///
/// # Errors
/// It is no XML, or XML of a kind that is never read.
pub fn value(xml: &[u8]) -> Result<Value, XmlError> {
    Document::parse(xml).map(|document| element_value(document.root()))
}

fn element_value(element: Element<'_, '_>) -> Value {
    if !element.has_children() {
        return Value::String(element.text().into_owned());
    }
    let mut map = Map::new();
    for child in element.children() {
        let value = element_value(child);
        match map.get_mut(child.name()) {
            Some(Value::Array(items)) => items.push(value),
            Some(other) => *other = Value::Array(vec![other.take(), value]),
            None => {
                map.insert(child.name().to_owned(), value);
            }
        }
    }
    Value::Object(map)
}

impl Input for Reader<'_, '_> {
    fn next(&mut self) -> Result<Token<'_>, DecodeError> {
        let element = self
            .next
            .take()
            .ok_or_else(|| DecodeError::new("ends too early", 0))?;
        if element.has_children() || self.frames.is_empty() {
            self.frames.push(element.children());
            Ok(Token::Map)
        } else {
            Ok(Token::Text(element.text()))
        }
    }

    fn item(&mut self) -> Result<bool, DecodeError> {
        Err(DecodeError::new("XML has no lists", 0))
    }

    fn key(&mut self) -> Result<Option<Cow<'_, str>>, DecodeError> {
        let Some(children) = self.frames.last_mut() else {
            return Err(DecodeError::new("is not in an element", 0));
        };
        if let Some(child) = children.next() {
            self.next = Some(child);
            Ok(Some(Cow::Borrowed(child.name())))
        } else {
            self.frames.pop();
            Ok(None)
        }
    }

    fn value(&mut self) -> Result<Value, DecodeError> {
        let element = self
            .next
            .take()
            .ok_or_else(|| DecodeError::new("ends too early", 0))?;
        Ok(element_value(element))
    }

    fn skip(&mut self) -> Result<(), DecodeError> {
        self.next = None;
        Ok(())
    }

    fn is_list(&mut self) -> bool {
        false
    }

    fn is_null(&mut self) -> bool {
        false
    }

    fn is_blank(&mut self) -> bool {
        self.next
            .is_some_and(|element| !element.has_children() && element.text().trim().is_empty())
    }

    fn keep(&self) -> bool {
        false
    }

    fn repeats(&self) -> bool {
        true
    }
}

enum Open {
    /// An element that must be closed.
    Element(String),
    /// Items take this name.
    List(String),
}

/// Pushes values into XML.
pub struct Writer {
    xml: XmlWriter,
    name: String,
    open: Vec<Open>,
    typed: bool,
}

impl Writer {
    /// A writer whose first object is the root element of that name.
    #[must_use]
    pub fn new(root: &str) -> Self {
        Writer {
            xml: XmlWriter::new(),
            name: root.to_owned(),
            open: Vec::new(),
            typed: false,
        }
    }

    /// The document.
    #[must_use]
    pub fn finish(self) -> String {
        self.xml.finish()
    }

    fn element(&self) -> String {
        match self.open.last() {
            Some(Open::List(name)) => name.clone(),
            _ => self.name.clone(),
        }
    }
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("depth", &self.open.len())
            .finish_non_exhaustive()
    }
}

impl Output for Writer {
    fn null(&mut self) {
        let name = self.element();
        self.xml.text(&name, "");
    }

    fn bool(&mut self, value: bool) {
        let name = self.element();
        self.xml.text(&name, if value { "true" } else { "false" });
    }

    fn number(&mut self, text: &str) {
        let name = self.element();
        self.xml.text(&name, text);
    }

    fn text(&mut self, text: &str, cdata: bool) {
        let name = self.element();
        if cdata {
            self.xml.cdata(&name, text);
        } else {
            self.xml.text(&name, text);
        }
    }

    fn begin_list(&mut self) {
        let name = self.element();
        self.open.push(Open::List(name));
    }

    fn end_list(&mut self) {
        self.open.pop();
    }

    fn begin_map(&mut self) {
        let name = self.element();
        self.xml.open(&name);
        self.open.push(Open::Element(name));
    }

    fn key(&mut self, name: &str) {
        name.clone_into(&mut self.name);
    }

    fn end_map(&mut self) {
        if let Some(Open::Element(name)) = self.open.pop() {
            self.xml.close(&name);
        }
    }

    fn is_xml(&self) -> bool {
        true
    }

    fn kept(&self) -> bool {
        !self.typed
    }
}
