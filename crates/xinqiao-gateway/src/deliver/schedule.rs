//! When a failed delivery is tried again: ten steps to about 72 hours, each with up to 20 % more or
//! less.

use xinqiao_types::Entropy;

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

const STEPS_MS: [i64; 10] = [
    5 * SECOND,
    30 * SECOND,
    5 * MINUTE,
    30 * MINUTE,
    2 * HOUR,
    5 * HOUR,
    10 * HOUR,
    14 * HOUR,
    18 * HOUR,
    24 * HOUR,
];

/// The pause after this many attempts; `None`: no more.
///
/// Quick repeats while the platform waits count as attempts, but take no step of the schedule.
pub(super) fn next(attempts: u32, entropy: &dyn Entropy) -> Option<i64> {
    let quick = super::QUICK_PAUSES_MS.len();
    let step = STEPS_MS.get((attempts as usize).saturating_sub(1 + quick))?;
    // Thousandths from 800 to 1200.
    let share = 800 + entropy.below(401) as i64;
    Some(step * share / 1000)
}

#[cfg(test)]
mod tests {
    use xinqiao_types::SeededEntropy;

    use super::*;

    #[test]
    fn the_schedule_reaches_72_hours_and_ends() {
        let sum: i64 = STEPS_MS.iter().sum();
        assert!(sum >= 72 * HOUR, "{sum}");
        let entropy = SeededEntropy::new(1);
        let steps = (1..).map_while(|attempts| next(attempts, &entropy)).count();
        assert_eq!(steps, 10 + super::super::QUICK_PAUSES_MS.len());
    }

    #[test]
    fn pauses_vary_by_a_fifth_at_most() {
        let entropy = SeededEntropy::new(2);
        for _ in 0..200 {
            let pause = next(1, &entropy).unwrap();
            assert!((4000..=6000).contains(&pause), "{pause}");
        }
    }
}
