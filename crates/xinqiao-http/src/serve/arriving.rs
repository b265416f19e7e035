//! A request's body while it arrives: within a time, a rate, and the memory there is for all bodies.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::places::{HeldBody, NoRoom, Place};

/// Why a body stopped arriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stopped {
    #[error("the body came too slowly")]
    Stalled,
    #[error("too many bodies are being received")]
    NoRoom,
    #[error("the connection broke while the body was read")]
    Broken,
}

type Room = Pin<Box<dyn Future<Output = Result<(), NoRoom>> + Send>>;

/// What comes of a body that nobody wants is read away for so long, and so much of it: a peer that is still
/// writing when the connection closes never sees the answer.
const LEFT_TIME: Duration = Duration::from_secs(2);
const LEFT_BYTES: usize = 8 * 1024 * 1024;

/// Reads on only when asked: time in which nobody asks does not count against the sender.
pub(super) struct Arriving {
    /// None once there is nothing left to read away.
    body: Option<Incoming>,
    left: Left,
    place: Arc<Place>,
    /// For whom a body that has to be waited for counts; none where the number is not limited.
    network: Option<IpAddr>,
    received: u64,
    wait: Option<Wait>,
    /// A part of the body for which there is no room yet.
    unplaced: Option<(Bytes, Room)>,
}

/// What becomes of the part of a body that nobody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// It is on its way, and read away for a while.
    ReadAway,
    /// Its sender waits to be told to send it.
    Unsent,
}

/// There is one from the moment on when a body had to be waited for.
struct Wait {
    /// When the first wait began, plus the time since then in which nobody asked.
    start: Instant,
    asked: Asked,
    timer: Pin<Box<Sleep>>,
    _held: Option<HeldBody>,
}

enum Asked {
    /// Somebody waits for the sender.
    Yes,
    /// Nobody has, since then.
    NotSince(Instant),
}

impl Arriving {
    pub(super) fn new(
        body: Incoming,
        place: Arc<Place>,
        network: Option<IpAddr>,
        left: Left,
    ) -> Self {
        Self {
            body: Some(body),
            left,
            place,
            network,
            received: 0,
            wait: None,
            unplaced: None,
        }
    }

    fn place_frame(
        &mut self,
        frame: Frame<Bytes>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
        };
        self.received += data.len() as u64;
        match self.place.charge(self.received) {
            Ok(()) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Err(blocks) => {
                let room = Box::pin(Arc::clone(&self.place).room(blocks));
                self.unplaced = Some((data, room));
                self.poll_room(cx)
            }
        }
    }

    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        let Some((data, room)) = &mut self.unplaced else {
            return Poll::Pending;
        };
        let Poll::Ready(placed) = room.as_mut().poll(cx) else {
            return Poll::Pending;
        };
        let data = std::mem::take(data);
        self.unplaced = None;
        Poll::Ready(Some(match placed {
            Ok(()) => Ok(Frame::data(data)),
            Err(NoRoom) => Err(Stopped::NoRoom),
        }))
    }

    /// The sender has nothing yet: how long may that be?
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<Stopped> {
        let limits = &self.place.all.limits;
        let due = |start: Instant, now: Instant| {
            let earned =
                Duration::from_secs_f64(self.received as f64 / limits.body_rate.max(1) as f64);
            // Who sent fast at first may not stop for as long as that was worth.
            let since = (start + earned).min(now);
            (
                since,
                (since + limits.body_time).min(now + limits.body_idle),
            )
        };
        let wait = match &mut self.wait {
            Some(wait) => {
                if let Asked::NotSince(then) = wait.asked {
                    let now = Instant::now();
                    wait.start += now.saturating_duration_since(then);
                    wait.asked = Asked::Yes;
                    let (since, deadline) = due(wait.start, now);
                    wait.timer.as_mut().reset(deadline);
                    self.place.waits_since(since);
                }
                wait
            }
            None => {
                let held = match self.network {
                    Some(network) => match self.place.all.hold_body(network) {
                        Some(held) => Some(held),
                        None => return Poll::Ready(Stopped::NoRoom),
                    },
                    None => None,
                };
                let now = Instant::now();
                let (since, deadline) = due(now, now);
                self.place.waits_since(since);
                self.wait.insert(Wait {
                    start: now,
                    asked: Asked::Yes,
                    timer: Box::pin(tokio::time::sleep_until(deadline)),
                    _held: held,
                })
            }
        };
        wait.timer.as_mut().poll(cx).map(|()| Stopped::Stalled)
    }

    fn came(&mut self) {
        if let Some(wait) = &mut self.wait
            && let Asked::Yes = wait.asked
        {
            wait.asked = Asked::NotSince(Instant::now());
            self.place.waits_no_more();
        }
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.came();
        let is_coming = |body: &Incoming| self.left == Left::ReadAway && !body.is_end_stream();
        let left = self.body.take().filter(is_coming);
        if let (Some(body), Ok(runtime)) = (left, tokio::runtime::Handle::try_current()) {
            runtime.spawn(read_away(body));
        }
    }
}

/// Holds the connection open while a peer goes on to write what was refused.
async fn read_away(mut body: Incoming) {
    let reading = async {
        let mut left = LEFT_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let came = frame.data_ref().map_or(0, Bytes::len);
            match left.checked_sub(came) {
                Some(less) => left = less,
                None => return,
            }
        }
    };
    let _ = tokio::time::timeout(LEFT_TIME, reading).await;
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = Stopped;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Stopped>>> {
        let this = self.get_mut();
        if this.unplaced.is_some() {
            return this.poll_room(cx);
        }
        let Some(body) = &mut this.body else {
            return Poll::Ready(None);
        };
        match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                this.came();
                this.place_frame(frame, cx)
            }
            Poll::Ready(Some(Err(_))) => {
                this.wait = None;
                Poll::Ready(Some(Err(Stopped::Broken)))
            }
            Poll::Ready(None) => {
                this.came();
                this.wait = None;
                Poll::Ready(None)
            }
            Poll::Pending => this.poll_wait(cx).map(|stopped| {
                // Who is that slow is not waited for any longer.
                if stopped == Stopped::Stalled {
                    this.body = None;
                }
                Some(Err(stopped))
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.unplaced.is_none() && self.body.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map(Incoming::size_hint)
            .unwrap_or_default()
    }
}
