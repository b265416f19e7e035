//! The merchant's certificate in TLS: who has shown which one is told by the door that ends TLS.

use serde_json::{Value, json};
use xinqiao_catalog::Product;
use xinqiao_crypto::{
    pay_v2::SignType,
    pay_v3::{Certificate, Identity},
};

use crate::shop::Shop;

const ORDER: &str = "T2026020100001";
const REFUND: &str = "/secapi/pay/refund";

/// A refund of an order, which may not be there: whoever is let in hears so. Status and text of the answer.
async fn refund(shop: &Shop, path: &str, tls: Option<&str>) -> (u16, String) {
    let fields = [
        ("out_trade_no", ORDER),
        ("out_refund_no", "R1"),
        ("total_fee", "100"),
        ("refund_fee", "100"),
    ];
    let signed = shop.signed(&fields, SignType::Md5);
    let signed: Vec<(&str, &str)> = { signed.iter() }
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let answer = shop.xml_over(path, &signed, tls).await;
    (answer.status().as_u16(), answer.text().await.unwrap())
}

fn base64(pem: &Value) -> String {
    let certificate = Certificate::from_pem(pem.as_str().unwrap()).unwrap();
    base64_simd::STANDARD.encode_to_string(certificate.der())
}

/// A row of a refund is explained by this rule.
async fn is_told(shop: &Shop, rule: &str) {
    let rows = shop.world.get("/timeline?limit=50").await;
    let mut all = rows["items"].as_array().unwrap().iter();
    let told = all.any(|row| row["call"]["path"] == REFUND && row["diagnosis"]["rule"] == rule);
    assert!(told, "{rule}: {rows}");
}

#[tokio::test]
async fn over_tls_a_refund_wants_the_certificate_of_its_merchant() {
    let shop = Shop::open().await;
    let pass = shop.world.simulator().tls_pass();
    let (status, page) = refund(&shop, REFUND, Some(&pass)).await;
    assert_eq!(status, 400);
    assert!(
        page.contains("<center>No required SSL certificate was sent</center>"),
        "{page}"
    );
    is_told(&shop, "pay.certificate.missing").await;

    let own = format!("{pass} {}", base64(&shop.merchant["certificate"]));
    let (status, answer) = refund(&shop, REFUND, Some(&own)).await;
    assert_eq!(status, 200);
    assert!(answer.contains("ORDERNOTEXIST"), "{answer}");

    let foreign = &shop.merchant["platform_certificate"];
    let foreign = format!("{pass} {}", base64(foreign));
    let (status, page) = refund(&shop, REFUND, Some(&foreign)).await;
    assert_eq!(status, 400);
    assert!(page.contains("The SSL certificate error"), "{page}");
    is_told(&shop, "pay.certificate.foreign").await;

    let other = shop.world.must("POST", "/merchants", json!({})).await;
    let other = format!("{pass} {}", base64(&other["certificate"]));
    let (status, answer) = refund(&shop, REFUND, Some(&other)).await;
    assert_eq!(status, 200);
    assert!(answer.contains("certificate not match"), "{answer}");
    is_told(&shop, "pay.certificate.other").await;

    // What asks for no certificate takes one or none.
    for tls in [&pass, &own, &foreign] {
        let (status, answer) = refund(&shop, "/pay/refundquery", Some(tls)).await;
        assert_eq!(
            (status, answer.contains("REFUNDNOTEXIST")),
            (200, true),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn nobody_without_the_pass_says_that_he_came_over_tls() {
    let shop = Shop::open().await;
    let set = |word: &str| json!({"rules": {"pay.plain_certificate": word}});
    let path = format!("/merchants/{}", shop.mchid);
    shop.world.must("PATCH", &path, set("refused")).await;
    let certificate = base64(&shop.merchant["certificate"]);
    let pass = shop.world.simulator().tls_pass();
    let forged = [
        certificate.clone(),
        format!("{} {certificate}", "0".repeat(64)),
        format!(" {certificate}"),
        format!("{} {certificate}", &pass[..63]),
    ];
    for forged in &forged {
        let (status, page) = refund(&shop, REFUND, Some(forged)).await;
        assert_eq!(status, 400, "{page}");
        assert!(page.contains("No required SSL certificate"), "{page}");
    }
    let own = format!("{pass} {certificate}");
    assert_eq!(refund(&shop, REFUND, Some(&own)).await.0, 200);
    let rows = shop.world.get("/timeline?limit=50").await;
    assert!(!rows.to_string().contains(&pass), "{rows}");

    // Without the switch, it is accepted, and the row says what the platform would want.
    shop.world.must("PATCH", &path, set("accepted")).await;
    let prepay_id = shop.place(ORDER).await;
    let (status, paid) = shop.pay(json!({"prepay_id": prepay_id})).await;
    assert_eq!(status, 200, "{paid}");
    let (_, answer) = refund(&shop, REFUND, None).await;
    assert!(
        answer.contains("<result_code><![CDATA[SUCCESS]]>"),
        "{answer}"
    );
    is_told(&shop, "pay.certificate.plain").await;
}

#[tokio::test]
async fn a_merchants_files_are_downloaded_as_its_console_names_them() {
    let shop = Shop::open().await;
    let files = shop
        .world
        .get(&format!("/merchants/{}/files", shop.mchid))
        .await;
    let url = |name: &str| {
        let control = shop.world.simulator().control();
        format!("{control}/merchants/{}/files/{name}", shop.mchid)
    };
    for name in ["apiclient_cert.pem", "apiclient_key.pem", "pub_key.pem"] {
        let answer = shop.world.client().get(url(name)).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), files[name].as_str().unwrap());
    }
    let both = { shop.world.client().get(url("apiclient_cert.p12")) };
    let both = both.send().await.unwrap();
    let as_file = both.headers()["content-disposition"].clone();
    assert_eq!(as_file, "attachment; filename=\"apiclient_cert.p12\"");
    let both = both.bytes().await.unwrap();
    let told = files["apiclient_cert.p12"].as_str().unwrap();
    assert_eq!(base64_simd::STANDARD.encode_to_string(&both), told);
    let own = Identity::from_pkcs12(&both, &shop.mchid).unwrap();
    assert_eq!(own.certificate().serial(), shop.serial);
    for name in ["apiclient_cert.txt", "..%2Fca.pem"] {
        let missing = shop.world.client().get(url(name)).send().await.unwrap();
        assert_eq!(missing.status().as_u16(), 404, "{name}");
    }
}

#[tokio::test]
async fn every_call_that_wants_a_certificate_is_refused_without_one_and_no_other() {
    let shop = Shop::open().await;
    let simulator = shop.world.simulator();
    let (pass, endpoints) = (simulator.tls_pass(), simulator.endpoints());
    let mut wanting = 0;
    for endpoint in xinqiao_catalog::endpoints(Product::PayV2) {
        let path = endpoint.path;
        let method = reqwest::Method::from_bytes(endpoint.method.name().as_bytes()).unwrap();
        let request = { shop.world.client() }
            .request(method, format!("{}{path}", endpoints[endpoint.host]))
            .header("host", endpoint.host)
            .header(xinqiao_simulator::TLS_HEADER, &pass)
            .body("<xml/>");
        let answer = request.send().await.unwrap().text().await.unwrap();
        let refused = answer.contains("No required SSL certificate was sent");
        assert_eq!(refused, endpoint.client_cert, "{path}: {answer}");
        wanting += usize::from(refused);
    }
    assert!(wanting > 50, "{wanting}");
}
