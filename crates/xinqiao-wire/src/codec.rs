//! The one codec: walks a record's shape and moves values between its slots and an input or output.

use std::fmt;

use serde_json::Value;

use crate::input::{DecodeError, Input, Token};
use crate::json;
use crate::output::Output;
use crate::record::{Field, Mark, Place, Record, Shape, Spelling};
use crate::slot::Slot;
use crate::union::Case;
use crate::value;

/// Writes all fields as one object.
pub fn encode_record(record: &dyn Record, out: &mut dyn Output) {
    encode_object(record, false, out);
}

/// Writes the body: fields that travel elsewhere are left out; a bare field is written alone.
pub fn encode_body(record: &dyn Record, out: &mut dyn Output) {
    let bare = record.shape().fields.iter().position(|field| field.bare);
    if let Some(index) = bare
        && let (Some(slot), Some(field)) = (record.slot(index), record.shape().fields.get(index))
    {
        encode_slot(slot, field, out);
        return;
    }
    encode_object(record, true, out);
}

fn encode_object(record: &dyn Record, body_only: bool, out: &mut dyn Output) {
    out.begin_map();
    for (index, field) in record.shape().fields.iter().enumerate() {
        if body_only && field.place != Place::Body {
            continue;
        }
        if let Some(slot) = record.slot(index) {
            encode_field(record, index, field, slot, out);
        }
    }
    if let Some(rest) = record.rest() {
        for (name, value) in rest.unknown() {
            out.key(name);
            out.value(value);
        }
    }
    out.end_map();
}

fn encode_field(
    record: &dyn Record,
    index: usize,
    field: &Field,
    slot: &dyn Slot,
    out: &mut dyn Output,
) {
    if field.flat {
        return encode_union(record, index, slot, out);
    }
    if field.open {
        if let Some(Value::Object(map)) = value::slot_value(slot, field) {
            for (name, value) in &map {
                out.key(name);
                out.value(value);
            }
        }
        return;
    }
    if field.numbered {
        encode_numbered(field, slot, out);
        return;
    }
    let name = if out.is_xml() && !field.xml_name.is_empty() {
        field.xml_name
    } else {
        field.name
    };
    if let Some(mark) = record.rest().and_then(|rest| rest.mark_of(index)) {
        let now = value::slot_value(slot, field);
        match mark {
            Mark::Absent { canonical } if now.as_ref() == Some(canonical) => return,
            Mark::Raw { raw, canonical } if now == *canonical => {
                out.key(name);
                out.value(raw);
                return;
            }
            _ => {}
        }
    }
    if !slot.is_absent() {
        out.key(name);
        encode_slot(slot, field, out);
    }
}

/// Writes one value.
pub(crate) fn encode_slot(slot: &dyn Slot, field: &Field, out: &mut dyn Output) {
    if field.spelling == Spelling::JsonText {
        let mut writer = json::Writer::default();
        slot.encode(
            &Field {
                spelling: Spelling::Plain,
                ..*field
            },
            &mut writer,
        );
        out.text(&writer.finish(), field.cdata);
    } else {
        slot.encode(field, out);
    }
}

