use std::collections::BTreeMap;

use axum::Router;
use axum::extract::Request as AxumRequest;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncWriteExt as _;
use tokio_rustls::TlsConnector;
use xinqiao_types::{SeededEntropy, SystemClock};

use super::*;

const HOST: &str = "api.weixin.qq.com";

/// A running proxy in front of an origin that answers with what it was asked.
struct Stage {
    addresses: Addresses,
    authority_pem: String,
    _project: tempfile::TempDir,
    _stop: tokio_util::sync::DropGuard,
}

async fn stage(outside: Outside) -> Stage {
    let origin = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = origin.local_addr().expect("an address");
    let echo = Router::new().fallback(|request: AxumRequest| async move {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
        let host = parts
            .headers
            .get(HOST_HEADER)
            .and_then(|v| v.to_str().ok())
            .unwrap_or("-");
        format!(
            "{} {} {} {}",
            parts.method,
            host,
            parts.uri,
            String::from_utf8_lossy(&body)
        )
    });
    tokio::spawn(async move { axum::serve(origin, echo).await });

    let project = tempfile::tempdir().expect("a folder");
    let hosts = Hosts::parse(&BTreeMap::from([(
        HOST.to_owned(),
        format!("http://{address}"),
    )]))
    .expect("one origin");
    let authority = Authority::open(
        project.path(),
        &hosts.names(),
        Arc::new(SystemClock),
        Arc::new(SeededEntropy::new(1)),
    )
    .expect("an authority");
    let authority_pem = authority.pem().to_owned();
    let stop = CancellationToken::new();
    let addresses = Proxy::new(
        hosts,
        authority,
        Upstream::default(),
        outside,
        Voucher::default(),
    )
    .expect("a proxy")
    .listen(stop.clone())
    .await
    .expect("ports");
    Stage {
        addresses,
        authority_pem,
        _project: project,
        _stop: stop.drop_guard(),
    }
}

const HOST_HEADER: &str = "host";

async fn talk<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    // A peer that closes without a TLS farewell still gave its answer.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn connect(stage: &Stage, target: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(stage.addresses.proxy)
        .await
        .expect("connected");
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    (stream, String::from_utf8_lossy(&head).into_owned())
}

async fn tls(stage: &Stage, stream: TcpStream) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(stage.authority_pem.as_bytes()).expect("a root");
    roots.add(root).expect("a good root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(HOST).expect("a name");
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
        .expect("a trusted leaf")
}

const CALL: &str = "POST /cgi-bin/x?a=%2F&b='| HTTP/1.1\r\nHost: api.weixin.qq.com\r\n\
    Connection: close\r\nContent-Length: 2\r\n\r\nhi";

#[tokio::test]
async fn a_tunnel_to_a_platform_host_ends_at_its_origin() {
    let stage = stage(Outside::Open).await;
    let (stream, head) = connect(&stage, "api.weixin.qq.com:443").await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let answer = talk(&mut tls(&stage, stream).await, CALL).await;
    assert!(
        answer.ends_with("POST api.weixin.qq.com /cgi-bin/x?a=%2F&b='| hi"),
        "{answer}"
    );
}

#[tokio::test]
async fn the_door_reads_the_host_from_the_handshake_or_the_header() {
    let stage = stage(Outside::Open).await;
    let stream = TcpStream::connect(stage.addresses.door)
        .await
        .expect("connected");
    let answer = talk(&mut tls(&stage, stream).await, CALL).await;
    assert!(answer.ends_with(" hi"), "{answer}");
    let mut plain = TcpStream::connect(stage.addresses.door)
        .await
        .expect("connected");
    let answer = talk(&mut plain, CALL).await;
    assert!(answer.ends_with(" hi"), "{answer}");
}

#[tokio::test]
async fn an_absolute_address_of_a_platform_host_ends_at_its_origin() {
    let stage = stage(Outside::Closed).await;
    for scheme in ["http", "https"] {
        let mut stream = TcpStream::connect(stage.addresses.proxy)
            .await
            .expect("connected");
        let request = format!(
            "GET {scheme}://api.weixin.qq.com/a HTTP/1.1\r\nHost: api.weixin.qq.com\r\nConnection: close\r\n\r\n"
        );
        let answer = talk(&mut stream, &request).await;
        assert!(answer.ends_with("GET api.weixin.qq.com /a "), "{answer}");
    }
}

#[tokio::test]
async fn a_platform_host_that_is_not_simulated_is_never_passed_on() {
    let stage = stage(Outside::Open).await;
    let (_, head) = connect(&stage, "api2.weixin.qq.com:443").await;
    assert!(head.starts_with("HTTP/1.1 502"), "{head}");
}

#[tokio::test]
async fn offline_refuses_the_outside_but_not_this_machine() {
    let stage = stage(Outside::Closed).await;
    let (_, head) = connect(&stage, "example.com:443").await;
    assert!(head.starts_with("HTTP/1.1 403"), "{head}");
    let here = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (_, head) = connect(&stage, &here.local_addr().expect("an address").to_string()).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
}

#[tokio::test]
async fn other_hosts_are_tunnelled_byte_for_byte() {
    let stage = stage(Outside::Open).await;
    let other = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let target = other.local_addr().expect("an address").to_string();
    tokio::spawn(async move {
        let (mut stream, _) = other.accept().await.expect("a client");
        let mut bytes = [0; 4];
        stream.read_exact(&mut bytes).await.expect("four bytes");
        bytes.reverse();
        stream.write_all(&bytes).await.expect("sent");
    });
    let (mut stream, head) = connect(&stage, &target).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(talk(&mut stream, "\u{16}\u{3}ab").await, "ba\u{3}\u{16}");
}

#[tokio::test]
async fn a_browser_that_opens_the_proxy_is_told_what_it_is() {
    let stage = stage(Outside::Open).await;
    let mut stream = TcpStream::connect(stage.addresses.proxy)
        .await
        .expect("connected");
    let answer = talk(
        &mut stream,
        "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}
