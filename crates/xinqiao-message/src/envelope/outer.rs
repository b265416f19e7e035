//! What is read of an envelope before it is verified: where `Encrypt` is.

use std::{borrow::Cow, fmt};

use memchr::memmem;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use xinqiao_wire::xml::{Document, Element, XmlErrorKind};

use super::EnvelopeError;
use crate::inbound::Form;

/// What a callback is wrapped in. The form of a reply is the form of its push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Wrapping {
    /// `<xml><Encrypt>…`: official accounts, WeCom, third-party platforms.
    #[default]
    Xml,
    /// `{"Encrypt":…}`: mini programs that are set so.
    Json,
    /// `{"encrypt":…}`, and small letters inside: WeCom's bots (智能机器人).
    ///
    /// Source: doc page 101033 of WeCom (回调和回复的加解密方案).
    LowerJson,
}

impl Wrapping {
    /// What a message that was not encrypted came in: told by its first byte that is no blank, and in
    /// JSON by how it writes its type.
    pub fn of(message: &[u8]) -> Self {
        match Form::of(message) {
            Form::Xml => Self::Xml,
            Form::Json => match Outer::read_json(message) {
                Ok(outer) => outer.wrapping,
                Err(_) => Self::Json,
            },
        }
    }

    /// The form of what is inside.
    pub const fn form(self) -> Form {
        match self {
            Self::Xml => Form::Xml,
            Self::Json | Self::LowerJson => Form::Json,
        }
    }
}

/// The fields of an envelope.
#[derive(Debug, Default)]
pub(super) struct Outer<'a> {
    pub(super) encrypt: Option<Cow<'a, [u8]>>,
    pub(super) signature: Option<Cow<'a, str>>,
    pub(super) timestamp: Option<Cow<'a, str>>,
    pub(super) nonce: Option<Cow<'a, str>>,
    /// Whether the message stands beside its ciphertext.
    pub(super) has_plain: bool,
    pub(super) wrapping: Wrapping,
}

impl<'a> Outer<'a> {
    /// Reads a whole envelope.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        match Form::of(body) {
            Form::Xml => Self::read_xml(body),
            Form::Json => Self::read_json(body),
        }
    }

    /// [`Outer::read`], or, if what stands beside the ciphertext cannot be read, the ciphertext alone: in
    /// compatible mode a text that breaks its XML must not cost the message.
    pub(super) fn find(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        let error = match Self::read(body) {
            Err(error @ (EnvelopeError::Xml { .. } | EnvelopeError::Json)) => error,
            read => return read,
        };
        if let EnvelopeError::Xml { source } = &error
            && matches!(source.kind, XmlErrorKind::Doctype | XmlErrorKind::TooLarge)
        {
            return Err(error);
        }
        let found = match Form::of(body) {
            Form::Xml => lone_element(body).map(|encrypt| (encrypt, Wrapping::Xml, "<MsgType>")),
            Form::Json => lone_member(body, "\"Encrypt\"")
                .map(|encrypt| (encrypt, Wrapping::Json, "\"MsgType\"")),
        };
        let (encrypt, wrapping, plain) = found.ok_or(error)?;
        Ok(Self {
            encrypt: Some(encrypt),
            has_plain: memmem::find(body, plain.as_bytes()).is_some(),
            wrapping,
            ..Self::default()
        })
    }

    fn read_xml(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        let document = Document::parse(body)?;
        let mut outer = Self::default();
        for child in document.root().children() {
            match child.name() {
                "Encrypt" if outer.encrypt.is_some() => return Err(EnvelopeError::EncryptTwice),
                "Encrypt" => outer.encrypt = Some(Cow::Borrowed(bytes_of(child))),
                "MsgSignature" => outer.signature = text_of(child),
                "TimeStamp" => outer.timestamp = text_of(child),
                "Nonce" => outer.nonce = text_of(child),
                "MsgType" => outer.has_plain = true,
                _ => {}
            }
        }
        Ok(outer)
    }

    fn read_json(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let read: JsonOuter<'a> = serde_json::from_slice(body).map_err(|_| EnvelopeError::Json)?;
        if read.twice {
            return Err(EnvelopeError::EncryptTwice);
        }
        Ok(read.outer)
    }
}

/// The text of an element that needs no decoding: base64, hexadecimal digits and numbers have no references,
/// and what has some is left as it is, which no signature fits.
fn bytes_of<'a>(element: Element<'a, '_>) -> &'a [u8] {
    element.plain_bytes().unwrap_or_else(|| {
        let raw = element.raw();
        let plain = |text: &&[u8]| memchr::memchr2(b'<', b'&', text).is_none();
        uncovered(raw).filter(plain).unwrap_or(raw)
    })
}

fn text_of<'a>(element: Element<'a, '_>) -> Option<Cow<'a, str>> {
    std::str::from_utf8(bytes_of(element))
        .ok()
        .map(Cow::Borrowed)
}

/// What stands between blanks, and in a CDATA section if there is one.
fn uncovered(text: &[u8]) -> Option<&[u8]> {
    let text = text.trim_ascii();
    text.strip_prefix(b"<![CDATA[")
        .map_or(Some(text), |text| text.strip_suffix(b"]]>"))
}

