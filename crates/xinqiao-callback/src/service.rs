//! The service: from an HTTP request to an HTTP answer.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use tokio_util::task::TaskTracker;
use xinqiao_message::{
    Message, dedup,
    envelope::{
        CallbackQuery, EnvelopeError, Keys, MAX_BODY, SUCCESS, open, seal_reply, verify_url,
    },
    reply,
};
use xinqiao_types::{Clock, Entropy, OpenId};

use crate::{
    delivery::{Answer, Delivery},
    handler::{Erased, Work},
    late::LateReply,
    memory::{Memory, Seen, Slot},
    refusal::{plain, refuse, typed},
};

mod builder;

pub use self::builder::{Builder, SetupError};

/// Sends what came too late.
type Late = Arc<dyn Fn(LateReply) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// Receives the callbacks of one account. Cheap to clone; clones share their memory.
#[derive(Clone)]
pub struct Callback {
    inner: Arc<Inner>,
}

struct Inner {
    keys: Keys,
    handlers: Vec<Erased>,
    late: Option<Late>,
    budget: Duration,
    memory: Memory,
    tasks: TaskTracker,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback")
            .field("receiver_id", &self.inner.keys.receiver_id())
            .field("mode", &self.inner.keys.mode())
            .field("handlers", &self.inner.handlers.len())
            .field("budget", &self.inner.budget)
            .finish_non_exhaustive()
    }
}

impl Callback {
    /// Answers one request: its method, its raw query and its whole body.
    ///
    /// Cancel safety: dropping the future abandons the answer only. A handler that has begun goes on,
    /// and a repeat of the message joins it.
    pub async fn answer(&self, method: &Method, query: &str, body: &[u8]) -> Response<Full<Bytes>> {
        let begun = tokio::time::Instant::now();
        let query = CallbackQuery::parse(query);
        match *method {
            Method::GET => match verify_url(&self.inner.keys, &query, self.inner.clock.unix()) {
                Ok(echo) => {
                    tracing::info!("Server URL verified.");
                    plain(StatusCode::OK, echo.into_body())
                }
                Err(error) => refuse_envelope(&error),
            },
            Method::POST => self.push(&query, body, begun + self.inner.budget).await,
            _ => {
                let mut response = refuse(
                    StatusCode::METHOD_NOT_ALLOWED,
                    "callback.method",
                    "callbacks come as GET (URL check) or POST (messages)",
                );
                response
                    .headers_mut()
                    .insert(header::ALLOW, HeaderValue::from_static("GET, POST"));
                response
            }
        }
    }

    /// Waits until all handlers that have begun are done, late ones included. New requests are still
    /// answered.
    pub async fn drain(&self) {
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        self.inner.tasks.reopen();
    }

    async fn push(
        &self,
        query: &CallbackQuery<'_>,
        body: &[u8],
        deadline: tokio::time::Instant,
    ) -> Response<Full<Bytes>> {
        let opened = match open(&self.inner.keys, query, body, self.inner.clock.unix()) {
            Ok(opened) => opened,
            Err(error) => return refuse_envelope(&error),
        };
        let message = match Message::parse(opened.xml) {
            Ok(message) => message,
            Err(error) => {
                return refuse(StatusCode::BAD_REQUEST, error.rule(), &error.to_string());
            }
        };
        let delivery = Arc::new(Delivery::new(message, opened.mode));
        let key = dedup::key(&delivery.message);
        let slot = match self.inner.memory.see(key, self.inner.clock.unix()) {
            Seen::Repeat(slot) => {
                tracing::debug!(msg_type = delivery.message.msg_type(), "Callback repeated.");
                slot
            }
            Seen::First(slot) => {
                self.start(&delivery, slot.clone());
                slot
            }
        };
        let answer = slot.take(deadline).await;
        self.seal(&delivery, answer)
    }

