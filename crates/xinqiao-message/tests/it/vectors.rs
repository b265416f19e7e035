//! Published examples through the whole envelope: URL and body in, message out.

use xinqiao_crypto::AesKey;
use xinqiao_message::{
    Message,
    envelope::{
        CallbackQuery, EnvelopeError, Generation, Keys, OpenedReply, Push, Wrapping, diagnose,
        open, open_reply, seal_component_push, seal_push, seal_reply, seal_reply_as, url_query,
        verify_url,
    },
    events::official_account::event::DebugDemo,
};
use xinqiao_types::{CallbackMode, UnixSeconds};

const OFFICIAL_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const WECOM_KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";

/// The moment at which a recorded query was signed.
fn at(raw: &str) -> UnixSeconds {
    let query = CallbackQuery::parse(raw);
    UnixSeconds(query.timestamp.unwrap().parse().unwrap())
}

fn official(receiver_id: &str) -> Keys {
    Keys::new("AAAAA".into(), receiver_id).with_aes_key(&AesKey::parse(OFFICIAL_KEY).unwrap())
}

fn wecom() -> Keys {
    Keys::new("123456".into(), "wx49f0ab532d5d035a")
        .with_aes_key(&AesKey::parse(WECOM_KEY).unwrap())
}

/// Official example (`url-verify-1`).
#[test]
fn url_check() {
    let raw = "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&echostr=4375120948345356249\
               &timestamp=1714036504&nonce=1514711492";
    let echo = verify_url(&official("wx1"), &CallbackQuery::parse(raw), at(raw)).unwrap();
    assert_eq!(echo.body(), "4375120948345356249");
    let made = url_query(
        &official("wx1"),
        1_714_036_504,
        "1514711492",
        "4375120948345356249",
    );
    assert_eq!(made, raw);
}

/// Captured (`seed-001-sample`): its token is not known, so it must be refused whatever ours is.
#[test]
fn a_captured_url_check_of_an_unknown_token() {
    let raw = "signature=3a57e547a923be185b0f97b24c92f46dddd103d9&echostr=6783157876945828351\
               &timestamp=1645250738&nonce=2124551008";
    let query = CallbackQuery::parse(raw);
    assert_eq!(query.signature.as_deref().map(str::len), Some(40));
    let error = verify_url(&official("wx1"), &query, at(raw)).unwrap_err();
    assert_eq!(error.rule(), "callback.signature.token");
}

/// Official example (`plain-push-1`).
#[test]
fn plain_push() {
    let keys = Keys::new("AAAAA".into(), "wx1");
    let raw =
        "signature=899cf89e464efb63f54ddac96b0a0a235f53aa78&timestamp=1714037059&nonce=486452656";
    let query = CallbackQuery::parse(raw);
    let body = b"<xml><MsgType><![CDATA[text]]></MsgType></xml>";
    let opened = open(&keys, &query, body, at(raw)).unwrap();
    assert_eq!(
        (opened.mode, opened.xml.as_slice()),
        (CallbackMode::Plain, &body[..])
    );
}

/// Official example (`safe-json-decrypt`), and the same with another appid (`neg-appid-mismatch`) and
/// another signature (`neg-bad-signature`).
#[test]
fn safe_json_push() {
    let raw = "signature=6c5c811b55cc85e0e1b54100749188c20beb3f5d&timestamp=1714112445&nonce=41\
         5670741&openid=o9AgO5Kd5ggOC-bXrbNODIiE3bGY&encrypt_type=aes&msg_signature=046e0\
         2f8204d34f8ba5fa3b1db94908f3df2e9b3";
    let body = "{\"ToUserName\":\"gh_97417a04a28d\",\"Encrypt\":\"+qdx1OKCy+5JPCBFWw70tm0fJGb2Jm\
         eia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcvZqzDpVzazhZv6JsXUn\
         nR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3Fn2Pede\
         2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3\
         VIYnSeOBrebufAlr7F9mFUPAJGj04=\"}";
    let query = CallbackQuery::parse(raw);
    let opened = open(
        &official("wxba5fad812f8e6fb9"),
        &query,
        body.as_bytes(),
        at(raw),
    )
    .unwrap();
    assert_eq!(
        (opened.mode, opened.generation),
        (CallbackMode::Safe, Generation::Current)
    );
    let message = Message::parse(opened.xml).unwrap();
    assert_eq!(message.head.from, "o9AgO5Kd5ggOC-bXrbNODIiE3bGY");
    let demo: DebugDemo = message.get().unwrap();
    assert_eq!(demo.debug_str, "hello world");

    let error = open(
        &official("wx0000000000000000"),
        &query,
        body.as_bytes(),
        at(raw),
    )
    .unwrap_err();
    assert_eq!(error.rule(), "decrypt.receiver_id");
    assert!(error.to_string().contains("wxba5fad812f8e6fb9"));

    let mut forged = query.clone();
    forged.msg_signature = Some("0".repeat(40).into());
    let error = open(
        &official("wxba5fad812f8e6fb9"),
        &forged,
        body.as_bytes(),
        at(raw),
    )
    .unwrap_err();
    assert_eq!(error.rule(), "callback.signature.token");
}

