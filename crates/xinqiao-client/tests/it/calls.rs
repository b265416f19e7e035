//! How calls are laid out, repeated and refused.

use serde_json::json;
use xinqiao_client::{AccountFacts, Error, FilePart, Policy, Refusal, Retry, TransportReason};
use xinqiao_types::AccountKind;

use crate::platform::{Platform, SECRET, Script};

const SEND: &str = "official_account.message.custom.send";
const USER: &str = "official_account.user.info";
const UPLOAD: &str = "official_account.media.upload";
const DOWNLOAD: &str = "official_account.media.get";

fn last_url(platform: &Platform) -> String {
    platform.with(|state| state.calls.last().unwrap().url.clone())
}

/// A scene that the platform is sure to refuse costs no call, whether typed or free.
#[tokio::test]
async fn field_limit() {
    let platform = Platform::new();
    let client = platform.client();
    let unlimited = "mini_program.wxa.get_wxa_code_unlimit";
    let code = "official_account.qr_code.create";
    let long = json!({"scene": "x".repeat(33)});
    let percent = json!({"scene": "a%20"});
    let zero = json!({"action_name": "QR_SCENE", "action_info": {"scene": {"scene_id": 0}}});
    for (endpoint, fields, why) in [
        (unlimited, long, "`scene` has 33 characters, 1-32 are taken"),
        (unlimited, percent, "`scene` has the character '%'"),
        (code, zero, "`action_info.scene.scene_id` is 0"),
    ] {
        let error = client.call(endpoint, fields).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert!(matches!(
            error,
            Error::Preflight {
                reason: Refusal::Limit(_),
                ..
            }
        ));
    }
    assert!(platform.with(|state| state.calls.is_empty()));
}

#[tokio::test]
async fn fields_go_where_the_catalog_says() {
    let platform = Platform::new();
    let client = platform.client();
    client
        .call(USER, json!({"openid": "o 1", "lang": "zh_CN"}))
        .await
        .unwrap();
    assert_eq!(
        last_url(&platform),
        "https://api.weixin.qq.com/cgi-bin/user/info?access_token=80_token1&openid=o%201&lang=zh_CN"
    );
    let text = json!({"touser": "o1", "msgtype": "text", "text": {"content": "你好"}});
    client.call(SEND, text.clone()).await.unwrap();
    let call = platform.with(|state| state.calls.last().unwrap().clone());
    assert_eq!(call.method, "POST");
    assert_eq!(
        call.headers["content-type"],
        "application/json; charset=utf-8"
    );
    assert_eq!(
        call.body.concat(),
        text.to_string().into_bytes(),
        "Chinese stays UTF-8"
    );
}

#[tokio::test]
async fn hosts_are_replaced_as_told() {
    let platform = Platform::new();
    let map = [("api.weixin.qq.com", "http://127.0.0.1:8601/")];
    let client = platform.builder().endpoints(map).build().unwrap();
    client.call(USER, json!({"openid": "o1"})).await.unwrap();
    assert!(last_url(&platform).starts_with("http://127.0.0.1:8601/cgi-bin/user/info?"));
}

#[tokio::test]
async fn a_message_that_may_have_been_sent_is_not_sent_again() {
    let platform = Platform::new();
    platform.script([Script::Lost]);
    let error = platform
        .client()
        .call(SEND, json!({"touser": "o1"}))
        .await
        .unwrap_err();
    let Error::Transport { sent, reason, .. } = error else {
        panic!("{error}")
    };
    assert!(sent && reason == TransportReason::Broken);
    assert_eq!(
        platform.with(|state| state.calls.len()),
        1,
        "`retry.unsafe`"
    );
}

