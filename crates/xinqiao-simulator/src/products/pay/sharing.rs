//! Profit sharing (分账): what an order that asked for it brings is frozen until it is shared with receivers who were
//! made known before, or unfrozen, or its time is over.
//!
//! A number that is used again with the same receivers gives the sharing as it stands. What a receiver could not get
//! stays with the merchant. A refund is paid from what of its order is neither shared nor unfrozen.
//!
//! Source: doc pages "请求分账", "查询分账结果", "请求分账回退", "解冻剩余资金", "查询剩余待分金额", "添加分账接收方".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::rules::limit;
use xinqiao_types::shanghai;

use super::{
    funds::{self, Business, Purse},
    pot::{self, Pot},
    receivers::{self, Kind},
    wallet,
    whose::Whose,
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
    people,
    products::Feature,
};

/// Sharings by merchant and the merchant's number.
static SHARINGS: Table<(Id, Id), Sharing> = Table::new("pay.sharings", 1);
/// Merchants' numbers by merchant and the platform's number.
static BY_ID: Table<(Id, Id), Id> = Table::memory("pay.sharings_by_id");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&SHARINGS],
    routes: &[Route {
        method: "GET",
        path: "/merchants/{mchid}/sharings",
        run: Handler::Look(list),
    }],
    rules: &[&ENDS, &DELAY, &CAP],
    due: Some(due),
    topics: &[(accounts::DELETED, merchant_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "pay.sharing";

/// A receiver got something: `{"merchant", "out_order_no", "part"}`, which of the parts it is.
pub(super) const SHARED: &str = "pay.shared";

/// Which part of an order may be shared, in percent.
pub(super) const MOST_PERCENT: &str = "profit_sharing.split_default_cap";
/// Most sharings of one order.
pub(super) const REQUESTS: &str = "profit_sharing.split_requests";
/// Most receivers of one sharing.
pub(super) const PARTS: &str = "profit_sharing.split_receivers";
pub(super) const NUMBER: &str = "profit_sharing.out_order_no";

/// Seconds until receivers have their money.
const ON_ITS_WAY: i64 = 2;
/// What is said of the rest that a sharing unfreezes; whoever unfreezes it alone says it in words of its own.
const REST: &str = "解冻给分账方";

/// How a receiver fares.
static ENDS: Rule = Rule {
    name: "pay.sharing_result",
    default: Preset::Word(
        "SUCCESS",
        &[
            "SUCCESS",
            "ACCOUNT_ABNORMAL",
            "RECEIVER_HIGH_RISK",
            "RECEIVER_REAL_NAME_NOT_VERIFIED",
            "NO_AUTH",
            "RECEIVER_RECEIPT_LIMIT",
            "PAYER_ACCOUNT_ABNORMAL",
        ],
    ),
    about: (
        "分账受理后各接收方的结果：SUCCESS，或使其 CLOSED 的 fail_reason，设在分账方商户上",
        "how receivers of an accepted sharing fare: SUCCESS, or the fail_reason with which they are CLOSED; set on the merchant that shares",
    ),
    source: "page 4012525210: result and fail_reason of a receiver",
};
/// How long after the payment an order may be shared.
static DELAY: Rule = Rule {
    name: "pay.sharing_delay",
    default: Preset::Number(0, 3600),
    about: (
        "支付成功多少秒后才可分账，设在商户上；平台约需 30 至 60 秒，之前返回 INVALID_REQUEST（v2 为 ORDER_NOT_READY）",
        "seconds after the payment from which an order may be shared; set on the merchant. On the platform it takes about 30 to 60: set that, and who is earlier gets INVALID_REQUEST, in v2 ORDER_NOT_READY",
    ),
    source: "the community: a minute is advised, nothing is documented; by default a test need not wait",
};
/// Which part of an order may be shared.
static CAP: Rule = Rule {
    name: "pay.sharing_percent",
    default: Preset::Number(0, 100),
    about: (
        "一个订单最多可分的百分比，设在商户上；0 即平台默认（见目录 profit_sharing.split_default_cap）",
        "which percentage of an order may be shared; set on the merchant. 0 is the platform's default, the catalog's profit_sharing.split_default_cap",
    ),
    source: "the platform's default, which merchants have raised on application",
};

/// One sharing of an order, or the unfreezing of what is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sharing {
    pub(super) transaction_id: Id,
    /// The provider that asked for its sub-merchant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) provider: Option<Id>,
    /// The platform's number.
    pub(super) order_id: Id,
    /// Which of all sharings it is.
    serial: u64,
    pub(super) parts: Vec<Part>,
    /// Whether nothing is shared after it.
    last: bool,
    pub(super) created_at: i64,
    pub(super) finished: bool,
}

/// What one receiver gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) kind: Kind,
    pub(super) account: Id,
    /// In fen.
    pub(super) amount: i64,
    pub(super) description: String,
    pub(super) detail_id: Id,
    pub(super) result: Outcome,
    /// When it came to its end.
    pub(super) finished_at: Option<i64>,
    /// What its receiver gave back, or is giving back, in fen.
    #[serde(default)]
    pub(super) returned: i64,
    /// Whether nobody asked for it: what was left of the order.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    rest: bool,
}

