//! Many nodes on one database.

use std::{collections::BTreeSet, time::Duration};

use xinqiao_store::{
    Answer, Appended, Change, MasterKey, NewEvent, NewStoredKey, NodeId, Options, Store,
    StoreError, StoredToken, Timing,
};

use xinqiao_types::{Clock as _, SystemClock};

use crate::{Db, deliveries::one, *};

/// A node that goes by the database's clock, as it does outside tests; its own is wrong by `ahead`.
async fn node(db: &Db, name: &str) -> Store {
    Store::open(Options {
        location: db.location.clone(),
        master: MasterKey::parse(&"5a".repeat(32)).unwrap(),
        node: NodeId::new(name),
        now: NOW,
        timing: Timing::Database,
    })
    .await
    .unwrap()
}

pub(crate) async fn a_callback_that_reaches_every_node_is_stored_once(db: Db) {
    let nodes = [
        db.open_as("a").await,
        db.open_as("b").await,
        db.open_as("c").await,
    ];
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..300u64 {
        for turn in 0..nodes.len() {
            // Each three times, on another node first each time.
            let store = nodes[(turn + usize::try_from(number).unwrap()) % nodes.len()].clone();
            tasks.spawn(async move {
                let appid = appid();
                let dedup = store.dedup_key(&appid, number, &number.to_string());
                let event = event(&appid, dedup, b"x", &["shop", "audit"]);
                (number, store.append(event).await.unwrap())
            });
        }
    }
    let (mut new, mut places) = (BTreeSet::new(), BTreeSet::new());
    while let Some(done) = tasks.join_next().await {
        let (number, appended) = done.unwrap();
        match appended {
            Appended::New { event, deliveries } => {
                assert!(new.insert(number), "{number} is new on two nodes");
                assert_eq!(deliveries.len(), 2);
                places.insert(event);
            }
            Appended::Repeat { event, .. } => drop(places.insert(event)),
        }
    }
    assert_eq!((new.len(), places.len()), (300, 300));
    assert_eq!(
        nodes[0]
            .deliveries(0, None, None, 1000)
            .await
            .unwrap()
            .len(),
        600
    );
}

pub(crate) async fn a_delivery_is_claimed_by_one_node(db: Db) {
    let (a, b) = (db.open_as("a").await, db.open_as("b").await);
    for number in 0..200u64 {
        let dedup = a.dedup_key(&appid(), number, &number.to_string());
        a.append(event(&appid(), dedup, b"x", &["shop"]))
            .await
            .unwrap();
    }
    let late = NOW.plus(70_000);
    let mut tasks = tokio::task::JoinSet::new();
    for turn in 0..40 {
        let store = if turn % 2 == 0 { a.clone() } else { b.clone() };
        tasks.spawn(async move { store.claim(late, 16, late.plus(60_000)).await.unwrap() });
    }
    let mut claimed = BTreeSet::new();
    while let Some(done) = tasks.join_next().await {
        for delivery in done.unwrap() {
            assert!(claimed.insert(delivery.held.id), "claimed twice");
        }
    }
    assert_eq!(claimed.len(), 200);
}

pub(crate) async fn an_answer_settled_on_one_node_is_told_on_another(db: Db) {
    let (a, b) = (db.open_as("a").await, db.open_as("b").await);
    let (place, _) = one(&a, &["shop"]).await;
    let appid = appid();
    let dedup = b.dedup_key(&appid, 1, "1");
    let repeat = || b.append(event(&appid, dedup, b"body", &["shop"]));
    let told = repeat().await.unwrap();
    assert_eq!(
        told,
        Appended::Repeat {
            event: place,
            answer: None
        }
    );
    let reply = Answer::Reply(b"<xml/>".to_vec());
    a.set_answer(&appid, place, reply.clone(), NOW)
        .await
        .unwrap();
    let told = repeat().await.unwrap();
    assert_eq!(
        told,
        Appended::Repeat {
            event: place,
            answer: Some(reply)
        }
    );
}

