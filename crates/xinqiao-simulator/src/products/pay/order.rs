//! Orders: placed, paid, closed; one number space a merchant, whichever generation of the interface placed them.
//!
//! Placing an open order again with the same parameters gives a fresh `prepay_id`; with others it is refused.
//!
//! Source: doc pages "JSAPI下单", "查询订单", "关闭订单".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::rules::limit;
use xinqiao_types::shanghai;

use super::{
    coupon_use::{self, Applied},
    funds::{self, Business, Purse},
    pot,
    seller::Partner,
};
use crate::{
    accounts::{
        self,
        merchant::{self, Merchant},
    },
    kernel::{
        Id, Refused, Table, Turn, World,
        feature::id_in,
        route::{Handler, Request, Route},
    },
    people::{self, phone},
    products::Feature,
};

/// Orders by merchant and the merchant's number.
static ORDERS: Table<(Id, Id), Order> = Table::new("pay.orders", 1);
/// What opens the cashier.
static PREPAYS: Table<Id, Prepay> = Table::new("pay.prepays", 1);
/// Paid orders by merchant and the platform's number.
static BY_TRANSACTION: Table<(Id, Id), Id> = Table::memory("pay.orders_by_transaction");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&ORDERS, &PREPAYS],
    routes: &[Route {
        method: "GET",
        path: "/merchants/{mchid}/orders",
        run: Handler::Look(list),
    }],
    due: Some(due),
    topics: &[(accounts::DELETED, merchant_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "pay.order";

/// An order was paid whose money is to be shared: `{"merchant", "out_trade_no"}`.
pub(super) const TO_SHARE: &str = "pay.order_to_share";

/// Most fen of an order here; the platform tells no greatest sum, its customers' banks have one.
pub(super) const MOST: i64 = 1_000_000_000_000;
/// The one currency of orders and refunds in the mainland.
pub(super) const CURRENCY: &str = "CNY";
/// The page that a browser opens to pay.
const PAGE: &str = "https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb";
/// How the text of a code begins, and how many characters follow.
const CODE: &str = "weixin://wxpay/bizpayurl?pr=";
const CODE_LENGTH: usize = 9;
/// How every code to pay begins, and one that was shortened.
const CODE_BEGINS: &str = "weixin://wxpay/bizpayurl";
const SHORT: &str = "weixin://wxpay/s/";

pub(super) const PREPAY_LIFE: &str = "orders.prepay_id_life";
pub(super) const CODE_LIFE: &str = "native.code_url_life";
pub(super) const PAGE_LIFE: &str = "h5.h5_url_life";
pub(super) const EXPIRE_DEFAULT: &str = "orders.time_expire_default";
pub(super) const EXPIRE_LEAST: &str = "orders.time_expire_min";
pub(super) const EXPIRE_MOST: &str = "orders.time_expire_max";
/// Texts of an order, with the catalog's limits for them.
pub(super) const TEXTS: [(&str, &str); 4] = [
    ("out_trade_no", "orders.out_trade_no"),
    ("description", "orders.description"),
    ("attach", "orders.attach"),
    ("goods_tag", "orders.goods_tag"),
];

/// What a merchant orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Order {
    /// In which account it is paid.
    pub(super) appid: Id,
    /// The service provider that placed it for its merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) partner: Option<Partner>,
    /// Who is to pay, or has paid; none while anybody may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) payer: Option<Id>,
    pub(super) description: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) attach: Option<String>,
    pub(super) notify_url: String,
    /// In fen.
    pub(super) total: i64,
    pub(super) currency: String,
    pub(super) trade_type: TradeType,
    /// Which generation of the interface placed it: its notice is of the same.
    pub(super) generation: Generation,
    /// What must be the same when it is placed again.
    pub(super) asked: Value,
    pub(super) created_at: i64,
    /// The last second at which it can be paid.
    pub(super) payable_until: i64,
    pub(super) state: State,
    /// The coupon that paid a part of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) coupon: Option<Applied>,
    /// Whether a refund of it was ever accepted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) refunded: bool,
}

/// A generation of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Generation {
    /// XML with a shared key; whether its signature is an HMAC-SHA256.
    V2 { hmac: bool },
    /// JSON with certificates.
    V3,
}

