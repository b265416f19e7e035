//! Batches of transfers over the interface's third generation, and their notices.
//!
//! Source: doc pages "发起商家转账", "通过微信批次单号查询批次单", "通过商家批次单号查询批次单", "通过微信明细单号查询明细单",
//! "通过商家明细单号查询明细单", "商家转账批次回调通知".

use serde_json::{Value, json};
use xinqiao_catalog::{
    code::pay_v3 as code, event_id::pay_v3::notify, id::pay_v3 as v3, rules::limit,
};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    batch::{self, Batch, Detail, Objection, Outcome, Wanted},
    notice::{self, Told},
    order, sensitive, signature,
    transfer_v3::{self, NAMED},
    v3::{address, parameter},
};
use crate::{
    accounts::{
        merchant::Merchant,
        rules::{Preset, Rule},
    },
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn, World, feature::id_in},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.batch_v3",
    behaviours: &[
        stateful(v3::transfer::CREATE_BATCH, FINISHED, create),
        stateful(v3::transfer::GET_BATCH_BY_BATCH_ID, FINISHED, get),
        stateful(v3::transfer::GET_BATCH_BY_OUT_BATCH_NO, FINISHED, get),
        stateful(
            v3::transfer::GET_BATCH_DETAILS_BY_DETAIL_ID,
            DETAILS,
            by_detail_id,
        ),
        stateful(
            v3::transfer::GET_BATCH_DETAILS_BY_OUT_DETAIL_NO,
            DETAILS,
            by_detail_number,
        ),
    ],
    rules: &[&OPEN],
    topics: &[(batch::ENDED, ended)],
    ..Feature::EMPTY
};
const FINISHED: &str = "a_batch_is_paid_found_by_both_numbers_and_told";
const DETAILS: &str = "details_of_a_batch_fail_and_the_money_comes_back";

pub(super) const MOST: &str = "old_batch.batch_transfer_details";
pub(super) const NUMBER: &str = "old_batch.out_batch_no";
/// Details of one answer, where nobody says how many.
const PAGE: i64 = 20;
/// What the resource of a notice is.
const PAYMENT: &str = "mch_payment";

/// Whether a merchant has the product.
static OPEN: Rule = Rule {
    name: "pay.transfer_batches",
    default: Preset::Word("open", &["open", "closed"]),
    about: (
        "商户是否还能用旧的批量转账：open，或 closed（NO_AUTH，如 2025 年后新开通的商户），设在商户上",
        "whether a merchant may still use the older batches: open, or closed, which is NO_AUTH as for merchants of 2025 and later; set on the merchant",
    ),
    source: "the community: merchants that opened transfers after 2025-01-15 have the new product only",
};

/// `transfer/batches`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let merchant = signature::caller(turn.world, asked)?;
    let mchid = merchant.mchid.clone();
    if OPEN.word(Some(&merchant.rules)) == "closed" {
        let text = "当前商户号接入升级版本功能，暂不支持使用升级前功能";
        return Err(Refusal::text(code::NO_AUTH, text));
    }
    let wanted = wanted(turn, asked, merchant)?;
    let number = wanted.number.clone();
    let batch = batch::ask(turn, &mchid, wanted).map_err(refuse)?;
    Ok(Reply::Json(json!({
        "out_batch_no": &*number,
        "batch_id": &*batch.id,
        "create_time": time(batch.created_at),
        "batch_status": batch.state.name(),
    })))
}

fn refuse(objection: Objection) -> Refusal {
    match objection {
        Objection::Different => Refusal::text(
            code::INVALID_REQUEST,
            "商家批次单号重复，且请求参数与首次请求不一致",
        ),
        Objection::Short { has } => {
            Refusal::text(code::NOT_ENOUGH, "资金不足，请充值后用原单号重试").because(
                "pay.funds.not_enough",
                Some(format!("OPERATION has {has} fen")),
                None,
            )
        }
    }
}

fn time(at: i64) -> String {
    shanghai::rfc3339(UnixSeconds(at))
}

