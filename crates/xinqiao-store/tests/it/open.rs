//! Opening: the right key, one process, known schemas; nothing in clear.

use xinqiao_store::{
    AccountSecrets, Location, MasterKey, NewAppKey, OpenError, Options, Store, StoredToken,
};

use crate::*;

#[tokio::test]
async fn a_wrong_master_key_refuses_to_open_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    open(file(folder.path())).close().await;
    let other = MasterKey::parse(&"11".repeat(32)).unwrap();
    let refused = Store::open(Options {
        location: file(folder.path()),
        master: other,
        now: NOW,
    });
    let Err(error @ OpenError::WrongMasterKey { .. }) = refused else {
        panic!("{refused:?}")
    };
    assert!(
        error.to_string().contains(&master().fingerprint()),
        "{error}"
    );
    open(file(folder.path())).close().await;
}

#[tokio::test]
async fn a_second_process_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(file(folder.path()));
    let second = Store::open(Options {
        location: file(folder.path()),
        master: master(),
        now: NOW,
    });
    assert!(matches!(second, Err(OpenError::InUse { .. })), "{second:?}");
    first.close().await;
    open(file(folder.path())).close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    open(file(folder.path())).close().await;
    let connection = rusqlite::Connection::open(folder.path().join("store.db")).unwrap();
    connection
        .execute_batch("PRAGMA user_version = 99")
        .unwrap();
    drop(connection);
    let refused = Store::open(Options {
        location: file(folder.path()),
        master: master(),
        now: NOW,
    });
    assert!(
        matches!(refused, Err(OpenError::Newer { found: 99, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_file_is_private_and_holds_nothing_in_clear() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(file(folder.path()));
    let appid = appid();
    let dedup = store.dedup_key(&appid, 1, "CANARY-dedup-openid");
    store
        .append(event(&appid, dedup, b"CANARY-body", &["shop"]))
        .await
        .unwrap();
    let fence = store
        .lease("stable wx", "n", NOW, NOW.plus(1))
        .await
        .unwrap()
        .unwrap();
    let token = StoredToken {
        token: "CANARY-token".into(),
        obtained: NOW,
        expires: NOW,
    };
    store.put_token("stable wx", fence, token).await.unwrap();
    let key = NewAppKey {
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
    let store = open(Location::Memory);
    store.close().await;
    let appid = appid();
    let dedup = store.dedup_key(&appid, 1, "1");
    assert!(store.append(event(&appid, dedup, b"x", &[])).await.is_err());
}
