//! What a merchant owns: in the basic account what came in and is not settled yet (未结算资金), what it may dispose of
//! (可用余额) and what is frozen for sharing (不可用余额); beside it the operation account (运营账户), which pays people.
//!
//! Money only moves: whatever one purse loses another gets, so what merchants and customers own together stays the same.
//! What a day brought is settled when the next one begins. No fee is taken.
//!
//! Source: doc pages "资金账单", "查询账户实时余额"; the rule that a refund is paid from what is not settled: doc page
//! "申请退款".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::{UnixSeconds, shanghai};

use crate::{
    accounts::{self, merchant},
    kernel::{
        Id, Refused, Table, Turn, World,
        feature::id_in,
        route::{Handler, Request, Route},
    },
    products::Feature,
};

/// Purses by merchant. A merchant without a row has what a new one has.
static FUNDS: Table<Id, Funds> = Table::new("pay.funds", 1);
/// Every movement of a merchant's money, in the order of their happening.
static MOVEMENTS: Table<(Id, u64), Movement> = Table::new("pay.movements", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&FUNDS, &MOVEMENTS],
    routes: &[Route {
        method: "GET",
        path: "/merchants/{mchid}/funds",
        run: Handler::Look(list),
    }],
    due: Some(settle),
    topics: &[(accounts::DELETED, merchant_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "pay.funds";

/// Most that somebody may put into a purse, in fen: sums of any number of purses and orders stay numbers.
pub(super) const MOST: i64 = 1_000_000_000_000_000;
/// What a new merchant has in each purse, in fen: enough for whatever is tried.
const ENOUGH: i64 = 10_000_000;

/// Where a merchant's money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Purse {
    /// 未结算资金.
    Unsettled,
    /// 可用余额.
    Available,
    /// 不可用余额: frozen until it is shared or unfrozen.
    Frozen,
    /// 运营账户: what transfers and red packets are paid from.
    Operation,
}

/// An account of a merchant, as balances and bills name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Account {
    Basic,
    Operation,
}

/// Why money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Business {
    Payment,
    Refund,
    /// An order was taken back.
    Reversal,
    /// A refund was closed: what it had taken comes back.
    RefundReturned,
    Settlement,
    /// Shared money goes to its receiver (分账).
    Sharing,
    /// A receiver gives back what was shared (分账回退).
    SharingReturned,
    /// What is not shared may be disposed of.
    Unfreezing,
    /// To a person (商家转账).
    Transfer,
    /// A transfer came to nothing.
    TransferReturned,
    /// To people (现金红包).
    RedPacket,
    /// What nobody took of a red packet.
    RedPacketReturned,
    /// Put aside for a stock of coupons (代金券).
    CouponBudget,
    /// What a stock of coupons did not give.
    CouponBudgetReturned,
    /// Somebody set a purse by hand.
    Adjustment,
}

/// What a merchant owns, in fen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Funds {
    pub(super) unsettled: i64,
    pub(super) available: i64,
    #[serde(default)]
    pub(super) frozen: i64,
    #[serde(default = "enough")]
    pub(super) operation: i64,
    /// What came in since the latest settlement and is still there: a part of what is unsettled.
    taken: i64,
    /// When it is settled; 0 where nothing waits.
    #[serde(default, skip_serializing_if = "is_zero")]
    settles_at: i64,
}

/// A change of a purse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Movement {
    pub(super) at: i64,
    pub(super) purse: Purse,
    pub(super) business: Business,
    /// The merchant's number of what it is for.
    pub(super) number: Id,
    /// The platform's, where the merchant's does not lead to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Id>,
    /// In fen; what goes out is negative.
    pub(super) change: i64,
    /// What is in the purse then.
    balance: i64,
    /// What is in the account that it belongs to.
    pub(super) total: i64,
}

impl Purse {
    /// As answers and requests of the third generation spell it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unsettled => "UNSETTLED",
            Self::Available => "AVAILABLE",
            Self::Frozen => "UNAVAILABLE",
            Self::Operation => "OPERATION",
        }
    }

    /// The account that it belongs to.
    pub(super) fn account(self) -> Account {
        match self {
            Self::Unsettled | Self::Available | Self::Frozen => Account::Basic,
            Self::Operation => Account::Operation,
        }
    }
}

impl Account {
    /// As the platform names it.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "BASIC" => Some(Self::Basic),
            "OPERATION" => Some(Self::Operation),
            _ => None,
        }
    }
}

impl Business {
    /// Whether money stays in the account and only may be used otherwise.
    pub(super) fn is_within(self) -> bool {
        matches!(self, Self::Settlement | Self::Unfreezing)
    }
}

