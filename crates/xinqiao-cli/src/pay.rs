//! `xinqiao pay`: signatures, ciphers and bills of WeChat Pay by hand and without a network, both generations.
//!
//! Which generation is meant is told by the key that is given, and where several are (in variables), by the input: XML
//! and parameter lists are APIv2, JSON is APIv3. How things are signed is in `xinqiao-crypto` and `xinqiao-client`.

mod bill;
mod v2;
mod v3;

use clap::{Args, Subcommand};

use crate::crypt::{KEYS, Shown};
use crate::fail::{Fail, Outcome};
use crate::input;
use crate::lang::Lang;

/// Heading of the options for APIv3 requests; `args/zh.rs` has it in Chinese.
pub(crate) const REQUEST: &str = "The request (APIv3)";

/// What to do.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum Verb {
    /// Sign parameters (APIv2), a request or a cashier's parameters (APIv3)
    #[command(after_help = SIGN)]
    Sign(Box<Sign>),
    /// Check the signature of a notice or an answer, and say what is wrong
    #[command(after_help = VERIFY)]
    Verify(Box<Verify>),
    /// Decrypt a notice's resource, a refund's req_info, or a sensitive field
    #[command(after_help = DECRYPT)]
    Decrypt(Decrypt),
    /// Read a bill: as a table, as JSON, and check its sums
    #[command(after_help = BILL)]
    Bill(bill::Options),
}

const SIGN: &str = "xinqiao pay sign 'appid=wx1&mch_id=1900000109&nonce_str=x' --v2-key @key
xinqiao pay sign @order.xml --v2-key @key --sign-type hmac-sha256 --parts
xinqiao pay sign @order.json --method POST --url /v3/pay/transactions/jsapi \\
    --private-key @apiclient_key.pem --certificate @apiclient_cert.pem \\
    --mchid 1900000109
xinqiao pay sign --package prepay_id=wx2014… --appid wx1 \\
    --private-key @apiclient_key.pem";

const VERIFY: &str = "xinqiao pay verify @notice.xml --v2-key @key
curl -si … | xinqiao pay verify - --certificate @platform.pem
xinqiao pay verify @body.json --headers @headers.txt \\
    --public-key @pub_key.pem --public-key-id PUB_KEY_ID_01…";

const DECRYPT: &str = "xinqiao pay decrypt @notice.json --v3-key @v3key
xinqiao pay decrypt @refund.xml --v2-key @key
xinqiao pay decrypt 'base64…' --private-key @apiclient_key.pem";

const BILL: &str = "xinqiao pay bill 20261129.csv
xinqiao pay bill 20261129.csv.gz --columns 商户订单号,应结订单金额
xinqiao pay bill 20261129.csv --json";

/// The merchant's keys.
#[derive(Clone, Debug, Args)]
pub(crate) struct MerchantKeys {
    /// APIv2 key
    #[arg(long, value_name = "KEY", env = "XINQIAO_PAY_V2_KEY", hide_env_values = true, help_heading = KEYS)]
    v2_key: Option<String>,
    /// The merchant's private key, the text of apiclient_key.pem
    #[arg(long, value_name = "PEM", env = "XINQIAO_PAY_PRIVATE_KEY", hide_env_values = true, help_heading = KEYS)]
    private_key: Option<String>,
}

/// `sign`
#[derive(Clone, Debug, Args)]
pub(crate) struct Sign {
    /// Parameters as XML, JSON or a=1&b=2, or the body of an APIv3 request: the text, @FILE, or - for standard input
    input: Option<String>,
    #[command(flatten)]
    keys: MerchantKeys,
    /// The merchant's certificate, whose serial is named
    #[arg(long, value_name = "PEM", help_heading = KEYS)]
    certificate: Option<String>,
    /// How APIv2 parameters are signed (default: as their sign_type says, else md5)
    #[arg(long = "sign-type", id = "sign_type", value_enum)]
    how: Option<SignType>,
    /// Method
    #[arg(long, default_value = "POST", help_heading = REQUEST)]
    method: String,
    /// URL or path with its query, exactly as sent
    #[arg(long, help_heading = REQUEST)]
    url: Option<String>,
    /// Merchant number
    #[arg(long, env = "XINQIAO_PAY_MCHID", help_heading = REQUEST)]
    mchid: Option<String>,
    /// Serial of the merchant's certificate
    #[arg(long, env = "XINQIAO_PAY_SERIAL", help_heading = REQUEST)]
    serial: Option<String>,
    /// prepay_id=… (an app: the bare id): signs what opens the cashier instead of a request
    #[arg(long, conflicts_with = "url", requires = "appid", help_heading = REQUEST)]
    package: Option<String>,
    /// appid of the app or page that opens the cashier
    #[arg(long, requires = "package", help_heading = REQUEST)]
    appid: Option<String>,
    /// Seconds since 1970 (default: now)
    #[arg(long, help_heading = REQUEST)]
    timestamp: Option<i64>,
    /// Random text (default: ten digits)
    #[arg(long, help_heading = REQUEST)]
    nonce: Option<String>,
    #[command(flatten)]
    shown: Shown,
}

