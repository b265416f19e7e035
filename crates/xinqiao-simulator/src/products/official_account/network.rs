//! Addresses of the platform, and its check of a callback address.
//!
//! Source: doc pages "获取微信 API 服务器 IP 地址", "网络检测".

use serde_json::{Value, json};
use xinqiao_catalog::{code, id::official_account as oa};

use crate::{
    door::{Asked, Refusal, Reply, Verdict, modelled},
    kernel::Turn,
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.network",
    behaviours: &[
        modelled(
            oa::base::GET_API_DOMAIN_IP,
            "the_platform_tells_its_addresses",
            api_addresses,
        ),
        modelled(
            oa::base::GET_CALLBACK_IP,
            "the_platform_tells_its_addresses",
            callback_addresses,
        ),
        modelled(
            oa::callback::CHECK,
            "callback_check_refuses_with_codes_of_its_own",
            check,
        ),
    ],
    ..Feature::EMPTY
};

/// Addresses set apart for documentation (RFC 5737): real in shape, nobody's.
const API: &[&str] = &["192.0.2.10", "192.0.2.11", "198.51.100.20"];
/// The same for callbacks; the last is where the simulator really calls from.
const CALLBACK: &[&str] = &["203.0.113.5", "203.0.113.6", "127.0.0.1"];

/// `get_api_domain_ip`.
pub(crate) fn api_addresses(_: &mut Turn<'_>, _: &Asked) -> Verdict {
    Ok(Reply::Json(json!({"ip_list": API})))
}

/// `getcallbackip`.
pub(crate) fn callback_addresses(_: &mut Turn<'_>, _: &Asked) -> Verdict {
    Ok(Reply::Json(json!({"ip_list": CALLBACK})))
}

/// `callback/check`: what the platform would find from its own networks. Computed, nothing is called.
///
/// WECHAT: each of its three refusals has a code of its own. Parameters come before state, as everywhere.
pub(crate) fn check(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let text = |name: &str| {
        asked
            .body
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let action = text("action");
    if !matches!(action, "dns" | "ping" | "all") {
        return Err(Refusal::code(code::INVALID_CHECK_ACTION));
    }
    let operator = text("check_operator");
    if !matches!(operator, "CHINANET" | "UNICOM" | "CAP" | "DEFAULT") {
        return Err(Refusal::code(code::INVALID_CHECK_OPERATOR));
    }
    let account = asked.account(turn.world)?;
    if account.callback.url.is_empty() {
        return Err(Refusal::code(code::INVALID_CHECK_URL));
    }
    let mut answer = json!({});
    if action != "ping" {
        answer["dns"] = json!([{"ip": "127.0.0.1", "real_operator": operator}]);
    }
    if action != "dns" {
        answer["ping"] = json!([{
            "ip": "127.0.0.1", "from_operator": operator, "package_loss": "0%", "time": "0.100ms",
        }]);
    }
    Ok(Reply::Json(answer))
}
