//! Events whose answer is being worked on: a repeat of one joins it instead of starting a second
//! delivery.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};
use xinqiao_store::{Answer, DedupKey};

const SHARDS: usize = 16;

type Shard = Mutex<HashMap<DedupKey, Arc<Slot>>>;

/// All events in work, by dedup key.
#[derive(Debug, Default, Clone)]
pub(crate) struct InFlight(Arc<[Shard; SHARDS]>);

/// What entering an event found.
#[derive(Debug)]
pub(crate) enum Entry {
    /// Nobody works on it: the caller does, until it drops or finishes the lead.
    First(Lead),
    /// Somebody does.
    Joined(Arc<Slot>),
}

/// Where an event's answer will be.
#[derive(Debug)]
pub(crate) struct Slot {
    state: Mutex<Outcome>,
    changed: Notify,
}

/// How an event in work stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Not stored yet, as far as is known: nobody may acknowledge it.
    Pending,
    /// Stored; no answer yet.
    Stored,
    /// This is the answer.
    Settled(Answer),
    /// The platform was answered with silence before the app was ready.
    TooLate,
    /// Whoever worked on it gave up before it was stored.
    Failed,
}

/// The duty to settle a slot. Dropping it unsettled fails the slot; either way the slot leaves the
/// map.
#[derive(Debug)]
pub(crate) struct Lead {
    all: InFlight,
    key: DedupKey,
    slot: Arc<Slot>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InFlight {
    fn shard(&self, key: &DedupKey) -> &Shard {
        &self.0[usize::from(key.0[15]) % SHARDS]
    }

    pub(crate) fn enter(&self, key: DedupKey) -> Entry {
        let mut shard = lock(self.shard(&key));
        if let Some(slot) = shard.get(&key) {
            return Entry::Joined(Arc::clone(slot));
        }
        let slot = Arc::new(Slot {
            state: Mutex::new(Outcome::Pending),
            changed: Notify::new(),
        });
        shard.insert(key, Arc::clone(&slot));
        Entry::First(Lead {
            all: self.clone(),
            key,
            slot,
        })
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        self.0.iter().map(|shard| lock(shard).len()).sum()
    }
}

impl Outcome {
    fn is_open(&self) -> bool {
        matches!(self, Self::Pending | Self::Stored)
    }
}

impl Slot {
    fn change(&self, to: Outcome) -> bool {
        let mut state = lock(&self.state);
        if !state.is_open() {
            return false;
        }
        *state = to;
        drop(state);
        self.changed.notify_waiters();
        true
    }

    /// The time is up. Returns the answer if it came at the last moment; otherwise no answer counts
    /// any more.
    pub(crate) fn expire(&self) -> Option<Answer> {
        self.change(Outcome::TooLate);
        match &*lock(&self.state) {
            Outcome::Settled(answer) => Some(answer.clone()),
            _ => None,
        }
    }

    /// What a repeat that joined is answered by `deadline`; none if the event may not be stored.
    pub(crate) async fn joined(&self, deadline: Instant) -> Option<Answer> {
        match self.wait(deadline).await {
            Outcome::Settled(answer) => Some(answer),
            Outcome::TooLate => Some(Answer::Silent),
            // Whoever is told of silence was answered: nothing that comes later may count as shown.
            Outcome::Stored => Some(self.expire().unwrap_or(Answer::Silent)),
            Outcome::Pending | Outcome::Failed => None,
        }
    }

    /// Waits until the slot is settled, or until `deadline`: then it is still open.
    pub(crate) async fn wait(&self, deadline: Instant) -> Outcome {
        loop {
            let changed = self.changed.notified();
            let mut changed = std::pin::pin!(changed);
            changed.as_mut().enable();
            let state = lock(&self.state).clone();
            if !state.is_open() {
                return state;
            }
            if timeout_at(deadline, changed).await.is_err() {
                return lock(&self.state).clone();
            }
        }
    }
}

impl Lead {
    pub(crate) fn slot(&self) -> Arc<Slot> {
        Arc::clone(&self.slot)
    }

    /// The event is in the store.
    pub(crate) fn stored(&self) {
        self.slot.change(Outcome::Stored);
    }

    /// Gives the answer. `false`: too late, the platform was answered without it.
    pub(crate) fn settle(&self, answer: Answer) -> bool {
        self.slot.change(Outcome::Settled(answer))
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.slot.change(Outcome::Failed);
        lock(self.all.shard(&self.key)).remove(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const KEY: DedupKey = DedupKey([3; 16]);

    fn first(all: &InFlight) -> Lead {
        match all.enter(KEY) {
            Entry::First(lead) => lead,
            Entry::Joined(_) => panic!("nobody else is here"),
        }
    }

    fn joined(all: &InFlight) -> Arc<Slot> {
        match all.enter(KEY) {
            Entry::Joined(slot) => slot,
            Entry::First(_) => panic!("somebody is here"),
        }
    }

    #[tokio::test]
    async fn a_repeat_gets_the_answer_of_the_first() {
        let all = InFlight::default();
        let lead = first(&all);
        let slot = joined(&all);
        let waiting =
            tokio::spawn(async move { slot.wait(Instant::now() + Duration::from_secs(4)).await });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(lead.settle(Answer::Reply(b"x".to_vec())));
        drop(lead);
        assert_eq!(
            waiting.await.unwrap(),
            Outcome::Settled(Answer::Reply(b"x".to_vec()))
        );
        assert_eq!(all.len(), 0);
    }

    #[tokio::test]
    async fn an_answer_after_the_deadline_does_not_count() {
        let all = InFlight::default();
        let lead = first(&all);
        let slot = lead.slot();
        assert_eq!(
            slot.wait(Instant::now() + Duration::from_millis(20)).await,
            Outcome::Pending
        );
        assert_eq!(slot.expire(), None);
        assert!(!lead.settle(Answer::Silent));
        assert_eq!(joined(&all).wait(Instant::now()).await, Outcome::TooLate);
    }

    #[tokio::test]
    async fn a_repeat_is_not_acknowledged_before_the_event_is_stored() {
        let all = InFlight::default();
        let lead = first(&all);
        assert_eq!(joined(&all).joined(Instant::now()).await, None);
        lead.stored();
        assert!(lead.settle(Answer::Reply(b"x".to_vec())));
        let reply = Some(Answer::Reply(b"x".to_vec()));
        assert_eq!(joined(&all).joined(Instant::now()).await, reply);
    }

    #[tokio::test]
    async fn a_reply_after_a_repeat_was_told_of_silence_was_not_shown() {
        let all = InFlight::default();
        let lead = first(&all);
        lead.stored();
        let silent = Some(Answer::Silent);
        assert_eq!(joined(&all).joined(Instant::now()).await, silent);
        assert!(!lead.settle(Answer::Reply(b"late".to_vec())));
        assert_eq!(joined(&all).joined(Instant::now()).await, silent);
    }

    #[tokio::test]
    async fn a_lead_that_gives_up_fails_those_who_joined() {
        let all = InFlight::default();
        let lead = first(&all);
        let slot = joined(&all);
        drop(lead);
        assert_eq!(slot.wait(Instant::now()).await, Outcome::Failed);
        drop(first(&all));
    }
}
