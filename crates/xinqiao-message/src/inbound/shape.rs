//! The shape of a push: what the catalog says of its fields, whatever came.
//!
//! A value is decided by its type in the catalog, never by how many came or in which form: what is a list there is a
//! list, whether none, one or many came; what is a group is one; what is a number is one, though XML has text only.
//! Nothing gets lost: what the catalog does not know, and what does not fit, stays as it came.
//!
//! WECHAT: pages and pushes disagree on `MenuId` and `MenuID`, `weight` and `Weight`; a list stands in a group of its
//! own (`<PicList><item>…`), without that group, or the group repeats instead of its items; JSON has one object where a
//! list is meant; an empty group holds a line break.

use serde_json::{Map, Number, Value};
use xinqiao_catalog::{Event, Field, Product, Shape, Spelling, TypeDef, TypeRef};
use xinqiao_wire::xml::{Element, Writer};

/// Gives all fields of a push the shape that the catalog knows.
pub(super) fn fit_event(event: &Event, fields: &mut Map<String, Value>) {
    fit(event.product, &event.shape, fields, event.presence);
}

fn fit(product: Product, shape: &Shape, fields: &mut Map<String, Value>, presence: bool) {
    spell(shape, fields);
    for field in &shape.fields {
        if let Some(group) = group_of(product, field) {
            gather(product, shape, field, &group.shape, fields);
        }
    }
    for field in &shape.fields {
        if let Some(value) = fields.get_mut(field.name) {
            fit_value(product, field, &field.ty, field.wire, value);
        } else if !presence && !stands_in_group(product, shape, field) {
            // An absent list is an empty one; so is a group that holds nothing else.
            let empty = match (&field.ty, group_of(product, field).and_then(only_list)) {
                (TypeRef::List(_), _) => Value::Array(Vec::new()),
                (_, Some(list)) => Value::Object(Map::from_iter([(
                    list.name.to_owned(),
                    Value::Array(vec![]),
                )])),
                _ => continue,
            };
            fields.insert(field.name.to_owned(), empty);
        }
    }
}

/// The group that a field is; none if it is a list of them.
fn group_of(product: Product, field: &Field) -> Option<&'static TypeDef> {
    match field.ty {
        TypeRef::Named(id) => xinqiao_catalog::type_def(product, id),
        _ => None,
    }
}

/// The list of a group that holds nothing else.
fn only_list(group: &TypeDef) -> Option<&Field> {
    match &*group.shape.fields {
        [list] if matches!(list.ty, TypeRef::List(_)) => Some(list),
        _ => None,
    }
}

/// Whether JSON writes the field beside a group that holds it in XML.
fn stands_in_group(product: Product, shape: &Shape, field: &Field) -> bool {
    let mut groups = shape.fields.iter().filter(|group| group.xml_only);
    field.json_only
        && groups.any(|group| {
            group_of(product, group).is_some_and(|group| group.shape.field(field.name).is_some())
        })
}

/// The field of that name, in whatever spelling.
fn field_named<'a>(shape: &'a Shape, name: &str) -> Option<&'a Field> {
    shape.field(name).or_else(|| {
        let same = |field: &&Field| field.xml_name == name || field.name.eq_ignore_ascii_case(name);
        shape.fields.iter().find(same)
    })
}

/// How many top-level fields an event does not know.
pub(super) fn unknown(event: &Event, fields: &Map<String, Value>) -> usize {
    let mut names = fields.keys();
    names
        .by_ref()
        .filter(|name| field_named(&event.shape, name).is_none())
        .count()
}

/// Gives the fields the catalog's names.
fn spell(shape: &Shape, fields: &mut Map<String, Value>) {
    // WECHAT: a bot's `msgid` is a word, and not the head's number.
    let heads = ["MsgId", "MsgType", "Event", "AgentID"];
    let other = |name: &String| {
        let field = field_named(shape, name)?;
        let is_heads = heads.contains(&field.name) && field.xml_name != *name;
        (field.name != name && !is_heads).then_some(field.name)
    };
    if !fields.keys().any(|name| other(name).is_some()) {
        return;
    }
    let came: Vec<String> = fields.keys().cloned().collect();
    for (name, value) in std::mem::take(fields) {
        let usual = other(&name)
            .filter(|usual| !came.iter().any(|came| came == usual) && !fields.contains_key(*usual));
        fields.insert(usual.map_or(name, str::to_owned), value);
    }
}

/// Moves into a group what belongs there and stands beside it.
fn gather(
    product: Product,
    shape: &Shape,
    field: &Field,
    group: &Shape,
    fields: &mut Map<String, Value>,
) {
    let is_list = matches!(&*group.fields, [only] if matches!(only.ty, TypeRef::List(_)));
    let is_missing = field.required && !fields.contains_key(field.name);
    if !is_list && !is_missing {
        return;
    }
    let belongs = |name: &String| {
        let own = shape.field(name);
        field_named(group, name).is_some()
            && own.is_none_or(|own| stands_in_group(product, shape, own))
    };
    let names: Vec<String> = fields
        .keys()
        .filter(|name| belongs(name))
        .cloned()
        .collect();
    if names.is_empty() {
        return;
    }
    let mut moved = Map::new();
    for name in names {
        if let Some(value) = fields.shift_remove(&name) {
            moved.insert(name, value);
        }
    }
    let value = match fields.remove(field.name) {
        None => Value::Object(moved),
        Some(found) => Value::Array(vec![found, Value::Object(moved)]),
    };
    fields.insert(field.name.to_owned(), value);
}

