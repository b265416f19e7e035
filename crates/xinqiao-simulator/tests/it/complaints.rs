//! Complaints of people, what merchants answer, and what they are told.

use serde_json::{Value, json};
use xinqiao_crypto::pay_v3::PrivateKey;

use crate::shop::{Answer, Shop};

const ORDER: &str = "T2026020100001";

/// A shop whose order of 100 fen is paid, and which is told of complaints.
async fn told_shop() -> Shop {
    let shop = Shop::open().await;
    let freeze = json!({"freeze": true});
    shop.world.must("POST", "/clock", freeze).await;
    let prepay_id = shop.place(ORDER).await;
    let (status, paid) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 200, "{paid}");
    assert_eq!(address(&shop, "POST").await.status, 200);
    shop
}

async fn address(shop: &Shop, method: &str) -> Answer {
    let body = match method {
        "POST" | "PUT" => json!({"url": shop.app.url}),
        _ => Value::Null,
    };
    let path = "/v3/merchant-service/complaint-notifications";
    shop.call(method, path, body).await
}

async fn complain(shop: &Shop, mut how: Value) -> (u16, Value) {
    how["do"] = json!("complain");
    how["account"] = json!(shop.appid);
    let path = format!("/users/{}/actions", shop.user);
    shop.world.control("POST", &path, how).await
}

/// A complaint about the order, which wants 60 fen back.
async fn complained(shop: &Shop) -> String {
    let how = json!({
        "out_trade_no": ORDER, "detail": "少了一杯", "problem_type": "REFUND", "refund": 60,
    });
    let (status, answer) = complain(shop, how).await;
    assert_eq!(status, 200, "{answer}");
    shop.world.advance(1).await;
    answer["complaint_id"].as_str().unwrap().to_owned()
}

async fn get(shop: &Shop, complaint_id: &str) -> Answer {
    let path = format!("/v3/merchant-service/complaints-v2/{complaint_id}");
    shop.call("GET", &path, Value::Null).await
}

async fn respond(shop: &Shop, complaint_id: &str) -> Answer {
    let body = json!({"complainted_mchid": shop.mchid, "response_content": "马上补一杯"});
    let path = format!("/v3/merchant-service/complaints-v2/{complaint_id}/response");
    let answer = shop.call("POST", &path, body).await;
    // What is told is told when the clock has moved.
    shop.world.advance(1).await;
    answer
}

async fn complete(shop: &Shop, complaint_id: &str) -> Answer {
    let body = json!({"complainted_mchid": shop.mchid});
    let path = format!("/v3/merchant-service/complaints-v2/{complaint_id}/complete");
    let answer = shop.call("POST", &path, body).await;
    shop.world.advance(1).await;
    answer
}

async fn list(shop: &Shop, more: &str) -> Answer {
    let clock = shop.world.get("/clock").await["now"].as_i64().unwrap();
    let now = xinqiao_types::UnixSeconds(clock);
    let today = xinqiao_types::shanghai::written(now, "%Y-%m-%d");
    let path = "/v3/merchant-service/complaints-v2";
    let path = format!("{path}?begin_date={today}&end_date={today}{more}");
    shop.call("GET", &path, Value::Null).await
}

fn refused(answer: &Answer, status: u16, code: &str) {
    let got = (answer.status, &answer.body["code"]);
    assert_eq!(got, (status, &json!(code)), "{answer:?}");
}

/// What was told of complaints, behind the notice of the payment.
fn told(shop: &Shop) -> Vec<(String, String)> {
    let pushes = shop.app.pushes();
    let told = pushes.iter().skip(1).map(|push| {
        let (notice, resource) = shop.opened(push);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&notice["event_type"]), text(&resource["action_type"]))
    });
    told.collect()
}

