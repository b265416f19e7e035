//! What each function of the JS-SDK does in the phone.
//!
//! A function has two names: the platform's, which pages use and rights are named by, and the bridge's. The answer is an
//! `err_msg`, of which the platform's script takes what stands behind the colon, and fields. Where the person has
//! a say the answer is a sheet, `ask`; the script asks again with what they `said`, false if they refused.
//!
//! WECHAT: a function that `wx.config` did not list, or that the account has no right to, is `permission denied`; one
//! that the client does not know is `function not exist`. The old ones are open to pages without `wx.config` too, when
//! they are called at the bridge itself.

use serde_json::{Map, Value, json};
use xinqiao_catalog::rules::permission;

use super::{CALLED, Opened, Tab, row};
use crate::{
    accounts::ACCOUNTS,
    door::denied_right,
    kernel::{
        Id, Turn,
        declared::{Said, said, yuan},
        row::{Diagnosed, RowState, Words, diagnose},
    },
    people::act::Scene,
};

/// `wx.config` at the bridge.
pub(super) const CONFIG: &str = "preVerifyJSAPI";
const CHECK: &str = "checkJsApi";
const PAY: &str = "getBrandWCPayRequest";
const TAKE: &str = "requestMerchantTransfer";

/// A call of a page.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) tab: &'a Tab,
    /// At the bridge.
    pub(super) name: &'a str,
    pub(super) url: &'a str,
    pub(super) params: &'a Map<String, Value>,
    pub(super) said: Option<&'a Value>,
    pub(super) english: bool,
}

/// A function that the phone has.
struct Function {
    /// The platform's name.
    name: &'static str,
    /// The bridge's.
    bridge: &'static str,
    /// Whether a page without `wx.config` may call it.
    free: bool,
    run: fn(&mut Turn<'_>, &Call<'_>, &Scene) -> Answer,
}

/// What a function answers.
enum Answer {
    /// `err_msg`, and the fields beside it.
    Said(String, Value),
    /// A sheet first.
    Asks(Value),
}

const fn function(
    name: &'static str,
    run: fn(&mut Turn<'_>, &Call<'_>, &Scene) -> Answer,
) -> Function {
    Function {
        name,
        bridge: name,
        free: false,
        run,
    }
}

const fn free(function: Function) -> Function {
    Function {
        free: true,
        ..function
    }
}

const fn bridged(bridge: &'static str, function: Function) -> Function {
    Function { bridge, ..function }
}

const FUNCTIONS: &[Function] = &[
    free(function(CHECK, check)),
    function("updateAppMessageShareData", done),
    function("updateTimelineShareData", done),
    bridged("imagePreview", free(function("previewImage", done))),
    free(function("getNetworkType", network)),
    function("openLocation", done),
    bridged("geoLocation", function("getLocation", location)),
    free(function("hideOptionMenu", done)),
    free(function("showOptionMenu", done)),
    free(function("closeWindow", close)),
    function("hideMenuItems", done),
    function("showMenuItems", done),
    function("hideAllNonBaseMenuItem", done),
    function("showAllNonBaseMenuItem", done),
    function("scanQRCode", scan),
    bridged("editAddress", function("openAddress", address)),
    bridged(PAY, free(function("chooseWXPay", pay))),
    free(function(TAKE, take)),
];

/// Names at the bridge of functions that the phone does not have yet.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("menu:share:timeline", "onMenuShareTimeline"),
    ("menu:share:appmessage", "onMenuShareAppMessage"),
    ("menu:share:qq", "onMenuShareQQ"),
    ("menu:share:weiboApp", "onMenuShareWeibo"),
    ("menu:share:QZone", "onMenuShareQZone"),
    ("openProductViewWithPid", "openProductSpecificView"),
    ("batchAddCard", "addCard"),
    ("batchViewCard", "openCard"),
    ("consumedShareCard", "consumeAndShareCard"),
];

fn known(name: &str) -> Option<&'static Function> {
    { FUNCTIONS.iter() }.find(|function| function.bridge == name)
}

/// The platform's name of a function, whichever of its names is given.
pub(super) fn public_name(name: &str) -> &str {
    let own = known(name).map(|function| function.name);
    let other = || {
        { OTHER_NAMES.iter() }
            .find(|(bridge, _)| *bridge == name)
            .map(|(_, public)| *public)
    };
    own.or_else(other).unwrap_or(name)
}

