//! Opening: what the platform pushed, and what an app answered.

use std::borrow::Cow;

use serde::Deserialize;
use xinqiao_crypto::{DecryptError, Genuine, Plain, callback};
use xinqiao_types::CallbackMode;
use xinqiao_wire::xml::{Document, Element};

use super::{CallbackQuery, EnvelopeError, Generation, Keys, MAX_BODY, explain};
use crate::inbound::Form;

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

/// Answers the check that the console makes when a server URL is saved.
///
/// Official accounts sign three parts and send `echostr` in the clear, in every mode. WeCom signs
/// `msg_signature` over the encrypted `echostr` and wants it decrypted.
pub fn verify_url(keys: &Keys, query: &CallbackQuery<'_>) -> Result<Echo, EnvelopeError> {
    let (timestamp, nonce) = times(query)?;
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
        let (proof, _) = check(keys, signature, timestamp, nonce, None)?;
        return Ok(Echo {
            body: echostr.to_owned(),
            proof,
        });
    }
    let Some(signature) = query.msg_signature.as_deref() else {
        return Err(EnvelopeError::MissingSignature { name: "signature" });
    };
    if !keys.has_aes_key() {
        return Err(EnvelopeError::NoAesKey);
    }
    let encrypt = echostr.as_bytes();
    let (proof, _) = check(keys, signature, timestamp, nonce, Some(encrypt))?;
    let (plain, _) = decrypt(keys, encrypt)?;
    let body = explain_utf8(plain.into_message())?;
    Ok(Echo { body, proof })
}

fn explain_utf8(bytes: Vec<u8>) -> Result<String, EnvelopeError> {
    String::from_utf8(bytes).map_err(|_| EnvelopeError::AesKey)
}

/// Verifies a push and takes its envelope off.
pub fn open(keys: &Keys, query: &CallbackQuery<'_>, body: &[u8]) -> Result<Opened, EnvelopeError> {
    if body.len() > MAX_BODY {
        return Err(EnvelopeError::TooLarge {
            found: body.len(),
            limit: MAX_BODY,
        });
    }
    let (timestamp, nonce) = times(query)?;
    if !query.says_encrypted() {
        return open_plain(keys, query, timestamp, nonce, body);
    }
    let Some(signature) = query.msg_signature.as_deref() else {
        return Err(EnvelopeError::MissingSignature {
            name: "msg_signature",
        });
    };
    let outer = Outer::read(body)?;
    let encrypt = outer
        .encrypt
        .as_deref()
        .ok_or(EnvelopeError::MissingEncrypt)?;
    if !keys.has_aes_key() {
        return Err(EnvelopeError::NoAesKey);
    }
    let (proof, token) = check(keys, signature, timestamp, nonce, Some(encrypt))?;
    let (plain, key) = decrypt(keys, encrypt)?;
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
    Ok(Opened {
        xml: plain.into_message(),
        mode,
        generation,
        proof,
    })
}