/// How a receiver fared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    Pending,
    Success,
    /// It got nothing, for this reason.
    Closed(String),
}

/// What a merchant wants to share.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) transaction_id: Id,
    pub(super) out_order_no: Id,
    pub(super) parts: Vec<Share>,
    /// Whether the rest is unfrozen.
    pub(super) last: bool,
    /// What is said of the rest, if it is not the platform's word.
    pub(super) rest: Option<String>,
}

/// What one receiver is to get.
#[derive(Debug, Clone)]
pub(super) struct Share {
    pub(super) kind: Kind,
    pub(super) account: Id,
    pub(super) name: Option<String>,
    pub(super) amount: i64,
    pub(super) description: String,
}

/// Why nothing is shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Objection {
    NoOrder,
    /// The order did not ask for it.
    NotFlagged,
    /// It is paid too short a time.
    TooEarly,
    /// All is shared or unfrozen.
    Finished,
    /// The number stands for another sharing.
    Different,
    TooMany,
    /// An account that nobody made known.
    Unknown(Id),
    /// The name is not the one under which it was made known.
    WrongName(Id),
    /// The same receiver twice.
    Twice(Id),
    /// The merchant itself, which gets the rest anyway.
    Itself,
    /// More than what is left.
    TooMuch {
        left: i64,
    },
    /// More than the part that may be shared.
    OverCap {
        percent: i64,
    },
}

impl Outcome {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Success => "SUCCESS",
            Self::Closed(_) => "CLOSED",
        }
    }

    pub(super) fn fail_reason(&self) -> Option<&str> {
        match self {
            Self::Closed(reason) => Some(reason),
            Self::Pending | Self::Success => None,
        }
    }
}

impl Sharing {
    /// `PROCESSING` or `FINISHED`.
    pub(super) fn state(&self) -> &'static str {
        if self.finished {
            "FINISHED"
        } else {
            "PROCESSING"
        }
    }
}

/// Whether a receiver is the merchant that shares.
fn is_own(mchid: &Id, kind: Kind, account: &Id) -> bool {
    (kind, account) == (Kind::MerchantId, mchid)
}

pub(super) fn find<'w>(world: &'w World, mchid: &Id, out_order_no: &str) -> Option<&'w Sharing> {
    SHARINGS.get(world, &(mchid.clone(), Id::from(out_order_no)))
}

/// A sharing that was asked for by who asks now.
pub(super) fn seen<'w>(world: &'w World, whose: &Whose, out_order_no: &str) -> Option<&'w Sharing> {
    let found = find(world, &whose.payee, out_order_no);
    found.filter(|sharing| sharing.provider == whose.provider)
}

