use std::time::{Duration, Instant};

use serde_json::json;
use xinqiao_crypto::AesKey;
use xinqiao_message::{
    envelope::{CallbackQuery, Keys, open, seal_reply, verify_url},
    inbound::Message,
};
use xinqiao_testkit::{TestWorld, Told};
use xinqiao_types::{CallbackMode, CallbackToken, Clock as _, SystemClock};

use crate::{appid, connected, echo, element, text_reply};

fn keys(account: &serde_json::Value, mode: CallbackMode) -> Keys {
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    Keys::new(CallbackToken::new(text("token")), text("appid"))
        .with_aes_key(&AesKey::parse(&text("aes_key")).unwrap())
        .with_mode(mode)
}

#[tokio::test]
async fn the_handshake_carries_a_plain_signature_and_an_echo_in_the_clear() {
    let world = TestWorld::start().await;
    let (account, _, app) = connected(&world, "safe").await;
    let first = &app.requests()[0];
    assert_eq!(first.method, "GET");
    let query = CallbackQuery::parse(&first.query);
    let echo = verify_url(
        &keys(&account, CallbackMode::Safe),
        &query,
        SystemClock.unix(),
    )
    .unwrap();
    assert_eq!(Some(echo.body()), first.query("echostr"));
}

#[tokio::test]
async fn a_message_arrives_in_every_mode_and_its_reply_is_shown() {
    for (name, mode) in [
        ("plain", CallbackMode::Plain),
        ("compat", CallbackMode::Compat),
        ("safe", CallbackMode::Safe),
    ] {
        let world = TestWorld::start().await;
        let (account, user, app) = connected(&world, name).await;
        let own = keys(&account, mode);
        app.otherwise(move |push| {
            let opened = open(
                &own,
                &CallbackQuery::parse(&push.query),
                push.body.as_bytes(),
                SystemClock.unix(),
            )
            .unwrap();
            let message = Message::parse(opened.xml).unwrap();
            let Some(said) = message.text() else {
                return Told::body("success");
            };
            let reply = text_reply(
                &message.head.from,
                &message.head.to,
                &format!("你说 {said}"),
            );
            match mode {
                CallbackMode::Plain => Told::body(reply),
                _ => Told::body(
                    seal_reply(&own, mode, &reply, 7, "n", *b"0123456789abcdef").unwrap(),
                ),
            }
        });
        let answer = world.say(&user, appid(&account), "你好").await;
        assert_eq!(
            answer["deliveries"][0]["attempts"]
                .as_array()
                .unwrap()
                .len(),
            1,
            "{answer}"
        );
        assert_eq!(
            answer["deliveries"][0]["reply"]["content"], "你说 你好",
            "{name}"
        );
        let inbox = world.inbox(&user, appid(&account)).await;
        assert_eq!(inbox.len(), 1);
        assert_eq!(
            (&inbox[0]["via"], &inbox[0]["content"]),
            (&json!("reply"), &json!("你说 你好"))
        );
        let push = app.pushes().pop().unwrap();
        assert!(push.content_type.starts_with("text/xml"));
        assert!(push.query("openid").is_some());
    }
}

#[tokio::test]
async fn an_app_that_sleeps_gets_exactly_three_deliveries_with_one_msg_id() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    app.otherwise(|_| Told::body("success").after(Duration::from_secs(2)));
    let before = app.pushes().len();
    let answer = world.say(&user, appid(&account), "慢").await;
    let pushes = &app.pushes()[before..];
    assert_eq!(pushes.len(), 3);
    let first = element(&pushes[0].body, "MsgId");
    assert!(!first.is_empty());
    for push in pushes {
        assert_eq!(element(&push.body, "MsgId"), first);
        assert_eq!(
            element(&push.body, "CreateTime"),
            element(&pushes[0].body, "CreateTime")
        );
    }
    let delivery = &answer["deliveries"][0];
    assert_eq!(delivery["attempts"].as_array().unwrap().len(), 3);
    assert_eq!(delivery["attempts"][0]["rule"], "callback.timeout");
    let inbox = world.inbox(&user, appid(&account)).await;
    assert_eq!(inbox.len(), 1, "the notice, once");
    assert_eq!(inbox[0]["via"], "system");
    assert_eq!(
        inbox[0]["content"],
        "该公众号提供的服务出现故障，请稍后再试"
    );
}

