//! From the code to the user.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use xinqiao_catalog::{code, id::open_platform::sns};
use xinqiao_types::{AccessToken, AppSecret, OpenId, UnionId, UnixSeconds};

use crate::{
    client::Client,
    error::Error,
    token::{UserTokens, lifetime, text},
};

/// How long an exchanged code is remembered, in seconds: as long as a code of an official account lives.
const REMEMBERED: i64 = 300;

/// A user who has logged in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LogIn {
    /// The user, for this account.
    pub openid: OpenId,
    /// The user, for every account of the same open-platform account, if there is one.
    pub unionid: Option<UnionId>,
    /// The user's token, for `/sns/*` only.
    pub token: AccessToken,
    /// Seconds that the token lives.
    pub lifetime: i64,
    /// What the token is refreshed with, for thirty days.
    pub refresh_token: AppSecret,
    /// What the user agreed to.
    pub scopes: Vec<String>,
    /// WECHAT: a snapshot page (快照页) gives a made-up user: do not store it.
    pub snapshot: bool,
    /// When it was exchanged.
    pub at: UnixSeconds,
}

impl LogIn {
    /// A source for [`Client::with_user`].
    pub fn tokens(&self) -> Arc<UserTokens> {
        let tokens = UserTokens::new(self.refresh_token.clone());
        Arc::new(tokens.with_token(self.token.clone(), self.lifetime, self.at))
    }
}

/// What is wrong with a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeFault {
    /// It was exchanged before: the page was reloaded or opened twice. Keep the first answer, and answer
    /// the redirect with a redirect to an address without the code.
    Used,
    /// The platform does not know it: it is old, of another account, or was cut on its way.
    Invalid,
    /// Its time is over. Send the user through the log-in again.
    Expired,
    /// None was given: the user refused, or the redirect lost its query.
    Missing,
}

impl CodeFault {
    /// What to do.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Used => {
                "the page was reloaded or opened twice: keep the first answer (`Exchange` does), and \
                 redirect to an address without the code"
            }
            Self::Invalid => {
                "exchange the code with the same appid as in the log-in page's address, within five \
                 minutes, and as it came"
            }
            Self::Expired => "send the user through the log-in again",
            Self::Missing => {
                "the user refused, or a redirect lost the query: check for `code` first"
            }
        }
    }
}

/// What is wrong with the code, if that is why the exchange failed.
pub fn code_fault(error: &Error) -> Option<CodeFault> {
    Some(match error.code()?.0 {
        code::CODE_USED => CodeFault::Used,
        code::INVALID_CODE => CodeFault::Invalid,
        code::CODE_EXPIRED => CodeFault::Expired,
        code::CODE_MISSING => CodeFault::Missing,
        _ => return None,
    })
}

/// Exchanges a code of an official account, a website or a mobile app, once.
///
/// The client needs its secret, or the third-party platform that acts for the account. Pages that browsers
/// may reload should go through an [`Exchange`].
///
/// # Errors
/// [`code_fault`] tells what is wrong with the code.
pub async fn exchange(client: &Client, code: &str) -> Result<LogIn, Error> {
    let appid = client.appid().as_str();
    let mut fields = json!({"grant_type": "authorization_code", "appid": appid, "code": code});
    let endpoint = if let Some(component) = client.component() {
        fields["component_appid"] = component.appid().as_str().into();
        sns::oauth2::component::ACCESS_TOKEN
    } else {
        fields["secret"] = client
            .secret_for(sns::oauth2::ACCESS_TOKEN)?
            .expose()
            .into();
        sns::oauth2::ACCESS_TOKEN
    };
    let answer = client.call(endpoint, fields).await?;
    let scope = answer.get("scope").and_then(Value::as_str);
    Ok(LogIn {
        openid: OpenId::from(text(endpoint, &answer, "openid")?),
        unionid: unionid(&answer),
        token: AccessToken::new(text(endpoint, &answer, "access_token")?),
        lifetime: lifetime(endpoint, &answer)?,
        refresh_token: AppSecret::new(text(endpoint, &answer, "refresh_token")?),
        scopes: scope
            .unwrap_or_default()
            .split(',')
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect(),
        snapshot: answer.get("is_snapshotuser").is_some_and(is_true),
        at: client.clock().unix(),
    })
}

fn unionid(answer: &Value) -> Option<UnionId> {
    let unionid = answer.get("unionid").and_then(Value::as_str);
    unionid.filter(|id| !id.is_empty()).map(UnionId::from)
}

/// What a user shows of themselves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct UserInfo {
    /// The user, for this account.
    pub openid: OpenId,
    /// The user, for every account of the same open-platform account, if there is one.
    pub unionid: Option<UnionId>,
    /// Name.
    pub nickname: String,
    /// Address of the picture; empty without one.
    pub headimgurl: String,
}

/// Reads what a user shows of themselves. Only after consent ([`super::Scope::UserInfo`] or a website's
/// log-in); 48001 otherwise.
pub async fn userinfo(client: &Client, user: &LogIn) -> Result<UserInfo, Error> {
    let fields = json!({"openid": user.openid.as_str(), "lang": "zh_CN"});
    let call = client.with_user(user.tokens()).call(sns::USER_INFO, fields);
    let answer = call.await?;
    let of = |name: &str| answer.get(name).and_then(Value::as_str).unwrap_or_default();
    Ok(UserInfo {
        openid: OpenId::from(text(sns::USER_INFO, &answer, "openid")?),
        unionid: unionid(&answer),
        nickname: of("nickname").to_owned(),
        headimgurl: of("headimgurl").to_owned(),
    })
}

/// Exchanges codes, each once: whoever brings a code a second time within five minutes gets the first
/// answer.
///
/// Invariants: one exchange of a code is under way at a time; a failure is not remembered.
#[derive(Debug)]
pub struct Exchange {
    client: Client,
    seen: Mutex<BTreeMap<String, Seen>>,
}

#[derive(Debug, Clone)]
struct Seen {
    at: UnixSeconds,
    answer: Arc<OnceCell<LogIn>>,
}

impl Exchange {
    /// Exchanges codes of the client's account.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            seen: Mutex::default(),
        }
    }

    /// The user that a code stands for.
    ///
    /// # Errors
    /// As [`exchange`].
    pub async fn log_in(&self, code: &str) -> Result<LogIn, Error> {
        let now = self.client.clock().unix();
        let answer = {
            let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            seen.retain(|_, seen| now.since(seen.at) < REMEMBERED);
            let entry = seen.entry(code.to_owned()).or_insert_with(|| Seen {
                at: now,
                answer: Arc::default(),
            });
            Arc::clone(&entry.answer)
        };
        let exchange = || exchange(&self.client, code);
        answer.get_or_try_init(exchange).await.cloned()
    }
}

/// WECHAT: a truth value comes as a number or as text.
fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(truth) => *truth,
        Value::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Value::String(text) => matches!(
            text.trim().to_ascii_lowercase().as_str(),
            "1" | "true" | "y" | "yes"
        ),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::is_true;

    #[test]
    fn a_truth_value_may_be_a_number_or_a_text() {
        for value in [json!(1), json!("1"), json!(true), json!("true")] {
            assert!(is_true(&value), "{value}");
        }
        for value in [json!(0), json!("0"), json!(""), json!(false), json!(null)] {
            assert!(!is_true(&value), "{value}");
        }
    }
}
