use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::{appid, connected};

async fn send(world: &TestWorld, token: &str, body: Value) -> Value {
    world
        .call(
            &format!("/cgi-bin/message/custom/send?access_token={token}"),
            body,
        )
        .await
}

#[tokio::test]
async fn the_interaction_window_decides() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let openid = world.get(&format!("/users/{user}")).await["openids"][appid(&account)].clone();
    let token = world.token(&account).await;
    let text = json!({"touser": openid, "msgtype": "text", "text": {"content": "在"}});
    world.advance(61).await;
    let late = send(&world, &token, text.clone()).await;
    assert_eq!(
        late["errcode"], 45015,
        "the follow's minute is over: {late}"
    );
    world.say(&user, appid(&account), "你好").await;
    for _ in 0..5 {
        let answer = send(&world, &token, text.clone()).await;
        assert_eq!(answer, json!({"errcode": 0, "errmsg": "ok"}));
    }
    assert_eq!(send(&world, &token, text.clone()).await["errcode"], 45047);
    let typing = json!({"touser": openid, "command": "Typing"});
    world.say(&user, appid(&account), "再来").await;
    let path = format!("/cgi-bin/message/custom/typing?access_token={token}");
    assert_eq!(world.call(&path, typing.clone()).await["errcode"], 0);
    assert_eq!(
        world.call(&path, typing.clone()).await["errcode"],
        45081,
        "already typing"
    );
    let chat = world
        .get(&format!("/users/{user}/chat?account={}", appid(&account)))
        .await;
    assert_eq!(chat["typing"], true);
    assert_eq!(
        chat["window"]["remaining"], 5,
        "typing spends nothing: {chat}"
    );
    world.advance(31).await;
    assert_eq!(
        world.call(&path, typing).await["errcode"],
        45080,
        "nothing said for 31 s"
    );
    world.advance(48 * 3600).await;
    let token = world.token(&account).await;
    assert_eq!(send(&world, &token, text).await["errcode"], 45015);
    let inbox = world.inbox(&user, appid(&account)).await;
    assert_eq!(
        inbox.iter().filter(|item| item["via"] == "custom").count(),
        5
    );
}

#[tokio::test]
async fn every_type_lands_in_the_inbox() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let openid = world.get(&format!("/users/{user}")).await["openids"][appid(&account)].clone();
    let token = world.token(&account).await;
    let image = json!({"type": "image"});
    world
        .act(
            &user,
            json!({"do": "send", "account": appid(&account), "message": image}),
        )
        .await;
    let chat = world
        .get(&format!("/users/{user}/chat?account={}", appid(&account)))
        .await;
    let file = chat["items"][0]["media_id"].clone();
    for (kind, body, field) in [
        ("image", json!({"media_id": file}), "media_id"),
        ("voice", json!({"media_id": file}), "media_id"),
        (
            "video",
            json!({"media_id": file, "thumb_media_id": file, "title": "t"}),
            "title",
        ),
        (
            "music",
            json!({"musicurl": "http://m/", "hqmusicurl": "http://m/", "thumb_media_id": file}),
            "url",
        ),
        (
            "news",
            json!({"articles": [{"title": "t", "description": "d", "url": "http://u/", "picurl": "http://p/"}]}),
            "articles",
        ),
    ] {
        world.say(&user, appid(&account), "嗯").await;
        let mut message = json!({"touser": openid, "msgtype": kind});
        message[kind] = body;
        let answer = send(&world, &token, message).await;
        assert_eq!(answer["errcode"], 0, "{kind}: {answer}");
        let last = world.inbox(&user, appid(&account)).await.pop().unwrap();
        assert_eq!(
            (&last["type"], &last["via"]),
            (&json!(kind), &json!("custom"))
        );
        assert!(!last[field].is_null(), "{last}");
    }
    for (kind, body) in [
        (
            "msgmenu",
            json!({"head_content": "选", "list": [{"id": "1", "content": "好"}], "tail_content": "谢"}),
        ),
        ("wxcard", json!({"card_id": "c"})),
        (
            "miniprogrampage",
            json!({"title": "t", "appid": "wx1", "pagepath": "p", "thumb_media_id": file}),
        ),
    ] {
        world.say(&user, appid(&account), "嗯").await;
        let mut message = json!({"touser": openid, "msgtype": kind});
        message[kind] = body;
        let answer = send(&world, &token, message).await;
        assert_eq!(answer["errcode"], 0, "{kind}: {answer}");
    }
}

