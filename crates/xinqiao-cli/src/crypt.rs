//! `xinqiao crypt`: what the platform encrypts and signs, outside of payments, by hand and without a network.
//!
//! Three tools in one, told apart by the keys that are given: callbacks (Token, EncodingAESKey), data of mini programs
//! (`--session-key`), pages with the JS-SDK (`--ticket`). How things are signed and sealed is in `xinqiao-crypto` and
//! `xinqiao-message`; here is only what goes in and out. No key is ever printed: in a string that was signed its place
//! is marked.

mod callback;
mod page;
mod session;

use clap::{Args, Subcommand};
use xinqiao_message::envelope;
use xinqiao_types::{Clock as _, Entropy as _, SystemClock, SystemEntropy};

use crate::fail::Outcome;
use crate::input;
use crate::lang::Lang;

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Verb {
    /// Decrypt a callback, a reply, or a mini program's encryptedData
    #[command(after_help = DECRYPT)]
    Decrypt(Decrypt),
    /// Encrypt and sign a push or a reply, or data as for a mini program
    #[command(after_help = ENCRYPT)]
    Encrypt(Encrypt),
    /// Sign a callback, rawData, or a page for the JS-SDK
    #[command(after_help = SIGN)]
    Sign(Sign),
    /// Check such a signature, and say what is wrong
    #[command(after_help = VERIFY)]
    Verify(Verify),
}

const DECRYPT: &str = "xinqiao crypt decrypt @push.xml --query 'msg_signature=…' --aes-key @key
xinqiao crypt decrypt 'RypEvHKD8QQKFhvQ6QleEB4J58t…' --aes-key env:AES_KEY
xinqiao crypt decrypt @data.txt --session-key @session --iv 'r7BXXKkL…'";

const ENCRYPT: &str = "xinqiao crypt encrypt @text.xml --json
xinqiao crypt encrypt @reply.xml --reply --receiver wx5823bf96d3bd56c7";

const SIGN: &str = "xinqiao crypt sign --token @token --timestamp 1714036504 --nonce 1514711492
xinqiao crypt sign --ticket @ticket --url 'https://example.com/?a=1'
xinqiao crypt sign @rawData.json --session-key @session";

const VERIFY: &str = "xinqiao crypt verify @push.xml --query \"$QUERY\" --token @token
xinqiao crypt verify @raw.json --session-key @session --signature 75e81c…";

/// Heading of the options that hold keys; `args/zh.rs` has it in Chinese.
pub(crate) const KEYS: &str = "Keys (each may be @FILE or env:NAME)";

/// What a callback address is protected with.
#[derive(Clone, Debug, Args)]
pub(crate) struct CallbackKeys {
    /// Token of the callback address
    #[arg(long, env = "XINQIAO_TOKEN", hide_env_values = true, help_heading = KEYS)]
    token: Option<String>,
    /// EncodingAESKey, 43 characters
    #[arg(long, env = "XINQIAO_AES_KEY", hide_env_values = true, help_heading = KEYS)]
    aes_key: Option<String>,
    /// Whom the ciphertext is for: appid, corpid, suite or component id; '' for a WeCom bot
    #[arg(long, env = "XINQIAO_APPID", value_name = "ID", help_heading = KEYS)]
    receiver: Option<String>,
}

/// The key of a mini program's user.
#[derive(Clone, Debug, Args)]
pub(crate) struct SessionKey {
    /// session_key of a mini program's user: works on mini-program data instead of a callback
    #[arg(long, value_name = "KEY", help_heading = KEYS)]
    session_key: Option<String>,
}

/// A page that uses the JS-SDK.
#[derive(Clone, Debug, Args)]
pub(crate) struct Page {
    /// jsapi_ticket: works on a JS-SDK signature instead of a callback
    #[arg(long, value_name = "TICKET", help_heading = KEYS)]
    ticket: Option<String>,
    /// Address of the page
    #[arg(long, requires = "ticket")]
    url: Option<String>,
}

/// How the result is shown.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Shown {
    /// Show the parts too: the string that was signed, what is inside the ciphertext
    #[arg(long)]
    pub(crate) parts: bool,
    /// As JSON, parts included
    #[arg(long)]
    pub(crate) json: bool,
}

/// `decrypt`
#[derive(Clone, Debug, Args)]
pub(crate) struct Decrypt {
    /// A callback's body, a reply, or the bare ciphertext: the text, @FILE, or - for standard input
    input: Option<String>,
    /// Query of the callback's URL, or the whole URL; without it no signature is checked
    #[arg(long)]
    query: Option<String>,
    /// iv that came with encryptedData
    #[arg(long, requires = "session_key")]
    iv: Option<String>,
    #[command(flatten)]
    keys: CallbackKeys,
    #[command(flatten)]
    session: SessionKey,
    #[command(flatten)]
    shown: Shown,
}

