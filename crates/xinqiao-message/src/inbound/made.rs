//! Messages that were not read from anywhere: what a simulator pushes, what a test says.

use serde_json::{Map, Value};
use xinqiao_catalog::EventKind;
use xinqiao_wire::{Pushed, value};

use super::{Head, Kind, Message, NUMBER_FIELDS, Reading, Shaped, is_head_field};

impl Message {
    /// Makes a message of fields by their names on the wire. They are written in their order: strings as text,
    /// numbers bare, lists by repeating.
    pub fn new(
        head: Head,
        kind: Kind,
        name: impl Into<String>,
        fields: Map<String, Value>,
    ) -> Self {
        Self {
            head,
            kind,
            name: name.into(),
            raw: Vec::new(),
            mended: None,
            reading: Reading::Clean,
            shaped: Shaped {
                known: None,
                fields,
            }
            .into(),
        }
    }

    /// Makes a message of a type. What the head holds is taken from there.
    pub fn of<T: Pushed>(head: Head, record: &T) -> Self {
        let event = T::IDS.first().and_then(|id| xinqiao_catalog::event(id));
        let (kind, name) = match event {
            Some(event) if event.kind == EventKind::Message => (Kind::Content, event.msg_type),
            Some(event) if event.kind == EventKind::Info => (Kind::Info, event.info_type),
            Some(event) => (Kind::Event, event.event),
            None => (Kind::Event, ""),
        };
        let mut fields = match value::to_typed_value(record) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        fields.retain(|name, _| {
            let is_heads = kind == Kind::Content && NUMBER_FIELDS.contains(&name.as_str())
                || name == "AgentID" && head.agent_id.is_some();
            !is_head_field(kind, name) && !is_heads
        });
        Self::new(head, kind, name, fields)
    }
}
