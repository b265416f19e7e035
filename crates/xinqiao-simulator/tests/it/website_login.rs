//! People log in to applications of the open platform: a website's page with a code that a phone scans.

use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::appid;

/// A website, and a person.
struct Site {
    world: TestWorld,
    account: Value,
    user: String,
    origin: String,
}

impl Site {
    async fn open(rules: Value) -> Self {
        let world = TestWorld::start().await;
        let account = json!({"kind": "website", "name": "书店", "oauth_domain": "shop.example", "rules": rules});
        let account = world.account(account).await;
        let user = world.user("小林").await;
        let info = world.get("/").await;
        let origin = info["endpoints"]["open.weixin.qq.com"].as_str().unwrap();
        Self {
            origin: origin.to_owned(),
            world,
            account,
            user,
        }
    }

    fn query(&self, scope: &str, back: &str) -> String {
        let appid = appid(&self.account);
        format!("appid={appid}&redirect_uri={back}&response_type=code&scope={scope}&state=s1")
    }

    fn own_query(&self) -> String {
        self.query("snsapi_login", "https%3A%2F%2Fshop.example%2Fback")
    }

    async fn text(&self, path: &str) -> String {
        let address = format!("{}{path}", self.origin);
        let told = self.world.client().get(address).send().await.unwrap();
        assert_eq!(told.status(), 200);
        told.text().await.unwrap()
    }

    /// The page, and the uuid of its code.
    async fn page(&self) -> (String, String) {
        let page = self
            .text(&format!("/connect/qrconnect?{}", self.own_query()))
            .await;
        let (_, rest) = page.split_once("data-uuid=\"").unwrap();
        let uuid = rest.split('"').next().unwrap().to_owned();
        (page, uuid)
    }

    async fn polled(&self, uuid: &str) -> String {
        self.text(&format!("/connect/l/qrconnect?uuid={uuid}&last=404&_=1"))
            .await
    }

    async fn scans(&self, uuid: &str, consent: Value) -> (u16, Value) {
        let act = json!({"do": "scan", "account": appid(&self.account), "ticket": uuid, "consent": consent});
        let path = format!("/users/{}/actions", self.user);
        self.world.control("POST", &path, act).await
    }

    async fn exchange(&self, code: &str) -> Value {
        let (appid, secret) = (
            appid(&self.account),
            self.account["secret"].as_str().unwrap(),
        );
        let path = format!(
            "/sns/oauth2/access_token?appid={appid}&secret={secret}&code={code}&grant_type=authorization_code"
        );
        self.world.call(&path, Value::Null).await
    }
}

const NOTHING: &str = "window.wx_errcode=408;window.wx_code='';";

#[tokio::test]
async fn a_code_on_a_websites_page_is_scanned_and_agreed_to() {
    let site = Site::open(json!({})).await;
    let (page, uuid) = site.page().await;
    assert!(page.contains("书店"), "{page}");
    assert!(
        page.contains("https://shop.example/back?code=__CODE__&amp;state=s1"),
        "{page}"
    );
    assert_eq!(site.polled(&uuid).await, NOTHING);
    assert_eq!(site.scans(&uuid, Value::Null).await.0, 200);
    assert_eq!(
        site.polled(&uuid).await,
        "window.wx_errcode=404;window.wx_code='';"
    );
    // What the code says names the website too.
    let says = page
        .split("<code>")
        .nth(1)
        .unwrap()
        .split("</code>")
        .next()
        .unwrap();
    let act = json!({"do": "scan", "ticket": says.replace("&amp;", "&"), "consent": true});
    site.world.act(&site.user, act).await;
    let told = site.polled(&uuid).await;
    let code = told
        .strip_prefix("window.wx_errcode=405;window.wx_code='")
        .unwrap();
    let code = code.strip_suffix("';").unwrap();
    assert_eq!(site.scans(&uuid, json!(true)).await.0, 422, "it is used");

    site.world.advance(590).await;
    let token = site.exchange(code).await;
    assert_eq!(token["scope"], "snsapi_login", "{token}");
    assert_eq!(token["expires_in"], 7200);
    assert!(token["unionid"].is_string());
    let path = format!(
        "/sns/userinfo?access_token={}&openid={}&lang=zh_CN",
        token["access_token"].as_str().unwrap(),
        token["openid"].as_str().unwrap()
    );
    let person = site.world.call(&path, Value::Null).await;
    assert_eq!(person["nickname"], "小林", "{person}");
    assert_eq!(person["unionid"], token["unionid"]);
    assert_eq!(site.exchange(code).await["errcode"], 40163);
}

