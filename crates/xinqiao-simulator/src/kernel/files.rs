//! Bytes of files, apart from the rows that tell about them: written once, never with every change of a row.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::key::Id;

/// The files of a world.
#[derive(Debug, Default)]
pub(crate) struct Files {
    kept: BTreeMap<Id, Bytes>,
    changed: BTreeSet<Id>,
    pub(crate) watched: bool,
}

impl Files {
    pub(crate) fn get(&self, id: &str) -> Option<&Bytes> {
        self.kept.get(id)
    }

    pub(crate) fn put(&mut self, id: Id, bytes: Bytes) {
        self.note(&id);
        self.kept.insert(id, bytes);
    }

    pub(crate) fn remove(&mut self, id: &str) {
        if let Some((id, _)) = self.kept.remove_entry(id) {
            self.note(&id);
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&Id, &Bytes)> {
        self.kept.iter()
    }

    /// Takes a file in as it stands on disk.
    pub(crate) fn load(&mut self, id: Id, bytes: Bytes) {
        self.kept.insert(id, bytes);
    }

    /// Counts every file as changed: for a disk that holds none of them yet.
    pub(crate) fn touch(&mut self) {
        self.changed.extend(self.kept.keys().cloned());
    }

    /// Takes the files that changed; one that is gone has no bytes.
    pub(crate) fn changes(&mut self) -> Vec<(Id, Option<Bytes>)> {
        let changed = std::mem::take(&mut self.changed);
        changed
            .into_iter()
            .map(|id| {
                let bytes = self.kept.get(&id).cloned();
                (id, bytes)
            })
            .collect()
    }

    pub(crate) fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    fn note(&mut self, id: &Id) {
        if self.watched {
            self.changed.insert(id.clone());
        }
    }
}
