use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

#[tokio::test]
async fn bodies_that_make_no_sense_get_a_code_and_change_nothing() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let url = format!("{}/cgi-bin/menu/create?access_token={token}", world.api());
    for (body, code) in [("", 44002), ("{", 47001), ("<xml/>", 47001)] {
        let answer = world.client().post(&url).body(body).send().await.unwrap();
        let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        assert_eq!(answer["errcode"], code, "{body}: {answer}");
    }
    let get = world
        .client()
        .get(&url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(get.contains("43002"), "{get}");
    let menu = format!("/cgi-bin/menu/get?access_token={token}");
    assert_eq!(world.call(&menu, Value::Null).await["errcode"], 46003);
}

#[tokio::test]
async fn control_bodies_that_make_no_sense_are_400() {
    let world = TestWorld::start().await;
    let user = world.user("小林").await;
    let account = world.account(json!({})).await;
    let actions = format!("/users/{user}/actions");
    let send =
        |message: Value| json!({"do": "send", "account": account["appid"], "message": message});
    for act in [
        json!({}),
        json!({"do": "send"}),
        json!({"do": "follow"}),
        send(Value::Null),
        send(json!({"type": "text"})),
        send(json!({"type": "text", "content": ""})),
        send(json!({"type": "smoke"})),
        send(json!({"type": "location", "lat": 900, "lng": 1})),
        send(json!({"type": "image", "data": "***"})),
        send(json!({"type": "image", "media_id": "none"})),
    ] {
        let (status, answer) = world.control("POST", &actions, act.clone()).await;
        assert_eq!(status, 400, "{act}: {answer}");
        assert!(answer["error"]["message"].is_string(), "{answer}");
    }
    let unknown = json!({"do": "follow", "account": "wxnobody"});
    assert_eq!(world.control("POST", &actions, unknown).await.0, 404);
    let follow = json!({"do": "follow", "account": account["appid"]});
    assert_eq!(
        world.control("POST", "/users/u99/actions", follow).await.0,
        404
    );
    let broken = world
        .client()
        .post(format!("{}/accounts", world.control_base()))
        .header("content-type", "application/json")
        .body("{\"kind\":")
        .send()
        .await
        .unwrap();
    assert_eq!(broken.status(), 400);
    let large = world
        .client()
        .post(format!("{}/accounts", world.control_base()))
        .header("content-type", "application/json")
        .body("x".repeat(3 * 1024 * 1024))
        .send()
        .await
        .unwrap();
    assert_eq!(large.status(), 413);
    // Refused by the length that it announces: nothing of it is read.
    let film = world
        .client()
        .post(format!("{}/media", world.control_base()))
        .header("content-type", "video/mp4")
        .body(vec![0; 20 * 1024 * 1024 + 1])
        .send()
        .await;
    assert!(film.is_err() || film.is_ok_and(|film| film.status() == 413));
}

#[tokio::test]
async fn an_unknown_field_is_refused_and_the_known_ones_are_named() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let user = world.user("张三").await;
    let appid = account["appid"].as_str().unwrap();
    let one = format!("/accounts/{appid}");
    let (callback, quotas) = (format!("{one}/callback"), format!("{one}/quotas"));
    let (actions, read) = (
        format!("/users/{user}/actions"),
        format!("/users/{user}/read"),
    );
    let say = |message: Value| json!({"do": "send", "account": appid, "message": message});
    let cases = [
        ("POST", "/accounts", json!({"kindd": "service"}), "kind"),
        ("PATCH", &one, json!({"nmae": "x"}), "name"),
        (
            "PUT",
            &callback,
            json!({"ulr": "http://127.0.0.1:9"}),
            "url",
        ),
        (
            "PATCH",
            &quotas,
            json!({"/cgi-bin/menu/get": {"limit": 1, "usde": 1}}),
            "used",
        ),
        ("POST", "/users", json!({"nick": "x"}), "nickname"),
        ("POST", "/users", json!({"count": 1, "folow": []}), "follow"),
        ("POST", "/users", json!({"follow": [appid]}), "nickname"),
        (
            "POST",
            &actions,
            json!({"do": "enter", "acount": appid}),
            "account",
        ),
        (
            "POST",
            &actions,
            say(json!({"type": "text", "content": "x", "contnet": "y"})),
            "content",
        ),
        (
            "POST",
            &actions,
            say(json!({"type": "location", "lat": 1, "lng": 1, "title": "x"})),
            "label",
        ),
        (
            "POST",
            &read,
            json!({"account": appid, "all": true}),
            "account",
        ),
        (
            "POST",
            "/trigger",
            json!({"account": appid, "event": "x", "sett": {}}),
            "set",
        ),
        (
            "POST",
            "/faults",
            json!({"path": "/x", "errcode": 1, "time": 1}),
            "times",
        ),
        (
            "POST",
            "/clock",
            json!({"advance": 1, "frozen": true}),
            "freeze",
        ),
        ("POST", "/debug", json!({"pause": true, "for": 1}), "pause"),
    ];
    let before = world.get("/export").await;
    for (method, path, body, known) in cases {
        let (status, answer) = world.control(method, path, body.clone()).await;
        assert_eq!(status, 400, "{method} {path} {body}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        for part in ["unknown field `", known] {
            assert!(message.contains(part), "{path} {body}: {message}");
        }
    }
    let after = world.get("/export").await;
    assert_eq!(before["world"]["users"], after["world"]["users"]);
    assert_eq!(before["world"]["accounts"], after["world"]["accounts"]);
}
