//! The registry of `xinqiao-samples`: a maker of every request, answer and event by id.

use std::fmt::Write as _;

use anyhow::Result;
use xinqiao_catalog::{Content, Endpoint, Product};

use super::rust::events::homes;
use super::rust::{crate_name, event_module};
use super::{Files, HEAD};
use crate::names::{ident, type_name};
use crate::pack::Catalog;
use crate::source::read;

/// Writes one registry file a product.
pub(crate) fn write(catalog: &Catalog, files: &mut Files) -> Result<()> {
    let homes = homes(catalog)?;
    let folder = read::repository().join("crates/xinqiao-samples/src/generated");
    let mut root = format!("{HEAD}//! Makers by id, one table a product.\n\n");
    for (product, section) in &catalog.sections {
        let name = product.name();
        let krate = crate_name(*product).replace('-', "_");
        let mut out =
            format!("{HEAD}//! Makers of `{name}`.\n\nuse crate::registry::{{Maker, make}};\n");
        let _ = write!(
            out,
            "use {krate} as p;\n\n/// Requests and answers by id.\n"
        );
        out.push_str("pub(crate) static ENDPOINTS: &[(&str, Maker, Maker)] = &[\n");
        for endpoint in &section.endpoints {
            let module: Vec<String> = endpoint.module.split('.').map(ident).collect();
            let path = format!("p::{}", module.join("::"));
            let request = format!("make::<{path}::{}>", type_name(endpoint.verb));
            let response = match answer(catalog, *product, endpoint) {
                Ok(own) => format!("make::<{path}::{own}>"),
                Err(shared) => format!("make::<{shared}>"),
            };
            let _ = writeln!(out, "    (\"{}\", {request}, {response}),", endpoint.id);
        }
        out.push_str("];\n\n/// Events by id.\npub(crate) static EVENTS: &[(&str, Maker)] = &[\n");
        if let Some(events) = catalog.events.get(product) {
            for event in &events.events {
                let name = homes.get(event.id).map_or(event.rust, |(_, name)| name);
                let _ = writeln!(
                    out,
                    "    (\"{}\", make::<p::events::{}::{}>),",
                    event.id,
                    event_module(event),
                    name
                );
            }
        }
        out.push_str("];\n");
        files.insert(folder.join(format!("{name}.rs")), out.into_bytes());
        let _ = writeln!(root, "pub(crate) mod {name};");
    }
    files.insert(folder.with_extension("rs"), root.into_bytes());
    Ok(())
}

/// The name of the answer's own type, or the shared type.
pub(super) fn answer(
    catalog: &Catalog,
    product: Product,
    endpoint: &Endpoint,
) -> Result<String, &'static str> {
    let file = matches!(
        endpoint.answer,
        Content::Binary | Content::Csv | Content::Raw
    );
    if endpoint.response.is_empty() {
        return Err(match (endpoint.partial, file) {
            (true, false) => "xinqiao_wire::Free",
            (_, true) => "xinqiao_wire::Blob",
            _ => "xinqiao_wire::Empty",
        });
    }
    let name = format!("{}Response", type_name(endpoint.verb));
    let section = catalog.sections.get(&product);
    let taken = section.is_some_and(|section| {
        section
            .endpoints
            .iter()
            .any(|other| other.module == endpoint.module && type_name(other.verb) == name)
    });
    Ok(if taken {
        format!("{}Answer", type_name(endpoint.verb))
    } else {
        name
    })
}
