//! Fields that are more than one key: numbered ones, flat unions, free further keys.

use serde_json::{Map, Value};

use super::{decode_slot, encode_slot, is_usual};
use crate::input::DecodeError;
use crate::output::Output;
use crate::record::{Field, Mark, Record, Rest, Shape};
use crate::slot::{List, Slot, View, ViewMut, items};
use crate::union::Case;
use crate::value;

pub(super) fn encode_union(
    rest: Option<&Rest>,
    index: usize,
    slot: &dyn Slot,
    out: &mut dyn Output,
) {
    let View::Union(union) = slot.view() else {
        return;
    };
    if union.tag().is_empty() && union.other().is_none_or(Map::is_empty) {
        return;
    }
    if !union.tag().is_empty() {
        out.key(union.tag_field());
        out.text(union.tag(), true);
    }
    if let Some((name, body)) = union.body() {
        let field = Field::new(name);
        let mark = rest.and_then(|rest| rest.mark_of(index));
        let now = mark.and_then(|_| value::slot_value(body, &field));
        match mark {
            Some(Mark::Absent { canonical }) if now.as_ref() == Some(canonical) => {}
            Some(Mark::Raw { raw, canonical }) if now == *canonical => {
                out.key(name);
                out.value(raw);
            }
            _ => {
                out.key(name);
                encode_slot(body, &field, out);
            }
        }
    }
    for (name, value) in union.other().filter(|_| out.kept()).into_iter().flatten() {
        out.key(name);
        out.value(value);
    }
}

/// Free further keys, among the others.
pub(super) fn encode_open(slot: &dyn Slot, field: &Field, out: &mut dyn Output) {
    if let View::Map(map) = slot.view() {
        map.each(&mut |name, slot| {
            out.key(name);
            encode_slot(slot, field, out);
        });
    } else if let Some(Value::Object(map)) = value::slot_value(slot, field) {
        for (name, value) in &map {
            out.key(name);
            out.value(value);
        }
    }
}

fn list(slot: &dyn Slot) -> Option<&dyn List> {
    match slot.view() {
        View::List(list) => Some(list),
        _ => None,
    }
}

/// `coupon_id_$n` → `coupon_id_0`, `coupon_id_1`, …; two numbers where the name has `$m` too. A place without a value is
/// a number that is left out.
pub(super) fn encode_numbered(field: &Field, slot: &dyn Slot, out: &mut dyn Output) {
    for (n, item) in list(slot).into_iter().flat_map(items).enumerate() {
        let name = field.name.replace("$n", &n.to_string());
        if name.contains("$m") {
            for (m, inner) in list(item).into_iter().flat_map(items).enumerate() {
                if !inner.is_absent() {
                    out.key(&name.replace("$m", &m.to_string()));
                    encode_slot(inner, field, out);
                }
            }
        } else if !item.is_absent() {
            out.key(&name);
            encode_slot(item, field, out);
        }
    }
}

/// Moves what belongs to such fields out of the keys that no plain field took.
pub(super) fn decode(
    record: &mut dyn Record,
    shape: &'static Shape,
    extra: &mut Map<String, Value>,
    keep: bool,
    xml: bool,
) -> Result<(), DecodeError> {
    for (index, field) in shape.fields.iter().enumerate() {
        if field.numbered
            && let Some(slot) = record.slot_mut(index)
        {
            numbered(slot, field, extra, keep.then_some(Form { xml }))?;
        }
    }
    for (index, _) in shape
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.flat)
    {
        union(record, index, extra, keep)?;
    }
    free(record, shape, extra)
}

/// A number as it is written: digits without zeros before them.
fn number(text: &str) -> Option<usize> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = text.parse().ok()?;
    (plain && (text.len() == 1 || !text.starts_with('0'))).then_some(number)
}

