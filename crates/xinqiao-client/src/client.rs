//! The client and how it is set up.

use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};

use serde_json::Value;
use xinqiao_catalog::rules::{permission::AccountFacts, retry::Policy};
use xinqiao_types::{AppId, AppSecret, Clock, Entropy, SystemClock, SystemEntropy};
use xinqiao_wire::Endpoint;

use crate::{
    call::Call,
    error::Error,
    free::FreeCall,
    token::{NoToken, OwnTokens, TokenSource},
    transport::{HttpOptions, HttpTransport, Transport},
};

/// One account's access to the platform. Cheap to clone; clones share the token and the connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) appid: AppId,
    pub(crate) tokens: Arc<dyn TokenSource>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) facts: Option<AccountFacts>,
}

/// What clients of several accounts may share.
pub(crate) struct Settings {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) endpoints: BTreeMap<String, String>,
    pub(crate) timeout: Duration,
    pub(crate) max_answer: usize,
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("appid", &self.inner.appid)
            .field("tokens", &self.inner.tokens)
            .field("transport", &self.inner.settings.transport)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client for an account with its secret, or with a key that a gateway issued.
    pub fn new(appid: impl Into<AppId>, secret: impl Into<AppSecret>) -> Self {
        Self::builder(appid)
            .secret(secret)
            .assemble(Arc::new(HttpTransport::default()))
    }

    /// Begins a client for an account.
    pub fn builder(appid: impl Into<AppId>) -> ClientBuilder {
        ClientBuilder {
            appid: appid.into(),
            tokens: None,
            transport: None,
            http: HttpOptions::default(),
            endpoints: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            max_answer: 32 << 20,
            policy: Policy::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            facts: None,
        }
    }

    /// The same settings and connections for another account.
    #[must_use]
    pub fn with_account(&self, appid: impl Into<AppId>, secret: impl Into<AppSecret>) -> Self {
        Self {
            inner: Arc::new(Inner {
                appid: appid.into(),
                tokens: Arc::new(OwnTokens::new(secret)),
                settings: Arc::clone(&self.inner.settings),
                facts: None,
            }),
        }
    }

    /// The account.
    pub fn appid(&self) -> &AppId {
        &self.inner.appid
    }

    /// The clock that the client lives by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.settings.clock
    }

    /// A call of an endpoint, to be awaited.
    pub fn send<E: Endpoint>(&self, request: E) -> Call<E> {
        Call::new(self.clone(), request)
    }

    /// A call with free JSON, to be awaited: `endpoint` is a catalog id, fields of path, query and body
    /// stand side by side in `fields`.
    pub fn call(&self, endpoint: &str, fields: Value) -> FreeCall {
        FreeCall::new(self.clone(), endpoint, fields)
    }
}

/// Sets up a [`Client`].
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    appid: AppId,
    tokens: Option<Arc<dyn TokenSource>>,
    transport: Option<Arc<dyn Transport>>,
    http: HttpOptions,
    endpoints: BTreeMap<String, String>,
    timeout: Duration,
    max_answer: usize,
    policy: Policy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    facts: Option<AccountFacts>,
}

impl ClientBuilder {
    /// The account's secret, or a key that a gateway issued: tokens are fetched with it.
    pub fn secret(mut self, secret: impl Into<AppSecret>) -> Self {
        self.tokens = Some(Arc::new(OwnTokens::new(secret)));
        self
    }

    /// Where tokens come from, instead of a secret.
    pub fn tokens(mut self, source: impl TokenSource + 'static) -> Self {
        self.tokens = Some(Arc::new(source));
        self
    }

    /// How requests reach the platform, instead of HTTP.
    pub fn transport(mut self, transport: impl Transport + 'static) -> Self {
        self.transport = Some(Arc::new(transport));
        self
    }

    /// What stands in for a platform host: `("api.weixin.qq.com", "http://127.0.0.1:8601")`.
    pub fn endpoint(mut self, host: impl Into<String>, origin: impl Into<String>) -> Self {
        self.endpoints.insert(host.into(), origin.into());
        self
    }

    /// What stands in for platform hosts, as simulator and gateway tell it.
    pub fn endpoints(
        mut self,
        map: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>,
    ) -> Self {
        self.endpoints.extend(
            map.into_iter()
                .map(|(host, origin)| (host.into(), origin.into())),
        );
        self
    }

    /// Options of the HTTP transport: proxy, roots, user agent.
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// How long one attempt may take; 10 s unless set.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How many bytes of an answer are taken; 32 MiB unless set.
    pub const fn max_answer(mut self, bytes: usize) -> Self {
        self.max_answer = bytes;
        self
    }

    /// How often and how fast to repeat what may be repeated.
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The clock to live by.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The source of chance for boundaries and pauses.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// What the account is. With it, calls that the account has no right to are refused before a byte
    /// leaves.
    pub fn account(mut self, facts: AccountFacts) -> Self {
        self.facts = Some(facts);
        self
    }

    /// Makes the client.
    ///
    /// # Errors
    /// The HTTP options cannot be used.
    pub fn build(mut self) -> Result<Client, Error> {
        let transport = match self.transport.take() {
            Some(transport) => transport,
            None => Arc::new(HttpTransport::new(&self.http)?),
        };
        Ok(self.assemble(transport))
    }

    fn assemble(self, transport: Arc<dyn Transport>) -> Client {
        let settings = Settings {
            transport,
            endpoints: self.endpoints,
            timeout: self.timeout,
            max_answer: self.max_answer,
            policy: self.policy,
            clock: self.clock,
            entropy: self.entropy,
        };
        Client {
            inner: Arc::new(Inner {
                appid: self.appid,
                tokens: self.tokens.unwrap_or_else(|| Arc::new(NoToken)),
                settings: Arc::new(settings),
                facts: self.facts,
            }),
        }
    }
}
