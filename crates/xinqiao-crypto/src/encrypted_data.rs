//! `encryptedData` of mini programs: AES-128-CBC with the `session_key`, PKCS#7 to 16.
//!
//! The plaintext is JSON with a `watermark` that names the appid: the caller compares it.

use aes::{Aes128Dec, Aes128Enc};
use base64_simd::STANDARD;
use cbc::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit, consts::U16};
use zeroize::Zeroizing;

use crate::base64::{self, Base64Fault};

const BLOCK: usize = 16;

/// Why the data could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptedDataError {
    /// One of the three texts was damaged on the way. The `session_key` is not to blame for the others.
    #[error("`{field}` is not base64: {fault}")]
    Base64 {
        /// Which one.
        field: &'static str,
        /// What happened to it.
        fault: Base64Fault,
    },
    /// The key or the vector has the wrong length.
    #[error("`{field}` has {found} bytes, 16 are needed")]
    Length {
        /// Which one.
        field: &'static str,
        /// How many bytes it has.
        found: usize,
    },
    /// The data is no whole number of blocks.
    #[error("the data has {found} bytes, which is no multiple of 16")]
    Blocks {
        /// How many bytes there are.
        found: usize,
    },
    /// Mostly: the `session_key` was replaced by a later `wx.login`.
    #[error("the padding is wrong: the session_key is not the one the data was encrypted with")]
    Padding,
}

impl EncryptedDataError {
    /// The name of the diagnosis rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Base64 { fault, .. } => fault.rule(),
            Self::Length { .. } | Self::Blocks { .. } => "encrypted_data.length",
            Self::Padding => "session_key.stale",
        }
    }
}

/// Decrypts what `wx.getUserInfo`, `getPhoneNumber` and the like return.
pub fn decrypt(
    session_key: &str,
    encrypted_data: &str,
    iv: &str,
) -> Result<Vec<u8>, EncryptedDataError> {
    let key = sixteen("session_key", session_key)?;
    let iv = sixteen("iv", iv)?;
    let mut buffer = decode("encryptedData", encrypted_data)?;
    if buffer.is_empty() || !buffer.len().is_multiple_of(BLOCK) {
        return Err(EncryptedDataError::Blocks {
            found: buffer.len(),
        });
    }
    let cipher = Aes128Dec::new((&*key).into());
    let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(&mut buffer);
    cbc::Decryptor::inner_iv_init(&cipher, (&*iv).into()).decrypt_blocks(blocks);
    let padding = usize::from(buffer[buffer.len() - 1]);
    let end = buffer
        .len()
        .checked_sub(padding)
        .ok_or(EncryptedDataError::Padding)?;
    let wrong = buffer[end..]
        .iter()
        .any(|byte| usize::from(*byte) != padding);
    if padding == 0 || padding > BLOCK || wrong {
        return Err(EncryptedDataError::Padding);
    }
    buffer.truncate(end);
    Ok(buffer)
}

/// Encrypts as the platform does; a simulator needs it.
pub fn encrypt(
    session_key: &str,
    plain: &[u8],
    iv: &[u8; 16],
) -> Result<String, EncryptedDataError> {
    let key = sixteen("session_key", session_key)?;
    let padding = BLOCK - plain.len() % BLOCK;
    let mut buffer = Vec::with_capacity(plain.len() + padding);
    buffer.extend_from_slice(plain);
    buffer.resize(plain.len() + padding, padding as u8);
    let cipher = Aes128Enc::new((&*key).into());
    let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(&mut buffer);
    cbc::Encryptor::inner_iv_init(&cipher, iv.into()).encrypt_blocks(blocks);
    Ok(STANDARD.encode_to_string(&buffer))
}

fn decode(field: &'static str, text: &str) -> Result<Vec<u8>, EncryptedDataError> {
    base64::decode(text.as_bytes()).map_err(|fault| EncryptedDataError::Base64 { field, fault })
}

fn sixteen(field: &'static str, base64: &str) -> Result<Zeroizing<[u8; 16]>, EncryptedDataError> {
    let bytes = Zeroizing::new(decode(field, base64)?);
    let mut array = Zeroizing::new([0; 16]);
    if bytes.len() != array.len() {
        return Err(EncryptedDataError::Length {
            field,
            found: bytes.len(),
        });
    }
    array.copy_from_slice(&bytes);
    Ok(array)
}
