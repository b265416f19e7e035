//! Passive replies: every kind, every limit, any text.

use proptest::prelude::*;
use xinqiao_message::reply::{Article, Music, Reply, ReplyError, decode, encode};
use xinqiao_types::UnixSeconds;

fn write(reply: &Reply) -> String {
    encode(reply, "o1", "gh_1", UnixSeconds(12))
}

#[track_caller]
fn check(reply: &Reply) {
    let read = decode(write(reply).as_bytes()).unwrap();
    assert_eq!(&read.reply, reply);
    assert_eq!(
        (read.to.as_str(), read.from.as_str(), read.time),
        ("o1", "gh_1", UnixSeconds(12))
    );
    assert_eq!(reply.check(), Ok(()));
}

#[track_caller]
fn check_refused(content: &str, rule: &str) {
    let xml = format!(
        "<xml><ToUserName><![CDATA[o1]]></ToUserName><FromUserName><![CDATA[gh_1]]></FromUserName>\
         <CreateTime>12</CreateTime>{content}</xml>"
    );
    assert_eq!(decode(xml.as_bytes()).unwrap_err().rule(), rule);
}

fn article(n: usize) -> Article {
    Article {
        title: format!("标题{n}"),
        description: "d".into(),
        pic_url: "http://p".into(),
        url: "http://u?a=1&b=2".into(),
    }
}

#[test]
fn the_official_text_reply() {
    assert_eq!(
        write(&Reply::text("你好")),
        "<xml><ToUserName><![CDATA[o1]]></ToUserName><FromUserName><![CDATA[gh_1]]></FromUserName>\
         <CreateTime>12</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[你好]]></Content></xml>"
    );
}

#[test]
fn every_kind_comes_back() {
    check(&Reply::text("a\nb ]]> <c> & d"));
    check(&Reply::image("m"));
    check(&Reply::voice("m"));
    check(&Reply::video("m"));
    check(&Reply::Video {
        media_id: "m".into(),
        title: "t".into(),
        description: "d".into(),
    });
    check(&Reply::Music(Music {
        thumb_media_id: "t".into(),
        title: "歌".into(),
        ..Music::default()
    }));
    check(&Reply::news([article(1)]));
    check(&Reply::news((0..8).map(article).collect::<Vec<_>>()));
    check(&Reply::transfer());
    check(&Reply::TransferCustomerService {
        kf_account: Some("kf1@acc".into()),
    });
    check(&Reply::Hardware {
        message_view: "myrank".into(),
        message_action: "ranklist".into(),
    });
}

#[test]
fn what_the_platform_refuses() {
    check_refused("<MsgType>text</MsgType>", "reply.missing");
    check_refused(
        "<MsgType>text</MsgType><Content><![CDATA[]]></Content>",
        "reply.empty",
    );
    check_refused("<MsgType>image</MsgType>", "reply.missing");
    check_refused(
        "<MsgType>image</MsgType><Image><MediaId/></Image>",
        "reply.empty",
    );
    check_refused("<MsgType>music</MsgType>", "reply.missing");
    check_refused(
        "<MsgType>news</MsgType><ArticleCount>0</ArticleCount><Articles/>",
        "reply.articles",
    );
    check_refused(
        "<MsgType>news</MsgType><ArticleCount>2</ArticleCount><Articles><item/></Articles>",
        "reply.articles",
    );
    check_refused(
        "<MsgType>news</MsgType><ArticleCount>x</ArticleCount>",
        "reply.number",
    );
    check_refused("<MsgType>wxcard</MsgType>", "reply.msg_type");
    check_refused("", "reply.missing");
    // WECHAT: an SDK for Java writes `]]>` unescaped.
    check_refused(
        "<MsgType>text</MsgType><Content><![CDATA[a]]>b]]></Content>",
        "reply.xml.cdata",
    );
    assert_eq!(
        decode(b"<html></html>").unwrap_err().rule(),
        "reply.xml.root"
    );
    assert_eq!(
        decode(b"<!DOCTYPE a><xml/>").unwrap_err().rule(),
        "reply.xml.doctype"
    );
    assert_eq!(decode(b"<xml><a></xml>").unwrap_err().rule(), "reply.xml");
}

