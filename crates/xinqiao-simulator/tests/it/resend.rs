//! A callback once more, by hand: as it was or edited, with the keys and the address of now.

use serde_json::{Value, json};
use xinqiao_crypto::AesKey;
use xinqiao_message::envelope::{CallbackQuery, Keys, open};
use xinqiao_testkit::{Recorded, TestApp, TestWorld};
use xinqiao_types::{CallbackMode, CallbackToken, Clock as _, SystemClock};

use crate::{appid, connected, echo, element, shop::Shop};

/// The id of the first delivery of an answer.
fn delivery(answer: &Value) -> &str {
    answer["deliveries"][0]["id"].as_str().unwrap()
}

async fn resend(world: &TestWorld, id: &str, body: Value) -> Value {
    world
        .must("POST", &format!("/deliveries/{id}/resend"), body)
        .await
}

fn last(app: &TestApp) -> Recorded {
    app.pushes().pop().unwrap()
}

#[tokio::test]
async fn a_callback_is_sent_again_with_its_msg_id_and_a_signature_of_its_own() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    echo(&app);
    let first = world.say(&user, appid(&account), "再来一次").await;
    let before = last(&app);
    let answer = resend(&world, delivery(&first), json!({})).await;
    let after = last(&app);
    assert_eq!(answer["resent"], delivery(&first));
    assert_ne!(delivery(&answer), delivery(&first));
    assert_eq!(after.body, before.body);
    assert_ne!(after.query("nonce"), before.query("nonce"));
    assert_ne!(after.query("signature"), before.query("signature"));
    // What the app answers is a reply as any other.
    assert_eq!(answer["deliveries"][0]["reply"]["content"], "你说 再来一次");
    assert_eq!(world.inbox(&user, appid(&account)).await.len(), 2);
    let timeline = world.get("/timeline?after=0").await;
    let rows = timeline["items"]
        .as_array()
        .or(timeline.as_array())
        .unwrap();
    let act = { rows.iter() }
        .find(|row| row["title"]["en"] == "Resends text")
        .unwrap();
    let caused: Vec<&Value> = { rows.iter() }
        .filter(|row| row["cause"] == act["cause"] && row["kind"] == "callback")
        .collect();
    assert_eq!(caused.len(), 1, "it stands below the act: {act}");
}

#[tokio::test]
async fn an_edited_callback_arrives_edited_and_sealed() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "safe").await;
    let first = world.say(&user, appid(&account), "你好").await;
    let plain = first["deliveries"][0]["plain"].as_str().unwrap();
    let edited = plain.replace("你好", "改过了");
    let answer = resend(&world, delivery(&first), json!({"plain": edited})).await;
    let text = |name: &str| account[name].as_str().unwrap().to_owned();
    let keys = Keys::new(CallbackToken::new(text("token")), text("appid"))
        .with_aes_key(&AesKey::parse(&text("aes_key")).unwrap())
        .with_mode(CallbackMode::Safe);
    let push = last(&app);
    let query = CallbackQuery::parse(&push.query);
    let opened = open(&keys, &query, push.body.as_bytes(), SystemClock.unix()).unwrap();
    assert_eq!(String::from_utf8(opened.xml).unwrap(), edited);
    assert_eq!(answer["deliveries"][0]["msg_type"], "text");

    // A message that became an event is told as one.
    let event = plain.replace(
        "<MsgType><![CDATA[text]]></MsgType>",
        "<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[CLICK]]></Event>",
    );
    let answer = resend(&world, delivery(&first), json!({"plain": event})).await;
    assert_eq!(answer["deliveries"][0]["event"], "CLICK");

    // An app should bear what is no message at all.
    let broken = resend(&world, delivery(&first), json!({"plain": "<xml><oops"})).await;
    assert_eq!(broken["deliveries"][0]["plain"], "<xml><oops");
    assert_eq!(broken["deliveries"][0]["msg_type"], "text");
}

#[tokio::test]
async fn a_new_msg_id_makes_it_another_message() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let tricky = "<MsgId>1</MsgId><CreateTime>2</CreateTime>";
    let first = world.say(&user, appid(&account), tricky).await;
    let before = last(&app).body;
    let number = |body: &str| {
        let from = body.rfind("<MsgId>").unwrap() + "<MsgId>".len();
        body[from..].split('<').next().unwrap().to_owned()
    };
    world.advance(100).await;
    let answer = resend(&world, delivery(&first), json!({"msg_id": "new"})).await;
    let after = last(&app).body;
    assert!(after.contains(tricky), "{after}");
    assert_ne!(number(&after), number(&before));
    assert_eq!(number(&after).len(), number(&before).len());
    assert_eq!(answer["deliveries"][0]["msg_id"], number(&after));
    let time = |body: &str| element(body, "CreateTime").parse::<i64>().unwrap();
    assert!(time(&after) >= time(&before) + 100);
    // Once more: every new number is another one.
    resend(&world, delivery(&first), json!({"msg_id": "new"})).await;
    assert_ne!(number(&last(&app).body), number(&after));
}

