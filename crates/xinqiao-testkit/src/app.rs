//! An app double: records what the platform sends, answers as told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::to_bytes,
    extract::{Request, State},
    http::{Method, StatusCode},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;

/// One request that the app got.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// `GET` or `POST`.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query without `?`.
    pub query: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Media type.
    pub content_type: String,
    /// Body.
    pub body: String,
}

impl Recorded {
    /// A header by its name in lower case; empty if it was not sent.
    pub fn header(&self, name: &str) -> &str {
        { self.headers.iter() }
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    /// A parameter of the query, as it was sent.
    pub fn query(&self, name: &str) -> Option<&str> {
        self.query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            (key == name).then_some(value)
        })
    }
}

/// What the app answers to a push.
#[derive(Debug, Clone)]
pub struct Told {
    /// Status.
    pub status: u16,
    /// Media type.
    pub content_type: &'static str,
    /// Body.
    pub body: Vec<u8>,
    /// Wait so long before answering.
    pub after: Duration,
}

impl Told {
    /// 200 with this body at once.
    pub fn body(body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: 200,
            content_type: "text/xml",
            body: body.into(),
            after: Duration::ZERO,
        }
    }

    /// This status.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            ..Self::body("")
        }
    }

    /// The same, later.
    pub fn after(mut self, time: Duration) -> Self {
        self.after = time;
        self
    }
}

type Answerer = Box<dyn Fn(&Recorded) -> Told + Send + Sync>;

struct Inner {
    got: Mutex<Vec<Recorded>>,
    next: Mutex<VecDeque<Told>>,
    otherwise: Mutex<Answerer>,
    echo: Mutex<Answerer>,
}

/// A running app double.
pub struct TestApp {
    inner: Arc<Inner>,
    /// Its callback address.
    pub url: String,
    server: tokio::task::JoinHandle<()>,
}

impl std::fmt::Debug for TestApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestApp")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl TestApp {
    /// An app that passes the handshake and answers `success`.
    pub async fn start() -> Self {
        let inner = Arc::new(Inner {
            got: Mutex::default(),
            next: Mutex::default(),
            otherwise: Mutex::new(Box::new(|_| Told::body("success"))),
            echo: Mutex::new(Box::new(|asked| {
                Told::body(asked.query("echostr").unwrap_or_default())
            })),
        });
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port is free");
        let url = format!("http://{}/wx", listener.local_addr().expect("it listens"));
        let router = Router::new().fallback(answer).with_state(inner.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("the app double serves");
        });
        Self { inner, url, server }
    }

    /// Answers the next push so; later ones as told after it, then as [`TestApp::otherwise`] says.
    pub fn next(&self, told: Told) {
        self.inner
            .next
            .lock()
            .expect("not poisoned")
            .push_back(told);
    }

    /// Answers every other push so.
    pub fn otherwise(&self, answer: impl Fn(&Recorded) -> Told + Send + Sync + 'static) {
        *self.inner.otherwise.lock().expect("not poisoned") = Box::new(answer);
    }

    /// Answers handshakes so, instead of with the echo.
    pub fn handshake(&self, told: Told) {
        self.handshakes(move |_| told.clone());
    }

    /// Answers handshakes as this says of each.
    pub fn handshakes(&self, answer: impl Fn(&Recorded) -> Told + Send + Sync + 'static) {
        *self.inner.echo.lock().expect("not poisoned") = Box::new(answer);
    }

    /// The pushes so far.
    pub fn pushes(&self) -> Vec<Recorded> {
        let got = self.inner.got.lock().expect("not poisoned");
        got.iter()
            .filter(|request| request.method == "POST")
            .cloned()
            .collect()
    }

    /// The push after so many others, as soon as it is there.
    ///
    /// # Panics
    /// It does not come.
    pub async fn push(&self, before: usize) -> Recorded {
        for _ in 0..2_000 {
            if let Some(push) = self.pushes().into_iter().nth(before) {
                return push;
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        panic!("push {before} does not come: {:?}", self.pushes());
    }

    /// Everything so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.inner.got.lock().expect("not poisoned").clone()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(inner): State<Arc<Inner>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 4 * 1024 * 1024)
        .await
        .expect("the push is read");
    let recorded = Recorded {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: { parts.headers.iter() }
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), value)
            })
            .collect(),
        content_type: parts
            .headers
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned(),
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    inner
        .got
        .lock()
        .expect("not poisoned")
        .push(recorded.clone());
    let told = if parts.method == Method::GET {
        (inner.echo.lock().expect("not poisoned"))(&recorded)
    } else {
        let next = inner.next.lock().expect("not poisoned").pop_front();
        next.unwrap_or_else(|| (inner.otherwise.lock().expect("not poisoned"))(&recorded))
    };
    tokio::time::sleep(told.after).await;
    let status = StatusCode::from_u16(told.status).expect("a status");
    (status, [("content-type", told.content_type)], told.body).into_response()
}