/// Where an order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum TradeType {
    /// In a page or a mini program, by the one who is named.
    Jsapi,
    /// By whoever scans a code.
    Native,
    /// In an app of one's own, by whoever uses it.
    App,
    /// In a browser of the phone (H5), by whoever opens the address.
    Mweb,
    /// By whoever shows the code of their phone (付款码) at a till.
    Micropay,
}

/// What opens the cashier for an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opener {
    pub(super) prepay_id: Id,
    /// The text of a code to scan, or the address of a page.
    pub(super) url: Option<Id>,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Open,
    /// The phone asks its owner for the password.
    Asking,
    /// Its owner did not agree.
    Failed,
    Paid {
        transaction_id: Id,
        at: i64,
    },
    Closed,
    /// Taken back, with its payment if it was paid.
    Reversed {
        paid: Option<(Id, i64)>,
    },
}

/// What a `prepay_id` or a code stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Prepay {
    pub(super) mchid: Id,
    pub(super) out_trade_no: Id,
    /// The numbers are those of several orders that are paid as one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) combined: bool,
}

/// Why an order is not placed or closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    Missing,
    Paid,
    Closed,
    /// It was taken back.
    Reversed,
    /// Its owner was asked for the password and did not agree.
    Failed,
    /// Its owner is being asked for the password.
    Asking,
    /// Placed before with other parameters.
    Different,
}

impl TradeType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Jsapi => "JSAPI",
            Self::Native => "NATIVE",
            Self::App => "APP",
            Self::Mweb => "MWEB",
            Self::Micropay => "MICROPAY",
        }
    }
}

impl Order {
    /// When the platform closes it if nobody pays.
    ///
    /// WECHAT: when it cannot be paid any more it is not closed yet; the platform does that after seven days.
    fn closes(&self) -> i64 {
        self.payable_until.max(payable_until(self.created_at, None)) + 1
    }

    /// The provider that placed it for its merchant.
    pub(super) fn provider(&self) -> Option<&Id> {
        self.partner.as_ref().map(|own| &own.sp_mchid)
    }

    /// What a coupon pays of it, in fen.
    pub(super) fn discount(&self) -> i64 {
        self.coupon.as_ref().map_or(0, |coupon| coupon.amount)
    }

    /// What its payer pays.
    pub(super) fn payer_total(&self) -> i64 {
        self.total - self.discount()
    }

    /// What who sells gets (应结订单金额): all of it, but for coupons that nobody paid in for.
    pub(super) fn settled(&self) -> i64 {
        let coupon = self.coupon.as_ref();
        self.total - coupon.map_or(0, |coupon| coupon.unpaid(coupon.amount))
    }

    /// The platform's number and the time of its payment, if it was ever paid.
    pub(super) fn payment(&self) -> Option<(&Id, i64)> {
        match &self.state {
            State::Paid { transaction_id, at } => Some((transaction_id, *at)),
            State::Reversed { paid } => paid.as_ref().map(|(id, at)| (id, *at)),
            State::Open | State::Asking | State::Failed | State::Closed => None,
        }
    }

    /// Why it cannot be placed again, or paid; none while it can.
    pub(super) fn objection(&self) -> Option<Objection> {
        match self.state {
            State::Open => None,
            State::Asking => Some(Objection::Asking),
            State::Failed => Some(Objection::Failed),
            State::Paid { .. } => Some(Objection::Paid),
            State::Closed => Some(Objection::Closed),
            State::Reversed { .. } => Some(Objection::Reversed),
        }
    }

    /// Whether there is something to close, or why it cannot be closed.
    pub(super) fn closable(&self) -> Result<bool, Objection> {
        match self.state {
            State::Paid { .. } => Err(Objection::Paid),
            State::Asking => Err(Objection::Asking),
            State::Closed | State::Reversed { .. } => Ok(false),
            State::Open | State::Failed => Ok(true),
        }
    }

