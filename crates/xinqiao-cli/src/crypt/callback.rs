//! Callbacks: pushes, URL checks and replies, of every product that wraps them alike.

use std::borrow::Cow;

use serde_json::{Value, json};
use xinqiao_crypto::{AesKey, MessageCipher, callback};
use xinqiao_message::envelope::{
    self, CallbackQuery, EnvelopeError, Keys, Push, SealedBytes, SignatureFault, Wrapping,
};
use xinqiao_types::{CallbackMode, CallbackToken, UnixSeconds};
use xinqiao_wire::xml::Document;

use super::{CallbackKeys, Decrypt, Encrypt, Mode, Sign, Verify};
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::verdict::{self, Fact, fact};
use crate::{hex, input, talk};

/// Stands for the Token in what is shown.
const TOKEN: &str = "{Token}";

/// An envelope as far as it can be read before anything is checked.
#[derive(Debug, Default)]
struct Envelope {
    encrypt: Option<String>,
    /// Those of a reply.
    signature: Option<String>,
    timestamp: Option<String>,
    nonce: Option<String>,
}

impl Envelope {
    fn read(body: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(body) else {
            return Self::default();
        };
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.starts_with('{') {
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            let get = |names: &[&str]| {
                let found = names.iter().find_map(|name| value.get(name))?;
                Some(
                    found
                        .as_str()
                        .map_or_else(|| found.to_string(), str::to_owned),
                )
            };
            return Self {
                encrypt: get(&["Encrypt", "encrypt"]),
                signature: get(&["MsgSignature", "msgsignature"]),
                timestamp: get(&["TimeStamp", "timestamp"]),
                nonce: get(&["Nonce", "nonce"]),
            };
        }
        if let Ok(document) = Document::parse(text.as_bytes()) {
            let get = |name: &str| document.root().child_text(name).map(Cow::into_owned);
            return Self {
                encrypt: get("Encrypt"),
                signature: get("MsgSignature"),
                timestamp: get("TimeStamp"),
                nonce: get("Nonce"),
            };
        }
        Self {
            encrypt: (!text.is_empty() && !text.starts_with('<')).then(|| text.to_owned()),
            ..Self::default()
        }
    }

    /// The query that a reply carries inside, if it is one.
    fn reply_query(&self) -> Option<String> {
        Some(query_of(
            self.signature.as_deref()?,
            self.timestamp.as_deref()?,
            self.nonce.as_deref()?,
        ))
    }
}

fn query_of(signature: &str, timestamp: &str, nonce: &str) -> String {
    format!("msg_signature={signature}&timestamp={timestamp}&nonce={nonce}&encrypt_type=aes")
}

/// What stands behind the question mark of an address, or the text itself.
fn query_part(text: &str) -> &str {
    let text = text.trim();
    let text = text.split_once('?').map_or(text, |(_, query)| query);
    text.split_once('#').map_or(text, |(query, _)| query)
}

fn aes_key(keys: &CallbackKeys, as_json: bool, lang: Lang) -> Result<AesKey, Fail> {
    let text = input::needed(keys.aes_key.as_deref(), "--aes-key", lang)?;
    AesKey::parse(&text).map_err(|error| {
        let facts = [fact(
            "detail",
            "原因",
            "detail",
            aes_key_detail(&text, lang),
        )];
        refused(verdict::failed(error.rule(), &facts, as_json, lang))
    })
}

/// The length alone: a key is not repeated.
fn aes_key_detail(text: &str, lang: Lang) -> String {
    let length = text.chars().count();
    match lang {
        Lang::Zh => format!("给出的值有 {length} 个字符"),
        Lang::En => format!("the value has {length} characters"),
    }
}

fn refused(outcome: Outcome) -> Fail {
    outcome.err().unwrap_or_else(|| Fail::silent(1))
}

