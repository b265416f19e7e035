//! What the timeline says that a row follows from.

use std::time::Duration;

use serde_json::{Value, json};
use xinqiao_testkit::{Options, TestApp, TestWorld, Told};

use crate::{appid, connected};

/// A world in which an app may take its five seconds.
async fn patient() -> TestWorld {
    let mut options = Options::default();
    options.attempt_timeout = Duration::from_secs(5);
    TestWorld::start_with(options).await
}

/// An answer that is still to come when the test is over.
fn slow() -> Told {
    Told::body("success").after(Duration::from_secs(4))
}

/// Waits until the app has got so many pushes.
async fn pushed(app: &TestApp, count: usize) {
    while app.pushes().len() < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn rows(world: &TestWorld) -> Vec<Value> {
    let rows = world.get("/timeline").await;
    rows["items"].as_array().unwrap().clone()
}

/// The cause of the latest act whose title has these words.
#[track_caller]
pub(crate) fn act(rows: &[Value], words: &str) -> Value {
    let titled = |row: &&Value| row["title"]["zh"].as_str().unwrap().contains(words);
    let act = { rows.iter().rev() }.find(|row| row["kind"] == "act" && titled(row));
    let cause = act.unwrap_or_else(|| panic!("no act {words}"))["cause"].clone();
    assert_ne!(cause, "");
    cause
}

/// The cause of the latest call of this path.
#[track_caller]
pub(crate) fn call(rows: &[Value], path: &str) -> Value {
    let call = { rows.iter().rev() }.find(|row| row["call"]["path"] == path);
    call.unwrap_or_else(|| panic!("no call of {path}"))["cause"].clone()
}

const SEND: &str = "/cgi-bin/message/custom/send";

/// A customer message of an account to an openid.
async fn write(world: &TestWorld, account: &Value, openid: &str) -> Value {
    let token = world.token(account).await;
    let text = json!({"touser": openid, "msgtype": "text", "text": {"content": "好了"}});
    world
        .call(&format!("{SEND}?access_token={token}"), text)
        .await
}

async fn openid(world: &TestWorld, user: &str, account: &Value) -> String {
    let person = world.get(&format!("/users/{user}")).await;
    let openid = person["openids"][appid(account)].as_str();
    openid.unwrap().to_owned()
}

#[tokio::test]
async fn a_slow_answer_stands_with_the_message_that_it_answers() {
    let world = patient().await;
    let (account, user, app) = connected(&world, "plain").await;
    let openid = openid(&world, &user, &account).await;
    app.next(slow());
    let say = json!({
        "do": "send", "account": appid(&account), "wait": false,
        "message": {"type": "text", "content": "慢"},
    });
    world.act(&user, say).await;
    pushed(&app, 2).await;
    world.say(&user, appid(&account), "快").await;
    assert_eq!(write(&world, &account, &openid).await["errcode"], 0);
    let rows = rows(&world).await;
    assert_eq!(call(&rows, SEND), act(&rows, "慢"));
    assert_ne!(act(&rows, "慢"), act(&rows, "快"));
    let said = rows.iter().rfind(|row| row["kind"] == "reply").unwrap();
    assert_eq!(
        said["cause"],
        act(&rows, "慢"),
        "what the call shows stands with it"
    );
}

#[tokio::test]
async fn what_an_app_calls_while_it_handles_a_push_follows_from_it() {
    let world = patient().await;
    let (account, user, app) = connected(&world, "plain").await;
    app.next(slow());
    let menu = json!({
        "do": "send", "account": appid(&account), "wait": false,
        "message": {"type": "text", "content": "菜单"},
    });
    world.act(&user, menu).await;
    pushed(&app, 2).await;
    // It names no person: the only push that the account is handling explains it.
    let token = world.token(&account).await;
    world
        .call(
            &format!("/cgi-bin/menu/get?access_token={token}"),
            Value::Null,
        )
        .await;
    let mut shown = rows(&world).await;
    assert_eq!(call(&shown, "/cgi-bin/menu/get"), act(&shown, "菜单"));
    // With pushes of two acts under way nobody can tell.
    let other = world.user("阿明").await;
    let follow = json!({"do": "follow", "account": appid(&account), "wait": false});
    app.next(slow());
    world.act(&other, follow).await;
    pushed(&app, 3).await;
    world
        .call(
            &format!("/cgi-bin/menu/get?access_token={token}"),
            Value::Null,
        )
        .await;
    shown = rows(&world).await;
    assert_eq!(call(&shown, "/cgi-bin/menu/get"), "");
}

#[tokio::test]
async fn a_call_never_follows_from_an_act_with_another_account() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let other = world.account(json!({"kind": "service"})).await;
    world.say(&user, appid(&account), "你好").await;
    let foreign = openid(&world, &user, &account).await;
    assert_ne!(write(&world, &other, &foreign).await["errcode"], 0);
    let rows = rows(&world).await;
    assert_eq!(call(&rows, SEND), "");
}