    /// As queries spell it: `NOTPAY`, `USERPAYING`, `PAYERROR`, `SUCCESS`, `REFUND`, `CLOSED` or `REVOKED`.
    pub(super) fn trade_state(&self) -> &'static str {
        match self.state {
            State::Open => "NOTPAY",
            State::Asking => "USERPAYING",
            State::Failed => "PAYERROR",
            State::Reversed { .. } => "REVOKED",
            State::Paid { .. } if self.refunded => "REFUND",
            State::Paid { .. } => "SUCCESS",
            State::Closed => "CLOSED",
        }
    }

    pub(super) fn trade_state_desc(&self) -> &'static str {
        match self.state {
            State::Open => "订单未支付",
            State::Asking => "需要用户输入支付密码",
            State::Failed => "支付失败，请重新下单支付",
            State::Reversed { .. } => "订单已撤销",
            State::Paid { .. } if self.refunded => "订单发生退款，退款详情请查询退款单",
            State::Paid { .. } => "支付成功",
            State::Closed => "订单已关闭",
        }
    }
}

/// The last second at which an order can be paid that is placed now.
///
/// WECHAT: a time that is too early or too late is moved, not refused.
pub(super) fn payable_until(now: i64, asked: Option<i64>) -> i64 {
    match asked {
        None => now + limit::seconds(EXPIRE_DEFAULT),
        Some(at) => at.clamp(
            now + limit::seconds(EXPIRE_LEAST),
            now + limit::seconds(EXPIRE_MOST),
        ),
    }
}

pub(super) fn find<'w>(world: &'w World, mchid: &Id, out_trade_no: &str) -> Option<&'w Order> {
    ORDERS.get(world, &(mchid.clone(), Id::from(out_trade_no)))
}

/// An order by the platform's number, with the merchant's.
pub(super) fn by_transaction<'w>(
    world: &'w World,
    mchid: &Id,
    transaction_id: &str,
) -> Option<(&'w Id, &'w Order)> {
    let key = (mchid.clone(), Id::from(transaction_id));
    let out_trade_no = BY_TRANSACTION.get(world, &key)?;
    let order = ORDERS.get(world, &(mchid.clone(), out_trade_no.clone()))?;
    Some((out_trade_no, order))
}

/// An order by either number, with the merchant's; the platform's wins where both are given.
pub(super) fn by_either<'w>(
    world: &'w World,
    mchid: &Id,
    transaction_id: Option<&str>,
    out_trade_no: Option<&str>,
) -> Option<(&'w Id, &'w Order)> {
    if let Some(transaction_id) = transaction_id {
        return by_transaction(world, mchid, transaction_id);
    }
    let key = (mchid.clone(), Id::from(out_trade_no?));
    let ((_, number), order) = ORDERS.entry(world, &key)?;
    Some((number, order))
}

/// What a `prepay_id` or a code stands for that still opens the cashier.
pub(super) fn prepaid<'w>(world: &'w World, opener: &str) -> Option<&'w Prepay> {
    PREPAYS.get(world, opener)
}

/// Places an order, or an open one again.
pub(super) fn place(
    turn: &mut Turn<'_>,
    mchid: &Id,
    out_trade_no: &str,
    order: Order,
) -> Result<Opener, Objection> {
    let trade_type = order.trade_type;
    let key = (mchid.clone(), Id::from(out_trade_no));
    match ORDERS.get(turn.world, &key) {
        // Who did not place an order does not hear how it stands.
        Some(before) if before.provider() != order.provider() => return Err(Objection::Different),
        Some(before) => match before.objection() {
            Some(objection) => return Err(objection),
            None if (before.trade_type, &before.asked) != (trade_type, &order.asked) => {
                return Err(Objection::Different);
            }
            None => {}
        },
        None => open(turn, mchid, out_trade_no, order),
    }
    Ok(opener(
        turn,
        trade_type,
        &Prepay {
            mchid: key.0,
            out_trade_no: key.1,
            combined: false,
        },
    ))
}

