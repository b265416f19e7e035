//! A trust store for Java: the JDK's own roots plus the project's authority.
//!
//! A Java program takes one store only, so the JDK's is copied and ours added with the JDK's own
//! `keytool`. Without a JDK there is nothing to do.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;

use crate::lang::either;

/// The password that JDK trust stores have by custom; it protects nothing.
pub(crate) const PASSWORD: &str = "changeit";

/// The JDK that `java` would start.
#[derive(Debug)]
struct Jdk {
    keytool: PathBuf,
    roots: PathBuf,
}

/// Makes the store in `folder`, or returns the one that is there already. `None` without a JDK.
pub(crate) fn trust_store(
    folder: &Path,
    authority: &Path,
    variable: impl Fn(&str) -> Option<String>,
) -> anyhow::Result<Option<PathBuf>> {
    let Some(jdk) = find(variable) else {
        return Ok(None);
    };
    // The stamp names what the store was made from; another JDK makes another store.
    let stamp = format!(
        "{}\n{}",
        jdk.roots.display(),
        std::fs::read_to_string(authority)?
    );
    let (store, stamp_path) = (folder.join("java-trust.jks"), folder.join("java-trust.txt"));
    if store.exists() && std::fs::read_to_string(&stamp_path).is_ok_and(|found| found == stamp) {
        return Ok(Some(store));
    }
    let fresh = tempfile::tempdir_in(folder)?;
    let building = fresh.path().join("store");
    std::fs::copy(&jdk.roots, &building).with_context(|| {
        let path = jdk.roots.display();
        either(format!("无法复制 {path}"), format!("cannot copy {path}"))
    })?;
    make_writable(&building)?;
    let output = Command::new(&jdk.keytool)
        .args([
            "-importcert",
            "-noprompt",
            "-alias",
            "xinqiao-project-ca",
            "-storepass",
            PASSWORD,
        ])
        .arg("-keystore")
        .arg(&building)
        .arg("-file")
        .arg(authority)
        .env_remove("JAVA_TOOL_OPTIONS")
        .stdin(Stdio::null())
        .output()
        .with_context(|| {
            let path = jdk.keytool.display();
            either(format!("无法运行 {path}"), format!("cannot run {path}"))
        })?;
    anyhow::ensure!(
        output.status.success(),
        "{} {}: {}",
        jdk.keytool.display(),
        either("失败", "failed"),
        String::from_utf8_lossy(&output.stdout).trim()
    );
    std::fs::rename(&building, &store)?;
    crate::project::write_private(&stamp_path, stamp.as_bytes())?;
    Ok(Some(store))
}

fn find(variable: impl Fn(&str) -> Option<String>) -> Option<Jdk> {
    let name = if cfg!(windows) {
        "keytool.exe"
    } else {
        "keytool"
    };
    let on_path = || {
        let path = variable("PATH")?;
        std::env::split_paths(&path)
            .map(|folder| folder.join(name))
            .find(|candidate| candidate.is_file())
    };
    let keytool = variable("JAVA_HOME")
        .map(|home| Path::new(&home).join("bin").join(name))
        .filter(|candidate| candidate.is_file())
        .or_else(on_path)?
        .canonicalize()
        .ok()?;
    let home = keytool.parent()?.parent()?;
    let roots = ["lib/security/cacerts", "jre/lib/security/cacerts"]
        .iter()
        .map(|place| home.join(place))
        .find(|candidate| candidate.is_file())?;
    Some(Jdk { keytool, roots })
}

/// Distributions ship the roots read-only; a copy keeps that.
fn make_writable(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    {
        let mut permissions = std::fs::metadata(path)?.permissions();
        #[expect(clippy::permissions_set_readonly_false, reason = "not a Unix system")]
        permissions.set_readonly(false);
        std::fs::set_permissions(path, permissions)
    }
}
