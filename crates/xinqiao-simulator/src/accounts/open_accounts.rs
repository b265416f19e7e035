//! Open-platform accounts (微信开放平台帐号): what they bind, how much of it, and so who shares UnionIDs.
//!
//! An account may also be made with an `open_account` that nobody registered. It is a mere name then: whoever has the same
//! one shares UnionIDs, and nothing is limited.
//!
//! Sources: the open platform's help on binding (同主体 50, 不同主体 5, of which five new ones a month; 测试号 5); the
//! documentation of `cgi-bin/open/bind` for what it refuses.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::{AccountKind, UnixSeconds, shanghai};

use super::{
    ACCOUNTS, account,
    account::Account,
    emails::{self, Holder},
    id,
    registration::check_text,
    subjects::Subject,
    verification::{self, Review},
    view,
};
use crate::kernel::{
    Effect, Id, Refused, Table, Turn, World,
    route::{Handler, Nothing, Request, Route},
};

/// By their ids.
pub(crate) static OPEN_ACCOUNTS: Table<Id, OpenAccount> = Table::new("accounts.open_accounts", 1);
/// What each binds.
static BOUND: Table<(Id, Id), ()> = Table::memory("accounts.bound");

pub(super) const ROUTES: &[Route] = &[
    Route {
        method: "GET",
        path: "/open-accounts",
        run: Handler::Look(list),
    },
    Route {
        method: "POST",
        path: "/open-accounts",
        run: Handler::Change(create),
    },
    Route {
        method: "GET",
        path: "/open-accounts/{id}",
        run: Handler::Look(one),
    },
    Route {
        method: "DELETE",
        path: "/open-accounts/{id}",
        run: Handler::Change(delete),
    },
    Route {
        method: "POST",
        path: "/open-accounts/{id}/verification",
        run: Handler::Change(verify),
    },
    Route {
        method: "POST",
        path: "/open-accounts/{id}/bindings",
        run: Handler::Change(bind_by_hand),
    },
    Route {
        method: "DELETE",
        path: "/open-accounts/{id}/bindings/{appid}",
        run: Handler::Change(unbind_by_hand),
    },
];

/// An account is somebody else's already.
pub(crate) const BOUND_ALREADY: &str = "open_account.bound";
/// The subjects differ where they must not.
pub(crate) const SUBJECT: &str = "open_account.subject";
/// So many are bound already.
pub(crate) const LIMIT: &str = "open_account.limit";

/// One open-platform account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OpenAccount {
    pub(crate) name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Subject>,
    /// Whether the developer is verified (开发者资质认证).
    pub(crate) verified: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verified_until: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) review: Option<Review>,
    pub(crate) created_at: i64,
    /// Whether a call made it, which then binds accounts of its subject only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) by_call: bool,
    /// When official accounts of other subjects were bound.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) others: Vec<i64>,
}

/// `POST /open-accounts`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Given {
    id: Option<String>,
    name: Option<String>,
    email: Option<String>,
    subject: Option<Subject>,
    verified: Option<bool>,
    verified_until: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Binding {
    account: String,
}

impl OpenAccount {
    /// An unverified one.
    pub(crate) fn of(subject: Option<Subject>, now: i64) -> Self {
        Self {
            name: String::new(),
            email: None,
            subject,
            verified: false,
            verified_until: None,
            review: None,
            created_at: now,
            by_call: false,
            others: Vec::new(),
        }
    }

    fn is_verified(&self, now: i64) -> bool {
        self.verified && self.verified_until.is_none_or(|until| now < until)
    }
}

fn named<'w>(world: &'w World, id: &str) -> Result<&'w OpenAccount, Refused> {
    { OPEN_ACCOUNTS.get(world, id) }.ok_or_else(|| Refused::unknown("open-platform account", id))
}

