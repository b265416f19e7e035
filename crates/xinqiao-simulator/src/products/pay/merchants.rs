//! Merchants in the control interface and in the seeded world, and how a merchant proves who it is.
//!
//! With the interface's third generation it signs method, path, time and body with its private key and names the
//! serial number of its certificate; with the second it signs the elements of its XML with a shared key.
//!
//! Source: doc pages "如何生成请求签名", "签名算法".

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};
use xinqiao_catalog::{AuthKind, Product, code, surface::Credential};
use xinqiao_crypto::{
    pay_v2::{self, SIGN, SignType},
    pay_v3::{Certificate, Request as Signed, SCHEME_RSA, WINDOW},
};
use xinqiao_types::{AccountKind, UnixSeconds, shanghai};
use xinqiao_wire::xml::Document;

use super::{
    funds::{self, Purse},
    seller,
};
use crate::{
    accounts::{
        self, ACCOUNTS,
        merchant::{self, KeyMode, Kind, MERCHANTS, Merchant, keys},
        rules::{self, Rule, Switched},
    },
    door::{
        Asked, Refusal,
        credential::{Asking, Caller, Finder, Proof},
        dialect::{return_code_xml, signed_json},
    },
    kernel::{
        Effect, Id, Refused, Turn, World,
        command::typed,
        route::{Handler, Request, Route},
    },
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.merchants",
    finders: &[
        Finder {
            proof: Proof::Auth(AuthKind::Merchant),
            products: &[Product::PayV3],
            claimed: claimed_by_header,
            find: by_header,
        },
        Finder {
            proof: Proof::Auth(AuthKind::Merchant),
            products: &[Product::PayV2],
            claimed: |_, _| None,
            find: by_element,
        },
    ],
    dialects: &[
        (&[Product::PayV3], &signed_json::DIALECT),
        (&[Product::PayV2], &return_code_xml::DIALECT),
    ],
    routes: &[
        route("GET", "/merchants", Handler::Look(list)),
        route("POST", "/merchants", Handler::Change(create)),
        route("GET", "/merchants/{mchid}", Handler::Look(one)),
        route("PATCH", "/merchants/{mchid}", Handler::Change(patch)),
        route("DELETE", "/merchants/{mchid}", Handler::Change(delete)),
        route("GET", "/merchants/{mchid}/files", Handler::Look(files)),
    ],
    rules: &[&WRONG_SERIAL],
    topics: &[(accounts::DELETED, account_deleted)],
    seed: Some(populate),
    ..Feature::EMPTY
};

const fn route(method: &'static str, path: &'static str, run: Handler) -> Route {
    Route { method, path, run }
}

/// When the seeded world was made, as its accounts say: 2026-01-01 in Shanghai.
const BIRTH: i64 = 1_767_196_800;
/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// The merchant that makes a call.
pub(super) fn caller<'w>(world: &'w World, asked: &Asked) -> Result<&'w Merchant, Refusal> {
    match &asked.caller {
        Caller::Merchant { mchid, .. } => MERCHANTS.get(world, &**mchid),
        _ => None,
    }
    .ok_or_else(|| Refusal::code(code::pay_v3::MCH_NOT_EXISTS))
}

// ---- The third generation's proof.

fn claimed_by_header(world: &World, credential: &Credential) -> Option<Caller> {
    let Credential::Signature {
        mchid: Some(mchid),
        serial,
        ..
    } = credential
    else {
        return None;
    };
    let (mchid, _) = MERCHANTS.entry(world, mchid.as_str())?;
    Some(Caller::Merchant {
        mchid: mchid.clone(),
        serial: serial.as_deref().unwrap_or_default().into(),
    })
}

/// What stands in the header `Authorization`.
fn authorization(text: &str) -> BTreeMap<&str, &str> {
    let (_, pairs) = text.trim().split_once(' ').unwrap_or_default();
    { pairs.split(',') }
        .filter_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            Some((name, value.trim_matches('"')))
        })
        .collect()
}

/// What is said where merchant, certificate and private key are not of one piece.
const WRONG_SERIAL_TEXT: &str = "商户证书序列号有误。请使用签名私钥匹配的证书序列号";

