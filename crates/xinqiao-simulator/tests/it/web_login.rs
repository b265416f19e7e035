//! Web login over HTTP: links opened on the phone, browsers that are somebody's phone, codes and tokens of people.

use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::{appid, element};

const PAGE: &str = "/connect/oauth2/authorize";

/// An account that logs people in, and a person who doesn't follow it.
struct Login {
    world: TestWorld,
    account: Value,
    user: String,
    /// Follows no address by itself.
    browser: Client,
}

impl Login {
    async fn open() -> Self {
        let world = TestWorld::start().await;
        let account = world
            .account(
                json!({"kind": "service", "oauth_domain": "shop.example", "open_account": "o1"}),
            )
            .await;
        let user = world.user("小林").await;
        Self {
            world,
            account,
            user,
            browser: Client::builder().redirect(Policy::none()).build().unwrap(),
        }
    }

    fn appid(&self) -> &str {
        appid(&self.account)
    }

    fn link(&self, scope: &str, redirect_uri: &str) -> String {
        format!(
            "https://open.weixin.qq.com{PAGE}?appid={}&redirect_uri={redirect_uri}&response_type=code&scope={scope}&state=s1#wechat_redirect",
            self.appid()
        )
    }

    fn shop(&self, scope: &str) -> String {
        self.link(scope, "https%3A%2F%2Fshop.example%2Fback%3Fa%3D1%23%2Fhome")
    }

    async fn opened(&self, url: &str, more: Value) -> Value {
        let mut act = json!({"do": "open", "url": url});
        for (name, value) in more.as_object().unwrap() {
            act[name] = value.clone();
        }
        self.world.act(&self.user, act).await
    }

    /// The code that opening a link gives.
    async fn code(&self, scope: &str) -> String {
        let opened = self.opened(&self.shop(scope), json!({})).await;
        let to = opened["final_url"].as_str().unwrap();
        let (_, rest) = to.split_once("code=").unwrap();
        rest.split('&').next().unwrap().to_owned()
    }

    async fn exchange(&self, code: &str) -> Value {
        let secret = self.account["secret"].as_str().unwrap();
        let path = format!(
            "/sns/oauth2/access_token?appid={}&secret={secret}&code={code}&grant_type=authorization_code",
            self.appid()
        );
        self.world.call(&path, Value::Null).await
    }

    async fn told(&self, path: &str, token: &Value, openid: &str) -> Value {
        let token = token["access_token"].as_str().unwrap();
        let path = format!("{path}?access_token={token}&openid={openid}&lang=zh_CN");
        self.world.call(&path, Value::Null).await
    }

    async fn renewed(&self, token: &Value) -> Value {
        let path = format!(
            "/sns/oauth2/refresh_token?appid={}&grant_type=refresh_token&refresh_token={}",
            self.appid(),
            token["refresh_token"].as_str().unwrap()
        );
        self.world.call(&path, Value::Null).await
    }

    /// What stands on the page's own address, for the query of this link.
    async fn here(&self, link: &str) -> String {
        let info = self.world.get("/").await;
        let origin = info["endpoints"]["open.weixin.qq.com"]
            .as_str()
            .unwrap()
            .to_owned();
        let query = link.split_once('?').unwrap().1;
        format!("{origin}{PAGE}?{}", query.split('#').next().unwrap())
    }

    async fn load(&self, url: &str, cookie: &str) -> Response {
        self.browser
            .get(url)
            .header("cookie", cookie)
            .send()
            .await
            .unwrap()
    }

