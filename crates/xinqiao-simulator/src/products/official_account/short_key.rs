//! Short keys (短 key): data that an account leaves with the platform and fetches again by fifteen characters.
//!
//! Source: doc page "短 key 托管".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa, rules::limit};

use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, feature::id_in},
    products::Feature,
};

/// What was left, by account and key.
static LEFT: Table<(Id, Id), Left> = Table::new("official_account.short_keys", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&LEFT],
    behaviours: &[
        stateful(oa::shorten::GEN, FETCHED, generate),
        stateful(oa::shorten::FETCH, FETCHED, fetch),
    ],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "official_account.short_keys";
const FETCHED: &str = "data_is_fetched_by_its_short_key_until_it_ends";

/// The catalog's limits: how many bytes are kept, and how many seconds at most.
pub(super) const DATA: &str = "short_key.bytes";
pub(super) const LONG: &str = "short_key.seconds";
/// Characters of a key.
const KEY: usize = 15;

/// Data under a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    data: String,
    created_at: i64,
    seconds: i64,
}

/// `shorten/gen`.
fn generate(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let data = asked.text("long_data")?.to_owned();
    let seconds = asked.number("expire_seconds")?;
    let (bytes, long) = (limit::count(DATA), limit::seconds(LONG));
    if data.len() > bytes || !(1..=long).contains(&seconds) {
        return Err(Refusal::code(code::INVALID_ARGUMENT).because(
            "call.parameter",
            Some(format!("{} bytes, {seconds} s", data.len())),
            Some(format!(
                "long_data ≤ {bytes} bytes, expire_seconds 1–{long}"
            )),
        ));
    }
    let mut key = turn.world.next("short_key").media_id();
    key.truncate(KEY);
    let what = json!({"account": &*asked.appid, "key": key});
    turn.later(turn.now.0 + seconds, NAME, what);
    let left = Left {
        data,
        created_at: turn.now.0,
        seconds,
    };
    LEFT.put(turn.world, (asked.appid.clone(), key.as_str().into()), left);
    Ok(Reply::Json(json!({"short_key": key})))
}

/// `shorten/fetch`: what is left, and for how many seconds.
fn fetch(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let key: Id = asked.text("short_key")?.into();
    let left = LEFT.get(turn.world, &(asked.appid.clone(), key));
    let left = left.ok_or_else(|| Refusal::code(code::INVALID_ARGUMENT))?;
    Ok(Reply::Json(json!({
        "long_data": left.data,
        "create_time": left.created_at,
        "expire_seconds": left.created_at + left.seconds - turn.now.0,
    })))
}

/// Data ends.
fn due(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(appid), Some(key)) = (id_in(what, "account"), id_in(what, "key")) {
        LEFT.remove(turn.world, &(appid, key));
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        LEFT.remove_under(turn.world, &appid);
    }
}
