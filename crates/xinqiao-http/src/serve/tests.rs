use std::convert::Infallible;

use axum::routing::get;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::Instant,
};

use super::*;
use crate::{BodyLimit, listen::listen, peer_of, read_body};

#[tokio::test]
async fn a_stop_lets_the_open_request_finish() {
    let listener = listen(IpAddr::from([127, 0, 0, 1]), 0).await.unwrap();
    let address = listener.address();
    let (started_tx, started) = tokio::sync::oneshot::channel::<()>();
    let started_tx = std::sync::Arc::new(std::sync::Mutex::new(Some(started_tx)));
    let release = CancellationToken::new();
    let held = release.clone();
    let router = Router::new().route(
        "/",
        get(move || {
            let (held, started) = (held.clone(), started_tx.clone());
            async move {
                let started = started.lock().unwrap().take();
                if let Some(started) = started {
                    let _ = started.send(());
                }
                held.cancelled().await;
                "done"
            }
        }),
    );
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, router, stop.clone()));
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    started.await.unwrap();
    stop.cancel();
    release.cancel();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    assert_eq!(server.await.unwrap(), ServeReport { dropped: 0 });
}

#[tokio::test(start_paused = true)]
async fn a_stop_ends_idle_connections_at_once_and_waits_for_the_others() {
    let listener = listen(IpAddr::from([127, 0, 0, 1]), 0).await.unwrap();
    let address = listener.address();
    let stop = CancellationToken::new();
    let server = tokio::spawn(serve(listener, router(), stop.clone()));
    let mut unused = TcpStream::connect(address).await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(GET.as_bytes()).await.unwrap();
    assert_eq!(status(&mut idle).await, "200");
    let mut held = TcpStream::connect(address).await.unwrap();
    held.write_all(HELD.as_bytes()).await.unwrap();
    settle().await;
    stop.cancel();
    assert_eq!(rest(&mut unused).await, (String::new(), 0));
    assert_eq!(rest(&mut idle).await.1, 0);
    assert_eq!(rest(&mut held).await, (String::new(), 5));
    assert_eq!(server.await.unwrap(), ServeReport { dropped: 1 });
}

#[tokio::test]
async fn headers_beyond_the_limit_are_refused() {
    let listener = listen(IpAddr::from([127, 0, 0, 1]), 0).await.unwrap();
    let address = listener.address();
    let stop = CancellationToken::new();
    let limits = Limits {
        header_bytes: 8192,
        ..Limits::default()
    };
    let router = Router::new().route("/", get(|| async { "ok" }));
    let server = tokio::spawn(serve_with(listener, router, limits, stop.clone()));
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n",
        "a".repeat(20_000)
    );
    let _ = client.write_all(request.as_bytes()).await;
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    assert!(answer.starts_with(b"HTTP/1.1 431"));
    stop.cancel();
    server.await.unwrap();
}

/// A reverse proxy that cannot write the rest of a body says 502 instead of what was answered.
#[tokio::test]
async fn who_is_refused_while_it_writes_sees_the_answer() {
    let listener = listen(IpAddr::from([127, 0, 0, 1]), 0).await.unwrap();
    let address = listener.address();
    let stop = CancellationToken::new();
    let refuse = || async { http::StatusCode::PAYLOAD_TOO_LARGE };
    let router = Router::new().route("/", axum::routing::post(refuse));
    let server = tokio::spawn(serve(listener, router, stop.clone()));
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        6 * MIB
    );
    client.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..6 {
        client.write_all(&vec![b'x'; MIB]).await.unwrap();
    }
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    stop.cancel();
    server.await.unwrap();
}

// ---- slow peers; time is the test's

const MIB: usize = 1 << 20;

struct Server {
    address: SocketAddr,
    _stop: tokio_util::sync::DropGuard,
}

async fn start(router: Router, limits: Limits) -> Server {
    let listener = listen(IpAddr::from([127, 0, 0, 1]), 0).await.unwrap();
    let address = listener.address();
    let stop = CancellationToken::new();
    tokio::spawn(serve_with(listener, router, limits, stop.clone()));
    Server {
        address,
        _stop: stop.drop_guard(),
    }
}

