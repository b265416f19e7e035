//! Finds keys of ours in what would go to the platform, however they are spelled.
//!
//! A key is recognised by its prefix and some letters behind it, written plainly, with percent
//! escapes (`%u0078` too), with the escapes of JSON or XML, or with several on top of each other; all
//! of it in UTF-16 as well; in the name of a header; behind `Basic`. What goes out in pieces is
//! searched across their borders, and nothing of a key leaves before it is found. Spellings that the
//! platform does not read (quoted-printable, named entities) are not looked into. A compressed body
//! cannot be, so none goes out.

use std::borrow::Cow;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::HeaderMap;
use memchr::memmem;

use crate::{APP_KEY_PREFIX, outbound::KeyFound};

/// Letters behind the prefix that make it a key: fewer come about by chance in pictures.
const LETTERS: usize = 8;
/// Most bytes for prefix and letters at a border: each character as `\u0078`, its backslash as `%5C`,
/// or as `&#x0000000078;`, in UTF-16.
const SPELLED: usize = (APP_KEY_PREFIX.len() + LETTERS) * 32;
/// How often escapes may be put on top of each other. What has more of them is nobody's honest text.
const DEPTH: usize = 16;

/// Whether a key of ours stands in `bytes`.
pub(super) fn holds_key(bytes: &[u8]) -> bool {
    let mut text = without_zeros(Cow::Borrowed(bytes));
    for _ in 0..DEPTH {
        if plainly(&text) {
            return true;
        }
        match unescape(&text) {
            Some(unescaped) => text = without_zeros(Cow::Owned(unescaped)),
            None => return false,
        }
    }
    plainly(&text) || unescape(&text).is_some()
}

/// A text of ASCII characters in UTF-16, of either order, is the same in ASCII but for its zeros.
fn without_zeros(bytes: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if memchr::memchr(0, &bytes).is_none() {
        return bytes;
    }
    Cow::Owned(bytes.iter().copied().filter(|byte| *byte != 0).collect())
}

/// Whether a key of ours stands in a header's name or value.
pub(super) fn in_headers(headers: &HeaderMap) -> bool {
    let basic = |value: &[u8]| {
        let scheme = value.get(..6)?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return None;
        }
        base64_simd::forgiving_decode_to_vec(value[6..].trim_ascii()).ok()
    };
    headers.iter().any(|(name, value)| {
        let value = value.as_bytes();
        holds_key(name.as_str().as_bytes())
            || holds_key(value)
            || basic(value).is_some_and(|pair| holds_key(&pair))
    })
}

fn plainly(bytes: &[u8]) -> bool {
    memmem::find_iter(bytes, APP_KEY_PREFIX).any(|at| {
        let letters = bytes.get(at + APP_KEY_PREFIX.len()..).unwrap_or_default();
        letters.len() >= LETTERS && letters[..LETTERS].iter().all(u8::is_ascii_alphanumeric)
    })
}

/// One layer of escapes less; nothing if there are none.
fn unescape(bytes: &[u8]) -> Option<Vec<u8>> {
    let first = memchr::memchr3(b'%', b'\\', b'&', bytes)?;
    let mut out = Vec::with_capacity(bytes.len());
    out.extend_from_slice(&bytes[..first]);
    let mut rest = &bytes[first..];
    let mut changed = false;
    while let Some((byte, after)) = rest.split_first() {
        match escape(rest) {
            Some((plain, length)) => {
                out.push(plain);
                rest = &rest[length..];
                changed = true;
            }
            None => {
                out.push(*byte);
                rest = after;
            }
        }
    }
    changed.then_some(out)
}

