//! The gateway against the simulator: phone → callback → gateway → app → reply → phone, and calls
//! the other way.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use xinqiao_gateway::{Gateway, Upstream};
use xinqiao_testkit::{Options, TestWorld};

use crate::fake::*;

struct Bridge {
    world: TestWorld,
    gateway: Gateway,
    user: String,
}

/// A service account in the simulator whose callbacks go to a gateway, and its upstream.
async fn bridge(app: &Server) -> Bridge {
    let world = TestWorld::start_with(Options::default()).await;
    let account = json!({"appid": APPID, "secret": SECRET, "kind": "service", "verified": true, "token": TOKEN, "aes_key": AES_KEY, "mode": "safe"});
    let account = world.account(account).await;
    assert_eq!(
        (&account["appid"], &account["secret"]),
        (&json!(APPID), &json!(SECRET))
    );
    let platform = serve(axum::Router::new()).await;
    let mut config = config(&platform, Some(app));
    config.upstream = Upstream::Hosts(world.simulator().endpoints());
    let gateway = start(config).await;
    let callback = json!({"url": format!("{}/callback/{APPID}", gateway.public_origin()), "token": TOKEN, "aes_key": AES_KEY, "mode": "safe"});
    let saved = world
        .must("PUT", &format!("/accounts/{APPID}/callback"), callback)
        .await;
    assert_eq!(saved["verified"], true);
    let user = world.user("小林").await;
    world
        .act(&user, json!({"do": "follow", "account": APPID}))
        .await;
    Bridge {
        world,
        gateway,
        user,
    }
}

impl Bridge {
    async fn said(&self) -> Vec<String> {
        let items = self.world.inbox(&self.user, APPID).await;
        items
            .iter()
            .filter_map(|item| item["content"].as_str().map(ToOwned::to_owned))
            .collect()
    }

    async fn end(self) {
        self.gateway.shutdown().await;
        self.world.shutdown().await;
    }
}

#[tokio::test]
async fn a_message_travels_from_the_phone_to_the_app_and_back() {
    let (app_server, app) = app([Say::Success, Say::Text("收到")]).await;
    let bridge = bridge(&app_server).await;
    let act = bridge.world.say(&bridge.user, APPID, "你好").await;
    assert_eq!(act["deliveries"].as_array().unwrap().len(), 1, "{act}");
    assert_eq!(
        act["deliveries"][0]["attempts"].as_array().unwrap().len(),
        1,
        "{act}"
    );
    assert_eq!(bridge.said().await, ["收到"]);
    let pushes = app.lock().unwrap().pushes.clone();
    assert!(
        pushes[0].contains("subscribe") && pushes[1].contains("你好"),
        "{pushes:?}"
    );
    bridge.end().await;
}

#[tokio::test]
async fn a_slow_app_costs_one_delivery_and_one_answer_in_time() {
    let (app_server, app) = app([Say::Success, Say::Late(Duration::from_secs(6), "zu spät")]).await;
    let bridge = bridge(&app_server).await;
    let begun = Instant::now();
    let act = bridge.world.say(&bridge.user, APPID, "慢").await;
    assert!(
        begun.elapsed() < Duration::from_millis(4_900),
        "{:?}",
        begun.elapsed()
    );
    let attempts = act["deliveries"][0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{act}");
    assert!(attempts[0]["ms"].as_i64().unwrap() < 4_800, "{act}");
    assert_eq!(
        app.lock().unwrap().pushes.len(),
        2,
        "the follow and this one"
    );
    assert_eq!(bridge.said().await, Vec::<String>::new());
    bridge.end().await;
}

#[tokio::test]
async fn an_issued_key_works_like_the_secret_and_hides_it() {
    let (app_server, _) = app([Say::Success]).await;
    let bridge = bridge(&app_server).await;
    bridge
        .world
        .say(&bridge.user, APPID, "opens the window")
        .await;
    let key = bridge.gateway.issue_key("shop", &[]).await.unwrap();
    let api = api(&bridge.gateway);
    let mut traffic = String::new();
    let url = format!(
        "{api}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={}",
        key.key.expose()
    );
    let answer = get(&url).await;
    traffic += &answer.text();
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let users = bridge.world.get(&format!("/users/{}", bridge.user)).await;
    let openid = users["openids"][APPID].as_str().unwrap().to_owned();
    let info = get(&format!(
        "{api}/cgi-bin/user/info?access_token={token}&openid={openid}&lang=zh_CN"
    ))
    .await;
    traffic += &info.text();
    assert_eq!(info.json()["subscribe"], 1, "{}", info.text());
    let body = json!({"touser": openid, "msgtype": "text", "text": {"content": "from the app"}});
    let url = format!("{api}/cgi-bin/message/custom/send?access_token={token}");
    let sent = got(client().post(url).body(body.to_string())).await;
    traffic += &sent.text();
    assert_eq!(
        sent.json(),
        json!({"errcode": 0, "errmsg": "ok"}),
        "{}",
        sent.text()
    );
    assert_eq!(bridge.said().await.last().unwrap(), "from the app");
    let real = real_token(&bridge).await;
    assert!(
        !traffic.contains(&real) && !traffic.contains(SECRET),
        "{traffic}"
    );
    assert_ne!(token, real);
    bridge.end().await;
}

async fn real_token(bridge: &Bridge) -> String {
    let answer = bridge
        .world
        .stable_token(&json!({"appid": APPID, "secret": SECRET}), false)
        .await;
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn two_hours_later_the_call_still_works() {
    let (app_server, _) = app([Say::Success]).await;
    let bridge = bridge(&app_server).await;
    let key = bridge.gateway.issue_key("shop", &[]).await.unwrap();
    let api = api(&bridge.gateway);
    let url = format!(
        "{api}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={}",
        key.key.expose()
    );
    let token = get(&url).await.json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let call = format!("{api}/cgi-bin/user/get?access_token={token}");
    assert_eq!(get(&call).await.json()["total"], 1);
    bridge.world.advance(7_201).await;
    // The gateway's clock did not move: the platform's 42001 is what tells it.
    let answer = get(&call).await.json();
    assert_eq!(answer["total"], 1, "{answer}");
    bridge.end().await;
}

#[tokio::test]
async fn adopted_sdks_share_the_stable_token_with_direct_ones() {
    let (app_server, _) = app([Say::Success]).await;
    let bridge = bridge(&app_server).await;
    let direct = real_token(&bridge).await;
    let url = format!(
        "{}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={SECRET}",
        api(&bridge.gateway)
    );
    let adopted = get(&url).await.json();
    assert_eq!(adopted["access_token"], json!(direct));
    let menu: Value = get(&format!(
        "{}/cgi-bin/menu/get?access_token={direct}",
        api(&bridge.gateway)
    ))
    .await
    .json();
    assert_eq!(menu["errcode"], 46003, "{menu}");
    bridge.end().await;
}
