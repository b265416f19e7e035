//! Payments at a till: codes of phones, passwords, orders that are taken back.

use serde_json::{Value, json};
use xinqiao_crypto::pay_v2::SignType;

use crate::shop::Shop;

const CODEPAY: &str = "/v3/pay/transactions/codepay";

/// The customer shows a code, with this said of them.
pub(crate) async fn code(shop: &Shop, how: Value) -> String {
    let mut act = json!({"do": "pay_code", "account": shop.appid});
    for (name, value) in how.as_object().unwrap() {
        act[name] = value.clone();
    }
    let shown = shop.world.act(&shop.user, act).await;
    let code = shown["auth_code"].as_str().unwrap().to_owned();
    assert!(code.len() == 18 && code.starts_with("13"), "{code}");
    code
}

/// The body of a charge.
pub(crate) fn charged(shop: &Shop, out_trade_no: &str, total: i64, auth_code: &str) -> Value {
    json!({
        "appid": shop.appid,
        "mchid": shop.mchid,
        "description": "拿铁",
        "out_trade_no": out_trade_no,
        "amount": {"total": total, "currency": "CNY"},
        "payer": {"auth_code": auth_code},
        "scene_info": {"store_info": {"id": "S1"}},
    })
}

async fn state(shop: &Shop, out_trade_no: &str) -> Value {
    let path = format!(
        "/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={}",
        shop.mchid
    );
    shop.call("GET", &path, Value::Null).await.body
}

/// Charges a new code, and says how the answer is called.
async fn charge(shop: &Shop, number: &str, total: i64, how: Value) -> (u16, String) {
    let auth_code = code(shop, how).await;
    let answer = shop
        .call("POST", CODEPAY, charged(shop, number, total, &auth_code))
        .await;
    let name = ["code", "trade_state"].map(|name| answer.body[name].as_str());
    (
        answer.status,
        name.into_iter().flatten().next().unwrap().to_owned(),
    )
}

async fn confirm(shop: &Shop, consent: bool) -> (u16, Value) {
    let act = json!({"do": "confirm_payment", "account": shop.appid, "consent": consent});
    let path = format!("/users/{}/actions", shop.user);
    shop.world.control("POST", &path, act).await
}

async fn advance(shop: &Shop, seconds: i64) {
    shop.world.advance(seconds).await;
}

/// `/v3/pay/transactions/codepay`.
#[tokio::test]
async fn a_code_is_charged_at_once_or_after_the_password() {
    let shop = Shop::open().await;
    let auth_code = code(&shop, json!({})).await;
    let path = "/v3/pay/transactions/codepay";
    let paid = shop.call(
        "POST",
        path,
        charged(&shop, "T2026020100001", 100, &auth_code),
    );
    let paid = paid.await;
    assert_eq!(paid.status, 200, "{paid:?}");
    assert_eq!(paid.body["trade_state"], "SUCCESS");
    assert_eq!(paid.body["trade_type"], "MICROPAY");
    assert_eq!(paid.body["payer"]["openid"], shop.openid);
    assert_eq!(
        state(&shop, "T2026020100001").await["trade_state"],
        "SUCCESS"
    );
    // Above a thousand yuan the phone asks.
    let asking = charge(&shop, "T2026020100002", 100_001, json!({})).await;
    assert_eq!(asking, (202, "USERPAYING".to_owned()));
    let open = state(&shop, "T2026020100002").await;
    assert_eq!(open["trade_state"], "USERPAYING", "{open}");
    let path = format!("/users/{}/payments", shop.user);
    let waiting = shop.world.get(&path).await;
    assert_eq!(waiting["items"][0]["total"], 100_001, "{waiting}");
    let (status, agreed) = confirm(&shop, true).await;
    assert_eq!(
        (status, &agreed["trade_state"]),
        (200, &json!("SUCCESS")),
        "{agreed}"
    );
    assert_eq!(
        state(&shop, "T2026020100002").await["trade_state"],
        "SUCCESS"
    );
    assert_eq!(shop.world.get(&path).await["items"], json!([]));
    assert_eq!(confirm(&shop, true).await.0, 422, "nothing waits");
    // A thousand is free.
    let free = charge(&shop, "T2026020100003", 100_000, json!({})).await;
    assert_eq!(free, (200, "SUCCESS".to_owned()));
    assert!(shop.app.pushes().is_empty(), "a till has no address");
}

