//! Who may call what: right × kind of account × verified, plus what was granted by hand.
//!
//! Only decides; never grants. Kinds that the platform's table does not speak about (third-party
//! platforms, corporations, merchants) are not judged here: their own front doors do that.
//!
//! Invariants: an explicit switch of an account wins over the table; an endpoint under several rights
//! needs one of them; an endpoint under no right is free. Where a right covers only calls with a value of the query
//! (`?type=wx_card`), it decides those alone.
//!
//! Source: doc page "接口权限说明"; catalog table `permissions`.

use std::{collections::BTreeMap, fmt};

use xinqiao_types::{AccountKind, ErrCode};

use crate::model::{AuthKind, Endpoint, PermissionRow, Right, RightsElsewhere, Text};

mod wording;

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// Subscription account, not verified.
    UnverifiedSubscription,
    /// Subscription account, verified (微信认证).
    VerifiedSubscription,
    /// Service account, not verified.
    UnverifiedService,
    /// Service account, verified.
    VerifiedService,
    /// Test account of the sandbox page.
    TestAccount,
    /// Mini program.
    MiniProgram,
}

impl Holder {
    /// Every column, in the table's order.
    pub const ALL: [Self; 6] = [
        Self::UnverifiedSubscription,
        Self::VerifiedSubscription,
        Self::UnverifiedService,
        Self::VerifiedService,
        Self::TestAccount,
        Self::MiniProgram,
    ];

    /// The column that an account stands in; none if the table does not speak about its kind.
    pub const fn of(facts: &AccountFacts) -> Option<Self> {
        Some(match (facts.kind, facts.verified) {
            (AccountKind::Subscription | AccountKind::Service, _) if facts.test => {
                Self::TestAccount
            }
            (AccountKind::Subscription, false) => Self::UnverifiedSubscription,
            (AccountKind::Subscription, true) => Self::VerifiedSubscription,
            (AccountKind::Service, false) => Self::UnverifiedService,
            (AccountKind::Service, true) => Self::VerifiedService,
            (AccountKind::MiniProgram, _) => Self::MiniProgram,
            _ => return None,
        })
    }

    /// What the row says about this holder.
    pub const fn right(self, row: &PermissionRow) -> Right {
        match self {
            Self::UnverifiedSubscription => row.unverified_subscription,
            Self::VerifiedSubscription => row.verified_subscription,
            Self::UnverifiedService => row.unverified_service,
            Self::VerifiedService => row.verified_service,
            Self::TestAccount => row.test_account,
            Self::MiniProgram => row.mini_program,
        }
    }

    /// What the row says about this holder in that state of the table.
    pub fn right_in(self, row: &PermissionRow, table: &str) -> Right {
        let other = row.elsewhere.iter().find(|other| other.table == table);
        other
            .and_then(|other| self.elsewhere(other))
            .unwrap_or_else(|| self.right(row))
    }

    const fn elsewhere(self, other: &RightsElsewhere) -> Option<Right> {
        match self {
            Self::UnverifiedSubscription => other.unverified_subscription,
            Self::VerifiedSubscription => other.verified_subscription,
            Self::UnverifiedService => other.unverified_service,
            Self::VerifiedService => other.verified_service,
            Self::TestAccount | Self::MiniProgram => None,
        }
    }

    /// Whether this holder has the right of the row without further ado.
    pub const fn has(self, row: &PermissionRow) -> bool {
        matches!(self.right(row), Right::Yes | Right::Limited)
    }
}

/// What the rules need to know about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFacts {
    /// Its kind.
    pub kind: AccountKind,
    /// Whether it is verified (微信认证).
    pub verified: bool,
    /// Whether it is a test account of the sandbox page.
    pub test: bool,
    /// Whether a third-party platform makes the call on the account's behalf.
    pub via_component: bool,
    /// Rights switched by hand: `true` grants, `false` takes away.
    pub grants: BTreeMap<String, bool>,
    /// Which state of the table holds for it ([`crate::permission_tables`]); empty for the usual one.
    pub table: &'static str,
    /// Whether the numbers of calls hold that consoles of real accounts show, where the pages have others.
    pub console_quotas: bool,
}

impl AccountFacts {
    /// An ordinary account that calls for itself, without switched rights.
    pub const fn new(kind: AccountKind, verified: bool) -> Self {
        Self {
            kind,
            verified,
            test: false,
            via_component: false,
            grants: BTreeMap::new(),
            table: "",
            console_quotas: false,
        }
    }
}

/// A call that the account may not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What the platform answers.
    pub code: ErrCode,
    /// The right that is missing, for instance `msg.custom`; empty if no row names it.
    pub right: &'static str,
    /// What the platform's console calls it.
    pub title: Text,
    /// Who has it without further ado.
    pub holders: Vec<Holder>,
    /// What is the case, in Chinese.
    pub cause_zh: String,
    /// What is the case, in English.
    pub cause_en: String,
    /// What to do about it, in Chinese.
    pub remedy_zh: String,
    /// What to do about it, in English.
    pub remedy_en: String,
}

impl Denied {
    /// The diagnosis that explains this refusal at length.
    pub const RULE: &'static str = "permission.denied";
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.cause_en, self.remedy_en)
    }
}

