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

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context as _;

use self::plan::{App, Plan};
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

/// Most bytes of a scenario.
const LARGEST: u64 = 1024 * 1024;

impl Options {
    /// What is to be started for this scenario, if it does not play in the world that runs.
    fn app<'p>(&self, plan: &'p Plan) -> Option<&'p App> {
        plan.app.as_ref().filter(|_| !self.running)
    }
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
    let mut stop = Stop::listen_to_hang_ups_too()
        .context(lang.pick("无法接收信号", "cannot listen for signals"))?;
    // Where no world runs that is named, nothing is played at all.
    if plans.iter().any(|(_, plan)| options.app(plan).is_none()) {
        World::running(options.ready_file.as_deref(), lang).await?;
    }
    let mut all = Vec::new();
    let mut interrupted = false;
    for (file, plan) in &plans {
        let played = tokio::select! {
            played = one(file, plan, &options, lang) => played,
            () = stop.wait() => {
                interrupted = true;
                break;
            }
        };
        if !options.tap {
            talk::data(report::line(&played, lang));
        }
        all.push(played);
    }
    if options.tap {
        talk::data(report::tap(&all, interrupted).trim_end());
    }
    if let Some(path) = &options.junit {
        std::fs::write(path, report::junit(&all))
            .map_err(|error| Fail::failed(format!("{}: {}", path.display(), lang.io(&error))))?;
    }
    if interrupted {
        return Err(Fail::failed(lang.pick("中断了", "interrupted")));
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
    let text = text(file, lang).map_err(|wrong| format!("{shown}: {wrong}"))?;
    yaml::read(&text, lang)
        .and_then(|root| plan::read(&root, lang))
        .map_err(|Wrong { line, words }| format!("{shown}:{line}: {words}"))
}

/// The text of a file: of a device or a pipe there might be no end.
fn text(file: &Path, lang: Lang) -> Result<String, String> {
    let said = |error: std::io::Error| lang.io(&error);
    let metadata = std::fs::metadata(file).map_err(said)?;
    if !metadata.is_file() {
        return Err(lang.pick("不是文件", "this is no file").to_owned());
    }
    let mut bytes = Vec::new();
    let opened = std::fs::File::open(file).map_err(said)?;
    let mut all = opened.take(LARGEST + 1);
    all.read_to_end(&mut bytes).map_err(said)?;
    if all.limit() == 0 {
        let words = lang.pick(
            "太大：场景最多 1 MB",
            "this is too large: a scenario has 1 MB at most",
        );
        return Err(words.to_owned());
    }
    String::from_utf8(bytes)
        .map_err(|_| lang.pick("不是 UTF-8 文本", "this is not UTF-8").to_owned())
}

/// Plays one scenario in its world. What keeps it from being played fails it, and the others go on.
async fn one(file: &Path, plan: &Plan, options: &Options, lang: Lang) -> Played {
    let begun = Instant::now();
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let world = match options.app(plan) {
        Some(app) => World::start(plan, app, folder, lang).await,
        None => World::running(options.ready_file.as_deref(), lang)
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
        Err(NoWorld::Fail(fail)) => {
            let line = plan.app.as_ref().map_or(1, |app| app.line);
            Some((Wrong::new(line, fail.message), None))
        }
    };
    let name = file.file_stem().unwrap_or(file.as_os_str());
    Played {
        file: file.display().to_string(),
        name: plan
            .name
            .clone()
            .unwrap_or_else(|| name.to_string_lossy().into_owned()),
        seconds: begun.elapsed().as_secs_f64(),
        steps: plan.steps.len(),
        failure: failure.map(|(Wrong { line, words }, log)| Failure { line, words, log }),
    }
}
