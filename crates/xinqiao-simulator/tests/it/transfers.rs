//! Money for people: transfers that they confirm, older batches, wallets paid in XML, red packets.

use serde_json::{Value, json};
use xinqiao_crypto::{pay_v2::SignType, pay_v3::PrivateKey};

use crate::shop::{Answer, Shop};

async fn frozen_shop() -> Shop {
    let shop = Shop::open().await;
    let freeze = json!({"freeze": true});
    shop.world.must("POST", "/clock", freeze).await;
    shop
}

fn wanted(shop: &Shop, number: &str, fen: i64) -> Value {
    json!({
        "appid": shop.appid,
        "out_bill_no": number,
        "transfer_scene_id": "1005",
        "openid": shop.openid,
        "transfer_amount": fen,
        "transfer_remark": "二月佣金",
        "notify_url": shop.app.url,
        "transfer_scene_report_infos": [{"info_type": "岗位类型", "info_content": "外卖员"}],
    })
}

async fn ask(shop: &Shop, body: Value) -> Answer {
    let path = "/v3/fund-app/mch-transfer/transfer-bills";
    shop.call("POST", path, body).await
}

async fn transfer(shop: &Shop, number: &str, fen: i64) -> Answer {
    ask(shop, wanted(shop, number, fen)).await
}

async fn found(shop: &Shop, out_bill_no: &str) -> Value {
    let path = format!("/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}");
    shop.call("GET", &path, Value::Null).await.body
}

async fn cancel(shop: &Shop, out_bill_no: &str) -> Answer {
    let path = format!("/v3/fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}/cancel");
    shop.call("POST", &path, Value::Null).await
}

async fn act(shop: &Shop, user: &str, mut how: Value) -> (u16, Value) {
    how["account"] = json!(shop.appid);
    let path = format!("/users/{user}/actions");
    shop.world.control("POST", &path, how).await
}

async fn take(shop: &Shop, package: &Value) -> (u16, Value) {
    let how = json!({"do": "confirm_transfer", "package_info": package});
    act(shop, &shop.user, how).await
}

async fn set(shop: &Shop, settings: Value) {
    let path = format!("/merchants/{}", shop.mchid);
    shop.world.must("PATCH", &path, settings).await;
}

async fn operation(shop: &Shop) -> i64 {
    let merchant = shop.world.get(&format!("/merchants/{}", shop.mchid)).await;
    merchant["operation"].as_i64().unwrap()
}

async fn received(shop: &Shop) -> i64 {
    let wallet = shop
        .world
        .get(&format!("/users/{}/wallet", shop.user))
        .await;
    wallet["received"].as_i64().unwrap()
}

fn refused(answer: &Answer, status: u16, code: &str) {
    let got = (answer.status, &answer.body["code"]);
    assert_eq!(got, (status, &json!(code)), "{answer:?}");
}

