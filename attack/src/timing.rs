//! Whether the time of a refusal tells anything: dudect's test, for the receiver of callbacks.
//!
//! Two classes of requests that must not be told apart are mixed at random, each one's time is taken, and Welch's t is
//! computed over all times and over those below some percentiles, because the long ones are mostly the machine's. The rule
//! is |t| < [`LIMIT`] in each of these. A comparison that breaks it may have met chance, or the machine: it is measured
//! again with fresh times, and is a finding when it breaks the rule three times in a row.
//!
//! Source: Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?", DATE 2017.

#[cfg(feature = "servers")]
mod inlet;
mod opening;

use std::time::Instant;

use crate::chance::Chance;

/// Beyond it two means differ, with a chance of error of some millionths.
pub const LIMIT: f64 = 4.5;

/// Shares of the times that are looked at, the shortest ones each.
const CROPS: [f64; 6] = [0.25, 0.5, 0.75, 0.9, 0.99, 1.0];

/// Two classes, and what is done with a request of one of them. What `ready` gives is not timed.
pub trait Comparison {
    /// What must not be told apart.
    fn name(&self) -> String;
    /// Chooses a request of a class.
    fn ready(&mut self, class: bool, chance: &mut Chance);
    /// Sends it and takes the answer.
    fn go(&mut self);
    /// Nanoseconds that this takes.
    fn time(&mut self) -> u64 {
        let started = Instant::now();
        self.go();
        started.elapsed().as_nanos() as u64
    }
}

/// Everything that is compared.
///
/// # Panics
/// A server does not start.
pub fn comparisons() -> Vec<Box<dyn Comparison>> {
    let all = opening::comparisons();
    #[cfg(feature = "servers")]
    let all = all.into_iter().chain(inlet::comparisons()).collect();
    all
}

/// What came of a comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Outcome {
    /// The largest `t`, with its sign.
    pub t: f64,
    /// The share of the times that it is about.
    pub crop: f64,
    /// Means of the classes over these, nanoseconds.
    pub means: [f64; 2],
    /// How often it was repeated, because of a `t` beyond the limit.
    pub repeats: u32,
}

impl Outcome {
    /// Whether the classes can be told apart.
    pub fn leaks(&self) -> bool {
        self.t.abs() >= LIMIT
    }
}

/// So many times of both classes together; at most three times that while they seem to differ. The outcome is the last
/// measurement's.
pub fn compare(comparison: &mut dyn Comparison, samples: usize, seed: u64) -> Outcome {
    let mut repeats = 0;
    loop {
        let outcome = measure(comparison, samples, seed + u64::from(repeats));
        if !outcome.leaks() || repeats == 2 {
            return Outcome { repeats, ..outcome };
        }
        repeats += 1;
    }
}

fn measure(comparison: &mut dyn Comparison, samples: usize, seed: u64) -> Outcome {
    let mut chance = Chance::of(seed, "timing", 0);
    let mut times: Vec<(u64, bool)> = Vec::with_capacity(samples);
    let warm_up = samples / 20;
    for at in 0..samples + warm_up {
        let class = chance.once_in(2);
        comparison.ready(class, &mut chance);
        let took = comparison.time();
        if at >= warm_up {
            times.push((took, class));
        }
    }
    let mut sorted: Vec<u64> = times.iter().map(|(took, _)| *took).collect();
    sorted.sort_unstable();
    let mut worst = Outcome {
        t: 0.0,
        crop: 1.0,
        means: [0.0; 2],
        repeats: 0,
    };
    for crop in CROPS {
        let longest = sorted[((sorted.len() as f64 * crop) as usize).min(sorted.len() - 1)];
        let kept = times.iter().filter(|(took, _)| *took <= longest);
        let mut classes = [Welch::default(), Welch::default()];
        for (took, class) in kept {
            classes[usize::from(*class)].push(*took as f64);
        }
        let t = classes[0].t(&classes[1]);
        if t.abs() > worst.t.abs() {
            let means = classes.map(|class| class.mean);
            worst = Outcome {
                t,
                crop,
                means,
                repeats: 0,
            };
        }
    }
    worst
}

/// Mean and variance while values come (Welford).
#[derive(Debug, Clone, Copy, Default)]
struct Welch {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Welch {
    fn push(&mut self, value: f64) {
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    fn t(&self, other: &Self) -> f64 {
        if self.count < 2.0 || other.count < 2.0 {
            return 0.0;
        }
        let share = |of: &Self| of.squares / (of.count - 1.0) / of.count;
        let spread = (share(self) + share(other)).sqrt();
        if spread > 0.0 {
            (self.mean - other.mean) / spread
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes about a microsecond, and a class a little longer if told so.
    struct Made {
        leak: u64,
        next: u64,
    }

    impl Comparison for Made {
        fn name(&self) -> String {
            "made".to_owned()
        }

        fn ready(&mut self, class: bool, chance: &mut Chance) {
            // Long ones in between, as a machine has them.
            let machine = if chance.once_in(50) { 90_000 } else { 0 };
            let noise = chance.below(200) as u64;
            self.next = 1_000 + noise + machine + u64::from(class) * self.leak;
        }

        fn go(&mut self) {}

        fn time(&mut self) -> u64 {
            self.next
        }
    }

    #[test]
    fn a_difference_of_ten_nanoseconds_is_found_behind_the_machines_noise() {
        let mut same = Made { leak: 0, next: 0 };
        assert!(!compare(&mut same, 20_000, 1).leaks());
        let mut leaking = Made { leak: 10, next: 0 };
        let outcome = compare(&mut leaking, 20_000, 1);
        assert!(outcome.leaks() && outcome.repeats == 2, "{outcome:?}");
        assert!(outcome.t < 0.0 && outcome.crop < 1.0, "{outcome:?}");
    }

    #[test]
    fn equal_values_have_no_t() {
        let mut one = Welch::default();
        for _ in 0..10 {
            one.push(5.0);
        }
        assert!(one.t(&one).abs() < f64::EPSILON);
        let mut two = Welch::default();
        for value in [1.0, 2.0, 3.0, 4.0] {
            two.push(value);
        }
        let mut three = two;
        three.mean += 10.0;
        // Two means ten apart, each with a variance of 5/3 over four values.
        assert!((two.t(&three) + 10.954_451).abs() < 1e-5);
    }
}
