//! P4: durable on PostgreSQL, beside what its own bench does with a row a commit, on the same machine.

use std::io::Write as _;

use anyhow::{Context as _, Result, ensure};

use crate::{
    child, http, load, measure,
    table::{Better, Row},
};

/// One table with rows as large as ours, a row a commit.
const SCRIPT: &str = "INSERT INTO row_a_commit (body) VALUES (repeat('x', 400));\n";
const ROUNDS: usize = 3;

/// Transactions a second of PostgreSQL's own bench with 64 clients.
fn row_a_commit(server: &xinqiao_testdb::Server, url: &str) -> Result<f64> {
    let mut script = tempfile::NamedTempFile::new()?;
    script.write_all(SCRIPT.as_bytes())?;
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    std::fs::set_permissions(script.path(), readable)?;
    let output = server
        .program("pgbench")
        .args([
            "-n", "-M", "prepared", "-c", "64", "-j", "1", "-T", "5", "-f",
        ])
        .arg(script.path())
        .arg(url)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "pgbench: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tps = { text.lines() }
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next())
        .context("pgbench says no tps")?;
    Ok(tps.parse()?)
}

/// Both in turns.
pub(crate) fn run(rows: &mut Vec<Row>) -> Result<()> {
    let Some(server) = xinqiao_testdb::Server::durable() else {
        println!("SKIP: no PostgreSQL server is installed");
        return Ok(());
    };
    let url = server.database();
    let made = server
        .program("psql")
        .args([
            "-q",
            "-c",
            "CREATE TABLE row_a_commit (id bigserial PRIMARY KEY, body text)",
            &url,
        ])
        .status()?;
    ensure!(made.success(), "psql makes no table");
    let gateway = http::gateway(&url)?;
    let mut next_id = 8_000_000_000_000_000_000;
    let (mut theirs, mut ours, mut cpu) = (Vec::new(), Vec::new(), Vec::new());
    load::run(gateway.address, 512, &http::messages(10_000, &mut next_id)?)?;
    for _ in 0..ROUNDS {
        theirs.push(row_a_commit(&server, &url)?);
        let requests = http::messages(60_000, &mut next_id)?;
        let before = measure::process_cpu(gateway.pid())?;
        ours.push(load::run(gateway.address, 512, &requests)?.rate());
        let spent = measure::process_cpu(gateway.pid())?.saturating_sub(before);
        cpu.push(spent.as_secs_f64() * 1e6 / requests.len() as f64);
    }
    let (theirs, ours) = (measure::median(theirs), measure::median(ours));
    println!(
        "PostgreSQL on the same {} cores; the gateway itself {:.1} CPU µs a message",
        child::cores(),
        measure::median(cpu)
    );
    rows.push(Row {
        id: "P4",
        measure: "durable on PostgreSQL, 512 connections, req/s".into(),
        value: format!("{ours:.0}"),
        baseline: format!("{theirs:.0} pgbench, a row a commit"),
        ratio: ours / theirs,
        goal: 2.1,
        floor: 2.1 * 0.85,
        better: Better::Higher,
    });
    Ok(())
}
