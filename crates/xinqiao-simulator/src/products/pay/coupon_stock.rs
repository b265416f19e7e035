//! Stocks of cash coupons (代金券批次): made, started, paused, ended by the clock; and their money.
//!
//! A stock that is prepaid (预充值) takes all that it may ever give from its creator's available money when it is started;
//! what is left when its time is over goes back. One that is not (免充值) takes nothing: who sells gets less.
//!
//! Only coupons of a fixed sum are made (`NORMAL`), and one coupon pays for an order, whatever `combine_use` says.
//!
//! Source: doc pages "创建代金券批次", "激活代金券批次", "暂停代金券批次", "重启代金券批次", "查询批次详情".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    coupon_flow,
    funds::{self, Business, Purse},
};
use crate::{
    accounts::{self, merchant},
    kernel::{
        Id, Refused, Table, Turn, World,
        feature::id_in,
        route::{Handler, Request, Route},
    },
    products::Feature,
};

/// Stocks by creator and number, which grows.
static STOCKS: Table<(Id, Id), Stock> = Table::new("pay.coupon_stocks", 1);
/// Their numbers by creator and the creator's number.
static BY_REQUEST: Table<(Id, Id), Id> = Table::memory("pay.coupon_stocks_by_request");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&STOCKS],
    routes: &[Route {
        method: "GET",
        path: "/merchants/{mchid}/coupon-stocks",
        run: Handler::Look(list),
    }],
    due: Some(due),
    topics: &[(accounts::DELETED, merchant_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "pay.coupon_stock";

/// Where numbers begin.
const FIRST: u64 = 18_000_000;

/// A stock of coupons that are alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Stock {
    pub(super) name: String,
    pub(super) description: String,
    /// The creator's number.
    pub(super) out_request_no: Id,
    /// What must be the same when it is made again.
    pub(super) asked: Value,
    /// When its coupons can be used: from this second until before that.
    pub(super) begins: i64,
    pub(super) ends: i64,
    /// Whether no money is paid in for it (免充值).
    pub(super) no_cash: bool,
    /// What a coupon is worth, and from which sum on it pays, in fen.
    pub(super) amount: i64,
    pub(super) minimum: i64,
    /// Most coupons of all, and of a person.
    pub(super) most: i64,
    pub(super) per_user: i64,
    /// Most fen that are given in a day.
    pub(super) by_day: Option<i64>,
    pub(super) rule: UseRule,
    pub(super) created_at: i64,
    pub(super) state: State,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) started_at: Option<i64>,
    /// How many were given.
    pub(super) distributed: i64,
    /// The first second of the latest day on which some were, and how many then.
    pub(super) of_day: (i64, i64),
    /// What was paid in for it and is not used, in fen.
    pub(super) budget: i64,
}

/// Where and when a coupon pays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct UseRule {
    /// Marks of orders (`goods_tag`) of which one must fit; none fits all.
    pub(super) goods_tags: Vec<String>,
    pub(super) trade_types: Vec<String>,
    pub(super) merchants: Vec<Id>,
    /// Goods for which alone it pays, and for which it does not.
    pub(super) items: Vec<String>,
    pub(super) not_items: Vec<String>,
    /// It pays with some banks' cards only, which nobody has here.
    pub(super) of_a_bank: bool,
    pub(super) combine_use: bool,
    /// It begins with the day after it was given.
    pub(super) second_day: bool,
    /// How many minutes it lasts.
    pub(super) minutes: Option<i64>,
    /// Days of the week, from Sunday, 0.
    pub(super) weekdays: Vec<i64>,
    /// Seconds of the day.
    pub(super) hours: Option<(i64, i64)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Unactivated,
    Running,
    Paused,
}

/// Why a stock is not made, started, paused or given from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    Missing,
    /// It is made, with other rules.
    Different,
    /// It is in another state.
    State,
    /// Its creator has not what it is to give.
    Short {
        has: i64,
        needs: i64,
    },
    /// It is not active, or its time is over.
    Inactive,
    /// All of it, or of the day, is given.
    Spent,
    /// This person has as many as may be.
    Enough,
}

