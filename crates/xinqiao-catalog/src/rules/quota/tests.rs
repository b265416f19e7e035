use proptest::prelude::*;

use super::*;

/// 2023-11-15 06:13:20 in Shanghai.
const NOW: UnixSeconds = UnixSeconds(1_700_000_000);

fn daily(max: u64) -> Limit {
    Limit {
        max,
        window: QuotaWindow::Day,
        code: ErrCode(code::DAILY_QUOTA_REACHED),
    }
}

fn quota(scope: &'static str, subject: &'static str, applies_to: &'static str) -> Quota {
    Quota {
        id: "x",
        scope,
        subject,
        also: Vec::new(),
        applies_to,
        limit: 5,
        window: QuotaWindow::Day,
        code: 0,
        special: false,
        note: "",
        confidence: "",
    }
}

#[test]
fn a_day_ends_at_midnight_in_shanghai() {
    let mut ledger = Ledger::default();
    assert_eq!(ledger.spend_limit("x", daily(1), NOW), Ok(()));
    let exceeded = ledger.spend_limit("x", daily(1), NOW).unwrap_err();
    assert_eq!(exceeded.code(), ErrCode(code::DAILY_QUOTA_REACHED));
    let midnight = shanghai::next_midnight(NOW);
    assert_eq!(exceeded.0.resets, Some(midnight));
    assert!(ledger.spend_limit("x", daily(1), midnight - 1).is_err());
    assert_eq!(ledger.spend_limit("x", daily(1), midnight), Ok(()));
}

#[test]
fn a_refused_call_is_not_counted() {
    let mut ledger = Ledger::default();
    for _ in 0..3 {
        let _ = ledger.spend_limit("x", daily(1), NOW);
    }
    ledger.set_limit("x", daily(2));
    assert_eq!(
        ledger.spend_limit("x", daily(1), NOW),
        Ok(()),
        "only one call was counted"
    );
}

#[test]
fn windows_begin_and_end_in_shanghai() {
    #[track_caller]
    fn check(window: QuotaWindow, start: i64, end: i64) {
        assert_eq!(window_start(window, NOW), Some(UnixSeconds(start)));
        assert_eq!(window_end(window, NOW), Some(UnixSeconds(end)));
    }
    check(QuotaWindow::Second, 1_700_000_000, 1_700_000_001);
    check(QuotaWindow::Minute, 1_699_999_980, 1_700_000_040);
    check(QuotaWindow::Hour, 1_699_999_200, 1_700_002_800);
    check(QuotaWindow::Day, 1_699_977_600, 1_700_064_000);
    check(QuotaWindow::Month, 1_698_768_000, 1_701_360_000);
    assert_eq!(window_end(QuotaWindow::Total, NOW), None);
}

#[test]
fn rows_apply_to_whom_they_say() {
    #[track_caller]
    fn check(whom: &'static str, facts: &AccountFacts, want: bool) {
        assert_eq!(
            applies(&quota("per account (appid)", "/cgi-bin/x", whom), facts),
            want,
            "{whom}"
        );
    }
    let service = AccountFacts::new(AccountKind::Service, true);
    let subscription = AccountFacts::new(AccountKind::Subscription, true);
    let mut test = AccountFacts::new(AccountKind::Service, false);
    test.test = true;
    let mini = AccountFacts::new(AccountKind::MiniProgram, false);
    check("new account", &service, true);
    check("new account", &test, false);
    check("test account", &test, true);
    check("test account", &service, false);
    check("verified subscription", &subscription, true);
    check("verified subscription", &service, false);
    check("service account", &service, true);
    check("mini program", &mini, true);
    check("mini program", &service, false);
    check("any", &mini, true);
    check("new account, text before about 2020", &service, false);
    assert!(!applies(&quota("per user", "/cgi-bin/x", "any"), &service));
    let mut forced = quota("per account", "/cgi-bin/stable_token", "any");
    forced.special = true;
    assert!(
        !applies(&forced, &service),
        "counts forced refreshes, not calls"
    );
}

