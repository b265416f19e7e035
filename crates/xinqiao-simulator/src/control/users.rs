//! Users, and what they do, over the control interface.

use std::sync::Arc;

use axum::{
    extract::{Path, Request, State},
    response::Response,
};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use xinqiao_http::{BodyLimit, read_body};

use super::{Body, LARGE, Query, Reply, ok, respond, typed};
use crate::{
    shell::{Shared, platform},
    world::{
        command::{Act, Answer, Command, Refused},
        official_account::act::check_fields,
        user::User,
    },
};

/// Users a page.
const PAGE: usize = 1000;

pub(super) async fn list(State(shared): State<Arc<Shared>>, query: Query) -> Reply {
    let after = query.get("after").map(str::to_owned);
    let items = shared
        .world
        .ask(move |world| {
            let after = after.and_then(|id| world.users.get(&id).map(|user| user.order));
            world
                .user_order
                .range(after.map_or(0, |order| order + 1)..)
                .take(PAGE)
                .filter_map(|(_, id)| world.users.get(id))
                .map(User::view)
                .collect::<Vec<_>>()
        })
        .await?;
    ok(json!({"items": items}))
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
    let command = if body.get("count").is_some() {
        let Many { count, follow } = typed(body)?;
        Command::CreateUsers { count, follow }
    } else {
        Command::CreateUser(Box::new(typed(body)?))
    };
    respond(StatusCode::CREATED, shared.world.apply(command).await?)
}

pub(super) async fn one(State(shared): State<Arc<Shared>>, Path(id): Path<String>) -> Reply {
    let view = shared
        .world
        .ask(move |world| world.user(&id).map(User::view))
        .await??;
    ok(view)
}

pub(super) async fn act(
    State(shared): State<Arc<Shared>>,
    Path(user): Path<String>,
    Body(act): Body<Act>,
) -> Reply {
    if let Some(message) = &act.message {
        check_fields(message)?;
    }
    let wait = act.wait != Some(false);
    let answer = shared
        .world
        .apply(Command::Act {
            user,
            act: Box::new(act),
        })
        .await?;
    with_deliveries(&shared, answer, wait).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trigger {
    account: String,
    user: Option<String>,
    event: String,
    #[serde(default)]
    set: Map<String, Value>,
    wait: Option<bool>,
}

pub(super) async fn trigger(State(shared): State<Arc<Shared>>, Body(body): Body<Trigger>) -> Reply {
    let wait = body.wait != Some(false);
    let command = Command::Trigger {
        account: body.account,
        user: body.user,
        event: body.event,
        set: body.set,
    };
    let answer = shared.world.apply(command).await?;
    with_deliveries(&shared, answer, wait).await
}

/// Replaces the numbers of deliveries by the deliveries, after they came to their end if asked.
async fn with_deliveries(shared: &Arc<Shared>, answer: Answer, wait: bool) -> Reply {
    let Answer::Json(mut value) = answer else {
        return respond(StatusCode::OK, answer);
    };
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
                .filter_map(|number| world.traffic.deliveries.get(number))
                .map(crate::world::traffic::Delivery::view)
                .collect::<Vec<_>>()
        })
        .await?;
    value["deliveries"] = json!(deliveries);
    ok(value)
}

/// Waits until each of these deliveries was answered or given up.
async fn settled(shared: &Arc<Shared>, numbers: &[u64]) -> Result<(), Refused> {
    let mut changes = shared.settled.subscribe();
    loop {
        changes.mark_unchanged();
        let numbers = numbers.to_vec();
        let open = shared
            .world
            .ask(move |world| {
                numbers.iter().any(|number| {
                    world
                        .traffic
                        .deliveries
                        .get(number)
                        .is_some_and(|delivery| !delivery.settled)
                })
            })
            .await?;
        if !open {
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
    let command = Command::MarkRead {
        user,
        account: body.account,
    };
    respond(StatusCode::NO_CONTENT, shared.world.apply(command).await?)
}

pub(super) async fn upload(State(shared): State<Arc<Shared>>, request: Request) -> Reply {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("application/octet-stream")
        .to_owned();
    let bytes = read_body(request.into_body(), BodyLimit::bytes(LARGE))
        .await
        .map_err(|error| Refused {
            status: error.status().as_u16(),
            code: "body",
            message: error.to_string(),
        })?;
    let command = Command::StoreMedia {
        content_type,
        bytes: bytes.to_vec(),
    };
    respond(StatusCode::CREATED, shared.world.apply(command).await?)
}

pub(super) async fn media(
    State(shared): State<Arc<Shared>>,
    Path(media_id): Path<String>,
) -> Response {
    platform::file(&shared, media_id).await
}
