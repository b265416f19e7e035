//! A load generator: keep-alive connections on one thread, each with one request under way.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

/// Requests made beforehand, so that the generator only writes and reads.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Requests {
    /// Adds one POST.
    pub(crate) fn post(&mut self, path: &str, query: &str, body: &str) {
        let head = format!(
            "POST {path}?{query} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: Mozilla/4.0\r\naccept: */*\r\n\
             content-type: text/xml\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(body.as_bytes());
        self.ends.push(self.bytes.len());
    }

    /// Adds one GET.
    pub(crate) fn get(&mut self, path: &str) {
        let head = format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: */*\r\n\r\n");
        self.bytes.extend_from_slice(head.as_bytes());
        self.ends.push(self.bytes.len());
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    fn at(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }
}

/// What one run of all requests gave.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// From the first byte sent to the last answer read.
    pub(crate) took: Duration,
    /// Sorted.
    pub(crate) latencies: Vec<Duration>,
}

impl Outcome {
    /// Requests a second.
    pub(crate) fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// The latency that this share of the requests kept, in milliseconds.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let at = ((self.latencies.len() as f64 * share) as usize).min(self.latencies.len() - 1);
        self.latencies[at].as_secs_f64() * 1e3
    }
}

/// Sends every request once, over so many connections. An answer that is not 200 ends the run.
pub(crate) fn run(
    address: SocketAddr,
    connections: usize,
    requests: &Rc<Requests>,
) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let next = Rc::new(Cell::new(0));
    let latencies = Rc::new(RefCell::new(Vec::with_capacity(requests.len())));
    let local = LocalSet::new();
    let took = local.block_on(&runtime, async {
        let mut streams = Vec::with_capacity(connections);
        for _ in 0..connections {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        let started = Instant::now();
        let tasks: Vec<_> = streams
            .into_iter()
            .map(|stream| {
                let (next, requests, latencies) =
                    (Rc::clone(&next), Rc::clone(requests), Rc::clone(&latencies));
                tokio::task::spawn_local(connection(stream, next, requests, latencies))
            })
            .collect();
        for task in tasks {
            task.await??;
        }
        anyhow::Ok(started.elapsed())
    })?;
    let mut latencies = latencies.take();
    latencies.sort_unstable();
    Ok(Outcome { took, latencies })
}

async fn connection(
    mut stream: TcpStream,
    next: Rc<Cell<usize>>,
    requests: Rc<Requests>,
    latencies: Rc<RefCell<Vec<Duration>>>,
) -> Result<()> {
    let mut buffer = vec![0; 8192];
    loop {
        let index = next.get();
        if index == requests.len() {
            return Ok(());
        }
        next.set(index + 1);
        let started = Instant::now();
        stream.write_all(requests.at(index)).await?;
        let mut filled = 0;
        loop {
            let count = stream.read(&mut buffer[filled..]).await?;
            if count == 0 {
                bail!("the server closed the connection");
            }
            filled += count;
            if let Some(length) = answer_length(&buffer[..filled])? {
                if filled >= length {
                    break;
                }
                if length > buffer.len() {
                    buffer.resize(length, 0);
                }
            }
        }
        latencies.borrow_mut().push(started.elapsed());
    }
}

/// Length of the whole answer once its head is there.
fn answer_length(bytes: &[u8]) -> Result<Option<usize>> {
    let Some(head) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    if !bytes.starts_with(b"HTTP/1.1 200") {
        bail!("not 200: {}", String::from_utf8_lossy(bytes));
    }
    let text = std::str::from_utf8(&bytes[..head])?;
    let length = text
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .context("an answer without content-length")?;
    Ok(Some(head + 4 + length.1.trim().parse::<usize>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_with_its_last_byte() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n";
        assert_eq!(answer_length(&head[..20]).unwrap(), None);
        assert_eq!(answer_length(head).unwrap(), Some(head.len() + 3));
        assert!(answer_length(b"HTTP/1.1 500 x\r\n\r\n").is_err());
    }

    #[test]
    fn requests_keep_their_order() {
        let mut requests = Requests::default();
        requests.post("/a", "q", "one");
        requests.post("/b", "q", "two");
        assert!(requests.at(0).ends_with(b"one"));
        assert!(requests.at(1).starts_with(b"POST /b?q"));
    }
}
