//! Bytes of files, apart from the rows that tell about them: written once, never with every change of a row.
//!
//! A file is in memory until what keeps the world has written it; from then on it lies on the disk and is read when
//! somebody wants it. In a world that is not kept it stays in memory. Where it lies shows in nothing that is answered.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read as _, Seek as _},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::key::Id;

/// The files of a world.
#[derive(Debug, Default)]
pub(crate) struct Files {
    kept: BTreeMap<Id, Arc<Slot>>,
    changed: BTreeSet<Id>,
    pub(crate) watched: bool,
}

/// One file, wherever it lies.
#[derive(Debug)]
pub(crate) struct Slot(Mutex<Place>);

/// Where a file lies. From memory it goes to the disk, and never back.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    Memory(Bytes),
    Disk {
        path: Arc<Path>,
        /// How many bytes it has.
        length: u64,
    },
}

/// The bytes of a file for one reader. A file on the disk is open, so that nothing that happens to it afterwards takes
/// it from its reader.
#[derive(Debug)]
pub(crate) enum Content {
    Memory(Bytes),
    Disk {
        file: File,
        /// How many bytes it has.
        length: u64,
    },
}

impl Files {
    /// A file for a reader. One that is not where it should be is told in the log, and is as one that is not there.
    pub(crate) fn get(&self, id: &str) -> Option<Content> {
        let place = self.kept.get(id)?.place();
        { open(&place) }
            .inspect_err(|error| {
                if let Place::Disk { path, .. } = &place {
                    tracing::warn!(path = %path.display(), %error, "A file of the world cannot be read.");
                }
            })
            .ok()
    }

    pub(crate) fn has(&self, id: &str) -> bool {
        self.kept.contains_key(id)
    }

    pub(crate) fn put(&mut self, id: Id, bytes: Bytes) {
        self.put_slot(id, Slot::new(Place::Memory(bytes)));
    }

    /// The same bytes under one more name, if there are any.
    pub(crate) fn share(&mut self, from: &str, id: Id) {
        if let Some(slot) = self.kept.get(from).cloned() {
            self.put_slot(id, slot);
        }
    }

    fn put_slot(&mut self, id: Id, slot: Arc<Slot>) {
        self.note(&id);
        self.kept.insert(id, slot);
    }

    pub(crate) fn remove(&mut self, id: &str) {
        if let Some((id, _)) = self.kept.remove_entry(id) {
            self.note(&id);
        }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &Id> {
        self.kept.keys()
    }

    /// Takes a file in as it is kept.
    pub(crate) fn load(&mut self, id: Id, place: Place) {
        self.kept.insert(id, Slot::new(place));
    }

    /// Counts every file as changed: for a disk that holds none of them yet.
    pub(crate) fn touch(&mut self) {
        self.changed.extend(self.kept.keys().cloned());
    }

    /// Takes the files that changed; one that is gone has no slot.
    pub(crate) fn changes(&mut self) -> Vec<(Id, Option<Arc<Slot>>)> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|id| {
                let slot = self.kept.get(&id).cloned();
                (id, slot)
            })
            .collect()
    }

    pub(crate) fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// How many bytes of files are in memory.
    #[cfg(test)]
    pub(crate) fn in_memory(&self) -> usize {
        let held = |slot: &Arc<Slot>| match slot.place() {
            Place::Memory(bytes) => bytes.len(),
            Place::Disk { .. } => 0,
        };
        self.kept.values().map(held).sum()
    }

    fn note(&mut self, id: &Id) {
        if self.watched {
            self.changed.insert(id.clone());
        }
    }
}

impl Slot {
    fn new(place: Place) -> Arc<Self> {
        Arc::new(Self(Mutex::new(place)))
    }

    /// Where it lies now.
    pub(crate) fn place(&self) -> Place {
        self.lock().clone()
    }

    /// Its bytes are on the disk from here on.
    pub(crate) fn lies(&self, path: Arc<Path>, length: u64) {
        *self.lock() = Place::Disk { path, length };
    }

    fn lock(&self) -> MutexGuard<'_, Place> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A file of another length than it was written with is not that file.
fn open(place: &Place) -> io::Result<Content> {
    match place {
        Place::Memory(bytes) => Ok(Content::Memory(bytes.clone())),
        Place::Disk { path, length } => {
            let file = File::open(path)?;
            let found = file.metadata()?.len();
            if found == *length {
                return Ok(Content::Disk {
                    file,
                    length: *length,
                });
            }
            let why = format!("it has {found} bytes and was written with {length}");
            Err(io::Error::new(io::ErrorKind::InvalidData, why))
        }
    }
}

impl Content {
    /// So many bytes of its beginning at most; fewer where it cannot be read, which whoever reads all of it learns.
    pub(crate) fn beginning(&self, most: usize) -> Bytes {
        match self {
            Self::Memory(bytes) => bytes.slice(..bytes.len().min(most)),
            Self::Disk { file, .. } => {
                let (mut file, mut bytes) = (file, Vec::new());
                let _ = file.take(most as u64).read_to_end(&mut bytes);
                let _ = file.rewind();
                bytes.into()
            }
        }
    }

    /// All of it, in memory.
    pub(crate) fn read(self) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(bytes),
            Self::Disk { mut file, length } => {
                let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
                file.read_to_end(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

impl Default for Content {
    fn default() -> Self {
        Self::Memory(Bytes::new())
    }
}

impl From<Bytes> for Content {
    fn from(bytes: Bytes) -> Self {
        Self::Memory(bytes)
    }
}