/// The same by either number, with the merchant's; the platform's wins where both are given.
pub(super) fn by_either<'w>(
    world: &'w World,
    whose: &Whose,
    order_id: Option<&str>,
    out_order_no: Option<&str>,
) -> Option<(&'w Id, &'w Sharing)> {
    let mchid = &whose.payee;
    let number = match order_id {
        Some(order_id) => BY_ID
            .get(world, &(mchid.clone(), Id::from(order_id)))?
            .clone(),
        None => Id::from(out_order_no?),
    };
    let ((_, number), sharing) = SHARINGS.entry(world, &(mchid.clone(), number))?;
    (sharing.provider == whose.provider).then_some((number, sharing))
}

/// What the receivers of a sharing that was accepted are to get.
pub(super) fn ask(
    turn: &mut Turn<'_>,
    whose: &Whose,
    wanted: Wanted,
) -> Result<Sharing, Objection> {
    let mchid = &whose.payee;
    if let Some(before) = find(turn.world, mchid, &wanted.out_order_no) {
        return if before.provider == whose.provider && is_same(before, &wanted) {
            Ok(before.clone())
        } else {
            Err(Objection::Different)
        };
    }
    let key = (mchid.clone(), wanted.transaction_id.clone());
    let pot = admit(turn, whose, &key, &wanted)?;
    let (others, mut own) = sums(&wanted.parts, mchid);
    let rest = if wanted.last {
        pot.left - others - own
    } else {
        0
    };
    own += rest;
    let asked_for = wanted.parts.len();
    let mut shares = wanted.parts;
    if rest > 0 {
        shares.push(Share {
            kind: Kind::MerchantId,
            account: mchid.clone(),
            name: None,
            amount: rest,
            description: wanted.rest.unwrap_or_else(|| REST.to_owned()),
        });
    }
    let day = shanghai::written(turn.now, "%Y%m%d");
    let mut number = |begins: &str| -> Id {
        let digits = turn.world.next("pay.sharing").digits(10);
        format!("{begins}{day}{digits}").into()
    };
    let order_id = number("3008450740");
    let parts = shares.into_iter().enumerate().map(|(at, share)| Part {
        kind: share.kind,
        account: share.account,
        amount: share.amount,
        description: share.description,
        detail_id: number("3601111111"),
        result: Outcome::Pending,
        finished_at: None,
        returned: 0,
        rest: at >= asked_for,
    });
    let sharing = Sharing {
        transaction_id: wanted.transaction_id,
        provider: whose.provider.clone(),
        order_id,
        parts: parts.collect(),
        last: wanted.last,
        created_at: turn.now.0,
        finished: false,
        serial: turn.world.serial("pay.sharing_order"),
    };
    pot::share(turn.world, &key, (others, own), wanted.last);
    let what = json!({
        "merchant": &**mchid, "arrives": &*wanted.out_order_no, "serial": sharing.serial,
    });
    turn.later(turn.now.0 + ON_ITS_WAY, NAME, what);
    let place = (mchid.clone(), wanted.out_order_no);
    let by_id = (mchid.clone(), sharing.order_id.clone());
    BY_ID.put(turn.world, by_id, place.1.clone());
    SHARINGS.put(turn.world, place, sharing.clone());
    Ok(sharing)
}

/// Unfreezes what is left of an order, which is the last of its sharings.
pub(super) fn unfreeze(
    turn: &mut Turn<'_>,
    whose: &Whose,
    transaction_id: Id,
    out_order_no: Id,
    description: &str,
) -> Result<Sharing, Objection> {
    let wanted = Wanted {
        transaction_id,
        out_order_no,
        parts: Vec::new(),
        last: true,
        rest: Some(description.to_owned()),
    };
    ask(turn, whose, wanted)
}

/// What others are to get, and the merchant itself, in fen.
fn sums(shares: &[Share], mchid: &Id) -> (i64, i64) {
    shares.iter().fold((0, 0), |(others, own), share| {
        if is_own(mchid, share.kind, &share.account) {
            (others, own + share.amount)
        } else {
            (others + share.amount, own)
        }
    })
}

