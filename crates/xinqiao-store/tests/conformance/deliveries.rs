//! Deliveries.

use xinqiao_store::{Answer, Appended, DeliveryState, EventRef, Finish, Held, Store, Verdict};

use crate::{Db, *};

pub(crate) async fn one(store: &Store, apps: &[&str]) -> (EventRef, Vec<Held>) {
    let (appid, dedup) = (appid(), store.dedup_key(&appid(), 1, "1"));
    match store
        .append(event(&appid, dedup, b"body", apps))
        .await
        .unwrap()
    {
        Appended::New { event, deliveries } => (event, deliveries),
        Appended::Repeat { .. } => panic!("it is new"),
    }
}

fn finish(held: Held, event: EventRef, verdict: Verdict) -> Finish {
    Finish {
        held,
        event,
        appid: appid(),
        at: NOW,
        attempts: 1,
        verdict,
        answer: None,
        status: Some(200),
        elapsed_ms: 12,
        rule: None,
        detail: None,
    }
}

pub(crate) async fn a_delivery_is_held_until_it_is_finished_or_its_time_is_up(db: Db) {
    let store = db.open().await;
    let (event, deliveries) = one(&store, &["shop", "audit"]).await;
    assert_eq!(deliveries.len(), 2);
    assert!(
        store.claim(NOW, 10, NOW.plus(1)).await.unwrap().is_empty(),
        "held by who appended"
    );
    store
        .finish(finish(deliveries[0], event, Verdict::Delivered))
        .await
        .unwrap();
    let later = NOW.plus(70_000);
    let claimed = store.claim(later, 10, later.plus(60_000)).await.unwrap();
    assert_eq!(claimed.len(), 1);
    assert_eq!(
        (claimed[0].app.as_str(), claimed[0].body.as_slice()),
        ("audit", b"body".as_slice())
    );
    assert!(store.claim(later, 10, later).await.unwrap().is_empty());
}

pub(crate) async fn what_failed_is_due_again_at_its_time(db: Db) {
    let store = db.open().await;
    let (event, deliveries) = one(&store, &["shop"]).await;
    let again = Verdict::Again(NOW.plus(5000));
    store
        .finish(finish(deliveries[0], event, again))
        .await
        .unwrap();
    assert_eq!(store.next_due(NOW).await.unwrap(), Some(NOW.plus(5000)));
    assert!(
        store
            .claim(NOW.plus(4999), 10, NOW)
            .await
            .unwrap()
            .is_empty()
    );
    let claimed = store.claim(NOW.plus(5000), 10, NOW.plus(6000)).await;
    let held = claimed.unwrap()[0].held;
    assert_eq!(held.id, deliveries[0].id);
    let dead = finish(held, event, Verdict::Dead);
    assert!(store.finish(dead).await.unwrap());
    assert_eq!(store.next_due(NOW).await.unwrap(), None);
    assert!(store.redeliver(held.id, NOW).await.unwrap());
    assert_eq!(store.claim(NOW, 10, NOW.plus(1)).await.unwrap().len(), 1);
    assert!(!store.redeliver(999, NOW).await.unwrap());
}

pub(crate) async fn the_end_of_a_delivery_settles_the_answer(db: Db) {
    let store = db.open().await;
    let (event, deliveries) = one(&store, &["shop"]).await;
    let reply = Answer::Reply(b"<xml/>".to_vec());
    let done = Finish {
        answer: Some(reply.clone()),
        rule: Some("callback.slow"),
        ..finish(deliveries[0], event, Verdict::Late)
    };
    store.finish(done).await.unwrap();
    assert_eq!(store.answer(&appid(), event).await.unwrap(), Some(reply));
    let listed = store.deliveries(0, Some(event), None, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (listed[0].state, listed[0].attempts, listed[0].status),
        (DeliveryState::Late, 1, Some(200))
    );
    assert_eq!(listed[0].rule.as_deref(), Some("callback.slow"));
    assert!(
        store
            .deliveries(listed[0].id, None, None, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

pub(crate) async fn an_attempt_that_outlived_its_hold_counts_no_more(db: Db) {
    let store = db.open().await;
    let (event, deliveries) = one(&store, &["shop"]).await;
    let first = deliveries[0];
    // Somebody else took it up when its time was over.
    let late = NOW.plus(70_000);
    let claimed = store.claim(late, 10, late.plus(60_000)).await.unwrap();
    let second = claimed[0].held;
    assert!(second.fence > first.fence);
    let reply = Answer::Reply(b"<xml/>".to_vec());
    let of_first = Finish {
        answer: Some(reply.clone()),
        ..finish(first, event, Verdict::Dead)
    };
    assert!(!store.finish(of_first).await.unwrap());
    assert_eq!(store.answer(&appid(), event).await.unwrap(), None);
    // An operator wanted it sent again while the second attempt was under way.
    assert!(store.redeliver(second.id, NOW).await.unwrap());
    let of_second = finish(second, event, Verdict::Delivered);
    assert!(!store.finish(of_second).await.unwrap());
    let third = store.claim(NOW, 10, NOW.plus(1)).await.unwrap()[0].held;
    let of_third = Finish {
        answer: Some(reply.clone()),
        ..finish(third, event, Verdict::Delivered)
    };
    assert!(store.finish(of_third).await.unwrap());
    assert_eq!(store.answer(&appid(), event).await.unwrap(), Some(reply));
    let listed = store.deliveries(0, Some(event), None, 10).await.unwrap();
    assert_eq!(listed[0].state, DeliveryState::Delivered);
}

pub(crate) async fn a_delivery_whose_event_is_past_its_retention_is_given_up(db: Db) {
    let store = db.open().await;
    let (_, deliveries) = one(&store, &["shop"]).await;
    let later = NOW.plus(10 * DAY_MS);
    assert_eq!(store.drop_days_before(later, NOW).await.unwrap(), 1);
    assert!(store.claim(later, 10, later).await.unwrap().is_empty());
    assert_eq!(store.next_due(later).await.unwrap(), None);
    let _ = deliveries;
}

/// Apps may write anything into an answer, and a part of it stands in the detail.
pub(crate) async fn an_end_whose_detail_holds_what_no_text_holds_counts(db: Db) {
    let store = db.open().await;
    let (event, deliveries) = one(&store, &["shop", "audit"]).await;
    let ends = deliveries.into_iter().map(|held| {
        let store = store.clone();
        async move {
            let end = Finish {
                detail: Some("a\0b".to_owned()),
                ..finish(held, event, Verdict::Delivered)
            };
            store.finish(end).await.unwrap()
        }
    });
    for end in ends {
        assert!(end.await);
    }
    let listed = store.deliveries(0, Some(event), None, 10).await.unwrap();
    assert!(
        listed
            .iter()
            .all(|delivery| delivery.state == DeliveryState::Delivered)
    );
}
