//! Tests of the published interface.

mod diagnosis;
mod inbound;
mod push;
mod reply;
mod vectors;
