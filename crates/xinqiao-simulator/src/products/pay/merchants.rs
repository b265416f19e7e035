//! Merchants in the control interface and in the seeded world.

use base64_simd::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::{Value, json};
use xinqiao_crypto::pay_v3::Certificate;
use xinqiao_types::{AccountKind, UnixSeconds, shanghai};

use super::{
    funds::{self, Purse},
    seller,
};
use crate::{
    accounts::{
        self, ACCOUNTS,
        merchant::{self, KeyMode, Kind, MERCHANTS, Merchant, keys},
        rules::{self, Switched},
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
    routes: &[
        route("GET", "/merchants", Handler::Look(list)),
        route("POST", "/merchants", Handler::Change(create)),
        route("GET", "/merchants/{mchid}", Handler::Look(one)),
        route("PATCH", "/merchants/{mchid}", Handler::Change(patch)),
        route("DELETE", "/merchants/{mchid}", Handler::Change(delete)),
        route("GET", "/merchants/{mchid}/files", Handler::Look(files)),
    ],
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
    let has_subs = { seller::sub_merchants(turn.world, &merchant.mchid).next() }.is_some();
    if settings.provider.is_some() && has_subs {
        return Err(Refused::unwilling(format!(
            "`{}` has sub-merchants, so it can be nobody's",
            merchant.mchid
        )));
    }
    if settings.provider.as_deref() == Some(&*merchant.mchid) {
        return Err(Refused::invalid("nobody is the provider of itself"));
    }
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
    let files = merchant::merchant(world, request.part("mchid"))?.files();
    let shown = files.into_iter().map(|(name, bytes)| {
        let text = if name == merchant::PKCS12 {
            BASE64.encode_to_string(bytes)
        } else {
            String::from_utf8_lossy(&bytes).into_owned()
        };
        (name.to_owned(), json!(text))
    });
    Ok(Value::Object(shown.collect()))
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
