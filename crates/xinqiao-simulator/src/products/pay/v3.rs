//! Orders over the interface's third generation: JSON, path parameters, 204.
//!
//! Source: doc pages "JSAPI下单", "Native下单", "商户订单号查询订单", "微信支付订单号查询订单", "关闭订单".

use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v3 as code, id::pay_v3 as v3, rules::limit};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    order::{self, CURRENCY, Generation, Objection, Opener, Order, State, TEXTS, TradeType},
    seller::{self, Partner},
    signature,
    whose::Whose,
};
use crate::{
    accounts::merchant::{Kind, Merchant},
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
        stateful(
            v3::pay::transactions::GET_BY_OUT_TRADE_NO,
            PAID,
            by_own_number,
        ),
        stateful(
            v3::pay::transactions::GET_BY_TRANSACTION_ID,
            PAID,
            by_own_id,
        ),
        stateful(v3::pay::transactions::CLOSE, CLOSED, close_own),
        stateful(
            v3::pay::partner::transactions::CREATE_JSAPI,
            FOR_A_SUB,
            create_partners_jsapi,
        ),
        stateful(
            v3::pay::partner::transactions::CREATE_NATIVE,
            EVERY_WAY,
            create_partners_native,
        ),
        stateful(
            v3::pay::partner::transactions::CREATE_APP,
            EVERY_WAY,
            create_partners_app,
        ),
        stateful(
            v3::pay::partner::transactions::CREATE_H5,
            EVERY_WAY,
            create_partners_h5,
        ),
        stateful(
            v3::pay::partner::transactions::GET_BY_OUT_TRADE_NO,
            FOR_A_SUB,
            by_partners_number,
        ),
        stateful(
            v3::pay::partner::transactions::GET_BY_TRANSACTION_ID,
            FOR_A_SUB,
            by_partners_id,
        ),
        stateful(
            v3::pay::partner::transactions::CLOSE,
            SUBS_CLOSED,
            close_partners,
        ),
    ],
    ..Feature::EMPTY
};
const AGAIN: &str = "an_order_placed_again_is_the_same_order_or_none";
const SCANNED: &str = "a_code_is_paid_by_whoever_scans_it";
const IN_AN_APP: &str = "an_apps_order_is_paid_with_what_the_app_signs";
const IN_A_BROWSER: &str = "an_address_is_paid_by_whoever_opens_it_within_five_minutes";
const FOR_A_SUB: &str = "a_provider_orders_for_a_sub_merchant_and_is_told";
const EVERY_WAY: &str = "a_provider_orders_in_every_way_to_pay";
const SUBS_CLOSED: &str = "a_providers_order_is_closed_and_found_by_nobody_else";
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

/// As what a merchant calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// For itself.
    Merchant,
    /// For a sub-merchant.
    Provider,
}

/// Who calls, and whose orders the call is about.
#[derive(Debug)]
pub(super) struct Seller<'w> {
    pub(super) caller: &'w Merchant,
    pub(super) merchant: &'w Merchant,
}

impl Seller<'_> {
    /// Whose orders they are: a provider's call is about those only that it placed.
    pub(super) fn whose(&self, role: Role) -> Whose {
        match role {
            Role::Merchant => Whose::own(self.merchant),
            Role::Provider => Whose::through(self.caller, self.merchant),
        }
    }
}

/// Who signed, if it may call so.
pub(super) fn seller<'w>(
    world: &'w World,
    asked: &Asked,
    role: Role,
) -> Result<Seller<'w>, Refusal> {
    let caller = signature::caller(world, asked)?;
    let name = match role {
        Role::Merchant => "mchid",
        Role::Provider => "sp_mchid",
    };
    let named = asked.text(name)?;
    if named != &*caller.mchid {
        let issue = "is not the merchant that signed";
        return Err(parameter(name, &json!(named), issue));
    }
    let merchant = match role {
        Role::Merchant => caller,
        Role::Provider => sub_merchant(world, caller, asked.text("sub_mchid")?)?,
    };
    Ok(Seller { caller, merchant })
}

/// A sub-merchant of the merchant that signed.
pub(super) fn sub_merchant<'w>(
    world: &'w World,
    caller: &Merchant,
    sub_mchid: &str,
) -> Result<&'w Merchant, Refusal> {
    if caller.kind != Kind::ServiceProvider {
        let text = "商户号没有服务商权限";
        return Err(Refusal::text(code::NO_AUTH, text).because(
            "call.parameter",
            Some(format!("{} is no service provider", caller.mchid)),
            None,
        ));
    }
    seller::sub_merchant(world, caller, sub_mchid).ok_or_else(|| {
        Refusal::text(code::NO_AUTH, "受理关系不存在").because(
            "call.parameter",
            Some(format!("sub_mchid {sub_mchid}")),
            Some(format!("a sub-merchant of {}", caller.mchid)),
        )
    })
}

