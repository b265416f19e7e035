//! Why an answer has no unionid.
//!
//! A unionid joins the openids that one person has in the accounts of one open platform account (微信开放平台帐号). The
//! platform leaves it out without a word; what the answer and the catalog say tells why, or what is left to check.
//! Cause and remedy of each rule are in the catalog's diagnoses, so that `xinqiao explain unionid.scope` finds them too.
//!
//! ```
//! # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
//! use serde_json::json;
//! use xinqiao::unionid;
//!
//! let answer = json!({"access_token": "a", "openid": "o", "scope": "snsapi_base"});
//! let why = unionid::why("open_platform.sns.oauth2.access_token", &answer);
//! assert_eq!((why[0].rule(), why[0].is_certain), ("unionid.scope", true));
//! println!("{}", why[0].cause(true)); // 中文
//! assert!(unionid::why("official_account.user.info", &json!({"unionid": "u"})).is_empty());
//! ```
//!
//! Source: doc pages "UnionID 机制说明", "网页授权", "获取用户基本信息(UnionID机制)", "小程序登录".

use std::{collections::BTreeSet, fmt};

use serde_json::Value;
use xinqiao_catalog::{Diagnosis, Product, Shape, diagnosis, type_def};
use xinqiao_wire::{Endpoint, value};

const NAME: &str = "unionid";
const MAX_DEPTH: usize = 8;

/// A reason why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reason {
    diagnosis: &'static Diagnosis,
    /// Whether the answer itself shows it; else it is one of those left to check.
    pub is_certain: bool,
}

impl Reason {
    /// Name of the rule, for instance `unionid.scope`.
    pub const fn rule(&self) -> &'static str {
        self.diagnosis.rule
    }

    /// What is the matter, in Chinese or in English.
    pub fn cause(&self, chinese: bool) -> &'static str {
        self.diagnosis.cause.get(chinese)
    }

    /// What to do, in Chinese or in English.
    pub fn remedy(&self, chinese: bool) -> &'static [&'static str] {
        if chinese {
            &self.diagnosis.remedy_zh
        } else {
            &self.diagnosis.remedy_en
        }
    }
}

impl fmt::Display for Reason {
    /// In English, in a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = self.remedy(false).join("; ");
        write!(f, "{}: {}: {remedy}", self.rule(), self.cause(false))
    }
}

/// Why the answer of an endpoint (by its id) has no unionid: one reason that is certain, or those that are left to
/// check, the likeliest first. Nothing if it has one, or if the endpoint is unknown.
pub fn why(endpoint: &str, answer: &Value) -> Vec<Reason> {
    let Some(known) = xinqiao_catalog::endpoint(endpoint) else {
        return Vec::new();
    };
    if has(answer) {
        return Vec::new();
    }
    let certain = |rule| reasons([rule], true);
    let text = |name: &str| answer.get(name).and_then(Value::as_str);
    // Scopes stand in a text with commas or blanks between.
    let scope = text("scope").map(|scope| scope.split([',', ' ']).collect::<Vec<_>>());
    if let Some(scopes) = &scope
        && scopes.contains(&"snsapi_base")
        && !scopes.iter().any(|scope| gives_unionid(scope))
    {
        return certain("unionid.scope");
    }
    if scope.is_none() && !tells(known.product, &known.response, &mut BTreeSet::new(), 0) {
        return certain("unionid.endpoint");
    }
    let not_followed = match answer.get("subscribe") {
        Some(Value::Number(number)) => number.as_i64() == Some(0),
        Some(Value::String(text)) => text == "0",
        Some(Value::Bool(subscribes)) => !subscribes,
        _ => false,
    };
    let left = ["unionid.not_bound", "unionid.other_subject"];
    if not_followed {
        // Without a follow the rest is missing as well, which is no proof of the binding.
        let mut all = reasons(["unionid.not_followed"], false);
        all.extend(reasons(left, false));
        return all;
    }
    reasons(left, false)
}

