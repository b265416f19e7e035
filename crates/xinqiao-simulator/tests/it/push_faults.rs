//! Faults of callbacks: sent again, lost, late, out of order, signed wrongly, torn.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use xinqiao_crypto::AesKey;
use xinqiao_message::envelope::{CallbackQuery, Keys, open};
use xinqiao_simulator::{Options, Storage};
use xinqiao_testkit::{Recorded, TestApp, TestWorld, Told};
use xinqiao_types::{CallbackMode, CallbackToken, Clock as _, SystemClock};

use crate::{
    appid,
    causes::rows,
    components::{self, Platform},
    connected, echo, element,
    shop::Shop,
    work::{self, Office},
};

/// Orders a fault and gives its id.
async fn order(world: &TestWorld, fault: Value) -> String {
    let made = world.must("POST", "/faults", fault).await;
    made["id"].as_str().unwrap().to_owned()
}

/// How many faults the timeline tells of, each under the cause of a push.
async fn injected(world: &TestWorld) -> usize {
    let rows = rows(world).await;
    let told = rows.iter().filter(|row| {
        let fault = row["diagnosis"]["rule"] == "fault.injected" && row["callback"].is_null();
        assert!(!fault || row["cause"] != "", "{row}");
        fault
    });
    told.count()
}

fn is_genuine(keys: &Keys, push: &Recorded) -> bool {
    let query = CallbackQuery::parse(&push.query);
    open(keys, &query, push.body.as_bytes(), SystemClock.unix()).is_ok()
}

fn keys(account: &Value, mode: CallbackMode) -> Keys {
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    Keys::new(CallbackToken::new(text("token")), text("appid"))
        .with_aes_key(&AesKey::parse(&text("aes_key")).unwrap())
        .with_mode(mode)
}

fn contents(app: &TestApp, from: usize) -> Vec<String> {
    let pushes = app.pushes().split_off(from);
    let content = |push: &Recorded| element(&push.body, "Content").to_owned();
    pushes.iter().map(content).collect()
}

#[tokio::test]
async fn a_push_is_sent_again_though_it_was_answered() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    echo(&app);
    let before = app.pushes().len();
    let fault = json!({"push": "duplicate", "account": appid(&account), "times": 1});
    order(&world, fault).await;
    let said = world.say(&user, appid(&account), "一次").await;
    assert_eq!(said["deliveries"][0]["settled"], true);
    let (first, second) = (app.push(before).await, app.push(before + 1).await);
    assert_eq!(first.body, second.body, "the same MsgId");
    assert_ne!(first.query("nonce"), second.query("nonce"));
    assert!(is_genuine(&keys(&account, CallbackMode::Plain), &second));
    assert_eq!(injected(&world).await, 1);
    world.say(&user, appid(&account), "两次").await;
    let all = contents(&app, before);
    assert_eq!(all, ["一次", "一次", "两次"], "without end it is not");
}

/// What fails is no answer: it is tried again, and the repeat comes after the attempt that is answered.
#[tokio::test]
async fn a_repeat_waits_for_an_answer() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let before = app.pushes().len();
    order(&world, json!({"push": "duplicate", "times": 1})).await;
    app.next(Told::status(500));
    let said = world.say(&user, appid(&account), "一次").await;
    let attempts = said["deliveries"][0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2, "{said}");
    app.push(before + 2).await;
    assert_eq!(contents(&app, before), ["一次", "一次", "一次"]);
    assert_eq!(injected(&world).await, 1);
}

#[tokio::test]
async fn an_attempt_never_leaves_and_the_next_one_does() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let before = app.pushes().len();
    let fault = json!({"push": "drop", "msg_type": "text", "times": 1});
    order(&world, fault).await;
    let said = world.say(&user, appid(&account), "丢").await;
    let attempts = &said["deliveries"][0]["attempts"];
    assert_eq!(attempts[0]["rule"], "fault.injected", "{said}");
    assert_eq!(attempts[1]["status"], 200, "{said}");
    assert_eq!(contents(&app, before), ["丢"]);
    assert_eq!(injected(&world).await, 1);

    // All of them lost: the person waits in vain.
    order(&world, json!({"push": "drop", "times": 3})).await;
    let said = world.say(&user, appid(&account), "都丢").await;
    let attempts = said["deliveries"][0]["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 3);
    assert_eq!(contents(&app, before), ["丢"]);
    let chat = world.inbox(&user, appid(&account)).await;
    assert_eq!(chat.last().unwrap()["via"], "system", "{chat:?}");
}

#[tokio::test]
async fn a_push_leaves_late_by_either_clock() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let before = app.pushes().len();
    order(&world, json!({"push": "late", "delay_ms": 300, "times": 1})).await;
    let begun = Instant::now();
    world.say(&user, appid(&account), "晚").await;
    assert!(begun.elapsed() >= Duration::from_millis(300));
    assert_eq!(contents(&app, before), ["晚"]);

    let fault = json!({"push": "late", "delay_seconds": 60, "times": 1});
    order(&world, fault).await;
    let said = world.say(&user, appid(&account), "更晚").await;
    assert!(said["deliveries"][0]["next_at"].is_i64(), "{said}");
    world.say(&user, appid(&account), "准时").await;
    assert_eq!(contents(&app, before), ["晚", "准时"]);
    world.advance(61).await;
    app.push(before + 2).await;
    assert_eq!(contents(&app, before), ["晚", "准时", "更晚"]);
    assert_eq!(injected(&world).await, 2);
}

