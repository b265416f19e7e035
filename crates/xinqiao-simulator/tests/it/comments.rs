//! Comments on articles: written on the phone, featured, answered and deleted by calls.

use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::{appid, connected, material};

struct Paper {
    world: TestWorld,
    account: Value,
    fan: String,
    token: String,
    /// Of the two articles that were published.
    urls: Vec<String>,
    data: Value,
}

impl Paper {
    /// The first of two articles takes comments, the second does not.
    async fn open() -> Self {
        let world = TestWorld::start().await;
        let (account, fan, _app) = connected(&world, "plain").await;
        let token = world.token(&account).await;
        let mut paper = Self {
            world,
            account,
            fan,
            token,
            urls: Vec::new(),
            data: Value::Null,
        };
        let draft = paper.draft().await;
        let submitted = paper.call("freepublish/submit", json!({"media_id": draft}));
        let submitted = submitted.await;
        paper.data = submitted["msg_data_id"].clone();
        paper.world.advance(2).await;
        let job = json!({"publish_id": submitted["publish_id"]});
        let done = paper.call("freepublish/get", job).await;
        let items = done["article_detail"]["item"].as_array().unwrap();
        paper.urls = { items.iter() }
            .map(|item| item["article_url"].as_str().unwrap().to_owned())
            .collect();
        paper
    }

    async fn draft(&self) -> Value {
        let cover = material::add(&self.world, &self.token, "image", material::PNG, None).await;
        let article = |title: &str, comments: u8| {
            json!({
                "thumb_media_id": cover["media_id"], "title": title, "content": "<p>文</p>",
                "need_open_comment": comments, "only_fans_can_comment": comments,
            })
        };
        let articles = [article("头条", 1), article("次条", 0)];
        let added = self.call("draft/add", json!({"articles": articles})).await;
        added["media_id"].clone()
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let path = format!("/cgi-bin/{path}?access_token={}", self.token);
        self.world.call(&path, body).await
    }

    /// A call about the first article, or one of its comments.
    async fn about(&self, path: &str, more: Value) -> Value {
        let mut body = json!({"msg_data_id": self.data});
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        self.call(path, body).await
    }

    async fn done(&self, path: &str, more: Value) {
        let answer = self.about(path, more).await;
        assert_eq!(answer["errcode"], 0, "{path}: {answer}");
    }

    async fn refused(&self, path: &str, more: Value, code: i64) {
        let answer = self.about(path, more.clone()).await;
        assert_eq!(answer["errcode"], code, "{path} {more}: {answer}");
    }

    async fn act(&self, user: &str, mut act: Value) -> (u16, Value) {
        act["account"] = json!(appid(&self.account));
        let path = format!("/users/{user}/actions");
        self.world.control("POST", &path, act).await
    }

    async fn write(&self, user: &str, article: usize, content: &str) -> (u16, Value) {
        let act = json!({"do": "comment", "url": self.urls[article], "content": content});
        self.act(user, act).await
    }

    /// The number of a comment on the first article.
    async fn wrote(&self, content: &str) -> Value {
        let (status, done) = self.write(&self.fan, 0, content).await;
        assert_eq!(status, 200, "{done}");
        assert_eq!(done["comment"]["msg_data_id"], self.data);
        done["comment"]["user_comment_id"].clone()
    }

    /// Contents of the comments of a kind, and how many there are.
    async fn listed(&self, kind: i64) -> (Vec<String>, i64) {
        let more = json!({"index": 0, "begin": 0, "count": 49, "type": kind});
        let told = self.about("comment/list", more).await;
        let list = told["comment"].as_array().unwrap();
        let contents = { list.iter() }
            .map(|comment| comment["content"].as_str().unwrap().to_owned())
            .collect();
        (contents, told["total"].as_i64().unwrap())
    }
}

