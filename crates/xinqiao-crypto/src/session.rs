//! Signatures made with a mini program's `session_key`.

use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use sha2::Sha256;

use crate::{Genuine, Hex, Mismatch, compare};

/// The signature that comes with `rawData` of `wx.getUserInfo`: SHA-1 over data and key text.
pub fn raw_data_signature(raw_data: &str, session_key: &str) -> Hex<40> {
    let mut hash = Sha1::new();
    hash.update(raw_data);
    hash.update(session_key);
    Hex::encode(&hash.finalize())
}

/// Checks the signature of `rawData`.
pub fn verify_raw_data(
    raw_data: &str,
    session_key: &str,
    received: &str,
) -> Result<Genuine, Mismatch> {
    compare::prove(
        raw_data_signature(raw_data, session_key).as_bytes(),
        received.as_bytes(),
    )
}

/// The user's session signature (用户登录态签名): HMAC-SHA256 over a body that may be empty.
///
/// The key is the `session_key` as text, not decoded from base64, as in the official samples.
pub fn hmac(session_key: &str, body: &[u8]) -> Hex<64> {
    let mut mac = Hmac::<Sha256>::new_from_slice(session_key.as_bytes())
        .expect("HMAC takes a key of any length");
    mac.update(body);
    Hex::encode(&mac.finalize().into_bytes())
}

/// Checks a user's session signature.
pub fn verify_hmac(session_key: &str, body: &[u8], received: &str) -> Result<Genuine, Mismatch> {
    compare::prove(hmac(session_key, body).as_bytes(), received.as_bytes())
}
