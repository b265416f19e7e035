//! The `xinqiao` binary: reads the command line, starts the parts, prints what they say.
//!
//! It is the only crate that knows all others, and it decides nothing itself: protocol, catalog,
//! simulator and gateway live in their crates. Standard output carries data, standard error talk;
//! exit code 1 means that the thing failed, 2 that it was called wrongly.

mod api;
mod args;
mod assets;
mod chinese;
mod complete;
mod control;
mod crypt;
mod dev;
mod env;
mod exec;
mod explain;
mod export;
mod fail;
mod hex;
mod input;
mod lang;
mod local;
mod man;
mod pay;
mod project;
mod scenario;
mod serve;
mod talk;
mod verdict;
mod width;

use std::ffi::OsString;
use std::process::ExitCode;

use tracing_subscriber::filter::{LevelFilter, Targets};

use crate::args::{Cli, Verb};
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    complete::answer();
    let args: Vec<OsString> = std::env::args_os().collect();
    let lang = Lang::detect(&args, |name| std::env::var(name).ok());
    lang.settle();
    fail::finish(Cli::read(&args, lang).and_then(|cli| run(cli, lang)))
}

fn run(cli: Cli, lang: Lang) -> Outcome {
    start_logging();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            let error = lang.io(&error);
            Fail::failed(match lang {
                Lang::Zh => format!("无法启动运行时：{error}"),
                Lang::En => format!("cannot start the runtime: {error}"),
            })
        })?;
    let outcome = runtime.block_on(async {
        match cli.verb {
            Verb::Dev(options) => dev::run(options, lang).await,
            Verb::Sim(options) => dev::run_simulator(options, lang).await,
            Verb::Serve { config } => serve::run(&config, lang).await,
            Verb::Exec(options) => exec::run(options, lang).await,
            Verb::Env(options) => env::run(options, lang).await,
            Verb::Status(options) => control::status(options, lang).await,
            Verb::Open(options) => control::open(options, lang).await,
            Verb::Say(options) => control::say(options, lang).await,
            Verb::Trigger(options) => control::trigger(options, lang).await,
            Verb::Resend(options) => control::resend(options, lang).await,
            Verb::Test(options) => scenario::run(options, lang).await,
            Verb::Clock(options) => control::clock(options, lang).await,
            Verb::Fault(options) => control::fault(options, lang).await,
            Verb::Logs(options) => control::logs(options, lang).await,
            Verb::Explain { code, json } => explain::run(&code.join(" "), json, lang),
            Verb::Crypt { verb } => crypt::run(verb, lang),
            Verb::Pay { verb } => pay::run(verb, lang),
            Verb::Api { verb } => api::run(verb, lang).await,
            Verb::Openapi(options) => export::openapi(&options, lang),
            Verb::Catalog { verb } => export::catalog(verb, lang),
            Verb::Completions { shell } => complete::script(shell, lang),
            Verb::Man(options) => man::run(&options, lang),
        }
    });
    // Tasks that hang on a peer must not hold up the exit.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    outcome
}

/// Logs go to standard error, and what cannot be written is dropped: a full disk or a closed pipe must not end
/// the work that a line tells of. `XINQIAO_LOG` or `RUST_LOG` chooses what, warnings by default.
fn start_logging() {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;

    let chosen = ["XINQIAO_LOG", "RUST_LOG"].map(|name| std::env::var(name).ok());
    let filter = log_filter(chosen.iter().flatten().map(String::as_str));
    let colours = std::env::var_os("NO_COLOR").is_none()
        && std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .log_internal_errors(false);
    tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .init();
}

/// The first choice that can be read. Not `EnvFilter`: its filters by span need the regular expressions that nothing
/// else in the binary does.
fn log_filter<'a>(mut chosen: impl Iterator<Item = &'a str>) -> Targets {
    let read = chosen.find_map(|text| text.parse().ok());
    read.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::log_filter;

    #[test]
    fn logs_are_chosen_by_level_and_target() {
        let unread = log_filter(["a=b=c", "xinqiao_http=loud"].into_iter());
        for filter in [log_filter([].into_iter()), unread] {
            assert!(filter.would_enable("xinqiao_http", &Level::WARN));
            assert!(!filter.would_enable("xinqiao_http", &Level::INFO));
        }
        let filter = log_filter(["xinqiao_http=loud", "info,xinqiao_http=trace"].into_iter());
        assert!(filter.would_enable("xinqiao_http::serve", &Level::TRACE));
        assert!(filter.would_enable("hyper", &Level::INFO));
        assert!(!filter.would_enable("hyper", &Level::DEBUG));
    }
}