/// The numbers in a name, if it fits the pattern.
fn numbers(pattern: &str, name: &str) -> Option<(usize, Option<usize>)> {
    let (prefix, after) = pattern.split_once("$n")?;
    let rest = name.strip_prefix(prefix)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let first = number(&rest[..digits])?;
    let rest = &rest[digits..];
    match after.split_once("$m") {
        None => (rest == after).then_some((first, None)),
        Some((middle, end)) => {
            let rest = rest.strip_prefix(middle)?;
            let second = number(rest.strip_suffix(end)?)?;
            Some((first, Some(second)))
        }
    }
}

/// Greatest number that is read, and how many numbers in a row may be missing: both bound what a few keys can make.
const MAX_NUMBERED: usize = 1000;
const MAX_GAP: usize = 64;

/// The form that must not get lost.
#[derive(Clone, Copy)]
struct Form {
    xml: bool,
}

/// A key that fits a numbered field's name: its numbers, and where it stands.
type Found = (usize, Option<usize>, usize);

fn numbered(
    slot: &mut dyn Slot,
    field: &Field,
    extra: &mut Map<String, Value>,
    keep: Option<Form>,
) -> Result<(), DecodeError> {
    let mut found: Vec<Found> = Vec::new();
    for (at, name) in extra.keys().enumerate() {
        if let Some((n, m)) = numbers(field.name, name)
            && n < MAX_NUMBERED
        {
            found.push((n, m, at));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    found.sort_unstable();
    let mut entries: Vec<Option<(String, Value)>> =
        std::mem::take(extra).into_iter().map(Some).collect();
    let ViewMut::List(outer) = slot.view_mut() else {
        return Ok(());
    };
    // How many numbers the list has, and how many the inner list of the last one has.
    let (mut count, mut inner) = (0, 0);
    for (n, m, at) in found {
        // Sorted: `n` is the last number of the list (the next inner number), or a later one. Whatever lies between stays
        // an empty place, so that a number keeps its own values whichever of its fields came.
        let same = m.is_some() && n + 1 == count;
        let gap = match m {
            Some(m) if same => m.checked_sub(inner),
            Some(m) => (n - count <= MAX_GAP).then_some(m),
            None => n.checked_sub(count),
        };
        let Some((gap, (_, value))) = gap
            .filter(|gap| *gap <= MAX_GAP)
            .zip(entries.get(at).and_then(Option::as_ref))
        else {
            // What does not fit stays as it came.
            continue;
        };
        // How many places of the list were not there before.
        let new = match m {
            Some(_) if same => 0,
            Some(_) => n + 1 - count,
            None => gap,
        };
        pad(outer, new);
        let fits = match m {
            None => push(outer, field, value, keep)?,
            Some(_) => {
                let Some(ViewMut::List(nested)) = outer.last().map(Slot::view_mut) else {
                    continue;
                };
                pad(nested, gap);
                let fits = push(nested, field, value, keep)?;
                if !fits {
                    shorten(nested, gap);
                }
                fits
            }
        };
        if !fits {
            // Written in an unusual way: the typed list ends here, the rest stays as it came.
            shorten(outer, new);
            break;
        }
        inner = match m {
            Some(m) => m + 1,
            None => 0,
        };
        count = n + 1;
        entries[at] = None;
    }
    extra.extend(entries.into_iter().flatten());
    Ok(())
}

/// Adds places for numbers that did not come.
fn pad(list: &mut dyn List, places: usize) {
    for _ in 0..places {
        list.push();
    }
}

fn shorten(list: &mut dyn List, places: usize) {
    for _ in 0..places {
        list.pop();
    }
}

/// Reads a value into a new item, which goes again if a round trip would lose how it was written.
fn push(
    list: &mut dyn List,
    field: &Field,
    value: &Value,
    keep: Option<Form>,
) -> Result<bool, DecodeError> {
    let item = list.push();
    let read = decode_slot(item, field, &mut value::Reader::new(value, false));
    let fits = match read {
        Ok(()) => keep
            .is_none_or(|form| is_usual(value::slot_value(item, field).as_ref(), value, form.xml)),
        Err(error) if keep.is_none() => return Err(error.under(field.name)),
        Err(_) => false,
    };
    if !fits {
        list.pop();
    }
    Ok(fits)
}

fn union(
    record: &mut dyn Record,
    index: usize,
    extra: &mut Map<String, Value>,
    keep: bool,
) -> Result<(), DecodeError> {
    let mut mark = None;
    if let Some(ViewMut::Union(union)) = record.slot_mut(index).map(Slot::view_mut) {
        let tag_field = union.tag_field();
        // An empty tag is no tag.
        let tag = extra.get(tag_field).and_then(Value::as_str);
        let tag = tag.filter(|tag| !tag.is_empty()).map(str::to_owned);
        if tag.is_some() {
            extra.shift_remove(tag_field);
        }
        let cases = union.cases();
        let own = cases
            .iter()
            .find(|(value, _)| tag.as_deref() == Some(*value));
        let strays = match (own, &tag) {
            // An unknown tag takes everything, see below.
            (None, Some(_)) => Map::new(),
            // The body that the tag names counts; what else is there is as unknown as any other key.
            (Some((_, field)), _) if extra.get(*field).is_some_and(|body| !body.is_null()) => {
                Map::new()
            }
            (own, _) => strays(cases, own.map_or("", |(_, field)| *field), extra),
        };
        if !strays.is_empty() {
            union.set_other(tag.as_deref().unwrap_or_default());
            if let Some(other) = union.other_mut() {
                other.extend(strays);
            }
            return Ok(());
        }
        let Some(tag) = tag else { return Ok(()) };
        let known = own.is_some();
        if let Some((name, slot)) = union.set(&tag) {
            let field = Field::new(name);
            if let Some(raw) = extra.shift_remove(name) {
                let read = decode_slot(slot, &field, &mut value::Reader::new(&raw, keep));
                match read {
                    Err(error) if !keep => return Err(error.under(name)),
                    Err(_) => slot.reset(),
                    Ok(()) => {}
                }
                let canonical = value::slot_value(slot, &field);
                if keep && canonical.as_ref() != Some(&raw) {
                    mark = Some(Mark::Raw { raw, canonical });
                }
            } else if keep {
                let canonical = value::slot_value(slot, &field);
                mark = canonical.map(|canonical| Mark::Absent { canonical });
            }
        }
        if !known && let Some(other) = union.other_mut() {
            other.extend(std::mem::take(extra));
        }
    }
    if let (Some(mark), Some(rest)) = (mark, record.rest_mut()) {
        rest.mark(index, mark);
    }
    Ok(())
}

/// Takes all bodies out if one is there although the tag's own, in the field `own`, is not: whatever came without its
/// tag must not get lost.
fn strays(cases: &[Case], own: &str, extra: &mut Map<String, Value>) -> Map<String, Value> {
    let is_body = |name: &str| {
        let mut fields = cases.iter().map(|(_, field)| *field);
        fields.any(|field| !field.is_empty() && field == name)
    };
    let stray = extra
        .iter()
        .any(|(name, value)| name != own && !value.is_null() && is_body(name));
    if !stray {
        return Map::new();
    }
    let all = std::mem::take(extra).into_iter();
    let (bodies, others) = all.partition(|(name, _)| is_body(name));
    *extra = others;
    bodies
}

fn free(
    record: &mut dyn Record,
    shape: &'static Shape,
    extra: &mut Map<String, Value>,
) -> Result<(), DecodeError> {
    if let Some(index) = shape.fields.iter().position(|field| field.open)
        && !extra.is_empty()
        && let (Some(slot), Some(field)) = (record.slot_mut(index), shape.fields.get(index))
    {
        let object = Value::Object(std::mem::take(extra));
        decode_slot(slot, field, &mut value::Reader::new(&object, false))?;
    }
    Ok(())
}
