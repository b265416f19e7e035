use serde_json::{Value, json};
use xinqiao_testkit::{TestApp, TestWorld, Told};

use crate::{appid, connected};

#[tokio::test]
async fn the_root_names_every_host() {
    let world = TestWorld::start().await;
    let about = world.get("/").await;
    for host in [
        "api.weixin.qq.com",
        "qyapi.weixin.qq.com",
        "api.mch.weixin.qq.com",
        "open.weixin.qq.com",
        "mp.weixin.qq.com",
    ] {
        assert!(
            about["endpoints"][host]
                .as_str()
                .unwrap()
                .starts_with("http://"),
            "{about}"
        );
    }
    assert!(about["now"].is_i64());
    assert!(about["version"].is_string());
}

#[tokio::test]
async fn what_is_not_built_says_so() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let actions = format!("/users/{user}/actions");
    for verb in ["login", "profile", "phone", "dance"] {
        let act = json!({"do": verb, "account": appid(&account)});
        let (status, answer) = world.control("POST", &actions, act).await;
        assert_eq!(status, 501, "{verb}: {answer}");
        assert!(
            answer["error"]["message"].as_str().unwrap().contains(verb),
            "{answer}"
        );
    }
    let (status, answer) = world.control("GET", "/nonsense", Value::Null).await;
    assert_eq!(
        (status, &answer["error"]["code"]),
        (404, &json!("unknown_path"))
    );
}

#[tokio::test]
async fn registration_follows_the_rules() {
    let world = TestWorld::start().await;
    world.account(json!({"email": "a@example.com"})).await;
    let (status, _) = world
        .control("POST", "/accounts", json!({"email": "A@example.com"}))
        .await;
    assert_eq!(status, 409);
    let person = json!({"kind": "service", "subject": {"name": "我", "kind": "person"}});
    assert_eq!(world.control("POST", "/accounts", person).await.0, 422);
    let person = json!({"kind": "subscription", "subject": {"name": "我", "kind": "person"}});
    assert_eq!(world.control("POST", "/accounts", person).await.0, 201);
    for bad in [
        json!({"aes_key": "short"}),
        json!({"token": "x"}),
        json!({"kind": "nothing"}),
        json!({"permissions": {"no.such": true}}),
        json!({"rules": {"no.such": 1}}),
    ] {
        let (status, answer) = world.control("POST", "/accounts", bad).await;
        assert_eq!(status, 400, "{answer}");
        assert!(answer["error"]["message"].is_string());
    }
    // A key whose two spare bits are set is taken.
    let key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFz";
    let account = world.account(json!({"aes_key": key})).await;
    assert_eq!(account["aes_key"], key);
    assert!(account["original_id"].as_str().unwrap().starts_with("gh_"));
}

#[tokio::test]
async fn a_handshake_that_fails_stores_nothing() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let path = format!("/accounts/{}/callback", appid(&account));
    let app = TestApp::start().await;
    for (told, rule) in [
        (Told::body("nope"), "handshake.mismatch"),
        (Told::status(404), "callback.status.not_found"),
        (Told::body("<html></html>"), "handshake.html"),
        (Told::body(""), "handshake.empty"),
    ] {
        app.handshake(told);
        let (status, answer) = world
            .control("PUT", &path, json!({"url": app.url, "token": "different1"}))
            .await;
        assert_eq!(status, 422, "{answer}");
        assert_eq!(
            (&answer["verified"], &answer["rule"]),
            (&json!(false), &json!(rule))
        );
        assert!(!answer["reason"].as_str().unwrap().is_empty());
    }
    let (status, answer) = world
        .control("PUT", &path, json!({"url": "http://127.0.0.1:9/wx"}))
        .await;
    assert_eq!(
        (status, &answer["rule"]),
        (422, &json!("callback.refused")),
        "{answer}"
    );
    let (status, answer) = world
        .control("PUT", &path, json!({"url": "http://10.1.2.3/"}))
        .await;
    assert_eq!(
        (status, &answer["rule"]),
        (422, &json!("callback.not_allowed")),
        "{answer}"
    );
    let after = world.get(&format!("/accounts/{}", appid(&account))).await;
    assert_eq!(
        (&after["callback_url"], &after["token"]),
        (&json!(""), &account["token"])
    );
}

