//! Files that are read while they are sent, and written while they arrive.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    http::HeaderMap,
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, ReadBuf};
use xinqiao_client::{
    Client, Error, HttpOptions, Policy, Refusal, TransportReason, Upload, token::StaticToken,
};

const VIDEO: &str = "official_account.media.upload";
const GET: &str = "official_account.media.get";

async fn client(router: Router) -> Client {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let mut http = HttpOptions::default();
    http.ignore_environment = true;
    http.only_roots = true;
    Client::builder("wx1")
        .tokens(StaticToken::new("80_given"))
        .endpoint("api.weixin.qq.com", format!("http://{address}"))
        .http(http)
        .policy(Policy::NEVER)
        .timeout(Duration::from_secs(5))
        .max_answer(10_000)
        .build()
        .unwrap()
}

/// Gives zeros after the head of an MP4, and counts what was taken.
struct Film(u64, Arc<AtomicU64>);

impl AsyncRead for Film {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        const HEAD: &[u8] = b"\0\0\0\x18ftypmp42";
        let count = buffer.remaining().min(self.0 as usize);
        let at = self.1.fetch_add(count as u64, Ordering::SeqCst);
        for index in at..at + count as u64 {
            let byte = HEAD.get(index as usize).copied().unwrap_or(0);
            buffer.put_slice(&[byte]);
        }
        self.0 -= count as u64;
        Poll::Ready(Ok(()))
    }
}

fn taken(upload: Result<Value, Error>) -> Value {
    upload.unwrap()
}

async fn count(headers: HeaderMap, body: Bytes) -> String {
    let told: u64 = headers["content-length"].to_str().unwrap().parse().unwrap();
    let head = String::from_utf8_lossy(&body[..300]).into_owned();
    json!({"errcode": 0, "told": told, "got": body.len(), "head": head}).to_string()
}

#[tokio::test]
async fn a_file_on_disk_and_a_reader_are_streamed_with_their_length() {
    let limit = axum::extract::DefaultBodyLimit::disable();
    let client = client(
        Router::new()
            .route("/cgi-bin/media/upload", post(count))
            .layer(limit),
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("桥.mp4");
    let mut film = b"\0\0\0\x18ftypmp42".to_vec();
    film.resize(3 << 20, 7);
    std::fs::write(&path, &film).unwrap();

    let upload = Upload::open(&path).await.unwrap();
    assert_eq!(upload.size(), film.len() as u64);
    let call = client
        .call(VIDEO, json!({"type": "video"}))
        .file("media", upload);
    let answer = taken(call.await);
    assert_eq!(answer["told"], answer["got"]);
    assert!(answer["got"].as_u64().unwrap() > film.len() as u64);
    let head = answer["head"].as_str().unwrap();
    assert!(head.contains("; filename=\"桥.mp4\"\r\n"), "{head}");

    let read = Arc::new(AtomicU64::new(0));
    let film = Film(1 << 20, Arc::clone(&read));
    let upload = Upload::from_reader("a.mp4", 1 << 20, film).await.unwrap();
    assert!(
        read.load(Ordering::SeqCst) <= 64,
        "nothing but the head is read before"
    );
    let call = client
        .call(VIDEO, json!({"type": "video"}))
        .file("media", upload);
    let answer = taken(call.await);
    assert_eq!(answer["told"], answer["got"]);
    assert_eq!(read.load(Ordering::SeqCst), 1 << 20);
}

#[tokio::test]
async fn a_file_that_is_too_large_or_of_a_wrong_kind_is_refused_before_a_byte_leaves() {
    let client = client(Router::new()).await;
    let read = Arc::new(AtomicU64::new(0));
    let film = Film(11 << 20, Arc::clone(&read));
    let upload = Upload::from_reader("a.mp4", 11 << 20, film).await.unwrap();
    for kind in ["video", "image"] {
        let call = client
            .call(VIDEO, json!({"type": kind}))
            .file("media", upload.clone());
        let error = call.await.unwrap_err();
        let refused = matches!(
            &error,
            Error::Preflight {
                reason: Refusal::Media(_),
                ..
            }
        );
        assert!(refused, "{error}");
    }
    assert!(read.load(Ordering::SeqCst) <= 64);
}

#[tokio::test]
async fn a_reader_that_ends_early_is_an_error_and_is_not_sent_twice() {
    let asked = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&asked);
    let handler = async move |body: Body| {
        seen.fetch_add(1, Ordering::SeqCst);
        let _ = axum::body::to_bytes(body, 1 << 24).await;
        axum::http::StatusCode::BAD_GATEWAY
    };
    let client = client(Router::new().route("/cgi-bin/media/upload", post(handler))).await;
    let read = Arc::new(AtomicU64::new(0));
    let short = Upload::from_reader("a.mp4", 1 << 20, Film(1000, read))
        .await
        .unwrap();
    let call = client
        .call(VIDEO, json!({"type": "video"}))
        .file("media", short);
    let error = call.await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Transport {
                reason: TransportReason::Broken,
                ..
            }
        ),
        "{error}"
    );

    let again = Policy {
        attempts: 3,
        ..Policy::default()
    };
    let read = Arc::new(AtomicU64::new(0));
    let upload = Upload::from_reader("a.mp4", 1000, Film(1000, read))
        .await
        .unwrap();
    let before = asked.load(Ordering::SeqCst);
    let call = client
        .call(VIDEO, json!({"type": "video"}))
        .file("media", upload)
        .policy(again);
    assert!(call.await.is_err());
    assert_eq!(asked.load(Ordering::SeqCst) - before, 1);
}

