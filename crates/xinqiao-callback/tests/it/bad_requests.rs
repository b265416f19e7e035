//! Bad requests: each is told which rule it broke, and no handler sees it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use http::Method;
use proptest::prelude::*;
use xinqiao_callback::{Callback, SetupError, Whole};
use xinqiao_crypto::AesKey;
use xinqiao_message::envelope::{Keys, Push, seal_push};
use xinqiao_types::{CallbackMode, CallbackToken};

use crate::platform::{AES_KEY, APPID, GH, NOW, OPENID, TOKEN, body, builder, push, request, text};

const SAFE: CallbackMode = CallbackMode::Safe;

fn counting(calls: &Arc<AtomicU32>) -> Callback {
    let calls = Arc::clone(calls);
    builder(SAFE)
        .on(move |Whole(_): Whole| {
            calls.fetch_add(1, Ordering::SeqCst);
            async { "never" }
        })
        .build()
}

async fn check(query: &str, sealed: impl Into<bytes::Bytes>, status: u16, rule: &str) {
    let calls = Arc::default();
    let callback = counting(&calls);
    let response = request(&callback, Method::POST, query, sealed).await;
    let found = response
        .headers()
        .get("x-xinqiao-rule")
        .map(|rule| rule.to_str().unwrap());
    assert_eq!(found, Some(rule));
    assert_eq!(response.status(), status);
    assert_eq!(calls.load(Ordering::SeqCst), 0, "no handler may see it");
    let text = body(response).await;
    assert!(text.starts_with(&format!("{rule}: ")), "{text}");
    assert!(!text.contains(TOKEN) && !text.contains(AES_KEY), "{text}");
}

fn sealed_by(token: &str, key: &str, appid: &str) -> (String, String) {
    let key = AesKey::parse(key).unwrap();
    let keys = Keys::new(CallbackToken::new(token), appid).with_aes_key(&key);
    let xml = text(1, "你好").to_xml();
    let push = Push {
        plain: &xml,
        to_user_name: GH,
        openid: OPENID,
    };
    let sealed = seal_push(&keys, &push, NOW, "1234567890", [7; 16]).unwrap();
    (sealed.query, sealed.body)
}

const OTHER_KEY: &str = "GFEDCBA9876543210zyxwvutsrqponmlkjihgfedcbA";

#[tokio::test]
async fn a_wrong_token_is_told_from_a_wrong_key() {
    let (query, sealed) = sealed_by("another", AES_KEY, APPID);
    check(&query, sealed, 403, "callback.signature.token").await;
    let (query, sealed) = sealed_by(TOKEN, OTHER_KEY, APPID);
    check(&query, sealed, 400, "decrypt.aes_key").await;
    let (query, sealed) = sealed_by("another", OTHER_KEY, APPID);
    check(&query, sealed, 403, "callback.signature.foreign").await;
}

#[tokio::test]
async fn a_message_for_another_account_is_refused() {
    let (query, sealed) = sealed_by(TOKEN, AES_KEY, "wxffffffffffffffff");
    check(&query, sealed, 400, "decrypt.receiver_id").await;
}

#[tokio::test]
async fn a_plain_message_does_not_slip_through_safe_mode() {
    let (query, sealed) = push(CallbackMode::Plain, &text(1, "x"));
    check(&query, sealed, 400, "callback.mode.plain").await;
}

#[tokio::test]
async fn broken_bodies_are_refused() {
    let (query, sealed) = push(SAFE, &text(1, "x"));
    check(&query, "", 400, "xml.syntax").await;
    let doctype = format!("<!DOCTYPE xml [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>{sealed}");
    check(&query, doctype, 400, "xml.doctype").await;
    check(
        &query,
        "<xml><ToUserName>a</ToUserName></xml>",
        400,
        "callback.encrypt.missing",
    )
    .await;
    check(&query, vec![b'a'; 2 << 20], 413, "callback.too_large").await;
}

#[tokio::test]
async fn missing_parameters_are_named() {
    let (_, sealed) = push(SAFE, &text(1, "x"));
    check("", sealed.clone(), 400, "callback.parameters.missing").await;
    let query = "timestamp=1700000000&nonce=1&encrypt_type=aes";
    check(query, sealed, 403, "callback.signature.missing").await;
}

#[tokio::test]
async fn another_method_is_refused() {
    let callback = builder(SAFE).build();
    let response = request(&callback, Method::PUT, "", "").await;
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET, POST");
}

#[test]
fn a_wrong_key_is_refused_at_set_up_and_says_what_is_wrong() {
    let error = Callback::builder(APPID, TOKEN)
        .aes_key("too-short")
        .unwrap_err();
    assert!(matches!(error, SetupError::AesKey(_)));
    assert!(error.to_string().contains("43"), "{error}");
}

#[test]
fn a_service_does_not_print_its_secrets() {
    let shown = format!("{:?} {:?}", builder(SAFE), builder(SAFE).build());
    assert!(
        !shown.contains(TOKEN) && !shown.contains(AES_KEY),
        "{shown}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A changed byte anywhere in the ciphertext or the signature never reaches a handler.
    #[test]
    fn a_changed_byte_is_never_accepted(at in 0_usize..400, bit in 0_u8..7) {
        let (query, sealed) = push(SAFE, &text(1, "转账 100 元"));
        let begin = sealed.find("<Encrypt><![CDATA[").unwrap() + "<Encrypt><![CDATA[".len();
        let end = sealed.rfind("]]></Encrypt>").unwrap();
        let mut bytes = sealed.into_bytes();
        bytes[begin + at % (end - begin)] ^= 1 << bit;
        let calls = Arc::default();
        let callback = counting(&calls);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let response = runtime.block_on(request(&callback, Method::POST, &query, bytes));
        prop_assert_ne!(response.status().as_u16(), 200);
        prop_assert_eq!(calls.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn any_bytes_are_answered(query in "[a-z_=&%0-9]{0,60}", sealed: Vec<u8>) {
        let callback = builder(SAFE).build();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let response = runtime.block_on(request(&callback, Method::POST, &query, sealed));
        prop_assert!(response.status().is_client_error());
    }
}
