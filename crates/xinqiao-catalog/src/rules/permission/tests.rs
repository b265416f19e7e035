use proptest::prelude::*;

use super::*;
use crate::code;

fn row(id: &'static str) -> PermissionRow {
    PermissionRow {
        id,
        title: Text {
            zh: "客服接口",
            en: "Customer messages",
        },
        unverified_subscription: Right::No,
        verified_subscription: Right::Yes,
        unverified_service: Right::No,
        verified_service: Right::Apply,
        test_account: Right::Limited,
        mini_program: Right::ViaComponent,
        covers: Vec::new(),
        events: Vec::new(),
        elsewhere: Vec::new(),
        note: "",
        source: "",
        confidence: "",
    }
}

fn facts(kind: AccountKind, verified: bool) -> AccountFacts {
    AccountFacts::new(kind, verified)
}

#[test]
fn a_verified_account_has_it_and_an_unverified_one_hears_how_to_get_it() {
    let row = row("msg.custom");
    assert_eq!(
        check_rows(&[&row], &facts(AccountKind::Subscription, true)),
        Ok(())
    );
    let denied = check_rows(&[&row], &facts(AccountKind::Subscription, false)).unwrap_err();
    assert_eq!(denied.code, ErrCode(code::API_UNAUTHORIZED));
    assert_eq!(denied.right, "msg.custom");
    assert_eq!(
        denied.holders,
        [Holder::VerifiedSubscription, Holder::TestAccount]
    );
    assert!(
        denied.remedy_zh.contains("微信认证"),
        "{}",
        denied.remedy_zh
    );
    assert!(
        denied.to_string().contains("have the account verified"),
        "{denied}"
    );
}

#[test]
fn a_right_on_application_needs_a_grant() {
    let row = row("card");
    let mut facts = facts(AccountKind::Service, true);
    let denied = check_rows(&[&row], &facts).unwrap_err();
    assert!(denied.remedy_en.contains("application"), "{denied}");
    facts.grants.insert("card".to_owned(), true);
    assert_eq!(check_rows(&[&row], &facts), Ok(()));
}

#[test]
fn a_switch_wins_over_the_table() {
    let row = row("msg.custom");
    let mut facts = facts(AccountKind::Subscription, true);
    facts.grants.insert("msg.custom".to_owned(), false);
    let denied = check_rows(&[&row], &facts).unwrap_err();
    assert!(denied.remedy_en.contains("switched off"), "{denied}");
}

#[test]
fn a_component_may_where_the_account_may_not() {
    let row = row("openapi.open_account");
    let mut facts = facts(AccountKind::MiniProgram, false);
    assert!(check_rows(&[&row], &facts).is_err());
    facts.via_component = true;
    assert_eq!(check_rows(&[&row], &facts), Ok(()));
}

#[test]
fn one_of_several_rights_suffices() {
    let (mut one, two) = (row("a"), row("b"));
    one.verified_subscription = Right::No;
    assert_eq!(
        check_rows(&[&one, &two], &facts(AccountKind::Subscription, true)),
        Ok(())
    );
    assert!(check_rows(&[&one], &facts(AccountKind::Subscription, true)).is_err());
}

#[test]
fn a_call_under_no_right_is_free() {
    for kind in AccountKind::ALL {
        assert_eq!(check_rows(&[], &facts(*kind, false)), Ok(()));
    }
}

#[test]
fn a_test_account_stands_in_its_own_column() {
    let row = row("msg.custom");
    let mut facts = facts(AccountKind::Service, false);
    assert!(check_rows(&[&row], &facts).is_err());
    facts.test = true;
    assert_eq!(check_rows(&[&row], &facts), Ok(()));
}

/// Every right of the table × every kind of account that it speaks about.
#[test]
fn the_whole_table_is_decided_and_explained() {
    let columns = [
        (AccountKind::Subscription, false),
        (AccountKind::Subscription, true),
        (AccountKind::Service, false),
        (AccountKind::Service, true),
        (AccountKind::MiniProgram, true),
    ];
    assert!(
        crate::permissions().len() >= 59,
        "{} rows",
        crate::permissions().len()
    );
    for row in crate::permissions() {
        for (kind, verified) in columns {
            let facts = facts(kind, verified);
            let holder = Holder::of(&facts).unwrap();
            match check_rows(&[row], &facts) {
                Ok(()) => assert!(holder.has(row), "{} {holder:?}", row.id),
                Err(denied) => {
                    assert!(!holder.has(row), "{} {holder:?}", row.id);
                    assert_eq!(denied.code, ErrCode(code::API_UNAUTHORIZED));
                    assert!(!denied.cause_zh.is_empty() && !denied.remedy_zh.is_empty());
                    assert!(!denied.cause_en.is_empty() && !denied.remedy_en.is_empty());
                }
            }
        }
    }
}

