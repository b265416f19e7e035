//! What all parts of a running gateway share.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, Semaphore, broadcast, broadcast::error::RecvError};
use tokio_util::task::TaskTracker;
use xinqiao_http::RefusalLog;
use xinqiao_store::{Change, Millis, NodeId, Store, StoreError};
use xinqiao_types::UnixSeconds;

use crate::{
    Config, Context, StartError,
    directory::Directory,
    gateway::{CALLS, node},
    in_flight::InFlight,
    issued_key::{self, Keys},
    metrics::Metrics,
    outbound::Outbound,
    platform::{self, Face},
    token_center::{TokenCenter, VirtualTokens},
    wrong_keys::WrongKeys,
};

/// What all parts of a running gateway share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) context: Context,
    pub(crate) store: Store,
    /// In whose name leases and deliveries are held.
    pub(crate) node: NodeId,
    pub(crate) directory: Directory,
    pub(crate) in_flight: InFlight,
    pub(crate) outbound: Outbound,
    pub(crate) tokens: TokenCenter,
    pub(crate) virtual_tokens: VirtualTokens,
    /// App keys, issued and configured; replaced as a whole when one is issued or revoked.
    pub(crate) keys: ArcSwap<Keys>,
    pub(crate) wrong_keys: WrongKeys,
    pub(crate) wrong_admin_keys: WrongKeys,
    pub(crate) metrics: Metrics,
    /// Which refusals are logged.
    pub(crate) refusals: RefusalLog,
    /// Calls to the platform that may be worked on at once: they never take all the places of the
    /// port that they share with callbacks.
    pub(crate) calls: Semaphore,
    /// Deliveries and refreshes that outlive the request that began them.
    pub(crate) tasks: TaskTracker,
    /// Wakes the redelivery worker.
    pub(crate) due: Notify,
    origins: HashMap<Face, String>,
}

impl Shared {
    pub(crate) async fn new(
        config: Config,
        context: Context,
        store: Store,
        origins: HashMap<Face, String>,
    ) -> Result<Arc<Self>, StartError> {
        let directory = Directory::new(&config, &store, &*context.entropy).await?;
        let shared = Self {
            outbound: Outbound::new(&config.upstream),
            tokens: TokenCenter::new(&config),
            virtual_tokens: VirtualTokens::new(&store),
            directory,
            in_flight: InFlight::default(),
            keys: ArcSwap::default(),
            wrong_keys: WrongKeys::default(),
            wrong_admin_keys: WrongKeys::default(),
            metrics: Metrics::default(),
            refusals: RefusalLog::default(),
            calls: Semaphore::new(CALLS),
            tasks: TaskTracker::new(),
            due: Notify::new(),
            node: node(&config),
            config,
            context,
            store,
            origins,
        };
        shared.load_keys().await?;
        if let Err(error) = shared.check_admin_keys() {
            // Whoever corrects it starts again at once.
            shared.store.close().await;
            return Err(error);
        }
        Ok(Arc::new(shared))
    }

    /// No app may hold a key of administration. Configured keys are compared where the configuration is checked.
    fn check_admin_keys(&self) -> Result<(), StartError> {
        let admin = &self.config.admin;
        for (name, key) in [
            ("admin.key", &admin.key),
            ("admin.read_key", &admin.read_key),
        ] {
            if let Some(key) = key
                && let Some(issued) = issued_key::find(self, key.expose())
            {
                let (id, app) = (issued.id.clone(), issued.app.clone());
                return Err(StartError::IssuedKey { name, id, app });
            }
        }
        Ok(())
    }

    /// Reads the app keys anew: those that were issued from the store, the others from the
    /// configuration, so that they are there as long as they stand in it.
    pub(crate) async fn load_keys(&self) -> Result<(), xinqiao_store::StoreError> {
        // Databases of earlier versions hold configured keys as well, with ids of their own.
        let issued = self.store.keys().await?.into_iter();
        let issued = issued.filter(|key| issued_key::is_issued_id(&key.id));
        let configured = self.config.keys.iter().map(issued_key::configured);
        self.keys
            .store(Arc::new(issued.chain(configured).collect()));
        Ok(())
    }

    /// Looks at what other nodes did, for as long as they do something.
    pub(crate) async fn follow(self: Arc<Self>, mut changes: broadcast::Receiver<Change>) {
        loop {
            let known = match changes.recv().await {
                Ok(Change::Token(name)) => self.tokens.changed(&self, Some(&name)).await,
                Ok(Change::Keys) => self.load_keys().await,
                // Deliveries, and whatever a later version tells.
                Ok(_) => {
                    self.due.notify_one();
                    Ok(())
                }
                Err(RecvError::Lagged(_)) => self.look_anew().await,
                Err(RecvError::Closed) => return,
            };
            let Err(mut error) = known else { continue };
            // A revoked key must not stay valid because the database did not answer once.
            loop {
                tracing::warn!(%error, "What another node changed could not be read; it is tried again.");
                tokio::time::sleep(Duration::from_secs(1)).await;
                match self.look_anew().await {
                    Ok(()) => break,
                    Err(again) => error = again,
                }
            }
        }
    }

    /// Everything that other nodes may have changed.
    async fn look_anew(self: &Arc<Self>) -> Result<(), StoreError> {
        self.load_keys().await?;
        self.due.notify_one();
        self.tokens.changed(self, None).await
    }

    /// Real time.
    pub(crate) fn now(&self) -> Millis {
        Millis(self.context.clock.now().as_millisecond())
    }

    /// The platform's time.
    pub(crate) fn world(&self) -> UnixSeconds {
        self.context.world.unix()
    }

    pub(crate) fn origin(&self, face: Face) -> &str {
        self.origins.get(&face).map_or("", String::as_str)
    }

    pub(crate) fn endpoints(&self) -> BTreeMap<String, String> {
        platform::endpoints(|face| self.origin(face).to_owned())
    }
}
