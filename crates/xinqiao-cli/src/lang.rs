//! The language that the program talks in: Chinese or English.
//!
//! `--lang` decides, then `XINQIAO_LANG`, then the locale; English where nothing says otherwise.
//! Data on standard output is never translated.

use std::ffi::OsString;

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