/// Whose orders a call is about that names a sub-merchant where a provider makes it.
pub(super) fn whose(world: &World, asked: &Asked) -> Result<Whose, Refusal> {
    let caller = signature::caller(world, asked)?;
    match asked.given("sub_mchid").filter(|mchid| !mchid.is_empty()) {
        None => Ok(Whose::own(caller)),
        Some(sub_mchid) => {
            let sub = sub_merchant(world, caller, sub_mchid)?;
            Ok(Whose::through(caller, sub))
        }
    }
}

/// The appid that an element names, if the merchant may be paid in it.
pub(super) fn bound<'m>(
    merchant: &'m Merchant,
    name: &str,
    appid: &str,
) -> Result<&'m Id, Refusal> {
    seller::bound(merchant, appid).ok_or_else(|| {
        let text = match name {
            "appid" => "appid和mch_id不匹配".to_owned(),
            name => format!("{name}和{}不匹配", name.replace("appid", "mchid")),
        };
        Refusal::text(code::APPID_MCHID_NOT_MATCH, text)
    })
}

pub(super) fn refuse(objection: Objection) -> Refusal {
    match objection {
        Objection::Missing => Refusal::code(code::ORDER_NOT_EXIST),
        Objection::Paid => Refusal::text(code::ORDER_PAID, "该订单已支付"),
        Objection::Closed => Refusal::text(code::ORDER_CLOSED, "该订单已关闭"),
        Objection::Reversed => Refusal::text(code::ORDER_REVERSED, "该订单已撤销"),
        Objection::Asking => Refusal::text(code::USERPAYING, "需要用户输入支付密码"),
        Objection::Failed => Refusal::text(code::TRADE_ERROR, "交易失败，请重新下单支付"),
        Objection::Different => {
            Refusal::text(code::INVALID_REQUEST, "请求重入时，参数与首次请求时不一致")
        }
    }
}

fn create_jsapi(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, Role::Merchant, TradeType::Jsapi)
}

fn create_native(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, Role::Merchant, TradeType::Native)
}

fn create_app(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, Role::Merchant, TradeType::App)
}

fn create_h5(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, Role::Merchant, TradeType::Mweb)
}

fn create_partners_jsapi(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, Role::Provider, TradeType::Jsapi)
}

fn create_partners_native(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, Role::Provider, TradeType::Native)
}

fn create_partners_app(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, Role::Provider, TradeType::App)
}

fn create_partners_h5(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    place(turn, asked, Role::Provider, TradeType::Mweb)
}

/// `pay/transactions/…` and `pay/partner/transactions/…`: answers what opens the cashier.
fn place(turn: &mut Turn<'_>, asked: &Asked, role: Role, trade_type: TradeType) -> Verdict {
    if trade_type == TradeType::Mweb {
        client_address(asked)?;
    }
    let (mchid, order) = draft(turn, asked, role, trade_type)?;
    let opener = order::place(turn, &mchid, asked.text("out_trade_no")?, order).map_err(refuse)?;
    Ok(Reply::Json(opens(trade_type, &opener)))
}

/// What opens the cashier, by its name in answers.
pub(super) fn opens(trade_type: TradeType, opener: &Opener) -> Value {
    match trade_type {
        TradeType::Native => json!({"code_url": opener.url.as_deref()}),
        TradeType::Mweb => json!({"h5_url": opener.url.as_deref()}),
        _ => json!({"prepay_id": &*opener.prepay_id}),
    }
}

/// An order in a browser names the browser's address.
pub(super) fn client_address(asked: &Asked) -> Result<(), Refusal> {
    let client = asked.group("scene_info")?["payer_client_ip"].as_str();
    if client.is_none_or(str::is_empty) {
        let issue = "is needed for an order in a browser";
        return Err(parameter("scene_info.payer_client_ip", &Value::Null, issue));
    }
    Ok(())
}

/// When an order is to be paid at the latest, if that is said.
pub(super) fn expires(asked: &Asked) -> Result<Option<i64>, Refusal> {
    let Some(text) = asked.given("time_expire") else {
        return Ok(None);
    };
    let at = shanghai::read(text).map(|at| at.0);
    at.map(Some)
        .ok_or_else(|| parameter("time_expire", &json!(text), "must be RFC 3339"))
}

