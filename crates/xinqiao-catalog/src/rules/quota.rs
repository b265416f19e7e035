//! How often an account may call: counters over windows in Shanghai time.
//!
//! A [`Ledger`] holds the counters of one account. It knows no limits: rows of the catalog's quota
//! table are handed in, so that the simulator, the gateway's preflight and the SDK count alike.
//!
//! Invariants: a refused call counts nowhere; a call that stands under several rows counts in all of
//! them or in none; a counter starts anew with its window; a limit that was set by hand wins over the
//! table.
//!
//! Source: doc page "接口调用频次限制说明"; catalog table `quotas`.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use xinqiao_types::{AccountKind, ErrCode, UnixSeconds, shanghai};

use super::permission::AccountFacts;
use crate::code;
use crate::model::{Endpoint, Quota, QuotaWindow};

/// When the window around `now` began; none for windows that never begin anew.
pub fn window_start(window: QuotaWindow, now: UnixSeconds) -> Option<UnixSeconds> {
    Some(match window {
        QuotaWindow::Second => now,
        QuotaWindow::Minute => UnixSeconds(now.0.div_euclid(60) * 60),
        QuotaWindow::Hour => UnixSeconds(now.0.div_euclid(3600) * 3600),
        QuotaWindow::Day => shanghai::midnight(now),
        QuotaWindow::Month => shanghai::month(now),
        QuotaWindow::Total | QuotaWindow::Other => return None,
    })
}

/// When the window around `now` ends; none for windows that never end.
pub fn window_end(window: QuotaWindow, now: UnixSeconds) -> Option<UnixSeconds> {
    Some(match window {
        QuotaWindow::Second => UnixSeconds(now.0 + 1),
        QuotaWindow::Minute => UnixSeconds((now.0.div_euclid(60) + 1) * 60),
        QuotaWindow::Hour => UnixSeconds((now.0.div_euclid(3600) + 1) * 3600),
        QuotaWindow::Day => shanghai::next_midnight(now),
        QuotaWindow::Month => shanghai::next_month(now),
        QuotaWindow::Total | QuotaWindow::Other => return None,
    })
}

/// One limit as it holds for one account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// How many calls.
    pub max: u64,
    /// In which window.
    pub window: QuotaWindow,
    /// What the platform answers beyond.
    pub code: ErrCode,
}

/// One counter.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Counter {
    /// When its window began.
    since: UnixSeconds,
    /// How many calls since.
    used: u64,
}

/// Name of a counter: a row's, or one that was set by hand.
type Name = Cow<'static, str>;

/// The counters of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    counters: BTreeMap<String, Counter>,
    overrules: BTreeMap<String, Limit>,
}

/// How one limit stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Usage {
    /// The row's name, or the endpoint's id if its limit was set by hand.
    pub id: String,
    /// The limit.
    pub limit: Limit,
    /// How many calls are counted in the present window.
    pub used: u64,
    /// When counting starts anew.
    pub resets: Option<UnixSeconds>,
}

impl Usage {
    /// How many calls are left.
    pub const fn remaining(&self) -> u64 {
        self.limit.max.saturating_sub(self.used)
    }
}

/// A call beyond a limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exceeded(pub Usage);

impl Exceeded {
    /// The diagnosis that explains this refusal at length.
    pub const RULE: &'static str = "quota.exhausted";

    /// What the platform answers.
    pub const fn code(&self) -> ErrCode {
        self.0.limit.code
    }
}

impl fmt::Display for Exceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Usage {
            id,
            limit,
            used,
            resets,
        } = &self.0;
        write!(f, "{used} of {} calls of `{id}` are used", limit.max)?;
        match resets {
            Some(at) => write!(f, "; counting starts anew at {at} (Unix time)"),
            None => f.write_str("; this limit never starts anew"),
        }
    }
}

impl std::error::Error for Exceeded {}

