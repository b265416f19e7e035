//! The project folder `.xinqiao/` and the ready file in it.
//!
//! `dev` and `sim` write the ready file once everything listens; `exec`, `env` and the control
//! verbs find it by walking up from the current folder, as git finds its own.
//!
//! Invariant: a ready file appears whole or not at all, readable by its owner only, because it
//! holds the secrets of the simulated accounts.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::fail::Fail;
use crate::lang::{Lang, either};
use crate::local;

/// The folder's name.
const FOLDER: &str = ".xinqiao";
/// The ready file's name in it.
const READY: &str = "ready.json";

/// What a running `dev` or `sim` tells other programs about itself.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Process id of the running command.
    pub(crate) pid: u32,
    /// The control interface, `http://…/_sim/v1`.
    pub(crate) control: String,
    /// The console and phone.
    pub(crate) console: String,
    /// The gateway's native origin, where one runs.
    #[serde(default)]
    pub(crate) gateway: Option<String>,
    /// Platform host → the simulator's origin that stands for it.
    pub(crate) endpoints: BTreeMap<String, String>,
    /// What makes the simulator believe who ends TLS before it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) tls_pass: String,
    /// The port of `--tls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<Tls>,
    /// The same about the gateway.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) gateway_endpoints: BTreeMap<String, String>,
    /// `direct` or `gateway`: how the connected app is reached, and the default of `exec`.
    #[serde(default)]
    pub(crate) via: Via,
    /// Version of the program that wrote this.
    #[serde(default)]
    pub(crate) version: String,
    /// The world's seed.
    #[serde(default)]
    pub(crate) seed: u64,
    /// The address of the app that was connected.
    #[serde(default)]
    pub(crate) app: Option<String>,
    /// The apps that were connected beside it: account → address.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) apps: BTreeMap<String, String>,
    /// The seeded accounts, the one that the app is connected to first.
    #[serde(default)]
    pub(crate) accounts: Vec<Account>,
    /// The seeded users.
    #[serde(default)]
    pub(crate) users: Vec<User>,
}

/// The port that is every host of the platform over TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tls {
    pub(crate) address: SocketAddr,
    /// The certificate of the project's authority.
    pub(crate) ca: PathBuf,
    /// The same with what this machine trusts already.
    pub(crate) bundle: PathBuf,
}

impl Tls {
    /// Where this machine reaches it.
    pub(crate) fn near(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            ip if ip.is_unspecified() => IpAddr::from([127, 0, 0, 1]),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }
}

/// A simulated account, with everything that an app's configuration needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) appid: String,
    pub(crate) secret: String,
    #[serde(default)]
    pub(crate) token: String,
    #[serde(default)]
    pub(crate) aes_key: String,
    #[serde(default)]
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) verified: bool,
    #[serde(default)]
    pub(crate) mode: String,
}

/// A simulated user.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
    #[serde(default)]
    pub(crate) nickname: String,
    /// appid → openid.
    #[serde(default)]
    pub(crate) openids: BTreeMap<String, String>,
}

/// Straight to the simulator, or through the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Via {
    /// Straight to the simulator.
    #[default]
    Direct,
    /// Through the gateway.
    Gateway,
}

impl Via {
    /// The word in files and answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Gateway => "gateway",
        }
    }
}

impl Ready {
    /// Writes the file whole, readable by its owner only.
    pub(crate) fn write(&self, path: &Path) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(self).context(either("就绪文件", "ready file"))?;
        text.push(b'\n');
        publish_private(path, &text).with_context(|| unwritable(path))
    }

    /// Reads one file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read(path).with_context(|| {
            let path = path.display();
            either(format!("无法读 {path}"), format!("cannot read {path}"))
        })?;
        serde_json::from_slice(&text).with_context(|| {
            let path = path.display();
            either(
                format!("{path} 不是就绪文件"),
                format!("{path} is not a ready file"),
            )
        })
    }

    /// The address of the app that answers for an account, where `--app` named one.
    pub(crate) fn app_of(&self, account: &str) -> Option<&str> {
        // The account of the phone's app stands first.
        let is_first = self
            .accounts
            .first()
            .is_some_and(|first| first.appid == account);
        let own = self.apps.get(account);
        own.or(self.app.as_ref().filter(|_| is_first))
            .map(String::as_str)
    }

    /// The map of hosts that `via` asks for.
    pub(crate) fn endpoints(
        &self,
        via: Via,
        lang: Lang,
    ) -> Result<&BTreeMap<String, String>, Fail> {
        match via {
            Via::Direct => Ok(&self.endpoints),
            Via::Gateway if self.gateway_endpoints.is_empty() => Err(Fail::usage(lang.pick(
                "正在运行的进程没有网关；请用 xinqiao dev 启动（sim 只有模拟器）",
                "what is running has no gateway; start it with `xinqiao dev` (`sim` is the simulator alone)",
            ))),
            Via::Gateway => Ok(&self.gateway_endpoints),
        }
    }
}

