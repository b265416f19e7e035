use serde_json::{Value, json};
use xinqiao_testkit::TestWorld;

use crate::{appid, connected};

#[tokio::test]
async fn an_unknown_path_is_404_with_the_nearest() {
    let world = TestWorld::start().await;
    let url = format!("{}/cgi-bin/menu/creat", world.api());
    let answer = world.client().post(url).body("{}").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(body["error"]["nearest"], "/cgi-bin/menu/create", "{body}");
}

#[tokio::test]
async fn any_platform_host_is_served_on_the_first_port_by_its_name() {
    let world = TestWorld::start().await;
    let url = format!("{}/cgi-bin/get_api_domain_ip", world.simulator().origin());
    let answer = world
        .client()
        .get(url)
        .header("host", "api.weixin.qq.com")
        .send()
        .await
        .unwrap();
    let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(body["errcode"], 41001);
}

#[tokio::test]
async fn what_has_no_behaviour_answers_from_its_schema_and_says_so() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let path = format!("/cgi-bin/poi/getpoilist?access_token={token}");
    let page = json!({"begin": 0, "limit": 10});
    let (headers, answer) = world.call_raw(&path, page).await;
    assert_eq!(headers["x-xinqiao-fidelity"], "fallback", "{answer}");
    assert_eq!(answer["errcode"].as_i64().unwrap_or(0), 0, "{answer}");
    let path = format!("/cgi-bin/menu/get?access_token={token}");
    let (headers, _) = world.call_raw(&path, Value::Null).await;
    assert_eq!(headers["x-xinqiao-fidelity"], "stateful");
    assert!(headers.contains_key("x-xinqiao-rid"));
    assert!(
        headers["content-type"]
            .to_str()
            .unwrap()
            .starts_with("application/json")
    );
}

#[tokio::test]
async fn a_menu_is_made_read_and_deleted() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let path = |name: &str| format!("/cgi-bin/{name}?access_token={token}");
    assert_eq!(
        world.call(&path("menu/get"), Value::Null).await["errcode"],
        46003
    );
    let menu = json!({"button": [{"type": "click", "name": "今日", "key": "T"}]});
    assert_eq!(world.call(&path("menu/create"), menu).await["errcode"], 0);
    let got = world.call(&path("menu/get"), Value::Null).await;
    assert_eq!(got["menu"]["button"][0]["name"], "今日");
    let current = format!("/cgi-bin/get_current_selfmenu_info?access_token={token}");
    assert_eq!(world.call(&current, Value::Null).await["is_menu_open"], 1);
    let long = json!({"button": [{"type": "click", "name": "一二三四五六", "key": "T"}]});
    assert_eq!(
        world.call(&path("menu/create"), long).await["errcode"],
        40018
    );
    assert_eq!(
        world.call(&path("menu/delete"), Value::Null).await["errcode"],
        0
    );
    assert_eq!(
        world.call(&path("menu/get"), Value::Null).await["errcode"],
        46003
    );
}

#[tokio::test]
async fn users_are_told_as_the_account_may_see_them() {
    let world = TestWorld::start().await;
    let (account, user, _app) = connected(&world, "plain").await;
    let openid = world.get(&format!("/users/{user}")).await["openids"][appid(&account)].clone();
    let openid = openid.as_str().unwrap();
    assert_eq!(openid.len(), 28);
    let token = world.token(&account).await;
    let path = format!("/cgi-bin/user/info?access_token={token}&openid={openid}&lang=zh_CN");
    let info = world.call(&path, Value::Null).await;
    assert_eq!(
        (&info["subscribe"], &info["nickname"]),
        (&json!(1), &json!("")),
        "{info}"
    );
    for name in [
        "headimgurl",
        "groupid",
        "tagid_list",
        "subscribe_scene",
        "subscribe_time",
    ] {
        assert!(!info[name].is_null(), "{name}");
    }
    let remark = json!({"openid": openid, "remark": "老客"});
    let path_remark = format!("/cgi-bin/user/info/updateremark?access_token={token}");
    assert_eq!(world.call(&path_remark, remark).await["errcode"], 0);
    assert_eq!(world.call(&path, Value::Null).await["remark"], "老客");
    let batch = format!("/cgi-bin/user/info/batchget?access_token={token}");
    let list = json!({"user_list": [{"openid": openid}]});
    assert_eq!(
        world.call(&batch, list.clone()).await["user_info_list"][0]["remark"],
        "老客"
    );
    world
        .act(&user, json!({"do": "unfollow", "account": appid(&account)}))
        .await;
    assert_eq!(world.call(&path, Value::Null).await["subscribe"], 0);
    let foreign = path.replace(openid, "oNobody");
    assert_eq!(world.call(&foreign, Value::Null).await["errcode"], 40003);
}

