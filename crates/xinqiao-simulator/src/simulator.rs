//! Starts and stops a simulator: its ports, its world, its tasks.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use serde::Serialize;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use xinqiao_http::{
    CidrList, EventLog, Limits, ListenError, Listener, OriginGuard, Outbound, listen_block,
};
use xinqiao_types::{AccountKind, CallbackMode, Clock};

use crate::{
    accounts::{
        self, ACCOUNTS,
        account::Account,
        callback::{self, CallbackSettings, SetCallback},
    },
    control,
    door::pages,
    kernel::{World, time::Tick, world::Origins},
    options::{AppInfo, AppState, DevInfo, Options, Storage},
    people::{USERS, user},
    products::{self, official_account::seeded},
    push::order::Resume,
    shell::{
        Dev, Shared, SharedClock,
        doorkeeper::Doorkeeper,
        handshake,
        owner::{Held, Owner},
        platform, pusher,
        store::{self, Store, StoreError},
        thread,
    },
};

/// How many ports a simulator has: all, api, WeCom, pay, pages.
const PORTS: u16 = 5;
/// What each port after the first stands for, by the face of the catalog's hosts.
const FACES: [&str; 4] = ["api", "work", "pay", "pages"];
/// How long between two handshakes with an app that is not up yet.
const HANDSHAKE_AGAIN: Duration = Duration::from_millis(700);

/// A running simulator.
#[derive(Debug)]
pub struct Simulator {
    shared: Arc<Shared>,
    servers: TaskTracker,
    serving: CancellationToken,
    seeded: Seeded,
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// A port could not be opened.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The kept world could not be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The thread could not be started.
    #[error("the system does not start a thread")]
    Thread(#[source] std::io::Error),
}

/// The accounts and users that a seeded world starts with.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Seeded {
    /// In the order of making; the first is the verified service account.
    pub accounts: Vec<SeededAccount>,
    /// Third-party platforms, and applications of WeCom corporations as `corpid:agentid`.
    pub others: Vec<SeededAccount>,
    /// In the order of making.
    pub users: Vec<SeededUser>,
}

/// A seeded account.
#[derive(Debug, Clone, Serialize)]
pub struct SeededAccount {
    /// `wx…`.
    pub appid: String,
    /// AppSecret.
    pub secret: String,
    /// Kind.
    pub kind: AccountKind,
    /// Whether it is verified.
    pub verified: bool,
    /// Name.
    pub name: String,
    /// `gh_…`.
    pub original_id: String,
    /// Token.
    pub token: String,
    /// EncodingAESKey.
    pub aes_key: String,
    /// How callbacks are wrapped.
    pub mode: CallbackMode,
}

/// A seeded user.
#[derive(Debug, Clone, Serialize)]
pub struct SeededUser {
    /// `u…`.
    pub id: String,
    /// Nickname.
    pub nickname: String,
    /// Ids by account.
    pub openids: BTreeMap<String, String>,
}

