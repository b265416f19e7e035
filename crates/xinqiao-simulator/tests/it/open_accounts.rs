//! Open-platform accounts: what they bind, and who shares UnionIDs.

use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::{
    appid,
    components::Platform,
    identity::{DAY, by, refused, still},
};

async fn open_account(world: &TestWorld, fields: Value) -> String {
    let made = world.must("POST", "/open-accounts", fields).await;
    made["id"].as_str().unwrap().to_owned()
}

async fn bind(world: &TestWorld, open: &str, account: &Value) -> (u16, String) {
    let path = format!("/open-accounts/{open}/bindings");
    let (status, answer) = world
        .control("POST", &path, json!({"account": appid(account)}))
        .await;
    let rule = answer["error"]["rule"].as_str().unwrap_or_default();
    (status, rule.to_owned())
}

fn bound() -> (u16, String) {
    by(200, "")
}

#[tokio::test]
async fn who_is_bound_to_one_open_account_shares_unionids() {
    let world = TestWorld::start().await;
    let open = open_account(&world, json!({"name": "某公司"})).await;
    let other = open_account(&world, json!({})).await;
    let user = world.user("小林").await;
    let mut unionids = Vec::new();
    let mut accounts = Vec::new();
    for _ in 0..2 {
        let account = world.account(json!({})).await;
        world
            .act(&user, json!({"do": "follow", "account": appid(&account)}))
            .await;
        accounts.push(account);
    }
    let told = async |account: &Value| {
        let me = world.get(&format!("/users/{user}")).await;
        let openid = me["openids"][appid(account)].as_str().unwrap().to_owned();
        let token = world.token(account).await;
        let path = format!("/cgi-bin/user/info?access_token={token}&openid={openid}");
        world.call(&path, Value::Null).await["unionid"].clone()
    };
    assert_eq!(told(&accounts[0]).await, Value::Null);
    let rows = world.get("/timeline").await;
    let row = { rows["items"].as_array().unwrap().iter() }
        .find(|row| row["call"]["path"] == "/cgi-bin/user/info");
    let row = row.unwrap();
    assert_eq!(row["diagnosis"]["rule"], "unionid.not_bound", "{row}");
    assert_eq!(row["state"], "ok");

    for account in &accounts {
        assert_eq!(bind(&world, &open, account).await, bound());
        unionids.push(told(account).await);
    }
    assert!(unionids[0].is_string());
    assert_eq!(unionids[0], unionids[1]);
    let rows = world.get("/timeline").await;
    let last = rows["items"]
        .as_array()
        .unwrap()
        .iter()
        .rfind(|row| row["call"]["path"] == "/cgi-bin/user/info");
    assert!(last.unwrap().get("diagnosis").is_none());
    let me = world.get(&format!("/users/{user}")).await;
    assert_eq!(me["unionids"][&open], unionids[0]);
    let shown = world.get(&format!("/open-accounts/{open}")).await;
    assert_eq!(shown["bindings"].as_array().unwrap().len(), 2);

    // One account stands under one of them; bound elsewhere people are others there.
    assert_eq!(
        bind(&world, &other, &accounts[0]).await,
        by(409, "open_account.bound")
    );
    let path = format!("/open-accounts/{open}/bindings/{}", appid(&accounts[0]));
    world.must("DELETE", &path, Value::Null).await;
    assert_eq!(world.control("DELETE", &path, Value::Null).await.0, 404);
    assert_eq!(told(&accounts[0]).await, Value::Null);
    assert_eq!(bind(&world, &other, &accounts[0]).await, bound());
    assert_ne!(told(&accounts[0]).await, unionids[0]);
    world
        .must("DELETE", &format!("/open-accounts/{open}"), Value::Null)
        .await;
    assert_eq!(told(&accounts[1]).await, Value::Null);
    assert_eq!(
        world
            .control("GET", &format!("/open-accounts/{open}"), Value::Null)
            .await
            .0,
        404
    );
}

