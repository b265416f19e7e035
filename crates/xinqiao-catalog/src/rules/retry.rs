//! What to do after a failure.
//!
//! Two questions decide: what the failure says ([`RetryClass`], from the error table) and whether the
//! call may be made twice ([`Retry`], from the endpoint). Waiting, counting and drawing the jitter are
//! the caller's; nothing here sleeps.
//!
//! Invariants: at most one repetition with a new token; nothing that may have had an effect is repeated
//! unless the endpoint allows it; 48001 never leads to a new token.

use std::time::Duration;

use crate::model::{Retry, RetryClass};

/// Fields that make two requests one: the platform carries the second out once only.
const IDEMPOTENCY_KEYS: [&str; 13] = [
    "client_msg_id",
    "clientmsgid",
    "idempotency_key",
    "mch_billno",
    "out_batch_no",
    "out_bill_no",
    "out_business_no",
    "out_order_no",
    "out_refund_no",
    "out_request_no",
    "out_return_no",
    "out_trade_no",
    "partner_trade_no",
];

/// Whether a field of this name makes two requests one.
pub fn is_idempotency_key(field: &str) -> bool {
    IDEMPOTENCY_KEYS.contains(&field)
}

/// How far a call came before it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// No byte left the machine: it had no effect.
    Nothing,
    /// Bytes left and no answer came: it may have had an effect.
    Unknown,
    /// The platform answered, and the answer has this class: it had no effect.
    Answered(RetryClass),
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Hand the failure to the caller.
    GiveUp,
    /// The same call again after a pause.
    Again {
        /// How long to wait.
        after: Duration,
    },
    /// The same call again, with a token other than the one that failed.
    WithNewToken,
}

/// How often and how fast to repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// How many attempts in all, the first included.
    pub attempts: u32,
    /// The pause before the second attempt; it doubles with each further one.
    pub pause: Duration,
    /// The longest pause.
    pub longest: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts: 3,
            pause: Duration::from_millis(200),
            longest: Duration::from_secs(3),
        }
    }
}

impl Policy {
    /// Never repeats, except once with a new token.
    pub const NEVER: Self = Self {
        attempts: 1,
        pause: Duration::ZERO,
        longest: Duration::ZERO,
    };
}

/// What an attempt was like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Its number, from 1.
    pub number: u32,
    /// How far it came.
    pub reached: Reached,
    /// Whether the endpoint may be called twice.
    pub endpoint: Retry,
    /// Whether the request carries its idempotency key.
    pub keyed: bool,
    /// Whether a new token was already tried.
    pub renewed: bool,
}

/// Decides what follows a failed attempt. `chance` is any random number; it spreads the pauses.
pub fn next(attempt: &Attempt, policy: &Policy, chance: u64) -> Next {
    let repeatable = match attempt.endpoint {
        Retry::Safe => true,
        Retry::Keyed => attempt.keyed,
        Retry::Never => false,
    };
    let wanted = match attempt.reached {
        Reached::Answered(RetryClass::RefreshToken) if attempt.renewed => return Next::GiveUp,
        // The platform stopped the call at its door, so it had no effect, whatever the endpoint.
        Reached::Answered(RetryClass::RefreshToken) => return Next::WithNewToken,
        Reached::Answered(RetryClass::Never | RetryClass::NextQuotaWindow) => false,
        // WECHAT: -1 ("system busy") does not say that nothing was done.
        Reached::Answered(RetryClass::Now | RetryClass::Later) | Reached::Unknown => repeatable,
        Reached::Nothing => true,
    };
    if !wanted || attempt.number >= policy.attempts {
        return Next::GiveUp;
    }
    let after = match attempt.reached {
        Reached::Answered(RetryClass::Now) if attempt.number == 1 => Duration::ZERO,
        _ => pause(policy, attempt.number, chance),
    };
    Next::Again { after }
}

/// Half of the doubled pause is fixed, the other half is drawn, so that callers do not march in step.
fn pause(policy: &Policy, attempt: u32, chance: u64) -> Duration {
    let doubled = policy
        .pause
        .saturating_mul(1_u32 << attempt.saturating_sub(1).min(16));
    let half = doubled.min(policy.longest) / 2;
    let drawn = half.as_micros() as u64;
    half + Duration::from_micros(if drawn == 0 { 0 } else { chance % (drawn + 1) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(reached: Reached, endpoint: Retry, number: u32, want: fn(Next) -> bool) {
        let attempt = Attempt {
            number,
            reached,
            endpoint,
            keyed: false,
            renewed: false,
        };
        let got = next(&attempt, &Policy::default(), 7);
        assert!(want(got), "{attempt:?} gave {got:?}");
    }

    fn again(next: Next) -> bool {
        matches!(next, Next::Again { .. })
    }

    fn ends(next: Next) -> bool {
        next == Next::GiveUp
    }

    #[test]
    fn a_sent_message_is_never_sent_twice() {
        check(Reached::Unknown, Retry::Never, 1, ends);
        check(Reached::Answered(RetryClass::Later), Retry::Never, 1, ends);
        check(Reached::Nothing, Retry::Never, 1, again);
    }

    #[test]
    fn a_read_is_repeated_until_the_attempts_are_used_up() {
        check(Reached::Unknown, Retry::Safe, 1, again);
        check(Reached::Unknown, Retry::Safe, 2, again);
        check(Reached::Unknown, Retry::Safe, 3, ends);
    }

    #[test]
    fn a_keyed_call_needs_its_key() {
        check(Reached::Unknown, Retry::Keyed, 1, ends);
        let attempt = Attempt {
            number: 1,
            reached: Reached::Unknown,
            endpoint: Retry::Keyed,
            keyed: true,
            renewed: false,
        };
        assert!(again(next(&attempt, &Policy::default(), 0)));
    }

    #[test]
    fn a_new_token_is_tried_once() {
        let mut attempt = Attempt {
            number: 1,
            reached: Reached::Answered(RetryClass::RefreshToken),
            endpoint: Retry::Never,
            keyed: false,
            renewed: false,
        };
        assert_eq!(next(&attempt, &Policy::NEVER, 0), Next::WithNewToken);
        attempt.renewed = true;
        assert_eq!(next(&attempt, &Policy::default(), 0), Next::GiveUp);
    }

    #[test]
    fn refusals_and_quotas_end_it() {
        check(Reached::Answered(RetryClass::Never), Retry::Safe, 1, ends);
        check(
            Reached::Answered(RetryClass::NextQuotaWindow),
            Retry::Safe,
            1,
            ends,
        );
    }

    #[test]
    fn pauses_grow_and_stay_within_bounds() {
        let policy = Policy {
            attempts: 40,
            ..Policy::default()
        };
        for number in 1..40 {
            for chance in [0, 1, u64::MAX / 3, u64::MAX] {
                let pause = pause(&policy, number, chance);
                assert!(pause <= policy.longest && pause >= policy.pause / 2);
            }
        }
    }
}
