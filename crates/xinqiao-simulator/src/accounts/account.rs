//! Accounts: what the platform keeps about each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::rules::permission::AccountFacts;
use xinqiao_types::{AccountKind, CallbackMode};

use super::{subjects::Subject, verification::Review};
use crate::kernel::Id;

/// The switch that says which state of the permission table holds: an id of [`xinqiao_catalog::permission_tables`].
pub(crate) const PERMISSION_TABLE: &str = "permission.table";
/// The switch that says which numbers of calls hold, and its word for those of consoles.
pub(crate) const QUOTA_NUMBERS: &str = "quota.numbers";
pub(crate) const CONSOLE: &str = "console";

/// One account as it is registered.
#[expect(
    clippy::struct_field_names,
    reason = "an open-platform account is called so"
)]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Account {
    /// `wx…`; `corpid:agentid` for an application of a corporation.
    pub(crate) appid: Id,
    /// AppSecret.
    pub(crate) secret: String,
    /// Its kind.
    pub(crate) kind: AccountKind,
    /// Whether it is verified (微信认证).
    pub(crate) verified: bool,
    /// When the verification ends; then the rights fall back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) verified_until: Option<i64>,
    /// What the latest review for it brought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) review: Option<Review>,
    /// Whether it is a test account of the sandbox page.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) test: bool,
    /// Name.
    pub(crate) name: String,
    /// 微信号.
    pub(crate) alias: String,
    /// `gh_…`.
    pub(crate) original_id: Id,
    /// Accounts with the same one share UnionIDs: one of the open-platform accounts, or a mere name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) open_account: Option<String>,
    /// The e-mail it was registered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    /// Who registered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Subject>,
    /// Domain for web authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) oauth_domain: Option<String>,
    /// Domain for the JS-SDK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) js_domain: Option<String>,
    /// Addresses that may fetch tokens; empty means all.
    #[serde(default)]
    pub(crate) ip_whitelist: Vec<String>,
    /// Whether the secret works.
    #[serde(default)]
    pub(crate) secret_state: SecretState,
    /// Rights switched by hand.
    #[serde(default)]
    pub(crate) permissions: BTreeMap<String, bool>,
    /// Switches for disputed behaviour.
    #[serde(default)]
    pub(crate) rules: BTreeMap<String, Value>,
    /// Since when it exists.
    pub(crate) created_at: i64,
    /// The server that gets its callbacks.
    pub(crate) callback: Callback,
}

/// Whether the secret works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecretState {
    /// It works.
    #[default]
    Active,
    /// Frozen on the console: 40243.
    Frozen,
}

/// The server settings (服务器配置).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Callback {
    /// Where callbacks go; empty until a handshake succeeded.
    pub(crate) url: String,
    /// Where a third-party platform gets messages of the accounts that authorized it, `$APPID$` in the place of their
    /// appid; `url` gets its own events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) message_url: Option<String>,
    /// Token for signatures.
    pub(crate) token: String,
    /// EncodingAESKey, 43 characters.
    pub(crate) aes_key: String,
    /// How callbacks are wrapped.
    pub(crate) mode: CallbackMode,
    /// `xml` or `json`.
    #[serde(default = "xml")]
    pub(crate) format: String,
    /// Attempts that failed one after the other: MarkFail counts them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) failures: u32,
    /// Until when nothing is pushed after too many failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paused_until: Option<i64>,
}

fn xml() -> String {
    "xml".to_owned()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl Account {
    /// Corporation and number of an application; None for an account that stands for itself.
    pub(crate) fn of_corp(&self) -> Option<(&str, &str)> {
        self.appid.split_once(':')
    }

    /// What the rules need to know, at this time.
    pub(crate) fn facts(&self, now: i64) -> AccountFacts {
        let mut facts = AccountFacts::new(self.kind, self.is_verified(now));
        facts.test = self.test;
        facts.grants.clone_from(&self.permissions);
        let switched = |name: &str| self.rules.get(name).and_then(Value::as_str);
        let tables = xinqiao_catalog::permission_tables().iter();
        let table =
            switched(PERMISSION_TABLE).and_then(|id| tables.clone().find(|own| own.id == id));
        facts.table = table.map_or("", |table| table.id);
        facts.console_quotas = switched(QUOTA_NUMBERS) == Some(CONSOLE);
        facts
    }

    /// Whether the verification holds at this time.
    pub(crate) fn is_verified(&self, now: i64) -> bool {
        self.verified && self.verified_until.is_none_or(|until| now < until)
    }

    /// The object of the control interface.
    pub(crate) fn view(&self) -> Value {
        let mut view = json!({
            "appid": &*self.appid,
            "secret": self.secret,
            "kind": self.kind,
            "verified": self.verified,
            "name": self.name,
            "alias": self.alias,
            "original_id": &*self.original_id,
            "token": self.callback.token,
            "aes_key": self.callback.aes_key,
            "callback_url": self.callback.url,
            "mode": self.callback.mode,
            "format": self.callback.format,
            "ip_whitelist": self.ip_whitelist,
            "secret_state": self.secret_state,
            "permissions": self.permissions,
            "rules": self.rules,
            "created_at": self.created_at,
        });
        let optional = [
            (
                "open_account",
                self.open_account.as_ref().map(|text| json!(text)),
            ),
            (
                "oauth_domain",
                self.oauth_domain.as_ref().map(|text| json!(text)),
            ),
            ("js_domain", self.js_domain.as_ref().map(|text| json!(text))),
            (
                "message_url",
                { self.callback.message_url.as_ref() }.map(|text| json!(text)),
            ),
            ("email", self.email.as_ref().map(|text| json!(text))),
            (
                "subject",
                self.subject.as_ref().map(|subject| json!(subject)),
            ),
            ("test", self.test.then(|| json!(true))),
            (
                "verified_until",
                self.verified_until.map(|time| json!(time)),
            ),
            (
                "review_date",
                self.review.as_ref().map(|review| json!(review.at)),
            ),
            ("review", self.review.as_ref().map(Review::view)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                view[name] = value;
            }
        }
        view
    }
}
