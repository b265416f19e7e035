//! Asks the permission rules before the platform does, so that a refusal comes with its reason.

use http::HeaderValue;
use xinqiao_catalog::{
    rules::permission::{self, AccountFacts, Denied},
    surface::Call,
};
use xinqiao_types::AppId;

use crate::{Preflight, shared::Shared};

/// What the rules say.
pub(super) enum Verdict {
    /// Nothing against it, or nothing known.
    Pass,
    /// Passed on, with this header.
    Warn(HeaderValue),
    /// Refused here.
    Refuse(Box<Denied>),
}

pub(super) fn check(shared: &Shared, call: &Call, appid: Option<&AppId>) -> Verdict {
    if shared.config.preflight == Preflight::Off {
        return Verdict::Pass;
    }
    let (Some(endpoint), Some(appid)) = (call.endpoint(), appid) else {
        return Verdict::Pass;
    };
    let Some(account) = shared.directory.account(appid.as_str()) else {
        return Verdict::Pass;
    };
    let Some(verified) = account.config.verified else {
        return Verdict::Pass;
    };
    let facts = AccountFacts::new(account.config.kind, verified);
    let Err(denied) = permission::check(endpoint, &facts) else {
        return Verdict::Pass;
    };
    shared.metrics.preflight_denied.add();
    tracing::warn!(
        %appid, endpoint = endpoint.id, rule = Denied::RULE, cause = %denied.cause_en,
        "The rules would refuse this call."
    );
    if shared.config.preflight == Preflight::Enforce {
        return Verdict::Refuse(denied);
    }
    let text = format!("{}; errcode={}", Denied::RULE, denied.code.0);
    HeaderValue::from_str(&text).map_or(Verdict::Pass, Verdict::Warn)
}