/// What is bound in one of them, by appid.
pub(crate) fn bound<'w>(world: &'w World, id: &Id) -> impl Iterator<Item = &'w Account> + use<'w> {
    BOUND
        .under(world, id)
        .filter_map(|(appid, ())| ACCOUNTS.get(world, &**appid))
}

fn shown(world: &World, id: &Id, own: &OpenAccount) -> Value {
    let appids: Vec<&str> = bound(world, id).map(|account| &*account.appid).collect();
    let mut view = json!({
        "id": &**id, "name": own.name, "verified": own.verified, "created_at": own.created_at,
        "bindings": appids,
    });
    let optional = [
        ("email", json!(own.email)),
        ("subject", json!(own.subject)),
        ("verified_until", json!(own.verified_until)),
        (
            "review_date",
            json!(own.review.as_ref().map(|review| review.at)),
        ),
        ("review", json!(own.review.as_ref().map(Review::view))),
    ];
    for (name, value) in optional {
        if !value.is_null() {
            view[name] = value;
        }
    }
    view
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let page = request.page()?;
    let after: Id = page.id()?.into();
    let range = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
    let all = OPEN_ACCOUNTS.range(world, range);
    Ok(page.answer(all.map(|(id, own)| (id.to_string(), shown(world, id, own)))))
}

fn one(world: &World, request: &Request) -> Result<Value, Refused> {
    let id: Id = request.part("id").into();
    named(world, &id).map(|own| shown(world, &id, own))
}

fn create(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let given: Given = request.body()?;
    if let Some(id) = &given.id {
        check_text("id", id, 64)?;
    }
    if let Some(email) = &given.email {
        emails::check(turn.world, email, None)?;
    }
    if let Some(subject) = &given.subject {
        subject.check()?;
    }
    if given.verified == Some(true) {
        verification::person_is_not_verified(given.subject.as_ref())?;
    }
    let draw = turn.world.next("open_account");
    let id: Id = given.id.unwrap_or_else(|| draw.appid()).into();
    if OPEN_ACCOUNTS.has(turn.world, &*id) {
        return Err(Refused::conflict(format!("the id `{id}` is in use")));
    }
    let person = given.subject.as_ref().is_some_and(Subject::is_person);
    let own = OpenAccount {
        name: given.name.unwrap_or_else(|| format!("开放平台帐号 {id}")),
        email: given.email,
        verified: given.verified.unwrap_or(!person),
        verified_until: given.verified_until,
        ..OpenAccount::of(given.subject, turn.now.0)
    };
    if let Some(until) = own.verified_until {
        verification::set_alarm(turn.world, "open_account", &id, until, turn.now.0);
    }
    keep(turn.world, &id, own);
    named(turn.world, &id).map(|own| shown(turn.world, &id, own))
}

/// Takes one in.
pub(crate) fn keep(world: &mut World, id: &Id, own: OpenAccount) {
    emails::give(world, own.email.as_deref(), Holder::OpenAccount(id.clone()));
    OPEN_ACCOUNTS.put(world, id.clone(), own);
}

fn delete(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let Nothing {} = request.body()?;
    let id: Id = request.part("id").into();
    let email = named(turn.world, &id)?.email.clone();
    let appids: Vec<Id> = bound(turn.world, &id)
        .map(|account| account.appid.clone())
        .collect();
    for appid in &appids {
        unbind(turn, &id, appid);
    }
    emails::take(turn.world, email.as_deref());
    OPEN_ACCOUNTS.remove(turn.world, &*id);
    Ok(json!({"unbound": appids.iter().map(|appid| &**appid).collect::<Vec<_>>()}))
}

fn verify(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let id: Id = request.part("id").into();
    let now = turn.now.0;
    let own = named(turn.world, &id)?;
    verification::person_is_not_verified(own.subject.as_ref())?;
    let until = own.verified_until.filter(|_| own.is_verified(now));
    let (review, until) = verification::judge(now, own.subject.as_ref(), until, request.body()?)?;
    if let Some(own) = OPEN_ACCOUNTS.get_mut(turn.world, &*id) {
        own.review = Some(review);
        if until.is_some() {
            own.verified = true;
            own.verified_until = until;
        }
    }
    if let Some(until) = until {
        verification::set_alarm(turn.world, "open_account", &id, until, now);
    }
    one(turn.world, request)
}

