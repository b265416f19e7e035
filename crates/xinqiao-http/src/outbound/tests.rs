use axum::{Router, routing::any};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::{listen::listen, serve::serve};

fn get(url: &str, timeout: u64) -> OutboundRequest {
    OutboundRequest {
        method: Method::GET,
        url: url.to_owned(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        timeout: Duration::from_millis(timeout),
        max_response: 100,
    }
}

async fn server(router: Router) -> (String, CancellationToken) {
    let listener = listen(IpAddr::from([127, 0, 0, 1]), 0).await.unwrap();
    let origin = listener.origin();
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, router, stop.clone()));
    (origin, stop)
}

#[tokio::test]
async fn only_listed_addresses_are_called() {
    let outbound = Outbound::new(CidrList::loopback());
    let error = outbound
        .send(get("http://10.1.2.3/x", 1000))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("--callback-allow"), "{error}");
    let error = outbound
        .send(get("https://127.0.0.1/x", 1000))
        .await
        .unwrap_err();
    assert!(matches!(error, OutboundError::Https { .. }));
}

#[tokio::test]
async fn refused_late_and_large_are_told_apart() {
    let outbound = Outbound::new(CidrList::loopback());
    let closed = listen(IpAddr::from([127, 0, 0, 1]), 0).await.unwrap();
    let nowhere = closed.origin();
    drop(closed);
    let error = outbound.send(get(&nowhere, 1000)).await.unwrap_err();
    assert!(matches!(error, OutboundError::Refused { .. }), "{error:?}");
    let router = Router::new()
        .route("/slow", any(std::future::pending::<&'static str>))
        .route("/large", any(|| async { "x".repeat(101) }))
        .route(
            "/moved",
            any(|| async { axum::response::Redirect::to("/large") }),
        );
    let (origin, stop) = server(router).await;
    let error = outbound
        .send(get(&format!("{origin}/slow"), 30))
        .await
        .unwrap_err();
    assert_eq!(error, OutboundError::Timeout { milliseconds: 30 });
    let error = outbound
        .send(get(&format!("{origin}/large"), 1000))
        .await
        .unwrap_err();
    assert_eq!(error, OutboundError::TooLarge { limit: 100 });
    let answer = outbound
        .send(get(&format!("{origin}/moved"), 1000))
        .await
        .unwrap();
    assert_eq!(answer.status, 303, "a redirect is an answer, not followed");
    stop.cancel();
}

// ---- nobody reaches what is not on the list (SSRF)

/// Names, and where they point: the first time, the second …; the last answer is repeated.
#[derive(Debug, Default)]
struct Names(std::sync::Mutex<std::collections::HashMap<String, Vec<Vec<IpAddr>>>>);

impl Names {
    fn with(self, name: &str, answers: &[&[&str]]) -> Self {
        let answers = answers
            .iter()
            .map(|answer| answer.iter().map(|text| text.parse().unwrap()).collect());
        let names = self
            .0
            .lock()
            .unwrap()
            .insert(name.to_owned(), answers.collect());
        assert!(names.is_none());
        self
    }
}

impl Resolve for Names {
    fn resolve(&self, host: &str) -> Found {
        let mut names = self.0.lock().unwrap();
        let answer = match names.get_mut(host) {
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers[0].clone(),
            // What the system makes of odd spellings of addresses is part of the test.
            None => return System.resolve(host),
        };
        Box::pin(async move { Ok(answer) })
    }
}

/// A server on all of loopback, which counts who came.
async fn trap() -> (u16, Arc<std::sync::atomic::AtomicUsize>) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let caught = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let mut listeners = vec![listener];
    listeners.extend(tokio::net::TcpListener::bind(("::1", port)).await);
    for listener in listeners {
        let caught = caught.clone();
        tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                caught.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            }
        });
    }
    (port, caught)
}

/// The only range that may be called in these tests: on this machine, but not where the trap is.
const OURS: &str = "127.77.0.0/16";

fn ours(names: Names) -> Outbound {
    let allowed = [OURS.parse().unwrap()].into_iter().collect();
    Outbound::resolving(allowed, Arc::new(names))
}

#[track_caller]
fn assert_forbidden(host: &str, result: Result<OutboundResponse, OutboundError>) {
    match result.unwrap_err() {
        OutboundError::Forbidden { .. } | OutboundError::Dns { .. } | OutboundError::Url { .. } => {
        }
        // `https`, `connection refused`, `timed out`: it was tried.
        other => panic!("{host}: {other}"),
    }
}

