//! Payments of the second generation: XML, shared keys, signed notices.

use serde_json::json;
use xinqiao_crypto::pay_v2::{self, SignType};
use xinqiao_testkit::Told;

use crate::{
    causes::{act, call, rows},
    shop::{Shop, elements},
};

type Elements = Vec<(String, String)>;

fn text<'e>(elements: &'e Elements, name: &str) -> &'e str {
    let found = elements.iter().find(|(own, _)| own == name);
    found.map_or("", |(_, value)| value)
}

async fn placed(shop: &Shop, total: &str, how: SignType) -> Elements {
    let fields = [
        ("body", "拿铁"),
        ("out_trade_no", "T2026020100002"),
        ("total_fee", total),
        ("spbill_create_ip", "127.0.0.1"),
        ("trade_type", "JSAPI"),
        ("openid", &shop.openid),
        ("notify_url", &shop.app.url),
        ("attach", "a&b=c"),
    ];
    shop.xml("/pay/unifiedorder", &fields, how).await
}

const TAKEN: &str = "<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>";

async fn paid_and_told(how: SignType) {
    let shop = Shop::open().await;
    let answer = placed(&shop, "100", how).await;
    assert_eq!(text(&answer, "result_code"), "SUCCESS", "{answer:?}");
    assert!(!text(&answer, "sign").is_empty());
    let number = [("out_trade_no", "T2026020100002")];
    let open = shop.xml("/pay/orderquery", &number, how).await;
    assert_eq!(text(&open, "trade_state"), "NOTPAY");
    let package = format!("prepay_id={}", text(&answer, "prepay_id"));
    let pairs = [
        ("appId", shop.appid.as_str()),
        ("timeStamp", "1414561699"),
        ("nonceStr", "n"),
        ("package", &package),
        ("signType", how.as_str()),
    ];
    let mut params = json!({"paySign": pay_v2::sign(pairs, &shop.v2_key(), how)});
    for (name, value) in pairs {
        params[name] = json!(value);
    }
    shop.app.otherwise(|_| Told::body(TAKEN));
    let (status, paid) = shop.pay(json!({"jsapi": params})).await;
    assert_eq!(status, 200, "{paid}");
    assert_eq!(paid["deliveries"][0]["settled"], true);
    let notice = elements(&shop.app.push(0).await.body);
    let signed = notice.iter().map(|(name, value)| (&**name, &**value));
    let genuine = pay_v2::verify(signed, &shop.v2_key(), how, text(&notice, "sign"));
    assert!(genuine.is_ok(), "{notice:?}");
    assert_eq!(text(&notice, "attach"), "a&b=c");
    assert_eq!(text(&notice, "is_subscribe"), "Y");
    let after = shop.xml("/pay/orderquery", &number, how).await;
    assert_eq!(text(&after, "trade_state"), "SUCCESS");
    assert_eq!(
        text(&after, "transaction_id"),
        text(&notice, "transaction_id")
    );
    let id = [("transaction_id", text(&notice, "transaction_id"))];
    let by_id = shop.xml("/pay/orderquery", &id, how).await;
    assert_eq!(text(&by_id, "out_trade_no"), "T2026020100002");
    let again = placed(&shop, "100", how).await;
    assert_eq!(text(&again, "err_code"), "ORDERPAID");
}

/// `/pay/unifiedorder` and `/pay/orderquery` with MD5, and the notice.
#[tokio::test]
async fn an_order_in_xml_is_placed_paid_and_told_by_a_signed_notice() {
    paid_and_told(SignType::Md5).await;
}

#[tokio::test]
async fn an_order_signed_with_hmac_sha256_is_answered_and_told_with_it() {
    paid_and_told(SignType::HmacSha256).await;
}

