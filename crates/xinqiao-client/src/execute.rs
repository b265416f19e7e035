//! Sends a prepared request, with the token in and the rules of repetition applied.

use std::{fmt, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use xinqiao_catalog::{
    Retry as Repeat, id,
    rules::{
        permission,
        retry::{self, Attempt, Next, Policy, Reached},
    },
};
use xinqiao_types::AccessToken;
use xinqiao_wire::{
    Auth, Content,
    response::{self, Came},
};

use crate::{
    answer::{self, Answer, Envelope, HTML},
    client::Client,
    error::{Error, Refusal, Retry, TransportReason},
    file_stream::{self, FileStream},
    merchant::HeadProof,
    token::TokenKind,
    transport::{Body, Incoming, Outgoing, TransportError},
    url,
};

/// A request that is ready but for its token. `Debug` shows neither query nor body.
#[derive(Clone)]
pub(crate) struct Prepared {
    pub(crate) method: &'static str,
    pub(crate) host: &'static str,
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Body,
    /// What a merchant signs instead of the body: the JSON part of an upload.
    pub(crate) signed: Option<Bytes>,
    pub(crate) auth: Auth,
    pub(crate) repeat: Repeat,
    /// Whether the request carries its idempotency key.
    pub(crate) keyed: bool,
    pub(crate) permissions: &'static [&'static str],
    pub(crate) envelope: Envelope,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {}",
            self.envelope.endpoint, self.method, self.path
        )
    }
}

/// What the caller wants differently for one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) timeout: Option<Duration>,
    pub(crate) policy: Option<Policy>,
    pub(crate) token: Option<AccessToken>,
    pub(crate) limit: Option<u64>,
}

/// How an answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Want {
    Whole,
    Stream,
}

/// A successful answer.
enum Got {
    Whole(Answer),
    Stream(Box<FileStream>),
}

/// A token on its way, with the parameter that carries it and the kind of source it came from; none if
/// the caller gave it.
struct Carried {
    param: &'static str,
    token: AccessToken,
    kind: Option<TokenKind>,
}

impl Client {
    /// Sends a request until it succeeds or may not be repeated.
    pub(crate) async fn execute(
        &self,
        request: &Prepared,
        options: &Options,
    ) -> Result<Answer, Error> {
        match self.run(request, options, Want::Whole).await? {
            Got::Whole(answer) => Ok(answer),
            Got::Stream(stream) => stream.into_answer().await,
        }
    }

    /// As [`Self::execute`], with the answer's body still arriving.
    pub(crate) async fn execute_stream(
        &self,
        request: &Prepared,
        options: &Options,
    ) -> Result<FileStream, Error> {
        let stream = match self.run(request, options, Want::Stream).await? {
            Got::Whole(answer) if response::is_file(request.envelope.answer) => {
                FileStream::whole(answer.only_file()?)
            }
            Got::Whole(answer) => FileStream::whole(answer),
            Got::Stream(stream) => *stream,
        };
        stream.limit(options.limit.unwrap_or(file_stream::LARGEST))
    }

