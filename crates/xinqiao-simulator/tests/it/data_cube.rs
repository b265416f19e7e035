//! Statistics: counted from what people did, told of days that are over.

use serde_json::{Value, json};
use xinqiao_testkit::{TestApp, TestWorld, Told};
use xinqiao_types::{UnixSeconds, shanghai};

use crate::{appid, connected, events, material};

struct Counted {
    world: TestWorld,
    account: Value,
    fan: String,
    app: TestApp,
    token: String,
}

impl Counted {
    /// On a Monday at noon.
    async fn open() -> Self {
        let world = TestWorld::start().await;
        for clock in [json!({"freeze": true}), json!({"now": 1_780_286_400})] {
            world.must("POST", "/clock", clock).await;
        }
        let (account, fan, app) = connected(&world, "plain").await;
        let token = world.token(&account).await;
        Self {
            world,
            account,
            fan,
            app,
            token,
        }
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let path = format!("{path}?access_token={}", self.token);
        self.world.call(&path, body).await
    }

    /// The day that lies so many days from today.
    async fn day(&self, ahead: i64) -> String {
        let now = self.world.get("/clock").await["now"].as_i64().unwrap();
        shanghai::written(UnixSeconds(now + ahead * 86_400), "%Y-%m-%d")
    }

    async fn of(&self, path: &str, from: i64, to: i64) -> Value {
        let token = self.world.token(&self.account).await;
        let body = json!({"begin_date": self.day(from).await, "end_date": self.day(to).await});
        let path = format!("{path}?access_token={token}");
        self.world.call(&path, body).await
    }

    /// Rows of yesterday.
    async fn rows(&self, path: &str) -> Vec<Value> {
        let told = self.of(path, -1, -1).await;
        let list = told["list"].as_array();
        list.unwrap_or_else(|| panic!("{path}: {told}")).clone()
    }

    async fn act(&self, user: &str, mut act: Value) -> (u16, Value) {
        act["account"] = json!(appid(&self.account));
        let path = format!("/users/{user}/actions");
        self.world.control("POST", &path, act).await
    }

    async fn send(&self, user: &str, message: Value) {
        let (status, done) = self
            .act(user, json!({"do": "send", "message": message}))
            .await;
        assert_eq!(status, 200, "{done}");
    }

    async fn say(&self, user: &str) {
        self.send(user, json!({"type": "text", "content": "你好"}))
            .await;
    }

    async fn follower(&self) -> String {
        let user = self.world.user("小周").await;
        self.act(&user, json!({"do": "follow"})).await;
        user
    }

    async fn rule(&self, name: &str, value: i64) {
        let path = format!("/accounts/{}", appid(&self.account));
        let rules = json!({"rules": {name: value}});
        self.world.must("PATCH", &path, rules).await;
    }
}

/// A row with these fields.
#[track_caller]
fn has(rows: &[Value], wanted: &Value) {
    let fits = |row: &&Value| {
        let mut fields = wanted.as_object().unwrap().iter();
        fields.all(|(name, value)| row[name] == *value)
    };
    assert!(rows.iter().any(|row| fits(&row)), "{wanted} in {rows:?}");
}

#[tokio::test]
async fn followers_are_counted_by_day_and_source() {
    let account = Counted::open().await;
    let code = json!({"action_name": "QR_LIMIT_SCENE", "action_info": {"scene": {"scene_id": 7}}});
    let code = account.call("/cgi-bin/qrcode/create", code).await;
    let by_code = account.world.user("小吴").await;
    let scan = json!({"do": "scan", "ticket": code["ticket"]});
    assert_eq!(account.act(&by_code, scan).await.0, 200);
    account.act(&account.fan, json!({"do": "unfollow"})).await;
    let many = json!({"count": 30, "follow": [appid(&account.account)]});
    account.world.must("POST", "/users", many).await;
    account.world.next_morning().await;
    let day = account.day(-1).await;
    let rows = account.rows("/datacube/getusersummary").await;
    has(
        &rows,
        &json!({"ref_date": day, "user_source": 0, "new_user": 30, "cancel_user": 1}),
    );
    has(
        &rows,
        &json!({"user_source": 1, "new_user": 1, "cancel_user": 0}),
    );
    has(
        &rows,
        &json!({"user_source": 30, "new_user": 1, "cancel_user": 0}),
    );
    assert_eq!(rows.len(), 3, "{rows:?}");

    account.follower().await;
    account.world.next_morning().await;
    account.world.next_morning().await;
    let told = account.of("/datacube/getusercumulate", -4, -1).await;
    let sums: Vec<i64> = { told["list"].as_array().unwrap().iter() }
        .map(|row| row["cumulate_user"].as_i64().unwrap())
        .collect();
    assert_eq!(sums, [0, 31, 32, 32], "{told}");
    let quiet = account.rows("/datacube/getusersummary").await;
    let nothing = json!({"user_source": 0, "new_user": 0, "cancel_user": 0});
    has(&quiet, &nothing);
}

