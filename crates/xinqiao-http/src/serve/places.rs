//! Who holds a connection, and who has to go when all are taken: the one that has kept us waiting longest.
//!
//! Waiting is for a request's first byte, for the rest of its head or body, or for an answer to be read.
//! A connection whose request is being worked on is never closed to make room.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering},
    },
    task::Context,
    time::Duration,
};

use futures_util::task::AtomicWaker;
use tokio::{sync::Semaphore, time::Instant};

use super::Limits;

/// The memory that the bodies of all servers with this budget may take together. Clones share it.
#[derive(Debug, Clone)]
pub struct BodyBudget {
    room: Arc<Semaphore>,
    blocks: u32,
}

/// The budget is counted in blocks of so many bytes.
const BLOCK: u64 = 1024;
/// The first bytes of a body are not counted, so that small bodies cost nothing and never wait for large ones;
/// what they take is bounded by the number of connections.
const FREE: u64 = 16 * 1024;

impl BodyBudget {
    /// So many bytes, at most a terabyte.
    pub fn new(bytes: usize) -> Self {
        let blocks = u32::try_from(bytes as u64 / BLOCK)
            .unwrap_or(u32::MAX)
            .min(1 << 30);
        Self {
            room: Arc::new(Semaphore::new(blocks as usize)),
            blocks,
        }
    }
}

impl Default for BodyBudget {
    /// 256 MiB.
    fn default() -> Self {
        Self::new(256 << 20)
    }
}

/// All connections of a server.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) limits: Limits,
    start: Instant,
    held: Mutex<Held>,
    bodies: Mutex<HashMap<IpAddr, usize>>,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    places: HashMap<u64, Arc<Place>>,
    peers: HashMap<IpAddr, usize>,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// No byte of a request has come.
    Idle,
    /// A request has begun.
    Head,
    /// A request is being read, worked on, or answered.
    Request,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) all: Arc<Places>,
    /// The network it counts for; none where the number is not limited.
    network: Option<IpAddr>,
    number: u64,
    phase: AtomicU8,
    /// Requests that began here.
    requests: AtomicU32,
    /// Since when it keeps us waiting, in milliseconds after the server's start, plus one; 0: it does not.
    waiting: AtomicU64,
    /// Blocks of the budget that its request's body takes.
    charged: AtomicU32,
    told: AtomicU8,
    /// The connection's task, to be woken when it is told something.
    task: AtomicWaker,
}

/// What a connection is told to do. It asks whenever it is woken: that costs less, for every request, than to wait
/// for several things at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    GoOn,
    /// Take no further request.
    Finish,
    /// End at once.
    End,
}

/// Gives a connection's place back.
#[derive(Debug)]
pub(super) struct Taken(pub(super) Arc<Place>);

impl Drop for Taken {
    fn drop(&mut self) {
        self.0.discharge();
        self.0.all.held().remove(&self.0);
    }
}

impl Held {
    fn remove(&mut self, place: &Place) {
        // An evicted place is gone already.
        if self.places.remove(&place.number).is_none() {
            return;
        }
        if let Some(network) = place.network
            && let Some(count) = self.peers.get_mut(&network)
        {
            *count -= 1;
            if *count == 0 {
                self.peers.remove(&network);
            }
        }
    }

    /// Closes the connection that has kept us waiting longest, of those wanted.
    ///
    /// Returns how many blocks of the budget it will give back.
    fn evict(&mut self, wanted: impl Fn(&Place) -> bool) -> Option<u32> {
        let longest = self
            .places
            .values()
            .filter(|place| wanted(place))
            .filter_map(|place| {
                let since = place.waiting.load(Ordering::Relaxed);
                (since != 0).then_some((since, place))
            })
            .min_by_key(|(since, _)| *since)
            .map(|(_, place)| Arc::clone(place));
        let place = longest?;
        self.remove(&place);
        place.tell(Told::End);
        tracing::debug!(peer = ?place.network, "A connection was closed to make room.");
        Some(place.charged.load(Ordering::Relaxed))
    }
}

impl Places {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            start: Instant::now(),
            held: Mutex::default(),
            bodies: Mutex::default(),
        })
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection; none if all are taken by requests that are being worked on.
    pub(super) fn take(self: &Arc<Self>, network: Option<IpAddr>) -> Option<Taken> {
        let mut held = self.held();
        if let Some(network) = network {
            let count = held.peers.get(&network).copied().unwrap_or(0);
            if count >= self.limits.connections_per_peer
                && held.evict(|place| place.network == Some(network)).is_none()
            {
                return None;
            }
        }
        if held.places.len() >= self.limits.connections && held.evict(|_| true).is_none() {
            return None;
        }
        held.next += 1;
        let place = Arc::new(Place {
            all: Arc::clone(self),
            network,
            number: held.next,
            phase: AtomicU8::new(Phase::Idle as u8),
            requests: AtomicU32::new(0),
            waiting: AtomicU64::new(self.since(Instant::now())),
            charged: AtomicU32::new(0),
            told: AtomicU8::new(Told::GoOn as u8),
            task: AtomicWaker::new(),
        });
        held.places.insert(place.number, Arc::clone(&place));
        if let Some(network) = network {
            *held.peers.entry(network).or_default() += 1;
        }
        Some(Taken(place))
    }

    /// Closes the connection that has kept us waiting longest: no file handles are left.
    pub(super) fn evict_one(&self) -> bool {
        self.held().evict(|_| true).is_some()
    }

    /// Tells all connections.
    pub(super) fn tell_all(&self, what: Told) {
        for place in self.held().places.values() {
            place.tell(what);
        }
    }

    /// Counts one more body of this peer that is not complete; none if there are too many.
    pub(super) fn hold_body(self: &Arc<Self>, network: IpAddr) -> Option<HeldBody> {
        let mut bodies = self.bodies.lock().unwrap_or_else(PoisonError::into_inner);
        let count = bodies.entry(network).or_default();
        if *count >= self.limits.bodies_per_peer {
            return None;
        }
        *count += 1;
        Some(HeldBody {
            all: Arc::clone(self),
            network,
        })
    }

    fn since(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.start).as_millis();
        u64::try_from(since).unwrap_or(u64::MAX - 1) + 1
    }
}

