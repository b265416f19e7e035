//! Reads what the platform answered.

use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::Value;
use xinqiao_types::ErrCode;
use xinqiao_wire::{Content, Download, response};

use crate::error::{AnswerCode, ApiError, Error};

/// A successful answer, not yet decoded.
#[derive(Debug, Clone)]
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

impl Answer {
    /// The `Content-Type` header, or nothing.
    pub fn content_type(&self) -> &str {
        text(&self.headers, header::CONTENT_TYPE)
    }

    /// The name of the file, from `Content-Disposition`.
    pub fn file_name(&self) -> Option<String> {
        file_name(text(&self.headers, header::CONTENT_DISPOSITION))
    }

    /// The body as JSON; an empty body is `null`.
    pub fn json(&self) -> Result<Value, Error> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        parse(&self.body).map_err(|error| Error::Decode {
            endpoint: self.endpoint,
            path: "".into(),
            source: error.into(),
        })
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

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// JSON as the platform writes it.
///
/// WECHAT: some answers hold control characters inside strings, which JSON forbids; they are read as
/// spaces rather than refused.
fn parse(body: &[u8]) -> Result<Value, serde_json::Error> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    match serde_json::from_slice(body) {
        Ok(value) => Ok(value),
        Err(error) => {
            let cleaned: Vec<u8> = body
                .iter()
                .map(|byte| if *byte < b' ' { b' ' } else { *byte })
                .collect();
            serde_json::from_slice(&cleaned).map_err(|_| error)
        }
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
pub(crate) fn failure(
    envelope: Envelope,
    status: u16,
    content_type: &str,
    body: &[u8],
) -> Option<ApiError> {
    // WECHAT: an endpoint that gives bytes answers its failures as JSON, often called `text/plain`; an
    // endpoint that gives JSON may call it `text/plain` too. So the body decides, not the header.
    let may_be_json = response::looks_like_object(body);
    let is_file = matches!(envelope.answer, Content::Binary | Content::Csv)
        && (content_type.starts_with("image/")
            || content_type.starts_with("video/")
            || content_type.starts_with("audio/"))
        && body.len() > MAX_ERROR;
    if !may_be_json || is_file {
        return None;
    }
    let (code, message) = response::envelope(body, envelope.code_field, envelope.message_field)?;
    let message = message.as_str().unwrap_or_default();
    let code = match code {
        // WECHAT: a missing `errcode` means success, and so does 0.
        Value::Number(number) => AnswerCode::Number(ErrCode(number.as_i64()?)),
        Value::String(text) => match text.parse() {
            Ok(number) => AnswerCode::Number(number),
            Err(_) => AnswerCode::Word(text.as_str().into()),
        },
        _ => return None,
    };
    match &code {
        AnswerCode::Number(code) if code.is_ok() => return None,
        // In the payment products a code within a 2xx answer is data.
        AnswerCode::Word(_) if (200..300).contains(&status) => return None,
        _ => {}
    }
    Some(ApiError::new(envelope.endpoint, code, message, status))
}

/// No error message of the platform is longer; what is longer is a file.
const MAX_ERROR: usize = 4096;

/// Reads `attachment; filename="x.jpg"`, also unquoted and in RFC 5987's form.
///
/// Only the last segment of a path is kept: a name from outside must not choose a folder.
fn file_name(disposition: &str) -> Option<String> {
    let parameter = |wanted: &str| {
        disposition.split(';').skip(1).find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            name.trim()
                .eq_ignore_ascii_case(wanted)
                .then(|| value.trim().trim_matches('"'))
        })
    };
    let extended = parameter("filename*")
        .and_then(|value| value.rsplit_once("''"))
        .map(|(_, encoded)| decode(encoded));
    let name = extended.or_else(|| parameter("filename").map(str::to_owned))?;
    let base = name.rsplit(['/', '\\']).next().unwrap_or_default();
    (!base.is_empty() && base != "." && base != "..").then(|| base.to_owned())
}

fn decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail
            .get(..2)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            Some(decoded) if byte == b'%' => {
                out.push(decoded);
                rest = &tail[2..];
            }
            _ => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
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

    #[track_caller]
    fn check(envelope: Envelope, status: u16, kind: &str, body: &str, want: Option<&str>) {
        let found = failure(envelope, status, kind, body.as_bytes());
        assert_eq!(found.map(|error| error.code.to_string()).as_deref(), want);
    }

    #[test]
    fn a_missing_errcode_means_success() {
        check(JSON, 200, "application/json", r#"{"ticket":"x"}"#, None);
        check(
            JSON,
            200,
            "application/json",
            r#"{"errcode":0,"errmsg":"ok"}"#,
            None,
        );
        check(
            JSON,
            200,
            "text/plain",
            r#"{"errcode":40001,"errmsg":"x"}"#,
            Some("40001"),
        );
        check(
            JSON,
            200,
            "text/plain",
            r#"{"errcode":"40001"}"#,
            Some("40001"),
        );
        check(
            JSON,
            200,
            "application/json",
            "\u{feff}{\"errmsg\":\"a\u{b}\",\"errcode\":40001}",
            Some("40001"),
        );
    }

    #[test]
    fn an_error_instead_of_a_file_is_found() {
        let file = Envelope {
            answer: Content::Binary,
            ..JSON
        };
        check(
            file,
            200,
            "text/plain",
            r#"{"errcode":40007,"errmsg":"invalid media_id"}"#,
            Some("40007"),
        );
        check(file, 200, "image/jpeg", "\u{fffd}JFIF", None);
        check(
            file,
            200,
            "image/jpeg",
            r#"{"errcode":40007}"#,
            Some("40007"),
        );
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
            "application/json",
            r#"{"code":"PARAM_ERROR","message":"x"}"#,
            Some("PARAM_ERROR"),
        );
        check(pay, 200, "application/json", r#"{"code":"OK"}"#, None);
    }

    #[test]
    fn file_names_are_read_and_stripped_of_folders() {
        assert_eq!(
            file_name(r#"attachment; filename="a.jpg""#).as_deref(),
            Some("a.jpg")
        );
        assert_eq!(
            file_name("attachment; filename=a.jpg").as_deref(),
            Some("a.jpg")
        );
        assert_eq!(
            file_name("attachment; filename=\"x\"; filename*=UTF-8''%E6%A1%A5.jpg").as_deref(),
            Some("桥.jpg")
        );
        assert_eq!(
            file_name(r#"a; filename="../../etc/passwd""#).as_deref(),
            Some("passwd")
        );
        assert_eq!(file_name(r#"a; filename="..""#), None);
        assert_eq!(file_name("inline"), None);
    }

    #[test]
    fn control_characters_do_not_make_an_answer_unreadable() {
        let value = parse(b"{\"nickname\":\"a\x0bb\"}").unwrap();
        assert_eq!(value["nickname"], "a b");
    }
}
