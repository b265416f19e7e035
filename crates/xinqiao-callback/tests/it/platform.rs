//! The platform's side: seals pushes and opens replies with the functions that a simulator uses.

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use tower_service::Service as _;
use xinqiao_callback::{Builder, Callback, Reply, events::official_account::message};
use xinqiao_crypto::AesKey;
use xinqiao_message::{
    Message,
    envelope::{Keys, OpenedReply, Push, open_reply, seal_push, url_query},
    inbound::Head,
    reply,
};
use xinqiao_types::{CallbackMode, CallbackToken, ManualClock, SeededEntropy, UnixSeconds};
use xinqiao_wire::EventBody;

pub(crate) const APPID: &str = "wx0123456789abcdef";
pub(crate) const TOKEN: &str = "bridge";
pub(crate) const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
pub(crate) const GH: &str = "gh_0123456789ab";
pub(crate) const OPENID: &str = "oABCDEFGHIJKLMNOPQRSTUVWXYZ0";
pub(crate) const NOW: i64 = 1_700_000_000;

pub(crate) fn keys(mode: CallbackMode) -> Keys {
    let key = AesKey::parse(AES_KEY).unwrap();
    Keys::new(CallbackToken::new(TOKEN), APPID)
        .with_aes_key(&key)
        .with_mode(mode)
}

/// A service in a mode, with a clock that stands still.
pub(crate) fn builder(mode: CallbackMode) -> Builder {
    Callback::with_keys(keys(mode))
        .clock(ManualClock::at(NOW))
        .entropy(SeededEntropy::new(3))
}

pub(crate) fn text(msg_id: u64, content: &str) -> Message {
    let head = Head {
        to: GH.to_owned(),
        from: OPENID.to_owned(),
        time: UnixSeconds(NOW),
        msg_id: Some(msg_id),
        ..Head::default()
    };
    let mut text = message::Text::default();
    text.content = content.into();
    Message::of(head, &text)
}

pub(crate) fn event(event: &impl EventBody) -> Message {
    let head = Head {
        to: GH.to_owned(),
        from: OPENID.to_owned(),
        time: UnixSeconds(NOW),
        ..Head::default()
    };
    Message::of(head, event)
}

/// A push as the platform makes it: query and body.
pub(crate) fn push(mode: CallbackMode, message: &Message) -> (String, String) {
    let xml = message.to_xml();
    let push = Push {
        plain: &xml,
        to_user_name: GH,
        openid: OPENID,
    };
    let sealed = seal_push(&keys(mode), &push, NOW, "1234567890", [7; 16]).unwrap();
    (sealed.query, sealed.body)
}

/// Sends a request through the tower service.
pub(crate) async fn request(
    callback: &Callback,
    method: Method,
    query: &str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let request = Request::builder()
        .method(method)
        .uri(format!("/wx?{query}"))
        .body(Full::new(body.into()))
        .unwrap();
    callback.clone().call(request).await.unwrap()
}

pub(crate) async fn body(response: Response<Full<Bytes>>) -> String {
    String::from_utf8(
        response
            .into_body()
            .collect()
            .await
            .unwrap()
            .to_bytes()
            .to_vec(),
    )
    .unwrap()
}

/// Pushes a message and opens the reply; none = silence.
pub(crate) async fn say(
    callback: &Callback,
    mode: CallbackMode,
    message: &Message,
) -> Option<Reply> {
    let (query, sealed) = push(mode, message);
    let response = request(callback, Method::POST, &query, sealed).await;
    assert_eq!(response.status(), 200);
    let body = body(response).await;
    let xml = match open_reply(&keys(mode), body.as_bytes()).unwrap() {
        OpenedReply::Silent => return None,
        OpenedReply::Plain(xml) => {
            assert_eq!(mode, CallbackMode::Plain, "must be encrypted: {body}");
            xml
        }
        OpenedReply::Sealed(xml) => xml,
    };
    let addressed = reply::decode(&xml).unwrap();
    assert_eq!(
        (addressed.to.as_str(), addressed.from.as_str()),
        (OPENID, GH)
    );
    Some(addressed.reply)
}

pub(crate) fn handshake(echostr: &str) -> String {
    url_query(&keys(CallbackMode::Safe), NOW, "1234567890", echostr)
}
