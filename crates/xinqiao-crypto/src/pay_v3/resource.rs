//! Sealed resources: what notices carry, and certificates as they are downloaded.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64_simd::STANDARD;
use xinqiao_types::ApiV3Key;

use super::key::KeyError;
use crate::base64::{self, Base64Fault};

/// Name of the algorithm on the wire.
const ALGORITHM: &str = "AEAD_AES_256_GCM";
const NONCE_LEN: usize = 12;

/// Why a resource could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// Another algorithm than the key's.
    #[error("the resource is sealed with {found}, this key opens {wanted}")]
    Algorithm {
        /// Which one.
        found: String,
        /// The key's.
        wanted: &'static str,
    },
    /// The ciphertext was damaged on the way.
    #[error("`ciphertext` is not base64: {0}")]
    Base64(Base64Fault),
    /// The nonce has the wrong length.
    #[error("`nonce` has {found} bytes, {NONCE_LEN} are needed")]
    Nonce {
        /// How many bytes it has.
        found: usize,
    },
    /// Another key, other associated data, or changed on the way.
    #[error("the resource was not sealed with this APIv3 key and associated data")]
    Unauthentic,
}

impl ResourceError {
    /// The name of the diagnosis rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Algorithm { .. } => "pay.resource.algorithm",
            Self::Base64(fault) => fault.rule(),
            Self::Nonce { .. } => "pay.resource.nonce",
            Self::Unauthentic => "pay.resource.key",
        }
    }
}

/// An APIv3 key, ready to open resources.
pub struct ResourceKey(LessSafeKey);

impl ResourceKey {
    /// Takes the key as the merchant set it.
    pub fn new(key: &ApiV3Key) -> Result<Self, KeyError> {
        let bytes = key.expose().as_bytes();
        UnboundKey::new(&AES_256_GCM, bytes)
            .map(|key| Self(LessSafeKey::new(key)))
            .map_err(|_| KeyError::ApiV3Key { found: bytes.len() })
    }

    /// Opens a resource. `associated_data` may be empty.
    pub fn open(
        &self,
        algorithm: &str,
        nonce: &str,
        associated_data: &str,
        ciphertext: &str,
    ) -> Result<Vec<u8>, ResourceError> {
        if algorithm != ALGORITHM {
            return Err(ResourceError::Algorithm {
                found: algorithm.to_owned(),
                wanted: ALGORITHM,
            });
        }
        let nonce = unique(nonce)?;
        let mut buffer = base64::decode(ciphertext.as_bytes()).map_err(ResourceError::Base64)?;
        let plain = self
            .0
            .open_in_place(nonce, Aad::from(associated_data.as_bytes()), &mut buffer)
            .map_err(|_| ResourceError::Unauthentic)?
            .len();
        buffer.truncate(plain);
        Ok(buffer)
    }

    /// Seals a resource as the platform does; a simulator needs it. A nonce must never be used twice.
    pub fn seal(
        &self,
        nonce: &str,
        associated_data: &str,
        plain: &[u8],
    ) -> Result<String, ResourceError> {
        let mut buffer = plain.to_vec();
        self.0
            .seal_in_place_append_tag(
                unique(nonce)?,
                Aad::from(associated_data.as_bytes()),
                &mut buffer,
            )
            .map_err(|_| ResourceError::Unauthentic)?;
        Ok(STANDARD.encode_to_string(&buffer))
    }
}

/// WECHAT: the nonce is used as text, not decoded.
fn unique(nonce: &str) -> Result<Nonce, ResourceError> {
    Nonce::try_assume_unique_for_key(nonce.as_bytes())
        .map_err(|_| ResourceError::Nonce { found: nonce.len() })
}

impl fmt::Debug for ResourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResourceKey(***)")
    }
}
