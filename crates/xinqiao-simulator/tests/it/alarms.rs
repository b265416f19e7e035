//! Alarms: an account whose server fails often is told so.
//!
//! Source: doc page "接口报警和排查指引".

use serde_json::{Value, json};
use xinqiao_testkit::{Recorded, TestApp, TestWorld, Told};

use crate::{appid, connected};

/// A world that stands still, a connected account with a follower, and who takes alarms.
struct Watch {
    world: TestWorld,
    account: Value,
    user: String,
    app: TestApp,
    bell: TestApp,
}

impl Watch {
    async fn begin() -> Self {
        let world = TestWorld::start().await;
        world.must("POST", "/clock", json!({"freeze": true})).await;
        let (account, user, app) = connected(&world, "plain").await;
        let bell = TestApp::start().await;
        let own = Self {
            world,
            account,
            user,
            app,
            bell,
        };
        let url = json!({"url": format!("{}/alarm", own.bell.url)});
        own.world.must("PUT", &own.path("alarm"), url).await;
        own
    }

    fn path(&self, part: &str) -> String {
        format!("/accounts/{}/{part}", appid(&self.account))
    }

    async fn switch(&self, rules: Value) {
        let path = format!("/accounts/{}", appid(&self.account));
        self.world
            .must("PATCH", &path, json!({"rules": rules}))
            .await;
    }

    async fn say(&self, times: usize) {
        for _ in 0..times {
            self.world
                .say(&self.user, appid(&self.account), "在吗")
                .await;
        }
    }