impl Stock {
    /// What it may give at most, in fen.
    pub(super) fn worth(&self) -> i64 {
        self.amount.saturating_mul(self.most)
    }

    /// As the platform spells it.
    pub(super) fn status(&self, now: i64) -> &'static str {
        match self.state {
            _ if now >= self.ends => "stoped",
            State::Unactivated => "unactivated",
            State::Running => "running",
            State::Paused => "paused",
        }
    }

    /// How many were given on the day of this second.
    fn given_today(&self, now: i64) -> i64 {
        let today = shanghai::midnight(UnixSeconds(now)).0;
        if self.of_day.0 == today {
            self.of_day.1
        } else {
            0
        }
    }

    /// Whether it pays only for some goods (单品券).
    pub(super) fn is_single(&self) -> bool {
        !self.rule.items.is_empty()
    }
}

pub(super) fn find<'w>(world: &'w World, mchid: &Id, stock_id: &str) -> Option<&'w Stock> {
    STOCKS.get(world, &(mchid.clone(), Id::from(stock_id)))
}

/// A merchant's stocks with their numbers, the earliest first.
pub(super) fn of_merchant<'w>(
    world: &'w World,
    mchid: &Id,
) -> impl Iterator<Item = (&'w Id, &'w Stock)> {
    STOCKS.under(world, mchid)
}

/// Makes a stock, or gives the one that was made under this number.
pub(super) fn make(turn: &mut Turn<'_>, mchid: &Id, stock: Stock) -> Result<Id, Objection> {
    let request = (mchid.clone(), stock.out_request_no.clone());
    if let Some(stock_id) = BY_REQUEST.get(turn.world, &request) {
        let before = find(turn.world, mchid, stock_id);
        let same = before.is_some_and(|before| before.asked == stock.asked);
        return same.then(|| stock_id.clone()).ok_or(Objection::Different);
    }
    let stock_id: Id = (FIRST + turn.world.serial(NAME)).to_string().into();
    STOCKS.put(turn.world, (mchid.clone(), stock_id.clone()), stock);
    BY_REQUEST.put(turn.world, request, stock_id.clone());
    Ok(stock_id)
}

/// Starts a stock: what it may give is put aside, if it is prepaid.
pub(super) fn start(turn: &mut Turn<'_>, mchid: &Id, stock_id: &Id) -> Result<(), Objection> {
    let now = turn.now.0;
    let stock = find(turn.world, mchid, stock_id).ok_or(Objection::Missing)?;
    if stock.status(now) != "unactivated" {
        return Err(Objection::State);
    }
    let (needs, ends) = (if stock.no_cash { 0 } else { stock.worth() }, stock.ends);
    let has = funds::funds(turn.world, mchid).available;
    if has < needs {
        return Err(Objection::Short { has, needs });
    }
    let (purse, business) = (Purse::Available, Business::CouponBudget);
    funds::change(turn, mchid, purse, business, stock_id, -needs);
    if let Some(stock) = STOCKS.get_mut(turn.world, &(mchid.clone(), stock_id.clone())) {
        stock.state = State::Running;
        stock.started_at = Some(now);
        stock.budget = needs;
    }
    let what = json!({"merchant": &**mchid, "ends": &**stock_id});
    turn.later(ends, NAME, what);
    Ok(())
}

/// Pauses a running stock, or goes on with a paused one.
pub(super) fn turn_to(
    turn: &mut Turn<'_>,
    mchid: &Id,
    stock_id: &Id,
    state: State,
) -> Result<Stock, Objection> {
    let now = turn.now.0;
    let key = (mchid.clone(), stock_id.clone());
    let stock = STOCKS.get_mut(turn.world, &key).ok_or(Objection::Missing)?;
    let from = match state {
        State::Paused => "running",
        State::Running | State::Unactivated => "paused",
    };
    if stock.status(now) != from {
        return Err(Objection::State);
    }
    stock.state = state;
    Ok(stock.clone())
}

