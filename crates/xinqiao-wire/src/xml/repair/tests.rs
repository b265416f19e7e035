use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(xml: impl AsRef<[u8]>, mended: Option<Mended>, want: &[(&str, &str)]) {
    let repaired = repair(xml.as_ref()).expect("its meaning is plain");
    assert_eq!(repaired.mended, mended, "{}", repaired.text);
    let document = Document::parse_whole(repaired.text.as_bytes()).unwrap();
    let root = document.root();
    let found: Vec<_> = root
        .children()
        .map(|child| (child.name(), child.text()))
        .collect();
    let found: Vec<_> = found.iter().map(|(name, text)| (*name, &**text)).collect();
    assert_eq!(found, want);
    assert!(document.is_clean());
}

#[track_caller]
fn check_content(content: &str, want: &str) {
    let xml = format!("<xml><Content>{content}</Content><MsgId>7</MsgId></xml>");
    check(
        xml,
        Some(Mended::Cdata),
        &[("Content", want), ("MsgId", "7")],
    );
}

#[track_caller]
fn check_refused(xml: impl AsRef<[u8]>, want: XmlErrorKind) {
    assert_eq!(repair(xml.as_ref()), Err(want));
}

#[test]
fn a_text_that_was_not_split_runs_to_its_last_end() {
    check_content(
        "<![CDATA[see <status><![CDATA[ok]]></status> please]]>",
        "see <status><![CDATA[ok]]></status> please",
    );
    check_content("<![CDATA[a]]>b]]>", "a]]>b");
    check_content("<![CDATA[]]>]]>", "]]>");
    check_content("\n<![CDATA[a]]>b]]>\n", "a]]>b");
    check_content("<![CDATA[a]]></Content>b]]>", "a]]></Content>b");
    check_content("<![CDATA[a]]></Content><b>c]]>", "a]]></Content><b>c");
    check_content(
        "<![CDATA[a]]></Content><MsgId>9</MsgId><Content><![CDATA[b]]>c]]>",
        "a]]></Content><MsgId>9</MsgId><Content><![CDATA[b]]>c",
    );
    check_content(
        "<![CDATA[a]]></Content> and <Content><![CDATA[b]]>",
        "a]]></Content> and <Content><![CDATA[b",
    );
    check_content("a]]>b", "a]]>b");
}

#[test]
fn a_text_that_was_split_stays_joined() {
    check_content("<![CDATA[1]]]]><![CDATA[>2]]>3]]>", "1]]>2]]>3");
    let xml = "<xml><a><![CDATA[1]]]]><![CDATA[>2]]></a><b>x & y</b></xml>";
    check(xml, Some(Mended::Entity), &[("a", "1]]>2"), ("b", "x & y")]);
}

#[test]
fn elements_of_one_name_that_follow_at_once_are_several() {
    let xml = "<xml><Id><![CDATA[a]]>b]]></Id>\n<Id><![CDATA[c]]></Id><N>1</N></xml>";
    let want = [("Id", "a]]>b"), ("Id", "c"), ("N", "1")];
    check(xml, Some(Mended::Cdata), &want);
    let xml = "<xml><List><T><![CDATA[a]]>b]]></T></List><List><T><![CDATA[c]]></T></List></xml>";
    let repaired = repair(xml.as_bytes()).unwrap();
    let document = Document::parse(repaired.text.as_bytes()).unwrap();
    let texts: Vec<_> = document
        .root()
        .children()
        .map(|item| item.child_text("T").unwrap().into_owned())
        .collect();
    assert_eq!(texts, ["a]]>b", "c"]);
}

#[test]
fn what_any_reader_takes_is_not_mended() {
    let xml =
        "\u{feff}<?xml version=\"1.0\"?><!-- a --><xml a='1'><a>&#x1F600;&lt;</a>\n<b/></xml>\n";
    check(xml, None, &[("a", "😀<"), ("b", "")]);
}

#[test]
fn characters_that_xml_cannot_hold_are_replaced() {
    let character = Some(Mended::Character);
    check("<xml><a>x\0\u{8}y</a></xml>", character, &[("a", "x��y")]);
    check(
        "<xml><a><![CDATA[\u{b}]]></a></xml>\0\0",
        character,
        &[("a", "�")],
    );
    check("<xml><a>&#0;&#xd83d;</a></xml>", character, &[("a", "��")]);
    check(
        "<xml><a>&#xD83D;&#56832;</a></xml>",
        character,
        &[("a", "😀")],
    );
    let encoding = Some(Mended::Encoding);
    check(b"<xml><a>\xc4\xe3</a></xml>", encoding, &[("a", "��")]);
    for to in [u16::to_le_bytes, u16::to_be_bytes] {
        for mark in ["\u{feff}", ""] {
            let text = format!("{mark}<xml><a>你😀</a></xml>");
            let bytes: Vec<u8> = text.encode_utf16().flat_map(to).collect();
            check(bytes, encoding, &[("a", "你😀")]);
        }
    }
}

