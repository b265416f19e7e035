//! The JS-SDK over HTTP: tickets, and pages of an app in a browser that is somebody's phone.

use reqwest::{Client, redirect::Policy};
use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::shop::Shop;

async fn ticket(world: &TestWorld, token: &str, what: &str) -> Value {
    let path = format!("/cgi-bin/ticket/getticket?access_token={token}&type={what}");
    world.call(&path, Value::Null).await
}

#[tokio::test]
async fn a_ticket_stays_the_same_until_shortly_before_its_end() {
    let world = TestWorld::start().await;
    let account = world.account(json!({"kind": "service"})).await;
    let token = world.token(&account).await;
    let first = ticket(&world, &token, "jsapi").await;
    assert_eq!(first["errcode"], 0, "{first}");
    assert_eq!(first["expires_in"], 7200);
    assert_eq!(first["ticket"].as_str().unwrap().len(), 86);
    let of_cards = ticket(&world, &token, "wx_card").await;
    assert_ne!(of_cards["ticket"], first["ticket"]);
    world.advance(6000).await;
    let same = ticket(&world, &token, "jsapi").await;
    assert_eq!(same["ticket"], first["ticket"]);
    assert_eq!(same["expires_in"], 1200);
    world.advance(1000).await;
    let next = ticket(&world, &token, "jsapi").await;
    assert_ne!(next["ticket"], first["ticket"]);
    assert_eq!(next["expires_in"], 7200);
}

#[tokio::test]
async fn tickets_of_cards_need_their_right_and_types_are_known() {
    let world = TestWorld::start().await;
    let account = world
        .account(json!({"kind": "subscription", "verified": false}))
        .await;
    let token = world.token(&account).await;
    assert_eq!(ticket(&world, &token, "jsapi").await["errcode"], 0);
    assert_eq!(ticket(&world, &token, "wx_card").await["errcode"], 48001);
    for wrong in ["2", "agent_config"] {
        assert_eq!(ticket(&world, &token, wrong).await["errcode"], 40097);
    }
}

#[tokio::test]
async fn a_mobile_application_has_the_ticket_of_its_qr_code_alone() {
    let world = TestWorld::start().await;
    let app = world.account(json!({"kind": "mobileapp"})).await;
    let token = world.token(&app).await;
    let first = ticket(&world, &token, "2").await;
    assert_eq!(first["errcode"], 0, "{first}");
    assert_eq!(first["expires_in"], 7200);
    assert!(first["ticket"].is_string(), "{first}");
    assert_eq!(ticket(&world, &token, "2").await["ticket"], first["ticket"]);
    for wrong in ["jsapi", "wx_card"] {
        assert_eq!(ticket(&world, &token, wrong).await["errcode"], 48001);
    }
    let site = world.account(json!({"kind": "website"})).await;
    let token = world.token(&site).await;
    assert_eq!(ticket(&world, &token, "2").await["errcode"], 48001);
}

const SITE: &str = "http://127.0.0.1:3000";
const NONCE: &str = "Wm3WZYTPz0wzccnW";

/// A page of an app, open in somebody's phone.
struct Page {
    world: TestWorld,
    account: Value,
    origin: String,
    /// Follows no address by itself.
    browser: Client,
    cookie: String,
    tab: String,
    url: String,
}

impl Page {
    async fn open(kind: Value) -> Self {
        let world = TestWorld::start().await;
        let account = world.account(kind).await;
        let user = world.user("小林").await;
        Self::open_by(world, account, &user).await
    }

    async fn open_by(world: TestWorld, account: Value, user: &str) -> Self {
        let info = world.get("/").await;
        let origin = info["endpoints"]["open.weixin.qq.com"].as_str().unwrap();
        let origin = origin.to_owned();
        let url = format!("{SITE}/shop?a=1");
        let act = json!({"do": "browse", "account": account["appid"], "url": url});
        let opened = world.act(user, act).await;
        let browser = Client::builder().redirect(Policy::none()).build().unwrap();
        let led = browser.get(opened["open"].as_str().unwrap()).send().await;
        let led = led.unwrap();
        assert_eq!(led.status(), 302);
        let cookie = led.headers()["set-cookie"].to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let mut page = Self {
            world,
            account,
            origin,
            browser,
            cookie,
            tab: String::new(),
            url: format!("{url}#/home"),
        };
        let begun = page.sends(SITE, json!({"url": page.url})).await;
        begun["tab"].as_str().unwrap().clone_into(&mut page.tab);
        page
    }

