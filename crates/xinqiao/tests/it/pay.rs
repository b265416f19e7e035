//! The payment helpers, against the vectors and a scripted platform.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use sha1::Digest as _;
use xinqiao::{
    Client, Error, Transport,
    pay_v3::{
        Merchant,
        base::RefundAmount,
        bill_file::{self, Bill, BillError, Ticket, check},
        events::notify::{MarketingBusiFavorCoupon, Refund, Transaction},
        invoke,
        notify::{self, NotifyError},
        pay::{self, partner::transactions as partner},
        refund::domestic,
        refund_policy::{Source, refund},
        types::RefundStatus,
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
    let appid = "wxd678efh567hg6787";
    let payer = pay::CreateJsapiPayerItem::new("o");
    let order = pay::transactions::CreateJsapi::new(
        "1900000109",
        appid,
        "咖啡",
        "T1",
        pay::Amount::new(Fen(1)),
        payer,
    );
    let mut answer = pay::transactions::CreateJsapiResponse::default();
    let none = invoke::jsapi(&client, &order, &answer).await.unwrap_err();
    assert!(none.to_string().contains("no prepay_id"), "{none}");
    "wx2014".clone_into(&mut answer.prepay_id);
    let page = invoke::jsapi(&client, &order, &answer).await.unwrap();
    let vectors = vectors();
    let key = vectors["keys"]["merchant_rsa_private_key"]
        .as_str()
        .unwrap();
    let key = PrivateKey::from_pem(key).unwrap();
    let lines = |package: &str, nonce: &str| {
        format!("wxd678efh567hg6787\n1414561699\n{nonce}\n{package}\n").into_bytes()
    };
    assert_eq!(
        (page.appid.as_str(), &*page.package),
        (appid, "prepay_id=wx2014")
    );
    assert_eq!(
        key.sign(&lines("prepay_id=wx2014", &page.nonce)),
        page.pay_sign
    );
    assert_eq!(page.to_json()["timeStamp"], "1414561699");
    let app = invoke::stored_app(&client, appid, "1900000109", "wx2014")
        .await
        .unwrap();
    assert_eq!(key.sign(&lines("wx2014", &app.nonce)), app.sign);
    assert_eq!(app.to_json()["package"], "Sign=WXPay");
}

/// Account and merchant come from the order: of a service provider's order the sub-merchant's, where it names one.
#[tokio::test]
async fn a_partners_order_says_who_is_paid_where() {
    let (client, _) = client(NOW, []);
    let app = async |sub_appid: Option<&str>| {
        let mut order = partner::CreateApp::new(
            "1900000109",
            "1900000200",
            "wxsp",
            "咖啡",
            "T1",
            pay::Amount::new(Fen(1)),
        );
        order.sub_appid = sub_appid.map(Into::into);
        let mut answer = partner::CreateAppResponse::default();
        "wx2014".clone_into(&mut answer.prepay_id);
        invoke::app(&client, &order, &answer).await.unwrap()
    };
    let with = app(Some("wxsub")).await;
    assert_eq!(
        (with.appid.as_str(), with.partnerid.as_str()),
        ("wxsub", "1900000200")
    );
    let without = app(None).await;
    assert_eq!(
        (without.appid.as_str(), without.partnerid.as_str()),
        ("wxsp", "1900000200")
    );
    let page = async |payer: pay::CreateJsapiPayer| {
        let order = partner::CreateJsapi::new(
            "1900000109",
            "1900000200",
            "wxsp",
            "咖啡",
            "T1",
            pay::Amount::new(Fen(1)),
            payer,
        );
        let order = order.sub_appid("wxsub");
        let mut answer = partner::CreateJsapiResponse::default();
        "wx2014".clone_into(&mut answer.prepay_id);
        invoke::jsapi(&client, &order, &answer).await.unwrap().appid
    };
    let payer = pay::CreateJsapiPayer::new;
    assert_eq!(page(payer().sub_openid("o")).await.as_str(), "wxsub");
    assert_eq!(page(payer().sp_openid("o")).await.as_str(), "wxsp");
}

/// The same in the second generation; it is signed as the order was.
#[test]
fn an_order_of_the_second_generation_says_it_too() {
    use xinqiao::pay_v2::{
        Merchant, invoke,
        pay::{UnifiedOrder, UnifiedOrderResponse},
    };
    let merchant = Merchant::new("1900000109", "xinqiaoTestOnlyApiV2Key000000002");
    let client = xinqiao::pay_v2(merchant.clone()).unwrap();
    let order = |kind: &str| {
        UnifiedOrder::new("", "wxsp", "", "", "咖啡", "T1", Fen(1), "127.0.0.1", kind)
            .sub_mch_id("1900000200")
            .sign_type("HMAC-SHA256")
    };
    let answer = |kind: &str| {
        let mut answer = UnifiedOrderResponse::default();
        "wx2014".clone_into(&mut answer.prepay_id);
        answer.trade_type = kind.into();
        answer
    };
    let app = invoke::app(&client, &order("APP"), &answer("APP")).unwrap();
    assert_eq!(
        (app.get("appid"), app.get("partnerid")),
        (Some("wxsp"), Some("1900000200"))
    );
    assert_eq!(app.get("sign").unwrap().len(), 64);
    let sub = order("APP").sub_appid("wxsub");
    let app = invoke::app(&client, &sub, &answer("APP")).unwrap();
    assert_eq!(app.get("appid"), Some("wxsub"));
    let page = order("JSAPI").sub_appid("wxsub").sub_openid("o");
    let page = invoke::jsapi(&client, &page, &answer("JSAPI")).unwrap();
    assert_eq!(page.get("appId"), Some("wxsub"));
    assert_eq!(page.to_json()["signType"], "HMAC-SHA256");
    let page = invoke::jsapi(&client, &order("JSAPI").openid("o"), &answer("JSAPI")).unwrap();
    assert_eq!(page.get("appId"), Some("wxsp"));
    let wrong = invoke::jsapi(&client, &order("APP"), &answer("APP")).unwrap_err();
    assert!(wrong.to_string().contains("trade_type is APP"), "{wrong}");
    let mut web = answer("MWEB");
    web.mweb_url = Some("https://h/x?a=1".into());
    let url = invoke::h5(&order("MWEB"), &web, Some("https://b/")).unwrap();
    assert_eq!(url, "https://h/x?a=1&redirect_url=https%3A%2F%2Fb%2F");
    let mut code = answer("NATIVE");
    code.code_url = Some("https://evil.example".into());
    assert_eq!(invoke::qr(&order("NATIVE"), &code), None);
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
        let bill = Bill::parse(&plain).unwrap();
        assert_eq!(bill.rows.len() as u64, expected["rows"].as_u64().unwrap());
        let sums = bill.sums.unwrap();
        let count: f64 = sums.values()[0].parse().unwrap();
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

    let rows = async |file: &[u8], size| {
        let (client, _) = self::client(NOW, [Told::File(file.to_vec(), size)]);
        bill_file::rows(&client, &ticket).await?.collect().await
    };
    for (file, size) in [(&plain, 1), (&packed, 3), (&packed, 1 << 20)] {
        assert_eq!(
            rows(file, size).await.unwrap(),
            Bill::parse(&plain).unwrap()
        );
    }
    let mut altered = plain.clone();
    // In a name of goods, so that all rows fit.
    let at = plain.len() - 200;
    altered[at] = b'0' + u8::from(altered[at] == b'0');
    let error = rows(&altered, 100).await.unwrap_err();
    assert!(
        matches!(error, BillError::Hash | BillError::Text(_)),
        "{error}"
    );
}

#[tokio::test]
async fn a_day_without_trade_has_no_bill() {
    use xinqiao::pay_v3::bill::{GetFundFlowBill, GetTradeBill};
    let nothing = || Told::Answer(400, r#"{"code":"NO_STATEMENT_EXIST","message":"x"}"#);
    let refused = Told::Answer(400, r#"{"code":"PARAM_ERROR","message":"x"}"#);
    let (client, _) = client(NOW, [nothing(), nothing(), refused]);
    let day = GetTradeBill::new("2026-02-01");
    assert_eq!(bill_file::ticket(&client, day.clone()).await.unwrap(), None);
    let funds = GetFundFlowBill::new("2026-02-01");
    assert_eq!(bill_file::ticket(&client, funds).await.unwrap(), None);
    assert!(bill_file::ticket(&client, day).await.is_err());
}

const DAY: &str = "交易时间,商户订单号,商品名称,应结订单金额\n`t,`T1,`茶,大杯,`1.50\n\
                   总交易单数,应结订单总金额\n`1,`1.50\n";

/// A client of the second generation to whom a platform answers files, with their headers.
fn second(file: Vec<u8>, headers: &[(&'static str, &str)]) -> (Client, Files) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, HeaderValue::from_str(value).unwrap());
    }
    let files = Files(Arc::new((file, map, Mutex::default())));
    let identity = {
        let vectors = vectors();
        let text = |name: &str| vectors["keys"][name].as_str().unwrap().to_owned();
        xinqiao::pay_v2::Identity::from_pem(
            &text("merchant_rsa_certificate"),
            &text("merchant_rsa_private_key"),
        )
        .unwrap()
    };
    let merchant = xinqiao::pay_v2::Merchant::new("1900000109", "xinqiaoTestOnlyApiV2Key000000002")
        .with_identity(identity);
    let client = Client::builder("wx1")
        .merchant(merchant)
        .transport(files.clone())
        .build()
        .unwrap();
    (client, files)
}

#[derive(Clone)]
struct Files(Arc<(Vec<u8>, HeaderMap, Mutex<String>)>);

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Files")
    }
}

impl Transport for Files {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        let body = String::from_utf8(request.body.concat()).unwrap();
        *self.0.2.lock().unwrap() = body;
        Box::pin(async {
            Ok(Incoming {
                status: 200,
                headers: self.0.1.clone(),
                body: self.0.0.clone().into(),
            })
        })
    }

    fn open(&self, request: Outgoing) -> BoxFuture<'_, Result<Arriving, TransportError>> {
        Box::pin(async move {
            let mut arriving = Arriving::from(self.send(request).await?);
            let pieces = self.0.0.chunks(5).map(|piece| piece.to_vec().into());
            arriving.body = Box::new(Pieces(pieces.collect()));
            Ok(arriving)
        })
    }
}

