//! What a callback that is not accepted is answered, and how the operator learns why.
//!
//! Invariant: whoever is not verified gets [`forbidden`], the same for every cause, address and account: what an answer told would add up to reading captured messages, and to lists of accounts.
//! That holds for addresses that are nobody's, too. The explanation goes to the log and to the account's
//! last problem; it is found beside the answer, on a budget.

use std::{net::IpAddr, sync::Arc};

use axum::response::Response;
use bytes::Bytes;
use xinqiao_message::envelope::{self, CallbackQuery, EnvelopeError};

use crate::{
    directory::{LastProblem, Place},
    front,
    problem::forbidden,
    shared::Shared,
};

/// Where a callback came from, and where to.
pub(super) struct Sender<'a> {
    pub(super) peer: IpAddr,
    pub(super) address: &'a str,
}

/// Refuses a callback, and has it explained to the operator if the budget allows, of which no peer gets all.
/// `query` and `body` are as they came; the body of a URL check is empty.
pub(super) fn refuse(
    shared: &Arc<Shared>,
    place: &Place,
    from: &Sender<'_>,
    query: &str,
    body: Bytes,
    error: EnvelopeError,
) -> Response {
    shared.metrics.callbacks_refused.add();
    if shared.refusals.admits(error.rule(), from.peer)
        && place.account.explaining.take(shared.now())
    {
        let (beside, place) = (Arc::clone(shared), place.clone());
        let (address, query) = (from.address.to_owned(), query.to_owned());
        let peer = from.peer;
        shared.tasks.spawn(async move {
            let from = Sender {
                peer,
                address: &address,
            };
            explain(&beside, &place, &from, &query, &body, error);
        });
    }
    forbidden()
}

fn explain(
    shared: &Shared,
    place: &Place,
    from: &Sender<'_>,
    query: &str,
    body: &[u8],
    error: EnvelopeError,
) {
    let account = &place.account;
    let (rule, cause) = match account.closed {
        Some(rule) => (rule, closed_text(rule).to_owned()),
        None => {
            let query = CallbackQuery::parse(query);
            let error = envelope::diagnose(&account.keys, &query, body, error);
            (error.rule(), error.to_string())
        }
    };
    let appid = place.appid();
    let peer = from.peer;
    let address = front::shown(from.address);
    tracing::warn!(%appid, address, rule, cause, %peer, "A callback was refused.");
    account.note_problem(LastProblem {
        time: shared.now(),
        rule,
        cause,
    });
}

fn closed_text(rule: &str) -> &'static str {
    match rule {
        "callback.token.missing" => "no callback Token is configured for this account",
        _ => "no account with this address is configured here",
    }
}
