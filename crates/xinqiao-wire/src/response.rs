//! From the body of an HTTP answer to a response record.

use serde_json::Value;

use crate::endpoint::{Content, EndpointInfo};
use crate::input::{DecodeError, Input, Token};
use crate::json::{self, Keep, Reader};
use crate::markup;
use crate::record::Record;
use crate::slot::{Slot, ViewMut};

/// Reads an answer. The error envelope is looked at by the caller, before.
pub fn decode(
    record: &mut dyn Record,
    info: &EndpointInfo,
    content_type: &str,
    file_name: Option<&str>,
    body: &[u8],
    keep: Keep,
) -> Result<(), DecodeError> {
    if matches!(info.answer, Content::Binary | Content::Csv | Content::Raw)
        && !is_json(content_type, body)
    {
        for index in 0..record.shape().fields.len() {
            if let Some(ViewMut::Download(file)) = record.slot_mut(index).map(Slot::view_mut) {
                content_type.clone_into(&mut file.content_type);
                file.file_name = file_name.map(str::to_owned);
                body.clone_into(&mut file.bytes);
                return Ok(());
            }
        }
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    match info.answer {
        Content::Xml => markup::decode(record, body, keep),
        _ => json::decode(record, body, keep),
    }
}

/// Whether an answer that may be a file is JSON instead.
///
/// WECHAT: JSON comes as `text/plain` on many paths, and files as `application/octet-stream`.
#[must_use]
pub fn is_json(content_type: &str, body: &[u8]) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    let is = |names: &[&str]| names.iter().any(|name| kind.eq_ignore_ascii_case(name));
    if !looks_like_object(body) {
        return false;
    }
    if is(&["application/json", "text/json"]) {
        return true;
    }
    let whole = || {
        let mut reader = Reader::new(body, Keep::Typed)?;
        reader.skip()?;
        reader.end()
    };
    is(&["text/plain", "", "application/octet-stream", "text/html"]) && whole().is_ok()
}

/// Whether a body begins as a JSON object does, perhaps behind a byte order mark.
#[must_use]
pub fn looks_like_object(body: &[u8]) -> bool {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// Code and message of an answer's envelope, if its object has a code.
///
/// An answer without the code's name anywhere is passed over by one search through its bytes, and reading stops once
/// both are found, so that a large answer is not read twice. WECHAT: the platform never escapes these names.
#[must_use]
pub fn envelope(body: &[u8], code_field: &str, message_field: &str) -> Option<(Value, Value)> {
    memchr::memmem::find(body, code_field.as_bytes())?;
    let mut reader = Reader::new(body, Keep::Typed).ok()?;
    if !matches!(reader.next().ok()?, Token::Map) {
        return None;
    }
    let (mut code, mut message) = (None, None);
    while code.is_none() || message.is_none() {
        let part = match reader.key().ok()? {
            None => break,
            Some(name) if name == code_field => &mut code,
            Some(name) if name == message_field => &mut message,
            Some(_) => {
                reader.skip().ok()?;
                continue;
            }
        };
        *part = Some(reader.value().ok()?);
    }
    Some((code?, message.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::envelope;

    #[track_caller]
    fn check(body: &str, want: Option<(serde_json::Value, serde_json::Value)>) {
        assert_eq!(
            envelope(body.as_bytes(), "errcode", "errmsg"),
            want,
            "{body}"
        );
    }

    #[test]
    fn an_envelope_is_found_wherever_it_stands() {
        let bad = Some((json!(40001), json!("bad")));
        check(r#"{"errcode":40001,"errmsg":"bad"}"#, bad.clone());
        check(
            r#" {"errmsg" : "bad", "a":[{"errcode":1}], "errcode": 40001 }"#,
            bad.clone(),
        );
        check("\u{feff}{\"errmsg\":\"bad\",\"errcode\":40001}", bad);
        check(
            "{\"errcode\":\"1\",\"errmsg\":\"a\u{b}b\"}",
            Some((json!("1"), json!("a\u{b}b"))),
        );
        check(r#"{"errcode":1}"#, Some((json!(1), json!(null))));
    }

    #[test]
    fn what_is_no_envelope_is_none() {
        for body in [
            "",
            "errcode",
            "[\"errcode\"]",
            r#"{"data":{"errcode":1,"errmsg":"inner"}}"#,
            r#"{"note":"errcode","errmsg":"x"}"#,
            r#"{"a":[,"errcode":1}"#,
            r#"{"errmsg":"cut","errcode":"#,
        ] {
            check(body, None);
        }
        assert_eq!(
            envelope(b"{\"errcode\":1,\"errmsg\":\"\xff\"}", "errcode", "errmsg"),
            None
        );
    }
}