/// Whether real phones have a function of this name, the platform's.
fn exists(name: &str) -> bool {
    let mut rights = xinqiao_catalog::permissions().iter();
    rights.any(|row| row.js().any(|own| own == name)) || { OTHER_NAMES.iter() }
        .any(|(_, own)| *own == name)
}

/// A text of what a page hands over; numbers as they are written.
pub(super) fn text(params: &Map<String, Value>, name: &str) -> String {
    match params.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    }
}

/// What the phone answers.
pub(super) fn answer(turn: &mut Turn<'_>, call: &Call<'_>) -> Value {
    let public = public_name(call.name);
    let Some(function) = known(call.name) else {
        let rule = if exists(public) {
            "jssdk.not_built"
        } else {
            "jssdk.unknown"
        };
        let diagnosis = diagnose(rule, Some(public.to_owned()), Some(built()));
        return refuse(turn, call, "system:function_not_exist", diagnosis);
    };
    let appid = match allowed(turn, call, function) {
        Ok(appid) => appid,
        Err(diagnosis) => return refuse(turn, call, "system:access_denied", *diagnosis),
    };
    let account = ACCOUNTS.get(turn.world, &*appid);
    let scene = Scene {
        user: call.tab.user,
        nickname: call.tab.nickname.clone(),
        account_name: account.map_or_else(String::new, |account| account.name.clone()),
        appid,
    };
    match (function.run)(turn, call, &scene) {
        Answer::Asks(sheet) => json!({"ask": sheet}),
        Answer::Said(message, mut fields) => {
            let bad = message.contains(":fail");
            tell(turn, call, &scene.appid, &message, bad, None);
            fields["err_msg"] = json!(message);
            fields
        }
    }
}

fn built() -> String {
    let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.name).collect();
    names.join(", ")
}

/// The account for which a page may call this.
fn allowed(turn: &Turn<'_>, call: &Call<'_>, function: &Function) -> Result<Id, Box<Diagnosed>> {
    let diagnose = |rule, received, expected| Box::new(diagnose(rule, received, expected));
    let by_sdk = !text(call.params, "verifySignature").is_empty();
    let Some(Opened { appid, names }) = &call.tab.opened else {
        // The old way: the page calls the bridge, and says who it is if that matters.
        let appid = text(call.params, "appId");
        if function.free && (!by_sdk || function.bridge == PAY) {
            return Ok(appid.into());
        }
        return Err(diagnose(
            "jssdk.not_configured",
            Some(function.name.to_owned()),
            None,
        ));
    };
    let listed = [function.name, function.bridge]
        .iter()
        .any(|name| names.contains(*name));
    if !listed && !(function.free && (!by_sdk || function.bridge == CHECK)) {
        let names: Vec<&str> = names.iter().map(|name| public_name(name)).collect();
        let (received, expected) = (function.name.to_owned(), names.join(", "));
        return Err(diagnose("jssdk.not_listed", Some(received), Some(expected)));
    }
    let Some(account) = ACCOUNTS.get(turn.world, &**appid) else {
        return Err(diagnose("jssdk.appid", Some(appid.to_string()), None));
    };
    let facts = account.facts(turn.now.0);
    match permission::check_js(function.name, &facts) {
        Ok(()) => Ok(appid.clone()),
        Err(denied) => Err(Box::new(Diagnosed {
            rule: "jssdk.permission".to_owned(),
            received: Some(function.name.to_owned()),
            ..denied_right(&denied)
        })),
    }
}

fn refuse(turn: &mut Turn<'_>, call: &Call<'_>, message: &str, diagnosis: Diagnosed) -> Value {
    let opened = call.tab.opened.as_ref();
    let appid = opened.map_or_else(|| "".into(), |opened| opened.appid.clone());
    tell(turn, call, &appid, message, true, Some(diagnosis));
    json!({"err_msg": message})
}

/// Shows a call of a page.
fn tell(
    turn: &mut Turn<'_>,
    call: &Call<'_>,
    appid: &Id,
    message: &str,
    bad: bool,
    diagnosis: Option<Diagnosed>,
) {
    let (name, nickname) = (public_name(call.name), &call.tab.nickname);
    let mut row = row(turn, (call.tab.user, nickname), appid);
    if bad {
        row.state = RowState::Error;
    }
    row.title = Words::new(
        format!("{nickname} 的网页调用 {name}"),
        format!("{nickname}'s page calls {name}"),
    );
    row.subtitle = Words::same(call.url);
    row.label = Words::same(message.split_once(':').map_or(message, |(_, rest)| rest));
    row.diagnosis = diagnosis;
    let own = |name: &String| name != "appId" && !name.starts_with("verify");
    let params: Map<String, Value> = { call.params.iter() }
        .filter(|(name, _)| own(name))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let mut facts = json!({"name": name, "page": call.url, "answer": message});
    if !params.is_empty() {
        facts["params"] = params.into();
    }
    row.facts.insert(CALLED.name.to_owned(), facts);
    turn.show(row);
}

