//! Transfers to people over the interface's third generation, and their notices.
//!
//! Source: doc pages "发起转账", "撤销转账", "商户单号查询转账单", "微信单号查询转账单", "商家转账回调通知".

use serde_json::{Value, json};
use xinqiao_catalog::{
    code::pay_v3 as code, event_id::pay_v3::notify, id::pay_v3 as v3, rules::limit,
};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    notice::{self, Told},
    sensitive, signature,
    transfer::{self, Objection, Transfer, Wanted},
    v3::{address, parameter},
};
use crate::{
    accounts::merchant::Merchant,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn, feature::id_in},
    people,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.transfer_v3",
    behaviours: &[
        stateful(
            v3::fund_app::mch_transfer::CREATE_TRANSFER_BILL,
            CONFIRMED,
            create,
        ),
        stateful(
            v3::fund_app::mch_transfer::GET_TRANSFER_BILL_BY_OUT_BILL_NO,
            CONFIRMED,
            by_number,
        ),
        stateful(
            v3::fund_app::mch_transfer::GET_TRANSFER_BILL_BY_TRANSFER_BILL_NO,
            CONFIRMED,
            by_id,
        ),
        stateful(
            v3::fund_app::mch_transfer::CANCEL_TRANSFER_BILL,
            CANCELLED,
            cancel,
        ),
    ],
    topics: &[(transfer::ENDED, ended)],
    ..Feature::EMPTY
};
const CONFIRMED: &str = "a_transfer_is_confirmed_in_the_phone_arrives_and_is_told";
const CANCELLED: &str = "a_transfer_that_nobody_confirms_is_taken_back_or_closed";

pub(super) const REMARK: &str = "merchant_transfer.transfer_remark";
/// From which amount on a name is needed.
pub(super) const NAMED: &str = "merchant_transfer.transfer_user_name";
/// The least that is transferred, and below which no name may be given, in fen.
///
/// Source: doc page "发起转账".
const LEAST: i64 = 10;
const NAMELESS: i64 = 30;
/// What the resource of a notice is.
const PAYMENT: &str = "mch_payment";

fn refuse(objection: Objection) -> Refusal {
    match objection {
        Objection::Different => Refusal::text(
            code::INVALID_REQUEST,
            "商户单号重复，且请求参数与首次请求不一致",
        ),
        Objection::Short { has } => {
            Refusal::text(code::NOT_ENOUGH, "资金不足，请充值后用原单号重试").because(
                "pay.funds.not_enough",
                Some(format!("OPERATION has {has} fen")),
                None,
            )
        }
        Objection::Missing => Refusal::text(code::NOT_FOUND, "记录不存在"),
        Objection::TooLate => Refusal::text(code::INVALID_REQUEST, "当前转账单状态不允许撤销"),
    }
}

/// `fund-app/mch-transfer/transfer-bills`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = signature::caller(turn.world, asked)?.mchid.clone();
    let wanted = wanted(turn, asked)?;
    let number = wanted.out_bill_no.clone();
    let transfer = transfer::ask(turn, &mchid, wanted).map_err(refuse)?;
    let mut answer = json!({
        "out_bill_no": &*number,
        "transfer_bill_no": &*transfer.id,
        "create_time": shanghai::rfc3339(UnixSeconds(transfer.created_at)),
        "state": transfer.state.name(),
    });
    if let Some(reason) = transfer.state.fail_reason() {
        answer["fail_reason"] = json!(reason);
    }
    if let Some(package) = transfer.package_info() {
        answer["package_info"] = json!(&**package);
    }
    Ok(Reply::Json(answer))
}

/// An account of the merchant that signed, and a person by the openid there.
pub(super) fn payee(
    turn: &Turn<'_>,
    merchant: &Merchant,
    (appid, openid): (&str, &str),
) -> Result<(Id, Id), Refusal> {
    let bound = merchant.appids.iter().find(|bound| &***bound == appid);
    let bound = bound
        .ok_or_else(|| Refusal::text(code::APPID_MCHID_NOT_MATCH, "商户号与AppID没有绑定关系"))?;
    if people::person(turn.world, bound, openid).is_none() {
        return Err(parameter("openid", &json!(openid), "与AppID不匹配"));
    }
    Ok((bound.clone(), openid.into()))
}

fn wanted(turn: &Turn<'_>, asked: &Asked) -> Result<Wanted, Refusal> {
    let merchant = signature::caller(turn.world, asked)?;
    let number = asked.text("out_bill_no")?;
    let fine = number.chars().all(|c| c.is_ascii_alphanumeric());
    if !fine || !limit::fits(transfer::NUMBER, number) {
        let issue = "has up to 32 letters and digits";
        return Err(parameter("out_bill_no", &json!(number), issue));
    }
    let of = (asked.text("appid")?, asked.text("openid")?);
    let (appid, openid) = payee(turn, merchant, of)?;
    let amount = asked.number("transfer_amount")?;
    if amount < LEAST {
        let issue = format!("must be at least {LEAST} fen");
        return Err(parameter("transfer_amount", &json!(amount), &issue));
    }
    let remark = asked.text("transfer_remark")?;
    if remark.chars().count() > limit::count(REMARK) {
        return Err(parameter(
            "transfer_remark",
            &json!(remark),
            "has a wrong length",
        ));
    }
    asked.text("transfer_scene_id")?;
    reported(&asked.body["transfer_scene_report_infos"])?;
    let name = name(asked, amount)?;
    if let Some(url) = asked.given("notify_url") {
        address("notify_url", url)?;
    }
    let mut repeated = asked.body.clone();
    if let Some(fields) = repeated.as_object_mut() {
        // WECHAT: each encryption of a name is another text.
        fields.remove("user_name");
        fields.insert("name".to_owned(), json!(name));
    }
    Ok(Wanted {
        appid,
        out_bill_no: number.into(),
        openid,
        amount,
        remark: remark.to_owned(),
        name,
        perception: asked.given("user_recv_perception").map(str::to_owned),
        notify_url: asked.given("notify_url").map(str::to_owned),
        asked: repeated,
    })
}

