//! Refunds: asked for, paid from a merchant's purse, told; one number space a merchant, whichever generation of the
//! interface asked.
//!
//! A number that is used again with the same amounts gives the refund as it stands; a refund that was refused has left
//! nothing, so its number may be tried again with another source.
//!
//! Source: doc pages "申请退款", "查询单笔退款", "发起异常退款".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::rules::limit;
use xinqiao_types::shanghai;

use super::{
    coupon_use::{self, Applied},
    funds::{self, Business, Purse},
    order::{self, Generation, Order, State},
    pot,
};
use crate::{
    accounts::{
        self,
        merchant::{self, MERCHANTS},
        rules::{Preset, Rule},
    },
    kernel::{
        Id, Refused, Table, Turn, World,
        feature::id_in,
        route::{Handler, Request, Route},
    },
    products::Feature,
};

/// Refunds by merchant and the merchant's number.
static REFUNDS: Table<(Id, Id), Refund> = Table::new("pay.refunds", 1);
/// Merchants' numbers by merchant and the platform's number.
static BY_REFUND_ID: Table<(Id, Id), Id> = Table::memory("pay.refunds_by_id");
/// Merchants' numbers by merchant and order, in the order of their asking.
static BY_ORDER: Table<((Id, Id), u64), Id> = Table::memory("pay.refunds_by_order");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&REFUNDS],
    routes: &[Route {
        method: "GET",
        path: "/merchants/{mchid}/refunds",
        run: Handler::Look(list),
    }],
    rules: &[&ENDS, &SPACING],
    due: Some(due),
    topics: &[(accounts::DELETED, merchant_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "pay.refund";

/// A refund has arrived, or has not: `{"merchant", "out_refund_no"}`.
pub(super) const ENDED: &str = "pay.refund_ended";

/// Most refunds of one order.
pub(super) const MOST: &str = "refunds.partial_refunds";
/// How long after the payment an order may be refunded.
pub(super) const WINDOW: &str = "refunds.refund_window";
/// Between two refunds of one order.
pub(super) const PAUSE: &str = "refunds.refund_spacing";
/// Texts of a refund, with the catalog's limits for them.
pub(super) const TEXTS: [(&str, &str); 2] = [
    ("out_refund_no", "refunds.out_refund_no"),
    ("reason", "refunds.reason"),
];

/// Seconds until money is back in a customer's wallet.
const ON_ITS_WAY: i64 = 2;
/// Where it goes.
pub(super) const WALLET: &str = "支付用户零钱";

/// How a refund ends.
static ENDS: Rule = Rule {
    name: "pay.refund_result",
    default: Preset::Word("SUCCESS", &["SUCCESS", "ABNORMAL", "CLOSED"]),
    about: (
        "退款受理后的结果：SUCCESS、ABNORMAL（用户账户异常，需发起异常退款）或 CLOSED（退款关闭，资金退回商户），设在商户上",
        "how an accepted refund ends: SUCCESS, ABNORMAL (the customer's account takes nothing) or CLOSED (the money comes back); set on the merchant",
    ),
    source: "page 4012556587: the states of a refund",
};
/// Whether two refunds of one order must lie apart.
static SPACING: Rule = Rule {
    name: "pay.refund_spacing",
    default: Preset::Word("off", &["off", "on"]),
    about: (
        "同一订单两次退款是否必须间隔一分钟：off 或 on，设在商户上",
        "whether two refunds of one order must be a minute apart: off or on; set on the merchant",
    ),
    source: "page 4012556524 asks for a minute between refunds of one order; what it answers to faster ones is not told",
};

/// What a merchant gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Refund {
    pub(super) out_trade_no: Id,
    pub(super) transaction_id: Id,
    /// The platform's number.
    pub(super) id: Id,
    /// Which of all refunds it is.
    pub(super) serial: u64,
    /// In fen.
    pub(super) amount: i64,
    /// Of the order, in fen.
    pub(super) total: i64,
    /// What goes back to the coupon that paid a part of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) coupon: Option<Back>,
    pub(super) currency: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) notify_url: Option<String>,
    /// Which purse pays.
    pub(super) source: Purse,
    /// How much of it was money of the day on which it was asked for, in fen.
    #[serde(default)]
    of_day: i64,
    /// The provider that asked for its sub-merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sp_mchid: Option<Id>,
    /// Where it goes, in the platform's words.
    pub(super) received_by: String,
    pub(super) generation: Generation,
    pub(super) created_at: i64,
    pub(super) status: Status,
}

/// What goes back to a coupon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Back {
    pub(super) of: Applied,
    /// In fen.
    pub(super) amount: i64,
}

