//! Takes real tokens and secrets out of answers to apps that hold issued keys.
//!
//! An answer is searched as it comes, across the borders of its pieces; only what may be the
//! beginning of a secret is held back. Each secret is known in the spellings that an answer may
//! give it: plain, as a JSON text, percent-encoded, in UTF-16.

use std::sync::OnceLock;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, HeaderValue};
use memchr::memmem::Finder;
use xinqiao_types::percent;

/// Shorter texts would be found everywhere; no secret is as short.
const LEAST: usize = 8;

/// What must not get out, and what stands in its place.
pub(super) struct Scrubber {
    secrets: Vec<String>,
    /// The secrets as they are, and in spellings that escape only what must be.
    plain: Needles,
    /// Each character escaped. Made when an answer has escapes at all.
    escaped: OnceLock<Needles>,
    /// Whether the answer is known to hold them.
    expected: bool,
    instead: Bytes,
}

struct Needles {
    all: Vec<Finder<'static>>,
    /// Length of the longest.
    longest: usize,
}

impl Needles {
    fn new<const N: usize>(secrets: &[String], spell: fn(&str) -> [String; N]) -> Self {
        let mut spellings: Vec<String> = secrets.iter().flat_map(|secret| spell(secret)).collect();
        // The longest first: one may be the beginning of another.
        spellings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        Self {
            longest: spellings.first().map_or(0, String::len),
            all: (spellings.iter())
                .map(|spelling| Finder::new(spelling.as_bytes()).into_owned())
                .collect(),
        }
    }

    /// How much of the end may be the beginning of one.
    fn begun(&self, bytes: &[u8]) -> usize {
        let from = bytes.len().saturating_sub(self.longest.saturating_sub(1));
        let end = &bytes[from..];
        (0..end.len())
            .find(|at| {
                let end = &end[*at..];
                (self.all.iter()).any(|needle| needle.needle().starts_with(end))
            })
            .map_or(0, |at| end.len() - at)
    }
}

impl Scrubber {
    pub(super) fn new<S: AsRef<str>>(secrets: impl IntoIterator<Item = S>, instead: &str) -> Self {
        let secrets: Vec<String> = (secrets.into_iter())
            .filter(|secret| secret.as_ref().len() >= LEAST)
            .map(|secret| secret.as_ref().to_owned())
            .collect();
        Self {
            plain: Needles::new(&secrets, plain_spellings),
            escaped: OnceLock::new(),
            secrets,
            expected: false,
            instead: Bytes::copy_from_slice(instead.as_bytes()),
        }
    }

    /// As [`Self::new`], for what an answer is known to hand out: taking it out is nothing to tell.
    pub(super) fn of_handed_out(real: &str, instead: &str) -> Self {
        Self {
            expected: true,
            ..Self::new([real], instead)
        }
    }

    fn escaped(&self) -> &Needles {
        let make = || Needles::new(&self.secrets, escaped_spellings);
        self.escaped.get_or_init(make)
    }

    /// The bytes without any secret. Untouched, and not copied, if none is found.
    pub(super) fn bytes(&self, body: Bytes) -> Bytes {
        let mut body = body;
        let escaped = has_escapes(&body).then(|| self.escaped());
        let escaped = escaped.into_iter().flat_map(|needles| &needles.all);
        for needle in self.plain.all.iter().chain(escaped) {
            if let Some(clean) = self.without(needle, &body) {
                if !self.expected {
                    tracing::warn!("An answer repeated a real token or secret; it was taken out.");
                }
                body = clean.into();
            }
        }
        body
    }

    fn without(&self, needle: &Finder<'_>, body: &[u8]) -> Option<Vec<u8>> {
        let mut found = needle.find_iter(body).peekable();
        found.peek()?;
        let mut clean = Vec::with_capacity(body.len());
        let mut from = 0;
        for at in found {
            clean.extend_from_slice(&body[from..at]);
            clean.extend_from_slice(&self.instead);
            from = at + needle.needle().len();
        }
        clean.extend_from_slice(&body[from..]);
        Some(clean)
    }

    pub(super) fn headers(&self, headers: &mut HeaderMap) {
        for value in headers.values_mut() {
            let old = Bytes::copy_from_slice(value.as_bytes());
            let new = self.bytes(old.clone());
            if new != old {
                *value = HeaderValue::from_bytes(&new)
                    .unwrap_or_else(|_| HeaderValue::from_static("***"));
            }
        }
    }

    /// A body that is searched as it comes.
    pub(super) fn stream(self, body: Body) -> Body {
        let pieces = body
            .into_data_stream()
            .map(Some)
            .chain(stream::iter([None]));
        let clean = pieces.scan((self, Bytes::new()), |(scrubber, held), piece| {
            let out = match piece {
                Some(Ok(piece)) => Ok(scrubber.next(held, piece)),
                Some(Err(error)) => Err(error),
                None => Ok(scrubber.bytes(std::mem::take(held))),
            };
            std::future::ready(Some(out))
        });
        Body::from_stream(clean.filter(|piece: &Result<Bytes, axum::Error>| {
            std::future::ready(piece.as_ref().map_or(true, |piece| !piece.is_empty()))
        }))
    }

