//! Sealing: what the platform pushes, and what an app replies.

use std::fmt::Write;

use serde_json::{Map, Value};
use xinqiao_crypto::{Hex, MessageCipher, callback, message::RANDOM_LEN};
use xinqiao_types::{CallbackMode, percent::encode_into};

use super::{AES, EnvelopeError, Keys, Wrapping};
use crate::inbound::Form;

/// A message that is about to be pushed.
#[derive(Debug, Clone, Copy)]
pub struct Push<'a> {
    /// The message: XML, or JSON for mini programs that are set so and for bots.
    pub plain: &'a str,
    /// The account's original id, which stands outside the ciphertext.
    pub to_user_name: &'a str,
    /// Who sent it; goes into the URL.
    pub openid: &'a str,
}

/// A push as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedPush {
    /// What stands behind the URL, without a question mark.
    pub query: String,
    /// The body.
    pub body: String,
    /// The body's media type.
    pub content_type: &'static str,
}

/// The query of the check that the console makes when a server URL is saved.
///
/// With a key and an empty receiver this is still the official accounts' form; `echostr` in the clear.
pub fn url_query(keys: &Keys, timestamp: i64, nonce: &str, echostr: &str) -> String {
    let timestamp = timestamp.to_string();
    let signature = callback::signature(&[keys.token.expose(), &timestamp, nonce]);
    let mut query = format!("signature={signature}&echostr=");
    encode_into(echostr, &mut query);
    query.push_str("&timestamp=");
    query.push_str(&timestamp);
    query.push_str("&nonce=");
    encode_into(nonce, &mut query);
    query
}

/// Wraps a message in the mode of the keys.
///
/// Fails only if the mode needs a key and there is none, or a plain message is not what it claims.
pub fn seal_push(
    keys: &Keys,
    push: &Push<'_>,
    timestamp: i64,
    nonce: &str,
    random: [u8; RANDOM_LEN],
) -> Result<SealedPush, EnvelopeError> {
    let wrapping = Wrapping::of(push.plain.as_bytes());
    let time = timestamp.to_string();
    let mut query = plain_query(keys, &time, nonce, push.openid);
    let content_type = wrapping.form().content_type();
    if keys.mode == CallbackMode::Plain {
        return Ok(SealedPush {
            query,
            body: push.plain.to_owned(),
            content_type,
        });
    }
    let cipher = keys.cipher.as_ref().ok_or(EnvelopeError::NoAesKey)?;
    let mut sealed = Sealer {
        keys,
        cipher,
        time: &time,
        nonce,
        random,
    };
    let (body, signature) = match (wrapping, keys.mode) {
        (Wrapping::Xml, CallbackMode::Compat) => sealed.compat_xml(push)?,
        (Wrapping::Xml, _) => sealed.safe_xml(push.plain, ("ToUserName", push.to_user_name)),
        (Wrapping::Json, mode) => sealed.json(push, mode)?,
        (Wrapping::LowerJson, _) => {
            // WECHAT: a bot's push names neither its receiver nor its kind in the URL.
            let (body, signature) = sealed.lower_json(push);
            let mut query = format!("msg_signature={signature}&timestamp={time}&nonce=");
            encode_into(nonce, &mut query);
            return Ok(SealedPush {
                query,
                body,
                content_type,
            });
        }
    };
    let _ = write!(query, "&encrypt_type={AES}&msg_signature={signature}");
    Ok(SealedPush {
        query,
        body,
        content_type,
    })
}

/// Wraps what a third-party platform is pushed, in XML and always encrypted: events about itself, without an openid, and
/// messages of users of the accounts that authorized it. The platform's appid, which the keys seal for, stands outside
/// the ciphertext.
///
/// Fails only if there is no key.
pub fn seal_component_push(
    keys: &Keys,
    plain: &str,
    openid: &str,
    timestamp: i64,
    nonce: &str,
    random: [u8; RANDOM_LEN],
) -> Result<SealedPush, EnvelopeError> {
    let cipher = keys.cipher.as_ref().ok_or(EnvelopeError::NoAesKey)?;
    let time = timestamp.to_string();
    let mut query = plain_query(keys, &time, nonce, openid);
    let mut sealer = Sealer {
        keys,
        cipher,
        time: &time,
        nonce,
        random,
    };
    let (body, signature) = sealer.safe_xml(plain, ("AppId", keys.receiver_id()));
    let _ = write!(query, "&encrypt_type={AES}&msg_signature={signature}");
    Ok(SealedPush {
        query,
        body,
        content_type: Form::Xml.content_type(),
    })
}

