//! What really arrives: lists and groups by their type, and messages that are never lost.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use xinqiao_message::{
    Message, dedup,
    events::{
        mini_program,
        official_account::{self, event as happens},
    },
    inbound::{MessageError, Reading},
};
use xinqiao_wire::Pushes as _;

const HEAD: &str = "<ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>\
                    <CreateTime>1700000000</CreateTime>";

fn event(name: &str, fields: &str) -> String {
    format!(
        "<xml>{HEAD}<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>{fields}</xml>"
    )
}

fn text(content: &str) -> String {
    format!(
        "<xml>{HEAD}<MsgType><![CDATA[text]]></MsgType><Content>{content}</Content><MsgId>7</MsgId></xml>"
    )
}

fn read(xml: &str) -> Message {
    let message = Message::read(xml);
    assert!(message.reading().is_read(), "{xml}");
    message
}

fn fields(xml: &str) -> Value {
    Value::Object(read(xml).fields().clone())
}

#[test]
fn a_text_that_was_not_split_is_read_whole() {
    for (content, want) in [
        (
            "<![CDATA[see <status><![CDATA[ok]]></status> please]]>",
            "see <status><![CDATA[ok]]></status> please",
        ),
        ("<![CDATA[a]]>b]]>", "a]]>b"),
        (
            "<![CDATA[a]]></Content> and <Content><![CDATA[b]]>",
            "a]]></Content> and <Content><![CDATA[b",
        ),
    ] {
        let xml = text(content);
        let message = read(&xml);
        assert_eq!(message.text(), Some(want));
        assert_eq!(message.head.msg_id, Some(7));
        assert_eq!(message.reading(), Reading::Repaired { rule: "xml.cdata" });
        assert_eq!(message.raw(), xml.as_bytes());
        // What is handed on says the same to a strict reader.
        let strict = Message::parse(message.handed_on().unwrap()).unwrap();
        assert_eq!(
            (&strict.head, strict.fields()),
            (&message.head, message.fields())
        );
        assert_eq!(dedup::key(&strict), dedup::key(&message));
    }
}

#[test]
fn a_doctype_in_another_encoding_reaches_no_app() {
    let document = format!("<!DOCTYPE xml [<!ENTITY x SYSTEM \"a\">]>{}", text("&x;"));
    let wide = |size: usize, big: bool| -> Vec<u8> {
        let unit = |byte: u8| {
            let mut unit = vec![0; size];
            unit[if big { size - 1 } else { 0 }] = byte;
            unit
        };
        document.bytes().flat_map(unit).collect()
    };
    let utf7 = document.replace('<', "+ADw-").replace('>', "+AD4-");
    for bytes in [
        wide(4, false),
        wide(4, true),
        wide(2, false),
        [b"\xff\xfe\0\0".to_vec(), wide(4, false)].concat(),
        document.to_lowercase().replace('d', "\0d").into_bytes(),
        format!("<?xml version=\"1.0\" encoding=\"UTF-7\"?>{utf7}").into_bytes(),
        format!("+/v8-{}", utf7.replace("DOCTYPE", "+AEQ-OCTYPE")).into_bytes(),
        b"\x4c\x5a\xc4\xd6\xc3\xe3\xe8\xd7\xc5\x40\xa7\x6e".to_vec(),
    ] {
        let message = Message::read(bytes.clone());
        assert_eq!(
            message.handed_on(),
            None,
            "{}",
            String::from_utf8_lossy(&bytes)
        );
        assert_eq!(message.raw(), bytes);
    }
}

#[test]
fn what_says_another_encoding_is_handed_on_without_saying_so() {
    // WECHAT: what it pushes is UTF-8; a reader that believes the declaration would read something else.
    let hidden = "<!-- +AC0ALQA+ADwAIQ-DOCTYPE x+AD4- -->";
    for name in ["UTF-7", "gb2312", "utf-16"] {
        let body = text("你好");
        let bytes = format!("<?xml version='1.0' encoding='{name}'?>{hidden}{body}");
        let message = read(&bytes);
        assert_eq!(message.reading().rule(), Some("xml.encoding"));
        let handed_on = String::from_utf8_lossy(message.handed_on().unwrap()).into_owned();
        assert!(
            !handed_on.contains("<?") && !handed_on.contains("<!--"),
            "{handed_on}"
        );
        assert_eq!(message.text(), Some("你好"));
    }
    let usual = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>{}", text("你好"));
    assert_eq!(read(&usual).reading(), Reading::Clean);
}

