//! Messages and events that have no type here, and fields that have no place.
//!
//! Their shape is the catalog's where it knows them: what is a list there is a list, whether none, one or
//! many came, and what is a group is one.

use serde_json::{Map, Value};
use xinqiao_catalog::{Event as Described, Product, Shape, Spelling, TypeRef};
use xinqiao_wire::xml::{Element, Writer};

use super::field::Source;

/// A message or an event that has no type here.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unknown {
    /// Its name on the wire.
    pub name: String,
    /// Its fields, without those of the head. Texts of XML are strings and elements are objects; what is a
    /// list is told by the catalog, or by repeating if that does not know the field.
    pub fields: Map<String, Value>,
}

impl Unknown {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            fields: Map::new(),
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

/// All fields in the shape that the catalog knows, but for those of the head.
pub(super) fn fields_of(from: Source<'_>, in_head: impl Fn(&str) -> bool) -> Map<String, Value> {
    let mut fields = match from {
        Source::Xml(element) => object_of(element),
        Source::Json(Value::Object(object)) => object.clone(),
        Source::Json(_) | Source::Several(_) => Map::new(),
    };
    if let Some(known) = described(&fields) {
        fit(known.product, &known.shape, &mut fields);
    }
    fields.retain(|name, _| !in_head(name));
    fields
}

/// What the catalog knows of a message with these fields.
pub(super) fn described(fields: &Map<String, Value>) -> Option<&'static Described> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str);
    let name = text("Event")
        .or_else(|| text("InfoType"))
        .unwrap_or_default();
    let msg_type = text("MsgType").unwrap_or_default();
    let work = ["AgentID", "SuiteId", "AuthCorpId", "ChangeType"];
    let is_work = work.iter().any(|name| fields.contains_key(*name));
    let first = is_work.then_some(Product::Work);
    let others = [
        Product::OfficialAccount,
        Product::MiniProgram,
        Product::OpenPlatform,
        Product::Channels,
        Product::Work,
    ];
    first
        .into_iter()
        .chain(others)
        .find_map(|product| xinqiao_catalog::recognise_event(product, msg_type, name, text))
}

/// Gives the fields the shape that the catalog knows.
pub(super) fn fit(product: Product, shape: &Shape, fields: &mut Map<String, Value>) {
    for field in &shape.fields {
        let group = match &field.ty {
            TypeRef::Named(id) => xinqiao_catalog::type_def(product, *id).map(|known| &known.shape),
            _ => None,
        };
        // A list may stand without the group that holds nothing else.
        if let Some([inner]) = group.map(|group| &*group.fields)
            && matches!(inner.ty, TypeRef::List(_))
            && shape.fields.iter().all(|other| other.name != inner.name)
            && let Some(items) = fields.remove(inner.name)
        {
            let wrapped = Value::Object(Map::from_iter([(inner.name.to_owned(), items)]));
            let value = match fields.remove(field.name) {
                None => wrapped,
                Some(found) => Value::Array(vec![found, wrapped]),
            };
            fields.insert(field.name.to_owned(), value);
        }
        if let Some(value) = fields.get_mut(field.name) {
            fit_value(product, &field.ty, field.wire, value);
        }
    }
}

fn fit_value(product: Product, ty: &TypeRef, spelling: Spelling, value: &mut Value) {
    match ty {
        TypeRef::List(inner) => {
            let mut items = match value.take() {
                Value::Array(items) => items,
                Value::String(text) if text.trim().is_empty() => Vec::new(),
                Value::String(text) => separated(&text, spelling),
                Value::Null => Vec::new(),
                one => vec![one],
            };
            for item in &mut items {
                fit_value(product, inner, Spelling::Plain, item);
            }
            *value = Value::Array(items);
        }
        TypeRef::Named(id) => {
            let Some(known) = xinqiao_catalog::type_def(product, *id) else {
                return;
            };
            let mut group = match value.take() {
                Value::Object(group) => group,
                Value::Array(groups)
                    if groups.iter().all(|each| each.is_object() || is_blank(each)) =>
                {
                    merged(groups)
                }
                blank if is_blank(&blank) => Map::new(),
                other => {
                    *value = other;
                    return;
                }
            };
            fit(product, &known.shape, &mut group);
            *value = Value::Object(group);
        }
        _ => {}
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// The items of a list that is written in one text.
fn separated(text: &str, spelling: Spelling) -> Vec<Value> {
    let separator = match spelling {
        Spelling::Comma => ',',
        Spelling::Pipe => '|',
        Spelling::Semicolon => ';',
        _ => return vec![Value::from(text)],
    };
    let text = text.trim().trim_end_matches(separator);
    text.split(separator).map(Value::from).collect()
}

/// One group of several: what repeats is a list.
fn merged(groups: Vec<Value>) -> Map<String, Value> {
    let mut whole = Map::new();
    for group in groups {
        let Value::Object(group) = group else {
            continue;
        };
        for (name, value) in group {
            match (whole.get_mut(&name), value) {
                (None, value) => {
                    whole.insert(name, value);
                }
                (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
                (Some(Value::Array(list)), one) => list.push(one),
                (Some(first), Value::Array(more)) => {
                    let list = std::iter::once(first.take()).chain(more);
                    *first = Value::Array(list.collect());
                }
                (Some(first), second) => *first = Value::Array(vec![first.take(), second]),
            }
        }
    }
    whole
}

/// Every text and number in a value with the name that it stands under, in small letters, because the
/// spelling of names varies; blank ones say nothing.
pub(super) fn leaves(name: &str, value: &Value, found: &mut dyn FnMut(&str, String)) {
    match value {
        Value::Null => {}
        Value::Array(list) => list.iter().for_each(|item| leaves(name, item, found)),
        Value::Object(object) => {
            for (name, value) in object {
                leaves(name, value, found);
            }
        }
        Value::String(text) => {
            let trimmed = text.trim();
            let number = trimmed
                .parse::<f64>()
                .ok()
                .filter(|number| number.is_finite());
            match (trimmed.parse::<i128>(), number) {
                _ if trimmed.is_empty() => {}
                (Ok(whole), _) => found(name, whole.to_string()),
                (_, Some(number)) => found(name, number.to_string()),
                _ => found(name, text.clone()),
            }
        }
        Value::Bool(_) | Value::Number(_) => {
            let text = value.to_string();
            let number = text.parse::<f64>().unwrap_or_default();
            let whole = text.parse::<i128>().is_ok() || value.is_boolean();
            found(name, if whole { text } else { number.to_string() });
        }
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