    async fn service() -> Self {
        Self::open(json!({"kind": "service", "js_domain": "127.0.0.1"})).await
    }

    async fn sends(&self, site: &str, body: Value) -> Value {
        let address = format!("{}/xinqiao/bridge", self.origin);
        let asked = self.world.client().post(address).header("origin", site);
        let told = asked.body(body.to_string()).send().await.unwrap();
        let status = told.status();
        let allowed = told.headers().get("access-control-allow-origin").cloned();
        let text = told.text().await.unwrap();
        assert_eq!(
            allowed.as_ref().map(|v| v.to_str().unwrap()),
            Some(site),
            "{status} {text}"
        );
        serde_json::from_str(&text).unwrap()
    }

    /// What the bridge answers.
    async fn calls(&self, name: &str, params: Value) -> Value {
        self.says(name, params, None).await
    }

    async fn says(&self, name: &str, params: Value, said: Option<Value>) -> Value {
        let mut body = json!({"tab": self.tab, "url": self.url, "name": name, "params": params});
        if let Some(said) = said {
            body["said"] = said;
        }
        self.sends(SITE, body).await
    }

    /// `wx.config` with a signature for this address, and the ticket of this type.
    async fn configures(&self, what: &str, url: &str, names: Value) -> Value {
        let token = self.world.token(&self.account).await;
        let ticket = ticket(&self.world, &token, what).await;
        let ticket = ticket["ticket"].as_str().unwrap();
        self.configures_by(ticket, url, names).await
    }

    async fn configures_by(&self, ticket: &str, url: &str, names: Value) -> Value {
        let signed =
            format!("jsapi_ticket={ticket}&noncestr={NONCE}&timestamp=1414587457&url={url}");
        let params = json!({
            "verifyAppId": self.account["appid"],
            "verifyTimestamp": "1414587457",
            "verifyNonceStr": NONCE,
            "verifySignature": sha1(&signed),
            "verifySignType": "sha1",
            "verifyJsApiList": names,
        });
        self.calls("preVerifyJSAPI", params).await
    }

    /// The latest row about a page.
    async fn row(&self) -> Value {
        let rows = self.world.get("/timeline?limit=50").await;
        let rows = rows["items"].as_array().unwrap().clone();
        let last = rows.into_iter().rev().find(|row| row["kind"] == "js_sdk");
        last.unwrap()
    }

    fn by_sdk() -> Value {
        json!({"verifySignature": "s"})
    }
}

fn sha1(text: &str) -> String {
    use sha1::Digest as _;
    let hash = sha1::Sha1::digest(text);
    let digits = hash.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    { digits.map(u32::from) }
        .filter_map(|digit| char::from_digit(digit, 16))
        .collect()
}