pub(super) fn decrypt(options: &Decrypt, lang: Lang) -> Outcome {
    let shown = options.shown;
    let key = aes_key(&options.keys, shown.json, lang)?;
    let typed = options.query.as_deref().map(query_part);
    let is_check = typed.is_some_and(|query| CallbackQuery::parse(query).echostr.is_some());
    let body = match &options.input {
        None if is_check => Vec::new(),
        given => input::bytes(given.as_deref(), lang)?,
    };
    let envelope = Envelope::read(&body);
    let check = typed.map(CallbackQuery::parse).and_then(|query| {
        let encrypted = query.signature.is_none() && query.msg_signature.is_some();
        query.echostr.map(|echo| (echo.into_owned(), encrypted))
    });
    let encrypt = match &check {
        Some((echo, true)) if body.is_empty() => Some(echo.clone()),
        _ => envelope.encrypt.clone(),
    };

    // A signature is checked if it came; else the ciphertext is opened as if it had been signed.
    let inner = envelope
        .reply_query()
        .filter(|_| options.keys.token.is_some());
    let signed = typed.map(str::to_owned).or(inner);
    let (token, query) = match &signed {
        Some(query) => (
            input::needed(options.keys.token.as_deref(), "--token", lang)?,
            query.clone(),
        ),
        None => unsigned(encrypt.as_deref().unwrap_or_default()),
    };
    let receiver = options.keys.receiver.as_deref();
    let receiver = receiver
        .map(|given| input::value(given, lang))
        .transpose()?;
    let cipher = MessageCipher::new(&key, "");
    let inside = encrypt
        .as_deref()
        .and_then(|encrypt| cipher.decrypt_for(encrypt.as_bytes(), |_| true).ok());
    let found = inside
        .as_ref()
        .map(|plain| String::from_utf8_lossy(plain.receiver_id()).into_owned());
    let keys = Keys::new(
        CallbackToken::new(token.as_str()),
        receiver
            .clone()
            .or_else(|| found.clone())
            .unwrap_or_default(),
    )
    .with_aes_key(&key)
    .with_mode(CallbackMode::Plain);

    let query = CallbackQuery::parse(&query);
    let wrapped = bare(&body, envelope.encrypt.as_deref());
    let opened = open(&keys, &query, &wrapped);
    let mut facts = Vec::new();
    if signed.is_some() {
        facts.extend(signed_parts(&token, &query, encrypt.as_deref()));
    }
    if let Some(plain) = &inside {
        facts.extend([
            fact(
                "random",
                "随机串",
                "random bytes",
                hex::encode(plain.random()),
            ),
            fact(
                "length",
                "消息长度",
                "length of the message",
                plain.message().len(),
            ),
            fact(
                "receiver",
                "接收者",
                "receiver",
                found.clone().unwrap_or_default(),
            ),
        ]);
    }
    let plain = match opened {
        Ok(plain) => plain,
        Err(error) => {
            let error = envelope::diagnose(&keys, &query, &wrapped, error);
            let mut facts = detail(&error, &token, &query, encrypt.as_deref());
            facts.retain(|_| signed.is_some() || !matches!(error, EnvelopeError::Signature { .. }));
            return verdict::failed(error.rule(), &facts, shown.json, lang);
        }
    };
    let text = String::from_utf8_lossy(&plain).into_owned();
    if shown.json {
        let mut out = serde_json::Map::new();
        out.insert("ok".into(), true.into());
        out.insert("plain".into(), text.into());
        out.insert("signature_checked".into(), signed.is_some().into());
        out.insert("receiver_checked".into(), receiver.is_some().into());
        out.extend(verdict::object(&facts));
        talk::data(Value::Object(out));
        return Ok(());
    }
    if signed.is_none() {
        talk::say(lang.pick(
            "没有检查签名：要检查，用 --query 给出地址里的参数，用 --token 给出 Token",
            "no signature was checked: --query takes the parameters of the URL, --token the Token",
        ));
    }
    if let (None, Some(found)) = (&receiver, &found) {
        talk::say(match lang {
            Lang::Zh => format!("没有检查接收者：密文是给 {found} 的；用 --receiver 给出你的"),
            Lang::En => {
                format!("the receiver was not checked: it is for {found}; --receiver takes yours")
            }
        });
    }
    if shown.parts {
        verdict::print(&facts, lang);
        talk::data("");
    }
    talk::data(text);
    Ok(())
}

/// A token and a query that fit a ciphertext which came without a signature.
fn unsigned(encrypt: &str) -> (String, String) {
    const NOBODY: &str = "unsigned";
    let (time, nonce) = ("1700000000", "unsigned");
    let signature = callback::signature(&[NOBODY, time, nonce, encrypt]);
    (NOBODY.to_owned(), query_of(signature.as_str(), time, nonce))
}