/// Where an order is paid, and for which provider.
fn accounts(
    seller: &Seller<'_>,
    asked: &Asked,
    role: Role,
    trade_type: TradeType,
) -> Result<(Id, Option<Partner>), Refusal> {
    if role == Role::Merchant {
        let appid = bound(seller.merchant, "appid", asked.text("appid")?)?;
        return Ok((appid.clone(), None));
    }
    let sp_appid = bound(seller.caller, "sp_appid", asked.text("sp_appid")?)?.clone();
    let sub_appid = match asked.given("sub_appid").filter(|appid| !appid.is_empty()) {
        Some(appid) => Some(bound(seller.merchant, "sub_appid", appid)?.clone()),
        None => None,
    };
    let by_sub = trade_type != TradeType::Jsapi || asked.group("payer")?["sub_openid"].is_string();
    let appid = match &sub_appid {
        Some(sub_appid) if by_sub => sub_appid,
        // WECHAT: somebody of the sub-merchant's account is named together with the account.
        None if by_sub && trade_type == TradeType::Jsapi => {
            let issue = "is needed for payer.sub_openid";
            return Err(parameter("sub_appid", &Value::Null, issue));
        }
        _ => &sp_appid,
    };
    let appid = appid.clone();
    let partner = Partner {
        sp_mchid: seller.caller.mchid.clone(),
        sp_appid,
        sub_appid,
    };
    Ok((appid, Some(partner)))
}

/// An order as a call describes it, with the merchant whose it is.
pub(super) fn draft(
    turn: &Turn<'_>,
    asked: &Asked,
    role: Role,
    trade_type: TradeType,
) -> Result<(Id, Order), Refusal> {
    let seller = seller(turn.world, asked, role)?;
    for name in ["out_trade_no", "description"] {
        asked.text(name)?;
    }
    for (name, limit) in TEXTS {
        if let Some(text) = asked.given(name).filter(|text| !limit::fits(limit, text)) {
            return Err(parameter(name, &json!(text), "has a wrong length"));
        }
    }
    let (appid, partner) = accounts(&seller, asked, role, trade_type)?;
    // WECHAT: a till has no address for notices.
    let notify_url = match trade_type {
        TradeType::Micropay => "",
        _ => asked.text("notify_url")?,
    };
    if trade_type != TradeType::Micropay {
        address("notify_url", notify_url)?;
    }
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
        TradeType::Native | TradeType::App | TradeType::Mweb | TradeType::Micropay => None,
        TradeType::Jsapi => {
            let name = match &partner {
                None => "openid",
                Some(partner) if partner.sp_appid == appid => "sp_openid",
                Some(_) => "sub_openid",
            };
            let openid: Id = { asked.group("payer")?[name].as_str() }
                .unwrap_or_default()
                .into();
            if people::person(turn.world, &appid, &openid).is_none() {
                // WECHAT: an openid of another account is no openid here.
                let field = format!("payer.{name}");
                return Err(parameter(&field, &json!(&*openid), "无效的openid"));
            }
            Some(openid)
        }
    };
    let expires = match trade_type {
        TradeType::Micropay => None,
        _ => expires(asked)?,
    };
    let mut repeated = asked.body.clone();
    if let Some(fields) = repeated.as_object_mut() {
        fields.remove("time_expire");
        if trade_type == TradeType::Micropay {
            // Each try has a code of its own.
            fields.remove("payer");
        }
    }
    let order = Order {
        appid,
        partner,
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
        coupon: None,
        refunded: false,
    };
    Ok((seller.merchant.mchid.clone(), order))
}

/// The coupon that paid a part of an order, if one did.
pub(super) fn promotions(order: &Order) -> Value {
    let coupon = order.coupon.iter();
    coupon
        .map(|coupon| coupon.promotion(&order.currency))
        .collect()
}

