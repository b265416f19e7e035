//! The custom menu (自定义菜单): limits in bytes, one menu at a time.
//!
//! Source: doc pages "创建接口", "查询接口", "删除接口", "获取自定义菜单配置".

use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa};

use super::phone::CHAT_VIEW;
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Effect, Id, Table, Turn, World, feature::id_in},
    people::{self, FOLLOWERS},
    products::Feature,
};

/// The menu of an account, as it was set over the interface.
static MENUS: Table<Id, Value> = Table::new("official_account.menus", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.menu",
    tables: &[&MENUS],
    behaviours: &[
        stateful(oa::menu::CREATE, READ, create),
        stateful(oa::menu::GET, READ, get),
        stateful(oa::menu::DELETE, READ, delete),
        stateful(oa::base::GET_CURRENT_SELF_MENU_INFO, READ, current),
    ],
    views: &[(CHAT_VIEW, in_chat)],
    topics: &[(accounts::DELETED, account_deleted)],
    earlier: Some(earlier),
    ..Feature::EMPTY
};
const READ: &str = "a_menu_is_made_read_and_deleted";

/// The menu of an account, if it has one.
pub(super) fn of<'w>(world: &'w World, appid: &str) -> Option<&'w Value> {
    MENUS.get(world, appid)
}

/// Whether a button of the account's menu shows this file.
pub(super) fn shows(world: &World, appid: &str, media_id: &str) -> bool {
    let shown = |button: &Value| button["media_id"] == media_id;
    of(world, appid).is_some_and(|menu| {
        menu["button"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|button| {
                let below = button["sub_button"].as_array();
                shown(button) || below.is_some_and(|subs| subs.iter().any(shown))
            })
    })
}

fn in_chat(world: &World, appid: &str, view: &mut Value) {
    view["menu"] = MENUS
        .get(world, appid)
        .map_or(Value::Null, |menu| json!({"button": menu["button"]}));
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        MENUS.remove(turn.world, &*appid);
    }
}

fn earlier(world: &mut World, kept: &Value) -> Result<(), String> {
    for (appid, account) in kept["world"]["accounts"].as_object().into_iter().flatten() {
        if account["menu"].is_object() {
            MENUS.put(world, appid.as_str().into(), account["menu"].clone());
        }
    }
    Ok(())
}

const BUTTONS: usize = 3;
const SUB_BUTTONS: usize = 5;
const NAME_BYTES: usize = 16;
const SUB_NAME_BYTES: usize = 60;
const KEY_BYTES: usize = 128;
const URL_BYTES: usize = 1024;

/// Types that need a `key`.
const KEYED: &[&str] = &[
    "click",
    "scancode_push",
    "scancode_waitmsg",
    "pic_sysphoto",
    "pic_photo_or_album",
    "pic_weixin",
    "location_select",
];
/// Types that need a file.
const FILED: &[&str] = &["media_id", "view_limited"];
/// Types that need an article.
const ARTICLED: &[&str] = &["article_id", "article_view_limited"];

/// `menu/create`.
pub(crate) fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let buttons = asked.body.get("button").and_then(Value::as_array);
    let buttons = buttons.ok_or_else(|| Refusal::code(code::INVALID_BUTTON_COUNT))?;
    check(buttons)?;
    let id = turn.world.serial("menu") + 400_000_000;
    let menu = json!({"button": buttons, "menuid": id});
    MENUS.put(turn.world, asked.appid.clone(), menu);
    tell_phones(turn, &asked.appid);
    Ok(Reply::Acknowledged)
}

/// The phones that may be looking at the menu; enough of them to be seen, not all of a million.
fn tell_phones(turn: &mut Turn<'_>, appid: &Id) {
    let users: Vec<u64> = FOLLOWERS
        .under(turn.world, appid)
        .take(20)
        .filter_map(|(_, openid)| people::person(turn.world, appid, openid))
        .collect();
    for user in users {
        turn.effects.push(Effect::Chat {
            user: people::user::name(user),
            account: appid.to_string(),
        });
    }
}

