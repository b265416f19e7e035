//! Payments at a till over the interface's second generation.
//!
//! WECHAT: the platform asks for the merchant's certificate before it takes an order back; here nothing is asked, since
//! apps come over plain HTTP.
//!
//! Source: doc pages "付款码支付", "撤销订单", "付款码查询openid" of the payment interface's second generation.

use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v2 as code, id::pay_v2 as v2};

use super::{
    code_payment::{self, Kept, Objection},
    order::{self, TradeType},
    pay_code::{self, Trouble},
    v2::{draft, element, given, number_and_order, own, paid, refuse as refuse_order},
};
use crate::{
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn},
    people::phone,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.code_v2",
    behaviours: &[
        stateful(v2::pay::MICRO_PAY, CHARGED, charge),
        stateful(v2::sec_api::pay::REVERSE, REVERSED, reverse),
        stateful(v2::tools::AUTH_CODE_TO_OPENID, EXCHANGED, exchange),
    ],
    ..Feature::EMPTY
};
const CHARGED: &str = "a_code_is_charged_in_xml_once_and_within_its_minute";
const REVERSED: &str = "an_order_at_a_till_is_taken_back_in_xml";
const EXCHANGED: &str = "a_code_in_xml_tells_whose_it_is";

fn refuse_code(trouble: Trouble) -> Refusal {
    match trouble {
        Trouble::Malformed => Refusal::text(code::AUTH_CODE_ERROR, "付款码格式错误"),
        Trouble::Unknown => Refusal::text(code::AUTH_CODE_INVALID, "101 付款码无效，请重新扫码"),
        Trouble::Used => Refusal::text(
            code::AUTH_CODE_INVALID,
            "101 每个二维码仅限使用一次，请刷新再试",
        ),
        Trouble::Expired => Refusal::text(
            code::AUTHCODEEXPIRE,
            "二维码已过期，请用户在微信上刷新后再试",
        ),
    }
}

fn refuse(objection: Objection) -> Refusal {
    match objection {
        Objection::Code(trouble) => refuse_code(trouble),
        Objection::Order(order::Objection::Different) => {
            Refusal::text(code::OUT_TRADE_NO_USED, "商户订单号重复")
        }
        Objection::Order(objection) => refuse_order(objection),
        Objection::OtherPayer => Refusal::text(
            code::BUYER_MISMATCH,
            "暂不支持同一笔订单更换支付方，请用户使用原支付方式支付",
        ),
        Objection::Short => Refusal::text(code::NOTENOUGH, "用户账号余额不足"),
    }
}

/// `pay/micropay`.
fn charge(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let auth_code = element(asked, "auth_code")?;
    let (mchid, order) = draft(turn, asked, TradeType::Micropay)?;
    let out_trade_no: Id = element(asked, "out_trade_no")?.into();
    code_payment::charge(turn, &mchid, &out_trade_no, order, auth_code).map_err(refuse)?;
    let order = order::find(turn.world, &mchid, &out_trade_no)
        .ok_or_else(|| refuse_order(order::Objection::Missing))?;
    Ok(Reply::Json(Value::Object(paid(
        turn.world,
        &out_trade_no,
        order,
    ))))
}

/// `secapi/pay/reverse`.
fn reverse(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = own(turn.world, asked)?.whose();
    let (out_trade_no, _) = number_and_order(turn.world, &whose, asked)?;
    let out_trade_no = out_trade_no.clone();
    code_payment::reverse(turn, &whose, &out_trade_no).map_err(|kept| match kept {
        Kept::Missing => refuse_order(order::Objection::Missing),
        Kept::OtherKind => Refusal::text(code::INVALID_REQUEST, "只有付款码支付的订单可以撤销"),
        Kept::TooLate => Refusal::text(code::REVERSE_EXPIRE, "订单无法撤销：已超过撤销期限"),
        Kept::Refunded => Refusal::text(code::TRADE_ERROR, "订单已发生退款，无法撤销"),
        Kept::Short { needs } => Refusal::text(code::TRADE_ERROR, "商户余额不足，无法撤销")
            .because("pay.refund.not_enough", None, Some(format!("{needs} fen"))),
    })?;
    // WECHAT: `recall` says whether the till is to try again.
    Ok(Reply::Json(json!({"recall": "N"})))
}

/// `tools/authcodetoopenid`.
///
/// The code can still be charged afterwards.
fn exchange(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let seller = own(turn.world, asked)?;
    let auth_code = given(asked, "auth_code").unwrap_or_default();
    let owner = pay_code::owner(turn, auth_code).map_err(refuse_code)?;
    let openid = phone::contact(turn.world, owner.user, &seller.called);
    let mut told = json!({"openid": &*openid});
    if let Some(sub_appid) = seller.partner.and_then(|partner| partner.sub_appid) {
        let openid = phone::contact(turn.world, owner.user, &sub_appid);
        told["sub_openid"] = json!(&*openid);
    }
    Ok(Reply::Json(told))
}