    /// What may go out of what was held back and the next piece.
    fn next(&self, held: &mut Bytes, piece: Bytes) -> Bytes {
        let whole = if held.is_empty() {
            piece
        } else {
            [held.as_ref(), piece.as_ref()].concat().into()
        };
        let whole = self.bytes(whole);
        let out = whole.len() - self.begun(&whole);
        *held = whole.slice(out..);
        whole.slice(..out)
    }

    /// How much of the end may be the beginning of a secret.
    fn begun(&self, bytes: &[u8]) -> usize {
        let plain = self.plain.begun(bytes);
        if has_escapes(bytes) {
            plain.max(self.escaped().begun(bytes))
        } else {
            plain
        }
    }
}

/// Escapes, or the zeros of UTF-16.
fn has_escapes(bytes: &[u8]) -> bool {
    memchr::memchr3(b'%', b'\\', 0, bytes).is_some()
}

/// Spellings that are the secret itself where it has nothing to escape, as most have.
fn plain_spellings(secret: &str) -> [String; 6] {
    let json = serde_json::Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    [
        secret.to_owned(),
        json.replace('/', "\\/"),
        json,
        percent::encode(secret),
        spelled(secret, b"-_.~", |byte| format!("%{byte:02x}")),
        spelled(secret, b"-_.!~*'()", |byte| format!("%{byte:02X}")),
    ]
}

fn escaped_spellings(secret: &str) -> [String; 7] {
    // In UTF-16, of either order, but for the zero before or behind it.
    let wide: Vec<_> = secret.chars().map(String::from).collect();
    let escaped = |escape: fn(u8) -> String| secret.bytes().map(escape).collect::<String>();
    [
        escaped(|byte| format!("%{byte:02X}")),
        escaped(|byte| format!("%{byte:02x}")),
        escaped(|byte| format!("\\u00{byte:02X}")),
        escaped(|byte| format!("\\u00{byte:02x}")),
        escaped(|byte| format!("%u00{byte:02X}")),
        escaped(|byte| format!("%u00{byte:02x}")),
        wide.join("\0"),
    ]
}

/// As others than [`percent`] spell it: they leave other characters as they are, or write small letters.
fn spelled(text: &str, stays: &[u8], escape: fn(u8) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || stays.contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&escape(byte));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubber() -> Scrubber {
        Scrubber::new(["CANARY-TOKEN/1", "CANARY-SECRET"], "x")
    }

    #[test]
    fn secrets_are_replaced_wherever_they_stand() {
        let body = Bytes::from_static(b"a CANARY-TOKEN/1 b CANARY-SECRET c CANARY-TOKEN/1");
        assert_eq!(scrubber().bytes(body), Bytes::from_static(b"a x b x c x"));
        let body = Bytes::from_static(b"nothing here");
        assert_eq!(scrubber().bytes(body.clone()), body);
    }

    #[test]
    fn other_spellings_are_found_too() {
        for body in [
            "CANARY-TOKEN\\/1",
            "CANARY-TOKEN%2F1",
            "CANARY-TOKEN%2f1",
            "%43%41%4E%41%52%59%2D%54%4F%4B%45%4E%2F%31",
            "\\u0043\\u0041\\u004e\\u0041\\u0052\\u0059\\u002d\\u0053\\u0045\\u0043\\u0052\\u0045\\u0054",
            "%u0043%u0041%u004e%u0041%u0052%u0059%u002d%u0053%u0045%u0043%u0052%u0045%u0054",
        ] {
            assert_eq!(scrubber().bytes(body.into()), "x", "{body}");
        }
        let secret = "CANARY-SECRET";
        for wide in [u16::to_le_bytes, u16::to_be_bytes] {
            let body: Vec<u8> = secret.encode_utf16().flat_map(wide).collect();
            let clean = scrubber().bytes(body.into());
            assert!(
                clean == b"x\0".as_slice() || clean == b"\0x".as_slice(),
                "{clean:?}"
            );
        }
    }

    async fn streamed(pieces: Vec<Bytes>) -> Vec<Bytes> {
        let body = Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, axum::Error>)));
        let pieces = scrubber().stream(body).into_data_stream();
        pieces.map(Result::unwrap).collect().await
    }

    #[tokio::test]
    async fn secrets_are_found_across_pieces() {
        let text = format!(
            "{}CANARY-TOKEN/1-CANARYCANARY-SECRET{}",
            "é".repeat(100),
            "-".repeat(99)
        );
        let want = format!("{}x-CANARYx{}", "é".repeat(100), "-".repeat(99));
        for size in 1..60 {
            let pieces = text.as_bytes().chunks(size).map(Bytes::copy_from_slice);
            let out = streamed(pieces.collect()).await.concat();
            assert_eq!(String::from_utf8(out).unwrap(), want, "pieces of {size}");
        }
    }

    #[tokio::test]
    async fn only_what_may_be_a_beginning_waits_for_the_next_piece() {
        let pieces = [&b"one "[..], b"two CANARY", b"-SOMETHING"].map(Bytes::from_static);
        let out = streamed(pieces.to_vec()).await;
        assert_eq!(out, [&b"one "[..], b"two ", b"CANARY-SOMETHING"]);
    }
}
