//! How an account authorizes a platform: the code before it (pre_auth_code), the grant, the code after it, and its end.
//!
//! The control interface agrees in the place of the account's administrator.
//!
//! Source: doc pages "获取预授权码", "使用授权码获取授权信息", "授权变更通知推送", error codes 61009 and 61010.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, event_id::open_platform::info as events, id::open_platform as op};
use xinqiao_types::{AccountKind, shanghai::DAY};

use super::{
    authorizers::{self, Grant},
    calling, event_push, named,
};
use crate::{
    accounts::{
        self, ACCOUNTS,
        rules::{self, Rule},
    },
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{
        Effect, Id, Refused, Table, Turn, World,
        declared::{Card, Holds, Shown, field, said, text},
        feature::id_in,
        route::{Handler, Nothing, Request, Route},
        row::{self, RowState, Words},
    },
    products::Feature,
    push::{attempts::numbers, receivers},
};

/// When a pre-authorization code ends, by platform and code.
static BEFORE: Table<(Id, Id), i64> = Table::new("component.pre_auth_codes", 1);
/// Authorization codes by platform and code.
static CODES: Table<(Id, Id), Code> = Table::new("component.authorization_codes", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&BEFORE, &CODES],
    behaviours: &[
        stateful(
            op::component::API_CREATE_PRE_AUTH_CODE,
            "an_account_authorizes_with_a_code_that_the_platform_got_before",
            create,
        ),
        stateful(
            op::component::API_QUERY_AUTH,
            "a_code_is_exchanged_until_it_ends",
            exchange,
        ),
    ],
    rules: &[&PRE_AUTH_CODE_SECONDS],
    routes: &[
        Route {
            method: "GET",
            path: PATH,
            run: Handler::Look(listed),
        },
        Route {
            method: "POST",
            path: PATH,
            run: Handler::Change(authorize),
        },
        Route {
            method: "DELETE",
            path: "/accounts/{appid}/authorizations/{account}",
            run: Handler::Change(withdraw),
        },
    ],
    shows: &[Shown::Card(&CARD)],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "component.authorization";
const PATH: &str = "/accounts/{appid}/authorizations";

static CARD: Card = Card {
    name: "authorizations",
    title: said("授权的账号", "Accounts that authorized"),
    kinds: &[AccountKind::Component],
    path: PATH,
    fields: &[
        text("account", "账号", "Account"),
        field("since", "授权时间", "Since", Holds::Time),
        field(
            "receives_messages",
            "代收消息",
            "Receives its messages",
            Holds::Flag,
        ),
        field("functions", "权限集", "Permission sets", Holds::Any),
    ],
};

/// How long an authorization code is good.
const LIFETIME: i64 = 3600;
/// So long after its end a code is known as one that was.
const REMEMBERED: i64 = 24 * 3600;

/// The permission set of messages (消息管理): who has it receives them.
const MESSAGES: u32 = 1;
/// What an account grants that names nothing: the sets of official accounts from messages to the menu.
const OF_OFFICIAL_ACCOUNTS: &[u32] = &[MESSAGES, 2, 3, 4, 6, 7, 11, 15];
/// The same of a mini program: its account, development, customer service.
const OF_MINI_PROGRAMS: &[u32] = &[17, 18, 19];

/// An authorization code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Code {
    account: Id,
    expires: i64,
}

/// `POST /accounts/{appid}/authorizations`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct New {
    account: String,
    functions: Option<Vec<u32>>,
    pre_auth_code: Option<String>,
}

fn forget_later(turn: &mut Turn<'_>, component: &Id, code: &str, end: i64) {
    let what = json!({"component": &**component, "code": code});
    turn.later(end + REMEMBERED, NAME, what);
}

fn due(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(component), Some(code)) = (id_in(what, "component"), id_in(what, "code")) {
        let key = (component, code);
        BEFORE.remove(turn.world, &key);
        CODES.remove(turn.world, &key);
    }
}

/// How long a code is good with which an account is asked to authorize.
static PRE_AUTH_CODE_SECONDS: Rule = Rule {
    name: "authorization.pre_auth_code_seconds",
    default: rules::Preset::Number(1800, 365 * DAY),
    about: (
        "预授权码（pre_auth_code）有效多少秒，设在第三方平台上",
        "for how many seconds a pre_auth_code is good; set on the third-party platform",
    ),
    source: "documented (newer text); an older text has 600",
};

