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

/// Three English words in a row: names, keys and commands have fewer.
fn english(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_alphabetic() && c != ' ')
        .find(|part| part.split(' ').filter(|word| word.len() > 1).count() > 2)
}

#[test]
fn in_chinese_a_wrong_configuration_is_told_in_chinese() {
    let folder = folder();
    let aes_key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
    let account =
        format!("[[account]]\nappid = \"wx1\"\ntoken = \"tok\"\naes_key = \"{aes_key}\"\n");
    let app = "[[app]]\nname = \"a\"\nurl = \"http://127.0.0.1:9\"\ntoken = \"own\"\n";
    let key = "[[key]]\nid = \"k\"\nkey = \"xqk_0123456789abcdefghijklmn\"\napp = \"a\"\n";
    let cases = [
        ("store =", "x.toml:1", "TOML"),
        ("[listen]\nprot = 1", "x.toml:2: [listen]", "prot"),
        ("[listen]\nport = \"many\"", "[listen], port", "类型"),
        ("[listen]\nbind = \"here\"", "[listen], bind", "不允许"),
        ("upstream = \"alipay\"", "x.toml:1", "alipay"),
        ("preflight = \"maybe\"", "x.toml:1", "enforce"),
        (
            "[admin]\nkey = { env = \"NOBODY_SET_IT\" }",
            "[admin], key",
            "NOBODY_SET_IT",
        ),
        ("[admin]\nkey = \"short\"", "[admin], key", "24"),
        (
            "[admin]\nlisten = \"0.0.0.0:1\"",
            "admin.listen",
            "admin.key",
        ),
        ("[[app]]\nname = \"x\"", "[[app]]", "缺少"),
        ("retention_days = 1", "retention_days", "（2）"),
        (
            &format!("{account}{account}"),
            "[[account]] wx1, appid",
            "重复",
        ),
        (
            &format!("{account}path = \"x\""),
            "[[account]] wx1, path",
            "以 / 开头",
        ),
        (
            &format!("{account}mode = \"plain\""),
            "[[account]] wx1, mode",
            "allow_plain",
        ),
        (
            &format!("{app}accounts = [\"wx2\"]"),
            "[[app]] a, accounts",
            "wx2",
        ),
        (&format!("{app}{key}{key}"), "[[key]] k, id", "重复"),
        (
            "[seal]\nkey_env = \"NOBODY_SET_IT\"",
            "NOBODY_SET_IT",
            "openssl",
        ),
        ("[seal]\nkey_file = \"none\"", "", "主密钥"),
    ];
    for (text, place, said) in cases {
        std::fs::write(folder.path().join("x.toml"), text).expect("written");
        let arguments = ["serve", "--config", "x.toml", "--lang", "zh"];
        let output = command(folder.path(), &arguments)
            .env_remove("XINQIAO_MASTER_KEY")
            .output()
            .expect("the binary runs");
        assert!(matches!(output.status.code(), Some(1 | 2)), "{text}");
        let words = stderr(&output);
        for part in [place, said, "\n  * "] {
            assert!(words.contains(part), "{part}: {text}: {words}");
        }
        assert_eq!(english(&words), None, "{text}: {words}");
    }
    let output = run(
        folder.path(),
        &["serve", "--config", "none.toml", "--lang", "zh"],
    );
    let words = stderr(&output);
    assert!(words.contains("none.toml：配置文件读不了"), "{words}");
    assert_eq!(english(&words), None, "{words}");
}

/// A `serve` that runs, and the first lines that it said.
struct Serving {
    child: std::process::Child,
    said: Vec<String>,
}

