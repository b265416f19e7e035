use serde_json::{Value, json};
use xinqiao_simulator::Options;
use xinqiao_testkit::TestWorld;

use crate::{appid, connected, echo};

async fn script(seed: u64) -> String {
    let mut options = Options::default();
    options.seed = seed;
    options.seeded = true;
    let world = TestWorld::start_with(options).await;
    world.must("POST", "/clock", json!({"freeze": true})).await;
    world
        .must("POST", "/clock", json!({"now": 1_800_000_000}))
        .await;
    let (account, user, app) = connected(&world, "plain").await;
    echo(&app);
    world.say(&user, appid(&account), "你好").await;
    let image = json!({"type": "image"});
    world
        .act(
            &user,
            json!({"do": "send", "account": appid(&account), "message": image}),
        )
        .await;
    let token = world.token(&account).await;
    world.stable_token(&account, false).await;
    let menu = json!({"button": [{"type": "click", "name": "a", "key": "A"}]});
    world
        .call(&format!("/cgi-bin/menu/create?access_token={token}"), menu)
        .await;
    world.advance(3600).await;
    world
        .act(
            &user,
            json!({"do": "click", "account": appid(&account), "key": "A"}),
        )
        .await;
    // Where the app listens differs from run to run: take it out of the account before comparing.
    let text = world
        .client()
        .get(format!("{}/export", world.control_base()))
        .send()
        .await
        .unwrap();
    let text = text.text().await.unwrap().replace(&app.url, "http://app/");
    world.shutdown().await;
    text
}

#[tokio::test]
async fn frozen_clock_same_seed_same_script_give_a_byte_equal_export() {
    let (one, two, other) = (script(7).await, script(7).await, script(8).await);
    assert!(one.len() > 1000);
    assert_eq!(one, two);
    assert_ne!(one, other);
}

#[tokio::test]
async fn an_export_can_be_imported() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    echo(&app);
    world.say(&user, appid(&account), "记住").await;
    let export = world
        .client()
        .get(format!("{}/export", world.control_base()));
    let document = export.send().await.unwrap().text().await.unwrap();
    let other = TestWorld::start().await;
    let import = other
        .client()
        .post(format!("{}/import", other.control_base()));
    let answer = import
        .header("content-type", "application/json")
        .body(document.clone())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let inbox = other.inbox(&user, appid(&account)).await;
    assert_eq!(inbox[0]["content"], "你说 记住");
    other.say(&user, appid(&account), "继续").await;
    assert_eq!(other.inbox(&user, appid(&account)).await.len(), 2);
    let (status, answer) = other
        .control("POST", "/import", json!({"format": "cake"}))
        .await;
    assert_eq!(status, 400, "{answer}");
}

#[tokio::test]
async fn a_world_whose_counters_are_at_their_end_is_refused() {
    let world = TestWorld::start().await;
    let (before, user) = (world.get("/users").await, world.user("小林").await);
    let export = world
        .client()
        .get(format!("{}/export", world.control_base()));
    let document = export.send().await.unwrap().text().await.unwrap();
    let mut document: Value = serde_json::from_str(&document).unwrap();
    let counters = &mut document["tables"]["kernel.counters"]["rows"];
    let row = { counters.as_array_mut().unwrap().iter_mut() }.find(|row| row[0] == "user");
    row.unwrap()[1] = json!(u64::MAX);
    let (status, answer) = world.control("POST", "/import", document).await;
    assert_eq!(status, 400, "{answer}");
    assert!(answer.to_string().contains("`user`"), "{answer}");
    assert_ne!(world.get("/users").await, before, "{user} is still there");
    let far = format!("/users?after=u{}", u64::MAX);
    assert_eq!(world.get(&far).await["items"], json!([]));
}

#[tokio::test]
async fn the_same_world_every_day() {
    let (one, two) = (
        TestWorld::start_seeded().await,
        TestWorld::start_seeded().await,
    );
    let (a, b) = (one.get("/accounts").await, two.get("/accounts").await);
    assert_eq!(a, b);
    let names: Vec<&str> = a["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&"桥头咖啡") && names.contains(&"豆子周报"),
        "{names:?}"
    );
    let users = one.get("/users").await;
    assert_eq!(users["items"][0]["nickname"], "小林");
    assert_eq!(users["items"][0]["openids"].as_object().unwrap().len(), 2);
    one.must("POST", "/users", json!({})).await;
    one.must("POST", "/reset", json!({})).await;
    assert_eq!(one.get("/accounts").await, b, "the seeded world comes back");
    assert_eq!(
        one.get("/users").await["items"].as_array().unwrap().len(),
        2
    );
    let empty = TestWorld::start().await;
    empty.account(Value::Null).await;
    empty.must("POST", "/reset", json!({})).await;
    assert_eq!(empty.get("/accounts").await["items"], json!([]));
}
