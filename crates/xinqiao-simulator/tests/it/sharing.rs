//! Profit sharing of both generations: what is frozen, who gets what, what comes back.

use serde_json::{Value, json};
use xinqiao_crypto::pay_v2::SignType;
use xinqiao_testkit::TestApp;

use crate::shop::{Answer, Shop, elements};

const ORDER: &str = "T2026020100001";

/// A shop whose order of 100 fen is paid and frozen, and a merchant that may get of it.
struct Partners {
    shop: Shop,
    transaction_id: String,
    partner: String,
    partner_app: TestApp,
}

async fn pay(shop: &Shop, number: &str, more: Value) -> String {
    let mut order = shop.order(number);
    for (name, value) in more.as_object().unwrap() {
        order[name] = value.clone();
    }
    let path = "/v3/pay/transactions/jsapi";
    let placed = shop.call("POST", path, order).await;
    let prepay_id = &placed.body["prepay_id"];
    let (status, paid) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 200, "{paid}");
    let id = paid["order"]["transaction_id"].as_str();
    id.unwrap().to_owned()
}

fn flag() -> Value {
    json!({"settle_info": {"profit_sharing": true}})
}

impl Partners {
    async fn open() -> Self {
        let shop = Shop::open().await;
        let freeze = json!({"freeze": true});
        shop.world.must("POST", "/clock", freeze).await;
        let settings =
            json!({"name": "供货商", "available": 0, "api_v3_key": shop.merchant["api_v3_key"]});
        let partner = shop.world.must("POST", "/merchants", settings).await;
        let partner = partner["mchid"].as_str().unwrap().to_owned();
        let partner_app = TestApp::start().await;
        let path = format!("/merchants/{partner}/sharing-address");
        let address = json!({"notify_url": partner_app.url});
        shop.world.must("PUT", &path, address).await;
        let transaction_id = pay(&shop, ORDER, flag()).await;
        Self {
            shop,
            transaction_id,
            partner,
            partner_app,
        }
    }

    fn sealed(&self, text: &str) -> String {
        let (_, key) = self.shop.encryption_key();
        key.encrypt(text).unwrap()
    }

    async fn add(&self, kind: &str, account: &str, name: Option<&str>) -> Answer {
        let mut body = json!({
            "appid": self.shop.appid, "type": kind, "account": account, "relation_type": "SUPPLIER",
        });
        if let Some(name) = name {
            body["name"] = json!(self.sealed(name));
        }
        let path = "/v3/profitsharing/receivers/add";
        self.shop.call("POST", path, body).await
    }

    async fn know_both(&self) {
        let merchant = self.add("MERCHANT_ID", &self.partner, Some("供货商")).await;
        assert_eq!(merchant.status, 200, "{merchant:?}");
        let person = self.add("PERSONAL_OPENID", &self.shop.openid, None).await;
        assert_eq!(person.status, 200, "{person:?}");
    }

    fn part(&self, fen: i64) -> Value {
        json!({
            "type": "MERCHANT_ID", "account": self.partner, "amount": fen, "description": "货款",
        })
    }

    async fn share(&self, number: &str, parts: Value, last: bool) -> Answer {
        let body = json!({
            "appid": self.shop.appid,
            "transaction_id": self.transaction_id,
            "out_order_no": number,
            "receivers": parts,
            "unfreeze_unsplit": last,
        });
        self.shop
            .call("POST", "/v3/profitsharing/orders", body)
            .await
    }

    async fn found(&self, out_order_no: &str) -> Value {
        let of = &self.transaction_id;
        let path = format!("/v3/profitsharing/orders/{out_order_no}?transaction_id={of}");
        self.shop.call("GET", &path, Value::Null).await.body
    }

    async fn left(&self) -> Value {
        let transaction_id = &self.transaction_id;
        let path = format!("/v3/profitsharing/transactions/{transaction_id}/amounts");
        let answer = self.shop.call("GET", &path, Value::Null).await;
        answer.body["unsplit_amount"].clone()
    }