impl Simulator {
    /// Opens the ports, loads or makes the world, serves.
    ///
    /// # Errors
    /// A port is taken, or the kept world cannot be opened; the message says what to do.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let listeners = listen_block(options.bind, options.port, PORTS).await?;
        let endpoints = endpoints(&listeners);
        let (mut world, loaded, store) = open(&options)?;
        world.origins = Origins {
            pages: listeners[usize::from(PORTS) - 1].origin(),
        };
        let seeded = seeded_view(&world);
        let (owner, waiting) = Owner::new();
        let (settled, _) = watch::channel(0);
        let allowed = CidrList::loopback_and(options.callback_allow.iter().copied());
        // Ids of the stream go on over a restart, so that a page left open sees no old ones again.
        let first = u64::try_from(Shared::wall_ms()).unwrap_or(1);
        let shared = Arc::new(Shared {
            world: owner,
            timeline: crate::shell::timeline::Timeline::default(),
            stream: EventLog::starting_at(2000, 4 * 1024 * 1024, first),
            outbound: Outbound::new(allowed),
            attempt_timeout: options.attempt_timeout,
            endpoints,
            doorkeeper: Doorkeeper::new(),
            origin: listeners[0].origin(),
            seed: options.seed,
            own_pages: pages::own_paths(products::house()),
            storage: options.storage.clone(),
            dev: Mutex::new(Dev {
                info: options.dev.clone(),
                paused: world.is_patient(),
                ..Dev::default()
            }),
            attempts: Mutex::default(),
            settled,
            clock: SharedClock::new(world.clock()),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
            broken: CancellationToken::new(),
        });
        let cell = Arc::new(OnceLock::new());
        let _ = cell.set(shared.clone());
        let held = Held::new(world, store, cell);
        let owner = shared.world.clone();
        thread::start(owner, waiting, held).map_err(StartError::Thread)?;
        let servers = TaskTracker::new();
        let serving = CancellationToken::new();
        serve(&shared, &options, listeners, &servers, &serving);
        shared.tasks.spawn(tick(shared.clone()));
        if loaded {
            let _ = shared.world.apply(Resume).await;
        }
        Ok(Self {
            shared,
            servers,
            serving,
            seeded,
        })
    }

    /// Every platform host with the origin that stands for it.
    pub fn endpoints(&self) -> BTreeMap<String, String> {
        self.shared.endpoints.clone()
    }

    /// The origin of the first port: pages, control interface, any platform host by `Host` header.
    pub fn origin(&self) -> String {
        self.shared.origin.clone()
    }

    /// The world's clock: follows every advance and freeze; cheap to read.
    pub fn clock(&self) -> Arc<dyn Clock> {
        Arc::new(self.shared.clock.clone())
    }

    /// Where the control interface is.
    pub fn control(&self) -> String {
        format!("{}/_sim/v1", self.shared.origin)
    }

    /// What whoever ends TLS before the simulator puts into [`TLS_HEADER`](crate::TLS_HEADER). Another one at each start, and
    /// a secret: who has it is believed to hold any merchant's key.
    pub fn tls_pass(&self) -> String {
        self.shared.doorkeeper.pass().to_owned()
    }

    /// Changes what `GET /_sim/v1/dev` shows.
    pub fn set_dev(&self, info: DevInfo) {
        self.shared.dev().info = info;
        self.shared.publish_dev();
    }

    /// Saves an app's address as the account's callback, as soon as it passes the handshake. The handshake is repeated
    /// in the background until the app answers, and again after a reset. The page tells how this app stands.
    ///
    /// Where the account has another address, of an app that was connected before, the new one takes its place at
    /// once: what is pushed until the app answers is for nobody else.
    pub async fn connect(&self, appid: &str, url: &str) {
        self.shared.dev().app = AppInfo {
            url: Some(url.to_owned()),
            account: Some(appid.to_owned()),
            state: AppState::Waiting,
            ..AppInfo::default()
        };
        self.connect_too(appid, url, None).await;
    }

    /// The same for an app beside it, of which the page tells nothing. A third-party platform, which has no handshake,
    /// is pushed to at once; its messages of authorizers go to `message_url`.
    pub async fn connect_too(&self, appid: &str, url: &str, message_url: Option<&str>) {
        let address = Address {
            url: url.to_owned(),
            message_url: message_url.map(str::to_owned),
        };
        self.shared
            .dev()
            .connected
            .insert(appid.to_owned(), address.url.clone());
        self.shared.publish_dev();
        let asked = appid.to_owned();
        let world = &self.shared.world;
        let before = world.ask(move |world| {
            let account = accounts::account(world, &asked).ok()?;
            Some((account.callback.url.clone(), account.kind))
        });
        let Ok(Some((before, kind))) = before.await else {
            return;
        };
        let asks = callback::has_handshake(kind);
        if !asks || (!before.is_empty() && before != url) {
            // An address that cannot be one is refused by the handshake below, which says why.
            let _ = world.apply(set_callback(appid, &address)).await;
        }
        if asks {
            let (shared, appid) = (self.shared.clone(), appid.to_owned());
            self.shared.tasks.spawn(connect(shared, appid, address));
        }
    }

    /// The accounts and users of a seeded world, as they were at the start.
    pub fn seeded(&self) -> Seeded {
        self.seeded.clone()
    }

    /// Waits until the simulator can no longer go on, which a fault of its own may bring about. It answers 503 from
    /// then on: whoever runs it is to end with a failure. What happened is in the log.
    pub async fn broken(&self) {
        self.shared.broken.cancelled().await;
    }

    /// Answers what was asked, writes down what is to be kept, and ends.
    pub async fn shutdown(self) {
        self.shared.stop.cancel();
        self.shared.stream.close();
        self.serving.cancel();
        self.servers.close();
        self.servers.wait().await;
        self.shared.tasks.close();
        self.shared.tasks.wait().await;
        self.shared.world.stop().await;
    }
}

