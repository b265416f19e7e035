//! Users, and what they do, over the control interface.

use std::{ops::Bound, sync::Arc};

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::header;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use xinqiao_http::{BodyLimit, read_body};

use super::{Body, Query, Reply, created, done, ok, typed};
use crate::{
    accounts,
    kernel::Refused,
    people::{
        self, USERS,
        act::{Acts, Input, Perform},
        phone::{self, Create, CreateMany, MOST_IN_ALL, MarkRead, NewUser},
        user,
    },
    products::{
        self,
        official_account::{FROM_PHONE, Keep, Trigger},
        work::Employ,
    },
    push::deliveries::{DELIVERIES, Delivery},
    shell::{Shared, platform},
};

pub(super) async fn list(State(shared): State<Arc<Shared>>, query: Query) -> Reply {
    let page = query.page()?;
    // Who is gone is as good a place to go on from as who is there.
    let after = page.behind(user::number)?;
    let behind = after.map_or(Bound::Unbounded, Bound::Excluded);
    let answer =
        shared
            .world
            .ask(move |world| {
                let users = USERS.range(world, (behind, Bound::Unbounded));
                page.answer(users.map(|(number, person)| {
                    (user::name(*number), user::view(world, *number, person))
                }))
            })
            .await?;
    ok(answer)
}

/// Users in one call, instead of one user.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    count: u64,
    #[serde(default)]
    follow: Vec<String>,
}

pub(super) async fn create(State(shared): State<Arc<Shared>>, Body(body): Body<Value>) -> Reply {
    if body.get("count").is_some() {
        return create_many(&shared, typed(body)?).await;
    }
    let new: NewUser = typed(body)?;
    if new.corp.is_some() {
        return created(shared.world.apply(Employ(new)).await?);
    }
    created(shared.world.apply(Create(new)).await?)
}

/// Makes many in pieces, so that everybody else is served before the next.
async fn create_many(shared: &Arc<Shared>, many: Many) -> Reply {
    let Many { count, follow } = many;
    if count > MOST_IN_ALL {
        return Err(Refused::invalid(format!(
            "at most {MOST_IN_ALL} users at once"
        )));
    }
    let accounts = follow.clone();
    let known = move |world: &crate::kernel::World| {
        { accounts.iter() }.try_for_each(|account| {
            let appid = accounts::id(world, account)?;
            phone::may_follow(world, &appid, count)
        })
    };
    shared.world.ask(known).await??;
    let pieces = CreateMany::in_pieces(count, follow);
    shared.world.apply_behind(pieces).await?;
    created(json!({"count": count}))
}

pub(super) async fn one(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Reply {
    let view = shared
        .world
        .ask(move |world| {
            let number = people::find(world, &id)?;
            people::user(world, number).map(|person| user::view(world, number, person))
        })
        .await??;
    ok(view)
}

pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    Path(user): Path<String>,
    Body(act): Body<Input>,
) -> Reply {
    act.check(products::house().part::<Acts>())?;
    let wait = act.wait != Some(false);
    let answer = shared.world.apply(Perform { user, act }).await?;
    with_deliveries(&shared, answer, wait).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Triggered {
    account: String,
    user: Option<String>,
    event: String,
    #[serde(default)]
    set: Map<String, Value>,
    wait: Option<bool>,
}

pub(super) async fn trigger(
    State(shared): State<Arc<Shared>>,
    Body(body): Body<Triggered>,
) -> Reply {
    let wait = body.wait != Some(false);
    let command = Trigger {
        account: body.account,
        user: body.user,
        event: body.event,
        set: body.set,
    };
    let answer = shared.world.apply(command).await?;
    with_deliveries(&shared, answer, wait).await
}

/// Replaces the numbers of deliveries by the deliveries, after they came to their end if asked.
pub(super) async fn with_deliveries(shared: &Arc<Shared>, mut value: Value, wait: bool) -> Reply {
    let numbers: Vec<u64> = value
        .get("deliveries")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|id| id.as_str()?.strip_prefix('d')?.parse().ok())
        .collect();
    if wait && !numbers.is_empty() {
        settled(shared, &numbers).await?;
    }
    let deliveries = shared
        .world
        .ask(move |world| {
            numbers
                .iter()
                .filter_map(|number| DELIVERIES.get(world, number))
                .map(Delivery::view)
                .collect::<Vec<_>>()
        })
        .await?;
    value["deliveries"] = json!(deliveries);
    ok(value)
}

/// Waits until each of these deliveries was answered, given up or put off, and its row says so.
async fn settled(shared: &Arc<Shared>, numbers: &[u64]) -> Result<(), Refused> {
    let mut changes = shared.settled.subscribe();
    loop {
        changes.mark_unchanged();
        let asked = numbers.to_vec();
        let open = shared
            .world
            .ask(move |world| {
                asked.iter().any(|number| {
                    DELIVERIES
                        .get(world, number)
                        .is_some_and(Delivery::is_under_way)
                })
            })
            .await?;
        if !open && !shared.is_pushing(numbers) {
            return Ok(());
        }
        tokio::select! {
            changed = changes.changed() => if changed.is_err() { return Ok(()) },
            () = shared.stop.cancelled() => return Ok(()),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Read {
    account: String,
}

pub(super) async fn read(
    State(shared): State<Arc<Shared>>,
    Path(user): Path<String>,
    Body(body): Body<Read>,
) -> Reply {
    let account = body.account;
    shared.world.apply(MarkRead { user, account }).await?;
    done()
}

pub(super) async fn upload(State(shared): State<Arc<Shared>>, request: Request) -> Reply {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/octet-stream")
        .to_owned();
    let bytes = read_body(request.into_body(), BodyLimit::bytes(FROM_PHONE))
        .await
        .map_err(|error| Refused::new(error.status().as_u16(), "body", error.to_string()))?;
    let keep = Keep {
        content_type,
        bytes: bytes.to_vec(),
    };
    created(shared.world.apply(keep).await?)
}

pub(super) async fn media(
    State(shared): State<Arc<Shared>>,
    Path(media_id): Path<String>,
) -> Response {
    platform::file(&shared, media_id).await
}
