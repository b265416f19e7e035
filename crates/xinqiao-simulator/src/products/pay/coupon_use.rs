//! What a coupon pays of an order: the best that somebody has is used when they pay, and comes back with refunds.
//!
//! Of the coupons that fit, the one of the greatest sum pays, of several the one that ends first. A prepaid one is paid
//! from what its creator put aside, so who sells gets the whole sum; otherwise who sells gets so much less.
//!
//! Coupons for some goods only need the order's `detail`, and are refunded by their part of the sum like the others:
//! `goods_detail` of a refund is not looked at.
//!
//! Source: doc pages "代金券产品介绍", "退款产品介绍" (3.3), "核销事件回调通知".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::{AccountKind, UnixSeconds, shanghai};

use super::{
    coupon::{self, Known, Used},
    coupon_flow::{self, Entry},
    coupon_stock::{self, Stock, UseRule},
    order::{Order, TradeType},
};
use crate::{
    accounts::{
        ACCOUNTS,
        merchant::MERCHANTS,
        rules::{Preset, Rule},
    },
    kernel::{Id, Turn, World},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.coupon_use",
    rules: &[&AFTER_REFUND],
    ..Feature::EMPTY
};

/// A coupon was used: `{"merchant", "coupon_id"}`, the merchant that made its stock.
pub(super) const USED: &str = "pay.coupon_used";

/// What becomes of a coupon whose order was given back as a whole.
static AFTER_REFUND: Rule = Rule {
    name: "pay.coupon_after_refund",
    default: Preset::Word("SENDED", &["SENDED", "USED"]),
    about: (
        "订单全额退款后代金券的状态：SENDED（退回用户，有效期内可再用）或 USED，设在制券商户上",
        "a coupon after all of its order was refunded: SENDED (the customer has it again while it lasts) or USED; set on the merchant that made the stock",
    ),
    source: "pages 4012556524 and 4012486942 do not tell it",
};

/// A coupon that paid for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Applied {
    /// The merchant that made its stock.
    creator: Id,
    pub(super) coupon_id: Id,
    stock_id: Id,
    pub(super) name: String,
    no_cash: bool,
    /// What it pays, in fen.
    pub(super) amount: i64,
    /// For which goods it pays; none for the whole order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    goods: Vec<Goods>,
}

/// Goods of an order, and what a coupon pays of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Goods {
    id: String,
    quantity: i64,
    price: i64,
    discount: i64,
}

impl Applied {
    /// So much who sells does not get, in fen.
    pub(super) fn unpaid(&self, of: i64) -> i64 {
        if self.no_cash { of } else { 0 }
    }

    /// So much is paid from what was put aside, in fen.
    pub(super) fn prepaid(&self, of: i64) -> i64 {
        of - self.unpaid(of)
    }

    fn scope(&self) -> &'static str {
        if self.goods.is_empty() {
            "GLOBAL"
        } else {
            "SINGLE"
        }
    }

    /// As the second generation spells its kind.
    pub(super) fn kind_v2(&self) -> &'static str {
        if self.no_cash { "NO_CASH" } else { "CASH" }
    }

    /// As queries and notices of payments show it.
    pub(super) fn promotion(&self, currency: &str) -> Value {
        let mut shown = json!({
            "coupon_id": &*self.coupon_id,
            "name": self.name,
            "scope": self.scope(),
            "type": if self.no_cash { "NOCASH" } else { "CASH" },
            "amount": self.amount,
            "stock_id": &*self.stock_id,
            "wechatpay_contribute": 0,
            "merchant_contribute": self.amount,
            "other_contribute": 0,
            "currency": currency,
        });
        if !self.goods.is_empty() {
            let goods = { self.goods.iter() }.map(|goods| {
                json!({
                    "goods_id": goods.id, "quantity": goods.quantity,
                    "unit_price": goods.price, "discount_amount": goods.discount,
                })
            });
            shown["goods_detail"] = goods.collect();
        }
        shown
    }

    /// The goods for which it paid, as coupons show them; none for the whole order.
    pub(super) fn consumed(&self) -> Vec<Value> {
        let goods = { self.goods.iter() }.map(|goods| {
            json!({
                "goods_id": goods.id, "quantity": goods.quantity,
                "price": goods.price, "discount_amount": goods.discount,
            })
        });
        goods.collect()
    }

    /// As refunds show it, of which so much goes back.
    pub(super) fn refunded(&self, amount: i64) -> Value {
        json!({
            "promotion_id": &*self.coupon_id,
            "scope": self.scope(),
            "type": if self.no_cash { "DISCOUNT" } else { "COUPON" },
            "amount": self.amount,
            "refund_amount": amount,
        })
    }
}