/// The code for a serial number that is not the merchant's.
static WRONG_SERIAL: Rule = Rule {
    name: "pay.wrong_serial",
    default: rules::Preset::Word(
        code::pay_v3::SIGN_ERROR,
        &[code::pay_v3::SIGN_ERROR, code::pay_v3::SYSTEM_ERROR],
    ),
    about: (
        "证书序列号不是该商户的：SIGN_ERROR（401）或 SYSTEM_ERROR（500），设在商户上",
        "a certificate serial that is not the merchant's: SIGN_ERROR (401) or SYSTEM_ERROR (500); set on the merchant",
    ),
    source: "page 4012072670: every refused signature is 401 SIGN_ERROR, told apart by its text; some merchants saw 500",
};

/// A refused signature, with what the platform says about the field that is wrong.
fn sign_error(field: &str, issue: &str, text: &str) -> Refusal {
    let mut refuse = Refusal::text(code::pay_v3::SIGN_ERROR, text);
    let detail = json!({
        "detail": {"issue": issue},
        "field": field,
        "location": "authorization",
    });
    refuse.extra.push(("detail", detail));
    refuse
}

/// mchid → serial → time → signature, each with the platform's words.
fn by_header(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    let call = asking.call;
    let header = call.header("authorization").unwrap_or_default();
    let fields = authorization(header);
    let field = |name: &str| fields.get(name).copied().unwrap_or_default();
    let names = ["mchid", "nonce_str", "timestamp", "serial_no", "signature"];
    if let Some(missing) = names.into_iter().find(|name| field(name).is_empty()) {
        let text = "Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》";
        let received = (!header.is_empty()).then(|| format!("no {missing}"));
        return Err(sign_error(missing, "invalid authorization", text).because(
            "pay.signature.missing",
            received,
            None,
        ));
    }
    if !header.trim_start().starts_with(SCHEME_RSA) {
        let text = "Http头Authorization认证类型不正确";
        return Err(sign_error("authorization", "unknown type", text).because(
            "pay.signature.scheme",
            header.split(' ').next().map(str::to_owned),
            Some(SCHEME_RSA.to_owned()),
        ));
    }
    let Some((mchid, merchant)) = MERCHANTS.entry(turn.world, field("mchid")) else {
        return Err(
            sign_error("mchid", "unknown mchid", WRONG_SERIAL_TEXT).because(
                "pay.signature.unknown_key",
                Some(field("mchid").to_owned()),
                None,
            ),
        );
    };
    let caller = Caller::Merchant {
        mchid: mchid.clone(),
        serial: merchant.serial.clone(),
    };
    *whose = Some(caller.clone());
    if !field("serial_no").eq_ignore_ascii_case(&merchant.serial) {
        let refuse = match WRONG_SERIAL.word(Some(&merchant.rules)) {
            code::pay_v3::SYSTEM_ERROR => Refusal::code(code::pay_v3::SYSTEM_ERROR),
            _ => sign_error("serial_no", "serial_no not match", WRONG_SERIAL_TEXT),
        };
        return Err(refuse.because(
            "pay.signature.unknown_key",
            Some(field("serial_no").to_owned()),
            Some(merchant.serial.to_string()),
        ));
    }
    let timestamp: Option<i64> = field("timestamp").parse().ok();
    let now = turn.wall_ms / 1000;
    let fresh = timestamp.filter(|signed| now.abs_diff(*signed) < WINDOW.unsigned_abs());
    let Some(timestamp) = fresh else {
        let text = "Http头Authorization中的timestamp与发起请求的时间不得超过5分钟";
        return Err(sign_error("timestamp", "timestamp expired", text).because(
            "pay.signature.window",
            Some(field("timestamp").to_owned()),
            Some(now.to_string()),
        ));
    };
    let target = match call.query.as_str() {
        "" => call.path.clone(),
        query => format!("{}?{query}", call.path),
    };
    let signed = Signed {
        method: call.method.as_str(),
        target: &target,
        timestamp,
        nonce: field("nonce_str"),
        body: signed_body(call),
    };
    let message = signed.message();
    let genuine = merchant
        .public_key()
        .is_some_and(|key| key.verify(&message, field("signature")).is_ok());
    if !genuine {
        let mut refuse = sign_error("signature", "sign not match", "错误的签名，验签失败");
        let text = String::from_utf8_lossy(&message);
        let first: String = text.chars().take(SIGNED_SHOWN).collect();
        if let Some((_, detail)) = refuse.extra.first_mut() {
            detail["sign_information"] = json!({
                "method": call.method.as_str(),
                "sign_message_length": message.len(),
                "truncated_sign_message": first,
                "url": target,
            });
        }
        let signature = Some(field("signature").to_owned());
        return Err(refuse.because("pay.signature.mismatch", signature, Some(text.into_owned())));
    }
    // WECHAT: without these two headers nothing is answered, however good the signature.
    let polite = |name| call.header(name).is_some_and(|value| !value.is_empty());
    if !polite("accept") || !polite("user-agent") {
        let text = "Http头缺少Accept或User-Agent";
        return Err(Refusal::text(code::pay_v3::PARAM_ERROR, text));
    }
    Ok(caller)
}

