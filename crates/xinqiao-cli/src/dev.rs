//! `xinqiao dev` and `xinqiao sim`: the platform on a laptop, in one process.
//!
//! Order of the start: simulator, gateway, app; the ready file comes last, when everything listens.
//! Order of the end: the reverse, on SIGINT or SIGTERM, each part finishing what it took.

mod app;
mod at_gateway;
mod banner;
mod browser;
mod demo;
mod folder_lock;
mod follow;
mod project_file;
mod stop;
mod tls;
mod world_folder;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use xinqiao_gateway::Gateway;
use xinqiao_http::Cidr;
use xinqiao_simulator::{DevInfo, Seeded, Simulator, Storage};
use xinqiao_types::{AccountKind, AppId, SystemClock, SystemEntropy};

use self::app::{App, Named, answers_messages};
use self::browser::{Browser, PageHost};
use self::demo::Demo;
use self::folder_lock::FolderLock;
use self::project_file::ProjectFile;
pub(crate) use self::stop::Stop;
use self::world_folder::WorldFolder;
use crate::fail::{Fail, Outcome};
use crate::lang::{Lang, either};
use crate::project::{self, Account, Ready, User, Via};
use crate::{assets, talk};

/// First of the five ports of the simulator; the gateway's begin ten further on.
const FIRST_PORT: u16 = 8600;

/// Flags of `dev`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DevOptions {
    #[command(flatten)]
    shared: Options,
    /// Open the console in a Chromium in which the app's pages are pages in the phone, under their real host names
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    browser: Option<String>,
    /// Host of the app's pages in that browser, https too, and where it is served (default: the app's port); may be repeated
    #[arg(long, value_name = "NAME[=URL]", value_parser = browser::parse, requires = "browser")]
    page_host: Vec<PageHost>,
}

/// Flags of `dev` and `sim`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Your app's callback address; it may start later. Of WeCom or a third-party platform: work=URL,
    /// component=URL; may be repeated
    #[arg(long, value_name = "[ACCOUNT=]URL", value_parser = app::parse)]
    app: Vec<Named>,
    /// How the app's callbacks go: direct (the default), or through the gateway
    #[arg(long, value_enum)]
    via: Option<Via>,
    /// Fixes every appid, secret, openid and token (default: 1)
    #[arg(long)]
    seed: Option<u64>,
    /// First of five neighbouring ports (the gateway's begin at PORT+10); 0: all random (default: 8600)
    #[arg(long)]
    port: Option<u16>,
    /// Forget the kept world first
    #[arg(long, conflicts_with = "memory")]
    fresh: bool,
    /// Keep nothing on disk
    #[arg(long)]
    memory: bool,
    /// Do not print what happens (`dev` prints a line an event)
    #[arg(long, short)]
    quiet: bool,
    /// Also write the ready file here
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// Address to listen on; other machines and containers need 0.0.0.0 (default: 127.0.0.1)
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<IpAddr>,
    /// A port that is every host of the platform over TLS, with the project's own authority, for programs with built-in
    /// hosts; 0: any free one
    #[arg(long, value_name = "PORT")]
    tls: Option<u16>,
    /// Name besides loopback under which the console may be opened, may be repeated
    #[arg(long, value_name = "NAME")]
    host: Vec<String>,
    /// Let callbacks go to these addresses besides loopback, may be repeated
    #[arg(long, value_name = "CIDR")]
    callback_allow: Vec<Cidr>,
}

/// Flags of `sim`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct SimOptions {
    #[command(flatten)]
    shared: Options,
    /// Start with the seeded accounts and users of `dev`
    #[arg(long)]
    seeded: bool,
}

/// The options, with what the project's file says where the command line says nothing.
struct Settings {
    app: Vec<Named>,
    via: Via,
    seed: u64,
    port: u16,
    fresh: bool,
    memory: bool,
    quiet: bool,
    ready_file: Option<PathBuf>,
    bind: IpAddr,
    tls: Option<u16>,
    host: Vec<String>,
    callback_allow: Vec<Cidr>,
    file: ProjectFile,
}