/// What counts together against one limit.
#[derive(Debug, PartialEq, Eq)]
enum Group {
    /// Of the same subject, by kind.
    Own(AccountKind),
    /// Of other subjects, by kind.
    Others(AccountKind),
    TestAccounts,
}

/// Where an account counts. Official accounts of both kinds are counted as one kind.
fn group(open: &OpenAccount, account: &Account) -> Group {
    let kind = match account.kind {
        kind if kind.is_official_account() => AccountKind::Service,
        kind => kind,
    };
    if account.test {
        Group::TestAccounts
    } else if Subject::is_same(open.subject.as_ref(), account.subject.as_ref()) {
        Group::Own(kind)
    } else {
        Group::Others(kind)
    }
}

/// Most of a group that are bound.
fn most(group: &Group, verified: bool) -> usize {
    match (group, verified) {
        (Group::Own(AccountKind::MiniProgram), false) => 5,
        (Group::Own(AccountKind::MobileApp), false) | (Group::Own(AccountKind::Website), _) => 10,
        (Group::Own(_), true) => 50,
        (
            Group::Others(AccountKind::Service | AccountKind::MiniProgram) | Group::TestAccounts,
            true,
        ) => 5,
        _ => 0,
    }
}

/// Most official accounts of other subjects that are bound anew in a month.
const OTHERS_A_MONTH: usize = 5;

/// Whether an account may be bound; a mere name as `id` binds anything.
pub(crate) fn may_bind(
    world: &World,
    now: UnixSeconds,
    id: &Id,
    account: &Account,
) -> Result<(), Refused> {
    let Some(open) = OPEN_ACCOUNTS.get(world, &**id) else {
        return Ok(());
    };
    let kind = account.kind;
    if matches!(
        kind,
        AccountKind::Component | AccountKind::Corp | AccountKind::Merchant
    ) {
        return Err(Refused::unwilling(format!(
            "a {kind} is not bound to an open-platform account"
        ))
        .by("open_account.kind"));
    }
    let group = group(open, account);
    let app = matches!(
        group,
        Group::Others(AccountKind::Website | AccountKind::MobileApp)
    );
    if app || (open.by_call && matches!(group, Group::Others(_))) {
        return Err(Refused::unwilling(
            "web sites and mobile apps belong to the subject of their open-platform account, and so does all that is bound \
             to one that a call made",
        )
        .by(SUBJECT));
    }
    let verified = open.is_verified(now.0);
    if open.by_call {
        return by_call(bound(world, id).count(), verified);
    }
    let most = most(&group, verified);
    let have = bound(world, id)
        .filter(|other| self::group(open, other) == group)
        .count();
    if have >= most {
        let whose = match group {
            Group::Own(_) => "of its own subject",
            Group::Others(_) => "of other subjects",
            Group::TestAccounts => "that are test accounts",
        };
        let state = if verified {
            "a verified"
        } else {
            "an unverified"
        };
        return Err(Refused::unwilling(format!(
            "{state} open-platform account binds at most {most} of kind `{kind}` {whose}; `{id}` has {have}"
        ))
        .by(LIMIT));
    }
    if group == Group::Others(AccountKind::Service) && new_others(open, now) >= OTHERS_A_MONTH {
        return Err(Refused::unwilling(format!(
            "at most {OTHERS_A_MONTH} official accounts of other subjects are bound anew in a month"
        ))
        .by(LIMIT));
    }
    Ok(())
}

/// Most that one which a call made binds, of all kinds together: 89004.
const BY_CALL: usize = 100;
/// The same before it is verified.
const BY_CALL_UNVERIFIED: usize = 5;

