//! What is frozen of orders that asked for profit sharing (分账冻结): the whole order when it is paid, less of it with
//! every sharing and refund, nothing once it is unfrozen or its time is over.
//!
//! Source: doc pages "请求分账", "解冻剩余资金", "查询剩余待分金额".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::rules::limit;

use super::{
    funds::{self, Business, Purse},
    order::{self, Order, State},
};
use crate::{
    accounts,
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// By merchant and the platform's number of the order.
static POTS: Table<(Id, Id), Pot> = Table::new("pay.sharing_pots", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&POTS],
    due: Some(due),
    topics: &[
        (order::TO_SHARE, paid),
        (accounts::DELETED, merchant_deleted),
    ],
    ..Feature::EMPTY
};
const NAME: &str = "pay.pot";

/// How long money stays frozen if nobody unfreezes it.
pub(super) const FREEZE: &str = "profit_sharing.split_freeze";

/// What an order brought that is to be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pot {
    out_trade_no: Id,
    /// In fen, of the order.
    pub(super) total: i64,
    /// What is neither shared nor given back nor unfrozen, in fen.
    pub(super) left: i64,
    /// What was shared with others, in fen.
    pub(super) shared: i64,
    /// How often it was asked for.
    pub(super) requests: usize,
    pub(super) paid_at: i64,
    /// Nothing is shared any more.
    pub(super) finished: bool,
}

/// Whether an order asks for its money to be frozen.
pub(super) fn is_flagged(order: &Order) -> bool {
    let of_v3 = |asked: &Value| asked["settle_info"]["profit_sharing"] == true;
    // Of a combined order each sub-order says it.
    of_v3(&order.asked) || of_v3(&order.asked["combined"]) || order.asked["profit_sharing"] == "Y"
}

pub(super) fn find<'w>(world: &'w World, mchid: &Id, transaction_id: &str) -> Option<&'w Pot> {
    POTS.get(world, &(mchid.clone(), Id::from(transaction_id)))
}

/// What is frozen of an order, in fen; none if nothing of it is frozen any more.
pub(super) fn frozen(world: &World, mchid: &Id, transaction_id: &str) -> Option<i64> {
    let pot = find(world, mchid, transaction_id)?;
    (!pot.finished).then_some(pot.left)
}

/// An order was paid whose money is frozen.
fn paid(turn: &mut Turn<'_>, what: &Value) {
    let (Some(mchid), Some(out_trade_no)) = (id_in(what, "merchant"), id_in(what, "out_trade_no"))
    else {
        return;
    };
    let Some(order) = order::find(turn.world, &mchid, &out_trade_no) else {
        return;
    };
    let State::Paid { transaction_id, at } = &order.state else {
        return;
    };
    let (transaction_id, paid_at) = (transaction_id.clone(), *at);
    let pot = Pot {
        out_trade_no,
        total: order.settled(),
        left: order.settled(),
        shared: 0,
        requests: 0,
        paid_at,
        finished: false,
    };
    let ends = json!({"merchant": &*mchid, "unfreeze": &*transaction_id, "paid_at": paid_at});
    POTS.put(turn.world, (mchid, transaction_id), pot);
    turn.later(paid_at + limit::seconds(FREEZE), NAME, ends);
}

/// So much is on its way to others, and so much to the merchant itself.
pub(super) fn share(world: &mut World, key: &(Id, Id), (others, own): (i64, i64), finished: bool) {
    if let Some(pot) = POTS.get_mut(world, key) {
        pot.left -= others + own;
        pot.shared += others;
        pot.requests += 1;
        pot.finished = finished;
    }
}

/// What a receiver did not get stays with the merchant: frozen, or free where nothing is shared any more.
pub(super) fn keep(turn: &mut Turn<'_>, key: &(Id, Id), numbers: (&Id, &Id), amount: i64) {
    let Some(pot) = POTS.get_mut(turn.world, key) else {
        return;
    };
    pot.shared -= amount;
    if pot.finished {
        free(turn, &key.0, numbers, amount);
    } else {
        pot.left += amount;
    }
}

/// Frozen money may be disposed of.
pub(super) fn free(turn: &mut Turn<'_>, mchid: &Id, numbers: (&Id, &Id), amount: i64) {
    for (purse, amount) in [(Purse::Frozen, -amount), (Purse::Available, amount)] {
        funds::pass(turn, mchid, (purse, Business::Unfreezing), numbers, amount);
    }
}

/// So much goes back to the payer.
pub(super) fn take(world: &mut World, mchid: &Id, transaction_id: &Id, amount: i64) {
    if let Some(pot) = POTS.get_mut(world, &(mchid.clone(), transaction_id.clone())) {
        pot.left -= amount;
    }
}

/// What was to go back to the payer comes back: into which purse.
pub(super) fn put_back(world: &mut World, mchid: &Id, transaction_id: &Id, amount: i64) -> Purse {
    match POTS.get_mut(world, &(mchid.clone(), transaction_id.clone())) {
        Some(pot) if !pot.finished => {
            pot.left += amount;
            Purse::Frozen
        }
        _ => Purse::Available,
    }
}

/// What was shared has come back: into which purse. It may be shared again while the rest of its order is frozen.
pub(super) fn returned(world: &mut World, mchid: &Id, transaction_id: &Id, amount: i64) -> Purse {
    let purse = put_back(world, mchid, transaction_id, amount);
    if let Some(pot) = POTS.get_mut(world, &(mchid.clone(), transaction_id.clone())) {
        pot.shared -= amount;
    }
    purse
}

/// The time of what is frozen is over.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(mchid), Some(transaction_id)) = (id_in(what, "merchant"), id_in(what, "unfreeze"))
    else {
        return;
    };
    let key = (mchid, transaction_id);
    let Some(pot) = POTS.get_mut(turn.world, &key) else {
        return;
    };
    // A merchant may be deleted meanwhile, and another of its number have an order of this number.
    if pot.finished || what["paid_at"] != pot.paid_at {
        return;
    }
    let (left, number) = (pot.left, pot.out_trade_no.clone());
    (pot.left, pot.finished) = (0, true);
    free(turn, &key.0, (&number, &key.1), left);
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        POTS.remove_under(turn.world, &mchid);
    }
}