    async fn unfreeze(&self, number: &str) -> Answer {
        let body = json!({
            "transaction_id": self.transaction_id, "out_order_no": number, "description": "解冻",
        });
        let path = "/v3/profitsharing/orders/unfreeze";
        self.shop.call("POST", path, body).await
    }

    async fn give_back(&self, number: &str, of: &str, fen: i64) -> Answer {
        let body = json!({
            "out_order_no": of,
            "out_return_no": number,
            "return_mchid": self.partner,
            "amount": fen,
            "description": "退货",
        });
        let path = "/v3/profitsharing/return-orders";
        self.shop.call("POST", path, body).await
    }

    async fn purse(&self, mchid: &str, name: &str) -> i64 {
        let merchant = self.shop.world.get(&format!("/merchants/{mchid}")).await;
        merchant[name].as_i64().unwrap()
    }

    async fn own(&self, name: &str) -> i64 {
        self.purse(&self.shop.mchid, name).await
    }
}

fn refused(answer: &Answer, status: u16, code: &str) {
    let got = (answer.status, &answer.body["code"]);
    assert_eq!(got, (status, &json!(code)), "{answer:?}");
}

/// `/v3/profitsharing/receivers/add`, `orders`, and the notice to who gets something.
#[tokio::test]
async fn an_order_is_shared_with_a_merchant_and_a_person_and_told() {
    let of = Partners::open().await;
    let (unsettled, available) = (of.own("unsettled").await, of.own("available").await);
    assert_eq!(of.own("frozen").await, 100);
    of.know_both().await;
    assert_eq!(of.left().await, 100);
    let person = json!({
        "type": "PERSONAL_OPENID", "account": of.shop.openid, "amount": 5, "description": "佣金",
    });
    let parts = json!([of.part(20), person]);
    let accepted = of.share("P1", parts.clone(), false).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    assert_eq!(accepted.body["state"], "PROCESSING");
    assert_eq!(accepted.body["receivers"][0]["result"], "PENDING");
    assert_eq!(of.left().await, 75, "what is on its way is spoken for");
    assert_eq!(of.own("frozen").await, 100);
    let again = of.share("P1", parts, false).await;
    assert_eq!(again.body["order_id"], accepted.body["order_id"]);
    refused(
        &of.share("P1", json!([of.part(21)]), false).await,
        400,
        "INVALID_REQUEST",
    );
    of.shop.world.advance(2).await;
    let found = of.found("P1").await;
    assert_eq!(found["state"], "FINISHED");
    for part in found["receivers"].as_array().unwrap() {
        assert_eq!(part["result"], "SUCCESS", "{found}");
    }
    assert_eq!(of.own("frozen").await, 75);
    assert_eq!(of.purse(&of.partner, "available").await, 20);
    let wallet = of
        .shop
        .world
        .get(&format!("/users/{}/wallet", of.shop.user))
        .await;
    assert_eq!(wallet["received"], 5);
    assert_eq!(of.own("unsettled").await, unsettled);
    assert_eq!(of.own("available").await, available);
    let told = of.partner_app.pushes();
    assert_eq!(told.len(), 1, "people are not told by a notice");
    let (notice, resource) = of.shop.opened(&told[0]);
    assert_eq!(notice["event_type"], "PROFITSHARING.SUCCESS");
    assert_eq!(resource["mchid"], of.shop.mchid);
    assert_eq!(resource["receiver"]["amount"], 20);
    assert_eq!(resource["receiver"]["account"], of.partner);
}

