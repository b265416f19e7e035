//! Open-platform accounts that a platform makes for the accounts that authorized it (`cgi-bin/open/*`).
//!
//! One that is made by a call belongs to the subject of the account that it was made for, binds accounts of that subject
//! only, and is changed by calls; one that was registered by hand is told here, and changed in its console.
//!
//! Source: doc pages "创建开放平台帐号并绑定", "绑定开放平台帐号", "解除绑定", "获取绑定的开放平台帐号".

use serde_json::json;
use xinqiao_catalog::{code, id::open_platform as op};

use crate::{
    accounts::{
        account::Account,
        open_accounts::{self, BOUND_ALREADY, OPEN_ACCOUNTS, OpenAccount, SUBJECT},
        subjects::Subject,
    },
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn, World},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "component.open_accounts",
    behaviours: &[
        stateful(op::open::CREATE, MADE, create),
        stateful(op::open::BIND, MADE, bind),
        stateful(op::open::UNBIND, MADE, unbind),
        stateful(op::open::GET, MADE, get),
        stateful(op::open::HAVE, MADE, have),
        stateful(op::open::SAME_ENTITY, MADE, same_entity),
    ],
    ..Feature::EMPTY
};
const MADE: &str = "a_platform_makes_an_open_account_and_binds_to_it";

/// The account that a call names: it must be the one that calls.
fn own<'w>(world: &'w World, asked: &Asked) -> Result<&'w Account, Refusal> {
    let named = asked.text("appid")?;
    if *named != *asked.appid {
        return Err(Refusal::code(code::INVALID_APPID).because(
            "credential.appid",
            Some(named.to_owned()),
            Some(asked.appid.to_string()),
        ));
    }
    asked.account(world)
}

fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let account = own(turn.world, asked)?;
    if account.open_account.is_some() {
        return Err(Refusal::code(code::ALREADY_BOUND_TO_OPEN));
    }
    let (subject, name) = (account.subject.clone(), account.name.clone());
    let id: Id = turn.world.next("open_account").appid().into();
    let open = OpenAccount {
        name,
        by_call: true,
        ..OpenAccount::of(subject, turn.now.0)
    };
    open_accounts::keep(turn.world, &id, open);
    bound(turn, &id, &asked.appid)?;
    Ok(Reply::Json(json!({"open_appid": &*id})))
}

fn bound(turn: &mut Turn<'_>, id: &Id, appid: &Id) -> Result<(), Refusal> {
    open_accounts::bind(turn, id, appid).map_err(|refused| {
        Refusal::code(match refused.rule {
            Some(BOUND_ALREADY) => code::ALREADY_BOUND_TO_OPEN,
            Some(SUBJECT) => code::ENTITY_DIFFERS,
            _ => code::OPEN_BIND_LIMIT,
        })
    })
}

/// The open-platform account that a call changes: there is one, and a call made it.
fn named(world: &World, asked: &Asked) -> Result<Id, Refusal> {
    let id: Id = asked.text("open_appid")?.into();
    match OPEN_ACCOUNTS.get(world, &*id) {
        None => Err(Refusal::code(code::NOT_BOUND_TO_OPEN)),
        Some(open) if !open.by_call => Err(Refusal::code(code::OPEN_NOT_MADE_BY_API)),
        Some(_) => Ok(id),
    }
}

fn bind(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    own(turn.world, asked)?;
    let id = named(turn.world, asked)?;
    bound(turn, &id, &asked.appid)?;
    Ok(Reply::Acknowledged)
}

fn unbind(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    own(turn.world, asked)?;
    let id = named(turn.world, asked)?;
    if open_accounts::unbind(turn, &id, &asked.appid) {
        return Ok(Reply::Acknowledged);
    }
    Err(Refusal::code(code::NOT_BOUND_TO_OPEN))
}

fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    match &own(turn.world, asked)?.open_account {
        Some(open) => Ok(Reply::Json(json!({"open_appid": open}))),
        None => Err(Refusal::code(code::NOT_BOUND_TO_OPEN)),
    }
}

fn have(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let has = asked.account(turn.world)?.open_account.is_some();
    Ok(Reply::Json(json!({"have_open": has})))
}

/// Whether the account has the subject of its open-platform account.
fn same_entity(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let account = asked.account(turn.world)?;
    let Some(open) = account.open_account.as_deref() else {
        return Err(Refusal::code(code::NOT_BOUND_TO_OPEN));
    };
    let registered = OPEN_ACCOUNTS.get(turn.world, open);
    let subject = registered.and_then(|open| open.subject.as_ref());
    let same = Subject::is_same(subject, account.subject.as_ref());
    Ok(Reply::Json(json!({"same_entity": same})))
}
