//! The platform's keys by name, and the verification of what they signed.

use std::collections::BTreeMap;

use xinqiao_types::UnixSeconds;

use super::{Certificate, PROBE, PublicKey, SCHEME_RSA, answer_message};
#[cfg(feature = "sm")]
use super::{SCHEME_SM2, SmCertificate, SmPublicKey};
use crate::compare::{Genuine, Mismatch};

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
    /// Another scheme than RSA, or than the key of this name has.
    #[error(
        "signatures of {found} are not set up for this key: SM2 needs the feature `sm` and a merchant \
         with an SM2 key"
    )]
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
    /// The second generation's signature holds, and proves another set of elements as well.
    #[error("the signed elements can be read in two ways, because of {element}")]
    Ambiguous {
        /// The element that may be part of the one before it.
        element: String,
    },
}

impl VerifyError {
    /// The name of the diagnosis rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Missing(_) => "pay.signature.missing",
            Self::Probe => "pay.signature.probe",
            Self::Scheme { .. } => "pay.signature.scheme",
            Self::Window { .. } => "pay.signature.window",
            Self::UnknownKey { .. } => "pay.signature.unknown_key",
            Self::Mismatch => "pay.signature.mismatch",
            Self::Ambiguous { .. } => "pay.signature.ambiguous",
        }
    }
}

/// The platform's keys for one merchant: certificates by serial, public keys by id.
#[derive(Debug, Clone, Default)]
pub struct KeyRing {
    keys: BTreeMap<String, Key>,
}

#[derive(Debug, Clone)]
struct Key {
    public: Public,
    /// Begin and end of a certificate; a public key has neither.
    valid: Option<(UnixSeconds, UnixSeconds)>,
}

#[derive(Debug, Clone)]
enum Public {
    Rsa(PublicKey),
    #[cfg(feature = "sm")]
    Sm(SmPublicKey),
}

impl Public {
    /// Proves a signature of a scheme; none if the key is of another one.
    fn verify(
        &self,
        scheme: &str,
        message: &[u8],
        signature: &str,
    ) -> Option<Result<Genuine, Mismatch>> {
        match self {
            Self::Rsa(key) if scheme == SCHEME_RSA => Some(key.verify(message, signature)),
            #[cfg(feature = "sm")]
            Self::Sm(key) if scheme == SCHEME_SM2 => Some(key.verify(message, signature)),
            _ => None,
        }
    }
}

impl KeyRing {
    /// A ring without keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a platform certificate (平台证书).
    pub fn add_certificate(&mut self, certificate: &Certificate) {
        let key = Key {
            public: Public::Rsa(certificate.key().clone()),
            valid: Some((certificate.not_before(), certificate.not_after())),
        };
        self.keys.insert(certificate.serial().to_owned(), key);
    }

    /// Adds a platform certificate with an SM2 key (国密).
    #[cfg(feature = "sm")]
    pub fn add_sm_certificate(&mut self, certificate: &SmCertificate) {
        let key = Key {
            public: Public::Sm(certificate.key().clone()),
            valid: Some((certificate.not_before(), certificate.not_after())),
        };
        self.keys.insert(certificate.serial().to_owned(), key);
    }

    /// Adds a public key (微信支付公钥) under its id, `PUB_KEY_ID_…`.
    pub fn add_public_key(&mut self, id: impl Into<String>, key: PublicKey) {
        let key = Key {
            public: Public::Rsa(key),
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

    /// Whether there is a key of that name.
    pub fn knows(&self, name: &str) -> bool {
        self.keys.contains_key(name)
    }

    /// The RSA key of that name.
    pub fn get(&self, name: &str) -> Option<&PublicKey> {
        self.keys.get(name)?.rsa()
    }

    /// The id of the public key, if there is one: it goes into `Wechatpay-Serial` of every request.
    pub fn public_key_id(&self) -> Option<&str> {
        let mut public = self.keys.iter().filter(|(_, key)| key.valid.is_none());
        public.next_back().map(|(id, _)| id.as_str())
    }

    /// The RSA key to encrypt sensitive fields with: the public key, else the certificate that is valid
    /// now and ends last.
    pub fn for_encryption(&self, now: UnixSeconds) -> Option<(&str, &PublicKey)> {
        if let Some(id) = self.public_key_id() {
            return self.get(id).map(|key| (id, key));
        }
        self.newest(now, Key::rsa)
    }

    /// The SM2 key to encrypt sensitive fields with: of the certificate that is valid now and ends last.
    #[cfg(feature = "sm")]
    pub fn for_sm_encryption(&self, now: UnixSeconds) -> Option<(&str, &SmPublicKey)> {
        self.newest(now, Key::sm)
    }

    /// Of the certificates that are valid now, the one that ends last.
    fn newest<'k, K>(
        &'k self,
        now: UnixSeconds,
        of: impl Fn(&'k Key) -> Option<&'k K>,
    ) -> Option<(&'k str, &'k K)> {
        let valid = self.keys.iter().filter_map(|(serial, key)| {
            let (begin, end) = key.valid?;
            let usable = of(key).filter(|_| begin <= now && now < end)?;
            Some((end, serial.as_str(), usable))
        });
        let newest = valid.max_by_key(|(end, ..)| *end)?;
        Some((newest.1, newest.2))
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
        let scheme = match signed.scheme {
            "" => SCHEME_RSA,
            scheme => scheme,
        };
        let not_set_up = || VerifyError::Scheme {
            found: scheme.to_owned(),
        };
        if scheme != SCHEME_RSA && !is_sm2(scheme) {
            return Err(not_set_up());
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
            .keys
            .get(signed.serial)
            .ok_or_else(|| VerifyError::UnknownKey {
                serial: signed.serial.to_owned(),
            })?;
        let message = answer_message(signed.timestamp, signed.nonce, body);
        let verdict = key.public.verify(scheme, &message, signed.signature);
        verdict
            .ok_or_else(not_set_up)?
            .map_err(|_| VerifyError::Mismatch)
    }
}

impl Key {
    #[cfg_attr(
        not(feature = "sm"),
        expect(clippy::unnecessary_wraps, reason = "with `sm` there are other keys")
    )]
    fn rsa(&self) -> Option<&PublicKey> {
        match &self.public {
            Public::Rsa(key) => Some(key),
            #[cfg(feature = "sm")]
            Public::Sm(_) => None,
        }
    }

    #[cfg(feature = "sm")]
    fn sm(&self) -> Option<&SmPublicKey> {
        match &self.public {
            Public::Sm(key) => Some(key),
            Public::Rsa(_) => None,
        }
    }
}

/// Whether a scheme is the national one and built in.
fn is_sm2(scheme: &str) -> bool {
    cfg!(feature = "sm") && scheme == super::SCHEME_SM2
}
