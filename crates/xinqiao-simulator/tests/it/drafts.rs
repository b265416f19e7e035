use serde_json::{Value, json};
use xinqiao_simulator::{Options, Storage};
use xinqiao_testkit::TestWorld;

use crate::{appid, material};

/// An account that writes articles.
struct Desk {
    world: TestWorld,
    account: Value,
    token: String,
}

impl Desk {
    async fn open() -> Self {
        Self::at(TestWorld::start().await).await
    }

    async fn at(world: TestWorld) -> Self {
        let account = world.account(json!({"kind": "service"})).await;
        let token = world.token(&account).await;
        Self {
            world,
            account,
            token,
        }
    }

    async fn call(&self, path: &str, body: Value) -> Value {
        let path = format!("/cgi-bin/{path}?access_token={}", self.token);
        self.world.call(&path, body).await
    }

    async fn refused(&self, path: &str, body: Value, code: i64) {
        let answer = self.call(path, body).await;
        assert_eq!(answer["errcode"], code, "{path}: {answer}");
    }

    /// Permanent material of the account: a picture for covers, or something else.
    async fn file(&self, kind: &str, bytes: &[u8]) -> String {
        let added = material::add(&self.world, &self.token, kind, bytes, None).await;
        added["media_id"].as_str().unwrap().to_owned()
    }

    async fn cover(&self) -> String {
        self.file("image", material::PNG).await
    }

    async fn add(&self, articles: Value) -> String {
        let made = self.call("draft/add", json!({"articles": articles})).await;
        made["media_id"].as_str().unwrap().to_owned()
    }

    async fn articles(&self, media_id: &str) -> Value {
        let draft = self.call("draft/get", json!({"media_id": media_id})).await;
        draft["news_item"].clone()
    }

    async fn total(&self) -> Value {
        self.call("draft/count", Value::Null).await["total_count"].clone()
    }

    /// The titles of a page.
    async fn page(&self, offset: i64, count: i64) -> Vec<Value> {
        let page = self
            .call("draft/batchget", json!({"offset": offset, "count": count}))
            .await;
        let items = page["item"].as_array().unwrap().clone();
        assert_eq!(page["item_count"], items.len(), "{page}");
        assert_eq!(page["total_count"], self.total().await);
        { items.iter() }
            .map(|item| item["content"]["news_item"][0]["title"].clone())
            .collect()
    }
}

/// The least that an article has.
fn article(cover: &str, title: &str) -> Value {
    json!({"thumb_media_id": cover, "title": title, "content": "<p>正文</p>"})
}

/// An article with one field changed.
fn with(article: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut changed = article.clone();
    changed[name] = value.into();
    changed
}

#[tokio::test]
async fn a_draft_keeps_its_articles() {
    let desk = Desk::open().await;
    let cover = desk.cover().await;
    let content = "<p>春天<SCRIPT>alert(1)</Script>来了</p>";
    let full = json!({
        "thumb_media_id": cover, "title": "春", "author": "小林", "digest": "一句话",
        "content_source_url": "https://example.com/", "content": content,
        "show_cover_pic": 1, "need_open_comment": 1, "only_fans_can_comment": 0,
    });
    let draft = desk.add(json!([full, article(&cover, "夏")])).await;
    let told = desk.articles(&draft).await;
    let url = told[0]["url"].as_str().unwrap();
    assert!(url.ends_with(&format!("/s?tempkey={draft}&idx=1")), "{url}");
    let want = json!({
        "thumb_media_id": cover, "title": "春", "author": "小林", "digest": "一句话",
        "content_source_url": "https://example.com/", "content": "<p>春天来了</p>", "url": url,
        "show_cover_pic": 1, "need_open_comment": 1, "only_fans_can_comment": 0,
    });
    assert_eq!(told[0], want);
    assert_eq!(told[1]["title"], "夏");
    assert_eq!(told[1]["digest"], "", "one of several gets no digest");
    assert_eq!(told[1]["need_open_comment"], 0);
    let long = with(
        &article(&cover, "长"),
        "content",
        format!("<b>{}</b>", "字".repeat(60)),
    );
    let alone = desk.add(json!([long])).await;
    assert_eq!(desk.articles(&alone).await[0]["digest"], "字".repeat(54));
    // A draft outlives its cover, and does not take one that is gone.
    let gone = json!({"media_id": cover});
    assert_eq!(desk.call("material/del_material", gone).await["errcode"], 0);
    assert_eq!(desk.articles(&draft).await, told);
    let late = json!({"articles": [article(&cover, "迟")]});
    desk.refused("draft/add", late, 40007).await;
}