#[tokio::test]
async fn files_live_three_days() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let mut body = b"--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.png\"\r\n\
        Content-Type: application/octet-stream\r\n\r\n"
        .to_vec();
    body.extend_from_slice(b"\x89PNG\r\n\x1a\nrest\r\n--b--\r\n");
    let url = format!(
        "{}/cgi-bin/media/upload?access_token={token}&type=image",
        world.api()
    );
    let answer = world
        .client()
        .post(url)
        .header("content-type", "multipart/form-data; charset=ISO-8859-1")
        .body(body)
        .send()
        .await
        .unwrap();
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["type"], "image", "{answer}");
    let media_id = answer["media_id"].as_str().unwrap();
    let get = |token: &str| {
        format!(
            "{}/cgi-bin/media/get?access_token={token}&media_id={media_id}",
            world.api()
        )
    };
    let file = world.client().get(get(&token)).send().await.unwrap();
    assert_eq!(file.headers()["content-type"], "image/png");
    let disposition = file.headers()["content-disposition"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(disposition.contains("filename=\""), "{disposition}");
    assert_eq!(&file.bytes().await.unwrap()[..], b"\x89PNG\r\n\x1a\nrest");
    world.advance(3 * 86_400).await;
    let token = world.token(&account).await;
    let gone = world
        .client()
        .get(get(&token))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(gone.contains("40007"), "{gone}");
}

/// Names of rules in our sources: quoted, two words or more joined by dots, below one of these.
#[test]
fn every_rule_that_we_name_is_explained_by_the_catalog() {
    const HEADS: [&str; 12] = [
        "call",
        "callback",
        "credential",
        "egress",
        "fault",
        "handshake",
        "kf_account",
        "media",
        "menu",
        "openid",
        "reply",
        "json",
    ];
    // Switches for disputed behaviour, not diagnoses.
    const SWITCHES: [&str; 5] = [
        "callback.blank_before_reply",
        "callback.notice_text",
        "callback.mark_fail_after",
        "callback.mark_fail_seconds",
        "menu.private_conditions",
    ];
    let mut folders = vec![std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut missing = std::collections::BTreeSet::new();
    let mut found = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(text) = std::fs::read_to_string(&path) else {
                continue;
            };
            for quoted in text.split('"').skip(1).step_by(2) {
                let head = quoted.split('.').next().unwrap();
                let is_rule = quoted.contains('.')
                    && HEADS.contains(&head)
                    && quoted
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || b"._".contains(&byte));
                if is_rule && !SWITCHES.contains(&quoted) {
                    found += 1;
                    if xinqiao_catalog::diagnosis(quoted).is_none() {
                        missing.insert(quoted.to_owned());
                    }
                }
            }
        }
    }
    assert!(
        found > 30,
        "only {found} rules found: has the way of naming them changed?"
    );
    assert!(
        missing.is_empty(),
        "no diagnosis in the catalog: {missing:?}"
    );
}

#[tokio::test]
async fn callback_check_refuses_with_codes_of_its_own() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let path = format!("/cgi-bin/callback/check?access_token={token}");
    let check = |action: Value, operator: Value| {
        let body = json!({"action": action, "check_operator": operator});
        world.call(&path, body)
    };
    for (action, operator, want) in [
        (json!("all"), json!("DEFAULT"), 40201),
        (json!("trace"), json!("DEFAULT"), 40202),
        (json!(1), json!("DEFAULT"), 40202),
        (json!("all"), json!("MOBILE"), 40203),
        (json!("all"), json!(7), 40203),
    ] {
        let answer = check(action, operator).await;
        assert_eq!(answer["errcode"], want, "{answer}");
    }
    assert_eq!(world.call(&path, json!({})).await["errcode"], 40202);
    let action_alone = json!({"action": "dns"});
    assert_eq!(world.call(&path, action_alone).await["errcode"], 40203);
    let (account, _, _app) = connected(&world, "plain").await;
    let token = world.token(&account).await;
    let path = format!("/cgi-bin/callback/check?access_token={token}");
    for (action, dns, ping) in [
        ("all", true, true),
        ("dns", true, false),
        ("ping", false, true),
    ] {
        let body = json!({"action": action, "check_operator": "CAP"});
        let answer = world.call(&path, body).await;
        assert_eq!(answer["dns"].is_array(), dns, "{answer}");
        assert_eq!(answer["ping"].is_array(), ping, "{answer}");
    }
}

