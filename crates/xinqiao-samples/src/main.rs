//! `xinqiao-samples INDEX.jsonl`: prints passed/total per project, failures, and the share that typed slots hold.
//!
//! A sample passes if what comes out is the same JSON value (or the same XML elements) as what went in. Beside that,
//! the share of values that typed slots hold by themselves is counted: decoded without keep-raw, encoded again, compared
//! whatever their spelling (`"1"` in a number's slot is held; that it was quoted is what keep-raw keeps). The error envelope counts as typed, since the client holds it in a type of its own.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks"
)]

mod index;
#[cfg(test)]
mod tests;
mod trip;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(index) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: xinqiao-samples INDEX.jsonl");
        return ExitCode::from(2);
    };
    let report = match index::run(&index) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{}: {error}", index.display());
            return ExitCode::from(2);
        }
    };
    for (file, reason) in &report.failures {
        println!("FAIL {file}: {reason}");
    }
    if std::env::args().any(|argument| argument == "--untyped") {
        let mut names: Vec<_> = report.untyped.iter().collect();
        names.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (name, count) in names.into_iter().take(60) {
            println!("UNTYPED {count} {name}");
        }
    }
    let (mut passed, mut total) = (0, 0);
    for (project, (good, all)) in &report.projects {
        println!("{project:<16} {good}/{all}");
        passed += good;
        total += all;
    }
    let share = |part: usize, whole: usize| 100.0 * part as f64 / (whole.max(1)) as f64;
    println!(
        "{:<16} {passed}/{total} lossless ({:.2} %)",
        "all",
        share(passed, total)
    );
    let (values, typed) = report.values;
    println!(
        "{:<16} {typed}/{values} values in typed slots ({:.2} %)",
        "typed",
        share(typed, values)
    );
    if share(passed, total) >= 99.5 && share(typed, values) >= 99.0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
