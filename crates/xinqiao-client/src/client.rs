//! The client and how it is set up.

use std::{collections::BTreeMap, fmt, ops::Deref, sync::Arc, time::Duration};

use serde_json::Value;
use xinqiao_catalog::rules::{permission::AccountFacts, retry::Policy};
use xinqiao_types::{AppId, AppSecret, Clock, CorpId, Entropy, SystemClock, SystemEntropy};
use xinqiao_wire::Endpoint;

use crate::{
    call::Call,
    chatbot::Chatbot,
    error::Error,
    free::FreeCall,
    merchant::Merchant,
    token::{
        Component, Device, Kind, Model, OwnTokens, Provider, Sources, Suite, TokenKind,
        TokenSource, UserTokens,
    },
    transport::{HttpOptions, HttpTransport, Transport},
};

/// One account's access to the platform. Cheap to clone; clones share the token and the connections.
#[derive(Clone)]
pub struct Client {
    pub(crate) inner: Shared,
}

/// What clones of a client share. Behind `dyn`, so that a program that holds a client needn't compile how one is
/// dropped.
#[derive(Clone)]
pub(crate) struct Shared(Arc<dyn AsRef<Inner> + Send + Sync>);

impl Shared {
    fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl Deref for Shared {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        (*self.0).as_ref()
    }
}

impl AsRef<Inner> for Inner {
    fn as_ref(&self) -> &Inner {
        self
    }
}

pub(crate) struct Inner {
    pub(crate) appid: AppId,
    pub(crate) sources: Sources,
    pub(crate) settings: Arc<Settings>,
    pub(crate) facts: Option<AccountFacts>,
    pub(crate) merchant: Option<Merchant>,
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
            .field("tokens", &self.inner.sources.by_kind)
            .field("transport", &self.inner.settings.transport)
            .finish_non_exhaustive()
    }
}

impl Client {
    /// A client for an account with its secret, or with a key that a gateway issued.
    pub fn new(appid: impl Into<AppId>, secret: impl Into<AppSecret>) -> Self {
        Self::of_account(appid.into(), secret.into())
    }

    // Not generic, so that it is compiled here once.
    fn of_account(appid: AppId, secret: AppSecret) -> Self {
        Self::builder(appid)
            .secret(secret)
            .assemble(Arc::new(HttpTransport::default()))
    }

    /// A client for a third-party platform (第三方平台) itself.
    pub fn of_component(component: &Component) -> Self {
        let appid = component.appid().clone();
        Self::builder(appid)
            .component(component)
            .assemble(Arc::new(HttpTransport::default()))
    }

    /// A client for an agent of a WeCom corp, with the agent's secret. An account's appid is no corpid:
    ///
    /// ```
    /// # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
    /// use xinqiao::Client;
    /// use xinqiao::types::CorpId;
    ///
    /// let corp = Client::of_corp(CorpId::new("ww0123456789abcdef"), "secret");
    /// ```
    ///
    /// ```compile_fail
    /// use xinqiao_client::Client;
    /// use xinqiao_types::AppId;
    ///
    /// let corp = Client::of_corp(AppId::new("wx0123456789abcdef"), "secret");
    /// ```
    pub fn of_corp(corpid: impl Into<CorpId>, secret: impl Into<AppSecret>) -> Self {
        Self::corp_builder(corpid, secret).assemble(Arc::new(HttpTransport::default()))
    }

    /// Begins a client for an agent of a WeCom corp.
    pub fn corp_builder(corpid: impl Into<CorpId>, secret: impl Into<AppSecret>) -> ClientBuilder {
        Self::builder(id_of(&corpid.into())).corp_secret(secret.into())
    }

    /// A client for a bot (微信对话开放平台).
    pub fn of_chatbot(bot: &Chatbot) -> Self {
        Self::builder(bot.appid().clone())
            .chatbot(bot)
            .assemble(Arc::new(HttpTransport::default()))
    }

    /// A client for a WeCom third-party application itself.
    pub fn of_suite(suite: &Suite) -> Self {
        Self::builder(suite.id().as_str())
            .suite(suite)
            .assemble(Arc::new(HttpTransport::default()))
    }

    /// Begins a client for an account.
    pub fn builder(appid: impl Into<AppId>) -> ClientBuilder {
        ClientBuilder {
            appid: appid.into(),
            sources: Sources::default(),
            transport: None,
            http: HttpOptions::default(),
            endpoints: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            max_answer: 32 << 20,
            policy: Policy::default(),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            facts: None,
            merchant: None,
        }
    }

