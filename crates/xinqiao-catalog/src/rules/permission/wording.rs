//! Says why a right is missing and what to do about it, in both languages.

use xinqiao_types::ErrCode;

use super::{AccountFacts, AccountKind, Denied, Holder, PermissionRow, Right, switched_off};
use crate::code;

/// How to call such accounts: Chinese, English plural.
const fn words(holder: Holder) -> (&'static str, &'static str) {
    match holder {
        Holder::UnverifiedSubscription => ("未认证订阅号", "unverified subscription accounts"),
        Holder::VerifiedSubscription => ("已认证订阅号", "verified subscription accounts"),
        Holder::UnverifiedService => ("未认证服务号", "unverified service accounts"),
        Holder::VerifiedService => ("已认证服务号", "verified service accounts"),
        Holder::TestAccount => ("测试号", "test accounts"),
        Holder::MiniProgram => ("小程序", "mini programs"),
    }
}

fn assemble(row: &PermissionRow, who: (&str, &str), remedy: (String, String)) -> Denied {
    let (remedy_zh, remedy_en) = remedy;
    let title = |chinese| match row.title.get(chinese) {
        "" => row.id,
        title => title,
    };
    Denied {
        code: ErrCode(code::API_UNAUTHORIZED),
        right: row.id,
        title: row.title,
        holders: Holder::ALL
            .into_iter()
            .filter(|holder| holder.has(row))
            .collect(),
        cause_zh: format!("{}没有“{}”权限（{}）", who.0, title(true), row.id),
        cause_en: format!(
            "{} do not have the right `{}` ({})",
            who.1,
            row.id,
            title(false)
        ),
        remedy_zh,
        remedy_en,
    }
}

pub(super) fn denied(row: &PermissionRow, holder: Holder, facts: &AccountFacts) -> Denied {
    assemble(row, words(holder), remedy(row, holder, facts))
}

pub(super) fn not_for_applications(row: &PermissionRow, kind: AccountKind) -> Denied {
    let who = match kind {
        AccountKind::Website => ("网站应用", "website applications"),
        _ => ("移动应用", "mobile applications"),
    };
    assemble(row, who, others(row))
}

fn remedy(row: &PermissionRow, holder: Holder, facts: &AccountFacts) -> (String, String) {
    if switched_off(row, facts) {
        return both(
            "该权限已在此账号上关闭，请重新开启",
            "it is switched off for this account: switch it on",
        );
    }
    match holder.right_in(row, facts.table) {
        Right::Apply => {
            return both(
                "登录公众平台，在“功能 › 添加功能插件”中申请开通后再调用",
                "it is granted on application: apply in the platform's console",
            );
        }
        Right::ViaComponent => {
            return both(
                "只能由已获授权的第三方平台代为调用",
                "only a third-party platform that the account has authorised may call it",
            );
        }
        Right::ViaOfficialAccount => {
            return both(
                "请用与该小程序关联的公众号调用",
                "call it with the official account that the mini program is linked to",
            );
        }
        Right::Yes | Right::Limited | Right::No => {}
    }
    let verified = Holder::of(&AccountFacts {
        verified: true,
        ..facts.clone()
    });
    match verified
        .filter(|_| !facts.verified)
        .map(|holder| holder.right_in(row, facts.table))
    {
        Some(Right::Yes | Right::Limited) => both(
            "完成微信认证后即可调用（设置与开发 › 公众号设置 › 微信认证）",
            "have the account verified (微信认证): verified accounts of its kind have it",
        ),
        Some(Right::Apply) => both(
            "先完成微信认证，再在公众平台申请开通",
            "have the account verified (微信认证), then apply in the platform's console",
        ),
        _ => others(row),
    }
}

/// Names the accounts that have the right.
fn others(row: &PermissionRow) -> (String, String) {
    let have: Vec<_> = Holder::ALL
        .into_iter()
        .filter(|holder| holder.has(row))
        .map(words)
        .collect();
    if have.is_empty() {
        return both(
            "没有账号类型默认拥有该权限",
            "no kind of account has it by default",
        );
    }
    let join = |parts: Vec<&str>, separator: &str| parts.join(separator);
    (
        format!(
            "请换用：{}",
            join(have.iter().map(|(zh, _)| *zh).collect(), "、")
        ),
        format!(
            "those have it: {}",
            join(have.iter().map(|(_, en)| *en).collect(), ", ")
        ),
    )
}

fn both(zh: &str, en: &str) -> (String, String) {
    (zh.to_owned(), en.to_owned())
}
