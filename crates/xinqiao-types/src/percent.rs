//! Percent-encoding (`%E4%BD%A0`), as queries, paths, forms and file names have it.
//!
//! What is no escape stays as it is; a `+` too: only forms and queries mean a blank by it, and their readers say so.

use std::borrow::Cow;

/// Encodes everything but letters, digits and `-._~`, so that every server decodes it to the same.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    encode_into(text, &mut out);
    out
}

/// As [`encode`], at the end of another text.
pub fn encode_into(text: &str, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte.into());
        } else {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.push('%');
            out.extend(digits.map(char::from));
        }
    }
}

/// Decodes; bytes that are no UTF-8 become U+FFFD.
#[must_use]
pub fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let (bytes, _) = bytes_of(text);
    Cow::Owned(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// Decodes what is encoded as it must be: every `%` begins an escape, and the bytes are UTF-8.
#[must_use]
pub fn decode_exactly(text: &str) -> Option<String> {
    let (bytes, all) = bytes_of(text);
    String::from_utf8(bytes).ok().filter(|_| all)
}

/// The bytes, and whether every `%` began an escape.
fn bytes_of(text: &str) -> (Vec<u8>, bool) {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut all = true;
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let escape = match after {
            [high, low, tail @ ..] if byte == b'%' => {
                let value = digit(*high).zip(digit(*low));
                value.map(|(high, low)| ((high * 16 + low) as u8, tail))
            }
            _ => None,
        };
        all &= byte != b'%' || escape.is_some();
        let (plain, tail) = escape.unwrap_or((byte, after));
        out.push(plain);
        rest = tail;
    }
    (out, all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_escape_stays() {
        for text in [
            "100%", "%", "%4", "%zz", "%+1", "%-1", "% 1", "a+b", "%4g", "你%",
        ] {
            assert_eq!(decode(text), text);
            assert_eq!(
                decode_exactly(text).is_some(),
                !text.contains('%'),
                "{text}"
            );
        }
        assert_eq!(decode("%2525"), "%25");
        assert_eq!(decode("%41%e4%BD%a0"), "A你");
    }

    #[test]
    fn bytes_that_are_no_text_are_marked() {
        assert_eq!(decode("%ff1"), "\u{fffd}1");
        assert_eq!(decode_exactly("%ff1"), None);
    }

    proptest! {
        #[test]
        fn what_was_encoded_decodes_to_the_same(text in ".*") {
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"%-._~".contains(&byte)));
            prop_assert_eq!(decode(&encoded), text.as_str());
            prop_assert_eq!(decode_exactly(&encoded), Some(text));
        }
    }
}