#[tokio::test]
async fn the_clock_moves_as_told() {
    let world = TestWorld::start().await;
    let frozen = world.must("POST", "/clock", json!({"freeze": true})).await;
    assert_eq!(frozen["frozen"], true);
    let now = frozen["now"].as_i64().unwrap();
    assert_eq!(
        world.must("POST", "/clock", json!({"advance": 60})).await["now"],
        now + 60
    );
    assert_eq!(
        world.get("/clock").await,
        json!({"now": now + 60, "frozen": true})
    );
    assert_eq!(
        world
            .must("POST", "/clock", json!({"now": 1_295_539_200}))
            .await["now"],
        1_295_539_200
    );
    for bad in [
        json!({}),
        json!({"advance": -1}),
        json!({"advance": "1"}),
        json!({"now": -5}),
        // 1970, the year 9999, a second before the first and after the last.
        json!({"now": 1000}),
        json!({"now": 253_402_300_799_i64}),
        json!({"now": 1_295_539_199}),
        json!({"now": 4_102_416_000_i64}),
        json!({"advance": 253_402_300_799_i64}),
        json!({"now": 4_102_415_000_i64, "advance": 1000}),
    ] {
        assert_eq!(world.control("POST", "/clock", bad).await.0, 400);
    }
}

#[tokio::test]
async fn faults_hit_and_are_used_up() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let path = format!("/cgi-bin/get_api_domain_ip?access_token={token}");
    let fault = json!({"path": "/cgi-bin/get_api_domain_ip", "times": 2, "errcode": -1});
    world.must("POST", "/faults", fault).await;
    for code in [json!(-1), json!(-1), Value::Null] {
        assert_eq!(world.call(&path, Value::Null).await["errcode"], code);
    }
    let fault = json!({"path": "/cgi-bin/get_api_domain_ip", "times": 1, "http_status": 502});
    world.must("POST", "/faults", fault).await;
    let answer = world
        .client()
        .get(format!("{}{path}", world.api()))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 502);
    let fault = json!({"path": "/cgi-bin/get_api_domain_ip", "times": 1, "drop": true});
    let id = world.must("POST", "/faults", fault).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        world
            .client()
            .get(format!("{}{path}", world.api()))
            .send()
            .await
            .is_err()
    );
    assert_eq!(
        world
            .control("DELETE", &format!("/faults/{id}"), Value::Null)
            .await
            .0,
        404
    );
    let both = json!({"path": "/x", "errcode": 1, "drop": true});
    assert_eq!(world.control("POST", "/faults", both).await.0, 400);
}

#[tokio::test]
async fn pages_of_other_sites_are_turned_away() {
    let world = TestWorld::start().await;
    let url = format!("{}/accounts", world.control_base());
    let get = |name: &'static str, value: &'static str| {
        let request = world.client().get(&url).header(name, value);
        async { request.send().await.unwrap().status().as_u16() }
    };
    assert_eq!(get("origin", "https://evil.example").await, 403);
    assert_eq!(get("host", "evil.example").await, 421);
    let form = world
        .client()
        .post(&url)
        .header("content-type", "text/plain")
        .body("{}");
    assert_eq!(form.send().await.unwrap().status(), 415);
}

/// The status of a request that is written byte for byte.
async fn status_of(port: u16, request: String) -> u16 {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer[9..12].parse().unwrap()
}

fn port_of(origin: &str) -> u16 {
    origin.rsplit_once(':').unwrap().1.parse().unwrap()
}

/// Every port with a platform host that it stands for.
fn ports(world: &TestWorld) -> Vec<(u16, &'static str)> {
    let endpoints = world.simulator().endpoints();
    let mut ports = vec![(port_of(&world.simulator().origin()), "api.weixin.qq.com")];
    for host in [
        "api.weixin.qq.com",
        "qyapi.weixin.qq.com",
        "api.mch.weixin.qq.com",
        "open.weixin.qq.com",
    ] {
        ports.push((port_of(&endpoints[host]), host));
    }
    ports
}

