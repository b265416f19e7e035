//! `test`: the scenarios that the repository shows, what a failure says, what cannot be played.

use std::path::{Path, PathBuf};

#[cfg(unix)]
use crate::process::wait_for;
use crate::process::{Running, command, folder, installed, run, stderr, stdout};

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/scenarios")
}

/// A folder with a scenario in it.
fn with(text: &str) -> tempfile::TempDir {
    let folder = folder();
    std::fs::write(folder.path().join("s.yaml"), text).expect("written");
    folder
}

#[test]
fn the_scenarios_of_the_repository_come_out() {
    let has_python = installed("python3", &["--version"]);
    let place = folder();
    // A copy: what `exec` keeps beside an app is not for the repository.
    for entry in std::fs::read_dir(examples()).expect("examples").flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), place.path().join(entry.file_name())).expect("copied");
        }
    }
    let mut files = vec!["demo.yaml"];
    files.extend(has_python.then_some("greets.yaml"));
    let arguments = [&["test", "--junit", "report.xml"], &files[..]].concat();
    let output = run(place.path(), &arguments);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{said}{}", stderr(&output));
    assert_eq!(said.matches('✓').count(), files.len(), "{said}");
    let report = std::fs::read_to_string(place.path().join("report.xml")).expect("a report");
    let counts = format!("tests=\"{}\" failures=\"0\"", files.len());
    assert!(report.contains(&counts), "{report}");
}

