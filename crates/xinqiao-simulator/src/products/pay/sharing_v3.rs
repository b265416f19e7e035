//! Profit sharing over the interface's third generation.
//!
//! Source: doc pages "请求分账", "查询分账结果", "请求分账回退", "查询分账回退结果", "解冻剩余资金", "查询剩余待分金额",
//! "添加分账接收方", "删除分账接收方".

use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v3 as code, id::pay_v3 as v3, rules::limit};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    order, pot,
    receivers::{self, Kind, Receiver},
    sensitive,
    sharing::{self, Objection, Share, Sharing, Wanted},
    sharing_return::{self, Return},
    signature,
    v3::{bound, parameter, whose},
    whose::Whose,
};
use crate::{
    accounts::merchant::{self, MERCHANTS},
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn, World},
    people,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.sharing_v3",
    behaviours: &[
        stateful(v3::profit_sharing::receivers::ADD, SHARED, add),
        stateful(v3::profit_sharing::receivers::DELETE, UNKNOWN, remove),
        stateful(v3::profit_sharing::CREATE_ORDER, SHARED, create),
        stateful(v3::profit_sharing::GET_ORDER, SHARED, get),
        stateful(v3::profit_sharing::UNFREEZE_ORDER, UNFROZEN, unfreeze),
        stateful(v3::profit_sharing::GET_TRANSACTION_AMOUNTS, SHARED, left),
        stateful(
            v3::profit_sharing::CREATE_RETURN_ORDER,
            RETURNED,
            create_return,
        ),
        stateful(v3::profit_sharing::GET_RETURN_ORDER, RETURNED, get_return),
    ],
    ..Feature::EMPTY
};
const SHARED: &str = "an_order_is_shared_with_a_merchant_and_a_person_and_told";
const UNKNOWN: &str = "who_is_not_known_any_more_gets_nothing";
const UNFROZEN: &str = "what_is_left_is_unfrozen_by_hand_or_when_its_time_is_over";
const RETURNED: &str = "shared_money_comes_back";

fn refuse(objection: Objection) -> Refusal {
    let invalid = |text: &str| Refusal::text(code::INVALID_REQUEST, text);
    match objection {
        Objection::NoOrder => Refusal::text(code::ORDER_NOT_EXIST, "订单不存在"),
        Objection::NotFlagged => invalid("非分账订单不支持分账").because(
            "pay.sharing.not_flagged",
            None,
            Some("settle_info.profit_sharing: true in the order".to_owned()),
        ),
        Objection::TooEarly => invalid("订单处理中，暂时无法分账，请稍后再试"),
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
            let issue = "stands there twice";
            parameter("receivers.account", &json!(&*account), issue)
        }
        Objection::Itself => invalid("剩余资金已解冻给分账方，分账方不能再作为接收方"),
        Objection::TooMuch { left } => Refusal::text(code::NOT_ENOUGH, "分账金额不足").because(
            "call.parameter",
            None,
            Some(format!("at most {left} fen")),
        ),
        Objection::OverCap { percent } => {
            Refusal::text(code::RULE_LIMIT, "分账金额超过最大分账比例").because(
                "pay.sharing.over_cap",
                None,
                Some(format!("at most {percent} % of the order")),
            )
        }
    }
}

/// A receiver's kind and account, and the account of people in which an openid is one.
fn named(world: &World, asked: &Asked, whose: &Whose) -> Result<(Kind, Id, Id), Refusal> {
    let kind = kind_named(asked.text("type")?, whose)?;
    let caller = signature::caller(world, asked)?;
    let mut appid = bound(caller, "appid", asked.text("appid")?)?;
    if kind == Kind::PersonalSubOpenid {
        let sub = merchant::merchant(world, &whose.payee);
        let sub = sub.map_err(|_| Refusal::code(code::MCH_NOT_EXISTS))?;
        appid = bound(sub, "sub_appid", asked.text("sub_appid")?)?;
    }
    Ok((kind, asked.text("account")?.into(), appid.clone()))
}

