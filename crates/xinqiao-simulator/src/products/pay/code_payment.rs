//! Payments at a till: what becomes of an order that is charged to a phone's code, and of one that is taken back.
//!
//! One order is charged once: whoever charges it again hears how it stands. An order whose payer was short of money stays
//! open for another code of the same person.
//!
//! Source: doc pages "付款码支付", "撤销订单".

use xinqiao_catalog::rules::limit;

use super::{
    cashier, coupon_use,
    funds::{self, Business, Purse},
    order::{self, Order, State, TradeType},
    pay_code::{self, Trouble},
    pot,
    whose::Whose,
};
use crate::{
    kernel::{Id, Turn, World},
    people::{causes, phone},
};

/// How long an order may be taken back.
pub(super) const WINDOW: &str = "code_payment.reverse_window";

/// Why nothing is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    Code(Trouble),
    /// The order stands otherwise: also where the phone asks for the password.
    Order(order::Objection),
    /// Another person's code than the first time.
    OtherPayer,
    /// The wallet has not enough.
    Short,
}

/// Why an order is not taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Missing,
    /// It was not paid at a till.
    OtherKind,
    TooLate,
    /// A part was refunded.
    Refunded,
    /// The merchant has not what it would give back.
    Short {
        needs: i64,
    },
}

/// Charges an order to a code. It is paid at once, or the phone asks for the password.
pub(super) fn charge(
    turn: &mut Turn<'_>,
    mchid: &Id,
    out_trade_no: &Id,
    mut order: Order,
    auth_code: &str,
) -> Result<(), Objection> {
    let before = order::find(turn.world, mchid, out_trade_no);
    if let Some(before) = before {
        if (before.trade_type, &before.asked) != (TradeType::Micropay, &order.asked) {
            return Err(Objection::Order(order::Objection::Different));
        }
        if let Some(objection) = before.objection() {
            return Err(Objection::Order(objection));
        }
    }
    let first_payer = before.and_then(|before| before.payer.clone());
    let is_new = before.is_none();
    let owner = pay_code::owner(turn, auth_code).map_err(Objection::Code)?;
    let payer = phone::contact(turn.world, owner.user, &order.appid);
    if first_payer.is_some_and(|first| first != payer) {
        return Err(Objection::OtherPayer);
    }
    pay_code::take(turn.world, auth_code);
    causes::acted(turn, &order.appid, &payer);
    let total = order.total;
    order.payer = Some(payer.clone());
    if is_new {
        order::open(turn, mchid, out_trade_no, order);
    }
    if owner.short {
        return Err(Objection::Short);
    }
    if pay_code::asks(turn, owner, total) {
        pay_code::ask(turn, owner.user, mchid, out_trade_no);
        return Err(Objection::Order(order::Objection::Asking));
    }
    pay_code::went_free(turn, owner.user);
    if let Some(paid) = order::pay(turn, mchid, out_trade_no, &payer) {
        cashier::publish(turn, owner.user, (mchid, out_trade_no), &paid);
    }
    Ok(())
}

/// Which purse can give back what an order brought: what is frozen of it is still there, and nothing else pays for it.
fn purse_for(world: &World, mchid: &Id, paid: Option<&(Id, i64)>, total: i64) -> Option<Purse> {
    let frozen = paid.and_then(|(number, _)| pot::frozen(world, mchid, number));
    if let Some(left) = frozen {
        return (left >= total).then_some(Purse::Frozen);
    }
    let has = funds::funds(world, mchid);
    let purses = [Purse::Unsettled, Purse::Available];
    purses.into_iter().find(|purse| has.of(*purse) >= total)
}

/// Takes an order back: what was paid goes back to the payer at once, what was not can be paid no more.
///
/// WECHAT: repeating it is no error.
pub(super) fn reverse(turn: &mut Turn<'_>, whose: &Whose, out_trade_no: &Id) -> Result<(), Kept> {
    let order = whose.find(turn.world, out_trade_no).ok_or(Kept::Missing)?;
    let mchid = &whose.payee;
    if order.trade_type != TradeType::Micropay {
        return Err(Kept::OtherKind);
    }
    if matches!(order.state, State::Reversed { .. } | State::Closed) {
        return Ok(());
    }
    if turn.now.0 - order.created_at > limit::seconds(WINDOW) {
        return Err(Kept::TooLate);
    }
    let order = order.clone();
    let (total, refunded) = (order.settled(), order.refunded);
    let paid = order.payment().map(|(id, at)| (id.clone(), at));
    if paid.is_some() {
        if refunded {
            return Err(Kept::Refunded);
        }
        let purse = purse_for(turn.world, mchid, paid.as_ref(), total);
        let purse = purse.ok_or(Kept::Short { needs: total })?;
        if let Some((transaction_id, _)) = paid.as_ref().filter(|_| purse == Purse::Frozen) {
            pot::take(turn.world, mchid, transaction_id, total);
        }
        funds::change(turn, mchid, purse, Business::Reversal, out_trade_no, -total);
        let back = (order.discount(), out_trade_no);
        coupon_use::give_back(turn, (mchid, &order), back, true);
    }
    pay_code::asks_no_more(turn.world, mchid, out_trade_no);
    order::becomes(turn.world, mchid, out_trade_no, State::Reversed { paid });
    Ok(())
}