/// The ASCII character that an escape at the beginning stands for, and the escape's length.
fn escape(bytes: &[u8]) -> Option<(u8, usize)> {
    let number = |digits: &[u8], radix| {
        let digits = std::str::from_utf8(digits).ok()?;
        if digits.starts_with('+') {
            return None;
        }
        let number = u32::from_str_radix(digits, radix).ok()?;
        u8::try_from(number).ok().filter(u8::is_ascii)
    };
    match bytes {
        // As `escape` of browsers writes it.
        [b'%', b'u' | b'U', ..] => Some((number(bytes.get(2..6)?, 16)?, 6)),
        [b'%', high, low, ..] => Some((number(&[*high, *low], 16)?, 3)),
        [b'\\', b'u', ..] => Some((number(bytes.get(2..6)?, 16)?, 6)),
        [b'&', b'#', ..] => {
            // However many zeros it begins with.
            let digit = |byte: &u8| byte.is_ascii_hexdigit() || matches!(byte, b'x' | b'X');
            let end = 2 + bytes[2..].iter().position(|byte| !digit(byte))?;
            if bytes[end] != b';' {
                return None;
            }
            let plain = match &bytes[2..end] {
                [b'x' | b'X', digits @ ..] => number(digits, 16),
                digits => number(digits, 10),
            };
            Some((plain?, end + 1))
        }
        _ => None,
    }
}

