//! Bad input: a clear answer that names rule, cause and remedy; nothing is stored, nothing is
//! forwarded.

use xinqiao_crypto::AesKey;
use xinqiao_gateway::{Config, Context, Gateway, StartError, StoreAt};
use xinqiao_message::envelope::Keys;
use xinqiao_types::{CallbackMode, CallbackToken};

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
    /// Posts, and proves that it was refused by this rule and left no trace.
    #[track_caller]
    fn check(&self, got: &Got, status: u16, rule: &str) -> impl Future<Output = ()> {
        let text = got.text();
        assert_eq!(got.status, status, "{text}");
        assert_eq!(got.headers["x-xinqiao-rule"], rule, "{text}");
        assert!(
            text.starts_with(rule) && text.lines().count() >= 2,
            "{text}"
        );
        for secret in [TOKEN, AES_KEY, APP_TOKEN, APP_AES_KEY, SECRET] {
            assert!(!text.contains(secret), "{text}");
        }
        let url = format!("{}/v1/events", self.gateway.origin());
        let app = self.app.clone();
        async move {
            let events = get(&url).await.json();
            assert_eq!(events["items"], serde_json::json!([]), "nothing is stored");
            assert!(
                app.lock().unwrap().pushes.is_empty(),
                "nothing is forwarded"
            );
        }
    }

    fn url(&self, query: &str) -> String {
        format!("{}/callback/{APPID}?{query}", self.gateway.origin())
    }
}

fn keys(token: &str, aes_key: &str, receiver: &str) -> Keys {
    Keys::new(CallbackToken::from(token), receiver)
        .with_aes_key(&AesKey::parse(aes_key).unwrap())
        .with_mode(CallbackMode::Safe)
}

#[tokio::test]
async fn a_wrong_token_is_told_from_a_wrong_key() {
    let world = world().await;
    let (query, body) = sealed(&keys("other", AES_KEY, APPID), &text_message(1, "x"));
    let got = post(&world.url(&query), body).await;
    world.check(&got, 403, "callback.signature.token").await;
    let (query, body) = sealed(&keys(TOKEN, APP_AES_KEY, APPID), &text_message(1, "x"));
    let got = post(&world.url(&query), body).await;
    world.check(&got, 400, "decrypt.aes_key").await;
}

#[tokio::test]
async fn another_accounts_ciphertext_is_refused() {
    let world = world().await;
    let foreign = keys("TokenOfAnother", APP_AES_KEY, "wxanother0000000000");
    let (query, body) = sealed(&foreign, &text_message(1, "x"));
    let got = post(&world.url(&query), body).await;
    world.check(&got, 403, "callback.signature.foreign").await;
    // Same Token and key, as careless teams have them; the receiver id still tells.
    let (query, body) = sealed(
        &keys(TOKEN, AES_KEY, "wxanother0000000000"),
        &text_message(1, "x"),
    );
    let got = post(&world.url(&query), body).await;
    world.check(&got, 403, "decrypt.receiver_id").await;
}

#[tokio::test]
async fn damaged_base64_is_named() {
    let world = world().await;
    let (query, body) = sealed(&platform_keys(CallbackMode::Safe), &text_message(1, "x"));
    let begin = body.find("<Encrypt><![CDATA[").unwrap() + "<Encrypt><![CDATA[".len();
    let end = begin + body[begin..].find("]]>").unwrap();
    let cipher = &body[begin..end];
    for (damaged, what) in [
        (cipher[..cipher.len() - 5].to_owned(), "truncated"),
        (format!("{cipher}{cipher}"), "doubled"),
    ] {
        let got = post(&world.url(&query), body.replace(cipher, &damaged)).await;
        let rule = got.headers["x-xinqiao-rule"].to_str().unwrap().to_owned();
        assert!(
            rule.starts_with("decrypt.base64") || rule.starts_with("callback.signature"),
            "{what}: {rule}"
        );
        world.check(&got, got.status, &rule).await;
    }
}

#[tokio::test]
async fn a_doctype_is_refused() {
    let world = world().await;
    let (query, body) = sealed(&platform_keys(CallbackMode::Safe), &text_message(1, "x"));
    let got = post(
        &world.url(&query),
        format!("<!DOCTYPE xml [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>{body}"),
    )
    .await;
    world.check(&got, 400, "xml.doctype").await;
    let evil = text_message(1, "x").replace("<xml>", "<!DOCTYPE x><xml>");
    let (query, body) = sealed(&platform_keys(CallbackMode::Safe), &evil);
    let got = post(&world.url(&query), body).await;
    world.check(&got, 400, "xml.doctype").await;
}

#[tokio::test]
async fn two_megabytes_are_too_large() {
    let world = world().await;
    let (query, _) = sealed(&platform_keys(CallbackMode::Safe), &text_message(1, "x"));
    let got = post(&world.url(&query), vec![b'x'; 2 << 20]).await;
    world.check(&got, 413, "callback.too_large").await;
}

#[tokio::test]
async fn missing_parameters_are_listed() {
    let world = world().await;
    let (_, body) = sealed(&platform_keys(CallbackMode::Safe), &text_message(1, "x"));
    let got = post(&world.url(""), body.clone()).await;
    let rule = got.headers["x-xinqiao-rule"].to_str().unwrap().to_owned();
    assert!(
        ["callback.parameters.missing", "callback.signature.missing"].contains(&rule.as_str()),
        "{rule}"
    );
    world.check(&got, got.status, &rule).await;
    let got = get(&world.url("signature=x&timestamp=1")).await;
    world.check(&got, 400, "callback.parameters.missing").await;
}

#[tokio::test]
async fn an_unknown_appid_is_named() {
    let world = world().await;
    let (query, body) = sealed(&platform_keys(CallbackMode::Safe), &text_message(1, "x"));
    let url = format!("{}/callback/wxunknown?{query}", world.gateway.origin());
    let got = post(&url, body).await;
    world.check(&got, 404, "callback.account.unknown").await;
    assert!(got.text().contains("wxunknown"));
}

#[tokio::test]
async fn plain_mode_is_refused_unless_allowed() {
    let world = world().await;
    let plain = Keys::new(CallbackToken::from(TOKEN), APPID);
    let (query, body) = sealed(&plain, &text_message(1, "x"));
    let got = post(&world.url(&query), body.clone()).await;
    world.check(&got, 403, "callback.mode.plain").await;

    let (platform, _) = platform().await;
    let mut config = config(&platform, None);
    config.accounts[0].allow_plain = true;
    let gateway = start(config).await;
    let got = post(
        &format!("{}/callback/{APPID}?{query}", gateway.origin()),
        body,
    )
    .await;
    assert_eq!(got.text(), "success");
}

#[tokio::test]
async fn other_methods_are_refused() {
    let world = world().await;
    let got = got(client().put(world.url("")).body("x")).await;
    world.check(&got, 405, "callback.method").await;
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
