//! P2, P3, P5: a callback over HTTP through the gateway's inlet, without a store and durable, beside bare axum.
//!
//! The gateway verifies, decrypts, parses, looks for a repeat, keeps the event and answers `success`: no app is
//! connected, whose HTTP call would cost more than everything that is measured here. Every message is new.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use anyhow::Result;
use xinqiao_gateway::{AccountConfig, Config, Context, Gateway, StoreAt};
use xinqiao_types::{AesKeyText, AppSecret, CallbackToken, Clock, SystemClock};

use crate::child::{self, Server};
use crate::load::{self, Requests};
use crate::measure;
use crate::sample;
use crate::table::{Better, Row};

const CONNECTIONS: [usize; 3] = [1, 64, 512];
const ROUNDS: usize = 5;

/// One server over all rounds, by number of connections.
#[derive(Default)]
struct Series {
    cpu: [Vec<f64>; 3],
    rate: [Vec<f64>; 3],
    p50: [Vec<f64>; 3],
    p99: [Vec<f64>; 3],
    busy: [Vec<f64>; 3],
}

struct Figures {
    /// CPU µs a request.
    cpu: [f64; 3],
    rate: [f64; 3],
    p50: [f64; 3],
    p99: [f64; 3],
    /// Share of the time that the server was on a core.
    busy: [f64; 3],
}

impl Series {
    fn add(&mut self, at: usize, server: &Server, requests: &Rc<Requests>) -> Result<()> {
        let before = measure::process_cpu(server.pid())?;
        let outcome = load::run(server.address, CONNECTIONS[at], requests)?;
        let spent = measure::process_cpu(server.pid())?
            .saturating_sub(before)
            .as_secs_f64();
        self.cpu[at].push(spent * 1e6 / requests.len() as f64);
        self.rate[at].push(outcome.rate());
        self.p50[at].push(outcome.quantile(0.5));
        self.p99[at].push(outcome.quantile(0.99));
        self.busy[at].push(spent / outcome.took.as_secs_f64());
        Ok(())
    }

    fn medians(self) -> Figures {
        Figures {
            cpu: self.cpu.map(measure::median),
            rate: self.rate.map(measure::median),
            p50: self.p50.map(measure::median),
            p99: self.p99.map(measure::median),
            busy: self.busy.map(measure::median),
        }
    }
}

/// Runs a gateway with one account and no app until it is killed: `store` is `none`, a folder, or a database's
/// address.
pub(crate) async fn serve(port: u16, store: &str) -> Result<()> {
    let mut account = AccountConfig::new(sample::APPID);
    account.secret = Some(AppSecret::new(sample::SECRET));
    account.token = Some(CallbackToken::new(sample::TOKEN));
    account.aes_key = Some(AesKeyText::new(sample::AES_KEY));
    let mut config = Config {
        accounts: vec![account],
        ..Config::default()
    };
    config.listen.port = port;
    config.dev = true;
    config.store = match store {
        "none" => StoreAt::Discard,
        url if url.starts_with("postgres:") => StoreAt::Postgres(url.to_owned().into()),
        folder => StoreAt::File(Path::new(folder).join("gateway.db")),
    };
    let gateway = Gateway::start(config, Context::default()).await?;
    std::future::pending::<()>().await;
    gateway.shutdown().await;
    Ok(())
}

pub(crate) fn gateway(store: &str) -> Result<Server> {
    let port = child::free_block(5)?;
    let mut command = child::on_first_core(&std::env::current_exe()?);
    command.env("XINQIAO_MASTER_KEY", "5a".repeat(32));
    command.args(["gateway-server", &port.to_string(), store]);
    Server::start(command, port)
}

fn bare() -> Result<Server> {
    let port = child::free_port()?;
    let mut command = child::on_first_core(&child::beside("bare-axum")?);
    command.arg(port.to_string());
    Server::start(command, port)
}

/// So many new messages.
pub(crate) fn messages(count: usize, next_id: &mut u64) -> Result<Rc<Requests>> {
    let keys = sample::keys()?;
    let timestamp = SystemClock.unix().0;
    let path = format!("/callback/{}", sample::APPID);
    let mut requests = Requests::default();
    for _ in 0..count {
        *next_id += 1;
        let push = sample::push(&keys, *next_id, timestamp)?;
        requests.post(&path, &push.query, &push.body);
    }
    Ok(Rc::new(requests))
}

/// CPU microseconds that a server takes for each of so many new messages.
pub(crate) fn cpu(
    server: &Server,
    connections: usize,
    count: usize,
    next_id: &mut u64,
) -> Result<f64> {
    let requests = messages(count, next_id)?;
    let before = measure::process_cpu(server.pid())?;
    load::run(server.address, connections, &requests)?;
    let spent = measure::process_cpu(server.pid())?.saturating_sub(before);
    Ok(spent.as_secs_f64() * 1e6 / count as f64)
}

