use serde_json::json;
use xinqiao_testkit::TestWorld;

#[tokio::test]
async fn data_is_fetched_by_its_short_key_until_it_ends() {
    let world = TestWorld::start().await;
    let account = world.account(json!({"kind": "service"})).await;
    let token = world.token(&account).await;
    let leave = format!("/cgi-bin/shorten/gen?access_token={token}");
    let fetch = format!("/cgi-bin/shorten/fetch?access_token={token}");
    let left = json!({"long_data": "a=1&b=二", "expire_seconds": 100});
    let key = world.call(&leave, left).await["short_key"].clone();
    assert_eq!(key.as_str().unwrap().len(), 15);
    let named = json!({"short_key": key});
    let told = world.call(&fetch, named.clone()).await;
    assert_eq!(told["long_data"], "a=1&b=二", "{told}");
    let rest = told["expire_seconds"].as_i64().unwrap();
    assert!((1..=100).contains(&rest), "{told}");

    for (data, seconds) in [
        ("x".repeat(4_097), 1),
        ("x".into(), 0),
        ("x".into(), 2_592_001),
    ] {
        let refused = json!({"long_data": data, "expire_seconds": seconds});
        assert_eq!(world.call(&leave, refused).await["errcode"], 40035);
    }
    let other = world.account(json!({"kind": "service"})).await;
    let path = format!(
        "/cgi-bin/shorten/fetch?access_token={}",
        world.token(&other).await
    );
    assert_eq!(world.call(&path, named.clone()).await["errcode"], 40035);
    world.advance(100).await;
    assert_eq!(world.call(&fetch, named).await["errcode"], 40035);
}

#[tokio::test]
async fn links_are_not_shortened_any_more() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let path = format!("/cgi-bin/shorturl?access_token={token}");
    let body = json!({"action": "long2short", "long_url": "https://example.com/long"});
    assert_eq!(world.call(&path, body.clone()).await["errcode"], 45103);
    let own = format!("/accounts/{}", account["appid"].as_str().unwrap());
    let rules = json!({"rules": {"short_url.answer": "long_url"}});
    world.must("PATCH", &own, rules).await;
    let answer = world.call(&path, body).await;
    assert_eq!(answer["short_url"], "https://example.com/long", "{answer}");
}
