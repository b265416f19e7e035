//! When tokens are fetched, renewed and left alone.

use proptest::prelude::*;
use serde_json::json;
use xinqiao_client::{Error, token::StaticToken};

use crate::platform::{Platform, Script};

const GET_MENU: &str = "official_account.menu.get";
const MENU: &str = r#"{"menu":{"button":[]}}"#;

async fn call(client: &xinqiao_client::Client) -> Result<serde_json::Value, Error> {
    client.call(GET_MENU, json!({})).await
}

#[tokio::test]
async fn fifty_calls_at_once_fetch_one_token() {
    let platform = Platform::new();
    let client = platform.client();
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(platform.with(|state| state.fetches), 1);
}

#[tokio::test]
async fn an_expired_token_is_renewed_once_and_the_call_succeeds() {
    let platform = Platform::new();
    let client = platform.client();
    call(&client).await.unwrap();
    // The platform's clock runs ahead of the client's: only the refusal tells.
    platform.with(|state| state.valid.iter_mut().for_each(|(_, end)| *end = 0));
    call(&client).await.unwrap();
    assert_eq!(platform.with(|state| (state.fetches, state.forced)), (2, 0));
}

#[tokio::test]
async fn many_refusals_of_one_token_renew_it_once() {
    let platform = Platform::new();
    let client = platform.client();
    call(&client).await.unwrap();
    platform.with(|state| state.valid.clear());
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client).await })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    assert_eq!(platform.with(|state| state.fetches), 2);
}

#[tokio::test]
async fn a_missing_right_never_leads_to_a_new_token() {
    let platform = Platform::new();
    let client = platform.client();
    platform.script([Script::Json(
        json!({"errcode": 48001, "errmsg": "api unauthorized"}),
    )]);
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.code().unwrap().0, 48001);
    assert_eq!(
        platform.with(|state| (state.fetches, state.calls.len())),
        (1, 1)
    );
}

#[tokio::test]
async fn a_token_that_is_replaced_before_its_end_costs_nobody_a_failure() {
    let platform = Platform::new();
    let client = platform.client();
    call(&client).await.unwrap();
    platform.with(|state| state.clock.advance(7200 - 200));
    call(&client).await.unwrap();
    assert_eq!(platform.with(|state| (state.fetches, state.issued)), (2, 2));
    let tokens: Vec<String> =
        platform.with(|state| state.calls.iter().map(|call| call.url.clone()).collect());
    assert!(tokens[1].contains("80_token2"));
}

#[tokio::test]
async fn an_old_token_serves_while_the_next_cannot_be_fetched() {
    let platform = Platform::new();
    let client = platform.client();
    call(&client).await.unwrap();
    platform.with(|state| {
        state.clock.advance(7200 - 200);
        state.token_fails = true;
    });
    call(&client).await.unwrap();
    platform.with(|state| state.clock.advance(300));
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.code().unwrap().0, -1, "{error}");
}

#[tokio::test]
async fn a_platform_that_insists_on_a_dead_token_is_forced_once_in_thirty_seconds() {
    let platform = Platform::new();
    let client = platform.client();
    call(&client).await.unwrap();
    platform.with(|state| state.stubborn = true);
    call(&client).await.unwrap();
    assert_eq!(platform.with(|state| state.forced), 1);

    platform.with(|state| state.stubborn = true);
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.code().unwrap().0, 40001);
    assert_eq!(platform.with(|state| state.forced), 1, "30 s must pass");

    platform.with(|state| state.clock.advance(31));
    call(&client).await.unwrap();
    assert_eq!(platform.with(|state| state.forced), 2);
}

#[tokio::test]
async fn forced_refreshes_keep_to_their_daily_budget() {
    let platform = Platform::new();
    let client = platform.client();
    call(&client).await.unwrap();
    for _ in 0..25 {
        platform.with(|state| {
            state.stubborn = true;
            state.clock.advance(31);
        });
        let _ = call(&client).await;
    }
    assert_eq!(
        platform.with(|state| state.forced),
        20,
        "`token.force_budget`"
    );
}

