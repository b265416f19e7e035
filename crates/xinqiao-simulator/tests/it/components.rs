use serde_json::{Value, json};
use xinqiao_crypto::AesKey;
use xinqiao_message::{
    envelope::{CallbackQuery, Keys, open, seal_reply},
    inbound::Message,
};
use xinqiao_testkit::{Recorded, TestApp, TestWorld, Told};
use xinqiao_types::{CallbackMode, CallbackToken, Clock as _, SystemClock};

use crate::{appid, element, text_reply};

/// A platform with an app behind its addresses, and an account that may authorize it.
pub(crate) struct Platform {
    pub(crate) world: TestWorld,
    pub(crate) component: Value,
    pub(crate) account: Value,
    pub(crate) app: TestApp,
}

pub(crate) fn keys(component: &Value) -> Keys {
    let text = |name: &str| component[name].as_str().unwrap().to_owned();
    Keys::new(CallbackToken::new(text("token")), text("appid"))
        .with_aes_key(&AesKey::parse(&text("aes_key")).unwrap())
}

/// A push as the platform's app reads it.
pub(crate) fn opened(component: &Value, push: &Recorded) -> String {
    let query = CallbackQuery::parse(&push.query);
    let opened = open(
        &keys(component),
        &query,
        push.body.as_bytes(),
        SystemClock.unix(),
    );
    String::from_utf8(opened.unwrap().xml).unwrap()
}

impl Platform {
    /// One that has got no ticket yet.
    async fn silent() -> Self {
        let world = TestWorld::start().await;
        world.must("POST", "/clock", json!({"freeze": true})).await;
        let component = world.account(json!({"kind": "component"})).await;
        let account = world.account(json!({})).await;
        let app = TestApp::start().await;
        Self {
            world,
            component,
            account,
            app,
        }
    }

    pub(crate) async fn start() -> Self {
        let own = Self::silent().await;
        own.connect().await;
        own.pushed(1).await;
        own
    }

    async fn connect(&self) {
        let settings = json!({
            "url": self.app.url, "message_url": format!("{}/$APPID$/message", self.app.url),
        });
        let path = format!("/accounts/{}/callback", self.id());
        self.world.must("PUT", &path, settings).await;
    }

    pub(crate) fn id(&self) -> &str {
        appid(&self.component)
    }

