//! Payments of the third generation: proofs both ways, orders, the cashier, notices.

use serde_json::{Value, json};
use xinqiao_crypto::pay_v3::ResourceKey;
use xinqiao_testkit::{Options, Storage, TestWorld, Told};

use crate::{
    causes::{act, call, rows},
    shop::{Shop, now},
};

const CERTIFICATES: &str = "/v3/certificates";

#[tokio::test]
async fn certificates_open_with_the_apiv3_key_and_verify_their_own_answer() {
    let shop = Shop::open().await;
    let answer = shop.call("GET", "/v3/certificates", Value::Null).await;
    assert_eq!(answer.status, 200);
    let own = &answer.body["data"][0];
    assert_eq!(own["serial_no"], answer.header("wechatpay-serial"));
    let sealed = &own["encrypt_certificate"];
    let text = |name: &str| sealed[name].as_str().unwrap();
    let opened = ResourceKey::new(&shop.v3_key())
        .unwrap()
        .open(
            "AEAD_AES_256_GCM",
            text("nonce"),
            text("associated_data"),
            text("ciphertext"),
        )
        .unwrap();
    let path = format!("/merchants/{}/files", shop.mchid);
    let files = shop.world.get(&path).await;
    assert_eq!(
        String::from_utf8(opened).unwrap(),
        files["platform_cert.pem"].as_str().unwrap()
    );
}

#[tokio::test]
async fn a_merchant_in_public_key_mode_is_answered_with_that_key_and_has_no_certificates() {
    let shop = Shop::open_with(json!({"key_mode": "public_key"})).await;
    let answer = shop.call("GET", CERTIFICATES, Value::Null).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.body["code"], "RESOURCE_NOT_EXISTS");
    assert_eq!(
        answer.header("wechatpay-serial"),
        shop.merchant["platform_public_key_id"]
    );
    let prepay_id = shop.place("T2026020100001").await;
    shop.pay(json!({"prepay_id": prepay_id})).await;
    let push = &shop.app.push(0).await;
    assert_eq!(
        push.header("wechatpay-serial"),
        shop.merchant["platform_public_key_id"]
    );
    assert_eq!(shop.opened(push).1["trade_state"], "SUCCESS");
}

#[tokio::test]
async fn a_wrong_proof_is_sign_error_and_says_what_the_platform_signed() {
    let shop = Shop::open().await;
    let good = shop.authorization("GET", CERTIFICATES, "", now());
    let refused = |authorization: String| {
        let shop = &shop;
        async move {
            let answer = shop.send("GET", CERTIFICATES, "", &authorization).await;
            assert_eq!(
                (answer.status, &answer.body["code"]),
                (401, &json!("SIGN_ERROR"))
            );
            // Refusals are signed too.
            shop.verify(&answer);
            answer.body
        }
    };
    let other = shop.authorization("POST", CERTIFICATES, "", now());
    let body = refused(other).await;
    assert_eq!(body["detail"]["detail"]["issue"], "sign not match");
    let said = &body["detail"]["sign_information"];
    assert_eq!(said["method"], "GET");
    let signed = said["truncated_sign_message"].as_str().unwrap();
    assert!(signed.starts_with("GET\n/v3/certificates\n"), "{signed}");
    let body = refused(good.replace(&shop.serial, "51AB")).await;
    assert_eq!(body["detail"]["field"], "serial_no");
    let of_serial = body["message"].clone();
    let body = refused(good.replace(&shop.mchid, "1900000109")).await;
    assert_eq!(body["detail"]["field"], "mchid");
    assert_eq!(
        body["message"], of_serial,
        "merchant, serial and key are one piece"
    );
    let body = refused(good.replace("nonce_str", "nonce")).await;
    assert_eq!(body["detail"]["field"], "nonce_str");
    for at in [now() - 301, now() + 301, i64::MIN, i64::MAX] {
        let body = refused(shop.authorization("GET", CERTIFICATES, "", at)).await;
        assert_eq!(body["detail"]["field"], "timestamp");
    }
    refused(String::new()).await;
    refused(good.replace("RSA2048", "RSA4096")).await;
    let rows = shop.world.get("/timeline").await;
    let rules: Vec<&str> = { rows["items"].as_array().unwrap().iter() }
        .filter_map(|row| row["diagnosis"]["rule"].as_str())
        .collect();
    for rule in ["mismatch", "unknown_key", "window", "missing", "scheme"] {
        assert!(
            rules.contains(&&*format!("pay.signature.{rule}")),
            "{rules:?}"
        );
    }
}

