//! Server-sent events with ids that a client can resume from.
//!
//! One ring of the latest events serves every reader: a slow reader holds no memory, and one that fell out of
//! the ring gets an event `gap` and goes on with the oldest that is left.

use std::{
    collections::VecDeque,
    convert::Infallible,
    ops::Deref,
    pin::Pin,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use axum::response::{
    IntoResponse, Response,
    sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, stream};
use http::HeaderMap;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// One event of the ring.
#[derive(Debug, Clone)]
pub struct Item {
    /// Grows by one with every event, from 1.
    pub id: u64,
    /// The event's name.
    pub kind: &'static str,
    /// Its data: one line of JSON.
    pub data: Arc<Text>,
}

/// A text that is made when somebody reads it, once: most events are forgotten before anybody does.
pub struct Text {
    size: usize,
    text: LazyLock<Box<str>, Box<dyn FnOnce() -> Box<str> + Send>>,
}

impl Text {
    /// A text that takes about this many bytes, until it is read and after.
    pub fn made_when_read(size: usize, make: impl FnOnce() -> String + Send + 'static) -> Self {
        Self {
            size,
            text: LazyLock::new(Box::new(|| make().into_boxed_str())),
        }
    }

    /// About how many bytes it takes.
    pub const fn size(&self) -> usize {
        self.size
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::made_when_read(text.len(), || text)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text(about {} bytes)", self.size)
    }
}

#[derive(Debug)]
struct Ring {
    items: VecDeque<Item>,
    bytes: usize,
    next: u64,
}

#[derive(Debug)]
struct Inner {
    ring: Mutex<Ring>,
    newest: watch::Sender<u64>,
    closed: CancellationToken,
    most_items: usize,
    most_bytes: usize,
}

/// The ring of the latest events. Cheap to clone.
#[derive(Debug, Clone)]
pub struct EventLog {
    inner: Arc<Inner>,
}

/// A reader's place in the ring.
#[derive(Debug)]
pub struct Subscription {
    log: EventLog,
    after: u64,
    newest: watch::Receiver<u64>,
}

impl EventLog {
    /// A ring that keeps at most this many events and this many bytes of data.
    pub fn new(most_items: usize, most_bytes: usize) -> Self {
        Self::starting_at(most_items, most_bytes, 1)
    }

    /// The same, whose first event has this id: a restarted server goes on where clients stopped.
    pub fn starting_at(most_items: usize, most_bytes: usize, first: u64) -> Self {
        let ring = Ring {
            items: VecDeque::new(),
            bytes: 0,
            next: first.max(1),
        };
        let (newest, _) = watch::channel(first.max(1) - 1);
        Self {
            inner: Arc::new(Inner {
                ring: Mutex::new(ring),
                newest,
                closed: CancellationToken::new(),
                most_items,
                most_bytes,
            }),
        }
    }

    /// Adds an event and returns its id. Never waits for a reader.
    pub fn publish(&self, kind: &'static str, data: impl Into<Text>) -> u64 {
        self.share(kind, Arc::new(data.into()))
    }

    /// Adds an event whose text others have too.
    pub fn share(&self, kind: &'static str, data: Arc<Text>) -> u64 {
        let id = {
            let mut ring = self
                .inner
                .ring
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let id = ring.next;
            ring.next += 1;
            ring.bytes += data.size();
            ring.items.push_back(Item { id, kind, data });
            while ring.items.len() > self.inner.most_items
                || (ring.bytes > self.inner.most_bytes && ring.items.len() > 1)
            {
                let Some(oldest) = ring.items.pop_front() else {
                    break;
                };
                ring.bytes -= oldest.data.size();
            }
            id
        };
        self.inner.newest.send_replace(id);
        id
    }

    /// Ends every reader's stream, so that a server that drains does not wait for them.
    pub fn close(&self) {
        self.inner.closed.cancel();
    }

    /// A reader from after this id on; `None` starts with the next event.
    pub fn subscribe(&self, after: Option<u64>) -> Subscription {
        let newest = self.inner.newest.subscribe();
        let current = *newest.borrow();
        // An id from before a restart with a shorter log would wait for ever.
        let after = after.map_or(current, |after| after.min(current));
        Subscription {
            log: self.clone(),
            after,
            newest,
        }
    }

    /// What came after this id, at most `limit` events, and whether some were lost.
    fn after(&self, after: u64, limit: usize) -> (Vec<Item>, bool) {
        let ring = self
            .inner
            .ring
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let oldest = ring.items.front().map_or(ring.next, |item| item.id);
        let lost = after + 1 < oldest;
        let skip = usize::try_from((after + 1).saturating_sub(oldest)).unwrap_or(usize::MAX);
        (
            ring.items.iter().skip(skip).take(limit).cloned().collect(),
            lost,
        )
    }

    /// Answers a request with the stream. `Last-Event-ID` resumes; `first` is sent at once, without an id, so
    /// that a page need not ask for the state separately.
    pub fn respond(&self, headers: &HeaderMap, first: Vec<(&'static str, String)>) -> Response {
        let after = headers
            .get("last-event-id")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.trim().parse().ok());
        let subscription = self.subscribe(after);
        let greeting = first
            .into_iter()
            .map(|(kind, data)| Ok::<_, Infallible>(Event::default().event(kind).data(data)));
        let events = futures_util::StreamExt::chain(stream::iter(greeting), subscription.events());
        Sse::new(events)
            .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
            .into_response()
    }
}

impl Subscription {
    /// The next batch and whether events were lost before it. Waits until there is one; none after
    /// [`EventLog::close`]. Safe to cancel.
    pub async fn next(&mut self) -> Option<(Vec<Item>, bool)> {
        const BATCH: usize = 64;
        loop {
            let (items, lost) = self.log.after(self.after, BATCH);
            if let Some(last) = items.last() {
                self.after = last.id;
                return Some((items, lost));
            }
            tokio::select! {
                changed = self.newest.changed() => changed.ok()?,
                () = self.log.inner.closed.cancelled() => return None,
            }
        }
    }

    fn events(self) -> Pin<Box<dyn Stream<Item = Result<Event, Infallible>> + Send>> {
        let batches = stream::unfold(self, |mut subscription| async move {
            let (items, lost) = subscription.next().await?;
            let mut events = Vec::with_capacity(items.len() + 1);
            if lost {
                events.push(Ok(Event::default().event("gap").data("{}")));
            }
            for item in items {
                let event = Event::default().id(item.id.to_string()).event(item.kind);
                events.push(Ok(event.data(&**item.data)));
            }
            Some((stream::iter(events), subscription))
        });
        Box::pin(futures_util::StreamExt::flatten(batches))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_reader_resumes_after_its_last_id() {
        let log = EventLog::new(10, 1000);
        for text in ["a", "b", "c"] {
            log.publish("row", text);
        }
        let (items, lost) = log.subscribe(Some(1)).next().await.unwrap();
        assert!(!lost);
        assert_eq!(items.iter().map(|item| item.id).collect::<Vec<_>>(), [2, 3]);
    }

    #[tokio::test]
    async fn a_reader_that_fell_out_is_told() {
        let log = EventLog::new(2, 1000);
        for text in ["a", "b", "c", "d"] {
            log.publish("row", text);
        }
        let (items, lost) = log.subscribe(Some(1)).next().await.unwrap();
        assert!(lost);
        assert_eq!(items.iter().map(|item| item.id).collect::<Vec<_>>(), [3, 4]);
    }

    #[tokio::test]
    async fn a_new_reader_gets_only_what_comes() {
        let log = EventLog::new(2, 1000);
        log.publish("row", "old");
        let mut reader = log.subscribe(None);
        log.publish("row", "new");
        let (items, _) = reader.next().await.unwrap();
        assert_eq!(&**items[0].data, "new");
    }

    #[tokio::test]
    async fn a_text_is_made_when_it_is_read_and_once() {
        let made = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let log = EventLog::new(10, 1000);
        let count = made.clone();
        log.publish(
            "row",
            Text::made_when_read(3, move || {
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                "new".to_owned()
            }),
        );
        let seen = || made.load(std::sync::atomic::Ordering::Relaxed);
        assert_eq!(seen(), 0);
        for _ in 0..2 {
            let (items, _) = log.subscribe(Some(0)).next().await.unwrap();
            assert_eq!(&**items[0].data, "new");
        }
        assert_eq!(seen(), 1);
    }

    #[test]
    fn the_ring_is_bounded_in_bytes() {
        let log = EventLog::new(1000, 100);
        for _ in 0..50 {
            log.publish("row", "0123456789");
        }
        assert!(log.after(0, 1000).0.len() <= 10);
    }
}
