//! Virtual tokens: what an app with an issued key gets instead of the real one.
//!
//! A virtual token looks like a platform token (two digits, `_`, url-safe characters) and is a
//! sealed note of which key it was made for, for which account, for which calls, until when. One that stands for
//! a token which the centre does not hold (an authorizer's, that of a corp that installed a suite) has the real one
//! inside. Nothing is stored for either, they survive restarts, and they die with their key.

use xinqiao_catalog::model::Bearing;
use xinqiao_store::{Sealer, Store};
use xinqiao_types::{AccessToken, AppId, UnixSeconds};

/// What the app is told. WeChat's own figure; SDKs subtract up to 200 s from it.
pub(crate) const EXPIRES_IN: i64 = 7200;
/// How long it is good beyond that: an app's clock, and its cache, may lag.
const GRACE: i64 = 900;

const PREFIX: &str = "90_";
const CONTEXT: &[u8] = b"virtual token";
/// Of those with the real token inside.
const CARRYING: &[u8] = b"virtual token with the real one";
/// Padded to this, so that every virtual token has the length of a real one.
const PLAIN_BYTES: usize = 74;

/// Makes and reads virtual tokens.
#[derive(Debug)]
pub(crate) struct VirtualTokens(Sealer);

/// What a virtual token says.
#[derive(Debug, Clone)]
pub(crate) struct VirtualToken {
    /// The first half of the key's hash.
    pub(crate) key: [u8; 16],
    /// The account whose secret it came from.
    pub(crate) appid: AppId,
    /// When it ends, grace included.
    pub(crate) ends: UnixSeconds,
    /// What it is good for.
    pub(crate) bearing: Bearing,
    /// The real token, if it is not the centre's.
    pub(crate) real: Option<AccessToken>,
}

/// Each bearing's letter in a sealed note.
const BEARINGS: [(Bearing, u8); 6] = [
    (Bearing::Account, b'a'),
    (Bearing::Corp, b'c'),
    (Bearing::Component, b'm'),
    (Bearing::Suite, b's'),
    (Bearing::Provider, b'p'),
    (Bearing::Carried, b'-'),
];

impl VirtualTokens {
    pub(crate) fn new(store: &Store) -> Self {
        Self(store.sealer("virtual tokens"))
    }

    /// A new token for a key (by its hash) and an account, in the place of the one that the centre holds.
    pub(crate) fn make(
        &self,
        key: &[u8; 32],
        appid: &AppId,
        bearing: Bearing,
        now: UnixSeconds,
    ) -> String {
        let mut plain = head(key, now + EXPIRES_IN + GRACE, appid);
        plain.push(letter_of(bearing));
        plain.resize(PLAIN_BYTES.max(plain.len()), 0);
        self.seal(CONTEXT, &plain)
    }

    /// A new token for a key and an account that stands for `real`, and has it inside.
    pub(crate) fn carry(
        &self,
        key: &[u8; 32],
        appid: &AppId,
        bearing: Bearing,
        real: &str,
        now: UnixSeconds,
    ) -> String {
        // What only requests carry lasts as long as the platform lets it.
        let ends = match bearing {
            Bearing::Carried => UnixSeconds(i64::MAX),
            _ => now + EXPIRES_IN + GRACE,
        };
        let mut plain = head(key, ends, appid);
        plain.push(letter_of(bearing));
        plain.extend_from_slice(real.as_bytes());
        self.seal(CARRYING, &plain)
    }

    fn seal(&self, context: &[u8], plain: &[u8]) -> String {
        let sealed = self.0.seal(context, plain);
        let mut text = String::with_capacity(PREFIX.len() + sealed.len() * 4 / 3 + 4);
        text.push_str(PREFIX);
        base64_simd::URL_SAFE_NO_PAD.encode_append(&sealed, &mut text);
        text
    }

