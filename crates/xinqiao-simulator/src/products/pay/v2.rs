//! Orders over the interface's second generation: XML with a signature among its elements.
//!
//! Built are `JSAPI`, `NATIVE`, `APP` and `MWEB`; a till charges codes (`code_v2`); other trade types are refused as products that the merchant has not opened.
//!
//! Source: doc pages "统一下单", "查询订单", "关闭订单" of the payment interface's second generation.

use serde_json::{Map, Value, json};
use xinqiao_catalog::{code::pay_v2 as code, id::pay_v2 as v2, rules::limit};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    order::{self, CURRENCY, Generation, Objection, Order, State, TradeType},
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
    name: "pay.v2",
    behaviours: &[
        stateful(v2::pay::UNIFIED_ORDER, PLACED, place),
        stateful(v2::pay::ORDER_QUERY, PLACED, query),
        stateful(v2::pay::CLOSE_ORDER, CLOSED, close),
        stateful(v2::tools::SHORT_URL, SHORTENED, shorten),
    ],
    ..Feature::EMPTY
};
const PLACED: &str = "an_order_in_xml_is_placed_paid_and_told_by_a_signed_notice";
const SHORTENED: &str = "a_code_in_xml_is_shortened_and_pays_as_the_long_one";
const CLOSED: &str = "an_order_in_xml_is_closed_once";

pub(super) const HMAC: &str = "HMAC-SHA256";
/// Texts of an order, with the catalog's limits for them.
pub(super) const TEXTS: [(&str, &str); 4] = [
    ("out_trade_no", "orders.out_trade_no"),
    ("body", "orders.description"),
    ("attach", "orders.attach"),
    ("goods_tag", "orders.goods_tag"),
];
/// What is ordered to be paid in a client.
const ORDERED: [TradeType; 4] = [
    TradeType::Jsapi,
    TradeType::Native,
    TradeType::App,
    TradeType::Mweb,
];
/// What may differ when an order is placed again.
const ONCE: [&str; 7] = [
    "auth_code",
    "nonce_str",
    "sign",
    "sign_type",
    "spbill_create_ip",
    "time_start",
    "time_expire",
];

/// An element that is there and not empty.
pub(super) fn given<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    asked.given(name).filter(|text| !text.is_empty())
}

/// An element that must be there.
pub(super) fn element<'a>(asked: &'a Asked, name: &str) -> Result<&'a str, Refusal> {
    given(asked, name).ok_or_else(|| {
        let refuse = signature::not_understood(&format!("缺少参数{name}"));
        refuse.because("call.parameter", Some(format!("{name} is missing")), None)
    })
}

/// Whose orders a call is about.
#[derive(Debug)]
pub(super) struct Seller {
    /// The merchant that signed, or the sub-merchant for which it calls.
    pub(super) payee: Id,
    /// The account of the call.
    pub(super) called: Id,
    pub(super) partner: Option<Partner>,
}

impl Seller {
    /// Whose orders they are: a provider's call is about those only that it placed.
    pub(super) fn whose(&self) -> Whose {
        Whose {
            payee: self.payee.clone(),
            provider: self.partner.as_ref().map(|own| own.sp_mchid.clone()),
        }
    }

    /// In which account is paid: the sub-merchant's where one is named.
    fn appid(&self) -> &Id {
        let sub_appid = self.partner.as_ref().and_then(|own| own.sub_appid.as_ref());
        sub_appid.unwrap_or(&self.called)
    }
}

/// An element that not every call has.
fn optional<'a>(asked: &'a Asked, name: &str) -> Option<&'a str> {
    let has = asked.endpoint.request.field(name).is_some();
    has.then(|| given(asked, name)).flatten()
}

