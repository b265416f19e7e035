//! What comes in: messages, events, authorization events.
//!
//! A [`Message`] is typed where a type exists, and keeps everything else: an unknown message type or
//! event is data, not an error; unknown fields are found by [`Message::rest`]; the bytes stay
//! available. Reading is lenient (a missing field takes its default), because the platform adds and
//! drops fields without notice.
//!
//! Nothing here verifies anything: [`crate::envelope::open`] does, before.

pub mod content;
pub mod event;
pub mod field;
pub mod info;
mod lower;
mod unknown;
mod variants;

use std::borrow::Cow;

use serde_json::{Map, Value};
use xinqiao_types::UnixSeconds;
use xinqiao_wire::xml::{Document, Writer, XmlError};

pub(crate) use self::unknown::{object_of, write_xml};
pub use self::{
    content::*,
    event::{Event, EventBody, *},
    field::Items,
    info::{Info, InfoBody},
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
}

/// The form of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Official accounts, WeCom, third-party platforms.
    Xml,
    /// Mini programs, if so set.
    Json,
}

impl Form {
    /// Tells the form by the first byte that is not white space.
    pub fn of(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Self::Json,
            _ => Self::Xml,
        }
    }

    /// The media type that the platform sends.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml",
            Self::Json => "application/json",
        }
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

const HEAD_FIELDS: &[&str] = &[
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
    "Encrypt",
];

impl Message {
    /// Makes a message that was not read from anywhere.
    pub fn new(head: Head, body: impl Into<Body>) -> Self {
        Self {
            head,
            body: body.into(),
            raw: Vec::new(),
        }
    }

    /// Reads a message. The bytes are kept.
    pub fn parse(bytes: impl Into<Vec<u8>>) -> Result<Self, MessageError> {
        let raw = bytes.into();
        let (head, body) = match Form::of(&raw) {
            Form::Xml => {
                let document = Document::parse(&raw)?;
                read_xml(&document)?
            }
            Form::Json => read_json(&lower::usual(serde_json::from_slice(&raw)?))?,
        };
        Ok(Self { head, body, raw })
    }

    /// The bytes it was read from; nothing if it was not.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The form it was read from; XML if it was not.
    pub fn form(&self) -> Form {
        Form::of(&self.raw)
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

    /// The top-level fields that have no place in the type.
    pub fn rest(&self) -> Map<String, Value> {
        let known = match &self.body {
            Body::Content(content) => content.fields(),
            Body::Event(event) => event.fields(),
            Body::Info(info) => info.fields(),
        };
        let is_unknown = matches!(
            &self.body,
            Body::Content(Content::Unknown(_))
                | Body::Event(Event::Unknown(_))
                | Body::Info(Info::Unknown(_))
        );
        if self.raw.is_empty() || is_unknown {
            return Map::new();
        }
        let mut all = match self.form() {
            Form::Xml => match Document::parse(&self.raw) {
                Ok(document) => unknown::object_of(document.root()),
                Err(_) => Map::new(),
            },
            Form::Json => match serde_json::from_slice(&self.raw).map(lower::usual) {
                Ok(Value::Object(object)) => object,
                _ => Map::new(),
            },
        };
        all.retain(|name, _| {
            !known.contains(&name.as_str()) && !HEAD_FIELDS.contains(&name.as_str())
        });
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
        for (name, value) in &self.rest() {
            unknown::write_xml(name, value, &mut out);
        }
        out.close("xml");
        out.finish()
    }

    /// Writes the message as JSON, the way the platform pushes it to mini programs.
    pub fn to_json(&self) -> Map<String, Value> {
        let mut out = Map::new();
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
            Body::Content(content) => content.write_object(&mut out),
            Body::Event(event) => event.write_object(&mut out),
            Body::Info(info) => info.write_object(&mut out),
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
        for (name, value) in self.rest() {
            out.entry(name).or_insert(value);
        }
        out
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

#[derive(Default)]
struct Types<'a> {
    msg: Cow<'a, str>,
    event: Cow<'a, str>,
    info: Cow<'a, str>,
    appid: Cow<'a, str>,
}

/// Reads the head in one pass over the children, then the body by name.
fn read_xml(document: &Document<'_>) -> Result<(Head, Body), MessageError> {
    let root = document.root();
    let mut head = Head::default();
    let mut types = Types::default();
    for child in root.children() {
        match child.name() {
            "ToUserName" => head.to = child.text().into_owned(),
            "FromUserName" => head.from = child.text().into_owned(),
            "CreateTime" => head.time = UnixSeconds(number(&child.text())),
            "MsgType" => types.msg = child.text(),
            "Event" => types.event = child.text(),
            "InfoType" => types.info = child.text(),
            "AppId" => types.appid = child.text(),
            "MsgId" => head.msg_id = child.text().trim().parse().ok(),
            "MsgDataId" => head.msg_data_id = Some(child.text().into_owned()),
            "Idx" => head.idx = Some(number(&child.text())),
            "AgentID" => head.agent_id = Some(number(&child.text())),
            _ => {}
        }
    }
    finish(head, &types, Source::Xml(root))
}

fn read_json(value: &Value) -> Result<(Head, Body), MessageError> {
    let source = Source::Json(value);
    let text = |name: &str| source.get(name).map(Source::text).unwrap_or_default();
    let head = Head {
        to: text("ToUserName").into_owned(),
        from: text("FromUserName").into_owned(),
        time: UnixSeconds(number(&text("CreateTime"))),
        msg_id: text("MsgId").trim().parse().ok(),
        msg_data_id: source.get("MsgDataId").map(|id| id.text().into_owned()),
        idx: source.get("Idx").map(|idx| number(&idx.text())),
        agent_id: source.get("AgentID").map(|id| number(&id.text())),
    };
    let types = Types {
        msg: text("MsgType"),
        event: text("Event"),
        info: text("InfoType"),
        appid: text("AppId"),
    };
    finish(head, &types, source)
}

fn finish(
    mut head: Head,
    types: &Types<'_>,
    source: Source<'_>,
) -> Result<(Head, Body), MessageError> {
    let unknown = |name: &str| Unknown::read(name, source, HEAD_FIELDS);
    let body = if types.msg == msg_type::EVENT {
        let event = Event::read(&types.event, source);
        Body::Event(event.unwrap_or_else(|| Event::Unknown(unknown(&types.event))))
    } else if !types.msg.is_empty() {
        let content = Content::read(&types.msg, source);
        Body::Content(content.unwrap_or_else(|| Content::Unknown(unknown(&types.msg))))
    } else if !types.info.is_empty() {
        head.to = types.appid.clone().into_owned();
        let info = Info::read(&types.info, source);
        Body::Info(info.unwrap_or_else(|| Info::Unknown(unknown(&types.info))))
    } else {
        return Err(MessageError::Untyped);
    };
    Ok((head, body))
}

fn number(text: &str) -> i64 {
    text.trim().parse().unwrap_or_default()
}
