//! Merchants with the national algorithms (国密), fields of free calls, and cross-border pay.

use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};
use xinqiao_client::{
    Client, Error,
    pay_v3::Merchant,
    transport::{BoxFuture, Incoming, Outgoing, Transport, TransportError},
};
use xinqiao_crypto::pay_v3::{PrivateKey, answer_message};
use xinqiao_types::ManualClock;

/// Inside the validity of the RSA test certificates.
const NOW: i64 = 1_769_904_000;
/// Inside the validity of the SM2 test certificate.
#[cfg(feature = "sm")]
const LATER: i64 = 1_800_000_000;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../xinqiao-crypto/testdata/pay.json")).unwrap()
}

fn text(group: &str, name: &str) -> String {
    vectors()[group][name].as_str().unwrap().to_owned()
}

type Sign = dyn Fn(&[u8]) -> (String, String, &'static str) + Send + Sync;

/// A platform that signs what it was told to answer, and remembers what it was asked.
#[derive(Clone)]
struct Signing {
    now: i64,
    answer: Value,
    /// Signature, serial and scheme.
    sign: Arc<Sign>,
    asked: Arc<Mutex<Vec<Outgoing>>>,
}

impl std::fmt::Debug for Signing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signing")
    }
}

impl Transport for Signing {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        self.asked.lock().unwrap().push(request);
        let body = self.answer.to_string();
        let time = self.now.to_string();
        let (signature, serial, scheme) = (self.sign)(&answer_message(&time, "n", body.as_bytes()));
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("wechatpay-timestamp", time.as_str()),
            ("wechatpay-nonce", "n"),
            ("wechatpay-signature", &signature),
            ("wechatpay-serial", &serial),
            ("wechatpay-signature-type", scheme),
        ] {
            headers.insert(name, HeaderValue::from_str(value).unwrap());
        }
        Box::pin(async move {
            Ok(Incoming {
                status: 200,
                headers,
                body: body.into(),
            })
        })
    }
}

impl Signing {
    fn rsa(answer: Value) -> Self {
        let key = PrivateKey::from_pem(&text("keys", "platform_rsa_private_key")).unwrap();
        let serial = text("constants", "platform_serial_no");
        Self {
            now: NOW,
            answer,
            sign: Arc::new(move |message| (key.sign(message), serial.clone(), "")),
            asked: Arc::default(),
        }
    }

    fn client(&self, merchant: Merchant) -> Client {
        Client::builder("1900000109")
            .merchant(merchant)
            .transport(self.clone())
            .clock(ManualClock::at(self.now))
            .build()
            .unwrap()
    }

    fn last(&self) -> Outgoing {
        self.asked.lock().unwrap().last().cloned().unwrap()
    }
}

fn merchant() -> Merchant {
    Merchant::new(
        "1900000109",
        text("constants", "merchant_serial_no"),
        &text("keys", "merchant_rsa_private_key"),
        text("constants", "api_v3_key"),
    )
    .unwrap()
}

#[tokio::test]
async fn marked_fields_of_free_calls_travel_encrypted_both_ways() {
    let own =
        xinqiao_crypto::pay_v3::PublicKey::from_pem(&text("keys", "merchant_rsa_certificate"));
    let phone = own.unwrap().encrypt("13800000000").unwrap();
    let platform = Signing::rsa(json!({
        "complaint_id": "1", "payer_phone": phone, "complaint_detail": "慢",
    }));
    let certificate = text("keys", "platform_rsa_certificate");
    let client = platform.client(merchant().with_certificate(&certificate).unwrap());
    let transfer = json!({
        "appid": "wx1", "out_bill_no": "B1", "openid": "o1", "user_name": "张三",
        "transfer_amount": 200_000, "transfer_remark": "奖金", "transfer_scene_id": "1000",
    });
    let endpoint = "pay_v3.fund_app.mch_transfer.create_transfer_bill";
    client.call(endpoint, transfer).await.unwrap();
    let sent = platform.last();
    let body: Value = serde_json::from_slice(&sent.body.concat()).unwrap();
    let open = PrivateKey::from_pem(&text("keys", "platform_rsa_private_key")).unwrap();
    assert_eq!(
        open.decrypt(body["user_name"].as_str().unwrap()).unwrap(),
        "张三"
    );
    assert_eq!(body["openid"], "o1");
    assert_eq!(
        sent.headers["wechatpay-serial"],
        text("constants", "platform_serial_no")
    );

    let endpoint = "pay_v3.merchant_service.complaints_v2.get_by_complaint_id";
    let ids = xinqiao_catalog::endpoints(xinqiao_catalog::Product::PayV3);
    let known = ids.iter().find(|known| {
        known
            .response
            .fields
            .iter()
            .any(|field| field.name == "payer_phone" && field.encrypted)
    });
    let endpoint = known.map_or(endpoint, |known| known.id);
    let known = xinqiao_catalog::endpoint(endpoint).unwrap();
    let path = known.path_params.fields.iter();
    let fields: serde_json::Map<_, _> = path
        .map(|field| (field.name.to_owned(), json!("1")))
        .collect();
    let answer = client.call(endpoint, Value::Object(fields)).await.unwrap();
    assert_eq!(answer["payer_phone"], "13800000000");
    assert_eq!(answer["complaint_detail"], "慢");
}

