use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::{appid, connected, echo};

#[tokio::test]
async fn automatic_replies_are_told_and_answer_where_no_server_is() {
    let world = TestWorld::start().await;
    let account = world.account(json!({"kind": "service"})).await;
    let appid = appid(&account);
    let token = world.token(&account).await;
    let path = format!("/cgi-bin/get_current_autoreply_info?access_token={token}");
    let none = world.call(&path, Value::Null).await;
    assert_eq!(
        none,
        json!({"is_add_friend_reply_open": 0, "is_autoreply_open": 0})
    );
    let replies = json!({
        "followed": "欢迎", "otherwise": "没听懂",
        "keywords": [{"name": "价格", "words": ["多少钱"], "replies": ["三十", "包邮"]}],
    });
    let control = format!("/accounts/{appid}/auto-replies");
    world.must("PUT", &control, replies).await;
    let told = world.call(&path, Value::Null).await;
    assert_eq!(
        told["add_friend_autoreply_info"],
        json!({"type": "text", "content": "欢迎"})
    );
    let rule = &told["keyword_autoreply_info"]["list"][0];
    assert_eq!(rule["keyword_list_info"][0]["match_mode"], "contain");
    assert_eq!(rule["reply_list_info"][1]["content"], "包邮");
    let user = world.user("小林").await;
    world
        .act(&user, json!({"do": "follow", "account": appid}))
        .await;
    world.say(&user, appid, "绿茶多少钱").await;
    world.say(&user, appid, "嗯").await;
    let inbox = world.inbox(&user, appid).await;
    let said: Vec<&Value> = inbox.iter().map(|item| &item["content"]).collect();
    assert_eq!(said, ["欢迎", "三十", "包邮", "没听懂"]);
}

#[tokio::test]
async fn who_does_not_follow_neither_writes_nor_is_answered() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let appid = appid(&account);
    echo(&app);
    world
        .act(&user, json!({"do": "unfollow", "account": appid}))
        .await;
    assert!(
        world.inbox(&user, appid).await.is_empty(),
        "nobody reads the reply to an unfollow"
    );
    let write =
        json!({"do": "send", "account": appid, "message": {"type": "text", "content": "在吗"}});
    let path = format!("/users/{user}/actions");
    let (status, answer) = world.control("POST", &path, write.clone()).await;
    assert_eq!(status, 422, "{answer}");
    let rules = json!({"rules": {"chat.strangers": "served"}});
    world
        .must("PATCH", &format!("/accounts/{appid}"), rules)
        .await;
    let (status, answer) = world.control("POST", &path, write).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(world.inbox(&user, appid).await.len(), 1);
}
