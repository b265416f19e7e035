//! Tests of the published interface.

mod properties;
mod vectors;
