//! The parameters behind a callback's URL.

use std::borrow::Cow;

/// What the platform puts behind the URL. Values are decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallbackQuery<'a> {
    /// Over token, timestamp and nonce.
    pub signature: Option<Cow<'a, str>>,
    /// Over token, timestamp, nonce and the ciphertext.
    pub msg_signature: Option<Cow<'a, str>>,
    /// Seconds since 1970.
    pub timestamp: Option<Cow<'a, str>>,
    /// A random number.
    pub nonce: Option<Cow<'a, str>>,
    /// What the URL check asks to hear again.
    pub echostr: Option<Cow<'a, str>>,
    /// `aes` in compatible and safe mode.
    pub encrypt_type: Option<Cow<'a, str>>,
    /// Who sent the message.
    pub openid: Option<Cow<'a, str>>,
    /// One of these that stands there more than once: which of the two counts is anybody's guess, so the
    /// callback is refused.
    pub repeated: Option<&'static str>,
}

impl<'a> CallbackQuery<'a> {
    /// Takes a URL's query apart, names and values decoded. Unknown parameters are skipped, however often
    /// they come.
    ///
    /// A `+` stays a `+`: no value here has a space in it, but WeCom's `echostr` has plus signs, and
    /// some proxies send them undecoded.
    pub fn parse(raw: &'a str) -> Self {
        let mut query = Self::default();
        let is_encoded = raw.contains('%');
        let decoded = |text| {
            if is_encoded {
                decode(text)
            } else {
                Cow::Borrowed(text)
            }
        };
        for pair in raw.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, slot) = match &*decoded(name) {
                "signature" => ("signature", &mut query.signature),
                "msg_signature" => ("msg_signature", &mut query.msg_signature),
                "timestamp" => ("timestamp", &mut query.timestamp),
                "nonce" => ("nonce", &mut query.nonce),
                "echostr" => ("echostr", &mut query.echostr),
                "encrypt_type" => ("encrypt_type", &mut query.encrypt_type),
                "openid" => ("openid", &mut query.openid),
                _ => continue,
            };
            if slot.is_some() {
                query.repeated = Some(name);
            } else {
                *slot = Some(decoded(value));
            }
        }
        query
    }

    /// Whether the platform says that the body is encrypted.
    pub(super) fn says_encrypted(&self) -> bool {
        self.msg_signature.is_some() || self.encrypt_type.as_deref() == Some(super::AES)
    }
}

/// Decodes `%41`; what is no such sequence stays as it is.
fn decode(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    let bytes = value.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |offset: usize| {
            bytes
                .get(at + offset)
                .and_then(|b| char::from(*b).to_digit(16))
        };
        if let (b'%', Some(high), Some(low)) = (bytes[at], digit(1), digit(2)) {
            out.push((high * 16 + low) as u8);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    Cow::Owned(
        String::from_utf8(out)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}

/// Appends a value so that every server decodes it to the same.
pub(super) fn encode_into(value: &str, out: &mut String) {
    use std::fmt::Write;
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
