//! Where a world is kept: one folder a seed, within a project folder that is this process's own.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::project;

/// An open folder.
#[derive(Debug)]
pub(crate) struct WorldFolder {
    path: PathBuf,
}

impl WorldFolder {
    /// Opens the folder of a seed, empty if `fresh`.
    pub(crate) fn open(project: &Path, seed: u64, fresh: bool) -> anyhow::Result<Self> {
        let path = project.join(format!("seed-{seed}"));
        project::create_private_folder(&path).with_context(|| project::unwritable(&path))?;
        if fresh {
            empty(&path).with_context(|| project::unwritable(&path))?;
        }
        Ok(Self { path })
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn empty(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        } else {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_forgets_what_was_kept() {
        let project = tempfile::tempdir().expect("a folder");
        let world = WorldFolder::open(project.path(), 1, false).expect("free");
        let kept = world.path().join("world.db");
        std::fs::write(&kept, "x").expect("writable");
        drop(world);
        WorldFolder::open(project.path(), 1, false).expect("free");
        assert!(kept.exists());
        WorldFolder::open(project.path(), 1, true).expect("free");
        assert!(!kept.exists());
    }
}
