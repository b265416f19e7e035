//! Reading what was verified: it is never thrown away.

use std::borrow::Cow;

use serde_json::Value;
use xinqiao_wire::{
    json::{Flaw, Within, mend},
    xml::{self, Document, MAX_BYTES, XmlError, XmlErrorKind},
};

use super::{
    Form, Message, MessageError,
    head::{Read, Typed, read_json, read_xml},
    lower,
};

/// How a verified message was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Reading {
    /// It is well-formed, and any reader takes it.
    #[default]
    Clean,
    /// Its meaning was plain: what is handed on is well-formed.
    Repaired {
        /// The diagnosis rule of what was mended.
        rule: &'static str,
    },
    /// It cannot be read. It is kept and handed on as it came.
    Unreadable {
        /// The diagnosis rule of what is wrong.
        rule: &'static str,
    },
    /// There is a document type in it: it is kept, and no app gets it, because a careless reader of XML
    /// would do what it says.
    Doctype,
}

impl Reading {
    /// The reading in one word: `clean`, `repaired`, `unreadable` or `doctype`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Repaired { .. } => "repaired",
            Self::Unreadable { .. } => "unreadable",
            Self::Doctype => "doctype",
        }
    }

    /// The diagnosis rule; none if it is clean.
    pub const fn rule(self) -> Option<&'static str> {
        match self {
            Self::Clean => None,
            Self::Repaired { rule } | Self::Unreadable { rule } => Some(rule),
            Self::Doctype => Some("xml.doctype"),
        }
    }

    /// Whether its fields are known.
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Clean | Self::Repaired { .. })
    }
}

/// What the second attempt came to.
struct Mended {
    read: Read,
    text: String,
    /// What was mended, if anything had to be.
    rule: Option<&'static str>,
}

impl Message {
    /// Reads a verified message, whatever it is. The bytes are kept; [`Message::reading`] says how it went.
    ///
    /// What cannot be read is a message without a name; so is what has no type, with its fields.
    pub fn read(bytes: impl Into<Vec<u8>>) -> Self {
        let raw = bytes.into();
        let strict = match strictly(&raw) {
            Ok(read) => return Self::from_reading(raw, read, None, Reading::Clean),
            Err(error) => error,
        };
        let error = match again(&raw) {
            Ok(found) => {
                let reading = match (found.read.is_untyped(), found.rule) {
                    (true, _) => UNTYPED,
                    (false, Some(rule)) => Reading::Repaired { rule },
                    (false, None) => Reading::Clean,
                };
                let text = found.rule.map(|_| found.text);
                return Self::from_reading(raw, found.read, text, reading);
            }
            Err(error) => error,
        };
        let reading = match strict.as_ref().map_or(error.rule(), MessageError::rule) {
            _ if matches!(&error, MessageError::Xml(error) if error.kind == XmlErrorKind::Doctype) => {
                Reading::Doctype
            }
            // A reader that knows its encoding would read it, and do what it says.
            _ if Form::of(&raw) == Form::Xml && xml::may_hold_doctype(&raw) => Reading::Doctype,
            rule => Reading::Unreadable { rule },
        };
        Self::from_reading(raw, Read::default(), None, reading)
    }
}

const UNTYPED: Reading = Reading::Unreadable {
    rule: MessageError::Untyped.rule(),
};

/// Reads what every reader takes. Fails without an error for what only some do.
fn strictly(raw: &[u8]) -> Result<Read, Option<MessageError>> {
    match Form::of(raw) {
        Form::Xml => {
            let document = Document::parse_whole(raw).map_err(|error| Some(error.into()))?;
            // A text between the fields belonged to a text that was not split.
            if !document.is_clean() || document.root().has_own_text() {
                return Err(None);
            }
            read_xml(&document, Typed::Must).map_err(Some)
        }
        Form::Json => {
            let value = serde_json::from_slice(raw).map_err(|error| Some(error.into()))?;
            read_json(&lower::usual(value), Typed::Must).map_err(Some)
        }
    }
}

/// The second attempt.
fn again(raw: &[u8]) -> Result<Mended, MessageError> {
    let text = xml::text_of(raw);
    if Form::of(text.as_bytes()) == Form::Json {
        return json(&text, matches!(text, Cow::Owned(_)));
    }
    let repaired = xml::repair(raw).map_err(|kind| XmlError { kind, at: 0 })?;
    let document = Document::parse_within(repaired.text.as_bytes(), MAX_BYTES * 8)?;
    Ok(Mended {
        read: read_xml(&document, Typed::May)?,
        text: repaired.text,
        rule: repaired.mended.map(xml::Mended::rule),
    })
}

fn json(whole: &str, recoded: bool) -> Result<Mended, MessageError> {
    let text = whole
        .trim_matches(|each: char| each.is_whitespace() || each.is_control() || each == '\u{feff}');
    let mended = mended_json(text);
    let value: Value = serde_json::from_str(&mended)?;
    let read = read_json(&lower::usual(value), Typed::May)?;
    let rule = if recoded {
        Some("json.encoding")
    } else {
        (mended != whole.trim()).then_some("json.character")
    };
    Ok(Mended {
        read,
        text: mended,
        rule,
    })
}

/// JSON whose texts hold what they may hold: raw control characters and halves of surrogate pairs become
/// U+FFFD, and a backslash that begins no escape stands for itself.
fn mended_json(text: &str) -> String {
    let mended = mend(Cow::Borrowed(text), |flaw| match flaw {
        Flaw::Control(b'\n', Within::String) => Some("\\n"),
        Flaw::Control(b'\r', Within::String) => Some("\\r"),
        Flaw::Control(b'\t', Within::String) => Some("\\t"),
        Flaw::Control(_, Within::String) | Flaw::Half => Some("\u{fffd}"),
        Flaw::Control(0, Within::Nothing) => Some(""),
        Flaw::Control(..) => None,
    });
    mended.into_owned()
}