/// The body with an envelope: a bare ciphertext gets one.
fn bare<'b>(body: &'b [u8], encrypt: Option<&str>) -> Cow<'b, [u8]> {
    match encrypt {
        Some(encrypt) if !matches!(body.trim_ascii_start().first(), Some(b'<' | b'{' | 0xef)) => {
            Cow::Owned(json!({ "encrypt": encrypt }).to_string().into_bytes())
        }
        _ => Cow::Borrowed(body),
    }
}

/// Opens a push or a check at the time at which it was signed: a captured one is as good as a fresh one here.
fn open(keys: &Keys, query: &CallbackQuery<'_>, body: &[u8]) -> Result<Vec<u8>, EnvelopeError> {
    let time = query
        .timestamp
        .as_deref()
        .and_then(|text| text.parse().ok());
    let now = UnixSeconds(time.unwrap_or_default());
    if body.is_empty() {
        return envelope::verify_url(keys, query, now).map(|echo| echo.into_body().into_bytes());
    }
    envelope::open(keys, query, body, now).map(|opened| opened.xml)
}

/// The string that was signed, with the Token's place marked.
fn signed_parts(token: &str, query: &CallbackQuery<'_>, encrypt: Option<&str>) -> Vec<Fact> {
    let text = |value: &Option<Cow<'_, str>>| value.as_deref().unwrap_or_default().to_owned();
    let covered = covered(query, encrypt);
    string_with(token, &text(&query.timestamp), &text(&query.nonce), covered)
}

/// The ciphertext, if the signature that came covers it.
fn covered<'e>(query: &CallbackQuery<'_>, encrypt: Option<&'e str>) -> Option<&'e str> {
    encrypt.filter(|_| query.msg_signature.is_some())
}

/// Parts in their order need the Token itself; the text then gets its place marked.
fn string_with(token: &str, timestamp: &str, nonce: &str, encrypt: Option<&str>) -> Vec<Fact> {
    let mut parts = vec![token, timestamp, nonce];
    parts.extend(encrypt);
    let shown = |at: usize| if at == 0 { TOKEN } else { parts[at] };
    let joined: String = callback::order(&parts).into_iter().map(shown).collect();
    vec![verdict::string_to_sign(joined)]
}

/// What was compared.
fn detail(
    error: &EnvelopeError,
    token: &str,
    query: &CallbackQuery<'_>,
    encrypt: Option<&str>,
) -> Vec<Fact> {
    let text = |value: &Option<Cow<'_, str>>| value.as_deref().unwrap_or_default().to_owned();
    let (timestamp, nonce) = (text(&query.timestamp), text(&query.nonce));
    match error {
        EnvelopeError::ReceiverId { found, expected } => vec![
            fact("found", "密文里的接收者", "receiver inside", found.clone()),
            fact(
                "expected",
                "给出的接收者",
                "receiver given",
                expected.clone(),
            ),
        ],
        EnvelopeError::CutOff { told, found } => vec![
            fact("told", "应有字节", "bytes told", *told),
            fact("found", "实有字节", "bytes found", *found),
        ],
        EnvelopeError::LengthInCharacters { told, bytes } => vec![
            fact("told", "写明的长度", "length told", *told),
            fact("bytes", "实际字节", "bytes", *bytes),
        ],
        EnvelopeError::MissingParameters { names } => {
            vec![fact("missing", "缺少", "missing", names.join(", "))]
        }
        EnvelopeError::RepeatedParameter { name } => {
            vec![fact("repeated", "重复", "repeated", *name)]
        }
        EnvelopeError::Signature { .. } | EnvelopeError::Base64 { .. } => {
            let covered = covered(query, encrypt);
            let mut parts = vec![token, timestamp.as_str(), nonce.as_str()];
            parts.extend(covered);
            let received = match covered {
                Some(_) => text(&query.msg_signature),
                None => text(&query.signature),
            };
            let expected = callback::signature(&parts);
            let mut facts = vec![
                fact("received", "收到的签名", "signature received", received),
                fact(
                    "expected",
                    "应有的签名",
                    "signature expected",
                    expected.as_str(),
                ),
            ];
            facts.extend(string_with(token, &timestamp, &nonce, covered));
            facts
        }
        _ => Vec::new(),
    }
}

