//! Who may call what: right × kind of account × verified, plus what was granted by hand.
//!
//! Only decides; never grants. Kinds that the platform's table does not speak about (third-party
//! platforms, corporations, merchants) are not judged here: their own front doors do that.
//!
//! Invariants: an explicit switch of an account wins over the table; an endpoint under several rights
//! needs one of them; an endpoint under no right is free.
//!
//! Source: doc page "接口权限说明"; catalog table `permissions`.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use xinqiao_types::{AccountKind, ErrCode};

use super::Wording;

/// What the table says about one right and one holder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Has the right.
    #[serde(rename = "yes")]
    Yes,
    /// Does not have it and cannot get it as it stands.
    #[default]
    #[serde(rename = "no")]
    No,
    /// Gets it on application (可申请): denied until a switch of the account grants it.
    #[serde(rename = "apply")]
    OnApplication,
    /// Has it with a restriction that the note names.
    #[serde(rename = "limited")]
    Limited,
    /// Only a third-party platform may use it for the account.
    #[serde(rename = "component")]
    ViaComponent,
}

/// A column of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    /// Website application of the open platform.
    Website,
    /// Mobile application of the open platform.
    MobileApp,
}

impl Holder {
    /// Every column, in the table's order.
    pub const ALL: [Self; 8] = [
        Self::UnverifiedSubscription,
        Self::VerifiedSubscription,
        Self::UnverifiedService,
        Self::VerifiedService,
        Self::TestAccount,
        Self::MiniProgram,
        Self::Website,
        Self::MobileApp,
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
            (AccountKind::Website, _) => Self::Website,
            (AccountKind::MobileApp, _) => Self::MobileApp,
            (AccountKind::Component | AccountKind::Corp | AccountKind::Merchant, _) => return None,
        })
    }

    /// How to call such an account, with the English plural.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::UnverifiedSubscription => ("未认证订阅号", "unverified subscription accounts"),
            Self::VerifiedSubscription => ("已认证订阅号", "verified subscription accounts"),
            Self::UnverifiedService => ("未认证服务号", "unverified service accounts"),
            Self::VerifiedService => ("已认证服务号", "verified service accounts"),
            Self::TestAccount => ("测试号", "test accounts"),
            Self::MiniProgram => ("小程序", "mini programs"),
            Self::Website => ("网站应用", "website applications"),
            Self::MobileApp => ("移动应用", "mobile applications"),
        }
    }
}

/// One row of the table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Right {
    /// The name of the right, for instance `msg.custom`.
    pub id: String,
    /// What the platform's console calls it.
    #[serde(default)]
    pub title: Wording,
    /// The code that a call without the right gets.
    pub code: i64,
    /// Subscription account, not verified.
    #[serde(default)]
    pub unverified_subscription: Verdict,
    /// Subscription account, verified.
    #[serde(default)]
    pub verified_subscription: Verdict,
    /// Service account, not verified.
    #[serde(default)]
    pub unverified_service: Verdict,
    /// Service account, verified.
    #[serde(default)]
    pub verified_service: Verdict,
    /// Test account.
    #[serde(default)]
    pub test_account: Verdict,
    /// Mini program.
    #[serde(default)]
    pub mini_program: Verdict,
    /// Website application.
    #[serde(default)]
    pub website: Verdict,
    /// Mobile application.
    #[serde(default)]
    pub mobile_app: Verdict,
    /// Restrictions and history, if any.
    #[serde(default)]
    pub note: Wording,
}

impl Right {
    /// What the row says about a holder.
    pub const fn verdict(&self, holder: Holder) -> Verdict {
        match holder {
            Holder::UnverifiedSubscription => self.unverified_subscription,
            Holder::VerifiedSubscription => self.verified_subscription,
            Holder::UnverifiedService => self.unverified_service,
            Holder::VerifiedService => self.verified_service,
            Holder::TestAccount => self.test_account,
            Holder::MiniProgram => self.mini_program,
            Holder::Website => self.website,
            Holder::MobileApp => self.mobile_app,
        }
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
}

impl AccountFacts {
    /// An ordinary account that calls for itself, without switched rights.
    pub const fn new(kind: AccountKind, verified: bool) -> Self {
        Self { kind, verified, test: false, via_component: false, grants: BTreeMap::new() }
    }
}

/// A call that the account may not make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// What the platform answers (48001 for most).
    pub code: ErrCode,
    /// The right that is missing.
    pub right: String,
    /// What the platform's console calls it.
    pub title: Wording,
    /// Who has it without further ado.
    pub holders: Vec<Holder>,
    /// What is the case.
    pub cause: Wording,
    /// What to do about it.
    pub remedy: Wording,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.cause.en, self.remedy.en)
    }
}

