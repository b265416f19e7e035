//! Conditional menus over HTTP: who sees which, and what the platform refuses.

use serde_json::{Value, json};
use xinqiao_testkit::{TestApp, TestWorld};

use crate::{appid, connected, element};

/// An account with a menu for all.
struct Menus {
    world: TestWorld,
    account: Value,
    fan: String,
    app: TestApp,
    token: String,
}

fn buttons(key: &str) -> Value {
    json!([{"type": "click", "name": key, "key": key}])
}

fn links(hosts: &[&str]) -> Value {
    let subs: Vec<Value> = { hosts.iter() }
        .map(|host| json!({"type": "view", "name": "去", "url": format!("https://{host}/a")}))
        .collect();
    json!([{"name": "链接", "sub_button": subs}])
}

impl Menus {
    async fn open() -> Self {
        let world = TestWorld::start().await;
        let (account, fan, app) = connected(&world, "plain").await;
        let token = world.token(&account).await;
        let menus = Self {
            world,
            account,
            fan,
            app,
            token,
        };
        let made = menus.call("menu/create", json!({"button": buttons("ALL")}));
        assert_eq!(made.await["errcode"], 0);
        menus
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let path = format!("/cgi-bin/{path}?access_token={}", self.token);
        self.world.call(&path, body).await
    }

    async fn add(&self, button: Value, matchrule: Value) -> Value {
        let body = json!({"button": button, "matchrule": matchrule});
        self.call("menu/addconditional", body).await
    }

    /// A menu with one key, and its number.
    async fn added(&self, key: &str, matchrule: Value) -> String {
        let made = self.add(buttons(key), matchrule).await;
        made["menuid"]
            .as_str()
            .expect("a number as text")
            .to_owned()
    }

    async fn tag(&self, name: &str) -> i64 {
        let made = self
            .call("tags/create", json!({"tag": {"name": name}}))
            .await;
        made["tag"]["id"].as_i64().unwrap()
    }

    async fn wear(&self, user: &str, tag: i64) {
        let openid = self.openid(user).await;
        let body = json!({"openid_list": [openid], "tagid": tag});
        let done = self.call("tags/members/batchtagging", body).await;
        assert_eq!(done["errcode"], 0, "{done}");
    }

    async fn openid(&self, user: &str) -> String {
        let user = self.world.get(&format!("/users/{user}")).await;
        let openid = &user["openids"][appid(&self.account)];
        openid.as_str().unwrap().to_owned()
    }

    async fn follower(&self, about: Value) -> String {
        let user = self.world.must("POST", "/users", about).await;
        let user = user["id"].as_str().unwrap().to_owned();
        let act = json!({"do": "follow", "account": appid(&self.account)});
        self.world.act(&user, act).await;
        user
    }

    /// The key that a person sees, by test and on the phone.
    async fn seen(&self, user: &str) -> String {
        let openid = self.openid(user).await;
        let tried = self.call("menu/trymatch", json!({"user_id": openid})).await;
        let path = format!("/users/{user}/chat?account={}", appid(&self.account));
        let shown = self.world.get(&path).await;
        let key = tried["button"][0]["key"].clone();
        assert_eq!(key, shown["menu"]["button"][0]["key"], "{tried}");
        key.as_str().unwrap().to_owned()
    }

    async fn private(&self) {
        let path = format!("/accounts/{}", appid(&self.account));
        let rules = json!({"rules": {"menu.private_conditions": "matched"}});
        self.world.must("PATCH", &path, rules).await;
    }
}

#[tokio::test]
async fn the_newest_menu_that_fits_is_seen() {
    let menus = Menus::open().await;
    let (vip, old) = (menus.tag("VIP").await, menus.tag("老客").await);
    let first = menus.added("VIP", json!({"tag_id": vip.to_string()})).await;
    let second = menus
        .added("IOS", json!({"tag_id": vip, "client_platform_type": 1}))
        .await;
    let apple = menus.follower(json!({"platform": "ios"})).await;
    assert_eq!(menus.seen(&menus.fan).await, "ALL");
    menus.wear(&menus.fan, vip).await;
    menus.wear(&apple, vip).await;
    assert_eq!(menus.seen(&menus.fan).await, "VIP");
    assert_eq!(menus.seen(&apple).await, "IOS", "the newest first");

    let told = menus.call("menu/get", Value::Null).await;
    assert_eq!(told["menu"]["button"][0]["key"], "ALL");
    assert!(told["menu"]["menuid"].is_number(), "{told}");
    let list = told["conditionalmenu"].as_array().unwrap();
    assert_eq!(list.len(), 2);
    assert_eq!(list[0]["menuid"].to_string(), second);
    let rule = json!({"group_id": vip.to_string(), "client_platform_type": "1"});
    assert_eq!(list[0]["matchrule"], rule);
    assert_eq!(list[1]["menuid"].to_string(), first);

    // A person counts by the tag that was put on last.
    menus.wear(&apple, old).await;
    assert_eq!(menus.seen(&apple).await, "ALL");
    let gone = menus
        .call("menu/delconditional", json!({"menuid": first}))
        .await;
    assert_eq!(gone["errcode"], 0);
    assert_eq!(menus.seen(&menus.fan).await, "ALL");
    let again = menus
        .call("menu/delconditional", json!({"menuid": first}))
        .await;
    assert_eq!(again["errcode"], 65301);
    // Who deletes the menu for all deletes the others too.
    menus.call("menu/delete", Value::Null).await;
    let made = menus.call("menu/create", json!({"button": buttons("ALL")}));
    made.await;
    let told = menus.call("menu/get", Value::Null).await;
    assert_eq!(told.get("conditionalmenu"), None, "{told}");
    assert_eq!(told["menu"].get("menuid"), None, "{told}");
}

