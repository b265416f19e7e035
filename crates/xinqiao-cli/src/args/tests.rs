use std::collections::BTreeSet;

use super::*;
use crate::width;

/// Every command with the words that lead to it.
fn all(lang: Lang) -> Vec<(String, Command)> {
    fn add(command: &Command, path: String, found: &mut Vec<(String, Command)>) {
        for verb in command
            .get_subcommands()
            .filter(|verb| verb.get_name() != "help")
        {
            add(verb, format!("{path} {}", verb.get_name()), found);
        }
        found.push((path, command.clone()));
    }
    let mut found = Vec::new();
    add(&command(lang), NAME.to_owned(), &mut found);
    found
}

fn has_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// Three words in a row that are written in small letters only.
fn sentence(text: &str) -> Option<String> {
    let word = |word: &&str| word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase());
    let words: Vec<&str> = text.split_whitespace().collect();
    let found = words.windows(3).find(|three| three.iter().all(word))?;
    Some(found.join(" "))
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_verb_stands_in_one_group() {
    let grouped: Vec<&str> = groups::ALL
        .iter()
        .flat_map(|group| group.verbs.iter().copied())
        .collect();
    let unique: BTreeSet<&str> = grouped.iter().copied().collect();
    assert_eq!(grouped.len(), unique.len());
    let built = command(Lang::En);
    let verbs: BTreeSet<&str> = built.get_subcommands().map(Command::get_name).collect();
    assert_eq!(unique, verbs);
}

#[test]
fn every_command_and_every_option_is_described_in_both_languages() {
    let mut missing = Vec::new();
    for (path, command) in all(Lang::Zh) {
        if !command
            .get_about()
            .is_some_and(|about| has_chinese(&about.to_string()))
        {
            missing.push(path.clone());
        }
        for arg in command.get_arguments() {
            if !has_chinese(&help::described(arg, Lang::Zh)) {
                missing.push(format!("{path} {}", arg.get_id()));
            }
        }
    }
    assert!(missing.is_empty(), "no Chinese: {missing:#?}");
    for (path, command) in all(Lang::En) {
        assert!(command.get_about().is_some(), "{path}");
        for arg in command.get_arguments() {
            let text = help::described(arg, Lang::En);
            assert!(
                !text.is_empty() && !has_chinese(&text),
                "{path} {}",
                arg.get_id()
            );
        }
    }
}

#[test]
fn no_chinese_text_is_left_over() {
    let known: BTreeSet<String> = all(Lang::En)
        .iter()
        .flat_map(|(path, command)| {
            let path = path
                .strip_prefix("xinqiao")
                .unwrap_or(path)
                .trim()
                .to_owned();
            let args = command.get_arguments();
            let mut keys: Vec<String> = args
                .map(|arg| format!("{path} {}", arg.get_id()).trim().to_owned())
                .collect();
            keys.push(path);
            keys
        })
        .collect();
    for (key, _) in zh::TEXTS {
        let used = match key.strip_prefix("* ") {
            Some(arg) => known
                .iter()
                .any(|key| key.split(' ').next_back() == Some(arg)),
            None => known.contains(*key),
        };
        assert!(used, "{key}");
    }
}

#[test]
fn no_line_of_help_is_wider_than_a_terminal() {
    for lang in [Lang::Zh, Lang::En] {
        for (path, mut command) in all(lang) {
            for line in help::text(&mut command, lang).lines() {
                // Examples are for pasting: a path in one may be long, a command line is not folded.
                assert!(width::of(line) <= help::WIDTH, "{path} {lang:?}: {line}");
            }
        }
    }
}

#[test]
fn chinese_help_holds_no_english_sentence() {
    for (path, mut command) in all(Lang::Zh) {
        let text = help::text(&mut command, Lang::Zh);
        for line in text.lines() {
            assert_eq!(
                sentence(line).filter(|_| !line.contains("xinqiao ")),
                None,
                "{path}: {line}"
            );
        }
        for word in ["Usage", "Options", "Commands", "Print ", "default"] {
            assert!(!text.contains(word), "{path}: {word}");
        }
    }
}

