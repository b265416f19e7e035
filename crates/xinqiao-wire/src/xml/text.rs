//! Characters: which ones XML can hold, and how references stand for them.

use std::borrow::Cow;

use memchr::memchr;

use super::XmlErrorKind;

/// What stands for a character that cannot be kept.
pub(super) const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Whether XML 1.0 can hold the character.
pub const fn is_xml_char(character: char) -> bool {
    matches!(
        character,
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..
    )
}

/// Whether there is a character that XML 1.0 cannot hold. The bytes are UTF-8.
pub(super) fn has_forbidden(bytes: &[u8]) -> bool {
    has_control(bytes) || has_noncharacter(bytes)
}

/// Whether there is a control character that XML forbids. Without branches, so that it is done many bytes at a
/// time: a message has line breaks, but hardly ever what ends the search early.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch would end doing many bytes at a time"
)]
fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().fold(false, |found, byte| {
        found | (*byte < 0x20) & (*byte != b'\t') & (*byte != b'\n') & (*byte != b'\r')
    })
}

/// Whether U+FFFE or U+FFFF is there. First by their last two bytes, many at a time; where those are, by all.
#[expect(
    clippy::needless_bitwise_bool,
    reason = "a branch would end doing many bytes at a time"
)]
fn has_noncharacter(bytes: &[u8]) -> bool {
    let behind = bytes.get(1..).unwrap_or_default();
    let maybe = bytes.iter().zip(behind).fold(false, |found, (a, b)| {
        found | (*a == 0xbf) & (*b | 1 == 0xbf)
    });
    maybe
        && bytes
            .windows(3)
            .any(|three| matches!(three, [0xef, 0xbf, 0xbe..=0xff]))
}

/// Where `]]>` begins. Angle brackets are rare in texts, so looking for the last byte is quickest.
pub(super) fn find_cdata_end(section: &[u8]) -> Option<usize> {
    let mut from = 2;
    loop {
        let at = from + memchr(b'>', section.get(from..)?)?;
        if section[at - 2..at] == *b"]]" {
            return Some(at - 2);
        }
        from = at + 1;
    }
}

/// The bytes as text, if they are UTF-8 without characters that XML cannot hold.
pub(super) fn plain(bytes: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(bytes)
        .ok()
        .filter(|_| !has_forbidden(bytes))
}

/// Bytes as text: what is no UTF-8 and what XML forbids becomes U+FFFD.
pub(super) fn readable(bytes: &[u8]) -> Cow<'_, str> {
    match plain(bytes) {
        Some(text) => Cow::Borrowed(text),
        None => {
            let text = String::from_utf8_lossy(bytes);
            Cow::Owned(text.replace(|each| !is_xml_char(each), "\u{fffd}"))
        }
    }
}

/// Reads the reference that begins at `bytes[0]`, a `&`. Returns its character and its length.
pub(super) fn reference(bytes: &[u8]) -> Result<(char, usize), XmlErrorKind> {
    /// `&#x10ffff;` with some leading zeros.
    const LONGEST: usize = 16;
    let window = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = memchr(b';', window) else {
        let unfinished = window.len() == bytes.len()
            && window[1..]
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'#');
        return Err(if unfinished {
            XmlErrorKind::CutOff
        } else {
            XmlErrorKind::Entity
        });
    };
    let character = match &window[1..end] {
        b"lt" => '<',
        b"gt" => '>',
        b"amp" => '&',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x', digits @ ..] => numeric(digits, 16)?,
        [b'#', digits @ ..] => numeric(digits, 10)?,
        _ => return Err(XmlErrorKind::Entity),
    };
    Ok((character, end + 1))
}

fn numeric(digits: &[u8], radix: u32) -> Result<char, XmlErrorKind> {
    if digits.is_empty()
        || !digits
            .iter()
            .all(|digit| char::from(*digit).is_digit(radix))
    {
        return Err(XmlErrorKind::Entity);
    }
    let code = digits.iter().try_fold(0_u32, |code, digit| {
        code.checked_mul(radix)?
            .checked_add(char::from(*digit).to_digit(radix)?)
    });
    let character = code.and_then(char::from_u32).unwrap_or(REPLACEMENT);
    Ok(if is_xml_char(character) {
        character
    } else {
        REPLACEMENT
    })
}

/// Checks every reference in a text.
pub(super) fn check_references(bytes: &[u8]) -> Result<(), (XmlErrorKind, usize)> {
    let mut at = 0;
    while let Some(found) = memchr(b'&', &bytes[at..]) {
        at += found;
        let (_, length) = reference(&bytes[at..]).map_err(|kind| (kind, at))?;
        at += length;
    }
    Ok(())
}

/// Appends a text with its references resolved. They were checked before.
pub(super) fn resolve_into(bytes: &[u8], out: &mut String) {
    let mut rest = bytes;
    while let Some(at) = memchr(b'&', rest) {
        out.push_str(&readable(&rest[..at]));
        let (character, length) = reference(&rest[at..]).unwrap_or((REPLACEMENT, 1));
        out.push(character);
        rest = &rest[at + length..];
    }
    out.push_str(&readable(rest));
}
