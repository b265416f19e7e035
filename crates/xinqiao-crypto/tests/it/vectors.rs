//! Published and computed examples (vectors) of every scheme. Where an example comes from stands
//! beside it; official examples keep their published, worthless keys.

use xinqiao_crypto::{
    AesKey, DecryptError, MessageCipher, Mismatch, callback, card, encrypted_data, jssdk,
    secure_api::{Binding, Sealed, SecureApiError, SecureApiKey},
    session,
};

const OFFICIAL_KEY: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const WECOM_KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";

fn cipher(key: &str, receiver_id: &str) -> MessageCipher {
    MessageCipher::new(&AesKey::parse(key).unwrap(), receiver_id)
}

#[track_caller]
fn check_signature(token: &str, timestamp: &str, nonce: &str, want: &str) {
    assert_eq!(callback::signature(&[token, timestamp, nonce]), want);
    assert!(callback::verify(&[nonce, token, timestamp], want).is_ok());
}

struct Encrypted<'a> {
    key: &'a str,
    receiver_id: &'a str,
    random: &'a [u8; 16],
    message: &'a str,
    token: &'a str,
    timestamp: &'a str,
    nonce: &'a str,
    encrypt: &'a str,
    msg_signature: &'a str,
}

/// Both directions: the ciphertext opens to the message, and the message encrypts to the ciphertext.
#[track_caller]
fn check_encrypted(want: &Encrypted<'_>) {
    let cipher = cipher(want.key, want.receiver_id);
    let plain = cipher.decrypt(want.encrypt.as_bytes()).unwrap();
    assert_eq!(std::str::from_utf8(plain.message()).unwrap(), want.message);
    assert_eq!(plain.random(), want.random);
    assert_eq!(plain.receiver_id(), want.receiver_id.as_bytes());
    assert_eq!(
        cipher.encrypt(*want.random, want.message.as_bytes()),
        want.encrypt
    );
    assert_eq!(cipher.encrypted_len(want.message.len()), want.encrypt.len());
    let parts = [want.token, want.timestamp, want.nonce, want.encrypt];
    assert_eq!(callback::signature(&parts), want.msg_signature);
    assert!(callback::verify(&parts, want.msg_signature).is_ok());
}

/// Official example of the server push page for mini programs.
#[test]
fn url_check() {
    check_signature(
        "AAAAA",
        "1714036504",
        "1514711492",
        "f464b24fc39322e44b38aa78f5edd27bd1441696",
    );
}

/// Official example of the message encryption guide.
#[test]
fn plain_push() {
    check_signature(
        "AAAAA",
        "1714037059",
        "486452656",
        "899cf89e464efb63f54ddac96b0a0a235f53aa78",
    );
}

/// Computed: digits before capitals before small letters.
#[test]
fn parts_are_sorted_bytewise() {
    check_signature(
        "token",
        "1700000000",
        "Abc",
        "0c195954fff80745705e148baa36f9746a126d28",
    );
}

/// Official example of the message encryption guide.
#[test]
fn safe_json_push() {
    check_encrypted(&Encrypted {
        key: OFFICIAL_KEY,
        receiver_id: "wxba5fad812f8e6fb9",
        random: b"a8eedb185eb2fecf",
        message: "{\"ToUserName\":\"gh_97417a04a28d\",\"FromUserName\":\"o9AgO5Kd5ggOC-bXrbNODIiE3\
         bGY\",\"CreateTime\":1714112445,\"MsgType\":\"event\",\"Event\":\"debug_demo\",\
         \"debug_str\":\"hello world\"}",
        token: "AAAAA",
        timestamp: "1714112445",
        nonce: "415670741",
        encrypt: "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus\
         8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj\
         +l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7m\
         StwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=",
        msg_signature: "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
    });
}

/// Official example of the message encryption guide.
#[test]
fn safe_json_reply() {
    check_encrypted(&Encrypted {
        key: OFFICIAL_KEY,
        receiver_id: "wxba5fad812f8e6fb9",
        random: b"707722b803182950",
        message: "{\"demo_resp\":\"good luck\"}",
        token: "AAAAA",
        timestamp: "1713424427",
        nonce: "415670741",
        encrypt: "ELGduP2YcVatjqIS+eZbp80MNLoAUWvzzyJxgGzxZO/5sAvd070Bs6qrLARC9nVHm48Y4hyRbtzve1L3\
         2tmxSQ==",
        msg_signature: "1b9339964ed2e271e7c7b6ff2b0ef902fc94dea1",
    });
}