/// `POST /v3/fund-app/mch-transfer/transfer-bills`, both queries, the sheet and the notice.
#[tokio::test]
async fn a_transfer_is_confirmed_in_the_phone_arrives_and_is_told() {
    let shop = frozen_shop().await;
    let before = operation(&shop).await;
    let (_, key) = shop.encryption_key();
    let mut body = wanted(&shop, "B1", 200_000);
    body["user_name"] = json!(key.encrypt("李雷").unwrap());
    let accepted = ask(&shop, body.clone()).await;
    assert_eq!(accepted.status, 200, "{accepted:?}");
    assert_eq!(accepted.body["state"], "WAIT_USER_CONFIRM");
    assert_eq!(operation(&shop).await, before - 200_000);
    body["user_name"] = json!(key.encrypt("李雷").unwrap());
    let again = ask(&shop, body.clone()).await;
    assert_eq!(again.body, accepted.body, "another text of the same name");
    body["transfer_amount"] = json!(200_001);
    let other = ask(&shop, body).await;
    refused(&other, 400, "INVALID_REQUEST");

    let package = &accepted.body["package_info"];
    let page = json!({"mchId": shop.mchid, "appId": shop.appid, "package": package});
    let how = json!({"do": "confirm_transfer", "transfer": page, "look": true});
    let (status, looked) = act(&shop, &shop.user, how.clone()).await;
    assert_eq!(
        (status, &looked["amount"]),
        (200, &json!(200_000)),
        "{looked}"
    );
    let mut wrong = how.clone();
    wrong["transfer"]["mchId"] = json!("1900000000");
    let (status, _) = act(&shop, &shop.user, wrong).await;
    assert_eq!(status, 422);
    let other = shop.world.must("POST", "/users", json!({})).await;
    let (status, _) = act(&shop, other["id"].as_str().unwrap(), how.clone()).await;
    assert_eq!(status, 422, "it is for somebody else");
    let (status, taken) = take(&shop, package).await;
    assert_eq!(
        (status, &taken["state"]),
        (200, &json!("TRANSFERING")),
        "{taken}"
    );
    assert_eq!(take(&shop, package).await.0, 422, "it is taken");
    refused(&cancel(&shop, "B1").await, 400, "INVALID_REQUEST");

    shop.world.advance(2).await;
    let done = found(&shop, "B1").await;
    assert_eq!(done["state"], "SUCCESS", "{done}");
    let transfer_bill_no = done["transfer_bill_no"].as_str().unwrap();
    assert_eq!(transfer_bill_no.len(), 40);
    let path =
        format!("/v3/fund-app/mch-transfer/transfer-bills/transfer-bill-no/{transfer_bill_no}");
    let by_id = shop.call("GET", &path, Value::Null).await;
    assert_eq!(by_id.body["out_bill_no"], "B1", "{by_id:?}");
    let pem = shop.merchant["private_key"].as_str().unwrap();
    let own = PrivateKey::from_pem(pem).unwrap();
    let name = own.decrypt(by_id.body["user_name"].as_str().unwrap());
    assert_eq!(name.unwrap(), "李雷");
    assert_eq!(received(&shop).await, 200_000);
    let (notice, told) = shop.opened(&shop.app.push(0).await);
    assert_eq!(notice["event_type"], "MCHTRANSFER.BILL.FINISHED");
    assert_eq!(told["state"], "SUCCESS");
    assert_eq!(told["transfer_bill_no"], transfer_bill_no);
}

/// `…/out-bill-no/{out_bill_no}/cancel`, and the end of the day.
#[tokio::test]
async fn a_transfer_that_nobody_confirms_is_taken_back_or_closed() {
    let shop = frozen_shop().await;
    let before = operation(&shop).await;
    let accepted = transfer(&shop, "B1", 500).await;
    let canceling = cancel(&shop, "B1").await;
    assert_eq!(canceling.body["state"], "CANCELING", "{canceling:?}");
    let package = &accepted.body["package_info"];
    assert_eq!(take(&shop, package).await.0, 422, "it is on its way back");
    assert_eq!(operation(&shop).await, before - 500);
    shop.world.advance(2).await;
    assert_eq!(found(&shop, "B1").await["state"], "CANCELLED");
    assert_eq!(cancel(&shop, "B1").await.body["state"], "CANCELLED");
    assert_eq!(operation(&shop).await, before);
    refused(&cancel(&shop, "B9").await, 404, "NOT_FOUND");

    transfer(&shop, "B2", 500).await;
    shop.world.advance(86_399).await;
    assert_eq!(found(&shop, "B2").await["state"], "WAIT_USER_CONFIRM");
    shop.world.advance(1).await;
    let closed = found(&shop, "B2").await;
    assert_eq!(closed["state"], "FAIL");
    assert_eq!(closed["fail_reason"], "OVERDUE_CLOSE");
    assert_eq!(operation(&shop).await, before);
    assert_eq!(received(&shop).await, 0);
    let pushes = shop.app.pushes();
    let told: Vec<Value> = { pushes.iter() }
        .map(|push| shop.opened(push).1["state"].clone())
        .collect();
    assert_eq!(told, ["CANCELLED", "FAIL"]);
}

#[tokio::test]
async fn a_transfer_fails_waits_or_is_short_as_its_merchant_is_switched() {
    let shop = frozen_shop().await;
    set(&shop, json!({"operation": 499})).await;
    refused(&transfer(&shop, "B1", 500).await, 403, "NOT_ENOUGH");
    let rules = json!({"pay.transfer_short": "PROCESSING", "pay.transfer_begins": "ACCEPTED"});
    set(&shop, json!({"rules": rules})).await;
    let short = transfer(&shop, "B1", 500).await;
    assert_eq!(short.body["state"], "PROCESSING", "{short:?}");
    assert_eq!(operation(&shop).await, 499);
    set(&shop, json!({"operation": 500})).await;
    let again = transfer(&shop, "B1", 500).await;
    assert_eq!(again.body["state"], "ACCEPTED", "{again:?}");
    assert!(again.body["package_info"].is_null());
    assert_eq!(operation(&shop).await, 0);
    shop.world.advance(2).await;
    let waits = found(&shop, "B1").await;
    assert_eq!(waits["state"], "WAIT_USER_CONFIRM", "{waits}");
    let rules = json!({"pay.transfer_result": "NAME_NOT_CORRECT"});
    set(&shop, json!({"rules": rules})).await;
    assert_eq!(take(&shop, &waits["package_info"]).await.0, 200);
    shop.world.advance(2).await;
    let failed = found(&shop, "B1").await;
    assert_eq!(failed["fail_reason"], "NAME_NOT_CORRECT", "{failed}");
    assert_eq!(operation(&shop).await, 500);
}

