//! The writer: elements in the order they are asked for, text in CDATA as the platform writes it.

use std::fmt::{Display, Write};

use super::text::{REPLACEMENT, find_cdata_end, has_forbidden, is_xml_char};

/// Writes a document.
///
/// Names are the program's own; texts may be anything. A text is never able to end its element: `]]>`
/// is split over two CDATA sections, and what XML 1.0 cannot hold becomes U+FFFD.
///
/// ```
/// use xinqiao_wire::xml::Writer;
///
/// let mut xml = Writer::new();
/// xml.open("xml").cdata("Content", "a]]>b").number("CreateTime", 12).close("xml");
/// let expected = "<xml><Content><![CDATA[a]]]]><![CDATA[>b]]></Content><CreateTime>12</CreateTime></xml>";
/// assert_eq!(xml.finish(), expected);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Writer {
    out: String,
}

impl Writer {
    /// An empty document.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty document with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            out: String::with_capacity(capacity),
        }
    }

    /// Goes on behind what `out` holds.
    pub const fn append_to(out: String) -> Self {
        Self { out }
    }

    /// `<name>`
    pub fn open(&mut self, name: &str) -> &mut Self {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        self
    }

    /// `</name>`
    pub fn close(&mut self, name: &str) -> &mut Self {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
        self
    }

    /// `<name><![CDATA[text]]></name>`
    pub fn cdata(&mut self, name: &str, text: &str) -> &mut Self {
        self.open(name);
        self.out.push_str("<![CDATA[");
        let clean = replaced(text);
        let text = clean.as_deref().unwrap_or(text);
        let mut rest = text;
        while let Some(end) = find_cdata_end(rest.as_bytes()) {
            let (before, after) = rest.split_at(end + 2);
            self.out.push_str(before);
            self.out.push_str("]]><![CDATA[");
            rest = after;
        }
        self.out.push_str(rest);
        self.out.push_str("]]>");
        self.close(name)
    }

    /// `<name>text</name>`, with references for what has a meaning in XML.
    pub fn text(&mut self, name: &str, text: &str) -> &mut Self {
        self.open(name);
        for character in text.chars() {
            match character {
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '&' => self.out.push_str("&amp;"),
                other if is_xml_char(other) => self.out.push(other),
                _ => self.out.push(REPLACEMENT),
            }
        }
        self.close(name)
    }

    /// `<name>12</name>`: for numbers, which print nothing that XML gives a meaning to.
    pub fn number(&mut self, name: &str, number: impl Display) -> &mut Self {
        self.open(name);
        let begin = self.out.len();
        let _ = write!(self.out, "{number}");
        debug_assert!(!self.out[begin..].contains(['<', '&']), "not a number");
        self.close(name)
    }

    /// Appends XML that is known to be well-formed.
    pub fn raw(&mut self, xml: &str) -> &mut Self {
        self.out.push_str(xml);
        self
    }

    /// The document.
    pub fn finish(self) -> String {
        self.out
    }
}

/// The text with U+FFFD for what XML cannot hold, if there is any such character.
fn replaced(text: &str) -> Option<String> {
    has_forbidden(text.as_bytes()).then(|| text.replace(|each| !is_xml_char(each), "\u{fffd}"))
}
