use serde_json::{Value, json};
use xinqiao_testkit::{TestApp, TestWorld, Told};

use crate::{appid, connected, element, events};

/// An account with a member of staff and a person.
struct Counter {
    world: TestWorld,
    account: Value,
    user: String,
    app: TestApp,
    token: String,
    openid: String,
    staff: String,
}

impl Counter {
    async fn open() -> Self {
        let world = TestWorld::start().await;
        let (account, user, app) = connected(&world, "plain").await;
        let token = world.token(&account).await;
        let person = world.get(&format!("/users/{user}")).await;
        let openid = person["openids"][appid(&account)]
            .as_str()
            .unwrap()
            .to_owned();
        let staff = format!("anna@{}", account["alias"].as_str().unwrap());
        let counter = Self {
            world,
            account,
            user,
            app,
            token,
            openid,
            staff,
        };
        let staff = counter.staff.clone();
        counter.hire(&staff).await;
        counter
    }

    async fn hire(&self, name: &str) {
        let staff = json!({"kf_account": name, "nickname": "客服"});
        let answer = self.call("kfaccount/add", staff).await;
        assert_eq!(answer["errcode"], 0, "{answer}");
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("/customservice/{path}{joint}access_token={}", self.token);
        self.world.call(&path, body).await
    }

    fn session(&self, staff: &str) -> Value {
        json!({"kf_account": staff, "openid": self.openid})
    }

    async fn staff_of_person(&self) -> Value {
        let path = format!("kfsession/getsession?openid={}", self.openid);
        self.call(&path, Value::Null).await["kf_account"].clone()
    }
}

#[tokio::test]
async fn a_session_is_opened_told_and_closed() {
    let counter = Counter::open().await;
    let own = counter.session(&counter.staff);
    let none = counter.call("kfsession/close", own.clone()).await;
    assert_eq!(none["errcode"], 65413, "{none}");
    assert_eq!(counter.staff_of_person().await, "");
    let opened = counter.call("kfsession/create", own.clone()).await;
    assert_eq!(opened["errcode"], 0, "{opened}");
    let told = events(&counter.app, "kf_create_session", 1).await;
    assert_eq!(element(&told[0], "KfAccount"), counter.staff);
    assert_eq!(counter.staff_of_person().await, json!(counter.staff));
    let path = format!("kfsession/getsessionlist?kf_account={}", counter.staff);
    let list = counter.call(&path, Value::Null).await;
    assert_eq!(list["sessionlist"][0]["openid"], json!(counter.openid));
    let other = counter.staff.replace("anna", "bert");
    let stranger = counter
        .call("kfsession/create", counter.session(&other))
        .await;
    assert_eq!(stranger["errcode"], 65401, "{stranger}");
    counter.hire(&other).await;
    let busy = counter
        .call("kfsession/create", counter.session(&other))
        .await;
    assert_eq!(busy["errcode"], 65414, "{busy}");
    counter.call("kfsession/close", own).await;
    let told = events(&counter.app, "kf_close_session", 1).await;
    assert_eq!(element(&told[0], "KfAccount"), counter.staff);
    assert_eq!(counter.staff_of_person().await, "");
}

#[tokio::test]
async fn a_passive_reply_hands_over_to_staff() {
    let counter = Counter::open().await;
    let hand_over = |to: &str| {
        let to = to.to_owned();
        counter.app.otherwise(move |push| {
            let (from, own) = (element(&push.body, "FromUserName"), element(&push.body, "ToUserName"));
            Told::body(format!(
                "<xml><ToUserName>{from}</ToUserName><FromUserName>{own}</FromUserName><CreateTime>1</CreateTime>\
                 <MsgType>transfer_customer_service</MsgType>{to}</xml>"
            ))
        });
    };
    hand_over("");
    counter
        .world
        .say(&counter.user, appid(&counter.account), "有人吗")
        .await;
    let list = counter.call("kfsession/getwaitcase", Value::Null).await;
    assert_eq!(list["count"], 1);
    assert_eq!(list["waitcaselist"][0]["openid"], json!(counter.openid));
    let pinned = format!(
        "<TransInfo><KfAccount>{}</KfAccount></TransInfo>",
        counter.staff
    );
    hand_over(&pinned);
    counter
        .world
        .say(&counter.user, appid(&counter.account), "找安娜")
        .await;
    assert_eq!(counter.staff_of_person().await, json!(counter.staff));
    let list = counter.call("kfsession/getwaitcase", Value::Null).await;
    assert_eq!(list["count"], 0);
}

#[tokio::test]
async fn what_is_said_in_a_session_is_recorded() {
    let counter = Counter::open().await;
    let say = async |words: &str| {
        counter
            .world
            .say(&counter.user, appid(&counter.account), words)
            .await
    };
    say("没人记").await;
    counter
        .call("kfsession/create", counter.session(&counter.staff))
        .await;
    say("多少钱").await;
    let message = json!({
        "touser": counter.openid, "msgtype": "text", "text": {"content": "三十"},
        "customservice": {"kf_account": counter.staff},
    });
    let path = format!(
        "/cgi-bin/message/custom/send?access_token={}",
        counter.token
    );
    let sent = counter.world.call(&path, message).await;
    assert_eq!(sent["errcode"], 0, "{sent}");
    let now = counter.world.get("/clock").await["now"].as_i64().unwrap();
    let asked = |start: i64, first: i64, number: i64| {
        json!({
            "starttime": start, "endtime": now + 5, "msgid": first, "number": number,
        })
    };
    let page = counter
        .call("msgrecord/getmsglist", asked(now - 60, 1, 1))
        .await;
    assert_eq!(
        (&page["number"], &page["recordlist"][0]["text"]),
        (&json!(1), &json!("多少钱"))
    );
    assert_eq!(page["recordlist"][0]["opercode"], 2003);
    let next = page["msgid"].as_i64().unwrap();
    let page = counter
        .call("msgrecord/getmsglist", asked(now - 60, next, 10))
        .await;
    let record = &page["recordlist"][0];
    assert_eq!(page["number"], 1, "{page}");
    assert_eq!(
        (&record["text"], &record["opercode"], &record["worker"]),
        (&json!("三十"), &json!(2002), &json!(counter.staff))
    );
    let long = counter
        .call("msgrecord/getmsglist", asked(now - 90_000, 1, 10))
        .await;
    assert_eq!(long["errcode"], 65417, "{long}");
    let many = counter
        .call("msgrecord/getmsglist", asked(now - 60, 1, 10_001))
        .await;
    assert_eq!(many["errcode"], 65416, "{many}");
}
