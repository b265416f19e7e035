//! What an account says to many people at once: one bubble that all of them share, and a short row for each whom it
//! reached. A million receivers cost a million numbers, not a million bubbles.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    bubbles,
    contact::{ChatItem, Contact, Speaker},
};
use crate::kernel::{Id, Table, Turn, World};

/// Bubbles that are shared, by account and number.
pub(super) static SHARED: Table<(Id, u64), ChatItem> = Table::new("people.broadcasts", 1);
/// Whom they reached, by account and person.
pub(super) static REACHED: Table<(Id, u64), Reached> = Table::new("people.broadcasts_reached", 1);

/// What of an account's shared bubbles is in one person's chat.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reached {
    /// Their numbers, oldest first.
    numbers: Vec<u64>,
    /// How many of them the person has not seen.
    #[serde(default)]
    unread: u32,
}

/// A bubble for many. Nobody has it yet.
pub(crate) fn begin(
    turn: &mut Turn<'_>,
    appid: &Id,
    via: &str,
    kind: &str,
    fields: Map<String, Value>,
) -> u64 {
    let number = turn.world.serial("item");
    let item = ChatItem {
        time: turn.now.0,
        from: Speaker::Account,
        via: via.to_owned(),
        kind: kind.to_owned(),
        fields: bubbles::fit(turn.world.house, kind, fields),
    };
    SHARED.put(turn.world, (appid.clone(), number), item);
    number
}

/// It is in this person's chat from now on.
pub(crate) fn reach(world: &mut World, appid: &Id, person: u64, number: u64) {
    let own = REACHED.or_default(world, (appid.clone(), person));
    own.numbers.push(number);
    own.unread += 1;
}

/// A shared bubble, to change in every chat.
pub(crate) fn bubble_mut<'w>(
    world: &'w mut World,
    appid: &Id,
    number: u64,
) -> Option<&'w mut ChatItem> {
    SHARED.get_mut(world, &(appid.clone(), number))
}

/// The shared bubbles that reached a person, oldest first.
pub(crate) fn received<'w>(
    world: &'w World,
    appid: &Id,
    person: u64,
) -> impl DoubleEndedIterator<Item = (u64, &'w ChatItem)> + use<'w> {
    let appid = appid.clone();
    let own = REACHED.get(world, &(appid.clone(), person));
    own.map_or(&[][..], |own| &own.numbers)
        .iter()
        .filter_map(move |number| {
            let item = SHARED.get(world, &(appid.clone(), *number))?;
            Some((*number, item))
        })
}

/// The same by openid; without a look at anybody where the account never said anything to many.
pub(super) fn in_chat<'w>(
    world: &'w World,
    appid: &Id,
    openid: &Id,
    after: u64,
) -> Vec<(u64, &'w ChatItem)> {
    if SHARED.under(world, appid).next().is_none() {
        return Vec::new();
    }
    let Some(person) = super::person(world, appid, openid) else {
        return Vec::new();
    };
    received(world, appid, person)
        .filter(|(number, _)| *number > after)
        .collect()
}

/// The person has seen them all.
pub(super) fn seen(world: &mut World, appid: &Id, person: u64) {
    let key = (appid.clone(), person);
    if { REACHED.get(world, &key) }.is_some_and(|own| own.unread > 0)
        && let Some(own) = REACHED.get_mut(world, &key)
    {
        own.unread = 0;
    }
}

/// Person and account know each other no more.
pub(super) fn forget(world: &mut World, appid: &Id, person: u64) {
    REACHED.remove(world, &(appid.clone(), person));
}

/// The account is gone.
pub(super) fn forget_account(world: &mut World, appid: &Id) {
    SHARED.remove_under(world, appid);
    REACHED.remove_under(world, appid);
}

/// All unread bubbles of a contact: those of its own, and the shared ones.
pub(crate) fn unread(world: &World, appid: &Id, person: u64, contact: &Contact) -> u32 {
    let shared = REACHED.get(world, &(appid.clone(), person));
    contact.unread + shared.map_or(0, |own| own.unread)
}
