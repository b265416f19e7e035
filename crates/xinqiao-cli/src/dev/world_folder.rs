//! Where a world is kept: one folder a seed, used by one process at a time.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::fail::Fail;
use crate::lang::Lang;
use crate::project;

/// An open folder; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct WorldFolder {
    path: PathBuf,
    _lock: File,
}

impl WorldFolder {
    /// Opens the folder of a seed, empty if `fresh`.
    pub(crate) fn open(project: &Path, seed: u64, fresh: bool, lang: Lang) -> Result<Self, Fail> {
        let path = project.join(format!("seed-{seed}"));
        project::create_private_folder(&path)
            .with_context(|| format!("cannot create {}", path.display()))?;
        // Beside the folder, so that emptying the folder leaves it alone.
        let lock_path = project.join(format!("seed-{seed}.lock"));
        let lock = File::create(&lock_path)
            .with_context(|| format!("cannot create {}", lock_path.display()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Fail::failed(lang.pick(
                    "这个目录里已有一个信桥在使用同一个世界；先停掉它，或用 --memory、--seed 另开一个",
                    "another xinqiao in this folder uses the same world; stop it, or start one with --memory or another --seed",
                )));
            }
            Err(TryLockError::Error(error)) => {
                return Err(anyhow::Error::new(error)
                    .context(format!("cannot lock {}", lock_path.display()))
                    .into());
            }
        }
        if fresh {
            empty(&path).with_context(|| format!("cannot empty {}", path.display()))?;
        }
        Ok(Self { path, _lock: lock })
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
    fn one_process_at_a_time_uses_a_world() {
        let project = tempfile::tempdir().expect("a folder");
        let first = WorldFolder::open(project.path(), 1, false, Lang::En).expect("free");
        let error = WorldFolder::open(project.path(), 1, false, Lang::En).expect_err("taken");
        assert!(error.message.contains("--memory"), "{error:?}");
        WorldFolder::open(project.path(), 2, false, Lang::En).expect("another world");
        drop(first);
        WorldFolder::open(project.path(), 1, false, Lang::En).expect("free again");
    }

    #[test]
    fn fresh_forgets_what_was_kept() {
        let project = tempfile::tempdir().expect("a folder");
        let world = WorldFolder::open(project.path(), 1, false, Lang::En).expect("free");
        let kept = world.path().join("world.db");
        std::fs::write(&kept, "x").expect("writable");
        drop(world);
        WorldFolder::open(project.path(), 1, false, Lang::En).expect("free");
        assert!(kept.exists());
        WorldFolder::open(project.path(), 1, true, Lang::En).expect("free");
        assert!(!kept.exists());
    }
}
