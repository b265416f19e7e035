//! The token centre.

use std::time::Duration;

use serde_json::json;
use std::sync::Arc;
use xinqiao_gateway::{Context, Gateway};
use xinqiao_types::ManualClock;

use crate::fake::*;

async fn stable(gateway: &Gateway, secret: &str) -> Got {
    let url = format!("{}/cgi-bin/stable_token", api(gateway));
    let body = json!({"grant_type": "client_credential", "appid": APPID, "secret": secret});
    got(client().post(url).body(body.to_string())).await
}

async fn classic(gateway: &Gateway, secret: &str) -> Got {
    let url = format!(
        "{}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={secret}",
        api(gateway)
    );
    get(&url).await
}

#[tokio::test]
async fn a_crowd_causes_one_refresh() {
    let (platform_server, platform) = platform().await;
    platform.lock().unwrap().delay = Duration::from_millis(200);
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let url = format!(
                "{}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={}",
                api(&gateway),
                key.key.expose()
            );
            tokio::spawn(async move { get(&url).await.json() })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.unwrap()["expires_in"], 7200);
    }
    assert_eq!(platform.lock().unwrap().count("/cgi-bin/stable_token"), 1);
    gateway.shutdown().await;
}

#[tokio::test]
async fn adopted_apps_get_the_one_real_stable_token_from_both_calls() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let one = stable(&gateway, SECRET).await;
    let two = classic(&gateway, SECRET).await.json();
    let real = platform.lock().unwrap().tokens[0].clone();
    assert_eq!(one.json()["access_token"], real);
    assert_eq!(two["access_token"], real);
    let left = two["expires_in"].as_i64().unwrap();
    assert!((7000..=7200).contains(&left), "{left}");
    assert_eq!(
        one.headers["content-type"],
        "application/json; encoding=utf-8"
    );
    assert_eq!(
        platform.lock().unwrap().count("/cgi-bin/token"),
        0,
        "the classic one is never fetched"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_wrong_secret_is_the_platforms_to_refuse() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let got = stable(&gateway, "wrong").await;
    assert_eq!(got.json()["errcode"], 40125);
    assert_eq!(
        platform.lock().unwrap().count("\"wrong\""),
        1,
        "it was asked"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_token_survives_a_restart() {
    let (platform_server, platform) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&platform_server, None);
    config.store = xinqiao_gateway::StoreAt::File(folder.path().join("gateway.db"));
    for _ in 0..2 {
        let gateway = start(config.clone()).await;
        stable(&gateway, SECRET).await;
        gateway.shutdown().await;
    }
    assert_eq!(platform.lock().unwrap().count("/cgi-bin/stable_token"), 1);
}

#[tokio::test]
async fn near_its_end_a_token_is_refreshed_while_it_is_still_served() {
    let (platform_server, platform) = platform().await;
    let world = ManualClock::at(1_700_000_000);
    let context = Context {
        world: Arc::new(world.clone()),
        ..Context::default()
    };
    let gateway = Gateway::start(config(&platform_server, None), context)
        .await
        .unwrap();
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let virtual_token = classic(&gateway, key.key.expose()).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    world.set(
        xinqiao_types::UnixSeconds(1_700_000_000 + 7_000)
            .timestamp()
            .unwrap(),
    );
    {
        let mut platform = platform.lock().unwrap();
        platform.renew = true;
        platform.delay = std::time::Duration::from_secs(1);
    }
    let call = format!(
        "{}/cgi-bin/menu/get?access_token={virtual_token}",
        api(&gateway)
    );
    assert_eq!(get(&call).await.json()["errcode"], 0);
    let tokens = platform.lock().unwrap().tokens.len();
    assert_eq!(tokens, 1, "served before the new one came");
    until(async || (platform.lock().unwrap().tokens.len() == 2).then_some(())).await;
    // And the next call uses the new one.
    until(async || (get(&call).await.json()["errcode"] == 0).then_some(())).await;
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_foreign_refresh_is_healed_within_the_call_and_named() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let token = stable(&gateway, key.key.expose()).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let call = format!("{}/cgi-bin/menu/get?access_token={token}", api(&gateway));
    assert_eq!(get(&call).await.json()["errcode"], 0);
    platform.lock().unwrap().foreign_refresh();
    assert_eq!(get(&call).await.json()["errcode"], 0, "no call fails");
    let accounts = get(&format!("{}/v1/accounts", gateway.origin()))
        .await
        .json();
    let token = &accounts["items"][0]["token"];
    assert_eq!(token["foreign_refreshes"], 1, "{accounts}");
    // Again within the minute: two programs fight, and we do not join in.
    platform.lock().unwrap().foreign_refresh();
    let asked = platform.lock().unwrap().count("/cgi-bin/stable_token");
    for _ in 0..3 {
        assert_eq!(get(&call).await.json()["errcode"], 40001);
    }
    assert_eq!(
        platform.lock().unwrap().count("/cgi-bin/stable_token"),
        asked
    );
    let accounts = get(&format!("{}/v1/accounts", gateway.origin()))
        .await
        .json();
    assert_eq!(
        accounts["items"][0]["reason"]["rule"], "token.storm",
        "{accounts}"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_expired_token_is_replaced_within_the_call() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let token = stable(&gateway, key.key.expose()).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    {
        let mut platform = platform.lock().unwrap();
        platform
            .instead
            .push_back(json!({"errcode": 42001, "errmsg": "access_token expired rid: 1-2-3"}));
        platform.renew = false;
    }
    let call = format!("{}/cgi-bin/menu/get?access_token={token}", api(&gateway));
    // The platform goes on handing out the same token: it is forced, once.
    assert_eq!(get(&call).await.json()["errcode"], 0);
    assert_eq!(platform.lock().unwrap().count("\"force_refresh\":true"), 1);
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_platform_that_refuses_is_quoted_and_named_in_readiness() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    platform.lock().unwrap().instead.push_back(
        json!({"errcode": 40164, "errmsg": "invalid ip 1.2.3.4, not in whitelist rid: 1-2-3"}),
    );
    let got = stable(&gateway, key.key.expose()).await;
    assert_eq!(got.json()["errcode"], 40164);
    let ready = get(&format!("{}/readyz", gateway.origin())).await;
    assert_eq!(
        ready.status, 200,
        "one bad account does not stop the others"
    );
    assert_eq!(ready.json()["status"], "degraded");
    assert_eq!(
        ready.json()["accounts"][0]["reason"]["rule"],
        "token.refused",
        "{}",
        ready.text()
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_unreachable_platform_is_said_so() {
    let (platform_server, _) = platform().await;
    let mut config = config(&platform_server, None);
    let reserved = reserved();
    let dead = reserved.origin.clone();
    config.upstream =
        xinqiao_gateway::Upstream::Hosts([("api.weixin.qq.com".to_owned(), dead)].into());
    let gateway = start(config).await;
    let got = get(&format!(
        "{}/cgi-bin/menu/get?access_token=zzz",
        api(&gateway)
    ))
    .await;
    assert_eq!(
        (got.status, got.json()["errcode"].clone()),
        (502, json!(-1))
    );
    assert_eq!(got.headers["x-xinqiao-rule"], "upstream.unreachable");
    let got = stable(&gateway, SECRET).await;
    assert_eq!(got.json()["errcode"], -1);
    gateway.shutdown().await;
}

#[tokio::test]
async fn forced_refreshes_are_thirty_seconds_apart_like_the_platforms_own() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let force = async || {
        let url = format!("{}/cgi-bin/stable_token", api(&gateway));
        let body = json!({
            "grant_type": "client_credential", "appid": APPID, "secret": SECRET,
            "force_refresh": true,
        });
        let answer = got(client().post(url).body(body.to_string())).await.json();
        answer["access_token"].as_str().unwrap().to_owned()
    };
    let first = stable(&gateway, SECRET).await.json()["access_token"].clone();
    let forced = force().await;
    assert_ne!(first, forced.as_str());
    assert_eq!(
        force().await,
        forced,
        "a second one at once gives the current token"
    );
    assert_eq!(platform.lock().unwrap().count("\"force_refresh\":true"), 1);
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_account_says_whether_its_token_was_tried() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let (origin, seen) = (gateway.origin(), || platform.lock().unwrap().seen.len());
    let account = async || {
        let accounts = get(&format!("{origin}/v1/accounts")).await.json();
        let item = &accounts["items"][0];
        (item["token"]["state"].clone(), item["ready"].clone())
    };
    assert_eq!(account().await, (json!("untried"), json!(true)));
    assert_eq!(seen(), 0, "looking asks for nothing");
    let refusal = json!({"errcode": 40125, "errmsg": "invalid appsecret"});
    platform.lock().unwrap().instead.push_back(refusal);
    let ready = get(&format!("{origin}/readyz")).await.json();
    assert_eq!(ready["accounts"][0]["ready"], false, "{ready}");
    assert_eq!(account().await, (json!("failed"), json!(false)));
    // A failure is remembered for a moment.
    until(async || {
        let ready = get(&format!("{origin}/readyz")).await.json();
        (ready["accounts"][0]["ready"] == true).then_some(())
    })
    .await;
    assert_eq!(account().await, (json!("ok"), json!(true)));
    gateway.shutdown().await;
}
