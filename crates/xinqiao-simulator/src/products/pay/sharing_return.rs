//! Returns of shared money (分账回退): what a merchant got comes back to the one that shared it, into what is frozen of
//! the order as long as something of it may be shared.
//!
//! The platform's pages do not name the purse. They say that shared money is returned before its order is refunded, and a
//! refund is paid from what is frozen of its order: so it must come back there.
//!
//! Source: doc pages "请求分账回退", "查询分账回退结果".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::shanghai;

use super::{
    funds::{self, Business, Purse},
    pot,
    receivers::Kind,
    sharing::{self, Outcome},
    whose::Whose,
};
use crate::{
    accounts::{self, merchant::MERCHANTS},
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// By merchant and the merchant's number.
static RETURNS: Table<(Id, Id), Return> = Table::new("pay.sharing_returns", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&RETURNS],
    due: Some(due),
    topics: &[(accounts::DELETED, merchant_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "pay.sharing_return";

/// Shared money has come back: `{"merchant", "out_return_no"}`.
pub(super) const RETURNED: &str = "pay.sharing_returned";

pub(super) const NUMBER: &str = "profit_sharing_return.out_return_no";

/// Seconds until the money is back.
const ON_ITS_WAY: i64 = 2;

/// What comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Return {
    pub(super) out_order_no: Id,
    pub(super) order_id: Id,
    pub(super) transaction_id: Id,
    /// The platform's number.
    pub(super) id: Id,
    /// Which of all returns it is.
    serial: u64,
    /// The merchant that gives it back.
    pub(super) from: Id,
    /// In fen.
    pub(super) amount: i64,
    pub(super) description: String,
    pub(super) result: Outcome,
    pub(super) created_at: i64,
    pub(super) finished_at: Option<i64>,
}

/// What a merchant wants back.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// The platform's number of the sharing wins over the merchant's.
    pub(super) order_id: Option<Id>,
    pub(super) out_order_no: Option<Id>,
    pub(super) out_return_no: Id,
    pub(super) from: Id,
    pub(super) amount: i64,
    pub(super) description: String,
}

/// Why nothing comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    NoSharing,
    /// The number stands for another return.
    Different,
    /// That merchant got nothing of it, or not yet.
    NoPart,
    /// More than it got and did not give back yet.
    TooMuch {
        left: i64,
    },
    /// It has not enough.
    Short {
        has: i64,
    },
}

impl Return {
    /// `PROCESSING`, `SUCCESS` or `FAILED`.
    pub(super) fn result(&self) -> &'static str {
        match self.result {
            Outcome::Pending => "PROCESSING",
            Outcome::Success => "SUCCESS",
            Outcome::Closed(_) => "FAILED",
        }
    }
}

pub(super) fn find<'w>(world: &'w World, mchid: &Id, out_return_no: &str) -> Option<&'w Return> {
    RETURNS.get(world, &(mchid.clone(), Id::from(out_return_no)))
}

/// A return of a sharing that was asked for by who asks now.
pub(super) fn seen<'w>(world: &'w World, whose: &Whose, out_return_no: &str) -> Option<&'w Return> {
    let back = find(world, &whose.payee, out_return_no)?;
    sharing::seen(world, whose, &back.out_order_no).map(|_| back)
}

/// Accepts a return, or gives the one that was accepted under this number.
pub(super) fn ask(turn: &mut Turn<'_>, whose: &Whose, wanted: Wanted) -> Result<Return, Objection> {
    let mchid = &whose.payee;
    let by = (wanted.order_id.as_deref(), wanted.out_order_no.as_deref());
    let (number, sharing) =
        sharing::by_either(turn.world, whose, by.0, by.1).ok_or(Objection::NoSharing)?;
    if let Some(before) = find(turn.world, mchid, &wanted.out_return_no) {
        let same = (&before.out_order_no, &before.from, before.amount)
            == (number, &wanted.from, wanted.amount)
            && before.description == wanted.description;
        return if same {
            Ok(before.clone())
        } else {
            Err(Objection::Different)
        };
    }
    let part = { sharing.parts.iter() }.find(|part| {
        (part.kind, &part.account) == (Kind::MerchantId, &wanted.from)
            && part.account != *mchid
            && part.result == Outcome::Success
    });
    let part = part.filter(|_| MERCHANTS.has(turn.world, &*wanted.from));
    let part = part.ok_or(Objection::NoPart)?;
    let left = part.amount - part.returned;
    if wanted.amount > left {
        return Err(Objection::TooMuch { left });
    }
    let has = funds::funds(turn.world, &wanted.from).available;
    if has < wanted.amount {
        return Err(Objection::Short { has });
    }
    let (number, order_id) = (number.clone(), sharing.order_id.clone());
    let transaction_id = sharing.transaction_id.clone();
    let day = shanghai::written(turn.now, "%Y%m%d");
    let digits = turn.world.next("pay.sharing_return").digits(10);
    let back = Return {
        order_id,
        transaction_id,
        id: format!("3008450740{day}{digits}").into(),
        serial: turn.world.serial("pay.sharing_return_order"),
        out_order_no: number,
        from: wanted.from,
        amount: wanted.amount,
        description: wanted.description,
        result: Outcome::Pending,
        created_at: turn.now.0,
        finished_at: None,
    };
    sharing::give_back(
        turn.world,
        mchid,
        &back.out_order_no,
        &back.from,
        back.amount,
    );
    let what = json!({
        "merchant": &**mchid, "arrives": &*wanted.out_return_no, "serial": back.serial,
    });
    turn.later(turn.now.0 + ON_ITS_WAY, NAME, what);
    let key = (mchid.clone(), wanted.out_return_no);
    RETURNS.put(turn.world, key, back.clone());
    Ok(back)
}

/// The money is back, or its receiver has spent it meanwhile.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "arrives")) else {
        return;
    };
    let key = (mchid, number);
    let Some(mut back) = RETURNS.get(turn.world, &key).cloned() else {
        return;
    };
    if back.result != Outcome::Pending || json!(back.serial) != what["serial"] {
        return;
    }
    let (mchid, number) = &key;
    back.finished_at = Some(turn.now.0);
    let gone = !MERCHANTS.has(turn.world, &*back.from);
    if gone || funds::funds(turn.world, &back.from).available < back.amount {
        back.result = Outcome::Closed("BALANCE_NOT_ENOUGH".to_owned());
        sharing::give_back(
            turn.world,
            mchid,
            &back.out_order_no,
            &back.from,
            -back.amount,
        );
        RETURNS.put(turn.world, key, back);
        return;
    }
    back.result = Outcome::Success;
    let business = Business::SharingReturned;
    let numbers = (number, &back.id);
    let from = (Purse::Available, business);
    funds::pass(turn, &back.from, from, numbers, -back.amount);
    let purse = pot::returned(turn.world, mchid, &back.transaction_id, back.amount);
    funds::pass(turn, mchid, (purse, business), numbers, back.amount);
    let what = json!({"merchant": &**mchid, "out_return_no": &**number});
    RETURNS.put(turn.world, key, back);
    turn.publish(RETURNED, &what);
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        RETURNS.remove_under(turn.world, &mchid);
    }
}