#[tokio::test]
async fn a_reply_on_the_second_try_is_shown_once() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    echo(&app);
    app.next(Told::body("success").after(Duration::from_secs(2)));
    let answer = world.say(&user, appid(&account), "再试").await;
    assert_eq!(
        answer["deliveries"][0]["attempts"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    let inbox = world.inbox(&user, appid(&account)).await;
    assert_eq!(inbox.len(), 1);
    assert_eq!(inbox[0]["content"], "你说 再试");
}

#[tokio::test]
async fn five_real_seconds_three_times() {
    if std::env::var_os("XINQIAO_SLOW").is_none() {
        eprintln!("SKIP: set XINQIAO_SLOW=1 to wait fifteen real seconds");
        return;
    }
    let mut options = xinqiao_simulator::Options::default();
    options.seeded = false;
    let world = TestWorld::start_with(options).await;
    let (account, user, app) = connected(&world, "plain").await;
    app.otherwise(|_| Told::body("success").after(Duration::from_secs(6)));
    let before = app.pushes().len();
    let start = Instant::now();
    world.say(&user, appid(&account), "慢").await;
    let took = start.elapsed();
    assert!((15.0..16.5).contains(&took.as_secs_f64()), "{took:?}");
    let pushes = &app.pushes()[before..];
    assert_eq!(pushes.len(), 3);
    assert_eq!(
        element(&pushes[0].body, "MsgId"),
        element(&pushes[2].body, "MsgId")
    );
}

#[tokio::test]
async fn calls_are_served_while_a_push_is_open() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    app.next(Told::body("success").after(Duration::from_millis(250)));
    let (_, token) = tokio::join!(world.say(&user, appid(&account), "等"), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let start = Instant::now();
        let token = world.token(&account).await;
        assert!(start.elapsed() < Duration::from_millis(150));
        token
    });
    assert!(token.starts_with("00_SIM"));
}

#[tokio::test]
async fn wait_false_answers_at_once() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    app.next(Told::body("success").after(Duration::from_millis(200)));
    let message = json!({"type": "text", "content": "快"});
    let answer = world
        .act(
            &user,
            json!({"do": "send", "account": appid(&account), "message": message, "wait": false}),
        )
        .await;
    assert_eq!(answer["deliveries"][0]["settled"], false);
}

#[tokio::test]
async fn illegal_answers_are_named_and_not_repeated() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    for (body, rule) in [
        (Told::body("\u{feff}success"), "reply.bom"),
        (Told::body("<!DOCTYPE html><html></html>"), "reply.html"),
        (Told::body("{\"a\":1}"), "reply.json"),
        (Told::body("OK"), "reply.text"),
        (
            Told::body(text_reply("oSomebodyElse", "gh_x", "hi")),
            "reply.address",
        ),
    ] {
        let before = app.pushes().len();
        app.next(body);
        let answer = world.say(&user, appid(&account), "错").await;
        assert_eq!(
            answer["deliveries"][0]["attempts"][0]["rule"], rule,
            "{answer}"
        );
        assert_eq!(app.pushes().len() - before, 1, "{rule}: not repeated");
    }
    let inbox = world.inbox(&user, appid(&account)).await;
    assert_eq!(inbox.len(), 5);
    assert!(inbox.iter().all(|item| item["via"] == "system"));
}

#[tokio::test]
async fn failures_are_repeated_and_named() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    for (status, rule) in [
        (401, "callback.status.unauthorized"),
        (403, "callback.status.forbidden"),
        (404, "callback.status.not_found"),
        (419, "callback.status.csrf"),
        (500, "callback.status.server_error"),
        (302, "reply.redirect"),
    ] {
        let before = app.pushes().len();
        for _ in 0..3 {
            app.next(Told::status(status));
        }
        let answer = world.say(&user, appid(&account), "错").await;
        assert_eq!(
            answer["deliveries"][0]["attempts"][2]["rule"], rule,
            "{answer}"
        );
        assert_eq!(app.pushes().len() - before, 3);
    }
}

#[tokio::test]
async fn a_refused_connection_is_named() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    drop(app);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let answer = world.say(&user, appid(&account), "在吗").await;
    assert_eq!(
        answer["deliveries"][0]["attempts"][0]["rule"], "callback.refused",
        "{answer}"
    );
}

#[tokio::test]
async fn success_and_empty_say_nothing() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "safe").await;
    for body in ["success", ""] {
        app.next(Told::body(body));
        world.say(&user, appid(&account), "嗯").await;
    }
    assert!(world.inbox(&user, appid(&account)).await.is_empty());
}

