//! Orders over the interface's third generation: JSON, path parameters, 204.
//!
//! Source: doc pages "JSAPI下单", "Native下单", "商户订单号查询订单", "微信支付订单号查询订单", "关闭订单".

use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v3 as code, id::pay_v3 as v3, rules::limit};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    merchants,
    order::{self, CURRENCY, Generation, Objection, Opener, Order, State, TEXTS, TradeType},
};
use crate::{
    accounts::merchant::Merchant,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn, World},
    people,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.v3",
    behaviours: &[
        stateful(v3::pay::transactions::CREATE_JSAPI, AGAIN, create_jsapi),
        stateful(v3::pay::transactions::CREATE_NATIVE, SCANNED, create_native),
        stateful(v3::pay::transactions::CREATE_APP, IN_AN_APP, create_app),
        stateful(v3::pay::transactions::CREATE_H5, IN_A_BROWSER, create_h5),
        stateful(v3::pay::transactions::GET_BY_OUT_TRADE_NO, PAID, by_number),
        stateful(v3::pay::transactions::GET_BY_TRANSACTION_ID, PAID, by_id),
        stateful(v3::pay::transactions::CLOSE, CLOSED, close),
    ],
    ..Feature::EMPTY
};
const AGAIN: &str = "an_order_placed_again_is_the_same_order_or_none";
const SCANNED: &str = "a_code_is_paid_by_whoever_scans_it";
const IN_AN_APP: &str = "an_apps_order_is_paid_with_what_the_app_signs";
const IN_A_BROWSER: &str = "an_address_is_paid_by_whoever_opens_it_within_five_minutes";
const PAID: &str = "an_order_is_placed_paid_in_the_phone_and_found_by_both_numbers";
const CLOSED: &str = "a_closed_order_answers_204_and_cannot_be_paid";

/// A wrong parameter, with what the platform says about it.
pub(super) fn parameter(field: &str, value: &Value, issue: &str) -> Refusal {
    let mut refuse = Refusal::text(code::PARAM_ERROR, format!("参数错误：{field} {issue}"));
    let detail = json!({
        "field": field, "value": value, "issue": issue, "location": "body",
    });
    refuse.extra.push(("detail", detail));
    let received = Some(format!("{field} {value}"));
    refuse.because("call.parameter", received, Some(issue.to_owned()))
}

/// Refuses an address to which no notice can go.
///
/// WECHAT: the platform takes https only; a simulator's apps have no certificate, so http is taken too.
pub(super) fn address(field: &str, url: &str) -> Result<(), Refusal> {
    let fine = url.starts_with("https://") || url.starts_with("http://");
    if fine && !url.contains('?') {
        return Ok(());
    }
    let issue = "must be an address with http or https and without a query";
    Err(parameter(field, &json!(url), issue))
}

/// The merchant that signed, if it is the one that the call is about.
fn own<'w>(world: &'w World, asked: &Asked) -> Result<&'w Merchant, Refusal> {
    let merchant = merchants::caller(world, asked)?;
    let named = asked.text("mchid")?;
    if named == &*merchant.mchid {
        return Ok(merchant);
    }
    Err(parameter(
        "mchid",
        &json!(named),
        "is not the merchant that signed",
    ))
}

fn refuse(objection: Objection) -> Refusal {
    match objection {
        Objection::Missing => Refusal::code(code::ORDER_NOT_EXIST),
        Objection::Paid => Refusal::text(code::ORDER_PAID, "该订单已支付"),
        Objection::Closed => Refusal::text(code::ORDER_CLOSED, "该订单已关闭"),
        Objection::Different => {
            Refusal::text(code::INVALID_REQUEST, "请求重入时，参数与首次请求时不一致")
        }
    }
}

/// `pay/transactions/jsapi`.
fn create_jsapi(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let opener = place(turn, asked, TradeType::Jsapi)?;
    Ok(Reply::Json(json!({"prepay_id": &*opener.prepay_id})))
}

/// `pay/transactions/native`.
fn create_native(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let opener = place(turn, asked, TradeType::Native)?;
    Ok(Reply::Json(json!({"code_url": opener.url.as_deref()})))
}

/// `pay/transactions/app`.
fn create_app(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let opener = place(turn, asked, TradeType::App)?;
    Ok(Reply::Json(json!({"prepay_id": &*opener.prepay_id})))
}

/// `pay/transactions/h5`.
fn create_h5(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let client = asked.group("scene_info")?["payer_client_ip"].as_str();
    if client.is_none_or(str::is_empty) {
        let issue = "is needed for an order in a browser";
        return Err(parameter("scene_info.payer_client_ip", &Value::Null, issue));
    }
    let opener = place(turn, asked, TradeType::Mweb)?;
    Ok(Reply::Json(json!({"h5_url": opener.url.as_deref()})))
}

fn place(turn: &mut Turn<'_>, asked: &Asked, trade_type: TradeType) -> Result<Opener, Refusal> {
    let (mchid, order) = draft(turn, asked, trade_type)?;
    order::place(turn, &mchid, asked.text("out_trade_no")?, order).map_err(refuse)
}