/// As [`why`], for a typed answer.
///
/// ```no_run
/// # mod xinqiao { pub use ::xinqiao_client::*; pub use ::xinqiao_types as types; }
/// # async fn f<Info>(client: xinqiao_client::Client, request: Info) -> Result<(), xinqiao_client::Error>
/// # where Info: xinqiao_client::Endpoint + 'static {
/// use xinqiao::unionid;
///
/// let user = client.send(request).await?;
/// for reason in unionid::why_typed::<Info>(&user) {
///     eprintln!("{reason}");
/// }
/// # Ok(()) }
/// ```
pub fn why_typed<E: Endpoint>(answer: &E::Response) -> Vec<Reason> {
    why(E::INFO.id, &value::to_value(answer))
}

/// Scopes whose user information has a unionid.
fn gives_unionid(scope: &str) -> bool {
    matches!(scope, "snsapi_userinfo" | "snsapi_login" | "snsapi_union")
}

fn reasons<const N: usize>(rules: [&str; N], is_certain: bool) -> Vec<Reason> {
    let found = rules.into_iter().filter_map(diagnosis);
    found
        .map(|diagnosis| Reason {
            diagnosis,
            is_certain,
        })
        .collect()
}

/// Whether there is a unionid anywhere, in each user of a list.
fn has(answer: &Value) -> bool {
    match answer {
        Value::Object(fields) => {
            let own = fields.get(NAME).and_then(Value::as_str);
            own.is_some_and(|unionid| !unionid.is_empty()) || fields.values().any(has)
        }
        Value::Array(items) => !items.is_empty() && items.iter().all(has),
        _ => false,
    }
}

/// Whether the catalog knows a unionid anywhere in an answer.
fn tells(
    product: Product,
    shape: &'static Shape,
    seen: &mut BTreeSet<&'static str>,
    depth: usize,
) -> bool {
    depth < MAX_DEPTH
        && shape.fields.iter().any(|field| {
            if field.name == NAME {
                return true;
            }
            let named = field.ty.named().and_then(|id| type_def(product, id));
            named.is_some_and(|def| {
                seen.insert(def.name) && tells(product, &def.shape, seen, depth + 1)
            })
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use xinqiao_catalog::id::{mini_program, official_account, open_platform};

    use super::*;

    #[track_caller]
    fn check(endpoint: &str, answer: Value, want: &[(&str, bool)]) {
        let found = why(endpoint, &answer);
        let found: Vec<_> = found
            .iter()
            .map(|reason| (reason.rule(), reason.is_certain))
            .collect();
        assert_eq!(found, want);
    }

    #[test]
    fn what_the_answer_shows_is_certain_and_the_rest_is_listed() {
        let unbound = [
            ("unionid.not_bound", false),
            ("unionid.other_subject", false),
        ];
        let info = official_account::user::INFO;
        check(info, json!({"subscribe": 1, "openid": "o"}), &unbound);
        check(info, json!({"subscribe": 1, "unionid": ""}), &unbound);
        check(
            info,
            json!({"subscribe": 0, "openid": "o"}),
            &[
                ("unionid.not_followed", false),
                ("unionid.not_bound", false),
                ("unionid.other_subject", false),
            ],
        );
        let login = open_platform::sns::oauth2::ACCESS_TOKEN;
        let base = json!({"openid": "o", "scope": "snsapi_base"});
        check(login, base, &[("unionid.scope", true)]);
        let full = json!({"openid": "o", "scope": "snsapi_userinfo"});
        check(login, full, &unbound);
        check(
            mini_program::sns::JS_CODE_2_SESSION,
            json!({"openid": "o"}),
            &unbound,
        );
        let list = json!({"total": 1, "data": {"openid": ["o"]}});
        check(
            official_account::user::GET,
            list,
            &[("unionid.endpoint", true)],
        );
        let users = |one: Value| json!({"user_info_list": [{"unionid": "u"}, one]});
        let batch = official_account::user::INFO_BATCH_GET;
        check(batch, users(json!({"unionid": "v"})), &[]);
        check(batch, users(json!({"openid": "o"})), &unbound);
        check("no.such.endpoint", json!({}), &[]);
    }

    #[test]
    fn every_reason_is_worded_in_both_languages() {
        for rule in [
            "scope",
            "endpoint",
            "not_followed",
            "not_bound",
            "other_subject",
            "why",
        ] {
            let name = format!("unionid.{rule}");
            let reason = diagnosis(&name).expect("in the catalog");
            assert!(!reason.remedy_zh.is_empty() && !reason.remedy_en.is_empty());
        }
    }
}
