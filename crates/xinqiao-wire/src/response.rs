//! From the body of an HTTP answer to a response record.
//!
//! What the platform answers is not always JSON as it should be: user's names hold raw control characters and halves
//! of characters, pages of other encodings stand in messages, answers are cut off. A body that reads strictly is read
//! as it is; only one that does not is copied and mended ([`mend`]). A failure's code is found in what cannot be
//! mended too ([`envelope`]).
//!
//! Where a file is expected, its content decides what came, and the headers only help ([`came`]).

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::endpoint::{Content, EndpointInfo};
use crate::input::{DecodeError, Input, Token};
use crate::json::{self, Flaw, Keep, Reader, Within};
use crate::markup;
use crate::record::Record;
use crate::slot::{Slot, View, ViewMut};

/// Reads an answer. The error envelope is looked at by the caller, before.
pub fn decode(
    record: &mut dyn Record,
    info: &EndpointInfo,
    content_type: &str,
    file_name: Option<&str>,
    body: &[u8],
    keep: Keep,
) -> Result<(), DecodeError> {
    if is_file(info.answer) {
        let names = [info.code_field, info.message_field];
        let fields = &record.shape().fields;
        let known = |name: &str| {
            let named = fields.iter().any(|field| field.name == name);
            named && !name.is_empty() && !names.contains(&name)
        };
        let came = came(body, content_type, file_name, names, &known);
        match came {
            Came::File => {
                for index in 0..fields.len() {
                    // A slot is touched only if it is the file's: an absent text would become an empty one.
                    let is_file = |slot: &dyn Slot| matches!(slot.view(), View::Download(_));
                    if record.slot(index).is_some_and(is_file)
                        && let Some(ViewMut::Download(file)) =
                            record.slot_mut(index).map(Slot::view_mut)
                    {
                        content_type.clone_into(&mut file.content_type);
                        file.file_name = file_name.map(str::to_owned);
                        body.clone_into(&mut file.bytes);
                        return Ok(());
                    }
                }
            }
            Came::Fields(map) if map.keys().any(|name| known(name)) => {}
            Came::Fields(map) => return Err(DecodeError::new(instead_of_file(&map), 0)),
            Came::Nothing => return Err(DecodeError::new(NO_FILE, 0)),
        }
    }
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(());
    }
    match info.answer {
        Content::Xml => markup::decode(record, body, keep),
        _ => decode_json(record, body, keep),
    }
}

/// Reads JSON of the platform's into a record that is as new, as leniently as an answer.
pub fn decode_json(record: &mut dyn Record, body: &[u8], keep: Keep) -> Result<(), DecodeError> {
    let mut again = false;
    mended(body, |text| {
        if std::mem::replace(&mut again, true) {
            record.clear();
        }
        json::decode(record, text, keep)
    })
}

/// Reads an answer as any JSON value, as leniently as [`decode`].
pub fn value(body: &[u8]) -> Result<Value, DecodeError> {
    mended(body, |text| {
        let mut reader = Reader::new(text, Keep::Typed)?;
        let value = reader.value()?;
        reader.end().map(|()| value)
    })
}

/// Whether an endpoint answers with a file.
#[must_use]
pub const fn is_file(answer: Content) -> bool {
    matches!(answer, Content::Binary | Content::Csv | Content::Raw)
}

/// Why an answer that says success without a file is none.
pub const NO_FILE: &str = "says success, and holds no file";

/// Why an answer with fields cannot be taken for a file.
#[must_use]
pub fn instead_of_file(fields: &Map<String, Value>) -> String {
    let names: Vec<_> = fields.keys().take(8).map(String::as_str).collect();
    format!("holds `{}` instead of a file", names.join("`, `"))
}

/// What came from an endpoint that answers with a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Came {
    /// The file.
    File,
    /// An object: where the file lies, or an answer of another kind.
    Fields(Map<String, Value>),
    /// An object that says success and nothing else.
    Nothing,
}

/// Neither an error nor a pointer of the platform is longer; what is longer is a file.
pub const LONGEST_OBJECT: usize = 64 << 10;

/// Tells what came where a file was expected. `envelope`: names of code and message; `known`: whether the endpoint's
/// answer has a field of this name.
///
/// An object is an answer rather than a file that happens to be JSON if one of its fields is known, or if it has no
/// file name and either holds an address (`…url`) or is called JSON by its type. WECHAT: errors and pointers come as
/// `text/plain` and as `image/jpeg`, files as `text/plain`: the type alone decides nothing.
#[must_use]
pub fn came(
    body: &[u8],
    content_type: &str,
    file_name: Option<&str>,
    envelope: [&str; 2],
    known: &dyn Fn(&str) -> bool,
) -> Came {
    if body.len() > LONGEST_OBJECT || !looks_like_object(body) {
        return Came::File;
    }
    let Ok(Value::Object(fields)) = value(body) else {
        return Came::File;
    };
    if fields.keys().all(|name| envelope.contains(&name.as_str())) {
        return Came::Nothing;
    }
    let is_url = |(name, value): (&String, &Value)| {
        let url = value.as_str().unwrap_or_default();
        name.ends_with("url") && (url.starts_with("https://") || url.starts_with("http://"))
    };
    let told = || file_name.is_none() && (is_json(content_type) || fields.iter().any(is_url));
    if fields.keys().any(|name| known(name)) || told() {
        Came::Fields(fields)
    } else {
        Came::File
    }
}

