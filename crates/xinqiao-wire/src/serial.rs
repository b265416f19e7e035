//! serde, by delegation to the codec, and the two records that every product shares.

use std::collections::BTreeMap;

use crate::json::Keep;
use crate::record::Record;
use crate::value;

pub use serde::{Deserialize, Deserializer, Serialize, Serializer};
pub use serde_json::{Map, Value};

/// Writes a record through serde.
pub fn serialize<S: Serializer>(record: &dyn Record, serializer: S) -> Result<S::Ok, S::Error> {
    value::to_value(record).serialize(serializer)
}

/// Reads a record through serde.
pub fn deserialize<'de, D: Deserializer<'de>>(
    record: &mut dyn Record,
    deserializer: D,
) -> Result<(), D::Error> {
    let input = Value::deserialize(deserializer)?;
    value::from_value(record, &input, Keep::Typed).map_err(serde::de::Error::custom)
}

/// Whether two records say the same.
pub fn equal<R: Record>(a: &R, b: &R) -> bool {
    value::to_value(a) == value::to_value(b)
}

crate::record! {
    /// A request or an answer without fields of its own.
    pub struct Empty {}
}

crate::built! {
    Empty
    new()
}

crate::record! {
    /// A request or an answer whose fields the catalog doesn't know: free JSON.
    pub struct Free {
        /// All fields by name.
        0 fields: BTreeMap<String, Value> => ": open",
    }
}

crate::built! {
    Free
    new(fields: BTreeMap<String, Value>)
}

crate::record! {
    /// An answer that is a file.
    pub struct Blob {
        /// The file.
        0 file: crate::file::Download => "",
    }
}
