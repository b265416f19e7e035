//! From typed requests to prepared ones, and from answers to typed ones. Nothing here is generic.

use bytes::Bytes;
use xinqiao_catalog::{Retry as Repeat, rules::retry::is_idempotency_key};
use xinqiao_types::Entropy;
use xinqiao_wire::{
    EndpointInfo, Keep, Record, Retry,
    request::{self, Body, PartContent},
    response, value,
};

use crate::{
    answer::{Answer, Envelope},
    error::{Error, Refusal},
    execute::Prepared,
    multipart::{self, Part},
    precheck,
    transport::Body as OutBody,
};

/// Takes a request apart.
pub(crate) fn prepare(
    record: &dyn Record,
    info: &'static EndpointInfo,
    entropy: &dyn Entropy,
) -> Result<Prepared, Error> {
    precheck::fields(info.id, || value::to_value(record))?;
    let encoded =
        request::encode(record, info).map_err(|error| refuse(info.id, error.to_string()))?;
    let kind = encoded.query.iter().find(|(name, _)| name == "type");
    let kind = kind.map(|(_, value)| value.as_str()).unwrap_or_default();
    let mut signed = None;
    let (content_type, body) = match encoded.body {
        Body::None => (None, OutBody::default()),
        Body::Json(json) => (
            Some("application/json; charset=utf-8".to_owned()),
            OutBody::from(json),
        ),
        Body::Xml(xml) => (
            Some("text/xml; charset=utf-8".to_owned()),
            OutBody::from(xml),
        ),
        Body::Form(form) => (
            Some("application/x-www-form-urlencoded".to_owned()),
            OutBody::from(form),
        ),
        Body::Raw(bytes, kind) => (Some(kind), OutBody::from(bytes)),
        Body::File(file) => {
            precheck::check(info.id, kind, &file)?;
            let kind = file.media_type().to_owned();
            let piece = multipart::content(file).map_err(|reason| refuse(info.id, reason))?;
            (Some(kind), OutBody::from_iter([piece]))
        }
        Body::Multipart(parts) => {
            let mut list = Vec::with_capacity(parts.len());
            for part in parts {
                let name = part.name.to_owned();
                list.push(match part.content {
                    PartContent::File(file) => {
                        precheck::check(info.id, kind, &file)?;
                        Part::File { name, file }
                    }
                    PartContent::Text(value) => Part::Text {
                        name,
                        value,
                        content_type: None,
                    },
                    PartContent::Json(value) => {
                        signed = Some(Bytes::from(value.clone()));
                        Part::Text {
                            name,
                            value,
                            content_type: Some("application/json"),
                        }
                    }
                });
            }
            let written = multipart::write(list, entropy);
            let (kind, body) = written.map_err(|reason| refuse(info.id, reason))?;
            (Some(kind), body)
        }
    };
    Ok(Prepared {
        method: info.method,
        host: info.host,
        path: encoded.path,
        query: encoded.query,
        headers: encoded
            .headers
            .into_iter()
            .map(|(name, value)| (name.into(), value))
            .collect(),
        content_type,
        body,
        signed,
        auth: info.auth,
        repeat: match info.retry {
            Retry::Safe => Repeat::Safe,
            Retry::Keyed => Repeat::Keyed,
            Retry::Never => Repeat::Never,
        },
        keyed: is_keyed(record),
        permissions: info.permissions,
        envelope: Envelope {
            endpoint: info.id,
            code_field: info.code_field,
            message_field: info.message_field,
            answer: info.answer,
        },
    })
}

fn refuse(endpoint: &'static str, reason: String) -> Error {
    let reason = Refusal::Request(reason.into());
    Error::Preflight { endpoint, reason }
}

/// Whether the request carries its idempotency key.
fn is_keyed(record: &dyn Record) -> bool {
    record
        .shape()
        .fields
        .iter()
        .enumerate()
        .any(|(index, field)| {
            is_idempotency_key(field.name)
                && record.slot(index).is_some_and(|slot| !slot.is_absent())
        })
}

/// Reads an answer into its record.
pub(crate) fn read(
    record: &mut dyn Record,
    info: &'static EndpointInfo,
    answer: &Answer,
    keep: Keep,
) -> Result<(), Error> {
    let name = answer.file_name();
    let decoded = response::decode(
        record,
        info,
        answer.content_type(),
        name.as_deref(),
        &answer.body,
        keep,
    );
    decoded.map_err(|error| Error::Decode {
        endpoint: info.id,
        path: error.path.as_str().into(),
        source: error.into(),
    })
}
