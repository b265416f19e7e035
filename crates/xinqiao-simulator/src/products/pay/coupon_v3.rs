//! Cash coupons of people over the interface's third generation, and where their creators are told of their use.
//!
//! A merchant gives, and asks for, coupons of its own stocks only.
//!
//! Source: doc pages "发放指定批次的代金券", "查询代金券详情", "根据商户号查用户的券", "设置代金券消息通知地址".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v3 as code, event_id::pay_v3::notify, id::pay_v3 as v3};

use super::{
    coupon::{self, Known},
    coupon_stock_v3::{Page, is_set, own, refuse, time},
    coupon_use::{self, Applied},
    notice::{self, Told},
    order, seller, signature,
    v3::{address, parameter},
};
use crate::{
    accounts,
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Table, Turn, World, feature::id_in},
    people,
    products::Feature,
};

/// Where creators of stocks are told of uses.
static ADDRESSES: Table<Id, Address> = Table::new("pay.coupon_addresses", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "pay.coupon_v3",
    tables: &[&ADDRESSES],
    behaviours: &[
        stateful(v3::marketing::favor::users::SEND_COUPON, GIVEN, send),
        stateful(v3::marketing::favor::users::GET_COUPON, GIVEN, get),
        stateful(v3::marketing::favor::users::LIST_COUPONS, GIVEN, list),
        stateful(v3::marketing::favor::SET_CALLBACK, ADDRESS, set_address),
        stateful(v3::marketing::favor::GET_CALLBACKS, ADDRESS, get_address),
    ],
    topics: &[
        (coupon_use::USED, used),
        (accounts::DELETED, merchant_deleted),
    ],
    ..Feature::EMPTY
};
const GIVEN: &str = "a_coupon_is_given_once_told_and_over_with_the_clock";
const ADDRESS: &str = "the_address_for_uses_of_coupons_is_set_and_told";

/// Coupons of one answer: where nobody says, and at most.
const PAGE: i64 = 20;
const MOST: i64 = 20;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Address {
    url: String,
    is_on: bool,
}

// ---- Coupons.

/// Who calls, and the person behind the openid of an account that is its own.
fn person(world: &World, asked: &Asked) -> Result<(Id, u64), Refusal> {
    let caller = signature::caller(world, asked)?;
    let appid = asked.text("appid")?;
    let Some(appid) = seller::bound(caller, appid) else {
        let text = "商户号与appid不匹配";
        return Err(Refusal::text(code::APPID_MCHID_NOT_MATCH, text));
    };
    let openid = asked.text("openid")?;
    let user = people::person(world, appid, openid)
        .ok_or_else(|| Refusal::text(code::INVALID_REQUEST, "openid与appid不匹配"))?;
    Ok((caller.mchid.clone(), user))
}

/// `POST marketing/favor/users/{openid}/coupons`.
fn send(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (caller, user) = person(turn.world, asked)?;
    let creator = asked.text("stock_creator_mchid")?;
    if creator != &*caller {
        let text = "批次不支持跨商户发券";
        return Err(Refusal::text(code::REQUEST_BLOCKED, text));
    }
    for name in ["coupon_value", "coupon_minimum"] {
        let given = &asked.body[name];
        if !given.is_null() {
            // Stocks whose coupons get their worth when they are given are not made here.
            let issue = "is for stocks without a fixed amount";
            return Err(parameter(name, given, issue));
        }
    }
    let number = asked.text("out_request_no")?;
    let fine = |c: char| c.is_ascii_alphanumeric() || "_-|*".contains(c);
    if !number.chars().all(fine) {
        let issue = "may hold digits, letters and _-|* only";
        return Err(parameter("out_request_no", &json!(number), issue));
    }
    let (stock_id, number) = (asked.text("stock_id")?.into(), number.into());
    let coupon_id = coupon::give(turn, &caller, (&stock_id, &number), user).map_err(refuse)?;
    Ok(Reply::Json(json!({"coupon_id": &*coupon_id})))
}

/// A coupon as answers and notices show it.
fn told(world: &World, known: &Known<'_>, now: i64) -> Value {
    let Known { coupon, stock, .. } = known;
    let mut told = json!({
        "coupon_id": &**known.coupon_id,
        "stock_id": &*coupon.stock_id,
        "stock_creator_mchid": &**known.creator,
        "coupon_name": stock.name,
        "coupon_type": "NORMAL",
        "status": coupon.status(now),
        "description": stock.description,
        "available_begin_time": time(coupon.begins),
        "available_end_time": time(coupon.ends),
        "no_cash": stock.no_cash,
        "singleitem": stock.is_single(),
        "normal_coupon_information": {
            "coupon_amount": stock.amount, "transaction_minimum": stock.minimum,
        },
        "create_time": time(coupon.created_at),
    });
    if let Some(used) = &coupon.used {
        told["consume_information"] = json!({
            "consume_time": time(used.at),
            "consume_mchid": &*used.mchid,
            "transaction_id": &*used.transaction_id,
        });
        let order = order::find(world, &used.mchid, &used.out_trade_no);
        let applied = order.and_then(|order| order.coupon.as_ref());
        let goods = applied.map(Applied::consumed).unwrap_or_default();
        if !goods.is_empty() {
            told["consume_information"]["goods_detail"] = json!(goods);
        }
    }
    told
}

