//! A request's body while it arrives: within a time, a rate, and the memory there is for all bodies.

use std::{
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep};

use super::places::{HeldBody, NoRoom, Place};

/// Why a body stopped arriving.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stopped {
    #[error("the body came too slowly")]
    TooSlow,
    #[error("too many bodies are being received")]
    NoRoom,
    #[error("the connection broke while the body was read")]
    Broken,
}

type Room = Pin<Box<dyn Future<Output = Result<(), NoRoom>> + Send>>;

/// Reads on only when asked: time in which nobody asks does not count against the sender.
pub(super) struct Arriving {
    body: Incoming,
    place: Arc<Place>,
    /// For whom a body that has to be waited for counts; none where the number is not limited.
    network: Option<IpAddr>,
    received: u64,
    wait: Option<Wait>,
    /// A part of the body for which there is no room yet.
    unplaced: Option<(Bytes, Room)>,
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
    pub(super) fn new(body: Incoming, place: Arc<Place>, network: Option<IpAddr>) -> Self {
        Self {
            body,
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
        wait.timer.as_mut().poll(cx).map(|()| Stopped::TooSlow)
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
    }
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
        match Pin::new(&mut this.body).poll_frame(cx) {
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
            Poll::Pending => this.poll_wait(cx).map(|stopped| Some(Err(stopped))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.unplaced.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
