//! What is done to Xinqiao here before strangers do it.
//!
//! [`fuzz`] feeds any bytes to whatever reads bytes of others. [`campaign`] (`make attack`) changes genuine messages of
//! every scheme a million times and looks for one that is accepted and says something else; the timing test asks whether
//! the time of a refusal tells anything.
//!
//! Nothing here is part of a program that people run.

pub mod campaign;
pub mod chance;
pub mod fuzz;
mod merchant;
pub mod timing;
