//! Decodes sample files through the generated types and encodes them again.
//!
//! A sample passes if what comes out is the same JSON value (or the same XML elements) as what went in. Beside that,
//! the share of values that typed slots hold by themselves is counted: decoded without keep-raw, encoded again.
//! This crate is not published; it is the only one that links all generated crates.

mod generated;
pub mod index;
pub mod registry;
pub mod trip;

pub use self::index::{Report, run};