#[test]
fn an_expectation_that_does_not_come_true_names_its_line_and_what_came() {
    let text = "name: Greets\napp: demo\nsteps:\n- say: 你好\n- expect: {reply: '*'}\n- expect:\n    reply: goodbye\n    within: 0.2\n";
    let folder = with(text);
    let output = run(folder.path(), &["test", "s.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(
        said.contains("✗ Greets") && said.contains("s.yaml:6:"),
        "{said}"
    );
    assert!(
        said.contains("nothing came"),
        "the reply is used up: {said}"
    );

    let folder = with(&text.replace("- expect: {reply: '*'}\n", ""));
    for (language, words) in [("en", "what came:"), ("zh", "来的是：")] {
        let output = run(
            folder.path(),
            &["--lang", language, "test", "--tap", "s.yaml"],
        );
        assert_eq!(output.status.code(), Some(1));
        let said = stdout(&output);
        assert!(
            said.starts_with("TAP version 13\n1..1\nnot ok 1 - Greets\n"),
            "{said}"
        );
        assert!(
            said.contains("at: s.yaml:5\n") && said.contains(words),
            "{said}"
        );
        assert!(said.contains("你好"), "the reply that came instead: {said}");
    }
}

#[test]
fn what_must_not_happen_is_seen() {
    let acts = "app: demo\nsteps:\n- fault: {path: /cgi-bin/message/custom/send, errcode: 45009}\n- say: 慢\n";
    let never = "- expect:\n    row: {state: error}\n    absent: true\n    within: 30\n";
    let folder = with(&format!("{acts}{never}"));
    let output = run(folder.path(), &["test", "s.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(said.contains("s.yaml:5: this must not happen"), "{said}");

    // One that was expected is no surprise any more.
    let once = "- expect: {call: {errcode: 45009}, within: 30}\n- expect: no errors\n";
    let folder = with(&format!("{acts}{once}"));
    let output = run(folder.path(), &["test", "s.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn a_file_that_makes_no_sense_is_refused_before_anything_starts() {
    let folder = with("steps:\n- say: a\n- exspect: no errors\n");
    for (language, words) in [
        ("en", "did you mean `expect`?"),
        ("zh", "是不是要写 expect？"),
    ] {
        let output = run(folder.path(), &["--lang", language, "test", "s.yaml"]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(said.contains("s.yaml:3:") && said.contains(words), "{said}");
        assert!(stdout(&output).is_empty());
    }
    let output = run(folder.path(), &["test", "none.yaml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("none.yaml"), "{}", stderr(&output));
}

#[test]
fn an_act_that_the_simulator_refuses_names_its_line() {
    let folder = with("app: demo\nsteps:\n- do: dance\n");
    let output = run(folder.path(), &["test", "s.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(
        said.contains("s.yaml:3:") && said.contains("dance"),
        "{said}"
    );
}

#[test]
fn an_app_that_does_not_come_up_is_told_with_its_last_words() {
    let app = "app:\n  run: [sh, -c, 'echo no such table >&2; exit 3']\n  url: http://127.0.0.1:$PORT/wx\n";
    let folder = with(&format!("{app}steps:\n- say: a\n"));
    let output = run(folder.path(), &["test", "s.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(said.contains("the app ended at once"), "{said}");
    assert!(said.contains("no such table"), "{said}");

    let app = "app:\n  url: http://127.0.0.1:$PORT/wx\n  within: 0.3\n";
    let folder = with(&format!("{app}steps:\n- say: a\n"));
    let said = stdout(&run(folder.path(), &["test", "s.yaml"]));
    assert!(
        said.contains("s.yaml:2: the app at http://127.0.0.1:"),
        "{said}"
    );
}

#[test]
fn without_an_app_a_scenario_plays_in_the_world_that_runs() {
    let folder = with("steps:\n- say: 你好\n- expect: {reply: '*'}\n");
    let output = run(folder.path(), &["test", "s.yaml"]);
    assert_eq!(output.status.code(), Some(2), "nothing runs");
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    let output = run(folder.path(), &["test", "s.yaml"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let (_, timeline) = dev.control("GET", "/timeline", None);
    assert!(timeline.to_string().contains("你好"), "{timeline}");
}

#[test]
fn what_is_no_file_or_too_large_is_refused() {
    let folder = with("steps:\n- say: a\n");
    let large = "steps:\n".to_owned() + &"- say: a\n".repeat(150_000);
    std::fs::write(folder.path().join("large.yaml"), large).expect("written");
    std::fs::write(folder.path().join("bytes.yaml"), [0xff, 0xfe]).expect("written");
    let mut cases = vec![
        ("large.yaml", "1 MB"),
        ("bytes.yaml", "UTF-8"),
        (".", "no file"),
    ];
    if cfg!(unix) {
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(pipe).status();
        assert!(made.expect("mkfifo runs").success());
        cases.extend([("/dev/zero", "no file"), ("pipe", "no file")]);
    }
    for (file, words) in cases {
        let output = run(folder.path(), &["test", file]);
        assert_eq!(output.status.code(), Some(2), "{file}");
        let said = stderr(&output);
        assert!(said.contains(file) && said.contains(words), "{said}");
    }
}

#[test]
fn a_world_that_does_not_start_fails_its_scenario_only() {
    let folder = with("app: demo\nsteps:\n- say: a\n");
    let other = "steps:\n- say: 你好\n- expect: {reply: '*'}\n";
    std::fs::write(folder.path().join("other.yaml"), other).expect("written");
    let _dev = Running::start(folder.path(), &["dev", "--memory"]);
    let arguments = [
        "test",
        "other.yaml",
        "s.yaml",
        "other.yaml",
        "--junit",
        "report.xml",
    ];
    // Without a temporary folder it has no place.
    let output = command(folder.path(), &arguments)
        .env("TMPDIR", folder.path().join("none"))
        .output()
        .expect("the binary runs");
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(said.matches('✓').count(), 2, "{said}");
    assert!(
        said.contains("s.yaml:1: ") && said.contains("temporary"),
        "{said}"
    );
    let report = std::fs::read_to_string(folder.path().join("report.xml")).expect("a report");
    assert!(report.contains("tests=\"3\" failures=\"1\""), "{report}");
}

#[cfg(unix)]
fn kill(arguments: &[&str]) -> bool {
    let status = std::process::Command::new("kill")
        .args(arguments)
        .stderr(std::process::Stdio::null())
        .status();
    status.expect("kill runs").success()
}

/// What an app writes into a file, when it is there.
#[cfg(unix)]
fn written(folder: &Path, name: &str) -> String {
    wait_for(name, || {
        let text = std::fs::read_to_string(folder.join(name)).ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    })
}

/// Apps that end when they are asked to, and that do not.
#[cfg(unix)]
const APPS: [&str; 2] = [
    "echo $$ > pid; exec sleep 600",
    "trap \"\" TERM; echo $$ > pid; while :; do sleep 1; done",
];

#[cfg(unix)]
#[test]
fn a_scenario_that_is_interrupted_leaves_nothing_behind() {
    for (app, signal) in APPS.into_iter().zip(["-TERM", "-HUP"]) {
        let app = format!("app:\n  run: [sh, -c, '{app}']\n  url: http://127.0.0.1:$PORT/wx\n");
        let folder = with(&format!("{app}steps:\n- say: a\n"));
        let mut test = command(folder.path(), &["test", "s.yaml", "--junit", "report.xml"])
            .spawn()
            .expect("the binary starts");
        let pid = written(folder.path(), "pid");
        assert!(kill(&[signal, &test.id().to_string()]));
        let ended = wait_for("its end", || test.try_wait().expect("a child"));
        assert_eq!(ended.code(), Some(1));
        wait_for("the app's end", || (!kill(&["-0", &pid])).then_some(()));
        assert!(folder.path().join("report.xml").exists());
    }
}

/// Before `dev` is up there is something to end, too.
#[cfg(unix)]
#[test]
fn a_scenario_that_is_interrupted_while_its_world_starts_leaves_nothing_behind() {
    let folder = with("app:\n  url: http://127.0.0.1:$PORT/wx\nsteps:\n- say: a\n");
    let mut test = command(folder.path(), &["test", "s.yaml"])
        .spawn()
        .expect("the binary starts");
    let parent = test.id().to_string();
    let dev = wait_for("a child", || {
        let processes = std::process::Command::new("ps")
            .args(["-A", "-o", "pid=,ppid="])
            .output();
        let processes = stdout(&processes.expect("ps runs"));
        processes.lines().find_map(|line| {
            let (pid, of) = line.trim().split_once(' ')?;
            (of.trim() == parent).then(|| pid.to_owned())
        })
    });
    assert!(kill(&[&parent]));
    wait_for("its end", || test.try_wait().expect("a child"));
    wait_for("the end of dev", || (!kill(&["-0", &dev])).then_some(()));
}