#[tokio::test]
async fn a_storm_of_foreign_refreshes_is_capped() {
    let platform = Platform::new();
    let client = platform.client();
    let mut failures = 0;
    for _ in 0..20 {
        platform.with(|state| state.valid.clear());
        failures += u32::from(call(&client).await.is_err());
    }
    assert!(
        platform.with(|state| state.fetches) <= 7,
        "five renewals a minute"
    );
    assert!(failures >= 13);
    platform.with(|state| state.clock.advance(60));
    call(&client).await.unwrap();
}

#[tokio::test]
async fn a_static_token_is_never_renewed() {
    let platform = Platform::new();
    let client = platform
        .builder()
        .tokens(StaticToken::new("80_given"))
        .build()
        .unwrap();
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.code().unwrap().0, 40001);
    assert_eq!(
        platform.with(|state| (state.fetches, state.calls.len())),
        (0, 1)
    );
}

#[tokio::test]
async fn a_wrong_secret_is_said_and_not_repeated() {
    let platform = Platform::new();
    let client = platform.builder().secret("wrong").build().unwrap();
    let error = call(&client).await.unwrap_err();
    assert_eq!(error.code().unwrap().0, 40125);
    assert_eq!(error.endpoint(), "official_account.base.stable_token");
    assert_eq!(platform.with(|state| state.fetches), 1);
}

#[tokio::test]
async fn a_cancelled_fetch_does_not_block_the_next() {
    let platform = Platform::new();
    let client = platform.client();
    let first = client.clone();
    let fetching = tokio::spawn(async move { call(&first).await });
    tokio::task::yield_now().await;
    fetching.abort();
    let _ = fetching.await;
    call(&client).await.unwrap();
}

#[derive(Debug, Clone)]
enum Step {
    Call,
    Together(u8),
    Wait(u16),
    Kill,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Call),
        2 => (2_u8..6).prop_map(Step::Together),
        3 => (0_u16..4000).prop_map(Step::Wait),
        1 => Just(Step::Kill),
    ];
    proptest::collection::vec(step, 1..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever happens to tokens, every call succeeds, and each fetch has a reason.
    #[test]
    fn every_call_succeeds_and_each_fetch_has_a_reason(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let platform = Platform::new();
            platform.with(|state| state.script.clear());
            let client = platform.client();
            let mut reasons = 1;
            for step in steps {
                match step {
                    Step::Call => { call(&client).await.unwrap(); }
                    Step::Together(number) => {
                        let calls: Vec<_> = (0..number)
                            .map(|_| {
                                let client = client.clone();
                                tokio::spawn(async move { call(&client).await })
                            })
                            .collect();
                        for call in calls {
                            call.await.unwrap().unwrap();
                        }
                    }
                    Step::Wait(seconds) => platform.with(|state| {
                        let before = state.clock_now();
                        state.clock.advance(seconds.into());
                        let after = state.clock_now();
                        // Passing the margin before an end is a reason, and so is passing the end.
                        let passed = state.valid.iter().any(|(_, end)| {
                            let margin = end - 240;
                            (before < margin && margin <= after) || (before < *end && *end <= after)
                        });
                        reasons += u32::from(passed);
                    }),
                    Step::Kill => platform.with(|state| {
                        // Slower than the cap on renewals.
                        state.clock.advance(60);
                        state.valid.clear();
                        reasons += 1;
                    }),
                }
                let fetches = platform.with(|state| state.fetches);
                assert!(fetches <= reasons, "{fetches} fetches for {reasons} reasons");
            }
            assert_eq!(platform.with(|state| state.forced), 0);
        });
    }
}

#[tokio::test]
async fn the_answer_comes_through() {
    let platform = Platform::new();
    platform.script([Script::Json(serde_json::from_str(MENU).unwrap())]);
    let menu = call(&platform.client()).await.unwrap();
    assert_eq!(menu.to_string(), MENU);
}