    /// The same settings and connections for another account.
    #[must_use]
    pub fn with_account(&self, appid: impl Into<AppId>, secret: impl Into<AppSecret>) -> Self {
        let mut sources = Sources::default();
        let secret = secret.into();
        sources.set(TokenKind::Account, OwnTokens::new(secret.clone()));
        sources.secret = Some(secret);
        self.with_sources(appid.into(), sources, None)
    }

    /// The same settings and connections for an account that granted a third-party platform. Its tokens
    /// are shared by all clients made so from the same platform.
    #[must_use]
    pub fn with_authorizer(&self, component: &Component, appid: impl Into<AppId>) -> Self {
        let appid = appid.into();
        let mut sources = Sources::default();
        sources.set(TokenKind::Account, component.authorizer(&appid));
        sources.set(TokenKind::Component, component.clone());
        sources.component = Some(component.clone());
        self.with_sources(appid, sources, None)
    }

    /// The same settings and connections for a corp that installed a WeCom third-party application.
    #[must_use]
    pub fn with_corp(&self, suite: &Suite, corp: impl Into<CorpId>) -> Self {
        let corp = corp.into();
        let mut sources = Sources::default();
        sources.set(TokenKind::Account, suite.corp(&corp));
        sources.set(TokenKind::Suite, suite.clone());
        self.with_sources(id_of(&corp), sources, None)
    }

    /// The same client, calling for a user: endpoints under `/sns/*` carry the user's token.
    #[must_use]
    pub fn with_user(&self, user: Arc<UserTokens>) -> Self {
        self.with_source(TokenKind::User, user)
    }

    /// The same client, with a source of its own for tokens of one kind.
    pub(crate) fn with_source(&self, kind: TokenKind, source: impl TokenSource + 'static) -> Self {
        let mut sources = self.inner.sources.clone();
        sources.set(kind, source);
        self.with_sources(self.inner.appid.clone(), sources, self.inner.facts.clone())
    }

    /// The same client, with a third-party platform's token for calls that ask for one.
    pub(crate) fn with_component(&self, component: &Component) -> Self {
        self.with_source(TokenKind::Component, component.clone())
    }

    /// The same client, with a third-party application's token for calls that ask for one.
    pub(crate) fn with_suite(&self, suite: &Suite) -> Self {
        self.with_source(TokenKind::Suite, suite.clone())
    }

    fn with_sources(&self, appid: AppId, sources: Sources, facts: Option<AccountFacts>) -> Self {
        Self {
            inner: Shared::new(Inner {
                appid,
                sources,
                settings: Arc::clone(&self.inner.settings),
                facts,
                merchant: self.inner.merchant.clone(),
            }),
        }
    }

    /// The platform that acts for the account, if one does.
    pub(crate) fn component(&self) -> Option<&Component> {
        self.inner.sources.component.as_ref()
    }

    /// Whether a third-party application of WeCom acts here.
    pub(crate) fn is_suite(&self) -> bool {
        let kinds = &self.inner.sources.by_kind;
        kinds.contains_key(&TokenKind::Suite)
    }

    /// The account's secret, for a call that exchanges a code.
    pub(crate) fn secret_for(&self, endpoint: &'static str) -> Result<&AppSecret, Error> {
        let secret = self.inner.sources.secret.as_ref();
        secret.ok_or_else(|| Error::Credential {
            endpoint,
            reason:
                "a code is exchanged with the account's secret; give it with `.secret(…)`, or the \
                     third-party platform that acts for the account with `Client::with_authorizer`"
                    .into(),
        })
    }

    /// The account.
    pub fn appid(&self) -> &AppId {
        &self.inner.appid
    }

    /// The merchant that payment calls are signed for, if there is one.
    pub fn merchant(&self) -> Option<&Merchant> {
        self.inner.merchant.as_ref()
    }

    /// A client that signs payment calls for a merchant, over HTTP.
    ///
    /// # Errors
    /// The merchant's client certificate cannot be used.
    pub fn for_merchant(merchant: impl Into<Merchant>) -> Result<Self, Error> {
        let merchant = merchant.into();
        let mchid = merchant.mchid().as_str().to_owned();
        Self::builder(mchid).merchant(merchant).build()
    }

