//! JSON: a pull reader and a push writer for the record codec.

use serde_json::Value;

use crate::codec;
use crate::input::{DecodeError, Input};
use crate::record::Record;

mod mend;
mod reader;
mod writer;

pub use self::mend::{Flaw, Within, mend};
pub use self::reader::Reader;
pub(crate) use self::reader::number_value;
pub use self::writer::{Writer, write_string};

/// Whether a reader keeps what the typed slots cannot hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keep {
    /// Typed slots only.
    #[default]
    Typed,
    /// Everything: a round trip loses nothing.
    Raw,
}

/// Reads a record from JSON text.
pub fn decode(record: &mut dyn Record, json: &[u8], keep: Keep) -> Result<(), DecodeError> {
    let mut reader = Reader::new(json, keep)?;
    codec::decode_record(record, &mut reader)?;
    reader.end()
}

/// Writes a record's body as JSON text.
pub fn encode(record: &dyn Record) -> String {
    let mut writer = Writer::default();
    codec::encode_body(record, &mut writer);
    writer.out
}

/// Writes a record with its path, query and header fields too.
pub fn encode_all(record: &dyn Record) -> String {
    let mut writer = Writer::default();
    codec::encode_record(record, &mut writer);
    writer.out
}

/// Reads text as any JSON value, with the leniencies and the bound in depth of [`Reader`].
pub fn text_value(text: &str) -> Result<Value, DecodeError> {
    let mut reader = Reader::new(text.as_bytes(), Keep::Raw)?;
    let value = reader.value()?;
    reader.end()?;
    Ok(value)
}