fn draft(turn: &Turn<'_>, asked: &Asked, trade_type: TradeType) -> Result<(Id, Order), Refusal> {
    let merchant = own(turn.world, asked)?;
    for name in ["out_trade_no", "description", "notify_url"] {
        asked.text(name)?;
    }
    for (name, limit) in TEXTS {
        if let Some(text) = asked.given(name).filter(|text| !limit::fits(limit, text)) {
            return Err(parameter(name, &json!(text), "has a wrong length"));
        }
    }
    let appid = asked.text("appid")?;
    let Some(appid) = merchant.appids.iter().find(|bound| &***bound == appid) else {
        let refuse = Refusal::text(code::APPID_MCHID_NOT_MATCH, "appid和mch_id不匹配");
        return Err(refuse);
    };
    let notify_url = asked.text("notify_url")?;
    address("notify_url", notify_url)?;
    let amount = asked.group("amount")?;
    let total = amount["total"].as_i64().filter(|total| *total > 0);
    let Some(total) = total else {
        return Err(parameter(
            "amount.total",
            &amount["total"],
            "must be at least 1 fen",
        ));
    };
    if total > order::MOST {
        let issue = format!("must be {} fen at most", order::MOST);
        return Err(parameter("amount.total", &json!(total), &issue));
    }
    let currency = amount["currency"].as_str().unwrap_or(CURRENCY);
    if currency != CURRENCY {
        return Err(parameter(
            "amount.currency",
            &json!(currency),
            "must be CNY",
        ));
    }
    let payer = match trade_type {
        TradeType::Native | TradeType::App | TradeType::Mweb => None,
        TradeType::Jsapi => {
            let openid = asked.group("payer")?["openid"].as_str();
            let openid: Id = openid.unwrap_or_default().into();
            if people::person(turn.world, appid, &openid).is_none() {
                // WECHAT: an openid of another account is no openid here.
                return Err(parameter("payer.openid", &json!(&*openid), "无效的openid"));
            }
            Some(openid)
        }
    };
    let expires = match asked.given("time_expire") {
        None => None,
        Some(text) => match shanghai::read(text) {
            Some(at) => Some(at.0),
            None => return Err(parameter("time_expire", &json!(text), "must be RFC 3339")),
        },
    };
    let mut repeated = asked.body.clone();
    if let Some(fields) = repeated.as_object_mut() {
        fields.remove("time_expire");
    }
    let order = Order {
        appid: appid.clone(),
        payer,
        description: asked.text("description")?.to_owned(),
        attach: asked.given("attach").map(str::to_owned),
        notify_url: notify_url.to_owned(),
        total,
        currency: currency.to_owned(),
        trade_type,
        generation: Generation::V3,
        asked: repeated,
        created_at: turn.now.0,
        payable_until: order::payable_until(turn.now.0, expires),
        state: State::Open,
        refunded: false,
    };
    Ok((merchant.mchid.clone(), order))
}

/// An order as queries show it and, paid, notices.
pub(super) fn transaction(mchid: &str, out_trade_no: &str, order: &Order) -> Value {
    let mut shown = json!({
        "appid": &*order.appid,
        "mchid": mchid,
        "out_trade_no": out_trade_no,
        "trade_type": order.trade_type.name(),
        "trade_state": order.trade_state(),
        "trade_state_desc": order.trade_state_desc(),
        "attach": order.attach.clone().unwrap_or_default(),
        "amount": {"total": order.total, "currency": order.currency},
        "promotion_detail": [],
    });
    if let Some(payer) = &order.payer {
        shown["payer"] = json!({"openid": &**payer});
    }
    if let State::Paid { transaction_id, at } = &order.state {
        shown["transaction_id"] = json!(&**transaction_id);
        shown["success_time"] = json!(shanghai::rfc3339(UnixSeconds(*at)));
        shown["bank_type"] = json!("OTHERS");
        shown["amount"]["payer_total"] = json!(order.total);
        shown["amount"]["payer_currency"] = json!(order.currency);
    }
    shown
}

/// The same, with what only queries show.
fn queried(mchid: &str, out_trade_no: &str, order: &Order) -> Value {
    let mut shown = transaction(mchid, out_trade_no, order);
    shown["description"] = json!(order.description);
    shown["notify_url"] = json!(order.notify_url);
    if order.generation != Generation::V3 {
        // What else was asked for is written otherwise there.
        return shown;
    }
    for name in [
        "goods_tag",
        "limit_pay",
        "support_fapiao",
        "detail",
        "scene_info",
    ] {
        if let Some(given) = order.asked.get(name) {
            shown[name] = given.clone();
        }
    }
    shown
}

/// `pay/transactions/out-trade-no/{out_trade_no}`.
fn by_number(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let merchant = own(turn.world, asked)?;
    let out_trade_no = asked.text("out_trade_no")?;
    let order = order::find(turn.world, &merchant.mchid, out_trade_no)
        .ok_or_else(|| refuse(Objection::Missing))?;
    Ok(Reply::Json(queried(&merchant.mchid, out_trade_no, order)))
}

/// `pay/transactions/id/{transaction_id}`.
fn by_id(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let merchant = own(turn.world, asked)?;
    let transaction_id = asked.text("transaction_id")?;
    let (out_trade_no, order) = order::by_transaction(turn.world, &merchant.mchid, transaction_id)
        .ok_or_else(|| refuse(Objection::Missing))?;
    Ok(Reply::Json(queried(&merchant.mchid, out_trade_no, order)))
}

/// `pay/transactions/out-trade-no/{out_trade_no}/close`.
fn close(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = own(turn.world, asked)?.mchid.clone();
    order::close(turn.world, &mchid, asked.text("out_trade_no")?).map_err(refuse)?;
    Ok(Reply::Nothing)
}
