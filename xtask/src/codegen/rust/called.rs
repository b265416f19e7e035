//! What things are called in Rust: crates, types of requests and callbacks, fields.

use xinqiao_catalog::{Event, Field, Product};

use crate::names::{camel, ident, split};

/// Names that a request type may not have, because generated code uses them.
const FORBIDDEN: &[&str] = &["String", "Option", "Vec", "Self", "Some", "None", "W"];

/// The folder of a product's crate.
pub(crate) fn crate_name(product: Product) -> String {
    format!("xinqiao-{}", product.name().replace('_', "-"))
}

/// Module and name of a callback inside its product's events: `event.subscribe`.
pub(super) fn event_place(event: &Event) -> (&'static str, &'static str) {
    let rest = event.id.split_once('.').map_or(event.id, |(_, rest)| rest);
    rest.split_once('.').unwrap_or(("event", rest))
}

/// The type's name of a callback. Its id keeps the wire's spelling, the type has its words apart.
pub(crate) fn event_type(event: &Event) -> String {
    if event.rust.is_empty() {
        type_name(&split(event_place(event).1))
    } else {
        event.rust.to_owned()
    }
}

/// The name of a field in Rust.
pub(crate) fn field_name(field: &Field) -> String {
    if field.rust.is_empty() {
        ident(field.name)
    } else {
        field.rust.to_owned()
    }
}

/// The request type's name: the verb in camel case.
pub(crate) fn type_name(verb: &str) -> String {
    let mut name = camel(verb);
    if FORBIDDEN.contains(&name.as_str()) {
        name.push_str("Call");
    }
    if name.starts_with(|character: char| character.is_ascii_digit()) {
        name.insert(0, 'N');
    }
    name
}
