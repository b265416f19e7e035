//! The way to the world: one at a time, whoever it is.
//!
//! Calls of apps are many and short: whoever brings one carries it out where it stands, if nobody is at the world, and
//! leaves it to who is there otherwise. Everything else is sent to the world's own thread ([`super::thread`]), which
//! goes before calls when it wants the world, so that it never waits for more than the call that is being carried out.
//!
//! Must always hold: who has left a call in the queue looks whether somebody is still there to take it, and who goes
//! looks into the queue once more. So no call is forgotten, and nobody waits for a lock but the world's thread.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Shared, store::Store};
use crate::kernel::{Command, Effect, Refused, World, world::Outcome};

/// So long after a change it is handed over to be written, with all that came since: a thousand calls a second are
/// fifty transactions.
const SOON: Duration = Duration::from_millis(20);
/// So many changes are handed over at once: encoding them is a part of what everybody else waits for.
const ENOUGH: usize = 500;
/// Commands that wait for the thread; a caller beyond them waits for its turn.
const WAITING: usize = 1024;
/// So often somebody carries out what others left before it goes on with its own answer.
const FOR_OTHERS: usize = 16;

pub(crate) type Reply = Box<dyn FnOnce() + Send>;
type Question = Box<dyn FnOnce(&World) + Send>;
type Order = Box<dyn FnOnce(&mut World, i64) -> (Vec<Effect>, Reply) + Send>;
/// Carries out the next of many commands; there is a reply when it was the last.
pub(crate) type Long = Box<dyn FnMut(&mut World, i64) -> (Vec<Effect>, Option<Reply>) + Send>;

/// When a command is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// As soon as it is carried out.
    Soon,
    /// When it is on the disk, unless the disk has other work already.
    Kept,
}

pub(crate) enum Job {
    Apply(Order, Answer),
    Ask(Question),
    Begin(Long),
    /// Something is to be seen to: changes are due, calls wait, or the world is lost.
    Look,
    Stop(oneshot::Sender<()>),
}

/// A job, with its place among those that wait.
pub(crate) type Waiting = (Job, Option<OwnedSemaphorePermit>);

/// The way to the world. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Owner(Arc<Inner>);

struct Inner {
    place: Place,
    jobs: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

/// Where the world is, and the calls that wait for it.
pub(super) struct Place {
    /// Nothing before the thread starts and after it has ended; poisoned when a turn panicked.
    held: Mutex<Option<Held>>,
    calls: Mutex<VecDeque<Order>>,
    /// Whether the thread wants the world: nobody else goes before it.
    wanted: AtomicBool,
    /// How many calls were carried out.
    carried_out: AtomicU64,
}

/// The world and what keeps it.
pub(crate) struct Held {
    pub(super) world: World,
    pub(super) store: Option<Store>,
    pub(super) shared: Arc<OnceLock<Arc<Shared>>>,
    /// When changes are handed over at the latest.
    pub(super) due: Option<Instant>,
}

impl std::fmt::Debug for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Owner").finish_non_exhaustive()
    }
}

/// The world's thread has ended: the simulator is stopping.
fn stopped() -> Refused {
    Refused::new(503, "stopping", "the simulator is stopping")
}

/// A command as somebody else can carry it out.
fn order<C: Command>(command: C, reply: oneshot::Sender<Result<C::Answer, Refused>>) -> Order {
    Box::new(move |world, wall_ms| {
        let Outcome { answer, effects } = world.apply(command, wall_ms);
        let say = move || {
            let _ = reply.send(answer);
        };
        (effects, Box::new(say))
    })
}