#[tokio::test]
async fn a_message_with_its_key_is_sent_again() {
    let platform = Platform::new();
    let client = platform.client();
    let template = "official_account.message.template.send";
    platform.script([Script::Lost]);
    let keyed = json!({"touser": "o1", "client_msg_id": "order-1"});
    client.call(template, keyed).await.unwrap();
    assert_eq!(
        platform.with(|state| state.calls.len()),
        2,
        "sent once for ten minutes"
    );
    platform.script([Script::Lost]);
    assert!(
        client
            .call(template, json!({"touser": "o1"}))
            .await
            .is_err()
    );
    assert_eq!(platform.with(|state| state.calls.len()), 3);
}

#[tokio::test]
async fn a_message_that_never_left_is_sent_again() {
    let platform = Platform::new();
    platform.script([Script::Unreachable]);
    platform
        .client()
        .call(SEND, json!({"touser": "o1"}))
        .await
        .unwrap();
    assert_eq!(platform.with(|state| state.calls.len()), 2);
}

#[tokio::test]
async fn a_read_is_repeated_and_then_given_up() {
    let platform = Platform::new();
    platform.script([Script::Lost, Script::Status(502)]);
    let client = platform.client();
    client.call(USER, json!({"openid": "o1"})).await.unwrap();
    assert_eq!(platform.with(|state| state.calls.len()), 3);
    platform.script([Script::Lost, Script::Lost, Script::Status(502)]);
    let error = client
        .call(USER, json!({"openid": "o1"}))
        .await
        .unwrap_err();
    let Error::Transport { reason, .. } = error else {
        panic!("{error}")
    };
    assert_eq!(reason, TransportReason::Status(502));
}

#[tokio::test]
async fn a_busy_platform_is_asked_again_for_reads_only() {
    let platform = Platform::new();
    let busy = Script::Json(json!({"errcode": -1, "errmsg": "system error"}));
    platform.script([busy.clone()]);
    let client = platform.client();
    client.call(USER, json!({"openid": "o1"})).await.unwrap();
    platform.script([busy]);
    let error = client
        .call(SEND, json!({"touser": "o1"}))
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap().0, -1);
}

#[tokio::test]
async fn an_error_says_what_and_why_and_how() {
    let platform = Platform::new();
    platform.script([Script::Json(json!({
        "errcode": 45015,
        "errmsg": "response out of time limit or subscription is canceled rid: 5f3203f9-4c55380f-4b88cfd4",
    }))]);
    let error = platform
        .client()
        .call(SEND, json!({"touser": "o1"}))
        .await
        .unwrap_err();
    let api = error.api().unwrap();
    assert_eq!(api.endpoint, SEND);
    assert_eq!(
        &*api.message,
        "response out of time limit or subscription is canceled"
    );
    assert_eq!(
        api.rid.as_ref().unwrap().as_str(),
        "5f3203f9-4c55380f-4b88cfd4"
    );
    assert_eq!((api.status, api.retry), (200, Retry::Never));
    assert!(api.hint.is_some(), "the catalog knows 45015");
    let text = error.to_string();
    assert!(text.starts_with("official_account.message.custom.send answered 45015: response"));
}

#[tokio::test]
async fn what_the_account_may_not_do_is_refused_before_sending() {
    let platform = Platform::new();
    let facts = AccountFacts::new(AccountKind::Subscription, false);
    let client = platform.builder().account(facts).build().unwrap();
    let error = client
        .call(SEND, json!({"touser": "o1"}))
        .await
        .unwrap_err();
    let Error::Preflight {
        reason: Refusal::Permission(denied),
        ..
    } = &error
    else {
        panic!("{error}")
    };
    assert_eq!(denied.right, "msg.custom");
    assert!(
        error.to_string().contains("have the account verified"),
        "`permission.denied`: {error}"
    );
    assert_eq!(
        platform.with(|state| state.calls.len() + state.fetches as usize),
        0
    );
}

#[tokio::test]
async fn an_unknown_endpoint_is_a_mistake_of_the_caller() {
    let error = Platform::new()
        .client()
        .call("official_account.nope", json!({}))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the catalog knows no endpoint `official_account.nope`"
    );
}