/// What would pay for an order of a merchant now, leaving out these coupons.
pub(super) fn best(
    world: &World,
    now: UnixSeconds,
    user: u64,
    (mchid, order): (&Id, &Order),
    without: &[Applied],
) -> Option<Applied> {
    coupon::of_user(world, user)
        .filter(|known| { without.iter() }.all(|other| other.coupon_id != *known.coupon_id))
        .filter_map(|known| Some((known.coupon.ends, fits(world, now, &known, mchid, order)?)))
        .min_by_key(|(ends, applied)| (-applied.amount, *ends))
        .map(|(_, applied)| applied)
}

/// What this coupon pays of an order, if it does.
fn fits(
    world: &World,
    now: UnixSeconds,
    known: &Known<'_>,
    mchid: &Id,
    order: &Order,
) -> Option<Applied> {
    let Known { coupon, stock, .. } = known;
    let rule = &stock.rule;
    let lasts = coupon.status(now.0) == "SENDED" && now.0 >= coupon.begins;
    let tag = asked(order, "goods_tag").as_str().unwrap_or_default();
    let tagged = rule.goods_tags.is_empty() || { rule.goods_tags.iter() }.any(|own| own == tag);
    let kind = trade_type(world, order);
    let kinds = &rule.trade_types;
    let of_kind = kinds.is_empty() || { kinds.iter() }.any(|own| own == kind);
    let paid_in = stock.no_cash || stock.budget >= stock.amount;
    let there = rule.merchants.contains(mchid) && !rule.of_a_bank;
    if !(lasts && tagged && of_kind && paid_in && there && is_hour(rule, now)) {
        return None;
    }
    let goods = goods(order);
    let named = |names: &[String]| -> Vec<Goods> {
        { goods.iter() }
            .filter(|goods| names.contains(&goods.id))
            .cloned()
            .collect()
    };
    let sum = |goods: &[Goods]| -> i64 {
        { goods.iter() }
            .map(|goods| goods.price.saturating_mul(goods.quantity))
            .fold(0, i64::saturating_add)
    };
    let (own, base) = if stock.is_single() {
        let own = named(&rule.items);
        let base = sum(&own);
        (own, base.min(order.total))
    } else {
        let base = order.total.saturating_sub(sum(&named(&rule.not_items)));
        (Vec::new(), base)
    };
    (base >= stock.minimum).then(|| Applied {
        creator: known.creator.clone(),
        coupon_id: known.coupon_id.clone(),
        stock_id: coupon.stock_id.clone(),
        name: stock.name.clone(),
        no_cash: stock.no_cash,
        amount: stock.amount,
        goods: spread(own, stock),
    })
}

/// The first goods are paid first.
fn spread(mut goods: Vec<Goods>, stock: &Stock) -> Vec<Goods> {
    let mut left = stock.amount;
    for one in &mut goods {
        one.discount = left.min(one.price.saturating_mul(one.quantity));
        left -= one.discount;
    }
    goods
}

/// What an order says of itself; one of several that are paid as one says it in a group.
fn asked<'o>(order: &'o Order, name: &str) -> &'o Value {
    match &order.asked["combined"] {
        Value::Null => &order.asked[name],
        combined => &combined[name],
    }
}

/// The goods of an order, as either generation names them.
fn goods(order: &Order) -> Vec<Goods> {
    let detail = match asked(order, "detail") {
        // WECHAT: in the second generation it is JSON in a text.
        Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
        detail => detail.clone(),
    };
    let list = detail["goods_detail"].as_array();
    { list.into_iter().flatten() }
        .filter_map(|given| {
            let (id, price) = match &given["merchant_goods_id"] {
                Value::String(id) => (id.clone(), &given["unit_price"]),
                _ => (given["goods_id"].as_str()?.to_owned(), &given["price"]),
            };
            Some(Goods {
                id,
                quantity: given["quantity"].as_i64()?.max(0),
                price: price.as_i64()?.max(0),
                discount: 0,
            })
        })
        .collect()
}

/// Where it is paid, as stocks name it.
fn trade_type(world: &World, order: &Order) -> &'static str {
    let account = ACCOUNTS.get(world, &*order.appid);
    match order.trade_type {
        TradeType::App => "APPPAY",
        TradeType::Micropay => "CARD",
        TradeType::Jsapi if account.is_some_and(|of| of.kind == AccountKind::MiniProgram) => {
            "MICROAPP"
        }
        TradeType::Jsapi | TradeType::Native | TradeType::Mweb => "OTHER",
    }
}

/// Whether it is a day and an hour of the coupon's.
fn is_hour(rule: &UseRule, now: UnixSeconds) -> bool {
    let day = shanghai::written(now, "%w").parse().unwrap_or(0);
    let second = now.0 - shanghai::midnight(now).0;
    (rule.weekdays.is_empty() || rule.weekdays.contains(&day)) && { rule.hours }
        .is_none_or(|(from, until)| (from..=until).contains(&second))
}

