//! Remembers what calls made that only the schema answered, so that it is found again: what was sent and answered when
//! something was created is shown by the calls of the same module that read it by one of its numbers, or list it.
//!
//! Nothing is understood here but names: a number is a field whose name says so, and a call creates, shows, lists,
//! changes or removes if its verb does. Only values that fit a field's schema are shown there.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xinqiao_catalog::{Endpoint, Field, Method, Product, Shape, TypeRef, fits, mock, type_def};

use super::super::{Asked, asked::whole};
use crate::kernel::{Id, Table, Turn, World};

/// Most things that are remembered.
const MOST: u64 = 10_000;
/// Most things that one list shows.
const PAGE: usize = 100;
/// How deep fields may stand in an answer.
const DEPTH: usize = 3;
/// Names that say how many things there are.
const TOTALS: [&str; 4] = ["total", "total_count", "total_num", "total_cnt"];

pub(crate) static MADE: Table<u64, Made> = Table::new("door.made", 1);
static LISTED: Table<(Place, u64), ()> = Table::memory("door.made_by_place");
static NUMBERED: Table<(Place, Id), u64> = Table::memory("door.made_by_number");

/// Who called, and the module of the endpoint.
type Place = (Id, Id);

/// Something that a call made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    place: Place,
    /// Its numbers, as `name=value`.
    numbers: Vec<Id>,
    /// What was sent and answered; what stood in one object more stands beside it, too.
    fields: Map<String, Value>,
}

/// What a call does with things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Make,
    Change,
    Remove,
    Show,
}

fn deed(endpoint: &Endpoint) -> Option<Deed> {
    let says = |words: &[&str]| endpoint.verb.split('_').any(|word| words.contains(&word));
    match endpoint.method {
        Method::Delete => Some(Deed::Remove),
        // WECHAT: some things are deleted by GET.
        _ if says(&["delete", "del", "remove"]) => Some(Deed::Remove),
        Method::Get => Some(Deed::Show),
        Method::Put | Method::Patch => Some(Deed::Change),
        Method::Post if says(&["update", "modify", "edit"]) => Some(Deed::Change),
        Method::Post if says(&["create", "add"]) => Some(Deed::Make),
        Method::Post if says(&["get", "list", "query", "search", "info", "detail"]) => {
            Some(Deed::Show)
        }
        Method::Post => None,
    }
}

fn place(asked: &Asked) -> Place {
    let id = asked.endpoint.id;
    let module = id.rsplit_once('.').map_or(id, |(module, _)| module);
    (asked.appid.clone(), module.into())
}