#[tokio::test]
async fn what_is_wrong_with_a_transfer_is_named() {
    let shop = frozen_shop().await;
    for (name, value, code) in [
        ("out_bill_no", json!("B-1"), "PARAM_ERROR"),
        ("out_bill_no", json!("B".repeat(33)), "PARAM_ERROR"),
        (
            "appid",
            json!("wx0000000000000000"),
            "APPID_MCHID_NOT_MATCH",
        ),
        ("openid", json!("o_nobody"), "PARAM_ERROR"),
        ("transfer_amount", json!(9), "PARAM_ERROR"),
        ("transfer_amount", json!(200_000), "PARAM_ERROR"),
        ("transfer_remark", json!("长".repeat(33)), "PARAM_ERROR"),
        ("transfer_scene_report_infos", json!([]), "PARAM_ERROR"),
        ("user_name", json!("李雷"), "PARAM_ERROR"),
        ("notify_url", json!("ftp://a.example"), "PARAM_ERROR"),
    ] {
        let mut body = wanted(&shop, "B1", 500);
        body[name] = value;
        refused(&ask(&shop, body).await, 400, code);
    }
    let mut small = wanted(&shop, "B1", 29);
    let (_, key) = shop.encryption_key();
    small["user_name"] = json!(key.encrypt("李雷").unwrap());
    refused(&ask(&shop, small).await, 400, "PARAM_ERROR");
}

fn batch(shop: &Shop, number: &str, people: &[&str]) -> Value {
    let details = people.iter().enumerate().map(|(at, openid)| {
        json!({
            "out_detail_no": format!("D{at}"),
            "transfer_amount": 100,
            "transfer_remark": "报销",
            "openid": openid,
        })
    });
    json!({
        "appid": shop.appid,
        "out_batch_no": number,
        "batch_name": "二月",
        "batch_remark": "二月报销",
        "total_amount": 100 * people.len(),
        "total_num": people.len(),
        "transfer_detail_list": details.collect::<Vec<_>>(),
        "notify_url": shop.app.url,
    })
}

/// `POST /v3/transfer/batches`, both queries and the notice.
#[tokio::test]
async fn a_batch_is_paid_found_by_both_numbers_and_told() {
    let shop = frozen_shop().await;
    let before = operation(&shop).await;
    let body = batch(&shop, "BATCH1", &[&shop.openid, &shop.openid]);
    let path = "/v3/transfer/batches";
    let accepted = shop.call("POST", path, body.clone()).await;
    assert_eq!(accepted.body["batch_status"], "ACCEPTED", "{accepted:?}");
    let again = shop.call("POST", path, body.clone()).await;
    assert_eq!(again.body["batch_id"], accepted.body["batch_id"]);
    assert_eq!(operation(&shop).await, before - 200, "it is paid once");
    shop.world.advance(1).await;
    let out_batch_no = "BATCH1";
    let path = format!(
        "/v3/transfer/batches/out-batch-no/{out_batch_no}?need_query_detail=true&detail_status=ALL"
    );
    let working = shop.call("GET", &path, Value::Null).await;
    let state = &working.body["transfer_batch"]["batch_status"];
    assert_eq!(state, "PROCESSING", "{working:?}");
    shop.world.advance(1).await;
    let batch_id = accepted.body["batch_id"].as_str().unwrap();
    let path = format!("/v3/transfer/batches/batch-id/{batch_id}?need_query_detail=false");
    let done = shop.call("GET", &path, Value::Null).await;
    assert_eq!(done.body["transfer_batch"]["batch_status"], "FINISHED");
    assert_eq!(done.body["transfer_batch"]["success_amount"], 200);
    assert!(done.body["transfer_detail_list"].is_null());
    assert_eq!(received(&shop).await, 200);
    let (notice, told) = shop.opened(&shop.app.push(0).await);
    assert_eq!(notice["event_type"], "MCHTRANSFER.BATCH.FINISHED");
    assert_eq!(told["success_num"], 2);

    // A name is encrypted otherwise each time, and is compared all the same.
    let (_, key) = shop.encryption_key();
    let mut named = body.clone();
    named["out_batch_no"] = json!("BATCH3");
    let path = "/v3/transfer/batches";
    let mut sent = Vec::new();
    for name in ["李雷", "李雷", "韩梅梅"] {
        named["transfer_detail_list"][0]["user_name"] = json!(key.encrypt(name).unwrap());
        sent.push(shop.call("POST", path, named.clone()).await);
    }
    assert_eq!(sent[1].body["batch_id"], sent[0].body["batch_id"]);
    refused(&sent[2], 400, "INVALID_REQUEST");

    let mut wrong = body;
    wrong["out_batch_no"] = json!("BATCH2");
    wrong["total_num"] = json!(3);
    let answer = shop
        .call("POST", "/v3/transfer/batches", wrong.clone())
        .await;
    refused(&answer, 400, "PARAM_ERROR");
    wrong["total_num"] = json!(2);
    set(&shop, json!({"operation": 199})).await;
    let short = shop
        .call("POST", "/v3/transfer/batches", wrong.clone())
        .await;
    refused(&short, 403, "NOT_ENOUGH");
    set(&shop, json!({"rules": {"pay.transfer_batches": "closed"}})).await;
    let closed = shop.call("POST", "/v3/transfer/batches", wrong).await;
    refused(&closed, 403, "NO_AUTH");
}

