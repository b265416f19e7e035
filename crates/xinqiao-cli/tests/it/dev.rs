//! `dev` and `sim`: start, ready file, console, the demo app, stop.

use serde_json::{Value, json};

use crate::process::{Running, folder, http, raw_http, run, stderr, wait_for};

#[test]
fn the_ready_file_appears_when_everything_listens_and_goes_at_the_end() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    assert_eq!(dev.ready["pid"], dev.child.id());
    let (status, about) = dev.control("GET", "/", None);
    assert_eq!(status, 200);
    assert_eq!(about["endpoints"], dev.ready["endpoints"]);
    for (host, origin) in dev.ready["endpoints"].as_object().expect("a map") {
        let origin = origin.as_str().expect("an origin");
        // Any answer will do: something that speaks HTTP stands for every host.
        assert!(raw_http("GET", origin, None).0 >= 200, "{host}");
    }
    let gateway = dev.text("/gateway");
    assert_eq!(http("GET", &format!("{gateway}/healthz"), None).0, 200);

    let own = folder.path().join(".xinqiao/ready.json");
    assert!(own.exists());
    assert_eq!(dev.terminate(), Some(0));
    assert!(!own.exists());
    assert!(!folder.path().join("test-ready.json").exists());
}

#[cfg(unix)]
#[test]
fn ready_files_are_readable_by_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder();
    let _dev = Running::start(folder.path(), &["sim", "--memory"]);
    for name in ["test-ready.json", ".xinqiao/ready.json"] {
        let mode = std::fs::metadata(folder.path().join(name))
            .expect("a file")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn the_console_is_a_page_and_a_missing_file_is_missing() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["sim", "--memory"]);
    let console = dev.text("/console");
    let (status, head, page) = raw_http("GET", &console, None);
    assert_eq!(status, 200);
    assert!(
        page.contains("<!doctype html>") || page.contains("<!DOCTYPE html>"),
        "{page}"
    );
    for part in ["content-security-policy", "base-uri 'none'"] {
        assert!(head.to_ascii_lowercase().contains(part), "{head}");
    }
    assert_eq!(
        raw_http("GET", &format!("{console}/assets/none.js"), None).0,
        404
    );
}

/// Sends a text on the phone and gives what the person sees as the answer.
fn converse(dev: &Running, words: &str) -> String {
    let appid = dev.text("/accounts/0/appid");
    let user = dev.text("/users/0/id");
    let act =
        json!({"do": "send", "account": appid, "message": {"type": "text", "content": words}});
    let (status, answer) = dev.control("POST", &format!("/users/{user}/actions"), Some(&act));
    assert_eq!(status, 200, "{answer}");
    let inbox = format!("/users/{user}/inbox?account={appid}");
    wait_for("an answer", || {
        let (_, inbox) = dev.control("GET", &inbox, None);
        let last = inbox["items"].as_array()?.last()?.clone();
        last["content"].as_str().map(str::to_owned)
    })
}

fn wait_until_connected(dev: &Running) {
    wait_for("a connected app", || {
        let (_, info) = dev.control("GET", "/dev", None);
        (info["app"]["state"] == "connected").then_some(())
    });
}

#[test]
fn the_demo_app_answers_straight() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    wait_until_connected(&dev);
    assert!(!converse(&dev, "你好").is_empty());
}

#[test]
fn the_demo_app_answers_through_the_gateway() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory", "--via", "gateway"]);
    wait_until_connected(&dev);
    assert!(!converse(&dev, "你好").is_empty());
    let events = http("GET", &format!("{}/v1/events", dev.text("/gateway")), None).1;
    assert!(
        !events["items"].as_array().expect("a list").is_empty(),
        "{events}"
    );
}

#[test]
fn an_app_takes_the_place_of_the_demo_before_it_answers() {
    let folder = folder();
    let callback = |dev: &Running| {
        let appid = dev.text("/accounts/0/appid");
        let account = dev.control("GET", &format!("/accounts/{appid}"), None).1;
        account["callback_url"].as_str().map(str::to_owned)
    };
    let demo = Running::start(folder.path(), &["dev"]);
    wait_until_connected(&demo);
    assert_eq!(callback(&demo), Some(demo.text("/app")));
    assert_eq!(demo.terminate(), Some(0));
    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/wx", closed.local_addr().expect("an address"));
    drop(closed);
    for via in ["direct", "gateway"] {
        let arguments = ["dev", "--app", &url, "--via", via];
        let own = Running::start(folder.path(), &arguments);
        let found = callback(&own).expect("an address");
        match via {
            "direct" => assert_eq!(found, url),
            _ => assert!(found.contains("/callback/"), "{found}"),
        }
        assert_eq!(own.terminate(), Some(0));
    }
}

