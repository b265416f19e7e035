//! The cashier in the phone: a person pays what a page or a mini program asks for.
//!
//! The act `pay` takes what the client hands to `requestPayment` as it is and checks its `paySign`; a bare `prepay_id` pays
//! without a client, so there is nothing to check, and so does a `code_url`, by whoever scans it.
//!
//! Source: doc pages "JSAPI调起支付", "小程序调起支付".

use serde::Deserialize;
use serde_json::{Map, Value, json};
use xinqiao_crypto::{
    pay_v2::{self, SignType},
    pay_v3::invoke_message,
};
use xinqiao_types::AccountKind;

use super::{
    notice,
    order::{self, Order, Prepay, State},
};
use crate::{
    accounts::merchant::{self, Merchant},
    kernel::{
        Id, Refused, Turn, World,
        row::{Diagnosed, RowState, Words, diagnose},
    },
    people::{
        self,
        act::{Act, Input, Scene},
        phone,
    },
    products::Feature,
    push::attempts::numbers,
};

/// A person paid: `{"merchant", "account", "openid", "user", "out_trade_no", "total"}`.
const PAID: &str = "pay.paid";
/// The signature type of the interface's third generation.
const RSA: &str = "RSA";

pub(super) static FEATURE: Feature = Feature {
    name: "pay.cashier",
    acts: &[Act {
        verb: "pay",
        kinds: &[
            AccountKind::Service,
            AccountKind::Subscription,
            AccountKind::MiniProgram,
        ],
        fields: &["params", "prepay_id", "code_url"],
        check: Some(check),
        run: pay,
    }],
    ..Feature::EMPTY
};

/// What a client hands over, by its names there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Params {
    /// Left out in mini programs, where it is known.
    app_id: Option<String>,
    /// `chooseWXPay` of the JS-SDK spells it in lower case.
    #[serde(alias = "timestamp")]
    time_stamp: Text,
    nonce_str: String,
    package: String,
    sign_type: Option<String>,
    pay_sign: String,
}

/// A text, or a number that was meant as one.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Number(i64),
}

impl Text {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
        }
    }
}

/// Why the cashier does not open, as the client sees it.
struct Failure {
    message: String,
    diagnosis: Option<Box<Diagnosed>>,
}

impl Failure {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            diagnosis: None,
        }
    }
}

fn check(fields: &Map<String, Value>) -> Result<(), Refused> {
    let given = ["params", "prepay_id", "code_url"];
    let given = { given.iter() }.filter(|name| fields.get(**name).is_some_and(|v| !v.is_null()));
    if given.count() == 1 {
        return Ok(());
    }
    Err(Refused::invalid(
        "give `params`, what the client hands to requestPayment, or a bare `prepay_id`, or a `code_url`",
    ))
}

fn pay(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    check(&input.fields)?;
    let params: Option<Params> = input.field("params")?;
    let bare: Option<String> = match input.field("prepay_id")? {
        Some(prepay_id) => Some(prepay_id),
        None => input.field("code_url")?,
    };
    let known = people::OPENIDS.get(turn.world, &(scene.user, scene.appid.clone()));
    let known: Id = known.cloned().unwrap_or_else(|| "".into());
    let words = Words::new(
        format!("{} 打开收银台", scene.nickname),
        format!("{} opens the cashier", scene.nickname),
    );
    let mut row = scene.row(turn, &known, words);
    let opened = open(turn.world, scene, params.as_ref(), bare.as_deref())
        .and_then(|(prepay, order)| payable(turn, &prepay, &order, &known).map(|()| prepay));
    let prepay = match opened {
        Ok(prepay) => prepay,
        Err(failure) => {
            row.state = RowState::Error;
            row.subtitle = Words::same(failure.message.clone());
            row.label = Words::new("支付失败", "failed");
            row.diagnosis = failure.diagnosis.map(|diagnosis| *diagnosis);
            turn.show(row);
            return Err(Refused::unwilling(failure.message));
        }
    };
    let openid = phone::contact(turn.world, scene.user, &scene.appid);
    people::acted(turn, &openid);
    let Some(order) = order::pay(turn, &prepay, &openid) else {
        return Err(Refused::unknown("order", &prepay.out_trade_no));
    };
    let yuan = format!("{}.{:02}", order.total / 100, order.total % 100);
    row.subtitle = Words::new(
        format!("支付 {yuan} 元：{}", order.description),
        format!("pays {yuan} CNY: {}", order.description),
    );
    turn.show(row);
    let what = json!({
        "merchant": &*prepay.mchid,
        "account": &*order.appid,
        "openid": &*openid,
        "user": people::user::name(scene.user),
        "out_trade_no": &*prepay.out_trade_no,
        "total": order.total,
    });
    turn.publish(PAID, &what);
    let pushed = notice::paid(
        turn,
        scene.user,
        &prepay.mchid,
        &prepay.out_trade_no,
        &order,
    );
    let merchant = merchant::merchant(turn.world, &prepay.mchid)?;
    let pushed: Vec<u64> = pushed.into_iter().collect();
    Ok(json!({
        "result": "ok",
        "order": order::view(turn.world, merchant, &prepay.out_trade_no, &order),
        "deliveries": numbers(&pushed),
    }))
}

