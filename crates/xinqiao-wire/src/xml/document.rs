//! The reader: one pass over the bytes, one flat list of elements that borrow from them.

use std::{borrow::Cow, fmt};

use memchr::{memchr, memchr2, memchr3};

use super::{MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, XmlError, XmlErrorKind, text};

const CDATA: &[u8] = b"<![CDATA[";
const CDATA_END: &[u8] = b"]]>";

/// What stands between an element's tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Content {
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
struct Node {
    name: u32,
    name_end: u32,
    content: u32,
    content_end: u32,
    next: u32,
    kind: Content,
}

/// A well-formed document, read but not copied.
pub struct Document<'a> {
    source: &'a [u8],
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
        let mut parser = Parser {
            source,
            at: 0,
            nodes: Vec::with_capacity(16),
        };
        parser.document().map_err(|kind| XmlError {
            kind,
            at: parser.at.min(source.len()),
        })?;
        Ok(Self {
            source,
            nodes: parser.nodes,
        })
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
        std::str::from_utf8(&self.document.source[node.name as usize..node.name_end as usize])
            .unwrap_or_default()
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
        let raw = self.raw();
        match self.node().kind {
            Content::Empty => Cow::Borrowed(""),
            Content::Text => text::readable(raw),
            Content::Cdata => text::readable(&raw[CDATA.len()..raw.len() - CDATA_END.len()]),
            Content::Pieces => Cow::Owned(self.join_pieces()),
        }
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

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
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

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

const fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b'.') || byte >= 0x80
}

const fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || byte >= 0x80
}

