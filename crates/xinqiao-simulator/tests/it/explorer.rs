//! What the console's pages ask for: the catalog as forms, calls from there, an account's rights and counters.

use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

fn named<'v>(fields: &'v Value, name: &str) -> &'v Value {
    let fields = fields.as_array().unwrap();
    { fields.iter() }
        .find(|field| field["name"] == name)
        .unwrap()
}

#[tokio::test]
async fn every_endpoint_of_the_catalog_is_told_with_its_fields() {
    let world = TestWorld::start().await;
    let products = world.get("/catalog").await;
    let mut told = 0;
    for product in products["items"].as_array().unwrap() {
        let name = product["product"].as_str().unwrap();
        let list = world.get(&format!("/catalog/{name}")).await;
        let endpoints = list["items"].as_array().unwrap();
        assert!(!endpoints.is_empty(), "{name}");
        told += endpoints.len();
        let first = endpoints[0]["id"].as_str().unwrap();
        let one = world.get(&format!("/catalog/endpoints/{first}")).await;
        assert_eq!(one["id"], first);
        assert!(one["response"].is_array());
    }
    let all: usize = { xinqiao_catalog::Product::ALL.iter() }
        .map(|product| xinqiao_catalog::endpoints(*product).len())
        .sum();
    assert_eq!(told, all);
    let send = world
        .get("/catalog/endpoints/official_account.message.custom.send")
        .await;
    assert_eq!(send["fidelity"], "stateful");
    assert!(
        send["origin"]
            .as_str()
            .unwrap()
            .starts_with("http://127.0.0.1")
    );
    let to = named(&send["request"], "touser");
    assert_eq!(
        (&to["type"], &to["required"]),
        (&json!("string"), &json!(true))
    );
    assert!(!to["meaning"]["zh"].as_str().unwrap().is_empty());
    // A union is told by its tag, and each body with its fields.
    let kinds = named(&send["request"], "msgtype")["values"]
        .as_array()
        .unwrap();
    assert!(kinds.iter().any(|kind| kind["value"] == "text"));
    named(&named(&send["request"], "text")["fields"], "content");
    let (status, answer) = world
        .control("GET", "/catalog/endpoints/no.such", Value::Null)
        .await;
    assert_eq!(status, 404, "{answer}");
}

#[tokio::test]
async fn a_call_from_the_console_has_a_token_that_kills_no_other() {
    let world = TestWorld::start().await;
    let account = world.account(json!({"kind": "service"})).await;
    let appid = &account["appid"];
    let own = world.token(&account).await;
    let menu = json!({"button": [{"type": "click", "name": "今日", "key": "K"}]});
    let wanted = json!({
        "endpoint": "official_account.menu.create", "account": appid, "body": menu.to_string(),
    });
    let made = world.must("POST", "/call", wanted).await;
    assert_eq!(made["status"], 200, "{made}");
    assert_eq!(
        serde_json::from_str::<Value>(made["body"].as_str().unwrap()).unwrap()["errcode"],
        0
    );
    let got = json!({"endpoint": "official_account.menu.get", "account": appid});
    let got = world.must("POST", "/call", got).await;
    assert!(got["body"].as_str().unwrap().contains("今日"), "{got}");
    assert!(got["url"].as_str().unwrap().contains("access_token="));
    // The app's own token lives on, and the call stands in the timeline with who made it.
    let path = format!("/cgi-bin/menu/get?access_token={own}");
    assert!(world.call(&path, Value::Null).await["menu"].is_object());
    let timeline = world.get("/timeline?after=0").await.to_string();
    assert!(timeline.contains("xinqiao-console"));
}

#[tokio::test]
async fn what_the_console_cannot_call_is_refused_with_its_reason() {
    let world = TestWorld::start().await;
    for (endpoint, status, says) in [
        ("official_account.menu.get", 400, "account"),
        ("no.such", 404, "no.such"),
        ("pay_v3.combine_transactions.create_jsapi", 422, "signs"),
        (
            "open_platform.component.api_create_pre_auth_code",
            422,
            "query.access_token",
        ),
    ] {
        let (got, answer) = { world.control("POST", "/call", json!({"endpoint": endpoint})) }.await;
        assert_eq!(got, status, "{endpoint}: {answer}");
        assert!(
            answer["error"]["message"].as_str().unwrap().contains(says),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn rights_and_counters_of_an_account_are_told() {
    let world = TestWorld::start().await;
    let account = { world.account(json!({"kind": "subscription", "verified": false})) }.await;
    let path = format!("/accounts/{}", account["appid"].as_str().unwrap());
    let rights = world.get(&format!("{path}/rights")).await;
    let custom = |rights: &Value| {
        let items = rights["items"].as_array().unwrap();
        { items.iter() }
            .find(|row| row["id"] == "msg.custom")
            .unwrap()
            .clone()
    };
    let before = custom(&rights);
    assert_eq!(
        (&before["allowed"], &before["table"]),
        (&json!(false), &json!("no"))
    );
    assert!(!before["why"]["zh"].as_str().unwrap().is_empty());
    assert!({ before["calls"].as_array().unwrap().iter() }.all(|call| call["code"] == 48001));
    world
        .must("PATCH", &path, json!({"permissions": {"msg.custom": true}}))
        .await;
    let after = custom(&world.get(&format!("{path}/rights")).await);
    assert_eq!(
        (&after["allowed"], &after["switched"]),
        (&json!(true), &json!(true))
    );
    assert!({ after["calls"].as_array().unwrap().iter() }.any(|call| call["code"].is_null()));

    let token = world.token(&account).await;
    world
        .call(
            &format!("/cgi-bin/getcallbackip?access_token={token}"),
            Value::Null,
        )
        .await;
    let quotas = world.get(&format!("{path}/quotas")).await;
    let counters = quotas["items"].as_array().unwrap();
    assert!(
        counters.iter().any(|own| own["used"].as_u64().unwrap() > 0),
        "{quotas}"
    );
    assert!(
        counters
            .iter()
            .all(|own| own["limit"].as_u64().unwrap() > 0)
    );
}
