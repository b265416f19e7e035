//! Rows of the timeline: one line for each thing that happened, with its evidence.
//!
//! A row is traffic: it is shown and forgotten, never part of the world's export.

use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{
    declared::{RowKind, Side, said},
    files::Content,
    key::Id,
};

/// Text in both languages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Words {
    /// Chinese.
    pub(crate) zh: String,
    /// English.
    pub(crate) en: String,
}

impl Words {
    pub(crate) fn new(zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self {
            zh: zh.into(),
            en: en.into(),
        }
    }

    pub(crate) fn same(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            zh: text.clone(),
            en: text,
        }
    }
}

/// Somebody did something on the phone or the console.
pub(crate) static ACT: RowKind = RowKind {
    name: "act",
    title: said("操作", "Act"),
    sign: "●",
    side: Side::Person,
};
/// The platform did something by itself.
pub(crate) static SYSTEM: RowKind = RowKind {
    name: "system",
    title: said("平台", "Platform"),
    sign: "·",
    side: Side::World,
};

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RowState {
    /// Not yet known.
    Pending,
    /// Well.
    Ok,
    /// Well, but look.
    Warn,
    /// Not well.
    Error,
}

/// One row.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Row {
    /// Given by the timeline; a second row of the same id replaces the first.
    pub(crate) id: String,
    /// Simulated second.
    pub(crate) time: i64,
    /// Real millisecond.
    pub(crate) wall_ms: i64,
    /// The act that it follows from.
    pub(crate) cause: String,
    /// Kind.
    #[serde(serialize_with = "name")]
    pub(crate) kind: &'static RowKind,
    /// The account's appid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// The account's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) account_name: Option<String>,
    /// The user's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user: Option<String>,
    /// The user's nickname.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) user_name: Option<String>,
    /// The user's id with the account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) openid: Option<String>,
    /// Who did what.
    pub(crate) title: Words,
    /// What came of it.
    pub(crate) subtitle: Words,
    /// How long it took.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ms: Option<u64>,
    /// How it went.
    pub(crate) state: RowState,
    /// One word for the state.
    pub(crate) label: Words,
    /// Why it went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) diagnosis: Option<Diagnosed>,
    /// Of a callback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) callback: Option<CallbackFacts>,
    /// Of a call.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) call: Option<CallFacts>,
    /// Facts that features declare, by their names.
    #[serde(flatten)]
    pub(crate) facts: Map<String, Value>,
    /// What was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<Exchange>,
    /// What came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<Exchange>,
    /// Both, decrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) plain: Option<Plain>,
    /// How the signature was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signature: Option<SignatureFacts>,
    /// Where the time went.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) timing: Vec<Timing>,
}

impl Row {
    /// A row about this moment, to be filled in.
    pub(crate) fn about(
        kind: &'static RowKind,
        state: RowState,
        time: i64,
        wall_ms: i64,
        cause: String,
    ) -> Self {
        Self {
            id: String::new(),
            time,
            wall_ms,
            cause,
            kind,
            account: None,
            account_name: None,
            user: None,
            user_name: None,
            openid: None,
            title: Words::default(),
            subtitle: Words::default(),
            ms: None,
            state,
            label: Words::default(),
            diagnosis: None,
            callback: None,
            call: None,
            facts: Map::new(),
            request: None,
            response: None,
            plain: None,
            signature: None,
            timing: Vec::new(),
        }
    }

    /// About how many bytes it takes: bounds what is kept of the timeline.
    pub(crate) fn size(&self) -> usize {
        let exchanges = { [&self.request, &self.response].into_iter() }.flatten();
        let plain = { self.plain.iter() }.flat_map(|plain| [&plain.request, &plain.response]);
        exchanges.map(Exchange::size).sum::<usize>()
            + plain.flatten().map(String::len).sum::<usize>()
            + ROW_FRAME
    }
}

/// A row that is made when somebody reads it: most are forgotten before anybody does.
pub(crate) struct LateRow {
    /// The account's appid.
    pub(crate) account: Option<Id>,
    /// The user's id.
    pub(crate) user: Option<String>,
    /// About how many bytes it takes.
    pub(crate) size: usize,
    /// Makes it; its id is the timeline's to give.
    pub(crate) make: Box<dyn FnOnce() -> Row + Send>,
}

impl From<Row> for LateRow {
    fn from(row: Row) -> Self {
        Self {
            account: row.account.as_deref().map(Id::from),
            user: row.user.clone(),
            size: row.size(),
            make: Box::new(|| row),
        }
    }
}

impl std::fmt::Debug for LateRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LateRow")
            .field("account", &self.account)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands out references"
)]
fn name<S: Serializer>(kind: &&'static RowKind, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(kind.name)
}

/// Why it went wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Diagnosed {
    /// Name of the rule.
    pub(crate) rule: String,
    /// Cause in one line.
    pub(crate) cause: Words,
    /// Steps to take.
    pub(crate) remedy: Value,
    /// What came.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) received: Option<String>,
    /// What should have come.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) expected: Option<String>,
}

impl Diagnosed {
    /// `rule: cause; remedy` in English, as a header may hold it.
    pub(crate) fn line(&self) -> String {
        let steps = { self.remedy["en"].as_array().into_iter().flatten() }
            .filter_map(Value::as_str)
            .filter(|step| !step.is_empty());
        let line = steps.fold(format!("{}: {}", self.rule, self.cause.en), |line, step| {
            format!("{line} {step}")
        });
        let shown = |c: char| {
            if c == ' ' || c.is_ascii_graphic() {
                c
            } else {
                '?'
            }
        };
        line.trim().chars().map(shown).collect()
    }
}

