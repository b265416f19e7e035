//! A connection that gives up on a peer that sends or reads too slowly.

use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Instant, Sleep},
};

use super::places::{Phase, Place};

/// So much of an answer must be read before the peer's time begins anew, unless all of it was.
const PROGRESS: usize = 16 * 1024;

/// The stream of one connection. While no request is there it watches over reading; it watches over writing
/// always. Reading bodies is watched over by [`super::arriving::Arriving`], which knows who waits for whom.
#[derive(Debug)]
pub(super) struct Watched {
    tcp: TcpStream,
    place: Arc<Place>,
    timer: Option<Pin<Box<Sleep>>>,
    /// How many requests had begun when the last bytes of a head came.
    reading: Option<u32>,
    /// When the peer must have read some more of the answer.
    unread_until: Option<Instant>,
    read: usize,
}

impl Watched {
    pub(super) fn new(tcp: TcpStream, place: Arc<Place>) -> Self {
        Self {
            tcp,
            place,
            timer: None,
            reading: None,
            unread_until: None,
            read: 0,
        }
    }

    /// Whether a deadline is over; if not, the task is woken then.
    fn is_over(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        let timer = self
            .timer
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
        // A timer that fires early costs less than one that is set anew for every request.
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= deadline {
                return true;
            }
            timer.as_mut().reset(deadline);
        }
        false
    }

    /// Nothing can be read now: if a request should begin or its head go on, how long may that take?
    fn await_request(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let limits = &self.place.all.limits;
        let time = match self.place.phase() {
            Phase::Request => return Poll::Pending,
            Phase::Idle if self.reading == Some(self.place.requests()) => {
                self.place.head_began();
                limits.header_time
            }
            Phase::Idle => limits.keep_alive,
            Phase::Head => limits.header_time,
        };
        let deadline = self.place.waiting_since() + time;
        if self.is_over(deadline, cx) {
            return Poll::Ready(Err(too_slow("no request came")));
        }
        Poll::Pending
    }

    fn written(&mut self, written: &io::Result<usize>, all: usize) {
        if self.unread_until.is_none() {
            return;
        }
        if let Ok(bytes) = written {
            self.read += bytes;
            if *bytes == all || self.read >= PROGRESS {
                self.unread_until = None;
                if self.place.phase() == Phase::Request {
                    self.place.waits_no_more();
                }
            }
        }
    }

    fn unread(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let deadline = match self.unread_until {
            Some(deadline) => deadline,
            None => {
                let now = Instant::now();
                self.read = 0;
                if self.place.phase() == Phase::Request {
                    self.place.waits_since(now);
                }
                *self
                    .unread_until
                    .insert(now + self.place.all.limits.answer_stall)
            }
        };
        if self.is_over(deadline, cx) {
            return Poll::Ready(Err(too_slow("the answer was not read")));
        }
        Poll::Pending
    }
}

fn too_slow(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(result) = Pin::new(&mut self.tcp).poll_read(cx, buf) {
            if self.place.phase() != Phase::Request {
                self.reading = Some(self.place.requests());
            }
            return Poll::Ready(result);
        }
        self.await_request(cx)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.tcp).poll_write(cx, buf) {
            Poll::Ready(result) => {
                self.written(&result, buf.len());
                Poll::Ready(result)
            }
            Poll::Pending => self.unread(cx),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match Pin::new(&mut self.tcp).poll_write_vectored(cx, bufs) {
            Poll::Ready(result) => {
                if self.unread_until.is_some() {
                    let all = bufs.iter().map(|buf| buf.len()).sum();
                    self.written(&result, all);
                }
                Poll::Ready(result)
            }
            Poll::Pending => self.unread(cx),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The connection may have begun to wait for the next request before this one was answered, and is not
        // asked to read again then: the time has to be told here.
        if self.place.phase() == Phase::Idle
            && let Poll::Ready(Err(late)) = self.await_request(cx)
        {
            return Poll::Ready(Err(late));
        }
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}
