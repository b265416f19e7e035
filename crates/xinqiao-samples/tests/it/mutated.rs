//! What the platform might have sent instead: each sample changed in one way after the other, by its form only.

use serde_json::{Map, Value, json};

/// Calls `with` for each object and list of a value.
fn walk(value: &mut Value, with: &mut dyn FnMut(&mut Value)) {
    with(value);
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, with)),
        Value::Object(map) => map.values_mut().for_each(|value| walk(value, with)),
        _ => {}
    }
}

fn every(value: &Value, mut with: impl FnMut(&mut Value)) -> Value {
    let mut value = value.clone();
    walk(&mut value, &mut with);
    value
}

/// Fields of all objects, every `step`th of them.
fn fields(
    value: &Value,
    step: usize,
    mut with: impl FnMut(&mut Map<String, Value>, &str),
) -> Value {
    let mut number = 0;
    every(value, |value| {
        if let Value::Object(map) = value {
            let names: Vec<String> = map.keys().cloned().collect();
            for name in names {
                number += 1;
                if number % step == 0 {
                    with(map, &name);
                }
            }
        }
    })
}

/// The ways, by name.
pub(crate) fn all(value: &Value) -> Vec<(&'static str, Value)> {
    let empty = |value: &Value| match value {
        Value::Array(_) => json!([]),
        Value::Object(_) => json!({}),
        Value::String(_) => json!(""),
        Value::Number(_) => json!(0),
        other => other.clone(),
    };
    vec![
        (
            "fields left out",
            fields(value, 2, |map, name| {
                map.shift_remove(name);
            }),
        ),
        (
            "other fields left out",
            fields(value, 3, |map, name| {
                map.shift_remove(name);
            }),
        ),
        (
            "fields null",
            fields(value, 2, |map, name| map[name] = Value::Null),
        ),
        (
            "everything null",
            fields(value, 1, |map, name| map[name] = Value::Null),
        ),
        (
            "everything empty",
            fields(value, 1, |map, name| map[name] = empty(&map[name])),
        ),
        (
            "fields unknown",
            fields(value, 2, |map, name| {
                let value = map[name].clone();
                map.insert(format!("{name}_x"), value);
            }),
        ),
        (
            "numbers as text",
            every(value, |value| {
                if let Value::Number(number) = value {
                    *value = json!(number.to_string());
                }
            }),
        ),
        (
            "text as numbers",
            every(value, |value| {
                if let Some(number) = value.as_str().and_then(|text| text.parse::<i64>().ok()) {
                    *value = json!(number);
                }
            }),
        ),
        (
            "numbers as fractions",
            every(value, |value| {
                if let Some(number) = value.as_i64() {
                    *value = json!(number as f64 + 0.5);
                }
            }),
        ),
        (
            "large numbers",
            every(value, |value| {
                if value.is_number() {
                    *value = json!(u64::MAX);
                }
            }),
        ),
        (
            "truth as numbers",
            every(value, |value| {
                if let Value::Bool(truth) = value {
                    *value = json!(u8::from(*truth));
                }
            }),
        ),
        (
            "numbers as truth",
            every(value, |value| {
                if value.is_number() {
                    *value = json!(true);
                }
            }),
        ),
        (
            "lists empty",
            every(value, |value| {
                if value.is_array() {
                    *value = json!([]);
                }
            }),
        ),
        (
            "lists doubled",
            every(value, |value| {
                if let Value::Array(items) = value {
                    items.extend(items.clone());
                }
            }),
        ),
        (
            "one item without its list",
            every(value, |value| {
                if let Value::Array(items) = value
                    && items.len() == 1
                {
                    *value = items.remove(0);
                }
            }),
        ),
        (
            "lists of null",
            every(value, |value| {
                if let Value::Array(items) = value {
                    items.push(Value::Null);
                }
            }),
        ),
        (
            "objects as lists",
            fields(value, 1, |map, name| {
                if map[name].is_object() {
                    map[name] = json!([]);
                }
            }),
        ),
        (
            "text as objects",
            fields(value, 3, |map, name| {
                if map[name].is_string() {
                    map[name] = json!({"a": [1, null]});
                }
            }),
        ),
        ("the whole empty", json!({})),
    ]
}
