//! Whom callbacks are sealed for: a receiver for each kind of URL and method, and replies for the same.

use std::collections::VecDeque;

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::StatusCode;
use xinqiao_crypto::AesKey;
use xinqiao_gateway::{AccountConfig, AppConfig, Gateway, StoreAt};
use xinqiao_message::{
    Message, Reply,
    envelope::{self, CallbackQuery, Keys, OpenedReply, Wrapping},
    reply,
};
use xinqiao_types::{
    AccountKind, AesKeyText, CallbackMode, CallbackToken, Clock as _, CorpId, SystemClock,
};

use crate::fake::*;

const SUITE: &str = "ww-suite";
const PROVIDER: &str = "wwprovider";
const CORP: &str = "wwcorp00000000001";
const COMPONENT: &str = "wxcomponent0000001";
const AUTHORIZER: &str = "wxauthorizer000001";
const BOT: &str = "aibBot01";

fn keys(token: &str, aes_key: &str, receiver: &str) -> Keys {
    Keys::new(CallbackToken::from(token), receiver).with_aes_key(&AesKey::parse(aes_key).unwrap())
}

/// The platform's keys for this receiver.
fn sealed_for(receiver: &str) -> Keys {
    keys(TOKEN, AES_KEY, receiver)
}

fn empty() -> AccountConfig {
    let mut account = AccountConfig::new("");
    account.token = Some(TOKEN.into());
    account.aes_key = Some(AES_KEY.into());
    account
}

fn suite() -> AccountConfig {
    let mut account = empty();
    account.suiteid = Some(SUITE.into());
    account.provider = Some(CorpId::new(PROVIDER));
    account.path = Some("/work/$CORPID$/data".into());
    account
}

fn agent() -> AccountConfig {
    let mut account = empty();
    account.corpid = Some(CorpId::new(CORP));
    account.agentid = Some(1_000_002);
    account
}

fn bot() -> AccountConfig {
    let mut account = empty();
    account.botid = Some(BOT.into());
    account
}

fn component() -> AccountConfig {
    let mut account = empty();
    account.appid = COMPONENT.into();
    account.kind = AccountKind::Component;
    account.path = Some("/open/$APPID$/callback".into());
    account
}

/// What the app got: path, receiver, wrapping.
type Got = std::sync::Arc<std::sync::Mutex<VecDeque<(String, String, Wrapping)>>>;

/// An app that opens what is sealed for anyone and answers in its form.
async fn echo(got: Got) -> Server {
    serve(Router::new().fallback(answer).with_state(got)).await
}

async fn answer(State(got): State<Got>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let query = CallbackQuery::parse(parts.uri.query().unwrap_or(""));
    let now = SystemClock.unix();
    for receiver in [SUITE, CORP, COMPONENT, "", APPID] {
        let keys = keys(APP_TOKEN, APP_AES_KEY, receiver);
        let Ok(opened) = envelope::open(&keys, &query, &body, now) else {
            continue;
        };
        let message = Message::parse(opened.xml).unwrap();
        let seen = (
            parts.uri.path().to_owned(),
            receiver.to_owned(),
            opened.wrapping,
        );
        got.lock().unwrap().push_back(seen);
        if message.info_type().is_some() {
            return "success".into_response();
        }
        let reply = if message.head.to.starts_with("gh_mini") {
            Reply::transfer()
        } else {
            Reply::text("好")
        };
        let plain = reply::encode_for(&message, &reply, now).unwrap();
        return envelope::seal_reply_as(
            opened.wrapping,
            &keys,
            opened.mode,
            &plain,
            now.0,
            "7",
            [3; 16],
        )
        .unwrap()
        .into_response();
    }
    StatusCode::FORBIDDEN.into_response()
}

async fn world(accounts: Vec<AccountConfig>) -> (Gateway, Got, (Server, Server)) {
    world_with(accounts, |_| {}).await
}