#[tokio::test]
async fn a_bill_of_the_second_generation_is_read() {
    use xinqiao::pay_v2::{
        bill_file::{self, TradeSums},
        pay::{DownloadBill, DownloadFundFlow},
    };
    let day = || DownloadBill::new("", "wx1", "", "", "20260201");
    let (client, _) = second(DAY.into(), &[]);
    let mut bill = bill_file::rows(&client, day()).await.unwrap();
    let row = bill.next().await.unwrap().unwrap();
    assert_eq!(row.get("商品名称"), Some("茶,大杯"));
    assert_eq!(bill.next().await.unwrap(), None);
    let sums: TradeSums = bill.sums().unwrap().read().unwrap();
    assert_eq!(sums.count, Some(1));

    let nothing = "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[No Bill \
                   Exist]]></return_msg><error_code><![CDATA[20002]]></error_code></xml>";
    let (client, _) = second(nothing.into(), &[("content-type", "text/plain")]);
    let bill = bill_file::rows(&client, day()).await.unwrap();
    assert_eq!(bill.collect().await.unwrap(), Bill::default());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bill.csv");
    let saved = bill_file::save(&client, day(), &path).await.unwrap();
    assert!(saved.is_none() && !path.exists());

    let failed = "<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[invalid \
                  bill_date]]></return_msg><error_code><![CDATA[20001]]></error_code></xml>";
    let (client, _) = second(failed.into(), &[]);
    let error = bill_file::save(&client, day(), &path).await.unwrap_err();
    let BillError::Call(Error::Api(error)) = error else {
        panic!("{error}")
    };
    assert_eq!(error.code.to_string(), "20001");
    assert!(!path.exists());

    let digest = |file: &[u8]| {
        let hash: [u8; 20] = sha1::Sha1::digest(file).into();
        format!("SHA={}", xinqiao_crypto::Hex::<40>::from(hash).as_str())
    };
    let funds = || DownloadFundFlow::new("", "wx1", "", "", "20260201").account_type("Basic");
    let (client, files) = second(DAY.into(), &[("digest", &digest(DAY.as_bytes()))]);
    let saved = bill_file::save(&client, funds(), &path).await.unwrap();
    assert_eq!(saved, Some(DAY.len() as u64));
    let sent = files.0.2.lock().unwrap().clone();
    assert!(sent.contains("HMAC-SHA256"), "only that is taken: {sent}");
    let (client, _) = second(DAY.into(), &[("digest", &digest(b"another file"))]);
    let mut rows = bill_file::rows(&client, funds()).await.unwrap();
    rows.next().await.unwrap();
    assert!(matches!(rows.next().await, Err(BillError::Hash)));
}