#[test]
fn the_table_limits_what_the_platform_documents() {
    #[track_caller]
    fn check(path: &str, facts: &AccountFacts, want: u64) {
        let method = if path.ends_with("/create") || path.ends_with("/send") {
            "POST"
        } else {
            "GET"
        };
        let query = crate::RouteQuery {
            method,
            path,
            host: "api.weixin.qq.com",
            ..Default::default()
        };
        let crate::Routed::Found { endpoint, .. } = crate::route(&query) else {
            panic!("{path} is not in the catalog")
        };
        let daily: Vec<u64> = limits(endpoint, facts)
            .into_iter()
            .filter(|(_, limit)| limit.window == QuotaWindow::Day)
            .map(|(_, limit)| limit.max)
            .collect();
        assert_eq!(daily, [want], "{path}");
    }
    let service = AccountFacts::new(AccountKind::Service, true);
    let test = AccountFacts {
        test: true,
        ..service.clone()
    };
    check("/cgi-bin/token", &service, 2000);
    check("/cgi-bin/token", &test, 200);
    check("/cgi-bin/menu/create", &service, 1000);
    check("/cgi-bin/menu/create", &test, 100);
    check("/cgi-bin/menu/get", &service, 10_000);
    check("/cgi-bin/message/custom/send", &service, 500_000);
    check("/cgi-bin/user/get", &service, 500);
}

#[test]
fn a_limit_set_by_hand_wins_over_the_table() {
    let endpoint = crate::endpoint("official_account.menu.get").unwrap();
    let facts = AccountFacts::new(AccountKind::Service, true);
    let mut ledger = Ledger::default();
    assert_eq!(ledger.spend(endpoint, &facts, NOW), Ok(()));
    ledger.set_limit(endpoint.id, daily(1));
    assert_eq!(
        ledger.spend(endpoint, &facts, NOW),
        Ok(()),
        "a counter of its own begins"
    );
    let exceeded = ledger.spend(endpoint, &facts, NOW).unwrap_err();
    assert_eq!(exceeded.0.limit.max, 1);
    ledger.clear();
    assert_eq!(ledger.spend(endpoint, &facts, NOW), Ok(()));
}

#[test]
fn a_monthly_counter_survives_a_clear() {
    let monthly = Limit {
        window: QuotaWindow::Month,
        ..daily(1)
    };
    let mut ledger = Ledger::default();
    ledger.spend_limit("clear_quota", monthly, NOW).unwrap();
    ledger.spend_limit("menu.get", daily(1), NOW).unwrap();
    ledger.clear();
    assert!(ledger.spend_limit("clear_quota", monthly, NOW).is_err());
    assert_eq!(ledger.spend_limit("menu.get", daily(1), NOW), Ok(()));
}

#[test]
fn a_ledger_comes_back_from_a_snapshot_as_it_was() {
    let mut ledger = Ledger::default();
    ledger.spend_limit("menu.get", daily(9), NOW).unwrap();
    ledger.set_limit("official_account.menu.get", daily(3));
    let text = serde_json::to_string(&ledger).unwrap();
    assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
}

proptest! {
    #[test]
    fn a_window_never_holds_more_than_its_limit(
        max in 1_u64..10,
        steps in proptest::collection::vec(0_i64..40_000, 1..200),
    ) {
        let mut ledger = Ledger::default();
        let mut now = NOW;
        let mut per_day = BTreeMap::<i64, u64>::new();
        for step in steps {
            now = now + step;
            let ok = ledger.spend_limit("x", daily(max), now).is_ok();
            let day = per_day.entry(shanghai::midnight(now).0).or_default();
            *day += u64::from(ok);
            prop_assert!(*day <= max);
            prop_assert!(ok || *day == max, "refused although calls were left");
        }
    }

    #[test]
    fn pruning_changes_no_answer(steps in proptest::collection::vec(0_i64..400_000, 1..60)) {
        let (mut pruned, mut whole) = (Ledger::default(), Ledger::default());
        let mut now = NOW;
        for step in steps {
            now = now + step;
            pruned.prune(now);
            prop_assert_eq!(
                pruned.spend_limit("x", daily(2), now).is_ok(),
                whole.spend_limit("x", daily(2), now).is_ok()
            );
        }
    }
}