/// The world, whether it was kept, and what keeps it.
fn open(options: &Options) -> Result<(World, bool, Option<Store>), StoreError> {
    let house = products::house();
    let fresh = || World::new(options.seed, options.seeded, house);
    match &options.storage {
        Storage::Memory => Ok((fresh(), false, None)),
        Storage::Dir(folder) => {
            let mut opened = store::open(folder, options.fresh, options.seed, house)?;
            let kept = opened.world.take();
            let loaded = kept.is_some();
            let mut world = kept.unwrap_or_else(fresh);
            world.seeded = options.seeded;
            world.watch();
            let store = opened.keep(&mut world)?;
            Ok((world, loaded, Some(store)))
        }
    }
}

/// Every host of the catalog with the origin of the port that stands for its face.
fn endpoints(listeners: &[Listener]) -> BTreeMap<String, String> {
    xinqiao_catalog::hosts()
        .iter()
        .map(|host| {
            let port = FACES
                .iter()
                .position(|face| *face == host.face)
                .unwrap_or(0)
                + 1;
            (host.name.to_owned(), listeners[port].origin())
        })
        .collect()
}

fn serve(
    shared: &Arc<Shared>,
    options: &Options,
    listeners: Vec<Listener>,
    servers: &TaskTracker,
    serving: &CancellationToken,
) {
    // One budget: what arrives at all ports together is bounded.
    let limits = Limits::default();
    for (index, listener) in listeners.into_iter().enumerate() {
        let (router, face) = match index {
            0 => (first_port(shared.clone(), options), None),
            port => {
                let face = FACES[port - 1];
                (face_port(shared.clone(), face), Some(face))
            }
        };
        let mut guard = OriginGuard::new(own_names(options).chain(platform_names(face)));
        if face == FACES.last().copied() {
            guard = guard.open_at(&shared.own_pages);
        }
        let router = router.layer(axum::middleware::from_fn_with_state(
            guard,
            xinqiao_http::own_names_only,
        ));
        let (limits, serving) = (limits.clone(), serving.clone());
        servers.spawn(async move {
            xinqiao_http::serve_with(listener, router, limits, serving).await;
        });
    }
}

/// What this machine may be called besides loopback.
fn own_names(options: &Options) -> impl Iterator<Item = String> {
    let bind = (!options.bind.is_unspecified()).then(|| options.bind.to_string());
    options.hosts.iter().cloned().chain(bind)
}

/// The platform hosts that a port stands for; the first stands for all.
fn platform_names(face: Option<&'static str>) -> impl Iterator<Item = String> {
    xinqiao_catalog::hosts()
        .iter()
        .filter(move |host| face.is_none_or(|face| face == host.face))
        .map(|host| host.name.to_owned())
}

/// Control interface, pages, and any platform host by `Host` header.
fn first_port(shared: Arc<Shared>, options: &Options) -> Router {
    let guard = OriginGuard::new(own_names(options));
    let pages = options.console.clone().unwrap_or_else(|| {
        Router::new().fallback(|| async {
            (
                StatusCode::NOT_FOUND,
                "the pages are not part of this program; the control interface is at /_sim/v1/\n",
            )
        })
    });
    let own = control::router(shared.clone())
        .route(
            "/mmbiz/{media_id}/{size}",
            axum::routing::get({
                let shared = shared.clone();
                move |axum::extract::Path((media_id, _)): axum::extract::Path<(String, String)>| {
                    let shared = shared.clone();
                    async move { platform::file(&shared, media_id).await }
                }
            }),
        )
        .fallback_service(pages)
        .layer(axum::middleware::from_fn_with_state(
            guard,
            xinqiao_http::guard,
        ));
    own.layer(axum::middleware::from_fn_with_state(
        shared,
        platform_hosts_first,
    ))
}

/// A request that names a platform host is for the platform, whatever its path.
async fn platform_hosts_first(
    State(shared): State<Arc<Shared>>,
    request: Request,
    next: Next,
) -> Response {
    match platform::named_host(&request) {
        Some(host) => platform::serve(shared, host, request).await,
        None => next.run(request).await,
    }
}

/// The port of one face: the named host if it is one of the platform's, else the one that has a page at this path, else
/// the face's first.
fn face_port(shared: Arc<Shared>, face: &'static str) -> Router {
    let default = xinqiao_catalog::hosts()
        .iter()
        .find(|host| host.face == face && host.canonical == host.name)
        .map_or("", |host| host.name);
    Router::new().fallback(move |request: Request| {
        let shared = shared.clone();
        async move {
            if request.uri().path().starts_with("/_sim/") {
                return StatusCode::NOT_FOUND.into_response();
            }
            let host = platform::named_host(&request)
                .or_else(|| host_of_page(face, request.uri().path()))
                .unwrap_or(default);
            platform::serve(shared, host, request).await
        }
    })
}