#[tokio::test]
async fn the_code_for_a_wrong_serial_is_a_switch() {
    let shop = Shop::open().await;
    let path = format!("/merchants/{}", shop.mchid);
    let rules = json!({"rules": {"pay.wrong_serial": "SYSTEM_ERROR"}});
    let patched = shop.world.must("PATCH", &path, rules).await;
    assert_eq!(patched["rules"]["pay.wrong_serial"], "SYSTEM_ERROR");
    let wrong = shop.authorization("GET", CERTIFICATES, "", now());
    let wrong = wrong.replace(&shop.serial, "51AB");
    let answer = shop.send("GET", CERTIFICATES, "", &wrong).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (500, &json!("SYSTEM_ERROR"))
    );
    for rules in [json!({"pay.wrong_serial": "OTHER"}), json!({"pay.none": 1})] {
        let body = json!({"rules": rules});
        let (status, _) = shop.world.control("PATCH", &path, body).await;
        assert_eq!(status, 400);
    }
}

#[tokio::test]
async fn a_query_is_signed_as_it_was_sent() {
    let shop = Shop::open().await;
    let target = format!(
        "/v3/pay/transactions/out-trade-no/a%7Cb-1234?mchid={}",
        shop.mchid
    );
    let answer = shop.call("GET", &target, Value::Null).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (404, &json!("ORDER_NOT_EXIST"))
    );
}

#[tokio::test]
async fn without_accept_and_user_agent_nothing_is_answered() {
    let shop = Shop::open().await;
    let pay = &shop.world.simulator().endpoints()["api.mch.weixin.qq.com"];
    let answer = { shop.world.client() }
        .get(format!("{pay}{CERTIFICATES}"))
        .header(
            "authorization",
            shop.authorization("GET", CERTIFICATES, "", now()),
        )
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.text().await.unwrap().contains("User-Agent"));
}

#[tokio::test]
async fn an_order_is_placed_paid_in_the_phone_and_found_by_both_numbers() {
    let shop = Shop::open().await;
    let (out_trade_no, mchid) = ("T2026020100001", &shop.mchid);
    let prepay_id = shop.place(out_trade_no).await;
    assert_eq!(prepay_id.len(), 36);
    let path = format!("/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={mchid}");
    let before = shop.call("GET", &path, Value::Null).await;
    assert_eq!(before.body["trade_state"], "NOTPAY");
    assert_eq!(before.body["description"], "拿铁");
    let (status, paid) = shop.pay(json!({"jsapi": shop.params(&prepay_id)})).await;
    assert_eq!((status, &paid["result"]), (200, &json!("ok")), "{paid}");
    let after = shop.call("GET", &path, Value::Null).await;
    assert_eq!(after.body["trade_state"], "SUCCESS");
    assert_eq!(after.body["amount"]["payer_total"], 100);
    let transaction_id = after.body["transaction_id"].as_str().unwrap();
    assert_eq!(transaction_id.len(), 28);
    let path = format!("/v3/pay/transactions/id/{transaction_id}?mchid={mchid}");
    assert_eq!(shop.call("GET", &path, Value::Null).await.body, after.body);
    let (status, again) = shop.pay(json!({"jsapi": shop.params(&prepay_id)})).await;
    assert_eq!(status, 422, "{again}");
    let orders = shop.world.get(&format!("/merchants/{mchid}/orders")).await;
    assert_eq!(orders["items"][0]["user"], shop.user);
}

