//! The language that the program talks in: Chinese or English.
//!
//! `--lang` decides, then `XINQIAO_LANG`, then the locale; English where nothing says otherwise.
//! Data on standard output is never translated.

use std::ffi::OsString;
use std::sync::OnceLock;

/// The process's language, for errors that come from deep below a command.
static SETTLED: OnceLock<Lang> = OnceLock::new();

/// The text in the process's language: for errors of parts that talk to nobody else. Commands pass their language on.
pub(crate) fn either<T>(zh: T, en: T) -> T {
    Lang::settled().pick(zh, en)
}

/// Chinese or English.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Lang {
    /// 中文
    Zh,
    /// English
    En,
}

impl Lang {
    /// The text of this language.
    pub(crate) fn pick<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    /// Makes this the process's language, once.
    pub(crate) fn settle(self) {
        let _ = SETTLED.set(self);
    }

    /// The process's language; English until it is settled.
    pub(crate) fn settled() -> Self {
        SETTLED.get().copied().unwrap_or(Self::En)
    }

    /// What the system says about a file or a connection. Its own words are English whatever the reader speaks.
    pub(crate) fn io(self, error: &std::io::Error) -> String {
        use std::io::ErrorKind;

        let chinese = match (self, error.kind()) {
            (Self::En, _) => return error.to_string(),
            (Self::Zh, ErrorKind::NotFound) => "没有这个文件或目录",
            (Self::Zh, ErrorKind::PermissionDenied) => "没有权限",
            (Self::Zh, ErrorKind::AlreadyExists) => "已经存在",
            (Self::Zh, ErrorKind::AddrInUse) => "地址已被占用",
            (Self::Zh, ErrorKind::AddrNotAvailable) => "不是本机的地址",
            (Self::Zh, ErrorKind::ConnectionRefused) => "连接被拒绝",
            (Self::Zh, ErrorKind::TimedOut) => "超时",
            (Self::Zh, ErrorKind::IsADirectory) => "是目录，不是文件",
            (Self::Zh, ErrorKind::NotADirectory) => "路径中间有一段不是目录",
            (Self::Zh, ErrorKind::StorageFull) => "磁盘已满",
            (Self::Zh, ErrorKind::ReadOnlyFilesystem) => "文件系统只读",
            (Self::Zh, ErrorKind::InvalidData) => "内容不是 UTF-8 文本",
            (Self::Zh, _) => "",
        };
        match (chinese, error.raw_os_error()) {
            ("", Some(number)) => format!("系统错误 {number}"),
            ("", None) => format!("读写失败（{:?}）", error.kind()),
            (chinese, _) => chinese.to_owned(),
        }
    }

    /// What the environment alone asks for.
    pub(crate) fn of_environment() -> Self {
        Self::detect(&[], |name| std::env::var(name).ok())
    }

    /// What the arguments and the environment ask for. Arguments are scanned before they are
    /// parsed, because the help text itself has a language.
    pub(crate) fn detect(args: &[OsString], variable: impl Fn(&str) -> Option<String>) -> Self {
        let mut words = args
            .iter()
            .map(|a| a.to_string_lossy())
            .take_while(|a| a != "--");
        while let Some(word) = words.next() {
            let value = match word.strip_prefix("--lang") {
                Some("") => words.next().map(|v| v.to_string()),
                Some(rest) => rest.strip_prefix('=').map(str::to_owned),
                None => None,
            };
            if let Some(lang) = value.as_deref().and_then(Self::from_locale) {
                return lang;
            }
        }
        ["XINQIAO_LANG", "LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .filter_map(|name| variable(name))
            .find(|value| !value.is_empty())
            .and_then(|value| Self::from_locale(&value))
            .unwrap_or(Self::En)
    }

    fn from_locale(value: &str) -> Option<Self> {
        let value = value.to_ascii_lowercase();
        if value.starts_with("zh") {
            Some(Self::Zh)
        } else if value.starts_with("en") || value == "c" || value.starts_with("c.") {
            Some(Self::En)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(args: &[&str], env: &[(&str, &str)], want: Lang) {
        let args: Vec<OsString> = args.iter().map(OsString::from).collect();
        let found = Lang::detect(&args, |name| {
            env.iter()
                .find(|(k, _)| *k == name)
                .map(|(_, v)| (*v).to_owned())
        });
        assert_eq!(found, want);
    }

    #[test]
    fn the_flag_wins_over_the_locale() {
        check(
            &["xinqiao", "--lang", "en", "dev"],
            &[("LANG", "zh_CN.UTF-8")],
            Lang::En,
        );
        check(
            &["xinqiao", "--lang=zh"],
            &[("LANG", "en_US.UTF-8")],
            Lang::Zh,
        );
    }

    #[test]
    fn the_locale_decides_without_a_flag() {
        check(&["xinqiao"], &[("LANG", "zh_CN.UTF-8")], Lang::Zh);
        check(
            &["xinqiao"],
            &[("LC_ALL", "C"), ("LANG", "zh_CN.UTF-8")],
            Lang::En,
        );
        check(&["xinqiao"], &[], Lang::En);
    }

    #[test]
    fn a_flag_of_the_child_is_not_ours() {
        check(
            &["xinqiao", "exec", "--", "tool", "--lang", "zh"],
            &[],
            Lang::En,
        );
    }
}