fn kind_named(name: &str, whose: &Whose) -> Result<Kind, Refusal> {
    Kind::named(name, whose).ok_or_else(|| {
        let issue = if whose.provider.is_some() {
            "is MERCHANT_ID, PERSONAL_OPENID or PERSONAL_SUB_OPENID"
        } else {
            "is MERCHANT_ID or PERSONAL_OPENID where there is no sub-merchant"
        };
        parameter("type", &json!(name), issue)
    })
}

/// An answer, with the sub-merchant that it is about.
fn of(whose: &Whose, mut answer: Value) -> Reply {
    if whose.provider.is_some() {
        answer["sub_mchid"] = json!(&*whose.payee);
    }
    Reply::Json(answer)
}

/// `profitsharing/receivers/add`.
fn add(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = whose(turn.world, asked)?;
    let (kind, account, appid) = named(turn.world, asked, &whose)?;
    let relation = asked.text("relation_type")?;
    let custom = asked.given("custom_relation");
    if relation == "CUSTOM" && custom.is_none_or(str::is_empty) {
        let issue = "is needed for the relation CUSTOM";
        return Err(parameter("custom_relation", &Value::Null, issue));
    }
    let name = match asked.given("name") {
        Some(sealed) => Some(sensitive::open("name", sealed)?),
        None => None,
    };
    exists(turn.world, kind, &account, &appid, name.as_deref())?;
    let mut answer = json!({
        "type": kind.name(), "account": &*account, "relation_type": relation,
    });
    if let Some(custom) = custom {
        answer["custom_relation"] = json!(custom);
    }
    let receiver = Receiver {
        kind,
        account,
        appid,
        name,
    };
    receivers::add(turn.world, &whose.payee, receiver);
    Ok(of(&whose, answer))
}

/// Whether there is such a merchant, of this name, or such a person.
pub(super) fn exists(
    world: &World,
    kind: Kind,
    account: &Id,
    appid: &Id,
    name: Option<&str>,
) -> Result<(), Refusal> {
    match kind {
        Kind::PersonalOpenid | Kind::PersonalSubOpenid => {
            let found = people::person(world, appid, account).map(|_| ());
            found.ok_or_else(|| parameter("account", &json!(&**account), "无效的openid"))
        }
        Kind::MerchantId => {
            let Some(merchant) = MERCHANTS.get(world, &**account) else {
                let issue = "is no merchant";
                return Err(parameter("account", &json!(&**account), issue));
            };
            // WECHAT: a merchant's full name is needed, a person's may be left out.
            match name {
                Some(name) if name == merchant.name => Ok(()),
                Some(_) => Err(Refusal::text(
                    code::INVALID_REQUEST,
                    "分账接收商户全称不匹配",
                )),
                None => Err(parameter(
                    "name",
                    &Value::Null,
                    "is needed for a merchant, its full name",
                )),
            }
        }
    }
}

/// `profitsharing/receivers/delete`.
fn remove(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = whose(turn.world, asked)?;
    let (kind, account, _) = named(turn.world, asked, &whose)?;
    receivers::remove(turn.world, &whose.payee, kind, &account);
    let answer = json!({"type": kind.name(), "account": &*account});
    Ok(of(&whose, answer))
}

/// A number of the merchant's own.
fn number(asked: &Asked, name: &str, limit: &str) -> Result<Id, Refusal> {
    let number = asked.text(name)?;
    let fine = |c: char| c.is_ascii_alphanumeric() || "_-|*@".contains(c);
    if limit::fits(limit, number) && number.chars().all(fine) {
        return Ok(number.into());
    }
    let issue = "has up to 64 digits, letters and _-|*@";
    Err(parameter(name, &json!(number), issue))
}

