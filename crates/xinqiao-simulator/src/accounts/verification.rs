//! Verification (微信认证): what a review costs, how long a verification lasts, and what happens when it ends.
//!
//! A review costs 300 yuan whether it is passed or not, nothing for governments. Who passes is verified for a year; in
//! the last three months it is renewed, for a year from the old end. When it ends the rights are those of the table's
//! unverified column.
//!
//! Sources: kf.qq.com/faq/1612197nEJNR161219BB7Jne.html (认证费用, 有效期, 年审); doc page "微信认证事件推送".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::{AccountKind, shanghai::DAY};

use super::{
    ACCOUNTS, FEATURE, account,
    account::Account,
    open_accounts::OPEN_ACCOUNTS,
    subjects::{Subject, SubjectKind},
};
use crate::kernel::{
    Effect, Id, Refused, Turn, World,
    feature::id_in,
    row::{self, RowState, Words},
    time::put_off,
};

/// What a review costs, in fen.
const FEE: i64 = 30_000;
/// How long a verification lasts.
const YEAR: i64 = 365 * DAY;
/// How long before its end it is renewed, and its account told so.
const RENEWED_IN: i64 = 90 * DAY;

/// A verification ends in three months: `{"account", "until"}`.
pub(crate) const ENDS_SOON: &str = "accounts.verification_ends_soon";
/// A verification ended: the same.
pub(crate) const ENDED: &str = "accounts.verification_ended";

/// What a review brought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Review {
    pub(crate) at: i64,
    /// What was paid, in fen.
    pub(crate) fee: i64,
    /// Why it was not passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

impl Review {
    pub(crate) fn view(&self) -> Value {
        let result = if self.reason.is_none() {
            "pass"
        } else {
            "fail"
        };
        let mut view = json!({"result": result, "fee": self.fee});
        if let Some(reason) = &self.reason {
            view["reason"] = json!(reason);
        }
        view
    }
}

/// A review as the control interface asks for it.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Given {
    result: Ends,
    reason: Option<String>,
    /// Whether the answer waits for its callbacks; whoever carries the answer reads it.
    #[serde(rename = "wait")]
    _wait: Option<bool>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ends {
    #[default]
    Pass,
    Fail,
}

/// What a review comes to: itself, and until when its subject is verified if it was passed.
pub(super) fn judge(
    now: i64,
    subject: Option<&Subject>,
    verified_until: Option<i64>,
    given: Given,
) -> Result<(Review, Option<i64>), Refused> {
    if let Some(until) = verified_until
        && until - now > RENEWED_IN
    {
        return Err(Refused::unwilling(format!(
            "the verification is good until {until}; it is renewed in its last {} days",
            RENEWED_IN / DAY
        ))
        .by("verification.not_yet"));
    }
    let free = subject.and_then(Subject::is) == Some(SubjectKind::Government);
    let failed = given.result == Ends::Fail;
    let review = Review {
        at: now,
        fee: if free { 0 } else { FEE },
        reason: failed.then(|| given.reason.unwrap_or_else(|| "资料不完整".to_owned())),
    };
    let until = (!failed).then(|| verified_until.unwrap_or(now) + YEAR);
    Ok((review, until))
}

/// A review of an account.
pub(crate) fn review(turn: &mut Turn<'_>, appid: &Id, given: Given) -> Result<Review, Refused> {
    let now = turn.now.0;
    let own = account(turn.world, appid)?;
    can_be_reviewed(own)?;
    let until = own.verified_until.filter(|_| own.is_verified(now));
    let (review, until) = judge(now, own.subject.as_ref(), until, given)?;
    if let Some(own) = ACCOUNTS.get_mut(turn.world, &**appid) {
        own.review = Some(review.clone());
        if until.is_some() {
            own.verified = true;
            own.verified_until = until;
        }
    }
    if let Some(until) = until {
        set_alarm(turn.world, "account", appid, until, now);
    }
    turn.effects.push(Effect::Accounts);
    Ok(review)
}

fn can_be_reviewed(account: &Account) -> Result<(), Refused> {
    let kind = account.kind;
    if account.test {
        return Err(
            Refused::unwilling("a test account is not verified").by("verification.test_account")
        );
    }
    if !kind.is_official_account() && kind != AccountKind::MiniProgram {
        return Err(Refused::unwilling(format!(
            "a {kind} is not verified itself; its open-platform account is: POST /open-accounts/{{id}}/verification"
        ))
        .by("verification.kind"));
    }
    person_is_not_verified(account.subject.as_ref())
}

/// Persons have no verification that gives rights.
pub(super) fn person_is_not_verified(subject: Option<&Subject>) -> Result<(), Refused> {
    if subject.is_some_and(Subject::is_person) {
        return Err(Refused::unwilling(
            "a person's account cannot be verified; give a subject of another kind",
        )
        .by("verification.person"));
    }
    Ok(())
}

/// Puts off what happens at the end of a verification, and before it.
pub(super) fn set_alarm(world: &mut World, of: &str, id: &str, until: i64, now: i64) {
    let soon = until - RENEWED_IN;
    if soon > now && of == "account" {
        let what = json!({"verification": {of: id}, "until": until, "soon": true});
        put_off(world, soon, FEATURE.name, what);
    }
    let what = json!({"verification": {of: id}, "until": until});
    put_off(world, until.max(now), FEATURE.name, what);
}

/// The end of a verification, or the time before it; nothing where it was renewed or taken away meanwhile.
pub(super) fn due(turn: &mut Turn<'_>, what: &Value) {
    let (whose, until) = (&what["verification"], what["until"].as_i64());
    if let Some(id) = id_in(whose, "open_account") {
        if let Some(own) = OPEN_ACCOUNTS.get_mut(turn.world, &*id)
            && own.verified_until == until
        {
            own.verified = false;
        }
        return;
    }
    let Some(appid) = id_in(whose, "account") else {
        return;
    };
    let stands = |own: &&mut Account| own.verified && own.verified_until == until;
    let Some(own) = ACCOUNTS.get_mut(turn.world, &*appid).filter(stands) else {
        return;
    };
    let told = json!({"account": &*appid, "until": until});
    if what["soon"] == true {
        turn.publish(ENDS_SOON, &told);
        return;
    }
    own.verified = false;
    let name = own.name.clone();
    let mut row = turn.row(&row::SYSTEM, RowState::Warn);
    row.account = Some(appid.to_string());
    row.title = Words::new(
        format!("{name} 的微信认证到期"),
        format!("The verification of {name} ended"),
    );
    row.account_name = Some(name);
    row.subtitle = Words::new(
        "接口权限退回未认证账号的",
        "its rights are those of an unverified account now",
    );
    row.label = Words::new("认证", "verification");
    turn.show(row);
    turn.effects.push(Effect::Accounts);
    turn.publish(ENDED, &told);
}
