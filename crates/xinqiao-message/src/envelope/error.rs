//! Why a callback or its answer was not accepted: one rule, one cause, one remedy.

use xinqiao_wire::xml::XmlError;

/// How a base64 text was damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base64Fault {
    /// There are spaces where plus signs were.
    Space,
    /// The text stands there twice, or was encoded twice.
    Doubled,
    /// Its end is missing.
    CutOff,
    /// It has characters that base64 does not.
    Alphabet,
}

/// What is wrong with a signature, as far as the bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignatureFault {
    /// The ciphertext opens with the account's own key: only the Token differs.
    Token,
    /// It was made with the Token of before a change.
    PreviousToken {
        /// Which change, as they were given: 0 is the latest.
        change: usize,
    },
    /// The ciphertext does not open with the account's key either: it is somebody else's.
    Foreign,
    /// It is no hexadecimal text of 40 digits.
    Malformed,
    /// Nothing tells: in plain mode there is nothing but the signature.
    Unknown,
}

/// Why a callback or its answer was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvelopeError {
    /// The body is larger than any callback.
    #[error("the body has {found} bytes, a callback has at most {limit}")]
    TooLarge {
        /// How many bytes there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// Parameters of the URL are missing.
    #[error("the URL has no {}: the proxy in front must pass the query on", names.join(", no "))]
    MissingParameters {
        /// Which ones.
        names: Vec<&'static str>,
    },
    /// A parameter of the URL stands there more than once.
    #[error("the URL has `{name}` more than once: something on the way added to the query")]
    RepeatedParameter {
        /// Which one.
        name: &'static str,
    },
    /// The timestamp is not ten digits.
    #[error("the timestamp is not ten digits: it was changed on the way, or is not the platform's")]
    Timestamp,
    /// The nonce is empty, long, or not printable.
    #[error("the nonce is empty, longer than the platform's, or not printable")]
    Nonce,
    /// The signature is right, but its timestamp is far from now.
    #[error("{}", stale_text(*late))]
    Stale {
        /// How many seconds it is behind this machine's clock; less than nothing if it is ahead.
        late: i64,
    },
    /// There is no signature at all.
    #[error(
        "the URL has no `{name}`: this request does not come from the platform, or its query was cut off"
    )]
    MissingSignature {
        /// Which one would be needed.
        name: &'static str,
    },
    /// The signature was not made with this Token.
    #[error("{}", signature_text(*fault))]
    Signature {
        /// What is wrong, as far as the bytes tell.
        fault: SignatureFault,
    },
    /// The body is no acceptable XML.
    #[error("the body is not acceptable XML: {source}")]
    Xml {
        /// What is wrong.
        source: XmlError,
    },
    /// The body is no JSON object.
    #[error("the body is not a JSON object")]
    Json,
    /// The URL says that the body is encrypted, and there is no `Encrypt` in it.
    #[error("the body has no `Encrypt`, although the URL says that it is encrypted")]
    MissingEncrypt,
    /// There are two ciphertexts.
    #[error("the body has two `Encrypt`: which one is meant cannot be told")]
    EncryptTwice,
    /// What a URL check asks to hear again is a message.
    #[error(
        "the `echostr` decrypts to something that no check asks for: a captured message was sent as one, to have it read out"
    )]
    EchoMessage,
    /// An encrypted reply lacks one of its elements.
    #[error("the encrypted reply has no `{element}`")]
    MissingElement {
        /// Which one.
        element: &'static str,
    },
    /// The push is encrypted, and no key is set.
    #[error(
        "the platform pushes encrypted messages, but no EncodingAESKey is set: copy it from the console"
    )]
    NoAesKey,
    /// The push is not encrypted, and the account is set to encryption.
    #[error(
        "the push is not encrypted, but this account accepts encrypted ones only: set the console to safe mode (安全模式), or allow plain mode here"
    )]
    PlainRefused,
    /// The ciphertext is no base64.
    #[error("{}", base64_text(*fault))]
    Base64 {
        /// How it was damaged.
        fault: Base64Fault,
    },
    /// The ciphertext ends early.
    #[error("the ciphertext is cut off: it tells a message of {told} bytes and holds {found}")]
    CutOff {
        /// How long the message should be; 0 if unknown.
        told: usize,
        /// How much of it is there.
        found: usize,
    },
    /// The signature is right, but the ciphertext does not open.
    #[error(
        "the signature is right, but the ciphertext does not open: the EncodingAESKey set here is not the one in the console"
    )]
    AesKey,
    /// The length inside the ciphertext counts characters.
    #[error(
        "the length inside the ciphertext counts characters, not bytes: it tells {told}, the message has {bytes} bytes, so the receiver id was looked for inside the text"
    )]
    LengthInCharacters {
        /// What the length tells.
        told: usize,
        /// What it should tell.
        bytes: usize,
    },
    /// The ciphertext is for another account.
    #[error(
        "the message is for `{found}`, this is `{expected}`: check which appid, corpid or suite id belongs to this URL"
    )]
    ReceiverId {
        /// Whom it is for.
        found: String,
        /// Who we are.
        expected: String,
    },
}

