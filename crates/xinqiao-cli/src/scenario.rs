//! `xinqiao test`: scenarios in YAML, played against a simulator.
//!
//! A scenario says what people do, how time passes, what fails, and what must come of it. Its acts and facts are those of
//! the control interface; there is no second vocabulary. All files are read before anything starts: one that makes no sense
//! is code 2, one that does not come out as it says is code 1.

mod fields;
mod fits;
mod plan;
mod play;
mod report;
mod world;
mod yaml;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;

use self::plan::Plan;
use self::report::{Failure, Played};
use self::world::{NoWorld, World};
use self::yaml::Wrong;
use crate::dev::Stop;
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::talk;

pub(crate) const EXAMPLES: &str = "xinqiao test greets.yaml
xinqiao test scenarios/*.yaml --junit report.xml
xinqiao test greets.yaml --running";

/// `xinqiao test`
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// Scenarios, each a YAML file
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Play in the world that runs, even if the scenario names an app to start
    #[arg(long)]
    running: bool,
    /// Print the Test Anything Protocol
    #[arg(long)]
    tap: bool,
    /// Also write JUnit's XML to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Ready file of the running dev
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Plays the scenarios, one after the other.
pub(crate) async fn run(options: Options, lang: Lang) -> Outcome {
    let mut plans = Vec::new();
    let mut refusals = Vec::new();
    for file in &options.files {
        match read(file, lang) {
            Ok(plan) => plans.push((file, plan)),
            Err(wrong) => refusals.push(wrong),
        }
    }
    if !refusals.is_empty() {
        return Err(Fail::usage(refusals.join("\n")));
    }
    let mut stop =
        Stop::listen().context(lang.pick("无法接收信号", "cannot listen for signals"))?;
    let mut all = Vec::new();
    for (file, plan) in &plans {
        let played = tokio::select! {
            played = one(file, plan, &options, lang) => played?,
            () = stop.wait() => return Err(Fail::failed(lang.pick("中断了", "interrupted"))),
        };
        if !options.tap {
            talk::data(report::line(&played, lang));
        }
        all.push(played);
    }
    if options.tap {
        talk::data(report::tap(&all).trim_end());
    }
    if let Some(path) = &options.junit {
        std::fs::write(path, report::junit(&all))
            .map_err(|error| Fail::failed(format!("{}: {}", path.display(), lang.io(&error))))?;
    }
    let failed = all.iter().filter(|played| played.failure.is_some()).count();
    if failed == 0 {
        return Ok(());
    }
    let count = all.len();
    Err(Fail::failed(match lang {
        Lang::Zh => format!("{count} 个场景里有 {failed} 个没有通过"),
        Lang::En => format!("{failed} of {count} scenarios failed"),
    }))
}

fn read(file: &Path, lang: Lang) -> Result<Plan, String> {
    let shown = file.display();
    let text =
        std::fs::read_to_string(file).map_err(|error| format!("{shown}: {}", lang.io(&error)))?;
    yaml::read(&text, lang)
        .and_then(|root| plan::read(&root, lang))
        .map_err(|Wrong { line, words }| format!("{shown}:{line}: {words}"))
}

/// Plays one scenario in its world.
async fn one(file: &Path, plan: &Plan, options: &Options, lang: Lang) -> Result<Played, Fail> {
    let begun = Instant::now();
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let world = match &plan.app {
        Some(app) if !options.running => World::start(plan, app, folder, lang).await,
        _ => World::running(options.ready_file.as_deref(), lang)
            .await
            .map_err(NoWorld::Fail),
    };
    let failure = match world {
        Ok(world) => {
            let outcome = play::play(plan, &world.control, lang).await;
            let failure = outcome.err().map(|wrong| (wrong, world.app_log()));
            world.end().await;
            failure
        }
        Err(NoWorld::File(wrong)) => Some((wrong, None)),
        Err(NoWorld::Fail(fail)) => return Err(fail),
    };
    let name = file.file_stem().unwrap_or(file.as_os_str());
    Ok(Played {
        file: file.display().to_string(),
        name: plan
            .name
            .clone()
            .unwrap_or_else(|| name.to_string_lossy().into_owned()),
        seconds: begun.elapsed().as_secs_f64(),
        steps: plan.steps.len(),
        failure: failure.map(|(Wrong { line, words }, log)| Failure { line, words, log }),
    })
}
