//! Reads what the platform answered.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::{Map, Value};
use xinqiao_catalog::{Endpoint, Product, Shape, TypeRef, type_def};
use xinqiao_types::{ErrCode, Rid};
use xinqiao_wire::{
    Content, Download, disposition,
    response::{self, Came},
    xml::{Document, Element},
};

use crate::error::{AnswerCode, ApiError, Error};

mod shown;

/// A successful answer, not yet decoded. `Debug` shows its fields, with secrets and personal data masked.
#[derive(Clone)]
pub struct Answer {
    /// Catalog id of the endpoint.
    pub endpoint: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("Answer");
        out.field("endpoint", &self.endpoint)
            .field("status", &self.status)
            .field("content_type", &self.content_type());
        let fields = response::looks_like_object(&self.body).then(|| self.json().ok());
        match (fields.flatten(), xinqiao_catalog::endpoint(self.endpoint)) {
            (Some(fields), Some(endpoint)) => {
                out.field(
                    "fields",
                    &format_args!("{}", shown::masked(endpoint, &fields)),
                );
            }
            _ => {
                let (bytes, kind) = (self.body.len(), looks_like(&self.body));
                out.field("body", &format_args!("{kind} of {bytes} bytes"));
            }
        }
        out.finish_non_exhaustive()
    }
}

impl Answer {
    /// The `Content-Type` header, or nothing.
    pub fn content_type(&self) -> &str {
        text(&self.headers, header::CONTENT_TYPE)
    }

    /// The platform's trace id, where a header carries it: the payment products do so.
    pub fn trace(&self) -> Option<Rid> {
        let id = self.headers.get("request-id")?.to_str().ok()?;
        Some(Rid::new(id))
    }

    /// The name of the file, from `Content-Disposition`.
    pub fn file_name(&self) -> Option<String> {
        // WECHAT: a Chinese name stands there as plain UTF-8.
        let header = self.headers.get(header::CONTENT_DISPOSITION)?;
        disposition::file_name(&String::from_utf8_lossy(header.as_bytes()))
    }

    /// The body as JSON; an empty body is `null`. Bytes that JSON forbids inside a string are read as spaces or
    /// U+FFFD, as in typed calls.
    ///
    /// # Errors
    /// The body is no JSON: a file, for instance.
    pub fn json(&self) -> Result<Value, Error> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        let is_xml = self.body.trim_ascii_start().starts_with(b"<xml");
        if is_xml && let Ok(document) = Document::parse(&self.body) {
            let known = xinqiao_catalog::endpoint(self.endpoint);
            let known = known.map(|known| (known.product, &known.response));
            return Ok(from_xml(&document.root(), known));
        }
        response::value(&self.body).map_err(|error| Error::Decode {
            endpoint: self.endpoint,
            path: "".into(),
            source: match looks_like(&self.body) {
                TEXT => error.into(),
                kind => format!("{kind} of {} bytes came, no JSON", self.body.len()).into(),
            },
        })
    }

    /// What came from an endpoint that answers with a file.
    pub(crate) fn came(&self) -> Came {
        let known = xinqiao_catalog::endpoint(self.endpoint);
        let envelope = known.map_or(["errcode", "errmsg"], |known| {
            [known.code_field(), message_field(known)]
        });
        let is_field = |name: &str| known.is_some_and(|known| known.response.field(name).is_some());
        let name = self.file_name();
        response::came(
            &self.body,
            self.content_type(),
            name.as_deref(),
            envelope,
            &is_field,
        )
    }

    /// The answer, if it is the file that was asked for.
    pub(crate) fn only_file(self) -> Result<Self, Error> {
        match self.came() {
            Came::Fields(fields) => Err(Error::Fields {
                endpoint: self.endpoint,
                fields: Box::new(fields),
            }),
            Came::File | Came::Nothing => Ok(self),
        }
    }

    /// The body as a file.
    pub fn into_download(self) -> Download {
        Download {
            content_type: self.content_type().to_owned(),
            file_name: self.file_name(),
            bytes: self.body.to_vec(),
        }
    }
}

