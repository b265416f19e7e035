//! Service providers: orders, refunds, notices and bills of their sub-merchants.

use serde_json::{Value, json};
use xinqiao_crypto::pay_v2::{self, SignType};
use xinqiao_testkit::Told;
use xinqiao_types::{UnixSeconds, shanghai};

use crate::shop::{Shop, elements, now};

/// A provider with a sub-merchant that has an account of its own.
struct Mall {
    shop: Shop,
    sub_mchid: String,
    sub_appid: String,
}

async fn mall() -> Mall {
    let shop = Shop::open_with(json!({"kind": "service_provider", "unsettled": 0})).await;
    let account = shop.world.account(json!({"kind": "service"})).await;
    let sub_appid = account["appid"].as_str().unwrap().to_owned();
    let new =
        json!({"name": "山城面馆", "provider": shop.mchid, "appids": [sub_appid], "unsettled": 0});
    let sub = shop.world.must("POST", "/merchants", new).await;
    assert_eq!(sub["provider"], shop.mchid);
    let follow = json!({"do": "follow", "account": sub_appid});
    shop.world.act(&shop.user, follow).await;
    Mall {
        sub_mchid: sub["mchid"].as_str().unwrap().to_owned(),
        sub_appid,
        shop,
    }
}

impl Mall {
    async fn sub_openid(&self) -> String {
        let path = format!("/users/{}", self.shop.user);
        let person = self.shop.world.get(&path).await;
        person["openids"][&self.sub_appid]
            .as_str()
            .unwrap()
            .to_owned()
    }

    fn order(&self, out_trade_no: &str) -> Value {
        json!({
            "sp_appid": self.shop.appid,
            "sp_mchid": self.shop.mchid,
            "sub_mchid": self.sub_mchid,
            "description": "小面",
            "out_trade_no": out_trade_no,
            "notify_url": self.shop.app.url,
            "amount": {"total": 100, "currency": "CNY"},
        })
    }

    async fn query(&self, out_trade_no: &str) -> Value {
        let path = format!(
            "/v3/pay/partner/transactions/out-trade-no/{out_trade_no}?sp_mchid={}&sub_mchid={}",
            self.shop.mchid, self.sub_mchid
        );
        self.shop.call("GET", &path, Value::Null).await.body
    }

    async fn unsettled(&self, mchid: &str) -> i64 {
        let own = self.shop.world.get(&format!("/merchants/{mchid}")).await;
        own["unsettled"].as_i64().unwrap()
    }
}

const JSAPI: &str = "/v3/pay/partner/transactions/jsapi";

/// `/v3/pay/partner/transactions/jsapi`, and its queries `/v3/pay/partner/transactions/out-trade-no/{out_trade_no}`,
/// `/v3/pay/partner/transactions/id/{transaction_id}`.
#[tokio::test]
async fn a_provider_orders_for_a_sub_merchant_and_is_told() {
    let mall = mall().await;
    let shop = &mall.shop;
    let out_trade_no = "T2026020100001";
    let mut order = mall.order(out_trade_no);
    order["payer"] = json!({"sp_openid": shop.openid});
    let path = "/v3/pay/partner/transactions/jsapi";
    let placed = shop.call("POST", path, order.clone()).await;
    assert_eq!(placed.status, 200, "{placed:?}");
    let prepay_id = placed.body["prepay_id"].as_str().unwrap();
    // The provider's key signs what its page hands over.
    let (status, paid) = shop.pay(json!({"jsapi": shop.params(prepay_id)})).await;
    assert_eq!(status, 200, "{paid}");
    assert_eq!(paid["order"]["mchid"], mall.sub_mchid.as_str());
    assert_eq!(paid["order"]["provider"], shop.mchid);
    // The money is the sub-merchant's.
    assert_eq!(mall.unsettled(&mall.sub_mchid).await, 100);
    assert_eq!(mall.unsettled(&shop.mchid).await, 0);
    let path = format!(
        "/v3/pay/partner/transactions/out-trade-no/{out_trade_no}?sp_mchid={}&sub_mchid={}",
        shop.mchid, mall.sub_mchid
    );
    let found = shop.call("GET", &path, Value::Null).await.body;
    assert_eq!(found["trade_state"], "SUCCESS", "{found}");
    assert_eq!(found["payer"], json!({"sp_openid": shop.openid}));
    for (name, value) in [
        ("sp_mchid", shop.mchid.as_str()),
        ("sub_mchid", &mall.sub_mchid),
        ("sp_appid", &shop.appid),
    ] {
        assert_eq!(found[name], value, "{found}");
    }
    assert!(
        found.get("mchid").is_none() && found.get("sub_appid").is_none(),
        "{found}"
    );
    let transaction_id = found["transaction_id"].as_str().unwrap();
    let path = format!(
        "/v3/pay/partner/transactions/id/{transaction_id}?sp_mchid={}&sub_mchid={}",
        shop.mchid, mall.sub_mchid
    );
    assert_eq!(shop.call("GET", &path, Value::Null).await.body, found);
    // The notice is sealed with the provider's key.
    let (notice, told) = shop.opened(&shop.app.push(0).await);
    assert_eq!(notice["event_type"], "TRANSACTION.SUCCESS");
    assert_eq!(told["sub_mchid"], mall.sub_mchid.as_str(), "{told}");
    assert_eq!(
        (&told["sp_mchid"], &told["payer"]),
        (&found["sp_mchid"], &found["payer"])
    );
    // With the sub-merchant's account both are told who paid.
    order["out_trade_no"] = json!("T2026020100002");
    order["sub_appid"] = json!(mall.sub_appid);
    order["payer"] = json!({"sub_openid": mall.sub_openid().await});
    let placed = shop.call("POST", JSAPI, order).await;
    let prepay_id = placed.body["prepay_id"].as_str().unwrap();
    let act = json!({"do": "pay", "account": mall.sub_appid, "prepay_id": prepay_id});
    shop.world.act(&shop.user, act).await;
    let found = mall.query("T2026020100002").await;
    assert_eq!(found["sub_appid"], mall.sub_appid.as_str());
    let both = json!({"sp_openid": shop.openid, "sub_openid": mall.sub_openid().await});
    assert_eq!(found["payer"], both);
}