/// What opens the cashier for an order from now on.
pub(super) fn opener(turn: &mut Turn<'_>, trade_type: TradeType, prepay: &Prepay) -> Opener {
    let draw = turn.world.next("pay.prepay");
    let noise = draw.hex(20);
    let prepay_id: Id = format!("wx{}{noise}", shanghai::digits(turn.now)).into();
    let (url, life) = match trade_type {
        TradeType::Native => (Some(format!("{CODE}{}", draw.word(CODE_LENGTH))), CODE_LIFE),
        TradeType::Mweb => {
            let package = turn.world.next("pay.package").digits(10);
            let url = format!("{PAGE}?prepay_id={prepay_id}&package={package}");
            (Some(url), PAGE_LIFE)
        }
        TradeType::Jsapi | TradeType::App | TradeType::Micropay => (None, PREPAY_LIFE),
    };
    let url: Option<Id> = url.map(Id::from);
    let lives = [(Some(&prepay_id), PREPAY_LIFE), (url.as_ref(), life)];
    for (opener, life) in lives {
        let Some(opener) = opener else { continue };
        let ends = turn.now.0 + limit::seconds(life);
        turn.later(ends, NAME, json!({"prepay": &**opener}));
        PREPAYS.put(turn.world, opener.clone(), prepay.clone());
    }
    Opener { prepay_id, url }
}

/// Keeps a new order, until it is paid or its time is over.
pub(super) fn open(turn: &mut Turn<'_>, mchid: &Id, out_trade_no: &str, order: Order) {
    let key = (mchid.clone(), Id::from(out_trade_no));
    let what = json!({"merchant": &*key.0, "close": &*key.1});
    turn.later(order.closes(), NAME, what);
    ORDERS.put(turn.world, key, order);
}

/// A shorter text for a code (`tools/shorturl`), which opens the cashier as the long one does; none for what is no code.
///
/// A code that no order has, as shops print them by themselves, is shortened and opens nothing.
pub(super) fn shorten(turn: &mut Turn<'_>, long: &str) -> Option<Id> {
    if !long.starts_with(CODE_BEGINS) {
        return None;
    }
    let word = turn.world.next("pay.short").word(CODE_LENGTH);
    let short: Id = format!("{SHORT}{word}").into();
    if let Some(prepay) = PREPAYS.get(turn.world, long).cloned() {
        let ends = turn.now.0 + limit::seconds(CODE_LIFE);
        turn.later(ends, NAME, json!({"prepay": &*short}));
        PREPAYS.put(turn.world, short.clone(), prepay);
    }
    Some(short)
}

/// An order is in another state from now on.
pub(super) fn becomes(world: &mut World, mchid: &Id, out_trade_no: &Id, state: State) {
    let key = (mchid.clone(), out_trade_no.clone());
    if let Some(order) = ORDERS.get_mut(world, &key) {
        order.state = state;
    }
}

/// An order is paid now by this person.
pub(super) fn pay(turn: &mut Turn<'_>, mchid: &Id, out_trade_no: &Id, payer: &Id) -> Option<Order> {
    let (at, number) = (turn.now.0, turn.world.next("pay.transaction").digits(10));
    let day = shanghai::written(turn.now, "%Y%m%d");
    let transaction_id: Id = format!("4200000000{day}{number}").into();
    let key = (mchid.clone(), out_trade_no.clone());
    let coupon = coupon(turn, &key, payer);
    let order = ORDERS.get_mut(turn.world, &key)?;
    order.coupon = coupon;
    order.state = State::Paid {
        transaction_id: transaction_id.clone(),
        at,
    };
    order.payer = Some(payer.clone());
    let paid = order.clone();
    if let Some(partner) = &paid.partner
        && let Some(user) = people::person(turn.world, &paid.appid, payer)
    {
        // Both are told who paid, so both know them.
        phone::contact(turn.world, user, &partner.sp_appid);
        if let Some(sub_appid) = &partner.sub_appid {
            phone::contact(turn.world, user, sub_appid);
        }
    }
    let purse = if pot::is_flagged(&paid) {
        Purse::Frozen
    } else {
        Purse::Unsettled
    };
    let business = Business::Payment;
    funds::change(turn, &key.0, purse, business, &key.1, paid.settled());
    coupon_use::take(turn, &key.0, &key.1, &paid);
    let what = json!({"merchant": &*key.0, "out_trade_no": &*key.1});
    BY_TRANSACTION.put(turn.world, (key.0, transaction_id), key.1);
    if purse == Purse::Frozen {
        turn.publish(TO_SHARE, &what);
    }
    Some(paid)
}

