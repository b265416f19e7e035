//! Help, usage errors, exit codes, verbs that are not built, languages.

use crate::process::{folder, run, stderr, stdout};

#[test]
fn help_lists_what_is_built_in_groups() {
    let folder = folder();
    let output = run(folder.path(), &["--help"]);
    assert_eq!(output.status.code(), Some(0));
    let help = stdout(&output);
    let line = |verb: &str| {
        help.lines()
            .any(|line| line.split_whitespace().next() == Some(verb) && line.starts_with("  "))
    };
    for verb in [
        "dev", "sim", "serve", "exec", "env", "explain", "crypt", "pay", "api", "man", "test",
        "resend",
    ] {
        assert!(line(verb), "{verb}: {help}");
    }
    for verb in ["listen", "doctor", "data", "store"] {
        assert!(!line(verb), "{verb}: {help}");
    }
    for words in ["Offline tools", "Exit codes: 0 done; 1", "2 wrong use"] {
        assert!(help.contains(words), "{words}: {help}");
    }
    let chinese = stdout(&run(folder.path(), &["--lang", "zh", "--help"]));
    assert!(chinese.contains("退出码：0 成功；1"), "{chinese}");
}

#[test]
fn no_verb_at_all_is_wrong_use_and_shows_the_help() {
    let folder = folder();
    for (args, title) in [
        (&[][..], "Start:"),
        (&["api"], "Commands:"),
        (&["pay"], "Commands:"),
    ] {
        let output = run(folder.path(), args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty(), "{args:?}");
        assert!(
            stderr(&output).contains(title),
            "{args:?}: {}",
            stderr(&output)
        );
    }
    let same = [
        &["help", "api", "call"][..],
        &["api", "call", "--help"],
        &["api", "call", "-h"],
    ];
    let texts = same.map(|args| stdout(&run(folder.path(), args)));
    assert!(texts[0].contains("--force"), "{}", texts[0]);
    assert!(texts.iter().all(|text| *text == texts[0]));
}

