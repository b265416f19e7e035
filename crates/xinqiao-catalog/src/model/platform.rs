//! Error codes, permissions, quotas, grants, media limits, diagnoses, hosts, pages, modules.

use serde::{Deserialize, Serialize};

use super::{Product, Text};

/// A table of error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorFamily {
    /// `errcode` of api.weixin.qq.com.
    Weixin,
    /// `errcode` of WeCom.
    Work,
    /// `err_code` of pay v2.
    PayV2,
    /// `code` of pay v3.
    PayV3,
    /// `error.code` of business pay.
    PayBusiness,
    /// Numbers that the platform's sample code for encryption and open data returns; no answer on the wire has them.
    SampleCode,
}

impl ErrorFamily {
    /// Name in files: `weixin`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ErrorFamily::Weixin => "weixin",
            ErrorFamily::Work => "work",
            ErrorFamily::PayV2 => "pay_v2",
            ErrorFamily::PayV3 => "pay_v3",
            ErrorFamily::PayBusiness => "pay_business",
            ErrorFamily::SampleCode => "sample_code",
        }
    }

    /// The family of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<ErrorFamily> {
        [
            ErrorFamily::Weixin,
            ErrorFamily::Work,
            ErrorFamily::PayV2,
            ErrorFamily::PayV3,
            ErrorFamily::PayBusiness,
            ErrorFamily::SampleCode,
        ]
        .into_iter()
        .find(|family| family.name() == name)
    }
}

/// An error code: a number, or a word in the pay products.
///
/// In JSON it is that number or that word; only the packed catalog says which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub enum Code<'a> {
    /// `45015`.
    Number(i64),
    /// `PARAM_ERROR`.
    #[serde(borrow)]
    Word(&'a str),
}

impl Serialize for Code<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match (self, serializer.is_human_readable()) {
            (Code::Number(code), true) => serializer.serialize_i64(*code),
            (Code::Word(code), true) => serializer.serialize_str(code),
            (Code::Number(code), false) => {
                serializer.serialize_newtype_variant("Code", 0, "Number", code)
            }
            (Code::Word(code), false) => {
                serializer.serialize_newtype_variant("Code", 1, "Word", code)
            }
        }
    }
}

impl From<i64> for Code<'_> {
    fn from(code: i64) -> Self {
        Code::Number(code)
    }
}

impl From<xinqiao_types::ErrCode> for Code<'_> {
    fn from(code: xinqiao_types::ErrCode) -> Self {
        Code::Number(code.0)
    }
}

impl<'a> From<&'a str> for Code<'a> {
    fn from(code: &'a str) -> Self {
        code.parse().map_or(Code::Word(code), Code::Number)
    }
}

impl std::fmt::Display for Code<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Code::Number(code) => write!(f, "{code}"),
            Code::Word(code) => f.write_str(code),
        }
    }
}

/// What a caller should do with a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RetryClass {
    /// The same request will fail again.
    Never,
    /// Once more, at once.
    Now,
    /// Later; the platform is busy.
    Later,
    /// With a new token.
    RefreshToken,
    /// When the next quota window begins.
    NextQuotaWindow,
}

/// One error code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCode {
    /// Table.
    pub family: ErrorFamily,
    /// Code.
    pub code: Code<'static>,
    /// Name of the generated constant: `OUT_OF_RESPONSE_WINDOW`; empty = none.
    pub name: &'static str,
    /// Part of the platform it belongs to (`cloud`, `menu` …).
    pub domain: &'static str,
    /// Text on the wire, without the rid.
    pub text: &'static str,
    /// HTTP status (pay v3); 0 = 200.
    pub status: u16,
    /// Meaning.
    pub meaning: Text,
    /// Remedy.
    pub remedy: Text,
    /// What to do.
    pub retry: RetryClass,
    /// Meaning and remedy were derived by a program, not written by hand.
    pub derived: bool,
    /// Paths whose pages list it.
    pub paths: Vec<&'static str>,
    /// How sure the facts are.
    pub confidence: &'static str,
}

