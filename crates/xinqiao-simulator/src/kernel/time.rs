//! What falls due, and the commands about the clock and the world as a whole.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    clock::{ClockChange, WorldClock},
    command::{Command, Refused, Verb, verb},
    declared::Shown,
    effect::Effect,
    feature::Feature,
    key::Id,
    row::{self, RowState, Words},
    table::Table,
    turn::Turn,
    world::{CLOCK, COUNTERS, PATIENT, TRAFFIC_COUNTERS, World},
};

/// The last second of the year 9999: no clock goes further.
const LAST_SECOND: i64 = 253_402_300_799;

/// A second as people read it, in Shanghai.
fn read(at: UnixSeconds) -> String {
    shanghai::written(at, "%Y-%m-%d %H:%M:%S")
}

/// How far a clock went: `+2 天 3 小时`, in the largest units that are not nothing.
fn distance(seconds: i64) -> Words {
    let (sign, left) = (if seconds < 0 { "-" } else { "+" }, seconds.unsigned_abs());
    let parts = [
        (left / shanghai::DAY.unsigned_abs(), "天", "d"),
        (left / 3600 % 24, "小时", "h"),
        (left / 60 % 60, "分", "min"),
        (left % 60, "秒", "s"),
    ];
    let said = |chinese: bool| {
        let parts: Vec<String> = { parts.iter() }
            .filter(|(number, ..)| *number > 0)
            .map(|(number, zh, en)| format!("{number} {}", if chinese { zh } else { en }))
            .collect();
        if parts.is_empty() {
            return format!("0 {}", if chinese { "秒" } else { "s" });
        }
        format!("{sign}{}", parts.join(" "))
    };
    Words::new(said(true), said(false))
}

/// What falls due, by second and in the order in which it was put off.
pub(crate) static DUE: Table<(i64, u64), Due> = Table::new("kernel.due", 1);

/// Something that falls due.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Due {
    /// Whose.
    pub(crate) feature: Id,
    pub(crate) what: Value,
}

pub(crate) const FEATURE: Feature = Feature {
    name: "kernel",
    tables: &[&COUNTERS, &TRAFFIC_COUNTERS, &CLOCK, &PATIENT, &DUE],
    verbs: VERBS,
    earlier: Some(earlier),
    shows: &[Shown::Row(&row::ACT), Shown::Row(&row::SYSTEM)],
    ..Feature::EMPTY
};

const VERBS: &[Verb] = &[
    verb::<ClockChange>(),
    verb::<Reset>(),
    verb::<Import>(),
    verb::<Debug>(),
    verb::<super::route::Ask>(),
];

impl Turn<'_> {
    /// Does what is due up to this second, in order, each at its own second.
    pub(crate) fn let_fall_due(&mut self, until: UnixSeconds) {
        let (now, cause) = (self.now, std::mem::take(&mut self.cause));
        self.until = until;
        loop {
            let first = DUE.all(self.world).next().map(|(key, _)| *key);
            let Some(key) = first.filter(|(at, _)| *at <= until.0) else {
                break;
            };
            let Some(due) = DUE.remove(self.world, &key) else {
                break;
            };
            self.now = UnixSeconds(key.0);
            self.cause.clear();
            let house = self.world.house;
            if let Some(run) = house.feature(&due.feature).and_then(|feature| feature.due) {
                run(self, &due.what);
            }
        }
        (self.now, self.cause) = (now, cause);
    }

    /// Puts something off: the feature's `due` gets it at that second.
    pub(crate) fn later(&mut self, at: i64, feature: &str, what: Value) {
        put_off(self.world, at, feature, what);
    }

    fn move_clock(&mut self, to: UnixSeconds) {
        self.let_fall_due(to);
        self.change_clock(|clock, wall_ms| clock.set(to, wall_ms));
        let from = self.now;
        self.now = to;
        let mut row = self.row(&row::SYSTEM, RowState::Ok);
        row.title = Words::new(
            format!("时钟从 {} 拨到 {}", read(from), read(to)),
            format!("The clock moves from {} to {}", read(from), read(to)),
        );
        row.subtitle = distance(to.0 - from.0);
        row.label = Words::new("时钟", "clock");
        self.show(row);
    }

    fn change_clock(&mut self, change: impl FnOnce(&mut WorldClock, i64)) {
        let mut clock = self.world.clock();
        change(&mut clock, self.wall_ms);
        CLOCK.put(self.world, (), clock);
    }

    /// Another world takes this one's place; traffic is forgotten, its numbers go on.
    fn replace(&mut self, mut fresh: World) {
        let numbers: Vec<(Id, u64)> = TRAFFIC_COUNTERS
            .all(self.world)
            .map(|(kind, number)| (kind.clone(), *number))
            .collect();
        for (kind, number) in numbers {
            TRAFFIC_COUNTERS.put(&mut fresh, kind, number);
        }
        fresh.origins = self.world.origins.clone();
        fresh.replaced = true;
        if self.world.tables.watched {
            fresh.watch();
            fresh.touch();
        }
        *self.world = fresh;
        self.now = self.world.now(self.wall_ms);
        self.effects.extend([
            Effect::Replaced,
            Effect::Clock,
            Effect::Accounts,
            Effect::Users,
        ]);
    }
}

