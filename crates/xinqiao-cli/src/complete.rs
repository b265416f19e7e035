//! What the shell offers behind TAB.
//!
//! The shell asks the program itself each time, so ids, modules and products are those of this build. `xinqiao
//! completions SHELL` prints the few lines that a shell needs for that.

use clap::ValueEnum;
use clap_complete::CompletionCandidate;
use clap_complete::env::{EnvCompleter, Shells};
use xinqiao_catalog as catalog;

use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::{args, explain};

/// The variable by which a shell asks.
const VARIABLE: &str = "COMPLETE";

pub(crate) const EXAMPLES: &str = r#"~/.bashrc    eval "$(xinqiao completions bash)"
~/.zshrc     eval "$(xinqiao completions zsh)"
fish         xinqiao completions fish \
               > ~/.config/fish/completions/xinqiao.fish
$PROFILE     xinqiao completions powershell | Out-String | Invoke-Expression
rc.elv       eval (xinqiao completions elvish | slurp)"#;

/// A shell that can ask.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Shell {
    /// bash
    Bash,
    /// zsh, behind compinit
    Zsh,
    /// fish
    Fish,
    /// elvish
    Elvish,
    /// PowerShell
    Powershell,
}

/// Answers a shell that asks, and ends the program then.
pub(crate) fn answer() {
    clap_complete::CompleteEnv::with_factory(|| args::command(Lang::of_environment()))
        .var(VARIABLE)
        .complete();
}

/// Prints what to put into the shell's start-up file.
pub(crate) fn script(shell: Shell, lang: Lang) -> Outcome {
    let name = shell
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default();
    let shells = Shells::builtins();
    let completer: &dyn EnvCompleter = shells.completer(&name).ok_or_else(|| {
        Fail::failed(match lang {
            Lang::Zh => format!("不支持为 {name} 补全"),
            Lang::En => format!("there is no completion for {name}"),
        })
    })?;
    let mut out = Vec::new();
    completer
        .write_registration(VARIABLE, "xinqiao", "xinqiao", "xinqiao", &mut out)
        .map_err(|error| Fail::failed(lang.io(&error)))?;
    crate::talk::data(String::from_utf8_lossy(&out).trim_end());
    Ok(())
}

fn candidate(name: &str, help: &str) -> CompletionCandidate {
    let help = (!help.is_empty()).then(|| help.to_owned().into());
    CompletionCandidate::new(name).help(help)
}

fn chinese() -> bool {
    Lang::of_environment() == Lang::Zh
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

/// Everything that can be explained: rules, error codes, endpoints, callbacks, fields.
pub(crate) fn words() -> Vec<CompletionCandidate> {
    let chinese = chinese();
    let mut all: Vec<CompletionCandidate> = catalog::diagnoses()
        .iter()
        .map(|rule| candidate(rule.rule, rule.cause.get(chinese)))
        .collect();
    for error in explain::FAMILIES.into_iter().flat_map(catalog::errors) {
        all.push(candidate(
            &error.code.to_string(),
            error.meaning.get(chinese),
        ));
    }
    all.extend(endpoints_and_events());
    all.extend(
        explain::field_names()
            .into_iter()
            .map(|name| candidate(name, "")),
    );
    all
}