#[tokio::test]
async fn a_merchant_asks_for_its_own_orders_only() {
    let shop = Shop::open().await;
    let prepay_id = shop.place("T2026020100001").await;
    let (_, paid) = shop.pay(json!({"prepay_id": prepay_id})).await;
    let id = paid["order"]["transaction_id"].as_str().unwrap();
    let path = format!("/v3/pay/transactions/id/{id}?mchid=9000999999");
    let answer = shop.call("GET", &path, Value::Null).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (400, &json!("PARAM_ERROR"))
    );
}

#[tokio::test]
async fn an_order_placed_again_is_the_same_order_or_none() {
    let shop = Shop::open().await;
    let first = shop.place("T2026020100001").await;
    let second = shop.place("T2026020100001").await;
    assert_ne!(first, second, "each time a fresh prepay_id");
    let other = |name: &str, value: Value| {
        let mut order = shop.order("T2026020100001");
        order[name] = value;
        order
    };
    let path = "/v3/pay/transactions/jsapi";
    let dearer = other("amount", json!({"total": 101, "currency": "CNY"}));
    let answer = shop.call("POST", path, dearer).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (400, &json!("INVALID_REQUEST"))
    );
    let (status, _) = shop.pay(json!({"jsapi": shop.params(&first)})).await;
    assert_eq!(status, 200, "an earlier prepay_id still opens the cashier");
    let answer = shop.call("POST", path, shop.order("T2026020100001")).await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (400, &json!("ORDER_PAID"))
    );
}

#[tokio::test]
async fn a_wrong_order_is_refused_and_the_field_is_named() {
    let shop = Shop::open().await;
    for (name, value, code) in [
        ("amount", json!({"total": 0}), "PARAM_ERROR"),
        ("amount", json!({"total": "much"}), "PARAM_ERROR"),
        ("description", json!(null), "PARAM_ERROR"),
        ("description", json!("长".repeat(128)), "PARAM_ERROR"),
        ("out_trade_no", json!("short"), "PARAM_ERROR"),
        ("payer", json!({"openid": "oNobody"}), "PARAM_ERROR"),
        (
            "notify_url",
            json!("https://a.example/n?x=1"),
            "PARAM_ERROR",
        ),
        ("mchid", json!("1900000109"), "PARAM_ERROR"),
        ("time_expire", json!("tomorrow"), "PARAM_ERROR"),
        (
            "appid",
            json!("wx0000000000000000"),
            "APPID_MCHID_NOT_MATCH",
        ),
    ] {
        let mut order = shop.order("T2026020100001");
        order[name] = value;
        if order[name].is_null() {
            order.as_object_mut().unwrap().remove(name);
        }
        let answer = shop.call("POST", "/v3/pay/transactions/jsapi", order).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (400, &json!(code)),
            "{name}"
        );
        let message = answer.body["message"].as_str().unwrap();
        assert!(message.contains(name), "{name}: {message}");
    }
    let answer = shop
        .call("POST", "/v3/pay/transactions/jsapi", Value::Null)
        .await;
    assert_eq!(
        (answer.status, &answer.body["code"]),
        (400, &json!("PARAM_ERROR"))
    );
}

#[tokio::test]
async fn a_closed_order_answers_204_and_cannot_be_paid() {
    let shop = Shop::open().await;
    let out_trade_no = "T2026020100001";
    let prepay_id = shop.place(out_trade_no).await;
    let path = format!("/v3/pay/transactions/out-trade-no/{out_trade_no}/close");
    let body = || json!({"mchid": shop.mchid});
    for _ in 0..2 {
        let answer = shop.call("POST", &path, body()).await;
        assert_eq!((answer.status, &answer.body), (204, &Value::Null));
    }
    let (status, refused) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 422, "{refused}");
    let answer = shop
        .call(
            "POST",
            "/v3/pay/transactions/jsapi",
            shop.order(out_trade_no),
        )
        .await;
    assert_eq!(answer.body["code"], "ORDER_CLOSED");
    let unknown = "/v3/pay/transactions/out-trade-no/T2026020100009/close";
    assert_eq!(shop.call("POST", unknown, body()).await.status, 404);
}

