//! Lets others have the core now and then, for threads that work hard: who waits for an answer first needs a core to ask for it.

use std::time::{Duration, Instant};

/// Shorter, and other programs on the same cores get most of them; longer, and it is felt.
const WORK: Duration = Duration::from_millis(1);

/// Since when a thread works.
#[derive(Debug)]
pub(super) struct Breath(Instant);

impl Breath {
    pub(super) fn new() -> Self {
        Self(Instant::now())
    }

    /// Offers the core to whoever waits for it, if it was kept for long.
    pub(super) fn take(&mut self) {
        if self.0.elapsed() >= WORK {
            std::thread::yield_now();
            self.0 = Instant::now();
        }
    }
}
