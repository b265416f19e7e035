//! A push to make, and what came of it.

use serde::{Deserialize, Serialize};

use super::{
    attempts, deliveries,
    faults::{Harm, PushFault},
};
use crate::{
    accounts::files::base64,
    kernel::{
        Command, Effect, Id, Refused, Turn,
        row::{Diagnosed, RowState, Words},
    },
};

/// A push to make. Keys are not in it: the envelope takes them from the account when it is sealed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PushOrder {
    /// The delivery.
    pub(crate) delivery: u64,
    /// From 1.
    pub(crate) attempt: u8,
    /// Of how many.
    pub(crate) of: u8,
    /// The act that it follows from.
    pub(crate) cause: String,
    /// Which of the features' pushes it is.
    pub(crate) kind: String,
    pub(crate) appid: Id,
    /// Who receives it in the account's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) receiver: Option<Id>,
    pub(crate) account_name: String,
    /// The user, if it is about one.
    pub(crate) user: Option<String>,
    pub(crate) user_name: Option<String>,
    pub(crate) openid: Id,
    /// Where to.
    pub(crate) url: String,
    /// What is pushed, before it is sealed.
    #[serde(alias = "xml")]
    pub(crate) plain: String,
    /// `text`, `event` …
    pub(crate) msg_type: String,
    pub(crate) event: Option<String>,
    pub(crate) msg_id: Option<String>,
    /// Whether the five seconds are stretched.
    pub(crate) patient: bool,
    /// Simulated second of the act.
    pub(crate) time: i64,
    /// What a test ordered for this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fault: Option<PushFault>,
}

impl PushOrder {
    /// Whether a test ordered this for the attempt.
    pub(crate) fn meets(&self, harm: Harm) -> bool {
        self.fault.as_ref().is_some_and(|fault| fault.push == harm)
    }

    /// Whose keys seal it.
    pub(crate) fn sealed_for(&self) -> &Id {
        self.receiver.as_ref().unwrap_or(&self.appid)
    }
}

/// What came of a push.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PushOutcome {
    pub(crate) delivery: u64,
    pub(crate) attempt: u8,
    /// Query, body and headers as sent.
    pub(crate) query: String,
    pub(crate) body: String,
    pub(crate) headers: Vec<(String, String)>,
    /// Real millisecond of the start.
    pub(crate) started_ms: i64,
    pub(crate) ms: u64,
    pub(crate) result: PushResult,
}

/// What came back from an app's server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PushResult {
    Answered {
        status: u16,
        content_type: String,
        #[serde(with = "base64")]
        body: Vec<u8>,
    },
    Failed {
        /// The rule that explains it.
        rule: String,
        /// In one line.
        message: String,
    },
}

/// What a push's answer was taken for, as its row shows it.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) state: RowState,
    /// One word.
    pub(crate) label: Words,
    /// What came of it.
    pub(crate) subtitle: Words,
    /// Why it went wrong.
    pub(crate) diagnosis: Option<Diagnosed>,
    /// The reply, decrypted.
    pub(crate) plain: Option<String>,
}

impl Command for Box<PushOutcome> {
    const NAME: &'static str = "push.conclude";
    const WAS: &'static str = "push_outcome";
    /// None: the outcome of something that no longer counts.
    type Answer = Option<Box<Judged>>;

    fn run(self, turn: &mut Turn<'_>) -> Result<Self::Answer, Refused> {
        Ok(attempts::conclude(turn, *self).map(Box::new))
    }
}

/// After a restart: attempts that were under way begin anew; those that are put off wait for their second.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Resume;

impl Command for Resume {
    const NAME: &'static str = "push.resume";
    type Answer = ();

    fn run(self, turn: &mut Turn<'_>) -> Result<(), Refused> {
        let open: Vec<(u64, u8)> = deliveries::of(turn.world, None, 0)
            .filter(|delivery| delivery.is_under_way())
            .map(|delivery| (delivery.order.delivery, delivery.order.attempt))
            .collect();
        let sends = open
            .into_iter()
            .map(|(delivery, attempt)| Effect::Send { delivery, attempt });
        turn.effects.extend(sends);
        Ok(())
    }
}