#[tokio::test]
async fn what_is_wrong_with_a_sharing_is_named() {
    let of = Partners::open().await;
    let unknown = of.share("P1", json!([of.part(20)]), false).await;
    refused(&unknown, 400, "INVALID_REQUEST");
    let wrong_name = of.add("MERCHANT_ID", &of.partner, Some("别人")).await;
    refused(&wrong_name, 400, "INVALID_REQUEST");
    let nobody = of.add("MERCHANT_ID", "1900000000", Some("别人")).await;
    refused(&nobody, 400, "PARAM_ERROR");
    let mut plain = json!({
        "appid": of.shop.appid, "type": "MERCHANT_ID", "account": of.partner,
        "relation_type": "SUPPLIER", "name": "供货商",
    });
    let path = "/v3/profitsharing/receivers/add";
    let answer = of.shop.call("POST", path, plain.clone()).await;
    refused(&answer, 400, "PARAM_ERROR");
    plain["name"] = json!(of.sealed("供货商"));
    plain["relation_type"] = json!("CUSTOM");
    let answer = of.shop.call("POST", path, plain).await;
    refused(&answer, 400, "PARAM_ERROR");

    of.know_both().await;
    let over = of.share("P1", json!([of.part(31)]), false).await;
    refused(&over, 403, "RULE_LIMIT");
    let more = json!({"rules": {"pay.sharing_percent": 100, "pay.sharing_delay": 60}});
    let path = format!("/merchants/{}", of.shop.mchid);
    of.shop.world.must("PATCH", &path, more).await;
    let early = of.share("P1", json!([of.part(31)]), false).await;
    refused(&early, 400, "INVALID_REQUEST");
    of.shop.world.advance(60).await;
    let too_much = of.share("P1", json!([of.part(101)]), false).await;
    refused(&too_much, 403, "NOT_ENOUGH");
    let twice = json!([of.part(1), of.part(2)]);
    refused(&of.share("P1", twice, false).await, 400, "PARAM_ERROR");
    assert_eq!(of.share("P1", json!([of.part(31)]), true).await.status, 200);
    let finished = of.share("P2", json!([of.part(1)]), false).await;
    refused(&finished, 400, "INVALID_REQUEST");

    let plain = pay(&of.shop, "T2026020100002", json!({})).await;
    let path = format!("/v3/profitsharing/transactions/{plain}/amounts");
    let answer = of.shop.call("GET", &path, Value::Null).await;
    refused(&answer, 400, "INVALID_REQUEST");
    let rows = of.shop.world.get("/timeline").await;
    let said = { rows["items"].as_array().unwrap().iter() }
        .any(|row| row["diagnosis"]["rule"] == "pay.sharing.not_flagged");
    assert!(said, "{rows}");
}

/// `/v3/profitsharing/receivers/delete`.
#[tokio::test]
async fn who_is_not_known_any_more_gets_nothing() {
    let of = Partners::open().await;
    of.know_both().await;
    let accepted = of.share("P1", json!([of.part(20)]), false).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    let body = json!({"appid": of.shop.appid, "type": "MERCHANT_ID", "account": of.partner});
    let path = "/v3/profitsharing/receivers/delete";
    let gone = of.shop.call("POST", path, body).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    of.shop.world.advance(2).await;
    let found = of.found("P1").await;
    assert_eq!(found["receivers"][0]["result"], "CLOSED");
    assert_eq!(found["receivers"][0]["fail_reason"], "NO_RELATION");
    assert_eq!(of.left().await, 100, "it may be shared again");
    assert_eq!(of.own("frozen").await, 100);
    assert!(of.partner_app.pushes().is_empty());
}

/// `/v3/profitsharing/orders/unfreeze`.
#[tokio::test]
async fn what_is_left_is_unfrozen_by_hand_or_when_its_time_is_over() {
    let of = Partners::open().await;
    of.know_both().await;
    let before = of.own("available").await;
    let unfrozen = of.unfreeze("U1").await;
    assert_eq!(unfrozen.status, 200, "{unfrozen:?}");
    assert_eq!(unfrozen.body["state"], "PROCESSING");
    of.shop.world.advance(2).await;
    assert_eq!(of.found("U1").await["state"], "FINISHED");
    assert_eq!(of.own("frozen").await, 0);
    assert_eq!(of.own("available").await, before + 100);
    assert_eq!(of.left().await, 0);

    pay(&of.shop, "T2026020100002", flag()).await;
    of.shop.world.advance(179 * 86_400).await;
    assert_eq!(of.own("frozen").await, 100);
    of.shop.world.advance(86_400).await;
    assert_eq!(of.own("frozen").await, 0);
    assert_eq!(of.own("available").await, before + 200);
}

