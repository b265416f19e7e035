//! Codes of phones (付款码): shown to a till, good for a minute and one payment; and the password that a phone asks for
//! before a payment which is not free of it.
//!
//! The act `pay_code` shows a code and says how it is with its owner: whether the phone asks for the password, whether the
//! wallet is short. `confirm_payment` is what the owner does when asked.
//!
//! Source: doc pages "付款码支付", "撤销订单"; of the password: the catalog's limits `code_payment.*`.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::rules::limit;
use xinqiao_types::shanghai::{self, DAY};

use super::{
    cashier::{self, PAYABLE},
    order::{self, State},
};
use crate::{
    accounts::{
        self,
        merchant::MERCHANTS,
        rules::{Preset, Rule},
    },
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Choice, Holds, Sheet, Shown, choice, field, said, text},
        feature::id_in,
        route::{Handler, Request, Route},
        row::Words,
    },
    people::{
        self,
        act::{Act, Input, Scene},
        causes, phone,
    },
    products::Feature,
};

/// Codes that phones show, or have shown within a day.
static CODES: Table<Id, Code> = Table::new("pay.codes", 1);
/// Payments for which phones ask the password: by person, the earliest first.
static ASKED: Table<(u64, u64), Asked> = Table::new("pay.asked", 1);
/// How many payments of a day a person made without a password.
static FREE: Table<u64, Free> = Table::new("pay.free_payments", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&CODES, &ASKED, &FREE],
    topics: &[(accounts::DELETED, merchant_deleted)],
    acts: &[
        Act {
            verb: "pay_code",
            title: said("付款码", "Payment code"),
            kinds: PAYABLE,
            about: None,
            fields: &[
                field(
                    "password",
                    "要不要密码",
                    "Password",
                    Holds::Choice(PASSWORDS),
                )
                .optional(),
                field("short", "零钱不足", "Short of money", Holds::Flag).optional(),
            ],
            check: None,
            run: show,
        },
        Act {
            verb: "confirm_payment",
            title: said("确认付款", "Confirm a payment"),
            kinds: PAYABLE,
            about: None,
            fields: &[
                text("out_trade_no", "商户订单号", "out_trade_no").optional(),
                field("consent", "同意", "Consent", Holds::Flag).optional(),
            ],
            check: None,
            run: confirm,
        },
    ],
    routes: &[Route {
        method: "GET",
        path: "/users/{id}/payments",
        run: Handler::Look(list),
    }],
    rules: &[&WAIT],
    shows: &[Shown::Sheet(&PAY_CODE)],
    due: Some(due),
    ..Feature::EMPTY
};
const NAME: &str = "pay.code";

pub(super) const LIFE: &str = "code_payment.auth_code_life";
pub(super) const LENGTH: &str = "code_payment.auth_code";
pub(super) const THRESHOLD: &str = "code_payment.password_threshold";
pub(super) const FREE_PAYMENTS: &str = "code_payment.free_payments";
/// What a code begins with: the platform's are 10 to 15, and four zeros mark ours.
const BEGINS: &str = "130000";
/// The first two digits of every code of the platform.
const FIRST: std::ops::RangeInclusive<u8> = 10..=15;

const PASSWORDS: &[Choice] = &[
    choice("by_amount", "看金额", "By the amount"),
    choice("always", "总要", "Always"),
    choice("never", "免密", "Never"),
];

static PAY_CODE: Sheet = Sheet {
    name: "pay_code",
    title: said("付款码", "Payment code"),
    kinds: PAYABLE,
    tray: true,
    fields: &[],
};

/// How long a phone asks.
static WAIT: Rule = Rule {
    name: "pay.password_wait",
    default: Preset::Number(45, 3600),
    about: (
        "付款码支付需要密码时，手机等多少秒；过后订单成为 PAYERROR，设在商户上",
        "for how many seconds a phone asks for the password of a code payment; then the order is PAYERROR. Set on the merchant",
    ),
    source: "inferred: page 4012382150 tells tills to query up to 45 seconds and then to reverse; when the phone gives up is not told",
};

/// A code that a phone shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Code {
    user: u64,
    /// The first second at which it is too old.
    until: i64,
    used: bool,
    password: Password,
    short: bool,
}

/// Whether a phone asks for the password.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Password {
    /// Above the sum that is free of it, and after a day's free payments.
    #[default]
    ByAmount,
    Always,
    Never,
}

