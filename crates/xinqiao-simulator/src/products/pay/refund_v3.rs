//! Refunds over the interface's third generation.
//!
//! Source: doc pages "申请退款", "查询单笔退款（按商户退款单号）", "发起异常退款".

use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v3 as code, id::pay_v3 as v3, rules::limit};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    funds::Purse,
    order::{CURRENCY, Generation},
    refund::{self, Objection, Refund, TEXTS, Wanted},
    v3::{parameter, whose},
    whose::Whose,
};
use crate::{
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::Turn,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.refund_v3",
    behaviours: &[
        stateful(v3::refund::domestic::CREATE, GIVEN_BACK, create),
        stateful(v3::refund::domestic::GET, GIVEN_BACK, get),
        stateful(
            v3::refund::domestic::APPLY_ABNORMAL_REFUND,
            ABNORMAL,
            apply_abnormal,
        ),
    ],
    ..Feature::EMPTY
};
const GIVEN_BACK: &str = "a_refund_is_accepted_arrives_and_is_told";
const ABNORMAL: &str = "a_refund_that_does_not_arrive_is_sent_elsewhere";

/// Whose bank account takes an abnormal refund.
const TO_USER: &str = "USER_BANK_CARD";
const TO_MERCHANT: &str = "MERCHANT_BANK_CARD";

fn refuse(objection: Objection) -> Refusal {
    let invalid = |text: &str| Refusal::text(code::INVALID_REQUEST, text);
    match objection {
        Objection::NoOrder => Refusal::text(code::ORDER_NOT_EXIST, "订单不存在"),
        Objection::NotPaid => invalid("订单状态错误：该订单未支付"),
        Objection::Different => invalid("订单金额或退款金额与之前请求不一致，请核实后再试")
            .because(
                "pay.refund.repeated",
                Some("other amounts, or another order, under a number that is used".to_owned()),
                None,
            ),
        Objection::WrongTotal { total } => {
            let expected = Some(total.to_string());
            invalid("订单金额与原订单不一致").because("call.parameter", None, expected)
        }
        Objection::Overdue => invalid("订单已经超过可退款的最大期限"),
        Objection::TooMany => invalid("部分退款次数超过限制"),
        Objection::TooMuch { left: 0 } => invalid("订单已全额退款"),
        Objection::TooMuch { left } => invalid("退款金额大于订单可退金额").because(
            "call.parameter",
            None,
            Some(format!("at most {left} fen")),
        ),
        Objection::TooSoon => Refusal::code(code::FREQUENCY_LIMITED),
        Objection::Short { purse, has, needs } => {
            let text = match purse {
                Purse::Unsettled => "未结算资金不足，请使用可用余额退款",
                Purse::Frozen => "订单待分账金额不足，请先回退分账或解冻剩余资金",
                Purse::Available | Purse::Operation => "基本账户余额不足，请充值后重新发起",
            };
            Refusal::text(code::NOT_ENOUGH, text).because(
                "pay.refund.not_enough",
                Some(format!("{} has {has} fen", purse.name())),
                Some(format!("{needs} fen")),
            )
        }
        Objection::NotAbnormal => invalid("退款单状态不是退款异常，不能发起异常退款"),
    }
}

/// `refund/domestic/refunds`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = whose(turn.world, asked)?;
    let wanted = wanted(turn, asked, &whose)?;
    let number = wanted.out_refund_no.clone();
    let refund = refund::ask(turn, &whose.payee, wanted).map_err(refuse)?;
    Ok(Reply::Json(shown(&number, &refund)))
}

fn wanted(turn: &Turn<'_>, asked: &Asked, whose: &Whose) -> Result<Wanted, Refusal> {
    let number = asked.text("out_refund_no")?;
    for (name, limit) in TEXTS {
        if let Some(text) = asked.given(name).filter(|text| !limit::fits(limit, text)) {
            return Err(parameter(name, &json!(text), "has a wrong length"));
        }
    }
    let fine = |c: char| c.is_ascii_alphanumeric() || "_-|*@".contains(c);
    if !number.chars().all(fine) {
        let issue = "may hold digits, letters and _-|*@ only";
        return Err(parameter("out_refund_no", &json!(number), issue));
    }
    let amount = asked.group("amount")?;
    let whole = |name: &str| {
        let given = amount[name].as_i64().filter(|fen| *fen > 0);
        given.ok_or_else(|| {
            let field = format!("amount.{name}");
            parameter(&field, &amount[name], "must be at least 1 fen")
        })
    };
    let (refund, total) = (whole("refund")?, whole("total")?);
    if refund > total {
        let issue = "is more than amount.total";
        return Err(parameter("amount.refund", &json!(refund), issue));
    }
    if amount["currency"] != CURRENCY {
        return Err(parameter(
            "amount.currency",
            &amount["currency"],
            "must be CNY",
        ));
    }
    let source = match asked.given("funds_account") {
        None | Some("UNSETTLED") => Purse::Unsettled,
        Some("AVAILABLE") => Purse::Available,
        Some(other) => {
            let issue = "must be AVAILABLE or UNSETTLED";
            return Err(parameter("funds_account", &json!(other), issue));
        }
    };
    if let Some(url) = asked.given("notify_url") {
        super::v3::address("notify_url", url)?;
    }
    let (by_id, by_number) = (asked.given("transaction_id"), asked.given("out_trade_no"));
    if by_id.is_none() && by_number.is_none() {
        let issue = "is missing: give transaction_id or out_trade_no";
        return Err(parameter("transaction_id", &Value::Null, issue));
    }
    let (out_trade_no, _) = { whose.by_either(turn.world, by_id, by_number) }
        .ok_or_else(|| refuse(Objection::NoOrder))?;
    Ok(Wanted {
        out_trade_no: out_trade_no.clone(),
        out_refund_no: number.into(),
        amount: refund,
        total,
        reason: asked.given("reason").map(str::to_owned),
        notify_url: asked.given("notify_url").map(str::to_owned),
        source,
        sp_mchid: whose.provider.clone(),
        generation: Generation::V3,
    })
}