/// What the scene wants to be told about a transfer.
fn reported(infos: &Value) -> Result<(), Refusal> {
    let text = |info: &Value, name: &str| info[name].as_str().is_some_and(|text| !text.is_empty());
    let fine = infos.as_array().is_some_and(|infos| {
        let whole = |info: &Value| text(info, "info_type") && text(info, "info_content");
        !infos.is_empty() && infos.iter().all(whole)
    });
    if fine {
        return Ok(());
    }
    let issue = "must have what the scene wants to be told, each with info_type and info_content";
    Err(parameter("transfer_scene_report_infos", infos, issue))
}

/// The name that the person must have, if the amount wants or allows one.
fn name(asked: &Asked, amount: i64) -> Result<Option<String>, Refusal> {
    let from = limit::count(NAMED) as i64 * 100;
    match asked.given("user_name").filter(|name| !name.is_empty()) {
        None if amount >= from => {
            let issue = format!("is needed from {from} fen on");
            Err(parameter("user_name", &Value::Null, &issue))
        }
        None => Ok(None),
        Some(_) if amount < NAMELESS => {
            let issue = format!("must be left out below {NAMELESS} fen");
            Err(parameter("user_name", &Value::Null, &issue))
        }
        Some(sealed) => sensitive::open("user_name", sealed).map(Some),
    }
}

fn shown(merchant: &Merchant, out_bill_no: &str, transfer: &Transfer) -> Value {
    let mut shown = json!({
        "mch_id": &*merchant.mchid,
        "appid": &*transfer.appid,
        "out_bill_no": out_bill_no,
        "transfer_bill_no": &*transfer.id,
        "state": transfer.state.name(),
        "transfer_amount": transfer.amount,
        "transfer_remark": transfer.remark,
        "openid": &*transfer.openid,
        "create_time": shanghai::rfc3339(UnixSeconds(transfer.created_at)),
        "update_time": shanghai::rfc3339(UnixSeconds(transfer.updated_at)),
    });
    if let Some(reason) = transfer.state.fail_reason() {
        shown["fail_reason"] = json!(reason);
    }
    let name = transfer.name.as_deref();
    if let Some(sealed) = name.and_then(|name| sensitive::seal(merchant, name)) {
        shown["user_name"] = json!(sealed);
    }
    shown
}

/// `fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}`.
fn by_number(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let merchant = signature::caller(turn.world, asked)?;
    let found = transfer::find(turn.world, &merchant.mchid, asked.text("out_bill_no")?);
    let (number, transfer) = found.ok_or_else(|| refuse(Objection::Missing))?;
    let mut answer = shown(merchant, number, transfer);
    if let Some(package) = transfer.package_info() {
        answer["package_info"] = json!(&**package);
    }
    Ok(Reply::Json(answer))
}

/// `fund-app/mch-transfer/transfer-bills/transfer-bill-no/{transfer_bill_no}`.
fn by_id(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let merchant = signature::caller(turn.world, asked)?;
    let found = transfer::by_id(turn.world, &merchant.mchid, asked.text("transfer_bill_no")?);
    let (number, transfer) = found.ok_or_else(|| refuse(Objection::Missing))?;
    Ok(Reply::Json(shown(merchant, number, transfer)))
}

/// `fund-app/mch-transfer/transfer-bills/out-bill-no/{out_bill_no}/cancel`.
fn cancel(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = signature::caller(turn.world, asked)?.mchid.clone();
    let number = asked.text("out_bill_no")?;
    let transfer = transfer::cancel(turn, &mchid, number).map_err(refuse)?;
    Ok(Reply::Json(json!({
        "out_bill_no": number,
        "transfer_bill_no": &*transfer.id,
        "state": transfer.state.name(),
        "update_time": shanghai::rfc3339(UnixSeconds(transfer.updated_at)),
    })))
}

fn ended(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "out_bill_no")) {
        // A merchant that gave no address is not told.
        let _ = tell(turn, &mchid, &number);
    }
}

fn tell(turn: &mut Turn<'_>, mchid: &Id, number: &Id) -> Option<u64> {
    let transfer = transfer::find(turn.world, mchid, number)?.1.clone();
    let user = notice::about(turn.world, &transfer.appid, &transfer.openid);
    let mut resource = json!({
        "mchid": &**mchid,
        "out_bill_no": &**number,
        "transfer_bill_no": &*transfer.id,
        "state": transfer.state.name(),
        "transfer_amount": transfer.amount,
        "openid": &*transfer.openid,
        "create_time": shanghai::rfc3339(UnixSeconds(transfer.created_at)),
        "update_time": shanghai::rfc3339(UnixSeconds(transfer.updated_at)),
    });
    if let Some(reason) = transfer.state.fail_reason() {
        resource["fail_reason"] = json!(reason);
    }
    let told = Told {
        event: notify::MERCHANT_TRANSFER_BILL_FINISHED,
        ends: "FINISHED",
        original_type: PAYMENT,
        summary: "商家转账单据终态通知",
        resource,
    };
    let url = transfer.notify_url.as_deref()?;
    notice::tell(turn, (mchid, url), (user, &transfer.openid), told)
}