impl EnvelopeError {
    /// The name of the diagnosis rule for a callback that came in.
    pub const fn rule(&self) -> &'static str {
        self.rules().0
    }

    /// The name of the diagnosis rule for an app's answer, as the platform judges it.
    pub const fn reply_rule(&self) -> &'static str {
        self.rules().1
    }

    const fn rules(&self) -> (&'static str, &'static str) {
        match self {
            Self::TooLarge { .. } => ("callback.too_large", "reply.too_large"),
            Self::MissingParameters { .. } => ("callback.parameters.missing", "reply.missing"),
            Self::RepeatedParameter { .. } => ("callback.parameters.repeated", "reply.missing"),
            Self::Timestamp => ("callback.timestamp.malformed", "reply.missing"),
            Self::Nonce => ("callback.nonce", "reply.missing"),
            Self::Stale { .. } => ("callback.timestamp.stale", "reply.missing"),
            Self::MissingSignature { .. } => {
                ("callback.signature.missing", "reply.signature.missing")
            }
            Self::Signature { fault } => match fault {
                SignatureFault::Token => ("callback.signature.token", "reply.signature.token"),
                SignatureFault::PreviousToken { .. } => (
                    "callback.signature.previous_token",
                    "reply.signature.previous_token",
                ),
                SignatureFault::Foreign => {
                    ("callback.signature.foreign", "reply.signature.foreign")
                }
                SignatureFault::Malformed => {
                    ("callback.signature.malformed", "reply.signature.malformed")
                }
                SignatureFault::Unknown => ("callback.signature.token", "reply.signature.token"),
            },
            Self::Xml { source } => match source.rule().as_bytes() {
                b"xml.doctype" => ("xml.doctype", "reply.xml.doctype"),
                b"xml.entity" => ("xml.entity", "reply.xml"),
                b"xml.depth" => ("xml.depth", "reply.xml"),
                b"xml.cdata" => ("xml.cdata", "reply.xml.cdata"),
                b"xml.cut_off" => ("xml.cut_off", "reply.xml"),
                b"callback.too_large" => ("callback.too_large", "reply.too_large"),
                _ => ("xml.syntax", "reply.xml"),
            },
            Self::Json => ("json.syntax", "reply.json"),
            Self::MissingEncrypt => ("callback.encrypt.missing", "reply.plain"),
            Self::EncryptTwice => ("callback.encrypt.twice", "reply.encrypt.twice"),
            Self::EchoMessage => ("callback.echo.message", "reply.missing"),
            Self::MissingElement { .. } => ("callback.parameters.missing", "reply.missing"),
            Self::NoAesKey => ("callback.mode.no_key", "reply.encrypted"),
            Self::PlainRefused => ("callback.mode.plain", "reply.plain"),
            Self::Base64 { fault } => match fault {
                Base64Fault::Space => ("decrypt.base64.space", "reply.decrypt.base64"),
                Base64Fault::Doubled => ("decrypt.base64.doubled", "reply.decrypt.base64"),
                Base64Fault::CutOff => ("decrypt.base64.cut_off", "reply.decrypt.base64"),
                Base64Fault::Alphabet => ("decrypt.base64", "reply.decrypt.base64"),
            },
            Self::CutOff { .. } => ("decrypt.cut_off", "reply.decrypt.cut_off"),
            Self::AesKey => ("decrypt.aes_key", "reply.decrypt.aes_key"),
            Self::LengthInCharacters { .. } => (
                "decrypt.length.characters",
                "reply.decrypt.length.characters",
            ),
            Self::ReceiverId { .. } => ("decrypt.receiver_id", "reply.decrypt.receiver_id"),
        }
    }
}

impl From<XmlError> for EnvelopeError {
    fn from(source: XmlError) -> Self {
        Self::Xml { source }
    }
}

const fn signature_text(fault: SignatureFault) -> &'static str {
    match fault {
        SignatureFault::Token => {
            "the signature does not match: the ciphertext opens with the EncodingAESKey, so only the Token differs from the one in the console"
        }
        SignatureFault::PreviousToken { change: 0 } => {
            "the signature was made with the Token of before the last change: restart what still uses it"
        }
        SignatureFault::PreviousToken { .. } => {
            "the signature was made with the Token of several changes ago: restart what still uses it"
        }
        SignatureFault::Foreign => {
            "neither Token nor EncodingAESKey fit: this comes from another account, or was changed on the way"
        }
        SignatureFault::Malformed => {
            "the signature is not 40 hexadecimal digits: it was changed on the way"
        }
        SignatureFault::Unknown => {
            "the signature does not match: the Token differs from the one in the console, or timestamp or nonce were changed on the way"
        }
    }
}

fn stale_text(late: i64) -> String {
    let side = if late < 0 { "ahead of" } else { "behind" };
    format!(
        "the signature is right, but its timestamp is {} s {side} this machine's clock: an old callback was sent again, or the clock is wrong",
        late.unsigned_abs()
    )
}

const fn base64_text(fault: Base64Fault) -> &'static str {
    match fault {
        Base64Fault::Space => {
            "the ciphertext has spaces where plus signs were: something decoded it as a form, read the raw value instead"
        }
        Base64Fault::Doubled => {
            "the ciphertext stands there twice, or was encoded twice: pass it on as it came"
        }
        Base64Fault::CutOff => "the ciphertext is cut off: look for a size limit on the way",
        Base64Fault::Alphabet => "the ciphertext has characters that base64 does not have",
    }
}
