//! kill −9 of a process that appends: what it said was stored is stored.
//!
//! The test starts its own binary again as the process that is killed.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Stdio},
};

use xinqiao_store::{Appended, Location};

use crate::*;

const CHILD: &str = "XINQIAO_STORE_CRASH_CHILD";

fn location(place: &str) -> Location {
    match place {
        url if url.starts_with("postgres:") => Location::Postgres(url.to_owned()),
        path => Location::File(path.into()),
    }
}

/// The process that is killed: only does something when the test below starts it.
#[tokio::test]
async fn child() {
    let Ok(place) = std::env::var(CHILD) else {
        return;
    };
    let store = open(location(&place)).await;
    let appid = appid();
    for n in 0.. {
        let body = format!("body {n}");
        let dedup = store.dedup_key(&appid, 1, &n.to_string());
        let appended = store
            .append(event(&appid, dedup, body.as_bytes(), &["shop"]))
            .await
            .unwrap();
        if let Appended::New { event, .. } = appended {
            let mut out = std::io::stdout().lock();
            writeln!(out, "stored {n} {event}").unwrap();
            out.flush().unwrap();
        }
    }
}

#[tokio::test]
async fn killed_between_any_two_steps_what_was_acknowledged_is_there() {
    let folder = tempfile::tempdir().unwrap();
    killed_between_any_two_steps(&folder.path().join("store.db").display().to_string()).await;
}

#[tokio::test]
async fn killed_between_any_two_steps_what_was_acknowledged_is_there_on_postgres() {
    if let Some(server) = xinqiao_testdb::server() {
        killed_between_any_two_steps(&server.database()).await;
    }
}

async fn killed_between_any_two_steps(place: &str) {
    let mut acknowledged = Vec::new();
    for round in 0..6u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child", "--nocapture", "--test-threads=1"])
            .env(CHILD, place)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map_while(Result::ok);
        // Killed at another place each time, in the middle of whatever it does.
        let mut left = 1 + round * 37;
        for line in &mut lines {
            if let Some((_, rest)) = line.split_once("stored ") {
                acknowledged.push(rest.to_owned());
                left -= 1;
                if left == 0 {
                    child.kill().unwrap();
                    break;
                }
            }
        }
        // What it wrote out before it died was acknowledged, too.
        for line in lines {
            if let Some((_, rest)) = line.split_once("stored ")
                && rest.contains("evt-")
            {
                acknowledged.push(rest.to_owned());
            }
        }
        child.wait().unwrap();
        let store = open(location(place)).await;
        for line in &acknowledged {
            let (number, event) = line.split_once(' ').unwrap();
            let Ok(event) = event.trim().parse() else {
                continue;
            };
            let stored = store
                .event(event)
                .await
                .unwrap()
                .expect("an acknowledged event is there");
            assert_eq!(stored.body.unwrap(), format!("body {number}").into_bytes());
            let deliveries = store.deliveries(0, Some(event), None, 10).await.unwrap();
            assert_eq!(deliveries.len(), 1, "its delivery is there with it");
        }
        store.close().await;
    }
    assert!(acknowledged.len() > 500, "{}", acknowledged.len());
}
