//! The offline tools: `crypt`, `pay`, `explain`, `man`.

use std::io::Write as _;
use std::path::Path;
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::process::{command, folder, run, stderr, stdout};

const KEY: &str = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR";
const TOKEN: &str = "toolsTok3n";
const TEXT: &str = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>\
                    <CreateTime>1700000000</CreateTime><MsgType><![CDATA[text]]></MsgType>\
                    <Content><![CDATA[你好]]></Content><MsgId>1</MsgId></xml>";

/// Runs with something on standard input.
fn piped(folder: &Path, arguments: &[&str], input: &[u8]) -> Output {
    let mut child = command(folder, arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(input).expect("written");
    drop(pipe);
    child.wait_with_output().expect("it ends")
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("JSON: {} {}", stdout(output), stderr(output)))
}

#[track_caller]
fn succeeded(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
}

/// Code 1, and the rule with its remedy in the reader's language.
#[track_caller]
fn fails_with(output: &Output, rule: &str) {
    let words = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{words}");
    assert!(words.contains(rule), "{rule}: {words}");
    assert!(words.contains('→'), "no remedy: {words}");
    assert!(
        !words.contains(TOKEN) && !words.contains(KEY),
        "a key: {words}"
    );
}

/// Encrypts as the platform does; gives query and body.
fn push(folder: &Path, message: &str, more: &[&str]) -> (String, String) {
    let fixed = [
        "crypt",
        "encrypt",
        message,
        "--token",
        TOKEN,
        "--aes-key",
        KEY,
        "--json",
    ];
    let output = run(folder, &[&fixed[..], more].concat());
    succeeded(&output);
    let sealed = json(&output);
    let text = |name: &str| sealed[name].as_str().expect(name).to_owned();
    (text("query"), text("body"))
}

#[test]
fn a_push_is_sealed_and_opened_in_every_form() {
    let folder = folder();
    let keys = ["--token", TOKEN, "--aes-key", KEY];
    let forms = [
        // Official account or component, WeCom with its corp, a suite.
        (TEXT, "wx5823bf96d3bd56c7", "safe"),
        (TEXT, "wx5823bf96d3bd56c7", "compat"),
        (TEXT, "ww0123456789abcdef", "safe"),
        (
            "<xml><SuiteId>s1</SuiteId><InfoType>suite_ticket</InfoType><TimeStamp>1700000000</TimeStamp></xml>",
            "wwsuite01",
            "safe",
        ),
        // Mini program in JSON, a WeCom bot without a receiver.
        (
            r#"{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1700000000,"MsgType":"text","Content":"你好"}"#,
            "wx1",
            "safe",
        ),
        (
            r#"{"msgid":"m1","msgtype":"text","text":{"content":"你好"}}"#,
            "",
            "safe",
        ),
    ];
    for (message, receiver, mode) in forms {
        let (query, body) = push(
            folder.path(),
            message,
            &["--receiver", receiver, "--mode", mode],
        );
        let url = format!("https://example.com/wx?{query}");
        for query in [query.as_str(), url.as_str()] {
            let open = [
                "crypt",
                "decrypt",
                &body,
                "--query",
                query,
                "--receiver",
                receiver,
            ];
            let output = run(folder.path(), &[&open[..], &keys].concat());
            succeeded(&output);
            assert_eq!(stdout(&output), format!("{message}\n"), "{receiver} {mode}");
            assert_eq!(stderr(&output), "");
        }
        let verify = [
            "crypt", "verify", &body, "--query", &query, "--token", TOKEN,
        ];
        succeeded(&run(folder.path(), &verify));
        // Without a query nothing is checked, and that is said.
        let output = run(
            folder.path(),
            &["crypt", "decrypt", &body, "--aes-key", KEY],
        );
        succeeded(&output);
        assert!(stderr(&output).contains("no signature was checked"));
        assert_eq!(stdout(&output), format!("{message}\n"));
    }
}