pub(super) fn encrypt(options: &Encrypt, lang: Lang) -> Outcome {
    let mode = match options.mode {
        Mode::Plain => CallbackMode::Plain,
        Mode::Compat => CallbackMode::Compat,
        Mode::Safe => CallbackMode::Safe,
    };
    let token = input::needed(options.keys.token.as_deref(), "--token", lang)?;
    let receiver = input::needed(options.keys.receiver.as_deref(), "--receiver", lang)?;
    let mut keys = Keys::new(CallbackToken::new(token), receiver);
    if mode != CallbackMode::Plain || options.reply {
        keys = keys.with_aes_key(&aes_key(&options.keys, options.json, lang)?);
    }
    let keys = keys.with_mode(mode);
    let message = input::text(options.input.as_deref(), lang)?;
    let time = super::time(options.timestamp);
    let nonce = super::nonce(options.nonce.as_deref());
    let random = super::random();
    if options.reply {
        let wrapping = Wrapping::of(message.as_bytes());
        let sealed = envelope::seal_reply_as(wrapping, &keys, mode, &message, time, &nonce, random);
        let body = match sealed {
            Ok(body) => body,
            Err(error) => return verdict::failed(error.reply_rule(), &[], options.json, lang),
        };
        talk::data(if options.json {
            json!({ "body": body }).to_string()
        } else {
            body
        });
        return Ok(());
    }
    let sealed = match seal(&keys, &message, time, &nonce, random) {
        Ok(sealed) => sealed,
        Err(error) => return verdict::failed(error.rule(), &[], options.json, lang),
    };
    let body = String::from_utf8_lossy(&sealed.body).into_owned();
    if options.json {
        talk::data(json!({
            "query": sealed.query, "body": body, "content_type": sealed.content_type,
        }));
    } else {
        talk::say(format_args!("?{}", sealed.query));
        talk::data(body);
    }
    Ok(())
}

/// A push: of a message, whose sender and receiver stand outside too, or of any bytes.
fn seal(
    keys: &Keys,
    message: &str,
    time: i64,
    nonce: &str,
    random: [u8; 16],
) -> Result<SealedBytes, EnvelopeError> {
    let names = names(message);
    let Some((to_user_name, openid)) = &names else {
        return envelope::seal_bytes(keys, message.as_bytes(), time, nonce, random);
    };
    let push = Push {
        plain: message,
        to_user_name,
        openid,
    };
    envelope::seal_push(keys, &push, time, nonce, random).map(SealedBytes::from)
}

/// Receiver and sender of a message.
fn names(message: &str) -> Option<(String, String)> {
    if message.trim_start().starts_with('{') {
        let value: Value = serde_json::from_str(message).ok()?;
        let get = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
        return Some((get("ToUserName").to_owned(), get("FromUserName").to_owned()));
    }
    let document = Document::parse(message.as_bytes()).ok()?;
    let get = |name: &str| {
        document
            .root()
            .child_text(name)
            .unwrap_or_default()
            .into_owned()
    };
    Some((get("ToUserName"), get("FromUserName")))
}

pub(super) fn sign(options: &Sign, lang: Lang) -> Outcome {
    let token = input::needed(options.keys.token.as_deref(), "--token", lang)?;
    let encrypt = match &options.input {
        None => None,
        given => {
            let body = input::bytes(given.as_deref(), lang)?;
            let encrypt = Envelope::read(&body).encrypt.ok_or_else(|| {
                Fail::usage(lang.pick(
                    "输入里没有密文：应是 Encrypt 的文本，或含 Encrypt 的 XML、JSON",
                    "the input holds no ciphertext: it is the text of Encrypt, or XML or JSON with Encrypt",
                ))
            })?;
            Some(encrypt)
        }
    };
    let time = super::time(options.timestamp).to_string();
    let nonce = super::nonce(options.nonce.as_deref());
    let mut parts = vec![token.as_str(), &time, &nonce];
    parts.extend(encrypt.as_deref());
    let signature = callback::signature(&parts);
    let mut facts = vec![
        fact("timestamp", "timestamp", "timestamp", time.as_str()),
        fact("nonce", "nonce", "nonce", nonce.as_str()),
    ];
    facts.extend(string_with(&token, &time, &nonce, encrypt.as_deref()));
    super::page::show(signature.as_str(), &facts, options.shown, lang);
    Ok(())
}