fn into_bytes(text: Cow<'_, str>) -> Cow<'_, [u8]> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    }
}

/// The ciphertext of a body that is no XML otherwise, if there is exactly one.
fn lone_element(body: &[u8]) -> Option<Cow<'_, [u8]>> {
    let text = lone(body, b"<Encrypt>")?;
    let text = &text[..memmem::find(text, b"</Encrypt>")?];
    let inner = uncovered(text)?;
    is_base64(inner).then_some(Cow::Borrowed(inner))
}

/// The same of a body that is no JSON otherwise. JSON may write `/` as `\/`.
fn lone_member<'a>(body: &'a [u8], name: &str) -> Option<Cow<'a, [u8]>> {
    let text = lone(body, name.as_bytes())?.trim_ascii_start();
    let text = text
        .strip_prefix(b":")?
        .trim_ascii_start()
        .strip_prefix(b"\"")?;
    let text = &text[..memchr::memchr(b'"', text)?];
    if is_base64(text) {
        return Some(Cow::Borrowed(text));
    }
    let plain: Vec<u8> = text.iter().copied().filter(|byte| *byte != b'\\').collect();
    is_base64(&plain).then_some(Cow::Owned(plain))
}

/// What follows the only `mark` in a text.
fn lone<'a>(body: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    let begin = memmem::find(body, mark)? + mark.len();
    let rest = &body[begin..];
    memmem::find(rest, mark).is_none().then_some(rest)
}

fn is_base64(text: &[u8]) -> bool {
    text.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='))
}

struct JsonOuter<'a> {
    outer: Outer<'a>,
    twice: bool,
}

/// A text that borrows if it can.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for JsonOuter<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OuterVisitor)
    }
}

struct OuterVisitor;

impl<'de> Visitor<'de> for OuterVisitor {
    type Value = JsonOuter<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonOuter<'de>, A::Error> {
        let mut outer = Outer {
            wrapping: Wrapping::Json,
            ..Outer::default()
        };
        let mut twice = false;
        while let Some(Text(name)) = map.next_key()? {
            match &*name {
                "Encrypt" | "encrypt" => {
                    twice |= outer.encrypt.is_some();
                    if name == "encrypt" {
                        outer.wrapping = Wrapping::LowerJson;
                    }
                    let value: Option<Text<'de>> = map.next_value()?;
                    outer.encrypt = value.map(|Text(text)| into_bytes(text));
                }
                "MsgSignature" | "msgsignature" => outer.signature = scalar(&mut map)?,
                "TimeStamp" | "timestamp" => outer.timestamp = scalar(&mut map)?,
                "Nonce" | "nonce" => outer.nonce = scalar(&mut map)?,
                "MsgType" | "msgtype" => {
                    outer.has_plain = true;
                    if name == "msgtype" && outer.encrypt.is_none() {
                        outer.wrapping = Wrapping::LowerJson;
                    }
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(JsonOuter { outer, twice })
    }
}

/// A text or a number, as text. Anything else is a field of a message that has the same name: it is passed
/// over, not built.
fn scalar<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
    map.next_value().map(|Scalar(text)| text)
}

struct Scalar<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar(Some(Cow::Owned(number.to_string()))))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Scalar<'de>, E> {
        Ok(Scalar(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Scalar<'de>, E> {
        Ok(Scalar(None))
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Scalar<'de>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encrypt_of(body: &str) -> Vec<u8> {
        let outer = Outer::find(body.as_bytes()).expect("it can be read");
        outer.encrypt.expect("it is there").into_owned()
    }

    #[test]
    fn references_in_an_envelope_are_not_resolved() {
        for written in ["&#65;AAA", "A&amp;A", "<![CDATA[A]]>&#65;", "A<!-- -->A"] {
            let body = format!("<xml><Encrypt>{written}</Encrypt><Nonce>{written}</Nonce></xml>");
            assert_eq!(encrypt_of(&body), written.as_bytes());
            let outer = Outer::find(body.as_bytes()).expect("it can be read");
            assert_eq!(outer.nonce.as_deref(), Some(written));
        }
    }

    #[test]
    fn blanks_around_a_section_do_not_count() {
        let body = "<xml>\n <Encrypt>\n  <![CDATA[AA==]]>\n </Encrypt><Nonce> <![CDATA[a-1]]></Nonce></xml>";
        assert_eq!(encrypt_of(body), b"AA==");
        let outer = Outer::find(body.as_bytes()).expect("it can be read");
        assert_eq!(outer.nonce.as_deref(), Some("a-1"));
    }

    #[test]
    fn fields_that_are_no_text_are_passed_over() {
        for value in [
            "[[],{\"a\":1},1e5]",
            "{\"a\":[null]}",
            "null",
            "true",
            "1.5",
        ] {
            let body = format!("{{\"Nonce\":{value},\"Encrypt\":\"AA==\",\"TimeStamp\":12}}");
            let outer = Outer::find(body.as_bytes()).expect("it can be read");
            assert_eq!(
                (outer.nonce.as_deref(), outer.timestamp.as_deref()),
                (None, Some("12"))
            );
            assert_eq!(encrypt_of(&body), b"AA==");
        }
    }
}
