//! The simulator: the WeChat platform on a laptop.
//!
//! A [`Simulator`] owns one simulated world, plays the platform's hosts on ports of its own, pushes callbacks to
//! the apps that registered, and offers the control interface `/_sim/v1` through which tests, the virtual phone
//! and the command line act on it.
//!
//! Refuses to call anything but the callback addresses it was given, and refuses to guess: a path that the
//! catalog does not know is a 404 with the nearest path, a call that is not built is a 501 that names it.
//!
//! Rooms, from the bottom; each knows only those before it, as `cargo xtask check` proves:
//!
//! | room | what |
//! | --- | --- |
//! | `kernel` | tables, turns, time, chance, commands, effects |
//! | `accounts` | registration, secrets, rights, quotas, server settings, files |
//! | `people` | persons, contacts, chats, acts on the phone |
//! | `push` | callbacks: orders, attempts, envelopes |
//! | `door` | platform calls: recognised, admitted, checked, answered in a dialect |
//! | `products` | what the platform's products do, one file a feature |
//! | `shell` | the thread that owns the world, its file, pushes on the wire, the timeline |
//! | `control` | the interface for people and tests |
//!
//! Must always hold:
//! * from `kernel` to `products` nothing reads a clock, draws chance or does input or output: the same seed, the
//!   same commands at the same times give the same world, byte for byte;
//! * one thread owns the world; everything else asks it;
//! * what the platform says comes from the catalog: no path, code, text or limit is spelled out here;
//! * the rooms below `products` name no product.

mod accounts;
mod control;
mod door;
mod kernel;
mod options;
mod people;
mod products;
mod push;
mod shell;
mod simulator;

#[doc(hidden)]
pub use self::door::read_multipart;
pub use self::{
    options::{AppInfo, AppState, DevInfo, Options, Storage},
    shell::{doorkeeper::TLS_HEADER, store::StoreError},
    simulator::{Seeded, SeededAccount, SeededUser, Simulator, StartError},
};