    /// The pushes as soon as there are so many.
    async fn pushed(&self, count: usize) -> Vec<String> {
        for _ in 0..500 {
            if self.app.pushes().len() >= count {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let pushes = self.app.pushes();
        assert_eq!(pushes.len(), count, "{pushes:?}");
        pushes
            .iter()
            .map(|push| opened(&self.component, push))
            .collect()
    }

    /// The newest push, which must be of this kind.
    fn told(&self, info: &str) -> String {
        let push = self.app.pushes().pop().unwrap();
        let xml = opened(&self.component, &push);
        assert_eq!(element(&xml, "InfoType"), info, "{xml}");
        assert_eq!(element(&xml, "AppId"), self.id(), "{xml}");
        xml
    }

    async fn ticket(&self) -> String {
        let path = format!("/accounts/{}/tickets", self.id());
        self.world.must("POST", &path, json!({})).await;
        let xml = self.told("component_verify_ticket");
        element(&xml, "ComponentVerifyTicket").to_owned()
    }

    async fn token_with(&self, ticket: &str) -> Value {
        let body = json!({
            "component_appid": self.id(), "component_appsecret": self.component["secret"],
            "component_verify_ticket": ticket,
        });
        let path = "/cgi-bin/component/api_component_token";
        self.world.call(path, body).await
    }

    pub(crate) async fn token(&self) -> String {
        let ticket = self.ticket().await;
        let answer = self.token_with(&ticket).await;
        assert_eq!(answer["expires_in"], 7200, "{answer}");
        answer["component_access_token"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// A call of the platform about itself.
    async fn call(&self, token: &str, path: &str, mut body: Value) -> Value {
        body["component_appid"] = json!(self.id());
        let path = format!("/cgi-bin/{path}?component_access_token={token}");
        self.world.call(&path, body).await
    }

    pub(crate) async fn grant(&self, fields: Value) -> Value {
        let mut body = json!({"account": appid(&self.account)});
        body.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let path = format!("/accounts/{}/authorizations", self.id());
        self.world.must("POST", &path, body).await
    }

    /// What the exchange of a code gives.
    pub(crate) async fn exchange(&self, token: &str, code: &Value) -> Value {
        let body = json!({"authorization_code": code});
        self.call(token, "component/api_query_auth", body).await
    }

    async fn refresh(&self, token: &str, refresh_token: &Value) -> Value {
        let body = json!({
            "authorizer_appid": appid(&self.account), "authorizer_refresh_token": refresh_token,
        });
        self.call(token, "component/api_authorizer_token", body)
            .await
    }

    /// A call for the account.
    async fn users(&self, authorizer_token: &Value) -> Value {
        let token = authorizer_token.as_str().unwrap();
        let path = format!("/cgi-bin/user/get?access_token={token}");
        self.world.call(&path, Value::Null).await
    }

    pub(crate) async fn withdraw(&self) {
        let path = format!(
            "/accounts/{}/authorizations/{}",
            self.id(),
            appid(&self.account)
        );
        self.world.must("DELETE", &path, Value::Null).await;
    }
}

fn refused(answer: &Value, code: i64) {
    assert_eq!(answer["errcode"], code, "{answer}");
}

#[tokio::test]
async fn a_ticket_is_pushed_every_ten_minutes() {
    let platform = Platform::silent().await;
    platform.world.advance(3600).await;
    platform.connect().await;
    platform.pushed(1).await;
    assert!(
        platform
            .app
            .requests()
            .iter()
            .all(|one| one.method == "POST"),
        "no handshake"
    );
    let push = &platform.app.push(0).await;
    assert_eq!(push.query("encrypt_type"), Some("aes"));
    assert_eq!(element(&push.body, "AppId"), platform.id());
    let first = platform.told("component_verify_ticket");
    platform.world.advance(599).await;
    platform.pushed(1).await;
    platform.world.advance(1).await;
    platform.pushed(2).await;
    let second = platform.told("component_verify_ticket");
    let (first_time, second_time) = (
        element(&first, "CreateTime"),
        element(&second, "CreateTime"),
    );
    let number = |text: &str| text.parse::<i64>().unwrap();
    assert_eq!(number(second_time) - number(first_time), 600);
    let ticket = |xml| element(xml, "ComponentVerifyTicket").to_owned();
    assert_ne!(ticket(&first), ticket(&second));
    assert!(ticket(&first).starts_with("ticket@@@"));
}

#[tokio::test]
async fn a_jump_of_the_clock_pushes_the_last_ticket_only() {
    let platform = Platform::start().await;
    platform.world.advance(20 * 365 * 86_400 + 7).await;
    let pushed = platform.pushed(2).await;
    let time = |xml: &String| element(xml, "CreateTime").parse::<i64>().unwrap();
    assert_eq!(time(&pushed[1]) - time(&pushed[0]), 20 * 365 * 86_400);
    platform.world.advance(593).await;
    platform.pushed(3).await;
    let body = json!({"now": 4_102_415_999_i64});
    platform.world.must("POST", "/clock", body).await;
    platform.pushed(4).await;
}

#[tokio::test]
async fn a_ticket_is_pushed_until_it_is_told_success() {
    let platform = Platform::start().await;
    let path = format!("/accounts/{}/tickets", platform.id());
    for _ in 0..2 {
        platform.app.next(Told::body(""));
    }
    let answer = platform.world.must("POST", &path, json!({})).await;
    let attempts = answer["deliveries"][0]["attempts"].as_array().unwrap();
    let rules: Vec<&Value> = attempts.iter().map(|attempt| &attempt["rule"]).collect();
    let rule = json!("reply.component");
    assert_eq!(rules, [&rule, &rule, &Value::Null], "{answer}");
    let tickets = platform.pushed(4).await;
    let ticket = |at: usize| element(&tickets[at], "ComponentVerifyTicket");
    assert_eq!((ticket(1), ticket(2)), (ticket(3), ticket(3)));
}

#[tokio::test]
async fn a_ticket_is_pushed_again_when_the_platform_asks_for_it() {
    let platform = Platform::start().await;
    platform.world.advance(300).await;
    let body = json!({
        "component_appid": platform.id(), "component_secret": platform.component["secret"],
    });
    let path = "/cgi-bin/component/api_start_push_ticket";
    let answer = platform.world.call(path, body).await;
    refused(&answer, 0);
    platform.pushed(2).await;
    platform.world.advance(599).await;
    platform.pushed(2).await;
    platform.world.advance(1).await;
    platform.pushed(3).await;
    let wrong = json!({"component_appid": platform.id(), "component_secret": "x"});
    refused(&platform.world.call(path, wrong).await, 40125);
}

#[tokio::test]
async fn how_long_the_token_before_goes_on_is_a_switch() {
    let platform = Platform::start().await;
    let calls_with = async |token: &str| {
        let path =
            format!("/cgi-bin/component/api_create_preauthcode?component_access_token={token}");
        let body = json!({"component_appid": platform.id()});
        platform.world.call(&path, body).await
    };
    let first = platform.token().await;
    let second = platform.token().await;
    platform.world.advance(299).await;
    assert!(calls_with(&first).await["pre_auth_code"].is_string());
    platform.world.advance(1).await;
    refused(&calls_with(&first).await, 40001);
    let rules = json!({"rules": {"component.token_overlap_seconds": 0}});
    let path = format!("/accounts/{}", platform.id());
    platform.world.must("PATCH", &path, rules).await;
    let third = platform.token().await;
    refused(&calls_with(&second).await, 40001);
    assert!(calls_with(&third).await["pre_auth_code"].is_string());
}

#[tokio::test]
async fn a_ticket_and_a_secret_give_a_token() {
    let platform = Platform::start().await;
    let first = platform.ticket().await;
    platform.world.advance(600).await;
    platform.pushed(3).await;
    let token = platform.token_with(&first).await;
    assert_eq!(
        token["expires_in"], 7200,
        "an older ticket is one still: {token}"
    );
    refused(&platform.token_with("ticket@@@x").await, 61006);
    platform.world.advance(12 * 3600 - 601).await;
    assert_eq!(platform.token_with(&first).await["expires_in"], 7200);
    platform.world.advance(1).await;
    refused(&platform.token_with(&first).await, 61005);
    platform.world.advance(12 * 3600).await;
    refused(&platform.token_with(&first).await, 61006);

    let path = "/cgi-bin/component/api_component_token";
    let with = |id: &Value, secret: &Value| {
        json!({
            "component_appid": id, "component_appsecret": secret, "component_verify_ticket": "x",
        })
    };
    let (own, account) = (&platform.component, &platform.account);
    for (id, secret, code) in [
        (&own["appid"], &json!("x"), 40125),
        (&json!("wx1"), &own["secret"], 40013),
        (&account["appid"], &account["secret"], 40013),
        (&json!(""), &own["secret"], 41018),
        (&own["appid"], &json!(""), 41004),
    ] {
        refused(&platform.world.call(path, with(id, secret)).await, code);
    }
    let as_account = format!(
        "/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
        platform.id(),
        own["secret"].as_str().unwrap()
    );
    refused(&platform.world.call(&as_account, Value::Null).await, 40013);
    let list = json!({"ip_whitelist": ["10.0.0.0/8"]});
    let patch = format!("/accounts/{}", platform.id());
    platform.world.must("PATCH", &patch, list).await;
    let answer = platform.token_with(&first).await;
    refused(&answer, 61004);
    assert!(
        answer["errmsg"].as_str().unwrap().contains("127.0.0.1"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_platforms_token_stands_like_an_accounts() {
    let platform = Platform::start().await;
    let list = json!({"offset": 0, "count": 10});
    let ask = async |token: &str| {
        platform
            .call(token, "component/api_get_authorizer_list", list.clone())
            .await
    };
    let first = platform.token().await;
    let second = platform.token().await;
    assert_eq!(ask(&first).await["total_count"], 0);
    platform.world.advance(300).await;
    refused(&ask(&first).await, 40001);
    assert_eq!(ask(&second).await["total_count"], 0);
    platform.world.advance(6900).await;
    refused(&ask(&second).await, 42001);
    refused(&ask("x").await, 40014);
    refused(&ask("").await, 41021);
    let body = json!({"component_appid": "wx1", "offset": 0, "count": 10});
    let path = "/cgi-bin/component/api_get_authorizer_list?access_token=";
    let token = platform.token().await;
    refused(
        &platform.world.call(&format!("{path}{token}"), body).await,
        40013,
    );
}

#[tokio::test]
async fn an_account_authorizes_with_a_code_that_the_platform_got_before() {
    let platform = Platform::start().await;
    let token = platform.token().await;
    let before = platform
        .call(&token, "component/api_create_preauthcode", json!({}))
        .await;
    assert_eq!(before["expires_in"], 1800, "{before}");
    let code = &before["pre_auth_code"];
    assert!(code.as_str().unwrap().starts_with("preauthcode@@@"));
    let granted = platform
        .grant(json!({"pre_auth_code": code, "functions": [3, 1, 1]}))
        .await;
    let xml = platform.told("authorized");
    assert_eq!(element(&xml, "AuthorizerAppid"), appid(&platform.account));
    assert_eq!(element(&xml, "AuthorizationCode"), granted["auth_code"]);
    assert_eq!(element(&xml, "PreAuthCode"), *code);
    let number = |name| element(&xml, name).parse::<i64>().unwrap();
    assert_eq!(
        number("AuthorizationCodeExpiredTime") - number("CreateTime"),
        3600
    );
    let path = format!("/accounts/{}/authorizations", platform.id());
    let list = platform.world.get(&path).await;
    assert_eq!(list["items"][0]["functions"], json!([1, 3]), "{list}");

    let again = json!({"account": appid(&platform.account), "pre_auth_code": code});
    let (status, answer) = platform.world.control("POST", &path, again).await;
    assert_eq!(status, 422, "used: {answer}");
    let shorter = json!({"rules": {"authorization.pre_auth_code_seconds": 600}});
    let patch = format!("/accounts/{}", platform.id());
    platform.world.must("PATCH", &patch, shorter).await;
    let late = platform
        .call(&token, "component/api_create_preauthcode", json!({}))
        .await;
    assert_eq!(late["expires_in"], 600);
    platform.world.advance(600).await;
    let late = json!({
        "account": appid(&platform.account), "pre_auth_code": late["pre_auth_code"],
    });
    let (status, answer) = platform.world.control("POST", &path, late).await;
    assert_eq!(status, 422, "over: {answer}");
}

#[tokio::test]
async fn a_code_is_exchanged_until_it_ends() {
    let platform = Platform::start().await;
    let token = platform.token().await;
    let granted = platform.grant(json!({})).await;
    let code = &granted["auth_code"];
    let first = platform.exchange(&token, code).await["authorization_info"].clone();
    assert_eq!(
        first["authorizer_appid"],
        appid(&platform.account),
        "{first}"
    );
    assert_eq!(first["expires_in"], 7200);
    assert_eq!(first["func_info"][0]["funcscope_category"]["id"], 1);
    let again = platform.exchange(&token, code).await["authorization_info"].clone();
    assert_eq!(again, first);
    let users = platform.users(&first["authorizer_access_token"]).await;
    assert_eq!(users["total"], 0, "{users}");
    platform.world.advance(3600).await;
    refused(&platform.exchange(&token, code).await, 61010);
    refused(&platform.exchange(&token, &json!("x")).await, 61009);
}

#[tokio::test]
async fn a_new_grant_takes_the_place_of_the_refresh_token() {
    let platform = Platform::start().await;
    let token = platform.token().await;
    let granted = platform.grant(json!({})).await;
    let info = platform.exchange(&token, &granted["auth_code"]).await["authorization_info"].clone();
    let refresh_token = &info["authorizer_refresh_token"];
    let fresh = platform.refresh(&token, refresh_token).await;
    assert_eq!(fresh["authorizer_refresh_token"], *refresh_token, "{fresh}");
    assert_ne!(
        fresh["authorizer_access_token"],
        info["authorizer_access_token"]
    );
    platform.world.advance(300).await;
    refused(
        &platform.users(&info["authorizer_access_token"]).await,
        40001,
    );
    assert_eq!(
        platform.users(&fresh["authorizer_access_token"]).await["total"],
        0
    );
    refused(&platform.refresh(&token, &json!("x")).await, 61023);

    let changed = platform.grant(json!({"functions": [2]})).await;
    let xml = platform.told("updateauthorized");
    assert_eq!(element(&xml, "AuthorizationCode"), changed["auth_code"]);
    refused(&platform.refresh(&token, refresh_token).await, 61023);
    let renewed =
        platform.exchange(&token, &changed["auth_code"]).await["authorization_info"].clone();
    assert_eq!(
        renewed["func_info"],
        json!([{"funcscope_category": {"id": 2}}])
    );
    let fresh = platform
        .refresh(&token, &renewed["authorizer_refresh_token"])
        .await;
    assert_eq!(fresh["expires_in"], 7200, "{fresh}");
}

#[tokio::test]
async fn a_withdrawn_grant_takes_its_tokens_with_it() {
    let platform = Platform::start().await;
    let token = platform.token().await;
    let granted = platform.grant(json!({})).await;
    let info = platform.exchange(&token, &granted["auth_code"]).await["authorization_info"].clone();
    platform.withdraw().await;
    let xml = platform.told("unauthorized");
    assert_eq!(element(&xml, "AuthorizerAppid"), appid(&platform.account));
    refused(
        &platform.users(&info["authorizer_access_token"]).await,
        40001,
    );
    refused(
        &platform
            .refresh(&token, &info["authorizer_refresh_token"])
            .await,
        61003,
    );
    refused(
        &platform.exchange(&token, &granted["auth_code"]).await,
        61009,
    );
    let path = format!(
        "/accounts/{}/authorizations/{}",
        platform.id(),
        appid(&platform.account)
    );
    let (status, _) = platform.world.control("DELETE", &path, Value::Null).await;
    assert_eq!(status, 404);

    platform.grant(json!({})).await;
    platform.told("authorized");
    let path = format!("/accounts/{}", appid(&platform.account));
    let before = platform.app.pushes().len();
    platform.world.must("DELETE", &path, Value::Null).await;
    platform.pushed(before + 1).await;
    platform.told("unauthorized");
}

#[tokio::test]
async fn a_platform_is_told_who_authorized_it() {
    let platform = Platform::start().await;
    let token = platform.token().await;
    let about = json!({"authorizer_appid": appid(&platform.account)});
    refused(
        &platform
            .call(&token, "component/api_get_authorizer_info", about.clone())
            .await,
        61003,
    );
    let granted = platform.grant(json!({})).await;
    let told = platform
        .call(&token, "component/api_get_authorizer_info", about)
        .await;
    let own = &told["authorizer_info"];
    assert_eq!(own["user_name"], platform.account["original_id"], "{told}");
    assert_eq!(own["service_type_info"]["id"], 2);
    assert_eq!(own["verify_type_info"]["id"], 0);
    let info = platform.exchange(&token, &granted["auth_code"]).await["authorization_info"].clone();
    let refresh_token = &info["authorizer_refresh_token"];
    assert_eq!(
        told["authorization_info"]["authorizer_refresh_token"],
        *refresh_token
    );
    let page = json!({"offset": 0, "count": 500});
    let list = platform
        .call(&token, "component/api_get_authorizer_list", page)
        .await;
    assert_eq!(list["total_count"], 1, "{list}");
    assert_eq!(
        list["list"][0]["authorizer_appid"],
        appid(&platform.account)
    );
    assert_eq!(list["list"][0]["refresh_token"], *refresh_token);
    let page = json!({"offset": 1, "count": 500});
    let list = platform
        .call(&token, "component/api_get_authorizer_list", page)
        .await;
    assert_eq!(
        (&list["total_count"], &list["list"]),
        (&json!(1), &json!([]))
    );
}

#[tokio::test]
async fn a_token_opens_only_what_is_its_holders() {
    let platform = Platform::start().await;
    let token = platform.token().await;
    let granted = platform.grant(json!({})).await;
    let info = platform.exchange(&token, &granted["auth_code"]).await["authorization_info"].clone();
    let for_account = info["authorizer_access_token"].as_str().unwrap();
    refused(&platform.users(&json!(token)).await, 61015);
    let list = json!({"offset": 0, "count": 1});
    refused(
        &platform
            .call(
                for_account,
                "component/api_get_authorizer_list",
                list.clone(),
            )
            .await,
        61014,
    );
    let own = platform.world.token(&platform.account).await;
    refused(
        &platform
            .call(&own, "component/api_get_authorizer_list", list)
            .await,
        40001,
    );
}

#[tokio::test]
async fn what_a_platform_alone_may_call_is_refused_to_the_account() {
    let platform = Platform::start().await;
    let token = platform.token().await;
    let granted = platform.grant(json!({})).await;
    let info = platform.exchange(&token, &granted["auth_code"]).await["authorization_info"].clone();
    let for_account = info["authorizer_access_token"].as_str().unwrap();
    let own = platform.world.token(&platform.account).await;
    let body = json!({"appid": appid(&platform.account)});
    let get = async |token: &str| {
        let path = format!("/cgi-bin/open/get?access_token={token}");
        platform.world.call(&path, body.clone()).await
    };
    refused(&get(&own).await, 48001);
    let told = get(for_account).await;
    assert_ne!(told["errcode"], 48001, "{told}");
}

#[tokio::test]
async fn options_of_an_account_are_set_and_told() {
    let platform = Platform::start().await;
    let token = platform.token().await;
    platform.grant(json!({})).await;
    let about =
        |name: &str| json!({"authorizer_appid": appid(&platform.account), "option_name": name});
    let get = async |name: &str| {
        platform
            .call(&token, "component/api_get_authorizer_option", about(name))
            .await
    };
    let set = async |name: &str, value: &str| {
        let mut body = about(name);
        body["option_value"] = json!(value);
        platform
            .call(&token, "component/api_set_authorizer_option", body)
            .await
    };
    assert_eq!(get("location_report").await["option_value"], "0");
    refused(&set("location_report", "2").await, 0);
    assert_eq!(get("location_report").await["option_value"], "2");
    refused(&set("location_report", "3").await, 61013);
    refused(&set("colour", "1").await, 61012);
    refused(&get("colour").await, 61012);
}

#[tokio::test]
async fn messages_of_an_account_go_to_the_platform_that_received_them() {
    let platform = Platform::start().await;
    let (world, account) = (&platform.world, appid(&platform.account));
    let server = TestApp::start().await;
    let path = format!("/accounts/{account}/callback");
    world.must("PUT", &path, json!({"url": server.url})).await;
    let user = world.user("小林").await;
    world
        .act(&user, json!({"do": "follow", "account": account}))
        .await;
    assert_eq!(server.pushes().len(), 1);

    platform.grant(json!({})).await;
    let own = platform.component.clone();
    platform.app.otherwise(move |push| {
        let xml = opened(&own, push);
        if element(&xml, "MsgType") != "text" {
            return Told::body("success");
        }
        let (to, from) = (element(&xml, "FromUserName"), element(&xml, "ToUserName"));
        let reply = text_reply(to, from, "从平台来");
        let (time, random) = (SystemClock.unix().0, [7; 16]);
        let sealed = seal_reply(&keys(&own), CallbackMode::Safe, &reply, time, "1", random);
        Told::body(sealed.unwrap())
    });
    world.say(&user, account, "你好").await;
    let push = platform.app.pushes().pop().unwrap();
    assert!(
        push.path.ends_with(&format!("/{account}/message")),
        "{}",
        push.path
    );
    let xml = opened(&platform.component, &push);
    assert_eq!(element(&xml, "Content"), "你好");
    assert_eq!(element(&xml, "ToUserName"), platform.account["original_id"]);
    assert_eq!(push.query("openid").unwrap(), element(&xml, "FromUserName"));
    let message = Message::parse(xml.into_bytes()).unwrap();
    assert_eq!(message.msg_type(), "text");
    let inbox = world.inbox(&user, account).await;
    assert_eq!(inbox.last().unwrap()["content"], "从平台来", "{inbox:?}");
    assert_eq!(server.pushes().len(), 1, "its own server gets nothing now");

    let other = world.account(json!({"kind": "component"})).await;
    let path = format!("/accounts/{}/authorizations", appid(&other));
    let (status, answer) = world
        .control("POST", &path, json!({"account": account}))
        .await;
    assert_eq!(status, 422, "one only receives messages: {answer}");
    let rest = json!({"account": account, "functions": [2]});
    world.must("POST", &path, rest).await;

    platform.withdraw().await;
    world.say(&user, account, "还在吗").await;
    assert_eq!(server.pushes().len(), 2);
}

#[tokio::test]
async fn settings_of_a_platform_are_checked() {
    let platform = Platform::silent().await;
    let (world, id) = (&platform.world, platform.id());
    let callback = format!("/accounts/{id}/callback");
    let authorizations = format!("/accounts/{id}/authorizations");
    let of_account = format!("/accounts/{}/callback", appid(&platform.account));
    let tickets = |id: &str| format!("/accounts/{id}/tickets");
    let url = "http://127.0.0.1:1/";
    for (method, path, body, status) in [
        (
            "POST",
            "/accounts",
            json!({"kind": "component", "mode": "plain"}),
            422,
        ),
        (
            "PUT",
            &*callback,
            json!({"url": url, "mode": "compat"}),
            422,
        ),
        (
            "PUT",
            &*callback,
            json!({"url": url, "message_url": "x"}),
            400,
        ),
        (
            "PUT",
            &*of_account,
            json!({"url": url, "message_url": url}),
            400,
        ),
        ("POST", &*tickets(id), json!({}), 422),
        ("POST", &*tickets(id), json!({"x": 1}), 400),
        ("POST", &*tickets(appid(&platform.account)), json!({}), 422),
        ("POST", &*tickets("wx1"), json!({}), 404),
        ("POST", &*authorizations, json!({}), 400),
        ("POST", &*authorizations, json!({"account": "wx1"}), 404),
        ("POST", &*authorizations, json!({"account": id}), 422),
        (
            "POST",
            &*authorizations,
            json!({"account": appid(&platform.account), "functions": []}),
            400,
        ),
    ] {
        let (got, answer) = world.control(method, path, body.clone()).await;
        assert_eq!(got, status, "{method} {path} {body}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.len() > 10, "{message}");
    }
    let user = world.user("小林").await;
    let actions = format!("/users/{user}/actions");
    let (status, _) = world
        .control("POST", &actions, json!({"do": "follow", "account": id}))
        .await;
    assert_eq!(status, 501);
}

#[tokio::test]
async fn a_platform_and_its_grants_outlive_an_export() {
    let platform = Platform::start().await;
    let token = platform.token().await;
    let granted = platform.grant(json!({})).await;
    let info = platform.exchange(&token, &granted["auth_code"]).await["authorization_info"].clone();
    let world = &platform.world;
    let url = format!("{}/export", world.control_base());
    let export = world
        .client()
        .get(url)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let url = format!("{}/import", world.control_base());
    let imported = world
        .client()
        .post(url)
        .header("content-type", "application/json");
    assert!(
        imported
            .body(export)
            .send()
            .await
            .unwrap()
            .status()
            .is_success()
    );
    assert_eq!(
        platform.users(&info["authorizer_access_token"]).await["total"],
        0
    );
    let page = json!({"offset": 0, "count": 1});
    let list = platform
        .call(&token, "component/api_get_authorizer_list", page)
        .await;
    assert_eq!(list["total_count"], 1, "{list}");
    let before = platform.app.pushes().len();
    world.advance(600).await;
    platform.pushed(before + 1).await;
}

#[tokio::test]
async fn a_seeded_world_has_a_platform_with_the_same_keys_every_day() {
    let (one, two) = (
        TestWorld::start_seeded().await,
        TestWorld::start_seeded().await,
    );
    let find = async |world: &TestWorld| {
        let accounts = world.get("/accounts").await;
        let items = accounts["items"].as_array().unwrap().clone();
        items
            .into_iter()
            .find(|one| one["kind"] == "component")
            .unwrap()
    };
    let (one, two) = (find(&one).await, find(&two).await);
    assert_eq!(one, two);
    assert!(one["aes_key"].as_str().unwrap().len() == 43, "{one}");
}

#[tokio::test]
async fn a_message_that_nobody_receives_says_so() {
    let platform = Platform::silent().await;
    let (world, account) = (&platform.world, appid(&platform.account));
    let path = format!("/accounts/{}/callback", platform.id());
    world
        .must("PUT", &path, json!({"url": platform.app.url}))
        .await;
    platform.grant(json!({})).await;
    let user = world.user("小林").await;
    let act = json!({"do": "follow", "account": account});
    let answer = world.act(&user, act).await;
    assert_eq!(answer["deliveries"], json!([]), "{answer}");
    let rows = world.get(&format!("/timeline?account={account}")).await;
    let rows = rows["items"].as_array().unwrap();
    let row = rows.last().unwrap();
    assert!(
        row["subtitle"]["en"]
            .as_str()
            .unwrap()
            .contains("message_url"),
        "{row}"
    );
}

#[tokio::test]
async fn a_deleted_platform_takes_its_tokens_with_it() {
    let platform = Platform::start().await;
    let token = platform.token().await;
    let granted = platform.grant(json!({})).await;
    let info = platform.exchange(&token, &granted["auth_code"]).await["authorization_info"].clone();
    let of_account = &info["authorizer_access_token"];
    assert_eq!(platform.users(of_account).await["total"], 0);
    let path = format!("/accounts/{}", platform.id());
    platform.world.must("DELETE", &path, Value::Null).await;
    refused(&platform.users(of_account).await, 40001);
    let page = json!({"offset": 0, "count": 1});
    let list = platform
        .call(&token, "component/api_get_authorizer_list", page)
        .await;
    assert!(
        list["errcode"].as_i64().is_some_and(|code| code != 0),
        "{list}"
    );
    let renewed = platform.refresh(&token, &info["authorizer_refresh_token"]);
    let renewed = renewed.await;
    assert!(renewed["authorizer_access_token"].is_null(), "{renewed}");
    // One of the same name begins without any of them.
    let again = json!({"appid": platform.id(), "kind": "component"});
    platform.world.must("POST", "/accounts", again).await;
    refused(&platform.users(of_account).await, 40001);
    // The account's own tokens are none of the platform's business.
    let own = platform.world.token(&platform.account).await;
    assert_eq!(platform.users(&json!(own)).await["total"], 0);
}
