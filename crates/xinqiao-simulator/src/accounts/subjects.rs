//! Who may register what: kinds of subjects (主体), the kinds of accounts that each may own, and how many.
//!
//! Sources: the platform's notices of 2018-02-10 and 2018-11-16 on the number of accounts; its help page on registration
//! (governments and media 50); the page on verified mini programs (sole traders 5, others 50).

use serde::{Deserialize, Serialize};
use xinqiao_types::AccountKind;

use super::{ACCOUNTS, account::Account};
use crate::kernel::{Id, Refused, Table, World};

/// Who registered an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// Name; without one nothing is counted.
    #[serde(default)]
    pub(crate) name: String,
    /// One of [`WORDS`], or empty where nobody said.
    #[serde(default)]
    pub(crate) kind: String,
}

/// Kinds of subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SubjectKind {
    /// 个人.
    Person,
    /// 企业.
    Company,
    /// 个体户.
    SoleTrader,
    /// 媒体.
    Media,
    /// 政府.
    Government,
    /// 其他组织.
    Other,
}

/// As the control interface calls them; the first word of a kind is the one that is offered.
const WORDS: &[(&str, SubjectKind)] = &[
    ("person", SubjectKind::Person),
    ("company", SubjectKind::Company),
    ("sole_trader", SubjectKind::SoleTrader),
    ("media", SubjectKind::Media),
    ("government", SubjectKind::Government),
    ("other", SubjectKind::Other),
    ("individual", SubjectKind::Person),
    ("enterprise", SubjectKind::Company),
    ("organisation", SubjectKind::Other),
    ("organization", SubjectKind::Other),
];
const OFFERED: usize = 6;

/// Accounts by their subject.
static OWNED: Table<(Id, Id), ()> = Table::memory("accounts.owned");

impl Subject {
    /// What kind it is; None where nobody said.
    pub(crate) fn is(&self) -> Option<SubjectKind> {
        let word = WORDS.iter().find(|(word, _)| *word == self.kind)?;
        Some(word.1)
    }

    pub(crate) fn is_person(&self) -> bool {
        self.is() == Some(SubjectKind::Person)
    }

    /// Whether the kind is one of the known words.
    pub(crate) fn check(&self) -> Result<(), Refused> {
        if self.kind.is_empty() || self.is().is_some() {
            return Ok(());
        }
        let known: Vec<&str> = { WORDS[..OFFERED].iter() }.map(|(word, _)| *word).collect();
        Err(Refused::invalid(format!(
            "no kind of subject `{}`; there are {}",
            self.kind.escape_debug(),
            known.join(", ")
        )))
    }

    /// Whether two are the same; somebody of whom nothing is known may be anybody.
    pub(crate) fn is_same(one: Option<&Self>, other: Option<&Self>) -> bool {
        let named = |subject: Option<&'_ Self>| subject.and_then(Self::key);
        match (named(one), named(other)) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        }
    }

    /// Under which its accounts are counted.
    fn key(&self) -> Option<Id> {
        let kind = self.is()?;
        let name = self.name.trim();
        (!name.is_empty()).then(|| format!("{kind:?} {name}").into())
    }
}

/// Most accounts of a kind that a subject registers; None where it is not limited here.
fn most(subject: SubjectKind, kind: AccountKind) -> Option<usize> {
    use SubjectKind::{Company, Government, Media, Other, Person, SoleTrader};
    match kind {
        kind if kind.is_official_account() => Some(match subject {
            Person => 1,
            Company | SoleTrader | Other => 2,
            Media | Government => 50,
        }),
        AccountKind::MiniProgram => Some(match subject {
            Person | SoleTrader => 5,
            Company | Media | Government | Other => 50,
        }),
        _ => None,
    }
}

/// Whether a subject may own this account beside those that it has. A test account of the sandbox page is anybody's.
pub(crate) fn check(
    world: &World,
    own: Option<&str>,
    kind: AccountKind,
    test: bool,
    subject: Option<&Subject>,
) -> Result<(), Refused> {
    let Some(subject) = subject else {
        return Ok(());
    };
    subject.check()?;
    let Some(is) = subject.is().filter(|_| !test) else {
        return Ok(());
    };
    if kind == AccountKind::Service && is == SubjectKind::Person {
        return Err(Refused::unwilling(
            "a person cannot own a service account; register a subscription account or give an organisation",
        )
        .by("registration.subject_kind"));
    }
    let (Some(key), Some(most)) = (subject.key(), most(is, kind)) else {
        return Ok(());
    };
    // A subscription account and a service account count together.
    let alike = |other: &Account| {
        let official = other.kind.is_official_account() && kind.is_official_account();
        !other.test && (other.kind == kind || official)
    };
    let have = { OWNED.under(world, &key) }
        .map(|(appid, ())| &**appid)
        .filter(|appid| Some(*appid) != own)
        .filter(|appid| ACCOUNTS.get(world, *appid).is_some_and(alike))
        .count();
    if have >= most {
        return Err(Refused::unwilling(format!(
            "`{}` is of kind `{}` and has {have} such accounts; it registers at most {most}",
            subject.name, subject.kind
        ))
        .by("registration.subject_count"));
    }
    Ok(())
}

/// Counts an account with its subject.
pub(super) fn note(world: &mut World, account: &Account) {
    if let Some(key) = account.subject.as_ref().and_then(Subject::key) {
        OWNED.put(world, (key, account.appid.clone()), ());
    }
}

pub(super) fn forget(world: &mut World, account: &Account) {
    if let Some(key) = account.subject.as_ref().and_then(Subject::key) {
        OWNED.remove(world, &(key, account.appid.clone()));
    }
}
