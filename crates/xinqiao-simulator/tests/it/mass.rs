use serde_json::{Value, json};

use crate::{
    account::{Connected, is_connected},
    appid, element, events, material,
};

/// An account with followers: the calls of its mass messages.
struct Press(Connected);
is_connected!(Press);

impl Press {
    async fn open(kind: &str) -> Self {
        Self(Connected::of(kind).await)
    }

    async fn inbox(&self, user: &str) -> Vec<Value> {
        self.world.inbox(user, appid(&self.account)).await
    }

    async fn rule(&self, name: &str, value: &str) {
        let path = format!("/accounts/{}", appid(&self.account));
        self.world
            .must("PATCH", &path, json!({"rules": {name: value}}))
            .await;
    }

    /// What the app was told of the last of so many mass messages.
    async fn finished(&self, times: usize) -> String {
        self.world.advance(2).await;
        let told = events(&self.app, "MASSSENDJOBFINISH", times).await;
        told[times - 1].clone()
    }

    /// A draft of two articles.
    async fn draft(&self) -> Value {
        let added = material::add(&self.world, &self.token, "image", material::PNG, None).await;
        let cover = &added["media_id"];
        let article = |title: &str| json!({"title": title, "content": "<p>正文</p>", "thumb_media_id": cover});
        let articles = json!({"articles": [article("头条"), article("次条")]});
        self.call("draft/add", articles).await["media_id"].clone()
    }
}

fn text(content: &str) -> Value {
    json!({"msgtype": "text", "text": {"content": content}})
}

fn to_all(mut body: Value) -> Value {
    body["filter"] = json!({"is_to_all": true});
    body
}

#[tokio::test]
async fn a_mass_message_reaches_all_and_its_event_counts_them() {
    let press = Press::open("service").await;
    let (blocked, black) = press.follower("黑名单").await;
    let people = json!({"openid_list": [black]});
    press.call("tags/members/batchblacklist", people).await;
    press
        .world
        .must("POST", "/clock", json!({"freeze": true}))
        .await;
    let sent = press
        .call("message/mass/sendall", to_all(text("开业")))
        .await;
    assert_eq!(
        (&sent["errcode"], &sent["errmsg"]),
        (&json!(0), &json!("send job submission success"))
    );
    let number = json!({"msg_id": sent["msg_id"]});
    let state = press.call("message/mass/get", number.clone()).await;
    assert_eq!(state["msg_status"], "SENDING");
    assert!(press.inbox(&press.user).await.is_empty());
    let event = press.finished(1).await;
    assert_eq!(element(&event, "MsgID"), sent["msg_id"].to_string());
    assert_eq!(element(&event, "Status"), "send success");
    let counts = ["TotalCount", "FilterCount", "SentCount", "ErrorCount"];
    assert_eq!(
        counts.map(|name| element(&event, name)),
        ["2", "1", "1", "0"]
    );
    let state = press.call("message/mass/get", number).await;
    assert_eq!(state["msg_status"], "SEND_SUCCESS");
    let inbox = press.inbox(&press.user).await;
    assert_eq!(
        (&inbox[0]["via"], &inbox[0]["content"]),
        (&json!("mass"), &json!("开业"))
    );
    assert!(press.inbox(&blocked).await.is_empty());
    press
        .refused("message/mass/get", json!({"msg_id": 7}), 40097)
        .await;
    press
        .refused("message/mass/sendall", text("谁"), 40035)
        .await;
}

