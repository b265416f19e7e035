//! The world that a scenario plays in: the running one, or one of its own with the app under test.
//!
//! A world of its own is this program's `dev`, in memory, on free ports, in a folder that goes with it; the app is started
//! through `exec`, so that its SDK needs no change. Both are processes, ended when the scenario is over, come what may.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use reqwest::Method;
use serde_json::Value;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use super::plan::{App, Plan};
use super::yaml::Wrong;
use crate::control::Control;
use crate::fail::Fail;
use crate::lang::{Lang, either};
use crate::local;
use crate::project::{Ready, Via};

/// How often it is looked whether something is up.
const EVERY: Duration = Duration::from_millis(30);
/// How long `dev` may take to come up.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long anything may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How much of a log is shown.
const LINES: usize = 20;

/// A simulator that runs, and what was started for it.
pub(super) struct World {
    pub(super) control: Control,
    own: Option<Own>,
}

struct Own {
    folder: TempDir,
    dev: Child,
    app: Option<Child>,
}

/// Why there is no world: something in the file, or something around it.
pub(super) enum NoWorld {
    File(Wrong),
    Fail(Fail),
}

impl<E: Into<Fail>> From<E> for NoWorld {
    fn from(error: E) -> Self {
        Self::Fail(error.into())
    }
}

impl World {
    /// The one that runs already.
    pub(super) async fn running(ready_file: Option<&Path>, lang: Lang) -> Result<Self, Fail> {
        Ok(Self {
            control: Control::open(ready_file.map(Path::to_owned), lang).await?,
            own: None,
        })
    }

    /// Starts one for a scenario, and its app in the scenario's folder.
    pub(super) async fn start(
        plan: &Plan,
        app: &App,
        folder: &Path,
        lang: Lang,
    ) -> Result<Self, NoWorld> {
        let program = std::env::current_exe().context(either("程序自己的位置", "this program"))?;
        let place = tempfile::tempdir().context(either("临时目录", "a temporary folder"))?;
        let port = free_port()
            .context(either("空闲端口", "a free port"))?
            .to_string();
        let url = app.url.as_ref().map(|url| url.replace("$PORT", &port));
        let ready_file = place.path().join("ready.json");
        let mut dev = command(&program, place.path(), &place.path().join("dev.log"))?;
        dev.args(["dev", "--memory", "--quiet", "--port", "0", "--ready-file"]);
        dev.arg(&ready_file).args(["--via", app.via.name()]);
        if let Some(seed) = plan.seed {
            dev.args(["--seed", &seed.to_string()]);
        }
        if let Some(url) = &url {
            dev.args(["--app", url]);
        }
        // From here on it is ended with what holds it, whenever that goes.
        let mut own = Own {
            dev: dev.spawn().context(either("启动 dev", "starting dev"))?,
            folder: place,
            app: None,
        };
        let until = Instant::now() + PATIENCE;
        let ready = loop {
            if let Ok(ready) = Ready::read(&ready_file) {
                break ready;
            }
            let ended = own.dev.try_wait().ok().flatten().is_some();
            if ended || Instant::now() > until {
                stop(&mut own.dev).await;
                let log = tail(&own.folder.path().join("dev.log"));
                return Err(NoWorld::File(Wrong::new(
                    app.line,
                    match lang {
                        Lang::Zh => format!("它的世界没有启动：{}", log.trim()),
                        Lang::En => format!("its world did not start: {}", log.trim()),
                    },
                )));
            }
            tokio::time::sleep(EVERY).await;
        };
        if !app.run.is_empty() {
            let mut run = command(&program, folder, &own.log())?;
            run.args(["exec", "--ready-file"]).arg(&ready_file);
            run.arg("--").args(&app.run).env("PORT", &port);
            own.app = Some(
                run.spawn()
                    .context(either("启动应用", "starting the app"))?,
            );
        }
        let control = Control::of(ready, lang);
        let came = own.wait_for_app(&control, app, lang).await;
        let world = Self {
            control,
            own: Some(own),
        };
        match came {
            Ok(()) => Ok(world),
            Err(wrong) => {
                world.end().await;
                Err(wrong)
            }
        }
    }

    /// What the app under test wrote last, where it was started here.
    pub(super) fn app_log(&self) -> Option<String> {
        let own = self.own.as_ref().filter(|own| own.app.is_some())?;
        Some(tail(&own.log())).filter(|log| !log.is_empty())
    }

    /// Ends what was started.
    pub(super) async fn end(self) {
        if let Some(mut own) = self.own {
            if let Some(app) = &mut own.app {
                stop(app).await;
            }
            stop(&mut own.dev).await;
        }
    }
}

