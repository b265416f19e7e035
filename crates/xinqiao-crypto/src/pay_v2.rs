//! Signatures of the payment interface's second generation (APIv2), and the ciphertext of its refund notices.
//!
//! A signature covers every parameter that was received, known or not: this module takes pairs, never a
//! typed model, and it reads no XML.
//!
//! Source: doc pages "签名算法", "退款结果通知" of the payment interface's second generation.

use aes::{Aes256Dec, Aes256Enc};
use base64_simd::STANDARD;
use cbc::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, consts::U16};
use hmac::{Hmac, Mac};
use md5::{Digest, Md5};
use sha2::Sha256;
use xinqiao_types::ApiV2Key;
use zeroize::Zeroizing;

use crate::{
    base64::{self, Base64Fault},
    compare::{Genuine, Mismatch, prove},
    hex::Hex,
};

const BLOCK: usize = 16;

/// How a message is signed.
///
/// Payouts and red packets take MD5 only; profit sharing, deposits and the fund-flow bill HMAC-SHA256 only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum SignType {
    /// MD5 over the parameters and the key.
    #[default]
    Md5,
    /// HMAC-SHA256 over the same text, with the key as key too.
    HmacSha256,
}

impl SignType {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::HmacSha256 => "HMAC-SHA256",
        }
    }

    /// Reads the name on the wire.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "MD5" => Some(Self::Md5),
            "HMAC-SHA256" => Some(Self::HmacSha256),
            _ => None,
        }
    }
}

/// The name of the parameter that holds the signature.
pub const SIGN: &str = "sign";

/// The parameters as they are signed: sorted by name, empty ones and `sign` left out, values raw.
fn canonical<'a>(params: impl IntoIterator<Item = (&'a str, &'a str)>) -> Zeroizing<String> {
    let mut pairs: Vec<(&str, &str)> = params
        .into_iter()
        .filter(|(name, value)| *name != SIGN && !value.is_empty())
        .collect();
    pairs.sort_unstable();
    // Room for the key, so that it is never copied by a growing buffer.
    let length: usize = pairs.iter().map(|(n, v)| n.len() + v.len() + 2).sum();
    let mut out = String::with_capacity(length + 256);
    for (name, value) in pairs {
        out.push_str(name);
        out.push('=');
        out.push_str(value);
        out.push('&');
    }
    Zeroizing::new(out)
}

/// What is signed before the key is put behind it: `a=1&b=2&`; for whoever shows it.
pub fn string_to_sign<'a>(params: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    canonical(params).to_string()
}

/// Signs parameters: 32 or 64 upper-case hexadecimal digits.
pub fn sign<'a>(
    params: impl IntoIterator<Item = (&'a str, &'a str)>,
    key: &ApiV2Key,
    how: SignType,
) -> String {
    let mut text = canonical(params);
    text.push_str("key=");
    text.push_str(key.expose());
    match how {
        SignType::Md5 => Hex::<32>::encode(&Md5::digest(text.as_bytes())).to_string(),
        SignType::HmacSha256 => {
            let mut mac = Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
                .expect("HMAC takes keys of any length");
            mac.update(text.as_bytes());
            Hex::<64>::encode(&mac.finalize().into_bytes()).to_string()
        }
    }
    .to_ascii_uppercase()
}

/// Proves that the parameters were signed with the key. A missing signature is no signature.
pub fn verify<'a>(
    params: impl IntoIterator<Item = (&'a str, &'a str)>,
    key: &ApiV2Key,
    how: SignType,
    received: &str,
) -> Result<Genuine, Mismatch> {
    prove(sign(params, key, how).as_bytes(), received.as_bytes())
}

/// The second signature of red packets that are sent through WeCom (`workwx_sign`).
///
/// `params` are the few that this signature covers; `secret` is the secret of WeCom's payment app.
pub fn work_sign<'a>(params: impl IntoIterator<Item = (&'a str, &'a str)>, secret: &str) -> String {
    let mut text = canonical(params);
    text.push_str("secret=");
    text.push_str(secret);
    Hex::<32>::encode(&Md5::digest(text.as_bytes()))
        .to_string()
        .to_ascii_uppercase()
}