    async fn rung(&self, times: usize) -> Vec<Recorded> {
        for _ in 0..500 {
            if self.bell.requests().len() >= times {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let rung = self.bell.requests();
        assert_eq!(rung.len(), times, "{rung:?}");
        rung
    }

    async fn listed(&self) -> Vec<Value> {
        let list = self.world.get(&self.path("alarms")).await;
        list["items"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn thirty_bad_answers_in_five_minutes_ring_once() {
    let watch = Watch::begin().await;
    watch.app.otherwise(|_| Told::body("好的"));
    watch.say(29).await;
    watch.world.advance(300).await;
    assert_eq!(watch.listed().await, [] as [Value; 0], "29 are too few");
    // One that is taken in between, or pushing would pause after sixty in a row.
    watch.app.next(Told::body("success"));
    watch.say(1).await;
    watch.say(20).await;
    watch.world.advance(200).await;
    watch.say(12).await;
    assert_eq!(
        watch.listed().await,
        [] as [Value; 0],
        "five minutes are not over"
    );
    watch.world.advance(100).await;
    let rung = watch.rung(1).await.remove(0);
    assert!(rung.path.ends_with("/alarm"), "{}", rung.path);
    assert_eq!(rung.content_type, "application/json");
    let told: Value = serde_json::from_str(&rung.body).unwrap();
    assert_eq!(
        (
            &told["appid"],
            &told["nickname"],
            &told["type"],
            &told["times"]
        ),
        (
            &watch.account["appid"],
            &watch.account["name"],
            &json!("illegal"),
            &json!(32)
        ),
        "{told}"
    );
    let sample = told["sample"].as_str().unwrap();
    for part in [
        "[OpenID=o",
        "[Msg=text]",
        "[IP=127.0.0.1]",
        "[response_length=6]",
        "[response_content=好的]",
    ] {
        assert!(sample.contains(part), "{part}: {sample}");
    }
    let text = told["text"].as_str().unwrap();
    let heads = [
        "Appid: ",
        "昵称: ",
        "时间: ",
        "内容: ",
        "次数: 5分钟 32次",
        "错误样例: [",
    ];
    for (line, head) in text.lines().zip(heads) {
        assert!(line.starts_with(head), "{head}: {text}");
    }
    let list = watch.listed().await;
    assert_eq!(
        (&list[0]["text"], &list[0]["posted"]),
        (&told["text"], &json!(true))
    );
}

#[tokio::test]
async fn each_kind_of_failure_is_counted_by_itself() {
    let watch = Watch::begin().await;
    watch.switch(json!({"alarm.after": 3})).await;
    // A status is tried again: three failures of one message.
    watch.app.otherwise(|_| Told::status(500));
    watch.say(1).await;
    // An illegal answer is not: one more of the same kind.
    watch.app.otherwise(|_| Told::body("好的"));
    watch.say(1).await;
    watch
        .app
        .otherwise(|_| Told::body("").after(std::time::Duration::from_secs(2)));
    watch.say(1).await;
    watch.world.advance(300).await;
    let rung = watch.rung(2).await;
    let mut told: Vec<(Value, Value)> = { rung.iter() }
        .map(|push| serde_json::from_str::<Value>(&push.body).unwrap())
        .map(|told| (told["type"].clone(), told["times"].clone()))
        .collect();
    told.sort_by_key(|(kind, _)| kind.to_string());
    assert_eq!(
        told,
        [(json!("illegal"), json!(4)), (json!("timeout"), json!(3))]
    );
    let first = { rung.iter() }
        .find(|push| push.body.contains("illegal"))
        .unwrap();
    assert!(first.body.contains("[http code=500]"), "{}", first.body);
}

#[tokio::test]
async fn a_pause_of_pushing_is_told_at_once() {
    let watch = Watch::begin().await;
    watch.switch(json!({"callback.mark_fail_after": 3})).await;
    watch.app.otherwise(|_| Told::status(404));
    watch.say(1).await;
    let rung = watch.rung(1).await.remove(0);
    let told: Value = serde_json::from_str(&rung.body).unwrap();
    assert_eq!(
        (&told["type"], &told["times"]),
        (&json!("mark_fail"), &json!(3))
    );
}

#[tokio::test]
async fn an_alarm_that_nobody_takes_is_no_failure_of_the_server() {
    let watch = Watch::begin().await;
    watch
        .switch(json!({"alarm.after": 1, "callback.mark_fail_after": 2}))
        .await;
    watch.bell.otherwise(|_| Told::status(500));
    watch.app.otherwise(|_| Told::body("好的"));
    watch.say(1).await;
    watch.world.advance(300).await;
    watch.rung(1).await;
    watch.world.advance(300).await;
    watch.app.otherwise(|_| Told::body("success"));
    let before = watch.app.pushes().len();
    watch.say(1).await;
    assert_eq!(
        watch.app.pushes().len(),
        before + 1,
        "pushing is not paused"
    );
    let list = watch.listed().await;
    assert_eq!(list.len(), 1, "{list:?}");
}

#[tokio::test]
async fn without_an_address_alarms_are_listed_only() {
    let watch = Watch::begin().await;
    watch.switch(json!({"alarm.after": 1})).await;
    watch
        .world
        .must("PUT", &watch.path("alarm"), json!({"url": ""}))
        .await;
    watch.app.otherwise(|_| Told::body("好的"));
    watch.say(1).await;
    watch.world.advance(300).await;
    let list = watch.listed().await;
    assert_eq!(list[0]["posted"], false, "{list:?}");
    assert_eq!(watch.bell.requests().len(), 0);
    let rows = watch.world.get("/timeline").await;
    let row =
        { rows["items"].as_array().unwrap().iter() }.find(|row| row["label"]["en"] == "alarm");
    let row = row.unwrap();
    let told = row["subtitle"]["en"].as_str().unwrap();
    assert!(told.starts_with("in five minutes: 1; no address"), "{told}");
    let title = row["title"]["en"].as_str().unwrap();
    assert!(
        title.contains("is not valid") && title.is_ascii(),
        "{title}"
    );
    // What is no address is refused, and who has no alarms.
    let (status, refused) = watch
        .world
        .control("PUT", &watch.path("alarm"), json!({"url": "bell"}))
        .await;
    assert_eq!(status, 400, "{refused}");
    let website = watch.world.account(json!({"kind": "website"})).await;
    let path = format!("/accounts/{}/alarm", appid(&website));
    let url = json!({"url": watch.bell.url});
    assert_eq!(watch.world.control("PUT", &path, url).await.0, 422);
}

#[tokio::test]
async fn a_platform_that_does_not_take_its_tickets_is_told_so() {
    let world = TestWorld::start().await;
    world.must("POST", "/clock", json!({"freeze": true})).await;
    let component = world.account(json!({"kind": "component"})).await;
    let path = |part: &str| format!("/accounts/{}/{part}", appid(&component));
    let switched = json!({"rules": {"alarm.after": 3}});
    world
        .must(
            "PATCH",
            &format!("/accounts/{}", appid(&component)),
            switched,
        )
        .await;
    let app = TestApp::start().await;
    app.otherwise(|_| Told::body("ok"));
    world
        .must("PUT", &path("callback"), json!({"url": app.url}))
        .await;
    world.must("POST", &path("tickets"), json!({})).await;
    world.advance(300).await;
    let list = world.get(&path("alarms")).await;
    let alarm = &list["items"][0];
    assert_eq!(alarm["type"], "ticket", "{list}");
    assert!(
        alarm["sample"]
            .as_str()
            .unwrap()
            .contains("[response_content=ok]"),
        "{list}"
    );
}

#[tokio::test]
async fn failures_of_before_the_clock_went_back_are_not_counted() {
    let watch = Watch::begin().await;
    watch.switch(json!({"alarm.after": 3})).await;
    watch.app.otherwise(|_| Told::body("好的"));
    watch.say(2).await;
    let now = watch.world.get("/clock").await["now"].as_i64().unwrap();
    let back = json!({"now": now - 86_400});
    watch.world.must("POST", "/clock", back).await;
    watch.say(2).await;
    watch.world.advance(300).await;
    assert_eq!(watch.listed().await, [] as [Value; 0], "two, and two");
    watch.say(3).await;
    watch.world.advance(300).await;
    let list = watch.listed().await;
    assert_eq!((list.len(), &list[0]["times"]), (1, &json!(3)), "{list:?}");
    // The end of the first count comes in its own time, and finds nothing.
    watch.world.advance(86_400).await;
    assert_eq!(watch.listed().await.len(), 1);
}

#[tokio::test]
async fn a_count_that_an_imported_world_began_at_the_end_of_time_is_begun_anew() {
    let watch = Watch::begin().await;
    watch.switch(json!({"alarm.after": 1})).await;
    watch.app.otherwise(|_| Told::body("好的"));
    watch.say(1).await;
    let mut kept = watch.world.get("/export").await;
    let rows = &mut kept["tables"]["official_account.alarm_counts"]["rows"];
    rows[0][1]["since"] = json!(i64::MAX);
    watch.world.must("POST", "/import", kept).await;
    watch.say(1).await;
    watch.world.advance(300).await;
    let list = watch.listed().await;
    assert_eq!((list.len(), &list[0]["times"]), (1, &json!(1)), "{list:?}");
}