/// Details by both numbers.
#[tokio::test]
async fn details_of_a_batch_fail_and_the_money_comes_back() {
    let shop = frozen_shop().await;
    let before = operation(&shop).await;
    set(
        &shop,
        json!({"rules": {"pay.transfer_result": "ACCOUNT_FROZEN"}}),
    )
    .await;
    let body = batch(&shop, "BATCH1", &[&shop.openid]);
    shop.call("POST", "/v3/transfer/batches", body).await;
    shop.world.advance(2).await;
    let (out_batch_no, out_detail_no) = ("BATCH1", "D0");
    let path = format!(
        "/v3/transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}"
    );
    let detail = shop.call("GET", &path, Value::Null).await;
    assert_eq!(detail.body["detail_status"], "FAIL", "{detail:?}");
    assert_eq!(detail.body["fail_reason"], "ACCOUNT_FROZEN");
    let id = |name: &str| detail.body[name].as_str().unwrap().to_owned();
    let (batch_id, detail_id) = (id("batch_id"), id("detail_id"));
    let path = format!("/v3/transfer/batches/batch-id/{batch_id}/details/detail-id/{detail_id}");
    let by_id = shop.call("GET", &path, Value::Null).await;
    assert_eq!(by_id.body["out_detail_no"], "D0", "{by_id:?}");
    assert_eq!(operation(&shop).await, before);
    assert_eq!(received(&shop).await, 0);
}

fn text<'e>(elements: &'e [(String, String)], name: &str) -> &'e str {
    let found = elements.iter().find(|(own, _)| own == name);
    found.map_or("", |(_, value)| value)
}

