//! `xinqiao exec -- command`: any program's calls to platform hosts reach the simulator or the
//! gateway, without a change to the program, without root and without touching the hosts file.
//!
//! A proxy on loopback, a certificate authority of the project, and environment variables that lead
//! the common runtimes there. Other hosts pass untouched, or are refused with `--offline`.

mod authority;
mod came;
pub(crate) mod environment;
mod hosts;
pub(crate) mod java;
mod proxy;
mod upstream;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;

use anyhow::Context as _;
use http::Method;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use xinqiao_types::{SystemClock, SystemEntropy};

pub(crate) use self::authority::Authority;
pub(crate) use self::came::Voucher;
use self::environment::{Facts, Identity};
pub(crate) use self::hosts::Hosts;
pub(crate) use self::proxy::{Addresses, Outside, Proxy};
pub(crate) use self::upstream::Upstream;
use crate::fail::{Fail, Outcome};
use crate::lang::{Lang, either};
use crate::local::Local;
use crate::project::{self, Account, Ready, Via};

/// The preload for Node.
const PRELOAD: &str = include_str!("exec/preload.cjs");

/// What to run, and how.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Call the simulator directly or through the gateway; default: as `dev` was started
    #[arg(long, value_enum)]
    pub(crate) via: Option<Via>,
    /// Refuse connections to anything but the platform and this machine
    #[arg(long)]
    pub(crate) offline: bool,
    /// Account whose appid and secret the script finds in XINQIAO_APPID and so on (appid or name)
    #[arg(long)]
    pub(crate) account: Option<String>,
    /// Ready file of the running dev (default: .xinqiao/ready.json here or above)
    #[arg(long, value_name = "FILE")]
    pub(crate) ready_file: Option<PathBuf>,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Runs the command and ends with its exit code.
pub(crate) async fn run(options: Options, lang: Lang) -> Outcome {
    let (ready, project) = project::find_running(options.ready_file.as_deref(), lang).await?;
    let via = options.via.unwrap_or(ready.via);
    let endpoints = ready.endpoints(via, lang)?;
    let account = choose(&ready, options.account.as_deref(), lang)?;
    let identity = identity(&ready, account, via, "exec").await?;

    let hosts = Hosts::parse(endpoints)?;
    let names = hosts.names();
    let authority = Authority::open(
        &project,
        &names,
        Arc::new(SystemClock),
        Arc::new(SystemEntropy),
    )?;
    let files = Files::write(&authority)?;
    let java_trust = java::trust_store(authority.folder(), &files.authority, variable)
        .unwrap_or_else(|error| {
            let what = lang.pick("没有建立 Java 信任库", "no Java trust store");
            let why = crate::chinese::chain(&error, lang);
            crate::talk::say(format_args!("xinqiao exec: {what}: {why}"));
            None
        });
    let outside = if options.offline {
        Outside::Closed
    } else {
        Outside::Open
    };
    let upstream = Upstream::from_environment(variable)?;
    let stop = CancellationToken::new();
    let _stop_at_end = stop.clone().drop_guard();
    let addresses = Proxy::new(hosts, authority, upstream, outside, Voucher::new(&ready))?
        .listen(stop)
        .await
        .context(lang.pick("无法在本机监听", "cannot listen on loopback"))?;

    let facts = Facts {
        addresses,
        hosts: &names,
        bundle: &files.bundle,
        authority: &files.authority,
        preload: &files.preload,
        php_folder: &files.php_folder,
        java_trust,
        ready: &ready,
        via,
        endpoints,
        identity: &identity,
    };
    let variables = environment::variables(&facts, variable);

    let (program, arguments) = options
        .command
        .split_first()
        .expect("clap requires a command");
    let mut signals =
        Signals::listen().context(lang.pick("无法接收信号", "cannot listen for signals"))?;
    let mut child = Command::new(program)
        .args(arguments)
        .envs(variables)
        .spawn()
        .map_err(|error| not_started(program, &error, lang))?;
    let status = signals
        .wait(&mut child)
        .await
        .context(lang.pick("无法等待命令结束", "cannot wait for the command"))?;
    if status.success() {
        Ok(())
    } else {
        Err(Fail::silent(code_of(status)))
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The account that a script is told about: the named one, else the first.
pub(crate) fn choose<'a>(
    ready: &'a Ready,
    wanted: Option<&str>,
    lang: Lang,
) -> Result<Option<&'a Account>, Fail> {
    let Some(wanted) = wanted else {
        return Ok(ready.accounts.first());
    };
    let found = ready
        .accounts
        .iter()
        .find(|account| account.appid == wanted || account.name == wanted);
    found.map(Some).ok_or_else(|| {
        let known: Vec<String> = ready
            .accounts
            .iter()
            .map(|account| format!("{} ({})", account.appid, account.name))
            .collect();
        let known = known.join(", ");
        Fail::usage(match lang {
            Lang::Zh => format!("没有账号 {wanted}；有：{known}"),
            Lang::En => format!("no account {wanted}; there are: {known}"),
        })
    })
}

