//! The `EncodingAESKey` of a server URL: 43 characters that stand for 32 bytes.

use std::fmt;

use xinqiao_types::AesKeyText;
use zeroize::Zeroize;

use crate::{base64::Base64Fault, constant_time_eq};

/// How many characters an `EncodingAESKey` has.
pub const TEXT_LEN: usize = 43;

/// Why a text is no `EncodingAESKey`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AesKeyError {
    /// Rule `config.aes_key.length`.
    #[error(
        "an EncodingAESKey has 43 characters, this has {found}: copy it again from the console"
    )]
    Length {
        /// How many characters there are.
        found: usize,
    },
    /// Rule `config.aes_key.encoded`: it came through a form or an address.
    #[error("the EncodingAESKey was damaged on the way: {0}")]
    Encoded(Base64Fault),
    /// Rule `config.aes_key.alphabet`.
    #[error("character {} of the EncodingAESKey is neither a letter nor a digit", at + 1)]
    Alphabet {
        /// Where the first wrong character stands, counted from 0.
        at: usize,
    },
}

impl AesKeyError {
    /// The name of the diagnosis rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Length { .. } => "config.aes_key.length",
            Self::Encoded(_) => "config.aes_key.encoded",
            Self::Alphabet { .. } => "config.aes_key.alphabet",
        }
    }
}

/// A decoded `EncodingAESKey`.
#[derive(Clone)]
pub struct AesKey([u8; 32]);

impl PartialEq for AesKey {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(&self.0, &other.0)
    }
}

impl Eq for AesKey {}

impl Drop for AesKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl AesKey {
    /// Decodes the 43 characters of the console.
    ///
    /// 43 characters carry 258 bits and the key has 256. The two spare bits are ignored, because the
    /// platform hands out keys in which they are not zero; strict base64 decoders refuse those.
    ///
    /// ```
    /// use xinqiao_crypto::AesKey;
    /// assert!(AesKey::parse("kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR").is_ok());
    /// assert!(AesKey::parse("too short").is_err());
    /// ```
    pub fn parse(text: &str) -> Result<Self, AesKeyError> {
        if let Some(fault @ (Base64Fault::Space | Base64Fault::Percent)) =
            Base64Fault::of(text.trim_ascii().as_bytes())
        {
            return Err(AesKeyError::Encoded(fault));
        }
        if text.len() != TEXT_LEN {
            return Err(AesKeyError::Length {
                found: text.chars().count(),
            });
        }
        let mut key = Self([0; 32]);
        let mut bits = 0_u32;
        let mut held = 0;
        let mut filled = 0;
        for (at, byte) in text.bytes().enumerate() {
            let value = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return Err(AesKeyError::Alphabet { at }),
            };
            bits = (bits << 6) | u32::from(value);
            held += 6;
            if held >= 8 {
                held -= 8;
                key.0[filled] = (bits >> held) as u8;
                filled += 1;
            }
        }
        Ok(key)
    }

    /// Decodes a key that was kept as a secret text.
    pub fn from_text(text: &AesKeyText) -> Result<Self, AesKeyError> {
        Self::parse(text.expose())
    }

    /// Takes 32 bytes as they are.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Writes the key as 43 characters, the two spare bits zero.
    ///
    /// The last character then never makes a strict decoder stumble.
    pub fn to_text(&self) -> AesKeyText {
        let mut text = base64_simd::STANDARD.encode_to_string(self.0);
        text.truncate(TEXT_LEN);
        AesKeyText::new(text)
    }

    pub(crate) const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first 16 bytes, which are the initialisation vector too.
    pub(crate) fn iv(&self) -> [u8; 16] {
        let mut iv = [0; 16];
        iv.copy_from_slice(&self.0[..16]);
        iv
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey(***)")
    }
}

impl TryFrom<&AesKeyText> for AesKey {
    type Error = AesKeyError;

    fn try_from(text: &AesKeyText) -> Result<Self, AesKeyError> {
        Self::from_text(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";

    #[test]
    fn an_aes_key_may_have_its_spare_bits_set() {
        // WECHAT: `R` is 0b010001, so its two spare bits are not zero.
        let key = AesKey::parse(TEXT).unwrap();
        let canonical = key.to_text();
        assert!(canonical.expose().ends_with('Q'));
        assert_eq!(AesKey::from_text(&canonical).unwrap(), key);
    }

    #[test]
    fn the_length_is_named() {
        let error = AesKey::parse(&TEXT[1..]).unwrap_err();
        assert_eq!(error, AesKeyError::Length { found: 42 });
        assert_eq!(
            AesKey::parse("").unwrap_err(),
            AesKeyError::Length { found: 0 }
        );
    }

    #[test]
    fn the_wrong_character_is_named() {
        let text = TEXT.replace('X', "-");
        let error = AesKey::parse(&text).unwrap_err();
        assert_eq!(
            error,
            AesKeyError::Alphabet {
                at: TEXT.find('X').unwrap()
            }
        );
        assert_eq!(error.rule(), "config.aes_key.alphabet");
    }

    #[test]
    fn a_key_that_came_through_a_form_says_so() {
        for (text, fault) in [
            (TEXT.replace('X', " "), Base64Fault::Space),
            (TEXT.replace('X', "%2B"), Base64Fault::Percent),
        ] {
            let error = AesKey::parse(&text).unwrap_err();
            assert_eq!(error, AesKeyError::Encoded(fault));
            assert_eq!(error.rule(), "config.aes_key.encoded");
        }
    }

    #[test]
    fn a_key_does_not_print_itself() {
        assert_eq!(format!("{:?}", AesKey::parse(TEXT).unwrap()), "AesKey(***)");
    }
}