/// Official example of the third-party platform; the id inside is the platform’s own.
#[test]
fn component_xml_push() {
    check_encrypted(&Encrypted {
        key: OFFICIAL_KEY,
        receiver_id: "wx134c8103faa5a59e",
        random: b"1205899eaf019bbd",
        message: "<xml><ToUserName><![CDATA[gh_97417a04a28d]]></ToUserName>\n<FromUserName><![CDAT\
         A[o9AgO5Kd5ggOC-bXrbNODIiE3bGY]]></FromUserName>\n<CreateTime>1715943329</Create\
         Time>\n<MsgType><![CDATA[event]]></MsgType>\n<Event><![CDATA[debug_demo]]></Even\
         t>\n<debug_str><![CDATA[hello world]]></debug_str>\n</xml>",
        token: "AAAAA",
        timestamp: "1715943329",
        nonce: "1590219412",
        encrypt: "D7yzvUNAL930rd28wf21s4hvXhz0L6Uit/p2Di6C5DHyYGpEgdBRnKjBec34JwoQXicwaZC7fOVihW80\
         F4VtsdvE//1vr7oAbqjDv8KenVp+ajKYpJnyQ4zMRhIC+a31fCVOMC03FfzV/QuC94kBP55a+Za3sJgv\
         An+ZbsNqZI5DkyuzkhQN8OBqCzFhizGmy0xpM0MEA4agpvE+RuNO1rhHTtuJB5yltw1FiYzecSXJ+y/D\
         2r81VkRn2eYjh2ltsoyfbDR7Is6ookXIFxTfyeNyeHxMeT4KN5WpCDmSbTcUYrbBUlkGLJ9n/rU8YOyw\
         ma6G7aTb7KZKOqCxgfoUlYEZPk4FUL/TK7ShriFDMVCLyjQJ15Ob++agDWtcxhfUfe6HIoIpRW8mKNBQ\
         iY/Jd1svvuskA1wLef1RTtzKfMpagSCX/laZINmdnX4zrF6kIaR9P4xQrWXbsTFHTYe0Mg==",
        msg_signature: "6c12a4205838198b8fa631b3220723bb07f1015c",
    });
}

/// Official example of the third-party platform; the plaintext comes from its ciphertext.
#[test]
fn component_xml_reply() {
    check_encrypted(&Encrypted {
        key: OFFICIAL_KEY,
        receiver_id: "wx134c8103faa5a59e",
        random: b"999951349e8ee746",
        message: "<xml><demo_resp>[CDATA[good luck]]</demo_resp></xml>",
        token: "AAAAA",
        timestamp: "1713424427",
        nonce: "415670741",
        encrypt: "hE8R6mGXHkJJjU72KxzKUd1GEkKJaEZq7vRL8XgK3o+00k8JGq6+pZJUIlTSyhsX+bxIBQ72g3GyvDdI\
         Zcr6+3HAZbSvPT9t/o11MI7d6WELwqrGd7jMnV0zv3Zc9Nq7",
        msg_signature: "03e0812039325c2712ef5f0f980fd14c70d6e307",
    });
}

/// Captured; from the tests of wechatpy.
#[test]
fn wecom_url_check() {
    check_encrypted(&Encrypted {
        key: WECOM_KEY,
        receiver_id: "wx49f0ab532d5d035a",
        random: b"2304fc2fe146f1f8",
        message: "5927782489442352469",
        token: "123456",
        timestamp: "1411443780",
        nonce: "437374425",
        encrypt: "4ByGGj+sVCYcvGeQYhaKIk1o0pQRNbRjxybjTGblXrBaXlTXeOo1+bXFXDQQb1o6co6Yh9Bv41n7hOch\
         LF6p+Q==",
        msg_signature: "dd6b9c95b495b3f7e2901bfbc76c664930ffdb96",
    });
}

