//! Every damage has its own name: cause and remedy hang on it.

use proptest::prelude::*;
use xinqiao_crypto::AesKey;
use xinqiao_message::{
    envelope::{
        CallbackQuery, EnvelopeError, Generation, Keys, MAX_BODY, OpenedReply, Push, SealedPush,
        SignatureFault, open, open_reply, seal_push, seal_reply, verify_url,
    },
    inbound::Form,
};
use xinqiao_types::{CallbackMode, CallbackToken};

const APPID: &str = "wx5823bf96d3bd56c7";
const XML: &str = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]>\
                   </FromUserName><CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType>\
                   <Content><![CDATA[你好，信桥。你好，信桥。你好，信桥。你好，信桥。]]></Content>\
                   <MsgId>7</MsgId></xml>";

fn key(seed: u8) -> AesKey {
    AesKey::from_bytes([seed; 32])
}

fn keys() -> Keys {
    Keys::new(CallbackToken::new("token"), APPID).with_aes_key(&key(1))
}

fn sealed_by(keys: &Keys, plain: &str) -> SealedPush {
    let push = Push {
        plain,
        to_user_name: "gh_1",
        openid: "o1",
    };
    seal_push(keys, &push, 1_700_000_000, "42", [9; 16]).unwrap()
}

#[track_caller]
fn rule_of(keys: &Keys, query: &str, body: &[u8]) -> &'static str {
    match open(keys, &CallbackQuery::parse(query), body) {
        Ok(opened) => panic!("opened: {opened:?}"),
        Err(error) => {
            assert!(!error.to_string().is_empty());
            error.rule()
        }
    }
}

#[track_caller]
fn check(change: impl Fn(&mut SealedPush), rule: &str) {
    let mut push = sealed_by(&keys(), XML);
    change(&mut push);
    assert_eq!(rule_of(&keys(), &push.query, push.body.as_bytes()), rule);
}

fn encrypt_of(body: &str) -> &str {
    let begin = body.find("<Encrypt><![CDATA[").unwrap() + "<Encrypt><![CDATA[".len();
    &body[begin..begin + body[begin..].find("]]>").unwrap()]
}

fn change_encrypt(push: &mut SealedPush, change: impl Fn(&str) -> String) {
    let old = encrypt_of(&push.body).to_owned();
    push.body = push.body.replace(&old, &change(&old));
}

/// Signs the body's ciphertext again, as somebody does who knows the token.
fn sign_again(push: &mut SealedPush) {
    let parts = ["token", "1700000000", "42", encrypt_of(&push.body)];
    let signature = xinqiao_crypto::callback::signature(&parts);
    let at = push.query.find("msg_signature=").unwrap();
    push.query.truncate(at);
    push.query.push_str("msg_signature=");
    push.query.push_str(signature.as_str());
}

#[test]
fn every_mode_opens() {
    for mode in CallbackMode::ALL {
        let keys = keys().with_mode(*mode);
        let push = sealed_by(&keys, XML);
        let opened = open(
            &keys,
            &CallbackQuery::parse(&push.query),
            push.body.as_bytes(),
        )
        .unwrap();
        assert_eq!((opened.mode, opened.xml), (*mode, XML.as_bytes().to_vec()));
        let json = sealed_by(&keys, "{\"MsgType\":\"event\",\"a\":1}");
        assert_eq!(json.content_type, Form::Json.content_type());
        let opened = open(
            &keys,
            &CallbackQuery::parse(&json.query),
            json.body.as_bytes(),
        )
        .unwrap();
        assert_eq!(
            (opened.mode, opened.xml.as_slice()),
            (*mode, &b"{\"MsgType\":\"event\",\"a\":1}"[..])
        );
    }
}

#[test]
fn callback_signature_token() {
    let other = Keys::new("another".into(), APPID).with_aes_key(&key(1));
    let push = sealed_by(&other, XML);
    assert_eq!(
        rule_of(&keys(), &push.query, push.body.as_bytes()),
        "callback.signature.token"
    );
}

