//! How often an account may call: by the day, the minute and the month, from outside.
//!
//! Source: doc pages "接口调用频次限制说明", "清空 api 的调用 quota", "查询 openAPI 调用 quota".

use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;
use xinqiao_types::{UnixSeconds, shanghai};

use crate::appid;

/// Calls a day of an account that is new, and of a test account.
const DAILY: &[(&str, u64, u64)] = &[
    ("/cgi-bin/token", 2000, 200),
    ("/cgi-bin/menu/create", 1000, 100),
    ("/cgi-bin/menu/get", 10_000, 1000),
    ("/cgi-bin/menu/delete", 1000, 100),
    ("/cgi-bin/groups/create", 1000, 100),
    ("/cgi-bin/groups/get", 1000, 100),
    ("/cgi-bin/groups/update", 1000, 100),
    ("/cgi-bin/groups/members/update", 100_000, 1000),
    ("/cgi-bin/media/upload", 100_000, 500),
    ("/cgi-bin/media/get", 200_000, 1000),
    ("/cgi-bin/message/custom/send", 500_000, 50_000),
    ("/cgi-bin/qrcode/create", 100_000, 10_000),
    ("/cgi-bin/user/get", 500, 100),
    ("/cgi-bin/user/info", 5_000_000, 500_000),
];
/// The same where the page tells nothing of test accounts.
const DAILY_OF_NEW: &[(&str, u64)] = &[
    ("/cgi-bin/message/mass/sendall", 100),
    ("/cgi-bin/message/mass/send", 100),
    ("/cgi-bin/media/uploadnews", 10),
    ("/cgi-bin/message/mass/delete", 10),
    ("/cgi-bin/user/info/updateremark", 10_000),
    ("/cgi-bin/draft/add", 1000),
    ("/cgi-bin/draft/get", 500),
    ("/cgi-bin/draft/delete", 1000),
    ("/cgi-bin/draft/update", 1000),
    ("/cgi-bin/draft/count", 1000),
    ("/cgi-bin/draft/batchget", 1000),
    ("/cgi-bin/freepublish/submit", 100),
    ("/cgi-bin/freepublish/get", 100),
    ("/cgi-bin/freepublish/delete", 10),
    ("/cgi-bin/freepublish/getarticle", 100),
    ("/cgi-bin/freepublish/batchget", 100),
    ("/cgi-bin/message/template/send", 100_000),
    ("/cgi-bin/message/mass/preview", 100),
    ("/cgi-bin/menu/addconditional", 2000),
    ("/cgi-bin/menu/delconditional", 2000),
    ("/cgi-bin/menu/trymatch", 20_000),
    ("/cgi-bin/stable_token", 500_000),
];
/// What consoles of verified service accounts show, where no page has a number.
const DAILY_OF_CONSOLES: &[(&str, u64)] = &[
    ("/cgi-bin/getcallbackip", 5000),
    ("/cgi-bin/ticket/getticket", 1_000_000),
    ("/cgi-bin/message/template/subscribe", 100_000),
    ("/cgi-bin/shorturl", 10_000),
    ("/semantic/semproxy/search", 1000),
    ("/customservice/msgrecord/getmsglist", 5000),
    ("/cgi-bin/groups/getid", 10_000),
];

struct Caller<'w> {
    world: &'w TestWorld,
    account: Value,
    token: String,
}

impl<'w> Caller<'w> {
    async fn of(world: &'w TestWorld, fields: Value) -> Self {
        let account = world.account(fields).await;
        let token = world.token(&account).await;
        Self {
            world,
            account,
            token,
        }
    }

    fn id(&self) -> &str {
        appid(&self.account)
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let path = format!("{path}?access_token={}", self.token);
        self.world.call(&path, body).await
    }

    async fn code(&self, path: &str, body: Value) -> i64 {
        self.call(path, body).await["errcode"].as_i64().unwrap_or(0)
    }

    async fn quota(&self, path: &str) -> Value {
        self.call("/cgi-bin/openapi/quota/get", json!({"cgi_path": path}))
            .await
    }

    async fn daily(&self, path: &str) -> Value {
        self.quota(path).await["quota"]["daily_limit"].clone()
    }

    async fn limit(&self, path: &str, limit: Value) {
        let to = format!("/accounts/{}/quotas", self.id());
        self.world.must("PATCH", &to, json!({path: limit})).await;
    }

    async fn clear(&self) -> i64 {
        self.code("/cgi-bin/clear_quota", json!({"appid": self.id()}))
            .await
    }

    async fn clear_by_secret(&self) -> i64 {
        let secret = self.account["secret"].as_str().unwrap();
        let path = format!(
            "/cgi-bin/clear_quota/v2?appid={}&appsecret={secret}",
            self.id()
        );
        let body = json!({"appid": self.id(), "appsecret": secret});
        self.world.call(&path, body).await["errcode"]
            .as_i64()
            .unwrap()
    }