/// `/v3/pay/partner/transactions/native`, `/v3/pay/partner/transactions/app`, `/v3/pay/partner/transactions/h5`.
#[tokio::test]
async fn a_provider_orders_in_every_way_to_pay() {
    let mall = mall().await;
    let shop = &mall.shop;
    let path = "/v3/pay/partner/transactions/native";
    let placed = shop.call("POST", path, mall.order("T2026020100001")).await;
    let (status, paid) = shop.pay(json!({"code_url": placed.body["code_url"]})).await;
    assert_eq!(status, 200, "{paid}");
    assert_eq!(mall.query("T2026020100001").await["trade_type"], "NATIVE");

    let path = "/v3/pay/partner/transactions/app";
    let placed = shop.call("POST", path, mall.order("T2026020100002")).await;
    let prepay_id = placed.body["prepay_id"].as_str().unwrap();
    let (status, paid) = shop.pay(json!({"app": shop.app_params(prepay_id)})).await;
    assert_eq!(status, 200, "{paid}");
    assert_eq!(mall.query("T2026020100002").await["trade_type"], "APP");

    let path = "/v3/pay/partner/transactions/h5";
    let mut order = mall.order("T2026020100003");
    order["scene_info"] = json!({"payer_client_ip": "127.0.0.1", "h5_info": {"type": "Wap"}});
    let placed = shop.call("POST", path, order).await;
    let (status, paid) = shop.pay(json!({"h5_url": placed.body["h5_url"]})).await;
    assert_eq!(status, 200, "{paid}");
    assert_eq!(mall.query("T2026020100003").await["trade_type"], "MWEB");
}

/// `/v3/pay/partner/transactions/out-trade-no/{out_trade_no}/close`.
#[tokio::test]
async fn a_providers_order_is_closed_and_found_by_nobody_else() {
    let mall = mall().await;
    let shop = &mall.shop;
    let out_trade_no = "T2026020100001";
    let path = "/v3/pay/partner/transactions/native";
    shop.call("POST", path, mall.order(out_trade_no)).await;
    let own = format!(
        "/v3/pay/transactions/out-trade-no/{out_trade_no}?mchid={}",
        shop.mchid
    );
    let answer = shop.call("GET", &own, Value::Null).await;
    assert_eq!(
        answer.body["code"], "ORDER_NOT_EXIST",
        "it is the sub-merchant's"
    );
    let path = format!("/v3/pay/partner/transactions/out-trade-no/{out_trade_no}/close");
    let body = json!({"sp_mchid": shop.mchid, "sub_mchid": mall.sub_mchid});
    assert_eq!(shop.call("POST", &path, body).await.status, 204);
    assert_eq!(mall.query(out_trade_no).await["trade_state"], "CLOSED");
}

