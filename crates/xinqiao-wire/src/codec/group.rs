//! Groups and lists whatever their number: the type decides what comes of them, never how many came.
//!
//! WECHAT: a list stands in a group of its own (`<PicList><item>…`), without that group (`List` beside the other
//! fields), or the group repeats instead of its items; JSON has one object where a list is meant.

use serde_json::{Map, Value};

use super::{decode_record, decode_view, is_special};
use crate::input::{DecodeError, Input};
use crate::record::{Field, Mark, Place, Record, Shape};
use crate::slot::{List, Slot, View, ViewMut};
use crate::value;

/// Where keys go that no field of a record has as its name.
pub(super) struct Groups {
    /// Groups that hold nothing but one list, which may stand without its group; and fields that may stand without
    /// theirs, each by its name.
    wraps: &'static [(usize, &'static str)],
    /// In XML: the record is such a group itself, and its children are items whatever their name.
    is_wrap: bool,
    xml: bool,
}

impl Groups {
    pub(super) fn of(record: &mut dyn Record, shape: &'static Shape, xml: bool) -> Self {
        let wraps = shape.wraps.get_or_init(|| find_wraps(record, shape));
        let is_wrap = xml && list_of(record).is_some();
        Groups {
            wraps,
            is_wrap,
            xml,
        }
    }

    pub(super) fn takes(&self, name: &str) -> bool {
        self.is_wrap || self.wraps.iter().any(|(_, inner)| *inner == name)
    }

    /// Moves what belongs into a group into it. What does not fit stays where it is.
    pub(super) fn gather(
        &self,
        record: &mut dyn Record,
        shape: &'static Shape,
        extra: &Map<String, Value>,
        keep: bool,
    ) {
        if extra.is_empty() {
            return;
        }
        for (index, inner) in self.wraps {
            let (Some(value), Some(field)) = (extra.get(*inner), shape.fields.get(*index)) else {
                continue;
            };
            let before = record
                .slot(*index)
                .and_then(|slot| value::slot_value(slot, field));
            if let Some(ViewMut::Record(group)) = record.slot_mut(*index).map(Slot::view_mut) {
                if field.beside && list_of(group).is_none() {
                    let one = Value::Object(Map::from_iter([((*inner).to_owned(), value.clone())]));
                    // What does not fit stays where it is.
                    let _ =
                        decode_record(group, &mut value::Reader::new(&one, false).xml(self.xml));
                } else {
                    add(group, value, self.xml);
                }
            }
            if keep {
                remark(record, *index, field, before);
            }
        }
        if self.is_wrap
            && let Some(field) = shape.fields.first()
        {
            let before = value::slot_value(record.at(0), field);
            items(record, extra, self.xml);
            if keep {
                remark(record, 0, field, before);
            }
        }
    }
}

/// What was added to a group came elsewhere: as it stands, the group is still written as it came.
fn remark(record: &mut dyn Record, index: usize, field: &Field, before: Option<Value>) {
    let canonical = record
        .slot(index)
        .and_then(|slot| value::slot_value(slot, field));
    let Some(rest) = record.rest_mut() else {
        return;
    };
    let raw = match rest.unmark(index) {
        Some(Mark::Raw { raw, .. }) => Some(raw),
        Some(Mark::Absent { .. }) => None,
        None => before,
    };
    match (raw, canonical) {
        (Some(raw), canonical) => rest.mark(index, Mark::Raw { raw, canonical }),
        (None, Some(canonical)) => rest.mark(index, Mark::Absent { canonical }),
        (None, None) => {}
    }
}

