//! Messages and events: typed, complete, and written as they were read.

use serde_json::{Value, json};
use xinqiao_message::{
    Message,
    events::{
        official_account::{self, event, message},
        open_platform::info,
    },
    inbound::{Head, Kind},
    names,
};
use xinqiao_types::UnixSeconds;
use xinqiao_wire::{Pushed, Pushes as _};

fn around(msg_type: &str, fields: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o1]]></FromUserName>\
         <CreateTime>1700000000</CreateTime><MsgType><![CDATA[{msg_type}]]></MsgType>{fields}</xml>"
    )
}

/// Reads, compares, and checks that it is written as it stood there.
#[track_caller]
fn check(msg_type: &str, fields: &str) -> Message {
    let xml = around(msg_type, fields);
    let message = Message::parse(xml.as_bytes()).unwrap();
    assert_eq!(message.head.to, "gh_1");
    assert_eq!(message.head.from, "o1");
    assert_eq!(message.head.time, UnixSeconds(1_700_000_000));
    assert_eq!(message.msg_type(), msg_type);
    assert_eq!(message.to_xml(), xml);
    assert_eq!(message.raw(), xml.as_bytes());
    // The JSON form says the same.
    let json = Value::Object(message.to_json()).to_string();
    let again = Message::parse(json).unwrap();
    let told = |message: &Message| {
        (
            message.head.clone(),
            message.kind(),
            message.fields().clone(),
        )
    };
    assert_eq!(told(&again), told(&message));
    message
}

fn get<T: Pushed>(message: &Message) -> T {
    message.get().unwrap()
}

#[test]
fn text() {
    let message = check(
        names::msg_type::TEXT,
        "<Content><![CDATA[你好 <b> & ]]]]><![CDATA[>]]></Content><MsgId>4363689963896700987</MsgId>",
    );
    assert_eq!(message.text(), Some("你好 <b> & ]]>"));
    assert_eq!(message.head.msg_id, Some(4_363_689_963_896_700_987));
}

#[test]
fn a_tap_in_a_menu_message_is_a_text_with_an_id() {
    let message = check(
        names::msg_type::TEXT,
        "<Content><![CDATA[满意]]></Content><bizmsgmenuid><![CDATA[101]]></bizmsgmenuid><MsgId>1</MsgId>",
    );
    assert_eq!(message.field("bizmsgmenuid").as_deref(), Some("101"));
}

#[test]
fn every_message_type() {
    let id = "<MsgId>1</MsgId>";
    let file = "<Title><![CDATA[a]]></Title><Description><![CDATA[]]></Description>";
    for (msg_type, fields) in [
        (names::msg_type::IMAGE, "<PicUrl><![CDATA[http://p]]></PicUrl><MediaId><![CDATA[m]]></MediaId>".to_owned()),
        (names::msg_type::VOICE, "<MediaId><![CDATA[m]]></MediaId><Format><![CDATA[amr]]></Format><Recognition><![CDATA[好]]></Recognition>".to_owned()),
        (names::msg_type::VIDEO, "<MediaId><![CDATA[m]]></MediaId><ThumbMediaId><![CDATA[t]]></ThumbMediaId>".to_owned()),
        (names::msg_type::SHORT_VIDEO, "<MediaId><![CDATA[m]]></MediaId><ThumbMediaId><![CDATA[t]]></ThumbMediaId>".to_owned()),
        (names::msg_type::LOCATION, "<Location_X>23.134521</Location_X><Location_Y>113.358803</Location_Y><Scale>20</Scale><Label><![CDATA[地]]></Label>".to_owned()),
        (names::msg_type::LINK, format!("{file}<Url><![CDATA[http://u]]></Url>")),
        (names::msg_type::FILE, format!("{file}<FileKey><![CDATA[k]]></FileKey><FileMd5><![CDATA[5]]></FileMd5><FileTotalLen>3</FileTotalLen>")),
    ] {
        let message = check(msg_type, &format!("{fields}{id}"));
        assert!(message.typed::<official_account::Push>().is_some(), "{msg_type}");
        assert_eq!(message.head.msg_id, Some(1));
    }
    let from_an_article =
        format!("<Content><![CDATA[a]]></Content>{id}<MsgDataId>9</MsgDataId><Idx>1</Idx>");
    let message = check(names::msg_type::TEXT, &from_an_article);
    assert_eq!(
        (message.head.msg_data_id.as_deref(), message.head.idx),
        (Some("9"), Some(1))
    );
}

