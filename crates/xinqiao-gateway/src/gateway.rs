//! Starting and stopping.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use xinqiao_http::{Limits, RefusalSum};
use xinqiao_store::{Location, MasterKey, Millis, NodeId, Options, Store, Timing};
use xinqiao_types::{AppId, Clock, Entropy, SystemClock, SystemEntropy};

use crate::{
    AdminListen, Config, IssueError, IssuedKey, StartError, StoreAt, Upstream, admin_socket,
    deliver, front, issued_key, own_names, platform::Face, shared::Shared,
};

/// The environment variable that holds the master key unless the configuration names another.
const MASTER_KEY_VARIABLE: &str = "XINQIAO_MASTER_KEY";

/// Most connections to one port at once. Calls to the platform may be at work in half of them
/// ([`CALLS`]); the rest is the callbacks'.
const CONNECTIONS: usize = 8192;
/// Most calls to the platform that are being worked on at once.
pub(crate) const CALLS: usize = CONNECTIONS / 2;

/// What a gateway takes from its surroundings.
#[derive(Debug, Clone)]
pub struct Context {
    /// Real time: signatures, time-outs, retries.
    pub clock: Arc<dyn Clock>,
    /// The platform's time: when tokens end. The simulator's clock in `dev`, real time otherwise.
    pub world: Arc<dyn Clock>,
    /// Nonces, keys, jitter.
    pub entropy: Arc<dyn Entropy>,
    /// Replaces the configuration's upstream: real host → origin.
    pub upstream: Option<BTreeMap<String, String>>,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            world: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            upstream: None,
        }
    }
}

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
    stop: CancellationToken,
    servers: TaskTracker,
}

impl Gateway {
    /// Opens the store, binds the ports, takes up what the last run left.
    pub async fn start(mut config: Config, context: Context) -> Result<Self, StartError> {
        config.name_accounts();
        config.check("configuration")?;
        if let Some(hosts) = context.upstream.clone() {
            config.upstream = Upstream::Hosts(hosts);
        }
        let mut listeners = Vec::with_capacity(6);
        for (face, index) in Face::PORTS.into_iter().zip(0..) {
            let port = match config.listen.port {
                0 => 0,
                first => first.saturating_add(index),
            };
            let bind = if face.is_proxy() {
                config.proxy.bind
            } else {
                config.listen.bind
            };
            listeners.push((face, xinqiao_http::listen(bind, port).await?));
        }
        let mut socket = None;
        match config.admin_listen() {
            Some(AdminListen::Tcp(address)) => {
                let own = xinqiao_http::listen(address.ip(), address.port()).await?;
                listeners.push((Face::Admin, own));
            }
            Some(AdminListen::Unix(path)) => socket = Some(admin_socket::listen(&path).await?),
            None => {}
        }
        let store = open_store(&config, &context).await?;
        // From before anything is read: what changes meanwhile is not missed.
        let changes = store.changes();
        let origins = listeners
            .iter()
            .map(|(face, listener)| (*face, listener.origin()))
            .collect();
        let shared = Shared::new(config, context, store, origins).await?;
        let limits = limits(&shared.config);
        let stop = CancellationToken::new();
        let servers = TaskTracker::new();
        let guard = own_names::guard(&shared.config);
        for (face, listener) in listeners {
            let service = front::service(Arc::clone(&shared), face, guard.clone());
            let limits = limits.clone();
            let serving = xinqiao_http::serve_with(listener, service, limits, stop.clone());
            servers.spawn(async move {
                serving.await;
            });
        }
        if let Some(socket) = socket {
            let service = front::service(Arc::clone(&shared), Face::Admin, None);
            servers.spawn(admin_socket::serve(socket, service, stop.clone()));
        }
        servers.spawn(deliver::worker(Arc::clone(&shared), stop.clone()));
        if let Some(changes) = changes {
            let (following, stop) = (Arc::clone(&shared).follow(changes), stop.clone());
            servers.spawn(async move {
                stop.run_until_cancelled(following).await;
            });
        }
        let (retention, ended) = (retention(Arc::clone(&shared)), stop.clone());
        servers.spawn(async move {
            ended.run_until_cancelled(retention).await;
        });
        servers.spawn(refusal_sums(Arc::clone(&shared), stop.clone()));
        Ok(Self {
            shared,
            stop,
            servers,
        })
    }

    /// The origin for programs on this machine: administration's own port if it has one, which
    /// serves everything that the first port serves; else the first port.
    pub fn origin(&self) -> String {
        match self.shared.origin(Face::Admin) {
            "" => self.public_origin(),
            own => own.to_owned(),
        }
    }

    /// The origin of the first port, which may face the internet.
    pub fn public_origin(&self) -> String {
        self.shared.origin(Face::Native).to_owned()
    }

    /// What stands for each real host: host name → origin.
    pub fn endpoints(&self) -> BTreeMap<String, String> {
        self.shared.endpoints()
    }

    /// Issues a key that opens `accounts` (all if empty) to an app. The key is shown this once.
    pub async fn issue_key(&self, app: &str, accounts: &[AppId]) -> Result<IssuedKey, IssueError> {
        issued_key::issue(&self.shared, app, accounts).await
    }

