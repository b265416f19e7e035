use proptest::prelude::*;
use xinqiao_types::{AppSecret, SeededEntropy, UnixSeconds};

use super::*;
use crate::model::{AuthKind, Code};

const API: &str = "api.weixin.qq.com";

fn get<'a>(path: &'a str, query: &'a str) -> Request<'a> {
    Request {
        host: API,
        method: "GET",
        path,
        query,
        ..Request::default()
    }
}

#[test]
fn a_call_with_a_token_is_recognised() {
    let call = recognise(&get("/cgi-bin/menu/get", "access_token=80_abc%2B"));
    assert_eq!(call.endpoint().unwrap().path, "/cgi-bin/menu/get");
    assert_eq!(call.product, Product::OfficialAccount);
    assert!(!call.issues());
    let Credential::Token { param, value, .. } = call.credential else {
        panic!()
    };
    assert_eq!((param, value.expose()), ("access_token", "80_abc+"));
}

#[test]
fn a_token_is_found_under_its_kinds_own_name_too() {
    for param in ["component_access_token", "access_token"] {
        let query = format!("{param}=c");
        let request = Request {
            method: "POST",
            ..get("/cgi-bin/component/api_query_auth", &query)
        };
        let Credential::Token {
            kind, param: found, ..
        } = recognise(&request).credential
        else {
            panic!("{param}")
        };
        assert_eq!((kind, found), (AuthKind::ComponentAccessToken, param));
    }
}

#[test]
fn a_call_for_a_token_carries_id_and_secret_in_the_query() {
    let query = "grant_type=client_credential&appid=wx1&secret=s%20t";
    let call = recognise(&get("/cgi-bin/token", query));
    assert!(call.issues());
    let Credential::Secret { id, secret, place } = call.credential else {
        panic!()
    };
    assert_eq!((id.as_deref(), place), (Some("wx1"), Place::Query));
    assert_eq!(secret.unwrap().expose(), "s t");
}

#[test]
fn a_call_for_a_stable_token_carries_them_in_json() {
    let request = Request {
        method: "POST",
        body: br#"{"grant_type":"client_credential","appid":"wx1","secret":"s"}"#,
        content_type: "application/json",
        ..get("/cgi-bin/stable_token", "")
    };
    let call = recognise(&request);
    let endpoint = call.endpoint().unwrap();
    let Credential::Secret { id, secret, place } = call.credential else {
        panic!()
    };
    assert_eq!((id.as_deref(), place), (Some("wx1"), Place::Json));
    assert_eq!(secret.unwrap().expose(), "s");
    let real = AppSecret::new("real\"");
    let body = br#"{ "grant_type": "client_credential", "appid":"wx1", "secret":"xqk_s" }"#;
    let (_, body) = swap_secret(endpoint, place, "", body, "xqk_s", &real).unwrap();
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{ "grant_type": "client_credential", "appid":"wx1", "secret":"real\"" }"#
    );
}

