//! Accounts: what the platform keeps about each.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_catalog::rules::{permission::AccountFacts, quota::Ledger};
use xinqiao_types::{AccountKind, CallbackMode};

use super::{
    contact::Contact,
    official_account::{customer_service::StaffMember, stable_token::StableBook, token::TokenBook},
};

/// One account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// `wx…`.
    pub appid: String,
    /// AppSecret.
    pub secret: String,
    /// Its kind.
    pub kind: AccountKind,
    /// Whether it is verified (微信认证).
    pub verified: bool,
    /// When the verification ends; then the rights fall back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_until: Option<i64>,
    /// Name.
    pub name: String,
    /// 微信号.
    pub alias: String,
    /// `gh_…`.
    pub original_id: String,
    /// Accounts with the same one share UnionIDs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_account: Option<String>,
    /// The e-mail it was registered with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Who registered it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<Subject>,
    /// Domain for web authorization.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_domain: Option<String>,
    /// Domain for the JS-SDK.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub js_domain: Option<String>,
    /// Addresses that may fetch tokens; empty means all.
    #[serde(default)]
    pub ip_whitelist: Vec<String>,
    /// Whether the secret works.
    #[serde(default)]
    pub secret_state: SecretState,
    /// Rights switched by hand.
    #[serde(default)]
    pub permissions: BTreeMap<String, bool>,
    /// Switches for disputed behaviour.
    #[serde(default)]
    pub rules: BTreeMap<String, Value>,
    /// Since when it exists.
    pub created_at: i64,
    /// The server that gets its callbacks.
    pub callback: Callback,
    /// Tokens of `token`.
    #[serde(default)]
    pub tokens: TokenBook,
    /// Tokens of `stable_token`.
    #[serde(default)]
    pub stable: StableBook,
    /// Counters of calls.
    #[serde(default)]
    pub quotas: Ledger,
    /// The menu as set over the interface.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub menu: Option<Value>,
    /// Customer-service staff by the part before `@`.
    #[serde(default)]
    pub staff: BTreeMap<String, StaffMember>,
    /// Users that had contact, by openid.
    #[serde(default)]
    pub contacts: BTreeMap<String, Contact>,
    /// Followers in order of following; rebuilt from the contacts.
    #[serde(skip)]
    pub(crate) followers: BTreeMap<u64, String>,
}

/// Who registered an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Name.
    #[serde(default)]
    pub name: String,
    /// `person`, `company` …
    #[serde(default)]
    pub kind: String,
}

/// Whether the secret works.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretState {
    /// It works.
    #[default]
    Active,
    /// Frozen on the console: 40243.
    Frozen,
}

/// The server settings (服务器配置).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Where callbacks go; empty until a handshake succeeded.
    pub url: String,
    /// Token for signatures.
    pub token: String,
    /// EncodingAESKey, 43 characters.
    pub aes_key: String,
    /// How callbacks are wrapped.
    pub mode: CallbackMode,
    /// `xml` or `json`.
    #[serde(default = "xml")]
    pub format: String,
    /// Attempts that failed one after the other: MarkFail counts them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failures: u32,
    /// Until when nothing is pushed after too many failures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_until: Option<i64>,
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

impl Account {
    /// What the rules need to know, at this time.
    pub fn facts(&self, now: i64) -> AccountFacts {
        let mut facts = AccountFacts::new(self.kind, self.is_verified(now));
        facts.grants.clone_from(&self.permissions);
        facts
    }

    /// Whether the verification holds at this time.
    pub fn is_verified(&self, now: i64) -> bool {
        self.verified && self.verified_until.is_none_or(|until| now < until)
    }

    /// The object of the control interface.
    pub fn view(&self) -> Value {
        let mut view = json!({
            "appid": self.appid,
            "secret": self.secret,
            "kind": self.kind,
            "verified": self.verified,
            "name": self.name,
            "alias": self.alias,
            "original_id": self.original_id,
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
            "followers": self.followers.len(),
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
            ("email", self.email.as_ref().map(|text| json!(text))),
            (
                "subject",
                self.subject.as_ref().map(|subject| json!(subject)),
            ),
            (
                "verified_until",
                self.verified_until.map(|time| json!(time)),
            ),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                view[name] = value;
            }
        }
        view
    }

    /// Rebuilds what is not written down.
    pub(crate) fn index(&mut self) {
        self.followers = self
            .contacts
            .values()
            .filter(|contact| contact.followed)
            .map(|contact| (contact.order, contact.openid.clone()))
            .collect();
    }

    /// The setting of a switch for disputed behaviour, if it was changed.
    pub(crate) fn rule(&self, name: &str) -> Option<&Value> {
        self.rules.get(name)
    }
}
