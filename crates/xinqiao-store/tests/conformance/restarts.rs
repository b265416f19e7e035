//! What a start finds.

use xinqiao_store::{Answer, Appended, MasterKey, NodeId, OpenError, Options, Store, Timing};

use crate::{Db, deliveries::one, *};

pub(crate) async fn a_node_that_starts_takes_up_its_own_and_leaves_what_others_hold(db: Db) {
    let store = db.open_as("a").await;
    one(&store, &["shop"]).await;
    store.close().await;
    let store = db.open_as("b").await;
    assert!(store.claim(NOW, 10, NOW).await.unwrap().is_empty());
    store.close().await;
    let store = db.open_as("a").await;
    assert_eq!(store.claim(NOW, 10, NOW).await.unwrap().len(), 1);
    store.close().await;
    // Once their time is over anybody may have them.
    let store = db.open_as("b").await;
    let late = NOW.plus(70_000);
    assert_eq!(store.claim(late, 10, late).await.unwrap().len(), 1);
}

pub(crate) async fn a_restart_takes_up_what_was_held_at_once(db: Db) {
    let store = db.open().await;
    one(&store, &["shop"]).await;
    store.close().await;
    let store = db.open().await;
    let claimed = store.claim(NOW, 10, NOW.plus(1000)).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].kind, "text");
}

pub(crate) async fn what_was_stored_is_there_after_a_restart(db: Db) {
    assert!(db.lasts());
    let store = db.open().await;
    let (place, _) = one(&store, &["shop"]).await;
    let reply = Answer::Reply(b"<xml/>".to_vec());
    store
        .set_answer(&appid(), place, reply.clone(), NOW)
        .await
        .unwrap();
    store.close().await;
    let store = db.open().await;
    let appid = appid();
    let dedup = store.dedup_key(&appid, 1, "1");
    let told = store
        .append(event(&appid, dedup, b"x", &["shop"]))
        .await
        .unwrap();
    assert_eq!(
        told,
        Appended::Repeat {
            event: place,
            answer: Some(reply)
        }
    );
    let kept = store.event(place).await.unwrap().unwrap();
    assert_eq!(kept.body.as_deref(), Some(b"body".as_slice()));
}

pub(crate) async fn a_wrong_master_key_refuses_to_open_and_changes_nothing(db: Db) {
    db.open().await.close().await;
    let refused = Store::open(Options {
        location: db.location.clone(),
        master: MasterKey::parse(&"11".repeat(32)).unwrap(),
        node: NodeId::default(),
        now: NOW,
        timing: Timing::Caller,
    })
    .await;
    let Err(error @ OpenError::WrongMasterKey { .. }) = refused else {
        panic!("{refused:?}")
    };
    let text = error.to_string();
    assert!(text.contains(&master().fingerprint()), "{text}");
    db.open().await.close().await;
}