#[tokio::test]
async fn who_refuses_or_does_not_answer_has_not_paid() {
    let shop = Shop::open().await;
    charge(&shop, "T2026020100001", 1, json!({"password": "always"})).await;
    let (_, refused) = confirm(&shop, false).await;
    assert_eq!(refused["trade_state"], "PAYERROR", "{refused}");
    assert_eq!(
        state(&shop, "T2026020100001").await["trade_state"],
        "PAYERROR"
    );
    charge(&shop, "T2026020100002", 1, json!({"password": "always"})).await;
    advance(&shop, 44).await;
    assert_eq!(
        state(&shop, "T2026020100002").await["trade_state"],
        "USERPAYING"
    );
    advance(&shop, 1).await;
    assert_eq!(
        state(&shop, "T2026020100002").await["trade_state"],
        "PAYERROR"
    );
    assert_eq!(confirm(&shop, true).await.0, 422);
    let again = charge(&shop, "T2026020100002", 1, json!({})).await;
    assert_eq!(again, (403, "TRADE_ERROR".to_owned()));
}

#[tokio::test]
async fn the_eleventh_payment_of_a_day_asks_for_the_password() {
    let shop = Shop::open().await;
    shop.world.next_morning().await;
    for number in 10..20 {
        let free = charge(&shop, &format!("T20260201{number}"), 1, json!({})).await;
        assert_eq!(free.0, 200, "{number}");
    }
    assert_eq!(charge(&shop, "T2026020120", 1, json!({})).await.0, 202);
    let never = charge(&shop, "T2026020121", 1, json!({"password": "never"})).await;
    assert_eq!(never.0, 200);
    advance(&shop, 86_400).await;
    assert_eq!(charge(&shop, "T2026020122", 1, json!({})).await.0, 200);
}

#[tokio::test]
async fn a_code_is_good_for_one_payment_and_one_minute() {
    let shop = Shop::open().await;
    let auth_code = code(&shop, json!({})).await;
    let first = charged(&shop, "T2026020100001", 1, &auth_code);
    assert_eq!(shop.call("POST", CODEPAY, first).await.status, 200);
    let late = code(&shop, json!({})).await;
    advance(&shop, 60).await;
    for (number, wrong, status, name) in [
        (
            "T2026020100002",
            auth_code.as_str(),
            400,
            "AUTH_CODE_INVALID",
        ),
        ("T2026020100002", &late, 403, "AUTH_CODE_EXPIRE"),
        (
            "T2026020100002",
            "134567890123456789",
            400,
            "AUTH_CODE_INVALID",
        ),
        ("T2026020100002", "28763", 400, "AUTH_CODE_INVALID"),
        ("T2026020100001", &auth_code, 400, "ORDER_PAID"),
    ] {
        let body = charged(&shop, number, 1, wrong);
        let answer = shop.call("POST", CODEPAY, body).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (status, &json!(name)),
            "{wrong}"
        );
    }
    // The number was not used by what was refused.
    let fresh = charge(&shop, "T2026020100002", 5, json!({})).await;
    assert_eq!(fresh.0, 200);
    let other = charge(&shop, "T2026020100002", 6, json!({})).await;
    assert_eq!(other, (403, "OUT_TRADE_NO_USED".to_owned()));
}

#[tokio::test]
async fn who_is_short_of_money_may_try_again_and_nobody_else() {
    let shop = Shop::open().await;
    let number = "T2026020100001";
    let short = charge(&shop, number, 100, json!({"short": true})).await;
    assert_eq!(short, (403, "NOT_ENOUGH".to_owned()));
    assert_eq!(state(&shop, number).await["trade_state"], "NOTPAY");
    let other = shop.world.user("阿萍").await;
    let act = json!({"do": "pay_code", "account": shop.appid});
    let others = shop.world.act(&other, act).await;
    let others = others["auth_code"].as_str().unwrap();
    let body = charged(&shop, number, 100, others);
    let answer = shop.call("POST", CODEPAY, body).await;
    assert_eq!(answer.body["code"], "TRADE_ERROR", "{answer:?}");
    assert_eq!(charge(&shop, number, 100, json!({})).await.0, 200);
}

/// Takes an order back: the answer's status and body.
pub(crate) async fn reverse(shop: &Shop, out_trade_no: &str) -> (u16, Value) {
    let path = format!("/v3/pay/transactions/out-trade-no/{out_trade_no}/reverse");
    let body = json!({"mchid": shop.mchid, "appid": shop.appid});
    let answer = shop.call("POST", &path, body).await;
    (answer.status, answer.body)
}