#[tokio::test]
async fn a_provider_calls_for_its_own_sub_merchants_and_accounts_only() {
    let mall = mall().await;
    let shop = &mall.shop;
    let stranger = shop.world.must("POST", "/merchants", json!({})).await;
    let cases = [
        ("sub_mchid", stranger["mchid"].clone(), 403, "NO_AUTH"),
        ("sub_mchid", json!("1900000109"), 403, "NO_AUTH"),
        ("sp_mchid", json!("1900000109"), 400, "PARAM_ERROR"),
        (
            "sp_appid",
            json!(mall.sub_appid),
            400,
            "APPID_MCHID_NOT_MATCH",
        ),
        ("sub_appid", json!(shop.appid), 400, "APPID_MCHID_NOT_MATCH"),
        ("payer", json!({"sp_openid": "oNobody"}), 400, "PARAM_ERROR"),
        (
            "payer",
            json!({"sub_openid": mall.sub_openid().await}),
            400,
            "PARAM_ERROR",
        ),
    ];
    for (name, value, status, code) in cases {
        let mut order = mall.order("T2026020100001");
        order["payer"] = json!({"sp_openid": shop.openid});
        order[name] = value;
        let answer = shop.call("POST", JSAPI, order).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (status, &json!(code)),
            "{name}: {answer:?}"
        );
    }
    // Who is no provider has no sub-merchants.
    let path = format!("/merchants/{}", shop.mchid);
    shop.world
        .must("PATCH", &path, json!({"kind": "merchant"}))
        .await;
    let mut order = mall.order("T2026020100001");
    order["payer"] = json!({"sp_openid": shop.openid});
    let answer = shop.call("POST", JSAPI, order).await;
    assert_eq!(answer.body["code"], "NO_AUTH", "{answer:?}");
}

#[tokio::test]
async fn sub_merchants_are_made_told_and_set_free() {
    let mall = mall().await;
    let shop = &mall.shop;
    let path = format!("/merchants/{}/sub-merchants", shop.mchid);
    let subs = shop.world.get(&path).await;
    assert_eq!(subs["items"].as_array().unwrap().len(), 1, "{subs}");
    assert_eq!(subs["items"][0]["mchid"], mall.sub_mchid.as_str());
    let of_sub = json!({"provider": mall.sub_mchid});
    let (status, refused) = shop.world.control("POST", "/merchants", of_sub).await;
    assert_eq!(status, 422, "{refused}");
    let both = json!({"provider": shop.mchid, "kind": "service_provider"});
    assert_eq!(shop.world.control("POST", "/merchants", both).await.0, 400);
    let own = format!("/merchants/{}", shop.mchid);
    let alone = json!({"kind": "service_provider"});
    let alone = shop.world.must("POST", "/merchants", alone).await;
    let alone = alone["mchid"].as_str().unwrap();
    let below = json!({"provider": alone});
    let (status, said) = shop.world.control("PATCH", &own, below).await;
    assert_eq!(status, 422, "{said}");
    let itself = json!({"provider": alone});
    let (status, said) = shop
        .world
        .control("PATCH", &format!("/merchants/{alone}"), itself)
        .await;
    assert_eq!(status, 400, "{said}");
    shop.world.must("DELETE", &own, json!({})).await;
    let sub = shop
        .world
        .get(&format!("/merchants/{}", mall.sub_mchid))
        .await;
    assert_eq!(sub["provider"], Value::Null);
}

#[tokio::test]
async fn a_provider_refunds_for_its_sub_merchant_and_is_told() {
    let mall = mall().await;
    let shop = &mall.shop;
    let path = "/v3/pay/partner/transactions/native";
    let placed = shop.call("POST", path, mall.order("T2026020100001")).await;
    shop.pay(json!({"code_url": placed.body["code_url"]})).await;
    let refund = json!({
        "sub_mchid": mall.sub_mchid,
        "out_trade_no": "T2026020100001",
        "out_refund_no": "R1",
        "notify_url": shop.app.url,
        "amount": {"refund": 60, "total": 100, "currency": "CNY"},
    });
    let mut own = refund.clone();
    own.as_object_mut().unwrap().remove("sub_mchid");
    let path = "/v3/refund/domestic/refunds";
    let answer = shop.call("POST", path, own).await;
    assert_eq!(
        answer.body["code"], "ORDER_NOT_EXIST",
        "it is the sub-merchant's"
    );
    let accepted = shop.call("POST", path, refund).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    assert_eq!(mall.unsettled(&mall.sub_mchid).await, 40);
    shop.world.advance(2).await;
    let path = format!(
        "/v3/refund/domestic/refunds/R1?sub_mchid={}",
        mall.sub_mchid
    );
    let found = shop.call("GET", &path, Value::Null).await;
    assert_eq!(found.body["status"], "SUCCESS", "{found:?}");
    let (notice, told) = shop.opened(&shop.app.push(1).await);
    assert_eq!(notice["event_type"], "REFUND.SUCCESS");
    let of = (&told["sp_mchid"], &told["sub_mchid"]);
    assert_eq!(of, (&json!(shop.mchid), &json!(mall.sub_mchid)), "{told}");
    assert!(told.get("mchid").is_none(), "{told}");
}

