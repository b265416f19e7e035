//! How a token is fetched, healed and forced.

use std::{
    sync::{Arc, MutexGuard, PoisonError, atomic::Ordering},
    time::Duration,
};

use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use tokio::time::Instant;
use xinqiao_store::{Fence, Millis, StoreError, StoredToken};
use xinqiao_types::AccessToken;

use super::{
    Cell, EARLY_SECONDS, Gate, LAST_SECONDS, Token, TokenError, TokenProblem, TokenStatus,
};
use crate::{
    held::{Asking, Held},
    platform,
    shared::Shared,
};

/// Refreshes because of refused tokens are at least this far apart.
const STORM_SECONDS: u64 = 60;
/// A failure is repeated for this long instead of asking again.
const FAILURE_MEMORY: Duration = Duration::from_secs(2);
/// Forced refreshes: how many a day, and how far apart.
const FORCED_A_DAY: usize = 20;
const FORCED_APART_SECONDS: i64 = 30;
/// How long one refresh may hold the lease, and how long the platform may take to answer it. Two refreshes are under
/// way at once only if a node stands still for longer than the difference.
const LEASE_MS: i64 = 10_000;
const ASKING: Duration = Duration::from_secs(5);
/// Token answers are small.
const ANSWER_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Normal,
    Forced,
}

impl Cell {
    fn status(&self) -> MutexGuard<'_, TokenStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The current token if it is good for another moment.
    fn usable(&self, shared: &Shared, margin: i64) -> Option<Arc<Token>> {
        self.current
            .load_full()
            .filter(|token| token.expires.since(shared.world()) > margin)
    }

    /// There is no token that lasts beyond `margin`: fetches one, or waits for whoever does.
    pub(super) async fn fetch_beyond(
        &self,
        shared: &Arc<Shared>,
        margin: i64,
    ) -> Result<Arc<Token>, TokenError> {
        let mut gate = self.gate.lock().await;
        if let Some(token) = self.usable(shared, margin) {
            return Ok(token);
        }
        if !gate.loaded {
            gate.loaded = true;
            if let Some(kept) = shared.store.token(&self.credential()).await? {
                self.adopt(&kept);
                if let Some(token) = self.usable(shared, margin) {
                    return Ok(token);
                }
            }
        }
        if let Some((at, error)) = &gate.failed
            && at.elapsed() < FAILURE_MEMORY
        {
            return Err(error.clone());
        }
        self.refresh(shared, &mut gate, Mode::Normal).await
    }

    /// The token ends soon: fetches the next one unless somebody does already. Failing is no harm
    /// yet.
    pub(super) async fn refresh_early(&self, shared: &Arc<Shared>) {
        let Ok(mut gate) = self.gate.try_lock() else {
            return;
        };
        let recent = |at: &Instant| at.elapsed() < Duration::from_secs(10);
        if self.usable(shared, EARLY_SECONDS).is_some()
            || gate.failed.as_ref().is_some_and(|(at, _)| recent(at))
            || gate.early.as_ref().is_some_and(recent)
        {
            return;
        }
        gate.early = Some(Instant::now());
        if let Err(error) = self.refresh(shared, &mut gate, Mode::Normal).await {
            tracing::warn!(
                appid = %self.appid, %error,
                "A token could not be refreshed early; the last one is served."
            );
        }
    }

    /// The platform refused `used`. Refreshes once, and only if it is the current token.
    pub(super) async fn heal(
        &self,
        shared: &Arc<Shared>,
        used: &str,
        refusal: i64,
    ) -> Result<Arc<Token>, TokenError> {
        let mut gate = self.gate.lock().await;
        let Some(current) = self.current.load_full() else {
            return self.refresh(shared, &mut gate, Mode::Normal).await;
        };
        if current.text.expose() != used {
            return Ok(current);
        }
        // An expiry is the platform's own word for a natural end, and asking for the stable token
        // then ends nobody's; only unexplained refusals can turn into a storm.
        let expired = self.held.ended_by(refusal);
        if !expired
            && let Some(at) = gate.healed
            && at.elapsed() < Duration::from_secs(STORM_SECONDS)
        {
            let error = TokenError::Storm(STORM_SECONDS);
            self.note_failure(&error);
            return Err(error);
        }
        let left = current.expires.since(shared.world());
        if !expired && left > EARLY_SECONDS {
            self.status().foreign_refreshes += 1;
            shared.metrics.tokens_foreign.add();
            tracing::warn!(
                appid = %self.appid,
                errcode = refusal,
                obtained = %current.obtained,
                left_seconds = left,
                rule = "token.foreign_refresh",
                "A token died long before its end: another program holds this AppSecret and forced a refresh."
            );
        }
        let fresh = self.refresh(shared, &mut gate, Mode::Normal).await?;
        if let Some((_, error)) = &gate.failed {
            // The one that was refused is all there is: nothing was healed, and force would end what another node got.
            return Err(error.clone());
        }
        gate.healed = Some(Instant::now());
        if fresh.text.expose() != used || !self.held.can_be_forced() {
            return Ok(fresh);
        }
        // The platform goes on handing out what it refuses: only force helps.
        self.forced(shared, &mut gate).await
    }

