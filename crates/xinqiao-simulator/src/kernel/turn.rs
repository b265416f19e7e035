//! One command being carried out: the world, the time, and the effects so far.

use serde_json::Value;
use xinqiao_types::UnixSeconds;

use super::{
    declared::RowKind,
    effect::Effect,
    row::{LateRow, Row, RowState},
    world::World,
};

/// One command being carried out.
#[derive(Debug)]
pub(crate) struct Turn<'w> {
    pub(crate) world: &'w mut World,
    pub(crate) now: UnixSeconds,
    /// Up to when what is due is being done: what repeats need not happen more than once on the way of a jump.
    pub(crate) until: UnixSeconds,
    pub(crate) wall_ms: i64,
    /// The act that this follows from.
    pub(crate) cause: String,
    /// What the row of the call under way explains although it is not refused: a rule of the catalog.
    pub(crate) remark: Option<&'static str>,
    pub(crate) effects: Vec<Effect>,
}

impl<'w> Turn<'w> {
    pub(crate) fn new(world: &'w mut World, wall_ms: i64) -> Self {
        let now = world.now(wall_ms);
        Self {
            world,
            now,
            until: now,
            wall_ms,
            cause: String::new(),
            remark: None,
            effects: Vec::new(),
        }
    }
}

impl Turn<'_> {
    /// Tells every feature that hears this topic, in the order of the house. Who publishes knows none of them.
    pub(crate) fn publish(&mut self, topic: &str, what: &Value) {
        let house = self.world.house;
        for feature in &house.features {
            for (_, hear) in feature.topics.iter().filter(|(of, _)| *of == topic) {
                hear(self, what);
            }
        }
    }

    /// A row about now, to be filled in.
    pub(crate) fn row(&self, kind: &'static RowKind, state: RowState) -> Row {
        Row::about(kind, state, self.now.0, self.wall_ms, self.cause.clone())
    }

    pub(crate) fn show(&mut self, row: Row) {
        let declared = &self.world.house.declared;
        debug_assert!(
            declared.rows.contains_key(row.kind.name),
            "nobody declares the kind of row `{}`",
            row.kind.name
        );
        debug_assert!(
            { row.facts.keys() }.all(|name| declared.facts.contains_key(name.as_str())),
            "nobody declares one of the facts {:?}",
            row.facts
        );
        self.show_late(row.into());
    }

    /// Shows a row that is made when somebody reads it.
    pub(crate) fn show_late(&mut self, row: LateRow) {
        self.effects.push(Effect::Row(Box::new(row)));
    }
}
