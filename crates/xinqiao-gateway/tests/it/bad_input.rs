//! Bad input: one answer that tells the sender nothing, and rule and cause for the operator; nothing is
//! stored, nothing is forwarded.

use xinqiao_crypto::AesKey;
use xinqiao_gateway::{Config, Context, Gateway, StartError, StoreAt};
use xinqiao_message::envelope::{self, Keys, Push};
use xinqiao_types::{CallbackMode, CallbackToken, Clock as _, SystemClock};

use crate::fake::*;

struct World {
    gateway: Gateway,
    app: App,
    _servers: (Server, Server),
}

async fn world() -> World {
    let (platform, _) = platform().await;
    let (app_server, app) = app([Say::Text("never")]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    World {
        gateway,
        app,
        _servers: (platform, app_server),
    }
}

impl World {
    /// Proves that a request was refused in the one way, left no trace, and that the operator is told
    /// this rule.
    async fn check(&self, got: &Got, rule: &str) {
        assert_forbidden(got);
        let found = until(async || {
            let problem = self.last_problem().await;
            (problem["rule"] == rule).then_some(problem)
        })
        .await;
        let cause = found["cause"].as_str().unwrap();
        for secret in [TOKEN, AES_KEY, APP_TOKEN, APP_AES_KEY, SECRET] {
            assert!(!cause.contains(secret), "{cause}");
        }
        self.check_no_trace().await;
    }

    async fn last_problem(&self) -> serde_json::Value {
        let url = format!("{}/v1/accounts", self.gateway.origin());
        get(&url).await.json()["items"][0]["callback"]["last_problem"].clone()
    }

    async fn check_no_trace(&self) {
        let url = format!("{}/v1/events", self.gateway.origin());
        let events = get(&url).await.json();
        assert_eq!(events["items"], serde_json::json!([]), "nothing is stored");
        let pushes = &self.app.lock().unwrap().pushes;
        assert!(pushes.is_empty(), "nothing is forwarded");
    }

    fn url(&self, query: &str) -> String {
        format!("{}/callback/{APPID}?{query}", self.gateway.public_origin())
    }
}

/// The one answer: status, headers and body say nothing.
#[track_caller]
fn assert_forbidden(got: &Got) {
    assert_eq!((got.status, got.text().as_str()), (403, "forbidden\n"));
    let mut headers = got.headers.clone();
    headers.remove("date");
    let names: std::collections::BTreeMap<_, _> = headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
        .collect();
    let want = [
        ("content-length", "10"),
        ("content-type", "text/plain; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
    ];
    assert_eq!(names, want.into());
}

fn keys(token: &str, aes_key: &str, receiver: &str) -> Keys {
    Keys::new(CallbackToken::from(token), receiver)
        .with_aes_key(&AesKey::parse(aes_key).unwrap())
        .with_mode(CallbackMode::Safe)
}

#[tokio::test]
async fn a_wrong_token_is_told_from_a_wrong_key_to_the_operator() {
    let world = world().await;
    let (query, body) = sealed(&keys("other", AES_KEY, APPID), &text_message(1, "x"));
    let got = post(&world.url(&query), body).await;
    world.check(&got, "callback.signature.token").await;
    let (query, body) = sealed(&keys(TOKEN, APP_AES_KEY, APPID), &text_message(1, "x"));
    let got = post(&world.url(&query), body).await;
    world.check(&got, "decrypt.aes_key").await;
}

#[tokio::test]
async fn another_accounts_ciphertext_is_refused() {
    let world = world().await;
    let foreign = keys("TokenOfAnother", APP_AES_KEY, "wxanother0000000000");
    let (query, body) = sealed(&foreign, &text_message(1, "x"));
    let got = post(&world.url(&query), body).await;
    world.check(&got, "callback.signature.foreign").await;
    // Same Token and key, as careless teams have them; the receiver id still tells.
    let (query, body) = sealed(
        &keys(TOKEN, AES_KEY, "wxanother0000000000"),
        &text_message(1, "x"),
    );
    let got = post(&world.url(&query), body).await;
    world.check(&got, "decrypt.receiver_id").await;
    let cause = world.last_problem().await["cause"].to_string();
    assert!(
        cause.contains("wxanother0000000000") && cause.contains(APPID),
        "found and expected: {cause}"
    );
}

#[tokio::test]
async fn damaged_base64_is_named_to_the_operator() {
    let world = world().await;
    let (query, body) = sealed(&platform_keys(CallbackMode::Safe), &text_message(1, "x"));
    let begin = body.find("<Encrypt><![CDATA[").unwrap() + "<Encrypt><![CDATA[".len();
    let end = begin + body[begin..].find("]]>").unwrap();
    let cipher = &body[begin..end];
    for (damaged, rule) in [
        (
            cipher[..cipher.len() - 5].to_owned(),
            "decrypt.base64.cut_off",
        ),
        (format!("{cipher}{cipher}"), "decrypt.base64.doubled"),
    ] {
        let got = post(&world.url(&query), body.replace(cipher, &damaged)).await;
        world.check(&got, rule).await;
    }
}

#[tokio::test]
async fn a_doctype_outside_is_refused() {
    let world = world().await;
    let (query, body) = sealed(&platform_keys(CallbackMode::Safe), &text_message(1, "x"));
    let got = post(
        &world.url(&query),
        format!("<!DOCTYPE xml [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>{body}"),
    )
    .await;
    world.check(&got, "xml.doctype").await;
}

#[tokio::test]
async fn an_old_callback_is_refused() {
    let world = world().await;
    let keys = platform_keys(CallbackMode::Safe);
    let message = text_message(1, "x");
    let push = Push {
        plain: &message,
        to_user_name: GH,
        openid: OPENID,
    };
    let now = SystemClock.unix().0;
    for (age, accepted) in [
        (86_400 + 60, false),
        (-86_400 - 60, false),
        (86_400 - 60, true),
    ] {
        let old = envelope::seal_push(&keys, &push, now - age, "123456", [1; 16]).unwrap();
        let got = post(&world.url(&old.query), old.body).await;
        if accepted {
            assert_eq!(got.status, 200, "{age}");
        } else {
            world.check(&got, "callback.timestamp.stale").await;
        }
    }
}

/// Whatever was wrong, the answer is the same: anything it told would add up to reading captured messages,
/// or to a list of accounts.
#[tokio::test]
async fn every_refusal_is_the_same_answer() {
    let (platform, _) = platform().await;
    let mut config = config(&platform, None);
    let mut silent = xinqiao_gateway::AccountConfig::new("wxsilent");
    silent.secret = config.accounts[0].secret.clone();
    config.accounts.push(silent);
    let gateway = start(config).await;
    let message = text_message(1, "x");
    let right = sealed(&platform_keys(CallbackMode::Safe), &message);
    let plain = sealed(&Keys::new(CallbackToken::from(TOKEN), APPID), &message);
    let begin = right.1.find("<Encrypt><![CDATA[").unwrap() + 18;
    let cipher = right.1[begin..begin + right.1[begin..].find("]]>").unwrap()].to_owned();
    let with_cipher = |cipher: &str| {
        (
            right.0.clone(),
            format!("<xml><Encrypt>{cipher}</Encrypt></xml>"),
        )
    };
    let by = |token, key, receiver| sealed(&keys(token, key, receiver), &message);
    let posts = [
        ("wrong Token", APPID, by("other", AES_KEY, APPID)),
        ("wrong key", APPID, by(TOKEN, APP_AES_KEY, APPID)),
        ("wrong receiver", APPID, by(TOKEN, AES_KEY, "wxanother")),
        (
            "everything wrong",
            APPID,
            by("other", APP_AES_KEY, "wxanother"),
        ),
        ("plain", APPID, plain),
        ("no query", APPID, (String::new(), right.1.clone())),
        (
            "no signature",
            APPID,
            (
                "timestamp=1700000000&nonce=1&encrypt_type=aes".into(),
                right.1.clone(),
            ),
        ),
        (
            "a parameter twice",
            APPID,
            (format!("{}&%6eonce=1", right.0), right.1.clone()),
        ),
        (
            "a strange timestamp",
            APPID,
            (
                right.0.replace("timestamp=", "timestamp=+"),
                right.1.clone(),
            ),
        ),
        ("no body", APPID, (right.0.clone(), String::new())),
        ("garbage", APPID, (right.0.clone(), "x".repeat(1 << 20))),
        ("JSON", APPID, (right.0.clone(), "{".into())),
        ("no base64", APPID, with_cipher("!!!")),
        ("other ciphertext", APPID, with_cipher(&cipher[64..])),
        ("cut off", APPID, with_cipher(&cipher[..cipher.len() - 4])),
        (
            "doctype",
            APPID,
            (right.0.clone(), format!("<!DOCTYPE a>{}", right.1)),
        ),
        ("no Token configured", "wxsilent", right.clone()),
        ("nobody's address", "wxnobody", right.clone()),
        (
            "nobody's address behind one",
            "wxnobody/wxother",
            right.clone(),
        ),
        (
            "an address behind one that has none",
            &format!("{APPID}/wxother"),
            right.clone(),
        ),
    ];
    for (what, address, (query, body)) in posts {
        let got = post(
            &format!("{}/callback/{address}?{query}", gateway.public_origin()),
            body,
        )
        .await;
        assert_eq!(got.status, 403, "{what}");
        assert_forbidden(&got);
    }
    let now = SystemClock.unix().0;
    let check = |token| envelope::url_query(&keys(token, AES_KEY, APPID), now, "1", "echo");
    let captured = |query: &str| format!("{}&echostr={}", query, cipher.replace('+', "%2B"));
    let captured = captured(right.0.split_once('&').unwrap().1);
    for (what, address, query) in [
        ("wrong Token", APPID, check("other")),
        ("a captured message", APPID, captured),
        ("nothing", APPID, String::new()),
        ("no echostr", APPID, right.0.clone()),
        ("no Token configured", "wxsilent", check(TOKEN)),
        ("nobody's address", "wxnobody", check(TOKEN)),
    ] {
        let got = get(&format!(
            "{}/callback/{address}?{query}",
            gateway.public_origin()
        ))
        .await;
        assert_eq!(got.status, 403, "{what}");
        assert_forbidden(&got);
    }
    gateway.shutdown().await;
}

#[tokio::test]
async fn what_is_not_looked_at_is_refused_the_same_and_hides_no_explanation() {
    let world = world().await;
    let got = post(&world.url("signature=x&timestamp=1"), "x").await;
    world.check(&got, "callback.parameters.missing").await;
    let explained = world.last_problem().await;
    let (query, _) = sealed(&platform_keys(CallbackMode::Safe), &text_message(1, "x"));
    for address in [APPID, "wxnobody"] {
        let url = format!(
            "{}/callback/{address}?{query}",
            world.gateway.public_origin()
        );
        let got = post(&url, vec![b'x'; 2 << 20]).await;
        assert_forbidden(&got);
        let got = self::got(client().put(&url).body("x")).await;
        assert_forbidden(&got);
    }
    assert_eq!(world.last_problem().await, explained);
    world.check_no_trace().await;
}

/// An account's own path is a secret of its configuration: no request tells it from a path that nobody has.
#[tokio::test]
async fn an_accounts_own_path_is_refused_like_any_other() {
    let (platform, _) = platform().await;
    let mut config = config(&platform, None);
    config.accounts[0].path = Some("/hook".into());
    let gateway = start(config).await;
    for path in [
        "/hook",
        "/nothing",
        "/callback",
        "/v1/keys",
        "/metrics",
        "/",
    ] {
        let url = format!("{}{path}", gateway.public_origin());
        for request in [
            client().get(&url),
            client().put(&url).body("x"),
            client().delete(&url),
            client().post(&url).body("x"),
            client().post(&url).body("x".repeat(2 << 20)),
            client().post(format!("{url}?signature=x&timestamp=1&nonce=1")),
            client().get(&url).bearer_auth("guess"),
        ] {
            assert_forbidden(&got(request).await);
        }
    }
    let metrics = get(&format!("{}/metrics", gateway.origin())).await.text();
    let strangers = "xinqiao_strangers_refused_total 35\n";
    assert!(metrics.contains(strangers), "each is counted: {metrics}");
    gateway.shutdown().await;
}

#[tokio::test]
async fn missing_parameters_are_listed_to_the_operator() {
    let world = world().await;
    let (_, body) = sealed(&platform_keys(CallbackMode::Safe), &text_message(1, "x"));
    let got = post(&world.url(""), body.clone()).await;
    world.check(&got, "callback.parameters.missing").await;
    let got = post(&world.url("signature=x&timestamp=1"), body).await;
    world.check(&got, "callback.parameters.missing").await;
    assert!(
        world.last_problem().await["cause"]
            .to_string()
            .contains("no nonce")
    );
}

#[tokio::test]
async fn plain_mode_is_refused_unless_allowed() {
    let world = world().await;
    let plain = Keys::new(CallbackToken::from(TOKEN), APPID);
    let (query, body) = sealed(&plain, &text_message(1, "x"));
    let got = post(&world.url(&query), body.clone()).await;
    world.check(&got, "callback.mode.plain").await;

    let (platform, _) = platform().await;
    let mut config = config(&platform, None);
    config.accounts[0].allow_plain = true;
    let gateway = start(config).await;
    let got = post(
        &format!("{}/callback/{APPID}?{query}", gateway.public_origin()),
        body,
    )
    .await;
    assert_eq!(got.text(), "success");
}

/// The signature covers timestamp and nonce in either order: both are the same callback.
#[tokio::test]
async fn a_plain_callback_with_its_times_exchanged_is_a_repeat() {
    let (platform, _) = platform().await;
    let mut config = config(&platform, None);
    config.accounts[0].allow_plain = true;
    let gateway = start(config).await;
    let keys = Keys::new(CallbackToken::from(TOKEN), APPID);
    let message = text_message(1, "x");
    let push = Push {
        plain: &message,
        to_user_name: GH,
        openid: OPENID,
    };
    let now = SystemClock.unix().0;
    let (time, nonce) = (now.to_string(), (now - 60).to_string());
    let sealed = envelope::seal_push(&keys, &push, now, &nonce, [1; 16]).unwrap();
    let exchanged = sealed
        .query
        .replace(&time, "other")
        .replace(&nonce, &time)
        .replace("other", &nonce);
    assert_ne!(exchanged, sealed.query);
    for query in [&sealed.query, &exchanged] {
        let url = format!("{}/callback/{APPID}?{query}", gateway.public_origin());
        assert_eq!(post(&url, sealed.body.clone()).await.text(), "success");
    }
    let events = get(&format!("{}/v1/events", gateway.origin())).await;
    assert_eq!(
        events.json()["items"].as_array().unwrap().len(),
        1,
        "{}",
        events.text()
    );
}

#[tokio::test]
async fn refusing_is_explained_on_a_budget() {
    let world = world().await;
    for n in 0..50 {
        let got = post(&world.url(&format!("timestamp={n}")), "x").await;
        assert_forbidden(&got);
    }
    // What was beyond the budget is counted, and not looked at.
    let cause = world.last_problem().await;
    let metrics = get(&format!("{}/metrics", world.gateway.origin()))
        .await
        .text();
    assert!(cause["rule"] == "callback.parameters.missing", "{cause}");
    assert!(metrics.contains(" 50\n"), "{metrics}");
}

#[tokio::test]
async fn a_store_without_a_master_key_does_not_start_outside_development() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.listen.port = 0;
    config.store = StoreAt::File(folder.path().join("x.db"));
    config.seal.key_env = Some("XINQIAO_TEST_NO_SUCH_KEY".into());
    let refused = Gateway::start(config, Context::default())
        .await
        .unwrap_err();
    assert!(
        matches!(refused, StartError::NoMasterKey { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("XINQIAO_TEST_NO_SUCH_KEY"));
}
