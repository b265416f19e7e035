//! Every damage has its own name: cause and remedy hang on it.

use std::time::Duration;

use proptest::prelude::*;
use xinqiao_crypto::AesKey;
use xinqiao_message::{
    envelope::{
        CallbackQuery, EnvelopeError, Generation, Keys, MAX_BODY, OpenedReply, Push, SealedPush,
        SignatureFault, Wrapping, diagnose, open, open_reply, seal_push, seal_reply, url_query,
        verify_url,
    },
    inbound::Form,
};
use xinqiao_types::{CallbackMode, CallbackToken, UnixSeconds};

const APPID: &str = "wx5823bf96d3bd56c7";
/// When everything here is sealed, unless told otherwise.
const NOW: UnixSeconds = UnixSeconds(1_700_000_000);
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
    let query = CallbackQuery::parse(query);
    match open(keys, &query, body, NOW) {
        Ok(opened) => panic!("opened: {opened:?}"),
        Err(error) => {
            let found = diagnose(keys, &query, body, error);
            assert!(!found.to_string().is_empty());
            found.rule()
        }
    }
}

/// The rule by which it is refused; nothing if it opens.
fn opening(keys: &Keys, query: &str, body: &str) -> &'static str {
    match open(keys, &CallbackQuery::parse(query), body.as_bytes(), NOW) {
        Ok(_) => "",
        Err(error) => error.rule(),
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
            NOW,
        )
        .unwrap();
        assert_eq!((opened.mode, opened.xml), (*mode, XML.as_bytes().to_vec()));
        let json = sealed_by(&keys, "{\"MsgType\":\"event\",\"a\":1}");
        assert_eq!(json.content_type, Form::Json.content_type());
        let opened = open(
            &keys,
            &CallbackQuery::parse(&json.query),
            json.body.as_bytes(),
            NOW,
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
        NOW,
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
}

