//! A platform that issues tokens and answers a few calls, an app that answers callbacks, and a
//! gateway between.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use xinqiao_crypto::AesKey;
use xinqiao_gateway::{AccountConfig, AppConfig, Config, Context, Gateway, StoreAt, Upstream};
use xinqiao_message::{
    envelope::{self, CallbackQuery, Keys, OpenedReply, Push},
    inbound::Message,
};
use xinqiao_types::{AesKeyText, AppSecret, CallbackMode, CallbackToken, Clock as _, SystemClock};

pub(crate) const APPID: &str = "wx5823bf96d3bd56c7";
pub(crate) const SECRET: &str = "CANARYSECRET0123456789abcdef0000";
pub(crate) const TOKEN: &str = "CanaryPlatformToken";
pub(crate) const AES_KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFA";
pub(crate) const APP_TOKEN: &str = "CanaryAppToken";
pub(crate) const APP_AES_KEY: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefA";
pub(crate) const OPENID: &str = "o6_bmjrPTlm6_2sgVt7hMZOPfL2M";
pub(crate) const GH: &str = "gh_0123456789ab";

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) origin: String,
    _stop: tokio_util::sync::DropGuard,
}

impl Server {
    /// Stands for a server elsewhere.
    pub(crate) fn at(mut self, origin: &str) -> Self {
        origin.clone_into(&mut self.origin);
        self
    }
}

/// A port at which nobody listens, kept from everybody else while this is held; whoever is told its number may listen.
pub(crate) struct Reserved {
    pub(crate) origin: String,
    pub(crate) port: u16,
    _socket: tokio::net::TcpSocket,
}

pub(crate) fn reserved() -> Reserved {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let port = socket.local_addr().unwrap().port();
    Reserved {
        origin: format!("http://127.0.0.1:{port}"),
        port,
        _socket: socket,
    }
}

pub(crate) async fn serve(router: Router) -> Server {
    serve_at(0, router).await
}

pub(crate) async fn serve_at(port: u16, router: Router) -> Server {
    let listener = xinqiao_http::listen([127, 0, 0, 1].into(), port)
        .await
        .unwrap();
    let origin = listener.origin();
    let stop = CancellationToken::new();
    tokio::spawn(xinqiao_http::serve(listener, router, stop.clone()));
    Server {
        origin,
        _stop: stop.drop_guard(),
    }
}

// ---- the platform

#[derive(Default)]
pub(crate) struct PlatformState {
    /// Stable tokens issued so far; the last one is current.
    pub(crate) tokens: Vec<String>,
    /// Requests, as `METHOD path?query body`.
    pub(crate) seen: Vec<String>,
    /// How long a token request takes.
    pub(crate) delay: Duration,
    /// Answers to give instead, first in first out.
    pub(crate) instead: VecDeque<Value>,
    /// Whether the next stable token is a new one.
    pub(crate) renew: bool,
}

pub(crate) type Platform = Arc<Mutex<PlatformState>>;

impl PlatformState {
    fn stable_token(&mut self, forced: bool) -> String {
        if self.tokens.is_empty() || forced || std::mem::take(&mut self.renew) {
            let number = self.tokens.len();
            self.tokens
                .push(format!("77_CANARYTOKEN{number}-{}", "r".repeat(110)));
        }
        self.tokens.last().unwrap().clone()
    }

    /// Ends the current token behind everybody's back.
    pub(crate) fn foreign_refresh(&mut self) {
        self.renew = true;
        let current = self.stable_token(false);
        drop(current);
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.seen.iter().filter(|line| line.contains(part)).count()
    }
}

pub(crate) async fn platform() -> (Server, Platform) {
    let state = Platform::default();
    let router = Router::new()
        .fallback(platform_answer)
        .with_state(state.clone());
    (serve(router).await, state)
}

fn query_value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

