//! The push writer.

use crate::output::Output;

/// Pushes values into JSON text.
#[derive(Debug, Default)]
pub struct Writer {
    pub(super) out: String,
    comma: bool,
}

impl Writer {
    /// The text.
    #[must_use]
    pub fn finish(self) -> String {
        self.out
    }

    #[inline]
    fn before(&mut self) {
        if self.comma {
            self.out.push(',');
        }
        self.comma = true;
    }
}

/// Whether a byte cannot stand in a JSON string as it is.
const fn must_escape(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = LOW << 7;

/// Whether one of eight bytes must be escaped: a zero byte is found by borrowing from its high bit. A byte beside a
/// found one may be reported wrongly, which does no harm, since the eight are then looked at one by one.
const fn some_must_escape(eight: u64) -> bool {
    const fn zero(eight: u64) -> u64 {
        eight.wrapping_sub(LOW) & !eight
    }
    let control = eight.wrapping_sub(LOW * 0x20) & !eight;
    let quote = zero(eight ^ (LOW * b'"' as u64));
    let backslash = zero(eight ^ (LOW * b'\\' as u64));
    (control | quote | backslash) & HIGH != 0
}

/// The first byte from `start` on that must be escaped.
#[inline]
fn next_escape(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    while let Some(eight) = bytes.get(at..).and_then(<[u8]>::first_chunk::<8>) {
        if some_must_escape(u64::from_le_bytes(*eight))
            && let Some(found) = eight.iter().position(|byte| must_escape(*byte))
        {
            return Some(at + found);
        }
        at += 8;
    }
    let tail = bytes.get(at..)?;
    tail.iter()
        .position(|byte| must_escape(*byte))
        .map(|found| at + found)
}

/// Writes a JSON string with its quotes.
pub fn write_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let bytes = text.as_bytes();
    let mut start = 0;
    while let Some(at) = next_escape(bytes, start) {
        out.push_str(&text[start..at]);
        match bytes[at] {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            byte => {
                out.push_str("\\u00");
                for digit in [byte >> 4, byte & 15] {
                    out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
                }
            }
        }
        start = at + 1;
    }
    out.push_str(&text[start..]);
    out.push('"');
}

impl Output for Writer {
    fn null(&mut self) {
        self.before();
        self.out.push_str("null");
    }

    fn bool(&mut self, value: bool) {
        self.before();
        self.out.push_str(if value { "true" } else { "false" });
    }

    fn number(&mut self, text: &str) {
        self.before();
        self.out.push_str(text);
    }

    fn text(&mut self, text: &str, _cdata: bool) {
        self.before();
        write_string(&mut self.out, text);
    }

    fn begin_list(&mut self) {
        self.before();
        self.out.push('[');
        self.comma = false;
    }

    fn end_list(&mut self) {
        self.out.push(']');
        self.comma = true;
    }

    fn begin_map(&mut self) {
        self.before();
        self.out.push('{');
        self.comma = false;
    }

    fn key(&mut self, name: &str) {
        self.before();
        write_string(&mut self.out, name);
        self.out.push(':');
        self.comma = false;
    }

    fn end_map(&mut self) {
        self.out.push('}');
        self.comma = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_escaped_as_serde_json_does() {
        for place in 0..20 {
            for byte in 0..=0x7f_u8 {
                for around in ["a", "林", "\u{80}", "!", "]", "~"] {
                    let mut text = around.repeat(place);
                    text.push(byte as char);
                    text.push_str(&around.repeat(7));
                    let mut out = String::new();
                    write_string(&mut out, &text);
                    let back: String = serde_json::from_str(&out).expect("is JSON");
                    assert_eq!(back, text);
                    let theirs = serde_json::to_string(&text).expect("serialises");
                    assert!(out == theirs || byte == 8 || byte == 12, "{out} {theirs}");
                }
            }
        }
    }
}