#[test]
fn callback_too_large() {
    let body = vec![b' '; 2 << 20];
    let push = sealed_by(&keys(), XML);
    assert_eq!(rule_of(&keys(), &push.query, &body), "callback.too_large");
    let query = CallbackQuery::parse(&push.query);
    assert!(open(&keys(), &query, &body[..MAX_BODY], NOW).is_err());
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
    let error = open(&keys(), &CallbackQuery::parse(""), b"", NOW).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the URL has no timestamp, no nonce: the proxy in front must pass the query on"
    );
    let query = CallbackQuery::parse("signature=a&timestamp=1700000000&nonce=2");
    assert_eq!(
        verify_url(&keys(), &query, NOW).unwrap_err().rule(),
        "callback.parameters.missing"
    );
    let query = CallbackQuery::parse("echostr=a&timestamp=1700000000&nonce=2");
    assert_eq!(
        verify_url(&keys(), &query, NOW).unwrap_err().rule(),
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
    let query = CallbackQuery::parse(&push.query);
    assert!(open(&both, &query, push.body.as_bytes(), NOW).is_ok());
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
        NOW,
    )
    .unwrap();
    assert_eq!(opened.generation, Generation::Previous(0));
    // Only the key changed.
    let push = sealed_by(&Keys::new("token".into(), APPID).with_aes_key(&key(7)), XML);
    let opened = open(
        &now,
        &CallbackQuery::parse(&push.query),
        push.body.as_bytes(),
        NOW,
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
    for wrapping in [Wrapping::Xml, Wrapping::Json, Wrapping::LowerJson] {
        let body = xinqiao_message::envelope::seal_reply_as(
            wrapping,
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
        prop_assert!(open(&keys(), &CallbackQuery::parse(&push.query), &body, NOW).is_err());
    }

    /// In every form, query and body alike: what opens after a change is what was sealed.
    #[test]
    fn any_changed_bit_is_refused_or_changes_nothing(
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
        plain in prop::sample::select(vec![
            XML,
            r#"{"MsgType":"event","Event":"a","ToUserName":"gh_1"}"#,
            r#"{"msgtype":"text","text":{"content":"a"}}"#,
        ]),
        mode in prop::sample::select(vec![CallbackMode::Safe, CallbackMode::Compat]),
    ) {
        let keys = keys().with_mode(mode);
        let push = sealed_by(&keys, plain);
        let mut bytes = [push.query.as_bytes(), push.body.as_bytes()].concat();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let (query, body) = bytes.split_at(push.query.len());
        let Ok(query) = std::str::from_utf8(query) else { return Ok(()) };
        if let Ok(opened) = open(&keys, &CallbackQuery::parse(query), body, NOW) {
            prop_assert_eq!(opened.xml, plain.as_bytes());
        }
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
        prop_assert!(open(&keys(), &query, push.body.as_bytes(), NOW).is_err());
    }

    #[test]
    fn any_request_is_opened_or_refused(query in "[ -~]{0,200}", body in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(open(&keys(), &CallbackQuery::parse(&query), &body, NOW).is_err());
        let _ = verify_url(&keys(), &CallbackQuery::parse(&query), NOW);
        let _ = open_reply(&keys(), &body);
    }

    #[test]
    fn nonces_and_openids_survive_the_url(nonce in "[!-~]{1,40}", openid in any::<String>()) {
        let push = Push { plain: XML, to_user_name: "gh_1", openid: &openid };
        let sealed = seal_push(&keys(), &push, NOW.0, &nonce, [0; 16]).unwrap();
        let query = CallbackQuery::parse(&sealed.query);
        prop_assert_eq!(query.nonce.as_deref(), Some(nonce.as_str()));
        prop_assert_eq!(query.openid.as_deref().unwrap_or_default(), openid.as_str());
        prop_assert!(open(&keys(), &query, sealed.body.as_bytes(), NOW).is_ok());
    }
}

#[test]
fn the_window_is_counted_in_both_directions_and_to_the_second() {
    let keys = keys().with_window(Duration::from_mins(10));
    let push = sealed_by(&keys, XML);
    let query = CallbackQuery::parse(&push.query);
    let rule = |seconds: i64| match open(&keys, &query, push.body.as_bytes(), NOW + seconds) {
        Ok(_) => "",
        Err(error) => error.rule(),
    };
    for inside in [0, 600, -600] {
        assert_eq!(rule(inside), "", "{inside}");
    }
    for outside in [601, -601, i64::MAX, i64::MIN] {
        assert_eq!(rule(outside), "callback.timestamp.stale", "{outside}");
    }
    let query = url_query(&keys, NOW.0, "7", "echo");
    let query = CallbackQuery::parse(&query);
    assert!(verify_url(&keys, &query, NOW + 600).is_ok());
    let error = verify_url(&keys, &query, NOW + 601).unwrap_err();
    assert_eq!(error, EnvelopeError::Stale { late: 601 });
    assert!(error.to_string().contains("601 s behind"), "{error}");
}

#[test]
fn a_stale_timestamp_is_told_only_after_the_signature_held() {
    let push = sealed_by(
        &Keys::new("another".into(), APPID).with_aes_key(&key(1)),
        XML,
    );
    let query = CallbackQuery::parse(&push.query);
    let error = open(&keys(), &query, push.body.as_bytes(), UnixSeconds(0)).unwrap_err();
    assert!(matches!(error, EnvelopeError::Signature { .. }), "{error}");
}

/// A query that is signed rightly, whatever its timestamp and nonce.
fn signed(timestamp: &str, nonce: &str) -> String {
    let signature = xinqiao_crypto::callback::signature(&["token", timestamp, nonce]);
    format!("signature={signature}&timestamp={timestamp}&nonce={nonce}")
}

#[test]
fn a_timestamp_is_ten_digits() {
    let plain = Keys::new("token".into(), APPID);
    let rule = |timestamp: &str| opening(&plain, &signed(timestamp, "42"), XML);
    assert_eq!(rule("1700000000"), "");
    for wrong in [
        "",
        "0",
        "170000000",
        "17000000001",
        "1700000000000",
        "+170000000",
        "+1700000000",
        "-1700000000",
        " 1700000000",
        "1700000000 ",
        "1700000000%20",
        "%0a1700000000",
        "１７００００００００",
        "1.70000000",
        "1.7e9",
        "0x65539aaa",
        "9223372036854775808",
    ] {
        assert_eq!(rule(wrong), "callback.timestamp.malformed", "{wrong:?}");
    }
}

#[test]
fn a_nonce_is_short_and_printable() {
    let plain = Keys::new("token".into(), APPID);
    let rule = |nonce: &str| {
        let query = signed("1700000000", nonce);
        let mut query = CallbackQuery::parse(&query);
        query.nonce = Some(nonce.into());
        match open(&plain, &query, XML.as_bytes(), NOW) {
            Ok(_) => "",
            Err(error) => error.rule(),
        }
    };
    for right in [
        "1",
        "n1",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        &"9".repeat(40),
    ] {
        assert_eq!(rule(right), "", "{right:?}");
    }
    for wrong in ["", "a b", "1\n", "\0", "\u{7f}", "随机", &"9".repeat(41)] {
        assert_eq!(rule(wrong), "callback.nonce", "{wrong:?}");
    }
}

#[test]
fn a_known_parameter_stands_there_once() {
    let push = sealed_by(&keys(), XML);
    let rule = |query: &str| opening(&keys(), query, &push.body);
    for name in [
        "signature",
        "msg_signature",
        "timestamp",
        "nonce",
        "encrypt_type",
        "openid",
    ] {
        // The same value again is refused too: who else reads the query may take another one.
        let value = push
            .query
            .split('&')
            .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
            .unwrap();
        let spelled = format!("%{:02x}{}", name.as_bytes()[0], &name[1..]);
        for again in [
            format!("{}&{name}={value}", push.query),
            format!("{name}=1&{}", push.query),
            format!("{}&{spelled}=1", push.query),
            format!("{spelled}=1&{}", push.query),
            format!("{}&{name}", push.query),
        ] {
            assert_eq!(rule(&again), "callback.parameters.repeated", "{again}");
        }
    }
    for harmless in ["a=1&a=2&", "&&", "=&=&", "Nonce=1&", "nonce%5b%5d=1&"] {
        assert_eq!(rule(&format!("{harmless}{}", push.query)), "", "{harmless}");
    }
    let spelled = push.query.replace("nonce=", "%6eonce=");
    assert_eq!(
        rule(&spelled),
        "",
        "spelled otherwise, it is the same parameter"
    );
}

#[test]
fn joined_fields_cannot_be_shifted() {
    // Sorted and joined, "17000000001" + "23" reads as "1700000000" + "123".
    let plain = Keys::new("token".into(), APPID);
    let query = signed("1700000000", "123");
    let push = |query: &str| open(&plain, &CallbackQuery::parse(query), XML.as_bytes(), NOW);
    assert!(push(&query).is_ok());
    for (timestamp, nonce) in [("17000000001", "23"), ("170000000", "0123")] {
        let shifted = query
            .replace("timestamp=1700000000", &format!("timestamp={timestamp}"))
            .replace("nonce=123", &format!("nonce={nonce}"));
        let rule = push(&shifted).unwrap_err().rule();
        assert_eq!(rule, "callback.timestamp.malformed");
    }
}

#[test]
fn no_character_moves_between_nonce_and_ciphertext() {
    for nonce in ["1", "42", "+", "zz", "1234567890"] {
        let push = Push {
            plain: XML,
            to_user_name: "gh_1",
            openid: "o1",
        };
        let sealed = seal_push(&keys(), &push, NOW.0, nonce, [9; 16]).unwrap();
        let encrypt = encrypt_of(&sealed.body).to_owned();
        for count in 1..=encrypt.len() {
            let end = encrypt.len() - count;
            let moved = [
                (format!("{nonce}{}", &encrypt[..count]), &encrypt[count..]),
                (format!("{}{nonce}", &encrypt[end..]), &encrypt[..end]),
            ];
            for (nonce, rest) in moved {
                let mut query = CallbackQuery::parse(&sealed.query);
                query.nonce = Some(nonce.into());
                let body = sealed.body.replace(&encrypt, rest);
                assert!(open(&keys(), &query, body.as_bytes(), NOW).is_err());
            }
        }
    }
}

#[test]
fn before_the_signature_holds_nothing_depends_on_what_decrypts() {
    let push = sealed_by(&keys(), XML);
    let mut query = CallbackQuery::parse(&push.query);
    query.msg_signature = Some("0".repeat(40).into());
    let told = |body: &str| open(&keys(), &query, body.as_bytes(), NOW).unwrap_err();
    let want = EnvelopeError::Signature {
        fault: SignatureFault::Unknown,
    };
    assert_eq!(told(&push.body), want);
    let encrypt = encrypt_of(&push.body);
    let foreign = sealed_by(&Keys::new("token".into(), "wx2").with_aes_key(&key(3)), XML);
    for other in [
        "AAAA",
        "",
        "not base64!",
        &encrypt[..encrypt.len() - 4],
        &encrypt[..64],
        &encrypt.replace('+', " "),
        encrypt_of(&foreign.body),
    ] {
        assert_eq!(told(&push.body.replace(encrypt, other)), want, "{other}");
    }
    // An operator is told, beside the answer.
    let found = diagnose(&keys(), &query, push.body.as_bytes(), want);
    assert_eq!(found.rule(), "callback.signature.token");
    assert!(
        found.to_string().contains("only the Token differs"),
        "{found}"
    );
}

/// What WeCom's check answers for an `echostr` that carries this.
fn checked(text: &str) -> Result<String, EnvelopeError> {
    let encrypt =
        xinqiao_crypto::MessageCipher::new(&key(1), APPID).encrypt([9; 16], text.as_bytes());
    let signature =
        xinqiao_crypto::callback::signature(&["token", "1700000000", "42", encrypt.as_str()]);
    let query = CallbackQuery {
        msg_signature: Some(signature.as_str().into()),
        timestamp: Some("1700000000".into()),
        nonce: Some("42".into()),
        echostr: Some(encrypt.into()),
        ..CallbackQuery::default()
    };
    verify_url(&keys(), &query, NOW).map(|echo| echo.body().to_owned())
}

#[test]
fn a_captured_message_is_not_read_out_by_a_url_check() {
    let push = sealed_by(&keys(), XML);
    let mut query = CallbackQuery::parse(&push.query);
    query.signature = None;
    query.echostr = Some(encrypt_of(&push.body).into());
    let error = verify_url(&keys(), &query, NOW).unwrap_err();
    assert_eq!(error, EnvelopeError::EchoMessage);
    for message in [
        XML,
        "<xml/>",
        " <a>",
        "{\"msgtype\":1}",
        "\u{feff}<a>",
        "a\u{0}",
        "",
        &"1".repeat(129),
    ] {
        assert_eq!(
            checked(message),
            Err(EnvelopeError::EchoMessage),
            "{message:?}"
        );
    }
    for echo in ["1616140317555161061", "echo-42", "a b.c", "好"] {
        assert_eq!(checked(echo).as_deref(), Ok(echo));
    }
}

#[test]
fn two_ciphertexts_are_refused() {
    let push = sealed_by(&keys(), XML);
    let body = push
        .body
        .replace("<Encrypt>", "<Encrypt>AAAA</Encrypt><Encrypt>");
    assert_eq!(
        rule_of(&keys(), &push.query, body.as_bytes()),
        "callback.encrypt.twice"
    );
    let json = sealed_by(&keys(), "{\"MsgType\":\"event\"}");
    for again in ["{\"Encrypt\":\"AAAA\",", "{\"encrypt\":\"AAAA\","] {
        let body = json.body.replacen('{', again, 1);
        let rule = rule_of(&keys(), &json.query, body.as_bytes());
        assert_eq!(rule, "callback.encrypt.twice");
    }
    // One that stands within another element is none.
    let nested = push
        .body
        .replace("</xml>", "<a><Encrypt>AAAA</Encrypt></a></xml>");
    let query = CallbackQuery::parse(&push.query);
    assert!(open(&keys(), &query, nested.as_bytes(), NOW).is_ok());
    let alone = push
        .body
        .replace("<Encrypt>", "<a><Encrypt>")
        .replace("</Encrypt>", "</Encrypt></a>");
    assert_eq!(
        rule_of(&keys(), &push.query, alone.as_bytes()),
        "callback.encrypt.missing"
    );
}

#[test]
fn a_broken_text_beside_the_ciphertext_does_not_cost_the_message() {
    let keys = keys().with_mode(CallbackMode::Compat);
    let push = sealed_by(&keys, XML);
    let query = CallbackQuery::parse(&push.query);
    for broken in [
        "a]]>b",
        "]]></Content><Content>",
        "<![CDATA[ok]]></status>",
        "&\u{1}<",
    ] {
        let body = push.body.replacen("你好", broken, 1);
        let opened = open(&keys, &query, body.as_bytes(), NOW).unwrap();
        assert_eq!(
            (opened.mode, opened.xml),
            (CallbackMode::Compat, XML.as_bytes().to_vec())
        );
    }
    let json = "{\"MsgType\":\"text\",\"Content\":\"好\"}";
    let push = sealed_by(&keys, json);
    let query = CallbackQuery::parse(&push.query);
    let body = push.body.replace('好', "\0").replace('/', "\\/");
    let opened = open(&keys, &query, body.as_bytes(), NOW).unwrap();
    assert_eq!(
        (opened.mode, opened.wrapping),
        (CallbackMode::Compat, Wrapping::Json)
    );
    assert_eq!(opened.xml, json.as_bytes());
    let doctype = format!("<!DOCTYPE a>{}", sealed_by(&keys, XML).body);
    assert_eq!(
        open(&keys, &query, doctype.as_bytes(), NOW)
            .unwrap_err()
            .rule(),
        "xml.doctype"
    );
}

#[test]
fn which_signature_counts() {
    let push = sealed_by(&keys(), XML);
    let rule = |query: &str| opening(&keys(), query, &push.body);
    let (head, signature) = push.query.split_once("msg_signature=").unwrap();
    // `signature` says nothing about the body: it neither helps nor harms.
    let zeros = "0".repeat(40);
    let plain = CallbackQuery::parse(&push.query)
        .signature
        .unwrap()
        .into_owned();
    assert_eq!(rule(&push.query.replacen(&plain, &zeros, 1)), "");
    assert_eq!(rule(&push.query.replace("aes", "raw")), "");
    assert_eq!(rule(&push.query.replace("encrypt_type=aes&", "")), "");
    assert_eq!(
        rule(&format!("{head}msg_signature=")),
        "callback.signature.token"
    );
    assert_eq!(
        rule(&format!("{head}msg_signature={}", signature.to_uppercase())),
        "callback.signature.token"
    );
    assert_eq!(
        rule(&format!("{head}msg_signature={plain}")),
        "callback.signature.token"
    );
    assert_eq!(
        rule(head.trim_end_matches('&')),
        "callback.signature.missing"
    );
    let stripped = head.replace("&encrypt_type=aes&", "");
    assert_eq!(rule(&stripped), "callback.mode.plain");
}

#[test]
fn a_length_that_counts_characters_is_named() {
    for (text, units) in [
        ("你好，信桥", (|_| 1) as fn(char) -> usize),
        ("😀 is one character and four bytes", |_| 1),
        ("😀 is two units in Java", char::len_utf16),
        ("é", |_| 1),
    ] {
        for id in [APPID, "ww1234567890abcdef", ""] {
            let keys = Keys::new("token".into(), id).with_aes_key(&key(1));
            let xml = format!("<xml><Content><![CDATA[{text}]]></Content></xml>");
            let told: usize = xml.chars().map(units).sum();
            let encrypt = sealed_with_length(told, &xml, id);
            let signature = xinqiao_crypto::callback::signature(&[
                "token",
                "1700000000",
                "42",
                encrypt.as_str(),
            ]);
            let query = format!("msg_signature={signature}&timestamp=1700000000&nonce=42");
            let body = format!("<xml><Encrypt>{encrypt}</Encrypt></xml>");
            let query = CallbackQuery::parse(&query);
            let error = open(&keys, &query, body.as_bytes(), NOW).unwrap_err();
            let want = EnvelopeError::LengthInCharacters {
                told,
                bytes: xml.len(),
            };
            assert_eq!(diagnose(&keys, &query, body.as_bytes(), error), want);
            let reply = format!(
                "<xml><Encrypt>{encrypt}</Encrypt><MsgSignature>{signature}</MsgSignature>\
                 <TimeStamp>1700000000</TimeStamp><Nonce>42</Nonce></xml>"
            );
            let error = open_reply(&keys, reply.as_bytes()).unwrap_err();
            assert_eq!(
                (&error, error.reply_rule()),
                (&want, "reply.decrypt.length.characters")
            );
        }
    }
    // A right length with a wrong id is a wrong id, whatever the text.
    let other = Keys::new("token".into(), "wxother").with_aes_key(&key(1));
    for text in ["你", "a", "你好，信桥。你好，信桥。你好，信桥。"] {
        let push = sealed_by(&other, &format!("<xml><Content>{text}</Content></xml>"));
        assert_eq!(
            rule_of(&keys(), &push.query, push.body.as_bytes()),
            "decrypt.receiver_id"
        );
    }
}

/// A ciphertext whose inner length is what it is told to be.
fn sealed_with_length(told: usize, text: &str, id: &str) -> String {
    // The cipher writes the length of what it gets: what it gets is only the beginning, and the rest
    // stands where the id would.
    let rest = format!("{}{id}", &String::from_utf8_lossy(&text.as_bytes()[told..]));
    if text.is_char_boundary(told) {
        let cipher = xinqiao_crypto::MessageCipher::new(&key(1), &rest);
        return cipher.encrypt([9; 16], &text.as_bytes()[..told]);
    }
    panic!("the example's texts are cut between characters")
}
