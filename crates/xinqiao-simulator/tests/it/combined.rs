//! Orders of several merchants that are paid as one.

use serde_json::{Value, json};

use crate::shop::Shop;

/// A market with a stall of another merchant in the same account.
struct Market {
    shop: Shop,
    stall: String,
}

const NUMBER: &str = "C2026020100001";

async fn market() -> Market {
    let shop = Shop::open_with(json!({"kind": "service_provider", "unsettled": 0})).await;
    let new = json!({"name": "山城面馆", "appids": [shop.appid], "unsettled": 0});
    let stall = shop.world.must("POST", "/merchants", new).await;
    Market {
        stall: stall["mchid"].as_str().unwrap().to_owned(),
        shop,
    }
}

fn sub(mchid: &str, out_trade_no: &str, total: i64) -> Value {
    json!({
        "mchid": mchid,
        "attach": "桌 7",
        "description": "小面",
        "out_trade_no": out_trade_no,
        "amount": {"total_amount": total, "currency": "CNY"},
    })
}

impl Market {
    fn order(&self, number: &str) -> Value {
        json!({
            "combine_appid": self.shop.appid,
            "combine_mchid": self.shop.mchid,
            "combine_out_trade_no": number,
            "notify_url": self.shop.app.url,
            "combine_payer_info": {"openid": self.shop.openid},
            "sub_orders": [
                sub(&self.shop.mchid, &format!("A{number}"), 100),
                sub(&self.stall, &format!("B{number}"), 250),
            ],
        })
    }

    async fn place(&self, kind: &str, order: Value) -> crate::shop::Answer {
        let path = format!("/v3/combine-transactions/{kind}");
        self.shop.call("POST", &path, order).await
    }

    async fn query(&self, combine_out_trade_no: &str) -> Value {
        let path = format!("/v3/combine-transactions/out-trade-no/{combine_out_trade_no}");
        self.shop.call("GET", &path, Value::Null).await.body
    }

    async fn unsettled(&self, mchid: &str) -> i64 {
        let own = self.shop.world.get(&format!("/merchants/{mchid}")).await;
        own["unsettled"].as_i64().unwrap()
    }

