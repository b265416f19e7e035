//! Customer-service staff (客服账号).
//!
//! Source: doc pages "客服管理", error codes 65400 to 65417.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa};

use crate::{
    accounts::{self, account::Account},
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// Staff of an account by the part of their names before `@`.
static STAFF: Table<(Id, Id), StaffMember> = Table::new("official_account.staff", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.customer_service",
    tables: &[&STAFF],
    behaviours: &[
        stateful(oa::custom_service::kf_account::ADD, MADE, add),
        stateful(oa::custom_service::kf_account::UPDATE, MADE, update),
        stateful(oa::custom_service::kf_account::DEL_GET, MADE, delete),
        stateful(oa::custom_service::kf_account::DEL_POST, MADE, delete),
        stateful(oa::custom_service::GET_KF_LIST, MADE, list),
        stateful(oa::custom_service::GET_ONLINE_KF_LIST, MADE, online),
    ],
    topics: &[(accounts::DELETED, account_deleted)],
    earlier: Some(earlier),
    ..Feature::EMPTY
};
const MADE: &str = "staff_are_made_renamed_and_dismissed";

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        STAFF.remove_under(turn.world, &appid);
    }
}

fn earlier(world: &mut World, kept: &Value) -> Result<(), String> {
    for (appid, account) in kept["world"]["accounts"].as_object().into_iter().flatten() {
        for (name, member) in account["staff"].as_object().into_iter().flatten() {
            let member = serde_json::from_value(member.clone()).map_err(|e| e.to_string())?;
            STAFF.put(world, (appid.as_str().into(), name.as_str().into()), member);
        }
    }
    Ok(())
}

/// Most staff members of an account.
const MOST: usize = 100;
/// Most letters before the `@`.
const NAME: usize = 10;
/// Most characters of a nickname.
const NICKNAME: usize = 16;
/// The first staff number.
const FIRST_ID: u64 = 1000;

/// One staff member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StaffMember {
    /// 1001 on.
    pub(crate) id: u64,
    /// Shown to users.
    pub(crate) nickname: String,
}

/// The staff member of a full name (`name@alias`).
pub(super) fn find<'w>(world: &'w World, account: &Account, full: &str) -> Option<&'w StaffMember> {
    STAFF.get(
        world,
        &(account.appid.clone(), name_of(account, full)?.into()),
    )
}

fn name_of<'n>(account: &Account, full: &'n str) -> Option<&'n str> {
    let (name, alias) = full.split_once('@')?;
    (alias == account.alias || alias == &*account.original_id).then_some(name)
}

fn given_name(turn: &Turn<'_>, asked: &Asked) -> Result<String, Refusal> {
    // WECHAT: dismissing by GET carries the name in the query, which no source of the catalog has.
    let of_query = asked.query.get("kf_account").map(String::as_str);
    let full = of_query
        .or_else(|| asked.body.get("kf_account")?.as_str())
        .unwrap_or_default();
    let account = asked.account(turn.world)?;
    let name = name_of(account, full).ok_or_else(|| {
        Refusal::code(code::INVALID_KF_ACCOUNT).because(
            "kf_account.alias",
            Some(full.to_owned()),
            Some(format!("name@{}", account.alias)),
        )
    })?;
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Refusal::code(code::ILLEGAL_KF_ACCOUNT));
    }
    if name.len() > NAME {
        return Err(Refusal::code(code::KF_ACCOUNT_NAME_TOO_LONG));
    }
    Ok(name.to_owned())
}

fn given_nickname(asked: &Asked) -> Result<String, Refusal> {
    let nickname = asked.given("nickname").unwrap_or_default();
    if nickname.is_empty() || nickname.chars().count() > NICKNAME {
        return Err(Refusal::code(code::ILLEGAL_KF_NICKNAME));
    }
    Ok(nickname.to_owned())
}

/// `kfaccount/add`.
pub(crate) fn add(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let name = given_name(turn, asked)?;
    let nickname = given_nickname(asked)?;
    let own = |world| STAFF.under(world, &asked.appid);
    let taken = own(turn.world).any(|(other, _)| **other == name);
    if taken {
        return Err(Refusal::code(code::KF_ACCOUNT_EXISTS));
    }
    if own(turn.world).count() >= MOST {
        return Err(Refusal::code(code::KF_ACCOUNT_LIMIT));
    }
    let last = own(turn.world).map(|(_, member)| member.id).max();
    let member = StaffMember {
        id: last.unwrap_or(FIRST_ID) + 1,
        nickname,
    };
    STAFF.put(turn.world, (asked.appid.clone(), name.into()), member);
    Ok(Reply::Acknowledged)
}

/// `kfaccount/update`.
pub(crate) fn update(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let name = given_name(turn, asked)?;
    let nickname = given_nickname(asked)?;
    match STAFF.get_mut(turn.world, &(asked.appid.clone(), name.into())) {
        Some(member) => {
            member.nickname = nickname;
            Ok(Reply::Acknowledged)
        }
        None => Err(Refusal::code(code::INVALID_KF_ACCOUNT)),
    }
}

/// `kfaccount/del`.
pub(crate) fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let name = given_name(turn, asked)?;
    match STAFF.remove(turn.world, &(asked.appid.clone(), name.into())) {
        Some(_) => Ok(Reply::Acknowledged),
        None => Err(Refusal::code(code::INVALID_KF_ACCOUNT)),
    }
}

/// `getkflist`.
///
/// WECHAT: silenceper reads `kf_id` as a number only, though the page's sample has it as text.
pub(crate) fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let account = asked.account(turn.world)?;
    let list: Vec<Value> = STAFF
        .under(turn.world, &asked.appid)
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
pub(crate) fn online(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let account = asked.account(turn.world)?;
    let list: Vec<Value> = STAFF
        .under(turn.world, &asked.appid)
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