#[tokio::test]
async fn messages_are_counted_by_day_hour_and_sender() {
    let account = Counted::open().await;
    let other = account.follower().await;
    for _ in 0..6 {
        account.say(&account.fan).await;
    }
    account.world.advance(3600).await;
    account.say(&other).await;
    account.send(&other, json!({"type": "image"})).await;
    account.world.next_morning().await;
    let day = account.day(-1).await;
    let rows = account.rows("/datacube/getupstreammsg").await;
    let texts = json!({"ref_date": day, "msg_type": 1, "msg_user": 2, "msg_count": 7});
    assert_eq!(rows[0], texts);
    has(
        &rows,
        &json!({"msg_type": 2, "msg_user": 1, "msg_count": 1}),
    );
    let hours = account.rows("/datacube/getupstreammsghour").await;
    has(
        &hours,
        &json!({"ref_hour": 1200, "msg_type": 1, "msg_count": 6}),
    );
    has(
        &hours,
        &json!({"ref_hour": 1300, "msg_type": 1, "msg_count": 1}),
    );
    let spread = account.rows("/datacube/getupstreammsgdist").await;
    has(&spread, &json!({"count_interval": 1, "msg_user": 1}));
    has(&spread, &json!({"count_interval": 2, "msg_user": 1}));
    assert_eq!(spread.len(), 2, "{spread:?}");
}

#[tokio::test]
async fn weeks_and_months_are_told_when_they_are_over() {
    let account = Counted::open().await;
    for _ in 0..3 {
        account.say(&account.fan).await;
        account.world.advance(2 * 86_400).await;
    }
    // It is Sunday, the seventh of June: neither week nor month is over.
    let of = async |path: &str, from: i64, to: i64| {
        let told = account.of(path, from, to).await;
        told["list"]
            .as_array()
            .unwrap_or_else(|| panic!("{told}"))
            .clone()
    };
    for path in [
        "/datacube/getupstreammsgweek",
        "/datacube/getupstreammsgmonth",
    ] {
        assert_eq!(of(path, -6, -1).await, [] as [Value; 0], "{path}");
    }
    account.world.next_morning().await;
    let week = of("/datacube/getupstreammsgweek", -7, -1).await;
    let monday = account.day(-7).await;
    assert_eq!(monday, "2026-06-01");
    let sum = json!({"ref_date": monday, "msg_type": 1, "msg_user": 1, "msg_count": 3});
    assert_eq!(week, std::slice::from_ref(&sum));
    let spread = of("/datacube/getupstreammsgdistweek", -7, -1).await;
    let one = json!({"ref_date": monday, "count_interval": 1, "msg_user": 1});
    assert_eq!(spread, std::slice::from_ref(&one));
    account.world.advance(24 * 86_400).await;
    assert_eq!(account.day(0).await, "2026-07-02");
    let month = of("/datacube/getupstreammsgmonth", -31, -27).await;
    assert_eq!(month, [sum]);
    let spread = of("/datacube/getupstreammsgdistmonth", -31, -27).await;
    assert_eq!(spread, [one]);
}

#[tokio::test]
async fn callbacks_are_counted_with_their_failures() {
    let account = Counted::open().await;
    account.say(&account.fan).await;
    account.app.next(Told::status(500));
    account.say(&account.fan).await;
    account.world.next_morning().await;
    // The follow, the two messages, and the second attempt of one of them.
    let rows = account.rows("/datacube/getinterfacesummary").await;
    let [day] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(
        (&day["callback_count"], &day["fail_count"]),
        (&json!(4), &json!(1))
    );
    let most = day["max_time_cost"].as_i64().unwrap();
    assert!(most <= day["total_time_cost"].as_i64().unwrap(), "{day}");
    let hours = account.rows("/datacube/getinterfacesummaryhour").await;
    has(
        &hours,
        &json!({"ref_hour": 1200, "callback_count": 4, "fail_count": 1}),
    );
}

