//! Cash coupons: stocks, what people get of them, what they pay.

use serde_json::{Value, json};
use xinqiao_types::{UnixSeconds, shanghai};

use crate::shop::{Answer, Shop};

pub(crate) const DAY: i64 = 86_400;

/// A shop whose clock stands.
pub(crate) async fn still_shop() -> Shop {
    let shop = Shop::open().await;
    let freeze = json!({"freeze": true});
    shop.world.must("POST", "/clock", freeze).await;
    shop
}

pub(crate) async fn clock(shop: &Shop) -> i64 {
    shop.world.get("/clock").await["now"].as_i64().unwrap()
}

/// A stock of five coupons of 10 fen from 50 fen on, two a person, for ten days; by default nothing is paid in for it.
pub(crate) async fn stock(shop: &Shop, number: &str) -> Value {
    let now = clock(shop).await;
    json!({
        "stock_name": "新年满减", "stock_type": "NORMAL", "out_request_no": number,
        "belong_merchant": shop.mchid, "no_cash": true,
        "available_begin_time": shanghai::rfc3339(UnixSeconds(now)),
        "available_end_time": shanghai::rfc3339(UnixSeconds(now + 10 * DAY)),
        "stock_use_rule": {
            "max_coupons": 5, "max_amount": 50, "max_coupons_per_user": 2,
            "natural_person_limit": false, "prevent_api_abuse": false,
        },
        "pattern_info": {"description": "新年满减券"},
        "coupon_use_rule": {
            "fixed_normal_coupon": {"coupon_amount": 10, "transaction_minimum": 50},
        },
    })
}

pub(crate) async fn create(shop: &Shop, stock: Value) -> Answer {
    let path = "/v3/marketing/favor/coupon-stocks";
    shop.call("POST", path, stock).await
}

/// The number of a stock that was made and started.
pub(crate) async fn started(shop: &Shop, stock: Value) -> String {
    let made = create(shop, stock).await;
    assert_eq!(made.status, 200, "{made:?}");
    let stock_id = made.body["stock_id"].as_str().unwrap().to_owned();
    let answer = turn(shop, &stock_id, "start").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    stock_id
}

/// `start`, `pause` or `restart`.
pub(crate) async fn turn(shop: &Shop, stock_id: &str, verb: &str) -> Answer {
    let body = json!({"stock_creator_mchid": shop.mchid});
    let path = match verb {
        "start" => format!("/v3/marketing/favor/stocks/{stock_id}/start"),
        "pause" => format!("/v3/marketing/favor/stocks/{stock_id}/pause"),
        _ => format!("/v3/marketing/favor/stocks/{stock_id}/restart"),
    };
    shop.call("POST", &path, body).await
}

pub(crate) async fn told(shop: &Shop, stock_id: &str) -> Answer {
    let creator = &shop.mchid;
    let path = format!("/v3/marketing/favor/stocks/{stock_id}?stock_creator_mchid={creator}");
    shop.call("GET", &path, Value::Null).await
}

pub(crate) async fn give(shop: &Shop, stock_id: &str, number: &str) -> Answer {
    let body = json!({
        "stock_id": stock_id, "out_request_no": number, "appid": shop.appid,
        "stock_creator_mchid": shop.mchid,
    });
    let openid = &shop.openid;
    let path = format!("/v3/marketing/favor/users/{openid}/coupons");
    shop.call("POST", &path, body).await
}

/// The number of a coupon that was given.
pub(crate) async fn given(shop: &Shop, stock_id: &str, number: &str) -> String {
    let answer = give(shop, stock_id, number).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["coupon_id"].as_str().unwrap().to_owned()
}

pub(crate) async fn coupon(shop: &Shop, coupon_id: &str) -> Answer {
    let (openid, appid) = (&shop.openid, &shop.appid);
    let path = format!("/v3/marketing/favor/users/{openid}/coupons/{coupon_id}?appid={appid}");
    shop.call("GET", &path, Value::Null).await
}

