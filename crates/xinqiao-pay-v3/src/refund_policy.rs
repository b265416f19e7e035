//! Refunds, with a policy about which money pays them.
//!
//! Merchants of the old fund flow refund from what is not settled yet; if that is too little, the refund
//! fails although the balance would do. [`Source::UnsettledThenAvailable`] then repeats the *same* refund
//! number once, from the available balance. It never does so after an unknown outcome.
//!
//! Source: doc pages "退款申请", "资金流".

use xinqiao_client::{AnswerCode, Client, Error, Policy};

use crate::refund::domestic::{Create, CreateResponse};

/// Which money pays a refund.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// What the request says, else what the platform chooses.
    #[default]
    Platform,
    /// What is not settled yet (未结算资金).
    Unsettled,
    /// The available balance (可用余额).
    Available,
    /// What is not settled yet; if that is too little, the available balance.
    UnsettledThenAvailable,
}

/// `funds_account` of the available balance.
const AVAILABLE: &str = "AVAILABLE";
/// `funds_account` of what is not settled yet.
const UNSETTLED: &str = "UNSETTLED";
/// The code that says that the money is too little.
const NOT_ENOUGH: &str = "NOT_ENOUGH";

/// Asks for a refund.
///
/// Cancel safety: whether the platform has seen the request is then unknown; ask for the refund by its
/// number before repeating it, and repeat it with the same number only.
///
/// # Errors
/// As a call. After [`Error::Transport`] or [`Error::Signature`] the outcome is unknown.
pub async fn refund(
    client: &Client,
    request: Create,
    source: Source,
) -> Result<CreateResponse, Error> {
    match source {
        Source::Platform => client.send(request).await,
        Source::Unsettled => client.send(request.funds_account(UNSETTLED)).await,
        Source::Available => client.send(request.funds_account(AVAILABLE)).await,
        Source::UnsettledThenAvailable => {
            let again = request.clone().funds_account(AVAILABLE);
            // One attempt: after a repetition a refusal would not tell what the first attempt did.
            let once = Policy {
                attempts: 1,
                ..Policy::default()
            };
            match client.send(request).policy(once).await {
                Err(error) if is_short(&error) => {
                    tracing::warn!(
                        endpoint = error.endpoint(),
                        out_refund_no = again.out_refund_no,
                        "Unsettled funds are short, will refund from the available balance."
                    );
                    client.send(again).await
                }
                other => other,
            }
        }
    }
}

/// Whether the platform itself said, in a verified answer, that the money is too little.
fn is_short(error: &Error) -> bool {
    error.api().is_some_and(|api| {
        (400..500).contains(&api.status)
            && matches!(&api.code, AnswerCode::Word(word) if &**word == NOT_ENOUGH)
    })
}