#[tokio::test]
async fn a_providers_bill_has_its_sub_merchants() {
    let mall = mall().await;
    let shop = &mall.shop;
    shop.world.next_morning().await;
    let path = "/v3/pay/partner/transactions/native";
    let placed = shop.call("POST", path, mall.order("T2026020100001")).await;
    shop.pay(json!({"code_url": placed.body["code_url"]})).await;
    let own = shop.place("T2026020100002").await;
    shop.pay(json!({"prepay_id": own})).await;
    let at = shop.world.get("/clock").await["now"].as_i64().unwrap();
    let day = shanghai::written(UnixSeconds(at), "%Y-%m-%d");
    shop.world.advance(86_400).await;
    for (of, rows) in [("", 2), (&*format!("&sub_mchid={}", mall.sub_mchid), 1)] {
        let target = format!("/v3/bill/tradebill?bill_date={day}{of}");
        let link = shop.call("GET", &target, Value::Null).await;
        let url = link.body["download_url"].as_str().unwrap();
        let target = &url[url.find("/v3/").unwrap()..];
        let authorization = shop.authorization("GET", target, "", now());
        let bill = shop.send("GET", target, "", &authorization).await;
        let text = String::from_utf8(bill.raw).unwrap();
        let found: Vec<&str> = text
            .lines()
            .filter(|line| line.contains(",`T20260201"))
            .collect();
        assert_eq!(found.len(), rows, "{text}");
        let columns = format!(",`{},`{},`{},`", shop.appid, shop.mchid, mall.sub_mchid);
        assert!(found[0].contains(&columns), "{text}");
    }
}

/// `/v3/pay/partner/transactions/codepay` and
/// `/v3/pay/partner/transactions/out-trade-no/{out_trade_no}/reverse`.
#[tokio::test]
async fn a_provider_charges_a_code_for_a_sub_merchant_and_takes_it_back() {
    let mall = mall().await;
    let shop = &mall.shop;
    let act = json!({"do": "pay_code", "account": shop.appid});
    let shown = shop.world.act(&shop.user, act).await;
    let mut order = mall.order("T2026020100001");
    order.as_object_mut().unwrap().remove("notify_url");
    order["sub_appid"] = json!(mall.sub_appid);
    order["payer"] = json!({"auth_code": shown["auth_code"]});
    order["scene_info"] = json!({"store_info": {"id": "S1"}});
    let path = "/v3/pay/partner/transactions/codepay";
    let paid = shop.call("POST", path, order).await;
    assert_eq!(paid.status, 200, "{paid:?}");
    let both = json!({"sp_openid": shop.openid, "sub_openid": mall.sub_openid().await});
    assert_eq!(paid.body["payer"], both);
    assert_eq!(mall.unsettled(&mall.sub_mchid).await, 100);
    let out_trade_no = "T2026020100001";
    let path = format!("/v3/pay/partner/transactions/out-trade-no/{out_trade_no}/reverse");
    let body = json!({"sp_mchid": shop.mchid, "sub_mchid": mall.sub_mchid, "sp_appid": shop.appid});
    let back = shop.call("POST", &path, body).await;
    assert_eq!(
        (back.status, &back.body["sub_mchid"]),
        (200, &json!(mall.sub_mchid))
    );
    assert_eq!(mall.unsettled(&mall.sub_mchid).await, 0);
    assert_eq!(mall.query("T2026020100001").await["trade_state"], "REVOKED");
}

