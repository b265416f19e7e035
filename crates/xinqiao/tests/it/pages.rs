//! Lists that come in pages.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use futures_util::{StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use xinqiao::{
    Client, Error,
    official_account::{card, guide, material, user},
    token::StaticToken,
    transport::{BoxFuture, Incoming, Outgoing, Transport, TransportError},
    types::OpenId,
};

/// Answers one after the other, and keeps what was asked: address and body.
#[derive(Debug, Clone)]
struct Script(Arc<Mutex<(VecDeque<Value>, Vec<String>)>>);

impl Transport for Script {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let mut script = self.0.lock().unwrap();
            let body = String::from_utf8(request.body.concat().clone()).unwrap();
            let query = request.url.split("token=t").nth(1).unwrap();
            script.1.push(format!("{query}{body}"));
            let answer = script.0.pop_front().expect("nothing more is asked for");
            Ok(Incoming {
                status: 200,
                headers: http::HeaderMap::new(),
                body: answer.to_string().into(),
            })
        })
    }
}

fn script(answers: impl IntoIterator<Item = Value>) -> (Client, Script) {
    let answers = answers.into_iter().collect();
    let script = Script(Arc::new(Mutex::new((answers, Vec::new()))));
    let client = Client::builder("wx0123456789abcdef")
        .tokens(StaticToken::new("t"))
        .transport(script.clone())
        .build();
    (client.unwrap(), script)
}

impl Script {
    fn asked(&self) -> Vec<String> {
        let script = self.0.lock().unwrap();
        assert!(script.0.is_empty(), "all answers are asked for");
        script.1.clone()
    }
}

fn followers(openids: &[&str], next: &str) -> Value {
    json!({"total": 3, "count": openids.len(), "data": {"openid": openids}, "next_openid": next})
}

#[tokio::test]
async fn all_followers_come_from_page_to_page() {
    let pages = [
        followers(&["o1", "o2"], "o2"),
        followers(&["o3"], "o3"),
        // WECHAT: behind the last follower comes a page without `data`.
        json!({"total": 3, "count": 0, "next_openid": ""}),
    ];
    let (client, script) = script(pages);
    let all = client.items(user::Get::new()).all().await.unwrap();
    let all: Vec<_> = all.iter().map(OpenId::as_str).collect();
    assert_eq!(all, ["o1", "o2", "o3"]);
    assert_eq!(script.asked(), ["", "&next_openid=o2", "&next_openid=o3"]);
}

#[tokio::test]
async fn pages_and_items_are_streams_and_ask_only_for_what_is_wanted() {
    let (client, script) = script([followers(&["o1", "o2"], "o2")]);
    let two: Vec<_> = client
        .items(user::Get::new())
        .take(2)
        .try_collect()
        .await
        .unwrap();
    assert_eq!(two.len(), 2);
    assert_eq!(script.asked().len(), 1);

    let (client, _) = self::script([followers(&["o1"], "o1"), followers(&[], "")]);
    let pages: Vec<_> = client.pages(user::Get::new()).try_collect().await.unwrap();
    assert_eq!(pages.len(), 2);
}

#[tokio::test]
async fn a_cursor_that_comes_again_is_an_error_and_ends_the_walk() {
    let same = || followers(&["o1"], "o1");
    let (client, script) = script([same(), same()]);
    let mut items = client.items(user::Get::new());
    assert!(items.next().await.unwrap().is_ok());
    assert!(items.next().await.unwrap().is_ok());
    let error = items.next().await.unwrap().unwrap_err();
    assert!(matches!(&error, Error::Decode { path, .. } if &**path == "next_openid"));
    assert!(items.next().await.is_none());
    assert_eq!(script.asked().len(), 2);
}

#[tokio::test]
async fn an_error_is_given_out_and_ends_the_walk() {
    let refused = json!({"errcode": 48001, "errmsg": "api unauthorized"});
    let (client, _) = script([followers(&["o1"], "o1"), refused]);
    let mut items = client.items(user::Get::new());
    assert!(items.next().await.unwrap().is_ok());
    let error = items.next().await.unwrap().unwrap_err();
    assert_eq!(error.code().map(|code| code.0), Some(48001));
    assert!(items.next().await.is_none());
}

fn images(count: usize, total: usize) -> Value {
    let items: Vec<_> = (0..count)
        .map(|at| json!({"media_id": format!("m{count}-{at}")}))
        .collect();
    json!({"total_count": total, "item_count": count, "item": items})
}

#[tokio::test]
async fn an_offset_goes_on_by_what_came_until_the_total() {
    // WECHAT: fewer items than asked for are not the end.
    let (client, script) = script([images(20, 35), images(10, 35), images(5, 35)]);
    let ask = material::BatchGetMaterial::new("image", 0, 20);
    let all = client.items(ask).all().await.unwrap();
    assert_eq!(all.len(), 35);
    let offsets: Vec<Value> = script
        .asked()
        .iter()
        .map(|body| serde_json::from_str::<Value>(body).unwrap()["offset"].clone())
        .collect();
    assert_eq!(offsets, [0, 20, 30]);
}

#[tokio::test]
async fn a_page_that_comes_again_is_an_error() {
    let (client, _) = script([images(2, 90), images(2, 90)]);
    let mut pages = client.pages(material::BatchGetMaterial::new("image", 0, 20));
    assert!(pages.next().await.unwrap().is_ok());
    assert_eq!(pages.request().unwrap().offset, 2);
    assert!(pages.next().await.unwrap().is_ok());
    assert!(pages.next().await.unwrap().is_err());
    assert!(pages.next().await.is_none());
}

#[tokio::test]
async fn numbers_of_pages_begin_where_the_platform_counts_from() {
    let guides =
        |from: i64| json!({"total_num": 3, "guide_list": [{"guide_account": format!("g{from}")}]});
    let (client, script) = script([guides(1), guides(2), guides(3)]);
    let mut ask = guide::GetGroupInfo::default();
    ask.num = 1;
    let all = client.items(ask).all().await.unwrap();
    assert_eq!(all.len(), 3);
    let pages: Vec<Value> = script
        .asked()
        .iter()
        .map(|body| serde_json::from_str::<Value>(body).unwrap()["page"].clone())
        .collect();
    assert_eq!(pages, [0, 1, 2]);
}

#[tokio::test]
async fn a_walk_goes_on_from_a_stored_request() {
    let (client, script) = script([followers(&["o1"], "o1"), followers(&["o2"], "")]);
    let mut pages = client.pages(user::Get::new());
    assert!(pages.next().await.unwrap().is_ok());
    let stored = pages.request().unwrap().clone();
    let rest = client.items(stored).all().await.unwrap();
    assert_eq!(rest.len(), 1);
    assert_eq!(script.asked(), ["", "&next_openid=o1"]);
}

#[tokio::test]
async fn a_list_without_items_is_empty() {
    let (client, _) = script([json!({"total_num": 0, "card_id_list": []})]);
    let ask = card::BatchGet::new(0, 10);
    assert!(client.items(ask).all().await.unwrap().is_empty());
}
