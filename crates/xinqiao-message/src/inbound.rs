//! What comes in: messages, events, authorization events.
//!
//! A [`Message`] is typed where a type exists, and keeps everything else: an unknown message type or
//! event is data, not an error; unknown fields are found by [`Message::rest`]; the bytes stay
//! available. Reading is lenient (a missing field takes its default), because the platform adds and
//! drops fields without notice.
//!
//! [`Message::parse`] says what is wrong with a message; [`Message::read`] never loses one: it mends what
//! is plain, and keeps as bytes what is not. It is for what was verified.
//!
//! Nothing here verifies anything: [`crate::envelope::open`] does, before.

pub mod content;
pub mod event;
pub mod field;
mod form;
pub mod info;
mod lower;
mod reading;
mod unknown;
mod variants;

use std::{borrow::Cow, collections::HashSet};

use serde_json::{Map, Value};
use xinqiao_types::UnixSeconds;
use xinqiao_wire::xml::{Document, Writer, XmlError};

pub(crate) use self::unknown::{object_of, write_xml};
pub use self::{
    content::*,
    event::{Event, EventBody, *},
    field::Items,
    form::Form,
    info::{Info, InfoBody},
    reading::Reading,
    unknown::Unknown,
};
use self::{field::Source, variants::variants};
use crate::names::msg_type;

variants! {
    /// What a user said, by the `MsgType` element.
    pub enum Content by MessageBody, MSG_TYPE {
        Text = msg_type::TEXT,
        Image = msg_type::IMAGE,
        Voice = msg_type::VOICE,
        Video = msg_type::VIDEO,
        ShortVideo = msg_type::SHORT_VIDEO,
        Location = msg_type::LOCATION,
        Link = msg_type::LINK,
        File = msg_type::FILE,
        DeviceText = msg_type::DEVICE_TEXT,
        MiniProgramPage = msg_type::MINI_PROGRAM_PAGE,
    }
}

/// What came in.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// A user said something.
    Content(Content),
    /// Something happened.
    Event(Event),
    /// An authorization event of a third-party platform.
    Info(Info),
}

impl Body {
    /// The fields that its type has a place for.
    fn fields(&self) -> &'static [&'static str] {
        match self {
            Self::Content(content) => content.fields(),
            Self::Event(event) => event.fields(),
            Self::Info(info) => info.fields(),
        }
    }
}

/// What every message and event carries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// `ToUserName`: the account's original id (`gh_…`). In authorization events the `AppId` of the
    /// third-party platform.
    pub to: String,
    /// `FromUserName`: the user's openid.
    pub from: String,
    /// `CreateTime`.
    pub time: UnixSeconds,
    /// `MsgId`: the same on every try of one message; events have none.
    pub msg_id: Option<u64>,
    /// `MsgDataId`: the article that the message was sent from.
    pub msg_data_id: Option<String>,
    /// `Idx`: which article of a mass message, from 1.
    pub idx: Option<i64>,
    /// `AgentID`: the application, in WeCom.
    pub agent_id: Option<i64>,
}

/// A message or an event, with what it was read from.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// What every message carries.
    pub head: Head,
    /// What this one carries.
    pub body: Body,
    raw: Vec<u8>,
    /// What was read instead of the bytes as they came.
    mended: Option<String>,
    reading: Reading,
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

