//! What a person gives to a tool: text behind the command, a file, a pipe, a variable; and secrets, which are never
//! said again.

use std::io::{IsTerminal as _, Read as _};

use crate::fail::Fail;
use crate::lang::Lang;
use crate::talk;

/// The input: the text itself, `@FILE`, or standard input for `-` and for nothing.
pub(crate) fn bytes(given: Option<&str>, lang: Lang) -> Result<Vec<u8>, Fail> {
    match given {
        Some("-") | None => {
            if std::io::stdin().is_terminal() {
                talk::say(lang.pick(
                    "从标准输入读取，以 Ctrl-D 结束……",
                    "reading standard input, end with Ctrl-D …",
                ));
            }
            let mut input = Vec::new();
            std::io::stdin().read_to_end(&mut input).map_err(|error| {
                let error = lang.io(&error);
                Fail::failed(match lang {
                    Lang::Zh => format!("标准输入：{error}"),
                    Lang::En => format!("standard input: {error}"),
                })
            })?;
            Ok(input)
        }
        Some(text) => match text.strip_prefix('@') {
            Some(path) => file(path, lang),
            None => Ok(text.as_bytes().to_vec()),
        },
    }
}

/// The input as text without the line break that editors and `echo` put behind it.
pub(crate) fn text(given: Option<&str>, lang: Lang) -> Result<String, Fail> {
    let bytes = bytes(given, lang)?;
    let text = String::from_utf8(bytes)
        .map_err(|_| Fail::usage(lang.pick("输入不是 UTF-8 文本", "the input is not UTF-8")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let text = text.strip_suffix('\n').unwrap_or(text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// A file's bytes.
pub(crate) fn file(path: &str, lang: Lang) -> Result<Vec<u8>, Fail> {
    std::fs::read(path).map_err(|error| Fail::usage(format!("{path}: {}", lang.io(&error))))
}

/// A file's text.
pub(crate) fn file_text(path: &str, lang: Lang) -> Result<String, Fail> {
    String::from_utf8(file(path, lang)?).map_err(|_| {
        Fail::usage(match lang {
            Lang::Zh => format!("{path} 不是 UTF-8 文本"),
            Lang::En => format!("{path} is not UTF-8"),
        })
    })
}

/// A secret or another short value: the text itself, `@FILE`, or `env:NAME`.
pub(crate) fn value(given: &str, lang: Lang) -> Result<String, Fail> {
    if let Some(path) = given.strip_prefix('@') {
        return Ok(file_text(path, lang)?.trim().to_owned());
    }
    let Some(name) = given.strip_prefix("env:") else {
        return Ok(given.to_owned());
    };
    std::env::var(name).map_err(|_| {
        Fail::usage(match lang {
            Lang::Zh => format!("没有环境变量 {name}"),
            Lang::En => format!("there is no variable {name}"),
        })
    })
}

/// The same where the option may be missing; then its name is said.
pub(crate) fn needed(given: Option<&str>, option: &str, lang: Lang) -> Result<String, Fail> {
    match given {
        Some(given) => value(given, lang),
        None => Err(missing(option, lang)),
    }
}

/// An option that this use of the command needs.
pub(crate) fn missing(option: &str, lang: Lang) -> Fail {
    Fail::usage(match lang {
        Lang::Zh => format!("这样用还缺少 {option}"),
        Lang::En => format!("this use needs {option}"),
    })
}
