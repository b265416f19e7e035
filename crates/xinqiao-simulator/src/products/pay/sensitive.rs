//! Fields that only the platform may read (敏感信息): names of people, encrypted with one of its keys.
//!
//! A caller says in the header `Wechatpay-Serial` with which; here each is tried, since a text opens with one only.
//!
//! Source: doc page "如何加密敏感信息".

use serde_json::json;

use super::v3::parameter;
use crate::{
    accounts::merchant::{Merchant, keys},
    door::Refusal,
};

/// What stands in a field that was encrypted for the platform. The text itself is never repeated.
pub(super) fn open(field: &str, sealed: &str) -> Result<String, Refusal> {
    let keys = [keys::platform().key(), keys::public()];
    { keys.into_iter() }
        .find_map(|key| key.decrypt(sealed).ok())
        .ok_or_else(|| {
            let issue = "is not encrypted with a key of the platform (RSA-OAEP with SHA-1)";
            parameter(field, &json!(null), issue)
        })
}

/// A field that only the merchant may read; none where its certificate does not do.
pub(super) fn seal(merchant: &Merchant, text: &str) -> Option<String> {
    merchant.public_key()?.encrypt(text).ok()
}
