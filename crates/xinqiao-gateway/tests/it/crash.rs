//! kill −9 of a whole gateway: what it acknowledged is there, and is delivered.
//!
//! The test starts its own binary again as the gateway that is killed.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

use xinqiao_gateway::StoreAt;

use crate::fake::*;

const CHILD: &str = "XINQIAO_CRASH_CHILD";

/// The gateway that is killed: only does something when the tests below start it.
#[tokio::test]
async fn child() {
    let Ok(told) = std::env::var(CHILD) else {
        return;
    };
    let [store, platform, app] = told.split('|').collect::<Vec<_>>()[..] else {
        panic!("{told}")
    };
    let platform = serve(axum::Router::new()).await.at(platform);
    let app = serve(axum::Router::new()).await.at(app);
    let mut config = config(&platform, Some(&app));
    config.store = StoreAt::File(store.into());
    let gateway = start(config).await;
    println!("origin={}", gateway.origin());
    std::future::pending::<()>().await;
}

struct Killed(Child, String);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start_child(store: &std::path::Path, platform: &str, app: &str) -> Killed {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{}|{platform}|{app}", store.display()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let origin = lines
        .map_while(Result::ok)
        .find_map(|line| {
            line.split_once("origin=")
                .map(|(_, origin)| origin.to_owned())
        })
        .expect("the child says where it is");
    Killed(child, origin)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_right_after_acknowledging_the_event_is_there_and_is_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("gateway.db");
    let (platform, _) = platform().await;
    // The app is down: the platform is answered with success, and the event waits.
    let reserved = reserved();
    let (dead, port) = (reserved.origin.clone(), reserved.port);
    let killed = start_child(&store, &platform.origin, &dead);
    let got = push_to(&killed.1, &text_message(41, "remember me")).await;
    assert_eq!(got.text(), "success");
    drop(killed);

    let state = App::default();
    state.lock().unwrap().script.push_back(Say::Text("late"));
    let _app = app_at(port, state.clone()).await;
    let killed = start_child(&store, &platform.origin, &dead);
    until(async || (state.lock().unwrap().pushes.len() == 1).then_some(())).await;
    assert_eq!(
        state.lock().unwrap().pushes,
        [text_message(41, "remember me")]
    );
    // A repeat from the platform is recognised after the crash, too. It gets the stored answer: that is silence, or the
    // app's if the kill came between the acknowledgement and the note of it.
    let again = push_to(&killed.1, &text_message(41, "remember me")).await;
    assert_eq!(again.status, 200);
    assert_eq!(state.lock().unwrap().pushes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_the_app_works_the_event_is_delivered_again() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("gateway.db");
    let (platform, _) = platform().await;
    let (app_server, app) = app([
        Say::Late(Duration::from_secs(20), "lost"),
        Say::Text("found"),
    ])
    .await;
    let killed = start_child(&store, &platform.origin, &app_server.origin);
    let origin = killed.1.clone();
    let first = tokio::spawn(async move {
        let (query, body) = sealed(
            &platform_keys(xinqiao_types::CallbackMode::Safe),
            &text_message(42, "x"),
        );
        client()
            .post(format!("{origin}/callback/{APPID}?{query}"))
            .body(body)
            .send()
            .await
            .is_err()
    });
    until(async || (app.lock().unwrap().pushes.len() == 1).then_some(())).await;
    drop(killed);
    assert!(first.await.unwrap(), "the platform got no answer");

    // The platform repeats it, as it does; the answer of the second delivery is its answer.
    let killed = start_child(&store, &platform.origin, &app_server.origin);
    let again = push_to(&killed.1, &text_message(42, "x")).await;
    assert!(reply_of(&again).contains("found"), "{}", again.text());
    assert_eq!(app.lock().unwrap().pushes.len(), 2);
}