/// Captured; from the tests of wechatpy.
#[test]
fn wecom_push() {
    check_encrypted(&Encrypted {
        key: WECOM_KEY,
        receiver_id: "wx49f0ab532d5d035a",
        random: b"ec90b1530358d4d3",
        message: "<xml><ToUserName><![CDATA[wx49f0ab532d5d035a]]></ToUserName>\n<FromUserName><![C\
         DATA[messense]]></FromUserName>\n<CreateTime>1411525903</CreateTime>\n<MsgType><\
         ![CDATA[text]]></MsgType>\n<Content><![CDATA[test]]></Content>\n<MsgId>436368996\
         3896700987</MsgId>\n<AgentID>1</AgentID>\n</xml>",
        token: "123456",
        timestamp: "1411525903",
        nonce: "461056294",
        encrypt: "RgqEoJj5A4EMYlLvWO1F86ioRjZfaex/gePD0gOXTxpsq5Yj4GNglrBb8I2BAJVODGajiFnXBu7mCPat\
         fjsu6IHCrsTyeDXzF6Bv283dGymzxh6ydJRvZsryDyZbLTE7rhnus50qGPMfp2wASFlzEgMW9z1ef/RD\
         8XzaFYgm7iTdaXpXaG4+BiYyolBug/gYNx410cvkKR2/nPwBiT+P4hIiOAQqGp/TywZBtDh1yCF2KOd0\
         gpiMZ5jSw3e29mTvmUHzkVQiMS6td7vXUaWOMZnYZlF3So2SjHnwh4jYFxdgpkHHqIrH/54SNdshoQgW\
         YEvccTKe7FS709/5t6NMxuGhcUGAPOQipvWTT4dShyqio7mlsl5noTrb++x6En749zCpQVhDpbV6GDnT\
         bcX2e8K9QaNWHp91eBdCRxthuL0=",
        msg_signature: "74d92dfeb87ba7c714f89d98870ae5eb62dff26d",
    });
}

/// Computed with fixed random bytes; from the tests of wechatpy.
#[test]
fn wecom_reply() {
    check_encrypted(&Encrypted {
        key: WECOM_KEY,
        receiver_id: "wx49f0ab532d5d035a",
        random: b"1234567890123456",
        message: "<xml>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[test]]></Content>\
         \n<FromUserName><![CDATA[wx49f0ab532d5d035a]]></FromUserName>\n<ToUserName><![CD\
         ATA[messense]]></ToUserName>\n<AgentID>1</AgentID>\n<CreateTime>1411525903</Crea\
         teTime>\n</xml>",
        token: "123456",
        timestamp: "1411525903",
        nonce: "461056294",
        encrypt: "9s4gMv99m88kKTh/H8IdkOiMg6bisoy3ypwy9H4hvSPe9nsGaqyw5hhSjdYbcrKk+j3nba4HMOTzHrlu\
         LBYqxgNcBqGsL8GqxlhZgURnAtObvesEl5nZ+uBE8bviY0LWke8Zy9V/QYKxNV2FqllNXcfmstttyIkM\
         KCCmVbCFM2JTF5wY0nFhHZSjPUL2Q1qvSUCUld+/WIXrx0oyKQmpB6o8NRrrNrsDf03oxI1p9FxUgMnw\
         KKZeOA/uu+2IEvEBtb7muXsVbwbgX05UPPJvFurDXafG0RQyPR+mf1nDnAtQmmNOuiR5MIkdQ39xn1vW\
         wi1O5oazPoQJz0nTYjxxEE8kv3kFxtAGVRe3ypD3WeK2XeFYFMNMpatF9XiKzHo3",
        msg_signature: "407518b7649e86ef23978113f92d27afa9296533",
    });
}

/// Computed: PKCS#7 to 32, and an exact multiple gets 32 more.
#[test]
fn a_full_block_is_padded_by_another() {
    check_encrypted(&Encrypted {
        key: OFFICIAL_KEY,
        receiver_id: "wxba5fad812f8e6fb9",
        random: b"0123456789abcdef",
        message: "xxxxxxxxxxxxxxxxxxxxxxxxxx",
        token: "AAAAA",
        timestamp: "1700000000",
        nonce: "42",
        encrypt: "uMMzGtqcnpOzXOYBwDQNrTKqq1gfFL9ZipCOy/gYhNsj0EbDiLgmyIpctOWh4+FF28LepmxqkFHWq0/W\
         1HpwVThBvOfqfojRqfSqOCcrXV+fVpED4mak/KZt2gsUJ7hv",
        msg_signature: "53afb99b51353fe6a407b7a100a0c0a3adcfd095",
    });
}

/// Computed: the inner length counts UTF-8 bytes.
#[test]
fn the_length_counts_bytes() {
    check_encrypted(&Encrypted {
        key: OFFICIAL_KEY,
        receiver_id: "wxba5fad812f8e6fb9",
        random: b"fedcba9876543210",
        message: "你好，信桥 <&>",
        token: "AAAAA",
        timestamp: "1700000001",
        nonce: "43",
        encrypt: "xAawnM/moRUUcoQMzrwRyQGT2jLrFaZLIbxOR3F8DSgpMvd8sF3szxOaL/koFkFqJbIoh5pHv86sNoUG\
         q8g5AA==",
        msg_signature: "28107d0dbf6581322b0de87bc912e28544cff6e5",
    });
}