pub(crate) async fn coupons(shop: &Shop, more: &str) -> Answer {
    let (openid, appid) = (&shop.openid, &shop.appid);
    let path = format!("/v3/marketing/favor/users/{openid}/coupons?appid={appid}{more}");
    shop.call("GET", &path, Value::Null).await
}

pub(crate) fn refused(answer: &Answer, status: u16, code: &str) {
    let got = (answer.status, &answer.body["code"]);
    assert_eq!(got, (status, &json!(code)), "{answer:?}");
}

pub(crate) async fn funds(shop: &Shop) -> Value {
    shop.world.get(&format!("/merchants/{}", shop.mchid)).await
}

/// `/v3/marketing/favor/coupon-stocks`, the stock, the list, its merchants and goods.
#[tokio::test]
async fn a_stock_is_made_once_and_told() {
    let shop = still_shop().await;
    let mut body = stock(&shop, "S1").await;
    body["coupon_use_rule"]["goods_tag"] = json!(["新年"]);
    body["coupon_use_rule"]["available_items"] = json!(["latte", "mocha"]);
    let made = create(&shop, body.clone()).await;
    assert_eq!(made.status, 200, "{made:?}");
    let again = create(&shop, body.clone()).await;
    assert_eq!(again.body, made.body, "one number, one stock");
    let mut other = body.clone();
    other["stock_name"] = json!("别的");
    refused(&create(&shop, other).await, 400, "INVALID_REQUEST");

    let stock_id = made.body["stock_id"].as_str().unwrap();
    let stock = told(&shop, stock_id).await;
    assert_eq!(stock.body["status"], "unactivated", "{stock:?}");
    assert_eq!(stock.body["stock_use_rule"]["max_amount"], 50);
    assert_eq!(stock.body["stock_use_rule"]["goods_tag"], json!(["新年"]));
    assert_eq!(stock.body["singleitem"], true);
    refused(&told(&shop, "1").await, 404, "RESOURCE_NOT_EXISTS");
    let list = |more: &'static str| {
        let path = format!(
            "/v3/marketing/favor/stocks?stock_creator_mchid={}&offset=0&limit=10{more}",
            shop.mchid
        );
        let shop = &shop;
        async move { shop.call("GET", &path, Value::Null).await }
    };
    let all = list("").await;
    assert_eq!(all.body["data"], json!([stock.body]), "{all:?}");
    assert_eq!(list("&status=running").await.body["total_count"], 0);
    let names = |path: String| {
        let creator = &shop.mchid;
        let path = format!("{path}?stock_creator_mchid={creator}&offset=1&limit=1");
        let shop = &shop;
        async move { shop.call("GET", &path, Value::Null).await.body }
    };
    let goods = names(format!("/v3/marketing/favor/stocks/{stock_id}/items")).await;
    assert_eq!(
        (&goods["data"], &goods["total_count"]),
        (&json!(["mocha"]), &json!(2))
    );
    let path = format!("/v3/marketing/favor/stocks/{stock_id}/merchants");
    assert_eq!(names(path).await["total_count"], 1);
}

#[tokio::test]
async fn a_stock_with_rules_that_do_not_hold_is_not_made() {
    let shop = still_shop().await;
    let wrong = [
        ("/stock_use_rule/max_amount", json!(51), "INVALID_REQUEST"),
        (
            "/stock_use_rule/max_coupons_per_user",
            json!(61),
            "INVALID_REQUEST",
        ),
        (
            "/coupon_use_rule/fixed_normal_coupon/transaction_minimum",
            json!(10),
            "INVALID_REQUEST",
        ),
        ("/stock_type", json!("DISCOUNT"), "PARAM_ERROR"),
        ("/belong_merchant", json!("1900000109"), "MCH_NOT_EXISTS"),
        (
            "/available_begin_time",
            json!("2020-01-01T00:00:00+08:00"),
            "INVALID_REQUEST",
        ),
        (
            "/available_end_time",
            json!("2020-01-01T00:00:00+08:00"),
            "INVALID_REQUEST",
        ),
        ("/stock_name", json!("满;减"), "PARAM_ERROR"),
    ];
    for (at, value, code) in wrong {
        let mut body = stock(&shop, "S1").await;
        *body.pointer_mut(at).unwrap() = value;
        refused(&create(&shop, body).await, 400, code);
    }
    assert_eq!(create(&shop, stock(&shop, "S1").await).await.status, 200);
}