    pub(super) async fn force(&self, shared: &Arc<Shared>) -> Result<Arc<Token>, TokenError> {
        debug_assert!(self.held.can_be_forced());
        let mut gate = self.gate.lock().await;
        self.forced(shared, &mut gate).await
    }

    async fn forced(
        &self,
        shared: &Arc<Shared>,
        gate: &mut Gate,
    ) -> Result<Arc<Token>, TokenError> {
        let now = shared.context.clock.unix();
        while gate
            .forced
            .front()
            .is_some_and(|at| now.since(*at) >= 86_400)
        {
            gate.forced.pop_front();
        }
        let too_soon = gate
            .forced
            .back()
            .is_some_and(|at| now.since(*at) < FORCED_APART_SECONDS);
        if too_soon || gate.forced.len() >= FORCED_A_DAY {
            let error = TokenError::Budget;
            self.note_failure(&error);
            return Err(error);
        }
        gate.forced.push_back(now);
        tracing::info!(appid = %self.appid, used = gate.forced.len(), "A token refresh is forced.");
        self.refresh(shared, gate, Mode::Forced).await
    }

    /// Fetches a token under the lease. Holding the gate makes it the only one of this process.
    async fn refresh(
        &self,
        shared: &Arc<Shared>,
        gate: &mut Gate,
        mode: Mode,
    ) -> Result<Arc<Token>, TokenError> {
        let result = self.refresh_leased(shared, mode).await;
        match result {
            Ok(token) => {
                gate.failed = None;
                shared.metrics.tokens_refreshed.add();
                let mut status = self.status();
                status.refreshes += 1;
                status.expires = Some(token.expires);
                status.problem = None;
                tracing::info!(
                    appid = %self.appid, expires = %token.expires,
                    "A token was fetched."
                );
                Ok(token)
            }
            Err(error) => {
                gate.failed = Some((Instant::now(), error.clone()));
                shared.metrics.tokens_failed.add();
                self.note_failure(&error);
                // Meanwhile the last one is served, as long as it lasts.
                match self.usable(shared, LAST_SECONDS) {
                    Some(token) if mode == Mode::Normal => Ok(token),
                    _ => Err(error),
                }
            }
        }
    }