fn wanted(turn: &Turn<'_>, asked: &Asked, merchant: &Merchant) -> Result<Wanted, Refusal> {
    let number = asked.text("out_batch_no")?;
    let fine = number.chars().all(|c| c.is_ascii_alphanumeric());
    if !fine || !limit::fits(NUMBER, number) {
        let issue = "has 5 to 32 letters and digits";
        return Err(parameter("out_batch_no", &json!(number), issue));
    }
    let list = asked.body["transfer_detail_list"].as_array();
    let list = list.map(Vec::as_slice).unwrap_or_default();
    if list.is_empty() || list.len() > limit::count(MOST) {
        let issue = format!("has 1 to {} details", limit::count(MOST));
        return Err(parameter("transfer_detail_list", &Value::Null, &issue));
    }
    let appid = asked.text("appid")?;
    let details: Result<Vec<Detail>, Refusal> = { list.iter() }
        .map(|one| detail(turn, merchant, appid, one))
        .collect();
    let details = details?;
    let numbers: std::collections::BTreeSet<&Id> = details.iter().map(|one| &one.number).collect();
    if numbers.len() != details.len() {
        let issue = "stands there twice";
        return Err(parameter(
            "transfer_detail_list.out_detail_no",
            &Value::Null,
            issue,
        ));
    }
    let sum: i64 = details.iter().map(|one| one.amount).sum();
    for (name, is) in [("total_amount", sum), ("total_num", details.len() as i64)] {
        let said = asked.number(name)?;
        if said != is {
            let issue = format!("is {is} by the details");
            return Err(parameter(name, &json!(said), &issue));
        }
    }
    if let Some(url) = asked.given("notify_url") {
        address("notify_url", url)?;
    }
    let mut repeated = asked.body.clone();
    // WECHAT: each encryption of a name is another text.
    let list = { repeated["transfer_detail_list"].as_array_mut() }.into_iter();
    for (one, detail) in list.flatten().zip(&details) {
        if let Some(fields) = one.as_object_mut() {
            fields.retain(|name, _| name != "user_name" && name != "user_id_card");
            if let Some(name) = &detail.name {
                fields.insert("name".to_owned(), json!(name));
            }
        }
    }
    Ok(Wanted {
        appid: appid.into(),
        number: number.into(),
        name: asked.text("batch_name")?.to_owned(),
        remark: asked.text("batch_remark")?.to_owned(),
        scene: asked.given("transfer_scene_id").map(str::to_owned),
        notify_url: asked.given("notify_url").map(str::to_owned),
        details,
        asked: repeated,
    })
}

fn detail(
    turn: &Turn<'_>,
    merchant: &Merchant,
    appid: &str,
    said: &Value,
) -> Result<Detail, Refusal> {
    let field = |name: &str| format!("transfer_detail_list.{name}");
    let text = |name: &str| {
        let given = said[name].as_str().filter(|text| !text.is_empty());
        given.ok_or_else(|| parameter(&field(name), &said[name], "is missing"))
    };
    let amount = said["transfer_amount"].as_i64();
    let amount = amount.filter(|fen| (1..=order::MOST).contains(fen));
    let amount = amount.ok_or_else(|| {
        let name = field("transfer_amount");
        parameter(&name, &said["transfer_amount"], "must be at least 1 fen")
    })?;
    let name = match said["user_name"].as_str().filter(|name| !name.is_empty()) {
        Some(sealed) => Some(sensitive::open(&field("user_name"), sealed)?),
        None if amount >= limit::count(NAMED) as i64 * 100 => {
            return Err(parameter(
                &field("user_name"),
                &Value::Null,
                "is needed for this amount",
            ));
        }
        None => None,
    };
    let (_, openid) = transfer_v3::payee(turn, merchant, (appid, text("openid")?))?;
    Ok(Detail {
        number: text("out_detail_no")?.into(),
        id: "".into(),
        openid,
        amount,
        remark: text("transfer_remark")?.to_owned(),
        name,
        result: Outcome::Processing,
    })
}

fn missing() -> Refusal {
    Refusal::text(code::NOT_FOUND, "记录不存在")
}

/// A batch by the number that stands in the path.
fn found<'w>(
    world: &'w World,
    merchant: &Merchant,
    asked: &Asked,
) -> Result<(&'w Id, &'w Batch), Refusal> {
    let of_path = |name: &str| {
        let mut path = asked.path.iter();
        path.find(|(own, _)| *own == name)
            .map(|(_, value)| value.as_str())
    };
    let by = (of_path("batch_id"), of_path("out_batch_no"));
    batch::by_either(world, &merchant.mchid, by.0, by.1).ok_or_else(missing)
}

