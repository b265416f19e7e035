//! Makers of all generated types by catalog id.
//!
//! The tool beside it decodes sample files through these types and encodes them again. This crate is not published;
//! it is the only one that links all generated crates.

#[rustfmt::skip]
mod generated;
pub mod registry;
