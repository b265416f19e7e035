//! Refunds of both generations: which purse pays, when they arrive, how they are told.

use std::sync::Arc;

use serde_json::{Value, json};
use xinqiao_crypto::pay_v2::{SignType, decrypt_req_info};
use xinqiao_testkit::Told;

use crate::shop::{Answer, Shop, elements};

const ORDER: &str = "T2026020100001";

/// A shop whose order of 100 fen is paid, in a world whose clock stands still.
async fn paid_shop() -> Shop {
    let shop = Shop::open().await;
    freeze(&shop).await;
    pay(&shop, ORDER).await;
    shop
}

async fn freeze(shop: &Shop) {
    let body = json!({"freeze": true});
    shop.world.must("POST", "/clock", body).await;
}

async fn pay(shop: &Shop, out_trade_no: &str) {
    let prepay_id = shop.place(out_trade_no).await;
    let (status, paid) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 200, "{paid}");
}

async fn set(shop: &Shop, settings: Value) -> Value {
    let path = format!("/merchants/{}", shop.mchid);
    shop.world.must("PATCH", &path, settings).await
}

fn wanted(shop: &Shop, number: &str, fen: i64) -> Value {
    json!({
        "out_trade_no": ORDER,
        "out_refund_no": number,
        "reason": "少了一杯",
        "notify_url": shop.app.url,
        "amount": {"refund": fen, "total": 100, "currency": "CNY"},
    })
}

async fn refund(shop: &Shop, number: &str, fen: i64) -> Answer {
    ask(shop, wanted(shop, number, fen)).await
}

async fn ask(shop: &Shop, body: Value) -> Answer {
    shop.call("POST", "/v3/refund/domestic/refunds", body).await
}

async fn get(shop: &Shop, out_refund_no: &str) -> Answer {
    let path = format!("/v3/refund/domestic/refunds/{out_refund_no}");
    shop.call("GET", &path, Value::Null).await
}

async fn found(shop: &Shop, number: &str) -> Value {
    get(shop, number).await.body
}

async fn funds(shop: &Shop) -> (i64, i64) {
    let merchant = shop.world.get(&format!("/merchants/{}", shop.mchid)).await;
    let fen = |name: &str| merchant[name].as_i64().unwrap();
    (fen("unsettled"), fen("available"))
}

fn refused(answer: &Answer, status: u16, code: &str) {
    let got = (answer.status, &answer.body["code"]);
    assert_eq!(got, (status, &json!(code)), "{answer:?}");
}

/// `POST` and `GET /v3/refund/domestic/refunds`, and the notice.
#[tokio::test]
async fn a_refund_is_accepted_arrives_and_is_told() {
    let shop = paid_shop().await;
    let (before, _) = funds(&shop).await;
    let accepted = refund(&shop, "R1", 60).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    let body = &accepted.body;
    assert_eq!(body["status"], "PROCESSING");
    assert_eq!(body["funds_account"], "UNSETTLED");
    assert_eq!(body["amount"]["payer_refund"], 60);
    assert_eq!(body["refund_id"].as_str().unwrap().len(), 29);
    assert_eq!(funds(&shop).await.0, before - 60);
    let path = "/v3/pay/transactions/out-trade-no/T2026020100001?mchid=";
    let order = shop
        .call("GET", &format!("{path}{}", shop.mchid), Value::Null)
        .await;
    assert_eq!(order.body["trade_state"], "REFUND");
    assert_eq!(shop.app.pushes().len(), 1, "only the payment is told yet");
    shop.world.advance(2).await;
    let arrived = found(&shop, "R1").await;
    assert_eq!(arrived["status"], "SUCCESS");
    assert!(arrived["success_time"].is_string(), "{arrived}");
    assert_eq!(arrived["user_received_account"], "支付用户零钱");
    let (notice, told) = shop.opened(&shop.app.push(1).await);
    assert_eq!(notice["event_type"], "REFUND.SUCCESS");
    assert_eq!(notice["resource"]["original_type"], "refund");
    assert_eq!(told["refund_status"], "SUCCESS");
    assert_eq!(told["refund_id"], body["refund_id"]);
    assert_eq!(told["amount"]["refund"], 60);
    let missing = get(&shop, "R9").await;
    refused(&missing, 404, "RESOURCE_NOT_EXISTS");
}

