//! Help as text: of any command, in either language, within 80 columns of a terminal.
//!
//! clap would write headings, defaults and usage lines in English only, and breaks no Chinese line.

use std::fmt::Write as _;

use clap::{Arg, ArgAction, Command};

use super::groups;
use crate::lang::Lang;
use crate::width;

/// As wide as a terminal is at least.
pub(crate) const WIDTH: usize = 80;
/// Where descriptions begin.
const COLUMN: usize = 26;

/// The help of a command that was built, in its language.
pub(crate) fn text(command: &mut Command, lang: Lang) -> String {
    let mut page = Page::default();
    if let Some(about) = command.get_about() {
        page.paragraph(&about.to_string());
    }
    page.line("");
    let usage = usage(command, lang);
    page.hanging(lang.pick("用法：", "Usage: "), &usage);

    if command.get_name() == super::NAME {
        for group in groups::ALL {
            page.heading(group.title(lang), lang);
            for name in group.verbs {
                if let Some(verb) = command.find_subcommand(name) {
                    let about = verb.get_about().map(ToString::to_string);
                    page.entry(name, &about.unwrap_or_default());
                }
            }
        }
    } else if command.has_subcommands() {
        page.heading(lang.pick("命令", "Commands"), lang);
        for verb in command.get_subcommands().filter(|verb| listed(verb)) {
            let about = verb.get_about().map(ToString::to_string);
            page.entry(verb.get_name(), &about.unwrap_or_default());
        }
    }
    let positionals: Vec<&Arg> = command
        .get_positionals()
        .filter(|arg| !arg.is_hide_set())
        .collect();
    if !positionals.is_empty() {
        page.heading(lang.pick("参数", "Arguments"), lang);
        for arg in positionals {
            page.entry(&place(arg), &described(arg, lang));
        }
    }
    let (everywhere, own): (Vec<&Arg>, Vec<&Arg>) = command
        .get_opts()
        .chain(command.get_arguments().filter(|arg| is_flag(arg)))
        .filter(|arg| !arg.is_hide_set())
        .partition(|arg| arg.is_global_set() || is_of_clap(arg));
    let mut headings: Vec<Option<&str>> = Vec::new();
    for arg in &own {
        let heading = arg.get_help_heading();
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for heading in headings {
        page.heading(heading.unwrap_or(lang.pick("选项", "Options")), lang);
        for arg in own.iter().filter(|arg| arg.get_help_heading() == heading) {
            page.entry(&option(arg), &described(arg, lang));
        }
    }
    page.heading(lang.pick("处处可用", "Everywhere"), lang);
    for arg in everywhere {
        page.entry(&option(arg), &described(arg, lang));
    }
    if let Some(examples) = command.get_after_help() {
        page.heading(lang.pick("例子", "Examples"), lang);
        for line in examples.to_string().lines() {
            page.line(&format!("  {line}"));
        }
    }
    if command.get_name() == super::NAME {
        for line in groups::closing(lang) {
            page.line("");
            page.paragraph(line);
        }
    }
    page.0
}

/// How a command is called, without the word before it.
pub(crate) fn usage(command: &mut Command, lang: Lang) -> String {
    let usage = command.render_usage().to_string();
    let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
    let usage = usage.split_whitespace().collect::<Vec<_>>().join(" ");
    in_words(&usage, lang)
}

/// The words that clap puts into usage lines.
pub(super) fn in_words(usage: &str, lang: Lang) -> String {
    match lang {
        Lang::En => usage.to_owned(),
        Lang::Zh => usage
            .replace("[OPTIONS]", "[选项]")
            .replace("<COMMAND>", "<命令>")
            .replace("[COMMAND]", "[命令]"),
    }
}

fn listed(command: &Command) -> bool {
    !command.is_hide_set() && command.get_name() != "help"
}

fn is_flag(arg: &Arg) -> bool {
    !arg.is_positional() && !arg.get_action().takes_values()
}

/// `--help` and `--version`.
pub(crate) fn is_of_clap(arg: &Arg) -> bool {
    matches!(
        arg.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    )
}

fn names(arg: &Arg) -> String {
    let names = arg.get_value_names().unwrap_or_default();
    let values = arg.get_possible_values();
    if !values.is_empty() && !arg.is_hide_possible_values_set() {
        let values: Vec<&str> = values
            .iter()
            .map(clap::builder::PossibleValue::get_name)
            .collect();
        return values.join("|");
    }
    match names {
        [] => arg.get_id().as_str().to_ascii_uppercase(),
        names => names.join(" "),
    }
}

/// `[PARAMETERS]`, `<ID>...`
pub(crate) fn place(arg: &Arg) -> String {
    let name = names(arg);
    let shown = if arg.is_required_set() {
        format!("<{name}>")
    } else {
        format!("[{name}]")
    };
    let many = arg
        .get_num_args()
        .is_some_and(|range| range.max_values() > 1)
        || matches!(arg.get_action(), ArgAction::Append);
    if many { format!("{shown}...") } else { shown }
}

/// `-o, --output <FILE>`
pub(crate) fn option(arg: &Arg) -> String {
    let mut out = match arg.get_short() {
        Some(short) => format!("-{short}"),
        None => String::new(),
    };
    if let Some(long) = arg.get_long() {
        out.push_str(if out.is_empty() { "    --" } else { ", --" });
        out.push_str(long);
    }
    if arg.get_action().takes_values() {
        let _ = write!(out, " <{}>", names(arg));
    }
    out
}

/// What an argument is for, with its default and its variable.
pub(crate) fn described(arg: &Arg, lang: Lang) -> String {
    let mut out = match arg.get_action() {
        ArgAction::Version => lang.pick("显示版本", "Print the version").to_owned(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong => {
            lang.pick("显示帮助", "Print help").to_owned()
        }
        _ => arg.get_help().map(ToString::to_string).unwrap_or_default(),
    };
    let defaults: Vec<String> = arg
        .get_default_values()
        .iter()
        .map(|value| value.to_string_lossy().into_owned())
        .collect();
    let flag = !arg.get_action().takes_values();
    if !defaults.is_empty() && !arg.is_hide_default_value_set() && !flag {
        let defaults = defaults.join(" ");
        let _ = match lang {
            Lang::Zh => write!(out, "（默认 {defaults}）"),
            Lang::En => write!(out, " (default: {defaults})"),
        };
    }
    if let Some(variable) = arg.get_env().filter(|_| !arg.is_hide_env_set()) {
        let variable = variable.to_string_lossy();
        let _ = match lang {
            Lang::Zh => write!(out, "（环境变量 {variable}）"),
            Lang::En => write!(out, " (variable {variable})"),
        };
    }
    out
}

/// Lines of a page.
#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    fn paragraph(&mut self, text: &str) {
        for line in width::wrap(text, WIDTH) {
            self.line(&line);
        }
    }

    fn heading(&mut self, title: &str, lang: Lang) {
        self.line("");
        self.line(&format!("{title}{}", lang.pick("：", ":")));
    }

    /// A word, and text whose further lines stand below its first.
    fn hanging(&mut self, word: &str, text: &str) {
        let indent = width::of(word);
        for (at, line) in width::wrap(text, WIDTH - indent).iter().enumerate() {
            let before = if at == 0 {
                word.to_owned()
            } else {
                " ".repeat(indent)
            };
            self.line(&format!("{before}{line}"));
        }
    }

    fn entry(&mut self, name: &str, text: &str) {
        let name = format!("  {name}");
        let lines = width::wrap(text, WIDTH - COLUMN);
        let mut lines = lines.iter();
        if width::of(&name) + 2 > COLUMN {
            for line in width::wrap(&name, WIDTH) {
                self.line(&line);
            }
        } else {
            let first = lines.next().map_or("", String::as_str);
            self.line(&format!("{}{first}", width::padded(&name, COLUMN)));
        }
        for line in lines {
            self.line(&format!("{}{line}", " ".repeat(COLUMN)));
        }
    }
}
