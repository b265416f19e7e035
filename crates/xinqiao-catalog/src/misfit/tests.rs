use serde_json::json;

use super::*;
use crate::{endpoint, endpoints, id, mock};

fn found(id: &str, answer: Answer<'_>) -> Vec<String> {
    let endpoint = endpoint(id).expect("the catalog has it");
    let all = misfits(endpoint, answer);
    let mut all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.sort();
    all
}

#[track_caller]
fn check(id: &str, answer: Value, want: &[&str]) {
    assert_eq!(found(id, Answer::Json(&answer)), want, "{answer}");
}

#[test]
fn what_is_always_there_may_not_be_missing_and_nothing_else_may_be_there() {
    let create = id::official_account::tags::CREATE;
    check(create, json!({"tag": {"id": 1, "name": "a"}}), &[]);
    let tag = json!({"id": 1, "name": "a"});
    check(
        create,
        json!({"errcode": 0, "errmsg": "ok", "tag": tag}),
        &[],
    );
    check(create, json!({}), &["tag is missing"]);
    check(
        create,
        json!({"tag": {"id": 1, "name": "a", "colour": "red"}, "more": 1}),
        &[
            "more is not in the schema",
            "tag.colour is not in the schema",
        ],
    );
    check(
        create,
        json!({"errcode": 1, "tag": tag}),
        &["errcode is not what a success says"],
    );
    check(create, json!([]), &["the answer must be an object"]);
}

#[test]
fn every_value_has_the_spelling_of_its_field() {
    let create = id::official_account::tags::CREATE;
    check(
        create,
        json!({"tag": {"id": "1", "name": 7}}),
        &["tag.id must be a whole number", "tag.name must be text"],
    );
    check(create, json!({"tag": null}), &["tag must be an object"]);
    check(
        id::official_account::base::GET_API_DOMAIN_IP,
        json!({"ip_list": ["127.0.0.1", 1]}),
        &["ip_list[1] must be text"],
    );
    let menu = id::official_account::base::GET_CURRENT_SELF_MENU_INFO;
    check(
        menu,
        json!({"is_menu_open": true, "selfmenu_info": {"button": []}}),
        &["is_menu_open must be 0 or 1"],
    );
    let sent = id::work::message::SEND;
    check(
        sent,
        json!({"msgid": "m", "invaliduser": "a|b", "invalidparty": "1|2"}),
        &[],
    );
    check(
        sent,
        json!({"msgid": "m", "invaliduser": ["a"], "invalidparty": "1|x"}),
        &[
            "invalidparty[1] must be a whole number",
            "invaliduser must be a list in a text",
        ],
    );
}

#[test]
fn an_enumeration_has_no_other_values_and_a_time_no_other_form() {
    let query = id::pay_v3::pay::transactions::GET_BY_OUT_TRADE_NO;
    let endpoint = endpoint(query).expect("it is there");
    let mut answer = mock(endpoint, 1, &Value::Null);
    assert_eq!(misfits(endpoint, Answer::Json(&answer)), []);
    answer["trade_state"] = json!("PAID");
    answer["success_time"] = json!("2026-01-01 10:00:00");
    check(
        query,
        answer,
        &[
            "success_time must be a time as RFC 3339 has it",
            "trade_state is `PAID`, none of its values",
        ],
    );
}

#[test]
fn in_xml_every_value_is_a_text() {
    let query = id::pay_v2::pay::ORDER_QUERY;
    let mut answer = json!({
        "return_code": "SUCCESS", "return_msg": "OK", "result_code": "SUCCESS", "nonce_str": "n", "sign": "s",
        "appid": "wx1", "mch_id": "1", "openid": "o", "is_subscribe": "Y", "trade_state": "SUCCESS",
        "trade_state_desc": "x", "trade_type": "JSAPI", "bank_type": "OTHERS", "total_fee": "1",
        "out_trade_no": "1", "coupon_id_0": "7", "coupon_fee_0": "1", "time_end": "20260101100000",
    });
    assert_eq!(found(query, Answer::Xml(&answer)), [""; 0]);
    answer["total_fee"] = json!("one");
    answer["is_subscribe"] = json!("true");
    answer["coupon_fee_x"] = json!("1");
    assert_eq!(
        found(query, Answer::Xml(&answer)),
        [
            "coupon_fee_x is not in the schema",
            "is_subscribe must be Y or N",
            "total_fee must be a whole number",
        ],
    );
    answer["result_code"] = json!("FAIL");
    let all = found(query, Answer::Xml(&answer));
    assert_eq!(all[2], "result_code is not what a success says");
}

#[test]
fn an_answer_has_the_form_of_its_endpoint() {
    let close = id::pay_v3::pay::transactions::CLOSE;
    assert_eq!(found(close, Answer::Nothing), [""; 0]);
    assert_eq!(found(close, Answer::Bytes).len(), 1);
    assert_eq!(
        found(id::official_account::menu::DELETE, Answer::Nothing).len(),
        1
    );
    assert_eq!(
        found(id::pay_v3::base::GET_CERTIFICATES, Answer::Nothing).len(),
        1
    );
    let media = id::official_account::media::GET;
    assert_eq!(found(media, Answer::Bytes), [""; 0]);
    check(media, json!({"video_url": "https://a.invalid"}), &[]);
    let picture = id::mini_program::wxa::GET_WXA_CODE;
    assert_eq!(found(picture, Answer::Json(&json!({}))).len(), 1);
    let query = id::pay_v2::pay::ORDER_QUERY;
    assert_eq!(found(query, Answer::Json(&json!({}))).len(), 1);
}

#[test]
fn where_one_path_has_several_shapes_one_of_them_must_fit() {
    let get = endpoint(id::pay_global::transactions::GET).expect("it is there");
    // With the fields of all of them.
    let answer = mock::sample(get.product, &get.response, 1);
    let mut own = answer.clone();
    for name in ["sp_mchid", "sp_appid", "sub_mchid", "sub_appid"] {
        own.as_object_mut().expect("an object").remove(name);
    }
    assert_eq!(misfits(get, Answer::Json(&own)), []);
    assert_ne!(misfits(get, Answer::Json(&answer)), []);
}

#[test]
fn what_the_schema_makes_up_fits_it() {
    let mut wrong = Vec::new();
    for endpoint in crate::Product::ALL.into_iter().flat_map(endpoints) {
        for seed in 0..3 {
            let made = mock(endpoint, seed, &Value::Null);
            let text = made.to_string();
            let bytes = matches!(
                endpoint.answer,
                Content::Binary | Content::Csv | Content::Raw
            );
            let answer = match endpoint.answer {
                _ if bytes => Answer::Bytes,
                Content::None => Answer::Nothing,
                Content::Xml => continue,
                _ => Answer::Json(&made),
            };
            let first = misfits(endpoint, answer).into_iter().next();
            if let Some(misfit) = first {
                wrong.push(format!("{}: {misfit}: {text:.300}", endpoint.id));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}: {:#?}",
        wrong.len(),
        &wrong[..wrong.len().min(20)]
    );
}
