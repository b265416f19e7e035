//! What happened: inboxes, chats, deliveries, the timeline.

use std::sync::Arc;

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, header};
use serde_json::{Value, json};
use xinqiao_types::AccountKind;

use super::{Query, Reply, ok};
use crate::{
    accounts::{self, ACCOUNTS, account::Account},
    kernel::{Id, Refused, World},
    people::{
        self, OPENIDS,
        contact::{ChatItem, Contact, Speaker},
        phone, user,
    },
    products::official_account::CHAT_VIEW,
    push::deliveries::{self, Delivery},
    shell::Shared,
};

/// Rows a page.
const ROWS: usize = 10_000;

pub(super) async fn timeline(State(shared): State<Arc<Shared>>, query: Query) -> Response {
    let after = query
        .get("after")
        .and_then(|id| id.parse().ok())
        .unwrap_or(0);
    let limit = query
        .get("limit")
        .and_then(|text| text.parse().ok())
        .unwrap_or(ROWS);
    let rows = shared
        .timeline
        .list(after, query.get("account"), query.get("user"), limit);
    ([(header::CONTENT_TYPE, "application/json")], rows).into_response()
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
    let items = shared
        .world
        .ask(move |world| {
            let appid = match &account {
                Some(account) => Some(accounts::id(world, account)?),
                None => None,
            };
            let items = deliveries::of(world, appid.as_ref()).map(Delivery::view);
            Ok::<_, Refused>(items.collect::<Vec<_>>())
        })
        .await??;
    ok(json!({"items": items}))
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
    let items = shared
        .world
        .ask(move |world| {
            let number = people::find(world, &user)?;
            let chats: Vec<(Id, Id)> = match &account {
                Some(account) => {
                    let appid = accounts::id(world, account)?;
                    let openid = OPENIDS.get(world, &(number, appid.clone())).cloned();
                    openid.map(|openid| (appid, openid)).into_iter().collect()
                }
                None => user::openids(world, number)
                    .map(|(appid, openid)| (appid.clone(), openid.clone()))
                    .collect(),
            };
            let mut items: Vec<(u64, &ChatItem)> = chats
                .iter()
                .flat_map(|(appid, openid)| phone::chat(world, appid, openid))
                .filter(|(_, item)| item.from != Speaker::User)
                .collect();
            items.sort_by_key(|(number, item)| (item.time, *number));
            let items = items.into_iter().map(|(number, item)| item.view(number));
            Ok::<_, Refused>(items.collect::<Vec<_>>())
        })
        .await??;
    ok(json!({"items": items}))
}

/// Chats of a phone: those with something in them or a follow, and accounts that can be found. An application of a
/// corporation is there once member and application have met; nobody follows it, and its chat is open all the same.
pub(super) async fn chats(State(shared): State<Arc<Shared>>, Path(user): Path<String>) -> Reply {
    let wall_ms = Shared::wall_ms();
    let items = shared
        .world
        .ask(move |world| {
            let now = world.now(wall_ms).0;
            let person = people::find(world, &user)?;
            let mut list: Vec<(i64, u64, Value)> = ACCOUNTS
                .all(world)
                .filter(|(appid, account)| {
                    account.kind.is_official_account()
                        || account.of_corp().is_some()
                            && people::CONTACTS.has(world, &((*appid).clone(), person))
                })
                .map(|(appid, account)| {
                    let contact = people::CONTACTS.get(world, &(appid.clone(), person));
                    let last =
                        contact.and_then(|own| phone::chat(world, appid, &own.openid).next_back());
                    let (order, last) =
                        last.map_or((0, None), |(number, item)| (number, Some(item)));
                    let view = json!({
                        "account": &*account.appid,
                        "name": account.name,
                        "alias": account.alias,
                        "kind": account.kind,
                        "verified": account.is_verified(now),
                        "followed": contact.is_some_and(|own| is_open(account, own)),
                        "folded": account.kind == AccountKind::Subscription,
                        "last": last.map(|item| json!({
                            "time": item.time, "preview": item.preview(),
                        })),
                        "unread": contact.map_or(0, |contact| contact.unread),
                        "connected": !account.callback.url.is_empty(),
                    });
                    (last.map_or(0, |item| item.time), order, view)
                })
                .collect();
            list.sort_by_key(|(time, order, _)| std::cmp::Reverse((*time, *order)));
            Ok::<_, Refused>(
                list.into_iter()
                    .map(|(_, _, view)| view)
                    .collect::<Vec<_>>(),
            )
        })
        .await??;
    ok(json!({"items": items}))
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
    let view = shared
        .world
        .ask(move |world| {
            let now = world.now(wall_ms);
            let (account, contact) = contact(world, &user, &account)?;
            let window = contact.and_then(|contact| contact.allowances.window(now));
            let typing = contact.and_then(|contact| contact.typing_until);
            let items: Vec<Value> = contact
                .into_iter()
                .flat_map(|contact| phone::chat(world, &account.appid, &contact.openid))
                .map(|(number, item)| item.view(number))
                .collect();
            let view = json!({
                "items": items,
                "followed": contact.is_some_and(|own| is_open(account, own)),
                "window": window.map(|window| json!({
                    "expires_at": window.expires, "remaining": window.remaining,
                })),
                "typing": typing.is_some_and(|until| now.0 < until),
            });
            Ok::<_, Refused>(world.completed(CHAT_VIEW, &account.appid, view))
        })
        .await??;
    ok(view)
}
