//! Typed calls with what the platform really answers.

use xinqiao::{
    Client, Error,
    official_account::{material, media, user},
    token::StaticToken,
    transport::{BoxFuture, Incoming, Outgoing, Transport, TransportError},
};

/// Answers everything with the same bytes.
#[derive(Debug)]
struct Bytes(&'static str, &'static [u8]);

impl Transport for Bytes {
    fn send(&self, _: Outgoing) -> BoxFuture<'_, Result<Incoming, TransportError>> {
        Box::pin(async move {
            let mut headers = http::HeaderMap::new();
            headers.insert("content-type", self.0.parse().unwrap());
            Ok(Incoming {
                status: 200,
                headers,
                body: self.1.into(),
            })
        })
    }
}

fn answered(kind: &'static str, body: &'static [u8]) -> Client {
    let client = Client::builder("wx0123456789abcdef");
    let client = client.tokens(StaticToken::new("80_given"));
    client.transport(Bytes(kind, body)).build().unwrap()
}

const KINDS: [&str; 4] = [
    "text/plain",
    "image/jpeg",
    "application/json; encoding=utf-8",
    "video/mp4",
];

#[tokio::test]
async fn raw_control_and_broken_characters_cost_no_typed_answer() {
    let client = answered(
        "application/json",
        b"{\"subscribe\":1,\"openid\":\"o2\",\"nickname\":\"a\x07b\",\"city\":\"\x08\",\"province\":\"\xff\xfe\",\
          \"headimgurl\":\"http:\\/\\/wx.qlogo.cn\\/x\",\"remark\":\"\\u0007\"}",
    );
    let info = client.send(user::Info::new("o2")).await.unwrap();
    assert_eq!(info.nickname.as_deref(), Some("a b"));
    assert_eq!(info.province.as_deref(), Some("\u{fffd}\u{fffd}"));
    assert_eq!(info.head_img_url.as_deref(), Some("http://wx.qlogo.cn/x"));
    assert_eq!(info.remark.as_deref(), Some("\u{7}"));

    let client = answered(
        "application/json",
        b"{\"errmsg\":\"\xb2\xce\",\"errcode\":40003}",
    );
    let error = client.send(user::Info::new("o2")).await.unwrap_err();
    assert_eq!(error.code().map(|code| code.0), Some(40003));
}

#[tokio::test]
async fn a_pointer_is_typed_and_an_error_is_an_error() {
    for kind in KINDS {
        let client = answered(kind, br#"{"video_url":"http://v/x"}"#);
        let film = client.send(media::Get::new("m")).await.unwrap();
        assert_eq!(film.video_url.as_deref(), Some("http://v/x"), "{kind}");
        assert!(film.file.bytes.is_empty());
        let error = client.send(media::Get::new("m")).stream().await;
        assert_eq!(error.unwrap_err().url(), Some("http://v/x"));

        let client = answered(
            kind,
            br#"{"title":"t","description":"d","down_url":"http://v/x"}"#,
        );
        let film = client.send(material::GetMaterial::new("m")).await.unwrap();
        assert_eq!(film.title.as_deref(), Some("t"));
        assert_eq!(film.down_url.as_deref(), Some("http://v/x"));

        let client = answered(kind, br#"{"news_item":[{"title":"n"}]}"#);
        let news = client.send(material::GetMaterial::new("m")).await.unwrap();
        assert_eq!(news.news_item.unwrap()[0].title.as_str(), "n");

        let client = answered(kind, br#"{"errcode":40007,"errmsg":"invalid media_id"}"#);
        let error = client.send(media::Get::new("m")).await.unwrap_err();
        assert_eq!(error.code().map(|code| code.0), Some(40007), "{kind}");

        let client = answered(kind, br#"{"errcode":0}"#);
        let error = client.send(media::Get::new("m")).await.unwrap_err();
        assert!(matches!(error, Error::Decode { .. }), "{error}");

        let client = answered(kind, b"\xff\xd8\xff\xe0pixels");
        let picture = client.send(media::Get::new("m")).await.unwrap();
        assert_eq!(picture.file.bytes, b"\xff\xd8\xff\xe0pixels");
        assert_eq!(picture.video_url, None);
    }
}
