//! Which keys there are: those that were issued, and those that stand in the configuration.

use serde_json::json;
use xinqiao_gateway::{Config, Context, Gateway, IssueError, KeyConfig, StoreAt};
use xinqiao_store::{Location, MasterKey, Millis, NewStoredKey, NodeId, Options, Store, Timing};

use crate::fake::*;

const KEY: &str = "xqk_0123456789abcdefghijklmn";

fn configured(id: &str, key: &str) -> KeyConfig {
    Config::from_toml(&format!(
        "[[key]]\nid = \"{id}\"\nkey = \"{key}\"\napp = \"shop\"\n"
    ))
    .unwrap()
    .keys
    .remove(0)
}

async fn token(gateway: &Gateway, key: &str) -> Got {
    let origin = api(gateway);
    get(&format!(
        "{origin}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={key}"
    ))
    .await
}

#[tokio::test]
async fn a_configured_key_is_one_as_long_as_it_stands_in_the_file() {
    let (platform, _) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.db");
    let with = |keys: Vec<KeyConfig>| {
        let mut config = config(&platform, None);
        config.store = StoreAt::File(file.clone());
        config.keys = keys;
        config
    };
    let gateway = start(with(vec![configured("ci", KEY)])).await;
    let issued = gateway.issue_key("shop", &[]).await.unwrap();
    let made = token(&gateway, KEY).await.json();
    let made = made["access_token"].as_str().unwrap().to_owned();
    let listed = get(&format!("{}/v1/keys", gateway.origin())).await.json();
    assert_eq!(
        (&listed["items"][0]["id"], &listed["items"][0]["configured"]),
        (&json!("ci"), &json!(true))
    );
    let revoked = got(client().delete(format!("{}/v1/keys/ci", gateway.origin()))).await;
    assert_eq!(revoked.status, 409, "{}", revoked.text());
    assert!(revoked.text().contains("remove it from the file"));
    gateway.shutdown().await;

    // Under another id it is the same key.
    let gateway = start(with(vec![configured("other", KEY)])).await;
    assert!(token(&gateway, KEY).await.text().contains("access_token"));
    gateway.shutdown().await;

    // An earlier version kept it in the store.
    {
        let master = MasterKey::from_file(&folder.path().join("gateway.db.key")).unwrap();
        let store = Store::open(Options {
            location: Location::File(file.clone()),
            master,
            node: NodeId::default(),
            now: Millis(0),
            timing: Timing::Caller,
        })
        .await
        .unwrap();
        let kept = NewStoredKey {
            id: "ci",
            text: KEY,
            app: "shop",
            accounts: Vec::new(),
            at: Millis(0),
        };
        store.put_key(kept).await.unwrap();
        store.close().await;
    }
    let gateway = start(with(vec![])).await;
    let refused = token(&gateway, KEY).await;
    assert_eq!(refused.headers["x-xinqiao-rule"], "key.unknown");
    let url = format!("{}/cgi-bin/user/get?access_token={made}", api(&gateway));
    assert_eq!(get(&url).await.headers["x-xinqiao-rule"], "key.revoked");
    let issued = token(&gateway, issued.key.expose()).await;
    assert!(issued.text().contains("access_token"), "{}", issued.text());
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_key_is_for_an_app_that_there_is() {
    let (platform, _) = platform().await;
    let (server, _) = app([]).await;
    let mut config = config(&platform, Some(&server));
    config.dev = false;
    let mut wrong = config.clone();
    wrong.keys = vec![configured("ci", KEY)];
    wrong.keys[0].app = "typo".to_owned();
    let error = Gateway::start(wrong, Context::default()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("[[key]] ci, app: `typo` is not"), "{text}");
    let gateway = start(config).await;
    let refused = gateway.issue_key("typo", &[]).await.unwrap_err();
    assert!(matches!(refused, IssueError::App { .. }));
    assert!(refused.to_string().contains("shop"), "{refused}");
    gateway.issue_key("shop", &[]).await.unwrap();
    gateway.shutdown().await;
}

#[test]
fn keys_of_the_file_are_told_apart() {
    let table =
        |id: &str, key: &str| format!("[[key]]\nid = \"{id}\"\nkey = \"{key}\"\napp = \"shop\"\n");
    let twice = Config::from_toml(&(table("a", KEY) + &table("b", KEY))).unwrap_err();
    assert!(twice.to_string().contains("[[key]] b, key"), "{twice}");
    let issued = Config::from_toml(&table("key_0123456789ab", KEY)).unwrap_err();
    assert!(issued.to_string().contains(", id: "), "{issued}");
}

#[tokio::test]
async fn administration_takes_no_key_that_was_issued() {
    let (platform, _) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&platform, None);
    config.store = StoreAt::File(folder.path().join("gateway.db"));
    let gateway = start(config.clone()).await;
    let issued = gateway.issue_key("shop", &[]).await.unwrap();
    gateway.shutdown().await;
    for name in ["admin.key", "admin.read_key"] {
        let mut config = config.clone();
        let key = Some(issued.key.expose().into());
        match name {
            "admin.key" => config.admin.key = key,
            _ => config.admin.read_key = key,
        }
        let error = Gateway::start(config, Context::default())
            .await
            .unwrap_err();
        let text = error.to_string();
        for part in [name, &*issued.id, "shop", "set another", "key.issued"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains(issued.key.expose()), "{text}");
    }
    // A revoked one is nobody's.
    let gateway = start(config.clone()).await;
    let url = format!("{}/v1/keys/{}", gateway.origin(), issued.id);
    assert_eq!(got(client().delete(url)).await.status, 204);
    gateway.shutdown().await;
    config.admin.key = Some(issued.key.expose().into());
    start(config).await.shutdown().await;
}
