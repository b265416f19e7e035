use std::path::PathBuf;

use proptest::prelude::*;
use quick_xml::events::Event;

use super::*;

#[track_caller]
fn check_text(xml: &str, want: &str) {
    let document = Document::parse(xml.as_bytes()).unwrap();
    assert_eq!(document.root().child_text("a").unwrap(), want);
}

#[track_caller]
fn check_refused(xml: &[u8], want: XmlErrorKind) {
    let error = Document::parse(xml).map(|_| ()).unwrap_err();
    assert_eq!(error.kind, want);
    assert!(error.at <= xml.len());
}

#[test]
fn a_message_is_read() {
    let xml = "<xml><ToUserName><![CDATA[gh_1]]></ToUserName>\n<CreateTime>12</CreateTime></xml>";
    let document = Document::parse(xml.as_bytes()).unwrap();
    let root = document.root();
    assert!(root.is("xml"));
    assert_eq!(
        root.children().map(Element::name).collect::<Vec<_>>(),
        ["ToUserName", "CreateTime"]
    );
    assert_eq!(root.child_text("ToUserName").unwrap(), "gh_1");
    assert_eq!(
        root.child("CreateTime").unwrap().plain_bytes(),
        Some(&b"12"[..])
    );
    assert!(root.child("MsgType").is_none());
    assert_eq!(root.text(), "\n");
}

#[test]
fn texts_are_joined() {
    check_text("<xml><a/></xml>", "");
    check_text("<xml><a></a></xml>", "");
    check_text("<xml><a> </a></xml>", " ");
    check_text("<xml><a>1&lt;2</a></xml>", "1<2");
    check_text("<xml><a><![CDATA[1]]]]><![CDATA[>2]]></a></xml>", "1]]>2");
    check_text(
        "<xml><a>one<!-- <b> --><![CDATA[<two>]]><?three?></a></xml>",
        "one<two>",
    );
    check_text("<xml><a>1<b>2</b>3<c/>4</a></xml>", "134");
    check_text("<xml><a>&#20320;&#x597D;</a></xml>", "你好");
}

#[test]
fn white_space_around_cdata_does_not_count() {
    check_text("<xml><a>\n  <![CDATA[x]]>\n</a></xml>", "x");
    check_text("<xml><a>\n<![CDATA[x ]]><![CDATA[ y]]>\n</a></xml>", "x  y");
    check_text("<xml><a>\n<![CDATA[]]>\n</a></xml>", "");
}

#[test]
fn a_control_character_does_not_lose_the_message() {
    check_text("<xml><a><![CDATA[a\u{8}b]]></a></xml>", "a\u{fffd}b");
    check_text("<xml><a>a\u{ffff}b\u{fffe}</a></xml>", "a\u{fffd}b\u{fffd}");
    check_text("<xml><a>a\u{1b}&amp;&#8;</a></xml>", "a\u{fffd}&\u{fffd}");
    check_text(
        "<xml><a>&#0;&#xD800;&#x110000;&#x99999999;</a></xml>",
        "\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
    );
    let bytes = b"<xml><a><![CDATA[\xff\xfe]]></a></xml>";
    assert_eq!(
        Document::parse(bytes)
            .unwrap()
            .root()
            .child_text("a")
            .unwrap(),
        "\u{fffd}\u{fffd}"
    );
}

#[test]
fn the_kind_of_error_is_told() {
    check_refused(b"<!DOCTYPE a><a/>", XmlErrorKind::Doctype);
    check_refused(b"<xml>&nbsp;</xml>", XmlErrorKind::Entity);
    check_refused(
        b"<xml>Tom & Jerry, and more of this text</xml>",
        XmlErrorKind::Entity,
    );
    check_refused(b"<xml><![CDATA[a]]>b]]></xml>", XmlErrorKind::StrayCdataEnd);
    check_refused(b"<xml><a>", XmlErrorKind::CutOff);
    check_refused(b"<xml><a></a", XmlErrorKind::CutOff);
    check_refused(b"<xml><a></b></xml>", XmlErrorKind::Tag);
    check_refused(b"<xml/><xml/>", XmlErrorKind::Trailing);
    check_refused(b"", XmlErrorKind::Empty);
    check_refused(b"{}", XmlErrorKind::Syntax);
    check_refused("<a>".repeat(65).as_bytes(), XmlErrorKind::Depth);
}

#[test]
fn size_and_number_of_elements_are_bounded() {
    let large = format!("<xml>{}</xml>", "a".repeat(MAX_BYTES));
    check_refused(large.as_bytes(), XmlErrorKind::TooLarge);
    let many = format!("<xml>{}</xml>", "<a/>".repeat(MAX_ELEMENTS));
    check_refused(many.as_bytes(), XmlErrorKind::TooLarge);
    let most = format!("<xml>{}</xml>", "<a/>".repeat(MAX_ELEMENTS - 1));
    assert_eq!(
        Document::parse(most.as_bytes())
            .unwrap()
            .root()
            .children()
            .count(),
        MAX_ELEMENTS - 1
    );
}