/// `.xinqiao` in the current folder, made where it is missing, kept out of version control.
pub(crate) fn create() -> anyhow::Result<PathBuf> {
    let folder = PathBuf::from(FOLDER);
    create_private_folder(&folder).with_context(|| unwritable(&folder))?;
    let ignore = folder.join(".gitignore");
    if !ignore.exists() {
        fs::write(&ignore, "*\n").with_context(|| unwritable(&ignore))?;
    }
    folder.canonicalize().with_context(|| unwritable(&folder))
}

/// What cannot be written, said.
pub(crate) fn unwritable(path: &Path) -> String {
    let path = path.display();
    either(format!("无法写 {path}"), format!("cannot write {path}"))
}

/// The ready file of a project folder.
pub(crate) fn ready_path(folder: &Path) -> PathBuf {
    folder.join(READY)
}

/// Finds and reads the ready file, given or found upwards, and makes sure that something still
/// answers there. The folder beside it is returned too: certificates live in it.
pub(crate) async fn find_running(
    given: Option<&Path>,
    lang: Lang,
) -> Result<(Ready, PathBuf), Fail> {
    let path = match given {
        Some(path) => path.to_owned(),
        None => search_upwards().ok_or_else(|| {
            Fail::usage(lang.pick(
                "这里没有正在运行的信桥（找不到 .xinqiao/ready.json）。先在这个目录运行 xinqiao dev，或用 --ready-file 指定",
                "nothing is running here (no .xinqiao/ready.json). Start `xinqiao dev` in this folder first, or name a file with --ready-file",
            ))
        })?,
    };
    let ready =
        Ready::read(&path).map_err(|error| Fail::usage(crate::chinese::chain(&error, lang)))?;
    if !local::accepts(&ready.console).await {
        return Err(Fail::failed(match lang {
            Lang::Zh => format!(
                "{} 里的进程 {} 已不再应答 {}；请重新运行 xinqiao dev",
                path.display(),
                ready.pid,
                ready.console
            ),
            Lang::En => format!(
                "process {} of {} no longer answers at {}; start `xinqiao dev` again",
                ready.pid,
                path.display(),
                ready.console
            ),
        }));
    }
    let folder = match given {
        Some(_) => create().map_err(Fail::from)?,
        None => path.parent().unwrap_or(Path::new(".")).to_owned(),
    };
    Ok((ready, folder))
}

fn search_upwards() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors()
        .map(|folder| folder.join(FOLDER).join(READY))
        .find(|path| path.is_file())
}

/// Writes a file that only its owner may read, so that readers see all of it or none, even after a
/// power cut.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let file = private_draft(path, bytes)?;
    file.as_file().sync_all()?;
    persist(file, path)
}

/// The same for what describes a running process: after a power cut nothing runs, so the disk is
/// not waited for.
fn publish_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    persist(private_draft(path, bytes)?, path)
}

/// A temporary file beside `path`; it is created with mode 0600 and keeps it through the rename.
fn private_draft(path: &Path, bytes: &[u8]) -> std::io::Result<tempfile::NamedTempFile> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    Ok(file)
}

fn persist(file: tempfile::NamedTempFile, path: &Path) -> std::io::Result<()> {
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// A folder that only its owner may enter.
pub(crate) fn create_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ready_file_of_the_contract_alone_is_enough() {
        let ready: Ready = serde_json::from_str(
            r#"{"pid": 7, "control": "http://127.0.0.1:1/_sim/v1", "console": "http://127.0.0.1:1",
                "gateway": null, "endpoints": {"api.weixin.qq.com": "http://127.0.0.1:2"}}"#,
        )
        .expect("the five fields are enough");
        assert_eq!(ready.via, Via::Direct);
        assert!(ready.accounts.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn private_files_are_readable_by_the_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("ready.json");
        write_private(&path, b"{}").expect("writable");
        publish_private(&path, b"{\"a\":1}").expect("writable again");
        let mode = fs::metadata(&path).expect("exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read(&path).expect("readable"), b"{\"a\":1}");
    }
}