/// Whatever is drawn: numbers of twenty digits end before all of them are used up, and of one digit there are few.
#[tokio::test]
async fn a_new_number_is_another_one_and_a_number() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let first = world.say(&user, appid(&account), "你好").await;
    let xml = last(&app).body;
    let mut seen = std::collections::BTreeSet::from([u64::MAX, 7]);
    for _ in 0..16 {
        for old in [u64::MAX, 7] {
            let text = json!({"MsgType": "text", "Content": "x", "CreateTime": 1, "MsgId": old});
            let json = json!({"plain": text.to_string(), "msg_id": "new"});
            let answer = resend(&world, delivery(&first), json).await;
            let plain = answer["deliveries"][0]["plain"].as_str().unwrap();
            let sent: Value = serde_json::from_str(plain).unwrap();
            assert!(seen.insert(sent["MsgId"].as_u64().unwrap()), "{plain}");

            let number = element(&xml, "MsgId");
            let text = xml.replace(number, &old.to_string());
            let xml = json!({"plain": text, "msg_id": "new"});
            let answer = resend(&world, delivery(&first), xml).await;
            let plain = answer["deliveries"][0]["plain"].as_str().unwrap();
            let sent: u64 = element(plain, "MsgId").parse().unwrap();
            assert!(seen.insert(sent), "{plain}");
        }
    }
}

#[tokio::test]
async fn an_event_has_a_time_instead_of_a_number() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let gone = json!({"do": "unfollow", "account": appid(&account)});
    let first = world.act(&user, gone).await;
    let before = last(&app).body;
    world.advance(50).await;
    resend(&world, delivery(&first), json!({"msg_id": "new"})).await;
    let after = last(&app).body;
    assert!(!after.contains("MsgId"), "{after}");
    assert_ne!(
        element(&after, "CreateTime"),
        element(&before, "CreateTime")
    );
}

#[tokio::test]
async fn it_goes_where_the_account_listens_now() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let first = world.say(&user, appid(&account), "搬家").await;
    let pushed = app.pushes().len();
    let other = TestApp::start().await;
    let callback = format!("/accounts/{}/callback", appid(&account));
    world
        .must("PUT", &callback, json!({"url": other.url}))
        .await;
    resend(&world, delivery(&first), json!({})).await;
    assert_eq!(app.pushes().len(), pushed);
    assert_eq!(element(&last(&other).body, "Content"), "搬家");
}

#[tokio::test]
async fn a_notice_of_a_payment_is_sealed_and_signed_anew() {
    let shop = Shop::open().await;
    let prepay_id = shop.place("T2026020100001").await;
    let (_, paid) = shop.pay(json!({"jsapi": shop.params(&prepay_id)})).await;
    let before = last(&shop.app);
    resend(&shop.world, delivery(&paid), json!({})).await;
    let after = last(&shop.app);
    assert_ne!(
        after.header("wechatpay-nonce"),
        before.header("wechatpay-nonce")
    );
    let ((first, plain), (second, repeated)) = (shop.opened(&before), shop.opened(&after));
    assert_eq!((&first["id"], plain), (&second["id"], repeated));
}

#[tokio::test]
async fn what_cannot_be_sent_again_is_refused_with_its_reason() {
    let world = TestWorld::start().await;
    let (account, user, app) = connected(&world, "plain").await;
    let first = world.say(&user, appid(&account), "你好").await;
    let pushed = app.pushes().len();
    let path = format!("/deliveries/{}/resend", delivery(&first));
    let unknown = "/deliveries/d99999/resend";
    for (path, body, status, says) in [
        (unknown, json!({}), 404, "d99999"),
        (&path, json!({"plain": " "}), 400, "empty"),
        (
            &path,
            json!({"xml": "<xml/>"}),
            400,
            "known are plain, msg_id",
        ),
        (&path, json!({"msg_id": "other"}), 400, "other"),
        (
            &path,
            json!({"plain": "<xml", "msg_id": "new"}),
            422,
            "MsgId",
        ),
    ] {
        let (got, answer) = world.control("POST", path, body).await;
        assert_eq!(got, status, "{answer}");
        assert!(
            answer["error"]["message"].as_str().unwrap().contains(says),
            "{answer}"
        );
    }
    let gone = format!("/accounts/{}", appid(&account));
    world.control("DELETE", &gone, Value::Null).await;
    let (status, answer) = world.control("POST", &path, json!({})).await;
    assert_eq!(status, 422, "{answer}");
    assert_eq!(app.pushes().len(), pushed, "nothing was sent");
}
