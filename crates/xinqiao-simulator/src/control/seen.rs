//! What happened: inboxes, chats, deliveries, the timeline.

use std::{ops::Bound, sync::Arc};

use axum::{
    extract::{Path, State},
    response::IntoResponse,
};
use http::{HeaderMap, header};
use serde_json::{Value, json};
use xinqiao_types::AccountKind;

use super::{Query, Reply, ok};
use crate::{
    accounts::{self, ACCOUNTS, account::Account},
    kernel::{Id, Refused, World, route},
    people::{
        self, broadcast,
        bubbles::preview,
        contact::{ChatItem, Contact, Speaker, item_name},
        phone, user,
    },
    products::official_account::CHAT_VIEW,
    push::deliveries,
    shell::Shared,
};

/// Rows a page.
const ROWS: usize = 10_000;

pub(super) async fn timeline(State(shared): State<Arc<Shared>>, query: Query) -> Reply {
    let number = |name: &str| match query.get(name) {
        None => Ok(None),
        Some(text) => route::number(text).map(Some).ok_or_else(|| {
            Refused::invalid(format!(
                "`{name}` is a number, not `{}`",
                text.escape_debug()
            ))
        }),
    };
    let after = number("after")?.unwrap_or(0);
    let limit = number("limit")?.map_or(ROWS, |rows| usize::try_from(rows).unwrap_or(ROWS));
    let rows = shared
        .timeline
        .list(after, query.get("account"), query.get("user"), limit);
    Ok(([(header::CONTENT_TYPE, "application/json")], rows).into_response())
}

pub(super) async fn stream(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Reply {
    let wall_ms = Shared::wall_ms();
    let clock = shared
        .world
        .ask(move |world| json!({"now": world.now(wall_ms), "frozen": world.clock().is_frozen()}))
        .await?;
    let first = vec![
        ("clock", clock.to_string()),
        ("dev", shared.dev_view().to_string()),
    ];
    Ok(shared.stream.respond(&headers, first))
}

pub(super) async fn deliveries(State(shared): State<Arc<Shared>>, query: Query) -> Reply {
    let account = query.get("account").map(str::to_owned);
    let page = query.page()?;
    let after = page.number("d")?;
    let answer = shared
        .world
        .ask(move |world| {
            let appid = match &account {
                Some(account) => Some(accounts::id(world, account)?),
                None => None,
            };
            let found = deliveries::of(world, appid.as_ref(), after);
            Ok::<_, Refused>(page.answer(found.map(|own| (own.name(), own.view()))))
        })
        .await??;
    ok(answer)
}

/// The user's contact with an account.
fn contact<'w>(
    world: &'w World,
    user: &str,
    account: &str,
) -> Result<(&'w Account, Option<&'w Contact>), Refused> {
    let account = accounts::account(world, account)?;
    let number = people::find(world, user)?;
    let contact = people::CONTACTS.get(world, &(account.appid.clone(), number));
    Ok((account, contact))
}

pub(super) async fn inbox(
    State(shared): State<Arc<Shared>>,
    Path(user): Path<String>,
    query: Query,
) -> Reply {
    let account = query.get("account").map(str::to_owned);
    let page = query.page()?;
    let after = page.number("i")?;
    let answer = shared
        .world
        .ask(move |world| {
            let number = people::find(world, &user)?;
            let chats: Vec<(Id, Id)> = match &account {
                Some(account) => {
                    let appid = accounts::id(world, account)?;
                    let openid = people::openid(world, number, &appid).cloned();
                    openid.map(|openid| (appid, openid)).into_iter().collect()
                }
                None => user::openids(world, number)
                    .map(|(appid, openid)| (appid.clone(), openid.clone()))
                    .collect(),
            };
            let received = phone::merged(world, &chats, after)
                .filter(|(_, item)| item.from != Speaker::User)
                .map(|(number, item)| (item_name(number), item.view(number)));
            Ok::<_, Refused>(page.answer(received))
        })
        .await??;
    ok(answer)
}