#[tokio::test]
async fn an_open_account_binds_within_limits() {
    let world = still().await;
    let company = |name: &str| json!({"name": name, "kind": "company"});
    let open = open_account(&world, json!({"subject": company("甲")})).await;
    // Governments have enough accounts for a limit; five of other subjects are bound anew in a month.
    let mut others = Vec::new();
    for _ in 0..6 {
        let fields =
            json!({"kind": "subscription", "subject": {"name": "某市", "kind": "government"}});
        others.push(world.account(fields).await);
    }
    for account in &others[..5] {
        assert_eq!(bind(&world, &open, account).await, bound());
    }
    assert_eq!(
        bind(&world, &open, &others[5]).await,
        by(422, "open_account.limit")
    );
    let path = format!("/open-accounts/{open}/bindings/{}", appid(&others[0]));
    world.must("DELETE", &path, Value::Null).await;
    assert_eq!(
        bind(&world, &open, &others[5]).await,
        by(422, "open_account.limit"),
        "not in this month"
    );
    world.advance(31 * DAY).await;
    assert_eq!(bind(&world, &open, &others[5]).await, bound());
    for (fields, most) in [
        (json!({"kind": "website"}), 10),
        (json!({"kind": "mobileapp"}), 50),
        (json!({"kind": "service", "test": true}), 5),
        (
            json!({"kind": "miniprogram", "subject": {"name": "某市", "kind": "government"}}),
            5,
        ),
        (json!({"kind": "miniprogram", "subject": company("甲")}), 50),
    ] {
        for _ in 0..most {
            let account = world.account(fields.clone()).await;
            assert_eq!(bind(&world, &open, &account).await, bound(), "{fields}");
        }
        // Of its own programs there are no more than it may bind.
        if fields["subject"]["name"] != "甲" {
            let account = world.account(fields.clone()).await;
            assert_eq!(
                bind(&world, &open, &account).await,
                by(422, "open_account.limit"),
                "{fields}"
            );
        }
    }
    let site = json!({"kind": "website", "subject": company("乙")});
    let site = world.account(site).await;
    assert_eq!(
        bind(&world, &open, &site).await,
        by(422, "open_account.subject")
    );
    let component = world.account(json!({"kind": "component"})).await;
    assert_eq!(
        bind(&world, &open, &component).await,
        by(422, "open_account.kind")
    );
    // So does the field of a new account; a name that nobody registered limits nothing.
    let new = json!({"kind": "website", "open_account": open});
    let answer = refused(&world, "POST", "/accounts", new).await;
    assert_eq!(answer, by(422, "open_account.limit"));
    for _ in 0..11 {
        world
            .account(json!({"kind": "website", "open_account": "o1"}))
            .await;
    }
}

#[tokio::test]
async fn an_unverified_open_account_binds_less() {
    let world = still().await;
    let open = open_account(&world, json!({"subject": {"name": "甲", "kind": "person"}})).await;
    let path = format!("/open-accounts/{open}");
    assert_eq!(world.get(&path).await["verified"], false);
    let review = format!("{path}/verification");
    let answer = refused(&world, "POST", &review, json!({})).await;
    assert_eq!(answer, by(422, "verification.person"));
    let official = world.account(json!({"kind": "service"})).await;
    assert_eq!(
        bind(&world, &open, &official).await,
        by(422, "open_account.limit")
    );
    for _ in 0..5 {
        let mini = world.account(json!({"kind": "miniprogram"})).await;
        assert_eq!(bind(&world, &open, &mini).await, bound());
    }
    let mini = world.account(json!({"kind": "miniprogram"})).await;
    assert_eq!(
        bind(&world, &open, &mini).await,
        by(422, "open_account.limit")
    );

    let open = open_account(&world, json!({"verified": false})).await;
    let path = format!("/open-accounts/{open}");
    assert_eq!(
        bind(&world, &open, &official).await,
        by(422, "open_account.limit")
    );
    let passed = world
        .must("POST", &format!("{path}/verification"), json!({}))
        .await;
    assert_eq!(passed["review"], json!({"result": "pass", "fee": 30_000}));
    assert_eq!(bind(&world, &open, &official).await, bound());
    world.advance(365 * DAY).await;
    assert_eq!(world.get(&path).await["verified"], false);
    let late = world.account(json!({"kind": "service"})).await;
    assert_eq!(
        bind(&world, &open, &late).await,
        by(422, "open_account.limit")
    );
    let kept = world.get(&path).await;
    assert_eq!(
        kept["bindings"],
        json!([appid(&official)]),
        "what is bound stays"
    );
}