#[test]
fn callback_signature_token_in_plain_mode() {
    let plain = |token: &str| Keys::new(token.into(), APPID);
    let push = sealed_by(&plain("another"), XML);
    let rule = rule_of(&plain("token"), &push.query, push.body.as_bytes());
    assert_eq!(rule, "callback.signature.token");
}

#[test]
fn decrypt_aes_key() {
    let other = Keys::new("token".into(), APPID).with_aes_key(&key(2));
    let push = sealed_by(&other, XML);
    assert_eq!(
        rule_of(&keys(), &push.query, push.body.as_bytes()),
        "decrypt.aes_key"
    );
}

#[test]
fn callback_signature_foreign() {
    let other = Keys::new("another".into(), "wxother").with_aes_key(&key(2));
    let push = sealed_by(&other, XML);
    assert_eq!(
        rule_of(&keys(), &push.query, push.body.as_bytes()),
        "callback.signature.foreign"
    );
}

#[test]
fn decrypt_receiver_id() {
    let other = Keys::new("token".into(), "wxother").with_aes_key(&key(1));
    let push = sealed_by(&other, XML);
    let error = open(
        &keys(),
        &CallbackQuery::parse(&push.query),
        push.body.as_bytes(),
    )
    .unwrap_err();
    let want = EnvelopeError::ReceiverId {
        found: "wxother".into(),
        expected: APPID.into(),
    };
    assert_eq!(error, want);
}

#[test]
fn decrypt_base64_truncated() {
    check(
        |push| change_encrypt(push, |old| old[..old.len() / 2 - 1].to_owned()),
        "decrypt.base64.cut_off",
    );
    // Cut between two groups of four, and even between two blocks: the inner length tells.
    check(
        |push| change_encrypt(push, |old| old[..256].to_owned()),
        "decrypt.cut_off",
    );
    check(
        |push| change_encrypt(push, |old| old[..260].to_owned()),
        "decrypt.cut_off",
    );
    let cut_and_signed = |length: usize| {
        move |push: &mut SealedPush| {
            change_encrypt(push, |old| old[..length].to_owned());
            sign_again(push);
        }
    };
    check(cut_and_signed(257), "decrypt.base64.cut_off");
    check(cut_and_signed(256), "decrypt.cut_off");
}

#[test]
fn decrypt_base64_doubled() {
    check(
        |push| change_encrypt(push, |old| old.repeat(2)),
        "decrypt.base64.doubled",
    );
    check(
        |push| {
            change_encrypt(push, |old| old.repeat(2));
            sign_again(push);
        },
        "decrypt.base64.doubled",
    );
    check(
        |push| {
            change_encrypt(push, encoded);
            sign_again(push);
        },
        "decrypt.base64.doubled",
    );
}

/// Base64 of a text, by our own cipher's decoder's counterpart: the key's text form.
fn encoded(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk
            .iter()
            .fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    out
}

#[test]
fn decrypt_base64_space() {
    check(
        |push| {
            assert!(
                encrypt_of(&push.body).contains('+'),
                "the example has plus signs"
            );
            change_encrypt(push, |old| old.replace('+', " "));
        },
        "decrypt.base64.space",
    );
}

#[test]
fn decrypt_base64_alphabet() {
    check(
        |push| change_encrypt(push, |old| old.replacen('A', "-", 1)),
        "decrypt.base64",
    );
}

#[test]
fn xml_doctype() {
    check(
        |push| push.body.insert_str(0, "<!DOCTYPE xml>"),
        "xml.doctype",
    );
    let plain = Keys::new("token".into(), APPID);
    let push = sealed_by(
        &plain,
        &format!("<!DOCTYPE xml [<!ENTITY a SYSTEM \"file:///x\">]>{XML}"),
    );
    assert_eq!(
        rule_of(&plain, &push.query, push.body.as_bytes()),
        "xml.doctype"
    );
}

#[test]
fn callback_too_large() {
    let body = vec![b' '; 2 << 20];
    let push = sealed_by(&keys(), XML);
    assert_eq!(rule_of(&keys(), &push.query, &body), "callback.too_large");
    assert!(
        open(
            &keys(),
            &CallbackQuery::parse(&push.query),
            &body[..MAX_BODY]
        )
        .is_err()
    );
}

