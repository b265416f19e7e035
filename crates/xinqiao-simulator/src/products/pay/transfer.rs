//! Transfers to people (商家转账): asked for by a merchant, confirmed by the person in the phone, paid from the operation
//! account, told; closed when nobody confirms them in a day or the merchant takes them back.
//!
//! The money leaves the operation account when a transfer is accepted and comes back when it comes to nothing. A number
//! that is used again with the same parameters gives the transfer as it stands.
//!
//! Source: doc pages "发起转账", "撤销转账", "商户单号查询转账单", "JSAPI调起用户确认收款".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::rules::limit;
use xinqiao_types::shanghai;

use super::{
    funds::{self, Business, Purse},
    wallet,
};
use crate::{
    accounts::{
        self,
        merchant::{self, MERCHANTS},
        rules::{Preset, Rule},
    },
    kernel::{
        Id, Refused, Table, Turn, World,
        feature::id_in,
        route::{Handler, Request, Route},
    },
    people,
    products::Feature,
};

/// By merchant and the merchant's number.
static TRANSFERS: Table<(Id, Id), Transfer> = Table::new("pay.transfers", 1);
/// Merchants' numbers by merchant and the platform's number.
static BY_ID: Table<(Id, Id), Id> = Table::memory("pay.transfers_by_id");
/// Transfers that wait for their person, by what opens the sheet in the phone: merchant and the merchant's number.
static BY_PACKAGE: Table<Id, (Id, Id)> = Table::memory("pay.transfers_by_package");

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&TRANSFERS],
    routes: &[Route {
        method: "GET",
        path: "/merchants/{mchid}/transfers",
        run: Handler::Look(list),
    }],
    rules: &[&ENDS, &BEGINS, &SHORT],
    due: Some(due),
    topics: &[(accounts::DELETED, merchant_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "pay.transfer";

/// A transfer has come to its end: `{"merchant", "out_bill_no"}`.
pub(super) const ENDED: &str = "pay.transfer_ended";

/// How long a person may take to confirm.
pub(super) const WINDOW: &str = "merchant_transfer.transfer_confirm_window";
pub(super) const NUMBER: &str = "merchant_transfer.out_bill_no";

/// Seconds until money is in a wallet, or back.
const ON_ITS_WAY: i64 = 2;

/// How a transfer ends.
pub(super) static ENDS: Rule = Rule {
    name: "pay.transfer_result",
    default: Preset::Word(
        "SUCCESS",
        &[
            "SUCCESS",
            "ACCOUNT_FROZEN",
            "REAL_NAME_CHECK_FAIL",
            "NAME_NOT_CORRECT",
            "TRANSFER_QUOTA_EXCEED",
            "DAY_RECEIVED_QUOTA_EXCEED",
            "TRANSFER_RISK",
            "PAYEE_ACCOUNT_ABNORMAL",
            "MERCHANT_REJECT",
        ],
    ),
    about: (
        "转账到零钱的结果：SUCCESS，或失败原因 fail_reason，设在商户上；模拟器里的人没有实名，姓名是否相符也由它决定",
        "how transfers to people end: SUCCESS, or the fail_reason; set on the merchant. People here have no civil names, so this decides too whether a name fits",
    ),
    source: "page 4012716437: state and fail_reason of a transfer",
};
/// In which state a transfer begins.
static BEGINS: Rule = Rule {
    name: "pay.transfer_begins",
    default: Preset::Word("WAIT_USER_CONFIRM", &["WAIT_USER_CONFIRM", "ACCEPTED"]),
    about: (
        "发起转账时应答的状态：WAIT_USER_CONFIRM（带 package_info），或 ACCEPTED（两秒后才等待确认），设在商户上",
        "the state that the answer tells: WAIT_USER_CONFIRM with its package_info, or ACCEPTED, which waits for confirmation two seconds later; set on the merchant",
    ),
    source: "page 4012716434 names both",
};
/// What happens when the operation account is short.
static SHORT: Rule = Rule {
    name: "pay.transfer_short",
    default: Preset::Word("NOT_ENOUGH", &["NOT_ENOUGH", "PROCESSING"]),
    about: (
        "运营账户余额不足时发起转账：NOT_ENOUGH 报错，或 PROCESSING 受理，充值后原单号重试才继续，设在商户上",
        "a transfer for which the operation account is short: NOT_ENOUGH, or accepted as PROCESSING until the same number is sent again after a top-up; set on the merchant",
    ),
    source: "page 4012716434 has the error and the state both, and does not say which comes when",
};

/// What a merchant gives to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Transfer {
    pub(super) appid: Id,
    pub(super) openid: Id,
    /// The platform's number.
    pub(super) id: Id,
    /// Which of all transfers it is.
    serial: u64,
    /// In fen.
    pub(super) amount: i64,
    pub(super) remark: String,
    /// The name that the person must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
    /// What the person is told the money is for.
    pub(super) perception: Option<String>,
    pub(super) notify_url: Option<String>,
    /// What opens the sheet in the phone.
    pub(super) package: Id,
    /// What must be the same when it is asked for again.
    asked: Value,
    pub(super) state: State,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// What became of a transfer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Accepted,
    /// The operation account was short.
    Processing,
    WaitUserConfirm,
    /// On its way into the wallet.
    Transferring,
    Success,
    Fail(String),
    /// On its way back.
    Canceling,
    Cancelled,
}

/// What a merchant asks for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) appid: Id,
    pub(super) out_bill_no: Id,
    pub(super) openid: Id,
    pub(super) amount: i64,
    pub(super) remark: String,
    pub(super) name: Option<String>,
    pub(super) perception: Option<String>,
    pub(super) notify_url: Option<String>,
    /// What must be the same when it is asked for again.
    pub(super) asked: Value,
}

