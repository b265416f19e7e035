//! Credentials from variables.

use serde_json::json;
use xinqiao_client::Environment;

use crate::platform::{Platform, SECRET};

fn environment(values: &[(&str, &str)]) -> Environment {
    let values: std::collections::HashMap<String, String> = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Environment::of(move |name| values.get(name).cloned())
}

#[test]
fn all_missing_variables_are_named_at_once() {
    let error = environment(&[
        ("WECHAT_PAY_MCHID", "1900000001"),
        ("WECHAT_PAY_SERIAL", ""),
    ])
    .pay_v3()
    .unwrap_err()
    .to_string();
    for name in [
        "WECHAT_PAY_SERIAL",
        "WECHAT_PAY_KEY_FILE",
        "WECHAT_PAY_V3_KEY",
    ] {
        assert!(error.contains(name), "{error}");
    }
    assert!(
        !error.contains("MCHID") && !error.contains("PUBLIC"),
        "{error}"
    );
    let half = environment(&[("WECHAT_PAY_PUBLIC_KEY_ID", "PUB_KEY_ID_1")]);
    let error = half.pay_v3().unwrap_err().to_string();
    assert!(error.contains("WECHAT_PAY_PUBLIC_KEY_FILE"), "{error}");
}

#[test]
fn a_simulated_account_never_goes_with_a_real_secret() {
    let mixed = [
        ("WECHAT_APPID", "wx-real"),
        ("WECHAT_SECRET", "real"),
        ("XINQIAO_APPID", "wx-simulated"),
    ];
    let error = environment(&mixed).account().unwrap_err().to_string();
    assert!(error.contains("XINQIAO_SECRET"), "{error}");
    let whole = [&mixed[..], &[("XINQIAO_SECRET", "s")]].concat();
    let client = environment(&whole).account().unwrap().build().unwrap();
    assert_eq!(client.appid().as_str(), "wx-simulated");
}

#[tokio::test]
async fn other_hosts_stand_in_as_the_variables_say() {
    let values = [
        ("WECHAT_APPID", "wx1"),
        ("WECHAT_SECRET", SECRET),
        ("WECHAT_BASE_URL", "http://127.0.0.1:8611"),
        ("XINQIAO_HOST_QYAPI_WEIXIN_QQ_COM", "http://127.0.0.1:8612"),
    ];
    let platform = Platform::new();
    let builder = environment(&values).account().unwrap();
    let builder = builder.transport(platform.clone());
    let client = builder
        .clock(platform.with(|state| state.clock.clone()))
        .build()
        .unwrap();
    let user = json!({"openid": "o1"});
    client
        .call("official_account.user.info", user)
        .await
        .unwrap();
    client
        .call("work.user.get", json!({"userid": "u"}))
        .await
        .unwrap();
    let urls: Vec<_> =
        platform.with(|state| state.calls.iter().map(|call| call.url.clone()).collect());
    assert!(
        urls[0].starts_with("http://127.0.0.1:8611/cgi-bin/user/info"),
        "{urls:?}"
    );
    assert!(
        urls[1].starts_with("http://127.0.0.1:8612/cgi-bin/user/get"),
        "{urls:?}"
    );
}

#[test]
fn no_secret_is_shown() {
    let corp = environment(&[("WECOM_CORPID", "ww1"), ("WECOM_SECRET", "s3cret")]);
    let builder = corp.corp().unwrap();
    assert!(!format!("{builder:?} {corp:?}").contains("s3cret"));
    assert_eq!(builder.build().unwrap().appid().as_str(), "ww1");
    let callback = [
        ("WECHAT_APPID", "wx1"),
        ("WECHAT_TOKEN", "t0ken"),
        ("WECHAT_AES_KEY", "k3y"),
    ];
    let settings = environment(&callback).callback().unwrap();
    let shown = format!("{settings:?}");
    assert!(
        !shown.contains("t0ken") && !shown.contains("k3y"),
        "{shown}"
    );
}