/// Answers with what was set.
fn files(content_type: &'static str, name: &'static str, chunks: Vec<&'static str>) -> Router {
    let answer = async move || {
        let body = Body::from_stream(futures_util::stream::iter(
            chunks.into_iter().map(Ok::<_, io::Error>),
        ));
        let disposition = format!("attachment; filename=\"{name}\"");
        (
            [
                ("content-type", content_type.to_owned()),
                ("content-disposition", disposition),
            ],
            body,
        )
    };
    Router::new().route("/cgi-bin/media/get", get(answer))
}

#[tokio::test]
async fn a_file_is_written_while_it_arrives_whatever_its_length() {
    let chunk: &'static str = Box::leak("0123456789".repeat(1000).into_boxed_str());
    let client = client(files("audio/amr", "a.amr", vec![chunk; 30])).await;
    let call = || client.call(GET, json!({"media_id": "M"}));
    // Longer than `max_answer`, which counts what is held in memory.
    let error = call().download().await.unwrap_err();
    assert!(matches!(
        error,
        Error::Transport {
            reason: TransportReason::TooLarge,
            ..
        }
    ));

    let file = call().stream().await.unwrap();
    assert_eq!(
        (file.content_type(), file.file_name().as_deref()),
        ("audio/amr", Some("a.amr"))
    );
    let mut written = Vec::new();
    assert_eq!(file.to(&mut written).await.unwrap(), 300_000);
    assert_eq!(written.len(), 300_000);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.amr");
    assert_eq!(
        call().stream().await.unwrap().save(&path).await.unwrap(),
        300_000
    );
    assert_eq!(std::fs::read(&path).unwrap(), written);
    let error = call()
        .limit(1000)
        .stream()
        .await
        .unwrap()
        .save(&path)
        .await
        .unwrap_err();
    assert!(matches!(
        error,
        Error::Transport {
            reason: TransportReason::TooLarge,
            ..
        }
    ));
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "no part stays"
    );
    assert_eq!(std::fs::read(&path).unwrap(), written, "the old file stays");
}

#[tokio::test]
async fn an_error_is_never_written_as_the_file() {
    let error = r#" {"errcode":40007,"errmsg":"invalid media_id"}"#;
    for content_type in ["text/plain", "application/json", "image/jpeg"] {
        let client = client(files(
            content_type,
            "a.jpg",
            vec![" ", &error[1..10], &error[10..]],
        ))
        .await;
        let call = client.call(GET, json!({"media_id": "M"}));
        let error = call.stream().await.unwrap_err();
        assert_eq!(
            error.code().map(|code| code.0),
            Some(40007),
            "{content_type}"
        );
    }
    // Nor is the address of a film.
    let client = client(files("text/plain", "", vec![r#"{"video_url":"http://x"}"#])).await;
    let call = client.call(GET, json!({"media_id": "M"}));
    assert_eq!(call.stream().await.unwrap_err().url(), Some("http://x"));
}

#[tokio::test]
async fn a_file_that_ends_early_leaves_nothing_that_looks_good() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(0));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            let answer = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 1000\r\n\r\n\x89PNG";
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, answer).await;
            *heads.lock().unwrap() += 1;
        }
    });
    let mut http = HttpOptions::default();
    http.ignore_environment = true;
    http.only_roots = true;
    let client = Client::builder("wx1")
        .tokens(StaticToken::new("80_given"))
        .endpoint("api.weixin.qq.com", format!("http://{address}"))
        .http(http)
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = client
        .call(GET, json!({"media_id": "M"}))
        .stream()
        .await
        .unwrap();
    assert_eq!(file.size(), Some(1000));
    let error = file.save(folder.path().join("a.png")).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Transport {
                reason: TransportReason::Broken,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