async fn funds(shop: &Shop) -> (i64, i64) {
    let path = format!("/merchants/{}", shop.mchid);
    let own = shop.world.get(&path).await;
    (
        own["unsettled"].as_i64().unwrap(),
        own["available"].as_i64().unwrap(),
    )
}

#[tokio::test]
async fn a_password_that_was_asked_for_pays_no_later_order_of_that_number() {
    let shop = Shop::open_with(json!({"unsettled": 0, "available": 0})).await;
    let number = "T2026020100001";
    charge(&shop, number, 100, json!({"password": "always"})).await;
    let path = format!("/merchants/{}", shop.mchid);
    let own = shop.world.get(&path).await;
    shop.world.must("DELETE", &path, json!({})).await;
    let again = json!({"mchid": shop.mchid, "appids": own["appids"], "unsettled": 0});
    shop.world.must("POST", "/merchants", again).await;
    let (status, said) = confirm(&shop, true).await;
    assert_eq!(status, 422, "{said}");
    assert_eq!(funds(&shop).await.0, 0);
}

/// `/v3/pay/transactions/codepay` with profit sharing, and its `reverse`.
#[tokio::test]
async fn what_is_frozen_to_be_shared_pays_for_the_reversal_of_its_order() {
    let shop = Shop::open_with(json!({"unsettled": 500, "available": 500})).await;
    let frozen = async || {
        let path = format!("/merchants/{}", shop.mchid);
        shop.world.get(&path).await["frozen"].clone()
    };
    let number = "T2026020100001";
    let mut body = charged(&shop, number, 100, &code(&shop, json!({})).await);
    body["settle_info"] = json!({"profit_sharing": true});
    let paid = shop.call("POST", CODEPAY, body).await;
    assert_eq!(paid.body["trade_state"], "SUCCESS", "{paid:?}");
    assert_eq!(
        (frozen().await, funds(&shop).await),
        (json!(100), (500, 500))
    );
    assert_eq!(reverse(&shop, number).await.0, 200);
    assert_eq!((frozen().await, funds(&shop).await), (json!(0), (500, 500)));
    let left = format!(
        "/v3/profitsharing/transactions/{}/amounts",
        paid.body["transaction_id"].as_str().unwrap()
    );
    let left = shop.call("GET", &left, Value::Null).await;
    assert_ne!(left.body["unsplit_amount"], 100, "{left:?}");
}

/// `/v3/pay/transactions/out-trade-no/{out_trade_no}/reverse`.
#[tokio::test]
async fn an_order_at_a_till_is_taken_back() {
    let shop = Shop::open_with(json!({"unsettled": 0, "available": 0})).await;
    shop.world.next_morning().await;
    let number = "T2026020100001";
    charge(&shop, number, 100, json!({})).await;
    assert_eq!(funds(&shop).await, (100, 0));
    for _ in 0..2 {
        let (status, back) = reverse(&shop, number).await;
        assert_eq!(
            (status, &back["out_trade_no"]),
            (200, &json!(number)),
            "{back}"
        );
        assert_eq!(funds(&shop).await, (0, 0), "once");
    }
    let order = state(&shop, number).await;
    assert_eq!(order["trade_state"], "REVOKED", "{order}");
    assert!(order["transaction_id"].is_string(), "it was paid: {order}");
    let again = charge(&shop, number, 100, json!({})).await;
    assert_eq!(again, (400, "ORDER_REVERSED".to_owned()));
    // What waits for a password is paid no more.
    charge(&shop, "T2026020100002", 1, json!({"password": "always"})).await;
    assert_eq!(reverse(&shop, "T2026020100002").await.0, 200);
    assert_eq!(confirm(&shop, true).await.0, 422);
    assert_eq!(
        state(&shop, "T2026020100002").await["trade_state"],
        "REVOKED"
    );
    assert_eq!(
        reverse(&shop, "T2026020100009").await.1["code"],
        "ORDER_NOT_EXIST"
    );
    // An order of another kind, and one of which a part was refunded.
    shop.place("T2026020100003").await;
    assert_eq!(
        reverse(&shop, "T2026020100003").await.1["code"],
        "INVALID_REQUEST"
    );
    charge(&shop, "T2026020100004", 100, json!({})).await;
    let refund = json!({
        "out_trade_no": "T2026020100004",
        "out_refund_no": "R1",
        "amount": {"refund": 1, "total": 100, "currency": "CNY"},
    });
    let path = "/v3/refund/domestic/refunds";
    assert_eq!(shop.call("POST", path, refund).await.status, 200);
    assert_eq!(
        reverse(&shop, "T2026020100004").await.1["code"],
        "TRADE_ERROR"
    );
    // Settled money gives back too, for a week; what is not there does not.
    charge(&shop, "T2026020100005", 50, json!({})).await;
    charge(&shop, "T2026020100006", 50, json!({})).await;
    advance(&shop, 86_400).await;
    assert_eq!(funds(&shop).await, (0, 199));
    assert_eq!(reverse(&shop, "T2026020100005").await.0, 200);
    assert_eq!(funds(&shop).await, (0, 149));
    let path = format!("/merchants/{}", shop.mchid);
    shop.world
        .must("PATCH", &path, json!({"available": 49}))
        .await;
    assert_eq!(
        reverse(&shop, "T2026020100006").await.1["code"],
        "TRADE_ERROR"
    );
    shop.world
        .must("PATCH", &path, json!({"available": 50}))
        .await;
    advance(&shop, 7 * 86_400).await;
    assert_eq!(
        reverse(&shop, "T2026020100006").await.1["code"],
        "INVALID_REQUEST"
    );
}

