//! The reader: one pass over the bytes, one flat list of elements that borrow from them.

use std::{borrow::Cow, fmt};

use memchr::memchr;

use super::{MAX_BYTES, XmlError, XmlErrorKind, doctype::declares_other, parser, text};

pub(super) const CDATA: &[u8] = b"<![CDATA[";
pub(super) const CDATA_END: &[u8] = b"]]>";

/// What stands between an element's tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// Nothing.
    Empty,
    /// One text without references.
    Text,
    /// One CDATA section and nothing else.
    Cdata,
    /// Anything else: several pieces, references, children.
    Pieces,
}

/// An element in the flat list; its children follow it, up to `next`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    pub(super) name: u32,
    pub(super) name_end: u32,
    pub(super) content: u32,
    pub(super) content_end: u32,
    pub(super) next: u32,
    pub(super) kind: Content,
}

/// A well-formed document, read but not copied.
pub struct Document<'a> {
    source: &'a [u8],
    /// The same, if it was looked at as a whole and every character of it can be kept: its texts need no second
    /// look then.
    plain: Option<&'a str>,
    nodes: Vec<Node>,
}

impl<'a> Document<'a> {
    /// Reads a document of at most [`MAX_BYTES`].
    pub fn parse(source: &'a [u8]) -> Result<Self, XmlError> {
        Self::parse_within(source, MAX_BYTES)
    }

    /// Reads a document of at most `limit` bytes, for bodies that may be larger than a callback.
    pub fn parse_within(source: &'a [u8], limit: usize) -> Result<Self, XmlError> {
        if source.len() > limit || u32::try_from(source.len()).is_err() {
            return Err(XmlError {
                kind: XmlErrorKind::TooLarge,
                at: limit,
            });
        }
        let nodes = parser::read(source)?;
        Ok(Self {
            source,
            plain: None,
            nodes,
        })
    }

    /// [`Document::parse`] for a document of which every text is wanted: its characters are looked at in one go.
    pub fn parse_whole(source: &'a [u8]) -> Result<Self, XmlError> {
        let mut document = Self::parse(source)?;
        document.plain = text::plain(source);
        Ok(document)
    }

    /// Whether any reader of XML takes the document, as far as a glance tells: it is UTF-8 without characters
    /// that XML cannot hold, and without numeric references, which may stand for such. Only
    /// [`Document::parse_whole`] looks.
    pub fn is_clean(&self) -> bool {
        self.plain.is_some() && find(self.source, b"&#").is_none() && !declares_other(self.source)
    }

    /// The outermost element.
    pub fn root(&self) -> Element<'a, '_> {
        Element {
            document: self,
            index: 0,
        }
    }
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Document({} bytes, {} elements)",
            self.source.len(),
            self.nodes.len()
        )
    }
}

/// One element of a [`Document`].
#[derive(Clone, Copy)]
pub struct Element<'a, 'd> {
    document: &'d Document<'a>,
    index: u32,
}

impl<'a, 'd> Element<'a, 'd> {
    fn node(self) -> Node {
        self.document.nodes[self.index as usize]
    }

