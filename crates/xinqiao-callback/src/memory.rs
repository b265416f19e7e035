//! Remembers which callbacks were handled (排重).
//!
//! Within this process only: an app of several processes sits behind a gateway that remembers for all.
//! A repeat joins the pending answer of the first try, or gets the one that was given; one that comes when
//! the platform has long given up gets silence.
//!
//! Invariant: memory is bounded by number and by age; what is forgotten first is oldest.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::watch, time::Instant};
use xinqiao_types::UnixSeconds;

use crate::delivery::Answer;

/// How long a callback is remembered with its answer. The platform's last try comes 15 s after the first.
const SECONDS: i64 = 600;
/// How many callbacks are remembered with their answers at most.
const MOST: usize = 20_000;
/// How many are remembered without, at most: about 25 MB.
const MOST_PRINTS: usize = if cfg!(test) { 20_000 } else { 500_000 };

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

    fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(Stage::Closed)))
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

#[derive(Debug)]
pub(crate) struct Memory {
    /// Seconds that a callback is remembered.
    keep: i64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    answers: HashMap<String, Slot>,
    order: VecDeque<(UnixSeconds, String)>,
    prints: HashSet<Print>,
    prints_order: VecDeque<(UnixSeconds, Print)>,
}

/// Half of a key's SHA-1.
type Print = [u8; 10];

fn print(key: &str) -> Print {
    let digest = xinqiao_crypto::callback::digest(&[key]);
    let mut print = Print::default();
    print.copy_from_slice(&digest[..10]);
    print
}

impl State {
    /// Lets answers go, and keeps their keys' prints.
    fn age(&mut self, now: UnixSeconds, keep: i64) {
        while let Some((since, _)) = self.order.front() {
            if self.order.len() < MOST && now.since(*since) < SECONDS.min(keep) {
                break;
            }
            if let Some((since, old)) = self.order.pop_front() {
                self.answers.remove(&old);
                let print = print(&old);
                if self.prints.insert(print) {
                    self.prints_order.push_back((since, print));
                }
            }
        }
        while let Some((since, _)) = self.prints_order.front() {
            if self.prints_order.len() < MOST_PRINTS && now.since(*since) < keep {
                break;
            }
            if let Some((_, old)) = self.prints_order.pop_front() {
                self.prints.remove(&old);
            }
        }
    }
}

impl Memory {
    /// Remembers for twice the window in which callbacks are accepted.
    pub(crate) fn new(window: Duration) -> Self {
        Self {
            keep: i64::try_from(window.as_secs().saturating_mul(2)).unwrap_or(i64::MAX),
            state: Mutex::default(),
        }
    }

    /// Looks a key up, and remembers it if it is new.
    pub(crate) fn see(&self, key: String, now: UnixSeconds) -> Seen {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.age(now, self.keep);
        if let Some(slot) = state.answers.get(&key) {
            return Seen::Repeat(slot.clone());
        }
        if !state.prints.is_empty() && state.prints.contains(&print(&key)) {
            return Seen::Repeat(Slot::closed());
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

    const WINDOW: Duration = Duration::from_hours(24);

    #[tokio::test]
    async fn a_repeat_is_known_for_twice_the_window() {
        let memory = Memory::new(WINDOW);
        assert!(first(memory.see("a".to_owned(), NOW)));
        for later in [0, 15, SECONDS, 86_400, 2 * 86_400 - 1] {
            let Seen::Repeat(slot) = memory.see("a".to_owned(), NOW + later) else {
                panic!("forgotten after {later} s")
            };
            if later >= SECONDS {
                let late = Instant::now() + Duration::from_secs(5);
                assert_eq!(slot.take(late).await, Answer::Silent, "nobody waits for it");
            }
            assert!(first(memory.see(format!("b{later}"), NOW + later)));
        }
        assert!(first(memory.see("a".to_owned(), NOW + 2 * 86_400)));
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
        let memory = Memory::new(WINDOW);
        let most = MOST + MOST_PRINTS;
        for number in 0..most + 10 {
            assert!(first(memory.see(number.to_string(), NOW)));
        }
        let state = memory.state.lock().unwrap();
        assert!(state.answers.len() <= MOST && state.answers.len() == state.order.len());
        let prints = state.prints.len();
        assert!(prints <= MOST_PRINTS && prints == state.prints_order.len());
        drop(state);
        assert!(!first(memory.see("100".to_owned(), NOW)));
        assert!(
            first(memory.see("0".to_owned(), NOW)),
            "the oldest was forgotten"
        );
    }
}
