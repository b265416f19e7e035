//! Refunds over the interface's second generation.
//!
//! Source: doc pages "申请退款", "查询退款", "退款结果通知" of the payment interface's second generation.

use serde_json::{Map, Value, json};
use xinqiao_catalog::{code::pay_v2 as code, id::pay_v2 as v2, rules::limit};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    funds::Purse,
    order::Generation,
    refund::{self, Objection, Refund, Status, TEXTS, WALLET, Wanted},
    signature,
    v2::{HMAC, element, given, own},
};
use crate::{
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.refund_v2",
    behaviours: &[
        stateful(v2::sec_api::pay::REFUND, GIVEN_BACK, create),
        stateful(v2::pay::REFUND_QUERY, GIVEN_BACK, query),
    ],
    ..Feature::EMPTY
};
const GIVEN_BACK: &str = "a_refund_in_xml_is_accepted_found_by_each_number_and_told_sealed";

/// Names of the purses.
const SOURCES: [(&str, Purse); 2] = [
    ("REFUND_SOURCE_UNSETTLED_FUNDS", Purse::Unsettled),
    ("REFUND_SOURCE_RECHARGE_FUNDS", Purse::Available),
];
/// Refunds of one answer.
const PAGE: usize = 10;

fn source_name(purse: Purse) -> &'static str {
    let found = { SOURCES.iter() }.find(|(_, known)| *known == purse);
    // What was frozen had not been settled.
    found.map_or(SOURCES[0].0, |(name, _)| name)
}

fn refuse(objection: Objection) -> Refusal {
    match objection {
        Objection::NoOrder => Refusal::text(code::ORDERNOTEXIST, "订单不存在"),
        Objection::NotPaid => Refusal::text(code::TRADE_STATE_ERROR, "订单状态错误"),
        Objection::Different => Refusal::text(
            code::REFUND_FEE_MISMATCH,
            "订单金额或退款金额与之前请求不一致，请核实后再试",
        ),
        Objection::WrongTotal { .. } => {
            Refusal::text(code::REFUND_FEE_MISMATCH, "订单金额与原订单不一致")
        }
        Objection::Overdue => Refusal::text(code::TRADE_OVERDUE, "订单已经超过退款期限"),
        Objection::TooMany => Refusal::text(code::INVALID_REQUEST, "部分退款次数超过限制"),
        Objection::TooMuch { left: 0 } => Refusal::text(code::ERROR, "订单已全额退款"),
        Objection::TooMuch { .. } => {
            Refusal::text(code::INVALID_REQUEST, "退款金额大于订单可退金额")
        }
        Objection::TooSoon => Refusal::code(code::FREQUENCY_LIMITED),
        Objection::Short { purse, has, needs } => {
            let text = match purse {
                Purse::Unsettled => "未结算金额不足，请使用可用余额退款",
                Purse::Frozen => "订单待分账金额不足，请先回退分账或解冻剩余资金",
                Purse::Available | Purse::Operation => "基本账户余额不足，请充值后重新发起",
            };
            Refusal::text(code::NOTENOUGH, text).because(
                "pay.refund.not_enough",
                Some(format!("{} has {has} fen", purse.name())),
                Some(format!("{needs} fen")),
            )
        }
        Objection::NotAbnormal => Refusal::code(code::INVALID_REQUEST),
    }
}