#[test]
fn apps_of_wecom_and_of_a_platform_are_connected_beside_the_demo() {
    let folder = folder();
    // Nobody listens there.
    let closed = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    let work = format!("work=http://127.0.0.1:{port}/wecom");
    let open = format!("component=127.0.0.1:{port}/events");
    let messages = format!("component=127.0.0.1:{port}/$APPID$");
    let arguments = [
        "dev", "--memory", "--via", "gateway", "--app", &work, "--app", &open, "--app", &messages,
    ];
    let dev = Running::start(folder.path(), &arguments);
    wait_until_connected(&dev);
    assert!(
        !converse(&dev, "你好").is_empty(),
        "the demo answers as ever"
    );
    let accounts = dev.ready["accounts"].as_array().expect("a list");
    let of_kind = |kind: &str| {
        let found = accounts.iter().find(|account| account["kind"] == kind);
        found.expect(kind)["appid"]
            .as_str()
            .expect("an id")
            .to_owned()
    };
    let (agent, component) = (of_kind("corp"), of_kind("component"));
    assert!(agent.contains(':'), "{agent}");
    let apps = &dev.ready["apps"];
    assert_eq!(apps[&agent], format!("http://127.0.0.1:{port}/wecom"));
    assert_eq!(apps[&component], format!("http://127.0.0.1:{port}/events"));
    // The platform's tickets come by the gateway, which keeps them; the agent's address is checked there.
    let inlet = |id: &str| {
        let account = dev.control("GET", &format!("/accounts/{id}"), None).1;
        account["callback_url"].as_str().map(str::to_owned)
    };
    for id in [&agent, &component] {
        let url = wait_for("an address at the gateway", || {
            inlet(id).filter(|url| !url.is_empty())
        });
        assert!(url.ends_with(&format!("/callback/{id}")), "{url}");
    }
    let gateway = dev.text("/gateway");
    wait_for("a ticket in the gateway's log", || {
        let events = http("GET", &format!("{gateway}/v1/events?limit=100"), None).1;
        let items = events["items"].as_array()?.clone();
        let found = |item: &Value| item["kind"] == "info.component_verify_ticket";
        items.iter().any(found).then_some(())
    });
}

/// The demo's port is for programs of this machine, and for no page that a browser shows here.
#[test]
fn only_loopback_names_reach_the_demo_app() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    wait_until_connected(&dev);
    let url = dev.text("/app");
    let origin = url.strip_suffix("/wx").expect("the demo's path");
    for name in ["evil.example", "evil.example:80", "10.0.0.1", ""] {
        assert_eq!(status_for_host(origin, "/wx", name), 421, "{name}");
    }
    for name in ["localhost", "127.0.0.1", "[::1]:80"] {
        assert_ne!(status_for_host(origin, "/wx", name), 421, "{name}");
    }
}

#[test]
fn the_same_seed_gives_the_same_keys() {
    let (first, second) = (folder(), folder());
    let keys = |dev: Running| dev.ready["accounts"].clone();
    let first = keys(Running::start(first.path(), &["dev", "--memory"]));
    let again = keys(Running::start(second.path(), &["dev", "--memory"]));
    assert_eq!(first, again);
    assert!(first.as_array().is_some_and(|all| !all.is_empty()));
    let other = keys(Running::start(
        second.path(),
        &["dev", "--memory", "--seed", "7"],
    ));
    assert_ne!(first[0]["secret"], other[0]["secret"]);
}

