//! What cash coupons pay, and what comes back with refunds.

use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use xinqiao_crypto::{Hex, pay_v2::SignType};

use crate::{
    coupons::{DAY, clock, coupon, funds, given, refused, started, still_shop, stock, told},
    shop::{Answer, Shop, now},
};

/// A stock as usual, prepaid or not.
async fn started_stock(shop: &Shop, number: &str, prepaid: bool) -> String {
    let mut body = stock(shop, number).await;
    body["no_cash"] = json!(!prepaid);
    started(shop, body).await
}

/// Places an order of 100 fen with this beside it, and pays it: the order as the control interface shows it.
async fn paid(shop: &Shop, number: &str, more: Value) -> Value {
    let prepay_id = placed(shop, number, more).await;
    let (status, answer) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 200, "{answer}");
    answer["order"].clone()
}

async fn placed(shop: &Shop, number: &str, more: Value) -> String {
    let mut order = shop.order(number);
    for (name, value) in more.as_object().unwrap() {
        order[name] = value.clone();
    }
    let path = "/v3/pay/transactions/jsapi";
    let answer = shop.call("POST", path, order).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["prepay_id"].as_str().unwrap().to_owned()
}

async fn query(shop: &Shop, number: &str) -> Value {
    let mchid = &shop.mchid;
    let path = format!("/v3/pay/transactions/out-trade-no/{number}?mchid={mchid}");
    shop.call("GET", &path, Value::Null).await.body
}