#[tokio::test]
async fn what_is_said_to_many_stands_in_each_chat_in_its_place() {
    let press = Press::open("service").await;
    let appid = appid(&press.account);
    press.world.say(&press.user, appid, "先").await;
    press
        .call("message/mass/sendall", to_all(text("群发")))
        .await;
    press.world.advance(2).await;
    press.world.say(&press.user, appid, "后").await;
    let path = format!("/users/{}/chat?account={appid}", press.user);
    let chat = press.world.get(&path).await;
    let said: Vec<&Value> = chat["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| &item["content"])
        .collect();
    assert_eq!(said, ["先", "群发", "后"]);
    let (late, _) = press.follower("后来").await;
    assert!(
        press.inbox(&late).await.is_empty(),
        "who follows later gets nothing of before"
    );
    press
        .call("message/mass/sendall", to_all(text("再来")))
        .await;
    press.world.advance(2).await;
    let chats = press.world.get(&format!("/users/{late}/chats")).await;
    let own = { chats["items"].as_array().unwrap().iter() }.find(|chat| chat["account"] == appid);
    let own = own.unwrap();
    assert_eq!(
        (&own["unread"], &own["last"]["preview"]),
        (&json!(1), &json!("再来"))
    );
    press
        .world
        .must(
            "POST",
            &format!("/users/{late}/read"),
            json!({"account": appid}),
        )
        .await;
    let chats = press.world.get(&format!("/users/{late}/chats")).await;
    let own = { chats["items"].as_array().unwrap().iter() }.find(|chat| chat["account"] == appid);
    assert_eq!(own.unwrap()["unread"], 0);
}

#[tokio::test]
async fn a_mass_message_to_a_tag_reaches_who_wears_it() {
    let press = Press::open("service").await;
    let (wearer, openid) = press.follower("会员").await;
    let made = press
        .call("tags/create", json!({"tag": {"name": "会员"}}))
        .await;
    let tag = made["tag"]["id"].clone();
    let wear = json!({"openid_list": [openid], "tagid": tag});
    press.call("tags/members/batchtagging", wear).await;
    for round in 0..6 {
        let mut body = text(&format!("第 {round} 次"));
        body["filter"] = json!({"is_to_all": false, "tag_id": tag});
        let sent = press.call("message/mass/sendall", body).await;
        assert_eq!(sent["errcode"], 0, "{sent}");
        let event = press.finished(round + 1).await;
        let reached = if round < 4 { "1" } else { "0" };
        assert_eq!(
            element(&event, "SentCount"),
            reached,
            "four a month reach a person"
        );
    }
    assert_eq!(press.inbox(&wearer).await.len(), 4);
    assert!(press.inbox(&press.user).await.is_empty());
    let mut body = text("无");
    body["filter"] = json!({"is_to_all": false, "tag_id": 999});
    press.refused("message/mass/sendall", body, 45159).await;
}

#[tokio::test]
async fn a_mass_message_to_a_list_of_people() {
    let press = Press::open("service").await;
    let own = press.openid(&press.user).await;
    let (other, openid) = press.follower("小周").await;
    let (third, _) = press.follower("旁人").await;
    let to = |list: Value| {
        let mut body = text("你们好");
        body["touser"] = list;
        body
    };
    press
        .refused("message/mass/send", to(json!([own])), 40130)
        .await;
    press
        .refused("message/mass/send", to(json!([own, "nobody"])), 40003)
        .await;
    let sent = press
        .call("message/mass/send", to(json!([own, openid])))
        .await;
    assert_eq!(sent["errcode"], 0, "{sent}");
    press.world.advance(2).await;
    assert_eq!(press.inbox(&press.user).await.len(), 1);
    assert_eq!(press.inbox(&other).await.len(), 1);
    assert!(press.inbox(&third).await.is_empty());
}

#[tokio::test]
async fn a_preview_reaches_one_person() {
    let press = Press::open("service").await;
    let (other, openid) = press.follower("小周").await;
    let to = |name: &str, value: &str| {
        let mut body = text("预览");
        body[name] = json!(value);
        body
    };
    let answer = press
        .call("message/mass/preview", to("touser", &openid))
        .await;
    assert_eq!(answer["errcode"], 0, "{answer}");
    press
        .call("message/mass/preview", to("towxname", "小周"))
        .await;
    let inbox = press.inbox(&other).await;
    assert_eq!(inbox.len(), 2);
    assert_eq!(inbox[1]["via"], "mass");
    assert!(press.inbox(&press.user).await.is_empty());
    press
        .refused("message/mass/preview", to("touser", "nobody"), 40003)
        .await;
    press
        .refused("message/mass/preview", to("towxname", "nobody"), 40132)
        .await;
}

#[tokio::test]
async fn articles_of_a_draft_are_sent_and_the_draft_is_used_up() {
    let press = Press::open("service").await;
    let draft = press.draft().await;
    let body =
        json!({"msgtype": "mpnews", "mpnews": {"media_id": draft}, "send_ignore_reprint": 0});
    let sent = press
        .call("message/mass/sendall", to_all(body.clone()))
        .await;
    assert!(sent["msg_data_id"].is_i64(), "{sent}");
    let event = press.finished(1).await;
    assert_eq!(element(&event, "CheckState"), "1");
    let urls = element(&event, "ArticleUrlResult");
    assert_eq!(element(urls, "Count"), "2");
    assert!(element(urls, "ArticleUrl").ends_with("idx=1"), "{event}");
    let item = press.inbox(&press.user).await.pop().unwrap();
    assert_eq!(item["type"], "news");
    assert_eq!(item["articles"][1]["title"], "次条");
    assert_eq!(item["articles"][0]["url"], element(urls, "ArticleUrl"));
    press
        .refused("draft/get", json!({"media_id": draft}), 40007)
        .await;
    press
        .refused("message/mass/sendall", to_all(body), 40007)
        .await;
}

#[tokio::test]
async fn a_deleted_mass_message_loses_its_content() {
    let press = Press::open("service").await;
    let draft = press.draft().await;
    let body = json!({"msgtype": "mpnews", "mpnews": {"media_id": draft}});
    let sent = press.call("message/mass/sendall", to_all(body)).await;
    press.world.advance(2).await;
    let delete = |at: i64| json!({"msg_id": sent["msg_id"], "article_idx": at});
    press.call("message/mass/delete", delete(2)).await;
    let item = press.inbox(&press.user).await.pop().unwrap();
    assert!(item["articles"][0]["url"].is_string(), "{item}");
    assert!(item["articles"][1]["url"].is_null(), "{item}");
    let number = json!({"msg_id": sent["msg_id"]});
    let state = press.call("message/mass/get", number.clone()).await;
    assert_eq!(state["msg_status"], "SEND_SUCCESS");
    press.call("message/mass/delete", delete(0)).await;
    let state = press.call("message/mass/get", number).await;
    assert_eq!(state["msg_status"], "DELETE");
    let item = press.inbox(&press.user).await.pop().unwrap();
    assert_eq!(item["articles"][0]["description"], "该内容已被发布者删除");
}

#[tokio::test]
async fn a_subscription_account_sends_once_a_day() {
    let press = Press::open("subscription").await;
    let nothing = json!({"msgtype": "image", "image": {"media_id": "nothing"}, "images": {"media_ids": ["nothing"]}});
    press
        .refused("message/mass/sendall", to_all(nothing), 40007)
        .await;
    let first = press.call("message/mass/sendall", to_all(text("早"))).await;
    assert_eq!(
        first["errcode"], 0,
        "what was refused does not count: {first}"
    );
    press
        .refused("message/mass/sendall", to_all(text("晚")), 45028)
        .await;
    press.world.next_morning().await;
    let token = press.world.token(&press.account).await;
    let path = format!("/cgi-bin/message/mass/sendall?access_token={token}");
    let next = press.world.call(&path, to_all(text("晚"))).await;
    assert_eq!(next["errcode"], 0, "{next}");
}

#[tokio::test]
async fn a_service_account_sends_to_all_four_times_a_month() {
    let press = Press::open("service").await;
    for round in 0..4 {
        let sent = press
            .call("message/mass/sendall", to_all(text(&format!("{round}"))))
            .await;
        assert_eq!(sent["errcode"], 0, "{sent}");
    }
    press
        .refused("message/mass/sendall", to_all(text("五")), 45028)
        .await;
}

#[tokio::test]
async fn a_client_msg_id_is_not_sent_twice_in_a_day() {
    let press = Press::open("service").await;
    let with = |id: &str, words: &str| {
        let mut body = to_all(text(words));
        body["clientmsgid"] = json!(id);
        body
    };
    let first = press.call("message/mass/sendall", with("a", "一")).await;
    press
        .refused("message/mass/sendall", with("a", "二"), 45066)
        .await;
    press.world.advance(61).await;
    let again = press.call("message/mass/sendall", with("a", "二")).await;
    assert_eq!(again["errcode"], 45065, "{again}");
    assert_eq!(again["msg_id"], first["msg_id"]);
    press
        .refused("message/mass/sendall", with(&"x".repeat(65), "三"), 45067)
        .await;
    let silent = press.call("message/mass/sendall", to_all(text("四"))).await;
    assert_eq!(silent["errcode"], 0, "{silent}");
    press.rule("mass.repeat", "exists").await;
    press
        .refused("message/mass/sendall", to_all(text("四")), 45065)
        .await;
    press.rule("mass.repeat", "sent").await;
    let sent = press.call("message/mass/sendall", to_all(text("四"))).await;
    assert_eq!(sent["errcode"], 0, "{sent}");
    press.rule("mass.repeat", "documented").await;
    press.world.advance(86_400).await;
    let token = press.world.token(&press.account).await;
    let path = format!("/cgi-bin/message/mass/sendall?access_token={token}");
    let next = press.world.call(&path, with("a", "五")).await;
    assert_eq!(next["errcode"], 0, "{next}");
}

#[tokio::test]
async fn review_and_the_check_for_reprints_stop_a_mass_message() {
    let press = Press::open("service").await;
    press.rule("mass.review", "err(40001)").await;
    let sent = press.call("message/mass/sendall", to_all(text("一"))).await;
    assert_eq!(element(&press.finished(1).await, "Status"), "err(40001)");
    let number = json!({"msg_id": sent["msg_id"]});
    let state = press.call("message/mass/get", number).await;
    assert_eq!(state["msg_status"], "SEND_FAIL");
    assert!(press.inbox(&press.user).await.is_empty());
    press.rule("mass.review", "pass").await;
    for (times, found, ignore, status, state) in [
        (2, "reprint", 0, "err(30003)", "2"),
        (3, "reprint", 1, "send success", "2"),
        (4, "barred", 1, "err(30002)", "3"),
    ] {
        press.rule("mass.original", found).await;
        let draft = press.draft().await;
        let body = json!({
            "msgtype": "mpnews", "mpnews": {"media_id": draft}, "send_ignore_reprint": ignore,
        });
        let sent = press.call("message/mass/sendall", to_all(body)).await;
        assert_eq!(sent["errcode"], 0, "{sent}");
        let event = press.finished(times).await;
        assert_eq!(element(&event, "Status"), status, "{found} {ignore}");
        assert_eq!(element(&event, "CheckState"), state);
        assert_eq!(
            element(element(&event, "CopyrightCheckResult"), "ArticleIdx"),
            "1"
        );
    }
}

#[tokio::test]
async fn the_speed_of_mass_messages_is_set_and_told() {
    let press = Press::open("service").await;
    let told = press.call("message/mass/speed/get", json!({})).await;
    assert_eq!(
        (&told["speed"], &told["realspeed"]),
        (&json!(0), &json!(80))
    );
    press
        .call("message/mass/speed/set", json!({"speed": 4}))
        .await;
    let told = press.call("message/mass/speed/get", json!({})).await;
    assert_eq!(
        (&told["speed"], &told["realspeed"]),
        (&json!(4), &json!(10))
    );
    press
        .refused("message/mass/speed/set", json!({"speed": 5}), 45083)
        .await;
}
