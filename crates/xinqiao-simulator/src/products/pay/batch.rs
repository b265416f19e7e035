//! Batches of transfers to people (商家转账到零钱), the older product: paid without asking the people, from the operation
//! account, told once when all of them came to their ends.
//!
//! Source: doc pages "发起商家转账", "通过商家批次单号查询批次单", "通过微信明细单号查询明细单", "商家转账批次回调通知".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::shanghai;

use super::{
    funds::{self, Business, Purse},
    transfer, wallet,
};
use crate::{
    accounts,
    kernel::{Id, Table, Turn, World, feature::id_in},
    people,
    products::Feature,
};

/// By merchant and the merchant's number.
static BATCHES: Table<(Id, Id), Batch> = Table::new("pay.transfer_batches", 1);
/// Merchants' numbers by merchant and the platform's number.
static BY_ID: Table<(Id, Id), Id> = Table::memory("pay.transfer_batches_by_id");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&BATCHES],
    due: Some(due),
    topics: &[(accounts::DELETED, merchant_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "pay.batch";

/// A batch has come to its end: `{"merchant", "out_batch_no"}`.
pub(super) const ENDED: &str = "pay.batch_ended";

/// Seconds until a batch is worked on, and from then until it is done.
const STEP: i64 = 1;

/// What a merchant gives to several people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Batch {
    pub(super) appid: Id,
    /// The platform's number.
    pub(super) id: Id,
    /// Which of all batches it is.
    serial: u64,
    pub(super) name: String,
    pub(super) remark: String,
    pub(super) scene: Option<String>,
    pub(super) notify_url: Option<String>,
    /// In fen.
    pub(super) total: i64,
    pub(super) details: Vec<Detail>,
    /// What must be the same when it is asked for again.
    asked: Value,
    pub(super) state: State,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// What one person gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Detail {
    pub(super) number: Id,
    /// The platform's number.
    pub(super) id: Id,
    pub(super) openid: Id,
    /// In fen.
    pub(super) amount: i64,
    pub(super) remark: String,
    pub(super) name: Option<String>,
    pub(super) result: Outcome,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum State {
    Accepted,
    Processing,
    Finished,
}

/// What became of a detail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Processing,
    Success,
    Fail(String),
}

/// What a merchant asks for; the platform's numbers are drawn.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) appid: Id,
    pub(super) number: Id,
    pub(super) name: String,
    pub(super) remark: String,
    pub(super) scene: Option<String>,
    pub(super) notify_url: Option<String>,
    pub(super) details: Vec<Detail>,
    pub(super) asked: Value,
}

/// Why nothing is transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    /// The number stands for another batch.
    Different,
    /// The operation account has not enough.
    Short { has: i64 },
}

impl State {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Processing => "PROCESSING",
            Self::Finished => "FINISHED",
        }
    }
}

impl Outcome {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Processing => "PROCESSING",
            Self::Success => "SUCCESS",
            Self::Fail(_) => "FAIL",
        }
    }

    pub(super) fn fail_reason(&self) -> Option<&str> {
        match self {
            Self::Fail(reason) => Some(reason),
            Self::Processing | Self::Success => None,
        }
    }
}

impl Batch {
    /// How many details ended so, and what they come to.
    pub(super) fn ended(&self, name: &str) -> (usize, i64) {
        let ended = self.details.iter().filter(|one| one.result.name() == name);
        ended.fold((0, 0), |(number, sum), one| (number + 1, sum + one.amount))
    }
}

/// A batch by either number, with the merchant's.
pub(super) fn by_either<'w>(
    world: &'w World,
    mchid: &Id,
    id: Option<&str>,
    number: Option<&str>,
) -> Option<(&'w Id, &'w Batch)> {
    let number = match id {
        Some(id) => BY_ID.get(world, &(mchid.clone(), Id::from(id)))?.clone(),
        None => Id::from(number?),
    };
    let ((_, number), batch) = BATCHES.entry(world, &(mchid.clone(), number))?;
    Some((number, batch))
}

