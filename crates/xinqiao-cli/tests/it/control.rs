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
        (
            &[
                "fault",
                "--push",
                "torn-body",
                "--event",
                "CLICK",
                "--times",
                "2",
            ],
            "接下来 2 次推送正文只有一半",
            "the next 2 pushes lose half of their bodies",
        ),
        (&["fault", "--list"], "push=torn_body", "push=torn_body"),
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
        (
            &["clock", "--advance", "99999999999999"],
            "最晚到 4102415999（2099-12-31）",
        ),
        (&["clock", "--now", "1000"], "1295539200（2011-01-21）"),
        (&["fault", "--push", "late"], "要说晚多久"),
        (
            &["fault", "--push", "drop", "--late-ms", "5"],
            "只有晚到（late）才说晚多久",
        ),
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

/// An address of this machine on which nobody listens.
fn nobody() -> String {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("{}/wx", port.local_addr().expect("an address"))
}

#[test]
fn behind_the_gateway_an_app_that_is_down_is_said_to_be_down() {
    let folder = folder();
    let (app, second) = (nobody(), nobody());
    let second = format!("work={second}");
    let arguments = [
        "dev", "--memory", "--via", "gateway", "--app", &app, "--app", &second,
    ];
    let dev = Running::start(folder.path(), &arguments);
    let appid = dev.text("/accounts/0/appid");
    wait_for("a saved address", || {
        let (_, account) = dev.control("GET", &format!("/accounts/{appid}"), None);
        account["callback_url"]
            .as_str()
            .filter(|url| !url.is_empty())
            .map(drop)
    });
    for (lang, words) in [("en", "is down"), ("zh", "没有在运行")] {
        let status = run(folder.path(), &["--lang", lang, "status"]);
        assert_eq!(status.status.code(), Some(1));
        let said = stdout(&status);
        // Both apps, each under its own address.
        for url in [&app, second.trim_start_matches("work=")] {
            let line = said.lines().find(|line| line.contains(url));
            assert!(
                line.is_some_and(|line| line.contains(words)),
                "{url}: {said}"
            );
        }
        let heard = run(folder.path(), &["--lang", lang, "say", "你好"]);
        assert_eq!(heard.status.code(), Some(1), "{}", stdout(&heard));
        let said = stderr(&heard);
        assert!(said.contains(&app) && said.contains(words), "{said}");
    }
    let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
    assert!(log.contains("is down"), "{log}");
}

#[test]
fn before_the_app_is_up_say_names_the_app_and_not_a_missing_address() {
    let folder = folder();
    let app = nobody();
    let _dev = Running::start(folder.path(), &["dev", "--memory", "--app", &app]);
    let output = run(folder.path(), &["say", "hello"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    assert!(said.contains(&app) && said.contains("start it"), "{said}");
}

#[test]
fn a_call_that_is_answered_from_its_schema_says_so() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    // Whichever endpoint has no behaviour today.
    let ids = [
        "official_account.guide.get_guide_acct_list",
        "official_account.card.colors.get",
        "official_account.biz_wifi.shop.list",
    ];
    let fallback = ids.iter().find(|id| {
        let output = run(folder.path(), &["api", "call", "--force", id]);
        stderr(&output).contains("answered from its schema only")
    });
    assert!(fallback.is_some(), "one of {ids:?}");
    let (_, rows) = dev.control("GET", "/timeline", None);
    assert!(rows.to_string().contains("fallback"), "{rows}");
    let logs = stdout(&run(folder.path(), &["--lang", "zh", "logs"]));
    assert!(logs.contains("只按结构应答"), "{logs}");
    let known = run(folder.path(), &["api", "call", "official_account.menu.get"]);
    assert!(!stderr(&known).contains("schema"), "{}", stderr(&known));
}
