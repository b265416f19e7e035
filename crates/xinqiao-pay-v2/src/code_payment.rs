//! Payments with a code that the customer shows (付款码支付): charged once, seen through to an end that is
//! sure. See [`xinqiao_client::code_payment`].
//!
//! Reversing needs the client certificate: without it nothing is charged at all.

use std::time::Duration;

pub use xinqiao_client::code_payment::{CodePaymentError, Outcome};
use xinqiao_client::{
    AnswerCode, ApiError, Client, Error, Policy,
    code_payment::{self, Order, Reversal, State},
    merchant::Merchant,
    transport::BoxFuture,
};

use crate::{
    pay::{MicroPay, OrderQuery, TradeState},
    sec_api::pay::Reverse,
};

/// Codes after which the order may be paid all the same.
const OPEN: [&str; 4] = ["USERPAYING", "SYSTEMERROR", "BANKERROR", "ORDERPAID"];

/// Charges a code. `within` is how long the customer may take; 30 to 45 s are usual.
///
/// Cancel safety: the order stays as it is; call [`finish`] with the same request.
///
/// # Errors
/// The end is not known; the error says what to do.
pub async fn pay(
    client: &Client,
    request: MicroPay,
    within: Duration,
) -> Result<Outcome, CodePaymentError> {
    code_payment::pay(&Scanned::new(client, request)?, within).await
}

/// Sees an order through whose end is not known, for instance after a crash. The code is not charged again.
///
/// Cancel safety: as [`pay`].
///
/// # Errors
/// As [`pay`].
pub async fn finish(
    client: &Client,
    request: MicroPay,
    within: Duration,
) -> Result<Outcome, CodePaymentError> {
    code_payment::finish(&Scanned::new(client, request)?, within).await
}

struct Scanned<'c> {
    client: &'c Client,
    request: MicroPay,
}

impl<'c> Scanned<'c> {
    fn new(client: &'c Client, request: MicroPay) -> Result<Self, CodePaymentError> {
        // What cannot be reversed is not charged.
        match client.merchant() {
            Some(Merchant::V2(merchant)) if !merchant.has_identity() => {
                let reason = "a code payment must be reversible, which needs the client certificate: \
                              give it with `with_identity`";
                Err(CodePaymentError::NotSent(Error::Config(reason.into())))
            }
            _ => Ok(Self { client, request }),
        }
    }
}

impl Order for Scanned<'_> {
    fn pay(&self) -> BoxFuture<'_, Result<State, Error>> {
        Box::pin(async {
            let once = self.client.send(self.request.clone()).policy(Policy::NEVER);
            let answer = once.await?;
            Ok(State::Paid {
                transaction_id: answer.transaction_id,
            })
        })
    }

    fn query(&self) -> BoxFuture<'_, Result<State, Error>> {
        Box::pin(async {
            let request = &self.request;
            let mut query = OrderQuery::new("", request.appid.clone(), "", "")
                .out_trade_no(request.out_trade_no.clone());
            query.sub_mch_id.clone_from(&request.sub_mch_id);
            query.sub_appid.clone_from(&request.sub_appid);
            let answer = self.client.send(query).await?;
            Ok(match answer.trade_state {
                // WECHAT: an order that is paid always has its number; others have none.
                TradeState::Success => State::Paid {
                    transaction_id: answer.transaction_id.unwrap_or_default(),
                },
                dead @ (TradeState::Closed
                | TradeState::Revoked
                | TradeState::PayError
                | TradeState::Refund) => State::Dead {
                    state: dead.to_string(),
                },
                _ => State::Open,
            })
        })
    }

    fn reverse(&self) -> BoxFuture<'_, Result<Reversal, Error>> {
        Box::pin(async {
            let request = &self.request;
            let mut reverse = Reverse::new("", request.appid.clone(), "", "")
                .out_trade_no(request.out_trade_no.clone());
            reverse.sub_mch_id.clone_from(&request.sub_mch_id);
            reverse.sub_appid.clone_from(&request.sub_appid);
            let answer = self.client.send(reverse).await?;
            Ok(if answer.recall {
                Reversal::Again
            } else {
                Reversal::Done
            })
        })
    }

    fn is_open(&self, failure: &ApiError) -> bool {
        // A failure to communicate is not signed, so it proves nothing.
        let word = match &failure.code {
            AnswerCode::Word(word) => &**word,
            AnswerCode::Number(_) => return true,
        };
        OPEN.contains(&word) || word == "FAIL"
    }
}
