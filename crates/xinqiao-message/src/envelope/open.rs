//! Opening: what the platform pushed, and what an app answered.
//!
//! The signature sorts what it covers, so timestamp and nonce can change places without breaking it, and a
//! nonce of ten digits reads as a time. Which is which is told by the time inside the ciphertext: if it is
//! the nonce's, the two were exchanged, and the message is as old as that. No callback of the platform is
//! lost by it, whatever its nonce: inside stands the time at which it was made. What has no time inside, and
//! what is not encrypted (whose body no signature covers anyway), is taken by its timestamp alone: such a
//! one, captured, holds again when the clock reaches its nonce.
//!
//! Where both are times of the window, either order is accepted as the same callback: refusing one would need
//! to know which is genuine, and a genuine nonce may look like that once in some ten thousand. Nothing is gained
//! by exchanging them, since [`crate::dedup`] takes nothing of the URL.

use std::borrow::Cow;

use memchr::memchr2_iter;
use xinqiao_crypto::{DecryptError, Genuine, Plain, callback};
use xinqiao_types::{CallbackMode, UnixSeconds};

use super::{
    CallbackQuery, EnvelopeError, Generation, Keys, MAX_BODY, SignatureFault, Wrapping, explain,
    keys::Place, outer::Outer,
};

/// The answer that means: received, nothing to say.
pub const SUCCESS: &str = "success";

/// Proof that a callback was verified. Only this module makes one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified(Genuine);

/// What the URL check wants to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Echo {
    body: String,
    /// The proof.
    pub proof: Verified,
}

impl Echo {
    /// The answer's body: exactly this, as `text/plain`, without quotes, line break or BOM.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// The answer's body.
    pub fn into_body(self) -> String {
        self.body
    }
}

/// A push that was verified and, if it was encrypted, decrypted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// The message: XML, or JSON from mini programs that are set so.
    pub xml: Vec<u8>,
    /// How it came.
    pub mode: CallbackMode,
    /// In what: its reply goes out in the same.
    pub wrapping: Wrapping,
    /// For whom, where that is not [`Keys::receiver_id`]: the reply is for the same, made with
    /// [`Keys::for_receiver`].
    pub receiver: Option<Box<str>>,
    /// With which settings.
    pub generation: Generation,
    /// The proof.
    pub proof: Verified,
}

/// An app's answer with its envelope taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpenedReply {
    /// Nothing to say: an empty body, or `success`.
    Silent,
    /// A reply that was not encrypted.
    Plain(Vec<u8>),
    /// A reply that was encrypted.
    Sealed(Vec<u8>),
}

/// Answers the check that the console makes when a server URL is saved. `now` is real time.
///
/// Official accounts sign three parts and send `echostr` in the clear, in every mode. WeCom signs
/// `msg_signature` over the encrypted `echostr` and wants it decrypted.
pub fn verify_url(
    keys: &Keys,
    query: &CallbackQuery<'_>,
    now: UnixSeconds,
) -> Result<Echo, EnvelopeError> {
    let stamp = Stamp::of(query)?;
    let Some(echostr) = query.echostr.as_deref() else {
        return Err(EnvelopeError::MissingParameters {
            names: vec!["echostr"],
        });
    };
    if echostr.len() > MAX_BODY {
        return Err(EnvelopeError::TooLarge {
            found: echostr.len(),
            limit: MAX_BODY,
        });
    }
    if let Some(signature) = query.signature.as_deref() {
        let (proof, _) = check(keys, signature, stamp, None, now)?;
        return Ok(Echo {
            body: echostr.to_owned(),
            proof,
        });
    }
    let Some(signature) = query.msg_signature.as_deref() else {
        return Err(EnvelopeError::MissingSignature { name: "signature" });
    };
    let encrypt = echostr.as_bytes();
    let (proof, _) = check(keys, signature, stamp, Some(encrypt), now)?;
    let (plain, _) = decrypt(keys, Place::Check, encrypt)?;
    let body = String::from_utf8(plain.into_message()).map_err(|_| EnvelopeError::EchoMessage)?;
    if !is_echo(&body) {
        return Err(EnvelopeError::EchoMessage);
    }
    Ok(Echo { body, proof })
}

/// Whether a text is one that the platform wants to hear again: a number or a short word. A message is
/// not: whoever captured one could have it read out by sending it as a check.
fn is_echo(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && !text.contains(char::is_control)
        && !text.contains(['<', '{', '[', '\u{feff}'])
}