impl Owner {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Waiting>) {
        let (jobs, waiting) = mpsc::channel();
        let inner = Inner {
            place: Place {
                held: Mutex::new(None),
                calls: Mutex::default(),
                wanted: AtomicBool::new(false),
                carried_out: AtomicU64::new(0),
            },
            jobs,
            room: Arc::new(Semaphore::new(WAITING)),
        };
        (Self(Arc::new(inner)), waiting)
    }

    pub(super) fn place(&self) -> &Place {
        &self.0.place
    }

    async fn send(&self, job: Job) -> Result<(), Refused> {
        let room = { self.0.room.clone() }.acquire_owned().await;
        let room = room.map_err(|_| stopped())?;
        self.0.jobs.send((job, Some(room))).map_err(|_| stopped())
    }

    /// Has the thread look. It may have ended: then there is nothing to see to.
    fn nudge(&self) {
        let _ = self.0.jobs.send((Job::Look, None));
    }

    /// Carries out a command of somebody who counts on it. Dropping the future does not take the command back.
    pub(crate) async fn apply<C: Command>(&self, command: C) -> Result<C::Answer, Refused> {
        self.have_done(command, Answer::Kept).await
    }

    /// Carries out one of many commands.
    pub(crate) async fn apply_soon<C: Command>(&self, command: C) -> Result<C::Answer, Refused> {
        self.have_done(command, Answer::Soon).await
    }

    async fn have_done<C: Command>(&self, command: C, when: Answer) -> Result<C::Answer, Refused> {
        let (reply, answer) = oneshot::channel();
        self.send(Job::Apply(order(command, reply), when)).await?;
        answer.await.map_err(|_| stopped())?
    }

    /// Carries out a short command here and now, or leaves it to whoever is at the world.
    pub(crate) async fn call<C: Command>(&self, command: C) -> Result<C::Answer, Refused> {
        let place = self.place();
        if !place.wanted.load(Ordering::SeqCst)
            && let Some(held) = place.enter()
        {
            return self.call_at(held, command);
        }
        let (reply, answer) = oneshot::channel();
        place.calls().push_back(order(command, reply));
        self.look_after();
        answer.await.map_err(|_| stopped())?
    }

    /// Carries out a command at the world, after those that came before it.
    fn call_at<C: Command>(
        &self,
        mut guard: MutexGuard<'_, Option<Held>>,
        command: C,
    ) -> Result<C::Answer, Refused> {
        // A panic poisons the lock, which is how everybody learns that the world is lost.
        let done = catch_unwind(AssertUnwindSafe(move || {
            let Some(held) = guard.as_mut() else {
                return (Err(stopped()), false);
            };
            let place = self.place();
            place.serve(held);
            place.carried_out.fetch_add(1, Ordering::Relaxed);
            let wall_ms = Shared::wall_ms();
            let Outcome { answer, effects } = held.world.apply(command, wall_ms);
            held.carry_out(effects, wall_ms);
            (answer, held.keep_up())
        }));
        match done {
            Ok((answer, newly_due)) => {
                if newly_due {
                    self.nudge();
                }
                self.look_after();
                answer
            }
            Err(_) => {
                self.nudge();
                Err(stopped())
            }
        }
    }

    /// Carries out calls that wait, unless somebody is at the world who will.
    fn look_after(&self) {
        let place = self.place();
        for _ in 0..FOR_OTHERS {
            if place.calls().is_empty() || place.wanted.load(Ordering::SeqCst) {
                return;
            }
            let Some(mut guard) = place.enter() else {
                return;
            };
            let served = catch_unwind(AssertUnwindSafe(move || {
                guard.as_mut().map(|held| {
                    place.serve(held);
                    held.keep_up()
                })
            }));
            match served {
                Ok(Some(false)) => {}
                Ok(Some(true)) => self.nudge(),
                Ok(None) => {
                    place.forget_calls();
                    return;
                }
                Err(_) => {
                    self.nudge();
                    return;
                }
            }
        }
        // Its own answer has waited long enough for others.
        self.have_looked_after();
    }

    /// Has calls that wait carried out, by nobody in particular.
    pub(super) fn have_looked_after(&self) {
        if self.place().calls().is_empty() {
            return;
        }
        let owner = self.clone();
        tokio::spawn(async move { owner.look_after() });
    }

    /// Looks at the world.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&World) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (reply, answer) = oneshot::channel();
        let question = Box::new(move |world: &World| {
            let _ = reply.send(question(world));
        });
        self.send(Job::Ask(question)).await?;
        answer.await.map_err(|_| stopped())
    }

    /// Carries out many short commands, one after the other and as a turn each, whenever nobody else waits, and no faster
    /// than they are written down. Ends with the first that is refused, and when the future is dropped.
    pub(crate) async fn apply_behind<C: Command<Answer = ()>>(
        &self,
        mut commands: impl Iterator<Item = C> + Send + 'static,
    ) -> Result<(), Refused> {
        let (reply, answer) = oneshot::channel();
        let mut waiting = Some(reply);
        let long: Long = Box::new(move |world, wall_ms| {
            let gone = waiting.as_ref().is_none_or(oneshot::Sender::is_closed);
            let next = if gone { None } else { commands.next() };
            let (effects, end) = match next.map(|command| world.apply(command, wall_ms)) {
                None => (Vec::new(), Some(Ok(()))),
                Some(outcome) => (outcome.effects, outcome.answer.err().map(Err)),
            };
            let last = end.map(|answer| -> Reply {
                let waiting = waiting.take();
                Box::new(move || {
                    let _ = waiting.map(|reply| reply.send(answer));
                })
            });
            (effects, last)
        });
        self.send(Job::Begin(long)).await?;
        answer.await.map_err(|_| stopped())?
    }

    /// Writes down what is to be kept and ends the thread.
    pub(crate) async fn stop(&self) {
        let (done_tx, done) = oneshot::channel();
        if self.send(Job::Stop(done_tx)).await.is_ok() {
            let _ = done.await;
        }
    }
}