#[tokio::test]
async fn a_push_waits_for_the_next_one_of_its_account() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let (other, stranger, _) = connected(&world, "plain").await;
    let before = app.pushes().len();
    let fault = json!({"push": "reorder", "account": appid(&account)});
    let id = order(&world, fault).await;
    let said = world.say(&user, appid(&account), "一").await;
    assert_eq!(said["deliveries"][0]["held"], true, "{said}");
    world.say(&stranger, appid(&other), "别的账号").await;
    assert!(contents(&app, before).is_empty());
    // Two of them do not wait for each other, though the fault has no end.
    world.say(&user, appid(&account), "二").await;
    app.push(before + 1).await;
    assert_eq!(contents(&app, before), ["二", "一"]);
    assert_eq!(injected(&world).await, 1);

    // What is held back outlives the fault.
    world.say(&user, appid(&account), "三").await;
    let path = format!("/faults/{id}");
    world.must("DELETE", &path, Value::Null).await;
    world.say(&user, appid(&account), "四").await;
    app.push(before + 3).await;
    assert_eq!(contents(&app, before), ["二", "一", "四", "三"]);
}

#[tokio::test]
async fn a_signature_is_wrong_in_every_mode() {
    for (name, mode) in [
        ("plain", CallbackMode::Plain),
        ("compat", CallbackMode::Compat),
        ("safe", CallbackMode::Safe),
    ] {
        let world = TestWorld::start().await;
        let (account, user, app) = connected(&world, name).await;
        let own = keys(&account, mode);
        let before = app.pushes().len();
        app.otherwise(move |push| {
            if is_genuine(&own, push) {
                Told::body("success")
            } else {
                Told::status(403)
            }
        });
        order(&world, json!({"push": "wrong_signature", "times": 1})).await;
        let said = world.say(&user, appid(&account), "真的吗").await;
        let attempts = &said["deliveries"][0]["attempts"];
        assert_eq!(attempts[0]["status"], 403, "{name}: {said}");
        assert_eq!(attempts[1]["status"], 200, "{name}: {said}");
        assert_eq!(app.pushes().len(), before + 2);
        assert_eq!(injected(&world).await, 1);
        let rows = rows(&world).await;
        let wrong = { rows.iter() }
            .find(|row| row["signature"]["received"].is_string())
            .unwrap();
        assert_ne!(
            wrong["signature"]["received"],
            wrong["signature"]["expected"]
        );
    }
}

#[tokio::test]
async fn a_body_is_torn() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let before = app.pushes().len();
    let fault = json!({"push": "torn_body", "event": "CLICK", "times": 1});
    order(&world, fault).await;
    // Neither a text nor another event is meant.
    world.say(&user, appid(&account), "完整").await;
    let gone = json!({"do": "unfollow", "account": appid(&account)});
    world.act(&user, gone).await;
    assert_eq!(injected(&world).await, 0);
    let trigger = json!({"event": "CLICK", "account": appid(&account), "user": user});
    world.must("POST", "/trigger", trigger.clone()).await;
    let torn = app.push(before + 2).await.body;
    world.must("POST", "/trigger", trigger).await;
    let whole = app.push(before + 3).await.body;
    assert!(whole.ends_with("</xml>"), "{whole}");
    assert!(!torn.contains("</xml>"), "{torn}");
    assert!(torn.len() + 2 >= whole.len() / 2, "{torn}");
    assert_eq!(injected(&world).await, 1);
}

#[tokio::test]
async fn a_notice_of_a_payment_is_signed_wrongly_then_repeated() {
    let shop = Shop::open().await;
    let prepay_id = shop.place("T2026020100091").await;
    shop.app.otherwise(|_| Told::status(200));
    let fault = json!({"push": "wrong_signature", "account": shop.mchid, "times": 1});
    order(&shop.world, fault).await;
    let fault = json!({"push": "duplicate", "event": "TRANSACTION.SUCCESS", "times": 1});
    order(&shop.world, fault).await;
    shop.app.next(Told::status(401));
    shop.pay(json!({"prepay_id": prepay_id})).await;
    let wrong = shop.app.push(0).await;
    assert_eq!(shop.app.pushes().len(), 1);
    shop.world.advance(16).await;
    let (right, again) = (shop.app.push(1).await, shop.app.push(2).await);
    let (notice, told) = shop.opened(&right);
    assert_eq!(told["trade_state"], "SUCCESS");
    assert_eq!(shop.opened(&again).0["id"], notice["id"]);
    let text = wrong.header("wechatpay-signature");
    assert_eq!(text.len(), right.header("wechatpay-signature").len());
    let signed = xinqiao_crypto::pay_v3::Signed {
        timestamp: wrong.header("wechatpay-timestamp"),
        nonce: wrong.header("wechatpay-nonce"),
        signature: text,
        serial: wrong.header("wechatpay-serial"),
        scheme: wrong.header("wechatpay-signature-type"),
    };
    let now = xinqiao_types::UnixSeconds(crate::shop::now());
    let genuine = shop.ring.verify(&signed, wrong.body.as_bytes(), now);
    assert!(genuine.is_err(), "{genuine:?}");
    assert_eq!(injected(&shop.world).await, 2);
}

