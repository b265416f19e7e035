//! The runner on records made here; with the feature `registry` all generated types.

mod index;
#[cfg(feature = "registry")]
mod mutated;
#[cfg(feature = "registry")]
mod registry;
