//! The second reading: of a document that the strict reader refused, or that other readers would refuse.
//!
//! Only for what was verified before: guessing is for messages that must not get lost, never for what a
//! stranger sends. What comes out is well-formed XML without attributes, comments and instructions.
//!
//! WECHAT: a text that holds `]]>`, or CDATA of its own, is not always split. Of a child of the root, the
//! text runs from its first `<![CDATA[` to the last `]]></Name>` after which markup goes on, unless an
//! element of the same name follows at once: those are the items of a list. Deeper in, where several
//! elements of one name are usual, it ends at the first such place.

use std::{borrow::Cow, collections::HashMap};

use memchr::{memchr, memchr2};

use super::{
    Document, MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, XmlErrorKind,
    doctype::{declares_other, mentions_doctype},
    document::CDATA,
    text::{self, REPLACEMENT, find_cdata_end, is_xml_char},
};

/// What was mended, the more telling last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Mended {
    /// Something before or behind the document, or a `<` that begins nothing.
    Syntax,
    /// Characters that XML cannot hold, also as references: they became U+FFFD.
    Character,
    /// Bytes that are not UTF-8: they became U+FFFD. UTF-16 was converted.
    Encoding,
    /// A bare `&`, or an entity that XML does not know: it was taken as text.
    Entity,
    /// `]]>` or `<![CDATA[` in a text that was not split.
    Cdata,
}

impl Mended {
    /// The name of the diagnosis rule.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Syntax => "xml.syntax",
            Self::Character => "xml.character",
            Self::Encoding => "xml.encoding",
            Self::Entity => "xml.entity",
            Self::Cdata => "xml.cdata",
        }
    }
}

/// A document whose meaning was plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repaired {
    /// Well-formed XML in UTF-8.
    pub text: String,
    /// What was mended; nothing if every reader takes the document as it is.
    pub mended: Option<Mended>,
}

/// Reads a verified document leniently and writes it as well-formed XML, in time that grows with its size.
///
/// Fails if its meaning is not plain; with [`XmlErrorKind::Doctype`] if there is a document type in it,
/// wherever that stands.
pub fn repair(bytes: &[u8]) -> Result<Repaired, XmlErrorKind> {
    let mut faults = Faults(None);
    let source = decoded(bytes, &mut faults);
    let source = trimmed(&source, &mut faults);
    let source = replaced(source, &mut faults);
    let source = unwrapped(&source, &mut faults);
    let ends = ends(source);
    let mut best: Option<Writing<'_>> = None;
    let mut error = XmlErrorKind::Syntax;
    for reach in [Reach::Last, Reach::First] {
        let mut writing = Writing::new(source, faults, reach);
        match writing.document(&ends) {
            Ok(()) if !writing.mixed => {
                best = Some(writing);
                break;
            }
            Ok(()) => best = best.or(Some(writing)),
            Err(XmlErrorKind::Doctype) => return Err(XmlErrorKind::Doctype),
            Err(found) => error = found,
        }
    }
    let Some(writing) = best else {
        // What ends where is a matter of guessing only in a document that does not read as it stands.
        if Document::parse_within(source.as_bytes(), MAX_BYTES * 8).is_ok() {
            return Ok(Repaired {
                text: source.to_owned(),
                mended: faults.0,
            });
        }
        let doctype = mentions_doctype(source);
        return Err(if doctype {
            XmlErrorKind::Doctype
        } else {
            error
        });
    };
    // Written by rules that the reader shares: this proves it.
    Document::parse_within(writing.out.as_bytes(), MAX_BYTES * 8).map_err(|error| error.kind)?;
    Ok(Repaired {
        text: writing.out,
        mended: writing.faults.0,
    })
}

/// The bytes as text: UTF-16 is told by its mark or its first character, and what is no UTF-8 becomes
/// U+FFFD. Borrowed if nothing had to change.
pub fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    decoded(bytes, &mut Faults(None))
}

#[derive(Clone, Copy)]
struct Faults(Option<Mended>);

impl Faults {
    fn note(&mut self, mended: Mended) {
        self.0 = self.0.max(Some(mended));
    }
}

/// The bytes as text.
fn decoded<'a>(bytes: &'a [u8], faults: &mut Faults) -> Cow<'a, str> {
    let from = match bytes {
        [0xff, 0xfe, rest @ ..] => Some((rest, u16::from_le_bytes as fn([u8; 2]) -> u16)),
        [0xfe, 0xff, rest @ ..] => Some((rest, u16::from_be_bytes as fn([u8; 2]) -> u16)),
        [b'<' | b'{', 0, _, 0, ..] => Some((bytes, u16::from_le_bytes as fn([u8; 2]) -> u16)),
        [0, b'<' | b'{', 0, _, ..] => Some((bytes, u16::from_be_bytes as fn([u8; 2]) -> u16)),
        _ => None,
    };
    if let Some((bytes, unit)) = from {
        faults.note(Mended::Encoding);
        let (pairs, _) = bytes.as_chunks::<2>();
        let units = pairs.iter().map(|pair| unit(*pair));
        let text = char::decode_utf16(units).map(|each| each.unwrap_or(REPLACEMENT));
        return Cow::Owned(text.collect());
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let text = String::from_utf8_lossy(bytes);
    if matches!(text, Cow::Owned(_)) || declares_other(bytes) {
        faults.note(Mended::Encoding);
    }
    text
}

