//! Users as an account sees them: info, list, remark.
//!
//! Source: doc pages "获取用户基本信息", "获取用户列表", "设置用户备注名".

use serde_json::{Value, json};
use xinqiao_catalog::code;

use crate::{
    front_door::{Refuse, Reply, Request, Verdict},
    world::{Turn, account::Account, contact::Contact},
};

/// Most openids a page.
const PAGE: usize = 10_000;
/// Most users in one call.
const BATCH: usize = 100;
/// Most characters of a remark.
const REMARK: usize = 30;

fn contact<'a>(account: &'a Account, openid: &str) -> Result<&'a Contact, Refuse> {
    account.contacts.get(openid).ok_or_else(|| {
        Refuse::code(code::INVALID_OPENID).because("openid.foreign", Some(openid.to_owned()), None)
    })
}

/// WECHAT: since 2021-12-27 nickname and headimgurl are empty, since 2021-10-20 sex, country, province and city;
/// the keys stay, and SDKs need them. A user who does not follow has only an openid.
fn view(turn: &Turn<'_>, account: &Account, contact: &Contact, language: &str) -> Value {
    let unionid = account.open_account.as_ref().and_then(|open| {
        turn.world
            .users
            .get(&contact.user)
            .and_then(|user| user.unionids.get(open))
    });
    let mut value = if contact.followed {
        json!({
            "subscribe": 1,
            "openid": contact.openid,
            "nickname": "",
            "sex": 0,
            "language": language,
            "city": "",
            "province": "",
            "country": "",
            "headimgurl": "",
            "subscribe_time": contact.subscribe_time,
            "remark": contact.remark,
            "groupid": 0,
            "tagid_list": [],
            "subscribe_scene": contact.scene,
            "qr_scene": 0,
            "qr_scene_str": "",
        })
    } else {
        json!({"subscribe": 0, "openid": contact.openid, "tagid_list": []})
    };
    if let Some(unionid) = unionid {
        value["unionid"] = json!(unionid);
    }
    value
}

/// `user/info`.
pub(crate) fn info(turn: &mut Turn<'_>, request: &Request) -> Verdict {
    let openid = request.text("openid").unwrap_or_default();
    let language = request.text("lang").unwrap_or("zh_CN");
    let account = request.account(turn)?;
    let contact = contact(account, openid)?;
    Ok(Reply::Json(view(turn, account, contact, language)))
}

/// `user/info/batchget`.
pub(crate) fn batch(turn: &mut Turn<'_>, request: &Request) -> Verdict {
    let list = request.body.get("user_list").and_then(Value::as_array);
    let list = list.ok_or_else(|| Refuse::code(code::DATA_FORMAT_ERROR))?;
    if list.is_empty() || list.len() > BATCH {
        return Err(Refuse::code(code::INVALID_OPENID_LIST_SIZE));
    }
    let account = request.account(turn)?;
    let mut users = Vec::with_capacity(list.len());
    for wanted in list {
        let text = |name: &str| wanted.get(name).and_then(Value::as_str);
        let contact = contact(account, text("openid").unwrap_or_default())?;
        users.push(view(
            turn,
            account,
            contact,
            text("lang").unwrap_or("zh_CN"),
        ));
    }
    Ok(Reply::Json(json!({"user_info_list": users})))
}

/// `user/get`: ten thousand a page, in the order of following.
///
/// WECHAT: `next_openid` is the last of the page, and empty when there was none.
pub(crate) fn list(turn: &mut Turn<'_>, request: &Request) -> Verdict {
    let after = request.text("next_openid").unwrap_or_default();
    let account = request.account(turn)?;
    let start = if after.is_empty() {
        0
    } else {
        contact(account, after)?.order + 1
    };
    let page: Vec<&String> = account
        .followers
        .range(start..)
        .take(PAGE)
        .map(|(_, openid)| openid)
        .collect();
    let total = account.followers.len();
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
pub(crate) fn remark(turn: &mut Turn<'_>, request: &Request) -> Verdict {
    let openid = request.text("openid").unwrap_or_default().to_owned();
    let remark = request.text("remark").unwrap_or_default().to_owned();
    if remark.chars().count() > REMARK {
        return Err(Refuse::code(code::INVALID_ARGS));
    }
    contact(request.account(turn)?, &openid)?;
    let account = request.account_mut(turn)?;
    if let Some(contact) = account.contacts.get_mut(&openid) {
        contact.remark = remark;
    }
    Ok(Reply::Acknowledged)
}