/// The sub-merchant for which a call is made, where it names one.
fn sub_merchant<'w>(
    world: &'w World,
    asked: &Asked,
    caller: &Merchant,
) -> Result<Option<&'w Merchant>, Refusal> {
    // Not every call can be made for a sub-merchant.
    let Some(sub_mchid) = optional(asked, "sub_mch_id") else {
        return Ok(None);
    };
    if caller.kind != Kind::ServiceProvider {
        return Err(signature::not_understood(
            "商户号没有服务商权限，不能使用sub_mch_id",
        ));
    }
    let found = seller::sub_merchant(world, caller, sub_mchid);
    found.map(Some).ok_or_else(|| {
        let received = Some(format!("sub_mch_id {sub_mchid}"));
        let expected = Some(format!("a sub-merchant of {}", caller.mchid));
        let refuse = signature::not_understood("受理关系不存在");
        refuse.because("call.parameter", received, expected)
    })
}

/// Whose orders a call is about that need not name an account.
pub(super) fn whose(world: &World, asked: &Asked) -> Result<Whose, Refusal> {
    let caller = signature::caller(world, asked)?;
    Ok(match sub_merchant(world, asked, caller)? {
        None => Whose::own(caller),
        Some(sub) => Whose::through(caller, sub),
    })
}

/// The merchant that signed, with the account of the call, in which it may be paid; where the call names a sub-merchant,
/// that.
pub(super) fn own(world: &World, asked: &Asked) -> Result<Seller, Refusal> {
    let caller = signature::caller(world, asked)?;
    let no_match = |text: &str| Refusal::text(code::APPID_MCHID_NOT_MATCH, text);
    let called = seller::bound(caller, element(asked, "appid")?);
    let called = called
        .ok_or_else(|| no_match("appid和mch_id不匹配"))?
        .clone();
    let Some(sub) = sub_merchant(world, asked, caller)? else {
        return Ok(Seller {
            payee: caller.mchid.clone(),
            called,
            partner: None,
        });
    };
    let sub_appid = match optional(asked, "sub_appid") {
        None => None,
        Some(appid) => {
            let bound = seller::bound(sub, appid);
            let refuse = || no_match("sub_mch_id与sub_appid不匹配");
            Some(bound.ok_or_else(refuse)?.clone())
        }
    };
    let partner = Partner {
        sp_mchid: caller.mchid.clone(),
        sp_appid: called.clone(),
        sub_appid,
    };
    Ok(Seller {
        payee: sub.mchid.clone(),
        called,
        partner: Some(partner),
    })
}

pub(super) fn refuse(objection: Objection) -> Refusal {
    match objection {
        Objection::Missing => Refusal::text(code::ORDERNOTEXIST, "订单不存在"),
        Objection::Paid => Refusal::text(code::ORDERPAID, "该订单已支付"),
        Objection::Closed => Refusal::text(code::ORDERCLOSED, "该订单已关闭"),
        Objection::Reversed => Refusal::text(code::ORDERREVERSED, "该订单已撤销"),
        Objection::Asking => Refusal::text(code::USERPAYING, "需要用户输入支付密码"),
        Objection::Failed => Refusal::text(code::TRADE_ERROR, "交易失败，请重新下单支付"),
        Objection::Different => Refusal::text(code::INVALID_REQUEST, "201 商户订单号重复"),
    }
}

/// `pay/unifiedorder`.
fn place(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let named = element(asked, "trade_type")?;
    let Some(trade_type) = { ORDERED.into_iter() }.find(|known| known.name() == named) else {
        return Err(Refusal::text(code::NOAUTH, "商户未开通此接口权限"));
    };
    let (mchid, order) = draft(turn, asked, trade_type)?;
    let out_trade_no = element(asked, "out_trade_no")?;
    let opener = order::place(turn, &mchid, out_trade_no, order).map_err(refuse)?;
    let mut answer = json!({"trade_type": trade_type.name(), "prepay_id": &*opener.prepay_id});
    if let Some(url) = opener.url {
        // WECHAT: an address to open has the name of its trade type.
        let name = if trade_type == TradeType::Mweb {
            "mweb_url"
        } else {
            "code_url"
        };
        answer[name] = json!(&*url);
    }
    Ok(Reply::Json(answer))
}