impl Place {
    fn tell(&self, what: Told) {
        self.told.fetch_max(what as u8, Ordering::Release);
        self.task.wake();
    }

    /// What the connection is to do now; its task is woken when that changes.
    pub(super) fn told(&self, cx: &Context<'_>) -> Told {
        self.task.register(cx.waker());
        match self.told.load(Ordering::Acquire) {
            0 => Told::GoOn,
            1 => Told::Finish,
            _ => Told::End,
        }
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::Idle,
            1 => Phase::Head,
            _ => Phase::Request,
        }
    }

    pub(super) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    pub(super) fn head_began(&self) {
        self.phase.store(Phase::Head as u8, Ordering::Relaxed);
        self.waits_since(Instant::now());
    }

    pub(super) fn request_began(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.phase.store(Phase::Request as u8, Ordering::Relaxed);
        self.waits_no_more();
    }

    pub(super) fn request_ended(&self) {
        self.phase.store(Phase::Idle as u8, Ordering::Relaxed);
        self.waits_since(Instant::now());
    }

    /// It keeps us waiting, and has since then.
    pub(super) fn waits_since(&self, at: Instant) {
        self.waiting.store(self.all.since(at), Ordering::Relaxed);
    }

    pub(super) fn waits_no_more(&self) {
        self.waiting.store(0, Ordering::Relaxed);
    }

    /// When the wait that it is in began.
    pub(super) fn waiting_since(&self) -> Instant {
        let since = self.waiting.load(Ordering::Relaxed).saturating_sub(1);
        self.all.start + Duration::from_millis(since)
    }

    /// Counts a body's bytes, of which there are now `received`. What there is no room for is to be waited for
    /// with [`Place::room`].
    pub(super) fn charge(&self, received: u64) -> Result<(), u32> {
        let limits = &self.all.limits;
        let kept = received.min(limits.body_kept as u64);
        if kept <= FREE {
            return Ok(());
        }
        let wanted = u32::try_from(kept.div_ceil(BLOCK)).unwrap_or(u32::MAX);
        let more = wanted.saturating_sub(self.charged.load(Ordering::Relaxed));
        if more == 0 {
            return Ok(());
        }
        let permit = limits
            .body_budget
            .room
            .try_acquire_many(more)
            .map_err(|_| more)?;
        permit.forget();
        self.charged.fetch_add(more, Ordering::Relaxed);
        Ok(())
    }

    /// Waits for so many blocks. The bodies that have kept us waiting longest make room.
    pub(super) async fn room(self: Arc<Self>, blocks: u32) -> Result<(), NoRoom> {
        let budget = self.all.limits.body_budget.clone();
        if blocks > budget.blocks {
            return Err(NoRoom);
        }
        let others = |place: &Place| {
            place.charged.load(Ordering::Relaxed) > 0 && place.number != self.number
        };
        let mut freed = 0;
        while freed < blocks
            && let Some(more) = self.all.held().evict(others)
        {
            freed += more;
        }
        let room = budget.room.acquire_many(blocks);
        match tokio::time::timeout(self.all.limits.body_wait, room).await {
            Ok(Ok(permit)) => {
                permit.forget();
                self.charged.fetch_add(blocks, Ordering::Relaxed);
                Ok(())
            }
            _ => Err(NoRoom),
        }
    }

    /// Gives back what the body took: its request was answered.
    pub(super) fn discharge(&self) {
        let charged = self.charged.swap(0, Ordering::Relaxed);
        if charged > 0 {
            self.all
                .limits
                .body_budget
                .room
                .add_permits(charged as usize);
        }
    }
}

/// The budget has no room.
#[derive(Debug)]
pub(super) struct NoRoom;

/// A body that is not complete, counted for its peer.
#[derive(Debug)]
pub(super) struct HeldBody {
    all: Arc<Places>,
    network: IpAddr,
}

impl Drop for HeldBody {
    fn drop(&mut self) {
        let mut bodies = self
            .all
            .bodies
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = bodies.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                bodies.remove(&self.network);
            }
        }
    }
}