/// The same with an app that is set up in a way of its own.
async fn world_with(
    accounts: Vec<AccountConfig>,
    set: impl FnOnce(&mut AppConfig),
) -> (Gateway, Got, (Server, Server)) {
    let got = Got::default();
    let app = echo(got.clone()).await;
    let (platform, _) = platform().await;
    let mut config = config(&platform, None);
    config.store = StoreAt::Memory;
    config.accounts = accounts;
    let url = format!("{}/{{account}}/{{appid}}", app.origin);
    let mut shop = AppConfig::new("shop", url, CallbackToken::from(APP_TOKEN));
    shop.aes_key = Some(AesKeyText::from(APP_AES_KEY));
    let names = [SUITE, BOT, COMPONENT, APPID].map(str::to_owned);
    let agent = format!("{CORP}:1000002");
    for name in names.into_iter().chain([agent]) {
        let is = |account: &AccountConfig| {
            account.appid.as_str() == name
                || account.suiteid.as_deref() == Some(&name)
                || account.botid.as_deref() == Some(&name)
                || (account.corpid.is_some() && name.contains(':'))
        };
        if config.accounts.iter().any(is) {
            shop.accounts.push(name.into());
        }
    }
    set(&mut shop);
    config.apps.push(shop);
    (start(config).await, got, (platform, app))
}

async fn push(gateway: &Gateway, path: &str, receiver: &str, plain: &str) -> crate::fake::Got {
    let (query, body) = sealed(&sealed_for(receiver), plain);
    post(&format!("{}{path}?{query}", gateway.public_origin()), body).await
}

/// What the platform is answered, opened with the keys of the receiver.
#[track_caller]
fn reply(got: &crate::fake::Got, receiver: &str) -> String {
    assert_eq!(got.status, 200, "{}", got.text());
    match envelope::open_reply(&sealed_for(receiver), &got.body) {
        Ok(OpenedReply::Silent) => String::new(),
        Ok(OpenedReply::Sealed(reply)) => String::from_utf8(reply).unwrap(),
        other => panic!("{other:?}"),
    }
}

async fn check_url(gateway: &Gateway, path: &str, receiver: &str) -> u16 {
    let now = SystemClock.unix().0;
    let cipher = xinqiao_crypto::MessageCipher::new(&AesKey::parse(AES_KEY).unwrap(), receiver);
    let echo = cipher.encrypt([2; 16], b"4711");
    let time = now.to_string();
    let signature = xinqiao_crypto::callback::signature(&[TOKEN, &time, "n", &echo]);
    let echo = echo.replace('+', "%2B");
    let query = format!("msg_signature={signature}&timestamp={time}&nonce=n&echostr={echo}");
    let got = get(&format!("{}{path}?{query}", gateway.public_origin())).await;
    if got.status == 200 {
        assert_eq!(got.text(), "4711");
    }
    got.status
}

fn message(to: &str, id: u64) -> String {
    format!(
        "<xml><ToUserName>{to}</ToUserName><FromUserName>u1</FromUserName><CreateTime>1700000000</CreateTime>\
         <MsgType>text</MsgType><Content>a</Content><MsgId>{id}</MsgId><AgentID>1</AgentID></xml>"
    )
}

fn info(kind: &str) -> String {
    format!(
        "<xml><AppId>{COMPONENT}</AppId><SuiteId>{SUITE}</SuiteId><CreateTime>1700000001</CreateTime>\
         <InfoType>{kind}</InfoType></xml>"
    )
}

async fn problem(gateway: &Gateway, rule: &str) -> String {
    until(async || {
        let all = get(&format!("{}/v1/accounts", gateway.origin()))
            .await
            .json();
        let found = all["items"][0]["callback"]["last_problem"].clone();
        (found["rule"] == rule).then(|| found["cause"].to_string())
    })
    .await
}