#[test]
fn what_is_no_markup_is_text() {
    let entity = Some(Mended::Entity);
    check(
        "<xml><a>x & y&nbsp;&amp;</a></xml>",
        entity,
        &[("a", "x & y&nbsp;&")],
    );
    let syntax = Some(Mended::Syntax);
    check("<xml><a>1 < 2 <3</a></xml>", syntax, &[("a", "1 < 2 <3")]);
    check("<xml><a>1<!-- a -- b --></a></xml>", syntax, &[("a", "1")]);
    check("<xml><a>1</a></xml>\nok", syntax, &[("a", "1")]);
    let whole = "<![CDATA[<xml><a>1</a></xml>]]>";
    check(whole, Some(Mended::Cdata), &[("a", "1")]);
}

#[test]
fn what_is_not_plain_is_refused() {
    check_refused("<xml><a>1</b></xml>", XmlErrorKind::Tag);
    check_refused("<xml><a><![CDATA[1</a></xml>", XmlErrorKind::CutOff);
    check_refused("<xml><a>1</a>", XmlErrorKind::CutOff);
    check_refused("<xml/><xml/>", XmlErrorKind::Trailing);
    check_refused("hello", XmlErrorKind::Syntax);
    check_refused("\0\0", XmlErrorKind::Empty);
    check_refused("<a>".repeat(70), XmlErrorKind::Depth);
    let many = format!("<xml>{}</xml>", "<a/>".repeat(MAX_ELEMENTS));
    check_refused(many, XmlErrorKind::TooLarge);
}

#[test]
fn a_document_type_is_never_read_around() {
    for xml in [
        "<!DOCTYPE a><xml><a>1</a></xml>",
        "<xml><a>x & y</a><!doctype a></xml>",
        "<xml><a>1</a></xml><!DocType a>",
        "<xml><a>x</b><!DOCTYPE a [<!ENTITY b 'c'>]></xml>",
        "<![CDATA[<!DOCTYPE a><xml/>]]>",
        "\0<!DOCTYPE a><xml/>",
    ] {
        check_refused(xml, XmlErrorKind::Doctype);
        let wide: Vec<u8> = xml.encode_utf16().flat_map(u16::to_le_bytes).collect();
        if xml.starts_with('<') {
            check_refused(wide, XmlErrorKind::Doctype);
        }
    }
    let said = "<xml><Content><![CDATA[<!DOCTYPE html> ]]> ]]></Content></xml>";
    check(
        said,
        Some(Mended::Cdata),
        &[("Content", "<!DOCTYPE html> ]]> ")],
    );
}

#[test]
fn time_grows_with_size() {
    // Quadratic time would take minutes for these.
    for piece in [
        "<a><![CDATA[x]]>",
        "]]></a>",
        "<a><![CDATA[]]>y]]></a>",
        "<a><![CDATA[]]></a><b/>",
        "<![CDATA[",
        "]]>",
        "<a ",
        "<a x='",
        "&#",
        "<!--",
        "<a>&",
        "]]></a> ",
    ] {
        let xml = format!("<xml>{}</xml>", piece.repeat(MAX_BYTES / 8 / piece.len()));
        let _ = repair(xml.as_bytes());
        let xml = format!(
            "<xml><a><![CDATA[{}</xml>",
            piece.repeat(MAX_BYTES / 8 / piece.len())
        );
        let _ = repair(xml.as_bytes());
    }
}

#[test]
fn a_document_that_reads_as_it_stands_is_left_alone_where_no_end_can_be_guessed() {
    let xml = "<xml><a><a><![CDATA[y]]><b/></a><![CDATA[y]]></a></xml>";
    assert_eq!(repair(xml.as_bytes()).unwrap().text, xml);
}

proptest! {
    #[test]
    fn any_text_that_was_not_split_comes_back(text in r"([a-z<>&\]\[!/ 你]|\]\]>|<!\[CDATA\[|</Content>|<b>){0,12}") {
        // A text that ends as markup could go on is told from none by nobody.
        prop_assume!(!text.contains("<Content>"));
        let xml = format!(
            "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><Content><![CDATA[{text}]]></Content><MsgId>7</MsgId></xml>"
        );
        let repaired = repair(xml.as_bytes()).expect("its meaning is plain");
        let document = Document::parse_within(repaired.text.as_bytes(), usize::MAX).unwrap();
        // Sections that follow on one another are one text.
        let want = text.replace("]]><![CDATA[", "");
        prop_assert_eq!(document.root().child_text("Content").unwrap(), want);
        prop_assert_eq!(document.root().child_text("MsgId").unwrap(), "7");
    }

    #[test]
    fn repairing_never_fails_what_is_read_strictly(xml in r"(<a>|</a>|<b/>|x|&lt;|<!\[CDATA\[y\]\]>|<!--z-->| ){0,12}") {
        let xml = format!("<xml>{xml}</xml>");
        if Document::parse(xml.as_bytes()).is_ok() {
            prop_assert!(repair(xml.as_bytes()).is_ok());
        }
    }
}
