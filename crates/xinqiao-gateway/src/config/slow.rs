//! What becomes of a reply that is not ready when the platform must be answered, and which accounts allow it.

use serde::Deserialize;
use xinqiao_catalog::{
    endpoint,
    id::official_account::message::custom,
    rules::permission::{self, AccountFacts},
};
use xinqiao_types::AccountKind;

use super::{AccountConfig, AppConfig};

/// What becomes of a reply that is not ready when the platform must be answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SlowReply {
    /// The platform gets silence; the reply is not shown.
    #[default]
    Empty,
    /// The platform gets silence; the reply is sent as a customer message.
    Push,
}

/// Why an app's slow replies cannot be treated as it says, for one account that it answers for.
pub(super) fn misfit(app: &AppConfig, account: &AccountConfig) -> Option<String> {
    match app.slow_reply {
        SlowReply::Empty => None,
        SlowReply::Push => no_push(account),
    }
}

/// Why no customer message can be sent for an account.
pub(super) fn no_push(account: &AccountConfig) -> Option<String> {
    let appid = &account.appid;
    let reason = match account.kind {
        _ if account.is_work() => "WeCom's agents have no customer messages",
        AccountKind::Component => "the gateway holds no tokens of a platform's authorizers",
        kind if !kind.is_official_account() => "only official accounts reply to what users send",
        // Whoever saw one such callback can write others, to whomever they please.
        _ if account.allow_plain => "with allow_plain its callbacks can be forged",
        _ if account.secret.is_none() => "without its secret there is no token to send with",
        _ => {
            let facts = AccountFacts::new(account.kind, account.verified?);
            let denied = permission::check(endpoint(custom::SEND)?, &facts).err()?;
            return Some(format!("`{appid}` cannot push: {}", denied.cause_en));
        }
    };
    Some(format!("`{appid}` cannot push: {reason}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    #[test]
    fn push_is_refused_where_no_customer_message_can_be_sent() {
        let with = |account: &str, appid: &str| {
            let app = format!(
                "[[app]]\nname = \"a\"\nurl = \"http://127.0.0.1:9/\"\ntoken = \"own\"\naccounts = [\"{appid}\"]\nslow_reply = \"push\"\n"
            );
            Config::from_toml(&format!(
                "store = \":memory:\"\n[[account]]\n{account}\n{app}"
            ))
        };
        let secret = "secret = \"0123456789abcdef0123456789abcdef\"";
        let fine = with(&format!("appid = \"wx1\"\n{secret}"), "wx1").unwrap();
        assert_eq!(fine.apps[0].slow_reply, SlowReply::Push);
        for (account, appid, why) in [
            ("appid = \"wx1\"".to_owned(), "wx1", "without its secret"),
            (
                "appid = \"wx1\"\nkind = \"miniprogram\"".to_owned(),
                "wx1",
                "only official",
            ),
            (
                "appid = \"wx1\"\nkind = \"component\"".to_owned(),
                "wx1",
                "authorizers",
            ),
            ("corpid = \"ww1\"\nagentid = 1".to_owned(), "ww1:1", "WeCom"),
            (
                format!("appid = \"wx1\"\nallow_plain = true\n{secret}"),
                "wx1",
                "can be forged",
            ),
            (
                format!("appid = \"wx1\"\nkind = \"subscription\"\nverified = false\n{secret}"),
                "wx1",
                "cannot push",
            ),
        ] {
            let error = with(&account, appid).unwrap_err();
            assert_eq!(error.rule(), "config.slow_reply", "{account}");
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
