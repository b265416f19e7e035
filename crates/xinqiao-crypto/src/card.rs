//! The signature of a card extension (卡券 `cardExt`).

use crate::{Hex, callback};

/// Signs the **values** (`api_ticket`, timestamp, card id, nonce, code, openid …) that are present.
///
/// Unlike the JS-SDK signature their names take no part: they are sorted as bytes and joined.
///
/// ```
/// let values = ["api_ticket_x", "1404896688", "pjZ8Yt1XGILfi-FUsewpnnolGgZk", "nonceX"];
/// let signature = xinqiao_crypto::card::signature(&values);
/// assert_eq!(signature, "28bab1573cf481cf9cd1899454ffd06504b2a253");
/// ```
pub fn signature(values: &[&str]) -> Hex<40> {
    callback::signature(values)
}