#[tokio::test]
async fn an_act_explains_what_comes_soon_after_it_and_nothing_later() {
    let world = TestWorld::start().await;
    world.must("POST", "/clock", json!({"freeze": true})).await;
    let (account, user, _app) = connected(&world, "plain").await;
    let openid = openid(&world, &user, &account).await;
    world.say(&user, appid(&account), "你好").await;
    world.advance(299).await;
    write(&world, &account, &openid).await;
    let mut shown = rows(&world).await;
    assert_eq!(call(&shown, SEND), act(&shown, "你好"));
    world.advance(2).await;
    write(&world, &account, &openid).await;
    shown = rows(&world).await;
    assert_eq!(call(&shown, SEND), "");
}

#[tokio::test]
async fn a_triggered_event_explains_the_call_that_answers_it() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let openid = openid(&world, &user, &account).await;
    let event = json!({"account": appid(&account), "user": user, "event": "SCAN"});
    world.must("POST", "/trigger", event).await;
    write(&world, &account, &openid).await;
    let rows = rows(&world).await;
    assert_eq!(call(&rows, SEND), act(&rows, "触发事件"));
}

#[tokio::test]
async fn the_attempts_of_a_push_that_no_act_began_have_one_cause() {
    let world = patient().await;
    let component = world.account(json!({"kind": "component"})).await;
    let app = TestApp::start().await;
    for _ in 0..2 {
        app.next(Told::status(500));
    }
    app.next(slow());
    let path = format!("/accounts/{}/callback", appid(&component));
    world.must("PUT", &path, json!({"url": app.url})).await;
    pushed(&app, 3).await;
    let token = "/cgi-bin/component/api_component_token";
    let body = json!({
        "component_appid": appid(&component),
        "component_appsecret": component["secret"],
        "component_verify_ticket": "none",
    });
    world.call(token, body).await;
    let rows = rows(&world).await;
    let pushes: Vec<&Value> = { rows.iter() }
        .filter(|row| row["callback"]["msg_type"] == "component_verify_ticket")
        .map(|row| &row["cause"])
        .collect();
    assert_eq!(pushes.len(), 3);
    assert_eq!(pushes[0], "d1");
    assert!(pushes.iter().all(|cause| *cause == pushes[0]), "{pushes:?}");
    assert_eq!(
        &call(&rows, token),
        pushes[0],
        "it calls while it handles the ticket"
    );
}

#[tokio::test]
async fn what_a_platform_calls_for_a_grant_follows_from_it() {
    let world = patient().await;
    let component = world.account(json!({"kind": "component"})).await;
    let account = world.account(json!({"name": "桥头"})).await;
    let app = TestApp::start().await;
    let path = format!("/accounts/{}/callback", appid(&component));
    world.must("PUT", &path, json!({"url": app.url})).await;
    pushed(&app, 1).await;
    app.next(slow());
    let path = format!("/accounts/{}/authorizations", appid(&component));
    let grant = json!({"account": appid(&account), "wait": false});
    world.must("POST", &path, grant).await;
    pushed(&app, 2).await;
    let token = "/cgi-bin/component/api_component_token";
    let body = json!({
        "component_appid": appid(&component),
        "component_appsecret": component["secret"],
        "component_verify_ticket": "none",
    });
    world.call(token, body).await;
    let rows = rows(&world).await;
    assert_eq!(call(&rows, token), act(&rows, "授权"));
}
