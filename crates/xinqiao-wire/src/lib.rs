//! Records and their codecs: JSON, XML, form, multipart; and bills, which are tables in text. No I/O.
//!
//! A generated type is a [`Record`]: a static [`Shape`] plus its slots by position. One codec reads and writes all
//! records in all forms. It is lenient towards the platform (a number as text, `null` as absent, one object where a
//! list is expected) and strict towards the caller. With *keep-raw*, whatever a typed slot cannot hold (unknown
//! fields, absence, unusual spellings) is kept in the record's hidden [`Rest`], so that a round trip loses nothing.
//!
//! Invariants: reading is bounded in depth; nothing here logs or prints a masked field; no endpoint is known here.

pub mod bill;
pub mod codec;
pub mod disposition;
pub mod endpoint;
pub mod event;
pub mod file;
pub mod input;
pub mod json;
mod macros;
pub mod markup;
pub mod open;
pub mod output;
pub mod paging;
pub mod record;
pub mod request;
pub mod response;
pub mod sensitive;
pub mod serial;
pub mod slot;
pub mod union;
pub mod value;
pub mod xml;

pub use self::endpoint::{Auth, Content, Endpoint, EndpointInfo, Retry};
pub use self::event::{EventBody, MessageBody, NoticeBody, Pushed, Pushes};
pub use self::file::{Download, FilePart, FileSource};
pub use self::input::DecodeError;
pub use self::json::Keep;
pub use self::open::Open;
pub use self::paging::{Advance, Listed, Paged, Paging};
pub use self::record::{Field, Lines, Place, Record, RecordExt, Rest, Shape, Spelling, copied};
pub use self::serial::{Blob, Empty, Free};
pub use self::slot::{Nested, Slot, TextOrNumber};
pub use self::union::Union;
