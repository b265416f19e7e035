//! Messages and events reach their handlers, and replies come back, in all three modes.

use http::Method;
use proptest::prelude::*;
use xinqiao_callback::{
    Account, Callback, Event, Message, Reply, Sender, Whole,
    events::official_account::{event as happens, message},
};
use xinqiao_crypto::AesKey;
use xinqiao_message::envelope::{Keys, OpenedReply, Push, Wrapping, open_reply, seal_push};
use xinqiao_types::{CallbackMode, CorpId, ManualClock};

use crate::platform::{
    AES_KEY, APPID, GH, NOW, OPENID, TOKEN, body, builder, event, handshake, keys, request, say,
    text,
};

const MODES: [CallbackMode; 3] = [
    CallbackMode::Plain,
    CallbackMode::Compat,
    CallbackMode::Safe,
];

#[tokio::test]
async fn the_url_check_gets_its_echo() {
    let callback = builder(CallbackMode::Safe).build();
    let query = handshake("7181692348710973");
    let response = request(&callback, Method::GET, &query, "").await;
    assert_eq!(response.status(), 200);
    assert!(
        response.headers()["content-type"]
            .to_str()
            .unwrap()
            .starts_with("text/plain")
    );
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    assert_eq!(body(response).await, "7181692348710973");
}

#[tokio::test]
async fn a_text_is_echoed_in_all_modes() {
    for mode in MODES {
        let callback = builder(mode)
            .on(|Message(text): Message<message::Text>| async move {
                Reply::text(format!("你说：{}", text.content))
            })
            .build();
        let reply = say(&callback, mode, &text(1, "你好 ]]> <b>")).await;
        assert_eq!(reply, Some(Reply::text("你说：你好 ]]> <b>")), "{mode}");
    }
}

#[tokio::test]
async fn the_first_handler_that_fits_is_called() {
    let callback = builder(CallbackMode::Safe)
        .on(|Message(_): Message<message::Image>| async { "an image" })
        .on(
            |Event(click): Event<happens::Click>, Sender(openid): Sender| async move {
                format!("{} by {openid}", click.event_key)
            },
        )
        .on(
            |Event(_): Event<happens::Subscribe>, Account(account): Account| async move {
                Reply::text(account)
            },
        )
        .on(|Whole(delivery): Whole| async move { delivery.message.msg_type().to_owned() })
        .build();
    let mode = CallbackMode::Safe;
    let mut click = happens::Click::default();
    click.event_key = "K".into();
    let click = event(&click);
    assert_eq!(
        say(&callback, mode, &click).await,
        Some(Reply::text(format!("K by {OPENID}")))
    );
    let follow = event(&happens::Subscribe::default());
    assert_eq!(say(&callback, mode, &follow).await, Some(Reply::text(GH)));
    assert_eq!(
        say(&callback, mode, &text(1, "x")).await,
        Some(Reply::text("text"))
    );
}

#[tokio::test]
async fn what_no_handler_wants_is_received_in_silence() {
    let callback = builder(CallbackMode::Safe)
        .on(|Message(_): Message<message::Image>| async { "an image" })
        .build();
    assert_eq!(
        say(&callback, CallbackMode::Safe, &text(1, "x")).await,
        None
    );
}

#[tokio::test]
async fn nothing_to_say_is_silence_and_never_an_empty_text() {
    let mode = CallbackMode::Safe;
    let callback = builder(mode)
        .on(|Message(text): Message<message::Text>| async move {
            match text.content.as_str() {
                "empty" => Some(String::new()),
                "none" => None,
                other => Some(other.to_owned()),
            }
        })
        .on(|Message(_): Message<message::Image>| async { Reply::text("") })
        .build();
    assert_eq!(say(&callback, mode, &text(1, "empty")).await, None);
    assert_eq!(say(&callback, mode, &text(2, "none")).await, None);
    assert_eq!(
        say(&callback, mode, &text(3, "a")).await,
        Some(Reply::text("a"))
    );
}

#[tokio::test]
async fn a_failing_or_panicking_handler_is_silence() {
    let mode = CallbackMode::Safe;
    let callback = builder(mode)
        .on(|Message(text): Message<message::Text>| async move {
            assert_ne!(text.content, "panic");
            Err::<Reply, _>(std::io::Error::other("broken"))
        })
        .build();
    assert_eq!(say(&callback, mode, &text(1, "error")).await, None);
    assert_eq!(say(&callback, mode, &text(2, "panic")).await, None);
}

#[tokio::test]
async fn it_is_five_lines_in_axum() {
    let callback = builder(CallbackMode::Plain)
        .on(|Message(text): Message<message::Text>| async move { Reply::text(text.content) })
        .build();
    let _app: axum::Router = axum::Router::new().route_service("/wx", callback);
}

