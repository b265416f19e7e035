//! The whole world as one text, without traffic: byte-equal for the same seed, script and frozen clock.

use serde::{Deserialize, Serialize};

use super::{World, traffic::Traffic};

/// Written into every export, so that a foreign text is not taken for one.
const FORMAT: &str = "xinqiao-world";
/// Grows when an export can no longer be read by older programs.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'w> {
    format: &'static str,
    version: u32,
    world: &'w World,
}

#[derive(Deserialize)]
struct Read {
    format: String,
    version: u32,
    world: World,
}

/// The world with its traffic, as kept over a restart: written.
#[derive(Serialize)]
struct SnapshotView<'w> {
    world: &'w World,
    traffic: &'w Traffic,
    patient: bool,
}

/// The same, read.
#[derive(Debug, Deserialize)]
struct Snapshot {
    world: World,
    traffic: Traffic,
    patient: bool,
}

/// Why a text is not an export.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImportError {
    /// Not JSON of the right shape.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// Some other document.
    #[error("the document says `{0}`, not `{FORMAT}`")]
    Format(String),
    /// Of a newer program.
    #[error("version {0} is newer than this program reads ({VERSION})")]
    Version(u32),
}

impl World {
    /// The whole world, without traffic.
    pub fn export(&self) -> String {
        let written = Written {
            format: FORMAT,
            version: VERSION,
            world: self,
        };
        let mut text = serde_json::to_string_pretty(&written)
            .expect("a world holds nothing that JSON cannot: its maps have text keys");
        text.push('\n');
        text
    }

    /// The world that a text holds.
    ///
    /// # Errors
    /// The text is no export, or of a newer program.
    pub fn from_export(document: &str) -> Result<Self, ImportError> {
        let read: Read = serde_json::from_str(document)?;
        if read.format != FORMAT {
            return Err(ImportError::Format(read.format));
        }
        if read.version > VERSION {
            return Err(ImportError::Version(read.version));
        }
        let mut world = read.world;
        world.index();
        Ok(world)
    }

    pub(crate) fn snapshot(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&SnapshotView {
            world: self,
            traffic: &self.traffic,
            patient: self.patient,
        })
    }

    pub(crate) fn from_snapshot(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let snapshot: Snapshot = serde_json::from_slice(bytes)?;
        let mut world = snapshot.world;
        world.traffic = snapshot.traffic;
        world.patient = snapshot.patient;
        world.index();
        Ok(world)
    }
}