/// Why nothing is transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    /// The number stands for another transfer.
    Different,
    /// The operation account has not enough.
    Short {
        has: i64,
    },
    Missing,
    /// It is confirmed, or has come to its end.
    TooLate,
}

impl State {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Processing => "PROCESSING",
            Self::WaitUserConfirm => "WAIT_USER_CONFIRM",
            // WECHAT: spelled so.
            Self::Transferring => "TRANSFERING",
            Self::Success => "SUCCESS",
            Self::Fail(_) => "FAIL",
            Self::Canceling => "CANCELING",
            Self::Cancelled => "CANCELLED",
        }
    }

    pub(super) fn fail_reason(&self) -> Option<&str> {
        match self {
            Self::Fail(reason) => Some(reason),
            _ => None,
        }
    }

    /// Whether the person may still be asked, or is asked.
    fn is_open(&self) -> bool {
        matches!(
            self,
            Self::Accepted | Self::Processing | Self::WaitUserConfirm
        )
    }
}

impl Transfer {
    /// What opens the sheet in the phone, as long as it does.
    pub(super) fn package_info(&self) -> Option<&Id> {
        (self.state == State::WaitUserConfirm).then_some(&self.package)
    }
}

pub(super) fn find<'w>(
    world: &'w World,
    mchid: &Id,
    out_bill_no: &str,
) -> Option<(&'w Id, &'w Transfer)> {
    let key = (mchid.clone(), Id::from(out_bill_no));
    let ((_, number), transfer) = TRANSFERS.entry(world, &key)?;
    Some((number, transfer))
}

/// A transfer by the platform's number, with the merchant's.
pub(super) fn by_id<'w>(world: &'w World, mchid: &Id, id: &str) -> Option<(&'w Id, &'w Transfer)> {
    let number = BY_ID.get(world, &(mchid.clone(), Id::from(id)))?;
    find(world, mchid, number)
}

/// The transfer that this opens in the phone, with its merchant and the merchant's number.
pub(super) fn by_package<'w>(
    world: &'w World,
    package: &str,
) -> Option<(&'w (Id, Id), &'w Transfer)> {
    let key = BY_PACKAGE.get(world, package)?;
    Some((key, TRANSFERS.get(world, key)?))
}

/// How transfers of a merchant end.
pub(super) fn ends(world: &World, mchid: &Id) -> String {
    let switched = MERCHANTS.get(world, &**mchid).map(|own| &own.rules);
    ENDS.word(switched).to_owned()
}