/// Which coupon of this person pays a part of an order.
fn coupon(turn: &Turn<'_>, key: &(Id, Id), payer: &Id) -> Option<Applied> {
    let order = ORDERS.get(turn.world, key)?;
    let user = people::person(turn.world, &order.appid, payer)?;
    coupon_use::best(turn.world, turn.now, user, (&key.0, order), &[])
}

/// A refund of an order was accepted.
pub(super) fn refunded(world: &mut World, mchid: &Id, out_trade_no: &Id) {
    let key = (mchid.clone(), out_trade_no.clone());
    if let Some(order) = ORDERS.get_mut(world, &key) {
        order.refunded = true;
    }
}

/// A `prepay_id` has come to its end, or the platform closes what nobody paid.
fn due(turn: &mut Turn<'_>, what: &Value) {
    if let Some(prepay_id) = id_in(what, "prepay") {
        PREPAYS.remove(turn.world, &*prepay_id);
    }
    if let (Some(mchid), Some(out_trade_no)) = (id_in(what, "merchant"), id_in(what, "close")) {
        // A merchant may be deleted meanwhile, and another of its number use the order's number again.
        // What was paid or is gone is not to be closed.
        let order = find(turn.world, &mchid, &out_trade_no);
        let over =
            order.is_some_and(|order| turn.now.0 >= order.closes() && order.closable() == Ok(true));
        if over {
            becomes(turn.world, &mchid, &out_trade_no, State::Closed);
        }
    }
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        ORDERS.remove_under(turn.world, &mchid);
        BY_TRANSACTION.remove_under(turn.world, &mchid);
    }
}

fn index(world: &mut World) {
    let paid: Vec<((Id, Id), Id)> = ORDERS
        .all(world)
        .filter_map(|((mchid, out_trade_no), order)| {
            let (transaction_id, _) = order.payment()?;
            let key = (mchid.clone(), transaction_id.clone());
            Some((key, out_trade_no.clone()))
        })
        .collect();
    for (key, out_trade_no) in paid {
        BY_TRANSACTION.put(world, key, out_trade_no);
    }
}

/// The object of the control interface.
pub(super) fn view(world: &World, merchant: &Merchant, out_trade_no: &str, order: &Order) -> Value {
    let payer = order.payer.as_ref();
    let user = payer.and_then(|openid| people::person(world, &order.appid, openid));
    let mut view = json!({
        "mchid": &*merchant.mchid,
        "out_trade_no": out_trade_no,
        "appid": &*order.appid,
        "provider": order.partner.as_ref().map(|partner| &*partner.sp_mchid),
        "openid": payer.map(|openid| &**openid),
        "user": user.map(people::user::name),
        "description": order.description,
        "total": order.total,
        "discount": order.discount(),
        "payer_total": order.payer_total(),
        "coupon": order.coupon.as_ref().map(|coupon| &coupon.name),
        "trade_type": order.trade_type,
        "trade_state": order.trade_state(),
        "notify_url": order.notify_url,
        "created_at": order.created_at,
        "payable_until": order.payable_until,
    });
    if let Some((transaction_id, at)) = order.payment() {
        view["transaction_id"] = json!(&**transaction_id);
        view["paid_at"] = json!(at);
    }
    view
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let merchant = merchant::merchant(world, request.part("mchid"))?;
    let page = request.page()?;
    let after = page.id()?;
    let orders = ORDERS.after(world, (merchant.mchid.clone(), after.into()));
    Ok(page.answer(
        orders.map(|(number, order)| (number.to_string(), view(world, merchant, number, order))),
    ))
}

#[cfg(test)]
mod tests {
    use xinqiao_types::shanghai::DAY;

    use super::*;

    #[test]
    fn a_time_that_is_too_early_or_too_late_is_moved() {
        assert_eq!(payable_until(1000, None), 1000 + 7 * DAY);
        assert_eq!(payable_until(1000, Some(0)), 1060);
        assert_eq!(payable_until(1000, Some(1500)), 1500);
        assert_eq!(payable_until(1000, Some(i64::MAX)), 1000 + 90 * DAY);
    }
}
