//! Mistakes that apps make: each is told by a name of its own, in the answer's header and in its row.

use std::collections::BTreeSet;

use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::{
    account::Connected,
    appid,
    causes::rows,
    components::Platform,
    shop::{Answer, Shop, elements, now},
    work::Office,
};

/// The rule's name, as the header of an answer and the newest row of a call say it.
async fn rule_of(world: &TestWorld, headers: &HeaderMap, answer: &Value) -> String {
    let Some(line) = headers.get("x-xinqiao-diagnosis") else {
        return format!("nothing ({answer})");
    };
    let line = line.to_str().unwrap();
    let (rule, why) = line.split_once(": ").expect("a rule and why");
    assert!(why.len() > 10, "{line}");
    let rows = rows(world).await;
    let row = { rows.iter().rev() }.find(|row| row.get("call").is_some_and(Value::is_object));
    let row = row.expect("a row of the call");
    assert_eq!(row["diagnosis"]["rule"], rule, "{row}");
    rule.to_owned()
}

/// What is said of a call of an account.
async fn told(shop: &Connected, path: &str, body: Value) -> String {
    let (headers, answer) = shop.world.call_raw(path, body).await;
    rule_of(&shop.world, &headers, &answer).await
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

/// What is said of an answer that a merchant got.
async fn of_merchant(shop: &Shop, answer: &Answer) -> String {
    rule_of(&shop.world, &answer.headers, &answer.body).await
}

#[tokio::test]
async fn each_mistake_of_a_merchant_has_its_own_name() {
    const CERTIFICATES: &str = "/v3/certificates";
    const JSAPI: &str = "/v3/pay/transactions/jsapi";
    let shop = Shop::open().await;
    let get = async |authorization: String| {
        let answer = shop.send("GET", CERTIFICATES, "", &authorization).await;
        of_merchant(&shop, &answer).await
    };
    let good = shop.authorization("GET", CERTIFICATES, "", now());
    for (wrong, rule) in [
        (String::new(), "pay.signature.missing"),
        (
            good.replace(&shop.serial, "51AB"),
            "pay.signature.unknown_key",
        ),
        (
            good.replace(&shop.mchid, "1900000109"),
            "pay.signature.unknown_key",
        ),
        (good.replace("RSA2048", "RSA4096"), "pay.signature.scheme"),
        (
            shop.authorization("GET", CERTIFICATES, "", now() - 600),
            "pay.signature.window",
        ),
        (
            shop.authorization("GET", JSAPI, "", now()),
            "pay.signature.mismatch",
        ),
    ] {
        assert_eq!(get(wrong).await, rule);
    }

    let mut order = shop.order("T2026020100001");
    order["appid"] = json!("wx0000000000000000");
    let unbound = shop.call("POST", JSAPI, order).await;
    assert_eq!(
        of_merchant(&shop, &unbound).await,
        "errcode.APPID_MCHID_NOT_MATCH"
    );
    let unknown = format!(
        "/v3/pay/transactions/out-trade-no/T404?mchid={}",
        shop.mchid
    );
    let unknown = shop.call("GET", &unknown, Value::Null).await;
    assert_eq!(
        of_merchant(&shop, &unknown).await,
        "errcode.ORDER_NOT_EXIST"
    );

    let query = [
        ("appid", &*shop.appid),
        ("mch_id", &shop.mchid),
        ("nonce_str", "n"),
        ("out_trade_no", "T1"),
    ];
    for (sign_type, rule) in [
        ("RSA", "pay.signature.scheme"),
        ("HMAC-SHA256", "pay.signature.mismatch"),
    ] {
        let mut fields = query.to_vec();
        fields.extend([
            ("sign_type", sign_type),
            ("sign", "9A0A8659F005D6984697E2CA0A9CF3B7"),
        ]);
        let (headers, answer) = shop.xml_with_headers("/pay/orderquery", &fields).await;
        let answer = json!(elements(&answer));
        assert_eq!(rule_of(&shop.world, &headers, &answer).await, rule);
    }

    // The cashier is no call: what is wrong stands in the row of the act.
    let prepay_id = shop.place("T2026020100002").await;
    shop.world.advance(7201).await;
    let stale = json!({"jsapi": shop.params(&prepay_id)});
    let (status, refused) = shop.pay(stale).await;
    assert_eq!(status, 422, "{refused}");
    let rows = rows(&shop.world).await;
    let last = { rows.iter().rev() }.find(|row| row["diagnosis"]["rule"].is_string());
    assert_eq!(last.unwrap()["diagnosis"]["rule"], "pay.cashier.expired");
}

#[tokio::test]
async fn each_mistake_of_an_app_in_wecom_has_its_own_name() {
    let office = Office::open().await;
    let agent = office.agent_token().await;
    let contacts = office.contacts_token().await;
    let member =
        json!({"userid": "lisi", "name": "李四", "mobile": "13900000000", "department": [1]});
    for (path, body, rule) in [
        (
            format!("user/create?access_token={agent}"),
            member,
            "errcode.48002",
        ),
        (
            format!("department/create?access_token={agent}"),
            json!({"name": "门店", "parentid": 1}),
            "errcode.48002",
        ),
        (
            format!("gettoken?corpid={}&corpsecret=wrong", office.corpid()),
            Value::Null,
            "errcode.40001",
        ),
        (
            "gettoken?corpid=wwnone&corpsecret=x".to_owned(),
            Value::Null,
            "errcode.40013",
        ),
        (
            "department/list?access_token=strange".to_owned(),
            Value::Null,
            "errcode.40014",
        ),
        (
            format!("user/get?access_token={contacts}&userid=nobody"),
            Value::Null,
            "errcode.60111",
        ),
    ] {
        let (headers, answer) = office.call_raw(&format!("/cgi-bin/{path}"), body).await;
        let told = rule_of(&office.world, &headers, &answer).await;
        assert_eq!(told, rule, "{path}: {answer}");
    }
}

#[tokio::test]
async fn each_mistake_of_a_third_party_platform_has_its_own_name() {
    let platform = Platform::start().await;
    let world = &platform.world;
    let token = platform.token().await;
    let granted = platform.grant(json!({})).await;
    let info = platform.exchange(&token, &granted["auth_code"]).await["authorization_info"].clone();
    let of_account = info["authorizer_access_token"].as_str().unwrap();
    let said = async |path: String, body: Value| {
        let (headers, answer) = world.call_raw(&path, body).await;
        rule_of(world, &headers, &answer).await
    };
    let below = |path: &str| format!("/cgi-bin/component/{path}?component_access_token={token}");
    let id = platform.id();
    let code = json!({"component_appid": id, "authorization_code": "queryauthcode@@@wrong"});
    let renew = json!({
        "component_appid": id, "authorizer_appid": appid(&platform.account),
        "authorizer_refresh_token": "refreshtoken@@@wrong",
    });
    let ticket = json!({
        "component_appid": id, "component_appsecret": platform.component["secret"],
        "component_verify_ticket": "ticket@@@old",
    });
    for (path, body, rule) in [
        (below("api_query_auth"), code, "errcode.61009"),
        (
            below("api_authorizer_token"),
            renew.clone(),
            "errcode.61023",
        ),
        (
            "/cgi-bin/component/api_component_token".to_owned(),
            ticket,
            "errcode.61006",
        ),
    ] {
        assert_eq!(said(path.clone(), body).await, rule, "{path}");
    }
    platform.withdraw().await;
    let users = format!("/cgi-bin/user/get?access_token={of_account}");
    assert_eq!(said(users, Value::Null).await, "errcode.61003");
    assert_eq!(
        said(below("api_authorizer_token"), renew).await,
        "errcode.61003"
    );
}