/// Most characters of a signed message that a refusal repeats.
const SIGNED_SHOWN: usize = 200;

/// The bytes that a signature covers.
///
/// WECHAT: of an upload only the part `meta` is signed.
fn signed_body(call: &crate::door::call::PlatformCall) -> &[u8] {
    let multipart =
        { call.header("content-type") }.is_some_and(|kind| kind.starts_with("multipart/form-data"));
    if !multipart {
        return &call.body;
    }
    let find = |bytes: &[u8], needle: &[u8]| {
        bytes
            .windows(needle.len())
            .position(|window| window == needle)
    };
    let inside = || -> Option<&[u8]> {
        let at = find(&call.body, b"name=\"meta\"")?;
        let rest = &call.body[at..];
        let rest = &rest[find(rest, b"\r\n\r\n")? + 4..];
        Some(&rest[..find(rest, b"\r\n--")?])
    };
    inside().unwrap_or_default()
}

// ---- The second generation's proof.

/// What is said where a call is not understood: a text without a code.
pub(super) fn not_understood(text: &str) -> Refusal {
    Refusal::text("", text)
}

fn by_element(
    turn: &Turn<'_>,
    asking: &Asking<'_>,
    whose: &mut Option<Caller>,
) -> Result<Caller, Refusal> {
    let Ok(document) = Document::parse(&asking.call.body) else {
        return Err(not_understood("XML格式错误").because("call.xml", None, None));
    };
    let fields: Vec<(&str, String)> = { document.root().children() }
        .map(|element| (element.name(), element.text().into_owned()))
        .collect();
    let field = |wanted: &str| {
        let found = fields.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    // WECHAT: only where a person's wallet is paid, it is spelled `mchid`.
    let named = match field("mch_id") {
        "" => field("mchid"),
        named => named,
    };
    let Some((mchid, merchant)) = MERCHANTS.entry(turn.world, named) else {
        let received = Some(named.to_owned());
        return Err(not_understood("商户号mch_id与appid不匹配").because(
            "pay.signature.unknown_key",
            received,
            None,
        ));
    };
    let caller = Caller::Merchant {
        mchid: mchid.clone(),
        serial: Id::from(""),
    };
    *whose = Some(caller.clone());
    // WECHAT: `sign_type` is part of what is signed where it is sent; without it a signature is an MD5.
    let how = match field("sign_type") {
        "" => Some(SignType::Md5),
        named => SignType::parse(named),
    };
    let Some(how) = how else {
        return Err(not_understood("签名类型sign_type不正确").because(
            "pay.signature.scheme",
            Some(field("sign_type").to_owned()),
            None,
        ));
    };
    let pairs = || { fields.iter() }.map(|(name, value)| (*name, value.as_str()));
    if pay_v2::verify(pairs(), &merchant.api_v2_key(), how, field(SIGN)).is_err() {
        let signed = pay_v2::string_to_sign(pairs()) + "key=…";
        return Err(not_understood("签名错误").because(
            "pay.signature.mismatch",
            Some(field(SIGN).to_owned()),
            Some(signed),
        ));
    }
    Ok(caller)
}

// ---- The control interface.

/// `POST /merchants` and `PATCH /merchants/{mchid}`: whatever is left out is made up, or stays.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Settings {
    mchid: Option<String>,
    name: Option<String>,
    api_v2_key: Option<String>,
    api_v3_key: Option<String>,
    /// `apiclient_cert.pem` of a key of one's own.
    certificate: Option<String>,
    key_mode: Option<KeyMode>,
    sign_with: Option<KeyMode>,
    appids: Option<Vec<String>>,
    kind: Option<Kind>,
    /// The service provider whose sub-merchant it is.
    provider: Option<String>,
    rules: Switched,
    /// What is in its purses, in fen.
    unsettled: Option<i64>,
    available: Option<i64>,
    operation: Option<i64>,
}