#[tokio::test]
async fn a_websites_page_tells_of_refusals_and_codes_past_their_time() {
    let site = Site::open(json!({})).await;
    let (page, uuid) = site.page().await;
    assert!(page.contains("data-refused=\"\""), "{page}");
    assert_eq!(site.scans(&uuid, json!(false)).await.0, 200);
    assert_eq!(
        site.polled(&uuid).await,
        "window.wx_errcode=403;window.wx_code='';"
    );
    let (_, late) = site.page().await;
    site.world.advance(301).await;
    assert_eq!(
        site.polled(&late).await,
        "window.wx_errcode=402;window.wx_code='';"
    );
    assert_eq!(site.scans(&late, json!(true)).await.0, 422);
    assert_eq!(site.scans("never", json!(true)).await.0, 404);
    assert_eq!(
        site.polled("never").await,
        "window.wx_errcode=402;window.wx_code='';"
    );

    let site = Site::open(json!({"qrconnect.refused": "returns"})).await;
    let (page, _) = site.page().await;
    assert!(
        page.contains("data-refused=\"https://shop.example/back?state=s1\""),
        "{page}"
    );
}

#[tokio::test]
async fn a_websites_link_is_opened_without_a_browser() {
    let site = Site::open(json!({})).await;
    let link = format!(
        "https://open.weixin.qq.com/connect/qrconnect?{}",
        site.own_query()
    );
    let act = |consent: bool| json!({"do": "open", "url": link, "consent": consent});
    let opened = site.world.act(&site.user, act(true)).await;
    let to = opened["final_url"].as_str().unwrap();
    let code = to.strip_prefix("https://shop.example/back?code=").unwrap();
    let code = code.strip_suffix("&state=s1").unwrap();
    assert_eq!(site.exchange(code).await["scope"], "snsapi_login");
    let opened = site.world.act(&site.user, act(false)).await;
    assert_eq!(opened["final_url"], link, "the page stays where it is");
}

