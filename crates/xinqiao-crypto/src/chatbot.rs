//! Signatures of the chatbot's interface (微信对话开放平台).
//!
//! Source: doc page "接入智能对话", section 签名.

use md5::{Digest as _, Md5};

use crate::hex::Hex;

/// Signs a request: MD5 of token, time, nonce and the MD5 of the body. `timestamp` is seconds since 1970,
/// `nonce` random text of 10 to 32 characters; a body that is not there is empty.
pub fn sign(token: &str, timestamp: i64, nonce: &str, body: &[u8]) -> Hex<32> {
    let body = Hex::<32>::from(<[u8; 16]>::from(Md5::digest(body)));
    let digest = Md5::new()
        .chain_update(token)
        .chain_update(timestamp.to_string())
        .chain_update(nonce)
        .chain_update(body.as_bytes())
        .finalize();
    Hex::from(<[u8; 16]>::from(digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_is_met() {
        let token = "YV78Pyj1VvqdNGpMJ1pHic0bIBOWMv";
        let sign = sign(token, 1711001766, "abc", b"");
        assert_eq!(sign.as_str(), "fff8dae1356e7867ea98743439f0e9f8");
    }
}
