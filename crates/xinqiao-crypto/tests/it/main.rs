//! Tests of the published interface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod properties;
mod vectors;
