//! What comes in: messages, events, authorization events.
//!
//! A [`Message`] is whatever came: who sent it to whom, what it is called, and its fields in the shape that the catalog
//! knows, which is the same for XML and JSON. An unknown message type or event is data, not an error; so are unknown
//! fields; the bytes stay available. The types of what comes are in [`crate::events`]: [`Message::get`] gives one of
//! them, [`Message::typed`] any of a product.
//!
//! [`Message::parse`] says what is wrong with a message; [`Message::read`] never loses one: it mends what
//! is plain, and keeps as bytes what is not. It is for what was verified.
//!
//! Nothing here verifies anything: [`crate::envelope::open`] does, before.

mod form;
mod head;
mod lower;
mod made;
mod reading;
mod shape;

use std::{borrow::Cow, sync::OnceLock};

use serde_json::{Map, Value};
use xinqiao_catalog::{Event as Described, Product};
use xinqiao_wire::{
    Pushed, Pushes, event,
    xml::{Document, Writer, XmlError},
};

use self::head::{Read, Typed, read_json, read_xml};
pub(crate) use self::shape::{object_of, write_xml};
pub use self::{form::Form, head::Head, reading::Reading};
use crate::names::msg_type;

/// What came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A user said something, named by its `MsgType`.
    Content,
    /// Something happened, named by its `Event`.
    Event,
    /// An authorization event of a third-party platform or a suite, named by its `InfoType`.
    Info,
}

/// A message or an event, with what it was read from.
#[derive(Debug, Clone)]
pub struct Message {
    /// What every message carries.
    pub head: Head,
    kind: Kind,
    name: String,
    raw: Vec<u8>,
    /// What was read instead of the bytes as they came.
    mended: Option<String>,
    reading: Reading,
    /// The fields, once somebody asks.
    shaped: OnceLock<Shaped>,
}

/// The fields of a message in the shape that the catalog knows.
#[derive(Debug, Clone, Default)]
struct Shaped {
    known: Option<&'static Described>,
    /// Without those of the head.
    fields: Map<String, Value>,
}

impl PartialEq for Message {
    fn eq(&self, other: &Self) -> bool {
        let whole = |message: &Self| {
            (
                message.kind,
                message.reading,
                message.name.clone(),
                message.raw.clone(),
            )
        };
        self.head == other.head && whole(self) == whole(other) && self.fields() == other.fields()
    }
}

/// Why a message cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// It is no well-formed XML, or XML that is never accepted.
    #[error("the message is not acceptable XML")]
    Xml(#[from] XmlError),
    /// It is no JSON.
    #[error("the message is not JSON")]
    Json(#[from] serde_json::Error),
    /// It has neither a `MsgType` nor an `InfoType`.
    #[error("the message has neither MsgType nor InfoType")]
    Untyped,
}

impl MessageError {
    /// The name of the diagnosis rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Xml(error) => error.rule(),
            Self::Json(_) => "json.syntax",
            Self::Untyped => "message.untyped",
        }
    }
}

/// What the head holds of every message. `Encrypt` stands beside the fields in compatible mode.
const HEAD_FIELDS: &[&str] = &["CreateTime", "Encrypt"];
const TALK_FIELDS: &[&str] = &["ToUserName", "FromUserName", "MsgType"];
const EVENT_FIELDS: &[&str] = &["Event"];
const INFO_FIELDS: &[&str] = &["AppId", "InfoType"];
/// What the head holds of every message, if it could be read.
const NUMBER_FIELDS: &[&str] = &["MsgId", "MsgDataId", "Idx", "AgentID"];

/// Whether the head holds the field of a message of that sort.
fn is_head_field(kind: Kind, name: &str) -> bool {
    let own = match kind {
        Kind::Content => [TALK_FIELDS, &[]],
        Kind::Event => [TALK_FIELDS, EVENT_FIELDS],
        Kind::Info => [INFO_FIELDS, &[]],
    };
    HEAD_FIELDS.contains(&name) || own.iter().any(|names| names.contains(&name))
}