impl Place {
    /// The world, if nobody is at it. Nothing where it is lost: the thread tells of that.
    fn enter(&self) -> Option<MutexGuard<'_, Option<Held>>> {
        match self.held.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Poisoned(_)) => {
                // Who waits learns it by the reply that never comes.
                self.forget_calls();
                None
            }
        }
    }

    /// The world for its thread, which goes before everybody else. Nothing where it is lost.
    pub(super) fn enter_first(&self) -> Option<MutexGuard<'_, Option<Held>>> {
        self.wanted.store(true, Ordering::SeqCst);
        let guard = self.held.lock();
        self.wanted.store(false, Ordering::SeqCst);
        guard.ok()
    }

    /// Puts the world in its place, or takes it away.
    pub(super) fn put(&self, held: Option<Held>) -> Option<Held> {
        let mut guard = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *guard, held)
    }

    fn calls(&self) -> MutexGuard<'_, VecDeque<Order>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many calls were carried out, ever.
    pub(super) fn carried_out(&self) -> u64 {
        self.carried_out.load(Ordering::Relaxed)
    }

    /// Lets go those who wait for what no longer comes.
    pub(super) fn forget_calls(&self) {
        self.calls().clear();
    }

    /// Carries out the calls that wait now.
    pub(super) fn serve(&self, held: &mut Held) {
        let waiting = std::mem::take(&mut *self.calls());
        let count = u64::try_from(waiting.len()).unwrap_or(u64::MAX);
        self.carried_out.fetch_add(count, Ordering::Relaxed);
        for order in waiting {
            held.apply(order, Answer::Soon);
        }
    }
}

impl Held {
    pub(crate) fn new(
        world: World,
        store: Option<Store>,
        shared: Arc<OnceLock<Arc<Shared>>>,
    ) -> Self {
        Self {
            world,
            store,
            shared,
            due: None,
        }
    }

    pub(super) fn apply(&mut self, order: Order, when: Answer) {
        let wall_ms = Shared::wall_ms();
        let (effects, reply) = order(&mut self.world, wall_ms);
        self.carry_out(effects, wall_ms);
        match &self.store {
            Some(store) if when == Answer::Kept && self.world.has_changes() && !store.is_busy() => {
                store.hand_over_and(&mut self.world, reply);
                self.due = None;
            }
            _ => reply(),
        }
    }

    pub(super) fn carry_out(&self, effects: Vec<Effect>, wall_ms: i64) {
        if let Some(shared) = self.shared.get() {
            shared.carry_out(effects, &self.world, wall_ms);
        }
    }

    /// Hands over what changed, if it is time. Whether it will be time, and was not going to be before.
    pub(super) fn keep_up(&mut self) -> bool {
        if self.store.is_none() || !self.world.has_changes() {
            self.due = None;
            return false;
        }
        if self.world.tables.changed() >= ENOUGH {
            self.hand_over();
            return false;
        }
        match self.due {
            None => {
                self.due = Some(Instant::now() + SOON);
                true
            }
            Some(at) => {
                if Instant::now() >= at {
                    self.hand_over();
                }
                false
            }
        }
    }

    pub(super) fn hand_over(&mut self) {
        self.due = None;
        if let Some(store) = &self.store {
            store.hand_over(&mut self.world);
        }
    }
}