/// A change of contacts, a suite's ticket, an authorization, a shop's order: whatever product pushes it.
#[tokio::test]
async fn a_handler_names_what_it_wants_of_any_product() {
    use std::sync::{Arc, Mutex};

    use xinqiao_callback::{
        Pushed,
        events::{channels, open_platform, work},
    };

    let around = |fields: &str| {
        format!(
            "<xml><ToUserName>ww1</ToUserName><FromUserName>sys</FromUserName><CreateTime>1</CreateTime>{fields}</xml>"
        )
    };
    let said = Arc::new(Mutex::new(Vec::new()));
    let note = |line: &Arc<Mutex<Vec<String>>>| {
        let lines = Arc::clone(line);
        move |what: String| lines.lock().unwrap().push(what)
    };
    let (one, two, three, four) = (note(&said), note(&said), note(&said), note(&said));
    let callback = builder(CallbackMode::Safe)
        .on(move |Event(change): Event<work::event::ChangeContact>| {
            one(format!(
                "{:?} {:?} {:?}",
                change.department, change.alias, change.name
            ));
            async {}
        })
        .on(move |Event(ticket): Event<work::info::SuiteTicket>| {
            two(ticket.suite_ticket);
            async {}
        })
        .on(
            move |Event(granted): Event<open_platform::info::Authorized>| {
                three(granted.authorizer_appid.to_string());
                async {}
            },
        )
        .on(move |Pushed(push): Pushed<channels::Push>| {
            four(match push {
                channels::Push::AfterSaleNewOrder(order) => order.event,
                other => format!("{}", matches!(other, channels::Push::Other(_))),
            });
            async {}
        })
        .build();
    for plain in [
        around(
            "<MsgType>event</MsgType><Event>change_contact</Event><ChangeType>update_user</ChangeType>\
             <Department>6,1</Department><Alias></Alias>",
        ),
        "<xml><SuiteId>s</SuiteId><InfoType>suite_ticket</InfoType><TimeStamp>1</TimeStamp>\
         <SuiteTicket>t1</SuiteTicket></xml>"
            .to_owned(),
        "<xml><AppId>c</AppId><CreateTime>1</CreateTime><InfoType>authorized</InfoType>\
         <AuthorizerAppid>wx7</AuthorizerAppid></xml>"
            .to_owned(),
        around("<MsgType>event</MsgType><Event>aftersale_new_order</Event>"),
        around("<MsgType>event</MsgType><Event>brand_new</Event>"),
    ] {
        let push = Push {
            plain: &plain,
            to_user_name: "gh_1",
            openid: "",
        };
        let sealed = seal_push(&keys(CallbackMode::Safe), &push, NOW, "1", [7; 16]).unwrap();
        let response = request(&callback, Method::POST, &sealed.query, sealed.body).await;
        assert_eq!(body(response).await, "success");
    }
    callback.drain().await;
    let heard = said.lock().unwrap().clone();
    let want = [
        "Some([6, 1]) Some(\"\") None",
        "t1",
        "wx7",
        "aftersale_new_order",
        "true",
    ];
    assert_eq!(heard, want);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_text_survives_the_round_trip(content in "[^\\x00-\\x1f\\x7f]{1,80}", mode in 0_usize..3) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let said = runtime.block_on(async {
            let callback = builder(MODES[mode])
                .on(|Message(text): Message<message::Text>| async move { text.content })
                .build();
            say(&callback, MODES[mode], &text(1, &content)).await
        });
        prop_assert_eq!(said, Some(Reply::text(content)));
    }
}

/// Row by row: XML in XML, JSON in JSON, a bot's JSON with small letters; for whom the push was sealed.
#[tokio::test]
async fn a_reply_comes_in_the_form_of_its_push() {
    let key = AesKey::parse(AES_KEY).unwrap();
    let provider = CorpId::new("wwprovider");
    let safe = |id: &str| Keys::new(TOKEN.into(), id).with_aes_key(&key);
    let suite = Keys::work_suite(TOKEN.into(), &key, "ww-suite", &provider);
    let xml = "<xml><ToUserName>ww1</ToUserName><FromUserName>u</FromUserName><CreateTime>1</CreateTime>\
               <MsgType>text</MsgType><Content>a</Content><MsgId>1</MsgId></xml>";
    let json = r#"{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1,"MsgType":"text","Content":"a","MsgId":1}"#;
    let bot = r#"{"msgid":"m1","aibotid":"aibX","from":{"userid":"u1"},"msgtype":"text","text":{"content":"a"}}"#;
    for (keys, by, plain, wrapping) in [
        (safe(APPID), safe(APPID), xml, Wrapping::Xml),
        (safe(APPID), safe(APPID), json, Wrapping::Json),
        (safe(""), safe(""), bot, Wrapping::LowerJson),
        (suite, safe("ww1"), xml, Wrapping::Xml),
    ] {
        let callback = Callback::with_keys(keys)
            .clock(ManualClock::at(NOW))
            .on(|Message(_): Message<message::Text>| async { Reply::text("好") })
            .build();
        let push = Push {
            plain,
            to_user_name: "gh_1",
            openid: "",
        };
        let sealed = seal_push(&by, &push, NOW, "1", [7; 16]).unwrap();
        let response = request(&callback, Method::POST, &sealed.query, sealed.body).await;
        assert_eq!(
            response.headers()["content-type"].to_str().unwrap(),
            format!("{}; charset=utf-8", wrapping.form().content_type())
        );
        let answer = body(response).await;
        assert_eq!(Wrapping::of(answer.as_bytes()), wrapping, "{answer}");
        let OpenedReply::Sealed(reply) = open_reply(&by, answer.as_bytes()).unwrap() else {
            panic!("{answer}")
        };
        assert_eq!(Wrapping::of(&reply), wrapping);
        assert!(String::from_utf8(reply).unwrap().contains('好'));
    }
}
