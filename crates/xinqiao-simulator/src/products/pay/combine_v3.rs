//! Orders that are paid as one, over the interface's third generation.
//!
//! A sub-order's `mchid` is the merchant whose it is, or with `sub_mchid` the service provider that orders for it. Who is to
//! pay is named by `combine_payer_info.openid`; the sub-merchants' own openids are not taken.
//!
//! Source: doc pages "合单JSAPI下单", "查询合单订单", "关闭合单订单".

use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v3 as code, id::pay_v3 as v3, rules::limit};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    combine::{self, Combined, Sub},
    order::{self, CURRENCY, Generation, Objection, Order, State, TradeType},
    seller::{self, Partner},
    signature,
    v3::{address, client_address, expires, opens, parameter, promotions, refuse, sub_merchant},
};
use crate::{
    accounts::merchant::{MERCHANTS, Merchant},
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn, World},
    people,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.combine_v3",
    behaviours: &[
        stateful(v3::combine_transactions::CREATE_JSAPI, AS_ONE, create_jsapi),
        stateful(
            v3::combine_transactions::CREATE_MINI_PROGRAM,
            EVERY_WAY,
            create_jsapi,
        ),
        stateful(
            v3::combine_transactions::CREATE_NATIVE,
            EVERY_WAY,
            create_native,
        ),
        stateful(v3::combine_transactions::CREATE_APP, EVERY_WAY, create_app),
        stateful(v3::combine_transactions::CREATE_H5, EVERY_WAY, create_h5),
        stateful(v3::combine_transactions::GET, AS_ONE, get),
        stateful(
            v3::combine_transactions::GET_BY_COMBINE_TRANSACTION_ID,
            AS_ONE,
            get_by_id,
        ),
        stateful(v3::combine_transactions::CLOSE, CLOSED, close),
    ],
    ..Feature::EMPTY
};
const AS_ONE: &str = "orders_of_two_merchants_are_paid_as_one_and_told_once";
const EVERY_WAY: &str = "orders_are_combined_in_every_way_to_pay";
const CLOSED: &str = "combined_orders_are_closed_together";

pub(super) const SUB_ORDERS: &str = "combine.combine_sub_orders";
pub(super) const NUMBER: &str = "combine.combine_out_trade_no";

fn create_jsapi(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, TradeType::Jsapi)
}

fn create_native(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, TradeType::Native)
}

fn create_app(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, TradeType::App)
}

fn create_h5(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    client_address(asked)?;
    place(turn, asked, TradeType::Mweb)
}

/// `combine-transactions/…`: answers what opens the cashier.
fn place(turn: &mut Turn<'_>, asked: &Asked, trade_type: TradeType) -> Verdict {
    let caller = own(turn.world, asked)?;
    let mchid = caller.mchid.clone();
    let number = asked.text("combine_out_trade_no")?;
    if !limit::fits(NUMBER, number) {
        return Err(parameter(
            "combine_out_trade_no",
            &json!(number),
            "has a wrong length",
        ));
    }
    let (combined, orders) = draft(turn, asked, caller, trade_type)?;
    let opener = combine::place(turn, &mchid, number, combined, orders).map_err(|objection| {
        // A sub-order's number may be used, or all of it be placed otherwise.
        match objection {
            Objection::Different => Refusal::text(code::OUT_TRADE_NO_USED, "商户订单号重复"),
            objection => refuse(objection),
        }
    })?;
    Ok(Reply::Json(opens(trade_type, &opener)))
}

/// The merchant that signed, if it is the one that orders.
fn own<'w>(world: &'w World, asked: &Asked) -> Result<&'w Merchant, Refusal> {
    let caller = signature::caller(world, asked)?;
    let named = asked.text("combine_mchid")?;
    if named == &*caller.mchid {
        return Ok(caller);
    }
    let issue = "is not the merchant that signed";
    Err(parameter("combine_mchid", &json!(named), issue))
}

