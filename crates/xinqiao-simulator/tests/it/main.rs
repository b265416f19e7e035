//! The simulator over real HTTP: what the contract promises and what the platform does.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod account;
mod alarms;
mod auto_replies;
mod bad_input;
mod bills;
mod book;
mod callbacks;
mod causes;
mod client_certificate;
mod combined;
mod comments;
mod complaints;
mod component_login;
mod components;
mod control;
mod coupon_uses;
mod coupons;
mod custom_messages;
mod data_cube;
mod determinism;
mod drafts;
mod endpoints;
mod explorer;
mod fallback;
mod groups;
mod identity;
mod js_sdk;
mod kept_files;
mod kept_worlds;
mod kf_sessions;
mod ledger;
mod location;
mod mass;
mod material;
mod menus;
mod mini_login;
mod mistakes;
mod notices;
mod open_accounts;
mod pages;
mod pay_v2;
mod pay_v3;
mod persistence;
mod providers;
mod publishing;
mod push_faults;
mod qr_codes;
mod quotas;
mod refunds;
mod resend;
mod rights;
mod rights_table;
mod sharing;
mod shop;
mod short_keys;
mod tags;
mod templates;
mod till;
mod tokens;
mod transfers;
mod web_login;
mod website_login;
mod work;

use serde_json::{Value, json};
use xinqiao_testkit::{TestApp, TestWorld};

/// A verified service account in this mode with a follower, connected to an app.
async fn connected(world: &TestWorld, mode: &str) -> (Value, String, TestApp) {
    connected_of(world, "service", mode).await
}

/// The same of an account of this kind.
async fn connected_of(world: &TestWorld, kind: &str, mode: &str) -> (Value, String, TestApp) {
    let account = world.account(json!({"kind": kind, "mode": mode})).await;
    let appid = account["appid"].as_str().unwrap().to_owned();
    let app = TestApp::start().await;
    let saved = json!({"url": app.url});
    world
        .must("PUT", &format!("/accounts/{appid}/callback"), saved)
        .await;
    let user = world.user("小林").await;
    world
        .act(&user, json!({"do": "follow", "account": appid}))
        .await;
    (account, user, app)
}

fn appid(account: &Value) -> &str {
    account["appid"].as_str().unwrap()
}

/// A passive text reply, as an app writes it in plain mode.
fn text_reply(to: &str, from: &str, content: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[{to}]]></ToUserName><FromUserName><![CDATA[{from}]]></FromUserName>\
         <CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType>\
         <Content><![CDATA[{content}]]></Content></xml>"
    )
}

/// The text of an element in a push.
fn element<'x>(xml: &'x str, name: &str) -> &'x str {
    let start = xml.find(&format!("<{name}>")).map(|at| at + name.len() + 2);
    let Some(start) = start else { return "" };
    let end = xml[start..]
        .find(&format!("</{name}>"))
        .map_or(xml.len(), |at| start + at);
    xml[start..end]
        .trim_start_matches("<![CDATA[")
        .trim_end_matches("]]>")
}

/// Answers every message with a text, in plain mode.
fn echo(app: &TestApp) {
    app.otherwise(|push| {
        let (to, from) = (
            element(&push.body, "FromUserName"),
            element(&push.body, "ToUserName"),
        );
        let said = element(&push.body, "Content");
        xinqiao_testkit::Told::body(text_reply(to, from, &format!("你说 {said}")))
    });
}

/// What the app was told of an event, oldest first, once it came so often: pushes are carried out after a call's turn.
async fn events(app: &TestApp, event: &str, times: usize) -> Vec<String> {
    for _ in 0..500 {
        let pushes = app.pushes();
        let told: Vec<String> = { pushes.into_iter() }
            .map(|push| push.body)
            .filter(|body| element(body, "Event") == event)
            .collect();
        if told.len() >= times {
            return told;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("{event} did not come {times} times");
}
