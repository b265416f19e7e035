//! Replies to pushes in JSON: of mini programs that are set so, and of WeCom's bots.
//!
//! A mini program's JSON has the names of the XML. A bot's is another language: no addresses, and a word of
//! the developer's for a stream.
//!
//! Source: doc page 101031 of WeCom (被动回复消息).

use serde_json::{Map, Value, json};
use xinqiao_types::UnixSeconds;
use xinqiao_wire::xml::{Document, Writer};

use super::{Addressed, Reply, ReplyError};
use crate::{
    Message,
    inbound::{object_of, write_xml},
};

/// What a bot answers, as WeCom defines it: `msgtype`, and the object of that name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotReply {
    msg_type: String,
    fields: Map<String, Value>,
}

impl BotReply {
    /// Takes a reply's JSON object.
    ///
    /// # Errors
    /// It is no object, has no `msgtype`, or none of what that announces.
    pub fn new(reply: Value) -> Result<Self, ReplyError> {
        let Value::Object(fields) = reply else {
            return Err(ReplyError::Json);
        };
        let Some(Value::String(kind)) = fields.get("msgtype") else {
            return Err(ReplyError::Missing { element: "msgtype" });
        };
        let kind = kind.clone();
        // `stream_with_template_card` announces two objects.
        if kind.is_empty()
            || !fields
                .iter()
                .any(|(name, value)| value.is_object() && kind.starts_with(&**name))
        {
            return Err(ReplyError::MsgType {
                found: kind.chars().take(64).collect(),
            });
        }
        Ok(Self {
            msg_type: kind,
            fields,
        })
    }

    /// Its `msgtype`.
    pub fn msg_type(&self) -> &str {
        &self.msg_type
    }

    /// The whole object.
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }
}

/// Writes a reply with the names of the XML.
pub(super) fn encode(reply: &Reply, to: &str, from: &str, time: UnixSeconds) -> String {
    let xml = super::encode(reply, to, from, time);
    let document = Document::parse(xml.as_bytes()).expect("what the writer writes is well-formed");
    let mut fields = object_of(document.root());
    fields.insert("CreateTime".into(), time.0.into());
    if let Reply::News { articles } = reply {
        fields.insert("ArticleCount".into(), articles.len().into());
        let items = fields
            .get_mut("Articles")
            .map(|group| match group["item"].take() {
                list @ Value::Array(_) => list,
                one => Value::Array(vec![one]),
            });
        fields.insert("Articles".into(), items.unwrap_or_default());
    }
    Value::Object(fields).to_string()
}

/// Writes what a bot says to a message. A text is a stream that is complete at once, but in answer to an
/// event, where there are no streams.
pub(super) fn encode_lower(message: &Message, reply: &Reply) -> Result<String, ReplyError> {
    let object = match reply {
        Reply::Bot(reply) => Value::Object(reply.fields.clone()),
        Reply::Text { content } if message.event().is_some() => {
            json!({"msgtype": "text", "text": {"content": content}})
        }
        Reply::Text { content } => {
            let id = message.field("msgid").unwrap_or_default();
            json!({"msgtype": "stream", "stream": {"id": id, "finish": true, "content": content}})
        }
        other => {
            return Err(ReplyError::Form {
                msg_type: other.msg_type().to_owned(),
            });
        }
    };
    Ok(object.to_string())
}

/// Reads a reply with the names of the XML, as strictly as one in XML.
pub(super) fn decode(reply: &[u8]) -> Result<Addressed, ReplyError> {
    let Ok(Value::Object(fields)) = serde_json::from_slice(reply) else {
        return Err(ReplyError::Json);
    };
    let mut out = Writer::with_capacity(reply.len() + 128);
    out.open("xml");
    for (name, value) in &fields {
        match value {
            Value::Array(list) if name == "Articles" => {
                out.open(name);
                for item in list {
                    write_xml("item", item, &mut out);
                }
                out.close(name);
            }
            other => write_xml(name, other, &mut out),
        }
    }
    out.close("xml");
    super::decode(out.finish().as_bytes())
}

/// Reads a bot's reply; it has no addresses.
pub(super) fn decode_lower(reply: &[u8]) -> Result<Addressed, ReplyError> {
    let reply = serde_json::from_slice(reply).map_err(|_| ReplyError::Json)?;
    Ok(Addressed {
        to: String::new(),
        from: String::new(),
        time: UnixSeconds(0),
        reply: Reply::Bot(BotReply::new(reply)?),
    })
}