impl std::error::Error for Denied {}

/// Whether an account may make a call that stands under `rights`: one of them suffices.
///
/// # Errors
/// The first right that is missing, with who has it and what to do.
pub fn check_rights(rights: &[&Right], facts: &AccountFacts) -> Result<(), Box<Denied>> {
    let Some(holder) = Holder::of(facts) else { return Ok(()) };
    let Some(first) = rights.first() else { return Ok(()) };
    if rights.iter().any(|right| allows(right, holder, facts)) {
        return Ok(());
    }
    // Of several rights the one explains best that speaks about the account's kind at all.
    let right = rights
        .iter()
        .find(|right| right.verdict(holder) != Verdict::No || switched_off(right, facts))
        .unwrap_or(first);
    Err(Box::new(denied(right, holder, facts)))
}

fn allows(right: &Right, holder: Holder, facts: &AccountFacts) -> bool {
    match facts.grants.get(&right.id) {
        Some(granted) => *granted,
        None => match right.verdict(holder) {
            Verdict::Yes | Verdict::Limited => true,
            Verdict::ViaComponent => facts.via_component,
            Verdict::No | Verdict::OnApplication => false,
        },
    }
}

fn switched_off(right: &Right, facts: &AccountFacts) -> bool {
    facts.grants.get(&right.id) == Some(&false)
}

fn denied(right: &Right, holder: Holder, facts: &AccountFacts) -> Denied {
    let has = |holder: Holder| matches!(right.verdict(holder), Verdict::Yes | Verdict::Limited);
    let holders: Vec<Holder> = Holder::ALL.into_iter().filter(|holder| has(*holder)).collect();
    let (zh, en) = holder.words();
    let title_en = if right.title.en.is_empty() { &right.id } else { &right.title.en };
    let title_zh = if right.title.zh.is_empty() { &right.id } else { &right.title.zh };
    let cause = Wording::new(
        format!("{zh}没有“{title_zh}”权限（{}）", right.id),
        format!("{en} do not have the right `{}` ({title_en})", right.id),
    );
    let list = |separator: &str, pick: fn((&'static str, &'static str)) -> &'static str| {
        holders.iter().map(|holder| pick(holder.words())).collect::<Vec<_>>().join(separator)
    };
    let verified = Holder::of(&AccountFacts { verified: true, test: false, ..facts.clone() });
    let remedy = if switched_off(right, facts) {
        Wording::new("该权限已在此账号上关闭，请重新开启", "the right is switched off for this account: switch it on")
    } else if right.verdict(holder) == Verdict::OnApplication {
        Wording::new(
            "登录公众平台，在“功能 › 添加功能插件”申请开通后再调用",
            "apply for it in the platform's console, it is granted on application",
        )
    } else if right.verdict(holder) == Verdict::ViaComponent {
        Wording::new(
            "只能由已获授权的第三方平台代为调用",
            "only a third-party platform that the account has authorised may call it",
        )
    } else if !facts.verified && verified.is_some_and(has) {
        Wording::new(
            "完成微信认证后即可调用（设置与开发 › 公众号设置 › 微信认证）",
            "have the account verified (微信认证): verified accounts of its kind have the right",
        )
    } else if !facts.verified
        && verified.is_some_and(|holder| right.verdict(holder) == Verdict::OnApplication)
    {
        Wording::new(
            "完成微信认证，然后在公众平台申请开通",
            "have the account verified (微信认证), then apply for the right in the console",
        )
    } else if holders.is_empty() {
        Wording::new("没有账号类型默认拥有该权限", "no kind of account has it by default")
    } else {
        Wording::new(
            format!("换用拥有该权限的账号：{}", list("、", |words| words.0)),
            format!("use an account that has it: {}", list(", ", |words| words.1)),
        )
    };
    Denied {
        code: ErrCode(right.code),
        right: right.id.clone(),
        title: right.title.clone(),
        holders,
        cause,
        remedy,
    }
}

#[cfg(test)]
mod tests;
