//! Records and their codecs: JSON, XML, form, multipart. No I/O.
//!
//! A generated type is a [`Record`]: a static [`Shape`] plus its slots by position. One codec reads and writes all
//! records in all forms. It is lenient towards the platform (a number as text, `null` as absent, one object where a
//! list is expected) and strict towards the caller. With *keep-raw*, whatever a typed slot cannot hold (unknown
//! fields, absence, unusual spellings) is kept in the record's hidden [`Rest`], so that a round trip loses nothing.
//!
//! Invariants: reading is bounded in depth; nothing here logs or prints a masked field; no endpoint is known here.

pub mod endpoint;
pub mod file;
pub mod input;
pub mod output;
pub mod record;
pub mod slot;
pub mod union;

pub use self::endpoint::{Auth, Content, Endpoint, EndpointInfo, Retry};
pub use self::file::{Download, FilePart};
pub use self::input::DecodeError;
pub use self::record::{Field, Place, Record, Rest, Shape, Spelling};
pub use self::slot::Slot;
pub use self::union::Union;
