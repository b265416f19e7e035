//! What was used of a stock of coupons, and what came back of it, as tables in text with their hash.
//!
//! Each value has a back-quote before it, as in bills. Columns of what was used are as merchants get them; what came back
//! is told in the same columns, with the refund's number, since no page tells its own.
//!
//! Source: doc pages "下载批次核销明细", "下载批次退款明细".

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::id::pay_v3 as v3;
use xinqiao_types::{UnixSeconds, shanghai};

use super::{bill_download, coupon_stock, coupon_stock_v3::missing, signature, v3::parameter};
use crate::{
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, declared::yuan},
    products::Feature,
};

/// By stock, in the order of their happening.
static FLOW: Table<(Id, u64), Entry> = Table::new("pay.coupon_flow", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "pay.coupon_flow",
    tables: &[&FLOW],
    behaviours: &[
        stateful(v3::marketing::favor::GET_STOCK_USE_FLOW, FETCHED, used),
        stateful(
            v3::marketing::favor::GET_STOCK_REFUND_FLOW,
            FETCHED,
            refunded,
        ),
        stateful(
            v3::marketing::favor::GET_STOCK_USE_FLOW_BY_DAY,
            OF_A_DAY,
            used_by_day,
        ),
        stateful(
            v3::marketing::favor::GET_STOCK_REFUND_FLOW_BY_DAY,
            OF_A_DAY,
            refunded_by_day,
        ),
    ],
    ..Feature::EMPTY
};
const FETCHED: &str = "uses_and_refunds_of_a_stock_are_fetched_with_their_hash";
const OF_A_DAY: &str = "uses_and_refunds_of_a_stock_are_told_by_day";

/// How long a table may be fetched. Source: the pages of both.
const LIFE: i64 = 30;

/// A use, or what came back of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) coupon_id: Id,
    pub(super) is_single: bool,
    /// In fen, as the order's sum.
    pub(super) amount: i64,
    pub(super) total: i64,
    pub(super) transaction_id: Id,
    /// Who sold.
    pub(super) mchid: Id,
    pub(super) at: i64,
    /// The merchant's number of the refund, or of the order that was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) refund: Option<Id>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) goods: Vec<String>,
}

const COLUMNS: [&str; 12] = [
    "批次ID",
    "优惠ID",
    "优惠类型",
    "优惠金额（元）",
    "订单总金额（元）",
    "交易类型",
    "支付单号",
    "消耗时间",
    "消耗商户号",
    "设备号",
    "银行流水号",
    "单品信息",
];
const BACK: &str = "退款单号";

/// Keeps what happened now.
pub(super) fn note(turn: &mut Turn<'_>, stock_id: &Id, mut entry: Entry) {
    entry.at = turn.now.0;
    let serial = turn.world.serial("pay.coupon_flow");
    FLOW.put(turn.world, (stock_id.clone(), serial), entry);
}

/// A stock is gone.
pub(super) fn forget(turn: &mut Turn<'_>, stock_id: &Id) {
    FLOW.remove_under(turn.world, stock_id);
}

/// The table of uses, or of what came back, and how many there are.
fn written(turn: &Turn<'_>, stock_id: &Id, back: bool, day: Option<(i64, i64)>) -> (String, usize) {
    let mut text = format!("\u{feff}{}", COLUMNS.join(","));
    if back {
        let _ = write!(text, ",{BACK}");
    }
    text.push_str("\r\n");
    let mut rows = 0;
    for (_, entry) in FLOW.under(turn.world, stock_id) {
        let other = entry.refund.is_some() != back;
        if other || day.is_some_and(|(from, until)| !(from..until).contains(&entry.at)) {
            continue;
        }
        let kind = if entry.is_single {
            "单品券"
        } else {
            "全场券"
        };
        let at = shanghai::written(UnixSeconds(entry.at), "%Y-%m-%d %H:%M:%S");
        let (amount, total) = (yuan(entry.amount), yuan(entry.total));
        let goods = entry.goods.join("|");
        let values = [
            &**stock_id,
            &*entry.coupon_id,
            kind,
            &amount,
            &total,
            if back { "退款" } else { "支付" },
            &*entry.transaction_id,
            &at,
            &*entry.mchid,
            "",
            "",
            &goods,
        ];
        let _ = write!(text, "`{}", values.join(",`"));
        if let Some(refund) = &entry.refund {
            let _ = write!(text, ",`{refund}");
        }
        text.push_str("\r\n");
        rows += 1;
    }
    (text, rows)
}

/// Who calls, and its stock.
fn own(turn: &Turn<'_>, asked: &Asked) -> Result<(Id, Id), Refusal> {
    let caller = signature::caller(turn.world, asked)?.mchid.clone();
    let stock_id: Id = asked.text("stock_id")?.into();
    coupon_stock::find(turn.world, &caller, &stock_id).ok_or_else(missing)?;
    Ok((caller, stock_id))
}

/// `marketing/favor/stocks/{stock_id}/use-flow`.
fn used(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    whole(turn, asked, false)
}

/// `marketing/favor/stocks/{stock_id}/refund-flow`.
fn refunded(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    whole(turn, asked, true)
}

fn whole(turn: &mut Turn<'_>, asked: &Asked, back: bool) -> Verdict {
    let (caller, stock_id) = own(turn, asked)?;
    let (text, _) = written(turn, &stock_id, back, None);
    let (hash, url) = bill_download::kept(turn, asked, &caller, &text, LIFE);
    Ok(Reply::Json(json!({
        "hash_type": "SHA1", "hash_value": hash, "url": url,
    })))
}

/// `marketing/favor/stocks/{stock_id}/use-flow-by-day`.
fn used_by_day(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    by_day(turn, asked, false)
}

/// `marketing/favor/stocks/{stock_id}/refund-flow-by-day`.
fn refunded_by_day(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    by_day(turn, asked, true)
}

fn by_day(turn: &mut Turn<'_>, asked: &Asked, back: bool) -> Verdict {
    let (caller, stock_id) = own(turn, asked)?;
    let text = asked.text("bill_date")?;
    let begins = bill_download::day(text, "-");
    let issue = "must be a day as 2026-02-01";
    let begins = begins.ok_or_else(|| parameter("bill_date", &json!(text), issue))?;
    let day = (begins.0, shanghai::next_midnight(begins).0);
    let (text, rows) = written(turn, &stock_id, back, Some(day));
    let (hash, url) = bill_download::kept(turn, asked, &caller, &text, LIFE);
    let name = if back { "refundflow" } else { "useflow" };
    let mut told = json!({"url": url});
    told[format!("stock_{name}_hash")] = Value::String(hash);
    told[format!("stock_{name}_count")] = json!(rows);
    Ok(Reply::Json(told))
}