/// A sharing that unfreezes the rest, one of whose receivers fails.
#[tokio::test]
async fn what_a_receiver_does_not_get_stays_with_the_merchant() {
    let of = Partners::open().await;
    of.know_both().await;
    let rules = json!({"rules": {"pay.sharing_result": "RECEIVER_HIGH_RISK"}});
    let path = format!("/merchants/{}", of.shop.mchid);
    of.shop.world.must("PATCH", &path, rules).await;
    let before = of.own("available").await;
    of.share("P1", json!([of.part(30)]), true).await;
    of.shop.world.advance(2).await;
    let found = of.found("P1").await;
    assert_eq!(found["receivers"][0]["fail_reason"], "RECEIVER_HIGH_RISK");
    assert_eq!(found["receivers"][1]["amount"], 70, "{found}");
    assert_eq!(of.own("frozen").await, 0);
    assert_eq!(of.own("available").await, before + 100);
}

/// `/v3/profitsharing/return-orders`, and the notice.
#[tokio::test]
async fn shared_money_comes_back() {
    let of = Partners::open().await;
    of.know_both().await;
    of.share("P1", json!([of.part(20)]), false).await;
    let early = of.give_back("B1", "P1", 5).await;
    refused(&early, 400, "INVALID_REQUEST");
    of.shop.world.advance(2).await;
    let before = of.own("available").await;
    assert_eq!(of.own("frozen").await, 80);
    refused(
        &of.give_back("B1", "P9", 5).await,
        404,
        "RESOURCE_NOT_EXISTS",
    );
    refused(&of.give_back("B1", "P1", 21).await, 400, "INVALID_REQUEST");
    let accepted = of.give_back("B1", "P1", 15).await;
    assert_eq!(accepted.body["result"], "PROCESSING", "{accepted:?}");
    refused(&of.give_back("B2", "P1", 6).await, 400, "INVALID_REQUEST");
    of.shop.world.advance(2).await;
    let out_return_no = "B1";
    let path = format!("/v3/profitsharing/return-orders/{out_return_no}?out_order_no=P1");
    let found = of.shop.call("GET", &path, Value::Null).await;
    assert_eq!(found.body["result"], "SUCCESS", "{found:?}");
    assert_eq!(of.own("available").await, before);
    assert_eq!(of.own("frozen").await, 95, "its order is frozen still");
    assert_eq!(of.left().await, 95);
    assert_eq!(of.purse(&of.partner, "available").await, 5);
    let mut other = json!({
        "out_order_no": "P1", "out_return_no": "B1", "return_mchid": of.partner, "amount": 15,
        "description": "另一个原因",
    });
    let path = "/v3/profitsharing/return-orders";
    let answer = of.shop.call("POST", path, other.clone()).await;
    refused(&answer, 400, "INVALID_REQUEST");
    other["description"] = json!("退货");
    let again = of.shop.call("POST", path, other).await;
    assert_eq!(again.body["return_id"], found.body["return_id"]);
    let told = of.partner_app.pushes();
    let (notice, resource) = of.shop.opened(&told[1]);
    assert_eq!(notice["event_type"], "PROFITSHARING.RETURN");
    assert_eq!(resource["receiver"]["amount"], 15);
    let path = format!("/merchants/{}", of.partner);
    of.shop
        .world
        .must("PATCH", &path, json!({"available": 0}))
        .await;
    refused(&of.give_back("B2", "P1", 5).await, 403, "NOT_ENOUGH");
    // Who is gone has nothing to give.
    of.shop.world.must("DELETE", &path, json!({})).await;
    let of_nobody = of.give_back("B2", "P1", 5).await;
    refused(&of_nobody, 400, "INVALID_REQUEST");
}

