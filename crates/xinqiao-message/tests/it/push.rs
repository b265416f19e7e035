//! What the platform makes of an app's answers.

use std::time::Duration;

use xinqiao_crypto::AesKey;
use xinqiao_message::{
    Message,
    envelope::{Keys, Wrapping, seal_reply, seal_reply_as},
    push::{Answer, Attempts, Context, GaveUp, Judgement, Next, Outcome, Policy, Speaker, judge},
    reply::{Article, BotReply, Reply, decode_as, encode, encode_for},
};
use xinqiao_types::{CallbackMode, UnixSeconds};

const APPID: &str = "wx5823bf96d3bd56c7";

fn keys() -> Keys {
    Keys::new("token".into(), APPID).with_aes_key(&AesKey::from_bytes([1; 32]))
}

fn judged(keys: &Keys, speaker: Speaker, status: u16, body: &[u8]) -> Judgement {
    let context = Context {
        keys,
        openid: "o1",
        account: "gh_1",
        speaker,
        wrapping: Wrapping::Xml,
    };
    judge(
        &context,
        &Answer {
            status,
            content_type: Some("text/xml"),
            body,
        },
    )
}

fn judge_plain(body: &str) -> Judgement {
    let keys = Keys::new("token".into(), APPID);
    judged(
        &keys,
        Speaker::OfficialAccountToMessage,
        200,
        body.as_bytes(),
    )
}

fn judge_safe(body: &str) -> Judgement {
    judged(
        &keys(),
        Speaker::OfficialAccountToMessage,
        200,
        body.as_bytes(),
    )
}

fn seal(keys: &Keys, xml: &str) -> String {
    seal_reply(keys, CallbackMode::Safe, xml, 1, "2", [0; 16]).unwrap()
}

fn text() -> String {
    encode(&Reply::text("好"), "o1", "gh_1", UnixSeconds(1))
}