    async fn run(&self, request: &Prepared, options: &Options, want: Want) -> Result<Got, Error> {
        let endpoint = request.envelope.endpoint;
        self.permit(request)?;
        let policy = options.policy.unwrap_or(self.inner.settings.policy);
        let mut token = self.token(request, options).await?;
        let mut renewed = false;
        let mut number = 1;
        loop {
            let once = self.once(request, token.as_ref(), options, want).await;
            let (error, reached) = match once {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            // What a reader gave is gone.
            if reached != Reached::Nothing && !request.body.is_repeatable() {
                return Err(error);
            }
            let attempt = Attempt {
                number,
                reached,
                endpoint: request.repeat,
                keyed: request.keyed,
                renewed,
            };
            match retry::next(&attempt, &policy, self.inner.settings.entropy.next_u64()) {
                Next::GiveUp => return Err(error),
                Next::Again { after } => {
                    tracing::warn!(
                        endpoint, appid = %self.inner.appid, attempt = number, error = %error,
                        "Call failed, will retry."
                    );
                    tokio::time::sleep(after).await;
                    number += 1;
                }
                Next::WithNewToken => {
                    // A token that the caller gave for this call is the caller's to renew.
                    let Some(Carried {
                        token: failed,
                        kind: Some(kind),
                        ..
                    }) = &token
                    else {
                        return Err(error);
                    };
                    let source = self.inner.sources.get(*kind, endpoint)?;
                    let Some(new) = source.renew(self, failed).await? else {
                        return Err(error);
                    };
                    token = token.map(|carried| Carried {
                        token: new,
                        ..carried
                    });
                    renewed = true;
                }
            }
        }
    }

    /// Refuses what the account has no right to, if the account's kind is known.
    fn permit(&self, request: &Prepared) -> Result<(), Error> {
        let Some(facts) = &self.inner.facts else {
            return Ok(());
        };
        let rows = permission::rows(request.permissions);
        permission::check_rows(&rows, facts).map_err(|denied| Error::Preflight {
            endpoint: request.envelope.endpoint,
            reason: Refusal::Permission(denied),
        })
    }

    /// The token that the request needs, with the parameter that carries it.
    async fn token(&self, request: &Prepared, options: &Options) -> Result<Option<Carried>, Error> {
        let endpoint = request.envelope.endpoint;
        let refuse = |reason: &str| {
            Err(Error::Credential {
                endpoint,
                reason: reason.into(),
            })
        };
        let (param, kind) = match request.auth {
            Auth::None => return Ok(None),
            Auth::Sns(param) => (param, Some(TokenKind::User)),
            Auth::WebhookKey(param) => (param, None),
            Auth::AccessToken(param) => (param, Some(TokenKind::Account)),
            Auth::ComponentAccessToken(param) => (param, Some(TokenKind::Component)),
            Auth::SuiteAccessToken(param) => (param, Some(TokenKind::Suite)),
            Auth::ProviderAccessToken(param) => (param, Some(TokenKind::Provider)),
            Auth::DeviceAccessToken(param) => (param, Some(TokenKind::Device)),
            Auth::ModelAccessToken(param) => (param, Some(TokenKind::Model)),
            Auth::Merchant => {
                return match &self.inner.merchant {
                    Some(merchant) => merchant.suits(request).map(|()| None),
                    None => refuse("payment calls are signed: give the client a merchant"),
                };
            }
            // The token stands in the path.
            Auth::Chatbot => return Ok(None),
            Auth::Openai => {
                self.chatbot(endpoint)?;
                if endpoint == id::chatbot::v2::TOKEN {
                    return Ok(None);
                }
                ("", Some(TokenKind::Chatbot))
            }
        };
        if let Some(token) = &options.token {
            let token = token.clone();
            let kind = None;
            return Ok(Some(Carried { param, token, kind }));
        }
        // A user's token or a robot's key may also stand among the query's fields.
        let may_be_given = matches!(kind, None | Some(TokenKind::User));
        if may_be_given && request.query.iter().any(|(name, _)| name == param) {
            return Ok(None);
        }
        let Some(kind) = kind else {
            return refuse("give the robot's key with `.token(…)`");
        };
        let source = self.inner.sources.get(kind, endpoint)?;
        match source.token(self).await {
            Ok(token) => Ok(Some(Carried {
                param,
                token,
                kind: Some(kind),
            })),
            Err(Error::Credential { reason, .. }) => Err(Error::Credential { endpoint, reason }),
            Err(error) => Err(error),
        }
    }

    /// One attempt.
    async fn once(
        &self,
        request: &Prepared,
        token: Option<&Carried>,
        options: &Options,
        want: Want,
    ) -> Result<Got, (Error, Reached)> {
        let settings = &self.inner.settings;
        let envelope = request.envelope;
        let config = |what: &str| {
            (
                Error::Config(format!("{envelope:?}: {what}").into()),
                Reached::Answered(xinqiao_catalog::RetryClass::Never),
            )
        };
        let default_origin;
        let origin = match settings.endpoints.get(request.host) {
            Some(origin) => origin.as_str(),
            None => {
                default_origin = format!("https://{}", request.host);
                &default_origin
            }
        };
        let in_query = token.filter(|carried| !carried.param.is_empty());
        let in_query = in_query.map(|carried| (carried.param, carried.token.expose()));
        let mut outgoing = Outgoing {
            method: Method::from_bytes(request.method.as_bytes())
                .map_err(|_| config("the method is none"))?,
            url: url::join(origin, &request.path, &request.query, in_query),
            headers: headers(request).ok_or_else(|| config("a header is none"))?,
            body: request.body.clone(),
            timeout: options.timeout.unwrap_or(settings.timeout),
            max_answer: options.limit.map_or(settings.max_answer, |limit| {
                limit.try_into().unwrap_or(usize::MAX)
            }),
        };
        let merchant = self.inner.merchant.as_ref();
        let merchant = merchant.filter(|_| request.auth == Auth::Merchant);
        if let Some(merchant) = merchant {
            let signed = merchant.sign(self, request, &mut outgoing).await;
            signed.map_err(unsigned)?;
        }
        if request.auth == Auth::Openai {
            let token = token.map(|carried| &carried.token);
            let bot = self.chatbot(envelope.endpoint).map_err(unsigned)?;
            let signed = bot.sign(self, request, token, &mut outgoing);
            signed.map_err(unsigned)?;
        }
        let begun = settings.clock.now();
        let within = settings.max_answer as u64;
        let result = match want {
            Want::Whole => settings.transport.send(outgoing).await.map(Ok),
            Want::Stream => match settings.transport.open(outgoing).await {
                Ok(arriving) => file_stream::begin(request, arriving, within).await,
                Err(error) => Err(error),
            },
        };
        let elapsed_ms = settings.clock.now().duration_since(begun).as_millis();
        let whole = match result {
            Ok(whole) => whole,
            Err(error) => {
                tracing::debug!(
                    endpoint = envelope.endpoint, reason = %error.reason, elapsed_ms,
                    "No answer."
                );
                return Err(unanswered(request, error));
            }
        };
        let mut incoming = match whole {
            Ok(incoming) => incoming,
            Err(mut stream) => {
                tracing::debug!(endpoint = envelope.endpoint, elapsed_ms, "Call answered.");
                let Some(merchant) = merchant else {
                    return Ok(Got::Stream(Box::new(stream)));
                };
                let proof = merchant.check_head(self, request, stream.headers()).await;
                match proof.map_err(untrusted)? {
                    HeadProof::None => return Ok(Got::Stream(Box::new(stream))),
                    HeadProof::Sha1(hash) => {
                        stream.expect_sha1(hash);
                        return Ok(Got::Stream(Box::new(stream)));
                    }
                    HeadProof::Whole => match stream.collect(within).await {
                        Ok(incoming) => incoming,
                        Err(error) => return Err(unanswered(request, error)),
                    },
                }
            }
        };
        tracing::debug!(
            endpoint = envelope.endpoint,
            status = incoming.status,
            elapsed_ms,
            "Call answered."
        );
        if let Some(merchant) = merchant {
            let checked = merchant.check(self, request, &mut incoming).await;
            checked.map_err(untrusted)?;
        }
        judge(request, incoming).map(Got::Whole)
    }
}

fn headers(request: &Prepared) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if let Some(content_type) = &request.content_type {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_str(content_type).ok()?,
        );
    }
    for (name, value) in &request.headers {
        headers.insert(
            HeaderName::from_bytes(name.as_bytes()).ok()?,
            HeaderValue::from_bytes(value.as_bytes()).ok()?,
        );
    }
    Some(headers)
}

