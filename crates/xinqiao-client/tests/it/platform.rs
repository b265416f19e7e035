//! A small platform in memory: tokens that live and die, and scripted answers for everything else.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use serde_json::{Value, json};
use xinqiao_client::{
    Client, ClientBuilder, Policy, TransportReason,
    transport::{BoxFuture, Incoming, Outgoing, Transport, TransportError},
};
use xinqiao_types::{ManualClock, SeededEntropy};

pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const START: i64 = 1_700_000_000;

/// What the platform does with one call that is not about tokens.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// This JSON.
    Json(Value),
    /// These bytes of this type.
    Bytes(&'static str, &'static [u8]),
    /// An HTTP status with a page of somebody else's.
    Status(u16),
    /// No answer, after bytes left.
    Lost,
    /// No connection.
    Unreachable,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) clock: ManualClock,
    /// The tokens that work, with their ends. The last one is current.
    pub(crate) valid: Vec<(String, i64)>,
    pub(crate) issued: u32,
    pub(crate) fetches: u32,
    pub(crate) forced: u32,
    pub(crate) script: VecDeque<Script>,
    pub(crate) calls: Vec<Outgoing>,
    /// Refuse even the current token, but go on handing it out.
    pub(crate) stubborn: bool,
    /// Fetching a token fails.
    pub(crate) token_fails: bool,
}

#[derive(Clone)]
pub(crate) struct Platform(pub(crate) Arc<Mutex<State>>);

impl std::fmt::Debug for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Platform")
    }
}

impl Platform {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(State {
            clock: ManualClock::at(START),
            valid: Vec::new(),
            issued: 0,
            fetches: 0,
            forced: 0,
            script: VecDeque::new(),
            calls: Vec::new(),
            stubborn: false,
            token_fails: false,
        })))
    }

    pub(crate) fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.0.lock().unwrap())
    }

    pub(crate) fn script(&self, script: impl IntoIterator<Item = Script>) {
        self.with(|state| state.script.extend(script));
    }

    pub(crate) fn builder(&self) -> ClientBuilder {
        let pause = Duration::from_millis(1);
        Client::builder("wx0123456789abcdef")
            .secret(SECRET)
            .transport(self.clone())
            .clock(self.with(|state| state.clock.clone()))
            .entropy(SeededEntropy::new(7))
            .policy(Policy {
                attempts: 3,
                pause,
                longest: pause,
            })
    }

    pub(crate) fn client(&self) -> Client {
        self.builder().build().unwrap()
    }
}

fn answer(content_type: &str, body: impl Into<Bytes>) -> Incoming {
    let mut headers = http::HeaderMap::new();
    headers.insert("content-type", content_type.parse().unwrap());
    Incoming {
        status: 200,
        headers,
        body: body.into(),
    }
}

fn error(code: i64, text: &str) -> Incoming {
    let body =
        json!({"errcode": code, "errmsg": format!("{text} rid: 5f3203f9-4c55380f-4b88cfd4")});
    answer("application/json", body.to_string())
}

impl State {
    /// The stable token's rules: the same one until five minutes before its end.
    fn fetch(&mut self, body: &Value) -> Incoming {
        self.fetches += 1;
        if self.token_fails {
            return error(-1, "system error");
        }
        if body["secret"] != SECRET {
            return error(40125, "invalid appsecret");
        }
        let now = self.clock_now();
        let force = body["force_refresh"] == true;
        self.forced += u32::from(force);
        if force {
            self.valid.clear();
            self.stubborn = false;
        }
        self.valid.retain(|(_, end)| *end > now);
        let current = self
            .valid
            .last()
            .filter(|(_, end)| end - now > 300)
            .cloned();
        let (token, end) = current.unwrap_or_else(|| {
            self.issued += 1;
            let token = (format!("80_token{}", self.issued), now + 7200);
            self.valid.push(token.clone());
            token
        });
        let body = json!({"access_token": token, "expires_in": end - now});
        answer("application/json", body.to_string())
    }

    pub(crate) fn clock_now(&self) -> i64 {
        use xinqiao_types::Clock as _;
        self.clock.unix().0
    }

    fn handle(&mut self, request: Outgoing) -> Result<Incoming, TransportError> {
        let lost = |reason, sent| {
            Err(TransportError {
                reason,
                sent,
                source: "scripted".into(),
            })
        };
        if request.address().ends_with("/cgi-bin/stable_token") {
            let body: Vec<u8> = request.body.concat();
            return Ok(self.fetch(&serde_json::from_slice(&body).unwrap()));
        }
        let token = request.url.split("access_token=").nth(1);
        let token = token.map(|rest| rest.split('&').next().unwrap().to_owned());
        let now = self.clock_now();
        self.calls.push(request);
        let known = self
            .valid
            .iter()
            .find(|(valid, _)| Some(valid) == token.as_ref());
        match (token.is_some(), known) {
            (false, _) => return Ok(error(41001, "access_token missing")),
            (true, None) => return Ok(error(40001, "invalid credential")),
            (true, Some((_, end))) if *end <= now => {
                return Ok(error(42001, "access_token expired"));
            }
            (true, Some(_)) if self.stubborn => return Ok(error(40001, "invalid credential")),
            _ => {}
        }
        match self.script.pop_front() {
            None => Ok(answer("application/json", r#"{"errcode":0,"errmsg":"ok"}"#)),
            Some(Script::Json(value)) => Ok(answer("application/json", value.to_string())),
            Some(Script::Bytes(kind, bytes)) => Ok(answer(kind, bytes)),
            Some(Script::Status(status)) => Ok(Incoming {
                status,
                ..answer("text/html", "<html>bad gateway</html>")
            }),
            Some(Script::Lost) => lost(TransportReason::Broken, true),
            Some(Script::Unreachable) => lost(TransportReason::Connect, false),
        }
    }
}

impl Transport for Platform {
    fn send(&self, request: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            // Others get their turn, as with a real network.
            tokio::task::yield_now().await;
            let answer = self.with(|state| state.handle(request));
            tokio::task::yield_now().await;
            answer
        })
    }
}
