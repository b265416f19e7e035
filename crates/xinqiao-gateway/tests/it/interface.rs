//! The gateway's own interface.

use serde_json::json;

use crate::fake::*;

#[tokio::test]
async fn the_map_names_every_host_once_and_is_open() {
    let (platform, _) = platform().await;
    let gateway = start(config(&platform, None)).await;
    let map = get(&format!("{}/v1/endpoints", gateway.origin()))
        .await
        .json();
    assert_eq!(map["endpoints"], json!(gateway.endpoints()));
    for host in [
        "api.weixin.qq.com",
        "qyapi.weixin.qq.com",
        "api.mch.weixin.qq.com",
        "open.weixin.qq.com",
        "mp.weixin.qq.com",
    ] {
        assert!(
            map["endpoints"][host]
                .as_str()
                .unwrap()
                .starts_with("http://127.0.0.1:"),
            "{host}"
        );
    }
    assert_eq!(
        get(&format!("{}/healthz", gateway.origin())).await.json(),
        json!({"status": "ok"})
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn keys_are_issued_shown_once_and_listed_without_the_key() {
    let (platform, _) = platform().await;
    let gateway = start(config(&platform, None)).await;
    let url = format!("{}/v1/keys", gateway.origin());
    let issued = got(client()
        .post(&url)
        .body(json!({"app": "shop", "accounts": [APPID]}).to_string()))
    .await;
    assert_eq!(issued.status, 201, "{}", issued.text());
    let key = issued.json()["key"].as_str().unwrap().to_owned();
    assert!(key.starts_with("xqk_") && key.len() == 36, "{key}");
    let listed = get(&url).await;
    assert_eq!(listed.json()["items"][0]["app"], "shop");
    assert!(!listed.text().contains(&key));
    for (body, word) in [
        (json!({"app": "a b"}), "name"),
        (json!({"app": "a", "accounts": ["wxnobody"]}), "wxnobody"),
        (json!({"ap": "a"}), "unknown field"),
    ] {
        let refused = got(client().post(&url).body(body.to_string())).await;
        assert_eq!(refused.status, 400);
        assert!(refused.text().contains(word), "{}", refused.text());
    }
    gateway.shutdown().await;
}

#[tokio::test]
async fn events_and_deliveries_are_listed_and_one_is_shown() {
    let (platform, _) = platform().await;
    let (app_server, _) = app([Say::Success]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    for id in 1..=3 {
        push(&gateway, &text_message(id, "x")).await;
    }
    let url = format!("{}/v1/events?limit=2", gateway.origin());
    let page = get(&url).await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    let next = get(&format!("{url}&after={}", page["next"].as_str().unwrap()))
        .await
        .json();
    assert_eq!(next["items"].as_array().unwrap().len(), 1);
    let id = next["items"][0]["id"].as_str().unwrap();
    let event = get(&format!("{}/v1/events/{id}", gateway.origin()))
        .await
        .json();
    assert_eq!(
        (&event["kind"], &event["account"]),
        (&json!("text"), &json!(APPID))
    );
    assert_eq!(event["body"], text_message(3, "x"));
    assert_eq!(event["deliveries"][0]["app"], "shop");
    assert_eq!(
        get(&format!("{}/v1/events/nonsense", gateway.origin()))
            .await
            .status,
        400
    );
    assert_eq!(
        get(&format!("{}/v1/events/evt-1-1", gateway.origin()))
            .await
            .status,
        404
    );
    let metrics = get(&format!("{}/metrics", gateway.origin())).await.text();
    assert!(
        metrics.contains("xinqiao_callbacks_total{outcome=\"new\"} 3"),
        "{metrics}"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_delivery_can_be_repeated_by_hand() {
    let (platform, _) = platform().await;
    let (app_server, app) = app([Say::Success]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    push(&gateway, &text_message(1, "x")).await;
    let done = until(async || {
        deliveries(&gateway)
            .await
            .first()
            .filter(|d| d["state"] == "delivered")
            .cloned()
    })
    .await;
    let url = format!(
        "{}/v1/deliveries/{}/retry",
        gateway.origin(),
        done["id"].as_str().unwrap()
    );
    assert_eq!(post(&url, "").await.status, 202);
    until(async || (app.lock().unwrap().pushes.len() == 2).then_some(())).await;
    gateway.shutdown().await;
}

#[tokio::test]
async fn strangers_are_kept_out() {
    let (platform, _) = platform().await;
    let gateway = start(config(&platform, None)).await;
    let url = format!("{}/v1/accounts", gateway.origin());
    assert_eq!(got(client().get(&url)).await.status, 200);
    assert_eq!(
        got(client().get(&url).header("origin", "https://evil.example"))
            .await
            .status,
        403
    );
    assert_eq!(
        got(client().get(&url).header("host", "evil.example"))
            .await
            .status,
        421
    );
    assert_eq!(
        got(client().get(&url).header("x-forwarded-for", "1.2.3.4"))
            .await
            .status,
        401
    );
    gateway.shutdown().await;

    let mut config = config(&platform, None);
    config.admin.key = Some("admin-key-of-the-tests".into());
    let gateway = start(config).await;
    let url = format!("{}/v1/accounts", gateway.origin());
    assert_eq!(
        got(client().get(&url)).await.status,
        401,
        "loopback is not enough once there is a key"
    );
    assert_eq!(
        got(client().get(&url).bearer_auth("wrong")).await.status,
        401
    );
    assert_eq!(
        got(client().get(&url).bearer_auth("admin-key-of-the-tests"))
            .await
            .status,
        200
    );
    gateway.shutdown().await;
}