/// WECHAT: one number is one sharing, described in the same words.
fn is_same(before: &Sharing, wanted: &Wanted) -> bool {
    let (rest, asked_for): (Vec<&Part>, Vec<&Part>) =
        before.parts.iter().partition(|part| part.rest);
    let words = wanted.rest.as_deref().unwrap_or(REST);
    before.transaction_id == wanted.transaction_id
        && before.last == wanted.last
        && rest.iter().all(|part| part.description == words)
        && { asked_for.into_iter() }
            .map(|part| (part.kind, &part.account, part.amount, &part.description))
            .eq({ wanted.parts.iter() }
                .map(|part| (part.kind, &part.account, part.amount, &part.description)))
}

/// Whether this may be shared; what is left of the order.
fn admit(
    turn: &Turn<'_>,
    whose: &Whose,
    key: &(Id, Id),
    wanted: &Wanted,
) -> Result<Pot, Objection> {
    let (world, mchid) = (&*turn.world, &whose.payee);
    if { whose.by_transaction(world, &wanted.transaction_id) }.is_none() {
        return Err(Objection::NoOrder);
    }
    let pot = pot::find(world, mchid, &key.1).ok_or(Objection::NotFlagged)?;
    let switched = MERCHANTS.get(world, &**mchid).map(|own| &own.rules);
    let number = |rule: &Rule| switched.map_or(0, |rules| rule.number(rules));
    // Not where the clock went back behind the payment.
    if (0..number(&DELAY)).contains(&(turn.now.0 - pot.paid_at)) {
        return Err(Objection::TooEarly);
    }
    if pot.finished {
        return Err(Objection::Finished);
    }
    if pot.requests >= limit::count(REQUESTS) || wanted.parts.len() > limit::count(PARTS) {
        return Err(Objection::TooMany);
    }
    for (at, part) in wanted.parts.iter().enumerate() {
        // WECHAT: the merchant itself is a receiver that nobody makes known, if the rest stays frozen.
        if is_own(mchid, part.kind, &part.account) {
            if wanted.last {
                return Err(Objection::Itself);
            }
        } else {
            let Some(known) = receivers::find(world, mchid, part.kind, &part.account) else {
                return Err(Objection::Unknown(part.account.clone()));
            };
            if part.name.is_some() && known.name.is_some() && part.name != known.name {
                return Err(Objection::WrongName(part.account.clone()));
            }
        }
        if { wanted.parts[..at].iter() }.any(|before| before.account == part.account) {
            return Err(Objection::Twice(part.account.clone()));
        }
    }
    let (others, own) = sums(&wanted.parts, mchid);
    if others + own > pot.left {
        return Err(Objection::TooMuch { left: pot.left });
    }
    let percent = match number(&CAP) {
        0 => limit::count(MOST_PERCENT) as i64,
        switched => switched,
    };
    if (pot.shared + others) * 100 > pot.total * percent {
        return Err(Objection::OverCap { percent });
    }
    Ok(pot.clone())
}

/// Receivers get what they are to get.
fn due(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "arrives")) {
        arrive(turn, &mchid, &number, &what["serial"]);
    }
}

