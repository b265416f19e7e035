//! The transport over real connections.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, body::Bytes, http::HeaderMap, routing::post};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use xinqiao_client::{
    Client, Error, FilePart, HttpOptions, Policy, TransportReason, pay_v2, token::StaticToken,
};
use xinqiao_crypto::pay_v3::Identity;
use xinqiao_wire::{Auth, Content, Endpoint, EndpointInfo, Retry, built, record};

async fn serve(router: Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

fn client(address: SocketAddr) -> Client {
    let mut http = HttpOptions::default();
    http.ignore_environment = true;
    http.only_roots = true;
    Client::builder("wx1")
        .tokens(StaticToken::new("80_given"))
        .endpoint("api.weixin.qq.com", format!("http://{address}"))
        .http(http)
        .policy(Policy::NEVER)
        .timeout(Duration::from_millis(500))
        .max_answer(10_000)
        .build()
        .unwrap()
}

#[tokio::test]
async fn an_upload_says_its_length_and_who_it_is() {
    let upload = async |headers: HeaderMap, body: Bytes| {
        let length: usize = headers["content-length"].to_str().unwrap().parse().unwrap();
        assert!(
            !headers.contains_key("transfer-encoding"),
            "41005 without a length"
        );
        assert!(
            headers["user-agent"]
                .to_str()
                .unwrap()
                .starts_with("xinqiao/")
        );
        json!({"errcode": 0, "told": length, "got": body.len()}).to_string()
    };
    let address = serve(Router::new().route("/cgi-bin/media/upload", post(upload))).await;
    let picture = FilePart::new("a.png", b"\x89PNG\r\n\x1a\n0123".to_vec());
    let answer: Value = client(address)
        .call("official_account.media.upload", json!({"type": "image"}))
        .file("media", picture)
        .await
        .unwrap();
    assert!(answer["told"].as_u64().unwrap() > 100);
    assert_eq!(answer["told"], answer["got"]);
}

#[track_caller]
fn reason(error: &Error) -> (TransportReason, bool) {
    match error {
        Error::Transport { reason, sent, .. } => (*reason, *sent),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_platform_that_is_silent_or_gone_or_endless_is_told_apart() {
    let slow = async || tokio::time::sleep(Duration::from_secs(5)).await;
    let endless = async || "x".repeat(20_000);
    let router = Router::new()
        .route("/cgi-bin/menu/create", post(slow))
        .route("/cgi-bin/message/custom/send", post(endless));
    let client_here = client(serve(router).await);
    let error = client_here
        .call("official_account.menu.create", json!({}))
        .await
        .unwrap_err();
    assert_eq!(reason(&error), (TransportReason::Timeout, true));
    let error = client_here
        .call("official_account.message.custom.send", json!({}))
        .await
        .unwrap_err();
    assert_eq!(reason(&error), (TransportReason::TooLarge, true));

    let closed = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap()
    };
    let error = client(closed)
        .call("official_account.menu.create", json!({}))
        .await
        .unwrap_err();
    assert_eq!(reason(&error), (TransportReason::Connect, false));
    let text = format!("{error} {error:?}");
    assert!(!text.contains("80_given"), "no token in errors: {text}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let redirect = async || axum::response::Redirect::temporary("http://127.0.0.1:1/steal");
    let address = serve(Router::new().route("/cgi-bin/menu/create", post(redirect))).await;
    let error = client(address)
        .call("official_account.menu.create", json!({}))
        .await
        .unwrap_err();
    assert_eq!(reason(&error).0, TransportReason::Status(307));
}

/// Reads one request's head and answers it with an acknowledgement.
async fn answer_once(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 27\r\n\
                  connection: close\r\n\r\n{\"errcode\":0,\"errmsg\":\"ok\"}";
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn a_proxy_is_used_when_given() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut http = HttpOptions::default();
    http.proxy = Some(format!("http://{}", listener.local_addr().unwrap()));
    let client = Client::builder("wx1")
        .tokens(StaticToken::new("80_given"))
        .endpoint("api.weixin.qq.com", "http://platform.invalid")
        .http(http)
        .build()
        .unwrap();
    let proxy = tokio::spawn(async move { answer_once(listener.accept().await.unwrap().0).await });
    client
        .call("official_account.menu.get", json!({}))
        .await
        .unwrap();
    let head = proxy.await.unwrap();
    assert!(
        head.starts_with("GET http://platform.invalid/cgi-bin/menu/get?"),
        "{head}"
    );
}

#[tokio::test]
async fn a_root_of_ones_own_is_trusted_and_no_other() {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer_once(stream).await;
            }
        }
    });
    let client = |roots: Vec<Vec<u8>>| {
        let mut http = HttpOptions::default();
        http.ignore_environment = true;
        http.only_roots = true;
        http.roots = roots;
        Client::builder("wx1")
            .tokens(StaticToken::new("80_given"))
            .endpoint("api.weixin.qq.com", format!("https://localhost:{port}"))
            .http(http)
            .policy(Policy::NEVER)
            .build()
            .unwrap()
    };
    let trusting = client(vec![cert.pem().into_bytes()]);
    trusting
        .call("official_account.menu.get", json!({}))
        .await
        .unwrap();
    let error = client(Vec::new())
        .call("official_account.menu.get", json!({}))
        .await
        .unwrap_err();
    assert_eq!(reason(&error), (TransportReason::Connect, false));
}