/// `start`, `pause` and `restart` of `/v3/marketing/favor/stocks/{stock_id}`.
#[tokio::test]
async fn a_stock_is_started_paused_and_restarted_by_who_made_it() {
    let shop = still_shop().await;
    let made = create(&shop, stock(&shop, "S1").await).await;
    let stock_id = made.body["stock_id"].as_str().unwrap();
    refused(&give(&shop, stock_id, "C1").await, 400, "INVALID_REQUEST");
    refused(&turn(&shop, stock_id, "pause").await, 400, "PARAM_ERROR");
    assert_eq!(turn(&shop, stock_id, "start").await.status, 200);
    refused(&turn(&shop, stock_id, "start").await, 400, "PARAM_ERROR");
    let path = format!("/v3/marketing/favor/stocks/{stock_id}/pause");
    let other = json!({"stock_creator_mchid": "1900000109"});
    refused(
        &shop.call("POST", &path, other).await,
        400,
        "INVALID_REQUEST",
    );
    let paused = turn(&shop, stock_id, "pause").await;
    assert_eq!(
        paused.body["pause_time"], paused.body["start_time"],
        "{paused:?}"
    );
    assert_eq!(told(&shop, stock_id).await.body["status"], "paused");
    refused(&give(&shop, stock_id, "C1").await, 400, "INVALID_REQUEST");
    let restarted = turn(&shop, stock_id, "restart").await;
    assert!(restarted.body["restart_time"].is_string(), "{restarted:?}");
    assert_eq!(give(&shop, stock_id, "C1").await.status, 200);
    shop.world.advance(10 * DAY).await;
    assert_eq!(told(&shop, stock_id).await.body["status"], "stoped");
    refused(&turn(&shop, stock_id, "pause").await, 400, "PARAM_ERROR");
}

/// What may be given is put aside when a prepaid stock starts; what was not used comes back with its end.
#[tokio::test]
async fn a_prepaid_stock_takes_its_budget_and_gives_back_what_is_left() {
    let shop = still_shop().await;
    let path = format!("/merchants/{}", shop.mchid);
    shop.world
        .must("PATCH", &path, json!({"available": 49}))
        .await;
    let mut body = stock(&shop, "S1").await;
    body["no_cash"] = json!(false);
    let made = create(&shop, body).await;
    let stock_id = made.body["stock_id"].as_str().unwrap();
    refused(&turn(&shop, stock_id, "start").await, 403, "NOT_ENOUGH");
    shop.world
        .must("PATCH", &path, json!({"available": 60}))
        .await;
    assert_eq!(turn(&shop, stock_id, "start").await.status, 200);
    assert_eq!(funds(&shop).await["available"], 10);
    let stocks = shop.world.get(&format!("{path}/coupon-stocks")).await;
    assert_eq!(stocks["items"][0]["budget"], 50, "{stocks}");
    shop.world.advance(10 * DAY).await;
    assert_eq!(funds(&shop).await["available"], 60);
}

