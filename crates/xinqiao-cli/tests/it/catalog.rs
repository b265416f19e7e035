//! The verbs that need nothing running: `api ls`, `api show`, `openapi`, `catalog`, `completions`; and `api call`.

use std::process::Stdio;

use serde_json::Value;

use crate::process::{Running, command, folder, run, stderr, stdout};

#[test]
fn a_reader_that_leaves_is_no_error() {
    let folder = folder();
    for verb in [&["api", "ls"][..], &["openapi"], &["catalog", "export"]] {
        let mut child = command(folder.path(), verb)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{verb:?}");
        assert_eq!(stderr(&output), "", "{verb:?}");
    }
}

#[test]
fn a_list_is_narrowed_by_words_of_title_path_and_id() {
    let folder = folder();
    for words in [
        &["创建自定义菜单"][..],
        &["menu", "Create"],
        &["/cgi-bin/menu/create"],
        &["official_account.menu", "--lang", "zh"],
    ] {
        let all: Vec<&str> = ["api", "ls"]
            .into_iter()
            .chain(words.iter().copied())
            .collect();
        let output = run(folder.path(), &all);
        assert_eq!(output.status.code(), Some(0), "{words:?}");
        assert!(
            stdout(&output).contains("official_account.menu.create "),
            "{words:?}"
        );
    }
    let work = run(folder.path(), &["api", "ls", "menu", "--product", "work"]);
    assert!(stdout(&work).lines().all(|line| line.starts_with("work.")));
    let events = run(folder.path(), &["api", "ls", "--events", "unsubscribe"]);
    assert!(stdout(&events).contains("official_account.event.unsubscribe"));
    let none = run(folder.path(), &["api", "ls", "no such words"]);
    assert_eq!(none.status.code(), Some(1));
    assert!(none.stdout.is_empty());
}

#[test]
fn an_endpoint_is_shown_as_text_and_as_json() {
    let folder = folder();
    let text = run(
        folder.path(),
        &[
            "api",
            "show",
            "POST",
            "/cgi-bin/draft/add",
            "--text",
            "--lang",
            "zh",
        ],
    );
    let text = stdout(&text);
    assert!(
        text.starts_with("official_account.draft.add  新建草稿"),
        "{text}"
    );
    assert!(text.contains("articles*"), "{text}");
    let order = run(
        folder.path(),
        &[
            "api",
            "show",
            "pay_v3.pay.transactions.create_jsapi",
            "--text",
            "--lang",
            "zh",
        ],
    );
    let order = stdout(&order);
    for part in ["商户", "例如", "= no_balance  "] {
        assert!(order.contains(part), "{part} in {order}");
    }
    let event = run(
        folder.path(),
        &["api", "show", "official_account.message.text"],
    );
    let event: Value = serde_json::from_slice(&event.stdout).expect("JSON");
    assert_eq!(event["msg_type"], "text");
}

#[test]
fn the_export_names_its_types() {
    let folder = folder();
    let file = folder.path().join("catalog.json");
    let output = run(
        folder.path(),
        &[
            "catalog",
            "export",
            "--product",
            "official-account",
            "--output",
            "catalog.json",
        ],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(output.stdout.is_empty());
    let text = std::fs::read_to_string(file).expect("the file");
    let catalog: Value = serde_json::from_str(&text).expect("JSON");
    let create = catalog["endpoints"]
        .as_array()
        .expect("endpoints")
        .iter()
        .find(|one| one["id"] == "official_account.menu.create")
        .expect("the menu");
    assert_eq!(create["request"]["fields"][0]["type"], "[menu.Button]");
    assert!(catalog["types"]["official_account"]["menu.Button"].is_object());
    assert!(
        catalog["errors"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["code"] == 45015))
    );
}

