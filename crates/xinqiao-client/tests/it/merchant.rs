//! Payment calls against a platform that checks signatures and signs its answers.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use xinqiao_client::{
    Client, Error, Policy,
    pay_v2::Merchant as MerchantV2,
    pay_v3::{Merchant, REFRESH},
    transport::{BoxFuture, Incoming, Outgoing, Transport, TransportError},
};
use xinqiao_crypto::{
    pay_v2::{self, SignType},
    pay_v3::{PROBE, PrivateKey, Request, ResourceKey, VerifyError, answer_message},
};
use xinqiao_types::{ApiV2Key, ApiV3Key, ManualClock};
use xinqiao_wire::{Auth, Content, Endpoint, EndpointInfo, Retry, built, record, xml::Document};

/// Inside the validity of the test certificates.
const NOW: i64 = 1_769_904_000;
const KEY_V2: &str = "xinqiaoTestOnlyApiV2Key000000002";

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../xinqiao-crypto/testdata/pay.json")).unwrap()
}

#[derive(Debug, Clone)]
enum Script {
    /// Status and body, signed with the certificate's key.
    Signed(u16, String),
    /// The same, signed with the public key's private half.
    SignedWithPublicKey(u16, String),
    /// A probe instead of an answer.
    Probe,
    /// A body that is not the signed one.
    Forged,
    /// No signature at all.
    Bare(u16, String),
}

#[derive(Debug)]
struct State {
    vectors: Value,
    clock: ManualClock,
    script: VecDeque<Script>,
    calls: Vec<Outgoing>,
    downloads: u32,
}

#[derive(Clone)]
struct Platform(Arc<Mutex<State>>);

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Platform")
    }
}