#[test]
fn an_element_within_a_text_does_not_change_the_head() {
    let injected = "<![CDATA[a]]></Content><FromUserName><![CDATA[o2]]></FromUserName><MsgId>9</MsgId><Content><![CDATA[b]]>";
    let message = read(&text(injected));
    assert_eq!(message.head.from, "o1");
}

#[test]
fn a_reading_names_its_rule() {
    for (bytes, reading, rule) in [
        (text("<![CDATA[你好]]>").into_bytes(), "clean", None),
        (text("a &amp; &#x1F600;").into_bytes(), "clean", None),
        (text("a & b").into_bytes(), "repaired", Some("xml.entity")),
        (
            text("a&#0;").into_bytes(),
            "repaired",
            Some("xml.character"),
        ),
        (
            text("a\0\u{8}").into_bytes(),
            "repaired",
            Some("xml.character"),
        ),
        (
            [text("a").as_bytes(), b"\0\0"].concat(),
            "repaired",
            Some("xml.character"),
        ),
        (
            text("a")
                .replace('a', "\u{e9}")
                .encode_utf16()
                .flat_map(u16::to_be_bytes)
                .collect(),
            "repaired",
            Some("xml.encoding"),
        ),
        (text("<b>").into_bytes(), "unreadable", Some("xml.syntax")),
        (
            text("a").into_bytes()[..200].to_vec(),
            "unreadable",
            Some("xml.cut_off"),
        ),
        (b"hello".to_vec(), "unreadable", Some("xml.syntax")),
        (b"".to_vec(), "unreadable", Some("xml.syntax")),
        (
            b"<xml><a>1</a></xml>".to_vec(),
            "unreadable",
            Some("message.untyped"),
        ),
        (
            b"{\"MsgType\":\"text\"".to_vec(),
            "unreadable",
            Some("json.syntax"),
        ),
        (b"{\"a\":1}".to_vec(), "unreadable", Some("message.untyped")),
        (
            [b"<!DOCTYPE a>", text("a").as_bytes()].concat(),
            "doctype",
            Some("xml.doctype"),
        ),
        (
            [text("<b>").as_bytes(), b"<!doctype a>"].concat(),
            "doctype",
            Some("xml.doctype"),
        ),
    ] {
        let message = Message::read(bytes.clone());
        let shown = String::from_utf8_lossy(&bytes);
        assert_eq!(message.reading().name(), reading, "{shown}");
        assert_eq!(message.reading().rule(), rule, "{shown}");
        assert_eq!(message.raw(), bytes);
        match reading {
            "doctype" => assert_eq!(message.handed_on(), None),
            "repaired" => {
                let handed_on = message.handed_on().unwrap();
                assert!(Message::parse(handed_on).is_ok());
                assert_eq!(Message::read(handed_on).reading(), Reading::Clean);
            }
            _ => assert_eq!(message.handed_on(), Some(&*bytes)),
        }
        if let Some(rule) = rule {
            assert!(xinqiao_catalog::diagnosis(rule).is_some(), "{rule}");
        }
    }
}