fn event_xml(name: &str, fields: &str) -> String {
    format!("<Event><![CDATA[{name}]]></Event>{fields}")
}

#[test]
fn follow_and_scan() {
    let message = check(
        "event",
        &event_xml("subscribe", "<EventKey><![CDATA[]]></EventKey>"),
    );
    assert_eq!(message.event(), Some(names::event::SUBSCRIBE));
    assert_eq!(message.event_key().as_deref(), Some(""));
    let message = check(
        "event",
        &event_xml(
            "subscribe",
            "<EventKey><![CDATA[qrscene_12]]></EventKey><Ticket><![CDATA[gQ]]></Ticket>",
        ),
    );
    assert_eq!(get::<event::Subscribe>(&message).scene(), Some("12"));
    check(
        "event",
        &event_xml("unsubscribe", "<EventKey><![CDATA[]]></EventKey>"),
    );
    check(
        "event",
        &event_xml(
            "SCAN",
            "<EventKey><![CDATA[12]]></EventKey><Ticket><![CDATA[gQ]]></Ticket>",
        ),
    );
    check(
        "event",
        &event_xml(
            "LOCATION",
            "<Latitude>23.1</Latitude><Longitude>113.3</Longitude><Precision>119.4</Precision>",
        ),
    );
}

#[test]
fn menu_taps() {
    let message = check(
        "event",
        &event_xml("CLICK", "<EventKey><![CDATA[V1]]></EventKey>"),
    );
    assert_eq!(get::<event::Click>(&message).event_key, "V1");
    assert_eq!(message.get::<event::Subscribe>(), None);
    check(
        "event",
        &event_xml(
            "VIEW",
            "<EventKey><![CDATA[http://u]]></EventKey><MenuId>4</MenuId>",
        ),
    );
    check(
        "event",
        &event_xml(
            "scancode_waitmsg",
            "<EventKey><![CDATA[6]]></EventKey><ScanCodeInfo><ScanType><![CDATA[qrcode]]></ScanType>\
             <ScanResult><![CDATA[2]]></ScanResult></ScanCodeInfo>",
        ),
    );
    let message = check(
        "event",
        &event_xml(
            "pic_weixin",
            "<EventKey><![CDATA[6]]></EventKey><SendPicsInfo><Count>2</Count><PicList>\
             <item><PicMd5Sum><![CDATA[a]]></PicMd5Sum></item><item><PicMd5Sum><![CDATA[b]]></PicMd5Sum></item>\
             </PicList></SendPicsInfo>",
        ),
    );
    let event: event::PicWeixin = get(&message);
    assert_eq!(event.send_pics_info.pic_list.item.len(), 2);
    check(
        "event",
        &event_xml(
            "location_select",
            "<EventKey><![CDATA[6]]></EventKey><SendLocationInfo><Location_X><![CDATA[23]]></Location_X>\
             <Location_Y><![CDATA[113]]></Location_Y><Scale><![CDATA[15]]></Scale><Label><![CDATA[广州]]></Label>\
             <Poiname><![CDATA[]]></Poiname></SendLocationInfo>",
        ),
    );
}

#[test]
fn a_list_of_one_may_be_an_object() {
    // WECHAT: JSON pushes write a list with one entry as that entry.
    let one = json!({
        "ToUserName": "gh_1", "FromUserName": "o1", "CreateTime": 1, "MsgType": "event",
        "Event": "subscribe_msg_popup_event",
        "SubscribeMsgPopupEvent": {"List": {"TemplateId": "t", "SubscribeStatusString": "accept", "PopupScene": "0"}},
    });
    let message = Message::parse(one.to_string()).unwrap();
    let popup: event::SubscribeMsgPopupEvent = get(&message);
    assert_eq!(popup.subscribe_msg_popup_event.list[0].template_id, "t");
    let again = get::<event::SubscribeMsgPopupEvent>(&Message::parse(message.to_xml()).unwrap());
    assert_eq!(again, popup);
}

#[test]
fn what_has_no_type_is_kept() {
    let message = check(
        "event",
        &event_xml(
            "brand_new",
            "<A><![CDATA[1]]></A><B><C><![CDATA[2]]></C></B>",
        ),
    );
    assert_eq!(message.event(), Some("brand_new"));
    assert_eq!(
        Value::Object(message.fields().clone()),
        json!({"A": "1", "B": {"C": "2"}})
    );
    let message = check(
        "hologram",
        "<A><![CDATA[1]]></A><A><![CDATA[2]]></A><MsgId>3</MsgId>",
    );
    assert_eq!(
        Value::Object(message.fields().clone()),
        json!({"A": ["1", "2"]})
    );
}