async fn refund(shop: &Shop, of: &str, number: &str, fen: i64) -> Answer {
    let body = json!({
        "out_trade_no": of, "out_refund_no": number, "notify_url": shop.app.url,
        "amount": {"refund": fen, "total": 100, "currency": "CNY"},
    });
    let answer = shop.call("POST", "/v3/refund/domestic/refunds", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

async fn budget(shop: &Shop) -> i64 {
    let path = format!("/merchants/{}/coupon-stocks", shop.mchid);
    let stocks = shop.world.get(&path).await;
    stocks["items"][0]["budget"].as_i64().unwrap()
}

async fn unsettled(shop: &Shop) -> i64 {
    funds(shop).await["unsettled"].as_i64().unwrap()
}

#[tokio::test]
async fn a_coupon_pays_a_part_of_an_order_with_its_mark_and_its_creator_is_told() {
    let shop = still_shop().await;
    let callbacks = json!({"mchid": shop.mchid, "notify_url": shop.app.url});
    let path = "/v3/marketing/favor/callbacks";
    assert_eq!(shop.call("POST", path, callbacks).await.status, 200);
    let mut body = stock(&shop, "S1").await;
    body["coupon_use_rule"]["goods_tag"] = json!(["新年"]);
    let stock_id = started(&shop, body).await;
    let coupon_id = given(&shop, &stock_id, "C1").await;

    let plain = paid(&shop, "T2026020100001", json!({})).await;
    assert_eq!(
        (&plain["discount"], &plain["payer_total"]),
        (&json!(0), &json!(100))
    );
    let before = unsettled(&shop).await;
    let prepay_id = placed(&shop, "T2026020100002", json!({"goods_tag": "新年"})).await;
    let (_, seen) = shop
        .pay(json!({"prepay_id": prepay_id, "look": true}))
        .await;
    assert_eq!(
        (&seen["total"], &seen["discount"], &seen["payer_total"]),
        (&json!(100), &json!(10), &json!(90)),
        "the sheet shows it before: {seen}"
    );
    assert_eq!(seen["coupons"], json!(["新年满减"]));
    let (status, answer) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        unsettled(&shop).await,
        before + 90,
        "who sells gets so much less"
    );

    let order = query(&shop, "T2026020100002").await;
    assert_eq!(order["amount"]["total"], 100);
    assert_eq!(order["amount"]["payer_total"], 90);
    let promotion = &order["promotion_detail"][0];
    assert_eq!(promotion["coupon_id"], coupon_id);
    assert_eq!(promotion["stock_id"], stock_id);
    assert_eq!(
        (
            &promotion["scope"],
            &promotion["type"],
            &promotion["amount"]
        ),
        (&json!("GLOBAL"), &json!("NOCASH"), &json!(10))
    );
    let used = coupon(&shop, &coupon_id).await.body;
    assert_eq!(used["status"], "USED");
    assert_eq!(
        used["consume_information"]["transaction_id"],
        order["transaction_id"]
    );

    let mut notices = Vec::new();
    for at in 1..3 {
        notices.push(shop.opened(&shop.app.push(at).await));
    }
    let of = |name: &str| {
        let found = notices
            .iter()
            .find(|(notice, _)| notice["event_type"] == name);
        found.unwrap_or_else(|| panic!("{notices:?}"))
    };
    let (_, payment) = of("TRANSACTION.SUCCESS");
    assert_eq!(payment["promotion_detail"], order["promotion_detail"]);
    assert_eq!(payment["amount"]["payer_total"], 90);
    let (notice, resource) = of("COUPON.USE");
    assert_eq!(notice["resource"]["original_type"], "coupon");
    assert_eq!(resource["coupon_id"], coupon_id);
    assert_eq!(resource["status"], "USED");

    let again = paid(&shop, "T2026020100003", json!({"goods_tag": "新年"})).await;
    assert_eq!(again["discount"], 0, "a coupon pays once");
}

#[tokio::test]
async fn a_prepaid_coupon_is_paid_from_what_was_put_aside() {
    let shop = still_shop().await;
    let stock_id = started_stock(&shop, "S1", true).await;
    given(&shop, &stock_id, "C1").await;
    let before = unsettled(&shop).await;
    let order = paid(&shop, "T2026020100001", json!({})).await;
    assert_eq!(order["payer_total"], 90);
    assert_eq!(unsettled(&shop).await, before + 100, "who sells gets all");
    assert_eq!(budget(&shop).await, 40);
    let promotion = &query(&shop, "T2026020100001").await["promotion_detail"][0];
    assert_eq!(promotion["type"], "CASH");
}

/// Page 4012556524: the payer gets their part of the sum, rounded; with the last refund all that is left.
#[tokio::test]
async fn a_refund_gives_back_to_payer_and_coupon_as_they_paid() {
    for prepaid in [false, true] {
        let shop = still_shop().await;
        let stock_id = started_stock(&shop, "S1", prepaid).await;
        let coupon_id = given(&shop, &stock_id, "C1").await;
        let before = (unsettled(&shop).await, budget(&shop).await);
        paid(&shop, "T2026020100001", json!({})).await;
        let part = refund(&shop, "T2026020100001", "R1", 35).await.body;
        // 31.5 of 35, rounded.
        let settled = if prepaid { [100, 35] } else { [90, 32] };
        let amount = json!({
            "total": 100, "refund": 35, "payer_total": 90, "payer_refund": 32,
            "settlement_total": settled[0], "settlement_refund": settled[1],
            "discount_refund": 3, "currency": "CNY", "from": [],
        });
        assert_eq!(part["amount"], amount);
        let promotion = json!({
            "promotion_id": coupon_id, "scope": "GLOBAL", "amount": 10, "refund_amount": 3,
            "type": if prepaid { "COUPON" } else { "DISCOUNT" },
        });
        assert_eq!(part["promotion_detail"], json!([promotion]));
        shop.world.advance(2).await;
        assert_eq!(coupon(&shop, &coupon_id).await.body["status"], "USED");
        let path = "/v3/refund/domestic/refunds/R1";
        let told = shop.call("GET", path, Value::Null).await.body;
        assert_eq!(told["amount"], amount);

        let rest = refund(&shop, "T2026020100001", "R2", 65).await.body;
        assert_eq!(rest["amount"]["payer_refund"], 58);
        assert_eq!(rest["amount"]["discount_refund"], 7);
        shop.world.advance(2).await;
        assert_eq!((unsettled(&shop).await, budget(&shop).await), before);
        assert_eq!(
            coupon(&shop, &coupon_id).await.body["status"],
            "SENDED",
            "with all of the order the coupon is back"
        );
        let order = paid(&shop, "T2026020100002", json!({})).await;
        assert_eq!(order["discount"], 10);
    }
}

#[tokio::test]
async fn a_coupon_stays_used_after_its_refund_where_that_is_switched() {
    let shop = still_shop().await;
    let path = format!("/merchants/{}", shop.mchid);
    let rules = json!({"rules": {"pay.coupon_after_refund": "USED"}});
    shop.world.must("PATCH", &path, rules).await;
    let stock_id = started_stock(&shop, "S1", false).await;
    let coupon_id = given(&shop, &stock_id, "C1").await;
    paid(&shop, "T2026020100001", json!({})).await;
    refund(&shop, "T2026020100001", "R1", 100).await;
    shop.world.advance(2).await;
    assert_eq!(coupon(&shop, &coupon_id).await.body["status"], "USED");
}

#[tokio::test]
async fn what_comes_back_after_the_stocks_time_is_its_creators() {
    let shop = still_shop().await;
    let stock_id = started_stock(&shop, "S1", true).await;
    given(&shop, &stock_id, "C1").await;
    paid(&shop, "T2026020100001", json!({})).await;
    shop.world.advance(10 * DAY).await;
    assert_eq!(told(&shop, &stock_id).await.body["status"], "stoped");
    assert_eq!(budget(&shop).await, 0);
    let path = format!("/merchants/{}", shop.mchid);
    let purses = json!({"available": 0, "unsettled": 100});
    shop.world.must("PATCH", &path, purses).await;
    refund(&shop, "T2026020100001", "R1", 100).await;
    shop.world.advance(2).await;
    assert_eq!(funds(&shop).await["available"], 10);
}

/// The greatest coupon that fits pays; one that begins tomorrow, one for apps, one for a sum that is not reached do not.
#[tokio::test]
async fn the_best_coupon_that_fits_pays() {
    let shop = still_shop().await;
    let with = |amount: i64, minimum: i64| json!({"coupon_amount": amount, "transaction_minimum": minimum});
    let rules = [
        ("S1", with(10, 50), "combine_use", json!(false)),
        ("S2", with(12, 50), "combine_use", json!(false)),
        ("S3", with(20, 101), "combine_use", json!(false)),
        ("S4", with(30, 50), "trade_type", json!(["APPPAY"])),
        ("S5", with(40, 50), "limit_pay", json!(["ICBC_CREDIT"])),
        (
            "S6",
            with(44, 50),
            "coupon_available_time",
            json!({"second_day_available": true}),
        ),
        (
            "S7",
            with(45, 50),
            "available_merchants",
            json!(["1900000109"]),
        ),
    ];
    for (number, fixed, name, value) in rules {
        let mut body = stock(&shop, number).await;
        body["stock_use_rule"]["max_amount"] = json!(fixed["coupon_amount"].as_i64().unwrap() * 5);
        body["coupon_use_rule"]["fixed_normal_coupon"] = fixed;
        body["coupon_use_rule"][name] = value;
        let stock_id = started(&shop, body).await;
        given(&shop, &stock_id, &format!("C{number}")).await;
    }
    for discount in [12, 10, 0] {
        let number = format!("T20260201{discount:05}");
        let order = paid(&shop, &number, json!({})).await;
        assert_eq!(order["discount"], discount);
    }
    shop.world.advance(DAY).await;
    let order = paid(&shop, "T2026020200001", json!({})).await;
    assert_eq!(order["discount"], 44, "the day has come");
}

#[tokio::test]
async fn a_coupon_for_some_goods_pays_for_them_only() {
    let shop = still_shop().await;
    let mut body = stock(&shop, "S1").await;
    body["coupon_use_rule"]["available_items"] = json!(["latte"]);
    let stock_id = started(&shop, body).await;
    let coupon_id = given(&shop, &stock_id, "C1").await;
    let detail = |id: &str| {
        let goods = json!({
            "merchant_goods_id": id, "goods_name": "咖啡", "quantity": 2, "unit_price": 30,
        });
        json!({"detail": {"cost_price": 100, "goods_detail": [goods]}})
    };
    let other = paid(&shop, "T2026020100001", detail("tea")).await;
    assert_eq!(other["discount"], 0);
    let order = paid(&shop, "T2026020100002", detail("latte")).await;
    assert_eq!(order["discount"], 10);
    let promotion = &query(&shop, "T2026020100002").await["promotion_detail"][0];
    assert_eq!(promotion["scope"], "SINGLE");
    let goods =
        json!([{"goods_id": "latte", "quantity": 2, "unit_price": 30, "discount_amount": 10}]);
    assert_eq!(promotion["goods_detail"], goods);
    let goods = json!([{"goods_id": "latte", "quantity": 2, "price": 30, "discount_amount": 10}]);
    let used = coupon(&shop, &coupon_id).await.body;
    assert_eq!(used["consume_information"]["goods_detail"], goods);
}

/// `/v3/marketing/favor/stocks/{stock_id}/use-flow` and `refund-flow`.
#[tokio::test]
async fn uses_and_refunds_of_a_stock_are_fetched_with_their_hash() {
    let shop = still_shop().await;
    let stock_id = started_stock(&shop, "S1", false).await;
    let coupon_id = given(&shop, &stock_id, "C1").await;
    let order = paid(&shop, "T2026020100001", json!({})).await;
    refund(&shop, "T2026020100001", "R1", 50).await;
    shop.world.advance(2).await;
    let fetch = |path: String| {
        let shop = &shop;
        async move {
            let told = shop.call("GET", &path, Value::Null).await.body;
            assert_eq!(told["hash_type"], "SHA1", "{told}");
            let file = fetched(shop, &told["url"]).await;
            let hash = Hex::from(<[u8; 20]>::from(Sha1::digest(&file.raw)));
            assert_eq!(told["hash_value"], hash.as_str());
            String::from_utf8(file.raw).unwrap()
        }
    };
    let used = fetch(format!("/v3/marketing/favor/stocks/{stock_id}/use-flow")).await;
    let rows: Vec<&str> = used.lines().skip(1).collect();
    let id = order["transaction_id"].as_str().unwrap();
    let begins = format!("`{stock_id},`{coupon_id},`全场券,`0.10,`1.00,`支付,`{id},`");
    assert!(rows.len() == 1 && rows[0].starts_with(&begins), "{used}");
    let back = fetch(format!("/v3/marketing/favor/stocks/{stock_id}/refund-flow")).await;
    let rows: Vec<&str> = back.lines().skip(1).collect();
    let begins = format!("`{stock_id},`{coupon_id},`全场券,`0.05,`1.00,`退款,`{id},`");
    assert!(rows.len() == 1 && rows[0].starts_with(&begins), "{back}");
    assert!(rows[0].ends_with(",`R1"), "{back}");
    let none = shop
        .call("GET", "/v3/marketing/favor/stocks/1/use-flow", Value::Null)
        .await;
    refused(&none, 404, "RESOURCE_NOT_EXISTS");
}

/// What an address of a table leads to.
async fn fetched(shop: &Shop, url: &Value) -> Answer {
    let token = url.as_str().unwrap().split_once("token=").unwrap().1;
    let target = format!("/v3/billdownload/file?token={token}");
    let proof = shop.authorization("GET", &target, "", now());
    shop.send("GET", &target, "", &proof).await
}

/// `/v3/marketing/favor/stocks/{stock_id}/use-flow-by-day` and `refund-flow-by-day`.
#[tokio::test]
async fn uses_and_refunds_of_a_stock_are_told_by_day() {
    let shop = still_shop().await;
    shop.world.next_morning().await;
    let stock_id = started_stock(&shop, "S1", false).await;
    given(&shop, &stock_id, "C1").await;
    paid(&shop, "T2026020100001", json!({})).await;
    let today = clock(&shop).await;
    shop.world.next_morning().await;
    refund(&shop, "T2026020100001", "R1", 50).await;
    shop.world.advance(2).await;
    let count = |path: &str, name: &'static str, day: i64| {
        let day = xinqiao_types::UnixSeconds(today + day * DAY);
        let date = xinqiao_types::shanghai::written(day, "%Y-%m-%d");
        let path = format!("{path}?bill_date={date}");
        let shop = &shop;
        async move {
            let told = shop.call("GET", &path, Value::Null).await.body;
            assert_eq!(fetched(shop, &told["url"]).await.status, 200);
            told[name].clone()
        }
    };
    let used = format!("/v3/marketing/favor/stocks/{stock_id}/use-flow-by-day");
    let back = format!("/v3/marketing/favor/stocks/{stock_id}/refund-flow-by-day");
    let counts = [
        count(&used, "stock_useflow_count", 0).await,
        count(&used, "stock_useflow_count", 1).await,
        count(&back, "stock_refundflow_count", 0).await,
        count(&back, "stock_refundflow_count", 1).await,
    ];
    assert_eq!(json!(counts), json!([1, 0, 0, 1]));
}