fn by_call(have: usize, verified: bool) -> Result<(), Refused> {
    let most = if verified {
        BY_CALL
    } else {
        BY_CALL_UNVERIFIED
    };
    if have >= most {
        return Err(Refused::unwilling(format!(
            "an open-platform account that a call made binds at most {most} accounts, {BY_CALL} when it is verified"
        ))
        .by(LIMIT));
    }
    Ok(())
}

fn new_others(open: &OpenAccount, now: UnixSeconds) -> usize {
    let month = shanghai::month(now).0;
    open.others.iter().filter(|at| **at >= month).count()
}

/// Notes that an account stands under its open-platform account.
pub(super) fn note(world: &mut World, account: &Account) {
    if let Some(open) = &account.open_account {
        BOUND.put(world, (open.as_str().into(), account.appid.clone()), ());
    }
}

pub(super) fn forget(world: &mut World, account: &Account) {
    if let Some(open) = &account.open_account {
        BOUND.remove(world, &(open.as_str().into(), account.appid.clone()));
    }
}

/// Counts a binding that was made now.
pub(super) fn count(world: &mut World, now: UnixSeconds, id: &Id, account: &Account) {
    if let Some(open) = OPEN_ACCOUNTS.get_mut(world, &**id)
        && group(open, account) == Group::Others(AccountKind::Service)
    {
        let month = shanghai::month(now).0;
        open.others.retain(|at| *at >= month);
        open.others.push(now.0);
    }
}

/// Binds an account.
pub(crate) fn bind(turn: &mut Turn<'_>, id: &Id, appid: &Id) -> Result<(), Refused> {
    let own = account(turn.world, appid)?;
    if let Some(other) = &own.open_account {
        return Err(Refused::conflict(format!(
            "`{appid}` is bound to `{other}`; an account stands under one open-platform account"
        ))
        .by(BOUND_ALREADY));
    }
    may_bind(turn.world, turn.now, id, own)?;
    let Some(own) = ACCOUNTS.get_mut(turn.world, &**appid) else {
        return Err(Refused::unknown("account", appid));
    };
    own.open_account = Some(id.to_string());
    let own = own.clone();
    note(turn.world, &own);
    count(turn.world, turn.now, id, &own);
    turn.effects.extend([Effect::Accounts, Effect::Users]);
    Ok(())
}

/// Unbinds an account: nobody has a UnionID there any more. False if it was not bound there.
pub(crate) fn unbind(turn: &mut Turn<'_>, id: &Id, appid: &Id) -> bool {
    if BOUND
        .remove(turn.world, &(id.clone(), appid.clone()))
        .is_none()
    {
        return false;
    }
    if let Some(own) = ACCOUNTS.get_mut(turn.world, &**appid) {
        own.open_account = None;
    }
    turn.effects.extend([Effect::Accounts, Effect::Users]);
    true
}

fn bind_by_hand(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let open: Id = request.part("id").into();
    named(turn.world, &open)?;
    let given: Binding = request.body()?;
    let appid = id(turn.world, &given.account)?;
    bind(turn, &open, &appid)?;
    Ok(view(turn.world, account(turn.world, &appid)?))
}

fn unbind_by_hand(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let Nothing {} = request.body()?;
    let open: Id = request.part("id").into();
    named(turn.world, &open)?;
    let appid = id(turn.world, request.part("appid"))?;
    if !unbind(turn, &open, &appid) {
        return Err(Refused::unknown("binding of", &appid));
    }
    Ok(view(turn.world, account(turn.world, &appid)?))
}

/// Notes again who holds what, after a load.
pub(super) fn index(world: &mut World) {
    let all: Vec<(Id, Option<String>)> = OPEN_ACCOUNTS
        .all(world)
        .map(|(id, own)| (id.clone(), own.email.clone()))
        .collect();
    for (id, email) in all {
        emails::give(world, email.as_deref(), Holder::OpenAccount(id));
    }
}