fn told(call: &Call<'_>, what: &str, fields: Value) -> Answer {
    Answer::Said(format!("{}:{what}", call.name), fields)
}

/// There is nothing more to say than that it is done.
fn done(_: &mut Turn<'_>, call: &Call<'_>, _: &Scene) -> Answer {
    told(call, "ok", json!({}))
}

/// `checkJsApi`: which functions the phone has.
fn check(_: &mut Turn<'_>, call: &Call<'_>, _: &Scene) -> Answer {
    let listed = call.params.get("jsApiList").and_then(Value::as_array);
    let names = listed.into_iter().flatten().filter_map(Value::as_str);
    let has = names.map(|name| (name.to_owned(), json!(known(name).is_some())));
    let result: Map<String, Value> = has.collect();
    told(call, "ok", json!({"checkResult": result}))
}

/// WECHAT: the kind of network stands where other functions say `ok`.
fn network(_: &mut Turn<'_>, _: &Call<'_>, _: &Scene) -> Answer {
    Answer::Said("network_type:wifi".to_owned(), json!({}))
}

fn close(_: &mut Turn<'_>, call: &Call<'_>, _: &Scene) -> Answer {
    told(call, "ok", json!({"close": true}))
}

/// A sheet with a title, fields to fill in, and two buttons.
fn sheet(call: &Call<'_>, title: Said, fields: &[(&str, Said, &str)]) -> Answer {
    let words = |text: Said| if call.english { text.en } else { text.zh };
    let (yes, no) = (words(said("允许", "Allow")), words(said("取消", "Cancel")));
    let fields: Vec<Value> = { fields.iter() }
        .map(|(name, label, value)| json!({"name": name, "label": words(*label), "value": value}))
        .collect();
    let title = words(title);
    Answer::Asks(json!({"title": title, "fields": fields, "yes": yes, "no": no}))
}

fn refuses(said: &Value) -> bool {
    *said == json!(false)
}

/// A field that the person filled in.
fn filled(said: &Value, name: &str) -> String {
    said[name].as_str().unwrap_or_default().trim().to_owned()
}

/// Where the phone is, unless the person says otherwise: 重庆.
const HERE: (&str, &str) = ("29.5630", "106.5516");

/// `getLocation`: both kinds of coordinates are those that the person filled in, if these are a place on earth.
fn location(_: &mut Turn<'_>, call: &Call<'_>, _: &Scene) -> Answer {
    let Some(answer) = call.said else {
        let title = said("网页想知道你的位置", "The page asks where you are");
        let fields = [
            ("latitude", said("纬度", "latitude"), HERE.0),
            ("longitude", said("经度", "longitude"), HERE.1),
        ];
        return sheet(call, title, &fields);
    };
    let within = |name, most: f64| {
        let number: Option<f64> = filled(answer, name).parse().ok();
        number.filter(|number| (-most..=most).contains(number))
    };
    match (
        refuses(answer),
        within("latitude", 90.0),
        within("longitude", 180.0),
    ) {
        (false, Some(latitude), Some(longitude)) => {
            let fields = json!({"latitude": latitude, "longitude": longitude, "speed": 0.0, "accuracy": 30.0});
            told(call, "ok", fields)
        }
        (true, ..) => told(call, "cancel", json!({})),
        _ => told(call, "fail", json!({})),
    }
}

/// `scanQRCode`.
///
/// WECHAT: a bar code has its kind in front, `EAN_13,6901234567892`. Without `needResult` the client itself deals with
/// what it scanned.
fn scan(_: &mut Turn<'_>, call: &Call<'_>, _: &Scene) -> Answer {
    let Some(answer) = call.said else {
        let title = said("网页想扫一扫", "The page wants to scan a code");
        let fields = [("result", said("扫到的内容", "what is scanned"), "")];
        return sheet(call, title, &fields);
    };
    if refuses(answer) {
        return told(call, "cancel", json!({}));
    }
    let wants = text(call.params, "needResult") == "1";
    let fields = if wants {
        json!({"resultStr": filled(answer, "result")})
    } else {
        json!({})
    };
    told(call, "ok", fields)
}