impl Own {
    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("app.log")
    }

    /// Waits until the app's address is saved and somebody listens there.
    async fn wait_for_app(
        &mut self,
        control: &Control,
        app: &App,
        lang: Lang,
    ) -> Result<(), NoWorld> {
        let ready = &control.ready;
        let mut apps: Vec<(&str, &str)> = ready
            .apps
            .iter()
            .map(|(account, url)| (account.as_str(), url.as_str()))
            .collect();
        if let (Some(account), Some(url)) = (ready.accounts.first(), &ready.app)
            && apps.is_empty()
        {
            apps.push((&account.appid, url));
        }
        let until = Instant::now() + app.within;
        for (account, url) in apps {
            loop {
                let path = format!("/accounts/{account}");
                let known = control.call(Method::GET, &path, None).await?;
                let callback = known.get("callback_url").and_then(Value::as_str);
                let is_saved = callback.is_some_and(|callback| !callback.is_empty());
                // Behind the gateway the check proves nothing of the app.
                if is_saved && (ready.via == Via::Direct || local::accepts(url).await) {
                    break;
                }
                let ended = match &mut self.app {
                    Some(child) => child.try_wait().ok().flatten().is_some(),
                    None => false,
                };
                if ended || Instant::now() > until {
                    return Err(NoWorld::File(
                        self.absent(control, app, url, ended, lang).await,
                    ));
                }
                tokio::time::sleep(EVERY).await;
            }
        }
        Ok(())
    }

    /// The app did not come: why, as far as is known.
    async fn absent(
        &self,
        control: &Control,
        app: &App,
        url: &str,
        ended: bool,
        lang: Lang,
    ) -> Wrong {
        let dev = control.call(Method::GET, "/dev", None).await;
        let dev = dev.unwrap_or_default();
        let cause = dev.pointer(lang.pick("/app/cause/zh", "/app/cause/en"));
        let cause = cause.and_then(Value::as_str).unwrap_or_default();
        let seconds = app.within.as_secs();
        let mut words = match (lang, ended) {
            (Lang::Zh, true) => format!("应用启动后就结束了：{}", app.run.join(" ")),
            (Lang::Zh, false) => {
                format!("应用 {url} 在 {seconds} 秒内没有通过服务器地址的校验：{cause}")
            }
            (Lang::En, true) => format!("the app ended at once: {}", app.run.join(" ")),
            (Lang::En, false) => {
                format!(
                    "the app at {url} did not pass the check of the server address within {seconds} s: {cause}"
                )
            }
        };
        let log = tail(&self.log());
        if !log.is_empty() {
            words.push('\n');
            words.push_str(&log);
        }
        Wrong::new(app.line, words)
    }
}

/// This program in a folder, with its output in a file.
fn command(program: &Path, folder: &Path, log: &Path) -> anyhow::Result<Command> {
    let file = std::fs::File::create(log).with_context(|| crate::project::unwritable(log))?;
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .env("XINQIAO_LANG", either("zh", "en"))
        .kill_on_drop(cfg!(not(unix)));
    // A group of its own, so that all that it starts can be ended with it.
    #[cfg(unix)]
    command.process_group(0);
    Ok(command)
}

/// The number of a process that has not ended.
#[cfg(unix)]
fn number(child: &Child) -> Option<rustix::process::Pid> {
    let id = child.id().and_then(|id| i32::try_from(id).ok());
    id.and_then(rustix::process::Pid::from_raw)
}

/// Asks a process to end; `exec` passes that on to the app. One that ended is left alone.
#[cfg(unix)]
fn ask_to_end(child: &Child) {
    if let Some(pid) = number(child) {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// Ends what did not end when it was asked to, with all that it started: of `exec` alone, the app would stay.
#[cfg(unix)]
fn kill(child: &Child) {
    if let Some(pid) = number(child) {
        let _ = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
    }
}

/// Asks a process to end, and ends it if it does not.
async fn stop(child: &mut Child) {
    #[cfg(unix)]
    {
        ask_to_end(child);
        if tokio::time::timeout(GRACE, child.wait()).await.is_ok() {
            return;
        }
        kill(child);
    }
    let _ = child.kill().await;
}

/// A scenario that is interrupted leaves nothing behind, whatever was up by then. What was stopped before is not there
/// any more.
#[cfg(unix)]
impl Drop for Own {
    fn drop(&mut self) {
        for child in self.app.iter().chain([&self.dev]) {
            ask_to_end(child);
        }
        let until = Instant::now() + GRACE;
        for child in self.app.iter_mut().chain([&mut self.dev]) {
            while let Ok(None) = child.try_wait() {
                if Instant::now() > until {
                    kill(child);
                    break;
                }
                std::thread::sleep(EVERY);
            }
        }
    }
}

/// A port that nobody has at the moment.
fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// The last lines of a log.
fn tail(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_does_not_end_when_it_is_asked_to_is_ended_with_all_that_it_started() {
        let place = tempfile::tempdir().expect("a folder");
        let script = "trap '' TERM; (echo child; while :; do sleep 1; done) & wait; sleep 600";
        let log = place.path().join("log");
        let mut run = command(Path::new("sh"), place.path(), &log).expect("a command");
        let mut shell = run.args(["-c", script]).spawn().expect("a shell");
        let group = number(&shell).expect("a number");
        while tail(&log).is_empty() {
            tokio::time::sleep(EVERY).await;
        }
        stop(&mut shell).await;
        // The child belongs to nobody any more: whoever adopts it may take its time to bury it.
        let until = Instant::now() + PATIENCE;
        while rustix::process::test_kill_process_group(group).is_ok() {
            assert!(Instant::now() < until);
            tokio::time::sleep(EVERY).await;
        }
    }
}
