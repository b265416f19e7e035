//! The one thread that owns the world. Everything else sends it commands and questions.

use std::{
    sync::{Arc, OnceLock, mpsc},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{
    Shared,
    store::{Backlog, Store},
};
use crate::kernel::{Command, Effect, Refused, World};

/// So long after a change at the latest it is handed over to be written; at once if nothing is being written.
const SOON: Duration = Duration::from_millis(20);
/// So many changes are handed over at once.
const ENOUGH: usize = 5000;
/// Commands that wait; a caller beyond them waits for its turn.
const WAITING: usize = 1024;
/// How often somebody who makes much looks whether the disk has caught up.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

type Question = Box<dyn FnOnce(&World) + Send>;
type Reply = Box<dyn FnOnce() + Send>;
type Order = Box<dyn FnOnce(&mut World, i64) -> (Vec<Effect>, Reply) + Send>;

/// When a command is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// As soon as it is carried out.
    Soon,
    /// When it is on the disk, unless the disk has other work already.
    Kept,
}

enum Job {
    Apply(Order, Answer),
    Ask(Question),
    Stop(oneshot::Sender<()>),
}

/// The way to the world. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    jobs: mpsc::Sender<(Job, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
    backlog: Backlog,
}

/// The receiving end, until the thread starts.
pub(crate) struct Waiting(mpsc::Receiver<(Job, OwnedSemaphorePermit)>);

/// The world's thread has ended: the simulator is stopping.
fn stopped() -> Refused {
    Refused {
        status: 503,
        code: "stopping",
        message: "the simulator is stopping".to_owned(),
    }
}

impl Owner {
    pub(crate) fn new(backlog: Backlog) -> (Self, Waiting) {
        let (jobs, waiting) = mpsc::channel();
        let room = Arc::new(Semaphore::new(WAITING));
        let owner = Self {
            jobs,
            room,
            backlog,
        };
        (owner, Waiting(waiting))
    }

    async fn send(&self, job: Job) -> Result<(), Refused> {
        let room = { self.room.clone() }.acquire_owned().await;
        let room = room.map_err(|_| stopped())?;
        self.jobs.send((job, room)).map_err(|_| stopped())
    }

    /// Carries out a command of somebody who counts on it. Dropping the future does not take the command back.
    pub(crate) async fn apply<C: Command>(&self, command: C) -> Result<C::Answer, Refused> {
        self.carry_out(command, Answer::Kept).await
    }

    /// Carries out one of many commands.
    pub(crate) async fn apply_soon<C: Command>(&self, command: C) -> Result<C::Answer, Refused> {
        self.carry_out(command, Answer::Soon).await
    }

    async fn carry_out<C: Command>(&self, command: C, when: Answer) -> Result<C::Answer, Refused> {
        let (reply, answer) = oneshot::channel();
        let order: Order = Box::new(move |world, wall_ms| {
            let outcome = world.apply(command, wall_ms);
            let say = move || {
                let _ = reply.send(outcome.answer);
            };
            (outcome.effects, Box::new(say))
        });
        self.send(Job::Apply(order, when)).await?;
        answer.await.map_err(|_| stopped())?
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

    /// Waits until what was made so far is written: for who makes much, piece by piece.
    pub(crate) async fn catch_up(&self) {
        while self.backlog.is_long() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Writes down what is to be kept and ends the thread.
    pub(crate) async fn stop(&self) {
        let (done_tx, done) = oneshot::channel();
        if self.send(Job::Stop(done_tx)).await.is_ok() {
            let _ = done.await;
        }
    }
}

/// Starts the thread. It ends at [`Owner::stop`] or when every [`Owner`] is gone.
pub(crate) fn start(
    waiting: Waiting,
    mut world: World,
    store: Option<Store>,
    shared: Arc<OnceLock<Arc<Shared>>>,
) -> std::io::Result<()> {
    let Waiting(jobs) = waiting;
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("xinqiao-world".to_owned())
        .spawn(move || {
            let _inside = runtime.enter();
            let mut due: Option<Instant> = None;
            loop {
                let job = match due {
                    None => jobs.recv().ok(),
                    Some(at) => {
                        let left = at.saturating_duration_since(Instant::now());
                        match jobs.recv_timeout(left) {
                            Ok(job) => Some(job),
                            Err(mpsc::RecvTimeoutError::Timeout) => {
                                due = None;
                                if let Some(store) = &store {
                                    store.hand_over(&mut world);
                                }
                                continue;
                            }
                            Err(mpsc::RecvTimeoutError::Disconnected) => None,
                        }
                    }
                };
                let Some((job, _room)) = job else { break };
                match job {
                    Job::Ask(question) => question(&world),
                    Job::Stop(done) => {
                        if let Some(store) = store {
                            store.hand_over(&mut world);
                            store.stop();
                        }
                        let _ = done.send(());
                        return;
                    }
                    Job::Apply(order, when) => {
                        let wall_ms = Shared::wall_ms();
                        let (effects, reply) = order(&mut world, wall_ms);
                        if let Some(shared) = shared.get() {
                            shared.carry_out(effects, &world, wall_ms);
                        }
                        match &store {
                            Some(store)
                                if when == Answer::Kept
                                    && world.has_changes()
                                    && !store.is_busy() =>
                            {
                                store.hand_over_and(&mut world, reply);
                                due = None;
                            }
                            _ => reply(),
                        }
                    }
                }
                let Some(store) = &store else { continue };
                if !world.has_changes() {
                    continue;
                }
                let at = *due.get_or_insert_with(|| Instant::now() + SOON);
                let idle = !store.is_busy();
                if idle || world.tables.changed() >= ENOUGH || Instant::now() >= at {
                    store.hand_over(&mut world);
                    due = None;
                }
            }
            if let Some(store) = store {
                store.hand_over(&mut world);
                store.stop();
            }
        })?;
    Ok(())
}