impl Settings {
    fn new(options: Options, file: ProjectFile, lang: Lang) -> Result<Self, Fail> {
        let mut host = options.host;
        host.extend(file.host.iter().cloned());
        let mut callback_allow = options.callback_allow;
        callback_allow.extend(file.networks()?);
        Ok(Self {
            app: if options.app.is_empty() {
                file.apps(lang)?
            } else {
                options.app
            },
            via: options.via.or(file.via).unwrap_or_default(),
            seed: options.seed.or(file.seed).unwrap_or(1),
            port: options.port.or(file.port).unwrap_or(FIRST_PORT),
            fresh: options.fresh,
            memory: options.memory,
            quiet: options.quiet,
            ready_file: options.ready_file,
            bind: { options.bind.or(file.bind) }.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            tls: options.tls,
            host,
            callback_allow,
            file,
        })
    }
}

/// What is running.
struct Running {
    simulator: Simulator,
    /// The seeded accounts and users, and the accounts of the project's file.
    seeded: Seeded,
    /// The account of the app that the phone tells of.
    phone: Option<String>,
    gateway: Option<Gateway>,
    demo: Option<Demo>,
    apps: Vec<App>,
}

/// `xinqiao dev`: simulator, gateway, console and an app.
pub(crate) async fn run(options: DevOptions, lang: Lang) -> Outcome {
    // Before anything starts: a browser that is not there is no surprise at the end.
    let browser = match options.browser {
        Some(wanted) => Some((browser::find(&wanted, lang)?, options.page_host)),
        None => None,
    };
    serve(
        options.shared,
        browser,
        Parts {
            seeded: true,
            gateway: true,
            demo: true,
            tells: true,
        },
        lang,
    )
    .await
}

/// `xinqiao sim`: simulator and phone; a gateway only where callbacks shall go through it.
pub(crate) async fn run_simulator(options: SimOptions, lang: Lang) -> Outcome {
    if !options.shared.app.is_empty() && !options.seeded {
        return Err(Fail::usage(lang.pick(
            "空的世界里没有可连接 --app 的账号；加上 --seeded，或用控制接口建账号",
            "an empty world has no account to connect --app to; add --seeded, or make one over the control interface",
        )));
    }
    let gateway = options.shared.via == Some(Via::Gateway);
    let parts = Parts {
        seeded: options.seeded,
        gateway,
        demo: false,
        tells: false,
    };
    serve(options.shared, None, parts, lang).await
}

/// What to start besides the simulator.
#[derive(Clone, Copy, Debug)]
struct Parts {
    seeded: bool,
    gateway: bool,
    /// A demo app, where no other is named.
    demo: bool,
    /// Print what happens.
    tells: bool,
}

async fn serve(
    options: Options,
    browser: Option<(PathBuf, Vec<PageHost>)>,
    parts: Parts,
    lang: Lang,
) -> Outcome {
    // Signals that arrive during the start must not be lost.
    let mut stop =
        Stop::listen().context(lang.pick("无法接收信号", "cannot listen for signals"))?;
    // `sim` is for tests, which say themselves what they need.
    let file = if parts.demo {
        project_file::read(lang)?
    } else {
        ProjectFile::default()
    };
    let mut browser = browser;
    if let Some((_, pages)) = browser.as_mut().filter(|(_, pages)| pages.is_empty()) {
        *pages = file.page_hosts(lang)?;
    }
    let options = Settings::new(options, file, lang)?;
    let project = project::create()?;
    let _lock = FolderLock::take(&project, lang)?;
    let world = if options.memory {
        None
    } else {
        Some(WorldFolder::open(&project, options.seed, options.fresh)?)
    };
    let running = start(&options, parts, world.as_ref(), lang).await?;
    let mut ready = ready(&options, &running);
    let _tls = match options.tls {
        Some(port) => match tls::open((options.bind, port), &ready, &project, lang).await {
            Ok(door) => {
                ready.tls = Some(door.facts.clone());
                Some(door)
            }
            Err(wrong) => {
                end(running, None).await;
                return Err(wrong);
            }
        },
        None => None,
    };
    let ready_file = project::ready_path(&project);
    ready.write(&ready_file)?;
    if let Some(path) = &options.ready_file {
        ready.write(path)?;
    }
    banner::print(&ready, running.demo.is_some(), lang);
    let mut browser = match browser {
        Some((program, pages)) => {
            match browser::start(&program, &pages, &ready, &project, lang).await {
                Ok(browser) => Some(browser),
                Err(wrong) => {
                    forget(&ready_file, options.ready_file.as_deref());
                    end(running, None).await;
                    return Err(wrong);
                }
            }
        }
        None => None,
    };

    let broken = tokio::select! {
        () = stop.wait() => false,
        () = follow::run(&ready, lang), if parts.tells && !options.quiet => false,
        () = running.simulator.broken() => true,
        () = browser::watch(browser.as_mut(), lang) => false,
    };
    talk::say(lang.pick("正在停止……", "stopping …"));
    forget(&ready_file, options.ready_file.as_deref());
    let ended = tokio::select! {
        () = end(running, browser) => true,
        () = stop.wait() => false,
    };
    if broken {
        return Err(Fail::failed(lang.pick(
            "模拟器内部出错，无法继续（详情见上面的日志）；重新启动即可，已写入磁盘的内容都在",
            "the simulator met a fault of its own and could not go on (the log above tells more); start it again: what was written to disk is there",
        )));
    }
    if ended {
        Ok(())
    } else {
        Err(Fail::failed(lang.pick("被强制停止", "stopped by force")))
    }
}