/// The host of a face that has a page at this path.
fn host_of_page(face: &str, path: &str) -> Option<&'static str> {
    let page = xinqiao_catalog::pages().iter().find(|page| {
        page.path == path && xinqiao_catalog::host(page.host).is_some_and(|host| host.face == face)
    })?;
    Some(page.host)
}

/// Lets fall due what is due, once a second, while the clock runs.
async fn tick(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
        let wall_ms = Shared::wall_ms();
        let due = shared
            .world
            .ask(move |world| {
                world
                    .next_due()
                    .is_some_and(|at| at <= world.now(wall_ms).0)
            })
            .await;
        match due {
            Ok(true) => {
                let _ = shared.world.apply_soon(Tick).await;
            }
            Ok(false) => {}
            Err(_) => return,
        }
    }
}

/// Where an app is.
struct Address {
    url: String,
    message_url: Option<String>,
}

impl Address {
    fn settings(&self) -> CallbackSettings {
        CallbackSettings {
            url: self.url.clone(),
            message_url: self.message_url.clone(),
            ..CallbackSettings::default()
        }
    }
}

fn set_callback(appid: &str, address: &Address) -> SetCallback {
    SetCallback {
        appid: appid.to_owned(),
        settings: address.settings(),
    }
}

/// Repeats the handshake until the app answers as it must.
async fn connect(shared: Arc<Shared>, appid: String, address: Address) {
    let mut again = false;
    loop {
        let (asked, settings) = (appid.clone(), address.settings());
        let prepared = shared
            .world
            .ask(move |world| {
                let account = accounts::account(world, &asked)?;
                let callback = callback::complete_callback(account, &settings)?;
                let whose = handshake::Whose {
                    appid: account.appid.to_string(),
                    name: account.name.clone(),
                    corp: account.of_corp().map(|(corp, _)| corp.to_owned()),
                    again,
                };
                Ok::<_, crate::kernel::Refused>((whose, callback))
            })
            .await
            .and_then(|inner| inner);
        match prepared {
            Err(refused) => shared.note_app(&appid, AppState::Failed, Some(refused.message), None),
            Ok((whose, callback)) => match handshake::check(&shared, &whose, &callback).await {
                Ok(()) => {
                    let stored = shared.world.apply(set_callback(&appid, &address)).await;
                    if stored.is_ok() {
                        shared.note_app(&appid, AppState::Connected, None, None);
                    }
                    return;
                }
                Err(failed) => {
                    again = true;
                    let down = failed.diagnosis.rule == pusher::REFUSED;
                    let state = if down {
                        AppState::Waiting
                    } else {
                        AppState::Failed
                    };
                    shared.note_app(&appid, state, Some(failed.reason), Some(failed.diagnosis));
                }
            },
        }
        tokio::select! {
            () = shared.stop.cancelled() => return,
            () = tokio::time::sleep(HANDSHAKE_AGAIN) => {}
        }
        if shared.dev().connected.get(&appid) != Some(&address.url) {
            return;
        }
    }
}

fn seeded_view(world: &World) -> Seeded {
    let accounts = seeded::accounts(world).map(seeded_account).collect();
    let others = ACCOUNTS
        .all(world)
        .map(|(_, account)| account)
        .filter(|account| matches!(account.kind, AccountKind::Component | AccountKind::Corp))
        .map(seeded_account)
        .collect();
    let users = USERS
        .all(world)
        .take(2)
        .map(|(number, person)| SeededUser {
            id: user::name(*number),
            nickname: person.nickname.to_string(),
            openids: user::openids(world, *number)
                .map(|(appid, openid)| (appid.to_string(), openid.to_string()))
                .collect(),
        })
        .collect();
    Seeded {
        accounts,
        others,
        users,
    }
}

fn seeded_account(account: &Account) -> SeededAccount {
    SeededAccount {
        appid: account.appid.to_string(),
        secret: account.secret.clone(),
        kind: account.kind,
        verified: account.verified,
        name: account.name.clone(),
        original_id: account.original_id.to_string(),
        token: account.callback.token.clone(),
        aes_key: account.callback.aes_key.clone(),
        mode: account.callback.mode,
    }
}

#[cfg(test)]
mod tests;