fn find_wraps(record: &mut dyn Record, shape: &'static Shape) -> Box<[(usize, &'static str)]> {
    let mut found = Vec::new();
    for (index, field) in shape.fields.iter().enumerate() {
        if is_special(field) || field.bare || field.place != Place::Body {
            continue;
        }
        let absent = record.at(index).is_absent();
        if let ViewMut::Record(group) = record.at_mut(index).view_mut() {
            if let Some(inner) = list_of(group) {
                let xml = inner.xml_name;
                found.push((index, if xml.is_empty() { inner.name } else { xml }));
            } else if field.beside {
                let inner = group.shape().fields.iter();
                found.extend(inner.map(|inner| (index, inner.name)));
            }
        }
        if absent {
            record.at_mut(index).reset();
        }
    }
    // A name that a field of the record itself has belongs to that field.
    found.retain(|(_, name)| shape.position(name, 0).is_none());
    found.into()
}

/// The list of a group that holds nothing else.
fn list_of(group: &mut dyn Record) -> Option<&'static Field> {
    let [field] = &*group.shape().fields else {
        return None;
    };
    if is_special(field) || field.bare || field.place != Place::Body {
        return None;
    }
    let absent = group.at(0).is_absent();
    let is_list = matches!(group.at_mut(0).view_mut(), ViewMut::List(_));
    if absent {
        group.at_mut(0).reset();
    }
    is_list.then_some(field)
}

/// Adds one item or several to the list of a group, leaving out what does not fit.
fn add(group: &mut dyn Record, value: &Value, xml: bool) {
    let Some(field) = group.shape().fields.first() else {
        return;
    };
    let ViewMut::List(list) = group.at_mut(0).view_mut() else {
        return;
    };
    let single = std::slice::from_ref(value);
    let values = value.as_array().map_or(single, Vec::as_slice);
    for value in values {
        let blank = |text: &str| text.trim().is_empty();
        if value.is_null() || value.as_str().is_some_and(blank) {
            continue;
        }
        let mut reader = value::Reader::new(value, false).xml(xml);
        if decode_view(list.push().view_mut(), field, &mut reader).is_err() {
            list.pop();
        }
    }
}

/// The children of a group that is a list: items under another name, or the fields of the one item.
fn items(group: &mut dyn Record, extra: &Map<String, Value>, xml: bool) {
    let ViewMut::List(list) = group.at_mut(0).view_mut() else {
        return;
    };
    let mut is_item = false;
    if let ViewMut::Record(item) = list.push().view_mut() {
        let shape = item.shape();
        is_item = extra.keys().any(|name| shape.position(name, 0).is_some());
    }
    list.pop();
    if is_item {
        add(group, &Value::Object(extra.clone()), xml);
    } else {
        extra.values().for_each(|value| add(group, value, xml));
    }
}

/// Reads a group that came several times, or a list where a group is meant.
pub(super) fn decode_repeated(
    record: &mut dyn Record,
    input: &mut dyn Input,
) -> Result<(), DecodeError> {
    let (xml, offset) = (input.is_xml(), input.offset());
    let Value::Array(parts) = input.value()? else {
        return Ok(());
    };
    let list = list_of(record);
    if list.is_none() && !xml && parts.len() > 1 {
        let reason = "is a list, an object is expected";
        return Err(DecodeError::new(reason, offset));
    }
    for part in &parts {
        let is_group = match (part, list) {
            (Value::Object(part), Some(list)) => {
                part.contains_key(list.name) || part.contains_key(list.xml_name)
            }
            (Value::Array(_), _) => false,
            (_, list) => list.is_none() || xml,
        };
        if is_group {
            // What the slots do not hold is kept with the whole list.
            decode_record(record, &mut value::Reader::new(part, false).xml(xml))?;
        } else {
            add(record, part, xml);
        }
    }
    Ok(())
}

/// Whether the items of a list are numbers, which may be joined in one text.
pub(super) fn holds_numbers(list: &mut dyn List) -> bool {
    let found = match list.push().view() {
        View::Scalar(item) => {
            let item = item.as_any();
            item.is::<i64>() || item.is::<i32>() || item.is::<u64>() || item.is::<f64>()
        }
        _ => false,
    };
    list.pop();
    found
}
