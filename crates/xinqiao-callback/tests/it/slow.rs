//! The five-second rule, repeats, and late answers.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use xinqiao_callback::{
    Builder, Callback, LateReply, Message, Reply, events::official_account::message,
};
use xinqiao_types::CallbackMode;

use crate::platform::{builder, say, text};

const MODE: CallbackMode = CallbackMode::Safe;

/// A handler that waits as many milliseconds as the text says, and a list of what came late.
fn slow(calls: &Arc<AtomicU32>, late: &Arc<Mutex<Vec<LateReply>>>) -> Builder {
    let (calls, late) = (Arc::clone(calls), Arc::clone(late));
    builder(MODE)
        .budget(Duration::from_millis(100))
        .on(move |Message(text): Message<message::Text>| {
            let calls = Arc::clone(&calls);
            async move {
                calls.fetch_add(1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(text.content.parse().unwrap())).await;
                Reply::text(text.content)
            }
        })
        .late(move |reply| {
            let late = Arc::clone(&late);
            async move { late.lock().unwrap().push(reply) }
        })
}

struct World {
    callback: Callback,
    calls: Arc<AtomicU32>,
    late: Arc<Mutex<Vec<LateReply>>>,
}

fn world() -> World {
    let (calls, late) = (Arc::default(), Arc::default());
    World {
        callback: slow(&calls, &late).build(),
        calls,
        late,
    }
}

#[tokio::test]
async fn five_second_rule_answers_silence_after_deadline_and_the_rest_comes_late() {
    let world = world();
    let begun = std::time::Instant::now();
    assert_eq!(say(&world.callback, MODE, &text(1, "300")).await, None);
    assert!(
        begun.elapsed() < Duration::from_millis(280),
        "answered within the budget"
    );
    world.callback.drain().await;
    let late = world.late.lock().unwrap().clone();
    assert_eq!(late.len(), 1);
    assert_eq!(late[0].reply, Reply::text("300"));
    assert!(late[0].customer_message().is_some());
}

#[tokio::test]
async fn an_answer_in_time_never_comes_late_too() {
    let world = world();
    assert_eq!(
        say(&world.callback, MODE, &text(1, "0")).await,
        Some(Reply::text("0"))
    );
    world.callback.drain().await;
    assert!(world.late.lock().unwrap().is_empty());
}

#[tokio::test]
async fn three_tries_of_one_message_are_handled_once() {
    let world = world();
    let message = text(7, "40");
    let (first, second, third) = tokio::join!(
        say(&world.callback, MODE, &message),
        say(&world.callback, MODE, &message),
        say(&world.callback, MODE, &message),
    );
    assert_eq!(
        (first, &second),
        (Some(Reply::text("40")), &third),
        "repeats join the first"
    );
    assert_eq!(
        say(&world.callback, MODE, &message).await,
        second,
        "and get what was answered"
    );
    assert_eq!(world.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_repeat_after_silence_stays_silent() {
    let world = world();
    let message = text(7, "150");
    assert_eq!(say(&world.callback, MODE, &message).await, None);
    world.callback.drain().await;
    assert_eq!(say(&world.callback, MODE, &message).await, None);
    assert_eq!(world.calls.load(Ordering::SeqCst), 1);
    assert_eq!(
        world.late.lock().unwrap().len(),
        1,
        "said once, as a customer message"
    );
}

#[tokio::test]
async fn a_dropped_connection_does_not_lose_the_answer() {
    let world = world();
    let message = text(7, "60");
    let callback = world.callback.clone();
    let pushed = message.clone();
    let first = tokio::spawn(async move { say(&callback, MODE, &pushed).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    first.abort();
    let _ = first.await;
    assert_eq!(
        say(&world.callback, MODE, &message).await,
        Some(Reply::text("60"))
    );
    assert_eq!(world.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn two_messages_are_two() {
    let world = world();
    assert_eq!(
        say(&world.callback, MODE, &text(1, "0")).await,
        Some(Reply::text("0"))
    );
    assert_eq!(
        say(&world.callback, MODE, &text(2, "0")).await,
        Some(Reply::text("0"))
    );
    assert_eq!(world.calls.load(Ordering::SeqCst), 2);
}