fn draft(
    turn: &Turn<'_>,
    asked: &Asked,
    caller: &Merchant,
    trade_type: TradeType,
) -> Result<(Combined, Vec<Order>), Refusal> {
    let no_match = |text: &str| Refusal::text(code::APPID_MCHID_NOT_MATCH, text);
    let appid = seller::bound(caller, asked.text("combine_appid")?);
    let appid = appid.ok_or_else(|| no_match("combine_appid和combine_mchid不匹配"))?;
    let notify_url = asked.text("notify_url")?;
    address("notify_url", notify_url)?;
    let payer = match trade_type {
        TradeType::Jsapi => {
            let openid = asked.group("combine_payer_info")?["openid"].as_str();
            let openid: Id = openid.unwrap_or_default().into();
            if people::person(turn.world, appid, &openid).is_none() {
                let field = "combine_payer_info.openid";
                return Err(parameter(field, &json!(&*openid), "无效的openid"));
            }
            Some(openid)
        }
        _ => None,
    };
    let mut asked_again = asked.body.clone();
    if let Some(fields) = asked_again.as_object_mut() {
        fields.remove("time_expire");
        fields.remove("time_start");
    }
    let mut combined = Combined {
        appid: appid.clone(),
        payer,
        trade_type,
        notify_url: notify_url.to_owned(),
        subs: Vec::new(),
        asked: asked_again,
        created_at: turn.now.0,
        payable_until: order::payable_until(turn.now.0, expires(asked)?),
        paid: None,
    };
    let list = asked.body["sub_orders"].as_array();
    let list = list.map(Vec::as_slice).unwrap_or_default();
    if !limit::holds(SUB_ORDERS, list.len()) {
        let issue = "has too few or too many orders";
        return Err(parameter("sub_orders", &json!(list.len()), issue));
    }
    let mut orders = Vec::new();
    for (at, given) in list.iter().enumerate() {
        let (sub, order) = sub_order(turn.world, &combined, at, given)?;
        if combined.subs.contains(&sub) {
            let field = format!("sub_orders[{at}].out_trade_no");
            return Err(parameter(&field, &given["out_trade_no"], "stands twice"));
        }
        combined.subs.push(sub);
        orders.push(order);
    }
    Ok((combined, orders))
}

/// One order of several, with whose it is.
fn sub_order(
    world: &World,
    combined: &Combined,
    at: usize,
    given: &Value,
) -> Result<(Sub, Order), Refusal> {
    let wrong = |name: &str, issue: &str| {
        let value = name.split('.').fold(given, |value, name| &value[name]);
        parameter(&format!("sub_orders[{at}].{name}"), value, issue)
    };
    let text = |name: &str| {
        let text = given[name].as_str().filter(|text| !text.is_empty());
        text.ok_or_else(|| wrong(name, "is missing"))
    };
    let number = text("out_trade_no")?;
    let (description, attach) = (text("description")?, text("attach")?);
    for (name, limit) in order::TEXTS {
        if { given[name].as_str() }.is_some_and(|text| !limit::fits(limit, text)) {
            return Err(wrong(name, "has a wrong length"));
        }
    }
    let seller = MERCHANTS.get(world, text("mchid")?);
    // WECHAT: whoever sells must be bound to the account in which all is paid.
    let seller = seller.filter(|seller| seller::bound(seller, &combined.appid).is_some());
    let seller = seller.ok_or_else(|| {
        Refusal::text(
            code::APPID_MCHID_NOT_MATCH,
            "子单mchid和combine_appid不匹配",
        )
    })?;
    let (payee, partner) = match given["sub_mchid"].as_str() {
        None => (seller, None),
        Some(sub_mchid) => {
            let payee = sub_merchant(world, seller, sub_mchid)?;
            let sub_appid = match given["sub_appid"].as_str() {
                None => None,
                Some(appid) => Some(seller::bound(payee, appid).ok_or_else(|| {
                    let text = "sub_appid和sub_mchid不匹配";
                    Refusal::text(code::APPID_MCHID_NOT_MATCH, text)
                })?),
            };
            let partner = Partner {
                sp_mchid: seller.mchid.clone(),
                sp_appid: combined.appid.clone(),
                sub_appid: sub_appid.cloned(),
            };
            (payee, Some(partner))
        }
    };
    let total = given["amount"]["total_amount"].as_i64();
    let total = total.filter(|total| (1..=order::MOST).contains(total));
    let total = total.ok_or_else(|| wrong("amount.total_amount", "must be at least 1 fen"))?;
    if given["amount"]["currency"] != CURRENCY {
        return Err(wrong("amount.currency", "must be CNY"));
    }
    let order = Order {
        appid: combined.appid.clone(),
        partner,
        payer: combined.payer.clone(),
        description: description.to_owned(),
        attach: Some(attach.to_owned()),
        notify_url: combined.notify_url.clone(),
        total,
        currency: CURRENCY.to_owned(),
        trade_type: combined.trade_type,
        generation: Generation::V3,
        asked: json!({"combined": given}),
        created_at: combined.created_at,
        payable_until: combined.payable_until,
        state: State::Open,
        coupon: None,
        refunded: false,
    };
    let sub = Sub {
        payee: payee.mchid.clone(),
        out_trade_no: number.into(),
    };
    Ok((sub, order))
}