    /// Stops taking requests, answers what was taken, lets deliveries in flight end, closes the
    /// store.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.servers.close();
        self.servers.wait().await;
        self.shared.tasks.close();
        // What does not end in time stays pending in the store and is taken up by the next start.
        let ended = tokio::time::timeout(Duration::from_secs(5), self.shared.tasks.wait()).await;
        if ended.is_err() {
            let left = self.shared.tasks.len();
            tracing::warn!(
                left,
                "Deliveries were still running; the next start repeats them."
            );
        }
        self.shared.store.close().await;
    }
}

/// What senders may take. All ports share the memory for bodies.
fn limits(config: &Config) -> Limits {
    Limits {
        header_bytes: 16 * 1024,
        connections: CONNECTIONS,
        body_kept: crate::proxy::KEPT_BYTES + 64 * 1024,
        trusted_proxies: config.listen.trusted_proxies.iter().copied().collect(),
        ..Limits::default()
    }
}

async fn open_store(config: &Config, context: &Context) -> Result<Store, StartError> {
    let location = match &config.store {
        StoreAt::File(path) => Location::File(path.clone()),
        StoreAt::Memory => Location::Memory,
        StoreAt::Postgres(url) => Location::Postgres(url.expose().to_owned()),
        #[cfg(feature = "bench")]
        StoreAt::Discard => return Ok(Store::discard(MasterKey::generate(&*context.entropy))),
    };
    let master = master_key(config, &location)?;
    let now = Millis(context.clock.now().as_millisecond());
    let store = Store::open(Options {
        location,
        master,
        node: node(config),
        now,
        timing: Timing::Database,
    });
    Ok(store.await?)
}

/// This node's name. Where nobody shares the store it says only that it is the same node as before; else it is the
/// host's unless the configuration has one.
pub(crate) fn node(config: &Config) -> NodeId {
    if let Some(name) = &config.node {
        return NodeId::new(name);
    }
    match &config.store {
        StoreAt::Postgres(_) => { std::fs::read_to_string("/proc/sys/kernel/hostname").ok() }
            .or_else(|| std::env::var("HOSTNAME").ok())
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .map_or_else(NodeId::default, NodeId::new),
        _ => NodeId::default(),
    }
}

fn master_key(config: &Config, location: &Location) -> Result<MasterKey, StartError> {
    if let Some(file) = &config.seal.key_file {
        return Ok(if config.dev {
            MasterKey::load_or_generate(file, &SystemEntropy)?
        } else {
            MasterKey::from_file(file)?
        });
    }
    let named = config.seal.key_env.as_deref();
    let variable = named.unwrap_or(MASTER_KEY_VARIABLE);
    if let Some(text) = std::env::var_os(variable) {
        let parsed = MasterKey::parse(&text.to_string_lossy());
        return parsed.map_err(|source| StartError::MasterKeyVariable {
            variable: variable.to_owned(),
            source,
        });
    }
    match location {
        _ if named.is_some() => Err(StartError::NoMasterKey {
            variable: variable.to_owned(),
        }),
        Location::Memory => Ok(MasterKey::generate(&SystemEntropy)),
        Location::File(path) if config.dev => {
            let mut file = path.clone().into_os_string();
            file.push(".key");
            Ok(MasterKey::load_or_generate(
                &PathBuf::from(file),
                &SystemEntropy,
            )?)
        }
        Location::File(_) | Location::Postgres(_) => Err(StartError::NoMasterKey {
            variable: variable.to_owned(),
        }),
    }
}

/// Drops days that are past the retention, now and then.
async fn retention(shared: Arc<Shared>) {
    const DAY_MS: i64 = 86_400_000;
    loop {
        let keep = i64::from(shared.config.retention_days) * DAY_MS;
        match shared
            .store
            .drop_days_before(shared.now().plus(-keep), shared.now())
            .await
        {
            Ok(0) => {}
            Ok(days) => tracing::info!(days, "Days past the retention were dropped."),
            Err(error) => tracing::warn!(%error, "Old days could not be dropped."),
        }
        // What a timestamp lets in is recognised at least twice as long.
        let window = i64::try_from(shared.config.callback_window).unwrap_or(i64::MAX / 4000);
        match shared
            .store
            .forget_repeats(shared.now().plus(-2 * 1000 * window), shared.now())
            .await
        {
            Ok(keys) => tracing::debug!(keys, "Old dedup keys were forgotten."),
            Err(error) => tracing::warn!(%error, "Old dedup keys could not be forgotten."),
        }
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
}

/// Writes once a minute how many refusals were not written one by one.
async fn refusal_sums(shared: Arc<Shared>, stop: CancellationToken) {
    loop {
        let stopped = tokio::select! {
            () = stop.cancelled() => true,
            () = tokio::time::sleep(Duration::from_mins(1)) => false,
        };
        for RefusalSum { rule, peer, count } in shared.refusals.sums() {
            let peer = peer.map_or_else(|| "others".to_owned(), |peer| peer.to_string());
            tracing::warn!(
                rule,
                peer,
                count,
                "More was refused than is written one by one."
            );
        }
        if stopped {
            return;
        }
    }
}