fn encode_union(record: &dyn Record, index: usize, slot: &dyn Slot, out: &mut dyn Output) {
    let Some(union) = slot.union() else { return };
    if union.tag().is_empty() && union.other().is_none_or(serde_json::Map::is_empty) {
        return;
    }
    if !union.tag().is_empty() {
        out.key(union.tag_field());
        out.text(union.tag(), true);
    }
    if let Some((name, body)) = union.body() {
        let field = Field::new(name);
        let now = value::slot_value(body, &field);
        match record.rest().and_then(|rest| rest.mark_of(index)) {
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
    for (name, value) in union.other().into_iter().flatten() {
        out.key(name);
        out.value(value);
    }
}

/// `coupon_id_$n` → `coupon_id_0`, `coupon_id_1`, …; two numbers where the name has `$m` too.
fn encode_numbered(field: &Field, slot: &dyn Slot, out: &mut dyn Output) {
    for (n, item) in slot.items().into_iter().flatten().enumerate() {
        let name = field.name.replace("$n", &n.to_string());
        if name.contains("$m") {
            for (m, inner) in item.items().into_iter().flatten().enumerate() {
                if !inner.is_absent() {
                    out.key(&name.replace("$m", &m.to_string()));
                    inner.encode(field, out);
                }
            }
        } else if !item.is_absent() {
            out.key(&name);
            item.encode(field, out);
        }
    }
}

/// Reads an object into a record.
pub fn decode_record(record: &mut dyn Record, input: &mut dyn Input) -> Result<(), DecodeError> {
    let shape = record.shape();
    if let Some(index) = shape.fields.iter().position(|field| field.bare) {
        return decode_field(record, shape, index, input);
    }
    let offset = input.offset();
    match input.next()? {
        Token::Map => {}
        Token::Null => return Ok(()),
        Token::Text(text) if text.is_empty() => return Ok(()),
        Token::List => {
            // WECHAT: an empty object may come as `[]`.
            return if input.item()? {
                Err(DecodeError::new("is a list, an object is expected", offset))
            } else {
                Ok(())
            };
        }
        _ => return Err(DecodeError::new("is not an object", offset)),
    }
    decode_fields(record, shape, input)
}

enum Key {
    Known(usize),
    Unknown(String),
    Ignored,
}

fn decode_fields(
    record: &mut dyn Record,
    shape: &'static Shape,
    input: &mut dyn Input,
) -> Result<(), DecodeError> {
    let keep = input.keep();
    let xml = input.repeats();
    let special = shape
        .fields
        .iter()
        .any(|field| field.flat || field.open || field.numbered);
    let mut seen = if keep {
        vec![false; shape.fields.len()]
    } else {
        Vec::new()
    };
    let mut extra: Vec<(String, Value)> = Vec::new();
    let mut hint = 0;
    loop {
        let key = match input.key()? {
            None => break,
            Some(name) => match position(shape, &name, hint, xml) {
                Some(index) => Key::Known(index),
                None if keep || special => Key::Unknown(name.into_owned()),
                None => Key::Ignored,
            },
        };
        match key {
            Key::Known(index) => {
                hint = index + 1;
                if let Some(seen) = seen.get_mut(index) {
                    *seen = true;
                }
                decode_field(record, shape, index, input)?;
            }
            Key::Unknown(name) => {
                let value = input.value()?;
                match extra.iter_mut().find(|(known, _)| xml && *known == name) {
                    Some((_, Value::Array(items))) => items.push(value),
                    Some((_, other)) => *other = Value::Array(vec![other.take(), value]),
                    None => extra.push((name, value)),
                }
            }
            Key::Ignored => input.skip()?,
        }
    }
    if special {
        numbered(record, shape, &mut extra, keep)?;
        union(record, shape, &mut extra, keep)?;
        free(record, shape, &mut extra)?;
    }
    if !keep {
        return Ok(());
    }
    for (name, value) in extra {
        if let Some(rest) = record.rest_mut() {
            rest.keep_unknown(name, value);
        }
    }
    for (index, field) in shape.fields.iter().enumerate() {
        if seen.get(index) == Some(&true) || field.flat || field.open || field.numbered || xml {
            continue;
        }
        let canonical = record
            .slot(index)
            .and_then(|slot| value::slot_value(slot, field));
        if let (Some(canonical), Some(rest)) = (canonical, record.rest_mut()) {
            rest.mark(index, Mark::Absent { canonical });
        }
    }
    Ok(())
}

fn position(shape: &Shape, name: &str, hint: usize, xml: bool) -> Option<usize> {
    shape.position(name, hint).or_else(|| {
        let same = |field: &Field| xml && !field.xml_name.is_empty() && field.xml_name == name;
        shape.fields.iter().position(same)
    })
}

fn decode_field(
    record: &mut dyn Record,
    shape: &'static Shape,
    index: usize,
    input: &mut dyn Input,
) -> Result<(), DecodeError> {
    let Some(field) = shape.fields.get(index) else {
        return input.skip();
    };
    let listed = record
        .slot(index)
        .is_some_and(|slot| slot.items().is_some());
    if !input.keep() || (input.repeats() && (listed || !input.is_leaf())) {
        let Some(slot) = record.slot_mut(index) else {
            return input.skip();
        };
        return decode_slot(slot, field, input).map_err(|error| error.under(field.name));
    }
    let text = input.repeats();
    let raw = input.value()?;
    let Some(slot) = record.slot_mut(index) else {
        return Ok(());
    };
    if decode_slot(slot, field, &mut value::Reader::new(&raw, true)).is_err() {
        slot.reset();
    }
    let canonical = value::slot_value(slot, field);
    let same = match (&canonical, &raw) {
        // XML has text only: a number is unusual if it is written in another way.
        (Some(Value::Number(number)), Value::String(raw)) if text => number.to_string() == *raw,
        (Some(Value::Bool(truth)), Value::String(raw)) if text => truth.to_string() == *raw,
        (canonical, raw) => canonical.as_ref() == Some(raw),
    };
    if !same && let Some(rest) = record.rest_mut() {
        rest.mark(index, Mark::Raw { raw, canonical });
    }
    Ok(())
}

/// Reads one value.
pub(crate) fn decode_slot(
    slot: &mut dyn Slot,
    field: &Field,
    input: &mut dyn Input,
) -> Result<(), DecodeError> {
    if field.spelling != Spelling::JsonText {
        return slot.decode(field, input);
    }
    let plain = Field {
        spelling: Spelling::Plain,
        ..*field
    };
    let keep = input.keep();
    match input.value()? {
        Value::String(text) if text.trim().is_empty() => Ok(()),
        Value::String(text) => {
            let inner: Value = serde_json::from_str(&text)
                .map_err(|error| DecodeError::new(format!("holds no JSON: {error}"), 0))?;
            slot.decode(&plain, &mut value::Reader::new(&inner, keep))
        }
        other => slot.decode(&plain, &mut value::Reader::new(&other, keep)),
    }
}

/// The numbers in a name, if it fits the pattern.
fn numbers(pattern: &str, name: &str) -> Option<(usize, Option<usize>)> {
    let (prefix, after) = pattern.split_once("$n")?;
    let rest = name.strip_prefix(prefix)?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let first = rest[..digits].parse().ok()?;
    let rest = &rest[digits..];
    match after.split_once("$m") {
        None => (rest == after).then_some((first, None)),
        Some((middle, end)) => {
            let rest = rest.strip_prefix(middle)?;
            let second = rest.strip_suffix(end)?.parse().ok()?;
            Some((first, Some(second)))
        }
    }
}

const MAX_NUMBERED: usize = 1000;

fn numbered(
    record: &mut dyn Record,
    shape: &'static Shape,
    extra: &mut Vec<(String, Value)>,
    keep: bool,
) -> Result<(), DecodeError> {
    for (index, field) in shape
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.numbered)
    {
        let mut found: Vec<(usize, Option<usize>, usize)> = Vec::new();
        for (at, (name, _)) in extra.iter().enumerate() {
            if let Some((n, m)) = numbers(field.name, name)
                && n < MAX_NUMBERED
            {
                found.push((n, m, at));
            }
        }
        found.sort_unstable();
        let Some(slot) = record.slot_mut(index) else {
            continue;
        };
        let mut used = Vec::new();
        let mut open: Option<(usize, usize)> = None;
        let mut count = 0;
        for (n, m, at) in found {
            // Only an unbroken sequence from 0 fits into a list; anything else stays unknown.
            let follows = match (m, open) {
                (None, _) => n == count,
                (Some(m), Some((outer, inner))) if n == outer => m == inner,
                (Some(m), _) => n == count && m == 0,
            };
            if !follows {
                continue;
            }
            let (_, value) = &extra[at];
            let inner = matches!((m, open), (Some(_), Some((outer, _))) if n == outer);
            let list: Option<&mut dyn Slot> = match (m, inner) {
                (None, _) => Some(slot),
                (Some(_), true) => slot.last(),
                (Some(_), false) => slot.push(),
            };
            let Some(list) = list else { continue };
            let fits = match list.push() {
                Some(item) => {
                    item.decode(field, &mut value::Reader::new(value, false))?;
                    !keep || value::slot_value(item, field).as_ref() == Some(value)
                }
                None => continue,
            };
            if !fits {
                // Written in an unusual way: the typed list ends here, the rest stays as it came.
                list.pop();
                break;
            }
            match m {
                Some(m) => {
                    count += usize::from(!inner);
                    open = Some((n, m + 1));
                }
                None => count += 1,
            }
            used.push(at);
        }
        used.sort_unstable();
        for at in used.into_iter().rev() {
            extra.remove(at);
        }
    }
    Ok(())
}

fn union(
    record: &mut dyn Record,
    shape: &'static Shape,
    extra: &mut Vec<(String, Value)>,
    keep: bool,
) -> Result<(), DecodeError> {
    for (index, _) in shape
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| field.flat)
    {
        let mut mark = None;
        if let Some(union) = record.slot_mut(index).and_then(Slot::union_mut) {
            let tag_field = union.tag_field();
            let tag = extra
                .iter()
                .position(|(name, value)| name == tag_field && value.is_string());
            let tag = match tag.map(|at| extra.remove(at).1) {
                Some(Value::String(text)) => Some(text),
                _ => None,
            };
            let cases = union.cases();
            let own = cases
                .iter()
                .find(|(value, _)| tag.as_deref() == Some(*value));
            let strays = match (own, &tag) {
                // An unknown tag takes everything, see below.
                (None, Some(_)) => Vec::new(),
                _ => strays(cases, own.map_or("", |(_, field)| *field), extra),
            };
            if !strays.is_empty() {
                union.set_other(tag.as_deref().unwrap_or_default());
                if let Some(other) = union.other_mut() {
                    other.extend(strays);
                }
                continue;
            }
            let Some(tag) = tag else { continue };
            let known = union.cases().iter().any(|(value, _)| *value == tag);
            if let Some((name, slot)) = union.set(&tag) {
                if let Some(at) = extra.iter().position(|(known, _)| known == name) {
                    let (_, raw) = extra.remove(at);
                    let field = Field::new(name);
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
                    let canonical = value::slot_value(slot, &Field::new(name));
                    mark = canonical.map(|canonical| Mark::Absent { canonical });
                }
            }
            if !known && let Some(other) = union.other_mut() {
                other.extend(extra.drain(..));
            }
        }
        if let (Some(mark), Some(rest)) = (mark, record.rest_mut()) {
            rest.mark(index, mark);
        }
    }
    Ok(())
}

