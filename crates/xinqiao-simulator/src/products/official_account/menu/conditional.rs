//! Conditional menus (个性化菜单): menus that only some people see.
//!
//! The newest is tried first, and whom none fits sees the menu for all, without which there are none. A person counts by
//! the tag that was put on last. What conditions say of sex, place and language has not been matched since 2021.
//!
//! Source: doc pages "创建个性化菜单", "测试个性化菜单匹配结果"; error codes 65301 to 65320; community for what `menu/get` calls a tag.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa, rules::limit};

use super::{MENUS, Seen, buttons, number, tell_phones};
use crate::{
    accounts::{
        self, ACCOUNTS,
        rules::{Preset, Rule},
    },
    door::{Asked, Refusal, Reply, Verdict, asked::whole, stateful},
    kernel::{Id, Table, Turn, World, feature::id_in},
    people,
    products::{Feature, official_account::tags},
};

/// Conditional menus by account and number.
static CONDITIONAL: Table<(Id, u64), Menu> = Table::new("official_account.conditional_menus", 1);

pub(in super::super) static FEATURE: Feature = Feature {
    name: "official_account.conditional_menu",
    tables: &[&CONDITIONAL],
    behaviours: &[
        stateful(oa::menu::ADD_CONDITIONAL, SEEN, add),
        stateful(oa::menu::DEL_CONDITIONAL, SEEN, delete),
        stateful(oa::menu::TRY_MATCH, SEEN, try_match),
    ],
    rules: &[&PRIVATE_CONDITIONS],
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const SEEN: &str = "the_newest_menu_that_fits_is_seen";

/// Whether menus may ask for what is private.
static PRIVATE_CONDITIONS: Rule = Rule {
    name: "menu.private_conditions",
    default: Preset::Word("refused", &["refused", "matched"]),
    about: (
        "个性化菜单能否按性别、地区、语言匹配：refused 拒绝（65320），已有的失效；matched 照 2021 年以前匹配",
        "whether conditional menus match sex, place and language: `refused` (65320, and what is there is void) or `matched`, as before 2021",
    ),
    source: "doc page 创建个性化菜单: refused to protect what is private; community says since 2021-10-20",
};

/// The old name of `tag_id`, by which the platform still tells it.
const TAG: &str = "group_id";
/// Conditions about what is private.
const PRIVATE: &[&str] = &["sex", "country", "province", "city", "language"];
const PLATFORM: &str = "client_platform_type";
/// The catalog's limit of hosts that all conditional menus of an account lead to.
pub(in super::super) const HOSTS: &str = "conditional_menu.hosts";

/// A menu for some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Menu {
    button: Value,
    /// What must hold, by the names under which the platform tells it.
    matchrule: BTreeMap<String, String>,
}

/// Whether the account's menus match what is private.
fn matches_private(world: &World, appid: &Id) -> bool {
    let rules = ACCOUNTS.get(world, appid).map(|account| &account.rules);
    PRIVATE_CONDITIONS.word(rules) == "matched"
}

fn newest<'w>(
    world: &'w World,
    appid: &Id,
) -> impl DoubleEndedIterator<Item = (u64, &'w Menu)> + use<'w> {
    let all = (appid.clone(), 0)..=(appid.clone(), u64::MAX);
    { CONDITIONAL.range(world, all).rev() }.map(|((_, number), menu)| (*number, menu))
}

/// The newest menu that fits this person.
pub(super) fn fitting<'w>(world: &'w World, appid: &Id, openid: &str) -> Option<Seen<'w>> {
    let (number, menu) = newest(world, appid).find(|(_, menu)| fits(world, appid, openid, menu))?;
    Some(Seen {
        buttons: &menu.button,
        id: number.to_string(),
    })
}

fn fits(world: &World, appid: &Id, openid: &str, menu: &Menu) -> bool {
    let Some(person) = people::person(world, appid, openid) else {
        return false;
    };
    let Ok(person) = people::user(world, person) else {
        return false;
    };
    let void = !matches_private(world, appid) && { menu.matchrule.keys() }
        .any(|name| PRIVATE.contains(&name.as_str()));
    let about = person.about.as_deref().cloned().unwrap_or_default();
    let holds = |(name, wanted): (&String, &String)| match name.as_str() {
        TAG => tags::last_worn(world, appid, &openid.into()).to_string() == *wanted,
        "sex" => person.sex.to_string() == *wanted,
        "country" => about.country == *wanted,
        "province" => about.province == *wanted,
        "city" => about.city == *wanted,
        "language" => about.language() == *wanted,
        PLATFORM => about.platform.number().to_string() == *wanted,
        _ => false,
    };
    !void && menu.matchrule.iter().all(holds)
}

/// The buttons of every conditional menu of an account.
pub(super) fn buttons<'w>(
    world: &'w World,
    appid: &Id,
) -> impl Iterator<Item = &'w Value> + use<'w> {
    newest(world, appid).map(|(_, menu)| &menu.button)
}

/// The conditional menus as `menu/get` tells them.
pub(super) fn told(world: &World, appid: &Id) -> Vec<Value> {
    let told = |(number, menu): (u64, &Menu)| {
        json!({
            "button": buttons::completed(&menu.button), "matchrule": menu.matchrule, "menuid": number,
        })
    };
    newest(world, appid).map(told).collect()
}

pub(super) fn delete_all(world: &mut World, appid: &Id) {
    CONDITIONAL.remove_under(world, appid);
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        delete_all(turn.world, &appid);
    }
}