/// An order as a call describes it, with the merchant whose it is.
pub(super) fn draft(
    turn: &Turn<'_>,
    asked: &Asked,
    trade_type: TradeType,
) -> Result<(Id, Order), Refusal> {
    let seller = own(turn.world, asked)?;
    for name in ["body", "out_trade_no", "spbill_create_ip"] {
        element(asked, name)?;
    }
    for (name, limit) in TEXTS {
        if given(asked, name).is_some_and(|text| !limit::fits(limit, text)) {
            return Err(signature::not_understood(&format!("{name}参数长度有误")));
        }
    }
    let total: Option<i64> = element(asked, "total_fee")?.parse().ok();
    let Some(total) = total.filter(|total| (1..=order::MOST).contains(total)) else {
        return Err(signature::not_understood("total_fee参数格式有误"));
    };
    let payer = match trade_type {
        TradeType::Native => {
            element(asked, "product_id")?;
            None
        }
        TradeType::App | TradeType::Micropay => None,
        TradeType::Mweb => {
            element(asked, "scene_info")?;
            None
        }
        TradeType::Jsapi => Some(match given(asked, "sub_openid") {
            // WECHAT: somebody of the sub-merchant's account is named together with the account.
            Some(openid) => {
                element(asked, "sub_appid")?;
                (seller.appid(), Id::from(openid))
            }
            None => (&seller.called, Id::from(element(asked, "openid")?)),
        }),
    };
    let stranger =
        |(appid, openid): &(&Id, Id)| people::person(turn.world, appid, openid).is_none();
    if payer.as_ref().is_some_and(stranger) {
        return Err(Refusal::text(code::PARAM_ERROR, "无效的openid"));
    }
    let appid = payer.as_ref().map_or(seller.appid(), |(appid, _)| *appid);
    let appid = appid.clone();
    let payer = payer.map(|(_, openid)| openid);
    // WECHAT: a till has no address for notices.
    let notify_url = match trade_type {
        TradeType::Micropay => "",
        _ => element(asked, "notify_url")?,
    };
    let sent = notify_url.starts_with("https://") || notify_url.starts_with("http://");
    if !sent && trade_type != TradeType::Micropay {
        return Err(Refusal::text(code::PARAM_ERROR, "notify_url填写错误"));
    }
    let expires = match given(asked, "time_expire") {
        None => None,
        Some(text) => match shanghai::read(text) {
            Some(at) => Some(at.0),
            None => return Err(signature::not_understood("time_expire参数格式有误")),
        },
    };
    let mut repeated = asked.body.clone();
    if let Some(fields) = repeated.as_object_mut() {
        fields.retain(|name, _| !ONCE.contains(&name.as_str()));
    }
    let currency = given(asked, "fee_type").unwrap_or(CURRENCY);
    if currency != CURRENCY {
        return Err(Refusal::text(code::PARAM_ERROR, "fee_type只支持CNY"));
    }
    let order = Order {
        appid,
        partner: seller.partner,
        payer,
        description: element(asked, "body")?.to_owned(),
        attach: given(asked, "attach").map(str::to_owned),
        notify_url: notify_url.to_owned(),
        total,
        currency: currency.to_owned(),
        trade_type,
        generation: Generation::V2 {
            hmac: given(asked, "sign_type") == Some(HMAC),
        },
        asked: repeated,
        created_at: turn.now.0,
        payable_until: order::payable_until(turn.now.0, expires),
        state: State::Open,
        coupon: None,
        refunded: false,
    };
    Ok((seller.payee, order))
}