/// Whether a row of the table limits this account, and counts by account (not by user or address).
pub fn applies(quota: &Quota, facts: &AccountFacts) -> bool {
    let counted_by_account = [
        "per account",
        "per appid",
        "per corp",
        "per service",
        "per verified",
    ]
    .iter()
    .any(|start| quota.scope.starts_with(start));
    // A special row counts something other than calls, for instance forced refreshes: `spend_limit`.
    let windowed = quota.window != QuotaWindow::Other;
    if !counted_by_account || quota.special || quota.limit == 0 || !windowed {
        return false;
    }
    let official = facts.kind.is_official_account();
    let whom = quota.applies_to;
    // "new account, text before about 2020" is history, not a rule.
    if whom.contains("before") {
        return false;
    }
    if from_a_console(quota) {
        let everybody = !whom.contains("verified service");
        return !facts.test
            && official
            && (everybody || (facts.kind == AccountKind::Service && facts.verified));
    }
    if whom.contains("test account") {
        return official && facts.test;
    }
    if whom.contains("new account") {
        return !facts.test && (official || facts.kind == AccountKind::MiniProgram);
    }
    if whom.contains("subscription") {
        return facts.kind == AccountKind::Subscription
            && (facts.verified || !whom.contains("verified"));
    }
    if whom.contains("service") {
        return facts.kind == AccountKind::Service
            && (facts.verified || !whom.contains("verified"));
    }
    if whom.contains("mini") {
        return facts.kind == AccountKind::MiniProgram;
    }
    if whom.contains("WeCom") {
        return facts.kind == AccountKind::Corp;
    }
    whom == "any"
}

/// Whether a number was read in the console of a real account and stands on no page.
fn from_a_console(quota: &Quota) -> bool {
    quota.applies_to.contains("console")
}

/// The limits under which an account calls an endpoint, by name of the counter.
///
/// WECHAT: the pages tell what a new account has, and say that the console's numbers are the ones that count. Those of
/// consoles that were looked at stand in where the pages have none, or everywhere if the account is switched so.
pub fn limits(endpoint: &Endpoint, facts: &AccountFacts) -> Vec<(&'static str, Limit)> {
    let all = endpoint.quotas.iter().flat_map(|id| crate::quotas_of(id));
    let (seen, told): (Vec<&Quota>, Vec<&Quota>) = all
        .filter(|quota| applies(quota, facts))
        .partition(|quota| from_a_console(quota));
    let both = |window| { told.iter() }.any(|quota| quota.window == window);
    let seen: Vec<&Quota> = seen
        .into_iter()
        .filter(|quota| facts.console_quotas || !both(quota.window))
        .collect();
    let over = |window| { seen.iter() }.any(|quota| quota.window == window);
    { told.iter().filter(|quota| !over(quota.window)) }
        .chain(&seen)
        .map(|quota| (quota.id, Limit::from(*quota)))
        .collect()
}

/// The limit that a row of this name sets, for what a behaviour counts.
pub fn row(id: &str) -> Option<Limit> {
    crate::quotas_of(id)
        .find(|quota| quota.limit > 0)
        .map(Limit::from)
}

impl From<&Quota> for Limit {
    fn from(quota: &Quota) -> Self {
        let code = match quota.code {
            0 => ErrCode(code::DAILY_QUOTA_REACHED),
            code => ErrCode(code),
        };
        Self {
            max: quota.limit,
            window: quota.window,
            code,
        }
    }
}

impl Ledger {
    /// Counts one call of an endpoint, in every window that it stands under.
    ///
    /// # Errors
    /// The first limit that is reached; then the call is not counted.
    pub fn spend(
        &mut self,
        endpoint: &Endpoint,
        facts: &AccountFacts,
        now: UnixSeconds,
    ) -> Result<(), Box<Exceeded>> {
        let limits = self.in_force(endpoint, facts);
        self.check_limits(&limits, now)?;
        for (id, limit) in &limits {
            self.count(id, limit.window, now);
        }
        Ok(())
    }

    /// Whether a call of an endpoint would be refused; counts nothing.
    ///
    /// # Errors
    /// The first limit that is reached.
    pub fn check(
        &self,
        endpoint: &Endpoint,
        facts: &AccountFacts,
        now: UnixSeconds,
    ) -> Result<(), Box<Exceeded>> {
        self.check_limits(&self.in_force(endpoint, facts), now)
    }

    /// How the limits of an endpoint stand.
    pub fn usage(&self, endpoint: &Endpoint, facts: &AccountFacts, now: UnixSeconds) -> Vec<Usage> {
        let limits = self.in_force(endpoint, facts);
        limits
            .into_iter()
            .map(|(id, limit)| self.usage_of(id.into_owned(), limit, now))
            .collect()
    }

    /// Sets the limit of one counter by hand: a row's name, or an endpoint's id for one of its own, with `/` and a word
    /// behind it where it has several.
    pub fn set_limit(&mut self, id: impl Into<String>, limit: Limit) {
        self.overrules.insert(id.into(), limit);
    }