#[tokio::test]
async fn an_older_path_is_the_same_endpoint() {
    let world = TestWorld::start().await;
    let verified = world
        .account(json!({"kind": "service", "verified": true}))
        .await;
    let token = world.token(&verified).await;
    let staff = json!({"kf_account": format!("a@{}", verified["alias"].as_str().unwrap()), "nickname": "甲"});
    let add = format!("/cgi-bin/customservice/kfaccount/add?access_token={token}");
    assert_eq!(world.call(&add, staff).await["errcode"], 0);
    for name in ["getkflist", "getonlinekflist"] {
        let paths = [
            format!("/customservice/{name}?access_token={token}"),
            format!("/cgi-bin/customservice/{name}?access_token={token}"),
        ];
        let (old, new) = (
            world.call(&paths[0], Value::Null).await,
            world.call(&paths[1], Value::Null).await,
        );
        assert_eq!(old, new, "the same state");
        assert!(old.to_string().contains("kf_account"), "{old}");
        for path in &paths {
            let (headers, answer) = world.call_raw(path, json!({})).await;
            assert_eq!(answer["errcode"], 43001, "the same methods: {answer}");
            assert_eq!(headers["x-xinqiao-fidelity"], "none");
        }
    }
    let other = world
        .account(json!({"kind": "subscription", "verified": false}))
        .await;
    let token = world.token(&other).await;
    for name in ["getkflist", "getonlinekflist"] {
        let path = format!("/customservice/{name}?access_token={token}");
        assert_eq!(
            world.call(&path, Value::Null).await["errcode"],
            48001,
            "the same right"
        );
    }
    let appid = appid(&verified);
    let limit = json!({"/cgi-bin/customservice/getkflist": {"limit": 4, "used": 0}});
    world
        .must("PATCH", &format!("/accounts/{appid}/quotas"), limit)
        .await;
    let token = world.token(&verified).await;
    let mut codes = Vec::new();
    for path in [
        "/customservice/getkflist",
        "/cgi-bin/customservice/getkflist",
    ]
    .repeat(3)
    {
        let path = format!("{path}?access_token={token}");
        codes.push(
            world.call(&path, Value::Null).await["errcode"]
                .as_i64()
                .unwrap_or(0),
        );
    }
    assert_eq!(codes, [0, 0, 0, 0, 45009, 45009], "the same quota");
}

#[tokio::test]
async fn the_platform_tells_its_addresses() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    for path in ["/cgi-bin/get_api_domain_ip", "/cgi-bin/getcallbackip"] {
        let answer = world
            .call(&format!("{path}?access_token={token}"), Value::Null)
            .await;
        let list = answer["ip_list"].as_array().unwrap();
        assert!(!list.is_empty(), "{path}: {answer}");
        for address in list {
            let parsed: Result<std::net::IpAddr, _> = address.as_str().unwrap().parse();
            assert!(parsed.is_ok(), "{address}");
        }
    }
}

#[tokio::test]
async fn a_picture_for_articles_is_known_by_its_address_for_ever() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let body = "--b\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.png\"\r\n\
        Content-Type: image/png\r\n\r\n\u{89}PNG\r\n--b--\r\n";
    let mut bytes = body.as_bytes().to_vec();
    // The first byte of the picture stands alone, not as UTF-8 has it.
    let at = bytes.iter().position(|byte| *byte == 0xc2).unwrap();
    bytes.remove(at);
    let url = format!(
        "{}/cgi-bin/media/uploadimg?access_token={token}",
        world.api()
    );
    let answer = world
        .client()
        .post(url)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(bytes)
        .send()
        .await
        .unwrap();
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    let address = answer["url"].as_str().unwrap().to_owned();
    world.advance(400 * 86_400).await;
    let picture = world.client().get(address).send().await.unwrap();
    assert_eq!(picture.headers()["content-type"], "image/png");
    assert_eq!(&picture.bytes().await.unwrap()[..], b"\x89PNG");
}

#[tokio::test]
async fn a_wrong_type_behind_a_missing_field_is_found() {
    let world = TestWorld::start().await;
    let account = world.account(json!({})).await;
    let token = world.token(&account).await;
    let path = format!("/cgi-bin/message/custom/send?access_token={token}");
    let message = json!({"msgtype": "text", "text": {"content": {"no": "text"}}});
    let answer = world.call(&path, message).await;
    assert_eq!(
        answer["errcode"], 47001,
        "`touser` is missing and the content no text: {answer}"
    );
}

#[tokio::test]
async fn who_cannot_be_told_from_anybody_is_not_answered() {
    let world = TestWorld::start().await;
    let pay = &world.simulator().endpoints()["apihk.mch.weixin.qq.com"];
    let answer = world
        .client()
        .get(format!("{pay}/v3/global/certificates"))
        .header("host", "apihk.mch.weixin.qq.com")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 501);
    let body = answer.text().await.unwrap();
    assert!(
        body.contains("not_built") && body.contains("pay_global"),
        "{body}"
    );
}

#[tokio::test]
async fn a_picture_without_a_behaviour_is_a_picture() {
    let world = TestWorld::start().await;
    let account = world.account(json!({"kind": "miniprogram"})).await;
    let token = world.token(&account).await;
    let answer = world
        .client()
        .post(format!(
            "{}/wxa/getwxacode?access_token={token}",
            world.api()
        ))
        .header("content-type", "application/json")
        .body(r#"{"path":"pages/index"}"#)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(answer.headers()["x-xinqiao-fidelity"], "fallback");
    assert!(answer.bytes().await.unwrap().starts_with(b"\x89PNG"));
}
