//! Time and money.

use std::{
    fmt,
    ops::{Add, Sub},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Seconds since 1970-01-01 UTC, as the platform writes times.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct UnixSeconds(pub i64);

impl UnixSeconds {
    /// The instant, if it lies in the years -9999 to 9999.
    pub fn timestamp(self) -> Option<Timestamp> {
        Timestamp::from_second(self.0).ok()
    }

    /// Seconds from `earlier` to here; negative if `earlier` is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for UnixSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<i64> for UnixSeconds {
    fn from(seconds: i64) -> Self {
        Self(seconds)
    }
}

impl From<Timestamp> for UnixSeconds {
    fn from(at: Timestamp) -> Self {
        Self(at.as_second())
    }
}

impl Add<i64> for UnixSeconds {
    type Output = Self;

    fn add(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

impl Sub<i64> for UnixSeconds {
    type Output = Self;

    fn sub(self, seconds: i64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }
}

/// Tells the time.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The present instant.
    fn now(&self) -> Timestamp;

    /// The present second, as the platform writes it.
    fn unix(&self) -> UnixSeconds {
        self.now().into()
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stands still until it is moved. Clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    nanoseconds: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            nanoseconds: Arc::new(AtomicI64::new(clamp(now.as_nanosecond()))),
        }
    }

    /// A clock that shows `seconds` since 1970.
    pub fn at(seconds: i64) -> Self {
        Self {
            nanoseconds: Arc::new(AtomicI64::new(clamp(i128::from(seconds) * 1_000_000_000))),
        }
    }

    /// Puts the clock.
    pub fn set(&self, now: Timestamp) {
        self.nanoseconds
            .store(clamp(now.as_nanosecond()), Ordering::SeqCst);
    }

    /// Moves the clock forward (or back, if `seconds` is negative).
    pub fn advance(&self, seconds: i64) {
        self.nanoseconds
            .fetch_add(clamp(i128::from(seconds) * 1_000_000_000), Ordering::SeqCst);
    }

    /// Moves the clock by milliseconds.
    pub fn advance_millis(&self, millis: i64) {
        self.nanoseconds
            .fetch_add(clamp(i128::from(millis) * 1_000_000), Ordering::SeqCst);
    }
}

/// Nanoseconds in 64 bits reach from 1677 to 2262; what lies outside is put to the edge.
fn clamp(nanoseconds: i128) -> i64 {
    nanoseconds.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let nanoseconds = self.nanoseconds.load(Ordering::SeqCst);
        Timestamp::from_nanosecond(nanoseconds.into())
            .expect("64 bits of nanoseconds lie within the years that a timestamp can hold")
    }
}

/// An amount of money in fen (分), the hundredth of a yuan.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Fen(pub i64);

impl Fen {
    /// The sum, unless it overflows.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, unless it overflows.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }
}

impl fmt::Display for Fen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let fen = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02} CNY", fen / 100, fen % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_prints_yuan() {
        assert_eq!(Fen(1234).to_string(), "12.34 CNY");
        assert_eq!(Fen(-5).to_string(), "-0.05 CNY");
        assert_eq!(Fen(i64::MAX).checked_add(Fen(1)), None);
    }

    #[test]
    fn a_manual_clock_moves_when_told() {
        let clock = ManualClock::at(1_700_000_000);
        let copy = clock.clone();
        assert_eq!(clock.unix(), UnixSeconds(1_700_000_000));
        clock.advance(7201);
        assert_eq!(copy.unix().since(UnixSeconds(1_700_000_000)), 7201);
        copy.advance_millis(1500);
        assert_eq!(clock.unix(), UnixSeconds(1_700_007_202));
    }

    #[test]
    fn seconds_saturate() {
        assert_eq!(UnixSeconds(i64::MAX) + 1, UnixSeconds(i64::MAX));
        assert!(UnixSeconds(i64::MAX).timestamp().is_none());
    }
}
