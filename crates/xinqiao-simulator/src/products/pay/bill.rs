//! Bills of a day: what was paid and refunded, and how the money moved, as tables in text.
//!
//! Rows are chosen by the time at which an order was paid or a refund was accepted; sums stand behind them. Amounts are
//! yuan, and every value has a back-quote before it.
//!
//! Source: doc pages "下载交易账单", "下载资金账单".

use std::fmt::Write as _;

use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    funds::{self, Account, Business, Movement},
    order::{self, Order},
    refund::{self, Refund, Status},
    seller::sub_merchants,
};
use crate::{
    accounts::{
        merchant::MERCHANTS,
        rules::{Preset, Rule},
    },
    kernel::{Id, World, declared::yuan},
};

/// From which hour of a day on the bill of the day before is there.
pub(super) static READY: Rule = Rule {
    name: "pay.bill_ready_hour",
    default: Preset::Number(0, 23),
    about: (
        "次日几点起可以下载账单，设在商户上；平台约为 9 点，设为 9 时更早的请求得到 STATEMENT_CREATING",
        "from which hour on the bill of the day before is there; set on the merchant. On the platform it is about 9: set that, and who asks earlier gets STATEMENT_CREATING",
    ),
    source: "page 4012556692 says ten o'clock; by default a test need not wait for the morning",
};

/// Which rows a bill of trades has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trades {
    All,
    Paid,
    Refunded,
}

/// Why there is no bill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacking {
    /// That day is not over.
    NotOver,
    /// It is being made.
    Early,
    /// Nothing happened.
    Empty,
}

const HEAD: [&str; 14] = [
    "交易时间",
    "公众账号ID",
    "商户号",
    "特约商户号",
    "设备号",
    "微信订单号",
    "商户订单号",
    "用户标识",
    "交易类型",
    "交易状态",
    "付款银行",
    "货币种类",
    "应结订单金额",
    "代金券金额",
];
const REFUND_TIMES: [&str; 2] = ["退款申请时间", "退款成功时间"];
const REFUND: [&str; 6] = [
    "微信退款单号",
    "商户退款单号",
    "退款金额",
    "充值券退款金额",
    "退款类型",
    "退款状态",
];
const TAIL: [&str; 5] = ["商品名称", "商户数据包", "手续费", "费率", "订单金额"];
const ASKED_BACK: &str = "申请退款金额";
const RATE_NOTE: &str = "费率备注";
const SUMS: [&str; 7] = [
    "总交易单数",
    "应结订单总金额",
    "退款总金额",
    "充值券退款总金额",
    "手续费总金额",
    "订单总金额",
    "申请退款总金额",
];
const FLOW: [&str; 11] = [
    "记账时间",
    "微信支付业务单号",
    "资金流水单号",
    "业务名称",
    "业务类型",
    "收支类型",
    "收支金额(元)",
    "账户结余(元)",
    "资金变更提交申请人",
    "备注",
    "业务凭证号",
];
const FLOW_SUMS: [&str; 5] = [
    "资金流水总笔数",
    "收入笔数",
    "收入金额",
    "支出笔数",
    "支出金额",
];
/// The state of an order that was taken back.
const REVERSED: &str = "REVOKED";
/// Where there is no sub-merchant, no refund.
const NONE: &str = "0";

/// The bill's text, and how many rows it has.
struct Table {
    text: String,
    rows: usize,
}

impl Table {
    fn new(columns: &[&str]) -> Self {
        // WECHAT: a byte order mark stands first, and lines end as on Windows.
        Self {
            text: format!("\u{feff}{}\r\n", columns.join(",")),
            rows: 0,
        }
    }

    fn row(&mut self, values: &[&str]) {
        self.rows += 1;
        self.line(values);
    }

    fn line(&mut self, values: &[&str]) {
        for (at, value) in values.iter().enumerate() {
            self.text.push_str(if at == 0 { "`" } else { ",`" });
            // A line break would end the row; a comma is left as it is, as the platform leaves it.
            self.text
                .extend(value.chars().filter(|c| !matches!(c, '\r' | '\n')));
        }
        self.text.push_str("\r\n");
    }

    fn sums(mut self, columns: &[&str], values: &[&str]) -> String {
        let _ = write!(self.text, "{}\r\n", columns.join(","));
        self.line(values);
        self.text
    }
}

