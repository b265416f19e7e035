//! Opening: the right key, one process, known schemas; nothing in clear.

use xinqiao_store::{
    AccountSecrets, Appended, Location, NewEvent, NewStoredKey, NodeId, OpenError, Options, Store,
    StoredToken, Timing,
};

use crate::*;

#[tokio::test]
async fn a_second_process_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(file(folder.path())).await;
    let second = Store::open(Options {
        location: file(folder.path()),
        master: master(),
        node: NodeId::default(),
        now: NOW,
        timing: Timing::Caller,
    })
    .await;
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    first.close().await;
    open(file(folder.path())).await.close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    open(file(folder.path())).await.close().await;
    let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    connection
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    drop(connection);
    let refused = Store::open(Options {
        location: file(folder.path()),
        master: master(),
        node: NodeId::default(),
        now: NOW,
        timing: Timing::Caller,
    })
    .await;
    assert!(
        matches!(refused, Err(OpenError::Newer { found: 99, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_file_is_private_and_holds_nothing_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(file(folder.path())).await;
    let appid = appid();
    let dedup = store.dedup_key(&appid, 1, "CANARY-dedup-openid");
    store
        .append(event(&appid, dedup, b"CANARY-body", &["shop"]))
        .await
        .unwrap();
    let fence = store
        .lease("stable wx", &NodeId::new("n"), NOW, NOW.plus(1))
        .await
        .unwrap()
        .unwrap();
    let token = StoredToken {
        token: "CANARY-token".into(),
        obtained: NOW,
        expires: NOW,
    };
    store.put_token("stable wx", fence, token).await.unwrap();
    let key = NewStoredKey {
        id: "k",
        text: "CANARY-key",
        app: "shop",
        accounts: vec![],
        at: NOW,
    };
    store.put_key(key).await.unwrap();
    let secrets = AccountSecrets {
        secret: Some("CANARY-secret".into()),
        ..AccountSecrets::default()
    };
    store.put_account_secrets(&appid, &secrets).await.unwrap();
    for closed in [false, true] {
        if closed {
            store.close().await;
        }
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let bytes = std::fs::read(&path).unwrap();
            assert!(
                !bytes.windows(6).any(|part| part == b"CANARY"),
                "{}",
                path.display()
            );
            #[cfg(unix)]
            if path.extension().is_some_and(|extension| extension == "db") {
                use std::os::unix::fs::PermissionsExt as _;
                assert_eq!(
                    std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                    0o600
                );
            }
        }
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let store = open(Location::Memory).await;
    store.close().await;
    let appid = appid();
    let dedup = store.dedup_key(&appid, 1, "1");
    assert!(store.append(event(&appid, dedup, b"x", &[])).await.is_err());
}

/// A database of schema 1 told repeats apart by the tables of two days.
#[tokio::test]
async fn a_database_from_before_the_dedup_table_keeps_what_it_knows() {
    let folder = tempfile::tempdir().unwrap();
    let appid = appid();
    let store = open(file(folder.path())).await;
    let on = |number: u64, day: i64| NewEvent {
        received: NOW.plus(day * DAY_MS),
        ..event(
            &appid,
            store.dedup_key(&appid, number, &number.to_string()),
            b"x",
            &["shop"],
        )
    };
    for (number, day) in [(1, -20), (2, -2), (3, -1), (4, 0)] {
        store.append(on(number, day)).await.unwrap();
    }
    store.close().await;
    let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    let days: Vec<i64> = connection
        .prepare("SELECT day FROM event_day")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for day in &days {
        connection
            .execute_batch(&format!(
                "CREATE UNIQUE INDEX old{day} ON event_d{day} (dedup)"
            ))
            .unwrap();
    }
    connection
        .execute_batch(
            "DROP TABLE dedup; DROP TABLE event_mark; DROP TABLE node;
             ALTER TABLE delivery DROP COLUMN fence; PRAGMA user_version = 1",
        )
        .unwrap();
    drop(connection);
    let reopened = open(file(folder.path())).await;
    for number in 2..=4 {
        let appended = reopened.append(on(number, 0)).await.unwrap();
        assert!(matches!(appended, Appended::Repeat { .. }), "{number}");
    }
    // Older than any window: nobody can send it again.
    let appended = reopened.append(on(1, 0)).await.unwrap();
    assert!(matches!(appended, Appended::New { .. }));
    let appended = reopened.append(on(5, 0)).await.unwrap();
    assert!(matches!(appended, Appended::New { .. }), "{appended:?}");
    reopened.close().await;
}