/// Official example (`component-xml-decrypt`): the id inside is the platform's own.
#[test]
fn component_xml_push() {
    let raw = "signature=cc0c594499c1634947d5b502f158ee518947db27&timestamp=1715943329&nonce=15\
         90219412&openid=o9AgO5Kd5ggOC-bXrbNODIiE3bGY&encrypt_type=aes&msg_signature=6c12\
         a4205838198b8fa631b3220723bb07f1015c";
    let encrypt = "D7yzvUNAL930rd28wf21s4hvXhz0L6Uit/p2Di6C5DHyYGpEgdBRnKjBec34JwoQXicwaZC7fOVihW80\
         F4VtsdvE//1vr7oAbqjDv8KenVp+ajKYpJnyQ4zMRhIC+a31fCVOMC03FfzV/QuC94kBP55a+Za3sJgv\
         An+ZbsNqZI5DkyuzkhQN8OBqCzFhizGmy0xpM0MEA4agpvE+RuNO1rhHTtuJB5yltw1FiYzecSXJ+y/D\
         2r81VkRn2eYjh2ltsoyfbDR7Is6ookXIFxTfyeNyeHxMeT4KN5WpCDmSbTcUYrbBUlkGLJ9n/rU8YOyw\
         ma6G7aTb7KZKOqCxgfoUlYEZPk4FUL/TK7ShriFDMVCLyjQJ15Ob++agDWtcxhfUfe6HIoIpRW8mKNBQ\
         iY/Jd1svvuskA1wLef1RTtzKfMpagSCX/laZINmdnX4zrF6kIaR9P4xQrWXbsTFHTYe0Mg==";
    let body = format!(
        "<xml>\n    <AppId><![CDATA[wx134c8103faa5a59e]]></AppId>\n    \
         <Encrypt><![CDATA[{encrypt}]]></Encrypt>\n</xml>"
    );
    let keys = official("wx134c8103faa5a59e");
    let opened = open(&keys, &CallbackQuery::parse(raw), body.as_bytes(), at(raw)).unwrap();
    let message = Message::parse(opened.xml).unwrap();
    assert_eq!(message.event(), Some("debug_demo"));
    assert_eq!(message.head.time.0, 1_715_943_329);

    let random = *b"1205899eaf019bbd";
    let plain = std::str::from_utf8(message.raw()).unwrap();
    let openid = "o9AgO5Kd5ggOC-bXrbNODIiE3bGY";
    let (time, nonce) = (1_715_943_329, "1590219412");
    let sealed = seal_component_push(&keys, plain, openid, time, nonce, random).unwrap();
    assert_eq!(sealed.query, raw);
    let in_a_row: String = body.split(['\n', ' ']).collect();
    assert_eq!(sealed.body, in_a_row);
    assert!(sealed.body.contains(encrypt));
    assert_eq!(sealed.content_type, "text/xml");
}

/// Official example (`component-xml-reply-encrypt`).
#[test]
fn component_xml_reply() {
    let keys = official("wx134c8103faa5a59e");
    let plain = "<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>";
    let random = *b"999951349e8ee746";
    let sealed = seal_reply(
        &keys,
        CallbackMode::Safe,
        plain,
        1713424427,
        "415670741",
        random,
    )
    .unwrap();
    assert_eq!(
        sealed,
        concat!(
            "<xml><Encrypt><![CDATA[",
            "hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdI\
         Zcr6+3HAZbSvPT9t/o11MI7d6WELwqrGd7jMnV0zv3Zc9Nq7",
            "]]></Encrypt><MsgSignature><![CDATA[03e0812039325c2712ef5f0f980fd14c70d6e307]]></MsgSignature>",
            "<TimeStamp>1713424427</TimeStamp><Nonce><![CDATA[415670741]]></Nonce></xml>"
        )
    );
    assert_eq!(
        open_reply(&keys, sealed.as_bytes()),
        Ok(OpenedReply::Sealed(plain.as_bytes().to_vec()))
    );
}

/// Captured (`wecom-url-verify`): WeCom encrypts the echo.
#[test]
fn wecom_url_check() {
    let raw = "msg_signature=dd6b9c95b495b3f7e2901bfbc76c664930ffdb96&timestamp=1411443780&nonce=437374425\
               &echostr=4ByGGj%2BsVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1%2BbXFXDQQb1o6co6Yh9Bv41n7hOchLF6p%2BQ%3D%3D";
    let query = CallbackQuery::parse(raw);
    assert_eq!(
        verify_url(&wecom(), &query, at(raw)).unwrap().body(),
        "5927782489442352469"
    );

    // A proxy that decodes the query leaves the plus signs as they are; one that decodes twice
    // leaves spaces.
    let undecoded = raw.replace("%2B", "+");
    assert!(verify_url(&wecom(), &CallbackQuery::parse(&undecoded), at(&undecoded)).is_ok());
    let spoiled = raw.replace("%2B", "%20");
    let query_of = CallbackQuery::parse(&spoiled);
    let error = verify_url(&wecom(), &query_of, at(&spoiled)).unwrap_err();
    assert_eq!(error.rule(), "callback.signature.token");
    let found = diagnose(&wecom(), &query_of, b"", error);
    assert_eq!(found.rule(), "decrypt.base64.space");
    let plain = Keys::new("123456".into(), "wx49f0ab532d5d035a");
    assert_eq!(
        verify_url(&plain, &query, at(raw)),
        Err(EnvelopeError::NoAesKey)
    );
}