/// What a provider did not place it can neither see nor close nor refund: `shop` is the merchant at first, then its
/// provider.
#[tokio::test]
async fn a_providers_calls_do_not_reach_what_it_did_not_place() {
    let mut shop = Shop::open().await;
    let sub = shop.mchid.clone();
    let paid = shop.place("T2026020100001").await;
    let (status, paid) = shop.pay(json!({"prepay_id": paid})).await;
    assert_eq!(status, 200, "{paid}");
    let refund = |number: &str, of: &str| {
        json!({
            "out_trade_no": of, "out_refund_no": number,
            "amount": {"refund": 10, "total": 100, "currency": "CNY"},
        })
    };
    let refunds = "/v3/refund/domestic/refunds";
    let own = { shop.call("POST", refunds, refund("R1", "T2026020100001")) }.await;
    assert_eq!(own.status, 200, "{own:?}");
    shop.place("T2026020100002").await;
    let shown = json!({"do": "pay_code", "account": shop.appid});
    let shown = shop.world.act(&shop.user, shown).await;
    let mut till = shop.order("T2026020100003");
    till.as_object_mut().unwrap().remove("notify_url");
    till["payer"] = json!({"auth_code": shown["auth_code"]});
    till["scene_info"] = json!({"store_info": {"id": "S1"}});
    let charged = shop
        .call("POST", "/v3/pay/transactions/codepay", till)
        .await;
    assert_eq!(charged.status, 200, "{charged:?}");

    let provider = json!({"kind": "service_provider", "appids": [shop.appid]});
    let provider = shop.world.must("POST", "/merchants", provider).await;
    let below = json!({"provider": provider["mchid"]});
    shop.world
        .must("PATCH", &format!("/merchants/{sub}"), below)
        .await;
    shop.becomes(provider.clone()).await;
    let none = |answer: &Value| assert_eq!(answer["code"], "ORDER_NOT_EXIST", "{answer}");
    let whose = json!({"sp_mchid": shop.mchid, "sub_mchid": sub, "sp_appid": shop.appid});
    let orders = "/v3/pay/partner/transactions/out-trade-no";
    let query = format!("?sp_mchid={}&sub_mchid={sub}", shop.mchid);
    for number in ["T2026020100001", "T2026020100002", "T2026020100003"] {
        let found = shop
            .call("GET", &format!("{orders}/{number}{query}"), Value::Null)
            .await;
        none(&found.body);
        let path = format!("{orders}/{number}/close");
        let closed = shop.call("POST", &path, whose.clone()).await;
        none(&closed.body);
        let mut back = refund("R2", number);
        back["sub_mchid"] = json!(sub);
        none(&shop.call("POST", refunds, back).await.body);
        let path = format!("{orders}/{number}/reverse");
        let back = shop.call("POST", &path, whose.clone()).await;
        none(&back.body);
    }
    let found = shop
        .call("GET", &format!("{refunds}/R1?sub_mchid={sub}"), Value::Null)
        .await;
    assert_eq!(found.body["code"], "RESOURCE_NOT_EXISTS", "{found:?}");
    let path = format!("/merchants/{sub}/orders");
    let own = shop.world.get(&path).await;
    let states: Vec<&str> = { own["items"].as_array().unwrap().iter() }
        .map(|order| order["trade_state"].as_str().unwrap())
        .collect();
    assert_eq!(states, ["REFUND", "NOTPAY", "SUCCESS"], "{own}");

    // In XML too.
    let sub_mch_id = ("sub_mch_id", sub.as_str());
    let by = [sub_mch_id, ("out_trade_no", "T2026020100003")];
    let fees = [
        ("total_fee", "100"),
        ("refund_fee", "10"),
        ("out_refund_no", "R3"),
    ];
    for (path, fields, code) in [
        ("/pay/orderquery", by.to_vec(), "ORDERNOTEXIST"),
        ("/pay/closeorder", by.to_vec(), "ORDERNOTEXIST"),
        ("/secapi/pay/reverse", by.to_vec(), "ORDERNOTEXIST"),
        (
            "/secapi/pay/refund",
            [&by[..], &fees].concat(),
            "ORDERNOTEXIST",
        ),
        ("/pay/refundquery", by.to_vec(), "ORDERNOTEXIST"),
        (
            "/pay/refundquery",
            vec![sub_mch_id, ("out_refund_no", "R1")],
            "REFUNDNOTEXIST",
        ),
    ] {
        let answer = shop.xml(path, &fields, SignType::Md5).await;
        assert_eq!(text(&answer, "err_code"), code, "{path}: {answer:?}");
    }

    // What this provider placed is not the next one's.
    let mut order = whose.clone();
    for (name, value) in [
        ("description", json!("小面")),
        ("out_trade_no", json!("T2026020100004")),
        ("notify_url", json!(shop.app.url)),
        ("amount", json!({"total": 100, "currency": "CNY"})),
    ] {
        order[name] = value;
    }
    let native = "/v3/pay/partner/transactions/native";
    let placed = shop.call("POST", native, order.clone()).await;
    assert_eq!(placed.status, 200, "{placed:?}");
    let (status, paid) = shop.pay(json!({"code_url": placed.body["code_url"]})).await;
    assert_eq!(status, 200, "{paid}");
    let next = json!({"kind": "service_provider", "appids": [shop.appid]});
    let next = shop.world.must("POST", "/merchants", next).await;
    let below = json!({"provider": next["mchid"]});
    shop.world
        .must("PATCH", &format!("/merchants/{sub}"), below)
        .await;
    shop.becomes(next).await;
    let query = format!("?sp_mchid={}&sub_mchid={sub}", shop.mchid);
    let path = format!("{orders}/T2026020100004{query}");
    none(&shop.call("GET", &path, Value::Null).await.body);
    order["sp_mchid"] = json!(shop.mchid);
    let used = shop.call("POST", native, order).await;
    assert_eq!(used.body["code"], "INVALID_REQUEST", "{used:?}");
}

