//! The event log.

use xinqiao_store::{Answer, Appended, Mark, NewEvent, StoreError};

use crate::{Db, *};

fn new_event(appended: &Appended) -> xinqiao_store::EventRef {
    match appended {
        Appended::New { event, .. } => *event,
        Appended::Repeat { .. } => panic!("it is new"),
    }
}

pub(crate) async fn a_repeat_finds_the_first_and_its_answer(db: Db) {
    let store = db.open().await;
    let (appid, dedup) = (appid(), store.dedup_key(&appid(), 1, "1"));
    let first = new_event(
        &store
            .append(event(&appid, dedup, b"body", &["shop"]))
            .await
            .unwrap(),
    );
    let repeat = || store.append(event(&appid, dedup, b"body", &["shop"]));
    assert_eq!(
        repeat().await.unwrap(),
        Appended::Repeat {
            event: first,
            answer: None
        }
    );
    let reply = Answer::Reply(b"<xml/>".to_vec());
    store
        .set_answer(&appid, first, reply.clone(), NOW)
        .await
        .unwrap();
    store
        .set_answer(&appid, first, Answer::Silent, NOW)
        .await
        .unwrap();
    let answered = Appended::Repeat {
        event: first,
        answer: Some(reply.clone()),
    };
    assert_eq!(repeat().await.unwrap(), answered, "the first answer stays");
    assert_eq!(store.answer(&appid, first).await.unwrap(), Some(reply));
    let stored = store.event(first).await.unwrap().unwrap();
    assert_eq!(
        (stored.body.as_deref(), stored.answered),
        (Some(b"body".as_slice()), Some(NOW))
    );
}

pub(crate) async fn dedup_keys_belong_to_an_account(db: Db) {
    let store = db.open().await;
    let other = AppId::from("wxother");
    assert_ne!(
        store.dedup_key(&appid(), 1, "1"),
        store.dedup_key(&other, 1, "1")
    );
    assert_eq!(
        store.dedup_key(&appid(), 1, "1"),
        store.dedup_key(&appid(), 1, "1")
    );
}

pub(crate) async fn a_repeat_after_midnight_is_still_a_repeat(db: Db) {
    let store = db.open().await;
    let appid = appid();
    // 23:59:59.9 in Shanghai.
    let late = Millis(NOW.0 + 12 * 3_600_000 - 100);
    let dedup = store.dedup_key(&appid, 1, "1");
    let first = NewEvent {
        received: late,
        ..event(&appid, dedup, b"x", &[])
    };
    let place = new_event(&store.append(first).await.unwrap());
    let second = NewEvent {
        received: late.plus(5000),
        ..first
    };
    let appended = store.append(second).await.unwrap();
    assert_eq!(
        appended,
        Appended::Repeat {
            event: place,
            answer: Some(Answer::Silent)
        }
    );
    let other = NewEvent {
        dedup: store.dedup_key(&appid, 1, "2"),
        ..second
    };
    assert_eq!(
        new_event(&store.append(other).await.unwrap()).day,
        place.day + 1
    );
}

pub(crate) async fn a_thousand_at_once_all_get_a_place_of_their_own(db: Db) {
    let store = db.open().await;
    let tasks: Vec<_> = (0..1000)
        .map(|n: u32| {
            let store = store.clone();
            tokio::spawn(async move {
                let appid = appid();
                let dedup = store.dedup_key(&appid, 1, &(n % 500).to_string());
                store.append(event(&appid, dedup, b"x", &[])).await.unwrap()
            })
        })
        .collect();
    let mut new = std::collections::BTreeSet::new();
    let mut repeats = 0;
    for task in tasks {
        match task.await.unwrap() {
            Appended::New { event, .. } => assert!(new.insert(event.seq)),
            Appended::Repeat { .. } => repeats += 1,
        }
    }
    assert_eq!((new.len(), repeats), (500, 500));
    assert_eq!(store.events(None, None, 1000).await.unwrap().len(), 500);
}

pub(crate) async fn lists_page_over_days_and_filter_by_account(db: Db) {
    let store = db.open().await;
    let (one, two) = (appid(), AppId::from("wxother"));
    for n in 0..6i64 {
        let account = if n % 2 == 0 { &one } else { &two };
        let dedup = store.dedup_key(account, 1, &n.to_string());
        let received = NOW.plus(n / 2 * DAY_MS);
        store
            .append(NewEvent {
                received,
                ..event(account, dedup, b"x", &[])
            })
            .await
            .unwrap();
    }
    let first = store.events(None, None, 4).await.unwrap();
    let rest = store
        .events(first.last().map(|event| event.event), None, 10)
        .await
        .unwrap();
    assert_eq!((first.len(), rest.len()), (4, 2));
    assert!(first.iter().all(|event| event.body.is_none()));
    assert_eq!(store.events(None, Some(&two), 10).await.unwrap().len(), 3);
    // Retention drops whole days and keeps the rest.
    assert_eq!(
        store
            .drop_days_before(NOW.plus(2 * DAY_MS), NOW)
            .await
            .unwrap(),
        2
    );
    assert_eq!(store.events(None, None, 10).await.unwrap().len(), 2);
    assert!(store.event(first[0].event).await.unwrap().is_none());
}

