//! Encryption of server calls (服务端 API 签名与加密): AES-256-GCM over the JSON body.
//!
//! The authenticated data binds a body to its call: `url|appid|timestamp|sn`, the URL without its
//! query. Answers are bound in the same way.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64_simd::STANDARD;
use zeroize::Zeroizing;

use crate::base64::{self, Base64Fault};

const TAG_LEN: usize = 16;
const IV_LEN: usize = 12;

/// Why a body could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecureApiError {
    /// A text was damaged on the way.
    #[error("`{field}` is not base64: {fault}")]
    Base64 {
        /// Which one.
        field: &'static str,
        /// What happened to it.
        fault: Base64Fault,
    },
    /// A part has the wrong length.
    #[error("`{field}` has {found} bytes, {needed} are needed")]
    Length {
        /// Which one.
        field: &'static str,
        /// How many bytes it has.
        found: usize,
        /// How many it needs.
        needed: usize,
    },
    /// Another key, another call, or changed on the way.
    #[error("the body was not encrypted with this key for this url, appid, timestamp and sn")]
    Unauthentic,
}

/// What a body belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding<'a> {
    /// The call's URL; a query is cut off.
    pub url: &'a str,
    /// The account.
    pub appid: &'a str,
    /// The call's time in seconds.
    pub timestamp: i64,
}

/// An encrypted body: three base64 texts, named as in the JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The initialisation vector.
    pub iv: String,
    /// The ciphertext.
    pub data: String,
    /// The authentication tag.
    pub authtag: String,
}

/// A symmetric key and its serial number (`sn`), as the console shows them.
pub struct SecureApiKey {
    key: LessSafeKey,
    sn: Box<str>,
}

impl SecureApiKey {
    /// Decodes the key's base64 text.
    pub fn parse(key: &str, sn: &str) -> Result<Self, SecureApiError> {
        let bytes = decode("key", key).map(Zeroizing::new)?;
        let unbound =
            UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| SecureApiError::Length {
                field: "key",
                found: bytes.len(),
                needed: 32,
            })?;
        Ok(Self {
            key: LessSafeKey::new(unbound),
            sn: sn.into(),
        })
    }

    /// The data that is authenticated but not encrypted.
    pub fn authenticated_data(&self, binding: Binding<'_>) -> String {
        let url = binding
            .url
            .split_once('?')
            .map_or(binding.url, |(before, _)| before);
        format!("{url}|{}|{}|{}", binding.appid, binding.timestamp, self.sn)
    }

    /// Encrypts a body. The vector must never be used twice with one key.
    pub fn encrypt(&self, plain: &[u8], iv: [u8; IV_LEN], binding: Binding<'_>) -> Sealed {
        let mut buffer = Vec::with_capacity(plain.len() + TAG_LEN);
        buffer.extend_from_slice(plain);
        let tag = self
            .key
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(iv),
                Aad::from(self.authenticated_data(binding)),
                &mut buffer,
            )
            .expect("AES-GCM takes any body that fits into memory");
        Sealed {
            iv: STANDARD.encode_to_string(iv),
            data: STANDARD.encode_to_string(&buffer),
            authtag: STANDARD.encode_to_string(tag.as_ref()),
        }
    }

    /// Decrypts a body and proves that it belongs to this call.
    pub fn decrypt(
        &self,
        sealed: &Sealed,
        binding: Binding<'_>,
    ) -> Result<Vec<u8>, SecureApiError> {
        let iv: [u8; IV_LEN] = exactly("iv", decode("iv", &sealed.iv)?)?;
        let tag: [u8; TAG_LEN] = exactly("authtag", decode("authtag", &sealed.authtag)?)?;
        let mut buffer = decode("data", &sealed.data)?;
        buffer.extend_from_slice(&tag);
        let plain = self
            .key
            .open_in_place(
                Nonce::assume_unique_for_key(iv),
                Aad::from(self.authenticated_data(binding)),
                &mut buffer,
            )
            .map_err(|_| SecureApiError::Unauthentic)?
            .len();
        buffer.truncate(plain);
        Ok(buffer)
    }
}

impl fmt::Debug for SecureApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecureApiKey")
            .field("sn", &self.sn)
            .finish_non_exhaustive()
    }
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, SecureApiError> {
    base64::decode(text.as_bytes()).map_err(|fault| SecureApiError::Base64 { field, fault })
}

fn exactly<const N: usize>(field: &'static str, bytes: Vec<u8>) -> Result<[u8; N], SecureApiError> {
    let found = bytes.len();
    bytes.try_into().map_err(|_| SecureApiError::Length {
        field,
        found,
        needed: N,
    })
}
