//! Profit sharing over the interface's second generation: receivers as JSON in an element of XML.
//!
//! WECHAT: these calls are signed with HMAC-SHA256 only. A single sharing unfreezes the rest of its order, one of
//! several does not.
//!
//! Source: doc pages "请求单次分账", "请求多次分账", "查询分账结果", "完结分账", "分账回退", "回退结果查询", "添加分账接收方",
//! "删除分账接收方", "查询订单待分账金额" of the payment interface's second generation.

use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v2 as code, id::pay_v2 as v2, rules::limit};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    order, pot,
    receivers::{self, Kind, Receiver},
    sharing::{self, Objection, Share, Sharing, Wanted},
    sharing_return::{self, Return},
    signature,
    v2::{HMAC, element, given, own, whose},
    whose::Whose,
};
use crate::{
    accounts::merchant::MERCHANTS,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn, World},
    people,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.sharing_v2",
    behaviours: &[
        stateful(v2::pay::PROFIT_SHARING_ADD_RECEIVER, IN_XML, add),
        stateful(v2::pay::PROFIT_SHARING_REMOVE_RECEIVER, IN_XML, remove),
        stateful(v2::sec_api::pay::PROFIT_SHARING, IN_XML, once),
        stateful(v2::sec_api::pay::MULTI_PROFIT_SHARING, SEVERAL, several),
        stateful(v2::sec_api::pay::PROFIT_SHARING_FINISH, SEVERAL, finish),
        stateful(v2::pay::PROFIT_SHARING_QUERY, IN_XML, query),
        stateful(v2::pay::PROFIT_SHARING_ORDER_AMOUNT_QUERY, SEVERAL, left),
        stateful(v2::sec_api::pay::PROFIT_SHARING_RETURN, SEVERAL, give_back),
        stateful(v2::pay::PROFIT_SHARING_RETURN_QUERY, SEVERAL, query_return),
    ],
    ..Feature::EMPTY
};
const IN_XML: &str = "an_order_is_shared_once_in_xml";
const SEVERAL: &str = "an_order_is_shared_several_times_in_xml_returned_and_finished";

fn refuse(objection: Objection) -> Refusal {
    let invalid = |text: &str| Refusal::text(code::INVALID_REQUEST, text);
    match objection {
        Objection::NoOrder => Refusal::text(code::INVALID_TRANSACTIONID, "无效的微信支付订单号"),
        Objection::NotFlagged => invalid("非分账订单不支持分账").because(
            "pay.sharing.not_flagged",
            None,
            Some("profit_sharing: Y in the order".to_owned()),
        ),
        Objection::TooEarly => Refusal::text(
            code::ORDER_NOT_READY,
            "订单处理中，暂时无法分账，请稍后再试",
        ),
        Objection::Finished => invalid("订单已完结分账"),
        Objection::Different => invalid("请求重入时，参数与首次请求时不一致"),
        Objection::TooMany => invalid("分账次数或接收方个数超过限制"),
        Objection::Unknown(account) => {
            let text = format!("分账接收方{account}未添加，请先添加接收方");
            Refusal::text(code::INVALID_REQUEST, text)
        }
        Objection::WrongName(account) => {
            let text = format!("分账接收方{account}与姓名不匹配");
            Refusal::text(code::INVALID_REQUEST, text)
        }
        Objection::Twice(account) => {
            let text = format!("分账接收方{account}重复");
            Refusal::text(code::PARAM_ERROR, text)
        }
        Objection::Itself => invalid("剩余资金已解冻给分账方，分账方不能再作为接收方"),
        Objection::TooMuch { left } => invalid("分账金额不足").because(
            "call.parameter",
            None,
            Some(format!("at most {left} fen")),
        ),
        Objection::OverCap { percent } => invalid("分账金额超过最大分账比例").because(
            "pay.sharing.over_cap",
            None,
            Some(format!("at most {percent} % of the order")),
        ),
    }
}