/// The order that is to be paid, if what the client hands over is right.
fn open(
    world: &World,
    scene: &Scene,
    params: Option<&Params>,
    bare: Option<&str>,
) -> Result<(Prepay, Order), Failure> {
    let prepay_id = match (params, bare) {
        (Some(params), _) => params.package.strip_prefix("prepay_id=").ok_or_else(|| {
            Failure::new("支付参数 package 必须是 prepay_id=…: `package` must be `prepay_id=…`")
        })?,
        (None, bare) => bare.unwrap_or_default(),
    };
    let Some((prepay, order)) = order::prepaid(world, prepay_id) else {
        return Err(Failure::new(format!(
            "该订单已过期: there is no `prepay_id` or `code_url` {prepay_id}, or its two hours are over"
        )));
    };
    let appid = params.and_then(|params| params.app_id.as_deref());
    let appid = appid.unwrap_or(&scene.appid);
    if appid != &*order.appid || *scene.appid != *order.appid {
        return Err(Failure::new(format!(
            "appId 与下单时不一致: the order was placed for {}, the client is {}",
            order.appid, scene.appid
        )));
    }
    if let Some(params) = params {
        let merchant = merchant::merchant(world, &prepay.mchid);
        let merchant = merchant.map_err(|refused| Failure::new(refused.message))?;
        verify(merchant, appid, params)?;
    }
    Ok((prepay.clone(), order.clone()))
}

/// `paySign`, with the key of the generation that `signType` names.
fn verify(merchant: &Merchant, appid: &str, params: &Params) -> Result<(), Failure> {
    let time = params.time_stamp.text();
    let (genuine, signed) = match params.sign_type.as_deref() {
        Some(RSA) => {
            let message = invoke_message(appid, &time, &params.nonce_str, &params.package);
            let key = merchant.public_key();
            let genuine = key.is_some_and(|key| key.verify(&message, &params.pay_sign).is_ok());
            (genuine, String::from_utf8_lossy(&message).into_owned())
        }
        other => {
            // WECHAT: without a `signType` it is MD5; the names that are signed are the client's.
            let how = other.map_or(Some(SignType::Md5), SignType::parse);
            let how = how.ok_or_else(|| {
                Failure::new("signType 不正确: `signType` is RSA, HMAC-SHA256 or MD5")
            })?;
            let pairs = [
                ("appId", appid),
                ("timeStamp", time.as_str()),
                ("nonceStr", &params.nonce_str),
                ("package", &params.package),
                ("signType", other.unwrap_or_default()),
            ];
            let genuine = pay_v2::verify(pairs, &merchant.api_v2_key(), how, &params.pay_sign);
            (genuine.is_ok(), pay_v2::string_to_sign(pairs) + "key=…")
        }
    };
    if genuine {
        return Ok(());
    }
    let received = Some(params.pay_sign.clone());
    let message = format!("支付验证签名失败: `paySign` does not fit what is signed: {signed:?}");
    let diagnosis = diagnose("pay.signature.mismatch", received, Some(signed));
    Err(Failure {
        message,
        diagnosis: Some(Box::new(diagnosis)),
    })
}

/// Whether this person can pay this order now.
fn payable(turn: &Turn<'_>, prepay: &Prepay, order: &Order, openid: &str) -> Result<(), Failure> {
    let number = &prepay.out_trade_no;
    match order.state {
        State::Open => {}
        State::Paid { .. } => return Err(Failure::new(format!("该订单已支付: {number} is paid"))),
        State::Closed => return Err(Failure::new(format!("该订单已关闭: {number} is closed"))),
    }
    if turn.now.0 > order.payable_until {
        return Err(Failure::new(format!(
            "该订单已过期: {number} could be paid until {}",
            order.payable_until
        )));
    }
    match &order.payer {
        Some(payer) if **payer != *openid => Err(Failure::new(format!(
            "下单账号与支付账号不一致: the order is for {payer}, this person is {openid}"
        ))),
        _ => Ok(()),
    }
}
