//! Stocks of cash coupons over the interface's third generation.
//!
//! Source: doc pages "创建代金券批次", "激活代金券批次", "暂停代金券批次", "重启代金券批次", "条件查询批次列表", "查询批次详情",
//! "查询代金券可用商户", "查询代金券可用单品".

use serde_json::{Value, json};
use xinqiao_catalog::{code::pay_v3 as code, id::pay_v3 as v3};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    coupon_stock::{self, Objection, State, Stock, UseRule},
    signature,
    v3::parameter,
};
use crate::{
    door::{Asked, Refusal, Reply, Verdict, stateful},
    kernel::{Id, Turn, World},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.coupon_stock_v3",
    behaviours: &[
        stateful(v3::marketing::favor::CREATE_COUPON_STOCK, MADE, create),
        stateful(v3::marketing::favor::START_STOCK, STATES, start),
        stateful(v3::marketing::favor::PAUSE_STOCK, STATES, pause),
        stateful(v3::marketing::favor::RESTART_STOCK, STATES, restart),
        stateful(v3::marketing::favor::GET_STOCK, MADE, get),
        stateful(v3::marketing::favor::LIST_STOCKS, MADE, list),
        stateful(v3::marketing::favor::LIST_STOCK_MERCHANTS, MADE, merchants),
        stateful(v3::marketing::favor::LIST_STOCK_ITEMS, MADE, items),
    ],
    ..Feature::EMPTY
};
const MADE: &str = "a_stock_is_made_once_and_told";
const STATES: &str = "a_stock_is_started_paused_and_restarted_by_who_made_it";

/// Entries of one answer, at most. Source: the pages of these lists.
const STOCKS: i64 = 10;
const MERCHANTS: i64 = 50;
const ITEMS: i64 = 100;
/// Source: doc page "创建代金券批次".
const LASTS: i64 = 90 * shanghai::DAY;
const AHEAD: i64 = 365 * shanghai::DAY;
const PER_USER: i64 = 60;
const NAME: usize = 20;

/// The platform's words, of which a rule's own are beside.
pub(super) fn refuse(objection: Objection) -> Refusal {
    let invalid = |text: &str| Refusal::text(code::INVALID_REQUEST, text);
    match objection {
        Objection::Missing => missing(),
        Objection::Different => invalid("请求重入时，参数与首次请求时不一致"),
        Objection::State => Refusal::text(code::PARAM_ERROR, "非法的批次状态"),
        Objection::Inactive => invalid("活动已结束或未激活"),
        Objection::Short { has, needs } => Refusal::text(code::NOT_ENOUGH, "批次预算不足").because(
            "call.parameter",
            Some(format!("AVAILABLE has {has} fen")),
            Some(format!("{needs} fen")),
        ),
        Objection::Spent => Refusal::text(code::NOT_ENOUGH, "批次预算不足"),
        Objection::Enough => Refusal::text(code::REQUEST_BLOCKED, "用户被限领拦截"),
    }
}

pub(super) fn missing() -> Refusal {
    Refusal::text(code::RESOURCE_NOT_EXISTS, "批次不存在")
}

/// Who calls, if it is the merchant that is named.
pub(super) fn own(world: &World, asked: &Asked, name: &str) -> Result<Id, Refusal> {
    let caller = &signature::caller(world, asked)?.mchid;
    let named = asked.text(name)?;
    if *named == **caller {
        return Ok(caller.clone());
    }
    let expected = Some(format!("{caller}, the merchant that signed"));
    let refusal = Refusal::text(code::INVALID_REQUEST, "非法的商户号");
    Err(refusal.because("call.parameter", Some(format!("{name} {named}")), expected))
}

/// A rule of a new stock that does not hold.
fn wrong(received: String, expected: String) -> Refusal {
    let text = "批次发放规则或核销规则有误，请修改后重试";
    Refusal::text(code::INVALID_REQUEST, text).because(
        "call.parameter",
        Some(received),
        Some(expected),
    )
}

/// A yes or no in whichever form it was sent.
pub(super) fn is_set(value: &Value) -> bool {
    *value == json!(true) || *value == json!("true") || *value == json!(1)
}

pub(super) fn time(at: i64) -> String {
    shanghai::rfc3339(UnixSeconds(at))
}

