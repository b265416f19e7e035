//! The bench's "without store": dedup in memory, nothing kept. Never part of a normal build.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use aws_lc_rs::hmac;
use xinqiao_types::AppId;

use crate::{Answer, Appended, DedupKey, EventRef, Fence, Held, MasterKey, NewEvent};

const SHARDS: usize = 16;

/// Remembers dedup keys, forgets bodies.
#[derive(Debug, Clone)]
pub struct Discard(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    master: MasterKey,
    dedup: hmac::Key,
    next: AtomicI64,
    seen: [Mutex<HashMap<DedupKey, EventRef>>; SHARDS],
}

impl Discard {
    pub(crate) fn new(master: MasterKey) -> Self {
        let dedup = hmac::Key::new(hmac::HMAC_SHA256, &master.derive("dedup"));
        let seen = std::array::from_fn(|_| Mutex::default());
        Self(Arc::new(Inner {
            master,
            dedup,
            next: AtomicI64::new(1),
            seen,
        }))
    }

    pub(crate) fn master(&self) -> &MasterKey {
        &self.0.master
    }

    pub(crate) fn dedup_key(&self, appid: &AppId, order: u64, recipe: &str) -> DedupKey {
        crate::store::dedup_key(&self.0.dedup, appid, order, recipe)
    }

    pub(crate) fn append(&self, event: NewEvent<'_>) -> Appended {
        let shard = &self.0.seen[usize::from(event.dedup.0[15]) % SHARDS];
        let mut seen = shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(first) = seen.get(&event.dedup) {
            return Appended::Repeat {
                event: *first,
                answer: Some(Answer::Silent),
            };
        }
        let seq = self.0.next.fetch_add(1, Ordering::Relaxed);
        let place = EventRef {
            day: event.received.day(),
            seq,
        };
        seen.insert(event.dedup, place);
        let deliveries = event
            .apps
            .iter()
            .enumerate()
            .map(|(n, _)| Held {
                id: seq * 16 + n as i64,
                fence: Fence(1),
            })
            .collect();
        Appended::New {
            event: place,
            deliveries,
        }
    }
}
