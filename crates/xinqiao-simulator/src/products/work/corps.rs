//! Corporations, and the applications (应用) that they have. Both are made in the control interface, as they are on the
//! console.
//!
//! Source: doc pages 90665 ("基本概念介绍"), 90226 ("创建应用").

use std::{collections::BTreeSet, ops::Bound};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::code::work as code;

use super::departments;
use crate::{
    accounts::{
        self, ACCOUNTS,
        account::Account,
        registration::{self, Delete, NewAccount, check_text},
    },
    door::{Asked, Refusal, credential::Caller},
    kernel::{
        Command, Effect, Id, Refused, Table, Turn, World,
        command::typed,
        declared::{Card, Holds, Shown, field, said, text},
        route::{Handler, Request, Route},
    },
    products::Feature,
};

/// Corporations by corpid.
static CORPS: Table<Id, Corp> = Table::new("work.corps", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "work.corps",
    tables: &[&CORPS],
    routes: &[
        route("GET", "/corps", Handler::Look(list)),
        route("POST", "/corps", Handler::Change(found)),
        route("GET", "/corps/{corpid}", Handler::Look(one)),
        route("DELETE", "/corps/{corpid}", Handler::Change(dissolve)),
        route("POST", "/corps/{corpid}/agents", Handler::Change(add)),
    ],
    views: &[(accounts::VIEW, in_account)],
    shows: &[Shown::Card(&CARD)],
    ..Feature::EMPTY
};

static CARD: Card = Card {
    name: "corp",
    title: said("所在企业", "Corporation"),
    kinds: super::KINDS,
    path: "",
    fields: &[
        text("corpid", "企业 ID", "corpid"),
        field("agentid", "应用 ID", "Agentid", Holds::Number),
    ],
};

/// A corporation is gone: `{"corp"}`.
pub(super) const DISSOLVED: &str = "work.dissolved";

/// The number of a corporation's first application.
const FIRST_AGENT: u64 = 1_000_002;
/// Numbers of applications have at most so many digits.
const LARGEST_AGENT: u64 = 999_999_999;
/// Most applications of a corporation.
const AGENTS: usize = 300;

/// A corporation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Corp {
    pub(super) name: String,
    /// Secret of the contacts (通讯录同步), which may change members and departments.
    pub(super) contacts_secret: String,
    created_at: i64,
}

/// `POST /corps`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewCorp {
    pub(super) corpid: Option<String>,
    pub(super) name: Option<String>,
    pub(super) contacts_secret: Option<String>,
    /// One, if nothing is said.
    pub(super) agents: Option<Vec<NewAgent>>,
}

/// `POST /corps/{corpid}/agents`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NewAgent {
    /// The next free one, if nothing is said.
    pub(super) agentid: Option<u64>,
    pub(super) name: Option<String>,
    pub(super) secret: Option<String>,
    pub(super) token: Option<String>,
    pub(super) aes_key: Option<String>,
    /// Trusted addresses (企业可信 IP); all, if there is none.
    pub(super) ip_whitelist: Vec<String>,
}

pub(super) const fn route(method: &'static str, path: &'static str, run: Handler) -> Route {
    Route { method, path, run }
}

/// A corporation with its id as the tables keep it.
pub(super) fn corp<'w>(world: &'w World, corpid: &str) -> Option<(&'w Id, &'w Corp)> {
    CORPS.entry(world, corpid)
}

/// The corporation that a control path names.
pub(super) fn named(world: &World, request: &Request) -> Result<Id, Refused> {
    known(world, request.part("corpid"))
}

pub(super) fn known(world: &World, corpid: &str) -> Result<Id, Refused> {
    corp(world, corpid)
        .map(|(id, _)| id.clone())
        .ok_or_else(|| Refused::unknown("corporation", corpid))
}

/// The applications of a corporation, by number as it is written.
pub(super) fn agents<'w>(
    world: &'w World,
    corp: &str,
) -> impl Iterator<Item = (&'w Id, &'w Account)> + use<'w> {
    let start: Id = format!("{corp}:").into();
    ACCOUNTS
        .range(world, start.clone()..)
        .take_while(move |(id, _)| id.starts_with(&*start))
}

/// The corporation that a call is for, whoever of it calls.
pub(super) fn called(asked: &Asked) -> Result<&Id, Refusal> {
    match &asked.caller {
        Caller::Corp(corp) | Caller::CorpApp { corp, .. } => Ok(corp),
        _ => Err(Refusal::code(code::INVALID_ACCESS_TOKEN)),
    }
}

/// The same, where only the contacts' secret may call.
///
/// WECHAT: an application, even one with all rights, is told 48002 where it changes members or departments.
pub(super) fn called_by_contacts(asked: &Asked) -> Result<&Id, Refusal> {
    match &asked.caller {
        Caller::Corp(corp) => Ok(corp),
        _ => Err(Refusal::code(code::API_FORBIDDEN)),
    }
}