fn time(at: i64) -> String {
    shanghai::written(UnixSeconds(at), "%Y-%m-%d %H:%M:%S")
}

/// From when to when the day is that begins at this second, if its bill is there.
fn day(
    world: &World,
    mchid: &Id,
    begins: UnixSeconds,
    now: UnixSeconds,
) -> Result<(UnixSeconds, UnixSeconds), Lacking> {
    let ends = shanghai::next_midnight(begins);
    if now < ends {
        return Err(Lacking::NotOver);
    }
    let merchant = MERCHANTS.get(world, &**mchid);
    let hour = merchant.map_or(0, |merchant| READY.number(&merchant.rules));
    if now.0 < ends.0 + hour * 3600 {
        return Err(Lacking::Early);
    }
    Ok((begins, ends))
}

/// The bill of the trades of a day, which is named by its first second. A service provider's has what it did for its
/// sub-merchants too, or for the one that is asked for.
pub(super) fn trades(
    world: &World,
    mchid: &Id,
    of_sub: Option<&str>,
    which: Trades,
    begins: UnixSeconds,
    now: UnixSeconds,
) -> Result<String, Lacking> {
    let (from, until) = day(world, mchid, begins, now)?;
    let refunds = match which {
        Trades::All => &REFUND[..],
        Trades::Paid => &[],
        Trades::Refunded => &[REFUND_TIMES.as_slice(), &REFUND].concat(),
    };
    let back = if which == Trades::Paid {
        &[][..]
    } else {
        &[ASKED_BACK]
    };
    let mut table = Table::new(&[&HEAD, refunds, &TAIL, back, &[RATE_NOTE]].concat());
    let mut sums = Sums::default();
    for Moved(payee, movement) in of_caller(world, mchid, of_sub, from, until) {
        let number = &movement.number;
        match movement.business {
            Business::Payment if which != Trades::Refunded => {
                if let Some(order) = order_of(world, mchid, payee, number) {
                    sums.settled += order.settled();
                    sums.ordered += order.total;
                    paid(&mut table, payee, which, number, order);
                }
            }
            Business::Refund if which != Trades::Paid => {
                let Some((number, refund)) = refund::find(world, payee, number) else {
                    continue;
                };
                if let Some(order) = order_of(world, mchid, payee, &refund.out_trade_no) {
                    // What was closed came back: it has its row, and is no part of the sums.
                    if refund.status != Status::Closed {
                        sums.given_back += refund.settled();
                        sums.of_coupons += prepaid(refund);
                        sums.asked_back += refund.amount;
                    }
                    refunded(&mut table, payee, which, (number, refund), order);
                }
            }
            Business::Reversal if which != Trades::Paid => {
                if let Some(order) = order_of(world, mchid, payee, number) {
                    sums.given_back += order.settled();
                    sums.of_coupons += prepaid_of(order);
                    sums.asked_back += order.total;
                    reversed(&mut table, payee, which, movement, order);
                }
            }
            _ => {}
        }
    }
    if table.rows == 0 {
        return Err(Lacking::Empty);
    }
    let rows = table.rows.to_string();
    let sums = [
        &rows,
        &yuan(sums.settled),
        &yuan(sums.given_back),
        &yuan(sums.of_coupons),
        "0.00000",
        &yuan(sums.ordered),
        &yuan(sums.asked_back),
    ];
    Ok(table.sums(&SUMS, &sums))
}

/// What stands behind the rows, in fen.
#[derive(Debug, Default)]
struct Sums {
    settled: i64,
    given_back: i64,
    of_coupons: i64,
    ordered: i64,
    asked_back: i64,
}

/// What prepaid coupons paid of an order: those of which who sells gets the sum.
fn prepaid_of(order: &Order) -> i64 {
    let coupon = order.coupon.as_ref();
    coupon.map_or(0, |coupon| coupon.prepaid(coupon.amount))
}

/// What goes back to such coupons.
fn prepaid(refund: &Refund) -> i64 {
    let back = refund.coupon.as_ref();
    back.map_or(0, |back| back.of.prepaid(back.amount))
}

/// A movement, and the merchant whose money moved.
struct Moved<'w>(&'w Id, &'w Movement);