async fn start(
    options: &Settings,
    parts: Parts,
    world: Option<&WorldFolder>,
    lang: Lang,
) -> Result<Running, Fail> {
    let mut settings = xinqiao_simulator::Options::default();
    settings.seed = options.seed;
    settings.seeded = parts.seeded;
    settings.bind = options.bind;
    settings.port = (options.port != 0).then_some(options.port);
    settings.storage = world.map_or(Storage::Memory, |world| {
        Storage::Dir(world.path().to_owned())
    });
    settings.fresh = options.fresh;
    settings.callback_allow.clone_from(&options.callback_allow);
    settings.hosts.clone_from(&options.host);
    settings.console = Some(assets::router());
    let simulator = Simulator::start(settings)
        .await
        .context(either("模拟器", "simulator"))?;
    let (seeded, apps) = match furnished(options, &simulator, lang).await {
        Ok(found) => found,
        Err(wrong) => {
            simulator.shutdown().await;
            return Err(wrong);
        }
    };
    let account = seeded.accounts.iter().find(|own| answers_messages(own));
    let account = account.cloned();
    let phones = apps.iter().find(|app| answers_messages(&app.account));
    let phones = phones.map(|app| &app.account).or(account.as_ref());
    let mut running = Running {
        simulator,
        phone: phones.map(|account| account.appid.clone()),
        seeded,
        gateway: None,
        demo: None,
        apps,
    };
    if parts.demo
        && let Some(account) = account
        && running.phone_app().is_none()
    {
        // The gateway has to know the app's address before the app can know the gateway's.
        let demo = Demo::listen()
            .await
            .context(either("演示应用", "demo app"))?;
        running.apps.push(App {
            account,
            url: demo.url(),
            message_url: None,
        });
        running.demo = Some(demo);
    }
    if parts.gateway {
        let config = at_gateway::config(options, &running, world.map(WorldFolder::path));
        let context = xinqiao_gateway::Context {
            clock: Arc::new(SystemClock),
            world: running.simulator.clock(),
            entropy: Arc::new(SystemEntropy),
            upstream: Some(running.simulator.endpoints()),
        };
        running.gateway = Some(
            Gateway::start(config, context)
                .await
                .context(either("网关", "gateway"))?,
        );
    }
    let mut info = DevInfo::default();
    info.via_gateway = options.via == Via::Gateway;
    info.gateway = running.gateway.as_ref().map(Gateway::origin);
    running.simulator.set_dev(info);

    for app in running.apps.clone() {
        connect(options.via, &mut running, &app).await?;
    }
    Ok(running)
}

/// The accounts that there are, with those of the project's file, and the apps of both; the command line's go before the
/// file's.
async fn furnished(
    options: &Settings,
    simulator: &Simulator,
    lang: Lang,
) -> Result<(Seeded, Vec<App>), Fail> {
    let mut seeded = simulator.seeded();
    let (accounts, others) = options.file.furnish(&simulator.control(), lang).await?;
    seeded.others.extend(accounts);
    let mut apps = app::find(&options.app, &seeded, lang)?;
    for app in others {
        if !apps
            .iter()
            .any(|own| own.account.appid == app.account.appid)
        {
            apps.push(app);
        }
    }
    Ok((seeded, apps))
}

impl Running {
    /// Whether an account is that of the app that the phone tells of: the first service account with an app.
    fn is_phones(&self, account: &str) -> bool {
        self.phone.as_deref() == Some(account)
    }

    fn phone_app(&self) -> Option<&App> {
        let mut apps = self.apps.iter();
        apps.find(|app| self.is_phones(&app.account.appid))
    }

