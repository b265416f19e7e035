//! A PostgreSQL server of the tests' own: one a test process, on a port of its own, gone with the process.

use std::{
    ffi::OsString,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

/// How the servers' folders begin.
const PREFIX: &str = "xinqiao-postgres";

/// A running server.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    folder: tempfile::TempDir,
    port: u16,
    process: Mutex<Option<Child>>,
    databases: AtomicU32,
    durable: bool,
}

/// The server of this test process, started the first time. `None`, and said once, where there is no PostgreSQL.
///
/// # Panics
///
/// If PostgreSQL is installed and does not start: a test that was meant to run must not pass without having run.
#[expect(clippy::print_stdout, reason = "a test that did not run says so")]
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            if programs().is_none() {
                println!("SKIP: no PostgreSQL server is installed; what needs one is not tested");
            }
            Server::own()
        })
        .as_ref()
}

/// The folder with `initdb` and `postgres`: on the path, or where Debian puts the newest one.
fn programs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut debian: Vec<PathBuf> = debian
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .collect();
    debian.sort();
    debian.reverse();
    debian
        .into_iter()
        .chain(std::env::split_paths(&path))
        .find(|folder| {
            ["initdb", "postgres", "createdb"]
                .iter()
                .all(|name| folder.join(name).is_file())
        })
}

/// Removes what servers of earlier runs left: the one of a test process ends with it, and cannot tidy up.
fn sweep() {
    let entries = std::fs::read_dir(std::env::temp_dir())
        .into_iter()
        .flatten();
    for folder in entries.flatten().map(|entry| entry.path()) {
        let is_ours = folder
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        let runs = folder.join("data/postmaster.pid").exists();
        let age = folder
            .metadata()
            .and_then(|meta| meta.modified())
            .map(|time| time.elapsed());
        let is_old = matches!(age, Ok(Ok(age)) if age > Duration::from_mins(2));
        if is_ours && is_old && !runs {
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

/// PostgreSQL refuses to run as root; its package brings a user for it.
fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    /// A server for a test that stops it, or nothing where there is no PostgreSQL.
    ///
    /// # Panics
    ///
    /// As [`server`].
    pub fn own() -> Option<Self> {
        programs().map(|programs| Self::start(programs, false))
    }

    /// A server that writes to the disk before it says so, as one outside tests.
    ///
    /// # Panics
    ///
    /// As [`server`].
    pub fn durable() -> Option<Self> {
        programs().map(|programs| Self::start(programs, true))
    }

    fn start(programs: PathBuf, durable: bool) -> Self {
        sweep();
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir()
            .expect("a folder for the database");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(folder.path()));
        }
        let free = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
        let server = Self {
            programs,
            port: free.expect("a free port").port(),
            folder,
            process: Mutex::new(None),
            databases: AtomicU32::new(0),
            durable,
        };
        let data = server.folder.path().join("data");
        run(server
            .program("initdb")
            .args([
                "--auth=trust",
                "--username=xinqiao",
                "--encoding=UTF8",
                "--no-sync",
                "--pgdata",
            ])
            .arg(&data));
        server.up();
        server
    }

    /// One of PostgreSQL's programs, as a user who may run it. It ends when this process does.
    pub fn program(&self, name: &str) -> Command {
        let program: OsString = self.programs.join(name).into();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "INT"]);
        if is_root() {
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
        }
        command.arg("--").arg(program);
        command.current_dir(Path::new("/")).stdin(Stdio::null());
        command
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Option<Child>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the server and waits until it takes connections.
    ///
    /// # Panics
    ///
    /// If it does not within half a minute.
    pub fn up(&self) {
        let begun = Instant::now();
        loop {
            *self.process() = Some(self.spawn());
            // After a crash it may not start while the last one's children are still on their way out.
            while self.runs() {
                if self.answers() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(20));
            }
            let waited = begun.elapsed();
            assert!(
                waited < Duration::from_secs(30),
                "PostgreSQL does not start"
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn runs(&self) -> bool {
        let mut process = self.process();
        { process.as_mut() }.is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    fn spawn(&self) -> Child {
        let port = self.port.to_string();
        let mut command = self.program("postgres");
        command
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-p", &port, "-c", "listen_addresses=127.0.0.1"])
            .args([
                "-c",
                "unix_socket_directories=",
                "-c",
                "max_connections=200",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        if !self.durable {
            // The machine is not going to lose power; the process may be killed.
            command.args(["-c", "fsync=off", "-c", "full_page_writes=off"]);
        }
        // Its end is bound to that of the thread that starts it: not a test's own.
        let (tx, rx) = mpsc::channel();
        std::thread::spawn(move || {
            drop(tx.send(command.spawn()));
            loop {
                std::thread::park();
            }
        });
        let child = rx.recv().expect("the thread answers");
        child.expect("PostgreSQL's server starts")
    }

    fn answers(&self) -> bool {
        let ready = self
            .program("pg_isready")
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .status();
        ready.is_ok_and(|status| status.success())
    }

    /// Kills the server, as a crash would.
    pub fn kill(&self) {
        if let Some(mut child) = self.process().take() {
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Makes an empty database and returns its address.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("xinqiao_{number}");
        run(self
            .program("createdb")
            .args([
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-U",
                "xinqiao",
            ])
            .arg(&name));
        format!("postgres://xinqiao@127.0.0.1:{}/{name}", self.port)
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