/// `transfer/batches/batch-id/{batch_id}` and `transfer/batches/out-batch-no/{out_batch_no}`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let merchant = signature::caller(turn.world, asked)?;
    let (number, batch) = found(turn.world, merchant, asked)?;
    let mut answer = json!({"transfer_batch": shown(&merchant.mchid, number, batch)});
    if asked.text("need_query_detail")? != "true" {
        return Ok(Reply::Json(answer));
    }
    let wanted = asked.given("detail_status").unwrap_or("ALL");
    let from = asked
        .given("offset")
        .map_or(0, |_| asked.number("offset").unwrap_or(0));
    let most = asked
        .given("limit")
        .map_or(PAGE, |_| asked.number("limit").unwrap_or(PAGE));
    let (Ok(skip), Ok(take @ 1..=100)) = (usize::try_from(from), usize::try_from(most)) else {
        let given = json!([from, most]);
        return Err(parameter(
            "limit",
            &given,
            "is 1 to 100, and offset 0 or more",
        ));
    };
    let details = { batch.details.iter() }
        .filter(|one| wanted == "ALL" || one.result.name() == wanted)
        .skip(skip)
        .take(take)
        .map(|one| {
            json!({
                "out_detail_no": &*one.number,
                "detail_id": &*one.id,
                "detail_status": one.result.name(),
            })
        });
    answer["transfer_detail_list"] = details.collect();
    Ok(Reply::Json(answer))
}

fn shown(mchid: &str, number: &str, batch: &Batch) -> Value {
    let (success, fail) = (batch.ended("SUCCESS"), batch.ended("FAIL"));
    let mut shown = json!({
        "mchid": mchid,
        "appid": &*batch.appid,
        "out_batch_no": number,
        "batch_id": &*batch.id,
        "batch_status": batch.state.name(),
        "batch_type": "API",
        "batch_name": batch.name,
        "batch_remark": batch.remark,
        "total_amount": batch.total,
        "total_num": batch.details.len(),
        "create_time": time(batch.created_at),
        "update_time": time(batch.updated_at),
        "success_amount": success.1,
        "success_num": success.0,
        "fail_amount": fail.1,
        "fail_num": fail.0,
    });
    if let Some(scene) = &batch.scene {
        shown["transfer_scene_id"] = json!(scene);
    }
    shown
}

/// `transfer/batches/batch-id/{batch_id}/details/detail-id/{detail_id}`.
fn by_detail_id(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let id = asked.text("detail_id")?;
    one(turn, asked, |detail| &*detail.id == id)
}

/// `transfer/batches/out-batch-no/{out_batch_no}/details/out-detail-no/{out_detail_no}`.
fn by_detail_number(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let number = asked.text("out_detail_no")?;
    one(turn, asked, |detail| &*detail.number == number)
}

fn one(turn: &mut Turn<'_>, asked: &Asked, is: impl Fn(&Detail) -> bool) -> Verdict {
    let merchant = signature::caller(turn.world, asked)?;
    let (number, batch) = found(turn.world, merchant, asked)?;
    let detail = batch.details.iter().find(|detail| is(detail));
    let detail = detail.ok_or_else(missing)?;
    // WECHAT: the name is always there, also where none was given.
    let name = detail.name.as_deref().unwrap_or_default();
    let mut shown = json!({
        "mchid": &*merchant.mchid,
        "appid": &*batch.appid,
        "out_batch_no": &**number,
        "batch_id": &*batch.id,
        "out_detail_no": &*detail.number,
        "detail_id": &*detail.id,
        "detail_status": detail.result.name(),
        "transfer_amount": detail.amount,
        "transfer_remark": detail.remark,
        "openid": &*detail.openid,
        "user_name": sensitive::seal(merchant, name).unwrap_or_default(),
        "initiate_time": time(batch.created_at),
        "update_time": time(batch.updated_at),
    });
    if let Some(reason) = detail.result.fail_reason() {
        shown["fail_reason"] = json!(reason);
    }
    Ok(Reply::Json(shown))
}

fn ended(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "out_batch_no")) {
        // A merchant that gave no address is not told.
        let _ = tell(turn, &mchid, &number);
    }
}

fn tell(turn: &mut Turn<'_>, mchid: &Id, number: &Id) -> Option<u64> {
    let (_, batch) = batch::by_either(turn.world, mchid, None, Some(number))?;
    let url = batch.notify_url.clone()?;
    let openid = batch.details.first()?.openid.clone();
    let user = notice::about(turn.world, &batch.appid, &openid);
    let (success, fail) = (batch.ended("SUCCESS"), batch.ended("FAIL"));
    let resource = json!({
        "mchid": &**mchid,
        "out_batch_no": &**number,
        "batch_id": &*batch.id,
        "batch_status": batch.state.name(),
        "total_amount": batch.total,
        "total_num": batch.details.len(),
        "success_amount": success.1,
        "success_num": success.0,
        "fail_amount": fail.1,
        "fail_num": fail.0,
        "update_time": time(batch.updated_at),
    });
    let told = Told {
        event: notify::MERCHANT_TRANSFER_BATCH_FINISHED,
        ends: "FINISHED",
        original_type: PAYMENT,
        summary: "商家转账批次完成通知",
        resource,
    };
    notice::tell(turn, (mchid, &url), (user, &openid), told)
}