#[tokio::test]
async fn every_kind_of_message_is_pushed_as_documented() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let appid = appid(&account);
    for (message, elements) in [
        (
            json!({"type": "image"}),
            &["PicUrl", "MediaId", "MsgId"][..],
        ),
        (
            json!({"type": "voice", "recognition": "你好"}),
            &["MediaId", "Format", "Recognition"],
        ),
        (json!({"type": "video"}), &["MediaId", "ThumbMediaId"]),
        (json!({"type": "shortvideo"}), &["MediaId", "ThumbMediaId"]),
        (
            json!({"type": "location", "lat": 29.5, "lng": 106.5, "scale": 16, "label": "重庆"}),
            &["Location_X", "Location_Y", "Scale", "Label"],
        ),
        (
            json!({"type": "link", "title": "t", "description": "d", "url": "http://x/"}),
            &["Title", "Description", "Url"],
        ),
    ] {
        world
            .act(
                &user,
                json!({"do": "send", "account": appid, "message": message}),
            )
            .await;
        let push = app.pushes().pop().unwrap().body;
        assert_eq!(element(&push, "MsgType"), message["type"].as_str().unwrap());
        for name in elements {
            assert!(!element(&push, name).is_empty(), "{name} in {push}");
        }
    }
    let push = app.push(2).await.body.clone();
    assert_eq!(element(&push, "Recognition"), "你好");
}

#[tokio::test]
async fn following_and_menu_taps_are_events() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let follow = app.pushes().pop().unwrap().body;
    assert_eq!(
        (element(&follow, "Event"), element(&follow, "EventKey")),
        ("subscribe", "")
    );
    let token = world.token(&account).await;
    let menu = json!({"button": [
        {"type": "click", "name": "今日", "key": "TODAY"},
        {"name": "更多", "sub_button": [{"type": "view", "name": "站点", "url": "http://shop.test/"}]},
    ]});
    let answer = world
        .call(&format!("/cgi-bin/menu/create?access_token={token}"), menu)
        .await;
    assert_eq!(answer, json!({"errcode": 0, "errmsg": "ok"}));
    let account = appid(&account);
    world
        .act(
            &user,
            json!({"do": "click", "account": account, "key": "TODAY"}),
        )
        .await;
    let push = app.pushes().pop().unwrap().body;
    assert_eq!(
        (element(&push, "Event"), element(&push, "EventKey")),
        ("CLICK", "TODAY")
    );
    world
        .act(
            &user,
            json!({"do": "click", "account": account, "url": "http://shop.test/"}),
        )
        .await;
    let push = app.pushes().pop().unwrap().body;
    assert_eq!(
        (element(&push, "Event"), element(&push, "EventKey")),
        ("VIEW", "http://shop.test/")
    );
    let none = json!({"do": "click", "account": account, "key": "NONE"});
    let (status, _) = world
        .control("POST", &format!("/users/{user}/actions"), none)
        .await;
    assert_eq!(status, 422);
    world
        .act(&user, json!({"do": "unfollow", "account": account}))
        .await;
    let push = app.pushes().pop().unwrap().body;
    assert_eq!(element(&push, "Event"), "unsubscribe");
}

#[tokio::test]
async fn any_event_of_the_catalog_can_be_triggered() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let answer = world
        .must(
            "POST",
            "/trigger",
            json!({
                "account": appid(&account), "user": user, "event": "TEMPLATESENDJOBFINISH",
                "set": {"Status": "failed:user block"},
            }),
        )
        .await;
    assert_eq!(answer["deliveries"].as_array().unwrap().len(), 1);
    let push = app.pushes().pop().unwrap().body;
    assert_eq!(element(&push, "Event"), "TEMPLATESENDJOBFINISH");
    assert_eq!(element(&push, "Status"), "failed:user block");
}

#[tokio::test]
async fn the_timeline_shows_what_happened_with_its_evidence() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "safe").await;
    app.next(Told::status(403));
    world.say(&user, appid(&account), "你好").await;
    let rows = world.get("/timeline").await;
    let rows = rows["items"].as_array().unwrap();
    let act = rows.iter().rfind(|row| row["kind"] == "act").unwrap();
    assert_eq!(act["title"]["zh"], "小林 说“你好”");
    let same: Vec<_> = rows
        .iter()
        .filter(|row| row["cause"] == act["cause"])
        .collect();
    let red = same.iter().find(|row| row["state"] == "error").unwrap();
    assert_eq!(red["kind"], "callback");
    assert_eq!(red["diagnosis"]["rule"], "callback.status.forbidden");
    assert!(red["plain"]["request"].as_str().unwrap().contains("你好"));
    assert_eq!(red["signature"]["parts"].as_array().unwrap().len(), 4);
    let expected = red["signature"]["expected"].as_str().unwrap();
    assert!(red["request"]["url"].as_str().unwrap().contains(expected));
    assert!(
        same.iter()
            .any(|row| row["callback"]["attempt"] == 2 && row["state"] == "ok")
    );
}