#[tokio::test]
async fn a_temporary_cover_is_taken_where_the_account_says_so() {
    let desk = Desk::open().await;
    let to = format!(
        "/cgi-bin/media/upload?access_token={}&type=image",
        desk.token
    );
    let cover = material::send(&desk.world, &to, material::PNG, None).await;
    let cover = cover["media_id"].as_str().unwrap();
    let articles = json!({"articles": [article(cover, "一")]});
    desk.refused("draft/add", articles, 40007).await;
    let path = format!("/accounts/{}", appid(&desk.account));
    let rules = json!({"rules": {"draft.cover": "any"}});
    desk.world.must("PATCH", &path, rules).await;
    desk.add(json!([article(cover, "一")])).await;
}

#[tokio::test]
async fn what_is_no_article_is_not_kept() {
    let desk = Desk::open().await;
    let good = article(&desk.cover().await, "题");
    let voice = desk.file("voice", b"#!AMR\n\x04\x00").await;
    let refused = [
        ("title", json!(""), 44003),
        ("title", json!("字".repeat(33)), 45003),
        ("author", json!("字".repeat(17)), 45110),
        ("digest", json!("字".repeat(129)), 45004),
        ("content", Value::Null, 44003),
        ("content", json!("字".repeat(20_000)), 45002),
        ("content_source_url", json!("u".repeat(1025)), 45005),
        ("thumb_media_id", json!("nothing"), 40007),
        ("thumb_media_id", Value::Null, 40007),
        ("thumb_media_id", json!(voice), 40007),
        ("title", json!({}), 47001),
    ];
    let draft = desk.add(json!([good])).await;
    let before = desk.articles(&draft).await;
    for (name, value, code) in refused {
        let bad = with(&good, name, value);
        desk.refused("draft/add", json!({"articles": [good, bad]}), code)
            .await;
        let change = json!({"media_id": draft, "index": 0, "articles": bad});
        desk.refused("draft/update", change, code).await;
    }
    let longest = with(&good, "title", "字".repeat(32));
    desk.add(json!([longest])).await;
    desk.refused("draft/add", json!({"articles": []}), 44003)
        .await;
    desk.refused("draft/add", json!({}), 44003).await;
    desk.refused("draft/add", json!({"articles": "x"}), 47001)
        .await;
    desk.refused("draft/add", json!({"articles": vec![&good; 9]}), 45008)
        .await;
    let foreign = desk.world.account(json!({"kind": "service"})).await;
    let token = desk.world.token(&foreign).await;
    let path = format!("/cgi-bin/draft/add?access_token={token}");
    let theirs = desk.world.call(&path, json!({"articles": [good]})).await;
    assert_eq!(theirs["errcode"], 40007, "the cover of another account");
    assert_eq!(desk.articles(&draft).await, before);
    assert_eq!(desk.total().await, 2);
}

