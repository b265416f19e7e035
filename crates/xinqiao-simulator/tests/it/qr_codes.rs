use serde_json::{Value, json};

use crate::{
    account::{Connected, is_connected},
    appid, element,
};

/// An account with codes, and the app that hears who scans them.
struct Poster(Connected);
is_connected!(Poster);

impl Poster {
    async fn open() -> Self {
        Self(Connected::open().await)
    }

    async fn create(&self, body: Value) -> Value {
        self.call("qrcode/create", body).await
    }

    async fn code(&self, action: &str, scene: Value) -> Value {
        let body = json!({"action_name": action, "action_info": {"scene": scene}});
        self.create(body).await
    }

    /// What comes of a scan.
    async fn scan(&self, user: &str, ticket: &Value) -> (u16, Value) {
        let act = json!({"do": "scan", "account": appid(&self.account), "ticket": ticket});
        let path = format!("/users/{user}/actions");
        self.world.control("POST", &path, act).await
    }

    fn pushed(&self) -> String {
        self.app.pushes().last().unwrap().body.clone()
    }

    async fn info(&self, user: &str) -> Value {
        let path = format!("user/info?openid={}", self.openid(user).await);
        self.call(&path, Value::Null).await
    }
}

#[tokio::test]
async fn a_code_is_scanned_and_the_event_says_its_scene() {
    let poster = Poster::open().await;
    let code = poster
        .code("QR_STR_SCENE", json!({"scene_str": "门店"}))
        .await;
    assert_eq!(code["expire_seconds"], 60, "{code}");
    let ticket = &code["ticket"];
    assert_eq!(poster.scan(&poster.user, ticket).await.0, 200);
    let push = poster.pushed();
    assert_eq!(element(&push, "Event"), "SCAN");
    assert_eq!(element(&push, "EventKey"), "门店");
    assert_eq!(element(&push, "Ticket"), ticket.as_str().unwrap());
    let number = poster.code("QR_LIMIT_SCENE", json!({"scene_id": 7})).await;
    assert_eq!(number.get("expire_seconds"), None, "{number}");

    let stranger = poster.world.user("小周").await;
    assert_eq!(poster.scan(&stranger, &number["url"]).await.0, 200);
    let push = poster.pushed();
    assert_eq!(element(&push, "Event"), "subscribe");
    assert_eq!(element(&push, "EventKey"), "qrscene_7");
    let info = poster.info(&stranger).await;
    assert_eq!(info["subscribe_scene"], "ADD_SCENE_QR_CODE");
    assert_eq!(
        (&info["qr_scene"], &info["qr_scene_str"]),
        (&json!(7), &json!(""))
    );
    let other = poster.world.user("小吴").await;
    poster.scan(&other, ticket).await;
    assert_eq!(poster.info(&other).await["qr_scene_str"], "门店");
    assert_eq!(
        poster.info(&poster.user).await["qr_scene_str"],
        "",
        "followed before"
    );
    // Who follows another way afterwards did not come by the code.
    for verb in ["unfollow", "follow"] {
        let act = json!({"do": verb, "account": appid(&poster.account)});
        poster.world.act(&stranger, act).await;
    }
    assert_eq!(poster.info(&stranger).await["qr_scene"], 0);
}

#[tokio::test]
async fn temporary_codes_end_and_permanent_ones_are_one_a_scene() {
    let poster = Poster::open().await;
    let scene = json!({"scene": {"scene_id": 1}});
    let asked =
        json!({"action_name": "QR_SCENE", "expire_seconds": 604_800_000, "action_info": scene});
    assert_eq!(poster.create(asked).await["expire_seconds"], 2_592_000);
    let asked = json!({"action_name": "QR_SCENE", "expire_seconds": 100, "action_info": scene});
    let short = poster.create(asked).await;
    let long = poster
        .code("QR_LIMIT_STR_SCENE", json!({"scene_str": "7"}))
        .await;
    let again = poster
        .code("QR_LIMIT_STR_SCENE", json!({"scene_str": "7"}))
        .await;
    let number = poster.code("QR_LIMIT_SCENE", json!({"scene_id": 7})).await;
    assert_eq!(long["ticket"], again["ticket"]);
    assert_ne!(long["ticket"], number["ticket"]);
    let path = format!("/accounts/{}/qr_codes", appid(&poster.account));
    let listed = poster.world.get(&path).await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 4, "{listed}");
    assert_eq!(poster.scan(&poster.user, &short["ticket"]).await.0, 200);
    poster.world.advance(100).await;
    assert_eq!(poster.scan(&poster.user, &short["ticket"]).await.0, 422);
    assert_eq!(poster.scan(&poster.user, &long["ticket"]).await.0, 200);
    assert_eq!(poster.scan(&poster.user, &json!("gQ")).await.0, 422);
}

#[tokio::test]
async fn a_scene_fits_its_action() {
    let poster = Poster::open().await;
    for (action, scene) in [
        ("QR_SCENE", json!({"scene_id": 0})),
        ("QR_SCENE", json!({"scene_str": "x"})),
        ("QR_LIMIT_SCENE", json!({"scene_id": 100_001})),
        ("QR_STR_SCENE", json!({"scene_str": ""})),
        ("QR_STR_SCENE", json!({"scene_str": "字".repeat(65)})),
        ("QR_OTHER", json!({"scene_id": 1})),
    ] {
        let refused = poster.code(action, scene).await;
        assert_eq!(refused["errcode"], 40053, "{action}: {refused}");
    }
    let longest = json!({"scene_str": "字".repeat(64)});
    assert!(poster.code("QR_STR_SCENE", longest).await["ticket"].is_string());
}