impl Serving {
    fn start(folder: &std::path::Path, text: &str, lang: &str, log: std::process::Stdio) -> Self {
        use std::io::BufRead as _;
        let text = format!("store = \":memory:\"\n{text}\n[listen]\nport = 0\n");
        std::fs::write(folder.join("x.toml"), text).expect("written");
        let arguments = ["serve", "--config", "x.toml", "--lang", lang];
        let mut child = command(folder, &arguments)
            .env("XINQIAO_LOG", "debug")
            .stdout(std::process::Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("the binary starts");
        let output = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
        let hosts = xinqiao_catalog::hosts().len();
        let said = output
            .lines()
            .map_while(Result::ok)
            .take(2 + hosts)
            .collect();
        Self { child, said }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serve_says_where_it_listens_and_for_whom() {
    let folder = folder();
    let start = |text: &str, lang: &str| {
        let null = std::process::Stdio::null();
        let serving = Serving::start(folder.path(), text, lang, null);
        let said = &serving.said;
        let api = said.iter().find(|line| line.contains("api.weixin.qq.com"));
        assert!(
            api.is_some_and(|line| line.contains("http://127.0.0.1:")),
            "{said:?}"
        );
        let origin = said[0].split(' ').find(|word| word.starts_with("http://"));
        let origin = origin.expect("an origin").trim_end_matches(['：', ':']);
        let origin = origin.split('：').next().expect("an origin");
        assert_eq!(
            http("GET", &format!("{origin}/healthz"), None).0,
            200,
            "{said:?}"
        );
        serving.said.clone()
    };
    let english_text = start("", "en");
    assert!(
        english_text[0].ends_with(": 0 accounts, 0 apps"),
        "{english_text:?}"
    );
    assert!(
        english_text[1].ends_with(", for this machine only"),
        "{english_text:?}"
    );
    let chinese = start("", "zh");
    assert!(chinese[0].starts_with("网关已在 http://"), "{chinese:?}");
    assert!(chinese[1].ends_with("，只给本机"), "{chinese:?}");
    assert_eq!(english(&chinese.join("\n")), None, "{chinese:?}");
    let key = "[admin]\nkey = \"0123456789abcdef01234567\"";
    assert!(start(key, "en")[1].ends_with(", for whoever brings admin.key"));
    assert!(start(key, "zh")[1].ends_with("，须带 admin.key"));
    let socket = format!(
        "[admin]\nlisten = \"unix:{}\"",
        folder.path().join("a").display()
    );
    assert!(start(&socket, "en")[1].contains("administration: unix:/"));
}

/// A full disk under the log must not end the gateway.
#[cfg(target_os = "linux")]
#[test]
fn a_log_that_cannot_be_written_ends_nothing() {
    let folder = folder();
    let full = std::fs::File::options().write(true).open("/dev/full");
    let mut serving = Serving::start(folder.path(), "", "en", full.expect("/dev/full").into());
    let said = serving.said.join("\n");
    let origin = said.split(' ').find(|word| word.starts_with("http://"));
    let origin = origin.expect("an origin").trim_end_matches(':');
    for _ in 0..3 {
        // A line is logged for it.
        let lost = format!("{origin}/nobody?signature=a&timestamp=1&nonce=2");
        assert_eq!(http("POST", &lost, Some(&json!({}))).0, 403);
    }
    assert_eq!(http("GET", &format!("{origin}/healthz"), None).0, 200);
    assert!(serving.child.try_wait().expect("a child").is_none());
    let id = serving.child.id().to_string();
    let kill = std::process::Command::new("kill").arg(id).status();
    assert!(kill.expect("kill runs").success());
    let code = wait_for("its end", || serving.child.try_wait().expect("a child"));
    assert_eq!(code.code(), Some(0));
}

/// An app that is down until it is told to listen, and then tells of every delivery.
fn app_on(listener: TcpListener) -> mpsc::Receiver<String> {
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut bytes = Vec::new();
            let mut part = [0; 4096];
            let mut whole = false;
            // Head and body arrive together or one after the other; the length says when to stop.
            while let Ok(n) = stream.read(&mut part) {
                // Who only looks whether somebody is there says nothing.
                if n == 0 {
                    break;
                }
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
                if body.len() >= length {
                    whole = true;
                    break;
                }
            }
            if !whole {
                continue;
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