fn arrive(turn: &mut Turn<'_>, mchid: &Id, out_order_no: &Id, serial: &Value) {
    let key = (mchid.clone(), out_order_no.clone());
    let Some(mut sharing) = SHARINGS.get(turn.world, &key).cloned() else {
        return;
    };
    if sharing.finished || json!(sharing.serial) != *serial {
        return;
    }
    let switched = MERCHANTS.get(turn.world, &**mchid).map(|own| &own.rules);
    let ends = ENDS.word(switched).to_owned();
    let numbers = (out_order_no, &sharing.order_id.clone());
    let of = (mchid.clone(), sharing.transaction_id.clone());
    let mut told = Vec::new();
    for (at, part) in sharing.parts.iter_mut().enumerate() {
        part.finished_at = Some(turn.now.0);
        if is_own(mchid, part.kind, &part.account) {
            pot::free(turn, mchid, numbers, part.amount);
            part.result = Outcome::Success;
            continue;
        }
        let result = match ends.as_str() {
            "SUCCESS" => give(turn, mchid, numbers, part),
            reason => Err(reason),
        };
        match result {
            Ok(()) => {
                part.result = Outcome::Success;
                told.push(at);
            }
            Err(reason) => {
                part.result = Outcome::Closed(reason.to_owned());
                pot::keep(turn, &of, numbers, part.amount);
            }
        }
    }
    sharing.finished = true;
    SHARINGS.put(turn.world, key, sharing);
    for at in told {
        let what = json!({"merchant": &**mchid, "out_order_no": &**out_order_no, "part": at});
        turn.publish(SHARED, &what);
    }
}

/// A receiver gets its part, or why it does not.
fn give(
    turn: &mut Turn<'_>,
    mchid: &Id,
    numbers: (&Id, &Id),
    part: &Part,
) -> Result<(), &'static str> {
    let known = receivers::find(turn.world, mchid, part.kind, &part.account);
    let known = known.ok_or("NO_RELATION")?;
    let person = match part.kind {
        Kind::MerchantId => None,
        Kind::PersonalOpenid | Kind::PersonalSubOpenid => {
            let person = people::person(turn.world, &known.appid, &part.account);
            Some(person.ok_or("ACCOUNT_ABNORMAL")?)
        }
    };
    if person.is_none() && !MERCHANTS.has(turn.world, &*part.account) {
        return Err("ACCOUNT_ABNORMAL");
    }
    let goes = (Purse::Frozen, Business::Sharing);
    funds::pass(turn, mchid, goes, numbers, -part.amount);
    match person {
        Some(user) => wallet::receive(turn, user, part.amount),
        None => {
            let comes = (Purse::Available, Business::Sharing);
            funds::pass(turn, &part.account, comes, numbers, part.amount);
        }
    }
    Ok(())
}

/// A receiver gives back so much of its part, or does not after all where that is negative.
pub(super) fn give_back(
    world: &mut World,
    mchid: &Id,
    out_order_no: &str,
    account: &str,
    amount: i64,
) {
    let key = (mchid.clone(), Id::from(out_order_no));
    let Some(sharing) = SHARINGS.get_mut(world, &key) else {
        return;
    };
    let mut parts = sharing.parts.iter_mut();
    if let Some(part) = parts.find(|part| &*part.account == account) {
        part.returned += amount;
    }
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(mchid) = id_in(what, "account") else {
        return;
    };
    SHARINGS.remove_under(turn.world, &mchid);
    BY_ID.remove_under(turn.world, &mchid);
}

fn index(world: &mut World) {
    let all: Vec<((Id, Id), Id)> = { SHARINGS.all(world) }
        .map(|((mchid, number), one)| ((mchid.clone(), one.order_id.clone()), number.clone()))
        .collect();
    for (key, number) in all {
        BY_ID.put(world, key, number);
    }
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let merchant = merchant::merchant(world, request.part("mchid"))?;
    let page = request.page()?;
    let after = page.id()?;
    let sharings = SHARINGS.after(world, (merchant.mchid.clone(), after.into()));
    Ok(page.answer(sharings.map(|(number, sharing)| {
        let parts = sharing.parts.iter().map(|part| {
            json!({
                "type": part.kind.name(),
                "account": &*part.account,
                "amount": part.amount,
                "result": part.result.name(),
                "fail_reason": part.result.fail_reason(),
                "returned": part.returned,
            })
        });
        let shown = json!({
            "provider": sharing.provider.as_deref(),
            "out_order_no": &**number,
            "order_id": &*sharing.order_id,
            "transaction_id": &*sharing.transaction_id,
            "state": sharing.state(),
            "created_at": sharing.created_at,
            "receivers": parts.collect::<Vec<_>>(),
        });
        (number.to_string(), shown)
    })))
}
