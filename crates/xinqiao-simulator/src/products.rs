//! What the platform's products do: one file or folder a feature, one line a feature in its product's list.
//!
//! Products do not know one another. Where one causes something in another it publishes a topic, and the other hears
//! it.

mod component;
mod mini_program;
pub(crate) mod official_account;
pub(crate) mod pay;
pub(crate) mod work;

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Value, json};
use xinqiao_catalog::Product;

use crate::{
    accounts::{
        self,
        rules::{Rule, Rules},
    },
    door::{self, Behaviour, Desk, credential::Finder, dialect::Dialect, pages::Shows},
    kernel::{
        self, House, Turn, World,
        command::Verb,
        declared::Shown,
        feature::{Earlier, Hear, Migrate, Objection, View},
        route::Route,
        table::AnyTable,
        time,
    },
    people::{
        self,
        act::{Act, Acts},
    },
    push::{self, Kinds, envelope::PushKind},
};

/// A feature of a product, complete: what it remembers, answers, does and shows. Everything but the name may be
/// missing.
#[derive(Debug)]
pub(crate) struct Feature {
    /// `official_account.menu`; the names of its tables and verbs begin with it.
    pub(crate) name: &'static str,
    pub(crate) tables: &'static [&'static dyn AnyTable],
    pub(crate) verbs: &'static [Verb],
    /// What endpoints do.
    pub(crate) behaviours: &'static [Behaviour],
    /// How callers of endpoints are found.
    pub(crate) finders: &'static [Finder],
    /// What pages of the platform do in a browser.
    pub(crate) pages: &'static [Shows],
    /// How some products answer.
    pub(crate) dialects: &'static [(&'static [Product], &'static Dialect)],
    /// What people do on the phone.
    pub(crate) acts: &'static [Act],
    /// What people should be able to do on the phone, and cannot yet.
    pub(crate) not_built: &'static [&'static str],
    /// What may be switched about it, since sources dispute it.
    pub(crate) rules: &'static [&'static Rule],
    /// What is pushed to servers.
    pub(crate) pushes: &'static [&'static PushKind],
    /// Its own part of the control interface.
    pub(crate) routes: &'static [Route],
    /// What the phone and the console show of it.
    pub(crate) shows: &'static [Shown],
    /// What it adds to objects of the control interface.
    pub(crate) views: &'static [(&'static str, View)],
    /// What it has against something that another feature is about to do.
    pub(crate) objections: &'static [(&'static str, Objection)],
    pub(crate) due: Option<fn(&mut Turn<'_>, &Value)>,
    pub(crate) topics: &'static [(&'static str, Hear)],
    pub(crate) index: Option<fn(&mut World)>,
    pub(crate) seed: Option<fn(&mut Turn<'_>)>,
    pub(crate) migrate: Option<Migrate>,
    pub(crate) earlier: Option<Earlier>,
}

impl Feature {
    pub(crate) const EMPTY: Self = Self {
        name: "",
        tables: &[],
        verbs: &[],
        behaviours: &[],
        finders: &[],
        pages: &[],
        dialects: &[],
        acts: &[],
        not_built: &[],
        rules: &[],
        pushes: &[],
        routes: &[],
        shows: &[],
        views: &[],
        objections: &[],
        due: None,
        topics: &[],
        index: None,
        seed: None,
        migrate: None,
        earlier: None,
    };

    /// What of it is the kernel's business.
    fn of_kernel(&self) -> kernel::Feature {
        kernel::Feature {
            name: self.name,
            tables: self.tables,
            verbs: self.verbs,
            due: self.due,
            topics: self.topics,
            index: self.index,
            seed: self.seed,
            views: self.views,
            objections: self.objections,
            routes: self.routes,
            shows: self.shows,
            retired: &[],
            migrate: self.migrate,
            earlier: self.earlier,
        }
    }
}

/// Every product's features. A product's line stands here, a feature's in its product.
fn all() -> impl Iterator<Item = &'static Feature> {
    let products = [
        official_account::FEATURES,
        component::FEATURES,
        work::FEATURES,
        mini_program::FEATURES,
        pay::FEATURES,
    ];
    products.into_iter().flatten().copied()
}

/// The house with every feature of this program.
pub(crate) fn house() -> &'static House {
    static HOUSE: LazyLock<House> = LazyLock::new(|| built(desk()));
    &HOUSE
}

fn desk() -> Desk {
    Desk {
        behaviours: all()
            .flat_map(|feature| feature.behaviours)
            .map(|behaviour| (behaviour.id, behaviour))
            .collect(),
        finders: all().flat_map(|feature| feature.finders).collect(),
        pages: all().flat_map(|feature| feature.pages).collect(),
        dialects: { all() }
            .flat_map(|feature| feature.dialects)
            .copied()
            .collect(),
    }
}

fn built(desk: Desk) -> House {
    let rooms = [
        time::FEATURE,
        accounts::FEATURE,
        people::FEATURE,
        push::FEATURE,
        door::FEATURE,
    ];
    let features = rooms.into_iter().chain(all().map(Feature::of_kernel));
    let lacking = all().flat_map(|feature| feature.not_built).copied();
    let acts = Acts::new(all().flat_map(|feature| feature.acts), lacking);
    let rules = { push::RULES.iter() }.chain(all().flat_map(|feature| feature.rules));
    let rules = Rules::new(rules.copied());
    let kinds = Kinds::new(all().flat_map(|feature| feature.pushes).copied());
    House::new(
        features.collect(),
        vec![
            Box::new(desk),
            Box::new(acts),
            Box::new(kinds),
            Box::new(rules),
        ],
    )
}

/// What the features declare for people's eyes and hands: the body of `GET /declared`, of which the web side's types
/// are made.
pub(crate) fn declared() -> Value {
    let house = house();
    let mut acts: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for act in house.part::<Acts>().all() {
        let own = json!({"title": act.title, "kinds": act.kinds, "fields": act.fields});
        acts.entry(act.verb).or_default().push(own);
    }
    let mut all = json!(house.declared);
    all["acts"] = json!(acts);
    all
}

#[cfg(test)]
mod tests;
