//! Remembers which callbacks were handled (排重).
//!
//! Within this process only: an app of several processes sits behind a gateway that remembers for all.
//! A repeat joins the pending answer of the first try, or gets the one that was given.
//!
//! Invariant: memory is bounded by number and by age; what is forgotten first is oldest.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{sync::watch, time::Instant};
use xinqiao_types::UnixSeconds;

use crate::delivery::Answer;

/// How long a callback is remembered. The platform's last try comes 15 s after the first.
const SECONDS: i64 = 600;
/// How many callbacks are remembered at most.
const MOST: usize = 20_000;

/// The answer to one callback, shared by its handler and everyone who waits for it.
#[derive(Debug, Clone)]
pub(crate) struct Slot(Arc<watch::Sender<Stage>>);

/// How far an answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Stage {
    /// The handler is at work.
    Pending,
    /// The platform was answered with silence, because the budget was used up.
    Closed,
    /// The handler was in time.
    Answered(Answer),
}

impl Slot {
    fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Stage::Pending)))
    }

    /// Gives the answer. Says `false` if it comes too late: then somebody was answered with silence.
    pub(crate) fn give(&self, answer: Answer) -> bool {
        self.0.send_if_modified(|stage| {
            let in_time = *stage == Stage::Pending;
            if in_time {
                *stage = Stage::Answered(answer);
            }
            in_time
        })
    }

    /// Waits for the answer until the deadline; from then on it is silence for all.
    ///
    /// Cancel safety: a waiter that is dropped before the deadline decides nothing.
    pub(crate) async fn take(&self, deadline: Instant) -> Answer {
        let mut stages = self.0.subscribe();
        let decided = stages.wait_for(|stage| *stage != Stage::Pending);
        // Only a lost sender makes waiting fail, and this very slot holds it.
        let _ = tokio::time::timeout_at(deadline, decided).await.is_ok();
        self.0.send_if_modified(|stage| {
            let closes = *stage == Stage::Pending;
            if closes {
                *stage = Stage::Closed;
            }
            closes
        });
        match &*self.0.borrow() {
            Stage::Answered(answer) => answer.clone(),
            Stage::Pending | Stage::Closed => Answer::Silent,
        }
    }
}

/// What a callback is.
pub(crate) enum Seen {
    /// New: it must be handled.
    First(Slot),
    /// A repeat: somebody is handling it or has.
    Repeat(Slot),
}

#[derive(Debug, Default)]
pub(crate) struct Memory {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answers: HashMap<String, Slot>,
    order: VecDeque<(UnixSeconds, String)>,
}

impl Memory {
    /// Looks a key up, and remembers it if it is new.
    pub(crate) fn see(&self, key: String, now: UnixSeconds) -> Seen {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some((since, _)) = state.order.front() {
            if state.order.len() < MOST && now.since(*since) < SECONDS {
                break;
            }
            if let Some((_, old)) = state.order.pop_front() {
                state.answers.remove(&old);
            }
        }
        if let Some(slot) = state.answers.get(&key) {
            return Seen::Repeat(slot.clone());
        }
        let slot = Slot::new();
        state.answers.insert(key.clone(), slot.clone());
        state.order.push_back((now, key));
        Seen::First(slot)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::IntoAnswer as _;

    const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

    fn first(seen: Seen) -> bool {
        matches!(seen, Seen::First(..))
    }

    #[test]
    fn a_repeat_is_known_until_it_is_forgotten() {
        let memory = Memory::default();
        assert!(first(memory.see("a".to_owned(), NOW)));
        assert!(!first(memory.see("a".to_owned(), NOW + 15)));
        assert!(first(memory.see("b".to_owned(), NOW + 15)));
        assert!(first(memory.see("a".to_owned(), NOW + SECONDS)));
    }

    #[tokio::test]
    async fn an_answer_is_given_once_or_comes_late() {
        let slot = Slot::new();
        assert!(slot.give("a".into_answer()));
        assert!(!slot.give("b".into_answer()));
        assert_eq!(slot.take(Instant::now()).await, "a".into_answer());

        let slot = Slot::new();
        assert_eq!(slot.take(Instant::now()).await, Answer::Silent);
        assert!(!slot.give("a".into_answer()), "silence was said already");
        assert_eq!(slot.take(Instant::now()).await, Answer::Silent);
    }

    #[test]
    fn memory_is_bounded() {
        let memory = Memory::default();
        for number in 0..MOST + 10 {
            assert!(first(memory.see(number.to_string(), NOW)));
        }
        assert!(memory.state.lock().unwrap().answers.len() <= MOST);
        assert!(
            first(memory.see("0".to_owned(), NOW)),
            "the oldest was forgotten"
        );
    }
}