impl Message {
    /// Reads a well-formed message. The bytes are kept.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, MessageError> {
        let raw = bytes.into();
        let read = match Form::of(&raw) {
            Form::Xml => {
                let document = Document::parse_whole(&raw)?;
                read_xml(&document, Typed::Must)?
            }
            Form::Json => read_json(&lower::usual(serde_json::from_slice(&raw)?), Typed::Must)?,
        };
        Ok(Self::from_reading(raw, read, None, Reading::Clean))
    }

    fn from_reading(raw: Vec<u8>, read: Read, mended: Option<String>, reading: Reading) -> Self {
        Self {
            head: read.head,
            kind: read.kind,
            name: read.name,
            raw,
            mended,
            reading,
            shaped: OnceLock::new(),
        }
    }

    /// How it was read.
    pub const fn reading(&self) -> Reading {
        self.reading
    }

    /// What an app gets: the bytes as they came, or well-formed ones if they were mended. Nothing if no
    /// app should get them, see [`Reading::Doctype`].
    pub fn handed_on(&self) -> Option<&[u8]> {
        (self.reading != Reading::Doctype).then(|| self.source())
    }

    /// What the fields were read from.
    pub(crate) fn source(&self) -> &[u8] {
        self.mended.as_ref().map_or(&self.raw, String::as_bytes)
    }

    /// The bytes it was read from; nothing if it was not.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The form it was read from; XML if it was not.
    pub fn form(&self) -> Form {
        Form::of(self.source())
    }

    /// What sort of thing came.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// `MsgType`; empty for an authorization event.
    pub fn msg_type(&self) -> &str {
        match self.kind {
            Kind::Content => &self.name,
            Kind::Event => msg_type::EVENT,
            Kind::Info => "",
        }
    }

    /// `Event`, if it is one.
    pub fn event(&self) -> Option<&str> {
        (self.kind == Kind::Event).then_some(&*self.name)
    }

    /// `InfoType`, if it is an authorization event.
    pub fn info_type(&self) -> Option<&str> {
        (self.kind == Kind::Info).then_some(&*self.name)
    }

    /// `EventKey`, if there is one.
    pub fn event_key(&self) -> Option<Cow<'_, str>> {
        self.field("EventKey")
    }

    /// The words of a text message.
    pub fn text(&self) -> Option<&str> {
        let is_text = self.kind == Kind::Content && self.name == msg_type::TEXT;
        let words = || self.fields().get("Content").and_then(Value::as_str);
        is_text.then(|| words().unwrap_or_default())
    }

    /// Looks a top-level field up by its name on the wire.
    pub fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        if let Some(Value::String(text)) = self.fields().get(name) {
            return Some(Cow::Borrowed(text));
        }
        match self.to_json().remove(name)? {
            Value::String(text) => Some(Cow::Owned(text)),
            Value::Null | Value::Object(_) | Value::Array(_) => None,
            other => Some(Cow::Owned(other.to_string())),
        }
    }

    /// All fields but those of the head, by the catalog's names: what is a list, a group or a number there is one here,
    /// in whatever form it came. What the catalog does not know stays as it came: texts of XML are strings, elements
    /// are objects, and what repeats is a list.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.shaped().fields
    }

    /// The top-level fields that have no place in the catalog, and those of which it does not know everything. A
    /// message that it does not know at all has none.
    pub fn rest(&self) -> Map<String, Value> {
        let shaped = self.shaped();
        let mut rest = Map::new();
        if let Some(event) = shaped.known {
            let unheld = shaped.fields.iter().filter(|(name, value)| {
                // What the head could not read says nothing, unless the event has a field of that name.
                let is_heads = NUMBER_FIELDS.contains(&name.as_str())
                    && !value.is_array()
                    && event
                        .shape
                        .field(name)
                        .is_none_or(|field| field.xml_name.is_empty());
                !is_heads && !shape::holds(event, name, value)
            });
            rest.extend(unheld.map(|(name, value)| (name.clone(), value.clone())));
            rest = shape::written(event, &rest);
        }
        rest
    }

    /// This message as a type, if it is one: `message.get::<work::event::ChangeContact>()`. Nothing gets lost and
    /// nothing fails: what fits into no slot is kept in the record's `rest()`.
    pub fn get<T: Pushed>(&self) -> Option<T> {
        let known = |id: &&&str| self.known_in(Product::of_id(id)?).filter(|e| e.id == **id);
        let own = self.shaped().known.map(|event| event.id);
        let event = T::IDS
            .iter()
            .find(|id| Some(**id) == own)
            .and_then(|id| known(&id))
            .or_else(|| T::IDS.iter().find_map(|id| known(&id)))?;
        Some(event::record(&self.whole(event, T::IDS.first().copied())))
    }

    /// This message as one of everything that a product pushes; nothing if it has no type there.
    pub fn typed<E: Pushes>(&self) -> Option<E> {
        let event = self.known_in(Product::parse(E::PRODUCT)?)?;
        E::typed(event.id, &self.whole(event, E::home(event.id)))
    }

    /// What a product's catalog knows of it.
    fn known_in(&self, product: Product) -> Option<&'static Described> {
        if let Some(known) = self.shaped().known.filter(|event| event.product == product) {
            return Some(known);
        }
        let fields = self.as_they_came();
        recognise(product, self.kind, &self.name, &fields)
    }

    /// All fields in the shape of an event, with the names that its type has.
    fn whole(&self, event: &Described, home: Option<&str>) -> Value {
        let mut fields = self.as_they_came();
        fields.remove("Encrypt");
        shape::fit_event(event, &mut fields);
        if let Some(home) = home.filter(|home| *home != event.id)
            && let Some(home) = xinqiao_catalog::event(home)
        {
            shape::fit_event(home, &mut fields);
        }
        Value::Object(fields)
    }

    /// All fields, those of the head too.
    fn as_they_came(&self) -> Map<String, Value> {
        let source = self.source();
        if source.is_empty() {
            // A made message has its fields from the beginning, and bytes that are none have none.
            return self
                .shaped
                .get()
                .map(|_| self.to_json())
                .unwrap_or_default();
        }
        match self.form() {
            _ if matches!(self.reading, Reading::Doctype) => Map::new(),
            Form::Xml => match Document::parse_within(source, usize::MAX) {
                Ok(document) => object_of(document.root()),
                Err(_) => Map::new(),
            },
            Form::Json => match serde_json::from_slice(source).map(lower::usual) {
                Ok(Value::Object(object)) => object,
                _ => Map::new(),
            },
        }
    }

    fn shaped(&self) -> &Shaped {
        self.shaped.get_or_init(|| {
            let mut fields = self.as_they_came();
            let known = described(self.kind, &self.name, &fields);
            if let Some(event) = known {
                shape::fit_event(event, &mut fields);
            }
            let head = &self.head;
            // Of several of one name the head holds the first.
            fields.retain(|name, value| {
                value.is_array() && name != "Encrypt"
                    || !is_head_field(self.kind, name)
                        && match name.as_str() {
                            "MsgId" => head.msg_id.is_none(),
                            "MsgDataId" => head.msg_data_id.is_none(),
                            "Idx" => head.idx.is_none(),
                            "AgentID" => head.agent_id.is_none(),
                            _ => true,
                        }
            });
            Shaped { known, fields }
        })
    }

    /// Writes the message as XML, the way the platform pushes it.
    pub fn to_xml(&self) -> String {
        let mut out = Writer::with_capacity(512);
        out.open("xml");
        let head = &self.head;
        if self.kind == Kind::Info {
            // A suite's pushes have other names for both.
            if !head.to.is_empty() {
                out.cdata("AppId", &head.to).number("CreateTime", head.time);
            }
            out.cdata("InfoType", &self.name);
        } else {
            out.cdata("ToUserName", &head.to)
                .cdata("FromUserName", &head.from)
                .number("CreateTime", head.time)
                .cdata("MsgType", self.msg_type());
        }
        if self.kind == Kind::Event {
            out.cdata("Event", &self.name);
        }
        for (name, value) in &self.written() {
            match value {
                Value::String(id) if name == "MsgDataId" => {
                    out.text(name, id);
                }
                value => write_xml(name, value, &mut out),
            }
        }
        out.close("xml");
        out.finish()
    }

    /// The event's JSON: the same for XML and JSON. Names are those of the platform's XML.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut out = Map::new();
        let mut put = |name: &str, value: Value| {
            out.insert(name.to_owned(), value);
        };
        let head = &self.head;
        if self.kind == Kind::Info {
            if !head.to.is_empty() {
                put("AppId", head.to.clone().into());
                put("CreateTime", head.time.0.into());
            }
            put("InfoType", self.name.clone().into());
        } else {
            put("ToUserName", head.to.clone().into());
            put("FromUserName", head.from.clone().into());
            put("CreateTime", head.time.0.into());
            put("MsgType", self.msg_type().into());
        }
        if self.kind == Kind::Event {
            put("Event", self.name.clone().into());
        }
        for (name, value) in self.written() {
            out.entry(name).or_insert(value);
        }
        out
    }

    /// The fields behind the head as they are written: in the catalog's order what it knows, then the numbers that the
    /// head holds, then the rest. All of a message that it does not know stands before the numbers.
    fn written(&self) -> Map<String, Value> {
        let head = &self.head;
        let numbers = [
            ("MsgId", head.msg_id.map(Value::from)),
            ("MsgDataId", head.msg_data_id.clone().map(Value::from)),
            ("Idx", head.idx.map(Value::from)),
            ("AgentID", head.agent_id.map(Value::from)),
        ];
        let numbers = numbers
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let shaped = self.shaped();
        let fields = shaped.fields.clone().into_iter();
        let Some(event) = shaped.known else {
            return fields.chain(numbers).collect();
        };
        let (mut known, unknown): (Map<_, _>, Map<_, _>) =
            fields.partition(|(name, _)| event.shape.field(name).is_some());
        for (name, value) in numbers {
            known.entry(name).or_insert(value);
        }
        let mut written = shape::written(event, &known);
        for (name, value) in unknown {
            written.entry(name).or_insert(value);
        }
        written
    }
}