#[tokio::test]
async fn a_tap_tells_which_menu_it_was() {
    let menus = Menus::open().await;
    let vip = menus.tag("VIP").await;
    let button = links(&["vip.example"]);
    let made = menus.add(button, json!({"tag_id": vip})).await;
    menus.wear(&menus.fan, vip).await;
    let tap = json!({
        "do": "click", "account": appid(&menus.account), "url": "https://vip.example/a",
    });
    menus.world.act(&menus.fan, tap.clone()).await;
    let push = menus.app.pushes().last().unwrap().body.clone();
    assert_eq!(element(&push, "Event"), "VIEW");
    assert_eq!(element(&push, "MenuId"), made["menuid"].as_str().unwrap());
    let other = menus.follower(json!({})).await;
    let path = format!("/users/{other}/actions");
    let refused = menus.world.control("POST", &path, tap).await;
    assert_eq!(refused.0, 422, "nobody else has this button: {}", refused.1);
}

#[tokio::test]
async fn a_menu_has_three_buttons_with_five_below_each() {
    let menus = Menus::open().await;
    let vip = json!({"tag_id": menus.tag("VIP").await});
    let many = |count: usize| {
        let all = { 0..count }.map(|_| json!({"type": "click", "name": "歌", "key": "K"}));
        all.collect::<Value>()
    };
    let below = |count: usize| json!([{"name": "菜单", "sub_button": many(count)}]);
    for (button, code) in [
        (many(0), 40016),
        (many(3), 0),
        (many(4), 40016),
        (below(5), 0),
        (below(6), 40023),
    ] {
        let made = menus.call("menu/create", json!({"button": button})).await;
        assert_eq!(made["errcode"], code, "{button}: {made}");
        let some = menus.add(button.clone(), vip.clone()).await;
        let refused = some["errcode"].as_i64().unwrap_or_default();
        assert_eq!(refused, code, "{button}: {some}");
    }
}

#[tokio::test]
async fn conditions_and_buttons_are_refused_with_codes_of_their_own() {
    let menus = Menus::open().await;
    let vip = json!({"tag_id": menus.tag("VIP").await});
    let refused = async |button: Value, rule: Value, code: i64| {
        let answer = menus.add(button, rule.clone()).await;
        assert_eq!(answer["errcode"], code, "{rule}: {answer}");
    };
    refused(buttons("A"), json!({}), 65304).await;
    refused(buttons("A"), json!({"tag_id": "", "sex": ""}), 65304).await;
    refused(buttons("A"), json!({"tag_id": 9999}), 45159).await;
    for name in ["sex", "country", "language"] {
        refused(buttons("A"), json!({ name: "1" }), 65320).await;
    }
    refused(json!([]), vip.clone(), 40016).await;
    let none = menus.call("menu/addconditional", json!({"matchrule": vip}));
    assert_eq!(none.await["errcode"], 65307);
    refused(json!([{"name": "无"}]), vip.clone(), 65308).await;
    let broken = json!([{"type": "view", "name": "去", "url": "example.com"}]);
    refused(broken, vip.clone(), 65317).await;
    refused(
        links(&["a.example", "b.example", "c.example", "d.example"]),
        vip.clone(),
        65316,
    )
    .await;
    let three = links(&["a.example", "b.example", "c.example"]);
    assert!(menus.add(three, vip.clone()).await["menuid"].is_string());
    refused(links(&["d.example"]), vip.clone(), 65316).await;

    let nobody = menus
        .call("menu/trymatch", json!({"user_id": "nobody"}))
        .await;
    assert_eq!(nobody["errcode"], 65302);
    let openid = menus.openid(&menus.fan).await;
    let act = json!({"do": "unfollow", "account": appid(&menus.account)});
    menus.world.act(&menus.fan, act).await;
    let gone = menus
        .call("menu/trymatch", json!({"user_id": openid}))
        .await;
    assert_eq!(gone["errcode"], 65315);
    menus.call("menu/delete", Value::Null).await;
    refused(buttons("A"), vip, 65303).await;
}

#[tokio::test]
async fn menus_match_what_is_private_where_it_is_switched_on() {
    let menus = Menus::open().await;
    menus.private().await;
    let alone = json!({"province": "广东"});
    assert_eq!(menus.add(buttons("A"), alone).await["errcode"], 65310);
    let gap = json!({"country": "中国", "city": "广州"});
    assert_eq!(menus.add(buttons("A"), gap).await["errcode"], 65311);
    menus.added("HER", json!({"sex": "2"})).await;
    menus
        .added("GD", json!({"country": "中国", "province": "广东"}))
        .await;
    menus.added("EN", json!({"language": "en"})).await;
    let her = menus.follower(json!({"sex": 2})).await;
    let south = json!({"sex": 2, "country": "中国", "province": "广东", "city": "深圳"});
    let south = menus.follower(south).await;
    let english = menus.follower(json!({"sex": 2, "language": "en"})).await;
    assert_eq!(menus.seen(&menus.fan).await, "ALL");
    assert_eq!(menus.seen(&her).await, "HER");
    assert_eq!(menus.seen(&south).await, "GD");
    assert_eq!(menus.seen(&english).await, "EN");
    let path = format!("/accounts/{}", appid(&menus.account));
    let rules = json!({"rules": {"menu.private_conditions": "refused"}});
    menus.world.must("PATCH", &path, rules).await;
    assert_eq!(menus.seen(&her).await, "ALL", "what there was is void");
}