/// Whether a type has the field, in some spelling.
fn is_known(known: &[&str], name: &str) -> bool {
    known.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether the head holds the field of a message of that sort.
fn is_head_field(body: &Body, name: &str) -> bool {
    let own = match body {
        Body::Content(_) => [TALK_FIELDS, &[]],
        Body::Event(_) => [TALK_FIELDS, EVENT_FIELDS],
        Body::Info(_) => [INFO_FIELDS, &[]],
    };
    HEAD_FIELDS.contains(&name) || own.iter().any(|names| names.contains(&name))
}

impl Message {
    /// Makes a message that was not read from anywhere.
    pub fn new(head: Head, body: impl Into<Body>) -> Self {
        Self {
            head,
            body: body.into(),
            raw: Vec::new(),
            mended: None,
            reading: Reading::Clean,
        }
    }

    /// Reads a well-formed message. The bytes are kept.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, MessageError> {
        let raw = bytes.into();
        let (head, body) = match Form::of(&raw) {
            Form::Xml => {
                let document = Document::parse_whole(&raw)?;
                read_xml(&document, Typed::Must)?
            }
            Form::Json => read_json(&lower::usual(serde_json::from_slice(&raw)?), Typed::Must)?,
        };
        Ok(Self {
            head,
            body,
            raw,
            mended: None,
            reading: Reading::Clean,
        })
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

    /// `MsgType`; empty for an authorization event.
    pub fn msg_type(&self) -> &str {
        match &self.body {
            Body::Content(content) => content.name(),
            Body::Event(_) => msg_type::EVENT,
            Body::Info(_) => "",
        }
    }

    /// `Event`, if it is one.
    pub fn event(&self) -> Option<&str> {
        if let Body::Event(event) = &self.body {
            Some(event.name())
        } else {
            None
        }
    }

    /// `InfoType`, if it is an authorization event.
    pub fn info_type(&self) -> Option<&str> {
        if let Body::Info(info) = &self.body {
            Some(info.name())
        } else {
            None
        }
    }

    /// `EventKey`, if there is one.
    pub fn event_key(&self) -> Option<Cow<'_, str>> {
        self.field("EventKey")
    }

    /// The words of a text message.
    pub fn text(&self) -> Option<&str> {
        if let Body::Content(Content::Text(text)) = &self.body {
            Some(&text.content)
        } else {
            None
        }
    }

    /// Looks a top-level field up by its name on the wire.
    pub fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        let Body::Event(event) = &self.body else {
            return self.written_field(name);
        };
        let key = match event {
            Event::Click(event) => &event.event_key,
            Event::View(event) => &event.event_key,
            Event::Scan(event) => &event.event_key,
            Event::Subscribe(event) => match &event.event_key {
                Some(key) => key,
                None => return self.written_field(name),
            },
            _ => return self.written_field(name),
        };
        if name == "EventKey" {
            Some(Cow::Borrowed(key))
        } else {
            self.written_field(name)
        }
    }

    fn written_field(&self, name: &str) -> Option<Cow<'_, str>> {
        match self.to_json().remove(name)? {
            Value::String(text) => Some(Cow::Owned(text)),
            Value::Null | Value::Object(_) | Value::Array(_) => None,
            other => Some(Cow::Owned(other.to_string())),
        }
    }

    /// The top-level fields that have no place in the type, and those of which it could not hold
    /// everything: nothing that came is missing from both.
    pub fn rest(&self) -> Map<String, Value> {
        let known = self.body.fields();
        let is_unknown = matches!(
            &self.body,
            Body::Content(Content::Unknown(_))
                | Body::Event(Event::Unknown(_))
                | Body::Info(Info::Unknown(_))
        );
        let source = self.source();
        if source.is_empty() || is_unknown {
            return Map::new();
        }
        let mut all = match self.form() {
            Form::Xml => match Document::parse_within(source, usize::MAX) {
                Ok(document) => unknown::object_of(document.root()),
                Err(_) => Map::new(),
            },
            Form::Json => match serde_json::from_slice(source).map(lower::usual) {
                Ok(Value::Object(object)) => object,
                _ => Map::new(),
            },
        };
        let described = unknown::described(&all);
        let mut held = HashSet::new();
        let mut typed = Map::new();
        self.write_typed(&mut typed);
        for (name, value) in &typed {
            unknown::leaves(name, value, &mut |name, leaf| {
                held.insert((name.to_ascii_lowercase(), leaf));
            });
        }
        all.retain(|name, value| {
            let mut leaves = 0;
            let mut missing = 0;
            unknown::leaves(name, value, &mut |name, leaf| {
                leaves += 1;
                missing += usize::from(!held.contains(&(name.to_ascii_lowercase(), leaf)));
            });
            if name == "Encrypt" || missing > 0 {
                return name != "Encrypt";
            }
            let has_place = is_known(known, name)
                || is_head_field(&self.body, name)
                || NUMBER_FIELDS.contains(&name.as_str());
            // A list without its group has no place of its name, and is in the type all the same.
            let is_group = value.is_object() || value.is_array();
            !has_place && (leaves == 0 || !is_group)
        });
        if let Some(known) = described.filter(|_| !all.is_empty()) {
            unknown::fit(known.product, &known.shape, &mut all);
        }
        all
    }

    /// Writes the message as XML, the way the platform pushes it.
    pub fn to_xml(&self) -> String {
        let mut out = Writer::with_capacity(512);
        out.open("xml");
        if let Body::Info(info) = &self.body {
            out.cdata("AppId", &self.head.to)
                .number("CreateTime", self.head.time)
                .cdata("InfoType", info.name());
            info.write_fields(&mut out);
        } else {
            out.cdata("ToUserName", &self.head.to)
                .cdata("FromUserName", &self.head.from)
                .number("CreateTime", self.head.time)
                .cdata("MsgType", self.msg_type());
            match &self.body {
                Body::Content(content) => content.write_fields(&mut out),
                Body::Event(event) => {
                    out.cdata("Event", event.name());
                    event.write_fields(&mut out);
                }
                Body::Info(_) => {}
            }
        }
        let head = &self.head;
        if let Some(id) = head.msg_id {
            out.number("MsgId", id);
        }
        if let Some(id) = &head.msg_data_id {
            out.text("MsgDataId", id);
        }
        if let Some(idx) = head.idx {
            out.number("Idx", idx);
        }
        if let Some(id) = head.agent_id {
            out.number("AgentID", id);
        }
        // What the type holds a part of is written as the type has it.
        let known = self.body.fields();
        for (name, value) in &self.rest() {
            if !is_known(known, name) && !is_head_field(&self.body, name) {
                unknown::write_xml(name, value, &mut out);
            }
        }
        out.close("xml");
        out.finish()
    }

    /// Writes the message as JSON, the way the platform pushes it to mini programs.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut out = Map::new();
        self.write_typed(&mut out);
        for (name, value) in self.rest() {
            out.entry(name).or_insert(value);
        }
        out
    }

    /// Writes what the types hold.
    fn write_typed(&self, out: &mut Map<String, Value>) {
        let mut put = |name: &str, value: Value| {
            out.insert(name.to_owned(), value);
        };
        let head = &self.head;
        if let Body::Info(info) = &self.body {
            put("AppId", head.to.clone().into());
            put("CreateTime", head.time.0.into());
            put("InfoType", info.name().into());
        } else {
            put("ToUserName", head.to.clone().into());
            put("FromUserName", head.from.clone().into());
            put("CreateTime", head.time.0.into());
            put("MsgType", self.msg_type().into());
        }
        if let Body::Event(event) = &self.body {
            put("Event", event.name().into());
        }
        match &self.body {
            Body::Content(content) => content.write_object(out),
            Body::Event(event) => event.write_object(out),
            Body::Info(info) => info.write_object(out),
        }
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                out.insert(name.to_owned(), value);
            }
        };
        put("MsgId", head.msg_id.map(Value::from));
        put("MsgDataId", head.msg_data_id.clone().map(Value::from));
        put("Idx", head.idx.map(Value::from));
        put("AgentID", head.agent_id.map(Value::from));
    }
}