    async fn clear_one(&self, path: &str) -> i64 {
        self.code("/cgi-bin/openapi/quota/clear", json!({"cgi_path": path}))
            .await
    }
}

async fn now(world: &TestWorld) -> i64 {
    world.get("/clock").await["now"].as_i64().unwrap()
}

/// The clock stands at the beginning of a minute of a morning, and moves only when told.
async fn still(world: &TestWorld) {
    world.next_morning().await;
    let minute = now(world).await / 60 * 60 + 60;
    world.must("POST", "/clock", json!({"freeze": true})).await;
    world.must("POST", "/clock", json!({"now": minute})).await;
}

#[tokio::test]
async fn each_account_has_the_limits_of_its_kind() {
    let world = TestWorld::start().await;
    let service = Caller::of(&world, json!({"kind": "service"})).await;
    let test = Caller::of(&world, json!({"kind": "service", "test": true})).await;
    let reader = Caller::of(&world, json!({"kind": "subscription"})).await;
    for (path, new, of_test) in DAILY {
        assert_eq!(service.daily(path).await, *new, "{path}");
        assert_eq!(reader.daily(path).await, *new, "{path}");
        assert_eq!(test.daily(path).await, *of_test, "{path}");
    }
    for (path, new) in DAILY_OF_NEW.iter().chain(DAILY_OF_CONSOLES) {
        assert_eq!(service.daily(path).await, *new, "{path}");
    }
    for (path, _) in DAILY_OF_CONSOLES {
        assert_eq!(reader.daily(path).await, 0, "{path}");
    }
    // Staff of the platform say that the console wins where both have a number.
    let path = format!("/accounts/{}", service.id());
    let switched = json!({"rules": {"quota.numbers": "console"}});
    world.must("PATCH", &path, switched).await;
    assert_eq!(service.daily("/cgi-bin/user/info").await, 500_000);
    assert_eq!(service.daily("/cgi-bin/draft/get").await, 500);
}

#[tokio::test]
async fn a_day_ends_at_midnight_in_shanghai() {
    let world = TestWorld::start().await;
    still(&world).await;
    let midnight = shanghai::next_midnight(UnixSeconds(now(&world).await)).0;
    world
        .must("POST", "/clock", json!({"now": midnight - 120}))
        .await;
    let caller = Caller::of(&world, json!({})).await;
    let path = "/cgi-bin/get_api_domain_ip";
    caller.limit(path, json!({"limit": 3, "used": 1})).await;
    let codes = [0, 0, 45009, 45009];
    for code in codes {
        assert_eq!(caller.code(path, Value::Null).await, code);
    }
    assert_eq!(
        caller.quota(path).await["quota"],
        json!({"daily_limit": 3, "used": 3, "remain": 0}),
        "what was refused is not counted"
    );
    world.advance(119).await;
    assert_eq!(caller.code(path, Value::Null).await, 45009);
    world.advance(1).await;
    assert_eq!(caller.code(path, Value::Null).await, 0);
}

#[tokio::test]
async fn mass_messages_are_asked_for_sixty_times_a_minute() {
    let world = TestWorld::start().await;
    still(&world).await;
    let caller = Caller::of(&world, json!({})).await;
    let (get, preview) = ("/cgi-bin/message/mass/get", "/cgi-bin/message/mass/preview");
    for turn in 0..60 {
        let path = if turn % 2 == 0 { get } else { preview };
        assert_ne!(
            caller.code(path, json!({"msg_id": "1"})).await,
            45011,
            "{turn}"
        );
    }
    let told = caller.call(get, json!({"msg_id": "1"})).await;
    assert_eq!(told["errcode"], 45011, "{told}");
    let text = told["errmsg"].as_str().unwrap();
    assert!(text.starts_with("api minute-quota reach limit"), "{text}");
    assert_eq!(
        caller.quota(preview).await["rate_limit"],
        json!({"call_count": 60, "refresh_second": 60})
    );
    world.advance(60).await;
    assert_ne!(caller.code(get, json!({"msg_id": "1"})).await, 45011);
}

#[tokio::test]
async fn a_limit_of_the_minute_stands_beside_that_of_the_day() {
    let world = TestWorld::start().await;
    still(&world).await;
    let caller = Caller::of(&world, json!({})).await;
    let path = "/cgi-bin/menu/get";
    caller.limit(path, json!({"limit": 4})).await;
    caller
        .limit(path, json!({"limit": 2, "window": "minute"}))
        .await;
    for code in [46003, 46003, 45011] {
        assert_eq!(caller.code(path, Value::Null).await, code);
    }
    world.advance(60).await;
    for code in [46003, 46003, 45009] {
        assert_eq!(caller.code(path, Value::Null).await, code);
    }
    let (status, refused) = world
        .control(
            "PATCH",
            &format!("/accounts/{}/quotas", caller.id()),
            json!({path: {"limit": 1, "window": "hour"}}),
        )
        .await;
    assert_eq!(status, 400, "{refused}");
}

