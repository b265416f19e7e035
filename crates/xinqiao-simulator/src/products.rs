//! What the platform's products do: one file or folder a feature, one line a feature in its product's list.
//!
//! Products do not know one another. Where one causes something in another it publishes a topic, and the other hears
//! it.

mod component;
pub(crate) mod official_account;
pub(crate) mod pay;
pub(crate) mod work;

use std::sync::LazyLock;

use serde_json::Value;
use xinqiao_catalog::Product;

use crate::{
    accounts,
    door::{self, Behaviour, Desk, credential::Finder, dialect::Dialect},
    kernel::{
        self, House, Turn, World,
        command::Verb,
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
    /// How some products answer.
    pub(crate) dialects: &'static [(&'static [Product], &'static Dialect)],
    /// What people do on the phone.
    pub(crate) acts: &'static [Act],
    /// What is pushed to servers.
    pub(crate) pushes: &'static [&'static PushKind],
    /// Its own part of the control interface.
    pub(crate) routes: &'static [Route],
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
        dialects: &[],
        acts: &[],
        pushes: &[],
        routes: &[],
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
        pay::FEATURES,
    ];
    products.into_iter().flatten().copied()
}

/// The house with every feature of this program.
pub(crate) fn house() -> &'static House {
    static HOUSE: LazyLock<House> = LazyLock::new(|| {
        let rooms = [
            time::FEATURE,
            accounts::FEATURE,
            people::FEATURE,
            push::FEATURE,
            door::FEATURE,
        ];
        let features = rooms.into_iter().chain(all().map(Feature::of_kernel));
        let desk = Desk {
            behaviours: all()
                .flat_map(|feature| feature.behaviours)
                .map(|behaviour| (behaviour.id, behaviour))
                .collect(),
            finders: all().flat_map(|feature| feature.finders).collect(),
            dialects: { all() }
                .flat_map(|feature| feature.dialects)
                .copied()
                .collect(),
        };
        let acts = Acts::new(all().flat_map(|feature| feature.acts));
        let kinds = Kinds::new(all().flat_map(|feature| feature.pushes).copied());
        House::new(
            features.collect(),
            vec![Box::new(desk), Box::new(acts), Box::new(kinds)],
        )
    });
    &HOUSE
}

#[cfg(test)]
mod tests;