#[test]
fn options_that_cannot_be_used_are_told() {
    let mut http = HttpOptions::default();
    http.roots = vec![b"-----BEGIN CERTIFICATE-----\nx".to_vec()];
    let error = Client::builder("wx1").http(http).build().unwrap_err();
    assert!(matches!(error, Error::Config(_)), "{error}");
}

record! {
    /// Asks for a refund.
    pub struct OldRefund {
        0 mch_id: String => "mch_id: must",
        1 out_refund_no: String => "out_refund_no: must",
    }
}

built! {
    OldRefund
    new(mch_id: impl Into<String>, out_refund_no: impl Into<String>)
}

record! {
    /// A refund's answer.
    pub struct OldRefundResponse {
        0 refund_id: String => "refund_id",
    }
}

impl Endpoint for OldRefund {
    type Response = OldRefundResponse;
    const INFO: &'static EndpointInfo = &EndpointInfo {
        id: "pay_v2.sec_api.pay.refund",
        method: "POST",
        host: "api.mch.weixin.qq.com",
        path: "/secapi/pay/refund",
        when: None,
        auth: Auth::Merchant,
        content: Content::Xml,
        answer: Content::Xml,
        retry: Retry::Never,
        code_field: "err_code",
        message_field: "err_code_des",
        client_cert: true,
        permissions: &[],
    };
}

/// Inside the validity of the merchant's test certificate, whatever the year.
#[derive(Debug)]
struct Then;

impl rustls::time_provider::TimeProvider for Then {
    fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
        let then = Duration::from_hours(1_769_904_000 / 3600);
        Some(rustls::pki_types::UnixTime::since_unix_epoch(then))
    }
}

#[tokio::test]
async fn a_refund_shows_the_merchants_certificate_to_a_server_that_demands_it() {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../xinqiao-crypto/testdata/pay.json")).unwrap();
    let pem = |name: &str| vectors["keys"][name].as_str().unwrap().to_owned();
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(pem("test_root_ca_certificate").as_bytes());
    roots.add(root.unwrap()).unwrap();
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        std::sync::Arc::new(roots),
        std::sync::Arc::clone(&provider),
    );
    let config = rustls::ServerConfig::builder_with_details(provider, std::sync::Arc::new(Then))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let shown = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = std::sync::Arc::clone(&shown);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            let certificates = stream.get_ref().1.peer_certificates();
            let first = certificates.and_then(|all| all.first());
            seen.lock().unwrap().push(first.map(|der| der.to_vec()));
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let body = "<xml><return_code>FAIL</return_code><return_msg>reached</return_msg></xml>";
            let answer = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.flush().await;
        }
    });
    let merchant = pay_v2::Merchant::new("1900000109", "xinqiaoTestOnlyApiV2Key000000002");
    let client = |merchant: pay_v2::Merchant| {
        let mut http = HttpOptions::default();
        http.ignore_environment = true;
        http.only_roots = true;
        http.roots = vec![cert.pem().into_bytes()];
        Client::builder("1900000109")
            .merchant(merchant)
            .endpoint("api.mch.weixin.qq.com", format!("https://localhost:{port}"))
            .http(http)
            .policy(Policy::NEVER)
            .build()
            .unwrap()
    };
    // Without the certificate nothing leaves, and the remedy is named.
    let error = client(merchant.clone())
        .send(OldRefund::new("", "R1"))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("with_identity"), "{error}");
    assert!(shown.lock().unwrap().is_empty());

    let (certificate, key) = (
        pem("merchant_rsa_certificate"),
        pem("merchant_rsa_private_key"),
    );
    let identity = Identity::from_pem(&certificate, &key).unwrap();
    let own = identity.certificate().der().to_vec();
    let client = client(merchant.with_identity(identity));
    let error = client.send(OldRefund::new("", "R1")).await.unwrap_err();
    assert_eq!(&*error.api().unwrap().message, "reached", "{error}");
    assert_eq!(*shown.lock().unwrap(), [Some(own)]);
}