fn fit_value(product: Product, field: &Field, ty: &TypeRef, spelling: Spelling, value: &mut Value) {
    match ty {
        TypeRef::List(inner) => {
            let numbers = matches!(**inner, TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64);
            let separators = separators(spelling, numbers);
            let mut items = match value.take() {
                Value::Array(items) if items.len() == 1 && is_blank(&items[0]) => Vec::new(),
                Value::Array(items) => items,
                blank if is_blank(&blank) => Vec::new(),
                Value::String(text) => separated(&text, separators),
                one => vec![one],
            };
            for item in &mut items {
                fit_value(product, field, inner, Spelling::Plain, item);
            }
            *value = Value::Array(items);
        }
        TypeRef::Map(inner) => match value {
            Value::Object(map) => {
                for value in map.values_mut() {
                    fit_value(product, field, inner, Spelling::Plain, value);
                }
            }
            blank if is_blank(blank) => *blank = Value::Object(Map::new()),
            _ => {}
        },
        TypeRef::Named(id) => {
            if let Some(known) = xinqiao_catalog::type_def(product, *id)
                && let Some(mut group) = group_in(product, known, value.take())
                    .map_err(|other| *value = other)
                    .ok()
            {
                fit(product, &known.shape, &mut group, false);
                *value = Value::Object(group);
            }
        }
        _ => fit_scalar(field, ty, spelling, value),
    }
}

/// The one group in what came; what is none comes back.
fn group_in(product: Product, known: &TypeDef, value: Value) -> Result<Map<String, Value>, Value> {
    let list = only_list(known);
    let holds = |part: &Map<String, Value>| {
        let named = |list: &Field| {
            part.keys()
                .any(|name| field_named(&known.shape, name).is_some_and(|f| f.name == list.name))
        };
        list.is_none_or(named)
    };
    let items = |list: &Field, items: Vec<Value>| {
        let items = items.into_iter().filter(|item| !is_blank(item)).collect();
        Map::from_iter([(list.name.to_owned(), Value::Array(items))])
    };
    Ok(match (value, list) {
        (Value::Object(group), Some(list)) if !group.is_empty() && !holds(&group) => {
            items(list, items_of(product, list, group))
        }
        (Value::Object(group), _) => group,
        (Value::Array(parts), Some(list)) => {
            let mut whole = Vec::new();
            for part in parts {
                whole.push(match part {
                    Value::Object(part) if holds(&part) => part,
                    other => items(list, vec![other]),
                });
            }
            merged(whole)
        }
        (Value::Array(parts), None)
            if parts.iter().all(|each| each.is_object() || is_blank(each)) =>
        {
            let groups = parts.into_iter().filter_map(|part| match part {
                Value::Object(group) => Some(group),
                _ => None,
            });
            merged(groups.collect())
        }
        (blank, _) if is_blank(&blank) => Map::new(),
        (other, _) => return Err(other),
    })
}

/// The items of a list whose group does not name it: the fields of the one item, or items under another name.
fn items_of(product: Product, list: &Field, group: Map<String, Value>) -> Vec<Value> {
    let item = match &list.ty {
        TypeRef::List(inner) => inner.named(),
        _ => None,
    };
    let item = item.and_then(|id| xinqiao_catalog::type_def(product, id));
    let is_item = item.is_some_and(|item| {
        group
            .keys()
            .any(|name| field_named(&item.shape, name).is_some())
    });
    if is_item {
        return vec![Value::Object(group)];
    }
    let mut items = Vec::new();
    for (_, value) in group {
        match value {
            Value::Array(more) => items.extend(more),
            one => items.push(one),
        }
    }
    items
}

/// A single value: a number is a number and a text a text, in whatever form it came.
fn fit_scalar(field: &Field, ty: &TypeRef, spelling: Spelling, value: &mut Value) {
    let unix = field.format.starts_with("unix");
    let fitted = match (ty, &*value) {
        (TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64, Value::Number(number))
            if spelling == Spelling::NumericText =>
        {
            Some(number.to_string().into())
        }
        (TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64, Value::String(text))
            if spelling != Spelling::NumericText =>
        {
            whole(text)
        }
        (TypeRef::Timestamp, Value::String(text)) if unix => whole(text),
        (TypeRef::Float, Value::String(text)) => whole(text).or_else(|| float(text)),
        (TypeRef::Float, Value::Number(number)) => number.as_f64().and_then(exact).map(Value::from),
        (TypeRef::Bool, _) => truth(value).map(|truth| match spelling {
            Spelling::BoolInt => i64::from(truth).into(),
            Spelling::BoolYn => (if truth { "Y" } else { "N" }).into(),
            Spelling::BoolText => truth.to_string().into(),
            _ => truth.into(),
        }),
        (TypeRef::String, Value::Number(_) | Value::Bool(_)) => Some(value.to_string().into()),
        _ => None,
    };
    if let Some(fitted) = fitted {
        *value = fitted;
    }
}

