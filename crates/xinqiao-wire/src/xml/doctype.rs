//! Document types in whatever spelling, and what a document says of its own encoding.

use memchr::memmem;

/// Whether a document type or an entity is declared anywhere, also where it would be text.
pub(super) fn mentions_doctype(source: &str) -> bool {
    let bytes = source.as_bytes();
    memmem::find_iter(bytes, b"<!").any(|at| {
        let rest = &bytes[at + 2..];
        [&b"DOCTYPE"[..], b"ENTITY"].iter().any(|word| {
            rest.get(..word.len())
                .is_some_and(|found| found.eq_ignore_ascii_case(word))
        })
    })
}

/// Whether a reader that knows more encodings than this one may find a document type in bytes that are
/// unreadable here: the word in any encoding of wide characters or in EBCDIC, or UTF-7, which hides it.
pub fn may_hold_doctype(bytes: &[u8]) -> bool {
    /// In EBCDIC, whose small letters lack a bit of the capitals.
    const EBCDIC: &[u8] = b"\xc4\xd6\xc3\xe3\xe8\xd7\xc5";
    let with = |bit: u8| -> Vec<u8> {
        let narrow = bytes.iter().filter(|byte| **byte != 0);
        narrow.map(|byte| byte | bit).collect()
    };
    // The bit that makes ASCII small; `-` and digits have it.
    let small = with(0x20);
    let head = &small[..small.len().min(256)];
    let says = |text: &[u8], word: &[u8]| memmem::find(text, word).is_some();
    let is_utf7 = says(head, b"utf-7") || says(head, b"utf7") || head.starts_with(b"+/v");
    is_utf7 || says(&small, b"doctype") || says(&with(0x40), EBCDIC)
}

/// Whether the declaration names an encoding in which the bytes would not say what they say in UTF-8.
pub(super) fn declares_other(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let Some(declaration) = bytes.trim_ascii_start().strip_prefix(b"<?xml") else {
        return false;
    };
    let end = memmem::find(declaration, b"?>").unwrap_or(declaration.len());
    let declaration = &declaration[..end];
    let Some(at) = memmem::find(declaration, b"encoding") else {
        return false;
    };
    let quote = |byte: &u8| matches!(byte, b'"' | b'\'');
    let mut parts = declaration[at..].splitn(3, quote);
    let name = parts.nth(1).unwrap_or_default().trim_ascii();
    ![&b"utf-8"[..], b"utf8", b"us-ascii", b"ascii"]
        .iter()
        .any(|same| name.eq_ignore_ascii_case(same))
}
