//! Two nodes on one PostgreSQL.

use std::time::Duration;

use xinqiao_gateway::{Config, Gateway, StoreAt};

use crate::fake::*;

/// The configuration of a node: its own name, the database and the master key of all.
fn node(name: &str, url: &str, folder: &tempfile::TempDir, mut config: Config) -> Config {
    let key = folder.path().join("master.key");
    if !key.exists() {
        std::fs::write(&key, "5a".repeat(32)).unwrap();
        let own = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, own).unwrap();
    }
    config.store = StoreAt::Postgres(url.to_owned().into());
    config.seal.key_file = Some(key);
    config.node = Some(name.to_owned());
    config
}

async fn two(platform: &Server, app: Option<&Server>) -> Option<[Gateway; 2]> {
    let url = tokio::task::block_in_place(|| Some(xinqiao_testdb::server()?.database()))?;
    let folder = tempfile::tempdir().unwrap();
    let a = start(node("a", &url, &folder, config(platform, app))).await;
    let b = start(node("b", &url, &folder, config(platform, app))).await;
    Some([a, b])
}

async fn token(gateway: &Gateway, secret: &str) -> Got {
    let origin = api(gateway);
    let query = format!("grant_type=client_credential&appid={APPID}&secret={secret}");
    get(&format!("{origin}/cgi-bin/token?{query}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_reaches_both_nodes_is_delivered_once_and_answered_by_both() {
    let (platform, _) = platform().await;
    let (app_server, app) = app([Say::Late(Duration::from_millis(400), "hello")]).await;
    let Some([a, b]) = two(&platform, Some(&app_server)).await else {
        return;
    };
    let message = text_message(7, "hi");
    let (a_origin, b_origin) = (a.public_origin(), b.public_origin());
    let (one, two) = tokio::join!(push_to(&a_origin, &message), push_to(&b_origin, &message));
    for got in [one, two] {
        assert!(reply_of(&got).contains("hello"), "{}", got.text());
    }
    // And later, when it is settled.
    let third = push_to(&b_origin, &message).await;
    assert!(reply_of(&third).contains("hello"), "{}", third.text());
    assert_eq!(app.lock().unwrap().pushes.len(), 1);
    a.shutdown().await;
    b.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_nodes_serve_one_token_and_follow_a_newer_one() {
    let (platform_server, platform) = platform().await;
    let Some([a, b]) = two(&platform_server, None).await else {
        return;
    };
    let (one, two) = tokio::join!(token(&a, SECRET), token(&b, SECRET));
    let (one, two) = (one.json(), two.json());
    assert_eq!(one["access_token"], two["access_token"]);
    assert_eq!(platform.lock().unwrap().count("/cgi-bin/stable_token"), 1);
    // Another program ends the token. One node notices and heals; the other one serves the new token within a second,
    // without a call of its own that fails.
    platform.lock().unwrap().foreign_refresh();
    let call = |gateway: &Gateway, token: &serde_json::Value| {
        let text = token["access_token"].as_str().unwrap().to_owned();
        let url = format!("{}/cgi-bin/menu/get?access_token={text}", api(gateway));
        async move { get(&url).await }
    };
    call(&a, &one).await;
    let healed = token(&a, SECRET).await.json();
    assert_ne!(healed["access_token"], one["access_token"]);
    tokio::time::sleep(Duration::from_millis(1200)).await;
    let asked = platform.lock().unwrap().count("/cgi-bin/stable_token");
    assert_eq!(
        token(&b, SECRET).await.json()["access_token"],
        healed["access_token"]
    );
    assert_eq!(
        platform.lock().unwrap().count("/cgi-bin/stable_token"),
        asked
    );
    a.shutdown().await;
    b.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_issued_on_one_node_opens_the_other_within_a_second() {
    let (platform, _) = platform().await;
    let Some([a, b]) = two(&platform, None).await else {
        return;
    };
    let key = a.issue_key("shop", &[]).await.unwrap();
    let got = until(async || {
        let got = token(&b, key.key.expose()).await;
        got.text().contains("access_token").then_some(got)
    })
    .await;
    // A token that one node made is understood by the other.
    let made = got.json()["access_token"].as_str().unwrap().to_owned();
    let url = format!("{}/cgi-bin/menu/get?access_token={made}", api(&a));
    let got = get(&url).await;
    assert_ne!(got.status, 403, "{}", got.text());
    assert!(!got.text().contains("40001"), "{}", got.text());
    a.shutdown().await;
    b.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_address_says_what_is_right_and_shows_no_password() {
    let (platform, _) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    for url in [
        "postgres://user:CANARY@/shop?sslmode=maybe",
        "postgres://user:CANARY@127.0.0.1:1/shop",
    ] {
        let config = node("a", url, &folder, config(&platform, None));
        assert!(!format!("{config:?}").contains("CANARY"));
        let refused = Gateway::start(config, xinqiao_gateway::Context::default()).await;
        let mut error: &dyn std::error::Error = &refused.unwrap_err();
        let mut text = error.to_string();
        while let Some(source) = error.source() {
            text = format!("{text}: {source}");
            error = source;
        }
        assert!(text.contains("postgres://"), "{text}");
        assert!(!text.contains("CANARY"), "{text}");
    }
}
