//! One sample: in, out, compare.

use serde_json::Value;
use xinqiao_wire::xml::{Document, Element};
use xinqiao_wire::{Keep, Record, json, markup, value};

/// What became of a sample.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trip {
    /// Nothing, or what went wrong.
    pub(crate) failure: Option<String>,
    /// Scalar values in the sample.
    pub(crate) values: usize,
    /// How many of them typed slots held by themselves.
    pub(crate) typed: usize,
    /// Places of the others.
    pub(crate) untyped: Vec<String>,
}

impl Trip {
    /// A sample that could not even be tried.
    pub(crate) fn failed(reason: String) -> Trip {
        Trip {
            failure: Some(reason),
            values: 0,
            typed: 0,
            untyped: Vec::new(),
        }
    }
}

/// A JSON sample through a type.
pub(crate) fn through_json(
    make: impl Fn() -> Box<dyn Record>,
    text: &str,
    envelope: &[&str],
) -> Trip {
    let failed = Trip::failed;
    let text = text.trim_start_matches('\u{feff}');
    let input: Value = match serde_json::from_str(text) {
        Ok(input) => input,
        Err(error) => return failed(format!("is not JSON: {error}")),
    };
    let mut record = make();
    if let Err(error) = json::decode(record.as_mut(), text.as_bytes(), Keep::Raw) {
        return failed(error.to_string());
    }
    let output: Value = match serde_json::from_str(&json::encode_all(record.as_ref())) {
        Ok(output) => output,
        Err(error) => return failed(format!("came out as no JSON: {error}")),
    };
    let mut typed = make();
    let _ = value::from_value(typed.as_mut(), &input, Keep::Typed);
    let held = value::to_value(typed.as_ref());
    let mut counts = Counts::default();
    for (name, value) in input.as_object().into_iter().flatten() {
        let in_envelope = envelope.contains(&name.as_str());
        let held = if in_envelope {
            Some(value)
        } else {
            held.get(name)
        };
        count(value, held, name, &mut counts);
    }
    if !input.is_object() {
        count(&input, Some(&held), "", &mut counts);
    }
    let failure = (input != output).then(|| difference(&input, &output, ""));
    Trip {
        failure,
        values: counts.values,
        typed: counts.typed,
        untyped: counts.untyped,
    }
}

/// An XML sample through a type.
pub(crate) fn through_xml(make: impl Fn() -> Box<dyn Record>, text: &str) -> Trip {
    let failed = Trip::failed;
    let input = match Document::parse(text.as_bytes()) {
        Ok(document) => tree(document.root()),
        Err(error) => return failed(error.to_string()),
    };
    let again = |keep: Keep| -> Result<Value, String> {
        let mut record = make();
        markup::decode(record.as_mut(), text.as_bytes(), keep)
            .map_err(|error| error.to_string())?;
        let xml = markup::encode(record.as_ref(), "xml");
        let document = Document::parse(xml.as_bytes()).map_err(|error| error.to_string())?;
        Ok(tree(document.root()))
    };
    let output = match again(Keep::Raw) {
        Ok(output) => output,
        Err(reason) => return failed(reason),
    };
    let held = again(Keep::Typed).ok();
    let mut counts = Counts::default();
    count(&input, held.as_ref(), "", &mut counts);
    let failure = (!covers(&input, &output)).then(|| difference(&input, &output, ""));
    Trip {
        failure,
        values: counts.values,
        typed: counts.typed,
        untyped: counts.untyped,
    }
}

/// Every element of the input is in the output; a required one that the input lacks may be there, empty or zero.
fn covers(input: &Value, output: &Value) -> bool {
    match (input, output) {
        (Value::Object(input), Value::Object(output)) => {
            input
                .iter()
                .all(|(name, value)| output.get(name).is_some_and(|out| covers(value, out)))
                && output
                    .iter()
                    .all(|(name, value)| input.contains_key(name) || blank(value))
        }
        (Value::Array(input), Value::Array(output)) => {
            input.len() == output.len() && input.iter().zip(output).all(|(a, b)| covers(a, b))
        }
        _ => input == output,
    }
}

fn blank(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.values().all(blank),
        Value::Array(items) => items.iter().all(blank),
        Value::String(text) => matches!(text.as_str(), "" | "0" | "false"),
        _ => true,
    }
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

#[derive(Default)]
struct Counts {
    values: usize,
    typed: usize,
    untyped: Vec<String>,
}

fn count(input: &Value, held: Option<&Value>, place: &str, counts: &mut Counts) {
    match input {
        Value::Object(map) => {
            for (name, value) in map {
                let place = format!("{place}.{name}");
                count(value, held.and_then(|held| held.get(name)), &place, counts);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                count(item, held.and_then(|held| held.get(at)), place, counts);
            }
        }
        Value::Null => {}
        scalar => {
            counts.values += 1;
            if held.is_some_and(|held| says_the_same(held, scalar)) {
                counts.typed += 1;
            } else {
                let held = held.map_or_else(|| "nothing".to_owned(), ToString::to_string);
                counts
                    .untyped
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
