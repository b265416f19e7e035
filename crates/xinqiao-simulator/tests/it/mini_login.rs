//! Logging in to mini programs over HTTP: codes, sessions and their keys, sealed profiles and phone numbers.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use xinqiao_crypto::{Hex, encrypted_data, session};
use xinqiao_testkit::TestWorld;

use crate::{appid, components::Platform};

/// A mini program, and a person with a phone number.
struct Mini {
    world: TestWorld,
    account: Value,
    user: String,
}

impl Mini {
    async fn open() -> Self {
        Self::with(json!({})).await
    }

    /// With these rules of the account.
    async fn with(rules: Value) -> Self {
        let world = TestWorld::start().await;
        world.must("POST", "/clock", json!({"freeze": true})).await;
        let account = world
            .account(json!({"kind": "miniprogram", "name": "小店", "open_account": "o1", "rules": rules}))
            .await;
        let person = json!({"nickname": "小林", "phone": "13800138000"});
        let person = world.must("POST", "/users", person).await;
        let user = person["id"].as_str().unwrap().to_owned();
        Self {
            world,
            account,
            user,
        }
    }

    async fn does(&self, act: &str) -> Value {
        let act = json!({"do": act, "account": appid(&self.account)});
        self.world.act(&self.user, act).await
    }

    async fn refused(&self, act: &str) -> Value {
        let path = format!("/users/{}/actions", self.user);
        let act = json!({"do": act, "account": appid(&self.account)});
        let (status, answer) = self.world.control("POST", &path, act).await;
        assert_eq!(status, 422, "{answer}");
        answer
    }

    async fn code(&self) -> String {
        let code = self.does("login").await["code"].clone();
        code.as_str().unwrap().to_owned()
    }

    async fn exchange(&self, code: &str) -> Value {
        self.exchange_as(&self.account, code).await
    }

    async fn exchange_as(&self, account: &Value, code: &str) -> Value {
        let (id, secret) = (appid(account), account["secret"].as_str().unwrap());
        let code = code.replace(' ', "%20");
        let path = format!(
            "/sns/jscode2session?appid={id}&secret={secret}&js_code={code}&grant_type=authorization_code"
        );
        self.world.call(&path, Value::Null).await
    }

    /// What a log-in gives.
    async fn session(&self) -> Value {
        let session = self.exchange(&self.code().await).await;
        assert!(session["session_key"].is_string(), "{session}");
        session
    }

    async fn signed(&self, path: &str, openid: &Value, key: &str, method: &str) -> Value {
        let token = self.world.token(&self.account).await;
        let (openid, signature) = (openid.as_str().unwrap(), session::hmac(key, b""));
        let path = format!(
            "{path}?access_token={token}&openid={openid}&signature={}&sig_method={method}",
            signature.as_str()
        );
        self.world.call(&path, Value::Null).await
    }

    async fn checked(&self, session: &Value) -> Value {
        let key = session["session_key"].as_str().unwrap();
        let path = "/wxa/checksession";
        let answer = self.signed(path, &session["openid"], key, "hmac_sha256");
        answer.await["errcode"].clone()
    }

    async fn number(&self, code: &Value) -> Value {
        self.number_as(&self.account, code).await
    }

    async fn number_as(&self, account: &Value, code: &Value) -> Value {
        let token = self.world.token(account).await;
        let path = format!("/wxa/business/getuserphonenumber?access_token={token}");
        self.world.call(&path, json!({"code": code})).await
    }
}

/// What an SDK reads out of sealed data.
fn read(sealed: &Value, session: &Value) -> Option<Value> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let (data, iv) = (text(&sealed["encrypted_data"]), text(&sealed["iv"]));
    let plain = encrypted_data::decrypt(&text(&session["session_key"]), &data, &iv).ok()?;
    serde_json::from_slice(&plain).ok()
}