#[tokio::test]
async fn the_cashier_checks_what_the_client_hands_over() {
    let shop = Shop::open().await;
    let prepay_id = shop.place("T2026020100001").await;
    let tried = |name: &str, value: Value| {
        let mut params = shop.params(&prepay_id);
        params[name] = value;
        let how = json!({"jsapi": params});
        let shop = &shop;
        async move { shop.pay(how).await }
    };
    for (name, value, said) in [
        ("nonceStr", json!("other"), "paySign"),
        ("timeStamp", json!("1"), "paySign"),
        ("signType", json!("MD5"), "paySign"),
        ("signType", json!("SHA1"), "signType"),
        ("appId", json!("wx0000000000000000"), "appId"),
        ("package", json!(prepay_id), "package"),
        ("package", json!("prepay_id=wx1"), "prepay_id"),
    ] {
        let (status, body) = tried(name, value).await;
        assert_eq!(status, 422, "{name}: {body}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
    let (status, _) = tried("extra", json!("x")).await;
    assert_eq!(status, 400);
    let (status, _) = shop.pay(json!({})).await;
    assert_eq!(status, 400);
    let other = shop.world.user("阿萍").await;
    let act = json!({"do": "pay", "account": shop.appid, "prepay_id": prepay_id});
    let path = format!("/users/{other}/actions");
    let (status, body) = shop.world.control("POST", &path, act).await;
    assert_eq!(status, 422, "only who it was ordered for pays: {body}");
}

#[tokio::test]
async fn a_code_is_paid_by_whoever_scans_it() {
    let shop = Shop::open().await;
    let (out_trade_no, mchid) = ("T2026020100001", &shop.mchid);
    let mut order = shop.order(out_trade_no);
    order.as_object_mut().unwrap().remove("payer");
    let placed = shop
        .call("POST", "/v3/pay/transactions/native", order)
        .await;
    let code_url = placed.body["code_url"].as_str().unwrap();
    assert!(code_url.starts_with("weixin://wxpay/bizpayurl?pr="));
    let path = format!("/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={mchid}");
    let open = shop.call("GET", &path, Value::Null).await;
    assert!(open.body["payer"].is_null(), "nobody knows who will pay");
    let stranger = shop.world.user("阿萍").await;
    let act = json!({"do": "pay", "account": shop.appid, "code_url": code_url});
    shop.world.act(&stranger, act).await;
    let paid = shop.call("GET", &path, Value::Null).await;
    assert_eq!(paid.body["trade_type"], "NATIVE");
    let person = shop.world.get(&format!("/users/{stranger}")).await;
    let openid = &person["openids"][&shop.appid];
    assert_eq!(&paid.body["payer"]["openid"], openid);
    let (_, told) = shop.opened(&shop.app.push(0).await);
    assert_eq!(&told["payer"]["openid"], openid);
    let unknown = json!({"code_url": "weixin://wxpay/bizpayurl?pr=x"});
    assert_eq!(shop.pay(unknown).await.0, 422);
}

#[tokio::test]
async fn an_apps_order_is_paid_with_what_the_app_signs() {
    let shop = Shop::open().await;
    let mut order = shop.order("T2026020100001");
    order.as_object_mut().unwrap().remove("payer");
    let placed = shop
        .call("POST", "/v3/pay/transactions/app", order.clone())
        .await;
    let prepay_id = placed.body["prepay_id"].as_str().unwrap();
    let app = shop.app_params(prepay_id);
    for (name, value, said) in [
        ("noncestr", json!("other"), "paySign"),
        ("partnerid", json!("9000999999"), "partnerid"),
        (
            "package",
            json!(format!("prepay_id={prepay_id}")),
            "package",
        ),
    ] {
        let mut wrong = app.clone();
        wrong[name] = value;
        let (status, body) = shop.pay(json!({"app": wrong})).await;
        assert_eq!(status, 422, "{name}: {body}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains(said), "{message}");
    }
    let as_page = shop.pay(json!({"jsapi": shop.params(prepay_id)})).await;
    assert_eq!(as_page.0, 422, "a page cannot pay an app's order");
    let (status, paid) = shop.pay(json!({"app": app})).await;
    assert_eq!((status, &paid["trade_state"]), (200, &json!("SUCCESS")));
    let (_, told) = shop.opened(&shop.app.push(0).await);
    assert_eq!(told["trade_type"], "APP");
    assert_eq!(told["payer"]["openid"], shop.openid);
}

#[tokio::test]
async fn an_address_is_paid_by_whoever_opens_it_within_five_minutes() {
    let shop = Shop::open().await;
    let mut order = shop.order("T2026020100001");
    order.as_object_mut().unwrap().remove("payer");
    let path = "/v3/pay/transactions/h5";
    let without = shop.call("POST", path, order.clone()).await;
    assert_eq!(without.body["code"], "PARAM_ERROR");
    order["scene_info"] = json!({
        "payer_client_ip": "127.0.0.1",
        "h5_info": {"type": "Wap"},
    });
    let placed = shop.call("POST", path, order.clone()).await;
    let first = placed.body["h5_url"].as_str().unwrap().to_owned();
    assert!(first.contains("prepay_id=wx"), "{first}");
    shop.world.advance(301).await;
    assert_eq!(shop.pay(json!({"h5_url": first})).await.0, 422);
    let placed = shop.call("POST", path, order).await;
    let again = placed.body["h5_url"].as_str().unwrap();
    let back = format!("{again}&redirect_url=https%3A%2F%2Fshop.example");
    let (status, paid) = shop.pay(json!({"h5_url": back})).await;
    assert_eq!(status, 200, "{paid}");
    let (_, told) = shop.opened(&shop.app.push(0).await);
    assert_eq!(told["trade_type"], "MWEB");
}

/// Every merchant has both keys of the platform; a call chooses by `Wechatpay-Serial`, `sign_with` where it does not.
#[tokio::test]
async fn answers_are_signed_with_the_key_that_is_asked_for() {
    let shop = Shop::open().await;
    let id = shop.merchant["platform_public_key_id"].as_str().unwrap();
    let serial = shop.merchant["platform_serial_no"].as_str().unwrap();
    let pay = &shop.world.simulator().endpoints()["api.mch.weixin.qq.com"];
    let ask = |named: Option<String>| {
        let mut request = { shop.world.client() }
            .get(format!("{pay}{CERTIFICATES}"))
            .header("accept", "application/json")
            .header("user-agent", "test")
            .header(
                "authorization",
                shop.authorization("GET", CERTIFICATES, "", now()),
            );
        if let Some(named) = named {
            request = request.header("wechatpay-serial", named);
        }
        async move {
            let answer = request.send().await.unwrap();
            let signed = answer.headers()["wechatpay-serial"].to_str().unwrap();
            signed.to_owned()
        }
    };
    assert_eq!(ask(None).await, serial);
    assert_eq!(ask(Some(id.to_owned())).await, id);
    let path = format!("/merchants/{}", shop.mchid);
    let with = json!({"sign_with": "public_key"});
    shop.world.must("PATCH", &path, with).await;
    assert_eq!(ask(None).await, id);
    assert_eq!(ask(Some(serial.to_owned())).await, serial);
    assert_eq!(ask(Some("51AB".to_owned())).await, id);
    for pem in [
        "private_key",
        "certificate",
        "platform_certificate",
        "platform_public_key",
    ] {
        let text = shop.merchant[pem].as_str().unwrap();
        assert!(text.starts_with("-----BEGIN "), "{pem}: {text}");
    }
}

#[tokio::test]
async fn who_cannot_pay_is_not_known_to_the_account_afterwards() {
    let shop = Shop::open().await;
    let prepay_id = shop.place("T2026020100001").await;
    let stranger = shop.world.user("阿萍").await;
    let act = json!({"do": "pay", "account": shop.appid, "prepay_id": prepay_id});
    let path = format!("/users/{stranger}/actions");
    assert_eq!(shop.world.control("POST", &path, act).await.0, 422);
    let person = shop.world.get(&format!("/users/{stranger}")).await;
    assert!(person["openids"][&shop.appid].is_null(), "{person}");
}

#[tokio::test]
async fn a_prepay_id_and_an_order_have_their_times() {
    let shop = Shop::open().await;
    let prepay_id = shop.place("T2026020100001").await;
    shop.world.advance(2 * 3600).await;
    let (status, _) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 422, "a prepay_id ends after two hours");
    let prepay_id = shop.place("T2026020100001").await;
    let (status, _) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 200, "placed again there is a fresh one");
    let out_trade_no = "T2026020100002";
    shop.place(out_trade_no).await;
    let path = format!(
        "/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={}",
        shop.mchid
    );
    shop.world.advance(7 * 86_400 - 60).await;
    let open = shop.call("GET", &path, Value::Null).await;
    assert_eq!(open.body["trade_state"], "NOTPAY");
    shop.world.advance(120).await;
    let closed = shop.call("GET", &path, Value::Null).await;
    assert_eq!(
        closed.body["trade_state"], "CLOSED",
        "after seven days the platform closes it"
    );
}

/// The merchant of the first was deleted, and another of its number uses the order's number again.
#[tokio::test]
async fn an_order_is_closed_at_its_own_time_even_if_one_before_it_had_its_number() {
    let shop = Shop::open().await;
    let number = "T2026020100001";
    shop.place(number).await;
    shop.world.advance(86_400).await;
    let path = format!("/merchants/{}", shop.mchid);
    shop.world.must("DELETE", &path, Value::Null).await;
    let shop = Shop::open_in(shop.world, json!({"mchid": shop.mchid})).await;
    shop.place(number).await;
    let path = format!(
        "/v3/pay/transactions/out-trade-no/{number}?mchid={}",
        shop.mchid
    );
    for (wait, state) in [(7 * 86_400 - 60, "NOTPAY"), (120, "CLOSED")] {
        shop.world.advance(wait).await;
        let order = shop.call("GET", &path, Value::Null).await;
        assert_eq!(order.body["trade_state"], state, "{order:?}");
    }
}

#[tokio::test]
async fn a_notice_is_sealed_signed_and_repeated_until_it_is_taken() {
    let shop = Shop::open().await;
    shop.world
        .must("POST", "/clock", json!({"freeze": true}))
        .await;
    let prepay_id = shop.place("T2026020100001").await;
    shop.app.otherwise(|_| Told::status(500));
    let (_, paid) = shop.pay(json!({"jsapi": shop.params(&prepay_id)})).await;
    let waiting = &paid["deliveries"][0];
    assert_eq!(
        (&waiting["settled"], shop.app.pushes().len()),
        (&json!(false), 1)
    );
    let first_of_all = waiting["attempts"][0]["time"].as_i64().unwrap();
    assert_eq!(waiting["next_at"], first_of_all + 15);
    shop.world.advance(14).await;
    assert_eq!(shop.app.pushes().len(), 1, "not before its second");
    shop.app.otherwise(|_| Told::status(204));
    shop.world.advance(1).await;
    delivery(&shop.world, |delivery| delivery["settled"] == true).await;
    let pushes = shop.app.pushes();
    assert_eq!(pushes.len(), 2);
    let ((first, plain), (second, repeated)) = (shop.opened(&pushes[0]), shop.opened(&pushes[1]));
    assert_eq!(
        first["id"], second["id"],
        "a repeat has the id of the first"
    );
    assert_eq!(plain, repeated);
    assert_ne!(
        pushes[0].header("wechatpay-nonce"),
        pushes[1].header("wechatpay-nonce")
    );
    assert_eq!(first["event_type"], "TRANSACTION.SUCCESS");
    assert_eq!(plain["out_trade_no"], "T2026020100001");
    assert_eq!(plain["attach"], "桌 7");
    assert_eq!(plain["payer"]["openid"], shop.openid);
    shop.world.advance(2 * 86_400).await;
    assert_eq!(shop.app.pushes().len(), 2, "what was taken is not repeated");
}

/// Waits until the world's only delivery is like this.
async fn delivery(world: &TestWorld, is: impl Fn(&Value) -> bool) -> Value {
    for _ in 0..20_000 {
        let deliveries = world.get("/deliveries").await;
        if is(&deliveries["items"][0]) {
            return deliveries["items"][0].clone();
        }
        tokio::task::yield_now().await;
    }
    panic!("the delivery does not come so far");
}

#[tokio::test]
async fn a_notice_that_waits_outlives_a_restart_and_is_not_hurried_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let mut options = Options::default();
        options.storage = Storage::Dir(folder.path().to_owned());
        TestWorld::start_with(options)
    };
    let shop = Shop::open_in(start().await, json!({})).await;
    shop.world
        .must("POST", "/clock", json!({"freeze": true}))
        .await;
    let prepay_id = shop.place("T2026020100001").await;
    shop.app.next(Told::status(500));
    shop.pay(json!({"prepay_id": prepay_id})).await;
    shop.world.shutdown().await;
    let world = start().await;
    let waiting = delivery(&world, |_| true).await;
    assert!(waiting["next_at"].is_i64(), "{waiting}");
    assert_eq!(shop.app.pushes().len(), 1);
    world.advance(15).await;
    delivery(&world, |delivery| delivery["settled"] == true).await;
    assert_eq!(shop.app.pushes().len(), 2);
    world.shutdown().await;
}

