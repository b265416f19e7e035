//! The one thread that owns the world. Everything else sends it commands and questions.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use tokio::sync::{mpsc, oneshot};

use super::{Shared, journal::Journal};
use crate::world::{
    World,
    command::{Answer, Command, Refused},
};

/// So long after the last command the world is written down whole: the next start, even after a crash, need not
/// carry the commands out again.
const QUIET: Duration = Duration::from_secs(2);
/// Commands that wait; a caller beyond them waits for its turn.
const WAITING: usize = 1024;

type Question = Box<dyn FnOnce(&World) + Send>;

enum Job {
    Apply {
        command: Box<Command>,
        reply: oneshot::Sender<Result<Answer, Refused>>,
    },
    Ask(Question),
    Stop(oneshot::Sender<()>),
}

/// The way to the world. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Owner {
    jobs: mpsc::Sender<Job>,
}

/// The receiving end, until the thread starts.
pub(crate) struct Waiting(mpsc::Receiver<Job>);

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
        let (jobs, waiting) = mpsc::channel(WAITING);
        (Self { jobs }, Waiting(waiting))
    }

    /// Carries out a command. Dropping the future does not take the command back.
    pub(crate) async fn apply(&self, command: Command) -> Result<Answer, Refused> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Apply {
            command: Box::new(command),
            reply,
        };
        self.jobs.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())?
    }

    /// Looks at the world.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&World) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Ask(Box::new(move |world| {
            let _ = reply.send(question(world));
        }));
        self.jobs.send(job).await.map_err(|_| stopped())?;
        answer.await.map_err(|_| stopped())
    }

    /// Writes down what is to be kept and ends the thread.
    pub(crate) async fn stop(&self) {
        let (done_tx, done) = oneshot::channel();
        if self.jobs.send(Job::Stop(done_tx)).await.is_ok() {
            let _ = done.await;
        }
    }
}

/// Starts the thread. It ends at [`Owner::stop`] or when every [`Owner`] is gone.
pub(crate) fn start(
    waiting: Waiting,
    mut world: World,
    mut journal: Option<Journal>,
    shared: Arc<OnceLock<Arc<Shared>>>,
) -> std::io::Result<()> {
    let Waiting(mut jobs) = waiting;
    let runtime = tokio::runtime::Handle::current();
    std::thread::Builder::new()
        .name("xinqiao-world".to_owned())
        .spawn(move || {
            let _inside = runtime.enter();
            let mut last_command = Instant::now();
            while let Some(job) = jobs.blocking_recv() {
                match job {
                    // There is a question every second at least: the clock's.
                    Job::Ask(question) => {
                        question(&world);
                        if let Some(journal) = &mut journal
                            && last_command.elapsed() >= QUIET
                        {
                            journal.snapshot_if_behind(&world);
                            last_command = Instant::now();
                        }
                    }
                    Job::Stop(done) => {
                        if let Some(journal) = &mut journal {
                            journal.snapshot(&world);
                        }
                        let _ = done.send(());
                        return;
                    }
                    Job::Apply { command, reply } => {
                        let wall_ms = Shared::wall_ms();
                        if let Some(journal) = &mut journal {
                            journal.append(wall_ms, &command);
                        }
                        let outcome = world.apply(*command, wall_ms);
                        if let Some(shared) = shared.get() {
                            shared.carry_out(outcome.effects, &world, wall_ms);
                        }
                        if let Some(journal) = &mut journal {
                            journal.snapshot_if_long(&world);
                        }
                        let _ = reply.send(outcome.answer);
                        last_command = Instant::now();
                    }
                }
            }
        })?;
    Ok(())
}
