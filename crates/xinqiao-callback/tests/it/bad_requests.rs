//! Bad requests: none is told what was wrong with it, and no handler sees it.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use http::Method;
use proptest::prelude::*;
use xinqiao_callback::{Callback, SetupError, Whole};
use xinqiao_crypto::AesKey;
use xinqiao_message::envelope::{Keys, Push, seal_push};
use xinqiao_types::{CallbackMode, CallbackToken, ManualClock};

use crate::platform::{
    AES_KEY, APPID, GH, NOW, OPENID, TOKEN, body, builder, handshake, push, request, text,
};

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

/// Sends a request that must be refused, and returns everything that the sender gets to see.
async fn refused(method: Method, query: &str, sealed: impl Into<bytes::Bytes>) -> String {
    let calls = Arc::default();
    let callback = counting(&calls);
    let response = request(&callback, method, query, sealed).await;
    assert_eq!(calls.load(Ordering::SeqCst), 0, "no handler may see it");
    let seen = format!("{} {:?}", response.status(), response.headers());
    let text = body(response).await;
    assert!(!text.contains(TOKEN) && !text.contains(AES_KEY), "{text}");
    format!("{seen} {text}")
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

/// Whatever was wrong, the sender gets the same bytes: anything they told would add up to reading captured
/// messages.
#[tokio::test]
async fn every_refusal_is_the_same_answer() {
    let (query, sealed) = push(SAFE, &text(1, "x"));
    let begin = sealed.find("<Encrypt><![CDATA[").unwrap() + "<Encrypt><![CDATA[".len();
    let end = sealed.rfind("]]></Encrypt>").unwrap();
    let cipher = &sealed[begin..end];
    let old = |by: i64| {
        let keys = Keys::new(CallbackToken::new(TOKEN), APPID)
            .with_aes_key(&AesKey::parse(AES_KEY).unwrap());
        let xml = text(1, "x").to_xml();
        let push = Push {
            plain: &xml,
            to_user_name: GH,
            openid: OPENID,
        };
        let sealed = seal_push(&keys, &push, NOW - by, "1234567890", [7; 16]).unwrap();
        (sealed.query, sealed.body)
    };
    let with = |cipher: &str| {
        (
            query.clone(),
            format!("<xml><Encrypt>{cipher}</Encrypt></xml>"),
        )
    };
    let posts = [
        sealed_by("another", AES_KEY, APPID),
        sealed_by(TOKEN, OTHER_KEY, APPID),
        sealed_by("another", OTHER_KEY, APPID),
        sealed_by(TOKEN, AES_KEY, "wxffffffffffffffff"),
        push(CallbackMode::Plain, &text(1, "x")),
        (query.clone(), String::new()),
        (
            query.clone(),
            format!("<!DOCTYPE xml [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>{sealed}"),
        ),
        (
            query.clone(),
            "<xml><ToUserName>a</ToUserName></xml>".into(),
        ),
        (query.clone(), "{".into()),
        with("!!!"),
        with(&cipher[64..]),
        with(&cipher[..64]),
        with(&cipher.repeat(2)),
        (String::new(), sealed.clone()),
        (
            "timestamp=1700000000&nonce=1&encrypt_type=aes".into(),
            sealed.clone(),
        ),
        (format!("{query}&nonce=1"), sealed.clone()),
        (query.replace("timestamp=1", "timestamp=+1"), sealed.clone()),
        (query.replace("nonce=", "nonce=%20"), sealed.clone()),
        old(86_401),
        old(-86_401),
    ];
    let mut seen = std::collections::BTreeSet::new();
    for (query, body) in posts {
        seen.insert(refused(Method::POST, &query, body).await);
    }
    let captured = format!(
        "{}&echostr={}",
        query.split_once('&').unwrap().1,
        cipher.replace('+', "%2B")
    );
    for query in [
        "",
        "echostr=a",
        &query,
        &captured,
        &handshake("1").replace("signature=", "signature=0"),
    ] {
        seen.insert(refused(Method::GET, query, "").await);
    }
    let want = "403 Forbidden {\"content-type\": \"text/plain; charset=utf-8\", \
                \"x-content-type-options\": \"nosniff\"} forbidden\n";
    assert_eq!(seen, [want.to_owned()].into());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_named() {
    let (query, _) = push(SAFE, &text(1, "x"));
    let seen = refused(Method::POST, &query, vec![b'a'; 2 << 20]).await;
    assert!(
        seen.starts_with("413") && seen.contains("callback.too_large: "),
        "{seen}"
    );
}

#[tokio::test]
async fn the_window_is_the_builders() {
    let (query, sealed) = push(SAFE, &text(1, "x"));
    for (seconds, status) in [(60, 200), (61, 403)] {
        let callback = builder(SAFE)
            .window(std::time::Duration::from_mins(1))
            .clock(ManualClock::at(NOW + seconds))
            .build();
        let response = request(&callback, Method::POST, &query, sealed.clone()).await;
        assert_eq!(response.status(), status, "{seconds}");
    }
}

#[tokio::test]
async fn a_captured_callback_is_handled_once_while_it_is_accepted() {
    let calls = Arc::default();
    let callback = counting(&calls);
    let (query, sealed) = push(SAFE, &text(1, "x"));
    for _ in 0..3 {
        let response = request(&callback, Method::POST, &query, sealed.clone()).await;
        assert_eq!(response.status(), 200);
    }
    assert_eq!(calls.load(Ordering::SeqCst), 1);
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