/// Verifies a push and takes its envelope off. `now` is real time.
///
/// Until the signature holds, nothing is decrypted, and no more of the body is read than it takes to find
/// `Encrypt`. The error tells which check failed, but not why: [`super::diagnose`] finds that out, for an
/// operator and never for the sender.
pub fn open(
    keys: &Keys,
    query: &CallbackQuery<'_>,
    body: &[u8],
    now: UnixSeconds,
) -> Result<Opened, EnvelopeError> {
    if body.len() > MAX_BODY {
        return Err(EnvelopeError::TooLarge {
            found: body.len(),
            limit: MAX_BODY,
        });
    }
    let stamp = Stamp::of(query)?;
    if !query.says_encrypted() {
        return open_plain(keys, query, stamp, body, now);
    }
    let Some(signature) = query.msg_signature.as_deref() else {
        return Err(EnvelopeError::MissingSignature {
            name: "msg_signature",
        });
    };
    let outer = Outer::find(body)?;
    let encrypt = outer
        .encrypt
        .as_deref()
        .ok_or(EnvelopeError::MissingEncrypt)?;
    let (proof, token) = check(keys, signature, stamp, Some(encrypt), now)?;
    let (plain, key) = decrypt(keys, Place::Push, encrypt)?;
    if let Some(made) = stamp.exchanged(plain.message()) {
        let late = now.since(made);
        if late.unsigned_abs() > keys.window.as_secs() {
            return Err(EnvelopeError::Stale { late });
        }
    }
    let generation = if token == Generation::Current {
        key
    } else {
        token
    };
    let mode = if outer.has_plain {
        CallbackMode::Compat
    } else {
        CallbackMode::Safe
    };
    let receiver = Some(plain.receiver_id())
        .filter(|id| *id != keys.receiver_id().as_bytes())
        .map(|id| String::from_utf8_lossy(id).into());
    Ok(Opened {
        xml: plain.into_message(),
        mode,
        wrapping: outer.wrapping,
        receiver,
        generation,
        proof,
    })
}

fn open_plain(
    keys: &Keys,
    query: &CallbackQuery<'_>,
    stamp: Stamp<'_>,
    body: &[u8],
    now: UnixSeconds,
) -> Result<Opened, EnvelopeError> {
    let Some(signature) = query.signature.as_deref() else {
        return Err(EnvelopeError::MissingSignature { name: "signature" });
    };
    let (proof, generation) = check(keys, signature, stamp, None, now)?;
    if keys.mode != CallbackMode::Plain {
        return Err(EnvelopeError::PlainRefused);
    }
    // What cannot be read is a message all the same, and nobody's ciphertext.
    let wrapping = match Outer::find(body) {
        Ok(outer) if outer.encrypt.is_some() && !outer.has_plain => {
            return Err(EnvelopeError::MissingSignature {
                name: "msg_signature",
            });
        }
        Ok(outer) => outer.wrapping,
        Err(_) => Wrapping::of(body),
    };
    Ok(Opened {
        xml: body.to_vec(),
        mode: CallbackMode::Plain,
        wrapping,
        receiver: None,
        generation,
        proof,
    })
}

/// Takes the envelope off an app's answer, as the platform does.
///
/// Settings of before a change are not accepted here; they serve to explain.
pub fn open_reply(keys: &Keys, body: &[u8]) -> Result<OpenedReply, EnvelopeError> {
    if body.is_empty() || body == SUCCESS.as_bytes() {
        return Ok(OpenedReply::Silent);
    }
    if body.len() > MAX_BODY {
        return Err(EnvelopeError::TooLarge {
            found: body.len(),
            limit: MAX_BODY,
        });
    }
    let outer = Outer::read(body)?;
    let Some(encrypt) = outer.encrypt.as_deref() else {
        return Ok(OpenedReply::Plain(body.to_vec()));
    };
    let need = |value: Option<Cow<'_, str>>, element| {
        value
            .map(Cow::into_owned)
            .ok_or(EnvelopeError::MissingElement { element })
    };
    let signature = need(outer.signature, "MsgSignature")?;
    let timestamp = need(outer.timestamp, "TimeStamp")?;
    let nonce = need(outer.nonce, "Nonce")?;
    let cipher = keys.cipher.as_ref().ok_or(EnvelopeError::NoAesKey)?;
    let parts = [
        keys.token.expose().as_bytes(),
        timestamp.as_bytes(),
        nonce.as_bytes(),
        encrypt,
    ];
    if callback::verify(&parts, &signature).is_err() {
        return Err(explain::signature(
            keys,
            &signature,
            &timestamp,
            &nonce,
            Some(encrypt),
        ));
    }
    let plain = cipher
        .decrypt(encrypt)
        .map_err(|error| explain::decrypt(keys, &error, encrypt))?;
    Ok(OpenedReply::Sealed(plain.into_message()))
}

/// What was signed besides Token and ciphertext, in the only form in which the joined text can be taken
/// apart in one way: the timestamp has a fixed length, and the nonce is shorter than the 64 characters of
/// base64 that three whole cipher blocks take.
#[derive(Clone, Copy)]
struct Stamp<'q> {
    timestamp: &'q str,
    nonce: &'q str,
    time: UnixSeconds,
}

/// From September 2001 to November 2286.
const TIMESTAMP_DIGITS: usize = 10;
/// The platform's have ten digits; some gateways in between make UUIDs.
const NONCE_BYTES: usize = 40;

