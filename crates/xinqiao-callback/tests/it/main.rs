//! The callback service against a platform that seals and judges for itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod arrivals;
mod bad_requests;
mod messages;
mod platform;
mod slow;
