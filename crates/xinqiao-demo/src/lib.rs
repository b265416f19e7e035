//! The demo app: what an app on this SDK looks like, and what `xinqiao dev` runs when no app is given.
//!
//! It answers texts, sends images and voices back, welcomes followers, has a menu, and has one command
//! (`慢`) that takes longer than the platform waits: that answer comes as a customer message. It keeps no
//! state and calls nothing but the platform.
//!
//! [`router`] gives its routes to a server of one's own; [`start`] runs it on a port of its own.

mod app;
mod menu;
mod server;

pub use self::{
    app::{Options, PATH, router},
    server::{Demo, StartError, start},
};
pub use xinqiao_callback::SetupError;