#[tokio::test]
async fn a_page_is_judged_by_its_ticket_its_address_and_its_domain() {
    let page = Page::service().await;
    let own = format!("{SITE}/shop?a=1");
    let told = page.configures("jsapi", &own, json!(["geoLocation"])).await;
    assert_eq!(told["err_msg"], "preVerifyJSAPI:ok", "{told}");
    assert_eq!(page.row().await["state"], "ok");

    for (signed, rule) in [
        (format!("{own}#/home"), "jssdk.url_mismatch"),
        (format!("{SITE}/shop"), "jssdk.url_mismatch"),
        (
            "https://127.0.0.1:3000/shop?a=1".to_owned(),
            "jssdk.url_mismatch",
        ),
        ("http://shop.example/".to_owned(), "jssdk.signature"),
    ] {
        let told = page.configures("jsapi", &signed, json!([])).await;
        assert_eq!(told["err_msg"], "preVerifyJSAPI:invalid signature");
        let row = page.row().await;
        assert_eq!(row["diagnosis"]["rule"], rule, "{row}");
        assert_eq!(row["signature"]["parts"][3]["value"], own.as_str());
        let ticket = row["signature"]["parts"][0]["value"].as_str().unwrap();
        assert!(ticket.contains('…'), "a ticket is not shown: {ticket}");
    }
    page.configures("wx_card", &own, json!([])).await;
    assert_eq!(
        page.row().await["diagnosis"]["rule"],
        "jssdk.ticket_of_cards"
    );

    let token = page.world.token(&page.account).await;
    let old = ticket(&page.world, &token, "jsapi").await;
    page.world.advance(7100).await;
    let told = page.configures("jsapi", &own, json!([])).await;
    assert_eq!(told["err_msg"], "preVerifyJSAPI:ok", "{told}");
    let old = old["ticket"].as_str().unwrap();
    let told = page.configures_by(old, &own, json!([])).await;
    assert_eq!(told["err_msg"], "preVerifyJSAPI:ok", "both sign");
    page.world.advance(200).await;
    page.configures_by(old, &own, json!([])).await;
    assert_eq!(
        page.row().await["diagnosis"]["rule"],
        "jssdk.ticket_expired"
    );
}

#[tokio::test]
async fn a_safe_domain_has_its_port_and_stands_for_those_below() {
    let world = TestWorld::start().await;
    let user = world.user("小林").await;
    let judge = async |domain: &str, url: &str, rules: Value| {
        let account = json!({"kind": "service", "js_domain": domain, "rules": rules});
        let account = world.account(account).await;
        let token = world.token(&account).await;
        let ticket = ticket(&world, &token, "jsapi").await;
        let ticket = ticket["ticket"].as_str().unwrap();
        let signed = format!("jsapi_ticket={ticket}&noncestr=n&timestamp=1&url={url}");
        let act = json!({
            "do": "js_config", "account": account["appid"], "url": url, "timestamp": 1,
            "nonce": "n", "signature": sha1(&signed), "apis": ["getLocation"],
        });
        let told = world.act(&user, act).await;
        told["errMsg"].as_str().unwrap().to_owned()
    };
    let (own, none) = ("shop.example,b.example:8080", json!({}));
    assert_eq!(
        judge(own, "https://shop.example/", none.clone()).await,
        "config:ok"
    );
    assert_eq!(
        judge(own, "http://b.example:8080/x", none.clone()).await,
        "config:ok"
    );
    assert_eq!(
        judge(own, "https://m.shop.example/", none.clone()).await,
        "config:ok"
    );
    let wrong = "config:invalid url domain";
    for url in [
        "https://shop.example:81/",
        "https://myshop.example/",
        "http://b.example/",
    ] {
        assert_eq!(judge(own, url, none.clone()).await, wrong, "{url}");
    }
    let path = "shop.example/mp";
    for (url, told) in [
        ("https://shop.example/mp?a=1", "config:ok"),
        ("https://shop.example/mp/x", "config:ok"),
        ("https://shop.example/mpx", wrong),
        ("https://shop.example/", wrong),
    ] {
        assert_eq!(judge(path, url, none.clone()).await, told, "{url}");
    }
    for slash in ["shop.example/", "shop.example/mp/"] {
        let url = "https://shop.example/mp/x";
        assert_eq!(
            judge(slash, url, none.clone()).await,
            "config:ok",
            "{slash}"
        );
    }
    let url = "https://shop.example/mpx";
    assert_eq!(judge("shop.example/", url, none.clone()).await, "config:ok");
    assert_eq!(judge("shop.example/mp/", url, none.clone()).await, wrong);
    let strict = json!({"js_domain.subdomains": "refused"});
    assert_eq!(judge(own, "https://m.shop.example/", strict).await, wrong);
}

