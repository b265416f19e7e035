//! Complaints over the interface's third generation, and their notices.
//!
//! Source: doc pages "查询投诉单列表", "查询投诉单详情", "查询投诉协商历史", "提交回复", "反馈处理完成", "更新退款审批结果",
//! "创建投诉通知回调地址", "投诉通知回调".

use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v3 as code, event_id::pay_v3::notify, id::pay_v3 as v3};
use xinqiao_types::shanghai;

use super::{
    complaint::{self, Complaint, Record, Stage, time},
    notice::{self, Told},
    refund, sensitive, signature,
    v3::{address, parameter},
};
use crate::{
    accounts::{self, merchant::Merchant},
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, World, feature::id_in},
    people,
    products::Feature,
};

/// Where merchants are told about complaints.
static ADDRESSES: Table<Id, Id> = Table::new("pay.complaint_addresses", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "pay.complaint_v3",
    tables: &[&ADDRESSES],
    behaviours: &[
        stateful(
            v3::merchant_service::CREATE_COMPLAINT_NOTIFICATION,
            ADDRESS,
            create_address,
        ),
        stateful(
            v3::merchant_service::GET_COMPLAINT_NOTIFICATIONS,
            ADDRESS,
            get_address,
        ),
        stateful(
            v3::merchant_service::UPDATE_COMPLAINT_NOTIFICATION,
            ADDRESS,
            update_address,
        ),
        stateful(
            v3::merchant_service::DELETE_COMPLAINT_NOTIFICATION,
            ADDRESS,
            delete_address,
        ),
        stateful(v3::merchant_service::LIST_COMPLAINTS_V2, ANSWERED, list),
        stateful(v3::merchant_service::GET_COMPLAINT_V2, ANSWERED, get),
        stateful(
            v3::merchant_service::LIST_NEGOTIATION_HISTORY_V2,
            ANSWERED,
            history,
        ),
        stateful(
            v3::merchant_service::RESPOND_TO_COMPLAINT_V2,
            ANSWERED,
            respond,
        ),
        stateful(
            v3::merchant_service::COMPLETE_COMPLAINT_V2,
            ANSWERED,
            complete,
        ),
        stateful(
            v3::merchant_service::UPDATE_REFUND_PROGRESS,
            REFUNDED,
            refund_progress,
        ),
    ],
    topics: &[
        (complaint::SAID, said),
        (accounts::DELETED, merchant_deleted),
    ],
    ..Feature::EMPTY
};
const ADDRESS: &str = "the_address_for_complaints_is_made_changed_and_deleted";
const ANSWERED: &str = "a_complaint_is_told_answered_completed_and_taken_up_again";
const REFUNDED: &str = "what_a_complaint_wants_back_is_granted_or_not";

/// Complaints of one answer: the most, and how many where nobody says.
const MOST: i64 = 50;
const PAGE: i64 = 10;
/// Records of one answer.
const MOST_RECORDS: i64 = 300;
const RECORDS: i64 = 100;
/// Days between the first and the last that are asked for.
const DAYS: i64 = 30;

// ---- Where merchants are told.

fn shown_address(mchid: &Id, url: &str) -> Reply {
    Reply::Json(json!({"mchid": &**mchid, "url": url}))
}

fn no_address() -> Refusal {
    Refusal::text(code::RESOURCE_NOT_EXISTS, "投诉通知回调地址不存在")
}

/// `merchant-service/complaint-notifications`.
fn create_address(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = signature::caller(turn.world, asked)?.mchid.clone();
    if ADDRESSES.has(turn.world, &*mchid) {
        let text = "投诉通知回调地址已存在，请使用更新接口";
        return Err(Refusal::text(code::RESOURCE_ALREADY_EXISTS, text));
    }
    put_address(turn, mchid, asked)
}

