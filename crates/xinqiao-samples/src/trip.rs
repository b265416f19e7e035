//! One sample: in, out, compare.

use serde_json::Value;
use xinqiao_wire::xml::{Document, Element};
use xinqiao_wire::{Keep, Record, json, markup};

use crate::alternatives;

/// What became of a sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trip {
    /// Nothing, or what went wrong.
    pub failure: Option<String>,
    /// Scalar values in the sample.
    pub values: usize,
    /// How many of them typed slots held by themselves.
    pub typed: usize,
    /// Whether only keep-raw reads it.
    pub refused: bool,
    /// Places of the others.
    pub untyped: Vec<String>,
}

impl Trip {
    /// A sample that could not even be tried.
    #[must_use]
    pub fn failed(reason: impl Into<String>) -> Trip {
        Trip {
            failure: Some(reason.into()),
            ..Trip::default()
        }
    }
}

/// Makes an empty record.
pub type Make<'a> = &'a dyn Fn() -> Option<Box<dyn Record>>;

/// A sample through a type: in with keep-raw, out, compared. Nothing if there is no such type.
///
/// What begins with `<` is XML, everything else JSON. A byte order mark is passed over. `envelope` are the names of
/// the error envelope, which the client holds in a type of its own.
#[must_use]
pub fn through(make: Make<'_>, content: &[u8], envelope: &[&str]) -> Option<Trip> {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let first = content.iter().find(|byte| !byte.is_ascii_whitespace());
    if first == Some(&b'<') {
        Some(through_xml((make()?, make()?), content))
    } else {
        through_json(make, content, envelope)
    }
}

type Records = (Box<dyn Record>, Box<dyn Record>);

fn through_json(make: Make<'_>, text: &[u8], envelope: &[&str]) -> Option<Trip> {
    let mut raw = make()?;
    let input: Value = match serde_json::from_slice(text) {
        Ok(input) => input,
        Err(error) => return Some(Trip::failed(format!("is not JSON: {error}"))),
    };
    if let Err(error) = json::decode(raw.as_mut(), text, Keep::Raw) {
        return Some(Trip::failed(error.to_string()));
    }
    let output: Value = match serde_json::from_str(&json::encode_all(raw.as_ref())) {
        Ok(output) => output,
        Err(error) => return Some(Trip::failed(format!("came out as no JSON: {error}"))),
    };
    let (held, refused) = alternatives::held(make, &input)?;
    let mut trip = Trip {
        refused,
        failure: (input != output).then(|| difference(&input, &output, "")),
        ..Trip::default()
    };
    // What stands beside a group is held in it.
    let groups = raw.shape().fields.iter().filter(|field| field.beside);
    let groups: Vec<&Value> = groups.filter_map(|group| held.get(group.name)).collect();
    for (name, value) in input.as_object().into_iter().flatten() {
        let held = if envelope.contains(&name.as_str()) {
            Some(value)
        } else {
            let mut inside = groups.iter().filter_map(|group| group.get(name));
            held.get(name).or_else(|| inside.next())
        };
        count(value, held, name, &mut trip);
    }
    if !input.is_object() {
        count(&input, Some(&held), "", &mut trip);
    }
    Some(trip)
}

fn through_xml((mut raw, mut typed): Records, text: &[u8]) -> Trip {
    let input = match Document::parse(text) {
        Ok(document) => tree(document.root()),
        Err(error) => return Trip::failed(error.to_string()),
    };
    if let Err(error) = markup::decode(raw.as_mut(), text, Keep::Raw) {
        return Trip::failed(error.to_string());
    }
    let written = markup::encode(raw.as_ref(), "xml");
    let output = match Document::parse(written.as_bytes()) {
        Ok(document) => tree(document.root()),
        Err(error) => return Trip::failed(format!("came out as no XML: {error}")),
    };
    let refused = markup::decode(typed.as_mut(), text, Keep::Typed).is_err();
    let held = markup::encode_typed(if refused { raw } else { typed }.as_ref(), "xml");
    let held = match Document::parse(held.as_bytes()) {
        Ok(document) => tree(document.root()),
        Err(error) => return Trip::failed(format!("came out as no XML: {error}")),
    };
    let mut trip = Trip {
        refused,
        failure: (input != output).then(|| difference(&input, &output, "")),
        ..Trip::default()
    };
    count(&input, Some(&held), "", &mut trip);
    trip
}

fn tree(element: Element<'_, '_>) -> Value {
    if !element.has_children() {
        return Value::String(element.text().trim().to_owned());
    }
    let mut map = serde_json::Map::new();
    for child in element.children() {
        let value = tree(child);
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

fn count(input: &Value, held: Option<&Value>, place: &str, trip: &mut Trip) {
    match input {
        Value::Object(map) => {
            for (name, value) in map {
                let place = format!("{place}.{name}");
                count(value, held.and_then(|held| held.get(name)), &place, trip);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                count(item, held.and_then(|held| held.get(at)), place, trip);
            }
        }
        Value::Null => {}
        scalar => {
            trip.values += 1;
            if held.is_some_and(|held| says_the_same(held, scalar)) {
                trip.typed += 1;
            } else {
                let held = held.map_or_else(|| "nothing".to_owned(), ToString::to_string);
                trip.untyped
                    .push(format!("{place}: {scalar} held as {held}"));
            }
        }
    }
}

/// Whether a slot holds the value, whatever its spelling: `"1"` and `1`, `0.0` and `0`, `1` and `true`.
fn says_the_same(held: &Value, came: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.trim().to_ascii_lowercase(),
        Value::Bool(truth) => u8::from(*truth).to_string(),
        other => other.to_string(),
    };
    if held == came || text(held) == text(came) {
        return true;
    }
    // JSON within text is held as what it says, not with its blanks.
    let inner = |value: &Value| serde_json::from_str::<Value>(value.as_str()?).ok();
    if let (Some(held @ (Value::Array(_) | Value::Object(_))), came) = (inner(held), inner(came)) {
        return came == Some(held);
    }
    let number = |value: &Value| match text(value).as_str() {
        "true" => Some(1.0),
        "false" | "" => Some(0.0),
        other => other.parse::<f64>().ok(),
    };
    match (number(held), number(came)) {
        (Some(held), Some(came)) => held.to_bits() == came.to_bits(),
        _ => false,
    }
}

/// The first place where two values differ.
fn difference(a: &Value, b: &Value, path: &str) -> String {
    match (a, b) {
        (Value::Object(left), Value::Object(right)) => {
            for (name, value) in left {
                match right.get(name) {
                    None => return format!("{path}.{name} got lost"),
                    Some(other) if other != value => {
                        return difference(value, other, &format!("{path}.{name}"));
                    }
                    Some(_) => {}
                }
            }
            let new = right.keys().find(|name| !left.contains_key(*name));
            new.map_or_else(String::new, |name| format!("{path}.{name} appeared"))
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            let at = left
                .iter()
                .zip(right)
                .position(|(a, b)| a != b)
                .unwrap_or_default();
            difference(&left[at], &right[at], &format!("{path}[{at}]"))
        }
        _ => {
            let short = |value: &Value| value.to_string().chars().take(60).collect::<String>();
            format!("{path}: {} became {}", short(a), short(b))
        }
    }
}
