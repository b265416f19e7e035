//! The payment helpers, against the vectors and a scripted platform.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use xinqiao::{
    Client, Error, Transport,
    pay_v3::{
        Merchant,
        base::RefundAmount,
        bill_file::{self, Bill, BillError, Ticket, check},
        events::notify::Transaction,
        invoke,
        notify::{self, NotifyError},
        refund::domestic,
        refund_policy::{Source, refund},
    },
    transport::{Arriving, BoxFuture, Chunks, Incoming, Outgoing, TransportError},
    types::{Fen, ManualClock},
};
use xinqiao_crypto::pay_v3::{PrivateKey, answer_message};

const NOW: i64 = 1_769_904_000;

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../xinqiao-crypto/testdata/pay.json")).unwrap()
}

fn of_kind<'v>(vectors: &'v Value, kind: &str) -> Vec<&'v Value> {
    let all = vectors["vectors"].as_array().unwrap().iter();
    all.filter(|vector| vector["kind"] == kind).collect()
}

/// Answers what it was told, signed; remembers what was asked.
#[derive(Clone)]
struct Platform(Arc<Mutex<(VecDeque<Told>, Vec<Value>)>>);

#[derive(Clone)]
enum Told {
    Answer(u16, &'static str),
    /// A file, in chunks of this size.
    File(Vec<u8>, usize),
    Lost,
}

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Platform")
    }
}

impl Transport for Platform {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let mut state = self.0.lock().unwrap();
        let body = request.body.concat();
        state
            .1
            .push(serde_json::from_slice(&body).unwrap_or_default());
        let told = state.0.pop_front().expect("a scripted answer");
        Box::pin(async move {
            match told {
                Told::Answer(status, body) => Ok(signed(status, body)),
                Told::File(body, _) => Ok(Incoming {
                    status: 200,
                    headers: HeaderMap::new(),
                    body: body.into(),
                }),
                Told::Lost => Err(TransportError {
                    reason: xinqiao::TransportReason::Timeout,
                    sent: true,
                    source: "lost".into(),
                }),
            }
        })
    }

    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Arriving, TransportError>> {
        let next = self.0.lock().unwrap().0.front().cloned();
        Box::pin(async move {
            let mut arriving = Arriving::from(self.send(request).await?);
            if let Some(Told::File(body, size)) = next {
                let pieces = body.chunks(size).map(|piece| piece.to_vec().into());
                arriving.body = Box::new(Pieces(pieces.collect()));
            }
            Ok(arriving)
        })
    }
}

struct Pieces(VecDeque<bytes::Bytes>);

impl Chunks for Pieces {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<bytes::Bytes>, TransportError>> {
        let piece = self.0.pop_front();
        Box::pin(async { Ok(piece) })
    }
}

fn signed(status: u16, body: &'static str) -> Incoming {
    let vectors = vectors();
    let key = vectors["keys"]["platform_rsa_private_key"]
        .as_str()
        .unwrap();
    let message = answer_message(&NOW.to_string(), "n", body.as_bytes());
    let signature = PrivateKey::from_pem(key).unwrap().sign(&message);
    let serial = vectors["constants"]["platform_serial_no"].as_str().unwrap();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("wechatpay-timestamp", &*NOW.to_string()),
        ("wechatpay-nonce", "n"),
        ("wechatpay-signature", &signature),
        ("wechatpay-serial", serial),
    ] {
        headers.insert(name, HeaderValue::from_str(value).unwrap());
    }
    Incoming {
        status,
        headers,
        body: body.into(),
    }
}

fn client(now: i64, told: impl IntoIterator<Item = Told>) -> (Client, Platform) {
    let vectors = vectors();
    let text = |group: &str, name: &str| vectors[group][name].as_str().unwrap().to_owned();
    let merchant = Merchant::new(
        "1900000109",
        text("constants", "merchant_serial_no"),
        &text("keys", "merchant_rsa_private_key"),
        text("constants", "api_v3_key"),
    )
    .unwrap()
    .with_certificate(&text("keys", "platform_rsa_certificate"))
    .unwrap()
    .with_public_key(
        text("constants", "wechatpay_public_key_id"),
        &text("keys", "wechatpay_public_key"),
    )
    .unwrap();
    let platform = Platform(Arc::new(Mutex::new((
        told.into_iter().collect(),
        Vec::new(),
    ))));
    let client = Client::builder("1900000109")
        .merchant(merchant)
        .transport(platform.clone())
        .clock(ManualClock::at(now))
        .build()
        .unwrap();
    (client, platform)
}