#[tokio::test]
async fn a_platform_makes_an_open_account_and_binds_to_it() {
    let platform = Platform::start().await;
    let world = &platform.world;
    let token = platform.token().await;
    let grant = async |account: &Value| {
        let body = json!({"account": appid(account)});
        let path = format!("/accounts/{}/authorizations", platform.id());
        let code = world.must("POST", &path, body).await["auth_code"].clone();
        let answer = platform.exchange(&token, &code).await;
        let token = answer["authorization_info"]["authorizer_access_token"].clone();
        token.as_str().unwrap().to_owned()
    };
    let company = |name: &str| json!({"subject": {"name": name, "kind": "company"}});
    let (one, two) = (
        world.account(company("甲")).await,
        world.account(company("甲")).await,
    );
    let other = world.account(company("乙")).await;
    let (with_one, with_two, with_other) =
        (grant(&one).await, grant(&two).await, grant(&other).await);
    let call = async |token: &str, what: &str, body: Value| {
        let path = format!("/cgi-bin/{what}?access_token={token}");
        world.call(&path, body).await
    };
    let own = |account: &Value| json!({"appid": appid(account)});
    let with = |account: &Value, open: &Value| json!({"appid": appid(account), "open_appid": open});

    assert_eq!(
        call(&with_one, "open/get", own(&one)).await["errcode"],
        89002
    );
    assert_eq!(
        call(&with_one, "open/have", json!({})).await["have_open"],
        false
    );
    assert_eq!(
        call(&with_one, "open/create", own(&two)).await["errcode"],
        40013
    );
    let made = call(&with_one, "open/create", own(&one)).await;
    let open = &made["open_appid"];
    assert!(open.is_string(), "{made}");
    assert_eq!(
        call(&with_one, "open/create", own(&one)).await["errcode"],
        89000
    );
    assert_eq!(
        call(&with_one, "open/get", own(&one)).await["open_appid"],
        *open
    );
    assert_eq!(
        call(&with_one, "open/have", json!({})).await["have_open"],
        true
    );
    let path = format!("/cgi-bin/open/sameentity?access_token={with_one}");
    assert_eq!(world.call(&path, Value::Null).await["same_entity"], true);

    assert_eq!(
        call(&with_two, "open/bind", with(&two, &json!("wx1"))).await["errcode"],
        89002
    );
    assert_eq!(
        call(&with_other, "open/bind", with(&other, open)).await["errcode"],
        89001
    );
    assert_eq!(
        call(&with_two, "open/bind", with(&two, open)).await["errcode"],
        0
    );
    assert_eq!(
        call(&with_two, "open/bind", with(&two, open)).await["errcode"],
        89000
    );
    assert_eq!(
        call(&with_two, "open/unbind", with(&two, open)).await["errcode"],
        0
    );
    assert_eq!(
        call(&with_two, "open/unbind", with(&two, open)).await["errcode"],
        89002
    );
    // What was registered by hand is not changed by calls.
    let by_hand = world.must("POST", "/open-accounts", json!({})).await;
    let refused = call(&with_two, "open/bind", with(&two, &by_hand["id"])).await;
    assert_eq!(refused["errcode"], 89003);
    // Five until it is verified.
    for left in (0..5).rev() {
        let mini = json!({"kind": "miniprogram", "subject": {"name": "甲", "kind": "company"}});
        let mini = world.account(mini).await;
        let token = grant(&mini).await;
        let answer = call(&token, "open/bind", with(&mini, open)).await;
        assert_eq!(
            answer["errcode"],
            if left == 0 { 89004 } else { 0 },
            "{answer}"
        );
    }
}