/// `profitsharing/orders`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = whose(turn.world, asked)?;
    let receivers = asked.body["receivers"].as_array();
    let receivers = receivers.filter(|list| !list.is_empty());
    let receivers = receivers
        .ok_or_else(|| parameter("receivers", &Value::Null, "must have one receiver or more"))?;
    let parts: Result<Vec<Share>, Refusal> = { receivers.iter() }
        .map(|receiver| share(receiver, &whose))
        .collect();
    let last = asked.body["unfreeze_unsplit"].as_bool();
    let last =
        last.ok_or_else(|| parameter("unfreeze_unsplit", &Value::Null, "must be true or false"))?;
    let wanted = Wanted {
        transaction_id: asked.text("transaction_id")?.into(),
        out_order_no: number(asked, "out_order_no", sharing::NUMBER)?,
        parts: parts?,
        last,
        rest: None,
    };
    let out_order_no = wanted.out_order_no.clone();
    let sharing = sharing::ask(turn, &whose, wanted).map_err(refuse)?;
    Ok(of(&whose, shown(&out_order_no, &sharing)))
}

fn share(receiver: &Value, whose: &Whose) -> Result<Share, Refusal> {
    let text = |name: &str| {
        let given = receiver[name].as_str().filter(|text| !text.is_empty());
        let field = format!("receivers.{name}");
        given.ok_or_else(|| parameter(&field, &receiver[name], "is missing"))
    };
    let amount = receiver["amount"].as_i64();
    let amount = amount.filter(|fen| (1..=order::MOST).contains(fen));
    let amount = amount.ok_or_else(|| {
        let issue = "must be at least 1 fen";
        parameter("receivers.amount", &receiver["amount"], issue)
    })?;
    let name = match receiver["name"].as_str() {
        Some(sealed) => Some(sensitive::open("receivers.name", sealed)?),
        None => None,
    };
    Ok(Share {
        kind: kind_named(text("type")?, whose)?,
        account: text("account")?.into(),
        name,
        amount,
        description: text("description")?.to_owned(),
    })
}

/// A sharing as answers show it.
fn shown(out_order_no: &str, sharing: &Sharing) -> Value {
    let created = shanghai::rfc3339(UnixSeconds(sharing.created_at));
    let parts = sharing.parts.iter().map(|part| {
        let mut shown = json!({
            "type": part.kind.name(),
            "account": &*part.account,
            "amount": part.amount,
            "description": part.description,
            "result": part.result.name(),
            "detail_id": &*part.detail_id,
            "create_time": created,
        });
        if let Some(at) = part.finished_at {
            shown["finish_time"] = json!(shanghai::rfc3339(UnixSeconds(at)));
        }
        if let Some(reason) = part.result.fail_reason() {
            shown["fail_reason"] = json!(reason);
        }
        shown
    });
    json!({
        "transaction_id": &*sharing.transaction_id,
        "out_order_no": out_order_no,
        "order_id": &*sharing.order_id,
        "state": sharing.state(),
        "receivers": parts.collect::<Vec<_>>(),
    })
}

/// `profitsharing/orders/{out_order_no}`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = whose(turn.world, asked)?;
    let (number, order) = (asked.text("out_order_no")?, asked.text("transaction_id")?);
    let found = sharing::seen(turn.world, &whose, number);
    let found = found.filter(|sharing| &*sharing.transaction_id == order);
    let found = found.ok_or_else(|| Refusal::text(code::RESOURCE_NOT_EXISTS, "分账单不存在"))?;
    Ok(of(&whose, shown(number, found)))
}

/// `profitsharing/orders/unfreeze`.
fn unfreeze(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = whose(turn.world, asked)?;
    let number = number(asked, "out_order_no", sharing::NUMBER)?;
    let (order, words) = (asked.text("transaction_id")?, asked.text("description")?);
    let sharing = sharing::unfreeze(turn, &whose, order.into(), number.clone(), words);
    Ok(of(&whose, shown(&number, &sharing.map_err(refuse)?)))
}