/// `/v3/merchant-service/complaint-notifications`.
#[tokio::test]
async fn the_address_for_complaints_is_made_changed_and_deleted() {
    let shop = Shop::open().await;
    refused(&address(&shop, "GET").await, 404, "RESOURCE_NOT_EXISTS");
    refused(&address(&shop, "PUT").await, 404, "RESOURCE_NOT_EXISTS");
    let made = address(&shop, "POST").await;
    assert_eq!(made.body["url"], shop.app.url, "{made:?}");
    refused(
        &address(&shop, "POST").await,
        400,
        "RESOURCE_ALREADY_EXISTS",
    );
    assert_eq!(address(&shop, "PUT").await.status, 200);
    assert_eq!(address(&shop, "GET").await.body["mchid"], shop.mchid);
    assert_eq!(address(&shop, "DELETE").await.status, 204);
    refused(&address(&shop, "DELETE").await, 404, "RESOURCE_NOT_EXISTS");
}

/// The list, one of it, its history, `response` and `complete`.
#[tokio::test]
async fn a_complaint_is_told_answered_completed_and_taken_up_again() {
    let shop = told_shop().await;
    let (status, _) = complain(&shop, json!({"out_trade_no": "T0", "detail": "少了"})).await;
    assert_eq!(
        status, 422,
        "who paid nothing has nothing to complain about"
    );
    let id = complained(&shop).await;
    let listed = list(&shop, "").await;
    assert_eq!(listed.body["total_count"], 1, "{listed:?}");
    let one = &listed.body["data"][0];
    assert_eq!(one["complaint_id"], id);
    assert_eq!(one["complaint_state"], "PENDING");
    assert_eq!(one["complaint_order_info"][0]["amount"], 100);
    assert_eq!(one["apply_refund_amount"], 60);
    assert!(
        one["payer_phone"].is_null(),
        "nobody knows a number of theirs"
    );
    assert_eq!(list(&shop, "&offset=1").await.body["data"], json!([]));
    refused(&list(&shop, "&limit=51").await, 400, "PARAM_ERROR");
    refused(&get(&shop, "2000").await, 404, "RESOURCE_NOT_EXISTS");

    refused(&complete(&shop, &id).await, 400, "INVALID_REQUEST");
    assert_eq!(respond(&shop, &id).await.status, 204);
    let found = get(&shop, &id).await.body;
    assert_eq!(found["complaint_state"], "PROCESSING", "{found}");
    assert_eq!(found["incoming_user_response"], false);
    assert_eq!(complete(&shop, &id).await.status, 204);
    assert_eq!(get(&shop, &id).await.body["complaint_state"], "PROCESSED");
    refused(&complete(&shop, &id).await, 400, "INVALID_REQUEST");
    let more = json!({"complaint_id": id, "detail": "还是没有"});
    assert_eq!(complain(&shop, more).await.0, 200);
    let found = get(&shop, &id).await.body;
    assert_eq!(found["complaint_state"], "PROCESSING", "{found}");
    assert_eq!(found["user_complaint_times"], 2);
    assert_eq!(found["incoming_user_response"], true);

    let complaint_id = &id;
    let path = format!("/v3/merchant-service/complaints-v2/{complaint_id}/negotiation-historys");
    let history = shop.call("GET", &path, Value::Null).await;
    let kinds: Vec<&str> = { history.body["data"].as_array().unwrap().iter() }
        .map(|record| record["operate_type"].as_str().unwrap())
        .collect();
    let expected = [
        "USER_CONTINUE_COMPLAINT",
        "MERCHANT_CONFIRM_COMPLETE",
        "MERCHANT_RESPONSE",
        "USER_CREATE_COMPLAINT",
    ];
    assert_eq!(kinds, expected, "the latest stands first");
    let state = |action: &str| ("COMPLAINT.STATE_CHANGE".to_owned(), action.to_owned());
    let expected = [
        ("COMPLAINT.CREATE".to_owned(), "CREATE_COMPLAINT".to_owned()),
        state("MERCHANT_RESPONSE"),
        state("MERCHANT_CONFIRM_COMPLETE"),
        state("CONTINUE_COMPLAINT"),
    ];
    shop.world.advance(1).await;
    assert_eq!(told(&shop), expected);
}

