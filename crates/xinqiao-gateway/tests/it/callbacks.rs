//! The path of a callback.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use xinqiao_message::envelope;
use xinqiao_types::{CallbackMode, Clock as _, SystemClock};

use crate::fake::*;

#[tokio::test]
async fn a_message_reaches_the_app_and_its_reply_the_platform() {
    let (platform, _) = platform().await;
    let (app_server, app) = app([Say::Text("hello")]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    let xml = text_message(1, "hi ]]> there");
    let got = push(&gateway, &text_message(1, "你好")).await;
    assert_eq!(got.status, 200, "{}", got.text());
    assert!(
        reply_of(&got).contains("<![CDATA[hello]]>"),
        "{}",
        reply_of(&got)
    );
    let pushed = app.lock().unwrap().pushes.clone();
    assert_eq!(pushed, [text_message(1, "你好")]);
    assert!(!xml.is_empty());
    let done = until(async || {
        deliveries(&gateway)
            .await
            .first()
            .filter(|d| d["state"] != "pending")
            .cloned()
    })
    .await;
    assert_eq!(
        (&done["state"], &done["attempts"]),
        (&"delivered".into(), &1.into())
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn the_url_check_answers_the_echo() {
    let (platform, _) = platform().await;
    let gateway = start(config(&platform, None)).await;
    let keys = platform_keys(CallbackMode::Safe);
    let query = envelope::url_query(&keys, SystemClock.unix().0, "99", "echo-42");
    let got = get(&format!(
        "{}/callback/{APPID}?{query}",
        gateway.public_origin()
    ))
    .await;
    assert_eq!((got.status, got.text().as_str()), (200, "echo-42"));
    assert_eq!(got.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(got.headers["x-content-type-options"], "nosniff");
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_account_without_an_app_answers_success() {
    let (platform, _) = platform().await;
    let gateway = start(config(&platform, None)).await;
    for _ in 0..2 {
        let got = push(&gateway, &text_message(1, "x")).await;
        assert_eq!((got.status, got.text().as_str()), (200, "success"));
    }
    let events = get(&format!("{}/v1/events", gateway.origin())).await.json();
    assert_eq!(
        events["items"].as_array().unwrap().len(),
        1,
        "a repeat is no second event"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_path_of_the_accounts_own_is_an_inlet_too() {
    let (platform, _) = platform().await;
    let mut config = config(&platform, None);
    config.accounts[0].path = Some("/old/entry.php".into());
    let gateway = start(config).await;
    let (query, body) = sealed(&platform_keys(CallbackMode::Safe), &text_message(3, "x"));
    let got = post(
        &format!("{}/old/entry.php?m=wx&{query}", gateway.public_origin()),
        body,
    )
    .await;
    assert_eq!(got.text(), "success");
    gateway.shutdown().await;
}

#[tokio::test]
async fn repeats_join_the_pending_answer_and_later_get_the_stored_one() {
    let (platform, _) = platform().await;
    let (app_server, app) = app([Say::Late(Duration::from_millis(600), "once")]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    let xml = text_message(7, "x");
    let (one, two) = tokio::join!(push(&gateway, &xml), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        push(&gateway, &xml).await
    });
    assert!(reply_of(&one).contains("once") && reply_of(&two).contains("once"));
    let later = push(&gateway, &xml).await;
    assert!(reply_of(&later).contains("once"));
    assert_eq!(app.lock().unwrap().pushes.len(), 1, "one delivery");
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_slow_app_gets_one_delivery_and_the_platform_an_answer_in_time() {
    let (platform, _) = platform().await;
    let (app_server, app) = app([Say::Late(Duration::from_secs(6), "too late")]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    let begun = Instant::now();
    let got = push(&gateway, &text_message(8, "慢")).await;
    assert_eq!(got.text(), "success");
    assert!(
        begun.elapsed() < Duration::from_millis(4_800),
        "{:?}",
        begun.elapsed()
    );
    let done = until(async || {
        deliveries(&gateway)
            .await
            .first()
            .filter(|d| d["state"] != "pending")
            .cloned()
    })
    .await;
    assert_eq!(
        (&done["state"], &done["attempts"]),
        (&"late".into(), &1.into())
    );
    assert_eq!(done["last"]["rule"], "callback.slow");
    assert_eq!(app.lock().unwrap().pushes.len(), 1);
    let again = push(&gateway, &text_message(8, "慢")).await;
    assert_eq!(again.text(), "success", "the settled answer stays");
    gateway.shutdown().await;
}

#[tokio::test]
async fn a_failing_app_is_tried_again_while_the_platform_waits() {
    let (platform, _) = platform().await;
    let (app_server, app) =
        app([Say::Status(502), Say::Status(500), Say::Text("third time")]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    let got = push(&gateway, &text_message(9, "x")).await;
    assert!(reply_of(&got).contains("third time"));
    assert_eq!(app.lock().unwrap().pushes.len(), 3);
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_apps_redirect_is_not_followed() {
    let (platform, _) = platform().await;
    let (asked, followed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counter = |count: &Arc<AtomicUsize>, statuses: &'static [u16], location: String| {
        let count = Arc::clone(count);
        axum::Router::new().fallback(move || {
            let status = statuses[count.fetch_add(1, Ordering::Relaxed) % statuses.len()];
            let status = axum::http::StatusCode::from_u16(status).unwrap();
            std::future::ready((status, [("location", location.clone())]))
        })
    };
    let elsewhere = serve(counter(&followed, &[200], String::new())).await;
    let location = format!("{}/elsewhere", elsewhere.origin);
    let redirecting = serve(counter(&asked, &[301, 302, 303, 307, 308], location)).await;
    let gateway = start(config(&platform, Some(&redirecting))).await;
    let (one, other) = (text_message(1, "x"), text_message(2, "x"));
    let (one, other) = tokio::join!(push(&gateway, &one), push(&gateway, &other));
    assert_eq!(followed.load(Ordering::Relaxed), 0);
    assert_eq!(
        (one.text(), other.text()),
        ("success".into(), "success".into())
    );
    assert!(
        asked.load(Ordering::Relaxed) >= 5,
        "{asked:?} of five statuses"
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_app_that_is_down_gets_the_event_later() {
    let (platform, _) = platform().await;
    let reserved = reserved();
    let origin = reserved.origin.clone();
    let mut config = config(&platform, None);
    let mut down = app_config(&serve(axum::Router::new()).await);
    down.url = format!("{origin}/wx");
    config.apps.push(down);
    let gateway = start(config).await;
    let begun = Instant::now();
    let got = push(&gateway, &text_message(10, "x")).await;
    assert_eq!(got.text(), "success");
    assert!(begun.elapsed() < Duration::from_millis(4_800));
    let delivery = until(async || {
        deliveries(&gateway)
            .await
            .first()
            .filter(|d| d["attempts"] != 0)
            .cloned()
    })
    .await;
    assert_eq!(
        (&delivery["state"], &delivery["last"]["rule"]),
        (&"pending".into(), &"app.unreachable".into())
    );
    gateway.shutdown().await;
}

#[tokio::test]
async fn an_illegal_reply_is_named_and_not_passed_on() {
    let (platform, _) = platform().await;
    let (app_server, _) = app([Say::Raw("<html>oops</html>")]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    let got = push(&gateway, &text_message(11, "x")).await;
    assert_eq!(got.text(), "success");
    let done = until(async || {
        deliveries(&gateway)
            .await
            .first()
            .filter(|d| d["state"] != "pending")
            .cloned()
    })
    .await;
    assert_eq!(done["state"], "delivered");
    let rule = done["last"]["rule"].as_str().unwrap();
    assert!(rule.starts_with("reply."), "{done}");
    gateway.shutdown().await;
}

#[tokio::test]
async fn watchers_get_copies_and_their_replies_are_not_used() {
    let (platform, _) = platform().await;
    let (primary, _) = app([Say::Text("primary")]).await;
    let (watching, watcher) = app([Say::Text("watcher")]).await;
    let mut config = config(&platform, Some(&primary));
    let mut second = app_config(&watching);
    second.name = "audit".into();
    second.watch = std::mem::take(&mut second.accounts);
    config.apps.push(second);
    let gateway = start(config).await;
    let got = push(&gateway, &text_message(12, "x")).await;
    assert!(reply_of(&got).contains("primary"));
    until(async || (watcher.lock().unwrap().pushes.len() == 1).then_some(())).await;
    gateway.shutdown().await;
}

#[tokio::test]
async fn compat_mode_is_opened_and_answered_encrypted() {
    let (platform, _) = platform().await;
    let (app_server, _) = app([Say::Text("hello")]).await;
    let mut config = config(&platform, Some(&app_server));
    config.accounts[0].mode = CallbackMode::Compat;
    let gateway = start(config).await;
    let (query, body) = sealed(&platform_keys(CallbackMode::Compat), &text_message(13, "x"));
    let got = post(
        &format!("{}/callback/{APPID}?{query}", gateway.public_origin()),
        body,
    )
    .await;
    assert!(reply_of(&got).contains("hello"));
    gateway.shutdown().await;
}

#[tokio::test]
async fn the_aes_key_before_a_change_still_opens() {
    let (platform, _) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let mut config = config(&platform, None);
    config.store = xinqiao_gateway::StoreAt::File(folder.path().join("gateway.db"));
    start(config.clone()).await.shutdown().await;
    config.accounts[0].aes_key = Some(APP_AES_KEY.into());
    for _ in 0..2 {
        let gateway = start(config.clone()).await;
        // The platform goes on with the old key for a while after the console says that it changed.
        let got = push(&gateway, &text_message(21, "x")).await;
        assert_eq!((got.status, got.text().as_str()), (200, "success"));
        gateway.shutdown().await;
    }
}

#[tokio::test]
async fn a_platform_that_hangs_up_loses_nothing() {
    let (platform, _) = platform().await;
    let (app_server, app) = app([Say::Late(Duration::from_millis(400), "heard")]).await;
    let gateway = start(config(&platform, Some(&app_server))).await;
    let (query, body) = sealed(&platform_keys(CallbackMode::Safe), &text_message(22, "x"));
    let url = format!("{}/callback/{APPID}?{query}", gateway.public_origin());
    let hasty = client()
        .post(url)
        .body(body)
        .timeout(Duration::from_millis(150))
        .send()
        .await;
    assert!(hasty.is_err(), "the platform hung up");
    until(async || {
        let all = deliveries(&gateway).await;
        all.first().filter(|d| d["state"] == "delivered").cloned()
    })
    .await;
    let repeat = push(&gateway, &text_message(22, "x")).await;
    assert!(reply_of(&repeat).contains("heard"));
    assert_eq!(app.lock().unwrap().pushes.len(), 1);
    gateway.shutdown().await;
}
