//! What a feature declares to the kernel, and the house in which all features are found.

use std::{any::Any, collections::BTreeMap};

use serde_json::Value;

use super::{
    command::Verb,
    declared::{Declared, Shown},
    key::Id,
    route::Route,
    table::AnyTable,
    turn::Turn,
    world::World,
};

/// What a room or a feature of a product has for the kernel. Everything but the name may be missing.
#[derive(Clone, Copy)]
pub(crate) struct Feature {
    /// `accounts`, `official_account.menu`; the names of its tables and verbs begin with it.
    pub(crate) name: &'static str,
    pub(crate) tables: &'static [&'static dyn AnyTable],
    pub(crate) verbs: &'static [Verb],
    /// Does what [`Turn::later`] put off, at its own second.
    pub(crate) due: Option<fn(&mut Turn<'_>, &Value)>,
    /// Topics that it hears, with what it does then.
    pub(crate) topics: &'static [(&'static str, Hear)],
    /// Rebuilds its tables in memory, after a load.
    pub(crate) index: Option<fn(&mut World)>,
    /// Fills a world that is made with everything in it.
    pub(crate) seed: Option<fn(&mut Turn<'_>)>,
    /// What it adds to an object of the control interface: the object's kind, and how.
    pub(crate) views: &'static [(&'static str, View)],
    /// What it has against something that another feature is about to do.
    pub(crate) objections: &'static [(&'static str, Objection)],
    pub(crate) routes: &'static [Route],
    /// What the phone and the console show of it.
    pub(crate) shows: &'static [Shown],
    /// Tables of traffic that earlier programs kept for it and nobody reads any more: what is in them is forgotten.
    pub(crate) retired: &'static [&'static str],
    /// Makes a row of its present version from an older one; none is dropped in silence.
    pub(crate) migrate: Option<Migrate>,
    /// Takes its part out of a world of format 1.
    pub(crate) earlier: Option<Earlier>,
}

/// Does what follows from something that happened elsewhere.
pub(crate) type Hear = fn(&mut Turn<'_>, &Value);
/// Takes a part out of a kept world of format 1.
pub(crate) type Earlier = fn(&mut World, &Value) -> Result<(), String>;
/// Completes the view of an object by its id.
pub(crate) type View = fn(&World, &str, &mut Value);
/// The platform's code of a refusal, if there is reason for one.
pub(crate) type Objection = fn(&World, &Value) -> Option<i64>;
/// Table, the row's version, key and row; gives key and row of the present version.
pub(crate) type Migrate = fn(&str, u32, Value, Value) -> Result<(Value, Value), String>;

impl Feature {
    pub(crate) const EMPTY: Self = Self {
        name: "",
        tables: &[],
        verbs: &[],
        due: None,
        topics: &[],
        index: None,
        seed: None,
        views: &[],
        objections: &[],
        routes: &[],
        shows: &[],
        retired: &[],
        migrate: None,
        earlier: None,
    };
}

impl std::fmt::Debug for Feature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Feature").field(&self.name).finish()
    }
}

/// All features of a program, and what the rooms above the kernel made of their declarations.
#[derive(Debug)]
pub(crate) struct House {
    pub(crate) features: Vec<Feature>,
    by_name: BTreeMap<&'static str, usize>,
    pub(crate) declared: Declared,
    /// What features add to objects, by the object's kind: calls that are made all the time ask for it.
    views: BTreeMap<&'static str, Vec<View>>,
    parts: Vec<Box<dyn Any + Send + Sync>>,
}

impl House {
    /// In the order in which features seed, index and hear topics.
    pub(crate) fn new(features: Vec<Feature>, parts: Vec<Box<dyn Any + Send + Sync>>) -> Self {
        let by_name = features
            .iter()
            .enumerate()
            .map(|(at, feature)| (feature.name, at))
            .collect();
        let mut views: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (kind, view) in features.iter().flat_map(|feature| feature.views) {
            views.entry(*kind).or_default().push(*view);
        }
        let shown = features.iter().flat_map(|feature| feature.shows).copied();
        Self {
            declared: Declared::new(shown),
            features,
            by_name,
            views,
            parts,
        }
    }

    pub(crate) fn feature(&self, name: &str) -> Option<&Feature> {
        self.by_name.get(name).map(|at| &self.features[*at])
    }

    pub(crate) fn tables(&self) -> impl Iterator<Item = &'static dyn AnyTable> {
        self.features
            .iter()
            .flat_map(|feature| feature.tables.iter().copied())
    }

    pub(crate) fn table(&self, name: &str) -> Option<&'static dyn AnyTable> {
        self.tables().find(|table| table.name() == name)
    }

    pub(crate) fn verbs(&self) -> impl Iterator<Item = &Verb> {
        self.features.iter().flat_map(|feature| feature.verbs)
    }

    pub(crate) fn routes(&self) -> impl Iterator<Item = &'static Route> {
        self.features.iter().flat_map(|feature| feature.routes)
    }

    /// Whether earlier programs kept a table of this name, and nobody reads it any more.
    pub(crate) fn is_retired(&self, table: &str) -> bool {
        { self.features.iter() }.any(|feature| feature.retired.contains(&table))
    }

    /// What a room above made of the declarations.
    pub(crate) fn part<T: Any>(&self) -> &T {
        self.parts
            .iter()
            .find_map(|part| part.downcast_ref())
            .expect("the house is built with a part for every room")
    }

    /// Adds to the view of an object what features have to say about it.
    pub(crate) fn complete(&self, world: &World, kind: &str, id: &str, view: &mut Value) {
        for add in self.views.get(kind).into_iter().flatten() {
            add(world, id, view);
        }
    }

    /// The first objection to something, in the order of the house.
    pub(crate) fn objection(&self, world: &World, to: &str, what: &Value) -> Option<i64> {
        self.features
            .iter()
            .flat_map(|feature| feature.objections)
            .filter(|(of, _)| *of == to)
            .find_map(|(_, objects)| objects(world, what))
    }

    /// Makes a row of an older version one of the present version.
    pub(crate) fn migrated(
        &self,
        table: &'static dyn AnyTable,
        version: u32,
        key: Value,
        row: Value,
    ) -> Result<(Value, Value), String> {
        let name = table.name();
        if version > table.version() {
            return Err(format!(
                "the table {name} is of version {version}, newer than this program reads ({})",
                table.version()
            ));
        }
        let owner = self
            .features
            .iter()
            .find(|feature| feature.tables.iter().any(|own| own.name() == name));
        match owner.and_then(|feature| feature.migrate) {
            Some(migrate) => migrate(name, version, key, row),
            None => Err(format!(
                "the table {name} is of version {version}, older than this program reads ({})",
                table.version()
            )),
        }
    }
}

/// An id that a JSON value holds as text.
pub(crate) fn id_in(value: &Value, name: &str) -> Option<Id> {
    value.get(name)?.as_str().map(Into::into)
}