impl From<Content> for Body {
    fn from(content: Content) -> Self {
        Self::Content(content)
    }
}

impl From<Event> for Body {
    fn from(event: Event) -> Self {
        Self::Event(event)
    }
}

impl From<Info> for Body {
    fn from(info: Info) -> Self {
        Self::Info(info)
    }
}

/// Whether a message without a type is one.
#[derive(Clone, Copy, PartialEq)]
enum Typed {
    Must,
    May,
}

/// The head's elements, in the order of [`Fields`].
const FIELDS: [&str; 11] = [
    "ToUserName",
    "FromUserName",
    "CreateTime",
    "MsgType",
    "Event",
    "InfoType",
    "AppId",
    "MsgId",
    "MsgDataId",
    "Idx",
    "AgentID",
];

/// The texts of the head's elements; of several of one name the first counts.
///
/// WECHAT: the head comes first. An element of its name behind a text may be a part of that text, which a
/// user wrote and nobody split.
type Fields<'a> = [Option<Cow<'a, str>>; FIELDS.len()];

/// Reads the head in one pass over the children, then the body by name.
fn read_xml(document: &Document<'_>, typed: Typed) -> Result<(Head, Body), MessageError> {
    let root = document.root();
    let mut fields = Fields::default();
    for child in root.children() {
        let name = child.name();
        if let Some(at) = FIELDS.iter().position(|field| *field == name) {
            fields[at].get_or_insert_with(|| child.text());
        }
    }
    finish(fields, Source::Xml(root), typed)
}