#[tokio::test]
async fn a_login_code_works_once_and_five_minutes() {
    let mini = Mini::open().await;
    let login = mini.does("login").await;
    assert_eq!(login["errMsg"], "login:ok", "{login}");
    let code = login["code"].as_str().unwrap();
    assert_eq!(code.len(), 32);
    let session = mini.exchange(code).await;
    let known = mini.world.get(&format!("/users/{}", mini.user)).await;
    assert_eq!(session["openid"], known["openids"][appid(&mini.account)]);
    assert_eq!(session["unionid"], known["unionids"]["o1"]);
    assert!(session.get("errcode").is_none(), "{session}");
    assert_eq!(mini.exchange(code).await["errcode"], 40163);
    assert_eq!(mini.exchange("never").await["errcode"], 40029);

    let late = mini.code().await;
    mini.world.advance(299).await;
    assert!(mini.exchange(&late).await["openid"].is_string());
    let late = mini.code().await;
    mini.world.advance(300).await;
    assert_eq!(mini.exchange(&late).await["errcode"], 40029);

    let other = mini.world.account(json!({"kind": "miniprogram"})).await;
    let code = mini.code().await;
    assert_eq!(mini.exchange_as(&other, &code).await["errcode"], 40029);
    let own = mini.exchange(&code).await;
    assert_eq!(own["openid"], session["openid"], "it was not used up");
}

#[tokio::test]
async fn who_logs_in_without_an_open_account_has_no_unionid() {
    let mini = Mini::open().await;
    let alone = mini.world.account(json!({"kind": "miniprogram"})).await;
    let act = json!({"do": "login", "account": appid(&alone)});
    let login = mini.world.act(&mini.user, act).await;
    let session = mini
        .exchange_as(&alone, login["code"].as_str().unwrap())
        .await;
    assert!(session["openid"].is_string(), "{session}");
    assert!(session.get("unionid").is_none(), "{session}");
}

#[tokio::test]
async fn a_login_is_refused_in_the_platforms_words() {
    let mini = Mini::open().await;
    let (id, code) = (appid(&mini.account), mini.code().await);
    let secret = mini.account["secret"].as_str().unwrap();
    let grant = "grant_type=authorization_code";
    for (query, errcode) in [
        (format!("secret={secret}&js_code={code}&{grant}"), 41002),
        (
            format!("appid=wx0&secret={secret}&js_code={code}&{grant}"),
            40013,
        ),
        (format!("appid={id}&js_code={code}&{grant}"), 41004),
        (
            format!("appid={id}&secret=wrong&js_code={code}&{grant}"),
            40125,
        ),
        (format!("appid={id}&secret={secret}&{grant}"), 41008),
        (
            format!("appid={id}&secret={secret}&js_code={code}&grant_type=client_credential"),
            40002,
        ),
    ] {
        let path = format!("/sns/jscode2session?{query}");
        let refused = mini.world.call(&path, Value::Null).await;
        assert_eq!(refused["errcode"], errcode, "{query}: {refused}");
    }
    let fault = json!({"path": "/sns/jscode2session", "errcode": 40226, "times": 1});
    mini.world.must("POST", "/faults", fault).await;
    assert_eq!(mini.exchange(&code).await["errcode"], 40226);
    assert!(mini.exchange(&code).await["openid"].is_string());
}

#[tokio::test]
async fn a_person_logs_in_a_hundred_times_a_minute() {
    let mini = Mini::open().await;
    for _ in 0..100 {
        mini.session().await;
    }
    let code = mini.code().await;
    assert_eq!(mini.exchange(&code).await["errcode"], 45011);
    mini.world.advance(60).await;
    assert!(mini.exchange(&code).await["openid"].is_string());
}

#[tokio::test]
async fn a_session_key_stays_until_its_end() {
    let mini = Mini::open().await;
    let first = mini.session().await;
    assert_eq!(mini.session().await["session_key"], first["session_key"]);
    // A log-in prolongs it.
    mini.world.advance(2 * 86_400).await;
    assert_eq!(mini.session().await["session_key"], first["session_key"]);
    mini.world.advance(2 * 86_400).await;
    assert_eq!(mini.checked(&first).await, 0);
    mini.world.advance(86_400).await;
    assert_eq!(mini.checked(&first).await, 87009);
    mini.refused("profile").await;
    let next = mini.session().await;
    assert_ne!(next["session_key"], first["session_key"]);
    assert_eq!(next["openid"], first["openid"]);
    assert_eq!(mini.checked(&next).await, 0);
}

