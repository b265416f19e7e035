//! What the shell offers behind TAB.
//!
//! The shell asks the program itself each time, so ids, modules and products are those of this build. `xinqiao
//! completions SHELL` prints the few lines that a shell needs for that.

use clap::{CommandFactory as _, ValueEnum};
use clap_complete::CompletionCandidate;
use clap_complete::env::{EnvCompleter, Shells};
use xinqiao_catalog as catalog;

use crate::args::Cli;
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;

/// The variable by which a shell asks.
const VARIABLE: &str = "COMPLETE";

/// A shell that can ask.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shell {
    /// eval "$(xinqiao completions bash)" in ~/.bashrc
    Bash,
    /// eval "$(xinqiao completions zsh)" in ~/.zshrc, behind compinit
    Zsh,
    /// xinqiao completions fish > ~/.config/fish/completions/xinqiao.fish
    Fish,
    /// for ~/.elvish/rc.elv
    Elvish,
    /// for $PROFILE
    Powershell,
}

/// Answers a shell that asks, and ends the program then.
pub(crate) fn answer() {
    clap_complete::CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .complete();
}

/// Prints what to put into the shell's start-up file.
pub(crate) fn script(shell: Shell) -> Outcome {
    let name = shell
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default();
    let shells = Shells::builtins();
    let completer: &dyn EnvCompleter = shells
        .completer(&name)
        .ok_or_else(|| Fail::failed(format!("no completion for {name}")))?;
    let mut out = Vec::new();
    completer
        .write_registration(VARIABLE, "xinqiao", "xinqiao", "xinqiao", &mut out)
        .map_err(|error| Fail::failed(error.to_string()))?;
    crate::talk::data(String::from_utf8_lossy(&out).trim_end());
    Ok(())
}

fn candidate(name: &str, help: &str) -> CompletionCandidate {
    let help = (!help.is_empty()).then(|| help.to_owned().into());
    CompletionCandidate::new(name).help(help)
}

fn chinese() -> bool {
    Lang::detect(&[], |name| std::env::var(name).ok()) == Lang::Zh
}

/// Ids of endpoints.
pub(crate) fn endpoints() -> Vec<CompletionCandidate> {
    let chinese = chinese();
    crate::api::all()
        .map(|endpoint| candidate(endpoint.id, endpoint.title.get(chinese)))
        .collect()
}

/// Ids of callbacks.
pub(crate) fn events() -> Vec<CompletionCandidate> {
    let chinese = chinese();
    catalog::events()
        .map(|event| candidate(event.id, event.title.get(chinese)))
        .collect()
}

/// Ids of endpoints and callbacks.
pub(crate) fn endpoints_and_events() -> Vec<CompletionCandidate> {
    let mut all = endpoints();
    all.extend(events());
    all
}

/// Products and their modules: `work`, `work.message`.
pub(crate) fn modules() -> Vec<CompletionCandidate> {
    let chinese = chinese();
    let mut all = products();
    all.extend(catalog::modules().iter().map(|module| {
        let name = format!("{}.{}", module.product, module.name);
        candidate(&name, module.title.get(chinese))
    }));
    all
}

/// Products.
pub(crate) fn products() -> Vec<CompletionCandidate> {
    let chinese = chinese();
    catalog::Product::ALL
        .into_iter()
        .map(|product| candidate(product.name(), product.title().get(chinese)))
        .collect()
}

/// Error codes, their names, and the rules of diagnoses.
pub(crate) fn codes() -> Vec<CompletionCandidate> {
    let chinese = chinese();
    let mut all: Vec<CompletionCandidate> = catalog::diagnoses()
        .iter()
        .map(|rule| candidate(rule.rule, rule.cause.get(chinese)))
        .collect();
    for product in [
        catalog::Product::OfficialAccount,
        catalog::Product::Work,
        catalog::Product::PayV2,
        catalog::Product::PayV3,
        catalog::Product::PayBusiness,
    ] {
        for error in catalog::errors(product.errors()) {
            all.push(candidate(
                &error.code.to_string(),
                error.meaning.get(chinese),
            ));
        }
    }
    all
}