pub(super) fn verify(options: &Verify, lang: Lang) -> Outcome {
    let token = input::needed(options.keys.token.as_deref(), "--token", lang)?;
    let typed = options.query.as_deref().map(query_part);
    let echo = typed.and_then(|query| CallbackQuery::parse(query).echostr.map(Cow::into_owned));
    let body = match &options.input {
        None if typed.is_some() => Vec::new(),
        given => input::bytes(given.as_deref(), lang)?,
    };
    let envelope = Envelope::read(&body);
    let text = match (typed, envelope.reply_query()) {
        (Some(query), _) => query.to_owned(),
        (None, Some(query)) => query,
        (None, None) => return Err(input::missing("--query", lang)),
    };
    let query = CallbackQuery::parse(&text);
    let receiver = match &options.keys.receiver {
        Some(given) => input::value(given, lang)?,
        None => String::new(),
    };
    let mut keys = Keys::new(CallbackToken::new(token.as_str()), receiver);
    if options.keys.aes_key.is_some() {
        keys = keys.with_aes_key(&aes_key(&options.keys, options.shown.json, lang)?);
    }
    let is_check = body.is_empty();
    let encrypt = match &echo {
        Some(echo) if is_check => query.signature.is_none().then(|| echo.clone()),
        _ => envelope.encrypt.clone(),
    };
    let fault = checked(&token, &query, encrypt.as_deref());
    let Some(error) = fault else {
        let facts = if options.shown.parts || options.shown.json {
            signed_parts(&token, &query, encrypt.as_deref())
        } else {
            Vec::new()
        };
        let said = lang.pick("签名正确", "the signature is right");
        verdict::held(said, &facts, options.shown.json, lang);
        return Ok(());
    };
    let wrapped = bare(&body, envelope.encrypt.as_deref());
    let mut error = envelope::diagnose(&keys, &query, &wrapped, error);
    let foreign = EnvelopeError::Signature {
        fault: SignatureFault::Foreign,
    };
    let blind = encrypt.is_some() && !keys.has_aes_key() && error == foreign;
    if blind {
        error = EnvelopeError::Signature {
            fault: SignatureFault::Unknown,
        };
    }
    let mut facts = detail(&error, &token, &query, encrypt.as_deref());
    if blind {
        let more = lang.pick(
            "加上 --aes-key，可以分辨是 Token 不对，还是整条消息属于别的账号",
            "with --aes-key it can be told whether the Token differs or the message is another account's",
        );
        facts.push(fact("hint", "提示", "hint", more));
    }
    verdict::failed(error.rule(), &facts, options.shown.json, lang)
}

/// What is wrong with a signature, if anything is.
fn checked(token: &str, query: &CallbackQuery<'_>, encrypt: Option<&str>) -> Option<EnvelopeError> {
    if let Some(name) = query.repeated {
        return Some(EnvelopeError::RepeatedParameter { name });
    }
    let (Some(timestamp), Some(nonce)) = (&query.timestamp, &query.nonce) else {
        let given = [("timestamp", &query.timestamp), ("nonce", &query.nonce)];
        let missing = given.iter().filter(|(_, value)| value.is_none());
        let names = missing.map(|(name, _)| *name).collect();
        return Some(EnvelopeError::MissingParameters { names });
    };
    let mut parts = vec![token, timestamp.as_ref(), nonce.as_ref()];
    let received = match (&query.msg_signature, encrypt, &query.signature) {
        (Some(received), Some(encrypt), _) => {
            parts.push(encrypt);
            received
        }
        (Some(_), None, None) => return Some(EnvelopeError::MissingEncrypt),
        (_, _, Some(received)) => received,
        (None, _, None) => return Some(EnvelopeError::MissingSignature { name: "signature" }),
    };
    let wrong = callback::verify(&parts, received).is_err();
    wrong.then_some(EnvelopeError::Signature {
        fault: SignatureFault::Unknown,
    })
}
