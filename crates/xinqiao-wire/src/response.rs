//! From the body of an HTTP answer to a response record.

use crate::endpoint::{Content, EndpointInfo};
use crate::input::DecodeError;
use crate::json::{self, Keep};
use crate::markup;
use crate::record::Record;

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
            let slot = record.slot_mut(index);
            if slot.is_some_and(|slot| slot.take_body(content_type, file_name, body)) {
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
    let kind = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    let looks = first == Some(&b'{');
    match kind.as_str() {
        "application/json" | "text/json" => looks,
        "text/plain" | "" | "application/octet-stream" | "text/html" => {
            looks && serde_json::from_slice::<serde_json::Value>(body).is_ok()
        }
        _ => false,
    }
}
