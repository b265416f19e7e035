//! The sheet in the phone on which a person takes a transfer (用户确认收款): the act `confirm_transfer` takes what a page or
//! a mini program hands to `requestMerchantTransfer`, as it is, or the bare `package_info`.
//!
//! Source: doc pages "JSAPI调起用户确认收款", "小程序调起用户确认收款".

use serde::Deserialize;
use serde_json::{Map, Value, json};
use xinqiao_types::AccountKind;

use super::transfer::{self, State, Transfer};
use crate::{
    accounts::merchant,
    kernel::{
        Id, Refused, Turn, World,
        declared::{Facts, Holds, Sheet, Shown, field, said, text, yuan},
        row::{RowState, Words},
    },
    people::{
        act::{Act, Input, Scene},
        causes, phone,
    },
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.transfer_sheet",
    acts: &[Act {
        verb: "confirm_transfer",
        title: said("确认收款", "Take a transfer"),
        kinds: TAKERS,
        about: None,
        fields: &[
            field(
                "transfer",
                "requestMerchantTransfer 的参数",
                "Parameters of requestMerchantTransfer",
                Holds::Any,
            )
            .optional(),
            text("package_info", "package_info", "package_info").optional(),
            field("look", "只看不收", "Look, and do not take", Holds::Flag).optional(),
        ],
        check: Some(check),
        run: confirm,
    }],
    shows: &[Shown::Sheet(&SHEET), Shown::Facts(&TRANSFER)],
    ..Feature::EMPTY
};

/// In which accounts' pages people take transfers.
const TAKERS: &[AccountKind] = &[
    AccountKind::Service,
    AccountKind::Subscription,
    AccountKind::MiniProgram,
    AccountKind::MobileApp,
];

static SHEET: Sheet = Sheet {
    name: "transfer",
    title: said("收款", "Transfer"),
    kinds: TAKERS,
    tray: true,
    fields: &[],
};
/// Of the row of a person who takes one.
static TRANSFER: Facts = Facts {
    name: "transfer",
    title: said("商家转账", "Transfer"),
    fields: &[
        text("merchant", "商户号", "Merchant"),
        text("out_bill_no", "商户单号", "out_bill_no"),
        text("remark", "备注", "Remark"),
        field("amount", "金额", "Amount", Holds::Money),
    ],
};

/// What a page hands over, by its names there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Params {
    mch_id: String,
    /// Left out in mini programs, where it is known.
    app_id: Option<String>,
    package: String,
    open_id: Option<String>,
}

fn check(fields: &Map<String, Value>) -> Result<(), Refused> {
    let given = |name: &str| fields.get(name).is_some_and(|value| !value.is_null());
    if given("transfer") != given("package_info") {
        return Ok(());
    }
    Err(Refused::invalid(
        "give either `transfer`, what a page hands to requestMerchantTransfer, or the bare `package_info`",
    ))
}

fn confirm(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    check(&input.fields)?;
    let params: Option<Params> = input.field("transfer")?;
    let bare: Option<String> = input.field("package_info")?;
    let openid = phone::contact(turn.world, scene.user, &scene.appid);
    let words = Words::new(
        format!("{} 打开收款页", scene.nickname),
        format!("{} opens a transfer", scene.nickname),
    );
    let mut row = scene.row(turn, &openid, words);
    let opened = open(
        turn.world,
        (scene, &openid),
        params.as_ref(),
        bare.as_deref(),
    );
    let (key, transfer) = match opened {
        Ok((key, transfer)) if input.field("look")?.unwrap_or(false) => {
            return looked(turn.world, &key, &transfer);
        }
        Ok(found) => found,
        Err(message) => {
            row.state = RowState::Error;
            row.subtitle = Words::same(message.clone());
            row.label = Words::new("收款失败", "failed");
            turn.show(row);
            return Err(Refused::unwilling(message));
        }
    };
    causes::acted(turn, &scene.appid, &openid);
    let sum = yuan(transfer.amount);
    row.subtitle = Words::new(
        format!("确认收款 {sum} 元：{}", transfer.remark),
        format!("takes {sum} CNY: {}", transfer.remark),
    );
    let facts = json!({
        "merchant": &*key.0,
        "out_bill_no": &*key.1,
        "remark": transfer.remark,
        "amount": transfer.amount,
    });
    row.facts.insert(TRANSFER.name.to_owned(), facts);
    turn.show(row);
    let Some(transfer) = transfer::confirm(turn, &key) else {
        return Err(Refused::unknown("transfer", &key.1));
    };
    Ok(json!({
        "result": "ok",
        "state": transfer.state.name(),
        "transfer": transfer::view(&key.0, &key.1, &transfer),
        "deliveries": [],
    }))
}

/// What the person sees before they take it.
fn looked(world: &World, key: &(Id, Id), transfer: &Transfer) -> Result<Value, Refused> {
    Ok(json!({
        "deliveries": [],
        "merchant": &*key.0,
        "name": merchant::merchant(world, &key.0)?.name,
        "remark": transfer.perception.as_ref().unwrap_or(&transfer.remark),
        "amount": transfer.amount,
    }))
}

/// The transfer that this person may take, if what the client hands over is right.
fn open(
    world: &World,
    (scene, openid): (&Scene, &str),
    params: Option<&Params>,
    bare: Option<&str>,
) -> Result<((Id, Id), Transfer), String> {
    let package = params.map_or(bare, |params| Some(&params.package));
    let found = transfer::by_package(world, package.unwrap_or_default());
    let (key, transfer) = found.ok_or("转账单不存在: there is no transfer of this package_info")?;
    if params.is_some_and(|params| params.mch_id != *key.0) {
        return Err(format!(
            "商户号与转账单不一致: the transfer is of {}",
            key.0
        ));
    }
    let app = params.and_then(|params| params.app_id.as_deref());
    if *scene.appid != *transfer.appid || app.is_some_and(|appid| appid != &*transfer.appid) {
        return Err(format!(
            "appId 与转账单不一致: the transfer was made for {}, the client is {}",
            transfer.appid, scene.appid
        ));
    }
    let named = params.and_then(|params| params.open_id.as_deref());
    if *openid != *transfer.openid || named.is_some_and(|named| named != openid) {
        return Err(format!(
            "收款用户不一致: the transfer is for {}, this person is {openid}",
            transfer.openid
        ));
    }
    if transfer.state != State::WaitUserConfirm {
        let state = transfer.state.name();
        return Err(format!("转账单状态已变更: the transfer is {state}"));
    }
    Ok((key.clone(), transfer.clone()))
}