#[test]
fn an_app_is_told_before_it_answers() {
    assert_eq!(
        Reply::text("").check(),
        Err(ReplyError::Empty { element: "Content" })
    );
    assert_eq!(
        Reply::image("").check(),
        Err(ReplyError::Empty { element: "MediaId" })
    );
    assert_eq!(
        Reply::news([]).check(),
        Err(ReplyError::Articles { found: 0 })
    );
    let nine: Vec<_> = (0..9).map(article).collect();
    assert_eq!(
        Reply::news(nine).check(),
        Err(ReplyError::Articles { found: 9 })
    );
    assert_eq!(Reply::Music(Music::default()).check(), Ok(()));
}

#[test]
fn music_without_a_cover_is_a_reply() {
    let bare = Reply::Music(Music {
        music_url: "http://m/".into(),
        ..Music::default()
    });
    let xml = encode(&bare, "o1", "gh_1", UnixSeconds(1));
    assert!(!xml.contains("ThumbMediaId"), "{xml}");
    assert_eq!(decode(xml.as_bytes()).unwrap().reply, bare);
}

#[test]
fn optional_elements_of_a_reply_may_be_missing() {
    let item = "<ArticleCount>1</ArticleCount><Articles><item></item></Articles>";
    for (kind, body) in [
        ("video", "<Video><MediaId>m</MediaId></Video>"),
        ("music", "<Music></Music>"),
        ("news", item),
        ("transfer_customer_service", ""),
        ("transfer_customer_service", "<TransInfo></TransInfo>"),
        ("hardware", "<HardWare></HardWare>"),
    ] {
        let xml = format!(
            "<xml><ToUserName>o1</ToUserName><FromUserName>gh_1</FromUserName>\
             <CreateTime>12</CreateTime><MsgType>{kind}</MsgType>{body}</xml>"
        );
        let read = decode(xml.as_bytes());
        assert_eq!(read.unwrap().reply.msg_type(), kind);
    }
}

#[test]
fn reply_elements_may_be_spaced_out() {
    let xml = "<xml>\n  <ToUserName>\n    <![CDATA[o1]]>\n  </ToUserName>\n  <FromUserName>gh_1</FromUserName>\n\
               <CreateTime> 12 </CreateTime><MsgType>\n<![CDATA[text]]></MsgType><Content>a &amp; b</Content></xml>\n";
    let read = decode(xml.as_bytes()).unwrap();
    assert_eq!((read.to.as_str(), read.reply), ("o1", Reply::text("a & b")));
}

fn words() -> impl Strategy<Value = String> {
    // What XML cannot hold does not come back; that is tested with the writer.
    any::<String>().prop_map(|text| {
        text.chars()
            .filter(|each| xinqiao_wire::xml::is_xml_char(*each))
            .collect()
    })
}

fn some_words() -> impl Strategy<Value = String> {
    words().prop_map(|text| format!("x{text}"))
}

fn articles() -> impl Strategy<Value = Vec<Article>> {
    let article =
        (words(), words(), words(), words()).prop_map(|(title, description, pic_url, url)| {
            Article {
                title,
                description,
                pic_url,
                url,
            }
        });
    prop::collection::vec(article, 1..9)
}

fn reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        some_words().prop_map(Reply::text),
        some_words().prop_map(Reply::image),
        some_words().prop_map(Reply::voice),
        (some_words(), words(), words()).prop_map(|(media_id, title, description)| {
            Reply::Video {
                media_id,
                title,
                description,
            }
        }),
        (words(), words(), words(), words(), words()).prop_map(
            |(title, description, music_url, hq_music_url, thumb_media_id)| {
                Reply::Music(Music {
                    title,
                    description,
                    music_url,
                    hq_music_url,
                    thumb_media_id,
                })
            }
        ),
        articles().prop_map(Reply::news),
        prop::option::of(words())
            .prop_map(|kf_account| Reply::TransferCustomerService { kf_account }),
        (words(), words()).prop_map(|(message_view, message_action)| {
            Reply::Hardware {
                message_view,
                message_action,
            }
        }),
    ]
}

proptest! {
    #[test]
    fn any_reply_comes_back(reply in reply(), to in some_words(), from in some_words(), time in any::<i64>()) {
        let xml = encode(&reply, &to, &from, UnixSeconds(time));
        let read = decode(xml.as_bytes()).unwrap();
        prop_assert_eq!((read.to, read.from, read.time, read.reply), (to, from, UnixSeconds(time), reply));
    }
}