/// `verify`
#[derive(Clone, Debug, Args)]
pub(crate) struct Verify {
    /// A notice or an answer, with its head if it came from `curl -i`: the text, @FILE, or - for standard input
    input: Option<String>,
    /// APIv2 key
    #[arg(long, value_name = "KEY", env = "XINQIAO_PAY_V2_KEY", hide_env_values = true, help_heading = KEYS)]
    v2_key: Option<String>,
    /// A certificate of the platform; may be repeated
    #[arg(long, value_name = "PEM", help_heading = KEYS)]
    certificate: Vec<String>,
    /// The platform's public key, the text of pub_key.pem
    #[arg(long, value_name = "PEM", requires = "public_key_id", help_heading = KEYS)]
    public_key: Option<String>,
    /// Its id, PUB_KEY_ID_…
    #[arg(long, value_name = "ID", requires = "public_key", help_heading = KEYS)]
    public_key_id: Option<String>,
    /// A header, may be repeated
    #[arg(long, short = 'H', value_name = "NAME: VALUE", value_parser = header)]
    header: Vec<(String, String)>,
    /// Headers, one a line: the text or @FILE
    #[arg(long)]
    headers: Option<String>,
    /// Refuse a signature that is five minutes away from now, as a server must
    #[arg(long)]
    fresh: bool,
    #[command(flatten)]
    shown: Shown,
}

/// `decrypt`
#[derive(Clone, Debug, Args)]
pub(crate) struct Decrypt {
    /// A notice, its resource, req_info or a field: the text, @FILE, or - for standard input
    input: Option<String>,
    #[command(flatten)]
    keys: MerchantKeys,
    /// APIv3 key, 32 bytes
    #[arg(long, value_name = "KEY", env = "XINQIAO_PAY_V3_KEY", hide_env_values = true, help_heading = KEYS)]
    v3_key: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// How APIv2 parameters are signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum SignType {
    /// MD5
    Md5,
    /// HMAC-SHA256
    HmacSha256,
}

/// Runs one of the verbs.
pub(crate) fn run(verb: Verb, lang: Lang) -> Outcome {
    match verb {
        Verb::Sign(options) => sign(&options, lang),
        Verb::Verify(options) => verify(&options, lang),
        Verb::Decrypt(options) => decrypt(&options, lang),
        Verb::Bill(options) => bill::run(&options, lang),
    }
}

fn sign(options: &Sign, lang: Lang) -> Outcome {
    if options.package.is_some() {
        return v3::sign_invoke(options, lang);
    }
    if options.url.is_some() {
        return v3::sign_request(options, lang);
    }
    if options.keys.v2_key.is_some() {
        return v2::sign(options, lang);
    }
    Err(input::missing(
        match lang {
            Lang::Zh => "--v2-key（APIv2），或 --url 与 --private-key（APIv3）",
            Lang::En => "--v2-key (APIv2), or --url with --private-key (APIv3)",
        },
        lang,
    ))
}

fn verify(options: &Verify, lang: Lang) -> Outcome {
    let has_v3 = !options.certificate.is_empty() || options.public_key.is_some();
    let bytes = input::bytes(options.input.as_deref(), lang)?;
    let is_xml = bytes.trim_ascii_start().starts_with(b"<");
    match (&options.v2_key, has_v3) {
        (Some(key), false) => v2::verify(&bytes, key, options.shown, lang),
        (Some(key), true) if is_xml => v2::verify(&bytes, key, options.shown, lang),
        (_, true) => v3::verify(options, bytes, lang),
        (None, false) => Err(input::missing(
            match lang {
                Lang::Zh => "--v2-key（APIv2），或 --certificate、--public-key（APIv3）",
                Lang::En => "--v2-key (APIv2), or --certificate or --public-key (APIv3)",
            },
            lang,
        )),
    }
}

fn decrypt(options: &Decrypt, lang: Lang) -> Outcome {
    let text = input::text(options.input.as_deref(), lang)?;
    let text = text.trim();
    let keys = &options.keys;
    match (
        text.as_bytes().first(),
        &options.v3_key,
        &keys.private_key,
        &keys.v2_key,
    ) {
        (Some(b'{' | b'['), Some(key), _, _) => v3::decrypt(text, key, options.json, lang),
        (Some(b'{' | b'['), None, _, _) => Err(input::missing("--v3-key", lang)),
        (Some(b'<'), _, _, Some(key)) => v2::decrypt(text, key, options.json, lang),
        (Some(b'<'), _, _, None) => Err(input::missing("--v2-key", lang)),
        (Some(_), _, Some(key), _) => v3::decrypt_field(text, key, options.json, lang),
        (Some(_), _, None, Some(key)) => v2::decrypt(text, key, options.json, lang),
        (Some(_), _, None, None) => Err(input::missing(
            match lang {
                Lang::Zh => "--v2-key（req_info）或 --private-key（敏感字段）",
                Lang::En => "--v2-key (req_info) or --private-key (a sensitive field)",
            },
            lang,
        )),
        (None, ..) => Err(Fail::usage(lang.pick("输入是空的", "the input is empty"))),
    }
}

fn header(text: &str) -> Result<(String, String), crate::args::BadValue> {
    let (name, value) = text.split_once(':').ok_or(crate::args::BadValue {
        zh: "要写成 名字: 值",
        en: "write it as NAME: VALUE",
    })?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}