#[tokio::test]
async fn a_picture_is_uploaded_under_its_chinese_name() {
    let platform = Platform::new();
    platform.script([Script::Json(
        json!({"type": "image", "media_id": "m1", "created_at": 1}),
    )]);
    let picture = FilePart::new("桥头.jpg", b"\xff\xd8\xff\xe0pixels".to_vec());
    let call = platform
        .client()
        .call(UPLOAD, json!({"type": "image"}))
        .file("media", picture);
    assert_eq!(call.await.unwrap()["media_id"], "m1");
    let sent = platform.with(|state| state.calls.last().unwrap().clone());
    assert!(sent.url.contains("&type=image"), "{sent:?}");
    let body = sent.body.concat();
    let text = String::from_utf8_lossy(&body);
    assert!(text.contains("name=\"media\"; filename=\"桥头.jpg\"\r\n"));
    assert!(text.contains("Content-Type: image/jpeg"));
}

#[tokio::test]
async fn a_file_that_would_be_refused_does_not_leave() {
    let platform = Platform::new();
    let client = platform.client();
    let call = |kind: &str, name: &str, bytes: Vec<u8>| {
        client
            .call(UPLOAD, json!({"type": kind}))
            .file("media", FilePart::new(name, bytes))
    };
    for (kind, name, bytes) in [
        ("image", "a.exe", b"MZ".to_vec()),
        ("image", "empty.jpg", Vec::new()),
        ("thumb", "big.jpg", vec![0xff; 65 * 1024]),
        ("voice", "a.wav", b"RIFF....WAVE".to_vec()),
    ] {
        let error = call(kind, name, bytes).await.unwrap_err();
        let Error::Preflight {
            reason: Refusal::Media(_),
            ..
        } = &error
        else {
            panic!("`media.precheck` for {name}: {error}")
        };
    }
    assert_eq!(platform.with(|state| state.calls.len()), 0);
}

#[tokio::test]
async fn a_download_is_bytes_or_an_error() {
    let platform = Platform::new();
    let client = platform.client();
    platform.script([
        Script::Bytes("image/jpeg", b"\xff\xd8\xff\xe0pixels"),
        Script::Bytes(
            "text/plain",
            br#"{"errcode":40007,"errmsg":"invalid media_id"}"#,
        ),
    ]);
    let download = client
        .call(DOWNLOAD, json!({"media_id": "m1"}))
        .download()
        .await
        .unwrap();
    assert_eq!(
        (download.content_type.as_str(), download.bytes.len()),
        ("image/jpeg", 10)
    );
    let error = client
        .call(DOWNLOAD, json!({"media_id": "m2"}))
        .download()
        .await
        .unwrap_err();
    assert_eq!(error.code().unwrap().0, 40007);
}