#[tokio::test]
async fn a_paid_order_is_found_in_an_imported_world() {
    let shop = Shop::open().await;
    let prepay_id = shop.place("T2026020100001").await;
    let (_, paid) = shop.pay(json!({"prepay_id": prepay_id})).await;
    let id = paid["order"]["transaction_id"].as_str().unwrap();
    let world = &shop.world;
    let export = world.get("/export").await;
    world.must("POST", "/reset", json!({})).await;
    assert!(world.get("/merchants").await["items"][0].is_null());
    world.must("POST", "/import", export).await;
    let path = format!("/v3/pay/transactions/id/{id}?mchid={}", shop.mchid);
    let found = shop.call("GET", &path, Value::Null).await;
    assert_eq!(found.body["trade_state"], "SUCCESS");
}

#[tokio::test]
async fn a_notice_that_nobody_takes_is_given_up_after_a_day() {
    let shop = Shop::open().await;
    let prepay_id = shop.place("T2026020100001").await;
    shop.app.otherwise(|_| Told::status(404));
    shop.pay(json!({"prepay_id": prepay_id})).await;
    shop.world.advance(86_400 + 300).await;
    let given_up = delivery(&shop.world, |delivery| delivery["settled"] == true).await;
    assert_eq!(given_up["attempts"].as_array().unwrap().len(), 16);
}