#[tokio::test]
async fn what_was_taken_back_stands_in_the_bill() {
    let shop = Shop::open().await;
    shop.world.next_morning().await;
    let clock = shop.world.get("/clock").await["now"].as_i64().unwrap();
    charge(&shop, "T2026020100001", 100, json!({})).await;
    reverse(&shop, "T2026020100001").await;
    let day = xinqiao_types::shanghai::written(xinqiao_types::UnixSeconds(clock), "%Y-%m-%d");
    advance(&shop, 86_400).await;
    for (kind, rows) in [("ALL", 2), ("SUCCESS", 1), ("REFUND", 1)] {
        let target = format!("/v3/bill/tradebill?bill_date={day}&bill_type={kind}");
        let link = shop.call("GET", &target, Value::Null).await;
        let url = link.body["download_url"].as_str().unwrap();
        let target = &url[url.find("/v3/").unwrap()..];
        let authorization = shop.authorization("GET", target, "", crate::shop::now());
        let bill = shop.send("GET", target, "", &authorization).await;
        let text = String::from_utf8(bill.raw.clone()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let own: Vec<&&str> = { lines.iter() }
            .filter(|line| line.contains("T2026020100001"))
            .collect();
        assert_eq!(own.len(), rows, "{kind}: {text}");
        let columns = lines[0].split(',').count();
        for row in &own {
            assert_eq!(row.matches(",`").count() + 1, columns, "{kind}: {row}");
        }
        let back = own.iter().filter(|row| row.contains("`REVOKED")).count();
        assert_eq!(back, usize::from(kind != "SUCCESS"), "{kind}: {text}");
    }
}

// ---- The second generation.

type Elements = Vec<(String, String)>;

fn text<'e>(elements: &'e Elements, name: &str) -> &'e str {
    let found = elements.iter().find(|(own, _)| own == name);
    found.map_or("", |(_, value)| value)
}

async fn charge_xml(shop: &Shop, number: &str, total: &str, auth_code: &str) -> Elements {
    let fields = [
        ("body", "拿铁"),
        ("out_trade_no", number),
        ("total_fee", total),
        ("spbill_create_ip", "127.0.0.1"),
        ("auth_code", auth_code),
    ];
    shop.xml("/pay/micropay", &fields, SignType::Md5).await
}