/// `/` answers at once, `/body` when it has read the body, `/held` never.
fn router() -> Router {
    let body = async |request: axum::extract::Request| {
        let limit = BodyLimit {
            bytes: 64 * MIB,
            time: Duration::from_hours(1),
        };
        match read_body(request.into_body(), limit).await {
            Ok(body) => (http::StatusCode::OK, format!("{} bytes", body.len())),
            Err(error) => (error.status(), error.to_string()),
        }
    };
    Router::new()
        .route("/", get(|| async { "ok" }))
        .route("/body", axum::routing::post(body))
        .route("/held", get(std::future::pending::<&'static str>))
        .route(
            "/peer",
            get(|request: axum::extract::Request| async move { peer_of(&request).to_string() }),
        )
}

impl Server {
    async fn send(&self, text: impl AsRef<[u8]>) -> TcpStream {
        let mut client = TcpStream::connect(self.address).await.unwrap();
        client.write_all(text.as_ref()).await.unwrap();
        client
    }

    async fn post(&self, length: usize, sent: usize) -> TcpStream {
        let head = format!("POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n");
        self.send([head.as_bytes(), &vec![7; sent]].concat()).await
    }
}

/// What comes until the server closes the connection, and after how many seconds that is.
async fn rest(client: &mut TcpStream) -> (String, u64) {
    let begun = Instant::now();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    (
        String::from_utf8_lossy(&answer).into_owned(),
        begun.elapsed().as_secs(),
    )
}

/// The status of an answer on a connection that stays open.
async fn status(client: &mut TcpStream) -> String {
    let mut answer = [0; 12];
    match client.read_exact(&mut answer).await {
        Ok(_) => String::from_utf8_lossy(&answer[9..]).into_owned(),
        Err(error) => error.kind().to_string(),
    }
}

const GET: &str = "GET / HTTP/1.1\r\nhost: x\r\n\r\n";
const HELD: &str = "GET /held HTTP/1.1\r\nhost: x\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn a_head_that_is_not_complete_in_time_ends_the_connection() {
    let server = start(router(), Limits::default()).await;
    let mut client = server.send("GET / HTTP/1.1\r\nhost:").await;
    assert_eq!(rest(&mut client).await, (String::new(), 10));
    // Bytes that trickle in do not buy time.
    let (mut read, mut write) = server.send("GET /").await.into_split();
    tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let begun = Instant::now();
    let _ = read.read_to_end(&mut Vec::new()).await;
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn an_idle_connection_ends_after_its_time_and_not_before() {
    let server = start(router(), Limits::default()).await;
    let mut client = server.send("").await;
    assert_eq!(rest(&mut client).await, (String::new(), 75));
    let mut client = server.post(2, 1).await;
    settle().await;
    client.write_all(b"2").await.unwrap();
    assert_eq!(status(&mut client).await, "200");
    tokio::time::sleep(Duration::from_mins(1)).await;
    client.write_all(GET.as_bytes()).await.unwrap();
    let (answers, seconds) = rest(&mut client).await;
    assert_eq!((answers.matches("ok").count(), seconds), (1, 75));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_is_408() {
    let server = start(router(), Limits::default()).await;
    let mut client = server.post(100, 50).await;
    let (answer, seconds) = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(seconds, 10);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_trickles_is_408() {
    let server = start(router(), Limits::default()).await;
    let (mut read, mut write) = server.post(1000, 0).await.into_split();
    tokio::spawn(async move {
        while write.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let begun = Instant::now();
    let mut answer = [0; 12];
    read.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert_eq!(begun.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn a_slow_upload_that_keeps_its_rate_lives() {
    let server = start(router(), Limits::default()).await;
    let mut client = server.post(8 * MIB, 0).await;
    let part = vec![7; 64 * 1024];
    for _ in 0..128 {
        tokio::time::sleep(Duration::from_secs(3)).await;
        client.write_all(&part).await.unwrap();
    }
    assert_eq!(status(&mut client).await, "200");
}

#[tokio::test(start_paused = true)]
async fn a_body_sent_fast_at_first_may_not_stop_for_long() {
    let server = start(router(), Limits::default()).await;
    let mut client = server.post(20 * MIB, 19 * MIB).await;
    let (answer, seconds) = rest(&mut client).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert_eq!(seconds, 10);
}

/// `/` answers with very many bytes; a message says that they are not wanted any more.
fn large() -> (Router, tokio::sync::mpsc::UnboundedReceiver<()>) {
    struct Gone(tokio::sync::mpsc::UnboundedSender<()>);
    impl Drop for Gone {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }
    let (tx, gone) = tokio::sync::mpsc::unbounded_channel();
    let answer = move || {
        let gone = Gone(tx.clone());
        async move {
            let part = Bytes::from(vec![7; 64 * 1024]);
            Body::from_stream(futures_util::stream::iter((0..1024).map(move |_| {
                let _gone = &gone;
                Ok::<_, Infallible>(part.clone())
            })))
        }
    };
    (Router::new().route("/", get(answer)), gone)
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_reads_ends_the_connection() {
    let (router, mut gone) = large();
    let server = start(router, Limits::default()).await;
    let _client = server.send(GET).await;
    let begun = Instant::now();
    gone.recv().await;
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_download_that_is_read_slowly_lives() {
    let (router, _gone) = large();
    let server = start(router, Limits::default()).await;
    let mut client = server.send(GET).await;
    let mut part = vec![0; MIB];
    for _ in 0..60 {
        tokio::time::sleep(Duration::from_secs(10)).await;
        client.read_exact(&mut part).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_stream_lives_while_it_has_nothing_to_say() {
    let events = || async {
        let event = futures_util::stream::unfold((), async |()| {
            tokio::time::sleep(Duration::from_hours(1)).await;
            Some((Ok::<_, Infallible>("data: 1\n\n"), ()))
        });
        Body::from_stream(event)
    };
    let server = start(Router::new().route("/", get(events)), Limits::default()).await;
    let mut client = server.send(GET).await;
    let mut got = String::new();
    while got.matches("data: 1").count() < 3 {
        let mut part = [0; 1024];
        let count = client.read(&mut part).await.unwrap();
        assert_ne!(count, 0, "{got}");
        got.push_str(&String::from_utf8_lossy(&part[..count]));
    }
}

// ---- too many peers

fn small(connections: usize) -> Limits {
    Limits {
        connections,
        ..Limits::default()
    }
}

/// Lets the server take up what was sent.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(5)).await;
}

#[tokio::test(start_paused = true)]
async fn the_longest_waiting_makes_room_whether_idle_or_slow() {
    let server = start(router(), small(4)).await;
    let mut slow = Vec::new();
    for (index, begun) in [
        "",
        "GET /",
        "POST /body HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n1",
        GET,
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = server.send(begun).await;
        if index == 3 {
            assert_eq!(status(&mut client).await, "200");
        }
        settle().await;
        slow.push(client);
    }
    for mut longest in slow {
        let mut client = server.send(HELD).await;
        assert_eq!(rest(&mut longest).await.1, 0, "closed at once");
        let waiting = client.read_u8();
        let none = tokio::time::timeout(Duration::from_millis(5), waiting).await;
        assert!(none.is_err(), "the new one is served");
        std::mem::forget(client);
    }
    let mut none_left = server.send(GET).await;
    let (answer, _) = rest(&mut none_left).await;
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 1"),
        "{answer}"
    );
}

#[tokio::test(start_paused = true)]
async fn four_thousand_held_bodies_stop_nobody() {
    let server = start(router(), small(16)).await;
    let mut held = std::collections::VecDeque::new();
    for number in 0..4_200 {
        held.push_back(server.post(9, 1).await);
        if held.len() > 64 {
            held.pop_front();
        }
        if number % 600 == 599 {
            let mut client = server.send(GET).await;
            assert_eq!(status(&mut client).await, "200");
        }
    }
}

/// Waits until the connection is told to end.
async fn must_end(taken: &Taken) {
    std::future::poll_fn(|cx| match taken.0.told(cx) {
        Told::End => Poll::Ready(()),
        _ => Poll::Pending,
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_peer_over_its_connections_closes_its_own() {
    let limits = Limits {
        connections_per_peer: 2,
        ..small(4)
    };
    let places = Places::new(limits);
    let (one, other) = (
        Some(IpAddr::from([192, 0, 2, 1])),
        Some(IpAddr::from([192, 0, 2, 2])),
    );
    let longest = places.take(other).unwrap();
    tokio::time::advance(Duration::from_secs(1)).await;
    let mine = [places.take(one).unwrap(), places.take(one).unwrap()];
    mine[1].0.request_began();
    let third = places.take(one).unwrap();
    must_end(&mine[0]).await;
    third.0.request_began();
    assert!(places.take(one).is_none(), "both are at work");
    let free = [places.take(None).unwrap(), places.take(None).unwrap()];
    must_end(&longest).await;
    drop((mine, third, free));
    assert!(places.take(one).is_some());
}

#[tokio::test(start_paused = true)]
async fn bodies_share_a_memory_and_small_ones_need_none() {
    let limits = Limits {
        body_budget: BodyBudget::new(100 * 1024),
        ..Limits::default()
    };
    let server = start(router(), limits).await;
    let mut first = server.post(80_000, 70_000).await;
    settle().await;
    let mut small = server.post(10_000, 10_000).await;
    assert_eq!(status(&mut small).await, "200");
    // The one that keeps us waiting makes room for one that does not.
    let mut second = server.post(80_000, 80_000).await;
    assert_eq!(status(&mut second).await, "200");
    assert_eq!(rest(&mut first).await, (String::new(), 0));
    // What was answered takes no room any more.
    let mut third = server.post(80_000, 80_000).await;
    assert_eq!(status(&mut third).await, "200");
    // What never has room is refused.
    let mut huge = server.post(200_000, 200_000).await;
    assert_eq!(status(&mut huge).await, "503");
}

#[tokio::test(start_paused = true)]
async fn a_body_waits_a_moment_for_room() {
    let limits = Limits {
        body_budget: BodyBudget::new(100 * 1024),
        ..Limits::default()
    };
    let worked_on = |request: axum::extract::Request| async move {
        let limit = BodyLimit::bytes(MIB);
        match read_body(request.into_body(), limit).await {
            Ok(_) => {
                tokio::time::sleep(Duration::from_millis(1_500)).await;
                http::StatusCode::OK
            }
            Err(error) => error.status(),
        }
    };
    let router = Router::new().route("/body", axum::routing::post(worked_on));
    let server = start(router, limits).await;
    let mut first = server.post(100_000, 100_000).await;
    settle().await;
    let mut second = server.post(80_000, 80_000).await;
    let mut small = server.post(10_000, 10_000).await;
    tokio::time::sleep(Duration::from_millis(800)).await;
    let mut third = server.post(80_000, 80_000).await;
    assert_eq!(status(&mut second).await, "503", "no room for a second");
    assert_eq!(status(&mut small).await, "200", "no room is needed");
    assert_eq!(status(&mut first).await, "200");
    assert_eq!(status(&mut third).await, "200", "there was room in time");
}

#[tokio::test(start_paused = true)]
async fn a_peer_behind_a_proxy_holds_only_so_many_bodies() {
    let limits = Limits {
        bodies_per_peer: 2,
        trusted_proxies: ["127.0.0.1".parse().unwrap()].into_iter().collect(),
        ..Limits::default()
    };
    let server = start(router(), limits).await;
    let post = async |peer: &str| {
        let head = format!(
            "POST /body HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 9.9.9.9, {peer}\r\ncontent-length: 9\r\n\r\n1"
        );
        let client = server.send(head).await;
        settle().await;
        client
    };
    let _held = [post("192.0.2.1").await, post("192.0.2.1").await];
    let mut third = post("192.0.2.1").await;
    assert_eq!(status(&mut third).await, "503");
    let mut other = post("192.0.2.2").await;
    other.write_all(b"23456789").await.unwrap();
    assert_eq!(status(&mut other).await, "200");
    let mut client = server
        .send("GET /peer HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-forwarded-for: 1.1.1.1, 192.0.2.3\r\n\r\n")
        .await;
    assert!(rest(&mut client).await.0.ends_with("192.0.2.3"));
}