fn whole(text: &str) -> Option<Value> {
    let text = text.trim();
    let signed = text.parse::<i64>().ok().map(Value::from);
    signed.or_else(|| text.parse::<u64>().ok().map(Value::from))
}

/// A number with a fraction of nothing as a whole one.
fn exact(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() < 1e15).then_some(number as i64)
}

fn float(text: &str) -> Option<Value> {
    let number = text.trim().parse::<f64>().ok()?;
    match exact(number) {
        Some(whole) => Some(whole.into()),
        None => Number::from_f64(number).map(Value::Number),
    }
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => number.as_i64().map(|number| number != 0),
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "y" | "yes" => Some(true),
            "false" | "0" | "n" | "no" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn is_blank(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

/// What stands between the items of a list in one text.
const fn separators(spelling: Spelling, numbers: bool) -> &'static [char] {
    match spelling {
        Spelling::Comma => &[','],
        Spelling::Pipe => &['|'],
        Spelling::Semicolon => &[';'],
        _ if numbers => &[',', ';', '|'],
        _ => &[],
    }
}

/// The items of a list that is written in one text.
fn separated(text: &str, separators: &[char]) -> Vec<Value> {
    if separators.is_empty() {
        return vec![Value::from(text)];
    }
    let text = text.trim().trim_end_matches(separators);
    text.split(separators).map(Value::from).collect()
}

/// One group of several: what repeats is a list.
fn merged(groups: Vec<Map<String, Value>>) -> Map<String, Value> {
    let mut whole = Map::new();
    for group in groups {
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

/// Whether the shape has a place for all of a value.
pub(super) fn holds(event: &Event, name: &str, value: &Value) -> bool {
    event
        .shape
        .field(name)
        .is_some_and(|field| fits(event.product, &field.ty, field.wire, value))
}

fn fits(product: Product, ty: &TypeRef, spelling: Spelling, value: &Value) -> bool {
    match (ty, value) {
        (_, Value::Null) | (TypeRef::Any, _) => true,
        (TypeRef::List(inner), Value::Array(items)) => items
            .iter()
            .all(|item| fits(product, inner, Spelling::Plain, item)),
        (TypeRef::Map(inner), Value::Object(map)) => map
            .values()
            .all(|value| fits(product, inner, Spelling::Plain, value)),
        (TypeRef::Named(id), Value::Object(group)) => xinqiao_catalog::type_def(product, *id)
            .is_some_and(|known| {
                let open = known.shape.open.is_some() || known.shape.is_empty();
                group.iter().all(|(name, value)| {
                    open || known
                        .shape
                        .field(name)
                        .is_some_and(|field| fits(product, &field.ty, field.wire, value))
                })
            }),
        (TypeRef::List(_) | TypeRef::Map(_) | TypeRef::Named(_), _) => false,
        (_, Value::Array(_) | Value::Object(_)) => false,
        // An empty element of a number says nothing.
        (_, blank) if is_blank(blank) => true,
        (
            TypeRef::Int32 | TypeRef::Int64 | TypeRef::Uint64 | TypeRef::Float,
            Value::String(text),
        ) => spelling == Spelling::NumericText && text.trim().parse::<f64>().is_ok(),
        (TypeRef::Bool, value) => truth(value).is_some(),
        _ => true,
    }
}

/// The fields as the platform writes them: in the catalog's order, with the names that they have in XML, which are
/// those of the event's JSON too; what the catalog does not know stands behind.
pub(super) fn written(event: &Event, fields: &Map<String, Value>) -> Map<String, Value> {
    named(event.product, &event.shape, fields)
}

fn named(product: Product, shape: &Shape, fields: &Map<String, Value>) -> Map<String, Value> {
    let mut out = Map::with_capacity(fields.len());
    for field in &shape.fields {
        if let Some(value) = fields.get(field.name) {
            let name = if field.xml_name.is_empty() {
                field.name
            } else {
                field.xml_name
            };
            out.insert(name.to_owned(), value_named(product, &field.ty, value));
        }
    }
    for (name, value) in fields {
        if shape.field(name).is_none() && !out.contains_key(name) {
            out.insert(name.clone(), value.clone());
        }
    }
    out
}

fn value_named(product: Product, ty: &TypeRef, value: &Value) -> Value {
    match (ty, value) {
        (TypeRef::List(inner), Value::Array(items)) => {
            let items = items.iter().map(|item| value_named(product, inner, item));
            Value::Array(items.collect())
        }
        (TypeRef::Named(id), Value::Object(group)) => {
            match xinqiao_catalog::type_def(product, *id) {
                Some(known) => Value::Object(named(product, &known.shape, group)),
                None => value.clone(),
            }
        }
        _ => value.clone(),
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
