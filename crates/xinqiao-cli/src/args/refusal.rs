//! A command line that cannot be read, said in the reader's language.

use std::error::Error as _;
use std::fmt::{self, Write as _};
use std::net::AddrParseError;
use std::num::ParseIntError;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::help;
use crate::lang::Lang;

/// Verbs of the design that nobody has built; whoever types one is told so.
const NOT_BUILT: [&str; 4] = ["listen", "doctor", "data", "store"];

/// Why a value was refused, in both languages: for the parsers of our own, which know no language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BadValue {
    pub(crate) zh: &'static str,
    pub(crate) en: &'static str,
}

impl fmt::Display for BadValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.en)
    }
}

impl std::error::Error for BadValue {}

/// What is wrong, how the command is called, and where its help is.
pub(super) fn text(error: &clap::Error, path: &str, lang: Lang) -> String {
    let mut out = sentence(error, lang);
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        let usage = usage.to_string();
        let usage = usage.strip_prefix("Usage: ").unwrap_or(&usage);
        let usage = usage.split_whitespace().collect::<Vec<_>>().join(" ");
        let usage = help::in_words(&usage, lang);
        let _ = write!(out, "\n{}{usage}", lang.pick("用法：", "usage: "));
    }
    let _ = write!(out, "\n{}{path} --help", lang.pick("帮助：", "help: "));
    out
}

fn sentence(error: &clap::Error, lang: Lang) -> String {
    let get = |kind| words(error, kind).join(lang.pick("、", ", "));
    let argument = get(ContextKind::InvalidArg);
    let value = get(ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = get(ContextKind::InvalidSubcommand);
            if NOT_BUILT.contains(&name.as_str()) {
                return match lang {
                    Lang::Zh => format!("{name} 还没有实现；xinqiao --help 列出已有的命令"),
                    Lang::En => format!("{name} is not built yet; `xinqiao --help` lists what is"),
                };
            }
            let said = match lang {
                Lang::Zh => format!("没有命令 {name}"),
                Lang::En => format!("there is no command {name}"),
            };
            near(said, &words(error, ContextKind::SuggestedSubcommand), lang)
        }
        ErrorKind::UnknownArgument => {
            let said = match (argument.starts_with('-'), lang) {
                (true, Lang::Zh) => format!("没有选项 {argument}"),
                (true, Lang::En) => format!("there is no option {argument}"),
                (false, Lang::Zh) => format!("多了一个参数 {argument}"),
                (false, Lang::En) => format!("the argument {argument} is one too many"),
            };
            near(said, &words(error, ContextKind::SuggestedArg), lang)
        }
        ErrorKind::InvalidValue if value.is_empty() => match lang {
            Lang::Zh => format!("{argument} 后面缺少值"),
            Lang::En => format!("{argument} needs a value"),
        },
        ErrorKind::InvalidValue => {
            let valid = words(error, ContextKind::ValidValue).join(" | ");
            match lang {
                Lang::Zh => format!("{argument} 不能是 {value}；可以是：{valid}"),
                Lang::En => format!("{argument} cannot be {value}; it may be: {valid}"),
            }
        }
        ErrorKind::ValueValidation => match lang {
            Lang::Zh => format!("{argument} 不能是 {value}：{}", why(error, lang)),
            Lang::En => format!("{argument} cannot be {value}: {}", why(error, lang)),
        },
        ErrorKind::MissingRequiredArgument => match lang {
            Lang::Zh => format!("缺少 {argument}"),
            Lang::En => format!("{argument} is missing"),
        },
        ErrorKind::ArgumentConflict => {
            let prior = get(ContextKind::PriorArg);
            match (prior == argument || prior.is_empty(), lang) {
                (true, Lang::Zh) => format!("{argument} 只能写一次"),
                (true, Lang::En) => format!("{argument} may be given once only"),
                (false, Lang::Zh) => format!("{argument} 不能与 {prior} 同用"),
                (false, Lang::En) => format!("{argument} cannot be used with {prior}"),
            }
        }
        ErrorKind::MissingSubcommand => lang.pick("缺少命令", "a command is missing").to_owned(),
        ErrorKind::InvalidUtf8 => lang
            .pick("参数不是 UTF-8 文本", "an argument is not UTF-8")
            .to_owned(),
        _ => match lang {
            Lang::Zh => format!("{argument} 的值个数不对"),
            Lang::En => format!("{argument} has a wrong number of values"),
        },
    }
}

/// Why a value was refused, as far as its parser tells.
fn why(error: &clap::Error, lang: Lang) -> String {
    let Some(source) = error.source() else {
        return lang.pick("不合适", "it does not fit").to_owned();
    };
    if let Some(refused) = source.downcast_ref::<BadValue>() {
        return lang.pick(refused.zh, refused.en).to_owned();
    }
    let chinese = if source.is::<ParseIntError>() {
        "不是整数，或超出范围"
    } else if source.is::<AddrParseError>() {
        "不是 IP 地址"
    } else if source.is::<xinqiao_http::CidrError>() {
        "不是网段或地址；写成 172.17.0.0/16 或 192.168.1.5 的样子"
    } else {
        "超出范围"
    };
    match lang {
        Lang::Zh => chinese.to_owned(),
        Lang::En => source.to_string(),
    }
}

fn near(said: String, near: &[String], lang: Lang) -> String {
    if near.is_empty() {
        return said;
    }
    let near = near.join(", ");
    match lang {
        Lang::Zh => format!("{said}；是不是要写 {near}？"),
        Lang::En => format!("{said}; did you mean {near}?"),
    }
}

fn words(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    match error.get(kind) {
        Some(ContextValue::String(word)) => vec![word.clone()],
        Some(ContextValue::Strings(words)) => words.clone(),
        _ => Vec::new(),
    }
}
