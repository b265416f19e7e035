//! One pass over the bytes: well-formedness, limits, and the flat list of elements.

use memchr::{memchr2, memchr3};

use super::{
    MAX_DEPTH, MAX_ELEMENTS, XmlError, XmlErrorKind,
    document::{CDATA, CDATA_END, Content, Node, find},
    text::{self, find_cdata_end},
};

/// Reads a document's elements.
pub(super) fn read(source: &[u8]) -> Result<Vec<Node>, XmlError> {
    let mut parser = Parser {
        source,
        at: 0,
        nodes: Vec::with_capacity(16),
    };
    parser.document().map_err(|kind| XmlError {
        kind,
        at: parser.at.min(source.len()),
    })?;
    Ok(parser.nodes)
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

const fn is_name(byte: u8) -> bool {
    NAME_BYTES[byte as usize]
}

/// The bytes that a name may have, as a table: names are most of what a message's markup is.
static NAME_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        let each = byte as u8;
        table[byte] = each.is_ascii_alphanumeric()
            || matches!(each, b'_' | b':' | b'-' | b'.')
            || each >= 0x80;
        byte += 1;
    }
    table
};

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
        if fresh && self.simple_content(current, node)? {
            return Ok(false);
        }
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

    /// The usual case at once: one CDATA section or one number, then the end tag. Anything else is left
    /// alone (false).
    fn simple_content(&mut self, current: usize, node: Node) -> Result<bool, XmlErrorKind> {
        let rest = &self.source[self.at..];
        let (length, kind) = if let Some(section) = rest.strip_prefix(CDATA) {
            let Some(end) = find_cdata_end(section) else {
                return Err(self.cut_off());
            };
            (CDATA.len() + end + CDATA_END.len(), Content::Cdata)
        } else {
            let digits = rest.iter().position(|byte| !byte.is_ascii_alphanumeric());
            (digits.unwrap_or(rest.len()), Content::Text)
        };
        let name = &self.source[node.name as usize..node.name_end as usize];
        let end_tag = rest.get(length..).and_then(|tag| tag.strip_prefix(b"</"));
        let Some([b'>', ..]) = end_tag.and_then(|tag| tag.strip_prefix(name)) else {
            return Ok(false);
        };
        let content_end = self.at + length;
        self.at = content_end + 2 + name.len() + 1;
        let node = &mut self.nodes[current];
        node.content_end = content_end as u32;
        node.kind = if length == 0 { Content::Empty } else { kind };
        Ok(true)
    }

    /// Reads up to the next `<`. Returns whether there was no reference in it.
    fn text(&mut self) -> Result<bool, XmlErrorKind> {
        let mut plain = true;
        loop {
            // Between elements there is mostly nothing, or a line break.
            let rest = &self.source[self.at..];
            let near = match rest {
                [b'<', ..] => Some(0),
                [b'\n', b'<', ..] => Some(1),
                _ => memchr3(b'<', b'&', b']', rest),
            };
            let Some(found) = near else {
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
        match find_cdata_end(self.rest()) {
            Some(found) => {
                self.at += found + CDATA_END.len();
                Ok(())
            }
            None => Err(self.cut_off()),
        }
    }
}