fn put_address(turn: &mut Turn<'_>, mchid: Id, asked: &Asked) -> Verdict {
    let url = asked.text("url")?;
    address("url", url)?;
    let answer = shown_address(&mchid, url);
    ADDRESSES.put(turn.world, mchid, url.into());
    Ok(answer)
}

fn get_address(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = &signature::caller(turn.world, asked)?.mchid;
    let url = ADDRESSES.get(turn.world, &**mchid).ok_or_else(no_address)?;
    Ok(shown_address(mchid, url))
}

fn update_address(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = signature::caller(turn.world, asked)?.mchid.clone();
    if !ADDRESSES.has(turn.world, &*mchid) {
        return Err(no_address());
    }
    put_address(turn, mchid, asked)
}

fn delete_address(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = signature::caller(turn.world, asked)?.mchid.clone();
    ADDRESSES
        .remove(turn.world, &*mchid)
        .ok_or_else(no_address)?;
    Ok(Reply::Nothing)
}

// ---- What merchants ask.

/// Which page of a list is asked for: how many are left out, and how many told at most.
fn page(asked: &Asked, usual: i64, most: i64) -> Result<(usize, usize), Refusal> {
    let number = |name: &str, usual: i64| match asked.given(name) {
        Some(_) => asked.number(name),
        None => Ok(usual),
    };
    let (limit, offset) = (number("limit", usual)?, number("offset", 0)?);
    if !(1..=most).contains(&limit) {
        let issue = format!("is 1 to {most}");
        return Err(parameter("limit", &json!(limit), &issue));
    }
    let skip = usize::try_from(offset);
    let skip = skip.map_err(|_| parameter("offset", &json!(offset), "is 0 or more"))?;
    Ok((skip, limit as usize))
}

/// A day, its first second and how the numbers of its complaints have it.
fn day(asked: &Asked, name: &str) -> Result<(i64, String), Refusal> {
    let text = asked.text(name)?;
    let digits = text.replace('-', "");
    let begins = shanghai::read(&format!("{digits}000000"));
    let begins = begins.filter(|_| text.len() == 10 && digits.len() == 8);
    let issue = "must be a day as 2026-02-01";
    let begins = begins.ok_or_else(|| parameter(name, &json!(text), issue))?;
    Ok((begins.0, digits))
}

/// `merchant-service/complaints-v2`.
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let merchant = signature::caller(turn.world, asked)?;
    let (first, last) = (day(asked, "begin_date")?, day(asked, "end_date")?);
    if last.0 < first.0 || last.0 - first.0 > DAYS * shanghai::DAY {
        let issue = format!("is at most {DAYS} days after begin_date, and not before it");
        return Err(parameter("end_date", &json!(last.1), &issue));
    }
    let named = asked.given("complainted_mchid");
    if named.is_some_and(|named| named != &*merchant.mchid) {
        return Err(not_own(named));
    }
    let (skip, take) = page(asked, PAGE, MOST)?;
    let days = (first.1.as_str(), last.1.as_str());
    let all: Vec<Value> = complaint::between(turn.world, &merchant.mchid, days)
        .map(|(id, complaint)| shown(turn.world, merchant, id, complaint))
        .collect();
    let told: Vec<&Value> = all.iter().skip(skip).take(take).collect();
    Ok(Reply::Json(json!({
        "data": told,
        "limit": take,
        "offset": skip,
        "total_count": all.len(),
    })))
}

fn not_own(named: Option<&str>) -> Refusal {
    let issue = "is not the merchant that signed";
    parameter("complainted_mchid", &json!(named), issue)
}

fn missing() -> Refusal {
    Refusal::text(code::RESOURCE_NOT_EXISTS, "投诉单不存在")
}