#[tokio::test]
async fn a_members_message_is_signed_wrongly_then_torn() {
    let office = Office::open().await;
    let user = office.person("lisi").await;
    let app = work::connected(&office).await;
    let path = format!("/accounts/{}/callback", office.account());
    let saved = json!({"url": app.url});
    office.world.must("PUT", &path, saved).await;
    app.otherwise(|_| Told::status(200));
    let before = app.pushes().len();
    for harm in ["wrong_signature", "torn_body"] {
        let fault = json!({"push": harm, "account": office.account(), "times": 1});
        order(&office.world, fault).await;
        office.world.say(&user, office.account(), "你好").await;
    }
    office.world.say(&user, office.account(), "你好").await;
    let own = work::keys(&office);
    let pushes = app.pushes().split_off(before);
    let genuine: Vec<bool> = pushes.iter().map(|push| is_genuine(&own, push)).collect();
    assert_eq!(genuine, [false, false, true]);
    assert_eq!(injected(&office.world).await, 2);
}

#[tokio::test]
async fn a_ticket_is_lost_then_signed_wrongly() {
    let platform = Platform::start().await;
    let path = format!("/accounts/{}/tickets", platform.id());
    let before = platform.app.pushes().len();
    for harm in ["drop", "wrong_signature"] {
        let fault = json!({
            "push": harm, "account": platform.id(), "msg_type": "component_verify_ticket", "times": 1,
        });
        order(&platform.world, fault).await;
    }
    platform.world.must("POST", &path, json!({})).await;
    let wrong = platform.app.push(before).await;
    assert!(!is_genuine(&components::keys(&platform.component), &wrong));
    platform.world.must("POST", &path, json!({})).await;
    let right = platform.app.pushes().pop().unwrap();
    let xml = components::opened(&platform.component, &right);
    assert_eq!(element(&xml, "InfoType"), "component_verify_ticket");
    assert_eq!(injected(&platform.world).await, 2);
}

#[tokio::test]
async fn faults_of_callbacks_stand_among_the_others() {
    let world = TestWorld::start().await;
    let call = json!({"path": "/cgi-bin/menu/get", "errcode": -1});
    let first = order(&world, call).await;
    let late = json!({"push": "late", "delay_ms": 5, "times": 2});
    let second = order(&world, late).await;
    let listed = world.get("/faults").await;
    let ids: Vec<&Value> = { listed["items"].as_array().unwrap().iter() }
        .map(|fault| &fault["id"])
        .collect();
    assert_eq!(ids, [&json!(first), &json!(second)]);
    assert_eq!(listed["items"][1]["push"], "late");
    assert_eq!(listed["items"][1]["delay_ms"], 5);
    for id in [&first, &second] {
        let path = format!("/faults/{id}");
        world.must("DELETE", &path, Value::Null).await;
        assert_eq!(world.control("DELETE", &path, Value::Null).await.0, 404);
    }
    for wrong in [
        json!({"push": "explode"}),
        json!({"push": "late"}),
        json!({"push": "late", "delay_ms": 1, "delay_seconds": 1}),
        json!({"push": "drop", "delay_ms": 1}),
        json!({"push": "drop", "times": 0}),
        json!({"push": "drop", "path": "/cgi-bin/menu/get"}),
    ] {
        let (status, said) = world.control("POST", "/faults", wrong.clone()).await;
        assert_eq!(status, 400, "{wrong}: {said}");
    }
    let nobody = json!({"push": "drop", "account": "wxnobody"});
    assert_eq!(world.control("POST", "/faults", nobody).await.0, 404);
}

#[tokio::test]
async fn what_a_fault_does_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let start = async || {
        let mut options = Options::default();
        options.storage = Storage::Dir(folder.path().to_owned());
        TestWorld::start_with(options).await
    };
    let world = start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let before = app.pushes().len();
    order(&world, json!({"push": "reorder", "times": 1})).await;
    let left = order(&world, json!({"push": "torn_body", "event": "CLICK"})).await;
    world.say(&user, appid(&account), "一").await;
    world.shutdown().await;

    let world = start().await;
    assert_eq!(world.get("/faults").await["items"][0]["id"], left);
    assert!(contents(&app, before).is_empty(), "it is still held back");
    world.say(&user, appid(&account), "二").await;
    app.push(before + 1).await;
    assert_eq!(contents(&app, before), ["二", "一"]);
}
