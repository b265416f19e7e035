//! The platform's face.

use serde_json::json;
use xinqiao_gateway::{Gateway, Preflight};
use xinqiao_types::AccountKind;

use crate::fake::*;

async fn virtual_token(gateway: &Gateway, key: &str) -> String {
    let url = format!(
        "{}/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={key}",
        api(gateway)
    );
    let answer = get(&url).await.json();
    assert_eq!(answer["expires_in"], 7200, "{answer}");
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn what_it_does_not_know_passes_byte_for_byte() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let body: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let query = "a=%E4%BD%A0&b=1+2&access_token=real-one-of-another&&c";
    let request = client()
        .post(format!("{}/raw?{query}", api(&gateway)))
        .body(body.clone());
    let got = got(request).await;
    assert_eq!(got.status, 418);
    assert_eq!(
        (&got.headers["content-type"], &got.headers["x-one"]),
        (&"x/y".parse().unwrap(), &"1".parse().unwrap())
    );
    let want = [b"\x00\xff ".as_slice(), query.as_bytes(), b" ", &body].concat();
    assert!(
        got.body == want,
        "{} bytes against {}",
        got.body.len(),
        want.len()
    );
    assert_eq!(platform.lock().unwrap().count("POST /raw?"), 1);
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_issued_key_never_sees_the_real_token() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[APPID.into()]).await.unwrap();
    let token = virtual_token(&gateway, key.key.expose()).await;
    let real = platform.lock().unwrap().tokens[0].clone();
    assert_ne!(token, real);
    let got = get(&format!(
        "{}/cgi-bin/user/info?access_token={token}&openid={OPENID}",
        api(&gateway)
    ))
    .await;
    // The platform of the tests repeats the whole URL in its answer.
    assert_eq!(got.json()["errcode"], 0, "{}", got.text());
    assert!(
        !got.text().contains(&real) && got.text().contains(&token),
        "{}",
        got.text()
    );
    let seen = platform.lock().unwrap().seen.last().unwrap().clone();
    assert!(
        seen.contains(&real) && seen.contains(OPENID) && !seen.contains(&token),
        "{seen}"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_download_with_a_virtual_token_is_streamed() {
    let (platform_server, _) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let token = virtual_token(&gateway, key.key.expose()).await;
    let got = get(&format!(
        "{}/cgi-bin/media/get?access_token={token}&media_id=1",
        api(&gateway)
    ))
    .await;
    assert_eq!(
        (
            got.body.len(),
            got.headers["content-type"].to_str().unwrap()
        ),
        (100_000, "image/jpeg")
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn calls_that_take_the_secret_get_the_real_one() {
    let (platform_server, _) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let url = format!(
        "{}/sns/jscode2session?appid={APPID}&secret={}&js_code=c&grant_type=authorization_code",
        api(&gateway),
        key.key.expose()
    );
    let got = get(&url).await;
    assert_eq!(got.json()["ok"], true, "{}", got.text());
    assert!(!got.text().contains(SECRET), "{}", got.text());
    gateway.shutdown().await;
}

#[tokio::test]
async fn keys_open_only_what_they_were_issued_for() {
    let (platform_server, platform) = platform().await;
    let mut config = config(&platform_server, None);
    config
        .accounts
        .push(xinqiao_gateway::AccountConfig::new("wxother00000000000"));
    let gateway = start(config).await;
    let key = gateway
        .issue_key("shop", &["wxother00000000000".into()])
        .await
        .unwrap();
    let ask = async |appid: &str, secret: &str| {
        let url = format!(
            "{}/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}",
            api(&gateway)
        );
        get(&url).await.json()
    };
    assert_eq!(ask(APPID, key.key.expose()).await["errcode"], 40013);
    assert_eq!(ask("wxnobody", key.key.expose()).await["errcode"], 40013);
    let forged = format!("xqk_{}", "A".repeat(32));
    let answer = ask(APPID, &forged).await;
    assert_eq!(answer["errcode"], 40125, "{answer}");
    assert!(
        answer["errmsg"].as_str().unwrap().contains("rid: "),
        "{answer}"
    );
    assert_eq!(
        platform.lock().unwrap().count("xqk_"),
        0,
        "no key goes upstream"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_revoked_key_ends_its_tokens() {
    let (platform_server, _) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let key = gateway.issue_key("shop", &[]).await.unwrap();
    let token = virtual_token(&gateway, key.key.expose()).await;
    let call = format!("{}/cgi-bin/menu/get?access_token={token}", api(&gateway));
    assert_eq!(get(&call).await.json()["errcode"], 0);
    let revoked = got(client().delete(format!("{}/v1/keys/{}", gateway.origin(), key.id))).await;
    assert_eq!(revoked.status, 204);
    assert_eq!(get(&call).await.json()["errcode"], 40001);
    gateway.shutdown().await;
}

#[tokio::test]
async fn without_adopt_only_virtual_tokens_pass() {
    let (platform_server, platform) = platform().await;
    let mut config = config(&platform_server, None);
    config.adopt = false;
    let gateway = start(config).await;
    let got = get(&format!(
        "{}/cgi-bin/menu/get?access_token=abc",
        api(&gateway)
    ))
    .await;
    assert_eq!(got.json()["errcode"], 40001);
    assert_eq!(platform.lock().unwrap().seen.len(), 0);
    gateway.shutdown().await;
}

#[tokio::test]
async fn preflight_warns_or_refuses_by_the_platforms_own_code() {
    for (mode, refused) in [
        (Preflight::Warn, false),
        (Preflight::Enforce, true),
        (Preflight::Off, false),
    ] {
        let (platform_server, _) = platform().await;
        let mut config = config(&platform_server, None);
        config.preflight = mode;
        config.accounts[0].kind = AccountKind::Subscription;
        config.accounts[0].verified = Some(false);
        let gateway = start(config).await;
        let key = gateway.issue_key("shop", &[]).await.unwrap();
        let token = virtual_token(&gateway, key.key.expose()).await;
        let url = format!(
            "{}/cgi-bin/message/custom/send?access_token={token}",
            api(&gateway)
        );
        let body = json!({"touser": OPENID, "msgtype": "text", "text": {"content": "x"}});
        let got = got(client().post(url).body(body.to_string())).await;
        assert_eq!(
            got.json()["errcode"],
            if refused { 48001 } else { 0 },
            "{}",
            got.text()
        );
        assert_eq!(
            got.headers.contains_key("x-xinqiao-preflight"),
            mode == Preflight::Warn
        );
        gateway.shutdown().await;
    }
}

#[tokio::test]
async fn the_host_header_chooses_the_platform_host() {
    let (platform_server, platform) = platform().await;
    let gateway = start(config(&platform_server, None)).await;
    let url = format!("{}/cgi-bin/user/get?access_token=x", api(&gateway));
    let got = got(client().get(&url).header("host", "qyapi.weixin.qq.com")).await;
    assert_eq!(
        got.status,
        502,
        "no upstream is configured for that host: {}",
        got.text()
    );
    assert_eq!(platform.lock().unwrap().seen.len(), 0);
    let got = get(&url).await;
    assert_eq!(got.json()["errcode"], 40014);
    gateway.shutdown().await;
}