/// What queries and notices tell about a paid order; of one that is not paid, what is known.
pub(super) fn paid(world: &World, out_trade_no: &str, order: &Order) -> Map<String, Value> {
    let mut told = Map::new();
    let mut tell = |name: &str, text: String| {
        told.insert(name.to_owned(), json!(text));
    };
    tell("out_trade_no", out_trade_no.to_owned());
    if let Some(attach) = &order.attach {
        tell("attach", attach.clone());
    }
    if let (Some((transaction_id, at)), Some(payer)) = (order.payment(), &order.payer) {
        let mut known = |appid: &Id, openid: &Id, names: [&str; 2]| {
            let contact = people::contact(world, appid, openid);
            let follows = contact.is_some_and(|contact| contact.followed);
            tell(names[0], openid.to_string());
            tell(names[1], if follows { "Y" } else { "N" }.to_owned());
        };
        let own = ["openid", "is_subscribe"];
        match &order.partner {
            None => known(&order.appid, payer, own),
            Some(partner) => {
                let openids = partner.openids(world, &order.appid, payer);
                if let Some(openid) = openids.sp {
                    known(&partner.sp_appid, &openid, own);
                }
                if let (Some(appid), Some(openid)) = (&partner.sub_appid, openids.sub) {
                    known(appid, &openid, ["sub_openid", "sub_is_subscribe"]);
                }
            }
        }
        tell("trade_type", order.trade_type.name().to_owned());
        tell("bank_type", "OTHERS".to_owned());
        tell("total_fee", order.total.to_string());
        tell("cash_fee", order.payer_total().to_string());
        if let Some(coupon) = &order.coupon {
            // WECHAT: what who sells gets is told only where that is less.
            if order.settled() < order.total {
                tell("settlement_total_fee", order.settled().to_string());
            }
            tell("coupon_fee", coupon.amount.to_string());
            tell("coupon_count", "1".to_owned());
            tell("coupon_id_0", coupon.coupon_id.to_string());
            tell("coupon_type_0", coupon.kind_v2().to_owned());
            tell("coupon_fee_0", coupon.amount.to_string());
        }
        tell("fee_type", order.currency.clone());
        tell("transaction_id", transaction_id.to_string());
        tell("time_end", shanghai::digits(UnixSeconds(at)));
    }
    told
}

/// The order that a call names by either number.
pub(super) fn number_and_order<'w>(
    world: &'w World,
    whose: &Whose,
    asked: &Asked,
) -> Result<(&'w Id, &'w Order), Refusal> {
    let by = (given(asked, "transaction_id"), given(asked, "out_trade_no"));
    if by == (None, None) {
        let text = "缺少参数out_trade_no或transaction_id";
        return Err(signature::not_understood(text));
    }
    let found = whose.by_either(world, by.0, by.1);
    found.ok_or_else(|| refuse(Objection::Missing))
}

/// `pay/orderquery`.
fn query(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = own(turn.world, asked)?.whose();
    let (out_trade_no, order) = number_and_order(turn.world, &whose, asked)?;
    let mut told = paid(turn.world, out_trade_no, order);
    told.insert("trade_state".to_owned(), json!(order.trade_state()));
    told.insert(
        "trade_state_desc".to_owned(),
        json!(order.trade_state_desc()),
    );
    // WECHAT: of an order that is not paid only its number, its sum and its state are told.
    told.insert("total_fee".to_owned(), json!(order.total.to_string()));
    Ok(Reply::Json(Value::Object(told)))
}

/// `pay/closeorder`.
///
/// WECHAT: here closing twice is an error (ORDERCLOSED), other than in the third generation.
fn close(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = own(turn.world, asked)?.whose();
    let out_trade_no = element(asked, "out_trade_no")?;
    let order = whose.find(turn.world, out_trade_no);
    if order.is_some_and(|order| order.state == State::Closed) {
        return Err(refuse(Objection::Closed));
    }
    whose.close(turn.world, out_trade_no).map_err(refuse)?;
    Ok(Reply::Acknowledged)
}

/// `tools/shorturl`.
fn shorten(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    own(turn.world, asked)?;
    let long = element(asked, "long_url")?;
    let short = order::shorten(turn, long);
    let short = short.ok_or_else(|| Refusal::text(code::PARAM_ERROR, "long_url参数错误"))?;
    Ok(Reply::Json(json!({"short_url": &*short})))
}