/// Without what stands around the document and says nothing: NUL and other control characters.
fn trimmed<'a>(source: &'a str, faults: &mut Faults) -> &'a str {
    let nothing = |each: char| each.is_ascii_whitespace() || each.is_ascii_control();
    let inner = source.trim_matches(nothing);
    let around = [
        &source[..source.len() - source.trim_start_matches(nothing).len()],
        { &source[source.trim_end_matches(nothing).len()..] },
    ];
    if around.iter().any(|text| !text.trim().is_empty()) {
        faults.note(Mended::Character);
    }
    inner
}

fn replaced<'a>(source: &'a str, faults: &mut Faults) -> Cow<'a, str> {
    if !text::has_forbidden(source.as_bytes()) {
        return Cow::Borrowed(source);
    }
    faults.note(Mended::Character);
    Cow::Owned(source.replace(|each| !is_xml_char(each), "\u{fffd}"))
}

/// Without a CDATA section around the whole.
fn unwrapped<'a>(source: &'a str, faults: &mut Faults) -> &'a str {
    let inner = source
        .strip_prefix("<![CDATA[")
        .and_then(|inner| inner.strip_suffix("]]>"))
        .map(str::trim)
        .filter(|inner| inner.starts_with('<'));
    if inner.is_some() {
        faults.note(Mended::Cdata);
    }
    inner.unwrap_or(source)
}

/// Where a CDATA section may end with its element: `]]></Name>`, after which markup goes on or nothing.
#[derive(Clone, Copy)]
struct End {
    /// Where `]]>` begins.
    text: usize,
    /// Behind the end tag.
    after: usize,
    /// An element of the same name with a CDATA section follows at once.
    sibling: bool,
}

fn ends(source: &str) -> HashMap<&str, Vec<End>> {
    let bytes = source.as_bytes();
    let mut ends: HashMap<&str, Vec<End>> = HashMap::new();
    for at in memchr::memmem::find_iter(bytes, b"]]>") {
        let tag = skip_space(source, at + 3);
        let Some(Tag::End { name, after }) = tag_at(source, tag) else {
            continue;
        };
        let next = skip_space(source, after);
        let end = match tag_at(source, next) {
            _ if next == source.len() => false,
            Some(Tag::Start {
                name: follower,
                after,
                ..
            }) => follower == name && bytes[after..].starts_with(CDATA),
            Some(_) => false,
            None => continue,
        };
        ends.entry(name).or_default().push(End {
            text: at,
            after,
            sibling: end,
        });
    }
    ends
}

fn skip_space(source: &str, at: usize) -> usize {
    let rest = &source.as_bytes()[at..];
    at + rest
        .iter()
        .position(|byte| !byte.is_ascii_whitespace())
        .unwrap_or(rest.len())
}

enum Tag<'a> {
    Start {
        name: &'a str,
        after: usize,
        closed: bool,
    },
    End {
        name: &'a str,
        after: usize,
    },
    /// A comment, an instruction, a section: markup, but no tag.
    Other,
}

/// The tag that begins here, if one does.
fn tag_at(source: &str, at: usize) -> Option<Tag<'_>> {
    let bytes = source.as_bytes();
    if bytes.get(at) != Some(&b'<') {
        return None;
    }
    let is_end = bytes.get(at + 1) == Some(&b'/');
    let begin = at + 1 + usize::from(is_end);
    match bytes.get(begin)? {
        b'!' | b'?' if !is_end => return Some(Tag::Other),
        byte if byte.is_ascii_alphabetic() || matches!(byte, b'_' | b':') || *byte >= 0x80 => {}
        _ => return None,
    }
    let is_name = |byte: &u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-' | b'.') || *byte >= 0x80
    };
    let length = bytes[begin..].iter().position(|byte| !is_name(byte))?;
    let end = begin + length;
    let name = &source[begin..end];
    let mut at = skip_space(source, end);
    if is_end {
        return (bytes.get(at) == Some(&b'>')).then_some(Tag::End {
            name,
            after: at + 1,
        });
    }
    // Attributes: skipped, if they look like some.
    while !matches!(bytes.get(at)?, b'>' | b'/') {
        let length = bytes[at..].iter().position(|byte| !is_name(byte))?;
        let equals = skip_space(source, at + length);
        if length == 0 || bytes.get(equals) != Some(&b'=') {
            return None;
        }
        let open = skip_space(source, equals + 1);
        let quote = *bytes
            .get(open)
            .filter(|byte| matches!(byte, b'"' | b'\''))?;
        let close = open + 1 + memchr2(quote, b'<', &bytes[open + 1..])?;
        if bytes[close] != quote {
            return None;
        }
        at = skip_space(source, close + 1);
    }
    let closed = bytes[at] == b'/';
    at += usize::from(closed);
    (bytes.get(at) == Some(&b'>')).then_some(Tag::Start {
        name,
        after: at + 1,
        closed,
    })
}

