use std::time::Duration;

use serde_json::{Value, json};
use xinqiao_simulator::{Options, Simulator, Storage};
use xinqiao_testkit::{TestApp, TestWorld};

use crate::echo;

pub(crate) fn options(folder: &std::path::Path) -> Options {
    let mut options = Options::default();
    options.seeded = true;
    options.storage = Storage::Dir(folder.to_owned());
    options.attempt_timeout = Duration::from_millis(300);
    options
}

#[tokio::test]
async fn a_world_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let world = TestWorld::start_with(options(folder.path())).await;
    let appid = world.simulator().seeded().accounts[0].appid.clone();
    let user = world.simulator().seeded().users[0].id.clone();
    let app = TestApp::start().await;
    let callback = format!("/accounts/{appid}/callback");
    world
        .must("PUT", &callback, json!({"url": app.url, "mode": "plain"}))
        .await;
    echo(&app);
    world.say(&user, &appid, "记住我").await;
    world.shutdown().await;
    let world = TestWorld::start_with(options(folder.path())).await;
    let inbox = world.inbox(&user, &appid).await;
    assert_eq!(inbox[0]["content"], "你说 记住我");
    world.say(&user, &appid, "又来").await;
    assert_eq!(world.inbox(&user, &appid).await.len(), 2);
    world.shutdown().await;
    let mut fresh = options(folder.path());
    fresh.fresh = true;
    let world = TestWorld::start_with(fresh).await;
    assert!(world.inbox(&user, &appid).await.is_empty());
    world.shutdown().await;
}

/// What was brought in from a world of another seed is there after a restart with the folder's own.
#[tokio::test]
async fn an_imported_world_of_another_seed_survives_a_restart() {
    let mut other = Options::default();
    other.seed = 77;
    let other = TestWorld::start_with(other).await;
    let guest = other.user("客人").await;
    let export = other.get("/export").await;
    let folder = tempfile::tempdir().unwrap();
    let world = TestWorld::start_with(options(folder.path())).await;
    world.must("POST", "/import", export).await;
    let made = world.user("后来的").await;
    world.shutdown().await;
    let world = TestWorld::start_with(options(folder.path())).await;
    for user in [&guest, &made] {
        let (status, found) = world
            .control("GET", &format!("/users/{user}"), Value::Null)
            .await;
        assert_eq!(status, 200, "{found}");
    }
    world.shutdown().await;
}

/// Where the process that is to be killed keeps its world.
const FOLDER: &str = "XINQIAO_TEST_FOLDER";
/// What a killed process may lose of what it acknowledged.
const LOST: Duration = Duration::from_millis(50);

/// Not a test by itself: the process that the next one kills.
#[test]
fn process_to_be_killed() {
    let Some(folder) = std::env::var_os(FOLDER).map(std::path::PathBuf::from) else {
        return;
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let world = TestWorld::start_with(options(&folder)).await;
        std::fs::write(folder.join("control.tmp"), world.control_base()).unwrap();
        std::fs::rename(folder.join("control.tmp"), folder.join("control")).unwrap();
        std::future::pending::<()>().await;
    });
}

/// A process that does not outlive the test.
pub(crate) struct Killable(std::process::Child);