#[tokio::test]
async fn orders_and_refunds_of_the_second_generation_tell_their_coupon() {
    let shop = still_shop().await;
    let mut body = stock(&shop, "S1").await;
    body["coupon_use_rule"]["goods_tag"] = json!(["WXG"]);
    let stock_id = started(&shop, body).await;
    let coupon_id = given(&shop, &stock_id, "C1").await;
    let fields = [
        ("body", "拿铁"),
        ("out_trade_no", "T2026020100001"),
        ("total_fee", "100"),
        ("goods_tag", "WXG"),
        ("spbill_create_ip", "127.0.0.1"),
        ("notify_url", &*shop.app.url),
        ("trade_type", "JSAPI"),
        ("openid", &*shop.openid),
    ];
    let of = |elements: &[(String, String)], name: &str| {
        let found = elements.iter().find(|(own, _)| own == name);
        found.map_or_else(String::new, |(_, value)| value.clone())
    };
    let placed = shop.xml("/pay/unifiedorder", &fields, SignType::Md5).await;
    let prepay_id = of(&placed, "prepay_id");
    let (status, answer) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 200, "{answer}");
    let number = [("out_trade_no", "T2026020100001")];
    let order = shop.xml("/pay/orderquery", &number, SignType::Md5).await;
    let told = [
        ("total_fee", "100"),
        ("cash_fee", "90"),
        ("settlement_total_fee", "90"),
        ("coupon_fee", "10"),
        ("coupon_count", "1"),
        ("coupon_id_0", &*coupon_id),
        ("coupon_type_0", "NO_CASH"),
        ("coupon_fee_0", "10"),
    ];
    for (name, value) in told {
        assert_eq!(of(&order, name), value, "{name}: {order:?}");
    }
    let fields = [
        ("out_trade_no", "T2026020100001"),
        ("out_refund_no", "R1"),
        ("total_fee", "100"),
        ("refund_fee", "50"),
    ];
    let back = shop.xml("/secapi/pay/refund", &fields, SignType::Md5).await;
    let told = [
        ("cash_fee", "90"),
        ("cash_refund_fee", "45"),
        ("settlement_refund_fee", "45"),
        ("coupon_refund_fee", "5"),
        ("coupon_refund_count", "1"),
        ("coupon_refund_id_0", &*coupon_id),
        ("coupon_type_0", "NO_CASH"),
    ];
    for (name, value) in told {
        assert_eq!(of(&back, name), value, "{name}: {back:?}");
    }
    let back = shop.xml("/pay/refundquery", &number, SignType::Md5).await;
    assert_eq!(of(&back, "coupon_refund_fee_0"), "5", "{back:?}");
    assert_eq!(of(&back, "settlement_refund_fee_0"), "45", "{back:?}");
}