#[tokio::test]
async fn every_passive_reply_becomes_a_bubble() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let appid = appid(&account);
    let image = json!({"type": "image"});
    world
        .act(
            &user,
            json!({"do": "send", "account": appid, "message": image}),
        )
        .await;
    let chat = world
        .get(&format!("/users/{user}/chat?account={appid}"))
        .await;
    let file = chat["items"][0]["media_id"].as_str().unwrap().to_owned();
    let item =
        "<item><Title>t</Title><Description>d</Description><PicUrl>p</PicUrl><Url>u</Url></item>";
    for (kind, body, shown) in [
        (
            "image",
            format!("<Image><MediaId>{file}</MediaId></Image>"),
            true,
        ),
        (
            "voice",
            format!("<Voice><MediaId>{file}</MediaId></Voice>"),
            true,
        ),
        (
            "video",
            format!(
                "<Video><MediaId>{file}</MediaId><Title>t</Title><Description>d</Description></Video>"
            ),
            true,
        ),
        (
            "music",
            format!(
                "<Music><Title>t</Title><Description>d</Description><MusicUrl>http://m/</MusicUrl>\
                 <HQMusicUrl>http://m/</HQMusicUrl><ThumbMediaId>{file}</ThumbMediaId></Music>"
            ),
            true,
        ),
        (
            "news",
            format!("<ArticleCount>2</ArticleCount><Articles>{item}{item}</Articles>"),
            true,
        ),
        // The page requires a cover; music without one arrives.
        (
            "music",
            "<Music><MusicUrl>http://m/</MusicUrl></Music>".to_owned(),
            true,
        ),
        ("transfer_customer_service", String::new(), false),
    ] {
        app.otherwise(move |push| {
            let (to, from) = (
                element(&push.body, "FromUserName"),
                element(&push.body, "ToUserName"),
            );
            Told::body(format!(
                "<xml><ToUserName>{to}</ToUserName><FromUserName>{from}</FromUserName>\
                 <CreateTime>1</CreateTime><MsgType>{kind}</MsgType>{body}</xml>"
            ))
        });
        let before = world.inbox(&user, appid).await.len();
        let answer = world.say(&user, appid, kind).await;
        let inbox = world.inbox(&user, appid).await;
        assert_eq!(inbox.len() - before, usize::from(shown), "{kind}: {answer}");
        if shown {
            assert_eq!(inbox.last().unwrap()["type"], kind);
            assert_eq!(inbox.last().unwrap()["via"], "reply");
        }
        if kind == "news" {
            let articles = inbox.last().unwrap()["articles"]
                .as_array()
                .unwrap()
                .clone();
            assert_eq!(
                articles.len(),
                1,
                "an answer to a message shows one article"
            );
            assert_eq!(articles[0]["picurl"], "p");
        }
    }
    for body in [
        "<MsgType>image</MsgType><Image><MediaId>none</MediaId></Image>",
        "<MsgType>music</MsgType><Music><ThumbMediaId>none</ThumbMediaId></Music>",
    ] {
        app.otherwise(move |push| {
            let (to, from) = (
                element(&push.body, "FromUserName"),
                element(&push.body, "ToUserName"),
            );
            Told::body(format!(
                "<xml><ToUserName>{to}</ToUserName><FromUserName>{from}</FromUserName>\
                 <CreateTime>1</CreateTime>{body}</xml>"
            ))
        });
        let answer = world.say(&user, appid, "没有的文件").await;
        let rule = &answer["deliveries"][0]["attempts"][0]["rule"];
        assert_eq!(rule, "reply.media", "{body}");
    }
}

#[tokio::test]
async fn white_space_around_a_reply_is_shown_unless_the_account_is_strict() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    app.otherwise(|push| {
        let (to, from) = (
            element(&push.body, "FromUserName"),
            element(&push.body, "ToUserName"),
        );
        Told::body(format!("\n    {}\n    ", text_reply(to, from, "好")))
    });
    let appid = appid(&account);
    let answer = world.say(&user, appid, "你好").await;
    assert_eq!(
        answer["deliveries"][0]["reply"]["content"], "好",
        "{answer}"
    );
    let strict = json!({"rules": {"callback.blank_before_reply": "refused"}});
    world
        .must("PATCH", &format!("/accounts/{appid}"), strict)
        .await;
    let answer = world.say(&user, appid, "你好").await;
    let attempt = &answer["deliveries"][0]["attempts"][0];
    assert_eq!(attempt["rule"], "reply.blank", "{answer}");
}