/// What became of a refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Processing,
    Success {
        at: i64,
    },
    /// It came to nothing, and the money is back.
    Closed,
    /// The customer's account takes nothing; the merchant has to say where it goes.
    Abnormal,
}

/// What a merchant asks for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) out_trade_no: Id,
    pub(super) out_refund_no: Id,
    pub(super) amount: i64,
    pub(super) total: i64,
    pub(super) reason: Option<String>,
    pub(super) notify_url: Option<String>,
    pub(super) source: Purse,
    /// The provider that asks for its sub-merchant.
    pub(super) sp_mchid: Option<Id>,
    pub(super) generation: Generation,
}

/// Why a refund is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    /// There is no such order.
    NoOrder,
    NotPaid,
    /// The number stands for another refund.
    Different,
    /// The order has another sum.
    WrongTotal {
        total: i64,
    },
    /// It was paid too long ago.
    Overdue,
    TooMany,
    /// More than what is left.
    TooMuch {
        left: i64,
    },
    TooSoon,
    /// The purse has not enough.
    Short {
        purse: Purse,
        has: i64,
        needs: i64,
    },
    /// Only what is abnormal is sent elsewhere.
    NotAbnormal,
}

impl Status {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Processing => "PROCESSING",
            Self::Success { .. } => "SUCCESS",
            Self::Closed => "CLOSED",
            Self::Abnormal => "ABNORMAL",
        }
    }

    pub(super) fn success_at(self) -> Option<i64> {
        match self {
            Self::Success { at } => Some(at),
            _ => None,
        }
    }
}

impl Refund {
    /// What goes back to the coupon, in fen.
    pub(super) fn discount(&self) -> i64 {
        self.coupon.as_ref().map_or(0, |back| back.amount)
    }

    /// What the payer gets.
    pub(super) fn payer(&self) -> i64 {
        self.amount - self.discount()
    }

    /// What who sold gives back.
    pub(super) fn settled(&self) -> i64 {
        let unpaid = |back: &Back| back.of.unpaid(back.amount);
        self.amount - self.coupon.as_ref().map_or(0, unpaid)
    }

    /// What the payer paid for the whole order, and what who sold got.
    pub(super) fn of_order(&self) -> (i64, i64) {
        let coupon = self.coupon.as_ref().map(|back| &back.of);
        let paid = coupon.map_or(0, |coupon| coupon.amount);
        let unpaid = coupon.map_or(0, |coupon| coupon.unpaid(coupon.amount));
        (self.total - paid, self.total - unpaid)
    }
}

pub(super) fn find<'w>(
    world: &'w World,
    mchid: &Id,
    out_refund_no: &str,
) -> Option<(&'w Id, &'w Refund)> {
    let key = (mchid.clone(), Id::from(out_refund_no));
    REFUNDS
        .entry(world, &key)
        .map(|((_, number), refund)| (number, refund))
}

/// A refund by the platform's number, with the merchant's.
pub(super) fn by_id<'w>(
    world: &'w World,
    mchid: &Id,
    refund_id: &str,
) -> Option<(&'w Id, &'w Refund)> {
    let key = (mchid.clone(), Id::from(refund_id));
    let number = BY_REFUND_ID.get(world, &key)?;
    find(world, mchid, number)
}

/// The refunds of an order, the earliest first.
pub(super) fn of_order<'w>(
    world: &'w World,
    mchid: &Id,
    out_trade_no: &Id,
) -> impl Iterator<Item = (&'w Id, &'w Refund)> {
    let numbers = BY_ORDER.under(world, &(mchid.clone(), out_trade_no.clone()));
    let mchid = mchid.clone();
    numbers.filter_map(move |(_, number)| find(world, &mchid, number))
}

