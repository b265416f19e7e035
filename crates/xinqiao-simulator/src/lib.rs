//! The simulator: the WeChat platform on a laptop.
//!
//! A [`Simulator`] owns one simulated world, plays the platform's hosts on ports of its own, pushes callbacks to
//! the apps that registered, and offers the control interface `/_sim/v1` through which tests, the virtual phone
//! and the command line act on it.
//!
//! Refuses to call anything but the callback addresses it was given, and refuses to guess: a path that the
//! catalog does not know is a 404 with the nearest path, a call that is not built is a 501 that names it.
//!
//! Must always hold:
//! * [`world`] is pure: no clock, no chance, no network in it. The same seed, the same commands at the same times
//!   give the same world, byte for byte.
//! * One thread owns the world; everything else asks it.
//! * What the platform says comes from the catalog: no path, code, text or limit is spelled out here.
//!
//! Reading order: [`world`] (what there is and how it changes), `front_door` (how a platform call is judged),
//! `shell` (threads, sockets, the journal), `control` (the interface for people and tests).

mod control;
mod front_door;
mod options;
mod shell;
mod simulator;
pub mod world;

#[doc(hidden)]
pub use self::front_door::read_multipart;
pub use self::{
    options::{AppInfo, AppState, DevInfo, Options, Storage},
    simulator::{Seeded, SeededAccount, SeededUser, Simulator, StartError},
};