/// `api_create_preauthcode`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let component = calling(asked)?;
    let seconds = PRE_AUTH_CODE_SECONDS.number(&asked.account(turn.world)?.rules);
    let (code, end) = (drawn_before(turn), turn.now.0 + seconds);
    let key = (component.clone(), code.as_str().into());
    BEFORE.put(turn.world, key, end);
    forget_later(turn, &component, &code, end);
    Ok(Reply::Json(
        json!({"pre_auth_code": code, "expires_in": seconds}),
    ))
}

fn drawn_before(turn: &mut Turn<'_>) -> String {
    turn.world.next("pre_auth_code").named_value("preauthcode")
}

/// The code with which the administrator's page was opened; it is used up. Without one the page had one of its own.
fn take_code_before(
    turn: &mut Turn<'_>,
    component: &Id,
    given: Option<String>,
) -> Result<String, Refused> {
    let Some(code) = given else {
        return Ok(drawn_before(turn));
    };
    let key = (component.clone(), code.as_str().into());
    match BEFORE.get(turn.world, &key) {
        None => Err(Refused::unwilling(
            "`pre_auth_code` is none that the platform got, or it was used: api_create_preauthcode gives one",
        )),
        Some(end) if turn.now.0 >= *end => Err(Refused::unwilling(
            "`pre_auth_code` has ended: api_create_preauthcode gives another",
        )),
        Some(_) => {
            BEFORE.remove(turn.world, &key);
            Ok(code)
        }
    }
}

/// What an account may grant, sorted; its kind's usual sets if it names none.
fn functions(kind: AccountKind, given: Option<Vec<u32>>) -> Result<Vec<u32>, Refused> {
    let usual = match kind {
        AccountKind::MiniProgram => OF_MINI_PROGRAMS,
        kind if kind.is_official_account() => OF_OFFICIAL_ACCOUNTS,
        kind => {
            return Err(Refused::unwilling(format!(
                "a {kind} authorizes no third-party platform; official accounts and mini programs do"
            )));
        }
    };
    let mut functions = given.unwrap_or_else(|| usual.to_vec());
    functions.sort_unstable();
    functions.dedup();
    if functions.is_empty() || functions[0] == 0 {
        return Err(Refused::invalid(
            "`functions` are numbers of permission sets from 1; leave it out for the usual ones",
        ));
    }
    Ok(functions)
}

/// `POST /accounts/{appid}/authorizations`: a second time it changes the grant.
fn authorize(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let component = named(turn.world, request.part("appid"))?;
    let new: New = request.body()?;
    let account = accounts::id(turn.world, &new.account)?;
    let own = accounts::account(turn.world, &account)?;
    let functions = functions(own.kind, new.functions)?;
    let receives = functions.contains(&MESSAGES);
    let other = receivers::of(turn.world, &account).filter(|other| **other != component);
    if let Some(other) = other.filter(|_| receives) {
        return Err(Refused::unwilling(format!(
            "`{account}` lets `{other}` receive its messages, and one only can: withdraw that first, or leave {MESSAGES} out of `functions`"
        )));
    }
    let before = take_code_before(turn, &component, new.pre_auth_code)?;
    act(turn, &account, &component, &["授权给", "authorizes"]);
    let changes = authorizers::get(turn.world, &component, &account).is_some();
    let refresh_token = turn.world.next("refresh_token").named_value("refreshtoken");
    let grant = Grant {
        functions,
        refresh_token,
        since: turn.now.0,
    };
    authorizers::keep(turn.world, &component, &account, grant);
    if receives {
        receivers::set(turn.world, account.clone(), component.clone());
    } else {
        receivers::clear(turn.world, &account, &component);
    }
    let code = new_code(turn, &component, &account);
    let event = if changes {
        events::UPDATEAUTHORIZED
    } else {
        events::AUTHORIZED
    };
    let fields = [
        ("AuthorizerAppid", json!(&*account)),
        ("AuthorizationCode", json!(code)),
        ("AuthorizationCodeExpiredTime", json!(turn.now.0 + LIFETIME)),
        ("PreAuthCode", json!(before)),
    ];
    let deliveries = numbers(event_push::push(turn, &component, event, fields).as_slice());
    Ok(json!({"auth_code": code, "expires_in": LIFETIME, "deliveries": deliveries}))
}

