//! The platform as a whole: clock, faults, export, reset.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use serde::Deserialize;
use serde_json::{Value, json};
use xinqiao_http::{BodyLimit, read_body};

use super::{Body, LARGE, Query, Reply, created, done, no_other_fields, ok};
use crate::{
    accounts::rules::Rules,
    door::faults::{self as of_calls, Fault},
    kernel::{
        Refused, World,
        clock::ClockChange,
        command::typed,
        time::{Debug, Import, Reset},
    },
    products,
    push::faults::{self as of_pushes, PushFault},
    shell::Shared,
};

pub(super) async fn about(State(shared): State<Arc<Shared>>) -> Reply {
    let wall_ms = Shared::wall_ms();
    let now = shared.world.ask(move |world| world.now(wall_ms)).await?;
    ok(json!({
        "name": "xinqiao-simulator",
        "version": env!("CARGO_PKG_VERSION"),
        "now": now,
        "endpoints": shared.endpoints,
    }))
}

pub(super) async fn reset(State(shared): State<Arc<Shared>>) -> Reply {
    let keep = shared.dev().connected.keys().cloned().collect();
    ok(shared.world.apply(Reset { keep }).await?)
}

pub(super) async fn clock(State(shared): State<Arc<Shared>>) -> Reply {
    let wall_ms = Shared::wall_ms();
    let (now, frozen) = shared
        .world
        .ask(move |world| (world.now(wall_ms), world.clock().is_frozen()))
        .await?;
    ok(json!({"now": now, "frozen": frozen}))
}

/// The seconds that a clock may be set to: from the day on which the platform began to the end of the century, in Shanghai.
/// Outside them times read as nonsense, and the worlds that are kept are loaded all the same: the clock itself goes further.
const WORLD_YEARS: std::ops::RangeInclusive<i64> = 1_295_539_200..=4_102_415_999;

pub(super) async fn set_clock(State(shared): State<Arc<Shared>>, Body(body): Body<Value>) -> Reply {
    let number = |name: &str| -> Result<Option<i64>, Refused> {
        match body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_i64()
                .map(Some)
                .ok_or_else(|| Refused::invalid(format!("`{name}` must be whole seconds"))),
        }
    };
    no_other_fields(
        body.as_object().into_iter().flat_map(serde_json::Map::keys),
        &["advance", "now", "freeze"],
    )?;
    let mut changes = Vec::new();
    if let Some(to) = number("now")? {
        if !WORLD_YEARS.contains(&to) {
            return Err(Refused::invalid(
                "`now` must lie between 1295539200 (2011-01-21) and 4102415999 (2099-12-31)",
            ));
        }
        changes.push(ClockChange::Now(to));
    }
    if let Some(seconds) = number("advance")? {
        let from = match changes.first() {
            Some(ClockChange::Now(to)) => *to,
            _ => {
                let wall_ms = Shared::wall_ms();
                { shared.world.ask(move |world| world.now(wall_ms)) }
                    .await?
                    .0
            }
        };
        if from.saturating_add(seconds) > *WORLD_YEARS.end() {
            return Err(Refused::invalid(
                "`advance` leads beyond 4102415999 (2099-12-31)",
            ));
        }
        changes.push(ClockChange::Advance(seconds));
    }
    if let Some(freeze) = body.get("freeze") {
        let freeze = freeze
            .as_bool()
            .ok_or_else(|| Refused::invalid("`freeze` must be true or false"))?;
        changes.push(ClockChange::Freeze(freeze));
    }
    if changes.is_empty() {
        return Err(Refused::invalid(
            "give `advance` (seconds), `now` (second) or `freeze` (true or false)",
        ));
    }
    let mut last = None;
    for change in changes {
        last = Some(shared.world.apply(change).await?);
    }
    match last {
        Some(answer) => ok(answer),
        None => ok(json!({})),
    }
}

pub(super) async fn faults(State(shared): State<Arc<Shared>>, query: Query) -> Reply {
    let page = query.page()?;
    let after = page.number("f")?;
    let answer = shared
        .world
        .ask(move |world| {
            let behind = (Bound::Excluded(after), Bound::Unbounded);
            let calls = of_calls::FAULTS.range(world, behind);
            let calls = calls.map(|(number, fault)| (*number, json!(fault)));
            let pushes = of_pushes::FAULTS.range(world, behind);
            let pushes = pushes.map(|(number, fault)| (*number, json!(fault)));
            let faults: BTreeMap<u64, Value> = calls.chain(pushes).collect();
            let named = faults.into_iter();
            page.answer(named.map(|(number, fault)| (format!("f{number}"), fault)))
        })
        .await?;
    ok(answer)
}

pub(super) async fn add_fault(State(shared): State<Arc<Shared>>, Body(body): Body<Value>) -> Reply {
    if body.get("push").is_some() {
        let fault: PushFault = typed(body)?;
        return created(shared.world.apply(of_pushes::Add(fault)).await?);
    }
    let fault: Fault = typed(body)?;
    created(shared.world.apply(of_calls::Add(fault)).await?)
}

pub(super) async fn delete_fault(
    State(shared): State<Arc<Shared>>,
    Path(id): Path<String>,
) -> Reply {
    let number = id.strip_prefix('f').and_then(|digits| digits.parse().ok());
    if let Some(number) = number {
        let is_of_pushes = shared
            .world
            .ask(move |world| of_pushes::FAULTS.has(world, &number))
            .await?;
        if is_of_pushes {
            shared.world.apply(of_pushes::Delete { number }).await?;
            return done();
        }
    }
    shared.world.apply(of_calls::Delete { id }).await?;
    done()
}

pub(super) async fn export(State(shared): State<Arc<Shared>>) -> Result<Response, Refused> {
    let text = shared.world.ask(World::export).await?;
    Ok((
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        text,
    )
        .into_response())
}

pub(super) async fn import(State(shared): State<Arc<Shared>>, request: Request) -> Reply {
    let bytes = read_body(request.into_body(), BodyLimit::bytes(LARGE))
        .await
        .map_err(|error| Refused::new(error.status().as_u16(), "body", error.to_string()))?;
    let document = String::from_utf8(bytes.to_vec())
        .map_err(|_| Refused::invalid("an export is UTF-8 text"))?;
    ok(shared.world.apply(Import { document }).await?)
}

pub(super) async fn rules(State(shared): State<Arc<Shared>>) -> Reply {
    ok(shared
        .world
        .ask(|world| world.house.part::<Rules>().view())
        .await?)
}

pub(super) async fn declared() -> Reply {
    ok(products::declared())
}

pub(super) async fn dev(State(shared): State<Arc<Shared>>) -> Reply {
    ok(shared.dev_view())
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Debugging {
    pause: bool,
}

pub(super) async fn debug(State(shared): State<Arc<Shared>>, Body(body): Body<Debugging>) -> Reply {
    let answer = shared.world.apply(Debug { pause: body.pause }).await?;
    shared.dev().paused = body.pause;
    shared.publish_dev();
    ok(answer)
}
