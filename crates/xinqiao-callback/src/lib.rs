//! Receives WeChat's callbacks in a Rust app.
//!
//! A [`Callback`] is a tower service: it answers the URL check, verifies, decrypts and deduplicates what
//! the platform pushes, calls the first handler whose arguments fit, and seals its reply. It never waits
//! longer than its budget: a handler that takes longer is answered for with silence, and what it says in
//! the end goes to [`Builder::late`], from where it can reach the user as a customer message (客服消息).
//!
//! Invariants: a handler sees verified messages only; nothing turns verification off; a bad request changes
//! nothing. Whatever does not verify gets one and the same answer: which rule it broke is in the log, found
//! beside the answer, because what an answer tells would add up to reading captured messages.
//!
//! One message is handled once, however often it comes: a callback is accepted while its timestamp is within
//! the window ([`Builder::window`], 24 hours unless set), and remembered for twice as long. What is
//! promised ends where the memory does: it holds the last 500,000 callbacks of this process. A restart, or
//! more callbacks than that within two windows, lets a captured one in again; make the window smaller, or
//! stand behind a gateway that remembers on disk.
//!
//! ```no_run
//! # mod xinqiao { pub use ::xinqiao_callback as callback; }
//! use xinqiao::callback::{Callback, Event, Message, Reply};
//! use xinqiao::callback::events::official_account::{event::Subscribe, message::Text};
//!
//! # fn f() -> Result<axum::Router, xinqiao_callback::SetupError> {
//! let callback = Callback::builder("wx0123456789abcdef", "token")
//!     .aes_key("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")?
//!     .on(|Message(text): Message<Text>| async move { Reply::text(text.content) })
//!     .on(|Event(_): Event<Subscribe>| async { Reply::text("欢迎") })
//!     .build();
//! let app = axum::Router::new().route_service("/wx", callback);
//! # Ok(app) }
//! ```
//!
//! It takes the pushes of every product that come in an envelope: official accounts, mini programs, third-party
//! platforms, shops, WeCom. What it is built with is the receiver of the envelope: the appid of an account or of a
//! third-party platform, the corp's id, of a suite's pushes the suite's id. WeCom and third-party platforms always
//! encrypt: **without [`Builder::aes_key`] everything of theirs is refused.** A handler names the type that it wants,
//! or takes any of a product's:
//!
//! ```no_run
//! # mod xinqiao { pub use ::xinqiao_callback as callback; }
//! # #[cfg(feature = "work")]
//! # fn f() -> Result<(), xinqiao::callback::SetupError> {
//! use xinqiao::callback::{Callback, Event, Pushed};
//! use xinqiao::callback::events::work::{Push, event::ChangeContact};
//!
//! let callback = Callback::builder("ww0123456789abcdef", "token")
//!     .aes_key("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG")?
//!     .on(|Event(change): Event<ChangeContact>| async move {
//!         // `None`: not changed, or no part of this change. Some and empty: cleared.
//!         println!("{:?} now is in {:?}", change.user_id, change.department);
//!     })
//!     .on(|Pushed(push): Pushed<Push>| async move {
//!         if let Push::Other(message) = push {
//!             println!("nobody knows {:?}", message.event());
//!         }
//!     })
//!     .build();
//! # let _ = callback; Ok(()) }
//! ```
//!
//! A handler that calls the platform takes a clone of the client with it:
//!
//! ```no_run
//! # mod xinqiao { pub use ::xinqiao_callback as callback; }
//! # #[derive(Clone)] struct Client;
//! # impl Client { async fn work(&self, _: String) {} }
//! # fn f(builder: xinqiao::callback::Builder, client: Client) -> xinqiao::callback::Builder {
//! # use xinqiao::callback::{Message, events::official_account::message::Text};
//! builder.on(move |Message(text): Message<Text>| {
//!     let client = client.clone();
//!     async move { client.work(text.content).await }
//! })
//! # }
//! ```
//!
//! A third-party platform receives tickets and the messages of its authorizers with the same keys: one `Callback` takes
//! both, at both addresses. A message names its account by the original id (`gh_…`, [`Whole`] has it); which appid that
//! is stands in the address that you gave (`$APPID$`), and in what `api_get_authorizer_info` answers.
//!
//! The service is one of tower: axum 0.8 takes it as it is.
//!
//! The types of a product are there with the feature of its name. Notices of WeChat Pay come without an envelope: the
//! `notify` modules of its products take them.
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
    extract::{Account, Event, Extract, Message, Pushed, Sender, Whole},
    handler::Handler,
    late::LateReply,
    service::{Builder, Callback, SetupError},
};
pub use xinqiao_message::{Reply, events, inbound, reply};