/// What kept a request from being signed was already repeated, if it may be.
fn unsigned(error: Error) -> (Error, Reached) {
    (error, Reached::Answered(xinqiao_catalog::RetryClass::Never))
}

fn untrusted(error: Error) -> (Error, Reached) {
    let reached = match &error {
        Error::Api(failure) => Reached::Answered(class(failure.retry)),
        _ => Reached::Unknown,
    };
    (error, reached)
}

fn unanswered(request: &Prepared, error: TransportError) -> (Error, Reached) {
    let reached = if error.sent {
        Reached::Unknown
    } else {
        Reached::Nothing
    };
    let error = Error::Transport {
        endpoint: request.envelope.endpoint,
        host: request.host.into(),
        reason: error.reason,
        source: error.source,
        sent: error.sent,
    };
    (error, reached)
}

/// Tells success from failure.
fn judge(request: &Prepared, incoming: Incoming) -> Result<Answer, (Error, Reached)> {
    let Incoming {
        status,
        headers,
        body,
    } = incoming;
    let answer = Answer {
        endpoint: request.envelope.endpoint,
        status,
        headers,
        body,
    };
    let mut envelope = request.envelope;
    if request.auth == Auth::Openai {
        // WECHAT: today's interface of the chatbot words failures otherwise than the older one.
        (envelope.code_field, envelope.message_field) = ("code", "msg");
    }
    let failure = answer::failure(envelope, status, &answer.body);
    if let Some(mut failure) = failure {
        failure.rid = failure.rid.or_else(|| answer.trace());
        let class = class(failure.retry);
        return Err((Error::Api(Box::new(failure)), Reached::Answered(class)));
    }
    let kind = answer::looks_like(&answer.body);
    let is_answer = kind != HTML || matches!(envelope.answer, Content::Raw);
    if (200..300).contains(&status) && is_answer {
        if response::is_file(envelope.answer) && answer.came() == Came::Nothing {
            let error = Error::Decode {
                endpoint: envelope.endpoint,
                path: "".into(),
                source: response::NO_FILE.into(),
            };
            return Err((error, Reached::Answered(xinqiao_catalog::RetryClass::Never)));
        }
        return Ok(answer);
    }
    // Not the platform's own answer: a proxy's, a gateway's or an edge server's.
    let error = TransportError {
        reason: TransportReason::Status(status),
        sent: true,
        source: format!(
            "{kind} of {} bytes came, no answer of the platform",
            answer.body.len()
        )
        .into(),
    };
    Err(unanswered(request, error))
}

fn class(retry: Retry) -> xinqiao_catalog::RetryClass {
    use xinqiao_catalog::RetryClass;
    match retry {
        Retry::Never => RetryClass::Never,
        Retry::Now => RetryClass::Now,
        Retry::After(_) => RetryClass::Later,
        Retry::RefreshToken => RetryClass::RefreshToken,
        Retry::NextQuotaWindow => RetryClass::NextQuotaWindow,
    }
}
