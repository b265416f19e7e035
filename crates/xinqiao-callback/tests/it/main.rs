//! The callback service against a platform that seals and judges for itself.

mod bad_requests;
mod messages;
mod platform;
mod slow;