#[test]
fn fields_without_a_place_are_kept() {
    let message = check(
        "text",
        "<Content><![CDATA[a]]></Content><MsgId>1</MsgId><New><![CDATA[x]]></New>",
    );
    assert_eq!(Value::Object(message.rest()), json!({"New": "x"}));
    assert_eq!(message.field("New").as_deref(), Some("x"));
    assert_eq!(message.field("Content").as_deref(), Some("a"));
    assert_eq!(message.field("Nothing"), None);
}

#[test]
fn missing_fields_take_their_default() {
    let message = Message::parse("<xml><MsgType>text</MsgType></xml>").unwrap();
    assert_eq!(message.text(), Some(""));
    assert_eq!(message.head, Head::default());
}

#[test]
fn authorization_events_have_no_msg_type() {
    let xml = "<xml><AppId><![CDATA[wxp]]></AppId><CreateTime>5</CreateTime>\
               <InfoType><![CDATA[component_verify_ticket]]></InfoType>\
               <ComponentVerifyTicket><![CDATA[ticket@@@a]]></ComponentVerifyTicket></xml>";
    let message = Message::parse(xml).unwrap();
    assert_eq!(
        message.info_type(),
        Some(names::info_type::COMPONENT_VERIFY_TICKET)
    );
    let info: info::ComponentVerifyTicket = get(&message);
    assert_eq!(info.component_verify_ticket, "ticket@@@a");
    assert_eq!(message.head.to, "wxp");
    assert_eq!(message.to_xml(), xml);
}

#[test]
fn what_is_no_message_is_refused() {
    for (bytes, rule) in [
        ("<xml><a/></xml>", "message.untyped"),
        ("{}", "message.untyped"),
        ("{", "json.syntax"),
        ("<!DOCTYPE a><xml/>", "xml.doctype"),
        ("", "xml.syntax"),
    ] {
        assert_eq!(Message::parse(bytes).unwrap_err().rule(), rule);
    }
}

#[test]
fn every_event_name_has_a_type_that_comes_back_empty() {
    let ids = official_account::Push::IDS.iter();
    let events =
        ids.filter_map(|id| xinqiao_catalog::event(id).filter(|event| !event.event.is_empty()));
    let mut names = Vec::new();
    for event in events {
        let name = event.event;
        names.push(name);
        let message = Message::parse(around(event.msg_type, &event_xml(name, ""))).unwrap();
        assert_eq!(message.event().unwrap_or(name), name);
        let typed = message.typed::<official_account::Push>();
        assert!(typed.is_some(), "{name}");
        let again = Message::parse(message.to_xml()).unwrap();
        assert_eq!(again.typed(), typed, "{name}");
        let json = Message::parse(Value::Object(message.to_json()).to_string()).unwrap();
        assert_eq!(json.typed(), typed, "{name}");
    }
    assert!(names.len() >= 60);
    names.sort_unstable();
    names.dedup();
    assert!(names.len() >= 60);
}

#[test]
fn a_simulator_writes_what_an_app_reads() {
    let head = Head {
        to: "gh_1".into(),
        from: "o1".into(),
        time: UnixSeconds(2),
        ..Head::default()
    };
    let mut text = message::Text::default();
    text.content = "你好".into();
    let message = Message::of(
        Head {
            msg_id: Some(8),
            ..head.clone()
        },
        &text,
    );
    let read = Message::parse(message.to_xml()).unwrap();
    assert_eq!((&read.head, read.text()), (&message.head, Some("你好")));
    let mut scan = event::Scan::default();
    scan.event_key = "12".into();
    scan.ticket = "gQ".into();
    let message = Message::of(head.clone(), &scan);
    let read = get::<event::Scan>(&Message::parse(message.to_xml()).unwrap());
    assert_eq!((read.event_key, read.ticket), (scan.event_key, scan.ticket));
    let fields = serde_json::Map::from_iter([("EventKey".to_owned(), json!("K"))]);
    let message = Message::new(head, Kind::Event, names::event::CLICK, fields);
    let read = Message::parse(message.to_xml()).unwrap();
    assert_eq!(get::<event::Click>(&read).event_key, "K");
}
