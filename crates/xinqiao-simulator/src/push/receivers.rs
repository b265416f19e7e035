//! Who receives the callbacks of an account in its place, at an address and with keys of its own.

use crate::{
    accounts::{ACCOUNTS, account::Account},
    kernel::{Id, Table, World},
};

/// Receivers by the account that let them.
pub(crate) static RECEIVERS: Table<Id, Id> = Table::new("push.receivers", 1);

/// What stands in a receiver's address in the place of the account's appid.
const APPID: &str = "$APPID$";

/// Who receives an account's callbacks in its place.
pub(crate) fn of<'w>(world: &'w World, appid: &str) -> Option<&'w Id> {
    RECEIVERS.get(world, appid)
}

/// From now on this one receives the account's callbacks.
pub(crate) fn set(world: &mut World, appid: Id, receiver: Id) {
    RECEIVERS.put(world, appid, receiver);
}

/// The account receives its callbacks itself again, if it was this one that did.
pub(crate) fn clear(world: &mut World, appid: &str, receiver: &str) {
    if of(world, appid).is_some_and(|own| **own == *receiver) {
        RECEIVERS.remove(world, appid);
    }
}

/// Where an account's callbacks go, and to whom if not to itself. None if nobody listens there.
pub(super) fn address(world: &World, account: &Account) -> Option<(Option<Id>, String)> {
    let (receiver, url) = match of(world, &account.appid) {
        None => (None, account.callback.url.clone()),
        Some(receiver) => {
            let own = ACCOUNTS
                .get(world, &**receiver)?
                .callback
                .message_url
                .as_ref()?;
            (Some(receiver.clone()), own.replace(APPID, &account.appid))
        }
    };
    (!url.is_empty()).then_some((receiver, url))
}
