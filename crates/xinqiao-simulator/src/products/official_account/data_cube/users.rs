//! Followers gained and lost, by day and by how they came.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::id::official_account as oa;
use xinqiao_types::shanghai;

use super::{days, written};
use crate::{
    accounts,
    door::{Asked, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, feature::id_in},
    people::{
        self,
        phone::{FOLLOWED, UNFOLLOWED},
    },
    products::Feature,
};

/// What happened on a day of an account.
static DAYS: Table<(Id, i64), Day> = Table::new("official_account.data_users", 1);

pub(in super::super) static FEATURE: Feature = Feature {
    name: "official_account.data_users",
    tables: &[&DAYS],
    behaviours: &[
        stateful(oa::data_cube::GET_USER_SUMMARY, COUNTED, summary),
        stateful(oa::data_cube::GET_USER_CUMULATE, COUNTED, cumulate),
    ],
    topics: &[
        (FOLLOWED, followed),
        (UNFOLLOWED, unfollowed),
        (accounts::DELETED, account_deleted),
    ],
    ..Feature::EMPTY
};
const COUNTED: &str = "followers_are_counted_by_day_and_source";

/// A day.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Day {
    /// How many came, by `user_source`.
    came: BTreeMap<u64, u64>,
    left: u64,
}

/// Most days of one call.
const SPAN: i64 = 7;

/// `user_source` of how somebody found the account.
///
/// WECHAT: who follows after a payment counts among the others since June 2023.
fn source(scene: &str) -> u64 {
    match scene {
        "ADD_SCENE_SEARCH" => 1,
        "ADD_SCENE_PROFILE_CARD" => 17,
        "ADD_SCENE_QR_CODE" => 30,
        "ADD_SCENE_PROFILE_LINK" => 57,
        "ADD_SCENE_WECHAT_ADVERTISEMENT" => 100,
        "ADD_SCENE_WXA" => 149,
        "ADD_SCENE_REPRINT" => 161,
        "ADD_SCENE_CHANNELS" => 200,
        "ADD_SCENE_LIVESTREAM" => 201,
        _ => 0,
    }
}

fn followed(turn: &mut Turn<'_>, what: &Value) {
    let (Some(appid), Some(scene)) = (id_in(what, "account"), id_in(what, "scene")) else {
        return;
    };
    let many = what["many"].as_u64().unwrap_or(1);
    let day = DAYS.or_default(turn.world, (appid, shanghai::day(turn.now)));
    let came = day.came.entry(source(&scene)).or_default();
    *came = came.saturating_add(many);
}

fn unfollowed(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        let day = DAYS.or_default(turn.world, (appid, shanghai::day(turn.now)));
        day.left = day.left.saturating_add(1);
    }
}

/// A count as it is told, which ends where the field's numbers end: what an imported world says may be anything.
fn number(many: u64) -> i64 {
    i32::try_from(many).unwrap_or(i32::MAX).into()
}

/// `getusersummary`: each day has a row for the other sources, in which who left is counted, whether or not anything
/// happened.
fn summary(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let none = Day::default();
    let mut rows = Vec::new();
    for day in days(turn, asked, SPAN)? {
        let own = DAYS.get(turn.world, &(asked.appid.clone(), day));
        let own = own.unwrap_or(&none);
        let mut came = own.came.clone();
        came.entry(0).or_default();
        rows.extend(came.into_iter().map(|(source, many)| {
            let left = if source == 0 { own.left } else { 0 };
            json!({
                "ref_date": written(day), "user_source": source, "new_user": number(many),
                "cancel_user": number(left),
            })
        }));
    }
    Ok(Reply::Json(json!({"list": rows})))
}

/// `getusercumulate`: those of today without what happened since.
fn cumulate(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let wanted = days(turn, asked, SPAN)?;
    let appid = &asked.appid;
    let mut have = i64::try_from(people::follower_count(turn.world, appid)).unwrap_or(i64::MAX);
    let since = (appid.clone(), *wanted.start())..=(appid.clone(), i64::MAX);
    let mut later: Vec<(i64, i64)> = { DAYS.range(turn.world, since) }
        .map(|((_, day), own)| {
            let came = { own.came.values() }.fold(0, |all: u64, many| all.saturating_add(*many));
            (*day, number(came).saturating_sub(number(own.left)))
        })
        .collect();
    let mut rows = Vec::new();
    for day in wanted.rev() {
        while let Some((_, gained)) = later.pop_if(|(of, _)| *of > day) {
            have = have.saturating_sub(gained);
        }
        rows.push(json!({
            "ref_date": written(day), "user_source": 0, "cumulate_user": have.clamp(0, i32::MAX.into()),
        }));
    }
    rows.reverse();
    Ok(Reply::Json(json!({"list": rows})))
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        DAYS.remove_under(turn.world, &appid);
    }
}
