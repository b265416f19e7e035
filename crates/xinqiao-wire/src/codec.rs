//! The one codec: walks a record's shape and moves values between its slots and an input or output.

use std::fmt;

use serde_json::{Map, Value};

use crate::input::{DecodeError, Input, Token};
use crate::json::{self, Keep};
use crate::output::Output;
use crate::record::{Field, Mark, Place, Record, Rest, Shape, Spelling};
use crate::slot::{Keyed, List, Slot, View, ViewMut, items};
use crate::value;

mod group;
mod special;

use self::group::Groups;

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
    let rest = record.rest().filter(|rest| !rest.is_empty() && out.kept());
    for (index, field) in record.shape().fields.iter().enumerate() {
        if body_only && field.place != Place::Body {
            continue;
        }
        if let Some(slot) = record.slot(index) {
            encode_field(rest, index, field, slot, out);
        }
    }
    for (name, value) in rest.into_iter().flat_map(Rest::unknown) {
        out.key(name);
        out.value(value);
    }
    out.end_map();
}

fn encode_field(
    rest: Option<&Rest>,
    index: usize,
    field: &Field,
    slot: &dyn Slot,
    out: &mut dyn Output,
) {
    if field.flat {
        return special::encode_union(rest, index, slot, out);
    }
    if field.open {
        return special::encode_open(slot, field, out);
    }
    if field.numbered {
        return special::encode_numbered(field, slot, out);
    }
    let name = if out.is_xml() && !field.xml_name.is_empty() {
        field.xml_name
    } else {
        field.name
    };
    if let Some(mark) = rest.and_then(|rest| rest.mark_of(index)) {
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
    let view = slot.view();
    if !view.is_absent() {
        out.key(name);
        encode_spelled(view, field, out);
    }
}

/// Writes one value.
pub(crate) fn encode_slot(slot: &dyn Slot, field: &Field, out: &mut dyn Output) {
    encode_spelled(slot.view(), field, out);
}

fn encode_spelled(view: View<'_>, field: &Field, out: &mut dyn Output) {
    if field.spelling == Spelling::JsonText {
        let mut writer = json::Writer::default();
        encode_view(view, &plain(field), &mut writer);
        out.text(&writer.finish(), field.cdata);
    } else {
        encode_view(view, field, out);
    }
}

fn plain(field: &Field) -> Field {
    Field {
        spelling: Spelling::Plain,
        ..*field
    }
}

fn encode_view(view: View<'_>, field: &Field, out: &mut dyn Output) {
    match view {
        View::Scalar(scalar) => scalar.encode(field, out),
        View::Record(record) => encode_record(record, out),
        View::List(list) => encode_list(list, field, out),
        View::Map(map) => {
            out.begin_map();
            map.each(&mut |name, slot| {
                out.key(name);
                encode_view(slot.view(), field, out);
            });
            out.end_map();
        }
        View::File(file) => out.text(&file.file_name, true),
        // A union is written beside its owner's keys, never as a value of its own.
        View::Absent | View::Union(_) | View::Download(_) | View::Hidden(_) => out.null(),
    }
}

fn encode_list(list: &dyn List, field: &Field, out: &mut dyn Output) {
    if let Spelling::Joined(separator) = field.spelling {
        out.text(&joined(list, field, separator), field.cdata);
        return;
    }
    out.begin_list();
    for item in items(list) {
        encode_view(item.view(), field, out);
    }
    out.end_list();
}

fn joined(list: &dyn List, field: &Field, separator: char) -> String {
    let mut out = String::new();
    for (at, item) in items(list).enumerate() {
        if at > 0 {
            out.push(separator);
        }
        let mut writer = value::Writer::default();
        encode_view(item.view(), &plain(field), &mut writer);
        match writer.finish() {
            Some(Value::String(text)) => out.push_str(&text),
            Some(other) => out.push_str(&other.to_string()),
            None => {}
        }
    }
    out
}

/// Reads an object into a record.
pub fn decode_record(record: &mut dyn Record, input: &mut dyn Input) -> Result<(), DecodeError> {
    let shape = record.shape();
    let mut special = false;
    for (index, field) in shape.fields.iter().enumerate() {
        if field.bare {
            return decode_field(record, shape, index, false, input);
        }
        special |= is_special(field);
    }
    if input.is_list() {
        return group::decode_repeated(record, input);
    }
    if enter_map(input)? {
        decode_fields(record, shape, special, input)
    } else {
        Ok(())
    }
}

/// Steps into an object; not if nothing stands in its place.
fn enter_map(input: &mut dyn Input) -> Result<bool, DecodeError> {
    match input.next()? {
        Token::Map => Ok(true),
        Token::Null => Ok(false),
        // WECHAT: an empty group may hold a line break.
        Token::Text(text) if text.trim().is_empty() => Ok(false),
        // WECHAT: an empty object may come as `[]`.
        Token::List => {
            if input.item()? {
                return Err(DecodeError::new(
                    "is a list, an object is expected",
                    input.offset(),
                ));
            }
            Ok(false)
        }
        _ => Err(DecodeError::new("is not an object", input.offset())),
    }
}

enum Key {
    Known(usize),
    Unknown(String),
    Ignored,
}

/// Which fields have come; no memory is taken up to 128 fields.
#[derive(Default)]
struct Seen {
    near: u128,
    far: Vec<u128>,
}

impl Seen {
    /// Notes a field; whether it had come before.
    fn note(&mut self, index: usize) -> bool {
        let bit = 1 << (index % 128);
        let part = match index / 128 {
            0 => &mut self.near,
            far => {
                if self.far.len() < far {
                    self.far.resize(far, 0);
                }
                &mut self.far[far - 1]
            }
        };
        let before = *part & bit != 0;
        *part |= bit;
        before
    }

    fn has(&self, index: usize) -> bool {
        let part = match index / 128 {
            0 => Some(&self.near),
            far => self.far.get(far - 1),
        };
        part.is_some_and(|part| part & 1 << (index % 128) != 0)
    }
}

fn decode_fields(
    record: &mut dyn Record,
    shape: &'static Shape,
    special: bool,
    input: &mut dyn Input,
) -> Result<(), DecodeError> {
    let keep = input.keep();
    let xml = input.is_xml();
    let repeats = input.repeats();
    let mut seen = Seen::default();
    let mut extra: Map<String, Value> = Map::new();
    let groups = Groups::of(record, shape, xml);
    let mut hint = 0;
    loop {
        let key = match input.key()? {
            None => break,
            Some(name) => match position(shape, &name, hint, xml) {
                Some(index) => Key::Known(index),
                None if keep || special || groups.takes(&name) => Key::Unknown(name.into_owned()),
                None => Key::Ignored,
            },
        };
        match key {
            Key::Known(index) => {
                hint = index + 1;
                let again = seen.note(index);
                decode_field(record, shape, index, again, input)?;
            }
            Key::Unknown(name) => {
                let value = input.value()?;
                match extra.get_mut(&name).filter(|_| repeats) {
                    Some(Value::Array(items)) => items.push(value),
                    Some(other) => *other = Value::Array(vec![other.take(), value]),
                    None => {
                        extra.insert(name, value);
                    }
                }
            }
            Key::Ignored => input.skip()?,
        }
    }
    if special {
        special::decode(record, shape, &mut extra, keep, xml)?;
    }
    groups.gather(record, shape, &extra, keep);
    if !keep {
        return Ok(());
    }
    for (name, value) in extra {
        if let Some(rest) = record.rest_mut() {
            rest.keep_unknown(name, value);
        }
    }
    for (index, field) in shape.fields.iter().enumerate() {
        if seen.has(index) || is_special(field) {
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

/// The field of a key. Those that are more than one key have no name that could come.
fn position(shape: &Shape, name: &str, hint: usize, xml: bool) -> Option<usize> {
    let found = shape.position(name, hint).or_else(|| {
        let same = |field: &Field| xml && !field.xml_name.is_empty() && field.xml_name == name;
        shape.fields.iter().position(same)
    });
    found.filter(|index| !shape.fields.get(*index).is_some_and(is_special))
}

fn is_special(field: &Field) -> bool {
    field.flat || field.open || field.numbered
}

fn decode_field(
    record: &mut dyn Record,
    shape: &'static Shape,
    index: usize,
    again: bool,
    input: &mut dyn Input,
) -> Result<(), DecodeError> {
    let (Some(field), Some(slot)) = (shape.fields.get(index), record.slot_mut(index)) else {
        return input.skip();
    };
    if !input.keep() {
        if again {
            repeat(slot, field, input.repeats());
        }
        return decode_slot(slot, field, input).map_err(|error| error.under(field.name));
    }
    let xml = input.is_xml();
    let raw = input.value()?;
    slot.reset();
    let mut reader = value::Reader::new(&raw, true).xml(xml);
    if decode_slot(slot, field, &mut reader).is_err() {
        slot.reset();
    }
    let canonical = value::slot_value(slot, field);
    if let Some(rest) = record.rest_mut() {
        rest.unmark(index);
        if !is_usual(canonical.as_ref(), &raw, xml) {
            rest.mark(index, Mark::Raw { raw, canonical });
        }
    }
    Ok(())
}

/// Makes a slot ready for a further value. The repeats of an XML element are the items of a list or add to the same
/// group; otherwise the last one counts, as in JSON.
fn repeat(slot: &mut dyn Slot, field: &Field, repeats: bool) {
    match slot.view() {
        View::List(list) if repeats => {
            // The first one was empty: alone it would have meant an empty list.
            if list.item(0).is_none()
                && !matches!(field.spelling, Spelling::Joined(_))
                && let ViewMut::List(list) = slot.view_mut()
            {
                list.push();
            }
        }
        View::Record(_) if repeats => {}
        _ => slot.reset(),
    }
}

/// Whether a value came as its slot would write it. XML has text only: a number is unusual if its digits differ; and
/// a list of one is one element.
fn is_usual(canonical: Option<&Value>, raw: &Value, xml: bool) -> bool {
    match (canonical, raw) {
        (Some(Value::Number(number)), Value::String(raw)) if xml => number.to_string() == *raw,
        (Some(Value::Bool(truth)), Value::String(raw)) if xml => truth.to_string() == *raw,
        (Some(Value::Array(items)), Value::Array(raw)) if xml => {
            items.len() == raw.len()
                && items
                    .iter()
                    .zip(raw)
                    .all(|(item, raw)| is_usual(Some(item), raw, xml))
        }
        (Some(Value::Array(items)), raw) if xml => {
            matches!(items.as_slice(), [item] if is_usual(Some(item), raw, xml))
        }
        (Some(Value::Object(map)), Value::Object(raw)) if xml => {
            map.len() == raw.len()
                && raw
                    .iter()
                    .all(|(name, raw)| is_usual(map.get(name), raw, xml))
        }
        (canonical, raw) => canonical == Some(raw),
    }
}

/// Reads one value.
pub(crate) fn decode_slot(
    slot: &mut dyn Slot,
    field: &Field,
    input: &mut dyn Input,
) -> Result<(), DecodeError> {
    if input.is_null() {
        slot.reset();
        return input.skip();
    }
    if field.spelling != Spelling::JsonText {
        return decode_view(slot.view_mut(), field, input);
    }
    let keep = input.keep();
    let plain = plain(field);
    match input.value()? {
        Value::String(text) if text.trim().is_empty() => Ok(()),
        Value::String(text) => {
            let keep = if keep { Keep::Raw } else { Keep::Typed };
            let inner = json::Reader::new(text.as_bytes(), keep).and_then(|mut reader| {
                decode_slot(slot, &plain, &mut reader)?;
                reader.end()
            });
            inner.map_err(|mut error| {
                error.reason = format!("holds JSON that {}", error.reason).into();
                error
            })
        }
        outer => decode_slot(slot, &plain, &mut value::Reader::new(&outer, keep)),
    }
}

fn decode_view(view: ViewMut<'_>, field: &Field, input: &mut dyn Input) -> Result<(), DecodeError> {
    match view {
        ViewMut::Scalar(scalar) => scalar.decode(field, input),
        ViewMut::Record(record) => decode_record(record, input),
        ViewMut::List(list) => decode_list(list, field, input),
        ViewMut::Map(map) => decode_map(map, field, input),
        ViewMut::File(file) => decode_view(file.file_name.view_mut(), field, input),
        ViewMut::Union(_) | ViewMut::Download(_) | ViewMut::Hidden(_) => input.skip(),
    }
}

fn decode_list(
    list: &mut dyn List,
    field: &Field,
    input: &mut dyn Input,
) -> Result<(), DecodeError> {
    if input.is_list() {
        input.next()?;
        while input.item()? {
            if let Err(error) = decode_view(list.push().view_mut(), field, input) {
                let at = items(list).count().saturating_sub(1);
                return Err(error.under(&format!("[{at}]")));
            }
        }
        return Ok(());
    }
    if let Spelling::Joined(separator) = field.spelling {
        return decode_joined(list, field, input, &[separator]);
    }
    // WECHAT: one item may come without its list, and an empty list as an empty text.
    let blank = input.is_blank();
    if blank && list.item(0).is_none() {
        return input.skip();
    }
    if !blank && group::holds_numbers(list) {
        return decode_joined(list, field, input, &[',', ';', '|']);
    }
    if input.is_xml() {
        return decode_view(list.push().view_mut(), field, input);
    }
    let one = input.value()?;
    let mut one = value::Reader::new(&one, input.keep());
    decode_view(list.push().view_mut(), field, &mut one)
}

/// Reads a list that came as one text. Blanks between numbers, and separators at the end, add none.
fn decode_joined(
    list: &mut dyn List,
    field: &Field,
    input: &mut dyn Input,
    separators: &[char],
) -> Result<(), DecodeError> {
    let numbers = group::holds_numbers(list);
    if input.is_xml() && input.is_blank() {
        return input.skip();
    }
    let whole = input.value()?;
    let text = match &whole {
        Value::String(text) if numbers => text.trim().trim_end_matches(separators),
        Value::String(text) => text,
        Value::Null | Value::Object(_) | Value::Array(_) => {
            let mut one = value::Reader::new(&whole, input.keep());
            return decode_view(list.push().view_mut(), &plain(field), &mut one);
        }
        other => &other.to_string(),
    };
    for part in text.split(separators).filter(|_| !text.is_empty()) {
        let part = Value::String(part.to_owned());
        let mut part = value::Reader::new(&part, false);
        decode_view(list.push().view_mut(), &plain(field), &mut part)?;
    }
    Ok(())
}

fn decode_map(
    map: &mut dyn Keyed,
    field: &Field,
    input: &mut dyn Input,
) -> Result<(), DecodeError> {
    if !enter_map(input)? {
        return Ok(());
    }
    while let Some(name) = input.key()?.map(std::borrow::Cow::into_owned) {
        let slot = map.put(name.clone());
        decode_slot(slot, field, input).map_err(|error| error.under(&name))?;
    }
    Ok(())
}

/// `Debug` of a record: present fields only, masked ones as `***`.
pub fn debug_record(record: &dyn Record, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut out = f.debug_struct(record.shape().name);
    for (index, field) in record.shape().fields.iter().enumerate() {
        let view = record.slot(index).map_or(View::Absent, Slot::view);
        let name = if field.name.is_empty() {
            "body"
        } else {
            field.name
        };
        match view {
            view if view.is_absent() => {}
            _ if field.masked => {
                out.field(name, &format_args!("***"));
            }
            view => {
                out.field(name, &view);
            }
        }
    }
    if record.rest().is_some_and(|rest| !rest.is_empty()) {
        out.finish_non_exhaustive()
    } else {
        out.finish()
    }
}
