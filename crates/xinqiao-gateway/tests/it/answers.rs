//! Answers of the platform that are not well-formed: what they say and hand out is not lost.

use axum::{Router, extract::Request};
use serde_json::{Value, json};
use xinqiao_gateway::{AccountConfig, Gateway, Upstream};
use xinqiao_types::AccountKind;

use crate::fake::*;

const SUITE: &str = "wwsuite000000001";
const WORK: &str = "qyapi.weixin.qq.com";

/// A gateway with a suite and a key, before a platform that gives one answer to every call but that
/// for the suite's token.
async fn before(answer: &'static [u8]) -> (Server, Gateway, String) {
    let router = Router::new().fallback(move |request: Request| async move {
        if request.uri().path().ends_with("get_suite_token") {
            return br#"{"suite_access_token":"REALSUITETOKEN-abc","expires_in":7200}"#.as_slice();
        }
        answer
    });
    let server = serve(router).await;
    let mut config = config(&server, None);
    config.upstream = Upstream::Hosts(
        ["api.weixin.qq.com", WORK]
            .map(|host| (host.to_owned(), server.origin.clone()))
            .into(),
    );
    let mut suite = AccountConfig::new(SUITE);
    suite.kind = AccountKind::Corp;
    suite.secret = Some("CANARYSECRETsuite000000000000000".into());
    config.accounts.push(suite);
    let gateway = start(config).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    (server, gateway, key.key.expose().to_owned())
}

async fn ask(url: String, body: Value) -> Got {
    got(client()
        .post(url)
        .header("content-type", "application/json")
        .body(body.to_string()))
    .await
}

/// What the app gets when it exchanges an authorization code for the permanent code.
async fn exchanged(answer: &'static [u8]) -> Got {
    let (_server, gateway, key) = before(answer).await;
    let origin = gateway.endpoints()[WORK].clone();
    let body = json!({"suite_id": SUITE, "suite_secret": key, "suite_ticket": "t"});
    let token = ask(format!("{origin}/cgi-bin/service/get_suite_token"), body).await;
    let token = token.json()["suite_access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    let url = format!("{origin}/cgi-bin/service/get_permanent_code?suite_access_token={token}");
    let got = ask(url, json!({"auth_code": "c"})).await;
    gateway.shutdown().await;
    got
}

#[tokio::test]
async fn one_bad_byte_costs_no_permanent_code() {
    for answer in [
        b"{\"access_token\":\"REALCORP12345\",\"permanent_code\":\"REALPERMCODE1\",\"name\":\"a\x08b\"}"
            .as_slice(),
        b"{\"access_token\":\"REALCORP12345\",\"permanent_code\":\"REALPERMCODE1\",\"name\":\"a\xffb\"}",
        b"{\"access_token\":\"REALCORP12345\",\"permanent_code\":\"REALPERMCODE1\",\"name\":\"a\\qb\"}",
    ] {
        let got = exchanged(answer).await;
        assert_eq!(got.status, 200, "{}", got.text());
        assert!(got.text().contains("\"permanent_code\":\"xqt_") || got.text().contains("\"permanent_code\":\""));
        assert!(!got.text().contains("REAL"), "{}", got.text());
    }
}

#[tokio::test]
async fn the_code_of_a_refusal_is_never_lost() {
    let got = exchanged(b"{\"errcode\":40029,\"errmsg\":\"invalid code \xff\"}").await;
    assert!(got.text().contains("40029"), "{}", got.text());
    // Cut off: what is left besides the refusal is nobody's.
    let got = exchanged(
        b"{\"errcode\":40029,\"errmsg\":\"invalid code\",\"permanent_code\":\"REALPERMCODE1\",\"x\":",
    )
    .await;
    assert_eq!(got.json()["errcode"], 40029);
    assert!(!got.text().contains("REAL"), "{}", got.text());
    // The account's own token.
    let (_server, gateway, key) =
        before(b"{\"errcode\":40013,\"errmsg\":\"invalid appid \xff\"}").await;
    let url = format!(
        "{}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={key}",
        api(&gateway)
    );
    let got = get(&url).await;
    assert!(got.text().contains("40013"), "{}", got.text());
    gateway.shutdown().await;
}
