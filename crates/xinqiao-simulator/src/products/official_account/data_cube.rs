//! Statistics of an account (数据统计): counted as things happen, told of days that are over.
//!
//! * [`users`]: followers gained and lost;
//! * [`messages`]: what people sent;
//! * [`callbacks`]: how often the account's server was called;
//! * [`reads`]: articles that people read, shared and kept.
//!
//! Source: doc pages "用户分析数据接口", "消息分析数据接口", "接口分析数据接口", "图文分析数据接口".

pub(super) mod callbacks;
pub(super) mod messages;
pub(super) mod reads;
pub(super) mod users;

use std::ops::{Range, RangeInclusive};

use serde_json::{Value, json};
use xinqiao_catalog::code;
use xinqiao_types::{UnixSeconds, shanghai};

use crate::{
    accounts::rules::{Preset, Rule},
    door::{Asked, Refusal},
    kernel::{
        Id, Turn,
        key::Key,
        table::{Row, Table},
        world::World,
    },
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.data_cube",
    rules: &[&READY_HOUR],
    ..Feature::EMPTY
};

/// From which hour on yesterday is told.
static READY_HOUR: Rule = Rule {
    name: "data_cube.ready_hour",
    default: Preset::Number(8, 24),
    about: (
        "几点以后才能查昨天的统计，之前返回 61503",
        "from which hour on yesterday's statistics are told; 61503 before",
    ),
    source: "the pages: ask after 08:00; that it is 61503 until then is the code's meaning",
};

/// The day from which the platform has statistics: 2014-12-01.
const FIRST_DAY: i64 = 16_405;
const HOURS: i64 = 24;
/// So many hours are remembered: two months and more, as months are told when they are over.
const REMEMBERED: i64 = 100 * HOURS;
/// Old rows that go when a new one comes.
const OLD_AT_ONCE: usize = 2;

/// The number of the hour, counted from midnight of 1970-01-01 in Shanghai.
fn hour(at: UnixSeconds) -> i64 {
    let midnight = shanghai::midnight(at).0;
    shanghai::day(at) * HOURS + (at.0 - midnight) / 3600
}

fn midnight_of(day: i64) -> UnixSeconds {
    shanghai::midnight(UnixSeconds(day.saturating_mul(shanghai::DAY)))
}

/// The hours of some days.
fn hours(days: Range<i64>) -> Range<i64> {
    days.start * HOURS..days.end * HOURS
}

/// `2026-02-01`
fn written(day: i64) -> String {
    shanghai::written(midnight_of(day), "%Y-%m-%d")
}

/// `ref_hour`: 1500 is the hour from 15:00 on.
fn ref_hour(hour: i64) -> i64 {
    hour.rem_euclid(HOURS) * 100
}

fn read_day(asked: &Asked, name: &str) -> Result<i64, Refusal> {
    let text = asked.text(name)?;
    let at = shanghai::read(&format!("{text}T00:00:00+08:00"));
    at.filter(|_| text.len() == "2014-12-01".len())
        .map(shanghai::day)
        .ok_or_else(|| Refusal::code(code::DATE_FORMAT_ERROR))
}

/// The days that a call asks for: so many at most, all of them over.
fn days(turn: &Turn<'_>, asked: &Asked, most: i64) -> Result<RangeInclusive<i64>, Refusal> {
    let (begin, end) = (read_day(asked, "begin_date")?, read_day(asked, "end_date")?);
    let today = shanghai::day(turn.now);
    if begin > end || end - begin >= most || end >= today || begin < FIRST_DAY {
        return Err(Refusal::code(code::DATE_RANGE_ERROR).because(
            "data_cube.range",
            Some(format!("{} – {}", written(begin), written(end))),
            Some(format!("≤ {most} d, ≤ {}", written(today - 1))),
        ));
    }
    let ready = READY_HOUR.number(&asked.account(turn.world)?.rules);
    if end == today - 1 && hour(turn.now).rem_euclid(HOURS) < ready {
        return Err(Refusal::code(code::DATA_NOT_READY));
    }
    Ok(begin..=end)
}

/// Makes the rows of some hours of a day.
type Rows = fn(&World, &Id, i64, Range<i64>) -> Vec<Value>;

/// The rows of each hour of the days that a call asks for, with their `ref_hour`.
fn hourly(turn: &Turn<'_>, asked: &Asked, most: i64, rows: Rows) -> Result<Vec<Value>, Refusal> {
    let mut all = Vec::new();
    for day in days(turn, asked, most)? {
        for hour in hours(day..day + 1) {
            let mut own = rows(turn.world, &asked.appid, day, hour..hour + 1);
            for row in &mut own {
                row["ref_hour"] = json!(ref_hour(hour));
            }
            all.append(&mut own);
        }
    }
    Ok(all)
}

/// Takes away the first rows of a range.
fn forget<K: Key, V: Row>(world: &mut World, table: &Table<K, V>, range: Range<K>, most: usize) {
    let keys: Vec<K> = { table.range(world, range) }
        .take(most)
        .map(|(key, _)| key.clone())
        .collect();
    for key in keys {
        table.remove(world, &key);
    }
}

/// Takes away rows of an account that nobody asks for any more: a few whenever a new one comes.
fn forget_old<B: Key, V: Row>(
    world: &mut World,
    table: &Table<((Id, i64), B), V>,
    appid: &Id,
    now: i64,
) {
    let first = ((appid.clone(), i64::MIN), B::first());
    let last = ((appid.clone(), now - REMEMBERED), B::first());
    forget(world, table, first..last, OLD_AT_ONCE);
}

/// Takes away every row of an account.
fn forget_all<B: Key, V: Row>(world: &mut World, table: &Table<((Id, i64), B), V>, appid: &Id) {
    let first = ((appid.clone(), i64::MIN), B::first());
    let last = ((appid.clone(), i64::MAX), B::first());
    forget(world, table, first..last, usize::MAX);
}