#[tokio::test]
async fn people_comment_an_article_that_takes_comments() {
    let paper = Paper::open().await;
    paper.wrote("写得好").await;
    paper.world.advance(5).await;
    paper.wrote("再来一篇").await;
    let (contents, total) = paper.listed(0).await;
    assert_eq!(contents, ["再来一篇", "写得好"], "the newest first");
    assert_eq!(total, 2);
    let second = json!({"begin": 1, "count": 1, "type": 0});
    let page = paper.about("comment/list", second).await;
    assert_eq!(page["comment"][0]["content"], "写得好");
    assert_eq!(page["comment"][0]["comment_type"], 0);
    assert_eq!(page["comment"][0].get("reply"), None, "{page}");
    for count in [0, 50] {
        let range = json!({"begin": 0, "count": count, "type": 0});
        paper.refused("comment/list", range, 88010).await;
    }
    // Of followers only, as the draft says.
    let stranger = paper.world.user("路人").await;
    assert_eq!(paper.write(&stranger, 0, "路过").await.0, 422);
    assert_eq!(paper.write(&paper.fan, 1, "不让").await.0, 422);
    let other = json!({"index": 1, "begin": 0, "count": 1, "type": 0});
    paper.refused("comment/list", other.clone(), 88000).await;
    paper.done("comment/open", json!({"index": 1})).await;
    assert_eq!(paper.write(&stranger, 1, "路过").await.0, 200);
    let told = paper.about("comment/list", other).await;
    assert_eq!(told["comment"][0]["content"], "路过");
    paper.done("comment/close", json!({})).await;
    assert_eq!(paper.write(&paper.fan, 0, "晚了").await.0, 422);
    assert_eq!(paper.listed(0).await.1, 2, "what was written stays");
    for nothing in [json!({"index": 2}), json!({"msg_data_id": 7})] {
        paper.refused("comment/open", nothing, 88001).await;
    }
    let path = format!("/accounts/{}/comments", appid(&paper.account));
    let items = paper.world.get(&path).await;
    assert_eq!(items["items"][0]["article"], "头条", "{items}");
    assert_eq!(items["items"][2]["user_name"], "路人", "{items}");
}

#[tokio::test]
async fn comments_are_featured_and_listed_so() {
    let paper = Paper::open().await;
    let first = json!({"user_comment_id": paper.wrote("一").await});
    paper.wrote("二").await;
    paper.done("comment/markelect", first.clone()).await;
    assert_eq!(paper.listed(2).await.0, ["一"]);
    assert_eq!(paper.listed(1).await.0, ["二"]);
    paper.done("comment/unmarkelect", first).await;
    assert_eq!(paper.listed(2).await, (vec![], 0));
    let nothing = json!({"user_comment_id": 99});
    paper.refused("comment/markelect", nothing, 88008).await;
}

#[tokio::test]
async fn a_comment_is_answered_once_and_deleted() {
    let paper = Paper::open().await;
    let number = paper.wrote("在吗").await;
    let with = |content: &str| json!({"user_comment_id": number, "content": content});
    let alone = json!({"user_comment_id": number});
    paper
        .refused("comment/reply/delete", alone.clone(), 88009)
        .await;
    paper.refused("comment/reply/add", with(""), 88007).await;
    paper.done("comment/reply/add", with("在")).await;
    paper
        .refused("comment/reply/add", with("在的"), 88005)
        .await;
    let all = json!({"begin": 0, "count": 1, "type": 0});
    let told = paper.about("comment/list", all).await;
    assert_eq!(told["comment"][0]["reply"]["content"], "在", "{told}");
    paper.done("comment/reply/delete", alone.clone()).await;
    paper.done("comment/delete", alone.clone()).await;
    paper.refused("comment/delete", alone, 88008).await;

    let number = paper.wrote("算了").await;
    let act = json!({"do": "delete_comment", "url": paper.urls[0], "comment": number});
    assert_eq!(paper.act(&paper.fan, act).await.0, 200);
    let gone = json!({"user_comment_id": number});
    paper.refused("comment/markelect", gone, 88004).await;
    assert_eq!(paper.listed(0).await.1, 0);
}

#[tokio::test]
async fn articles_of_mass_messages_are_commented_until_they_are_deleted() {
    let mut paper = Paper::open().await;
    let draft = paper.draft().await;
    let body = json!({
        "filter": {"is_to_all": true}, "msgtype": "mpnews", "mpnews": {"media_id": draft},
    });
    let sent = paper.call("message/mass/sendall", body).await;
    paper.data = sent["msg_data_id"].clone();
    paper.refused("comment/open", json!({}), 88001).await;
    paper.world.advance(2).await;
    let inbox = paper.world.inbox(&paper.fan, appid(&paper.account)).await;
    let card = &inbox.last().unwrap()["articles"][0];
    assert_eq!(card.get("fans_only"), None, "{card}");
    paper.urls[0] = card["url"].as_str().unwrap().to_owned();
    paper.wrote("收到").await;
    assert_eq!(paper.listed(0).await.0, ["收到"]);
    let delete = json!({"msg_id": sent["msg_id"], "article_idx": 1});
    paper.call("message/mass/delete", delete).await;
    let all = json!({"begin": 0, "count": 1, "type": 0});
    paper.refused("comment/list", all, 88001).await;
    assert_eq!(paper.write(&paper.fan, 0, "晚了").await.0, 422);
}