#[tokio::test]
async fn content_decides_between_file_pointer_and_error() {
    const MATERIAL: &str = "official_account.material.get_material";
    let platform = Platform::new();
    let client = platform.client();
    for kind in [
        "text/plain",
        "image/jpeg",
        "application/json; encoding=utf-8",
        "application/octet-stream",
    ] {
        for id in [DOWNLOAD, MATERIAL] {
            let call = || client.call(id, json!({"media_id": "m"}));
            let film: &[u8] = br#"{"title":"t","down_url":"http://v/x"}"#;
            platform.script([film, film].map(|bytes| Script::Bytes(kind, bytes)));
            // The free call gives the fields; who wants a file is told where it lies.
            assert_eq!(call().await.unwrap()["down_url"], "http://v/x");
            let error = call().download().await.unwrap_err();
            assert_eq!(error.url(), Some("http://v/x"), "{kind}");
            assert!(error.to_string().contains("`down_url`"), "{error}");

            let errors: [&[u8]; 2] = [
                b"\xef\xbb\xbf{\"errmsg\":\"\xb2\xce\x01\",\"errcode\":40007}",
                b"{\"errcode\":40007,\"errmsg\":\"invalid",
            ];
            platform.script(errors.map(|bytes| Script::Bytes(kind, bytes)));
            for _ in errors {
                let error = call().stream().await.unwrap_err();
                assert_eq!(error.code().map(|code| code.0), Some(40007), "{kind}");
            }

            platform.script([Script::Bytes(kind, br#"{"errcode":0,"errmsg":"ok"}"#)]);
            let error = call().download().await.unwrap_err();
            assert!(matches!(error, Error::Decode { .. }), "{error}");

            let picture: &[u8] = b"\xff\xd8\xff\xe0{\"errcode\":40007}";
            let lines: &[u8] = b"{\"errcode\":40007}\n{\"errcode\":0}\n";
            for file in [picture, lines] {
                platform.script([Script::Bytes(kind, file)]);
                assert_eq!(call().download().await.unwrap().bytes, file, "{kind}");
            }
        }
    }
}

#[tokio::test]
async fn no_byte_of_an_answer_costs_the_answer() {
    let platform = Platform::new();
    let client = platform.client();
    let call = || client.call("official_account.user.info", json!({"openid": "o2"}));
    platform.script([Script::Bytes(
        "application/json",
        b"{\"subscribe\":1,\"openid\":\"o2\",\"nickname\":\"a\x07b\",\"city\":\"\x08\",\"province\":\"\xff\xfe\",\
          \"headimgurl\":\"http:\\/\\/wx.qlogo.cn\\/x\",\"remark\":\"\\u0007\\ud83d\"}",
    )]);
    let user = call().await.unwrap();
    assert_eq!(user["nickname"], "a b");
    assert_eq!(user["province"], "\u{fffd}\u{fffd}");
    assert_eq!(user["headimgurl"], "http://wx.qlogo.cn/x");
    assert_eq!(user["remark"], "\u{7}\u{fffd}");
    platform.script([Script::Bytes(
        "application/json",
        b"{\"errcode\":40003,\"errmsg\":\"invalid \xb2\xce openid",
    )]);
    let error = call().await.unwrap_err();
    assert_eq!(error.code().map(|code| code.0), Some(40003));
}

#[tokio::test]
async fn a_page_instead_of_an_answer_is_no_answer() {
    let platform = Platform::new();
    let client = platform.client();
    let page: &[u8] = b"\r\n<!DOCTYPE html><title>access_token=80_x</title>";
    let policy = Policy::NEVER;
    for script in [Script::Bytes("text/html", page), Script::Status(502)] {
        platform.script([script]);
        let call = client.call("official_account.user.info", json!({"openid": "o2"}));
        let error = call.policy(policy).await.unwrap_err();
        let Error::Transport {
            reason: TransportReason::Status(_),
            source,
            ..
        } = &error
        else {
            panic!("{error}")
        };
        assert!(source.to_string().contains("an HTML page"), "{source}");
        assert!(!format!("{error:?}").contains("80_x"));
    }
}

#[tokio::test]
async fn secrets_show_up_nowhere() {
    let platform = Platform::new();
    let client = platform.client();
    client.call(USER, json!({"openid": "o1"})).await.unwrap();
    platform.script([Script::Lost, Script::Lost, Script::Lost]);
    let error = client
        .call(USER, json!({"openid": "o1"}))
        .await
        .unwrap_err();
    let pending = client.call("official_account.base.token", json!({"secret": SECRET}));
    let outgoing = platform.with(|state| state.calls[0].clone());
    let everything = format!("{client:?} {client:#?} {error} {error:?} {pending:?} {outgoing:?}");
    assert!(!everything.contains(SECRET), "{everything}");
    assert!(!everything.contains("80_token"), "{everything}");
}

#[tokio::test]
async fn a_client_for_another_account_shares_the_connections_only() {
    let platform = Platform::new();
    let one = platform.client();
    one.call(USER, json!({"openid": "o1"})).await.unwrap();
    let two = one.with_account("wxother", SECRET);
    two.call(USER, json!({"openid": "o1"})).await.unwrap();
    assert_eq!(
        platform.with(|state| state.fetches),
        2,
        "tokens are keyed by credential"
    );
    assert_eq!(two.appid().as_str(), "wxother");
}