/// Whom a program is told that it is. Where its calls go through the gateway it gets a key of its own for the account and
/// the application of WeCom, so that no real secret enters it at all.
pub(crate) async fn identity<'r>(
    ready: &'r Ready,
    account: Option<&'r Account>,
    via: Via,
    app: &str,
) -> Result<Identity<'r>, Fail> {
    let local = Local::new(Lang::settled());
    let agent = environment::agent(ready, account);
    let userid = match agent {
        Some((_, corpid, _)) => {
            let url = format!("{}/corps/{corpid}/members?limit=1", ready.control);
            // A corporation that somebody deleted is no reason to start nothing.
            let members = local.call(Method::GET, &url, None).await;
            let members = members.unwrap_or_default();
            let userid = members.pointer("/items/0/userid");
            userid.and_then(|id| id.as_str()).map(str::to_owned)
        }
        None => None,
    };
    let agent = agent.map(|(agent, ..)| agent);
    let mut accounts: Vec<&str> = account
        .into_iter()
        .chain(agent)
        .map(|account| account.appid.as_str())
        .collect();
    accounts.dedup();
    let key = if via == Via::Direct || accounts.is_empty() {
        None
    } else {
        Some(issue_key(&local, ready, app, &accounts).await?)
    };
    Ok(Identity {
        account,
        key,
        userid,
    })
}

async fn issue_key(
    local: &Local,
    ready: &Ready,
    app: &str,
    accounts: &[&str],
) -> Result<String, Fail> {
    let gateway = ready
        .gateway
        .as_deref()
        .context(either("就绪文件里没有网关", "no gateway in the ready file"))?;
    let body = serde_json::json!({ "app": app, "accounts": accounts });
    let url = format!("{gateway}/v1/keys");
    let answer = local.call(Method::POST, &url, Some(&body)).await?;
    let key = answer.get("key").and_then(|key| key.as_str());
    Ok(key.map(str::to_owned).context(either(
        "网关的应答里没有 key",
        "the gateway's answer has no `key`",
    ))?)
}

/// The files that the variables point to.
#[derive(Debug)]
pub(crate) struct Files {
    /// The authority's certificate alone.
    pub(crate) authority: PathBuf,
    /// With what this machine trusts already.
    pub(crate) bundle: PathBuf,
    preload: PathBuf,
    php_folder: PathBuf,
}

impl Files {
    pub(crate) fn write(authority: &Authority) -> anyhow::Result<Self> {
        let folder = authority.folder();
        let files = Self {
            authority: folder.join("ca.pem"),
            bundle: folder.join("bundle.pem"),
            preload: folder.join("preload.cjs"),
            php_folder: folder.join("php"),
        };
        let mut bundle = system_roots(variable);
        bundle.push_str(authority.pem());
        write_if_changed(&files.bundle, &bundle)?;
        write_if_changed(&files.preload, PRELOAD)?;
        std::fs::create_dir_all(&files.php_folder)?;
        let quoted = files.bundle.display();
        write_if_changed(
            &files.php_folder.join("xinqiao.ini"),
            &format!("curl.cainfo = \"{quoted}\"\nopenssl.cafile = \"{quoted}\"\n"),
        )?;
        Ok(files)
    }
}

