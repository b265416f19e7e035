//! What `cargo xtask codegen` wrote for this crate.

#[rustfmt::skip]
#[allow(unused_imports, reason = "that the paths exist is all that is asked")]
mod tasks;