/// A code for what an account granted.
fn new_code(turn: &mut Turn<'_>, component: &Id, account: &Id) -> String {
    let code = turn.world.next("auth_code").named_value("queryauthcode");
    let expires = turn.now.0 + LIFETIME;
    let row = Code {
        account: account.clone(),
        expires,
    };
    let key = (component.clone(), code.as_str().into());
    CODES.put(turn.world, key, row);
    forget_later(turn, component, &code, expires);
    code
}

/// `DELETE /accounts/{appid}/authorizations/{account}`.
fn withdraw(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let component = named(turn.world, request.part("appid"))?;
    request.body::<Nothing>()?;
    let account = accounts::id(turn.world, request.part("account"))?;
    if authorizers::get(turn.world, &component, &account).is_none() {
        return Err(Refused::unknown("authorization of", &account));
    }
    act(turn, &account, &component, &["取消授权", "withdraws from"]);
    let deliveries = numbers(end(turn, &component, &account).as_slice());
    Ok(json!({"deliveries": deliveries}))
}

/// Ends a grant, its codes with it, and tells the platform.
fn end(turn: &mut Turn<'_>, component: &Id, account: &Id) -> Option<u64> {
    authorizers::end(turn, component, account);
    let codes: Vec<(Id, Id)> = CODES
        .under(turn.world, component)
        .filter(|(_, code)| code.account == *account)
        .map(|(code, _)| (component.clone(), code.clone()))
        .collect();
    for key in codes {
        CODES.remove(turn.world, &key);
    }
    let fields = [("AuthorizerAppid", json!(&**account))];
    event_push::push(turn, component, events::UNAUTHORIZED, fields)
}

/// The row of what an administrator does.
fn act(turn: &mut Turn<'_>, account: &Id, component: &Id, does: &[&str; 2]) {
    turn.cause = format!("a{}", turn.world.traffic_serial("act"));
    let name = |id: &Id| ACCOUNTS.get(turn.world, &**id).map(|own| own.name.clone());
    let (own, other) = (name(account).unwrap_or_default(), name(component));
    let other = other.unwrap_or_default();
    let mut row = turn.row(&row::ACT, RowState::Ok);
    row.account = Some(account.to_string());
    row.title = Words::new(
        format!("{own}{}{other}", does[0]),
        format!("{own} {} {other}", does[1]),
    );
    row.account_name = Some(own);
    row.label = Words::new("授权", "grant");
    turn.show(row);
    turn.effects.push(Effect::Accounts);
}

/// An account that is gone has withdrawn everything; a platform that is gone needs no codes.
fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(id) = id_in(what, "account") else {
        return;
    };
    for component in authorizers::components_of(turn.world, &id) {
        end(turn, &component, &id);
    }
    BEFORE.remove_under(turn.world, &id);
    CODES.remove_under(turn.world, &id);
}

/// `api_query_auth`: 61009, and 61010 where the code's time is over.
fn exchange(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let component = calling(asked)?;
    let given = asked.text("authorization_code")?;
    let key = (component.clone(), given.into());
    let invalid = || Refusal::code(code::INVALID_AUTHORIZATION_CODE);
    let code = CODES.get(turn.world, &key).ok_or_else(invalid)?;
    if turn.now.0 >= code.expires {
        return Err(Refusal::code(code::AUTHORIZATION_CODE_EXPIRED));
    }
    let account = code.account.clone();
    let about = authorizers::exchanged(turn, &component, &account).ok_or_else(invalid)?;
    Ok(Reply::Json(json!({"authorization_info": about})))
}

/// `GET /accounts/{appid}/authorizations`.
fn listed(world: &World, request: &Request) -> Result<Value, Refused> {
    let component = named(world, request.part("appid"))?;
    let page = request.page()?;
    let after = page.id()?;
    let grants = authorizers::after(world, &component, after).map(|(account, grant)| {
        let view = json!({
            "account": &**account,
            "functions": grant.functions,
            "since": grant.since,
            "receives_messages": receivers::of(world, account) == Some(&component),
        });
        (account.to_string(), view)
    });
    Ok(page.answer(grants))
}
