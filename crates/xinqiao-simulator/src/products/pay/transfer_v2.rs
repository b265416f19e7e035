//! Transfers to a person's wallet over the interface's second generation (付款到零钱): done at once, without asking the
//! person.
//!
//! Source: doc pages "付款", "查询付款" of the payment interface's second generation.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v2 as code, id::pay_v2 as v2, rules::limit};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    funds::{self, Business, Purse},
    signature, transfer,
    v2::{element, given, own},
    wallet,
};
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, feature::id_in},
    people,
    products::Feature,
};

/// By merchant and the merchant's number.
static PAYMENTS: Table<(Id, Id), Payment> = Table::new("pay.wallet_payments", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "pay.transfer_v2",
    tables: &[&PAYMENTS],
    behaviours: &[
        stateful(v2::mmpay_mkt_transfers::promotion::TRANSFERS, PAID, pay),
        stateful(v2::mmpay_mkt_transfers::GET_TRANSFER_INFO, PAID, query),
    ],
    topics: &[(accounts::DELETED, merchant_deleted)],
    ..Feature::EMPTY
};
const PAID: &str = "a_wallet_is_paid_in_xml_once_a_number";

/// The most of one payment, in fen.
pub(super) const MOST: &str = "v2_transfers.amount";
/// The least of one payment, in fen.
///
/// Source: doc page "付款".
const LEAST: i64 = 30;

/// What a person was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Payment {
    appid: Id,
    openid: Id,
    /// The platform's number.
    id: Id,
    /// In fen.
    amount: i64,
    desc: String,
    /// The name that was given; nobody has a civil name here.
    name: Option<String>,
    at: i64,
}

/// `mmpaymkttransfers/promotion/transfers`.
fn pay(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let merchant = signature::caller(turn.world, asked)?;
    let mchid = merchant.mchid.clone();
    let appid = element(asked, "mch_appid")?;
    let bound = merchant.appids.iter().find(|bound| &***bound == appid);
    let appid = bound
        .ok_or_else(|| wrong("mch_appid和mchid不匹配"))?
        .clone();
    let number: Id = element(asked, "partner_trade_no")?.into();
    let openid: Id = element(asked, "openid")?.into();
    let user = people::person(turn.world, &appid, &openid);
    let user = user.ok_or_else(|| Refusal::text(code::OPENID_ERROR, "openid与商户appid不匹配"))?;
    let amount: Option<i64> = element(asked, "amount")?.parse().ok();
    let amount = amount.ok_or_else(|| wrong("付款金额amount不正确"))?;
    if !(LEAST..=limit::count(MOST) as i64).contains(&amount) {
        let text = format!("付款金额超出限制，最少{LEAST}分");
        return Err(Refusal::text(code::AMOUNT_LIMIT, text));
    }
    let (desc, check) = (element(asked, "desc")?, element(asked, "check_name")?);
    let name = given(asked, "re_user_name").map(str::to_owned);
    if check == "FORCE_CHECK" && name.is_none() {
        return Err(wrong("缺少参数re_user_name"));
    }
    let payment = Payment {
        appid: appid.clone(),
        openid,
        id: "".into(),
        amount,
        desc: desc.to_owned(),
        name,
        at: turn.now.0,
    };
    let key = (mchid, number);
    if let Some(before) = PAYMENTS.get(turn.world, &key) {
        let same = Payment {
            id: before.id.clone(),
            at: before.at,
            ..payment
        };
        return if same == *before {
            Ok(Reply::Json(shown(&key, before)))
        } else {
            Err(wrong("商户订单号partner_trade_no重复，参数与首次不一致"))
        };
    }
    match transfer::ends(turn.world, &key.0).as_str() {
        "SUCCESS" => {}
        "NAME_NOT_CORRECT" | "REAL_NAME_CHECK_FAIL" if check == "FORCE_CHECK" => {
            return Err(Refusal::text(code::NAME_MISMATCH, "真实姓名不一致"));
        }
        "NAME_NOT_CORRECT" | "REAL_NAME_CHECK_FAIL" => {}
        "TRANSFER_QUOTA_EXCEED" | "DAY_RECEIVED_QUOTA_EXCEED" => {
            return Err(Refusal::text(code::AMOUNT_LIMIT, "付款金额超出限制"));
        }
        _ => return Err(Refusal::text(code::NOAUTH, "付款被拦截")),
    }
    let has = funds::funds(turn.world, &key.0).operation;
    if has < amount {
        return Err(
            Refusal::text(code::NOTENOUGH, "账户余额不足，请充值后用原单号重试").because(
                "pay.funds.not_enough",
                Some(format!("OPERATION has {has} fen")),
                Some(format!("{amount} fen")),
            ),
        );
    }
    let day = shanghai::written(turn.now, "%Y%m%d");
    let digits = turn.world.next("pay.wallet_payment").digits(10);
    let payment = Payment {
        id: format!("1010001{day}{digits}").into(),
        ..payment
    };
    let goes = (Purse::Operation, Business::Transfer);
    funds::pass(turn, &key.0, goes, (&key.1, &payment.id), -amount);
    wallet::receive(turn, user, amount);
    let answer = shown(&key, &payment);
    PAYMENTS.put(turn.world, key, payment);
    Ok(Reply::Json(answer))
}

fn wrong(text: &str) -> Refusal {
    Refusal::text(code::PARAM_ERROR, text)
}

fn time(at: i64) -> String {
    shanghai::written(UnixSeconds(at), "%Y-%m-%d %H:%M:%S")
}

fn shown((mchid, number): &(Id, Id), payment: &Payment) -> Value {
    json!({
        "mchid": &**mchid,
        "mch_appid": &*payment.appid,
        "partner_trade_no": &**number,
        "payment_no": &*payment.id,
        "payment_time": time(payment.at),
    })
}

/// `mmpaymkttransfers/gettransferinfo`.
fn query(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = own(turn.world, asked)?.payee;
    let key = (mchid, Id::from(element(asked, "partner_trade_no")?));
    let payment = PAYMENTS.get(turn.world, &key);
    let payment = payment.ok_or_else(|| Refusal::text(code::NOT_FOUND, "指定单号数据不存在"))?;
    let mut answer = json!({
        "partner_trade_no": &*key.1,
        "detail_id": &*payment.id,
        "payment_amount": payment.amount.to_string(),
        "desc": payment.desc,
        "openid": &*payment.openid,
        "status": "SUCCESS",
        "transfer_time": time(payment.at),
        "payment_time": time(payment.at),
    });
    if let Some(name) = &payment.name {
        answer["transfer_name"] = json!(name);
    }
    Ok(Reply::Json(answer))
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        PAYMENTS.remove_under(turn.world, &mchid);
    }
}