/// What moved for a merchant and its sub-merchants, in the order of its happening.
fn of_caller<'w>(
    world: &'w World,
    mchid: &Id,
    of_sub: Option<&str>,
    from: UnixSeconds,
    until: UnixSeconds,
) -> Vec<Moved<'w>> {
    let own = MERCHANTS.entry(world, &**mchid);
    let all = own.into_iter().chain(sub_merchants(world, mchid));
    let wanted = all.filter(|(payee, _)| of_sub.is_none_or(|sub| sub == &***payee));
    let mut moved: Vec<(u64, Moved<'w>)> = wanted
        .flat_map(|(payee, _)| {
            let movements = funds::moved(world, payee, from, until);
            movements.map(move |(serial, movement)| (serial, Moved(payee, movement)))
        })
        .collect();
    moved.sort_by_key(|(serial, _)| *serial);
    moved.into_iter().map(|(_, moved)| moved).collect()
}

/// An order, if it stands in this caller's bill: a sub-merchant's where its provider placed it.
fn order_of<'w>(world: &'w World, caller: &Id, payee: &Id, number: &Id) -> Option<&'w Order> {
    let order = order::find(world, payee, number)?;
    let placed = order.partner.as_ref().map(|partner| &partner.sp_mchid);
    (payee == caller || placed == Some(caller)).then_some(order)
}

/// The columns that payments and refunds have alike.
fn head<'a>(
    at: &'a str,
    mchid: &'a str,
    number: &'a str,
    order: &'a Order,
    state: &'a str,
    (settled, coupon): (&'a str, &'a str),
) -> [&'a str; 14] {
    let transaction_id = order.payment().map_or("", |(id, _)| id);
    let provider = order.partner.as_ref();
    [
        at,
        provider.map_or(&order.appid, |own| &own.sp_appid),
        provider.map_or(mchid, |own| &own.sp_mchid),
        if provider.is_some() { mchid } else { NONE },
        "",
        transaction_id,
        number,
        order.payer.as_deref().unwrap_or_default(),
        order.trade_type.name(),
        state,
        "OTHERS",
        &order.currency,
        settled,
        coupon,
    ]
}

fn tail<'a>(order: &'a Order, total: &'a str) -> [&'a str; 5] {
    let attach = order.attach.as_deref().unwrap_or_default();
    [&order.description, attach, "0.00000", "0.00%", total]
}

fn paid(table: &mut Table, mchid: &str, which: Trades, number: &str, order: &Order) {
    let at = order.payment().map_or_else(String::new, |(_, at)| time(at));
    let (total, settled) = (yuan(order.total), yuan(order.settled()));
    let sums = (settled.as_str(), &*yuan(prepaid_of(order)));
    let head = head(&at, mchid, number, order, "SUCCESS", sums);
    let refunds: &[&str] = match which {
        Trades::All => &[NONE, NONE, "0.00", "0.00", "", ""],
        _ => &[],
    };
    let back: &[&str] = if which == Trades::All { &["0.00"] } else { &[] };
    table.row(&[&head, refunds, &tail(order, &total), back, &[""]].concat());
}

/// Of an order that is given back: its sums where the bill tells refunds only, as the bill of all tells the order apart.
fn of_back(which: Trades, order: &Order) -> (String, String, String) {
    let (settled, coupon, total) = match which {
        Trades::Refunded => (order.settled(), prepaid_of(order), order.total),
        _ => (0, 0, 0),
    };
    (yuan(settled), yuan(coupon), yuan(total))
}

fn refunded(
    table: &mut Table,
    mchid: &str,
    which: Trades,
    (number, refund): (&str, &Refund),
    order: &Order,
) {
    let (asked, amount) = (time(refund.created_at), yuan(refund.amount));
    // WECHAT: a refund's row in the bill of refunds has the order's time, in the bill of all its own.
    let at = match (order.payment(), which) {
        (Some((_, at)), Trades::Refunded) => time(at),
        _ => asked.clone(),
    };
    let arrived = refund.status.success_at().map(time).unwrap_or_default();
    let (settled, coupon, total) = of_back(which, order);
    let sums = (&*settled, &*coupon);
    let head = head(&at, mchid, &refund.out_trade_no, order, "REFUND", sums);
    let times: &[&str] = match which {
        Trades::Refunded => &[&asked, &arrived],
        _ => &[],
    };
    let status = refund.status.name();
    let (back, coupon) = (yuan(refund.settled()), yuan(prepaid(refund)));
    let own = [&*refund.id, number, &back, &coupon, "ORIGINAL", status];
    table.row(&[&head, times, &own, &tail(order, &total), &[&amount], &[""]].concat());
}