/// Computed: the official safe push, but another appid is configured.
#[test]
fn a_foreign_receiver_id_is_refused() {
    let encrypt = "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus\
         8TPxLKJGQqcvZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj\
         +l5kdfMuFUPpRSrfMZuMcp3Fn2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7m\
         StwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSeOBrebufAlr7F9mFUPAJGj04=";
    let error = cipher(OFFICIAL_KEY, "wx0000000000000000")
        .decrypt(encrypt.as_bytes())
        .unwrap_err();
    assert_eq!(
        error,
        DecryptError::ReceiverId {
            found: "wxba5fad812f8e6fb9".into()
        }
    );
    let wrong = "0000000000000000000000000000000000000000";
    let parts = ["AAAAA", "1714112445", "415670741", encrypt];
    assert_eq!(callback::verify(&parts, wrong), Err(Mismatch));
}

/// Official example of the JS-SDK, appendix 1.
#[test]
fn jssdk_page() {
    let (ticket, nonce, timestamp) = (
        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOc\
         HKP7qg",
        "Wm3WZYTPz0wzccnW",
        1414587457,
    );
    let url = "http://mp.weixin.qq.com?params=value";
    assert_eq!(
        jssdk::string_to_sign(ticket, nonce, timestamp, url),
        "jsapi_ticket=sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-Hh\
         Tdfl2fzFy1AOcHKP7qg&noncestr=Wm3WZYTPz0wzccnW&timestamp=1414587457&url=http://mp\
         .weixin.qq.com?params=value"
    );
    assert_eq!(
        jssdk::signature(ticket, nonce, timestamp, url),
        "0f9de62fce790f9a083d5c99e95740ceb90c27ed"
    );
}

/// Computed: the URL ends at its `#` and is not encoded again.
#[test]
fn jssdk_cuts_the_fragment() {
    let (ticket, nonce, timestamp) = ("TICKET_1", "N0nce", 1700000000);
    let url = "https://example.com/a?b=1&c=%E4%B8%AD#frag";
    assert_eq!(
        jssdk::string_to_sign(ticket, nonce, timestamp, url),
        "jsapi_ticket=TICKET_1&noncestr=N0nce&timestamp=1700000000&url=https://example.co\
         m/a?b=1&c=%E4%B8%AD"
    );
    assert_eq!(
        jssdk::signature(ticket, nonce, timestamp, url),
        "f3d52ec9eb0590c7394e8192c5092b9d1d973372"
    );
}

/// Computed: the values are sorted, their names take no part.
#[test]
fn card_extension() {
    let values = [
        "api_ticket_x",
        "1404896688",
        "pjZ8Yt1XGILfi-FUsewpnnolGgZk",
        "nonceX",
    ];
    assert_eq!(
        card::signature(&values),
        "28bab1573cf481cf9cd1899454ffd06504b2a253"
    );
}

/// Official sample code for `encryptedData`.
#[test]
fn encrypted_user_data() {
    let (key, iv) = ("tiihtNczf5v6AKRyjwEUhQ==", "r7BXXKkLb8qrSNn05n0qiA==");
    let data = "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1\
         WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6Ch\
         evvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIB\
         zD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4P\
         C7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwT\
         yrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG\
         20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==";
    let plain = encrypted_data::decrypt(key, data, iv).unwrap();
    let want = "{\"openId\":\"oGZUI0egBJY1zhBYw2KhdUfwVJJE\",\"nickName\":\"Band\",\"gender\":1,\
         \"language\":\"zh_CN\",\"city\":\"Guangzhou\",\"province\":\"Guangdong\",\"count\
         ry\":\"CN\",\"avatarUrl\":\"http://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM\
         0qJVh8Kjgiak2AHWr8MHM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ibKicsnfN5pRjl1p8HQ/0\",\"un\
         ionId\":\"ocMvos6NjeKLIBqg5Mr9QjxrP1FA\",\"watermark\":{\"timestamp\":1477314187\
         ,\"appid\":\"wx4f4bc4dec97d474b\"}}";
    assert_eq!(std::str::from_utf8(&plain).unwrap(), want);
    let mut vector = [0; 16];
    vector.copy_from_slice(&xinqiao_crypto::decode_base64(iv.as_bytes()).unwrap());
    assert_eq!(encrypted_data::encrypt(key, &plain, &vector).unwrap(), data);
    let other = "HyVFkGl5F5OQWJZZaNzBBg==";
    assert_ne!(encrypted_data::decrypt(other, data, iv).ok(), Some(plain));
    assert!(encrypted_data::decrypt(key, &data.replace('+', " "), iv).is_err());
    assert!(encrypted_data::decrypt(key, &data[..20], iv).is_err());
    assert!(encrypted_data::decrypt("AA==", data, iv).is_err());
}

