//! Decodes sample files through types and encodes them again.
//!
//! With the feature `registry` those types are all that are generated: makers of each by catalog id. This crate is
//! not published; it is the only one that links all generated crates.

mod alternatives;
#[cfg(feature = "registry")]
#[rustfmt::skip]
mod generated;
pub mod index;
mod names;
#[cfg(feature = "registry")]
pub mod registry;
mod report;
pub mod trip;

pub use self::report::Report;