#[test]
fn a_reply_is_sealed_and_opened() {
    let folder = folder();
    let keys = ["--token", TOKEN, "--aes-key", KEY, "--receiver", "wx1"];
    for reply in [
        TEXT,
        r#"{"ToUserName":"o1","MsgType":"text","Content":"嗯"}"#,
    ] {
        let output = run(
            folder.path(),
            &[&["crypt", "encrypt", reply, "--reply"], &keys[..]].concat(),
        );
        succeeded(&output);
        let sealed = stdout(&output);
        let output = run(
            folder.path(),
            &[&["crypt", "decrypt", &sealed], &keys[..]].concat(),
        );
        succeeded(&output);
        assert_eq!(stdout(&output).trim_end(), reply);
        let verify = run(
            folder.path(),
            &["crypt", "verify", &sealed, "--token", TOKEN],
        );
        succeeded(&verify);
        let wrong = run(
            folder.path(),
            &["crypt", "verify", &sealed, "--token", "other"],
        );
        fails_with(&wrong, "callback.signature.token");
        assert!(
            stderr(&wrong).contains("--aes-key"),
            "what else would tell more"
        );
    }
}

#[test]
fn a_bots_push_of_the_wild_is_opened() {
    let folder = folder();
    let body = r#"{"encrypt":"4j/AuRx71kQlxVlzbpsMWG3u0Mr946vJVlTlWMKg/zcVBLy0nJRZWMVmsRu96WaVvw9JJ8x1KUcbVh8NFD/U08+q2BXHX4czzpYKefWiOqqRavAc9r2tYD/sakIBlpvMwPboKZMlbmw+OkDNF+k0pTDN6NXUKuSQCz0V9SDRmZXRrIbc7lW+GgUYuJS8sTBkmUcRnyuuE/QhXcRNpzl8Ww=="}"#;
    let query =
        "timestamp=1767340800&nonce=n1&msg_signature=aa4dd086269cd99d570e9efb10919c07c9f20c5e";
    let open = |more: &[&str]| {
        let fixed = [
            "crypt",
            "decrypt",
            body,
            "--query",
            query,
            "--aes-key",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
        ];
        run(folder.path(), &[&fixed[..], more].concat())
    };
    let output = open(&["--token", "botTok1", "--receiver", ""]);
    succeeded(&output);
    assert!(
        stdout(&output).contains(r#""msgid":"m1""#),
        "{}",
        stdout(&output)
    );
    fails_with(
        &open(&["--token", "botTok2", "--receiver", ""]),
        "callback.signature.token",
    );
    fails_with(
        &open(&["--token", "botTok1", "--receiver", "wx1"]),
        "decrypt.receiver_id",
    );
}

#[test]
fn the_check_that_failed_is_named_with_its_remedy_in_both_languages() {
    let folder = folder();
    let (query, body) = push(folder.path(), TEXT, &["--receiver", "wx1"]);
    let open = |query: &str, body: &str, token: &str, key: &str, receiver: &str| {
        ["zh", "en"].map(|lang| {
            run(
                folder.path(),
                &[
                    "--lang",
                    lang,
                    "crypt",
                    "decrypt",
                    body,
                    "--query",
                    query,
                    "--token",
                    token,
                    "--aes-key",
                    key,
                    "--receiver",
                    receiver,
                ],
            )
        })
    };
    let other = "a".repeat(43);
    for (outputs, rule) in [
        (
            open(&query, &body, "wrong", KEY, "wx1"),
            "callback.signature.token",
        ),
        (
            open(&query, &body, "wrong", &other, "wx1"),
            "callback.signature.foreign",
        ),
        (open(&query, &body, TOKEN, &other, "wx1"), "decrypt.aes_key"),
        (
            open(&query, &body, TOKEN, KEY, "wx2"),
            "decrypt.receiver_id",
        ),
        (
            open(&query, &body.replace('+', " "), TOKEN, KEY, "wx1"),
            "decrypt.base64.space",
        ),
        (
            open("nonce=1&msg_signature=x", &body, TOKEN, KEY, "wx1"),
            "callback.parameters.missing",
        ),
        (
            open(&query, TEXT, TOKEN, KEY, "wx1"),
            "callback.encrypt.missing",
        ),
        (
            open(&query, &body, TOKEN, "short", "wx1"),
            "config.aes_key.length",
        ),
    ] {
        if rule == "decrypt.base64.space" && !body.contains('+') {
            continue;
        }
        for output in &outputs {
            fails_with(output, rule);
        }
        assert_ne!(stderr(&outputs[0]), stderr(&outputs[1]), "{rule}");
    }
    let fixed = [
        "crypt",
        "verify",
        &body,
        "--query",
        &query,
        "--token",
        "wrong",
        "--aes-key",
        KEY,
    ];
    let output = run(folder.path(), &[&fixed[..], &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let told = json(&output);
    assert_eq!(told["rule"], "callback.signature.token");
    assert_ne!(told["received"], told["expected"]);
    assert!(told["remedy"]["zh"].is_array(), "{told}");
    assert!(
        told["string_to_sign"]
            .as_str()
            .expect("a string")
            .contains("{Token}")
    );
}

#[test]
fn a_url_check_of_wecom_is_answered() {
    let folder = folder();
    // The echo is a sealed text: sealed as a message of any kind, it is the same.
    let (_, body) = push(folder.path(), "1234567890", &["--receiver", "ww1"]);
    let echo = body
        .split("[CDATA[")
        .nth(1)
        .and_then(|rest| rest.split("]]").next());
    let echo = echo.expect("a ciphertext").to_owned();
    let fixed = [
        "crypt",
        "sign",
        &echo,
        "--token",
        TOKEN,
        "--timestamp",
        "1700000000",
        "--nonce",
        "n1",
    ];
    let signature = run(folder.path(), &fixed);
    let signature = stdout(&signature).trim().to_owned();
    let escaped = echo
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    let query =
        format!("msg_signature={signature}&timestamp=1700000000&nonce=n1&echostr={escaped}");
    let keys = ["--token", TOKEN, "--aes-key", KEY, "--receiver", "ww1"];
    let output = run(
        folder.path(),
        &[&["crypt", "decrypt", "--query", &query], &keys[..]].concat(),
    );
    succeeded(&output);
    assert_eq!(stdout(&output), "1234567890\n");
    succeeded(&run(
        folder.path(),
        &["crypt", "verify", "--query", &query, "--token", TOKEN],
    ));
    // The official accounts' check is in the clear.
    let plain = [
        "crypt",
        "sign",
        "--token",
        "AAAAA",
        "--timestamp",
        "1714036504",
        "--nonce",
        "1514711492",
        "--parts",
    ];
    let output = run(folder.path(), &plain);
    assert!(stdout(&output).starts_with("f464b24fc39322e44b38aa78f5edd27bd1441696\n"));
    assert!(
        stdout(&output).contains("15147114921714036504{Token}"),
        "{}",
        stdout(&output)
    );
    let query = "signature=f464b24fc39322e44b38aa78f5edd27bd1441696&timestamp=1714036504&nonce=1514711492&echostr=1";
    succeeded(&run(
        folder.path(),
        &["crypt", "verify", "--query", query, "--token", "AAAAA"],
    ));
    let wrong = run(
        folder.path(),
        &["crypt", "verify", "--query", query, "--token", "BBBBB"],
    );
    assert_eq!(wrong.status.code(), Some(1));
    assert!(stderr(&wrong).contains("f464b24fc39322e44b38aa78f5edd27bd1441696"));
}

const SESSION: &str = "tiihtNczf5v6AKRyjwEUhQ==";
const IV: &str = "r7BXXKkLb8qrSNn05n0qiA==";

#[test]
fn data_of_a_mini_program_is_opened() {
    let folder = folder();
    let plain =
        r#"{"phoneNumber":"13580006666","watermark":{"timestamp":1,"appid":"wx4f4bc4dec97d474b"}}"#;
    let output = run(
        folder.path(),
        &[
            "crypt",
            "encrypt",
            plain,
            "--session-key",
            SESSION,
            "--iv",
            IV,
        ],
    );
    succeeded(&output);
    let whole = stdout(&output);
    let data = json(&output)["encryptedData"]
        .as_str()
        .expect("data")
        .to_owned();
    let open = |input: &str, key: &str, more: &[&str]| {
        let fixed = ["crypt", "decrypt", input, "--session-key", key];
        run(folder.path(), &[&fixed[..], more].concat())
    };
    for output in [
        open(&data, SESSION, &["--iv", IV]),
        open(&whole, SESSION, &["--receiver", "wx4f4bc4dec97d474b"]),
    ] {
        succeeded(&output);
        assert_eq!(stdout(&output).trim(), plain);
    }
    fails_with(
        &open(&whole, SESSION, &["--receiver", "wx1"]),
        "session_data.appid",
    );
    fails_with(
        &open(&whole, "HyVFkGl5F5OQWJZZaNzBBg==", &[]),
        "session_key.stale",
    );
    fails_with(
        &open(&data.replace('+', " "), SESSION, &["--iv", IV]),
        "base64.space",
    );
    fails_with(
        &open(&data[..20], SESSION, &["--iv", IV]),
        "encrypted_data.length",
    );

    let raw = r#"{"nickName":"Band","gender":1}"#;
    let sign = |more: &[&str]| {
        let fixed = ["crypt", "sign", raw, "--session-key", SESSION];
        stdout(&run(folder.path(), &[&fixed[..], more].concat()))
            .trim()
            .to_owned()
    };
    for (more, length) in [(&[][..], 40), (&["--hmac"][..], 64)] {
        let signature = sign(more);
        assert_eq!(signature.len(), length);
        let check = |raw: &str| {
            let fixed = [
                "crypt",
                "verify",
                raw,
                "--session-key",
                SESSION,
                "--signature",
                &signature,
            ];
            run(folder.path(), &[&fixed[..], more].concat())
        };
        succeeded(&check(raw));
        fails_with(&check("{}"), "session_data.signature");
    }
}

#[test]
fn a_page_is_signed_for_the_js_sdk() {
    let folder = folder();
    let ticket =
        "sM4AOVdWfPE4DxkXGEs8VMCPGGVi4C3VM0P37wVUCFvkVAy_90u5h9nbSlYy3-Sl-HhTdfl2fzFy1AOcHKP7qg";
    let page = [
        "--ticket",
        ticket,
        "--url",
        "http://mp.weixin.qq.com?params=value#top",
        "--nonce",
        "Wm3WZYTPz0wzccnW",
        "--timestamp",
        "1414587457",
    ];
    let want = "0f9de62fce790f9a083d5c99e95740ceb90c27ed";
    let output = run(
        folder.path(),
        &[&["crypt", "sign", "--parts"], &page[..]].concat(),
    );
    let text = stdout(&output);
    assert!(text.starts_with(want), "{text}");
    assert!(
        text.contains("jsapi_ticket={jsapi_ticket}&noncestr=Wm3WZYTPz0wzccnW"),
        "{text}"
    );
    assert!(!text.contains(ticket));
    let verify = |signature: &str| {
        let fixed = ["crypt", "verify", "--signature", signature];
        run(folder.path(), &[&fixed[..], &page].concat())
    };
    succeeded(&verify(want));
    fails_with(&verify("00"), "jssdk.signature");
}

#[test]
fn keys_come_from_files_variables_and_the_environment() {
    let folder = folder();
    std::fs::write(folder.path().join("token"), format!("{TOKEN}\n")).expect("written");
    std::fs::write(folder.path().join("push.xml"), TEXT).expect("written");
    let fixed = [
        "crypt",
        "encrypt",
        "--token",
        "@token",
        "--aes-key",
        "env:MY_KEY",
        "--json",
    ];
    let seal = |input: &[&str]| {
        let mut command = command(folder.path(), &[&fixed[..], input].concat());
        command.env("MY_KEY", KEY).env("XINQIAO_APPID", "wx1");
        command
    };
    succeeded(&seal(&["@push.xml"]).output().expect("it runs"));
    let file = std::fs::File::open(folder.path().join("push.xml")).expect("opened");
    succeeded(&seal(&["-"]).stdin(file).output().expect("it runs"));
    for (wrong, words) in [
        (&["@none.xml"][..], "none.xml"),
        (&["x", "--receiver", "env:NOT_SET"], "NOT_SET"),
        (&["x", "--receiver", "@none"], "none"),
    ] {
        let output = seal(wrong).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{wrong:?}");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
    let none = run(folder.path(), &["crypt", "decrypt", "x"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("--aes-key"));
}

/// The parameters and the key of the platform's page on signatures.
const ORDER: &str = "appid=wxd930ea5d5a258f4f&mch_id=10000100&device_info=1000&body=test&nonce_str=ibuaiVcKdpRxkhJA";
const V2_KEY: &str = "192006250b4c09247ec02edce69f6a2d";

#[test]
fn parameters_are_signed_as_the_page_says() {
    let folder = folder();
    let xml = "<xml><appid>wxd930ea5d5a258f4f</appid><mch_id>10000100</mch_id><device_info>1000</device_info>\
               <body>test</body><nonce_str>ibuaiVcKdpRxkhJA</nonce_str><empty></empty></xml>";
    let json_form = r#"{"appid":"wxd930ea5d5a258f4f","mch_id":10000100,"device_info":"1000","body":"test","nonce_str":"ibuaiVcKdpRxkhJA"}"#;
    for input in [ORDER, xml, json_form] {
        let output = run(
            folder.path(),
            &["pay", "sign", input, "--v2-key", V2_KEY, "--parts"],
        );
        let text = stdout(&output);
        assert!(
            text.starts_with("9A0A8659F005D6984697E2CA0A9CF3B7\n"),
            "{text}"
        );
        assert!(
            text.contains("nonce_str=ibuaiVcKdpRxkhJA&key={key}"),
            "{text}"
        );
        assert!(!text.contains(V2_KEY));
        let output = run(
            folder.path(),
            &[
                "pay",
                "sign",
                input,
                "--v2-key",
                V2_KEY,
                "--sign-type",
                "hmac-sha256",
            ],
        );
        assert_eq!(
            stdout(&output).trim(),
            "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6"
        );
    }
    for sign in [
        "9A0A8659F005D6984697E2CA0A9CF3B7",
        "6A9AE1657590FD6257D693A078E1C3E4BB6BA4DC30B23E0EE2496E54170DACD6",
    ] {
        let signed = format!("{ORDER}&sign={sign}");
        succeeded(&run(
            folder.path(),
            &["pay", "verify", &signed, "--v2-key", V2_KEY],
        ));
        let output = run(
            folder.path(),
            &["pay", "verify", &signed, "--v2-key", "other"],
        );
        fails_with(&output, "pay.signature.mismatch");
        assert!(stderr(&output).contains(sign));
    }
    fails_with(
        &run(folder.path(), &["pay", "verify", ORDER, "--v2-key", V2_KEY]),
        "pay.signature.missing",
    );
}

#[test]
fn a_refund_notice_is_opened() {
    let folder = folder();
    let key = xinqiao_types::ApiV2Key::new(V2_KEY);
    let plain =
        "<root><out_refund_no>R1</out_refund_no><refund_status>SUCCESS</refund_status></root>";
    let sealed = xinqiao_crypto::pay_v2::encrypt_req_info(plain.as_bytes(), &key);
    let notice = format!("<xml><mch_id>1</mch_id><req_info><![CDATA[{sealed}]]></req_info></xml>");
    for input in [notice.as_str(), sealed.as_str()] {
        let output = run(
            folder.path(),
            &["pay", "decrypt", input, "--v2-key", V2_KEY],
        );
        succeeded(&output);
        assert_eq!(stdout(&output).trim(), plain);
    }
    let output = run(
        folder.path(),
        &["pay", "decrypt", &notice, "--v2-key", V2_KEY, "--json"],
    );
    assert_eq!(json(&output)["fields"]["out_refund_no"], "R1");
    fails_with(
        &run(
            folder.path(),
            &["pay", "decrypt", &notice, "--v2-key", "other"],
        ),
        "pay.req_info.key",
    );
    let payment = run(
        folder.path(),
        &[
            "pay",
            "decrypt",
            "<xml><sign>x</sign></xml>",
            "--v2-key",
            V2_KEY,
        ],
    );
    assert_eq!(payment.status.code(), Some(2));
    assert!(
        stderr(&payment).contains("pay verify"),
        "{}",
        stderr(&payment)
    );
}

/// The keys and vectors that the crate of the signatures is tested with.
fn vectors() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../xinqiao-crypto/testdata/pay.json");
    serde_json::from_slice(&std::fs::read(path).expect("vectors")).expect("JSON")
}

/// Writes a key of the vectors into the folder; gives the option's value.
fn pem(folder: &Path, vectors: &Value, name: &str) -> String {
    let file = format!("{name}.pem");
    let text = vectors["keys"][name].as_str().expect(name);
    std::fs::write(folder.join(&file), text).expect("written");
    format!("@{file}")
}

#[test]
fn requests_are_signed_for_the_third_generation() {
    let folder = folder();
    let vectors = vectors();
    let key = pem(folder.path(), &vectors, "merchant_rsa_private_key");
    let certificate = pem(folder.path(), &vectors, "merchant_rsa_certificate");
    let mut seen = 0;
    for vector in vectors["vectors"].as_array().expect("vectors") {
        let input = &vector["input"];
        if vector["kind"] != "v3.request.authorization"
            || input["private_key"] != "merchant_rsa_private_key"
        {
            continue;
        }
        let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let want = vector["expected"]["authorization"]
            .as_str()
            .unwrap_or_default();
        if want.is_empty() {
            continue;
        }
        seen += 1;
        let url = format!("https://api.mch.weixin.qq.com{}", text("request_target"));
        std::fs::write(folder.path().join("body"), text("signed_body")).expect("written");
        let output = run(
            folder.path(),
            &[
                "pay",
                "sign",
                "@body",
                "--method",
                &text("method"),
                "--url",
                &url,
                "--mchid",
                &text("mchid"),
                "--private-key",
                &key,
                "--certificate",
                &certificate,
                "--timestamp",
                &input["timestamp"].to_string(),
                "--nonce",
                &text("nonce_str"),
            ],
        );
        assert_eq!(
            stdout(&output).trim(),
            want,
            "{}: {}",
            vector["id"],
            stderr(&output)
        );
    }
    assert!(seen > 1);
    let invoke = run(
        folder.path(),
        &[
            "pay",
            "sign",
            "--package",
            "prepay_id=wx1",
            "--appid",
            "wx2",
            "--private-key",
            &key,
            "--json",
        ],
    );
    let invoke = json(&invoke);
    assert_eq!(invoke["signType"], "RSA");
    assert!(
        invoke["string_to_sign"]
            .as_str()
            .expect("text")
            .ends_with("prepay_id=wx1\n")
    );
    let wrong = run(
        folder.path(),
        &[
            "pay",
            "sign",
            "--package",
            "prepay_id=wx1",
            "--appid",
            "wx2",
            "--private-key",
            &certificate,
        ],
    );
    fails_with(&wrong, "pay.key.pem");
}

#[test]
fn answers_and_notices_are_verified() {
    let folder = folder();
    let vectors = vectors();
    let platform = vectors["keys"]["platform_rsa_private_key"]
        .as_str()
        .expect("a key");
    let platform = xinqiao_crypto::pay_v3::PrivateKey::from_pem(platform).expect("a key");
    let serial = vectors["constants"]["platform_serial_no"]
        .as_str()
        .expect("a serial");
    let certificate = pem(folder.path(), &vectors, "platform_rsa_certificate");
    let public = pem(folder.path(), &vectors, "wechatpay_public_key");
    let body = "{\"code_url\": \"weixin://x\"}\n";
    let message = xinqiao_crypto::pay_v3::answer_message("1700000000", "n1", body.as_bytes());
    let head = format!(
        "HTTP/1.1 200 OK\r\nwechatpay-serial: {serial}\r\nWechatpay-Timestamp: 1700000000\r\nWechatpay-Nonce: n1\r\nWechatpay-Signature: {}\r\n",
        platform.sign(&message)
    );
    let whole = format!("{head}\r\n{body}");
    let fixed = ["pay", "verify", "-", "--certificate", &certificate];
    succeeded(&piped(folder.path(), &fixed, whole.as_bytes()));
    std::fs::write(folder.path().join("headers"), &head).expect("written");
    let apart = [&fixed[..], &["--headers", "@headers", "--json"]].concat();
    let output = piped(folder.path(), &apart, body.as_bytes());
    succeeded(&output);
    assert_eq!(json(&output)["serial"], serial);
    let changed = whole.replace("weixin://x", "weixin://y");
    fails_with(
        &piped(folder.path(), &fixed, changed.as_bytes()),
        "pay.signature.mismatch",
    );
    fails_with(
        &piped(folder.path(), &fixed, body.as_bytes()),
        "pay.signature.missing",
    );
    let fresh = [&fixed[..], &["--fresh"]].concat();
    fails_with(
        &piped(folder.path(), &fresh, whole.as_bytes()),
        "pay.signature.window",
    );
    let id = vectors["constants"]["wechatpay_public_key_id"]
        .as_str()
        .expect("an id");
    let other = [
        "pay",
        "verify",
        "-",
        "--public-key",
        &public,
        "--public-key-id",
        id,
    ];
    let output = piped(folder.path(), &other, whole.as_bytes());
    fails_with(&output, "pay.signature.unknown_key");
    assert!(stderr(&output).contains(id));
    let one = "Wechatpay-Signature: WECHATPAY/SIGNTEST/abc";
    let probe = [&apart[..], &["-H", one]].concat();
    let output = piped(folder.path(), &probe, body.as_bytes());
    assert_eq!(json(&output)["rule"], "pay.signature.probe");
}

#[test]
fn resources_and_fields_are_opened() {
    let folder = folder();
    let vectors = vectors();
    let text = vectors["constants"]["api_v3_key"].as_str().expect("a key");
    let key = xinqiao_types::ApiV3Key::new(text);
    let key = xinqiao_crypto::pay_v3::ResourceKey::new(&key).expect("32 bytes");
    let plain = r#"{"out_trade_no":"T1","trade_state":"SUCCESS"}"#;
    let sealed = key
        .seal("0123456789ab", "transaction", plain.as_bytes())
        .expect("sealed");
    let notice = serde_json::json!({
        "event_type": "TRANSACTION.SUCCESS",
        "resource": {"algorithm": "AEAD_AES_256_GCM", "nonce": "0123456789ab", "associated_data": "transaction", "ciphertext": sealed},
    });
    let notice = notice.to_string();
    let open =
        |input: &str, key: &str| run(folder.path(), &["pay", "decrypt", input, "--v3-key", key]);
    let output = open(&notice, text);
    succeeded(&output);
    assert_eq!(stdout(&output).trim(), plain);
    let other = "x".repeat(32);
    fails_with(&open(&notice, &other), "pay.resource.key");
    fails_with(&open(&notice, "short"), "pay.key.api_v3_length");
    let changed = notice.replace("transaction\"", "refund\"");
    fails_with(&open(&changed, text), "pay.resource.key");
    fails_with(
        &open(&notice.replace("0123456789ab", "1"), text),
        "pay.resource.nonce",
    );
    assert_eq!(open("{}", text).status.code(), Some(2));

    let private = vectors["keys"]["merchant_rsa_private_key"]
        .as_str()
        .expect("a key");
    let private = xinqiao_crypto::pay_v3::PrivateKey::from_pem(private).expect("a key");
    let field = private.public_key().encrypt("张三").expect("short");
    let key = pem(folder.path(), &vectors, "merchant_rsa_private_key");
    let output = run(
        folder.path(),
        &["pay", "decrypt", &field, "--private-key", &key],
    );
    assert_eq!(stdout(&output), "张三\n", "{}", stderr(&output));
    let key = pem(folder.path(), &vectors, "platform_rsa_private_key");
    fails_with(
        &run(
            folder.path(),
            &["pay", "decrypt", &field, "--private-key", &key],
        ),
        "pay.field.key",
    );
}

const TRADE_BILL: &str = "\u{feff}交易时间,公众账号ID,商户号,商户订单号,交易状态,应结订单金额,退款金额,商品名称,手续费,费率\r\n\
`2026-11-29 10:00:00,`wx1,`1900000109,`T1,`SUCCESS,`12.30,`0.00,`茶,大杯,`0.07000,`0.60%\r\n\
`2026-11-29 11:00:00,`wx1,`1900000109,`T1,`REFUND,`0.00,`2.30,`茶,大杯,`-0.01000,`0.60%\r\n\
总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额\r\n\
`2,`12.30,`2.30,`0.00,`0.06000\r\n";

#[test]
fn a_bill_is_a_table_with_sums_that_fit() {
    let folder = folder();
    std::fs::write(folder.path().join("bill.csv"), TRADE_BILL).expect("written");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(TRADE_BILL.as_bytes()).expect("packed");
    std::fs::write(
        folder.path().join("bill.gz"),
        packed.finish().expect("packed"),
    )
    .expect("written");
    for file in ["bill.csv", "bill.gz"] {
        let output = run(folder.path(), &["pay", "bill", file]);
        succeeded(&output);
        let text = stdout(&output);
        assert!(text.starts_with("交易时间"), "{text}");
        assert!(
            text.contains("应结订单总金额") && text.contains("12.30"),
            "{text}"
        );
    }
    let output = run(
        folder.path(),
        &["pay", "bill", "bill.csv", "--columns", "商品名称,费率"],
    );
    assert!(stdout(&output).contains("茶,大杯"), "{}", stdout(&output));
    let output = run(folder.path(), &["pay", "bill", "bill.csv", "--json"]);
    let bill = json(&output);
    assert_eq!(bill["rows"][1]["交易状态"], "REFUND");
    assert_eq!(bill["mismatches"], serde_json::json!([]));
    let unknown = run(
        folder.path(),
        &["pay", "bill", "bill.csv", "--columns", "nothing"],
    );
    assert_eq!(unknown.status.code(), Some(2));

    std::fs::write(
        folder.path().join("bill.csv"),
        TRADE_BILL.replace("`2,`12.30", "`2,`12.31"),
    )
    .expect("written");
    let output = run(folder.path(), &["pay", "bill", "bill.csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("12.31") && stderr(&output).contains("12.30"),
        "{}",
        stderr(&output)
    );
    let output = run(folder.path(), &["pay", "bill", "bill.csv", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(json(&output)["mismatches"][0]["told"], "12.31");
}

#[test]
fn a_day_without_trade_is_an_empty_bill_and_another_error_is_none() {
    let folder = folder();
    let answer = |message: &str, code: &str| {
        format!(
            "<xml><return_code>FAIL</return_code><return_msg>{message}</return_msg><error_code>{code}</error_code></xml>"
        )
    };
    let read = |text: String| piped(folder.path(), &["pay", "bill", "-"], text.as_bytes());
    let empty = read(answer("No Bill Exist", "20002"));
    succeeded(&empty);
    assert!(stdout(&empty).contains("empty bill"));
    let refused = read(answer("sign error", "20001"));
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("20001"));
    assert_eq!(read("hello".to_owned()).status.code(), Some(2));
}

#[test]
fn every_name_of_the_catalog_is_explained() {
    let folder = folder();
    for (words, want) in [
        (&["45015"][..], "45015"),
        (&["OUT_OF_RESPONSE_WINDOW"], "45015"),
        (&["pay.signature.mismatch"], "pay.signature.mismatch"),
        (&["subscribe"], "official_account.event.subscribe"),
        (&["suite_ticket"], "suite_ticket"),
        (&["official_account.menu.create"], "/cgi-bin/menu/create"),
        (
            &["POST", "/cgi-bin/menu/create"],
            "official_account.menu.create",
        ),
        (
            &["https://api.weixin.qq.com/cgi-bin/menu/get?access_token=x"],
            "official_account.menu.get",
        ),
        (&["openid"], "openid [field]"),
        (&["template_id"], "template_id [field]"),
    ] {
        let output = run(folder.path(), &[&["explain"], words].concat());
        succeeded(&output);
        assert!(
            stdout(&output).contains(want),
            "{words:?}: {}",
            stdout(&output)
        );
        let output = run(folder.path(), &[&["explain", "--json"], words].concat());
        for line in stdout(&output).lines() {
            serde_json::from_str::<Value>(line).expect("JSON a line");
        }
    }
    let output = run(folder.path(), &["explain", "opnid"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("openid"), "{}", stderr(&output));
}

#[test]
fn the_manual_is_the_help() {
    let folder = folder();
    let output = run(folder.path(), &["man", "api", "call"]);
    succeeded(&output);
    assert!(
        stdout(&output).starts_with(".TH \"XINQIAO-API-CALL\""),
        "{}",
        stdout(&output)
    );
    assert!(stdout(&output).contains("\\-\\-force"));
    succeeded(&run(
        folder.path(),
        &["--lang", "zh", "man", "--output", "man1"],
    ));
    let page = std::fs::read_to_string(folder.path().join("man1/xinqiao-crypt-decrypt.1"));
    assert!(page.expect("written").contains("解密"));
    assert_eq!(
        run(folder.path(), &["man", "nothing"]).status.code(),
        Some(2)
    );
}
