//! The port of `--tls`, and what `exec` says of TLS to the simulator.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use serde_json::Value;
use xinqiao_crypto::pay_v2::{SignType, sign};
use xinqiao_types::ApiV2Key;

use crate::process::{Running, folder, installed, run, stderr, stdout};

const PAY: &str = "api.mch.weixin.qq.com";

/// A client that trusts the authority of the ready file and nothing else.
fn client(dev: &Running, shows: Option<&Value>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(dev.text("/tls/ca")).expect("the authority");
    roots.add(ca).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let Some(files) = shows else {
        return config.with_no_client_auth();
    };
    let file = |name: &str| files[name].as_str().expect("a file").as_bytes().to_vec();
    let certificate = CertificateDer::from_pem_slice(&file("apiclient_cert.pem"));
    let key = PrivateKeyDer::from_pem_slice(&file("apiclient_key.pem"));
    config
        .with_client_auth_cert(
            vec![certificate.expect("a certificate")],
            key.expect("a key"),
        )
        .expect("a pair")
}

/// A request over TLS to a host of the platform: the whole answer.
fn ask(dev: &Running, config: ClientConfig, host: &str, request: &str) -> String {
    let name = ServerName::try_from(host.to_owned()).expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    let stream = TcpStream::connect(dev.text("/tls/address")).expect("connected");
    let mut stream = StreamOwned::new(connection, stream);
    stream.write_all(request.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    // A peer that closes without a farewell still gave its answer.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn merchant(dev: &Running) -> (Value, Value) {
    let (_, merchants) = dev.control("GET", "/merchants", None);
    let merchant = merchants["items"][0].clone();
    let path = format!("/merchants/{}/files", text(&merchant["mchid"]));
    (merchant, dev.control("GET", &path, None).1)
}

/// The signed body of a refund of an order that is not there.
fn refund(merchant: &Value) -> String {
    let mut fields = vec![
        ("appid", text(&merchant["appids"][0])),
        ("mch_id", text(&merchant["mchid"])),
        ("nonce_str", "ibuaiVcKdpRxkhJA".to_owned()),
        ("out_trade_no", "T2026020100001".to_owned()),
        ("out_refund_no", "R1".to_owned()),
        ("total_fee", "100".to_owned()),
        ("refund_fee", "100".to_owned()),
    ];
    let key = ApiV2Key::new(text(&merchant["api_v2_key"]));
    let pairs = fields.iter().map(|(name, value)| (*name, value.as_str()));
    let sign = sign(pairs, &key, SignType::Md5);
    fields.push(("sign", sign));
    let elements = fields
        .iter()
        .map(|(name, value)| format!("<{name}>{value}</{name}>"));
    format!("<xml>{}</xml>", elements.collect::<String>())
}

fn post(merchant: &Value, host: &str, more: &str) -> String {
    let body = refund(merchant);
    format!(
        "POST /secapi/pay/refund HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[test]
fn one_port_is_every_host_and_a_refund_shows_the_merchants_certificate() {
    let folder = folder();
    let dev = Running::start(
        folder.path(),
        &["sim", "--memory", "--seeded", "--tls", "0"],
    );
    assert!(dev.text("/tls/address").starts_with("127.0.0.1:"));
    let account = &dev.ready["accounts"][0];
    let token = format!(
        "GET /cgi-bin/token?grant_type=client_credential&appid={}&secret={} HTTP/1.1\r\n\
         Host: api.weixin.qq.com:8443\r\nConnection: close\r\n\r\n",
        account["appid"].as_str().unwrap(),
        account["secret"].as_str().unwrap()
    );
    let answer = ask(&dev, client(&dev, None), "api.weixin.qq.com", &token);
    assert!(answer.contains("access_token"), "{answer}");
    // Who names no host in the handshake gets a leaf for all of them.
    let mut silent = client(&dev, None);
    silent.enable_sni = false;
    let answer = ask(&dev, silent, "api.weixin.qq.com", &token);
    assert!(answer.contains("access_token"), "{answer}");

    let (merchant, files) = merchant(&dev);
    let asked = post(&merchant, PAY, "");
    let without = ask(&dev, client(&dev, None), PAY, &asked);
    assert!(without.starts_with("HTTP/1.1 400"), "{without}");
    assert!(
        without.contains("No required SSL certificate was sent"),
        "{without}"
    );
    let with = ask(&dev, client(&dev, Some(&files)), PAY, &asked);
    assert!(with.contains("ORDERNOTEXIST"), "{with}");

    // A header of one's own says nothing, neither here nor at the plain port.
    let pass = dev.text("/tls_pass");
    let forged = post(&merchant, PAY, &format!("x-xinqiao-tls: {pass} AAAA\r\n"));
    let forged = ask(&dev, client(&dev, None), PAY, &forged);
    assert!(forged.contains("No required SSL"), "{forged}");
    let (_, rows) = dev.control("GET", "/timeline?limit=100", None);
    assert!(!rows.to_string().contains(&pass), "{rows}");
}

#[test]
fn the_seeded_merchants_file_is_used_by_curl_through_exec() {
    if !installed("curl", &["--version"]) {
        return;
    }
    let folder = folder();
    let dev = Running::start(folder.path(), &["sim", "--memory", "--seeded"]);
    let (merchant, files) = merchant(&dev);
    for name in ["apiclient_cert.pem", "apiclient_key.pem"] {
        std::fs::write(folder.path().join(name), files[name].as_str().unwrap()).unwrap();
    }
    std::fs::write(folder.path().join("refund.xml"), refund(&merchant)).unwrap();
    let call = |more: &str| {
        let curl =
            format!("curl -sS {more} https://{PAY}/secapi/pay/refund --data-binary @refund.xml");
        let output = run(folder.path(), &["exec", "--", "sh", "-c", &curl]);
        format!("{}{}", stdout(&output), stderr(&output))
    };
    let without = call("");
    assert!(without.contains("No required SSL"), "{without}");
    let with = call("--cert apiclient_cert.pem --key apiclient_key.pem");
    assert!(with.contains("ORDERNOTEXIST"), "{with}");
    let pass = dev.text("/tls_pass");
    let forged = call(&format!("-H 'X-Xinqiao-Tls: {pass} AAAA'"));
    assert!(forged.contains("No required SSL"), "{forged}");

    // The file with both, as it is downloaded.
    let mchid = merchant["mchid"].as_str().unwrap();
    let download = format!(
        "curl -sS --noproxy '*' -o both.p12 {}/merchants/{mchid}/files/apiclient_cert.p12",
        dev.text("/control")
    );
    let output = run(folder.path(), &["exec", "--", "sh", "-c", &download]);
    assert!(output.status.success(), "{}", stderr(&output));
    let both = call(&format!("--cert-type P12 --cert both.p12:{mchid}"));
    if both.contains("ORDERNOTEXIST") {
        return;
    }
    // Not every curl reads such files.
    assert!(both.contains("not supported"), "{both}");
    eprintln!("SKIP: this curl takes no .p12 file");
}

#[test]
fn env_says_how_to_use_the_port() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["sim", "--memory", "--tls", "0"]);
    let said = stdout(&run(folder.path(), &["env", "--tls"]));
    for part in [
        "\n127.0.0.1 ",
        "api.mch.weixin.qq.com",
        "NODE_EXTRA_CA_CERTS=",
        "keytool -importcert",
        &dev.text("/tls/ca"),
        &dev.text("/tls/address"),
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let shell = stdout(&run(folder.path(), &["env"]));
    assert!(shell.contains("export XINQIAO_TLS=127.0.0.1:"), "{shell}");
    drop(dev);
    let _dev = Running::start(folder.path(), &["sim", "--memory"]);
    let none = run(folder.path(), &["env", "--tls"]);
    assert_eq!(none.status.code(), Some(2));
    assert!(stderr(&none).contains("--tls 8443"), "{}", stderr(&none));
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = run(
        folder.path(),
        &["sim", "--memory", "--port", "0", "--tls", &port],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("--tls"), "{}", stderr(&output));
    assert!(stderr(&output).contains(&port), "{}", stderr(&output));
}
