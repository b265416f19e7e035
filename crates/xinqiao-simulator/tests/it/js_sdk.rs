//! The JS-SDK over HTTP: tickets, and pages of an app in a browser that is somebody's phone.

use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

async fn ticket(world: &TestWorld, token: &str, what: &str) -> Value {
    let path = format!("/cgi-bin/ticket/getticket?access_token={token}&type={what}");
    world.call(&path, Value::Null).await
}

#[tokio::test]
async fn a_ticket_stays_the_same_until_shortly_before_its_end() {
    let world = TestWorld::start().await;
    let account = world.account(json!({"kind": "service"})).await;
    let token = world.token(&account).await;
    let first = ticket(&world, &token, "jsapi").await;
    assert_eq!(first["errcode"], 0, "{first}");
    assert_eq!(first["expires_in"], 7200);
    assert_eq!(first["ticket"].as_str().unwrap().len(), 86);
    let of_cards = ticket(&world, &token, "wx_card").await;
    assert_ne!(of_cards["ticket"], first["ticket"]);
    world.advance(6000).await;
    let same = ticket(&world, &token, "jsapi").await;
    assert_eq!(same["ticket"], first["ticket"]);
    assert_eq!(same["expires_in"], 1200);
    world.advance(1000).await;
    let next = ticket(&world, &token, "jsapi").await;
    assert_ne!(next["ticket"], first["ticket"]);
    assert_eq!(next["expires_in"], 7200);
}

#[tokio::test]
async fn tickets_of_cards_need_their_right_and_types_are_known() {
    let world = TestWorld::start().await;
    let account = world
        .account(json!({"kind": "subscription", "verified": false}))
        .await;
    let token = world.token(&account).await;
    assert_eq!(ticket(&world, &token, "jsapi").await["errcode"], 0);
    assert_eq!(ticket(&world, &token, "wx_card").await["errcode"], 48001);
    for wrong in ["2", "agent_config"] {
        assert_eq!(ticket(&world, &token, wrong).await["errcode"], 40097);
    }
}
