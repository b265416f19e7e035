//! Payments with a code that the customer shows (付款码支付): charged once, seen through to an end that is
//! sure. See [`xinqiao_client::code_payment`].

use std::time::Duration;

pub use xinqiao_client::code_payment::{CodePaymentError, Outcome};
use xinqiao_client::{
    AnswerCode, ApiError, Client, Error, Policy,
    code_payment::{self, Order, Reversal, State},
    transport::BoxFuture,
};
use xinqiao_types::AppId;

use crate::{
    pay::transactions::{CodePay, GetByOutTradeNo, Reverse},
    types::TradeState,
};

/// Codes after which the order may be paid all the same.
const OPEN: [&str; 4] = ["USERPAYING", "SYSTEM_ERROR", "BANK_ERROR", "ORDER_PAID"];

/// Charges a code. `within` is how long the customer may take; 30 to 45 s are usual.
///
/// Cancel safety: the order stays as it is; call [`finish`] with the same request.
///
/// # Errors
/// The end is not known; the error says what to do.
pub async fn pay(
    client: &Client,
    request: CodePay,
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
    request: CodePay,
    within: Duration,
) -> Result<Outcome, CodePaymentError> {
    code_payment::finish(&Scanned::new(client, request)?, within).await
}

struct Scanned<'c> {
    client: &'c Client,
    request: CodePay,
    appid: AppId,
}

impl<'c> Scanned<'c> {
    fn new(client: &'c Client, request: CodePay) -> Result<Self, CodePaymentError> {
        // What cannot be reversed is not charged.
        let Some(appid) = request.appid.clone() else {
            let reason = "a code payment needs its `appid`, without which it cannot be reversed";
            return Err(CodePaymentError::NotSent(Error::Config(reason.into())));
        };
        Ok(Self {
            client,
            request,
            appid,
        })
    }
}

fn state(state: TradeState, transaction_id: Option<String>) -> State {
    match (state, transaction_id) {
        (TradeState::Success, Some(transaction_id)) if !transaction_id.is_empty() => {
            State::Paid { transaction_id }
        }
        (
            dead @ (TradeState::Closed
            | TradeState::Revoked
            | TradeState::PayError
            | TradeState::Refund),
            _,
        ) => State::Dead {
            state: dead.to_string(),
        },
        _ => State::Open,
    }
}

impl Order for Scanned<'_> {
    fn pay(&self) -> BoxFuture<'_, Result<State, Error>> {
        Box::pin(async {
            let once = self.client.send(self.request.clone()).policy(Policy::NEVER);
            // WECHAT: a customer who types a password is told with 202, without a state.
            let answer = once.await?;
            Ok(state(answer.trade_state, answer.transaction_id))
        })
    }

    fn query(&self) -> BoxFuture<'_, Result<State, Error>> {
        Box::pin(async {
            let number = self.request.out_trade_no.clone();
            let query = GetByOutTradeNo::new(number, self.request.mchid.clone());
            let answer = self.client.send(query).await?;
            Ok(state(answer.trade_state, answer.transaction_id))
        })
    }

    fn reverse(&self) -> BoxFuture<'_, Result<Reversal, Error>> {
        Box::pin(async {
            let number = self.request.out_trade_no.clone();
            let mchid = self.request.mchid.clone();
            let reverse = Reverse::new(number, mchid, self.appid.clone());
            self.client.send(reverse).await.map(|_| Reversal::Done)
        })
    }

    fn is_open(&self, failure: &ApiError) -> bool {
        match &failure.code {
            AnswerCode::Word(word) => OPEN.contains(&&**word) || failure.status >= 500,
            AnswerCode::Number(_) => true,
        }
    }
}