/// What a sub-merchant sold is shared by its provider: order, receivers and money are the sub-merchant's.
#[tokio::test]
async fn a_provider_shares_what_its_sub_merchant_sold() {
    let mall = mall().await;
    let shop = &mall.shop;
    let address = json!({"notify_url": shop.app.url});
    let path = format!("/merchants/{}/sharing-address", shop.mchid);
    shop.world.must("PUT", &path, address).await;
    let mut order = mall.order("T2026020100001");
    order["settle_info"] = json!({"profit_sharing": true});
    let path = "/v3/pay/partner/transactions/native";
    let placed = shop.call("POST", path, order).await;
    let (status, paid) = shop.pay(json!({"code_url": placed.body["code_url"]})).await;
    assert_eq!(status, 200, "{paid}");
    let transaction_id = paid["order"]["transaction_id"].as_str().unwrap();
    let (_, key) = shop.encryption_key();
    let add = json!({
        "sub_mchid": mall.sub_mchid, "appid": shop.appid, "type": "MERCHANT_ID",
        "account": shop.mchid, "name": key.encrypt("桥头咖啡").unwrap(),
        "relation_type": "SERVICE_PROVIDER",
    });
    let path = "/v3/profitsharing/receivers/add";
    let known = shop.call("POST", path, add).await;
    assert_eq!(
        known.body["sub_mchid"],
        mall.sub_mchid.as_str(),
        "{known:?}"
    );
    let mut person = json!({
        "sub_mchid": mall.sub_mchid, "appid": shop.appid, "sub_appid": mall.sub_appid,
        "type": "PERSONAL_SUB_OPENID", "account": mall.sub_openid().await,
        "relation_type": "STAFF",
    });
    let known = shop.call("POST", path, person.clone()).await;
    assert_eq!(known.status, 200, "{known:?}");
    person.as_object_mut().unwrap().remove("sub_mchid");
    let own = shop.call("POST", path, person).await;
    assert_eq!(own.body["code"], "PARAM_ERROR", "{own:?}");

    let part = |kind: &str, account: &str, fen: i64| json!({"type": kind, "account": account, "amount": fen, "description": "佣金"});
    let receivers = json!([
        part("MERCHANT_ID", &shop.mchid, 20),
        part("PERSONAL_SUB_OPENID", &mall.sub_openid().await, 5),
    ]);
    let mut body = json!({
        "appid": shop.appid, "sub_appid": mall.sub_appid, "transaction_id": transaction_id,
        "out_order_no": "P1", "receivers": receivers, "unfreeze_unsplit": false,
    });
    let path = "/v3/profitsharing/orders";
    let own = shop.call("POST", path, body.clone()).await;
    assert_eq!(
        own.body["code"], "PARAM_ERROR",
        "no such receivers: {own:?}"
    );
    body["receivers"] = json!([part("MERCHANT_ID", &shop.mchid, 20)]);
    let own = shop.call("POST", path, body.clone()).await;
    assert_eq!(own.body["code"], "ORDER_NOT_EXIST", "{own:?}");
    body["sub_mchid"] = json!(mall.sub_mchid);
    body["receivers"] = receivers;
    let before = shop.world.get(&format!("/merchants/{}", shop.mchid)).await;
    let accepted = shop.call("POST", path, body).await;
    assert_eq!(
        accepted.body["sub_mchid"],
        mall.sub_mchid.as_str(),
        "{accepted:?}"
    );
    shop.world.advance(2).await;
    let query = format!(
        "transaction_id={transaction_id}&sub_mchid={}",
        mall.sub_mchid
    );
    let found = shop
        .call("GET", &format!("{path}/P1?{query}"), Value::Null)
        .await;
    for part in found.body["receivers"].as_array().unwrap() {
        assert_eq!(part["result"], "SUCCESS", "{found:?}");
    }
    let own = format!("{path}/P1?transaction_id={transaction_id}");
    let own = shop.call("GET", &own, Value::Null).await;
    assert_eq!(own.body["code"], "RESOURCE_NOT_EXISTS", "{own:?}");
    let (notice, told) = shop.opened(&shop.app.push(1).await);
    assert_eq!(notice["event_type"], "PROFITSHARING.SUCCESS");
    let of = (&told["sp_mchid"], &told["sub_mchid"]);
    assert_eq!(of, (&json!(shop.mchid), &json!(mall.sub_mchid)), "{told}");
    assert!(told.get("mchid").is_none(), "{told}");
    let amounts = format!("/v3/profitsharing/transactions/{transaction_id}/amounts");
    let left = shop.call("GET", &amounts, Value::Null).await;
    assert_eq!(left.body["unsplit_amount"], 75, "{left:?}");

    let back = json!({
        "sub_mchid": mall.sub_mchid, "out_order_no": "P1", "out_return_no": "B1",
        "return_mchid": shop.mchid, "amount": 8, "description": "退货",
    });
    let returns = "/v3/profitsharing/return-orders";
    let back = shop.call("POST", returns, back).await;
    assert_eq!(back.body["sub_mchid"], mall.sub_mchid.as_str(), "{back:?}");
    shop.world.advance(2).await;
    let path = format!("{returns}/B1?out_order_no=P1&sub_mchid={}", mall.sub_mchid);
    let found = shop.call("GET", &path, Value::Null).await;
    assert_eq!(found.body["result"], "SUCCESS", "{found:?}");
    let own = format!("{returns}/B1?out_order_no=P1");
    let own = shop.call("GET", &own, Value::Null).await;
    assert_eq!(own.body["code"], "RESOURCE_NOT_EXISTS", "{own:?}");
    let sub = format!("/merchants/{}", mall.sub_mchid);
    let purses = shop.world.get(&sub).await;
    assert_eq!(purses["frozen"], 83, "{purses}");
    let available = purses["available"].as_i64().unwrap();
    let rest = json!({
        "sub_mchid": mall.sub_mchid, "transaction_id": transaction_id, "out_order_no": "U1",
        "description": "解冻",
    });
    let path = "/v3/profitsharing/orders/unfreeze";
    let rest = shop.call("POST", path, rest).await;
    assert_eq!(rest.status, 200, "{rest:?}");
    shop.world.advance(2).await;
    let purses = shop.world.get(&sub).await;
    assert_eq!(purses["available"], available + 83, "{purses}");
    let after = shop.world.get(&format!("/merchants/{}", shop.mchid)).await;
    let (was, is) = (before["available"].as_i64(), after["available"].as_i64());
    assert_eq!(is, was.map(|fen| fen + 12), "{after}");
}