/// The clock ran ahead, its days were dropped as past their retention, and it came back.
pub(crate) async fn an_event_that_could_not_be_stored_is_no_repeat_when_it_comes_again(db: Db) {
    let store = db.open().await;
    let appid = appid();
    let at = |number: u64| {
        let dedup = store.dedup_key(&appid, number, &number.to_string());
        event(&appid, dedup, b"x", &["shop"])
    };
    new_event(&store.append(at(1)).await.unwrap());
    assert_eq!(
        store.drop_days_before(NOW.plus(DAY_MS), NOW).await.unwrap(),
        1
    );
    let mut stored = None;
    for _ in 0..2 {
        match store.append(at(2)).await {
            Ok(Appended::New { event, .. }) => {
                stored = Some(event);
                break;
            }
            Ok(Appended::Repeat { .. }) => panic!("nothing of it was stored"),
            Err(error) => assert!(matches!(error, StoreError::Database(_)), "{error}"),
        }
    }
    let stored = stored.expect("it is stored when it comes again");
    let kept = store.event(stored).await.unwrap().unwrap();
    assert_eq!(kept.body.as_deref(), Some(b"x".as_slice()));
}

pub(crate) async fn an_erased_account_cannot_be_read_and_others_can(db: Db) {
    let store = db.open().await;
    let (one, two) = (appid(), AppId::from("wxother"));
    let mut places = Vec::new();
    for account in [&one, &two] {
        let dedup = store.dedup_key(account, 1, "1");
        places.push(new_event(
            &store
                .append(event(account, dedup, b"x", &[]))
                .await
                .unwrap(),
        ));
    }
    store.erase_account(&one).await.unwrap();
    for _ in 0..2 {
        let erased = store.event(places[0]).await;
        assert!(matches!(erased, Err(StoreError::Sealed(_))), "{erased:?}");
        assert!(store.event(places[1]).await.unwrap().is_some());
        // It may receive again, under a new key.
        let dedup = store.dedup_key(&one, 1, "2");
        drop(store.append(event(&one, dedup, b"x", &[])).await.unwrap());
    }
}

pub(crate) async fn a_repeat_is_known_until_its_key_is_forgotten_whatever_became_of_the_event(
    db: Db,
) {
    let store = db.open().await;
    let appid = appid();
    let at = |number: u64, received: Millis| NewEvent {
        received,
        ..event(
            &appid,
            store.dedup_key(&appid, number, &number.to_string()),
            b"x",
            &["shop"],
        )
    };
    // More than two steps of forgetting, over four days.
    let mut first = Vec::new();
    for number in 0..1200 {
        let day = i64::try_from(number % 4).unwrap();
        let appended = store.append(at(number, NOW.plus(day * DAY_MS))).await;
        first.push(new_event(&appended.unwrap()));
    }
    // Ten days later the events are past their retention; their keys are not.
    let later = NOW.plus(10 * DAY_MS);
    assert_eq!(store.drop_days_before(later, NOW).await.unwrap(), 4);
    let repeat = |number: u64| {
        let again = store.append(at(number, later));
        let event = first[usize::try_from(number).unwrap()];
        async move {
            let answer = Some(Answer::Silent);
            again.await.unwrap() == Appended::Repeat { event, answer }
        }
    };
    assert!(repeat(0).await && repeat(1199).await);
    // Two of the four days are forgotten, wherever their keys stand.
    assert_eq!(
        store
            .forget_repeats(NOW.plus(2 * DAY_MS), NOW)
            .await
            .unwrap(),
        600
    );
    assert!(repeat(2).await && repeat(1199).await, "the others stay");
    for number in [0, 1, 1197] {
        let appended = store.append(at(number, later)).await.unwrap();
        assert!(matches!(appended, Appended::New { .. }), "{number}");
    }
    assert_eq!(
        store
            .forget_repeats(NOW.plus(2 * DAY_MS), NOW)
            .await
            .unwrap(),
        0
    );
    store.close().await;
}

pub(crate) async fn a_mark_comes_back_with_its_event_and_its_deliveries(db: Db) {
    let store = db.open().await;
    let appid = appid();
    let mark = Mark {
        reading: "repaired",
        rule: "callback.xml.repaired",
    };
    let marked = NewEvent {
        mark: Some(mark),
        ..event(&appid, store.dedup_key(&appid, 1, "1"), b"x", &["shop"])
    };
    let place = new_event(&store.append(marked).await.unwrap());
    let plain = event(&appid, store.dedup_key(&appid, 2, "2"), b"y", &["shop"]);
    store.append(plain).await.unwrap();
    let kept = |mark: &Option<Mark>| mark.as_ref().map(|mark| mark.rule.clone());
    let expected = [Some(mark.rule.to_owned()), None];
    let listed = store.events(None, None, 10).await.unwrap();
    assert_eq!(
        listed
            .iter()
            .map(|event| kept(&event.mark))
            .collect::<Vec<_>>(),
        expected
    );
    let listed = store.deliveries(0, None, None, 10).await.unwrap();
    assert_eq!(
        listed
            .iter()
            .map(|delivery| kept(&delivery.mark))
            .collect::<Vec<_>>(),
        expected
    );
    let one = store.event(place).await.unwrap().unwrap();
    assert_eq!(one.mark.unwrap().reading, "repaired");
}
