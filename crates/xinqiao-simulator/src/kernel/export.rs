//! The whole world as one text, without traffic: byte-equal for the same seed, script and frozen clock.

use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value;

use super::{feature::House, files::Content, table::Kept, world::World};

/// Written into every export, so that a foreign text is not taken for one.
const FORMAT: &str = "xinqiao-world";
/// Grows when the frame of an export changes; its tables have versions of their own.
const VERSION: u64 = 2;
/// One document without tables.
const ONE_DOCUMENT: u64 = 1;

/// Why a text is not an export.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    #[error("the document says `{0}`, not `{FORMAT}`")]
    Format(String),
    #[error("version {0} is newer than this program reads ({VERSION})")]
    Version(u64),
    #[error("{0}")]
    Content(String),
}

#[derive(Deserialize)]
struct Read {
    format: String,
    version: u64,
    #[serde(default)]
    world: Value,
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    seeded: bool,
    #[serde(default)]
    tables: serde_json::Map<String, Value>,
    #[serde(default)]
    files: std::collections::BTreeMap<String, String>,
}

impl World {
    /// The whole world, without traffic: one row a line.
    pub(crate) fn export(&self) -> String {
        let mut out = Vec::new();
        let head = format!(
            "{{\n \"format\": \"{FORMAT}\",\n \"version\": {VERSION},\n \"seed\": {},\n \"seeded\": {},\n \"tables\": {{",
            self.seed, self.seeded
        );
        out.extend(head.as_bytes());
        let mut tables: Vec<_> = self
            .house
            .tables()
            .filter(|table| table.kept() == Kept::World)
            .collect();
        tables.sort_by_key(|table| table.name());
        for (index, table) in tables.into_iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let head = format!(
                "{comma}\n  \"{}\": {{\"version\": {}, \"rows\": [",
                table.name(),
                table.version()
            );
            out.extend(head.as_bytes());
            table.export(self, &mut out);
            out.extend(b"]}");
        }
        out.extend(b"\n },\n \"files\": {");
        let mut comma = "";
        for id in self.files.ids() {
            // One after the other. What cannot be read is left out; the log says so.
            let Some(Ok(bytes)) = self.files.get(id).map(Content::read) else {
                continue;
            };
            out.extend(format!("{comma}\n  {}: \"", Value::from(&**id)).as_bytes());
            base64_simd::STANDARD.encode_append(bytes, &mut out);
            out.push(b'"');
            comma = ",";
        }
        out.extend(b"\n }\n}\n");
        String::from_utf8(out).expect("JSON is text")
    }

    /// The world that a text holds.
    pub(crate) fn from_export(document: &str, house: &'static House) -> Result<Self, ImportError> {
        let read: Read = serde_json::from_str(document)?;
        if read.format != FORMAT {
            return Err(ImportError::Format(read.format));
        }
        match read.version {
            ONE_DOCUMENT => {
                let kept = serde_json::json!({"world": read.world});
                Self::from_format_1(&kept, house).map_err(ImportError::Content)
            }
            VERSION => Self::from_tables(read, house).map_err(ImportError::Content),
            newer => Err(ImportError::Version(newer)),
        }
    }

    fn from_tables(read: Read, house: &'static House) -> Result<Self, String> {
        let mut world = Self::empty(read.seed, house);
        world.seeded = read.seeded;
        for (name, content) in read.tables {
            let table = house
                .table(&name)
                .ok_or_else(|| format!("this program has no table {name}"))?;
            let version = content["version"]
                .as_u64()
                .and_then(|version| u32::try_from(version).ok())
                .ok_or_else(|| format!("the table {name} has no version"))?;
            let Some(Value::Array(rows)) = content.get("rows") else {
                return Err(format!("the table {name} has no rows"));
            };
            for row in rows {
                let (key, row) = match row.as_array().map(Vec::as_slice) {
                    Some([key, row]) => (key.clone(), row.clone()),
                    _ => return Err(format!("a row of {name} is not a key and a value")),
                };
                let (key, row) = if version == table.version() {
                    (key, row)
                } else {
                    house.migrated(table, version, key, row)?
                };
                table.import(&mut world, &key, row)?;
            }
        }
        for (id, text) in read.files {
            let bytes = base64_simd::STANDARD
                .decode_to_vec(text)
                .map_err(|_| format!("the file {id} is not base64"))?;
            world.files.put(id.as_str().into(), Bytes::from(bytes));
        }
        world.sound()?;
        world.index();
        Ok(world)
    }
}