#[track_caller]
fn rule(judgement: &Judgement) -> &'static str {
    match judgement {
        Judgement::Illegal { rule, detail } | Judgement::Failed { rule, detail } => {
            assert!(!detail.is_empty());
            rule
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn silence() {
    for body in ["", "success"] {
        assert_eq!(judge_plain(body), Judgement::Silent);
        assert_eq!(judge_safe(body), Judgement::Silent);
    }
}

#[test]
fn an_encrypted_empty_text_is_silence() {
    // WECHAT: an SDK for Go answers so when there is nothing to say.
    let empty = "<xml><ToUserName><![CDATA[o1]]></ToUserName><FromUserName><![CDATA[gh_1]]></FromUserName>\
                 <CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType><Content></Content></xml>";
    assert_eq!(judge_safe(&seal(&keys(), empty)), Judgement::Silent);
    assert_eq!(judge_safe(&seal(&keys(), "")), Judgement::Silent);
    assert_eq!(judge_safe(&seal(&keys(), "success")), Judgement::Silent);
    let blank = "<xml><ToUserName></ToUserName><FromUserName></FromUserName><CreateTime>0</CreateTime>\
                 <MsgType></MsgType></xml>";
    assert_eq!(judge_safe(&seal(&keys(), blank)), Judgement::Silent);
    // In plain mode the same text is illegal.
    assert_eq!(rule(&judge_plain(empty)), "reply.empty");
}

#[test]
fn a_reply_is_shown() {
    for judgement in [judge_plain(&text()), judge_safe(&seal(&keys(), &text()))] {
        let Judgement::Reply {
            reply,
            xml,
            warnings,
        } = judgement
        else {
            panic!("{judgement:?}")
        };
        assert_eq!((reply, xml, warnings), (Reply::text("好"), text(), vec![]));
    }
}

#[test]
fn illegal_answers_have_names() {
    for (body, want) in [
        (" success", "reply.blank"),
        ("success\n", "reply.blank"),
        (" ", "reply.blank"),
        ("\u{feff}success", "reply.bom"),
        ("\"success\"", "reply.quoted"),
        ("ok", "reply.text"),
        ("{\"errcode\":0}", "reply.json"),
        ("<html><body>502</body></html>", "reply.html"),
        ("<!DOCTYPE html><html></html>", "reply.html"),
        ("<!DOCTYPE xml><xml></xml>", "reply.xml.doctype"),
        ("<xml><a></xml>", "reply.xml"),
        ("<xml></xml>", "reply.missing"),
    ] {
        assert_eq!(rule(&judge_plain(body)), want, "{body}");
    }
    let large = "<".repeat(2 << 20);
    assert_eq!(rule(&judge_plain(&large)), "reply.too_large");
}

#[test]
fn encrypted_replies_are_checked_layer_by_layer() {
    let with = |token: &str, key: u8, id: &str| {
        Keys::new(token.into(), id).with_aes_key(&AesKey::from_bytes([key; 32]))
    };
    for (keys, want) in [
        (with("other", 1, APPID), "reply.signature.token"),
        (with("other", 2, APPID), "reply.signature.foreign"),
        (with("token", 2, APPID), "reply.decrypt.aes_key"),
        (with("token", 1, "wxother"), "reply.decrypt.receiver_id"),
    ] {
        assert_eq!(rule(&judge_safe(&seal(&keys, &text()))), want);
    }
    assert_eq!(rule(&judge_safe(&text())), "reply.plain");
    assert_eq!(
        rule(&judge_plain(&seal(&keys(), &text()))),
        "reply.encrypted"
    );
    assert_eq!(
        rule(&judge_safe("<xml><Encrypt>AAAA</Encrypt></xml>")),
        "reply.missing"
    );
    let compat = keys().with_mode(CallbackMode::Compat);
    for body in [text(), seal(&keys(), &text())] {
        let judgement = judged(
            &compat,
            Speaker::OfficialAccountToMessage,
            200,
            body.as_bytes(),
        );
        assert!(matches!(judgement, Judgement::Reply { .. }));
    }
}

#[test]
fn a_reply_must_go_to_the_user() {
    let xml = encode(&Reply::text("a"), "o2", "gh_1", UnixSeconds(1));
    assert_eq!(rule(&judge_plain(&xml)), "reply.address");
    let xml = encode(&Reply::text("a"), "o1", "gh_2", UnixSeconds(1));
    let Judgement::Reply { warnings, .. } = judge_plain(&xml) else {
        panic!()
    };
    assert_eq!(warnings[0].rule, "reply.sender");
}

#[test]
fn more_articles_than_allowed_are_cut() {
    let xml = encode(
        &Reply::news(vec![Article::default(); 3]),
        "o1",
        "gh_1",
        UnixSeconds(1),
    );
    let count = |speaker| {
        let keys = Keys::new("token".into(), APPID);
        match judged(&keys, speaker, 200, xml.as_bytes()) {
            Judgement::Reply {
                reply: Reply::News { articles },
                warnings,
                ..
            } => (articles.len(), warnings.len()),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(count(Speaker::OfficialAccountToMessage), (1, 1));
    assert_eq!(count(Speaker::OfficialAccountToEvent), (3, 0));
}

#[test]
fn a_long_text_is_warned_of_with_what_follows() {
    let long = format!("{}尾巴在这里", "好".repeat(682));
    let xml = encode(&Reply::text(long), "o1", "gh_1", UnixSeconds(1));
    let Judgement::Reply { warnings, .. } = judge_plain(&xml) else {
        panic!()
    };
    assert_eq!(warnings[0].rule, "reply.text.long");
    assert!(
        warnings[0].detail.contains("尾巴在这里"),
        "{}",
        warnings[0].detail
    );
}

#[test]
fn mini_programs_and_platforms_say_less() {
    let keys = Keys::new("token".into(), APPID);
    let judged = |speaker, xml: &str| judged(&keys, speaker, 200, xml.as_bytes());
    assert_eq!(
        rule(&judged(Speaker::MiniProgram, &text())),
        "reply.mini_program"
    );
    assert_eq!(
        rule(&judged(Speaker::Component, &text())),
        "reply.component"
    );
    assert_eq!(judged(Speaker::Component, "success"), Judgement::Silent);
    let transfer = encode(&Reply::transfer(), "o1", "gh_1", UnixSeconds(1));
    assert!(matches!(
        judged(Speaker::MiniProgram, &transfer),
        Judgement::Reply { .. }
    ));
}

#[test]
fn a_status_other_than_200_is_tried_again() {
    for (status, want) in [
        (302, "reply.redirect"),
        (500, "reply.status"),
        (404, "reply.status"),
        (204, "reply.status"),
    ] {
        let judgement = judged(
            &keys(),
            Speaker::OfficialAccountToMessage,
            status,
            b"success",
        );
        assert_eq!(rule(&judgement), want);
        let mut attempts = Attempts::default();
        assert_eq!(
            attempts.next(Outcome::Answered(judgement)),
            Next::Again {
                attempt: 2,
                rule: want
            }
        );
    }
}

#[test]
fn three_tries_of_five_seconds() {
    let mut attempts = Attempts::new(Policy::WECHAT);
    assert_eq!(
        (attempts.attempt(), attempts.of(), attempts.budget()),
        (1, 3, Duration::from_secs(5))
    );
    assert_eq!(
        attempts.next(Outcome::TimedOut),
        Next::Again {
            attempt: 2,
            rule: "callback.slow"
        }
    );
    let refused = Outcome::Unreachable("connection refused".into());
    assert_eq!(
        attempts.next(refused),
        Next::Again {
            attempt: 3,
            rule: "callback.unreachable"
        }
    );
    let Next::GaveUp(GaveUp {
        rule,
        tries,
        detail,
    }) = attempts.next(Outcome::TimedOut)
    else {
        panic!()
    };
    assert_eq!(
        (rule, tries, detail.as_str()),
        ("callback.slow", 3, "no answer within 5 s")
    );
}

#[test]
fn an_answer_on_the_second_try_ends_it() {
    let mut attempts = Attempts::default();
    attempts.next(Outcome::TimedOut);
    let done = attempts.next(Outcome::Answered(judge_plain(&text())));
    assert!(matches!(done, Next::Done(Judgement::Reply { .. })));
}

#[test]
fn an_illegal_answer_is_not_tried_again() {
    let mut attempts = Attempts::default();
    let Next::GaveUp(gave_up) = attempts.next(Outcome::Answered(judge_plain("ok"))) else {
        panic!()
    };
    assert_eq!((gave_up.rule, gave_up.tries), ("reply.text", 1));
}

#[test]
fn white_space_around_a_reply_is_accepted_in_every_mode() {
    for (before, behind) in [
        ("\n", ""),
        ("", "\n"),
        (" \t\r\n", "\r\n\t "),
        ("\n    ", "\n    "),
    ] {
        let padded = |xml: &str| format!("{before}{xml}{behind}");
        let compat = keys().with_mode(CallbackMode::Compat);
        let sealed = seal(&keys(), &text());
        let inside = seal(&keys(), &padded(&text()));
        for (mode, body) in [
            (Keys::new("token".into(), APPID), padded(&text())),
            (compat.clone(), padded(&text())),
            (compat, padded(&sealed)),
            (keys(), padded(&sealed)),
            (keys(), inside),
        ] {
            let speaker = Speaker::OfficialAccountToMessage;
            let judgement = judged(&mode, speaker, 200, body.as_bytes());
            let Judgement::Reply { xml, warnings, .. } = judgement else {
                panic!("{body:?}: {judgement:?}")
            };
            assert_eq!((xml, warnings), (text(), vec![]), "{body:?}");
        }
    }
}

#[test]
fn other_text_around_a_reply_is_not_accepted() {
    for (before, behind, want) in [
        ("\u{feff}", "", "reply.bom"),
        ("\n\u{feff}", "", "reply.bom"),
        ("ok\n", "", "reply.text"),
        ("\u{a0}", "", "reply.text"),
        ("\u{b}", "", "reply.text"),
        ("", "\nok", "reply.xml"),
        ("", "\u{feff}", "reply.xml"),
    ] {
        let padded = |xml: &str| format!("{before}{xml}{behind}");
        assert_eq!(
            rule(&judge_plain(&padded(&text()))),
            want,
            "{before:?}{behind:?}"
        );
        let sealed = padded(&seal(&keys(), &text()));
        assert_eq!(
            rule(&judge_safe(&sealed)),
            want,
            "around the envelope: {before:?}{behind:?}"
        );
        let inside = seal(&keys(), &padded(&text()));
        let inner = judge_safe(&inside);
        let rules = [want, "reply.xml"];
        assert!(
            rules.contains(&rule(&inner)),
            "sealed: {before:?}{behind:?}: {inner:?}"
        );
    }
}

#[test]
fn the_form_of_a_reply_is_the_form_of_its_push() {
    let xml = encode(&Reply::transfer(), "o1", "gh_1", UnixSeconds(1));
    let json = r#"{"ToUserName":"o1","FromUserName":"gh_1","CreateTime":1,"MsgType":"transfer_customer_service"}"#;
    let bot = r#"{"msgtype":"stream","stream":{"id":"m1","finish":true,"content":"你好"}}"#;
    let sealed = |wrapping, reply: &str| {
        seal_reply_as(
            wrapping,
            &keys(),
            CallbackMode::Safe,
            reply,
            1,
            "2",
            [0; 16],
        )
        .unwrap()
    };
    let all = [Wrapping::Xml, Wrapping::Json, Wrapping::LowerJson];
    let replies = [xml.as_str(), json, bot];
    for (push, own) in all.into_iter().zip(replies) {
        let context = Context {
            keys: &keys(),
            openid: "o1",
            account: "gh_1",
            speaker: Speaker::MiniProgram,
            wrapping: push,
        };
        let plain = Keys::new("token".into(), APPID);
        let judged = |keys: &Keys, body: &str| {
            let answer = Answer {
                status: 200,
                content_type: None,
                body: body.as_bytes(),
            };
            judge(&Context { keys, ..context }, &answer)
        };
        let wrong = if push == Wrapping::Xml {
            "reply.json"
        } else {
            "reply.form"
        };
        for (outer, inner) in all.into_iter().zip(replies) {
            let whole = judged(&keys(), &sealed(outer, inner));
            let inside = judged(&keys(), &sealed(push, inner));
            let clear = judged(&plain, inner);
            if outer == push {
                for judgement in [whole, inside, clear] {
                    let Judgement::Reply { xml, .. } = judgement else {
                        panic!("{push:?} {inner}: {judgement:?}")
                    };
                    assert_eq!(xml, own);
                }
            } else {
                assert_eq!(rule(&whole), wrong, "{push:?} in {outer:?}");
                assert_eq!(rule(&inside), wrong, "{push:?} around {inner}");
                assert_eq!(rule(&clear), wrong, "{push:?} plain {inner}");
            }
        }
        assert_eq!(judged(&keys(), "success"), Judgement::Silent);
        assert_eq!(judged(&keys(), &sealed(push, "success")), Judgement::Silent);
        assert_eq!(rule(&judged(&keys(), own)), "reply.plain");
    }
}

#[test]
fn a_reply_is_written_in_the_form_of_its_message() {
    let of = |message: &str, reply: &Reply| {
        let message = Message::parse(message).unwrap();
        encode_for(&message, reply, UnixSeconds(1))
    };
    let json = r#"{"ToUserName":"gh_1","FromUserName":"o1","CreateTime":1,"MsgType":"text","Content":"a","MsgId":1}"#;
    let bot = r#"{"msgid":"m1","aibotid":"aibX","from":{"userid":"u1"},"msgtype":"text","text":{"content":"a"}}"#;
    let event = r#"{"msgid":"m2","aibotid":"aibX","from":{"userid":"u1"},"msgtype":"event","event":{"eventtype":"enter_chat"}}"#;
    let transfer = of(json, &Reply::transfer()).unwrap();
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&transfer).unwrap(),
        serde_json::json!({"ToUserName": "o1", "FromUserName": "gh_1", "CreateTime": 1,
            "MsgType": "transfer_customer_service"})
    );
    for count in 1..3 {
        let articles = vec![
            Article {
                title: "a".into(),
                ..Article::default()
            };
            count
        ];
        let news = Reply::news(articles);
        let written = of(json, &news).unwrap();
        let read = decode_as(Wrapping::Json, written.as_bytes()).unwrap();
        assert_eq!(read.reply, news, "{written}");
    }
    assert_eq!(
        of(bot, &Reply::text("你好")).unwrap(),
        r#"{"msgtype":"stream","stream":{"id":"m1","finish":true,"content":"你好"}}"#
    );
    assert_eq!(
        of(event, &Reply::text("欢迎")).unwrap(),
        r#"{"msgtype":"text","text":{"content":"欢迎"}}"#
    );
    assert_eq!(
        of(bot, &Reply::transfer()).unwrap_err().rule(),
        "reply.form"
    );
    let card = serde_json::json!({"msgtype": "template_card", "template_card": {}});
    let card = Reply::Bot(BotReply::new(card).unwrap());
    assert!(of(bot, &card).is_ok());
    assert_eq!(of(json, &card).unwrap_err().rule(), "reply.form");
    assert_eq!(
        BotReply::new(serde_json::json!({"msgtype": "stream"}))
            .unwrap_err()
            .rule(),
        "reply.msg_type"
    );
    assert_eq!(
        BotReply::new(serde_json::json!([])).unwrap_err().rule(),
        "reply.json"
    );
}