/// The conditions that a call gives, which the platform takes as numbers and as texts; what is empty or 0 is none.
fn conditions(world: &World, asked: &Asked) -> Result<BTreeMap<String, String>, Refusal> {
    let given = asked.body.get("matchrule");
    let value = |name: &str| {
        let text = match given?.get(name)? {
            Value::String(text) => text.trim().to_owned(),
            other => whole(other)?.to_string(),
        };
        (!text.is_empty() && (text != "0" || name == TAG)).then_some(text)
    };
    let mut all = BTreeMap::new();
    let tag = given.and_then(|_| value("tag_id").or_else(|| value(TAG)));
    if let Some(tag) = tag {
        let known = { tag.parse().ok() }.filter(|tag| tags::exists(world, &asked.appid, *tag));
        let Some(known) = known else {
            return Err(Refusal::code(code::INVALID_TAG_ID).because(
                "call.parameter",
                Some(format!("tag_id {tag}")),
                None,
            ));
        };
        all.insert(TAG.to_owned(), known.to_string());
    }
    for name in PRIVATE.iter().copied().chain([PLATFORM]) {
        if let Some(value) = value(name) {
            all.insert(name.to_owned(), value);
        }
    }
    Ok(all)
}

/// Refuses conditions that the platform refuses.
///
/// WECHAT: a place is told from the country down: a province needs its country, a city its province.
fn check_conditions(
    world: &World,
    appid: &Id,
    rule: &BTreeMap<String, String>,
) -> Result<(), Refusal> {
    if rule.is_empty() {
        return Err(Refusal::code(code::MATCH_RULE_EMPTY));
    }
    let has = |name: &str| rule.contains_key(name);
    if let Some(name) = PRIVATE.iter().find(|name| has(name))
        && !matches_private(world, appid)
    {
        return Err(Refusal::code(code::PRIVATE_MATCH_RULE).because(
            "menu.private_condition",
            Some((*name).to_owned()),
            Some(format!("tag_id, {PLATFORM}")),
        ));
    }
    if (has("province") || has("city")) && !has("country") {
        return Err(Refusal::code(code::MATCH_RULE_WITHOUT_COUNTRY));
    }
    if has("city") && !has("province") {
        return Err(Refusal::code(code::MATCH_RULE_WITHOUT_PROVINCE));
    }
    Ok(())
}

/// Refuses buttons with codes of their own: those of the menu for all hold for the rest.
fn check_buttons(world: &World, asked: &Asked) -> Result<Value, Refusal> {
    let given = asked.body.get("button").cloned().unwrap_or_default();
    let list = given.as_array().map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() {
        return Err(Refusal::code(code::CONDITIONAL_MENU_EMPTY));
    }
    let acts = |button: &Value| {
        let subs = button.get("sub_button").and_then(Value::as_array);
        subs.is_some_and(|subs| !subs.is_empty()) || button.get("type").is_some()
    };
    if !buttons::each(&given).all(acts) {
        return Err(Refusal::code(code::BUTTON_WITHOUT_TYPE));
    }
    buttons::check(list).map_err(|refusal| {
        let of_url = [
            code::INVALID_BUTTON_URL_DOMAIN,
            code::INVALID_SUB_BUTTON_URL_DOMAIN,
        ];
        if of_url.iter().any(|code| refusal.code == (*code).into()) {
            Refusal::code(code::MENU_URL_INVALID)
        } else {
            refusal
        }
    })?;
    let hosts: BTreeSet<&str> = self::buttons(world, &asked.appid)
        .chain([&given])
        .flat_map(buttons::each)
        .filter_map(buttons::host)
        .collect();
    let most = limit::count(HOSTS);
    if hosts.len() > most {
        return Err(Refusal::code(code::MENU_HOST_LIMIT).because(
            "menu.hosts",
            Some(hosts.into_iter().collect::<Vec<_>>().join(", ")),
            Some(format!("≤ {most}")),
        ));
    }
    Ok(given)
}

/// `menu/addconditional`.
fn add(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    if !MENUS.has(turn.world, &*asked.appid) {
        return Err(Refusal::code(code::DEFAULT_MENU_MISSING));
    }
    let button = check_buttons(turn.world, asked)?;
    let matchrule = conditions(turn.world, asked)?;
    check_conditions(turn.world, &asked.appid, &matchrule)?;
    let number = number(turn.world);
    let menu = Menu { button, matchrule };
    CONDITIONAL.put(turn.world, (asked.appid.clone(), number), menu);
    tell_phones(turn, &asked.appid);
    Ok(Reply::Json(json!({"menuid": number.to_string()})))
}

/// `menu/delconditional`.
///
/// WECHAT: 65301 for the menu for all, and for a number of no menu.
fn delete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let number = u64::try_from(asked.number("menuid")?).unwrap_or_default();
    let gone = CONDITIONAL.remove(turn.world, &(asked.appid.clone(), number));
    if gone.is_none() {
        return Err(Refusal::code(code::NOT_A_CONDITIONAL_MENU));
    }
    tell_phones(turn, &asked.appid);
    Ok(Reply::Acknowledged)
}

/// `menu/trymatch`: what a follower sees.
fn try_match(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let openid = asked.text("user_id")?;
    let contact = people::contact(turn.world, &asked.appid, openid)
        .ok_or_else(|| Refusal::code(code::NO_SUCH_MENU_USER))?;
    if !contact.followed {
        return Err(Refusal::code(code::MENU_USER_NOT_FOLLOWING));
    }
    let seen = super::seen_by(turn.world, &asked.appid, openid)
        .ok_or_else(|| Refusal::code(code::MENU_NOT_FOUND))?;
    let button = buttons::completed(seen.buttons);
    Ok(Reply::Json(json!({"button": button})))
}