/// Milliseconds that 4 KB take to the disk, where the file does not grow: the middle of two hundred.
fn fdatasync(folder: &Path) -> Result<f64> {
    let mut file = File::create(folder.join("fdatasync"))?;
    file.write_all(&vec![0; 1 << 20])?;
    file.sync_all()?;
    let mut times = Vec::new();
    for block in 0..200 {
        file.seek(SeekFrom::Start(block * 4096))?;
        file.write_all(&[0x55; 4096])?;
        let started = Instant::now();
        file.sync_data()?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    Ok(measure::median(times))
}

/// All three servers in turns.
pub(crate) fn run(rows: &mut Vec<Row>) -> Result<()> {
    // Not the system's temporary folder: it may be memory.
    let folder = tempfile::tempdir_in(std::env::current_exe()?.parent().unwrap_or(Path::new(".")))?;
    let disk = fdatasync(folder.path())?;
    let servers = [
        bare()?,
        gateway("none")?,
        gateway(&folder.path().to_string_lossy())?,
    ];
    let mut series: [Series; 3] = Default::default();
    let mut next_id = 7_000_000_000_000_000_000;
    child::pin_self("1")?;
    for round in 0..=ROUNDS {
        for (at, count) in [(0, 2_000), (1, 30_000), (2, 30_000)] {
            for (server, series) in servers.iter().zip(&mut series) {
                let requests = messages(count, &mut next_id)?;
                if round == 0 {
                    Series::default().add(at, server, &requests)?; // warm-up
                } else {
                    series.add(at, server, &requests)?;
                }
            }
        }
    }
    child::pin_self(&format!("0-{}", child::cores() - 1))?;
    let [axum, memory, durable] = series.map(Series::medians);
    let pinned = if child::can_pin() {
        "pinned"
    } else {
        "not pinned"
    };
    println!(
        "HTTP, {pinned}; fdatasync of 4 KB {disk:.2} ms; server's core busy at 64: axum {:.0} %, no store {:.0} %, durable {:.0} %",
        axum.busy[1] * 100.0,
        memory.busy[1] * 100.0,
        durable.busy[1] * 100.0
    );
    without_store(rows, &axum, &memory);
    durably(rows, &memory, &durable, disk);
    Ok(())
}

fn without_store(rows: &mut Vec<Row>, axum: &Figures, ours: &Figures) {
    for at in [1, 2] {
        let connections = CONNECTIONS[at];
        rows.push(Row {
            id: "P2",
            measure: format!("callback over HTTP, no store, {connections} connections, CPU µs"),
            value: format!("{:.1}", ours.cpu[at]),
            baseline: format!("{:.1} bare axum", axum.cpu[at]),
            ratio: ours.cpu[at] / axum.cpu[at],
            goal: 1.8,
            floor: 1.84 * 1.15,
            better: Better::Lower,
        });
        rows.push(Row {
            id: "P2",
            measure: format!("the same, {connections} connections, req/s"),
            value: format!("{:.0}", ours.rate[at]),
            baseline: format!("{:.0} bare axum", axum.rate[at]),
            ratio: ours.rate[at] / axum.rate[at],
            goal: 0.55,
            floor: [0.0, 0.545 * 0.85, 0.575 * 0.85][at],
            better: Better::Higher,
        });
    }
    rows.push(Row {
        id: "P2",
        measure: "the same, 64 connections, p99 ms".into(),
        value: format!("{:.2}", ours.p99[1]),
        baseline: format!("{:.2} bare axum", axum.p99[1]),
        ratio: ours.p99[1] / axum.p99[1],
        goal: 1.5,
        floor: 1.5 * 1.15,
        better: Better::Lower,
    });
}

fn durably(rows: &mut Vec<Row>, memory: &Figures, durable: &Figures, disk: f64) {
    for (at, goal, prototype) in [(1, 0.65, 0.57), (2, 0.72, 0.71)] {
        let connections = CONNECTIONS[at];
        rows.push(Row {
            id: "P3",
            measure: format!("durable before the answer, {connections} connections, req/s"),
            value: format!("{:.0}", durable.rate[at]),
            baseline: format!("{:.0} no store", memory.rate[at]),
            ratio: durable.rate[at] / memory.rate[at],
            goal,
            floor: prototype * 0.85,
            better: Better::Higher,
        });
        rows.push(Row {
            id: "P3",
            measure: format!("the same, {connections} connections, CPU µs"),
            value: format!("{:.1}", durable.cpu[at]),
            baseline: format!("{:.1} no store", memory.cpu[at]),
            ratio: durable.cpu[at] / memory.cpu[at],
            goal: 1.7,
            floor: 1.7 * 1.15,
            better: Better::Lower,
        });
    }
    let allowed = memory.p50[0] + disk + 0.05;
    rows.push(Row {
        id: "P3",
        measure: "the same, 1 connection, p50 ms".into(),
        value: format!("{:.2}", durable.p50[0]),
        baseline: format!("{allowed:.2} no store + fdatasync + 0.05"),
        ratio: durable.p50[0] / allowed,
        goal: 1.0,
        floor: 1.15,
        better: Better::Lower,
    });
    let allowed = 2.0 * memory.p99[1] + 5.0 * disk;
    rows.push(Row {
        id: "P5",
        measure: "durable, 64 connections, p99 ms".into(),
        value: format!("{:.2}", durable.p99[1]),
        baseline: format!("{allowed:.2} 2 × no store + 5 fdatasync"),
        ratio: durable.p99[1] / allowed,
        goal: 1.0,
        floor: 2.0,
        better: Better::Lower,
    });
}
