//! Finding out why a check failed. Runs for failing messages only, and decides nothing.

use xinqiao_crypto::{DecryptError, MessageCipher, callback};

use super::{Base64Fault, EnvelopeError, Keys, SignatureFault};

/// Why `received` does not fit; `parts` are timestamp, nonce and, if there is one, the ciphertext.
pub(super) fn signature(
    keys: &Keys,
    received: &str,
    timestamp: &str,
    nonce: &str,
    encrypt: Option<&[u8]>,
) -> EnvelopeError {
    let fault = |fault| EnvelopeError::Signature { fault };
    if received.len() != 40 || !received.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return fault(SignatureFault::Malformed);
    }
    let fits = |token: &str, encrypt: Option<&[u8]>| {
        let mut parts = vec![token.as_bytes(), timestamp.as_bytes(), nonce.as_bytes()];
        parts.extend(encrypt);
        callback::verify(&parts, received).is_ok()
    };
    let previous = keys.previous.iter().position(|previous| {
        previous
            .token
            .as_ref()
            .is_some_and(|token| fits(token.expose(), encrypt))
    });
    if let Some(change) = previous {
        return fault(SignatureFault::PreviousToken { change });
    }
    let Some(encrypt) = encrypt else {
        return fault(SignatureFault::Unknown);
    };
    if let Some(damage) = Base64Fault::of(encrypt) {
        return EnvelopeError::Base64 { fault: damage };
    }
    for (_, cipher) in keys.ciphers() {
        match cipher.decrypt(encrypt) {
            Ok(_) | Err(DecryptError::ReceiverId { .. }) => return fault(SignatureFault::Token),
            Err(_) => {}
        }
        if let Some(cut) = cut_off(cipher, encrypt) {
            return cut;
        }
    }
    fault(SignatureFault::Foreign)
}

/// Why a ciphertext whose signature is right does not open.
pub(super) fn decrypt(keys: &Keys, error: &DecryptError, encrypt: &[u8]) -> EnvelopeError {
    if let DecryptError::ReceiverId { found } = error {
        let expected = keys.receiver_id().to_owned();
        return EnvelopeError::ReceiverId {
            found: found.clone(),
            expected,
        };
    }
    if let Some(fault) = Base64Fault::of(encrypt) {
        return EnvelopeError::Base64 { fault };
    }
    if *error == DecryptError::Base64 {
        return EnvelopeError::Base64 {
            fault: Base64Fault::Alphabet,
        };
    }
    for (_, cipher) in keys.ciphers() {
        if let Some(cut) = cut_off(cipher, encrypt) {
            return cut;
        }
        if is_encoded_twice(cipher, encrypt) {
            return EnvelopeError::Base64 {
                fault: Base64Fault::Doubled,
            };
        }
    }
    if let DecryptError::Length { found } = error {
        return EnvelopeError::CutOff {
            told: 0,
            found: *found,
        };
    }
    EnvelopeError::AesKey
}

fn cut_off(cipher: &MessageCipher, encrypt: &[u8]) -> Option<EnvelopeError> {
    let glimpse = cipher.glimpse(encrypt).filter(|glimpse| glimpse.is_cut())?;
    Some(EnvelopeError::CutOff {
        told: glimpse.length,
        found: glimpse.room,
    })
}

fn is_encoded_twice(cipher: &MessageCipher, encrypt: &[u8]) -> bool {
    xinqiao_crypto::decode_base64(encrypt).is_some_and(|inner| cipher.decrypt(&inner).is_ok())
}
