//! Customer-service staff (客服账号).
//!
//! Source: doc pages "客服管理", error codes 65400 to 65417.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::code;

use crate::{
    front_door::{Refuse, Reply, Request, Verdict},
    world::{Turn, account::Account},
};

/// Most staff members of an account.
const STAFF: usize = 100;
/// Most letters before the `@`.
const NAME: usize = 10;
/// Most characters of a nickname.
const NICKNAME: usize = 16;
/// The first staff number.
const FIRST_ID: u64 = 1000;

/// One staff member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaffMember {
    /// 1001 on.
    pub(crate) id: u64,
    /// Shown to users.
    pub(crate) nickname: String,
}

/// The staff member of a full name (`name@alias`).
pub(super) fn find<'a>(account: &'a Account, full: &str) -> Option<&'a StaffMember> {
    account.staff.get(name_of(account, full)?)
}

fn name_of<'n>(account: &Account, full: &'n str) -> Option<&'n str> {
    let (name, alias) = full.split_once('@')?;
    (alias == account.alias || alias == account.original_id).then_some(name)
}

fn given_name(turn: &Turn<'_>, request: &Request) -> Result<String, Refuse> {
    let full = request.text("kf_account").unwrap_or_default();
    let account = request.account(turn)?;
    let name = name_of(account, full).ok_or_else(|| {
        Refuse::code(code::INVALID_KF_ACCOUNT).because(
            "kf_account.alias",
            Some(full.to_owned()),
            Some(format!("name@{}", account.alias)),
        )
    })?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Refuse::code(code::ILLEGAL_KF_ACCOUNT));
    }
    if name.len() > NAME {
        return Err(Refuse::code(code::KF_ACCOUNT_NAME_TOO_LONG));
    }
    Ok(name.to_owned())
}

fn given_nickname(request: &Request) -> Result<String, Refuse> {
    let nickname = request.text("nickname").unwrap_or_default();
    if nickname.is_empty() || nickname.chars().count() > NICKNAME {
        return Err(Refuse::code(code::ILLEGAL_KF_NICKNAME));
    }
    Ok(nickname.to_owned())
}

/// `kfaccount/add`.
pub(crate) fn add(turn: &mut Turn<'_>, request: &Request) -> Verdict {
    let name = given_name(turn, request)?;
    let nickname = given_nickname(request)?;
    let account = request.account(turn)?;
    if account.staff.contains_key(&name) {
        return Err(Refuse::code(code::KF_ACCOUNT_EXISTS));
    }
    if account.staff.len() >= STAFF {
        return Err(Refuse::code(code::KF_ACCOUNT_LIMIT));
    }
    let last = account
        .staff
        .values()
        .map(|member| member.id)
        .max()
        .unwrap_or(FIRST_ID);
    let member = StaffMember {
        id: last + 1,
        nickname,
    };
    request.account_mut(turn)?.staff.insert(name, member);
    Ok(Reply::Acknowledged)
}

/// `kfaccount/update`.
pub(crate) fn update(turn: &mut Turn<'_>, request: &Request) -> Verdict {
    let name = given_name(turn, request)?;
    let nickname = given_nickname(request)?;
    match request.account_mut(turn)?.staff.get_mut(&name) {
        Some(member) => {
            member.nickname = nickname;
            Ok(Reply::Acknowledged)
        }
        None => Err(Refuse::code(code::INVALID_KF_ACCOUNT)),
    }
}

/// `kfaccount/del`.
pub(crate) fn delete(turn: &mut Turn<'_>, request: &Request) -> Verdict {
    let name = given_name(turn, request)?;
    match request.account_mut(turn)?.staff.remove(&name) {
        Some(_) => Ok(Reply::Acknowledged),
        None => Err(Refuse::code(code::INVALID_KF_ACCOUNT)),
    }
}

/// `getkflist`.
///
/// WECHAT: silenceper reads `kf_id` as a number only, though the page's sample has it as text.
pub(crate) fn list(turn: &mut Turn<'_>, request: &Request) -> Verdict {
    let account = request.account(turn)?;
    let list: Vec<Value> = account
        .staff
        .iter()
        .map(|(name, member)| {
            json!({
                "kf_account": format!("{name}@{}", account.alias),
                "kf_headimgurl": "",
                "kf_id": member.id,
                "kf_nick": member.nickname,
                "kf_wx": "",
            })
        })
        .collect();
    Ok(Reply::Json(json!({"kf_list": list})))
}

/// `getonlinekflist`: staff sit at the web page; the simulator has nobody sitting there until somebody logs in.
pub(crate) fn online(turn: &mut Turn<'_>, request: &Request) -> Verdict {
    let account = request.account(turn)?;
    let list: Vec<Value> = account
        .staff
        .iter()
        .map(|(name, member)| {
            json!({
                "kf_account": format!("{name}@{}", account.alias),
                "status": 1,
                "kf_id": member.id,
                "accepted_case": 0,
            })
        })
        .collect();
    Ok(Reply::Json(json!({"kf_online_list": list})))
}