/// Why a `req_info` could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReqInfoError {
    /// The text was damaged on the way.
    #[error("`req_info` is not base64: {0}")]
    Base64(Base64Fault),
    /// The data is no whole number of blocks.
    #[error("`req_info` has {found} bytes, which is no multiple of 16")]
    Blocks {
        /// How many bytes there are.
        found: usize,
    },
    /// Another key, or changed on the way.
    #[error("`req_info` was not encrypted with this APIv2 key")]
    Padding,
}

impl ReqInfoError {
    /// The name of the diagnosis rule.
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::Base64(fault) => fault.rule(),
            Self::Blocks { .. } => "pay.req_info.length",
            Self::Padding => "pay.req_info.key",
        }
    }
}

/// WECHAT: the key is the 32 lower-case hexadecimal *characters* of the APIv2 key's MD5, not its 16 bytes.
fn req_info_key(key: &ApiV2Key) -> Zeroizing<[u8; 32]> {
    let digits = Hex::<32>::encode(&Md5::digest(key.expose().as_bytes()));
    let mut bytes = Zeroizing::new([0; 32]);
    bytes.copy_from_slice(digits.as_bytes());
    bytes
}

/// Decrypts the `req_info` of a refund notice into its XML.
///
/// The notice carries no signature: that this succeeds, and that the text then is the expected XML, is all
/// the proof there is.
pub fn decrypt_req_info(req_info: &str, key: &ApiV2Key) -> Result<Vec<u8>, ReqInfoError> {
    let mut buffer = base64::decode(req_info.as_bytes()).map_err(ReqInfoError::Base64)?;
    if buffer.is_empty() || !buffer.len().is_multiple_of(BLOCK) {
        return Err(ReqInfoError::Blocks {
            found: buffer.len(),
        });
    }
    let cipher = Aes256Dec::new((&*req_info_key(key)).into());
    let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(&mut buffer);
    cipher.decrypt_blocks(blocks);
    let padding = usize::from(buffer[buffer.len() - 1]);
    let end = buffer
        .len()
        .checked_sub(padding)
        .ok_or(ReqInfoError::Padding)?;
    let wrong = buffer[end..]
        .iter()
        .any(|byte| usize::from(*byte) != padding);
    if padding == 0 || padding > BLOCK || wrong {
        return Err(ReqInfoError::Padding);
    }
    buffer.truncate(end);
    Ok(buffer)
}

/// Encrypts a `req_info` as the platform does; a simulator needs it.
pub fn encrypt_req_info(plain: &[u8], key: &ApiV2Key) -> String {
    STANDARD.encode_to_string(ecb_encrypt(plain, &req_info_key(key)))
}

fn ecb_encrypt(plain: &[u8], key: &[u8; 32]) -> Vec<u8> {
    let padding = BLOCK - plain.len() % BLOCK;
    let mut buffer = Vec::with_capacity(plain.len() + padding);
    buffer.extend_from_slice(plain);
    buffer.resize(plain.len() + padding, padding as u8);
    let cipher = Aes256Enc::new(key.into());
    let (blocks, _) = Array::<u8, U16>::slice_as_chunks_mut(&mut buffer);
    cipher.encrypt_blocks(blocks);
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_block_cipher_example_holds() {
        let sealed = ecb_encrypt(b"hello", b"0123456789abcdef0123456789abcdef");
        assert_eq!(
            STANDARD.encode_to_string(sealed),
            "pZwJZBLuy3mDACEQT4YTBw=="
        );
    }

    #[test]
    fn the_req_info_key_is_the_text_of_the_digest() {
        let key = req_info_key(&ApiV2Key::new("exposed_your_key_here_have_risks"));
        assert_eq!(&*key, b"4ad14ac334ab13540eb6c5479512a8e8");
    }

    #[test]
    fn a_missing_signature_is_no_signature() {
        let key = ApiV2Key::new("k");
        assert!(verify([("a", "1")], &key, SignType::Md5, "").is_err());
        let sign = sign([("a", "1")], &key, SignType::Md5);
        assert!(verify([("a", "1")], &key, SignType::Md5, &sign).is_ok());
        assert!(verify([("a", "1")], &key, SignType::HmacSha256, &sign).is_err());
    }
}