/// Of a callback.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CallbackFacts {
    /// Its delivery.
    pub(crate) delivery: String,
    /// Which attempt, from 1.
    pub(crate) attempt: u8,
    /// Of how many.
    pub(crate) of: u8,
    /// Where to.
    pub(crate) url: String,
    /// How it was wrapped.
    pub(crate) mode: String,
    /// `text`, `event` …
    pub(crate) msg_type: String,
    /// The event's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) event: Option<String>,
    /// The message's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) msg_id: Option<String>,
}

/// Of a call.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct CallFacts {
    /// The catalog's id; empty if there is none.
    pub(crate) endpoint: String,
    /// Method.
    pub(crate) method: String,
    /// Platform host.
    pub(crate) host: String,
    /// Path.
    pub(crate) path: String,
    /// How it was simulated.
    pub(crate) fidelity: String,
    /// User agent.
    pub(crate) client: String,
    /// The code that it answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errcode: Option<i64>,
}

/// A request or an answer as it stood on the wire.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Exchange {
    /// Method of a request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) method: String,
    /// Address of a request.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) url: String,
    /// Status of an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// Header lines.
    pub(crate) headers: Vec<(String, String)>,
    /// Body as text, cut at [`BODY_SHOWN`].
    pub(crate) body: String,
}

impl Exchange {
    fn size(&self) -> usize {
        let headers = { self.headers.iter() }.map(|(name, value)| name.len() + value.len());
        self.url.len() + headers.sum::<usize>() + self.body.len()
    }
}

/// Both bodies, decrypted.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Plain {
    /// What was sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) request: Option<String>,
    /// What came back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response: Option<String>,
}

/// How a signature was made.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SignatureFacts {
    /// `sha1`.
    pub(crate) algorithm: &'static str,
    /// What was hashed, in the order of hashing.
    pub(crate) parts: Vec<SignaturePart>,
    /// What came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) received: Option<String>,
    /// What is right.
    pub(crate) expected: String,
}

/// One part of the text that was hashed.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SignaturePart {
    /// `token`, `timestamp`, `nonce`, `encrypt`.
    pub(crate) name: &'static str,
    /// Its text.
    pub(crate) value: String,
}

/// A share of the time.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Timing {
    /// Of what.
    pub(crate) name: &'static str,
    /// Milliseconds.
    pub(crate) ms: f64,
}

/// About how many bytes a row takes besides its exchange: names, marks and short texts.
pub(crate) const ROW_FRAME: usize = 1024;
/// Most bytes of a body that a row shows.
const BODY_SHOWN: usize = 16 * 1024;
/// Bytes by which it is told whether a body is text.
const LOOKED_AT: usize = 512;

/// A body as text for a row: lossy, cut, and said so.
pub(crate) fn shown(body: &[u8]) -> String {
    shown_of(body, body.len())
}

/// The same of a body of which only the beginning is left.
fn shown_of(begun: &[u8], length: usize) -> String {
    if looks_binary(begun) {
        return format!("({length} bytes)");
    }
    if length <= BODY_SHOWN {
        return String::from_utf8_lossy(begun).into_owned();
    }
    let cut = &begun[..begun.len().min(BODY_SHOWN)];
    format!("{}… ({length} bytes)", String::from_utf8_lossy(cut))
}

fn looks_binary(begun: &[u8]) -> bool {
    begun.iter().take(LOOKED_AT).any(|byte| *byte < 9)
}

/// As much of a body as a row will show.
#[derive(Debug)]
pub(crate) struct Excerpt {
    begun: bytes::Bytes,
    length: usize,
}

impl Excerpt {
    pub(crate) fn of(body: bytes::Bytes) -> Self {
        let length = body.len();
        let begun = if length <= BODY_SHOWN {
            body
        } else {
            // Not a part of it, which would keep the whole.
            bytes::Bytes::copy_from_slice(&body[..BODY_SHOWN])
        };
        Self { begun, length }
    }

    /// The same of a file, wherever it lies.
    pub(crate) fn of_content(content: &Content) -> Self {
        let Content::Disk { length, .. } = content else {
            return Self::of(content.beginning(usize::MAX));
        };
        let mut begun = content.beginning(LOOKED_AT);
        if !looks_binary(&begun) {
            begun = content.beginning(BODY_SHOWN);
        }
        let length = usize::try_from(*length).unwrap_or(usize::MAX);
        Self { begun, length }
    }

    pub(crate) fn shown(&self) -> String {
        shown_of(&self.begun, self.length)
    }

    /// How many bytes it keeps.
    pub(crate) fn size(&self) -> usize {
        self.begun.len()
    }
}

/// Looks a rule up in the catalog; a rule that is not there keeps its name and its evidence.
pub(crate) fn diagnose(
    rule: &str,
    received: Option<String>,
    expected: Option<String>,
) -> Diagnosed {
    let known = xinqiao_catalog::diagnosis(rule);
    let cause = known.map_or_else(
        || Words::same(rule),
        |diagnosis| Words::new(diagnosis.cause.get(true), diagnosis.cause.get(false)),
    );
    let remedy = known.map_or_else(
        || serde_json::json!({"zh": [], "en": []}),
        |diagnosis| serde_json::json!({"zh": diagnosis.remedy_zh, "en": diagnosis.remedy_en}),
    );
    Diagnosed {
        rule: rule.to_owned(),
        cause,
        remedy,
        received,
        expected,
    }
}