#[tokio::test]
async fn notices_are_verified_then_opened() {
    let vectors = vectors();
    let notices = of_kind(&vectors, "v3.notification");
    assert_eq!(notices.len(), 5);
    for vector in notices {
        let (input, expected) = (&vector["input"], &vector["expected"]);
        let (client, _) = client(input["clock_now"].as_i64().unwrap(), []);
        let mut headers = HeaderMap::new();
        for (name, value) in input["headers"].as_object().unwrap() {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(
                name,
                HeaderValue::from_str(value.as_str().unwrap()).unwrap(),
            );
        }
        let body = input["body"].as_str().unwrap().as_bytes();
        let found = notify::open(&client, &headers, body).await;
        if expected["valid"] == true {
            let notice = found.unwrap();
            assert_eq!(notice.event_type, expected["event_type"]);
            assert_eq!(
                notice.resource,
                expected["plaintext"].as_str().unwrap().as_bytes()
            );
            if notice.original_type == "transaction" {
                let order: Transaction = notice.read().unwrap();
                assert_eq!(order.out_trade_no, "T2026020100001");
            }
            let changed = [body, b" "].concat();
            assert!(notify::open(&client, &headers, &changed).await.is_err());
        } else {
            let error = found.unwrap_err();
            assert_eq!(error.status(), 401);
            let probe = expected["reason"] == "probe";
            assert_eq!(error == NotifyError::Probe, probe, "{error}");
        }
    }
}

#[tokio::test]
async fn the_page_and_the_app_get_what_they_sign_differently() {
    let (client, _) = client(1_414_561_699, []);
    let page = invoke::jsapi(&client, "wxd678efh567hg6787", "wx2014")
        .await
        .unwrap();
    let vectors = vectors();
    let key = vectors["keys"]["merchant_rsa_private_key"]
        .as_str()
        .unwrap();
    let key = PrivateKey::from_pem(key).unwrap();
    let lines = |package: &str, nonce: &str| {
        format!("wxd678efh567hg6787\n1414561699\n{nonce}\n{package}\n").into_bytes()
    };
    assert_eq!(page.package, "prepay_id=wx2014");
    assert_eq!(
        key.sign(&lines("prepay_id=wx2014", &page.nonce)),
        page.pay_sign
    );
    assert_eq!(page.to_json()["timeStamp"], "1414561699");
    let app = invoke::app(&client, "wxd678efh567hg6787", "1900000109", "wx2014")
        .await
        .unwrap();
    assert_eq!(key.sign(&lines("wx2014", &app.nonce)), app.sign);
    assert_eq!(app.to_json()["package"], "Sign=WXPay");
}

#[test]
fn bills_are_checked_and_read() {
    let vectors = vectors();
    let bills = of_kind(&vectors, "v3.bill");
    assert_eq!(bills.len(), 2);
    for vector in bills {
        let (input, expected) = (&vector["input"], &vector["expected"]);
        let ticket = Ticket {
            hash_type: expected["hash_type"].as_str().unwrap().to_owned(),
            hash_value: expected["hash_value"].as_str().unwrap().to_owned(),
            download_url: String::new(),
        };
        let bytes = |name: &str| {
            input[name]
                .as_str()
                .map(|text| xinqiao_crypto::decode_base64(text.as_bytes()).unwrap())
        };
        let plain = bytes("plain_base64").unwrap();
        assert_eq!(check(&plain, &ticket).unwrap(), plain);
        if let Some(packed) = bytes("gzip_base64") {
            assert_eq!(check(&packed, &ticket).unwrap(), plain);
        }
        assert!(matches!(check(&plain[1..], &ticket), Err(BillError::Hash)));
        let bill = Bill::parse(std::str::from_utf8(&plain).unwrap());
        assert_eq!(bill.rows.len() as u64, expected["rows"].as_u64().unwrap());
        assert!(bill.rows.iter().all(|row| row.len() == bill.columns.len()));
        assert_eq!(bill.summary.len(), bill.summary_columns.len());
        let count: f64 = bill.summary[0].parse().unwrap();
        assert_eq!(Some(count), expected["summary"]["count"].as_f64());
    }
}