/// Where nothing of the order is frozen any more, the money is free.
#[tokio::test]
async fn shared_money_that_comes_back_late_is_free() {
    let of = Partners::open().await;
    of.know_both().await;
    of.share("P1", json!([of.part(30)]), true).await;
    of.shop.world.advance(2).await;
    let before = of.own("available").await;
    of.give_back("B1", "P1", 30).await;
    of.shop.world.advance(2).await;
    assert_eq!(of.own("available").await, before + 30);
    assert_eq!((of.own("frozen").await, of.left().await), (0, json!(0)));
}

/// What came back pays for the refund of all, and may be shared again.
#[tokio::test]
async fn shared_money_that_came_back_is_shared_and_refunded_again() {
    let of = Partners::open().await;
    of.know_both().await;
    of.share("P1", json!([of.part(30)]), false).await;
    of.shop.world.advance(2).await;
    refused(
        &of.share("P2", json!([of.part(1)]), false).await,
        403,
        "RULE_LIMIT",
    );
    of.give_back("B1", "P1", 30).await;
    of.shop.world.advance(2).await;
    assert_eq!(of.share("P2", json!([of.part(1)]), false).await.status, 200);
    of.shop.world.advance(2).await;
    of.give_back("B2", "P2", 1).await;
    of.shop.world.advance(2).await;
    let body = json!({
        "out_trade_no": ORDER, "out_refund_no": "R1",
        "amount": {"refund": 100, "total": 100, "currency": "CNY"},
    });
    let path = "/v3/refund/domestic/refunds";
    let all = of.shop.call("POST", path, body).await;
    assert_eq!(all.body["funds_account"], "UNAVAILABLE", "{all:?}");
    assert_eq!(of.own("frozen").await, 0);
}

#[tokio::test]
async fn a_merchant_is_its_own_receiver_while_the_rest_stays_frozen() {
    let of = Partners::open().await;
    of.know_both().await;
    let before = of.own("available").await;
    let own = json!({
        "type": "MERCHANT_ID", "account": of.shop.mchid, "amount": 60, "description": "解冻给分账方",
    });
    let parts = json!([own, of.part(10)]);
    refused(
        &of.share("P1", parts.clone(), true).await,
        400,
        "INVALID_REQUEST",
    );
    let accepted = of.share("P1", parts.clone(), false).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    assert_eq!(
        of.share("P1", parts, false).await.status,
        200,
        "the same again"
    );
    refused(
        &of.share("P1", json!([of.part(10)]), false).await,
        400,
        "INVALID_REQUEST",
    );
    of.shop.world.advance(2).await;
    assert_eq!(of.own("available").await, before + 60);
    assert_eq!((of.own("frozen").await, of.left().await), (30, json!(30)));
    // What it has itself is not shared with others: 20 of 100 fen may be, still.
    let more = of.share("P2", json!([of.part(20)]), false).await;
    assert_eq!(more.status, 200, "{more:?}");
    of.shop.world.advance(2).await;
    // The rest is told in the words with which it was unfrozen.
    of.unfreeze("U1").await;
    of.shop.world.advance(2).await;
    let found = of.found("U1").await;
    assert_eq!(found["receivers"][0]["description"], "解冻", "{found}");
    let other = json!({
        "transaction_id": of.transaction_id, "out_order_no": "U1", "description": "别的话",
    });
    let path = "/v3/profitsharing/orders/unfreeze";
    refused(
        &of.shop.call("POST", path, other).await,
        400,
        "INVALID_REQUEST",
    );
    let again = of.unfreeze("U1").await;
    assert_eq!(again.body["order_id"], found["order_id"], "{again:?}");
}

#[tokio::test]
async fn a_sharing_is_repeated_in_the_same_words() {
    let of = Partners::open().await;
    of.know_both().await;
    let first = of.share("P1", json!([of.part(10)]), true).await;
    assert_eq!(first.status, 200, "{first:?}");
    let mut other = of.part(10);
    other["description"] = json!("别的话");
    refused(
        &of.share("P1", json!([other]), true).await,
        400,
        "INVALID_REQUEST",
    );
    let again = of.share("P1", json!([of.part(10)]), true).await;
    assert_eq!(again.body["order_id"], first.body["order_id"]);
    let rest = &first.body["receivers"][1];
    assert_eq!(rest["description"], "解冻给分账方", "{rest}");
}

