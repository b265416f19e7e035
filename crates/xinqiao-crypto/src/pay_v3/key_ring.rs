//! The platform's keys by name, and the verification of what they signed.

use std::collections::BTreeMap;

use xinqiao_types::UnixSeconds;

use super::{Certificate, PROBE, PublicKey, SCHEME_RSA, answer_message};
use crate::compare::Genuine;

/// How many seconds a signature's time may differ from ours, exclusive.
pub const WINDOW: i64 = 300;

/// The five headers of an answer or a notice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signed<'a> {
    /// `Wechatpay-Timestamp`.
    pub timestamp: &'a str,
    /// `Wechatpay-Nonce`.
    pub nonce: &'a str,
    /// `Wechatpay-Signature`.
    pub signature: &'a str,
    /// `Wechatpay-Serial`: a certificate's serial or the id of a public key.
    pub serial: &'a str,
    /// `Wechatpay-Signature-Type`; empty means RSA.
    pub scheme: &'a str,
}

/// Why something was not accepted as the platform's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// A header is missing.
    #[error("the header {0} is missing")]
    Missing(&'static str),
    /// The platform tests whether signatures are checked: refuse, answer 4xx, raise no alarm.
    #[error("a probe of the platform: its signature is wrong on purpose")]
    Probe,
    /// Another scheme than RSA.
    #[error("signatures of {found} are not set up")]
    Scheme {
        /// Which one.
        found: String,
    },
    /// Too old or too new, or our clock is wrong.
    #[error("signed {seconds} s away from now, fewer than {WINDOW} are accepted: check the clock")]
    Window {
        /// How far away.
        seconds: u64,
    },
    /// No key has this name.
    #[error("no key of the platform is named {serial}")]
    UnknownKey {
        /// The name.
        serial: String,
    },
    /// Not signed with the key of this name, or changed on the way.
    #[error("the signature does not match")]
    Mismatch,
}

/// The platform's keys for one merchant: certificates by serial, public keys by id.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: BTreeMap<String, Key>,
}

#[derive(Debug, Clone)]
struct Key {
    public: PublicKey,
    /// Begin and end of a certificate; a public key has neither.
    valid: Option<(UnixSeconds, UnixSeconds)>,
}

impl KeyRing {
    /// A ring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a platform certificate (平台证书).
    pub fn add_certificate(&mut self, certificate: &Certificate) {
        let key = Key {
            public: certificate.key().clone(),
            valid: Some((certificate.not_before(), certificate.not_after())),
        };
        self.keys.insert(certificate.serial().to_owned(), key);
    }

    /// Adds a public key (微信支付公钥) under its id, `PUB_KEY_ID_…`.
    pub fn add_public_key(&mut self, id: impl Into<String>, key: PublicKey) {
        let key = Key {
            public: key,
            valid: None,
        };
        self.keys.insert(id.into(), key);
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The names of all keys.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// The key of that name.
    pub fn get(&self, name: &str) -> Option<&PublicKey> {
        self.keys.get(name).map(|key| &key.public)
    }

    /// The id of the public key, if there is one: it goes into `Wechatpay-Serial` of every request.
    pub fn public_key_id(&self) -> Option<&str> {
        let mut public = self.keys.iter().filter(|(_, key)| key.valid.is_none());
        public.next_back().map(|(id, _)| id.as_str())
    }

    /// The key to encrypt sensitive fields with: the public key, else the certificate that is valid now
    /// and ends last.
    pub fn for_encryption(&self, now: UnixSeconds) -> Option<(&str, &PublicKey)> {
        if let Some(id) = self.public_key_id() {
            return self.get(id).map(|key| (id, key));
        }
        self.keys
            .iter()
            .filter_map(|(serial, key)| {
                let (begin, end) = key.valid?;
                (begin <= now && now < end).then_some((end, serial.as_str(), &key.public))
            })
            .max_by_key(|(end, ..)| *end)
            .map(|(_, serial, key)| (serial, key))
    }

    /// Proves that the platform signed these bytes, about now.
    pub fn verify(
        &self,
        signed: &Signed<'_>,
        body: &[u8],
        now: UnixSeconds,
    ) -> Result<Genuine, VerifyError> {
        for (name, value) in [
            ("Wechatpay-Timestamp", signed.timestamp),
            ("Wechatpay-Nonce", signed.nonce),
            ("Wechatpay-Signature", signed.signature),
            ("Wechatpay-Serial", signed.serial),
        ] {
            if value.is_empty() {
                return Err(VerifyError::Missing(name));
            }
        }
        if signed.signature.starts_with(PROBE) {
            return Err(VerifyError::Probe);
        }
        if !signed.scheme.is_empty() && signed.scheme != SCHEME_RSA {
            return Err(VerifyError::Scheme {
                found: signed.scheme.to_owned(),
            });
        }
        let time: i64 = signed
            .timestamp
            .parse()
            .map_err(|_| VerifyError::Missing("Wechatpay-Timestamp"))?;
        let seconds = now.0.abs_diff(time);
        if seconds >= WINDOW.unsigned_abs() {
            return Err(VerifyError::Window { seconds });
        }
        let key = self
            .get(signed.serial)
            .ok_or_else(|| VerifyError::UnknownKey {
                serial: signed.serial.to_owned(),
            })?;
        let message = answer_message(signed.timestamp, signed.nonce, body);
        key.verify(&message, signed.signature)
            .map_err(|_| VerifyError::Mismatch)
    }
}
