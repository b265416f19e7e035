//! Calls that can be looked up by their trace id: the latest of them, until the program ends.

use serde::{Deserialize, Serialize};

use crate::kernel::{Id, Table, World};

/// Most calls that are remembered.
const MOST: u64 = 4000;

/// What was kept over a restart, by programs whose timeline was not.
pub(crate) const KEPT_ONCE: &str = "door.traced";

/// Calls by number.
static TRACED: Table<u64, Traced> = Table::memory("door.traced_calls");
static BY_RID: Table<Id, u64> = Table::memory("door.traced_by_rid");

/// A call that can be looked up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Traced {
    pub(crate) rid: Id,
    pub(crate) appid: Id,
    pub(crate) time: i64,
    pub(crate) url: String,
    pub(crate) request: String,
    pub(crate) response: String,
    pub(crate) client: String,
    pub(crate) ms: u64,
}

pub(crate) fn remember(world: &mut World, call: Traced) {
    let last = { TRACED.all(world).next_back() }.map_or(0, |(number, _)| *number);
    let number = last + 1;
    BY_RID.put(world, call.rid.clone(), number);
    TRACED.put(world, number, call);
    if let Some(old) = number.checked_sub(MOST)
        && let Some(call) = TRACED.remove(world, &old)
    {
        BY_RID.remove(world, &*call.rid);
    }
}

pub(crate) fn find<'w>(world: &'w World, rid: &str) -> Option<&'w Traced> {
    TRACED.get(world, BY_RID.get(world, rid)?)
}