fn check(buttons: &[Value]) -> Result<(), Refusal> {
    if buttons.is_empty() || buttons.len() > BUTTONS {
        return Err(Refusal::code(code::INVALID_BUTTON_COUNT));
    }
    for button in buttons {
        check_name(button, NAME_BYTES, code::INVALID_BUTTON_NAME_SIZE)?;
        match button.get("sub_button").and_then(Value::as_array) {
            Some(subs) if !subs.is_empty() => {
                if subs.len() > SUB_BUTTONS {
                    return Err(Refusal::code(code::INVALID_SUB_BUTTON_COUNT));
                }
                for sub in subs {
                    let deeper = sub.get("sub_button").and_then(Value::as_array);
                    if deeper.is_some_and(|list| !list.is_empty()) {
                        return Err(Refusal::code(code::INVALID_SUB_MENU_LEVEL));
                    }
                    check_name(sub, SUB_NAME_BYTES, code::INVALID_SUB_BUTTON_NAME_SIZE)?;
                    check_kind(sub, true)?;
                }
            }
            _ => check_kind(button, false)?,
        }
    }
    Ok(())
}

fn check_name(button: &Value, most: usize, code: i64) -> Result<(), Refusal> {
    let name = button
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if name.is_empty() || name.len() > most {
        return Err(Refusal::code(code).because(
            "menu.name",
            Some(format!("{name} ({} bytes)", name.len())),
            Some(format!("1-{most} bytes")),
        ));
    }
    Ok(())
}

fn check_kind(button: &Value, sub: bool) -> Result<(), Refusal> {
    let text = |name: &str| button.get(name).and_then(Value::as_str).unwrap_or_default();
    let pick = |own: i64, of_sub: i64| if sub { of_sub } else { own };
    let kind = text("type");
    if KEYED.contains(&kind) {
        let key = text("key");
        if key.is_empty() || key.len() > KEY_BYTES {
            let code = pick(
                code::INVALID_BUTTON_KEY_SIZE,
                code::INVALID_SUB_BUTTON_KEY_SIZE,
            );
            return Err(Refusal::code(code));
        }
        return Ok(());
    }
    if kind == "view" || kind == "miniprogram" {
        let url = text("url");
        if url.is_empty() || url.len() > URL_BYTES {
            let code = pick(
                code::INVALID_BUTTON_URL_SIZE,
                code::INVALID_SUB_BUTTON_URL_SIZE,
            );
            return Err(Refusal::code(code));
        }
        if !url.contains("://") {
            return Err(Refusal::code(code::INVALID_BUTTON_URL_DOMAIN));
        }
        return Ok(());
    }
    if FILED.contains(&kind) {
        let fine = !text("media_id").is_empty();
        return if fine {
            Ok(())
        } else {
            Err(Refusal::code(code::INVALID_MEDIA_ID))
        };
    }
    if ARTICLED.contains(&kind) {
        return Ok(());
    }
    Err(Refusal::code(pick(
        code::INVALID_BUTTON_TYPE,
        code::INVALID_SUB_BUTTON_TYPE,
    )))
}

/// `menu/get`.
///
/// WECHAT: 46003 when no menu was set over the interface; the answer wraps the buttons once more than the request.
pub(crate) fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let Some(menu) = MENUS.get(turn.world, &*asked.appid) else {
        return Err(Refusal::code(code::MENU_NOT_FOUND));
    };
    let mut buttons = menu.get("button").cloned().unwrap_or_default();
    if let Some(list) = buttons.as_array_mut() {
        for button in list {
            complete(button);
        }
    }
    Ok(Reply::Json(json!({"menu": {"button": buttons}})))
}

/// The platform gives every button a list of sub-buttons, empty or not.
fn complete(button: &mut Value) {
    let Some(fields) = button.as_object_mut() else {
        return;
    };
    if let Some(subs) = fields.get_mut("sub_button").and_then(Value::as_array_mut) {
        for sub in subs {
            complete(sub);
        }
    } else {
        fields.insert("sub_button".to_owned(), json!([]));
    }
}