/// Takes all bodies out if one is there that doesn't go with the tag, whose own is in the field `own`: an enum holds
/// one body, and nothing of the others may get lost.
fn strays(cases: &[Case], own: &str, extra: &mut Vec<(String, Value)>) -> Vec<(String, Value)> {
    let is_body = |name: &str| {
        let mut fields = cases.iter().map(|(_, field)| *field);
        fields.any(|field| !field.is_empty() && field == name)
    };
    let stray = extra
        .iter()
        .any(|(name, value)| name != own && !value.is_null() && is_body(name));
    if !stray {
        return Vec::new();
    }
    let all = std::mem::take(extra).into_iter();
    let (bodies, others) = all.partition(|(name, _)| is_body(name));
    *extra = others;
    bodies
}

fn free(
    record: &mut dyn Record,
    shape: &'static Shape,
    extra: &mut Vec<(String, Value)>,
) -> Result<(), DecodeError> {
    if let Some(index) = shape.fields.iter().position(|field| field.open)
        && let (Some(slot), Some(field)) = (record.slot_mut(index), shape.fields.get(index))
    {
        let map: serde_json::Map<String, Value> = std::mem::take(extra).into_iter().collect();
        if !map.is_empty() {
            let object = Value::Object(map);
            slot.decode(field, &mut value::Reader::new(&object, false))?;
        }
    }
    Ok(())
}

/// `Debug` of a record: present fields only, masked ones as `***`.
pub fn debug_record(record: &dyn Record, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    struct Shown<'a>(&'a dyn Slot, bool);
    impl fmt::Debug for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if self.1 {
                f.write_str("***")
            } else {
                self.0.debug(f)
            }
        }
    }
    let mut out = f.debug_struct(record.shape().name);
    for (index, field) in record.shape().fields.iter().enumerate() {
        if let Some(slot) = record.slot(index)
            && !slot.is_absent()
        {
            let name = if field.name.is_empty() {
                "body"
            } else {
                field.name
            };
            out.field(name, &Shown(slot, field.masked));
        }
    }
    if record.rest().is_some_and(|rest| !rest.is_empty()) {
        out.finish_non_exhaustive()
    } else {
        out.finish()
    }
}
