//! The world's own thread: carries out what it is sent, goes on with long work, hands over what is to be written.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::mpsc,
    time::{Duration, Instant},
};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::{
    Shared,
    breath::Breath,
    owner::{Held, Job, Long, Owner, Waiting},
    store::Store,
};

/// So long a piece of long work goes on before it is looked whether somebody waits.
const PIECE: Duration = Duration::from_micros(100);
/// So long long work lets everybody else go first.
const GIVES_WAY: Duration = Duration::from_millis(1);
/// How often it is looked whether the disk has caught up with long work.
const LOOK_AGAIN: Duration = Duration::from_millis(1);

/// Starts the thread. It ends at [`Owner::stop`].
///
/// A panic ends it too, on this thread or while a call was carried out: the turn that panicked is half in the world,
/// which nobody can trust any more. Nothing of that turn is written; what was handed over before it is. To read the
/// world back and go on would lose turns that were acknowledged, without a word to who made them, and where nothing is
/// kept there is nothing to read: so whoever runs the simulator is told ([`Shared::broken`]) and ends.
pub(crate) fn start(
    owner: Owner,
    waiting: mpsc::Receiver<Waiting>,
    held: Held,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Handle::current();
    let told = held.shared.clone();
    owner.place().put(Some(held));
    std::thread::Builder::new()
        .name("xinqiao-world".to_owned())
        .spawn(move || {
            let _inside = runtime.enter();
            let mut thread = Thread {
                owner,
                long: VecDeque::new(),
                others_since: Instant::now(),
                others: 0,
                breath: Breath::new(),
                due: None,
                behind: false,
            };
            let ended = catch_unwind(AssertUnwindSafe(|| thread.run(&waiting)));
            let ended = ended.unwrap_or(Ended::Broken);
            let place = thread.owner.place();
            let held = place.put(None);
            place.forget_calls();
            if matches!(ended, Ended::Broken) {
                tracing::error!(
                    "A turn of the world panicked: the simulator cannot go on. What it acknowledged before is kept, but for the latest changes."
                );
            }
            if let Some(mut held) = held {
                if !matches!(ended, Ended::Broken) {
                    held.hand_over();
                }
                if let Some(store) = held.store.take() {
                    store.stop();
                }
            }
            match ended {
                Ended::Asked(done) => {
                    let _ = done.send(());
                }
                Ended::Broken => {
                    if let Some(shared) = told.get() {
                        shared.broken.cancel();
                    }
                }
            }
        })?;
    Ok(())
}

/// How the thread ended.
enum Ended {
    /// Somebody wanted it to, and waits for it.
    Asked(oneshot::Sender<()>),
    /// A turn panicked.
    Broken,
}

/// What the thread has before it.
struct Thread {
    owner: Owner,
    /// Long work that was begun, in turns.
    long: VecDeque<Long>,
    /// Since when it gives way.
    others_since: Instant,
    /// How many calls had been carried out by then.
    others: u64,
    breath: Breath,
    /// When changes are handed over at the latest, and whether the disk is behind, as the thread left the world.
    due: Option<Instant>,
    behind: bool,
}

/// What is to be done next.
enum Next {
    Do(Job),
    GoOn,
}

impl Thread {
    /// Until somebody wants it to end, or the world is lost.
    fn run(&mut self, jobs: &mpsc::Receiver<Waiting>) -> Ended {
        loop {
            let (next, _room) = self.next(jobs);
            let owner = self.owner.clone();
            let Some(mut guard) = owner.place().enter_first() else {
                return Ended::Broken;
            };
            let Some(held) = guard.as_mut() else {
                return Ended::Broken;
            };
            match next {
                Next::Do(Job::Ask(question)) => question(&held.world),
                Next::Do(Job::Apply(order, when)) => held.apply(order, when),
                Next::Do(Job::Begin(long)) => self.long.push_back(long),
                Next::Do(Job::Stop(done)) => return Ended::Asked(done),
                Next::Do(Job::Look) => {}
                Next::GoOn => self.go_on(held),
            }
            owner.place().serve(held);
            held.keep_up();
            self.due = held.due;
            self.behind = { held.store.as_ref() }.is_some_and(Store::is_behind);
            drop(guard);
            owner.have_looked_after();
        }
    }

    /// Who waits comes first; long work goes on when nobody does, or has given way for long.
    fn next(&mut self, jobs: &mpsc::Receiver<Waiting>) -> (Next, Option<OwnedSemaphorePermit>) {
        let now = Instant::now();
        let until_due = { self.due }.map(|at| at.saturating_duration_since(now));
        let mut time = until_due;
        if !self.long.is_empty() {
            let gave_way = now.duration_since(self.others_since);
            let calls = self.owner.place().carried_out();
            let others = std::mem::replace(&mut self.others, calls) != calls;
            let wait = if self.behind {
                LOOK_AGAIN
            } else if gave_way >= GIVES_WAY {
                return (Next::GoOn, None);
            } else if others {
                GIVES_WAY.saturating_sub(gave_way)
            } else {
                return match jobs.try_recv() {
                    Ok((job, room)) => (Next::Do(job), room),
                    Err(_) => (Next::GoOn, None),
                };
            };
            time = Some(until_due.map_or(wait, |due| due.min(wait)));
        }
        let job = match time {
            None => jobs
                .recv()
                .map_err(|_| mpsc::RecvTimeoutError::Disconnected),
            Some(time) => jobs.recv_timeout(time),
        };
        // The thread itself holds an end of the way to it: nobody else being left, it waits for ever.
        let (job, room) = job.unwrap_or((Job::Look, None));
        (Next::Do(job), room)
    }

    /// A piece of the long work that waits longest.
    fn go_on(&mut self, held: &mut Held) {
        let began = Instant::now();
        let Some(mut long) = self.long.pop_front() else {
            return;
        };
        loop {
            let wall_ms = Shared::wall_ms();
            let (effects, last) = long(&mut held.world, wall_ms);
            held.carry_out(effects, wall_ms);
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
}