/// Official example of the page on verifying open data.
#[test]
fn raw_data() {
    let data = "{\"nickName\":\"Band\",\"gender\":1,\"language\":\"zh_CN\",\"city\":\"Guangzhou\
         \",\"province\":\"Guangdong\",\"country\":\"CN\",\"avatarUrl\":\"http://wx.qlogo\
         .cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAj\
         AtpujxyzYsrztuuICqIM5ibXQ/0\"}";
    let key = "HyVFkGl5F5OQWJZZaNzBBg==";
    let signature = "75e81ceda165f4ffa64f4068af58c64b8f54b88c";
    assert_eq!(session::raw_data_signature(data, key), signature);
    assert!(session::verify_raw_data(data, key, signature).is_ok());
    assert!(session::verify_raw_data(&data[1..], key, signature).is_err());
}

/// Computed: the key is the `session_key` as text.
#[test]
fn user_session() {
    let key = "HyVFkGl5F5OQWJZZaNzBBg==";
    let signature = "252b75c92698025afe925b29cca5517fdf9ee67aae072cf3225ebf3a53783058";
    assert_eq!(session::hmac(key, b""), signature);
    assert!(session::verify_hmac(key, b"", signature).is_ok());
    let decoded = "8fd4206c12c486127b9ec91323df64c24ef0ab34c72413e6bbb0cc5019b243d9";
    assert!(session::verify_hmac(key, b"", decoded).is_err());
}

/// Official example of the guide on signing and encrypting server calls.
#[test]
fn secure_api_request() {
    let key = SecureApiKey::parse(
        "otUpngOjU+nVQaWJIC3D/yMLV17RKaP6t4Ot9tbnzLY=",
        "fa05fe1e5bcc79b81ad5ad4b58acf787",
    )
    .unwrap();
    let binding = Binding {
        url: "https://api.weixin.qq.com/wxa/getuserriskrank?access_token=T",
        appid: "wxba6223c06417af7b",
        timestamp: 1635927954,
    };
    assert_eq!(
        key.authenticated_data(binding),
        "https://api.weixin.qq.com/wxa/getuserriskrank|wxba6223c06417af7b|1635927954|fa05\
         fe1e5bcc79b81ad5ad4b58acf787"
    );
    let sealed = Sealed {
        iv: "fmW/zNxXlytUZBgj".into(),
        data: "0IDVdrPtSPF/Oe2CTXCV2vVNPbVJdJlP2WaTMQnoYLh5iCrrSNfQFh25EnStDMf0hLlVNBCZQtf9NaV0\
         m4aRA4AAYIO7oR/Ge+4yY4EmZp5EVPB42xjScgMx5X3D4VdLCfynXIUKUtZHZvk1zmLVE3RauzJgiM1B\
         B1CPmwcENo3MTJ0z8Vfkf5tMv54kOXobDLlV5rfqKdAX7gM/rP82DgZdt9vvZX44ipdbHIjJvw83ZXAF\
         tvftdVw2Qd8="
            .into(),
        authtag: "5qeM/2vZv+6KtScN94IpMg==".into(),
    };
    let want = "{\"_n\":\"o89QaPVsRu1yppIZzvSZc4\",\"_appid\":\"wxba6223c06417af7b\",\"_timestam\
         p\":1635927954,\"appid\":\"wxba6223c06417af7b\",\"openid\":\"oEWzBfmdLqhFS2mTXCo\
         2E4Y9gJAM\",\"scene\":0,\"client_ip\":\"127.0.0.1\"}";
    let plain = key.decrypt(&sealed, binding).unwrap();
    assert_eq!(std::str::from_utf8(&plain).unwrap(), want);
    let mut iv = [0; 12];
    iv.copy_from_slice(&xinqiao_crypto::decode_base64(sealed.iv.as_bytes()).unwrap());
    assert_eq!(key.encrypt(&plain, iv, binding), sealed);

    let later = Binding {
        timestamp: binding.timestamp + 1,
        ..binding
    };
    assert_eq!(
        key.decrypt(&sealed, later),
        Err(SecureApiError::Unauthentic)
    );
    let other = Binding {
        appid: "wx0000000000000000",
        ..binding
    };
    assert_eq!(
        key.decrypt(&sealed, other),
        Err(SecureApiError::Unauthentic)
    );
    let moved = Binding {
        url: "https://api.weixin.qq.com/wxa/other",
        ..binding
    };
    assert_eq!(
        key.decrypt(&sealed, moved),
        Err(SecureApiError::Unauthentic)
    );
}