/// A payment that waits for a password.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Asked {
    mchid: Id,
    out_trade_no: Id,
    until: i64,
}

/// A person's payments without a password on one day.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Free {
    /// The first second of the day.
    day: i64,
    payments: usize,
}

/// Why a code pays nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It has not the form of a code.
    Malformed,
    /// No phone has shown it.
    Unknown,
    Used,
    Expired,
}

/// What a code says of its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) user: u64,
    /// The wallet has not enough.
    pub(super) short: bool,
    password: Password,
}

/// Whose code it is, if it can pay now.
pub(super) fn owner(turn: &Turn<'_>, auth_code: &str) -> Result<Owner, Trouble> {
    let digits = auth_code.bytes().all(|byte| byte.is_ascii_digit());
    let first = auth_code.get(..2).and_then(|first| first.parse().ok());
    let begins = first.is_some_and(|first| FIRST.contains(&first));
    if !digits || !begins || auth_code.len() != limit::count(LENGTH) {
        return Err(Trouble::Malformed);
    }
    let code = CODES.get(turn.world, auth_code).ok_or(Trouble::Unknown)?;
    if code.used {
        return Err(Trouble::Used);
    }
    if turn.now.0 >= code.until {
        return Err(Trouble::Expired);
    }
    Ok(Owner {
        user: code.user,
        short: code.short,
        password: code.password,
    })
}

/// A till has taken this code: it is good for nothing else.
pub(super) fn take(world: &mut World, auth_code: &str) {
    if let Some(code) = CODES.get_mut(world, auth_code) {
        code.used = true;
    }
}

/// Whether the phone asks its owner before it pays so much, in fen.
pub(super) fn asks(turn: &Turn<'_>, owner: Owner, total: i64) -> bool {
    match owner.password {
        Password::Always => true,
        Password::Never => false,
        Password::ByAmount => {
            let most = i64::try_from(limit::count(THRESHOLD)).unwrap_or_default() * 100;
            let free = FREE.get(turn.world, &owner.user);
            let paid = free.filter(|free| free.day == today(turn));
            total > most || paid.is_some_and(|free| free.payments >= limit::count(FREE_PAYMENTS))
        }
    }
}

/// The first second of the day.
fn today(turn: &Turn<'_>) -> i64 {
    shanghai::next_midnight(turn.now).0 - DAY
}

/// A payment went without a password.
pub(super) fn went_free(turn: &mut Turn<'_>, user: u64) {
    let day = today(turn);
    let free = FREE.or_default(turn.world, user);
    if free.day != day {
        *free = Free { day, payments: 0 };
    }
    free.payments += 1;
}

/// The phone asks for the password from now on.
pub(super) fn ask(turn: &mut Turn<'_>, user: u64, mchid: &Id, out_trade_no: &Id) {
    let merchant = MERCHANTS.get(turn.world, &**mchid);
    let wait = merchant.map_or(0, |merchant| WAIT.number(&merchant.rules));
    let until = turn.now.0 + wait;
    let serial = turn.world.serial("pay.asked");
    let asked = Asked {
        mchid: mchid.clone(),
        out_trade_no: out_trade_no.clone(),
        until,
    };
    ASKED.put(turn.world, (user, serial), asked);
    order::becomes(turn.world, mchid, out_trade_no, State::Asking);
    turn.later(until, NAME, json!({"asked": serial, "user": user}));
}

/// A merchant is gone: nobody's phone asks for a password for it any more.
fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    let Some(mchid) = id_in(what, "account") else {
        return;
    };
    let of_it = ASKED
        .all(turn.world)
        .filter(|(_, asked)| asked.mchid == mchid);
    let keys: Vec<(u64, u64)> = of_it.map(|(key, _)| *key).collect();
    for key in keys {
        ASKED.remove(turn.world, &key);
    }
}

