//! The platform as data, at run time.
//!
//! One source (the TOML files in `catalog/`) is packed by `cargo xtask codegen` into a blob that this crate carries;
//! gateway, simulator, CLI and console look everything up here instead of spelling paths, codes and limits.
//! The crate does no I/O, reads no clock, links no TOML parser, and unpacks a product's section on first use only.
//!
//! Invariants: ids are unique and stable (`catalog/ids.lock`); [`route()`] prefers a literal segment to a parameter;
//! everything returned lives as long as the program.
//!
//! * [`endpoint`], [`endpoints`], [`route()`]: operations.
//! * [`event`], [`events`], [`recognise_event`]: callbacks.
//! * [`meaning`], [`values`]: what a field is, and which values it may have.
//! * [`error`], [`permission`], [`quotas`], [`grant`], [`media`], [`diagnosis`]: the rest of the rule book.
//! * [`validate`], [`misfits`], [`mock()`], [`openapi`]: what can be computed from a schema alone.
//! * [`code`] and [`id`]: generated constants, the only way in which code names a code or an endpoint.

pub mod blob;
#[rustfmt::skip]
#[expect(clippy::module_inception, reason = "ids repeat words")]
mod generated;
mod lookup;
mod misfit;
pub mod mock;
pub mod model;
pub mod openapi;
pub mod route;
pub mod rules;
pub mod surface;
mod validate;

pub use self::generated::{code, event_id, id};
pub use self::lookup::{
    dedup_recipe, dedup_recipes, diagnoses, diagnosis, endpoint, endpoints, enumeration,
    enumerations, error, error_of, errors, event, events, grant, grants, host, hosts, issuing,
    issuing_endpoints, limits, meaning, media, media_limits, modules, page, pages, permission,
    permission_tables, permissions, quotas, quotas_of, recognise_event, routes, type_def, types,
    values,
};
pub use self::misfit::{Answer, Misfit, MisfitKind, fits, misfits};
pub use self::mock::mock;
pub use self::model::*;
pub use self::route::{RouteQuery, Routed, route};
pub use self::validate::{
    Violation, ViolationKind, missing, query_violations, validate, validate_query, violations,
};
