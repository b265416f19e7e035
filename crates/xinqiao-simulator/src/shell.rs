//! What stands around the world: its thread, its file, the pushes, the timeline.

mod breath;
pub(crate) mod doorkeeper;
pub(crate) mod handshake;
pub(crate) mod owner;
pub(crate) mod platform;
pub(crate) mod pusher;
pub(crate) mod store;
pub(crate) mod thread;
pub(crate) mod timeline;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use xinqiao_http::{EventLog, Outbound};
use xinqiao_types::{Clock, SystemClock};

use crate::{
    kernel::{Effect, World, clock::WorldClock, row::Diagnosed},
    options::{AppInfo, AppState, DevInfo, Storage},
};

/// What everything outside the world shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) world: owner::Owner,
    pub(crate) timeline: timeline::Timeline,
    pub(crate) stream: EventLog,
    pub(crate) outbound: Outbound,
    pub(crate) attempt_timeout: Duration,
    pub(crate) endpoints: BTreeMap<String, String>,
    pub(crate) doorkeeper: doorkeeper::Doorkeeper,
    pub(crate) origin: String,
    pub(crate) seed: u64,
    /// Paths of our own pages at the hosts of the platform: there for every site.
    pub(crate) own_pages: Vec<&'static str>,
    pub(crate) storage: Storage,
    pub(crate) dev: Mutex<Dev>,
    /// Attempts that are made, until their rows say what came of them.
    pub(crate) attempts: Mutex<BTreeSet<(u64, u8)>>,
    /// Grows whenever a delivery or an attempt comes to its end.
    pub(crate) settled: watch::Sender<u64>,
    pub(crate) clock: SharedClock,
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
    /// Cancelled when the world's thread has panicked: nothing can be answered any more.
    pub(crate) broken: CancellationToken,
}

/// The world's clock for readers outside its thread.
#[derive(Debug, Clone)]
pub(crate) struct SharedClock(Arc<Mutex<WorldClock>>);

impl SharedClock {
    pub(crate) fn new(clock: WorldClock) -> Self {
        Self(Arc::new(Mutex::new(clock)))
    }

    pub(crate) fn put(&self, clock: WorldClock) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = clock;
    }
}

impl Clock for SharedClock {
    fn now(&self) -> Timestamp {
        let clock = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wall = SystemClock.now();
        let seconds = clock.read(wall.as_millisecond());
        let fraction = if clock.is_frozen() {
            0
        } else {
            wall.subsec_nanosecond()
        };
        Timestamp::new(seconds.0, fraction).unwrap_or(wall)
    }
}

/// What `GET /_sim/v1/dev` shows.
#[derive(Debug, Default)]
pub(crate) struct Dev {
    pub(crate) app: AppInfo,
    pub(crate) info: DevInfo,
    pub(crate) paused: bool,
    /// Accounts whose server settings outlive a reset.
    pub(crate) connected: BTreeMap<String, String>,
}

impl Shared {
    /// Real milliseconds since 1970.
    pub(crate) fn wall_ms() -> i64 {
        SystemClock.now().as_millisecond()
    }

    pub(crate) fn dev(&self) -> MutexGuard<'_, Dev> {
        self.dev.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn dev_view(&self) -> Value {
        let dev = self.dev();
        let mut view = json!({
            "app": dev.app,
            "via": if dev.info.via_gateway { "gateway" } else { "direct" },
            "seed": self.seed,
            "storage": match self.storage {
                Storage::Memory => "memory",
                Storage::Dir(_) => "disk",
            },
            "version": env!("CARGO_PKG_VERSION"),
            "pause": dev.paused,
        });
        if let Some(gateway) = &dev.info.gateway {
            view["gateway"] = json!(gateway);
        }
        view
    }

    /// Changes how the app of an account stands, if it is the one that the page tells of, and tells it if that is news.
    pub(crate) fn note_app(
        &self,
        appid: &str,
        state: AppState,
        reason: Option<String>,
        diagnosis: Option<Diagnosed>,
    ) {
        let changed = {
            let mut dev = self.dev();
            if dev.app.account.as_deref() != Some(appid) {
                return;
            }
            let before = dev.app.clone();
            dev.app.state = state;
            dev.app.reason = reason;
            dev.app.cause = diagnosis.as_ref().map(|diagnosis| json!(diagnosis.cause));
            dev.app.rule = diagnosis.as_ref().map(|diagnosis| diagnosis.rule.clone());
            dev.app.remedy = diagnosis.map(|diagnosis| diagnosis.remedy);
            dev.app != before
        };
        if changed {
            self.publish_dev();
        }
    }

    pub(crate) fn publish_dev(&self) {
        self.stream.publish("dev", self.dev_view().to_string());
    }

    fn attempts(&self) -> MutexGuard<'_, BTreeSet<(u64, u8)>> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether one of these deliveries is being pushed, or its row does not yet say what came of it.
    pub(crate) fn is_pushing(&self, deliveries: &[u64]) -> bool {
        let attempts = self.attempts();
        let of = |delivery: &u64| {
            let range = (*delivery, 0)..=(*delivery, u8::MAX);
            attempts.range(range).next().is_some()
        };
        deliveries.iter().any(of)
    }

    /// Carries out what a command wants done. Called on the world's thread: must not wait.
    pub(crate) fn carry_out(self: &Arc<Self>, effects: Vec<Effect>, world: &World, wall_ms: i64) {
        for effect in effects {
            match effect {
                Effect::Send { delivery, attempt } => {
                    self.attempts().insert((delivery, attempt));
                    let shared = self.clone();
                    let send = async move {
                        pusher::push(shared.clone(), delivery, attempt).await;
                        shared.attempts().remove(&(delivery, attempt));
                        shared.settled.send_modify(|count| *count += 1);
                    };
                    self.tasks.spawn(send);
                }
                Effect::Row(row) => {
                    self.timeline.show(&self.stream, *row);
                }
                Effect::Chat { user, account } => {
                    let data = json!({"user": user, "account": account});
                    self.stream.publish("chat", data.to_string());
                }
                Effect::Clock => {
                    self.clock.put(world.clock());
                    let clock =
                        json!({"now": world.now(wall_ms), "frozen": world.clock().is_frozen()});
                    self.stream.publish("clock", clock.to_string());
                }
                Effect::Accounts => {
                    self.stream.publish("accounts", "{}");
                }
                Effect::Users => {
                    self.stream.publish("users", "{}");
                }
                Effect::Settled => {
                    self.settled.send_modify(|count| *count += 1);
                }
                Effect::Replaced => {
                    self.timeline.forget();
                    self.attempts().clear();
                    self.stream.publish("reset", "{}");
                    self.settled.send_modify(|count| *count += 1);
                }
            }
        }
    }
}
