//! The folder in which the files of a kept world lie, each under the SHA-256 of its bytes.
//!
//! So what anybody calls a file decides nothing about where it is written, the same bytes lie there once, and a file is
//! never written over: what one transaction names is there as it was until a later one no longer names it.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};
use xinqiao_crypto::Hex;

/// The folder's name, beside the world's file.
const FOLDER: &str = "files";
/// How the name of a file ends that is not wholly written.
const UNFINISHED: &str = ".new";
/// Characters of a name.
const NAME: usize = 64;

/// The folder.
#[derive(Debug)]
pub(super) struct Shelf(PathBuf);

impl Shelf {
    /// The shelf of a world that is kept in this folder. It is made when there is a file to lie on it.
    pub(super) fn of(folder: &Path) -> Self {
        Self(folder.join(FOLDER))
    }

    /// Where its files lie.
    pub(super) fn folder(&self) -> &Path {
        &self.0
    }

    /// Where the file of this name lies; nothing for a name that the shelf does not give.
    pub(super) fn path(&self, name: &str) -> Option<Arc<Path>> {
        is_name(name).then(|| self.0.join(name).into())
    }

    /// Puts bytes on the disk so that they outlive the end of the power, and says where; [`Shelf::settle`] makes their
    /// name outlive it too. What lies there already stays.
    pub(super) fn put(&self, bytes: &[u8]) -> io::Result<Arc<Path>> {
        let name = Hex::from(<[u8; 32]>::from(Sha256::digest(bytes)));
        let path = self.0.join(name.as_str());
        let there = fs::metadata(&path);
        if there.is_ok_and(|there| there.is_file() && there.len() == bytes.len() as u64) {
            return Ok(path.into());
        }
        fs::create_dir_all(&self.0)?;
        let unfinished = self.0.join(format!("{}{UNFINISHED}", name.as_str()));
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        drop(file);
        fs::rename(&unfinished, &path)?;
        Ok(path.into())
    }

    /// Makes the names of what was put outlive the end of the power.
    pub(super) fn settle(&self) -> io::Result<()> {
        // Elsewhere a folder is not opened, and its names are as safe as the system makes them.
        if cfg!(unix) {
            File::open(&self.0)?.sync_all()?;
        }
        Ok(())
    }

    /// Takes a file off the disk, if it is there. What is left is swept at the next start.
    pub(super) fn remove(&self, name: &str) {
        if let Some(path) = self.path(name) {
            let _ = fs::remove_file(path);
        }
    }

    /// Takes away what no world names any more, and tells of it and of what is named and not there. What the shelf has not
    /// written is left alone.
    pub(super) fn sweep(&self, named: BTreeSet<String>) -> io::Result<Swept> {
        let mut swept = Swept {
            taken: 0,
            missing: named,
        };
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(swept),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let file_name = entry.file_name();
            let Some((name, whole)) = file_name.to_str().and_then(read) else {
                continue;
            };
            if !whole || !swept.missing.remove(name) {
                fs::remove_file(entry.path())?;
                swept.taken += 1;
            }
        }
        Ok(swept)
    }
}

/// What was found on the shelf.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Swept {
    /// How many files were taken away.
    pub(super) taken: usize,
    /// Names of files that are not there.
    pub(super) missing: BTreeSet<String>,
}

/// The name by which a transaction names a file that lies here.
pub(super) fn name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}

fn is_name(name: &str) -> bool {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    name.len() == NAME && name.bytes().all(digit)
}

/// A name that the shelf gave, and whether the file under it is whole.
fn read(entry: &str) -> Option<(&str, bool)> {
    let name = entry.strip_suffix(UNFINISHED).unwrap_or(entry);
    is_name(name).then_some((name, name.len() == entry.len()))
}