#[tokio::test]
async fn a_page_that_rebinds_its_name_is_turned_away_on_every_port() {
    let world = TestWorld::start().await;
    for (port, own) in ports(&world) {
        for host in [
            "evil.example".to_owned(),
            format!("evil.example:{port}"),
            "evil.example.".to_owned(),
            "EVIL.EXAMPLE".to_owned(),
            "localhost.evil.example".to_owned(),
            format!("{own}.evil.example"),
            format!("[2001:db8::1]:{port}"),
            "192.0.2.7".to_owned(),
            "0.0.0.0".to_owned(),
            String::new(),
        ] {
            for path in ["/", "/cgi-bin/token", "/_sim/v1/", "/mmbiz/a/0"] {
                let request =
                    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
                assert_eq!(
                    status_of(port, request).await,
                    421,
                    "{host} {path} on {port}"
                );
            }
        }
        for head in [
            "GET / HTTP/1.0\r\n",
            "GET / HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n",
            "GET / HTTP/1.1\r\nhost: evil.example\r\nhost: localhost\r\n",
            "GET http://evil.example/ HTTP/1.1\r\nhost: localhost\r\n",
        ] {
            let request = format!("{head}connection: close\r\n\r\n");
            assert_eq!(status_of(port, request).await, 421, "{head} on {port}");
        }
        for host in [
            format!("127.0.0.1:{port}"),
            "LOCALHOST.".to_owned(),
            format!("[::1]:{port}"),
            own.to_uppercase(),
            format!("{own}.:443"),
        ] {
            let request = format!(
                "GET /cgi-bin/nothing HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"
            );
            assert_eq!(status_of(port, request).await, 404, "{host} on {port}");
        }
    }
}

#[tokio::test]
async fn a_port_stands_for_its_own_platform_hosts() {
    let world = TestWorld::start().await;
    for (at, (port, _)) in ports(&world).into_iter().enumerate() {
        for (other, (_, host)) in ports(&world).into_iter().enumerate().skip(1) {
            let request = format!("GET /x HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
            let want = if at == 0 || at == other { 404 } else { 421 };
            assert_eq!(status_of(port, request).await, want, "{host} on port {at}");
        }
    }
}

#[tokio::test]
async fn a_page_of_another_site_makes_no_platform_calls() {
    let world = TestWorld::start().await;
    for (port, own) in ports(&world) {
        let head = |method: &str, path: &str, told: &str| {
            format!(
                "{method} {path} HTTP/1.1\r\nhost: {own}\r\n{told}content-type: text/plain\r\n\
                 content-length: 0\r\nconnection: close\r\n\r\n"
            )
        };
        for told in [
            "origin: https://evil.example\r\n",
            "origin: http://localhost:3000\r\n",
            "origin: null\r\n",
            "origin: https://evil.example\r\nsec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\n",
            "sec-fetch-site: cross-site\r\nsec-fetch-mode: no-cors\r\n",
            "sec-fetch-site: cross-site\r\nsec-fetch-mode: navigate\r\n",
            "sec-fetch-site: cross-site\r\nsec-fetch-dest: image\r\n",
        ] {
            for method in ["GET", "POST"] {
                let request = head(method, "/cgi-bin/menu/delete", told);
                assert_eq!(
                    status_of(port, request).await,
                    403,
                    "{method} {told} on {port}"
                );
            }
        }
        let same = format!("origin: https://{own}\r\nsec-fetch-site: same-origin\r\n");
        let typed = "sec-fetch-site: none\r\nsec-fetch-mode: navigate\r\n";
        for told in [same.as_str(), typed, ""] {
            let request = head("GET", "/cgi-bin/nothing", told);
            assert_eq!(status_of(port, request).await, 404, "{told} on {port}");
        }
    }
    // A browser is sent to log in, and shows pictures, wherever it comes from.
    let (port, _) = ports(&world)[4];
    for (path, told) in [
        ("/connect/oauth2/authorize", "sec-fetch-mode: navigate"),
        ("/mmbiz/none/0", "sec-fetch-dest: image"),
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: open.weixin.qq.com\r\nsec-fetch-site: cross-site\r\n{told}\r\n\
             connection: close\r\n\r\n"
        );
        assert_ne!(status_of(port, request).await, 403, "{path}");
    }
}