#[tokio::test]
async fn a_suites_urls_have_a_receiver_for_each_kind_and_method() {
    let (gateway, got, _servers) = world(vec![suite()]).await;
    let (commands, data) = (format!("/callback/{SUITE}"), format!("/work/{CORP}/data"));
    for path in [&commands, &data] {
        assert_eq!(check_url(&gateway, path, PROVIDER).await, 200);
        for wrong in [SUITE, CORP, ""] {
            assert_eq!(check_url(&gateway, path, wrong).await, 403, "{wrong}");
        }
    }
    let cause = problem(&gateway, "decrypt.receiver_id").await;
    assert!(cause.contains(PROVIDER), "expected and received: {cause}");

    let answer = push(&gateway, &commands, SUITE, &info("suite_ticket")).await;
    assert_eq!(reply(&answer, SUITE), "");
    let answer = push(&gateway, &data, CORP, &message(CORP, 1)).await;
    assert!(reply(&answer, CORP).contains('好'));
    // One address for both is fine, too: what it is sealed for decides.
    let answer = push(&gateway, &commands, CORP, &message(CORP, 2)).await;
    assert!(reply(&answer, CORP).contains('好'));
    let answer = push(
        &gateway,
        "/callback/ww-suite/wwcorp00000000001",
        CORP,
        &message(CORP, 3),
    )
    .await;
    assert!(reply(&answer, CORP).contains('好'));
    let seen: Vec<_> = got.lock().unwrap().drain(..).collect();
    let of = |path: String, receiver: &str| (path, receiver.to_owned(), Wrapping::Xml);
    assert_eq!(
        seen,
        [
            of(format!("/{SUITE}/{SUITE}"), SUITE),
            of(format!("/{SUITE}/{CORP}"), CORP),
            of(format!("/{SUITE}/{CORP}"), CORP),
            of(format!("/{SUITE}/{CORP}"), CORP),
        ]
    );

    // Another corp than the address names, and nobody's.
    for (path, receiver) in [
        (&data, "wwother0000000001"),
        (&data, "></xml>"),
        (&commands, ""),
    ] {
        let answer = push(&gateway, path, receiver, &message("x", 9)).await;
        assert_eq!(answer.status, 403, "{receiver}");
    }
    let events = get(&format!("{}/v1/events", gateway.origin())).await.json();
    let names: Vec<_> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["account"].as_str().unwrap())
        .collect();
    let corp = format!("{SUITE}/{CORP}");
    assert_eq!(names, [SUITE, &corp, &corp, &corp]);
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_agent_is_addressed_by_corp_and_number() {
    let (gateway, got, _servers) = world(vec![agent()]).await;
    let path = format!("/callback/{CORP}:1000002");
    assert_eq!(check_url(&gateway, &path, CORP).await, 200);
    assert_eq!(
        check_url(&gateway, &path.replace(':', "%3A"), CORP).await,
        200
    );
    assert_eq!(check_url(&gateway, &path, "").await, 403);
    let answer = push(&gateway, &path, CORP, &message(CORP, 1)).await;
    assert!(reply(&answer, CORP).contains('好'));
    let seen = got.lock().unwrap().pop_front().unwrap();
    assert_eq!(
        (&*seen.0, &*seen.1),
        ("/wwcorp00000000001:1000002/wwcorp00000000001:1000002", CORP)
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_bots_callbacks_are_for_nobody_and_written_small() {
    let (gateway, got, _servers) = world(vec![bot()]).await;
    let path = format!("/callback/{BOT}");
    assert_eq!(check_url(&gateway, &path, "").await, 200);
    assert_eq!(check_url(&gateway, &path, BOT).await, 403);
    let json = r#"{"msgid":"m1","aibotid":"aibBot01","chattype":"single","from":{"userid":"u1"},"msgtype":"text","text":{"content":"你好"}}"#;
    for kind in ["application/json", "text/xml"] {
        let (query, body) = sealed(&sealed_for(""), json);
        assert!(body.starts_with("{\"encrypt\":"), "{body}");
        let url = format!("{}{path}?{query}", gateway.public_origin());
        let answer =
            crate::fake::got(client().post(&url).header("content-type", kind).body(body)).await;
        assert_eq!(
            answer.headers["content-type"],
            "application/json; charset=utf-8"
        );
        for name in ["encrypt", "msgsignature", "timestamp", "nonce"] {
            assert!(
                answer.json()[name].is_string() || answer.json()[name].is_number(),
                "{}",
                answer.text()
            );
        }
        assert!(reply(&answer, "").starts_with(r#"{"msgtype":"stream""#));
    }
    let seen: Vec<_> = got.lock().unwrap().drain(..).collect();
    assert_eq!(seen.len(), 1, "the second is a repeat");
    assert_eq!(seen[0].2, Wrapping::LowerJson);
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_authorizers_messages_are_sealed_for_the_component_and_its_replies_leave() {
    let (gateway, got, _servers) = world(vec![component()]).await;
    let own = format!("/callback/{COMPONENT}");
    let behind = format!("{own}/{AUTHORIZER}");
    let pattern = format!("/open/{AUTHORIZER}/callback");
    let answer = push(&gateway, &own, COMPONENT, &info("component_verify_ticket")).await;
    assert_eq!(reply(&answer, COMPONENT), "");
    for (id, path) in [(1, &behind), (2, &pattern)] {
        let answer = push(&gateway, path, COMPONENT, &message("gh_auth", id)).await;
        assert!(reply(&answer, COMPONENT).contains('好'), "{path}");
    }
    // Told apart by what is inside, not by the address.
    let answer = push(&gateway, &behind, COMPONENT, &info("authorized")).await;
    assert_eq!(reply(&answer, COMPONENT), "");
    let seen: Vec<_> = got
        .lock()
        .unwrap()
        .drain(..)
        .map(|(path, receiver, _)| (path, receiver))
        .collect();
    let of = |appid: &str| (format!("/{COMPONENT}/{appid}"), COMPONENT.to_owned());
    assert_eq!(
        seen,
        [of(COMPONENT), of(AUTHORIZER), of(AUTHORIZER), of(COMPONENT)]
    );
    // Nothing but the address says whose it is: what was captured is not another one's event.
    let keys = sealed_for(COMPONENT);
    let (query, body) = sealed(&keys, &message("gh_auth", 3));
    for (path, count) in [(&behind, 1), (&format!("{own}/wxanother000000001"), 1)] {
        post(
            &format!("{}{path}?{query}", gateway.public_origin()),
            body.clone(),
        )
        .await;
        assert_eq!(got.lock().unwrap().len(), count, "{path}");
    }
    let answer = push(&gateway, &behind, AUTHORIZER, &message("gh_auth", 4)).await;
    assert_eq!(answer.status, 403);
    assert!(
        problem(&gateway, "decrypt.receiver_id")
            .await
            .contains(COMPONENT)
    );
    gateway.shutdown().await;
}

/// The platform's check before a third-party platform goes live (全网发布接入检测): the texts pass through to
/// the app, and its answers out.
#[tokio::test]
async fn the_release_check_of_a_component_passes_through() {
    let (gateway, got, _servers) = world(vec![component()]).await;
    for (id, text) in [
        (1, "TESTCOMPONENT_MSG_TYPE_TEXT"),
        (2, "QUERY_AUTH_CODE:queryauthcode@@@x"),
    ] {
        let xml =
            message("gh_3c884a361561", id).replace("<Content>a<", &format!("<Content>{text}<"));
        let path = format!("/callback/{COMPONENT}/wx570bc396a51b8ff8");
        let answer = push(&gateway, &path, COMPONENT, &xml).await;
        assert!(reply(&answer, COMPONENT).contains('好'), "{text}");
    }
    assert_eq!(got.lock().unwrap().len(), 2);
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_delivery_behind_an_account_is_taken_up_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (platform, _) = platform().await;
    let reserved = reserved();
    let port = reserved.port;
    let make = || {
        let mut config = config(&platform, None);
        config.store = StoreAt::File(folder.path().join("g.db"));
        config.accounts = vec![suite()];
        let url = format!("http://127.0.0.1:{port}/{{account}}/{{appid}}");
        let mut shop = AppConfig::new("shop", url, CallbackToken::from(APP_TOKEN));
        shop.aes_key = Some(AesKeyText::from(APP_AES_KEY));
        shop.accounts.push(SUITE.into());
        config.apps.push(shop);
        config
    };
    let gateway = start(make()).await;
    let answer = push(
        &gateway,
        &format!("/work/{CORP}/data"),
        CORP,
        &message(CORP, 1),
    )
    .await;
    assert_eq!(answer.text(), "success", "nobody is there yet");
    gateway.shutdown().await;
    let got = Got::default();
    let _app = serve_at(
        port,
        Router::new().fallback(self::answer).with_state(got.clone()),
    )
    .await;
    let gateway = start(make()).await;
    let seen = until(async || got.lock().unwrap().pop_front()).await;
    assert_eq!((&*seen.0, &*seen.1), ("/ww-suite/wwcorp00000000001", CORP));
    gateway.shutdown().await;
}

/// A mini program that is set to JSON: the reply of the app, which got JSON, leaves as JSON.
#[tokio::test]
async fn a_json_push_is_answered_in_json() {
    let mut mini = account();
    mini.kind = AccountKind::MiniProgram;
    let (gateway, _got, _servers) = world(vec![mini]).await;
    let json = r#"{"ToUserName":"gh_mini","FromUserName":"o1","CreateTime":1700000000,"MsgType":"text","Content":"a","MsgId":5}"#;
    let answer = push(&gateway, &format!("/callback/{APPID}"), APPID, json).await;
    assert_eq!(
        answer.headers["content-type"],
        "application/json; charset=utf-8"
    );
    for name in ["Encrypt", "MsgSignature", "TimeStamp", "Nonce"] {
        assert!(!answer.json()[name].is_null(), "{}", answer.text());
    }
    let plain: serde_json::Value = serde_json::from_str(&reply(&answer, APPID)).unwrap();
    assert_eq!(plain["MsgType"], "transfer_customer_service");
    gateway.shutdown().await;
}

#[test]
fn plain_mode_is_not_for_wecom() {
    let mut account = agent();
    account.mode = CallbackMode::Plain;
    account.allow_plain = true;
    let mut config = xinqiao_gateway::Config::default();
    config.accounts.push(account);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let refused = runtime.block_on(Gateway::start(config, xinqiao_gateway::Context::default()));
    assert!(refused.unwrap_err().to_string().contains("WeCom encrypts"));
}

#[tokio::test]
async fn an_app_may_have_another_address_for_what_is_the_others() {
    let (gateway, got, _servers) = world_with(vec![component(), suite()], |app| {
        app.message_url = Some(app.url.replace("{account}/{appid}", "of/$APPID$/messages"));
    })
    .await;
    let taken = || {
        got.lock()
            .unwrap()
            .pop_front()
            .map(|(path, receiver, _)| (path, receiver))
    };
    push(
        &gateway,
        &format!("/callback/{COMPONENT}"),
        COMPONENT,
        &info("authorized"),
    )
    .await;
    let own = format!("/{COMPONENT}/{COMPONENT}");
    assert_eq!(taken(), Some((own, COMPONENT.to_owned())));
    let path = format!("/callback/{COMPONENT}/{AUTHORIZER}");
    push(&gateway, &path, COMPONENT, &message("gh_1", 5)).await;
    let others = format!("/of/{AUTHORIZER}/messages");
    assert_eq!(taken(), Some((others, COMPONENT.to_owned())));
    push(
        &gateway,
        &format!("/callback/{SUITE}/{CORP}"),
        CORP,
        &message(CORP, 6),
    )
    .await;
    assert_eq!(
        taken(),
        Some((format!("/of/{CORP}/messages"), CORP.to_owned()))
    );
}
