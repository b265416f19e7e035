//! The world's clock: real, put forward, or frozen.

use serde::{Deserialize, Serialize};
use xinqiao_types::UnixSeconds;

/// How simulated time follows from real time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WorldClock {
    /// Seconds that the world is ahead of the machine; of no meaning while frozen.
    offset: i64,
    /// Where the clock stands still.
    frozen: Option<i64>,
}

/// What a caller wants of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClockChange {
    /// Forward by so many seconds.
    Advance(i64),
    /// To this second.
    Now(i64),
    /// Stand still, or go on.
    Freeze(bool),
}

impl WorldClock {
    /// Simulated time at this real time.
    pub(crate) fn read(&self, wall_ms: i64) -> UnixSeconds {
        UnixSeconds(
            self.frozen
                .unwrap_or_else(|| wall_ms.div_euclid(1000) + self.offset),
        )
    }

    /// Whether it stands still.
    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    pub(crate) fn set(&mut self, now: UnixSeconds, wall_ms: i64) {
        match &mut self.frozen {
            Some(at) => *at = now.0,
            None => self.offset = now.0 - wall_ms.div_euclid(1000),
        }
    }

    pub(crate) fn freeze(&mut self, wall_ms: i64) {
        self.frozen = Some(self.read(wall_ms).0);
        self.offset = 0;
    }

    pub(crate) fn thaw(&mut self, wall_ms: i64) {
        if let Some(at) = self.frozen.take() {
            self.offset = at - wall_ms.div_euclid(1000);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_stands_and_goes_on_from_there() {
        let mut clock = WorldClock::default();
        clock.set(UnixSeconds(1000), 5_000_000);
        assert_eq!(clock.read(5_003_000), UnixSeconds(1003));
        clock.freeze(5_003_000);
        assert_eq!(clock.read(9_000_000), UnixSeconds(1003));
        clock.set(UnixSeconds(2000), 9_000_000);
        clock.thaw(9_000_000);
        assert_eq!(clock.read(9_001_000), UnixSeconds(2001));
    }
}
