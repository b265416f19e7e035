//! The types of what each product pushes (消息与事件), and one reader for all of them.
//!
//! A module a product: `work::event::ChangeContact` is a type, `work::Push` any of them, `work::read` reads bytes. What
//! several products push is one type under several names. Types are made from the catalog; what a field is called on
//! the wire stands in its documentation.
//!
//! * A list that did not come is empty. Only where presence says something is it an `Option`: in the change events of
//!   WeCom's contacts and customers, `None` was not changed and what is there and empty was cleared.
//! * XML and JSON, one item or many, with a group around them or without: the same values.
//! * Nothing fails: a field without a place is in the record's `rest()`, and what has no type is `Push::Other`.
//!
//! ```
//! # #[cfg(feature = "work")] {
//! use xinqiao_message::events::work::{self, Push};
//!
//! let opened = "<xml><ToUserName>ww1</ToUserName><FromUserName>sys</FromUserName><CreateTime>1</CreateTime>\
//!     <MsgType>event</MsgType><Event>change_contact</Event><ChangeType>update_user</ChangeType>\
//!     <UserID>u1</UserID><Department>6,1</Department><Alias></Alias></xml>";
//! match work::read(opened) {
//!     Push::ChangeContact(change) => {
//!         assert_eq!(change.department, Some(vec![6, 1]));
//!         assert_eq!(change.alias.as_deref(), Some(""), "cleared");
//!         assert_eq!(change.name, None, "not changed");
//!     }
//!     other => panic!("{other:?}"),
//! }
//! # }
//! ```

use xinqiao_wire::Pushes;

use crate::Message;

#[cfg(any(
    feature = "channels",
    feature = "chatbot",
    feature = "mini-program",
    feature = "official-account",
    feature = "open-platform",
    feature = "work"
))]
pub use crate::generated::*;

/// Reads a push as one of everything that a product sends. XML or JSON is told by the bytes; nothing fails.
///
/// Nothing is verified here: [`crate::envelope::open`] does, before.
pub fn read<E: Pushes<Other = Message>>(bytes: impl Into<Vec<u8>>) -> E {
    let message = Message::read(bytes);
    message.typed().unwrap_or_else(|| E::other(message))
}

/// What stands before the scene in the `EventKey` of a follow by code.
#[cfg(feature = "official-account")]
const SCENE_PREFIX: &str = "qrscene_";

#[cfg(feature = "official-account")]
impl official_account::event::Subscribe {
    /// The scene of the code that the user followed by, without its prefix.
    pub fn scene(&self) -> Option<&str> {
        self.event_key.as_deref()?.strip_prefix(SCENE_PREFIX)
    }
}
