//! `serve`, and what survives when the gateway's process is killed.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc;

use serde_json::json;

use crate::process::{Running, command, folder, http, run, stderr, wait_for};

#[test]
fn an_unknown_key_is_named_with_file_line_and_what_is_allowed() {
    let folder = folder();
    std::fs::write(
        folder.path().join("x.toml"),
        "store = \":memory:\"\n[listen]\nprot = 1\n",
    )
    .expect("written");
    let output = run(folder.path(), &["serve", "--config", "x.toml"]);
    assert_eq!(output.status.code(), Some(2));
    let words = stderr(&output);
    for part in ["x.toml", "line 3", "prot", "port"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn a_missing_file_and_a_missing_master_key_are_named() {
    let folder = folder();
    let output = run(folder.path(), &["serve", "--config", "none.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("none.toml"), "{}", stderr(&output));

    std::fs::write(folder.path().join("x.toml"), "[listen]\nport = 0\n").expect("written");
    let output = command(folder.path(), &["serve", "--config", "x.toml"])
        .env_remove("XINQIAO_MASTER_KEY")
        .output()
        .expect("the binary runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("XINQIAO_MASTER_KEY"),
        "{}",
        stderr(&output)
    );
}

/// An app that is down until it is told to listen, and then tells of every delivery.
fn app_on(listener: TcpListener) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut bytes = Vec::new();
            let mut part = [0; 4096];
            // Head and body arrive together or one after the other; the length says when to stop.
            while let Ok(n) = stream.read(&mut part) {
                bytes.extend_from_slice(&part[..n]);
                let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
                let Some((head, body)) = text.split_once("\r\n\r\n") else {
                    continue;
                };
                let length = head
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length:"))
                    .and_then(|value| value.trim().parse::<usize>().ok())
                    .unwrap_or(0);
                if n == 0 || body.len() >= length {
                    break;
                }
            }
            let _ = stream.write_all(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\nsuccess",
            );
            let _ = tell.send(String::from_utf8_lossy(&bytes).into_owned());
        }
    });
    told
}

#[test]
fn an_acknowledged_event_is_there_after_kill_9_and_is_delivered() {
    let folder = folder();
    // The app's port is known but nobody listens: the delivery must wait.
    let reserved = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = reserved.local_addr().expect("an address");
    drop(reserved);
    let url = format!("http://{address}/wx");
    let arguments = ["dev", "--via", "gateway", "--app", &url];

    let first = Running::start(folder.path(), &arguments);
    let appid = first.text("/accounts/0/appid");
    let user = first.text("/users/0/id");
    let gateway = first.text("/gateway");
    // The gateway answers the platform's handshake itself, so messages flow although the app is down.
    let saved = wait_for("a saved callback address", || {
        let (_, account) = first.control("GET", &format!("/accounts/{appid}"), None);
        account["callback_url"]
            .as_str()
            .filter(|url| url.contains("/callback/"))
            .map(str::to_owned)
    });
    assert!(saved.ends_with(&appid), "{saved}");
    let act =
        json!({"do": "send", "account": appid, "message": {"type": "text", "content": "留住我"}});
    let (status, answer) = first.control("POST", &format!("/users/{user}/actions"), Some(&act));
    assert_eq!(status, 200, "{answer}");
    let status = answer["deliveries"][0]["response"]["status"].as_u64();
    assert_eq!(status, Some(200), "acknowledged: {answer}");
    let events = http("GET", &format!("{gateway}/v1/events"), None).1;
    let before = events["items"].as_array().expect("a list").len();
    first.kill();

    let told = app_on(TcpListener::bind(address).expect("the port is free again"));
    let second = Running::start(folder.path(), &arguments);
    let events = http(
        "GET",
        &format!("{}/v1/events", second.text("/gateway")),
        None,
    )
    .1;
    assert!(
        events["items"].as_array().expect("a list").len() >= before,
        "{events}"
    );
    let end = std::time::Instant::now() + std::time::Duration::from_mins(1);
    loop {
        let left = end.saturating_duration_since(std::time::Instant::now());
        let request = told.recv_timeout(left).expect("the event is delivered");
        if request.starts_with("POST /wx?") {
            assert!(request.contains("msg_signature="), "{request}");
            return;
        }
    }
}

#[test]
fn the_example_configuration_starts() {
    use std::io::BufRead as _;
    let folder = folder();
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/xinqiao.toml");
    let text = std::fs::read_to_string(example).expect("the example");
    let text = text
        .replace("port = 8610", "port = 0")
        .replace("\"xinqiao.db\"", "\":memory:\"");
    std::fs::write(folder.path().join("x.toml"), &text).expect("written");
    let mut serve = command(folder.path(), &["serve", "--config", "x.toml"]);
    serve
        .env("XINQIAO_MASTER_KEY", "5a".repeat(32))
        .env("SHOP_KEY", "xqk_0123456789abcdefghijklmn");
    for name in [
        "CAFE",
        "WEEKLY",
        "AGENT",
        "SHOP",
        "NEWSLETTER",
        "STATISTICS",
    ] {
        serve
            .env(format!("{name}_SECRET"), "0123456789abcdef0123456789abcdef")
            .env(format!("{name}_TOKEN"), "token")
            .env(
                format!("{name}_AES_KEY"),
                "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
            );
    }
    let mut child = serve
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut line = String::new();
    let output = child.stdout.take().expect("a pipe");
    std::io::BufReader::new(output)
        .read_line(&mut line)
        .expect("a line");
    child.kill().expect("killed");
    child.wait().expect("gone");
    assert!(line.contains("3 accounts, 3 apps"), "{line}");
}
