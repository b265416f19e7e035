//! What a call of an app follows from, as the timeline groups it.
//!
//! An app that calls while it handles a push does so because of that push; what it does for a person a little later follows
//! from what the person did last with the same account. Nothing follows from an act with another account; only a merchant's
//! call follows from an act with the account that the call names.

use crate::kernel::{Id, Table, Turn, World};

/// Pushes that an account is handling, by account, openid and delivery: the act that each follows from.
static HANDLED: Table<(Id, Id, u64), String> = Table::memory("people.handled");
/// The latest act of a person by account and openid, and its second.
static LATEST_ACTS: Table<(Id, Id), (String, i64)> = Table::memory("people.latest_acts");
/// Most people whose latest act is remembered.
const ACTS: usize = 10_000;
/// For so many seconds what is done for a person is taken to follow from their latest act.
const WINDOW: i64 = 300;

/// Remembers what a person did last.
pub(crate) fn acted(turn: &mut Turn<'_>, appid: &Id, openid: &Id) {
    if LATEST_ACTS.len(turn.world) >= ACTS {
        LATEST_ACTS.clear(turn.world);
    }
    let act = (turn.cause.clone(), turn.now.0);
    LATEST_ACTS.put(turn.world, (appid.clone(), openid.clone()), act);
}

/// An account begins to handle a push about a person; the openid is empty where it is about none.
pub(crate) fn begins(world: &mut World, account: &Id, openid: &Id, delivery: u64, cause: &str) {
    let key = (account.clone(), openid.clone(), delivery);
    HANDLED.put(world, key, cause.to_owned());
}

/// It handles it no more.
pub(crate) fn ends(world: &mut World, account: &Id, openid: &Id, delivery: u64) {
    HANDLED.remove(world, &(account.clone(), openid.clone(), delivery));
}

/// What a call of this account follows from; `openid` is the person whom it names, if it names one.
pub(crate) fn of_call(
    world: &World,
    account: &Id,
    openid: Option<&Id>,
    now: i64,
) -> Option<String> {
    let about = openid.and_then(|openid| {
        let (first, last) = (
            (account.clone(), openid.clone(), 0),
            (account.clone(), openid.clone(), u64::MAX),
        );
        // Of several pushes about one person the oldest has waited longest for what the app does.
        let handled = HANDLED.range(world, first..=last).next();
        handled.map(|(_, cause)| cause.clone())
    });
    about
        .or_else(|| latest(world, account, openid?, now))
        .or_else(|| only(world, account))
}

/// What follows from a person's latest act with this account.
pub(crate) fn latest(world: &World, account: &Id, openid: &Id, now: i64) -> Option<String> {
    let (cause, at) = LATEST_ACTS.get(world, &(account.clone(), openid.clone()))?;
    (now - at <= WINDOW).then(|| cause.clone())
}

/// The act that all pushes follow from that an account is handling, if there is one such act.
fn only(world: &World, account: &Id) -> Option<String> {
    let from = (account.clone(), Id::from(""), 0);
    let mut handled = HANDLED
        .range(world, from..)
        .take_while(|(key, _)| key.0 == *account)
        .map(|(_, cause)| cause);
    let first = handled.next()?;
    handled.all(|cause| cause == first).then(|| first.clone())
}