impl Platform {
    fn new(script: impl IntoIterator<Item = Script>) -> Self {
        Self(Arc::new(Mutex::new(State {
            vectors: vectors(),
            clock: ManualClock::at(NOW),
            script: script.into_iter().collect(),
            calls: Vec::new(),
            downloads: 0,
        })))
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    fn text(&self, group: &str, name: &str) -> String {
        self.with(|state| state.vectors[group][name].as_str().unwrap().to_owned())
    }

    fn merchant(&self) -> Merchant {
        let key = self.text("keys", "merchant_rsa_private_key");
        let serial = self.text("constants", "merchant_serial_no");
        Merchant::new(
            "1900000109",
            serial,
            &key,
            &*self.text("constants", "api_v3_key"),
        )
        .unwrap()
    }

    fn client(&self, merchant: impl Into<xinqiao_client::Merchant>) -> Client {
        let pause = Duration::from_millis(1);
        Client::builder("1900000109")
            .merchant(merchant)
            .transport(self.clone())
            .clock(self.with(|state| state.clock.clone()))
            .policy(Policy {
                attempts: 2,
                pause,
                longest: pause,
            })
            .build()
            .unwrap()
    }

    fn answer(&self, request: &Outgoing) -> Incoming {
        let now = self.with(|state| {
            use xinqiao_types::Clock as _;
            state.clock.unix().0
        });
        self.check_signature(request, now);
        if request.url.contains("/v3/certificates") {
            let body = self.with(|state| {
                state.downloads += 1;
                certificates(&state.vectors)
            });
            return self.signed(
                200,
                &body,
                "platform_rsa_private_key",
                "platform_serial_no",
                now,
            );
        }
        let script = self.with(|state| state.script.pop_front().expect("a scripted answer"));
        let (key, serial) = ("platform_rsa_private_key", "platform_serial_no");
        match script {
            Script::Signed(status, body) => self.signed(status, &body, key, serial, now),
            Script::SignedWithPublicKey(status, body) => {
                let key = "wechatpay_public_key_mode_private_key";
                self.signed(status, &body, key, "wechatpay_public_key_id", now)
            }
            Script::Probe => {
                let mut incoming = self.signed(200, "{}", key, serial, now);
                let value = HeaderValue::from_str(&format!("{PROBE}x/y=")).unwrap();
                incoming.headers.insert("wechatpay-signature", value);
                incoming
            }
            Script::Forged => {
                let mut incoming = self.signed(200, r#"{"amount":1}"#, key, serial, now);
                incoming.body = r#"{"amount":2}"#.into();
                incoming
            }
            Script::Bare(status, body) => Incoming {
                status,
                headers: HeaderMap::new(),
                body: body.into(),
            },
        }
    }

    /// As the platform does: over exactly what came.
    fn check_signature(&self, request: &Outgoing, now: i64) {
        let header = request.headers["authorization"].to_str().unwrap();
        let part = |name: &str| {
            let (_, rest) = header.split_once(&format!("{name}=\"")).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        assert!(request.headers["authorization"].is_sensitive());
        assert_eq!(part("mchid"), "1900000109");
        assert_eq!(
            part("serial_no"),
            self.text("constants", "merchant_serial_no")
        );
        assert_eq!(part("timestamp"), now.to_string());
        let nonce = part("nonce_str");
        assert_eq!(nonce.len(), 32);
        let at = request.url.find("/v3/").unwrap();
        let body = request.body.concat();
        let message = Request {
            method: request.method.as_str(),
            target: &request.url[at..],
            timestamp: now,
            nonce: &nonce,
            body: &body,
        };
        let key = PrivateKey::from_pem(&self.text("keys", "merchant_rsa_private_key")).unwrap();
        let proof = key
            .public_key()
            .verify(&message.message(), &part("signature"));
        assert!(proof.is_ok());
    }

    fn signed(&self, status: u16, body: &str, key: &str, serial: &str, now: i64) -> Incoming {
        let key = PrivateKey::from_pem(&self.text("keys", key)).unwrap();
        let (time, nonce) = (now.to_string(), "0a5ccb1cfb2add2f");
        let signature = key.sign(&answer_message(&time, nonce, body.as_bytes()));
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("wechatpay-timestamp", &*time),
            ("wechatpay-nonce", nonce),
            ("wechatpay-signature", &signature),
            ("wechatpay-serial", &self.text("constants", serial)),
            ("content-type", "application/json"),
        ] {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        Incoming {
            status,
            headers,
            body: body.to_owned().into(),
        }
    }
}

fn certificates(vectors: &Value) -> String {
    let key = ApiV3Key::new(vectors["constants"]["api_v3_key"].as_str().unwrap());
    let pem = vectors["keys"]["platform_rsa_certificate"]
        .as_str()
        .unwrap();
    let sealed = ResourceKey::new(&key).unwrap();
    let sealed = sealed
        .seal("0123456789ab", "certificate", pem.as_bytes())
        .unwrap();
    let certificate = json!({
        "algorithm": "AEAD_AES_256_GCM", "nonce": "0123456789ab",
        "associated_data": "certificate", "ciphertext": sealed,
    });
    json!({"data": [{"serial_no": "x", "encrypt_certificate": certificate}]}).to_string()
}

impl Transport for Platform {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let answer = self.answer(&request);
            self.with(|state| state.calls.push(request));
            Ok(answer)
        })
    }
}

record! {
    /// Asks for an order.
    pub struct Query {
        0 out_trade_no: String => "out_trade_no: must path",
    }
}

built! {
    Query
    new(out_trade_no: impl Into<String>)
}

record! {
    /// An order.
    pub struct Order {
        0 amount: i64 => "amount: must",
        1 payer: Option<String> => "payer: encrypted",
    }
}

const QUERY: EndpointInfo = EndpointInfo {
    id: "pay_v3.test.query",
    method: "GET",
    host: "api.mch.weixin.qq.com",
    path: "/v3/test/{out_trade_no}",
    when: None,
    auth: Auth::Merchant,
    content: Content::None,
    answer: Content::Json,
    retry: Retry::Safe,
    code_field: "code",
    message_field: "message",
    client_cert: false,
    permissions: &[],
};

impl Endpoint for Query {
    type Response = Order;
    const INFO: &'static EndpointInfo = &QUERY;
}

record! {
    /// Pays somebody.
    pub struct Pay {
        0 out_bill_no: String => "out_bill_no: must",
        1 user_name: Option<String> => "user_name: encrypted",
    }
}

built! {
    Pay
    new(out_bill_no: impl Into<String>)
    text(user_name: String)
}

const PAY: EndpointInfo = EndpointInfo {
    id: "pay_v3.test.pay",
    method: "POST",
    path: "/v3/test/pay",
    content: Content::Json,
    retry: Retry::Never,
    ..QUERY
};

impl Endpoint for Pay {
    type Response = Order;
    const INFO: &'static EndpointInfo = &PAY;
}