/// What the catalog knows of a message with these fields: the product that knows most of them sent it.
fn described(kind: Kind, name: &str, fields: &Map<String, Value>) -> Option<&'static Described> {
    let work = ["AgentID", "SuiteId", "AuthCorpId", "ChangeType"];
    let is_work = work.iter().any(|name| fields.contains_key(*name));
    let first = is_work.then_some(Product::Work);
    let others = [
        Product::OfficialAccount,
        Product::MiniProgram,
        Product::OpenPlatform,
        Product::Channels,
        Product::Work,
    ];
    first
        .into_iter()
        .chain(others)
        .filter_map(|product| recognise(product, kind, name, fields))
        .min_by_key(|event| shape::unknown(event, fields))
}

fn recognise(
    product: Product,
    kind: Kind,
    name: &str,
    fields: &Map<String, Value>,
) -> Option<&'static Described> {
    let text = |name: &str| fields.get(name).map(|value| value.as_str().unwrap_or(""));
    let (msg_type, event) = match kind {
        // The chatbot has a spelling of its own.
        Kind::Content if name.is_empty() => ("", text("event").filter(|event| !event.is_empty())?),
        Kind::Content => (name, ""),
        Kind::Event => (msg_type::EVENT, name),
        Kind::Info => ("", name),
    };
    xinqiao_catalog::recognise_event(product, msg_type, event, text)
}
