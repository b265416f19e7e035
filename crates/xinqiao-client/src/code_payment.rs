//! Payments with a code that the customer shows (付款码支付), from the scan to an end that is sure.
//!
//! The platform may answer that the customer still types a password, or not answer at all. Then the order
//! is asked for every few seconds; if it is not paid when the time is up, it is reversed, and reversing is
//! repeated until the platform has confirmed it: an order that was paid meanwhile is refunded by it. So a
//! customer is charged once or not at all.
//!
//! Invariants: the payment itself is sent once; the order's number never changes; a code is used once.
//!
//! Both generations of the payment interface use this loop: `pay_v2::code_payment`, `pay_v3::code_payment`.
//!
//! Source: doc pages "提交付款码支付", "撤销订单".

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    error::{ApiError, Error},
    transport::BoxFuture,
};

/// How long lies between two questions.
const PAUSE: Duration = Duration::from_secs(5);
/// WECHAT: an order is not reversed within 15 s of its payment.
const EARLIEST_REVERSAL: Duration = Duration::from_secs(15);
/// How often a reversal is asked for before it is given up.
const REVERSALS: u32 = 10;

/// What the platform says about an order.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// It is paid.
    Paid {
        /// WeChat Pay's own number.
        transaction_id: String,
    },
    /// It may still be paid, or nobody knows.
    Open,
    /// It will not be paid any more: closed, reversed, failed.
    Dead {
        /// The platform's word for it.
        state: String,
    },
}

/// How a reversal went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reversal {
    /// The order is reversed.
    Done,
    /// It must be asked for again (`recall`).
    Again,
}

/// How a payment ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// The money is there.
    Paid {
        /// WeChat Pay's own number.
        transaction_id: String,
    },
    /// Nothing was charged, or it was given back: the time was up. A new try needs a new order number and a
    /// new code.
    Reversed,
    /// Nothing was charged: the platform refused. A new try needs a new order number and a new code.
    Refused(Box<ApiError>),
    /// Nothing was charged: the order came to an end by itself.
    Dead {
        /// The platform's word for it.
        state: String,
    },
}