/// `/pay/micropay`.
#[tokio::test]
async fn a_code_is_charged_in_xml_once_and_within_its_minute() {
    let shop = Shop::open().await;
    let auth_code = code(&shop, json!({})).await;
    let paid = charge_xml(&shop, "T2026020100001", "100", &auth_code).await;
    assert_eq!(text(&paid, "result_code"), "SUCCESS", "{paid:?}");
    assert_eq!(text(&paid, "trade_type"), "MICROPAY");
    assert_eq!(
        (text(&paid, "openid"), text(&paid, "is_subscribe")),
        (&*shop.openid, "Y")
    );
    let number = [("out_trade_no", "T2026020100001")];
    let found = shop.xml("/pay/orderquery", &number, SignType::Md5).await;
    assert_eq!(
        text(&found, "transaction_id"),
        text(&paid, "transaction_id")
    );
    let always = code(&shop, json!({"password": "always"})).await;
    let short = code(&shop, json!({"short": true})).await;
    for (number, total, auth_code, name) in [
        ("T2026020100001", "100", auth_code.as_str(), "ORDERPAID"),
        ("T2026020100001", "101", &auth_code, "OUT_TRADE_NO_USED"),
        ("T2026020100002", "100", &auth_code, "AUTH_CODE_INVALID"),
        (
            "T2026020100002",
            "100",
            "134567890123456789",
            "AUTH_CODE_INVALID",
        ),
        ("T2026020100002", "100", "1", "AUTH_CODE_ERROR"),
        ("T2026020100003", "100", &always, "USERPAYING"),
        ("T2026020100003", "100", &always, "USERPAYING"),
        ("T2026020100004", "100", &short, "NOTENOUGH"),
    ] {
        let answer = charge_xml(&shop, number, total, auth_code).await;
        assert_eq!(text(&answer, "err_code"), name, "{number}: {answer:?}");
    }
    let number = [("out_trade_no", "T2026020100003")];
    let asking = shop.xml("/pay/orderquery", &number, SignType::Md5).await;
    assert_eq!(text(&asking, "trade_state"), "USERPAYING");
    confirm(&shop, true).await;
    let after = shop.xml("/pay/orderquery", &number, SignType::Md5).await;
    assert_eq!(text(&after, "trade_state"), "SUCCESS");
    let late = code(&shop, json!({})).await;
    advance(&shop, 60).await;
    let answer = charge_xml(&shop, "T2026020100005", "100", &late).await;
    assert_eq!(text(&answer, "err_code"), "AUTHCODEEXPIRE");
    let other = shop.world.user("阿萍").await;
    let act = json!({"do": "pay_code", "account": shop.appid});
    let others = shop.world.act(&other, act).await;
    let others = others["auth_code"].as_str().unwrap();
    let answer = charge_xml(&shop, "T2026020100004", "100", others).await;
    assert_eq!(text(&answer, "err_code"), "BUYER_MISMATCH");
}

/// `/secapi/pay/reverse`.
#[tokio::test]
async fn an_order_at_a_till_is_taken_back_in_xml() {
    let shop = Shop::open_with(json!({"unsettled": 0, "available": 0})).await;
    let auth_code = code(&shop, json!({})).await;
    let paid = charge_xml(&shop, "T2026020100001", "100", &auth_code).await;
    let how = SignType::Md5;
    let id = [("transaction_id", text(&paid, "transaction_id"))];
    let back = shop.xml("/secapi/pay/reverse", &id, how).await;
    assert_eq!(
        (text(&back, "result_code"), text(&back, "recall")),
        ("SUCCESS", "N"),
        "{back:?}"
    );
    assert_eq!(funds(&shop).await, (0, 0));
    let number = [("out_trade_no", "T2026020100001")];
    let after = shop.xml("/pay/orderquery", &number, how).await;
    assert_eq!(text(&after, "trade_state"), "REVOKED");
    let fresh = code(&shop, json!({})).await;
    let again = charge_xml(&shop, "T2026020100001", "100", &fresh).await;
    assert_eq!(text(&again, "err_code"), "ORDERREVERSED");
    let unknown = [("out_trade_no", "T2026020100009")];
    let unknown = shop.xml("/secapi/pay/reverse", &unknown, how).await;
    assert_eq!(text(&unknown, "err_code"), "ORDERNOTEXIST");
    charge_xml(&shop, "T2026020100002", "100", &fresh).await;
    advance(&shop, 7 * 86_400 + 1).await;
    let late = [("out_trade_no", "T2026020100002")];
    let late = shop.xml("/secapi/pay/reverse", &late, how).await;
    assert_eq!(text(&late, "err_code"), "REVERSE_EXPIRE", "{late:?}");
}

/// `/tools/authcodetoopenid`.
#[tokio::test]
async fn a_code_in_xml_tells_whose_it_is() {
    let shop = Shop::open().await;
    let auth_code = code(&shop, json!({})).await;
    let fields = [("auth_code", auth_code.as_str())];
    let path = "/tools/authcodetoopenid";
    let told = shop.xml(path, &fields, SignType::Md5).await;
    assert_eq!(text(&told, "openid"), shop.openid, "{told:?}");
    // It can still be charged, and says nothing afterwards.
    let paid = charge_xml(&shop, "T2026020100001", "1", &auth_code).await;
    assert_eq!(text(&paid, "result_code"), "SUCCESS");
    let told = shop.xml(path, &fields, SignType::Md5).await;
    assert_eq!(text(&told, "err_code"), "AUTH_CODE_INVALID");
}