impl<'q> Stamp<'q> {
    fn of(query: &'q CallbackQuery<'_>) -> Result<Self, EnvelopeError> {
        if let Some(name) = query.repeated {
            return Err(EnvelopeError::RepeatedParameter { name });
        }
        let (timestamp, nonce) = match (query.timestamp.as_deref(), query.nonce.as_deref()) {
            (Some(timestamp), Some(nonce)) => (timestamp, nonce),
            (timestamp, nonce) => {
                let missing = [("timestamp", timestamp), ("nonce", nonce)];
                let names = missing.iter().filter(|(_, value)| value.is_none());
                return Err(EnvelopeError::MissingParameters {
                    names: names.map(|(name, _)| *name).collect(),
                });
            }
        };
        let time = ten_digits(timestamp.as_bytes()).ok_or(EnvelopeError::Timestamp)?;
        let time = UnixSeconds(time);
        let printable = nonce.bytes().all(|byte| byte.is_ascii_graphic());
        if !printable || !(1..=NONCE_BYTES).contains(&nonce.len()) {
            return Err(EnvelopeError::Nonce);
        }
        Ok(Self {
            timestamp,
            nonce,
            time,
        })
    }
}

/// How far the time inside a message may be from the time at which it is pushed, in seconds.
const PUSHED_WITHIN: u64 = 24 * 60 * 60;

impl Stamp<'_> {
    /// The time of a message whose timestamp was exchanged with its nonce.
    fn exchanged(&self, message: &[u8]) -> Option<UnixSeconds> {
        let nonce = ten_digits(self.nonce.as_bytes())?;
        let made = time_of(message)?;
        let distance = made.abs_diff(nonce);
        let is_nonces = distance <= PUSHED_WITHIN && distance < made.abs_diff(self.time.0);
        is_nonces.then_some(UnixSeconds(nonce))
    }
}

fn ten_digits(text: &[u8]) -> Option<i64> {
    let digits = text.len() == TIMESTAMP_DIGITS && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| digits)?;
    text.parse().ok()
}

/// The time inside a message, without reading the rest of it. In XML it stands before any text of a user, and
/// in JSON no text holds a quote.
fn time_of(message: &[u8]) -> Option<i64> {
    const MARKS: [&str; 6] = [
        "<CreateTime>",
        "<TimeStamp>",
        "\"CreateTime\"",
        "\"TimeStamp\"",
        "\"create_time\"",
        "\"timestamp\"",
    ];
    // One look at what may begin a mark, not six at the whole.
    let found = memchr2_iter(b'<', b'"', message).find_map(|at| {
        let rest = &message[at..];
        let mut marks = MARKS.iter();
        marks.find_map(|mark| rest.strip_prefix(mark.as_bytes()))
    })?;
    let before = |byte: &u8| byte.is_ascii_whitespace() || b":\"<![CDATA".contains(byte);
    let begin = found.iter().position(|byte| !before(byte))?;
    let value = &found[begin..];
    let end = value.iter().position(|byte| !byte.is_ascii_digit());
    ten_digits(&value[..end.unwrap_or(value.len())])
}

/// Checks a signature with the present token, then with those of before a change; then its age.
fn check(
    keys: &Keys,
    received: &str,
    stamp: Stamp<'_>,
    encrypt: Option<&[u8]>,
    now: UnixSeconds,
) -> Result<(Verified, Generation), EnvelopeError> {
    let (timestamp, nonce) = (stamp.timestamp.as_bytes(), stamp.nonce.as_bytes());
    for (generation, token) in keys.tokens() {
        let token = token.expose().as_bytes();
        let proof = match encrypt {
            Some(encrypt) => callback::verify(&[token, timestamp, nonce, encrypt], received),
            None => callback::verify(&[token, timestamp, nonce], received),
        };
        let Ok(proof) = proof else { continue };
        let late = now.since(stamp.time);
        if late.unsigned_abs() > keys.window.as_secs() {
            return Err(EnvelopeError::Stale { late });
        }
        return Ok((Verified(proof), generation));
    }
    Err(EnvelopeError::Signature {
        fault: SignatureFault::Unknown,
    })
}

/// Decrypts with the present key, then with those of before a change.
fn decrypt(
    keys: &Keys,
    place: Place,
    encrypt: &[u8],
) -> Result<(Plain, Generation), EnvelopeError> {
    let mut failed = EnvelopeError::NoAesKey;
    for (generation, cipher) in keys.ciphers() {
        failed = match cipher.decrypt_for(encrypt, |id| keys.accepts(place, id)) {
            Ok(plain) => return Ok((plain, generation)),
            Err(DecryptError::ReceiverId { found }) => {
                let expected = keys.expected(place);
                return Err(EnvelopeError::ReceiverId { found, expected });
            }
            Err(_) => EnvelopeError::AesKey,
        }
    }
    Err(failed)
}