/// `encrypt`
#[derive(Clone, Debug, Args)]
pub(crate) struct Encrypt {
    /// The message or reply, XML or JSON: the text, @FILE, or - for standard input
    input: Option<String>,
    /// Seal it as an app's reply, not as the platform's push
    #[arg(long, conflicts_with = "session_key")]
    reply: bool,
    /// How the push is wrapped
    #[arg(long, value_enum, default_value = "safe")]
    mode: Mode,
    /// Seconds since 1970 (default: now)
    #[arg(long)]
    timestamp: Option<i64>,
    /// Random text (default: ten digits)
    #[arg(long)]
    nonce: Option<String>,
    /// iv to encrypt with, 16 bytes in base64 (default: random)
    #[arg(long, requires = "session_key")]
    iv: Option<String>,
    #[command(flatten)]
    keys: CallbackKeys,
    #[command(flatten)]
    session: SessionKey,
    /// As JSON: query, body and content type
    #[arg(long)]
    json: bool,
}

/// `sign`
#[derive(Clone, Debug, Args)]
pub(crate) struct Sign {
    /// A ciphertext that is signed too, or rawData: the text, @FILE, or - for standard input
    input: Option<String>,
    /// Seconds since 1970 (default: now)
    #[arg(long)]
    timestamp: Option<i64>,
    /// Random text (default: ten digits)
    #[arg(long)]
    nonce: Option<String>,
    /// HMAC-SHA256 with the session_key, as login checks want it, instead of SHA-1
    #[arg(long, requires = "session_key")]
    hmac: bool,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    keys: CallbackKeys,
    #[command(flatten)]
    session: SessionKey,
    #[command(flatten)]
    shown: Shown,
}

/// `verify`
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// A callback's body, a reply, or rawData: the text, @FILE, or - for standard input
    input: Option<String>,
    /// Query of the callback's URL, or the whole URL
    #[arg(long)]
    query: Option<String>,
    /// The signature that came with rawData or stands in a page
    #[arg(long)]
    signature: Option<String>,
    /// Seconds since 1970, as signed for the page
    #[arg(long, requires = "ticket")]
    timestamp: Option<i64>,
    /// Random text, as signed for the page
    #[arg(long, requires = "ticket")]
    nonce: Option<String>,
    /// HMAC-SHA256 with the session_key, as login checks want it, instead of SHA-1
    #[arg(long, requires = "session_key")]
    hmac: bool,
    #[command(flatten)]
    page: Page,
    #[command(flatten)]
    keys: CallbackKeys,
    #[command(flatten)]
    session: SessionKey,
    #[command(flatten)]
    shown: Shown,
}

/// How a push is wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mode {
    /// Signed only
    Plain,
    /// In the clear and encrypted
    Compat,
    /// Encrypted only
    Safe,
}

/// Runs one of the verbs.
pub(crate) fn run(verb: Verb, lang: Lang) -> Outcome {
    match verb {
        Verb::Decrypt(options) => match &options.session.session_key {
            Some(key) => session::decrypt(&options, &input::value(key, lang)?, lang),
            None => callback::decrypt(&options, lang),
        },
        Verb::Encrypt(options) => match &options.session.session_key {
            Some(key) => session::encrypt(&options, &input::value(key, lang)?, lang),
            None => callback::encrypt(&options, lang),
        },
        Verb::Sign(options) => match (&options.session.session_key, &options.page.ticket) {
            (Some(key), _) => session::sign(&options, &input::value(key, lang)?, lang),
            (None, Some(ticket)) => page::sign(&options, &input::value(ticket, lang)?, lang),
            (None, None) => callback::sign(&options, lang),
        },
        Verb::Verify(options) => match (&options.session.session_key, &options.page.ticket) {
            (Some(key), _) => session::verify(&options, &input::value(key, lang)?, lang),
            (None, Some(ticket)) => page::verify(&options, &input::value(ticket, lang)?, lang),
            (None, None) => callback::verify(&options, lang),
        },
    }
}

/// The time that was given, else now.
pub(crate) fn time(given: Option<i64>) -> i64 {
    given.unwrap_or_else(|| SystemClock.unix().0)
}

/// The nonce that was given, else one as callbacks have it.
pub(crate) fn nonce(given: Option<&str>) -> String {
    given.map_or_else(|| envelope::nonce(&SystemEntropy), str::to_owned)
}

/// Random bytes.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemEntropy.fill(&mut bytes);
    bytes
}
