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

const fn is_control(byte: u8) -> bool {
    byte < 0x20 && byte != b'\t' && byte != b'\n' && byte != b'\r'
}

/// Whether there is a control character that XML forbids. Without an early exit, so that it is done
/// many bytes at a time.
pub(super) fn has_control(bytes: &[u8]) -> bool {
    bytes.chunks(64).any(|chunk| {
        chunk
            .iter()
            .fold(false, |found, byte| found | is_control(*byte))
    })
}

/// Whether U+FFFE or U+FFFF may be there.
pub(super) fn has_noncharacter(bytes: &[u8]) -> bool {
    let Some(last) = bytes.len().checked_sub(2) else {
        return false;
    };
    let pairs = bytes[..last].iter().zip(&bytes[1..=last]).zip(&bytes[2..]);
    pairs.fold(false, |found, ((a, b), c)| {
        found | ((*a == 0xef) & (*b == 0xbf) & (*c >= 0xbe))
    })
}

/// Bytes as text: what is no UTF-8 and what XML forbids becomes U+FFFD.
pub(super) fn readable(bytes: &[u8]) -> Cow<'_, str> {
    let text = String::from_utf8_lossy(bytes);
    if has_control(text.as_bytes()) {
        Cow::Owned(text.replace(forbidden_control, "\u{fffd}"))
    } else {
        text
    }
}

fn forbidden_control(character: char) -> bool {
    u8::try_from(character).is_ok_and(is_control)
}

/// Reads the reference that begins at `bytes[0]`, a `&`. Returns its character and its length.
pub(super) fn reference(bytes: &[u8]) -> Result<(char, usize), XmlErrorKind> {
    /// `&#x10ffff;` with some leading zeros.
    const LONGEST: usize = 16;
    let window = &bytes[..bytes.len().min(LONGEST)];
    let Some(end) = memchr(b';', window) else {
        let unfinished = window.len() == bytes.len()
            && window[1..].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'#');
        return Err(if unfinished { XmlErrorKind::CutOff } else { XmlErrorKind::Entity });
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
