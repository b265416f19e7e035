//! One `dev` or `sim` a project folder: all write the same ready file, so a second one would take the first one's
//! place without ending it.
//!
//! The lock is the system's, on an open file: it ends with the process however that ends, so no stale one refuses a
//! start.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;

use crate::fail::Fail;
use crate::lang::Lang;
use crate::project::{self, Ready};

/// The file that is locked; it holds the process id.
const FILE: &str = "running.lock";

/// A folder that is this process's own; it is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Takes the folder.
    pub(crate) fn take(project: &Path, lang: Lang) -> Result<Self, Fail> {
        let path = project.join(FILE);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .with_context(|| project::unwritable(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(taken(project, &path, lang)),
            Err(TryLockError::Error(error)) => {
                let error = anyhow::Error::new(error);
                return Err(error
                    .context(match lang {
                        Lang::Zh => format!("无法锁定 {}", path.display()),
                        Lang::En => format!("cannot lock {}", path.display()),
                    })
                    .into());
            }
        }
        file.set_len(0)
            .and_then(|()| write!(file, "{}", std::process::id()))
            .with_context(|| project::unwritable(&path))?;
        Ok(Self { _file: file })
    }
}

/// Names who holds the folder, where it listens, and what to do.
fn taken(project: &Path, lock: &Path, lang: Lang) -> Fail {
    let pid = std::fs::read_to_string(lock).unwrap_or_default();
    let folder = project.parent().unwrap_or(project).display();
    let console = Ready::read(&project::ready_path(project))
        .ok()
        .filter(|ready| ready.pid.to_string() == pid)
        .map(|ready| ready.console);
    Fail::failed(match (lang, console) {
        (Lang::Zh, Some(console)) => format!(
            "目录 {folder} 里已有一个信桥在运行：进程 {pid}，地址 {console}；先停掉它（kill {pid}），或在另一个目录里启动"
        ),
        (Lang::Zh, None) => format!(
            "目录 {folder} 里已有一个信桥正在启动：进程 {pid}；先停掉它，或在另一个目录里启动"
        ),
        (Lang::En, Some(console)) => format!(
            "another xinqiao runs in {folder}: process {pid} at {console}; stop it (kill {pid}), or start in another folder"
        ),
        (Lang::En, None) => format!(
            "another xinqiao is starting in {folder}: process {pid}; stop it, or start in another folder"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_once_and_free_again() {
        let project = tempfile::tempdir().expect("a folder");
        let first = FolderLock::take(project.path(), Lang::En).expect("free");
        let error = FolderLock::take(project.path(), Lang::En).expect_err("taken");
        let own = std::process::id().to_string();
        assert!(error.message.contains(&own), "{error:?}");
        drop(first);
        FolderLock::take(project.path(), Lang::En).expect("free again");
    }
}
