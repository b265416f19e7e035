//! Tests of the published interface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod pay;
mod pay_properties;
mod properties;
mod vectors;