fn ok() -> Script {
    Script::Signed(200, r#"{"amount":1}"#.to_owned())
}

#[tokio::test]
async fn certificates_download_themselves_once() {
    let platform = Platform::new([ok(), ok(), ok()]);
    let client = platform.client(platform.merchant());
    assert_eq!(client.send(Query::new("A|B")).await.unwrap().amount, 1);
    assert_eq!(client.send(Query::new("T2")).await.unwrap().amount, 1);
    assert_eq!(platform.with(|state| state.downloads), 1);
    platform.with(|state| state.clock.advance(REFRESH.as_secs() as i64));
    client.send(Query::new("T3")).await.unwrap();
    assert_eq!(platform.with(|state| state.downloads), 2);
    let url = platform.with(|state| state.calls[1].url.clone());
    assert!(url.ends_with("/v3/test/A%7CB"), "{url}");
}

#[tokio::test]
async fn an_answer_without_a_body_is_verified_too() {
    let platform = Platform::new([
        Script::Signed(204, String::new()),
        Script::Bare(204, String::new()),
    ]);
    let client = platform.client(platform.merchant());
    client.send(Pay::new("T1")).await.unwrap();
    let error = client.send(Pay::new("T2")).await.unwrap_err();
    assert!(matches!(
        error,
        Error::Signature {
            source: VerifyError::Missing(_),
            endpoint: "pay_v3.test.pay"
        }
    ));
}

#[tokio::test]
async fn what_is_not_proved_is_not_believed() {
    let platform = Platform::new([Script::Forged, Script::Probe, ok(), Script::Forged]);
    let client = platform.client(platform.merchant());
    // A question may be repeated; a forged answer and a probe are no answers.
    let error = client.send(Query::new("T1")).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Signature {
                source: VerifyError::Probe,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(client.send(Query::new("T1")).await.unwrap().amount, 1);
    // A payment is not repeated: it may have had an effect.
    let error = client.send(Pay::new("T2")).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Signature {
                source: VerifyError::Mismatch,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn failures_keep_their_code_and_a_strangers_page_is_no_bad_signature() {
    let failure = r#"{"code":"ORDER_NOT_EXIST","message":"订单不存在"}"#;
    let page = || Script::Bare(502, "<html>bad gateway</html>".to_owned());
    let platform = Platform::new([Script::Signed(404, failure.to_owned()), page(), page()]);
    let client = platform.client(platform.merchant());
    let error = client.send(Query::new("T1")).await.unwrap_err();
    assert_eq!(error.api().unwrap().code.to_string(), "ORDER_NOT_EXIST");
    let error = client.send(Query::new("T1")).await.unwrap_err();
    assert!(matches!(error, Error::Transport { .. }), "{error}");
}

#[tokio::test]
async fn a_public_key_is_named_in_every_request() {
    let platform = Platform::new([Script::SignedWithPublicKey(
        200,
        r#"{"amount":1}"#.to_owned(),
    )]);
    let id = platform.text("constants", "wechatpay_public_key_id");
    let pem = platform.text("keys", "wechatpay_public_key");
    let client = platform.client(platform.merchant().with_public_key(&id, &pem).unwrap());
    client.send(Query::new("T1")).await.unwrap();
    assert_eq!(platform.with(|state| state.downloads), 0);
    let named = platform.with(|state| state.calls[0].headers["wechatpay-serial"].clone());
    assert_eq!(named, *id);
}

#[tokio::test]
async fn an_unknown_serial_leads_to_one_download_a_minute() {
    let answer = || Script::SignedWithPublicKey(200, r#"{"amount":1}"#.to_owned());
    let platform = Platform::new([ok(), answer(), answer(), answer()]);
    let client = platform.client(platform.merchant());
    client.send(Query::new("T1")).await.unwrap();
    platform.with(|state| state.clock.advance(61));
    let error = client.send(Query::new("T2")).await.unwrap_err();
    assert!(matches!(
        error,
        Error::Signature {
            source: VerifyError::UnknownKey { .. },
            ..
        }
    ));
    assert_eq!(platform.with(|state| state.downloads), 2);
}

#[tokio::test]
async fn marked_fields_travel_encrypted_both_ways() {
    let own = vectors()["keys"]["merchant_rsa_private_key"]
        .as_str()
        .unwrap()
        .to_owned();
    let sealed = PrivateKey::from_pem(&own)
        .unwrap()
        .public_key()
        .encrypt("阿萍")
        .unwrap();
    let body = json!({"amount": 1, "payer": sealed}).to_string();
    let platform = Platform::new([Script::Signed(200, body)]);
    let client = platform.client(platform.merchant());
    let order = client.send(Pay::new("T1").user_name("小林")).await.unwrap();
    assert_eq!(order.payer.as_deref(), Some("阿萍"));
    let sent = platform.with(|state| state.calls.last().unwrap().clone());
    assert_eq!(
        sent.headers["wechatpay-serial"],
        *platform.text("constants", "platform_serial_no")
    );
    let body: Value = serde_json::from_slice(&sent.body.concat()).unwrap();
    let key = PrivateKey::from_pem(&platform.text("keys", "platform_rsa_private_key")).unwrap();
    assert_eq!(
        key.decrypt(body["user_name"].as_str().unwrap()).unwrap(),
        "小林"
    );
    assert_eq!(body["out_bill_no"], "T1");
}

#[tokio::test]
async fn calls_need_the_credential_of_their_generation() {
    let platform = Platform::new([]);
    let client = platform.client(MerchantV2::new("1900000109", KEY_V2));
    let error = client.send(Query::new("T1")).await.unwrap_err();
    assert!(matches!(error, Error::Credential { .. }), "{error}");
    let bare = Client::builder("wx0")
        .transport(platform.clone())
        .build()
        .unwrap();
    let error = bare.send(Query::new("T1")).await.unwrap_err();
    assert!(matches!(error, Error::Credential { .. }), "{error}");
    let shown = format!("{client:?}{:?}", platform.merchant());
    assert!(
        !shown.contains("OnlyApi") && !shown.contains("MII"),
        "{shown}"
    );
}

/// A platform of the second generation: answers XML, once each.
#[derive(Debug, Clone)]
struct Old(Arc<Mutex<(VecDeque<String>, Vec<Outgoing>)>>);

impl Transport for Old {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let mut state = self.0.lock().unwrap();
        state.1.push(request);
        let body = state.0.pop_front().expect("a scripted answer");
        let headers = HeaderMap::new();
        Box::pin(async move {
            Ok(Incoming {
                status: 200,
                headers,
                body: body.into(),
            })
        })
    }
}

record! {
    /// Asks for an order.
    pub struct OldQuery {
        0 mch_id: String => "mch_id: must",
        1 nonce_str: String => "nonce_str: must",
        2 sign: String => "sign: must",
        3 out_trade_no: String => "out_trade_no: must",
    }
}

built! {
    OldQuery
    new(mch_id: impl Into<String>, nonce_str: impl Into<String>, sign: impl Into<String>, out_trade_no: impl Into<String>)
}

const OLD: EndpointInfo = EndpointInfo {
    id: "pay_v2.pay.order_query",
    method: "POST",
    path: "/pay/orderquery",
    content: Content::Xml,
    answer: Content::Xml,
    code_field: "err_code",
    message_field: "err_code_des",
    ..QUERY
};

record! {
    /// An order.
    pub struct OldOrder {
        0 trade_state: String => "trade_state: must",
    }
}

impl Endpoint for OldQuery {
    type Response = OldOrder;
    const INFO: &'static EndpointInfo = &OLD;
}

fn old_answer(params: &[(&str, &str)]) -> String {
    let sign = pay_v2::sign(
        params.iter().copied(),
        &ApiV2Key::new(KEY_V2),
        SignType::Md5,
    );
    let inner: Vec<String> = params
        .iter()
        .chain([&("sign", &*sign)])
        .map(|(name, value)| format!("<{name}><![CDATA[{value}]]></{name}>"))
        .collect();
    format!("<xml>{}</xml>", inner.concat())
}

#[tokio::test]
async fn the_second_generation_is_signed_and_verified() {
    let good = [
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("trade_state", "NOTPAY"),
    ];
    let failed = [
        ("return_code", "SUCCESS"),
        ("result_code", "FAIL"),
        ("err_code", "ORDERNOTEXIST"),
        ("err_code_des", "此交易订单号不存在"),
    ];
    let answers = [
        old_answer(&good),
        old_answer(&good).replace("NOTPAY", "SUCCESS"),
        old_answer(&failed),
        "<xml><return_code>FAIL</return_code><return_msg>签名失败</return_msg></xml>".to_owned(),
    ];
    let platform = Old(Arc::new(Mutex::new((answers.into(), Vec::new()))));
    let client = Client::builder("1900000109")
        .merchant(MerchantV2::new("1900000109", KEY_V2))
        .transport(platform.clone())
        .policy(Policy {
            attempts: 1,
            ..Policy::default()
        })
        .build()
        .unwrap();
    let ask = || OldQuery::new("", "", "", "T&1");
    assert_eq!(client.send(ask()).await.unwrap().trade_state, "NOTPAY");
    let forged = client.send(ask()).await.unwrap_err();
    assert!(
        matches!(
            forged,
            Error::Signature {
                source: VerifyError::Mismatch,
                ..
            }
        ),
        "{forged}"
    );
    let failed = client.send(ask()).await.unwrap_err();
    assert_eq!(failed.api().unwrap().code.to_string(), "ORDERNOTEXIST");
    let refused = client.send(ask()).await.unwrap_err();
    assert_eq!(&*refused.api().unwrap().message, "签名失败");
    let sent = platform.0.lock().unwrap().1[0].body.concat();
    let document = Document::parse(&sent).unwrap();
    let params: Vec<_> = document
        .root()
        .children()
        .map(|child| (child.name(), child.text()))
        .collect();
    let pairs = params.iter().map(|(name, value)| (*name, &**value));
    let sign = document.root().child_text("sign").unwrap();
    assert!(pay_v2::verify(pairs, &ApiV2Key::new(KEY_V2), SignType::Md5, &sign).is_ok());
    assert_eq!(
        document.root().child_text("mch_id").as_deref(),
        Some("1900000109")
    );
    assert_eq!(
        document.root().child_text("out_trade_no").as_deref(),
        Some("T&1")
    );
}

#[tokio::test]
async fn a_free_call_of_the_second_generation_is_json_in_and_out() {
    let answer = old_answer(&[
        ("return_code", "SUCCESS"),
        ("result_code", "SUCCESS"),
        ("trade_state", "SUCCESS"),
        ("total_fee", "100"),
    ]);
    let failure =
        "<xml><return_code>FAIL</return_code><return_msg>no such order</return_msg></xml>";
    let old = Old(Arc::new(Mutex::new((
        [answer, failure.to_owned()].into(),
        Vec::new(),
    ))));
    let client = Client::builder("1900000109")
        .merchant(MerchantV2::new("1900000109", KEY_V2))
        .transport(old.clone())
        .build()
        .unwrap();
    let query = json!({"appid": "wx1", "out_trade_no": "T1"});
    let endpoint = xinqiao_client::id::pay_v2::pay::ORDER_QUERY;
    let order = client.call(endpoint, query.clone()).await.unwrap();
    assert_eq!(order["trade_state"], "SUCCESS");
    assert_eq!(order["total_fee"], "100");
    let sent = old.0.lock().unwrap().1[0].body.concat();
    let document = Document::parse(&sent).unwrap();
    let text = |name: &str| {
        document
            .root()
            .child_text(name)
            .unwrap_or_default()
            .into_owned()
    };
    assert_eq!(text("mch_id"), "1900000109");
    assert_eq!(text("out_trade_no"), "T1");
    let params: Vec<_> = document
        .root()
        .children()
        .map(|child| (child.name(), child.text().into_owned()))
        .filter(|(name, _)| *name != "sign")
        .collect();
    let pairs = params.iter().map(|(name, value)| (*name, value.as_str()));
    let key = ApiV2Key::new(KEY_V2);
    assert!(pay_v2::verify(pairs, &key, SignType::Md5, &text("sign")).is_ok());

    let error = client.call(endpoint, query).await.unwrap_err();
    assert!(error.to_string().contains("no such order"), "{error}");
}

#[test]
fn settings_after_a_clone_change_the_copy_only() {
    let platform = Platform::new([]);
    let merchant = platform.merchant();
    let kept = merchant.clone();
    let id = platform.text("constants", "wechatpay_public_key_id");
    let pem = platform.text("keys", "wechatpay_public_key");
    let changed = merchant.for_global().with_public_key(&id, &pem).unwrap();
    assert_eq!(changed.platform_keys().public_key_id(), Some(&*id));
    assert_eq!(kept.platform_keys().public_key_id(), None);
    let old = MerchantV2::new("1900000109", KEY_V2);
    let _ = old.clone().with_sign_type(SignType::HmacSha256);
    assert_eq!(old.sign_type(), SignType::Md5);
}