/// Whose orders a call is about, which is signed with an HMAC as it must be here.
fn signed(world: &World, asked: &Asked) -> Result<Whose, Refusal> {
    if given(asked, "sign_type") == Some(HMAC) {
        return whose(world, asked);
    }
    let text = "签名类型sign_type仅支持HMAC-SHA256";
    Err(signature::not_understood(text).because(
        "pay.signature.scheme",
        given(asked, "sign_type").map(str::to_owned),
        Some(HMAC.to_owned()),
    ))
}

/// What stands as JSON in an element.
fn written(asked: &Asked, name: &str) -> Result<Value, Refusal> {
    let text = element(asked, name)?;
    serde_json::from_str(text).map_err(|_| wrong(&format!("{name}不是合法的JSON")))
}

fn wrong(text: &str) -> Refusal {
    Refusal::text(code::PARAM_ERROR, text)
}

fn text_in<'v>(value: &'v Value, name: &str) -> Result<&'v str, Refusal> {
    let given = value[name].as_str().filter(|text| !text.is_empty());
    given.ok_or_else(|| wrong(&format!("缺少参数{name}")))
}

fn kind_in(value: &Value, whose: &Whose) -> Result<Kind, Refusal> {
    let kind = Kind::named(text_in(value, "type")?, whose);
    kind.ok_or_else(|| wrong("接收方类型type不正确"))
}

/// `pay/profitsharingaddreceiver`.
fn add(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = signed(turn.world, asked)?;
    let seller = own(turn.world, asked)?;
    let said = written(asked, "receiver")?;
    let (kind, account) = (
        kind_in(&said, &whose)?,
        Id::from(text_in(&said, "account")?),
    );
    let appid = match kind {
        Kind::MerchantId | Kind::PersonalOpenid => seller.called,
        Kind::PersonalSubOpenid => { seller.partner.and_then(|own| own.sub_appid) }
            .ok_or_else(|| wrong("缺少参数sub_appid"))?,
    };
    let (relation, name) = (text_in(&said, "relation_type")?, said["name"].as_str());
    if relation == "CUSTOM" {
        text_in(&said, "custom_relation")?;
    }
    let found = match kind {
        Kind::PersonalOpenid | Kind::PersonalSubOpenid => {
            people::person(turn.world, &appid, &account).is_some()
        }
        Kind::MerchantId => { MERCHANTS.get(turn.world, &*account) }
            .is_some_and(|merchant| name == Some(merchant.name.as_str())),
    };
    if !found {
        return Err(wrong("分账接收方账号或全称不正确"));
    }
    let receiver = Receiver {
        kind,
        account,
        appid,
        name: name.map(str::to_owned),
    };
    receivers::add(turn.world, &whose.payee, receiver);
    Ok(Reply::Json(json!({"receiver": told(&said)})))
}

/// A receiver as answers repeat it.
fn told(said: &Value) -> String {
    let mut told = said.clone();
    if let Some(fields) = told.as_object_mut() {
        fields.remove("name");
    }
    told.to_string()
}

/// `pay/profitsharingremovereceiver`.
fn remove(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = signed(turn.world, asked)?;
    own(turn.world, asked)?;
    let said = written(asked, "receiver")?;
    let (kind, account) = (kind_in(&said, &whose)?, text_in(&said, "account")?);
    receivers::remove(turn.world, &whose.payee, kind, account);
    Ok(Reply::Json(json!({"receiver": told(&said)})))
}

/// A number of the merchant's own.
fn number(asked: &Asked, name: &str, limit: &str) -> Result<Id, Refusal> {
    let number = element(asked, name)?;
    if limit::fits(limit, number) {
        return Ok(number.into());
    }
    Err(wrong(&format!("{name}参数长度有误")))
}

/// `secapi/pay/profitsharing`.
fn once(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (number, sharing) = share(turn, asked, true)?;
    let mut answer = shown(&number, &sharing);
    answer["status"] = json!(sharing.state());
    answer["receivers"] = json!(parts(&sharing));
    Ok(Reply::Json(answer))
}