/// An order that was taken back: all of it went back, with its own number and no refund's.
fn reversed(table: &mut Table, mchid: &str, which: Trades, movement: &Movement, order: &Order) {
    let (asked, amount) = (time(movement.at), yuan(order.total));
    let at = match (order.payment(), which) {
        (Some((_, at)), Trades::Refunded) => time(at),
        _ => asked.clone(),
    };
    let (settled, coupon, total) = of_back(which, order);
    let sums = (&*settled, &*coupon);
    let head = head(&at, mchid, &movement.number, order, REVERSED, sums);
    let times: &[&str] = match which {
        Trades::Refunded => &[&asked, &asked],
        _ => &[],
    };
    let (back, coupon) = (yuan(order.settled()), yuan(prepaid_of(order)));
    let own = [NONE, NONE, &back, &coupon, "ORIGINAL", "SUCCESS"];
    table.row(&[&head, times, &own, &tail(order, &total), &[&amount], &[""]].concat());
}

/// The bill of a day's movements in an account, which is named by its first second.
pub(super) fn flow(
    world: &World,
    mchid: &Id,
    account: Account,
    begins: UnixSeconds,
    now: UnixSeconds,
) -> Result<String, Lacking> {
    let (from, until) = day(world, mchid, begins, now)?;
    let mut table = Table::new(&FLOW);
    let (mut came, mut went) = ((0, 0), (0, 0));
    for (serial, movement) in funds::moved(world, mchid, from, until) {
        // What moves from one purse to the other does not leave the account.
        if movement.change == 0
            || movement.business.is_within()
            || movement.purse.account() != account
        {
            continue;
        }
        let sum = if movement.change > 0 {
            &mut came
        } else {
            &mut went
        };
        *sum = (sum.0 + 1, sum.1 + movement.change.abs());
        moved(&mut table, world, mchid, serial, movement);
    }
    if table.rows == 0 {
        return Err(Lacking::Empty);
    }
    let sums = [
        table.rows.to_string(),
        came.0.to_string(),
        yuan(came.1),
        went.0.to_string(),
        yuan(went.1),
    ];
    let sums: Vec<&str> = sums.iter().map(String::as_str).collect();
    Ok(table.sums(&FLOW_SUMS, &sums))
}

fn moved(table: &mut Table, world: &World, mchid: &Id, serial: u64, movement: &Movement) {
    let number = &*movement.number;
    let refund = || refund::find(world, mchid, number).map(|(_, refund)| refund.id.to_string());
    let order = || {
        let (id, _) = order::find(world, mchid, number)?.payment()?;
        Some(id.to_string())
    };
    let (name, id) = match movement.business {
        Business::Payment => ("交易", order()),
        Business::Reversal => ("撤销", order()),
        Business::Refund => ("退款", refund()),
        Business::RefundReturned => ("退款退回", refund()),
        Business::Sharing => ("分账", movement.platform()),
        Business::SharingReturned => ("分账回退", movement.platform()),
        Business::Transfer => ("商家转账", movement.platform()),
        Business::TransferReturned => ("商家转账退回", movement.platform()),
        Business::RedPacket => ("现金红包", movement.platform()),
        Business::RedPacketReturned => ("现金红包退回", movement.platform()),
        Business::CouponBudget => ("代金券营销经费", Some(number.to_owned())),
        Business::CouponBudgetReturned => ("代金券营销经费退回", Some(number.to_owned())),
        Business::Settlement | Business::Unfreezing | Business::Adjustment => {
            let name = if movement.change > 0 {
                "充值"
            } else {
                "提现"
            };
            (name, None)
        }
    };
    let direction = if movement.change > 0 {
        "收入"
    } else {
        "支出"
    };
    table.row(&[
        &time(movement.at),
        &id.unwrap_or_default(),
        &format!("{serial:018}"),
        name,
        name,
        direction,
        &yuan(movement.change.abs()),
        &yuan(movement.total),
        "system",
        "",
        number,
    ]);
}