/// A running child may be reading the file, so it is replaced only when it has to change.
fn write_if_changed(path: &Path, text: &str) -> anyhow::Result<()> {
    if std::fs::read_to_string(path).is_ok_and(|found| found == text) {
        return Ok(());
    }
    project::write_private(path, text.as_bytes()).with_context(|| project::unwritable(path))
}

/// The certificates that this machine trusts already, as one text: the files that the variables
/// name, else the system's. Empty where the system keeps them elsewhere (macOS, Windows): clients
/// that read the variables then trust the platform hosts only.
fn system_roots(variable: impl Fn(&str) -> Option<String>) -> String {
    const NAMES: [&str; 4] = [
        "SSL_CERT_FILE",
        "REQUESTS_CA_BUNDLE",
        "CURL_CA_BUNDLE",
        "NODE_EXTRA_CA_CERTS",
    ];
    const PLACES: [&str; 5] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let mut paths: Vec<String> = NAMES.iter().filter_map(|name| variable(name)).collect();
    // NODE_EXTRA_CA_CERTS adds to Node's own roots, so alone it does not stand for the system's.
    if variable("SSL_CERT_FILE").is_none() {
        paths.extend(
            PLACES
                .iter()
                .map(|place| (*place).to_owned())
                .find(|p| Path::new(p).is_file()),
        );
    }
    paths.sort();
    paths.dedup();
    let mut texts: Vec<String> = Vec::new();
    for text in paths
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
    {
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.iter().fold(String::new(), |mut all, text| {
        all.push_str(text);
        if !all.ends_with('\n') {
            all.push('\n');
        }
        all
    })
}

fn not_started(program: &OsString, error: &std::io::Error, lang: Lang) -> Fail {
    let program = program.to_string_lossy();
    let code = if error.kind() == std::io::ErrorKind::NotFound {
        127
    } else {
        126
    };
    let error = lang.io(error);
    Fail {
        message: match lang {
            Lang::Zh => format!("无法启动 {program}：{error}"),
            Lang::En => format!("cannot start {program}: {error}"),
        },
        code,
    }
}

/// The signals that are meant for the child. A terminal sends an interrupt to both of us, so that one
/// is passed on only where no terminal did.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hang_up: tokio::signal::unix::Signal,
    terminal: bool,
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen: before the child starts, or an early signal would end us and leave it behind.
    fn listen() -> std::io::Result<Self> {
        use std::io::IsTerminal as _;

        use tokio::signal::unix::{SignalKind, signal};

        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            terminal: std::io::stdin().is_terminal(),
        })
    }

    /// Waits for the child, passing signals on.
    async fn wait(&mut self, child: &mut Child) -> std::io::Result<ExitStatus> {
        use rustix::process::{Pid, Signal, kill_process};

        loop {
            let signal = tokio::select! {
                status = child.wait() => return status,
                _ = self.interrupt.recv() => if self.terminal { continue } else { Signal::INT },
                _ = self.terminate.recv() => Signal::TERM,
                _ = self.hang_up.recv() => Signal::HUP,
            };
            let pid = child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(Pid::from_raw);
            if let Some(pid) = pid {
                let _ = kill_process(pid, signal);
            }
        }
    }
}

/// Interrupts reach the child by themselves; we only have to live on.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn wait(&mut self, child: &mut Child) -> std::io::Result<ExitStatus> {
        loop {
            tokio::select! {
                status = child.wait() => return status,
                _ = tokio::signal::ctrl_c() => {}
            }
        }
    }
}

fn code_of(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status
        .code()
        .and_then(|code| u8::try_from(code & 0xff).ok())
        .unwrap_or(1)
}