// ---- The second generation.

type Elements = Vec<(String, String)>;

fn text<'e>(elements: &'e Elements, name: &str) -> &'e str {
    let found = elements.iter().find(|(own, _)| own == name);
    found.map_or("", |(_, value)| value)
}

#[tokio::test]
async fn a_provider_orders_and_refunds_in_xml() {
    let mall = mall().await;
    let shop = &mall.shop;
    let sub_openid = mall.sub_openid().await;
    let how = SignType::Md5;
    let mut fields = vec![
        ("sub_mch_id", mall.sub_mchid.as_str()),
        ("sub_appid", &mall.sub_appid),
        ("body", "小面"),
        ("out_trade_no", "T2026020100001"),
        ("total_fee", "100"),
        ("spbill_create_ip", "127.0.0.1"),
        ("trade_type", "JSAPI"),
        ("sub_openid", &sub_openid),
        ("notify_url", &shop.app.url),
    ];
    let placed = shop.xml("/pay/unifiedorder", &fields, how).await;
    assert_eq!(text(&placed, "result_code"), "SUCCESS", "{placed:?}");
    assert_eq!(text(&placed, "sub_mch_id"), mall.sub_mchid);
    shop.app
        .otherwise(|_| Told::body("<xml><return_code>SUCCESS</return_code></xml>"));
    let prepay_id = text(&placed, "prepay_id");
    let act = json!({"do": "pay", "account": mall.sub_appid, "prepay_id": prepay_id});
    shop.world.act(&shop.user, act).await;
    let notice = elements(&shop.app.push(0).await.body);
    let signed = notice.iter().map(|(name, value)| (&**name, &**value));
    let genuine = pay_v2::verify(signed, &shop.v2_key(), how, text(&notice, "sign"));
    assert!(genuine.is_ok(), "the provider's key: {notice:?}");
    let sub = [("sub_mch_id", mall.sub_mchid.as_str())];
    let number = [sub[0], ("out_trade_no", "T2026020100001")];
    let found = shop.xml("/pay/orderquery", &number, how).await;
    for told in [&notice, &found] {
        for (name, value) in [
            ("appid", shop.appid.as_str()),
            ("mch_id", &shop.mchid),
            ("sub_mch_id", &mall.sub_mchid),
            ("openid", &shop.openid),
            ("sub_openid", &sub_openid),
            ("sub_is_subscribe", "Y"),
        ] {
            assert_eq!(text(told, name), value, "{name}: {told:?}");
        }
    }
    let refund = [
        &number[..],
        &[
            ("out_refund_no", "R1"),
            ("total_fee", "100"),
            ("refund_fee", "60"),
        ],
        &[("notify_url", shop.app.url.as_str())],
    ];
    let accepted = shop.xml("/secapi/pay/refund", &refund.concat(), how).await;
    assert_eq!(text(&accepted, "result_code"), "SUCCESS", "{accepted:?}");
    shop.world.advance(2).await;
    let number = [sub[0], ("out_refund_no", "R1")];
    let found = shop.xml("/pay/refundquery", &number, how).await;
    assert_eq!(text(&found, "refund_status_0"), "SUCCESS", "{found:?}");
    let told = elements(&shop.app.push(1).await.body);
    assert_eq!(
        (text(&told, "mch_id"), text(&told, "sub_mch_id")),
        (&*shop.mchid, &*mall.sub_mchid)
    );
    assert_eq!(mall.unsettled(&mall.sub_mchid).await, 40);

    fields[0].1 = "1900000109";
    let stranger = shop.xml("/pay/unifiedorder", &fields, how).await;
    assert_eq!(text(&stranger, "return_code"), "FAIL");
    assert_eq!(text(&stranger, "return_msg"), "受理关系不存在");
    fields[0].1 = &mall.sub_mchid;
    fields[1].1 = &shop.appid;
    let wrong = shop.xml("/pay/unifiedorder", &fields, how).await;
    assert_eq!(text(&wrong, "err_code"), "APPID_MCHID_NOT_MATCH");
}