#[tokio::test]
async fn a_rule_gives_each_login_a_key_of_its_own() {
    let mini = Mini::with(json!({"mini_login.session_key": "each_login"})).await;
    let first = mini.session().await;
    let code = mini.code().await;
    // The phone seals under the new key before the server has it.
    let sealed = mini.does("profile").await;
    assert!(read(&sealed, &first).is_none());
    let second = mini.exchange(&code).await;
    assert_eq!(read(&sealed, &second).unwrap()["openId"], second["openid"]);
    assert_eq!(mini.checked(&first).await, 87009);
}

#[tokio::test]
async fn a_session_is_checked_and_reset_by_its_signature() {
    let mini = Mini::open().await;
    let session = mini.session().await;
    let (openid, key) = (&session["openid"], session["session_key"].as_str().unwrap());
    let (check, reset) = ("/wxa/checksession", "/wxa/resetusersessionkey");
    let good = mini.signed(check, openid, key, "hmac_sha256").await;
    assert_eq!(good, json!({"errcode": 0, "errmsg": "ok"}));
    for (path, method, errcode) in [
        (check, "hmac_sha256", 87009),
        (check, "md5", 87009),
        (reset, "hmac_sha256", 87009),
        (reset, "md5", 87008),
    ] {
        let refused = mini.signed(path, openid, "another", method).await;
        assert_eq!(refused["errcode"], errcode, "{path} {method}: {refused}");
    }
    let nobody = json!("oNobody");
    let refused = mini.signed(check, &nobody, key, "hmac_sha256").await;
    assert_eq!(refused["errcode"], 40003);

    let renewed = mini.signed(reset, openid, key, "hmac_sha256").await;
    assert_eq!(&renewed["openid"], openid, "{renewed}");
    assert_eq!(mini.checked(&session).await, 87009);
    assert_eq!(mini.checked(&renewed).await, 0);
    let sealed = mini.does("profile").await;
    assert!(read(&sealed, &renewed).is_some());
    // Its end is that of the key before.
    mini.world.advance(3 * 86_400).await;
    let key = renewed["session_key"].as_str().unwrap();
    let over = mini.signed(reset, openid, key, "hmac_sha256").await;
    assert_eq!(over["errcode"], 87007, "{over}");
}

#[tokio::test]
async fn a_profile_is_sealed_under_the_session_key_and_signed() {
    let mini = Mini::open().await;
    mini.refused("profile").await;
    let session = mini.session().await;
    let profile = mini.does("profile").await;
    let told = read(&profile, &session).unwrap();
    assert_eq!(told["nickName"], "小林", "{told}");
    assert_eq!(told["openId"], session["openid"]);
    assert_eq!(told["unionId"], session["unionid"]);
    assert_eq!(told["watermark"]["appid"], appid(&mini.account));
    let now = mini.world.get("/clock").await["now"].clone();
    assert_eq!(told["watermark"]["timestamp"], now);
    let raw = profile["raw_data"].as_str().unwrap();
    let key = session["session_key"].as_str().unwrap();
    let signed = session::raw_data_signature(raw, key);
    assert_eq!(profile["signature"], signed.as_str());
    assert!(!raw.contains("openId"), "{raw}");

    let denies = json!({"do": "profile", "account": appid(&mini.account), "consent": false});
    let denied = mini.world.act(&mini.user, denies).await;
    assert_eq!(denied["errMsg"], "getUserProfile:fail auth deny");
    assert!(denied.get("encrypted_data").is_none());

    let rules = json!({"rules": {"mini_profile.names": "anonymous"}});
    let path = format!("/accounts/{}", appid(&mini.account));
    mini.world.must("PATCH", &path, rules).await;
    let told = read(&mini.does("profile").await, &session).unwrap();
    assert_eq!(told["nickName"], "微信用户", "{told}");
}