fn enough() -> i64 {
    ENOUGH
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

impl Movement {
    /// The platform's number of what it is for.
    pub(super) fn platform(&self) -> Option<String> {
        self.id.as_ref().map(ToString::to_string)
    }
}

impl Default for Funds {
    fn default() -> Self {
        Self {
            unsettled: ENOUGH,
            available: ENOUGH,
            frozen: 0,
            operation: ENOUGH,
            taken: 0,
            settles_at: 0,
        }
    }
}

impl Funds {
    pub(super) fn of(&self, purse: Purse) -> i64 {
        match purse {
            Purse::Unsettled => self.unsettled,
            Purse::Available => self.available,
            Purse::Frozen => self.frozen,
            Purse::Operation => self.operation,
        }
    }

    /// What is in all purses of an account.
    fn total(&self, account: Account) -> i64 {
        match account {
            Account::Basic => { self.unsettled }
                .saturating_add(self.available)
                .saturating_add(self.frozen),
            Account::Operation => self.operation,
        }
    }
}

/// What a merchant owns now.
pub(super) fn funds(world: &World, mchid: &str) -> Funds {
    FUNDS.get(world, mchid).copied().unwrap_or_default()
}

/// A purse gains, or loses what is negative. Says how much of that was money of the day, which waits for its settlement:
/// all that is paid in, and as much as there is of what goes out.
pub(super) fn change(
    turn: &mut Turn<'_>,
    mchid: &Id,
    purse: Purse,
    business: Business,
    number: &Id,
    amount: i64,
) -> i64 {
    let taken = match (purse, business) {
        (Purse::Unsettled, Business::Payment) => amount,
        (Purse::Unsettled, Business::Refund | Business::Reversal) => {
            let taken = funds(turn.world, mchid).taken;
            -taken.min(amount.saturating_neg())
        }
        _ => 0,
    };
    moves(
        turn,
        mchid,
        (purse, business),
        (number, None),
        (amount, taken),
    );
    taken
}

/// A purse gains, or loses what is negative, for something that the platform knows by this number.
pub(super) fn pass(
    turn: &mut Turn<'_>,
    mchid: &Id,
    what: (Purse, Business),
    (number, id): (&Id, &Id),
    amount: i64,
) {
    moves(turn, mchid, what, (number, Some(id.clone())), (amount, 0));
}

/// What a refund took comes back, with what `change` said of it then.
pub(super) fn give_back(
    turn: &mut Turn<'_>,
    mchid: &Id,
    purse: Purse,
    number: &Id,
    (amount, taken): (i64, i64),
) {
    let what = (purse, Business::RefundReturned);
    moves(turn, mchid, what, (number, None), (amount, taken));
}

/// An amount moves, and so much of the day's money with it.
fn moves(
    turn: &mut Turn<'_>,
    mchid: &Id,
    (purse, business): (Purse, Business),
    (number, id): (&Id, Option<Id>),
    (amount, taken): (i64, i64),
) {
    // A refund of which a coupon gets all stands in the bills too.
    if amount == 0 && business != Business::Refund {
        return;
    }
    let funds = FUNDS.or_default(turn.world, mchid.clone());
    let held = match purse {
        Purse::Unsettled => &mut funds.unsettled,
        Purse::Available => &mut funds.available,
        Purse::Frozen => &mut funds.frozen,
        Purse::Operation => &mut funds.operation,
    };
    // A world that was brought along may hold any number.
    *held = held.saturating_add(amount);
    let balance = *held;
    let total = funds.total(purse.account());
    funds.taken = funds.taken.saturating_add(taken);
    let midnight = shanghai::next_midnight(turn.now).0;
    // Where the clock was set back, this day ends before the one whose end is waited for.
    let is_earlier = funds.settles_at == 0 || midnight < funds.settles_at;
    let begins = taken > 0 && funds.taken > 0 && is_earlier;
    if begins {
        funds.settles_at = midnight;
    }
    let movement = Movement {
        at: turn.now.0,
        purse,
        business,
        number: number.clone(),
        id,
        change: amount,
        balance,
        total,
    };
    let serial = turn.world.serial("pay.movement");
    MOVEMENTS.put(turn.world, (mchid.clone(), serial), movement);
    if begins {
        turn.later(midnight, NAME, json!({"settle": &**mchid}));
    }
}

/// What moved from one second up to another, in the order of its happening, with numbers of its own. The clock may have
/// been set back in between, so a day need not be of one piece.
pub(super) fn moved<'w>(
    world: &'w World,
    mchid: &Id,
    from: UnixSeconds,
    until: UnixSeconds,
) -> impl Iterator<Item = (u64, &'w Movement)> {
    let all = MOVEMENTS.under(world, mchid);
    all.map(|(serial, movement)| (*serial, movement))
        .filter(move |(_, movement)| (from.0..until.0).contains(&movement.at))
}

/// Sets what somebody wants a merchant to have.
pub(super) fn set(turn: &mut Turn<'_>, mchid: &Id, purse: Purse, amount: i64) {
    let by = amount.saturating_sub(funds(turn.world, mchid).of(purse));
    change(turn, mchid, purse, Business::Adjustment, &"".into(), by);
}

/// The day is over: what it brought, and was not given back, may be disposed of.
fn settle(turn: &mut Turn<'_>, what: &Value) {
    let Some(mchid) = id_in(what, "settle").filter(|mchid| FUNDS.has(turn.world, &**mchid)) else {
        return;
    };
    let funds = FUNDS.or_default(turn.world, mchid.clone());
    let amount = funds.taken.min(funds.unsettled).max(0);
    (funds.taken, funds.settles_at) = (0, 0);
    let day: Id = shanghai::written(UnixSeconds(turn.now.0 - 1), "%Y%m%d").into();
    for (purse, amount) in [(Purse::Unsettled, -amount), (Purse::Available, amount)] {
        change(turn, &mchid, purse, Business::Settlement, &day, amount);
    }
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        FUNDS.remove(turn.world, &*mchid);
        MOVEMENTS.remove_under(turn.world, &mchid);
    }
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let merchant = merchant::merchant(world, request.part("mchid"))?;
    let page = request.page()?;
    let movements = MOVEMENTS.after(world, (merchant.mchid.clone(), page.number("")?));
    Ok(page.answer(movements.map(|(serial, movement)| {
        let shown = json!({
            "at": movement.at,
            "purse": movement.purse,
            "business": movement.business,
            "number": &*movement.number,
            "id": movement.id.as_deref(),
            "change": movement.change,
            "balance": movement.balance,
        });
        (serial.to_string(), shown)
    })))
}