/// The same, with what only answers show.
fn shown(world: &World, known: &Known<'_>, now: i64) -> Value {
    let mut shown = told(world, known, now);
    shown["out_request_no"] = json!(&*known.coupon.out_request_no);
    shown["distributed_coupons"] = json!(known.stock.distributed);
    shown
}

/// `marketing/favor/users/{openid}/coupons/{coupon_id}`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (caller, user) = person(turn.world, asked)?;
    let known = coupon::find(turn.world, &caller, asked.text("coupon_id")?);
    let known = known.filter(|known| known.coupon.user == user);
    let missing = || Refusal::text(code::RESOURCE_NOT_EXISTS, "代金券不存在");
    let known = known.ok_or_else(missing)?;
    Ok(Reply::Json(shown(turn.world, &known, turn.now.0)))
}

/// `GET marketing/favor/users/{openid}/coupons`.
///
/// WECHAT: where `available_mchid` is given, the number of the stock, the state and the page are not looked at.
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (caller, user) = person(turn.world, asked)?;
    let now = turn.now.0;
    let at = asked.given("available_mchid");
    let fits = |known: &Known<'_>| {
        let same = |name: &str, of: &str| asked.given(name).is_none_or(|given| given == of);
        if !same("creator_mchid", known.creator) || !same("sender_mchid", &known.coupon.sender) {
            return false;
        }
        let status = known.coupon.status(now);
        match at {
            Some(mchid) => {
                let there = { known.stock.rule.merchants.iter() }.any(|own| **own == *mchid);
                there && status == "SENDED" && (*mchid == *caller || *known.creator == caller)
            }
            None => {
                *known.creator == caller
                    && same("stock_id", &known.coupon.stock_id)
                    && same("status", status)
            }
        }
    };
    let all: Vec<Value> = coupon::of_user(turn.world, user)
        .filter(fits)
        .map(|known| shown(turn.world, &known, now))
        .collect();
    if at.is_some() {
        let count = all.len();
        let whole = json!({"data": all, "limit": count, "offset": 0, "total_count": count});
        return Ok(Reply::Json(whole));
    }
    let page = Page::of(asked, MOST, Some(PAGE))?;
    Ok(Reply::Json(page.told(&all)))
}

// ---- What creators are told of uses, and where.

fn used(turn: &mut Turn<'_>, what: &Value) {
    if let (Some(mchid), Some(coupon_id)) = (id_in(what, "merchant"), id_in(what, "coupon_id")) {
        // A merchant without an address is not told.
        let _ = tell(turn, &mchid, &coupon_id);
    }
}

fn tell(turn: &mut Turn<'_>, mchid: &Id, coupon_id: &Id) -> Option<u64> {
    let to = ADDRESSES.get(turn.world, &**mchid).filter(|to| to.is_on)?;
    let url = to.url.clone();
    let known = coupon::find(turn.world, mchid, coupon_id)?;
    let used = known.coupon.used.as_ref()?;
    let order = order::find(turn.world, &used.mchid, &used.out_trade_no)?;
    let (user, openid) = (known.coupon.user, order.payer.clone()?);
    let told = Told {
        event: notify::MARKETING_FAVOR_COUPON,
        ends: "COUPON.USE",
        original_type: "coupon",
        summary: "用券成功",
        resource: told(turn.world, &known, turn.now.0),
    };
    notice::tell(turn, (mchid, &url), (user, &openid), told)
}

/// `POST marketing/favor/callbacks`.
fn set_address(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let caller = own(turn.world, asked, "mchid")?;
    let url = asked.text("notify_url")?;
    address("notify_url", url)?;
    let switch = &asked.body["switch"];
    let row = Address {
        url: url.to_owned(),
        is_on: switch.is_null() || is_set(switch),
    };
    ADDRESSES.put(turn.world, caller, row);
    Ok(Reply::Json(json!({
        "notify_url": url,
        "update_time": time(turn.now.0),
    })))
}

/// `GET marketing/favor/callbacks`.
fn get_address(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let caller = own(turn.world, asked, "mchid")?;
    let found = ADDRESSES.get(turn.world, &*caller).ok_or_else(|| {
        let text = "未设置代金券消息通知地址";
        Refusal::text(code::RESOURCE_NOT_EXISTS, text)
    })?;
    Ok(Reply::Json(json!({
        "mchid": &*caller,
        "notify_url": found.url,
    })))
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        ADDRESSES.remove(turn.world, &*mchid);
    }
}