async fn platform_answer(State(state): State<Platform>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 64 << 20).await.unwrap();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or("").to_owned();
    let shown = String::from_utf8_lossy(&body[..body.len().min(2000)]).into_owned();
    let delay = {
        let mut state = state.lock().unwrap();
        state
            .seen
            .push(format!("{} {path}?{query} {shown}", parts.method));
        state.delay
    };
    if path.ends_with("/stable_token") {
        tokio::time::sleep(delay).await;
    }
    let mut state = state.lock().unwrap();
    if path != "/raw"
        && let Some(answer) = state.instead.pop_front()
    {
        return json_answer(&answer);
    }
    match path.as_str() {
        "/cgi-bin/stable_token" => {
            let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
            if asked["secret"] != SECRET {
                return json_answer(
                    &json!({"errcode": 40125, "errmsg": "invalid appsecret rid: 1-2-3"}),
                );
            }
            let token = state.stable_token(asked["force_refresh"] == true);
            json_answer(&json!({"access_token": token, "expires_in": 7200}))
        }
        "/cgi-bin/token" => json_answer(&json!({"access_token": "70_classic", "expires_in": 7200})),
        "/sns/jscode2session" => {
            let ok = query_value(&query, "secret") == Some(SECRET);
            json_answer(&json!({"openid": OPENID, "session_key": "k", "asked": query, "ok": ok}))
        }
        "/cgi-bin/media/get" => {
            let picture: Vec<u8> = (0..100_000u32).map(|n| n as u8).collect();
            ([("content-type", "image/jpeg")], picture).into_response()
        }
        "/raw" => (
            StatusCode::IM_A_TEAPOT,
            [("content-type", "x/y"), ("x-one", "1")],
            [b"\x00\xff ".as_slice(), query.as_bytes(), b" ", &body].concat(),
        )
            .into_response(),
        _ => {
            let given = query_value(&query, "access_token").unwrap_or("");
            match state.tokens.iter().position(|token| token == given) {
                Some(at) if at + 1 == state.tokens.len() => {
                    let echo = format!("{path}?{query}");
                    json_answer(&json!({"errcode": 0, "errmsg": "ok", "echo": echo}))
                }
                Some(_) => json_answer(
                    &json!({"errcode": 40001, "errmsg": "invalid credential rid: 1-2-3"}),
                ),
                None => json_answer(
                    &json!({"errcode": 40014, "errmsg": "invalid access_token rid: 1-2-3"}),
                ),
            }
        }
    }
}

fn json_answer(body: &Value) -> Response {
    (
        [("content-type", "application/json; encoding=utf-8")],
        body.to_string(),
    )
        .into_response()
}

// ---- the app

#[derive(Clone)]
pub(crate) enum Say {
    /// Replies with this text, in the push's mode.
    Text(&'static str),
    Success,
    /// After a pause.
    Late(Duration, &'static str),
    Status(u16),
    Raw(&'static str),
}

#[derive(Default)]
pub(crate) struct AppState {
    /// Plain bodies of verified pushes.
    pub(crate) pushes: Vec<String>,
    /// The same as bytes.
    pub(crate) bodies: Vec<Vec<u8>>,
    /// What each push said of how it was read; empty if nothing.
    pub(crate) readings: Vec<String>,
    /// What to say next; the last one stays.
    pub(crate) script: VecDeque<Say>,
}

pub(crate) type App = Arc<Mutex<AppState>>;

pub(crate) fn app_keys() -> Keys {
    Keys::new(CallbackToken::from(APP_TOKEN), APPID)
        .with_aes_key(&AesKey::parse(APP_AES_KEY).unwrap())
        .with_mode(CallbackMode::Safe)
}

pub(crate) async fn app(script: impl IntoIterator<Item = Say>) -> (Server, App) {
    let state = App::default();
    state.lock().unwrap().script.extend(script);
    let router = Router::new().fallback(app_answer).with_state(state.clone());
    (serve(router).await, state)
}

pub(crate) async fn app_at(port: u16, state: App) -> Server {
    serve_at(port, Router::new().fallback(app_answer).with_state(state)).await
}

async fn app_answer(State(state): State<App>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let query = parts.uri.query().unwrap_or("").to_owned();
    let keys = app_keys();
    let Ok(opened) = envelope::open(
        &keys,
        &CallbackQuery::parse(&query),
        &body,
        SystemClock.unix(),
    ) else {
        return StatusCode::FORBIDDEN.into_response();
    };
    let head = Message::read(opened.xml.clone()).head;
    let say = {
        let mut state = state.lock().unwrap();
        state.bodies.push(opened.xml.clone());
        let reading = parts.headers.get("x-xinqiao-reading");
        let reading = reading.map(|reading| reading.to_str().unwrap().to_owned());
        state.readings.push(reading.unwrap_or_default());
        state
            .pushes
            .push(String::from_utf8_lossy(&opened.xml).into_owned());
        if state.script.len() > 1 {
            state.script.pop_front()
        } else {
            state.script.front().cloned()
        }
    };
    let reply = |text: &str| {
        let xml = format!(
            "<xml><ToUserName><![CDATA[{}]]></ToUserName><FromUserName><![CDATA[{}]]></FromUserName>\
             <CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType>\
             <Content><![CDATA[{text}]]></Content></xml>",
            head.from, head.to
        );
        envelope::seal_reply(&keys, opened.mode, &xml, 1_700_000_000, "77", [9; 16]).unwrap()
    };
    match say.unwrap_or(Say::Success) {
        Say::Text(text) => reply(text).into_response(),
        Say::Success => "success".into_response(),
        Say::Late(pause, text) => {
            tokio::time::sleep(pause).await;
            reply(text).into_response()
        }
        Say::Status(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Say::Raw(body) => body.into_response(),
    }
}

// ---- the gateway

pub(crate) fn account() -> AccountConfig {
    let mut account = AccountConfig::new(APPID);
    account.secret = Some(AppSecret::from(SECRET));
    account.token = Some(CallbackToken::from(TOKEN));
    account.aes_key = Some(AesKeyText::from(AES_KEY));
    account
}

pub(crate) fn config(platform: &Server, app: Option<&Server>) -> Config {
    let mut config = Config::default();
    config.listen.port = 0;
    config.store = StoreAt::Memory;
    config.dev = true;
    config.upstream =
        Upstream::Hosts([("api.weixin.qq.com".to_owned(), platform.origin.clone())].into());
    config.accounts.push(account());
    if let Some(app) = app {
        config.apps.push(app_config(app));
    }
    config
}

pub(crate) fn app_config(app: &Server) -> AppConfig {
    let url = format!("{}/wx/{{appid}}", app.origin);
    let mut config = AppConfig::new("shop", url, CallbackToken::from(APP_TOKEN));
    config.aes_key = Some(AesKeyText::from(APP_AES_KEY));
    config.accounts.push(APPID.into());
    config
}

/// From the first test on somebody listens to every event. Where nobody does, a place in the code that is reached
/// for the first time while another test begins to listen may be taken for one that nobody ever wants.
fn listened_to() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        // The test beside it may have been first.
        let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry());
    });
}