#[test]
fn exit_codes_tell_failure_from_wrong_use() {
    let folder = folder();
    for (args, code) in [
        (&["--version"][..], 0),
        (&["explain", "45015"], 0),
        (&["api", "ls", "menu"], 0),
        (&["api", "ls", "no such words"], 1),
        (&["pay", "verify", "a=1&sign=x", "--v2-key", "k"], 1),
        (&["crypt", "decrypt", "AAAA", "--aes-key", "short"], 1),
        (&["nonsense"], 2),
        (&["doctor"], 2),
        (&["explain", "nonsense.word"], 2),
        (&["pay", "verify", "a=1&sign=x"], 2),
        (&["clock"], 2),
    ] {
        let output = run(folder.path(), args);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_verb_that_is_not_built_says_so_with_code_2() {
    let folder = folder();
    for verb in ["listen", "doctor", "data", "store"] {
        let output = run(folder.path(), &[verb, "--any", "thing"]);
        assert_eq!(output.status.code(), Some(2), "{verb}");
        assert!(
            stderr(&output).contains("not built"),
            "{verb}: {}",
            stderr(&output)
        );
        assert!(output.stdout.is_empty(), "{verb}");
    }
}

#[test]
fn both_languages_are_spoken() {
    let folder = folder();
    let chinese = run(folder.path(), &["--lang", "zh", "doctor"]);
    assert!(
        stderr(&chinese).contains("还没有实现"),
        "{}",
        stderr(&chinese)
    );
    let help = run(folder.path(), &["--lang=zh", "--help"]);
    assert!(stdout(&help).contains("虚拟手机"), "{}", stdout(&help));
}

#[test]
fn calling_it_wrongly_is_code_2() {
    let folder = folder();
    for wrong in [
        &["nonsense"][..],
        &["dev", "--port", "many"],
        &["dev", "--app", "127.0.0.1"],
        &["dev", "--app", "work=wecom"],
        &[
            "dev",
            "--memory",
            "--port",
            "0",
            "--app",
            "wxnobody=127.0.0.1:9",
        ],
        &[
            "dev",
            "--memory",
            "--port",
            "0",
            "--app",
            "work=127.0.0.1:9/$APPID$",
        ],
        &["dev", "--callback-allow", "everything"],
        &["sim", "--app", "http://127.0.0.1:3000/wx"],
        &["exec"],
        &["serve"],
    ] {
        let output = run(folder.path(), wrong);
        assert_eq!(
            output.status.code(),
            Some(2),
            "{wrong:?}: {}",
            stderr(&output)
        );
        assert!(!stderr(&output).is_empty(), "{wrong:?}");
    }
}

#[test]
fn without_a_running_dev_the_remedy_is_named() {
    let folder = folder();
    for verb in [&["exec", "--", "true"][..], &["env"], &["clock"], &["logs"]] {
        let output = run(folder.path(), verb);
        assert_eq!(output.status.code(), Some(2), "{verb:?}");
        assert!(
            stderr(&output).contains("xinqiao dev"),
            "{verb:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_code_and_a_rule_are_explained_in_both_languages() {
    let folder = folder();
    let output = run(folder.path(), &["explain", "45015"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("45015 "), "{}", stdout(&output));
    for rule in [
        "The user sent a message (official_account): 5 within 48 h",
        "The user followed (official_account): 3 within 1 min",
        "The user paid (official_account): without limit within 48 h",
    ] {
        let said = stdout(&output);
        assert!(said.contains(rule), "{rule}: {said}");
    }
    let chinese = run(folder.path(), &["explain", "45015", "--lang", "zh"]);
    assert_ne!(output.stdout, chinese.stdout);
    let unknown = run(folder.path(), &["explain", "callback.nonsense"]);
    assert_eq!(unknown.status.code(), Some(2));
}

#[test]
fn the_catalog_is_data_on_standard_output() {
    let folder = folder();
    let id = "official_account.menu.create";
    let list = run(folder.path(), &["api", "ls", id, "--json"]);
    let line: serde_json::Value = serde_json::from_slice(&list.stdout).expect("one line of JSON");
    assert_eq!(line["id"], id);
    let shown = run(folder.path(), &["api", "show", id]);
    let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).expect("JSON");
    assert_eq!(shown["path"], "/cgi-bin/menu/create");
    let near = run(
        folder.path(),
        &["api", "show", "official_account.menus.create"],
    );
    assert_eq!(near.status.code(), Some(2));
    assert!(stderr(&near).contains(id), "{}", stderr(&near));
}

#[test]
fn a_route_shows_all_who_share_it() {
    let folder = folder();
    let one = run(
        folder.path(),
        &["api", "show", "POST /cgi-bin/stable_token"],
    );
    let one: serde_json::Value = serde_json::from_slice(&one.stdout).expect("JSON");
    assert_eq!(one["id"], "official_account.base.stable_token");
    let shared = run(folder.path(), &["api", "show", "POST /cgi-bin/menu/create"]);
    let shared: Vec<serde_json::Value> = serde_json::from_slice(&shared.stdout).expect("a list");
    let hosts: Vec<&str> = shared
        .iter()
        .filter_map(|one| one["host"].as_str())
        .collect();
    assert_eq!(hosts, ["api.weixin.qq.com", "qyapi.weixin.qq.com"]);
    let near = run(folder.path(), &["api", "show", "POST /cgi-bin/menu/crate"]);
    assert_eq!(near.status.code(), Some(2));
    assert!(
        stderr(&near).contains("/cgi-bin/menu/create"),
        "{}",
        stderr(&near)
    );
}

#[test]
fn openapi_is_one_document() {
    let folder = folder();
    let output = run(folder.path(), &["openapi", "--product", "official_account"]);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/cgi-bin/menu/create"]["post"].is_object());
    let unknown = run(folder.path(), &["openapi", "--product", "nothing"]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(
        stderr(&unknown).contains("official_account"),
        "{}",
        stderr(&unknown)
    );
}