impl Settings {
    /// Refuses what no merchant can have.
    fn check(&self, world: &World) -> Result<(), Refused> {
        if let Some(mchid) = &self.mchid {
            let fine = (8..=10).contains(&mchid.len()) && mchid.bytes().all(|b| b.is_ascii_digit());
            if !fine {
                return Err(Refused::invalid("`mchid` must be 8 to 10 digits"));
            }
            if MERCHANTS.has(world, mchid.as_str()) {
                return Err(Refused::conflict(format!(
                    "there is a merchant `{mchid}` already"
                )));
            }
        }
        for (name, key) in [
            ("api_v2_key", &self.api_v2_key),
            ("api_v3_key", &self.api_v3_key),
        ] {
            let fine = |key: &String| {
                key.len() == KEY_BYTES && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
            };
            if key.as_ref().is_some_and(|key| !fine(key)) {
                return Err(Refused::invalid(format!(
                    "`{name}` must be {KEY_BYTES} letters and digits"
                )));
            }
        }
        for appid in self.appids.iter().flatten() {
            accounts::account(world, appid)?;
        }
        if let Some(provider) = &self.provider
            && merchant::merchant(world, provider)?.kind != Kind::ServiceProvider
        {
            return Err(Refused::unwilling(format!(
                "`{provider}` is no service provider: its `kind` must be `service_provider`"
            )));
        }
        if self.provider.is_some() && self.kind == Some(Kind::ServiceProvider) {
            return Err(Refused::invalid(
                "a service provider is nobody's sub-merchant: give `kind` or `provider`",
            ));
        }
        let given = [
            ("unsettled", self.unsettled),
            ("available", self.available),
            ("operation", self.operation),
        ];
        for (name, amount) in given {
            if amount.is_some_and(|fen| !(0..=funds::MOST).contains(&fen)) {
                return Err(Refused::invalid(format!(
                    "`{name}` must be fen, 0 to {}",
                    funds::MOST
                )));
            }
        }
        rules::check(world, &self.rules)?;
        Ok(())
    }

    /// What is to be in which purse.
    fn purses(&self) -> impl Iterator<Item = (Purse, i64)> + use<> {
        let purses = [
            (Purse::Unsettled, self.unsettled),
            (Purse::Available, self.available),
            (Purse::Operation, self.operation),
        ];
        purses
            .into_iter()
            .filter_map(|(purse, amount)| Some((purse, amount?)))
    }

    fn apply(self, merchant: &mut Merchant) -> Result<(), Refused> {
        if let Some(text) = self.certificate {
            let read = Certificate::from_pem(&text)
                .map_err(|error| Refused::invalid(format!("`certificate`: {error}")))?;
            merchant.serial = read.serial().into();
            merchant.certificate = text;
            merchant.key = None;
        }
        if let Some(name) = self.name {
            merchant.name = name;
        }
        if let Some(key) = self.api_v2_key {
            merchant.api_v2_key = key;
        }
        if let Some(key) = self.api_v3_key {
            merchant.api_v3_key = key;
        }
        if let Some(appids) = self.appids {
            merchant.appids = appids.into_iter().map(Id::from).collect();
        }
        if let Some(kind) = self.kind {
            merchant.kind = kind;
            merchant.provider = None;
        }
        if let Some(provider) = self.provider {
            merchant.kind = Kind::Merchant;
            merchant.provider = Some(provider.into());
        }
        merchant.rules.extend(self.rules);
        merchant.key_mode = self.key_mode.unwrap_or(merchant.key_mode);
        merchant.sign_with = self.sign_with.or(merchant.sign_with);
        Ok(())
    }
}

