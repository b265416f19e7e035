//! The parameters behind a callback's URL.

use std::borrow::Cow;

use xinqiao_types::percent::decode;

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