/// Accepts a refund, or gives the one that was accepted under this number.
///
/// WECHAT: what is frozen for sharing pays for its own order, whichever source is named. What is compared with the first
/// time is amounts, as the platform's words say (订单金额或退款金额与之前请求不一致); a reason may be another.
pub(super) fn ask(
    turn: &mut Turn<'_>,
    mchid: &Id,
    mut wanted: Wanted,
) -> Result<Refund, Objection> {
    let world = &*turn.world;
    let order = order::find(world, mchid, &wanted.out_trade_no).ok_or(Objection::NoOrder)?;
    let State::Paid { transaction_id, at } = &order.state else {
        return Err(Objection::NotPaid);
    };
    if let Some((_, before)) = find(world, mchid, &wanted.out_refund_no) {
        let same = (&before.out_trade_no, before.amount, before.total)
            == (&wanted.out_trade_no, wanted.amount, wanted.total);
        return if same {
            Ok(before.clone())
        } else {
            Err(Objection::Different)
        };
    }
    let frozen = pot::frozen(world, mchid, transaction_id);
    if frozen.is_some() {
        wanted.source = Purse::Frozen;
    }
    let has = frozen.unwrap_or_else(|| funds::funds(world, mchid).of(wanted.source));
    let coupon = admit(turn, mchid, order, (*at, has), &wanted)?;
    let (transaction_id, currency) = (transaction_id.clone(), order.currency.clone());
    let number = turn.world.next("pay.refund").digits(10);
    let day = shanghai::written(turn.now, "%Y%m%d");
    let mut refund = Refund {
        id: format!("5030000000{day}0{number}").into(),
        serial: turn.world.serial("pay.refund_order"),
        out_trade_no: wanted.out_trade_no,
        transaction_id,
        amount: wanted.amount,
        total: wanted.total,
        coupon,
        currency,
        reason: wanted.reason,
        notify_url: wanted.notify_url,
        source: wanted.source,
        of_day: 0,
        sp_mchid: wanted.sp_mchid,
        received_by: WALLET.to_owned(),
        generation: wanted.generation,
        created_at: turn.now.0,
        status: Status::Processing,
    };
    let number = wanted.out_refund_no;
    let out_trade_no = refund.out_trade_no.clone();
    order::refunded(turn.world, mchid, &out_trade_no);
    let (purse, business) = (refund.source, Business::Refund);
    if purse == Purse::Frozen {
        pot::take(turn.world, mchid, &refund.transaction_id, refund.settled());
    }
    refund.of_day = -funds::change(turn, mchid, purse, business, &number, -refund.settled());
    known(turn.world, mchid, &number, &refund);
    REFUNDS.put(turn.world, (mchid.clone(), number.clone()), refund.clone());
    on_its_way(turn, mchid, &number, refund.serial);
    Ok(refund)
}

/// Whether an order that was paid then may be refunded so, from a purse that has so much for it; and what goes back to the
/// coupon that paid a part.
fn admit(
    turn: &Turn<'_>,
    mchid: &Id,
    order: &Order,
    (paid_at, has): (i64, i64),
    wanted: &Wanted,
) -> Result<Option<Back>, Objection> {
    if wanted.total != order.total {
        return Err(Objection::WrongTotal { total: order.total });
    }
    if turn.now.0 - paid_at > limit::seconds(WINDOW) {
        return Err(Objection::Overdue);
    }
    let standing: Vec<&Refund> = of_order(turn.world, mchid, &wanted.out_trade_no)
        .map(|(_, refund)| refund)
        .filter(|refund| refund.status != Status::Closed)
        .collect();
    let before = standing.iter().map(|refund| refund.amount).sum::<i64>();
    let left = order.total - before;
    if wanted.amount > left {
        return Err(Objection::TooMuch { left });
    }
    if standing.len() >= limit::count(MOST) {
        return Err(Objection::TooMany);
    }
    let rules = MERCHANTS.get(turn.world, &**mchid);
    let latest = standing.iter().map(|refund| refund.created_at).max();
    let soon =
        latest.is_some_and(|latest| (0..limit::seconds(PAUSE)).contains(&(turn.now.0 - latest)));
    if soon && SPACING.word(rules.map(|merchant| &merchant.rules)) == "on" {
        return Err(Objection::TooSoon);
    }
    let back = order.coupon.as_ref().map(|coupon| {
        let with_coupon = standing.iter().map(|refund| refund.discount()).sum();
        let sums = (order.total, coupon.amount);
        Back {
            of: coupon.clone(),
            amount: coupon_use::part(sums, (before, with_coupon), wanted.amount),
        }
    });
    let unpaid = back.as_ref().map_or(0, |back| back.of.unpaid(back.amount));
    let (purse, needs) = (wanted.source, wanted.amount - unpaid);
    if has < needs {
        return Err(Objection::Short { purse, has, needs });
    }
    Ok(back)
}

/// Sends money that could not be given back to another account.
pub(super) fn elsewhere(
    turn: &mut Turn<'_>,
    mchid: &Id,
    out_refund_no: &Id,
    received_by: String,
) -> Result<(), Objection> {
    let key = (mchid.clone(), out_refund_no.clone());
    let refund = REFUNDS.get_mut(turn.world, &key);
    let refund = refund.filter(|refund| refund.status == Status::Abnormal);
    let refund = refund.ok_or(Objection::NotAbnormal)?;
    refund.status = Status::Processing;
    refund.received_by = received_by;
    let serial = refund.serial;
    on_its_way(turn, mchid, out_refund_no, serial);
    Ok(())
}