/// A push of bytes as it goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedBytes {
    /// What stands behind the URL, without a question mark.
    pub query: String,
    /// The body.
    pub body: Vec<u8>,
    /// The body's media type.
    pub content_type: &'static str,
}

impl From<SealedPush> for SealedBytes {
    fn from(push: SealedPush) -> Self {
        Self {
            query: push.query,
            body: push.body.into_bytes(),
            content_type: push.content_type,
        }
    }
}

/// Wraps bytes that cannot be read as a message, in the mode of the keys. In compatible mode nothing stands in
/// the clear, because no field is known.
///
/// Fails only if the mode needs a key and there is none.
pub fn seal_bytes(
    keys: &Keys,
    plain: &[u8],
    timestamp: i64,
    nonce: &str,
    random: [u8; RANDOM_LEN],
) -> Result<SealedBytes, EnvelopeError> {
    let form = Form::of(plain);
    let time = timestamp.to_string();
    let token = keys.token.expose();
    let signature = callback::signature(&[token, &time, nonce]);
    let mut query = format!("signature={signature}&timestamp={time}&nonce=");
    encode_into(nonce, &mut query);
    if keys.mode == CallbackMode::Plain {
        return Ok(SealedBytes {
            query,
            body: plain.to_vec(),
            content_type: form.content_type(),
        });
    }
    let cipher = keys.cipher.as_ref().ok_or(EnvelopeError::NoAesKey)?;
    let mut encrypt = String::new();
    cipher.encrypt_into(random, plain, &mut encrypt);
    let signature = callback::signature(&[token, &time, nonce, &encrypt]);
    let _ = write!(query, "&encrypt_type={AES}&msg_signature={signature}");
    let body = match form {
        Form::Xml => {
            let mut out = xinqiao_wire::xml::Writer::with_capacity(encrypt.len() + 96);
            out.open("xml").cdata("Encrypt", &encrypt).close("xml");
            out.finish()
        }
        Form::Json => {
            Value::Object(Map::from_iter([("Encrypt".to_owned(), encrypt.into())])).to_string()
        }
    };
    Ok(SealedBytes {
        query,
        body: body.into_bytes(),
        content_type: form.content_type(),
    })
}

/// The part of a query that does not depend on the body.
fn plain_query(keys: &Keys, time: &str, nonce: &str, openid: &str) -> String {
    let signature = callback::signature(&[keys.token.expose(), time, nonce]);
    let mut query = format!("signature={signature}&timestamp={time}&nonce=");
    encode_into(nonce, &mut query);
    if !openid.is_empty() {
        query.push_str("&openid=");
        encode_into(openid, &mut query);
    }
    query
}

struct Sealer<'a> {
    keys: &'a Keys,
    cipher: &'a MessageCipher,
    time: &'a str,
    nonce: &'a str,
    random: [u8; RANDOM_LEN],
}

