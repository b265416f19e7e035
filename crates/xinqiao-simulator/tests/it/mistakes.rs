//! Mistakes that apps make: each is told by a name of its own, in the answer's header and in its row.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{account::Connected, appid};

/// What the header says of a call: the rule's name.
async fn told(shop: &Connected, path: &str, body: Value) -> String {
    let (headers, answer) = shop.world.call_raw(path, body).await;
    let Some(line) = headers.get("x-xinqiao-diagnosis") else {
        return format!("nothing ({answer})");
    };
    let line = line.to_str().unwrap();
    let (rule, why) = line.split_once(": ").expect("a rule and why");
    assert!(why.len() > 10, "{line}");
    rule.to_owned()
}

#[tokio::test]
async fn each_mistake_of_a_call_has_its_own_name() {
    let shop = Connected::open().await;
    let (id, secret) = (
        appid(&shop.account).to_owned(),
        shop.account["secret"].as_str().unwrap().to_owned(),
    );
    let openid = shop.openid(&shop.user).await;
    // What a new follower may be sent is over.
    shop.world.advance(61).await;
    let fan = shop.world.user("路人").await;
    let unknown = shop.world.get(&format!("/users/{fan}")).await;
    assert!(unknown["openids"].get(&id).is_none(), "{unknown}");
    let text =
        |touser: &str| json!({"touser": touser, "msgtype": "text", "text": {"content": "在"}});
    let long = "长".repeat(31);
    let login = format!(
        "/sns/oauth2/access_token?appid={id}&secret={secret}&grant_type=authorization_code"
    );
    let mistakes = [
        (
            format!(
                "/cgi-bin/token?grant_type=client_credential&appid=wx0000000000000000&secret={secret}"
            ),
            Value::Null,
            "credential.appid",
        ),
        (
            format!("/cgi-bin/token?grant_type=client_credential&appid={id}&secret=wrong"),
            Value::Null,
            "credential.secret",
        ),
        (
            format!("/cgi-bin/token?grant_type=other&appid={id}&secret={secret}"),
            Value::Null,
            "errcode.40002",
        ),
        (
            format!("/cgi-bin/token?grant_type=client_credential&secret={secret}"),
            Value::Null,
            "errcode.41002",
        ),
        (
            "/cgi-bin/user/get?access_token=strange".to_owned(),
            Value::Null,
            "credential.token.unknown",
        ),
        (
            // The shape of the simulator's own tokens, and of none of this world.
            format!("/cgi-bin/user/get?access_token=00_SIM{}", "x".repeat(131)),
            Value::Null,
            "credential.token.earlier_world",
        ),
        ("/cgi-bin/user/get".to_owned(), Value::Null, "errcode.41001"),
        (
            "/cgi-bin/menu/creat".to_owned(),
            json!({}),
            "call.unknown_path",
        ),
        (shop.path("menu/create"), Value::Null, "errcode.43002"),
        (
            shop.path("user/info?openid=oForeign"),
            Value::Null,
            "openid.foreign",
        ),
        (
            shop.path("message/custom/send"),
            text(&openid),
            "interaction.window",
        ),
        (
            shop.path("message/custom/send"),
            text("oForeign"),
            "openid.foreign",
        ),
        (
            shop.path("media/get?media_id=none"),
            Value::Null,
            "media.unknown",
        ),
        (
            shop.path("message/template/send"),
            json!({"touser": openid, "template_id": "none", "data": {}}),
            "template.unknown",
        ),
        (
            shop.path("message/subscribe/bizsend"),
            json!({"touser": openid, "template_id": "none", "data": {}}),
            "template.unknown",
        ),
        (
            shop.path("tags/create"),
            json!({"tag": {"name": long}}),
            "errcode.45158",
        ),
        (
            shop.path("qrcode/create"),
            json!({"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": ""}}}),
            "qr_code.scene",
        ),
        (
            shop.path("menu/create"),
            json!({"button": [{"type": "click", "name": "名字很长很长很长很长很长很长", "key": "k"}]}),
            "menu.name",
        ),
        (
            shop.path("openapi/rid/get"),
            json!({"rid": "0-0-0"}),
            "errcode.76001",
        ),
        (format!("{login}&code=none"), Value::Null, "errcode.40029"),
    ];
    let (mut names, mut others) = (BTreeSet::new(), Vec::new());
    for (path, body, rule) in mistakes {
        let told = told(&shop, &path, body).await;
        if told != rule {
            others.push(format!("{path}: {told}, not {rule}"));
        }
        names.insert(rule);
    }
    assert!(others.is_empty(), "{others:#?}");
    assert!(names.len() >= 17, "{names:?}");
}

#[tokio::test]
async fn each_mistake_in_an_accounts_life_has_its_own_name() {
    let shop = Connected::open().await;
    let world = &shop.world;
    let openid = shop.openid(&shop.user).await;
    let secret = |account: &Value| account["secret"].as_str().unwrap().to_owned();
    let issue = |account: &Value| {
        let (id, secret) = (appid(account).to_owned(), secret(account));
        format!("/cgi-bin/token?grant_type=client_credential&appid={id}&secret={secret}")
    };
    let text = json!({"touser": openid, "msgtype": "text", "text": {"content": "在"}});

    let gone = json!({"do": "unfollow", "account": appid(&shop.account)});
    world.act(&shop.user, gone).await;
    let send = shop.path("message/custom/send");
    assert_eq!(
        told(&shop, &send, text.clone()).await,
        "interaction.not_following"
    );

    world.token(&shop.account).await;
    world.advance(301).await;
    assert_eq!(
        told(&shop, &send, text.clone()).await,
        "credential.token.replaced"
    );
    let token = world.token(&shop.account).await;
    world.advance(7201).await;
    let send = format!("/cgi-bin/message/custom/send?access_token={token}");
    assert_eq!(
        told(&shop, &send, text.clone()).await,
        "credential.token.expired"
    );

    let listed = json!({"kind": "service", "verified": true, "ip_whitelist": ["10.1.2.3"]});
    let listed = world.account(listed).await;
    let path = issue(&listed);
    assert_eq!(
        told(&shop, &path, Value::Null).await,
        "egress.not_whitelisted"
    );

    let plain = world
        .account(json!({"kind": "subscription", "verified": false}))
        .await;
    let token = world.token(&plain).await;
    let send = format!("/cgi-bin/message/custom/send?access_token={token}");
    assert_eq!(told(&shop, &send, text).await, "permission.denied");
}
