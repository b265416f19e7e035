//! The payment interface: key files, notices, bills.

use std::sync::OnceLock;

use http::{HeaderMap, HeaderValue};
use xinqiao_client::{Client, bill::Reader, notice::Outline, pay_v2};
use xinqiao_crypto::pay_v3::{
    Certificate, Identity, PrivateKey, PublicKey, SmCertificate, SmPrivateKey, SmPublicKey,
    answer_message,
};
use xinqiao_pay_v2::notify as notify_v2;
use xinqiao_pay_v3::{
    bill_file::{self, Bill, Fund, FundSums, Ticket, Trade, TradeSums},
    notify as notify_v3,
};

use crate::merchant::{now, shop_at, vector};

/// PEM and DER, of keys and certificates, RSA and SM2.
pub(super) fn key_file(data: &[u8]) {
    let pem = String::from_utf8_lossy(data);
    let _ = (
        PrivateKey::from_pem(&pem).is_ok(),
        PrivateKey::from_der(data).is_ok(),
        PublicKey::from_der(data).is_ok(),
        SmPrivateKey::from_pem(&pem).is_ok(),
        SmPublicKey::from_pem(&pem).is_ok(),
        SmPublicKey::from_der(data).is_ok(),
        SmCertificate::from_pem(&pem).is_ok(),
        SmCertificate::from_der(data).is_ok(),
        Identity::from_pem(&pem, vector("keys", "merchant_rsa_private_key")).is_ok(),
    );
    if let Ok(key) = PublicKey::from_pem(&pem) {
        assert!(key.verify(b"message", "AAAA").is_err());
    }
    for certificate in [Certificate::from_pem(&pem), Certificate::from_der(data)] {
        let Ok(certificate) = certificate else {
            continue;
        };
        let again = Certificate::from_der(certificate.der()).expect("its own bytes");
        assert_eq!(again.serial(), certificate.serial());
        assert_eq!(again.not_after(), certificate.not_after());
    }
}

/// A file of certificate and key.
pub(super) fn pkcs12(data: &[u8]) {
    if let Ok(identity) = Identity::from_pkcs12(data, "1900000109") {
        let pem = identity.to_pem();
        let again = Identity::from_pem(&pem, &pem).expect("its own text");
        assert_eq!(
            again.certificate().serial(),
            identity.certificate().serial()
        );
    }
}

/// A payment's and a refund's notice; and the bytes as what a refund's notice holds.
pub(super) fn notice_v2(data: &[u8]) {
    let merchant = pay_v2::Merchant::new("1900000109", vector("constants", "api_v2_key"));
    let _ = Outline::of(&HeaderMap::new(), data);
    if let Ok(notice) = notify_v2::open(&merchant, data) {
        let _ = (notice.kind(), notice.event_id());
    }
    if let Ok(notice) = notify_v2::payment(&merchant, data) {
        assert_eq!(notice.xml, data);
        assert!(notice.proof.is_some() && notice.text("sign").is_some());
    }
    let _ = notify_v2::refund(&merchant, data).map(|notice| notice.text("refund_status"));
    let sealed = xinqiao_crypto::pay_v2::encrypt_req_info(data, merchant.key());
    let body = format!("<xml><req_info>{sealed}</req_info></xml>");
    if let Ok(notice) = notify_v2::refund(&merchant, body.as_bytes()) {
        assert_eq!(notice.xml, data);
    }
}

const NOW: i64 = 1_769_904_000;

struct Shop {
    client: Client,
    platform: PrivateKey,
}

fn shop() -> &'static Shop {
    static MADE: OnceLock<Shop> = OnceLock::new();
    MADE.get_or_init(|| {
        let platform = vector("keys", "wechatpay_public_key_mode_private_key");
        Shop {
            client: shop_at(NOW),
            platform: PrivateKey::from_pem(platform).expect("a key"),
        }
    })
}

/// Headers in lines, an empty line, a body: as it comes, and signed by the platform.
pub(super) fn notice_v3(data: &[u8]) {
    let (head, body) = match data.windows(2).position(|pair| pair == b"\n\n") {
        Some(end) => (&data[..end], &data[end + 2..]),
        None => (&[][..], data),
    };
    let mut headers = HeaderMap::new();
    for line in head.split(|byte| *byte == b'\n') {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            continue;
        };
        let name = http::HeaderName::from_bytes(&line[..colon]);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(&line[colon + 1..])) {
            headers.insert(name, value);
        }
    }
    let outline = Outline::of(&headers, body);
    let _ = outline.map(|outline| outline.events().len());
    let shop = shop();
    let _ = now(notify_v3::open(&shop.client, &headers, body)).map(|notice| notice.json());
    let time = NOW.to_string();
    let signature = shop.platform.sign(&answer_message(&time, "nonce", body));
    for (name, value) in [
        ("wechatpay-timestamp", &*time),
        ("wechatpay-nonce", "nonce"),
        ("wechatpay-signature", &signature),
        (
            "wechatpay-serial",
            vector("constants", "wechatpay_public_key_id"),
        ),
    ] {
        headers.insert(name, HeaderValue::from_str(value).expect("plain text"));
    }
    headers.remove("wechatpay-signature-type");
    headers.remove("wechatpay-statement-sha1");
    match now(notify_v3::open(&shop.client, &headers, body)) {
        Err(notify_v3::NotifyError::Unproved(error)) => panic!("it is the platform's: {error}"),
        other => drop(other.map(|notice| notice.json())),
    }
}

/// A bill, packed or not, its lines, and where it is.
pub(super) fn bill(data: &[u8]) {
    let ticket = Ticket {
        hash_type: "SHA1".to_owned(),
        hash_value: String::new(),
        download_url: String::new(),
    };
    // A bill that unpacks to more than a fuzzer has patience for is another test's.
    assert!(bill_file::check(data, &ticket).is_err());
    let whole = Bill::parse(data);
    if let Ok(bill) = &whole {
        for row in bill.rows.iter().chain(&bill.sums) {
            assert_eq!(row.values().len(), row.columns().len());
            let _ = (row.read::<Trade>().is_ok(), row.read::<Fund>().is_ok());
            let _ = (
                row.read::<TradeSums>().is_ok(),
                row.read::<FundSums>().is_ok(),
            );
        }
    }
    // However it is cut into pieces, it is the same bill.
    let size = data.first().map_or(1, |first| usize::from(*first) + 1);
    let (mut reader, mut rows) = (Reader::new(), Vec::new());
    let mut pieces = data.chunks(size);
    let cut = loop {
        match reader.next_row() {
            Err(error) => break Err(error),
            Ok(Some(row)) => rows.push(row),
            Ok(None) => match pieces.next() {
                Some(piece) => reader.push(piece),
                None => {
                    reader.finish();
                    match reader.next_row() {
                        Err(error) => break Err(error),
                        Ok(Some(row)) => rows.push(row),
                        Ok(None) => break Ok(()),
                    }
                }
            },
        }
    };
    match (whole, cut) {
        (Ok(bill), Ok(())) => {
            assert_eq!((&bill.rows, bill.sums.as_ref()), (&rows, reader.sums()));
        }
        (Err(_), Err(_)) => {}
        (whole, cut) => panic!("whole: {whole:?}, in pieces of {size}: {cut:?}"),
    }
}