impl std::error::Error for Denied {}

/// Whether an account may call an endpoint.
///
/// # Errors
/// The right that is missing, with who has it and what to do.
pub fn check(endpoint: &Endpoint, facts: &AccountFacts) -> Result<(), Box<Denied>> {
    check_call(endpoint, facts, |_| None)
}

/// The one call below a right of accounts that is made for mobile applications: the ticket that signs the QR code of their
/// log-in. Path, and the value of its query.
///
/// Source: doc page "移动应用扫码登录".
const OF_MOBILE_APPS: (&str, &str, &str) = ("/cgi-bin/ticket/getticket", "type", "2");

/// Whether an account may make a call; `query` reads a value of its query.
///
/// # Errors
/// The right that is missing, with who has it and what to do.
pub fn check_call<'q>(
    endpoint: &Endpoint,
    facts: &AccountFacts,
    query: impl Fn(&str) -> Option<&'q str>,
) -> Result<(), Box<Denied>> {
    let mut rows = rows(&endpoint.permissions);
    let by_value = |row: &&PermissionRow| {
        { row.covers.iter() }.any(|path| {
            let asks = path
                .split_once('?')
                .and_then(|(_, asks)| asks.split_once('='));
            path.starts_with(endpoint.path)
                && asks.is_some_and(|(name, value)| query(name) == Some(value))
        })
    };
    let anyhow = |row: &&PermissionRow| {
        { row.covers.iter() }.any(|path| path.starts_with('/') && !path.contains('?'))
    };
    if rows.iter().any(by_value) {
        rows.retain(by_value);
    } else if rows.iter().any(anyhow) {
        rows.retain(anyhow);
    }
    let (path, name, value) = OF_MOBILE_APPS;
    if facts.kind == AccountKind::MobileApp && endpoint.path == path && query(name) == Some(value) {
        return Ok(());
    }
    // WECHAT: open-platform applications have a token like everybody else's, but it opens only what
    // is made for them: user log-in (`/sns/*`) and the calls that stand under no right.
    if matches!(facts.kind, AccountKind::Website | AccountKind::MobileApp) {
        return match rows.first() {
            Some(row) if endpoint.auth.kind == AuthKind::AccessToken => {
                Err(Box::new(wording::not_for_applications(row, facts.kind)))
            }
            _ => Ok(()),
        };
    }
    check_rows(&rows, facts)
}

/// The rows of these names that decide.
///
/// WECHAT: a right may have a narrower one (`msg.mass` and `msg.mass_openid`: by list of openids only
/// for service accounts). Where both cover a call, the narrower one decides alone.
pub fn rows(ids: &[&str]) -> Vec<&'static PermissionRow> {
    let narrowed = |id: &str| {
        ids.iter().any(|other| {
            other
                .strip_prefix(id)
                .is_some_and(|rest| rest.starts_with('_'))
        })
    };
    ids.iter()
        .filter(|id| !narrowed(id))
        .filter_map(|id| crate::permission(id))
        .collect()
}

/// Whether an account is pushed an event, by the event's id.
///
/// # Errors
/// The right that is missing, with who has it and what to do.
pub fn check_event(event: &str, facts: &AccountFacts) -> Result<(), Box<Denied>> {
    let rows: Vec<_> = { crate::permissions().iter() }
        .filter(|row| row.events.contains(&event))
        .collect();
    check_rows(&rows, facts)
}

/// Whether the pages of an account may use a function of the JS-SDK.
///
/// # Errors
/// The right that is missing, with who has it and what to do.
pub fn check_js(name: &str, facts: &AccountFacts) -> Result<(), Box<Denied>> {
    let rows: Vec<_> = { crate::permissions().iter() }
        .filter(|row| row.js().any(|own| own == name))
        .collect();
    check_rows(&rows, facts)
}

/// Whether an account may make a call that stands under these rows: one of them suffices.
///
/// # Errors
/// The row that explains the refusal best, with who has the right and what to do.
pub fn check_rows(rows: &[&PermissionRow], facts: &AccountFacts) -> Result<(), Box<Denied>> {
    let (Some(holder), Some(first)) = (Holder::of(facts), rows.first()) else {
        return Ok(());
    };
    if rows.iter().any(|row| allows(row, holder, facts)) {
        return Ok(());
    }
    // Of several rows the one explains best that knows a way for this holder.
    let row = rows
        .iter()
        .find(|row| holder.right_in(row, facts.table) != Right::No || switched_off(row, facts))
        .unwrap_or(first);
    Err(Box::new(wording::denied(row, holder, facts)))
}

fn allows(row: &PermissionRow, holder: Holder, facts: &AccountFacts) -> bool {
    match facts.grants.get(row.id) {
        Some(granted) => *granted,
        None => match holder.right_in(row, facts.table) {
            Right::Yes | Right::Limited => true,
            Right::ViaComponent => facts.via_component,
            Right::No | Right::Apply | Right::ViaOfficialAccount => false,
        },
    }
}

fn switched_off(row: &PermissionRow, facts: &AccountFacts) -> bool {
    facts.grants.get(row.id) == Some(&false)
}

#[cfg(test)]
mod tests;
