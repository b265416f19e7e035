//! Cash coupons that people have (代金券): given, used when an order is paid, over with the clock.
//!
//! Source: doc pages "发放指定批次的代金券", "查询代金券详情", "根据商户号查用户的券".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::coupon_stock::{self, Objection, Stock};
use crate::{
    accounts,
    kernel::{
        Id, Refused, Table, Turn, World,
        feature::id_in,
        route::{Handler, Request, Route},
    },
    people,
    products::Feature,
};

/// Coupons by their stock's creator and number.
static COUPONS: Table<(Id, Id), Coupon> = Table::new("pay.coupons", 1);
/// Coupons of a person, in the order of their giving.
static BY_USER: Table<(u64, u64), (Id, Id)> = Table::memory("pay.coupons_by_user");
/// Numbers by who gave it and the giver's number.
static BY_REQUEST: Table<(Id, Id), Id> = Table::memory("pay.coupons_by_request");

pub(super) static FEATURE: Feature = Feature {
    name: "pay.coupon",
    tables: &[&COUPONS],
    routes: &[Route {
        method: "GET",
        path: "/users/{id}/coupons",
        run: Handler::Look(list),
    }],
    topics: &[(accounts::DELETED, merchant_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};

/// Where numbers begin.
const FIRST: u64 = 98_000_000_000;

/// A coupon of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Coupon {
    pub(super) stock_id: Id,
    pub(super) user: u64,
    /// Which of all coupons it is.
    pub(super) serial: u64,
    /// Who gave it, under which number.
    pub(super) sender: Id,
    pub(super) out_request_no: Id,
    pub(super) created_at: i64,
    /// When it can be used: from this second until before that.
    pub(super) begins: i64,
    pub(super) ends: i64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) used: Option<Used>,
}

/// What a coupon paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Used {
    pub(super) mchid: Id,
    pub(super) out_trade_no: Id,
    pub(super) transaction_id: Id,
    pub(super) at: i64,
}

impl Coupon {
    /// As the platform spells it.
    pub(super) fn status(&self, now: i64) -> &'static str {
        match self.used {
            Some(_) => "USED",
            None if now >= self.ends => "EXPIRED",
            None => "SENDED",
        }
    }
}

/// A coupon, with its number and its stock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'w> {
    pub(super) creator: &'w Id,
    pub(super) coupon_id: &'w Id,
    pub(super) coupon: &'w Coupon,
    pub(super) stock: &'w Stock,
}

pub(super) fn find<'w>(world: &'w World, creator: &Id, coupon_id: &str) -> Option<Known<'w>> {
    let key = (creator.clone(), Id::from(coupon_id));
    let ((creator, coupon_id), coupon) = COUPONS.entry(world, &key)?;
    let stock = coupon_stock::find(world, creator, &coupon.stock_id)?;
    Some(Known {
        creator,
        coupon_id,
        coupon,
        stock,
    })
}

/// What somebody has and had, the earliest first.
pub(super) fn of_user(world: &World, user: u64) -> impl Iterator<Item = Known<'_>> {
    BY_USER
        .under(world, &user)
        .filter_map(|(_, (creator, coupon_id))| find(world, creator, coupon_id))
}

/// Gives somebody a coupon of a merchant's own stock, or says which one was given under this number.
pub(super) fn give(
    turn: &mut Turn<'_>,
    mchid: &Id,
    (stock_id, out_request_no): (&Id, &Id),
    user: u64,
) -> Result<Id, Objection> {
    let stock = coupon_stock::find(turn.world, mchid, stock_id).ok_or(Objection::Missing)?;
    let request = (mchid.clone(), out_request_no.clone());
    if let Some(coupon_id) = BY_REQUEST.get(turn.world, &request) {
        let before = find(turn.world, mchid, coupon_id);
        let same = before.is_some_and(|before| {
            (&before.coupon.stock_id, before.coupon.user) == (stock_id, user)
        });
        return same.then(|| coupon_id.clone()).ok_or(Objection::Different);
    }
    let own = of_user(turn.world, user)
        .filter(|known| known.creator == mchid && known.coupon.stock_id == *stock_id);
    let has = i64::try_from(own.count()).unwrap_or(i64::MAX);
    coupon_stock::may_give(stock, turn.now.0, has)?;
    let (begins, ends) = coupon_stock::lasts(stock, turn.now);
    let serial = turn.world.serial("pay.coupon");
    let coupon_id: Id = (FIRST + serial).to_string().into();
    let coupon = Coupon {
        stock_id: stock_id.clone(),
        user,
        serial,
        sender: mchid.clone(),
        out_request_no: out_request_no.clone(),
        created_at: turn.now.0,
        begins,
        ends,
        used: None,
    };
    let key = (mchid.clone(), coupon_id.clone());
    known(turn.world, &key, &coupon);
    COUPONS.put(turn.world, key, coupon);
    coupon_stock::given(turn, mchid, stock_id);
    Ok(coupon_id)
}

/// A coupon is used from now on, or is not any more.
pub(super) fn mark(world: &mut World, creator: &Id, coupon_id: &Id, used: Option<Used>) {
    let key = (creator.clone(), coupon_id.clone());
    if let Some(coupon) = COUPONS.get_mut(world, &key) {
        coupon.used = used;
    }
}

/// Makes a coupon found by what else it is asked for.
fn known(world: &mut World, key: &(Id, Id), coupon: &Coupon) {
    BY_USER.put(world, (coupon.user, coupon.serial), key.clone());
    let request = (coupon.sender.clone(), coupon.out_request_no.clone());
    BY_REQUEST.put(world, request, key.1.clone());
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(mchid) = id_in(what, "account") else {
        return;
    };
    for (_, coupon) in COUPONS.remove_under(turn.world, &mchid) {
        BY_USER.remove(turn.world, &(coupon.user, coupon.serial));
    }
    BY_REQUEST.remove_under(turn.world, &mchid);
}

fn index(world: &mut World) {
    let all: Vec<((Id, Id), Coupon)> = { COUPONS.all(world) }
        .map(|(key, coupon)| (key.clone(), coupon.clone()))
        .collect();
    for (key, coupon) in all {
        known(world, &key, &coupon);
    }
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let user = people::find(world, request.part("id"))?;
    let page = request.page()?;
    let own = BY_USER.after(world, (user, page.number("")?));
    Ok(
        page.answer(own.filter_map(|(serial, (creator, coupon_id))| {
            let known = find(world, creator, coupon_id)?;
            let shown = json!({
                "merchant": &**creator,
                "coupon_id": &**coupon_id,
                "stock_id": &*known.coupon.stock_id,
                "name": known.stock.name,
                "amount": known.stock.amount,
                "minimum": known.stock.minimum,
                "begins": known.coupon.begins,
                "ends": known.coupon.ends,
                "used_for": known.coupon.used.as_ref().map(|used| &*used.out_trade_no),
            });
            Some((serial.to_string(), shown))
        })),
    )
}
