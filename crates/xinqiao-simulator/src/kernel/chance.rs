//! Chance without chance: every id, token and key follows from (seed, kind, counter) or (seed, kind, name).
//!
//! Each kind has a counter of its own, so that one account more does not shift the next user's id, and what
//! belongs to a pair of names (the openid of a user with an account) does not depend on the order of events.
//!
//! Everything drawn here is marked, so that it cannot be mistaken for something real:
//!
//! | what | shape | mark |
//! | --- | --- | --- |
//! | appid | `wx` + 16 hexadecimal digits | begins `wx0000` |
//! | original id | `gh_` + 12 hexadecimal digits | begins `gh_0000` |
//! | secret | 32 hexadecimal digits | begins with eight zeros |
//! | openid, unionid | 28 characters of `[A-Za-z0-9_-]` | begins `oSIM`, `oUNI` |
//! | access token | two digits, `_`, 134 characters | begins `00_SIM` |
//! | media id | 64 characters | begins `SIM` |
//! | template id | 43 characters | begins `SIM` |
//! | tickets, codes and refresh tokens of authorizations | a word, `@@@`, 86 characters | the 86 begin with `SIM` |
//! | code of a log-in | 32 letters and digits | begins `0SIM` |
//! | code for a phone number | 64 hexadecimal digits | begins with eight zeros |
//! | session key of a mini program | 16 bytes in base64 | begins `SIM` |
//! | ticket of the JS-SDK | 86 characters | begins `SIM` |
//! | callback Token | 32 letters and digits | begins `sim` |
//! | message id | 17 digits | begins with 9 |
//! | merchant number | 10 digits | begins `9000` |
//! | serial number of a certificate | 40 upper-case hexadecimal digits | begins `51000000` |

use sha2::{Digest, Sha256};
use xinqiao_types::{Entropy, SeededEntropy};

const HEX: &[u8] = b"0123456789abcdef";
const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
/// Letters and digits whose value in base64 ends in two zero bits.
const KEY_END: &[u8] = b"AEIMQUYcgkosw048";

/// The bytes that belong to one object.
#[derive(Debug)]
pub(crate) struct Draw(SeededEntropy);

impl Draw {
    /// The bytes of the object of this kind that has this name, in worlds of this seed.
    pub(crate) fn new(seed: u64, kind: &str, name: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(seed.to_le_bytes());
        hash.update(kind.as_bytes());
        hash.update([0]);
        hash.update(name.as_bytes());
        let digest = hash.finalize();
        let mut start = [0; 8];
        start.copy_from_slice(&digest[..8]);
        Self(SeededEntropy::new(u64::from_le_bytes(start)))
    }

    fn text(&self, alphabet: &[u8], length: usize) -> String {
        let mut bytes = vec![0_u8; length * 2];
        self.0.fill(&mut bytes);
        bytes
            .chunks_exact(2)
            .map(|pair| {
                let number = usize::from(u16::from_le_bytes([pair[0], pair[1]]));
                char::from(alphabet[number % alphabet.len()])
            })
            .collect()
    }

    pub(crate) fn appid(&self) -> String {
        format!("wx0000{}", self.text(HEX, 12))
    }

    pub(crate) fn original_id(&self) -> String {
        format!("gh_0000{}", self.text(HEX, 8))
    }

    pub(crate) fn secret(&self) -> String {
        format!("00000000{}", self.text(HEX, 24))
    }

    pub(crate) fn openid(&self) -> String {
        format!("oSIM{}", self.text(URL_SAFE, 24))
    }

    pub(crate) fn unionid(&self) -> String {
        format!("oUNI{}", self.text(URL_SAFE, 24))
    }

    pub(crate) fn access_token(&self) -> String {
        format!("00_SIM{}", self.text(URL_SAFE, 131))
    }

    /// A value that says what it is: `ticket@@@…`.
    pub(crate) fn named_value(&self, what: &str) -> String {
        format!("{what}@@@SIM{}", self.text(URL_SAFE, 83))
    }

