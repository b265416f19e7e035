//! Third-party platforms (第三方平台): one file a feature, one line a feature in [`FEATURES`].
//!
//! Not here: what a permission set (权限集) opens. A grant keeps and tells its sets, and only the one of messages has an
//! effect; no call is refused with 61007. Nor the page on which an account's administrator agrees: the control
//! interface agrees in his place.

mod authorization;
mod authorizers;
mod event_push;
mod open_accounts;
mod option;
mod seeded;
mod ticket;
mod token;

use xinqiao_catalog::code;
use xinqiao_types::AccountKind;

use super::Feature;
use crate::{
    accounts::{self, ACCOUNTS},
    door::{Asked, Refusal, credential::Caller},
    kernel::{Id, Refused, World},
};

/// In the order in which they seed, index and hear topics.
pub(super) static FEATURES: &[&Feature] = &[
    &event_push::FEATURE,
    &ticket::FEATURE,
    &token::FEATURE,
    &authorization::FEATURE,
    &authorizers::FEATURE,
    &option::FEATURE,
    &open_accounts::FEATURE,
    &seeded::FEATURE,
];

fn is_component(world: &World, appid: &str) -> bool {
    ACCOUNTS
        .get(world, appid)
        .is_some_and(|account| account.kind == AccountKind::Component)
}

/// The platform that a path of the control interface names.
fn named(world: &World, appid: &str) -> Result<Id, Refused> {
    let id = accounts::id(world, appid)?;
    if is_component(world, appid) {
        return Ok(id);
    }
    Err(Refused::unwilling(format!(
        "`{appid}` is no third-party platform: make one with POST /accounts, kind `component`"
    )))
}

/// The platform that calls, which must be the one that the call names.
fn calling(asked: &Asked) -> Result<Id, Refusal> {
    let named = asked.text("component_appid")?;
    match &asked.caller {
        Caller::Component(id) if **id == *named => Ok(id.clone()),
        _ => Err(Refusal::code(code::INVALID_APPID).because(
            "credential.appid",
            Some(named.to_owned()),
            Some(asked.appid.to_string()),
        )),
    }
}
