//! Whose order a call is about: the merchant that calls, or one of a service provider's sub-merchants (特约商户) for which the
//! provider calls.
//!
//! Orders, refunds and money are the sub-merchant's; calls are signed, and notices sealed, with the provider's keys.
//!
//! Source: doc pages "服务商模式介绍", "服务商JSAPI下单".

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::merchants;
use crate::{
    accounts::merchant::{self, MERCHANTS, Merchant},
    kernel::{
        Id, Refused, World,
        route::{Handler, Request, Route},
    },
    people,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.seller",
    routes: &[Route {
        method: "GET",
        path: "/merchants/{mchid}/sub-merchants",
        run: Handler::Look(subs),
    }],
    ..Feature::EMPTY
};

/// The service provider of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Partner {
    pub(super) sp_mchid: Id,
    pub(super) sp_appid: Id,
    /// The sub-merchant's account, where the order names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) sub_appid: Option<Id>,
}

/// Who a payer is with the provider and with its sub-merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Openids {
    pub(super) sp: Option<Id>,
    pub(super) sub: Option<Id>,
}

impl Partner {
    /// Who somebody is, of whom one account's openid is known.
    pub(super) fn openids(&self, world: &World, appid: &Id, openid: &Id) -> Openids {
        let user = people::person(world, appid, openid);
        let of = |appid: &Id| people::openid(world, user?, appid).cloned();
        Openids {
            sp: of(&self.sp_appid),
            sub: self.sub_appid.as_ref().and_then(of),
        }
    }
}

/// The sub-merchant of this number, if it is this provider's.
pub(super) fn sub_merchant<'w>(
    world: &'w World,
    provider: &Merchant,
    sub_mchid: &str,
) -> Option<&'w Merchant> {
    let sub = MERCHANTS.get(world, sub_mchid)?;
    (sub.provider.as_ref() == Some(&provider.mchid)).then_some(sub)
}

/// An account by its appid, if the merchant may be paid in it.
pub(super) fn bound<'m>(merchant: &'m Merchant, appid: &str) -> Option<&'m Id> {
    merchant.appids.iter().find(|bound| &***bound == appid)
}

/// A service provider's sub-merchants, by number.
pub(super) fn sub_merchants<'w>(
    world: &'w World,
    provider: &Id,
) -> impl Iterator<Item = (&'w Id, &'w Merchant)> {
    let provider = provider.clone();
    MERCHANTS
        .all(world)
        .filter(move |(_, merchant)| merchant.provider.as_ref() == Some(&provider))
}

fn subs(world: &World, request: &Request) -> Result<Value, Refused> {
    let provider = merchant::merchant(world, request.part("mchid"))?;
    let page = request.page()?;
    let after = page.id()?;
    let subs = sub_merchants(world, &provider.mchid).filter(|(mchid, _)| &***mchid > after);
    Ok(page.answer(
        subs.map(|(mchid, merchant)| (mchid.to_string(), merchants::view(world, merchant))),
    ))
}