    /// What a token says, if we made it. Says nothing about whether it ended.
    pub(crate) fn read(&self, text: &str) -> Option<VirtualToken> {
        let sealed = text.strip_prefix(PREFIX)?;
        let sealed = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(sealed).ok()?;
        let (plain, carrying) = match self.0.open(CONTEXT, &sealed) {
            Ok(plain) => (plain, false),
            Err(_) => (self.0.open(CARRYING, &sealed).ok()?, true),
        };
        let (key, rest) = plain.split_first_chunk::<16>()?;
        let (ends, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first()?;
        let (appid, rest) = rest.split_at_checked(usize::from(*length))?;
        // Those of earlier versions, all of accounts, have nothing but zeros behind the appid.
        let (letter, rest) = rest.split_first().unwrap_or((&0, &[]));
        let bearing = match (*letter, carrying) {
            (0, false) => Bearing::Account,
            (letter, _) => BEARINGS.iter().find(|(_, known)| *known == letter)?.0,
        };
        let real = if carrying {
            Some(AccessToken::from(std::str::from_utf8(rest).ok()?))
        } else {
            None
        };
        Some(VirtualToken {
            key: *key,
            appid: AppId::from(std::str::from_utf8(appid).ok()?),
            ends: UnixSeconds(i64::from_be_bytes(*ends)),
            bearing,
            real,
        })
    }
}

/// Whether a text may be a virtual token at all: the cheap question before [`VirtualTokens::read`].
pub(crate) fn looks_virtual(text: &str) -> bool {
    text.starts_with(PREFIX)
}

fn letter_of(bearing: Bearing) -> u8 {
    let letter = BEARINGS.iter().find(|(known, _)| *known == bearing);
    letter.map_or(b'-', |(_, letter)| *letter)
}

fn head(key: &[u8; 32], ends: UnixSeconds, appid: &AppId) -> Vec<u8> {
    let appid = appid.as_str().as_bytes();
    let mut plain = Vec::with_capacity(PLAIN_BYTES.max(25 + appid.len()));
    plain.extend_from_slice(&key[..16]);
    plain.extend_from_slice(&ends.0.to_be_bytes());
    plain.push(u8::try_from(appid.len()).unwrap_or(u8::MAX));
    plain.extend_from_slice(&appid[..appid.len().min(usize::from(u8::MAX))]);
    plain
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
            node: xinqiao_store::NodeId::default(),
            now: Millis(0),
            timing: xinqiao_store::Timing::Caller,
        };
        let store = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(Store::open(options));
        VirtualTokens::new(&store.unwrap())
    }

    #[test]
    fn a_virtual_token_looks_like_a_real_one() {
        let text = tokens().make(
            &[1; 32],
            &AppId::from("wx5823bf96d3bd56c7"),
            Bearing::Account,
            UnixSeconds(0),
        );
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
        let text = tokens.make(&[1; 32], &appid, Bearing::Account, UnixSeconds(1000));
        let read = tokens.read(&text).unwrap();
        assert_eq!((read.appid, read.key), (appid, [1; 16]));
        assert!(read.ends.0 > 1000 + EXPIRES_IN);
    }

    #[test]
    fn a_token_that_carries_the_real_one_hides_it_and_gives_it_back() {
        let tokens = tokens();
        let appid = AppId::from("wxcomponent");
        for (bearing, _) in BEARINGS {
            let text = tokens.carry(&[1; 32], &appid, bearing, "77_REAL", UnixSeconds(1000));
            assert!(!text.contains("REAL"));
            let read = tokens.read(&text).unwrap();
            assert_eq!(
                (read.appid.as_str(), read.bearing),
                ("wxcomponent", bearing)
            );
            assert_eq!(read.real.unwrap().expose(), "77_REAL");
        }
    }

    #[test]
    fn a_token_of_the_centre_says_what_it_is_good_for() {
        let tokens = tokens();
        let appid = AppId::from("ww0123456789abcdef:1000002");
        for bearing in [
            Bearing::Account,
            Bearing::Corp,
            Bearing::Component,
            Bearing::Suite,
        ] {
            let text = tokens.make(&[1; 32], &appid, bearing, UnixSeconds(0));
            let read = tokens.read(&text).unwrap();
            assert!(read.real.is_none() && read.bearing == bearing);
            assert_eq!(read.appid, appid);
        }
    }

    #[test]
    fn a_token_of_an_earlier_version_is_an_accounts() {
        let tokens = tokens();
        let appid = AppId::from("wx1");
        let mut plain = head(&[1; 32], UnixSeconds(9), &appid);
        plain.resize(PLAIN_BYTES, 0);
        let read = tokens.read(&tokens.seal(CONTEXT, &plain)).unwrap();
        assert_eq!((read.bearing, read.appid), (Bearing::Account, appid));
    }

    proptest! {
        #[test]
        fn an_altered_token_is_not_ours(index in 3usize..130, change in 1u8..63) {
            let tokens = tokens();
            let mut text = tokens.make(&[1; 32], &AppId::from("wx1"), Bearing::Account, UnixSeconds(0)).into_bytes();
            const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
            let old = ALPHABET.iter().position(|byte| *byte == text[index]).unwrap();
            text[index] = ALPHABET[(old + usize::from(change)) % 64];
            prop_assert!(tokens.read(std::str::from_utf8(&text).unwrap()).is_none());
        }
    }
}