#[test]
fn callback_parameters_missing() {
    let push = sealed_by(&keys(), XML);
    let without = |name: &str| {
        let kept: Vec<_> = push
            .query
            .split('&')
            .filter(|pair| !pair.starts_with(name))
            .collect();
        rule_of(&keys(), &kept.join("&"), push.body.as_bytes())
    };
    assert_eq!(without("timestamp="), "callback.parameters.missing");
    assert_eq!(without("nonce="), "callback.parameters.missing");
    assert_eq!(without("msg_signature="), "callback.signature.missing");
    assert_eq!(
        rule_of(&keys(), "", push.body.as_bytes()),
        "callback.parameters.missing"
    );
    let error = open(&keys(), &CallbackQuery::parse(""), b"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "the URL has no timestamp, no nonce: the proxy in front must pass the query on"
    );
    let query = CallbackQuery::parse("signature=a&timestamp=1&nonce=2");
    assert_eq!(
        verify_url(&keys(), &query).unwrap_err().rule(),
        "callback.parameters.missing"
    );
    let query = CallbackQuery::parse("echostr=a&timestamp=1&nonce=2");
    assert_eq!(
        verify_url(&keys(), &query).unwrap_err().rule(),
        "callback.signature.missing"
    );
}

#[test]
fn callback_mode() {
    // Encrypted, but no key here.
    let push = sealed_by(&keys(), XML);
    let plain = Keys::new("token".into(), APPID);
    assert_eq!(
        rule_of(&plain, &push.query, push.body.as_bytes()),
        "callback.mode.no_key"
    );
    // Plain, but encryption is expected: its signature is right.
    let push = sealed_by(&plain, XML);
    assert_eq!(
        rule_of(&keys(), &push.query, push.body.as_bytes()),
        "callback.mode.plain"
    );
    // Plain mode with a key accepts encryption too: the console may have been changed first.
    let push = sealed_by(&keys(), XML);
    let both = keys().with_mode(CallbackMode::Plain);
    assert!(
        open(
            &both,
            &CallbackQuery::parse(&push.query),
            push.body.as_bytes()
        )
        .is_ok()
    );
}

#[test]
fn callback_encrypt_missing() {
    check(
        |push| push.body = XML.to_owned(),
        "callback.encrypt.missing",
    );
    check(
        |push| push.body = "{}".to_owned(),
        "callback.encrypt.missing",
    );
    check(|push| push.body = "{".to_owned(), "json.syntax");
    check(|push| push.body = "hello".to_owned(), "xml.syntax");
    check(|push| push.body.truncate(60), "xml.cut_off");
}

#[test]
fn an_encrypted_body_cannot_pass_as_plain() {
    // Who strips `msg_signature` and `encrypt_type` must not get a ciphertext accepted as a message.
    let both = keys().with_mode(CallbackMode::Plain);
    let push = sealed_by(&keys(), XML);
    let at = push.query.find("&encrypt_type").unwrap();
    assert_eq!(
        rule_of(&both, &push.query[..at], push.body.as_bytes()),
        "callback.signature.missing"
    );
}

#[test]
fn keys_of_before_a_change_are_accepted_and_told() {
    let old = Keys::new("old".into(), APPID).with_aes_key(&key(7));
    let push = sealed_by(&old, XML);
    let now = keys().with_previous(Some("old".into()), Some(&key(7)));
    let opened = open(
        &now,
        &CallbackQuery::parse(&push.query),
        push.body.as_bytes(),
    )
    .unwrap();
    assert_eq!(opened.generation, Generation::Previous(0));
    // Only the key changed.
    let push = sealed_by(&Keys::new("token".into(), APPID).with_aes_key(&key(7)), XML);
    let opened = open(
        &now,
        &CallbackQuery::parse(&push.query),
        push.body.as_bytes(),
    )
    .unwrap();
    assert_eq!(opened.generation, Generation::Previous(0));
}