#[tokio::test]
async fn refusals_have_the_platforms_codes() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let openid = world.get(&format!("/users/{user}")).await["openids"][appid(&account)].clone();
    let token = world.token(&account).await;
    world.say(&user, appid(&account), "你好").await;
    let foreign = json!({"touser": "oForeign", "msgtype": "text", "text": {"content": "在"}});
    assert_eq!(send(&world, &token, foreign).await["errcode"], 40003);
    let file = json!({"touser": openid, "msgtype": "image", "image": {"media_id": "none"}});
    assert_eq!(send(&world, &token, file).await["errcode"], 40007);
    let kind = json!({"touser": openid, "msgtype": "smoke", "smoke": {}});
    let answer = send(&world, &token, kind).await;
    assert!(
        [40008, 47003].contains(&answer["errcode"].as_i64().unwrap()),
        "{answer}"
    );
    let unverified = world
        .account(json!({"kind": "service", "verified": false}))
        .await;
    let token = world.token(&unverified).await;
    let text = json!({"touser": openid, "msgtype": "text", "text": {"content": "在"}});
    let answer = send(&world, &token, text).await;
    assert_eq!(
        answer["errcode"], 48001,
        "permission comes before state: {answer}"
    );
    assert!(
        answer["errmsg"]
            .as_str()
            .unwrap()
            .starts_with("api unauthorized rid: "),
        "{answer}"
    );
}

#[tokio::test]
async fn a_message_goes_out_under_a_staff_name() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let openid = world.get(&format!("/users/{user}")).await["openids"][appid(&account)].clone();
    let token = world.token(&account).await;
    let full = format!("anna@{}", account["alias"].as_str().unwrap());
    let add = json!({"kf_account": full, "nickname": "安娜"});
    let path = |name: &str| format!("/customservice/kfaccount/{name}?access_token={token}");
    assert_eq!(world.call(&path("add"), add.clone()).await["errcode"], 0);
    assert_ne!(
        world.call(&path("add"), add).await["errcode"],
        0,
        "once only"
    );
    let list = format!("/cgi-bin/customservice/getkflist?access_token={token}");
    let listed = world.call(&list, Value::Null).await;
    assert_eq!(listed["kf_list"][0]["kf_account"], full);
    assert!(listed["kf_list"][0]["kf_id"].is_number());
    let message = json!({
        "touser": openid, "msgtype": "text", "text": {"content": "我是安娜"},
        "customservice": {"kf_account": full},
    });
    assert_eq!(send(&world, &token, message.clone()).await["errcode"], 0);
    let last = world.inbox(&user, appid(&account)).await.pop().unwrap();
    assert_eq!(last["staff"], "安娜");
    let del = json!({"kf_account": full, "nickname": "安娜"});
    assert_eq!(world.call(&path("del"), del).await["errcode"], 0);
    assert_ne!(send(&world, &token, message).await["errcode"], 0);
}

#[tokio::test]
async fn staff_are_made_renamed_and_dismissed() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let alias = account["alias"].as_str().unwrap();
    let call = async |path: &str, body: Value| {
        let path = format!("/{path}?access_token={token}");
        world.call(&path, body).await
    };
    let staff = |name: &str, nickname: &str| json!({"kf_account": format!("{name}@{alias}"), "nickname": nickname});
    for name in ["anna", "bert"] {
        let added = call("customservice/kfaccount/add", staff(name, name)).await;
        assert_eq!(added["errcode"], 0, "{added}");
    }
    let renamed = call("customservice/kfaccount/update", staff("anna", "安娜")).await;
    assert_eq!(renamed["errcode"], 0);
    let nobody = call("customservice/kfaccount/update", staff("carl", "卡尔")).await;
    assert_eq!(nobody["errcode"], 65401);
    let listed = call("cgi-bin/customservice/getkflist", Value::Null).await;
    let nicknames: Vec<&str> = { listed["kf_list"].as_array().unwrap().iter() }
        .map(|member| member["kf_nick"].as_str().unwrap())
        .collect();
    assert_eq!(nicknames, ["安娜", "bert"]);
    let online = call("cgi-bin/customservice/getonlinekflist", Value::Null).await;
    assert_eq!(online["kf_online_list"].as_array().unwrap().len(), 2);
    // Both methods dismiss.
    let gone = call("customservice/kfaccount/del", staff("anna", "")).await;
    assert_eq!(gone["errcode"], 0, "{gone}");
    let path = format!("/customservice/kfaccount/del?access_token={token}&kf_account=bert@{alias}");
    assert_eq!(world.call(&path, Value::Null).await["errcode"], 0);
    let online = call("cgi-bin/customservice/getonlinekflist", Value::Null).await;
    assert_eq!(online["kf_online_list"], json!([]));
}
