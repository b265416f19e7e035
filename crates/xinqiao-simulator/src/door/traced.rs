//! Calls that can be looked up by their trace id: the latest of them, until the program ends.

use std::{collections::VecDeque, sync::Arc};

use super::{answered::Answered, masking};
use crate::kernel::{Id, Table, World};

/// Most calls that are remembered.
const MOST: usize = 4000;

/// What was kept over a restart, by programs whose timeline was not.
pub(crate) const KEPT_ONCE: &str = "door.traced";

/// The latest calls, under the one key that there is.
static LATEST: Table<u64, VecDeque<Arc<Answered>>> = Table::memory("door.latest_calls");

/// What `rid/get` says of a call.
#[derive(Debug)]
pub(crate) struct Traced {
    pub(crate) appid: Option<Id>,
    pub(crate) time: i64,
    pub(crate) url: String,
    pub(crate) request: String,
    pub(crate) response: String,
    pub(crate) client: String,
    pub(crate) ms: u64,
}

pub(super) fn remember(world: &mut World, call: Arc<Answered>) {
    let latest = LATEST.or_default(world, 0);
    if latest.len() == MOST {
        latest.pop_front();
    }
    latest.push_back(call);
}

/// A call, by its trace id. They are looked through: hardly anybody asks, and every call would pay for an index.
pub(crate) fn find(world: &World, rid: &str) -> Option<Traced> {
    let mut latest = LATEST.get(world, &0)?.iter().rev();
    let call = latest.find(|call| call.rid.as_str() == rid)?;
    Some(Traced {
        appid: call.asked_by.clone(),
        time: call.time,
        url: format!("{}?{}", call.path, masking::query(&call.query)),
        request: begun(call.body.shown()),
        response: begun(call.answer_body.shown()),
        client: call.peer.to_string(),
        ms: 1,
    })
}

/// The beginning of a body.
fn begun(mut body: String) -> String {
    const CHARACTERS: usize = 500;
    if let Some((at, _)) = body.char_indices().nth(CHARACTERS) {
        body.truncate(at);
    }
    body
}