/// An order as queries show it and, paid, notices.
pub(super) fn transaction(world: &World, mchid: &str, out_trade_no: &str, order: &Order) -> Value {
    let mut shown = json!({
        "out_trade_no": out_trade_no,
        "trade_type": order.trade_type.name(),
        "trade_state": order.trade_state(),
        "trade_state_desc": order.trade_state_desc(),
        "attach": order.attach.clone().unwrap_or_default(),
        "amount": {"total": order.total, "currency": order.currency},
        "promotion_detail": promotions(order),
    });
    match &order.partner {
        None => {
            shown["appid"] = json!(&*order.appid);
            shown["mchid"] = json!(mchid);
            if let Some(payer) = &order.payer {
                shown["payer"] = json!({"openid": &**payer});
            }
        }
        Some(partner) => {
            shown["sp_appid"] = json!(&*partner.sp_appid);
            shown["sp_mchid"] = json!(&*partner.sp_mchid);
            shown["sub_mchid"] = json!(mchid);
            if let Some(sub_appid) = &partner.sub_appid {
                shown["sub_appid"] = json!(&**sub_appid);
            }
            if let Some(payer) = &order.payer {
                let openids = partner.openids(world, &order.appid, payer);
                let mut payer = json!({});
                for (name, openid) in [("sp_openid", openids.sp), ("sub_openid", openids.sub)] {
                    if let Some(openid) = openid {
                        payer[name] = json!(&*openid);
                    }
                }
                shown["payer"] = payer;
            }
        }
    }
    if let Some((transaction_id, at)) = order.payment() {
        shown["transaction_id"] = json!(&**transaction_id);
        shown["success_time"] = json!(shanghai::rfc3339(UnixSeconds(at)));
        shown["bank_type"] = json!("OTHERS");
        shown["amount"]["payer_total"] = json!(order.payer_total());
        shown["amount"]["payer_currency"] = json!(order.currency);
    }
    shown
}

/// The same, with what only queries show.
fn queried(world: &World, mchid: &str, out_trade_no: &str, order: &Order) -> Value {
    let mut shown = transaction(world, mchid, out_trade_no, order);
    shown["description"] = json!(order.description);
    shown["notify_url"] = json!(order.notify_url);
    if order.generation != Generation::V3 {
        // What else was asked for is written otherwise there.
        return shown;
    }
    for name in ["goods_tag", "limit_pay", "support_fapiao", "detail"] {
        if let Some(given) = order.asked.get(name) {
            shown[name] = given.clone();
        }
    }
    if let Some(scene) = order.asked.get("scene_info") {
        shown["scene_info"] = scene_shown(scene);
    }
    shown
}

/// Of the scene of an order what queries show: not what only a browser's order says.
fn scene_shown(scene: &Value) -> Value {
    let mut shown = json!({});
    for name in ["payer_client_ip", "device_id"] {
        if scene[name].is_string() {
            shown[name] = scene[name].clone();
        }
    }
    // WECHAT: a shop is told with all of its fields; a till names only its number.
    let shop = &scene["store_info"];
    if ["name", "area_code", "address"]
        .iter()
        .all(|name| shop[name].is_string())
    {
        let mut told = shop.clone();
        if let Some(fields) = told.as_object_mut() {
            fields.remove("out_id");
        }
        shown["store_info"] = told;
    }
    shown
}

fn by_own_number(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    by_number(turn, asked, Role::Merchant)
}

fn by_partners_number(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    by_number(turn, asked, Role::Provider)
}

/// `pay/transactions/out-trade-no/{out_trade_no}`, and the provider's.
fn by_number(turn: &Turn<'_>, asked: &Asked, role: Role) -> Verdict {
    let whose = seller(turn.world, asked, role)?.whose(role);
    let out_trade_no = asked.text("out_trade_no")?;
    let order = whose.find(turn.world, out_trade_no);
    let order = order.ok_or_else(|| refuse(Objection::Missing))?;
    let shown = queried(turn.world, &whose.payee, out_trade_no, order);
    Ok(Reply::Json(shown))
}

fn by_own_id(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    by_id(turn, asked, Role::Merchant)
}

fn by_partners_id(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    by_id(turn, asked, Role::Provider)
}

/// `pay/transactions/id/{transaction_id}`, and the provider's.
fn by_id(turn: &Turn<'_>, asked: &Asked, role: Role) -> Verdict {
    let whose = seller(turn.world, asked, role)?.whose(role);
    let found = whose.by_transaction(turn.world, asked.text("transaction_id")?);
    let (out_trade_no, order) = found.ok_or_else(|| refuse(Objection::Missing))?;
    let shown = queried(turn.world, &whose.payee, out_trade_no, order);
    Ok(Reply::Json(shown))
}

fn close_own(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    close(turn, asked, Role::Merchant)
}

fn close_partners(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    close(turn, asked, Role::Provider)
}

/// `pay/transactions/out-trade-no/{out_trade_no}/close`, and the provider's.
fn close(turn: &mut Turn<'_>, asked: &Asked, role: Role) -> Verdict {
    let whose = seller(turn.world, asked, role)?.whose(role);
    whose
        .close(turn.world, asked.text("out_trade_no")?)
        .map_err(refuse)?;
    Ok(Reply::Nothing)
}
