use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

async fn errcode(world: &TestWorld, token: &str) -> i64 {
    let answer = world
        .call(
            &format!("/cgi-bin/get_api_domain_ip?access_token={token}"),
            Value::Null,
        )
        .await;
    answer["errcode"].as_i64().unwrap_or(0)
}

#[tokio::test]
async fn after_7201_seconds_a_token_is_42001() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    assert_eq!(errcode(&world, &token).await, 0);
    world.advance(7201).await;
    assert_eq!(errcode(&world, &token).await, 42001);
}

#[tokio::test]
async fn a_second_token_kills_the_first_after_the_overlap() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let first = world.token(&account).await;
    let second = world.token(&account).await;
    assert_ne!(first, second);
    assert_eq!(errcode(&world, &first).await, 0);
    world.advance(301).await;
    assert_eq!(errcode(&world, &first).await, 40001);
    assert_eq!(errcode(&world, &second).await, 0);
}

#[tokio::test]
async fn a_stable_token_is_not_affected() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let stable = world.stable_token(&account, false).await;
    let text = stable["access_token"].as_str().unwrap().to_owned();
    assert_eq!(stable["expires_in"], 7200);
    world.token(&account).await;
    world.token(&account).await;
    world.advance(600).await;
    assert_eq!(errcode(&world, &text).await, 0);
    let again = world.stable_token(&account, false).await;
    assert_eq!(again["access_token"], text);
    assert!(again["expires_in"].as_i64().unwrap() <= 6600);
    world.advance(6400).await;
    let next = world.stable_token(&account, false).await;
    assert_ne!(
        next["access_token"], text,
        "in the last five minutes a new one"
    );
    assert_eq!(errcode(&world, &text).await, 0, "and both work");
}

#[tokio::test]
async fn a_forced_refresh_kills_at_once_and_not_twice_in_thirty_seconds() {
    let world = TestWorld::start().await;
    world.next_morning().await;
    let account = world.account(json!({})).await;
    let text = |value: &Value| value["access_token"].as_str().unwrap().to_owned();
    let first = text(&world.stable_token(&account, false).await);
    let second = text(&world.stable_token(&account, true).await);
    assert_ne!(first, second);
    assert_eq!(errcode(&world, &first).await, 40001);
    assert_eq!(
        text(&world.stable_token(&account, true).await),
        second,
        "too soon: no refresh"
    );
    for _ in 0..19 {
        world.advance(31).await;
        text(&world.stable_token(&account, true).await);
    }
    world.advance(31).await;
    assert_eq!(
        world.stable_token(&account, true).await["errcode"],
        45009,
        "twenty a day"
    );
}

#[tokio::test]
async fn every_wrong_piece_has_its_own_code() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let (appid, secret) = (
        account["appid"].as_str().unwrap(),
        account["secret"].as_str().unwrap(),
    );
    for (query, code) in [
        (
            format!("grant_type=client_credential&appid={appid}&secret=wrong"),
            40125,
        ),
        (
            format!("grant_type=client_credential&appid=wxnobody&secret={secret}"),
            40013,
        ),
        (
            format!("grant_type=client_credential&secret={secret}"),
            41002,
        ),
        (format!("grant_type=client_credential&appid={appid}"), 41004),
        (
            format!("grant_type=other&appid={appid}&secret={secret}"),
            40002,
        ),
    ] {
        let answer = world
            .call(&format!("/cgi-bin/token?{query}"), Value::Null)
            .await;
        assert_eq!(answer["errcode"], code, "{query}: {answer}");
        assert!(
            answer["errmsg"].as_str().unwrap().contains(" rid: "),
            "{answer}"
        );
    }
    let missing = world.call("/cgi-bin/get_api_domain_ip", Value::Null).await;
    assert_eq!(missing["errcode"], 41001, "{missing}");
    assert_eq!(errcode(&world, "abc").await, 40014);
}

#[tokio::test]
async fn the_list_of_addresses_and_the_secret_are_checked() {
    let world = TestWorld::start().await;
    let account = world.account(json!({"ip_whitelist": ["10.0.0.1"]})).await;
    let appid = account["appid"].as_str().unwrap();
    let secret = account["secret"].as_str().unwrap();
    let path = |secret: &str| {
        format!("/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}")
    };
    let answer = world.call(&path(secret), Value::Null).await;
    assert_eq!(answer["errcode"], 40164);
    let text = answer["errmsg"].as_str().unwrap();
    assert!(
        text.starts_with("invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: "),
        "{text}"
    );
    let patch = json!({"ip_whitelist": [], "secret_state": "frozen"});
    world
        .must("PATCH", &format!("/accounts/{appid}"), patch)
        .await;
    assert_eq!(
        world.call(&path(secret), Value::Null).await["errcode"],
        40243
    );
    world
        .must(
            "PATCH",
            &format!("/accounts/{appid}"),
            json!({"secret_state": "active"}),
        )
        .await;
    let token = world.token(&account).await;
    let fresh = world
        .must("POST", &format!("/accounts/{appid}/secret"), json!({}))
        .await;
    assert_eq!(
        world.call(&path(secret), Value::Null).await["errcode"],
        40125
    );
    assert!(world.token(&fresh).await.starts_with("00_SIM"));
    assert_eq!(
        errcode(&world, &token).await,
        0,
        "tokens already issued live on"
    );
}