pub(super) fn make(turn: &mut Turn<'_>, new: NewCorp) -> Result<Id, Refused> {
    let draw = turn.world.next("work.corp");
    let corpid = match new.corpid {
        None => format!("ww0000{}", draw.hex(12)),
        Some(corpid) => {
            check_text("corpid", &corpid, 64)?;
            corpid
        }
    };
    if CORPS.has(turn.world, corpid.as_str()) {
        return Err(Refused::conflict(format!(
            "the corpid `{corpid}` is in use"
        )));
    }
    let corp: Id = corpid.into();
    let name = new.name.unwrap_or_else(|| {
        let number = CORPS.len(turn.world) + 1;
        format!("企业 {number}")
    });
    let agents = new.agents.unwrap_or_else(|| vec![NewAgent::default()]);
    let accounts = build(turn, &corp, agents)?;
    let row = Corp {
        name: name.clone(),
        contacts_secret: new.contacts_secret.unwrap_or_else(|| draw.secret()),
        created_at: turn.now.0,
    };
    CORPS.put(turn.world, corp.clone(), row);
    departments::found(turn.world, &corp, name);
    for account in accounts {
        accounts::insert(turn.world, account);
    }
    turn.effects.push(Effect::Accounts);
    Ok(corp)
}

/// Checks new applications against each other and those that are there.
fn build(turn: &mut Turn<'_>, corp: &Id, new: Vec<NewAgent>) -> Result<Vec<Account>, Refused> {
    let mut taken: BTreeSet<u64> = { agents(turn.world, corp) }.filter_map(number).collect();
    if taken.len() + new.len() > AGENTS {
        return Err(Refused::unwilling(format!(
            "a corporation has at most {AGENTS} applications"
        )));
    }
    let mut accounts = Vec::with_capacity(new.len());
    for agent in new {
        let next = taken
            .last()
            .map_or(FIRST_AGENT, |last| FIRST_AGENT.max(last + 1));
        let number = agent.agentid.unwrap_or(next);
        if !(1..=LARGEST_AGENT).contains(&number) {
            return Err(Refused::invalid(format!(
                "`agentid` must be between 1 and {LARGEST_AGENT}"
            )));
        }
        if !taken.insert(number) {
            return Err(Refused::conflict(format!(
                "the corporation has an application {number} already"
            )));
        }
        let new = NewAccount {
            name: Some(agent.name.unwrap_or_else(|| format!("应用 {number}"))),
            secret: agent.secret,
            token: agent.token,
            aes_key: agent.aes_key,
            ip_whitelist: agent.ip_whitelist,
            ..NewAccount::default()
        };
        accounts.push(registration::build_application(turn, corp, number, new)?);
    }
    Ok(accounts)
}

/// The number of an application.
pub(super) fn number((_, account): (&Id, &Account)) -> Option<u64> {
    account.of_corp()?.1.parse().ok()
}

fn view(world: &World, corpid: &Id, corp: &Corp) -> Value {
    let agents: Vec<Value> = agents(world, corpid)
        .map(|(_, account)| accounts::view(world, account))
        .collect();
    json!({
        "corpid": &**corpid,
        "name": corp.name,
        "contacts_secret": corp.contacts_secret,
        "created_at": corp.created_at,
        "agents": agents,
    })
}

fn viewed(world: &World, corpid: &str) -> Result<Value, Refused> {
    corp(world, corpid)
        .map(|(id, corp)| view(world, id, corp))
        .ok_or_else(|| Refused::unknown("corporation", corpid))
}

/// What of an account makes no sense for an application is left out.
fn in_account(_: &World, id: &str, view: &mut Value) {
    let (Some((corp, agent)), Some(fields)) = (id.split_once(':'), view.as_object_mut()) else {
        return;
    };
    for name in [
        "alias",
        "original_id",
        "verified",
        "permissions",
        "followers",
    ] {
        fields.shift_remove(name);
    }
    fields.insert("corpid".to_owned(), json!(corp));
    fields.insert("agentid".to_owned(), json!(agent.parse::<u64>().ok()));
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let page = request.page()?;
    let after: Id = page.id()?.into();
    let corps = CORPS.range(world, (Bound::Excluded(after), Bound::Unbounded));
    Ok(page.answer(corps.map(|(corpid, corp)| (corpid.to_string(), view(world, corpid, corp)))))
}

fn one(world: &World, request: &Request) -> Result<Value, Refused> {
    viewed(world, request.part("corpid"))
}

fn found(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let corp = make(turn, typed(request.body.clone())?)?;
    viewed(turn.world, &corp)
}

fn add(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let corp = named(turn.world, request)?;
    let built = build(turn, &corp, vec![typed(request.body.clone())?])?;
    let Some(account) = built.into_iter().next() else {
        return Err(Refused::invalid("no application"));
    };
    let id = account.appid.clone();
    accounts::insert(turn.world, account);
    turn.effects.push(Effect::Accounts);
    Ok(accounts::view(
        turn.world,
        accounts::account(turn.world, &id)?,
    ))
}

fn dissolve(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let corp = named(turn.world, request)?;
    let own: Vec<String> = { agents(turn.world, &corp) }
        .map(|(id, _)| id.to_string())
        .collect();
    for appid in own {
        Delete { appid }.run(turn)?;
    }
    turn.publish(DISSOLVED, &json!({"corp": &*corp}));
    CORPS.remove(turn.world, &*corp);
    Ok(json!({}))
}