#[tokio::test]
async fn a_notice_of_another_kind_is_named() {
    let vectors = vectors();
    let notices = of_kind(&vectors, "v3.notification");
    let valid = notices
        .iter()
        .filter(|vector| vector["expected"]["valid"] == true);
    let mut seen = Vec::new();
    for vector in valid {
        let input = &vector["input"];
        let mut headers = HeaderMap::new();
        for (name, value) in input["headers"].as_object().unwrap() {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.insert(
                name,
                HeaderValue::from_str(value.as_str().unwrap()).unwrap(),
            );
        }
        let body = input["body"].as_str().unwrap().as_bytes();
        let outline = notify::Outline::of(&headers, body).unwrap();
        let (client, _) = client(input["clock_now"].as_i64().unwrap(), []);
        let notice = notify::open(&client, &headers, body).await.unwrap();
        assert_eq!(notice.kind(), outline.kind);
        let (paid, refunded) = (notice.read::<Transaction>(), notice.read::<Refund>());
        let error = match notice.kind() {
            notify::Kind::Payment => paid.map(drop).and(refunded.map(drop)).unwrap_err(),
            notify::Kind::Refund => refunded.map(drop).and(paid.map(drop)).unwrap_err(),
            other => panic!("{other}"),
        };
        let named = format!("this is a {} notice ({})", notice.kind(), notice.event_type);
        assert!(error.to_string().contains(&named), "{error}");
        // Its id runs words together (`marketing_busifavor_coupon`), its type does not.
        let error = notice.read::<MarketingBusiFavorCoupon>().unwrap_err();
        assert!(error.to_string().contains(&named), "{error}");
        seen.push(notice.event_id().unwrap());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, ["pay_v3.notify.refund", "pay_v3.notify.transaction"]);
    let (client, _) = client(NOW, []);
    let second = b"<xml><req_info>AAAA</req_info></xml>";
    let error = notify::open(&client, &HeaderMap::new(), second)
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("a refund notice of APIv2"),
        "{error}"
    );
}

const SHORT: Told = Told::Answer(403, r#"{"code":"NOT_ENOUGH","message":"余额不足"}"#);
const BUSY: Told = Told::Answer(500, r#"{"code":"SYSTEM_ERROR","message":"系统繁忙"}"#);
const DONE: Told = Told::Answer(200, r#"{"refund_id":"5","status":"PROCESSING"}"#);

async fn refunded(told: &[Told], source: Source) -> (Result<RefundStatus, Error>, Vec<Value>) {
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
    assert_eq!(result.unwrap(), RefundStatus::Processing);
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