/// All of it as queries show it and, paid, the notice.
pub(super) fn shown(world: &World, mchid: &Id, number: &str) -> Option<Value> {
    let combined = combine::find(world, mchid, number)?;
    let subs: Vec<Value> = combine::sub_orders(world, combined)
        .map(|(sub, order)| sub_shown(world, sub, order))
        .collect();
    let mut shown = json!({
        "combine_appid": &*combined.appid,
        "combine_mchid": &**mchid,
        "combine_out_trade_no": number,
        "sub_orders": subs,
    });
    if let Some((transaction_id, _)) = &combined.paid {
        shown["combine_transaction_id"] = json!(&**transaction_id);
    }
    if let Some(payer) = &combined.payer {
        shown["combine_payer_info"] = json!({"openid": &**payer});
    }
    let device = &combined.asked["scene_info"]["device_id"];
    if device.is_string() {
        shown["scene_info"] = json!({"device_id": device});
    }
    Some(shown)
}

fn sub_shown(world: &World, sub: &Sub, order: &Order) -> Value {
    let mut shown = json!({
        "mchid": &*sub.payee,
        "out_trade_no": &*sub.out_trade_no,
        "trade_type": order.trade_type.name(),
        "trade_state": order.trade_state(),
        "attach": order.attach.clone().unwrap_or_default(),
        "amount": {"total_amount": order.total, "currency": order.currency},
    });
    if let Some(partner) = &order.partner {
        shown["mchid"] = json!(&*partner.sp_mchid);
        shown["sub_mchid"] = json!(&*sub.payee);
        if let Some(sub_appid) = &partner.sub_appid {
            shown["sub_appid"] = json!(&**sub_appid);
        }
        let openids =
            { order.payer.as_ref() }.map(|payer| partner.openids(world, &order.appid, payer));
        if let Some(openid) = openids.and_then(|openids| openids.sub) {
            shown["sub_openid"] = json!(&*openid);
        }
    }
    if let Some((transaction_id, at)) = order.payment() {
        shown["transaction_id"] = json!(&**transaction_id);
        shown["success_time"] = json!(shanghai::rfc3339(UnixSeconds(at)));
        shown["bank_type"] = json!("OTHERS");
        shown["amount"]["payer_amount"] = json!(order.payer_total());
        shown["amount"]["payer_currency"] = json!(order.currency);
        if order.coupon.is_some() {
            shown["promotion_detail"] = promotions(order);
        }
    }
    shown
}

fn missing() -> Refusal {
    refuse(Objection::Missing)
}

/// `combine-transactions/out-trade-no/{combine_out_trade_no}`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = &signature::caller(turn.world, asked)?.mchid;
    let number = asked.text("combine_out_trade_no")?;
    let shown = shown(turn.world, mchid, number).ok_or_else(missing)?;
    Ok(Reply::Json(shown))
}

/// `combine-transactions/id/{combine_transaction_id}`.
fn get_by_id(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = &signature::caller(turn.world, asked)?.mchid;
    let transaction_id = asked.text("combine_transaction_id")?;
    let number = combine::by_transaction(turn.world, mchid, transaction_id);
    let number = number.ok_or_else(missing)?;
    let shown = shown(turn.world, mchid, number).ok_or_else(missing)?;
    Ok(Reply::Json(shown))
}

/// `combine-transactions/out-trade-no/{combine_out_trade_no}/close`.
///
/// All of its orders are named, as they were when they were placed.
fn close(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = signature::caller(turn.world, asked)?.mchid.clone();
    let number = asked.text("combine_out_trade_no")?;
    let combined = combine::find(turn.world, &mchid, number).ok_or_else(missing)?;
    if asked.text("combine_appid")? != &*combined.appid {
        let issue = "is not the account of these orders";
        let given = json!(asked.given("combine_appid"));
        return Err(parameter("combine_appid", &given, issue));
    }
    let list = asked.body["sub_orders"].as_array();
    let named: Vec<Sub> = { list.into_iter().flatten() }
        .map(|given| {
            let text = |name: &str| given[name].as_str();
            let payee = text("sub_mchid").or_else(|| text("mchid"));
            Sub {
                payee: payee.unwrap_or_default().into(),
                out_trade_no: text("out_trade_no").unwrap_or_default().into(),
            }
        })
        .collect();
    let all = named.len() == combined.subs.len() && { combined.subs.iter() }
        .all(|sub| named.contains(sub));
    if !all {
        let issue = "must name all of its orders";
        return Err(parameter("sub_orders", &json!(named.len()), issue));
    }
    combine::close(turn, &mchid, number).map_err(refuse)?;
    Ok(Reply::Nothing)
}