    /// The cookie of a browser that is the person's phone.
    async fn phone(&self, from: &str) -> String {
        let act = json!({"do": "browse", "account": self.appid(), "url": "http://shop.example/", "from": from});
        let opened = self.world.act(&self.user, act).await;
        let address = opened["open"].as_str().unwrap();
        let led = self.load(address, "").await;
        assert_eq!(led.status(), 302);
        assert_eq!(location(&led), "http://shop.example/");
        let cookie = led.headers()["set-cookie"].to_str().unwrap().to_owned();
        assert!(cookie.contains("HttpOnly"), "{cookie}");
        let again = self.load(address, "").await;
        assert_eq!(again.status(), 200, "a ticket is good once");
        assert!(again.headers().get("set-cookie").is_none());
        cookie.split(';').next().unwrap().to_owned()
    }
}

fn location(led: &Response) -> String {
    led.headers()["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_code_works_once_and_five_minutes() {
    let login = Login::open().await;
    let opened = login.opened(&login.shop("snsapi_base"), json!({})).await;
    assert_eq!(opened["prompted"], false, "{opened}");
    let to = opened["final_url"].as_str().unwrap();
    assert!(
        to.starts_with("https://shop.example/back?a=1&code="),
        "{to}"
    );
    assert!(to.ends_with("&state=s1#/home"), "{to}");

    let code = login.code("snsapi_base").await;
    let secret = login.account["secret"].as_str().unwrap();
    let path = format!(
        "/sns/oauth2/access_token?appid={}&secret={secret}&code={code}&grant_type=authorization_code",
        login.appid()
    );
    let (headers, token) = login.world.call_raw(&path, Value::Null).await;
    assert_eq!(headers["content-type"], "text/plain");
    assert_eq!(token["expires_in"], 7200, "{token}");
    assert_eq!(token["scope"], "snsapi_base");
    assert!(
        token.get("unionid").is_none(),
        "base tells no unionid: {token}"
    );
    let user = login.world.get(&format!("/users/{}", login.user)).await;
    assert_eq!(token["openid"], user["openids"][login.appid()]);
    assert_eq!(login.exchange(&code).await["errcode"], 40163);

    let (headers, refused) = login
        .world
        .call_raw(&path.replace(&code, "never"), Value::Null)
        .await;
    assert_eq!(headers["content-type"], "text/plain");
    assert_eq!(refused["errcode"], 40029);
}

#[tokio::test]
async fn a_late_code_and_a_code_of_another_account_are_refused() {
    let login = Login::open().await;
    let (good, late) = (
        login.code("snsapi_base").await,
        login.code("snsapi_base").await,
    );
    login.world.advance(295).await;
    assert_eq!(login.exchange(&good).await["errcode"], Value::Null);
    login.world.advance(10).await;
    assert_eq!(login.exchange(&late).await["errcode"], 40029);

    let code = login.code("snsapi_base").await;
    let other = login.world.account(json!({"kind": "service"})).await;
    let path = |secret: &Value, grant: &str| {
        format!(
            "/sns/oauth2/access_token?appid={}&secret={}&code={code}&grant_type={grant}",
            appid(&other),
            secret.as_str().unwrap()
        )
    };
    let foreign = path(&other["secret"], "authorization_code");
    assert_eq!(
        login.world.call(&foreign, Value::Null).await["errcode"],
        40029
    );
    let wrong = path(&login.account["secret"], "authorization_code");
    assert_eq!(
        login.world.call(&wrong, Value::Null).await["errcode"],
        40125
    );
    let grant = path(&other["secret"], "client_credential");
    assert_eq!(
        login.world.call(&grant, Value::Null).await["errcode"],
        40002
    );
    assert_eq!(login.exchange("").await["errcode"], 41008);
    assert_eq!(
        login.exchange(&code).await["errcode"],
        Value::Null,
        "still good"
    );
}

#[tokio::test]
async fn a_token_is_renewed_for_thirty_days() {
    let login = Login::open().await;
    let token = login.exchange(&login.code("snsapi_userinfo").await).await;
    let openid = token["openid"].as_str().unwrap();
    login.world.advance(7000).await;
    let same = login.renewed(&token).await;
    assert_eq!(same["access_token"], token["access_token"], "it lives");
    login.world.advance(7000).await;
    assert_eq!(login.told("/sns/auth", &token, openid).await["errcode"], 0);
    login.world.advance(300).await;
    assert_eq!(
        login.told("/sns/auth", &token, openid).await["errcode"],
        42001
    );
    let new = login.renewed(&token).await;
    assert_ne!(new["access_token"], token["access_token"]);
    assert_eq!(new["refresh_token"], token["refresh_token"]);
    assert_eq!(new["scope"], "snsapi_userinfo");
    assert_eq!(login.told("/sns/auth", &new, openid).await["errcode"], 0);
    login.world.advance(30 * 86_400).await;
    assert_eq!(login.renewed(&token).await["errcode"], 42002);
    let never = json!({"refresh_token": "never"});
    assert_eq!(login.renewed(&never).await["errcode"], 40030);
}

#[tokio::test]
async fn a_person_is_told_as_far_as_they_agreed() {
    let login = Login::open().await;
    let token = login.exchange(&login.code("snsapi_userinfo").await).await;
    let openid = token["openid"].as_str().unwrap();
    let person = login.told("/sns/userinfo", &token, openid).await;
    assert_eq!(person["nickname"], "小林", "{person}");
    assert_eq!(person["unionid"], token["unionid"]);
    assert_eq!(person["sex"], 0);
    assert_eq!(login.told("/sns/auth", &token, "o").await["errcode"], 40003);
    assert_eq!(
        login.told("/sns/userinfo", &token, "o").await["errcode"],
        40003
    );

    let base = login.exchange(&login.code("snsapi_base").await).await;
    assert_eq!(login.told("/sns/auth", &base, openid).await["errcode"], 0);
    assert_eq!(
        login.told("/sns/userinfo", &base, openid).await["errcode"],
        48001
    );

    let own = json!({"access_token": login.world.token(&login.account).await});
    assert_eq!(
        login.told("/sns/userinfo", &own, openid).await["errcode"],
        40001
    );
    let none = json!({"access_token": "x"});
    assert_eq!(
        login.told("/sns/userinfo", &none, openid).await["errcode"],
        40014
    );
    let path = format!(
        "/cgi-bin/user/get?access_token={}",
        token["access_token"].as_str().unwrap()
    );
    assert_eq!(login.world.call(&path, Value::Null).await["errcode"], 40001);
}

#[tokio::test]
async fn followers_from_the_accounts_own_chat_and_menu_are_not_asked() {
    let login = Login::open().await;
    let url = login.shop("snsapi_userinfo");
    let here = |from: &str| json!({"from": from, "account": login.appid()});
    assert_eq!(
        login.opened(&url, here("menu")).await["prompted"],
        true,
        "follows not"
    );
    login
        .world
        .act(
            &login.user,
            json!({"do": "follow", "account": login.appid()}),
        )
        .await;
    for (from, prompted) in [("menu", false), ("session", false), ("web", true)] {
        assert_eq!(
            login.opened(&url, here(from)).await["prompted"],
            prompted,
            "{from}"
        );
    }
    let refused = login.opened(&url, json!({"consent": false})).await;
    assert_eq!(refused["prompted"], true);
    assert_eq!(
        refused["final_url"],
        "https://shop.example/back?a=1&state=s1#/home"
    );

    let rules = json!({"rules": {"web_login_remembers_days": 1}});
    let account = format!("/accounts/{}", login.appid());
    login.world.must("PATCH", &account, rules).await;
    login.opened(&url, json!({})).await;
    assert_eq!(
        login.opened(&url, json!({})).await["prompted"],
        false,
        "remembered"
    );
    let forced = url.replace("&state", "&forcePopup=true&state");
    assert_eq!(login.opened(&forced, json!({})).await["prompted"], true);
    login.world.advance(86_401).await;
    assert_eq!(
        login.opened(&url, json!({})).await["prompted"],
        true,
        "lapsed"
    );
}

#[tokio::test]
async fn a_wrong_link_shows_the_platforms_own_error() {
    let login = Login::open().await;
    let wrong = |url: &str, from: &str, to: &str| url.replace(from, to);
    let good = login.shop("snsapi_base");
    let unverified = json!({"kind": "service", "verified": false, "oauth_domain": "shop.example"});
    let unverified = login.world.account(unverified).await;
    let program = login.world.account(json!({"kind": "miniprogram"})).await;
    let cases = [
        (
            login.link("snsapi_base", "https%3A%2F%2Fwww.shop.example%2F"),
            "10003",
        ),
        (
            login.link(
                "snsapi_base",
                "https%3A%2F%2Fshop.example%40evil.example%2F",
            ),
            "10003",
        ),
        (login.link("snsapi_base", ""), "10003"),
        (login.link("", "https%3A%2F%2Fshop.example"), "10010"),
        (
            login.link("snsapi_login", "https%3A%2F%2Fshop.example"),
            "10005",
        ),
        (wrong(&good, login.appid(), appid(&unverified)), "10005"),
        (wrong(&good, login.appid(), appid(&program)), "10016"),
        (wrong(&good, login.appid(), "wx1"), "40013"),
        (wrong(&good, "appid", "AppID"), "10012"),
        (
            wrong(&good, "response_type=code", "response_type=token"),
            "参数错误",
        ),
    ];
    for (url, expected) in cases {
        let act = json!({"do": "open", "account": login.appid(), "url": url});
        let opened = login.world.act(&login.user, act).await;
        let error = opened["error"].as_str().unwrap_or_default();
        assert!(error.contains(expected), "{url}: {opened}");
        let page = login.load(&login.here(&url).await, "").await;
        assert_eq!(page.status(), 200);
        // What stands in a link neither runs nor moves what is relative.
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        for part in ["default-src 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        let html = page.text().await.unwrap();
        assert!(html.contains(expected), "{url}: {html}");
    }
    let rows = login.world.get("/timeline").await;
    let row = { rows["items"].as_array().unwrap().iter() }
        .find(|row| row["label"]["zh"] == "10003")
        .unwrap();
    assert_eq!(row["diagnosis"]["expected"], "shop.example", "{row}");
}

#[tokio::test]
async fn a_browser_is_a_phone_by_a_ticket_that_works_once() {
    let login = Login::open().await;
    let base = login.here(&login.shop("snsapi_base")).await;
    let nobody = login.load(&base, "").await.text().await.unwrap();
    assert!(nobody.contains("请在微信客户端打开链接"), "{nobody}");
    let forged = login
        .load(&base, "xinqiao_phone=u1")
        .await
        .text()
        .await
        .unwrap();
    assert!(forged.contains("请在微信客户端打开链接"), "{forged}");

    let cookie = login.phone("web").await;
    let led = login.load(&base, &cookie).await;
    assert!(location(&led).starts_with("https://shop.example/back?a=1&code="));

    let profile = login.here(&login.shop("snsapi_userinfo")).await;
    let asked = login.load(&profile, &cookie).await;
    assert_eq!(asked.status(), 200);
    // With `no-referrer` a browser sends the page's own form from nowhere, and it is refused.
    assert_eq!(asked.headers()["referrer-policy"], "same-origin");
    assert!(asked.text().await.unwrap().contains("获得你的公开信息"));
    let answer = |answer: &'static str| {
        let sent = login.browser.post(&profile).header("cookie", &cookie);
        let form = "application/x-www-form-urlencoded";
        sent.header("content-type", form)
            .body(format!("consent={answer}"))
            .send()
    };
    let refused = answer("no").await.unwrap();
    assert_eq!(
        location(&refused),
        "https://shop.example/back?a=1&state=s1#/home"
    );
    let agreed = location(&answer("yes").await.unwrap());
    let code = element(
        &agreed
            .replace("code=", "<code>")
            .replace("&state", "</code>"),
        "code",
    )
    .to_owned();
    let token = login.exchange(&code).await;
    assert_eq!(token["scope"], "snsapi_userinfo", "{token}");

    login.world.advance(86_401).await;
    let late = login.load(&base, &cookie).await.text().await.unwrap();
    assert!(
        late.contains("请在微信客户端打开链接"),
        "a browser is a phone for a day"
    );
}

#[tokio::test]
async fn under_the_platforms_name_a_browser_is_led_to_our_own() {
    let login = Login::open().await;
    let here = login.here(&login.shop("snsapi_base")).await;
    let led = { login.browser.get(&here) }
        .header("host", "open.weixin.qq.com")
        .send()
        .await
        .unwrap();
    assert_eq!(led.status(), 302);
    assert_eq!(location(&led), here);
}

#[tokio::test]
async fn a_snapshot_is_looked_at_by_nobody_in_particular() {
    let login = Login::open().await;
    let link = login
        .shop("snsapi_userinfo")
        .replace("#wechat", "&forceSnapShot=true#wechat");
    let opened = login.opened(&link, json!({})).await;
    assert_eq!(opened["prompted"], false, "{opened}");
    assert_eq!(opened["snapshot"], true);
    let to = opened["final_url"].as_str().unwrap();
    let code = to.split("code=").nth(1).unwrap().split('&').next().unwrap();
    let token = login.exchange(code).await;
    assert_eq!(token["is_snapshotuser"], 1, "{token}");
    let user = login.world.get(&format!("/users/{}", login.user)).await;
    assert!(user["openids"].get(login.appid()).is_none(), "{user}");
    let openid = token["openid"].as_str().unwrap();
    let person = login.told("/sns/userinfo", &token, openid).await;
    assert_ne!(person["nickname"], "小林");
    assert_eq!(person["unionid"], token["unionid"]);

    let real = login.exchange(&login.code("snsapi_userinfo").await).await;
    assert!(real.get("is_snapshotuser").is_none(), "{real}");
    assert_ne!(real["openid"], token["openid"]);
    assert_ne!(real["unionid"], token["unionid"]);
    let base = login
        .shop("snsapi_base")
        .replace("#wechat", "&forceSnapShot=true#wechat");
    let opened = login.opened(&base, json!({})).await;
    assert!(opened.get("snapshot").is_none(), "base is silent anyway");
}

#[tokio::test]
async fn an_address_that_works_once_never_comes_again() {
    let world = TestWorld::start().await;
    let mut given = Vec::new();
    for _ in 0..2 {
        let account = world.account(json!({"oauth_domain": "127.0.0.1"})).await;
        let user = world.user("小林").await;
        let act =
            json!({"do": "browse", "account": account["appid"], "url": "http://127.0.0.1:9/"});
        given.push(world.act(&user, act).await["open"].clone());
        world.must("POST", "/reset", json!({})).await;
    }
    assert!(given[0].is_string());
    assert_ne!(given[0], given[1]);
}

#[tokio::test]
async fn a_browser_is_led_to_a_login_page_that_it_finds() {
    let login = Login::open().await;
    let link = login.shop("snsapi_userinfo");
    let act = json!({"do": "browse", "account": login.appid(), "url": link});
    let address = login.world.act(&login.user, act).await["open"].clone();
    let address = address.as_str().unwrap();
    let led = login.load(address, "").await;
    let (origin, _) = address.split_once(PAGE).unwrap();
    let to = location(&led);
    assert!(to.starts_with(&format!("{origin}{PAGE}?appid=")), "{to}");
    let cookie = led.headers()["set-cookie"].to_str().unwrap();
    let page = login.load(&to, cookie.split(';').next().unwrap()).await;
    assert!(page.text().await.unwrap().contains("name=\"consent\""));
}