#[tokio::test]
async fn the_same_number_is_the_same_refund_or_none() {
    let shop = paid_shop().await;
    let first = refund(&shop, "R1", 60).await;
    let (money, _) = funds(&shop).await;
    let again = refund(&shop, "R1", 60).await;
    assert_eq!(again.body, first.body);
    assert_eq!(funds(&shop).await.0, money, "it is paid once");
    refused(&refund(&shop, "R1", 50).await, 400, "INVALID_REQUEST");
    let listed = shop
        .world
        .get(&format!("/merchants/{}/refunds", shop.mchid))
        .await;
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn no_order_is_refunded_beyond_what_was_paid() {
    let shop = paid_shop().await;
    assert_eq!(refund(&shop, "R1", 60).await.status, 200);
    let more = refund(&shop, "R2", 41).await;
    refused(&more, 400, "INVALID_REQUEST");
    assert_eq!(refund(&shop, "R2", 40).await.status, 200);
    let nothing_left = refund(&shop, "R3", 1).await;
    refused(&nothing_left, 400, "INVALID_REQUEST");
    assert_eq!(nothing_left.body["message"], "订单已全额退款");
}

#[tokio::test]
async fn of_many_at_once_as_many_are_accepted_as_were_paid_for() {
    let shop = Arc::new(paid_shop().await);
    let (before, _) = funds(&shop).await;
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..64 {
        let shop = Arc::clone(&shop);
        calls.spawn(async move { refund(&shop, &format!("R{number}"), 7).await.status });
    }
    let answers = calls.join_all().await;
    let accepted = answers.iter().filter(|status| **status == 200).count();
    assert_eq!(accepted, 14, "14 × 7 fen of 100");
    assert_eq!(funds(&shop).await.0, before - 98);
}

#[tokio::test]
async fn what_is_wrong_with_a_refund_is_named() {
    let shop = paid_shop().await;
    let unpaid = "T2026020100002";
    shop.place(unpaid).await;
    let cases = [
        (
            "out_trade_no",
            json!("T2026020100009"),
            404,
            "ORDER_NOT_EXIST",
        ),
        ("out_trade_no", json!(unpaid), 400, "INVALID_REQUEST"),
        ("out_trade_no", Value::Null, 400, "PARAM_ERROR"),
        ("out_refund_no", json!("R 1"), 400, "PARAM_ERROR"),
        ("out_refund_no", json!("R".repeat(65)), 400, "PARAM_ERROR"),
        ("reason", json!("长".repeat(27)), 400, "PARAM_ERROR"),
        ("funds_account", json!("OPERATION"), 400, "PARAM_ERROR"),
        ("notify_url", json!("ftp://a.example"), 400, "PARAM_ERROR"),
    ];
    for (name, value, status, code) in cases {
        let mut body = wanted(&shop, "R1", 60);
        body[name] = value;
        if body[name].is_null() {
            body.as_object_mut().unwrap().remove(name);
        }
        let answer = ask(&shop, body).await;
        refused(&answer, status, code);
    }
    for (refund, total, code) in [
        (0, 100, "PARAM_ERROR"),
        (101, 100, "PARAM_ERROR"),
        (50, 99, "INVALID_REQUEST"),
    ] {
        let mut body = wanted(&shop, "R1", refund);
        body["amount"]["total"] = json!(total);
        refused(&ask(&shop, body).await, 400, code);
    }
    shop.world.advance(365 * 86_400 + 1).await;
    let late = refund(&shop, "R1", 60).await;
    refused(&late, 400, "INVALID_REQUEST");
    assert!(late.body["message"].as_str().unwrap().contains("期限"));
}

/// 未结算金额不足，会退款失败，这个时候需要设定使用余额支付.
#[tokio::test]
async fn unsettled_money_pays_first_and_the_available_balance_when_it_is_asked_for() {
    let shop = paid_shop().await;
    set(&shop, json!({"unsettled": 59, "available": 60})).await;
    let short = refund(&shop, "R1", 60).await;
    refused(&short, 403, "NOT_ENOUGH");
    let rows = shop.world.get("/timeline").await;
    let said = { rows["items"].as_array().unwrap().iter() }
        .any(|row| row["diagnosis"]["rule"] == "pay.refund.not_enough");
    assert!(said, "{rows}");
    let mut body = wanted(&shop, "R1", 60);
    body["funds_account"] = json!("AVAILABLE");
    let answer = ask(&shop, body.clone()).await;
    assert_eq!(answer.body["funds_account"], "AVAILABLE", "{answer:?}");
    assert_eq!(funds(&shop).await, (59, 0));
    body["out_refund_no"] = json!("R2");
    body["amount"]["refund"] = json!(40);
    refused(&ask(&shop, body).await, 403, "NOT_ENOUGH");
    let negative = json!({"available": -1});
    let path = format!("/merchants/{}", shop.mchid);
    let (status, _) = shop.world.control("PATCH", &path, negative).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn what_a_day_brought_is_settled_when_the_next_begins() {
    let shop = Shop::open().await;
    freeze(&shop).await;
    set(&shop, json!({"unsettled": 0, "available": 0})).await;
    pay(&shop, ORDER).await;
    refund(&shop, "R1", 30).await;
    assert_eq!(funds(&shop).await, (70, 0));
    shop.world.advance(86_400).await;
    assert_eq!(funds(&shop).await, (0, 70));
    refused(&refund(&shop, "R2", 10).await, 403, "NOT_ENOUGH");
    let moved = shop
        .world
        .get(&format!("/merchants/{}/funds", shop.mchid))
        .await;
    let moved = moved["items"].as_array().unwrap();
    for (purse, holds) in [("unsettled", 0), ("available", 70)] {
        let changes = moved.iter().filter(|one| one["purse"] == purse);
        let sum: i64 = changes.map(|one| one["change"].as_i64().unwrap()).sum();
        // A new merchant has enough, and this one was set to nothing.
        assert_eq!(sum, holds - 10_000_000, "{moved:?}");
    }
}

#[tokio::test]
async fn a_day_is_settled_at_its_end_though_the_clock_was_set_back() {
    let shop = Shop::open().await;
    freeze(&shop).await;
    set(&shop, json!({"unsettled": 0, "available": 0})).await;
    pay(&shop, ORDER).await;
    let now = shop.world.get("/clock").await["now"].as_i64().unwrap();
    let back = json!({"now": now - 3 * 86_400});
    shop.world.must("POST", "/clock", back).await;
    pay(&shop, "T2026020100002").await;
    shop.world.advance(86_400).await;
    assert_eq!(funds(&shop).await, (0, 200));
    // The next days too, also the one whose end was waited for first.
    for (day, number) in ["T2026020100003", "T2026020100004", "T2026020100005"]
        .into_iter()
        .enumerate()
    {
        pay(&shop, number).await;
        shop.world.advance(86_400).await;
        let available = 300 + 100 * i64::try_from(day).unwrap();
        assert_eq!(funds(&shop).await, (0, available), "{number}");
    }
}

/// A customer's account is deleted while a refund is on its way: the merchant is told all the same.
#[tokio::test]
async fn a_refund_is_told_though_its_account_is_gone() {
    let shop = paid_shop().await;
    refund(&shop, "R1", 60).await;
    let path = format!("/accounts/{}", shop.appid);
    shop.world.must("DELETE", &path, Value::Null).await;
    shop.world.advance(2).await;
    let (notice, told) = shop.opened(&shop.app.push(1).await);
    assert_eq!(notice["event_type"], "REFUND.SUCCESS");
    assert_eq!(told["out_refund_no"], "R1");
}

/// What the timeline says of pushes to who is gone.
async fn dropped(shop: &Shop) -> usize {
    let rows = shop.world.get("/timeline").await;
    let rows = rows["items"].as_array().unwrap();
    let of = |row: &&Value| row["account"] == shop.mchid && row["label"]["en"] == "deleted";
    rows.iter().filter(of).count()
}

#[tokio::test]
async fn notices_to_a_merchant_that_is_gone_are_named_in_the_timeline() {
    let shop = paid_shop().await;
    shop.app.push(0).await;
    shop.app.otherwise(|_| Told::status(500));
    refund(&shop, "R1", 60).await;
    shop.world.advance(2).await;
    shop.app.push(1).await;
    assert_eq!(dropped(&shop).await, 0);
    let path = format!("/merchants/{}", shop.mchid);
    shop.world.must("DELETE", &path, Value::Null).await;
    assert_eq!(dropped(&shop).await, 1, "it waited to be tried again");
}

/// A sub-merchant's notices are its provider's: where that is gone, the timeline says that nobody was told.
#[tokio::test]
async fn a_refund_whose_provider_is_gone_is_told_to_nobody() {
    let shop = Shop::open_with(json!({"kind": "service_provider"})).await;
    freeze(&shop).await;
    let sub = json!({"provider": shop.mchid});
    let sub = shop.world.must("POST", "/merchants", sub).await;
    let order = json!({
        "sp_appid": shop.appid, "sp_mchid": shop.mchid, "sub_mchid": sub["mchid"],
        "description": "小面", "out_trade_no": ORDER, "notify_url": shop.app.url,
        "amount": {"total": 100, "currency": "CNY"},
    });
    let path = "/v3/pay/partner/transactions/native";
    let placed = shop.call("POST", path, order).await;
    let (status, paid) = shop.pay(json!({"code_url": placed.body["code_url"]})).await;
    assert_eq!(status, 200, "{paid}");
    shop.app.push(0).await;
    let body = json!({
        "sub_mchid": sub["mchid"], "out_trade_no": ORDER, "out_refund_no": "R1",
        "notify_url": shop.app.url,
        "amount": {"refund": 60, "total": 100, "currency": "CNY"},
    });
    assert_eq!(ask(&shop, body).await.status, 200);
    let path = format!("/merchants/{}", shop.mchid);
    shop.world.must("DELETE", &path, Value::Null).await;
    let before = dropped(&shop).await;
    shop.world.advance(2).await;
    assert_eq!(dropped(&shop).await, before + 1);
}

/// `POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund`.
#[tokio::test]
async fn a_refund_that_does_not_arrive_is_sent_elsewhere() {
    let shop = paid_shop().await;
    set(&shop, json!({"rules": {"pay.refund_result": "ABNORMAL"}})).await;
    let accepted = refund(&shop, "R1", 60).await;
    let refund_id = accepted.body["refund_id"].as_str().unwrap();
    let path = format!("/v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund");
    let body = json!({"out_refund_no": "R1", "type": "MERCHANT_BANK_CARD"});
    let early = shop.call("POST", &path, body.clone()).await;
    refused(&early, 400, "INVALID_REQUEST");
    shop.world.advance(2).await;
    assert_eq!(found(&shop, "R1").await["status"], "ABNORMAL");
    let (notice, _) = shop.opened(&shop.app.push(1).await);
    assert_eq!(notice["event_type"], "REFUND.ABNORMAL");
    let no_card =
        json!({"out_refund_no": "R1", "type": "USER_BANK_CARD", "bank_type": "ICBC_DEBIT"});
    refused(&shop.call("POST", &path, no_card).await, 400, "PARAM_ERROR");
    let answer = shop.call("POST", &path, body).await;
    assert_eq!(answer.body["status"], "PROCESSING", "{answer:?}");
    shop.world.advance(2).await;
    assert_eq!(found(&shop, "R1").await["status"], "SUCCESS");
}

#[tokio::test]
async fn a_closed_refund_gives_the_money_back_and_may_be_tried_again() {
    let shop = paid_shop().await;
    set(&shop, json!({"rules": {"pay.refund_result": "CLOSED"}})).await;
    let (before, _) = funds(&shop).await;
    refund(&shop, "R1", 100).await;
    shop.world.advance(2).await;
    assert_eq!(found(&shop, "R1").await["status"], "CLOSED");
    assert_eq!(funds(&shop).await.0, before);
    assert_eq!(refund(&shop, "R2", 100).await.status, 200);
}

/// The merchant is deleted while a refund is on its way, and another of its number gives the same refund.
#[tokio::test]
async fn a_refund_ends_once_even_if_one_before_it_had_its_number() {
    let shop = paid_shop().await;
    let closes = json!({"pay.refund_result": "CLOSED"});
    set(&shop, json!({"rules": closes})).await;
    refund(&shop, "R1", 60).await;
    shop.world.advance(1).await;
    let path = format!("/merchants/{}", shop.mchid);
    shop.world.must("DELETE", &path, Value::Null).await;
    let settings = json!({"mchid": shop.mchid, "rules": closes});
    let shop = Shop::open_in(shop.world, settings).await;
    pay(&shop, ORDER).await;
    let before = funds(&shop).await;
    refund(&shop, "R1", 60).await;
    shop.world.advance(1).await;
    assert_eq!(found(&shop, "R1").await["status"], "PROCESSING");
    shop.world.advance(1).await;
    assert_eq!(found(&shop, "R1").await["status"], "CLOSED");
    assert_eq!(funds(&shop).await, before);
    assert_eq!(shop.app.pushes().len(), 2, "the payment and one refund");
}

/// What was settled, or lay there before, is no income of the day on which its refund is closed.
#[tokio::test]
async fn what_a_closed_refund_gives_back_is_settled_only_if_the_day_brought_it() {
    for (late, settled) in [(false, 100), (true, 0)] {
        let shop = paid_shop().await;
        if late {
            shop.world.advance(86_400).await;
        }
        set(&shop, json!({"rules": {"pay.refund_result": "CLOSED"}})).await;
        let before = funds(&shop).await;
        refund(&shop, "R1", 60).await;
        shop.world.advance(2).await;
        assert_eq!(funds(&shop).await, before);
        shop.world.advance(86_400).await;
        let after = (before.0 - settled, before.1 + settled);
        assert_eq!(funds(&shop).await, after, "late: {late}");
    }
}

#[tokio::test]
async fn amounts_that_no_purse_and_no_order_holds_are_refused() {
    let shop = Shop::open().await;
    let path = format!("/merchants/{}", shop.mchid);
    for amount in [i64::MAX, i64::MIN, 1_000_000_000_000_001] {
        for purse in ["unsettled", "available"] {
            let (status, answer) = shop
                .world
                .control("PATCH", &path, json!({purse: amount}))
                .await;
            assert_eq!(status, 400, "{answer}");
            let message = answer["error"]["message"].as_str().unwrap();
            assert!(message.contains(purse), "{message}");
        }
    }
    let most =
        json!({"unsettled": 1_000_000_000_000_000_i64, "available": 1_000_000_000_000_000_i64});
    set(&shop, most).await;
    let mut order = shop.order(ORDER);
    order["amount"]["total"] = json!(i64::MAX);
    let placed = shop.call("POST", "/v3/pay/transactions/jsapi", order).await;
    refused(&placed, 400, "PARAM_ERROR");
}

#[tokio::test]
async fn refunds_of_one_order_lie_apart_where_that_is_switched_on() {
    let shop = paid_shop().await;
    set(&shop, json!({"rules": {"pay.refund_spacing": "on"}})).await;
    assert_eq!(refund(&shop, "R1", 10).await.status, 200);
    refused(&refund(&shop, "R2", 10).await, 429, "FREQUENCY_LIMITED");
    shop.world.advance(60).await;
    assert_eq!(refund(&shop, "R2", 10).await.status, 200);
}

fn text<'e>(elements: &'e [(String, String)], name: &str) -> &'e str {
    let found = elements.iter().find(|(own, _)| own == name);
    found.map_or("", |(_, value)| value)
}

