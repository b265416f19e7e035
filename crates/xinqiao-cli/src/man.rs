//! `xinqiao man`: the help as man pages, made from the same command line.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Command;

use crate::args::{self, help};
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::talk;

pub(crate) const EXAMPLES: &str = "xinqiao man api call | man -l -
xinqiao man --output ~/.local/share/man/man1";

/// Which page, or where to.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Options {
    /// The command whose page is printed (default: the program itself)
    #[arg(conflicts_with = "output")]
    command: Vec<String>,
    /// Write all pages into this folder
    #[arg(long, short, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

/// Prints one page, or writes all.
pub(crate) fn run(options: &Options, lang: Lang) -> Outcome {
    let mut root = args::command(lang);
    if let Some(folder) = &options.output {
        std::fs::create_dir_all(folder).map_err(|error| unwritten(folder, &error, lang))?;
        return write_all(&mut root, args::NAME, folder, lang);
    }
    let mut command = root;
    let mut name = args::NAME.to_owned();
    for word in &options.command {
        let found = command.find_subcommand(word).cloned();
        command = found.ok_or_else(|| {
            Fail::usage(match lang {
                Lang::Zh => format!("没有命令 {name} {word}"),
                Lang::En => format!("there is no command {name} {word}"),
            })
        })?;
        name = format!("{name} {word}");
    }
    talk::data(page(&mut command, &name, lang).trim_end());
    Ok(())
}

fn write_all(command: &mut Command, name: &str, folder: &Path, lang: Lang) -> Outcome {
    let path = folder.join(format!("{}.1", name.replace(' ', "-")));
    std::fs::write(&path, page(command, name, lang))
        .map_err(|error| unwritten(&path, &error, lang))?;
    for verb in command.get_subcommands_mut() {
        if verb.get_name() != "help" {
            let name = format!("{name} {}", verb.get_name());
            write_all(verb, &name, folder, lang)?;
        }
    }
    Ok(())
}

fn unwritten(path: &Path, error: &std::io::Error, lang: Lang) -> Fail {
    Fail::failed(format!("{}: {}", path.display(), lang.io(error)))
}

/// One page in the language of man's formatter.
fn page(command: &mut Command, name: &str, lang: Lang) -> String {
    let title = name.replace(' ', "-");
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let usage = help::usage(command, lang);
    let mut out = format!(
        ".TH \"{}\" \"1\" \"\" \"{} {}\"\n",
        title.to_ascii_uppercase(),
        args::NAME,
        env!("CARGO_PKG_VERSION")
    );
    heading(&mut out, lang.pick("名称", "NAME"));
    line(&mut out, &format!("{title} - {about}"));
    heading(&mut out, lang.pick("用法", "SYNOPSIS"));
    line(&mut out, &usage);
    let verbs: Vec<(&str, String)> = command
        .get_subcommands()
        .filter(|verb| verb.get_name() != "help")
        .map(|verb| {
            (
                verb.get_name(),
                verb.get_about()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
            )
        })
        .collect();
    if !verbs.is_empty() {
        heading(&mut out, lang.pick("命令", "COMMANDS"));
        for (verb, about) in &verbs {
            entry(&mut out, &format!("{title}-{verb}(1)"), about);
        }
    }
    let positionals: Vec<_> = command.get_positionals().collect();
    if !positionals.is_empty() {
        heading(&mut out, lang.pick("参数", "ARGUMENTS"));
        for arg in positionals {
            entry(&mut out, &help::place(arg), &help::described(arg, lang));
        }
    }
    heading(&mut out, lang.pick("选项", "OPTIONS"));
    for arg in command
        .get_arguments()
        .filter(|arg| !arg.is_positional() && !arg.is_hide_set())
    {
        entry(
            &mut out,
            help::option(arg).trim_start(),
            &help::described(arg, lang),
        );
    }
    if let Some(examples) = command.get_after_help() {
        heading(&mut out, lang.pick("例子", "EXAMPLES"));
        out.push_str(".nf\n");
        for example in examples.to_string().lines() {
            line(&mut out, example);
        }
        out.push_str(".fi\n");
    }
    heading(&mut out, lang.pick("退出码", "EXIT STATUS"));
    for text in args::closing(lang) {
        line(&mut out, text);
        out.push_str(".PP\n");
    }
    out
}

fn heading(out: &mut String, title: &str) {
    let _ = writeln!(out, ".SH {title}");
}

fn entry(out: &mut String, name: &str, text: &str) {
    out.push_str(".TP\n.B ");
    line(out, name);
    line(out, text);
}

/// Text that the formatter must not take for its own.
fn line(out: &mut String, text: &str) {
    for text in text.lines() {
        if text.starts_with(['.', '\'']) {
            out.push_str("\\&");
        }
        out.push_str(&text.replace('\\', "\\e").replace('-', "\\-"));
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_not_taken_for_a_request() {
        let mut out = String::new();
        line(&mut out, ".xinqiao/ready.json\n'x' \\n --all");
        assert_eq!(out, "\\&.xinqiao/ready.json\n\\&'x' \\en \\-\\-all\n");
    }

    #[test]
    fn every_command_has_its_page() {
        for lang in [Lang::Zh, Lang::En] {
            let folder = tempfile::tempdir().expect("a folder");
            let mut root = args::command(lang);
            write_all(&mut root, args::NAME, folder.path(), lang).expect("written");
            for name in ["xinqiao.1", "xinqiao-api-call.1", "xinqiao-pay-bill.1"] {
                let text = std::fs::read_to_string(folder.path().join(name)).expect(name);
                assert!(text.starts_with(".TH \"XINQIAO"), "{name}");
                assert!(
                    text.contains(lang.pick(".SH 选项", ".SH OPTIONS")),
                    "{name}"
                );
            }
        }
    }
}
