//! P9: from the start of a process (through a shell) to its first answer, and memory at rest.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::child;
use crate::measure;
use crate::table::{Better, Row};

/// What `dev` takes in a row.
const PORTS: u16 = 16;

/// Ends the process when dropped, as Ctrl-C does; by force where it does not end.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status();
        let deadline = Instant::now() + Duration::from_secs(3);
        while asked.is_ok() && Instant::now() < deadline && matches!(self.0.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program as people start it: through a shell, whose fork and start count for all alike.
fn through_a_shell(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"exec "$0" "$@""#]).arg(program);
    command
}

/// Milliseconds until `path` answers 200.
fn first_answer(mut command: Command, port: u16, path: &str) -> Result<(f64, Running)> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let started = Instant::now();
    let mut running = Running(
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?,
    );
    loop {
        if asks(address, path) {
            return Ok((started.elapsed().as_secs_f64() * 1e3, running));
        }
        if started.elapsed() > Duration::from_secs(20) || running.0.try_wait()?.is_some() {
            bail!("{command:?} does not answer {path} on port {port}");
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn asks(address: SocketAddr, path: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else {
        return false;
    };
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut head = [0; 12];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut head).is_ok()
        && head.starts_with(b"HTTP/1.1 200")
}

fn xinqiao(binary: &Path, folder: &Path, verb: &str, port: u16) -> Command {
    let mut command = through_a_shell(binary);
    command
        .current_dir(folder)
        .args([verb, "--port", &port.to_string()]);
    command
}

/// Interleaved, median of eleven; each verb in a folder that it has used before.
pub(crate) fn run(rows: &mut Vec<Row>) -> Result<()> {
    let (bare, binary) = (child::beside("bare-axum")?, child::beside("xinqiao")?);
    let folder = tempfile::tempdir()?;
    let verbs = ["dev", "sim"];
    let mut times: [Vec<f64>; 3] = Default::default();
    let mut first = Vec::new();
    for round in 0..12 {
        let port = child::free_port()?;
        let mut command = through_a_shell(&bare);
        command.arg(port.to_string());
        let (bare_ms, _bare) = first_answer(command, port, "/healthz")?;
        let mut found = vec![bare_ms];
        for verb in verbs {
            let port = child::free_block(PORTS)?;
            let own = folder.path().join(verb);
            std::fs::create_dir_all(&own)?;
            let (ms, _running) =
                first_answer(xinqiao(&binary, &own, verb, port), port, "/_sim/v1/clock")?;
            found.push(ms);
        }
        if round == 0 {
            first = found; // fresh folders: migrations and the seeded world; shown, not counted
        } else {
            times
                .iter_mut()
                .zip(found)
                .for_each(|(all, ms)| all.push(ms));
        }
    }
    let [bare_ms, dev_ms, sim_ms] = times.map(measure::median);
    for (verb, ms, fresh) in [("dev", dev_ms, first[1]), ("sim", sim_ms, first[2])] {
        rows.push(Row {
            id: "P9",
            measure: format!("`xinqiao {verb}`: start to first answer, ms"),
            value: format!("{ms:.1} (first ever {fresh:.1})"),
            baseline: format!("{bare_ms:.1} bare axum"),
            ratio: ms / bare_ms,
            goal: 1.7,
            floor: 2.0,
            better: Better::Lower,
        });
    }
    for (verb, arguments, goal, floor) in [
        ("dev", vec![], 15.0, 40.0),
        ("sim", vec!["--seeded"], 6.0, 40.0),
    ] {
        let port = child::free_block(PORTS)?;
        let mut command = xinqiao(&binary, &folder.path().join(verb), verb, port);
        command.args(arguments);
        let (_, running) = first_answer(command, port, "/_sim/v1/clock")?;
        std::thread::sleep(Duration::from_secs(3));
        let megabytes = measure::pss(running.0.id())?;
        let own = measure::private(running.0.id())?;
        rows.push(Row {
            id: "P9",
            measure: format!("`xinqiao {verb}`: idle PSS, MB"),
            value: format!("{megabytes:.1} ({own:.1} written to, the rest is the program's file)"),
            baseline: "an amount, no ratio".into(),
            ratio: megabytes,
            goal,
            floor,
            better: Better::Lower,
        });
    }
    let size = std::fs::metadata(&binary)?.len() as f64 / 1e6;
    rows.push(Row {
        id: "P9",
        measure: "size of the binary, MB".into(),
        value: format!("{size:.1}"),
        baseline: "an amount, no ratio".into(),
        ratio: size,
        goal: 25.0,
        floor: 29.0,
        better: Better::Lower,
    });
    Ok(())
}
