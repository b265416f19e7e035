//! The cashier in the phone: a person pays what a page or a mini program asks for.
//!
//! The act `pay` takes what a page hands to `requestPayment` (`jsapi`), or an app to the platform's own library (`app`), as it
//! is, and checks its signature; a bare `prepay_id` pays without a client, so there is nothing to check, and so do a
//! `code_url` and an `h5_url`, by whoever scans or opens them.
//!
//! Source: doc pages "JSAPI调起支付", "小程序调起支付", "APP调起支付".

use serde::Deserialize;
use serde_json::{Map, Value, json};
use xinqiao_crypto::{
    pay_v2::{self, SignType},
    pay_v3::invoke_message,
};
use xinqiao_types::AccountKind;

use super::{
    combine,
    coupon_use::{self, Applied},
    notice,
    order::{self, Objection, Order, Prepay, TradeType},
};
use crate::{
    accounts::merchant::{self, Merchant},
    kernel::{
        Id, Refused, Turn, World,
        declared::{DiagnosisKind, Facts, Holds, Sheet, Shown, field, said, text, yuan},
        row::{Diagnosed, Row, RowState, Words, diagnose},
    },
    people::{
        self,
        act::{Act, Input, Scene},
        causes, phone,
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
        title: said("支付", "Pay"),
        kinds: PAYABLE,
        about: None,
        fields: &[
            field(
                "jsapi",
                "requestPayment 的参数",
                "Parameters of requestPayment",
                Holds::Any,
            )
            .optional(),
            field(
                "app",
                "App 调起支付的参数",
                "Parameters of an app",
                Holds::Any,
            )
            .optional(),
            text("prepay_id", "prepay_id", "prepay_id").optional(),
            text("code_url", "code_url", "code_url").optional(),
            text("h5_url", "h5_url", "h5_url").optional(),
            field("look", "只看不付", "Look, and do not pay", Holds::Flag).optional(),
        ],
        check: Some(check),
        run: pay,
    }],
    shows: &[
        Shown::Sheet(&CASHIER),
        Shown::Facts(&PAYMENT),
        Shown::Diagnosis(&SIGNATURE),
    ],
    ..Feature::EMPTY
};

/// In which accounts' pages people pay.
pub(super) const PAYABLE: &[AccountKind] = &[
    AccountKind::Service,
    AccountKind::Subscription,
    AccountKind::MiniProgram,
    AccountKind::MobileApp,
    AccountKind::Website,
];

static CASHIER: Sheet = Sheet {
    name: "cashier",
    title: said("收银台", "Cashier"),
    kinds: PAYABLE,
    tray: true,
    fields: &[],
};
/// Of the row of a payment.
static PAYMENT: Facts = Facts {
    name: "payment",
    title: said("支付", "Payment"),
    fields: &[
        text("merchant", "商户号", "Merchant"),
        text("out_trade_no", "商户订单号", "out_trade_no"),
        text("description", "商品", "Goods"),
        field("total", "金额", "Amount", Holds::Money),
        field("discount", "代金券", "Coupon", Holds::Money).optional(),
    ],
};
static SIGNATURE: DiagnosisKind = DiagnosisKind {
    name: "pay_signature",
    title: said("支付签名", "Payment signature"),
    rules: &["pay.signature.mismatch"],
    fields: &[
        text("received", "带来的签名", "Signature that came").optional(),
        text("expected", "被签名的串", "What is signed").optional(),
    ],
};

/// What a person pays.
enum Bill {
    Page(Params),
    App(AppParams),
    /// A `prepay_id`, or an address.
    Bare(String),
}

/// What an app hands over, by its names there.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
struct AppParams {
    #[serde(alias = "appId")]
    appid: String,
    #[serde(alias = "partnerId")]
    partnerid: String,
    #[serde(alias = "prepayId")]
    prepayid: String,
    #[serde(alias = "packageValue")]
    package: String,
    #[serde(alias = "nonceStr")]
    noncestr: String,
    #[serde(alias = "timeStamp")]
    timestamp: Text,
    sign: String,
}

/// What an app says in `package`.
const OF_APP: &str = "Sign=WXPay";

/// What a page hands over, by its names there.
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

    /// With what the timeline says about it.
    fn because(
        rule: &'static str,
        message: String,
        (received, expected): (&str, Option<&str>),
    ) -> Self {
        let expected = expected.map(str::to_owned);
        let diagnosis = diagnose(rule, Some(received.to_owned()), expected);
        Self {
            message,
            diagnosis: Some(Box::new(diagnosis)),
        }
    }
}