/// Rows that the platform documents and that decide what most users meet first.
#[test]
fn documented_rows_hold() {
    #[track_caller]
    fn check(id: &str, kind: AccountKind, verified: bool, want: bool) {
        let row = crate::permission(id).unwrap();
        assert_eq!(
            check_rows(&[row], &facts(kind, verified)).is_ok(),
            want,
            "{id} {kind} {verified}"
        );
    }
    use AccountKind::{MiniProgram, Service, Subscription};
    for (kind, verified) in [(Subscription, false), (Service, true)] {
        check("base.token", kind, verified, true);
        check("msg.passive", kind, verified, true);
    }
    check("msg.custom", Subscription, false, false);
    check("msg.custom", Subscription, true, true);
    check("msg.custom", Service, false, false);
    check("msg.custom", Service, true, true);
    check("msg.custom", MiniProgram, false, true);
    check("ui.menu", Subscription, false, false);
    check("ui.menu", Service, false, true);
    check("user.info", Service, false, false);
    check("web.oauth", Subscription, true, false);
    check("web.oauth", Service, true, true);
    check("msg.template", Subscription, true, false);
    check("pay", Service, true, false);
}

#[test]
fn open_platform_applications_log_users_in_and_nothing_else() {
    use crate::id::{official_account::message::custom, open_platform::sns};
    for kind in [AccountKind::Website, AccountKind::MobileApp] {
        let facts = facts(kind, true);
        let endpoint = |id| crate::endpoint(id).unwrap();
        assert_eq!(check(endpoint(sns::USER_INFO), &facts), Ok(()));
        let denied = check(endpoint(custom::SEND), &facts).unwrap_err();
        assert!(
            denied.remedy_en.contains("verified service accounts"),
            "{denied}"
        );
    }
}

#[test]
fn mass_messages_by_openid_are_for_service_accounts() {
    use crate::id::official_account::message::mass;
    let check = |kind, id| check(crate::endpoint(id).unwrap(), &facts(kind, true)).is_ok();
    assert!(check(AccountKind::Subscription, mass::SEND_ALL));
    assert!(!check(AccountKind::Subscription, mass::SEND));
    assert!(check(AccountKind::Service, mass::SEND));
}

#[test]
fn the_narrower_right_decides_alone() {
    let rows: Vec<_> = rows(&["msg.mass", "msg.mass_openid"])
        .iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(rows, ["msg.mass_openid"]);
}

#[test]
fn a_value_of_the_query_decides_which_right_is_asked() {
    use crate::id::official_account::ticket;
    let ticket = crate::endpoint(ticket::GET_TICKET).unwrap();
    let facts = facts(AccountKind::Subscription, false);
    let asked =
        |kind: &'static str| check_call(ticket, &facts, |name| (name == "type").then_some(kind));
    assert_eq!(asked("jsapi"), Ok(()));
    assert_eq!(asked("wx_card").unwrap_err().right, "js.card");
    assert_eq!(asked("other"), Ok(()));
    assert_eq!(check(ticket, &facts), Ok(()));
}

#[test]
fn an_invoice_is_no_card() {
    use crate::id::official_account::card;
    let rights = |id| crate::endpoint(id).unwrap().permissions.clone();
    assert_eq!(rights(card::CREATE), ["card"]);
    assert_eq!(rights(card::invoice::INSERT), ["invoice"]);
}

#[test]
fn events_and_functions_of_pages_stand_under_rows_too() {
    use crate::event_id::official_account::event;
    let (reader, service) = (
        facts(AccountKind::Subscription, false),
        facts(AccountKind::Service, true),
    );
    assert_eq!(check_event(event::LOCATION, &service), Ok(()));
    assert_eq!(
        check_event(event::LOCATION, &reader).unwrap_err().right,
        "user.location"
    );
    assert_eq!(check_event(event::SUBSCRIBE, &reader), Ok(()));
    assert_eq!(check_js("scanQRCode", &reader), Ok(()));
    assert_eq!(check_js("chooseWXPay", &service), Ok(()));
    assert_eq!(
        check_js("chooseWXPay", &reader).unwrap_err().right,
        "js.pay"
    );
}

#[test]
fn another_state_of_the_table_gives_and_takes() {
    use crate::id::official_account::{custom_service, free_publish};
    let mut reader = facts(AccountKind::Subscription, true);
    let staff = crate::endpoint(custom_service::GET_KF_LIST).unwrap();
    assert!(check(staff, &reader).is_err());
    reader.table = "2025-07.staff";
    assert_eq!(check(staff, &reader), Ok(()));
    let mut unverified = facts(AccountKind::Service, false);
    let submit = crate::endpoint(free_publish::SUBMIT).unwrap();
    assert!(check(submit, &unverified).is_err());
    unverified.table = "2025-06";
    assert_eq!(check(submit, &unverified), Ok(()));
}

proptest! {
    #[test]
    fn an_explicit_switch_always_decides(
        kind in proptest::sample::select(&AccountKind::ALL[..3]),
        verified: bool,
        granted: bool,
    ) {
        let row = row("any");
        let mut facts = facts(kind, verified);
        facts.grants.insert("any".to_owned(), granted);
        prop_assert_eq!(check_rows(&[&row], &facts).is_ok(), granted);
    }
}