/// A merchant with everything made up.
fn made(turn: &mut Turn<'_>, mchid: Option<&str>) -> Merchant {
    let number = turn.world.serial("pay.merchant");
    let draw = |kind: &str| turn.world.named(kind, &number.to_string());
    let mchid = mchid.map_or_else(|| draw("pay.mchid").mchid(), str::to_owned);
    let serial = draw("pay.serial").certificate_serial();
    let day = shanghai::date(turn.now);
    Merchant {
        certificate: keys::merchant_certificate(&mchid, &serial, number, day),
        name: format!("商户{number}"),
        api_v2_key: draw("pay.v2_key").secret(),
        api_v3_key: draw("pay.v3_key").secret(),
        mchid: mchid.into(),
        serial: serial.into(),
        key: Some(number),
        key_mode: KeyMode::default(),
        sign_with: None,
        appids: Vec::new(),
        kind: Kind::default(),
        provider: None,
        rules: Switched::new(),
        created_at: turn.now.0,
    }
}

fn create(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let settings: Settings = typed(request.body.clone())?;
    settings.check(turn.world)?;
    let merchant = made(turn, settings.mchid.as_deref());
    put(turn, settings, merchant)
}

fn patch(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let settings: Settings = typed(request.body.clone())?;
    if settings.mchid.is_some() {
        return Err(Refused::invalid("a merchant's number does not change"));
    }
    settings.check(turn.world)?;
    let merchant = merchant::merchant(turn.world, request.part("mchid"))?.clone();
    put(turn, settings, merchant)
}

fn put(turn: &mut Turn<'_>, settings: Settings, mut merchant: Merchant) -> Result<Value, Refused> {
    let purses = settings.purses();
    settings.apply(&mut merchant)?;
    let mchid = merchant.mchid.clone();
    MERCHANTS.put(turn.world, mchid.clone(), merchant.clone());
    for (purse, amount) in purses {
        funds::set(turn, &mchid, purse, amount);
    }
    turn.effects.push(Effect::Accounts);
    Ok(view(turn.world, &merchant))
}

/// The object of the control interface.
pub(super) fn view(world: &World, merchant: &Merchant) -> Value {
    let (mut view, funds) = (merchant.view(), funds::funds(world, &merchant.mchid));
    view["unsettled"] = json!(funds.unsettled);
    view["available"] = json!(funds.available);
    view["frozen"] = json!(funds.frozen);
    view["operation"] = json!(funds.operation);
    view
}

fn delete(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let mchid = merchant::merchant(turn.world, request.part("mchid"))?
        .mchid
        .clone();
    turn.publish(accounts::DELETED, &json!({"account": &*mchid}));
    let orphans: Vec<Id> = seller::sub_merchants(turn.world, &mchid)
        .map(|(sub, _)| sub.clone())
        .collect();
    for orphan in orphans {
        if let Some(merchant) = MERCHANTS.get_mut(turn.world, &*orphan) {
            merchant.provider = None;
        }
    }
    MERCHANTS.remove(turn.world, &*mchid);
    turn.effects.push(Effect::Accounts);
    Ok(json!({}))
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let page = request.page()?;
    let after: Id = page.id()?.into();
    let from = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
    let merchants = MERCHANTS.range(world, from);
    Ok(page.answer(merchants.map(|(mchid, merchant)| (mchid.to_string(), view(world, merchant)))))
}

fn one(world: &World, request: &Request) -> Result<Value, Refused> {
    let merchant = merchant::merchant(world, request.part("mchid"))?;
    Ok(view(world, merchant))
}

fn files(world: &World, request: &Request) -> Result<Value, Refused> {
    merchant::merchant(world, request.part("mchid")).map(Merchant::files)
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    let gone = what["account"].as_str().unwrap_or_default();
    let bound: Vec<Id> = { MERCHANTS.all(turn.world) }
        .filter(|(_, merchant)| merchant.appids.iter().any(|appid| &**appid == gone))
        .map(|(mchid, _)| mchid.clone())
        .collect();
    for mchid in bound {
        if let Some(merchant) = MERCHANTS.get_mut(turn.world, &*mchid) {
            merchant.appids.retain(|appid| &**appid != gone);
        }
    }
}

/// One merchant, which may be paid in every account of people that was seeded before.
fn populate(turn: &mut Turn<'_>) {
    turn.now = UnixSeconds(BIRTH);
    let mut merchant = made(turn, None);
    "桥头咖啡".clone_into(&mut merchant.name);
    merchant.appids = ACCOUNTS
        .all(turn.world)
        .filter(|(_, account)| {
            account.kind != AccountKind::Component && account.of_corp().is_none()
        })
        .map(|(appid, _)| appid.clone())
        .collect();
    MERCHANTS.put(turn.world, merchant.mchid.clone(), merchant);
}