/// `/mmpaymkttransfers/promotion/transfers` and `/mmpaymkttransfers/gettransferinfo`.
#[tokio::test]
async fn a_wallet_is_paid_in_xml_once_a_number() {
    let shop = frozen_shop().await;
    let before = operation(&shop).await;
    let pays = async |number: &str, fen: &str, check: &str| {
        let fields = [
            ("mch_appid", shop.appid.as_str()),
            ("mchid", &shop.mchid),
            ("partner_trade_no", number),
            ("openid", &shop.openid),
            ("amount", fen),
            ("desc", "报销"),
            ("check_name", check),
            ("re_user_name", "李雷"),
            ("spbill_create_ip", "127.0.0.1"),
        ];
        let path = "/mmpaymkttransfers/promotion/transfers";
        shop.xml_alone(path, &fields).await
    };
    let paid = pays("P1", "100", "NO_CHECK").await;
    assert_eq!(text(&paid, "result_code"), "SUCCESS", "{paid:?}");
    let again = pays("P1", "100", "NO_CHECK").await;
    assert_eq!(text(&again, "payment_no"), text(&paid, "payment_no"));
    assert_eq!(operation(&shop).await, before - 100, "it is paid once");
    assert_eq!(received(&shop).await, 100);
    for (number, fen, check, code) in [
        ("P1", "101", "NO_CHECK", "PARAM_ERROR"),
        ("P2", "29", "NO_CHECK", "AMOUNT_LIMIT"),
    ] {
        let answer = pays(number, fen, check).await;
        assert_eq!(text(&answer, "err_code"), code, "{answer:?}");
    }
    set(
        &shop,
        json!({"rules": {"pay.transfer_result": "NAME_NOT_CORRECT"}}),
    )
    .await;
    let wrong = pays("P2", "100", "FORCE_CHECK").await;
    assert_eq!(text(&wrong, "err_code"), "NAME_MISMATCH", "{wrong:?}");
    set(&shop, json!({"operation": 99})).await;
    let short = pays("P2", "100", "NO_CHECK").await;
    assert_eq!(text(&short, "err_code"), "NOTENOUGH", "{short:?}");
    let path = "/mmpaymkttransfers/gettransferinfo";
    let how = SignType::Md5;
    let found = shop.xml(path, &[("partner_trade_no", "P1")], how).await;
    assert_eq!(text(&found, "status"), "SUCCESS", "{found:?}");
    assert_eq!(text(&found, "payment_amount"), "100");
    let none = shop.xml(path, &[("partner_trade_no", "P2")], how).await;
    assert_eq!(text(&none, "err_code"), "NOT_FOUND", "{none:?}");
}

async fn send(
    shop: &Shop,
    path: &str,
    number: &str,
    fen: &str,
    many: &str,
) -> Vec<(String, String)> {
    let fields = [
        ("wxappid", shop.appid.as_str()),
        ("mch_id", &shop.mchid),
        ("mch_billno", number),
        ("send_name", "桥头咖啡"),
        ("re_openid", &shop.openid),
        ("total_amount", fen),
        ("total_num", many),
        ("amt_type", "ALL_RAND"),
        ("wishing", "新年好"),
        ("client_ip", "127.0.0.1"),
        ("act_name", "新年"),
        ("remark", "快来抢"),
    ];
    let own = fields.into_iter().filter(|(name, _)| match *name {
        "amt_type" => path.contains("group"),
        "client_ip" => !path.contains("group"),
        _ => true,
    });
    shop.xml_alone(path, &own.collect::<Vec<_>>()).await
}

async fn open(shop: &Shop, user: &str, packet: &str) -> (u16, Value) {
    act(
        shop,
        user,
        json!({"do": "open_red_packet", "red_packet": packet}),
    )
    .await
}

async fn info(shop: &Shop, number: &str) -> Vec<(String, String)> {
    let fields = [("mch_billno", number), ("bill_type", "MCHT")];
    let path = "/mmpaymkttransfers/gethbinfo";
    shop.xml(path, &fields, SignType::Md5).await
}

/// `/mmpaymkttransfers/sendredpack` and `/mmpaymkttransfers/gethbinfo`.
#[tokio::test]
async fn a_red_packet_is_opened_in_the_phone_or_goes_back() {
    let shop = frozen_shop().await;
    let before = operation(&shop).await;
    let path = "/mmpaymkttransfers/sendredpack";
    let sent = send(&shop, path, "H1", "150", "1").await;
    assert_eq!(text(&sent, "result_code"), "SUCCESS", "{sent:?}");
    let again = send(&shop, path, "H1", "150", "1").await;
    assert_eq!(text(&again, "send_listid"), text(&sent, "send_listid"));
    assert_eq!(operation(&shop).await, before - 150);
    let inbox = format!("/users/{}/inbox?account={}", shop.user, shop.appid);
    let inbox = shop.world.get(&inbox).await;
    let bubble = &inbox["items"][0];
    assert_eq!(bubble["type"], "red_packet", "{inbox}");
    assert_eq!(bubble["wishing"], "新年好");
    let packet = bubble["red_packet"].as_str().unwrap();
    assert_eq!(text(&info(&shop, "H1").await, "status"), "SENT");
    let other = shop.world.must("POST", "/users", json!({})).await;
    let other = other["id"].as_str().unwrap();
    assert_eq!(open(&shop, other, packet).await.0, 422, "it is not theirs");
    let (status, opened) = open(&shop, &shop.user, packet).await;
    assert_eq!((status, &opened["amount"]), (200, &json!(150)), "{opened}");
    assert_eq!(open(&shop, &shop.user, packet).await.0, 422, "it is empty");
    assert_eq!(received(&shop).await, 150);
    let found = info(&shop, "H1").await;
    assert_eq!(text(&found, "status"), "RECEIVED", "{found:?}");

    let late = send(&shop, path, "H2", "200", "1").await;
    shop.world.advance(86_400).await;
    assert_eq!(
        open(&shop, &shop.user, text(&late, "send_listid")).await.0,
        422
    );
    let found = info(&shop, "H2").await;
    assert_eq!(text(&found, "status"), "REFUND", "{found:?}");
    assert_eq!(text(&found, "refund_amount"), "200");
    assert_eq!(operation(&shop).await, before - 150);
}

