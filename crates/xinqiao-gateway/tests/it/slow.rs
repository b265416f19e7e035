//! Replies that are not ready when the platform must be answered.

use std::time::Duration;

use serde_json::{Value, json};
use xinqiao_gateway::{Gateway, SlowReply, StoreAt};

use crate::fake::*;

const SEND: &str = "/cgi-bin/message/custom/send";

/// The one delivery, when its reply was dealt with.
async fn dealt_with(gateway: &Gateway) -> Value {
    until(async || {
        let delivery = deliveries(gateway).await.into_iter().next()?;
        let rule = delivery["last"]["rule"].as_str().unwrap_or_default();
        (delivery["state"] == "late" && rule != "delivery.push_unknown").then_some(delivery)
    })
    .await
}

/// A message whose reply comes after `pause`, before a platform that gives these answers first; what the
/// delivery says then, and what the platform was asked to send.
async fn slow(instead: Vec<Value>) -> (Value, Vec<String>) {
    let (server, platform) = platform().await;
    let (app_server, _app) = app([Say::Late(Duration::from_secs(5), "想好了")]).await;
    let mut config = config(&server, Some(&app_server));
    config.apps[0].slow_reply = SlowReply::Push;
    let gateway = start(config).await;
    let got = push(&gateway, &text_message(11, "想")).await;
    assert_eq!(got.text(), "success", "the platform gets silence in time");
    platform.lock().unwrap().instead.extend(instead);
    let delivery = dealt_with(&gateway).await;
    let again = push(&gateway, &text_message(11, "想")).await;
    assert_eq!(again.text(), "success", "the reply is not shown twice");
    gateway.shutdown().await;
    let seen = platform.lock().unwrap().seen.clone();
    let sent = seen.into_iter().filter(|line| line.contains(SEND));
    (delivery, sent.collect())
}

fn token(answer: &str) -> Value {
    json!({"access_token": answer, "expires_in": 7200})
}

#[tokio::test]
async fn a_late_reply_becomes_one_customer_message() {
    let (delivery, sent) = slow(Vec::new()).await;
    assert_eq!(delivery["last"]["rule"], "delivery.pushed");
    assert_eq!(sent.len(), 1, "{sent:?}");
    let (_, body) = sent[0].split_once(" {").unwrap();
    let body: Value = serde_json::from_str(&format!("{{{body}")).unwrap();
    let want = json!({"touser": OPENID, "msgtype": "text", "text": {"content": "想好了"}});
    assert_eq!(body, want);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_the_message_sent() {
    let refusal = json!({"errcode": 40001, "errmsg": "invalid credential"});
    let fine = json!({"errcode": 0, "errmsg": "ok"});
    let instead = vec![token("79_FIRST"), refusal, token("79_SECOND"), fine];
    let (delivery, sent) = slow(instead).await;
    assert_eq!(delivery["last"]["rule"], "delivery.pushed", "{delivery}");
    assert_eq!(sent.len(), 2, "{sent:?}");
    assert!(sent[0].contains("79_FIRST") && sent[1].contains("79_SECOND"));
}

#[tokio::test]
async fn what_the_platform_refuses_is_told_with_its_code_and_not_sent_again() {
    let refusal = json!({"errcode": 45015, "errmsg": "response out of time limit"});
    let (delivery, sent) = slow(vec![token("79_FIRST"), refusal]).await;
    let last = &delivery["last"];
    assert_eq!(last["rule"], "delivery.push_refused", "{delivery}");
    assert!(
        delivery.to_string().contains("errcode 45015: "),
        "{delivery}"
    );
    assert!(!delivery.to_string().contains("79_FIRST"), "{delivery}");
    assert_eq!(sent.len(), 1, "{sent:?}");
}

#[tokio::test]
async fn an_answer_that_says_nothing_is_not_followed_by_a_second_message() {
    let (delivery, sent) = unclear().await;
    assert_eq!(
        delivery["last"]["rule"], "delivery.push_unknown",
        "{delivery}"
    );
    assert_eq!(sent, 1);
}

/// The platform's answer to the message has no code; the gateway then starts again on the same store.
async fn unclear() -> (Value, usize) {
    let folder = tempfile::tempdir().unwrap();
    let (server, platform) = platform().await;
    let (app_server, _app) = app([Say::Late(Duration::from_secs(5), "想好了")]).await;
    let mut config = config(&server, Some(&app_server));
    config.store = StoreAt::File(folder.path().join("gateway.db"));
    config.apps[0].slow_reply = SlowReply::Push;
    let gateway = start(config.clone()).await;
    push(&gateway, &text_message(12, "想")).await;
    let instead = [token("79_FIRST"), json!({"busy": true})];
    platform.lock().unwrap().instead.extend(instead);
    until(async || (platform.lock().unwrap().count(SEND) > 0).then_some(())).await;
    gateway.shutdown().await;
    let gateway = start(config).await;
    let again = push(&gateway, &text_message(12, "想")).await;
    assert_eq!(again.text(), "success");
    tokio::time::sleep(Duration::from_millis(300)).await;
    let delivery = deliveries(&gateway).await.remove(0);
    gateway.shutdown().await;
    let sent = platform.lock().unwrap().count(SEND);
    (delivery, sent)
}
