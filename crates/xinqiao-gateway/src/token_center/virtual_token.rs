//! Virtual tokens: what an app with an issued key gets instead of the real one.
//!
//! A virtual token looks like a platform token (two digits, `_`, url-safe characters) and is a
//! sealed note of which key it was made for, for which account, until when. Nothing is stored for
//! it, it survives restarts, and it dies with its key.

use xinqiao_store::{Sealer, Store};
use xinqiao_types::{AppId, UnixSeconds};

/// What the app is told. WeChat's own figure; SDKs subtract up to 200 s from it.
pub(crate) const EXPIRES_IN: i64 = 7200;
/// How long it is good beyond that: an app's clock, and its cache, may lag.
const GRACE: i64 = 900;

const PREFIX: &str = "90_";
const CONTEXT: &[u8] = b"virtual token";
/// Padded to this, so that every virtual token has the length of a real one.
const PLAIN_BYTES: usize = 74;

/// Makes and reads virtual tokens.
#[derive(Debug)]
pub(crate) struct VirtualTokens(Sealer);

/// What a virtual token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VirtualToken {
    /// The first half of the key's hash.
    pub(crate) key: [u8; 16],
    pub(crate) appid: AppId,
    /// When it ends, grace included.
    pub(crate) ends: UnixSeconds,
}

impl VirtualTokens {
    pub(crate) fn new(store: &Store) -> Self {
        Self(store.sealer("virtual tokens"))
    }

    /// A new token for a key (by its hash) and an account.
    pub(crate) fn make(&self, key: &[u8; 32], appid: &AppId, now: UnixSeconds) -> String {
        let appid = appid.as_str().as_bytes();
        let mut plain = Vec::with_capacity(PLAIN_BYTES.max(25 + appid.len()));
        plain.extend_from_slice(&key[..16]);
        plain.extend_from_slice(&(now + EXPIRES_IN + GRACE).0.to_be_bytes());
        plain.push(appid.len() as u8);
        plain.extend_from_slice(appid);
        plain.resize(PLAIN_BYTES.max(plain.len()), 0);
        let sealed = self.0.seal(CONTEXT, &plain);
        let mut text = String::with_capacity(PREFIX.len() + sealed.len() * 4 / 3 + 4);
        text.push_str(PREFIX);
        base64_simd::URL_SAFE_NO_PAD.encode_append(&sealed, &mut text);
        text
    }

    /// What a token says, if we made it. Says nothing about whether it ended.
    pub(crate) fn read(&self, text: &str) -> Option<VirtualToken> {
        let sealed = text.strip_prefix(PREFIX)?;
        let sealed = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(sealed).ok()?;
        let plain = self.0.open(CONTEXT, &sealed).ok()?;
        let (key, rest) = plain.split_first_chunk::<16>()?;
        let (ends, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first()?;
        let appid = std::str::from_utf8(rest.get(..usize::from(*length))?).ok()?;
        let ends = UnixSeconds(i64::from_be_bytes(*ends));
        Some(VirtualToken {
            key: *key,
            appid: AppId::from(appid),
            ends,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use xinqiao_store::{Location, MasterKey, Millis, Options};
    use xinqiao_types::SystemEntropy;

    use super::*;

    fn tokens() -> VirtualTokens {
        let master = MasterKey::generate(&SystemEntropy);
        let options = Options {
            location: Location::Memory,
            master,
            now: Millis(0),
        };
        VirtualTokens::new(&Store::open(options).unwrap())
    }

    #[test]
    fn a_virtual_token_looks_like_a_real_one() {
        let text = tokens().make(&[1; 32], &AppId::from("wx5823bf96d3bd56c7"), UnixSeconds(0));
        assert!((130..=170).contains(&text.len()), "{}", text.len());
        assert!(
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        );
        assert!(!text.contains("wx5823bf96d3bd56c7"));
    }

    #[test]
    fn a_virtual_token_outlives_what_the_app_was_told() {
        let tokens = tokens();
        let appid = AppId::from("wx1");
        let text = tokens.make(&[1; 32], &appid, UnixSeconds(1000));
        let read = tokens.read(&text).unwrap();
        assert_eq!((read.appid, read.key), (appid, [1; 16]));
        assert!(read.ends.0 > 1000 + EXPIRES_IN);
    }

    proptest! {
        #[test]
        fn an_altered_token_is_not_ours(index in 3usize..130, change in 1u8..63) {
            let tokens = tokens();
            let mut text = tokens.make(&[1; 32], &AppId::from("wx1"), UnixSeconds(0)).into_bytes();
            const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let old = ALPHABET.iter().position(|byte| *byte == text[index]).unwrap();
            text[index] = ALPHABET[(old + usize::from(change)) % 64];
            prop_assert_eq!(tokens.read(std::str::from_utf8(&text).unwrap()), None);
        }
    }
}