pub(crate) async fn what_one_node_sealed_another_opens(db: Db) {
    // Both are open before the account has a key.
    let (a, b) = (db.open_as("a").await, db.open_as("b").await);
    let (place, _) = one(&a, &["shop"]).await;
    let kept = b.event(place).await.unwrap().unwrap();
    assert_eq!(kept.body.as_deref(), Some(b"body".as_slice()));
    let late = NOW.plus(70_000);
    let claimed = b.claim(late, 10, late).await.unwrap();
    assert_eq!(claimed[0].body, b"body");
    let node = NodeId::new("a");
    let fence = a
        .lease("stable wx1", &node, NOW, late)
        .await
        .unwrap()
        .unwrap();
    let token = StoredToken {
        token: "t".into(),
        obtained: NOW,
        expires: late,
    };
    assert!(a.put_token("stable wx1", fence, token).await.unwrap());
    assert_eq!(b.token("stable wx1").await.unwrap().unwrap().token, "t");
}

pub(crate) async fn an_account_erased_on_one_node_receives_again_on_another(db: Db) {
    let (a, b) = (db.open_as("a").await, db.open_as("b").await);
    let (place, _) = one(&a, &["shop"]).await;
    assert!(b.event(place).await.unwrap().is_some());
    a.erase_account(&appid()).await.unwrap();
    // b still knows the erased key and must not seal with it.
    let dedup = b.dedup_key(&appid(), 2, "2");
    let appended = b
        .append(event(&appid(), dedup, b"anew", &["shop"]))
        .await
        .unwrap();
    let Appended::New { event: anew, .. } = appended else {
        panic!("{appended:?}")
    };
    for store in [&a, &b] {
        let kept = store.event(anew).await.unwrap().unwrap();
        assert_eq!(kept.body.as_deref(), Some(b"anew".as_slice()));
        let erased = store.event(place).await;
        assert!(matches!(erased, Err(StoreError::Sealed(_))), "{erased:?}");
    }
}