/// Sends two articles to all, and gives their addresses.
async fn sent(account: &Counted) -> (Value, Vec<String>) {
    let cover = material::add(&account.world, &account.token, "image", material::PNG, None).await;
    let article = |title: &str| json!({"thumb_media_id": cover["media_id"], "title": title, "content": "<p>文</p>"});
    let articles = json!({"articles": [article("头条"), article("次条")]});
    let draft = account.call("/cgi-bin/draft/add", articles).await;
    let body = json!({
        "filter": {"is_to_all": true}, "msgtype": "mpnews",
        "mpnews": {"media_id": draft["media_id"]},
    });
    let taken = account.call("/cgi-bin/message/mass/sendall", body).await;
    account.world.advance(2).await;
    events(&account.app, "MASSSENDJOBFINISH", 1).await;
    let inbox = account
        .world
        .inbox(&account.fan, appid(&account.account))
        .await;
    let cards = inbox.last().unwrap()["articles"]
        .as_array()
        .unwrap()
        .clone();
    let urls = { cards.iter() }
        .map(|card| card["url"].as_str().unwrap().to_owned())
        .collect();
    (taken["msg_id"].clone(), urls)
}

#[tokio::test]
async fn reads_and_shares_are_counted_by_where_they_came_from() {
    let account = Counted::open().await;
    let (_, urls) = sent(&account).await;
    let friend = account.world.user("朋友").await;
    let done = async |user: &str, act: Value| {
        let (status, told) = account.act(user, act).await;
        assert_eq!(status, 200, "{told}");
    };
    let read = json!({"do": "read_article", "url": urls[0], "original": true});
    done(&account.fan, read).await;
    done(&account.fan, json!({"do": "read_article", "url": urls[1]})).await;
    let share = json!({"do": "share_article", "url": urls[0], "to": "moments"});
    done(&account.fan, share).await;
    account.world.advance(3600).await;
    let read = json!({"do": "read_article", "url": urls[0], "from": "moments"});
    done(&friend, read).await;
    done(&friend, json!({"do": "keep_article", "url": urls[0]})).await;
    let nowhere = json!({"do": "read_article", "url": "http://nowhere/"});
    assert_eq!(account.act(&friend, nowhere).await.0, 422);
    let strange = json!({"do": "read_article", "url": urls[0], "from": "space"});
    assert_eq!(account.act(&friend, strange).await.0, 400);

    account.world.next_morning().await;
    let rows = account.rows("/datacube/getuserread").await;
    let all = json!({
        "user_source": 99_999_999, "int_page_read_user": 2, "int_page_read_count": 3,
        "ori_page_read_user": 1, "ori_page_read_count": 1, "share_user": 1, "share_count": 1,
        "add_to_fav_user": 1, "add_to_fav_count": 1,
    });
    has(&rows, &all);
    has(
        &rows,
        &json!({"user_source": 0, "int_page_read_user": 1, "int_page_read_count": 2}),
    );
    has(
        &rows,
        &json!({"user_source": 2, "int_page_read_user": 1, "share_count": 0}),
    );
    let hours = account.rows("/datacube/getuserreadhour").await;
    has(
        &hours,
        &json!({"ref_hour": 1300, "user_source": 2, "int_page_read_count": 1}),
    );
    let shares = account.rows("/datacube/getusershare").await;
    let one = json!({
        "ref_date": account.day(-1).await, "share_scene": 2, "share_user": 1, "share_count": 1,
    });
    assert_eq!(shares, [one]);
    let hours = account.rows("/datacube/getusersharehour").await;
    has(&hours, &json!({"ref_hour": 1200, "share_scene": 2}));
}

