//! Who may get a share of a merchant's orders (分账接收方), and where merchants are told that they got one. A sub-merchant's
//! receivers are its own, whichever provider makes them known.
//!
//! Source: doc pages "添加分账接收方", "删除分账接收方".

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::whose::Whose;
use crate::{
    accounts::{self, merchant},
    kernel::{
        Id, Refused, Table, Turn, World,
        feature::id_in,
        route::{Handler, Request, Route},
    },
    products::Feature,
};

/// By merchant and account with its kind.
static RECEIVERS: Table<(Id, Id), Receiver> = Table::new("pay.sharing_receivers", 1);
/// Addresses of merchants that are told.
static ADDRESSES: Table<Id, Id> = Table::new("pay.sharing_addresses", 1);

pub(super) static FEATURE: Feature = Feature {
    name: "pay.receivers",
    tables: &[&RECEIVERS, &ADDRESSES],
    routes: &[Route {
        method: "PUT",
        path: "/merchants/{mchid}/sharing-address",
        run: Handler::Change(set_address),
    }],
    topics: &[(accounts::DELETED, merchant_deleted)],
    ..Feature::EMPTY
};

/// Who may get something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Receiver {
    pub(super) kind: Kind,
    pub(super) account: Id,
    /// The account in which a person has the openid.
    pub(super) appid: Id,
    /// The name that it must have, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

/// What a receiver is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Kind {
    MerchantId,
    PersonalOpenid,
    /// Somebody of the sub-merchant's account.
    PersonalSubOpenid,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MerchantId => "MERCHANT_ID",
            Self::PersonalOpenid => "PERSONAL_OPENID",
            Self::PersonalSubOpenid => "PERSONAL_SUB_OPENID",
        }
    }

    /// The kind of this name, if such receivers may get of these orders.
    pub(super) fn named(name: &str, whose: &Whose) -> Option<Self> {
        let of_sub = whose.provider.is_some().then_some(Self::PersonalSubOpenid);
        { [Self::MerchantId, Self::PersonalOpenid].into_iter() }
            .chain(of_sub)
            .find(|kind| kind.name() == name)
    }
}

fn key(mchid: &Id, kind: Kind, account: &str) -> (Id, Id) {
    let account = format!("{} {account}", kind.name());
    (mchid.clone(), account.into())
}

/// Makes a receiver known; of one that is known already, what is said now holds.
pub(super) fn add(world: &mut World, mchid: &Id, receiver: Receiver) {
    let key = key(mchid, receiver.kind, &receiver.account);
    RECEIVERS.put(world, key, receiver);
}

pub(super) fn remove(world: &mut World, mchid: &Id, kind: Kind, account: &str) {
    RECEIVERS.remove(world, &key(mchid, kind, account));
}

pub(super) fn find<'w>(
    world: &'w World,
    mchid: &Id,
    kind: Kind,
    account: &str,
) -> Option<&'w Receiver> {
    RECEIVERS.get(world, &key(mchid, kind, account))
}

/// Where a merchant is told that it got something.
pub(super) fn address<'w>(world: &'w World, mchid: &str) -> Option<&'w Id> {
    ADDRESSES.get(world, mchid)
}

fn set_address(turn: &mut Turn<'_>, request: &Request) -> Result<Value, Refused> {
    let merchant = merchant::merchant(turn.world, request.part("mchid"))?;
    let mchid = merchant.mchid.clone();
    let url = request.body["notify_url"].as_str();
    let url = url.filter(|url| url.starts_with("http://") || url.starts_with("https://"));
    let url =
        url.ok_or_else(|| Refused::invalid("`notify_url` must be an address with http or https"))?;
    ADDRESSES.put(turn.world, mchid, url.into());
    Ok(json!({"notify_url": url}))
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        RECEIVERS.remove_under(turn.world, &mchid);
        ADDRESSES.remove(turn.world, &*mchid);
        // Nor does anybody know it any more, or the people of an account.
        let gone: Vec<(Id, Id)> = { RECEIVERS.all(turn.world) }
            .filter(|(_, receiver)| match receiver.kind {
                Kind::MerchantId => receiver.account == mchid,
                Kind::PersonalOpenid | Kind::PersonalSubOpenid => receiver.appid == mchid,
            })
            .map(|(key, _)| key.clone())
            .collect();
        for key in gone {
            RECEIVERS.remove(turn.world, &key);
        }
    }
}
