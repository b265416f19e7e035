//! A platform that hands out tokens, keeps what apps call, and pushes in safe mode.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{Uri, header::CONTENT_TYPE},
    response::IntoResponse,
};
use serde_json::{Value, json};
use xinqiao_callback::{Reply, events::official_account::message::Text};
use xinqiao_crypto::AesKey;
use xinqiao_message::{
    Message,
    envelope::{Keys, OpenedReply, Push, open_reply, seal_push, url_query},
    inbound::Head,
    reply,
};
use xinqiao_types::{CallbackToken, Clock as _, SystemClock};
use xinqiao_wire::{EventBody, MessageBody};

pub(crate) const APPID: &str = "wx0123456789abcdef";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "bridge";
pub(crate) const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
pub(crate) const OPENID: &str = "oABCDEFGHIJKLMNOPQRSTUVWXYZ0";
const GH: &str = "gh_0123456789ab";

type Calls = Arc<Mutex<Vec<(String, Value)>>>;

pub(crate) struct Platform {
    address: SocketAddr,
    calls: Calls,
    http: reqwest::Client,
}

async fn answer(State(calls): State<Calls>, uri: Uri, body: Bytes) -> impl IntoResponse {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let answer = if uri.path() == "/cgi-bin/stable_token" {
        assert_eq!(body["secret"], SECRET);
        json!({"access_token": "80_token", "expires_in": 7200})
    } else {
        assert!(
            uri.query()
                .unwrap_or_default()
                .contains("access_token=80_token")
        );
        calls.lock().unwrap().push((uri.path().to_owned(), body));
        json!({"errcode": 0, "errmsg": "ok"})
    };
    ([(CONTENT_TYPE, "application/json")], answer.to_string())
}

fn keys() -> Keys {
    let key = AesKey::parse(AES_KEY).unwrap();
    Keys::new(CallbackToken::new(TOKEN), APPID).with_aes_key(&key)
}

impl Platform {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let calls = Calls::default();
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&calls));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self {
            address,
            calls,
            http,
        }
    }

    pub(crate) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn check_url(&self, url: &str) -> String {
        let query = url_query(&keys(), SystemClock.unix().0, "1234567890", "4711");
        self.http
            .get(format!("{url}?{query}"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    pub(crate) async fn push(&self, url: &str, message: &Message) -> Option<Reply> {
        let xml = message.to_xml();
        let push = Push {
            plain: &xml,
            to_user_name: GH,
            openid: OPENID,
        };
        let now = SystemClock.unix().0;
        let sealed = seal_push(&keys(), &push, now, "1234567890", [7; 16]).unwrap();
        let response = self
            .http
            .post(format!("{url}?{}", sealed.query))
            .header(CONTENT_TYPE, "text/xml")
            .body(sealed.body)
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let body = response.bytes().await.unwrap();
        match open_reply(&keys(), &body).unwrap() {
            OpenedReply::Silent => None,
            OpenedReply::Plain(_) => panic!("a reply in safe mode must be encrypted"),
            OpenedReply::Sealed(xml) => Some(reply::decode(&xml).unwrap().reply),
        }
    }

    /// The body of the first call of a path, once it came.
    pub(crate) async fn wait_for(&self, path: &str) -> Value {
        let mut tick = tokio::time::interval(Duration::from_millis(5));
        let found = async {
            loop {
                tick.tick().await;
                let calls = self.calls.lock().unwrap();
                if let Some((_, body)) = calls.iter().find(|(called, _)| called == path) {
                    return body.clone();
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(10), found)
            .await
            .expect("the call comes")
    }
}

fn head(msg_id: Option<u64>) -> Head {
    Head {
        to: GH.to_owned(),
        from: OPENID.to_owned(),
        time: SystemClock.unix(),
        msg_id,
        ..Head::default()
    }
}

pub(crate) fn message(msg_id: u64, content: &impl MessageBody) -> Message {
    Message::of(head(Some(msg_id)), content)
}

pub(crate) fn text(msg_id: u64, content: &str) -> Message {
    let mut text = Text::default();
    text.content = content.into();
    message(msg_id, &text)
}

pub(crate) fn event(event: &impl EventBody) -> Message {
    Message::of(head(None), event)
}
