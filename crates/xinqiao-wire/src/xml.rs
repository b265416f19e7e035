//! XML as the platform speaks it: one borrowed reader, one writer.
//!
//! The reader has no document types at all: a `<!DOCTYPE` ends the reading, and the only entities are
//! the five predefined ones and numeric references. Depth, size and the number of elements are
//! bounded, so that the memory taken is bounded by the input. Attributes are checked and skipped: the
//! platform does not use them. Namespaces are not resolved.
//!
//! The reader is tolerant where the platform is not strict: characters that XML 1.0 forbids,
//! and bytes that are not UTF-8, become U+FFFD in the text instead of losing the message; white space
//! around a CDATA section is not part of the text. In everything else it asks for well-formed XML;
//! [`repair`] is the second attempt, for what was verified and must not get lost.
//!
//! Invariant: what [`Writer`] writes, [`Document`] reads back unchanged, but for characters that XML
//! 1.0 cannot hold; those are never written.

mod doctype;
mod document;
mod error;
mod parser;
mod repair;
mod text;
mod writer;

pub use doctype::may_hold_doctype;
pub use document::{Children, Document, Element};
pub use error::{XmlError, XmlErrorKind};
pub use repair::{Mended, Repaired, repair, text_of};
pub use text::is_xml_char;
pub use writer::Writer;

/// The largest document that is read, in bytes: the body limit of callbacks.
pub const MAX_BYTES: usize = 1 << 20;
/// How deep elements may stand in one another.
pub const MAX_DEPTH: usize = 64;
/// How many elements a document may have.
pub const MAX_ELEMENTS: usize = 1 << 15;

#[cfg(test)]
mod tests;
