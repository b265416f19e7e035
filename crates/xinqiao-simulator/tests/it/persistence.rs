use std::time::Duration;

use serde_json::json;
use xinqiao_simulator::{Options, Simulator, Storage};
use xinqiao_testkit::{TestApp, TestWorld};

use crate::echo;

fn options(folder: &std::path::Path) -> Options {
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

#[tokio::test]
async fn a_crash_loses_nothing_that_was_answered() {
    let folder = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let world = TestWorld::start_with(options(folder.path())).await;
    let appid = world.simulator().seeded().accounts[0].appid.clone();
    let user = world.simulator().seeded().users[0].id.clone();
    world.say(&user, &appid, "写下来").await;
    let before = world
        .client()
        .get(format!("{}/export", world.control_base()));
    let before = before.send().await.unwrap().text().await.unwrap();
    // What is on the disk now is what a killed process leaves.
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
    }
    let revived = TestWorld::start_with(options(copy.path())).await;
    let after = revived
        .client()
        .get(format!("{}/export", revived.control_base()));
    assert_eq!(after.send().await.unwrap().text().await.unwrap(), before);
    world.shutdown().await;
    revived.shutdown().await;
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
