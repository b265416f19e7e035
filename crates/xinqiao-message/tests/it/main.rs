//! Tests of the published interface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod arrivals;
mod diagnosis;
mod events;
mod forms;
mod freshness;
mod inbound;
mod push;
mod reply;
mod rules;
mod vectors;
