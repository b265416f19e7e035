//! Endpoints without a behaviour: answers in their own form, and what was made is found again.

use serde_json::{Value, json};
use xinqiao_crypto::pay_v2::SignType;
use xinqiao_testkit::TestWorld;
use xinqiao_wire::bill::Bill;

use crate::{shop::Shop, work::Office};

#[tokio::test]
async fn what_was_made_is_read_by_its_number_by_who_made_it() {
    let world = TestWorld::start().await;
    let account = world.account(json!({"kind": "miniprogram"})).await;
    let token = world.token(&account).await;
    let call = |path: &str, body: Value| {
        let path = format!("/wxa/business/group/{path}?access_token={token}");
        let world = &world;
        async move { world.call(&path, body).await }
    };
    let made = call("createid", json!({"model_id": "m1", "group_name": "一楼"})).await;
    let other = call("createid", json!({"model_id": "m2", "group_name": "二楼"})).await;
    assert_ne!(made["group_id"], other["group_id"]);
    let of = |made: &Value| json!({"group_id": made["group_id"]});
    let read = call("getinfo", of(&made)).await;
    assert_eq!(
        (&read["model_id"], &read["group_name"]),
        (&json!("m1"), &json!("一楼")),
        "{read}"
    );
    assert_eq!(call("getinfo", of(&other)).await["group_name"], "二楼");
    // Another account has not made it.
    let stranger = world.account(json!({"kind": "miniprogram"})).await;
    let token = world.token(&stranger).await;
    let path = format!("/wxa/business/group/getinfo?access_token={token}");
    assert_ne!(world.call(&path, of(&made)).await["group_name"], "一楼");
    // The world keeps it.
    let kept = world.get("/export").await;
    world.must("POST", "/import", kept).await;
    let path = format!(
        "/wxa/business/group/getinfo?access_token={}",
        world.token(&account).await
    );
    assert_eq!(world.call(&path, of(&made)).await["group_name"], "一楼");
}

#[tokio::test]
async fn what_was_made_is_listed_changed_and_removed() {
    let office = Office::open().await;
    let token = office.contacts_token().await;
    let call = |path: &str, body: Value| {
        let path = format!("{path}access_token={token}");
        let office = &office;
        async move { office.call(&path, body).await }
    };
    for (id, name) in [(11, "甲"), (12, "乙")] {
        let made = call("tag/create?", json!({"tagname": name, "tagid": id})).await;
        assert_eq!(made["tagid"], id, "{made}");
    }
    let names = |list: &Value| {
        let all = list["taglist"].as_array().unwrap().iter();
        all.map(|tag| tag["tagname"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&call("tag/list?", Value::Null).await), ["甲", "乙"]);
    assert_eq!(
        call("tag/get?tagid=12&", Value::Null).await["tagname"],
        "乙"
    );
    call("tag/update?", json!({"tagid": 12, "tagname": "丙"})).await;
    assert_eq!(
        call("tag/get?tagid=12&", Value::Null).await["tagname"],
        "丙"
    );
    call("tag/delete?tagid=11&", Value::Null).await;
    assert_eq!(names(&call("tag/list?", Value::Null).await), ["丙"]);
}

#[tokio::test]
async fn what_was_made_is_listed_page_by_page() {
    let office = Office::open().await;
    let token = office.contacts_token().await;
    let call = async |path: &str, body: Value| {
        let path = format!("{path}?access_token={token}");
        office.call(&path, body).await
    };
    for name in ["一", "二", "三"] {
        let made = call("kf/account/add", json!({"name": name, "media_id": "SIM"})).await;
        assert!(made["open_kfid"].is_string(), "{made}");
    }
    let page = async |offset: u64| {
        let list = call("kf/account/list", json!({"offset": offset, "limit": 2})).await;
        let all = list["account_list"].as_array().unwrap().clone();
        { all.iter() }
            .map(|account| account["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(page(0).await, ["一", "二"]);
    assert_eq!(page(2).await, ["三"]);
    assert!(page(4).await.is_empty());
}

#[tokio::test]
async fn a_bill_without_a_behaviour_is_a_bill() {
    let shop = Shop::open().await;
    let fields = [
        ("begin_time", "20260101000000"),
        ("end_time", "20260102000000"),
        ("offset", "0"),
    ];
    let path = "/billcommentsp/batchquerycomment";
    let answer = shop.text(path, &fields, SignType::HmacSha256).await;
    let bill = Bill::parse(answer.as_bytes()).unwrap();
    assert!(bill.columns.len() > 20 && bill.rows.is_empty(), "{bill:?}");
    assert_eq!(bill.sums.unwrap().get("总交易单数"), Some("0"));
}

#[tokio::test]
async fn an_answer_in_xml_without_a_behaviour_is_signed_once() {
    let shop = Shop::open().await;
    for how in [SignType::Md5, SignType::HmacSha256] {
        let fields = [("out_trade_no", "T1"), ("out_refund_no", "R1")];
        let answer = shop.xml("/pay/refundqueryv2", &fields, how).await;
        let count = |name: &str| answer.iter().filter(|(own, _)| own == name).count();
        for (name, _) in &answer {
            assert_eq!(count(name), 1, "{answer:?}");
        }
        assert_eq!((count("sign"), count("refund_id_0")), (1, 1), "{answer:?}");
    }
}

#[tokio::test]
async fn a_merchants_endpoint_without_a_body_answers_204_and_a_refusal_has_status_and_code() {
    let shop = Shop::open().await;
    let path = "/v3/payscore/permissions/authorization-code/a1/terminate";
    let done = shop
        .call("POST", path, json!({"service_id": "s", "reason": "x"}))
        .await;
    assert_eq!((done.status, &done.body), (204, &Value::Null), "{done:?}");
    assert_eq!(done.header("x-xinqiao-fidelity"), "fallback");
    let refused = shop.call("POST", path, json!({"reason": "x"})).await;
    assert_eq!(
        (refused.status, &refused.body["code"]),
        (400, &json!("PARAM_ERROR"))
    );
}
