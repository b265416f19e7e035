//! Calls that wait.

use serde_json::json;
use xinqiao::{Blocking, official_account::user};

use crate::client;

#[test]
fn calls_wait_for_their_answers_without_a_runtime() {
    let answer = json!({"total": 1, "count": 1, "data": {"openid": ["o1"]}, "next_openid": ""});
    let shop = Blocking::new(client(answer).0).unwrap();
    assert_eq!(shop.send(user::Get::new()).unwrap().total, 1);
    let free = shop.call(xinqiao::id::official_account::user::GET, json!({}));
    assert_eq!(free.unwrap()["count"], 1);
    let all = shop
        .wait(shop.client().items(user::Get::new()).all())
        .unwrap();
    assert_eq!(all.len(), 1);
}

#[tokio::test]
async fn inside_a_runtime_a_call_that_waits_is_refused() {
    let shop = Blocking::new(client(json!({})).0).unwrap();
    let error = shop.send(user::Get::new()).unwrap_err();
    assert!(error.to_string().contains("await"), "{error}");
}