#[test]
fn json_is_mended_where_its_meaning_is_plain() {
    let around = |content: &str| {
        format!(r#"{{"ToUserName":"gh_1","MsgType":"text","MsgId":7,"Content":"{content}"}}"#)
    };
    for (content, want) in [
        ("a\u{7}b", "a\u{fffd}b"),
        ("a\0b", "a\u{fffd}b"),
        ("a\nb\tc", "a\nb\tc"),
        (r"\ud83d", "\u{fffd}"),
        (r"\ude00x", "\u{fffd}x"),
        (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
        (r"a\'b\x", r"a\'b\x"),
        (r"\u12", r"\u12"),
    ] {
        let message = read(&around(content));
        assert_eq!(message.text(), Some(want), "{content}");
        let rule = "json.character";
        assert_eq!(message.reading(), Reading::Repaired { rule }, "{content}");
        assert!(Message::parse(message.handed_on().unwrap()).is_ok());
    }
    let whole = [b"\xef\xbb\xbf", around("a\u{fe}").as_bytes(), b"\0"].concat();
    assert_eq!(Message::read(whole).text(), Some("a\u{fe}"));
    let latin = around("a").replace('a', "\u{1}").into_bytes();
    let latin: Vec<u8> = latin
        .into_iter()
        .map(|byte| if byte == 1 { 0xc4 } else { byte })
        .collect();
    let message = Message::read(latin);
    assert_eq!(message.reading().rule(), Some("json.encoding"));
    let clean = Message::read(around(r"\ud83d\ude00\u0041 你"));
    assert_eq!(
        (clean.reading(), clean.text()),
        (Reading::Clean, Some("😀A 你"))
    );
}

#[test]
fn a_mass_message_without_articles_has_an_empty_list() {
    for list in ["<ResultList>\n</ResultList>", "<ResultList/>", ""] {
        let xml = event(
            "MASSSENDJOBFINISH",
            &format!(
                "<MsgID>1</MsgID><CopyrightCheckResult><Count>0</Count>\n{list}\n</CopyrightCheckResult>\
                 <ArticleUrlResult>\n</ArticleUrlResult>"
            ),
        );
        let sent: happens::MassSendJobFinish = read(&xml).get().unwrap();
        assert!(
            sent.copyright_check_result
                .unwrap()
                .result_list
                .item
                .is_empty()
        );
        assert!(sent.article_url_result.unwrap().result_list.item.is_empty());
    }
}

#[test]
fn pictures_are_a_list_however_they_come() {
    let item = |sum: &str| format!("<item><PicMd5Sum>{sum}</PicMd5Sum></item>");
    for (inner, want) in [
        ("<PicList>\n</PicList>".to_owned(), &[][..]),
        (String::new(), &[]),
        (format!("<PicList>{}</PicList>", item("a")), &["a"]),
        (format!("<PicList>{}{}</PicList>", item("a"), item("b")), &["a", "b"]),
        (
            format!("<PicList>{}</PicList><PicList>{}</PicList>", item("a"), item("b")),
            &["a", "b"],
        ),
        (format!("{}{}", item("a"), item("b")), &["a", "b"]),
        (format!("<PicList>{}</PicList>{}", item("a"), item("b")), &["a", "b"]),
        (
            "<PicList><Pic><PicMd5Sum>a</PicMd5Sum></Pic><Pic><PicMd5Sum>b</PicMd5Sum></Pic></PicList>".into(),
            &["a", "b"],
        ),
        ("<PicList><PicMd5Sum>a</PicMd5Sum></PicList>".into(), &["a"]),
    ] {
        for outer in [
            format!("<SendPicsInfo>{inner}<Count>2</Count></SendPicsInfo>"),
            format!("<SendPicsInfo>{inner}</SendPicsInfo><SendPicsInfo><Count>2</Count></SendPicsInfo>"),
        ] {
            let pics: happens::PicPhotoOrAlbum =
                read(&event("pic_photo_or_album", &outer)).get().unwrap();
            let info = pics.send_pics_info;
            let items = info.pic_list.item.iter();
            let found: Vec<_> = items.map(|pic| &*pic.pic_md5_sum).collect();
            assert_eq!(found, want, "{outer}");
            assert_eq!(info.count, 2);
        }
    }
}

#[test]
fn subscriptions_are_one_list_with_and_without_their_group() {
    let item =
        |id: &str| json!({"TemplateId": id, "SubscribeStatusString": "accept", "PopupScene": "0"});
    let xml_item = |id: &str| {
        format!(
            "<List><TemplateId>{id}</TemplateId><SubscribeStatusString>accept</SubscribeStatusString><PopupScene>0</PopupScene></List>"
        )
    };
    let head = json!({"ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": "1700000000",
                      "MsgType": "event", "Event": "subscribe_msg_popup_event", "Encrypt": "x"});
    let with = |fields: Value| {
        let mut whole = head.clone();
        whole
            .as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        whole.to_string()
    };
    let group = "SubscribeMsgPopupEvent";
    let cases = [
        (with(json!({"List": item("a")})), 1),
        (with(json!({"List": [item("a")]})), 1),
        (with(json!({"List": [item("a"), item("b")]})), 2),
        (with(json!({group: {"List": item("a")}})), 1),
        (with(json!({group: {"List": [item("a"), item("b")]}})), 2),
        (
            with(json!({group: [{"List": item("a")}, {"List": item("b")}]})),
            2,
        ),
        (with(json!({group: [item("a"), item("b")]})), 2),
        (with(json!({group: item("a")})), 1),
        (
            with(json!({group: {"List": item("a")}, "List": item("b")})),
            2,
        ),
        (with(json!({group: {"List": []}})), 0),
        (with(json!({group: ""})), 0),
        (
            event(
                "subscribe_msg_popup_event",
                &format!("{}{}", xml_item("a"), xml_item("b")),
            ),
            2,
        ),
        (event("subscribe_msg_popup_event", &xml_item("a")), 1),
        (
            event(
                "subscribe_msg_popup_event",
                &format!(
                    "<{group}>{}</{group}><{group}>{}</{group}>",
                    xml_item("a"),
                    xml_item("b")
                ),
            ),
            2,
        ),
        (
            event(
                "subscribe_msg_popup_event",
                &format!("<{group}>\n</{group}>"),
            ),
            0,
        ),
    ];
    for (bytes, want) in cases {
        let message = read(&bytes);
        assert_eq!(message.head.time.0, 1_700_000_000);
        let popup: happens::SubscribeMsgPopupEvent = message.get().unwrap();
        let list = &popup.subscribe_msg_popup_event.list;
        let found: Vec<_> = list.iter().map(|item| &*item.template_id).collect();
        assert_eq!(found, ["a", "b"][..want], "{bytes}");
        assert_eq!(message.rest(), Map::new(), "{bytes}");
        assert_eq!(Message::read(message.to_xml()).fields(), message.fields());
    }
}

#[test]
fn an_approval_has_one_shape_for_none_one_and_many() {
    let detail = "<Details><Approver><UserId>u</UserId></Approver><Speech></Speech><SpStatus>1</SpStatus></Details>";
    let record = |details: usize| {
        format!(
            "<SpRecord><SpStatus>1</SpStatus>{}</SpRecord>",
            detail.repeat(details)
        )
    };
    for (records, details, notified) in [(0, 0, 0), (1, 1, 1), (1, 2, 2), (2, 1, 1), (2, 2, 0)] {
        let xml = event(
            "sys_approval_change",
            &format!(
                "<AgentID>3010040</AgentID><ApprovalInfo><SpNo>1</SpNo>{}{}<Comments></Comments></ApprovalInfo>",
                record(details).repeat(records),
                "<Notifyer><UserId>n</UserId></Notifyer>".repeat(notified),
            ),
        );
        let info = fields(&xml)["ApprovalInfo"].clone();
        let count = |value: &Value| value.as_array().map_or(0, Vec::len);
        assert!(records == 0 || info["SpRecord"].is_array(), "{info}");
        assert_eq!(count(&info["SpRecord"]), records);
        for record in info["SpRecord"].as_array().into_iter().flatten() {
            assert_eq!(count(&record["Details"]), details, "{info}");
            assert_eq!(record["Details"][0]["Speech"], "");
        }
        assert_eq!(count(&info["Notifyer"]), notified);
        assert_eq!(info["Comments"], json!([]));
    }
}

#[test]
fn a_member_change_has_pairwise_lists_and_tells_absent_from_empty() {
    let item = "<Item><Name>a</Name><Type>0</Type></Item>";
    for (departments, leads, items) in [("6,1", "0,0", 2), ("6", "1", 1), ("", "", 0)] {
        let xml = event(
            "change_contact",
            &format!(
                "<ChangeType>update_user</ChangeType><UserID>u</UserID><Alias></Alias>\
                 <Department><![CDATA[{departments}]]></Department>\
                 <IsLeaderInDept><![CDATA[{leads}]]></IsLeaderInDept><ExtAttr>{}</ExtAttr>",
                item.repeat(items)
            ),
        );
        let fields = fields(&xml);
        let list = |text: &str| -> Vec<Value> {
            text.split(',')
                .filter_map(|part| part.parse::<i64>().ok())
                .map(Value::from)
                .collect()
        };
        assert_eq!(fields["Department"], Value::Array(list(departments)));
        assert_eq!(fields["IsLeaderInDept"], Value::Array(list(leads)));
        if items > 0 {
            assert_eq!(fields["ExtAttr"]["Item"].as_array().unwrap().len(), items);
        }
        assert_eq!(fields.get("Name"), None);
        assert_eq!(fields["Alias"], "");
        assert_eq!(read(&xml).head.agent_id, None);
    }
}

#[test]
fn what_a_type_cannot_hold_is_in_the_rest() {
    let xml = event(
        "TEMPLATESENDJOBFINISH",
        "<MsgID>none</MsgID><Status>success</Status><New></New><AgentID></AgentID><AppId>wx1</AppId>",
    );
    let want = json!({"MsgID": "none", "New": "", "AppId": "wx1"});
    assert_eq!(Value::Object(read(&xml).rest()), want);
    let xml = event(
        "pic_weixin",
        "<SendPicsInfo><Count>1</Count><Extra>x</Extra><PicList/></SendPicsInfo>",
    );
    assert_eq!(read(&xml).rest()["SendPicsInfo"]["Extra"], "x");
    assert_eq!(
        read(&event("CLICK", "<EventKey>a</EventKey>")).rest(),
        Map::new()
    );
}

#[test]
fn a_message_without_a_type_keeps_its_fields() {
    // WECHAT: the question whether Apple should refund comes without `Event`.
    let message = Message::read(r#"{"channel_bill":"b","bundleid":"i","pay_order_id":"p"}"#);
    let rule = "message.untyped";
    assert_eq!(message.reading(), Reading::Unreadable { rule });
    assert_eq!(message.to_json()["pay_order_id"], "p");
    assert_eq!(message.field("channel_bill").as_deref(), Some("b"));
}

#[test]
fn an_id_is_found_in_either_spelling() {
    for name in ["MenuId", "MenuID"] {
        let xml = event("VIEW", &format!("<EventKey>u</EventKey><{name}>7</{name}>"));
        let view: happens::View = read(&xml).get().unwrap();
        assert_eq!(view.menu_id, Some(7), "{name}");
        assert_eq!(read(&xml).rest(), Map::new());
    }
    for name in ["MsgId", "MsgID"] {
        let xml = event(
            "TEMPLATESENDJOBFINISH",
            &format!("<{name}>3512345678901234567</{name}><Status>success</Status>"),
        );
        let message = read(&xml);
        let sent: happens::TemplateSendJobFinish = message.get().unwrap();
        assert_eq!(sent.msg_id, 3_512_345_678_901_234_567);
        assert_eq!((message.head.msg_id, message.rest()), (None, Map::new()));
        assert!(
            message
                .to_xml()
                .contains("<MsgID>3512345678901234567</MsgID>")
        );
    }
}

#[test]
fn strict_reading_still_says_what_is_wrong() {
    let error = Message::parse(text("<![CDATA[a]]>b]]>")).unwrap_err();
    assert!(matches!(error, MessageError::Xml(_)));
}

/// Every event that an account or its platform gets.
fn names() -> Vec<&'static str> {
    let ids = [official_account::Push::IDS, mini_program::Push::IDS].concat();
    let events = ids.into_iter().filter_map(xinqiao_catalog::event);
    events
        .map(|event| event.event)
        .filter(|name| !name.is_empty())
        .collect()
}

fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(list) => list.iter().for_each(|value| leaves(value, found)),
        Value::Object(object) => object.values().for_each(|value| leaves(value, found)),
        Value::String(text) => found.push(text.clone()),
        Value::Null => {}
        other => found.push(other.to_string()),
    }
}

