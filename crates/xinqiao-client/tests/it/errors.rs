//! What errors and answers say, and what they keep to themselves.

use serde_json::json;
use xinqiao_client::{Error, Language, Policy, TransportReason};

use crate::platform::{Platform, Script};

const USER: &str = "official_account.user.info";
const SEND: &str = "official_account.message.custom.send";

async fn failed(script: Script, endpoint: &str) -> Error {
    let platform = Platform::new();
    platform.script([script]);
    let client = platform.builder().policy(Policy::NEVER).build().unwrap();
    let call = client.call(endpoint, json!({"openid": "o1", "touser": "o1"}));
    call.await.unwrap_err()
}

#[tokio::test]
async fn a_code_brings_meaning_remedy_and_trace_and_its_short_form_stays_one_line() {
    let answer = json!({"errcode": 45015, "errmsg": "response out of time limit rid: 5f3203f9-4c55380f-4b88cfd4"});
    let error = failed(Script::Json(answer), SEND).await;
    assert_eq!(error.to_string().lines().count(), 1);
    let long = format!("{error:#}");
    let lines: Vec<_> = long.lines().collect();
    assert_eq!(lines[0], error.to_string());
    assert!(
        lines[1].starts_with("rule: OUT_OF_RESPONSE_WINDOW (45015)"),
        "{long}"
    );
    assert!(lines[2].starts_with("cause: "), "{long}");
    assert!(
        lines.iter().any(|line| line.starts_with("remedy: ")),
        "{long}"
    );
    assert!(lines.contains(&"rid: 5f3203f9-4c55380f-4b88cfd4"), "{long}");

    let chinese = error.explain(Language::Chinese);
    assert!(
        !chinese.cause.is_ascii() && !chinese.remedy[0].is_ascii(),
        "{chinese}"
    );
    assert!(chinese.to_string().starts_with("规则："));
}

#[tokio::test]
async fn a_lost_answer_says_that_the_call_may_have_acted() {
    let error = failed(Script::Lost, SEND).await;
    assert!(matches!(error, Error::Transport { sent: true, .. }));
    let told = error.explain(Language::English);
    assert!(told.may_have_acted && !told.remedy.is_empty());
    let error = failed(Script::Unreachable, SEND).await;
    let told = error.explain(Language::English);
    assert!(!told.may_have_acted && told.rule == "call.connect");
}

#[tokio::test]
async fn an_answer_of_another_shape_is_placed() {
    let error = failed(Script::Bytes("application/json", b"{\"a\":[1,}"), USER).await;
    assert_eq!(error.rule(), "answer.mismatch");
    let told = error.explain(Language::English);
    assert!(
        told.place
            .as_ref()
            .is_some_and(|place| place.contains("byte")),
        "{told:?}"
    );
    assert!(format!("{error:#}").contains("\nat: "));
}

#[test]
fn every_error_has_a_rule_with_words_in_both_languages() {
    let reasons = [
        TransportReason::Connect,
        TransportReason::Timeout,
        TransportReason::TooLarge,
        TransportReason::Broken,
        TransportReason::Status(502),
    ];
    let endpoint = USER;
    let mut errors: Vec<Error> = reasons
        .map(|reason| Error::Transport {
            endpoint,
            host: "h".into(),
            reason,
            source: "s".into(),
            sent: true,
        })
        .into();
    errors.push(Error::Decode {
        endpoint,
        path: "a".into(),
        source: "s".into(),
    });
    errors.push(Error::Fields {
        endpoint,
        fields: Box::default(),
    });
    errors.push(Error::Credential {
        endpoint,
        reason: "r".into(),
    });
    errors.push(Error::Write {
        endpoint,
        source: std::io::Error::other("s"),
    });
    errors.push(Error::Config("c".into()));
    for error in errors {
        for language in [Language::English, Language::Chinese] {
            let told = error.explain(language);
            assert!(
                !told.cause.is_empty() && !told.remedy.is_empty(),
                "{}",
                told.rule
            );
        }
    }
}

#[tokio::test]
async fn a_raw_answer_shows_its_fields_and_no_secret() {
    let platform = Platform::new();
    platform.script([Script::Json(json!({
        "subscribe": 1, "openid": "o-hidden", "nickname": "n-hidden", "language": "zh_CN",
        "unheard_of": "u-hidden", "remark": "vip",
    }))]);
    let client = platform.client();
    let answer = client.call(USER, json!({"openid": "o1"})).answer().await;
    let shown = format!("{:?}", answer.unwrap());
    assert!(
        shown.contains("zh_CN") && shown.contains("\"subscribe\":1"),
        "{shown}"
    );
    assert!(
        shown.contains("\"openid\":\"***\"") && !shown.contains("hidden"),
        "{shown}"
    );
}

#[tokio::test]
async fn a_call_that_is_made_once_is_not_repeated() {
    for once in [true, false] {
        let platform = Platform::new();
        platform.script([Script::Lost, Script::Json(json!({"subscribe": 0}))]);
        let call = platform.client().call(USER, json!({"openid": "o1"}));
        let call = if once { call.once() } else { call };
        assert_eq!(
            call.await.is_err(),
            once,
            "reads are repeated unless asked for once"
        );
    }
}