#[tokio::test]
async fn quotas_are_counted_cleared_and_told() {
    let world = TestWorld::start().await;
    world.next_morning().await;
    let account = world.account(json!({})).await;
    let appid = account["appid"].as_str().unwrap();
    let token = world.token(&account).await;
    let quotas = json!({"/cgi-bin/menu/get": {"limit": 1}});
    world
        .must("PATCH", &format!("/accounts/{appid}/quotas"), quotas)
        .await;
    let menu = format!("/cgi-bin/menu/get?access_token={token}");
    assert_eq!(world.call(&menu, Value::Null).await["errcode"], 46003);
    assert_eq!(world.call(&menu, Value::Null).await["errcode"], 45009);
    let asked = world
        .call(
            &format!("/cgi-bin/openapi/quota/get?access_token={token}"),
            json!({"cgi_path": "/cgi-bin/menu/get"}),
        )
        .await;
    assert_eq!(
        asked["quota"],
        json!({"daily_limit": 1, "used": 1, "remain": 0}),
        "{asked}"
    );
    let clear = format!("/cgi-bin/clear_quota?access_token={token}");
    assert_eq!(
        world.call(&clear, json!({"appid": appid})).await["errcode"],
        0
    );
    assert_eq!(world.call(&menu, Value::Null).await["errcode"], 46003);
    assert_eq!(world.call(&menu, Value::Null).await["errcode"], 45009);
    world.advance(86_400).await;
    let token = world.token(&account).await;
    let menu = format!("/cgi-bin/menu/get?access_token={token}");
    assert_eq!(
        world.call(&menu, Value::Null).await["errcode"],
        46003,
        "a new day"
    );
}

#[tokio::test]
async fn a_call_is_found_by_its_rid() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let refused = world
        .call(
            &format!("/cgi-bin/menu/get?access_token={token}"),
            Value::Null,
        )
        .await;
    let rid = refused["errmsg"]
        .as_str()
        .unwrap()
        .rsplit("rid: ")
        .next()
        .unwrap()
        .to_owned();
    let get = format!("/cgi-bin/openapi/rid/get?access_token={token}");
    let found = world.call(&get, json!({"rid": rid})).await;
    assert!(
        found["request"]["request_url"]
            .as_str()
            .unwrap()
            .contains("/cgi-bin/menu/get"),
        "{found}"
    );
    assert_eq!(
        world.call(&get, json!({"rid": "0-0-0"})).await["errcode"],
        76001
    );
}

#[tokio::test]
async fn counters_are_cleared_by_secret_and_path_by_path() {
    let world = TestWorld::start().await;
    world.next_morning().await;
    let account = world.account(json!({})).await;
    let (appid, secret) = (
        account["appid"].as_str().unwrap(),
        account["secret"].as_str().unwrap(),
    );
    let token = world.token(&account).await;
    let quotas =
        json!({"/cgi-bin/menu/get": {"limit": 1}, "/cgi-bin/get_api_domain_ip": {"limit": 1}});
    world
        .must("PATCH", &format!("/accounts/{appid}/quotas"), quotas)
        .await;
    let menu = format!("/cgi-bin/menu/get?access_token={token}");
    let spent = async |token: &str| {
        world.call(&menu, Value::Null).await;
        let menu = world.call(&menu, Value::Null).await["errcode"].as_i64();
        errcode(&world, token).await;
        (menu, errcode(&world, token).await)
    };
    assert_eq!(spent(&token).await, (Some(45009), 45009));
    let one = format!("/cgi-bin/openapi/quota/clear?access_token={token}");
    let cleared = world
        .call(&one, json!({"cgi_path": "/cgi-bin/menu/get"}))
        .await;
    assert_eq!(cleared["errcode"], 0, "{cleared}");
    assert_eq!(world.call(&menu, Value::Null).await["errcode"], 46003);
    assert_eq!(
        errcode(&world, &token).await,
        45009,
        "the other path stays spent"
    );
    let all = format!("/cgi-bin/clear_quota/v2?appid={appid}&appsecret={secret}");
    let cleared = world
        .call(&all, json!({"appid": appid, "appsecret": secret}))
        .await;
    assert_eq!(cleared["errcode"], 0, "{cleared}");
    assert_eq!(errcode(&world, &token).await, 0);
}