struct Parser<'a> {
    source: &'a [u8],
    at: usize,
    nodes: Vec<Node>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.source.get(self.at).copied()
    }

    fn rest(&self) -> &[u8] {
        &self.source[self.at..]
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn skip_past(&mut self, needle: &[u8]) -> Result<(), XmlErrorKind> {
        match find(self.rest(), needle) {
            Some(found) => {
                self.at += found + needle.len();
                Ok(())
            }
            None => Err(self.cut_off()),
        }
    }

    fn cut_off(&mut self) -> XmlErrorKind {
        self.at = self.source.len();
        XmlErrorKind::CutOff
    }

    fn document(&mut self) -> Result<(), XmlErrorKind> {
        if self.rest().starts_with(b"\xef\xbb\xbf") {
            self.at = 3;
        }
        self.skip_space();
        while !self.at_start_tag()? {
            self.aside()?;
            self.skip_space();
        }
        self.elements()?;
        self.skip_space();
        while self.at < self.source.len() {
            if !self.rest().starts_with(b"<!") && !self.rest().starts_with(b"<?") {
                return Err(XmlErrorKind::Trailing);
            }
            self.aside()?;
            self.skip_space();
        }
        Ok(())
    }

    /// Before the root element: whether it begins here.
    fn at_start_tag(&self) -> Result<bool, XmlErrorKind> {
        match self.rest() {
            [] => Err(XmlErrorKind::Empty),
            [b'<', b'!' | b'?', ..] => Ok(false),
            [b'<', ..] => Ok(true),
            _ => Err(XmlErrorKind::Syntax),
        }
    }

    /// A comment or an instruction. Stands at `<!` or `<?`.
    fn aside(&mut self) -> Result<(), XmlErrorKind> {
        let rest = self.rest();
        if rest.starts_with(b"<?") {
            self.skip_past(b"?>")
        } else if rest.starts_with(b"<!--") {
            self.at += 4;
            self.skip_past(b"--")?;
            match self.peek() {
                Some(b'>') => self.at += 1,
                Some(_) => return Err(XmlErrorKind::Syntax),
                None => return Err(XmlErrorKind::CutOff),
            }
            Ok(())
        } else if rest.len() >= 9 && rest[2..9].eq_ignore_ascii_case(b"DOCTYPE") {
            Err(XmlErrorKind::Doctype)
        } else if rest.len() < 9 {
            Err(self.cut_off())
        } else {
            Err(XmlErrorKind::Syntax)
        }
    }

    /// The root element with all that is in it.
    fn elements(&mut self) -> Result<(), XmlErrorKind> {
        let mut open = [0_u32; MAX_DEPTH];
        let mut depth = 0;
        loop {
            // Stands at the `<` of a start tag.
            let index = self.nodes.len();
            if index >= MAX_ELEMENTS {
                return Err(XmlErrorKind::TooLarge);
            }
            if depth >= MAX_DEPTH {
                return Err(XmlErrorKind::Depth);
            }
            if self.start_tag()? {
                open[depth] = index as u32;
                depth += 1;
            } else if depth == 0 {
                return Ok(());
            }
            // Text and end tags, up to the next start tag.
            loop {
                let current = open[depth - 1] as usize;
                if self.content(current)? {
                    break;
                }
                self.nodes[current].next = self.nodes.len() as u32;
                depth -= 1;
                if depth == 0 {
                    return Ok(());
                }
            }
        }
    }

    /// Reads a start tag. Returns whether the element is open, so not `<name/>`.
    fn start_tag(&mut self) -> Result<bool, XmlErrorKind> {
        let name = self.at + 1;
        self.at = name;
        if !self.peek().is_some_and(starts_name) {
            return Err(if self.peek().is_none() {
                self.cut_off()
            } else {
                XmlErrorKind::Syntax
            });
        }
        let length = self.rest().iter().position(|byte| !is_name(*byte));
        self.at += length.unwrap_or(self.source.len() - self.at);
        let name_end = self.at;
        if !self.source[name..name_end].is_ascii()
            && std::str::from_utf8(&self.source[name..name_end]).is_err()
        {
            self.at = name;
            return Err(XmlErrorKind::Syntax);
        }
        if self.peek() != Some(b'>') {
            self.attributes()?;
        }
        let closed = self.peek() == Some(b'/');
        self.at += usize::from(closed);
        match self.peek() {
            Some(b'>') => self.at += 1,
            Some(_) => return Err(XmlErrorKind::Syntax),
            None => return Err(self.cut_off()),
        }
        self.nodes.push(Node {
            name: name as u32,
            name_end: name_end as u32,
            content: self.at as u32,
            content_end: self.at as u32,
            next: self.nodes.len() as u32 + 1,
            kind: Content::Empty,
        });
        Ok(!closed)
    }

    /// Skips attributes, checking their form. Ends at `/` or `>`.
    fn attributes(&mut self) -> Result<(), XmlErrorKind> {
        loop {
            let before = self.at;
            self.skip_space();
            match self.peek() {
                None => return Err(self.cut_off()),
                Some(b'/' | b'>') => return Ok(()),
                Some(byte) if starts_name(byte) && self.at > before => {}
                Some(_) => return Err(XmlErrorKind::Syntax),
            }
            while self.peek().is_some_and(is_name) {
                self.at += 1;
            }
            self.skip_space();
            if self.peek() != Some(b'=') {
                return Err(if self.peek().is_none() {
                    self.cut_off()
                } else {
                    XmlErrorKind::Syntax
                });
            }
            self.at += 1;
            self.skip_space();
            let quote = match self.peek() {
                Some(quote @ (b'"' | b'\'')) => quote,
                Some(_) => return Err(XmlErrorKind::Syntax),
                None => return Err(self.cut_off()),
            };
            self.at += 1;
            let Some(length) = memchr2(quote, b'<', self.rest()) else {
                return Err(self.cut_off());
            };
            let value = self.at..self.at + length;
            if self.source[value.end] == b'<' {
                self.at = value.end;
                return Err(XmlErrorKind::Syntax);
            }
            text::check_references(&self.source[value.clone()]).map_err(|(kind, offset)| {
                self.at += offset;
                kind
            })?;
            self.at = value.end + 1;
        }
    }

    /// Reads the content of the element `current` up to the next start tag (true) or through its own
    /// end tag (false).
    fn content(&mut self, current: usize) -> Result<bool, XmlErrorKind> {
        let node = self.nodes[current];
        let begin = self.at;
        let fresh = begin == node.content as usize;
        let mut kind = if fresh {
            Content::Empty
        } else {
            Content::Pieces
        };
        loop {
            let text = self.at;
            let plain = self.text()?;
            if self.at > text {
                kind = match (kind, plain) {
                    (Content::Empty, true) => Content::Text,
                    _ => Content::Pieces,
                };
            }
            // Stands at `<`.
            match self.source.get(self.at + 1) {
                Some(b'/') => break,
                Some(b'!') if self.rest().starts_with(CDATA) => {
                    self.at += CDATA.len();
                    self.cdata()?;
                    kind = if kind == Content::Empty {
                        Content::Cdata
                    } else {
                        Content::Pieces
                    };
                }
                Some(b'!' | b'?') => {
                    self.aside()?;
                    kind = Content::Pieces;
                }
                Some(_) => {
                    self.nodes[current].kind = Content::Pieces;
                    return Ok(true);
                }
                None => return Err(self.cut_off()),
            }
        }
        let content_end = self.at;
        let name = &self.source[node.name as usize..node.name_end as usize];
        let tag = &self.source[self.at + 2..];
        if !tag.starts_with(name) {
            return Err(if name.starts_with(tag) {
                self.cut_off()
            } else {
                XmlErrorKind::Tag
            });
        }
        self.at += 2 + name.len();
        if self.peek() != Some(b'>') {
            self.skip_space();
        }
        match self.peek() {
            Some(b'>') => self.at += 1,
            Some(_) => return Err(XmlErrorKind::Tag),
            None => return Err(self.cut_off()),
        }
        let node = &mut self.nodes[current];
        node.content_end = content_end as u32;
        node.kind = kind;
        Ok(false)
    }

    /// Reads up to the next `<`. Returns whether there was no reference in it.
    fn text(&mut self) -> Result<bool, XmlErrorKind> {
        let mut plain = true;
        loop {
            // Most texts are a line break or a number: look at a few bytes before calling for help.
            let rest = &self.source[self.at..];
            let near = rest
                .iter()
                .take(12)
                .position(|byte| matches!(byte, b'<' | b'&' | b']'));
            let Some(found) = near.or_else(|| memchr3(b'<', b'&', b']', rest)) else {
                return Err(self.cut_off());
            };
            self.at += found;
            match rest[found] {
                b'<' => return Ok(plain),
                b'&' => {
                    plain = false;
                    let (_, length) = text::reference(&self.source[self.at..])?;
                    self.at += length;
                }
                _ if rest[found..].starts_with(CDATA_END) => {
                    return Err(XmlErrorKind::StrayCdataEnd);
                }
                _ => self.at += 1,
            }
        }
    }

    /// Skips past the end of a CDATA section.
    fn cdata(&mut self) -> Result<(), XmlErrorKind> {
        self.skip_past(CDATA_END)
    }
}
