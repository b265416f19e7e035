//! Sets a [`Callback`] up.

use std::{
    fmt,
    future::Future,
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use tokio_util::task::TaskTracker;
use xinqiao_crypto::AesKey;
use xinqiao_message::envelope::Keys;
use xinqiao_types::{
    AppId, CallbackMode, CallbackToken, Clock, Entropy, SystemClock, SystemEntropy,
};

use super::{Callback, Inner, Late};
use crate::{
    handler::{Erased, Handler, erase},
    late::LateReply,
    memory::Memory,
};

/// The platform waits five seconds; the rest is for the way.
const BUDGET: Duration = Duration::from_millis(4500);

/// A setting that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// The `EncodingAESKey` is none.
    #[error("the EncodingAESKey cannot be used: {0}; copy its 43 characters from the console")]
    AesKey(Box<str>),
    /// Something else that the app needs.
    #[error("{0}")]
    Other(Box<str>),
}

/// Sets a [`Callback`] up.
#[must_use]
pub struct Builder {
    keys: Keys,
    handlers: Vec<Erased>,
    late: Option<Late>,
    budget: Duration,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("handlers", &self.handlers.len())
            .finish_non_exhaustive()
    }
}

impl Callback {
    /// Begins with the account's appid and the Token of its server URL, in plain mode.
    pub fn builder(appid: impl Into<AppId>, token: impl Into<CallbackToken>) -> Builder {
        let appid: AppId = appid.into();
        Self::with_keys(Keys::new(token.into(), appid.as_str()))
    }

    /// Begins with keys that are made already, for instance with those of before a change.
    pub fn with_keys(keys: Keys) -> Builder {
        Builder {
            keys,
            handlers: Vec::new(),
            late: None,
            budget: BUDGET,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl Builder {
    /// The `EncodingAESKey`. From now on only encrypted messages are accepted.
    ///
    /// # Errors
    /// The text is no such key.
    pub fn aes_key(mut self, key: &str) -> Result<Self, SetupError> {
        let key =
            AesKey::parse(key).map_err(|error| SetupError::AesKey(error.to_string().into()))?;
        self.keys = self.keys.with_aes_key(&key);
        Ok(self)
    }

    /// The mode set in the console; safe with a key and plain without, unless set.
    pub fn mode(mut self, mode: CallbackMode) -> Self {
        self.keys = self.keys.with_mode(mode);
        self
    }

    /// How far a callback's timestamp may be from now, in both directions; 24 hours unless set.
    pub fn window(mut self, window: Duration) -> Self {
        self.keys = self.keys.with_window(window);
        self
    }

    /// Adds a handler. The first one whose arguments fit is called, in the order of adding.
    pub fn on<A>(mut self, handler: impl Handler<A>) -> Self {
        self.handlers.push(erase(handler));
        self
    }

    /// What to do with a reply that was not ready within the budget, for instance to send it as a
    /// customer message.
    pub fn late<F, Fut>(mut self, send: F) -> Self
    where
        F: Fn(LateReply) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.late = Some(Arc::new(move |reply| Box::pin(send(reply))));
        self
    }

    /// How long a handler may take before the platform is answered with silence; 4.5 s unless set.
    pub const fn budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// The clock to live by.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The source of chance.
    pub fn entropy(mut self, entropy: impl Entropy + 'static) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// Makes the service.
    pub fn build(self) -> Callback {
        Callback {
            inner: Arc::new(Inner {
                memory: Memory::new(self.keys.window()),
                keys: self.keys,
                handlers: self.handlers,
                late: self.late,
                budget: self.budget,
                explained: AtomicI64::new(i64::MIN),
                tasks: TaskTracker::new(),
                clock: self.clock,
                entropy: self.entropy,
            }),
        }
    }
}