/// `profitsharing/transactions/{transaction_id}/amounts`.
///
/// WECHAT: a provider names no sub-merchant here.
fn left(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let caller = signature::caller(turn.world, asked)?;
    let of = asked.text("transaction_id")?;
    let whose = Whose::of_transaction(turn.world, caller, of);
    let mchid = &whose.ok_or_else(|| refuse(Objection::NoOrder))?.payee;
    pot::find(turn.world, mchid, of).ok_or_else(|| refuse(Objection::NotFlagged))?;
    let left = pot::frozen(turn.world, mchid, of).unwrap_or(0);
    Ok(Reply::Json(
        json!({"transaction_id": of, "unsplit_amount": left}),
    ))
}

// ---- Returns.

fn refuse_return(objection: sharing_return::Objection) -> Refusal {
    use sharing_return::Objection;
    let invalid = |text: &str| Refusal::text(code::INVALID_REQUEST, text);
    match objection {
        Objection::NoSharing => Refusal::text(code::RESOURCE_NOT_EXISTS, "分账单不存在"),
        Objection::Different => invalid("请求重入时，参数与首次请求时不一致"),
        Objection::NoPart => invalid("回退方不是该分账单已分账成功的接收方"),
        Objection::TooMuch { left } => invalid("回退金额超过可回退金额").because(
            "call.parameter",
            None,
            Some(format!("at most {left} fen")),
        ),
        Objection::Short { has } => Refusal::text(code::NOT_ENOUGH, "回退方余额不足").because(
            "pay.funds.not_enough",
            Some(format!("AVAILABLE has {has} fen")),
            None,
        ),
    }
}

/// `profitsharing/return-orders`.
fn create_return(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = whose(turn.world, asked)?;
    let (order_id, out_order_no) = (asked.given("order_id"), asked.given("out_order_no"));
    if order_id.is_none() && out_order_no.is_none() {
        let issue = "is missing: give order_id or out_order_no";
        return Err(parameter("order_id", &Value::Null, issue));
    }
    let amount = asked.number("amount")?;
    if !(1..=order::MOST).contains(&amount) {
        let issue = "must be at least 1 fen";
        return Err(parameter("amount", &json!(amount), issue));
    }
    let wanted = sharing_return::Wanted {
        order_id: order_id.map(Id::from),
        out_order_no: out_order_no.map(Id::from),
        out_return_no: number(asked, "out_return_no", sharing_return::NUMBER)?,
        from: asked.text("return_mchid")?.into(),
        amount,
        description: asked.text("description")?.to_owned(),
    };
    let number = wanted.out_return_no.clone();
    let back = sharing_return::ask(turn, &whose, wanted).map_err(refuse_return)?;
    Ok(of(&whose, shown_return(&number, &back)))
}

fn shown_return(out_return_no: &str, back: &Return) -> Value {
    let mut shown = json!({
        "order_id": &*back.order_id,
        "out_order_no": &*back.out_order_no,
        "out_return_no": out_return_no,
        "return_id": &*back.id,
        "return_mchid": &*back.from,
        "amount": back.amount,
        "description": back.description,
        "result": back.result(),
        "create_time": shanghai::rfc3339(UnixSeconds(back.created_at)),
    });
    if let Some(reason) = back.result.fail_reason() {
        shown["fail_reason"] = json!(reason);
    }
    if let Some(at) = back.finished_at {
        shown["finish_time"] = json!(shanghai::rfc3339(UnixSeconds(at)));
    }
    shown
}

/// `profitsharing/return-orders/{out_return_no}`.
fn get_return(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let whose = whose(turn.world, asked)?;
    let (number, sharing) = (asked.text("out_return_no")?, asked.text("out_order_no")?);
    let found = sharing_return::seen(turn.world, &whose, number);
    let found = found.filter(|back| &*back.out_order_no == sharing);
    let found = found.ok_or_else(|| Refusal::text(code::RESOURCE_NOT_EXISTS, "回退单不存在"))?;
    Ok(of(&whose, shown_return(number, found)))
}
