//! Calls that can be looked up by their trace id. Bounded, kept over a restart, not part of an export.

use serde::{Deserialize, Serialize};

use crate::kernel::{Id, Table, World};

/// Most calls that are remembered.
const MOST: u64 = 4000;

/// Calls by number.
pub(crate) static TRACED: Table<u64, Traced> = Table::traffic("door.traced", 1);
static BY_RID: Table<Id, u64> = Table::memory("door.traced_by_rid");

/// A call that can be looked up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Traced {
    pub(crate) rid: Id,
    pub(crate) appid: String,
    pub(crate) time: i64,
    pub(crate) url: String,
    pub(crate) request: String,
    pub(crate) response: String,
    pub(crate) client: String,
    pub(crate) ms: u64,
}

pub(crate) fn remember(world: &mut World, call: Traced) {
    let number = world.traffic_serial("traced");
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

pub(crate) fn index(world: &mut World) {
    let rids: Vec<(Id, u64)> = TRACED
        .all(world)
        .map(|(number, call)| (call.rid.clone(), *number))
        .collect();
    for (rid, number) in rids {
        BY_RID.put(world, rid, number);
    }
}