#[tokio::test]
async fn one_article_of_a_draft_is_changed() {
    let desk = Desk::open().await;
    let cover = desk.cover().await;
    let draft = desk
        .add(json!([article(&cover, "一"), article(&cover, "二")]))
        .await;
    let change = |index: Value, title: &str| json!({"media_id": draft, "index": index, "articles": article(&cover, title)});
    assert_eq!(
        desk.call("draft/update", change(json!(1), "贰")).await["errcode"],
        0
    );
    let told = desk.articles(&draft).await;
    assert_eq!(
        (&told[0]["title"], &told[1]["title"]),
        (&json!("一"), &json!("贰"))
    );
    assert_eq!(
        desk.call("draft/update", change(json!("0"), "壹")).await["errcode"],
        0
    );
    assert_eq!(desk.articles(&draft).await[0]["title"], "壹");
    desk.refused("draft/update", change(json!(2), "三"), 40060)
        .await;
    desk.refused("draft/update", change(json!(-1), "三"), 40060)
        .await;
    desk.refused("draft/update", change(Value::Null, "三"), 40035)
        .await;
    desk.refused(
        "draft/update",
        json!({"media_id": draft, "index": 0}),
        40035,
    )
    .await;
    let mut nobody = change(json!(0), "三");
    nobody["media_id"] = json!("nobody");
    desk.refused("draft/update", nobody, 40007).await;
    assert_eq!(desk.articles(&draft).await.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_deleted_draft_is_gone() {
    let desk = Desk::open().await;
    let cover = desk.cover().await;
    let (kept, gone) = (
        desk.add(json!([article(&cover, "留")])).await,
        desk.add(json!([article(&cover, "去")])).await,
    );
    let named = json!({"media_id": gone});
    let foreign = desk.world.account(json!({"kind": "service"})).await;
    let token = desk.world.token(&foreign).await;
    let path = format!("/cgi-bin/draft/delete?access_token={token}");
    let theirs = desk.world.call(&path, named.clone()).await;
    assert_eq!(theirs["errcode"], 40007, "a draft of another account");
    assert_eq!(desk.call("draft/delete", named.clone()).await["errcode"], 0);
    desk.refused("draft/delete", named.clone(), 40007).await;
    desk.refused("draft/get", named, 40007).await;
    desk.refused("draft/get", json!({}), 40007).await;
    assert_eq!(desk.page(0, 20).await, ["留"]);
    assert_eq!(desk.articles(&kept).await[0]["title"], "留");
}

#[tokio::test]
async fn drafts_are_counted_and_listed_the_last_changed_first() {
    let folder = tempfile::tempdir().unwrap();
    let options = || {
        let mut options = Options::default();
        options.storage = Storage::Dir(folder.path().to_owned());
        options
    };
    let desk = Desk::at(TestWorld::start_with(options()).await).await;
    let cover = desk.cover().await;
    assert_eq!(desk.total().await, 0);
    assert!(desk.page(0, 20).await.is_empty());
    let first = desk.add(json!([article(&cover, "1")])).await;
    for number in 2..=25 {
        desk.add(json!([article(&cover, &number.to_string())]))
            .await;
    }
    assert_eq!(desk.total().await, 25);
    assert_eq!(desk.page(0, 2).await, ["25", "24"]);
    assert_eq!(desk.page(20, 20).await, ["5", "4", "3", "2", "1"]);
    assert!(desk.page(25, 20).await.is_empty());
    desk.world.advance(60).await;
    let change = json!({"media_id": first, "index": 0, "articles": article(&cover, "新")});
    assert_eq!(desk.call("draft/update", change).await["errcode"], 0);

    let list = json!({"offset": 0, "count": 2, "no_content": 1});
    let told = desk.call("draft/batchget", list).await;
    let items = told["item"].as_array().unwrap();
    assert_eq!(items[0]["media_id"], first);
    assert_eq!(items[0]["content"]["news_item"][0].get("content"), None);
    let time = |item: &Value| item["update_time"].as_i64().unwrap();
    assert!(time(&items[0]) >= time(&items[1]) + 60, "{told}");
    let list = json!({"offset": 0, "count": 1});
    let told = desk.call("draft/batchget", list).await;
    assert_eq!(
        told["item"][0]["content"]["news_item"],
        desk.articles(&first).await
    );

    for (offset, count) in [(0, 0), (0, 21), (-1, 1)] {
        let list = json!({"offset": offset, "count": count});
        desk.refused("draft/batchget", list, 40035).await;
    }
    desk.refused("draft/batchget", json!({"offset": 0}), 40035)
        .await;

    // The order is not kept on the disk.
    let Desk { world, account, .. } = desk;
    world.shutdown().await;
    let world = TestWorld::start_with(options()).await;
    let token = world.token(&account).await;
    let desk = Desk {
        world,
        account,
        token,
    };
    assert_eq!(desk.page(0, 3).await, ["新", "25", "24"]);
    let path = format!("/accounts/{}", appid(&desk.account));
    desk.world.must("DELETE", &path, Value::Null).await;
    let answer = desk
        .world
        .client()
        .get(format!("{}/export", desk.world.control_base()));
    let export = answer.send().await.unwrap().text().await.unwrap();
    let export: Value = serde_json::from_str(&export).unwrap();
    let rows = export["tables"]["official_account.drafts"]["rows"].as_array();
    assert!(rows.is_none_or(Vec::is_empty), "{rows:?}");
    desk.world.shutdown().await;
}