/// `/v3/marketing/favor/users/{openid}/coupons`: given, one of them, all of them.
#[tokio::test]
async fn a_coupon_is_given_once_told_and_over_with_the_clock() {
    let shop = still_shop().await;
    let stock_id = started(&shop, stock(&shop, "S1").await).await;
    let first = given(&shop, &stock_id, "C1").await;
    assert_eq!(
        given(&shop, &stock_id, "C1").await,
        first,
        "one number, one coupon"
    );
    given(&shop, &stock_id, "C2").await;
    refused(&give(&shop, &stock_id, "C3").await, 403, "REQUEST_BLOCKED");
    refused(&give(&shop, "1", "C4").await, 404, "RESOURCE_NOT_EXISTS");

    let shown = coupon(&shop, &first).await;
    assert_eq!(shown.body["status"], "SENDED", "{shown:?}");
    assert_eq!(shown.body["out_request_no"], "C1");
    assert_eq!(shown.body["normal_coupon_information"]["coupon_amount"], 10);
    refused(&coupon(&shop, "1").await, 404, "RESOURCE_NOT_EXISTS");
    let all = coupons(&shop, "&offset=1&limit=1").await;
    assert_eq!(all.body["total_count"], 2, "{all:?}");
    assert_eq!(all.body["data"][0]["out_request_no"], "C2");
    assert_eq!(coupons(&shop, "&status=USED").await.body["total_count"], 0);
    let there = format!("&available_mchid={}", shop.mchid);
    assert_eq!(coupons(&shop, &there).await.body["total_count"], 2);
    let own = shop
        .world
        .get(&format!("/users/{}/coupons", shop.user))
        .await;
    assert_eq!(own["items"][0]["coupon_id"], first);

    shop.world.advance(10 * DAY).await;
    assert_eq!(coupon(&shop, &first).await.body["status"], "EXPIRED");
    assert_eq!(coupons(&shop, &there).await.body["total_count"], 0);
    refused(&give(&shop, &stock_id, "C5").await, 400, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_stock_gives_no_more_than_it_has_in_all_and_in_a_day() {
    let shop = still_shop().await;
    shop.world.next_morning().await;
    let mut body = stock(&shop, "S1").await;
    body["stock_use_rule"]["max_coupons_per_user"] = json!(60);
    body["stock_use_rule"]["max_amount_by_day"] = json!(30);
    let stock_id = started(&shop, body).await;
    for number in ["C1", "C2", "C3"] {
        given(&shop, &stock_id, number).await;
    }
    refused(&give(&shop, &stock_id, "C4").await, 403, "NOT_ENOUGH");
    shop.world.next_morning().await;
    for number in ["C4", "C5"] {
        given(&shop, &stock_id, number).await;
    }
    refused(&give(&shop, &stock_id, "C6").await, 403, "NOT_ENOUGH");
}

#[tokio::test]
async fn a_coupon_is_given_in_an_account_of_the_merchant_to_somebody_who_is_there() {
    let shop = still_shop().await;
    let stock_id = started(&shop, stock(&shop, "S1").await).await;
    let path = "/v3/marketing/favor/users/nobody/coupons";
    let body = |appid: &str, creator: &str| {
        json!({
            "stock_id": stock_id, "out_request_no": "C1", "appid": appid,
            "stock_creator_mchid": creator,
        })
    };
    let call = |body: Value| {
        let shop = &shop;
        async move { shop.call("POST", path, body).await }
    };
    let own = &shop.mchid;
    refused(&call(body("wx0", own)).await, 400, "APPID_MCHID_NOT_MATCH");
    refused(&call(body(&shop.appid, own)).await, 400, "INVALID_REQUEST");
    let path = format!("/v3/marketing/favor/users/{}/coupons", shop.openid);
    let other = shop
        .call("POST", &path, body(&shop.appid, "1900000109"))
        .await;
    refused(&other, 403, "REQUEST_BLOCKED");
}

/// `/v3/marketing/favor/callbacks`.
#[tokio::test]
async fn the_address_for_uses_of_coupons_is_set_and_told() {
    let shop = Shop::open().await;
    let get = || {
        let path = format!("/v3/marketing/favor/callbacks?mchid={}", shop.mchid);
        let shop = &shop;
        async move { shop.call("GET", &path, Value::Null).await }
    };
    refused(&get().await, 404, "RESOURCE_NOT_EXISTS");
    let set = |url: &str| {
        let body = json!({"mchid": shop.mchid, "notify_url": url, "switch": true});
        let shop = &shop;
        async move {
            shop.call("POST", "/v3/marketing/favor/callbacks", body)
                .await
        }
    };
    refused(&set("ftp://a").await, 400, "PARAM_ERROR");
    assert_eq!(set(&shop.app.url).await.status, 200);
    assert_eq!(get().await.body["notify_url"], shop.app.url);
}
