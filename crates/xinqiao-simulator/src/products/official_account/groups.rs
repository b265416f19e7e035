//! Groups of an account's followers (用户分组), as they were before tags: the same data, seen so that each person is in one.
//!
//! A group is a tag. Who wears tags is in the group of the last; who is on the blacklist is in group 1, everybody else in
//! group 0. Who is moved leaves all other groups.
//!
//! Source: doc page "用户分组管理" (before 2016); "获取用户基本信息" for `groupid`; community for a `groupid` that is a tag's number.

use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa, rules::limit};

use super::{
    fans::{self, FAN_VIEW},
    tags::{self, UNTAGGED},
};
use crate::{
    door::{Asked, Refusal, Reply, Verdict, asked::whole, stateful},
    kernel::{Id, Turn, World},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.groups",
    behaviours: &[
        stateful(oa::groups::CREATE, MADE, create),
        stateful(oa::groups::GET, MADE, get),
        stateful(oa::groups::UPDATE, MADE, update),
        stateful(oa::groups::DELETE, MADE, delete),
        stateful(oa::groups::GET_ID, MOVED, of_person),
        stateful(oa::groups::members::UPDATE, MOVED, move_one),
        stateful(oa::groups::members::BATCH_UPDATE, MOVED, move_some),
    ],
    views: &[(FAN_VIEW, in_fan)],
    ..Feature::EMPTY
};
const MADE: &str = "a_group_is_a_tag";
const MOVED: &str = "who_is_moved_is_in_one_group";

/// Who is in no group, and who is on the blacklist.
const NONE: (u64, &str) = (UNTAGGED, "未分组");
const BLACKLIST: (u64, &str) = (1, "黑名单");
/// The catalog's limit of people in one call.
pub(super) const BATCH: &str = "groups.batch";

/// The group that a person is in.
fn group_of(world: &World, appid: &Id, openid: &Id) -> u64 {
    if tags::is_blacklisted(world, appid, openid) {
        return BLACKLIST.0;
    }
    tags::last_worn(world, appid, openid)
}

/// `groups/create`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let name = asked.group("group")?.get("name").and_then(Value::as_str);
    let (id, name) = tags::make(turn, &asked.appid, name.unwrap_or_default())?;
    Ok(Reply::Json(json!({"group": {"id": id, "name": name}})))
}

/// `groups/get`: the platform's three groups first.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (world, appid) = (&*turn.world, &asked.appid);
    let built_in = [
        (NONE, tags::untagged(world, appid)),
        (BLACKLIST, tags::blacklist_length(world, appid)),
    ];
    let mut groups: Vec<Value> = { built_in.into_iter() }
        .map(|((id, name), count)| json!({"id": id, "name": name, "count": count}))
        .collect();
    groups.extend(tags::listed(world, appid).map(|(_, tag)| tag));
    Ok(Reply::Json(json!({"groups": groups})))
}

/// The group of the account that a call is to change.
fn own_group(world: &World, asked: &Asked) -> Result<u64, Refusal> {
    let id = asked.group("group")?.get("id").and_then(whole);
    tags::changeable(world, &asked.appid, id, code::INVALID_GROUP_ID)
}

/// `groups/update`.
fn update(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let id = own_group(turn.world, asked)?;
    let name = asked.group("group")?.get("name").and_then(Value::as_str);
    tags::rename(turn, &asked.appid, id, name.unwrap_or_default())?;
    Ok(Reply::Acknowledged)
}

/// `groups/delete`: whoever was in it is in group 0.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let id = own_group(turn.world, asked)?;
    tags::drop(turn, &asked.appid, id)?;
    Ok(Reply::Acknowledged)
}

/// `groups/getid`.
fn of_person(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let openid = asked.text("openid")?;
    let openid = &fans::contact(turn.world, &asked.appid, openid)?.openid;
    let group = group_of(turn.world, &asked.appid, openid);
    Ok(Reply::Json(json!({"groupid": group})))
}

/// `groups/members/update`.
fn move_one(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let openid = asked.text("openid")?;
    move_all(turn, asked, &[openid])
}

/// `groups/members/batchupdate`.
fn move_some(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let openids = asked.texts("openid_list")?;
    if openids.is_empty() || openids.len() > limit::count(BATCH) {
        return Err(Refusal::code(code::INVALID_OPENID_LIST_SIZE));
    }
    move_all(turn, asked, &openids)
}

fn move_all(turn: &mut Turn<'_>, asked: &Asked, openids: &[&str]) -> Verdict {
    let appid = &asked.appid;
    let group = u64::try_from(asked.number("to_groupid")?).unwrap_or(u64::MAX);
    let built_in = group == NONE.0 || group == BLACKLIST.0;
    if !built_in && !tags::exists(turn.world, appid, group) {
        return Err(Refusal::code(code::INVALID_GROUP_ID));
    }
    let people = { openids.iter() }
        .map(|openid| {
            let contact = fans::contact(turn.world, appid, openid)?;
            if contact.followed {
                Ok(contact.openid.clone())
            } else {
                Err(Refusal::code(code::NOT_FOLLOWING))
            }
        })
        .collect::<Result<Vec<Id>, Refusal>>()?;
    for openid in &people {
        if group == BLACKLIST.0 {
            tags::put_on_blacklist(turn, appid, openid);
        } else {
            tags::take_off_blacklist(turn.world, appid, openid);
            tags::wear_only(turn.world, appid, openid, group);
        }
    }
    Ok(Reply::Acknowledged)
}

fn in_fan(world: &World, id: &str, view: &mut Value) {
    if view["subscribe"] != 1 {
        return;
    }
    if let Some((appid, openid)) = id.split_once(' ') {
        view["groupid"] = json!(group_of(world, &appid.into(), &openid.into()));
    }
}