/// [`Turn::later`] where there is no turn.
pub(crate) fn put_off(world: &mut World, at: i64, feature: &str, what: Value) {
    let number = world.serial("due");
    let feature = feature.into();
    DUE.put(world, (at, number), Due { feature, what });
}

impl Command for ClockChange {
    const NAME: &'static str = "kernel.set_clock";
    const WAS: &'static str = "clock";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        match self {
            Self::Freeze(true) => turn.change_clock(WorldClock::freeze),
            Self::Freeze(false) => turn.change_clock(WorldClock::thaw),
            Self::Advance(seconds) => {
                if seconds < 0 {
                    return Err(Refused::invalid(
                        "`advance` must not be negative; use `now` to go back",
                    ));
                }
                let to = turn.now.0.checked_add(seconds);
                let Some(to) = to.filter(|to| *to <= LAST_SECOND) else {
                    return Err(Refused::invalid("`advance` leads beyond the year 9999"));
                };
                turn.move_clock(UnixSeconds(to));
            }
            Self::Now(to) => {
                if !(0..=LAST_SECOND).contains(&to) {
                    return Err(Refused::invalid(
                        "`now` is not a second between 1970 and 9999",
                    ));
                }
                turn.move_clock(UnixSeconds(to));
            }
        }
        turn.now = turn.world.now(turn.wall_ms);
        turn.effects.push(Effect::Clock);
        let frozen = turn.world.clock().is_frozen();
        Ok(json!({"now": turn.now, "frozen": frozen}))
    }
}

/// Lets fall due what is due.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Tick;

impl Command for Tick {
    const NAME: &'static str = "kernel.tick";
    type Answer = ();

    fn run(self, _: &mut Turn<'_>) -> Result<(), Refused> {
        Ok(())
    }
}

/// Everything back to the start.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Reset {
    /// Accounts whose connection outlives the reset.
    pub(crate) keep: Vec<String>,
}

/// Heard in the fresh world, with `{"kept": …}`: what [`SURVIVES`] gathered in the old one.
pub(crate) const REBORN: &str = "kernel.reborn";
/// The kind of view under which features say what outlives a reset, by account.
pub(crate) const SURVIVES: &str = "survives";

impl Command for Reset {
    const NAME: &'static str = "kernel.reset";
    const WAS: &'static str = "reset";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let kept: Vec<Value> = self
            .keep
            .iter()
            .map(|id| {
                let own = json!({"account": id});
                turn.world.completed(SURVIVES, id, own)
            })
            .collect();
        let fresh = World::new(turn.world.seed, turn.world.seeded, turn.world.house);
        turn.replace(fresh);
        turn.publish(REBORN, &json!({"kept": kept}));
        Ok(json!({}))
    }
}