/// A merchant may be deleted meanwhile, and another of its number use the refund's number again: the serial number is of
/// one refund only.
fn on_its_way(turn: &mut Turn<'_>, mchid: &Id, out_refund_no: &Id, serial: u64) {
    let what = json!({"merchant": &**mchid, "arrives": &**out_refund_no, "serial": serial});
    turn.later(turn.now.0 + ON_ITS_WAY, NAME, what);
}

/// A refund has arrived, or has not.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "arrives")) else {
        return;
    };
    let now = turn.now.0;
    let merchant = MERCHANTS.get(turn.world, &*mchid);
    let ends = ENDS.word(merchant.map(|merchant| &merchant.rules));
    let found = find(turn.world, &mchid, &number).map(|(_, refund)| refund);
    let Some(refund) = found.filter(|refund| {
        refund.status == Status::Processing && json!(refund.serial) == what["serial"]
    }) else {
        return;
    };
    // What is sent elsewhere arrives there.
    let ends = if refund.received_by == WALLET {
        ends
    } else {
        "SUCCESS"
    };
    let status = match ends {
        "ABNORMAL" => Status::Abnormal,
        "CLOSED" => Status::Closed,
        _ => Status::Success { at: now },
    };
    let key = (mchid.clone(), number.clone());
    let Some(refund) = REFUNDS.get_mut(turn.world, &key) else {
        return;
    };
    refund.status = status;
    let refund = refund.clone();
    if status == Status::Closed {
        let back = (refund.settled(), refund.of_day);
        let purse = match refund.source {
            Purse::Frozen => {
                pot::put_back(turn.world, &mchid, &refund.transaction_id, refund.settled())
            }
            source => source,
        };
        funds::give_back(turn, &mchid, purse, &number, back);
    }
    if matches!(status, Status::Success { .. }) {
        coupon_gets(turn, &mchid, &number, &refund);
    }
    let what = json!({"merchant": &*mchid, "out_refund_no": &*number});
    turn.publish(ENDED, &what);
}

/// A refund has arrived: so has the coupon's part.
fn coupon_gets(turn: &mut Turn<'_>, mchid: &Id, number: &Id, refund: &Refund) {
    let Some(order) = order::find(turn.world, mchid, &refund.out_trade_no).cloned() else {
        return;
    };
    let arrived: i64 = of_order(turn.world, mchid, &refund.out_trade_no)
        .filter(|(_, refund)| matches!(refund.status, Status::Success { .. }))
        .map(|(_, refund)| refund.amount)
        .sum();
    let (back, whole) = (refund.discount(), arrived == order.total);
    coupon_use::give_back(turn, (mchid, &order), (back, number), whole);
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(mchid) = id_in(what, "account") else {
        return;
    };
    for (_, refund) in REFUNDS.remove_under(turn.world, &mchid) {
        let order = (mchid.clone(), refund.out_trade_no);
        BY_ORDER.remove_under(turn.world, &order);
    }
    BY_REFUND_ID.remove_under(turn.world, &mchid);
}

/// Makes a refund found by what else it is asked for.
fn known(world: &mut World, mchid: &Id, number: &Id, refund: &Refund) {
    let by_id = (mchid.clone(), refund.id.clone());
    BY_REFUND_ID.put(world, by_id, number.clone());
    let by_order = ((mchid.clone(), refund.out_trade_no.clone()), refund.serial);
    BY_ORDER.put(world, by_order, number.clone());
}

fn index(world: &mut World) {
    let all: Vec<((Id, Id), Refund)> = { REFUNDS.all(world) }
        .map(|(key, refund)| (key.clone(), refund.clone()))
        .collect();
    for ((mchid, number), refund) in all {
        known(world, &mchid, &number, &refund);
    }
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let merchant = merchant::merchant(world, request.part("mchid"))?;
    let page = request.page()?;
    let after = page.id()?;
    let refunds = REFUNDS.after(world, (merchant.mchid.clone(), after.into()));
    Ok(page.answer(refunds.map(|(number, refund)| {
        let shown = json!({
            "mchid": &*merchant.mchid,
            "out_refund_no": &**number,
            "refund_id": &*refund.id,
            "out_trade_no": &*refund.out_trade_no,
            "transaction_id": &*refund.transaction_id,
            "amount": refund.amount,
            "total": refund.total,
            "payer_refund": refund.payer(),
            "settlement_refund": refund.settled(),
            "reason": refund.reason,
            "funds_account": refund.source.name(),
            "received_by": refund.received_by,
            "status": refund.status.name(),
            "created_at": refund.created_at,
            "success_at": refund.status.success_at(),
        });
        (number.to_string(), shown)
    })))
}
