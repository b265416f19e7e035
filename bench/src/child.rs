//! A server process on a core of its own.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::measure;

/// Killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts the command and waits until its port answers.
    pub(crate) fn start(mut command: Command, port: u16) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .with_context(|| format!("starting {command:?}"))?;
        let mut server = Self {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], port)),
        };
        let address = server.address;
        let up = measure::wait(Duration::from_secs(20), Duration::from_millis(5), || {
            TcpStream::connect(address).is_ok()
                || server.child.try_wait().is_ok_and(|end| end.is_some())
        });
        if up.is_none() || server.child.try_wait()?.is_some() {
            bail!("{command:?} does not listen on {address}");
        }
        Ok(server)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Two cores and `taskset`: servers go to the first, the load to the second. Found out once, before anything is pinned.
pub(crate) fn can_pin() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let version = Command::new("taskset")
            .arg("--version")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        cores() >= 2 && version.is_ok_and(|status| status.success())
    })
}

/// The command, on the first core where pinning works.
pub(crate) fn on_first_core(program: &std::path::Path) -> Command {
    if can_pin() {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// Moves the calling thread's process to the second core, or back to all.
pub(crate) fn pin_self(cores: &str) -> Result<()> {
    if can_pin() {
        let pid = std::process::id().to_string();
        let status = Command::new("taskset")
            .args(["-cp", cores, &pid])
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            bail!("taskset -cp {cores} failed");
        }
    }
    Ok(())
}

/// A free port of loopback.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

/// The first of so many free ports in a row.
pub(crate) fn free_block(count: u16) -> Result<u16> {
    for first in (20_000..30_000).step_by(usize::from(count) + 4) {
        if (first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return Ok(first);
        }
    }
    bail!("no {count} free ports in a row")
}

/// How many cores there are, however this process is pinned later.
pub(crate) fn cores() -> usize {
    static COUNT: OnceLock<usize> = OnceLock::new();
    *COUNT.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// A program that was built beside this one.
pub(crate) fn beside(name: &str) -> Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if !path.is_file() {
        bail!("{} is not built", path.display());
    }
    Ok(path)
}
