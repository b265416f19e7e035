//! The one thread that owns the world. Everything else sends it commands and questions.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock, mpsc},
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::{Shared, breath::Breath, store::Store};
use crate::kernel::{Command, Effect, Refused, World};

/// So long after a change it is handed over to be written, with all that came since: a thousand calls a second are
/// fifty transactions.
const SOON: Duration = Duration::from_millis(20);
/// So many changes are handed over at once: encoding them is a part of what everybody else waits for.
const ENOUGH: usize = 500;
/// Commands that wait; a caller beyond them waits for its turn.
const WAITING: usize = 1024;
/// So long a piece of long work goes on before it is looked whether somebody waits.
const PIECE: Duration = Duration::from_micros(100);
/// So long long work lets everybody else go first.
const GIVES_WAY: Duration = Duration::from_millis(1);
/// How often it is looked whether the disk has caught up with long work.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

type Question = Box<dyn FnOnce(&World) + Send>;
type Reply = Box<dyn FnOnce() + Send>;
type Order = Box<dyn FnOnce(&mut World, i64) -> (Vec<Effect>, Reply) + Send>;
/// Carries out the next of many commands; there is a reply when it was the last.
type Long = Box<dyn FnMut(&mut World, i64) -> (Vec<Effect>, Option<Reply>) + Send>;

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
    Begin(Long),
    Stop(oneshot::Sender<()>),
}

/// The way to the world. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    jobs: mpsc::Sender<(Job, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
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
    pub(crate) fn new() -> (Self, Waiting) {
        let (jobs, waiting) = mpsc::channel();
        let room = Arc::new(Semaphore::new(WAITING));
        (Self { jobs, room }, Waiting(waiting))
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

/// Starts the thread. It ends at [`Owner::stop`] or when every [`Owner`] is gone.
///
/// A panic ends it too: the turn that panicked is half in the world, which nobody can trust any more. Nothing of that
/// turn is written; what was handed over before it is. To read the world back and go on would lose turns that were
/// acknowledged, without a word to who made them, and where nothing is kept there is nothing to read: so whoever runs
/// the simulator is told ([`Shared::broken`]) and ends.
pub(crate) fn start(
    waiting: Waiting,
    world: World,
    store: Option<Store>,
    shared: Arc<OnceLock<Arc<Shared>>>,
) -> std::io::Result<()> {
    let Waiting(jobs) = waiting;
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("xinqiao-world".to_owned())
        .spawn(move || {
            let _inside = runtime.enter();
            let told = shared.clone();
            let mut thread = Thread {
                world,
                store,
                shared,
                long: VecDeque::new(),
                others_since: Instant::now(),
                breath: Breath::new(),
                due: None,
            };
            let ended = catch_unwind(AssertUnwindSafe(|| thread.run(&jobs)));
            if ended.is_err() {
                tracing::error!(
                    "The world's thread panicked: the simulator cannot go on. What it acknowledged before is kept, but for the latest changes."
                );
            } else {
                thread.hand_over();
            }
            if let Some(store) = thread.store.take() {
                store.stop();
            }
            match ended {
                Ok(Some(done)) => {
                    let _ = done.send(());
                }
                Ok(None) => {}
                Err(_) => {
                    if let Some(shared) = told.get() {
                        shared.broken.cancel();
                    }
                }
            }
        })?;
    Ok(())
}

/// What the thread has before it.
struct Thread {
    world: World,
    store: Option<Store>,
    shared: Arc<OnceLock<Arc<Shared>>>,
    /// Long work that was begun, in turns.
    long: VecDeque<Long>,
    /// Since when it gives way.
    others_since: Instant,
    breath: Breath,
    /// When changes are handed over at the latest.
    due: Option<Instant>,
}

/// What is to be done next.
enum Next {
    Do(Job),
    GoOn,
    Look,
    End,
}

impl Thread {
    /// Until somebody wants it to end, or nobody is left.
    fn run(
        &mut self,
        jobs: &mpsc::Receiver<(Job, OwnedSemaphorePermit)>,
    ) -> Option<oneshot::Sender<()>> {
        loop {
            let (next, _room) = self.next(jobs);
            match next {
                Next::Do(Job::Ask(question)) => question(&self.world),
                Next::Do(Job::Apply(order, when)) => self.apply(order, when),
                Next::Do(Job::Begin(long)) => self.long.push_back(long),
                Next::Do(Job::Stop(done)) => return Some(done),
                Next::GoOn => self.go_on(),
                Next::Look => {}
                Next::End => return None,
            }
            self.keep_up();
        }
    }

    /// Who waits comes first; long work goes on when nobody does, or has given way for long.
    fn next(
        &self,
        jobs: &mpsc::Receiver<(Job, OwnedSemaphorePermit)>,
    ) -> (Next, Option<OwnedSemaphorePermit>) {
        let behind = { self.store.as_ref() }.is_some_and(Store::is_behind);
        let goes_on = !self.long.is_empty() && !behind;
        if goes_on && self.others_since.elapsed() >= GIVES_WAY {
            return (Next::GoOn, None);
        }
        if goes_on {
            return match jobs.try_recv() {
                Ok((job, room)) => (Next::Do(job), Some(room)),
                Err(mpsc::TryRecvError::Empty) => (Next::GoOn, None),
                Err(mpsc::TryRecvError::Disconnected) => (Next::End, None),
            };
        }
        let until_due = { self.due }.map(|at| at.saturating_duration_since(Instant::now()));
        let look_again = behind
            .then_some(LOOK_AGAIN)
            .filter(|_| !self.long.is_empty());
        let job = match until_due.into_iter().chain(look_again).min() {
            None => jobs
                .recv()
                .map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            Some(time) => jobs.recv_timeout(time),
        };
        match job {
            Ok((job, room)) => (Next::Do(job), Some(room)),
            Err(mpsc::RecvTimeoutError::Timeout) => (Next::Look, None),
            Err(mpsc::RecvTimeoutError::Disconnected) => (Next::End, None),
        }
    }

    fn apply(&mut self, order: Order, when: Answer) {
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

    /// A piece of the long work that waits longest.
    fn go_on(&mut self) {
        let began = Instant::now();
        let Some(mut long) = self.long.pop_front() else {
            return;
        };
        loop {
            let wall_ms = Shared::wall_ms();
            let (effects, last) = long(&mut self.world, wall_ms);
            self.carry_out(effects, wall_ms);
            if let Some(reply) = last {
                reply();
                break;
            }
            if began.elapsed() >= PIECE {
                self.long.push_back(long);
                break;
            }
        }
        self.breath.take();
        self.others_since = Instant::now();
    }

    fn carry_out(&self, effects: Vec<Effect>, wall_ms: i64) {
        if let Some(shared) = self.shared.get() {
            shared.carry_out(effects, &self.world, wall_ms);
        }
    }

    /// Hands over what changed, if it is time.
    fn keep_up(&mut self) {
        if self.store.is_none() || !self.world.has_changes() {
            self.due = None;
            return;
        }
        let now = Instant::now();
        let at = *self.due.get_or_insert(now + SOON);
        if self.world.tables.changed() >= ENOUGH || now >= at {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        self.due = None;
        if let Some(store) = &self.store {
            store.hand_over(&mut self.world);
        }
    }
}
