//! Messages that people sent, by hour and day, week and month; and how many a person sent.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use serde_json::{Value, json};
use xinqiao_catalog::id::official_account as oa;
use xinqiao_message::names::msg_type;
use xinqiao_types::shanghai;

use super::{Rows, days, forget_all, forget_old, hour, hourly, hours, midnight_of, written};
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// Account and hour, person and kind.
type Key = ((Id, i64), (u64, u64));
/// How often a person sent messages of a kind in an hour.
static SENT: Table<Key, u64> = Table::new("official_account.data_messages", 1);

pub(in super::super) static FEATURE: Feature = Feature {
    name: "official_account.data_messages",
    tables: &[&SENT],
    behaviours: &[
        stateful(oa::data_cube::GET_UPSTREAM_MSG, COUNTED, by_day),
        stateful(oa::data_cube::GET_UPSTREAM_MSG_HOUR, COUNTED, by_hour),
        stateful(oa::data_cube::GET_UPSTREAM_MSG_WEEK, PERIODS, by_week),
        stateful(oa::data_cube::GET_UPSTREAM_MSG_MONTH, PERIODS, by_month),
        stateful(oa::data_cube::GET_UPSTREAM_MSG_DIST, COUNTED, dist_by_day),
        stateful(
            oa::data_cube::GET_UPSTREAM_MSG_DIST_WEEK,
            PERIODS,
            dist_by_week,
        ),
        stateful(
            oa::data_cube::GET_UPSTREAM_MSG_DIST_MONTH,
            PERIODS,
            dist_by_month,
        ),
    ],
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const COUNTED: &str = "messages_are_counted_by_day_hour_and_sender";
const PERIODS: &str = "weeks_and_months_are_told_when_they_are_over";

/// Most days of one call.
const SPAN: i64 = 7;
const HOUR_SPAN: i64 = 1;
const LONG_SPAN: i64 = 30;
const DIST_SPAN: i64 = 15;

/// A person sent a message. A place has no number in the pages: it is not counted.
pub(in super::super) fn person_said(turn: &mut Turn<'_>, appid: &Id, person: u64, kind: &str) {
    let kind = match kind {
        msg_type::TEXT => 1,
        msg_type::IMAGE => 2,
        msg_type::VOICE => 3,
        msg_type::VIDEO | msg_type::SHORT_VIDEO => 4,
        msg_type::LINK => 6,
        _ => return,
    };
    let now = hour(turn.now);
    forget_old(turn.world, &SENT, appid, now);
    *SENT.or_default(turn.world, ((appid.clone(), now), (person, kind))) += 1;
}

fn sent<'w>(
    world: &'w World,
    appid: &Id,
    hours: Range<i64>,
) -> impl Iterator<Item = (u64, u64, u64)> + use<'w> {
    let (first, last) = (
        ((appid.clone(), hours.start), (0, 0)),
        ((appid.clone(), hours.end), (0, 0)),
    );
    { SENT.range(world, first..last) }.map(|((_, (person, kind)), many)| (*person, *kind, *many))
}

/// Rows of a period, one a kind.
fn rows(world: &World, appid: &Id, day: i64, hours: Range<i64>) -> Vec<Value> {
    let mut kinds: BTreeMap<u64, (BTreeSet<u64>, u64)> = BTreeMap::new();
    for (person, kind, many) in sent(world, appid, hours) {
        let own = kinds.entry(kind).or_default();
        own.0.insert(person);
        own.1 += many;
    }
    { kinds.into_iter() }
        .map(|(kind, (people, many))| {
            json!({
                "ref_date": written(day), "msg_type": kind, "msg_user": people.len(),
                "msg_count": many,
            })
        })
        .collect()
}

/// Rows of a period: how many people sent so many messages.
fn dist(world: &World, appid: &Id, day: i64, hours: Range<i64>) -> Vec<Value> {
    let mut people: BTreeMap<u64, u64> = BTreeMap::new();
    for (person, _, many) in sent(world, appid, hours) {
        *people.entry(person).or_default() += many;
    }
    let mut intervals: BTreeMap<u64, u64> = BTreeMap::new();
    for many in people.into_values() {
        let interval = match many {
            0 => 0,
            1..=5 => 1,
            6..=10 => 2,
            _ => 3,
        };
        *intervals.entry(interval).or_default() += 1;
    }
    { intervals.into_iter() }
        .map(|(interval, people)| {
            json!({"ref_date": written(day), "count_interval": interval, "msg_user": people})
        })
        .collect()
}

/// A period by the day that stands for it; none where that day begins none, or it is not over.
type Period = fn(day: i64, today: i64) -> Option<Range<i64>>;

fn a_day(day: i64, _: i64) -> Option<Range<i64>> {
    Some(hours(day..day + 1))
}

/// WECHAT: a week stands under its Monday, and is told when it is over.
fn a_week(day: i64, today: i64) -> Option<Range<i64>> {
    // 1970-01-05 was a Monday.
    let monday = (day - 4).rem_euclid(7) == 0;
    (monday && day + 7 <= today).then(|| hours(day..day + 7))
}

/// WECHAT: a month stands under its first day.
fn a_month(day: i64, today: i64) -> Option<Range<i64>> {
    let begins = midnight_of(day);
    let next = shanghai::day(shanghai::next_month(begins));
    (shanghai::month(begins) == begins && next <= today).then(|| hours(day..next))
}

fn told(
    turn: &Turn<'_>,
    asked: &Asked,
    (span, period): (i64, Period),
    rows: Rows,
) -> Result<Vec<Value>, Refusal> {
    let today = shanghai::day(turn.now);
    let rows = days(turn, asked, span)?
        .filter_map(|day| Some((day, period(day, today)?)))
        .flat_map(|(day, hours)| rows(turn.world, &asked.appid, day, hours))
        .collect();
    Ok(rows)
}

/// `getupstreammsg`.
fn by_day(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows = told(turn, asked, (SPAN, a_day), rows)?;
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getupstreammsghour`.
fn by_hour(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows = hourly(turn, asked, HOUR_SPAN, rows)?;
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getupstreammsgweek`.
fn by_week(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows = told(turn, asked, (LONG_SPAN, a_week), rows)?;
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getupstreammsgmonth`.
fn by_month(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows = told(turn, asked, (LONG_SPAN, a_month), rows)?;
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getupstreammsgdist`.
fn dist_by_day(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows = told(turn, asked, (DIST_SPAN, a_day), dist)?;
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getupstreammsgdistweek`.
fn dist_by_week(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows = told(turn, asked, (LONG_SPAN, a_week), dist)?;
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getupstreammsgdistmonth`.
fn dist_by_month(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let rows = told(turn, asked, (LONG_SPAN, a_month), dist)?;
    Ok(Reply::Json(json!({"list": rows})))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        forget_all(turn.world, &SENT, &appid);
    }
}