proptest! {
    #[test]
    fn whatever_is_changed_nothing_gets_lost(
        name in prop::sample::select(names()),
        fields in prop::collection::vec(
            (prop::sample::select(vec![
                "EventKey", "MenuId", "SendPicsInfo", "List", "SubscribeMsgPopupEvent", "item", "PicList", "Count",
                "MsgID", "Status", "AppId", "New", "TemplateId", "ResultList", "CopyrightCheckResult", "AgentID",
            ]), 0..4_usize, "[a-z]{1,4}|[0-9]{1,3}"), 0..8),
    ) {
        let mut inner = String::new();
        let mut texts = Vec::new();
        for (field, depth, text) in fields {
            inner.push_str(&format!("<{field}>").repeat(depth + 1));
            inner.push_str(&text);
            inner.push_str(&format!("</{field}>").repeat(depth + 1));
            texts.push(text);
        }
        let message = Message::read(event(name, &inner));
        let mut found = Vec::new();
        leaves(&Value::Object(message.to_json()), &mut found);
        leaves(&Value::Object(message.rest()), &mut found);
        for text in texts {
            let number = text.parse::<f64>().ok().map(|number| number.to_string());
            prop_assert!(
                found.iter().any(|each| *each == text || Some(each) == number.as_ref()),
                "{text} of {inner} is not in {found:?}"
            );
        }
    }

    #[test]
    fn any_bytes_are_read_and_kept(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let message = Message::read(bytes.clone());
        prop_assert_eq!(message.raw(), &bytes);
        let _ = (dedup::key(&message), message.to_xml(), message.to_json());
    }

    #[test]
    fn any_damage_leaves_a_message(at in 0..400_usize, byte in any::<u8>()) {
        let mut bytes = text("<![CDATA[你好]]>").into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        let message = Message::read(bytes.clone());
        prop_assert_eq!(message.raw(), &bytes);
        if let Some(handed_on) = message.handed_on().filter(|_| message.reading().is_read()) {
            prop_assert!(Message::parse(handed_on).is_ok());
        }
        prop_assert!(message.text().is_none() || message.reading().is_read());
    }
}