#[tokio::test]
async fn a_timestamp_is_signed_as_it_was_sent() {
    let world = TestWorld::start().await;
    let user = world.user("小林").await;
    let account = json!({"kind": "service", "js_domain": "shop.example"});
    let account = world.account(account).await;
    let token = world.token(&account).await;
    ticket(&world, &token, "jsapi").await;
    let act = json!({
        "do": "js_config", "account": account["appid"], "url": "https://shop.example/",
        "timestamp": "1414587457.5", "nonce": "n", "signature": "s",
    });
    let told = world.act(&user, act).await;
    assert_eq!(told["errMsg"], "config:invalid signature");
    let rows = world.get("/timeline?limit=50").await;
    let rows = rows["items"].as_array().unwrap();
    let row = rows.iter().rfind(|row| row["kind"] == "js_sdk").unwrap();
    let string = row["diagnosis"]["expected"].as_str().unwrap();
    assert!(string.contains("&timestamp=1414587457.5&"), "{string}");
}

#[tokio::test]
async fn a_sheet_speaks_the_language_of_the_browser() {
    let page = Page::service().await;
    let own = format!("{SITE}/shop?a=1");
    let names = json!(["geoLocation", "scanQRCode", "editAddress"]);
    page.configures("jsapi", &own, names).await;
    for (name, zh, en) in [
        ("geoLocation", "纬度", "latitude"),
        ("scanQRCode", "扫到的内容", "what is scanned"),
        ("editAddress", "收货人", "name"),
    ] {
        let asks = page.calls(name, Page::by_sdk()).await;
        assert_eq!(asks["ask"]["fields"][0]["label"], zh, "{asks}");
        let body =
            json!({"tab": page.tab, "url": page.url, "name": name, "params": Page::by_sdk()});
        let asked = page.world.client();
        let asked = asked.post(format!("{}/xinqiao/bridge", page.origin));
        let asked = asked.header("origin", SITE).header("accept-language", "en");
        let asks = asked.body(body.to_string()).send().await.unwrap();
        let asks: Value = serde_json::from_str(&asks.text().await.unwrap()).unwrap();
        assert_eq!(asks["ask"]["fields"][0]["label"], en, "{asks}");
    }
}

#[tokio::test]
async fn a_page_calls_what_it_listed_and_has_the_right_to() {
    let page =
        Page::open(json!({"kind": "subscription", "verified": false, "js_domain": "127.0.0.1"}))
            .await;
    let early = page.calls("geoLocation", Page::by_sdk()).await;
    assert_eq!(early["err_msg"], "system:access_denied");
    assert_eq!(
        page.row().await["diagnosis"]["rule"],
        "jssdk.not_configured"
    );

    let own = format!("{SITE}/shop?a=1");
    let names = json!(["geoLocation", "updateTimelineShareData", "translateVoice"]);
    let told = page.configures("jsapi", &own, names).await;
    assert_eq!(told["err_msg"], "preVerifyJSAPI:ok");
    let row = page.row().await;
    assert_eq!(row["state"], "warn");
    assert_eq!(row["diagnosis"]["received"], "updateTimelineShareData");

    let denied = page.calls("updateTimelineShareData", Page::by_sdk()).await;
    assert_eq!(denied["err_msg"], "system:access_denied");
    assert_eq!(page.row().await["diagnosis"]["rule"], "jssdk.permission");
    let denied = page.calls("scanQRCode", Page::by_sdk()).await;
    assert_eq!(denied["err_msg"], "system:access_denied");
    assert_eq!(page.row().await["diagnosis"]["rule"], "jssdk.not_listed");
    for (name, rule) in [
        ("translateVoice", "jssdk.not_built"),
        ("fly", "jssdk.unknown"),
        // Words of the table of rights that are no functions.
        ("events", "jssdk.unknown"),
        ("URL", "jssdk.unknown"),
        ("/cgi-bin/ticket/getticket", "jssdk.unknown"),
    ] {
        let told = page.calls(name, Page::by_sdk()).await;
        assert_eq!(told["err_msg"], "system:function_not_exist");
        assert_eq!(page.row().await["diagnosis"]["rule"], rule);
    }
    let asked = json!({"jsApiList": ["geoLocation", "translateVoice"]});
    let told = page.calls("checkJsApi", asked).await;
    assert_eq!(
        told["checkResult"],
        json!({"geoLocation": true, "translateVoice": false})
    );
    let told = page.calls("getNetworkType", json!({})).await;
    assert_eq!(
        told["err_msg"], "network_type:wifi",
        "old functions are open to all"
    );

    let asks = page.calls("geoLocation", Page::by_sdk()).await;
    assert_eq!(asks["ask"]["fields"][0]["name"], "latitude", "{asks}");
    let place = json!({"latitude": "23.1", "longitude": "113.2"});
    let told = page.says("geoLocation", Page::by_sdk(), Some(place)).await;
    assert_eq!(told["err_msg"], "geoLocation:ok");
    assert_eq!(told["latitude"], 23.1);
    for (latitude, longitude) in [
        ("NaN", "113.2"),
        ("23.1", "inf"),
        ("90.1", "113.2"),
        ("23.1", "-180.1"),
        ("", "113.2"),
    ] {
        let place = json!({"latitude": latitude, "longitude": longitude});
        let told = page.says("geoLocation", Page::by_sdk(), Some(place)).await;
        assert_eq!(told["err_msg"], "geoLocation:fail", "{told}");
        assert!(told["latitude"].is_null(), "{told}");
    }
    let told = page
        .says("geoLocation", Page::by_sdk(), Some(json!(false)))
        .await;
    assert_eq!(told["err_msg"], "geoLocation:cancel");

    let long = json!({"verifySignature": "x".repeat(70_000)});
    let told = page.calls("geoLocation", long).await;
    assert!(told["error"].as_str().unwrap().contains("64 KiB"));

    let own_names = json!(["editAddress"]);
    page.configures("jsapi", &own, own_names).await;
    let asks = page.calls("editAddress", Page::by_sdk()).await;
    let fields = asks["ask"]["fields"].as_array().unwrap();
    assert_eq!(fields.len(), 7, "{asks}");
    let filled = json!({"userName": "阿萍", "telNumber": "1"});
    let told = page.says("editAddress", Page::by_sdk(), Some(filled)).await;
    assert_eq!(told["err_msg"], "editAddress:ok");
    assert_eq!(told["userName"], "阿萍", "{told}");

    // The next page of the tab begins without what the one before opened.
    page.sends(SITE, json!({"tab": page.tab, "url": page.url}))
        .await;
    let early = page.calls("geoLocation", Page::by_sdk()).await;
    assert_eq!(early["err_msg"], "system:access_denied");
}