/// What an account kind may do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Not at all.
    #[default]
    No,
    /// Yes.
    Yes,
    /// In part; the row's note says how.
    Limited,
    /// After an application.
    Apply,
    /// Through a component only.
    ViaComponent,
    /// Through the official account.
    ViaOfficialAccount,
}

/// One row of the permission table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionRow {
    /// `msg.custom`.
    pub id: &'static str,
    /// Title.
    pub title: Text,
    /// Subscription account without verification.
    pub unverified_subscription: Right,
    /// Subscription account with verification.
    pub verified_subscription: Right,
    /// Service account without verification.
    pub unverified_service: Right,
    /// Service account with verification.
    pub verified_service: Right,
    /// Test account.
    pub test_account: Right,
    /// Mini program.
    pub mini_program: Right,
    /// What it covers: paths (a trailing `*` = all below; `?name=value` = with this value only), names of the JS-SDK,
    /// or words in brackets.
    pub covers: Vec<&'static str>,
    /// Events that only who has the right is pushed, by id.
    pub events: Vec<&'static str>,
    /// What other states of the table say of it.
    pub elsewhere: Vec<RightsElsewhere>,
    /// Remark.
    pub note: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// How sure the facts are.
    pub confidence: &'static str,
}

impl PermissionRow {
    /// Functions of the JS-SDK that it covers.
    pub fn js(&self) -> impl Iterator<Item = &'static str> {
        let name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let all = self.covers.iter().copied();
        all.filter(move |word| self.id.starts_with("js.") && word.bytes().all(name))
    }
}

/// A state of the permission table: the platform gives and takes rights over the years, and its pages dispute some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionTable {
    /// `2025-07`; the first is the one that the columns of the rows speak of.
    pub id: &'static str,
    /// What holds in it.
    pub title: Text,
    /// Where it comes from.
    pub source: &'static str,
}

/// What a row says in another state of the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RightsElsewhere {
    /// Which state.
    pub table: &'static str,
    /// Subscription account without verification, where it differs; and so on.
    pub unverified_subscription: Option<Right>,
    /// Subscription account with verification.
    pub verified_subscription: Option<Right>,
    /// Service account without verification.
    pub unverified_service: Option<Right>,
    /// Service account with verification.
    pub verified_service: Option<Right>,
}

/// How long a quota lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaWindow {
    /// A second.
    Second,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
    /// A natural day in Asia/Shanghai.
    Day,
    /// A natural month in Asia/Shanghai.
    Month,
    /// For ever.
    Total,
    /// Anything else; the note says what.
    Other,
}

/// One limit on how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// `menu.create`.
    pub id: &'static str,
    /// Whom it counts (`per account (appid)` …).
    pub scope: &'static str,
    /// Path or subject.
    pub subject: &'static str,
    /// Further paths that count in the same counter.
    pub also: Vec<&'static str>,
    /// Who is limited (`new account`, `test account` …).
    pub applies_to: &'static str,
    /// The limit; 0 = not a plain number, see `note`.
    pub limit: u64,
    /// Window.
    pub window: QuotaWindow,
    /// Code when exceeded; 0 = none known.
    pub code: i64,
    /// Not counted by each call: a behaviour of the platform counts it (forced refreshes, effective clears).
    pub special: bool,
    /// Remark.
    pub note: &'static str,
    /// How sure the facts are.
    pub confidence: &'static str,
}

/// What a user's action allows an account to send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// `official_account.message`, `official_account.subscribe` …
    pub id: &'static str,
    /// Events (ids) that give it.
    pub events: Vec<&'static str>,
    /// How many messages; 0 = without limit.
    pub messages: u32,
    /// For how many seconds.
    pub seconds: u32,
    /// Product whose accounts it concerns.
    pub product: Product,
    /// Title.
    pub title: Text,
}

/// What an endpoint that hands out credentials, or takes a secret, does for an app with a key of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IssuedKey {
    /// The gateway answers by itself, with a virtual token.
    Virtual,
    /// Passed on with the real secret or token; the answer passes but for [`Issuing::seals`].
    Swapped,
    /// Nothing reaches the platform.
    Refused,
}

