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
        .header("content-type", "application/json")
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
        let refused = got(client()
            .post(&url)
            .header("content-type", "application/json")
            .body(body.to_string()))
        .await;
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
async fn a_list_takes_what_it_knows_and_names_what_it_does_not() {
    let (platform, _) = platform().await;
    let (app_server, _) = app([Say::Success]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    push(&gateway, &text_message(1, "x")).await;
    let ask = async |path: &str| get(&format!("{}/v1/{path}", gateway.origin())).await;
    let encoded = format!("%{:x}{}", APPID.as_bytes()[0], &APPID[1..]);
    for (path, count) in [
        (format!("deliveries?account={APPID}"), 1),
        (format!("deliveries?account={encoded}&after="), 1),
        (format!("events?account={encoded}&limit=1000"), 1),
        ("deliveries?account=wxother".to_owned(), 0),
        ("events?account=wxother".to_owned(), 0),
    ] {
        let items = ask(&path).await.json()["items"].clone();
        assert_eq!(items.as_array().unwrap().len(), count, "{path}");
    }
    for (path, word) in [
        ("events?acount=x", "acount"),
        ("events?event=x", "event"),
        ("events?limit=0", "limit"),
        ("deliveries?limit=1001", "limit"),
        ("deliveries?limit=x", "limit"),
        ("deliveries?after=x", "after"),
        ("deliveries?account=a&account=b", "twice"),
    ] {
        let got = ask(path).await;
        assert_eq!(got.status, 400, "{path}");
        assert!(got.text().contains(word), "{path}: {}", got.text());
    }
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

const ADMIN: [&str; 8] = [
    "/",
    "/metrics",
    "/v1",
    "/v1/endpoints",
    "/v1/accounts",
    "/v1/events",
    "/v1/keys",
    "/v1/x",
];

async fn new_key(origin: &str, content_type: &str, key: &str) -> Got {
    let request = client()
        .post(format!("{origin}/v1/keys"))
        .header("content-type", content_type)
        .body(json!({"app": "shop"}).to_string());
    got(match key {
        "" => request,
        key => request.bearer_auth(key),
    })
    .await
}

#[tokio::test]
async fn administration_is_not_on_the_first_port_without_a_key() {
    let (platform, _) = platform().await;
    let gateway = start(config(&platform, None)).await;
    let public = gateway.public_origin();
    assert_ne!(gateway.origin(), public);
    let nothing = get(&format!("{public}/no/such/path")).await;
    assert_eq!(nothing.status, 403);
    for path in ADMIN {
        for forwarded in [None, Some("127.0.0.1")] {
            let mut request = client().get(format!("{public}{path}"));
            if let Some(address) = forwarded {
                request = request
                    .header("x-forwarded-for", address)
                    .header("x-real-ip", address);
            }
            let got = got(request.bearer_auth("")).await;
            assert_eq!(
                (got.status, got.body),
                (403, nothing.body.clone()),
                "{path}"
            );
        }
    }
    let refused = new_key(&public, "application/json", "").await;
    assert_eq!((refused.status, &refused.body), (403, &nothing.body));
    assert_eq!(get(&format!("{public}/healthz")).await.status, 200);
    let ready = get(&format!("{public}/readyz")).await;
    assert_eq!(ready.json(), json!({"status": "ready"}), "and no reasons");
    assert_eq!(
        new_key(&gateway.origin(), "application/json", "")
            .await
            .status,
        201
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn administrations_own_port_is_not_for_pages_of_other_sites() {
    let (platform, _) = platform().await;
    let gateway = start(config(&platform, None)).await;
    let url = format!("{}/v1/accounts", gateway.origin());
    assert_eq!(got(client().get(&url)).await.status, 200);
    let page = client().get(&url).header("origin", "https://evil.example");
    assert_eq!(got(page).await.status, 403);
    let rebound = client().get(&url).header("host", "evil.example");
    assert_eq!(got(rebound).await.status, 421);
    for form in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "image/png",
    ] {
        assert_eq!(
            new_key(&gateway.origin(), form, "").await.status,
            415,
            "{form}"
        );
    }
    gateway.shutdown().await;
}

#[tokio::test]
async fn with_a_key_administration_is_for_whoever_brings_it() {
    const KEY: &str = "admin-key-of-the-tests-24+";
    const READ: &str = "read-key-of-the-tests-24++";
    let (platform, _) = platform().await;
    let mut config = config(&platform, None);
    config.admin.key = Some(KEY.into());
    config.admin.read_key = Some(READ.into());
    let gateway = start(config).await;
    let origin = gateway.public_origin();
    assert_eq!(gateway.origin(), origin, "it has no port of its own");
    let ask = async |path: &str, key: &str| {
        let request = client().get(format!("{origin}{path}"));
        got(request.bearer_auth(key)).await.status
    };
    for path in ADMIN {
        assert_eq!(ask(path, "wrong").await, 403, "{path}");
        assert_eq!(ask(path, "").await, 403, "{path}");
    }
    assert_eq!(ask("/v1/accounts", KEY).await, 200);
    for path in [
        "/metrics",
        "/readyz",
        "/v1/accounts",
        "/v1/events",
        "/v1/keys",
    ] {
        assert_eq!(ask(path, READ).await, 200, "{path}");
    }
    assert_eq!(
        ask("/v1/events/evt-1-1", READ).await,
        403,
        "what users wrote"
    );
    assert_eq!(new_key(&origin, "application/json", READ).await.status, 403);
    assert_eq!(new_key(&origin, "text/plain", KEY).await.status, 415);
    assert_eq!(new_key(&origin, "application/json", KEY).await.status, 201);
    let ready = got(client().get(format!("{origin}/readyz")).bearer_auth(READ)).await;
    assert!(ready.json()["accounts"].is_array(), "{}", ready.text());
    gateway.shutdown().await;
}

#[tokio::test]
async fn who_tries_administration_keys_is_slowed_down() {
    const KEY: &str = "admin-key-of-the-tests-24+";
    let (platform, _) = platform().await;
    let mut config = config(&platform, None);
    config.admin.key = Some(KEY.into());
    let own = xinqiao_gateway::AdminListen::Tcp(([127, 0, 0, 1], 0).into());
    config.admin.listen = Some(own);
    let gateway = start(config).await;
    let client = client();
    let ask = async |key: String| {
        let url = format!("{}/v1/accounts", gateway.origin());
        got(client.get(url).bearer_auth(key)).await.status
    };
    let mut answers = std::collections::BTreeMap::new();
    for number in 0..1000 {
        *answers
            .entry(ask(format!("guess {number}")).await)
            .or_insert(0) += 1;
    }
    assert!(answers[&429] > 500 && answers[&401] >= 100, "{answers:?}");
    assert_eq!(ask(KEY.to_owned()).await, 200, "a right one is taken");
    let public = format!("{}/v1/accounts", gateway.public_origin());
    let asked = async |key: &str| got(client.get(&public).bearer_auth(key)).await;
    let refused = asked("guess").await;
    assert_eq!((refused.status, &*refused.text()), (403, "forbidden\n"));
    assert_eq!(asked(KEY).await.status, 200);
    gateway.shutdown().await;
}

#[tokio::test]
async fn wrong_keys_of_apps_do_not_slow_administration_down() {
    const KEY: &str = "admin-key-of-the-tests-24+";
    let (platform, _) = platform().await;
    let mut config = config(&platform, None);
    config.admin.key = Some(KEY.into());
    let own = xinqiao_gateway::AdminListen::Tcp(([127, 0, 0, 1], 0).into());
    config.admin.listen = Some(own);
    let gateway = start(config).await;
    let wrong = format!("xqk_{}", "B".repeat(32));
    let query = format!("grant_type=client_credential&appid={APPID}&secret={wrong}");
    let url = format!("{}/cgi-bin/token?{query}", api(&gateway));
    // One connection: wrong keys are forgiven with time, and this must be faster.
    let client = client();
    let mut slowed = false;
    for _ in 0..5_000 {
        slowed = got(client.get(&url)).await.status == 429;
        if slowed {
            break;
        }
    }
    assert!(slowed);
    let url = format!("{}/v1/accounts", gateway.origin());
    let ask = async |key: &str| got(client.get(&url).bearer_auth(key)).await.status;
    assert_eq!(ask(KEY).await, 200);
    assert_eq!(
        ask("wrong").await,
        401,
        "administration has an allowance of its own"
    );
    gateway.shutdown().await;
}

#[cfg(unix)]
#[tokio::test]
async fn administration_lives_on_a_socket_of_its_owner() {
    use std::os::unix::fs::PermissionsExt as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let (platform, _) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.socket");
    for _ in 0..2 {
        let mut config = config(&platform, None);
        config.admin.listen = Some(xinqiao_gateway::AdminListen::Unix(path.clone()));
        let gateway = start(config).await;
        assert_eq!(gateway.origin(), gateway.public_origin());
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let mut socket = tokio::net::UnixStream::connect(&path).await.unwrap();
        let request = "GET /v1/accounts HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n";
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 200") && answer.contains(APPID),
            "{answer}"
        );
        gateway.shutdown().await;
        assert!(!path.exists());
        // What a killed process leaves behind is in nobody's way.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_where_the_socket_should_be_is_not_replaced() {
    let (platform, _) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "mine").unwrap();
    let mut config = config(&platform, None);
    config.admin.listen = Some(xinqiao_gateway::AdminListen::Unix(path.clone()));
    let context = xinqiao_gateway::Context::default();
    let refused = xinqiao_gateway::Gateway::start(config, context).await;
    let refused = refused.unwrap_err();
    assert!(refused.to_string().contains("notes.txt"), "{refused}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "mine");
}