#[test]
fn a_sim_is_empty_unless_seeded() {
    let folder = folder();
    let empty = Running::start(folder.path(), &["sim", "--memory"]);
    assert_eq!(empty.ready["gateway"], Value::Null);
    assert_eq!(
        empty.control("GET", "/accounts", None).1["items"],
        json!([])
    );
    drop(empty);
    let seeded = Running::start(folder.path(), &["sim", "--memory", "--seeded"]);
    let accounts = seeded.control("GET", "/accounts", None).1;
    assert!(
        accounts["items"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        "{accounts}"
    );
}

#[test]
fn a_world_on_disk_survives_kill_9() {
    let folder = folder();
    let first = Running::start(folder.path(), &["sim"]);
    let (status, account) = first.control("POST", "/accounts", Some(&json!({"kind": "service"})));
    assert_eq!(status, 201, "{account}");
    // What was acknowledged within the last 50 ms may be lost.
    std::thread::sleep(std::time::Duration::from_millis(150));
    first.kill();
    let second = Running::start(folder.path(), &["sim"]);
    let appid = account["appid"].as_str().expect("an appid");
    let (status, kept) = second.control("GET", &format!("/accounts/{appid}"), None);
    assert_eq!(status, 200, "{kept}");
    assert_eq!(kept["secret"], account["secret"]);
    drop(second);
    let fresh = Running::start(folder.path(), &["sim", "--fresh"]);
    assert_eq!(
        fresh.control("GET", &format!("/accounts/{appid}"), None).0,
        404
    );
}

#[test]
fn a_second_start_in_one_folder_is_refused() {
    let folder = folder();
    let first = Running::start(folder.path(), &["sim", "--memory"]);
    let ready = folder.path().join(".xinqiao/ready.json");
    let before = std::fs::read(&ready).expect("a ready file");
    for arguments in [
        ["sim", "--memory", "--port=0"].as_slice(),
        &["sim", "--port=0"],
        &["dev", "--port=0", "--seed=7"],
        &["dev", "--port=0", "--fresh"],
        &["sim", "--memory", "--port=0", "--ready-file=other.json"],
    ] {
        let output = run(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let words = stderr(&output);
        for said in [
            &first.child.id().to_string(),
            &first.text("/console"),
            "another folder",
        ] {
            assert!(words.contains(said), "{arguments:?}: {words}");
        }
    }
    assert_eq!(std::fs::read(&ready).expect("a ready file"), before);
    assert!(!folder.path().join("other.json").exists());
    assert_eq!(first.control("GET", "/clock", None).0, 200);
    let elsewhere = crate::process::folder();
    drop(Running::start(elsewhere.path(), &["sim", "--memory"]));
    first.kill();
    Running::start(folder.path(), &["sim", "--memory"]);
}

#[test]
fn a_taken_port_is_named_with_the_remedy() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = run(folder.path(), &["sim", "--memory", "--port", &port]);
    assert_eq!(output.status.code(), Some(1));
    let words = stderr(&output);
    assert!(words.contains(&port) && words.contains("--port"), "{words}");
    assert!(!folder.path().join(".xinqiao/ready.json").exists());
}

#[test]
fn the_clock_is_read_and_moved_from_the_command_line() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["sim", "--memory"]);
    let before = dev.control("GET", "/clock", None).1["now"]
        .as_i64()
        .expect("a time");
    let output = run(folder.path(), &["clock", "--advance", "48h", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let after: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(
        after["now"].as_i64().expect("a time") >= before + 172_800,
        "{after}"
    );
}

/// Asks a port under another name.
fn status_for_host(origin: &str, path: &str, name: &str) -> u16 {
    use std::io::{Read as _, Write as _};
    let address = origin.replace("http://", "");
    let mut stream = std::net::TcpStream::connect(address).expect("connected");
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n"
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status")
}

#[test]
fn only_loopback_and_listed_names_reach_any_port() {
    let folder = folder();
    let dev = Running::start(
        folder.path(),
        &["dev", "--memory", "--host", "laptop.example"],
    );
    let clock = "/_sim/v1/clock";
    let console = dev.text("/console");
    assert_eq!(status_for_host(&console, clock, "laptop.example:8600"), 200);
    let mut origins = vec![console, dev.text("/gateway")];
    for map in ["endpoints", "gateway_endpoints"] {
        let map = dev.ready[map].as_object().expect("a map");
        origins.extend(map.values().filter_map(Value::as_str).map(str::to_owned));
    }
    origins.sort();
    origins.dedup();
    assert!(origins.len() >= 10, "{origins:?}");
    for origin in origins {
        for path in ["/", "/cgi-bin/token", "/v1/endpoints", "/callback/wx1"] {
            for name in ["evil.example", "evil.example.:80", "10.0.0.1", ""] {
                let status = status_for_host(&origin, path, name);
                assert_eq!(status, 421, "{origin}{path} as {name}");
            }
            let status = status_for_host(&origin, path, "LAPTOP.example.");
            assert_ne!(status, 421, "{origin}{path}");
        }
    }
}

#[test]
fn dev_says_where_the_phone_is_and_what_to_paste() {
    let said = |arguments: &[&str]| {
        let folder = folder();
        let dev = Running::start(folder.path(), arguments);
        let log = folder.path().join("log");
        // The ready file comes before the last line.
        let text = wait_for("its last line", || {
            let text = std::fs::read_to_string(&log).ok()?;
            text.contains("xinqiao env --shell").then_some(text)
        });
        let values = ["/console", "/control", "/app", "/gateway"].map(|name| dev.text(name));
        let keys = ["appid", "secret", "token", "aes_key"];
        let keys = keys.map(|name| dev.text(&format!("/accounts/0/{name}")));
        for value in values.iter().chain(&keys) {
            assert!(text.contains(value), "{value}: {text}");
        }
        text
    };
    let english = said(&["dev", "--memory"]);
    for part in [
        "Phone and console",
        "Gateway",
        "Demo app",
        "Connect your app",
        "xinqiao exec -- <command>",
    ] {
        assert!(english.contains(part), "{part}: {english}");
    }
    let url = "http://127.0.0.1:9/wx";
    let chinese = said(&[
        "dev", "--memory", "--lang", "zh", "--via", "gateway", "--app", url,
    ]);
    for part in [
        "手机与控制台",
        "网关",
        "你的应用",
        "（经网关）",
        "xinqiao exec -- <命令>",
    ] {
        assert!(chinese.contains(part), "{part}: {chinese}");
    }
    assert!(!chinese.contains("接入你的应用"), "{chinese}");
}

#[test]
fn a_teams_file_brings_its_accounts_people_and_apps() {
    let folder = folder();
    let text = "
store = \"the gateway's\"

[dev]
seed = 9
app = [\"work=127.0.0.1:1/wecom\"]

[[dev.account]]
appid = \"wx00000000000000aa\"
secret = \"0123456789abcdef0123456789abcdef\"
token = \"ourtoken\"
aes_key = \"abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG\"
name = \"门店\"
url = \"http://127.0.0.1:1/wx/{appid}\"

[[dev.user]]
nickname = \"店长\"
follow = [\"wx00000000000000aa\"]
";
    std::fs::write(folder.path().join("xinqiao.toml"), text).expect("written");
    for round in 1..=2 {
        let dev = Running::start(folder.path(), &["dev"]);
        assert_eq!(dev.ready["seed"], 9);
        assert_eq!(dev.text("/app"), "http://127.0.0.1:1/wx/wx00000000000000aa");
        assert_eq!(dev.text("/accounts/0/appid"), "wx00000000000000aa");
        assert_eq!(dev.text("/accounts/0/token"), "ourtoken");
        assert!(dev.ready["apps"].to_string().contains("127.0.0.1:1/wecom"));
        let (_, users) = dev.control("GET", "/users", None);
        let named = users.to_string().matches("店长").count();
        assert_eq!(named, 1, "round {round}: {users}");
        assert_eq!(dev.terminate(), Some(0));
        let log = std::fs::read_to_string(folder.path().join("log")).expect("a log");
        assert!(!log.contains("--fresh"), "nothing differs: {log}");
    }
    // The command line goes before the file.
    let arguments = [
        "dev",
        "--memory",
        "--seed",
        "3",
        "--app",
        "127.0.0.1:1/other",
    ];
    let dev = Running::start(folder.path(), &arguments);
    assert_eq!(dev.ready["seed"], 3);
    assert_eq!(dev.text("/app"), "http://127.0.0.1:1/other");
    drop(dev);

    std::fs::write(folder.path().join("xinqiao.toml"), "[dev]\nprot = 1\n").expect("written");
    let wrong = run(folder.path(), &["dev", "--memory", "--port", "0"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(
        stderr(&wrong).contains("xinqiao.toml:2"),
        "{}",
        stderr(&wrong)
    );
}