#[tokio::test]
async fn a_bill_is_saved_only_if_it_is_the_one_that_was_promised() {
    let vectors = vectors();
    let vector = of_kind(&vectors, "v3.bill")[0];
    let (input, expected) = (&vector["input"], &vector["expected"]);
    let bytes = |name: &str| {
        let text = input[name].as_str().unwrap();
        xinqiao_crypto::decode_base64(text.as_bytes()).unwrap()
    };
    let ticket = Ticket {
        hash_type: "SHA1".to_owned(),
        hash_value: expected["hash_value"].as_str().unwrap().to_owned(),
        download_url: "https://api.mch.weixin.qq.com/v3/billdownload/file?token=T".to_owned(),
    };
    let (plain, packed) = (bytes("plain_base64"), bytes("gzip_base64"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bill.csv");
    let save = async |file: &[u8], size| {
        let (client, _) = client(NOW, [Told::File(file.to_vec(), size)]);
        bill_file::save(&client, &ticket, &path).await
    };
    for (file, size) in [(&plain, 7), (&packed, 1), (&packed, 1 << 20)] {
        assert_eq!(save(file, size).await.unwrap(), plain.len() as u64);
        assert_eq!(std::fs::read(&path).unwrap(), plain);
        std::fs::remove_file(&path).unwrap();
    }
    let mut altered = plain.clone();
    altered[40] ^= 1;
    let mut broken = packed.clone();
    broken[60] ^= 1;
    let cut = |file: &[u8]| file[..file.len() - 9].to_vec();
    for file in [
        altered,
        broken,
        cut(&plain),
        cut(&packed),
        Vec::new(),
        vec![0x1f],
    ] {
        let error = save(&file, 100).await.unwrap_err();
        assert!(
            matches!(error, BillError::Hash | BillError::Packed(_)),
            "{error}"
        );
        let left = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(left, 0, "nothing that looks good stays");
    }
    let (client, _) = client(
        NOW,
        [Told::Answer(
            400,
            r#"{"code":"NO_STATEMENT_EXIST","message":"x"}"#,
        )],
    );
    let error = bill_file::save(&client, &ticket, &path).await.unwrap_err();
    assert!(matches!(error, BillError::Call(Error::Api(_))), "{error}");
}

const SHORT: Told = Told::Answer(403, r#"{"code":"NOT_ENOUGH","message":"余额不足"}"#);
const BUSY: Told = Told::Answer(500, r#"{"code":"SYSTEM_ERROR","message":"系统繁忙"}"#);
const DONE: Told = Told::Answer(200, r#"{"refund_id":"5","status":"PROCESSING"}"#);

async fn refunded(told: &[Told], source: Source) -> (Result<String, Error>, Vec<Value>) {
    let (client, platform) = client(NOW, told.iter().cloned());
    let amount = RefundAmount::new(Fen(100), Fen(40), "CNY");
    let request = domestic::Create::new("R1", amount).out_trade_no("T1");
    let result = refund(&client, request, source)
        .await
        .map(|answer| answer.status);
    let asked = std::mem::take(&mut platform.0.lock().unwrap().1);
    (result, asked)
}

#[tokio::test]
async fn a_short_refund_moves_to_the_balance_only_if_asked_to() {
    let (result, asked) = refunded(&[SHORT, DONE], Source::UnsettledThenAvailable).await;
    assert_eq!(result.unwrap(), "PROCESSING");
    assert_eq!(asked[0]["out_refund_no"], asked[1]["out_refund_no"]);
    assert_eq!(asked[0].get("funds_account"), None);
    assert_eq!(asked[1]["funds_account"], "AVAILABLE");

    let (result, asked) = refunded(&[SHORT], Source::Platform).await;
    assert_eq!(result.unwrap_err().api().unwrap().status, 403);
    assert_eq!(asked.len(), 1);
}

#[tokio::test]
async fn a_refund_of_unknown_outcome_never_changes_its_money() {
    for told in [Told::Lost, BUSY] {
        let (result, asked) = refunded(&[told], Source::UnsettledThenAvailable).await;
        assert!(result.is_err());
        assert_eq!(asked.len(), 1);
    }
    // Short in the balance too: no third attempt.
    let (result, asked) = refunded(&[SHORT, SHORT], Source::UnsettledThenAvailable).await;
    assert!(result.is_err());
    assert_eq!(asked.len(), 2);
}
