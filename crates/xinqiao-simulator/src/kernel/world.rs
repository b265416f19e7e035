//! The simulated world: rows of tables, files, a seed.

use std::ops::RangeInclusive;

use serde_json::Value;
use xinqiao_types::UnixSeconds;

use super::{
    chance::Draw,
    clock::WorldClock,
    command::{Command, Entry, Refused},
    effect::Effect,
    feature::House,
    files::Files,
    key::Id,
    table::{Table, Tables},
    time::DUE,
    turn::Turn,
};

/// How many objects of each kind were made.
pub(crate) static COUNTERS: Table<Id, u64> = Table::new("kernel.counters", 1);
/// The same for traffic: numbers go on when the world is replaced.
pub(crate) static TRAFFIC_COUNTERS: Table<Id, u64> = Table::traffic("kernel.traffic_counters", 1);
/// Numbers up to here are whole in every language that reads them.
const MOST_COUNTED: u64 = 1 << 53;
/// The clock: one row.
pub(crate) static CLOCK: Table<(), WorldClock> = Table::new("kernel.clock", 1);

/// Whether the five seconds are stretched: one row.
pub(crate) static PATIENT: Table<(), bool> = Table::traffic("kernel.patient", 1);

/// Everything that the platform remembers.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) tables: Tables,
    pub(crate) files: Files,
    pub(crate) seed: u64,
    /// Whether a reset brings the seeded accounts and users back.
    pub(crate) seeded: bool,
    pub(crate) house: &'static House,
    /// Where the platform's hosts are to be found in this run: not kept.
    pub(crate) origins: Origins,
    /// Whether what was kept so far no longer counts.
    pub(crate) replaced: bool,
}

/// Where the platform's hosts are to be found in this run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins {
    /// Origin of the pages and pictures.
    pub(crate) pages: String,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Outcome<T> {
    /// The answer, or why not.
    pub(crate) answer: Result<T, Refused>,
    /// What is to be done outside.
    pub(crate) effects: Vec<Effect>,
}

impl World {
    /// A world without anything.
    pub(crate) fn empty(seed: u64, house: &'static House) -> Self {
        Self {
            tables: Tables::default(),
            files: Files::default(),
            seed,
            seeded: false,
            house,
            origins: Origins::default(),
            replaced: false,
        }
    }

    /// A new world, with what features seed if wanted.
    pub(crate) fn new(seed: u64, seeded: bool, house: &'static House) -> Self {
        let mut world = Self::empty(seed, house);
        world.seeded = seeded;
        if seeded {
            let mut turn = Turn::new(&mut world, 0);
            for seed in house.features.iter().filter_map(|feature| feature.seed) {
                seed(&mut turn);
            }
        }
        world
    }

    /// From here on it is noted what changes.
    pub(crate) fn watch(&mut self) {
        self.tables.watched = true;
        self.files.watched = true;
    }

    /// Whether there is something that is not written down.
    pub(crate) fn has_changes(&self) -> bool {
        self.replaced || self.tables.changed() > 0 || self.files.has_changes()
    }

    /// Counts everything as changed.
    pub(crate) fn touch(&mut self) {
        for table in self.house.tables() {
            table.touch(&mut self.tables);
        }
        self.files.touch();
    }

    /// Simulated time at this real time.
    pub(crate) fn now(&self, wall_ms: i64) -> UnixSeconds {
        self.clock().read(wall_ms)
    }

    pub(crate) fn clock(&self) -> WorldClock {
        CLOCK.get(self, &()).copied().unwrap_or_default()
    }

    /// Whether the five seconds that an app has are stretched.
    pub(crate) fn is_patient(&self) -> bool {
        PATIENT.get(self, &()).copied().unwrap_or(false)
    }

    /// The next second at which something falls due.
    pub(crate) fn next_due(&self) -> Option<i64> {
        DUE.all(self).next().map(|((at, _), _)| *at)
    }