pub(super) fn moment(asked: &Asked, name: &str) -> Result<i64, Refusal> {
    let text = asked.text(name)?;
    let at = shanghai::read(text).map(|at| at.0);
    at.ok_or_else(|| parameter(name, &json!(text), "输入时间格式错误"))
}

fn texts(value: &Value) -> Vec<String> {
    { value.as_array().into_iter().flatten() }
        .filter_map(|text| text.as_str().map(str::to_owned))
        .collect()
}

/// `marketing/favor/coupon-stocks`.
fn create(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let caller = signature::caller(turn.world, asked)?.mchid.clone();
    let belongs = asked.text("belong_merchant")?;
    if belongs != &*caller {
        return Err(Refusal::text(code::MCH_NOT_EXISTS, "商户号不合法"));
    }
    let stock = drafted(turn, asked, &caller)?;
    let stock_id = coupon_stock::make(turn, &caller, stock).map_err(refuse)?;
    let made = coupon_stock::find(turn.world, &caller, &stock_id).ok_or_else(missing)?;
    Ok(Reply::Json(json!({
        "stock_id": &*stock_id,
        "create_time": time(made.created_at),
    })))
}

/// A stock as a call describes it.
fn drafted(turn: &Turn<'_>, asked: &Asked, caller: &Id) -> Result<Stock, Refusal> {
    let name = asked.text("stock_name")?;
    if name.chars().count() > NAME || name.contains(['_', ',', ';', '|']) {
        let issue = "has at most 20 characters, none of them _ , ; |";
        return Err(parameter("stock_name", &json!(name), issue));
    }
    let kind = asked.text("stock_type")?;
    if kind != "NORMAL" {
        return Err(parameter("stock_type", &json!(kind), "is NORMAL here"));
    }
    let (begins, ends) = period(turn.now.0, asked)?;
    let no_cash = &asked.body["no_cash"];
    if no_cash.is_null() {
        return Err(parameter("no_cash", no_cash, "is missing"));
    }
    let given = asked.group("stock_use_rule")?;
    let whole = |group: &Value, path: &str| {
        let name = path.rsplit('.').next().unwrap_or(path);
        let number = group[name].as_i64().filter(|number| *number > 0);
        number.ok_or_else(|| parameter(path, &group[name], "must be a whole number from 1"))
    };
    let of_use = asked.group("coupon_use_rule")?;
    let fixed = &of_use["fixed_normal_coupon"];
    let amount = whole(fixed, "coupon_use_rule.fixed_normal_coupon.coupon_amount")?;
    let minimum = whole(
        fixed,
        "coupon_use_rule.fixed_normal_coupon.transaction_minimum",
    )?;
    let most = whole(given, "stock_use_rule.max_coupons")?;
    let worth = whole(given, "stock_use_rule.max_amount")?;
    let per_user = whole(given, "stock_use_rule.max_coupons_per_user")?;
    let by_day = given["max_amount_by_day"].as_i64().filter(|fen| *fen > 0);
    if minimum <= amount {
        let expected = format!("more than coupon_amount {amount}");
        return Err(wrong(format!("transaction_minimum {minimum}"), expected));
    }
    if amount.checked_mul(most) != Some(worth) {
        let expected = "coupon_amount × max_coupons".to_owned();
        return Err(wrong(format!("max_amount {worth}"), expected));
    }
    if per_user > PER_USER {
        let expected = format!("at most {PER_USER}");
        return Err(wrong(format!("max_coupons_per_user {per_user}"), expected));
    }
    if by_day.is_some_and(|fen| fen > worth) {
        let expected = format!("at most max_amount {worth}");
        return Err(wrong("max_amount_by_day".to_owned(), expected));
    }
    Ok(Stock {
        name: name.to_owned(),
        description: asked.body["pattern_info"]["description"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
        out_request_no: asked.text("out_request_no")?.into(),
        asked: asked.body.clone(),
        begins,
        ends,
        no_cash: is_set(no_cash),
        amount,
        minimum,
        most,
        per_user,
        by_day,
        rule: rule(of_use, caller),
        created_at: turn.now.0,
        state: State::Unactivated,
        started_at: None,
        distributed: 0,
        of_day: (0, 0),
        budget: 0,
    })
}

/// When coupons of a new stock can be used.
fn period(now: i64, asked: &Asked) -> Result<(i64, i64), Refusal> {
    let begins = moment(asked, "available_begin_time")?;
    let ends = moment(asked, "available_end_time")?;
    if !(now..=now + AHEAD).contains(&begins) {
        let expected = "from now to 365 days from now".to_owned();
        return Err(wrong(
            format!("available_begin_time {}", time(begins)),
            expected,
        ));
    }
    if !(begins + 1..=begins + LASTS).contains(&ends) {
        let expected = "after available_begin_time, by 90 days at most".to_owned();
        return Err(wrong(
            format!("available_end_time {}", time(ends)),
            expected,
        ));
    }
    Ok((begins, ends))
}

fn rule(given: &Value, caller: &Id) -> UseRule {
    let lasts = &given["coupon_available_time"];
    let fixed = &lasts["fix_available_time"];
    let merchants = texts(&given["available_merchants"]);
    // WECHAT: pages tell a list of days, the schema one day.
    let days = &fixed["available_week_day"];
    let day = |day: &Value| crate::door::asked::whole(day);
    UseRule {
        goods_tags: texts(&given["goods_tag"]),
        trade_types: texts(&given["trade_type"]),
        merchants: if merchants.is_empty() {
            vec![caller.clone()]
        } else {
            merchants.into_iter().map(Id::from).collect()
        },
        items: texts(&given["available_items"]),
        not_items: texts(&given["unavailable_items"]),
        of_a_bank: !texts(&given["limit_pay"]).is_empty() || given["limit_card"].is_object(),
        combine_use: is_set(&given["combine_use"]),
        second_day: is_set(&lasts["second_day_available"]),
        minutes: lasts["available_time_after_receive"].as_i64(),
        weekdays: match days.as_array() {
            Some(list) => list.iter().filter_map(day).collect(),
            None => day(days).into_iter().collect(),
        },
        hours: fixed["begin_time"].as_i64().zip(fixed["end_time"].as_i64()),
    }
}

/// The stock that the path names, of who calls.
fn named(world: &World, asked: &Asked) -> Result<(Id, Id), Refusal> {
    let caller = own(world, asked, "stock_creator_mchid")?;
    Ok((caller, asked.text("stock_id")?.into()))
}

/// `marketing/favor/stocks/{stock_id}/start`.
fn start(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (caller, stock_id) = named(turn.world, asked)?;
    coupon_stock::start(turn, &caller, &stock_id).map_err(refuse)?;
    let started = json!({"stock_id": &*stock_id, "start_time": time(turn.now.0)});
    Ok(Reply::Json(started))
}

/// `marketing/favor/stocks/{stock_id}/pause`.
fn pause(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    turned(turn, asked, State::Paused, "pause_time")
}

/// `marketing/favor/stocks/{stock_id}/restart`.
fn restart(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    turned(turn, asked, State::Running, "restart_time")
}

fn turned(turn: &mut Turn<'_>, asked: &Asked, state: State, name: &str) -> Verdict {
    let (caller, stock_id) = named(turn.world, asked)?;
    let stock = coupon_stock::turn_to(turn, &caller, &stock_id, state).map_err(refuse)?;
    Ok(Reply::Json(json!({
        "stock_id": &*stock_id,
        "start_time": time(stock.started_at.unwrap_or(turn.now.0)),
        name: time(turn.now.0),
    })))
}

/// A stock as answers show it.
fn shown(caller: &Id, stock_id: &Id, stock: &Stock, now: i64) -> Value {
    let rule = &stock.rule;
    let limits = &stock.asked["stock_use_rule"];
    let mut shown = json!({
        "stock_id": &**stock_id,
        "stock_name": stock.name,
        "stock_type": "NORMAL",
        "stock_creator_mchid": &**caller,
        "status": stock.status(now),
        "description": stock.description,
        "available_begin_time": time(stock.begins),
        "available_end_time": time(stock.ends),
        "stock_use_rule": {
            "max_coupons": stock.most,
            "max_amount": stock.worth(),
            "max_amount_by_day": stock.by_day.unwrap_or_else(|| stock.worth()),
            "max_coupons_per_user": stock.per_user,
            "fixed_normal_coupon": {
                "coupon_amount": stock.amount, "transaction_minimum": stock.minimum,
            },
            "coupon_type": "NORMAL",
            "goods_tag": rule.goods_tags,
            "trade_type": rule.trade_types,
            "combine_use": rule.combine_use,
            "natural_person_limit": is_set(&limits["natural_person_limit"]),
            "prevent_api_abuse": is_set(&limits["prevent_api_abuse"]),
        },
        "distributed_coupons": stock.distributed,
        "no_cash": stock.no_cash,
        "singleitem": stock.is_single(),
        "create_time": time(stock.created_at),
    });
    if let Some(at) = stock.started_at {
        shown["start_time"] = json!(time(at));
        if now >= stock.ends {
            shown["stop_time"] = json!(time(stock.ends));
        }
    }
    shown
}

/// `marketing/favor/stocks/{stock_id}`.
fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let (caller, stock_id) = named(turn.world, asked)?;
    let stock = coupon_stock::find(turn.world, &caller, &stock_id).ok_or_else(missing)?;
    Ok(Reply::Json(shown(&caller, &stock_id, stock, turn.now.0)))
}