/// Replaces the world by an exported one.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Import {
    pub(crate) document: String,
}

impl Command for Import {
    const NAME: &'static str = "kernel.import";
    const WAS: &'static str = "import";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let fresh = World::from_export(&self.document, turn.world.house)
            .map_err(|error| Refused::invalid(format!("not an export of a world: {error}")))?;
        turn.replace(fresh);
        Ok(json!({}))
    }
}

/// Stretches the five seconds that an app has.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Debug {
    pub(crate) pause: bool,
}

impl Command for Debug {
    const NAME: &'static str = "kernel.debug";
    const WAS: &'static str = "debug";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        PATIENT.put(turn.world, (), self.pause);
        Ok(json!({"pause": self.pause}))
    }
}

/// Format 1 had its counters and its clock in one document; what was due is put off again by its features.
fn earlier(world: &mut World, kept: &Value) -> Result<(), String> {
    let document = &kept["world"];
    let counters = document["chance"]["counters"].as_object();
    for (kind, number) in counters.into_iter().flatten() {
        COUNTERS.put(world, kind.as_str().into(), number.as_u64().unwrap_or(0));
    }
    let clock = serde_json::from_value(document["clock"].clone());
    CLOCK.put(world, (), clock.map_err(|error| error.to_string())?);
    world.seeded = document["seeded"].as_bool().unwrap_or(false);
    PATIENT.put(world, (), kept["patient"].as_bool().unwrap_or(false));
    for (kind, name) in [("delivery", "next_delivery"), ("act", "next_act")] {
        let number = kept["traffic"][name].as_u64().unwrap_or(0);
        TRAFFIC_COUNTERS.put(world, kind.into(), number);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::kernel::House;

    /// When something fell due.
    static LOG: Table<u64, i64> = Table::new("test.log", 1);

    const TEST: Feature = Feature {
        name: "test",
        tables: &[&LOG],
        due: Some(|turn, what| {
            let number = turn.world.serial("log");
            LOG.put(turn.world, number, turn.now.0);
            if let Some(after) = what["again"].as_i64() {
                turn.later(turn.now.0 + after, "test", what.clone());
            }
        }),
        ..Feature::EMPTY
    };

    fn house() -> &'static House {
        static HOUSE: LazyLock<House> =
            LazyLock::new(|| House::new(vec![FEATURE, TEST], Vec::new()));
        &HOUSE
    }

    #[test]
    fn a_clock_that_moves_is_told_as_people_read_it() {
        assert_eq!(read(UnixSeconds(1_796_085_752)), "2026-12-01 08:42:32");
        let said = |seconds| distance(seconds).en;
        assert_eq!(said(2 * 86_400 + 3 * 3600), "+2 d 3 h");
        assert_eq!(
            (said(-61), said(0)),
            ("-1 min 1 s".to_owned(), "0 s".to_owned())
        );
        assert_eq!(distance(48 * 3600 + 1).zh, "+2 天 1 秒");
    }

    #[test]
    fn what_falls_due_on_the_way_of_a_jump_does_so_at_its_own_second_and_in_order() {
        let mut world = World::new(1, false, house());
        let wall = 1_000_000;
        world.apply(ClockChange::Freeze(true), wall).answer.unwrap();
        put_off(&mut world, 1025, "test", json!({}));
        put_off(&mut world, 1010, "test", json!({"again": 10}));
        world.apply(ClockChange::Now(1040), wall).answer.unwrap();
        let times = |world: &World| LOG.all(world).map(|(_, at)| *at).collect::<Vec<_>>();
        assert_eq!(times(&world), [1010, 1020, 1025, 1030, 1040]);
        assert_eq!(world.now(wall), UnixSeconds(1040));
        assert_eq!(world.next_due(), Some(1050));
        world.apply(ClockChange::Now(1000), wall).answer.unwrap();
        assert_eq!(
            times(&world).len(),
            5,
            "going back undoes and repeats nothing"
        );
    }
}
