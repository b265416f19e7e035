use proptest::prelude::*;

use super::*;
use crate::model::{Product, Text};

fn grant(id: &'static str, messages: u32, seconds: u32) -> Grant {
    Grant {
        id,
        events: Vec::new(),
        messages,
        seconds,
        product: Product::OfficialAccount,
        title: Text::default(),
    }
}

const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

fn spend(allowances: &mut Allowances, at: i64) -> Result<(), Barred> {
    allowances.spend(Relation::Follows, NOW + at)
}

#[test]
fn five_messages_within_two_days() {
    let mut allowances = Allowances::default();
    assert_eq!(spend(&mut allowances, 0), Err(Barred::OutOfWindow));
    allowances.open(&grant("message", 5, 172_800), NOW);
    for _ in 0..5 {
        assert_eq!(spend(&mut allowances, 10), Ok(()));
    }
    assert_eq!(
        spend(&mut allowances, 10),
        Err(Barred::TooMany {
            until: NOW + 172_800
        })
    );
    assert_eq!(
        spend(&mut allowances, 172_799).map_err(Barred::code),
        Err(ErrCode(code::TOO_MANY_CUSTOM_MESSAGES))
    );
    assert_eq!(
        spend(&mut allowances, 172_800).map_err(Barred::code),
        Err(ErrCode(code::OUT_OF_RESPONSE_WINDOW))
    );
}

#[test]
fn the_allowance_that_ends_first_is_spent_first() {
    let mut allowances = Allowances::default();
    allowances.open(&grant("message", 1, 172_800), NOW);
    allowances.open(&grant("click", 1, 60), NOW);
    assert_eq!(spend(&mut allowances, 1), Ok(()));
    assert_eq!(
        spend(&mut allowances, 61),
        Ok(()),
        "the message's allowance is still whole"
    );
    assert!(spend(&mut allowances, 62).is_err());
}

#[test]
fn a_new_message_replaces_the_allowance_and_does_not_add() {
    let mut allowances = Allowances::default();
    allowances.open(&grant("message", 5, 100), NOW);
    spend(&mut allowances, 1).unwrap();
    allowances.open(&grant("message", 5, 100), NOW + 10);
    let window = allowances.window(NOW + 10).unwrap();
    assert_eq!(
        window,
        Window {
            expires: NOW + 110,
            remaining: Some(5)
        }
    );
}

#[test]
fn an_allowance_without_limit_has_no_count() {
    let mut allowances = Allowances::default();
    allowances.open(&grant("pay", 0, 100), NOW);
    for _ in 0..100 {
        assert_eq!(spend(&mut allowances, 99), Ok(()));
    }
    assert_eq!(allowances.window(NOW).unwrap().remaining, None);
}

#[test]
fn who_does_not_follow_gets_nothing() {
    let mut allowances = Allowances::default();
    allowances.open(&grant("message", 5, 100), NOW);
    let refused = allowances.spend(Relation::DoesNotFollow, NOW).unwrap_err();
    assert_eq!(refused.code(), ErrCode(code::NOT_FOLLOWING));
    let refused = allowances
        .spend(Relation::RefusesMessages, NOW)
        .unwrap_err();
    assert_eq!(refused.code(), ErrCode(code::REFUSED_BY_USER));
    assert_eq!(allowances.window(NOW).unwrap().remaining, Some(5));
}

#[test]
fn typing_does_not_spend() {
    let mut allowances = Allowances::default();
    allowances.open(&grant("message", 1, 100), NOW);
    for _ in 0..10 {
        assert!(allowances.check(Relation::Follows, NOW).is_ok());
    }
    assert_eq!(spend(&mut allowances, 0), Ok(()));
}

#[test]
fn the_catalog_grants_what_the_platform_documents() {
    #[track_caller]
    fn check(event: &str, want: Option<(Option<u32>, i64)>) {
        let mut allowances = Allowances::default();
        assert_eq!(allowances.grant(event, NOW), want.is_some(), "{event}");
        let window = allowances.window(NOW);
        assert_eq!(
            window.map(|window| (window.remaining, window.expires.since(NOW))),
            want
        );
    }
    check("official_account.message.text", Some((Some(5), 172_800)));
    check("official_account.message.image", Some((Some(5), 172_800)));
    check("official_account.event.click", Some((Some(3), 60)));
    check("official_account.event.subscribe", Some((Some(3), 60)));
    check("official_account.event.scan", Some((Some(3), 60)));
    check("official_account.event.scancode_push", Some((Some(3), 60)));
    check(
        "official_account.event.scancode_waitmsg",
        Some((Some(3), 60)),
    );
    // WECHAT: tapping a button that opens a page gives nothing.
    check("official_account.event.view", None);
    check("official_account.event.unsubscribe", None);
}

proptest! {
    #[test]
    fn never_more_is_sent_than_was_granted(
        acts in proptest::collection::vec((0_i64..300, 0_usize..3), 1..30),
        sends in proptest::collection::vec(0_i64..400, 1..80),
    ) {
        let grants = [grant("a", 2, 100), grant("b", 3, 30), grant("c", 1, 200)];
        let mut timeline: Vec<(i64, Option<usize>)> =
            acts.iter().map(|(at, which)| (*at, Some(*which))).collect();
        timeline.extend(sends.iter().map(|at| (*at, None)));
        timeline.sort_by_key(|(at, _)| *at);
        let mut allowances = Allowances::default();
        let (mut granted, mut sent) = (0, 0);
        for (at, which) in timeline {
            match which {
                Some(which) => {
                    allowances.open(&grants[which], NOW + at);
                    granted += grants[which].messages;
                }
                None => {
                    let window = allowances.window(NOW + at);
                    let ok = spend(&mut allowances, at).is_ok();
                    prop_assert_eq!(window.is_some(), ok);
                    sent += u32::from(ok);
                }
            }
            prop_assert!(sent <= granted);
            prop_assert!(allowances.list(NOW + at).count() <= grants.len());
        }
    }
}