#[tokio::test]
async fn a_merchant_is_made_changed_and_deleted() {
    let world = TestWorld::start().await;
    let refused = |settings: Value| {
        let world = &world;
        async move { world.control("POST", "/merchants", settings).await.0 }
    };
    assert_eq!(refused(json!({"mchid": "12"})).await, 400);
    assert_eq!(refused(json!({"api_v3_key": "short"})).await, 400);
    assert_eq!(refused(json!({"certificate": "no PEM"})).await, 400);
    assert_eq!(refused(json!({"color": "red"})).await, 400);
    assert_eq!(refused(json!({"appids": ["wx0"]})).await, 404);
    let made = world
        .must("POST", "/merchants", json!({"mchid": "1900000109"}))
        .await;
    assert_eq!(refused(json!({"mchid": "1900000109"})).await, 409);
    let path = "/merchants/1900000109";
    assert_eq!(world.get(path).await, made);
    let list = world.get("/merchants").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    let other = world.must("POST", "/merchants", json!({})).await;
    let theirs = format!("/merchants/{}/files", other["mchid"].as_str().unwrap());
    let certificate = world.get(&theirs).await["apiclient_cert.pem"].clone();
    let patched = world
        .must("PATCH", path, json!({"certificate": certificate}))
        .await;
    assert_eq!(patched["serial_no"], other["serial_no"]);
    let files = world.get(&format!("{path}/files")).await;
    assert!(
        files["apiclient_key.pem"].is_null(),
        "of a certificate from elsewhere there is no key"
    );
    world.must("DELETE", path, Value::Null).await;
    assert_eq!(world.control("GET", path, Value::Null).await.0, 404);
}