/// The ways to say what is paid: the others are bare.
const WAYS: [&str; 5] = ["jsapi", "app", "prepay_id", "code_url", "h5_url"];

fn check(fields: &Map<String, Value>) -> Result<(), Refused> {
    let given = { WAYS.iter() }.filter(|name| fields.get(**name).is_some_and(|v| !v.is_null()));
    if given.count() == 1 {
        return Ok(());
    }
    Err(Refused::invalid(
        "give one of `jsapi`, what a page hands to requestPayment, `app`, what an app signs, `prepay_id`, `code_url`, `h5_url`",
    ))
}

fn bill(input: &Input) -> Result<Bill, Refused> {
    if let Some(page) = input.field("jsapi")? {
        return Ok(Bill::Page(page));
    }
    if let Some(app) = input.field("app")? {
        return Ok(Bill::App(app));
    }
    for bare in &WAYS[2..] {
        if let Some(text) = input.field(bare)? {
            return Ok(Bill::Bare(text));
        }
    }
    Ok(Bill::Bare(String::new()))
}

fn pay(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    check(&input.fields)?;
    let bill = bill(input)?;
    let known = people::openid(turn.world, scene.user, &scene.appid);
    let known: Id = known.cloned().unwrap_or_else(|| "".into());
    let words = Words::new(
        format!("{} 打开收银台", scene.nickname),
        format!("{} opens the cashier", scene.nickname),
    );
    let mut row = scene.row(turn, &known, words);
    let opened = open(turn.world, scene, &bill)
        .and_then(|(prepay, order)| payable(turn, &prepay, &order, &known).map(|()| prepay));
    let looks = input.field("look")?.unwrap_or(false);
    let prepay = match opened {
        Ok(prepay) if looks => return looked(turn, scene.user, &prepay),
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
    causes::acted(turn, &scene.appid, &openid);
    if prepay.combined {
        return settle_combined(turn, row, scene.user, &prepay, &openid);
    }
    settle(
        turn,
        row,
        scene.user,
        (&prepay.mchid, &prepay.out_trade_no),
        &openid,
    )
}

/// A person pays an order: it is paid, shown in this row, and told.
pub(super) fn settle(
    turn: &mut Turn<'_>,
    row: Row,
    user: u64,
    (mchid, out_trade_no): (&Id, &Id),
    openid: &Id,
) -> Result<Value, Refused> {
    let Some(order) = order::pay(turn, mchid, out_trade_no, openid) else {
        return Err(Refused::unknown("order", out_trade_no));
    };
    show_paid(turn, row, (mchid, out_trade_no), &order, order.discount());
    publish(turn, user, (mchid, out_trade_no), &order);
    let pushed = notice::paid(turn, user, mchid, out_trade_no, &order);
    let merchant = merchant::merchant(turn.world, mchid)?;
    let pushed: Vec<u64> = pushed.into_iter().collect();
    Ok(json!({
        "result": "ok",
        "trade_state": order.trade_state(),
        "order": order::view(turn.world, merchant, out_trade_no, &order),
        "deliveries": numbers(&pushed),
    }))
}

/// A person pays several orders as one: each is paid, and one notice tells all.
fn settle_combined(
    turn: &mut Turn<'_>,
    row: Row,
    user: u64,
    prepay: &Prepay,
    openid: &Id,
) -> Result<Value, Refused> {
    let key = (&prepay.mchid, &prepay.out_trade_no);
    let paid = combine::pay(turn, key.0, key.1, openid);
    let Some(whole) = due(turn.world, prepay) else {
        return Err(Refused::unknown("order", key.1));
    };
    let discount = paid.iter().map(|(_, _, order)| order.discount()).sum();
    show_paid(turn, row, key, &whole, discount);
    for (mchid, out_trade_no, order) in &paid {
        publish(turn, user, (mchid, out_trade_no), order);
    }
    let pushed = notice::combined(turn, user, key, &whole);
    let pushed: Vec<u64> = pushed.into_iter().collect();
    let mut subs = Vec::new();
    for (mchid, out_trade_no, order) in &paid {
        let merchant = merchant::merchant(turn.world, mchid)?;
        subs.push(order::view(turn.world, merchant, out_trade_no, order));
    }
    let merchant = merchant::merchant(turn.world, key.0)?;
    let mut view = order::view(turn.world, merchant, key.1, &whole);
    view["discount"] = json!(discount);
    view["payer_total"] = json!(whole.total - discount);
    view["sub_orders"] = json!(subs);
    Ok(json!({
        "result": "ok",
        "trade_state": whole.trade_state(),
        "order": view,
        "deliveries": numbers(&pushed),
    }))
}

fn show_paid(
    turn: &mut Turn<'_>,
    mut row: Row,
    (mchid, out_trade_no): (&Id, &Id),
    order: &Order,
    discount: i64,
) {
    let sum = yuan(order.total - discount);
    row.subtitle = Words::new(
        format!("支付 {sum} 元：{}", order.description),
        format!("pays {sum} CNY: {}", order.description),
    );
    let mut facts = json!({
        "merchant": &**mchid,
        "out_trade_no": &**out_trade_no,
        "description": order.description,
        "total": order.total,
    });
    if discount > 0 {
        facts["discount"] = json!(discount);
    }
    row.facts.insert(PAYMENT.name.to_owned(), facts);
    turn.show(row);
}

/// Tells the house that a person paid.
pub(super) fn publish(
    turn: &mut Turn<'_>,
    user: u64,
    (mchid, out_trade_no): (&Id, &Id),
    order: &Order,
) {
    let what = json!({
        "merchant": &**mchid,
        "account": &*order.appid,
        "openid": order.payer.as_deref(),
        "user": people::user::name(user),
        "out_trade_no": &**out_trade_no,
        "total": order.total,
    });
    turn.publish(PAID, &what);
}

/// What is to be paid: an order, or several as one.
fn due(world: &World, prepay: &Prepay) -> Option<Order> {
    if prepay.combined {
        return combine::whole(world, &prepay.mchid, &prepay.out_trade_no);
    }
    order::find(world, &prepay.mchid, &prepay.out_trade_no).cloned()
}

/// What the person sees before they agree to pay.
fn looked(turn: &Turn<'_>, user: u64, prepay: &Prepay) -> Result<Value, Refused> {
    let Some(order) = due(turn.world, prepay) else {
        return Err(Refused::unknown("order", &prepay.out_trade_no));
    };
    let coupons = coupons(turn, user, prepay, &order);
    let discount: i64 = coupons.iter().map(|coupon| coupon.amount).sum();
    let names: Vec<&str> = coupons.iter().map(|coupon| coupon.name.as_str()).collect();
    Ok(json!({
        "deliveries": [],
        "merchant": &*prepay.mchid,
        "description": order.description,
        "total": order.total,
        "coupons": names,
        "discount": discount,
        "payer_total": order.total - discount,
    }))
}

/// What would pay a part: at most one coupon an order.
fn coupons(turn: &Turn<'_>, user: u64, prepay: &Prepay, order: &Order) -> Vec<Applied> {
    let mut found = Vec::new();
    let mut ask = |mchid: &Id, order: &Order| {
        let best = coupon_use::best(turn.world, turn.now, user, (mchid, order), &found);
        found.extend(best);
    };
    match combine::find(turn.world, &prepay.mchid, &prepay.out_trade_no) {
        Some(combined) if prepay.combined => {
            for (sub, order) in combine::sub_orders(turn.world, combined) {
                ask(&sub.payee, order);
            }
        }
        _ => ask(&prepay.mchid, order),
    }
    found
}

/// The order that is to be paid, if what the client hands over is right.
fn open(world: &World, scene: &Scene, bill: &Bill) -> Result<(Prepay, Order), Failure> {
    let (opener, appid) = match bill {
        Bill::Page(page) => {
            let prepay_id = page.package.strip_prefix("prepay_id=").ok_or_else(|| {
                Failure::new("支付参数 package 必须是 prepay_id=…: `package` must be `prepay_id=…`")
            })?;
            (prepay_id, page.app_id.as_deref())
        }
        Bill::App(app) if app.package != OF_APP => {
            return Err(Failure::new(format!(
                "支付参数 package 必须是 {OF_APP}: `package` of an app is `{OF_APP}`"
            )));
        }
        Bill::App(app) => (app.prepayid.as_str(), Some(app.appid.as_str())),
        // A page that is led back carries where to, behind its own.
        Bill::Bare(text) => (text.split("&redirect_url=").next().unwrap_or(text), None),
    };
    let found =
        order::prepaid(world, opener).and_then(|prepay| Some((prepay, due(world, prepay)?)));
    let Some((prepay, order)) = found else {
        let message = format!(
            "该订单已过期: there is no `prepay_id`, code or address {opener}, or its time is over"
        );
        return Err(Failure::because(
            "pay.cashier.expired",
            message,
            (opener, None),
        ));
    };
    let appid = appid.unwrap_or(&scene.appid);
    if appid != &*order.appid || *scene.appid != *order.appid {
        let client = if appid == &*order.appid {
            &*scene.appid
        } else {
            appid
        };
        let message = format!(
            "appId 与下单时不一致: the order was placed for {}, the client is {client}",
            order.appid
        );
        let evidence = (client, Some(&*order.appid));
        return Err(Failure::because("pay.cashier.appid", message, evidence));
    }
    let fits = match bill {
        Bill::Page(_) => order.trade_type == TradeType::Jsapi,
        Bill::App(_) => order.trade_type == TradeType::App,
        Bill::Bare(_) => true,
    };
    if !fits {
        return Err(Failure::new(format!(
            "支付方式与下单时不一致: the order is of the trade type {}",
            order.trade_type.name()
        )));
    }
    // Whoever ordered signs: a sub-merchant's provider.
    let caller = order.partner.as_ref().map(|partner| &partner.sp_mchid);
    let merchant = merchant::merchant(world, caller.unwrap_or(&prepay.mchid));
    let merchant = merchant.map_err(|refused| Failure::new(refused.message))?;
    match bill {
        Bill::Page(page) => verify(merchant, appid, page)?,
        Bill::App(app) => verify_app(merchant, &prepay.mchid, app)?,
        Bill::Bare(_) => {}
    }
    Ok((prepay.clone(), order))
}

/// `sign` of an app: with the private key, or as in the second generation with the shared one.
///
/// WECHAT: nothing in it says how it was made; an app passes on what its server gave it.
///
/// WECHAT: of a sub-merchant's order `partnerid` is the provider's number in some places of the documentation, the
/// sub-merchant's in others; both are taken.
fn verify_app(merchant: &Merchant, payee: &Id, app: &AppParams) -> Result<(), Failure> {
    if app.partnerid != *merchant.mchid && app.partnerid != **payee {
        return Err(Failure::new(format!(
            "商户号与下单时不一致: the order is {}'s, `partnerid` is {}",
            merchant.mchid, app.partnerid
        )));
    }
    let time = app.timestamp.text();
    let message = invoke_message(&app.appid, &time, &app.noncestr, &app.prepayid);
    let key = merchant.public_key();
    let pairs = [
        ("appid", app.appid.as_str()),
        ("partnerid", &app.partnerid),
        ("prepayid", &app.prepayid),
        ("package", &app.package),
        ("noncestr", &app.noncestr),
        ("timestamp", &time),
    ];
    let shared = [SignType::Md5, SignType::HmacSha256];
    let genuine =
        key.is_some_and(|key| key.verify(&message, &app.sign).is_ok()) || { shared.into_iter() }
            .any(|how| pay_v2::verify(pairs, &merchant.api_v2_key(), how, &app.sign).is_ok());
    if genuine {
        return Ok(());
    }
    Err(mismatch(&app.sign, &String::from_utf8_lossy(&message)))
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
    Err(mismatch(&params.pay_sign, &signed))
}

fn mismatch(received: &str, signed: &str) -> Failure {
    let message = format!("支付验证签名失败: `paySign` does not fit what is signed: {signed:?}");
    let evidence = (received, Some(signed));
    Failure::because("pay.signature.mismatch", message, evidence)
}

/// Whether this person can pay this order now.
fn payable(turn: &Turn<'_>, prepay: &Prepay, order: &Order, openid: &str) -> Result<(), Failure> {
    let number = &prepay.out_trade_no;
    let refused = order.objection().map(|objection| match objection {
        Objection::Paid => format!("该订单已支付: {number} is paid"),
        Objection::Reversed => format!("该订单已撤销: {number} was taken back"),
        _ => format!("该订单已关闭: {number} is closed"),
    });
    if let Some(message) = refused {
        return Err(Failure::new(message));
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