#[tokio::test]
async fn a_provider_shares_in_xml() {
    let mall = mall().await;
    let shop = &mall.shop;
    let how = SignType::HmacSha256;
    let sub = ("sub_mch_id", mall.sub_mchid.as_str());
    let fields = [
        sub,
        ("body", "小面"),
        ("out_trade_no", "T2026020100001"),
        ("total_fee", "100"),
        ("spbill_create_ip", "127.0.0.1"),
        ("trade_type", "NATIVE"),
        ("product_id", "1"),
        ("profit_sharing", "Y"),
        ("notify_url", &shop.app.url),
    ];
    let placed = shop.xml("/pay/unifiedorder", &fields, how).await;
    let (status, paid) = shop
        .pay(json!({"code_url": text(&placed, "code_url")}))
        .await;
    assert_eq!(status, 200, "{paid} {placed:?}");
    let id = (
        "transaction_id",
        paid["order"]["transaction_id"].as_str().unwrap(),
    );
    let receiver = json!({
        "type": "MERCHANT_ID", "account": shop.mchid, "name": "桥头咖啡",
        "relation_type": "SERVICE_PROVIDER",
    });
    let receiver = receiver.to_string();
    let known = [sub, ("receiver", receiver.as_str())];
    let known = shop.xml("/pay/profitsharingaddreceiver", &known, how).await;
    assert_eq!(text(&known, "result_code"), "SUCCESS", "{known:?}");
    let parts = json!([{
        "type": "MERCHANT_ID", "account": shop.mchid, "amount": 20, "description": "佣金",
    }]);
    let parts = parts.to_string();
    let share = [sub, id, ("out_order_no", "P1"), ("receivers", &parts)];
    let path = "/secapi/pay/multiprofitsharing";
    let own = shop.xml(path, &share[1..], how).await;
    assert_eq!(text(&own, "err_code"), "INVALID_TRANSACTIONID", "{own:?}");
    let accepted = shop.xml(path, &share, how).await;
    assert_eq!(text(&accepted, "result_code"), "SUCCESS", "{accepted:?}");
    shop.world.advance(2).await;
    let path = "/pay/profitsharingquery";
    let found = shop.xml(path, &share[..3], how).await;
    assert_eq!(text(&found, "status"), "FINISHED", "{found:?}");
    let own = shop.xml(path, &share[1..3], how).await;
    assert_eq!(text(&own, "err_code"), "INVALID_REQUEST", "{own:?}");
    let path = "/pay/profitsharingorderamountquery";
    let left = shop.xml(path, &[id], how).await;
    assert_eq!(text(&left, "unsplit_amount"), "80", "{left:?}");
    let finish = [sub, id, ("out_order_no", "F1"), ("description", "完结")];
    let path = "/secapi/pay/profitsharingfinish";
    let finished = shop.xml(path, &finish, how).await;
    assert_eq!(text(&finished, "result_code"), "SUCCESS", "{finished:?}");
    shop.world.advance(2).await;
    let purses = shop
        .world
        .get(&format!("/merchants/{}", mall.sub_mchid))
        .await;
    assert_eq!(purses["frozen"], 0, "{purses}");
}