/// `secapi/pay/multiprofitsharing`.
fn several(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (number, sharing) = share(turn, asked, false)?;
    let mut answer = shown(&number, &sharing);
    answer["receivers"] = json!(parts(&sharing));
    Ok(Reply::Json(answer))
}

fn share(turn: &mut Turn<'_>, asked: &Asked, last: bool) -> Result<(Id, Sharing), Refusal> {
    let whose = signed(turn.world, asked)?;
    own(turn.world, asked)?;
    let said = written(asked, "receivers")?;
    let said = said.as_array().filter(|list| !list.is_empty());
    let said = said.ok_or_else(|| wrong("receivers至少要有一个接收方"))?;
    let shares: Result<Vec<Share>, Refusal> = { said.iter() }
        .map(|one| {
            let amount = one["amount"].as_i64();
            let amount = amount.filter(|fen| (1..=order::MOST).contains(fen));
            Ok(Share {
                kind: kind_in(one, &whose)?,
                account: text_in(one, "account")?.into(),
                name: one["name"].as_str().map(str::to_owned),
                amount: amount.ok_or_else(|| wrong("分账金额amount不正确"))?,
                description: text_in(one, "description")?.to_owned(),
            })
        })
        .collect();
    let wanted = Wanted {
        transaction_id: element(asked, "transaction_id")?.into(),
        out_order_no: number(asked, "out_order_no", sharing::NUMBER)?,
        parts: shares?,
        last,
        rest: None,
    };
    let number = wanted.out_order_no.clone();
    let sharing = sharing::ask(turn, &whose, wanted).map_err(refuse)?;
    Ok((number, sharing))
}

/// A sharing as answers show it.
fn shown(out_order_no: &str, sharing: &Sharing) -> Value {
    json!({
        "transaction_id": &*sharing.transaction_id,
        "out_order_no": out_order_no,
        "order_id": &*sharing.order_id,
    })
}

/// Its receivers, as JSON in an element.
fn parts(sharing: &Sharing) -> String {
    let parts = sharing.parts.iter().map(|part| {
        let mut shown = json!({
            "type": part.kind.name(),
            "account": &*part.account,
            "amount": part.amount,
            "description": part.description,
            "result": part.result.name(),
            "detail_id": &*part.detail_id,
        });
        if let Some(at) = part.finished_at {
            shown["finish_time"] = json!(shanghai::digits(UnixSeconds(at)));
        }
        if let Some(reason) = part.result.fail_reason() {
            shown["fail_reason"] = json!(reason);
        }
        shown
    });
    Value::Array(parts.collect()).to_string()
}

/// `secapi/pay/profitsharingfinish`.
fn finish(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = signed(turn.world, asked)?;
    own(turn.world, asked)?;
    let words = element(asked, "description")?;
    let number = number(asked, "out_order_no", sharing::NUMBER)?;
    let of = element(asked, "transaction_id")?.into();
    let sharing = sharing::unfreeze(turn, &whose, of, number.clone(), words).map_err(refuse)?;
    Ok(Reply::Json(shown(&number, &sharing)))
}

/// `pay/profitsharingquery`.
fn query(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = signed(turn.world, asked)?;
    let (number, of) = (
        element(asked, "out_order_no")?,
        element(asked, "transaction_id")?,
    );
    let found = sharing::seen(turn.world, &whose, number);
    let found = found.filter(|sharing| &*sharing.transaction_id == of);
    let found = found.ok_or_else(|| Refusal::text(code::INVALID_REQUEST, "分账单不存在"))?;
    let mut answer = shown(number, found);
    answer["status"] = json!(found.state());
    answer["receivers"] = json!(parts(found));
    Ok(Reply::Json(answer))
}