    /// The next number of this kind, from 1.
    pub(crate) fn serial(&mut self, kind: &str) -> u64 {
        count(&COUNTERS, self, kind, 1)
    }

    /// The next so many numbers of this kind, at once.
    pub(crate) fn serials(&mut self, kind: &str, many: u64) -> RangeInclusive<u64> {
        let last = count(&COUNTERS, self, kind, many);
        last - many + 1..=last
    }

    /// The next number of a kind of traffic, from 1.
    pub(crate) fn traffic_serial(&mut self, kind: &str) -> u64 {
        count(&TRAFFIC_COUNTERS, self, kind, 1)
    }

    /// The bytes of the next object of this kind.
    pub(crate) fn next(&mut self, kind: &str) -> Draw {
        let number = self.serial(kind);
        self.named(kind, &number.to_string())
    }

    /// The same, and never the same again, though the world be replaced by one that began alike: for what a browser keeps.
    pub(crate) fn next_ever(&mut self, kind: &str) -> Draw {
        let number = self.traffic_serial(kind);
        self.named(kind, &number.to_string())
    }

    /// The bytes of the object of this kind that has this name.
    pub(crate) fn named(&self, kind: &str, name: &str) -> Draw {
        Draw::new(self.seed, kind, name)
    }

    /// Carries out one command at this real time.
    pub(crate) fn apply<C: Command>(&mut self, command: C, wall_ms: i64) -> Outcome<C::Answer> {
        let mut turn = Turn::new(self, wall_ms);
        turn.let_fall_due(turn.now);
        let answer = command.run(&mut turn);
        Outcome {
            answer,
            effects: turn.effects,
        }
    }

    /// Carries out what a journal holds; effects have happened already.
    pub(crate) fn replay(&mut self, entry: &Entry, wall_ms: i64) -> Result<(), String> {
        let house = self.house;
        let verb = house
            .verbs()
            .find(|verb| verb.name == entry.name)
            .ok_or_else(|| format!("this program has no command `{}`", entry.name))?;
        let mut turn = Turn::new(self, wall_ms);
        turn.let_fall_due(turn.now);
        verb.replay(&mut turn, entry)
    }

    /// Refuses what no program has written: counters that would soon be at their end.
    pub(crate) fn sound(&self) -> Result<(), String> {
        let all = COUNTERS.all(self).chain(TRAFFIC_COUNTERS.all(self));
        match { all }.find(|(_, number)| **number > MOST_COUNTED) {
            Some((kind, number)) => Err(format!(
                "the counter of `{kind}` stands at {number}, more than are ever made"
            )),
            None => Ok(()),
        }
    }

    /// Rebuilds the tables in memory, after a load.
    pub(crate) fn index(&mut self) {
        for index in self
            .house
            .features
            .iter()
            .filter_map(|feature| feature.index)
        {
            index(self);
        }
    }

    /// A world of format 1: the document, and what went over the wire.
    pub(crate) fn from_format_1(kept: &Value, house: &'static House) -> Result<Self, String> {
        let seed = kept["world"]["chance"]["seed"]
            .as_u64()
            .ok_or("a world of format 1 has a seed")?;
        let mut world = Self::empty(seed, house);
        for earlier in house.features.iter().filter_map(|feature| feature.earlier) {
            earlier(&mut world, kept)?;
        }
        world.index();
        Ok(world)
    }

    /// Adds to the view of an object what features have to say about it.
    pub(crate) fn completed(&self, kind: &str, id: &str, mut view: Value) -> Value {
        self.house.complete(self, kind, id, &mut view);
        view
    }
}

fn count(table: &Table<Id, u64>, world: &mut World, kind: &str, many: u64) -> u64 {
    if let Some(counter) = table.get_mut(world, kind) {
        *counter += many;
        return *counter;
    }
    table.put(world, kind.into(), many);
    many
}