/// A complaint as answers show it.
fn shown(world: &World, merchant: &Merchant, id: &str, complaint: &Complaint) -> Value {
    let given_back: i64 = refund::of_order(world, &merchant.mchid, &complaint.out_trade_no)
        .filter(|(_, refund)| refund.status.success_at().is_some())
        .map(|(_, refund)| refund.amount)
        .sum();
    let mut shown = json!({
        "complaint_id": id,
        "complaint_time": time(complaint.created_at),
        "complaint_detail": complaint.detail,
        "complaint_state": complaint.stage.name(),
        "complainted_mchid": &*merchant.mchid,
        "payer_openid": &*complaint.openid,
        "complaint_media_list": [],
        "complaint_order_info": [{
            "transaction_id": &*complaint.transaction_id,
            "out_trade_no": &*complaint.out_trade_no,
            "amount": complaint.total,
        }],
        "problem_type": complaint.kind,
        "problem_description": complaint.detail,
        "complaint_full_refunded": given_back >= complaint.total,
        "incoming_user_response": complaint.unanswered,
        "user_complaint_times": complaint.times,
    });
    if let Some(refund) = complaint.refund {
        shown["apply_refund_amount"] = json!(refund);
    }
    let user = people::user(world, complaint.user).ok();
    let phone = user.and_then(|user| user.about.as_ref().map(|about| about.phone.as_str()));
    let phone = phone.filter(|phone| !phone.is_empty());
    if let Some(sealed) = phone.and_then(|phone| sensitive::seal(merchant, phone)) {
        shown["payer_phone"] = json!(sealed);
    }
    shown
}

/// `merchant-service/complaints-v2/{complaint_id}`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let merchant = signature::caller(turn.world, asked)?;
    let id = asked.text("complaint_id")?;
    let found = complaint::find(turn.world, &merchant.mchid, id);
    let found = found.ok_or_else(missing)?;
    Ok(Reply::Json(shown(turn.world, merchant, id, found)))
}

/// `merchant-service/complaints-v2/{complaint_id}/negotiation-historys`.
fn history(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = &signature::caller(turn.world, asked)?.mchid;
    let id = asked.text("complaint_id")?;
    let found = complaint::find(turn.world, mchid, id).ok_or_else(missing)?;
    let (skip, take) = page(asked, RECORDS, MOST_RECORDS)?;
    // WECHAT: the latest stands first.
    let records = { found.history.iter().enumerate().rev() }
        .skip(skip)
        .take(take)
        .map(|(at, record)| {
            json!({
                "log_id": format!("{id}{at:04}"),
                "operator": record.operator,
                "operate_time": time(record.at),
                "operate_type": record.what,
                "operate_details": record.details,
                "image_list": record.images,
            })
        });
    Ok(Reply::Json(json!({
        "data": records.collect::<Vec<_>>(),
        "limit": take,
        "offset": skip,
        "total_count": found.history.len(),
    })))
}

/// The complaint that a merchant speaks of, which must be its own.
fn own(world: &World, asked: &Asked) -> Result<((Id, Id), Stage), Refusal> {
    let mchid = signature::caller(world, asked)?.mchid.clone();
    let id = Id::from(asked.text("complaint_id")?);
    let found = complaint::find(world, &mchid, &id).ok_or_else(missing)?;
    Ok(((mchid, id), found.stage))
}

fn spoken_of(world: &World, asked: &Asked) -> Result<((Id, Id), Stage), Refusal> {
    let named = asked.text("complainted_mchid")?;
    if named != &*signature::caller(world, asked)?.mchid {
        return Err(not_own(Some(named)));
    }
    own(world, asked)
}

fn record(turn: &Turn<'_>, mchid: &Id, what: &str, details: &str) -> Record {
    Record {
        operator: format!("商户{mchid}"),
        what: what.to_owned(),
        details: details.to_owned(),
        images: Vec::new(),
        at: turn.now.0,
    }
}

/// How far a complaint is when its merchant has said something: what was done stays so.
fn in_work(stage: Stage) -> Stage {
    match stage {
        Stage::Pending | Stage::Processing => Stage::Processing,
        Stage::Processed => Stage::Processed,
    }
}

