//! `resend`: the latest callback, one by its delivery or row, edited, with a new number.

use serde_json::Value;

use crate::process::{Running, command, folder, run, stderr, stdout};

/// The decrypted text and the MsgId of the latest delivery.
fn latest(dev: &Running) -> (String, Value) {
    let (_, all) = dev.control("GET", "/deliveries", None);
    let last = all["items"]
        .as_array()
        .and_then(|items| items.last())
        .cloned();
    let plain = last.unwrap_or_default()["plain"].clone();
    let plain = plain.as_str().unwrap_or_default().to_owned();
    let id = plain
        .split_once("<MsgId>")
        .and_then(|(_, rest)| rest.split_once("</MsgId>"));
    let id = id.map(|(id, _)| id.to_owned());
    (plain, id.into())
}

#[test]
fn a_callback_is_sent_again_as_it_was_or_as_something_new() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    let nothing = run(folder.path(), &["resend"]);
    assert_eq!(nothing.status.code(), Some(2), "{}", stdout(&nothing));

    run(folder.path(), &["say", "再来一次"]);
    let (first, id) = latest(&dev);
    assert!(first.contains("再来一次") && id.is_string(), "{first}");
    for (arguments, same) in [
        (&["resend"][..], true),
        (&["resend", "d1"], true),
        (&["resend", "--new-id"], false),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{arguments:?}: {}",
            stderr(&output)
        );
        assert!(stdout(&output).contains("arrived"), "{}", stdout(&output));
        assert_eq!(latest(&dev).1 == id, same, "{arguments:?}");
    }
    let logs = stdout(&run(folder.path(), &["logs"]));
    assert!(
        logs.contains("  d1"),
        "logs say what can be sent again: {logs}"
    );

    for (arguments, words) in [
        (&["resend", "d999"][..], "d999"),
        (&["resend", "soon"], "logs"),
        (&["resend", "1"], "logs"),
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(stderr(&output).contains(words), "{}", stderr(&output));
    }
}

#[cfg(unix)]
#[test]
fn what_the_editor_leaves_is_sent() {
    use std::os::unix::fs::PermissionsExt;

    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    run(folder.path(), &["say", "before"]);
    let editor = folder.path().join("editor");
    std::fs::write(
        &editor,
        "#!/bin/sh\nsed -i.old s/before/afterwards/ \"$1\"\n",
    )
    .expect("written");
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).expect("may run");
    let edited = command(folder.path(), &["resend", "--edit", "--new-id"])
        .env("VISUAL", &editor)
        .output()
        .expect("the binary runs");
    assert_eq!(edited.status.code(), Some(0), "{}", stderr(&edited));
    assert!(
        stdout(&edited).contains("afterwards"),
        "the demo app repeats it: {}",
        stdout(&edited)
    );
    assert!(latest(&dev).0.contains("afterwards"));

    let broken = command(folder.path(), &["resend", "--edit"])
        .env("VISUAL", "false")
        .output()
        .expect("the binary runs");
    assert_eq!(broken.status.code(), Some(1));
}
