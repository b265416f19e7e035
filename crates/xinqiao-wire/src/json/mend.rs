//! Mends text that is JSON but for characters that JSON cannot hold.

use std::borrow::Cow;

/// What JSON cannot hold, or no text can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// A control character that stands there raw.
    Control(u8, Within),
    /// The escape of one half of a surrogate pair, without the other.
    Half,
}

/// Where something stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// In a string.
    String,
    /// Between strings.
    Nothing,
}

/// Writes something else where `instead` says so. A backslash that begins no escape stands for itself in any case.
#[must_use]
pub fn mend(text: Cow<'_, str>, instead: impl Fn(Flaw) -> Option<&'static str>) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    // What is copied already ends here.
    let mut kept = 0;
    let mut out = String::new();
    let mut within = Within::Nothing;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let mut length = 1;
        let new = match (byte, within) {
            (b'"', Within::String) => {
                within = Within::Nothing;
                None
            }
            (b'"', Within::Nothing) => {
                within = Within::String;
                None
            }
            (b'\\', Within::String) => match escape(&bytes[at..]) {
                Escape::None => Some("\\\\"),
                Escape::Whole(whole) => {
                    length = whole;
                    None
                }
                Escape::Half => {
                    length = UNIT;
                    instead(Flaw::Half)
                }
            },
            (0..b' ', _) => instead(Flaw::Control(byte, within)),
            _ => None,
        };
        if let Some(new) = new {
            out.push_str(&text[kept..at]);
            out.push_str(new);
            kept = at + length;
        }
        at += length;
    }
    if kept == 0 {
        return text;
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// What a backslash begins.
enum Escape {
    None,
    /// So many bytes.
    Whole(usize),
    /// [`UNIT`] bytes.
    Half,
}

/// Bytes of `\u0041`.
const UNIT: usize = 6;

fn escape(bytes: &[u8]) -> Escape {
    if let [
        _,
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
        ..,
    ] = bytes
    {
        return Escape::Whole(2);
    }
    match (unit(bytes), bytes.get(UNIT..).and_then(unit)) {
        (None, _) => Escape::None,
        (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => Escape::Whole(2 * UNIT),
        (Some(0xd800..0xe000), _) => Escape::Half,
        (Some(_), _) => Escape::Whole(UNIT),
    }
}

/// The code unit that `\u` and four digits stand for.
fn unit(bytes: &[u8]) -> Option<u32> {
    let digits = bytes.strip_prefix(b"\\u")?.get(..4)?;
    let mut digits = digits.iter().map(|digit| char::from(*digit).to_digit(16));
    digits.try_fold(0, |all, digit| Some(all << 4 | digit?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &str) {
        let mended = mend(Cow::Borrowed(text), |flaw| match flaw {
            Flaw::Control(b'\n', Within::Nothing) => None,
            Flaw::Control(_, Within::Nothing) => Some(""),
            Flaw::Control(..) => Some("_"),
            Flaw::Half => Some("?"),
        });
        assert_eq!(mended, want);
        assert_eq!(matches!(mended, Cow::Borrowed(_)), text == want, "{text}");
    }

    #[test]
    fn only_what_json_cannot_hold_is_written_anew() {
        check("{\"a\":\n1}", "{\"a\":\n1}");
        check("{\"a\0\":\u{1}1}", "{\"a_\":1}");
        check(
            r#"["\"\\\/\b\f\n\r\t\u0041"]"#,
            r#"["\"\\\/\b\f\n\r\t\u0041"]"#,
        );
        check(r#"["\a\u12"]"#, r#"["\\a\\u12"]"#);
        check(r#"["\ud83d\ude00"]"#, r#"["\ud83d\ude00"]"#);
        check(
            r#"["\ud83d\ud83d\ude00\ude00 \ud83d"]"#,
            r#"["?\ud83d\ude00? ?"]"#,
        );
        check(r#"["\"#, r#"["\\"#);
        check(r"\x", r"\x");
    }
}
