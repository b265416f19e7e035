//! The `xinqiao` binary: reads the command line, starts the parts, prints what they say.
//!
//! It is the only crate that knows all others, and it decides nothing itself: protocol, catalog,
//! simulator and gateway live in their crates. Standard output carries data, standard error talk;
//! exit code 1 means that the thing failed, 2 that it was called wrongly.

mod api;
mod args;
mod assets;
mod complete;
mod control;
mod dev;
mod env;
mod exec;
mod explain;
mod export;
mod fail;
mod hex;
mod lang;
mod local;
mod project;
mod serve;
mod talk;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::args::{Cli, Verb};
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    complete::answer();
    let args: Vec<OsString> = std::env::args_os().collect();
    let lang = Lang::detect(&args, |name| std::env::var(name).ok());
    fail::finish(Cli::read(&args, lang).and_then(|cli| run(cli, lang)))
}

fn run(cli: Cli, lang: Lang) -> Outcome {
    start_logging();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Fail::failed(format!("cannot start the runtime: {error}")))?;
    let outcome = runtime.block_on(async {
        match cli.verb {
            Verb::Dev(options) => dev::run(options, lang).await,
            Verb::Sim(options) => dev::run_simulator(options, lang).await,
            Verb::Serve { config } => serve::run(&config, lang).await,
            Verb::Exec(options) => exec::run(options, lang).await,
            Verb::Env(options) => env::run(options, lang).await,
            Verb::Explain { code, json } => explain::run(&code.join(" "), json, lang),
            Verb::Api { verb } => api::run(verb, lang).await,
            Verb::Openapi(options) => export::openapi(&options, lang),
            Verb::Catalog { verb } => export::catalog(verb, lang),
            Verb::Completions { shell } => complete::script(shell),
            Verb::Clock(options) => control::clock(options, lang).await,
            Verb::Trigger(options) => control::trigger(options, lang).await,
            Verb::Fault(options) => control::fault(options, lang).await,
            Verb::Logs(options) => control::logs(options, lang).await,
            Verb::Listen(_) => not_built("listen", lang),
            Verb::Doctor(_) => not_built("doctor", lang),
            Verb::Test(_) => not_built("test", lang),
            Verb::Data(_) => not_built("data", lang),
            Verb::Store(_) => not_built("store", lang),
        }
    });
    // Tasks that hang on a peer must not hold up the exit.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    outcome
}

fn not_built(verb: &str, lang: Lang) -> Outcome {
    Err(Fail::usage(match lang {
        Lang::Zh => format!("{verb} 还没有实现；xinqiao --help 标出了已有的命令"),
        Lang::En => format!("{verb} is not built yet; `xinqiao --help` marks what is"),
    }))
}

/// Logs go to standard error, and what cannot be written is dropped: a full disk or a closed pipe must not end
/// the work that a line tells of. `XINQIAO_LOG` or `RUST_LOG` chooses what, warnings by default.
fn start_logging() {
    use tracing_subscriber::EnvFilter;

    let filter = EnvFilter::try_from_env("XINQIAO_LOG")
        .or_else(|_| EnvFilter::try_from_default_env())
        .unwrap_or_else(|_| EnvFilter::new("warn"));
    let colours = std::env::var_os("NO_COLOR").is_none()
        && std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .log_internal_errors(false)
        .init();
}
