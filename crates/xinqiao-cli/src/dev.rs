//! `xinqiao dev` and `xinqiao sim`: the platform on a laptop, in one process.
//!
//! Order of the start: simulator, gateway, app; the ready file comes last, when everything listens.
//! Order of the end: the reverse, on SIGINT or SIGTERM, each part finishing what it took.

mod banner;
mod demo;
mod folder_lock;
mod follow;
mod stop;
mod world_folder;

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use xinqiao_gateway::{AccountConfig, AppConfig, Config, Gateway, StoreAt};
use xinqiao_http::Cidr;
use xinqiao_simulator::{DevInfo, SeededAccount, Simulator, Storage};
use xinqiao_types::{AesKeyText, AppId, AppSecret, CallbackToken, SystemClock, SystemEntropy};

use self::demo::Demo;
use self::folder_lock::FolderLock;
pub(crate) use self::stop::Stop;
use self::world_folder::WorldFolder;
use crate::args::Refused;
use crate::fail::{Fail, Outcome};
use crate::lang::{Lang, either};
use crate::project::{self, Account, Ready, User, Via};
use crate::{assets, talk};

/// First of the five ports of the simulator; the gateway's begin ten further on.
const FIRST_PORT: u16 = 8600;
/// Distance from the simulator's ports to the gateway's.
const GATEWAY_PORTS: u16 = 10;

/// Flags of `dev` and `sim`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Your app's callback address; it may start later
    #[arg(long, value_name = "URL", value_parser = app_address)]
    app: Option<String>,
    /// How the app's callbacks go: direct, or through the gateway
    #[arg(long, value_enum, default_value = "direct")]
    via: Via,
    /// Fixes every appid, secret, openid and token
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// First of five neighbouring ports (the gateway's begin at PORT+10); 0: all random
    #[arg(long, default_value_t = FIRST_PORT)]
    port: u16,
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
    /// Address to listen on; other machines and containers need 0.0.0.0
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    bind: IpAddr,
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

/// What is running.
struct Running {
    simulator: Simulator,
    gateway: Option<Gateway>,
    demo: Option<Demo>,
    app: Option<String>,
}