#[tokio::test]
async fn only_a_site_that_a_phone_opened_is_a_page_in_it() {
    let page = Page::service().await;
    let evil = "https://evil.example";
    let told = page.sends(evil, json!({"url": format!("{evil}/")})).await;
    assert!(
        told["error"].as_str().unwrap().contains("no phone"),
        "{told}"
    );
    let told = page
        .sends(evil, json!({"tab": page.tab, "url": page.url}))
        .await;
    assert!(told["error"].as_str().unwrap().contains("another site"));
    let told = page
        .sends(
            evil,
            json!({"tab": page.tab, "url": format!("{evil}/"), "name": "geoLocation"}),
        )
        .await;
    assert!(told["tab"].is_null() && told["error"].is_string(), "{told}");
    let script = format!("{}/xinqiao/bridge.js", page.origin);
    let script = page.world.client().get(script);
    let script = script
        .header("sec-fetch-site", "cross-site")
        .send()
        .await
        .unwrap();
    assert_eq!(
        script.headers()["content-type"],
        "text/javascript; charset=utf-8"
    );
    let script = script.text().await.unwrap();
    assert!(script.contains(&format!("{}/xinqiao/bridge", page.origin)));
    assert!(!script.contains("__ASKED__"));
}

#[tokio::test]
async fn a_page_opens_the_cashier() {
    let mut shop = Shop::open().await;
    let prepay = shop.place("T2026020100001").await;
    let mut params = shop.params(&prepay);
    let world = std::mem::replace(&mut shop.world, TestWorld::start().await);
    let account = json!({"appid": shop.appid});
    let page = Page::open_by(world, account, &shop.user).await;
    // As pages did before there was a JS-SDK, and many still do.
    let name = "getBrandWCPayRequest";
    let asks = page.calls(name, params.clone()).await;
    assert!(
        asks["ask"]["title"].as_str().unwrap().starts_with('¥'),
        "{asks}"
    );
    let told = page.says(name, params.clone(), Some(json!(false))).await;
    assert_eq!(told["err_msg"], "get_brand_wcpay_request:cancel");
    let told = page.says(name, params.clone(), Some(json!({}))).await;
    assert_eq!(told["err_msg"], "get_brand_wcpay_request:ok", "{told}");
    let again = page.calls(name, params.clone()).await;
    assert_eq!(again["err_msg"], "get_brand_wcpay_request:fail");
    params["paySign"] = json!("c2lnbg==");
    let wrong = page.calls(name, params).await;
    assert!(
        wrong["err_desc"].as_str().unwrap().contains("paySign"),
        "{wrong}"
    );
}

