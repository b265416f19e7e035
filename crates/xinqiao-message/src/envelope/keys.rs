//! What an account's server URL is protected with.

use std::time::Duration;

use xinqiao_crypto::{AesKey, MessageCipher};
use xinqiao_types::{CallbackMode, CallbackToken};

/// How far a callback's timestamp may be from now, unless told otherwise.
pub const DEFAULT_WINDOW: Duration = Duration::from_hours(24);

/// Token, key and receiver id of one server URL; the key is expanded once.
#[derive(Debug, Clone)]
pub struct Keys {
    pub(super) token: CallbackToken,
    pub(super) cipher: Option<MessageCipher>,
    pub(super) mode: CallbackMode,
    pub(super) previous: Vec<Previous>,
    pub(super) window: Duration,
    provider: Option<Box<str>>,
    receiver_id: Box<str>,
}

/// Settings of before a change. The platform goes on with them until the change takes effect.
#[derive(Debug, Clone)]
pub(super) struct Previous {
    pub(super) token: Option<CallbackToken>,
    pub(super) cipher: Option<MessageCipher>,
}

/// Where a ciphertext stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// In the check of a URL.
    Check,
    /// In a push.
    Push,
}

/// Corpids, the encrypted ones that providers see included, begin with `w` and a letter.
fn is_corpid(id: &[u8]) -> bool {
    matches!(id, [b'w', second, _, ..] if second.is_ascii_alphabetic())
        && id.len() <= 64
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
}

/// Which settings a callback was made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// The present ones.
    Current,
    /// Those of before a change; 0 is the latest change.
    Previous(usize),
}

impl Keys {
    /// Settings in plain mode.
    ///
    /// `receiver_id` is what the ciphertext must carry: the appid; for a third-party platform its own
    /// appid; for WeCom the corpid, the suite id, or nothing.
    pub fn new(token: CallbackToken, receiver_id: impl Into<Box<str>>) -> Self {
        Self {
            token,
            cipher: None,
            mode: CallbackMode::Plain,
            previous: Vec::new(),
            window: DEFAULT_WINDOW,
            provider: None,
            receiver_id: receiver_id.into(),
        }
    }

    /// Adds the key. Unless told otherwise, only encrypted pushes are accepted from now on.
    pub fn with_aes_key(mut self, key: &AesKey) -> Self {
        self.cipher = Some(MessageCipher::new(key, &self.receiver_id));
        self.mode = CallbackMode::Safe;
        self
    }

    /// Sets the mode: what is made when sealing, and the least that is accepted when opening.
    ///
    /// In plain mode encrypted pushes are accepted too, if there is a key.
    pub fn with_mode(mut self, mode: CallbackMode) -> Self {
        self.mode = mode;
        self
    }

    /// Adds what was valid before the last change, so that pushes made with it are still opened.
    pub fn with_previous(mut self, token: Option<CallbackToken>, key: Option<&AesKey>) -> Self {
        let cipher = key.map(|key| MessageCipher::new(key, &self.receiver_id));
        self.previous.push(Previous { token, cipher });
        self
    }

    /// Sets how far a callback's timestamp may be from now, in both directions; [`DEFAULT_WINDOW`] unless
    /// told otherwise. Whoever accepts callbacks must recognise repeats for at least twice as long.
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// How far a callback's timestamp may be from now.
    pub const fn window(&self) -> Duration {
        self.window
    }

    /// Makes these the settings of a WeCom suite's callback address, where several receivers meet: the
    /// check of the URL is sealed for the `provider`, commands for the suite (which is
    /// [`Keys::receiver_id`]), and data for whichever corp installed it ([`super::Opened::receiver`]).
    pub fn with_provider(mut self, provider: impl Into<Box<str>>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// The same settings for another receiver; for the reply to a push that was not sealed for
    /// [`Keys::receiver_id`].
    pub fn for_receiver(&self, receiver_id: &str) -> Self {
        Self {
            cipher: self
                .cipher
                .as_ref()
                .map(|cipher| cipher.with_receiver_id(receiver_id)),
            receiver_id: receiver_id.into(),
            ..self.clone()
        }
    }

    /// Whether a ciphertext in this place may carry this id.
    pub(super) fn accepts(&self, place: Place, id: &[u8]) -> bool {
        let is = |receiver: &str| xinqiao_crypto::constant_time_eq(id, receiver.as_bytes());
        match (&self.provider, place) {
            (None, _) => is(&self.receiver_id),
            (Some(provider), Place::Check) => is(provider),
            // A customer's corp is known by nothing but its form: the suite's key is the proof.
            (Some(_), Place::Push) => is(&self.receiver_id) || is_corpid(id),
        }
    }

    /// [`Keys::accepts`] in words.
    pub(super) fn expected(&self, place: Place) -> String {
        match (&self.provider, place) {
            (None, _) => self.receiver_id.to_string(),
            (Some(provider), Place::Check) => provider.to_string(),
            (Some(_), Place::Push) => format!("{}, or a corp that installed it", self.receiver_id),
        }
    }

    /// What the ciphertext must carry.
    pub fn receiver_id(&self) -> &str {
        &self.receiver_id
    }

    /// The mode.
    pub const fn mode(&self) -> CallbackMode {
        self.mode
    }

    /// Whether there is a key.
    pub const fn has_aes_key(&self) -> bool {
        self.cipher.is_some()
    }

    /// The token. It is a secret: a console of a simulator may show it, nobody else.
    pub const fn token(&self) -> &CallbackToken {
        &self.token
    }

    /// Every token, the present one first.
    pub(super) fn tokens(&self) -> impl Iterator<Item = (Generation, &CallbackToken)> {
        let previous = self
            .previous
            .iter()
            .enumerate()
            .filter_map(|(index, previous)| {
                previous
                    .token
                    .as_ref()
                    .map(|token| (Generation::Previous(index), token))
            });
        std::iter::once((Generation::Current, &self.token)).chain(previous)
    }

    /// Every key, the present one first.
    pub(super) fn ciphers(&self) -> impl Iterator<Item = (Generation, &MessageCipher)> {
        let previous = self
            .previous
            .iter()
            .enumerate()
            .filter_map(|(index, previous)| {
                previous
                    .cipher
                    .as_ref()
                    .map(|cipher| (Generation::Previous(index), cipher))
            });
        self.cipher
            .iter()
            .map(|cipher| (Generation::Current, cipher))
            .chain(previous)
    }
}