    /// Sets by hand what one counter shows.
    pub fn set_used(&mut self, id: &str, window: QuotaWindow, used: u64, now: UnixSeconds) {
        let since = window_start(window, now).unwrap_or_default();
        self.counters.insert(id.to_owned(), Counter { since, used });
    }

    /// Counts one call under a counter of the caller's own, without checking a limit.
    pub fn count(&mut self, id: &str, window: QuotaWindow, now: UnixSeconds) {
        let since = window_start(window, now).unwrap_or_default();
        let counter = self.counters.entry(id.to_owned()).or_default();
        if counter.since != since {
            *counter = Counter { since, used: 0 };
        }
        counter.used = counter.used.saturating_add(1);
    }

    /// Checks and counts a limit that is no row of the table, for instance one per user.
    ///
    /// # Errors
    /// The limit is reached; then nothing is counted.
    pub fn spend_limit(
        &mut self,
        id: &str,
        limit: Limit,
        now: UnixSeconds,
    ) -> Result<(), Box<Exceeded>> {
        let limit = self.overrules.get(id).copied().unwrap_or(limit);
        self.check_limits(&[(id.to_owned().into(), limit)], now)?;
        self.count(id, limit.window, now);
        Ok(())
    }

    /// Puts every counter to zero (`clear_quota`), but not those of windows longer than a day.
    ///
    /// WECHAT: clearing is itself counted by the month, so a monthly counter survives it.
    pub fn clear(&mut self) {
        let overrules = &self.overrules;
        self.counters.retain(|id, _| match overrules.get(id) {
            Some(limit) => long(limit.window),
            None => crate::quotas_of(id).any(|quota| long(quota.window)),
        });
    }

    /// Puts the counters of one endpoint to zero (`openapi/quota/clear`).
    pub fn clear_endpoint(&mut self, endpoint: &Endpoint, facts: &AccountFacts) {
        for (id, limit) in self.in_force(endpoint, facts) {
            if !long(limit.window) {
                self.counters.remove(&*id);
            }
        }
    }

    /// Drops the counters whose window is over, to bound the ledger's size.
    pub fn prune(&mut self, now: UnixSeconds) {
        let oldest = shanghai::month(now);
        self.counters
            .retain(|_, counter| counter.since == UnixSeconds(0) || counter.since >= oldest);
    }

    /// The limits in force: rows of the table, overruled where set by hand, plus the endpoint's own.
    fn in_force(&self, endpoint: &Endpoint, facts: &AccountFacts) -> Vec<(Name, Limit)> {
        let mut list: Vec<(Name, Limit)> = limits(endpoint, facts)
            .into_iter()
            .map(|(id, limit)| (id.into(), self.overrules.get(id).copied().unwrap_or(limit)))
            .collect();
        if self.overrules.is_empty() {
            return list;
        }
        let own = self.overrules.range(endpoint.id.to_owned()..);
        let own = own.take_while(|(id, _)| id.starts_with(endpoint.id));
        for (id, limit) in own {
            if !matches!(id[endpoint.id.len()..].chars().next(), None | Some('/')) {
                continue;
            }
            // A limit set for the endpoint stands in place of the table's for the same window.
            list.retain(|(_, other)| other.window != limit.window);
            list.push((id.clone().into(), *limit));
        }
        list
    }

    fn check_limits(
        &self,
        limits: &[(Name, Limit)],
        now: UnixSeconds,
    ) -> Result<(), Box<Exceeded>> {
        for (id, limit) in limits {
            if self.used(id, limit.window, now) >= limit.max {
                let usage = self.usage_of(id.clone().into_owned(), *limit, now);
                return Err(Box::new(Exceeded(usage)));
            }
        }
        Ok(())
    }

    fn usage_of(&self, id: String, limit: Limit, now: UnixSeconds) -> Usage {
        Usage {
            used: self.used(&id, limit.window, now),
            id,
            limit,
            resets: window_end(limit.window, now),
        }
    }

    fn used(&self, id: &str, window: QuotaWindow, now: UnixSeconds) -> u64 {
        let since = window_start(window, now).unwrap_or_default();
        { self.counters.get(id) }
            .filter(|counter| counter.since == since)
            .map_or(0, |counter| counter.used)
    }
}

const fn long(window: QuotaWindow) -> bool {
    matches!(window, QuotaWindow::Month | QuotaWindow::Total)
}

#[cfg(test)]
mod tests;
