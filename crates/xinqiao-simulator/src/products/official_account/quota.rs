//! Quotas as an app sees them: clearing, asking, and looking a call up by its trace id.
//!
//! Source: doc pages "清空 api 的调用 quota", "查询 openAPI 调用 quota", "查询 rid 信息".

use serde_json::{Value, json};
use xinqiao_catalog::{
    AuthKind, Endpoint, Product, QuotaWindow, code,
    id::official_account as oa,
    rules::quota::{self, Ledger},
};
use xinqiao_types::shanghai::DAY;

use crate::{
    accounts::QUOTAS,
    door::{Asked, Refusal, Reply, Verdict, stateful, traced},
    kernel::Turn,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.quota",
    behaviours: &[
        stateful(oa::base::CLEAR_QUOTA, COUNTED, clear),
        stateful(oa::base::CLEAR_QUOTA_V2, CLEARED, clear),
        stateful(oa::open_api::quota::CLEAR, CLEARED, clear_one),
        stateful(oa::open_api::quota::GET, COUNTED, get),
        stateful(oa::open_api::RID_GET, "a_call_is_found_by_its_rid", rid),
    ],
    ..Feature::EMPTY
};
const CLEARED: &str = "counters_are_cleared_by_secret_and_path_by_path";
const COUNTED: &str = "quotas_are_counted_cleared_and_told";

/// The row that counts clears, of both endpoints together.
const CLEAR_ROW: &str = "clear_quota";
/// The row that counts clears of one path.
const CLEAR_ONE_ROW: &str = "quota.clear_one";
/// For how long a call can be looked up.
const TRACED_SECONDS: i64 = 7 * DAY;

/// Counts what a row of its own limits: what was refused, for whatever reason, counts nowhere.
pub(super) fn spend(turn: &mut Turn<'_>, asked: &Asked, row: &str) -> Result<(), Refusal> {
    let Some(limit) = quota::row(row) else {
        return Ok(());
    };
    let now = turn.now;
    asked
        .ledger(turn)
        .spend_limit(row, limit, now)
        .map_err(|exceeded| Refusal::quota(&exceeded))
}

/// `clear_quota` and `clear_quota/v2`, which the account may do so many times a month together.
pub(crate) fn clear(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let named = asked.given("appid").unwrap_or_default();
    if named != &*asked.appid {
        return Err(Refusal::code(code::INVALID_APPID));
    }
    spend(turn, asked, CLEAR_ROW)?;
    asked.ledger(turn).clear();
    Ok(Reply::Acknowledged)
}

/// The endpoint of the account's product that a path names, of those on the host that was called.
///
/// WECHAT: the path stands alone, without the host before it; one whose callers have another kind of token is refused.
fn endpoint(asked: &Asked) -> Result<&'static Endpoint, Refusal> {
    let path = asked.given("cgi_path").unwrap_or_default();
    let mut routes = xinqiao_catalog::route::candidates(None, path);
    routes.retain(|route| route.host == asked.endpoint.host && path.starts_with('/'));
    let own = { routes.iter() }.find(|route| route.product == Product::OfficialAccount);
    let route = own.or_else(|| routes.first());
    let Some(endpoint) = route.and_then(|route| xinqiao_catalog::endpoint(route.id)) else {
        return Err(Refusal::code(code::CGI_PATH_NOT_FOUND));
    };
    match endpoint.auth.kind {
        AuthKind::AccessToken | AuthKind::Sns | AuthKind::None => Ok(endpoint),
        _ => Err(Refusal::code(code::CGI_PATH_OF_OTHERS)),
    }
}

/// `openapi/quota/clear`: one path.
pub(crate) fn clear_one(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let endpoint = endpoint(asked)?;
    let facts = asked.account(turn.world)?.facts(turn.now.0);
    spend(turn, asked, CLEAR_ONE_ROW)?;
    asked.ledger(turn).clear_endpoint(endpoint, &facts);
    Ok(Reply::Acknowledged)
}

/// `openapi/quota/get`.
pub(crate) fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let endpoint = endpoint(asked)?;
    let facts = asked.account(turn.world)?.facts(turn.now.0);
    let none = Ledger::default();
    let ledger = QUOTAS.get(turn.world, &*asked.appid).unwrap_or(&none);
    let usages = ledger.usage(endpoint, &facts, turn.now);
    let mut answer = json!({"errcode": 0, "errmsg": "ok"});
    let daily = usages
        .iter()
        .find(|usage| usage.limit.window == QuotaWindow::Day);
    answer["quota"] = match daily {
        Some(usage) => json!({
            "daily_limit": usage.limit.max, "used": usage.used, "remain": usage.remaining(),
        }),
        None => json!({"daily_limit": 0, "used": 0, "remain": 0}),
    };
    let minute = usages
        .iter()
        .find(|usage| usage.limit.window == QuotaWindow::Minute);
    if let Some(usage) = minute {
        answer["rate_limit"] = json!({"call_count": usage.limit.max, "refresh_second": 60});
    }
    Ok(Reply::Json(answer))
}

/// `openapi/rid/get`: only by the account that made the call, for seven days.
pub(crate) fn rid(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let wanted = asked
        .body
        .get("rid")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some(call) = traced::find(turn.world, wanted) else {
        return Err(Refusal::code(code::RID_NOT_FOUND));
    };
    if call.appid.as_ref() != Some(&asked.appid) {
        return Err(Refusal::code(code::RID_OF_ANOTHER_ACCOUNT));
    }
    if turn.now.0 - call.time > TRACED_SECONDS {
        return Err(Refusal::code(code::RID_TOO_OLD));
    }
    Ok(Reply::Json(
        json!({"errcode": 0, "errmsg": "ok", "request": {
            "invoke_time": call.time,
            "cost_in_ms": call.ms,
            "request_url": call.url,
            "request_body": call.request,
            "response_body": call.response,
            "client_ip": call.client,
        }}),
    ))
}