fn missing() -> Refusal {
    Refusal::text(code::RESOURCE_NOT_EXISTS, "退款单不存在")
}

/// `refund/domestic/refunds/{out_refund_no}`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = whose(turn.world, asked)?;
    let found = refund::find(turn.world, &whose.payee, asked.text("out_refund_no")?);
    let found = found.filter(|(_, refund)| refund.sp_mchid == whose.provider);
    let (number, refund) = found.ok_or_else(missing)?;
    Ok(Reply::Json(shown(number, refund)))
}

/// `refund/domestic/refunds/{refund_id}/apply-abnormal-refund`.
fn apply_abnormal(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = whose(turn.world, asked)?;
    let mchid = &whose.payee;
    let found = refund::by_id(turn.world, mchid, asked.text("refund_id")?);
    let found = found.filter(|(_, refund)| refund.sp_mchid == whose.provider);
    let (number, _) = found.ok_or_else(missing)?;
    let number = number.clone();
    if asked.text("out_refund_no")? != &*number {
        let issue = "is not the number of this refund_id";
        let given = json!(asked.given("out_refund_no"));
        return Err(parameter("out_refund_no", &given, issue));
    }
    let received_by = match asked.text("type")? {
        TO_USER => {
            for name in ["bank_account", "real_name"] {
                if asked.given(name).is_none_or(str::is_empty) {
                    let issue = "is needed for a user's bank card";
                    return Err(parameter(name, &Value::Null, issue));
                }
            }
            asked.text("bank_type")?
        }
        TO_MERCHANT => "商户结算银行账户",
        other => return Err(parameter("type", &json!(other), "is unknown")),
    };
    refund::elsewhere(turn, mchid, &number, received_by.to_owned()).map_err(refuse)?;
    let (number, refund) = refund::find(turn.world, mchid, &number).ok_or_else(missing)?;
    Ok(Reply::Json(shown(number, refund)))
}

/// What a refund comes to: for the payer, for who sold, and for the coupon that paid a part.
fn amount(refund: &Refund) -> Value {
    let (payer_total, settlement_total) = refund.of_order();
    json!({
        "total": refund.total,
        "refund": refund.amount,
        "payer_total": payer_total,
        "payer_refund": refund.payer(),
        "settlement_total": settlement_total,
        "settlement_refund": refund.settled(),
        "discount_refund": refund.discount(),
        "currency": refund.currency,
        "from": [],
    })
}

fn success_time(refund: &Refund) -> Option<String> {
    let at = refund.status.success_at()?;
    Some(shanghai::rfc3339(UnixSeconds(at)))
}

/// A refund as answers show it.
fn shown(number: &str, refund: &Refund) -> Value {
    let promotions: Value = { refund.coupon.iter() }
        .map(|back| back.of.refunded(back.amount))
        .collect();
    let mut shown = json!({
        "refund_id": &*refund.id,
        "out_refund_no": number,
        "transaction_id": &*refund.transaction_id,
        "out_trade_no": &*refund.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": refund.received_by,
        "create_time": shanghai::rfc3339(UnixSeconds(refund.created_at)),
        "status": refund.status.name(),
        "funds_account": refund.source.name(),
        "amount": amount(refund),
        "promotion_detail": promotions,
    });
    if let Some(time) = success_time(refund) {
        shown["success_time"] = json!(time);
    }
    shown
}

/// A refund as notices show it.
pub(super) fn told(mchid: &str, number: &str, refund: &Refund) -> Value {
    let mut told = json!({
        "out_trade_no": &*refund.out_trade_no,
        "transaction_id": &*refund.transaction_id,
        "out_refund_no": number,
        "refund_id": &*refund.id,
        "refund_status": refund.status.name(),
        "user_received_account": refund.received_by,
        "amount": amount(refund),
    });
    match &refund.sp_mchid {
        None => told["mchid"] = json!(mchid),
        Some(sp_mchid) => {
            told["sp_mchid"] = json!(&**sp_mchid);
            told["sub_mchid"] = json!(mchid);
        }
    }
    if let Some(time) = success_time(refund) {
        told["success_time"] = json!(time);
    }
    told
}
