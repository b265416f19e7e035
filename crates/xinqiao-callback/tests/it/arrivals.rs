//! A verified message is acknowledged and handed to handlers, whatever it is.

use std::sync::{Arc, Mutex};

use http::Method;
use xinqiao_callback::{Message, Sender, Whole, events::official_account::message};
use xinqiao_message::envelope::seal_bytes;
use xinqiao_types::CallbackMode;

use crate::platform::{NOW, body, builder, keys, request};

const SAFE: CallbackMode = CallbackMode::Safe;

#[tokio::test]
async fn no_verified_message_is_refused() {
    let text = |content: &str| {
        format!(
            "<xml><ToUserName>gh_1</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>\
             <MsgType>text</MsgType><Content><![CDATA[{content}]]></Content><MsgId>1</MsgId></xml>"
        )
    };
    for (bytes, heard) in [
        (text("a]]>b").into_bytes(), &["text a]]>b"][..]),
        (text("a\u{7}").into_bytes(), &["text a\u{fffd}"]),
        (b"<xml><a>".to_vec(), &["unreadable"]),
        (b"{\"MsgType\":".to_vec(), &["unreadable"]),
        (b"\xff\xfe\xfd".to_vec(), &["unreadable"]),
        (b"".to_vec(), &["unreadable"]),
        (format!("<!DOCTYPE a>{}", text("a")).into_bytes(), &[]),
    ] {
        let said = Arc::new(Mutex::new(Vec::new()));
        let (one, two) = (Arc::clone(&said), Arc::clone(&said));
        let callback = builder(SAFE)
            .on(move |Message(text): Message<message::Text>, _: Sender| {
                one.lock().unwrap().push(format!("text {}", text.content));
                async {}
            })
            .on(|_: Sender| async { "nobody is known to have sent it" })
            .on(move |Whole(delivery): Whole| {
                let reading = delivery.message.reading().name();
                two.lock().unwrap().push(reading.to_owned());
                async { "a reply to nobody" }
            })
            .build();
        for _ in 0..2 {
            let sealed = seal_bytes(&keys(SAFE), &bytes, NOW, "1", [2; 16]).unwrap();
            let response = request(&callback, Method::POST, &sealed.query, sealed.body).await;
            assert_eq!(response.status(), 200);
            assert_eq!(body(response).await, "success");
        }
        callback.drain().await;
        assert_eq!(
            *said.lock().unwrap(),
            heard,
            "{}",
            String::from_utf8_lossy(&bytes)
        );
    }
}