/// `secapi/pay/refund`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (mchid, wanted) = wanted(turn, asked)?;
    let number = wanted.out_refund_no.clone();
    let refund = refund::ask(turn, &mchid, wanted).map_err(refuse)?;
    let fen = |amount: i64| json!(amount.to_string());
    let mut answer = json!({
        "transaction_id": &*refund.transaction_id,
        "out_trade_no": &*refund.out_trade_no,
        "out_refund_no": &*number,
        "refund_id": &*refund.id,
        "refund_fee": fen(refund.amount),
        "total_fee": fen(refund.total),
        "fee_type": refund.currency,
        "cash_fee": fen(refund.of_order().0),
        "cash_refund_fee": fen(refund.payer()),
        "coupon_refund_fee": fen(refund.discount()),
        "coupon_refund_count": fen(i64::from(refund.coupon.is_some())),
    });
    if let Some(back) = &refund.coupon {
        let (_, settled) = refund.of_order();
        if settled < refund.total {
            answer["settlement_total_fee"] = fen(settled);
            answer["settlement_refund_fee"] = fen(refund.settled());
        }
        answer["coupon_type_0"] = json!(back.of.kind_v2());
        answer["coupon_refund_id_0"] = json!(&*back.of.coupon_id);
        answer["coupon_refund_fee_0"] = fen(back.amount);
    }
    Ok(Reply::Json(answer))
}

fn wanted(turn: &Turn<'_>, asked: &Asked) -> Result<(Id, Wanted), Refusal> {
    let seller = own(turn.world, asked)?;
    let number = element(asked, "out_refund_no")?;
    let reason = given(asked, "refund_desc");
    for (limit, text) in { TEXTS.iter().map(|(_, limit)| *limit) }.zip([Some(number), reason]) {
        if text.is_some_and(|text| !limit::fits(limit, text)) {
            return Err(signature::not_understood("参数长度有误"));
        }
    }
    let fen = |name: &str| {
        let amount = element(asked, name)?.parse().ok();
        { amount.filter(|amount: &i64| *amount > 0) }
            .ok_or_else(|| signature::not_understood(&format!("{name}参数格式有误")))
    };
    let (total, amount) = (fen("total_fee")?, fen("refund_fee")?);
    if amount > total {
        return Err(Refusal::text(code::INVALID_REQUEST, "退款金额大于支付金额"));
    }
    let named = given(asked, "refund_account");
    let source = match named {
        None => Some(Purse::Unsettled),
        Some(named) => { SOURCES.iter() }
            .find(|(name, _)| *name == named)
            .map(|(_, purse)| *purse),
    };
    let source =
        source.ok_or_else(|| Refusal::text(code::PARAM_ERROR, "refund_account参数有误"))?;
    let (by_id, by_number) = (given(asked, "transaction_id"), given(asked, "out_trade_no"));
    if by_id.is_none() && by_number.is_none() {
        return Err(neither());
    }
    let (out_trade_no, _) = { seller.whose().by_either(turn.world, by_id, by_number) }
        .ok_or_else(|| refuse(Objection::NoOrder))?;
    let wanted = Wanted {
        out_trade_no: out_trade_no.clone(),
        out_refund_no: number.into(),
        amount,
        total,
        reason: reason.map(str::to_owned),
        notify_url: given(asked, "notify_url").map(str::to_owned),
        source,
        sp_mchid: seller.partner.map(|partner| partner.sp_mchid),
        generation: Generation::V2 {
            hmac: given(asked, "sign_type") == Some(HMAC),
        },
    };
    Ok((seller.payee, wanted))
}

fn neither() -> Refusal {
    signature::not_understood("缺少参数out_trade_no或transaction_id")
}

