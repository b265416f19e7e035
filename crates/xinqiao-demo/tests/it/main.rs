//! The demo app against a platform of its own, over real connections.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod platform;

use std::time::Duration;

use serde_json::json;
use xinqiao_callback::{
    Reply,
    events::official_account::{event as happens, message},
};
use xinqiao_demo::{Demo, Options, start};

use crate::platform::{AES_KEY, APPID, OPENID, Platform, SECRET, TOKEN, event, text};

async fn demo(platform: &Platform) -> Demo {
    let mut options = Options::new(APPID, SECRET, TOKEN, AES_KEY);
    options
        .endpoints
        .insert("api.weixin.qq.com".to_owned(), platform.origin());
    options.slow = Duration::from_millis(4700);
    start(options, "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_url_check_passes() {
    let platform = Platform::start().await;
    let demo = demo(&platform).await;
    assert_eq!(platform.check_url(demo.url()).await, "4711");
    demo.shutdown().await;
}

#[tokio::test]
async fn a_greeting_is_answered_with_what_was_said() {
    let platform = Platform::start().await;
    let demo = demo(&platform).await;
    let Some(Reply::Text { content }) = platform.push(demo.url(), &text(1, "你好")).await else {
        panic!("a text")
    };
    assert!(content.contains("你好"), "{content}");
    assert_eq!(
        platform.push(demo.url(), &text(2, "今天几点开门")).await,
        Some(Reply::text("你说：今天几点开门"))
    );
}

#[tokio::test]
async fn a_picture_comes_back() {
    let platform = Platform::start().await;
    let demo = demo(&platform).await;
    let mut image = message::Image::default();
    image.media_id = "m1".into();
    let message = platform::message(3, &image);
    assert_eq!(
        platform.push(demo.url(), &message).await,
        Some(Reply::image("m1"))
    );
}

#[tokio::test]
async fn a_menu_is_made_and_its_buttons_answer() {
    let platform = Platform::start().await;
    let demo = demo(&platform).await;
    let menu = platform.wait_for("/cgi-bin/menu/create").await;
    let mut keys = Vec::new();
    for button in menu["button"].as_array().unwrap() {
        let subs = button["sub_button"].as_array().into_iter().flatten();
        keys.extend(
            subs.chain([button])
                .filter_map(|button| button["key"].as_str()),
        );
    }
    assert!(keys.len() >= 3, "{menu}");
    for key in keys.into_iter().filter(|key| *key != "DEMO_SLOW") {
        let mut click = happens::Click::default();
        click.event_key = key.into();
        let reply = platform.push(demo.url(), &event(&click)).await;
        assert!(
            matches!(reply, Some(Reply::Text { .. })),
            "{key}: {reply:?}"
        );
    }
}

#[tokio::test]
async fn a_follower_is_welcomed() {
    let platform = Platform::start().await;
    let demo = demo(&platform).await;
    let reply = platform
        .push(demo.url(), &event(&happens::Subscribe::default()))
        .await;
    let Some(Reply::Text { content }) = reply else {
        panic!("a welcome")
    };
    assert!(content.contains("欢迎"), "{content}");
}

#[tokio::test]
async fn the_slow_command_is_silent_in_time_and_answers_as_a_customer_message() {
    let platform = Platform::start().await;
    let demo = demo(&platform).await;
    let begun = std::time::Instant::now();
    assert_eq!(platform.push(demo.url(), &text(4, "慢")).await, None);
    let elapsed = begun.elapsed();
    assert!(
        elapsed < Duration::from_millis(4800),
        "within the five seconds: {elapsed:?}"
    );
    let sent = platform.wait_for("/cgi-bin/message/custom/send").await;
    assert_eq!(
        (&sent["touser"], &sent["msgtype"]),
        (&json!(OPENID), &json!("text"))
    );
    assert!(
        sent["text"]["content"]
            .as_str()
            .unwrap()
            .contains("答案来了"),
        "{sent}"
    );
}

#[tokio::test]
async fn a_wrong_key_is_told_before_anything_starts() {
    let options = Options::new(APPID, SECRET, TOKEN, "short");
    let error = start(options, "127.0.0.1:0".parse().unwrap())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("EncodingAESKey"), "{error}");
}