impl Killable {
    pub(crate) fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A process that keeps a world in this folder, and its control interface.
pub(crate) async fn killable(folder: &std::path::Path) -> (Killable, String) {
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "persistence::process_to_be_killed"])
        .env(FOLDER, folder)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let child = Killable(child);
    for _ in 0..300 {
        if let Ok(control) = std::fs::read_to_string(folder.join("control")) {
            return (child, control);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the process does not start");
}

#[tokio::test]
async fn a_killed_process_loses_at_most_the_last_fifty_milliseconds_and_nothing_by_halves() {
    let folder = tempfile::tempdir().unwrap();
    let (mut child, control) = killable(folder.path()).await;
    let client = reqwest::Client::new();
    let accounts = client
        .get(format!("{control}/accounts"))
        .send()
        .await
        .unwrap();
    let accounts: Value = serde_json::from_str(&accounts.text().await.unwrap()).unwrap();
    let appid = accounts["items"][0]["appid"].as_str().unwrap().to_owned();
    let mut acknowledged = Vec::new();
    for number in 0..300 {
        let message = json!({"type": "text", "content": format!("第 {number} 句")});
        let act = json!({"do": "send", "account": appid, "message": message});
        let answer = client
            .post(format!("{control}/users/u1/actions"))
            .header("content-type", "application/json")
            .body(act.to_string())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 200);
        acknowledged.push(std::time::Instant::now());
    }
    let killed = std::time::Instant::now();
    child.kill();

    let world = TestWorld::start_with(options(folder.path())).await;
    let chat = world.get(&format!("/users/u1/chat?account={appid}")).await;
    let said: Vec<&str> = chat["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["content"].as_str().unwrap())
        .collect();
    let certain = acknowledged
        .iter()
        .filter(|at| killed.duration_since(**at) > LOST)
        .count();
    assert!(
        said.len() >= certain,
        "{} of {certain} are there",
        said.len()
    );
    // What is there is all that was said up to some moment, and every table is of that moment.
    let all: Vec<String> = (0..said.len())
        .map(|number| format!("第 {number} 句"))
        .collect();
    assert_eq!(said, all);
    let export = world
        .client()
        .get(format!("{}/export", world.control_base()));
    let export: Value =
        serde_json::from_str(&export.send().await.unwrap().text().await.unwrap()).unwrap();
    let counters = export["tables"]["kernel.counters"]["rows"]
        .as_array()
        .unwrap();
    let item = counters.iter().find(|row| row[0] == "item").unwrap();
    assert_eq!(item[1], said.len());
    world.shutdown().await;
}

#[tokio::test]
async fn a_world_that_this_program_does_not_know_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    TestWorld::start_with(options(folder.path()))
        .await
        .shutdown()
        .await;
    let path = folder.path().join("simulator.db");
    let change = |sql: &str| {
        let file = rusqlite::Connection::open(&path).unwrap();
        file.execute_batch(sql).unwrap();
    };
    let why = || async {
        let error = Simulator::start(options(folder.path())).await.unwrap_err();
        error.to_string()
    };
    change(
        "UPDATE rows SET version = 2 WHERE tbl = (SELECT id FROM tables WHERE name = 'people.users')",
    );
    let refused = why().await;
    assert!(
        refused
            .contains("the table people.users is of version 2, newer than this program reads (1)"),
        "{refused}"
    );
    change("UPDATE rows SET version = 1; INSERT INTO tables (name) VALUES ('work.nowhere')");
    assert!(
        why().await.contains("no table work.nowhere"),
        "{}",
        why().await
    );
    change("DELETE FROM tables WHERE name = 'work.nowhere'; PRAGMA user_version = 4");
    assert!(
        why().await.contains("newer program (format 4"),
        "{}",
        why().await
    );
    change("PRAGMA user_version = 3; DELETE FROM meta");
    assert!(
        why().await.contains("no `seed` in its table `meta`"),
        "{}",
        why().await
    );
    change("INSERT INTO meta VALUES ('seed', '1')");
    TestWorld::start_with(options(folder.path()))
        .await
        .shutdown()
        .await;
}

#[tokio::test]
async fn two_simulators_do_not_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let world = TestWorld::start_with(options(folder.path())).await;
    let error = Simulator::start(options(folder.path())).await.unwrap_err();
    assert!(
        error.to_string().contains("in use by another simulator"),
        "{error}"
    );
    world.shutdown().await;
}

#[tokio::test]
async fn a_thousand_worlds_start_and_stop() {
    let count = if std::env::var_os("XINQIAO_SLOW").is_some() {
        1000
    } else {
        20
    };
    let before = owners();
    for _ in 0..count {
        let world = TestWorld::start().await;
        world.get("/clock").await;
        let origin: std::net::SocketAddr = world
            .api()
            .trim_start_matches("http://")
            .parse()
            .expect("an address");
        world.shutdown().await;
        let nobody = std::net::TcpStream::connect(origin).unwrap_err();
        assert_eq!(nobody.kind(), std::io::ErrorKind::ConnectionRefused);
    }
    // Other tests run beside this one, but not one for each of these worlds.
    let left = owners().saturating_sub(before);
    assert!(left < count, "{left} threads are left of {count} worlds");
}

/// How many threads of this process own a world.
fn owners() -> usize {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok())
        .filter(|name| name.trim_end() == "xinqiao-world")
        .count()
}