fn read_json(value: &Value, typed: Typed) -> Result<(Head, Body), MessageError> {
    let source = Source::Json(value);
    let fields = FIELDS.map(|name| source.exactly(name).map(Source::text));
    finish(fields, source, typed)
}

fn finish(
    fields: Fields<'_>,
    source: Source<'_>,
    typed: Typed,
) -> Result<(Head, Body), MessageError> {
    let [
        to,
        from,
        time,
        msg,
        event,
        info,
        appid,
        msg_id,
        data_id,
        idx,
        agent,
    ] = fields;
    let mut head = Head {
        to: to.unwrap_or_default().into_owned(),
        from: from.unwrap_or_default().into_owned(),
        time: UnixSeconds(number(time).unwrap_or_default()),
        msg_id: number(msg_id),
        msg_data_id: data_id.map(Cow::into_owned),
        idx: number(idx),
        agent_id: number(agent),
    };
    let msg = msg.unwrap_or_default();
    let event = event.unwrap_or_default();
    let info = info.unwrap_or_default();
    let body = if msg == msg_type::EVENT {
        let known = Event::read(&event, source);
        Body::Event(known.unwrap_or_else(|| Event::Unknown(Unknown::new(&event))))
    } else if !msg.is_empty() {
        let known = Content::read(&msg, source);
        Body::Content(known.unwrap_or_else(|| Content::Unknown(Unknown::new(&msg))))
    } else if !info.is_empty() {
        head.to = appid.unwrap_or_default().into_owned();
        let known = Info::read(&info, source);
        Body::Info(known.unwrap_or_else(|| Info::Unknown(Unknown::new(&info))))
    } else if typed == Typed::Must {
        return Err(MessageError::Untyped);
    } else {
        Body::Content(Content::Unknown(Unknown::default()))
    };
    // Some events have an id of their own under this name, in one spelling or the other.
    if matches!(&body, Body::Event(event) if event.fields().contains(&"MsgID")) {
        head.msg_id = None;
    }
    let body = unknown_fields(body, source, &head);
    Ok((head, body))
}

/// Gives a body that has no type its fields.
fn unknown_fields(mut body: Body, source: Source<'_>, head: &Head) -> Body {
    let held = |name: &str| match name {
        "MsgId" => head.msg_id.is_some(),
        "MsgDataId" => head.msg_data_id.is_some(),
        "Idx" => head.idx.is_some(),
        "AgentID" => head.agent_id.is_some(),
        _ => false,
    };
    let fields = match &body {
        Body::Content(Content::Unknown(_))
        | Body::Event(Event::Unknown(_))
        | Body::Info(Info::Unknown(_)) => {
            unknown::fields_of(source, |name| is_head_field(&body, name) || held(name))
        }
        _ => return body,
    };
    if let Body::Content(Content::Unknown(unknown))
    | Body::Event(Event::Unknown(unknown))
    | Body::Info(Info::Unknown(unknown)) = &mut body
    {
        unknown.fields = fields;
    }
    body
}

fn number<T: std::str::FromStr>(text: Option<Cow<'_, str>>) -> Option<T> {
    text?.trim().parse().ok()
}