/// Which page of a list is asked for.
///
/// WECHAT: `offset` counts pages, from 0.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    limit: usize,
    offset: usize,
}

impl Page {
    pub(super) fn of(asked: &Asked, most: i64, usual: Option<i64>) -> Result<Self, Refusal> {
        let number = |name: &str, usual: Option<i64>| match (asked.given(name), usual) {
            (None, Some(usual)) => Ok(usual),
            _ => asked.number(name),
        };
        let (limit, offset) = (number("limit", usual)?, number("offset", usual.map(|_| 0))?);
        if !(1..=most).contains(&limit) {
            let issue = format!("is 1 to {most}");
            return Err(parameter("limit", &json!(limit), &issue));
        }
        let wrong = |_| parameter("offset", &json!(offset), "is 0 or more");
        Ok(Self {
            limit: limit as usize,
            offset: usize::try_from(offset).map_err(wrong)?,
        })
    }

    /// The page of these, and how many there are.
    pub(super) fn told(self, all: &[Value]) -> Value {
        let skip = self.offset.saturating_mul(self.limit);
        let data: Vec<&Value> = all.iter().skip(skip).take(self.limit).collect();
        json!({
            "data": data,
            "limit": self.limit,
            "offset": self.offset,
            "total_count": all.len(),
        })
    }
}