#[tokio::test]
async fn a_phone_code_tells_the_number_once() {
    let mini = Mini::open().await;
    let given = mini.does("phone").await;
    assert!(given.get("encrypted_data").is_none(), "no session: {given}");
    let told = mini.number(&given["code"]).await;
    let info = &told["phone_info"];
    assert_eq!(told["errcode"], 0, "{told}");
    assert_eq!(info["phoneNumber"], "13800138000");
    assert_eq!(info["purePhoneNumber"], "13800138000");
    assert_eq!(info["countryCode"], "86");
    assert_eq!(info["watermark"]["appid"], appid(&mini.account));
    assert_eq!(mini.number(&given["code"]).await["errcode"], 40029);

    let login = json!(mini.code().await);
    let refused = mini.number(&login).await;
    assert_eq!(refused["errcode"], 40029, "wx.login gives another code");
    let session = mini.exchange(login.as_str().unwrap()).await;
    let given = mini.does("phone").await;
    let refused = mini.exchange(given["code"].as_str().unwrap()).await;
    assert_eq!(refused["errcode"], 40029, "{refused}");
    let sealed = read(&given, &session).unwrap();
    assert_eq!(sealed["phoneNumber"], "13800138000", "{sealed}");
    assert_eq!(sealed["watermark"]["appid"], appid(&mini.account));

    let other = mini.world.account(json!({"kind": "miniprogram"})).await;
    let refused = mini.number_as(&other, &given["code"]).await;
    assert_eq!(refused["errcode"], 40013, "{refused}");
    mini.world.advance(300).await;
    assert_eq!(mini.number(&given["code"]).await["errcode"], 40029);
}

#[tokio::test]
async fn a_sealed_number_is_known_for_three_days() {
    let mini = Mini::open().await;
    mini.session().await;
    let sealed = mini.does("phone").await["encrypted_data"].clone();
    let made = mini.world.get("/clock").await["now"].clone();
    let digest: [u8; 32] = Sha256::digest(sealed.as_str().unwrap()).into();
    let hash = Hex::from(digest).as_str().to_owned();
    let check = async |hash: &str| {
        let token = mini.world.token(&mini.account).await;
        let path = format!("/wxa/business/checkencryptedmsg?access_token={token}");
        let answer = mini.world.call(&path, json!({"encrypted_msg_hash": hash}));
        answer.await
    };
    let known = check(&hash.to_uppercase()).await;
    assert_eq!(known["vaild"], true, "{known}");
    assert_eq!(known["create_time"], made);
    assert_eq!(check("0").await["vaild"], false);
    mini.world.advance(3 * 86_400).await;
    assert_eq!(check(&hash).await["vaild"], false);
}

#[tokio::test]
async fn a_number_is_told_to_verified_organisations() {
    let mini = Mini::open().await;
    let denies = json!({"do": "phone", "account": appid(&mini.account), "consent": false});
    let denied = mini.world.act(&mini.user, denies).await;
    assert_eq!(denied["errMsg"], "getPhoneNumber:fail user deny");
    assert!(denied.get("code").is_none());
    let path = format!("/accounts/{}", appid(&mini.account));
    let person = json!({"subject": {"name": "我", "kind": "person"}});
    mini.world.must("PATCH", &path, person).await;
    mini.refused("phone").await;
    let company = json!({"subject": {"name": "公司", "kind": "company"}, "verified": false});
    mini.world.must("PATCH", &path, company).await;
    mini.refused("phone").await;
    mini.world
        .must("PATCH", &path, json!({"verified": true}))
        .await;
    mini.does("phone").await;

    // Who was given no number has one that is made up.
    let without = mini.world.user("阿萍").await;
    let act = json!({"do": "phone", "account": appid(&mini.account)});
    let given = mini.world.act(&without, act).await;
    let told = mini.number(&given["code"]).await["phone_info"]["phoneNumber"].clone();
    let told = told.as_str().unwrap();
    assert!(told.len() == 11 && told.starts_with("1380013"), "{told}");
}

