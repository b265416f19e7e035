//! `make attack`: the campaign and the timing test.
//!
//! ```text
//! xinqiao-attack campaign [--cases N] [--minutes M] [--seed S] [--state FILE] [scheme …]
//! xinqiao-attack timing   [--samples N] [comparison …]
//! ```
//!
//! Exits with 1 on a finding; a finding of the campaign is in its state file, with everything that is needed to see it
//! again.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line program"
)]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use xinqiao_attack::{
    campaign::{Bounds, SCHEMES, State},
    timing::{LIMIT, compare, comparisons},
};

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let verb = if words.is_empty() {
        String::new()
    } else {
        words.remove(0)
    };
    let mut words = Words(words);
    match verb.as_str() {
        "campaign" => campaign(&mut words),
        "timing" => timing(&mut words),
        _ => wrong("say `campaign` or `timing`"),
    }
}

fn wrong(why: &str) -> ExitCode {
    eprintln!("{why}");
    ExitCode::from(2)
}

/// What is left of the command line.
struct Words(Vec<String>);

impl Words {
    /// Takes a flag with its value out.
    fn flag(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|word| word == name)?;
        self.0.remove(at);
        (at < self.0.len()).then(|| self.0.remove(at))
    }

    /// The same, as a number.
    fn number(&mut self, name: &str, default: u64) -> Result<u64, ExitCode> {
        match self.flag(name) {
            None => Ok(default),
            Some(text) => text
                .parse()
                .map_err(|_| wrong(&format!("{name} takes a number"))),
        }
    }
}

fn campaign(words: &mut Words) -> ExitCode {
    let numbers = ["--cases", "--minutes", "--seed"].map(|name| {
        let default = match name {
            "--cases" => 1_000_000,
            "--minutes" => 60,
            _ => 1,
        };
        words.number(name, default)
    });
    let [Ok(cases), Ok(minutes), Ok(seed)] = numbers else {
        return ExitCode::from(2);
    };
    let file = words
        .flag("--state")
        .unwrap_or_else(|| "target/attack/campaign.json".to_owned());
    let unknown = |name: &&String| !SCHEMES.iter().any(|scheme| scheme.name == **name);
    if let Some(name) = words.0.iter().find(unknown) {
        let known: Vec<_> = SCHEMES.iter().map(|scheme| scheme.name).collect();
        return wrong(&format!(
            "there is no scheme {name}; there are {}",
            known.join(", ")
        ));
    }
    if let Some(folder) = std::path::Path::new(&file).parent()
        && let Err(error) = std::fs::create_dir_all(folder)
    {
        return wrong(&format!("cannot make {}: {error}", folder.display()));
    }
    let mut state = State::read(&std::fs::read_to_string(&file).unwrap_or_default(), seed);
    let bounds = Bounds {
        cases,
        until: Instant::now() + Duration::from_mins(minutes),
        seed,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    };
    for scheme in SCHEMES {
        if words.0.is_empty() || words.0.iter().any(|name| name == scheme.name) {
            state.go_on(scheme, &bounds, |state| {
                if let Err(error) = std::fs::write(&file, state.write()) {
                    eprintln!("{file}: {error}");
                }
            });
        }
    }
    print!("{}", state.table());
    let mut found = 0;
    for finding in state.findings() {
        found += 1;
        if found <= 10 {
            println!("FOUND {finding}");
        }
    }
    let all = SCHEMES
        .iter()
        .filter(|scheme| words.0.is_empty() || words.0.iter().any(|name| name == scheme.name));
    let short: Vec<_> = all
        .filter(|scheme| state.cases(scheme.name) < cases)
        .map(|scheme| scheme.name)
        .collect();
    if !short.is_empty() {
        println!(
            "not done within the time: {}; the same command goes on",
            short.join(", ")
        );
    }
    println!("{found} findings; everything is in {file}");
    if found == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn timing(words: &mut Words) -> ExitCode {
    let Ok(samples) = words.number("--samples", 100_000) else {
        return ExitCode::from(2);
    };
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its times are not those of a release");
    }
    println!(
        "{:<66} {:>7} {:>6} {:>10} {:>10}",
        "not to be told apart", "t", "crop", "ns", "ns"
    );
    let mut leaks = 0;
    for mut comparison in comparisons() {
        let name = comparison.name();
        if !words.0.is_empty() && !words.0.iter().any(|word| name.contains(word.as_str())) {
            continue;
        }
        let outcome = compare(&mut *comparison, samples as usize, 1);
        let verdict = match (outcome.leaks(), outcome.repeats) {
            (true, _) => "  LEAKS",
            (false, 0) => "",
            (false, 1) => "  (the second time)",
            (false, _) => "  (the third time)",
        };
        leaks += u32::from(outcome.leaks());
        let [one, other] = outcome.means;
        println!(
            "{name:<66} {:>7.2} {:>6} {one:>10.0} {other:>10.0}{verdict}",
            outcome.t, outcome.crop
        );
    }
    println!(
        "{samples} times each; {leaks} with |t| >= {LIMIT}. What has that is measured again with fresh times, twice at most, \
         and the last measurement counts"
    );
    if leaks == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
