//! What the types of a crate are made of: a product's section with its callbacks and meanings, or several of them
//! merged.

use xinqiao_catalog::blob::Section;
use xinqiao_catalog::{EnumId, Enumeration, Event, Meaning, Product, TypeDef};

use crate::pack::Catalog;

/// Everything that is numbered here is numbered by position.
#[derive(Clone, Copy)]
pub(crate) struct Stock<'a> {
    pub(crate) product: Product,
    pub(crate) section: &'a Section,
    pub(crate) events: &'a [Event],
    pub(crate) meanings: &'a [Meaning],
}

impl<'a> Stock<'a> {
    /// What the catalog has of a product.
    pub(crate) fn of(catalog: &'a Catalog, product: Product, section: &'a Section) -> Self {
        let events = catalog.events.get(&product);
        let meanings = catalog.meanings.get(&product);
        Self {
            product,
            section,
            events: events.map_or(&[], |all| &all.events),
            meanings: meanings.map_or(&[], |all| &all.meanings),
        }
    }

    pub(super) fn types(&self) -> &'a [TypeDef] {
        &self.section.types
    }

    /// What a field or value means, by its number; 0 is none.
    pub(super) fn meaning(&self, number: u32) -> Option<&'a Meaning> {
        self.meanings.get(number.checked_sub(1)? as usize)
    }

    pub(super) fn enumeration(&self, EnumId(id): EnumId) -> Option<&'a Enumeration> {
        self.section.enums.get(id as usize)
    }
}
