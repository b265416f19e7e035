//! From a request record to the parts of an HTTP request.
//!
//! The credential, the host and multipart framing are the client's business; everything else is decided here.

use serde_json::Value;
use xinqiao_types::percent;

use crate::codec;
use crate::endpoint::{Content, EndpointInfo};
use crate::file::FilePart;
use crate::json;
use crate::markup;
use crate::record::{Place, Record};
use crate::slot::{Slot, View};
use crate::value;

/// The parts of a request.
#[derive(Debug, Clone, PartialEq)]
pub struct Encoded {
    /// Path with its parameters filled in, percent-encoded.
    pub path: String,
    /// Query pairs, not yet percent-encoded, without the credential.
    pub query: Vec<(String, String)>,
    /// Header fields.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: Body,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// None.
    None,
    /// JSON.
    Json(Vec<u8>),
    /// XML.
    Xml(String),
    /// `application/x-www-form-urlencoded`, encoded.
    Form(String),
    /// Text as it is, with its media type.
    Raw(Vec<u8>, String),
    /// A file as it is.
    File(FilePart),
    /// Parts of `multipart/form-data`.
    Multipart(Vec<Part>),
}

/// One part of a multipart body.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Name.
    pub name: &'static str,
    /// What it holds.
    pub content: PartContent,
}

/// What a part holds.
#[derive(Debug, Clone, PartialEq)]
pub enum PartContent {
    /// A file.
    File(FilePart),
    /// Text.
    Text(String),
    /// JSON text.
    Json(String),
}

/// A request that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A path parameter is empty: the path would name something else.
    #[error("path parameter `{0}` is empty")]
    EmptyPathParameter(&'static str),
    /// The path template names a parameter that the record doesn't have.
    #[error("path parameter `{0}` is missing")]
    MissingPathParameter(String),
}

/// Takes a request record apart.
pub fn encode(record: &dyn Record, info: &EndpointInfo) -> Result<Encoded, EncodeError> {
    let mut query = Vec::new();
    let mut headers = Vec::new();
    let mut path = info.path.to_owned();
    if let Some((name, value)) = info.when {
        query.push((name.to_owned(), value.to_owned()));
    }
    for (index, field) in record.shape().fields.iter().enumerate() {
        if field.place == Place::Body {
            continue;
        }
        let value = record
            .slot(index)
            .and_then(|slot| value::slot_value(slot, field));
        let text = value.as_ref().map(plain);
        match field.place {
            Place::Path => {
                let text = text.unwrap_or_default();
                if text.is_empty() {
                    return Err(EncodeError::EmptyPathParameter(field.name));
                }
                path = path.replace(&format!("{{{}}}", field.name), &percent::encode(&text));
            }
            Place::Query => query.extend(text.map(|text| (field.name.to_owned(), text))),
            Place::Header => headers.extend(text.map(|text| (field.name, text))),
            Place::Body => {}
        }
    }
    if let Some((_, rest)) = path.split_once('{') {
        let name = rest.split('}').next().unwrap_or_default();
        return Err(EncodeError::MissingPathParameter(name.to_owned()));
    }
    Ok(Encoded {
        path,
        query,
        headers,
        body: body(record, info),
    })
}

fn body(record: &dyn Record, info: &EndpointInfo) -> Body {
    match info.content {
        Content::None | Content::Csv => Body::None,
        Content::Json => Body::Json(json::encode(record).into_bytes()),
        Content::Xml => Body::Xml(markup::encode(record, "xml")),
        Content::Form => Body::Form(form(record)),
        Content::Multipart => Body::Multipart(parts(record)),
        Content::Raw | Content::Binary => {
            for (index, field) in record.shape().fields.iter().enumerate() {
                let slot = record.slot(index).filter(|_| field.place == Place::Body);
                if let Some(View::File(file)) = slot.map(Slot::view) {
                    return Body::File(file.clone());
                }
                if let Some(value) = slot.and_then(|slot| value::slot_value(slot, field)) {
                    return Body::Raw(plain(&value).into_bytes(), "text/plain".to_owned());
                }
            }
            Body::None
        }
    }
}

fn parts(record: &dyn Record) -> Vec<Part> {
    let mut out = Vec::new();
    for (index, field) in record.shape().fields.iter().enumerate() {
        let Some(slot) = record.slot(index) else {
            continue;
        };
        if field.place != Place::Body || slot.is_absent() {
            continue;
        }
        let content = if let View::File(file) = slot.view() {
            PartContent::File(file.clone())
        } else if field.json_part {
            let mut writer = json::Writer::default();
            codec::encode_slot(slot, field, &mut writer);
            PartContent::Json(writer.finish())
        } else {
            PartContent::Text(
                value::slot_value(slot, field)
                    .as_ref()
                    .map(plain)
                    .unwrap_or_default(),
            )
        };
        out.push(Part {
            name: field.name,
            content,
        });
    }
    out
}

fn form(record: &dyn Record) -> String {
    let mut writer = value::Writer::default();
    codec::encode_body(record, &mut writer);
    let mut out = String::new();
    if let Some(Value::Object(map)) = writer.finish() {
        for (name, value) in &map {
            if !out.is_empty() {
                out.push('&');
            }
            percent::pair_into(name, &plain(value), &mut out);
        }
    }
    out
}

/// The text of a value outside JSON: strings without quotes, the rest as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}