/// An element as JSON: its text, or its elements by name. One that the catalog calls a list is one; what it does not
/// know is a list where it comes more than once.
fn from_xml(element: &Element<'_, '_>, known: Option<(Product, &Shape)>) -> Value {
    let mut fields = Map::new();
    for child in element.children() {
        let field =
            known.and_then(|(product, shape)| Some((product, &shape.field(child.name())?.ty)));
        let inner =
            field.and_then(|(product, ty)| Some((product, &type_def(product, ty.named()?)?.shape)));
        let value = from_xml(&child, inner);
        let is_list = matches!(field, Some((_, TypeRef::List(_))));
        match fields.get_mut(child.name()) {
            None if is_list => {
                fields.insert(child.name().to_owned(), Value::Array(vec![value]));
            }
            None => {
                fields.insert(child.name().to_owned(), value);
            }
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
        }
    }
    if fields.is_empty() {
        return Value::String(element.text().into_owned());
    }
    Value::Object(fields)
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

const TEXT: &str = "text";
pub(crate) const HTML: &str = "an HTML page";

/// What kind of bytes these are, for messages: their content may hold what nobody must read.
pub(crate) fn looks_like(body: &[u8]) -> &'static str {
    let body = body.trim_ascii_start();
    let begins = |start: &[u8]| {
        body.get(..start.len())
            .is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    match body {
        [] => "an empty answer",
        _ if begins(b"<!doctype html") || begins(b"<html") => HTML,
        [b'<', ..] => "XML",
        [0xff, 0xd8, 0xff, ..] | [0x89, b'P', b'N', b'G', ..] | [b'G', b'I', b'F', b'8', ..] => {
            "a picture"
        }
        [b'#', b'!', b'A', b'M', b'R', ..] | [b'I', b'D', b'3', ..] => "a voice",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "a film",
        [b'%', b'P', b'D', b'F', ..] => "a PDF",
        [0x1f, 0x8b, ..] | [b'P', b'K', 3, 4, ..] => "a packed file",
        _ if std::str::from_utf8(body).is_ok() => TEXT,
        _ => "a file",
    }
}

/// How an endpoint words success and failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope {
    pub(crate) endpoint: &'static str,
    pub(crate) code_field: &'static str,
    pub(crate) message_field: &'static str,
    pub(crate) answer: Content,
}

/// Finds the platform's failure in an answer, if it reports one.
///
/// WECHAT: an endpoint that gives bytes answers its failures as JSON, often called `text/plain` or as the file would
/// be; an endpoint that gives JSON may call it `text/plain` too. So the body decides, not the header.
pub(crate) fn failure(envelope: Envelope, status: u16, body: &[u8]) -> Option<ApiError> {
    if !response::looks_like_object(body) {
        return None;
    }
    let is_success = (200..300).contains(&status);
    let find = if is_success && response::is_file(envelope.answer) {
        response::file_envelope
    } else {
        response::envelope
    };
    let (code, message) = find(body, envelope.code_field, envelope.message_field)?;
    let message = message.as_str().unwrap_or_default();
    let code = match code {
        // WECHAT: a missing `errcode` means success, and so does 0.
        Value::Number(number) => AnswerCode::Number(ErrCode(whole(&number)?)),
        Value::String(text) => match text.trim().parse() {
            Ok(number) => AnswerCode::Number(number),
            Err(_) => AnswerCode::Word(text.as_str().into()),
        },
        _ => return None,
    };
    match &code {
        AnswerCode::Number(code) if code.is_ok() => return None,
        // In the payment products a code within a 2xx answer is data, unless it is all that came instead of a file.
        AnswerCode::Word(word)
            if is_success && (word.is_empty() || !is_envelope_only(envelope, body)) =>
        {
            return None;
        }
        _ => {}
    }
    Some(ApiError::new(envelope.endpoint, code, message, status))
}

/// Whether nothing but an error came from an endpoint that answers with a file.
fn is_envelope_only(envelope: Envelope, body: &[u8]) -> bool {
    let names = [envelope.code_field, envelope.message_field, "detail"];
    response::is_file(envelope.answer)
        && matches!(response::value(body), Ok(Value::Object(fields))
            if fields.keys().all(|name| names.contains(&name.as_str())))
}

/// A whole number, also one that came as `40001.0`.
fn whole(number: &serde_json::Number) -> Option<i64> {
    let float = || {
        let float = number.as_f64()?;
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and small")]
        (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64)
    };
    number.as_i64().or_else(float)
}