#[tokio::test]
async fn of_orders_that_are_paid_as_one_each_takes_a_coupon_of_its_own() {
    let shop = still_shop().await;
    let stock_id = started_stock(&shop, "S1", false).await;
    given(&shop, &stock_id, "C1").await;
    given(&shop, &stock_id, "C2").await;
    let sub = |number: &str| {
        json!({
            "mchid": shop.mchid, "attach": "桌 7", "out_trade_no": number, "description": "拿铁",
            "amount": {"total_amount": 100, "currency": "CNY"},
        })
    };
    let body = json!({
        "combine_appid": shop.appid, "combine_mchid": shop.mchid,
        "combine_out_trade_no": "A2026020100001", "notify_url": shop.app.url,
        "combine_payer_info": {"openid": shop.openid},
        "sub_orders": [sub("T2026020100001"), sub("T2026020100002")],
    });
    let path = "/v3/combine-transactions/jsapi";
    let placed = shop.call("POST", path, body).await;
    let prepay_id = &placed.body["prepay_id"];
    let (_, seen) = shop
        .pay(json!({"prepay_id": prepay_id, "look": true}))
        .await;
    assert_eq!(
        (&seen["total"], &seen["payer_total"]),
        (&json!(200), &json!(180)),
        "{seen}"
    );
    let (status, answer) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(
        (status, &answer["order"]["payer_total"]),
        (200, &json!(180)),
        "{answer}"
    );
    let path = "/v3/combine-transactions/out-trade-no/A2026020100001";
    let told = shop.call("GET", path, Value::Null).await.body;
    for at in 0..2 {
        let sub = &told["sub_orders"][at];
        assert_eq!(sub["amount"]["payer_amount"], 90, "{told}");
        assert_eq!(sub["promotion_detail"][0]["amount"], 10);
    }
}

