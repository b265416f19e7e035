//! Red packets over the interface's second generation.
//!
//! Source: doc pages "发放普通红包", "发放裂变红包", "查询红包记录" of the payment interface's second generation.

use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v2 as code, id::pay_v2 as v2, rules::limit};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    red_packet::{self, Objection, Packet, Wanted},
    signature,
    v2::{element, given, own},
};
use crate::{
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn},
    people,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.red_packet_v2",
    behaviours: &[
        stateful(v2::mmpay_mkt_transfers::SEND_RED_PACK, OPENED, send),
        stateful(
            v2::mmpay_mkt_transfers::SEND_GROUP_RED_PACK,
            SEVERAL,
            send_to_several,
        ),
        stateful(v2::mmpay_mkt_transfers::GET_HB_INFO, OPENED, query),
    ],
    ..Feature::EMPTY
};
const OPENED: &str = "a_red_packet_is_opened_in_the_phone_or_goes_back";
const SEVERAL: &str = "a_red_packet_for_several_is_opened_by_each_once";

/// What one person gets at most without a scene, in yuan.
pub(super) const AMOUNT: &str = "v2_red_packets.amount";
/// How many open one for several at most.
pub(super) const GROUP: &str = "v2_red_packets.group_size";
/// The least of a part without a scene, and how few may open one for several.
///
/// Source: doc pages "发放普通红包", "发放裂变红包".
const LEAST: i64 = 100;
const FEWEST: usize = 3;

fn wrong(text: &str) -> Refusal {
    Refusal::text(code::PARAM_ERROR, text)
}

/// `mmpaymkttransfers/sendredpack`.
fn send(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    if element(asked, "total_num")? != "1" {
        return Err(wrong("total_num必须为1"));
    }
    sent(turn, asked, None)
}

/// `mmpaymkttransfers/sendgroupredpack`.
fn send_to_several(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let number: Option<usize> = element(asked, "total_num")?.parse().ok();
    let most = limit::count(GROUP);
    let number = number.filter(|number| (FEWEST..=most).contains(number));
    let number = number.ok_or_else(|| wrong(&format!("total_num必须介于{FEWEST}到{most}之间")))?;
    element(asked, "amt_type")?;
    sent(turn, asked, Some(number))
}

fn sent(turn: &mut Turn<'_>, asked: &Asked, several: Option<usize>) -> Verdict {
    let merchant = signature::caller(turn.world, asked)?;
    let mchid = merchant.mchid.clone();
    let appid = element(asked, "wxappid")?;
    let bound = merchant.appids.iter().find(|bound| &***bound == appid);
    let appid = bound.ok_or_else(|| wrong("wxappid和mch_id不匹配"))?.clone();
    let openid: Id = element(asked, "re_openid")?.into();
    if people::person(turn.world, &appid, &openid).is_none() {
        return Err(Refusal::text(code::OPENID_ERROR, "openid和appid不匹配"));
    }
    let total: Option<i64> = element(asked, "total_amount")?.parse().ok();
    let total = total.filter(|total| *total > 0);
    let total = total.ok_or_else(|| wrong("total_amount参数格式有误"))?;
    let of_each = several.unwrap_or(1) as i64;
    let most = limit::count(AMOUNT) as i64 * 100;
    let usual = (LEAST * of_each..=most * of_each).contains(&total);
    // WECHAT: a scene of the promotion allows other amounts.
    if (!usual && given(asked, "scene_id").is_none()) || total < of_each {
        return Err(Refusal::text(code::MONEY_LIMIT, "红包金额超出限制"));
    }
    let wanted = Wanted {
        appid: appid.clone(),
        openid: openid.clone(),
        number: element(asked, "mch_billno")?.into(),
        total,
        several,
        send_name: element(asked, "send_name")?.to_owned(),
        wishing: element(asked, "wishing")?.to_owned(),
        act_name: element(asked, "act_name")?.to_owned(),
        remark: element(asked, "remark")?.to_owned(),
    };
    let number = wanted.number.clone();
    let packet = red_packet::send(turn, &mchid, wanted).map_err(|why| refuse(why, total))?;
    Ok(Reply::Json(json!({
        "mch_id": &*mchid,
        "wxappid": &*appid,
        "mch_billno": &*number,
        "re_openid": &*openid,
        "total_amount": total.to_string(),
        "send_listid": &*packet.id,
    })))
}

fn refuse(objection: Objection, needs: i64) -> Refusal {
    match objection {
        Objection::Different => wrong("商户订单号mch_billno重复，参数与首次不一致"),
        Objection::TooMany => Refusal::text(code::SENDNUM_LIMIT, "该用户今日领取红包个数超过限制"),
        Objection::Short { has } => {
            Refusal::text(code::NOTENOUGH, "帐号余额不足，请到商户平台充值后再重试").because(
                "pay.funds.not_enough",
                Some(format!("OPERATION has {has} fen")),
                Some(format!("{needs} fen")),
            )
        }
    }
}

/// `mmpaymkttransfers/gethbinfo`.
fn query(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = &own(turn.world, asked)?.payee;
    let number = element(asked, "mch_billno")?;
    element(asked, "bill_type")?;
    let found = red_packet::find(turn.world, mchid, number);
    let packet = found.ok_or_else(|| Refusal::text(code::NOT_FOUND, "指定单号数据不存在"))?;
    Ok(Reply::Json(shown(number, packet)))
}

fn time(at: i64) -> String {
    shanghai::written(UnixSeconds(at), "%Y-%m-%d %H:%M:%S")
}

fn shown(number: &str, packet: &Packet) -> Value {
    let opened = packet.opened.iter().map(|one| {
        json!({
            "openid": &*one.openid, "amount": one.amount.to_string(), "rcv_time": time(one.at),
        })
    });
    let opened: Vec<Value> = opened.collect();
    let kind = if packet.is_for_several {
        "GROUP"
    } else {
        "NORMAL"
    };
    let mut shown = json!({
        "mch_billno": number,
        "detail_id": &*packet.id,
        "status": packet.status(),
        "send_type": "API",
        "hb_type": kind,
        "total_num": packet.number().to_string(),
        "total_amount": packet.total.to_string(),
        "send_time": time(packet.sent_at),
        "wishing": packet.wishing,
        "remark": packet.remark,
        "act_name": packet.act_name,
        "refund_amount": "0",
    });
    if !opened.is_empty() {
        shown["hblist"] = json!({"hbinfo": opened});
    }
    if let Some((at, amount)) = packet.returned {
        shown["refund_amount"] = json!(amount.to_string());
        shown["refund_time"] = json!(time(at));
    }
    shown
}
