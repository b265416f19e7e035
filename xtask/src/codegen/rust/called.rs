//! What things are called in Rust: crates, modules of callbacks, fields.

use xinqiao_catalog::{Event, Field, Product};

use crate::names::ident;

/// The folder of a product's crate.
pub(crate) fn crate_name(product: Product) -> String {
    format!("xinqiao-{}", product.name().replace('_', "-"))
}

/// Module of a callback inside its product's events: `event` of `official_account.event.subscribe`.
pub(crate) fn event_module(event: &Event) -> String {
    ident(event.id.split('.').nth(1).unwrap_or("event"))
}

/// The name of a field in Rust.
pub(crate) fn field_name(field: &Field) -> String {
    if field.rust.is_empty() {
        ident(field.name)
    } else {
        field.rust.to_owned()
    }
}