/// Chats of a phone: first those in which something was said, the latest at the top, then the other accounts that the
/// person knows or can find. An application of a corporation is there once member and application have met; nobody
/// follows it, and its chat is open all the same.
pub(super) async fn chats(
    State(shared): State<Arc<Shared>>,
    Path(user): Path<String>,
    query: Query,
) -> Reply {
    let wall_ms = Shared::wall_ms();
    let page = query.page()?;
    let after: Id = page.id()?.into();
    let answer = shared
        .world
        .ask(move |world| {
            let now = world.now(wall_ms).0;
            let person = people::find(world, &user)?;
            let spoken = spoken(world, person);
            let after = Some(after).filter(|after| !after.is_empty());
            let at = { after.as_ref() }.and_then(|after| {
                spoken
                    .iter()
                    .position(|(_, account)| account.appid == *after)
            });
            // Behind one of the others nothing of the first part is left.
            let (skip, from) = match (&after, at) {
                (Some(_), Some(at)) => (at + 1, Id::from("")),
                (Some(after), None) => (spoken.len(), after.clone()),
                (None, _) => (0, Id::from("")),
            };
            let quiet = ACCOUNTS
                .range(world, (Bound::Excluded(from), Bound::Unbounded))
                .map(|(_, account)| account)
                .filter(|account| is_on_phone(world, account, person))
                .filter(|account| latest(world, account, person).is_none());
            let all = { spoken.iter() }
                .skip(skip)
                .map(|(_, account)| *account)
                .chain(quiet);
            let views = all.map(|account| {
                let view = chat_view(world, account, person, now);
                (account.appid.to_string(), view)
            });
            Ok::<_, Refused>(page.answer(views))
        })
        .await??;
    ok(answer)
}

/// The accounts with which something was said, the latest first.
fn spoken(world: &World, person: u64) -> Vec<((i64, u64), &Account)> {
    let mut spoken: Vec<_> = user::openids(world, person)
        .filter_map(|(appid, _)| ACCOUNTS.get(world, &**appid))
        .filter(|account| is_on_phone(world, account, person))
        .filter_map(|account| {
            let (number, item) = latest(world, account, person)?;
            Some(((item.time, number), account))
        })
        .collect();
    spoken.sort_by_key(|(when, _)| std::cmp::Reverse(*when));
    spoken
}

fn latest<'w>(world: &'w World, account: &Account, person: u64) -> Option<(u64, &'w ChatItem)> {
    let contact = people::CONTACTS.get(world, &(account.appid.clone(), person))?;
    phone::chat(world, &account.appid, &contact.openid).next_back()
}

fn is_on_phone(world: &World, account: &Account, person: u64) -> bool {
    let met = || people::CONTACTS.has(world, &(account.appid.clone(), person));
    account.kind.is_official_account() || account.of_corp().is_some() && met()
}

fn chat_view(world: &World, account: &Account, person: u64, now: i64) -> Value {
    let contact = people::CONTACTS.get(world, &(account.appid.clone(), person));
    let last = latest(world, account, person).map(|(_, item)| item);
    json!({
        "account": &*account.appid,
        "name": account.name,
        "alias": account.alias,
        "kind": account.kind,
        "verified": account.is_verified(now),
        "followed": contact.is_some_and(|own| is_open(account, own)),
        "folded": account.kind == AccountKind::Subscription,
        "last": last.map(|item| json!({
            "time": item.time, "preview": preview(world.house, item),
        })),
        "unread": contact.map_or(0, |contact| {
            broadcast::unread(world, &account.appid, person, contact)
        }),
        "connected": !account.callback.url.is_empty(),
    })
}

fn is_open(account: &Account, contact: &Contact) -> bool {
    contact.followed || account.of_corp().is_some()
}

pub(super) async fn chat(
    State(shared): State<Arc<Shared>>,
    Path(user): Path<String>,
    query: Query,
) -> Reply {
    let Some(account) = query.get("account").map(str::to_owned) else {
        return Err(Refused::invalid("`account` is missing"));
    };
    let wall_ms = Shared::wall_ms();
    let page = query.page()?;
    let after = page.number("i")?;
    let view = shared
        .world
        .ask(move |world| {
            let now = world.now(wall_ms);
            let (account, contact) = contact(world, &user, &account)?;
            let window = contact.and_then(|contact| contact.allowances.window(now));
            let typing = contact.and_then(|contact| contact.typing_until);
            let items = contact
                .into_iter()
                .flat_map(|contact| {
                    phone::chat_after(world, &account.appid, &contact.openid, after)
                })
                .map(|(number, item)| (item_name(number), item.view(number)));
            let mut view = page.answer(items);
            view["followed"] = json!(contact.is_some_and(|own| is_open(account, own)));
            view["window"] = json!(window.map(|window| json!({
                "expires_at": window.expires, "remaining": window.remaining,
            })));
            view["typing"] = json!(typing.is_some_and(|until| now.0 < until));
            let id = contact.map_or_else(
                || account.appid.to_string(),
                |contact| format!("{} {}", account.appid, contact.openid),
            );
            Ok::<_, Refused>(world.completed(CHAT_VIEW, &id, view))
        })
        .await??;
    ok(view)
}
