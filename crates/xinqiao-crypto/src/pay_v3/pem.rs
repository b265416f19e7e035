//! Reads PEM files, and what people make of them in environment variables.

use base64_simd::STANDARD;
use zeroize::Zeroizing;

/// The first block of a PEM text whose label is wanted.
///
/// Line breaks may be missing or be written as `\n`; without any armour the whole text is taken as base64.
/// The label of such a text is empty.
pub(super) fn block(text: &str, wanted: &[&str]) -> Option<(String, Zeroizing<Vec<u8>>)> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("-----BEGIN ") {
        let (label, after) = after.split_once("-----")?;
        let (body, after) = after.split_once("-----END ")?;
        if wanted.contains(&label) {
            return Some((label.to_owned(), decode(body)?));
        }
        rest = after;
    }
    if text.contains("-----BEGIN ") {
        return None;
    }
    let bytes = decode(text)?;
    (!bytes.is_empty()).then(|| (String::new(), bytes))
}

fn decode(body: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut base64 = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut bytes = body.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => {
                bytes.next_if(|next| matches!(next, b'n' | b'r'))?;
            }
            _ if byte.is_ascii_whitespace() => {}
            _ => base64.push(byte),
        }
    }
    STANDARD.decode_to_vec(&*base64).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: Option<&[u8]>) {
        let found = block(text, &["KEY"]).map(|(_, bytes)| bytes.to_vec());
        assert_eq!(found.as_deref(), want);
    }

    #[test]
    fn armour_may_be_bent() {
        check(
            "-----BEGIN KEY-----\nYWJj\n-----END KEY-----\n",
            Some(b"abc"),
        );
        check(
            "-----BEGIN KEY-----\\nYWJj\\n-----END KEY-----",
            Some(b"abc"),
        );
        check(
            "x\n-----BEGIN O-----\nAA==\n-----END O-----\n-----BEGIN KEY-----YWJj-----END KEY-----",
            Some(b"abc"),
        );
        check("YW\r\nJj", Some(b"abc"));
    }

    #[test]
    fn other_blocks_and_rubbish_are_none() {
        check("", None);
        check("-----BEGIN KEY-----", None);
        check("-----BEGIN O-----\nAA==\n-----END O-----", None);
        check("-----BEGIN KEY-----\nY!Jj\n-----END KEY-----", None);
    }
}