/// Which of several ends counts for a child of the root.
#[derive(Clone, Copy, PartialEq)]
enum Reach {
    First,
    Last,
}

struct Writing<'a> {
    source: &'a str,
    at: usize,
    out: String,
    open: Vec<&'a str>,
    elements: usize,
    faults: Faults,
    reach: Reach,
    /// How many of a name's ends lie behind.
    passed: HashMap<&'a str, usize>,
    /// There is text between the children of the root.
    mixed: bool,
    /// A comment, an instruction was begun and not ended.
    unended: [bool; 2],
}

impl<'a> Writing<'a> {
    fn new(source: &'a str, faults: Faults, reach: Reach) -> Self {
        Writing {
            source,
            at: 0,
            out: String::with_capacity(source.len() + 64),
            open: Vec::new(),
            elements: 0,
            faults,
            reach,
            passed: HashMap::new(),
            mixed: false,
            unended: [false; 2],
        }
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn document(&mut self, ends: &HashMap<&'a str, Vec<End>>) -> Result<(), XmlErrorKind> {
        loop {
            self.at = skip_space(self.source, self.at);
            match tag_at(self.source, self.at) {
                Some(Tag::Start { .. }) => break,
                Some(Tag::Other) if self.aside()? => {}
                _ if self.rest().is_empty() => return Err(XmlErrorKind::Empty),
                _ => return Err(XmlErrorKind::Syntax),
            }
        }
        loop {
            self.markup(ends)?;
            if self.open.is_empty() {
                break;
            }
            let rest = self.rest();
            let length = memchr(b'<', rest.as_bytes()).ok_or(XmlErrorKind::CutOff)?;
            self.text(&rest[..length]);
            self.at += length;
        }
        loop {
            self.at = skip_space(self.source, self.at);
            match tag_at(self.source, self.at) {
                Some(Tag::Other) if self.aside()? => {}
                _ if self.rest().contains('<') => return Err(XmlErrorKind::Trailing),
                _ if self.rest().is_empty() => return Ok(()),
                _ => {
                    self.faults.note(Mended::Syntax);
                    return Ok(());
                }
            }
        }
    }

    /// What begins with the `<` that is here.
    fn markup(&mut self, ends: &HashMap<&'a str, Vec<End>>) -> Result<(), XmlErrorKind> {
        if self.rest().as_bytes().starts_with(CDATA) {
            return self.section(ends);
        }
        match tag_at(self.source, self.at) {
            Some(Tag::Start {
                name,
                after,
                closed,
            }) => {
                self.elements += 1;
                if self.elements > MAX_ELEMENTS {
                    return Err(XmlErrorKind::TooLarge);
                }
                if self.open.len() >= MAX_DEPTH {
                    return Err(XmlErrorKind::Depth);
                }
                self.at = after;
                self.out.push('<');
                self.out.push_str(name);
                self.out.push('>');
                self.open.push(name);
                if closed {
                    self.close();
                }
                Ok(())
            }
            Some(Tag::End { name, after }) => {
                if self.open.last() != Some(&name) {
                    return Err(XmlErrorKind::Tag);
                }
                self.at = after;
                self.close();
                Ok(())
            }
            Some(Tag::Other) if self.aside()? => Ok(()),
            _ => {
                self.faults.note(Mended::Syntax);
                self.out.push_str("&lt;");
                self.at += 1;
                Ok(())
            }
        }
    }

    fn close(&mut self) {
        if let Some(name) = self.open.pop() {
            self.out.push_str("</");
            self.out.push_str(name);
            self.out.push('>');
        }
    }

    /// Passes over a comment or an instruction, if one begins here.
    fn aside(&mut self) -> Result<bool, XmlErrorKind> {
        let rest = self.rest().as_bytes();
        if mentions_doctype(&self.rest()[..floor(self.rest(), 16)]) {
            return Err(XmlErrorKind::Doctype);
        }
        let end: &[u8] = match rest {
            [b'<', b'!', b'-', b'-', ..] => b"-->",
            [b'<', b'?', ..] => b"?>",
            _ => return Ok(false),
        };
        // Where one does not end, none behind it does: looking again and again would take quadratic time.
        let unended = &mut self.unended[usize::from(end.len() == 2)];
        let length = if *unended {
            None
        } else {
            memchr::memmem::find(rest, end).map(|at| at + end.len())
        };
        *unended = length.is_none();
        if let Some(length) = length {
            // Two dashes within a comment are not well-formed.
            let inner = rest[..length].strip_prefix(b"<!--");
            let inner = inner.and_then(|inner| inner.strip_suffix(b"-->"));
            if inner.is_some_and(|inner| memchr::memmem::find(inner, b"--").is_some()) {
                self.faults.note(Mended::Syntax);
            }
            self.at += length;
        }
        Ok(length.is_some())
    }

    /// A CDATA section, mostly with the end of its element.
    fn section(&mut self, ends: &HashMap<&'a str, Vec<End>>) -> Result<(), XmlErrorKind> {
        let begin = self.at + CDATA.len();
        if let Some(end) = self.end(ends, begin) {
            let text = &self.source[begin..end.text];
            // Sections that follow on one another are one text, as for any reader.
            let mut sections = text.split("]]><![CDATA[");
            if sections.any(|section| section.contains("]]>")) {
                self.faults.note(Mended::Cdata);
            }
            let joined = text.replace("]]><![CDATA[", "");
            self.cdata(&joined);
            self.at = end.after;
            self.close();
            return Ok(());
        }
        let length =
            find_cdata_end(&self.source.as_bytes()[begin..]).ok_or(XmlErrorKind::CutOff)?;
        self.cdata(&self.source[begin..begin + length]);
        self.at = begin + length + 3;
        Ok(())
    }

    fn end(&mut self, ends: &HashMap<&'a str, Vec<End>>, begin: usize) -> Option<End> {
        let name = *self.open.last()?;
        let all = ends.get(name)?;
        let passed = self.passed.entry(name).or_default();
        *passed += all[*passed..]
            .iter()
            .take_while(|end| end.text < begin)
            .count();
        let left = &all[*passed..];
        if self.reach == Reach::First || self.open.len() != 2 {
            return left.first().copied();
        }
        left.iter().find(|end| end.sibling).or(left.last()).copied()
    }

    fn cdata(&mut self, text: &str) {
        self.out.push_str("<![CDATA[");
        self.out.push_str(&text.replace("]]>", "]]]]><![CDATA[>"));
        self.out.push_str("]]>");
    }

    fn text(&mut self, text: &str) {
        if self.open.len() == 1 && !text.trim().is_empty() {
            self.mixed = true;
        }
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '&' => self.reference(rest),
                '>' => {
                    if self.out.ends_with("]]") {
                        self.faults.note(Mended::Cdata);
                    }
                    self.out.push_str("&gt;");
                    1
                }
                other => {
                    self.out.push(other);
                    other.len_utf8()
                }
            };
            rest = &rest[length..];
        }
    }

    /// Writes what the reference at the beginning stands for. Returns its length.
    fn reference(&mut self, rest: &str) -> usize {
        let Ok((mut character, mut length)) = text::reference(rest.as_bytes()) else {
            self.faults.note(Mended::Entity);
            self.out.push_str("&amp;");
            return 1;
        };
        if character == REPLACEMENT && !matches!(number(&rest[..length]), Some(0xfffd)) {
            self.faults.note(Mended::Character);
            // WECHAT: an emoji as two references to the halves of its UTF-16.
            if let Some((pair, both)) = surrogates(rest, length) {
                character = pair;
                length = both;
            }
        }
        match character {
            '<' => self.out.push_str("&lt;"),
            '>' => self.out.push_str("&gt;"),
            '&' => self.out.push_str("&amp;"),
            other => self.out.push(other),
        }
        length
    }
}

fn floor(text: &str, most: usize) -> usize {
    text.floor_char_boundary(most)
}

/// The number in `&#…;`.
fn number(reference: &str) -> Option<u32> {
    let digits = reference.strip_prefix("&#")?.strip_suffix(';')?;
    match digits.strip_prefix('x') {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => digits.parse().ok(),
    }
}

fn surrogates(rest: &str, first: usize) -> Option<(char, usize)> {
    let high = u16::try_from(number(&rest[..first])?).ok()?;
    let second = &rest[first..];
    if !second.starts_with('&') {
        return None;
    }
    let (_, length) = text::reference(second.as_bytes()).ok()?;
    let low = u16::try_from(number(&second[..length])?).ok()?;
    let mut pair = char::decode_utf16([high, low]);
    match (pair.next(), pair.next()) {
        (Some(Ok(character)), None) => Some((character, first + length)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