    async fn states(&self, number: &str) -> Vec<String> {
        let found = self.query(number).await;
        { found["sub_orders"].as_array().unwrap().iter() }
            .map(|sub| sub["trade_state"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// `/v3/combine-transactions/jsapi` with a sub-order that is to be shared.
#[tokio::test]
async fn a_sub_order_that_is_to_be_shared_is_frozen_and_no_other() {
    let market = market().await;
    let mut order = market.order(NUMBER);
    order["sub_orders"][1]["settle_info"] = json!({"profit_sharing": true});
    let placed = market.place("jsapi", order).await;
    let prepay_id = placed.body["prepay_id"].as_str().unwrap();
    let pay = json!({"do": "pay", "account": market.shop.appid, "prepay_id": prepay_id});
    market.shop.world.act(&market.shop.user, pay).await;
    let stall = format!("/merchants/{}", market.stall);
    assert_eq!(market.shop.world.get(&stall).await["frozen"], 250);
    assert_eq!(market.unsettled(&market.stall).await, 0);
    assert_eq!(market.unsettled(&market.shop.mchid).await, 100);
}

/// `/v3/combine-transactions/jsapi`, its queries, the notice and refunds of its orders.
#[tokio::test]
async fn orders_of_two_merchants_are_paid_as_one_and_told_once() {
    let market = market().await;
    let shop = &market.shop;
    let path = "/v3/combine-transactions/jsapi";
    let placed = shop.call("POST", path, market.order(NUMBER)).await;
    assert_eq!(placed.status, 200, "{placed:?}");
    assert_eq!(market.states(NUMBER).await, ["NOTPAY", "NOTPAY"]);
    let prepay_id = placed.body["prepay_id"].as_str().unwrap();
    let look = json!({"jsapi": shop.params(prepay_id), "look": true});
    assert_eq!(shop.pay(look).await.1["total"], 350);
    let (status, paid) = shop.pay(json!({"jsapi": shop.params(prepay_id)})).await;
    assert_eq!(status, 200, "{paid}");
    assert_eq!(paid["order"]["total"], 350);
    assert_eq!(paid["order"]["sub_orders"].as_array().unwrap().len(), 2);
    // Each merchant has its own.
    assert_eq!(market.unsettled(&shop.mchid).await, 100);
    assert_eq!(market.unsettled(&market.stall).await, 250);
    let found = market.query(NUMBER).await;
    assert_eq!(
        found["combine_payer_info"]["openid"], shop.openid,
        "{found}"
    );
    let sums: Vec<i64> = { found["sub_orders"].as_array().unwrap().iter() }
        .map(|sub| sub["amount"]["payer_amount"].as_i64().unwrap())
        .collect();
    assert_eq!(sums, [100, 250]);
    assert_eq!(market.states(NUMBER).await, ["SUCCESS", "SUCCESS"]);
    let combine_transaction_id = found["combine_transaction_id"].as_str().unwrap();
    let path = format!("/v3/combine-transactions/id/{combine_transaction_id}");
    let by_id = shop.call("GET", &path, Value::Null).await.body;
    assert_eq!(by_id, found);
    // One notice with both.
    assert_eq!(shop.app.pushes().len(), 1);
    let (notice, told) = shop.opened(&shop.app.push(0).await);
    assert_eq!(notice["event_type"], "TRANSACTION.SUCCESS");
    assert_eq!(told, found);
    // Nobody pays twice.
    let (status, again) = shop.pay(json!({"jsapi": shop.params(prepay_id)})).await;
    assert_eq!(status, 422, "{again}");
    // An order of it is refunded like any other.
    let refund = json!({
        "transaction_id": found["sub_orders"][0]["transaction_id"],
        "out_refund_no": "R1",
        "amount": {"refund": 60, "total": 100, "currency": "CNY"},
    });
    let path = "/v3/refund/domestic/refunds";
    let accepted = shop.call("POST", path, refund).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    assert_eq!(market.states(NUMBER).await, ["REFUND", "SUCCESS"]);
    assert_eq!(market.unsettled(&shop.mchid).await, 40);
}

/// `/v3/combine-transactions/native`, `/v3/combine-transactions/app`, `/v3/combine-transactions/h5`,
/// `/v3/combine-transactions/miniprogram`.
#[tokio::test]
async fn orders_are_combined_in_every_way_to_pay() {
    let market = market().await;
    let shop = &market.shop;
    for (path, opener) in [
        ("/v3/combine-transactions/native", "code_url"),
        ("/v3/combine-transactions/h5", "h5_url"),
        ("/v3/combine-transactions/app", "app"),
        ("/v3/combine-transactions/miniprogram", "jsapi"),
    ] {
        let number = format!("C20260201{opener}");
        let mut order = market.order(&number);
        if opener == "h5_url" {
            order["scene_info"] = json!({
                "payer_client_ip": "127.0.0.1",
                "device_id": "S1",
                "h5_info": {"type": "Wap"},
            });
        }
        let placed = shop.call("POST", path, order).await;
        assert_eq!(placed.status, 200, "{path}: {placed:?}");
        let prepay_id = placed.body["prepay_id"].as_str().unwrap_or_default();
        let how = match opener {
            "app" => json!({"app": shop.app_params(prepay_id)}),
            "jsapi" => json!({"jsapi": shop.params(prepay_id)}),
            _ => json!({opener: placed.body[opener]}),
        };
        let (status, paid) = shop.pay(how).await;
        assert_eq!(status, 200, "{path}: {paid}");
        assert_eq!(market.states(&number).await, ["SUCCESS", "SUCCESS"]);
    }
}

/// `/v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close`.
#[tokio::test]
async fn combined_orders_are_closed_together() {
    let market = market().await;
    let shop = &market.shop;
    let combine_out_trade_no = NUMBER;
    let placed = market.place("jsapi", market.order(NUMBER)).await;
    let subs = market.order(NUMBER)["sub_orders"].clone();
    let named = |subs: Value| json!({"combine_appid": shop.appid, "sub_orders": subs});
    let path = format!("/v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close");
    let brief =
        |at: usize| json!({"mchid": subs[at]["mchid"], "out_trade_no": subs[at]["out_trade_no"]});
    let one = shop.call("POST", &path, named(json!([brief(0)]))).await;
    assert_eq!(one.body["code"], "PARAM_ERROR", "{one:?}");
    let all = named(json!([brief(0), brief(1)]));
    assert_eq!(shop.call("POST", &path, all.clone()).await.status, 204);
    assert_eq!(market.states(NUMBER).await, ["CLOSED", "CLOSED"]);
    let (status, late) = shop
        .pay(json!({"prepay_id": placed.body["prepay_id"]}))
        .await;
    assert_eq!(status, 422, "{late}");
    let again = market.place("jsapi", market.order(NUMBER)).await;
    assert_eq!(again.body["code"], "ORDER_CLOSED", "{again:?}");
    let unknown = "/v3/combine-transactions/out-trade-no/C2026020100009/close";
    let unknown = shop.call("POST", unknown, all).await;
    assert_eq!(unknown.body["code"], "ORDER_NOT_EXIST");
}

#[tokio::test]
async fn combined_orders_of_which_one_cannot_be_closed_stay_as_they_are() {
    let market = market().await;
    let shop = &market.shop;
    market.place("jsapi", market.order(NUMBER)).await;
    let own = market.order(NUMBER)["sub_orders"].clone();
    let gone = format!("/merchants/{}", market.stall);
    shop.world.must("DELETE", &gone, json!({})).await;
    let body = json!({"combine_appid": shop.appid, "sub_orders": own});
    let path = format!("/v3/combine-transactions/out-trade-no/{NUMBER}/close");
    let answer = shop.call("POST", &path, body).await;
    assert_eq!(answer.body["code"], "ORDER_NOT_EXIST", "{answer:?}");
    assert_eq!(market.states(NUMBER).await, ["NOTPAY"]);
}

#[tokio::test]
async fn combined_orders_are_placed_again_alike_or_not_at_all() {
    let market = market().await;
    let shop = &market.shop;
    let first = market.place("jsapi", market.order(NUMBER)).await;
    let again = market.place("jsapi", market.order(NUMBER)).await;
    assert_ne!(first.body["prepay_id"], again.body["prepay_id"]);
    let mut dearer = market.order(NUMBER);
    dearer["sub_orders"][0]["amount"]["total_amount"] = json!(101);
    let dearer = market.place("jsapi", dearer).await;
    assert_eq!(dearer.body["code"], "OUT_TRADE_NO_USED", "{dearer:?}");
    // A number that one of the merchants used elsewhere: then nothing of it is placed.
    shop.place("AC2026020100002").await;
    let used = market.place("jsapi", market.order("C2026020100002")).await;
    assert_eq!(used.body["code"], "OUT_TRADE_NO_USED", "{used:?}");
    let orders = shop
        .world
        .get(&format!("/merchants/{}/orders", market.stall))
        .await;
    assert_eq!(orders["items"].as_array().unwrap().len(), 1, "{orders}");
    // What one merchant closed of it cannot be paid by half.
    let path = format!("/v3/pay/transactions/out-trade-no/A{NUMBER}/close");
    let closed = shop.call("POST", &path, json!({"mchid": shop.mchid})).await;
    assert_eq!(closed.status, 204);
    let (status, _) = shop
        .pay(json!({"prepay_id": first.body["prepay_id"]}))
        .await;
    assert_eq!(status, 422);
    assert_eq!(market.unsettled(&market.stall).await, 0);
}

#[tokio::test]
async fn a_wrong_combined_order_is_refused_and_the_field_is_named() {
    let market = market().await;
    let shop = &market.shop;
    let stranger = shop.world.must("POST", "/merchants", json!({})).await;
    let of = |at: usize, name: &str, value: Value| {
        let mut order = market.order(NUMBER);
        order["sub_orders"][at][name] = value;
        order
    };
    let whole = |name: &str, value: Value| {
        let mut order = market.order(NUMBER);
        order[name] = value;
        order
    };
    let one = json!([market.order(NUMBER)["sub_orders"][0]]);
    let free = json!({"total_amount": 0, "currency": "CNY"});
    for (order, code) in [
        (whole("sub_orders", one), "PARAM_ERROR"),
        (whole("combine_mchid", json!(market.stall)), "PARAM_ERROR"),
        (
            whole("combine_appid", json!("wx0000000000000000")),
            "APPID_MCHID_NOT_MATCH",
        ),
        (whole("combine_out_trade_no", json!("short")), "PARAM_ERROR"),
        (
            whole("combine_payer_info", json!({"openid": "oNobody"})),
            "PARAM_ERROR",
        ),
        (of(0, "amount", free), "PARAM_ERROR"),
        (of(1, "description", json!("长".repeat(128))), "PARAM_ERROR"),
        (
            of(1, "mchid", stranger["mchid"].clone()),
            "APPID_MCHID_NOT_MATCH",
        ),
        (of(0, "sub_mchid", json!(market.stall)), "NO_AUTH"),
    ] {
        let answer = market.place("jsapi", order.clone()).await;
        assert_eq!(answer.body["code"], code, "{order}: {answer:?}");
    }
    let mut twice = market.order(NUMBER);
    twice["sub_orders"][1] = twice["sub_orders"][0].clone();
    let answer = market.place("jsapi", twice).await;
    let field = &answer.body["detail"]["field"];
    assert_eq!(field, "sub_orders[1].out_trade_no", "{answer:?}");
}

#[tokio::test]
async fn a_provider_combines_orders_of_its_sub_merchants() {
    let market = market().await;
    let shop = &market.shop;
    let own = format!("/merchants/{}", market.stall);
    shop.world
        .must("PATCH", &own, json!({"provider": shop.mchid}))
        .await;
    let mut order = market.order(NUMBER);
    order["sub_orders"][1] = sub(&shop.mchid, "BC2026020100001", 250);
    order["sub_orders"][1]["sub_mchid"] = json!(market.stall);
    let placed = market.place("native", order).await;
    let (status, paid) = shop.pay(json!({"code_url": placed.body["code_url"]})).await;
    assert_eq!(status, 200, "{paid}");
    assert_eq!(market.unsettled(&market.stall).await, 250);
    let found = market.query(NUMBER).await;
    let sub = &found["sub_orders"][1];
    assert_eq!(sub["mchid"], shop.mchid, "{found}");
    assert_eq!(sub["sub_mchid"], market.stall.as_str());
    let refund = json!({
        "sub_mchid": market.stall,
        "transaction_id": sub["transaction_id"],
        "out_refund_no": "R1",
        "amount": {"refund": 250, "total": 250, "currency": "CNY"},
    });
    let accepted = shop
        .call("POST", "/v3/refund/domestic/refunds", refund)
        .await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    assert_eq!(market.unsettled(&market.stall).await, 0);
}