    /// A code of a log-in: 32 letters and digits.
    pub(crate) fn oauth_code(&self) -> String {
        format!("0SIM{}", self.text(ALPHANUMERIC, 28))
    }

    /// A code that is exchanged for a phone number.
    pub(crate) fn phone_code(&self) -> String {
        format!("00000000{}", self.text(HEX, 56))
    }

    /// 16 bytes in base64, with `+` and `/` as in the platform's keys.
    pub(crate) fn session_key(&self) -> String {
        let mut key = format!("SIM{}", self.text(BASE64, 18));
        // Of the last character only the first two bits count.
        key.push_str(&self.text(b"AQgw", 1));
        key.push_str("==");
        key
    }

    /// A ticket that signs pages or cards.
    pub(crate) fn js_ticket(&self) -> String {
        format!("SIM{}", self.text(URL_SAFE, 83))
    }

    pub(crate) fn media_id(&self) -> String {
        format!("SIM{}", self.text(URL_SAFE, 61))
    }

    pub(crate) fn template_id(&self) -> String {
        format!("SIM{}", self.text(URL_SAFE, 40))
    }

    pub(crate) fn callback_token(&self) -> String {
        format!("sim{}", self.text(ALPHANUMERIC, 29))
    }

    /// WECHAT: commons-codec as WxJava brings it refuses a key whose spare bits are set: ours have them zero.
    pub(crate) fn aes_key(&self) -> String {
        let mut key = self.text(ALPHANUMERIC, 42);
        key.push_str(&self.text(KEY_END, 1));
        key
    }

    pub(crate) fn mchid(&self) -> String {
        format!("9000{}", self.digits(6))
    }

    pub(crate) fn certificate_serial(&self) -> String {
        format!("51000000{}", self.hex(32).to_ascii_uppercase())
    }

    pub(crate) fn digits(&self, length: usize) -> String {
        self.text(b"0123456789", length)
    }

    pub(crate) fn word(&self, length: usize) -> String {
        self.text(b"abcdefghijkmnpqrstuvwxyz23456789", length)
    }

    pub(crate) fn hex(&self, length: usize) -> String {
        self.text(HEX, length)
    }

    /// A trace id (rid) of a call at this second.
    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &self.0
    }
}

/// Whether a token has the shape that worlds of ours give out: then it is one of another life of this world,
/// not a foreign one.
pub(crate) fn looks_like_our_token(token: &str) -> bool {
    token.len() == 137
        && token.starts_with("00_SIM")
        && token.bytes().all(|byte| URL_SAFE.contains(&byte))
}

/// Whether a code of a log-in has the shape that worlds of ours give out.
pub(crate) fn looks_like_our_code(code: &str) -> bool {
    code.len() == 32
        && code.starts_with("0SIM")
        && code.bytes().all(|byte| ALPHANUMERIC.contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_from_seed_kind_and_name() {
        let appid = |seed, kind, name| Draw::new(seed, kind, name).appid();
        assert_eq!(appid(1, "account", "1"), appid(1, "account", "1"));
        for other in [(2, "account", "1"), (1, "user", "1"), (1, "account", "2")] {
            assert_ne!(appid(1, "account", "1"), appid(other.0, other.1, other.2));
        }
    }

    #[test]
    fn ids_have_the_platforms_shape_and_our_mark() {
        let draw = Draw::new(1, "any", "x");
        assert_eq!(draw.appid().len(), 18);
        assert_eq!(draw.openid().len(), 28);
        assert_eq!(draw.secret().len(), 32);
        assert_eq!(draw.original_id().len(), 15);
        assert_eq!(draw.media_id().len(), 64);
        assert_eq!(draw.aes_key().len(), 43);
        assert!(looks_like_our_token(&draw.access_token()));
        assert!(looks_like_our_code(&draw.oauth_code()));
        assert_eq!(draw.phone_code().len(), 64);
        let key = base64_simd::STANDARD.decode_to_vec(draw.session_key());
        assert_eq!(key.unwrap().len(), 16);
    }
}
