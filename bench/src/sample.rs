//! The message that is timed: 617 bytes of plain XML, 120 characters of Chinese and ASCII text, safe mode.

use anyhow::Result;
use xinqiao_crypto::AesKey;
use xinqiao_message::envelope::{self, Keys, Push, SealedPush};
use xinqiao_types::{CallbackMode, CallbackToken};

pub(crate) const APPID: &str = "wx5823bf96d3bd56c7";
pub(crate) const TOKEN: &str = "QDG6eKbench";
pub(crate) const AES_KEY: &str = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2A";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const ORIGINAL_ID: &str = "gh_7f083739789a";
pub(crate) const TIMESTAMP: i64 = 1_795_257_345;
pub(crate) const OPENID: &str = "oia2TjjewbmiOUlr6X-1crbLOvLw";

/// The content of message and reply.
pub(crate) fn content() -> String {
    let mut text = String::from("今天的手冲是埃塞俄比亚，帮我留两包豆子，谢谢 thanks! ");
    while text.chars().count() < 120 {
        text.push_str("再来一杯拿铁多加奶泡，");
    }
    text.chars().take(120).collect()
}

/// The plain XML of a text message.
pub(crate) fn text_message(msg_id: u64) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{ORIGINAL_ID}]]></ToUserName>\n<FromUserName><![CDATA[{OPENID}]]></FromUserName>\n\
         <CreateTime>{TIMESTAMP}</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[{}]]></Content>\n\
         <MsgId>{msg_id}</MsgId>\n</xml>",
        content()
    )
}

/// The account's keys, as the gateway holds them.
pub(crate) fn keys() -> Result<Keys> {
    Ok(Keys::new(CallbackToken::new(TOKEN), APPID)
        .with_aes_key(&AesKey::parse(AES_KEY)?)
        .with_mode(CallbackMode::Safe))
}

/// A sealed push of that message.
pub(crate) fn push(keys: &Keys, msg_id: u64, timestamp: i64) -> Result<SealedPush> {
    let plain = text_message(msg_id);
    let mut random = [0x41; 16];
    random[..8].copy_from_slice(&msg_id.to_be_bytes());
    Ok(envelope::seal_push(
        keys,
        &Push {
            plain: &plain,
            to_user_name: ORIGINAL_ID,
            openid: OPENID,
        },
        timestamp,
        &msg_id.to_string(),
        random,
    )?)
}