#[tokio::test]
async fn all_counters_are_cleared_ten_times_a_month() {
    let world = TestWorld::start().await;
    still(&world).await;
    let caller = Caller::of(&world, json!({})).await;
    // Both ways together; what clears nothing costs nothing.
    assert_eq!(
        caller
            .code("/cgi-bin/clear_quota", json!({"appid": "wx0"}))
            .await,
        40013
    );
    for turn in 0..10 {
        let code = match turn % 2 {
            0 => caller.clear().await,
            _ => caller.clear_by_secret().await,
        };
        assert_eq!(code, 0, "{turn}");
    }
    assert_eq!(caller.clear().await, 48006);
    assert_eq!(caller.clear_by_secret().await, 48006);
    let month = shanghai::next_month(UnixSeconds(now(&world).await)).0;
    world
        .must("POST", "/clock", json!({"now": month + 3600}))
        .await;
    assert_eq!(caller.clear_by_secret().await, 0);
}

#[tokio::test]
async fn counters_of_one_path_are_cleared_fifty_times_a_month() {
    let world = TestWorld::start().await;
    still(&world).await;
    let caller = Caller::of(&world, json!({})).await;
    for turn in 0..50 {
        assert_eq!(caller.clear_one("/cgi-bin/menu/get").await, 0, "{turn}");
    }
    assert_eq!(caller.clear_one("/cgi-bin/menu/get").await, 48006);
    assert_eq!(caller.clear().await, 0, "that budget is another");
    assert_eq!(caller.clear_one("/cgi-bin/menu/get").await, 48006);
}

#[tokio::test]
async fn a_quota_is_told_of_paths_that_the_token_calls() {
    let world = TestWorld::start().await;
    let caller = Caller::of(&world, json!({})).await;
    for (path, code) in [
        ("/cgi-bin/menu/creat", 76021),
        ("cgi-bin/menu/create", 76021),
        ("https://api.weixin.qq.com/cgi-bin/menu/create", 76021),
        ("/cgi-bin/component/api_query_auth", 76022),
        ("/cgi-bin/menu/create", 0),
    ] {
        assert_eq!(caller.quota(path).await["errcode"], code, "{path}");
        assert_eq!(caller.clear_one(path).await, code, "{path}");
    }
}

#[tokio::test]
async fn older_paths_and_what_took_their_place_share_a_counter() {
    let world = TestWorld::start().await;
    still(&world).await;
    let caller = Caller::of(&world, json!({})).await;
    let tag = json!({"tag": {"name": "老客"}});
    assert_eq!(caller.code("/cgi-bin/tags/create", tag).await, 0);
    let used = caller.quota("/cgi-bin/groups/create").await;
    assert_eq!(used["quota"]["used"], 1, "{used}");
    caller
        .limit("/customservice/getkflist", json!({"limit": 1}))
        .await;
    assert_eq!(
        caller
            .code("/cgi-bin/customservice/getkflist", Value::Null)
            .await,
        0
    );
    assert_eq!(
        caller.code("/customservice/getkflist", Value::Null).await,
        45009
    );
}

#[tokio::test]
async fn a_rid_is_told_to_who_made_the_call_for_seven_days() {
    let world = TestWorld::start().await;
    let (caller, other) = (
        Caller::of(&world, json!({})).await,
        Caller::of(&world, json!({})).await,
    );
    let refused = caller.call("/cgi-bin/menu/get", Value::Null).await;
    let text = refused["errmsg"].as_str().unwrap();
    let rid = text.rsplit("rid: ").next().unwrap();
    let asked = json!({"rid": rid});
    let get = "/cgi-bin/openapi/rid/get";
    assert_eq!(caller.code(get, asked.clone()).await, 0);
    assert_eq!(other.code(get, asked.clone()).await, 76003);
    world.advance(8 * 86_400).await;
    let again = Caller {
        token: world.token(&caller.account).await,
        ..caller
    };
    assert_eq!(again.code(get, asked).await, 76004);
}

#[tokio::test]
async fn a_counter_is_set_to_no_more_than_can_be_counted() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let path = format!("/accounts/{}/quotas", account["appid"].as_str().unwrap());
    for setting in [
        json!({"limit": 1, "used": u64::MAX}),
        json!({"limit": u64::MAX}),
    ] {
        let (status, _) = world
            .control("PATCH", &path, json!({"/cgi-bin/menu/get": setting}))
            .await;
        assert_eq!(status, 400);
    }
}