#[tokio::test]
async fn what_is_wrong_with_a_red_packet_is_named() {
    let shop = frozen_shop().await;
    let path = "/mmpaymkttransfers/sendredpack";
    for (number, fen, many, code) in [
        ("H1", "99", "1", "MONEY_LIMIT"),
        ("H1", "20001", "1", "MONEY_LIMIT"),
        ("H1", "100", "2", "PARAM_ERROR"),
    ] {
        let answer = send(&shop, path, number, fen, many).await;
        assert_eq!(text(&answer, "err_code"), code, "{answer:?}");
    }
    for number in 0..10 {
        let sent = send(&shop, path, &format!("H{number}"), "100", "1").await;
        assert_eq!(text(&sent, "result_code"), "SUCCESS", "{sent:?}");
    }
    let more = send(&shop, path, "H10", "100", "1").await;
    assert_eq!(text(&more, "err_code"), "SENDNUM_LIMIT", "{more:?}");
    shop.world.advance(86_400).await;
    set(&shop, json!({"operation": 99})).await;
    let short = send(&shop, path, "H10", "100", "1").await;
    assert_eq!(text(&short, "err_code"), "NOTENOUGH", "{short:?}");
    assert_eq!(text(&info(&shop, "H10").await, "err_code"), "NOT_FOUND");
}

/// `/mmpaymkttransfers/sendgroupredpack`.
#[tokio::test]
async fn a_red_packet_for_several_is_opened_by_each_once() {
    let shop = frozen_shop().await;
    let before = operation(&shop).await;
    let path = "/mmpaymkttransfers/sendgroupredpack";
    let two = send(&shop, path, "H1", "300", "2").await;
    assert_eq!(text(&two, "err_code"), "PARAM_ERROR", "{two:?}");
    let sent = send(&shop, path, "H1", "600", "3").await;
    assert_eq!(text(&sent, "result_code"), "SUCCESS", "{sent:?}");
    let packet = text(&sent, "send_listid");
    let mut others = Vec::new();
    for _ in 0..3 {
        let other = shop.world.must("POST", "/users", json!({})).await;
        others.push(other["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(
        open(&shop, &others[0], packet).await.0,
        422,
        "not passed on yet"
    );
    let mut sum = 0;
    for user in [&shop.user, &others[0]] {
        let (status, opened) = open(&shop, user, packet).await;
        assert_eq!(status, 200, "{opened}");
        sum += opened["amount"].as_i64().unwrap();
    }
    assert_eq!(open(&shop, &others[0], packet).await.0, 422, "once each");
    let (_, last) = open(&shop, &others[1], packet).await;
    assert_eq!(sum + last["amount"].as_i64().unwrap(), 600);
    assert_eq!(open(&shop, &others[2], packet).await.0, 422, "all is taken");
    let raw = {
        let fields = [("mch_billno", "H1"), ("bill_type", "MCHT")];
        let path = "/mmpaymkttransfers/gethbinfo";
        shop.text(path, &fields, SignType::Md5).await
    };
    assert_eq!(raw.matches("<hbinfo>").count(), 3, "{raw}");
    assert_eq!(operation(&shop).await, before - 600);
}

/// `GET /v3/merchant/fund/balance/{account_type}`.
#[tokio::test]
async fn balances_are_told_by_account() {
    let shop = frozen_shop().await;
    set(&shop, json!({"available": 7, "operation": 11})).await;
    for (account_type, available) in [("BASIC", 7), ("OPERATION", 11), ("FEES", 0)] {
        let path = format!("/v3/merchant/fund/balance/{account_type}");
        let answer = shop.call("GET", &path, Value::Null).await;
        assert_eq!(answer.body["available_amount"], available, "{answer:?}");
        assert_eq!(answer.body["pending_amount"], 0);
    }
    let path = "/v3/merchant/fund/balance/OTHER";
    refused(
        &shop.call("GET", path, Value::Null).await,
        400,
        "PARAM_ERROR",
    );
}