#[tokio::test]
async fn cross_border_pay_downloads_its_certificates_from_its_own_host() {
    let platform = Signing::rsa(json!({"data": []}));
    let client = platform.client(merchant().for_global());
    let error = client.refresh_platform_certificates().await.unwrap_err();
    assert!(matches!(error, Error::Signature { .. }), "{error}");
    let sent = platform.last();
    assert_eq!(
        sent.address(),
        "https://apihk.mch.weixin.qq.com/v3/global/certificates"
    );
    let header = sent.headers["authorization"].to_str().unwrap();
    assert!(
        header.starts_with("WECHATPAY2-SHA256-RSA2048 mchid=\"1900000109\""),
        "{header}"
    );
}

#[cfg(feature = "sm")]
mod sm {
    use xinqiao_crypto::pay_v3::{
        Request, SCHEME_SM2, SmPrivateKey, SmPublicKey, SmResourceKey, VerifyError,
    };
    use xinqiao_types::ApiV3Key;

    use super::*;

    const SERIAL: &str = "5157F09EFDC096DE15EBE81A47057A7232F1B8E2";
    const CERTIFICATE: &str = include_str!("../../../xinqiao-crypto/testdata/platform_sm2.pem");

    fn platform(answer: Value) -> Signing {
        let key = SmPrivateKey::from_pem(&text("keys", "platform_sm2_private_key")).unwrap();
        Signing {
            now: LATER,
            answer,
            sign: Arc::new(move |message| (key.sign(message), SERIAL.to_owned(), SCHEME_SM2)),
            asked: Arc::default(),
        }
    }

    fn merchant() -> Merchant {
        let key = text("keys", "merchant_sm2_private_key");
        let api_v3_key = text("constants", "api_v3_key");
        Merchant::new_sm("1900000109", "ABCD", &key, api_v3_key).unwrap()
    }

    #[tokio::test]
    async fn requests_are_signed_answers_proved_and_fields_encrypted_with_sm2() {
        let own = SmPublicKey::from_pem(&text("keys", "merchant_sm2_public_key")).unwrap();
        let answer = json!({"out_bill_no": "B1", "state": "ACCEPTED"});
        let platform = platform(answer.clone());
        let client = platform.client(merchant().with_sm_certificate(CERTIFICATE).unwrap());
        // Certificates that are at hand are not downloaded before they are due; these were never asked for.
        let endpoint = "pay_v3.fund_app.mch_transfer.create_transfer_bill";
        let transfer = json!({"out_bill_no": "B1", "user_name": "张三"});
        assert_eq!(client.call(endpoint, transfer).await.unwrap(), answer);
        let sent = platform.last();
        let header = sent.headers["authorization"].to_str().unwrap();
        let field = |name: &str| {
            let (_, rest) = header.split_once(&format!("{name}=\"")).unwrap();
            rest.split_once('"').unwrap().0.to_owned()
        };
        assert!(
            header.starts_with("WECHATPAY2-SM2-WITH-SM3 mchid="),
            "{header}"
        );
        let body = sent.body.concat();
        let (timestamp, nonce) = (field("timestamp"), field("nonce_str"));
        let signing = Request {
            method: "POST",
            target: sent.url.split_once(".com").unwrap().1,
            timestamp: timestamp.parse().unwrap(),
            nonce: &nonce,
            body: &body,
        };
        assert!(own.verify(&signing.message(), &field("signature")).is_ok());
        let body: Value = serde_json::from_slice(&body).unwrap();
        let open = SmPrivateKey::from_pem(&text("keys", "platform_sm2_private_key")).unwrap();
        assert_eq!(
            open.decrypt(body["user_name"].as_str().unwrap()).unwrap(),
            "张三"
        );
        assert_eq!(sent.headers["wechatpay-serial"], SERIAL);
    }

    #[tokio::test]
    async fn certificates_are_asked_for_in_both_families() {
        let platform = platform(json!({"data": []}));
        let client = platform.client(merchant());
        let error = client.refresh_platform_certificates().await.unwrap_err();
        let Error::Signature { source, .. } = error else {
            panic!("{error}");
        };
        assert!(matches!(source, VerifyError::UnknownKey { .. }), "{source}");
        assert!(
            platform
                .last()
                .url
                .ends_with("/v3/certificates?algorithm_type=ALL")
        );
    }

    #[test]
    fn resources_of_notices_open_by_the_algorithm_that_they_name() {
        let vectors = vectors();
        let all = vectors["vectors"].as_array().unwrap();
        let vector = all
            .iter()
            .find(|vector| vector["id"] == "sm4-gcm-transaction")
            .unwrap();
        let of = |name: &str| vector["input"][name].as_str().unwrap();
        let key = text("keys", "merchant_rsa_private_key");
        let merchant = Merchant::new("1", "AB", &key, of("api_v3_key")).unwrap();
        let (nonce, data) = (of("nonce"), of("associated_data"));
        let plain = merchant.open(SmResourceKey::ALGORITHM, nonce, data, of("ciphertext"));
        assert_eq!(
            plain.unwrap(),
            vector["expected"]["plaintext"].as_str().unwrap().as_bytes()
        );
        assert!(SmResourceKey::new(&ApiV3Key::new("short")).is_err());
    }
}
