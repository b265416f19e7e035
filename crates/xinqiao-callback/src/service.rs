//! The service: from an HTTP request to an HTTP answer.

use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
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
        CallbackQuery, EnvelopeError, Keys, MAX_BODY, SUCCESS, Wrapping, chance, diagnose, open,
        seal_reply_as, verify_url,
    },
    inbound::{Form, Reading},
    reply,
};
use xinqiao_types::{Clock, Entropy, OpenId};

use crate::{
    delivery::{Answer, Delivery},
    handler::{Erased, Work},
    late::LateReply,
    memory::{Memory, Seen, Slot},
    refusal::{forbidden, plain, refuse, typed},
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
    /// The last second in which a refusal was explained.
    explained: AtomicI64,
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
        let now = self.inner.clock.unix();
        match *method {
            Method::GET => match verify_url(&self.inner.keys, &CallbackQuery::parse(query), now) {
                Ok(echo) => {
                    tracing::info!("Server URL verified.");
                    plain(StatusCode::OK, echo.into_body())
                }
                Err(error) => self.forbid(query, &[], error),
            },
            Method::POST => self.push(query, body, begun + self.inner.budget).await,
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
        query: &str,
        body: &[u8],
        deadline: tokio::time::Instant,
    ) -> Response<Full<Bytes>> {
        let now = self.inner.clock.unix();
        let opened = match open(&self.inner.keys, &CallbackQuery::parse(query), body, now) {
            Ok(opened) => opened,
            Err(error) => return self.forbid(query, body, error),
        };
        let (wrapping, receiver) = (opened.wrapping, opened.receiver);
        // It was verified: whatever it is, a refusal would only bring it again.
        let message = Message::read(opened.xml);
        if let Some(rule) = message.reading().rule() {
            let reading = message.reading().name();
            tracing::warn!(rule, reading, "A message is not well-formed.");
        }
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
        self.seal(&delivery, wrapping, receiver.as_deref(), answer)
    }

    /// Refuses what is not verified, and has the reason found and logged beside the answer; at most once
    /// a second, so that whoever sends it buys no work.
    fn forbid(&self, query: &str, body: &[u8], error: EnvelopeError) -> Response<Full<Bytes>> {
        let inner = Arc::clone(&self.inner);
        let now = inner.clock.unix().0;
        if inner.explained.fetch_max(now, Ordering::Relaxed) < now {
            let (query, body) = (query.to_owned(), body.to_vec());
            self.inner.tasks.spawn(async move {
                let query = CallbackQuery::parse(&query);
                let error = diagnose(&inner.keys, &query, &body, error);
                tracing::warn!(rule = error.rule(), error = %error, "Callback refused.");
            });
        }
        forbidden()
    }

    /// Starts the first handler that fits; it goes on when the request is gone.
    fn start(&self, delivery: &Arc<Delivery>, slot: Slot) {
        // What has a document type is nobody's: whoever parses it again does what it says.
        let handlers = match delivery.message.reading() {
            Reading::Doctype => &[],
            _ => &*self.inner.handlers,
        };
        let Some(work) = handlers.iter().find_map(|handler| handler(delivery)) else {
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
    fn seal(
        &self,
        delivery: &Delivery,
        wrapping: Wrapping,
        receiver: Option<&str>,
        answer: Answer,
    ) -> Response<Full<Bytes>> {
        let Answer::Reply(reply) = answer else {
            return plain(StatusCode::OK, SUCCESS);
        };
        if !delivery.message.reading().is_read() {
            tracing::error!("A reply to a message that cannot be read was dropped.");
            return plain(StatusCode::OK, SUCCESS);
        }
        let now = self.inner.clock.unix();
        let plain_reply = match reply::encode_for(&delivery.message, &reply, now) {
            Ok(plain_reply) => plain_reply,
            Err(error) => {
                tracing::error!(error = %error, rule = error.rule(), "Reply not written.");
                return plain(StatusCode::OK, SUCCESS);
            }
        };
        let (nonce, random) = chance(&*self.inner.entropy);
        let other = receiver.map(|receiver| self.inner.keys.for_receiver(receiver));
        let keys = other.as_ref().unwrap_or(&self.inner.keys);
        match seal_reply_as(
            wrapping,
            keys,
            delivery.mode,
            &plain_reply,
            now.0,
            &nonce,
            random,
        ) {
            Ok(body) => {
                let kind = match wrapping.form() {
                    Form::Xml => "text/xml; charset=utf-8",
                    Form::Json => "application/json; charset=utf-8",
                };
                typed(StatusCode::OK, kind, body)
            }
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
                    refuse(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        error.rule(),
                        &error.to_string(),
                    )
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
