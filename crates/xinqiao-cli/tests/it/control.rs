//! The verbs that act on a running simulator: sentences, JSON, refusals, exit codes.

use serde_json::Value;

use crate::process::{Running, folder, run, stderr, stdout, wait_for};

#[test]
fn the_control_verbs_speak_in_sentences_and_json() {
    let folder = folder();
    let _dev = Running::start(folder.path(), &["dev", "--memory"]);
    let event = "official_account.event.subscribe";
    for (args, zh, en) in [
        (&["status"][..], "已接通", "connected"),
        (&["clock"], "模拟时钟", "simulated clock"),
        (&["clock", "--freeze"], "已停住", "stopped"),
        (&["clock", "--run"], "正在走", "running"),
        (&["trigger", event], "已送达", "arrived"),
        (&["say", "你好"], "应用回复", "the app replies"),
        (
            &["say", "你好", "--user", "小林"],
            "应用回复",
            "the app replies",
        ),
        (
            &[
                "fault",
                "/cgi-bin/menu/get",
                "--errcode",
                "45009",
                "--times",
                "1",
            ],
            "返回错误码 45009",
            "error code 45009",
        ),
        (&["fault", "--remove", "f1"], "已取消", "taken away"),
        (&["open", "--print"], "http://", "http://"),
        (&["logs"], "推送", "pushes"),
    ] {
        for (lang, want) in [("en", en), ("zh", zh)] {
            let again = args.contains(&"--remove") && lang == "zh";
            let output = run(folder.path(), &[&["--lang", lang], args].concat());
            let code = output.status.code();
            if again {
                assert_eq!(code, Some(2), "a fault is taken away once");
                assert!(
                    stderr(&output).contains("没有故障 f1"),
                    "{}",
                    stderr(&output)
                );
                continue;
            }
            assert_eq!(code, Some(0), "{args:?}: {}", stderr(&output));
            assert!(
                stdout(&output).contains(want),
                "{args:?}: {}",
                stdout(&output)
            );
        }
    }
    for args in [
        &["status"][..],
        &["clock"],
        &["trigger", event],
        &["say", "hi"],
        &["logs"],
    ] {
        let output = run(folder.path(), &[args, &["--json"]].concat());
        for line in stdout(&output).lines() {
            serde_json::from_str::<Value>(line).expect("JSON a line");
        }
    }
    let rows = stdout(&run(folder.path(), &["logs", "--lang", "zh"]));
    let begins = |line: &str| line.as_bytes().get(2) == Some(&b':') || line.starts_with("    ");
    assert!(rows.lines().all(begins), "one line a row: {rows}");
}

#[test]
fn what_the_simulator_refuses_is_said_in_chinese() {
    let folder = folder();
    let _sim = Running::start(folder.path(), &["sim", "--memory", "--seeded"]);
    let event = "official_account.event.subscribe";
    for (args, zh) in [
        (&["trigger", "nope"][..], "没有公众号事件 nope"),
        (&["trigger", event, "--user", "nobody"], "没有用户 nobody"),
        (&["trigger", event, "--account", "wxno"], "没有账号 wxno"),
        (&["trigger", event, "--set", "Foo=1"], "是不是要写"),
        (&["trigger", event, "--set", "CreateTime=1"], "由平台填写"),
        (
            &[
                "trigger",
                "CLICK",
                "--set",
                "EventKey=a",
                "--set",
                "eventkey=b",
            ],
            "设了两次",
        ),
        (&["fault", "nopath", "--errcode", "1"], "路径要以 / 开头"),
        (
            &[
                "fault",
                "/cgi-bin/menu/get",
                "--errcode",
                "1",
                "--times",
                "0",
            ],
            "至少是 1",
        ),
        (
            &["fault", "/cgi-bin/menu/get", "--http-status", "99"],
            "100 到 599",
        ),
        (&["fault", "--remove", "f99"], "没有故障 f99"),
        (&["clock", "--advance", "99999999999999"], "9999"),
    ] {
        let output = run(folder.path(), &[&["--lang", "zh"], args].concat());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            stderr(&output).contains(zh),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_delivery_that_fails_ends_with_code_1() {
    let folder = folder();
    // The port is free: nobody answers there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("{}/wx", port.local_addr().expect("an address"));
    drop(port);
    let _dev = Running::start(folder.path(), &["dev", "--memory", "--app", &address]);
    for args in [
        &["trigger", "official_account.event.subscribe"][..],
        &["say", "你好"],
        &["status"],
    ] {
        let output = run(folder.path(), args);
        assert_eq!(
            output.status.code(),
            Some(1),
            "{args:?}: {}",
            stdout(&output)
        );
    }
    let output = run(
        folder.path(),
        &["trigger", "official_account.event.subscribe", "--json"],
    );
    assert_eq!(output.status.code(), Some(1));
    serde_json::from_slice::<Value>(&output.stdout).expect("JSON");
    // An account without an address gets nothing, and that is no success either.
    let other = run(
        folder.path(),
        &[
            "trigger",
            "official_account.event.subscribe",
            "--account",
            "豆子周报",
        ],
    );
    assert_eq!(other.status.code(), Some(1), "{}", stdout(&other));
}

#[test]
fn dev_tells_what_happens_a_line_an_event() {
    let folder = folder();
    let _dev = Running::start(folder.path(), &["--lang", "zh", "dev", "--memory"]);
    run(folder.path(), &["say", "第一行\n第二行"]);
    let log = folder.path().join("log");
    let told = wait_for("the line", || {
        let log = std::fs::read_to_string(&log).ok()?;
        log.contains("已回复").then_some(log)
    });
    assert!(told.contains("已接通"), "{told}");
    let row = told
        .lines()
        .find(|line| line.contains("平台推送 text 给应用"));
    assert!(
        row.is_some_and(|row| row.as_bytes()[2] == b':' && row.contains("✓")),
        "{told}"
    );
}

#[test]
fn a_quiet_dev_tells_its_addresses_only() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory", "--quiet"]);
    run(folder.path(), &["say", "hello"]);
    assert_eq!(dev.terminate(), Some(0));
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(!log.contains("pushes"), "{log}");
}