/// An order was paid with a coupon: it is used now, and its creator is told.
pub(super) fn take(turn: &mut Turn<'_>, mchid: &Id, out_trade_no: &Id, order: &Order) {
    let (Some(applied), Some((transaction_id, at))) = (&order.coupon, order.payment()) else {
        return;
    };
    let used = Used {
        mchid: mchid.clone(),
        out_trade_no: out_trade_no.clone(),
        transaction_id: transaction_id.clone(),
        at,
    };
    let (creator, stock_id) = (&applied.creator, &applied.stock_id);
    coupon::mark(turn.world, creator, &applied.coupon_id, Some(used));
    coupon_stock::pay(
        turn.world,
        creator,
        stock_id,
        applied.prepaid(applied.amount),
    );
    coupon_flow::note(turn, stock_id, entry(applied, mchid, order, None));
    let what = json!({"merchant": &**creator, "coupon_id": &*applied.coupon_id});
    turn.publish(USED, &what);
}

/// So much of what a coupon paid is given back, by a refund of this number or because the order was taken back; and with
/// that the whole order, or not.
pub(super) fn give_back(
    turn: &mut Turn<'_>,
    (mchid, order): (&Id, &Order),
    (amount, by): (i64, &Id),
    whole: bool,
) {
    let Some(applied) = &order.coupon else {
        return;
    };
    let (creator, stock_id) = (&applied.creator, &applied.stock_id);
    coupon_stock::put_back(turn, creator, stock_id, applied.prepaid(amount));
    if coupon_stock::find(turn.world, creator, stock_id).is_some() {
        let entry = entry(applied, mchid, order, Some((amount, by)));
        coupon_flow::note(turn, stock_id, entry);
    }
    let merchant = MERCHANTS.get(turn.world, &**creator);
    let then = AFTER_REFUND.word(merchant.map(|merchant| &merchant.rules));
    if whole && then == "SENDED" {
        coupon::mark(turn.world, creator, &applied.coupon_id, None);
    }
}

fn entry(applied: &Applied, mchid: &Id, order: &Order, back: Option<(i64, &Id)>) -> Entry {
    let transaction_id = order.payment().map(|(id, _)| id.clone());
    Entry {
        coupon_id: applied.coupon_id.clone(),
        is_single: !applied.goods.is_empty(),
        amount: back.map_or(applied.amount, |(amount, _)| amount),
        total: order.total,
        transaction_id: transaction_id.unwrap_or_else(|| "".into()),
        mchid: mchid.clone(),
        at: 0,
        refund: back.map(|(_, by)| by.clone()),
        goods: { applied.goods.iter() }
            .map(|goods| goods.id.clone())
            .collect(),
    }
}

/// How much of a coupon goes back with a refund, of an order of which so much was refunded before, and so much of that
/// with the coupon.
///
/// WECHAT: the payer gets their part of the sum, rounded to the fen; with the last refund all that is left.
pub(super) fn part(
    (total, coupon): (i64, i64),
    (before, with_coupon): (i64, i64),
    amount: i64,
) -> i64 {
    let paid = i128::from(total - coupon);
    let (total, now) = (i128::from(total), i128::from(before + amount));
    let rounded = (2 * now * paid + total) / (2 * total);
    let payer = i64::try_from(rounded).unwrap_or(i64::MAX) - (before - with_coupon);
    // Refunds that were closed in between leave roundings of their own.
    let least = amount - (coupon - with_coupon);
    let most = i64::try_from(paid).unwrap_or(i64::MAX) - (before - with_coupon);
    amount - payer.max(least.max(0)).min(most.min(amount))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::part;

    #[test]
    fn a_part_goes_back_as_it_was_paid() {
        // 10 yuan with a coupon of 3: of 9 the payer gets 6.30, then of the last one 0.70.
        assert_eq!(part((1000, 300), (0, 0), 1000), 300);
        assert_eq!(part((1000, 300), (0, 0), 900), 270);
        assert_eq!(part((1000, 300), (900, 270), 100), 30);
        // Half a fen is the payer's.
        assert_eq!(part((100, 50), (0, 0), 1), 0);
        assert_eq!(part((100, 50), (1, 0), 1), 1);
    }

    proptest! {
        /// Whatever is refunded and closed, neither the payer nor the coupon gets more than it paid.
        #[test]
        fn parts_never_exceed_what_was_paid(
            total in 2_i64..1000, coupon in 1_i64..1000, steps in proptest::collection::vec((1_i64..400, 0_u8..4), 1..20),
        ) {
            let coupon = coupon.min(total - 1);
            let mut standing: Vec<(i64, i64)> = Vec::new();
            for (amount, closes) in steps {
                if closes == 0 && !standing.is_empty() {
                    standing.remove(0);
                }
                let before: i64 = standing.iter().map(|one| one.0).sum();
                let with: i64 = standing.iter().map(|one| one.1).sum();
                let amount = amount.min(total - before);
                if amount == 0 {
                    continue;
                }
                let back = part((total, coupon), (before, with), amount);
                prop_assert!((0..=amount).contains(&back));
                standing.push((amount, back));
                let with = with + back;
                prop_assert!(with <= coupon && before + amount - with <= total - coupon);
                if before + amount == total {
                    prop_assert_eq!(with, coupon);
                }
            }
        }
    }
}