/// `menu/delete`.
pub(crate) fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    MENUS.remove(turn.world, &*asked.appid);
    tell_phones(turn, &asked.appid);
    Ok(Reply::Acknowledged)
}

/// `get_current_selfmenu_info`: whichever menu is live, with sub-buttons one level deeper than elsewhere.
pub(crate) fn current(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let Some(menu) = MENUS.get(turn.world, &*asked.appid) else {
        return Ok(Reply::Json(
            json!({"is_menu_open": 0, "selfmenu_info": {"button": []}}),
        ));
    };
    let buttons = menu
        .get("button")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let buttons: Vec<Value> = buttons
        .into_iter()
        .map(|mut button| {
            if let Some(fields) = button.as_object_mut()
                && let Some(subs) = fields.remove("sub_button")
            {
                let filled = subs.as_array().is_some_and(|list| !list.is_empty());
                if filled {
                    fields.insert("sub_button".to_owned(), json!({"list": subs}));
                }
            }
            button
        })
        .collect();
    Ok(Reply::Json(
        json!({"is_menu_open": 1, "selfmenu_info": {"button": buttons}}),
    ))
}

/// The button of a menu that has this key or address.
pub(crate) fn find_button<'m>(
    menu: &'m Value,
    key: Option<&str>,
    url: Option<&str>,
) -> Option<&'m Value> {
    let top = menu.get("button")?.as_array()?;
    let fits = |button: &&Value| {
        let same = |name: &str, wanted: Option<&str>| {
            wanted.is_some_and(|wanted| button.get(name).and_then(Value::as_str) == Some(wanted))
        };
        same("key", key) || same("url", url)
    };
    top.iter()
        .flat_map(|button| {
            let subs = button.get("sub_button").and_then(Value::as_array);
            subs.into_iter().flatten().chain(std::iter::once(button))
        })
        .find(fits)
}

/// The menu's number, as VIEW events carry it.
pub(crate) fn menu_id(menu: &Value) -> String {
    menu.get("menuid")
        .map(ToString::to_string)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(buttons: Value, code: i64) {
        let refuse = check(buttons.as_array().unwrap()).unwrap_err();
        assert_eq!(refuse.code, code.into());
    }

    #[test]
    fn limits_count_bytes() {
        let click = |name: &str| json!({"type": "click", "name": name, "key": "K"});
        assert!(check(&[click("今日歌曲吧")]).is_ok(), "15 bytes");
        refused(
            json!([click("今日歌曲推荐")]),
            code::INVALID_BUTTON_NAME_SIZE,
        );
        refused(json!([]), code::INVALID_BUTTON_COUNT);
        refused(
            json!([click("a"), click("b"), click("c"), click("d")]),
            code::INVALID_BUTTON_COUNT,
        );
        let subs: Vec<Value> = (0..6).map(|_| click("x")).collect();
        refused(
            json!([{"name": "a", "sub_button": subs}]),
            code::INVALID_SUB_BUTTON_COUNT,
        );
        let deep =
            json!([{"name": "a", "sub_button": [{"name": "b", "sub_button": [click("c")]}]}]);
        refused(deep, code::INVALID_SUB_MENU_LEVEL);
        refused(
            json!([{"name": "a", "type": "unheard", "key": "K"}]),
            code::INVALID_BUTTON_TYPE,
        );
    }

    #[test]
    fn a_button_is_found_on_both_levels() {
        let menu = json!({"button": [
            {"name": "a", "type": "click", "key": "A"},
            {"name": "b", "sub_button": [{"name": "c", "type": "view", "url": "http://x/"}]},
        ]});
        assert_eq!(find_button(&menu, Some("A"), None).unwrap()["name"], "a");
        assert_eq!(
            find_button(&menu, None, Some("http://x/")).unwrap()["name"],
            "c"
        );
        assert!(find_button(&menu, Some("Z"), None).is_none());
    }
}