/// `marketing/favor/stocks`.
fn list(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let caller = own(turn.world, asked, "stock_creator_mchid")?;
    let page = Page::of(asked, STOCKS, None)?;
    let edge = |name: &str, usual: i64| match asked.given(name) {
        Some(_) => moment(asked, name),
        None => Ok(usual),
    };
    let (from, until) = (
        edge("create_start_time", i64::MIN)?,
        edge("create_end_time", i64::MAX)?,
    );
    let (now, status) = (turn.now.0, asked.given("status"));
    let fits = |stock: &Stock| {
        (from..=until).contains(&stock.created_at)
            && status.is_none_or(|status| status == stock.status(now))
    };
    let all: Vec<Value> = coupon_stock::of_merchant(turn.world, &caller)
        .filter(|(_, stock)| fits(stock))
        .map(|(stock_id, stock)| shown(&caller, stock_id, stock, now))
        .collect();
    Ok(Reply::Json(page.told(&all)))
}

/// `marketing/favor/stocks/{stock_id}/merchants`.
fn merchants(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    names(turn, asked, MERCHANTS, |rule| {
        rule.merchants.iter().map(|mchid| json!(&**mchid)).collect()
    })
}

/// `marketing/favor/stocks/{stock_id}/items`.
fn items(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    names(turn, asked, ITEMS, |rule| {
        rule.items.iter().map(|item| json!(item)).collect()
    })
}

fn names(turn: &Turn<'_>, asked: &Asked, most: i64, of: fn(&UseRule) -> Vec<Value>) -> Verdict {
    let (caller, stock_id) = named(turn.world, asked)?;
    let page = Page::of(asked, most, None)?;
    let stock = coupon_stock::find(turn.world, &caller, &stock_id).ok_or_else(missing)?;
    let mut told = page.told(&of(&stock.rule));
    told["stock_id"] = json!(&*stock_id);
    Ok(Reply::Json(told))
}
