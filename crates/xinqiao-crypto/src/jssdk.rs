//! The signature that `wx.config` of the JS-SDK asks for.

use std::fmt;

use sha1::{Digest, Sha1};

use crate::Hex;

/// The string that is signed: four values in a fixed order, the URL without its fragment.
///
/// The URL is taken as it is: re-encoding it breaks the signature. So is the timestamp, a number or what was sent as one.
pub fn string_to_sign(
    ticket: &str,
    nonce: &str,
    timestamp: impl fmt::Display,
    url: &str,
) -> String {
    let url = without_fragment(url);
    format!("jsapi_ticket={ticket}&noncestr={nonce}&timestamp={timestamp}&url={url}")
}

/// Signs a page's URL.
///
/// ```
/// let signature = xinqiao_crypto::jssdk::signature(
///     "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg",
///     "Wm3WZYTPz0wzccnW",
///     1414587457,
///     "http://mp.weixin.qq.com?params=value",
/// );
/// assert_eq!(signature, "0f9de62fce790f9a083d5c99e95740ceb90c27ed");
/// ```
pub fn signature(ticket: &str, nonce: &str, timestamp: impl fmt::Display, url: &str) -> Hex<40> {
    sign(&string_to_sign(ticket, nonce, timestamp, url))
}

/// Signs such a string; also a wrong one, to find out what an app signed.
pub fn sign(string: &str) -> Hex<40> {
    Hex::encode(&Sha1::digest(string))
}

fn without_fragment(url: &str) -> &str {
    url.split_once('#').map_or(url, |(before, _)| before)
}
