//! CPU time of this build beside that of an older one, paired in one run: `--against OLD` names the older
//! `xinqiao-bench`.
//!
//! What is measured in-process (P1, C1–C4) both programs measure themselves, in turns; for P2 both serve and are loaded
//! in turns by this one. The older program needs nothing that it did not have: its tables are read, its
//! `gateway-server` is started.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::child::{self, Server};
use crate::http;
use crate::measure;

/// How much more is bearable.
const MOST: f64 = 1.05;

const ROUNDS: usize = 7;

/// One measure of both programs: old, new, CPU µs.
struct Pair {
    id: String,
    measure: String,
    values: [Vec<f64>; 2],
}

/// Runs all of it and prints the table; false if something costs more than is bearable.
pub(crate) fn run(old: &Path) -> Result<bool> {
    if !old.is_file() {
        bail!("{} is no program", old.display());
    }
    let programs = [old.to_owned(), std::env::current_exe()?];
    let mut pairs: Vec<Pair> = Vec::new();
    for round in 0..ROUNDS {
        for part in ["callback", "codec"] {
            // Neither is always the first one.
            for which in [round % 2, 1 - round % 2] {
                let output = child::on_first_core(&programs[which]).arg(part).output();
                let output = output.with_context(|| format!("{}", programs[which].display()))?;
                if !output.status.success() {
                    bail!("{} {part} failed", programs[which].display());
                }
                read(&String::from_utf8_lossy(&output.stdout), which, &mut pairs);
            }
        }
    }
    over_http(&programs, &mut pairs)?;
    if pairs
        .iter()
        .any(|pair| pair.values.iter().any(Vec::is_empty))
    {
        bail!("the two programs do not measure the same");
    }
    println!(
        "{:<4} {:<62} {:>9} {:>9} {:>8}",
        "", "CPU µs", "old", "new", "new/old"
    );
    let mut bearable = true;
    for pair in pairs {
        let [old, new] = pair.values.map(measure::median);
        let ratio = new / old;
        bearable &= ratio <= MOST;
        let verdict = if ratio <= MOST { "" } else { "  WORSE" };
        println!(
            "{:<4} {:<62} {old:>9.2} {new:>9.2} {ratio:>8.3}{verdict}",
            pair.id, pair.measure
        );
    }
    println!("Medians of {ROUNDS} rounds, old and new in turns; more than {MOST} is worse.");
    Ok(bearable)
}

/// Takes the rows about CPU time out of a printed table. Columns stand two blanks or more apart.
fn read(table: &str, which: usize, pairs: &mut Vec<Pair>) {
    for line in table.lines() {
        let mut cells = line
            .split("  ")
            .map(str::trim)
            .filter(|cell| !cell.is_empty());
        let (Some(id), Some(measure), Some(value)) = (cells.next(), cells.next(), cells.next())
        else {
            continue;
        };
        let Ok(value) = value.parse::<f64>() else {
            continue;
        };
        if measure.ends_with("CPU µs") {
            add(id, measure, which, value, pairs);
        }
    }
}

fn add(id: &str, measure: &str, which: usize, value: f64, pairs: &mut Vec<Pair>) {
    let known = pairs
        .iter()
        .position(|pair| pair.id == id && pair.measure == measure);
    let at = known.unwrap_or_else(|| {
        pairs.push(Pair {
            id: id.to_owned(),
            measure: measure.to_owned(),
            values: Default::default(),
        });
        pairs.len() - 1
    });
    pairs[at].values[which].push(value);
}

fn over_http(programs: &[std::path::PathBuf; 2], pairs: &mut Vec<Pair>) -> Result<()> {
    let mut servers = Vec::new();
    for program in programs {
        let port = child::free_block(5)?;
        let mut command: Command = child::on_first_core(program);
        command.args(["gateway-server", &port.to_string(), "none"]);
        servers.push(Server::start(command, port)?);
    }
    let mut next_id = 7_000_000_000_000_000_000;
    child::pin_self("1")?;
    for round in 0..=ROUNDS {
        for (connections, count) in [(64, 20_000), (512, 20_000)] {
            for which in [round % 2, 1 - round % 2] {
                let spent = http::cpu(&servers[which], connections, count, &mut next_id)?;
                if round > 0 {
                    let measure =
                        format!("callback over HTTP, no store, {connections} connections, CPU µs");
                    add("P2", &measure, which, spent, pairs);
                }
            }
        }
    }
    child::pin_self(&format!("0-{}", child::cores() - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_about_cpu_time_are_read_out_of_a_table() {
        let table = "    measure                      value  baseline  ratio\n──────────\n\
                     P1  callback in-process, CPU µs  2.03   1.40 sum of primitives  1.45  ≤ 1.60  ≤ 2.21  goal\n\
                     P2  the same, req/s              90000  1 bare  0.6\n";
        let mut pairs = Vec::new();
        read(table, 0, &mut pairs);
        read(table, 1, &mut pairs);
        assert_eq!(pairs.len(), 1);
        assert_eq!(pairs[0].values, [vec![2.03], vec![2.03]]);
    }
}