#[tokio::test]
async fn an_order_that_is_taken_back_at_the_till_gives_its_coupon_back() {
    let shop = still_shop().await;
    let stock_id = started_stock(&shop, "S1", true).await;
    let coupon_id = given(&shop, &stock_id, "C1").await;
    let before = (unsettled(&shop).await, budget(&shop).await);
    let act = json!({"do": "pay_code", "account": shop.appid});
    let code = shop.world.act(&shop.user, act).await;
    let body = json!({
        "appid": shop.appid, "mchid": shop.mchid, "description": "拿铁",
        "out_trade_no": "T2026020100001", "amount": {"total": 100, "currency": "CNY"},
        "payer": {"auth_code": code["auth_code"]}, "scene_info": {"store_info": {"id": "1"}},
    });
    let path = "/v3/pay/transactions/codepay";
    let paid = shop.call("POST", path, body).await;
    assert_eq!(paid.body["amount"]["payer_total"], 90, "{paid:?}");
    assert_eq!(coupon(&shop, &coupon_id).await.body["status"], "USED");
    let path = "/v3/pay/transactions/out-trade-no/T2026020100001/reverse";
    let body = json!({"appid": shop.appid, "mchid": shop.mchid});
    assert_eq!(shop.call("POST", path, body).await.status, 200);
    assert_eq!((unsettled(&shop).await, budget(&shop).await), before);
    assert_eq!(coupon(&shop, &coupon_id).await.body["status"], "SENDED");
}