/// The end is not known: ask for the order, or reverse it, by its number, before anything else.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CodePaymentError {
    /// Nothing was sent: nothing was charged.
    #[error("the payment was not sent")]
    NotSent(#[source] Error),
    /// The order could not be reversed: it may be paid. Repeat with `finish`.
    #[error("whether the order is paid is unknown, and it could not be reversed")]
    Unsettled(#[source] Error),
}

/// One order at one till, in the words of one generation.
pub trait Order: Send + Sync {
    /// Charges the code, once.
    fn pay(&self) -> BoxFuture<'_, Result<State, Error>>;
    /// Asks for the order.
    fn query(&self) -> BoxFuture<'_, Result<State, Error>>;
    /// Reverses the order.
    fn reverse(&self) -> BoxFuture<'_, Result<Reversal, Error>>;
    /// Whether a failure of the payment leaves open what became of it.
    fn is_open(&self, failure: &ApiError) -> bool;
}

/// Charges a code and sees the order through. `within` is how long the customer may take; 30 to 45 s are
/// usual. Reversing may take a minute more.
///
/// Cancel safety: the order stays as it is; call [`finish`] for it.
///
/// # Errors
/// The end is not known; the error says what to do.
pub async fn pay(order: &dyn Order, within: Duration) -> Result<Outcome, CodePaymentError> {
    let begun = Instant::now();
    match order.pay().await {
        Ok(State::Paid { transaction_id }) => return Ok(Outcome::Paid { transaction_id }),
        Ok(State::Dead { state }) => return Ok(Outcome::Dead { state }),
        Ok(State::Open) => {}
        Err(Error::Api(failure)) if !order.is_open(&failure) => {
            return Ok(Outcome::Refused(failure));
        }
        Err(error) if was_not_sent(&error) => return Err(CodePaymentError::NotSent(error)),
        Err(error) => {
            tracing::warn!(
                endpoint = error.endpoint(), error = %error,
                "Outcome of a code payment is unclear, will ask for it."
            );
        }
    }
    settle(order, begun, begun + within).await
}

/// Sees an order through whose end is not known, for instance after a crash: it is asked for until `within`
/// is over, then reversed.
///
/// Cancel safety: as [`pay`].
///
/// # Errors
/// As [`pay`].
pub async fn finish(order: &dyn Order, within: Duration) -> Result<Outcome, CodePaymentError> {
    let begun = Instant::now();
    if let Some(outcome) = ended(order.query().await) {
        return Ok(outcome);
    }
    settle(order, begun, begun + within).await
}

async fn settle(
    order: &dyn Order,
    begun: Instant,
    deadline: Instant,
) -> Result<Outcome, CodePaymentError> {
    while Instant::now() + PAUSE < deadline {
        sleep(PAUSE).await;
        if let Some(outcome) = ended(order.query().await) {
            return Ok(outcome);
        }
    }
    sleep_until(deadline.max(begun + EARLIEST_REVERSAL)).await;
    if let Some(outcome) = ended(order.query().await) {
        return Ok(outcome);
    }
    let mut number = 1;
    loop {
        let failed = match order.reverse().await {
            Ok(Reversal::Done) => return Ok(Outcome::Reversed),
            Ok(Reversal::Again) => None,
            Err(error) => Some(error),
        };
        if let Some(error) = failed {
            tracing::warn!(
                endpoint = error.endpoint(), attempt = number, error = %error,
                "An order could not be reversed, will retry."
            );
            if number >= REVERSALS {
                return Err(CodePaymentError::Unsettled(error));
            }
        }
        number += 1;
        if number > REVERSALS * 2 {
            let error = Error::Config("the platform asks for the reversal again and again".into());
            return Err(CodePaymentError::Unsettled(error));
        }
        sleep(PAUSE).await;
    }
}

/// The end that an answer tells, if it is one. A question that failed tells nothing.
fn ended(answer: Result<State, Error>) -> Option<Outcome> {
    match answer {
        Ok(State::Paid { transaction_id }) => Some(Outcome::Paid { transaction_id }),
        Ok(State::Dead { state }) => Some(Outcome::Dead { state }),
        Ok(State::Open) | Err(_) => None,
    }
}

/// Whether it is sure that the platform has not seen the payment.
fn was_not_sent(error: &Error) -> bool {
    matches!(
        error,
        Error::Transport { sent: false, .. }
            | Error::Preflight { .. }
            | Error::Credential { .. }
            | Error::Config(_)
    )
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, sync::Mutex};

    use super::*;
    use crate::error::{AnswerCode, TransportReason};

    /// An order whose platform answers what it was told, then the last again; counts what it was asked.
    struct Told {
        pay: Mutex<Option<Result<State, Error>>>,
        query: Mutex<VecDeque<Result<State, &'static str>>>,
        reverse: Mutex<VecDeque<Result<Reversal, &'static str>>>,
        asked: Mutex<Vec<(&'static str, u64)>>,
        begun: Instant,
    }

    fn lost(sent: bool) -> Error {
        Error::Transport {
            endpoint: "e",
            host: "h".into(),
            reason: TransportReason::Timeout,
            source: "lost".into(),
            sent,
        }
    }

    fn refused(code: &str) -> Error {
        let code = AnswerCode::Word(code.into());
        Error::Api(Box::new(ApiError::new(
            "pay_v2.pay.micro_pay",
            code,
            "",
            200,
        )))
    }

    fn paid() -> State {
        State::Paid {
            transaction_id: "4".to_owned(),
        }
    }

    fn next<T: Clone>(told: &Mutex<VecDeque<Result<T, &'static str>>>) -> Result<T, Error> {
        let mut told = told.lock().unwrap();
        let last = told.len() == 1;
        let front = told.front().cloned().unwrap_or(Err("nothing told"));
        if !last {
            told.pop_front();
        }
        front.map_err(|_| lost(true))
    }

    impl Told {
        fn new(
            pay: Result<State, Error>,
            query: impl IntoIterator<Item = Result<State, &'static str>>,
            reverse: impl IntoIterator<Item = Result<Reversal, &'static str>>,
        ) -> Self {
            Self {
                pay: Mutex::new(Some(pay)),
                query: Mutex::new(query.into_iter().collect()),
                reverse: Mutex::new(reverse.into_iter().collect()),
                asked: Mutex::default(),
                begun: Instant::now(),
            }
        }

        fn note(&self, what: &'static str) {
            let seconds = self.begun.elapsed().as_secs();
            self.asked.lock().unwrap().push((what, seconds));
        }

        fn count(&self, what: &str) -> usize {
            let asked = self.asked.lock().unwrap();
            asked.iter().filter(|(asked, _)| *asked == what).count()
        }

        fn first(&self, what: &str) -> u64 {
            let asked = self.asked.lock().unwrap();
            asked.iter().find(|(asked, _)| *asked == what).unwrap().1
        }
    }

    impl Order for Told {
        fn pay(&self) -> BoxFuture<'_, Result<State, Error>> {
            self.note("pay");
            let told = self.pay.lock().unwrap().take().expect("paid once");
            Box::pin(async { told })
        }
        fn query(&self) -> BoxFuture<'_, Result<State, Error>> {
            self.note("query");
            Box::pin(async { next(&self.query) })
        }
        fn reverse(&self) -> BoxFuture<'_, Result<Reversal, Error>> {
            self.note("reverse");
            Box::pin(async { next(&self.reverse) })
        }
        fn is_open(&self, failure: &ApiError) -> bool {
            matches!(&failure.code, AnswerCode::Word(word) if &**word == "USERPAYING")
        }
    }

    const WITHIN: Duration = Duration::from_secs(30);

    #[tokio::test(start_paused = true)]
    async fn a_customer_who_types_a_password_is_waited_for() {
        let order = Told::new(
            Err(refused("USERPAYING")),
            [Ok(State::Open), Err("broken"), Ok(State::Open), Ok(paid())],
            [],
        );
        let outcome = pay(&order, WITHIN).await.unwrap();
        assert!(matches!(outcome, Outcome::Paid { transaction_id } if transaction_id == "4"));
        assert_eq!(
            (
                order.count("pay"),
                order.count("query"),
                order.count("reverse")
            ),
            (1, 4, 0)
        );
        assert_eq!(order.first("query"), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_that_is_not_paid_in_time_is_reversed_until_that_is_confirmed() {
        for first in [Err(refused("USERPAYING")), Err(lost(true)), Ok(State::Open)] {
            let reversals = [Ok(Reversal::Again), Err("broken"), Ok(Reversal::Done)];
            let order = Told::new(first, [Ok(State::Open)], reversals);
            assert_eq!(pay(&order, WITHIN).await.unwrap(), Outcome::Reversed);
            assert_eq!((order.count("pay"), order.count("reverse")), (1, 3));
            assert_eq!(order.first("reverse"), 30);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_order_is_not_reversed_before_fifteen_seconds() {
        let order = Told::new(Err(lost(true)), [Err("broken")], [Ok(Reversal::Done)]);
        let outcome = pay(&order, Duration::from_secs(1)).await.unwrap();
        assert_eq!((outcome, order.first("reverse")), (Outcome::Reversed, 15));
    }

    #[tokio::test(start_paused = true)]
    async fn a_payment_that_came_at_the_last_moment_is_not_reversed() {
        let open = std::iter::repeat_n(Ok(State::Open), 5);
        let order = Told::new(Ok(State::Open), open.chain([Ok(paid())]), []);
        assert!(matches!(
            pay(&order, WITHIN).await.unwrap(),
            Outcome::Paid { .. }
        ));
        assert_eq!(order.count("reverse"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_and_what_was_never_sent_end_at_once() {
        let order = Told::new(Err(refused("AUTHCODEEXPIRE")), [], []);
        assert!(matches!(
            pay(&order, WITHIN).await.unwrap(),
            Outcome::Refused(_)
        ));
        assert_eq!(order.count("query"), 0);
        let order = Told::new(Err(lost(false)), [], []);
        let error = pay(&order, WITHIN).await.unwrap_err();
        assert!(matches!(error, CodePaymentError::NotSent(_)));
        assert_eq!(order.count("query"), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_that_cannot_be_reached_is_an_error_and_can_be_finished_later() {
        let order = Told::new(Err(lost(true)), [Err("broken")], [Err("broken")]);
        let error = pay(&order, WITHIN).await.unwrap_err();
        assert!(matches!(error, CodePaymentError::Unsettled(_)));
        assert_eq!(order.count("reverse"), REVERSALS as usize);
        *order.reverse.lock().unwrap() = [Ok(Reversal::Done)].into();
        assert_eq!(finish(&order, WITHIN).await.unwrap(), Outcome::Reversed);
        assert_eq!(order.count("pay"), 1);
        let order = Told::new(Err(lost(true)), [Err("broken")], [Ok(Reversal::Again)]);
        assert!(pay(&order, WITHIN).await.is_err(), "never for ever");
    }
}
