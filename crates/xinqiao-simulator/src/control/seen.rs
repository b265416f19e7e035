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
    shell::Shared,
    world::{
        World,
        account::Account,
        command::Refused,
        contact::{ChatItem, Contact, Speaker},
        traffic::Delivery,
    },
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
        .ask(move |world| json!({"now": world.now(wall_ms), "frozen": world.clock.is_frozen()}))
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
            if let Some(appid) = &account {
                world.account(appid)?;
            }
            Ok::<_, Refused>(
                world
                    .traffic
                    .of(account.as_deref())
                    .map(Delivery::view)
                    .collect::<Vec<_>>(),
            )
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
    let account = world.account(account)?;
    let openid = world.user(user)?.openids.get(&account.appid);
    Ok((
        account,
        openid.and_then(|openid| account.contacts.get(openid)),
    ))
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
            let mut items: Vec<&ChatItem> = match &account {
                Some(account) => {
                    let (_, contact) = contact(world, &user, account)?;
                    contact
                        .map(|contact| contact.chat.iter().collect())
                        .unwrap_or_default()
                }
                None => world
                    .user(&user)?
                    .openids
                    .iter()
                    .filter_map(|(appid, openid)| world.accounts.get(appid)?.contacts.get(openid))
                    .flat_map(|contact| contact.chat.iter())
                    .collect(),
            };
            items.retain(|item| item.from != Speaker::User);
            items.sort_by_key(|item| (item.time, number(&item.id)));
            Ok::<_, Refused>(items.into_iter().map(ChatItem::view).collect::<Vec<_>>())
        })
        .await??;
    ok(json!({"items": items}))
}

fn number(id: &str) -> u64 {
    id.get(1..)
        .and_then(|digits| digits.parse().ok())
        .unwrap_or(0)
}

/// Chats of a phone: those with something in them or a follow, and accounts that can be found.
pub(super) async fn chats(State(shared): State<Arc<Shared>>, Path(user): Path<String>) -> Reply {
    let wall_ms = Shared::wall_ms();
    let items = shared
        .world
        .ask(move |world| {
            let now = world.now(wall_ms).0;
            let person = world.user(&user)?;
            let mut list: Vec<(i64, u64, Value)> = world
                .accounts
                .values()
                .filter(|account| account.kind.is_official_account())
                .map(|account| {
                    let contact = person
                        .openids
                        .get(&account.appid)
                        .and_then(|openid| account.contacts.get(openid));
                    let last = contact.and_then(|contact| contact.chat.last());
                    let order = last.map_or(0, |item| number(&item.id));
                    let view = json!({
                        "account": account.appid,
                        "name": account.name,
                        "alias": account.alias,
                        "kind": account.kind,
                        "verified": account.is_verified(now),
                        "followed": contact.is_some_and(|contact| contact.followed),
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
            let menu = account
                .menu
                .as_ref()
                .map(|menu| json!({"button": menu["button"]}));
            let window = contact.and_then(|contact| contact.allowances.window(now));
            let typing = contact.and_then(|contact| contact.typing_until);
            Ok::<_, Refused>(json!({
                "items": contact
                    .map(|contact| contact.chat.iter().map(ChatItem::view).collect::<Vec<_>>())
                    .unwrap_or_default(),
                "followed": contact.is_some_and(|contact| contact.followed),
                "menu": menu,
                "window": window.map(|window| json!({
                    "expires_at": window.expires, "remaining": window.remaining,
                })),
                "typing": typing.is_some_and(|until| now.0 < until),
            }))
        })
        .await??;
    ok(view)
}
