//! The head of a message: what is read at once.

use std::borrow::Cow;

use serde_json::Value;
use xinqiao_types::UnixSeconds;
use xinqiao_wire::xml::{Document, Element};

use super::{Kind, MessageError, described};
use crate::names::msg_type;

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

/// Whether a message without a type is one.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Typed {
    Must,
    May,
}

/// What is read at once: the fields wait until somebody asks.
pub(super) struct Read {
    pub(super) head: Head,
    pub(super) kind: Kind,
    pub(super) name: String,
}

impl Read {
    /// Whether it has neither a `MsgType` nor an `InfoType`.
    pub(super) fn is_untyped(&self) -> bool {
        self.kind == Kind::Content && self.name.is_empty()
    }
}

impl Default for Read {
    fn default() -> Self {
        Self {
            head: Head::default(),
            kind: Kind::Content,
            name: String::new(),
        }
    }
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

/// Reads the head in one pass over the children.
pub(super) fn read_xml(document: &Document<'_>, typed: Typed) -> Result<Read, MessageError> {
    let mut fields = Fields::default();
    for child in document.root().children() {
        let name = child.name();
        if let Some(at) = FIELDS.iter().position(|field| *field == name) {
            fields[at].get_or_insert_with(|| child.text());
        }
    }
    let root = document.root();
    finish(fields, &|name| root.child(name).map(Element::text), typed)
}

pub(super) fn read_json(value: &Value, typed: Typed) -> Result<Read, MessageError> {
    let text = |name: &str| match value.get(name)? {
        Value::Null => None,
        Value::String(text) => Some(Cow::Borrowed(text.as_str())),
        other => Some(Cow::Owned(other.to_string())),
    };
    finish(FIELDS.map(text), &text, typed)
}

fn finish<'a>(
    fields: Fields<'_>,
    field: &dyn Fn(&str) -> Option<Cow<'a, str>>,
    typed: Typed,
) -> Result<Read, MessageError> {
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
    let [msg, event, info] = [msg, event, info].map(Option::unwrap_or_default);
    let (kind, name) = if msg == msg_type::EVENT {
        (Kind::Event, event)
    } else if !msg.is_empty() {
        (Kind::Content, msg)
    } else if !info.is_empty() {
        head.to = appid.unwrap_or_default().into_owned();
        (Kind::Info, info)
    } else if typed == Typed::Must {
        return Err(MessageError::Untyped);
    } else {
        (Kind::Content, Cow::Borrowed(""))
    };
    if kind == Kind::Event && head.msg_id.is_some() && has_own_id(&name, field) {
        head.msg_id = None;
    }
    Ok(Read {
        head,
        kind,
        name: name.into_owned(),
    })
}

/// Whether an event has an id of its own under this name, in one spelling or the other.
fn has_own_id<'a>(name: &str, field: &dyn Fn(&str) -> Option<Cow<'a, str>>) -> bool {
    let names = ["AgentID", "SuiteId", "AuthCorpId", "ChangeType"];
    let texts = names.map(|name| (name, field(name)));
    let fields = texts.into_iter().filter_map(|(name, text)| {
        text.map(|text| (name.to_owned(), Value::from(text.into_owned())))
    });
    let known = described(Kind::Event, name, &fields.collect());
    known.is_some_and(|event| {
        let mut own = event.shape.fields.iter();
        own.any(|field| [field.name, field.xml_name].contains(&"MsgID"))
    })
}

fn number<T: std::str::FromStr>(text: Option<Cow<'_, str>>) -> Option<T> {
    text?.trim().parse().ok()
}