#[tokio::test]
async fn a_websites_page_shows_what_is_wrong_with_its_link() {
    let site = Site::open(json!({})).await;
    let service = site.world.account(json!({"kind": "service"})).await;
    let back = "https%3A%2F%2Fshop.example%2Fback";
    let foreign = site
        .own_query()
        .replace(appid(&site.account), appid(&service));
    for (query, words, rule) in [
        (foreign, "AppID 参数错误", "qrconnect.appid"),
        (
            site.query("snsapi_userinfo", back),
            "Scope 参数错误或没有 Scope 权限",
            "qrconnect.scope",
        ),
        (
            site.query("snsapi_login", "https%3A%2F%2Fevil.example%2F"),
            "redirect_uri 参数错误",
            "qrconnect.redirect_uri",
        ),
    ] {
        let page = site.text(&format!("/connect/qrconnect?{query}")).await;
        assert!(page.contains(words), "{page}");
        let rows = site.world.get("/timeline?limit=20").await;
        let last = rows["items"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(last["diagnosis"]["rule"], rule, "{last}");
    }
}

#[tokio::test]
async fn what_the_page_asks_is_at_its_own_host() {
    let site = Site::open(json!({})).await;
    let (page, uuid) = site.page().await;
    assert!(
        page.contains("data-asks=\"/connect/l/qrconnect\""),
        "{page}"
    );
    let address = format!("{}/connect/l/qrconnect?uuid={uuid}", site.origin);
    for (host, there) in [("open.weixin.qq.com", true), ("mp.weixin.qq.com", false)] {
        let asked = site.world.client().get(&address).header("host", host);
        let told = asked.send().await.unwrap().text().await.unwrap();
        assert_eq!(told.contains("wx_errcode=408"), there, "{host}: {told}");
    }
}

#[tokio::test]
async fn refusals_of_the_control_interface_are_in_one_language() {
    let site = Site::open(json!({})).await;
    let (_, uuid) = site.page().await;
    assert_eq!(site.scans(&uuid, json!(true)).await.0, 200);
    let (status, used) = site.scans(&uuid, json!(true)).await;
    assert_eq!(status, 422);
    assert!(used.to_string().is_ascii(), "{used}");
    let app = site.world.account(json!({"kind": "mobileapp"})).await;
    let act = json!({"do": "login", "account": appid(&app), "scope": "snsapi_base"});
    let path = format!("/users/{}/actions", site.user);
    let (status, refused) = site.world.control("POST", &path, act).await;
    assert_eq!(status, 422);
    assert!(refused.to_string().is_ascii(), "{refused}");
}

#[tokio::test]
async fn an_app_gets_a_code_and_knows_the_person_by_unionid() {
    let world = TestWorld::start().await;
    let app = json!({"kind": "mobileapp", "open_account": "o1"});
    let app = world.account(app).await;
    let service = world
        .account(json!({"kind": "service", "open_account": "o1"}))
        .await;
    let user = world.user("小林").await;
    let login = |more: Value| {
        let mut act = json!({"do": "login", "account": appid(&app), "state": "s 1"});
        act.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        act
    };
    let answer = world.act(&user, login(json!({}))).await;
    assert_eq!(answer["err_code"], 0, "{answer}");
    assert_eq!(answer["state"], "s 1");
    let code = answer["code"].as_str().unwrap();
    let (id, secret) = (appid(&app), app["secret"].as_str().unwrap());
    let path = format!(
        "/sns/oauth2/access_token?appid={id}&secret={secret}&code={code}&grant_type=authorization_code"
    );
    world.advance(590).await;
    let token = world.call(&path, Value::Null).await;
    assert_eq!(token["scope"], "snsapi_userinfo", "{token}");
    world
        .act(&user, json!({"do": "follow", "account": appid(&service)}))
        .await;
    let known = world.get(&format!("/users/{user}")).await;
    assert_eq!(token["unionid"], known["unionids"]["o1"], "{known}");
    assert_eq!(token["openid"], known["openids"][id]);

    let denied = world.act(&user, login(json!({"consent": false}))).await;
    assert_eq!(denied["err_code"], -4);
    assert!(denied.get("code").is_none());
    let cancelled = world.act(&user, login(json!({"cancel": true}))).await;
    assert_eq!(cancelled["err_code"], -2);
    let path = format!("/users/{user}/actions");
    let wrong = login(json!({"scope": "snsapi_login"}));
    let (status, refused) = world.control("POST", &path, wrong).await;
    assert_eq!(status, 422, "{refused}");
}

#[tokio::test]
async fn who_scanned_a_code_alone_confirms_it() {
    let site = Site::open(json!({})).await;
    let (_, uuid) = site.page().await;
    assert_eq!(site.scans(&uuid, Value::Null).await.0, 200);
    let other = site.world.user("路人").await;
    let act =
        json!({"do": "scan", "account": appid(&site.account), "ticket": uuid, "consent": true});
    let path = format!("/users/{other}/actions");
    assert_eq!(site.world.control("POST", &path, act).await.0, 422);
    assert_eq!(site.scans(&uuid, json!(true)).await.0, 200);
}

#[tokio::test]
async fn a_page_that_is_asked_for_as_a_picture_or_with_much_behind_it_keeps_nothing() {
    let site = Site::open(json!({})).await;
    let address = format!("{}/connect/qrconnect?{}", site.origin, site.own_query());
    let as_picture = { site.world.client().get(&address) }.header("sec-fetch-dest", "image");
    assert_eq!(as_picture.send().await.unwrap().status(), 404);
    let much = format!(
        "/connect/qrconnect?{}&pad={}",
        site.own_query(),
        "x".repeat(5000)
    );
    let page = site.text(&much).await;
    assert!(!page.contains("data-uuid"), "{page}");
}

#[tokio::test]
async fn a_page_in_a_frame_of_another_site_sends_and_leads_nowhere() {
    let site = Site::open(json!({})).await;
    let address = format!("{}/connect/qrconnect?{}", site.origin, site.own_query());
    let told = site.world.client().get(address).send().await.unwrap();
    let policy = told.headers()["content-security-policy"].to_str().unwrap();
    for part in [
        "default-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ] {
        assert!(
            policy.split("; ").any(|own| own == part),
            "{part}: {policy}"
        );
    }
}