#[test]
fn a_reply_with_the_token_of_before_a_change_is_refused_and_told() {
    let now = keys()
        .with_previous(Some("older".into()), None)
        .with_previous(Some("old".into()), Some(&key(1)));
    let old = Keys::new("old".into(), APPID).with_aes_key(&key(1));
    let body = seal_reply(&old, CallbackMode::Safe, "<xml/>", 1, "2", [0; 16]).unwrap();
    let error = open_reply(&now, body.as_bytes()).unwrap_err();
    let fault = SignatureFault::PreviousToken { change: 1 };
    assert_eq!(error, EnvelopeError::Signature { fault });
    assert_eq!(error.reply_rule(), "reply.signature.previous_token");
    let error = open_reply(&keys(), body.as_bytes()).unwrap_err();
    assert_eq!(error.reply_rule(), "reply.signature.token");
}

#[test]
fn replies_come_back_in_both_forms() {
    for form in [Form::Xml, Form::Json] {
        let body = xinqiao_message::envelope::seal_reply_as(
            form,
            &keys(),
            CallbackMode::Safe,
            "{}",
            1_700_000_000,
            "n<o>",
            [1; 16],
        )
        .unwrap();
        assert_eq!(
            open_reply(&keys(), body.as_bytes()),
            Ok(OpenedReply::Sealed(b"{}".to_vec()))
        );
    }
    for silent in ["", "success"] {
        assert_eq!(
            open_reply(&keys(), silent.as_bytes()),
            Ok(OpenedReply::Silent)
        );
    }
}

#[test]
fn nothing_secret_is_printed() {
    let keys = keys().with_previous(Some("old-token".into()), Some(&key(3)));
    let shown = format!("{keys:?}");
    assert!(!shown.contains("token\""), "{shown}");
    assert!(!shown.contains("old-token"), "{shown}");
}

proptest! {
    #[test]
    fn any_changed_bit_of_an_encrypted_push_is_refused(
        at in any::<prop::sample::Index>(), bit in 0..8_u8,
    ) {
        let push = sealed_by(&keys(), XML);
        let begin = push.body.find("<Encrypt><![CDATA[").unwrap() + 18;
        let length = encrypt_of(&push.body).len();
        let mut body = push.body.into_bytes();
        body[begin + at.index(length)] ^= 1 << bit;
        prop_assert!(open(&keys(), &CallbackQuery::parse(&push.query), &body).is_err());
    }

    #[test]
    fn any_changed_parameter_is_refused(
        name in prop::sample::select(vec!["timestamp", "nonce", "msg_signature"]), value in "[0-9a-f]{1,40}",
    ) {
        let push = sealed_by(&keys(), XML);
        let mut query = CallbackQuery::parse(&push.query);
        let slot = match name {
            "timestamp" => &mut query.timestamp,
            "nonce" => &mut query.nonce,
            _ => &mut query.msg_signature,
        };
        prop_assume!(slot.as_deref() != Some(value.as_str()));
        *slot = Some(value.into());
        prop_assert!(open(&keys(), &query, push.body.as_bytes()).is_err());
    }

    #[test]
    fn any_request_is_opened_or_refused(query in "[ -~]{0,200}", body in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&keys(), &CallbackQuery::parse(&query), &body).is_err());
        let _ = verify_url(&keys(), &CallbackQuery::parse(&query));
        let _ = open_reply(&keys(), &body);
    }

    #[test]
    fn nonces_and_openids_survive_the_url(nonce in any::<String>(), openid in any::<String>()) {
        let push = Push { plain: XML, to_user_name: "gh_1", openid: &openid };
        let sealed = seal_push(&keys(), &push, 1, &nonce, [0; 16]).unwrap();
        let query = CallbackQuery::parse(&sealed.query);
        prop_assert_eq!(query.nonce.as_deref(), Some(nonce.as_str()));
        prop_assert_eq!(query.openid.as_deref().unwrap_or_default(), openid.as_str());
        prop_assert!(open(&keys(), &query, sealed.body.as_bytes()).is_ok());
    }
}
