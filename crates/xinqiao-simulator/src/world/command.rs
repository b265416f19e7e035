//! What can be asked of the world, what it answers, and what it wants done outside.

use std::{collections::BTreeMap, net::IpAddr};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xinqiao_types::{AccountKind, CallbackMode};

use super::{
    account::{SecretState, Subject},
    clock::ClockChange,
    row::Row,
};

/// What can be asked of the world. Everything in the journal is one of these.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Everything back to the start.
    Reset {
        /// Callback settings that outlive the reset, by appid.
        keep: Vec<String>,
    },
    /// Moves or freezes the clock.
    Clock(ClockChange),
    /// Lets fall due what is due.
    Tick,
    /// Stretches the five seconds.
    Debug {
        /// Whether to.
        pause: bool,
    },
    /// Makes an account.
    CreateAccount(Box<NewAccount>),
    /// Changes an account.
    PatchAccount {
        /// Which.
        appid: String,
        /// What.
        patch: Box<AccountPatch>,
    },
    /// Removes an account.
    DeleteAccount {
        /// Which.
        appid: String,
    },
    /// Gives an account a new secret.
    NewSecret {
        /// Which.
        appid: String,
    },
    /// Sets limits of calls.
    SetQuotas {
        /// Whose.
        appid: String,
        /// Limits by path.
        quotas: BTreeMap<String, QuotaSetting>,
    },
    /// Stores server settings whose handshake succeeded.
    SetCallback {
        /// Whose.
        appid: String,
        /// What.
        settings: CallbackSettings,
    },
    /// Makes a user.
    CreateUser(Box<NewUser>),
    /// Makes many users.
    CreateUsers {
        /// How many.
        count: u64,
        /// Which accounts each follows.
        follow: Vec<String>,
    },
    /// A person does something on the phone.
    Act {
        /// Who.
        user: String,
        /// What.
        act: Box<Act>,
    },
    /// Pushes an event of the catalog.
    Trigger {
        /// To which account.
        account: String,
        /// About whom.
        user: Option<String>,
        /// The event's id or name.
        event: String,
        /// Fields to set.
        set: Map<String, Value>,
    },
    /// Keeps a file that a phone sends.
    StoreMedia {
        /// Media type.
        content_type: String,
        /// Bytes.
        #[serde(
            serialize_with = "super::media::to_base64",
            deserialize_with = "super::media::from_base64"
        )]
        bytes: Vec<u8>,
    },
    /// The person has looked at the chat.
    MarkRead {
        /// Who.
        user: String,
        /// With which account.
        account: String,
    },
    /// Makes some calls fail.
    AddFault(Fault),
    /// Ends a fault.
    DeleteFault {
        /// Which.
        id: String,
    },
    /// Replaces the world by an exported one.
    Import {
        /// The text of the export.
        document: String,
    },
    /// An app calls the platform.
    Call(Box<PlatformCall>),
    /// What came of a push.
    PushOutcome(Box<PushOutcome>),
    /// After a restart: pushes that were open go on.
    Resume,
}

/// What the world answers.
#[derive(Debug)]
#[non_exhaustive]
pub enum Answer {
    /// Nothing to say.
    Done,
    /// An object of the control interface.
    Json(Value),
    /// What the platform says to a caller.
    Platform(Box<PlatformAnswer>),
    /// What a push's answer was taken for.
    Judged(Box<Judged>),
}

/// Why the world did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// HTTP status of the control interface.
    pub status: u16,
    /// Name.
    pub code: &'static str,
    /// What is the matter and what to do.
    pub message: String,
}

impl Refused {
    pub(crate) fn unknown(what: &str, id: &str) -> Self {
        Self {
            status: 404,
            code: "unknown",
            message: format!("there is no {what} `{id}`"),
        }
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: "invalid",
            message: message.into(),
        }
    }

    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self {
            status: 409,
            code: "conflict",
            message: message.into(),
        }
    }

    pub(crate) fn unwilling(message: impl Into<String>) -> Self {
        Self {
            status: 422,
            code: "refused",
            message: message.into(),
        }
    }

    pub(crate) fn not_built(what: &str) -> Self {
        Self {
            status: 501,
            code: "not_built",
            message: format!("{what} is not built yet"),
        }
    }
}