#[tokio::test]
async fn codes_of_the_real_tool_stand_for_a_person_where_the_account_says_so() {
    let mini = Mini::open().await;
    let tool = "0e3MpY000qyTAT1sZo300dPq5e0MpY0R";
    let mock = "the code is a mock one";
    for unknown in [tool, mock] {
        assert_eq!(mini.exchange(unknown).await["errcode"], 40029);
    }
    let number: u64 = mini.user[1..].parse().unwrap();
    let path = format!("/accounts/{}", appid(&mini.account));
    let stands_for = |number: u64| json!({"rules": {"mini_login.unknown_codes": number}});
    mini.world.must("PATCH", &path, stands_for(number)).await;

    let session = mini.exchange(tool).await;
    let known = mini.world.get(&format!("/users/{}", mini.user)).await;
    assert_eq!(
        session["openid"],
        known["openids"][appid(&mini.account)],
        "{session}"
    );
    assert_eq!(mini.exchange(tool).await["errcode"], 40163, "it works once");
    for _ in 0..2 {
        let mocked = mini.exchange(mock).await;
        assert_eq!(mocked["openid"], session["openid"], "{mocked}");
        assert_eq!(mini.checked(&mocked).await, 0);
    }
    let rows = mini.world.get("/timeline").await;
    let said = |row: &&Value| row["kind"] == "mini_login";
    let taken: Vec<&Value> = rows["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(said)
        .collect();
    assert_eq!(taken.len(), 3, "{rows}");
    assert_eq!(taken[0]["state"], "warn");
    assert_eq!(taken[0]["user"], json!(mini.user));
    assert_eq!(taken[0]["diagnosis"]["rule"], "mini_login.unknown_code");
    assert!(
        !rows
            .to_string()
            .contains(session["session_key"].as_str().unwrap())
    );

    // What this world gave is known or nobody's.
    let own = mini.code().await;
    let earlier = format!("0SIM{}", "a".repeat(28));
    assert_eq!(mini.exchange(&earlier).await["errcode"], 40029);
    mini.exchange(&own).await;
    assert_eq!(mini.exchange(&own).await["errcode"], 40163);
    mini.world.must("PATCH", &path, stands_for(999)).await;
    assert_eq!(mini.exchange("another").await["errcode"], 40029);
}

#[tokio::test]
async fn a_platform_exchanges_login_codes_of_an_account_that_authorized_it() {
    let mut platform = Platform::start().await;
    let account = json!({"kind": "miniprogram", "open_account": "o1"});
    platform.account = platform.world.account(account).await;
    let user = platform.world.user("小林").await;
    let (token, component) = (platform.token().await, platform.id().to_owned());
    let act = json!({"do": "login", "account": appid(&platform.account)});
    let login = platform.world.act(&user, act).await;
    let path = format!(
        "/sns/component/jscode2session?appid={}&js_code={}&grant_type=authorization_code\
         &component_appid={component}&component_access_token={token}",
        appid(&platform.account),
        login["code"].as_str().unwrap()
    );
    let refused = platform.world.call(&path, Value::Null).await;
    assert_eq!(refused["errcode"], 61003, "{refused}");
    platform.grant(json!({})).await;
    let session = platform.world.call(&path, Value::Null).await;
    assert!(session["session_key"].is_string(), "{session}");
    let known = platform.world.get(&format!("/users/{user}")).await;
    assert_eq!(
        session["openid"],
        known["openids"][appid(&platform.account)]
    );
    assert_eq!(session["unionid"], known["unionids"]["o1"]);
    let again = platform.world.call(&path, Value::Null).await;
    assert_eq!(again["errcode"], 40163, "{again}");
}

#[tokio::test]
async fn a_deleted_mini_program_knows_nobody() {
    let mini = Mini::open().await;
    let before = mini.session().await;
    let code = mini.code().await;
    let path = format!("/accounts/{}", appid(&mini.account));
    mini.world.control("DELETE", &path, Value::Null).await;
    let again = json!({
        "kind": "miniprogram", "appid": appid(&mini.account), "secret": mini.account["secret"],
    });
    mini.world.account(again).await;
    assert_eq!(mini.exchange(&code).await["errcode"], 40029);
    let after = mini.session().await;
    assert_ne!(after["session_key"], before["session_key"]);
}
