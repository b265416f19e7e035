//! `xinqiao-samples INDEX.jsonl`: prints passed/total per project, failures, and the share that typed slots hold.
//!
//! A sample passes if what comes out is the same JSON value (or the same XML elements) as what went in. Beside that,
//! the share of values that typed slots hold by themselves is counted: what the slots write without what keep-raw kept,
//! compared whatever their spelling (`"1"` in a number's slot is held; that it was quoted is what keep-raw keeps). The
//! error envelope of an answer counts as typed, since the client holds it in a type of its own.
//!
//! The exit code is 1 below 99.5 % lossless or 99.7 % typed, and 2 if there is nothing to judge. `--untyped` lists values
//! that no slot held.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use xinqiao_samples::{index, registry};

fn main() -> ExitCode {
    let (flags, files): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    let untyped = flags.iter().any(|flag| flag == "--untyped");
    let ([file], true) = (files.as_slice(), flags.len() == usize::from(untyped)) else {
        eprintln!("usage: xinqiao-samples [--untyped] INDEX.jsonl");
        return ExitCode::from(2);
    };
    let report = match index::run(&PathBuf::from(file), &registry::find) {
        Ok(report) => report,
        Err(error) => {
            eprintln!("{file}: {error}");
            return ExitCode::from(2);
        }
    };
    if untyped {
        let mut places: Vec<_> = report.untyped.iter().collect();
        places.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
        for (place, count) in places {
            println!("UNTYPED {count} {place}");
        }
    }
    print!("{report}");
    match report.samples() {
        (_, 0) => ExitCode::from(2),
        _ if report.is_good() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}
