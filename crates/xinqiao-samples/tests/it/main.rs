//! The runner on records made here; with the feature `registry` all generated types.

#![cfg_attr(
    feature = "registry",
    expect(clippy::print_stderr, reason = "a check that is left out says why")
)]

#[cfg(feature = "registry")]
mod arrivals;
#[cfg(feature = "registry")]
#[path = "../../../xinqiao-message/tests/it/forms.rs"]
mod forms;
mod index;
#[cfg(feature = "registry")]
mod mutated;
#[cfg(feature = "registry")]
mod notices;
#[cfg(feature = "registry")]
mod registry;
