//! Calls of the platform to the account's server: how many, how many failed, how long they took.
//!
//! Each attempt is one. How long they take is the wall clock's: they are traffic, and no part of an export.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::id::official_account as oa;

use super::{OLD_AT_ONCE, REMEMBERED, days, forget, hour, hourly, hours, written};
use crate::{
    accounts::{self, ACCOUNTS},
    door::{Asked, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
    push,
};

/// Calls by account and hour.
static CALLED: Table<(Id, i64), Called> = Table::traffic("official_account.data_callbacks", 1);

pub(in super::super) static FEATURE: Feature = Feature {
    name: "official_account.data_callbacks",
    tables: &[&CALLED],
    behaviours: &[
        stateful(oa::data_cube::GET_INTERFACE_SUMMARY, COUNTED, by_day),
        stateful(oa::data_cube::GET_INTERFACE_SUMMARY_HOUR, COUNTED, by_hour),
    ],
    topics: &[
        (push::ATTEMPTED, attempted),
        (accounts::DELETED, account_deleted),
    ],
    ..Feature::EMPTY
};
const COUNTED: &str = "callbacks_are_counted_with_their_failures";

/// Calls of some hours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Called {
    count: u64,
    failed: u64,
    ms: u64,
    longest_ms: u64,
}

/// Most days of one call.
const SPAN: i64 = 30;
const HOUR_SPAN: i64 = 1;

/// An attempt to call a server came to its end.
fn attempted(turn: &mut Turn<'_>, what: &Value) {
    let Some(appid) = id_in(what, "account") else {
        return;
    };
    let official = { ACCOUNTS.get(turn.world, &*appid) }
        .is_some_and(|account| account.kind.is_official_account());
    if !official {
        return;
    }
    let now = hour(turn.now);
    let old = (appid.clone(), i64::MIN)..(appid.clone(), now - REMEMBERED);
    forget(turn.world, &CALLED, old, OLD_AT_ONCE);
    let ms = what["ms"].as_u64().unwrap_or_default();
    let called = CALLED.or_default(turn.world, (appid, now));
    called.count += 1;
    called.failed += u64::from(what["failed"] == true);
    called.ms += ms;
    called.longest_ms = called.longest_ms.max(ms);
}

/// What happened in some hours: one row, or none where nothing did.
fn rows(world: &World, appid: &Id, day: i64, hours: Range<i64>) -> Vec<Value> {
    let range = (appid.clone(), hours.start)..(appid.clone(), hours.end);
    let sum = { CALLED.range(world, range) }
        .map(|(_, called)| *called)
        .reduce(|sum, called| Called {
            count: sum.count + called.count,
            failed: sum.failed + called.failed,
            ms: sum.ms + called.ms,
            longest_ms: sum.longest_ms.max(called.longest_ms),
        });
    let row = sum.map(|sum| {
        json!({
            "ref_date": written(day), "callback_count": sum.count, "fail_count": sum.failed,
            "total_time_cost": sum.ms, "max_time_cost": sum.longest_ms,
        })
    });
    row.into_iter().collect()
}

/// `getinterfacesummary`.
fn by_day(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows: Vec<Value> = days(turn, asked, SPAN)?
        .flat_map(|day| rows(turn.world, &asked.appid, day, hours(day..day + 1)))
        .collect();
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getinterfacesummaryhour`.
fn by_hour(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows = hourly(turn, asked, HOUR_SPAN, rows)?;
    Ok(Reply::Json(json!({"list": rows})))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        CALLED.remove_under(turn.world, &appid);
    }
}