    /// The clock that the client lives by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.settings.clock
    }

    /// A call of an endpoint, to be awaited.
    pub fn send<E: Endpoint>(&self, request: E) -> Call<E> {
        Call::new(self.clone(), request)
    }

    /// A call with free JSON, to be awaited: `endpoint` is a constant of [`id`](crate::id) or a catalog id as text;
    /// fields of path, query and body stand side by side in `fields`. It is signed, repeated and refused like a typed
    /// call. What travels as XML is JSON here too.
    ///
    /// ```no_run
    /// # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
    /// # async fn f(shop: xinqiao_client::Client) -> Result<(), xinqiao_client::Error> {
    /// use serde_json::json;
    /// use xinqiao::{code, id::official_account::message::custom};
    ///
    /// let text = json!({"touser": "o1", "msgtype": "text", "text": {"content": "hi"}});
    /// match shop.call(custom::SEND, text).await {
    ///     Err(error) if error.is(code::OUT_OF_RESPONSE_WINDOW) => {} // the user wrote too long ago
    ///     other => drop(other?),
    /// }
    /// # Ok(()) }
    /// ```
    pub fn call(&self, endpoint: &str, fields: Value) -> FreeCall {
        FreeCall::new(self.clone(), endpoint, fields)
    }
}

/// What stands where an account's appid stands, for a corp.
fn id_of(corp: &CorpId) -> AppId {
    AppId::new(corp.as_str())
}

/// Sets up a [`Client`].
#[derive(Debug)]
#[must_use]
pub struct ClientBuilder {
    appid: AppId,
    sources: Sources,
    transport: Option<Arc<dyn Transport>>,
    http: HttpOptions,
    endpoints: BTreeMap<String, String>,
    timeout: Duration,
    max_answer: usize,
    policy: Policy,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    facts: Option<AccountFacts>,
    merchant: Option<Merchant>,
}

impl ClientBuilder {
    /// The account's secret, or a key that a gateway issued: tokens are fetched with it.
    pub fn secret(mut self, secret: impl Into<AppSecret>) -> Self {
        let secret = secret.into();
        let tokens = OwnTokens::new(secret.clone());
        self.sources.secret = Some(secret);
        self.source(TokenKind::Account, tokens)
    }

    /// The secret of a WeCom (企业微信) agent; the client's id is the corpid.
    pub fn corp_secret(self, secret: impl Into<AppSecret>) -> Self {
        self.source(TokenKind::Account, OwnTokens::of_kind(secret, Kind::Corp))
    }

    /// The third-party platform (第三方平台) that the client speaks for; the client's id is the
    /// platform's. For an account that granted it, see [`Client::with_authorizer`].
    pub fn component(self, component: &Component) -> Self {
        self.source(TokenKind::Component, component.clone())
    }

    /// The WeCom third-party application that the client speaks for. For a corp that installed it, see
    /// [`Client::with_corp`].
    pub fn suite(self, suite: &Suite) -> Self {
        self.source(TokenKind::Suite, suite.clone())
    }

    /// The WeCom provider (服务商) that the client speaks for.
    pub fn provider(self, provider: Provider) -> Self {
        self.source(TokenKind::Provider, provider)
    }

    /// The model of WeCom's smart hardware (智慧硬件) that the client speaks for.
    pub fn model(self, model: &Model) -> Self {
        self.source(TokenKind::Model, model.clone())
    }

    /// The device of WeCom's smart hardware that the client speaks for, and its model.
    pub fn device(self, device: &Device) -> Self {
        self.model(device.model())
            .source(TokenKind::Device, device.clone())
    }

    /// The bot (微信对话开放平台) that the client speaks for.
    pub fn chatbot(mut self, bot: &Chatbot) -> Self {
        self.sources.chatbot = Some(bot.clone());
        self.source(TokenKind::Chatbot, bot.clone())
    }

    /// The merchant that payment calls are signed for; the client's id is then the merchant's number.
    pub fn merchant(mut self, merchant: impl Into<Merchant>) -> Self {
        let merchant = merchant.into();
        if let Some(identity) = merchant.identity() {
            self.http.identity = Some(identity.clone());
        }
        self.merchant = Some(merchant);
        self
    }

    /// Where tokens of one kind come from.
    pub fn source(mut self, kind: TokenKind, source: impl TokenSource + 'static) -> Self {
        self.sources.set(kind, source);
        self
    }

    /// Where tokens come from, instead of a secret.
    pub fn tokens(self, source: impl TokenSource + 'static) -> Self {
        self.source(TokenKind::Account, source)
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
    pub fn http(mut self, mut options: HttpOptions) -> Self {
        options.identity = options.identity.or(self.http.identity);
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
            inner: Shared::new(Inner {
                appid: self.appid,
                sources: self.sources,
                settings: Arc::new(settings),
                facts: self.facts,
                merchant: self.merchant,
            }),
        }
    }
}