pub(crate) async fn start(config: Config) -> Gateway {
    listened_to();
    Gateway::start(config, Context::default()).await.unwrap()
}

pub(crate) fn api(gateway: &Gateway) -> String {
    gateway.endpoints()["api.weixin.qq.com"].clone()
}

// ---- the platform's side of a callback

pub(crate) fn platform_keys(mode: CallbackMode) -> Keys {
    Keys::new(CallbackToken::from(TOKEN), APPID)
        .with_aes_key(&AesKey::parse(AES_KEY).unwrap())
        .with_mode(mode)
}

pub(crate) fn text_message(msg_id: u64, content: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{GH}]]></ToUserName><FromUserName><![CDATA[{OPENID}]]></FromUserName>\
         <CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType>\
         <Content><![CDATA[{content}]]></Content><MsgId>{msg_id}</MsgId></xml>"
    )
}

pub(crate) fn sealed(keys: &Keys, xml: &str) -> (String, String) {
    let push = Push {
        plain: xml,
        to_user_name: GH,
        openid: OPENID,
    };
    let sealed = envelope::seal_push(keys, &push, SystemClock.unix().0, "123456", [1; 16]).unwrap();
    (sealed.query, sealed.body)
}

pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }
}

pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

pub(crate) async fn got(request: reqwest::RequestBuilder) -> Got {
    let response = request.send().await.unwrap();
    Got {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.bytes().await.unwrap(),
    }
}

pub(crate) async fn get(url: &str) -> Got {
    got(client().get(url)).await
}

pub(crate) async fn post(url: &str, body: impl Into<reqwest::Body>) -> Got {
    got(client()
        .post(url)
        .header("content-type", "text/xml")
        .body(body))
    .await
}

/// Pushes a message to the gateway as the platform would.
pub(crate) async fn push(gateway: &Gateway, xml: &str) -> Got {
    push_to(&gateway.public_origin(), xml).await
}

pub(crate) async fn push_to(origin: &str, xml: &str) -> Got {
    let (query, body) = sealed(&platform_keys(CallbackMode::Safe), xml);
    post(&format!("{origin}/callback/{APPID}?{query}"), body).await
}

/// The reply that the platform got, decrypted with the account's own keys.
pub(crate) fn reply_of(got: &Got) -> String {
    match envelope::open_reply(&platform_keys(CallbackMode::Safe), &got.body).unwrap() {
        OpenedReply::Silent => String::new(),
        OpenedReply::Plain(_) => panic!("a reply in safe mode must be encrypted"),
        OpenedReply::Sealed(xml) => String::from_utf8(xml).unwrap(),
    }
}

/// Asks again and again until `found` says yes; at most ten seconds.
pub(crate) async fn until<T>(mut found: impl AsyncFnMut() -> Option<T>) -> T {
    for _ in 0..200 {
        if let Some(value) = found().await {
            return value;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nothing happened in ten seconds");
}

pub(crate) async fn deliveries(gateway: &Gateway) -> Vec<Value> {
    let listed = get(&format!("{}/v1/deliveries", gateway.origin()))
        .await
        .json();
    listed["items"].as_array().unwrap().clone()
}