/// `/secapi/pay/refund` and `/pay/refundquery`, and the notice.
#[tokio::test]
async fn a_refund_in_xml_is_accepted_found_by_each_number_and_told_sealed() {
    let shop = paid_shop().await;
    let how = SignType::Md5;
    shop.app
        .otherwise(|_| Told::body("<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>"));
    let asked = |number: &'static str, fen: &'static str| {
        [
            ("out_trade_no", ORDER),
            ("out_refund_no", number),
            ("total_fee", "100"),
            ("refund_fee", fen),
            ("notify_url", shop.app.url.as_str()),
        ]
    };
    let path = "/secapi/pay/refund";
    let accepted = shop.xml(path, &asked("R1", "60"), how).await;
    assert_eq!(text(&accepted, "result_code"), "SUCCESS", "{accepted:?}");
    assert_eq!(text(&accepted, "refund_fee"), "60");
    for (number, fen, code) in [
        ("R1", "50", "REFUND_FEE_MISMATCH"),
        ("R2", "41", "INVALID_REQUEST"),
    ] {
        let answer = shop.xml(path, &asked(number, fen), how).await;
        assert_eq!(text(&answer, "err_code"), code, "{answer:?}");
    }
    set(&shop, json!({"unsettled": 0})).await;
    let short = shop.xml(path, &asked("R2", "40"), how).await;
    assert_eq!(text(&short, "err_code"), "NOTENOUGH", "{short:?}");
    let mut from_available = asked("R2", "40").to_vec();
    from_available.push(("refund_account", "REFUND_SOURCE_RECHARGE_FUNDS"));
    let second = shop.xml(path, &from_available, how).await;
    assert_eq!(text(&second, "result_code"), "SUCCESS", "{second:?}");
    let none_left = shop.xml(path, &asked("R3", "1"), how).await;
    assert_eq!(text(&none_left, "err_code"), "ERROR", "{none_left:?}");

    shop.world.advance(2).await;
    for (name, value, count) in [
        ("refund_id", text(&accepted, "refund_id"), "1"),
        ("out_refund_no", "R1", "1"),
        ("transaction_id", text(&accepted, "transaction_id"), "2"),
        ("out_trade_no", ORDER, "2"),
    ] {
        let answer = shop.xml("/pay/refundquery", &[(name, value)], how).await;
        assert_eq!(text(&answer, "refund_count"), count, "{name}: {answer:?}");
        assert_eq!(text(&answer, "out_refund_no_0"), "R1");
        assert_eq!(text(&answer, "refund_status_0"), "SUCCESS");
    }
    let second = [("out_trade_no", ORDER), ("offset", "1")];
    let second = shop.xml("/pay/refundquery", &second, how).await;
    assert_eq!(text(&second, "out_refund_no_0"), "R2");
    assert_eq!(text(&second, "total_refund_count"), "2");
    let unknown = shop
        .xml("/pay/refundquery", &[("out_refund_no", "R9")], how)
        .await;
    assert_eq!(text(&unknown, "err_code"), "REFUNDNOTEXIST");

    let pushes = shop.app.pushes();
    let notice = { pushes.iter() }
        .map(|push| (push, push.body.as_str()))
        .find(|(_, body)| body.contains("req_info"))
        .map(|(_, body)| elements(body))
        .unwrap();
    assert_eq!(text(&notice, "mch_id"), shop.mchid);
    assert!(text(&notice, "sign").is_empty(), "it is not signed");
    let plain = decrypt_req_info(text(&notice, "req_info"), &shop.v2_key()).unwrap();
    let told = elements(&String::from_utf8(plain).unwrap());
    assert_eq!(text(&told, "refund_status"), "SUCCESS");
    assert_eq!(text(&told, "out_trade_no"), ORDER);
    assert_eq!(text(&told, "refund_recv_accout"), "支付用户的零钱");
    assert_eq!(
        text(&told, "success_time").len(),
        "2026-02-01 10:00:00".len()
    );
}