/// What something sealed is good for: which calls take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bearing {
    /// Calls of an account, or of an authorizer of a component.
    Account,
    /// Calls of a WeCom corp.
    Corp,
    /// Calls of a third-party platform.
    Component,
    /// Calls of a WeCom suite.
    Suite,
    /// Calls of a WeCom provider.
    Provider,
    /// No call: only fields that [`Issuing::opens`] names.
    Carried,
}

/// An endpoint that hands out a credential, a ticket or a log-in, or takes a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuing {
    /// Endpoint.
    pub id: &'static str,
    /// What it gives: `account_token`, `user`, `ticket`, `nothing` …
    pub gives: &'static str,
    /// What it does for an app with an issued key.
    pub issued_key: IssuedKey,
    /// Fields of the answer, at any depth, that become virtual.
    pub seals: Vec<(&'static str, Bearing)>,
    /// Fields of the request where something sealed is put back.
    pub opens: Vec<&'static str>,
    /// Why; may be empty.
    pub note: &'static str,
}

/// What a kind of media may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaLimit {
    /// `temporary.image`, `permanent.voice` …
    pub id: &'static str,
    /// Greatest size in bytes.
    pub max_bytes: u64,
    /// File name extensions, lower case.
    pub formats: Vec<&'static str>,
    /// Greatest length in seconds; 0 = none.
    pub max_seconds: u32,
    /// Code for a file that is too large.
    pub size_code: i64,
    /// Code for a wrong format.
    pub format_code: i64,
    /// How long it is kept, in seconds; 0 = for ever.
    pub keep_seconds: u32,
}

/// A named mistake, its cause and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// `callback.signature.token`.
    pub rule: &'static str,
    /// What went wrong, in one line.
    pub cause: Text,
    /// What to do, step by step, in Chinese.
    pub remedy_zh: Vec<&'static str>,
    /// What to do, step by step, in English.
    pub remedy_en: Vec<&'static str>,
}

/// A platform host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// `api.weixin.qq.com`.
    pub name: &'static str,
    /// The host under which the catalog lists its paths.
    pub canonical: &'static str,
    /// Which listener serves it: `api`, `work`, `pay` or `pages`.
    pub face: &'static str,
}

/// A page that people open in a browser.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// `page.connect.oauth2.authorize`.
    pub id: &'static str,
    /// Host.
    pub host: &'static str,
    /// Path.
    pub path: &'static str,
    /// Query names; `name=value` fixed, trailing `?` optional.
    pub query: Vec<&'static str>,
    /// Fragment.
    pub fragment: &'static str,
    /// OAuth scopes.
    pub scopes: Vec<&'static str>,
    /// Product lines.
    pub lines: Vec<&'static str>,
}

/// A module: a group of endpoints, one TOML file, one Cargo feature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Module {
    /// `message.custom`.
    pub name: &'static str,
    /// Product.
    pub product: Product,
    /// Title.
    pub title: Text,
}

/// A limit: the length of a number or a text, the life of a code, the pace of calls, how many there may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limit {
    /// What is limited, in what: `orders.attach`.
    pub id: &'static str,
    /// What it applies to, in words.
    pub subject: &'static str,
    /// The value: one number, two with a dash between, or a list.
    pub value: &'static str,
    /// Unit of the value.
    pub unit: &'static str,
    /// The rule behind it.
    pub note: &'static str,
    /// `documented`, `known`, `captured`.
    pub confidence: &'static str,
    /// Where it is checked before a call; none: nowhere.
    pub at: Option<LimitAt>,
}

/// The field of a request that a limit holds for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitAt {
    /// Id of the endpoint.
    pub endpoint: &'static str,
    /// The field: names with dots between.
    pub path: &'static str,
    /// Only in calls with this field and value.
    pub when: Option<(&'static str, &'static str)>,
    /// The characters that a text may have, with ranges (`a-z`; a dash at the end is one); empty = any.
    pub alphabet: &'static str,
    /// The field may not be left out.
    pub must: bool,
}
