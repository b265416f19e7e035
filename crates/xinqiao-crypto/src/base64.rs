//! base64 that came through forms, addresses, files and logs: reads it, or says what happened to it.

use base64_simd::STANDARD;

/// How a base64 text was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Base64Fault {
    /// There are spaces where plus signs were.
    #[error(
        "there are blanks where plus signs stood: it was decoded as a form; percent-encode it when it is sent, or \
         send it as JSON"
    )]
    Space,
    /// It is still percent-encoded.
    #[error("it is percent-encoded once too often: decode it once more, or encode it once less")]
    Percent,
    /// The text stands there twice, or was encoded twice.
    #[error("it stands there twice, or was encoded twice: pass it on as it came")]
    Doubled,
    /// Its end is missing.
    #[error("its end is missing: look for a length limit on the way")]
    CutOff,
    /// It has characters that base64 does not.
    #[error("it has characters that base64 does not have")]
    Alphabet,
}

impl Base64Fault {
    /// The name of the diagnosis rule.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::Space => "base64.space",
            Self::Percent => "base64.percent",
            Self::Doubled => "base64.doubled",
            Self::CutOff => "base64.cut_off",
            Self::Alphabet => "base64.alphabet",
        }
    }

    /// How a text was damaged, if it was.
    pub fn of(text: &[u8]) -> Option<Self> {
        let escape = |at: usize| {
            let digits = text.get(at + 1..at + 3);
            digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
        };
        if (0..text.len()).any(|at| text[at] == b'%' && escape(at)) {
            return Some(Self::Percent);
        }
        if text.contains(&b' ') {
            return Some(Self::Space);
        }
        let content = text.iter().position(|byte| *byte == b'=');
        let (content, tail) = text.split_at(content.unwrap_or(text.len()));
        if tail.iter().any(|byte| *byte != b'=') || is_repeated(text) {
            return Some(Self::Doubled);
        }
        let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        if !content.iter().all(alphabet) || tail.len() > 2 {
            return Some(Self::Alphabet);
        }
        (!text.len().is_multiple_of(4)).then_some(Self::CutOff)
    }
}

/// A long text and the same text once more: by chance that does not happen.
fn is_repeated(text: &[u8]) -> bool {
    let half = text.len() / 2;
    text.len().is_multiple_of(2) && half >= 32 && text[..half] == text[half..]
}

/// Decodes base64 with its padding; white space around it is passed over.
pub fn decode(text: &[u8]) -> Result<Vec<u8>, Base64Fault> {
    // A blank at the end may have been a plus sign: then what is left is no whole text.
    STANDARD
        .decode_to_vec(text.trim_ascii())
        .map_err(|_| Base64Fault::of(text).unwrap_or(Base64Fault::Alphabet))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, want: Result<&[u8], Base64Fault>) {
        assert_eq!(decode(text.as_bytes()), want.map(<[u8]>::to_vec), "{text}");
    }

    #[test]
    fn the_damage_is_named() {
        check("+/8=", Ok(b"\xfb\xff"));
        check(" +/8=\r\n", Ok(b"\xfb\xff"));
        check("", Ok(b""));
        check(" /8=", Err(Base64Fault::Space));
        check("AAA ", Err(Base64Fault::Space));
        check("%2B/8%3D", Err(Base64Fault::Percent));
        check("%252B%252F8%253D", Err(Base64Fault::Percent));
        check("A BC%3D%3D", Err(Base64Fault::Percent));
        check("+/8=+/8=", Err(Base64Fault::Doubled));
        check("+/8", Err(Base64Fault::CutOff));
        check("-_8=", Err(Base64Fault::Alphabet));
        check("+/8%", Err(Base64Fault::Alphabet));
        check("AB\nCD", Err(Base64Fault::Alphabet));
    }

    proptest! {
        #[test]
        fn what_a_form_did_is_named(bytes in proptest::collection::vec(any::<u8>(), 1..60)) {
            let text = STANDARD.encode_to_string(&bytes);
            let form = text.replace('+', " ");
            let want = if form == text { Ok(bytes.clone()) } else { Err(Base64Fault::Space) };
            prop_assert_eq!(decode(form.as_bytes()), want);
            let escaped = text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3d");
            let want = if escaped == text { Ok(bytes) } else { Err(Base64Fault::Percent) };
            prop_assert_eq!(decode(escaped.as_bytes()), want);
        }

        #[test]
        fn any_text_is_read_or_explained(text in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = decode(&text);
        }
    }
}
