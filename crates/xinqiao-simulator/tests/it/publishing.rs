use serde_json::{Value, json};

use crate::{
    account::{Connected, is_connected},
    appid, element, material,
};

/// An account that publishes, with the app that hears of it.
struct Press(Connected);
is_connected!(Press);

impl Press {
    async fn open() -> Self {
        Self(Connected::open().await)
    }

    /// A draft of articles with these titles.
    async fn draft(&self, titles: &[&str]) -> Value {
        let cover = material::add(&self.world, &self.token, "image", material::PNG, None).await;
        let articles: Vec<Value> = { titles.iter() }
            .map(|title| {
                json!({"thumb_media_id": cover["media_id"], "title": title, "content": "<p>文</p>"})
            })
            .collect();
        self.call("draft/add", json!({"articles": articles})).await["media_id"].clone()
    }

    async fn submit(&self, draft: &Value) -> Value {
        let submitted = { self.call("freepublish/submit", json!({"media_id": draft})) }.await;
        assert!(submitted["msg_data_id"].is_u64(), "{submitted}");
        submitted["publish_id"].clone()
    }

    async fn state(&self, job: &Value) -> Value {
        self.call("freepublish/get", json!({"publish_id": job}))
            .await
    }

    /// Publishes, and waits until it is done: the id of what was published.
    async fn publish(&self, titles: &[&str]) -> Value {
        let job = self.submit(&self.draft(titles).await).await;
        self.world.advance(2).await;
        self.state(&job).await["article_id"].clone()
    }

    /// The last event about a job that the app got.
    async fn told(&self) -> String {
        for _ in 0..500 {
            let pushes = self.app.pushes();
            let told = { pushes.iter().rev() }
                .find(|push| element(&push.body, "Event") == "PUBLISHJOBFINISH");
            if let Some(told) = told {
                return told.body.clone();
            }
            tokio::task::yield_now().await;
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        panic!("the app was told nothing");
    }
}

#[tokio::test]
async fn a_draft_is_published_and_the_app_is_told() {
    let press = Press::open().await;
    let draft = press.draft(&["一", "二"]).await;
    let job = press.submit(&draft).await;
    let running = press.state(&job).await;
    assert_eq!(running["publish_status"], 1, "{running}");
    assert_eq!(running.get("article_id"), None);
    press.world.advance(2).await;
    let done = press.state(&job).await;
    assert_eq!(done["publish_status"], 0, "{done}");
    assert_eq!(done["article_detail"]["count"], 2);
    let article = done["article_id"].as_str().unwrap();
    let told = press.told().await;
    assert_eq!(element(&told, "publish_id"), job.to_string());
    assert_eq!(element(&told, "publish_status"), "0");
    assert_eq!(element(&told, "article_id"), article);
    assert_eq!(element(&told, "count"), "2");
    assert_eq!(
        element(&told, "article_url"),
        done["article_detail"]["item"][0]["article_url"]
    );
    let named = json!({"article_id": article});
    let items = press.call("freepublish/getarticle", named).await["news_item"].clone();
    assert_eq!(
        (&items[0]["title"], &items[1]["title"]),
        (&json!("一"), &json!("二"))
    );
    assert_eq!(items[0]["is_deleted"], false);
    press
        .refused("draft/get", json!({"media_id": draft}), 40007)
        .await;
    press
        .refused("freepublish/submit", json!({"media_id": draft}), 53502)
        .await;
    press
        .refused("freepublish/get", json!({"publish_id": 1}), 40035)
        .await;
}

#[tokio::test]
async fn what_the_platform_refuses_stays_a_draft() {
    let press = Press::open().await;
    let path = format!("/accounts/{}", appid(&press.account));
    let rules = json!({"rules": {"publish.outcome": "refused"}});
    press.world.must("PATCH", &path, rules).await;
    let draft = press.draft(&["一", "二"]).await;
    let job = press.submit(&draft).await;
    press.world.advance(2).await;
    let state = press.state(&job).await;
    assert_eq!(
        (&state["publish_status"], &state["fail_idx"]),
        (&json!(4), &json!([1, 2]))
    );
    let told = press.told().await;
    assert!(
        told.contains("<fail_idx>1</fail_idx><fail_idx>2</fail_idx>"),
        "{told}"
    );
    let kept = press.call("draft/get", json!({"media_id": draft})).await;
    assert_eq!(kept["news_item"][0]["title"], "一");
    let list = json!({"offset": 0, "count": 20});
    assert_eq!(
        press.call("freepublish/batchget", list).await["total_count"],
        0
    );
}

#[tokio::test]
async fn published_articles_are_listed_the_newest_first() {
    let press = Press::open().await;
    let (first, second) = (press.publish(&["一"]).await, press.publish(&["二"]).await);
    let list = json!({"offset": 0, "count": 1});
    let page = press.call("freepublish/batchget", list).await;
    assert_eq!(
        (&page["total_count"], &page["item_count"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(page["item"][0]["article_id"], second);
    assert_eq!(
        page["item"][0]["content"]["news_item"][0]["content"],
        "<p>文</p>"
    );
    let list = json!({"offset": 1, "count": 20, "no_content": 1});
    let page = press.call("freepublish/batchget", list).await;
    assert_eq!(page["item"][0]["article_id"], first);
    assert_eq!(
        page["item"][0]["content"]["news_item"][0].get("content"),
        None
    );
    for (offset, count) in [(0, 0), (0, 21), (-1, 1)] {
        let list = json!({"offset": offset, "count": count});
        press.refused("freepublish/batchget", list, 40035).await;
    }
}

#[tokio::test]
async fn a_published_article_is_deleted() {
    let press = Press::open().await;
    let job = press.submit(&press.draft(&["一", "二"]).await).await;
    press.world.advance(2).await;
    let article = press.state(&job).await["article_id"].clone();
    let at = |index: i64| json!({"article_id": article, "index": index});
    let deleted = press.call("freepublish/delete", at(2)).await;
    assert_eq!(deleted["errcode"], 0, "{deleted}");
    let named = json!({"article_id": article});
    let items = press.call("freepublish/getarticle", named.clone()).await;
    let flags =
        |items: &Value| [0, 1].map(|place: usize| items["news_item"][place]["is_deleted"] == true);
    assert_eq!(flags(&items), [false, true]);
    assert_eq!(press.state(&job).await["publish_status"], 0);
    press.refused("freepublish/delete", at(3), 40060).await;
    assert_eq!(
        press.call("freepublish/delete", named.clone()).await["errcode"],
        0
    );
    let items = press.call("freepublish/getarticle", named).await;
    assert_eq!(flags(&items), [true, true]);
    assert_eq!(press.state(&job).await["publish_status"], 5);
    let nobody = json!({"article_id": "nobody"});
    press
        .refused("freepublish/delete", nobody.clone(), 53600)
        .await;
    press.refused("freepublish/getarticle", nobody, 53600).await;
}
