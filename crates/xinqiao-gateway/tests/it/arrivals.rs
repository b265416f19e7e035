//! A verified message is never lost: it is kept as it came, acknowledged, marked, and handed on as far as that
//! is safe, after a restart as before.

use serde_json::Value;
use xinqiao_gateway::{Gateway, StoreAt};
use xinqiao_message::{Message, envelope};
use xinqiao_types::{CallbackMode, Clock as _, SystemClock};

use crate::fake::*;

/// Pushes any bytes, sealed and signed as the platform does.
async fn push_bytes(gateway: &Gateway, bytes: &[u8]) -> Got {
    let keys = platform_keys(CallbackMode::Safe);
    let now = SystemClock.unix().0;
    let sealed = envelope::seal_bytes(&keys, bytes, now, "123456", [1; 16]).unwrap();
    let url = format!(
        "{}/callback/{APPID}?{}",
        gateway.public_origin(),
        sealed.query
    );
    post(&url, sealed.body).await
}

async fn events(gateway: &Gateway) -> Vec<Value> {
    let listed = get(&format!("{}/v1/events", gateway.origin())).await;
    listed.json()["items"].as_array().unwrap().clone()
}

/// Bytes, how they are read, and the rule.
fn cases() -> Vec<(Vec<u8>, &'static str, Option<&'static str>)> {
    let text = |content: &str| text_message(1, content).into_bytes();
    vec![
        (text("plain"), "clean", None),
        (
            text("see <status><![CDATA[ok]]></status> please"),
            "repaired",
            Some("xml.cdata"),
        ),
        (text("a\u{7}b\0"), "repaired", Some("xml.character")),
        (
            [text("a"), b"\0".to_vec()].concat(),
            "repaired",
            Some("xml.character"),
        ),
        (
            text("?")
                .into_iter()
                .map(|byte| if byte == b'?' { 0xc4 } else { byte })
                .collect(),
            "repaired",
            Some("xml.encoding"),
        ),
        (
            text("cut")[..150].to_vec(),
            "unreadable",
            Some("xml.cut_off"),
        ),
        (b"\xff\xfe\x00".to_vec(), "unreadable", Some("xml.syntax")),
        (
            b"{\"MsgType\":\"text\"".to_vec(),
            "unreadable",
            Some("json.syntax"),
        ),
        (
            b"<xml><a>1</a></xml>".to_vec(),
            "unreadable",
            Some("message.untyped"),
        ),
        (
            [
                b"<!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>".to_vec(),
                text("&b;"),
            ]
            .concat(),
            "doctype",
            Some("xml.doctype"),
        ),
    ]
}

#[tokio::test]
async fn what_was_verified_is_kept_marked_and_handed_on() {
    let (platform, _) = platform().await;
    for (bytes, reading, rule) in cases() {
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        let (app_server, app) = app([Say::Success]).await;
        let gateway = start(config(&platform, Some(&app_server))).await;
        for _ in 0..2 {
            let got = push_bytes(&gateway, &bytes).await;
            assert_eq!(
                (got.status, got.text().as_str()),
                (200, "success"),
                "{shown}"
            );
        }
        let events = events(&gateway).await;
        assert_eq!(events.len(), 1, "a repeat is no second event: {shown}");
        let event = &events[0];
        let name = if rule.is_some() {
            reading.into()
        } else {
            Value::Null
        };
        assert_eq!(event["reading"]["name"], name, "{shown}");
        assert_eq!(event["reading"]["rule"].as_str(), rule, "{shown}");
        assert_eq!(event["reading"]["diagnosis"].is_object(), rule.is_some());
        let id = event["id"].as_str().unwrap();
        let one = get(&format!("{}/v1/events/{id}", gateway.origin()))
            .await
            .json();
        assert_eq!(
            one["body"],
            String::from_utf8_lossy(&bytes).as_ref(),
            "kept as it came"
        );
        let done = until(async || {
            let all = deliveries(&gateway).await;
            all.first()
                .filter(|delivery| delivery["state"] != "pending")
                .cloned()
        })
        .await;
        assert_eq!(done["reading"]["rule"].as_str(), rule);
        {
            let state = app.lock().unwrap();
            if reading == "doctype" {
                assert_eq!(
                    (&done["state"], &done["last"]["rule"]),
                    (&"dead".into(), &"delivery.withheld".into())
                );
                assert!(state.bodies.is_empty(), "no app gets a document type");
            } else {
                assert_eq!(done["state"], "delivered", "{shown}: {done}");
                let message = Message::read(bytes);
                assert_eq!(state.bodies, [message.handed_on().unwrap()], "{shown}");
                let mark = rule.map(|rule| format!("{reading}; rule={rule}"));
                assert_eq!(state.readings, [mark.unwrap_or_default()], "{shown}");
                if message.reading().is_read() {
                    assert!(
                        Message::parse(&*state.bodies[0]).is_ok(),
                        "any reader takes it"
                    );
                }
            }
        }
        gateway.shutdown().await;
    }
}

#[tokio::test]
async fn after_a_restart_it_is_handed_on_alike() {
    let (platform, _) = platform().await;
    let folder = tempfile::tempdir().unwrap();
    let reserved = reserved();
    let port = reserved.port;
    let down = serve(axum::Router::new()).await.at(&reserved.origin);
    let mut config = config(&platform, Some(&down));
    config.store = StoreAt::File(folder.path().join("gateway.db"));
    let mut held = Vec::new();
    let gateway = start(config.clone()).await;
    // Together: each waits for the app as long as the platform would.
    let all: Vec<_> = cases().into_iter().enumerate().collect();
    let pushed = all.iter().map(|(at, (bytes, ..))| {
        // Texts are told apart by their id.
        let id = format!("<MsgId>{at}</MsgId>");
        let bytes = match bytes
            .windows(16)
            .position(|found| found == b"<MsgId>1</MsgId>")
        {
            Some(found) => [&bytes[..found], id.as_bytes(), &bytes[found + 16..]].concat(),
            None => bytes.clone(),
        };
        let gateway = &gateway;
        async move {
            assert_eq!(push_bytes(gateway, &bytes).await.text(), "success");
            bytes
        }
    });
    for bytes in futures_util::future::join_all(pushed).await {
        held.extend(Message::read(bytes).handed_on().map(<[u8]>::to_vec));
    }
    assert_eq!(events(&gateway).await.len(), all.len());
    gateway.shutdown().await;
    let app = App::default();
    let _server = app_at(port, app.clone()).await;
    let gateway = start(config).await;
    for delivery in deliveries(&gateway).await {
        let id = delivery["id"].as_str().unwrap();
        let url = format!("{}/v1/deliveries/{id}/retry", gateway.origin());
        assert_eq!(post(&url, "").await.status, 202);
    }
    until(async || (app.lock().unwrap().bodies.len() >= held.len()).then_some(())).await;
    let mut found = app.lock().unwrap().bodies.clone();
    found.sort();
    found.dedup();
    held.sort();
    assert_eq!(found, held);
    let dead = until(async || {
        let all = deliveries(&gateway).await;
        let pending = all.iter().any(|delivery| delivery["state"] == "pending");
        (!pending).then(|| {
            all.into_iter()
                .filter(|each| each["state"] == "dead")
                .collect::<Vec<_>>()
        })
    })
    .await;
    assert_eq!(dead.len(), 1, "only what has a document type");
    gateway.shutdown().await;
}
