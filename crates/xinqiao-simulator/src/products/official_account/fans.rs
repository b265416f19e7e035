//! Users as an account sees them: info, list, remark.
//!
//! Source: doc pages "获取用户基本信息", "获取用户列表", "设置用户备注名".

use serde_json::{Map, Value, json};
use xinqiao_catalog::{code, id::official_account as oa};

use crate::{
    accounts::account::Account,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn, World},
    people::{self, FOLLOWERS, contact::Contact},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.fans",
    behaviours: &[
        stateful(oa::user::GET, "many_users_and_pages_of_them", list),
        stateful(oa::user::INFO, TOLD, info),
        stateful(oa::user::INFO_BATCH_GET, TOLD, batch),
        stateful(oa::user::INFO_UPDATE_REMARK, TOLD, remark),
    ],
    ..Feature::EMPTY
};
const TOLD: &str = "users_are_told_as_the_account_may_see_them";

/// The kind of view for a fan in `user/info`, by `appid openid`.
pub(super) const FAN_VIEW: &str = "official_account.fan";

/// The id under which features complete the view of a fan.
pub(super) fn fan_id(appid: &str, openid: &str) -> String {
    format!("{appid} {openid}")
}

/// Why an account is told no unionids.
pub(super) const NOT_BOUND: &str = "unionid.not_bound";

/// Most openids a page.
const PAGE: usize = 10_000;
/// Most users in one call.
const BATCH: usize = 100;
/// Most characters of a remark.
const REMARK: usize = 30;

/// The person that an openid of the account stands for.
///
/// WECHAT: an openid of another account is not a valid openid (40003).
pub(super) fn contact<'w>(
    world: &'w World,
    appid: &Id,
    openid: &str,
) -> Result<&'w Contact, Refusal> {
    match people::contact(world, appid, openid) {
        Some(contact) => Ok(contact),
        None => Err(Refusal::code(code::INVALID_OPENID).because(
            "openid.foreign",
            Some(openid.to_owned()),
            None,
        )),
    }
}

/// How many fields the view of a fan has, with what features add.
const FAN_FIELDS: usize = 20;

/// WECHAT: since 2021-12-27 nickname and headimgurl are empty, since 2021-10-20 sex, country, province and city;
/// the keys stay, and SDKs need them. A user who does not follow has only an openid.
fn view(world: &World, account: &Account, contact: &Contact, language: &str) -> Value {
    let openid = &contact.openid;
    let user = people::person(world, &account.appid, openid).unwrap_or_default();
    let unionid = account
        .open_account
        .as_ref()
        .map(|open| people::user::unionid(world, user, open));
    // Asked for more than anything else: the room is taken once.
    let mut fields = Map::with_capacity(FAN_FIELDS);
    let mut put = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    if contact.followed {
        put("subscribe", 1.into());
        put("openid", (&**openid).into());
        put("nickname", "".into());
        put("sex", 0.into());
        put("language", language.into());
        for name in ["city", "province", "country", "headimgurl"] {
            put(name, "".into());
        }
        put("subscribe_time", contact.subscribe_time.into());
        put("remark", (&*contact.remark).into());
        put("groupid", 0.into());
        put("tagid_list", Value::Array(Vec::new()));
        let scene = contact.scene.as_deref().unwrap_or_default();
        put("subscribe_scene", scene.into());
        put("qr_scene", 0.into());
        put("qr_scene_str", "".into());
    } else {
        put("subscribe", 0.into());
        put("openid", (&**openid).into());
        put("tagid_list", Value::Array(Vec::new()));
    }
    if let Some(unionid) = unionid {
        put("unionid", unionid.into());
    }
    let fan = fan_id(&account.appid, openid);
    world.completed(FAN_VIEW, &fan, Value::Object(fields))
}

/// `user/info`.
fn info(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let openid = asked.given("openid").unwrap_or_default();
    let language = asked.given("lang").unwrap_or("zh_CN");
    let account = asked.account(turn.world)?;
    let contact = contact(turn.world, &asked.appid, openid)?;
    let view = view(turn.world, account, contact, language);
    if account.open_account.is_none() {
        turn.remark = Some(NOT_BOUND);
    }
    Ok(Reply::Json(view))
}

/// `user/info/batchget`.
fn batch(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let list = asked.body.get("user_list").and_then(Value::as_array);
    let list = list.ok_or_else(|| Refusal::code(code::DATA_FORMAT_ERROR))?;
    if list.is_empty() || list.len() > BATCH {
        return Err(Refusal::code(code::INVALID_OPENID_LIST_SIZE));
    }
    let account = asked.account(turn.world)?;
    let mut users = Vec::with_capacity(list.len());
    for wanted in list {
        let text = |name: &str| wanted.get(name).and_then(Value::as_str);
        let openid = text("openid").unwrap_or_default();
        let contact = contact(turn.world, &asked.appid, openid)?;
        let language = text("lang").unwrap_or("zh_CN");
        users.push(view(turn.world, account, contact, language));
    }
    if account.open_account.is_none() {
        turn.remark = Some(NOT_BOUND);
    }
    Ok(Reply::Json(json!({"user_info_list": users})))
}

/// `user/get`: ten thousand a page, in the order of following.
///
/// WECHAT: `next_openid` is the last of the page, and empty when there was none.
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let after = asked.given("next_openid").unwrap_or_default();
    let order = match after {
        "" => 0,
        after => contact(turn.world, &asked.appid, after)?.order,
    };
    let page: Vec<&str> = FOLLOWERS
        .after(turn.world, (asked.appid.clone(), order))
        .take(PAGE)
        .map(|(_, openid)| &**openid)
        .collect();
    let total = people::follower_count(turn.world, &asked.appid);
    let Some(last) = page.last() else {
        return Ok(Reply::Json(
            json!({"total": total, "count": 0, "next_openid": ""}),
        ));
    };
    Ok(Reply::Json(json!({
        "total": total,
        "count": page.len(),
        "data": {"openid": page},
        "next_openid": last,
    })))
}

/// `user/info/updateremark`.
fn remark(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let openid = asked.given("openid").unwrap_or_default();
    let remark = asked.given("remark").unwrap_or_default();
    if remark.chars().count() > REMARK {
        return Err(Refusal::code(code::INVALID_ARGS));
    }
    let openid = contact(turn.world, &asked.appid, openid)?.openid.clone();
    if let Some(contact) = people::contact_mut(turn.world, &asked.appid, &openid) {
        contact.remark = remark.into();
    }
    Ok(Reply::Acknowledged)
}