#[test]
fn depth_64_is_read_and_65_is_not() {
    let nested = |depth| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(Document::parse(nested(64).as_bytes()).is_ok());
    assert!(Document::parse(nested(65).as_bytes()).is_err());
}

fn corpus(folder: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("testdata/xml")
        .join(folder);
    let files: Vec<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read(path).unwrap()))
        .collect();
    assert!(files.len() >= 15, "the corpus is there");
    files
}

#[test]
fn the_good_corpus_is_read() {
    for (path, bytes) in corpus("good") {
        let read = Document::parse(&bytes);
        assert!(read.is_ok(), "{}: {read:?}", path.display());
        walk(read.unwrap().root());
    }
}

#[test]
fn the_bad_corpus_is_refused_quickly() {
    let files = corpus("bad");
    assert!(files.len() >= 40);
    for (path, bytes) in files {
        assert!(
            Document::parse(&bytes).is_err(),
            "{} was read",
            path.display()
        );
        let name = path.file_stem().unwrap().to_str().unwrap();
        let dtd = ["doctype", "xxe", "billion", "quadratic"]
            .iter()
            .any(|word| name.starts_with(word));
        if dtd {
            check_refused(&bytes, XmlErrorKind::Doctype);
        }
    }
}

fn walk(element: Element<'_, '_>) -> usize {
    let _ = (element.raw(), element.plain_bytes());
    assert_eq!(
        element.has_own_text(),
        !element.text().trim().is_empty(),
        "{element:?}"
    );
    1 + element.children().map(walk).sum::<usize>()
}

/// Looked at in one go or text by text, a document says the same.
#[track_caller]
fn check_whole(xml: &[u8]) {
    let (each, whole) = (Document::parse(xml), Document::parse_whole(xml));
    let (Ok(each), Ok(whole)) = (&each, &whole) else {
        assert_eq!(each.map(|_| ()).err(), whole.map(|_| ()).err());
        return;
    };
    let (mut one, mut other) = (Vec::new(), Vec::new());
    by_us(each.root(), &mut one);
    by_us(whole.root(), &mut other);
    assert_eq!(one, other);
    assert_eq!(walk(each.root()), walk(whole.root()));
}

#[test]
fn a_text_beside_the_fields_is_found() {
    for (xml, want) in [
        ("<xml><a>1</a>\n <b/>\r\n\t<c></c></xml>", false),
        ("<xml>\n<a><b>1</b>2</a >\n</xml>", false),
        ("<xml><!-- 1 --><a/> <![CDATA[ ]]>&#32;</xml>", false),
        ("<xml><a/>1</xml>", true),
        ("<xml>1<a></a></xml>", true),
        ("<xml><a>1</a>&lt;<b>2</b></xml>", true),
        ("<xml><a/><![CDATA[1]]><b/></xml>", true),
        ("<xml>\u{c}<a/></xml>", true),
    ] {
        let document = Document::parse_whole(xml.as_bytes()).unwrap();
        assert_eq!(document.root().has_own_text(), want, "{xml}");
    }
}

#[test]
fn only_what_every_reader_takes_is_clean() {
    for (xml, want) in [
        (&b"<xml><a>\xe4\xbd\xa0 &amp; 1</a></xml>"[..], true),
        (b"<?xml version=\"1.0\" encoding=\"UTF-8\"?><xml/>", true),
        (b"<xml><a>&#65;</a></xml>", false),
        (b"<xml><a>\x08</a></xml>", false),
        (b"<xml><a>\xef\xbf\xbe</a></xml>", false),
        (b"<xml><a>\xe5\xbf\xbe\xef\xbf\xbf</a></xml>", false),
        // U+5FFE and U+1FFFE end in the same bytes.
        ("<xml><a>\u{5ffe}\u{1fffe}\r\n\t</a></xml>".as_bytes(), true),
        (b"<xml><a>\xff</a></xml>", false),
        (b"<?xml version=\"1.0\" encoding=\"GBK\"?><xml/>", false),
    ] {
        assert_eq!(Document::parse_whole(xml).unwrap().is_clean(), want);
        check_whole(xml);
    }
}

/// The same document as quick-xml sees it: names and texts, flat.
fn by_quick_xml(xml: &str) -> Vec<(String, String)> {
    let mut reader = quick_xml::Reader::from_str(xml);
    let mut open: Vec<usize> = Vec::new();
    let mut out: Vec<(String, String)> = Vec::new();
    loop {
        match reader.read_event().unwrap() {
            Event::Start(tag) => {
                open.push(out.len());
                out.push((tag.name().as_ref().to_owned(), String::new()));
            }
            Event::Empty(tag) => {
                out.push((tag.name().as_ref().to_owned(), String::new()));
            }
            Event::End(_) => {
                open.pop();
            }
            Event::Text(text) => {
                if let Some(at) = open.last() {
                    out[*at].1.push_str(&text);
                }
            }
            Event::CData(text) => {
                let at = *open.last().unwrap();
                out[at].1.push_str(&text);
            }
            Event::GeneralRef(reference) => {
                let at = *open.last().unwrap();
                let name = reference.to_string();
                let whole = format!("&{name};");
                let (character, _) = text::reference(whole.as_bytes()).unwrap();
                out[at].1.push(character);
            }
            Event::Eof => return out,
            _ => {}
        }
    }
}