/// Fields of an address, as the client spells them, and what the phone has in them unless the person says otherwise.
const ADDRESS: [(&str, Said, &str); 7] = [
    ("userName", said("收货人", "name"), "小林"),
    ("telNumber", said("电话", "telephone"), "13800000000"),
    ("addressPostalCode", said("邮编", "postal code"), "400010"),
    ("proviceFirstStageName", said("省", "province"), "重庆市"),
    ("addressCitySecondStageName", said("市", "city"), "重庆市"),
    (
        "addressCountiesThirdStageName",
        said("区", "district"),
        "渝中区",
    ),
    ("addressDetailInfo", said("地址", "street"), "沧白路 1 号"),
];

/// `openAddress`.
fn address(_: &mut Turn<'_>, call: &Call<'_>, _: &Scene) -> Answer {
    let Some(answer) = call.said else {
        let title = said("网页想要收货地址", "The page asks for an address");
        return sheet(call, title, &ADDRESS);
    };
    if refuses(answer) {
        return told(call, "cancel", json!({}));
    }
    let mut fields = Map::new();
    for (name, ..) in ADDRESS {
        fields.insert(name.to_owned(), json!(filled(answer, name)));
    }
    told(call, "ok", fields.into())
}

/// `chooseWXPay`: the cashier opens, if what the page hands over is right.
fn pay(turn: &mut Turn<'_>, call: &Call<'_>, scene: &Scene) -> Answer {
    const SAYS: &str = "get_brand_wcpay_request";
    let names = ["timeStamp", "nonceStr", "package", "signType", "paySign"];
    let given = names.map(|name| (name.to_owned(), json!(text(call.params, name))));
    let mut jsapi: Map<String, Value> = { given.into_iter() }
        .filter(|(_, value)| value != "")
        .collect();
    jsapi.insert("appId".to_owned(), json!(&*scene.appid));
    let mut fields = Map::new();
    fields.insert("jsapi".to_owned(), jsapi.into());
    if call.said.is_some_and(refuses) {
        return Answer::Said(format!("{SAYS}:cancel"), json!({}));
    }
    let looks = call.said.is_none();
    fields.insert("look".to_owned(), json!(looks));
    match scene.perform(turn, "pay", fields) {
        Err(refused) => Answer::Said(
            format!("{SAYS}:fail"),
            json!({"err_desc": refused.message, "alert": refused.message}),
        ),
        Ok(order) if looks => {
            let total = order["payer_total"].as_i64().unwrap_or_default();
            let goods = order["description"].as_str().unwrap_or_default();
            let title = format!("¥{} {goods}", yuan(total));
            let (yes, no) = if call.english {
                ("Pay", "Cancel")
            } else {
                ("支付", "取消")
            };
            Answer::Asks(json!({"title": title, "fields": [], "yes": yes, "no": no}))
        }
        Ok(_) => Answer::Said(format!("{SAYS}:ok"), json!({})),
    }
}

/// `requestMerchantTransfer`: a person takes what a merchant gives.
fn take(turn: &mut Turn<'_>, call: &Call<'_>, scene: &Scene) -> Answer {
    let names = ["mchId", "appId", "package", "openId"];
    let given = names.map(|name| (name.to_owned(), json!(text(call.params, name))));
    let params: Map<String, Value> = { given.into_iter() }
        .filter(|(_, value)| value != "")
        .collect();
    if call.said.is_some_and(refuses) {
        return told(call, "cancel", json!({}));
    }
    let looks = call.said.is_none();
    let fields = Map::from_iter([
        ("transfer".to_owned(), params.into()),
        ("look".to_owned(), json!(looks)),
    ]);
    match scene.perform(turn, "confirm_transfer", fields) {
        Err(refused) => told(
            call,
            "fail",
            json!({"err_desc": refused.message, "alert": refused.message}),
        ),
        Ok(transfer) if looks => {
            let amount = transfer["amount"].as_i64().unwrap_or_default();
            let remark = transfer["remark"].as_str().unwrap_or_default();
            let title = format!("¥{} {remark}", yuan(amount));
            let (yes, no) = if call.english {
                ("Take", "Cancel")
            } else {
                ("收款", "取消")
            };
            Answer::Asks(json!({"title": title, "fields": [], "yes": yes, "no": no}))
        }
        Ok(_) => told(call, "ok", json!({})),
    }
}