impl Sealer<'_> {
    /// Appends the ciphertext and signs it where it stands.
    fn encrypt(&mut self, plain: &str, out: &mut String) -> Hex<40> {
        let begin = out.len();
        self.cipher.encrypt_into(self.random, plain.as_bytes(), out);
        callback::signature(&[
            self.keys.token.expose(),
            self.time,
            self.nonce,
            &out[begin..],
        ])
    }

    /// The ciphertext, and before it the element that says whose it is.
    fn safe_xml(&mut self, plain: &str, (name, whose): (&str, &str)) -> (String, Hex<40>) {
        let room = self.cipher.encrypted_len(plain.len()) + whose.len() + 128;
        let mut out = xinqiao_wire::xml::Writer::with_capacity(room);
        out.open("xml").cdata(name, whose).open("Encrypt");
        let mut body = out.finish();
        body.push_str("<![CDATA[");
        let signature = self.encrypt(plain, &mut body);
        body.push_str("]]></Encrypt></xml>");
        (body, signature)
    }

    /// The plain elements, and the ciphertext before the end tag.
    fn compat_xml(&mut self, push: &Push<'_>) -> Result<(String, Hex<40>), EnvelopeError> {
        let end = push
            .plain
            .rfind("</xml>")
            .ok_or(EnvelopeError::MissingElement { element: "xml" })?;
        let room = self.cipher.encrypted_len(push.plain.len()) + push.plain.len() + 64;
        let mut body = String::with_capacity(room);
        body.push_str(&push.plain[..end]);
        body.push_str("<Encrypt><![CDATA[");
        let signature = self.encrypt(push.plain, &mut body);
        body.push_str("]]></Encrypt>");
        body.push_str(&push.plain[end..]);
        Ok((body, signature))
    }

    fn json(
        &mut self,
        push: &Push<'_>,
        mode: CallbackMode,
    ) -> Result<(String, Hex<40>), EnvelopeError> {
        let mut object = Map::new();
        if mode == CallbackMode::Compat {
            object = serde_json::from_str(push.plain).map_err(|_| EnvelopeError::Json)?;
        }
        object.insert("ToUserName".to_owned(), Value::from(push.to_user_name));
        let mut encrypt = String::new();
        let signature = self.encrypt(push.plain, &mut encrypt);
        object.insert("Encrypt".to_owned(), Value::from(encrypt));
        Ok((Value::Object(object).to_string(), signature))
    }

    fn lower_json(&mut self, push: &Push<'_>) -> (String, Hex<40>) {
        let mut encrypt = String::new();
        let signature = self.encrypt(push.plain, &mut encrypt);
        (
            serde_json::json!({"encrypt": encrypt}).to_string(),
            signature,
        )
    }
}

/// Wraps a reply as its push was wrapped (`mode` is [`super::Opened::mode`]).
///
/// In plain mode the reply is returned as it is.
pub fn seal_reply(
    keys: &Keys,
    mode: CallbackMode,
    reply: &str,
    timestamp: i64,
    nonce: &str,
    random: [u8; RANDOM_LEN],
) -> Result<String, EnvelopeError> {
    seal_reply_as(Wrapping::Xml, keys, mode, reply, timestamp, nonce, random)
}

/// [`seal_reply`] in what its push was wrapped in ([`super::Opened::wrapping`]).
pub fn seal_reply_as(
    wrapping: Wrapping,
    keys: &Keys,
    mode: CallbackMode,
    reply: &str,
    timestamp: i64,
    nonce: &str,
    random: [u8; RANDOM_LEN],
) -> Result<String, EnvelopeError> {
    if mode == CallbackMode::Plain {
        return Ok(reply.to_owned());
    }
    let cipher = keys.cipher.as_ref().ok_or(EnvelopeError::NoAesKey)?;
    let time = timestamp.to_string();
    let mut sealer = Sealer {
        keys,
        cipher,
        time: &time,
        nonce,
        random,
    };
    let room = cipher.encrypted_len(reply.len()) + nonce.len() + 256;
    let mut body = String::with_capacity(room);
    match wrapping {
        Wrapping::Xml => {
            body.push_str("<xml><Encrypt><![CDATA[");
            let signature = sealer.encrypt(reply, &mut body);
            body.push_str("]]></Encrypt>");
            let mut out = xinqiao_wire::xml::Writer::append_to(body);
            out.cdata("MsgSignature", signature.as_str())
                .number("TimeStamp", timestamp)
                .cdata("Nonce", nonce)
                .close("xml");
            Ok(out.finish())
        }
        Wrapping::Json => {
            let signature = sealer.encrypt(reply, &mut body);
            let object = serde_json::json!({
                "Encrypt": body,
                "MsgSignature": signature.as_str(),
                "TimeStamp": timestamp,
                "Nonce": nonce,
            });
            Ok(object.to_string())
        }
        Wrapping::LowerJson => {
            let signature = sealer.encrypt(reply, &mut body);
            let object = serde_json::json!({
                "encrypt": body,
                "msgsignature": signature.as_str(),
                "timestamp": timestamp,
                "nonce": nonce,
            });
            Ok(object.to_string())
        }
    }
}