/// Where an attacker would like to go. Each is asked for as it stands, and through a name that points there.
const PRIVATE: [&str; 42] = [
    "127.0.0.1",
    "127.0.0.2",
    "127.1.2.3",
    "127.255.255.254",
    "0.0.0.0",
    "0.0.0.1",
    "10.0.0.1",
    "10.255.255.255",
    "100.64.0.1",
    "100.127.255.255",
    "169.254.0.1",
    "169.254.169.254",
    "169.254.170.2",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.0.1",
    "192.168.255.255",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "8.8.8.8",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1",
    "2002:7f00:1::",
    "2001:0:7f00:1::",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "ff02::1",
    "::ffff:0:127.0.0.1",
];

/// Other spellings of loopback and of metadata hosts, as programs accept them in a URL.
const ODD: [&str; 22] = [
    "2130706433",
    "017700000001",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "0177.0.0.01",
    "127.1",
    "127.0.1",
    "0x7f.1",
    "0",
    "00000000000",
    "2852039166",
    "0xa9fea9fe",
    "0251.0376.0251.0376",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "127.0.0.1.",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::1]",
];

#[tokio::test]
async fn no_private_address_is_reached_by_number_or_by_name() {
    let (port, caught) = trap().await;
    let mut asked = 0;
    for target in PRIVATE {
        let literal = if target.contains(':') {
            format!("[{target}]")
        } else {
            target.to_owned()
        };
        let outbound = ours(Names::default().with("shop.example", &[&[target]]));
        for host in [literal.as_str(), "shop.example", "user:secret@shop.example"] {
            let url = format!("http://{host}:{port}/");
            assert_forbidden(&url, outbound.send(get(&url, 2000)).await);
            asked += 1;
        }
    }
    for host in ODD {
        let url = format!("http://{host}:{port}/");
        assert_forbidden(&url, ours(Names::default()).send(get(&url, 5000)).await);
        asked += 1;
    }
    assert!(asked > 60, "{asked}");
    assert_eq!(caught.load(std::sync::atomic::Ordering::SeqCst), 0);
}

/// `/` on an address that may be called.
async fn allowed(router: Router) -> (String, CancellationToken) {
    let listener = listen(IpAddr::from([127, 77, 0, 1]), 0).await.unwrap();
    let port = listener.address().port();
    let stop = CancellationToken::new();
    tokio::spawn(serve(listener, router, stop.clone()));
    (port.to_string(), stop)
}

#[tokio::test]
async fn a_name_that_is_bound_anew_after_the_check_is_not_followed() {
    // The allowed server closes each connection, so that every call resolves and connects anew.
    let close = || async { ([("connection", "close")], "ok") };
    let (port, stop) = allowed(Router::new().route("/", any(close))).await;
    let trap = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}"))
        .await
        .unwrap();
    let rebound: &[&[&str]] = &[
        &["127.77.0.1"],
        &["127.0.0.1"],
        &["127.77.0.1"],
        &["127.0.0.1"],
    ];
    let outbound = ours(Names::default().with("shop.example", rebound));
    let url = format!("http://shop.example:{port}/");
    for _ in 0..2 {
        assert_eq!(outbound.send(get(&url, 2000)).await.unwrap().body, "ok");
        assert_forbidden(&url, outbound.send(get(&url, 2000)).await);
    }
    // An allowed address does not vouch for those that stand beside it.
    let beside: &[&[&str]] = &[&["127.0.0.1", "127.77.0.1", "::1"]];
    let outbound = ours(Names::default().with("shop.example", beside));
    assert_eq!(outbound.send(get(&url, 2000)).await.unwrap().body, "ok");
    let nobody = tokio::time::timeout(Duration::ZERO, trap.accept()).await;
    assert!(nobody.is_err(), "somebody came");
    stop.cancel();
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_an_answer() {
    let (trap_port, caught) = trap().await;
    let router = Router::new().route(
        "/{status}",
        any(
            move |axum::extract::Path(status): axum::extract::Path<u16>| async move {
                (
                    StatusCode::from_u16(status).unwrap(),
                    [("location", format!("http://127.0.0.1:{trap_port}/"))],
                )
            },
        ),
    );
    let (port, stop) = allowed(router).await;
    for status in [301, 302, 303, 307, 308] {
        let url = format!("http://127.77.0.1:{port}/{status}");
        let answer = ours(Names::default()).send(get(&url, 2000)).await.unwrap();
        assert_eq!(answer.status, status);
    }
    assert_eq!(caught.load(std::sync::atomic::Ordering::SeqCst), 0);
    stop.cancel();
}

#[tokio::test]
async fn what_is_on_the_list_is_reached_by_number_and_by_name() {
    let (port, stop) = allowed(Router::new().route("/", any(|| async { "ok" }))).await;
    let outbound = ours(Names::default().with("shop.example", &[&["127.77.0.1"]]));
    for host in ["127.77.0.1", "shop.example", "[::ffff:127.77.0.1]"] {
        let answer = outbound
            .send(get(&format!("http://{host}:{port}/"), 2000))
            .await;
        assert_eq!(answer.unwrap().body, "ok", "{host}");
    }
    stop.cancel();
}