/// Refuses a field that is not among the known ones, and names these.
pub(crate) fn no_other_fields<'f>(
    found: impl Iterator<Item = &'f String>,
    known: &[&str],
) -> Result<(), Refused> {
    match { found }.find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Refused::invalid(format!(
            "unknown field `{name}`, known are {}",
            known.join(", ")
        ))),
    }
}

/// What the world wants done outside. Every effect follows from a command; pushes report back.
#[derive(Debug)]
#[non_exhaustive]
pub enum Effect {
    /// Call the app's server.
    Push(Box<PushOrder>),
    /// Show this row.
    Row(Box<Row>),
    /// A chat changed.
    Chat {
        /// Whose phone.
        user: String,
        /// With which account.
        account: String,
    },
    /// The clock was moved.
    Clock,
    /// Accounts changed.
    Accounts,
    /// Users changed.
    Users,
    /// The switch for debugging changed.
    Debug,
    /// A delivery came to its end.
    Settled,
    /// The world was replaced: forget traffic.
    Replaced,
}

/// A push to make. Complete in itself: whoever carries it out needs no look at the world.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushOrder {
    /// The delivery; with `attempt` the effect's id.
    pub delivery: u64,
    /// From 1.
    pub attempt: u8,
    /// Of how many.
    pub of: u8,
    /// The act that it follows from.
    pub cause: String,
    /// The account.
    pub appid: String,
    /// Its name.
    pub account_name: String,
    /// The user, if it is about one.
    pub user: Option<String>,
    /// Their nickname.
    pub user_name: Option<String>,
    /// Their openid.
    pub openid: String,
    /// `gh_…`.
    pub original_id: String,
    /// Where to.
    pub url: String,
    /// Keys at the time of the act.
    pub token: String,
    /// EncodingAESKey.
    pub aes_key: String,
    /// How to wrap.
    pub mode: CallbackMode,
    /// The plain XML.
    pub xml: String,
    /// `text`, `event` …
    pub msg_type: String,
    /// The event's name.
    pub event: Option<String>,
    /// The message's id.
    pub msg_id: Option<String>,
    /// Whether the five seconds are stretched.
    pub patient: bool,
    /// Simulated second of the act.
    pub time: i64,
}

/// What came of a push.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PushOutcome {
    /// The delivery.
    pub delivery: u64,
    /// The attempt.
    pub attempt: u8,
    /// Query as sent.
    pub query: String,
    /// Body as sent.
    pub body: String,
    /// Headers as sent.
    pub headers: Vec<(String, String)>,
    /// Real millisecond of the start.
    pub started_ms: i64,
    /// How long it took.
    pub ms: u64,
    /// What came back.
    pub result: PushResult,
}

/// What came back from an app's server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PushResult {
    /// An answer.
    Answered {
        /// Status.
        status: u16,
        /// Content-Type.
        content_type: String,
        /// Body.
        #[serde(
            serialize_with = "super::media::to_base64",
            deserialize_with = "super::media::from_base64"
        )]
        body: Vec<u8>,
    },
    /// None.
    Failed {
        /// The rule that explains it.
        rule: String,
        /// In one line.
        message: String,
    },
}

/// What a push's answer was taken for.
#[derive(Debug, Clone)]
pub struct Judged {
    /// How the row stands.
    pub state: super::row::RowState,
    /// One word.
    pub label: super::row::Words,
    /// What came of it.
    pub subtitle: super::row::Words,
    /// Why it went wrong.
    pub diagnosis: Option<super::row::Diagnosed>,
    /// The reply's plain XML.
    pub plain: Option<String>,
}

/// A call of an app to the platform.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlatformCall {
    /// Platform host.
    pub host: String,
    /// Method.
    pub method: String,
    /// Path, percent-encoded as sent.
    pub path: String,
    /// Query without `?`.
    pub query: String,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    #[serde(
        serialize_with = "super::media::to_base64",
        deserialize_with = "super::media::from_base64"
    )]
    pub body: Vec<u8>,
    /// Who called.
    pub peer: IpAddr,
}