    async fn refresh_leased(
        &self,
        shared: &Arc<Shared>,
        mode: Mode,
    ) -> Result<Arc<Token>, TokenError> {
        let credential = self.credential();
        let now = shared.now();
        let begun = Instant::now();
        let lease = shared
            .store
            .lease(&credential, &shared.node, now, now.plus(LEASE_MS))
            .await?;
        let before = self.current.load_full();
        let Some(fence) = lease else {
            return self.of_another(shared, before.as_deref()).await;
        };
        // Between the look at the own token and the lease another node may have been through. What cannot be read
        // is replaced.
        if mode == Mode::Normal
            && let Ok(Some(token)) = self.replaced(shared, before.as_deref()).await
        {
            self.give_back(shared, fence).await;
            return Ok(token);
        }
        // What is left of the lease must be enough for the platform's answer.
        if begun.elapsed() + ASKING >= Duration::from_millis(LEASE_MS.cast_unsigned()) {
            self.give_back(shared, fence).await;
            return Err(TokenError::Leased);
        }
        let (text, expires_in) = match self.ask(shared, mode).await {
            Ok(answer) => answer,
            Err(error) => {
                self.give_back(shared, fence).await;
                return Err(error);
            }
        };
        let obtained = shared.world();
        let kept = StoredToken {
            token: text,
            obtained: Millis(obtained.0 * 1000),
            expires: Millis((obtained + expires_in).0 * 1000),
        };
        let put = shared.store.put_token(&credential, fence, kept.clone());
        let put = put.await;
        self.unkept.store(put.is_err(), Ordering::Relaxed);
        match put {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(
                    appid = %self.appid,
                    "The lease ran out meanwhile and another node has it; its token is used."
                );
                return self.of_another(shared, before.as_deref()).await;
            }
            // WECHAT: a token that could not be kept is still the only good one.
            Err(error) => {
                tracing::error!(appid = %self.appid, %error, "A token could not be stored.");
            }
        }
        Ok(self.adopt(&kept))
    }

    /// Lets others try at once; where this fails, the lease runs out.
    async fn give_back(&self, shared: &Shared, fence: Fence) {
        if let Err(error) = shared.store.release(&self.credential(), fence).await {
            tracing::warn!(appid = %self.appid, %error, "A lease could not be released.");
        }
    }

    /// Another node is at it: its result is ours.
    async fn of_another(
        &self,
        shared: &Shared,
        before: Option<&Token>,
    ) -> Result<Arc<Token>, TokenError> {
        for _ in 0..20 {
            if let Some(token) = self.replaced(shared, before).await? {
                return Ok(token);
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Err(TokenError::Leased)
    }

    /// What another node has put in the place of `before`, if it is still good.
    async fn replaced(
        &self,
        shared: &Shared,
        before: Option<&Token>,
    ) -> Result<Option<Arc<Token>>, TokenError> {
        let kept = shared.store.token(&self.credential()).await?;
        let newer = kept.filter(|kept| {
            // The store has the newest, whatever nodes' clocks say, but for one that could not be kept.
            let is_newer = before.is_none_or(|before| {
                let is_another = kept.token != before.text.expose();
                let is_unkept = self.unkept.load(Ordering::Relaxed);
                is_another && (!is_unkept || kept.obtained.0 / 1000 > before.obtained.0)
            });
            is_newer && kept.expires.0 / 1000 - shared.world().0 > LAST_SECONDS
        });
        Ok(newer.map(|kept| self.adopt(&kept)))
    }

    /// Another node put a token: it is served from now on, if it is newer and one is held here at all.
    pub(super) async fn renewed(&self, shared: &Shared) -> Result<(), StoreError> {
        // Not beside a refresh of our own: what was read before it must not replace what it brought.
        let _gate = self.gate.lock().await;
        let Some(before) = self.current.load_full() else {
            return Ok(());
        };
        match self.replaced(shared, Some(&before)).await {
            Err(TokenError::Store(error)) => Err(error),
            _ => Ok(()),
        }
    }

    /// Asks the platform.
    async fn ask(&self, shared: &Arc<Shared>, mode: Mode) -> Result<(String, i64), TokenError> {
        let Some(secret) = &self.secret else {
            return Err(TokenError::NoSecret(self.appid.clone()));
        };
        let ticket = match self.held.ticket() {
            None => None,
            Some(wanted) => match self.ticket(shared).await? {
                None => {
                    let (appid, rule) = (self.appid.clone(), wanted.rule);
                    return Err(TokenError::NoTicket { appid, rule });
                }
                pushed => pushed,
            },
        };
        let ticket = ticket.as_ref().map(AccessToken::expose);
        let forced = mode == Mode::Forced;
        let Asking {
            host,
            method,
            target,
            body,
        } = self.held.ask(&self.id, secret.expose(), ticket, forced);
        let mut headers = HeaderMap::new();
        if !body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
        }
        let asking =
            (shared.outbound).platform_whole(host, method, &target, headers, body, ANSWER_BYTES);
        let answered = tokio::time::timeout(ASKING, asking)
            .await
            .map_err(|_| TokenError::Unreachable("it did not answer in time".to_owned()))?
            .map_err(|error| TokenError::Unreachable(error.to_string()))?;
        let code = platform::errcode(&answered.body).unwrap_or(0);
        let answer = match xinqiao_wire::response::value(&answered.body) {
            Ok(answer @ Value::Object(_)) => answer,
            // The platform's word counts, whatever else stands beside it.
            _ if code != 0 => Value::Null,
            _ => {
                let cause = format!("status {}, not a token answer", answered.status);
                return Err(TokenError::Unreachable(cause));
            }
        };
        let token = answer[self.held.field()].as_str().unwrap_or_default();
        if code != 0 || token.is_empty() {
            return Err(TokenError::Refused {
                code,
                status: answered.status,
                content_type: answered.content_type().to_owned(),
                body: answered.body,
            });
        }
        // WECHAT: WeCom's pages have the seconds as a text here and there.
        let seconds = &answer["expires_in"];
        let seconds = { seconds.as_i64() }.or_else(|| seconds.as_str()?.parse().ok());
        Ok((token.to_owned(), seconds.unwrap_or_default()))
    }

    fn adopt(&self, kept: &StoredToken) -> Arc<Token> {
        let token = Arc::new(Token {
            text: AccessToken::from(kept.token.as_str()),
            obtained: xinqiao_types::UnixSeconds(kept.obtained.0 / 1000),
            expires: xinqiao_types::UnixSeconds(kept.expires.0 / 1000),
        });
        self.status().expires = Some(token.expires);
        let before = self.current.swap(Some(Arc::clone(&token)));
        self.owners.replace(before.as_deref(), &token, &self.appid);
        token
    }

    fn note_failure(&self, error: &TokenError) {
        tracing::warn!(
            appid = %self.appid, %error, rule = error.rule(),
            "No token could be fetched."
        );
        self.status().problem = Some(TokenProblem {
            rule: error.rule(),
            cause: error.to_string(),
        });
    }

    /// The name that its token and lease have in the store.
    pub(super) fn credential(&self) -> String {
        let kind = match self.held {
            Held::Account => "stable",
            Held::Corp => "corp",
            Held::Component => "component",
            Held::Suite => "suite",
        };
        format!("{kind} {}", self.appid)
    }
}

#[cfg(test)]
mod tests;