/// Accepts a batch, or gives the one that was accepted under this number.
pub(super) fn ask(turn: &mut Turn<'_>, mchid: &Id, wanted: Wanted) -> Result<Batch, Objection> {
    let key = (mchid.clone(), wanted.number);
    if let Some(before) = BATCHES.get(turn.world, &key) {
        return if before.asked == wanted.asked {
            Ok(before.clone())
        } else {
            Err(Objection::Different)
        };
    }
    let total = wanted.details.iter().map(|one| one.amount).sum();
    let has = funds::funds(turn.world, mchid).operation;
    if has < total {
        return Err(Objection::Short { has });
    }
    let day = shanghai::written(turn.now, "%Y%m%d");
    let mut details = wanted.details;
    for detail in &mut details {
        let digits = turn.world.next("pay.batch_detail").digits(14);
        detail.id = format!("1040000071100999{day}00{digits}").into();
    }
    let digits = turn.world.next("pay.batch").digits(14);
    let batch = Batch {
        id: format!("1030000071100999{day}00{digits}").into(),
        serial: turn.world.serial("pay.batch_order"),
        appid: wanted.appid,
        name: wanted.name,
        remark: wanted.remark,
        scene: wanted.scene,
        notify_url: wanted.notify_url,
        total,
        details,
        asked: wanted.asked,
        state: State::Accepted,
        created_at: turn.now.0,
        updated_at: turn.now.0,
    };
    let goes = (Purse::Operation, Business::Transfer);
    funds::pass(turn, mchid, goes, (&key.1, &batch.id), -total);
    let by_id = (mchid.clone(), batch.id.clone());
    BY_ID.put(turn.world, by_id, key.1.clone());
    later(turn, &key, batch.serial);
    BATCHES.put(turn.world, key, batch.clone());
    Ok(batch)
}

/// A merchant may be deleted meanwhile, and another of its number use the batch's number again: the serial number is of one
/// batch only.
fn later(turn: &mut Turn<'_>, key: &(Id, Id), serial: u64) {
    let what = json!({"merchant": &*key.0, "out_batch_no": &*key.1, "serial": serial});
    turn.later(turn.now.0 + STEP, NAME, what);
}

/// A batch takes its next step.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "out_batch_no")) else {
        return;
    };
    let key = (mchid, number);
    let now = turn.now.0;
    let Some(batch) = BATCHES.get_mut(turn.world, &key) else {
        return;
    };
    if json!(batch.serial) != what["serial"] {
        return;
    }
    match batch.state {
        State::Accepted => {
            (batch.state, batch.updated_at) = (State::Processing, now);
            let serial = batch.serial;
            later(turn, &key, serial);
        }
        State::Processing => {
            let mut batch = batch.clone();
            finish(turn, &key, &mut batch);
            (batch.state, batch.updated_at) = (State::Finished, now);
            let what = json!({"merchant": &*key.0, "out_batch_no": &*key.1});
            BATCHES.put(turn.world, key, batch);
            turn.publish(ENDED, &what);
        }
        State::Finished => {}
    }
}

/// People have their money, and the merchant what they did not get.
fn finish(turn: &mut Turn<'_>, key: &(Id, Id), batch: &mut Batch) {
    let ends = transfer::ends(turn.world, &key.0);
    for detail in &mut batch.details {
        let person = people::person(turn.world, &batch.appid, &detail.openid);
        detail.result = match (ends.as_str(), person) {
            ("SUCCESS", Some(user)) => {
                wallet::receive(turn, user, detail.amount);
                Outcome::Success
            }
            ("SUCCESS", None) => Outcome::Fail("OPENID_INVALID".to_owned()),
            (reason, _) => Outcome::Fail(reason.to_owned()),
        };
    }
    let (_, back) = batch.ended("FAIL");
    let comes = (Purse::Operation, Business::TransferReturned);
    funds::pass(turn, &key.0, comes, (&key.1, &batch.id), back);
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        BATCHES.remove_under(turn.world, &mchid);
        BY_ID.remove_under(turn.world, &mchid);
    }
}

fn index(world: &mut World) {
    let all: Vec<((Id, Id), Id)> = { BATCHES.all(world) }
        .map(|((mchid, number), batch)| ((mchid.clone(), batch.id.clone()), number.clone()))
        .collect();
    for (key, number) in all {
        BY_ID.put(world, key, number);
    }
}
