//! How often a callback is tried: three times, five seconds each, one `MsgId`.

use std::time::Duration;

use super::Judgement;

/// How long and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How long the app may take for an answer.
    pub budget: Duration,
    /// How many tries there are in all.
    pub tries: u8,
}

impl Policy {
    /// What the platform does.
    pub const WECHAT: Self = Self {
        budget: Duration::from_secs(5),
        tries: 3,
    };
}

impl Default for Policy {
    fn default() -> Self {
        Self::WECHAT
    }
}

/// How one try ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// There was an answer.
    Answered(Judgement),
    /// There was none within the budget.
    TimedOut,
    /// There was no connection, or it broke: a word for people.
    Unreachable(String),
}

/// What comes next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Try again at once; the number of the coming try, from 1.
    Again {
        /// Which try comes.
        attempt: u8,
        /// The rule that the last one broke.
        rule: &'static str,
    },
    /// It is over: this is what came of it.
    Done(Judgement),
    /// It is over without a legal answer. The user sees the notice, if the message wants an answer.
    GaveUp(GaveUp),
}

/// Why a callback was given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GaveUp {
    /// The rule that the last try broke.
    pub rule: &'static str,
    /// More about it.
    pub detail: String,
    /// How many tries there were.
    pub tries: u8,
}

/// Counts the tries of one callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    policy: Policy,
    attempt: u8,
}

impl Attempts {
    /// Begins with the first try.
    pub const fn new(policy: Policy) -> Self {
        Self { policy, attempt: 1 }
    }

    /// The number of the present try, from 1.
    pub const fn attempt(&self) -> u8 {
        self.attempt
    }

    /// How long the present try may take.
    pub const fn budget(&self) -> Duration {
        self.policy.budget
    }

    /// How many tries there are in all.
    pub const fn of(&self) -> u8 {
        self.policy.tries
    }

    /// Takes in how the present try ended.
    ///
    /// An illegal answer is an answer: it is not tried again. No answer, no connection, and a status
    /// other than 200 are.
    pub fn next(&mut self, outcome: Outcome) -> Next {
        let (rule, detail) = match outcome {
            Outcome::Answered(Judgement::Failed { rule, detail }) => (rule, detail),
            Outcome::Answered(Judgement::Illegal { rule, detail }) => {
                return Next::GaveUp(GaveUp {
                    rule,
                    detail,
                    tries: self.attempt,
                });
            }
            Outcome::Answered(judgement) => return Next::Done(judgement),
            Outcome::TimedOut => {
                let seconds = self.policy.budget.as_secs_f32();
                ("callback.slow", format!("no answer within {seconds} s"))
            }
            Outcome::Unreachable(detail) => ("callback.unreachable", detail),
        };
        if self.attempt >= self.policy.tries {
            return Next::GaveUp(GaveUp {
                rule,
                detail,
                tries: self.attempt,
            });
        }
        self.attempt += 1;
        Next::Again {
            attempt: self.attempt,
            rule,
        }
    }
}

impl Default for Attempts {
    fn default() -> Self {
        Self::new(Policy::WECHAT)
    }
}
