//! The façade as an app uses it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![cfg(all(feature = "official-account", feature = "mini-program"))]

mod answers;
#[cfg(feature = "blocking")]
mod blocking;
mod lines;
mod pages;
#[cfg(feature = "pay-v3")]
mod pay;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use xinqiao::{
    Client,
    official_account::{
        menu,
        message::{Body, Text, custom},
        user,
    },
    token::StaticToken,
    transport::{BoxFuture, Incoming, Outgoing, Transport, TransportError},
    types::OpenId,
};

/// Answers everything with one JSON text and keeps what was asked.
#[derive(Clone)]
struct Canned(Value, Arc<Mutex<Vec<Outgoing>>>);

impl std::fmt::Debug for Canned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Canned")
    }
}

impl Transport for Canned {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            self.1.lock().unwrap().push(request);
            let mut headers = http::HeaderMap::new();
            headers.insert("content-type", "application/json".parse().unwrap());
            Ok(Incoming {
                status: 200,
                headers,
                body: self.0.to_string().into(),
            })
        })
    }
}

fn client(answer: Value) -> (Client, Canned) {
    let canned = Canned(answer, Arc::default());
    let client = Client::builder("wx0123456789abcdef")
        .tokens(StaticToken::new("80_given"))
        .transport(canned.clone())
        .build()
        .unwrap();
    (client, canned)
}

#[tokio::test]
async fn a_menu_is_read() {
    let answer = json!({"menu": {"button": [
        {"type": "click", "name": "今日推荐", "key": "TODAY", "sub_button": []},
    ]}});
    let (client, _) = client(answer);
    let menu = client.send(menu::Get::new()).await.unwrap().menu;
    assert_eq!(menu.button[0].name, "今日推荐");
    assert_eq!(menu.button[0].key.as_deref(), Some("TODAY"));
}

#[tokio::test]
async fn a_customer_message_is_sent() {
    let (client, canned) = client(json!({"errcode": 0, "errmsg": "ok"}));
    let message = custom::Send::text("o1", "你好");
    let _empty = client.send(message).await.unwrap();
    let sent = canned.1.lock().unwrap()[0].clone();
    let body: Value = serde_json::from_slice(&sent.body.concat()).unwrap();
    assert_eq!(
        body,
        json!({"touser": "o1", "msgtype": "text", "text": {"content": "你好"}})
    );
}

#[tokio::test]
async fn a_user_is_read_although_fields_are_missing() {
    // WECHAT: of a user who does not follow, only `subscribe` and the ids come.
    let (client, canned) = client(json!({"subscribe": 0, "openid": "o1"}));
    let mut ask = user::Info::default();
    ask.openid = OpenId::new("o1");
    let person = client.send(ask).await.unwrap();
    assert_eq!(person.openid.as_str(), "o1");
    let asked = canned.1.lock().unwrap()[0].url.clone();
    assert!(
        asked.contains("/cgi-bin/user/info?access_token=80_given&openid=o1"),
        "{asked}"
    );
}

#[test]
fn a_client_is_made_without_a_runtime_and_shows_no_secret() {
    let shop = xinqiao::official_account("wx1", "s3cret");
    let program = xinqiao::mini_program("wx2", "s3cret");
    assert_eq!(
        (shop.appid().as_str(), program.appid().as_str()),
        ("wx1", "wx2")
    );
    assert!(!format!("{shop:?} {program:#?}").contains("s3cret"));
}

#[test]
fn an_endpoint_stands_under_every_product_line_that_has_it() {
    let one = custom::Send::new("o1", Body::Text(Text::new("a")));
    let other: xinqiao::mini_program::message::custom::Send = one;
    assert!(format!("{other:?}").starts_with("Send"));
}