#[test]
fn a_swap_finds_what_is_spelled_otherwise_and_refuses_what_stands_twice() {
    let swapped = swap_param("a=1&%73ecret=x&b", "secret", "new");
    assert_eq!(swapped.as_deref(), Some("a=1&secret=new&b"));
    assert_eq!(swap_param("secret=x&%73ecret=y", "secret", "new"), None);
    assert_eq!(swap_param("a=1", "secret", "new"), None);
    let swap = |body: &str| {
        let body = swap_field(body.as_bytes(), "secret", "old", "new")?;
        String::from_utf8(body).ok()
    };
    let plain = swap(r#"{"n":1.50, "secret":"old"}"#);
    assert_eq!(plain.as_deref(), Some(r#"{"n":1.50, "secret":"new"}"#));
    let escaped = swap(r#"{"secret":"\u006fld"}"#);
    assert_eq!(escaped.as_deref(), Some(r#"{"secret":"new"}"#));
    assert_eq!(swap(r#"{"secret":"old","other":"old"}"#), None);
    assert_eq!(swap(r#"{"secret":"\u006fld","other":"old"}"#), None);
    assert_eq!(swap(r#"{"other":"old"}"#), None);
    assert_eq!(swap("old"), None);
}

#[test]
fn an_unknown_path_is_not_searched_for_where_strangers_ask() {
    let call = recognise_known(&get("/cgi-bin/menu/gett", "access_token=t"));
    assert_eq!(call.target, Target::Unknown { nearest: None });
    assert_eq!(call.product, Product::OfficialAccount);
    let on = |host, path| {
        let request = Request {
            host,
            ..get(path, "")
        };
        recognise_known(&request).product
    };
    assert_eq!(on("qyapi.weixin.qq.com", "/cgi-bin/nothing"), Product::Work);
    assert_eq!(on("api.mch.weixin.qq.com", "/v3/nothing"), Product::PayV3);
    assert_eq!(on("api2.mch.weixin.qq.com", "/pay/nothing"), Product::PayV2);
}

#[test]
fn what_is_missing_is_missing() {
    let call = recognise(&get("/cgi-bin/menu/get", "x=1"));
    assert!(matches!(call.credential, Credential::None));
    let call = recognise(&get("/cgi-bin/token", "appid=wx1"));
    let Credential::Secret {
        id, secret: None, ..
    } = call.credential
    else {
        panic!()
    };
    assert_eq!(id.as_deref(), Some("wx1"));
}

#[test]
fn an_unknown_path_is_said_to_be_unknown() {
    let call = recognise(&get("/cgi-bin/menu/gett", "access_token=t"));
    let Target::Unknown { nearest } = call.target else {
        panic!("{:?}", call.target)
    };
    assert_eq!(nearest, Some("/cgi-bin/menu/get"));
    assert_eq!(call.product, Product::OfficialAccount);
    assert!(matches!(call.credential, Credential::Token { .. }));
}

#[test]
fn a_wrong_method_is_told() {
    let request = Request {
        method: "DELETE",
        ..get("/cgi-bin/menu/get", "")
    };
    let Target::WrongMethod { allowed } = recognise(&request).target else {
        panic!()
    };
    assert_eq!(allowed, [Method::Get]);
}

#[test]
fn one_path_on_two_hosts_is_two_products() {
    let request = Request {
        host: "qyapi.weixin.qq.com",
        ..get("/cgi-bin/user/get", "")
    };
    assert_eq!(recognise(&request).product, Product::Work);
    assert_eq!(
        recognise(&get("/cgi-bin/user/get", "")).product,
        Product::OfficialAccount
    );
}

#[test]
fn a_merchant_signs_in_a_header() {
    let authorization = "WECHATPAY2-SHA256-RSA2048 mchid=\"1900000001\",nonce_str=\"n\",\
                         signature=\"s==\",timestamp=\"1\",serial_no=\"5157F0\"";
    let request = Request {
        host: "api.mch.weixin.qq.com",
        authorization,
        ..get("/v3/pay/transactions/id/42", "mchid=1900000001")
    };
    let call = recognise(&request);
    assert_eq!(call.product, Product::PayV3);
    let Credential::Signature {
        scheme,
        mchid,
        serial,
    } = call.credential
    else {
        panic!()
    };
    assert_eq!(scheme, "WECHATPAY2-SHA256-RSA2048");
    assert_eq!(
        (mchid.as_deref(), serial.as_deref()),
        (Some("1900000001"), Some("5157F0"))
    );
}

#[track_caller]
fn refuse(product: Product, path: &str, code: impl Into<Code<'static>>, text: &str) -> Answer {
    let trace = trace(product, UnixSeconds(0x5f32_03f9), &SeededEntropy::new(1));
    refusal(&Refusal {
        product,
        path,
        code: code.into(),
        text,
        trace: &trace,
        caller: "1.2.3.4",
    })
}

#[test]
fn a_refusal_has_a_rid_after_a_space() {
    let answer = refuse(
        Product::OfficialAccount,
        "/cgi-bin/menu/get",
        40001,
        "invalid credential",
    );
    assert_eq!(answer.status, 200);
    assert!(answer.content_type.starts_with("application/json"));
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(body["errcode"], 40001);
    let message = body["errmsg"].as_str().unwrap();
    let (text, rid) = message.split_once(" rid: ").unwrap();
    assert_eq!(text, "invalid credential");
    let groups: Vec<&str> = rid.split('-').collect();
    assert_eq!(groups[0], "5f3203f9", "the first group is the time");
    assert!(groups.len() == 3 && groups.iter().all(|group| group.len() == 8));
}

#[test]
fn user_log_in_separates_the_rid_with_a_comma_and_answers_as_text() {
    let answer = refuse(
        Product::OpenPlatform,
        "/sns/oauth2/access_token",
        40163,
        "code been used",
    );
    assert_eq!(answer.content_type, "text/plain");
    assert!(
        answer.body.contains("code been used, rid: "),
        "{}",
        answer.body
    );
}

#[test]
fn wecom_writes_a_hint() {
    let answer = refuse(
        Product::Work,
        "/cgi-bin/user/get",
        40014,
        "invalid access_token",
    );
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    let message = body["errmsg"].as_str().unwrap();
    assert!(
        message.starts_with("invalid access_token, hint: [1597113337_"),
        "{message}"
    );
    assert!(
        message.contains("], from ip: 1.2.3.4, more info at https://"),
        "{message}"
    );
    assert!(message.ends_with("e=40014"), "{message}");
}

#[test]
fn payment_products_refuse_in_their_own_forms() {
    let answer = refuse(Product::PayV3, "/v3/x", "PARAM_ERROR", "wrong");
    assert_eq!(answer.body, r#"{"code":"PARAM_ERROR","message":"wrong"}"#);
    assert!(answer.status >= 400);
    let answer = refuse(Product::PayV2, "/pay/orderquery", "ORDERNOTEXIST", "a]]>b");
    assert!(
        answer
            .body
            .contains("<err_code><![CDATA[ORDERNOTEXIST]]></err_code>")
    );
    assert!(answer.body.contains("<![CDATA[a]]]]><![CDATA[>b]]>"));
}

#[test]
fn the_text_comes_from_the_catalog_if_none_is_given() {
    let answer = refuse(Product::OfficialAccount, "/cgi-bin/menu/get", 41001, "");
    assert!(
        answer.body.contains("access_token missing"),
        "{}",
        answer.body
    );
}

proptest! {
    // Looking for the nearest path walks all routes, which is slow in a test build.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_swap_leaves_the_other_bytes_alone(
        before in "[a-z]{0,5}=[a-zA-Z0-9%+.]{0,9}",
        old in "[a-zA-Z0-9_%-]{0,20}",
        after in "[a-z]{1,5}=[a-zA-Z0-9%+.]{0,9}",
        new in "[a-zA-Z0-9_-]{1,20}",
    ) {
        let query = format!("{before}&access_token={old}&{after}");
        let swapped = swap_param(&query, "access_token", &new);
        prop_assert_eq!(swapped.unwrap(), format!("{before}&access_token={new}&{after}"));
    }

    #[test]
    fn recognising_never_panics(path in "/.{0,40}", query in ".{0,40}", body: Vec<u8>) {
        let request = Request { body: &body, method: "POST", ..get(&path, &query) };
        let _ = recognise(&request);
    }
}