#[test]
fn a_shell_gets_its_script_and_then_its_candidates() {
    let folder = folder();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = run(folder.path(), &["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        assert!(stdout(&output).contains("COMPLETE"), "{shell}");
    }
    let output = command(
        folder.path(),
        &["--", "xinqiao", "api", "show", "official_account.menu.cr"],
    )
    .env("COMPLETE", "bash")
    .env("_CLAP_COMPLETE_INDEX", "3")
    .env("_CLAP_IFS", "\n")
    .output()
    .expect("the binary runs");
    assert_eq!(stdout(&output).trim(), "official_account.menu.create");
}

#[test]
fn a_call_is_checked_before_it_leaves() {
    let folder = folder();
    for (parameters, rule) in [
        (r#"{"button": "x"}"#, "button must be a list"),
        ("{}", "button is required"),
        (r#"{"button""#, "not JSON"),
        ("[]", "JSON object"),
        ("@missing.json", "missing.json"),
    ] {
        let output = run(
            folder.path(),
            &["api", "call", "official_account.menu.create", parameters],
        );
        assert_eq!(output.status.code(), Some(2), "{parameters}");
        assert!(
            stderr(&output).contains(rule),
            "{parameters}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_call_takes_its_parameters_from_an_argument_a_file_or_a_pipe() {
    let folder = folder();
    // Without the demo app, which puts up a menu of its own when it comes.
    let _running = Running::start(folder.path(), &["sim", "--memory", "--seeded"]);
    let menu =
        |name: &str| format!(r#"{{"button":[{{"type":"click","name":"{name}","key":"k"}}]}}"#);
    let file = folder.path().join("menu.json");
    std::fs::write(&file, menu("file")).expect("written");
    std::fs::write(folder.path().join("pipe"), menu("pipe")).expect("written");
    for (name, parameters) in [
        ("argument", menu("argument")),
        ("file", "@menu.json".to_owned()),
        ("pipe", "-".to_owned()),
    ] {
        let input = std::fs::File::open(folder.path().join("pipe")).expect("opened");
        let arguments = [
            "api",
            "call",
            "official_account.menu.create",
            &parameters,
            "--ready-file",
            "test-ready.json",
        ];
        let output = command(folder.path(), &arguments)
            .stdin(input)
            .output()
            .expect("the binary runs");
        assert_eq!(output.status.code(), Some(0), "{name}: {}", stderr(&output));
        let now = run(
            folder.path(),
            &[
                "api",
                "call",
                "official_account.menu.get",
                "--ready-file",
                "test-ready.json",
            ],
        );
        assert!(stdout(&now).contains(name), "{name}: {}", stdout(&now));
    }
}

#[test]
fn an_answer_is_written_only_if_it_is_the_file() {
    let folder = folder();
    let _running = Running::start(folder.path(), &["sim", "--memory", "--seeded"]);
    let call = |arguments: &[&str]| {
        let ready = ["--ready-file", "test-ready.json"];
        run(
            folder.path(),
            &[&["api", "call"], arguments, &ready].concat(),
        )
    };
    let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    std::fs::write(folder.path().join("图 1.png"), picture).expect("written");
    let sent = call(&[
        "official_account.media.upload",
        r#"{"type": "image"}"#,
        "--file",
        "media=图 1.png",
    ]);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    let sent: serde_json::Value = serde_json::from_slice(&sent.stdout).expect("JSON");
    let get = |id: &str| {
        let parameters = format!(r#"{{"media_id": "{id}"}}"#);
        call(&["official_account.media.get", &parameters, "-o", "out.png"])
    };
    let failed = get("no-such-media");
    assert_eq!(failed.status.code(), Some(1));
    assert!(stderr(&failed).contains("40007"), "{}", stderr(&failed));
    let files = || std::fs::read_dir(folder.path()).expect("read").flatten();
    let written =
        |name: &str| files().any(|file| file.file_name().to_string_lossy().starts_with(name));
    assert!(!written("out.png"), "an error is not written");

    let got = get(sent["media_id"].as_str().expect("an id"));
    assert_eq!(got.status.code(), Some(0), "{}", stderr(&got));
    assert_eq!(
        std::fs::read(folder.path().join("out.png")).expect("read"),
        picture
    );
    assert!(!written("out.png.part"));
    assert_eq!(get("gone").status.code(), Some(1));
    assert_eq!(
        std::fs::read(folder.path().join("out.png")).expect("read"),
        picture
    );
}