#[tokio::test]
async fn the_seeded_world_has_a_merchant_that_is_the_same_every_day() {
    let (one, two) = (
        TestWorld::start_seeded().await,
        TestWorld::start_seeded().await,
    );
    let path = "/merchants";
    let merchants = one.get(path).await;
    assert_eq!(merchants, two.get(path).await);
    let merchant = &merchants["items"][0];
    assert_eq!(merchant["appids"].as_array().unwrap().len(), 4);
    let files = format!("/merchants/{}/files", merchant["mchid"].as_str().unwrap());
    assert_eq!(one.get(&files).await, two.get(&files).await);
}

#[tokio::test]
async fn what_a_merchant_calls_follows_from_what_its_customer_did() {
    let mut options = Options::default();
    options.attempt_timeout = std::time::Duration::from_secs(5);
    let world = TestWorld::start_with(options).await;
    let shop = Shop::open_in(world, json!({})).await;
    let prepay_id = shop.place("T2026020100009").await;
    let mut shown = rows(&shop.world).await;
    assert_eq!(
        call(&shown, "/v3/pay/transactions/jsapi"),
        act(&shown, "关注了"),
        "the order is for who did something in the account that it names"
    );
    shop.app.next(Told::status(500));
    let slow = Told::status(204).after(std::time::Duration::from_secs(4));
    shop.app.next(slow);
    shop.pay(json!({"prepay_id": prepay_id})).await;
    shop.world.advance(15).await;
    while shop.app.pushes().len() < 2 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    let path = "/v3/pay/transactions/out-trade-no/T2026020100009";
    let target = format!("{path}?mchid={}", shop.mchid);
    shop.call("GET", &target, Value::Null).await;
    shown = rows(&shop.world).await;
    let paid = act(&shown, "收银台");
    let notices: Vec<&Value> = { shown.iter() }
        .filter(|row| row["kind"] == "callback")
        .map(|row| &row["cause"])
        .collect();
    assert_eq!(notices, [&paid, &paid], "both attempts");
    assert_eq!(
        call(&shown, path),
        paid,
        "it asks while it handles the notice"
    );
    let row = shown
        .iter()
        .rfind(|row| row["cause"] == paid && row["kind"] == "act");
    let payment = json!({
        "merchant": shop.mchid, "out_trade_no": "T2026020100009", "description": "拿铁", "total": 100,
    });
    assert_eq!(row.unwrap()["payment"], payment);
}