/// `pay/refundquery`.
///
/// WECHAT: refund_id wins over out_refund_no, that over transaction_id, that over out_trade_no.
fn query(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = own(turn.world, asked)?.whose();
    let world = &*turn.world;
    let one = match (given(asked, "refund_id"), given(asked, "out_refund_no")) {
        (Some(id), _) => Some(refund::by_id(world, &whose.payee, id)),
        (None, Some(number)) => Some(refund::find(world, &whose.payee, number)),
        (None, None) => None,
    };
    let all: Vec<(&Id, &Refund)> = match one {
        Some(found) => { found.into_iter() }
            .filter(|(_, refund)| refund.sp_mchid == whose.provider)
            .collect(),
        None => {
            let by = (given(asked, "transaction_id"), given(asked, "out_trade_no"));
            if by == (None, None) {
                return Err(neither());
            }
            let (number, _) =
                { whose.by_either(world, by.0, by.1) }.ok_or_else(|| refuse(Objection::NoOrder))?;
            refund::of_order(world, &whose.payee, number).collect()
        }
    };
    let Some((_, first)) = all.first() else {
        return Err(Refusal::text(code::REFUNDNOTEXIST, "退款记录不存在"));
    };
    let offset = given(asked, "offset").map_or(Some(0), |text| text.parse().ok());
    let offset: usize = offset.ok_or_else(|| signature::not_understood("offset参数格式有误"))?;
    let mut answer = Map::new();
    let mut tell = |name: &str, text: String| {
        answer.insert(name.to_owned(), json!(text));
    };
    tell("transaction_id", first.transaction_id.to_string());
    tell("out_trade_no", first.out_trade_no.to_string());
    tell("total_fee", first.total.to_string());
    let (paid, settled) = first.of_order();
    tell("cash_fee", paid.to_string());
    if settled < first.total {
        tell("settlement_total_fee", settled.to_string());
    }
    tell("fee_type", first.currency.clone());
    tell("total_refund_count", all.len().to_string());
    let page = all.iter().skip(offset).take(PAGE);
    tell("refund_count", page.len().to_string());
    for (at, (number, refund)) in page.enumerate() {
        let mut tell = |name: &str, text: String| tell(&format!("{name}_{at}"), text);
        tell("out_refund_no", number.to_string());
        tell("refund_id", refund.id.to_string());
        tell("refund_channel", "ORIGINAL".to_owned());
        tell("refund_status", status(refund.status).to_owned());
        tell("refund_account", source_name(refund.source).to_owned());
        tell("refund_recv_accout", received_by(refund).to_owned());
        tell("refund_fee", refund.amount.to_string());
        if let Some(back) = &refund.coupon {
            tell("settlement_refund_fee", refund.settled().to_string());
            tell("coupon_refund_fee", back.amount.to_string());
            tell("coupon_refund_count", "1".to_owned());
        }
        if let Some(at) = refund.status.success_at() {
            let time = shanghai::written(UnixSeconds(at), "%Y-%m-%d %H:%M:%S");
            tell("refund_success_time", time);
        }
    }
    Ok(Reply::Json(Value::Object(answer)))
}

/// Where a refund goes: a wallet is called a little otherwise here.
fn received_by(refund: &Refund) -> &str {
    match refund.received_by.as_str() {
        WALLET => "支付用户的零钱",
        other => other,
    }
}

/// The states by their names here.
fn status(status: Status) -> &'static str {
    match status {
        Status::Processing => "PROCESSING",
        Status::Success { .. } => "SUCCESS",
        Status::Closed => "REFUNDCLOSE",
        Status::Abnormal => "CHANGE",
    }
}

/// What a notice tells, before it is sealed.
pub(super) fn told(number: &str, refund: &Refund) -> Map<String, Value> {
    let mut told = Map::new();
    let mut tell = |name: &str, text: String| {
        told.insert(name.to_owned(), json!(text));
    };
    tell("transaction_id", refund.transaction_id.to_string());
    tell("out_trade_no", refund.out_trade_no.to_string());
    tell("refund_id", refund.id.to_string());
    tell("out_refund_no", number.to_owned());
    tell("total_fee", refund.total.to_string());
    tell("settlement_total_fee", refund.of_order().1.to_string());
    tell("refund_fee", refund.amount.to_string());
    tell("settlement_refund_fee", refund.settled().to_string());
    tell("refund_status", status(refund.status).to_owned());
    tell("refund_recv_accout", received_by(refund).to_owned());
    tell("refund_account", source_name(refund.source).to_owned());
    tell("refund_request_source", "API".to_owned());
    if let Some(at) = refund.status.success_at() {
        let time = shanghai::written(UnixSeconds(at), "%Y-%m-%d %H:%M:%S");
        tell("success_time", time);
    }
    told
}
