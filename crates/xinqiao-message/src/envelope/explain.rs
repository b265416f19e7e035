//! Finding out why a check failed. Runs for failing messages only, and decides nothing.
//!
//! What it costs depends on what a ciphertext holds, so it never runs between a request of a stranger and
//! its answer.

use xinqiao_crypto::{DecryptError, MessageCipher, callback};

use super::{Base64Fault, CallbackQuery, EnvelopeError, Keys, SignatureFault, outer::Outer};

/// Finds out, for an operator, what is behind an error of [`super::open`] or [`super::verify_url`]: which
/// setting is wrong, or how the ciphertext was damaged, as far as the bytes tell.
///
/// `body` is empty for a URL check. What comes back must not reach the sender, nor may the time that
/// this takes: call it beside the answer.
pub fn diagnose(
    keys: &Keys,
    query: &CallbackQuery<'_>,
    body: &[u8],
    error: EnvelopeError,
) -> EnvelopeError {
    let is_check = body.is_empty();
    let outer = if is_check {
        Outer::default()
    } else {
        Outer::find(body).unwrap_or_default()
    };
    let encrypt = match (&outer.encrypt, &query.echostr) {
        (Some(encrypt), _) => Some(&**encrypt),
        (None, Some(echostr)) if is_check && query.signature.is_none() => Some(echostr.as_bytes()),
        _ => None,
    };
    match &error {
        EnvelopeError::Signature { .. } => {
            let encrypt = encrypt.filter(|_| is_check || query.says_encrypted());
            let received = if encrypt.is_some() {
                &query.msg_signature
            } else {
                &query.signature
            };
            let text = |text: &Option<_>| text.clone().unwrap_or_default();
            let (timestamp, nonce) = (text(&query.timestamp), text(&query.nonce));
            signature(keys, &text(received), &timestamp, &nonce, encrypt)
        }
        EnvelopeError::AesKey | EnvelopeError::ReceiverId { .. } => match encrypt {
            Some(encrypt) => undecryptable(keys, encrypt, error),
            None => error,
        },
        _ => error,
    }
}

/// More about a ciphertext whose signature is right and that does not open.
fn undecryptable(keys: &Keys, encrypt: &[u8], error: EnvelopeError) -> EnvelopeError {
    if let EnvelopeError::ReceiverId { .. } = error {
        let counted = keys
            .ciphers()
            .find_map(|(_, cipher)| length_in_characters(cipher, encrypt));
        return counted.unwrap_or(error);
    }
    let found = keys.ciphers().map(|(_, cipher)| cipher.decrypt(encrypt));
    match found.filter_map(Result::err).next() {
        Some(found) => decrypt(keys, &found, encrypt),
        None => error,
    }
}

/// How a ciphertext's text was damaged, if it was.
pub(super) fn base64_fault(text: &[u8]) -> Option<Base64Fault> {
    if text.contains(&b' ') {
        return Some(Base64Fault::Space);
    }
    let content = text
        .iter()
        .position(|byte| *byte == b'=')
        .unwrap_or(text.len());
    let tail = &text[content..];
    if tail.iter().any(|byte| *byte != b'=') || is_repeated(text) {
        return Some(Base64Fault::Doubled);
    }
    let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(*byte, b'+' | b'/');
    if !text[..content].iter().all(alphabet) {
        return Some(Base64Fault::Alphabet);
    }
    if tail.len() > 2 {
        return Some(Base64Fault::Alphabet);
    }
    (!text.len().is_multiple_of(4)).then_some(Base64Fault::CutOff)
}

/// A long text and the same text once more: by chance that does not happen.
fn is_repeated(text: &[u8]) -> bool {
    let half = text.len() / 2;
    text.len().is_multiple_of(2) && half >= 32 && text[..half] == text[half..]
}

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
    if let Some(damage) = base64_fault(encrypt) {
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
        if let Some(counted) = keys
            .ciphers()
            .find_map(|(_, cipher)| length_in_characters(cipher, encrypt))
        {
            return counted;
        }
        let expected = keys.receiver_id().to_owned();
        return EnvelopeError::ReceiverId {
            found: found.clone(),
            expected,
        };
    }
    if let Some(fault) = base64_fault(encrypt) {
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

/// Whether the length inside counts characters: then what follows so many characters is an id, and what
/// follows so many bytes is not.
///
/// Characters are Unicode's (Python, Go runes, PHP `mb_strlen`) or UTF-16 units (Java, JavaScript, C#).
fn length_in_characters(cipher: &MessageCipher, encrypt: &[u8]) -> Option<EnvelopeError> {
    let (told, content) = cipher.glimpse_whole(encrypt)?;
    let is_id = |text: &[u8]| {
        text.len() <= 64
            && text
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    };
    if is_id(&content[told..]) {
        return None;
    }
    let content = String::from_utf8(content).ok()?;
    let ends_after = |units: fn(char) -> usize| {
        let mut counted = 0;
        let end = content.char_indices().find_map(|(at, each)| {
            let reached = counted == told;
            counted += units(each);
            reached.then_some(at)
        });
        end.or_else(|| (counted == told).then_some(content.len()))
    };
    [(|_| 1) as fn(char) -> usize, char::len_utf16]
        .into_iter()
        .filter_map(ends_after)
        .filter(|end| *end > told && is_id(&content.as_bytes()[*end..]))
        // A character of the id may be counted in: a message ends as such.
        .min_by_key(|end| !content[..*end].ends_with(['>', '}']))
        .map(|bytes| EnvelopeError::LengthInCharacters { told, bytes })
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
