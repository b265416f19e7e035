//! Samples that show all bodies of a union at once.
//!
//! A message has one body, the one that its tag names; published samples often stand for all of them and carry a body
//! a kind. Such a document is read once for each body, with the tag that goes with it, so that every body is judged by
//! the type of its own case and none by the place where unknown fields are kept.

use serde_json::{Map, Value};
use xinqiao_wire::slot::View;
use xinqiao_wire::union::Case;
use xinqiao_wire::{Keep, Record, value};

use crate::trip::Make;

/// Unions within unions are followed so far.
const MAX_DEPTH: usize = 4;

/// A step into a document.
#[derive(Debug, Clone)]
enum Step {
    Key(&'static str),
    Item(usize),
}

/// An object with more bodies than its union can hold.
struct Crowded {
    place: Vec<Step>,
    tag_field: &'static str,
    cases: &'static [Case],
    /// The fields of the cases whose bodies are there.
    bodies: Vec<&'static str>,
}

/// What typed slots hold of a document: without what keep-raw kept, each body by the type of its case.
pub(crate) fn held(make: Make<'_>, input: &Value) -> Option<(Value, bool)> {
    let mut record = make()?;
    let refused = value::from_value(record.as_mut(), input, Keep::Typed).is_err();
    if refused {
        record = make()?;
        // A failure here was already met, and reported, by the round trip.
        let _ = value::from_value(record.as_mut(), input, Keep::Raw);
    }
    Some((typed(make, record.as_ref(), input, 0), refused))
}

fn typed(make: Make<'_>, record: &dyn Record, input: &Value, depth: usize) -> Value {
    let mut held = value::to_typed_value(record);
    if depth == MAX_DEPTH {
        return held;
    }
    let mut crowded = Vec::new();
    in_record(record, input, &mut Vec::new(), &mut crowded);
    for object in crowded {
        let known = object
            .cases
            .iter()
            .filter(|(_, field)| object.bodies.contains(field));
        for (tag, field) in known {
            let mut alone = input.clone();
            let Some(Value::Object(map)) = at_mut(&mut alone, &object.place) else {
                continue;
            };
            map.retain(|name, _| name == field || !object.bodies.contains(&name.as_str()));
            map.insert(object.tag_field.to_owned(), Value::from(*tag));
            let Some(mut record) = make() else { continue };
            if value::from_value(record.as_mut(), &alone, Keep::Typed).is_err() {
                continue;
            }
            let mut alone = typed(make, record.as_ref(), &alone, depth + 1);
            let body = at_mut(&mut alone, &object.place).and_then(|it| it.get_mut(*field));
            if let (Some(body), Some(Value::Object(map))) = (body, at_mut(&mut held, &object.place))
            {
                map.insert((*field).to_owned(), body.take());
            }
        }
    }
    held
}

fn at_mut<'a>(value: &'a mut Value, place: &[Step]) -> Option<&'a mut Value> {
    place.iter().try_fold(value, |value, step| match step {
        Step::Key(name) => value.get_mut(*name),
        Step::Item(at) => value.get_mut(*at),
    })
}

fn in_record(record: &dyn Record, input: &Value, place: &mut Vec<Step>, out: &mut Vec<Crowded>) {
    let Value::Object(map) = input else { return };
    for (index, field) in record.shape().fields.iter().enumerate() {
        let Some(slot) = record.slot(index) else {
            continue;
        };
        if let View::Union(union) = slot.view() {
            let bodies = present(union.cases(), map);
            match union.body() {
                Some((name, body)) if bodies.iter().all(|body| *body == name) => {
                    into(name, body.view(), map, place, out);
                }
                _ if bodies.is_empty() => {}
                _ => out.push(Crowded {
                    place: place.clone(),
                    tag_field: union.tag_field(),
                    cases: union.cases(),
                    bodies,
                }),
            }
        } else {
            into(field.name, slot.view(), map, place, out);
        }
    }
}

fn present(cases: &'static [Case], map: &Map<String, Value>) -> Vec<&'static str> {
    let mut bodies: Vec<&'static str> = cases
        .iter()
        .map(|(_, field)| *field)
        .filter(|field| !field.is_empty() && map.get(*field).is_some_and(|body| !body.is_null()))
        .collect();
    bodies.sort_unstable();
    bodies.dedup();
    bodies
}

fn into(
    name: &'static str,
    view: View<'_>,
    map: &Map<String, Value>,
    place: &mut Vec<Step>,
    out: &mut Vec<Crowded>,
) {
    let Some(input) = map.get(name) else { return };
    place.push(Step::Key(name));
    match (view, input) {
        (View::Record(record), _) => in_record(record, input, place, out),
        (View::List(list), Value::Array(items)) => {
            for (at, input) in items.iter().enumerate() {
                let Some(View::Record(record)) = list.item(at).map(|slot| slot.view()) else {
                    break;
                };
                place.push(Step::Item(at));
                in_record(record, input, place, out);
                place.pop();
            }
        }
        _ => {}
    }
    place.pop();
}