impl PlatformCall {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What the platform says.
#[derive(Debug, Clone, Default)]
pub struct PlatformAnswer {
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// Wait so long before saying it.
    pub delay_ms: u64,
    /// Say nothing and close the connection.
    pub drop: bool,
}

/// `POST /accounts`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewAccount {
    /// Given or drawn.
    pub appid: Option<String>,
    /// Given or drawn.
    pub secret: Option<String>,
    /// `service` if missing.
    pub kind: Option<AccountKind>,
    /// Yes if missing.
    pub verified: Option<bool>,
    /// When the verification ends.
    pub verified_until: Option<i64>,
    /// Given or made up.
    pub name: Option<String>,
    /// Given or drawn.
    pub alias: Option<String>,
    /// Given or drawn.
    pub original_id: Option<String>,
    /// Given or drawn.
    pub token: Option<String>,
    /// Given or drawn.
    pub aes_key: Option<String>,
    /// `safe` if missing.
    pub mode: Option<CallbackMode>,
    /// Kept without a handshake only if empty.
    pub callback_url: Option<String>,
    /// Accounts with the same one share UnionIDs.
    pub open_account: Option<String>,
    /// One account an address.
    pub email: Option<String>,
    /// Who registers it.
    pub subject: Option<Subject>,
    /// Domain for web authorization.
    pub oauth_domain: Option<String>,
    /// Domain for the JS-SDK.
    pub js_domain: Option<String>,
    /// Addresses that may fetch tokens.
    pub ip_whitelist: Vec<String>,
    /// Rights switched by hand.
    pub permissions: BTreeMap<String, bool>,
    /// Switches for disputed behaviour.
    pub rules: BTreeMap<String, Value>,
}

/// `PATCH /accounts/{appid}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccountPatch {
    /// Verified or not.
    pub verified: Option<bool>,
    /// When the verification ends.
    pub verified_until: Option<i64>,
    /// Name.
    pub name: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Who registered it.
    pub subject: Option<Subject>,
    /// Domain for web authorization.
    pub oauth_domain: Option<String>,
    /// Domain for the JS-SDK.
    pub js_domain: Option<String>,
    /// Addresses that may fetch tokens.
    pub ip_whitelist: Option<Vec<String>>,
    /// Whether the secret works.
    pub secret_state: Option<SecretState>,
    /// Rights to switch.
    pub permissions: BTreeMap<String, bool>,
    /// Switches to set.
    pub rules: BTreeMap<String, Value>,
}

/// `PATCH /accounts/{appid}/quotas`.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuotaSetting {
    /// Calls a day.
    pub limit: u64,
    /// Calls that count already.
    pub used: Option<u64>,
}

/// `PUT /accounts/{ref}/callback`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CallbackSettings {
    /// Where to.
    pub url: String,
    /// Token; the account's own if missing.
    pub token: Option<String>,
    /// EncodingAESKey; the account's own if missing.
    pub aes_key: Option<String>,
    /// How to wrap; the account's own if missing.
    pub mode: Option<CallbackMode>,
    /// `xml` or `json`.
    pub format: Option<String>,
}

/// `POST /users`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewUser {
    /// Given or made up.
    pub nickname: Option<String>,
    /// 0 unknown, 1 male, 2 female.
    pub sex: Option<i64>,
    /// Province.
    pub province: Option<String>,
    /// City.
    pub city: Option<String>,
    /// Country.
    pub country: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// A WeCom member; not built.
    pub corp: Option<Value>,
}

/// `POST /users/{id}/actions`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Act {
    /// What is done.
    #[serde(rename = "do")]
    pub verb: String,
    /// With which account.
    pub account: Option<String>,
    /// What is sent.
    pub message: Option<Map<String, Value>>,
    /// Key of the button.
    pub key: Option<String>,
    /// Address of the button.
    pub url: Option<String>,
    /// What a scan button read.
    pub result: Option<String>,
    /// How many pictures.
    pub count: Option<u32>,
    /// Latitude.
    pub lat: Option<f64>,
    /// Longitude.
    pub lng: Option<f64>,
    /// Name of the place.
    pub label: Option<String>,
    /// Precision of the place.
    pub precision: Option<f64>,
    /// Answer after the deliveries; read by the control interface.
    pub wait: Option<bool>,
}

/// `POST /faults`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Fault {
    /// Given by the world.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// Only calls of this account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only calls of this path.
    pub path: String,
    /// How many calls; without end if missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Answer with this code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errcode: Option<i64>,
    /// Answer with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub http_status: Option<u16>,
    /// Answer late.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Close the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drop: Option<bool>,
}