fn is_json(content_type: &str) -> bool {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    ["application/json", "text/json"]
        .iter()
        .any(|name| kind.eq_ignore_ascii_case(name))
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
/// both are found, so that a large answer is not read twice. WECHAT: the platform never escapes these names. In an
/// answer that cannot be read, not even mended, they are looked for as text.
#[must_use]
pub fn envelope(body: &[u8], code_field: &str, message_field: &str) -> Option<(Value, Value)> {
    memchr::memmem::find(body, code_field.as_bytes())?;
    match mended(body, |text| pair(text, code_field, message_field)) {
        Ok((code, message)) => Some((code?, message.unwrap_or_default())),
        Err(_) => Some((
            glean(body, code_field)?,
            glean(body, message_field).unwrap_or_default(),
        )),
    }
}

/// As [`envelope`], where a file is expected: several values after one another, or an object that is too long, are a
/// file with JSON in it.
#[must_use]
pub fn file_envelope(body: &[u8], code_field: &str, message_field: &str) -> Option<(Value, Value)> {
    if body.len() > LONGEST_OBJECT || !looks_like_object(body) {
        return None;
    }
    let followed = mended(body, |text| {
        let mut reader = Reader::new(text, Keep::Typed)?;
        reader.skip()?;
        Ok(reader.end().is_err())
    });
    match followed {
        Ok(true) => None,
        _ => envelope(body, code_field, message_field),
    }
}

fn pair(
    body: &[u8],
    code_field: &str,
    message_field: &str,
) -> Result<(Option<Value>, Option<Value>), DecodeError> {
    let mut reader = Reader::new(body, Keep::Typed)?;
    let (mut code, mut message) = (None, None);
    if !matches!(reader.next()?, Token::Map) {
        return Ok((code, message));
    }
    while code.is_none() || message.is_none() {
        let part = match reader.key()? {
            None => return Ok((code, message)),
            Some(name) if name == code_field => &mut code,
            Some(name) if name == message_field => &mut message,
            Some(_) => {
                reader.skip()?;
                continue;
            }
        };
        *part = Some(reader.value()?);
    }
    // The object is still open: a number at the end of a body that was cut may have had more digits.
    match reader.end() {
        Ok(()) => Err(DecodeError::new("ends too early", body.len())),
        Err(_) => Ok((code, message)),
    }
}

/// Reads a body that may have to be mended: at once where it holds bytes that JSON forbids, else if it does not read.
fn mended<T>(
    body: &[u8],
    mut read: impl FnMut(&[u8]) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    // The least byte, without a branch: many are compared at once.
    let least = body.iter().fold(u8::MAX, |least, byte| least.min(*byte));
    if least < b' ' {
        return read(mend(body).as_bytes());
    }
    let refused = match read(body) {
        Ok(value) => return Ok(value),
        Err(refused) => refused,
    };
    match mend(body) {
        Cow::Borrowed(_) => Err(refused),
        Cow::Owned(text) => read(text.as_bytes()),
    }
}

/// JSON as it was meant: bytes that are no UTF-8 become U+FFFD, control characters that stand raw in a string become
/// spaces (outside they are passed over as blanks), and a backslash that begins no escape stands for itself. Escapes
/// stay as they are.
///
/// WECHAT: names of users hold such characters, and half a character where a name was cut at a number of bytes.
#[must_use]
pub fn mend(body: &[u8]) -> Cow<'_, str> {
    json::mend(String::from_utf8_lossy(body), |flaw| match flaw {
        Flaw::Control(b'\t' | b'\n' | b'\r', Within::Nothing) | Flaw::Half => None,
        Flaw::Control(..) => Some(" "),
    })
}

/// The value behind a name in text that is no JSON: the first that stands inside one brace. A number counts only if
/// it is seen to end; a text goes as far as there is any.
fn glean(body: &[u8], name: &str) -> Option<Value> {
    let quoted = format!("\"{name}\"");
    let mut depth = 0_i64;
    let mut seen = 0;
    memchr::memmem::find_iter(body, quoted.as_bytes()).find_map(|at| {
        for byte in &body[seen..at] {
            depth += i64::from(*byte == b'{') - i64::from(*byte == b'}');
        }
        seen = at;
        if depth != 1 {
            return None;
        }
        let rest = body[at + quoted.len()..].trim_ascii_start();
        let rest = rest.strip_prefix(b":")?.trim_ascii_start();
        if let Some(text) = rest.strip_prefix(b"\"") {
            return Some(Value::String(broken_text(text)));
        }
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = rest[sign..].iter().take_while(|byte| byte.is_ascii_digit());
        let end = sign + digits.count();
        let number = std::str::from_utf8(&rest[..end]).ok()?.parse::<i64>();
        let ends = matches!(rest.get(end)?, b',' | b'}' | b' ' | b'\t' | b'\r' | b'\n');
        Some(Value::from(number.ok().filter(|_| ends)?))
    })
}

/// The rest of a text whose quotes may not be right: to a quote behind which the object goes on or ends.
fn broken_text(rest: &[u8]) -> String {
    let ends = memchr::memchr_iter(b'"', rest).find(|at| {
        let escaped = rest[..*at].iter().rev().take_while(|byte| **byte == b'\\');
        let next = rest[at + 1..].trim_ascii_start().first();
        escaped.count() % 2 == 0 && matches!(next, None | Some(b',' | b'}'))
    });
    let text = String::from_utf8_lossy(&rest[..ends.unwrap_or(rest.len())]);
    text.replace(|character: char| character.is_control(), " ")
}

#[cfg(test)]
mod tests;