    /// Starts the first handler that fits; it goes on when the request is gone.
    fn start(&self, delivery: &Arc<Delivery>, slot: Slot) {
        let Some(work) = self
            .inner
            .handlers
            .iter()
            .find_map(|handler| handler(delivery))
        else {
            slot.give(Answer::Silent);
            return;
        };
        let inner = Arc::clone(&self.inner);
        let delivery = Arc::clone(delivery);
        self.inner.tasks.spawn(async move {
            let begun = tokio::time::Instant::now();
            let answer = checked(run(&inner.tasks, work).await);
            if slot.give(answer.clone()) {
                return;
            }
            tracing::info!(
                rule = "callback.slow",
                elapsed_ms = begun.elapsed().as_millis(),
                "Handler was slower than its budget."
            );
            if let Answer::Reply(reply) = answer {
                inner.say_late(&delivery, reply).await;
            }
        });
    }

    /// Writes an answer the way its push came.
    fn seal(&self, delivery: &Delivery, answer: Answer) -> Response<Full<Bytes>> {
        let Answer::Reply(reply) = answer else {
            return plain(StatusCode::OK, SUCCESS);
        };
        let head = &delivery.message.head;
        let now = self.inner.clock.unix();
        let xml = reply::encode(&reply, &head.from, &head.to, now);
        let mut random = [0; 16];
        self.inner.entropy.fill(&mut random);
        let nonce = (self.inner.entropy.next_u64() % 10_000_000_000).to_string();
        match seal_reply(&self.inner.keys, delivery.mode, &xml, now.0, &nonce, random) {
            Ok(body) => typed(StatusCode::OK, "text/xml; charset=utf-8", body),
            Err(error) => {
                tracing::error!(error = %error, rule = error.reply_rule(), "Reply not sealed.");
                plain(StatusCode::OK, SUCCESS)
            }
        }
    }
}

impl Inner {
    async fn say_late(&self, delivery: &Delivery, reply: xinqiao_message::Reply) {
        let Some(late) = &self.late else {
            tracing::warn!(
                rule = "callback.slow",
                "Late reply dropped: no way out is set."
            );
            return;
        };
        let head = &delivery.message.head;
        let openid = OpenId::new(head.from.as_str());
        late(LateReply {
            openid,
            account: head.to.clone(),
            reply,
        })
        .await;
    }
}

/// Runs a handler so that its panic ends nothing but itself.
async fn run(tasks: &TaskTracker, work: Work) -> Answer {
    match tasks.spawn(work).await {
        Ok(answer) => answer,
        Err(error) => {
            tracing::error!(error = %error, "Handler panicked.");
            Answer::Silent
        }
    }
}

/// Replaces a reply that the platform would show as a failure with silence.
fn checked(answer: Answer) -> Answer {
    let Answer::Reply(reply) = &answer else {
        return answer;
    };
    match reply.check() {
        Ok(()) => answer,
        Err(error) => {
            tracing::error!(error = %error, rule = error.rule(), "Reply is not legal, dropped.");
            Answer::Silent
        }
    }
}

fn refuse_envelope(error: &EnvelopeError) -> Response<Full<Bytes>> {
    let status = match error {
        EnvelopeError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        EnvelopeError::Signature { .. } | EnvelopeError::MissingSignature { .. } => {
            StatusCode::FORBIDDEN
        }
        _ => StatusCode::BAD_REQUEST,
    };
    refuse(status, error.rule(), &error.to_string())
}

impl<B> tower_service::Service<Request<B>> for Callback
where
    B: BodyExt + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Full<Bytes>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let callback = self.clone();
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let query = head.uri.query().unwrap_or_default();
            let response = match Limited::new(body, MAX_BODY).collect().await {
                Ok(body) => callback.answer(&head.method, query, &body.to_bytes()).await,
                Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                    let error = EnvelopeError::TooLarge {
                        found: MAX_BODY + 1,
                        limit: MAX_BODY,
                    };
                    refuse_envelope(&error)
                }
                Err(_) => refuse(
                    StatusCode::BAD_REQUEST,
                    "callback.body.cut_off",
                    "the body ended before it was complete",
                ),
            };
            Ok(response)
        })
    }
}