/// What a real phone hides: why the cashier does not open.
#[tokio::test]
async fn the_timeline_names_why_the_cashier_does_not_open() {
    let shop = Shop::open().await;
    let prepay_id = shop.place("T2026020100001").await;
    let mut forged = shop.params(&prepay_id);
    forged["nonceStr"] = json!("other");
    let mut foreign = shop.params(&prepay_id);
    foreign["appId"] = json!("wx0000000000000000");
    let gone = shop.params("wx010000000000000000000000000000000000");
    shop.world.advance(7200).await;
    let stale = shop.params(&prepay_id);
    let fresh = shop.place("T2026020100001").await;
    let with = |mut params: Value| {
        params["package"] = json!(format!("prepay_id={fresh}"));
        params
    };
    for (params, rule) in [
        (with(forged), "pay.signature.mismatch"),
        (with(foreign), "pay.cashier.appid"),
        (gone, "pay.cashier.expired"),
        (stale, "pay.cashier.expired"),
    ] {
        let (status, refused) = shop.pay(json!({"jsapi": params})).await;
        assert_eq!(status, 422, "{refused}");
        let timeline = rows(&shop.world).await;
        let row = { timeline.iter().rev() }
            .find(|row| row["label"]["en"] == "failed")
            .unwrap_or_else(|| panic!("{timeline:?}"));
        assert_eq!(row["diagnosis"]["rule"], rule, "{row}");
    }
}
