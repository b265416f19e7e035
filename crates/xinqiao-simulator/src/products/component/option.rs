//! Options of an account that a platform reads and sets: place, voice, customer service.
//!
//! They are kept and told; nothing else follows from them.
//!
//! Source: doc pages "获取授权账号选项信息", "设置授权账号选项信息", error codes 61012 and 61013.

use serde_json::{Value, json};
use xinqiao_catalog::{code, id::open_platform as op};

use super::{authorizers, calling};
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, feature::id_in},
    products::Feature,
};

/// What was set, by account and option.
static OPTIONS: Table<(Id, Id), u8> = Table::new("component.options", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "component.option",
    tables: &[&OPTIONS],
    behaviours: &[
        stateful(op::component::API_GET_AUTHORIZER_OPTION, SET, get),
        stateful(op::component::API_SET_AUTHORIZER_OPTION, SET, set),
    ],
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const SET: &str = "options_of_an_account_are_set_and_told";

/// Options with their greatest value; each begins at 0.
const KNOWN: &[(&str, u8)] = &[
    ("location_report", 2),
    ("voice_recognize", 1),
    ("customer_service", 1),
];

/// Account, option and the option's greatest value.
fn named(turn: &Turn<'_>, asked: &Asked) -> Result<((Id, Id), u8), Refusal> {
    let component = calling(asked)?;
    let account = authorizers::must_be_granted(turn.world, &component, asked)?;
    let name = asked.text("option_name")?;
    let known = KNOWN.iter().find(|(own, _)| *own == name);
    let (name, most) = known.ok_or_else(|| Refusal::code(code::INVALID_OPTION_NAME))?;
    Ok(((account, (*name).into()), *most))
}

/// `api_get_authorizer_option`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (key, _) = named(turn, asked)?;
    let value = OPTIONS.get(turn.world, &key).copied().unwrap_or(0);
    Ok(Reply::Json(json!({
        "authorizer_appid": &*key.0,
        "option_name": &*key.1,
        "option_value": value.to_string(),
    })))
}

/// `api_set_authorizer_option`.
fn set(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (key, most) = named(turn, asked)?;
    let value = asked.text("option_value")?.parse().ok();
    let value = value.filter(|value| *value <= most);
    let value = value.ok_or_else(|| Refusal::code(code::INVALID_OPTION_VALUE))?;
    OPTIONS.put(turn.world, key, value);
    Ok(Reply::Acknowledged)
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(id) = id_in(what, "account") {
        OPTIONS.remove_under(turn.world, &id);
    }
}