fn by_us(element: Element<'_, '_>, out: &mut Vec<(String, String)>) {
    out.push((element.name().to_owned(), element.text().into_owned()));
    for child in element.children() {
        by_us(child, out);
    }
}

#[derive(Debug, Clone)]
enum Tree {
    Text(&'static str, String),
    Cdata(&'static str, String),
    Number(&'static str, i64),
    Group(&'static str, Vec<Tree>),
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "ab",
        "ToUserName",
        "Content",
        "item",
        "内容",
        "x-1",
        "y.z",
        "_",
    ])
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        prop::collection::vec(
            prop::sample::select(vec![
                "]]>",
                "]",
                ">",
                "<",
                "&",
                "\u{8}",
                "\0",
                "\u{fffe}",
                "你",
                "😀",
                "<![CDATA[",
                "\n"
            ]),
            0..8,
        )
        .prop_map(|pieces| pieces.concat()),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        (name(), words()).prop_map(|(name, text)| Tree::Text(name, text)),
        (name(), words()).prop_map(|(name, text)| Tree::Cdata(name, text)),
        (name(), any::<i64>()).prop_map(|(name, number)| Tree::Number(name, number)),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        (name(), prop::collection::vec(inner, 0..5))
            .prop_map(|(name, trees)| Tree::Group(name, trees))
    })
}

fn write(tree: &Tree, out: &mut Writer) {
    match tree {
        Tree::Text(name, text) => {
            out.text(name, text);
        }
        Tree::Cdata(name, text) => {
            out.cdata(name, text);
        }
        Tree::Number(name, number) => {
            out.number(name, number);
        }
        Tree::Group(name, trees) => {
            out.open(name);
            for tree in trees {
                write(tree, out);
            }
            out.close(name);
        }
    }
}

/// What must be read back.
fn expect(tree: &Tree, out: &mut Vec<(String, String)>) {
    let clean = |text: &str| -> String {
        text.chars()
            .map(|each| if is_xml_char(each) { each } else { '\u{fffd}' })
            .collect()
    };
    match tree {
        Tree::Text(name, text) | Tree::Cdata(name, text) => {
            out.push(((*name).to_owned(), clean(text)));
        }
        Tree::Number(name, number) => out.push(((*name).to_owned(), number.to_string())),
        Tree::Group(name, trees) => {
            out.push(((*name).to_owned(), String::new()));
            for tree in trees {
                expect(tree, out);
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(tree in tree()) {
        let mut writer = Writer::new();
        writer.open("xml");
        write(&tree, &mut writer);
        writer.close("xml");
        let xml = writer.finish();
        prop_assert!(xml.chars().all(is_xml_char));
        let mut want = vec![("xml".to_owned(), String::new())];
        expect(&tree, &mut want);
        let document = Document::parse(xml.as_bytes()).unwrap();
        let mut ours = Vec::new();
        by_us(document.root(), &mut ours);
        prop_assert_eq!(&ours, &want);
        prop_assert_eq!(by_quick_xml(&xml), want);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        check_whole(&bytes);
        let text = [b"<xml><a>", &*bytes, b"</a></xml>"].concat();
        check_whole(&text);
    }

    #[test]
    fn any_markup_is_read_or_refused(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "<a>", "</a>", "<b", ">", "/>", "<!--", "-->", "<![CDATA[", "]]>", "&amp;", "&", ";",
                "x", " ", "=", "\"", "<?", "?>", "<!DOCTYPE", "&#65;", "你", "\n", "<", "]",
            ]),
            0..40,
        ),
    ) {
        let xml = pieces.concat();
        check_whole(xml.as_bytes());
        if let Ok(document) = Document::parse(xml.as_bytes()) {
            walk(document.root());
            // What we read, quick-xml reads too.
            let mut ours = Vec::new();
            by_us(document.root(), &mut ours);
            let theirs = by_quick_xml(xml.trim_start_matches('\u{feff}'));
            prop_assert_eq!(ours.len(), theirs.len());
        }
    }
}

#[test]
fn a_prefix_never_reads_as_the_whole() {
    let xml = "<xml><ToUserName><![CDATA[gh_97417a04a28d]]></ToUserName><a>1&lt;</a>\
               <b c=\"d\"/><!-- e --></xml>";
    for cut in 1..xml.len() {
        check_refused(&xml.as_bytes()[..cut], XmlErrorKind::CutOff);
    }
}