#[tokio::test]
async fn a_page_lets_a_person_take_a_transfer() {
    let mut shop = Shop::open().await;
    let transfer = json!({
        "appid": shop.appid, "out_bill_no": "B1", "openid": shop.openid,
        "transfer_scene_id": "1000", "transfer_amount": 150, "transfer_remark": "新年红包",
        "transfer_scene_report_infos": [{"info_type": "活动名称", "info_content": "新年"}],
    });
    let path = "/v3/fund-app/mch-transfer/transfer-bills";
    let waits = shop.call("POST", path, transfer).await;
    let package = &waits.body["package_info"];
    let params = json!({"mchId": shop.mchid, "appId": shop.appid, "package": package});
    let world = std::mem::replace(&mut shop.world, TestWorld::start().await);
    let page = Page::open_by(world, json!({"appid": shop.appid}), &shop.user).await;
    let name = "requestMerchantTransfer";
    let asks = page.calls(name, params.clone()).await;
    assert_eq!(asks["ask"]["title"], "¥1.50 新年红包", "{asks}");
    let told = page.says(name, params.clone(), Some(json!(false))).await;
    assert_eq!(told["err_msg"], "requestMerchantTransfer:cancel");
    let told = page.says(name, params.clone(), Some(json!({}))).await;
    assert_eq!(told["err_msg"], "requestMerchantTransfer:ok", "{told}");
    let again = page.calls(name, params).await;
    assert_eq!(again["err_msg"], "requestMerchantTransfer:fail");
}

#[tokio::test]
async fn a_snapshot_of_a_page_has_no_js_sdk() {
    let page = Page::open(json!({"kind": "service", "oauth_domain": "127.0.0.1"})).await;
    let appid = page.account["appid"].as_str().unwrap();
    let look = async |more: &str| {
        let link = format!(
            "{}/connect/oauth2/authorize?appid={appid}&redirect_uri=http%3A%2F%2F127.0.0.1%3A3000%2F\
             &response_type=code&scope=snsapi_userinfo&state=s{more}",
            page.origin
        );
        let asked = page.browser.get(link).header("cookie", &page.cookie);
        asked.send().await.unwrap().status()
    };
    let begins = async || {
        page.sends(SITE, json!({"tab": page.tab, "url": page.url}))
            .await
    };
    assert_eq!(look("").await, 200, "the person is asked");
    assert_eq!(begins().await["tab"], page.tab.as_str());
    assert_eq!(look("&forceSnapShot=true").await, 302);
    assert!(begins().await["error"].is_string());
}

#[tokio::test]
async fn a_ticket_of_before_the_clock_was_set_back_is_not_given() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    ticket(&world, &token, "jsapi").await;
    world
        .must("POST", "/clock", json!({"now": 1_500_000_000}))
        .await;
    let token = world.token(&account).await;
    let told = ticket(&world, &token, "jsapi").await;
    assert_eq!(told["expires_in"], 7200, "{told}");
}

#[tokio::test]
async fn only_our_own_pages_are_there_for_every_site() {
    let world = TestWorld::start().await;
    let origin = world.get("/").await["endpoints"]["open.weixin.qq.com"]
        .as_str()
        .unwrap()
        .to_owned();
    for (path, status) in [("/xinqiao/bridge.js", 200), ("/xinqiao/zzz", 403)] {
        let asked = { world.client().get(format!("{origin}{path}")) }
            .header("origin", "https://evil.example")
            .header("sec-fetch-site", "cross-site");
        assert_eq!(asked.send().await.unwrap().status(), status, "{path}");
    }
}