/// `pay/profitsharingorderamountquery`.
///
/// WECHAT: a provider names no sub-merchant here.
fn left(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    signed(turn.world, asked)?;
    let caller = signature::caller(turn.world, asked)?;
    let of = element(asked, "transaction_id")?;
    let whose = Whose::of_transaction(turn.world, caller, of);
    let mchid = whose.ok_or_else(|| refuse(Objection::NoOrder))?.payee;
    pot::find(turn.world, &mchid, of).ok_or_else(|| refuse(Objection::NotFlagged))?;
    let left = pot::frozen(turn.world, &mchid, of).unwrap_or(0);
    Ok(Reply::Json(
        json!({"transaction_id": of, "unsplit_amount": left.to_string()}),
    ))
}

// ---- Returns.

fn refuse_return(objection: sharing_return::Objection) -> Refusal {
    use sharing_return::Objection;
    let invalid = |text: &str| Refusal::text(code::INVALID_REQUEST, text);
    match objection {
        Objection::NoSharing => invalid("分账单不存在"),
        Objection::Different => invalid("请求重入时，参数与首次请求时不一致"),
        Objection::NoPart => invalid("回退方不是该分账单已分账成功的接收方"),
        Objection::TooMuch { left } => invalid("回退金额超过可回退金额").because(
            "call.parameter",
            None,
            Some(format!("at most {left} fen")),
        ),
        Objection::Short { has } => Refusal::text(code::NOTENOUGH, "回退方余额不足").because(
            "pay.funds.not_enough",
            Some(format!("AVAILABLE has {has} fen")),
            None,
        ),
    }
}

/// `secapi/pay/profitsharingreturn`.
fn give_back(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = signed(turn.world, asked)?;
    own(turn.world, asked)?;
    if element(asked, "return_account_type")? != Kind::MerchantId.name() {
        return Err(wrong("回退方类型return_account_type不正确"));
    }
    let (order_id, out_order_no) = (given(asked, "order_id"), given(asked, "out_order_no"));
    if order_id.is_none() && out_order_no.is_none() {
        return Err(wrong("缺少参数order_id或out_order_no"));
    }
    let amount = element(asked, "return_amount")?.parse().ok();
    let amount = amount.filter(|fen| (1..=order::MOST).contains(fen));
    let wanted = sharing_return::Wanted {
        order_id: order_id.map(Id::from),
        out_order_no: out_order_no.map(Id::from),
        out_return_no: number(asked, "out_return_no", sharing_return::NUMBER)?,
        from: element(asked, "return_account")?.into(),
        amount: amount.ok_or_else(|| wrong("回退金额return_amount不正确"))?,
        description: element(asked, "description")?.to_owned(),
    };
    let number = wanted.out_return_no.clone();
    let back = sharing_return::ask(turn, &whose, wanted).map_err(refuse_return)?;
    Ok(Reply::Json(shown_return(&number, &back)))
}

fn shown_return(out_return_no: &str, back: &Return) -> Value {
    let mut shown = json!({
        "order_id": &*back.order_id,
        "out_order_no": &*back.out_order_no,
        "out_return_no": out_return_no,
        "return_no": &*back.id,
        "return_account_type": Kind::MerchantId.name(),
        "return_account": &*back.from,
        "return_amount": back.amount.to_string(),
        "description": back.description,
        "result": back.result(),
    });
    if back.result.fail_reason().is_some() {
        // WECHAT: a receiver that is short has no word of its own here.
        shown["fail_reason"] = json!("PAYER_ACCOUNT_ABNORMAL");
    }
    if let Some(at) = back.finished_at {
        shown["finish_time"] = json!(shanghai::digits(UnixSeconds(at)));
    }
    shown
}

/// `pay/profitsharingreturnquery`.
fn query_return(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = signed(turn.world, asked)?;
    let number = element(asked, "out_return_no")?;
    let found = sharing_return::seen(turn.world, &whose, number);
    let found = found.ok_or_else(|| Refusal::text(code::INVALID_REQUEST, "回退单不存在"))?;
    Ok(Reply::Json(shown_return(number, found)))
}
