//! Percent-encoding (`%E4%BD%A0`), as queries, paths, forms and file names have it.
//!
//! What is no escape stays as it is; a `+` too: only forms and queries mean a blank by it, and [`pairs`] reads those.

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
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte.into());
        } else {
            escape_into(byte, out);
        }
    }
}

/// One byte's escape, at the end of another text.
pub fn escape_into(byte: u8, out: &mut String) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
    out.push('%');
    out.extend(digits.map(char::from));
}

/// A pair of a query or a form, encoded, at the end of another text.
pub fn pair_into(name: &str, value: &str, out: &mut String) {
    encode_into(name, out);
    out.push('=');
    encode_into(value, out);
}

/// An address with a query behind it, whether or not it has one already. A fragment is for browsers: it goes.
#[must_use]
pub fn with_query(url: &str, query: &str) -> String {
    if query.is_empty() {
        return url.to_owned();
    }
    let base = url.split_once('#').map_or(url, |(base, _)| base);
    let joint = match base.split_once('?') {
        None => "?",
        Some((_, own)) if own.is_empty() || own.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{base}{joint}{query}")
}

/// The decoded pairs of a query or a form, where `+` is a blank.
pub fn pairs(raw: &str) -> impl Iterator<Item = (String, String)> + '_ {
    let decoded = |text: &str| {
        if text.contains('+') {
            decode(&text.replace('+', " ")).into_owned()
        } else {
            decode(text).into_owned()
        }
    };
    raw.split('&')
        .filter(|pair| !pair.is_empty())
        .map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(name), decoded(value))
        })
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

    #[test]
    fn a_query_is_added_to_what_the_url_has() {
        for (url, want) in [
            ("http://a/wx", "http://a/wx?x=1"),
            ("http://a/wx?", "http://a/wx?x=1"),
            ("http://a/wx?id=7", "http://a/wx?id=7&x=1"),
            ("http://a/wx?id=7&", "http://a/wx?id=7&x=1"),
            ("http://a/wx?#top", "http://a/wx?x=1"),
            ("http://a/wx#top?", "http://a/wx?x=1"),
        ] {
            assert_eq!(with_query(url, "x=1"), want, "{url}");
        }
        assert_eq!(with_query("http://a/wx", ""), "http://a/wx");
    }

    #[test]
    fn pairs_are_decoded() {
        let read: Vec<_> = pairs("a=%E4%BD%A0&&b=1+2&c+d&e=%2B=").collect();
        let want = [("a", "你"), ("b", "1 2"), ("c d", ""), ("e", "+=")];
        assert_eq!(read, want.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    proptest! {
        #[test]
        fn pairs_that_were_written_are_read(name in ".+", value in ".*") {
            let mut out = String::new();
            pair_into(&name, &value, &mut out);
            prop_assert_eq!(pairs(&out).collect::<Vec<_>>(), [(name, value)]);
        }

        #[test]
        fn what_was_encoded_decodes_to_the_same(text in ".*") {
            let encoded = encode(&text);
            prop_assert!(encoded.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"%-._~".contains(&byte)));
            prop_assert_eq!(decode(&encoded), text.as_str());
            prop_assert_eq!(decode_exactly(&encoded), Some(text));
        }
    }
}