/// Accepts a transfer, or gives the one that was accepted under this number.
pub(super) fn ask(turn: &mut Turn<'_>, mchid: &Id, wanted: Wanted) -> Result<Transfer, Objection> {
    let key = (mchid.clone(), wanted.out_bill_no.clone());
    let has = funds::funds(turn.world, mchid).operation;
    if let Some(before) = TRANSFERS.get(turn.world, &key).cloned() {
        if before.asked != wanted.asked {
            return Err(Objection::Different);
        }
        if before.state == State::Processing && before.amount <= has {
            // There is enough by now.
            begin(turn, &key, before.amount, &before.id);
        }
        let stands = TRANSFERS.get(turn.world, &key);
        return stands.cloned().ok_or(Objection::Missing);
    }
    let switched = MERCHANTS.get(turn.world, &**mchid).map(|own| &own.rules);
    let is_short = has < wanted.amount;
    if is_short && SHORT.word(switched) == "NOT_ENOUGH" {
        return Err(Objection::Short { has });
    }
    let draw = turn.world.next("pay.transfer");
    let (digits, word) = (draw.digits(14), draw.word(40));
    let day = shanghai::written(turn.now, "%Y%m%d");
    let transfer = Transfer {
        appid: wanted.appid,
        openid: wanted.openid,
        id: format!("1330000071100999{day}00{digits}").into(),
        serial: turn.world.serial("pay.transfer_order"),
        amount: wanted.amount,
        remark: wanted.remark,
        name: wanted.name,
        perception: wanted.perception,
        notify_url: wanted.notify_url,
        package: format!("ABBQO+oYAAABAAAA{word}").into(),
        asked: wanted.asked,
        state: State::Processing,
        created_at: turn.now.0,
        updated_at: turn.now.0,
    };
    known(turn.world, &key, &transfer);
    let (id, serial, amount) = (transfer.id.clone(), transfer.serial, transfer.amount);
    TRANSFERS.put(turn.world, key.clone(), transfer);
    later(turn, &key, serial, ("closes", limit::seconds(WINDOW)));
    if !is_short {
        begin(turn, &key, amount, &id);
    }
    TRANSFERS
        .get(turn.world, &key)
        .cloned()
        .ok_or(Objection::Missing)
}

/// The operation account pays, and the person is asked.
fn begin(turn: &mut Turn<'_>, key: &(Id, Id), amount: i64, id: &Id) {
    let goes = (Purse::Operation, Business::Transfer);
    funds::pass(turn, &key.0, goes, (&key.1, id), -amount);
    let switched = MERCHANTS.get(turn.world, &*key.0).map(|own| &own.rules);
    if BEGINS.word(switched) == "ACCEPTED" {
        if let Some(serial) = become_now(turn, key, State::Accepted) {
            later(turn, key, serial, ("asks", ON_ITS_WAY));
        }
    } else {
        become_now(turn, key, State::WaitUserConfirm);
    }
}

/// A transfer is in this state from now on. Says which of all it is.
fn become_now(turn: &mut Turn<'_>, key: &(Id, Id), state: State) -> Option<u64> {
    let transfer = TRANSFERS.get_mut(turn.world, key)?;
    transfer.state = state;
    transfer.updated_at = turn.now.0;
    Some(transfer.serial)
}

/// A merchant may be deleted meanwhile, and another of its number use the transfer's number again: the serial number is of
/// one transfer only.
fn later(turn: &mut Turn<'_>, key: &(Id, Id), serial: u64, (what, seconds): (&str, i64)) {
    let what = json!({"merchant": &*key.0, "out_bill_no": &*key.1, "serial": serial, "then": what});
    turn.later(turn.now.0 + seconds, NAME, what);
}

/// The person takes the money.
pub(super) fn confirm(turn: &mut Turn<'_>, key: &(Id, Id)) -> Option<Transfer> {
    let serial = become_now(turn, key, State::Transferring)?;
    later(turn, key, serial, ("arrives", ON_ITS_WAY));
    TRANSFERS.get(turn.world, key).cloned()
}

/// The merchant takes a transfer back that nobody has confirmed.
pub(super) fn cancel(
    turn: &mut Turn<'_>,
    mchid: &Id,
    out_bill_no: &str,
) -> Result<Transfer, Objection> {
    let key = (mchid.clone(), Id::from(out_bill_no));
    let before = TRANSFERS.get(turn.world, &key).ok_or(Objection::Missing)?;
    match &before.state {
        State::Canceling | State::Cancelled => return Ok(before.clone()),
        // What was never paid needs not come back.
        State::Processing => {
            become_now(turn, &key, State::Cancelled);
            ended(turn, &key);
        }
        state if state.is_open() => {
            if let Some(serial) = become_now(turn, &key, State::Canceling) {
                later(turn, &key, serial, ("is back", ON_ITS_WAY));
            }
        }
        _ => return Err(Objection::TooLate),
    }
    let stands = TRANSFERS.get(turn.world, &key);
    stands.cloned().ok_or(Objection::Missing)
}

fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "out_bill_no")) else {
        return;
    };
    let key = (mchid, number);
    let Some(transfer) = TRANSFERS.get(turn.world, &key).cloned() else {
        return;
    };
    if json!(transfer.serial) != what["serial"] {
        return;
    }
    match (what["then"].as_str(), &transfer.state) {
        (Some("asks"), State::Accepted) => {
            become_now(turn, &key, State::WaitUserConfirm);
        }
        (Some("arrives"), State::Transferring) => arrive(turn, &key, &transfer),
        (Some("is back"), State::Canceling) => {
            back(turn, &key, &transfer, State::Cancelled);
        }
        (Some("closes"), State::Processing) => {
            become_now(turn, &key, State::Fail("OVERDUE_CLOSE".to_owned()));
            ended(turn, &key);
        }
        (Some("closes"), state) if state.is_open() => {
            back(
                turn,
                &key,
                &transfer,
                State::Fail("OVERDUE_CLOSE".to_owned()),
            );
        }
        _ => {}
    }
}

fn arrive(turn: &mut Turn<'_>, key: &(Id, Id), transfer: &Transfer) {
    let ends = ends(turn.world, &key.0);
    let person = people::person(turn.world, &transfer.appid, &transfer.openid);
    match (ends.as_str(), person) {
        ("SUCCESS", Some(user)) => {
            wallet::receive(turn, user, transfer.amount);
            become_now(turn, key, State::Success);
            ended(turn, key);
        }
        ("SUCCESS", None) => {
            let gone = State::Fail("ACCOUNT_NOT_EXIST".to_owned());
            back(turn, key, transfer, gone);
        }
        (reason, _) => back(turn, key, transfer, State::Fail(reason.to_owned())),
    }
}

/// The operation account has its money back.
fn back(turn: &mut Turn<'_>, key: &(Id, Id), transfer: &Transfer, state: State) {
    let comes = (Purse::Operation, Business::TransferReturned);
    funds::pass(turn, &key.0, comes, (&key.1, &transfer.id), transfer.amount);
    become_now(turn, key, state);
    ended(turn, key);
}

fn ended(turn: &mut Turn<'_>, key: &(Id, Id)) {
    let what = json!({"merchant": &*key.0, "out_bill_no": &*key.1});
    turn.publish(ENDED, &what);
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        for (_, transfer) in TRANSFERS.remove_under(turn.world, &mchid) {
            BY_PACKAGE.remove(turn.world, &*transfer.package);
        }
        BY_ID.remove_under(turn.world, &mchid);
    }
}

/// Makes a transfer found by what else it is asked for.
fn known(world: &mut World, key: &(Id, Id), transfer: &Transfer) {
    let by_id = (key.0.clone(), transfer.id.clone());
    BY_ID.put(world, by_id, key.1.clone());
    BY_PACKAGE.put(world, transfer.package.clone(), key.clone());
}

fn index(world: &mut World) {
    let all: Vec<((Id, Id), Transfer)> = { TRANSFERS.all(world) }
        .map(|(key, transfer)| (key.clone(), transfer.clone()))
        .collect();
    for (key, transfer) in all {
        known(world, &key, &transfer);
    }
}

/// The object of the control interface.
pub(super) fn view(mchid: &str, out_bill_no: &str, transfer: &Transfer) -> Value {
    json!({
        "mchid": mchid,
        "out_bill_no": out_bill_no,
        "transfer_bill_no": &*transfer.id,
        "appid": &*transfer.appid,
        "openid": &*transfer.openid,
        "amount": transfer.amount,
        "remark": transfer.remark,
        "state": transfer.state.name(),
        "fail_reason": transfer.state.fail_reason(),
        "package_info": transfer.package_info().map(|package| &**package),
        "created_at": transfer.created_at,
        "updated_at": transfer.updated_at,
    })
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let merchant = merchant::merchant(world, request.part("mchid"))?;
    let page = request.page()?;
    let after = page.id()?;
    let transfers = TRANSFERS.after(world, (merchant.mchid.clone(), after.into()));
    Ok(page.answer(transfers.map(|(number, transfer)| {
        let shown = view(&merchant.mchid, number, transfer);
        (number.to_string(), shown)
    })))
}
