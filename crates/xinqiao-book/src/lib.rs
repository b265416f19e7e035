//! Compiles what the documentation shows: every piece of Rust in the book and in the read-me is a documentation test of this
//! crate, and every path of the task tables is named once. Nothing here runs, and nothing is published.

mod generated;
mod pages;
