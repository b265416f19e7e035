//! Payments at a till over the interface's third generation.
//!
//! Source: doc pages "付款码支付", "撤销订单", for merchants and for service providers.

use serde_json::json;
use xinqiao_catalog::{code::pay_v3 as code, id::pay_v3 as v3};

use super::{
    code_payment::{self, Kept, Objection},
    order::{self, TradeType},
    pay_code::Trouble,
    v3::{Role, draft, refuse as refuse_order, seller, transaction},
};
use crate::{
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.code_v3",
    behaviours: &[
        stateful(v3::pay::transactions::CODE_PAY, CHARGED, charge_own),
        stateful(v3::pay::transactions::REVERSE, REVERSED, reverse_own),
        stateful(
            v3::pay::partner::transactions::CODE_PAY,
            OF_SUB,
            charge_partners,
        ),
        stateful(
            v3::pay::partner::transactions::REVERSE,
            OF_SUB,
            reverse_partners,
        ),
    ],
    ..Feature::EMPTY
};
const CHARGED: &str = "a_code_is_charged_at_once_or_after_the_password";
const REVERSED: &str = "an_order_at_a_till_is_taken_back";
const OF_SUB: &str = "a_provider_charges_a_code_for_a_sub_merchant_and_takes_it_back";

fn refuse(objection: Objection) -> Refusal {
    match objection {
        Objection::Code(Trouble::Malformed | Trouble::Unknown) => {
            Refusal::text(code::AUTH_CODE_INVALID, "付款码无效，请重新扫码")
        }
        Objection::Code(Trouble::Used) => Refusal::text(
            code::AUTH_CODE_INVALID,
            "每个二维码仅限使用一次，请刷新再试",
        ),
        Objection::Code(Trouble::Expired) => Refusal::text(
            code::AUTH_CODE_EXPIRE,
            "二维码已过期，请用户在微信上刷新后再试",
        ),
        Objection::Order(order::Objection::Different) => {
            Refusal::text(code::OUT_TRADE_NO_USED, "商户订单号重复")
        }
        Objection::Order(objection) => refuse_order(objection),
        Objection::OtherPayer => {
            Refusal::text(code::TRADE_ERROR, "支付帐号错误：与首次支付的用户不一致")
        }
        Objection::Short => Refusal::text(code::NOT_ENOUGH, "用户账号余额不足"),
    }
}

fn charge_own(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    charge(turn, asked, Role::Merchant)
}

fn charge_partners(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    charge(turn, asked, Role::Provider)
}

/// `pay/transactions/codepay`, `pay/partner/transactions/codepay`.
fn charge(turn: &mut Turn<'_>, asked: &Asked, role: Role) -> Verdict {
    let auth_code = asked.group("payer")?["auth_code"].as_str();
    let auth_code = auth_code.unwrap_or_default().to_owned();
    let (mchid, order) = draft(turn, asked, role, TradeType::Micropay)?;
    let out_trade_no: Id = asked.text("out_trade_no")?.into();
    code_payment::charge(turn, &mchid, &out_trade_no, order, &auth_code).map_err(refuse)?;
    let order = order::find(turn.world, &mchid, &out_trade_no)
        .ok_or_else(|| refuse_order(order::Objection::Missing))?;
    let shown = transaction(turn.world, &mchid, &out_trade_no, order);
    Ok(Reply::Json(shown))
}

fn reverse_own(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    reverse(turn, asked, Role::Merchant)
}

fn reverse_partners(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    reverse(turn, asked, Role::Provider)
}

/// `pay/transactions/out-trade-no/{out_trade_no}/reverse`, and the provider's.
fn reverse(turn: &mut Turn<'_>, asked: &Asked, role: Role) -> Verdict {
    let whose = seller(turn.world, asked, role)?.whose(role);
    let out_trade_no: Id = asked.text("out_trade_no")?.into();
    code_payment::reverse(turn, &whose, &out_trade_no).map_err(|kept| {
        let invalid = |text: &str| Refusal::text(code::INVALID_REQUEST, text);
        match kept {
            Kept::Missing => refuse_order(order::Objection::Missing),
            Kept::OtherKind => invalid("只有付款码支付的订单可以撤销"),
            Kept::TooLate => invalid("订单无法撤销：已超过撤销期限"),
            Kept::Refunded => Refusal::text(code::TRADE_ERROR, "订单已发生退款，无法撤销"),
            Kept::Short { needs } => Refusal::text(code::TRADE_ERROR, "商户余额不足，无法撤销")
                .because("pay.refund.not_enough", None, Some(format!("{needs} fen"))),
        }
    })?;
    let mut told = json!({"out_trade_no": &*out_trade_no});
    let names: &[&str] = match role {
        Role::Merchant => &["mchid", "appid"],
        Role::Provider => &["sp_mchid", "sub_mchid", "sp_appid", "sub_appid"],
    };
    for name in names {
        if let Some(text) = asked.given(name) {
            told[*name] = json!(text);
        }
    }
    Ok(Reply::Json(told))
}
