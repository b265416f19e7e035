//! Changes genuine messages a million times and looks for one that is accepted and says something else.
//!
//! Every scheme makes genuine messages, and says of any message what a receiver would take from it: what was covered by
//! the signature, as it was verified and decrypted. A changed message that is accepted must say exactly what one of the
//! two says that it was made of; otherwise it is a finding. What a signature does not cover (a plain callback's body)
//! is not compared.
//!
//! Deterministic: a case is its number. A campaign goes on where its state file says that it stopped.

mod mutate;
mod schemes;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

use serde_json::{Value, json};

pub use self::schemes::SCHEMES;
use crate::chance::Chance;

/// A message on its way: parameters or headers in their order, and a body. All of it may be any bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Names and values, as they stand on the wire.
    pub params: Vec<(Vec<u8>, Vec<u8>)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Sent {
    fn to_json(&self) -> Value {
        let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
            Ok(text) => json!(text),
            Err(_) => json!({"base64": base64_simd::STANDARD.encode_to_string(bytes)}),
        };
        let params = self.params.iter();
        json!({
            "params": params.map(|(name, value)| json!([text(name), text(value)])).collect::<Vec<_>>(),
            "body": text(&self.body),
        })
    }
}

/// What a receiver takes from a message: parts of it by name.
pub type Covered = Vec<(String, Vec<u8>)>;

/// Accepted as saying this, or refused by that rule.
pub type Verdict = Result<Covered, String>;

/// A way to sign messages.
#[derive(Debug, Clone, Copy)]
pub struct Scheme {
    /// Its name in the table.
    pub name: &'static str,
    /// A genuine message.
    pub make: fn(&mut Chance) -> Sent,
    /// What a receiver says of a message.
    pub judge: fn(&Sent) -> Verdict,
}

/// What came of the cases so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many cases there were.
    pub cases: u64,
    /// Accepted, and it says what it said.
    pub same: u64,
    /// Refused, by rule.
    pub refused: BTreeMap<String, u64>,
    /// Accepted, and it says something else.
    pub findings: Vec<Value>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.cases += other.cases;
        self.same += other.same;
        for (rule, count) in other.refused {
            *self.refused.entry(rule).or_default() += count;
        }
        self.findings.extend(other.findings);
    }

    fn to_json(&self) -> Value {
        json!({"cases": self.cases, "same": self.same, "refused": self.refused, "findings": self.findings})
    }

    fn from_json(value: &Value) -> Self {
        let refused = value["refused"].as_object().into_iter().flatten();
        Self {
            cases: value["cases"].as_u64().unwrap_or(0),
            same: value["same"].as_u64().unwrap_or(0),
            refused: refused
                .map(|(rule, count)| (rule.clone(), count.as_u64().unwrap_or(0)))
                .collect(),
            findings: value["findings"].as_array().cloned().unwrap_or_default(),
        }
    }
}

/// Cases that are made of the same two genuine messages.
const CASES_OF_A_PAIR: u64 = 50;

/// Runs the cases of these numbers.
///
/// # Panics
/// A genuine message is refused: then nothing that a campaign says is worth anything.
pub fn run(scheme: &Scheme, seed: u64, cases: std::ops::Range<u64>) -> Tally {
    let mut tally = Tally::default();
    let mut kept: Option<(u64, [Sent; 2], [Covered; 2])> = None;
    for case in cases {
        // A signature takes longer than all the rest: several cases are made of the same two messages.
        let pair = case / CASES_OF_A_PAIR;
        if kept.as_ref().is_none_or(|(kept, ..)| *kept != pair) {
            let mut chance = Chance::of(!seed, scheme.name, pair);
            let genuine = [(scheme.make)(&mut chance), (scheme.make)(&mut chance)];
            let said = genuine.each_ref().map(|sent| {
                (scheme.judge)(sent).unwrap_or_else(|rule| {
                    let sent = sent.to_json();
                    panic!(
                        "{}: a genuine message is refused by {rule}: {sent}",
                        scheme.name
                    )
                })
            });
            kept = Some((pair, genuine, said));
        }
        let Some((_, genuine, said)) = &kept else {
            continue;
        };
        let mut chance = Chance::of(seed, scheme.name, case);
        let mut changed = genuine[0].clone();
        let times = if chance.once_in(4) {
            2 + chance.below(3)
        } else {
            1
        };
        let mut how = Vec::new();
        // Some changes do nothing to some messages.
        while how.len() < times || changed == genuine[0] {
            how.push(mutate::change(&mut changed, &genuine[1], &mut chance));
        }
        tally.cases += 1;
        match (scheme.judge)(&changed) {
            Err(rule) => *tally.refused.entry(rule).or_default() += 1,
            Ok(covered) if said.contains(&covered) => tally.same += 1,
            Ok(covered) => tally.findings.push(json!({
                "scheme": scheme.name, "seed": seed, "case": case, "how": how,
                "genuine": genuine[0].to_json(), "other": genuine[1].to_json(), "accepted": changed.to_json(),
                "said": shown(&said[0]), "says": shown(&covered),
            })),
        }
    }
    tally
}