#[tokio::test]
async fn many_users_and_pages_of_them() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let many = json!({"count": 10_050, "follow": [appid(&account)]});
    let answer = world.must("POST", "/users", many).await;
    assert_eq!(answer, json!({"count": 10_050}));
    let token = world.token(&account).await;
    let path = format!("/cgi-bin/user/get?access_token={token}");
    let page = world.call(&path, Value::Null).await;
    assert_eq!(
        (&page["total"], &page["count"]),
        (&json!(10_050), &json!(10_000))
    );
    let next = page["next_openid"].as_str().unwrap();
    let page = world
        .call(&format!("{path}&next_openid={next}"), Value::Null)
        .await;
    assert_eq!(page["count"], 50);
    let next = page["next_openid"].as_str().unwrap();
    let page = world
        .call(&format!("{path}&next_openid={next}"), Value::Null)
        .await;
    assert_eq!(
        (&page["count"], &page["next_openid"]),
        (&json!(0), &json!(""))
    );
    let users = world.get("/users").await;
    assert_eq!(users["items"].as_array().unwrap().len(), 1000);
}

#[tokio::test]
async fn the_phone_sees_its_chats() {
    let world = TestWorld::start_seeded().await;
    let user = world.get("/users").await["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let chats = world.get(&format!("/users/{user}/chats")).await;
    let chats = chats["items"].as_array().unwrap();
    assert_eq!(chats.len(), 4);
    let folded = chats.iter().filter(|chat| chat["folded"] == true).count();
    assert_eq!(folded, 2, "subscription accounts fold");
    let followed = chats.iter().filter(|chat| chat["followed"] == true).count();
    assert_eq!(followed, 2);
    let dev = world.get("/dev").await;
    assert_eq!(
        (&dev["app"]["state"], &dev["seed"]),
        (&json!("none"), &json!(1))
    );
    assert_eq!(dev["storage"], "memory");
    let upload = world
        .client()
        .post(format!("{}/media", world.control_base()))
        .header("content-type", "image/png")
        .body(b"\x89PNG\r\n\x1a\n".to_vec());
    let stored = upload.send().await.unwrap().text().await.unwrap();
    let stored: Value = serde_json::from_str(&stored).unwrap();
    let url = format!(
        "{}{}",
        world.simulator().origin(),
        stored["url"].as_str().unwrap()
    );
    let bytes = world
        .client()
        .get(url)
        .send()
        .await
        .unwrap()
        .bytes()
        .await
        .unwrap();
    assert_eq!(&bytes[..], b"\x89PNG\r\n\x1a\n");
}

#[tokio::test]
async fn the_stream_resumes() {
    let world = TestWorld::start().await;
    let url = format!("{}/timeline/stream", world.control_base());
    let mut stream = world.client().get(url).send().await.unwrap();
    assert!(
        stream.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/event-stream")
    );
    world.account(json!({})).await;
    let mut text = String::new();
    while !text.contains("event: accounts") {
        let chunk = stream.chunk().await.unwrap().unwrap();
        text.push_str(&String::from_utf8_lossy(&chunk));
    }
    assert!(
        text.contains("event: clock") && text.contains("event: dev"),
        "{text}"
    );
    assert!(text.contains("id: "), "{text}");
}

#[tokio::test]
async fn an_app_that_comes_later_is_connected() {
    let world = TestWorld::start_seeded().await;
    let account = world.simulator().seeded().accounts[0].clone();
    let app = TestApp::start().await;
    let url = app.url.clone();
    app.handshake(Told::status(500));
    world.simulator().connect(&account.appid, &url).await;
    let mut state = String::new();
    for _ in 0..50 {
        state = world.get("/dev").await["app"]["state"]
            .as_str()
            .unwrap()
            .to_owned();
        if state == "failed" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(state, "failed");
    drop(app);
    assert_eq!(world.get("/dev").await["app"]["url"], url);
}

#[tokio::test]
async fn a_reset_keeps_the_connected_app() {
    let world = TestWorld::start_seeded().await;
    let account = world.simulator().seeded().accounts[0].clone();
    let user = world.simulator().seeded().users[0].id.clone();
    let app = TestApp::start().await;
    world.simulator().connect(&account.appid, &app.url).await;
    for _ in 0..100 {
        if world.get("/dev").await["app"]["state"] == "connected" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    world.say(&user, &account.appid, "一").await;
    world.must("POST", "/reset", json!({})).await;
    assert!(
        world.get("/deliveries").await["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    world.say(&user, &account.appid, "二").await;
    assert_eq!(app.pushes().len(), 2, "the app still gets its callbacks");
    drop(app);
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    world.say(&user, &account.appid, "三").await;
    let dev = world.get("/dev").await;
    assert_eq!(
        (&dev["app"]["state"], &dev["app"]["rule"]),
        (&json!("waiting"), &json!("callback.refused"))
    );
    assert!(dev["app"]["remedy"]["zh"][0].is_string(), "{dev}");
}

#[tokio::test]
async fn an_app_beside_it_is_connected_and_the_page_tells_of_the_first() {
    let world = TestWorld::start_seeded().await;
    let seeded = world.simulator().seeded();
    let kind = |kind: &str| {
        let mut others = seeded.others.iter();
        others
            .find(|account| account.kind.as_str() == kind)
            .unwrap()
    };
    let (component, agent) = (kind("component"), kind("corp"));
    let app = TestApp::start().await;
    let messages = format!("{}/$APPID$", app.url);
    let simulator = world.simulator();
    simulator
        .connect_too(&component.appid, &app.url, Some(&messages))
        .await;
    // No handshake: the first ticket comes at once; another begins the world anew.
    for tickets in 1..=2 {
        for _ in 0..200 {
            if app.pushes().len() >= tickets {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(app.pushes().len(), tickets);
        if tickets == 1 {
            world.must("POST", "/reset", json!({})).await;
        }
    }
    let stored = world.get(&format!("/accounts/{}", component.appid)).await;
    assert_eq!(stored["message_url"], messages, "{stored}");
    // An agent's is checked; nobody answers as it must here, and the page does not speak of it.
    app.handshake(Told::status(500));
    simulator.connect_too(&agent.appid, &app.url, None).await;
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert_eq!(world.get("/dev").await["app"]["state"], "none");
    let stored = world.get(&format!("/accounts/{}", agent.appid)).await;
    assert_eq!(stored["callback_url"], "", "{stored}");
}

#[tokio::test]
async fn every_switch_is_listed_with_its_default_and_source() {
    let world = TestWorld::start().await;
    let rules = world.get("/rules").await;
    let items = rules["items"].as_array().unwrap();
    let names: Vec<&str> = items
        .iter()
        .map(|rule| rule["name"].as_str().unwrap())
        .collect();
    for name in [
        "authorization.pre_auth_code_seconds",
        "callback.blank_before_reply",
        "callback.mark_fail_after",
        "callback.mark_fail_seconds",
        "callback.notice_text",
        "component.token_overlap_seconds",
        "pay.wrong_serial",
        "work.token_asked_again",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    for rule in items {
        let texts = ["/about/zh", "/about/en", "/source"].map(|at| rule.pointer(at).unwrap());
        assert!(
            texts.iter().all(|text| !text.as_str().unwrap().is_empty()),
            "{rule}"
        );
        let (default, allowed) = (&rule["default"], &rule["allowed"]);
        let fits = match allowed.as_array() {
            Some(words) => words.contains(default),
            None => default.is_i64(),
        };
        assert!(fits, "{rule}");
    }
}