/// Whether a name is that of a number by which things are found; those of accounts and people find too many.
fn is_number(name: &str) -> bool {
    const SHARED: [&str; 7] = [
        "appid", "app_id", "mchid", "mch_id", "corpid", "userid", "openid",
    ];
    let says = name == "id" || name.ends_with("id") || name.ends_with("_no");
    says && !SHARED.iter().any(|shared| name.ends_with(shared))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn number(name: &str, value: &Value) -> Option<Id> {
    let text = scalar(value).filter(|_| is_number(name))?;
    Some(format!("{name}={text}").into())
}

/// The fields of an object, and of the objects in it.
fn spread(fields: &Map<String, Value>) -> Map<String, Value> {
    let mut all = fields.clone();
    for inner in fields.values().filter_map(Value::as_object) {
        for (name, value) in inner {
            all.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    all
}

/// The numbers that a call names.
fn asked_for(asked: &Asked) -> Vec<Id> {
    let texts = asked.path.iter().map(|(name, text)| (*name, text));
    let query = { asked.query.iter() }.map(|(name, text)| (name.as_str(), text));
    let given = texts.chain(query);
    let mut found: Vec<Id> = given
        .filter_map(|(name, text)| number(name, &Value::from(text.as_str())))
        .collect();
    let body = asked.body.as_object().map(spread).unwrap_or_default();
    found.extend(body.iter().filter_map(|(name, value)| number(name, value)));
    found
}

fn found(world: &World, place: &Place, asked: &Asked) -> Option<u64> {
    let mut numbers = asked_for(asked).into_iter();
    numbers.find_map(|number| NUMBERED.get(world, &(place.clone(), number)).copied())
}

/// Remembers what a call made or changed, and forgets what it removed.
pub(super) fn keep(world: &mut World, asked: &Asked, answer: &Map<String, Value>) {
    let place = place(asked);
    let sent = asked.body.as_object().cloned().unwrap_or_default();
    match deed(asked.endpoint) {
        Some(Deed::Make) => make(world, place, &sent, answer),
        Some(Deed::Change) => {
            let Some(at) = found(world, &place, asked) else {
                return;
            };
            if let Some(made) = MADE.get_mut(world, &at) {
                made.fields.extend(spread(&sent));
            }
        }
        Some(Deed::Remove) => {
            if let Some(at) = found(world, &place, asked) {
                remove(world, at);
            }
        }
        Some(Deed::Show) | None => {}
    }
}

fn make(world: &mut World, place: Place, sent: &Map<String, Value>, answer: &Map<String, Value>) {
    let told = spread(answer);
    let own = |name: &str| name.starts_with("out_") || name.ends_with("_no");
    let sent = spread(sent);
    let numbers: Vec<Id> = { told.iter() }
        .chain(sent.iter().filter(|(name, _)| own(name)))
        .filter_map(|(name, value)| number(name, value))
        .collect();
    if numbers.is_empty() {
        return;
    }
    let mut fields = sent;
    fields.extend(told);
    let at = world.serial("made");
    let made = Made {
        place,
        numbers,
        fields,
    };
    note(world, at, &made);
    MADE.put(world, at, made);
    if let Some(old) = at.checked_sub(MOST) {
        remove(world, old);
    }
}

fn note(world: &mut World, at: u64, made: &Made) {
    LISTED.put(world, (made.place.clone(), at), ());
    for number in &made.numbers {
        NUMBERED.put(world, (made.place.clone(), number.clone()), at);
    }
}

fn remove(world: &mut World, at: u64) {
    let Some(made) = MADE.remove(world, &at) else {
        return;
    };
    LISTED.remove(world, &(made.place.clone(), at));
    for number in made.numbers {
        let key = (made.place.clone(), number);
        if NUMBERED.get(world, &key) == Some(&at) {
            NUMBERED.remove(world, &key);
        }
    }
}

/// An account is gone, and what it made with it.
pub(in crate::door) fn forget(turn: &mut Turn<'_>, what: &Value) {
    let account = what["account"].as_str().unwrap_or_default();
    let own: Vec<u64> = { MADE.all(turn.world) }
        .filter(|(_, made)| &*made.place.0 == account)
        .map(|(at, _)| *at)
        .collect();
    for at in own {
        remove(turn.world, at);
    }
}

pub(in crate::door) fn index(world: &mut World) {
    let all: Vec<(u64, Made)> = { MADE.all(world) }
        .map(|(at, made)| (*at, made.clone()))
        .collect();
    for (at, made) in all {
        note(world, at, &made);
    }
}

/// Puts what is remembered into an answer that shows it.
pub(super) fn remind(world: &World, asked: &Asked, answer: &mut Map<String, Value>) {
    let endpoint = asked.endpoint;
    if deed(endpoint) != Some(Deed::Show) {
        return;
    }
    let place = place(asked);
    if let Some(made) = found(world, &place, asked).and_then(|at| MADE.get(world, &at)) {
        return put(
            endpoint.product,
            &endpoint.response,
            answer,
            &made.fields,
            0,
        );
    }
    let all: Vec<&Made> = { LISTED.under(world, &place) }
        .filter_map(|(at, ())| MADE.get(world, at))
        .collect();
    if !all.is_empty() {
        list(asked, &endpoint.response, answer, &all);
    }
}

/// Puts the values into the fields of the same names that they fit.
fn put(
    product: Product,
    shape: &Shape,
    into: &mut Map<String, Value>,
    known: &Map<String, Value>,
    depth: usize,
) {
    for field in &shape.fields {
        let value = known.get(field.name);
        if let Some(value) = value.filter(|value| fits(product, field, value)) {
            into.insert(field.name.to_owned(), value.clone());
            continue;
        }
        let inner = field.ty.named().and_then(|id| type_def(product, id));
        let (Some(inner), Some(Value::Object(inside))) = (inner, into.get_mut(field.name)) else {
            continue;
        };
        if depth < DEPTH {
            let known = value.and_then(Value::as_object).unwrap_or(known);
            put(product, &inner.shape, inside, known, depth + 1);
        }
    }
}

/// Fills the first list of things that have one of the numbers, and counts them.
fn list(asked: &Asked, shape: &Shape, answer: &mut Map<String, Value>, all: &[&Made]) {
    let product = asked.endpoint.product;
    let is_list = |field: &&Field| matches!(field.ty, TypeRef::List(_));
    for field in shape.fields.iter().filter(is_list) {
        let Some(item) = field.ty.named().and_then(|id| type_def(product, id)) else {
            continue;
        };
        let has = |made: &&&Made| {
            made.numbers.iter().any(|number| {
                let name = number.split('=').next().unwrap_or_default();
                item.shape.field(name).is_some()
            })
        };
        let fitting: Vec<&Made> = all.iter().filter(has).copied().collect();
        if fitting.is_empty() {
            continue;
        }
        let asked_number = |name: &str| {
            let of_body = asked.body.get(name).and_then(whole);
            let number = of_body.or_else(|| asked.query.get(name)?.parse().ok());
            number.and_then(|number| usize::try_from(number).ok())
        };
        let skipped = asked_number("offset").unwrap_or(0);
        let most = asked_number("limit").filter(|most| *most > 0);
        let shown = { fitting.iter() }
            .skip(skipped)
            .take(most.unwrap_or(PAGE).min(PAGE));
        let items = shown.enumerate().map(|(at, made)| {
            let mut one = mock::sample(product, &item.shape, at as u64);
            if let Some(fields) = one.as_object_mut() {
                put(product, &item.shape, fields, &made.fields, 1);
            }
            one
        });
        let items: Vec<Value> = items.collect();
        let more = skipped + items.len() < fitting.len();
        answer.insert(field.name.to_owned(), items.into());
        count(answer, fitting.len(), more);
        return;
    }
}

/// How many there are, and whether more follow.
fn count(answer: &mut Map<String, Value>, total: usize, more: bool) {
    for (name, value) in answer.iter_mut() {
        match value {
            Value::Number(_) if TOTALS.contains(&name.as_str()) => *value = total.into(),
            Value::Number(_) if name == "has_more" => *value = i32::from(more).into(),
            Value::Bool(flag) if name == "has_more" => *flag = more,
            Value::String(next) if name.contains("cursor") => next.clear(),
            _ => {}
        }
    }
}

/// Whether a call that was answered from its schema made something of this account and module that has this number.
pub(crate) fn has(world: &World, appid: &Id, module: &str, name: &str, value: &str) -> bool {
    let place: Place = (appid.clone(), module.into());
    NUMBERED.has(world, &(place, format!("{name}={value}").into()))
}