    /// The name, as it is written.
    pub fn name(self) -> &'a str {
        let node = self.node();
        let range = node.name as usize..node.name_end as usize;
        match self.document.plain {
            Some(plain) => plain.get(range).unwrap_or_default(),
            None => std::str::from_utf8(&self.document.source[range]).unwrap_or_default(),
        }
    }

    /// Whether the element has this name. Cheaper than comparing [`Element::name`].
    pub fn is(self, name: &str) -> bool {
        let node = self.node();
        self.document.source[node.name as usize..node.name_end as usize] == *name.as_bytes()
    }

    /// Everything between the tags, as it is written.
    pub fn raw(self) -> &'a [u8] {
        let node = self.node();
        &self.document.source[node.content as usize..node.content_end as usize]
    }

    /// The text between the tags, without that of children.
    pub fn text(self) -> Cow<'a, str> {
        let node = self.node();
        let (begin, end) = (node.content as usize, node.content_end as usize);
        let range = match node.kind {
            Content::Empty => return Cow::Borrowed(""),
            Content::Text => begin..end,
            Content::Cdata => begin + CDATA.len()..end - CDATA_END.len(),
            Content::Pieces => return Cow::Owned(self.join_pieces()),
        };
        match self
            .document
            .plain
            .and_then(|plain| plain.get(range.clone()))
        {
            Some(text) => Cow::Borrowed(text),
            None => text::readable(&self.document.source[range]),
        }
    }

    /// Whether there is a text besides that of the children: anything but white space.
    pub fn has_own_text(self) -> bool {
        let source = self.document.source;
        let end = self.node().content_end as usize;
        let is_blank = |text: &[u8]| text.iter().all(|byte| b" \t\r\n".contains(byte));
        let mut at = self.node().content as usize;
        for child in self.children() {
            let child = child.node();
            if !is_blank(&source[at..child.name as usize - 1]) {
                return !self.text().trim().is_empty();
            }
            at = child.content_end as usize;
            // Behind the end tag; what closed itself has none.
            if source[at..end].starts_with(b"</") {
                at += memchr(b'>', &source[at..end]).map_or(end - at, |tag| tag + 1);
            }
        }
        !is_blank(&source[at..end]) && !self.text().trim().is_empty()
    }

    /// The text as bytes, if it is one piece without references; what a hot path wants.
    pub fn plain_bytes(self) -> Option<&'a [u8]> {
        let raw = self.raw();
        match self.node().kind {
            Content::Empty | Content::Text => Some(raw),
            Content::Cdata => Some(&raw[CDATA.len()..raw.len() - CDATA_END.len()]),
            Content::Pieces => None,
        }
    }

    /// The children in their order.
    pub fn children(self) -> Children<'a, 'd> {
        Children {
            document: self.document,
            at: self.index + 1,
            end: self.node().next,
        }
    }

    /// Whether there are elements inside.
    pub fn has_children(self) -> bool {
        self.node().next > self.index + 1
    }

    /// The first child of this name.
    pub fn child(self, name: &str) -> Option<Self> {
        self.children().find(|child| child.is(name))
    }

    /// The text of the first child of this name.
    pub fn child_text(self, name: &str) -> Option<Cow<'a, str>> {
        self.child(name).map(Self::text)
    }

    /// Joins texts and CDATA sections, skipping children, comments and instructions.
    ///
    /// If there is a CDATA section, white space around it does not count.
    fn join_pieces(self) -> String {
        let raw = self.raw();
        let mut out = String::new();
        let mut has_cdata = false;
        let mut blanks = String::new();
        let mut child = self.children();
        let base = self.node().content as usize;
        let mut at = 0;
        while at < raw.len() {
            let rest = &raw[at..];
            if let Some(section) = rest.strip_prefix(CDATA) {
                let length = find(section, CDATA_END).unwrap_or(section.len());
                has_cdata = true;
                out.push_str(&text::readable(&section[..length]));
                at += CDATA.len() + length + CDATA_END.len();
            } else if rest.starts_with(b"<!--") {
                at += find(rest, b"-->").map_or(rest.len(), |end| end + 3);
            } else if rest.starts_with(b"<?") {
                at += find(rest, b"?>").map_or(rest.len(), |end| end + 2);
            } else if rest[0] == b'<' {
                let Some(element) = child.next() else { break };
                let node = element.node();
                let after = &raw[node.content_end as usize - base..];
                let closed_itself = node.content == node.content_end && !after.starts_with(b"</");
                at = raw.len() - after.len();
                if !closed_itself {
                    at += memchr(b'>', after).map_or(after.len(), |end| end + 1);
                }
            } else {
                let length = memchr(b'<', rest).unwrap_or(rest.len());
                let piece = &rest[..length];
                if piece.iter().all(u8::is_ascii_whitespace) {
                    if !has_cdata && out.is_empty() {
                        blanks.push_str(&text::readable(piece));
                    } else if !has_cdata {
                        out.push_str(&text::readable(piece));
                    }
                } else {
                    out.push_str(&std::mem::take(&mut blanks));
                    text::resolve_into(piece, &mut out);
                }
                at += length;
            }
        }
        if out.is_empty() && !has_cdata {
            blanks
        } else {
            out
        }
    }
}

impl fmt::Debug for Element<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.name())
    }
}

/// The children of an element.
#[derive(Debug, Clone)]
pub struct Children<'a, 'd> {
    document: &'d Document<'a>,
    at: u32,
    end: u32,
}

impl<'a, 'd> Iterator for Children<'a, 'd> {
    type Item = Element<'a, 'd>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.end {
            return None;
        }
        let element = Element {
            document: self.document,
            index: self.at,
        };
        self.at = element.node().next;
        Some(element)
    }
}

pub(super) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = memchr(needle[0], &haystack[from..]) {
        let at = from + at;
        if haystack[at..].starts_with(needle) {
            return Some(at);
        }
        from = at + 1;
    }
    None
}
