//! Clocks that a busy machine does not bend much, and medians.
//!
//! CPU time comes from the scheduler's own counters in nanoseconds, so it needs Linux.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// What the calling thread has spent on a core.
///
/// Read with the clock: the file below `/proc` is brought up to date a few hundred times a second only.
pub(crate) fn thread_cpu() -> Result<Duration> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Ok(Duration::new(
        now.tv_sec.try_into()?,
        now.tv_nsec.try_into()?,
    ))
}

/// What all threads of a process have spent so far.
pub(crate) fn process_cpu(pid: u32) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        // A thread may end between the listing and the reading.
        if let Some(path) = task?.path().join("schedstat").to_str()
            && let Ok(spent) = schedstat(path)
        {
            sum += spent;
        }
    }
    Ok(sum)
}

fn schedstat(path: &str) -> Result<Duration> {
    let text =
        fs::read_to_string(path).with_context(|| format!("{path}: the bench needs Linux"))?;
    let first = text
        .split_whitespace()
        .next()
        .context("an empty schedstat")?;
    Ok(Duration::from_nanos(first.parse()?))
}

/// Proportional set size of a process in MB.
pub(crate) fn pss(pid: u32) -> Result<f64> {
    memory(pid, "Pss:")
}

/// What a process wrote to and shares with nobody, in MB.
pub(crate) fn private(pid: u32) -> Result<f64> {
    memory(pid, "Private_Dirty:")
}

fn memory(pid: u32, what: &str) -> Result<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let line = { text.lines() }.find(|line| line.starts_with(what));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    let kilobytes: f64 = { number.with_context(|| format!("no line {what}"))? }.parse()?;
    Ok(kilobytes / 1000.0)
}

/// The middle value; `values` must not be empty.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// CPU microseconds for one call of each function, taken in turns so that noise meets all alike: medians of nine rounds.
pub(crate) fn interleaved<const N: usize>(
    calls: u32,
    mut functions: [&mut dyn FnMut(); N],
) -> Result<[f64; N]> {
    let mut rounds: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for function in &mut functions {
        for _ in 0..calls / 4 {
            function();
        }
    }
    for _ in 0..9 {
        for (function, times) in functions.iter_mut().zip(&mut rounds) {
            let before = thread_cpu()?;
            for _ in 0..calls {
                function();
            }
            times.push(thread_cpu()?.saturating_sub(before).as_secs_f64() * 1e6 / f64::from(calls));
        }
    }
    Ok(rounds.map(median))
}

/// Polls until the condition holds.
pub(crate) fn wait(
    limit: Duration,
    pause: Duration,
    mut condition: impl FnMut() -> bool,
) -> Option<Duration> {
    let started = Instant::now();
    loop {
        if condition() {
            return Some(started.elapsed());
        }
        if started.elapsed() > limit {
            return None;
        }
        std::thread::sleep(pause);
    }
}