/// Captured (`wecom-message-decrypt`).
#[test]
fn wecom_push() {
    let raw = "msg_signature=74d92dfeb87ba7c714f89d98870ae5eb62dff26d&timestamp=1411525903&nonce=461056294";
    let encrypt = "RgqEoJj5A4EMYlLvWO1F86ioRjZfaex/gePD0gOXTxpsq5Yj4GNglrBb8I2BAJVODGajiFnXBu7mCPat\
         fjsu6IHCrsTyeDXzF6Bv283dGymzxh6ydJRvZsryDyZbLTE7rhnus50qGPMfp2wASFlzEgMW9z1ef/RD\
         8XzaFYgm7iTdaXpXaG4+BiYyolBug/gYNx410cvkKR2/nPwBiT+P4hIiOAQqGp/TywZBtDh1yCF2KOd0\
         gpiMZ5jSw3e29mTvmUHzkVQiMS6td7vXUaWOMZnYZlF3So2SjHnwh4jYFxdgpkHHqIrH/54SNdshoQgW\
         YEvccTKe7FS709/5t6NMxuGhcUGAPOQipvWTT4dShyqio7mlsl5noTrb++x6En749zCpQVhDpbV6GDnT\
         bcX2e8K9QaNWHp91eBdCRxthuL0=";
    let body = format!("<xml><ToUserName/><Encrypt>{encrypt}</Encrypt><AgentID>1</AgentID></xml>");
    let opened = open(
        &wecom(),
        &CallbackQuery::parse(raw),
        body.as_bytes(),
        at(raw),
    )
    .unwrap();
    let message = Message::parse(opened.xml).unwrap();
    assert_eq!(message.text(), Some("test"));
    assert_eq!(message.head.agent_id, Some(1));
    assert_eq!(message.head.msg_id, Some(4_363_689_963_896_700_987));
}

/// A WeCom bot's callback (invented names and keys): small letters, for nobody in particular; its first byte
/// that is no blank says that it is JSON, whatever a header says.
#[test]
fn a_bots_callback_opens_and_reads() {
    let key = AesKey::parse("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8").unwrap();
    let keys = Keys::new("botTok1".into(), "").with_aes_key(&key);
    let raw =
        "timestamp=1767340800&nonce=n1&msg_signature=aa4dd086269cd99d570e9efb10919c07c9f20c5e";
    let encrypt = "4j/AuRx71kQlxVlzbpsMWG3u0Mr946vJVlTlWMKg/zcVBLy0nJRZWMVmsRu96WaVvw9JJ8x1KUcbVh8NFD/U08\
         +q2BXHX4czzpYKefWiOqqRavAc9r2tYD/sakIBlpvMwPboKZMlbmw+OkDNF+k0pTDN6NXUKuSQCz0V9SDRmZXR\
         rIbc7lW+GgUYuJS8sTBkmUcRnyuuE/QhXcRNpzl8Ww==";
    for blank in ["", "\n\t ", "\u{feff}"] {
        let body = format!("{blank}{{\"encrypt\":\"{encrypt}\"}}");
        let query = CallbackQuery::parse(raw);
        let opened = open(&keys, &query, body.as_bytes(), at(raw)).unwrap();
        assert_eq!(opened.wrapping, Wrapping::LowerJson);
        let message = Message::parse(opened.xml).unwrap();
        assert_eq!(message.text(), Some("你好"));
        assert_eq!((&*message.head.from, &*message.head.to), ("u1", "aibX"));
        assert_eq!(message.field("msgid").as_deref(), Some("m1"));
        assert_eq!(message.field("chattype").as_deref(), Some("single"));
        let push = Push {
            plain: std::str::from_utf8(message.raw()).unwrap(),
            to_user_name: "aibX",
            openid: "u1",
        };
        let again = seal_push(&keys, &push, 1_767_340_800, "n1", [7; 16]).unwrap();
        assert!(again.query.starts_with("msg_signature="), "{}", again.query);
        let query = CallbackQuery::parse(&again.query);
        let opened = open(&keys, &query, again.body.as_bytes(), at(raw)).unwrap();
        assert_eq!(opened.xml, message.raw());
        let reply = seal_reply_as(
            opened.wrapping,
            &keys,
            opened.mode,
            r#"{"msgtype":"text","text":{"content":"a"}}"#,
            1_767_340_801,
            "7",
            [1; 16],
        )
        .unwrap();
        let fields: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(&reply).unwrap();
        let names: Vec<_> = fields.keys().map(String::as_str).collect();
        assert_eq!(names.len(), 4, "{reply}");
        for name in ["encrypt", "msgsignature", "timestamp", "nonce"] {
            assert!(names.contains(&name), "{reply}");
        }
    }
}