#[track_caller]
fn refused(args: &[&str]) -> [String; 2] {
    let words: Vec<OsString> = std::iter::once(NAME)
        .chain(args.iter().copied())
        .map(OsString::from)
        .collect();
    [Lang::Zh, Lang::En].map(|lang| {
        let fail = Cli::read(&words, lang).expect_err("refused");
        assert_eq!(fail.code, 2, "{args:?}");
        fail.message
    })
}

#[test]
fn every_kind_of_refusal_is_said_in_both_languages() {
    for (args, zh, en) in [
        (
            &["nonsense"][..],
            "没有命令 nonsense",
            "there is no command nonsense",
        ),
        (
            &["triger", "subscribe"],
            "是不是要写 trigger",
            "did you mean trigger",
        ),
        (&["doctor", "--any"], "还没有实现", "not built"),
        (
            &["dev", "--porr", "1"],
            "没有选项 --porr",
            "no option --porr",
        ),
        (&["clock", "now"], "多了一个参数 now", "now is one too many"),
        (&["dev", "--port", "many"], "不是整数", "invalid digit"),
        (&["dev", "--port", "70000"], "超出范围", "not in"),
        (
            &["dev", "--bind", "here"],
            "不是 IP 地址",
            "invalid IP address",
        ),
        (
            &["dev", "--callback-allow", "all"],
            "不是网段",
            "not an address range",
        ),
        (&["dev", "--app", "https://a/wx"], "http", "plain http"),
        (
            &["dev", "--via", "air"],
            "可以是：direct | gateway",
            "may be: direct | gateway",
        ),
        (&["dev", "--via"], "后面缺少值", "needs a value"),
        (
            &["dev", "--browser", "--page-host", "mp.weixin.qq.com"],
            "不能当作页面的域名",
            "are not the app's",
        ),
        (
            &["dev", "--fresh", "--memory"],
            "不能与",
            "cannot be used with",
        ),
        (&["dev", "--memory", "--memory"], "只能写一次", "once only"),
        (&["serve"], "缺少 --config", "--config <FILE> is missing"),
        (
            &["clock", "--advance", "soon"],
            "7201",
            "a number of seconds",
        ),
        (&["trigger", "x", "--set", "y"], "名字=值", "name=value"),
    ] {
        let [chinese, english] = refused(args);
        assert!(chinese.contains(zh), "{args:?}: {chinese}");
        assert!(english.contains(en), "{args:?}: {english}");
        assert_eq!(sentence(&chinese), None, "{args:?}: {chinese}");
        assert!(!chinese.contains("Usage"), "{chinese}");
    }
}

/// The words of a command line as a shell splits it, up to a pipe, a redirection or a remark.
fn words(line: &str) -> Vec<OsString> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars().chain([' ']) {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), c) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, c) => word.get_or_insert_default().push(c),
        }
    }
    let ends = |word: &String| matches!(word.as_str(), "|" | ">" | "#") || word.ends_with(')');
    words
        .into_iter()
        .take_while(|word| !ends(word))
        .map(OsString::from)
        .collect()
}

#[track_caller]
fn is_understood(text: &str, place: &str) -> usize {
    let text = text.replace("\\\n", " ");
    let mut seen = 0;
    for line in text.lines() {
        let Some(at) = line
            .find("xinqiao ")
            .filter(|at| *at == 0 || line[..*at].ends_with("| "))
        else {
            continue;
        };
        seen += 1;
        let words = words(&line[at..]);
        match Cli::command().try_get_matches_from(&words) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::DisplayHelp => {}
            Err(error) => panic!("{place}: {line}: {error}"),
        }
    }
    seen
}

#[test]
fn every_example_is_a_command_that_is_understood() {
    let mut seen = 0;
    for (path, command) in all(Lang::En) {
        if let Some(examples) = command.get_after_help() {
            seen += is_understood(&examples.to_string(), &path);
        }
    }
    assert!(seen > 30, "{seen}");
    for language in ["zh", "en"] {
        let page = format!(
            "{}/../../docs/book/{language}/src/tools.md",
            env!("CARGO_MANIFEST_DIR")
        );
        let page = std::fs::read_to_string(page).expect("the page");
        assert!(is_understood(&page, language) > 20);
    }
}
