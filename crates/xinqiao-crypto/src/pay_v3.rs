//! Signatures and ciphers of the payment interface's third generation (APIv3).
//!
//! Requests are signed with the merchant's private key, answers and notices with one of the platform's
//! keys: a [`Certificate`] named by its serial, or a public key named by an id (`PUB_KEY_ID_…`). A
//! [`KeyRing`] holds both kinds and picks by name. Resources of notices are sealed with the APIv3 key
//! ([`ResourceKey`]), sensitive fields with OAEP.
//!
//! Invariants: RSA goes through aws-lc-rs only; nothing is verified against re-written JSON, only against
//! the bytes that came; a probe's signature is a wrong signature; a private key never prints itself.
//!
//! Source: doc pages "如何生成请求签名", "如何验证签名", "如何解密回调报文", "如何加解密敏感信息".

mod certificate;
mod der;
mod key;
mod key_ring;
mod pem;
mod pkcs12;
mod resource;
#[cfg(feature = "sm")]
mod sm;

#[cfg(feature = "sm")]
pub use self::certificate::SmCertificate;
#[cfg(feature = "sm")]
pub use self::sm::{SmPrivateKey, SmPublicKey, SmResourceKey};
pub use self::{
    certificate::Certificate,
    key::{DecryptError, EncryptError, KeyError, PrivateKey, PublicKey},
    key_ring::{KeyRing, Signed, VerifyError, WINDOW},
    pkcs12::Identity,
    resource::{ResourceError, ResourceKey},
};

/// The scheme of RSA signatures, as `Authorization` and `Wechatpay-Signature-Type` name it.
pub const SCHEME_RSA: &str = "WECHATPAY2-SHA256-RSA2048";

/// The scheme of SM2 signatures (国密).
pub const SCHEME_SM2: &str = "WECHATPAY2-SM2-WITH-SM3";

/// What the signature of a probe (签名探测) begins with.
pub const PROBE: &str = "WECHATPAY/SIGNTEST/";

/// What is signed of a request.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Method, upper case.
    pub method: &'a str,
    /// Path and query exactly as sent, percent-encoding included, without the host.
    pub target: &'a str,
    /// Seconds since 1970.
    pub timestamp: i64,
    /// Up to 32 letters and digits.
    pub nonce: &'a str,
    /// The body's bytes; of an upload only the JSON of its `meta` part.
    pub body: &'a [u8],
}

impl Request<'_> {
    /// The five lines that are signed.
    pub fn message(&self) -> Vec<u8> {
        lines(&[
            self.method.as_bytes(),
            self.target.as_bytes(),
            self.timestamp.to_string().as_bytes(),
            self.nonce.as_bytes(),
            self.body,
        ])
    }

    /// The value of the `Authorization` header.
    pub fn authorization(
        &self,
        scheme: &str,
        mchid: &str,
        serial: &str,
        signature: &str,
    ) -> String {
        format!(
            "{scheme} mchid=\"{mchid}\",nonce_str=\"{}\",timestamp=\"{}\",serial_no=\"{serial}\",\
             signature=\"{signature}\"",
            self.nonce, self.timestamp
        )
    }
}

/// The three lines that are signed of an answer or a notice. A body that is not there is empty.
pub fn answer_message(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    lines(&[timestamp.as_bytes(), nonce.as_bytes(), body])
}

/// What is signed instead of the body of an overseas statement: its `Wechatpay-Statement-Sha1` header.
pub fn statement_body(sha1: &str) -> String {
    format!("{{\"sha1\":\"{sha1}\"}}")
}

/// What is signed for the client that opens the cashier (调起支付).
///
/// `package` is `prepay_id=…` for pages and mini programs, and the bare prepay id for apps.
pub fn invoke_message(appid: &str, timestamp: &str, nonce: &str, package: &str) -> Vec<u8> {
    lines(&[
        appid.as_bytes(),
        timestamp.as_bytes(),
        nonce.as_bytes(),
        package.as_bytes(),
    ])
}

/// Every line is closed, the last one too.
fn lines(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts {
        out.extend_from_slice(part);
        out.push(b'\n');
    }
    out
}