/// A node whose batch takes long to be committed, and a faster one meanwhile.
pub(crate) async fn a_reader_misses_nothing_that_was_committed_before_what_it_saw(db: Db) {
    let fast = db.open_as("fast").await;
    let (first, _) = one(&fast, &[]).await;
    let (slow, connection) =
        { tokio_postgres::connect(db.url(), tokio_postgres::NoTls).await }.unwrap();
    tokio::spawn(connection);
    let begun =
        "BEGIN; SELECT * FROM xinqiao.append(1, NULL, ARRAY[0], ARRAY['slow'::bytea], ARRAY['wx1'],
        ARRAY['text'], ARRAY[0::bigint], ARRAY[1::bigint], ARRAY[''::bytea], ARRAY[NULL::text],
        ARRAY[NULL::text], ARRAY[''], ARRAY[0::bigint])";
    slow.batch_execute("SELECT xinqiao.prepare_day(0)")
        .await
        .unwrap();
    slow.batch_execute(begun).await.unwrap();
    let store = fast.clone();
    let behind = tokio::spawn(async move {
        let appid = appid();
        let dedup = store.dedup_key(&appid, 2, "2");
        store.append(event(&appid, dedup, b"x", &[])).await.unwrap()
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let seen = fast.events(Some(first), None, 10).await.unwrap();
    assert!(
        seen.is_empty(),
        "it would be read before what has the place before it"
    );
    slow.batch_execute("COMMIT").await.unwrap();
    behind.await.unwrap();
    let seen = fast.events(Some(first), None, 10).await.unwrap();
    let seen: Vec<_> = seen.iter().map(|event| event.appid.as_str()).collect();
    assert_eq!(seen, ["wx1", appid().as_str()]);
}

pub(crate) async fn leases_and_holds_go_by_the_databases_clock(db: Db) {
    let (a, b) = (node(&db, "a").await, node(&db, "b").await);
    // b's clock is a minute ahead: to it, everything that a holds is over.
    let ahead = NOW.plus(60_000);
    let lease = |store: &Store, name: &str, now: Millis| {
        let (store, name) = (store.clone(), NodeId::new(name));
        async move {
            store
                .lease("stable wx1", &name, now, now.plus(10_000))
                .await
                .unwrap()
        }
    };
    assert!(lease(&a, "a", NOW).await.is_some());
    assert_eq!(lease(&b, "b", ahead).await, None);
    let appid = appid();
    let dedup = a.dedup_key(&appid, 1, "1");
    let held = NewEvent {
        held_until: NOW.plus(10_000),
        ..event(&appid, dedup, b"x", &["shop"])
    };
    a.append(held).await.unwrap();
    assert!(
        b.claim(ahead, 10, ahead.plus(1000))
            .await
            .unwrap()
            .is_empty()
    );
    let due = b.next_due(ahead).await.unwrap().unwrap();
    let left = due.0 - ahead.0;
    assert!(
        (5000..=10_000).contains(&left),
        "{left} ms by b's own clock"
    );
}

pub(crate) async fn a_node_hears_of_tokens_and_keys_of_others(db: Db) {
    let (a, b) = (node(&db, "a").await, node(&db, "b").await);
    let mut changes = b.changes().unwrap();
    // The first look tells of all there is.
    let told = tokio::time::timeout(Duration::from_secs(5), changes.recv()).await;
    assert_eq!(told.unwrap().unwrap(), Change::Keys);
    let owner = NodeId::new("a");
    let fence = a
        .lease("stable wx1", &owner, NOW, NOW.plus(10_000))
        .await
        .unwrap()
        .unwrap();
    let token = StoredToken {
        token: "t".into(),
        obtained: NOW,
        expires: NOW,
    };
    assert!(a.put_token("stable wx1", fence, token).await.unwrap());
    let told = tokio::time::timeout(Duration::from_secs(5), changes.recv()).await;
    assert_eq!(told.unwrap().unwrap(), Change::Token("stable wx1".into()));
    let key = NewStoredKey {
        id: "k",
        text: "xqk_secret",
        app: "shop",
        accounts: vec![],
        at: NOW,
    };
    a.put_key(key).await.unwrap();
    let told = tokio::time::timeout(Duration::from_secs(5), changes.recv()).await;
    assert_eq!(told.unwrap().unwrap(), Change::Keys);
    assert!(a.revoke_key("k", NOW).await.unwrap());
    let told = tokio::time::timeout(Duration::from_secs(5), changes.recv()).await;
    assert_eq!(told.unwrap().unwrap(), Change::Keys);
}

pub(crate) async fn a_second_process_of_a_nodes_name_is_the_one_that_acts(db: Db) {
    let first = node(&db, "a").await;
    let (_, held) = one(&first, &["shop"]).await;
    let owner = NodeId::new("a");
    let lease = |store: &Store| {
        let (store, owner) = (store.clone(), owner.clone());
        async move {
            store
                .lease("stable wx1", &owner, NOW, NOW.plus(10_000))
                .await
        }
    };
    assert!(lease(&first).await.unwrap().is_some());
    let second = node(&db, "a").await;
    // It may be the node after a crash: what was held is taken up. The lease is waited for, whoever had it.
    let claimed = second.claim(NOW, 10, NOW.plus(1000)).await.unwrap();
    assert_eq!(claimed[0].held.id, held[0].id);
    assert_eq!(lease(&second).await.unwrap(), None);
    // The first one learns that it is not meant any more.
    let refused = async {
        loop {
            match first.claim(NOW, 10, NOW.plus(1000)).await {
                Err(error) => break error,
                Ok(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(5), refused)
        .await
        .unwrap();
    assert!(matches!(refused, StoreError::Superseded), "{refused}");
    assert!(second.claim(NOW, 10, NOW.plus(1000)).await.is_ok());
}

pub(crate) async fn what_a_node_held_that_is_gone_is_due_for_another(db: Db) {
    let (a, b) = (node(&db, "a").await, node(&db, "b").await);
    let (_, held) = one(&a, &["shop"]).await;
    let mut changes = b.changes().unwrap();
    // As killed: it gives nothing back and shows itself no more.
    drop(a);
    let told = async { while changes.recv().await.unwrap() != Change::Due {} };
    tokio::time::timeout(Duration::from_secs(15), told)
        .await
        .unwrap();
    let claimed = b.claim(NOW, 10, NOW.plus(1000)).await.unwrap();
    assert_eq!(claimed[0].held.id, held[0].id);
    assert!(claimed[0].held.fence > held[0].fence);
}

pub(crate) async fn a_node_whose_clock_is_ahead_drops_nothing(db: Db) {
    let store = node(&db, "a").await;
    let today = Millis(SystemClock.now().as_millisecond());
    let appid = appid();
    let dedup = store.dedup_key(&appid, 1, "1");
    let received = NewEvent {
        received: today,
        held_until: today.plus(1000),
        ..event(&appid, dedup, b"x", &["shop"])
    };
    store.append(received).await.unwrap();
    let ahead = today.plus(400 * DAY_MS);
    let keep = ahead.plus(-30 * DAY_MS);
    assert_eq!(store.drop_days_before(keep, ahead).await.unwrap(), 0);
    assert_eq!(
        store
            .forget_repeats(ahead.plus(-2 * DAY_MS), ahead)
            .await
            .unwrap(),
        0
    );
    let again = store.append(received).await.unwrap();
    assert!(matches!(again, Appended::Repeat { .. }), "{again:?}");
    assert_eq!(store.deliveries(0, None, None, 10).await.unwrap().len(), 1);
}

pub(crate) async fn a_day_that_somebody_reads_is_dropped_later_and_holds_nobody_up(db: Db) {
    let store = db.open_as("a").await;
    one(&store, &["shop"]).await;
    let (reader, connection) =
        { tokio_postgres::connect(db.url(), tokio_postgres::NoTls).await }.unwrap();
    tokio::spawn(connection);
    reader
        .batch_execute("BEGIN; SELECT count(*) FROM xinqiao.event")
        .await
        .unwrap();
    let later = NOW.plus(10 * DAY_MS);
    assert_eq!(store.drop_days_before(later, NOW).await.unwrap(), 0);
    let appid = appid();
    let dedup = store.dedup_key(&appid, 2, "2");
    let append = store.append(event(&appid, dedup, b"x", &[]));
    let appended = tokio::time::timeout(Duration::from_secs(3), append).await;
    assert!(
        matches!(appended, Ok(Ok(Appended::New { .. }))),
        "{appended:?}"
    );
    reader.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.drop_days_before(later, NOW).await.unwrap(), 1);
}

pub(crate) async fn one_job_that_the_database_refuses_does_not_cost_the_others_theirs(db: Db) {
    let store = db.open_as("a").await;
    let (admin, connection) =
        { tokio_postgres::connect(db.url(), tokio_postgres::NoTls).await }.unwrap();
    tokio::spawn(connection);
    let refusing = "ALTER TABLE xinqiao.event ADD CHECK (kind <> 'poison')";
    admin.batch_execute(refusing).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..50u64 {
        let store = store.clone();
        tasks.spawn(async move {
            let appid = appid();
            let dedup = store.dedup_key(&appid, number, &number.to_string());
            let kind = if number == 31 { "poison" } else { "text" };
            let new = NewEvent {
                kind,
                ..event(&appid, dedup, b"x", &["shop"])
            };
            (number, store.append(new).await)
        });
    }
    while let Some(done) = tasks.join_next().await {
        match done.unwrap() {
            (31, result) => assert!(matches!(result, Err(StoreError::Database(_))), "{result:?}"),
            (_, result) => assert!(matches!(result, Ok(Appended::New { .. })), "{result:?}"),
        }
    }
    assert_eq!(store.events(None, None, 100).await.unwrap().len(), 49);
}

pub(crate) async fn a_server_that_restarts_loses_nothing_and_doubles_nothing(_: Db) {
    // A server of its own: the others' must stay up.
    let Some(server) = xinqiao_testdb::Server::own() else {
        return;
    };
    let db = Db::at(server.database());
    let store = db.open().await;
    let (mut acknowledged, mut refused) = (BTreeSet::new(), 0);
    for round in 0..4u64 {
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..200 {
            let (store, number) = (store.clone(), round * 200 + number);
            tasks.spawn(async move {
                let appid = appid();
                let dedup = store.dedup_key(&appid, number, &number.to_string());
                (
                    number,
                    store.append(event(&appid, dedup, b"x", &["shop"])).await,
                )
            });
        }
        if round % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(3)).await;
            tokio::task::block_in_place(|| {
                server.kill();
                server.up();
            });
        }
        while let Some(done) = tasks.join_next().await {
            match done.unwrap() {
                (number, Ok(Appended::New { .. })) => assert!(acknowledged.insert(number)),
                (number, Ok(repeat)) => panic!("{number} came once: {repeat:?}"),
                (_, Err(error)) => {
                    assert!(error.passes(), "{error}");
                    refused += 1;
                }
            }
        }
    }
    let kept = store.events(None, None, 1000).await.unwrap();
    let deliveries = store.deliveries(0, None, None, 1000).await.unwrap();
    assert_eq!(kept.len(), deliveries.len());
    assert!(
        kept.len() >= acknowledged.len(),
        "{} of {}",
        kept.len(),
        acknowledged.len()
    );
    assert_eq!(acknowledged.len() + refused, 800);
    // A round without a crash is acknowledged whole.
    assert!(acknowledged.len() >= 400, "{}", acknowledged.len());
}