/// `merchant-service/complaints-v2/{complaint_id}/response`.
fn respond(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (key, stage) = spoken_of(turn.world, asked)?;
    let content = asked.text("response_content")?;
    let mut record = record(turn, &key.0, "MERCHANT_RESPONSE", content);
    if !asked.body["response_images"].is_null() {
        let images = asked.texts("response_images")?;
        record.images = images.into_iter().map(str::to_owned).collect();
    }
    complaint::answer(turn, &key, in_work(stage), record, "MERCHANT_RESPONSE");
    Ok(Reply::Nothing)
}

/// `merchant-service/complaints-v2/{complaint_id}/complete`.
fn complete(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (key, stage) = spoken_of(turn.world, asked)?;
    if stage == Stage::Pending {
        // WECHAT: a merchant has to answer before it may be done with a complaint.
        let text = "投诉单尚未回复，不能反馈处理完成";
        return Err(Refusal::text(code::INVALID_REQUEST, text));
    }
    if stage == Stage::Processed {
        let text = "投诉单已处理完成";
        return Err(Refusal::text(code::INVALID_REQUEST, text));
    }
    let record = record(turn, &key.0, "MERCHANT_CONFIRM_COMPLETE", "");
    let action = "MERCHANT_CONFIRM_COMPLETE";
    complaint::answer(turn, &key, Stage::Processed, record, action);
    Ok(Reply::Nothing)
}

/// `merchant-service/complaints-v2/{complaint_id}/update-refund-progress`.
fn refund_progress(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (key, stage) = own(turn.world, asked)?;
    let complaint = complaint::find(turn.world, &key.0, &key.1).ok_or_else(missing)?;
    if complaint.kind != "REFUND" {
        let text = "该投诉单的问题类型不是申请退款";
        return Err(Refusal::text(code::INVALID_REQUEST, text));
    }
    let (what, action, details) = match asked.text("action")? {
        "APPROVE" => {
            let remark = asked.given("remark").unwrap_or_default();
            // WECHAT: in how many days the money is sent, 0 to 20.
            let day = asked.number("launch_refund_day")?;
            if !(0..=20).contains(&day) {
                return Err(parameter("launch_refund_day", &json!(day), "is 0 to 20"));
            }
            ("MERCHANT_APPROVE_REFUND", "MERCHANT_APPROVE_REFUND", remark)
        }
        "REJECT" => {
            let reason = asked.text("reject_reason")?;
            // WECHAT: spelled so.
            ("MERCHANT_REFUSE_RERUND", "MERCHANT_REJECT_REFUND", reason)
        }
        other => {
            let issue = "is APPROVE or REJECT";
            return Err(parameter("action", &json!(other), issue));
        }
    };
    let record = record(turn, &key.0, what, details);
    complaint::answer(turn, &key, in_work(stage), record, action);
    Ok(Reply::Nothing)
}

// ---- What merchants are told.

fn said(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(mchid), Some(id)) = (id_in(what, "merchant"), id_in(what, "complaint_id")) {
        // A merchant without an address is not told.
        let _ = tell(
            turn,
            &mchid,
            &id,
            what["action"].as_str().unwrap_or_default(),
        );
    }
}

fn tell(turn: &mut Turn<'_>, mchid: &Id, id: &Id, action: &str) -> Option<u64> {
    let url = ADDRESSES.get(turn.world, &**mchid)?.to_string();
    let complaint = complaint::find(turn.world, mchid, id)?;
    let (user, openid) = (complaint.user, complaint.openid.clone());
    let (ends, summary) = if action == "CREATE_COMPLAINT" {
        ("CREATE", "产生新投诉")
    } else {
        ("STATE_CHANGE", "投诉单状态变化")
    };
    let told = Told {
        event: notify::COMPLAINT,
        ends,
        original_type: "complaint",
        summary,
        resource: json!({"complaint_id": &**id, "action_type": action}),
    };
    notice::tell(turn, (mchid, &url), (user, &openid), told)
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        ADDRESSES.remove(turn.world, &*mchid);
    }
}
