//! The short forms of what `make attack` does at length.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod campaign;
mod fuzz_seeds;