/// Name of the message in an endpoint's envelope.
pub(crate) fn message_field(endpoint: &Endpoint) -> &'static str {
    match (endpoint.envelope, endpoint.product) {
        (Some([_, message]), _) => message,
        (None, Product::PayV3 | Product::PayGlobal) => "message",
        (None, Product::PayV2) => "err_code_des",
        (None, _) => "errmsg",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: Envelope = Envelope {
        endpoint: "official_account.test",
        code_field: "errcode",
        message_field: "errmsg",
        answer: Content::Json,
    };

    const FILE: Envelope = Envelope {
        answer: Content::Binary,
        ..JSON
    };

    #[track_caller]
    fn check(envelope: Envelope, status: u16, body: &[u8], want: Option<&str>) {
        let found = failure(envelope, status, body);
        let text = String::from_utf8_lossy(body);
        assert_eq!(
            found.map(|error| error.code.to_string()).as_deref(),
            want,
            "{text}"
        );
    }

    #[test]
    fn a_missing_errcode_means_success() {
        check(JSON, 200, br#"{"ticket":"x"}"#, None);
        check(JSON, 200, br#"{"errcode":0,"errmsg":"ok"}"#, None);
        check(
            JSON,
            200,
            br#"{"errcode":40001,"errmsg":"x"}"#,
            Some("40001"),
        );
        check(JSON, 200, br#"{"errcode":"40001"}"#, Some("40001"));
        check(JSON, 200, br#"{"errcode":40001.0}"#, Some("40001"));
    }

    #[test]
    fn no_byte_of_a_message_costs_its_code() {
        for body in [
            &b"\xef\xbb\xbf{\"errmsg\":\"a\x0b\",\"errcode\":40001}"[..],
            b"{\"errmsg\":\"\xff\xfe\",\"errcode\":40001}",
            b"{\"errcode\":40001,\"errmsg\":\"\xb2\xce",
            b"{\"errcode\":40001,\"errmsg\":\"a \"b\" c\"}\0",
        ] {
            for envelope in [JSON, FILE] {
                check(envelope, 200, body, Some("40001"));
                check(envelope, 500, body, Some("40001"));
            }
        }
    }

    #[test]
    fn an_error_instead_of_a_file_is_found() {
        check(
            FILE,
            200,
            br#"{"errcode":40007,"errmsg":"invalid media_id"}"#,
            Some("40007"),
        );
        check(FILE, 200, "\u{fffd}JFIF".as_bytes(), None);
        // A file whose lines are JSON, and one that merely begins like it.
        check(FILE, 200, b"{\"errcode\":40007}\n{\"errcode\":0}\n", None);
        check(FILE, 200, br#"{note}: "errcode""#, None);
    }

    #[test]
    fn a_payment_code_counts_outside_2xx() {
        let pay = Envelope {
            code_field: "code",
            message_field: "message",
            ..JSON
        };
        check(
            pay,
            400,
            br#"{"code":"PARAM_ERROR","message":"x"}"#,
            Some("PARAM_ERROR"),
        );
        check(
            pay,
            400,
            b"{\"code\":\"PARAM_ERROR\",\"message\":\"\xff\x01",
            Some("PARAM_ERROR"),
        );
        check(pay, 200, br#"{"code":"OK"}"#, None);
        let bill = Envelope {
            answer: Content::Csv,
            ..pay
        };
        let error = br#"{"code":"NO_STATEMENT_EXIST","message":"x"}"#;
        check(bill, 200, error, Some("NO_STATEMENT_EXIST"));
        check(bill, 200, br#"{"code":"A1","rows":[]}"#, None);
    }

    #[test]
    fn what_came_is_named_and_not_quoted() {
        let answer = |body: &'static [u8]| Answer {
            endpoint: "official_account.test",
            status: 200,
            headers: HeaderMap::new(),
            body: Bytes::from_static(body),
        };
        let error = answer(b"\xff\xd8\xff\xe0secret").json().unwrap_err();
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(source, "a picture of 10 bytes came, no JSON");
        assert_eq!(looks_like(b"\r\n<!DOCTYPE HTML>"), HTML);
        assert_eq!(
            answer(b"{\"nickname\":\"a\x0bb\"}").json().unwrap()["nickname"],
            "a b"
        );
    }
}