    /// An app's name at the gateway: that of the phone is `app`, others are called by what they answer for.
    fn app_name(&self, app: &App) -> String {
        match app.account.kind {
            _ if self.is_phones(&app.account.appid) => "app".to_owned(),
            AccountKind::Corp => app.account.appid.replace(':', "-"),
            _ => app.account.appid.clone(),
        }
    }
}

async fn connect(via: Via, running: &mut Running, app: &App) -> Result<(), Fail> {
    let App {
        account,
        url,
        message_url,
    } = app;
    let is_phones = running.is_phones(&account.appid);
    let (callback, messages, endpoints, secret) = match (&running.gateway, via) {
        (Some(gateway), Via::Gateway) => {
            let inlet = format!("{}/callback/{}", gateway.public_origin(), account.appid);
            let secret = if is_phones {
                let appid = AppId::new(account.appid.as_str());
                let key = gateway.issue_key(&running.app_name(app), &[appid]).await;
                let key = key.context(either(
                    "网关没有给应用签发密钥",
                    "the gateway did not issue a key for the app",
                ))?;
                key.key.expose().to_owned()
            } else {
                account.secret.clone()
            };
            let messages = format!("{inlet}/$APPID$");
            (inlet, Some(messages), gateway.endpoints(), secret)
        }
        _ => {
            let endpoints = running.simulator.endpoints();
            (
                url.clone(),
                message_url.clone(),
                endpoints,
                account.secret.clone(),
            )
        }
    };
    if is_phones {
        if let Some(demo) = &mut running.demo {
            demo.start(account, secret, endpoints)
                .context(either("演示应用", "demo app"))?;
        }
        running.simulator.connect(&account.appid, &callback).await;
    } else {
        let is_component = account.kind == AccountKind::Component;
        let messages = messages.filter(|_| is_component);
        let simulator = &running.simulator;
        simulator
            .connect_too(&account.appid, &callback, messages.as_deref())
            .await;
    }
    Ok(())
}

fn ready(options: &Settings, running: &Running) -> Ready {
    let seeded = running.seeded.clone();
    let mut accounts: Vec<Account> = Vec::new();
    for account in seeded.accounts.into_iter().chain(seeded.others) {
        let connected = running.is_phones(&account.appid);
        let account = Account {
            appid: account.appid,
            secret: account.secret,
            token: account.token,
            aes_key: account.aes_key,
            name: account.name,
            kind: account.kind.as_str().to_owned(),
            verified: account.verified,
            mode: account.mode.as_str().to_owned(),
        };
        let place = if connected { 0 } else { accounts.len() };
        accounts.insert(place, account);
    }
    let users = seeded.users.into_iter().map(|user| User {
        id: user.id,
        nickname: user.nickname,
        openids: user.openids,
    });
    let console = running.simulator.origin();
    Ready {
        pid: std::process::id(),
        control: format!("{console}/_sim/v1"),
        console,
        gateway: running.gateway.as_ref().map(Gateway::origin),
        endpoints: running.simulator.endpoints(),
        tls_pass: running.simulator.tls_pass(),
        tls: None,
        gateway_endpoints: running
            .gateway
            .as_ref()
            .map(Gateway::endpoints)
            .unwrap_or_default(),
        via: options.via,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: options.seed,
        app: running.phone_app().map(|app| app.url.clone()),
        apps: { running.apps.iter() }
            .filter(|app| !running.is_phones(&app.account.appid))
            .map(|app| (app.account.appid.clone(), app.url.clone()))
            .collect(),
        accounts,
        users: users.collect(),
    }
}

/// Ends the parts in the order in which they depend on each other.
async fn end(running: Running, browser: Option<Browser>) {
    if let Some(browser) = browser {
        browser.close().await;
    }
    if let Some(demo) = running.demo {
        demo.shutdown().await;
    }
    if let Some(gateway) = running.gateway {
        gateway.shutdown().await;
    }
    running.simulator.shutdown().await;
}

/// Takes both ready files away.
fn forget(own: &Path, wanted: Option<&Path>) {
    for path in [Some(own), wanted].into_iter().flatten() {
        remove_own(path);
    }
}

/// Takes a ready file away if it is still this process's.
fn remove_own(path: &Path) {
    if Ready::read(path).is_ok_and(|ready| ready.pid == std::process::id()) {
        let _ = std::fs::remove_file(path);
    }
}
