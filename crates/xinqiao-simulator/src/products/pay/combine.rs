//! Orders of several merchants that are paid as one (合单): the sub-orders are orders like others, each of its merchant; what
//! holds them together is who ordered them, and that they are paid together or not at all.
//!
//! Source: doc pages "合单下单", "查询合单订单", "关闭合单订单".

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xinqiao_types::shanghai;

use super::order::{
    self, CURRENCY, Generation, Objection, Opener, Order, Prepay, State, TradeType,
};
use crate::{
    accounts,
    kernel::{Id, Table, Turn, World, feature::id_in},
    products::Feature,
};

/// By the merchant that ordered and its number.
static COMBINED: Table<(Id, Id), Combined> = Table::new("pay.combined", 1);
/// Numbers of merchants by merchant and the platform's number.
static BY_TRANSACTION: Table<(Id, Id), Id> = Table::memory("pay.combined_by_transaction");

pub(super) static FEATURE: Feature = Feature {
    name: "pay.combine",
    tables: &[&COMBINED],
    topics: &[(accounts::DELETED, merchant_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};

/// What a merchant orders as one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Combined {
    pub(super) appid: Id,
    /// Who is to pay, or has paid; none while anybody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) payer: Option<Id>,
    pub(super) trade_type: TradeType,
    pub(super) notify_url: String,
    pub(super) subs: Vec<Sub>,
    /// What must be the same when it is placed again.
    pub(super) asked: Value,
    pub(super) created_at: i64,
    pub(super) payable_until: i64,
    /// The platform's number and the time of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) paid: Option<(Id, i64)>,
}

/// One of its orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sub {
    /// The merchant whose order it is.
    pub(super) payee: Id,
    pub(super) out_trade_no: Id,
}

pub(super) fn find<'w>(world: &'w World, mchid: &Id, number: &str) -> Option<&'w Combined> {
    COMBINED.get(world, &(mchid.clone(), Id::from(number)))
}

/// The merchant's number of what has this number of the platform.
pub(super) fn by_transaction<'w>(
    world: &'w World,
    mchid: &Id,
    transaction_id: &str,
) -> Option<&'w Id> {
    BY_TRANSACTION.get(world, &(mchid.clone(), Id::from(transaction_id)))
}

/// Its orders, in the order of their placing.
pub(super) fn sub_orders<'w>(
    world: &'w World,
    combined: &'w Combined,
) -> impl Iterator<Item = (&'w Sub, &'w Order)> {
    { combined.subs.iter() }
        .filter_map(|sub| Some((sub, order::find(world, &sub.payee, &sub.out_trade_no)?)))
}

/// All of it as one order, which is what a cashier shows: as open as each of its orders is.
pub(super) fn whole(world: &World, mchid: &Id, number: &str) -> Option<Order> {
    let combined = find(world, mchid, number)?;
    let orders: Vec<&Order> = sub_orders(world, combined)
        .map(|(_, order)| order)
        .collect();
    let state = match &combined.paid {
        Some((transaction_id, at)) => State::Paid {
            transaction_id: transaction_id.clone(),
            at: *at,
        },
        None if orders.len() == combined.subs.len()
            && orders.iter().all(|order| order.state == State::Open) =>
        {
            State::Open
        }
        None => State::Closed,
    };
    let descriptions: Vec<&str> = { orders.iter() }
        .map(|order| order.description.as_str())
        .collect();
    Some(Order {
        appid: combined.appid.clone(),
        partner: None,
        payer: combined.payer.clone(),
        description: descriptions.join("、"),
        attach: None,
        notify_url: combined.notify_url.clone(),
        total: orders.iter().map(|order| order.total).sum(),
        currency: CURRENCY.to_owned(),
        trade_type: combined.trade_type,
        generation: Generation::V3,
        asked: Value::Null,
        created_at: combined.created_at,
        payable_until: combined.payable_until,
        state,
        coupon: None,
        refunded: false,
    })
}

/// Places all of its orders, or open ones again.
pub(super) fn place(
    turn: &mut Turn<'_>,
    mchid: &Id,
    number: &str,
    combined: Combined,
    orders: Vec<Order>,
) -> Result<Opener, Objection> {
    let key = (mchid.clone(), Id::from(number));
    let trade_type = combined.trade_type;
    match COMBINED.get(turn.world, &key) {
        Some(before) => {
            let stands = whole(turn.world, mchid, number).and_then(|whole| whole.objection());
            if let Some(objection) = stands {
                return Err(objection);
            }
            if (before.trade_type, &before.asked) != (trade_type, &combined.asked) {
                return Err(Objection::Different);
            }
        }
        None => {
            let used = { combined.subs.iter() }
                .any(|sub| order::find(turn.world, &sub.payee, &sub.out_trade_no).is_some());
            if used {
                return Err(Objection::Different);
            }
            for (sub, order) in combined.subs.iter().zip(orders) {
                order::open(turn, &sub.payee, &sub.out_trade_no, order);
            }
            COMBINED.put(turn.world, key.clone(), combined);
        }
    }
    let prepay = Prepay {
        mchid: key.0,
        out_trade_no: key.1,
        combined: true,
    };
    Ok(order::opener(turn, trade_type, &prepay))
}

/// All of it is paid now by this person: each order, with whose it is and its number.
pub(super) fn pay(
    turn: &mut Turn<'_>,
    mchid: &Id,
    number: &Id,
    payer: &Id,
) -> Vec<(Id, Id, Order)> {
    let (at, digits) = (turn.now.0, turn.world.next("pay.transaction").digits(10));
    let day = shanghai::written(turn.now, "%Y%m%d");
    let transaction_id: Id = format!("4200000001{day}{digits}").into();
    let key = (mchid.clone(), number.clone());
    let Some(combined) = COMBINED.get_mut(turn.world, &key) else {
        return Vec::new();
    };
    combined.payer = Some(payer.clone());
    combined.paid = Some((transaction_id.clone(), at));
    let subs = combined.subs.clone();
    BY_TRANSACTION.put(turn.world, (key.0, transaction_id), key.1);
    subs.into_iter()
        .filter_map(|sub| {
            let paid = order::pay(turn, &sub.payee, &sub.out_trade_no, payer)?;
            Some((sub.payee, sub.out_trade_no, paid))
        })
        .collect()
}

/// Closes all of its orders, or none of them where one cannot be closed.
pub(super) fn close(turn: &mut Turn<'_>, mchid: &Id, number: &str) -> Result<(), Objection> {
    let combined = find(turn.world, mchid, number).ok_or(Objection::Missing)?;
    if combined.paid.is_some() {
        return Err(Objection::Paid);
    }
    // All of them are looked at before the first is closed.
    let mut open = Vec::new();
    for sub in &combined.subs {
        let order = order::find(turn.world, &sub.payee, &sub.out_trade_no);
        if order.ok_or(Objection::Missing)?.closable()? {
            open.push(sub.clone());
        }
    }
    for sub in open {
        order::becomes(turn.world, &sub.payee, &sub.out_trade_no, State::Closed);
    }
    Ok(())
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        COMBINED.remove_under(turn.world, &mchid);
        BY_TRANSACTION.remove_under(turn.world, &mchid);
    }
}

fn index(world: &mut World) {
    let paid: Vec<((Id, Id), Id)> = { COMBINED.all(world) }
        .filter_map(|((mchid, number), combined)| {
            let (transaction_id, _) = combined.paid.as_ref()?;
            Some(((mchid.clone(), transaction_id.clone()), number.clone()))
        })
        .collect();
    for (key, number) in paid {
        BY_TRANSACTION.put(world, key, number);
    }
}
