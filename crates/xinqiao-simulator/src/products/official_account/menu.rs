//! The custom menu (自定义菜单): one that all see, and conditional ones for some.
//!
//! * [`buttons`]: limits of buttons, how they are found and told;
//! * [`conditional`]: menus for some people.
//!
//! Source: doc pages "创建接口", "查询接口", "删除接口", "获取自定义菜单配置".

mod buttons;
pub(super) mod conditional;

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

pub(super) use self::buttons::find_button;

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

/// A menu that somebody sees.
#[derive(Debug)]
pub(super) struct Seen<'w> {
    pub(super) buttons: &'w Value,
    /// The menu's number, as VIEW events carry it.
    pub(super) id: String,
}

/// The menu of an account that this person sees: the newest whose conditions hold, otherwise the one for all.
pub(super) fn seen_by<'w>(world: &'w World, appid: &Id, openid: &str) -> Option<Seen<'w>> {
    let menu = MENUS.get(world, appid)?;
    let fitting = conditional::fitting(world, appid, openid);
    Some(fitting.unwrap_or_else(|| Seen {
        buttons: &menu["button"],
        id: menu["menuid"].to_string(),
    }))
}

/// Whether a button of the account's menus shows this file.
pub(super) fn shows(world: &World, appid: &Id, media_id: &str) -> bool {
    let default = MENUS.get(world, appid).map(|menu| &menu["button"]);
    default
        .into_iter()
        .chain(conditional::buttons(world, appid))
        .flat_map(buttons::each)
        .any(|button| button["media_id"] == media_id)
}

/// The id is `appid openid`, or the appid alone where account and person have not met.
fn in_chat(world: &World, id: &str, view: &mut Value) {
    let (appid, openid) = id.split_once(' ').unwrap_or((id, ""));
    view["menu"] = seen_by(world, &appid.into(), openid)
        .map_or(Value::Null, |menu| json!({"button": menu.buttons}));
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

/// The number of a menu that is made now.
fn number(world: &mut World) -> u64 {
    world.serial("menu") + 400_000_000
}

/// `menu/create`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let given = asked.body.get("button").and_then(Value::as_array);
    let given = given.ok_or_else(|| Refusal::code(code::INVALID_BUTTON_COUNT))?;
    buttons::check(given)?;
    let menu = json!({"button": given, "menuid": number(turn.world)});
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

/// `menu/get`.
///
/// WECHAT: 46003 when no menu was set over the interface; the answer wraps the buttons once more than the request. The
/// menu's number is told beside conditional menus only, of which the newest comes first.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let Some(menu) = MENUS.get(turn.world, &*asked.appid) else {
        return Err(Refusal::code(code::MENU_NOT_FOUND));
    };
    let mut answer = json!({"menu": {"button": buttons::completed(&menu["button"])}});
    let conditional = conditional::told(turn.world, &asked.appid);
    if !conditional.is_empty() {
        answer["menu"]["menuid"] = menu["menuid"].clone();
        answer["conditionalmenu"] = json!(conditional);
    }
    Ok(Reply::Json(answer))
}

/// `menu/delete`: the menu for all, and with it the conditional ones.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    MENUS.remove(turn.world, &*asked.appid);
    conditional::delete_all(turn.world, &asked.appid);
    tell_phones(turn, &asked.appid);
    Ok(Reply::Acknowledged)
}

/// `get_current_selfmenu_info`: whichever menu is live, with sub-buttons one level deeper than elsewhere.
fn current(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
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