#[tokio::test]
async fn a_mass_article_is_counted_from_its_day_on() {
    let account = Counted::open().await;
    let (message, urls) = sent(&account).await;
    let share = json!({"do": "share_article", "url": urls[0]});
    for act in [json!({"do": "read_article", "url": urls[0]}), share] {
        account.act(&account.fan, act).await;
    }
    let read = json!({"do": "read_article", "url": urls[1]});
    account.act(&account.fan, read).await;
    account.world.next_morning().await;
    let sum = account.rows("/datacube/getarticlesummary").await;
    let msgid = |at: u64| format!("{message}_{at}");
    assert_eq!(sum.len(), 1, "one reader is too few: {sum:?}");
    let head = json!({
        "msgid": msgid(1), "title": "头条", "int_page_read_user": 1, "share_user": 1,
        "share_count": 1, "add_to_fav_count": 0,
    });
    has(&sum, &head);
    account.rule("data_cube.article_fewest", 1).await;
    assert_eq!(account.rows("/datacube/getarticlesummary").await.len(), 2);

    let later = account.follower().await;
    let read = json!({"do": "read_article", "url": urls[0], "from": "friend"});
    account.act(&later, read).await;
    account.world.next_morning().await;
    let told = account.of("/datacube/getarticletotal", -2, -2).await;
    let totals = told["list"].as_array().unwrap();
    assert_eq!(totals.len(), 2, "{told}");
    assert_eq!(totals[0]["msgid"], msgid(1));
    let details = totals[0]["details"].as_array().unwrap();
    assert_eq!(details.len(), 2);
    let first = json!({
        "stat_date": account.day(-2).await, "target_user": 1, "int_page_read_user": 1,
        "int_page_from_session_read_count": 1, "int_page_from_friends_read_count": 0,
    });
    has(&details[..1], &first);
    let second = json!({
        "stat_date": account.day(-1).await, "int_page_read_user": 2,
        "int_page_from_friends_read_user": 1,
    });
    has(&details[1..], &second);
    assert_eq!(
        account.rows("/datacube/getarticletotal").await,
        [] as [Value; 0]
    );
}

#[tokio::test]
async fn only_days_that_are_over_are_told() {
    let account = Counted::open().await;
    let refused = async |from: i64, to: i64, code: i64| {
        let told = account.of("/datacube/getusersummary", from, to).await;
        assert_eq!(told["errcode"], code, "{from} to {to}: {told}");
    };
    refused(-1, 0, 61501).await;
    refused(-1, -2, 61501).await;
    refused(-8, -1, 61501).await;
    refused(-5000, -5000, 61501).await;
    assert!(account.of("/datacube/getusersummary", -7, -1).await["list"].is_array());
    let token = account.world.token(&account.account).await;
    for wrong in ["2026-6-01", "2026-02-30", "20260601", "x"] {
        let path = format!("/datacube/getusersummary?access_token={token}");
        let body = json!({"begin_date": wrong, "end_date": "2026-05-31"});
        let told = account.world.call(&path, body).await;
        assert_eq!(told["errcode"], 61500, "{wrong}: {told}");
    }
    // Before eight o'clock yesterday is not ready.
    account.world.next_morning().await;
    account.world.advance(23 * 3600).await;
    refused(-1, -1, 61503).await;
    assert!(account.of("/datacube/getusersummary", -2, -2).await["list"].is_array());
    account.rule("data_cube.ready_hour", 0).await;
    assert!(account.of("/datacube/getusersummary", -1, -1).await["list"].is_array());
}

/// An imported world may say anything of its counts: they end where numbers end.
#[tokio::test]
async fn counts_of_an_imported_world_do_not_overflow() {
    let account = Counted::open().await;
    let mut kept = account.world.get("/export").await;
    let rows = &mut kept["tables"]["official_account.data_users"]["rows"];
    let day = &mut rows[0][1];
    assert_eq!(day["came"]["1"], 1, "{day}");
    *day = json!({"came": {"0": u64::MAX, "1": u64::MAX}, "left": u64::MAX});
    account.world.must("POST", "/import", kept).await;
    account.follower().await;
    account.act(&account.fan, json!({"do": "unfollow"})).await;
    account.world.next_morning().await;
    let rows = account.rows("/datacube/getusersummary").await;
    let most = json!(i32::MAX);
    has(&rows, &json!({"user_source": 1, "new_user": most}));
    has(&rows, &json!({"user_source": 0, "cancel_user": most}));
    let of = account.of("/datacube/getusercumulate", -3, -1).await;
    for row in of["list"].as_array().unwrap() {
        assert!(row["cumulate_user"].as_i64().unwrap() >= 0, "{row}");
    }
}