/// Whether one more may be given to somebody who has so many.
pub(super) fn may_give(stock: &Stock, now: i64, has: i64) -> Result<(), Objection> {
    if stock.status(now) != "running" {
        return Err(Objection::Inactive);
    }
    if has >= stock.per_user {
        return Err(Objection::Enough);
    }
    let today = (stock.given_today(now) + 1).saturating_mul(stock.amount);
    if stock.distributed >= stock.most || stock.by_day.is_some_and(|most| today > most) {
        return Err(Objection::Spent);
    }
    Ok(())
}

/// One more was given.
pub(super) fn given(turn: &mut Turn<'_>, mchid: &Id, stock_id: &Id) {
    let now = turn.now;
    if let Some(stock) = STOCKS.get_mut(turn.world, &(mchid.clone(), stock_id.clone())) {
        let today = stock.given_today(now.0) + 1;
        stock.distributed += 1;
        stock.of_day = (shanghai::midnight(now).0, today);
    }
}

/// From when until before when a coupon can be used that is given now.
pub(super) fn lasts(stock: &Stock, now: UnixSeconds) -> (i64, i64) {
    let given = if stock.rule.second_day {
        shanghai::next_midnight(now).0
    } else {
        now.0
    };
    let begins = given.max(stock.begins);
    let ends = match stock.rule.minutes {
        Some(minutes) => { begins.saturating_add(minutes.saturating_mul(60)) }.min(stock.ends),
        None => stock.ends,
    };
    (begins, ends)
}

/// A coupon pays so much of what was put aside.
pub(super) fn pay(world: &mut World, mchid: &Id, stock_id: &Id, amount: i64) {
    if let Some(stock) = STOCKS.get_mut(world, &(mchid.clone(), stock_id.clone())) {
        stock.budget -= amount;
    }
}

/// So much comes back: to what is put aside, or to the creator where the stock's time is over.
pub(super) fn put_back(turn: &mut Turn<'_>, mchid: &Id, stock_id: &Id, amount: i64) {
    let now = turn.now.0;
    let key = (mchid.clone(), stock_id.clone());
    let Some(stock) = STOCKS.get_mut(turn.world, &key) else {
        return;
    };
    if now < stock.ends {
        stock.budget += amount;
        return;
    }
    let (purse, business) = (Purse::Available, Business::CouponBudgetReturned);
    funds::change(turn, mchid, purse, business, stock_id, amount);
}

/// Its time is over: what was paid in and not used goes back.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(mchid), Some(stock_id)) = (id_in(what, "merchant"), id_in(what, "ends")) else {
        return;
    };
    let key = (mchid, stock_id);
    let Some(stock) = STOCKS.get_mut(turn.world, &key) else {
        return;
    };
    let left = std::mem::take(&mut stock.budget);
    let (purse, business) = (Purse::Available, Business::CouponBudgetReturned);
    funds::change(turn, &key.0, purse, business, &key.1, left);
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        for (stock_id, _) in STOCKS.remove_under(turn.world, &mchid) {
            coupon_flow::forget(turn, &stock_id);
        }
        BY_REQUEST.remove_under(turn.world, &mchid);
    }
}

fn index(world: &mut World) {
    let all: Vec<((Id, Id), Id)> = { STOCKS.all(world) }
        .map(|((mchid, stock_id), stock)| {
            let request = (mchid.clone(), stock.out_request_no.clone());
            (request, stock_id.clone())
        })
        .collect();
    for (request, stock_id) in all {
        BY_REQUEST.put(world, request, stock_id);
    }
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let merchant = merchant::merchant(world, request.part("mchid"))?;
    let page = request.page()?;
    let stocks = STOCKS.after(world, (merchant.mchid.clone(), page.id()?.into()));
    Ok(page.answer(stocks.map(|(stock_id, stock)| {
        let shown = json!({
            "stock_id": &**stock_id,
            "name": stock.name,
            "no_cash": stock.no_cash,
            "amount": stock.amount,
            "minimum": stock.minimum,
            "most": stock.most,
            "distributed": stock.distributed,
            "budget": stock.budget,
            "goods_tags": stock.rule.goods_tags,
            "begins": stock.begins,
            "ends": stock.ends,
            "state": stock.state,
            "created_at": stock.created_at,
        });
        (stock_id.to_string(), shown)
    })))
}