fn open_plain(
    keys: &Keys,
    query: &CallbackQuery<'_>,
    timestamp: &str,
    nonce: &str,
    body: &[u8],
) -> Result<Opened, EnvelopeError> {
    let Some(signature) = query.signature.as_deref() else {
        return Err(EnvelopeError::MissingSignature { name: "signature" });
    };
    let (proof, generation) = check(keys, signature, timestamp, nonce, None)?;
    if keys.mode != CallbackMode::Plain {
        return Err(EnvelopeError::PlainRefused);
    }
    let outer = Outer::read(body)?;
    if outer.encrypt.is_some() && !outer.has_plain {
        return Err(EnvelopeError::MissingSignature {
            name: "msg_signature",
        });
    }
    Ok(Opened {
        xml: body.to_vec(),
        mode: CallbackMode::Plain,
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

fn times<'q>(query: &'q CallbackQuery<'_>) -> Result<(&'q str, &'q str), EnvelopeError> {
    match (query.timestamp.as_deref(), query.nonce.as_deref()) {
        (Some(timestamp), Some(nonce)) => Ok((timestamp, nonce)),
        (timestamp, nonce) => {
            let missing = [("timestamp", timestamp), ("nonce", nonce)];
            let names = missing.iter().filter(|(_, value)| value.is_none());
            Err(EnvelopeError::MissingParameters {
                names: names.map(|(name, _)| *name).collect(),
            })
        }
    }
}

/// Checks a signature with the present token, then with those of before a change.
fn check(
    keys: &Keys,
    received: &str,
    timestamp: &str,
    nonce: &str,
    encrypt: Option<&[u8]>,
) -> Result<(Verified, Generation), EnvelopeError> {
    for (generation, token) in keys.tokens() {
        let token = token.expose().as_bytes();
        let proof = match encrypt {
            Some(encrypt) => callback::verify(
                &[token, timestamp.as_bytes(), nonce.as_bytes(), encrypt],
                received,
            ),
            None => callback::verify(&[token, timestamp.as_bytes(), nonce.as_bytes()], received),
        };
        if let Ok(proof) = proof {
            return Ok((Verified(proof), generation));
        }
    }
    Err(explain::signature(
        keys, received, timestamp, nonce, encrypt,
    ))
}

/// Decrypts with the present key, then with those of before a change.
fn decrypt(keys: &Keys, encrypt: &[u8]) -> Result<(Plain, Generation), EnvelopeError> {
    let mut first = None;
    for (generation, cipher) in keys.ciphers() {
        match cipher.decrypt(encrypt) {
            Ok(plain) => return Ok((plain, generation)),
            Err(error @ DecryptError::ReceiverId { .. }) => {
                return Err(explain::decrypt(keys, &error, encrypt));
            }
            Err(error) => {
                first.get_or_insert(error);
            }
        }
    }
    Err(first.map_or(EnvelopeError::NoAesKey, |error| {
        explain::decrypt(keys, &error, encrypt)
    }))
}

/// What is read of an envelope before it is verified.
#[derive(Default)]
struct Outer<'a> {
    encrypt: Option<Cow<'a, [u8]>>,
    signature: Option<Cow<'a, str>>,
    timestamp: Option<Cow<'a, str>>,
    nonce: Option<Cow<'a, str>>,
    has_plain: bool,
}

#[derive(Deserialize)]
struct JsonOuter<'a> {
    #[serde(rename = "Encrypt", borrow)]
    encrypt: Option<Cow<'a, str>>,
    #[serde(rename = "MsgSignature", borrow)]
    signature: Option<Cow<'a, str>>,
    #[serde(rename = "TimeStamp")]
    timestamp: Option<serde_json::Value>,
    #[serde(rename = "Nonce")]
    nonce: Option<serde_json::Value>,
    #[serde(rename = "MsgType")]
    msg_type: Option<serde::de::IgnoredAny>,
}

impl<'a> Outer<'a> {
    fn read(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        match Form::of(body) {
            Form::Xml => Self::read_xml(body),
            Form::Json => Self::read_json(body),
        }
    }

    fn read_xml(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        let document = Document::parse(body)?;
        let mut outer = Self::default();
        for child in document.root().children() {
            match child.name() {
                "Encrypt" => outer.encrypt = Some(bytes_of(child)),
                "MsgSignature" => outer.signature = Some(child.text()),
                "TimeStamp" => outer.timestamp = Some(child.text()),
                "Nonce" => outer.nonce = Some(child.text()),
                "MsgType" => outer.has_plain = true,
                _ => {}
            }
        }
        Ok(outer)
    }

    fn read_json(body: &'a [u8]) -> Result<Self, EnvelopeError> {
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => Cow::Owned(text),
            other => Cow::Owned(other.to_string()),
        };
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        let json: JsonOuter<'a> = serde_json::from_slice(body).map_err(|_| EnvelopeError::Json)?;
        Ok(Self {
            encrypt: json.encrypt.map(|encrypt| match encrypt {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            }),
            signature: json.signature,
            timestamp: json.timestamp.map(text),
            nonce: json.nonce.map(text),
            has_plain: json.msg_type.is_some(),
        })
    }
}

fn bytes_of<'a>(element: Element<'a, '_>) -> Cow<'a, [u8]> {
    match element.plain_bytes() {
        Some(bytes) => Cow::Borrowed(bytes),
        None => Cow::Owned(element.text().into_owned().into_bytes()),
    }
}