/// `pay_code`: the phone shows a code.
fn show(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let password: Option<Password> = input.field("password")?;
    let short = input.field("short")?.unwrap_or(false);
    let rest = limit::count(LENGTH).saturating_sub(BEGINS.len());
    let drawn = turn.world.next("pay.code").digits(rest);
    let auth_code: Id = format!("{BEGINS}{drawn}").into();
    let until = turn.now.0 + limit::seconds(LIFE);
    let code = Code {
        user: scene.user,
        until,
        used: false,
        password: password.unwrap_or_default(),
        short,
    };
    CODES.put(turn.world, auth_code.clone(), code);
    // For a day it is known that it was one.
    turn.later(until + DAY, NAME, json!({"code": &*auth_code}));
    let openid = phone::contact(turn.world, scene.user, &scene.appid);
    causes::acted(turn, &scene.appid, &openid);
    let words = Words::new(
        format!("{} 出示付款码", scene.nickname),
        format!("{} shows a payment code", scene.nickname),
    );
    let row = scene.row(turn, &openid, words);
    turn.show(row);
    Ok(json!({"auth_code": &*auth_code, "until": until, "deliveries": []}))
}

/// `confirm_payment`: the owner enters the password, or does not.
fn confirm(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let number: Option<String> = input.field("out_trade_no")?;
    let consent = input.field("consent")?.unwrap_or(true);
    let waiting = ASKED.under(turn.world, &scene.user);
    let fitting = waiting.filter(|(_, asked)| {
        let named = number.as_deref();
        named.is_none_or(|number| number == &*asked.out_trade_no)
    });
    let Some((serial, asked)) = fitting.last() else {
        return Err(Refused::unwilling(
            "没有等待确认的付款: no payment waits for this person's password",
        ));
    };
    let (serial, asked) = (*serial, asked.clone());
    let Some(order) = order::find(turn.world, &asked.mchid, &asked.out_trade_no) else {
        return Err(Refused::unknown("order", &asked.out_trade_no));
    };
    let (appid, state) = (order.appid.clone(), order.state.clone());
    ASKED.remove(turn.world, &(scene.user, serial));
    if state != order::State::Asking {
        return Err(Refused::unwilling(format!(
            "订单 {0} 不再等待密码: the order {0} waits for no password any more",
            asked.out_trade_no
        )));
    }
    let openid = phone::contact(turn.world, scene.user, &appid);
    causes::acted(turn, &appid, &openid);
    let words = if consent {
        Words::new(
            format!("{} 输入支付密码", scene.nickname),
            format!("{} enters the password", scene.nickname),
        )
    } else {
        Words::new(
            format!("{} 取消支付", scene.nickname),
            format!("{} cancels the payment", scene.nickname),
        )
    };
    let row = scene.row(turn, &openid, words);
    let order = (&asked.mchid, &asked.out_trade_no);
    if consent {
        return cashier::settle(turn, row, scene.user, order, &openid);
    }
    turn.show(row);
    order::becomes(turn.world, order.0, order.1, State::Failed);
    Ok(json!({"result": "cancel", "trade_state": "PAYERROR", "deliveries": []}))
}

/// Nobody is to be asked any more: the order was taken back.
pub(super) fn asks_no_more(world: &mut World, mchid: &Id, out_trade_no: &Id) {
    let found = ASKED
        .all(world)
        .find(|(_, asked)| (&asked.mchid, &asked.out_trade_no) == (mchid, out_trade_no));
    if let Some(key) = found.map(|(key, _)| *key) {
        ASKED.remove(world, &key);
    }
}

/// A code is forgotten, or a phone asks no longer.
fn due(turn: &mut Turn<'_>, what: &Value) {
    if let Some(code) = id_in(what, "code") {
        CODES.remove(turn.world, &*code);
    }
    if let (Some(user), Some(serial)) = (what["user"].as_u64(), what["asked"].as_u64())
        && let Some(asked) = ASKED.remove(turn.world, &(user, serial))
    {
        let found = order::find(turn.world, &asked.mchid, &asked.out_trade_no);
        if found.is_some_and(|order| order.state == State::Asking) {
            order::becomes(turn.world, &asked.mchid, &asked.out_trade_no, State::Failed);
        }
    }
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let user = people::find(world, request.part("id"))?;
    let page = request.page()?;
    let waiting = ASKED.after(world, (user, page.number("")?));
    Ok(page.answer(waiting.map(|(serial, asked)| {
        let order = order::find(world, &asked.mchid, &asked.out_trade_no);
        let shown = json!({
            "merchant": &*asked.mchid,
            "out_trade_no": &*asked.out_trade_no,
            "description": order.map(|order| &order.description),
            "total": order.map(|order| order.total),
            "until": asked.until,
        });
        (serial.to_string(), shown)
    })))
}