/// Whoever is made anew under the number or in the account of who is gone is not known.
#[tokio::test]
async fn receivers_that_are_gone_are_known_no_more() {
    let of = Partners::open().await;
    of.know_both().await;
    let again = json!({"mchid": of.partner, "name": "别人"});
    let path = format!("/merchants/{}", of.partner);
    of.shop.world.must("DELETE", &path, json!({})).await;
    of.shop.world.must("POST", "/merchants", again).await;
    let stranger = of.share("P1", json!([of.part(10)]), false).await;
    refused(&stranger, 400, "INVALID_REQUEST");
    let person = json!({
        "type": "PERSONAL_OPENID", "account": of.shop.openid, "amount": 1, "description": "佣金",
    });
    let known = of.share("P1", json!([person]), false).await;
    assert_eq!(known.status, 200, "{known:?}");
    let path = format!("/accounts/{}", of.shop.appid);
    of.shop.world.must("DELETE", &path, json!({})).await;
    let gone = of.share("P2", json!([person]), false).await;
    refused(&gone, 400, "INVALID_REQUEST");
}

/// What is frozen pays for its own order, and what was shared or is spoken for does not.
#[tokio::test]
async fn a_refund_is_paid_from_what_of_its_order_is_neither_shared_nor_unfrozen() {
    let of = Partners::open().await;
    of.know_both().await;
    of.share("P1", json!([of.part(30)]), false).await;
    let refund = async |number: &str, fen: i64| {
        let body = json!({
            "out_trade_no": ORDER,
            "out_refund_no": number,
            "amount": {"refund": fen, "total": 100, "currency": "CNY"},
        });
        let path = "/v3/refund/domestic/refunds";
        of.shop.call("POST", path, body).await
    };
    refused(&refund("R1", 71).await, 403, "NOT_ENOUGH");
    let accepted = refund("R1", 60).await;
    assert_eq!(
        accepted.body["funds_account"], "UNAVAILABLE",
        "{accepted:?}"
    );
    assert_eq!(of.left().await, 10);
    of.shop.world.advance(2).await;
    assert_eq!(of.own("frozen").await, 10);
    of.unfreeze("U1").await;
    of.shop.world.advance(2).await;
    let rest = refund("R2", 40).await;
    assert_eq!(rest.body["funds_account"], "UNSETTLED", "{rest:?}");
}

fn text<'e>(elements: &'e [(String, String)], name: &str) -> &'e str {
    let found = elements.iter().find(|(own, _)| own == name);
    found.map_or("", |(_, value)| value)
}

impl Partners {
    async fn xml(&self, path: &str, fields: &[(&str, &str)]) -> Vec<(String, String)> {
        self.shop.xml(path, fields, SignType::HmacSha256).await
    }

    async fn know_in_xml(&self) {
        let receiver = json!({
            "type": "MERCHANT_ID", "account": self.partner, "name": "供货商",
            "relation_type": "SUPPLIER",
        });
        let path = "/pay/profitsharingaddreceiver";
        let known = self.xml(path, &[("receiver", &receiver.to_string())]).await;
        assert_eq!(text(&known, "result_code"), "SUCCESS", "{known:?}");
    }
}