#[tokio::test]
async fn an_order_in_xml_for_a_browser_and_for_an_app_is_placed_and_paid() {
    let shop = Shop::open().await;
    let how = SignType::Md5;
    let fields = |trade_type: &'static str, number: &'static str| {
        vec![
            ("body", "拿铁"),
            ("out_trade_no", number),
            ("total_fee", "100"),
            ("spbill_create_ip", "127.0.0.1"),
            ("trade_type", trade_type),
            ("notify_url", shop.app.url.as_str()),
        ]
    };
    let path = "/pay/unifiedorder";
    let mut browser = fields("MWEB", "T2026020100003");
    let refused = shop.xml(path, &browser, how).await;
    assert_eq!(text(&refused, "return_code"), "FAIL", "{refused:?}");
    browser.push(("scene_info", r#"{"h5_info":{"type":"Wap"}}"#));
    let placed = shop.xml(path, &browser, how).await;
    let (status, paid) = shop.pay(json!({"h5_url": text(&placed, "mweb_url")})).await;
    assert_eq!(status, 200, "{paid}");

    let placed = shop.xml(path, &fields("APP", "T2026020100004"), how).await;
    let pairs = [
        ("appid", shop.appid.as_str()),
        ("partnerid", &shop.mchid),
        ("prepayid", text(&placed, "prepay_id")),
        ("package", "Sign=WXPay"),
        ("noncestr", "n"),
        ("timestamp", "1414561699"),
    ];
    let mut app = json!({"sign": pay_v2::sign(pairs, &shop.v2_key(), how)});
    for (name, value) in pairs {
        app[name] = json!(value);
    }
    let (status, paid) = shop.pay(json!({"app": app})).await;
    assert_eq!(status, 200, "{paid}");
}

#[tokio::test]
async fn an_order_in_xml_is_closed_once() {
    let shop = Shop::open().await;
    let how = SignType::Md5;
    placed(&shop, "100", how).await;
    let number = [("out_trade_no", "T2026020100002")];
    let closed = shop.xml("/pay/closeorder", &number, how).await;
    assert_eq!(text(&closed, "result_code"), "SUCCESS");
    let twice = shop.xml("/pay/closeorder", &number, how).await;
    assert_eq!(text(&twice, "err_code"), "ORDERCLOSED");
    let again = placed(&shop, "100", how).await;
    assert_eq!(text(&again, "err_code"), "ORDERCLOSED");
    let unknown = [("out_trade_no", "T2026020100009")];
    let unknown = shop.xml("/pay/closeorder", &unknown, how).await;
    assert_eq!(text(&unknown, "err_code"), "ORDERNOTEXIST");
}

#[tokio::test]
async fn a_wrong_signature_in_xml_is_not_understood_and_not_signed() {
    let shop = Shop::open().await;
    let fields = [
        ("appid", shop.appid.as_str()),
        ("mch_id", &shop.mchid),
        ("nonce_str", "n"),
        ("out_trade_no", "T2026020100002"),
        ("sign", "0123456789ABCDEF0123456789ABCDEF"),
    ];
    let answer = shop.xml_raw("/pay/orderquery", &fields).await;
    assert_eq!(text(&answer, "return_code"), "FAIL");
    assert_eq!(text(&answer, "return_msg"), "签名错误");
    assert_eq!(answer.len(), 2, "{answer:?}");
    let rows = shop.world.get("/timeline").await;
    let rows = rows["items"].as_array().unwrap();
    let rule = |row: &serde_json::Value| row["diagnosis"]["rule"] == "pay.signature.mismatch";
    assert!(rows.iter().any(rule));
}

#[tokio::test]
async fn an_order_in_xml_placed_again_must_be_the_same() {
    let shop = Shop::open().await;
    placed(&shop, "100", SignType::Md5).await;
    let same = placed(&shop, "100", SignType::HmacSha256).await;
    assert_eq!(text(&same, "result_code"), "SUCCESS");
    let dearer = placed(&shop, "101", SignType::Md5).await;
    assert_eq!(text(&dearer, "err_code"), "INVALID_REQUEST");
}

#[tokio::test]
async fn an_order_in_xml_has_a_sum_that_somebody_can_pay() {
    let shop = Shop::open().await;
    for total in ["0", "-1", "1.5", "9223372036854775807", "1000000000001"] {
        let answer = placed(&shop, total, SignType::Md5).await;
        assert_eq!(text(&answer, "return_code"), "FAIL", "{total}: {answer:?}");
        let message = text(&answer, "return_msg");
        assert!(message.contains("total_fee"), "{total}: {message}");
    }
    let answer = placed(&shop, "1000000000000", SignType::Md5).await;
    assert_eq!(text(&answer, "result_code"), "SUCCESS", "{answer:?}");
}

#[tokio::test]
async fn a_code_in_xml_needs_a_product_and_is_paid_by_whoever_scans_it() {
    let shop = Shop::open().await;
    let mut fields = vec![
        ("body", "拿铁"),
        ("out_trade_no", "T2026020100002"),
        ("total_fee", "100"),
        ("spbill_create_ip", "127.0.0.1"),
        ("trade_type", "NATIVE"),
        ("notify_url", shop.app.url.as_str()),
    ];
    let refused = shop.xml("/pay/unifiedorder", &fields, SignType::Md5).await;
    assert!(
        text(&refused, "return_msg").contains("product_id"),
        "{refused:?}"
    );
    fields.push(("product_id", "P1"));
    let placed = shop.xml("/pay/unifiedorder", &fields, SignType::Md5).await;
    shop.app.otherwise(|_| Told::body(TAKEN));
    let (status, paid) = shop
        .pay(json!({"code_url": text(&placed, "code_url")}))
        .await;
    assert_eq!(status, 200, "{paid}");
    let notice = elements(&shop.app.push(0).await.body);
    assert_eq!(text(&notice, "trade_type"), "NATIVE");
    assert_eq!(text(&notice, "openid"), shop.openid);
}

#[tokio::test]
async fn a_missing_element_is_named() {
    let shop = Shop::open().await;
    let answer = shop.xml("/pay/closeorder", &[], SignType::Md5).await;
    assert_eq!(text(&answer, "return_code"), "FAIL");
    assert!(
        text(&answer, "return_msg").contains("out_trade_no"),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_notice_in_xml_is_repeated_until_success_is_said() {
    let shop = Shop::open().await;
    shop.world
        .must("POST", "/clock", json!({"freeze": true}))
        .await;
    let answer = placed(&shop, "100", SignType::Md5).await;
    let prepay_id = text(&answer, "prepay_id");
    shop.app.otherwise(|_| Told::body("success"));
    let (_, paid) = shop.pay(json!({"prepay_id": prepay_id})).await;
    let delivery = &paid["deliveries"][0];
    assert_eq!(
        delivery["settled"], false,
        "that is what messages are answered with: {delivery}"
    );
    assert!(delivery["next_at"].is_i64());
}

/// Who calls is known only from the signed body here.
#[tokio::test]
async fn an_order_follows_from_what_its_customer_did() {
    let shop = Shop::open().await;
    placed(&shop, "100", SignType::Md5).await;
    let rows = rows(&shop.world).await;
    assert_eq!(call(&rows, "/pay/unifiedorder"), act(&rows, "关注了"));
}

/// `/tools/shorturl`.
#[tokio::test]
async fn a_code_in_xml_is_shortened_and_pays_as_the_long_one() {
    let shop = Shop::open().await;
    let how = SignType::Md5;
    let fields = [
        ("body", "拿铁"),
        ("out_trade_no", "T2026020100002"),
        ("total_fee", "100"),
        ("spbill_create_ip", "127.0.0.1"),
        ("trade_type", "NATIVE"),
        ("product_id", "P1"),
        ("notify_url", &shop.app.url),
    ];
    let placed = shop.xml("/pay/unifiedorder", &fields, how).await;
    let long = [("long_url", text(&placed, "code_url"))];
    let short = shop.xml("/tools/shorturl", &long, how).await;
    let short = text(&short, "short_url");
    assert!(short.starts_with("weixin://wxpay/s/"), "{short}");
    let (status, paid) = shop.pay(json!({"code_url": short})).await;
    assert_eq!(status, 200, "{paid}");
    let number = [("out_trade_no", "T2026020100002")];
    let after = shop.xml("/pay/orderquery", &number, how).await;
    assert_eq!(text(&after, "trade_state"), "SUCCESS");
    let other = [("long_url", "https://example.com/")];
    let refused = shop.xml("/tools/shorturl", &other, how).await;
    assert_eq!(text(&refused, "err_code"), "PARAM_ERROR");
}

/// `/xdc/apiv2getsignkey/sign/getsignkey`.
#[tokio::test]
async fn the_key_of_the_sandbox_is_the_same_for_three_days() {
    let shop = Shop::open().await;
    let path = "/xdc/apiv2getsignkey/sign/getsignkey";
    let ask = async || shop.xml_alone(path, &[("mch_id", &shop.mchid)]).await;
    let first = ask().await;
    let key = text(&first, "sandbox_signkey");
    assert_eq!((text(&first, "return_code"), key.len()), ("SUCCESS", 32));
    assert_ne!(key, shop.merchant["api_v2_key"].as_str().unwrap());
    shop.world.advance(2 * 86_400).await;
    assert_eq!(text(&ask().await, "sandbox_signkey"), key);
    shop.world.advance(86_400).await;
    assert_ne!(text(&ask().await, "sandbox_signkey"), key);
    let forged = [
        ("mch_id", shop.mchid.as_str()),
        ("nonce_str", "n"),
        ("sign", "0123456789ABCDEF0123456789ABCDEF"),
    ];
    let refused = shop.xml_raw(path, &forged).await;
    assert_eq!(text(&refused, "return_code"), "FAIL", "{refused:?}");
    assert_eq!(text(&refused, "sandbox_signkey"), "");
}
