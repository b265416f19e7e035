//! The merchant's private key, of either family of algorithms.

use xinqiao_crypto::pay_v3::{DecryptError, PrivateKey, SCHEME_RSA};
#[cfg(feature = "sm")]
use xinqiao_crypto::pay_v3::{SCHEME_SM2, SmPrivateKey};

/// What requests are signed with. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) enum Signer {
    Rsa(PrivateKey),
    #[cfg(feature = "sm")]
    Sm(SmPrivateKey),
}

impl Signer {
    pub(super) fn is_sm(&self) -> bool {
        !matches!(self, Self::Rsa(_))
    }

    /// The scheme's name in `Authorization`.
    pub(super) fn scheme(&self) -> &'static str {
        match self {
            Self::Rsa(_) => SCHEME_RSA,
            #[cfg(feature = "sm")]
            Self::Sm(_) => SCHEME_SM2,
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> String {
        match self {
            Self::Rsa(key) => key.sign(message),
            #[cfg(feature = "sm")]
            Self::Sm(key) => key.sign(message),
        }
    }

    /// Decrypts a sensitive field.
    pub(super) fn decrypt(&self, sealed: &str) -> Result<String, DecryptError> {
        match self {
            Self::Rsa(key) => key.decrypt(sealed),
            #[cfg(feature = "sm")]
            Self::Sm(key) => key.decrypt(sealed),
        }
    }
}