fn shown(covered: &Covered) -> Value {
    let pairs = covered.iter();
    pairs
        .map(|(name, value)| json!([name, String::from_utf8_lossy(value)]))
        .collect()
}

/// How far a campaign goes, and where it keeps what it did.
#[derive(Debug, Clone)]
pub struct Bounds {
    /// Cases of each scheme.
    pub cases: u64,
    /// When to stop, whatever is done.
    pub until: Instant,
    /// Decides every case.
    pub seed: u64,
    /// Threads.
    pub threads: usize,
}

/// Cases that are run before the state is written.
const BLOCK: u64 = 100_000;

/// What is known of each scheme, and whether it may go on.
#[derive(Debug, Default)]
pub struct State {
    seed: u64,
    tallies: BTreeMap<String, Tally>,
}

impl State {
    /// Takes up what was done with this seed; with another one nothing was.
    pub fn read(text: &str, seed: u64) -> Self {
        let mut state = Self {
            seed,
            tallies: BTreeMap::new(),
        };
        let value: Value = serde_json::from_str(text).unwrap_or_default();
        if value["seed"].as_u64() == Some(seed) {
            let known = value["schemes"].as_object().into_iter().flatten();
            state.tallies = known
                .map(|(name, tally)| (name.clone(), Tally::from_json(tally)))
                .collect();
        }
        state
    }

    /// What [`Self::read`] takes up.
    pub fn write(&self) -> String {
        let known = self.tallies.iter();
        let schemes: serde_json::Map<_, _> = known
            .map(|(name, tally)| (name.clone(), tally.to_json()))
            .collect();
        format!("{:#}\n", json!({"seed": self.seed, "schemes": schemes}))
    }

    /// Everything that was accepted and says something else.
    pub fn findings(&self) -> impl Iterator<Item = &Value> {
        self.tallies.values().flat_map(|tally| &tally.findings)
    }

    /// The cases of a scheme so far.
    pub fn cases(&self, scheme: &str) -> u64 {
        self.tallies.get(scheme).map_or(0, |tally| tally.cases)
    }

    /// Goes on with a scheme; `save` is called after each block.
    pub fn go_on(&mut self, scheme: &Scheme, bounds: &Bounds, mut save: impl FnMut(&Self)) {
        while self.cases(scheme.name) < bounds.cases && Instant::now() < bounds.until {
            let from = self.cases(scheme.name);
            let to = bounds.cases.min(from + BLOCK);
            let block = block(scheme, bounds, from..to);
            self.tallies
                .entry(scheme.name.to_owned())
                .or_default()
                .add(block);
            save(self);
        }
    }

    /// Scheme × cases × accepted as the same × refused by which rules.
    pub fn table(&self) -> String {
        let mut out = format!(
            "{:<14} {:>10} {:>9} {:>10} {:>8}  refused by\n",
            "scheme", "changed", "same", "refused", "FOUND"
        );
        for (name, tally) in &self.tallies {
            let refused: u64 = tally.refused.values().sum();
            let mut rules: Vec<_> = tally.refused.iter().collect();
            rules.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
            let rules: Vec<_> = rules
                .iter()
                .map(|(rule, count)| format!("{rule} {count}"))
                .collect();
            let _ = writeln!(
                out,
                "{name:<14} {:>10} {:>9} {refused:>10} {:>8}  {}",
                tally.cases,
                tally.same,
                tally.findings.len(),
                rules.join(", ")
            );
        }
        out
    }
}

/// A block on all threads, in pieces, so that no thread waits long for another.
fn block(scheme: &Scheme, bounds: &Bounds, cases: std::ops::Range<u64>) -> Tally {
    const PIECE: u64 = 2_000;
    let next = AtomicU64::new(cases.start);
    let work = || {
        let mut own = Tally::default();
        loop {
            let from = next.fetch_add(PIECE, Ordering::Relaxed);
            if from >= cases.end {
                return own;
            }
            own.add(run(scheme, bounds.seed, from..cases.end.min(from + PIECE)));
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..bounds.threads.max(1))
            .map(|_| scope.spawn(work))
            .collect();
        let mut all = Tally::default();
        for thread in threads {
            all.add(thread.join().expect("a case that panics ends the campaign"));
        }
        all
    })
}