/// `update-refund-progress`.
#[tokio::test]
async fn what_a_complaint_wants_back_is_granted_or_not() {
    let shop = told_shop().await;
    let progress = async |complaint_id: &str, body: Value| {
        let path =
            format!("/v3/merchant-service/complaints-v2/{complaint_id}/update-refund-progress");
        shop.call("POST", &path, body).await
    };
    let id = complained(&shop).await;
    let late = json!({"action": "APPROVE", "launch_refund_day": 21});
    refused(&progress(&id, late).await, 400, "PARAM_ERROR");
    let no_reason = json!({"action": "REJECT"});
    assert_eq!(progress(&id, no_reason).await.status, 400);
    let rejected = json!({"action": "REJECT", "reject_reason": "已经补了"});
    assert_eq!(progress(&id, rejected).await.status, 204);
    let granted = json!({"action": "APPROVE", "launch_refund_day": 0});
    assert_eq!(progress(&id, granted).await.status, 204);
    assert_eq!(get(&shop, &id).await.body["complaint_full_refunded"], false);
    let refund = json!({
        "out_trade_no": ORDER, "out_refund_no": "R1",
        "amount": {"refund": 100, "total": 100, "currency": "CNY"},
    });
    let path = "/v3/refund/domestic/refunds";
    assert_eq!(shop.call("POST", path, refund).await.status, 200);
    shop.world.advance(2).await;
    let found = get(&shop, &id).await.body;
    assert_eq!(found["complaint_full_refunded"], true, "{found}");
    // What is done stays done, whatever the merchant says after it.
    assert_eq!(complete(&shop, &id).await.status, 204);
    let granted = json!({"action": "APPROVE", "launch_refund_day": 0});
    assert_eq!(progress(&id, granted).await.status, 204);
    assert_eq!(get(&shop, &id).await.body["complaint_state"], "PROCESSED");

    let other = json!({"out_trade_no": ORDER, "detail": "太慢", "problem_type": "OTHERS"});
    let (_, other) = complain(&shop, other).await;
    let other = other["complaint_id"].as_str().unwrap();
    let granted = json!({"action": "APPROVE", "launch_refund_day": 0});
    refused(&progress(other, granted).await, 400, "INVALID_REQUEST");
}

#[tokio::test]
async fn a_complaint_is_the_merchants_whose_order_it_is_about() {
    let mut shop = told_shop().await;
    let first = shop.mchid.clone();
    let other = json!({"name": "另一家", "appids": [shop.appid]});
    let other = shop.world.must("POST", "/merchants", other).await;
    shop.becomes(other).await;
    let prepay_id = shop.place(ORDER).await;
    let unpaid = json!({"out_trade_no": ORDER, "detail": "少了一杯"});
    let (status, answer) = complain(&shop, unpaid.clone()).await;
    assert_eq!(
        (status, &answer["merchant"]),
        (200, &json!(first)),
        "{answer}"
    );
    let (status, paid) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 200, "{paid}");
    let (status, answer) = complain(&shop, unpaid.clone()).await;
    assert_eq!(status, 422, "whose order is it? {answer}");
    for mchid in [&first, &shop.mchid] {
        let mut named = unpaid.clone();
        named["merchant"] = json!(mchid);
        let (status, answer) = complain(&shop, named).await;
        assert_eq!(
            (status, &answer["merchant"]),
            (200, &json!(mchid)),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn the_number_of_who_complains_is_for_the_merchant_alone() {
    let mut shop = told_shop().await;
    let person = json!({"nickname": "小王", "phone": "13800138000"});
    let person = shop.world.must("POST", "/users", person).await;
    shop.user = person["id"].as_str().unwrap().to_owned();
    let follow = json!({"do": "follow", "account": shop.appid});
    shop.world.act(&shop.user, follow).await;
    let person = shop.world.get(&format!("/users/{}", shop.user)).await;
    shop.openid = person["openids"][&shop.appid].as_str().unwrap().to_owned();
    let number = "T2026020100002";
    let prepay_id = shop.place(number).await;
    assert_eq!(shop.pay(json!({"prepay_id": prepay_id})).await.0, 200);
    let how = json!({"out_trade_no": number, "detail": "太甜"});
    let (_, answer) = complain(&shop, how).await;
    let found = get(&shop, answer["complaint_id"].as_str().unwrap())
        .await
        .body;
    let pem = shop.merchant["private_key"].as_str().unwrap();
    let own = PrivateKey::from_pem(pem).unwrap();
    let phone = own.decrypt(found["payer_phone"].as_str().unwrap()).unwrap();
    assert_eq!(phone, "13800138000");
}
