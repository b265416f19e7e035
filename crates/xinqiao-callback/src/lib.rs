//! Receives WeChat's callbacks in a Rust app.
//!
//! A [`Callback`] is a tower service: it answers the URL check, verifies, decrypts and deduplicates what
//! the platform pushes, calls the first handler whose arguments fit, and seals its reply. It never waits
//! longer than its budget: a handler that takes longer is answered for with silence, and what it says in
//! the end goes to [`Builder::late`], from where it can reach the user as a customer message (客服消息).
//!
//! Invariants: a handler sees verified messages only; one message is handled once, however often the
//! platform repeats it within ten minutes; a bad request changes nothing and is told which rule it
//! broke; nothing turns verification off.
//!
//! ```no_run
//! use xinqiao_callback::{Callback, Event, Message, Reply, inbound};
//!
//! # fn f() -> Result<axum::Router, xinqiao_callback::SetupError> {
//! let callback = Callback::builder("wx0123456789abcdef", "token")
//!     .aes_key("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")?
//!     .on(|Message(text): Message<inbound::Text>| async move { Reply::text(text.content) })
//!     .on(|Event(_): Event<inbound::Subscribe>| async { Reply::text("欢迎") })
//!     .build();
//! let app = axum::Router::new().route_service("/wx", callback);
//! # Ok(app) }
//! ```
//!
//! Source: doc pages "接入指南", "接收普通消息", "被动回复用户消息".

mod delivery;
mod extract;
mod handler;
mod late;
mod memory;
mod refusal;
mod service;

pub use self::{
    delivery::{Answer, Delivery, IntoAnswer},
    extract::{Account, Event, Extract, Message, Sender, Whole},
    handler::Handler,
    late::LateReply,
    service::{Builder, Callback, SetupError},
};
pub use xinqiao_message::{Reply, inbound, reply};