/// `/pay/profitsharingaddreceiver`, `/secapi/pay/profitsharing`, `/pay/profitsharingquery` and
/// `/pay/profitsharingremovereceiver`.
#[tokio::test]
async fn an_order_is_shared_once_in_xml() {
    let of = Partners::open().await;
    of.know_in_xml().await;
    let before = of.own("available").await;
    let parts = json!([of.part(30)]).to_string();
    let fields = [
        ("transaction_id", of.transaction_id.as_str()),
        ("out_order_no", "P1"),
        ("receivers", &parts),
    ];
    let path = "/secapi/pay/profitsharing";
    let wrong = elements(&of.shop.text(path, &fields, SignType::Md5).await);
    assert_eq!(text(&wrong, "return_code"), "FAIL", "{wrong:?}");
    let accepted = of.xml(path, &fields).await;
    assert_eq!(text(&accepted, "status"), "PROCESSING", "{accepted:?}");
    of.shop.world.advance(2).await;
    let query = of.xml("/pay/profitsharingquery", &fields[..2]).await;
    assert_eq!(text(&query, "status"), "FINISHED", "{query:?}");
    let parts: Value = serde_json::from_str(text(&query, "receivers")).unwrap();
    assert_eq!(parts[0]["result"], "SUCCESS");
    assert_eq!(of.purse(&of.partner, "available").await, 30);
    assert_eq!(
        of.own("available").await,
        before + 70,
        "the rest is unfrozen"
    );

    let receiver = json!({"type": "MERCHANT_ID", "account": of.partner}).to_string();
    let path = "/pay/profitsharingremovereceiver";
    let gone = of.xml(path, &[("receiver", &receiver)]).await;
    assert_eq!(text(&gone, "result_code"), "SUCCESS", "{gone:?}");
}

/// `/secapi/pay/multiprofitsharing`, `/secapi/pay/profitsharingreturn`, `/pay/profitsharingreturnquery`,
/// `/pay/profitsharingorderamountquery` and `/secapi/pay/profitsharingfinish`.
#[tokio::test]
async fn an_order_is_shared_several_times_in_xml_returned_and_finished() {
    let of = Partners::open().await;
    of.know_in_xml().await;
    let id = of.transaction_id.as_str();
    for number in ["P1", "P2"] {
        let parts = json!([of.part(10)]).to_string();
        let fields = [
            ("transaction_id", id),
            ("out_order_no", number),
            ("receivers", &parts),
        ];
        let accepted = of.xml("/secapi/pay/multiprofitsharing", &fields).await;
        assert_eq!(text(&accepted, "result_code"), "SUCCESS", "{accepted:?}");
    }
    let parts = json!([of.part(11)]).to_string();
    let over = [
        ("transaction_id", id),
        ("out_order_no", "P3"),
        ("receivers", &parts),
    ];
    let over = of.xml("/secapi/pay/multiprofitsharing", &over).await;
    assert_eq!(text(&over, "err_code"), "INVALID_REQUEST", "{over:?}");
    of.shop.world.advance(2).await;
    let path = "/pay/profitsharingorderamountquery";
    let left = of.xml(path, &[("transaction_id", id)]).await;
    assert_eq!(text(&left, "unsplit_amount"), "80", "{left:?}");
    let back = [
        ("out_order_no", "P1"),
        ("out_return_no", "B1"),
        ("return_account_type", "MERCHANT_ID"),
        ("return_account", of.partner.as_str()),
        ("return_amount", "4"),
        ("description", "退货"),
    ];
    let path = "/secapi/pay/profitsharingreturn";
    let accepted = of.xml(path, &back).await;
    assert_eq!(text(&accepted, "result"), "PROCESSING", "{accepted:?}");
    of.shop.world.advance(2).await;
    let path = "/pay/profitsharingreturnquery";
    let found = of.xml(path, &back[..2]).await;
    assert_eq!(text(&found, "result"), "SUCCESS", "{found:?}");
    assert_eq!(of.purse(&of.partner, "available").await, 16);
    let finish = [
        ("transaction_id", id),
        ("out_order_no", "F1"),
        ("description", "完结"),
    ];
    let path = "/secapi/pay/profitsharingfinish";
    let finished = of.xml(path, &finish).await;
    assert_eq!(text(&finished, "result_code"), "SUCCESS", "{finished:?}");
    of.shop.world.advance(2).await;
    assert_eq!(of.own("frozen").await, 0);
}