/// `xinqiao dev`: simulator, gateway, console and an app.
pub(crate) async fn run(options: Options, lang: Lang) -> Outcome {
    serve(
        options,
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
    if options.shared.app.is_some() && !options.seeded {
        return Err(Fail::usage(lang.pick(
            "空的世界里没有可连接 --app 的账号；加上 --seeded，或用控制接口建账号",
            "an empty world has no account to connect --app to; add --seeded, or make one over the control interface",
        )));
    }
    let gateway = options.shared.via == Via::Gateway;
    let parts = Parts {
        seeded: options.seeded,
        gateway,
        demo: false,
        tells: false,
    };
    serve(options.shared, parts, lang).await
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

async fn serve(options: Options, parts: Parts, lang: Lang) -> Outcome {
    // Signals that arrive during the start must not be lost.
    let mut stop =
        Stop::listen().context(lang.pick("无法接收信号", "cannot listen for signals"))?;
    let project = project::create()?;
    let _lock = FolderLock::take(&project, lang)?;
    let world = if options.memory {
        None
    } else {
        Some(WorldFolder::open(&project, options.seed, options.fresh)?)
    };
    let running = start(&options, parts, world.as_ref()).await?;
    let ready = ready(&options, &running);
    let ready_file = project::ready_path(&project);
    ready.write(&ready_file)?;
    if let Some(path) = &options.ready_file {
        ready.write(path)?;
    }
    banner::print(&ready, running.demo.is_some(), lang);

    tokio::select! {
        () = stop.wait() => {}
        () = follow::run(&ready, lang), if parts.tells && !options.quiet => {}
    }
    talk::say(lang.pick("正在停止……", "stopping …"));
    for path in [Some(&ready_file), options.ready_file.as_ref()]
        .into_iter()
        .flatten()
    {
        remove_own(path);
    }
    let ended = tokio::select! {
        () = end(running) => true,
        () = stop.wait() => false,
    };
    if ended {
        Ok(())
    } else {
        Err(Fail::failed(lang.pick("被强制停止", "stopped by force")))
    }
}

async fn start(
    options: &Options,
    parts: Parts,
    world: Option<&WorldFolder>,
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
    let account = simulator
        .seeded()
        .accounts
        .into_iter()
        .find(answers_messages);

    let mut running = Running {
        simulator,
        gateway: None,
        demo: None,
        app: options.app.clone(),
    };
    if parts.demo && options.app.is_none() && account.is_some() {
        // The gateway has to know the app's address before the app can know the gateway's.
        let demo = Demo::listen()
            .await
            .context(either("演示应用", "demo app"))?;
        running.app = Some(demo.url());
        running.demo = Some(demo);
    }
    if parts.gateway {
        let config = gateway_config(
            options,
            &running,
            account.as_ref(),
            world.map(WorldFolder::path),
        );
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

    if let Some(account) = &account {
        connect(options.via, &mut running, account).await?;
    }
    Ok(running)
}

/// The account that the app is connected to: the verified service account.
fn answers_messages(account: &SeededAccount) -> bool {
    account.kind == xinqiao_types::AccountKind::Service && account.verified
}

async fn connect(via: Via, running: &mut Running, account: &SeededAccount) -> Result<(), Fail> {
    let Some(url) = running.app.clone() else {
        return Ok(());
    };
    let (callback, endpoints, secret) = match (&running.gateway, via) {
        (Some(gateway), Via::Gateway) => {
            let appid = AppId::new(account.appid.as_str());
            let key = gateway.issue_key(APP_NAME, &[appid]).await.context(either(
                "网关没有给应用签发密钥",
                "the gateway did not issue a key for the app",
            ))?;
            let inlet = format!("{}/callback/{}", gateway.public_origin(), account.appid);
            (inlet, gateway.endpoints(), key.key.expose().to_owned())
        }
        _ => (url, running.simulator.endpoints(), account.secret.clone()),
    };
    if let Some(demo) = &mut running.demo {
        demo.start(account, secret, endpoints)
            .context(either("演示应用", "demo app"))?;
    }
    running.simulator.connect(&account.appid, &callback).await;
    Ok(())
}

/// The app's name at the gateway.
const APP_NAME: &str = "app";

/// A gateway that knows the seeded accounts; the app keeps the Token and AES key of its account, so
/// the same configuration works straight and through the gateway.
fn gateway_config(
    options: &Options,
    running: &Running,
    connected: Option<&SeededAccount>,
    folder: Option<&Path>,
) -> Config {
    let mut config = Config {
        dev: true,
        ..Config::default()
    };
    config.listen.bind = options.bind;
    config.proxy.bind = options.bind;
    config.listen.hosts.clone_from(&options.host);
    config.listen.port = match options.port {
        0 => 0,
        first => first.saturating_add(GATEWAY_PORTS),
    };
    config.store = folder.map_or(StoreAt::Memory, |folder| {
        StoreAt::File(folder.join("gateway.db"))
    });
    config.seal.key_file = folder.map(|folder| folder.join("gateway.key"));
    for seeded in running.simulator.seeded().accounts {
        let mut account = AccountConfig::new(seeded.appid.as_str());
        account.secret = Some(AppSecret::new(seeded.secret));
        account.kind = seeded.kind;
        account.verified = Some(seeded.verified);
        account.name = seeded.name;
        account.token = Some(CallbackToken::new(seeded.token));
        account.aes_key = Some(AesKeyText::new(seeded.aes_key));
        account.mode = seeded.mode;
        account.allow_plain = true;
        config.accounts.push(account);
    }
    if let (Some(url), Some(account)) = (&running.app, connected) {
        let mut app = AppConfig::new(APP_NAME, url, CallbackToken::new(account.token.as_str()));
        app.aes_key = Some(AesKeyText::new(account.aes_key.as_str()));
        app.accounts = vec![AppId::new(account.appid.as_str())];
        config.apps.push(app);
    }
    config
}

fn ready(options: &Options, running: &Running) -> Ready {
    let seeded = running.simulator.seeded();
    let mut accounts: Vec<Account> = Vec::new();
    for account in seeded.accounts {
        let connected = answers_messages(&account);
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
        gateway_endpoints: running
            .gateway
            .as_ref()
            .map(Gateway::endpoints)
            .unwrap_or_default(),
        via: options.via,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: options.seed,
        app: running.app.clone(),
        accounts,
        users: users.collect(),
    }
}

/// Ends the parts in the order in which they depend on each other.
async fn end(running: Running) {
    if let Some(demo) = running.demo {
        demo.shutdown().await;
    }
    if let Some(gateway) = running.gateway {
        gateway.shutdown().await;
    }
    running.simulator.shutdown().await;
}

/// Takes a ready file away if it is still this process's.
fn remove_own(path: &Path) {
    if Ready::read(path).is_ok_and(|ready| ready.pid == std::process::id()) {
        let _ = std::fs::remove_file(path);
    }
}

fn app_address(text: &str) -> Result<String, Refused> {
    const WRONG: Refused = Refused {
        zh: "应用的地址写成 http://127.0.0.1:3000/wx 的样子",
        en: "an app's address looks like http://127.0.0.1:3000/wx",
    };
    // `127.0.0.1:3000/wx` is what people type.
    let whole = if text.contains("://") || !text.contains(':') {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let uri: http::Uri = whole.parse().map_err(|_| WRONG)?;
    match (uri.scheme_str(), uri.host()) {
        (Some("http"), Some(host)) if !host.is_empty() => Ok(whole),
        (Some("https"), Some(_)) => Err(Refused {
            zh: "模拟器只用 http 调用；写应用自己的端口",
            en: "the simulator calls plain http only; give the app's own port",
        }),
        _ => Err(WRONG),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_is_an_http_address() {
        for fine in [
            "http://127.0.0.1:3000/wx",
            "127.0.0.1:3000/wx",
            "localhost:3000",
        ] {
            let address = app_address(fine).expect(fine);
            assert!(address.starts_with("http://"), "{address}");
        }
        for wrong in ["https://example.com/wx", "wx", "/wx", ":3000", "ftp://a/wx"] {
            assert!(app_address(wrong).is_err(), "{wrong}");
        }
    }
}