/// A body that ends with an error instead of letting a key out.
pub(super) fn guarded(body: Body) -> Body {
    let pieces = body
        .into_data_stream()
        .map(Some)
        .chain(stream::iter([None]));
    let held = Bytes::new();
    let out = pieces.scan(Some(held), |held, piece| {
        let Some(before) = held.take() else {
            return std::future::ready(None);
        };
        let out = match piece {
            Some(Ok(piece)) => next(&before, &piece).map(|(out, kept)| {
                *held = Some(kept);
                out
            }),
            Some(Err(error)) => Err(error),
            None => Ok(vec![before]),
        };
        let out = match out {
            Ok(out) => out.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        std::future::ready(Some(stream::iter(out)))
    });
    Body::from_stream(out.flatten().filter(|piece: &Result<Bytes, axum::Error>| {
        std::future::ready(piece.as_ref().map_or(true, |piece| !piece.is_empty()))
    }))
}

/// What may go out of what was held back and the next piece, and what is held back now.
fn next(held: &Bytes, piece: &Bytes) -> Result<(Vec<Bytes>, Bytes), axum::Error> {
    if piece.len() < SPELLED {
        let both = Bytes::from([held.as_ref(), piece.as_ref()].concat());
        if holds_key(&both) {
            return Err(axum::Error::new(KeyFound));
        }
        let out = both.len().saturating_sub(SPELLED);
        return Ok((vec![both.slice(..out)], both.slice(out..)));
    }
    let border = [held.as_ref(), &piece[..SPELLED]].concat();
    if holds_key(&border) || holds_key(piece) {
        return Err(axum::Error::new(KeyFound));
    }
    let out = piece.len() - SPELLED;
    Ok((vec![held.clone(), piece.slice(..out)], piece.slice(out..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "xqk_0123456789abcdefghijklmn";

    #[track_caller]
    fn found(text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        assert!(holds_key(text), "{}", String::from_utf8_lossy(text));
    }

    fn spelled(write: impl Fn(u8) -> String) -> String {
        written(KEY.as_bytes(), write)
    }

    fn written(bytes: &[u8], write: impl Fn(u8) -> String) -> String {
        bytes.iter().copied().map(write).collect()
    }

    #[test]
    fn a_key_is_found_however_it_is_spelled() {
        found(format!("a{KEY}b"));
        found(KEY.replace('x', "%78"));
        found(KEY.replace('_', "%5f"));
        found(spelled(|byte| format!("%{byte:02x}")));
        found(spelled(|byte| format!("\\u00{byte:02X}")));
        found(spelled(|byte| format!("&#{byte};")));
        found(spelled(|byte| format!("&#x{byte:x};")));
        found(spelled(|byte| format!("%25{byte:02x}")));
        found(spelled(|byte| format!("%5Cu00{byte:02x}")));
        found(&KEY[..12]);
        found(KEY.replace('x', "&#x00000000078;"));
        found(KEY.replace('x', &format!("&#{}120;", "0".repeat(500))));
        found(spelled(|byte| format!("%u00{byte:02x}")));
        found(spelled(|byte| format!("%U00{byte:02X}")));
        found(spelled(|byte| format!("%25u00{byte:02x}")));
        for text in [
            KEY.to_owned(),
            KEY.replace('x', "\\u0078"),
            KEY.replace('x', "%u0078"),
            spelled(|byte| format!("%{byte:02x}")),
            spelled(|byte| format!("\\u00{byte:02X}")),
            spelled(|byte| format!("&#x{byte:x};")),
        ] {
            for wide in [u16::to_le_bytes, u16::to_be_bytes] {
                let wide: Vec<u8> = text.encode_utf16().flat_map(wide).collect();
                found(&wide);
                found(written(&wide, |byte| format!("%{byte:02X}")));
                found(written(&wide, |byte| format!("\\u00{byte:02x}")));
            }
        }
        for depth in [4, 8, 40, 4000] {
            found(KEY.replace('x', &format!("%{}78", "25".repeat(depth))));
        }
    }

    #[test]
    fn a_key_is_found_in_headers_however_it_is_carried() {
        let pair = format!("wx1:{KEY}");
        let basic = base64_simd::STANDARD.encode_to_string(&pair);
        let unpadded = base64_simd::STANDARD_NO_PAD.encode_to_string(&pair);
        for (name, value) in [
            (KEY, "1".to_owned()),
            ("cookie", format!("a={KEY}")),
            ("authorization", format!("Bearer {KEY}")),
            ("authorization", format!("Basic {basic}")),
            ("authorization", format!("basic  {unpadded}")),
        ] {
            let mut headers = HeaderMap::new();
            let name = http::HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(name, value.parse().unwrap());
            assert!(in_headers(&headers), "{value}");
        }
    }

    #[test]
    fn what_is_no_key_passes() {
        for text in [
            "xqk_",
            "xqk_short",
            "XQK_0123456789",
            "qk_01234567",
            "100%",
            "\\u00zz",
            "%u0078qk",
            "%u00",
            "%u4f60%u597d",
            "\\ud83d\\ude00",
            "x\0q\0k\0_\0s\0h\0o\0r\0t\0",
            "https%2525253A%25252F%25252Fa",
            "&#x78",
        ] {
            assert!(!holds_key(text.as_bytes()), "{text}");
        }
    }

    async fn sent(pieces: Vec<Bytes>) -> (Vec<u8>, bool) {
        let body = Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, axum::Error>)));
        let mut out = Vec::new();
        let mut pieces = guarded(body).into_data_stream();
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => out.extend_from_slice(&piece),
                Err(_) => return (out, true),
            }
        }
        (out, false)
    }

    #[tokio::test]
    async fn a_key_is_found_across_pieces_before_any_of_it_is_sent() {
        let text = format!(
            "{}{}{}",
            "-".repeat(500),
            KEY.replace('q', "\\u0071"),
            "-".repeat(500)
        );
        let wide: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for text in [text.as_bytes(), &wide] {
            for size in [1, 3, 7, 50, 95, 96, 97, 200, 383, 384, 385, 503, 600] {
                let pieces = text.chunks(size).map(Bytes::copy_from_slice);
                let (out, found) = sent(pieces.collect()).await;
                assert!(found, "pieces of {size}");
                let before = |byte: &u8| matches!(byte, b'-' | 0);
                assert!(out.iter().all(before), "pieces of {size}");
            }
        }
    }

    #[tokio::test]
    async fn what_holds_no_key_arrives_byte_for_byte() {
        let text: Vec<u8> = (0..=255).cycle().take(3000).collect();
        for size in [1, 96, 97, 384, 385, 1000, 3000] {
            let pieces = text.chunks(size).map(Bytes::copy_from_slice).collect();
            assert_eq!(
                sent(pieces).await,
                (text.clone(), false),
                "pieces of {size}"
            );
        }
        assert_eq!(sent(vec![]).await, (vec![], false));
    }
}
