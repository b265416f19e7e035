//! `encryptedData` of mini programs: AES-128-CBC with the `session_key`, PKCS#7 to 16.
//!
//! The plaintext is JSON with a `watermark` that names the appid: the caller compares it.

use aes::{Aes128Dec, Aes128Enc};
use base64_simd::STANDARD;
use cbc::cipher::{Array, BlockModeDecrypt, BlockModeEncrypt, InnerIvInit, KeyInit, consts::U16};
use zeroize::Zeroizing;

const BLOCK: usize = 16;

/// Why the data could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncryptedDataError {
    /// One of the three texts is not base64, or a `+` became a space on the way.
    #[error("`{field}` is not base64")]
    Base64 {
        /// Which one.
        field: &'static str,
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

/// Decrypts what `wx.getUserInfo`, `getPhoneNumber` and the like return.
pub fn decrypt(
    session_key: &str,
    encrypted_data: &str,
    iv: &str,
) -> Result<Vec<u8>, EncryptedDataError> {
    let key = sixteen("session_key", session_key)?;
    let iv = sixteen("iv", iv)?;
    let mut buffer =
        STANDARD
            .decode_to_vec(encrypted_data)
            .map_err(|_| EncryptedDataError::Base64 {
                field: "encryptedData",
            })?;
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

fn sixteen(field: &'static str, base64: &str) -> Result<Zeroizing<[u8; 16]>, EncryptedDataError> {
    let bytes = STANDARD
        .decode_to_vec(base64)
        .map(Zeroizing::new)
        .map_err(|_| EncryptedDataError::Base64 { field })?;
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