#[tokio::test]
async fn the_pause_while_debugging_stretches_the_five_seconds() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    echo(&app);
    world.must("POST", "/debug", json!({"pause": true})).await;
    assert_eq!(world.get("/dev").await["pause"], true);
    app.next(Told::body("success").after(Duration::from_millis(900)));
    let answer = world.say(&user, appid(&account), "断点").await;
    assert_eq!(
        answer["deliveries"][0]["attempts"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(world.inbox(&user, appid(&account)).await.is_empty());
}

#[tokio::test]
async fn after_many_failures_pushing_pauses() {
    let world = TestWorld::start().await;
    let account = world
        .account(json!({"mode": "plain", "rules": {"callback.mark_fail_after": 3, "chat.strangers": "served"}}))
        .await;
    let app = xinqiao_testkit::TestApp::start().await;
    let path = format!("/accounts/{}/callback", appid(&account));
    world.must("PUT", &path, json!({"url": app.url})).await;
    let user = world.user("小林").await;
    app.otherwise(|_| Told::status(500));
    world.say(&user, appid(&account), "一").await;
    assert_eq!(app.pushes().len(), 3);
    world.say(&user, appid(&account), "二").await;
    assert_eq!(app.pushes().len(), 3, "paused");
    world.advance(60).await;
    world.say(&user, appid(&account), "三").await;
    assert_eq!(app.pushes().len(), 6);
}

#[tokio::test]
async fn a_late_customer_message_stands_with_its_act() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let openid = world.get(&format!("/users/{user}")).await["openids"][appid(&account)].clone();
    world.say(&user, appid(&account), "慢").await;
    let token = world.token(&account).await;
    let text = json!({"touser": openid, "msgtype": "text", "text": {"content": "好了"}});
    world
        .call(
            &format!("/cgi-bin/message/custom/send?access_token={token}"),
            text,
        )
        .await;
    let rows = world.get("/timeline").await["items"]
        .as_array()
        .unwrap()
        .clone();
    let act = rows.iter().rfind(|row| row["kind"] == "act").unwrap();
    let call = rows
        .iter()
        .rfind(|row| row["call"]["path"] == "/cgi-bin/message/custom/send");
    assert_eq!(call.unwrap()["cause"], act["cause"]);
}

#[tokio::test]
async fn replies_sealed_with_the_wrong_settings_are_told_apart() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "safe").await;
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    let other_key = AesKey::parse("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG").unwrap();
    let right_key = AesKey::parse(&text("aes_key")).unwrap();
    let safe = |token: &str, appid: &str, key: &AesKey| {
        Keys::new(CallbackToken::new(token.to_owned()), appid.to_owned())
            .with_aes_key(key)
            .with_mode(CallbackMode::Safe)
    };
    let openid = world.get(&format!("/users/{user}")).await["openids"][appid(&account)].clone();
    let reply = text_reply(openid.as_str().unwrap(), &text("original_id"), "好");
    let mut rules = Vec::new();
    for keys in [
        safe("another1", &text("appid"), &right_key),
        safe(&text("token"), &text("appid"), &other_key),
        safe(&text("token"), "wxsomebodyelse", &right_key),
    ] {
        let sealed = seal_reply(
            &keys,
            CallbackMode::Safe,
            &reply,
            7,
            "n",
            *b"0123456789abcdef",
        )
        .unwrap();
        app.next(Told::body(sealed));
        let answer = world.say(&user, appid(&account), "嗯").await;
        let attempts = answer["deliveries"][0]["attempts"]
            .as_array()
            .unwrap()
            .clone();
        assert_eq!(
            attempts.len(),
            1,
            "an illegal answer is not repeated: {attempts:?}"
        );
        rules.push(attempts[0]["rule"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        rules[1..],
        ["reply.decrypt.aes_key", "reply.decrypt.receiver_id"],
        "{rules:?}"
    );
    assert!(rules[0].starts_with("reply.signature."), "{rules:?}");
    app.next(Told::body(reply));
    let answer = world.say(&user, appid(&account), "嗯").await;
    assert_eq!(
        answer["deliveries"][0]["attempts"][0]["rule"],
        "reply.plain"
    );
}
