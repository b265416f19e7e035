//! Starts simulators and apps inside tests.
//!
//! A [`TestWorld`] is a simulator on random ports with an empty world in memory; a [`TestApp`] is an app double that
//! records callbacks and answers as told. Both speak real HTTP over loopback, so a test sees what an SDK sees.
//!
//! Refuses to be used outside tests: everything panics with a message instead of returning an error.

mod app;
mod world;

pub use self::{
    app::{Recorded, TestApp, Told},
    world::TestWorld,
};
pub use xinqiao_simulator::{Options, Storage};
